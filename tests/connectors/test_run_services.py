"""Run SQL on the services that are spoken to over HTTP, each against a server that acts by the vendor's documentation."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from datetime import time as clock
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import connectors.http_run
from connectors import connector_class
from connectors.abilities import Cancel, CanRun, RunLimits, RunResult, can_query, run_verified
from connectors.databricks_run import bytes_read
from connectors.errors import (
    PermissionMissing,
    QueryFailed,
    QueryStopped,
    SignInRefused,
    SourceError,
    SourceInterrupted,
    UnreachableSource,
)
from tests.asynchronous import HANGS, HOUR, until, when
from tests.connectors.run_servers import (
    CANARY,
    SERVICES,
    SLOW,
    BigQueryService,
    ClickHouseService,
    DatabricksService,
    Fault,
    Service,
    SnowflakeService,
    TrinoService,
    served,
)
from tests.connectors.vendor_server import Answer


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service on a machine that stalls says later that a statement ended; 10 seconds are the product's own."""
    monkeypatch.setattr(connectors.http_run, "ENDING", HANGS)


@pytest.fixture(params=sorted(SERVICES))
def service(request: pytest.FixtureRequest) -> Iterator[Service]:
    with served(SERVICES[request.param]()) as made:
        yield made


def start(
    service: Service,
    sql: str,
    parameters: tuple[Any, ...] = (),
    running: Callable[[Cancel], None] = lambda stop: None,
    **limits: Any,
) -> RunResult:
    return service.connector().run(sql, RunLimits(**limits), running, parameters)  # type: ignore[no-any-return]


def cancelled_once_it_runs(service: Service) -> Callable[[Cancel], None]:
    """What `run` is told of its `Cancel`: press it when the service has the statement under way."""

    def running(stop: Cancel) -> None:
        when(service.under_way, stop.cancel)

    return running


def rows(
    service: Service, sql: str, parameters: tuple[Any, ...] = (), **limits: Any
) -> list[tuple[Any, ...]]:
    with start(service, sql, parameters, **limits) as result:
        return [row for batch in result.batches for row in batch]


def orders(service: Service, what: str = "id, note", more: str = "ORDER BY id") -> str:
    return f"SELECT {what} FROM {service.named()} {more}"


def sent(service: Service, what: str) -> int:
    return sum(1 for asked in service.vendor.asked if what in f"{asked.method} {asked.path}")


def test_it_says_what_it_can_and_how_that_was_tried(service: Service) -> None:
    cls = connector_class(service.type)
    assert can_query(cls) and run_verified(cls) == (
        "emulator" if service.type == "clickhouse" else "documented"
    )
    assert isinstance(service.connector(), CanRun)
    assert "SELECT" in cls.query_grant_script or "dataViewer" in cls.query_grant_script


def test_rows_columns_and_pages(service: Service) -> None:
    with start(service, orders(service, "id, note, total, day")) as result:
        assert [column.name.lower() for column in result.columns] == ["id", "note", "total", "day"]
        assert all(column.type for column in result.columns)
        found = [row for batch in result.batches for row in batch]
    assert found[0] == (1, f"{CANARY}-1", Decimal("1.5"), date(2026, 1, 2))
    assert [row[0] for row in found] == list(range(1, 11)) and result.truncated is None
    assert service.under_way() == []


def test_no_rows_still_have_columns(service: Service) -> None:
    with start(service, orders(service, "id, note", "WHERE id = 99")) as result:
        assert [column.name.lower() for column in result.columns] == ["id", "note"]
        assert list(result.batches) == []


def test_rows_and_bytes_end_quietly(service: Service) -> None:
    with start(service, orders(service), rows=4) as result:
        assert sum(len(batch) for batch in result.batches) == 4
    assert result.truncated == "rows"
    with start(service, orders(service), bytes=100) as result:
        assert 0 < sum(len(batch) for batch in result.batches) < 10
    assert result.truncated == "bytes" and result.bytes <= 100


def test_time_ends_it_at_the_service_too(service: Service) -> None:
    """SLOW ends by a cancel alone, so who comes back from it has sent one; the service says that nothing runs."""
    for seconds in (0.5, 5, 50):  # longer where the machine was so slow that nothing had been sent by then
        with pytest.raises(QueryStopped, match=rf"stopped after {seconds:g} s$"):
            rows(service, orders(service, SLOW), seconds=seconds)
        if service.statements:
            break
    assert service.under_way() == [] and [each.cancels >= 1 for each in service.statements.values()] == [True]


def test_a_cancel_from_another_thread_is_seen_through(service: Service) -> None:
    with pytest.raises(QueryStopped, match="cancelled$"):
        start(service, orders(service, SLOW), (), cancelled_once_it_runs(service), seconds=HOUR)
    assert len(service.statements) == 1 and service.under_way() == []


def test_a_cancel_before_anything_was_sent_sends_nothing(service: Service) -> None:
    with pytest.raises(QueryStopped, match="cancelled$"):
        start(service, orders(service, SLOW), (), lambda stop: stop.cancel())
    assert service.statements == {}


def test_a_cancel_whose_answer_is_lost_is_sent_again(service: Service) -> None:
    service.faults.append(Fault(service.cancelling, Answer(drop=True)))
    service.faults.append(Fault(service.cancelling, Answer(503, {"message": "later"})))
    with pytest.raises(QueryStopped, match="cancelled$"):
        start(service, orders(service, SLOW), (), cancelled_once_it_runs(service), seconds=HOUR)
    assert service.under_way() == [] and service.faults == []


