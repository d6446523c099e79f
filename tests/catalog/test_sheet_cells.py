"""Properties by way of a spreadsheet: what nobody edited comes back as it was, and what is unclear is said by line."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from plugin.access.viewer import Viewer
from plugin.catalog.custom import parse_jsonl
from plugin.catalog.properties import apply, as_csv, as_jsonl, exported
from plugin.catalog.property_lines import from_csv, from_jsonl
from plugin.catalog.sheet_cells import guarded, list_cell, list_of_cell, unguarded
from plugin.catalog.sync import add_integration, sync
from plugin.catalog.sync.imports import take
from plugin.cli import cli
from plugin.errors import NotFound
from plugin.store import Store

TURNED = {
    "007": "7", "1.0E+05": "100000", "1e5": "100000", "1/2": "01/02/2026", "Mar 5": "03/05/2026", "10:30": "10:30:00 AM",
    "mar.2024": "03/01/2024", "Jan-24": "01/24/2026", "true": "TRUE", "12345678901234567890": "1.23456789012346E+019",
    "(5)": "-5", "1 1/2": "1.5", "=1+1": "2", "5. Mai 2024": "05/05/2024", "1.2.3": "02/01/2003", "3,14": "3.14",
    "2026-01-05": "01/05/2026", "wahr": "TRUE", "24:00": "24:00:00",
}  # fmt: skip
"""What LibreOffice 7.4, English or German, made of a cell that was opened and saved without being touched."""


def in_a_spreadsheet(text: str) -> str:
    """A CSV opened and saved: cells that look like values are turned, those behind an apostrophe stay."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    for row in csv.reader(io.StringIO(text)):
        writer.writerow([TURNED.get(cell, cell) for cell in row])
    return out.getvalue()


def laid(store: Store, admin: Viewer, lines: list[dict[str, Any]], name: str = "files") -> None:
    done = take(store, admin, parse_jsonl(map(json.dumps, lines)), integration=name)
    assert not done.errors


def table(key: str, **more: Any) -> dict[str, Any]:
    return {
        "entity_type": "table",
        "databuilder_id": key,
        "title": key,
        "schema": "s",
        "database": "d",
        **more,
    }


@given(st.one_of(st.text(), st.sampled_from(list(TURNED)), st.from_regex(r"'*[=\d][\w']*", fullmatch=True)))
def test_a_guard_is_taken_off_again(text: str) -> None:
    assert unguarded(guarded(text)) == text
    assert guarded(text)[:1] not in ("=", "+", "-", "@", "\t", "\r")


@given(st.lists(st.text(max_size=8).filter(str.strip), max_size=4))
def test_a_list_is_the_same_behind_its_cell(items: list[str]) -> None:
    assert list_of_cell(list_cell(items)) == items


def test_names_stay_as_people_write_them() -> None:
    for plain in ("sales.orders_2024", "shop", "tier 1", "tier1", "Orders of 2024, by day", "v2", ""):
        assert guarded(plain) == plain
    assert list_of_cell("[EU] only; x") == ["[EU] only", "x"]


def test_what_nobody_edited_in_a_spreadsheet_stays(store: Store, admin: Viewer) -> None:
    """Each as a description and as a tag, and some whose CSV could not tell them apart."""
    odd = ["'=x", "''007", "a;b", '["x"]', "[EU]; x", "two\r\nlines", "'"]
    laid(store, admin, [
        table(f"t{number}", description=text, tags=[text])
        for number, text in enumerate([*TURNED, *odd])
    ])  # fmt: skip
    before = list(exported(store, admin, columns=True))
    text = in_a_spreadsheet("".join(as_csv(before)))
    done = apply(store, admin, from_csv(text))
    assert (done.changed, done.errors, done.unchanged) == (0, (), len(before))
    assert list(exported(store, admin, columns=True)) == before


def test_of_two_things_with_one_name_each_keeps_its_own(store: Store, admin: Viewer) -> None:
    boards = [
        {"entity_type": "dashboard", "databuilder_id": key, "title": "Sales", "description": key}
        for key in "ab"
    ]
    laid(store, admin, boards)
    lines = [each for each in exported(store, admin) if each["kind"] == "dashboard"]
    assert [each["description"] for each in lines] == ["a", "b"]
    for text in ("".join(as_csv(lines)), "".join(as_jsonl(lines))):
        read = from_csv(text) if text.startswith("q") else from_jsonl(text)
        done = apply(store, admin, read)
        assert (done.changed, done.errors) == (0, ())
    del lines[0]["id"]
    unsure = apply(store, admin, [(1, lines[0])])
    assert "several" in unsure.errors[0].reason and unsure.changed == 0
    # An id of another catalog's export decides nothing: the name does.
    laid(store, admin, [table("alone")])
    assert apply(store, admin, [(1, {"qualified_name": "d.s.alone", "id": 1, "tags": ["x"]})]).changed == 1


