"""Kept statements on PostgreSQL, asked of the driver itself.

Enters: a reader's context, what builds a statement (see `_around_rows.kept`), and the values that differ from call to
call. Leaves: its rows. What SQLAlchemy does around a statement takes longer than the driver needs for the statement,
and a page of search is a few short ones. On SQLite, and with a statement that is not kept, SQLAlchemy runs it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC
from typing import Any, NamedTuple

from sqlalchemy import Dialect, Float, Numeric
from sqlalchemy.exc import DBAPIError

from plugin.store._around_rows import kept
from plugin.store._context import Context
from plugin.store._models.base import Moment

MOST_STATEMENTS = 4096


class Driven(NamedTuple):
    """A statement as the driver takes it."""

    text: str
    fixed: dict[str, Any]
    """The values that its readers have in common."""
    moments: tuple[int, ...]
    """Which of what it returns are times, which leave in UTC."""


_statements: dict[Any, Driven] = {}


def array(values: Iterable[int]) -> str:
    """Numbers as PostgreSQL writes an array of them: the driver takes longer over a list."""
    return f"{{{','.join(map(str, values))}}}"


def rows_of(
    context: Context, build: Callable[[Context], Any], ids: Sequence[int], **given: Any
) -> Sequence[Sequence[Any]]:
    """The rows of what `build` makes for this reader, given `ids` and whatever else its parameters are called.

    Times come in UTC. Raises what SQLAlchemy would.
    """
    statement = kept(context, build)
    connection = context.session.connection()
    if context.dialect == "sqlite":
        rows: Sequence[Any] = connection.execute(statement, {"ids": ids, **given}).all()
        return rows
    # A kept statement has its values in it: another reader's is another one.
    driven = _statements.get(statement)
    if driven is None:
        if len(_statements) >= MOST_STATEMENTS:
            _statements.clear()
        driven = _statements[statement] = _driven(statement, connection.dialect, {"ids": [], **given})
    raw: Any = connection.connection.driver_connection
    values = {**driven.fixed, **given, "ids": array(ids)}
    try:
        with raw.cursor() as cursor:
            found: list[Any] = cursor.execute(driven.text, values, binary=True).fetchall()
    except connection.dialect.loaded_dbapi.Error as error:
        raise _as_told(driven, error, connection.dialect) from error
    return [_in_utc(row, driven.moments) for row in found] if driven.moments else found


def _driven(statement: Any, dialect: Dialect, given: dict[str, Any]) -> Driven:
    compiled: Any = statement.params(given).compile(
        dialect=dialect, compile_kwargs={"render_postcompile": True}
    )
    types = [column.type for column in compiled._result_columns]
    for each in types:
        if isinstance(each, Numeric) and not isinstance(each, Float):
            raise TypeError("a decimal is not read by the driver as it is by SQLAlchemy")
    moments = tuple(at for at, each in enumerate(types) if isinstance(each, Moment))
    return Driven(compiled.string, {k: v for k, v in compiled.params.items() if k not in given}, moments)


def _in_utc(row: tuple[Any, ...], moments: tuple[int, ...]) -> Sequence[Any]:
    values: list[Any] | None = None
    for at in moments:
        if row[at] is not None:
            values = values or list(row)
            values[at] = row[at].astimezone(UTC)
    return row if values is None else values


def _as_told(driven: Driven, error: Exception, dialect: Dialect) -> BaseException:
    """The driver's error as SQLAlchemy would have it, which the doors know; without what was given."""
    return DBAPIError.instance(driven.text, None, error, dialect.loaded_dbapi.Error, dialect=dialect)
