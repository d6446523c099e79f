"""Prefect: flows and deployments as jobs, their schedules and last runs, and the assets that they make.

Lists by pages of the server's own length (a server may allow fewer than its default of 200, and refuses who asks for
more). The last run of every deployment is asked for 50 deployments at a time: each answer is the newest runs of those
that are still without one, so there are as many requests as it takes and never more than one a deployment. Assets are
known only by events, of which those of 30 days are read. Where the role may see no events that part alone is left out.

Values: answers about deployments, runs and events have parameters, states' messages and payloads in them, which the API
cannot be told to leave out. They are dropped unread: of parameters the names and types remain. Logs, artifacts, blocks,
variables and results are never asked for.

Source: https://docs.prefect.io/v3/api-ref/rest-api (the OpenAPI document of a server of 3.8), for events of assets
https://docs.prefect.io/v3/concepts/assets; keys of tables as prefect-dbt writes them (adapter://database/schema/table).
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

from connectors.errors import BadSettings, SourceInterrupted
from connectors.http import LEFT_OUT, Api, Length
from connectors.http_source import HttpSource
from connectors.records import Asset, Lineage, Progress, Record, Ref, Unread
from connectors.settings import setting
from connectors.shape import well_formed
from connectors.warehouse import moment

DAYS = 30
AT_ONCE = 50
WAREHOUSES = {"postgres", "postgresql", "redshift", "snowflake", "bigquery", "databricks", "trino", "athena"}
MADE = "prefect.asset.materialization.succeeded"
USED = "prefect.asset.referenced"


@dataclass(frozen=True, slots=True)
class Settings:
    """The address of the API, with a key of Prefect Cloud or the word of a server of one's own."""

    url: str = setting(
        "Address of the API",
        "As in PREFECT_API_URL: https://prefect.example.org/api or "
        "https://api.prefect.cloud/api/accounts/ACCOUNT/workspaces/WORKSPACE",
    )
    token: str = setting("API key", "Of Prefect Cloud", secret=True, default="")
    auth_string: str = setting(
        "User and password",
        "user:password, where the server has server.api.auth_string",
        secret=True,
        default="",
    )
    plain_http: bool = setting("Without TLS", "Only inside your own network", kind="bool", default=False)


