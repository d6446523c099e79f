"""Dagster: assets with their dependencies, jobs, schedules and last runs.

Three GraphQL queries, whatever the number of assets. Metadata entries and run configurations hold values and are not
part of them.

Source: https://docs.dagster.io/api/graphql and the schema in https://github.com/dagster-io/dagster
(js_modules/dagster-ui/packages/ui-core/src/graphql/schema.graphql). `kinds` came with Dagster 1.8, so that an older
server refuses the query: it is asked once more without.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from connectors.errors import PermissionMissing, SourceInterrupted, UnreachableSource
from connectors.http import Api
from connectors.http_source import HttpSource
from connectors.records import Asset, Lineage, Progress, Record, Ref
from connectors.settings import setting
from connectors.warehouse import moment

ASSETS = """query { assetNodes { assetKey { path } description groupName kinds jobNames isPartitioned
  tags { key value } owners { __typename ... on UserAssetOwner { email } ... on TeamAssetOwner { team } }
  dependencyKeys { path } } }"""
JOBS = """query { repositoriesOrError { __typename ... on RepositoryConnection { nodes { name location { name }
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
    settings: ClassVar[type[Any]] = Settings
    grant_script: ClassVar[str] = "-- In Dagster+: a user token of a service user with the Viewer role.\n"

    def __init__(self, settings: Settings) -> None:
        self._at = settings

    def check(self) -> str:
        """The version. Raises SourceError."""
        with self._open() as api:
            return f"Dagster {self._ask(api, 'query { version }').get('version', '?')}"

    def extract(self) -> Iterator[Record]:
        """Jobs, assets, then the edges. Raises SourceError."""
        with self._open() as api:
            yield Progress("jobs", 0)
            runs: dict[Any, Mapping[str, Any]] = {}
            for run in (self._ask(api, RUNS).get("runsOrError") or {}).get("results") or ():
                runs.setdefault(run.get("jobName"), run)
            repositories = self._ask(api, JOBS).get("repositoriesOrError") or {}
            if repositories.get("__typename", "").endswith("Error"):
                raise SourceInterrupted("Dagster cannot load its code locations; mend them and try again")
            for repository in repositories.get("nodes") or ():
                schedules = {each.get("pipelineName"): each for each in repository.get("schedules") or ()}
                for job in repository.get("jobs") or ():
                    if job.get("name") and not job["name"].startswith("__"):
                        yield _job(repository, job, schedules.get(job["name"], {}), runs.get(job["name"], {}))
            yield Progress("assets", 0)
            told = self._ask(api, ASSETS, ASSETS.replace(" kinds ", " ")).get("assetNodes") or ()
            assets = [each for each in told if (each.get("assetKey") or {}).get("path")]
        yield from map(_asset, assets)
        known = {_key(each["assetKey"]) for each in assets}
        for each in assets:
            for parent in each.get("dependencyKeys") or ():
                if parent.get("path") and _key(parent) in known:
                    yield Lineage(Ref(key=_key(parent)), Ref(key=_key(each["assetKey"])), "dagster")

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

    def _open(self) -> Api:
        headers = {"Dagster-Cloud-Api-Token": self._at.token} if self._at.token else {}
        return Api(self._at.url, lambda: headers, title="Dagster", plain_http=self._at.plain_http)


def _key(key: Mapping[str, Any]) -> str:
    return "asset/" + "/".join(key["path"])


def _asset(each: Mapping[str, Any]) -> Asset:
    owners = (one.get("email") or one.get("team") for one in each.get("owners") or ())
    tags = (
        f"{tag['key']}:{tag['value']}" if tag.get("value") else tag["key"]
        for tag in each.get("tags") or ()
        if tag.get("key")
    )
    facts = {
        "group": each.get("groupName"),
        "kinds": ", ".join(each.get("kinds") or ()),
        "jobs": ", ".join(name for name in each.get("jobNames") or () if not name.startswith("__")),
        "partitioned": "yes" if each.get("isPartitioned") else None,
    }
    return Asset(
        "dataset",
        _key(each["assetKey"]),
        "/".join(each["assetKey"]["path"]),
        description=each.get("description") or None,
        owners=tuple(owner for owner in owners if owner),
        tags=tuple(tags),
        properties={key: value for key, value in facts.items() if value},
    )


def _job(
    repository: Mapping[str, Any], job: Mapping[str, Any], schedule: Mapping[str, Any], run: Mapping[str, Any]
) -> Asset:
    facts = {
        "location": (repository.get("location") or {}).get("name"),
        "schedule": schedule.get("cronSchedule"),
        "schedule_status": (schedule.get("scheduleState") or {}).get("status"),
        "last_status": run.get("status"),
    }
    return Asset(
        "job",
        f"job/{job['name']}",
        job["name"],
        description=job.get("description") or None,
        changed_at=moment(run.get("endTime")),
        properties={key: str(value) for key, value in facts.items() if value},
    )