def test_a_service_that_does_not_say_that_it_ended_is_told_of(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.confirms = False
    for seconds in (0.3, 5, 50):  # longer where the machine was so slow that not all had been sent by then
        monkeypatch.setattr(connectors.http_run, "ENDING", 2 * seconds)
        service.statements.clear()
        with pytest.raises(QueryStopped) as stopped:
            rows(service, orders(service, SLOW), seconds=seconds)
        if any(each.cancels >= 2 for each in service.statements.values()):
            break
    assert "has not said that it did" in str(stopped.value)
    assert [each.cancels >= 2 for each in service.statements.values()] == [True]


def test_closing_half_way_leaves_nothing(service: Service) -> None:
    result = start(service, orders(service))
    next(result.batches)
    result.close()
    result.close()
    assert service.under_way() == []


def test_an_error_shows_no_value_unless_asked(service: Service) -> None:
    with pytest.raises(QueryFailed) as failed:
        rows(service, orders(service, service.bad))
    assert CANARY in failed.value.full and failed.value.code
    assert CANARY not in str(failed.value) and "[" not in str(failed.value)
    assert failed.value.position is None, "a position may not come from a text that the rows are in"
    assert failed.value.__cause__ is None and service.under_way() == []


@pytest.mark.parametrize("status", [429, 503])
def test_rest_is_taken_as_the_service_asks(service: Service, status: int) -> None:
    service.faults += [Fault(place, Answer(status, {}, {"Retry-After": "0.3"})) for place in service.places]
    begun = time.monotonic()
    assert len(rows(service, orders(service))) == 10
    assert time.monotonic() - begun > 0.3 * len(service.places) - 0.05 and service.faults == []


def test_rest_beyond_the_time_ends_it_and_a_cancel_ends_the_rest(service: Service) -> None:
    """The service wants an hour's rest: it ends at once where less is left, and with the cancel where more is."""

    def busy() -> None:
        service.faults[:] = [Fault(service.places[0], Answer(429, {}, {"Retry-After": "3600"}))] * 5

    def once_it_rests(stop: Cancel) -> None:
        when(lambda: len(service.faults) < 5, stop.cancel)

    busy()
    with pytest.raises(QueryStopped, match="stopped after 1800 s"):
        rows(service, orders(service), seconds=HOUR / 2)
    assert len(service.faults) == 4, "it was not asked again"
    busy()
    with pytest.raises(QueryStopped, match="cancelled"):
        start(service, orders(service), (), once_it_rests, seconds=2 * HOUR)
    assert service.statements == {}


def test_a_token_that_ran_out_is_renewed_once(service: Service) -> None:
    service.faults += [Fault(place, Answer(401, {"message": "expired"})) for place in service.places]
    assert len(rows(service, orders(service))) == 10
    service.faults += [Fault(service.places[0], Answer(401, {"message": "no"}))] * 2
    with pytest.raises(SignInRefused):
        rows(service, orders(service))


def test_a_line_that_breaks_while_it_runs(service: Service) -> None:
    """What may be asked again is, without running twice; what may not be ends with a word."""
    for place in service.places:
        before = len(service.statements)
        service.faults.append(Fault(place, Answer(drop=True), acted=True))
        if place in service.once:
            with pytest.raises(SourceInterrupted, match="dropped the connection"):
                rows(service, orders(service))
        else:
            assert len(rows(service, orders(service))) == 10
        assert len(service.statements) == before + 1
    service.faults += [Fault(service.places[-1], Answer(drop=True))] * 5
    with pytest.raises(SourceInterrupted):
        rows(service, orders(service))
    assert service.under_way() == []


def test_a_service_in_trouble_and_one_that_talks_nonsense(service: Service) -> None:
    for body in (b"<html>", {"unknown": 1}, {}, [], {"rows": 3, "data": 3}):
        service.faults = [Fault(service.places[-1], Answer(200, body))]
        try:  # what could be "still running" may be looked at again; a result is whole or none
            assert len(rows(service, orders(service), seconds=5)) == 10
        except SourceError as wrong:
            assert CANARY not in str(wrong)
        assert service.faults == []
    service.faults = [Fault(service.places[0], Answer(500, {"message": f"{CANARY} at x"}))] * 9
    with pytest.raises(SourceError) as trouble:
        rows(service, orders(service), seconds=3)
    assert CANARY not in str(trouble.value)


def test_nobody_there(service: Service) -> None:
    with pytest.raises(UnreachableSource) as gone:
        service.connector(url="http://127.0.0.1:1").run(orders(service), RunLimits(), lambda stop: None)
    settings, secrets = service.settings()
    assert not any(secret in str(gone.value) for secret in secrets.values())


def test_signs_of_marks_in_texts_pass_untouched(service: Service) -> None:
    text = "100% of %s, {p1:Auto} :p1 ? @p1 $1"
    assert rows(service, f"SELECT '{text}' AS t") == [(text,)]


# --- BigQuery -------------------------------------------------------------------------------------------------------


@pytest.fixture
def bigquery() -> Iterator[BigQueryService]:
    with served(BigQueryService()) as made:
        assert isinstance(made, BigQueryService)
        yield made


def test_bigquery_rehearses_first_and_runs_what_it_calls_a_select(bigquery: BigQueryService) -> None:
    rows(bigquery, orders(bigquery), seconds=7)
    dry, real = (asked.json for asked in bigquery.vendor.asked if asked.path.endswith("/jobs"))
    assert dry["configuration"] == {
        "dryRun": True,
        "query": {"query": orders(bigquery), "useLegacySql": False},
    }
    assert real["configuration"] == {
        "query": {"query": orders(bigquery), "useLegacySql": False, "maximumBytesBilled": "10000000000"},
        "jobTimeoutMs": "7000",
        "labels": {"docent": "run_sql"},
    }
    for kind in ("INSERT", "SCRIPT", "CREATE_TABLE_AS_SELECT", "EXPORT_DATA", "CALL", "", f"x {CANARY}"):
        bigquery.kind = kind
        before = len(bigquery.statements)
        with pytest.raises(QueryFailed) as refused:
            rows(bigquery, orders(bigquery))
        assert refused.value.code == "not_a_select" and len(bigquery.statements) == before
        assert CANARY not in str(refused.value)


def test_bigquery_tells_bytes_before_and_stops_at_the_ceiling(bigquery: BigQueryService) -> None:
    estimate = bigquery.connector().estimate(orders(bigquery))
    assert estimate.bytes == 123_456_789 and bigquery.statements == {}
    with pytest.raises(QueryFailed, match="123,456,789 bytes.*1,000,000"):
        bigquery.connector(max_bytes_billed="1000000").run(orders(bigquery), RunLimits(), lambda stop: None)
    assert bigquery.statements == {}


def test_bigquery_positions_come_from_the_analysis_only(bigquery: BigQueryService) -> None:
    with pytest.raises(QueryFailed) as failed:
        rows(bigquery, "SELECT nothing_such FROM sales.orders")
    assert (failed.value.position, failed.value.code) == (8, "invalidQuery")
    assert str(failed.value) == "BigQuery refused the query: invalidQuery at character 8"


def test_bigquery_binds_values_with_their_types(bigquery: BigQueryService) -> None:
    given = (date(2026, 1, 3), "it's @p1 \\ ' \" ;", 2, Decimal("1.5"), True, datetime(2026, 1, 1, 12), None)
    text = (
        "SELECT id FROM sales.orders WHERE day = @p1 AND note <> @p2 AND id = @p3 AND total > @p4 AND @p5 "
        "AND TIMESTAMP(day) > @p6 AND (@p7 IS NULL OR id = @p7)"
    )
    bigquery.undeclared = [{"name": "p7", "parameterType": {"type": "INT64"}}]
    assert rows(bigquery, text, given) == [(2,)]
    dry, real = (asked.json for asked in bigquery.vendor.asked if asked.path.endswith("/jobs"))
    assert [each["name"] for each in dry["configuration"]["query"]["queryParameters"]] == [
        f"p{number}" for number in range(1, 7)
    ]
    sent = real["configuration"]["query"]
    assert sent["parameterMode"] == "NAMED" and sent["query"] == text
    assert [(each["parameterType"]["type"], each["parameterValue"]["value"]) for each in sent["queryParameters"]] == [
        ("DATE", "2026-01-03"), ("STRING", given[1]), ("INT64", "2"), ("NUMERIC", "1.5"), ("BOOL", "true"),
        ("TIMESTAMP", "2026-01-01 12:00:00+00:00"), ("INT64", None)]  # fmt: skip


def test_bigquery_values_are_what_the_person_expects(bigquery: BigQueryService) -> None:
    def one(name: str, type: str, mode: str = "NULLABLE", **more: Any) -> dict[str, Any]:
        return {"name": name, "type": type, "mode": mode, **more}

    inner = [
        one("a", "INTEGER"),
        one("b", "STRING", "REPEATED"),
        one("c", "RECORD", fields=[one("d", "NUMERIC")]),
    ]
    fields = [
        one("i", "INTEGER"), one("f", "FLOAT"), one("n", "NUMERIC"), one("big", "BIGNUMERIC"), one("b", "BOOLEAN"),
        one("s", "STRING"), one("x", "BYTES"), one("d", "DATE"), one("dt", "DATETIME"), one("t", "TIME"),
        one("ts", "TIMESTAMP"), one("j", "JSON"), one("g", "GEOGRAPHY"), one("iv", "INTERVAL"),
        one("r", "RECORD", fields=inner), one("l", "INTEGER", "REPEATED"), one("z", "STRING"),
        one("rl", "RECORD", "REPEATED", fields=[one("a", "INTEGER"), one("a", "STRING")]), one("nan", "FLOAT"),
        one("rg", "RANGE", rangeElementType={"type": "DATE"}),
    ]  # fmt: skip
    struct = {"f": [{"v": "1"}, {"v": [{"v": "x"}, {"v": "y"}]}, {"v": {"f": [{"v": "2.50"}]}}]}
    cells = [
        "9223372036854775807", "1.5E-3", "0.10", "1" * 40 + ".5", "false", "Größe", "AP8=", "2026-02-03",
        "2026-02-03T04:05:06.000007", "04:05:06.5", "-1000001", '{"a":null}', "POINT(1 2)", "1-2 3 4:5:6", struct,
        [{"v": "1"}, {"v": "2"}], None, [{"v": {"f": [{"v": "1"}, {"v": "k"}]}}], "NaN", "[2020-01-01, 2020-12-31)",
    ]  # fmt: skip
    empty = [None] * 15 + [[]] + [None] + [[]] + [None, None]
    bigquery.canned = (fields, [[{"v": cell} for cell in cells], [{"v": cell} for cell in empty]])
    with start(bigquery, orders(bigquery)) as result:
        (first, second) = [row for batch in result.batches for row in batch]
    assert first[:18] == (
        9223372036854775807, 0.0015, Decimal("0.10"), Decimal("1" * 40 + ".5"), False, "Größe", b"\x00\xff",
        date(2026, 2, 3), datetime(2026, 2, 3, 4, 5, 6, 7), clock(4, 5, 6, 500000),
        datetime(1969, 12, 31, 23, 59, 58, 999999, UTC), '{"a":null}', "POINT(1 2)", "1-2 3 4:5:6",
        {"a": 1, "b": ["x", "y"], "c": {"d": Decimal("2.50")}}, [1, 2], None, [[["a", 1], ["a", "k"]]],
    )  # fmt: skip
    assert str(first[18]) == "nan" and first[19] == "[2020-01-01, 2020-12-31)"
    assert second == (*[None] * 15, [], None, [], None, None)
    types = {column.name: column.type for column in result.columns}
    assert (
        types["r"] == "STRUCT<a INT64, b ARRAY<STRING>, c STRUCT<d NUMERIC>>" and types["l"] == "ARRAY<INT64>"
    )


def test_bigquery_reasons_that_pass_by_are_told_as_such(bigquery: BigQueryService) -> None:
    service = bigquery
    service.faults.append(
        Fault("GET /bigquery/v2/projects/shop/queries", service.refuse(400, "backendError", f"x {CANARY}"))
    )
    with pytest.raises(SourceInterrupted) as fleeting:
        rows(service, orders(service))
    assert CANARY not in str(fleeting.value)
    service.faults.append(
        Fault("GET /bigquery/v2/projects/shop/queries", service.refuse(403, "accessDenied", f"of {CANARY}"))
    )
    with pytest.raises(QueryFailed, match="accessDenied$"):
        rows(service, orders(service))
    service.faults.append(
        Fault("GET /bigquery/v2/projects/shop/queries", service.refuse(400, "stopped", "timed out"))
    )
    with pytest.raises(QueryStopped):
        rows(service, orders(service))


# --- Snowflake ------------------------------------------------------------------------------------------------------


@pytest.fixture
def snowflake() -> Iterator[SnowflakeService]:
    made = SnowflakeService()
    with served(made):
        yield made


def test_snowflake_finds_a_statement_by_its_request(snowflake: SnowflakeService) -> None:
    """No answer tells its handle: the same request again does, without running it a second time."""
    snowflake.faults += [Fault("POST /api/v2/statements", Answer(drop=True), acted=True)] * 3
    with pytest.raises(SourceInterrupted, match="dropped the connection"):
        rows(snowflake, orders(snowflake, SLOW))
    assert snowflake.faults == [] and snowflake.under_way() == []
    assert [each.cancels for each in snowflake.statements.values()] == [1]


def test_snowflake_is_asked_for_one_statement_within_limits(snowflake: SnowflakeService) -> None:
    rows(snowflake, orders(snowflake), seconds=7.2, rows=50)
    (body,) = (asked.json for asked in snowflake.vendor.asked if asked.method == "POST")
    assert body == {
        "statement": orders(snowflake),
        "timeout": 8,
        "warehouse": "SMALL",
        "role": "DOCENT_QUERY",
        "parameters": {
            "MULTI_STATEMENT_COUNT": "1",
            "rows_per_resultset": "51",
            "query_tag": "docent run_sql",
        },
    }
    with pytest.raises(QueryFailed) as two:
        rows(snowflake, "SELECT 1; SELECT 2")
    assert two.value.code == "000008"
    assert snowflake.connector().estimate(orders(snowflake)).bytes == 1024


def test_snowflake_positions_come_from_its_compiler_only(snowflake: SnowflakeService) -> None:
    message = "SQL compilation error:\nerror line 1 at position 7\ninvalid identifier 'NOTHING'"
    for text, position in ((message, 8), (f"Numeric value '{CANARY} {message}' is not recognized", None)):
        body = {"code": "000904", "sqlState": "42000", "message": text}
        snowflake.faults.append(Fault("GET /api/v2/statements/", Answer(422, body)))
        with pytest.raises(QueryFailed) as failed:
            rows(snowflake, "SELECT nothing FROM sales.orders")
        assert (failed.value.position, failed.value.code, failed.value.full) == (position, "000904", text)
        assert CANARY not in str(failed.value) and "state 42000" in str(failed.value)
    body = {"code": "000630", "sqlState": "57014", "message": "reached its timeout of 1 second(s)"}
    snowflake.faults.append(Fault("GET /api/v2/statements/", Answer(422, body)))
    with pytest.raises(QueryStopped):
        rows(snowflake, orders(snowflake))


def test_snowflake_values_are_what_the_person_expects(snowflake: SnowflakeService) -> None:
    def one(name: str, type: str, **more: Any) -> dict[str, Any]:
        return {"name": name, "type": type, "nullable": True, **more}

    kinds = [one("n", "fixed", precision=38, scale=0), one("d", "fixed", precision=10, scale=2), one("r", "real"),
             one("t", "text"), one("b", "boolean"), one("x", "binary"), one("day", "date"), one("at", "time"),
             one("ntz", "timestamp_ntz"), one("ltz", "timestamp_ltz"), one("tz", "timestamp_tz"), one("v", "variant"),
             one("o", "object"), one("a", "array"), one("z", "text"), one("df", "decfloat"), one("odd", "date")]  # fmt: skip
    cells = ["99999999999999999999", "1.50", "2.5e-1", "null", "true", "00ff", "-1", "82919.000001000",
             "1616173619.000000000", "-0.500000000", "1616173619.250000000 960", '{"k":[1,null]}', "{}", "[]", None,
             "1.25E+100", "2026-01-01"]  # fmt: skip
    snowflake.canned = (kinds, [cells, [None] * len(kinds)])
    with start(snowflake, orders(snowflake)) as result:
        first, second = (row for batch in result.batches for row in batch)
    assert first[:10] == (
        99999999999999999999, Decimal("1.50"), 0.25, "null", True, b"\x00\xff", date(1969, 12, 31), clock(23, 1, 59, 1),
        datetime(2021, 3, 19, 17, 6, 59), datetime(1969, 12, 31, 23, 59, 59, 500000, UTC),
    )  # fmt: skip
    assert first[10].isoformat() == "2021-03-19T09:06:59.250000-08:00"
    assert first[11:] == ('{"k":[1,null]}', "{}", "[]", None, Decimal("1.25E+100"), "2026-01-01")
    assert set(second) == {None}
    assert [column.type for column in result.columns][:4] == [
        "NUMBER(38,0)",
        "NUMBER(10,2)",
        "FLOAT",
        "VARCHAR",
    ]


def test_snowflake_binds_values_by_place(snowflake: SnowflakeService) -> None:
    given = (date(2026, 1, 3), "it's ? \\ ' ;", 2, Decimal("1.5"), True, None)
    text = (
        "SELECT id FROM sales.orders WHERE day = ? AND note <> ? AND id = ? AND total > ? AND ? AND ? IS NULL"
    )
    assert rows(snowflake, text, given) == [(2,)]
    (body,) = (asked.json for asked in snowflake.vendor.asked if asked.method == "POST")
    assert body["statement"] == text
    assert [(each["type"], each["value"]) for each in body["bindings"].values()] == [
        ("TEXT", "2026-01-03"), ("TEXT", given[1]), ("FIXED", "2"), ("FIXED", "1.5"), ("BOOLEAN", "true"), ("TEXT", None),
    ]  # fmt: skip


# --- ClickHouse: the engine's own locks, with the guard off -----------------------------------------------------------


@pytest.fixture
def clickhouse() -> Iterator[ClickHouseService]:
    made = ClickHouseService()
    with served(made):
        yield made


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("INSERT INTO sales.orders (id) SELECT 99", "164"),
        ("CREATE TABLE sales.made (id Int8) ENGINE = Memory", "164"),
        ("CREATE TEMPORARY TABLE made (id Int8)", "164"),
        ("DROP TABLE sales.orders", "164"),
        ("ALTER TABLE sales.orders DELETE WHERE 1", "164"),
        ("TRUNCATE TABLE sales.orders", "164"),
        ("SET max_execution_time = 0", ""),
        ("SELECT 1 SETTINGS max_execution_time = 0", ""),
        ("SELECT 1 SETTINGS readonly = 0", ""),
        ("SELECT 1; DROP TABLE sales.orders", ""),
        ("INSERT INTO FUNCTION file('/tmp/docent-test.csv') SELECT 1", "164"),
    ],
)
def test_clickhouse_refuses_by_itself(clickhouse: ClickHouseService, statement: str, code: str) -> None:
    with pytest.raises(SourceError) as refused:
        rows(clickhouse, statement)
    assert not code or isinstance(refused.value, QueryFailed) and refused.value.code == code
    assert rows(clickhouse, "SELECT count() FROM sales.orders") == [(10,)]
    assert not Path("/tmp/docent-test.csv").exists()


