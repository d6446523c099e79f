"""The tool `check_sql`, and the same check for every statement before a person sees it: parsed, every name resolved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from plugin.egress.parts import Fragment
from plugin.errors import NotFound
from plugin.store.shapes import Resource
from plugin.tools import Cited, ToolAnswer, tool
from plugin.tools.arguments import visible
from plugin.tools.find import nearest
from plugin.tools.fragments import QUERYABLE

if TYPE_CHECKING:
    from plugin.run_sql import Name
    from plugin.store import ViewerDoor

LONGEST_SQL = 50_000
MOST_TABLES = 60


@dataclass(frozen=True, slots=True)
class CheckedSql:
    """A statement with what it touches. `unknown` are `{name, kind, nearest, nearest_id}`; `problems` are sentences."""

    sql: str
    dialect: str | None
    integration_id: int | None
    integration: str | None
    tables: tuple[dict[str, Any], ...] = ()
    unknown: tuple[dict[str, Any], ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Is every name known, and did it parse?"""
        return not self.unknown and not self.problems


@tool(read_only=True, mcp=("check_sql",))
def check_sql(
    mine: ViewerDoor,
    sql: Annotated[str, "one statement"],
    integration: Annotated[str, "name of the integration it is for; found from its tables unless told"]
    | None = None,
) -> ToolAnswer:
    """Parse SQL and resolve every table and column in the catalog, without running it.

    Returns the tables it touches and each name that the catalog does not have, with the nearest real one.
    """
    checked = check_statement(mine, sql, integration=integration)
    names = ", ".join(table["qualified_name"] for table in checked.tables)
    rows = tuple({key: row[key] for key in ("name", "nearest") if row.get(key)} for row in checked.unknown)
    note = " ".join(checked.problems)
    if rows:
        note = (
            f"{len(rows)} names are unknown. {note}".strip()
            if len(rows) > 1
            else f"1 name is unknown. {note}".strip()
        )
    fields: dict[str, Any] = (
        {"tables": tuple(table["qualified_name"] for table in checked.tables)} if names else {}
    )
    if rows:
        fields["unknown"] = rows
    return ToolAnswer(
        fragments=(Fragment(None, "sql check", fields),) if fields else (),
        summary=note or f"Every name is known; it touches {names or 'no table'}",
        ok=checked.ok,
        note=note or "Every name in it is known.",
        value=checked,
        found=tuple(Cited(table["id"], table["kind"], table["qualified_name"]) for table in checked.tables),
    )


def check_statement(
    mine: ViewerDoor, sql: str, *, integration: str | None = None, near: tuple[int, ...] = ()
) -> CheckedSql:
    """Check one statement as this viewer. `near` are resources that the talk is about; they decide the dialect."""
    from plugin.run_sql import NameIndex, check_names

    text = visible(sql).strip().rstrip(";").strip()[:LONGEST_SQL]
    around = [each for each in mine.catalog.resources(near).values() if each.dialect]
    dialect = next((each.dialect for each in around), None)
    named = tables_in(text, dialect)
    found = _tables(mine, named, integration)
    home = _home(found, around)
    if home is None and not named:
        home = next(iter(around), None)
    if home is not None and home.dialect and home.dialect != dialect:
        dialect = home.dialect
        named = tables_in(text, dialect)
        found = _tables(mine, named, integration)
    kept = {
        each.id: each
        for each in found.values()
        if home is not None and each.integration_id == home.integration_id
    }
    columns = {
        each.qualified_name: tuple(c.name for c in mine.catalog.columns(each.id)) for each in kept.values()
    }
    index = NameIndex((_parts(each), columns[each.qualified_name]) for each in kept.values())
    checked = check_names(text, dialect or "postgres", index)
    tables = tuple(
        {"id": each.id, "kind": each.kind, "qualified_name": each.qualified_name} for each in kept.values()
    )
    unknown = tuple(_unknown(mine, name, kept, home) for name in checked.unknown)
    return CheckedSql(
        sql=text,
        dialect=dialect,
        integration_id=home.integration_id if home is not None else None,
        integration=home.integration if home is not None else None,
        tables=tables,
        unknown=unknown,
        problems=(checked.problem,) if checked.problem else (),
    )


def tables_in(sql: str, dialect: str | None) -> tuple[tuple[str, ...], ...]:
    """The parts of every table name in a statement, as written; none where it cannot be parsed."""
    from plugin.run_sql.guard import tables_named

    return tuple(tuple(each) for each in tables_named(sql, dialect=dialect or "postgres"))


def _parts(table: Resource) -> tuple[str, ...]:
    return (*table.path, table.name)


def _tables(
    mine: ViewerDoor, named: tuple[tuple[str, ...], ...], integration: str | None
) -> dict[tuple[str, ...], Resource]:
    found: dict[tuple[str, ...], Resource] = {}
    for parts in named[:MOST_TABLES]:
        try:
            resource = mine.catalog.by_name(".".join(parts), integration=integration)
        except NotFound:
            continue
        if resource.kind in QUERYABLE:
            found[parts] = resource
    return found


def _home(found: Mapping[tuple[str, ...], Resource], around: list[Resource]) -> Resource | None:
    """A table of the integration that most of the names are in; what the talk is about decides between two."""
    counts = Counter(each.integration_id for each in found.values())
    if not counts:
        return next(iter(around), None)
    near = {each.integration_id for each in around}
    best = max(counts, key=lambda each: (counts[each], each in near))
    return next(each for each in found.values() if each.integration_id == best)


def _unknown(
    mine: ViewerDoor, name: Name, tables: Mapping[int, Resource], home: Resource | None
) -> dict[str, Any]:
    if name.kind == "column":
        wanted = (name.nearest or "").lower()
        for table in tables.values() if wanted else ():
            for column in mine.catalog.columns(table.id):
                if column.name.lower() == wanted:
                    return {
                        "name": name.written,
                        "kind": "column",
                        "nearest": column.name,
                        "nearest_id": column.id,
                    }
        return {"name": name.written, "kind": "column", "nearest": name.nearest, "nearest_id": None}
    close = nearest(mine, name.written, limit=4, kinds=QUERYABLE)
    same = [each for each in close if home is None or each.integration_id == home.integration_id]
    best = next(iter(same or close), None)
    return {
        "name": name.written,
        "kind": "table",
        "nearest": best.qualified_name if best else None,
        "nearest_id": best.id if best else None,
    }
