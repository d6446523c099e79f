"""Blind analytics against a recording provider on four engines: no value of any row in the wire record, our database or logs.

The rows hold canaries in every type that the engines have in common. The model's turns are scripted: a run that works,
one without rows, one that the engine refuses and quotes a value at, the retry, a follow-up, a chart.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from plugin.access.viewer import Viewer
from plugin.assistant import Question, ask
from plugin.catalog.sync import sync
from plugin.config import Config
from plugin.egress.gateway import Gateway
from plugin.providers.scripted import Script, script, texts_of
from plugin.run_sql.placeholders import bind_text
from plugin.run_sql.results import Owner, Results
from plugin.store import Store
from tests.assistant.conftest import Answered

ROWS = [
    (71530917, "CANARY-quokka-1", Decimal("918273640015.64"), date(1973, 9, 11)),
    (71530918, "CANARY-quokka-2", Decimal("627181930027.93"), date(1974, 10, 12)),
    (71530919, "CANARY-quokka-3", Decimal("554433210038.21"), date(1975, 11, 13)),
]
# long enough that no hash in our files has one by chance
CANARIES = [
    *(f"CANARY-quokka-{n}" for n in (1, 2, 3)),
    *(
        "71530917",
        "71530918",
        "71530919",
        "918273640015",
        "627181930027",
        "554433210038",
        "1973-09-11",
        "1974-10-12",
        "1975-11-13",
    ),
    *("2099888780081", "1545455570043"),  # sums that the page shows
]
CREATE = "create table sightings (id int primary key, note varchar(60), total decimal(18,2), day date)"
BREAKS = {
    "postgres": "SELECT CAST(note AS INTEGER) AS n FROM sightings",
    "duckdb": "SELECT CAST(note AS INTEGER) AS n FROM sightings",
    "sqlite": "SELECT json_extract(note, '$.a') AS n FROM sightings",
    "mysql": "SELECT (SELECT note FROM sightings) AS n",
}


def literal(value: object) -> str:
    return str(value) if isinstance(value, (int, Decimal)) else f"'{value}'"


INSERT = "insert into sightings values " + ", ".join(f"({', '.join(map(literal, row))})" for row in ROWS)


def _postgres(request: pytest.FixtureRequest, _: Path) -> dict[str, str]:
    import psycopg

    url = request.getfixturevalue("postgres_url")
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(CREATE)
        connection.execute(INSERT)
    return {"url": url}


def _mysql(request: pytest.FixtureRequest, _: Path) -> dict[str, str]:
    from sqlalchemy import create_engine, text

    url = request.getfixturevalue("mariadb_url")
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(CREATE))
        connection.execute(text(INSERT))
    engine.dispose()
    return {"url": url}


def _sqlite(_: pytest.FixtureRequest, folder: Path) -> dict[str, str]:
    with closing(sqlite3.connect(folder / "a.db")) as connection:
        connection.execute(CREATE)
        connection.execute(INSERT)
        connection.commit()
    return {"path": str(folder / "a.db")}


def _duckdb(_: pytest.FixtureRequest, folder: Path) -> dict[str, str]:
    import duckdb

    with duckdb.connect(str(folder / "b.duckdb")) as connection:
        connection.execute(CREATE)
        connection.execute(INSERT)
    return {"path": str(folder / "b.duckdb")}


SOURCES: dict[str, Callable[[pytest.FixtureRequest, Path], dict[str, str]]] = {
    "postgres": _postgres, "mysql": _mysql, "sqlite": _sqlite, "duckdb": _duckdb,
}  # fmt: skip


@pytest.fixture(params=SOURCES)
def engine(
    request: pytest.FixtureRequest, store: Store, admin: Viewer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A synced integration called `zoo` on which the assistant may run by itself."""
    given = SOURCES[request.param](request, tmp_path_factory.mktemp("source"))
    with store.as_admin(admin) as door:
        made = door.integrations.add("zoo", request.param, given, {"run_mode": "run"}, query=given)
        door.settings.set("ai.enabled", True)
        door.settings.set("ai.run_sql", True)
        door.settings.set("ai.history", "always")
        door.settings.set("ai.provider", "scripted")
        door.settings.set("ai.model", "scripted-1")
    assert sync(store, admin, made.id).status == "done"
    yield request.param


