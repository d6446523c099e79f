"""Breaking the glass: a reason, a limited time, an audit line for each reading, and a notice to the author."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from plugin.access.viewer import Viewer
from plugin.errors import BadInput, NotFound, Refused
from plugin.store import Store

REASON = "Suspected leak of the numbat file, case 12"


@pytest.fixture
def author(store: Store, admin: Viewer) -> Viewer:
    """A viewer with one chat."""
    with store.as_admin(admin) as door:
        door.people.add_member("vi@example.com", "viewer", "Vi", "a long password")
    with store.sign_in() as door:
        viewer = door.viewer_for_email(None, "vi@example.com")
    with store.as_viewer(viewer) as mine:
        mine.history.start(None, "where is the numbat file?")
    return viewer


def test_an_admin_reads_with_a_reason_and_the_author_is_told(
    store: Store, admin: Viewer, author: Viewer
) -> None:
    with store.as_admin(admin) as door:
        for reason, hours in (("", 1), ("because", 1), (REASON, 0), (REASON, 25)):
            with pytest.raises(BadInput):
                door.break_glass.open(author.member_id, reason, hours=hours)
        with pytest.raises(NotFound):
            door.break_glass.open(999, REASON)
        with pytest.raises(Refused):
            door.break_glass.open(admin.member_id, REASON)
        reading = door.break_glass.open(author.member_id, REASON, hours=2)
    with store.as_admin(admin) as door:
        [chat] = door.break_glass.chats(reading.id)
        [prompt] = door.break_glass.chat(reading.id, chat.id)
        assert prompt.text == "where is the numbat file?"
        actions = [each.action for each in door.audit.entries(action="break_glass")]
        assert actions == ["break_glass.read", "break_glass.list", "break_glass.open"]
        assert "numbat" not in repr(list(door.audit.export()))
    with store.as_viewer(author) as mine:
        [notice] = mine.me.notices.all(unseen=True)
        assert notice.kind == "break_glass" and notice.facts["admin"] == admin.email
        assert [each.reason for each in mine.me.readings()] == [REASON]
        mine.me.notices.acknowledge(notice.id)
    with store.as_viewer(author) as mine:
        assert mine.me.notices.all(unseen=True) == ()
    with store.as_viewer(admin) as mine:
        assert mine.me.notices.all() == () and mine.me.readings() == ()


def test_it_ends_by_itself_and_is_the_openers_alone(store: Store, admin: Viewer, author: Viewer) -> None:
    with store.as_admin(admin) as door:
        reading = door.break_glass.open(author.member_id, REASON)
        door.people.add_member("bo@example.com", "admin", "Bo", "a long password")
    with store.sign_in() as door:
        other = door.viewer_for_email(None, "bo@example.com")
    with store.as_admin(other) as door, pytest.raises(NotFound):
        door.break_glass.chats(reading.id)
    with store._engine.begin() as connection:
        past = (datetime.now(UTC) - timedelta(seconds=1)).replace(tzinfo=None).isoformat(" ")
        connection.execute(text("UPDATE break_glass SET until = :at"), {"at": past})
    with pytest.raises(Refused), store.as_admin(admin) as door:
        door.break_glass.chats(reading.id)
    with store.as_admin(admin) as door:
        assert door.audit.entries(outcome="deny").items[0].rule == "break_glass.time"


def test_an_admin_exports_and_erases_for_a_member_who_left(
    store: Store, admin: Viewer, author: Viewer
) -> None:
    with store.as_admin(admin) as door:
        for attempt in (door.people.export_member, door.people.erase_member):
            with pytest.raises(Refused):
                attempt(author.member_id)
        door.people.disable(author.member_id)
    with store.as_admin(admin) as door:
        assert "numbat" in repr(door.people.export_member(author.member_id))
        assert door.people.erase_member(author.member_id).what["prompts"] == 1
        assert door.people.export_member(author.member_id)["chats"] == []
