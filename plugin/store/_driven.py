"""Statements on PostgreSQL that are asked of the driver itself.

Enters: a statement that is made once and kept, and the values that differ from call to call. Leaves: its rows, without
names. What SQLAlchemy does around a statement takes longer than the driver needs for it, and a page of search is a few
short ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC
from typing import Any, NamedTuple

from sqlalchemy import Connection, Dialect, Float, Numeric
from sqlalchemy.exc import DBAPIError

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


def driven_rows(connection: Connection, statement: Any, given: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
    """The rows of a statement, times in UTC. A list among `given` is written as `array` has it.

    Raises what SQLAlchemy would.
    """
    # A kept statement has its values in it: another reader's is another one.
    driven = _statements.get(statement)
    if driven is None:
        if len(_statements) >= MOST_STATEMENTS:
            _statements.clear()
        driven = _statements[statement] = _driven(statement, connection.dialect, given)
    raw: Any = connection.connection.driver_connection
    try:
        with raw.cursor() as cursor:
            rows: list[Any] = cursor.execute(driven.text, {**driven.fixed, **given}, binary=True).fetchall()
    except connection.dialect.loaded_dbapi.Error as error:
        raise _as_told(driven, error, connection.dialect) from error
    return [_in_utc(row, driven.moments) for row in rows] if driven.moments else rows


def _driven(statement: Any, dialect: Dialect, given: Mapping[str, Any]) -> Driven:
    compiled: Any = statement.params(dict(given)).compile(
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
