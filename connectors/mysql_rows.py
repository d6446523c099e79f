"""Rows of `information_schema` as records, for MySQL and for MariaDB, which spell some things in two ways."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

from connectors.records import Column, Index, Key, Table, TableKind

_Row = tuple[Any, ...]
_KINDS: dict[str, TableKind] = {
    "BASE TABLE": "table",
    "SYSTEM VERSIONED": "table",
    "VIEW": "view",
}
# Defaults that are expressions although MySQL does not say so (5.7), or numbers: everything else is a text.
_BARE_DEFAULT = re.compile(r"-?\d+(\.\d+)?|NULL|CURRENT_TIMESTAMP(\(\d*\))?|b'[01]+'", re.IGNORECASE)


def title(version: str) -> str:
    """The product and its number, from what VERSION() says."""
    number = re.match(r"[\d.]+", version)
    product = "MariaDB" if "mariadb" in version.lower() else "MySQL"
    return f"{product} {number[0] if number else version}"


def schema_comment(version: str) -> str:
    """The expression for a database's comment: MariaDB has one since 10.5, MySQL has none."""
    found = re.match(r"(\d+)\.(\d+)", version)
    has = found is not None and "mariadb" in version.lower() and (int(found[1]), int(found[2])) >= (10, 5)
    return "SCHEMA_COMMENT" if has else "NULL"


def puts_together(version: str) -> bool:
    """Has the server JSON_ARRAYAGG, tried? MariaDB since 10.5; MySQL's is left alone, since no test here runs one."""
    found = re.match(r"(\d+)\.(\d+)", version)
    return found is not None and "mariadb" in version.lower() and (int(found[1]), int(found[2])) >= (10, 5)


def utc(at: datetime | None) -> datetime | None:
    """A time of a session in UTC, made aware."""
    return None if at is None else at.replace(tzinfo=UTC)


def by_table(rows: list[_Row]) -> dict[tuple[str, str], list[_Row]]:
    """Rows that start with schema and table, grouped; their last column orders them inside a group of a name."""
    rows.sort(key=lambda row: (row[0], row[1], row[2], row[-1]))
    return {name: list(group) for name, group in groupby(rows, key=itemgetter(0, 1))}


def table(
    row: _Row,
    columns: list[_Row],
    keys: list[_Row],
    indexes: list[_Row],
    partitions: _Row | None,
    definition: str | None,
    analyzed: datetime | None,
    mariadb: bool,
) -> Table:
    """One table of TABLES with what the other statements found for it."""
    schema, name, native_kind, engine, comment, rows, size, created = row
    kind = _KINDS.get(native_kind, "table")
    properties = {"engine": engine} if engine else {}
    number = None
    if partitions is not None and kind == "table":
        kind, number = "partitioned_table", partitions[0]
        properties["partition_key"] = f"{partitions[1]} ({partitions[2] or ''})"
    return Table(
        database=None,
        schema=schema,
        name=name,
        kind=kind,
        description=comment if comment and kind != "view" else None,
        columns=tuple(map(_COLUMNS[mariadb].__getitem__, map(tuple, columns))),
        keys=tuple(_keys(keys, {found[0] for found in columns})),
        indexes=tuple(_indexes(indexes)),
        definition=definition,
        row_estimate=None if kind == "view" else rows,
        size_bytes=None if kind == "view" or size is None else int(size),
        analyzed_at=analyzed,
        changed_at=None if kind == "view" else utc(created),
        partitions=number,
        properties=properties,
    )


def _column(row: _Row, mariadb: bool) -> Column:
    name, position, native, nullable, default, extra, comment, expression = row
    extra = (extra or "").upper()
    if expression:
        stored = "VIRTUAL" if "VIRTUAL" in extra else "STORED"
        default = f"GENERATED ALWAYS AS ({expression}) {stored}"
    elif "AUTO_INCREMENT" in extra:
        default = "AUTO_INCREMENT"
    elif mariadb:
        default = None if default == "NULL" else default
    elif default is not None and "DEFAULT_GENERATED" not in extra and not _BARE_DEFAULT.fullmatch(default):
        # MySQL gives a text without its quotes; with them, whoever masks literals knows it for one.
        default = "'" + default.replace("\\", "\\\\").replace("'", "''") + "'"
    return Column(name, position, native, nullable == "YES", default, comment or None)


class _Columns(dict[_Row, Column]):
    """Columns by what they are made of: a warehouse repeats `id`, `created_at` and their like by the thousand."""

    def __init__(self, mariadb: bool) -> None:
        self._mariadb = mariadb

    def __missing__(self, row: _Row) -> Column:
        if len(self) > 20_000:
            self.clear()
        made = self[row] = _column(row, self._mariadb)
        return made


_COLUMNS = {mariadb: _Columns(mariadb) for mariadb in (False, True)}


def _keys(rows: list[_Row], told: set[str]) -> list[Key]:
    """Keys of one table. MariaDB adds the end of a row's time to those of a versioned table, a column that it hides."""
    found = []
    for name, group in groupby(rows, key=itemgetter(2)):
        parts = list(group)
        columns = tuple(part[3] for part in parts if part[3] in told or part[3] != "row_end")
        schema, target = parts[0][4], parts[0][5]
        if target is not None:
            found.append(Key("foreign", name, columns, schema, target, tuple(part[6] for part in parts)))
        else:
            found.append(Key("primary" if name == "PRIMARY" else "unique", name, columns))
    order = ("primary", "unique", "foreign")
    return sorted(found, key=lambda key: order.index(key.kind))


def _indexes(rows: list[_Row]) -> list[Index]:
    found = []
    for name, group in groupby(rows, key=itemgetter(2)):
        parts = list(group)
        columns = tuple(part[5] or "(expression)" for part in parts)
        found.append(Index(name, columns, unique=not int(parts[0][3]), method=parts[0][4].lower()))
    return found
