"""The block of a statement in a browser: estimate, edit, run, charts by type and axis, paging, saving and approving."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.browser.test_assistant import ask
from tests.web.conftest import EDITOR, PASSWORD, VIEWER

expect = pytest.importorskip("playwright.sync_api").expect
SHOTS = os.environ.get("DOCENT_SHOTS")


def shot(page: Any, name: str) -> None:
    """A picture for somebody who looks, where a folder for them is named."""
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"))


@pytest.fixture
def open_gates(visit: Callable[..., Any]) -> Any:
    """Run SQL is on; the page of an admin."""
    page = visit()
    page.goto("/settings/ai#run-sql")
    if not page.locator("#ai-run_sql").is_checked():
        with page.expect_navigation():
            page.locator("#ai-run_sql").click()
    return page


def block_of(page: Any, question: str = "Show me the SQL to count sales.orders by status") -> Any:
    page.goto("/assistant")
    message = ask(page, "#ask", question)
    return message, message.locator("[data-sql-block]").first


def run(block: Any, sql: str | None = None) -> None:
    if sql is not None:
        block.locator("[data-edit-sql]").click()
        block.locator("[data-sql-edit]").fill(sql)
        block.locator("[data-sql-edit]").blur()
        # What the source expects of it is written above the button: pressed before, it moves away from under the mouse.
        expect(block.locator("[data-estimate]")).to_be_visible()
    block.locator("[data-run]").click()


def test_a_statement_is_estimated_edited_run_and_drawn(open_gates: Any) -> None:
    page = open_gates
    message, block = block_of(page)
    expect(block.locator("[data-estimate]")).to_be_visible(timeout=10_000)
    shot(page, "sql-block")
    run(
        block,
        "SELECT CAST(date_trunc('week', placed_at) AS DATE) AS month, status, COUNT(*) AS orders, SUM(gross_amount) AS revenue "
        "FROM sales.orders GROUP BY 1, 2 ORDER BY 1",
    )
    result = message.locator(".result")
    shot(page, "sql-ran")
    chart = result.locator("figure.chart")
    expect(chart.locator("svg").first).to_be_visible(timeout=10_000)
    kinds = chart.get_by_label("Chart type")
    for kind, mark in (
        ("line", "polyline"), ("area", "polygon"), ("scatter", "circle"), ("bar", "rect"), ("pie", "path, circle"),
        ("number", ".chart-number strong"), ("table", "table"), ("line", "polyline"),
    ):  # fmt: skip
        kinds.select_option(kind)
        expect(chart.locator(mark).first).to_be_visible()
        shot(chart, f"chart-{kind}")
    chart.get_by_label("Split by", exact=True).select_option(label="status")
    expect(chart.locator(".legend li").first).to_be_visible()
    chart.get_by_label("Value").select_option(label="revenue")
    assert "revenue" in chart.locator("svg[role=img]").get_attribute("aria-label")
    chart.get_by_label("By", exact=True).select_option(label="month")
    assert chart.locator("polyline").count() >= 2, "a line for each status"
    shot(chart, "chart-split")
    assert "264" in result.locator(".result-head").inner_text(), (
        "the table shows 100 of them, the chart draws all"
    )
    assert chart.locator("circle").count() == 264


def test_a_cut_result_says_so_splits_its_lines_and_leaves_the_page_where_it_is(open_gates: Any) -> None:
    page = open_gates
    message, block = block_of(page)
    run(
        block,
        "SELECT CAST(placed_at AS DATE) AS day, status, COUNT(*) AS orders FROM sales.orders GROUP BY 1, 2 ORDER BY 1, 2",
    )
    result = message.locator(".result")
    chart = result.locator("figure.chart")
    expect(chart.locator("polyline").nth(1)).to_be_visible(timeout=10_000)
    assert chart.get_by_label("Split by", exact=True).locator("option:checked").inner_text() == "status"
    assert "100 of 1,000 rows, cut at the row limit" in result.locator(".result-head").inner_text()
    boxes = chart.locator(".legend li").evaluate_all(
        "all => all.map(each => each.getBoundingClientRect().top)"
    )
    assert len(boxes) > 1 and max(boxes) - min(boxes) < 2, "the series are named in a row"
    main = page.evaluate("(m => m.scrollHeight - m.clientHeight)(document.querySelector('.main'))")
    assert main <= 0, "only the chat scrolls: nothing under the composer"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_a_result(
    open_gates: Any, visit: Callable[..., Any], theme: str
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = visit(theme=theme)
    message, block = block_of(page)
    run(block, "SELECT status, COUNT(*) AS orders FROM sales.orders GROUP BY status")
    chart = message.locator("figure.chart")
    expect(chart.locator("svg").first).to_be_visible(timeout=10_000)
    chart.get_by_label("Chart type").select_option("pie")
    shot(chart, f"chart-{theme}")
    found = [
        each for each in axe.run(page).response["violations"] if each["impact"] in ("serious", "critical")
    ]
    page.goto("/queries")
    found += [
        each for each in axe.run(page).response["violations"] if each["impact"] in ("serious", "critical")
    ]
    assert not found, [(each["id"], each["nodes"][0]["target"]) for each in found]


def test_what_is_edited_passes_the_guard_again(open_gates: Any) -> None:
    page = open_gates
    message, block = block_of(page)
    run(block, "DELETE FROM sales.orders")
    expect(block.locator("[data-estimate]")).to_contain_text("It would not run")
    notice = message.locator("[role=alert]")
    expect(notice).to_contain_text("only a query that reads")
    expect(notice).to_contain_text("This protects the source; change the statement.")


def test_what_stands_below_a_statement_is_about_the_text_it_has(open_gates: Any) -> None:
    """An edit takes back what was said of the text before, a refusal too; then it is said anew."""
    page = open_gates
    message, block = block_of(page)
    touches, button, lock = (
        block.locator("[data-touches]"),
        block.locator("[data-run]"),
        block.locator(".lock"),
    )
    expect(touches).to_contain_text("sales.orders")
    before = lock.inner_text()
    run(block, "SELECT 1 FROM crm.nothing_such")
    expect(lock).to_contain_text("crm.nothing_such is not a table")
    expect(button).to_be_disabled()
    box = block.locator("[data-sql-edit]")
    box.fill("SELECT COUNT(*) AS n FROM sales.customers")
    expect(touches).to_be_hidden()
    expect(button).to_be_enabled()
    assert lock.inner_text() == before
    box.blur()
    expect(touches).to_contain_text("sales.customers")
    assert "sales.orders" not in touches.inner_text()
    box.fill("SELECT 1 AS one")
    box.blur()
    expect(touches).to_have_text("Touches no table")


def test_a_name_that_nobody_has_is_told_while_one_writes_with_the_nearest(open_gates: Any) -> None:
    page = open_gates
    _message, block = block_of(page)
    block.locator("[data-edit-sql]").click()
    block.locator("[data-sql-edit]").fill("SELECT statuss FROM sales.orders")
    said = block.locator("[data-estimate]")
    expect(said).to_contain_text("It would not run")
    expect(said).to_contain_text("Did you mean status for statuss?")
    shot(page, "sql-did-you-mean")


def test_a_run_that_its_own_person_stops_is_no_error(open_gates: Any) -> None:
    page = open_gates
    message, block = block_of(page)
    run(
        block,
        "SELECT COUNT(*) AS n FROM sales.orders a, sales.orders b, sales.orders c, sales.orders d "
        "WHERE a.order_id + b.order_id * c.order_id % 7 = d.order_id",
    )
    expect(block.locator("[data-run]")).to_contain_text("Stop")
    block.locator("[data-run]").click()  # maybe before it has begun
    notice = message.locator(".notice[role=alert]")
    expect(notice).to_have_text("The query was cancelled.")
    assert notice.get_attribute("data-tone") == "plain"
    expect(block.locator("[data-run]")).to_have_text("Run")


def test_a_large_result_is_paged_and_downloaded(open_gates: Any) -> None:
    page = open_gates
    message, block = block_of(page)
    run(block, "SELECT * FROM sales.orders")
    result = message.locator(".result")
    more = result.get_by_role("button", name="Show more")
    expect(more).to_be_visible(timeout=10_000)
    before = result.locator(".table-wrap tbody tr").count()
    more.click()
    page.wait_for_function(
        "before => document.querySelectorAll('.result > .table-wrap tbody tr').length > before", arg=before
    )
    with page.expect_download() as download:
        result.get_by_role("link", name="CSV").click()
    lines = Path(download.value.path()).read_text("utf-8").splitlines()
    assert len(lines) > before and "id" in lines[0]
    with page.expect_download() as download:
        result.get_by_role("link", name="Parquet").click()
    assert Path(download.value.path()).read_bytes()[:4] == b"PAR1"


def test_sorting_a_paged_result_says_how_far_it_goes_and_holds_for_what_is_loaded_next(
    open_gates: Any,
) -> None:
    page = open_gates
    message, block = block_of(page)
    run(
        block,
        "SELECT range AS id, CASE WHEN range % 50 = 0 THEN NULL ELSE -range END AS minus FROM range(700) ORDER BY 1",
    )
    result = message.locator(".result")
    head, rows = result.locator(".result-head"), result.locator("> .table-wrap tbody tr")
    more = result.get_by_role("button", name="Show more")
    expect(more).to_be_visible(timeout=10_000)

    def shown(column: int) -> list[str]:
        return [each.strip() for each in rows.locator(f"td:nth-child({column})").all_inner_texts()]

    first = [int(each) for each in shown(1)]
    assert len(first) < 700 and "sorted" not in head.inner_text()
    result.get_by_role("button", name="id", exact=True).click()
    assert [int(each) for each in shown(1)] == sorted(first, reverse=True)
    expect(head).to_contain_text(f"sorted among these {len(first)}")
    while more.is_visible():
        before = rows.count()
        more.click()
        page.wait_for_function(
            "before => document.querySelectorAll('.result > .table-wrap tbody tr').length > before",
            arg=before,
        )
    all_of_them = [int(each) for each in shown(1)]
    assert len(set(all_of_them)) == 700 and all_of_them == sorted(all_of_them, reverse=True)
    assert "sorted" not in head.inner_text(), "everything is there: nothing to add"
    minus = result.get_by_role("button", name="minus", exact=True)
    for _ in range(2):
        minus.click()
        values = shown(2)
        nulls = values.count("null")
        assert nulls and values[-nulls:] == ["null"] * nulls, "nulls are last in both directions"


def test_rows_that_an_answer_draws_are_drawn_once_and_again_with_the_next_run(open_gates: Any) -> None:
    page = open_gates
    message, block = block_of(page, "How many sales.orders by status and month?")
    run(block)
    drawn, own = message.locator(".prose figure.chart"), message.locator(".result figure.chart")
    expect(drawn).to_be_visible()
    expect(own).to_be_hidden()
    run(block, "SELECT status, COUNT(*) AS other FROM sales.orders GROUP BY status")
    expect(message.locator(".result thead")).to_contain_text("other")
    expect(own).to_be_visible()
    expect(drawn).to_have_count(0)


def test_a_query_is_saved_approved_and_run_by_somebody_without_the_right(
    open_gates: Any, visit: Callable[..., Any]
) -> None:
    page = open_gates
    _, block = block_of(page)
    block.locator("[data-edit-sql]").click()
    block.locator("[data-sql-edit]").fill(
        "SELECT status, COUNT(*) AS orders FROM sales.orders WHERE status IN (:status) "
        "AND (:day IS NULL OR placed_at >= :day) GROUP BY status"
    )
    with page.expect_navigation():
        block.get_by_role("button", name="Save").click()
    assert ":status" in page.input_value("#f-sql"), "what was edited is what is saved"
    page.fill("#f-name", "Orders of a status")
    page.fill("#f-parameters", "status:text[]=paid\nday:date?")
    with page.expect_navigation():
        page.get_by_role("button", name="Save it").click()
    card = page.locator("section.card", has=page.get_by_role("heading", name="Orders of a status"))
    expect(card.locator(".state")).to_contain_text("Draft")
    card.get_by_text("Approve for teams").click()
    card.get_by_label("General").check()
    with page.expect_navigation():
        card.get_by_role("button", name="Approve Orders of a status").click()
    expect(card.locator(".state")).to_contain_text("Approved")
    shot(page, "saved-queries")
    other = visit(EDITOR)
    other.goto("/queries")
    theirs = other.locator("section.card", has=other.get_by_role("heading", name="Orders of a status"))
    with other.expect_navigation():
        theirs.get_by_role("button", name="Run Orders of a status").click()
    assert "/results/" in other.url, other.locator("main").inner_text()
    assert "paid" in other.locator("tbody").inner_text()
    other.goto("/queries")
    theirs.get_by_role("textbox", name="status text").fill(
        "paid\nshipped\nno such\n'; DROP TABLE sales.orders"
    )
    theirs.get_by_label("day").fill("2000-01-01")
    with other.expect_navigation():
        theirs.get_by_role("button", name="Run Orders of a status").click()
    assert sorted(other.locator("tbody tr td:first-child").all_inner_texts()) == ["paid", "shipped"]
    other.goto("/queries")
    theirs.get_by_role("textbox", name="status text").fill("shipped")
    with other.expect_navigation():
        theirs.get_by_role("button", name="Estimate Orders of a status").click()
    expect(other.locator("main")).to_contain_text("It would run.")
    assert theirs.get_by_role("textbox", name="status text").input_value() == "shipped", "typed once"
    theirs.get_by_role("textbox", name="status text").fill(" ")
    with other.expect_navigation():
        theirs.get_by_role("button", name="Run Orders of a status").click()
    expect(other.locator("main")).to_contain_text("at least one value for status")
    shot(other, "saved-query-result")


def test_the_page_of_a_result_has_numbers_on_the_right_and_a_chart_until_its_rows_are_gone(
    open_gates: Any,
) -> None:
    page = open_gates
    page.goto("/queries")
    integration = page.locator("#f-integration option", has_text="warehouse").get_attribute("value")
    made = page.evaluate(
        """async ([sql, id]) => {
          const { send } = await import("/static/js/api.js");
          return send("POST", "/api/v1/sql/run", { sql, integration_id: Number(id) });
        }""",
        [
            "SELECT status, COUNT(*) AS orders, SUM(gross_amount) AS total FROM sales.orders GROUP BY status",
            integration,
        ],
    )
    page.goto(f"/results/{made['result_id']}")
    chart = page.locator("figure.chart")
    expect(chart.locator("svg[role=img]")).to_be_visible(timeout=10_000)
    assert chart.locator("svg[role=img]").get_attribute("aria-label") == "bar chart of total by status"
    chart.get_by_label("Value").select_option(label="orders")
    aligned = (
        page.locator(".result > .table-wrap tbody tr")
        .first.locator("td")
        .evaluate_all("all => all.map(each => getComputedStyle(each).textAlign)")
    )
    assert [each in ("right", "end") for each in aligned] == [False, True, True]
    shot(page, "result-page")
    page.locator("form[action='/sign-out'] button").first.evaluate("button => button.form.submit()")
    page.wait_for_url("**/sign-in*")
    page.goto(f"/results/{made['result_id']}")
    page.fill("#f-email", "maren@harbor.example")
    page.fill("#f-password", PASSWORD)
    page.click("main button[type=submit]")
    expect(page.get_by_role("heading", name="These rows are not here").last).to_be_visible()
    expect(page.get_by_role("link", name="Saved queries").last).to_be_visible()


def test_a_value_of_an_earlier_run_does_not_outlive_it(open_gates: Any) -> None:
    page = open_gates
    message, block = block_of(page, "Show me the SQL to sum net_amount of sales.orders")
    mark = message.locator('.local[data-bind="r1.first.result"]')
    expect(mark).to_have_text("")
    run(block)
    expect(mark).not_to_have_text("")
    run(block, "SELECT CAST('no number' AS INTEGER) AS result FROM sales.orders")
    expect(message.locator(".notice[role=alert]")).to_contain_text("DuckDB refused the query")
    expect(mark).to_have_text("")


def test_who_may_not_run_is_told_by_whom_and_not_led_to_a_form_that_is_not_there(
    visit: Callable[..., Any], open_gates: Any
) -> None:
    page = visit(VIEWER)
    _, block = block_of(page)
    expect(block.locator(".lock")).to_contain_text("You have no query permission on warehouse")
    expect(block.locator(".lock small")).to_have_text("An admin of the workspace: Maren Kolb can open it")
    expect(block.get_by_role("button", name="Save")).to_have_count(0)
    expect(block.locator("[data-run]")).to_be_disabled()
    page.get_by_role("navigation", name="Beside your prompts").get_by_role(
        "link", name="Saved queries"
    ).click()
    expect(page.get_by_role("heading", name="Saved queries")).to_be_visible()
    expect(page.locator("#f-sql")).to_have_count(0)
