"""What a large transaction wrote is in the log at its commit, and in the file soon after, by nobody's waiting."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from plugin.store._engine import PAGES_IN_LOG, make_engine, make_sessions, put_away, put_away_later, scrub

ROWS = 2000
"""Of a page each: more than what is copied at a commit."""


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = make_engine(f"sqlite:///{tmp_path / 'd.sqlite3'}")
    with make_sessions(made)() as session:
        # What becomes a writer touches this table.
        session.execute(text("CREATE TABLE workspaces (id INTEGER PRIMARY KEY)"))
        session.execute(text("CREATE TABLE t (a TEXT)"))
        session.commit()
    yield made
    made.dispose()


def write_much(engine: Engine, *, later: bool) -> None:
    with make_sessions(engine)() as session:
        if later:
            put_away_later(session)
        session.execute(text("INSERT INTO t (a) VALUES (:a)"), [{"a": "x" * 4000}] * ROWS)
        session.commit()


def size(tmp_path: Path) -> int:
    return (tmp_path / "d.sqlite3").stat().st_size


def done() -> None:
    for thread in threading.enumerate():
        if thread.name == "put-away":
            thread.join(10)


def test_a_commit_leaves_it_in_the_log_and_the_thread_puts_it_away(engine: Engine, tmp_path: Path) -> None:
    write_much(engine, later=True)
    assert size(tmp_path) < ROWS * 4000
    with make_sessions(engine)() as session:
        assert session.scalar(text("SELECT count(*) FROM t")) == ROWS
    put_away(engine)
    done()
    assert size(tmp_path) > ROWS * 4000


def test_the_connection_copies_at_its_commits_again_afterwards(engine: Engine, tmp_path: Path) -> None:
    write_much(engine, later=True)
    with make_sessions(engine)() as session:
        assert session.scalar(text("PRAGMA wal_autocheckpoint")) == PAGES_IN_LOG
    write_much(engine, later=False)
    assert size(tmp_path) > 2 * ROWS * 4000


def test_a_log_that_has_to_be_emptied_is_emptied_after_it(engine: Engine, tmp_path: Path) -> None:
    write_much(engine, later=True)
    put_away(engine)
    scrub(engine)
    assert (tmp_path / "d.sqlite3-wal").stat().st_size == 0
    assert size(tmp_path) > ROWS * 4000


def test_a_file_that_is_gone_is_said_in_the_log_and_nowhere_else(
    engine: Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    engine.dispose()
    for each in tmp_path.iterdir():
        each.unlink()
    tmp_path.rmdir()
    put_away(engine)
    done()
    assert "was not put away" in caplog.text
    tmp_path.mkdir()
