"""Custom metadata as CSV: with a column entity_type the fields of a JSON line, a row a thing; else a row a column."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any, TextIO

from plugin.catalog import custom_values as values
from plugin.catalog.csv_text import read_csv
from plugin.catalog.custom import read_lines
from plugin.catalog.custom_parsed import Item, Parsed
from plugin.catalog.spool import Row, Spool
from plugin.errors import BadInput
from plugin.json_text import read_json

FLAGS = {"1": "true", "0": "false", "t": "true", "f": "false", "yes": "true", "no": "false"}
OF_A_ROW = 300
"""Bytes in memory, beside its longer texts."""
JSON_CELLS = ("columns", "from_identifier", "to_identifier")


def parse_csv(text: str | TextIO) -> Parsed:
    """Read a CSV. What cannot be used is a problem with its line's number; raises what reading `text` raises."""
    try:
        names, rows = read_csv(text)
    except BadInput as error:
        parsed = Parsed()
        parsed.problems.add(1, str(error))
        return parsed
    if "entity_type" in names:
        return read_lines((number, partial(_line_of, row)) for number, row in rows)
    parsed = _Tables()
    missing = [name for name in ("col_name", "database", "schema", "name") if name not in names]
    if missing:
        parsed.problems.add(1, f"the header lacks {', '.join(missing)} (or entity_type)")
        return parsed
    for number, row in rows:
        parsed.lines += 1
        try:
            parsed.put_row(*_csv_row(number, _cells(row)))
        except BadInput as error:
            parsed.problems.add(number, str(error))
    parsed.check()
    return parsed


class _Tables(Parsed):
    """A file whose rows are columns: a table is what its rows say together, wherever in the file they stand."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: Spool[Row] = Spool(tuple, tuple)

    def __contains__(self, key: str) -> bool:
        return key in self._rows

    def __len__(self) -> int:
        return len(self._rows)

    def items(self, order: Iterable[str] = ()) -> Iterator[Item]:
        """The tables, with their columns."""
        for place in self._rows:
            yield _table(place, self._rows.rows(place), [])

    @property
    def is_empty(self) -> bool:
        """Is there nothing in it that can be imported?"""
        return not len(self._rows)

    def put_row(self, place: str, row: Row) -> None:
        """One row, of the table in that place."""
        self._rows.add(place, row, OF_A_ROW + len(row[3] or "") + len(row[6] or ""))

    def check(self) -> None:
        """Tell of columns that a table has twice."""
        for place in self._rows:
            rows = self._rows.rows(place)
            if len({row[1] for row in rows}) < len(rows):
                twice: list[Row] = []
                _table(place, rows, twice)
                for line, name, *_rest in twice:
                    self.problems.add(line, f"the table has a column {name!r} already")


def _table(place: str, rows: list[Row], twice: list[Row]) -> Item:
    """A table of its rows; those that name a column again go to `twice`.

    What the table is may stand on any of its rows: the first that says it is taken.
    """
    database, schema, name = place.split(".")
    table = Item(rows[0][0], "table", place, name, database=database, schema=schema, by_name=True)
    there: set[str] = set()
    for at, row in enumerate(rows):
        line, column, native_type, described, position, is_view, of_table, changed = row
        if at == 0 and is_view:
            table.kind = "view"
        if column in there:
            twice.append(row)
            continue
        there.add(column)
        table.description = table.description or of_table
        table.changed_at = table.changed_at or (changed and datetime.fromisoformat(changed))
        table.columns.append(
            Item(
                line,
                "column",
                "",
                column,
                description=described,
                native_type=native_type,
                position=position or len(table.columns) + 1,
            )
        )
    table.columns.sort(key=lambda each: each.position or 0)
    return table


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


def _csv_row(number: int, row: dict[str, str]) -> tuple[str, Row]:
    """The place of a row's table, and the row as it is kept."""
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
    return ".".join(place), (
        number,
        (values.text(row, "col_name") or "").lower(),
        values.text(row, "col_type"),
        values.text(row, "col_description", values.LONGEST_TEXT),
        order,
        is_view,
        described,
        changed and changed.isoformat(),
    )
