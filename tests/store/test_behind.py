"""Rows written behind whoever makes them: all of them, in order, or none."""

from __future__ import annotations

import sqlite3
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, text

from plugin.access.viewer import Viewer
from plugin.catalog.sync import add_integration, sync
from plugin.store import Store, search_sql
from plugin.store._behind import Behind
from plugin.store._bulk import GROUP, insert_groups


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    engine = create_engine(
        f"sqlite:///{tmp_path / 'behind.sqlite3'}", connect_args={"check_same_thread": False}
    )
    with engine.connect() as connection:
        connection.execute(text("CREATE TABLE t (a INTEGER, b TEXT, c INTEGER)"))
        connection.commit()
        yield connection
    engine.dispose()


def raw(connection: Connection) -> Any:
    return connection.connection.driver_connection


def test_a_statement_of_the_session_sees_everything_handed_over_before_it(connection: Connection) -> None:
    execute = raw(connection).execute
    slow = threading.Event()

    def wait_a_little() -> None:
        slow.wait(0.1)
        execute("INSERT INTO t (a) VALUES (1)")

    with Behind(connection) as behind:
        behind.do(wait_a_little)
        behind.do(lambda: execute("INSERT INTO t (a) SELECT max(a) + 1 FROM t"))
        assert connection.execute(text("SELECT group_concat(a) FROM t")).scalar_one() == "1,2"
    names = [thread.name for thread in threading.enumerate()]
    assert "sync-writer" not in names


def test_what_went_wrong_is_raised_and_the_rest_is_left_undone(connection: Connection) -> None:
    execute = raw(connection).execute
    with pytest.raises(sqlite3.OperationalError, match="no such table: nowhere"):
        with Behind(connection) as behind:
            behind.do(lambda: execute("INSERT INTO nowhere VALUES (1)"))
            behind.do(lambda: execute("INSERT INTO t (a) VALUES (1)"))
            behind.wait()
    assert connection.execute(text("SELECT count(*) FROM t")).scalar_one() == 0


def test_what_is_asked_for_is_read_after_what_was_written_before_it(connection: Connection) -> None:
    execute = raw(connection).execute
    with Behind(connection) as behind:
        behind.do(lambda: execute("INSERT INTO t (a) VALUES (1)"))
        before = behind.ask(lambda: execute("SELECT count(*) FROM t").fetchall())
        behind.do(lambda: execute("INSERT INTO t (a) VALUES (2)"))
        after = behind.ask(lambda: execute("SELECT count(*) FROM t").fetchall())
        assert (before.result(10), after.result(10)) == ([(1,)], [(2,)])


def test_who_waits_for_an_answer_is_told_what_went_wrong_before_it(connection: Connection) -> None:
    execute = raw(connection).execute
    held = threading.Event()
    with pytest.raises(sqlite3.OperationalError, match="no such table: nowhere"):
        with Behind(connection, waiting=4) as behind:
            behind.do(held.wait)
            behind.do(lambda: execute("INSERT INTO nowhere VALUES (1)"))
            answer = behind.ask(lambda: execute("SELECT 1").fetchall())
            held.set()
            answer.result(10)
    assert "sync-writer" not in [thread.name for thread in threading.enumerate()]


def test_an_error_of_the_caller_ends_the_thread(connection: Connection) -> None:
    with pytest.raises(ZeroDivisionError):
        with Behind(connection) as behind:
            behind.do(lambda: raw(connection).execute("INSERT INTO t (a) VALUES (1)"))
            raise ZeroDivisionError
    assert "sync-writer" not in [thread.name for thread in threading.enumerate()]
    connection.rollback()
    assert connection.execute(text("SELECT count(*) FROM t")).scalar_one() == 0


def test_writers_that_overlap_leave_the_switch_interval_as_it_was(connection: Connection) -> None:
    usual = sys.getswitchinterval()
    first, second = Behind(connection), Behind(connection)
    first.__enter__()
    second.__enter__()
    assert sys.getswitchinterval() < usual
    first.__exit__(None, None, None)
    assert sys.getswitchinterval() < usual
    second.__exit__(None, None, None)
    assert sys.getswitchinterval() == usual


@pytest.mark.parametrize("rows", [0, 1, GROUP, 2 * GROUP + 7])
def test_every_row_is_written_once_with_what_all_share(connection: Connection, rows: int) -> None:
    given = [(number, None if number % 3 else f"é{number}") for number in range(rows)]
    insert_groups(raw(connection).execute, "t", ("a", "b"), given, {"c": 7})
    assert raw(connection).execute("SELECT a, b, c FROM t ORDER BY rowid").fetchall() == [
        (*row, 7) for row in given
    ]


def test_a_fault_while_writing_behind_leaves_the_catalog_as_it_was(
    store: Store, admin: Viewer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "wide.sqlite3"
    with sqlite3.connect(path) as source:
        for number in range(300):
            columns = ", ".join(f"column_{each} TEXT" for each in range(20))
            source.execute(f"CREATE TABLE name_{number} ({columns})")
    integration = add_integration(
        store, admin, "wide", "sqlite", settings={"url": f"sqlite:///{path}"}, secrets={}
    ).id
    with store.as_viewer(admin) as mine:
        before = mine.catalog.browse(limit=1000).items
    write, calls = search_sql.SqliteWriter._insert, 0

    def fail(writer: Any, run: Any, documents: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise sqlite3.OperationalError("disk I/O error")
        write(writer, run, documents)

    with monkeypatch.context() as patched:
        patched.setattr(search_sql.SqliteWriter, "_insert", fail)
        with pytest.raises(sqlite3.OperationalError, match="disk I/O error"):
            sync(store, admin, integration)
    assert calls == 2
    with store.as_viewer(admin) as mine:
        assert mine.catalog.browse(limit=1000).items == before
    done = sync(store, admin, integration)
    assert (done.status, done.created) == ("done", 1 + 300 * 21)
    with store.as_viewer(admin) as mine:
        assert [each.resource.name for each in mine.catalog.search("name_299").hits][:1] == ["name_299"]
