"""What people do in Superset: how often they open dashboards and charts, and what they ask in SQL Lab.

Views: the log's events `mount_dashboard` and `mount_explorer`, which the browser sends when a page is opened; of each
the time, who, and of what. The log holds form data beside them: those members are not asked for. Queries: the history
of SQL Lab, statements that ran well, folded where they differ in literals only; names of people, rows and errors are
not asked for. Both of the last 30 days, newest first, by pages of 100 and no further than MOST rows.

Leaves out: saved queries, which Superset shows to nobody but who saved them.

Source: https://superset.apache.org/docs/api (`log` and `query` of the application's own /api/v1/_openapi) and the code
of Superset 6.1 (superset/views/log, superset/queries: without `all_query_access` a user gets no query but their own).
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.errors import PermissionMissing, UnreachableSource
from connectors.http import LEFT_OUT, Api
from connectors.http_source import Seen
from connectors.records import Asset, Unread
from connectors.warehouse import moment, number

DAYS = 30
MOST = 5_000
"""Events and statements read at most, of each the newest: fifty pages."""
KEPT = 200
"""Statements told, those that ran most."""
_PAGE = 100
_OPENED = '"event_name": "mount_'
_LITERAL = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|\b\d[\w.]*", re.DOTALL)
_ALL = "all_query_access"
_REFUSED = (PermissionMissing, UnreachableSource)
"""A right that is missing, and an older version that does not know a filter."""


@dataclass(slots=True)
class _Statement:
    """Statements that differ in their literals only; `newest` is the one that is told."""

    newest: Mapping[str, Any]
    runs: int = 0
    people: set[Any] = field(default_factory=set)


def views(api: Api) -> tuple[dict[str, Seen], list[Unread]]:
    """`dashboard/1` and `chart/2` -> how often each was opened. Raises SourceError."""
    seen: dict[str, Seen] = defaultdict(Seen)
    since = (datetime.now(UTC) - timedelta(days=DAYS)).strftime("%Y-%m-%dT%H:%M:%S")
    asked = (
        "columns:!(dttm,user_id,dashboard_id,slice_id),"
        f"filters:!((col:action,opr:eq,value:log),(col:json,opr:ct,value:'{_OPENED}'),"
        f"(col:dttm,opr:gt,value:'{since}')),order_column:dttm,order_direction:desc"
    )
    try:
        for row in _newest(api, "log", asked):
            chart, board = row.get("slice_id"), row.get("dashboard_id")
            if chart or board:
                seen[f"chart/{chart}" if chart else f"dashboard/{board}"].add(row.get("user_id"))
    except _REFUSED:
        return {}, [Unread("the views of dashboards and charts (can read on Log)")]
    return dict(seen), []


def statements(
    api: Api, dialect: Callable[[str], str | None], link: Callable[[str], str | None]
) -> Iterator[Asset | Unread]:
    """The statements of SQL Lab that ran most. `dialect` of a database's name; `link` makes an address.

    Raises SourceError.
    """
    since = int((datetime.now(UTC) - timedelta(days=DAYS)).timestamp() * 1000)
    asked = (
        "columns:!(sql,schema,start_time,sql_tables,user.id,database.id,database.database_name),"
        f"filters:!((col:status,opr:eq,value:success),(col:start_time,opr:gt,value:{since})),"
        "order_column:start_time,order_direction:desc"
    )
    folded: dict[str, _Statement] = {}
    try:
        for row in _newest(api, "query", asked):
            if row.get("sql"):
                found = folded.setdefault(_key(row), _Statement(row))
                found.runs += 1
                found.people.add((row.get("user") or {}).get("id"))
    except _REFUSED:
        yield Unread("the queries of SQL Lab (can read on Query)")
        return
    if not _of_all(api, folded):
        yield Unread("the queries of SQL Lab of other people (all query access)")
    ranked = sorted(folded.items(), key=lambda each: (-each[1].runs, each[0]))
    for key, each in ranked[:KEPT]:
        yield _asset(key, each, dialect, link)


def _newest(api: Api, kind: str, asked: str) -> Iterator[Mapping[str, Any]]:
    """Rows of a list, newest first, each once although new ones push it on; none where there is no such list."""
    known: set[Any] = set()
    for page in range(MOST // _PAGE):
        answer = api.get(f"/api/v1/{kind}/", {"q": f"({asked},page:{page},page_size:{_PAGE})"}, optional=True)
        rows = (answer or {}).get("result") or ()
        keys = (answer or {}).get("ids") or ()
        for key, row in zip(keys, rows, strict=False):
            if key not in known:
                known.add(key)
                yield row
        if not rows or len(known) >= (number(answer.get("count")) or 0):
            return


def _of_all(api: Api, folded: Mapping[str, _Statement]) -> bool:
    """Does the history hold everybody's queries? Where Superset does not tell our rights, two people's say so."""
    if len(set().union(*(each.people for each in folded.values()))) > 1:
        return True
    try:
        told = api.get("/api/v1/me/roles/", optional=True) or {}
    except LEFT_OUT:
        return False
    roles = (told.get("result") or {}).get("roles") or {}
    return any([_ALL, _ALL] == list(right) for rights in roles.values() for right in rights or ())


def _key(row: Mapping[str, Any]) -> str:
    """The same for statements that differ in literals, comments and blanks only; nothing of a literal is in it."""
    plain = " ".join(_LITERAL.sub("?", row["sql"]).split()).rstrip("; ")
    where = (row.get("database") or {}).get("id"), row.get("schema") or "", plain
    return hashlib.sha256("\0".join(map(str, where)).encode()).hexdigest()[:16]


def _asset(
    key: str, each: _Statement, dialect: Callable[[str], str | None], link: Callable[[str], str | None]
) -> Asset:
    row = each.newest
    base = (row.get("database") or {}).get("database_name") or ""
    named = [table["table"] for table in row.get("sql_tables") or () if table.get("table")]
    tables = ", ".join(dict.fromkeys(named))
    last = moment(row.get("start_time"))
    return Asset(
        "query",
        f"sqllab/{key}",
        f"SQL Lab: {tables[:200] or key}",
        definition=row["sql"],
        dialect=dialect(base),
        default_schema=row.get("schema") or None,
        url=link("/sqllab/history/"),
        popularity=float(each.runs),
        properties={
            "database": base,
            "runs": str(each.runs),
            "users": str(len(each.people)),
            **({"last_run": last.isoformat()} if last else {}),
        },
    )
