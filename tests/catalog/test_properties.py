"""Properties out into a file and in again: the same comes back, bad lines are named, nobody does more than by hand."""

from __future__ import annotations

import csv
import io
import json
import os
import sqlite3
import threading
import unicodedata
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from plugin.access.viewer import Viewer
from plugin.catalog.properties import apply, apply_path, as_csv, as_jsonl, exported
from plugin.catalog.property_lines import from_csv, from_jsonl
from plugin.catalog.sync import add_integration, sync
from plugin.catalog.sync.imports import import_path
from plugin.cli import cli
from plugin.errors import BadInput
from plugin.store import Store
from tests.asynchronous import ends


@pytest.fixture
def shop(store: Store, admin: Viewer, tmp_path: Path) -> int:
    path = tmp_path / "shop.sqlite3"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE orders (id INTEGER, total NUMERIC)")
        db.execute("CREATE TABLE refunds (id INTEGER)")
    made = add_integration(store, admin, "shop", "sqlite", settings={"url": f"sqlite:///{path}"}, secrets={})
    assert sync(store, admin, made.id).status == "done"
    return made.id


def line(store: Store, viewer: Viewer, name: str) -> dict[str, object]:
    return next(each for each in exported(store, viewer, columns=True) if each["qualified_name"] == name)


texts = st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=60).map(str.strip)
tags = st.lists(st.from_regex(r"[a-z][a-z0-9_]{0,12}", fullmatch=True), max_size=3, unique=True)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@example(description="\xad", said=[], verified=False, as_csv_file=False, owned=False)
@given(description=texts, said=tags, verified=st.booleans(), as_csv_file=st.booleans(), owned=st.booleans())
def test_what_goes_out_comes_in_again(
    store: Store,
    admin: Viewer,
    shop: int,
    description: str,
    said: list[str],
    verified: bool,
    as_csv_file: bool,
    owned: bool,
) -> None:
    wanted = {
        "qualified_name": "main.orders",
        "integration": "shop",
        "kind": "table",
        "description": description,
        "tags": said,
        "verified": verified,
        "owners": [admin.email] if owned else [],
    }
    text = "".join(as_csv([wanted]) if as_csv_file else as_jsonl([wanted]))
    done = apply(store, admin, from_csv(text) if as_csv_file else from_jsonl(text))
    assert not done.errors
    now = line(store, admin, "main.orders")
    now.pop("id")
    # What cannot be seen (a soft hyphen, a direction mark) does not go into a text that people and models read.
    seen = "".join(
        char for char in description if unicodedata.category(char) not in ("Cf", "Zl", "Zp")
    ).strip()
    assert now == {**wanted, "description": seen or None, "tags": sorted(said)}
    everything = list(exported(store, admin, columns=True))
    for again in (from_csv("".join(as_csv(everything))), from_jsonl("".join(as_jsonl(everything)))):
        same = apply(store, admin, again)
        assert (same.changed, same.errors, same.lines) == (0, (), len(everything))


def test_bad_lines_are_named_and_the_rest_is_done(store: Store, admin: Viewer, shop: int) -> None:
    text = "\n".join(
        [
            json.dumps({"qualified_name": "main.orders", "description": "good"}),
            "not json",
            json.dumps({"qualified_name": "main.nothing", "tags": ["x"]}),
            json.dumps(
                {"qualified_name": "main.refunds", "tags": "x", "description": "half", "owners": ["nobody"]}
            ),
            json.dumps({"qualified_name": "orders", "description": "a suffix is not a name"}),
            json.dumps(["main.orders"]),
        ]
    )
    strict = apply(store, admin, from_jsonl(text), strict=True)
    assert (strict.changed, [each.line for each in strict.errors]) == (0, [2, 3, 4, 5, 6])
    assert line(store, admin, "main.orders")["description"] is None
    done = apply(store, admin, from_jsonl(text))
    assert (done.changed, [each.line for each in done.errors]) == (1, [2, 3, 4, 5, 6])
    assert line(store, admin, "main.orders")["description"] == "good"
    # A line is changed whole or not at all.
    assert line(store, admin, "main.refunds")["description"] is None
    assert "owner" in done.errors[2].reason


