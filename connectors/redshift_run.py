"""Runs one guarded SELECT on Redshift; what PostgreSQL's protocol gives is in `connectors.postgres_run`.

What differs: the transaction is READ ONLY and nothing more can be said of it, the time-out is one of the session, there
is no EXPLAIN in JSON and no limit of memory or temporary files (a WLM queue and its monitoring rules have those), and a
query inside a transaction may not hear a request to cancel, so the session is ended from a second connection.

Source: https://docs.aws.amazon.com/redshift/latest/dg/r_BEGIN.html, r_statement_timeout.html, PG_CANCEL_BACKEND.html
("if you cannot cancel a query because it is in transaction block"), PG_TERMINATE_BACKEND.html, r_EXPLAIN.html
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg.generators import execute
from psycopg.rows import TupleRow
from psycopg.types.string import TextLoader

from connectors.abilities import Estimate, ResultColumn, RunLimits
from connectors.errors import SourceError
from connectors.postgres_run import Metered, PostgresRuns, Stop
from connectors.postgres_sign_in import sign_in

QUERY_GRANTS = """\
-- Runs the SELECTs that people send. Grant exactly the tables that may be queried, nothing else.
CREATE USER <role> PASSWORD '<password>' NOCREATEDB CONNECTION LIMIT 10;
ALTER USER <role> SET statement_timeout TO 60000;
GRANT USAGE ON SCHEMA <schema> TO <role>;
GRANT SELECT ON <schema>.<table> TO <role>;
-- By default every user may create tables in the schema public and temporary ones in the database:
-- REVOKE CREATE ON SCHEMA public FROM PUBLIC;
-- REVOKE TEMP ON DATABASE <your database> FROM PUBLIC;
"""
_AS_TEXT = ("date", "time", "timetz", "timestamp", "timestamptz", "interval")
_PLAN = re.compile(r"\(cost=[0-9.]+\.\.(?P<cost>[0-9.]+) rows=(?P<rows>[0-9]+) ")


class RedshiftRuns(PostgresRuns):
    """The part of the Redshift connector that runs SQL."""

    def _prepare(self, connection: psycopg.Connection[TupleRow], limits: RunLimits) -> None:
        for name in _AS_TEXT:
            connection.adapters.register_loader(name, TextLoader)
        connection.execute(f"SET statement_timeout TO {max(1, int(limits.seconds * 1000))}")
        connection.execute("BEGIN READ ONLY")

    def _planned(
        self, cursor: psycopg.RawCursor[TupleRow], sql: str, parameters: Sequence[Any]
    ) -> Estimate | None:
        """Rows and cost of the plan's first line, which is its top."""
        line = next(cursor.stream("EXPLAIN " + sql, tuple(parameters) or None), ("",))[0]
        found = _PLAN.search(str(line))
        return Estimate(rows=int(found["rows"]), cost=float(found["cost"])) if found else None

    def _described(
        self, connection: psycopg.Connection[TupleRow], sql: str, parameters: Sequence[Any]
    ) -> tuple[ResultColumn, ...]:
        """The columns of a statement that gave no row: it is parsed once more and described, not run."""
        wire = connection.pgconn
        wire.send_prepare(b"docent_shape", sql.encode())
        connection.wait(execute(wire))
        wire.send_describe_prepared(b"docent_shape")
        told = connection.wait(execute(wire))[-1]
        columns = []
        for number in range(told.nfields):
            known = connection.adapters.types.get(told.ftype(number))
            columns.append(
                ResultColumn((told.fname(number) or b"").decode(), known.name if known else "unknown")
            )
        return tuple(columns)

    def _stop(self, connection: psycopg.Connection[TupleRow]) -> Stop:
        return _EndsSession(connection, self._server)

    def _open_to_run(self) -> Metered:
        return Metered.connect(
            client_encoding="UNICODE",  # how Redshift, like PostgreSQL 8, calls UTF-8
            keepalives_idle=30,
            tcp_user_timeout=60_000,
            **sign_in(self._server, name="docent"),
        )


class _EndsSession(Stop):
    """Asks as PostgreSQL's does first, then ends the session, which is ours alone."""

    asked = 0

    def _send(self) -> None:
        super()._send()
        self.asked += 1
        if self.asked < 2:
            return
        with self._lock, contextlib.suppress(psycopg.Error, SourceError):
            if self._closed:
                return
            pid = self._connection.info.backend_pid
            with psycopg.connect(client_encoding="UNICODE", **sign_in(self.server, name="docent")) as second:
                second.execute(f"SELECT pg_terminate_backend({pid:d})")