def test_clickhouse_has_its_limits_from_the_first_request_on(clickhouse: ClickHouseService) -> None:
    with start(clickhouse, "SELECT number FROM numbers(1000000000)", rows=5, seconds=20) as result:
        assert sum(len(batch) for batch in result.batches) == 5
    assert result.truncated == "rows"
    asked = clickhouse.vendor.asked[0].query
    assert (asked["readonly"], asked["max_execution_time"], asked["max_result_rows"]) == ("1", "20.000", "6")
    assert (
        asked["query_id"].startswith("docent-")
        and asked["cancel_http_readonly_queries_on_client_close"] == "1"
    )


def test_clickhouse_errors_tell_code_and_name_and_where_it_is_syntax(clickhouse: ClickHouseService) -> None:
    for sql, code, name, position in (
        ("SELECT nothing_such FROM sales.orders", "47", "UNKNOWN_IDENTIFIER", None),
        ("SELECT 1 fro m x y", "62", "SYNTAX_ERROR", 14),
        ("SELECT absent FROM sales.absent", "60", "UNKNOWN_TABLE", None),
    ):
        with pytest.raises(QueryFailed) as failed:
            rows(clickhouse, sql)
        assert (failed.value.code, failed.value.position) == (code, position)
        assert f"{name} (code {code})" in str(failed.value)
    told = {
        "Code: 241. DB::Exception: Memory limit exceeded (MEMORY_LIMIT_EXCEEDED)": QueryStopped,
        "Code: 164. DB::Exception: Cannot modify 'max_execution_time' setting in readonly mode. (READONLY)": PermissionMissing,
        "Code: 516. DB::Exception: docent_query: Authentication failed (AUTHENTICATION_FAILED)": SignInRefused,
        "Code: 202. DB::Exception: Too many simultaneous queries. (TOO_MANY_SIMULTANEOUS_QUERIES)": SourceInterrupted,
        f"Code: 6. DB::Exception: Cannot parse '{CANARY} ({CANARY.upper()})'": QueryFailed,
    }
    for message, kind in told.items():
        clickhouse.faults.append(Fault("POST / run", clickhouse.refused(message)))
        with pytest.raises(kind) as caught:
            rows(clickhouse, orders(clickhouse))
        assert CANARY not in str(caught.value).lower()


