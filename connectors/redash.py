"""Redash: queries with their SQL, the charts that stand on dashboards, dashboards, owners, tags, and what feeds what.

Lists come by pages of 100; a dashboard's widgets need one request each. Query results and parameter values are never
asked for: parameters in a query's text become NULL, so that the text can be parsed. Of a visualization's options, which
hold titles and colours by value, only the form of the chart is taken. A chart that stands on no dashboard is not read:
that would be one request a query.

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

from connectors.http import LEFT_OUT, Api, Length
from connectors.http_source import HttpSource, created
from connectors.records import Asset, Lineage, Progress, Record, Ref, Unread
from connectors.settings import setting
from connectors.shape import well_formed
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
    extracts: ClassVar[tuple[str, ...]] = ("query", "chart", "dashboard")
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

    @well_formed
    def extract(self) -> Iterator[Record]:
        """Queries, charts, dashboards, then the edges. Raises SourceError."""
        with self._open() as api:
            types = _types(api)
            if types is None:
                yield Unread("the types of data sources")
            known: set[int] = set()
            charts: set[int] = set()
            named: dict[int, set[int]] = {}
            for query in self._all(api, "/api/queries"):
                known.add(query["id"])
                kind = (types or {}).get(query.get("data_source_id") or -1, "")
                if kind == "results":
                    named[query["id"]] = {int(found) for found in OTHERS.findall(query.get("query") or "")}
                yield self._query(query, kind)
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
                if whole is None:
                    api.get(
                        "/api/session"
                    )  # Redash says 404 for a key that was revoked, too: this then ends the run
                if (whole or {}).get("id", each["id"]) != each["id"]:
                    whole = None  # an old server took the number for the slug of another
                yield self._dashboard(each)
                for chart in _charts(whole or {}, known):
                    here = f"chart/{chart['id']}"
                    edges.append(Lineage(Ref(key=here), Ref(key=f"dashboard/{each['id']}"), "redash"))
                    if chart["id"] in charts:
                        continue
                    charts.add(chart["id"])
                    edges.append(Lineage(Ref(key=f"query/{chart['query']['id']}"), Ref(key=here), "redash"))
                    yield self._chart(chart)
        yield from dict.fromkeys(edges)

    def _all(self, api: Api, path: str) -> Iterator[dict[str, Any]]:
        """Every row that is not archived."""
        seen = pages = 0
        length = Length("Redash", path.rpartition("/")[2])

        def after(page: Mapping[str, Any]) -> Mapping[str, Any] | None:
            whole = length.told(number(page.get("count")))
            more = page.get("results") and seen < whole
            return {"page": pages + 1} if more else None

        for page in api.pages(path, after, {"page": 1, "page_size": PAGE, "order": "created_at"}):
            seen, pages = seen + len(page.get("results") or ()), pages + 1
            yield from (row for row in page.get("results") or () if not row.get("is_archived"))

    def _query(self, query: Mapping[str, Any], kind: str) -> Asset:
        return Asset(
            "query",
            f"query/{query['id']}",
            query.get("name") or f"Query {query['id']}",
            description=query.get("description") or None,
            definition=PARAMETER.sub("NULL", query.get("query") or "") or None,
            dialect=DIALECTS.get(kind),
            owners=_owner(query),
            tags=tuple(query.get("tags") or ()),
            url=f"{self._at.url.rstrip('/')}/queries/{query['id']}",
            changed_at=moment(query.get("updated_at")),
            properties={
                **({"draft": "yes"} if query.get("is_draft") else {}),
                **({"schedule": _schedule(query["schedule"])} if query.get("schedule") else {}),
                **({"last_run": query["retrieved_at"]} if query.get("retrieved_at") else {}),
                **created(query.get("created_at")),
            },
        )

    def _chart(self, chart: Mapping[str, Any]) -> Asset:
        query = chart["query"]
        form = (chart.get("options") or {}).get("globalSeriesType") or chart.get("type") or ""
        name = chart.get("name") or ""
        if (
            not name or name.lower() == str(chart.get("type") or "").lower()
        ):  # "Table", "Chart": as Redash names them
            name = f"{query.get('name') or 'Query ' + str(query['id'])}: {name or 'chart'}"
        return Asset(
            "chart",
            f"chart/{chart['id']}",
            name,
            description=chart.get("description") or None,
            owners=_owner(query),
            url=f"{self._at.url.rstrip('/')}/queries/{query['id']}#{chart['id']}",
            changed_at=moment(chart.get("updated_at")),
            properties={"type": str(form).lower()} if form else {},
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
            properties={
                **({"draft": "yes"} if each.get("is_draft") else {}),
                **created(each.get("created_at")),
            },
        )

    def _open(self) -> Api:
        headers = {"Authorization": f"Key {self._at.api_key}"}
        return Api(self._at.url, lambda: headers, title="Redash", plain_http=self._at.plain_http)


def _types(api: Api) -> dict[int, str] | None:
    """The type of each data source; None where the key's groups may not list them."""
    try:
        return {each["id"]: each.get("type", "") for each in api.get("/api/data_sources") or ()}
    except LEFT_OUT:
        return None


def _charts(dashboard: Mapping[str, Any], known: set[int]) -> Iterator[dict[str, Any]]:
    """What a dashboard shows of the queries that are known; a widget may be a text, or hidden from us."""
    for widget in dashboard.get("widgets") or ():
        chart = widget.get("visualization") or {}
        if "id" in chart and (chart.get("query") or {}).get("id") in known:
            yield chart


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