class Prefect(HttpSource):
    """One Prefect server, or one workspace of Prefect Cloud."""

    name: ClassVar[str] = "prefect"
    title: ClassVar[str] = "Prefect"
    extracts: ClassVar[tuple[str, ...]] = ("job", "dataset")
    verified: ClassVar[str] = "real"
    settings: ClassVar[type[Any]] = Settings
    grant_script: ClassVar[str] = (
        "-- In Prefect Cloud: a service account with the workspace role Viewer, and its API key.\n"
        "-- A server of your own knows no roles: its auth string, which may do everything; Docent only reads.\n"
    )

    def __init__(self, settings: Settings) -> None:
        """BadSettings where both credentials are given."""
        if settings.token and settings.auth_string:
            raise BadSettings("give 'token' for Prefect Cloud or 'auth_string' for a server, not both")
        self._at = settings

    def check(self) -> str:
        """How many flows there are. Raises SourceError."""
        with self._open() as api:
            return f"Prefect answers: {api.ask('/flows/count', {})} flows"

    @well_formed
    def extract(self) -> Iterator[Record]:
        """Flows, their deployments, assets, then the edges. Raises SourceError."""
        with self._open() as api:
            yield Progress("flows", 0)
            flows = self._all(api, "flows", "NAME_ASC")
            for flow in flows.values():
                yield self._flow(flow)
            yield Progress("deployments", 0)
            deployments = self._all(api, "deployments", "CREATED_DESC")
            for start in range(0, len(deployments), AT_ONCE):
                few = dict(list(deployments.items())[start : start + AT_ONCE])
                runs = self._last_runs(api, few)
                for key, each in few.items():
                    yield self._deployment(each, each["flow_id"] in flows, runs.get(key, {}))
                yield Progress("deployments", start + len(few), len(deployments))
            try:
                events = list(self._events(api))
            except LEFT_OUT:
                events = []
                yield Unread("the events of assets")
        assets = list(_assets(events))
        yield from assets
        known = {each.key for each in assets}
        known |= {f"flow/{key}" for key in flows} | {f"deployment/{key}" for key in deployments}
        yield from _edges(events, known)

    def _all(self, api: Api, what: str, sort: str) -> dict[str, dict[str, Any]]:
        """Every object of a list by its id. SourceInterrupted where some were lost between two pages."""
        found: dict[str, dict[str, Any]] = {}
        seen, length = 0, Length("Prefect", what)
        length.told(api.ask(f"/{what}/count", {}))
        while page := api.ask(f"/{what}/filter", {"sort": sort, "offset": seen}):
            found.update((each["id"], each) for each in page)
            seen += len(page)
        if len(found) < length.told(api.ask(f"/{what}/count", {})):
            raise SourceInterrupted(f"the {what} of Prefect changed while they were read; try again")
        return found

    def _last_runs(self, api: Api, deployments: Iterable[str]) -> dict[str, dict[str, Any]]:
        """The newest run that began, of each deployment that has one."""
        missing, found = set(deployments), dict[str, dict[str, Any]]()
        while missing:
            asked = {
                "deployments": {"id": {"any_": sorted(missing)}},
                "flow_runs": {"state": {"type": {"not_any_": ["SCHEDULED", "PENDING"]}}},
                "sort": "START_TIME_DESC",
            }
            before = len(missing)
            for run in api.ask("/flow_runs/filter", asked):
                if (key := run.get("deployment_id")) in missing:
                    found[key] = {name: run.get(name) for name in ("state_type", "start_time", "end_time")}
                    missing.discard(key)
            if len(missing) == before:
                break
        return found

    def _events(self, api: Api) -> Iterator[dict[str, Any]]:
        """What makes or uses assets, newest first, without the payloads. None where a server has no events."""
        since = (datetime.now(UTC) - timedelta(days=DAYS)).isoformat()
        asked = {"filter": {"occurred": {"since": since}, "event": {"name": [MADE, USED]}}}
        page = api.ask("/events/filter", asked, optional=True)
        while page:
            for event in page["events"]:
                yield {name: event.get(name) for name in ("event", "occurred", "resource", "related")}
            # only the mark is taken of the address: the server's idea of its own name may be another than ours
            mark = parse_qs(urlsplit(page.get("next_page") or "").query).get("page-token")
            page = api.get("/events/filter/next", {"page-token": mark[0]}) if mark else None

    def _flow(self, flow: Mapping[str, Any]) -> Asset:
        return Asset(
            "job",
            f"flow/{flow['id']}",
            flow["name"],
            tags=tuple(flow.get("tags") or ()),
            url=self._page("flows/flow", flow["id"]),
            changed_at=moment(flow.get("updated")),
            properties={"type": "flow"},
        )

    def _deployment(self, each: Mapping[str, Any], known: bool, run: Mapping[str, Any]) -> Asset:
        schedules = each.get("schedules") or ()
        fields = (each.get("parameter_openapi_schema") or {}).get("properties") or {}
        by = each.get("created_by") or {}
        facts = {
            "type": "deployment",
            "schedule": "; ".join(
                filter(None, (_schedule(one) for one in schedules if one.get("active", True)))
            ),
            "paused": "yes" if each.get("paused") else None,
            "status": each.get("status"),
            "work_pool": each.get("work_pool_name"),
            "version": each.get("version"),
            "entrypoint": each.get("entrypoint"),
            "parameters": ", ".join(f"{name}: {_type(one)}" for name, one in fields.items()),
            "last_status": run.get("state_type"),
            "last_run": moment(run.get("start_time")),
        }
        return Asset(
            "job",
            f"deployment/{each['id']}",
            each["name"],
            parent=f"flow/{each['flow_id']}" if known else None,
            # Prefect 3.8's own client writes None as a word where a deployment has no description
            description=None if each.get("description") in ("", "None") else each.get("description"),
            owners=(by["display_value"],) if by.get("type") == "USER" and by.get("display_value") else (),
            tags=tuple(each.get("tags") or ()),
            url=self._page("deployments/deployment", each["id"]),
            changed_at=moment(run.get("end_time")) or moment(each.get("updated")),
            properties={key: str(value) for key, value in facts.items() if value},
        )

    def _page(self, kind: str, key: str) -> str:
        """Where a person sees it: Cloud has its pages on another host, a server its own beside /api."""
        base = self._at.url.strip().rstrip("/").removesuffix("/api")
        parts = urlsplit(base)
        found = re.search(r"/accounts/([^/]+)/workspaces/([^/]+)", parts.path)
        if parts.hostname == "api.prefect.cloud" and found:
            base = f"https://app.prefect.cloud/account/{found[1]}/workspace/{found[2]}"
        return f"{base}/{kind}/{key}"

    def _open(self) -> Api:
        said = ""
        if self._at.token:
            said = f"Bearer {self._at.token}"
        elif self._at.auth_string:
            said = "Basic " + base64.b64encode(self._at.auth_string.encode()).decode()
        headers = {"Authorization": said} if said else {}
        return Api(self._at.url, lambda: headers, title="Prefect", plain_http=self._at.plain_http)


