"""Deleted means gone: rows, search index, write-ahead log, keys; and what was never saved was never on a disk."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from plugin.access.viewer import Viewer
from plugin.assistant import Question
from plugin.assistant import ask as ask_assistant
from plugin.catalog.sync.imports import import_path
from plugin.egress.gateway import Gateway
from plugin.errors import NotFound
from plugin.store import Store
from tests.raw import raw
from tests.store.test_history import add, ask, set_mode

WORD = "Zebrafinchcensus"
SECRET = "Numbatledger"


def ciphertexts(store: Store, table: str, *columns: str) -> list[bytes]:
    with store._engine.connect() as connection:
        rows = connection.execute(text(f"SELECT {', '.join(columns)} FROM {table}")).all()
    return [bytes(each) for row in rows for each in row if each is not None]


def prompt(store: Store, admin: Viewer) -> dict[str, int]:
    made = ask(store, admin, f"about {SECRET}")
    with store.as_viewer(admin) as mine:
        return dict(mine.history.delete_prompt(made.id).what)


def chat(store: Store, admin: Viewer) -> dict[str, int]:
    made = ask(store, admin, f"about {SECRET}")
    with store.as_viewer(admin) as mine:
        mine.history.rename(made.chat_id, f"{SECRET} title")
    with store.as_viewer(admin) as mine:
        return dict(mine.history.delete_chat(made.chat_id).what)


def template(store: Store, admin: Viewer) -> dict[str, int]:
    with store.as_viewer(admin) as mine:
        made = mine.history.templates.save(SECRET, f"{SECRET} {{{{x}}}}")
    with store.as_viewer(admin) as mine:
        return dict(mine.history.templates.delete(made.id).what)


def memory(store: Store, admin: Viewer) -> dict[str, int]:
    with store.as_viewer(admin) as mine:
        made = mine.history.memory.remember(f"prefer {SECRET}")
    with store.as_viewer(admin) as mine:
        return dict(mine.history.memory.forget(made.id).what)


DELETED: dict[Callable[[Store, Viewer], dict[str, int]], tuple[str, tuple[str, ...], dict[str, int]]] = {
    prompt: ("prompts", ("text", "sealed"), {"prompts": 1, "chats": 1}),
    chat: ("chats", ("title",), {"prompts": 1, "chats": 1}),
    template: ("templates", ("sealed",), {"templates": 1, "monitored": 0}),
    memory: ("memories", ("sealed",), {"preferences": 1}),
}


@pytest.mark.parametrize("delete", list(DELETED), ids=lambda each: each.__name__)
def test_what_a_person_deletes_is_gone_with_a_receipt(
    any_store: Store, any_admin: Viewer, home: Path, monkeypatch: pytest.MonkeyPatch,
    delete: Callable[[Store, Viewer], dict[str, int]],
) -> None:  # fmt: skip
    table, columns, receipt = DELETED[delete]
    held: list[bytes] = []
    from plugin.store.history import History
    from plugin.store.kept import Memories, Templates

    for owner, name in (
        (History, "delete_prompt"),
        (History, "delete_chat"),
        (Templates, "delete"),
        (Memories, "forget"),
    ):
        inner = getattr(owner, name)

        def look_first(self: Any, number: int, inner: Any = inner) -> Any:
            held.extend(ciphertexts(any_store, table, *columns))
            return inner(self, number)

        monkeypatch.setattr(owner, name, look_first)
    assert delete(any_store, any_admin) == receipt
    assert held, "the test looked before"
    bytes_ = raw(any_store, home)
    assert SECRET.encode() not in bytes_
    assert not [each for each in held if each in bytes_]


def catalog(store: Store, admin: Viewer, tmp_path: Path) -> int:
    path = tmp_path / "c.jsonl"
    path.write_text(
        '{"entity_type": "table", "databuilder_id": "t", "schema": "s", "database": "d", '
        f'"title": "{WORD}", "description": "{WORD} of the reserve", "tags": ["{WORD}tag"], '
        f'"columns": [{{"name": "{WORD}_id", "type": "int", "description": "counts {WORD}"}}]}}\n'
    )
    import_path(store, admin, str(path), integration="reserve")
    path.unlink()
    with store.as_admin(admin) as door:
        return int(door.integrations.by_name("reserve").id)


def test_an_integration_is_gone_from_tables_and_search_index(
    any_store: Store, any_admin: Viewer, home: Path, tmp_path: Path
) -> None:
    number = catalog(any_store, any_admin, tmp_path)
    with any_store.as_viewer(any_admin) as mine:
        assert mine.catalog.search(WORD).hits
    assert WORD.lower().encode() in raw(any_store, home).lower()
    with any_store.as_admin(any_admin) as door:
        receipt = door.integrations.remove(number).what
    assert receipt["integrations"] == 1 and receipt["resources"] >= 2
    with any_store.as_viewer(any_admin) as mine:
        assert not mine.catalog.search(WORD).hits
    assert WORD.lower().encode() not in raw(any_store, home).lower()


def test_a_term_is_gone_from_tables_and_search_index(any_store: Store, any_admin: Viewer, home: Path) -> None:
    with any_store.as_viewer(any_admin) as mine:
        term = mine.edits.create_term(WORD, f"what {WORD} means")
        mine.edits.set_property(term.id, "definition", f"what {WORD} really means")
    assert WORD.encode() in raw(any_store, home)
    with any_store.as_viewer(any_admin) as mine:
        mine.edits.delete(term.id)
    assert WORD.lower().encode() not in raw(any_store, home).lower()


def test_a_member_is_gone_with_account_and_password(
    any_store: Store, any_admin: Viewer, home: Path, new_workspace: Any
) -> None:
    leaver = add(any_store, any_admin, "leaver@example.com")
    with any_store.as_viewer(leaver) as mine:
        mine.me.rename(WORD)
        mine.history.memory.remember(SECRET)
    ask(any_store, leaver)
    hashes = ciphertexts_text(
        any_store, "SELECT password_hash FROM accounts WHERE email = 'leaver@example.com'"
    )
    with any_store.as_admin(any_admin) as door:
        receipt = door.people.remove(leaver.member_id).what
    assert {
        name: receipt[name] for name in ("prompts", "chats", "preferences", "members", "accounts")
    } == dict.fromkeys(("prompts", "chats", "preferences", "members", "accounts"), 1)
    bytes_ = raw(any_store, home)
    for trace in (WORD, "leaver@example.com", *hashes):
        # Chains name who acted; this one acted only on their own things.
        assert trace.encode() not in bytes_, trace
    stays = add(any_store, any_admin, "both@example.com")
    other = new_workspace(any_store, "Other", "olga@example.com")
    with any_store.as_admin(other) as door:
        door.people.add_member("both@example.com", "viewer")
    with any_store.as_admin(any_admin) as door:
        assert door.people.remove(stays.member_id).what["accounts"] == 0
    with any_store.sign_in() as door:
        assert door.viewer_for_email("other", "both@example.com")
        with pytest.raises(NotFound):
            door.viewer_for_email("acme", "both@example.com")


def ciphertexts_text(store: Store, query: str) -> list[str]:
    with store._engine.connect() as connection:
        return [str(each) for each in connection.execute(text(query)).scalars()]


def test_a_workspace_is_gone_with_its_keys(
    any_store: Store, any_admin: Viewer, home: Path, tmp_path: Path, new_workspace: Any
) -> None:
    other = new_workspace(any_store, "Other", "olga@example.com")
    kept_prompt = ask(any_store, other, "to keep")
    catalog(any_store, any_admin, tmp_path)
    ask(any_store, any_admin, SECRET)
    with any_store.as_admin(any_admin) as door:
        door.settings.set_provider_key("openai", "k" * 20)
        door.settings.apply({"ai.instructions": WORD, "monitoring.content": True})
    ask(any_store, any_admin, SECRET)
    ours = f"WHERE workspace_id = {any_admin.workspace_id}"
    sealed = ciphertexts(any_store, f"prompts {ours}", "text")
    sealed += ciphertexts(any_store, "provider_keys", "sealed")
    keys = ciphertexts(any_store, f"workspace_keys {ours}", "wrapped")
    assert len(sealed) == 3 and len(keys) == 2
    receipt = any_store.delete_workspace(any_admin, "acme").what
    assert receipt["workspace_keys"] == 2 == receipt["prompts"] and receipt["monitored"] == 1
    bytes_ = raw(any_store, home)
    assert not [each for each in (*sealed, *keys) if each in bytes_]
    assert WORD.lower().encode() not in bytes_.lower() and b"ada@example.com" not in bytes_
    with any_store.as_viewer(other) as mine:
        assert mine.history.prompt(kept_prompt.id).text == "to keep"
    with any_store.as_admin(other) as door:
        assert door.audit.verify()[0]


@pytest.mark.parametrize("mode", ["off", "explicit"])
def test_what_is_not_saved_was_never_on_a_disk(
    any_store: Store, any_admin: Viewer, home: Path, mode: str
) -> None:
    set_mode(any_store, any_admin, mode)
    with any_store.as_admin(any_admin) as door:
        door.settings.set("ai.provider", "builtin")
    events = list(
        ask_assistant(
            any_store, Gateway(any_store, any_store.config), any_admin, Question(text=f"Who owns {SECRET}?")
        )
    )
    done = next(each for each in events if each.name == "done")
    assert SECRET.encode() not in raw(any_store, home)
    with any_store.as_viewer(any_admin) as mine:
        number = done.data["prompt_id"]
        assert SECRET in mine.history.prompt(number).text
        if mode == "explicit":
            assert mine.history.save(number).saved
    assert SECRET.encode() not in raw(any_store, home), "sealed once it is saved"
    assert ciphertexts(any_store, "prompts", "text") if mode == "explicit" else True


def test_postgresql_leaves_bytes_until_it_rewrites_the_table(
    any_store: Store, any_admin: Viewer, home: Path
) -> None:
    """What docs/deploy.md says: dead rows are on the disk until VACUUM FULL, sealed where history is."""
    if any_store.dialect == "sqlite":
        pytest.skip("SQLite zeroes what it deletes (secure_delete), see the tests above")
    made = ask(any_store, any_admin, SECRET)
    (held,) = ciphertexts(any_store, "prompts", "text")
    with any_store._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        folder = Path(connection.execute(text("SHOW data_directory")).scalar_one())
        try:
            list((folder / "base").iterdir())
        except OSError:
            pytest.skip("the server's files cannot be read here")

        def heap() -> bytes:
            connection.execute(text("CHECKPOINT"))
            paths = connection.execute(
                text(
                    "SELECT pg_relation_filepath(oid) FROM pg_class WHERE pg_relation_filenode(oid) IS NOT NULL"
                )
            ).scalars()
            return b"".join((folder / path).read_bytes() for path in paths if (folder / path).exists())

        assert held in heap()
        with any_store.as_viewer(any_admin) as mine:
            mine.history.delete_prompt(made.id)
        assert held not in raw(any_store, home)
        # VACUUM FULL keeps what any older transaction of the server, of other databases too, might still read
        deleted = connection.execute(text("SELECT pg_current_xact_id()::text")).scalar_one()
        oldest = text("SELECT pg_snapshot_xmin(pg_current_snapshot()) > CAST(:deleted AS xid8)")
        patience = time.monotonic() + 120
        while not connection.execute(oldest, {"deleted": deleted}).scalar_one():
            if time.monotonic() > patience:
                pytest.fail("a transaction elsewhere on this server has been open for two minutes")
            time.sleep(0.05)
        connection.execute(text("VACUUM FULL"))
        assert held not in heap() and SECRET.encode() not in heap()
