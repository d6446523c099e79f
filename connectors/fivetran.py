"""Fivetran: connections and transformations as jobs, their owners, schedules and last ends, and the tables they write.

Lists come by cursor, 1,000 a page. The tables of a connection need one request each, the database of a destination
one: there is no list of either. Of each answer only the members named here are taken: a connection's set-up, tests,
tasks and state, a transformation's commands and variables and a destination's secrets are left where they are.

A cursor is an offset in disguise (`{"skip": 3}` in base 64) and no list tells its length: one of several pages is
read twice, so that what slipped over a page's end is found. A list holds what the key may see: a connection that was
taken out of a key's scope cannot be told from one that was deleted.

Source: https://fivetran.com/docs/rest-api/api-reference and the OpenAPI definition in github.com/fivetran/fivetran-mcp;
`schedule` of a connection: the types of github.com/fivetran/go-fivetran.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import quote

from connectors.errors import PermissionMissing
from connectors.http import LEFT_OUT, Api
from connectors.http_source import HttpSource
from connectors.records import Asset, Lineage, Progress, Record, Ref, Unread
from connectors.settings import setting
from connectors.shape import well_formed
from connectors.warehouse import moment, number

PAGE = 1000
DAY = 24 * 60
"""Minutes."""
DATABASES = ("database", "project_id", "catalog")
"""Where the settings of a destination name what stands above its schemas: most, BigQuery, Databricks and data lakes."""
FLAT = ("mysql", "maria", "aurora_warehouse", "clickhouse", "singlestore")
"""Destinations that begin so have nothing above their schemas, whatever database they sign in to."""

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Settings:
    """An API key with its secret."""

    key: str = setting("API key", "Of a system key with read access")
    secret: str = setting("API secret", secret=True)
    url: str = setting("Address", default="https://api.fivetran.com")
    plain_http: bool = setting("Without TLS", "Only inside your own network", kind="bool", default=False)


@dataclass(frozen=True, slots=True)
class _Around:
    """What connections and transformations are told with, by id (destinations and databases by that of their group)."""

    groups: Mapping[str, Row]
    destinations: Mapping[str, Row]
    databases: Mapping[str, str]
    people: Mapping[str, str]


class Fivetran(HttpSource):
    """One Fivetran account, as far as its key sees it."""

    name: ClassVar[str] = "fivetran"
    title: ClassVar[str] = "Fivetran"
    extracts: ClassVar[tuple[str, ...]] = ("job",)
    settings: ClassVar[type[Any]] = Settings
    grant_script: ClassVar[str] = (
        "-- In Fivetran, Account Settings > General > System Keys: a key with these permissions. CONNECTOR is needed;\n"
        "-- without DESTINATION no database is known, without USER no owner, without TRANSFORMATION no other job.\n"
        '[{"resource_type": "CONNECTOR", "access_level": "READ"},\n'
        ' {"resource_type": "DESTINATION", "access_level": "READ"},\n'
        ' {"resource_type": "USER", "access_level": "READ"},\n'
        ' {"resource_type": "TRANSFORMATION", "access_level": "READ"}]\n'
    )

    def __init__(self, settings: Settings) -> None:
        self._at = settings

    def check(self) -> str:
        """How many connections the key sees, as far as one page tells. Raises SourceError."""
        with self._open() as api:
            try:
                told = api.get("/v1/connections", {"limit": PAGE}).get("data") or {}
            except PermissionMissing:
                raise _no_connections() from None
        more = " or more" if told.get("next_cursor") else ""
        return f"Fivetran answers: {len(told.get('items') or ())}{more} connections"

    @well_formed
    def extract(self) -> Iterator[Record]:
        """Each connection and transformation, then the tables that they write. Raises SourceError."""
        edges: dict[Lineage, None] = {}
        with self._open() as api:
            try:
                connections = self._all(api, "/v1/connections")
            except PermissionMissing:
                raise _no_connections() from None
            unread: list[str] = []
            around = self._around(api, unread)
            flows = self._part(api, "/v1/transformations", "transformations", unread)
            known: set[str] = set()
            waiting: list[Row] = []
            hidden = False
            for done, row in enumerate(connections.values(), start=1):
                yield Progress("connections", done, len(connections))
                try:
                    schemas = api.get(f"/v1/connections/{quote(row['id'], safe='')}/schemas", optional=True)
                except LEFT_OUT:
                    hidden, schemas = True, {}
                if schemas is None:
                    waiting.append(row)
                    continue
                known.add(row["id"])
                yield _job(row, around)
                tables = _written(((schemas.get("data") or {}).get("schemas")) or {})
                edges |= dict.fromkeys(_writes(row, tables, around))
            # nothing was loaded yet, or the connection is gone: both are 404, and the list knows which
            there = self._all(api, "/v1/connections") if waiting else {}
            for row in waiting:
                if row["id"] in there:
                    known.add(row["id"])
                    yield _job(row, around)
                    edges |= dict.fromkeys(_writes(row, _named(row.get("schema") or ""), around))
            if hidden:
                unread.append("the tables of connections")
            for what in unread:
                yield Unread(what)
            for row in flows.values():
                yield _flow(row, around)
                edges |= dict.fromkeys(_feeds(row, known, flows))
        yield from edges

    def _around(self, api: Api, unread: list[str]) -> _Around:
        groups = self._part(api, "/v1/groups", "the names of groups", unread)
        rows = self._part(api, "/v1/destinations", "destinations and their databases", unread)
        # the id of a destination is that of its group, except in old accounts
        destinations = {each.get("group_id") or each["id"]: each for each in rows.values()}
        databases: dict[str, str] = {}
        try:
            for group, each in destinations.items():
                if not str(each.get("service") or "").startswith(FLAT):
                    whole = api.get(f"/v1/destinations/{quote(each['id'], safe='')}", optional=True) or {}
                    config = (whole.get("data") or {}).get("config") or {}
                    if found := next((config[name] for name in DATABASES if config.get(name)), None):
                        databases[group] = str(found)
        except LEFT_OUT:
            unread.append("the databases of destinations")
        users = self._part(api, "/v1/users", "users, who own connections", unread)
        people = {key: name for key, each in users.items() if (name := _person(each))}
        return _Around(groups, destinations, databases, people)

    def _part(self, api: Api, path: str, what: str, unread: list[str]) -> dict[str, Row]:
        """A list that may be absent; `what` it holds goes to `unread` where the key may not read it."""
        try:
            return self._all(api, path, optional=True)
        except LEFT_OUT:
            unread.append(what)
            return {}

    def _all(self, api: Api, path: str, *, optional: bool = False) -> dict[str, Row]:
        """Every row of a list, by its id."""
        rows: dict[str, Row] = {}

        def after(page: Row) -> Row | None:
            cursor = (page.get("data") or {}).get("next_cursor")
            return {"cursor": cursor} if cursor else None

        for _again in range(2):
            pages = 0
            for page in api.pages(path, after, {"limit": PAGE}, optional=optional):
                pages += 1
                for row in (page.get("data") or {}).get("items") or ():
                    rows.setdefault(row["id"], row)
            if pages < 2:
                break
        return rows

    def _open(self) -> Api:
        pair = base64.b64encode(f"{self._at.key}:{self._at.secret}".encode()).decode()
        headers = {"Authorization": f"Basic {pair}", "Accept": "application/json;version=2"}
        return Api(self._at.url, lambda: headers, title="Fivetran", plain_http=self._at.plain_http)


def _no_connections() -> PermissionMissing:
    return PermissionMissing(
        "the key may not read connections of Fivetran; give it READ on CONNECTOR as the grant script does"
    )


def _person(user: Row) -> str | None:
    names = " ".join(filter(None, (user.get("given_name"), user.get("family_name"))))
    return user.get("email") or names or None


def _job(each: Row, around: _Around) -> Asset:
    group = each.get("group_id") or ""
    destination = around.destinations.get(group) or {}
    succeeded, failed = moment(each.get("succeeded_at")), moment(each.get("failed_at"))
    ended = max(filter(None, (succeeded, failed)), default=None)
    owner = around.people.get(each.get("connected_by") or "")
    facts = {
        "type": each.get("service"),
        "group": (around.groups.get(group) or {}).get("name"),
        "destination": destination.get("service"),
        "schedule": _schedule(each, destination),
        "paused": "yes" if each.get("paused") else None,
        "status": (each.get("status") or {}).get("setup_state"),
        "last_end": ended,
        "last_status": ("failed" if ended == failed else "succeeded") if ended else None,
        "last_success": succeeded if succeeded != ended else None,
        "created": moment(each.get("created_at")),
    }
    return Asset(
        "job",
        f"connection/{each['id']}",
        each.get("schema") or each["id"],
        owners=(owner,) if owner else (),
        url=f"https://fivetran.com/dashboard/connections/{quote(each['id'], safe='')}/status",
        changed_at=succeeded,
        properties=_texts(facts),
    )


def _flow(each: Row, around: _Around) -> Asset:
    config = each.get("transformation_config") or {}
    owner = around.people.get(each.get("created_by_id") or "")
    ended = moment(each.get("last_ended_at"))
    facts = {
        "type": each.get("type"),
        "schedule": _flow_schedule(each.get("schedule") or {}),
        "paused": "yes" if each.get("paused") else None,
        "last_run": moment(each.get("last_started_at")),
        "last_end": ended,
        "last_status": each.get("status"),
        "models": ", ".join(each.get("output_model_names") or ()),
        "created": moment(each.get("created_at")),
    }
    return Asset(
        "job",
        f"transformation/{each['id']}",
        config.get("name") or config.get("package_name") or each["id"],
        owners=(owner,) if owner else (),
        changed_at=ended,
        properties=_texts(facts),
    )


def _texts(facts: Row) -> dict[str, str]:
    return {
        key: value.isoformat() if hasattr(value, "isoformat") else str(value)
        for key, value in facts.items()
        if value
    }


def _written(schemas: Row) -> list[tuple[str, str]]:
    """The schema and name in the destination of each table that is switched on."""
    return [
        (schema.get("name_in_destination") or name, table.get("name_in_destination") or source)
        for name, schema in schemas.items()
        for source, table in (schema.get("tables") or {}).items()
        if schema.get("enabled") and table.get("enabled")
    ]


def _named(schema: str) -> list[tuple[str, str]]:
    """A connection to a file or a sheet is called "schema.table"; of another nothing is known before its first run."""
    parts = schema.split(".")
    return [(parts[0], parts[1])] if len(parts) == 2 and all(parts) else []


def _writes(each: Row, tables: list[tuple[str, str]], around: _Around) -> Iterator[Lineage]:
    database = around.databases.get(each.get("group_id") or "")
    for schema, table in tables:
        down = Ref(database=database, schema=schema, table=table)
        yield Lineage(Ref(key=f"connection/{each['id']}"), down, "fivetran")


def _feeds(flow: Row, known: set[str], flows: Row) -> Iterator[Lineage]:
    """What a transformation waits for."""
    schedule, config = flow.get("schedule") or {}, flow.get("transformation_config") or {}
    above = [f"connection/{key}" for key in schedule.get("connection_ids") or () if key in known]
    above += [f"connection/{key}" for key in config.get("connection_ids") or () if key in known]
    others = schedule.get("transformation_ids") or ()
    above += [f"transformation/{key}" for key in others if key in flows and key != flow["id"]]
    for key in above:
        yield Lineage(Ref(key=key), Ref(key=f"transformation/{flow['id']}"), "fivetran")


def _schedule(each: Row, destination: Row) -> str | None:
    """Cron, or words; hours of the day are those of the destination's zone."""
    told = each.get("schedule") or {}
    if "manual" in (each.get("schedule_type"), str(told.get("schedule_type") or "").lower()):
        return "manual"
    if told.get("cron"):
        return str(told["cron"])
    offset = str(destination.get("time_zone_offset") or "")
    zone = f" UTC{offset}" if offset not in ("", "0") else " UTC"
    if told.get("time_of_day"):
        return _at(told) + zone
    minutes = number(told.get("interval")) or number(each.get("sync_frequency"))
    if minutes == DAY and each.get("daily_sync_time"):
        return f"every day at {each['daily_sync_time']}{zone}"
    return f"every {minutes} minutes" if minutes else None


def _flow_schedule(told: Row) -> str | None:
    if told.get("cron"):
        return "; ".join(told["cron"])
    if told.get("schedule_type") == "INTEGRATED":
        return "after its connections"
    if told.get("time_of_day"):
        return _at(told)
    minutes = number(told.get("interval"))
    return f"every {minutes} minutes" if minutes else None


def _at(told: Row) -> str:
    days = ", ".join(str(day).capitalize() for day in told.get("days_of_week") or ())
    return f"{days or 'every day'} at {told['time_of_day']}"
