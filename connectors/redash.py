"""Redash: queries with their SQL, dashboards, owners, tags, and which query stands on which dashboard.

Lists come by pages of 100; a dashboard's widgets need one request each. Query results and parameter values are never
asked for: parameters in a query's text become NULL, so that the text can be parsed.

Source: https://redash.io/help/user-guide/integrations-and-api/api and the handlers and serializers of
https://github.com/getredash/redash (redash/handlers, redash/serializers). From version 10 on a dashboard is asked for
by its number, before that by its slug; version 10 fails on a slug, so the number comes first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import quote

from connectors.errors import PermissionMissing
from connectors.http import Api
from connectors.http_source import HttpSource
from connectors.records import Asset, Lineage, Progress, Record, Ref
from connectors.settings import setting
from connectors.warehouse import moment, number

PAGE = 100
PARAMETER = re.compile(r"\{\{[^{}]*\}\}")
DIALECTS = {
    "pg": "postgres",
    "redshift": "redshift",
    "mysql": "mysql",
    "rds_mysql": "mysql",
    "bigquery": "bigquery",
    "snowflake": "snowflake",
    "athena": "trino",
    "presto": "presto",
    "trino": "trino",
    "clickhouse": "clickhouse",
    "mssql": "tsql",
    "mssql_odbc": "tsql",
    "databricks": "databricks",
    "sqlite": "sqlite",
    "duckdb": "duckdb",
    "oracle": "oracle",
    "results": "sqlite",
}
OTHERS = re.compile(r"\b(?:cached_|param_)?query_(\d+)")
"""How a query of the source "results" names the queries that it stands on."""


@dataclass(frozen=True, slots=True)
class Settings:
    """An address and an API key."""

    url: str = setting("Address", "For example https://redash.example.org")
    api_key: str = setting("API key", "Of a user of its own, from its profile page", secret=True)
    plain_http: bool = setting("Without TLS", "Only inside your own network", kind="bool", default=False)


class Redash(HttpSource):
    """One Redash server."""

    name: ClassVar[str] = "redash"
    title: ClassVar[str] = "Redash"
    extracts: ClassVar[tuple[str, ...]] = ("query", "dashboard")
    settings: ClassVar[type[Any]] = Settings
    grant_script: ClassVar[str] = (
        "-- In Redash: a group 'docent' with 'View only' on the data sources to be read, a user in that group alone,\n"
        "-- and that user's API key. The user can run nothing that was not saved.\n"
    )

    def __init__(self, settings: Settings) -> None:
        self._at = settings

    def check(self) -> str:
        """How many queries there are. Raises SourceError."""
        with self._open() as api:
            return f"Redash answers: {api.get('/api/queries', {'page': 1, 'page_size': 1}).get('count', '?')} queries"

    def extract(self) -> Iterator[Record]:
        """Queries, dashboards, then the edges. Raises SourceError."""
        with self._open() as api:
            types = _types(api)
            known: set[int] = set()
            named: dict[int, set[int]] = {}
            for query in self._all(api, "/api/queries"):
                known.add(query["id"])
                if types.get(query.get("data_source_id") or -1) == "results":
                    named[query["id"]] = {int(found) for found in OTHERS.findall(query.get("query") or "")}
                yield self._query(query, types)
            dashboards = list(self._all(api, "/api/dashboards"))
            edges = [
                Lineage(Ref(key=f"query/{above}"), Ref(key=f"query/{below}"), "redash")
                for below, others in named.items()
                for above in sorted((known & others) - {below})
            ]
            for done, each in enumerate(dashboards, start=1):
                yield Progress("dashboards", done, len(dashboards))
                whole = api.get(f"/api/dashboards/{each['id']}", optional=True)
                if whole is None and each.get("slug"):
                    whole = api.get(f"/api/dashboards/{quote(str(each['slug']), safe='')}", optional=True)
                if (whole or {}).get("id", each["id"]) != each["id"]:
                    whole = None  # an old server took the number for the slug of another
                yield self._dashboard(each)
                here = Ref(key=f"dashboard/{each['id']}")
                below = {
                    ((one.get("visualization") or {}).get("query") or {}).get("id")
                    for one in (whole or {}).get("widgets") or ()
                }
                edges += [Lineage(Ref(key=f"query/{n}"), here, "redash") for n in sorted(known & below)]
        yield from edges

    def _all(self, api: Api, path: str) -> Iterator[dict[str, Any]]:
        """Every row that is not archived."""
        seen = pages = 0

        def after(page: Mapping[str, Any]) -> Mapping[str, Any] | None:
            more = page.get("results") and seen < (number(page.get("count")) or 0)
            return {"page": pages + 1} if more else None

        for page in api.pages(path, after, {"page": 1, "page_size": PAGE, "order": "created_at"}):
            seen, pages = seen + len(page.get("results") or ()), pages + 1
            yield from (row for row in page.get("results") or () if not row.get("is_archived"))

    def _query(self, query: Mapping[str, Any], types: Mapping[int, str]) -> Asset:
        return Asset(
            "query",
            f"query/{query['id']}",
            query.get("name") or f"Query {query['id']}",
            description=query.get("description") or None,
            definition=PARAMETER.sub("NULL", query.get("query") or "") or None,
            dialect=DIALECTS.get(types.get(query.get("data_source_id") or -1, "")),
            owners=_owner(query),
            tags=tuple(query.get("tags") or ()),
            url=f"{self._at.url.rstrip('/')}/queries/{query['id']}",
            changed_at=moment(query.get("updated_at")),
            properties={
                **({"draft": "yes"} if query.get("is_draft") else {}),
                **({"schedule": _schedule(query["schedule"])} if query.get("schedule") else {}),
            },
        )

    def _dashboard(self, each: Mapping[str, Any]) -> Asset:
        return Asset(
            "dashboard",
            f"dashboard/{each['id']}",
            each.get("name") or f"Dashboard {each['id']}",
            owners=_owner(each),
            tags=tuple(each.get("tags") or ()),
            url=f"{self._at.url.rstrip('/')}/dashboards/{each['id']}",
            changed_at=moment(each.get("updated_at")),
            properties={"draft": "yes"} if each.get("is_draft") else {},
        )

    def _open(self) -> Api:
        headers = {"Authorization": f"Key {self._at.api_key}"}
        return Api(self._at.url, lambda: headers, title="Redash", plain_http=self._at.plain_http)


def _types(api: Api) -> dict[int, str]:
    """The type of each data source; none where the key's groups may not list them."""
    try:
        return {each["id"]: each.get("type", "") for each in api.get("/api/data_sources") or ()}
    except PermissionMissing:
        return {}


def _schedule(schedule: Any) -> str:
    """How often a query is refreshed. Old servers have the seconds, or the time of the day, as text."""
    if not isinstance(schedule, Mapping):
        return str(schedule)
    told = [f"every {schedule.get('interval')} s", schedule.get("day_of_week"), schedule.get("time")]
    return ", ".join(str(each) for each in told if each)


def _owner(each: Mapping[str, Any]) -> tuple[str, ...]:
    user = each.get("user") or {}
    name = user.get("email") or user.get("name")
    return (name,) if name else ()
