"""Custom metadata as CSV: with a column entity_type the fields of a JSON line, a row a thing; else a row a column."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from plugin.catalog import custom_values as values
from plugin.catalog.csv_text import read_csv
from plugin.catalog.custom import Item, Parsed, Problem, read_lines
from plugin.errors import BadInput
from plugin.json_text import read_json

JSON_CELLS = ("columns", "from_identifier", "to_identifier")


def parse_csv(text: str) -> Parsed:
    """Read a CSV. Never raises: what cannot be used is a problem with its line's number."""
    parsed = Parsed()
    tables: dict[tuple[str, str, str], Item] = {}
    try:
        names, rows = read_csv(text)
    except BadInput as error:
        parsed.problems.append(Problem(1, str(error)))
        return parsed
    if "entity_type" in names:
        return read_lines((number, partial(_line_of, row)) for number, row in rows)
    missing = [name for name in ("col_name", "database", "schema", "name") if name not in names]
    if missing:
        parsed.problems.append(Problem(1, f"the header lacks {', '.join(missing)} (or entity_type)"))
        return parsed
    for number, row in rows:
        parsed.lines += 1
        try:
            _csv_row(number, _cells(row), tables)
        except BadInput as error:
            parsed.problems.append(Problem(number, str(error)))
    for table in tables.values():
        table.columns.sort(key=lambda each: (each.position is None, each.position or 0))
        parsed.items.append(table)
    return parsed


def _cells(row: Mapping[str, str] | BadInput) -> dict[str, str]:
    if isinstance(row, BadInput):
        raise row
    return {name: cell.strip() for name, cell in row.items()}


def _line_of(row: Mapping[str, str] | BadInput) -> Mapping[str, Any]:
    """The JSON line that a row means: empty cells are left out, and what is no text is written as JSON has it.

    Lists of texts may also be written with commas, times as seconds since 1970.
    """
    line: dict[str, Any] = {name: cell for name, cell in _cells(row).items() if cell}
    for name, cell in list(line.items()):
        if name in JSON_CELLS or (name in ("tags", "owners") and cell.startswith("[")):
            try:
                line[name] = read_json(cell, to_keep=True)
            except ValueError as error:
                raise BadInput(f"{name} is not JSON") from error
        elif name in ("tags", "owners"):
            line[name] = cell.split(",")
        elif name == "is_pk":
            line[name] = {"1": "true", "0": "false"}.get(cell, cell)
        elif name == "external_updated_at" and cell.isdecimal():
            line[name] = int(cell)
    return line


def _csv_row(number: int, row: dict[str, str], tables: dict[tuple[str, str, str], Item]) -> None:
    for name in ("col_name", "database", "schema", "name"):
        if not row.get(name):
            raise BadInput(f"{name} is missing")
        if "." in row[name] and name != "col_name":
            raise BadInput(f"{name} holds a period")
    place = (row["database"].lower(), row["schema"].lower(), row["name"].lower())
    table = tables.get(place)
    if table is None:
        is_view = row.get("is_view", "").lower() in ("1", "true", "yes", "t")
        changed = row.get("last_updated_time")
        table = tables[place] = Item(
            line=number,
            kind="view" if is_view else "table",
            key=".".join(place),
            name=place[2],
            database=place[0],
            schema=place[1],
            description=row.get("description") or None,
            changed_at=values.moment(int(changed) if changed and changed.isdecimal() else changed or None),
            by_name=True,
        )
    order = row.get("sort_order") or row.get("col_sort_order") or ""
    if order and not order.lstrip("-").isdecimal():
        raise BadInput("sort_order is a whole number")
    column = row["col_name"].lower()
    if any(each.name == column for each in table.columns):
        raise BadInput(f"the table has a column {column!r} already")
    table.columns.append(
        Item(
            line=number,
            kind="column",
            key="",
            name=column,
            description=row.get("col_description") or None,
            native_type=row.get("col_type") or None,
            position=int(order) if order else len(table.columns) + 1,
        )
    )
