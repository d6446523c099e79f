"""The exports, the checklist, flags on saved text, see-as, and the end of a workspace."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from plugin.access.viewer import Viewer
from plugin.config import Config
from plugin.errors import NotFound, Refused
from plugin.governance.checklist import DONE, OPEN, checklist
from plugin.governance.dossier import as_markdown, dossier
from plugin.store import Store, open_store
from tests.assistant.shop import World

CANARY = "Bluebird-flagship-canary-7731"


def test_the_record_is_made_from_the_live_settings_and_holds_no_typed_text(
    store: Store, admin: Viewer, config: Config
) -> None:
    with store.as_admin(admin) as door:
        door.settings.apply({"ai.instructions": CANARY, "ai.region": "eu", "ai.provider": "openai"})
    found = dossier(store, admin, config)
    text = json.dumps(found)
    assert CANARY not in text and found["settings"]["ai.region"] == "eu"
    assert [each["host"] for each in found["processing_record"]["recipients"]] == ["api.openai.com"]
    assert {each["id"] for each in found["impact_assessment"]["measures"]} >= {"P1", "P54"}
    assert "api.openai.com: OpenAI" in as_markdown(found)


def test_the_checklist_checks_itself(store: Store, admin: Viewer) -> None:
    def now() -> dict[str, str]:
        with store.as_admin(admin) as door:
            ai = door.settings.ai()
        items = checklist(ai, watched=True, rules=0, own_master_key=False, admins=1, metadata_only=True)
        return {each.title: each.state for each in items}

    with store.as_admin(admin) as door:
        door.settings.apply({"ai.provider": "openai"})
    assert now()["A home region is chosen"] == OPEN
    with store.as_admin(admin) as door:
        door.settings.set("ai.region", "us")
    assert now()["A home region is chosen"] == DONE


def test_a_saved_credential_is_flagged_without_its_value(any_store: Store, any_admin: Viewer) -> None:
    secret = "AKIA" + "Q3EGZLH7" + "W2KXNPV5"
    with any_store.as_viewer(any_admin) as mine:
        mine.edits.create_term("Margin", "Revenue less cost")
        assert mine.me.notices.all() == ()
        term = mine.edits.create_term("Loader", f"signs in with {secret}")
        mine.edits.set_property(term.id, "definition", "paid by 4111 1111 1111 1111")
        assert [each.facts["kinds"] for each in mine.me.notices.all()] == ["credit card", "aws access key"]
    with any_store.as_admin(any_admin) as door:
        lines = str(door.audit.entries(action="content.flagged").items)
    assert secret not in lines and "4111" not in lines and "aws_access_key" in lines


def test_see_as_agrees_with_what_the_member_sees(world: World) -> None:
    store, ada = world.store, world.viewers["ada"]
    with store.as_admin(ada) as door:
        door.settings.set("ai.filters", [{"effect": "exclude", "schemas": ["sales"]}])
    for viewer in world.viewers.values():
        for surface, reader in (("person", viewer), ("assistant", viewer.as_assistant())):
            with store.as_viewer(reader) as mine:
                page = mine.catalog.browse(kinds=("table", "view"), limit=200)
                real = {each.id for each in page.items}
            with store.as_admin(ada) as door:
                found = door.see_as(viewer.email, surface)
            assert {each.id for each in found if each.visible} == real
            assert all(each.rule.startswith("admitted") == each.visible for each in found)
    with store.as_admin(ada) as door, pytest.raises(NotFound):
        door.see_as("nobody@example.com")


def test_see_as_looks_for_a_name_behind_the_first_ones(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    store, ada = world.store, world.viewers["ada"]
    with store.as_admin(ada) as door:
        every = door.see_as(ada.email)
        last = every[-1]
        monkeypatch.setattr("plugin.store.see_as.MOST", 1)
        assert [each.id for each in door.see_as(ada.email)] == [every[0].id] != [last.id]
        assert [each.id for each in door.see_as(ada.email, text=last.qualified_name.upper())] == [last.id]
        assert not door.see_as(ada.email, text="100%_of_nothing")


def test_see_as_is_audited(world: World) -> None:
    store, ada = world.store, world.viewers["ada"]
    with store.as_admin(ada) as door:
        door.see_as(ada.email)
        assert door.audit.entries(action="people.see_as").items


def test_nothing_of_a_deleted_workspace_is_in_any_file(config: Config, store: Store, admin: Viewer) -> None:
    with store.as_viewer(admin) as mine:
        mine.edits.create_term(CANARY, f"what {CANARY} means")
        mine.history.start(None, f"who owns {CANARY}?")
    store.close()
    assert any(CANARY.encode() in path.read_bytes() for path in config.home.glob("docent.sqlite3*"))
    docent = str(Path(sys.executable).parent / "docent")
    environment = {"DOCENT_HOME": str(config.home), "PATH": "/usr/bin:/bin"}
    words = [docent, "workspace", "delete", "acme", "--yes", "--json"]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    deleted = json.loads(done.stdout)["deleted"]
    assert deleted["workspace_keys"] == 2 and deleted["resources"] == 1 and deleted["prompts"] == 1
    for path in config.home.rglob("*"):
        if path.is_file():
            assert CANARY.encode() not in path.read_bytes(), path.name
    again = open_store(config)
    with again.sign_in() as door, pytest.raises(NotFound):
        door.viewer_for_email("acme", None)
    again.close()


def test_only_admins_see_as_and_delete(world: World) -> None:
    others = [each for each in world.viewers.values() if not each.is_admin]
    for viewer in others:
        with pytest.raises(Refused):
            world.store.delete_workspace(viewer, viewer.workspace_slug)