def _schedule(one: Mapping[str, Any]) -> str:
    """A schedule in one line; its parameters are values."""
    rule = one.get("schedule") or {}
    zone = f" ({rule['timezone']})" if rule.get("timezone") not in (None, "UTC") else ""
    if rule.get("cron"):
        return f"{rule['cron']}{zone}"
    if rule.get("rrule"):
        return " ".join(str(rule["rrule"]).split()) + zone
    return f"every {timedelta(seconds=float(rule['interval']))}" if rule.get("interval") else ""


def _type(field: Any) -> str:
    """The type of a parameter in JSON Schema, without its default and its choices."""
    if not isinstance(field, dict):
        return "any"
    kinds = [field.get("type"), *(one.get("type") for one in field.get("anyOf") or ())]
    return " or ".join(str(kind) for kind in kinds if kind) or "any"


def _table(key: str) -> Ref | None:
    """The table that a key names, where it is written as prefect-dbt does."""
    parts = urlsplit(key)
    place = [unquote(part) for part in (parts.netloc, *parts.path.strip("/").split("/")) if part]
    if parts.scheme in WAREHOUSES and len(place) == 3:
        return Ref(database=place[0], schema=place[1], table=place[2])
    return None


def _related(event: Mapping[str, Any], role: str) -> list[str]:
    return [
        one["prefect.resource.id"]
        for one in event.get("related") or ()
        if one.get("prefect.resource.role") == role and one.get("prefect.resource.id")
    ]


def _assets(events: Iterable[Mapping[str, Any]]) -> Iterator[Asset]:
    """The assets, each as its newest event that describes it says; a table that Prefect only reads is none."""
    told: dict[str, dict[str, Any]] = {}
    made: dict[str, datetime | None] = {}
    for event in events:
        resource = event.get("resource") or {}
        if key := resource.get("prefect.resource.id"):
            for name, value in resource.items():
                told.setdefault(key, {}).setdefault(name, value)
            if event.get("event") == MADE:
                made.setdefault(key, moment(event.get("occurred")))
        for other in _related(event, "asset"):
            told.setdefault(other, {})
    for key, facts in told.items():
        if key in made or not _table(key):
            yield Asset(
                "dataset",
                f"asset/{key}",
                facts.get("prefect.resource.name") or key,
                description=facts.get("prefect.asset.description"),
                owners=_owners(facts.get("prefect.asset.owners")),
                url=facts.get("prefect.asset.url"),
                changed_at=made.get(key),
                properties={"key": key},
            )


def _owners(text: Any) -> tuple[str, ...]:
    """The owners, which an event has as a JSON list in a string."""
    try:
        names = json.loads(text or "[]")
    except (TypeError, ValueError):
        return ()
    return tuple(str(name) for name in names) if isinstance(names, list) else ()


def _edges(events: Iterable[Mapping[str, Any]], known: set[str]) -> Iterator[Lineage]:
    """What an asset was made from, the job that made it (the deployment, or the flow where there was none), and the
    table that it is. `known` are the keys of all jobs and assets; of an edge one end at least is among them."""
    seen = set()
    for event in events:
        key = (event.get("resource") or {}).get("prefect.resource.id")
        if not key or event.get("event") != MADE:
            continue
        here = Ref(key=f"asset/{key}")
        makers = [
            f"deployment/{one.removeprefix('prefect.deployment.')}" for one in _related(event, "deployment")
        ]
        makers += [f"flow/{one.removeprefix('prefect.flow.')}" for one in _related(event, "flow")]
        others = [other for other in _related(event, "asset") if other != key]
        ends = [Ref(key=f"asset/{one}") if f"asset/{one}" in known else _table(one) for one in others]
        ends += [Ref(key=one) for one in makers if one in known][:1]
        edges = [(end, here) for end in ends if end]
        if table := _table(key):
            edges.append((here, table))
        for edge in edges:
            if edge not in seen:
                seen.add(edge)
                yield Lineage(*edge, "prefect")