def test_clickhouse_binds_values_with_their_types(clickhouse: ClickHouseService) -> None:
    evil = "it's {p3:Auto} \\ \t \n \" ; -- `x` \\N"
    given = (date(2026, 1, 3), evil, 2, Decimal("1.5"), True, datetime(2026, 1, 1, 12, 0, 0, 5), None)
    text = (
        "SELECT id, {p2:Auto} AS said, 'a {p1:Auto} \\' b' AS kept, `{p3:Auto}` FROM (SELECT *, 7 AS `{p3:Auto}` FROM"
        " sales.orders) WHERE day = {p1:Auto} AND note <> {p2:Auto} AND id = {p3:Auto} AND total > {p4:Auto} AND {p5:Auto}"
        " AND toDateTime64(day, 6) > {p6:Auto} AND ({p7:Auto} IS NULL OR id = {p7:Auto})"
    )
    assert rows(clickhouse, text, given) == [(2, evil, "a {p1:Auto} ' b", 7)]
    (sent,) = (each.sql for each in clickhouse.statements.values())
    assert (
        "{p1:Date32}" in sent
        and "{p4:Decimal(76, 1)}" in sent
        and "'a {p1:Auto} \\' b'" in sent
        and "it's" not in sent
    )


def test_clickhouse_values_are_what_the_person_expects(clickhouse: ClickHouseService) -> None:
    found = rows(
        clickhouse,
        """SELECT toUInt64(18446744073709551615), toInt128('-5'), toDecimal64('1.50', 2), toFloat64(1 / 0), nan,
        toDate('2026-01-02'), toDate32('1900-01-01'), toDateTime('2026-01-02 03:04:05', 'UTC'),
        toDateTime64('2026-01-02 03:04:05.123456789', 9, 'Europe/Berlin'), true, 'Größe', [toUInt64(1), 2], (1, 'a', [1.5]),
        map('k', toUInt64(1)), CAST(NULL AS Nullable(Int8)), toUUID('61f0c404-5cb3-11e7-907b-a6006ad3dba0'),
        toLowCardinality(toNullable('lc')), CAST('a', 'Enum8(\\'a\\' = 1)'), CAST((1, 'x'), 'Tuple(a UInt64, `b c` String)'),
        [CAST(NULL AS Nullable(Int64))], '{"a": 1}'::JSON, toIPv4('1.2.3.4')""",
    )[0]  # fmt: skip
    assert found[:4] == (18446744073709551615, -5, Decimal("1.50"), float("inf")) and str(found[4]) == "nan"
    assert str(found[2]) == "1.50"
    assert found[5:14] == (
        date(2026, 1, 2), date(1900, 1, 1), datetime(2026, 1, 2, 3, 4, 5), datetime(2026, 1, 2, 3, 4, 5, 123456), True,
        "Größe", [1, 2], [1, "a", [1.5]], {"k": 1},
    )  # fmt: skip
    assert found[14:19] == (
        None, "61f0c404-5cb3-11e7-907b-a6006ad3dba0", "lc", "a", {"a": 1, "b c": "x"},
    )  # fmt: skip
    assert found[19] == [None] and found[21] == "1.2.3.4"
    assert rows(clickhouse, "SELECT unhex('ff00'), '' AS e") == [("\ufffd\x00", "")]


