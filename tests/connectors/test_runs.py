"""Running one statement on a real engine: what comes back, where it stops, and what it may not do."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from connectors import connect
from connectors.abilities import Cancel, RunLimits, RunResult, can_query
from connectors.errors import QueryFailed, QueryStopped, SourceError
from tests.asynchronous import HOUR, until, when
from tests.connectors.databases import CANARY, RUNS, Rig, query_grant_script


@pytest.fixture(scope="module")
def rigs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Rig]]:
    """One filled database of each engine for all tests here, made when first asked for: none of them can write."""
    made: dict[str, Rig] = {}
    with contextlib.ExitStack() as stack, pytest.MonkeyPatch.context() as monkeypatch:

        def of(type: str) -> Rig:
            if type not in made:
                rig = stack.enter_context(RUNS[type](tmp_path_factory.mktemp(type), monkeypatch).made())
                rig.shop()
                made[type] = rig
            return made[type]

        yield of


@pytest.fixture(params=sorted(RUNS))
def rig(request: pytest.FixtureRequest, rigs: Callable[[str], Rig]) -> Rig:
    return rigs(request.param)


def start(
    rig: Rig, sql: str, running: Callable[[Cancel], None] = lambda stop: None, **limits: Any
) -> RunResult:
    connector: Any = rig.connector()
    return connector.run(sql, RunLimits(**{"seconds": HOUR, **limits}), running)  # type: ignore[no-any-return]


def cancelled_once_it_runs(rig: Rig) -> Callable[[Cancel], None]:
    """What `run` is told of its `Cancel`: press it when `rig.slow` has been sent."""
    before = len(rig.statements())

    def running(stop: Cancel) -> None:
        when(lambda: any(rig.slow in each for each in rig.statements()[before:]), stop.cancel)

    return running


def rows(rig: Rig, sql: str, **limits: Any) -> list[tuple[Any, ...]]:
    with start(rig, sql, **limits) as result:
        return [row for batch in result.batches for row in batch]


def idle(rig: Rig) -> bool:
    """That the engine comes to run nothing of ours any more. No limit but the one that a test sets could do that."""
    until(lambda: rig.running() == 0 and rig.open_connections() == 0)
    return True


def test_rows_and_columns(rig: Rig) -> None:
    with start(rig, "SELECT id, note FROM orders ORDER BY id") as result:
        assert [column.name for column in result.columns] == ["id", "note"]
        assert all(column.type for column in result.columns)
        assert [row for batch in result.batches for row in batch] == [(1, CANARY), (2, CANARY)]
    assert (result.rows, result.truncated) == (2, None)
    assert idle(rig)


def test_no_rows_still_have_columns(rig: Rig) -> None:
    with start(rig, "SELECT id AS number, note FROM orders WHERE id = 99") as result:
        assert [column.name for column in result.columns] == ["number", "note"]
        assert list(result.batches) == []


def test_signs_of_formatting_pass_untouched(rig: Rig) -> None:
    assert rows(rig, "SELECT '100% of %s and {x} :y ?'") == [("100% of %s and {x} :y ?",)]


def test_rows_and_bytes_end_quietly(rig: Rig) -> None:
    with start(rig, rig.endless, rows=250) as result:
        assert sum(len(batch) for batch in result.batches) == 250
    assert result.truncated == "rows"
    assert idle(rig)
    with start(rig, rig.endless, rows=10_000_000, bytes=20_000) as result:
        assert 500 < sum(len(batch) for batch in result.batches) < 20_000
    assert result.truncated == "bytes" and result.bytes <= 20_000
    assert idle(rig)


def test_time_ends_it(rig: Rig) -> None:
    """`slow` runs for days: who comes back from it was stopped. How soon: tests/benchmarks/bench_cancel.py."""
    with pytest.raises(QueryStopped, match="0.5 s"):
        rows(rig, rig.slow, seconds=0.5)
    assert idle(rig)


def test_time_ends_a_stream_too(rig: Rig) -> None:
    with pytest.raises(QueryStopped, match="0.5 s"):
        rows(rig, rig.endless, seconds=0.5, rows=10**12, bytes=10**12)
    assert idle(rig)


def test_cancel_from_another_thread_stops_it_on_the_server(rig: Rig) -> None:
    with pytest.raises(QueryStopped, match="cancelled"):
        start(rig, rig.slow, cancelled_once_it_runs(rig))
    assert idle(rig)


@pytest.mark.parametrize("type", ["duckdb", "mysql", "postgres", "redshift"])
def test_a_request_to_stop_that_overtakes_the_statement_is_made_again(
    rigs: Callable[[str], Rig], type: str
) -> None:
    rig = rigs(type)
    with pytest.raises(QueryStopped):  # asked before anything was sent, which each of the servers forgets
        start(rig, rig.slow, lambda stop: stop.expire())  # type: ignore[attr-defined]
    assert idle(rig)


def test_closing_half_way_ends_it_on_the_server(rig: Rig) -> None:
    stops: list[Cancel] = []
    result = start(rig, rig.endless, stops.append, rows=10**9, bytes=10**12)
    next(result.batches)
    result.close()
    result.close()
    stops[0].cancel()
    assert idle(rig)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO customers (id, email) VALUES (9, 'x')",
        "DELETE FROM orders",
        "DROP TABLE orders",
        "CREATE TABLE made (id int)",
        "SELECT 1; SELECT 2",
        "SELECT 1; DROP TABLE orders",
        "COMMIT; DROP TABLE orders",
    ],
)
def test_one_statement_that_only_reads(rig: Rig, statement: str) -> None:
    with pytest.raises(SourceError):
        rows(rig, statement)
    assert rows(rig, "SELECT count(*) FROM orders") == [(2,)]
    assert rows(rig, "SELECT count(*) FROM customers") == [(2,)]


def test_an_error_shows_no_value_unless_asked(rig: Rig) -> None:
    statement = {
        "postgres": "SELECT note::int FROM orders",
        "redshift": "SELECT note::int FROM orders",
        "mysql": "SELECT note REGEXP '(' FROM orders",
        "sqlite": "SELECT json_extract(note, '$.x') FROM orders",
        "duckdb": "SELECT note::int FROM orders",
    }[rig.type]
    with pytest.raises(QueryFailed) as failed:
        rows(rig, statement)
    assert CANARY not in str(failed.value)
    assert failed.value.full and failed.value.code
    assert idle(rig)


def test_a_syntax_error_tells_where_on_postgres(rigs: Callable[[str], Rig]) -> None:
    with pytest.raises(QueryFailed) as failed:
        rows(rigs("postgres"), "SELECT nothing_such")
    assert failed.value.position == 8 and failed.value.code == "42703"


def test_estimates_run_nothing(rig: Rig) -> None:
    connector: Any = rig.connector()
    estimate = connector.estimate(rig.slow)  # which would not come back if it ran
    if rig.type != "sqlite":
        assert estimate is not None and estimate.rows is not None
    assert idle(rig)


@pytest.mark.parametrize(
    ("statement", "rows"),
    [
        ("SELECT CAST(range AS VARCHAR) AS a FROM range(7) LIMIT 1001", 7),
        ("SELECT range FROM range(7) LIMIT 3", 3),
        ("SELECT range FROM range(7) WHERE 1 = 0 LIMIT 9", 0),
        ("SELECT 1 AS a LIMIT 10", 1),
    ],
)
def test_duckdb_says_nothing_of_rows_at_a_limit_so_what_is_below_it_is_asked(
    statement: str, rows: int, rigs: Callable[[str], Rig]
) -> None:
    connector: Any = rigs("duckdb").connector()
    assert connector.estimate(statement).rows == rows


@pytest.mark.parametrize(
    ("type", "statement"),
    [
        ("postgres", "SELECT pg_read_file('/etc/hostname')"),
        ("postgres", "SELECT * FROM customers"),
        ("postgres", "SELECT pg_catalog.set_config('transaction_read_only', 'off', false), 1/0"),
        ("redshift", "SELECT pg_read_file('/etc/hostname')"),
        ("redshift", "SELECT * FROM customers"),
        ("redshift", "CREATE TEMP TABLE made AS SELECT 1 AS id"),
        ("redshift", "SELECT id INTO made FROM orders"),
        ("redshift", "SELECT pg_catalog.set_config('transaction_read_only', 'off', false), 1/0"),
        ("mysql", "SELECT load_file('/etc/hostname') IS NOT NULL AND 1 = (SELECT 1 FROM customers)"),
        ("mysql", "SELECT * FROM customers"),
        ("mysql", "SELECT 1 INTO OUTFILE '/tmp/docent-test'"),
        ("sqlite", "SELECT * FROM sqlite_schema"),
        ("sqlite", "SELECT * FROM pragma_table_info('orders')"),
        ("sqlite", "SELECT load_extension('x')"),
        ("sqlite", "ATTACH ':memory:' AS other"),
        ("sqlite", "PRAGMA query_only = OFF"),
        ("duckdb", "SELECT * FROM read_csv('/etc/passwd')"),
        ("duckdb", "SELECT * FROM '/etc/passwd'"),
        ("duckdb", "SELECT * FROM rows"),
        ("duckdb", "ATTACH '/tmp/other.duckdb'"),
        ("duckdb", "SET threads = 8"),
        ("duckdb", "COPY orders TO '/tmp/docent-test.csv'"),
        ("duckdb", "INSTALL httpfs"),
    ],
)
def test_the_second_wall(type: str, statement: str, rigs: Callable[[str], Rig]) -> None:
    """With the guard off: the query role and the engine's own locks still refuse."""
    rig = rigs(type)
    settings, secrets = rig.settings()
    if rig.roles:
        settings, secrets = rig.role(query_grant_script(type), schema=rig.schema, table="orders")
    connector: Any = connect(type, settings, secrets)
    assert can_query(connector.__class__)
    with connector.run("SELECT count(*) FROM orders", RunLimits(), lambda stop: None) as result:
        assert list(result.batches) == [[(2,)]]
    with pytest.raises(QueryFailed):
        list(connector.run(statement, RunLimits(), lambda stop: None).batches)


