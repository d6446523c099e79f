"""Two sets of statements that were frozen before they were measured: the guard still decides as they say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from plugin.run_sql import NameIndex, check_names
from plugin.run_sql.batch import Checker
from plugin.run_sql.dialects import ENGINES

HELD_OUT = Path(__file__).parent / "held_out"
CATALOGS = json.loads((HELD_OUT / "catalogs.json").read_text(encoding="utf-8"))
KNOWN = json.loads((HELD_OUT / "known.json").read_text(encoding="utf-8"))


def cases(which: str, engine: str) -> list[dict[str, str]]:
    lines = (HELD_OUT / which / f"{engine}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def checker(engine: str) -> Checker:
    catalog = CATALOGS[engine]
    return Checker(columns=catalog["columns"], default_schema=catalog["default_schema"], database="shop")


@pytest.mark.parametrize("which", ("first", "second"))
@pytest.mark.parametrize("engine", ENGINES)
def test_the_guard_decides_as_the_set_says(engine: str, which: str) -> None:
    guard = checker(engine)
    wrong: list[tuple[str, str, object]] = []
    for case in cases(which, engine):
        verdict = guard.check(case["sql"], engine)
        if (verdict.decision != case["expect"]) != (case["id"] in KNOWN):
            wrong.append((case["id"], case["sql"], verdict.reasons))
        elif verdict.accepted:
            again = guard.check(verdict.rendered, engine)
            if not again.accepted or set(again.tables) != set(verdict.tables):
                wrong.append((case["id"], verdict.rendered, again.reasons))
    assert not wrong, wrong


@pytest.mark.parametrize("engine", ENGINES)
def test_no_name_of_a_good_statement_is_called_invented(engine: str) -> None:
    index = NameIndex.of(CATALOGS[engine]["columns"])
    wrong = []
    for case in (*cases("first", engine), *cases("second", engine)):
        if case["expect"] == "accept" and case["id"] not in KNOWN:
            found = check_names(case["sql"], engine, index)
            if found.unknown or not found.parsed:
                wrong.append((case["id"], case["sql"], found.unknown, found.problem))
    assert not wrong, wrong


def test_what_was_refused_there_for_a_reason_still_is() -> None:
    given = {case["id"]: case for which in ("first", "second") for e in ENGINES for case in cases(which, e)}
    assert set(KNOWN) <= set(given)


REFUSED = [
    ("snowflake", "SELECT id FROM orders AT (STREAM => 'hr.s')"),
    ("snowflake", "SELECT id FROM orders BEFORE (STATEMENT => '01a')"),
    ("tsql", "SELECT hr.value('a', 'int') FROM dbo.orders"),
    ("tsql", "SELECT hr.STDistance(1) FROM dbo.orders"),
    ("tsql", "SELECT hr.Lat FROM dbo.orders"),
    ("oracle", "SELECT * FROM XMLTABLE('fn:doc(\"http://x\")')"),
    (
        "oracle",
        "SELECT x.a FROM iot.readings r, XMLTABLE('/a' PASSING r.payload COLUMNS a NUMBER PATH 'doc(\"x\")') x",
    ),
    ("mysql", "SELECT id FROM orders PARTITION ((SELECT 1))"),
    ("postgres", 'SELECT id FROM orders WHERE id <> "all"(1)'),
    ("postgres", "SELECT (jsonb_each(props)).pay_of FROM web.events"),
    ("postgres", "SELECT '{a}'::_salaries"),
    ("redshift", "SELECT t.x FROM orders hr LEFT JOIN hr.salaries t ON TRUE"),
    ("bigquery", "FROM shop.orders |> SET amount = (SELECT MAX(pay) FROM hr.salaries)"),
    ("bigquery", "SELECT REGEXP_REPLACE(status, 'a') FROM shop.orders"),
    ("databricks", "SELECT id FROM hr.salaries@v3"),
]


@pytest.mark.parametrize(("engine", "sql"), REFUSED)
def test_what_is_near_the_newly_read_forms_is_refused(engine: str, sql: str) -> None:
    assert not checker(engine).check(sql, engine).accepted


@pytest.mark.parametrize(
    "sql", ["SELECT hr.value('a', 'int') FROM dbo.orders", "SELECT hr.STX() FROM dbo.orders"]
)
def test_a_method_needs_a_column_that_is_known(sql: str) -> None:
    """Without a list of columns any name could be one, and hr.value(..) could be somebody's function."""
    assert not Checker(allow=["dbo.orders"]).check(sql, "tsql").accepted


RENDERED = [
    (
        "oracle",
        "SELECT VAR_POP(amount), APPROX_COUNT_DISTINCT(id) FROM orders",
        ("VAR_POP(", "APPROX_COUNT_DISTINCT("),
    ),
    ("mysql", "SELECT VAR_POP(amount), UTC_DATE() FROM orders", ("VAR_POP(", "UTC_DATE()")),
    ("postgres", "SELECT to_hex(id) FROM orders", ("TO_HEX(",)),
    (
        "clickhouse",
        "SELECT lead(id) OVER (ORDER BY id), char_length(status) FROM orders",
        ("lead(", "lengthUTF8("),
    ),
    (
        "tsql",
        "SELECT APPROX_COUNT_DISTINCT(id), GET_BIT(5, 1) FROM dbo.orders",
        ("APPROX_COUNT_DISTINCT(", "GET_BIT("),
    ),
    ("tsql", "SELECT location.STBuffer(5).STArea() FROM ops.stores", (".STBuffer (5).STArea()",)),
    ("mysql", "SELECT 9 DIV (7 DIV id) FROM orders", ("((9) DIV (", "(7) DIV (")),
]


@pytest.mark.parametrize(("engine", "sql", "parts"), RENDERED)
def test_what_runs_calls_what_was_written(engine: str, sql: str, parts: tuple[str, ...]) -> None:
    verdict = checker(engine).check(sql, engine)
    assert verdict.accepted, verdict.reasons
    assert all(part in verdict.rendered for part in parts), verdict.rendered
