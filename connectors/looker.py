"""Looker: folders, dashboards, looks, LookML models with their explores, dimensions and measures, and lineage.

API 4.0. Lists come whole or by pages of 500. One request each: explores, since Looker has no list of their fields;
dashboards of LookML, which the search leaves out; the queries of looks, of which the search has only the ids. An
explore that is listed and cannot be had, as where its LookML does not compile, keeps its name and has no fields.
Queries are never run; filter values, suggestions and enumerations, which hold values, are not asked for.

Source: https://cloud.google.com/looker/docs/reference/looker-api/latest and the OpenAPI file of API 4.0 in
https://github.com/looker-open-source/sdk-codegen (spec/Looker.4.0.oas.json), where every list and every name is
nullable and a wrong key is answered by 404.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import quote

from connectors.http import LEFT_OUT, Api
from connectors.http_source import HttpSource, created, left_out
from connectors.records import Asset, Column, Lineage, Progress, Record, Ref, Unread
from connectors.settings import setting
from connectors.shape import well_formed
from connectors.warehouse import moment, number

PAGE = 500
API = "/api/4.0"
_FIELD = "name,label,description,type,sql,hidden,tags,view"
EXPLORE = (
    f"id,name,label,description,hidden,tags,sql_table_name,model_name,view_name,"
    f"connection_name,joins(name,from,sql_on,sql_table_name,relationship),fields(dimensions({_FIELD}),measures({_FIELD}))"
)
DASHBOARDS = (
    "id,title,description,folder(id),user_id,created_at,updated_at,view_count,favorite_count,deleted,"
)
DASHBOARDS += "certification_metadata(certification_status),"
DASHBOARDS += "dashboard_elements(id,title,type,look_id,query(model,view),"
DASHBOARDS += "result_maker(query(model,view),filterables(model,view)))"
LOOKS = (
    "id,title,description,folder(id),user_id,created_at,updated_at,view_count,favorite_count,deleted,query_id,"
    "query(model,view),certification_metadata(certification_status)"
)
_PLACE = re.compile(r'^[\w$".`\[\] -]+$')
_LIQUID = re.compile(r"\{[{%]")


@dataclass(frozen=True, slots=True)
class Settings:
    """An address and an API key."""

    url: str = setting(
        "Address", "For example https://company.cloud.looker.com (with :19999 where self-hosted)"
    )
    client_id: str = setting("Client ID", "Of an API key")
    client_secret: str = setting("Client secret", "Of the same key", secret=True)
    plain_http: bool = setting("Without TLS", "Only inside your own network", kind="bool", default=False)


class Looker(HttpSource):
    """One Looker instance."""

    name: ClassVar[str] = "looker"
    title: ClassVar[str] = "Looker"
    extracts: ClassVar[tuple[str, ...]] = ("dashboard_group", "dashboard", "chart", "model", "dataset")
    settings: ClassVar[type[Any]] = Settings
    grant_script: ClassVar[str] = (
        "-- In Looker (Admin, Roles): a permission set with see_lookml_dashboards, see_looks, see_user_dashboards,\n"
        "-- see_lookml and explore over the models to be read, a role of it, a user with that role only, and an\n"
        "-- API key of that user. No permission that downloads or schedules, and no SQL Runner, is needed.\n"
    )

    def __init__(self, settings: Settings) -> None:
        self._at = settings

    def check(self) -> str:
        """Who we are. Raises SourceError."""
        with self._open() as api:
            me = api.get(f"{API}/user", {"fields": "display_name,email"})
        return f"Looker answers; signed in as {me.get('display_name') or me.get('email') or 'an API user'}"

    @well_formed
    def extract(self) -> Iterator[Record]:
        """Folders, models and explores, dashboards and looks, then the edges between them. Raises SourceError."""
        edges: list[Lineage] = []
        unread: list[str] = []
        with self._open() as api:
            yield Progress("folders", 0)
            with left_out(unread, "folders"):
                for each in api.get(f"{API}/folders", {"fields": "id,name,parent_id"}) or ():
                    yield _folder(each)
            people: dict[str, str] = {}
            with left_out(unread, "users, who own looks and dashboards"):
                people = {
                    str(each.get("id")): each.get("email") or each.get("display_name") or ""
                    for each in self._all(api, "users/search", "id,email,display_name")
                }
            told = api.get(
                f"{API}/lookml_models",
                {"fields": "name,label,project_name,explores(name,label,description,hidden)"},
            )
            models = [each for each in told or () if each.get("name")]
            databases = _databases(api)
            explores = [
                (model, each) for model in models for each in model.get("explores") or () if each.get("name")
            ]
            for model in models:
                yield _model(model)
            for done, (model, each) in enumerate(explores):
                if done % 20 == 0:
                    yield Progress("explores", done, len(explores))
                names = "/".join(quote(part, safe="") for part in (model["name"], each["name"]))
                path = f"{API}/lookml_models/{names.replace('/', '/explores/')}"
                whole = _had(api, path, EXPLORE)
                named = {**each, **(whole or {}), "name": each["name"]}
                yield self._explore(model["name"], named)
                edges += _stands_on(model["name"], named, databases)
            yield Progress("looks", 0)
            known = {f"explore/{model['name']}::{each['name']}" for model, each in explores}
            queries: dict[str, Any] = {}
            looks: list[dict[str, Any]] = []
            with left_out(unread, "looks (see_looks)"):
                looks = list(self._all(api, "looks/search", LOOKS))
            for look in looks:
                yield self._shown("look", "chart", look, people)
                query, key = look.get("query"), look.get("query_id")
                if not query and key:
                    if key not in queries:
                        path = f"{API}/queries/{quote(str(key), safe='')}"
                        queries[key] = _had(api, path, "model,view")
                    query = queries[key]
                edges += _of_query(query, f"look/{look['id']}", known)
            yield Progress("dashboards", 0)
            for board in self._dashboards(api):
                yield self._shown("dashboard", "dashboard", board, people)
                here = f"dashboard/{board['id']}"
                for element in board.get("dashboard_elements") or ():
                    if element.get("look_id"):
                        edges.append(Lineage(Ref(key=f"look/{element['look_id']}"), Ref(key=here), "looker"))
                    maker = element.get("result_maker") or {}
                    merged = (
                        maker.get("filterables") or ()
                    )  # of a tile of merged queries: what each of them is about
                    for query in (element.get("query") or maker.get("query"), *merged):
                        edges += _of_query(query, here, known)
        for what in unread:
            yield Unread(what)
        yield from dict.fromkeys(edges)

    def _dashboards(self, api: Api) -> Iterator[dict[str, Any]]:
        """Every dashboard of a person, then those of LookML, whose ids are "model::name"."""
        seen = set()
        for board in self._all(api, "dashboards/search", DASHBOARDS):
            seen.add(str(board["id"]))
            yield board
        for each in _had(api, f"{API}/dashboards", "id") or ():
            key = str(each.get("id") or "")
            if "::" in key and key not in seen:
                path = f"{API}/dashboards/{quote(key, safe='')}"
                board = _had(api, path, DASHBOARDS)
                if board and board.get("id") and not board.get("deleted"):
                    yield board

    def _all(self, api: Api, path: str, fields: str) -> Iterator[dict[str, Any]]:
        """Every row of a search, by pages that overlap; what is in the trash is left out."""
        found = api.overlapping(
            f"{API}/{path}",
            lambda page: page or (),
            {"fields": fields, "sorts": "id"},
            key="id",
            size=PAGE,
            what=path.partition("/")[0],
            more=bool,  # a server may give shorter pages than are asked for
        )
        yield from (each for each in found if not each.get("deleted"))

    def _shown(self, place: str, kind: Any, each: Mapping[str, Any], people: Mapping[str, str]) -> Asset:
        views = each.get("view_count")
        facts = {
            "views": views,
            "favorites": each.get("favorite_count"),
            "certified": (each.get("certification_metadata") or {}).get("certification_status"),
        }
        folder = (each.get("folder") or {}).get("id")
        owner = people.get(str(each.get("user_id") or ""))
        return Asset(
            kind,
            f"{place}/{each['id']}",
            each.get("title") or str(each["id"]),
            parent=f"folder/{folder}" if folder else None,
            description=each.get("description") or None,
            owners=(owner,) if owner else (),
            url=f"{self._at.url.rstrip('/')}/{place}s/{quote(str(each['id']), safe='')}",
            popularity=float(number(views) or 0) or None,
            changed_at=moment(each.get("updated_at")),
            properties={
                **{name: str(value) for name, value in facts.items() if value},
                **created(each.get("created_at")),
            },
        )

    def _explore(self, model: str, each: Mapping[str, Any]) -> Asset:
        fields = each.get("fields") or {}
        listed = [
            (kind, field)
            for kind in ("dimensions", "measures")
            for field in fields.get(kind) or ()
            if field.get("name")
        ]
        hidden = {"hidden": "yes"} if each.get("hidden") else {}
        joins = ", ".join(join["name"] for join in each.get("joins") or () if join.get("name"))
        return Asset(
            "dataset",
            f"explore/{model}::{each['name']}",
            each.get("label") or each["name"],
            parent=f"model/{model}",
            description=each.get("description") or None,
            tags=tuple(each.get("tags") or ()),
            url=f"{self._at.url.rstrip('/')}/explore/{quote(model, safe='')}/{quote(each['name'], safe='')}",
            properties={**hidden, **({"joins": joins} if joins else {})},
            columns=tuple(
                Column(
                    field["name"],
                    position,
                    f"{kind[:-1]} {field.get('type') or ''}".strip(),
                    default=field.get("sql") or None,
                    description=field.get("description") or None,
                    tags=tuple(field.get("tags") or ()),
                )
                for position, (kind, field) in enumerate(listed, start=1)
            ),
        )

    def _open(self) -> Api:
        return Api(self._at.url, self._sign_in, title="Looker", plain_http=self._at.plain_http)

    def _sign_in(self) -> Mapping[str, str]:
        """A token that Looker lets live for an hour."""
        at = self._at
        with Api(at.url, dict, title="Looker", plain_http=at.plain_http) as api:
            key = {"client_id": at.client_id, "client_secret": at.client_secret}
            made = api.form(f"{API}/login", key, refusals=(404,))
        return {"Authorization": f"token {made['access_token']}"}


def _folder(each: Mapping[str, Any]) -> Asset:
    above = each.get("parent_id")
    parent = f"folder/{above}" if above else None
    return Asset(
        "dashboard_group", f"folder/{each['id']}", each.get("name") or str(each["id"]), parent=parent
    )


def _model(each: Mapping[str, Any]) -> Asset:
    facts = {"project": each["project_name"]} if each.get("project_name") else {}
    return Asset("model", f"model/{each['name']}", each.get("label") or each["name"], properties=facts)


def _had(api: Api, path: str, fields: str) -> Any:
    """What is at `path`; None where Looker will not give it: what is broken or hidden is a 400, 403 or 404."""
    try:
        return api.get(path, {"fields": fields})
    except LEFT_OUT:
        return None


def _databases(api: Api) -> dict[str, str]:
    """The database of each connection (see_connections is not part of the grant script); nothing of its sign-in."""
    rows = _had(api, f"{API}/connections", "name,database") or ()
    return {str(each.get("name")): each.get("database") or "" for each in rows}


def _stands_on(model: str, explore: Mapping[str, Any], databases: Mapping[str, str]) -> Iterator[Lineage]:
    """The tables that an explore and its joins name, and the columns that the fields of each view name; derived tables
    are SQL of their own."""
    here, own = f"explore/{model}::{explore['name']}", explore.get("view_name") or explore["name"]
    only = next(iter(databases.values())) if len(databases) == 1 else None
    base = databases.get(str(explore.get("connection_name"))) or only
    views = {own: explore.get("sql_table_name")}
    for join in explore.get("joins") or ():
        if join.get("name"):
            views.setdefault(join["name"], join.get("sql_table_name"))
    fields = explore.get("fields") or {}
    for view, table in views.items():
        place = _place(table or "", base)
        if place is None:
            continue
        yield Lineage(place, Ref(key=here), "looker")
        for field in (*(fields.get("dimensions") or ()), *(fields.get("measures") or ())):
            if field.get("name") and (field.get("view") or own) == view:
                for column in re.findall(r"\$\{TABLE\}\.[\"`]?(\w+)", field.get("sql") or ""):
                    upstream = Ref(None, place.database, place.schema, place.table, column)
                    yield Lineage(upstream, Ref(key=here, column=field["name"]), "looker")


def _place(table: str, base: str | None) -> Ref | None:
    """The table of a `sql_table_name`, which may have an alias behind it; None where it is a template or SQL."""
    table = re.sub(r"\s+(AS\s+)?\w+\s*$", "", table.strip(), flags=re.IGNORECASE)
    if not table or _LIQUID.search(table) or not _PLACE.match(table):
        return None
    parts = [part.strip('`"[] ') for part in table.split(".")]
    return Ref(
        database=(parts[-3] if len(parts) > 2 else base) or None,
        schema=parts[-2] if len(parts) > 1 else None,
        table=parts[-1],
    )


def _of_query(query: Mapping[str, Any] | None, here: str, known: set[str]) -> list[Lineage]:
    above = f"explore/{query.get('model')}::{query.get('view')}" if query else ""
    return [Lineage(Ref(key=above), Ref(key=here), "looker")] if above in known else []
