"""What is gone at its source and kept: told as a change, and flagged wherever an answer rests on it."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from plugin.access.viewer import Viewer
from plugin.assistant import Question, ask
from plugin.catalog.context import build_context
from plugin.catalog.sync import add_integration, sync
from plugin.cli import cli
from plugin.config import Config
from plugin.egress.gateway import Gateway
from plugin.store import Store
from plugin.tools.fragments import entry_fragment

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def change(path: Path, *statements: str) -> None:
    with sqlite3.connect(path) as db:
        for statement in statements:
            db.execute(statement)
    db.close()


@pytest.fixture
def kept(store: Store, admin: Viewer, tmp_path: Path) -> tuple[Path, int]:
    """A source that keeps what vanishes; `carriers` has vanished, `parcels` is there."""
    path = tmp_path / "post.sqlite3"
    change(path, "CREATE TABLE carriers (id INTEGER, name TEXT)", "CREATE TABLE parcels (id INTEGER)")
    added = add_integration(
        store, admin, "post", "sqlite", settings={"url": f"sqlite:///{path}"}, secrets={},
        options={"keep_stale": True, "shrink_stop": False},
    )  # fmt: skip
    assert sync(store, admin, added.id).status == "done"
    change(path, "DROP TABLE carriers")
    assert sync(store, admin, added.id).status == "done"
    return path, added.id


def told(store: Store, admin: Viewer) -> list[tuple[str, str]]:
    with store.as_viewer(admin) as mine:
        return sorted((each.change, each.qualified_name) for each in mine.catalog.drift(LONG_AGO))


def test_what_is_kept_is_told_as_removed_once_and_as_added_when_it_comes_back(
    store: Store, admin: Viewer, kept: tuple[Path, int]
) -> None:
    path, integration = kept
    assert told(store, admin) == [("removed", "main.carriers")]
    sync(store, admin, integration)
    assert told(store, admin) == [("removed", "main.carriers")]
    change(path, "CREATE TABLE carriers (id INTEGER, name TEXT)")
    sync(store, admin, integration)
    assert told(store, admin) == [("added", "main.carriers"), ("removed", "main.carriers")]


def test_the_context_for_a_model_says_which_table_is_gone(
    store: Store, admin: Viewer, kept: tuple[Path, int]
) -> None:
    with store.as_viewer(admin.as_assistant()) as mine:
        entries = build_context(mine.catalog, "carriers of parcels")
    fields = {each.resource.name: entry_fragment(each).fields for each in entries}
    assert "gone from its source since" in str(fields["carriers"]["freshness"])
    assert "freshness" not in fields["parcels"]


def test_the_search_in_a_terminal_marks_what_is_gone(
    kept: tuple[Path, int], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCENT_HOME", str(home))
    found = {
        name: CliRunner().invoke(cli, ["search", name], catch_exceptions=False).stdout
        for name in ("carriers", "parcels")
    }
    assert f"main.carriers  [gone at the source since {datetime.now(UTC):%Y-%m-%d}]" in found["carriers"]
    assert "main.parcels" in found["parcels"] and "gone" not in found["parcels"]


@pytest.mark.parametrize(
    "question",
    ["who owns carriers?", "columns of carriers", "how many carriers by name", "what is carriers?"],
)
def test_every_answer_about_it_says_so_once(
    store: Store, config: Config, admin: Viewer, kept: tuple[Path, int], question: str
) -> None:
    done = [*ask(store, Gateway(store, config), admin, Question(question))][-1].data
    assert "main.carriers" in [each["qualified_name"] for each in done["citations"]]
    assert done["answer"].count("may be out of date") + done["answer"].count("Stale: ") == 1
    done = [*ask(store, Gateway(store, config), admin, Question("what is parcels?"))][-1].data
    assert "out of date" not in done["answer"]