# --- Databricks -----------------------------------------------------------------------------------------------------


@pytest.fixture
def databricks() -> Iterator[DatabricksService]:
    made = DatabricksService()
    with served(made):
        yield made


def test_databricks_is_asked_within_limits_and_tells_what_it_cut(databricks: DatabricksService) -> None:
    with start(databricks, orders(databricks), rows=50, bytes=1_000_000) as result:
        assert sum(len(batch) for batch in result.batches) == 10
    assert result.truncated is None
    body = next(asked.json for asked in databricks.vendor.asked if asked.path.endswith("/statements"))
    assert (body["row_limit"], body["byte_limit"], body["statement"]) == (51, 3_000_000, orders(databricks))
    databricks.truncates = True
    with start(databricks, orders(databricks)) as result:
        assert sum(len(batch) for batch in result.batches) == 10
    assert result.truncated == "bytes", "half of a result is never told as all"


def test_databricks_positions_come_from_the_analysis_only(databricks: DatabricksService) -> None:
    for message, state, position in (
        (
            "[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column `x` cannot be resolved. SQLSTATE: 42703; line 1 pos 7",
            "42703",
            8,
        ),
        (
            f"[CAST_INVALID_INPUT] The value '{CANARY}' cannot be cast. SQLSTATE: 22018; line 1 pos 7",
            "22018",
            None,
        ),
    ):
        told = {"statement_id": "01ef-0", "status": {"state": "FAILED", "sql_state": state,
                "error": {"error_code": "BAD_REQUEST", "message": message}}}  # fmt: skip
        databricks.faults.append(Fault("GET /api/2.0/sql/statements/", Answer(200, told)))
        with pytest.raises(QueryFailed) as failed:
            rows(databricks, "SELECT x FROM sales.orders")
        assert failed.value.position == position and failed.value.full == message
        assert failed.value.code == message[1:].partition("]")[0] and CANARY not in str(failed.value)
    busy = {
        "status": {"state": "FAILED", "error": {"error_code": "TEMPORARILY_UNAVAILABLE", "message": CANARY}}
    }
    databricks.faults.append(Fault("GET /api/2.0/sql/statements/", Answer(200, busy)))
    with pytest.raises(SourceInterrupted) as fleeting:
        rows(databricks, orders(databricks))
    assert CANARY not in str(fleeting.value)


