"""Charts of odd rows in a real browser: nothing hangs, nothing leaves the picture, what cannot be drawn is said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.test_sql import shot

expect = pytest.importorskip("playwright.sync_api").expect
TYPES = ("bar", "line", "area", "scatter", "pie", "number", "table")
HUGE = 10**17
ROWS: dict[str, tuple[list[list[str]], list[list[Any]]]] = {
    "months": ([["month", "date"], ["total", "numeric"]], [[f"2024-{n:02}-01", n * n * 1000.5] for n in range(1, 13)]),
    "one": ([["status", "text"], ["n", "int"]], [["paid", 5]]),
    "nulls": ([["status", "text"], ["n", "int"]], [["paid", None], [None, 3], ["open", None], ["", 4]]),
    "nothing": ([["status", "text"], ["n", "int"]], [["paid", None], ["open", None]]),
    "negative": ([["status", "text"], ["n", "int"]], [["paid", 30], ["returned", -12], ["open", 0], ["lost", -40]]),
    "zero": ([["status", "text"], ["n", "int"]], [["paid", 0], ["open", 0]]),
    "huge": ([["id", "bigint"], ["n", "bigint"]], [[str(HUGE + n), str(HUGE + n)] for n in range(8)]),
    "widest": ([["id", "int"], ["n", "double"]], [[1, 1.7e308], [2, -1.7e308], [3, 5e-324]]),
    "long": ([["name", "text"], ["n", "int"]],
             [["a customer whose name is far too long for any chart " + str(n), 10**9 + n] for n in range(30)]),
    "split": ([["day", "date"], ["shop", "text"], ["n", "int"]],
              [[f"2024-01-{d:02}", shop, d * len(shop)] for d in range(1, 20) for shop in ("Bern", "Oslo", "Reykjavik")]),
    "years": ([["year", "text"], ["n", "int"]], [[f"{y}-01", y - 1990] for y in range(1990, 2025)]),
}  # fmt: skip
DRAW = """async ([columns, rows, wanted]) => {
  const { chartOf } = await import("/static/js/chart.js");
  const known = columns.map(([name, type]) => ({ name, type }));
  const numeric = known.map((column) => /int|num|double/.test(column.type));
  const made = chartOf(known, rows, numeric, wanted);
  const place = document.querySelector("main");
  place.replaceChildren(...[made].filter(Boolean));
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  return Boolean(made);
}"""
OUTSIDE = """() => [...document.querySelectorAll("figure.chart svg[role=img]")].flatMap((svg) => {
  const box = svg.getBoundingClientRect();
  return [...svg.querySelectorAll("*")].filter((each) => {
    if (each.tagName === "title") return false;
    const own = each.getBoundingClientRect();
    return own.left < box.left - 2 || own.right > box.right + 2 || own.top < box.top - 2 || own.bottom > box.bottom + 2;
  }).map((each) => each.outerHTML.slice(0, 120));
})"""
SMALLEST = """() => {
  const sizes = [...document.querySelectorAll("figure.chart svg[role=img] text")].map((each) => {
    const svg = each.ownerSVGElement;
    return parseFloat(getComputedStyle(each).fontSize) * svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
  });
  return sizes.length ? Math.min(...sizes) : null;
}"""
WRONG = """() => [...document.querySelectorAll("figure.chart svg *")].filter((each) =>
  [...each.attributes].some((one) => /NaN|Infinity|undefined/.test(one.value)) || /NaN|undefined/.test(each.textContent)
).map((each) => each.outerHTML.slice(0, 120))"""


@pytest.mark.parametrize(("theme", "width"), [("light", 1440), ("dark", 1440), ("light", 390), ("dark", 390)])
def test_odd_rows_in_every_type(visit: Callable[..., Any], theme: str, width: int) -> None:
    page = visit(theme=theme, width=width)
    faults = []
    for name, (columns, rows) in ROWS.items():
        for type_ in TYPES:
            wanted = {"type": type_, "x": columns[0][0], "y": [columns[-1][0]],
                      "series": "shop" if name == "split" else None, "title": f"{name} as {type_}"}  # fmt: skip
            assert page.evaluate(DRAW, [columns, rows, wanted]), (name, type_)
            faults += [(name, type_, fault) for fault in page.evaluate(OUTSIDE) + page.evaluate(WRONG)]
            shot(page.locator("main"), f"odd-{theme}-{width}-{name}-{type_}")
            small = page.evaluate(SMALLEST)
            assert small is None or small >= 11, (name, type_, f"text of {small} px")
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, (name, "the page scrolls sideways", wide)
    assert faults == [], "\n".join(map(str, faults))


def test_what_cannot_be_drawn_is_said(visit: Callable[..., Any]) -> None:
    page = visit()
    for name, type_, said in (
        ("nothing", "bar", "no number to draw"), ("negative", "pie", "below zero"), ("zero", "pie", "no number to draw"),
        ("nothing", "number", "no value"), ("months", "bar", None),
    ):  # fmt: skip
        columns, rows = ROWS[name]
        page.evaluate(DRAW, [columns, rows, {"type": type_, "x": columns[0][0], "y": [columns[-1][0]]}])
        if said:
            expect(page.locator("figure.chart")).to_contain_text(said)
    assert not page.evaluate(DRAW, [[["n", "int"]], [], None]), "no rows, no chart"


def test_type_and_axes_change_by_the_keyboard(visit: Callable[..., Any]) -> None:
    page = visit()
    columns, rows = ROWS["split"]
    page.evaluate(DRAW, [columns, rows, None])
    chart = page.locator("figure.chart")
    expect(chart.locator("polyline")).to_have_count(3)  # a line for each shop, since a day has several rows
    chart.get_by_label("Split by", exact=True).focus()
    page.keyboard.type("nothing")
    expect(chart.locator("polyline")).to_have_count(1)
    chart.get_by_label("Chart type").focus()
    page.keyboard.type("Bar")
    expect(chart.locator("rect").first).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type("shop")
    expect(chart.locator(".legend li")).to_have_count(3)
    assert (
        chart.locator("svg[role=img]").get_attribute("aria-label") == "bar chart of n by day, split by shop"
    )
