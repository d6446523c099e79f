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

FLAGS = {"1": "true", "0": "false", "t": "true", "f": "false", "yes": "true", "no": "false"}
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
    at = row.get("last_updated_time", "")
    changed = values.moment({"last_updated_time": int(at) if at.isdecimal() else at}, "last_updated_time")
    is_view = values.flag(
        {"is_view": FLAGS.get(row.get("is_view", "").lower(), row.get("is_view"))}, "is_view"
    )
    order = values.whole(row, "sort_order") or values.whole(row, "col_sort_order")
    described = values.text(row, "description", values.LONGEST_TEXT)
    column = Item(
        line=number,
        kind="column",
        key="",
        name=(values.text(row, "col_name") or "").lower(),
        description=values.text(row, "col_description", values.LONGEST_TEXT),
        native_type=values.text(row, "col_type"),
    )
    table = tables.get(place)
    if table is None:
        table = tables[place] = Item(
            line=number,
            kind="view" if is_view else "table",
            key=".".join(place),
            name=place[2],
            database=place[0],
            schema=place[1],
            by_name=True,
        )
    elif any(each.name == column.name for each in table.columns):
        raise BadInput(f"the table has a column {column.name!r} already")
    # What a table is may stand on any of its rows: the first that says it is taken.
    table.description = table.description or described
    table.changed_at = table.changed_at or changed
    column.position = order or len(table.columns) + 1
    table.columns.append(column)