def turns(current: Script, engine: str) -> None:
    """Two questions: a run, an empty one, an error, its retry and a chart; then a follow-up."""

    def run(sql: str) -> None:
        current.call("run_sql", {"sql": sql, "integration": "zoo"})

    run("SELECT id, note, total, day FROM sightings ORDER BY id")
    run("SELECT note, total FROM sightings WHERE note = 'nobody'")
    run(BREAKS[engine])
    run("SELECT day, note, SUM(total) AS total FROM sightings GROUP BY day, note ORDER BY day")
    current.say(
        "Seen {{r1.rows}}, first {{r1.first.note}} with {{r1.first.total|money EUR}}, all {{r1.sum.total}}. ",
        'It {{r3.compare(first.total, last.total, "rose", "fell", "stayed")}}. None: {{r2.first.note}}.\n\n',
        "{{r3.chart(line, x=day, y=total)}}\n\n{{r1.table}}",
    )
    run("SELECT note, total FROM sightings WHERE total > 600000 ORDER BY total")
    current.say("Larger ones: {{r1.rows}}, together {{r1.sum.total}}.")


def test_no_value_leaves_on_any_path(
    engine: str,
    store: Store,
    admin: Viewer,
    config: Config,
    home: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    folder = tmp_path / "spill"
    folder.mkdir()
    results = Results(folder, memory_bytes=10)  # all of it spills
    with script() as current:
        turns(current, engine)
        first = asked(store, config, admin, results, Question("how many quokkas were seen, and how much?"))
        second = asked(
            store, config, admin, results,
            Question("and the larger ones?", chat_id=first.done["chat_id"], parent_id=first.done["prompt_id"]),
        )  # fmt: skip
    steps = [(step["tool"], step["ok"]) for step in first.done["steps"]]
    assert [ok for tool, ok in steps if tool == "run_sql"] == [True, True, False, True]
    assert len(first.of("shape")) == 3 and len(second.of("shape")) == 1
    owner = Owner(admin.workspace_id, admin.member_id, "s1")
    local = {f"r{each['n']}": results.get(owner, each["result_id"]) for each in first.of("shape")}
    shown = bind_text(first.text, local)
    assert "CANARY-quokka-1 with 918,273,640,015.64 EUR" in shown and "None: no rows" in shown, shown
    assert "2099888780081" in shown and "fell" in shown, "the control: the rows were there"

    said = "\n".join(part for request in current.requests for part in texts_of(request))
    wire = b"\n".join(current.bodies)
    assert "It reads the columns" in said and "sightings.note" in said, (
        "the control: names of the catalog arrived"
    )
    assert b"sightings" in wire and "refused the query" in said, (
        "the control: the model saw the run and the error"
    )
    places = {
        "the wire record": wire.decode("utf-8", "replace") + said,
        "the events": repr(first.events) + repr(second.events),
        "our files": everything_under(home, tmp_path),
        "the log": caplog.text + "".join(capfd.readouterr()),
        "history, ledger, audit": written(store, admin, first, second),
    }
    for place, text in places.items():
        assert len(text) > 0 or place == "the log"
        found = [
            canary
            for canary in CANARIES
            if canary in text or canary.encode("utf-16-le").decode("latin-1") in text
        ]
        assert not found, (place, found)


def asked(store: Store, config: Config, admin: Viewer, results: Results, question: Question) -> Answered:
    return Answered(list(ask(store, Gateway(store, config), admin, question, results=results, session="s1")))


def everything_under(*folders: Path) -> str:
    files = [each for folder in folders for each in folder.rglob("*") if each.is_file()]
    assert files
    return "\n".join(each.read_bytes().decode("latin-1") for each in files)


def written(store: Store, admin: Viewer, *answers: Answered) -> str:
    parts: list[Any] = []
    with store.as_viewer(admin) as mine:
        parts += [mine.history.prompt(each.done["prompt_id"]) for each in answers]
        parts += mine.record.receipts(100)
    with store.as_admin(admin) as door:
        parts += list(door.audit.export())
        parts += list(door.ledger.export())
    return repr(parts)
