"""OpenMetadata as a source: tables with columns, owners, tags and terms, dashboards, pipelines, glossary, lineage.

Lists come by cursor, 200 a page, with every field that is wanted; lineage needs one request a table or dashboard, as
the API has no list of edges. Sample data, profiles and per-person usage are fields that are not asked for; how often a
table or dashboard was used in a month is asked for where the bot may see it.

Source: https://docs.open-metadata.org/swagger.html, the JSON schemas and the resources (FIELDS) of
https://github.com/open-metadata/OpenMetadata. Fields come only where they are named, and an unknown name is refused:
version 1.5 made `owner` to `owners` and `viewDefinition` to `schemaDefinition`, and a later one `domain` to `domains`,
which is found out by asking. Fields of structures are columns with their path as the name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from connectors.errors import NotOffered, PermissionMissing
from connectors.http import Api
from connectors.http_source import CatalogSettings, OtherCatalog, created, left_out
from connectors.records import (
    Asset,
    AssetKind,
    Column,
    Key,
    Lineage,
    Progress,
    Record,
    Ref,
    Table,
    TableKind,
    Unread,
)
from connectors.settings import setting
from connectors.shape import well_formed
from connectors.warehouse import moment, number

PAGE = 200
_PART = re.compile(r'"((?:[^"]|"")*)"|([^."]+)')
TABLE_KINDS: dict[str, TableKind] = {
    "View": "view",
    "SecureView": "view",
    "MaterializedView": "materialized_view",
    "External": "external_table",
    "Foreign": "foreign_table",
    "Partitioned": "partitioned_table",
}
ASSETS: tuple[tuple[str, AssetKind], ...] = (
    ("dashboards", "dashboard"),
    ("charts", "chart"),
    ("pipelines", "job"),
    ("glossaryTerms", "term"),
)
ALSO = {"dashboards": ",charts", "pipelines": ",tasks,pipelineStatus"}
LINEAGE_OF = {"tables": "table", "dashboards": "dashboard", "pipelines": "pipeline"}


@dataclass(frozen=True, slots=True)
class Settings(CatalogSettings):
    """The address and a bot's token."""

    lineage: bool = setting(
        "Read lineage", "One request for each table and dashboard", kind="bool", default=True
    )


