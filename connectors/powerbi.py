"""Power BI: workspaces, dataflows, datamarts, semantic models with tables, measures and sources, reports, dashboards.

The admin scanner API: the list of workspaces, then scans of 100 at a time (getInfo, scanStatus, scanResult), so the
number of requests grows by the hundred workspaces. Rows, refresh logs and DAX queries are never asked for.

Source: https://learn.microsoft.com/rest/api/power-bi/admin/workspace-info-post-workspace-info, -get-scan-status,
-get-scan-result and -get-modified-workspaces. Microsoft allows 30 lists and 500 scans an hour, and asks for patience
between two looks at a scan: they come after 1, 2, 4, ... 30 seconds.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import quote

from connectors.errors import NotOffered, PermissionMissing, SourceInterrupted
from connectors.http import Api
from connectors.http_source import HttpSource, Seen, created
from connectors.powerbi_usage import views
from connectors.records import Asset, Column, Lineage, Progress, Record, Ref, Unread
from connectors.settings import setting
from connectors.shape import well_formed
from connectors.warehouse import moment

API = "/v1.0/myorg/admin/workspaces"
BATCH = 100
POLLS = 120
_OPTIONS = "lineage=True&datasourceDetails=False&getArtifactUsers=True"
_DETAILS = "&datasetSchema=True&datasetExpressions=True"
"""Needs two settings of the tenant; where they are off, a scan without it is asked for."""
# `Source{[Schema="sales",Item="orders"]}[Data]` and the steps that Snowflake, BigQuery and Databricks take.
_ITEM = re.compile(r'\[\s*Schema\s*=\s*"([^"]+)"\s*,\s*Item\s*=\s*"([^"]+)"')
_STEP = re.compile(r'\[\s*Name\s*=\s*"([^"]+)"\s*,\s*Kind\s*=\s*"(Database|Schema|Table|View)"')
_FIRST = re.compile(r'\.(?:Database|Databases)\(\s*"[^"]*"\s*,\s*"([^"]+)"')

# SQL of a person's own, as a text of Power Query: "" is a quotation mark in it, #(lf) the end of a line.
_TEXT = r'"((?:[^"]|"")*)"'
_NATIVE = re.compile(r"Value\.NativeQuery\((?:[^()\"]|\"(?:[^\"]|\"\")*\"|\([^()]*\))*?,\s*" + _TEXT)
_QUERY = re.compile(r"\[[^\[\]]*?\bQuery\s*=\s*" + _TEXT)
DIALECTS = {
    "PostgreSQL": "postgres", "Sql": "tsql", "Snowflake": "snowflake", "GoogleBigQuery": "bigquery", "MySQL": "mysql",
    "AmazonRedshift": "redshift", "Oracle": "oracle",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Settings:
    """A tenant and an app of its own."""

    tenant: str = setting("Tenant", "ID or domain of the directory")
    client_id: str = setting("Client ID", "Of an app registered for this")
    client_secret: str = setting("Client secret", "Of the same app", secret=True)
    workspaces: tuple[str, ...] = setting("Workspaces", "Names; empty for all", kind="list", default=())
    url: str = setting("Address", "Only for a national cloud", default="https://api.powerbi.com")
    sign_in_url: str = setting(
        "Sign-in address", "Only for a national cloud", default="https://login.microsoftonline.com"
    )


class PowerBI(HttpSource):
    """One Power BI tenant."""

    name: ClassVar[str] = "powerbi"
    title: ClassVar[str] = "Power BI"
    extracts: ClassVar[tuple[str, ...]] = ("dashboard_group", "dashboard", "chart", "dataset", "metric")
    settings: ClassVar[type[Any]] = Settings
    grant_script: ClassVar[str] = (
        "-- In Entra ID: register an app without any Power BI permission, put it into a security group of its own.\n"
        "-- In the Power BI admin portal, for that group only: allow service principals to use read-only admin APIs;\n"
        "-- enhance admin APIs responses with detailed metadata; and with DAX and mashup expressions (for lineage).\n"
        "-- The first of these shows the activity events too: views are counted from them, and people are not kept.\n"
    )

    def __init__(self, settings: Settings) -> None:
        self._at = settings

    def check(self) -> str:
        """How many workspaces the app may scan. Raises SourceError."""
        with self._open() as api:
            return f"Power BI answers: {len(api.get(f'{API}/modified', _ACTIVE) or ())} workspaces to scan"

    @well_formed
    def extract(self) -> Iterator[Record]:
        """Each workspace with what is in it, then the edges. Raises SourceError."""
        wanted = set(self._at.workspaces)
        edges: list[Lineage] = []
        with self._open() as api:
            yield Progress("views", 0)
            seen, unread = views(api)
            yield from unread
            listed = api.get(f"{API}/modified", _ACTIVE) or ()
            ids = [each.get("id") or each["Id"] for each in listed]  # the documentation has both
            for start in range(0, len(ids), BATCH):
                yield Progress("workspaces", start, len(ids))
                found, whole = self._scanned(api, ids[start : start + BATCH])
                if not whole and not start:
                    yield Unread(
                        "tables, columns, measures and sources of semantic models (enhanced admin APIs)"
                    )
                for space in found:
                    if space.get("state") in (None, "Active") and (not wanted or space.get("name") in wanted):
                        yield from _workspace(space, seen)
                        edges += _edges(space)
        yield from dict.fromkeys(edges)

    def _scanned(self, api: Api, ids: list[str]) -> tuple[list[dict[str, Any]], bool]:
        """The workspaces of one scan, once it is done, and whether the tenant tells their details."""
        whole = True
        try:
            made = api.ask(f"{API}/getInfo?{_OPTIONS}{_DETAILS}", {"workspaces": ids})
        except NotOffered:
            whole, made = False, api.ask(f"{API}/getInfo?{_OPTIONS}", {"workspaces": ids})
        place = quote(str(made["id"]), safe="")
        for look in range(POLLS):
            if made.get("status") == "Succeeded":
                return api.get(f"{API}/scanResult/{place}").get("workspaces") or [], whole
            if made.get("status", "NotStarted") not in ("NotStarted", "Running"):
                raise PermissionMissing("Power BI gave up a scan; see the admin settings of the grant script")
            time.sleep(min(2.0**look, 30.0) if look < 5 else 30.0)
            made = api.get(f"{API}/scanStatus/{place}")
        raise SourceInterrupted("Power BI did not finish a scan; try again later")

    def _open(self) -> Api:
        return Api(self._at.url, self._sign_in, title="Power BI")

    def _sign_in(self) -> Mapping[str, str]:
        """A token of the app, which lives for about an hour."""
        at = self._at
        fields = {
            "grant_type": "client_credentials",
            "client_id": at.client_id,
            "client_secret": at.client_secret,
            "scope": "https://analysis.windows.net/powerbi/api/.default",
        }
        with Api(at.sign_in_url, dict, title="the sign-in of Power BI") as api:
            made = api.form(f"/{quote(at.tenant, safe='')}/oauth2/v2.0/token", fields)
        return {"Authorization": f"Bearer {made['access_token']}"}


_ACTIVE = {"excludePersonalWorkspaces": "True", "excludeInActiveWorkspaces": "True"}


def _workspace(space: Mapping[str, Any], seen: Mapping[str, Seen]) -> Iterator[Asset]:
    here = f"workspace/{space['id']}"
    description = space.get("description") or None
    yield Asset("dashboard_group", here, space.get("name") or space["id"], description=description)
    for flow in space.get("dataflows") or ():
        if flow.get("objectId"):
            named = {**flow, "id": flow["objectId"], "reportType": "dataflow"}
            yield _asset("dataset", f"dataflow/{flow['objectId']}", named, here, None)
    for mart in space.get("datamarts") or ():
        named = {**mart, "reportType": "datamart"}
        yield _asset("dataset", f"datamart/{mart['id']}", named, here, None)
    for model in space.get("datasets") or ():
        yield from _model(model, here)
    pages = "https://app.powerbi.com/groups"
    for kind, field in (("dashboard", "dashboards"), ("chart", "reports")):
        for each in space.get(field) or ():
            if each.get("appId"):  # what an app shows of the same workspace: the original is in the list too
                continue
            place = "rdlreports" if each.get("reportType") == "PaginatedReport" else field
            url = f"{pages}/{space['id']}/{place}/{each['id']}"
            key = f"{field[:-1]}/{each['id']}"
            yield _asset(kind, key, each, here, url, seen.get(key.lower(), Seen()))


def _asset(
    kind: Any, key: str, each: Mapping[str, Any], parent: str, url: str | None, seen: Seen | None = None
) -> Asset:
    facts = {
        "endorsement": (each.get("endorsementDetails") or {}).get("endorsement"),
        "sensitivity": (each.get("sensitivityLabel") or {}).get("labelId"),
        "storage": each.get("targetStorageMode"),
        "type": each.get("reportType"),
    }
    return Asset(
        kind,
        key,
        each.get("name") or each.get("displayName") or str(each["id"]),
        parent=parent,
        description=each.get("description") or None,
        owners=_owners(each),
        url=url,
        changed_at=moment(
            each.get("modifiedDateTime") or each.get("createdDateTime") or each.get("createdDate")
        ),
        properties={
            **{name: str(value) for name, value in facts.items() if value},
            **created(each.get("createdDateTime") or each.get("createdDate")),
            **(seen.facts() if seen else {}),
        },
        popularity=float(seen.times) or None if seen else None,
    )


def _owners(each: Mapping[str, Any]) -> tuple[str, ...]:
    """Who configured it, else who may do everything with it."""
    if each.get("configuredBy") or each.get("createdBy"):
        return (each.get("configuredBy") or each["createdBy"],)
    found = [
        user.get("emailAddress") or user.get("displayName")
        for user in each.get("users") or ()
        if "Owner" in [value for name, value in user.items() if name.endswith("UserAccessRight")]
    ]
    return tuple(filter(None, found))


def _model(model: Mapping[str, Any], parent: str) -> Iterator[Asset]:
    """A semantic model; its tables; its measures, as metrics."""
    here = f"dataset/{model['id']}"
    yield _asset("dataset", here, model, parent, None)
    for table in _named(model.get("tables")):
        columns = tuple(
            Column(
                each["name"],
                position,
                each.get("dataType") or "",
                default=each.get("expression") or None,
                description=each.get("description") or None,
            )
            for position, each in enumerate(_named(table.get("columns")), start=1)
        )
        sql, dialect = _statement(table)
        yield Asset(
            "dataset",
            _table_key(model, table),
            table["name"],
            parent=here,
            description=table.get("description") or None,
            columns=columns,
            properties={"hidden": "yes"} if table.get("isHidden") else {},
            definition=sql,
            dialect=dialect,
        )
        for measure in _named(table.get("measures")):
            yield Asset(
                "metric",
                f"{_table_key(model, table)}/{measure['name']}",
                measure["name"],
                parent=_table_key(model, table),
                description=measure.get("description") or None,
                definition=measure.get("expression") or None,
            )


def _statement(table: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """The SQL that a table hands to its source (Value.NativeQuery, or the option Query), and its dialect."""
    for source in table.get("source") or ():
        expression = source.get("expression") or ""
        if found := _NATIVE.search(expression) or _QUERY.search(expression):
            sql = re.sub(r"#\((?:cr|lf|tab|,)+\)", " ", found[1]).replace('""', '"')
            known = (dialect for name, dialect in DIALECTS.items() if f"{name}.Database" in expression)
            return sql, next(known, None)
    return None, None


def _named(rows: Any) -> list[Mapping[str, Any]]:
    """Those with a name; the documentation leaves every list out that is empty."""
    return [each for each in rows or () if each.get("name")]


def _table_key(model: Mapping[str, Any], table: Mapping[str, Any]) -> str:
    return f"dataset/{model['id']}/{table['name']}"


def _edges(space: Mapping[str, Any]) -> Iterator[Lineage]:
    """Source tables to tables of a model, those to the model, models to reports, reports to dashboards."""

    def edge(upstream: Ref, downstream: str) -> Lineage:
        return Lineage(upstream, Ref(key=downstream), "powerbi")

    for flow in space.get("dataflows") or ():
        if flow.get("objectId"):
            yield from (edge(above, f"dataflow/{flow['objectId']}") for above in _flows(flow))
    for mart in space.get("datamarts") or ():
        yield from (edge(above, f"datamart/{mart['id']}") for above in _flows(mart))
    for model in space.get("datasets") or ():
        here = f"dataset/{model['id']}"
        shared = {each["name"]: each.get("expression") or "" for each in _named(model.get("expressions"))}
        yield from (edge(above, here) for above in _flows(model))
        for above in model.get("upstreamDatasets") or ():
            if above.get("targetDatasetId"):
                yield edge(Ref(key=f"dataset/{above['targetDatasetId']}"), here)
        for table in _named(model.get("tables")):
            yield edge(Ref(key=_table_key(model, table)), here)
            for source in table.get("source") or ():
                for found in _sources(source.get("expression") or "", shared):
                    yield edge(found, _table_key(model, table))
            for measure in _named(table.get("measures")):
                yield edge(Ref(key=_table_key(model, table)), f"{_table_key(model, table)}/{measure['name']}")
    for report in space.get("reports") or ():
        if report.get("datasetId") and not report.get("appId"):
            yield edge(Ref(key=f"dataset/{report['datasetId']}"), f"report/{report['id']}")
    for board in space.get("dashboards") or ():
        for tile in () if board.get("appId") else board.get("tiles") or ():
            if tile.get("reportId"):
                yield edge(Ref(key=f"report/{tile['reportId']}"), f"dashboard/{board['id']}")
            elif tile.get("datasetId"):
                yield edge(Ref(key=f"dataset/{tile['datasetId']}"), f"dashboard/{board['id']}")


def _flows(each: Mapping[str, Any]) -> list[Ref]:
    """The dataflows and datamarts that a model, or another of them, reads."""
    flows = (one.get("targetDataflowId") for one in each.get("upstreamDataflows") or ())
    marts = (one.get("targetDatamartId") for one in each.get("upstreamDatamarts") or ())
    return [Ref(key=f"dataflow/{flow}") for flow in flows if flow] + [
        Ref(key=f"datamart/{mart}") for mart in marts if mart
    ]


def _sources(expression: str, shared: Mapping[str, str], seen: frozenset[str] = frozenset()) -> Iterator[Ref]:
    """The tables that an expression reads, itself or through the model's shared expressions that it names."""
    if found := _source(expression):
        yield found
        return
    for name, text in shared.items():
        plain = rf'(?<![\w."#]){re.escape(name)}(?![\w"])'
        if name not in seen and (re.search(plain, expression) or f'#"{name}"' in expression):
            yield from _sources(text, shared, seen | {name})


def _source(expression: str) -> Ref | None:
    """The table that a Power Query expression navigates to; None where it computes one."""
    base = _FIRST.search(expression)
    item = _ITEM.search(expression)
    if item:
        return Ref(database=base[1] if base else None, schema=item[1], table=item[2])
    steps = {kind: name for name, kind in _STEP.findall(expression)}
    table = steps.get("Table") or steps.get("View")
    return Ref(database=steps.get("Database"), schema=steps.get("Schema"), table=table) if table else None
