"""Monitoring of content: off by default, told to everybody, in a store of its own that is gone when it is turned off."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.access.viewer import Viewer
from plugin.errors import BadInput
from plugin.store import Store
from plugin.store.monitoring import made_from
from tests.assistant.shop import World
from tests.raw import raw
from tests.store.test_history import ANSWER, QUESTION, add, ask, set_mode


def monitor(store: Store, admin: Viewer, on: bool = True) -> None:
    with store.as_admin(admin) as door:
        door.settings.set("monitoring.content", on)


def read(store: Store, admin: Viewer) -> list[tuple[str, str]]:
    with store.as_admin(admin) as door:
        return [(each.member, each.text) for each in door.monitoring.read().items]


def sealed(store: Store, admin: Viewer, home: Path) -> list[bytes]:
    """The ciphertexts in the monitoring store, as they lie in it."""
    from plugin.store import monitoring

    with store._context(admin.workspace_id) as context, monitoring._opened(context) as (connection, kept):
        assert connection is not None
        return [bytes(row.sealed) for row in connection.execute(kept.select())]


@pytest.mark.parametrize("mode", ["always", "explicit", "off"])
def test_it_is_off_until_turned_on_and_gone_when_turned_off(
    any_store: Store, any_admin: Viewer, home: Path, mode: str
) -> None:
    author = add(any_store, any_admin, "vi@example.com")
    set_mode(any_store, any_admin, mode)
    ask(any_store, author, "before it was on")
    monitor(any_store, any_admin)
    for viewer in (author, any_admin):
        with any_store.as_viewer(viewer) as mine:
            (notice,) = mine.me.notices.all()
            assert notice.kind == "monitoring" and "admins can read" in notice.facts["words"]
    ask(any_store, author)
    assert read(any_store, any_admin) == [("vi@example.com", QUESTION)]
    bytes_ = raw(any_store, home)
    assert QUESTION.encode() not in bytes_ and ANSWER.encode() not in bytes_, "sealed at rest"
    (ciphertext,) = sealed(any_store, any_admin, home)
    assert ciphertext in bytes_
    monitor(any_store, any_admin, False)
    bytes_ = raw(any_store, home)
    assert ciphertext not in bytes_ and not list(home.glob("monitoring*"))
    ask(any_store, author, "after it was off")
    assert read(any_store, any_admin) == []
    with any_store.as_viewer(author) as mine:
        assert "off again" in mine.me.notices.all()[0].facts["words"]
    with any_store.as_admin(any_admin) as door:
        actions = [each.action for each in door.audit.entries(action="monitoring")]
        assert actions.count("monitoring.purge") == 1 and "monitoring.read" in actions
        whole = json.dumps(list(door.audit.export())) + json.dumps(list(door.ledger.export()))
        assert QUESTION not in whole and ANSWER not in whole
        assert QUESTION not in repr((door.usage.by_day(), door.usage.by_member(), door.usage.by_model()))


def test_only_admins_read_it_and_only_their_workspaces(
    any_store: Store, any_admin: Viewer, new_workspace: object
) -> None:
    other = new_workspace(any_store, "Other", "olga@example.com")  # type: ignore[operator]
    for admin in (any_admin, other):
        monitor(any_store, admin)
        ask(any_store, admin, f"asked in {admin.workspace_slug}")
    assert read(any_store, any_admin) == [(any_admin.email, "asked in acme")]
    assert read(any_store, other) == [(other.email, "asked in other")]
    monitor(any_store, other, False)
    assert read(any_store, any_admin) == [(any_admin.email, "asked in acme")]
    with any_store.as_admin(any_admin) as door, pytest.raises(BadInput):
        door.monitoring.read(cursor="x")


def test_a_template_an_integration_and_a_member_take_their_part_along(world: World) -> None:
    store, ada = world.store, world.viewers["ada"]
    monitor(store, ada)
    with store.as_viewer(ada) as mine:
        template = mine.history.templates.save("T", "What does {{ table }} hold?")
        table = mine.catalog.browse(kinds=("table",), limit=1).items[0]
    asked = [(ada, "What does sales.orders hold?"), (ada, "Something else"), (ada, "Cites a table")]
    leaver = add(store, ada, "leaver@example.com")
    for viewer, question in (*asked, (leaver, "Mine")):
        cites = [{"id": table.id}] if question.startswith("Cites") else []
        with store.as_viewer(viewer) as mine:
            prompt = mine.history.start(None, question)
            mine.history.finish(prompt.id, answer="x", status="done", citations=cites)
    with store.as_viewer(ada) as mine:
        assert mine.history.templates.delete(template.id).what == {"templates": 1, "monitored": 1}
    assert {text for _, text in read(store, ada)} == {"Something else", "Cites a table", "Mine"}
    with store.as_admin(ada) as door:
        receipt = door.integrations.remove(door.integrations.by_name(table.integration).id)
        assert receipt.what["monitored"] == 1 and receipt.what["resources"] > 1
    assert {text for _, text in read(store, ada)} == {"Something else", "Mine"}
    with store.as_admin(ada) as door:
        gone = door.people.remove(leaver.member_id).what
        assert gone["monitored"] == gone["prompts"] == gone["members"] == gone["accounts"] == 1
    assert {text for _, text in read(store, ada)} == {"Something else"}
    with store.as_viewer(ada) as mine:
        assert [each["text"] for each in mine.history.export()["monitored"]] == ["Something else"]


def test_the_clock_the_keys_and_the_end_of_a_workspace(
    any_store: Store, any_admin: Viewer, home: Path
) -> None:
    monitor(any_store, any_admin)
    ask(any_store, any_admin)
    any_store.rotate_workspace_key(any_admin)
    with any_store.clock() as clock:
        assert clock.expire(datetime.now(UTC) + timedelta(minutes=11))["monitored"] == 0
    assert read(any_store, any_admin) == [(any_admin.email, QUESTION)], "it opens with the new key alone"
    with any_store.clock() as clock:
        assert clock.expire(datetime.now(UTC) + timedelta(days=31))["monitored"] == 1
    ask(any_store, any_admin)
    assert any_store.delete_workspace(any_admin, "acme").what["monitored"] == 1
    assert not list(home.glob("monitoring*"))


@given(st.lists(st.text("abc .?", max_size=8), min_size=1, max_size=4), st.text("abcxyz ", max_size=8))
def test_a_filled_template_is_recognised(pieces: list[str], value: str) -> None:
    template, filled = "{{v}}".join(pieces), value.join(pieces)
    if any(" ".join(each.split()) for each in pieces) and template.strip():
        assert made_from(template, filled) or " ".join(filled.split()) != filled


def test_another_text_is_not() -> None:
    assert made_from("What does {{ table }} hold?", "What does  sales.orders hold?")
    assert not made_from("What does {{ table }} hold?", "What does sales.orders hold")
    assert not made_from("{{ a }}", "anything") and not made_from("ab{{x}}ba", "aba")


def test_who_joins_while_it_is_on_is_told_too(any_store: Store, any_admin: Viewer) -> None:
    with any_store.as_admin(any_admin) as door:
        door.settings.set("monitoring.content", True)
        added = door.people.add_member("late@example.com", "viewer", "Late", "correct horse battery")
        _, secret = door.people.invite("invited@example.com", "viewer")
    with any_store.sign_in() as door:
        door.accept_invitation(secret, "Ivy", "correct horse battery")
    for email in (added.email, "invited@example.com"):
        with any_store.sign_in() as door:
            person = door.viewer_for_email(None, email)
        with any_store.as_viewer(person) as mine:
            assert [each.kind for each in mine.me.notices.all()] == ["monitoring"]
    with any_store.as_viewer(any_admin) as mine:
        assert mine.evidence.found().untold == 0