@pytest.mark.parametrize("acted", [True, False])
def test_databricks_finds_a_statement_whose_answer_was_lost(
    databricks: DatabricksService, acted: bool
) -> None:
    """By its tag among others that look the same; it is never submitted twice."""
    before = databricks.begin(
        "01ef-other", orders(databricks, SLOW), {"query_tags": [{"key": "docent_run", "value": "b"}]}
    )
    databricks.faults.append(Fault(databricks.places[0], Answer(drop=True), acted=acted))
    with pytest.raises(SourceInterrupted, match="dropped the connection"):
        rows(databricks, orders(databricks, SLOW))
    assert databricks.under_way() == [before] and before.cancels == 0
    assert [each.cancels for each in databricks.statements.values()] == ([0, 1] if acted else [0])
    assert sum(asked.path.endswith("/statements") for asked in databricks.vendor.asked) == 1


def test_databricks_cancels_while_it_waits_for_the_id(
    databricks: DatabricksService, monkeypatch: pytest.MonkeyPatch
) -> None:
    submitted = databricks.handle

    answered_while_it_ran: list[bool] = []

    def late(asked: Any) -> Any:
        said = submitted(asked)
        if asked.path.endswith("/statements"):
            with contextlib.suppress(AssertionError):
                until(lambda: not databricks.under_way(), 40)
            answered_while_it_ran.append(bool(databricks.under_way()))
        return said

    monkeypatch.setattr(databricks, "handle", late)
    with pytest.raises(QueryStopped, match="cancelled$"):
        start(databricks, orders(databricks, SLOW), (), cancelled_once_it_runs(databricks), seconds=HOUR)
    assert answered_while_it_ran == [False] and databricks.under_way() == []


