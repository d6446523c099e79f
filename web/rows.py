"""Rows of a run, for the person who ran it: read from the results that `plugin.run_sql` keeps, never stored elsewhere."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from plugin.run_sql import run
from web.services import services, viewer

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def run_sql(integration_id: int, sql: str, *, confirm: bool) -> Any:
    """Run a statement through every gate; the outcome names the result. Raises as `plugin.run_sql.run`."""
    bundle = services()
    who = viewer()
    return run(
        bundle.store,
        who,
        integration_id,
        sql,
        results=bundle.results,
        surface=who.surface.value,
        confirm=confirm,
    )


def page_of(result_id: str, *, offset: int, limit: int) -> dict[str, Any]:
    """Some rows of one's own result as the API gives them. NotFound for another's, an old one or none."""
    result = services().results.get(viewer(), result_id)
    rows = result.rows[offset : offset + limit]
    return {
        "result_id": result_id,
        "columns": [{"name": column.name, "type": column.type} for column in result.columns],
        "rows": [[_plain(value) for value in row] for row in rows],
        "row_count": len(result.rows),
        "truncated": bool(getattr(result, "truncated", False)),
        "milliseconds": getattr(result, "milliseconds", None),
        "receipt_id": getattr(result, "receipt_id", None),
    }


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        return f"{len(bytes(value))} bytes"
    return str(value)


def guarded(value: Any) -> str:
    """A cell of a CSV file that no spreadsheet takes for a formula."""
    text = "" if value is None else str(_plain(value))
    if text.startswith(_FORMULA) and not isinstance(value, int | float):
        return "'" + text
    return text


def csv_lines(result_id: str) -> Iterator[str]:
    """One's own result as CSV, line by line."""
    result = services().results.get(viewer(), result_id)
    yield _line([column.name for column in result.columns])
    for row in result.rows:
        yield _line(list(row))


def _line(values: list[Any]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow([guarded(value) for value in values])
    return out.getvalue()
