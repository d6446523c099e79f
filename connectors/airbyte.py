"""Airbyte: connections with source, destination, schedule and last job, and the tables they write.

Lists come by pages of 100. Of a configuration only the names of database and schema are read.

Source: https://reference.airbyte.com/reference/getting-started (createAccessToken, listSources, listDestinations,
listConnections, listJobs) and https://docs.airbyte.com/platform/using-airbyte/core-concepts/namespaces
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from connectors.http import Api
from connectors.http_source import HttpSource, created, left_out
from connectors.records import Asset, Lineage, Progress, Record, Ref, Unread
from connectors.settings import setting
from connectors.shape import well_formed

PAGE = 100


@dataclass(frozen=True, slots=True)
class Settings:
    """The API's address and an application's credential."""

    client_id: str = setting("Client", "Of an application, made under Settings, Applications")
    client_secret: str = setting("Client secret", secret=True)
    url: str = setting(
        "Address", "Of the API, for example https://api.airbyte.com", default="https://api.airbyte.com"
    )
    prefix: str = setting("Path", "/api/public on a server of your own, empty in the cloud", default="")
    plain_http: bool = setting("Without TLS", "Only inside your own network", kind="bool", default=False)


class Airbyte(HttpSource):
    """One Airbyte server or organisation."""

    name: ClassVar[str] = "airbyte"
    title: ClassVar[str] = "Airbyte"
    extracts: ClassVar[tuple[str, ...]] = ("job",)
    settings: ClassVar[type[Any]] = Settings
    grant_script: ClassVar[str] = (
        "-- In Airbyte: an application of a user with the Reader role in the workspaces to be read.\n"
    )

    def __init__(self, settings: Settings) -> None:
        self._at = settings
        self._base = f"{settings.prefix.rstrip('/')}/v1"

    def check(self) -> str:
        """That the credential is good. Raises SourceError."""
        with self._open() as api:
            found = api.get(f"{self._base}/workspaces", {"limit": PAGE, "offset": 0}).get("data") or ()
        return f"Airbyte answers: {len(found)}{'+' if len(found) == PAGE else ''} workspaces"

    @well_formed
    def extract(self) -> Iterator[Record]:
        """Each connection, then the tables that it writes. Raises SourceError."""
        with self._open() as api:
            unread: list[str] = []
            facts: list[str] = []
            sources: dict[str, dict[str, Any]] = {}
            destinations: dict[str, dict[str, Any]] = {}
            newest: dict[str, Mapping[str, Any]] = {}
            with left_out(facts, "sources"):
                sources = {each["sourceId"]: each for each in self._all(api, "sources", "sourceId")}
            with left_out(unread, "destinations, and where connections write"):
                found = self._all(api, "destinations", "destinationId")
                destinations = {each["destinationId"]: each for each in found}
            with left_out(facts, "the last jobs of connections"):
                newest = self._newest_jobs(api)
            yield Progress("connections", 0)
            connections = list(self._all(api, "connections", "connectionId"))
            for each in connections:
                yield _job(each, sources, destinations, newest.get(each["connectionId"], {}))
            for what in (*facts, *unread):
                yield Unread(what, what in unread)
        for each in connections:
            yield from _writes(each, destinations.get(each.get("destinationId", ""), {}))

    def _newest_jobs(self, api: Api) -> dict[str, Mapping[str, Any]]:
        """The newest of the last five hundred jobs of each connection."""
        newest: dict[str, Mapping[str, Any]] = {}
        offset = 0
        while offset < 500:
            params = {"limit": PAGE, "offset": offset, "orderBy": "createdAt|DESC"}
            page = api.get(f"{self._base}/jobs", params, optional=True) or {}
            for job in page.get("data") or ():
                if job.get("jobType") not in ("reset", "clear"):  # which take data away
                    newest.setdefault(job.get("connectionId"), job)
            if not page.get("next") or not page.get("data"):
                break
            offset += len(page["data"])
        return newest

    def _all(self, api: Api, path: str, key: str) -> Iterator[dict[str, Any]]:
        """Every row of a list. Airbyte's have no order and no count; `next` stands on every page that has rows."""
        return api.overlapping(
            f"{self._base}/{path}",
            lambda page: page.get("data") or (),
            {},
            key=key,
            size=PAGE,
            what=path,
            more=lambda page: bool(page.get("next")),
        )

    def _open(self) -> Api:
        return Api(self._at.url, self._sign_in, title="Airbyte", plain_http=self._at.plain_http)

    def _sign_in(self) -> Mapping[str, str]:
        """A token of 15 minutes; the client asks for another when it ran out."""
        body = {
            "client_id": self._at.client_id,
            "client_secret": self._at.client_secret,
            "grant-type": "client_credentials",
        }
        with Api(self._at.url, dict, title="Airbyte", plain_http=self._at.plain_http) as api:
            made = api.credential(f"{self._base}/applications/token", body)
        return {"Authorization": f"Bearer {made['access_token']}"}


def _job(
    each: Mapping[str, Any],
    sources: Mapping[str, Mapping[str, Any]],
    destinations: Mapping[str, Mapping[str, Any]],
    job: Mapping[str, Any],
) -> Asset:
    source = sources.get(each.get("sourceId", ""), {})
    destination = destinations.get(each.get("destinationId", ""), {})
    schedule = each.get("schedule") or {}
    facts = {
        "from": source.get("name"),
        "from_type": source.get("sourceType"),
        "to": destination.get("name"),
        "to_type": destination.get("destinationType"),
        "schedule": schedule.get("cronExpression")
        or schedule.get("basicTiming")
        or schedule.get("scheduleType"),
        "status": each.get("status"),
        "last_status": job.get("status"),
        "last_run": job.get("startTime"),
        "streams": str(len(_streams(each))),
    }
    properties = {key: str(value) for key, value in facts.items() if value} | created(each.get("createdAt"))
    tags = tuple(tag["name"] for tag in each.get("tags") or () if tag.get("name"))
    name = each.get("name") or each["connectionId"]
    return Asset("job", each["connectionId"], name, tags=tags, properties=properties)


def _streams(each: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = (each.get("configurations") or {}).get("streams") or []
    return [stream for stream in found if stream.get("name")]


def _writes(each: Mapping[str, Any], destination: Mapping[str, Any]) -> Iterator[Lineage]:
    """An edge to each stream's table, where the schema that it lands in is told."""
    configuration = destination.get("configuration") or {}
    schema = configuration.get("schema") or configuration.get("dataset_id")
    database = configuration.get("database") or configuration.get("project_id")
    for stream in _streams(each):
        source = stream.get("namespace")
        lands = schema
        if each.get("namespaceDefinition") == "source":
            lands = source or schema
        elif each.get("namespaceDefinition") == "custom_format":
            lands = (each.get("namespaceFormat") or "").replace("${SOURCE_NAMESPACE}", source or "") or schema
        if lands and "$" not in lands:
            down = Ref(database=database, schema=lands, table=f"{each.get('prefix') or ''}{stream['name']}")
            yield Lineage(Ref(key=each["connectionId"]), down, "airbyte")
