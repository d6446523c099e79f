"""A statement on one long line is broken for reading, and nothing but white space between its tokens changes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sqlglot
from hypothesis import given
from hypothesis import strategies as st

from web.sql_lines import LONG_LINE, in_lines

CORPUS = sorted((Path(__file__).parents[1] / "run_sql" / "corpus").glob("*.jsonl"))
VIEW = (
    'CREATE VIEW finance.revenue_daily AS SELECT CAST(placed_at AS date) AS "day", channel, sum(net_amount) AS net_revenue, '
    "count_star() AS orders FROM sales.completed_orders WHERE note <> 'a  b' GROUP BY \"day\", channel;"
)


def test_a_view_on_one_line_is_broken_at_its_clauses() -> None:
    lines = in_lines(VIEW).splitlines()
    assert max(map(len, lines)) < LONG_LINE
    assert [line.split()[0] for line in lines if not line.startswith(" ")] == [
        "CREATE",
        "SELECT",
        "FROM",
        "WHERE",
        "GROUP",
    ]
    assert "'a  b'" in in_lines(VIEW)


def test_what_is_in_lines_already_stays_as_its_author_wrote_it() -> None:
    text = "select  a,\n        b\nfrom t"
    assert in_lines(text) == text and in_lines(None) == ""


@given(st.text(max_size=400))
def test_no_text_loses_or_gains_a_character_that_shows(text: str) -> None:
    wide = text + " " + "x" * LONG_LINE
    assert "".join(in_lines(wide).split()) == "".join(wide.split())


@pytest.mark.parametrize(
    "text", ["((" * 900 + "))" * 900, "case when " * 300, "/*" * 200 + "x" * 200, "'" + "a" * 300]
)
def test_what_cannot_be_read_stays(text: str) -> None:
    assert "".join(in_lines(text).split()) == "".join(text.split())


def test_a_statement_means_the_same_in_lines() -> None:
    said = 0
    for file in CORPUS:
        for line in file.read_text(encoding="utf-8").splitlines()[::3]:
            case = json.loads(line)
            broken = in_lines(case["sql"])
            if broken == case["sql"]:
                continue
            said += 1
            reader = sqlglot.Dialect.get_or_raise(case["dialect"])
            as_read = [(each.token_type, each.text) for each in reader.tokenize(case["sql"])]
            assert [(each.token_type, each.text) for each in reader.tokenize(broken)] == as_read, case["id"]
    assert said > 20