class OpenMetadata(OtherCatalog):
    """One OpenMetadata server."""

    name: ClassVar[str] = "openmetadata"
    title: ClassVar[str] = "OpenMetadata"
    settings: ClassVar[type[Any]] = Settings
    grant_script: ClassVar[str] = (
        "-- In OpenMetadata: a bot (Settings, Bots) with the Data Consumer role, less ViewSampleData; its JWT token\n"
        "-- is the secret. ViewUsage is for how often tables and dashboards are used; without it that is left out.\n"
    )

    def check(self) -> str:
        """The version and the number of tables. Raises SourceError."""
        with self._open() as api:
            version = api.get("/api/v1/system/version").get("version", "?")
            total = (api.get("/api/v1/tables", {"limit": 1}).get("paging") or {}).get("total", "?")
        return f"OpenMetadata {version}, {total} tables"

    @well_formed
    def extract(self) -> Iterator[Record]:
        """Tables, then dashboards, charts, pipelines and terms, then lineage. Raises SourceError."""
        refs: dict[str, Ref] = {}
        with_lineage: list[tuple[str, str]] = []
        with self._open() as api:
            old = _before_1_5(api.get("/api/v1/system/version", optional=True) or {})
            people = "owner" if old else "owners"
            common = f"{people},tags{_first_of(api, ('domains', 'domain'))}"
            usage = ""
            try:
                usage = _first_of(api, ("usageSummary",))
            except PermissionMissing:
                yield Unread("how often tables and dashboards are used (ViewUsage)")
            fields = f"columns,{common},tableConstraints,{'viewDefinition' if old else 'schemaDefinition'}"
            fields += usage + _first_of(api, ("lifeCycle",))
            within: list[Lineage] = []
            unread: list[str] = []
            for count, each in enumerate(self._all(api, "tables", fields), start=1):
                table = _table(each)
                refs[each["id"]] = Ref(database=table.database, schema=table.schema, table=table.name)
                with_lineage.append(("table", each["id"]))
                if count % PAGE == 0:
                    yield Progress("tables", count)
                yield table
            for path, kind in ASSETS:
                more = ALSO.get(path, "") + (",scheduleInterval" if path == "pipelines" and not old else "")
                more += usage if path == "dashboards" else ""
                listed: list[dict[str, Any]] = []
                with left_out(unread, {"glossaryTerms": "glossary terms"}.get(path, path)):
                    listed = list(self._all(api, path, common + more))
                for each in listed:
                    refs[each["id"]] = Ref(key=_fqn(each))
                    for chart in each.get("charts") or ():
                        if chart.get("fullyQualifiedName"):
                            above = Ref(key=chart["fullyQualifiedName"])
                            within.append(Lineage(above, Ref(key=_fqn(each)), "openmetadata"))
                    if path in LINEAGE_OF:
                        with_lineage.append((LINEAGE_OF[path], each["id"]))
                    yield _asset(kind, each)
            yield from within
            if self._at.lineage:
                with left_out(unread, "lineage"):
                    yield from self._edges(api, with_lineage, refs)
            for what in unread:
                yield Unread(what)

    def _edges(self, api: Api, of: list[tuple[str, str]], refs: Mapping[str, Ref]) -> Iterator[Record]:
        """The edges that lead into each entity, each once."""
        for done, (kind, entity) in enumerate(of, start=1):
            if done % 100 == 1:
                yield Progress("lineage", done, len(of))
            params = {"upstreamDepth": 1, "downstreamDepth": 0}
            found = api.get(f"/api/v1/lineage/{kind}/{entity}", params, optional=True) or {}
            for edge in found.get("upstreamEdges") or ():
                up, down = refs.get(edge.get("fromEntity", "")), refs.get(edge.get("toEntity", ""))
                if up and down and edge.get("toEntity") == entity:
                    yield Lineage(up, down, "openmetadata")
                    yield from _of_columns(edge, up, down)

    def _all(self, api: Api, path: str, fields: str) -> Iterator[dict[str, Any]]:
        def after(page: Mapping[str, Any]) -> Mapping[str, Any] | None:
            cursor = (page.get("paging") or {}).get("after")
            return {"after": cursor} if cursor else None

        for page in api.pages(f"/api/v1/{path}", after, {"limit": PAGE, "fields": fields}):
            yield from (each for each in page.get("data") or () if not each.get("deleted"))


def _first_of(api: Api, names: tuple[str, ...]) -> str:
    """The first of these fields that this version has, with a comma before it; empty where there is none."""
    for name in names:
        try:
            api.get("/api/v1/tables", {"limit": 1, "fields": name})
        except NotOffered:  # 400: invalid field name
            continue
        return f",{name}"
    return ""


def _of_columns(edge: Mapping[str, Any], up: Ref, down: Ref) -> Iterator[Lineage]:
    """The columns of an edge between two tables."""
    for each in (edge.get("lineageDetails") or {}).get("columnsLineage") or ():
        to = _parts(each.get("toColumn") or "")
        for name in each.get("fromColumns") or ():
            if up.table and down.table and len(to) > 4 and len(_parts(name)) > 4:
                # service.database.schema.table, and then the column's own path
                above = replace(up, column=".".join(_parts(name)[4:]))
                yield Lineage(above, replace(down, column=".".join(to[4:])), "openmetadata")


def _table(each: Mapping[str, Any]) -> Table:
    schema, database = each.get("databaseSchema") or {}, each.get("database") or {}
    owners = _owners(each)
    return Table(
        database.get("name") or None,
        schema.get("name") or "default",
        each["name"],
        TABLE_KINDS.get(each.get("tableType") or "", "table"),
        description=each.get("description") or None,
        owner=owners[0] if owners else None,
        columns=tuple(
            Column(
                column["name"],
                position,
                column.get("dataTypeDisplay") or column.get("dataType") or "",
                column.get("constraint") not in ("NOT_NULL", "PRIMARY_KEY"),
                description=column.get("description") or None,
                tags=_tags(column),
            )
            for position, column in enumerate(_columns(each), start=1)
        ),
        keys=tuple(_keys(each)),
        definition=each.get("schemaDefinition") or each.get("viewDefinition") or None,
        changed_at=moment(each.get("updatedAt")),
        tags=_tags(each),
        properties={"service": str((each.get("service") or {}).get("name") or each.get("serviceType") or "")}
        | _domain(each)
        | created(((each.get("lifeCycle") or {}).get("created") or {}).get("timestamp"))
        | ({"uses_30_days": str(_uses(each))} if _uses(each) else {}),
    )