def test_databricks_says_so_where_the_history_tells_no_tags(
    databricks: DatabricksService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connectors.http_run, "ENDING", 0.6)
    databricks.remembers = False
    databricks.faults.append(Fault(databricks.places[0], Answer(drop=True), acted=True))
    with pytest.raises(SourceInterrupted):
        rows(databricks, orders(databricks, SLOW))
    assert [each.cancels for each in databricks.statements.values()] == [0], "nothing tells which one it is"


def test_databricks_tells_what_it_would_read_and_wakes_nothing(databricks: DatabricksService) -> None:
    connector = databricks.connector()
    assert connector.estimate(orders(databricks)).bytes == int(1.1 * 1024**2)
    for state in ("STOPPED", "STARTING", "STOPPING", "DELETED", None):
        databricks.warehouse = state  # type: ignore[assignment]
        assert databricks.connector().estimate(orders(databricks)) is None
    databricks.warehouse = "RUNNING"
    databricks.faults.append(Fault("warehouses", Answer(403, {"message": "no"})))
    assert databricks.connector().estimate(orders(databricks)) is None
    assert len(databricks.statements) == 1


def test_the_plan_of_spark_is_read_as_it_writes_it() -> None:
    """As Apache Spark 3.5 wrote them."""
    joined = """== Optimized Logical Plan ==
GlobalLimit 5, Statistics(sizeInBytes=120.0 B, rowCount=5)
+- Join Inner, (id#2161L = id#2153L), Statistics(sizeInBytes=219.7 KiB)
   :- Project [id#2153L], Statistics(sizeInBytes=449.0 B)
   :  +- Relation spark_catalog.default.orders[note#2152,id#2153L] parquet, Statistics(sizeInBytes=1011.0 B)
   +- Relation spark_catalog.default.c[id#2161L,name#2162] parquet, Statistics(sizeInBytes=1.5 KiB, rowCount=100)

== Physical Plan ==
+- Relation nothing, Statistics(sizeInBytes=9.0 GiB)
"""
    assert bytes_read(joined) == 1011 + 1536
    assert bytes_read(joined.replace("1011.0 B", "8.0 EiB")) is None
    assert bytes_read(joined.replace("sizeInBytes=1011.0 B", "")) is None
    assert bytes_read(joined.replace("1011.0 B", "1.0E+24 B")) is None
    assert (
        bytes_read("== Optimized Logical Plan ==\nProject [1 AS 1#2173], Statistics(sizeInBytes=1.0 B)\n")
        is None
    )
    assert bytes_read("") is None


def test_databricks_values_and_parameters(databricks: DatabricksService) -> None:
    given = (date(2026, 1, 3), "it's :p1 \\ ' ;", 2, Decimal("1.5"), True, datetime(2026, 1, 1, 12), None)
    text = (
        "SELECT id FROM sales.orders WHERE day = :p1 AND note <> :p2 AND id = :p3 AND total > :p4 AND :p5 "
        "AND day > :p6 AND (:p7 IS NULL OR id = :p7)"
    )
    assert rows(databricks, text, given) == [(2,)]
    body = next(asked.json for asked in databricks.vendor.asked if asked.path.endswith("/statements"))
    assert body["statement"] == text and body["parameters"][-1] == {"name": "p7"}
    assert [each["type"] for each in body["parameters"][:-1]] == [
        "DATE", "STRING", "BIGINT", "DECIMAL(38,1)", "BOOLEAN", "TIMESTAMP_NTZ"]  # fmt: skip
    kinds = [("l", "LONG"), ("d", "DECIMAL"), ("f", "DOUBLE"), ("b", "BOOLEAN"), ("x", "BINARY"), ("day", "DATE"),
             ("ts", "TIMESTAMP"), ("ntz", "TIMESTAMP_NTZ"), ("a", "ARRAY"), ("s", "STRUCT"), ("n", "DOUBLE"), ("z", "STRING"),
             ("i", "INTERVAL")]  # fmt: skip
    cells = ["9223372036854775807", "0.10", "1.5E-3", "false", "AP8=", "0001-01-01", "2026-01-02T03:04:05.006Z",
             "2026-01-02T03:04:05", "[1,null]", '{"a":"1"}', "NaN", None, "INTERVAL '1' DAY"]  # fmt: skip
    databricks.canned = (kinds, [cells])
    (found,) = rows(databricks, orders(databricks))
    assert found[:10] == (
        9223372036854775807, Decimal("0.10"), 0.0015, False, b"\x00\xff", date(1, 1, 1),
        datetime(2026, 1, 2, 3, 4, 5, 6000, UTC), datetime(2026, 1, 2, 3, 4, 5), "[1,null]", '{"a":"1"}',
    )  # fmt: skip
    assert str(found[10]) == "nan" and found[11:] == (None, "INTERVAL '1' DAY")


