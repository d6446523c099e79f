"""A table of very many columns: its page shows a part of them, and every column has an address that shows it."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from plugin.catalog.sync.imports import import_path
from plugin.store import Store
from plugin.store.shapes import Resource
from tests.web.conftest import ADMIN, Person
from web.packing import LEAST

WIDE, PART = 700, 200
ROW = re.compile(r'<tr id="c(\d+)"')
MOST_BYTES = 400_000


@pytest.fixture
def columns(demo_store: Store, tmp_path: Path) -> tuple[Resource, ...]:
    """The columns of a table that has 700 of them: every 40th an address, every other one described."""
    given = [
        {"name": f"m_{number:04d}" + ("_email" if number % 40 == 39 else ""), "type": "text",
         "description": "of the line" if number % 2 == 0 else ""}
        for number in range(WIDE)
    ]  # fmt: skip
    table = {
        "entity_type": "table",
        "databuilder_id": "w",
        "title": "facts",
        "schema": "plant",
        "database": "lake",
    }
    file = tmp_path / "wide.jsonl"
    file.write_text(json.dumps({**table, "columns": given}))
    with demo_store.sign_in() as door:
        admin = door.viewer_for_email(None, ADMIN)
    assert not import_path(demo_store, admin, str(file), integration="plant").errors
    with demo_store.as_viewer(admin) as mine:
        return mine.catalog.columns(mine.catalog.by_name("plant.facts").id)


def link(page: str, rel: str) -> str | None:
    """Where the link to the next part leads, or the one before."""
    found = re.search(rf'rel="{rel}" href="([^"]+)"', page)
    return unescape(found.group(1)) if found else None


def test_a_wide_table_is_shown_in_parts_that_are_all_of_it(
    columns: tuple[Resource, ...], person: Callable[[str], Person]
) -> None:
    admin = person("admin")
    path: str | None = f"/r/{columns[0].parent_id}"
    seen: list[int] = []
    heads: list[str] = []
    while path:
        page = admin.get(path).text
        rows = [int(each) for each in ROW.findall(page)]
        assert 0 < len(rows) <= PART and len(page) < MOST_BYTES
        seen += rows
        heads += re.findall(r"[\d,]+ to [\d,]+ of 700 columns", page)
        path = link(page, "next")
    assert seen == [each.id for each in columns]
    assert heads == ["1 to 200 of 700 columns", "201 to 400 of 700 columns", "401 to 600 of 700 columns",
                     "601 to 700 of 700 columns"]  # fmt: skip
    assert link(page, "prev") == f"/r/{columns[0].parent_id}/columns?offset=400"
    assert "Show the next 100 of 700" in admin.get(str(link(page, "prev"))).text


def test_the_filter_looks_at_every_column_and_an_edit_comes_back_to_it(
    columns: tuple[Resource, ...], person: Callable[[str], Person]
) -> None:
    admin, place = person("admin"), f"/r/{columns[0].parent_id}/columns"
    page = admin.get(f"{place}?text=EMAIL").text
    wanted = [each.id for each in columns if "email" in each.name]
    assert [int(each) for each in ROW.findall(page)] == wanted
    assert "1 to 17 of 17 columns that fit, of 700" in page
    page = admin.get(f"{place}?only=undoc&offset=200").text
    assert "201 to 350 of 350 columns that fit, of 700" in page
    forms = {unescape(each) for each in re.findall(r'action="([^"]+/edit[^"]*)"', page)}
    assert f"/r/{columns[401].id}/edit?only=undoc&offset=200" in forms
    done = admin.post(
        f"/r/{columns[401].id}/edit?only=undoc&offset=200",
        {"field": "sensitivity", "value": "personal", "of": "column"},
    )
    assert done.location == f"{place}?only=undoc&offset=200#c{columns[401].id}"
    assert f'id="c{columns[401].id}"' in admin.get(done.location.split("#")[0]).text
    assert "No column that you may see fits" in admin.get(f"{place}?text=nowhere").text


def test_a_column_alone_opens_the_part_that_holds_it(
    columns: tuple[Resource, ...], person: Callable[[str], Person]
) -> None:
    admin, place, late = person("admin"), f"/r/{columns[0].parent_id}/columns", columns[555].id
    assert f'href="{place}?column={late}#c{late}"' in admin.get(f"/r/{late}").text
    page = admin.get(f"{place}?column={late}").text
    assert f'id="c{late}"' in page and "401 to 600 of 700 columns" in page
    assert f"/r/{late}/edit?offset=400" in page, "what is edited there comes back there"
    assert "1 to 200 of 700" in admin.get(f"{place}?column=1").text, "of another table"
    for far in ("99999999999999999999999", "-5", "²"):
        assert ROW.search(admin.get(f"{place}?offset={far}").text)


def test_a_table_of_few_columns_has_no_parts(demo_store: Store, person: Callable[[str], Person]) -> None:
    with demo_store.sign_in() as door:
        viewer = door.viewer_for_email(None, None)
    with demo_store.as_viewer(viewer) as mine:
        orders = mine.catalog.by_name("sales.orders")
    admin = person("admin")
    page = admin.get(f"/r/{orders.id}/columns").text
    assert len(ROW.findall(page)) == orders.children
    assert 'data-filter=".cols tbody tr"' in page and "data-parts" not in page and "offset=" not in page
    assert page.count("<tr") == admin.get(f"/r/{orders.id}/columns?text=zzz&offset=200").text.count("<tr")


def test_the_api_packs_a_wide_table_for_a_program_that_takes_that(
    columns: tuple[Resource, ...], demo_store: Store, app: Flask, person: Callable[[str], Person]
) -> None:
    path = f"/api/v1/resources/{columns[0].parent_id}"
    with demo_store.sign_in() as door:
        viewer = door.viewer_for_email(None, ADMIN)
    with demo_store.as_viewer(viewer) as mine:
        token = mine.me.create_token("program", ["read"], 1)[1]

    def asked(takes: str, path: str = path) -> TestResponse:
        headers = {"Authorization": f"Bearer {token}", "Accept-Encoding": takes}
        return app.test_client().get(path, headers=headers)

    plain = asked("")
    assert "Content-Encoding" not in plain.headers and len(plain.get_json()["columns"]) == WIDE
    for takes in ("gzip", "br, gzip;q=0.5", "*"):
        short = asked(takes)
        assert short.headers["Content-Encoding"] == "gzip" and "Accept-Encoding" in short.headers["Vary"]
        assert int(short.headers["Content-Length"]) == len(short.data) < len(plain.data) / 8
        assert gzip.decompress(short.data) == plain.data
    for takes in ("identity", "br", "gzip;q=0"):
        assert asked(takes).data == plain.data, takes
    assert "Content-Encoding" not in asked("gzip", f"/api/v1/resources/{columns[0].id}").headers
    # A foreign page can make a browser ask with its cookie, and the length of what is packed tells of likeness.
    admin = person("admin")
    for each in (
        path,
        f"/api/v1/search?q=m&under={columns[0].parent_id}&limit=100",
        f"/r/{columns[0].parent_id}",
    ):
        answer = admin.get(each, headers={"Accept-Encoding": "gzip"})
        assert answer.status_code == 200 and "Content-Encoding" not in answer.headers, each
        assert len(answer.data) > LEAST, each
