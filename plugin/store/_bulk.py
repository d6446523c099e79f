"""Many rows at once: many rows a statement on SQLite, COPY on PostgreSQL. For the merge of a sync, and nothing else.

The caller has become a writer before (see `_engine.begin_write`); values are given as `Bulk.value` makes them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain, islice
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

BLOCK = 5000
GROUP = 50
"""Rows a statement on SQLite, where that is the fastest (1.6 times executemany's rate)."""
MOST_PARAMETERS = 900
"""What the oldest SQLite takes is 999."""


class Bulk:
    """Inserts into one database in one transaction, and gives out ids for what it inserts."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._raw = session.connection().connection.driver_connection
        self.sqlite = session.connection().dialect.name == "sqlite"
        self._ids: dict[str, Iterator[int]] = {}

    def insert(
        self,
        table: str,
        columns: Sequence[str],
        rows: Iterable[Sequence[Any]],
        same: Mapping[str, Any] | None = None,
    ) -> None:
        """Insert rows of values in the order of `columns`; every row has the values of `same` besides."""
        same = same or {}
        names = ", ".join(f'"{name}"' for name in (*columns, *same))
        if self.sqlite:
            self._insert_groups(f'INSERT INTO "{table}" ({names}) VALUES ', columns, list(rows), same)
            return
        rest = tuple(same.values())
        with self._raw.cursor() as cursor:  # type: ignore[union-attr]
            into = self._beside(cursor, table, names) if self._locked(cursor, table) else f'"{table}"'
            with cursor.copy(f"COPY {into} ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row((*row, *rest))
            if into != f'"{table}"':
                cursor.execute(f'INSERT INTO "{table}" ({names}) SELECT {names} FROM {into}')
                cursor.execute(f"DROP TABLE {into}")

    def _insert_groups(
        self, statement: str, columns: Sequence[str], rows: list[Sequence[Any]], same: Mapping[str, Any]
    ) -> None:
        """Some rows a statement: the driver's work for each statement is more than SQLite's for a row."""
        width, common = len(columns), tuple(same.values())
        ends = "".join(f", ?{number}" for number in range(1, len(common) + 1))

        def places(row: int) -> str:
            first = len(common) + row * width + 1
            return "(" + ", ".join(f"?{number}" for number in range(first, first + width)) + ends + ")"

        group = max(1, min(GROUP, len(rows), MOST_PARAMETERS // width))
        full = statement + ", ".join(map(places, range(group)))
        end = len(rows) - len(rows) % group
        run = self._raw.execute  # type: ignore[union-attr]
        for start in range(0, end, group):
            run(full, [*common, *chain.from_iterable(rows[start : start + group])])
        if end < len(rows):
            rest = statement + ", ".join(map(places, range(len(rows) - end)))
            run(rest, [*common, *chain.from_iterable(rows[end:])])

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
                    {"t": table, "s": last + BLOCK},
                )
            else:
                self._session.execute(
                    text("UPDATE sqlite_sequence SET seq = :s WHERE name = :t"),
                    {"t": table, "s": last + BLOCK},
                )
            return range(last + 1, last + BLOCK + 1)
        found: list[int] = self._session.execute(
            text("SELECT array_agg(nextval(pg_get_serial_sequence(:t, 'id'))) FROM generate_series(1, :n)"),
            {"t": table, "n": BLOCK},
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


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