# --- Trino ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def trino() -> Iterator[TrinoService]:
    made = TrinoService()
    with served(made):
        yield made


def test_trino_runs_in_a_read_only_transaction_or_not_at_all(trino: TrinoService) -> None:
    rows(trino, orders(trino))
    sent = [asked.body.decode() for asked in trino.vendor.asked if asked.method == "POST"]
    assert sent == ["START TRANSACTION READ ONLY", orders(trino), "ROLLBACK"]
    for statement in ("INSERT INTO sales.orders (id) VALUES (1)", "CREATE TABLE sales.made AS SELECT 1 AS a"):
        with pytest.raises(QueryFailed, match="READ_ONLY_VIOLATION"):
            rows(trino, statement)
    with pytest.raises(QueryFailed):
        rows(trino, orders(trino, trino.bad))
    assert trino.transactions == set(), "none is left open"
    trino.starts = False
    with pytest.raises(SourceInterrupted, match="no read-only transaction"):
        rows(trino, orders(trino))
    assert len([each for each in trino.statements.values() if each.sql == orders(trino)]) == 1


def test_trino_is_not_followed_to_another_server(trino: TrinoService) -> None:
    for place in trino.places:
        there = {"id": "q", "nextUri": "http://localhost:1/v1/statement/q/1", "stats": {}}
        trino.faults.append(Fault(place, Answer(200, there)))
        with pytest.raises(SourceInterrupted, match="another server"):
            rows(trino, orders(trino))
    spooled = {"id": "q", "columns": [{"name": "a", "type": "bigint"}], "data": {"segments": []}, "stats": {}}
    trino.faults.append(Fault("GET /v1/statement/q", Answer(200, spooled)))
    with pytest.raises(SourceInterrupted, match="spooled"):
        rows(trino, orders(trino))


def test_trino_positions_come_from_the_analysis_only(trino: TrinoService) -> None:
    for name, kind, position, raised in (
        ("COLUMN_NOT_FOUND", "USER_ERROR", 8, QueryFailed),
        ("INVALID_CAST_ARGUMENT", "USER_ERROR", None, QueryFailed),
        ("EXCEEDED_GLOBAL_MEMORY_LIMIT", "INSUFFICIENT_RESOURCES", None, QueryFailed),
        ("GENERIC_INTERNAL_ERROR", "INTERNAL_ERROR", None, SourceInterrupted),
        ("EXCEEDED_TIME_LIMIT", "INSUFFICIENT_RESOURCES", None, QueryStopped),
    ):
        at = {"lineNumber": 1, "columnNumber": 8}
        error = {"errorName": name, "errorType": kind, "message": f"line 1:8: {CANARY}", "errorLocation": at}
        trino.faults.append(Fault("GET /v1/statement/q", Answer(200, {"id": "q", "error": error})))
        with pytest.raises(raised) as failed:
            rows(trino, "SELECT x FROM sales.orders")
        assert CANARY not in str(failed.value) and getattr(failed.value, "position", None) == position


def test_trino_values_and_parameters(trino: TrinoService) -> None:
    given = (date(2026, 1, 3), "it's ? \\ '' ; --", 2, Decimal("1.5"), True, None)
    text = (
        "SELECT id FROM sales.orders WHERE day = ? AND note <> ? AND id = ? AND total > ? AND ? AND ? IS NULL"
        " AND note <> 'it''s'"
    )
    assert rows(trino, text, given) == [(2,)]
    sent = next(asked.body.decode() for asked in trino.vendor.asked if asked.body.startswith(b"EXECUTE"))
    doubled = text.replace("'", "''")
    assert sent == (
        f"EXECUTE IMMEDIATE '{doubled}' USING DATE '2026-01-03', "
        "'it''s ? \\ '''' ; --', BIGINT '2', DECIMAL '1.5', true, NULL"
    )
    kinds = [("b", "bigint"), ("d", "decimal(10,2)"), ("f", "double"), ("n", "double"), ("t", "boolean"), ("x", "varbinary"),
             ("day", "date"), ("ts", "timestamp(3)"), ("tz", "timestamp(3) with time zone"), ("a", "array(bigint)"),
             ("r", "row(a bigint)"), ("z", "varchar"), ("v", "varchar(3)"),
             ("far", "timestamp(3) with time zone")]  # fmt: skip
    cells = [9223372036854775807, "0.10", 1.5, "NaN", False, "AP8=", "2026-01-02", "2026-01-02 03:04:05.006",
             "2026-01-02 03:04:05.000 UTC", [1, None], [1], None, "abc", "2026-01-02 03:04:05.000 Europe/Berlin"]  # fmt: skip
    trino.canned = (kinds, [cells])
    (found,) = rows(trino, orders(trino))
    assert found[:3] == (9223372036854775807, Decimal("0.10"), 1.5) and str(found[3]) == "nan"
    assert found[4:] == (
        False, b"\x00\xff", date(2026, 1, 2), datetime(2026, 1, 2, 3, 4, 5, 6000), datetime(2026, 1, 2, 3, 4, 5, 0, UTC),
        [1, None], [1], None, "abc", "2026-01-02 03:04:05.000 Europe/Berlin",
    )  # fmt: skip