def _uses(each: Mapping[str, Any]) -> int:
    """How often it was used in the last 30 days, by anybody."""
    return number(((each.get("usageSummary") or {}).get("monthlyStats") or {}).get("count")) or 0


def _keys(each: Mapping[str, Any]) -> Iterator[Key]:
    """Constraints of the table and those that stand on single columns."""
    primary = tuple(c["name"] for c in _columns(each) if c.get("constraint") == "PRIMARY_KEY")
    if primary:
        yield Key("primary", "primary key", primary)
    for column in _columns(each):
        if column.get("constraint") == "UNIQUE":
            yield Key("unique", f"unique {column['name']}", (column["name"],))
    for count, constraint in enumerate(each.get("tableConstraints") or (), start=1):
        columns = tuple(constraint.get("columns") or ())
        kind = constraint.get("constraintType")
        if kind == "PRIMARY_KEY" and not primary:
            yield Key("primary", "primary key", columns)
        elif kind == "UNIQUE":
            yield Key("unique", f"unique {count}", columns)
        elif kind == "FOREIGN_KEY" and constraint.get("referredColumns"):
            # service.database.schema.table.column; a part with a dot in it stands in quotes
            referred = [_parts(name) for name in constraint["referredColumns"]]
            if all(len(parts) >= 3 for parts in referred):
                names = tuple(parts[-1] for parts in referred)
                yield Key("foreign", f"foreign key {count}", columns, referred[0][-3], referred[0][-2], names)


def _domain(each: Mapping[str, Any]) -> dict[str, str]:
    domains = each.get("domains") or ([each["domain"]] if each.get("domain") else [])
    names = ", ".join(str(one.get("displayName") or one.get("name") or "") for one in domains)
    return {"domain": names} if names else {}


def _asset(kind: AssetKind, each: Mapping[str, Any]) -> Asset:
    parent = (each.get("parent") or {}).get("fullyQualifiedName")
    run = each.get("pipelineStatus") or {}
    facts = {
        "schedule": each.get("scheduleInterval"),
        "tasks": ", ".join(str(one.get("name")) for one in each.get("tasks") or () if one.get("name")),
        "last_status": run.get("executionStatus"),
        "last_run": moment(run.get("timestamp")),
        "type": each.get("chartType") or each.get("dashboardType"),
        "synonyms": ", ".join(str(one) for one in each.get("synonyms") or () if one),
        "status": (each.get("entityStatus") or each.get("status")) if kind == "term" else None,
    }
    return Asset(
        kind,
        _fqn(each),
        each.get("displayName") or each.get("name") or _fqn(each),
        parent=parent,
        description=each.get("description") or None,
        definition=(each.get("description") or None) if kind == "term" else None,
        owners=_owners(each),
        tags=_tags(each),
        url=each.get("sourceUrl") or None,
        popularity=float(_uses(each)) or None,
        changed_at=moment(each.get("updatedAt")),
        properties=_domain(each) | {name: str(value) for name, value in facts.items() if value},
    )


def _owners(each: Mapping[str, Any]) -> tuple[str, ...]:
    owners = each.get("owners") or ([each["owner"]] if each.get("owner") else [])
    names = (one.get("displayName") or one.get("name") for one in owners)
    return tuple(name for name in names if name)


def _tags(each: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(tag["tagFQN"] for tag in each.get("tags") or () if tag.get("tagFQN"))


def _fqn(each: Mapping[str, Any]) -> str:
    return str(each.get("fullyQualifiedName") or each["id"])


def _columns(each: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Columns, and behind each the fields of its structure."""
    found: list[Mapping[str, Any]] = []
    for column in each.get("columns") or each.get("children") or ():
        if column.get("name"):
            found.append(column)
            found += [
                {**one, "name": f"{column['name']}.{one['name']}"}
                for one in _columns({"children": column.get("children")})
            ]
    return found


def _parts(name: str) -> list[str]:
    """A fully qualified name in its parts."""
    return [quoted.replace('""', '"') if quoted else plain for quoted, plain in _PART.findall(name)]


def _before_1_5(told: Mapping[str, Any]) -> bool:
    found = re.match(r"(\d+)\.(\d+)", str(told.get("version") or ""))
    return found is not None and (int(found[1]), int(found[2])) < (1, 5)