def test_a_column_whose_name_holds_dots_and_a_title_in_brackets_are_found(
    store: Store, admin: Viewer
) -> None:
    laid(store, admin, [
        table("people", columns=[{"name": "address.city", "description": "where"}]),
        {"entity_type": "dashboard", "databuilder_id": "x", "title": "Sales [EU]"},
        {"entity_type": "dashboard", "databuilder_id": "y", "title": "Sales EU"},
    ])  # fmt: skip
    lines = list(exported(store, admin, columns=True))
    for each in lines:
        each["tags"] = [f"of {each['qualified_name']}"]
        del each["id"]
    done = apply(store, admin, enumerate(lines, start=1))
    assert (done.errors, done.changed) == ((), len(lines))
    assert all(
        each["tags"] == [f"of {each['qualified_name']}"] for each in exported(store, admin, columns=True)
    )
    with store.as_viewer(admin) as mine:
        assert mine.catalog.by_name("people.address.city").kind == "column"


def test_a_row_that_stands_there_twice_is_named_and_so_is_a_column_that_is_no_property(
    store: Store, admin: Viewer
) -> None:
    laid(store, admin, [table("t")])
    text = "qualified_name,description,Tgas,verified\nd.s.t,one,x,WAHR\nd.s.t,two,x,no\nd.s.t,three,x,maybe\n"
    for strict in (True, False):
        done = apply(store, admin, from_csv(text), strict=strict)
        assert [each.line for each in done.errors] == [3, 4] and done.ignored == ("tgas",)
    assert "line 2" in done.errors[0].reason and "verified" in done.errors[1].reason
    (now,) = (each for each in exported(store, admin) if each["qualified_name"] == "d.s.t")
    assert (now["description"], now["verified"]) == ("one", True)


def test_an_integration_of_which_one_sees_nothing_has_no_export(
    store: Store, admin: Viewer, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NotFound, match="nowhere"):
        exported(store, admin, integration="nowhere")
    monkeypatch.setenv("DOCENT_HOME", str(home))
    done = CliRunner().invoke(cli, ["properties", "export", "--integration", "nowhere"])
    assert done.exit_code == 1 and done.stdout == ""


def test_no_name_begins_a_row_of_its_own(store: Store, admin: Viewer, tmp_path: Path) -> None:
    """A carriage return in a name: behind it a formula, or the name of a thing that the rest of the row would change."""
    path = tmp_path / "d.duckdb"
    with duckdb.connect(str(path)) as db:
        db.execute('CREATE TABLE b (id INTEGER); CREATE TABLE "a\r=1+1" (id INTEGER)')
        db.execute('CREATE TABLE "a\rd.main.b" (id INTEGER)')
        db.execute("COMMENT ON TABLE \"a\rd.main.b\" IS 'Not of b'")
    wh = add_integration(store, admin, "wh", "duckdb", settings={"url": f"duckdb:///{path}"}, secrets={}).id
    assert sync(store, admin, wh).status == "done"
    before = list(exported(store, admin))
    text = "".join(as_csv(before))
    assert [len(row) for row in csv.reader(io.StringIO(text, newline=""))] == [8] * (len(before) + 1)
    assert apply(store, admin, from_csv(text)).changed == 0 and list(exported(store, admin)) == before


def test_names_that_begin_or_end_with_a_space_are_found(store: Store, admin: Viewer, tmp_path: Path) -> None:
    path = tmp_path / "d.duckdb"
    with duckdb.connect(str(path)) as db:
        db.execute('CREATE TABLE "t " ("c " INTEGER)')
    wh = add_integration(store, admin, "wh", "duckdb", settings={"url": f"duckdb:///{path}"}, secrets={}).id
    assert sync(store, admin, wh).status == "done"
    lines = list(exported(store, admin, columns=True))
    assert [each["qualified_name"] for each in lines][-2:] == ["d.main.t ", "d.main.t .c "]
    for text in ("".join(as_csv(lines)), "".join(as_csv({**each, "id": None} for each in lines))):
        done = apply(store, admin, from_csv(text))
        assert (done.errors, done.unchanged) == ((), len(lines))
