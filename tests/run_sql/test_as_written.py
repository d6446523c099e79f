"""What runs gives what was written: each function of an engine's list, called both ways on the engine itself."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Callable

import pytest

from plugin.run_sql.batch import Checker
from plugin.run_sql.dialects import engine_of

VALUES = {
    "sqlite": [
        "2",
        "0.5",
        "'abc'",
        "'a'",
        "'2024-02-03'",
        "'{\"a\": [1,2]}'",
        "'$.a'",
        "'%Y-%m'",
        "NULL",
        "x'616263'",
    ],
    "duckdb": ["2", "'abc'", "[1, 2, 3]", "NULL"],
}
NOT_THE_SAME = {
    ("sqlite", "julianday"): "the clock", ("sqlite", "zeroblob"): "a count that is a text, which the cap compares",
    ("duckdb", "date_add"): "of two numbers",
}  # fmt: skip
"""Functions that may differ, with what they differ in; anything else that does is a mistake."""


Arities = dict[str, set[int] | None]
"""How many arguments each function takes, None where any number; a call with another number only fails."""


def sqlite_arities() -> Arities:
    found: Arities = {}
    rows = sqlite3.connect(":memory:").execute("SELECT name, narg FROM pragma_function_list").fetchall()
    for name, count in rows:
        counts = found.setdefault(name.lower(), set())
        if count < 0 or counts is None:
            found[name.lower()] = None
        else:
            counts.add(count)
    return found


def duckdb_arities() -> Arities:
    import duckdb

    found: Arities = {}
    rows = duckdb.sql("SELECT function_name, len(parameters), varargs FROM duckdb_functions()").fetchall()
    for name, count, more in rows:
        counts = found.setdefault(name.lower(), set())
        if more is not None or counts is None:
            found[name.lower()] = None
        else:
            counts.add(count)
    return found


def sqlite() -> Callable[[str], str]:
    connection = sqlite3.connect(":memory:")
    return lambda sql: repr(connection.execute(sql).fetchall())


def duckdb() -> Callable[[str], str]:
    import duckdb

    connection = duckdb.connect(":memory:", config={"threads": 1})
    return lambda sql: repr(connection.execute(sql).fetchall())


@pytest.mark.parametrize("name", sorted(VALUES))
def test_each_function_gives_the_same_as_it_was_written(name: str) -> None:
    run = {"sqlite": sqlite, "duckdb": duckdb}[name]()
    arities = {"sqlite": sqlite_arities, "duckdb": duckdb_arities}[name]()
    engine = engine_of(name)
    assert engine is not None
    checker = Checker(columns={"main.t": ["a"]}, default_schema="main")
    values = VALUES[name]
    wrong: list[tuple[str, str, str, str]] = []
    called = 0
    for function in sorted(engine.functions):
        if (name, function) in NOT_THE_SAME:
            continue
        for arguments in [(), *((each,) for each in values), *itertools.product(values, repeat=2)]:
            takes = arities.get(
                function
            )  # words of the grammar, such as coalesce, are not listed by the engines
            if takes is not None and len(arguments) not in takes:
                continue
            written = f"({', '.join(arguments)})"
            sql = f"SELECT {function}{written}"
            try:
                first = run(sql)
            except Exception:  # noqa: BLE001 - most functions take other arguments than most of these
                continue
            verdict = checker.check(sql, name)
            if not verdict.accepted:
                continue
            called += 1
            if verdict.rendered in (sql, f"SELECT {function.upper()}{written}"):
                continue  # what was written; the engines' names of functions have no case
            try:
                told = run(verdict.rendered)
            except Exception as error:  # noqa: BLE001 - any error there is the finding
                told = f"{error}"
            if told != first and run(sql) == first:  # else it is the clock, or chance
                wrong.append((sql, verdict.rendered, first, told))
    assert called > 150
    assert wrong == []
