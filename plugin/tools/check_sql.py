"""The tool `check_sql`, and the same check for every statement before a person sees it: parsed, every name resolved."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from plugin.egress.parts import Fragment
from plugin.errors import NotFound
from plugin.tools import Cited, ToolAnswer, tool
from plugin.tools.find import nearest
from plugin.tools.fragments import QUERYABLE

if TYPE_CHECKING:
    from plugin.store import ViewerDoor

LONGEST_SQL = 50_000


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
    integration: Annotated[str, "name of the integration it is for; found from its tables unless told"] | None = None,
) -> ToolAnswer:
    """Parse SQL and resolve every table and column in the catalog, without running it.

    Returns the tables it touches and each name that the catalog does not have, with the nearest real one.
    """
    checked = check_statement(mine, sql, integration=integration)
    names = ", ".join(table["qualified_name"] for table in checked.tables)
    rows = tuple({key: row[key] for key in ("name", "nearest") if row.get(key)} for row in checked.unknown)
    note = " ".join(checked.problems)
    if rows:
        note = f"{len(rows)} names are unknown. {note}".strip() if len(rows) > 1 else f"1 name is unknown. {note}".strip()
    fields: dict[str, Any] = {"tables": tuple(table["qualified_name"] for table in checked.tables)} if names else {}
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
    """Check one statement as this viewer. `near` are resources that the talk is about; they decide the integration."""
    text = sql.strip().rstrip(";").strip()
    return _provisional(mine, text, integration)


_FROM = re.compile(r"\b(?:from|join)\s+([\w$.\"`\[\]]+)", re.I)


def _provisional(mine: ViewerDoor, sql: str, integration: str | None) -> CheckedSql:
    tables: list[dict[str, Any]] = []
    unknown: list[dict[str, Any]] = []
    dialect = None
    owner: Mapping[str, Any] | None = None
    for name in dict.fromkeys(_FROM.findall(sql)):
        try:
            found = mine.catalog.by_name(name, integration=integration)
        except NotFound:
            near = next(iter(nearest(mine, name, limit=1, kinds=QUERYABLE)), None)
            unknown.append({"name": name, "kind": "table", "nearest": near.qualified_name if near else None, "nearest_id": near.id if near else None})
            continue
        dialect = dialect or found.dialect
        owner = owner or {"id": found.integration_id, "name": found.integration}
        tables.append({"id": found.id, "kind": found.kind, "qualified_name": found.qualified_name})
    return CheckedSql(sql, dialect, owner["id"] if owner else None, owner["name"] if owner else None, tuple(tables), tuple(unknown))
