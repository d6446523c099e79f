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
    "zones": ([["at", "timestamptz"], ["n", "int"]], [[f"2024-03-0{d} 10:00:00+0{d}:00", d] for d in range(1, 8)]),
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


HEIGHTS = """(at) => [...document.querySelectorAll(`figure.chart circle.c${at}`)].map((each) => [
  Number(each.querySelector("title").textContent.split(": ")[1].split(" ")[0].replaceAll(",", "")), Number(each.getAttribute("cy"))])"""


def test_areas_of_several_series_stack_and_the_person_chooses(visit: Callable[..., Any]) -> None:
    page = visit()
    columns, rows = ROWS["split"]
    page.evaluate(DRAW, [columns, rows, {"type": "area", "x": "day", "y": ["n"], "series": "shop"}])
    chart = page.locator("figure.chart")
    stack = chart.get_by_label("Stacking")
    assert stack.input_value() == "stack" and chart.locator("polygon").count() == 3

    def tops() -> list[list[tuple[float, float]]]:
        return [page.evaluate(HEIGHTS, at) for at in range(3)]

    stacked, zero = tops(), 246
    sums = [sum(line[day][0] for line in stacked) for day in range(19)]
    scale = (zero - stacked[2][18][1]) / sums[18]
    for day in range(19):  # the third lies on the two others: its height is the sum of all
        assert zero - stacked[2][day][1] == pytest.approx(scale * sums[day], abs=0.2)
    stack.select_option("none")
    overlaid = tops()
    assert overlaid[0] == overlaid[1] and overlaid[2][18][1] < overlaid[0][18][1], (
        "each from zero; Bern and Oslo weigh the same"
    )
    stack.select_option("share")
    assert {round(y, 3) for _, y in tops()[2]} == {12.0}, "all of it, every day"
    expect(chart.locator("svg[role=img]")).to_contain_text("100 %")
    chart.get_by_label("Chart type").select_option("line")
    expect(stack).to_be_hidden()
    chart.get_by_label("Chart type").select_option("bar")
    assert stack.input_value() == "none", "bars stand beside each other unless somebody stacks them"
    stack.select_option("stack")
    beside = chart.locator("svg[role=img] rect").evaluate_all(
        "all => new Set(all.map(each => each.getAttribute('x'))).size"
    )
    assert beside == 19, "one bar a day, in three parts"


def test_many_series_and_many_points(visit: Callable[..., Any]) -> None:
    page = visit()
    rows = [[f"2024-{m:02}-01", f"shop {n}", n + m] for m in range(1, 4) for n in range(200)]
    columns = [["month", "date"], ["shop", "text"], ["n", "int"]]
    page.evaluate(DRAW, [columns, rows, {"type": "area", "x": "month", "y": ["n"], "series": "shop"}])
    chart = page.locator("figure.chart")
    expect(chart.locator(".legend li")).to_have_count(8)
    expect(chart.locator(".legend li").last).to_have_text("others (193)")
    expect(chart.get_by_role("status")).to_have_text("the 7 largest of 200 series, the rest as others")
    assert "shop 199" in chart.locator(".legend").inner_text()
    marks = page.evaluate(
        """async () => {
          const { chartOf } = await import("/static/js/chart.js");
          const columns = [{ name: "at", type: "int" }, { name: "n", type: "int" }];
          const rows = Array.from({ length: 10000 }, (_, at) => [at, (at * 7919) % 1000]);
          const made = ["line", "scatter", "area"].map((type) => chartOf(columns, rows, [true, true], { type, x: "at", y: ["n"] }));
          return made.map((each) => each.querySelectorAll("svg[role=img] *").length);
        }"""
    )
    assert max(marks) < 100, f"a node for each point takes seconds: {marks}"


@pytest.mark.parametrize("zone", ["America/New_York", "Pacific/Auckland"])
def test_times_stand_where_the_source_has_them_wherever_the_browser_is(
    visit: Callable[..., Any], zone: str
) -> None:
    page = visit()
    page.context.new_cdp_session(page).send("Emulation.setTimezoneOverride", {"timezoneId": zone})
    read = page.evaluate(
        """async () => {
          const { momentsOf, isTime, short, timeTicks } = await import("/static/js/chart-values.js");
          const iso = (cells) => { const found = momentsOf(cells); return [found.utc, ...found.places.map((at) => at === null ? null : new Date(at).toISOString().slice(0, 16))]; };
          return {
            plain: iso(["2024-03-31 00:30:00", "2024-03-31", "2024-03", "2024"]), one: iso(["2024-03-31 00:30:00+02:00", "2024-03-31T23:30+02"]),
            mixed: iso(["2024-03-31 00:30:00+02:00", "2024-01-31 00:30:00+01:00"]), odd: iso(["2024-Q3", "2024-W01", "2024-13-01", "infinity", "tomorrow"]),
            year: isTime({ name: "year", type: "int" }, [[2024], [2025]], 0, true), price: isTime({ name: "price", type: "int" }, [[2024]], 0, true),
            days: timeTicks(Date.UTC(2024, 0, 2), Date.UTC(2024, 0, 4), 7, true).map((each) => each.text),
            axis: [0, 75000, 100000].map((each) => short(each, 100000)), bare: [0.25, 1667, 16321.5, 1234567].map((each) => short(each)),
            ticks: timeTicks(Date.UTC(2024, 0, 15), Date.UTC(2024, 11, 15), 7).map((each) => each.text),
          };
        }"""
    )
    assert read["plain"] == [
        False,
        "2024-03-31T00:30",
        "2024-03-31T00:00",
        "2024-03-01T00:00",
        "2024-01-01T00:00",
    ]
    assert read["one"] == [False, "2024-03-31T00:30", "2024-03-31T23:30"], (
        "one zone: as the source's clock has it"
    )
    assert read["mixed"] == [True, "2024-03-30T22:30", "2024-01-30T23:30"], (
        "several: in UTC, and that is said"
    )
    assert read["odd"] == [False, "2024-07-01T00:00", "2024-01-01T00:00", None, None, None]
    assert (read["year"], read["price"]) == (True, False)
    assert (read["axis"], read["bare"]) == (["0", "75K", "100K"], ["0.25", "1,667", "16,321.5", "1.23M"])
    assert read["days"] == ["2024-01-02", "2024-01-03", "2024-01-04"], "dates have no hours"
    assert read["ticks"] == ["2024-03", "2024-05", "2024-07", "2024-09", "2024-11"]
    columns, rows = ROWS["zones"]
    page.evaluate(DRAW, [columns, rows, None])
    expect(page.locator("figure.chart").get_by_role("status")).to_have_text("times in UTC")


def test_what_a_chart_starts_as(visit: Callable[..., Any]) -> None:
    page = visit()
    for columns, rows, said in (
        ([["year", "int"], ["n", "int"]], [[2020, 5], [2021, 7]], "line chart of n by year"),
        ([["height", "int"], ["weight", "int"]], [[180, 80], [170, 60]], "scatter chart of weight by height"),
        ([["day", "date"], ["id", "text"], ["n", "int"]], [[f"2024-01-0{n % 2 + 1}", f"id {n}", n] for n in range(90)], "scatter chart of n by day"),
        ([["shop", "text"], ["n", "int"]], [["Oslo", 5], ["Bern", 7]], "bar chart of n by shop"),
    ):  # fmt: skip
        page.evaluate(DRAW, [columns, rows, None])
        assert page.locator("figure.chart svg[role=img]").get_attribute("aria-label") == said
    page.evaluate(DRAW, [[["total", "int"]], [[1234567]], None])
    expect(page.locator(".chart-number strong")).to_have_text("1,234,567")