def test_a_pivot_that_duckdb_makes_two_statements_of_runs_and_is_not_asked_about(
    rigs: Callable[[str], Rig],
) -> None:
    """Its plan needs the values of the rows; nothing else that comes in several statements is let through by it."""
    rig = rigs("duckdb")
    pivot = "PIVOT (SELECT id, note FROM orders) ON id USING count(*)"
    assert rows(rig, pivot) == [(CANARY, 1, 1)]
    connector: Any = rig.connector()
    assert connector.estimate(pivot) is None
    for text in (
        f"{pivot}; DROP TABLE orders",
        "IMPORT DATABASE '/tmp'",
        "EXPORT DATABASE '/tmp/docent-test'",
    ):
        with pytest.raises(QueryFailed, match="one SELECT"):
            rows(rig, text)
    with pytest.raises(QueryFailed):
        rows(rig, "PIVOT (FROM range(2000) t(i)) ON i USING count(*)")


def test_memory_has_a_limit_on_duckdb(rigs: Callable[[str], Rig]) -> None:
    with pytest.raises(QueryStopped, match="memory"):
        rows(rigs("duckdb"), "SELECT string_agg(repeat('x', 1000000)) FROM range(10000)")


def test_times_that_python_has_no_value_for(rigs: Callable[[str], Rig]) -> None:
    odd = "SELECT 'infinity'::timestamptz, '20000-01-01'::date, '{\"a\": 1}'::jsonb, 'NaN'::numeric, NULL"
    found = rows(rigs("postgres"), odd)[0]
    assert (
        found[:3] == ("infinity", "20000-01-01", '{"a": 1}') and str(found[3]) == "NaN" and found[4] is None
    )


