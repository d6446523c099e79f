"""Many rows at once: many rows a statement on SQLite, COPY on PostgreSQL. For the merge of a sync, and nothing else.

The caller has become a writer before (see `_engine.begin_write`); times as `Bulk.moment` makes them. On SQLite
the rows are written behind the caller (see `_behind`), so `Bulk` is used as a context manager: at its end, and at
every statement of the session, all of them are there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache, partial
from itertools import chain, islice
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from plugin.store._behind import Behind

BLOCK = 5000
GROUP = 250
"""Rows a statement on SQLite: 1.6 times the rate of executemany from fifty on, and long enough to work beside it. The
parameters of a thousand no longer fit the processor's cache."""
PAGES = -2000
"""SQLite's own cache while a sync writes, in KiB as its PRAGMA has it, an eighth of the usual. Rows come in the order
of their ids: 210,000 took as long with twice as much. (Two million took as long with a quarter of the usual.)"""
PIECE = 5000
"""Rows that wait together to be written behind; of those that come after no more is made yet."""
MOST_PARAMETERS = 32_766
"""What SQLite takes in a statement."""

FLAGS: Mapping[bool | None, Any] = {True: True, False: False, None: None}
NUMBERS: Mapping[bool | None, Any] = {True: 1, False: 0, None: None}
"""SQLite's driver asks of each bool whether somebody makes something else of it; of a number it does not."""


