"""A connection to PostgreSQL: told whose rows it may touch with its BEGIN, and given up where the server has gone."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url

from plugin.config import Config
from plugin.errors import Busy
from plugin.store import Store, migrate, open_store


@pytest.fixture
def at_postgres(config: Config, postgres_url: str) -> Any:
    own = replace(config, database_url=postgres_url)
    migrate(own)
    opened = open_store(own)
    yield opened
    opened.close()


def test_connections_that_the_server_closed_are_not_given_to_a_door(
    at_postgres: Store, new_workspace: Any, postgres_url: str
) -> None:
    viewer = new_workspace(at_postgres)
    together = threading.Barrier(3)

    def hold() -> None:
        with at_postgres.as_viewer(viewer):
            together.wait(10)

    threads = [threading.Thread(target=hold) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    url = make_url(postgres_url).set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as boss:
        closed = boss.execute(
            "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchone()
    assert closed is not None and closed[0] >= 3
    for _ in range(4):
        with at_postgres.as_viewer(viewer) as mine:
            assert mine.viewer.email == viewer.email


def test_a_transaction_knows_its_workspace_and_the_next_one_does_not(
    at_postgres: Store, new_workspace: Any
) -> None:
    viewer = new_workspace(at_postgres)
    told = "SELECT current_setting('docent.workspace', true)"
    with at_postgres.as_viewer(viewer) as mine:
        connection = mine._context.session.connection()
        assert connection.exec_driver_sql(told).scalar() == str(viewer.workspace_id)
        raw: Any = connection.connection.driver_connection
        with mine._context.session.begin_nested():
            assert connection.exec_driver_sql(told).scalar() == str(viewer.workspace_id)
    with at_postgres._engine.connect() as connection:
        assert connection.connection.driver_connection is raw
        assert not connection.exec_driver_sql(told).scalar()
    with pytest.raises(ValueError), at_postgres._transaction("it's nobody's") as session:
        session.connection()


def test_no_statement_of_a_door_is_compiled(at_postgres: Store, new_workspace: Any) -> None:
    viewer = new_workspace(at_postgres)
    with at_postgres.as_viewer(viewer) as mine:
        assert mine._context.session.connection().exec_driver_sql("SHOW jit").scalar() == "off"


def test_who_waits_too_long_for_the_file_is_told_so(
    config: Config, new_workspace: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process that writes for longer than one waits: it was an unexpected error to be reported."""
    monkeypatch.setattr("plugin.store._engine.BUSY_SECONDS", 0)
    store = open_store(config)
    with closing(sqlite3.connect(config.home / "docent.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Busy, match="try again"):
            new_workspace(store)
        other.execute("ROLLBACK")
    store.close()
