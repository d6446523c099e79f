"""What lies in the raw files of an installation, or in every table of its PostgreSQL database."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import text

from plugin.store import Store

OURS = "nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'"


def raw(store: Store, home: Path) -> bytes:
    """Every byte of every file in a home (database, write-ahead log, shared memory, keys, stores beside it).

    On PostgreSQL also every value of every table of every schema of ours, as COPY would give it, bytes as they are.
    """
    found = [path.read_bytes() for path in sorted(home.rglob("*")) if path.is_file()]
    if store.dialect == "sqlite":
        return b"\n".join(found)
    with store._engine.connect() as connection:
        names = connection.execute(
            text(
                "SELECT quote_ident(nspname) || '.' || quote_ident(relname) FROM pg_class "
                f"JOIN pg_namespace n ON n.oid = relnamespace WHERE relkind IN ('r', 'p') AND {OURS}"
            )
        ).scalars()
        for name in names.all():
            for row in connection.execute(text(f"SELECT * FROM {name}")):
                found += [each if isinstance(each, bytes) else str(each).encode() for each in row]
    return b"\n".join(found)
