"""Many rows at once: executemany on SQLite, COPY on PostgreSQL. For the merge of a sync, and nothing else.

The caller has become a writer before (see `_engine.begin_write`); values are given as `Bulk.value` makes them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

BLOCK = 5000


class Bulk:
    """Inserts into one database in one transaction, and gives out ids for what it inserts."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._raw = session.connection().connection.driver_connection
        self.sqlite = session.connection().dialect.name == "sqlite"
        self._next: dict[str, list[int]] = {}

    def insert(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Insert rows of values in the order of `columns`."""
        names = ", ".join(f'"{name}"' for name in columns)
        if self.sqlite:
            marks = ", ".join("?" * len(columns))
            self._raw.executemany(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', rows)  # type: ignore[union-attr]
            return
        with self._raw.cursor() as cursor:  # type: ignore[union-attr]
            into = self._beside(cursor, table, names) if self._locked(cursor, table) else f'"{table}"'
            with cursor.copy(f"COPY {into} ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
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
        block = self._next.get(table)
        if not block:
            block = self._next[table] = self._reserve(table)
        return block.pop()

    def _reserve(self, table: str) -> list[int]:
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
            return list(range(last + BLOCK, last, -1))
        found = self._session.scalars(
            text("SELECT nextval(pg_get_serial_sequence(:t, 'id')) FROM generate_series(1, :n)"),
            {"t": table, "n": BLOCK},
        ).all()
        return sorted(found, reverse=True)

    def moment(self, iso: str | datetime | None) -> Any:
        """A time as the driver takes it."""
        if iso is None:
            return None
        at = datetime.fromisoformat(iso) if isinstance(iso, str) else iso
        at = at.astimezone(UTC)
        return at.strftime("%Y-%m-%d %H:%M:%S.%f") if self.sqlite else at

    @staticmethod
    def json(value: Any) -> str | None:
        """A JSON value as text; None for what is empty."""
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")) if value else None
