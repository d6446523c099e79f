"""The lineage picture in a real browser: folded, unfolded, searched, followed, by keys, saved, at hundreds of boxes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from plugin.catalog.sync.imports import import_path
from plugin.config import read_config
from plugin.store import open_store


@pytest.fixture(scope="module")
def wide(live_home: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """A hub with 900 readers, and a chain of 8 layers of 60 tables; the ids of three of them."""
    lines: list[dict[str, object]] = []

    def table(name: str, reads: list[str]) -> None:
        sql = "SELECT x0.id, x0.n FROM " + " CROSS JOIN ".join(
            f"w.{each} x{i}" for i, each in enumerate(reads)
        )
        lines.append(
            {
                "entity_type": "view" if reads else "table", "databuilder_id": name, "title": name, "schema": "w",
                "database": "wide", "columns": [{"name": "id"}, {"name": "n"}], **({"definition": sql} if reads else {}),
            }
        )  # fmt: skip

    table("hub", [])
    for number in range(900):
        table(f"reader_{number:03}", ["hub"])
    for layer in range(8):
        for number in range(60):
            feeds = [f"l{layer - 1}_{number}", f"l{layer - 1}_{(number * 7 + 1) % 60}"] if layer else []
            table(f"l{layer}_{number}", feeds)
    table("last", [f"l7_{number}" for number in range(60)])
    file = tmp_path_factory.mktemp("wide") / "wide.jsonl"
    file.write_text("\n".join(json.dumps(line) for line in lines))
    store = open_store(read_config({"DOCENT_HOME": str(live_home)}))
    with store.sign_in() as door:
        viewer = door.viewer_for_email(None, None)
    assert not import_path(store, viewer, str(file), integration="wide").errors
    with store.as_viewer(viewer) as mine:
        found = {name: mine.catalog.by_name(f"w.{name}").id for name in ("hub", "last", "l3_5")}
    store.close()
    return found


def boxes(page: Any) -> int:
    return int(page.locator(".graph .node").count())


def test_a_hub_is_folded_and_unfolds(visit: Callable[..., Any], wide: dict[str, int]) -> None:
    page = visit()
    page.goto(f"/r/{wide['hub']}/lineage")
    page.wait_for_selector(".graph .fold")
    assert boxes(page) == 10
    fold = page.locator(".graph .fold")
    assert "892 more" in fold.text_content()
    fold.focus()
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelectorAll('.graph .node').length > 400")
    assert "more" in page.locator(".graph .fold").text_content(), "what was not fetched is still said"


def test_hundreds_of_boxes_are_drawn_found_and_saved(visit: Callable[..., Any], wide: dict[str, int]) -> None:
    page = visit(theme="dark")
    page.goto(f"/r/{wide['last']}/lineage?depth=10")
    page.wait_for_selector(".graph .node")
    assert boxes(page) > 400
    assert page.evaluate("(() => { const b = [...document.querySelectorAll('.graph .node .open .box')].map(n => n.getBoundingClientRect());"
        " return b.some((a, i) => b.some((c, j) => i < j && a.left < c.right - 1 && c.left < a.right - 1 && a.top < c.bottom - 1 && c.top < a.bottom - 1)); })()") is False  # fmt: skip
    page.fill("input[aria-label='Find in the picture']", "l3_5")
    assert page.locator(".graph .node[data-hit]").count() == 11, "l3_5 and l3_50 to l3_59"
    page.keyboard.press("Enter")
    with page.expect_download() as download:
        page.get_by_role("button", name="PNG").click()
    assert Path(download.value.path()).read_bytes()[:4] == b"\x89PNG"
    with page.expect_download() as download:
        page.locator("[data-all-edges]").click()
    assert (
        Path(download.value.path())
        .read_text()
        .splitlines()[0]
        .startswith("upstream,upstream_column,downstream")
    )


def test_keys_fold_unfold_and_walk(visit: Callable[..., Any], wide: dict[str, int]) -> None:
    page = visit()
    page.goto(f"/r/{wide['l3_5']}/lineage?depth=2")
    page.wait_for_selector(".graph .node[tabindex='0']")
    start = page.locator(".graph .node[tabindex='0']")
    start.focus()
    before = boxes(page)
    page.keyboard.press("-")
    page.wait_for_function(f"document.querySelectorAll('.graph .node').length < {before}")
    page.keyboard.press("+")
    page.wait_for_function(f"document.querySelectorAll('.graph .node').length === {before}")
    page.keyboard.press("ArrowLeft")
    label = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert label.startswith("l2_"), label
    page.keyboard.press("Enter")
    page.wait_for_url("**/lineage")
    assert str(wide["l3_5"]) not in page.url


def test_what_is_folded_is_found_and_shown(visit: Callable[..., Any], wide: dict[str, int]) -> None:
    page = visit()
    page.goto(f"/r/{wide['hub']}/lineage")
    page.wait_for_selector(".graph .fold")
    seen = set(page.locator(".graph .node > title").all_text_contents())
    page.fill("input[aria-label='Find in the picture']", "reader_0")
    page.wait_for_selector(".graph .fold[data-hit]")
    assert "folded of the 500 loaded" in page.locator(".graph-count").text_content()
    before = boxes(page)
    for _ in range(10):  # first those that are in the picture
        page.keyboard.press("Enter")
    page.locator(".graph .node").nth(before).wait_for(state="attached")
    new = set(page.locator(".graph .node[data-hit] > title").all_text_contents()) - seen
    assert new and all(name.startswith("wide.w.reader_0") for name in new)


def test_a_box_unfolds_towards_the_start_as_well(visit: Callable[..., Any], wide: dict[str, int]) -> None:
    """What else reads what this reads: the knob there did nothing and said that it had folded something."""
    page = visit()
    page.goto(f"/r/{wide['l3_5']}/lineage?depth=1&direction=upstream")
    page.wait_for_selector(".graph .knob[data-act=down]")
    before = boxes(page)
    knob = page.locator(".graph .knob[data-act=down]").first
    assert knob.text_content().startswith("Unfold 1 downstream")
    knob.dispatch_event("click")
    page.locator(".graph .node").nth(before).wait_for(state="attached")
    assert boxes(page) == before + 1
    page.locator(".graph .knob[data-act=down]", has_text="Fold").first.dispatch_event("click")
    page.locator(".graph .node").nth(before).wait_for(state="detached")
    assert boxes(page) == before


def test_the_large_picture_ends_with_escape_and_keys_work_from_its_ground(
    visit: Callable[..., Any], wide: dict[str, int]
) -> None:
    page = visit()
    page.goto(f"/r/{wide['l3_5']}/lineage?depth=2")
    page.wait_for_selector(".graph .node[tabindex='0']")
    page.get_by_role("button", name="Larger or smaller").click()
    page.locator(".graph svg[role=group]").focus()
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("l2_")
    page.keyboard.press("Escape")
    assert page.locator(".graph[data-large]").count() == 0


def test_a_column_is_followed(visit: Callable[..., Any], wide: dict[str, int]) -> None:
    page = visit()
    page.goto(f"/r/{wide['l3_5']}/lineage?depth=3&detail=columns")
    page.locator(f".graph [data-key=n{wide['l3_5']}] [data-column=n]").click()
    lit = page.locator(".graph .row[data-lit]")
    assert lit.count() > 3 and set(lit.evaluate_all("rows => rows.map(row => row.dataset.column)")) == {"n"}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_serious_for_axe_and_no_sideways_scroll(
    visit: Callable[..., Any], wide: dict[str, int], theme: str
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    for width in (1440, 390):
        page = visit(theme=theme, width=width, height=800)
        page.goto(f"/r/{wide['hub']}/lineage")
        page.wait_for_selector(".graph .node")
        found = [
            each for each in axe.run(page).response["violations"] if each["impact"] in ("serious", "critical")
        ]
        assert not found, [(each["id"], each["nodes"][0]["target"]) for each in found]
        assert (
            page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
        )


def test_an_edge_is_drawn_and_erased(visit: Callable[..., Any], wide: dict[str, int]) -> None:
    page = visit()
    page.goto(f"/r/{wide['hub']}/lineage")
    page.fill("#f-other", "w.l3_5")
    page.get_by_role("button", name="Draw", exact=True).click()
    page.wait_for_selector("text=Drawn.")
    page.goto(f"/r/{wide['hub']}/lineage?direction=upstream")
    page.wait_for_selector(".graph .edge[data-manual]", state="attached")
    page.get_by_role("button", name="Erase the edge from").click()
    page.wait_for_selector("text=Erased.")


def test_without_a_script_there_is_a_picture_and_a_list(
    visit: Callable[..., Any], wide: dict[str, int]
) -> None:
    page = visit(javascript=False)
    page.goto(f"/r/{wide['l3_5']}/lineage?depth=1")
    assert page.locator(".graph svg .box").count() > 2
    assert page.locator("table caption", has_text="Edges of the lineage").count() == 1


def test_a_choice_above_the_picture_keeps_the_others(visit: Callable[..., Any], wide: dict[str, int]) -> None:
    page = visit()
    page.goto(f"/r/{wide['l3_5']}/lineage?direction=downstream&depth=1")
    page.get_by_role("navigation", name="Detail").get_by_role("link", name="Columns").click()
    for name, chosen in (("Direction", "Downstream"), ("Detail", "Columns"), ("Steps", "Steps: 1")):
        assert page.get_by_role("navigation", name=name).locator("[aria-current]").text_content() == chosen
