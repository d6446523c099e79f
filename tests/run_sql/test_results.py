"""Results are the asker's alone, small in memory, sealed on disk, gone in time; downloads are harmless."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.assistant.render import render
from plugin.errors import LimitReached, NotFound
from plugin.run_sql.cells import pack, unpack
from plugin.run_sql.download import as_csv, as_parquet
from plugin.run_sql.placeholders import NO_ROWS, NO_VALUE, bind, bind_text, names_used
from plugin.run_sql.results import Column, Owner, Result, Results
from plugin.run_sql.spill import Nameless

MINE = Owner(1, 1, "session-a")
COLUMNS = [Column("month", "date"), Column("total", "numeric")]


def made(rows: list[tuple[object, ...]], columns: list[Column] = COLUMNS) -> Result:
    results = Results()
    result = results.start(MINE, columns)
    results.add(result, rows)
    results.finish(result)
    return result


def test_a_result_is_reached_by_its_owner_only() -> None:
    results = Results()
    result = results.start(MINE, COLUMNS)
    assert results.get(MINE, result.id) is result
    for other in (Owner(1, 2, "session-a"), Owner(2, 1, "session-a"), Owner(1, 1, "session-b")):
        with pytest.raises(NotFound):
            results.get(other, result.id)
    results.drop_session("session-a")
    with pytest.raises(NotFound):
        results.get(MINE, result.id)


def test_a_result_ends_with_its_time_and_with_the_member() -> None:
    results = Results(seconds=-1)
    result = results.start(MINE, COLUMNS)
    with pytest.raises(NotFound):
        results.get(MINE, result.id)
    results = Results()
    results.start(MINE, COLUMNS)
    assert results.drop_member(1, 1) == 1


def test_large_results_are_sealed_on_disk_and_paged(tmp_path: Path) -> None:
    results = Results(tmp_path, memory_bytes=20_000)
    result = results.start(MINE, [Column("n", "int"), Column("canary", "text")])
    for start in range(0, 50_000, 5_000):
        results.add(result, [(n, f"CANARY-{n}") for n in range(start, start + 5_000)])
    results.finish(result, truncated="rows")
    spill = result._spill
    assert isinstance(spill, Nameless) and result.rows == 50_000 and spill.written > 0
    assert result.page(49_990, 100)[-1] == (49_999, "CANARY-49999")
    assert result.page(12_345, 1) == [(12_345, "CANARY-12345")]
    assert sum(1 for _ in result) == 50_000
    assert not list(tmp_path.iterdir()), "the spill file must have no name"
    spill.file.seek(0)
    assert b"CANARY" not in spill.file.read()
    results.close()
    assert spill.file.closed


def test_the_disk_share_is_a_limit() -> None:
    results = Results(memory_bytes=0, total_bytes=10)
    result = results.start(MINE, COLUMNS)
    with pytest.raises(LimitReached):
        results.add(result, [(n, n) for n in range(3000)])


CELLS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(), st.binary(max_size=20),
    st.decimals(allow_nan=False, allow_infinity=False), st.dates(), st.datetimes(), st.times(),
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(st.tuples(CELLS, CELLS), max_size=20))
def test_cells_come_back_as_they_went(rows: list[tuple[object, object]]) -> None:
    assert unpack(pack(rows)) == rows


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "\t=1", " =1", "\r=1", "|x"])
def test_csv_starts_no_formula(cell: str) -> None:
    rows = list(csv.reader(io.StringIO("".join(as_csv(made([(cell, -5)]))), newline="")))
    assert rows[1][0].startswith("'") and rows[1][1] == "-5"


def test_csv_and_parquet_hold_every_row_and_write_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tempfile

    import duckdb
    from pyarrow import parquet

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))  # whoever wants a file there fails
    moment = datetime(2024, 1, 1, 12, tzinfo=UTC)
    rows = [
        (date(2024, 1, 1 + n % 28), Decimal(n), n, n / 7, f'"x"\n{n}', n % 2 == 0, moment, b"\x00\xff")
        for n in range(120_001)
    ] + [(None,) * 8]
    names = ("day", "amount", "n", "share", "text", "flag", "at", "bytes")
    result = made(rows, [Column(name) for name in names])
    assert len(list(csv.reader(io.StringIO("".join(as_csv(result)), newline="")))) == 120_003
    pieces = list(as_parquet(result))
    assert len(pieces) >= 3, "a group at a time"
    table = parquet.read_table(io.BytesIO(b"".join(pieces)))
    assert table.num_rows == 120_002 and table.column_names == list(names)
    first = table.slice(0, 1).to_pylist()[0]
    assert (first["day"], first["n"], first["text"], first["flag"]) == (date(2024, 1, 1), 0, '"x"\n0', True)
    assert first["at"] == moment and table.slice(120_001).to_pylist()[0] == dict.fromkeys(names)
    (tmp_path / "read.parquet").write_bytes(b"".join(pieces))
    told = duckdb.sql(f"SELECT sum(n), count(day) FROM '{tmp_path}/read.parquet'").fetchall()
    assert told == [(120_000 * 120_001 // 2, 120_001)], "another reader agrees"


# --- placeholders ----------------------------------------------------------------------------------------------

ROWS = [(date(2024, 1, 1), Decimal("1234.50")), (date(2024, 2, 1), None), (date(2024, 3, 1), Decimal("2000"))]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("{{r1.rows}}", "3"),
        ("{{r1.first.total}}", "1234.50"),
        ("{{ r1.last.TOTAL|money EUR }}", "2,000.00 EUR"),
        ("{{r1.sum.total|number}}", "3,234.5"),
        ("{{r1.avg.total|number 1}}", "1,617.2"),
        ("{{r1.min.total}} {{r1.max.month|date}}", "1234.50 2024-03-01"),
        ("{{r1.count.total}} of {{r1.distinct.month}}", "2 of 3"),
        ("{{r1.row(2).total}}", NO_VALUE),
        ("{{r1.row(9).total}}", NO_VALUE),
        ('It {{r1.compare(first.total, last.total, "rose", "fell", "stayed")}}.', "It rose."),
        ('{{r1.compare(last.total,first.total,"rose","fell, badly","stayed")}}', "fell, badly"),
        ('{{r1.compare(rows, 3, "more", "less", "as many")}}', "as many"),
        ('{{r1.compare(row(2).total, last.total, "a", "b", "c")}}', NO_VALUE),
        ('{{r1.compare(row(2).total, last.total, "a", "b", "c", "unclear")}}', "unclear"),
        ("{{r1.first.total|percent}}", "123,450.0 %"),
    ],
)  # fmt: skip
def test_placeholders_take_local_values(text: str, shown: str) -> None:
    assert bind_text(text, {"r1": made(ROWS)}) == shown


@pytest.mark.parametrize(
    "text",
    ["{{r2.rows}}", "{{r1.first.salary}}", "{{r1.secret}}", "{{x}}", "{{}}", "{{r1.sum.month}}", "{{r1.chart(bar)}}",
     "{{r1.chart(bar, x=nope, y=total)}}", "{{r1.first.total|money euros}}", "{{r1.first.month|number}}",
     "{{r1.compare(first.total)}}", "{{r1.row(0).total}}", "{{__import__('os')}}", "{{r1.first.total|date}}"],
)  # fmt: skip
def test_what_is_not_understood_stands_as_it_was_written(text: str) -> None:
    segments = bind(text, {"r1": made(ROWS)})
    assert [segment.kind for segment in segments] == ["unknown"]
    assert segments[0].text == text and segments[0].why


def test_a_quoted_name_may_hold_every_sign_of_the_language() -> None:
    names = ("a|b", "c+d", "e,f", "g.h", "i=j", "k)", "l|m n")
    results = {"r1": made([], [Column(name, "int") for name in names])}
    for name in names:
        assert bind_text(f'{{{{r1.first."{name}"|number 2}}}}', results) == "no rows", name
        (drawn,) = bind(f'{{{{r1.chart(bar, x="{name}", y="{name}"+"c+d", title="a|b, c+d")}}}}', results)
        assert drawn.chart and (drawn.chart["x"], drawn.chart["y"]) == (name, [name, "c+d"])
        assert drawn.chart["title"] == "a|b, c+d"


def test_a_format_stands_in_a_cell_of_a_table() -> None:
    """Its bar ends no cell."""
    html = render(
        "| what | sum |\n|---|---|\n| all | {{r1.sum.total|money EUR}} |\n\n`{{r1.rows|number}}` a | b"
    )
    assert 'data-bind="r1.sum.total|money EUR"' in html and html.count("<td>") == 2
    assert 'data-bind="r1.rows|number"' in html and "a | b" in html


def test_empty_results_say_so() -> None:
    empty = {"r1": made([])}
    assert (
        bind_text("{{r1.rows}} {{r1.first.total}} {{r1.sum.total|money EUR}}", empty)
        == f"0 {NO_ROWS} {NO_ROWS}"
    )
    assert bind_text('{{r1.compare(first.total,last.total,"a","b","c")}}', empty) == NO_ROWS


def test_charts_name_columns_and_know_time() -> None:
    segment = bind("{{r1.chart(line, x=month, y=total, title='A, B')}}", {"r1": made(ROWS)})[0]
    assert segment.kind == "chart"
    assert segment.chart == {
        "type": "line",
        "x": "month",
        "y": ["total"],
        "series": None,
        "title": "A, B",
        "time": True,
    }
    assert names_used("{{r1.rows}} {{r3.table}} {{nope}}") == ("r1", "r3")


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="r1.{}()|=,\"' abcsumfirttable0+-%", max_size=60))
def test_binding_never_raises_and_loses_no_text(text: str) -> None:
    segments = bind(text, {"r1": made([(1, datetime(2024, 1, 1))])})
    assert (
        "".join(
            segment.text if segment.kind in ("text", "unknown") else segment.source for segment in segments
        )
        == text
    )