class Bulk:
    """Inserts into one database in one transaction, and gives out ids for what it inserts."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._raw = session.connection().connection.driver_connection
        self.sqlite = session.connection().dialect.name == "sqlite"
        self.behind = Behind(session.connection()) if self.sqlite else None
        self.flags: Mapping[bool | None, Any] = NUMBERS if self.sqlite else FLAGS
        """A bool, or None, as the driver takes it."""
        self._ids: dict[str, Iterator[int]] = {}
        self._block = BLOCK

    def __enter__(self) -> Bulk:
        if self.behind is not None:
            self._usual_pages = self._pages(PAGES)
            self.behind.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        if self.behind is not None:
            self.behind.__exit__(*error)
            self._pages(self._usual_pages)

    def _pages(self, size: int) -> int:
        """Set the size of SQLite's cache; returns what it was."""
        (was,) = self._raw.execute("PRAGMA cache_size").fetchone()  # type: ignore[union-attr]
        self._raw.execute(f"PRAGMA cache_size={size}")  # type: ignore[union-attr]
        return int(was)

    def wait(self) -> None:
        """Return when every row is written. Raises what went wrong with one of them."""
        if self.behind is not None:
            self.behind.wait()

    def expect(self, count: int) -> None:
        """So many ids will be asked for: they are reserved at once, since each reservation waits for the rows."""
        self._block = max(BLOCK, count)

    def insert(
        self,
        table: str,
        columns: Sequence[str],
        rows: Iterable[Sequence[Any]],
        same: Mapping[str, Any] | None = None,
    ) -> None:
        """Insert rows of values in the order of `columns`; every row has the values of `same` besides."""
        same = same or {}
        if self.behind is not None:
            rows = iter(rows)
            while piece := list(islice(rows, PIECE)):
                self.behind.do(partial(insert_groups, self._raw.execute, table, columns, piece, same))  # type: ignore[union-attr]
            return
        names = ", ".join(f'"{name}"' for name in (*columns, *same))
        rest = tuple(same.values())
        with self._raw.cursor() as cursor:  # type: ignore[union-attr]
            into = self._beside(cursor, table, names) if self._locked(cursor, table) else f'"{table}"'
            with cursor.copy(f"COPY {into} ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row((*row, *rest))
            if into != f'"{table}"':
                cursor.execute(f'INSERT INTO "{table}" ({names}) SELECT {names} FROM {into}')
                cursor.execute(f"DROP TABLE {into}")

    @staticmethod
    def _locked(cursor: Any, table: str) -> bool:
        """Does row-level security hold for us on that table? PostgreSQL then takes no COPY into it."""
        return bool(cursor.execute("SELECT row_security_active(%s)", (table,)).fetchone()[0])

    @staticmethod
    def _beside(cursor: Any, table: str, names: str) -> str:
        """A temporary table with those columns, to copy into and insert from, so that the policies see each row."""
        into = f'"bulk_{table}"'
        cursor.execute(
            f'CREATE TEMPORARY TABLE {into} ON COMMIT DROP AS SELECT {names} FROM "{table}" WITH NO DATA'
        )
        return into

    def new_id(self, table: str) -> int:
        """An id that no row of `table` has had."""
        return next(self._ids_of(table))

    def new_ids(self, table: str, count: int) -> list[int]:
        """That many ids that no row of `table` has had, ascending."""
        return list(islice(self._ids_of(table), count))

    def _ids_of(self, table: str) -> Iterator[int]:
        ids = self._ids.get(table)
        if ids is None:
            ids = self._ids[table] = chain.from_iterable(self._blocks(table))
        return ids

    def _blocks(self, table: str) -> Iterator[Sequence[int]]:
        """Ids of `table` without end, a block at a time, each ascending."""
        while True:
            yield self._reserve(table)

    def _reserve(self, table: str) -> Sequence[int]:
        if self.sqlite:
            # Only one writer at a time, so a block is reserved by writing the sequence up.
            last = self._session.scalar(text("SELECT seq FROM sqlite_sequence WHERE name = :t"), {"t": table})
            if last is None:
                last = self._session.scalar(text(f'SELECT coalesce(max(id), 0) FROM "{table}"')) or 0
                self._session.execute(
                    text("INSERT INTO sqlite_sequence (name, seq) VALUES (:t, :s)"),
                    {"t": table, "s": last + self._block},
                )
            else:
                self._session.execute(
                    text("UPDATE sqlite_sequence SET seq = :s WHERE name = :t"),
                    {"t": table, "s": last + self._block},
                )
            return range(last + 1, last + self._block + 1)
        found: list[int] = self._session.execute(
            text("SELECT array_agg(nextval(pg_get_serial_sequence(:t, 'id'))) FROM generate_series(1, :n)"),
            {"t": table, "n": self._block},
        ).scalar_one()
        return sorted(found)

    def moment(self, iso: str | datetime | None) -> Any:
        """A time as the driver takes it."""
        if iso is None:
            return None
        at = datetime.fromisoformat(iso) if isinstance(iso, str) else iso
        at = at.astimezone(UTC)
        return at.replace(tzinfo=None).isoformat(" ", "microseconds") if self.sqlite else at

    @staticmethod
    def json(value: Any) -> str | None:
        """A JSON value as text; None for what is empty."""
        return _encode(value) if value else None


def insert_groups(
    run: Callable[[str, tuple[Any, ...]], object],
    table: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    same: Mapping[str, Any] | None = None,
    verb: str = "INSERT",
    group: int = GROUP,
) -> None:
    """Insert rows into SQLite, many a statement: the driver's work for a statement is more than SQLite's for a row."""
    same = same or {}
    names, width, common = (*same, *columns), len(columns), tuple(same.values())
    group = min(group, (MOST_PARAMETERS - len(common)) // width)
    for start in range(0, len(rows), group):
        part = rows[start : start + group]
        statement = _insertion(verb, table, names, len(common), width, len(part))
        run(statement, (*common, *chain.from_iterable(part)))


@lru_cache(maxsize=32)
def _insertion(verb: str, table: str, names: tuple[str, ...], common: int, width: int, rows: int) -> str:
    """The statement for so many rows. Its parameters have no numbers: SQLite looks each number up among all others."""
    listed = ", ".join(f'"{name}"' for name in names)
    values = ", ".join(["(" + ", ".join("?" * width) + ")"] * rows)
    return f'{verb} INTO "{table}" ({listed}) SELECT {"?, " * common}* FROM (VALUES {values})'


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
