"""Metabase: collections, dashboards, questions, who made them, and the tables and SQL they stand on.

Reads the lists of `/api/collection`, `/api/card`, `/api/database` and `/api/dashboard`, then one request a dashboard
for its cards, as Metabase has no list of those. Results, parameter values and cached rows are never asked for.

Source: https://www.metabase.com/docs/latest/api and docs/api in https://github.com/metabase/metabase. The connection
details of a database come to admins only: without them an edge names schema and table. The list of dashboards is marked
as deprecated; where it is gone, the search has them, by pages.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from connectors.errors import BadSettings
from connectors.http import Api, Length
from connectors.http_source import HttpSource, created, left_out
from connectors.records import Asset, Column, Lineage, Progress, Record, Ref, Unread
from connectors.settings import setting
from connectors.shape import well_formed
from connectors.warehouse import moment, number

DIALECTS = {"bigquery-cloud-sdk": "bigquery", "sqlserver": "tsql", "sparksql": "spark", "h2": "postgres"}
TAG = re.compile(r"\{\{[^{}]*\}\}")
CARD = re.compile(r"\{\{\s*#(\d+)[^{}]*\}\}")
PAGE = 100
_BASES = (
    "dbname",
    "db",
    "project-id",
    "catalog",
    "service-name",
    "sid",
)  # where the engines tell the database
OPTIONAL = re.compile(r"\[\[.*?\]\]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Settings:
    """An address, and an API key or a user."""

    url: str = setting("Address", "For example https://metabase.example.org")
    api_key: str = setting("API key", "Made under Admin settings, API keys", secret=True, default="")
    username: str = setting("User", "Where there is no API key", default="")
    password: str = setting("Password", secret=True, default="")
    plain_http: bool = setting("Without TLS", "Only inside your own network", kind="bool", default=False)


class Metabase(HttpSource):
    """One Metabase server."""

    name: ClassVar[str] = "metabase"
    title: ClassVar[str] = "Metabase"
    extracts: ClassVar[tuple[str, ...]] = ("dashboard_group", "dashboard", "chart")
    settings: ClassVar[type[Any]] = Settings
    grant_script: ClassVar[str] = (
        "-- In Metabase: make a group 'Docent' with View access to the collections to be read and no data access,\n"
        "-- then an API key in that group (Admin settings, Authentication, API keys). Metabase tells the tables of a\n"
        "-- database only to groups that may build queries on it: without that, edges to tables come from SQL alone.\n"
    )

    def __init__(self, settings: Settings) -> None:
        if not settings.api_key and not (settings.username and settings.password):
            raise BadSettings("give the secret 'api_key', or 'username' and the secret 'password'")
        self._at = settings

    def check(self) -> str:
        """Who we are signed in as. Raises SourceError."""
        with self._api() as api:
            me = api.get("/api/user/current")
        return f"Metabase answers; signed in as {me.get('common_name') or me.get('email') or 'an API key'}"

    @well_formed
    def extract(self) -> Iterator[Record]:
        """Collections, dashboards and questions, then what each stands on. Raises SourceError."""
        with self._api() as api:
            yield Progress("collections", 0)
            unread: list[str] = []
            collections: list[dict[str, Any]] = []
            with left_out(unread, "collections"):
                collections = _rows(api.get("/api/collection"))
            yield from (_collection(each) for each in collections if not _thrown_away(each))
            databases: list[dict[str, Any]] = []
            with left_out(unread, "databases with their tables"):
                databases = _rows(api.get("/api/database", {"include": "tables"}))
            for what in unread:
                yield Unread(what)
            tables = {
                table["id"]: _table(database, table)
                for database in databases
                for table in database.get("tables") or ()
                if table.get("id") and table.get("name")
            }
            engines = {each.get("id"): each.get("engine", "") for each in databases}
            cards = [card for card in _rows(api.get("/api/card", {"f": "all"})) if not card.get("archived")]
            yield Progress("questions", 0, len(cards))
            for card in cards:
                yield _chart(self._at.url, card, engines)
            dashboards = [each for each in _boards(api) if not each.get("archived")]
            held: list[Lineage] = []
            for done, listed in enumerate(dashboards, start=1):
                yield Progress("dashboards", done, len(dashboards))
                whole = api.get(f"/api/dashboard/{listed['id']}", optional=True)
                if whole is None:
                    continue  # deleted since the list was read
                yield _dashboard(self._at.url, {**listed, **whole})
                placed = whole.get("dashcards") or whole.get("ordered_cards") or ()
                charts = {each["card_id"] for each in placed if each.get("card_id")}
                charts |= {one["id"] for each in placed for one in each.get("series") or () if one.get("id")}
                here = Ref(key=f"dashboard/{listed['id']}")
                held += [Lineage(Ref(key=f"card/{card}"), here, "metabase") for card in sorted(charts)]
        for card in cards:
            yield from _stands_on(card, tables)
        known = {card["id"] for card in cards}
        yield from (edge for edge in held if int(str(edge.upstream.key).removeprefix("card/")) in known)

    def _api(self) -> Api:
        return Api(self._at.url, self._sign_in, title="Metabase", plain_http=self._at.plain_http)

    def _sign_in(self) -> Mapping[str, str]:
        if self._at.api_key:
            return {"x-api-key": self._at.api_key}
        with Api(self._at.url, dict, title="Metabase", plain_http=self._at.plain_http) as api:
            made = api.credential(
                "/api/session", {"username": self._at.username, "password": self._at.password}
            )
        return {"X-Metabase-Session": made["id"]}


def _rows(answer: Any) -> list[dict[str, Any]]:
    """A list that newer versions wrap in {"data": [...]}."""
    rows: list[dict[str, Any]] = answer.get("data") or [] if isinstance(answer, dict) else answer or []
    return rows


def _boards(api: Api) -> Iterator[dict[str, Any]]:
    """Every dashboard of the list, or of the search where a newer version has no list."""
    listed = api.get("/api/dashboard", {"f": "all"}, optional=True)
    if listed is not None:
        yield from _rows(listed)
        return
    seen, length = 0, Length("Metabase", "dashboards")

    def after(page: Any) -> Mapping[str, Any] | None:
        whole = length.told(number(page.get("total")))
        return {"offset": seen} if _rows(page) and seen < whole else None

    for page in api.pages("/api/search", after, {"models": "dashboard", "limit": PAGE, "offset": 0}):
        seen += len(_rows(page))
        yield from _rows(page)


def _thrown_away(each: Mapping[str, Any]) -> bool:
    """Is it archived, or the trash itself?"""
    return bool(each.get("archived")) or each.get("type") == "trash"


def _collection(each: Mapping[str, Any]) -> Asset:
    above = [part for part in str(each.get("location") or "").split("/") if part]
    return Asset(
        "dashboard_group",
        f"collection/{each['id']}",
        each.get("name") or str(each["id"]),
        parent=f"collection/{above[-1]}" if above else None,
        description=each.get("description") or None,
    )


def _dashboard(url: str, each: Mapping[str, Any]) -> Asset:
    return Asset(
        "dashboard",
        f"dashboard/{each['id']}",
        each.get("name") or str(each["id"]),
        parent=_in_collection(each),
        description=each.get("description") or None,
        owners=_maker(each),
        url=f"{url.rstrip('/')}/dashboard/{each['id']}",
        popularity=float(number(each.get("view_count")) or 0) or None,
        changed_at=moment(each.get("updated_at")),
        properties={
            **({"views": str(each["view_count"])} if each.get("view_count") else {}),
            **created(each.get("created_at")),
        },
    )


def _chart(url: str, card: Mapping[str, Any], engines: Mapping[Any, str]) -> Asset:
    sql = _native(card)
    engine = engines.get(card.get("database_id") or -1, "")
    kind = _type(card)
    page = kind if kind in ("model", "metric") else "question"
    return Asset(
        "chart",
        f"card/{card['id']}",
        card.get("name") or str(card["id"]),
        parent=_in_collection(card),
        description=card.get("description") or None,
        definition=sql,
        dialect=DIALECTS.get(engine, engine) if sql and engine else None,
        owners=_maker(card),
        url=f"{url.rstrip('/')}/{page}/{card['id']}",
        popularity=float(number(card.get("view_count")) or 0) or None,
        changed_at=moment(card.get("updated_at")),
        properties={
            **({"display": str(card["display"])} if card.get("display") else {}),
            "type": kind,
            **created(card.get("created_at")),
        },
        columns=_columns(card) if kind == "model" else (),
    )


def _type(card: Mapping[str, Any]) -> str:
    """question, model or metric; before v0.49 a model said `dataset` and nothing else."""
    return str(card.get("type") or ("model" if card.get("dataset") is True else "question"))


def _columns(card: Mapping[str, Any]) -> tuple[Column, ...]:
    """What a model is made of. The fingerprints beside these names are statistics with values, and dropped."""
    listed = [
        each for each in card.get("result_metadata") or () if isinstance(each, dict) and each.get("name")
    ]
    return tuple(
        Column(
            each["name"],
            position,
            str(each.get("base_type") or "").removeprefix("type/"),
            description=each.get("description") or None,
        )
        for position, each in enumerate(listed, start=1)
    )


def _native(card: Mapping[str, Any]) -> str | None:
    """The SQL of a native question, with optional clauses and template tags taken out so that it can be parsed."""
    query = card.get("dataset_query") or {}
    query = json.loads(query) if isinstance(query, str) else query
    if not isinstance(query, dict):
        return None
    sql = (query.get("native") or {}).get("query")
    for stage in query.get("stages") or ():  # from v0.57 on a query is a list of stages
        sql = sql or (stage.get("native") if isinstance(stage.get("native"), str) else None)
    if not isinstance(sql, str):
        return None
    return TAG.sub("NULL", CARD.sub("(SELECT NULL)", OPTIONAL.sub("", sql)))


def _stands_on(card: Mapping[str, Any], tables: Mapping[int, Ref]) -> Iterator[Lineage]:
    """Edges from tables and from other questions that a question built in the editor names."""
    here, seen = Ref(key=f"card/{card['id']}"), set()
    query = card.get("dataset_query")
    for source in _sources(json.loads(query) if isinstance(query, str) else query):
        upstream = (
            tables.get(source)
            if isinstance(source, int)
            else Ref(key=f"card/{source.removeprefix('card__')}")
        )
        if upstream is not None and upstream not in seen:
            seen.add(upstream)
            yield Lineage(upstream, here, "metabase")


def _sources(query: Any) -> Iterator[int | str]:
    """Every source-table, source-card and joined table of a query, however deep."""
    if isinstance(query, dict):
        for key, value in query.items():
            if key == "source-table" and (isinstance(value, int) or str(value).startswith("card__")):
                yield value
            elif key == "source-card" and isinstance(value, int):
                yield f"card__{value}"
            elif key in ("query", "native") and isinstance(
                value, str
            ):  # SQL names a question as {{#12-its-name}}
                yield from (f"card__{card}" for card in CARD.findall(value))
            else:
                yield from _sources(value)
    elif isinstance(query, list):
        for each in query:
            yield from _sources(each)


def _table(database: Mapping[str, Any], table: Mapping[str, Any]) -> Ref:
    details = database.get("details") or {}
    name = next(
        (details[each] for each in _BASES if isinstance(details.get(each), str) and details[each]), None
    )
    if database.get("engine") == "mysql":  # whose databases are what others call schemas
        return Ref(schema=table.get("schema") or name, table=table["name"])
    return Ref(database=name, schema=table.get("schema") or None, table=table["name"])


def _in_collection(each: Mapping[str, Any]) -> str | None:
    return f"collection/{each['collection_id']}" if each.get("collection_id") else None


def _maker(each: Mapping[str, Any]) -> tuple[str, ...]:
    maker = each.get("creator") or {}
    name = maker.get("email") or maker.get("common_name")
    return (name,) if name else ()
