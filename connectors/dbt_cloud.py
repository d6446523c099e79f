"""dbt Cloud: jobs with schedule and last run, and each project's models from the newest run that has a manifest.

The lists of jobs and runs come by pages of 100; of each project one manifest is read, by `connectors.dbt`. Logs,
results and environment variables are never asked for.

Source: https://docs.getdbt.com/dbt-cloud/api-v2 (accounts, jobs, runs, artifacts) and its OpenAPI file,
https://github.com/dbt-labs/dbt-cloud-openapi-spec. A job of state 2 is deleted and still listed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from connectors.dbt_project import Project
from connectors.http import LEFT_OUT, Api, Length
from connectors.http_source import HttpSource, left_out
from connectors.records import Asset, Lineage, Progress, Record, Ref, Unread
from connectors.settings import setting
from connectors.shape import well_formed
from connectors.warehouse import moment, number

PAGE = 100


@dataclass(frozen=True, slots=True)
class Settings:
    """The access address of the account, its number and a service token."""

    account: int = setting("Account", "Its number, as in the address of its pages", kind="int")
    token: str = setting("Service token", "With the Read-Only or Metadata permission", secret=True)
    url: str = setting(
        "Access address", "For example https://ab123.us1.dbt.com", default="https://cloud.getdbt.com"
    )


class DbtCloud(HttpSource):
    """One account of dbt Cloud."""

    name: ClassVar[str] = "dbt_cloud"
    title: ClassVar[str] = "dbt Cloud"
    extracts: ClassVar[tuple[str, ...]] = (
        "job",
        "model",
        "dataset",
        "metric",
        "dashboard",
        "document",
        "column",
    )
    settings: ClassVar[type[Any]] = Settings
    grant_script: ClassVar[str] = (
        "-- In dbt Cloud: Account settings, Service tokens, a token with 'Read-Only' on the projects to be read.\n"
    )

    def __init__(self, settings: Settings) -> None:
        self._at = settings
        self._base = f"/api/v2/accounts/{settings.account}"

    def check(self) -> str:
        """The account's name. Raises SourceError."""
        with self._open() as api:
            return (
                f"dbt Cloud answers: account {(api.get(f'{self._base}/').get('data') or {}).get('name', '?')}"
            )

    @well_formed
    def extract(self) -> Iterator[Record]:
        """Jobs, then each project's models and edges. Raises SourceError."""
        with self._open() as api:
            listed = self._all(api, "jobs", {"order_by": "id"})
            jobs = {job["id"]: job for job in listed if job.get("state") not in (2, "2")}
            unread: list[str] = []
            runs: list[dict[str, Any]] = []
            with left_out(unread, "runs, and the models that they built"):
                runs = self._newest_runs(api)
            by_job: dict[Any, Mapping[str, Any]] = {}
            good: dict[Any, list[Mapping[str, Any]]] = {}
            for run in runs:
                by_job.setdefault(_job_of(run), run)
                passing = _job_of(run) in jobs and _of_a_change(jobs[_job_of(run)])
                if (run.get("is_success") or run.get("status") == 10) and not passing:
                    good.setdefault(run.get("project_id"), []).append(run)
            production = self._production(api)
            for job in jobs.values():
                yield self._job(job, by_job.get(job["id"], {}))
            for done, candidates in enumerate(good.values(), start=1):
                yield Progress("projects", done, len(good))
                candidates.sort(key=lambda run: run.get("environment_id") not in production)
                newest: Mapping[str, Any] = {}
                manifest: dict[str, Any] | None = None
                catalog: Any = {}
                results: Any = {}
                with left_out(unread, "the artifacts of runs"):
                    newest, manifest = self._manifest(api, candidates[:10])
                    results = api.document(self._artifact(newest, "run_results.json")) if manifest else {}
                    catalog = api.document(self._artifact(newest, "catalog.json")) if manifest else {}
                if manifest:
                    whole = Project(manifest, catalog or {}, results or {})
                    for stage in whole.stages():
                        yield from stage()
                    for name, model in (manifest.get("nodes") or {}).items():
                        if model.get("resource_type") == "model" and _job_of(newest) in jobs:
                            yield Lineage(Ref(key=f"job/{_job_of(newest)}"), Ref(key=name), "dbt_cloud")
            for what in dict.fromkeys(unread):
                yield Unread(what)

    def _production(self, api: Api) -> set[Any]:
        """The environments that are marked as production."""
        try:
            listed = list(self._all(api, "environments", {"order_by": "id"}, optional=True))
        except LEFT_OUT:
            return set()
        return {each.get("id") for each in listed if each.get("deployment_type") == "production"}

    def _manifest(
        self, api: Api, runs: list[Mapping[str, Any]]
    ) -> tuple[Mapping[str, Any], dict[str, Any] | None]:
        """The newest of these runs that kept a manifest."""
        for run in runs:
            found = api.document(self._artifact(run, "manifest.json"))
            if found:
                return run, found
        return {}, None

    def _artifact(self, run: Mapping[str, Any], name: str) -> str:
        return f"{self._base}/runs/{run['id']}/artifacts/{name}"

    def _newest_runs(self, api: Api) -> list[dict[str, Any]]:
        """The last five hundred runs, newest first."""
        found: list[dict[str, Any]] = []
        for run in self._all(api, "runs", {"order_by": "-id"}):
            found.append(run)
            if len(found) == 500:
                break
        return found

    def _all(
        self, api: Api, path: str, params: Mapping[str, Any], *, optional: bool = False
    ) -> Iterator[dict[str, Any]]:
        seen, length = 0, Length("dbt Cloud", path)

        def after(page: Mapping[str, Any]) -> Mapping[str, Any] | None:
            rows = page.get("data") or ()
            told = ((page.get("extra") or {}).get("pagination") or {}).get("total_count")
            whole = length.told(number(told))
            more = len(rows) == PAGE if told is None else bool(rows) and seen < whole
            return {"offset": seen} if more else None

        given = {"limit": PAGE, "offset": 0, **params}
        for page in api.pages(f"{self._base}/{path}/", after, given, optional=optional):
            seen += len(page.get("data") or ())
            yield from page.get("data") or ()

    def _job(self, job: Mapping[str, Any], run: Mapping[str, Any]) -> Asset:
        schedule = job.get("schedule") or {}
        facts = {
            "schedule": schedule.get("cron") if (job.get("triggers") or {}).get("schedule") else None,
            "last_status": run.get("status_humanized"),
            "last_run": run.get("started_at"),
            "last_end": run.get("finished_at"),
            "commands": str(len(job.get("execute_steps") or ())),
        }
        pages = f"{self._at.url.rstrip('/')}/deploy/{self._at.account}"
        return Asset(
            "job",
            f"job/{job['id']}",
            job.get("name") or f"Job {job['id']}",
            description=job.get("description") or None,
            url=f"{pages}/projects/{job['project_id']}/jobs/{job['id']}" if job.get("project_id") else None,
            changed_at=moment(job.get("updated_at")),
            properties={key: str(value) for key, value in facts.items() if value},
        )

    def _open(self) -> Api:
        headers = {"Authorization": f"Bearer {self._at.token}"}
        return Api(self._at.url, lambda: headers, title="dbt Cloud")


def _job_of(run: Mapping[str, Any]) -> Any:
    return run.get("job_definition_id") or run.get("job_id")


def _of_a_change(job: Mapping[str, Any]) -> bool:
    """Does it try a pull request? It builds into a schema of its own, and often a part of the project only."""
    triggers = job.get("triggers") or {}
    hooks = triggers.get("github_webhook") or triggers.get("git_provider_webhook")
    return job["job_type"] in ("ci", "merge") if job.get("job_type") else bool(hooks)
