"""A result as a file for its owner: CSV that a spreadsheet cannot be made to run, and Parquet."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from plugin.run_sql.cells import is_number, shown
from plugin.run_sql.results import Result

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")


def guarded(value: Any) -> str:
    """A cell's text; one that a spreadsheet would take for a formula gets an apostrophe in front, numbers do not."""
    text = shown(value)
    if text is None:
        return ""
    if not is_number(value) and text.lstrip(" ").startswith(_FORMULA):
        return "'" + text
    return text


def as_csv(result: Result) -> Iterator[str]:
    """The whole result as CSV (RFC 4180, with a header), in pieces."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow([guarded(column.name) for column in result.columns])
    for number, row in enumerate(result, 1):
        writer.writerow([guarded(value) for value in row])
        if number % 500 == 0:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def as_parquet(result: Result) -> Iterator[bytes]:
    """The whole result as Parquet, in pieces. The file is made in a private folder and gone with the last piece."""
    import duckdb

    names = _unique([column.name or "column" for column in result.columns])
    with tempfile.TemporaryDirectory() as folder, duckdb.connect(":memory:") as connection:
        connection.execute("SET memory_limit = '256MB'")
        connection.execute(f"SET temp_directory = '{folder}'")
        types = _types(result)
        columns = ", ".join(
            f'"{name.replace(chr(34), chr(34) * 2)}" {type_}'
            for name, type_ in zip(names, types, strict=True)
        )
        connection.execute(f"CREATE TABLE result ({columns})")
        insert = "INSERT INTO result SELECT " + ", ".join(f"unnest(?::{type_}[])" for type_ in types)
        batch: list[tuple[Any, ...]] = []
        for row in result:
            batch.append(row)
            if len(batch) == 20_000:
                connection.execute(insert, _by_column(batch, types))
                batch = []
        if batch:
            connection.execute(insert, _by_column(batch, types))
        path = Path(folder) / "result.parquet"
        connection.execute(f"COPY result TO '{path}' (FORMAT parquet)")
        with path.open("rb") as file:
            while piece := file.read(1 << 20):
                yield piece


def _by_column(rows: list[tuple[Any, ...]], types: list[str]) -> list[list[Any]]:
    return [[_fitted(row[index], type_) for row in rows] for index, type_ in enumerate(types)]


def _fitted(value: Any, type_: str) -> Any:
    if value is None:
        return None
    if type_ == "VARCHAR":
        return shown(value)
    return float(value) if type_ == "DOUBLE" else value


def _types(result: Result) -> list[str]:
    """One type that holds every value of a column; text where they differ."""
    found: list[str | None] = [None] * len(result.columns)
    for row in result:
        for index, value in enumerate(row):
            if value is None:
                continue
            kind = _type(value)
            held = found[index]
            if held is None or held == kind:
                found[index] = kind
            elif {held, kind} == {"BIGINT", "DOUBLE"}:
                found[index] = "DOUBLE"
            else:
                found[index] = "VARCHAR"
    return [kind or "VARCHAR" for kind in found]


def _type(value: Any) -> str:
    if isinstance(value, bool):
        return "BOOLEAN"
    if isinstance(value, int):
        return "BIGINT" if abs(value) < 2**63 else "VARCHAR"
    if isinstance(value, float):
        return "DOUBLE"
    if isinstance(value, Decimal):
        return "DOUBLE" if value.is_finite() and len(value.as_tuple().digits) <= 15 else "VARCHAR"
    if isinstance(value, datetime):
        return "TIMESTAMP WITH TIME ZONE" if value.tzinfo else "TIMESTAMP"
    return "DATE" if isinstance(value, date) else "VARCHAR"


def _unique(names: list[str]) -> list[str]:
    seen: dict[str, int] = {}
    found = []
    for name in names:
        key = name.lower()
        seen[key] = seen.get(key, 0) + 1
        found.append(name if seen[key] == 1 else f"{name}_{seen[key]}")
    return found