def test_one_giant_row_is_given_up_on_postgres(rigs: Callable[[str], Rig]) -> None:
    rig = rigs("postgres")
    before = len(rig.received())
    with pytest.raises(QueryStopped):
        rows(rig, "SELECT repeat('x', 200000000)", bytes=5_000_000)
    assert idle(rig) and len(rig.received()) - before < 100_000_000, "half of it never came"


@pytest.mark.parametrize("after", [0.0, 0.002, 0.3])
def test_mysql_ends_a_statement_though_nobody_could_be_asked_at_first(
    rigs: Callable[[str], Rig], monkeypatch: pytest.MonkeyPatch, after: float
) -> None:
    """Whether the request comes before the statement or after, and though the way to the server fails twice."""
    import connectors.mysql_run as mysql_run

    rig = rigs("mysql")
    opened, failures = mysql_run.open_connection, [2]

    def refusing(server: Any, **options: Any) -> Any:
        if options.get("read_timeout") == 2 and failures[0]:  # the second connection, which stops the first
            failures[0] -= 1
            raise OSError("no route")
        return opened(server, **options)

    monkeypatch.setattr(mysql_run, "open_connection", refusing)
    with pytest.raises(QueryStopped, match="cancelled"):
        start(rig, rig.slow, lambda stop: threading.Timer(after, stop.cancel).start())
    assert failures == [0] and idle(rig)


def test_redshift_is_sent_what_its_documentation_knows(rigs: Callable[[str], Rig]) -> None:
    rig = rigs("redshift")
    before = len(rig.statements())
    rows(rig, "SELECT note FROM orders WHERE id = 99", seconds=7)
    connector: Any = rig.connector()
    estimate = connector.estimate("SELECT * FROM orders")
    assert estimate.rows >= 1 and estimate.cost > 0
    sent = rig.statements()[before:]
    assert sent == [
        "SET statement_timeout TO 7000",
        "BEGIN READ ONLY",
        *["SELECT note FROM orders WHERE id = 99"] * 2,  # run, and described
        "SET statement_timeout TO 10000",
        "BEGIN READ ONLY",
        "EXPLAIN SELECT * FROM orders",
    ]
    bound = connector.run(
        "SELECT id FROM orders WHERE note = $1 AND id > $2", RunLimits(), lambda stop: None, (CANARY, 1)
    )
    assert [row for batch in bound.batches for row in batch] == [(2,)]


def test_redshift_ends_the_session_of_a_statement_that_does_not_hear(
    rigs: Callable[[str], Rig], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redshift may not cancel inside a transaction; a request that goes nowhere stands for that here."""
    import psycopg

    rig = rigs("redshift")
    monkeypatch.setattr(psycopg.Connection, "cancel_safe", lambda self, timeout: None)
    with pytest.raises(QueryStopped, match="cancelled"):
        start(rig, rig.slow, cancelled_once_it_runs(rig))
    assert idle(rig)