def test_what_comes_through_a_pipe_is_read_as_a_file_is(
    store: Store, admin: Viewer, shop: int, tmp_path: Path
) -> None:
    pipe = tmp_path / "pipe.jsonl"
    os.mkfifo(pipe)

    def through(said: dict[str, object]) -> threading.Thread:
        writer = threading.Thread(target=pipe.write_text, args=(json.dumps(said),), daemon=True)
        writer.start()
        return writer

    writer = through({"qualified_name": "main.orders", "description": "piped"})
    assert apply_path(store, admin, str(pipe)).changed == 1 and ends(writer)
    assert line(store, admin, "main.orders")["description"] == "piped"
    writer = through({"entity_type": "table", "databuilder_id": "t", "title": "clicks", "schema": "raw"})
    done = import_path(store, admin, str(pipe), integration="lake")
    assert (done.imported, done.errors) == (1, ()) and ends(writer)
    with pytest.raises(BadInput, match="cannot read nowhere.jsonl: No such file"):
        apply_path(store, admin, str(tmp_path / "nowhere.jsonl"))


def test_a_field_that_is_not_told_stays(store: Store, admin: Viewer, shop: int) -> None:
    first = {"qualified_name": "main.orders", "description": "kept", "tags": ["core"], "verified": True}
    apply(store, admin, [(1, first)])
    apply(store, admin, from_csv("qualified_name,tags\nmain.orders,\n"))
    now = line(store, admin, "main.orders")
    assert (now["description"], now["tags"], now["verified"]) == ("kept", [], True)


def test_a_viewer_changes_nothing_and_sees_what_they_may(store: Store, admin: Viewer, shop: int) -> None:
    from plugin.access.viewer import Surface

    with store.as_admin(admin) as door:
        door.people.add_member("vic@example.com", "viewer", name="Vic", password="a long enough one")
    with store.sign_in() as sign_in:
        vic = sign_in.viewer_for_email(admin.workspace_slug, "vic@example.com", Surface.CLI)
    assert not [each for each in exported(store, vic) if each["integration"] == "shop"]
    done = apply(store, vic, [(1, {"qualified_name": "main.orders", "description": "mine"})])
    assert done.changed == 0 and done.errors[0].line == 1
    assert line(store, admin, "main.orders")["description"] is None


def test_a_formula_is_text_to_a_spreadsheet(store: Store, admin: Viewer, shop: int) -> None:
    apply(store, admin, [(1, {"qualified_name": "main.orders", "description": "=HYPERLINK(1)"})])
    text = "".join(as_csv(exported(store, admin)))
    cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
    assert "'=HYPERLINK(1)" in cells and "=HYPERLINK(1)" not in cells
    assert apply(store, admin, from_csv(text)).changed == 0


def test_by_the_command_line(
    store: Store, admin: Viewer, shop: int, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCENT_HOME", str(home))
    out = CliRunner().invoke(cli, ["properties", "export", "--format", "csv", "--integration", "shop"])
    assert out.exit_code == 0
    file = tmp_path / "properties.csv"
    file.write_text(
        out.stdout.replace("main.orders,shop,table,,", "main.orders,shop,table,What was ordered,")
    )
    done = CliRunner().invoke(cli, ["properties", "import", str(file), "--json"])
    assert done.exit_code == 0 and json.loads(done.stdout)["changed"] == 1
    assert line(store, admin, "main.orders")["description"] == "What was ordered"


def test_a_text_that_runs_over_its_cell_is_not_cut_in_silence(store: Store, admin: Viewer, shop: int) -> None:
    done = apply(store, admin, from_csv("qualified_name,description\nmain.orders,Orders, all of them\n"))
    assert (done.changed, [each.line for each in done.errors]) == (0, [2])
    assert line(store, admin, "main.orders")["description"] is None


def test_a_spreadsheets_semicolons_and_capitals_are_read(store: Store, admin: Viewer, shop: int) -> None:
    text = 'Qualified_Name;Description;Tags;Notes\r\nmain.orders;"All; ""of"" them";"a; b";mine\r\n;;;\r\n'
    assert apply(store, admin, from_csv(text)).changed == 1
    now = line(store, admin, "main.orders")
    assert (now["description"], now["tags"]) == ('All; "of" them', ["a", "b"])


def test_a_file_that_could_change_nothing_is_said_to_be_one(store: Store, admin: Viewer, shop: int) -> None:
    for text in ("", "qualified_name,desc\nmain.orders,x\n", "name,description\norders,x\n"):
        assert [each.line for each in apply(store, admin, from_csv(text)).errors] == [1], text
    assert apply(store, admin, [(1, {"qualified_name": "main.orders", "desc": "x"})]).errors
    assert not apply(store, admin, from_csv("qualified_name,verified\nmain.orders,\n")).errors
