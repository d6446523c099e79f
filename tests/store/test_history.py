"""History: whose it is, what each mode stores, limits, sharing, and that deleted means gone from the raw files."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from plugin.access.viewer import Viewer
from plugin.errors import BadInput, Conflict, NotFound
from plugin.store import Store

QUESTION = "Which tables hold quokka censuses?"
ANSWER = "The wombat ledger does."


def add(store: Store, admin: Viewer, email: str, role: str = "viewer") -> Viewer:
    with store.as_admin(admin) as door:
        door.people.add_member(email, role, "", "a long password")
    with store.sign_in() as door:
        return door.viewer_for_email(admin.workspace_slug, email)


def ask(store: Store, viewer: Viewer, question: str = QUESTION, chat: int | None = None, **more: Any) -> Any:
    with store.as_viewer(viewer) as mine:
        prompt = mine.history.start(chat, question, **more)
    with store.as_viewer(viewer) as mine:
        return mine.history.finish(
            prompt.id,
            answer=ANSWER,
            status="done",
            steps=[{"n": 1, "tool": "search"}],
            citations=[{"n": 1, "id": 7, "qualified_name": "shop.census"}],
            sent=[{"ledger_seq": 1, "parts": [{"text": QUESTION}]}],
            usage={"input_tokens": 3},
            provider="builtin",
            model="builtin",
        )


def set_mode(store: Store, admin: Viewer, mode: str) -> None:
    with store.as_admin(admin) as door:
        door.settings.set("ai.history", mode)


def raw_files(store: Store, home: Path) -> bytes:
    """The database's own bytes, its write-ahead log included, or a dump of every row on PostgreSQL."""
    if store.dialect == "sqlite":
        return b"".join(
            each.read_bytes() for each in sorted(home.iterdir()) if each.name.startswith("docent.sqlite3")
        )
    with store._engine.connect() as connection:
        tables = connection.execute(
            text("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
        ).scalars()
        return b"".join(
            repr(row).encode()
            for table in tables
            for row in connection.execute(text(f"SELECT * FROM {table}"))
        )


def test_a_prompt_comes_back_to_its_author_whole(any_store: Store, any_admin: Viewer) -> None:
    done = ask(any_store, any_admin)
    with any_store.as_viewer(any_admin) as mine:
        prompt = mine.history.prompt(done.id)
        assert (prompt.text, prompt.answer, prompt.status, prompt.saved) == (QUESTION, ANSWER, "done", True)
        assert prompt.citations[0]["id"] == 7 and prompt.sent[0]["ledger_seq"] == 1
        assert prompt.usage == {"input_tokens": 3} and prompt.provider == "builtin"
        assert [chat.title for chat in mine.history.chats()] == [QUESTION]


def test_nobody_else_reads_it_not_even_an_admin(any_store: Store, any_admin: Viewer) -> None:
    author = add(any_store, any_admin, "vi@example.com")
    prompt = ask(any_store, author)
    for stranger in (any_admin, add(any_store, any_admin, "bo@example.com", "editor")):
        with any_store.as_viewer(stranger) as mine:
            assert mine.history.chats().items == () and mine.history.prompts(text="quokka").items == ()
            for attempt in (
                lambda: mine.history.prompt(prompt.id),
                lambda: mine.history.chat(prompt.chat_id),
                lambda: mine.history.start(prompt.chat_id, "and?"),
                lambda: mine.history.start(None, "and?", parent=prompt.id),
                lambda: mine.history.finish(prompt.id, answer="x", status="done"),
                lambda: mine.history.rename(prompt.chat_id, "x"),
                lambda: mine.history.pin(prompt.chat_id),
                lambda: mine.history.feedback(prompt.id, "up"),
                lambda: mine.history.delete_prompt(prompt.id),
                lambda: mine.history.delete_chat(prompt.chat_id),
                lambda: mine.history.shares.share(prompt.chat_id, "member", any_admin.member_id),
                lambda: mine.history.shares.read(prompt.chat_id),
            ):
                with pytest.raises(NotFound):
                    attempt()


def test_search_rename_pin_and_pages(any_store: Store, any_admin: Viewer) -> None:
    chats = [
        ask(any_store, any_admin, f"question number {number} about numbats").chat_id for number in range(7)
    ]
    with any_store.as_viewer(any_admin) as mine:
        mine.history.rename(chats[0], "Platypus counts")
        mine.history.pin(chats[2])
    with any_store.as_viewer(any_admin) as mine:
        assert [each.id for each in mine.history.chats("PLATYPUS")] == [chats[0]]
        assert [each.id for each in mine.history.chats("number 5")] == [chats[5]]
        assert len(mine.history.chats("wombat numbats")) == 7
        seen, cursor = [], None
        while True:
            page = mine.history.chats(cursor=cursor, limit=3)
            seen += [each.id for each in page]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert seen == [chats[2], *reversed([each for each in chats if each != chats[2]])]
        first = mine.history.prompts(limit=4)
        rest = mine.history.prompts(limit=4, cursor=first.next_cursor)
        assert [each.chat_id for each in (*first, *rest)] == list(reversed(chats))
        assert [each.chat_id for each in mine.history.prompts(pinned=True)] == [chats[2]]
        with pytest.raises(BadInput):
            mine.history.chats(cursor="'; drop")


def test_follow_ups_stay_in_their_chat(store: Store, admin: Viewer) -> None:
    first = ask(store, admin)
    second = ask(store, admin, "And the koalas?", first.chat_id, parent=first.id)
    assert second.chat_id == first.chat_id and second.parent_id == first.id
    other = ask(store, admin, "Something else")
    with store.as_viewer(admin) as mine:
        assert [each.text for each in mine.history.chat(first.chat_id)] == [QUESTION, "And the koalas?"]
        assert mine.history.chat_info(first.chat_id).prompts == 2
        with pytest.raises(BadInput):
            mine.history.start(other.chat_id, "x", parent=first.id)


@pytest.mark.parametrize("mode", ["off", "explicit"])
def test_what_is_not_kept_never_reaches_the_database(
    any_store: Store, any_admin: Viewer, home: Path, mode: str
) -> None:
    set_mode(any_store, any_admin, mode)
    first = ask(any_store, any_admin)
    assert not first.saved
    second = ask(any_store, any_admin, "And the koalas?", first.chat_id, parent=first.id)
    with any_store.as_viewer(any_admin) as mine:
        assert [each.text for each in mine.history.chat(first.chat_id)] == [QUESTION, "And the koalas?"]
        assert mine.history.prompt(second.id).answer == ANSWER
        assert mine.history.chats().items == () and mine.history.prompts().items == ()
    with any_store._engine.connect() as connection:
        for table in ("prompts", "chats"):
            assert connection.execute(text(f"SELECT count(*) FROM {table}")).scalar() == 0
    raw = raw_files(any_store, home)
    for trace in ("quokka", "wombat", "koalas"):
        assert trace.encode() not in raw
    stranger = add(any_store, any_admin, "vi@example.com")
    with any_store.as_viewer(stranger) as mine, pytest.raises(NotFound):
        mine.history.prompt(first.id)


def test_explicit_mode_stores_what_its_author_saves_and_no_more(any_store: Store, any_admin: Viewer) -> None:
    set_mode(any_store, any_admin, "explicit")
    first = ask(any_store, any_admin)
    second = ask(any_store, any_admin, "And the koalas?", first.chat_id, parent=first.id)
    with any_store.as_viewer(any_admin) as mine:
        saved = mine.history.save(second.id)
    assert saved.saved and saved.text == "And the koalas?"
    with any_store.as_viewer(any_admin) as mine:
        assert [each.text for each in mine.history.prompts()] == ["And the koalas?"]
        # The page still knows the old ids: they stand for what they became.
        assert mine.history.prompt(second.id).id == saved.id
        assert [each.text for each in mine.history.chat(first.chat_id)] == [QUESTION, "And the koalas?"]
        assert mine.history.save(first.id).chat_id == saved.chat_id
    with any_store.as_viewer(any_admin) as mine:
        assert mine.history.chat_info(saved.chat_id).prompts == 2
        assert mine.history.save(first.id).text == QUESTION


def test_nothing_can_be_saved_where_history_is_off(store: Store, admin: Viewer) -> None:
    set_mode(store, admin, "off")
    prompt = ask(store, admin)
    with store.as_viewer(admin) as mine, pytest.raises(Conflict):
        mine.history.save(prompt.id)


def test_stored_prompts_are_sealed(any_store: Store, any_admin: Viewer, home: Path) -> None:
    prompt = ask(any_store, any_admin)
    with any_store.as_viewer(any_admin) as mine:
        mine.history.rename(prompt.chat_id, "Bandicoot title")
        mine.history.memory.remember("I like echidnas")
        mine.history.templates.save("Dingo template", "Tell me about {{ animal }} in {{place}}")
    raw = raw_files(any_store, home)
    for trace in ("quokka", "wombat", "Bandicoot", "echidnas", "Dingo", "animal"):
        assert trace.encode() not in raw


def test_deleted_is_gone_from_the_raw_files(store: Store, admin: Viewer, home: Path) -> None:
    prompt = ask(store, admin)
    other = ask(store, admin, "something to keep")
    with store._engine.connect() as connection:
        row = connection.execute(
            text("SELECT uid, text, sealed FROM prompts WHERE id = :i"), {"i": prompt.id}
        ).one()
    assert row.text in raw_files(store, home)
    with store.as_viewer(admin) as mine:
        receipt = mine.history.delete_chat(prompt.chat_id)
    assert dict(receipt.what) == {"prompts": 1, "chats": 1}
    raw = raw_files(store, home)
    for trace in (row.text, row.sealed, row.uid.encode()):
        assert trace not in raw
    with store.as_viewer(admin) as mine:
        with pytest.raises(NotFound):
            mine.history.chat(prompt.chat_id)
        assert mine.history.delete_prompt(other.id).what == {"prompts": 1, "chats": 1}
        assert mine.history.chats().items == ()


def test_limits_hold_at_the_write_and_by_clock(any_store: Store, any_admin: Viewer) -> None:
    with any_store.as_admin(any_admin) as door:
        door.settings.set("history.max_prompts", 3)
        door.settings.set("history.days", 10)
        for key, value in (("history.max_prompts", 501), ("history.days", 31), ("history.days", 0)):
            with pytest.raises(BadInput):
                door.settings.set(key, value)
    chat = ask(any_store, any_admin, "number 0").chat_id
    for number in range(1, 5):
        ask(any_store, any_admin, f"number {number}", chat)
    old = ask(any_store, any_admin, "an old one")
    with any_store._engine.begin() as connection:
        connection.execute(
            text("UPDATE prompts SET at = :at WHERE id = :i"),
            {"at": (datetime.now(UTC) - timedelta(days=11)).replace(tzinfo=None).isoformat(" "), "i": old.id},
        )
    with any_store.as_viewer(any_admin) as mine:
        assert [each.text for each in mine.history.chat(chat)] == ["number 2", "number 3", "number 4"]
        assert len(mine.history.prompts()) == 4
    with any_store.clock() as clock:
        assert clock.expire(datetime.now(UTC))["prompts"] == 1
    with any_store.as_viewer(any_admin) as mine:
        assert len(mine.history.prompts()) == 3 and len(mine.history.chats()) == 1


def test_a_prompt_whose_process_died_is_stopped_by_clock(store: Store, admin: Viewer) -> None:
    with store.as_viewer(admin) as mine:
        prompt = mine.history.start(None, "hello?")
    with store.clock() as clock:
        assert clock.expire(datetime.now(UTC) + timedelta(hours=2))["stopped"] == 1
    with store.as_viewer(admin) as mine:
        assert mine.history.prompt(prompt.id).status == "stopped"


def test_sharing_is_explicit_revocable_and_withholds_what_the_reader_may_not_see(
    any_store: Store, any_admin: Viewer
) -> None:
    reader = add(any_store, any_admin, "vi@example.com")
    citing = ask(any_store, any_admin)  # cites a resource that the reader cannot see
    with any_store.as_viewer(any_admin) as mine:
        plain = mine.history.start(citing.chat_id, "And without sources?")
        mine.history.finish(plain.id, answer="Nothing to cite.", status="done", sent=[{"text": "secret"}])
        mine.history.shares.share(citing.chat_id, "member", reader.member_id)
        mine.history.shares.share(citing.chat_id, "member", reader.member_id)
        assert [each.name for each in mine.history.shares.of(citing.chat_id)] == ["vi@example.com"]
    with any_store.as_viewer(reader) as mine:
        assert [each.id for each in mine.history.shares.with_me()] == [citing.chat_id]
        first, second = mine.history.shares.read(citing.chat_id)
        assert ANSWER not in repr(first) and "shop.census" not in repr(first)
        assert second.answer == "Nothing to cite." and second.sent == ()
        with pytest.raises(NotFound):
            mine.history.chat(citing.chat_id)
    with any_store.as_viewer(any_admin) as mine:
        mine.history.shares.unshare(citing.chat_id, "member", reader.member_id)
    with any_store.as_viewer(reader) as mine:
        assert mine.history.shares.with_me() == ()
        with pytest.raises(NotFound):
            mine.history.shares.read(citing.chat_id)


def test_a_team_share_ends_with_the_membership(store: Store, admin: Viewer) -> None:
    reader = add(store, admin, "vi@example.com")
    prompt = ask(store, admin)
    with store.as_admin(admin) as door:
        team = door.people.add_team("Rangers", private=True)
        for member in (admin, reader):
            door.people.add_to_team(team.id, member_id=member.member_id)
    with store.as_viewer(admin) as mine:
        mine.history.shares.share(prompt.chat_id, "team", team.id)
    with store.as_viewer(reader) as mine:
        assert len(mine.history.shares.with_me()) == 1
    with store.as_admin(admin) as door:
        door.people.remove_from_team(team.id, member_id=reader.member_id)
    with store.as_viewer(reader) as mine:
        assert mine.history.shares.with_me() == ()


def test_export_and_erase_cover_everything_of_a_person(any_store: Store, any_admin: Viewer) -> None:
    import json

    ask(any_store, any_admin)
    with any_store.as_viewer(any_admin) as mine:
        mine.history.memory.remember("I like echidnas")
        mine.history.templates.save("T", "about {{animal}}", parameters={"temperature": 0})
        exported = json.dumps(mine.history.export(), default=str)
    for trace in (QUESTION, ANSWER, "echidnas", "{{animal}}"):
        assert trace in exported
    with any_store.as_viewer(any_admin) as mine:
        receipt = mine.history.erase()
        assert receipt.what == {"shares": 0, "prompts": 1, "chats": 1, "templates": 1, "preferences": 1}
    with any_store.as_viewer(any_admin) as mine:
        left = mine.history.export()
        records = left.pop("records")  # the account and what the law of the logs keeps; no word of a prompt
        assert left == {"chats": [], "templates": [], "preferences": []}
        assert not any(trace in repr(records) for trace in (QUESTION, ANSWER, "echidnas", "{{animal}}"))


def test_removing_a_member_removes_their_history(store: Store, admin: Viewer, home: Path) -> None:
    author = add(store, admin, "leaver@example.com")
    ask(store, author)
    with store._engine.connect() as connection:
        sealed = connection.execute(text("SELECT text FROM prompts")).scalar()
    with store.as_admin(admin) as door:
        door.people.remove(author.member_id)
    with store._engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM prompts")).scalar() == 0
    assert sealed not in raw_files(store, home)


def test_templates_and_preferences_are_their_authors_alone(store: Store, admin: Viewer) -> None:
    other = add(store, admin, "vi@example.com")
    with store.as_viewer(admin) as mine:
        template = mine.history.templates.save("T", "text {{a}} {{ b }} {{a}}")
        memory = mine.history.memory.remember("x")
        assert template.variables == ("a", "b")
        changed = mine.history.templates.save("T2", "none", template_id=template.id)
        assert (changed.id, changed.variables) == (template.id, ())
    with store.as_viewer(other) as mine:
        assert mine.history.templates.all() == () and mine.history.memory.all() == ()
        for attempt in (
            lambda: mine.history.templates.get(template.id),
            lambda: mine.history.templates.delete(template.id),
            lambda: mine.history.templates.save("x", "y", template_id=template.id),
            lambda: mine.history.memory.forget(memory.id),
        ):
            with pytest.raises(NotFound):
                attempt()


def test_ids_tell_nothing_of_what_others_do(any_store: Store, any_admin: Viewer) -> None:
    """Whoever makes two things may not tell from their ids how many others were made in between; order is by time."""
    person = add(any_store, any_admin, "eve@example.com")
    made: dict[str, list[int]] = {}
    with any_store.as_viewer(person) as mine:
        for number in range(6):
            prompt = mine.history.start(None, f"question {number}")
            made.setdefault("chat", []).append(prompt.chat_id)
            made.setdefault("prompt", []).append(prompt.id)
            made.setdefault("template", []).append(mine.history.templates.save(f"t{number}", "x").id)
            made.setdefault("memory", []).append(mine.history.memory.remember(f"prefer {number}").id)
            made.setdefault("token", []).append(mine.me.create_token(f"k{number}", ["read"], 3)[0].id)
    with any_store.as_admin(any_admin) as door:
        made["team"] = [door.people.add_team(f"Team {number}").id for number in range(6)]
    for kind, ids in made.items():
        assert max(ids) - min(ids) > 10_000, f"{kind} counts up: {ids}"
    with any_store.as_viewer(person) as mine:
        shown = [each.text for each in mine.history.prompts(limit=4).items]
        rest = mine.history.prompts(limit=4, cursor=mine.history.prompts(limit=4).next_cursor)
        assert [*shown, *(each.text for each in rest.items)] == [f"question {n}" for n in (5, 4, 3, 2, 1, 0)]
        assert [each.text for each in mine.history.memory.all()] == [f"prefer {n}" for n in range(6)]
        assert [each.name for each in mine.me.tokens()] == [f"k{n}" for n in (5, 4, 3, 2, 1, 0)]
