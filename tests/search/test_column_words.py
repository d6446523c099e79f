"""Columns that no word of the question names: names of small words only, and what initials stand for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from plugin.access.viewer import Viewer
from plugin.catalog.context import build_context
from plugin.cli import cli
from plugin.config import Config
from plugin.store import Store
from tests.search.conftest import Fill, table
from tests.search.test_search import find, names
from web import create_app

CLINIC = [
    table("clinic", "care", "patients", "patient_id, date_of_birth, birth_place, joined_on"),
    table("clinic", "care", "appointments", "appointment_id, patient_id, no_show, starts_at"),
    table("clinic", "care", "letters", "letter_id, opt_out, used_by, sent_at"),
    table("clinic", "money", "plans", "plan_id, monthly_recurring_revenue, seats"),
    table("clinic", "money", "tariffs", "tariff_id, rate, valid_from"),
]
ASKED = {
    "dob": "date_of_birth",
    "dob of the patients": "date_of_birth",
    "no-show rate": "no_show",
    "no shows": "no_show",
    "no_show": "no_show",
    "how many patients were a no show last week": "no_show",
    "opt out": "opt_out",
    "used by": "used_by",
    "MRR": "monthly_recurring_revenue",
}
FILLER = ", ".join(f"filler_{one}{other}" for one in "abcdefgh" for other in "abcde")


@pytest.fixture
def clinic(any_store: Store, any_admin: Viewer, fill: Fill) -> Store:
    """A store with the catalog of a clinic."""
    fill(any_store, any_admin, "clinic", CLINIC)
    return any_store


@pytest.mark.parametrize("asked", ASKED)
def test_the_column_is_found(clinic: Store, any_admin: Viewer, asked: str) -> None:
    assert names(find(clinic, any_admin, asked, kinds=("column",)))[0] == ASKED[asked]


def test_what_initials_stand_for_finds_them(any_store: Store, any_admin: Viewer, fill: Fill) -> None:
    fill(any_store, any_admin, "clinic", [table("d", "s", "people", "person_id, dob, seats")])
    assert names(find(any_store, any_admin, "date of birth", kinds=("column",)))[0] == "dob"


def test_half_of_what_initials_stand_for_is_not_meant(clinic: Store, any_admin: Viewer) -> None:
    assert names(find(clinic, any_admin, "dob", kinds=("column",))) == ["date_of_birth"]
    assert names(find(clinic, any_admin, "used", kinds=("column",))) == []


def test_the_terminal_and_the_api_find_them(
    store: Store, admin: Viewer, config: Config, home: Path, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store, admin, "clinic", CLINIC)
    monkeypatch.setenv("DOCENT_HOME", str(home))
    with store.as_viewer(admin) as mine:
        headers = {"Authorization": f"Bearer {mine.me.create_token('program', ('read',), 1)[1]}"}
    client = create_app(config, store).test_client()
    for asked, name in ASKED.items():
        shown = CliRunner().invoke(cli, ["search", asked, "--kind", "column", "--json"])
        assert json.loads(shown.stdout.splitlines()[0])["name"] == name, asked
        found = client.get("/api/v1/search", query_string={"q": asked, "kind": "column"}, headers=headers)
        assert found.json["hits"][0]["resource"]["name"] == name, asked


def test_they_are_among_what_the_model_reads_of_a_wide_table(store: Store, admin: Viewer, fill: Fill) -> None:
    columns = f"{FILLER}, no_show, date_of_birth, birth_place, opt_out"
    fill(store, admin, "clinic", [table("clinic", "care", "visits", columns)])
    with store.as_viewer(admin.as_assistant()) as assistant:

        def kept(question: str) -> tuple[str, ...]:
            return build_context(assistant.catalog, question)[0].columns_kept

        assert "no_show" in kept("no-show rate of the visits")
        assert "date_of_birth" in kept("dob for all visits")
        assert "opt_out" in kept("visits with an opt out")
        assert "birth_place" not in kept("dob for all visits")


def test_a_hidden_one_is_not_found(any_store: Store, any_admin: Viewer, fill: Fill) -> None:
    """By AI filters: a column that stands apart of its table, and a table with all its columns."""

    def apart(of: str, name: str) -> dict[str, Any]:
        return {
            "entity_type": "column", "databuilder_id": f"{of}.{name}", "parent_databuilder_id": of,
            "title": name, "tags": ["secret"],
        }  # fmt: skip

    lines = [
        table("d", "s", "visits", "visit_id, starts_at"),
        apart("d.s.visits", "no_show"),
        apart("d.s.visits", "date_of_birth"),
        table("d", "s", "people", "person_id, no_show, date_of_birth", tags=["secret"]),
    ]
    fill(any_store, any_admin, "clinic", lines)
    asked = ("no show", "no-show rate of the visits", "dob", "dob of the visits")
    for text in asked:
        assert len(
            set(names(find(any_store, any_admin, text, kinds=("column",)))) & {"no_show", "date_of_birth"}
        )
    with any_store.as_admin(any_admin) as door:
        door.settings.set("ai.filters", [{"effect": "exclude", "tags": ["secret"]}])
    for text in asked:
        found = names(find(any_store, any_admin.as_assistant(), text, kinds=("column",)))
        assert not {"no_show", "date_of_birth"} & set(found), text
    assert find(any_store, any_admin.as_assistant(), "no show").hits == ()
    assert find(any_store, any_admin.as_assistant(), "dob").hits == ()
