"""Names and comments of a PostgreSQL database that says of none of its texts what they are written in (SQL_ASCII).

Enters: rows of such a database, each byte a character, which is how LATIN1 is read: the server refuses to send what
is no UTF-8 as UTF-8, and one old comment would end the sync. Leaves: the same rows with UTF-8 where it is UTF-8 and
Western European letters where it is not. A text means the same in every row, so that what is compared stays equal.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from itertools import product
from typing import Any

from psycopg import Connection, Cursor
from psycopg.rows import TupleRow

ENCODING = (
    "pg_catalog.set_config('client_encoding', CASE WHEN pg_catalog.current_setting('server_encoding')"
    " OPERATOR(pg_catalog.=) 'SQL_ASCII' THEN 'LATIN1' ELSE 'UTF8' END, true)"
)
"""Set with the rest of the transaction, so that it costs no statement."""


def tells_no_encoding(connection: Connection[TupleRow]) -> bool:
    """Is its database one of these? Told by the server with the sign-in."""
    return connection.info.parameter_status("server_encoding") == "SQL_ASCII"


def mended_rows(cursor: Cursor[Any]) -> Callable[[Sequence[Any]], TupleRow]:
    """Makes rows of which every text is as it was meant."""
    return lambda values: tuple(map(_mended, values))


def as_stored(patterns: Iterable[str]) -> list[str]:
    """Patterns of names as such a database compares them, each byte a character: in UTF-8 and in Western letters.

    A schema that was meant and not asked for would count as gone, and what people wrote about it would go with it.
    """
    return ["".join(ways) for each in patterns for ways in product(*map(_ways, re.split("([.])", each)))]


def _ways(part: str) -> list[str]:
    """The ways to write a part of a name."""
    ways = [part.encode()]
    if not part.isascii():
        with suppress(UnicodeEncodeError):  # it has letters that were never Western
            ways.append(b"".join(map(_western_byte, part)))
    return [way.decode("latin-1") for way in ways]


def _western_byte(letter: str) -> bytes:
    try:
        return letter.encode("cp1252")
    except UnicodeEncodeError:
        return letter.encode("latin-1")


def _mended(value: Any) -> Any:
    if isinstance(value, str) and not value.isascii():
        return value.encode("latin-1").decode("utf-8", _WESTERN)
    return list(map(_mended, value)) if isinstance(value, list) else value


def _as_western(error: UnicodeError) -> tuple[str, int]:
    """What is no UTF-8, byte by byte, as Windows-1252 has it; the few bytes that it has not as LATIN1."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    bad = error.object[error.start : error.end]
    try:
        return bad.decode("cp1252"), error.end
    except UnicodeDecodeError:
        return bad.decode("latin-1"), error.end


_WESTERN = "docent-western"
codecs.register_error(_WESTERN, _as_western)
