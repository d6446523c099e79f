"""Dagster: assets with their dependencies, the jobs that make them, schedules and last runs.

Three GraphQL queries, whatever the number of assets. Metadata entries and run configurations hold values and are not
part of them. A code location that does not load leaves its jobs and assets out of every list without a word: a run ends
there, so that the catalog keeps them.

Source: https://docs.dagster.io/api/graphql and the schema in https://github.com/dagster-io/dagster
(js_modules/dagster-ui/packages/ui-core/src/graphql/schema.graphql). `kinds` came with Dagster 1.8, so that an older
server refuses the query: it is asked once more without.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import quote

from connectors.errors import PermissionMissing, SourceInterrupted, UnreachableSource
from connectors.http import Api
from connectors.http_source import HttpSource
from connectors.records import Asset, Lineage, Progress, Record, Ref
from connectors.settings import setting
from connectors.shape import well_formed
from connectors.warehouse import moment

ASSETS = """query { assetNodes { assetKey { path } description groupName kinds jobNames isPartitioned
  tags { key value } owners { __typename ... on UserAssetOwner { email } ... on TeamAssetOwner { team } }
  repository { name location { name } } dependencyKeys { path } } }"""
JOBS = """query { workspaceOrError { __typename
  ... on Workspace { locationEntries { name locationOrLoadError { __typename } } } }
  repositoriesOrError { __typename ... on RepositoryConnection { nodes { name location { name }
  jobs { name description isAssetJob } schedules { pipelineName cronSchedule scheduleState { status } } } } } }"""
RUNS = """query { runsOrError(limit: 500) { __typename
  ... on Runs { results { jobName status startTime endTime } } } }"""


@dataclass(frozen=True, slots=True)
class Settings:
    """The webserver's address, and a token for Dagster+."""

    url: str = setting(
        "Address", "For example https://dagster.example.org or https://acme.dagster.cloud/prod"
    )
    token: str = setting("User token", "For Dagster+", secret=True, default="")
    plain_http: bool = setting("Without TLS", "Only inside your own network", kind="bool", default=False)


