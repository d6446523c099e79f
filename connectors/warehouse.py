"""What connectors to warehouses share: rows of their catalogs put together to `Table` records.

Enters: rows as mappings with the names that `tables_of` documents, from a constant number of statements. Leaves:
tables in the order of their rows, each with its columns, keys and tags. Columns are grouped by table in memory, since
warehouses sort names by rules of their own and a merge of two sorted streams would lose some.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from math import isfinite
from typing import Any, cast

from connectors.records import Column, CostUnit, Key, Table, TableKind

Row = Mapping[str, Any]
Place = tuple[str, str, str]
"""Database, schema and table."""

KINDS: dict[str, TableKind] = {
    "view": "view",
    "materialized view": "materialized_view",
    "materialized_view": "materialized_view",
    "external table": "external_table",
    "external": "external_table",
    "foreign": "foreign_table",
    "streaming_table": "table",
}


class _Named(dict[str, Any]):
    """A row by the names of its columns. Engines differ in how they fold a name that stands without quotes."""

    def __missing__(self, name: str) -> Any:
        for key, value in self.items():
            if key.lower() == name.lower():
                return value
        raise KeyError(name)

    def get(self, name: str, default: Any = None) -> Any:
        """The value, or `default` where an answer has no such column."""
        try:
            return self[name]
        except KeyError:
            return default


def row_of(names: Sequence[str], values: Sequence[Any]) -> Row:
    """One row of a result. Raises ValueError where it does not fit its columns."""
    return _Named(zip(names, values, strict=True))


def tables_of(
    tables: Iterable[Row],
    columns: Iterable[Row],
    *,
    keys: Iterable[Row] = (),
    tags: Iterable[Row] = (),
    properties: Mapping[Place, Mapping[str, str]] | None = None,
) -> Iterator[Table]:
    """Put rows together.

    tables: database, schema, name, kind, and where known description, owner, definition, rows, bytes, changed, created
    columns: database, schema, table, name, position, type, and where known nullable, default, description
    keys: database, schema, table, kind (primary, unique, foreign), key, column, position, ref_schema, ref_table,
        ref_column; one row a column, in any order
    tags: database, schema, table, column (None for the table itself), tag, and where known value; sorted, since a
        warehouse tells them in any order and an unchanged table must look unchanged
    """
    of_column: dict[tuple[str, str, str, str], list[str]] = defaultdict(list)
    of_table: dict[Place, list[str]] = defaultdict(list)
    for row in tags:
        if not (row.get("tag") and row.get("table")):
            continue
        if row.get("column"):
            of_column[*_place(row, "table"), row["column"]].append(tag_of(row))
        else:
            of_table[_place(row, "table")].append(tag_of(row))
    grouped: dict[Place, list[Column]] = defaultdict(list)
    for row in columns:
        if not row.get("name"):
            continue
        place = _place(row, "table")
        position = number(row.get("position"))
        grouped[place].append(
            Column(
                row["name"],
                len(grouped[place]) + 1 if position is None else position,
                row.get("type") or "",
                truth(row.get("nullable"), unless_told=True),
                row.get("default") or None,
                row.get("description") or None,
                tuple(sorted(set(of_column.get((*place, row["name"]), ())))),
            )
        )
    keyed = _keys(keys)
    for row in tables:
        if not (row.get("name") and row.get("schema")):
            continue  # what has no name cannot be told
        place = _place(row, "name")
        created = moment(row.get("created"))
        facts = {**(properties or {}).get(place, {}), **({"created": created.isoformat()} if created else {})}
        yield Table(
            row.get("database") or None,
            row["schema"],
            row["name"],
            KINDS.get(str(row.get("kind") or "").lower().replace("base ", ""), "table"),
            row.get("description") or None,
            row.get("owner") or None,
            tuple(sorted(grouped.pop(place, ()), key=lambda column: column.position)),
            tuple(keyed.pop(place, ())),
            definition=row.get("definition") or None,
            row_estimate=number(row.get("rows")),
            size_bytes=number(row.get("bytes")),
            changed_at=moment(row.get("changed")),
            tags=tuple(sorted(set(of_table.get(place, ())))),
            properties=facts,
        )


def tag_of(row: Row) -> str:
    """A tag with its value, name:value, as labels are written. A governor wrote the value; no row holds it."""
    value = row.get("value")
    return f"{row['tag']}:{value}" if value else str(row["tag"])


def _place(row: Row, name: str) -> Place:
    return row.get("database") or "", row["schema"], row[name]


def _keys(rows: Iterable[Row]) -> dict[Place, list[Key]]:
    """Keys by table, primary first, their columns in order."""
    parts: dict[tuple[Place, str, str], list[Row]] = defaultdict(list)
    for row in rows:
        if row.get("table") and row.get("column"):
            parts[_place(row, "table"), row["kind"], row.get("key") or row["kind"]].append(row)
    order = {"primary": 0, "unique": 1, "foreign": 2}
    found: dict[Place, list[Key]] = defaultdict(list)
    for (place, kind, name), of_key in sorted(
        parts.items(), key=lambda item: (item[0][0], order[item[0][1]], item[0][2])
    ):
        of_key.sort(key=lambda row: number(row.get("position")) or 0)
        columns = tuple(row["column"] for row in of_key)
        first = of_key[0]
        if kind == "foreign":
            ref = tuple(row["ref_column"] for row in of_key if row.get("ref_column"))
            found[place].append(
                Key("foreign", name, columns, first.get("ref_schema"), first.get("ref_table"), ref)
            )
        else:
            found[place].append(Key("primary" if kind == "primary" else "unique", name, columns))
    return found


def truth(value: Any, *, unless_told: bool) -> bool:
    """YES, true, 1 and their opposites, as warehouses write them."""
    if value is None or value == "":
        return unless_told
    return value if isinstance(value, bool) else str(value).strip().lower() in ("yes", "y", "true", "1")


def number(value: Any) -> int | None:
    """A count as text or number; None where there is none."""
    if value is None or value == "":
        return None
    try:
        return int(float(value)) if "." in str(value) or "e" in str(value).lower() else int(value)
    except (ValueError, TypeError, OverflowError):
        return None


def amount(value: Any) -> float | None:
    """A quantity that need not be whole; None where there is none, or none that is finite."""
    try:
        found = float(value)
    except (ValueError, TypeError):
        return None
    return found if isfinite(found) else None


def costs_of(**told: Any) -> dict[CostUnit, float]:
    """What runs came to, by unit; a pair is an amount with its divisor. What is not told, or nothing, is left out."""
    found: dict[CostUnit, float] = {}
    for unit, value in told.items():
        raw, by = value if isinstance(value, tuple) else (value, 1)
        if quantity := amount(raw):
            found[cast(CostUnit, unit)] = quantity / by
    return found


def moment(value: Any) -> datetime | None:
    """A time as ISO text, as (milli-, micro-, nano-)seconds since 1970, or as a datetime; UTC where no zone is told.

    None where it is none of these: a time is never worth a sync.
    """
    if value is None or value == "":
        return None
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    text = str(value).strip().removesuffix(" UTC")
    try:
        since = float(text.split(" ")[0])
        scale = next((scale for least, scale in ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3)) if since > least), 1)
        return datetime.fromtimestamp(since / scale, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def quoted(text: str, *, backslashes: bool = True) -> str:
    """A text literal for an engine that takes no parameters; `backslashes` where one escapes in its literals."""
    return "'" + (text.replace("\\", "\\\\") if backslashes else text).replace("'", "''") + "'"


def filled(condition: tuple[str, list[str]], mark: str = "?", *, backslashes: bool = True) -> str:
    """A condition of `Selection` with its parameters written in as literals, for engines that take none over HTTP."""
    pieces = condition[0].split(mark)
    values = [quoted(value, backslashes=backslashes) for value in condition[1]]
    return "".join(piece + value for piece, value in zip(pieces, [*values, ""], strict=True))
