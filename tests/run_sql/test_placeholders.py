"""The language of blind answers is total: odd values, odd texts, and every length that the page marks."""

from __future__ import annotations

import random
from datetime import date
from decimal import Decimal
from html import escape
from typing import Any

import pytest

from plugin.assistant.render import names_in, render
from plugin.run_sql.placeholders import CHARTS, bind, bind_text
from plugin.run_sql.results import Column, Owner, Result, Results

ATOMS = (
    "r1", "r2", "r3", ".", "first", "last", "sum", "min", "avg", "count", "distinct", "row(", "3", ")", "total", '"a b"', "day",
    "|", "money EUR", "number 2", "percent", "date", "text", "compare(", "chart(", *CHARTS, "x=", "y=", "title=", "series=",
    "+", ",", '"', "'", "{{", "}}", " ", "-1", "999999999", "\n", "\x00", "é", "rows", "table", "nosuch",
)  # fmt: skip


def result(*rows: tuple[Any, ...]) -> Result:
    kept = Results()
    made = kept.start(
        Owner(1, 1, "s"), [Column("total", "numeric"), Column("a b", "text"), Column("day", "date")]
    )
    kept.add(made, rows)
    kept.finish(made)
    return made


def test_any_text_gives_segments_and_never_raises() -> None:
    results = {
        "r1": result((Decimal("1.5"), "x", date(2024, 1, 1)), (None, None, None), (float("nan"), "y", date(1, 1, 1))),
        "r2": result(),
    }  # fmt: skip
    draw = random.Random(20)
    for _ in range(4_000):
        text = "{{" + "".join(draw.choice(ATOMS) for _ in range(draw.randint(1, 9))) + "}}"
        kinds = {each.kind for each in bind(text, results)}
        assert kinds <= {"text", "value", "table", "chart", "unknown"}, text
        assert isinstance(bind_text(text, results), str)


@pytest.mark.parametrize("odd", [Decimal("NaN"), float("nan")])
def test_a_number_that_is_none_leaves_no_sum_and_breaks_nothing(odd: object) -> None:
    results = {"r1": result((Decimal(2), "x", None), (odd, "y", None), (Decimal(1), "z", None))}
    for kind in ("sum", "avg", "min", "max"):
        assert bind_text(f"{{{{r1.{kind}.total}}}}", results) == "no value", kind
    assert bind_text("{{r1.count.total}} of {{r1.rows}}", results) == "3 of 3"


def test_a_long_chart_and_a_bare_name_are_marked_as_placeholders() -> None:
    inner = f'r1.chart(bar, x=day, y={"+".join(["total"] * 40)}, title="Totals of all that there is")'
    assert len(inner) > 250 and "data-bind=" in str(render("{{" + inner + "}}", citations=[], names={}))
    assert bind("{{" + inner + "}}", {"r1": result()})[0].kind == "chart"
    assert 'data-bind="r1"' in str(render("{{r1}}", citations=[], names={}))
    assert bind("{{r1}}", {"r1": result()})[0].kind == "unknown"


def test_signs_of_markdown_in_a_placeholder_are_its_own() -> None:
    for inner in (
        "r1.sum._net_",
        "r1.first.__class__",
        'r1.first."a*b*c"',
        "r1.first.`a b`",
        "r1.first.a~~b~~",
    ):
        html = str(render(f"is {{{{{inner}}}}} now", citations=[], names={}))
        assert f'data-bind="{escape(inner, quote=True)}"' in html and html.count("<") == 4, html


def test_a_placeholder_in_another_is_one_that_is_unknown() -> None:
    text = '{{r1.chart(bar, x=day, y=total, title="of {{r1.first.day}}")}}'
    (segment,) = bind(text, {"r1": result((Decimal(2), "x", None))})
    assert segment.kind == "unknown" and segment.text == text
    assert str(render(text, citations=[], names={})).count("data-bind") == 1
    assert names_in(text) == (), "no part of it is a name that the catalog lacks"


def test_a_mean_has_no_more_digits_than_somebody_reads() -> None:
    results = {"r1": result((Decimal(1), "x", None), (Decimal(2), "y", None), (Decimal(2), "z", None))}
    assert bind_text("{{r1.avg.total}}", results) == "1.66666666666666667"
    assert bind_text("{{r1.avg.total|number 2}} {{r1.sum.total}}", results) == "1.67 5"