class Dagster(HttpSource):
    """One Dagster deployment."""

    name: ClassVar[str] = "dagster"
    title: ClassVar[str] = "Dagster"
    extracts: ClassVar[tuple[str, ...]] = ("job", "dataset")
    verified: ClassVar[str] = "real"
    settings: ClassVar[type[Any]] = Settings
    grant_script: ClassVar[str] = "-- In Dagster+: a user token of a service user with the Viewer role.\n"

    def __init__(self, settings: Settings) -> None:
        self._at = settings

    def check(self) -> str:
        """The version. Raises SourceError."""
        with self._open() as api:
            return f"Dagster {self._ask(api, 'query { version }').get('version', '?')}"

    @well_formed
    def extract(self) -> Iterator[Record]:
        """Jobs, assets, then the edges. Raises SourceError."""
        with self._open() as api:
            yield Progress("jobs", 0)
            runs: dict[Any, Mapping[str, Any]] = {}
            for run in (self._ask(api, RUNS).get("runsOrError") or {}).get("results") or ():
                runs.setdefault(run.get("jobName"), run)
            told = self._ask(api, JOBS)
            repositories = told.get("repositoriesOrError") or {}
            broken = _broken(told.get("workspaceOrError") or {})
            if broken or repositories.get("__typename", "").endswith("Error"):
                # what is defined there is not gone, only unreadable just now
                which = f"the code location {broken!r}" if broken else "its code locations"
                raise SourceInterrupted(f"Dagster cannot load {which}; mend that and try again")
            found = [
                (_place(repository), repository, job)
                for repository in repositories.get("nodes") or ()
                for job in repository.get("jobs") or ()
                if job.get("name") and not job["name"].startswith("__")
            ]
            names = [job["name"] for _, _, job in found]
            keys = {
                (place, job["name"]): f"job/{job['name']}"
                if names.count(job["name"]) == 1
                else f"job/{place}/{job['name']}"
                for place, _, job in found
            }
            for place, repository, job in found:
                yield self._job(keys[place, job["name"]], place, repository, job, runs.get(job["name"], {}))
            yield Progress("assets", 0)
            nodes = self._ask(api, ASSETS, ASSETS.replace(" kinds ", " ")).get("assetNodes") or ()
            assets = [each for each in nodes if (each.get("assetKey") or {}).get("path")]
        yield from map(self._asset, assets)
        known = {_key(each["assetKey"]) for each in assets}
        for each in assets:
            here = Ref(key=_key(each["assetKey"]))
            for parent in each.get("dependencyKeys") or ():
                if parent.get("path") and _key(parent) in known:
                    yield Lineage(Ref(key=_key(parent)), here, "dagster")
            for name in each.get("jobNames") or ():
                if maker := keys.get((_place(each.get("repository") or {}), name)):
                    yield Lineage(Ref(key=maker), here, "dagster")

    def _ask(self, api: Api, query: str, older: str | None = None) -> dict[str, Any]:
        """The data; where the server refuses `query`, that of `older`."""
        try:
            answer = api.ask("/graphql", {"query": query})
        except UnreachableSource:  # 400 for a field that it does not have
            if older is None:
                raise
            answer = {}
        if older and not answer.get("data"):
            answer = api.ask("/graphql", {"query": older})
        if answer.get("data") is None or (answer.get("errors") and not answer["data"]):
            raise PermissionMissing("Dagster does not answer this query; the token may lack the Viewer role")
        data: dict[str, Any] = answer["data"]
        return data

    def _asset(self, each: Mapping[str, Any]) -> Asset:
        owners = (one.get("email") or one.get("team") for one in each.get("owners") or ())
        tags = (
            f"{tag['key']}:{tag['value']}" if tag.get("value") else tag["key"]
            for tag in each.get("tags") or ()
            if tag.get("key") and not tag["key"].startswith("dagster/")  # Dagster's own; kinds come as such
        )
        facts = {
            "group": each.get("groupName"),
            "kinds": ", ".join(each.get("kinds") or ()),
            "jobs": ", ".join(name for name in each.get("jobNames") or () if not name.startswith("__")),
            "partitioned": "yes" if each.get("isPartitioned") else None,
        }
        path = each["assetKey"]["path"]
        return Asset(
            "dataset",
            _key(each["assetKey"]),
            "/".join(path),
            description=each.get("description") or None,
            owners=tuple(owner for owner in owners if owner),
            tags=tuple(tags),
            url=f"{self._at.url.rstrip('/')}/assets/{'/'.join(quote(part, safe='') for part in path)}",
            properties={key: value for key, value in facts.items() if value},
        )

    def _job(
        self,
        key: str,
        place: str,
        repository: Mapping[str, Any],
        job: Mapping[str, Any],
        run: Mapping[str, Any],
    ) -> Asset:
        schedules = [
            each for each in repository.get("schedules") or () if each.get("pipelineName") == job["name"]
        ]
        states = {str((each.get("scheduleState") or {}).get("status") or "") for each in schedules} - {""}
        facts = {
            "location": (repository.get("location") or {}).get("name"),
            "schedule": "; ".join(each["cronSchedule"] for each in schedules if each.get("cronSchedule")),
            "schedule_status": ", ".join(sorted(states)),
            "last_status": run.get("status"),
            "last_run": moment(run.get("startTime")),
        }
        pages = f"{self._at.url.rstrip('/')}/locations/{quote(place)}/jobs/{quote(job['name'])}"
        return Asset(
            "job",
            key,
            job["name"],
            description=job.get("description") or None,
            url=pages if place else None,
            changed_at=moment(run.get("endTime")),
            properties={key: str(value) for key, value in facts.items() if value},
        )

    def _open(self) -> Api:
        headers = {"Dagster-Cloud-Api-Token": self._at.token} if self._at.token else {}
        return Api(self._at.url, lambda: headers, title="Dagster", plain_http=self._at.plain_http)


def _broken(workspace: Mapping[str, Any]) -> str | None:
    """The first code location that could not be loaded. Its jobs and assets are left out of every list."""
    for each in workspace.get("locationEntries") or ():
        if (each.get("locationOrLoadError") or {}).get("__typename", "").endswith("Error"):
            return str(each.get("name") or "?")
    return None


def _key(key: Mapping[str, Any]) -> str:
    return "asset/" + "/".join(key["path"])


def _place(repository: Mapping[str, Any]) -> str:
    """How the pages of Dagster name a repository of a code location; what has no name of its own is left out."""
    location, name = (repository.get("location") or {}).get("name") or "", repository.get("name") or ""
    return location if name in ("", "__repository__") else f"{name}@{location}"
