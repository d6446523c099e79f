"""A finished run at the terminal: its rows, or what the engine itself said, for the person alone."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from plugin.cli.session import print_json, say
from plugin.cli.terminal import echo

if TYPE_CHECKING:
    from plugin.run_sql.execute import QueryError
    from plugin.run_sql.run import RunOutcome


def in_full(error: QueryError) -> None:
    """What the engine itself said, for the person at the terminal; nothing where a masked column was touched."""
    if error.full:
        say(error.full)


def print_rows(outcome: RunOutcome, limit: int, as_json: bool) -> None:
    """A finished run for the person at the terminal."""
    from plugin.run_sql.cells import shown

    result = outcome.result
    names = [column.name for column in result.columns]
    if hidden := result.facts.get("masked_columns"):
        say(f"Masked, since marked sensitive: {', '.join(map(str, hidden))}")
    page = result.page(0, limit)
    if as_json:
        rows = [[cell(value) for value in row] for row in page]
        print_json(
            {"columns": names, "rows": rows, "receipt": outcome.receipt.id, "truncated": result.truncated}
        )
        return
    echo("\t".join(names))
    for row in page:
        echo("\t".join("" if value is None else str(shown(value)) for value in row))


def cell(value: Any) -> Any:
    """A value as JSON has it: a decimal is a number where a float holds it exactly, else its digits as text.

    What JSON has no form for is text as on the page: moments and bytes (0x...).
    """
    if isinstance(value, Decimal) and value.is_finite():
        whole = int(value) if value == value.to_integral_value() else float(value)
        return whole if Decimal(repr(whole)) == value else str(value)
    if isinstance(value, (bytes, datetime, date, time, timedelta, Decimal)):
        from plugin.run_sql.cells import shown

        return shown(value)
    return value
