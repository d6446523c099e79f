"""Tableau Cloud and Server: projects, workbooks, dashboards, sheets, virtual connections, datasources, SQL, lineage.

The Metadata API (GraphQL) by pages of 100 nodes a kind, and the REST API for projects and the number of views. The
number of requests grows with pages only; a page that the server cuts short (it counts the nodes inside nodes) is asked
for again at half its size. Extracts, view images, view data and field values are never asked for.

Source: https://help.tableau.com/current/api/metadata_api/en-us (reference, common errors) and
https://help.tableau.com/current/api/rest_api/en-us (paging, sign in, query views for site). A sheet tells its embedded
datasources as `parentEmbeddedDatasources`; its `upstreamDatasources` are the published ones above those.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar
from urllib.parse import quote

from connectors.errors import PermissionMissing, SourceInterrupted
from connectors.http import Api, Length
from connectors.http_source import HttpSource, created, left_out
from connectors.records import Asset, Column, Lineage, Progress, Record, Ref, Unread
from connectors.settings import setting
from connectors.shape import well_formed
from connectors.warehouse import moment, number

PAGE = 100
_UNFINISHED = "BACKFILL_RUNNING"
"""A warning beside an answer that may lack things: none of them may be taken for gone."""
_BRACKETED = re.compile(r"(?:\[[^\]]*\]\.)*\[([^\]]*)\]")
_TABLES = "upstreamTables { name fullName schema database { name } }"
_OWNER = "owner { name username email }"
_FIELDS = """fields { __typename name description isHidden
  upstreamColumns { name table { __typename name ... on DatabaseTable { fullName schema database { name } } } }
  ... on ColumnField { dataType } ... on CalculatedField { dataType formula }
  ... on GroupField { dataType } }"""
QUERIES = {
    "workbooks": f"id luid name description projectName projectLuid uri createdAt updatedAt {_OWNER} tags {{ name }}",
    "dashboards": "id luid name path createdAt updatedAt workbook { id } sheets { id } tags { name }",
    "sheets": """id luid name path createdAt updatedAt workbook { id } tags { name }
  parentEmbeddedDatasources { id } upstreamDatasources { id } containedInDashboards { id }""",
    "publishedDatasources": f"""id luid name description projectName uri isCertified hasExtracts
  extractLastRefreshTime extractLastUpdateTime {_OWNER} tags {{ name }} {_FIELDS} {_TABLES}""",
    "embeddedDatasources": f"""id name hasExtracts extractLastRefreshTime workbook {{ id }} {_FIELDS} {_TABLES}
  upstreamDatasources {{ id }}""",
    "virtualConnections": f"""id luid name description projectName uri createdAt updatedAt isCertified {_OWNER}
  tags {{ name }} tables {{ id name }} {_TABLES} downstreamDatasources {{ id }}""",
    "customSQLTables": """id name description query connectionType database { name }
  tables { name fullName schema database { name } } downstreamDatasources { id }""",
}
DIALECTS = {
    "postgres": "postgres", "redshift": "redshift", "snowflake": "snowflake", "bigquery": "bigquery", "mysql": "mysql",
    "databricks": "databricks", "sqlserver": "tsql", "oracle": "oracle", "presto": "presto", "athena": "athena",
}  # fmt: skip
# The order of records: what holds others first.
_ORDER = (
    "workbooks",
    "virtualConnections",
    "publishedDatasources",
    "embeddedDatasources",
    "customSQLTables",
    "dashboards",
    "sheets",
)


_TYPES = {
    "embeddedDatasources": "embedded",
    "publishedDatasources": "published",
    "virtualConnections": "virtual connection",
}


@dataclass(frozen=True, slots=True)
class Settings:
    """An address, a site and a personal access token."""

    url: str = setting("Address", "For example https://eu-west-1a.online.tableau.com")
    token_name: str = setting("Token name", "Of a personal access token")
    token: str = setting("Token", "The secret of the personal access token", secret=True)
    site: str = setting("Site", "As in the address after /site/; empty for the default site", default="")
    api: str = setting("API version", "3.19 and later", default="3.24")
    plain_http: bool = setting("Without TLS", "Only inside your own network", kind="bool", default=False)


class Tableau(HttpSource):
    """One site of Tableau."""

    name: ClassVar[str] = "tableau"
    title: ClassVar[str] = "Tableau"
    extracts: ClassVar[tuple[str, ...]] = ("dashboard_group", "dashboard", "chart", "dataset", "query")
    settings: ClassVar[type[Any]] = Settings
    grant_script: ClassVar[str] = (
        "-- In Tableau: a user of its own with the site role Viewer, the capability View (and nothing else) on the\n"
        "-- projects to be read, and a personal access token (My Account Settings). The Metadata API must be on\n"
        "-- (tsm maintenance metadata-services enable); with 'derived permissions' a Viewer sees the lineage.\n"
        "-- Tableau tells fields and external tables in full to the site role Site Administrator Explorer only.\n"
    )

    def __init__(self, settings: Settings) -> None:
        self._at = settings
        self._site = ""

    def check(self) -> str:
        """How many workbooks there are. Raises SourceError."""
        with self._open() as api:
            answer = _graphql(api, "{ workbooksConnection(first: 1) { totalCount } }", {})
        return (
            f"Tableau answers: {(answer.get('workbooksConnection') or {}).get('totalCount', '?')} workbooks"
        )

    @well_formed
    def extract(self) -> Iterator[Record]:
        """Projects, workbooks, datasources, dashboards, sheets, then what each stands on. Raises SourceError."""
        found: dict[str, list[dict[str, Any]]] = {}
        with self._open() as api:
            yield Progress("projects", 0)
            projects: list[dict[str, Any]] = []
            unread: list[str] = []
            with left_out(unread, "projects"):
                projects = list(self._listed(api, "projects", "project"))
            yield from (_project(each) for each in projects)
            usage: dict[Any, int | None] = {}
            with left_out(unread, "how often views are opened"):
                usage = {
                    each.get("id"): number((each.get("usage") or {}).get("totalViewCount"))
                    for each in self._listed(api, "views", "view", {"includeUsageStatistics": "true"})
                }
            for what in unread:
                yield Unread(what, what == "projects")
            held = _places(projects)
            for kind in _ORDER:
                yield Progress(kind, 0)
                found[kind] = []
                whose = {each["id"]: each.get("owner") for each in found["workbooks"]}
                try:
                    for each in _nodes(api, kind):
                        found[kind].append(each)
                        yield self._asset(kind, each, held, usage, whose)
                except PermissionMissing:
                    if kind != "virtualConnections":  # which older servers do not know
                        raise
                    yield Unread("virtual connections (older servers have none)")
        known = {each["id"] for rows in found.values() for each in rows}
        seen: set[tuple[Ref, Ref]] = set()
        for edge in _edges(found):
            ends = [each.key for each in (edge.upstream, edge.downstream) if each.key]
            if (edge.upstream, edge.downstream) not in seen and known.issuperset(ends):
                seen.add((edge.upstream, edge.downstream))
                yield edge

    def _asset(
        self,
        kind: str,
        each: Mapping[str, Any],
        held: Mapping[str, str],
        usage: Mapping[Any, int | None],
        whose: Mapping[Any, Any],
    ) -> Asset:
        views = usage.get(each.get("luid") or "")
        facts = {
            "certified": "yes" if each.get("isCertified") else None,
            "extract": "yes" if each.get("hasExtracts") else None,
            "extract_refreshed": each.get("extractLastRefreshTime"),
            "views": views,
            "type": _TYPES.get(kind),
            "tables": ", ".join(table["name"] for table in each.get("tables") or () if table.get("name"))
            if kind == "virtualConnections"
            else None,
        }
        owner = each.get("owner") or whose.get((each.get("workbook") or {}).get("id")) or {}
        parent = (
            (each.get("workbook") or {}).get("id")
            or held.get(f"project/{each.get('projectLuid')}")
            or held.get(each.get("projectName") or "")
        )
        kinds: Any = {
            "workbooks": "dashboard_group", "dashboards": "dashboard", "sheets": "chart", "customSQLTables": "query"
        }  # fmt: skip
        return Asset(
            kinds.get(kind, "dataset"),
            each["id"],
            each.get("name") or "Custom SQL",
            parent=parent,
            description=each.get("description") or None,
            definition=each.get("query") or None,
            dialect=DIALECTS.get(each.get("connectionType") or "") if each.get("query") else None,
            owners=_owner(owner),
            tags=tuple(tag["name"] for tag in each.get("tags") or () if tag.get("name")),
            url=self._url(kind, each),
            popularity=float(views) if views else None,
            changed_at=moment(each.get("updatedAt") or each.get("extractLastUpdateTime")),
            properties={
                **{name: str(value) for name, value in facts.items() if value},
                **created(each.get("createdAt")),
            },
            columns=tuple(
                Column(
                    field["name"],
                    position,
                    str(field.get("dataType") or "").lower(),
                    default=field.get("formula") or None,
                    description=field.get("description") or None,
                )
                for position, field in enumerate(each.get("fields") or (), start=1)
                if field.get("name")
            ),
        )

    def _url(self, kind: str, each: Mapping[str, Any]) -> str | None:
        base = self._at.url.rstrip("/") + "/#" + (f"/site/{quote(self._at.site)}" if self._at.site else "")
        if each.get("path"):
            return f"{base}/views/{quote(each['path'])}"
        if each.get("uri"):  # sites/1/workbooks/27
            return f"{base}/{quote('/'.join(str(each['uri']).split('/')[-2:]))}"
        return None

    def _listed(
        self, api: Api, path: str, field: str, params: Mapping[str, Any] | None = None
    ) -> Iterator[dict[str, Any]]:
        """Every row of a list of the REST API, by pages of 1000. SourceInterrupted where it grew shorter meanwhile."""

        pages = 0
        length = Length("Tableau", path)

        def after(page: Any) -> Mapping[str, Any] | None:
            told = page.get("pagination") or {}
            done = pages * (number(told.get("pageSize")) or 1000)
            whole = length.told(number(told.get("totalAvailable")))
            return {"pageNumber": pages + 1} if done < whole else None

        api.warm()
        place = f"/api/{self._at.api}/sites/{self._site}/{path}"
        for page in api.pages(place, after, {"pageSize": 1000, "pageNumber": 1, **(params or {})}):
            pages += 1
            yield from (page.get(path) or {}).get(field) or ()

    def _open(self) -> Api:
        return Api(self._at.url, self._sign_in, title="Tableau", plain_http=self._at.plain_http)

    def _sign_in(self) -> Mapping[str, str]:
        at = self._at
        body = {
            "credentials": {
                "personalAccessTokenName": at.token_name,
                "personalAccessTokenSecret": at.token,
                "site": {"contentUrl": at.site},
            }
        }
        json_ = {"Accept": "application/json"}
        with Api(at.url, dict, title="Tableau", plain_http=at.plain_http) as api:
            made = api.credential(f"/api/{at.api}/auth/signin", body, headers=json_)["credentials"]
        self._site = made["site"]["id"]
        return {"X-Tableau-Auth": made["token"], **json_}


def _graphql(api: Api, query: str, variables: Mapping[str, Any], cut: set[str] | None = None) -> Any:
    """The data of an answer; into `cut` go the codes of warnings that come with it.

    Without its words, an error is most often a Metadata API that is not switched on.
    """
    answer = api.ask("/api/metadata/graphql", {"query": query, "variables": dict(variables)})
    if answer.get("data") is None:
        raise PermissionMissing("Tableau refused a metadata query; see the connector's grant script")
    if any((each.get("extensions") or {}).get("code") == _UNFINISHED for each in answer.get("errors") or ()):
        raise SourceInterrupted("Tableau is still making its store of metadata; try again later")
    if cut is not None:
        cut |= {str((each.get("extensions") or {}).get("code")) for each in answer.get("errors") or ()}
    return answer["data"]


def _nodes(api: Api, kind: str) -> Iterator[dict[str, Any]]:
    """Every node of a kind, page by page; half the page where the server gave a part of it only."""
    query = f"""query ($first: Int, $after: String) {{ {kind}Connection(first: $first, after: $after) {{
  nodes {{ {QUERIES[kind]} }} pageInfo {{ hasNextPage endCursor }} }} }}"""
    after: str | None = None
    size = PAGE
    while True:
        cut: set[str] = set()
        page = _graphql(api, query, {"first": size, "after": after}, cut).get(f"{kind}Connection") or {}
        if cut & {"NODE_LIMIT_EXCEEDED", "TIME_LIMIT_EXCEEDED"} and size > 1:
            size //= 2
            continue
        yield from page.get("nodes") or ()
        told = page.get("pageInfo") or {}
        if not told.get("hasNextPage") or told.get("endCursor") in (None, after):
            return
        after = told["endCursor"]


def _owner(owner: Mapping[str, Any]) -> tuple[str, ...]:
    """The address, which others than administrators see as the user name of Tableau Cloud only; else the name."""
    username = str(owner.get("username") or "")
    found = owner.get("email") or (username if "@" in username else "") or owner.get("name") or username
    return (str(found),) if found else ()


def _places(projects: list[dict[str, Any]]) -> dict[str, str]:
    """Keys of projects by `project/<luid>` and, where only one has it, by name: what is nested may share a name."""
    keys = [(f"project/{each['id']}", str(each.get("name") or "")) for each in projects]
    names = [name for _, name in keys]
    return {key: key for key, _ in keys} | {name: key for key, name in keys if names.count(name) == 1}


def _project(each: Mapping[str, Any]) -> Asset:
    above = each.get("parentProjectId")
    return Asset(
        "dashboard_group",
        f"project/{each['id']}",
        each.get("name") or each["id"],
        parent=f"project/{above}" if above else None,
        description=each.get("description") or None,
        properties={"type": "project"},
    )


def _edges(found: Mapping[str, list[dict[str, Any]]]) -> Iterator[Lineage]:
    """Tables and columns to datasources and custom SQL, those to sheets, sheets to dashboards."""

    def edge(upstream: Ref, downstream: str) -> Lineage:
        return Lineage(upstream, Ref(key=downstream), "tableau")

    for kind in ("virtualConnections", "publishedDatasources", "embeddedDatasources", "customSQLTables"):
        for each in found[kind]:
            for table in each.get("upstreamTables") or each.get("tables") or ():
                if table.get("name"):
                    yield edge(_table(table), each["id"])
            yield from _of_fields(each)
            for above in each.get("upstreamDatasources") or ():
                yield edge(Ref(key=above["id"]), each["id"])
            for below in each.get("downstreamDatasources") or ():
                yield edge(Ref(key=each["id"]), below["id"])
    for sheet in found["sheets"]:
        for above in sheet.get("parentEmbeddedDatasources") or sheet.get("upstreamDatasources") or ():
            yield edge(Ref(key=above["id"]), sheet["id"])
        for board in sheet.get("containedInDashboards") or ():
            yield edge(Ref(key=sheet["id"]), board["id"])
    for board in found["dashboards"]:
        for sheet in board.get("sheets") or ():
            yield edge(Ref(key=sheet["id"]), board["id"])


def _of_fields(source: Mapping[str, Any]) -> Iterator[Lineage]:
    """The columns of tables that each field is made of; those of virtual connections and custom SQL are not tables'."""
    for field in source.get("fields") or ():
        for column in field.get("upstreamColumns") or ():
            table = column.get("table") or {}
            if (
                field.get("name")
                and column.get("name")
                and table.get("name")
                and table.get("__typename") == "DatabaseTable"
            ):
                above = replace(_table(table), column=column["name"])
                yield Lineage(above, Ref(key=source["id"], column=field["name"]), "tableau")


def _table(table: Mapping[str, Any]) -> Ref:
    """The table; its schema stands in its full name where a connection does not tell it: [schema].[table]."""
    base = (table.get("database") or {}).get("name")
    bracketed = _BRACKETED.fullmatch(table["name"])  # some connections tell [schema].[table] as the name
    named = bracketed[1] if bracketed else table["name"]
    full = [part for part in re.findall(r"\[([^\]]*)\]", table.get("fullName") or table["name"]) if part]
    schema = table.get("schema") or (full[-2] if len(full) > 1 and full[-1] == named else None)
    return Ref(database=base or None, schema=schema, table=named)
