"""A result as a file for its owner: CSV that a spreadsheet cannot be made to run, and Parquet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from importlib.util import find_spec
from itertools import islice
from typing import Any

from plugin.errors import Misconfigured
from plugin.run_sql.cells import is_number, shown
from plugin.run_sql.results import Result

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")


GROUP_ROWS = 50_000


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


def parquet_possible() -> bool:
    """Is the library for Parquet installed?"""
    return find_spec("pyarrow") is not None


def as_parquet(result: Result) -> Iterator[bytes]:
    """The whole result as Parquet, a row group at a time: in memory, and on no disk. Raises Misconfigured.

    pyarrow writes it because it writes into a stream: DuckDB, which is here anyway, needs a table and a file of its
    own, both of them rows on a disk.
    """
    if not parquet_possible():
        raise Misconfigured("Parquet needs a library that is not installed: pip install 'docent[parquet]'")
    return _parquet(result)


def _parquet(result: Result) -> Iterator[bytes]:
    import pyarrow
    from pyarrow import parquet

    known = {
        "BOOLEAN": pyarrow.bool_(), "BIGINT": pyarrow.int64(), "DOUBLE": pyarrow.float64(), "VARCHAR": pyarrow.string(),
        "DATE": pyarrow.date32(), "TIMESTAMP": pyarrow.timestamp("us"),
        "TIMESTAMP WITH TIME ZONE": pyarrow.timestamp("us", tz="UTC"),
    }  # fmt: skip
    names = _unique([column.name or "column" for column in result.columns])
    types = _types(result)
    schema = pyarrow.schema([(name, known[type_]) for name, type_ in zip(names, types, strict=True)])
    sink = _Drain()
    rows = iter(result)
    with parquet.ParquetWriter(pyarrow.PythonFile(sink, mode="w"), schema, compression="zstd") as writer:
        while batch := list(islice(rows, GROUP_ROWS)):
            arrays = [
                pyarrow.array([_fitted(row[index], type_) for row in batch], type=known[type_])
                for index, type_ in enumerate(types)
            ]
            writer.write_batch(pyarrow.record_batch(arrays, schema=schema))
            del arrays, batch
            pyarrow.default_memory_pool().release_unused()
            yield sink.taken()
    yield sink.taken()


class _Drain(io.RawIOBase):
    """A file that is written once from front to back and emptied on the way."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._at = 0

    def writable(self) -> bool:
        return True

    def write(self, piece: Any) -> int:
        self._held += memoryview(piece).cast("B")
        self._at += len(piece)
        return len(piece)

    def tell(self) -> int:
        return self._at

    def taken(self) -> bytes:
        """What came since the last time."""
        held, self._held = bytes(self._held), bytearray()
        return held


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
