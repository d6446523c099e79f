"""Rows of a run, for the person who ran it: read from the results that `plugin.run_sql` keeps, never stored elsewhere.

A result belongs to a member and to their session together: another browser of the same person does not reach it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from flask import request, session
from flask_login import current_user

from plugin.errors import NotFound
from plugin.mcp import SESSION as MCP_SESSION
from plugin.run_sql.cells import as_json, is_number
from plugin.run_sql.download import as_csv, as_parquet, parquet_possible
from plugin.run_sql.results import Owner, Result
from plugin.store.live import live_mark
from web.people import SESSION
from web.services import services, viewer


def session_key() -> str:
    """What stands for this browser session or this token, without being its secret."""
    header = request.headers.get("Authorization")
    if header is not None:
        return key_of(header.partition(" ")[2].strip(), bearer=True)
    return key_of(session.get(SESSION) or "", bearer=False)


def key_of(secret: str, *, bearer: bool = False) -> str:
    """As `session_key`, of a secret at hand."""
    return f"{live_mark(secret, bearer=bearer)}.{hashlib.sha256(b'results' + bytes(1) + secret.encode()).hexdigest()}"


def owner() -> Owner:
    """Whose results are within reach of this request."""
    who = viewer()
    return Owner(who.workspace_id, who.member_id, session_key())


def run_sql(integration_id: int, sql: str, *, confirm: bool, run_id: str | None = None) -> Any:
    """Run a statement through every gate; the outcome names the result. Raises as `plugin.run_sql.run`."""
    from plugin.run_sql.run import run  # brings every engine's driver along

    bundle, who = services(), viewer()
    return run(
        bundle.store, who, integration_id, sql, results=bundle.results, session=session_key(),
        surface=who.surface, confirm=confirm, run_id=run_id,
    )  # fmt: skip


def run_saved(
    query_id: int, values: Mapping[str, str | Sequence[str] | None], *, run_id: str | None = None
) -> Any:
    """Run an approved query (or a draft of one's own) through every gate. Raises as `plugin.run_sql.approved`."""
    from plugin.run_sql.approved import run_approved

    bundle, who = services(), viewer()
    return run_approved(
        bundle.store, who, query_id, values, results=bundle.results, session=session_key(),
        surface=who.surface, run_id=run_id,
    )  # fmt: skip


def result_of(result_id: str) -> Result:
    """One's own result, also one that a program of one's own ran over MCP. NotFound for another's or none.

    Such a result opens for a person's browser session only: a program's token must not fetch what its model asked for.
    """
    from plugin.run_sql.hold import held  # brings every engine's driver along

    bundle, who = services(), viewer()
    try:
        return held(bundle.store, who, bundle.results, owner(), result_id)
    except NotFound:
        if current_user.bearer:
            raise
        return held(bundle.store, who, bundle.results, replace(owner(), session=MCP_SESSION), result_id)


def page_of(result_id: str, *, offset: int, limit: int) -> dict[str, Any]:
    """Some rows of one's own result as the API gives them. NotFound."""
    result = result_of(result_id)
    return {
        "result_id": result_id,
        "columns": [
            {"name": column.name, "type": column.type, "numeric": numeric}
            for column, numeric in zip(result.columns, _numeric(result), strict=True)
        ],
        "rows": [[as_json(value) for value in row] for row in result.page(offset, limit)],
        "row_count": result.rows,
        "truncated": result.truncated,
        "masked": list(result.facts.get("masked_columns") or ()),
        "milliseconds": None,
        "receipt_id": result.facts.get("receipt"),
        "downloads": ["csv", "parquet"] if parquet_possible() else ["csv"],
    }


_NUMBERS = re.compile(r"int|num|dec|float|double|real|money", re.IGNORECASE)
_NO_NUMBERS = re.compile(r"interval|point|array|map|list|struct|row\(|tuple|range|enum|\[|<", re.IGNORECASE)


def _numeric(result: Result) -> list[bool]:
    """Which columns hold numbers: by their values; where those are text (as decimals of some services) by the type."""
    if "numeric" not in result.cached:
        first = result.page(0, 100)
        found = []
        for at, column in enumerate(result.columns):
            given = [row[at] for row in first if row[at] is not None]
            named = bool(_NUMBERS.search(column.type)) and not _NO_NUMBERS.search(column.type)
            found.append(all(is_number(value) for value in given) if given and not named else named)
        result.cached["numeric"] = found
    return list(result.cached["numeric"])


def csv_of(result_id: str) -> Iterator[str]:
    """One's own result as CSV, in pieces; formulas are made harmless. NotFound before the first piece."""
    return as_csv(result_of(result_id))


def parquet_of(result_id: str) -> Iterator[bytes]:
    """One's own result as Parquet, in pieces. NotFound, or Misconfigured where the library is missing."""
    return as_parquet(result_of(result_id))
