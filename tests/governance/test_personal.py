"""All that is one person's: exported in one piece, and gone from the raw files when they leave."""

from __future__ import annotations

import json
import time
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection, text

from plugin.access.viewer import Viewer
from plugin.store import Store
from tests.conftest import POSTGRES
from tests.governance.test_deletion import SECRET, WORD, catalog, ciphertexts
from tests.raw import raw
from tests.store.test_history import add, ask

MAIL = "leaver@example.com"


def lived_in(store: Store, admin: Viewer, tmp_path: Path) -> Viewer:
    """A member who left a trace of every kind."""
    integration = catalog(store, admin, tmp_path)
    with store.as_admin(admin) as door:
        door.settings.set("monitoring.content", True)
    person = add(store, admin, MAIL, "editor")
    with store.as_admin(admin) as door:
        team = door.people.add_team("Finance").id
        door.people.add_to_team(team, member_id=person.member_id)
        door.integrations.grant_query(integration, "member", person.member_id)
    prompt = ask(store, person, f"about {SECRET}")
    with store.as_viewer(person) as mine:
        mine.history.memory.remember(f"prefer {SECRET}")
        mine.history.templates.save("T", f"{SECRET} {{{{x}}}}")
        mine.history.shares.share(prompt.chat_id, "team", team)
        mine.me.create_token("ci", ["read"], 30)
        mine.record.audit("ask", "allow")
    return person


def test_the_export_holds_every_kind_of_record(any_store: Store, any_admin: Viewer, tmp_path: Path) -> None:
    person = lived_in(any_store, any_admin, tmp_path)
    with any_store.as_viewer(person) as mine:
        found = mine.history.export()
    records = found["records"]
    assert records["account"]["email"] == MAIL and records["membership"]["teams"] == ["Finance"]
    assert [each["name"] for each in records["tokens"]] == ["ci"]
    assert {each["action"] for each in records["audit"]} >= {"ask", "history.share"}
    assert [each["subject"] for each in records["shared_chats"]] == ["team"]
    whole = json.dumps(found, default=str)
    assert whole.count(SECRET) >= 4, "prompt, preference, template and what monitoring held"
    with any_store._engine.connect() as connection:
        hashes = connection.execute(text("SELECT token_hash FROM api_tokens")).scalars().all()
        hashes += connection.execute(text("SELECT password_hash FROM accounts")).scalars().all()
    assert hashes and not [each for each in hashes if each and each in whole], (
        "no secret, nor the hash of one"
    )
    with any_store.as_viewer(any_admin) as mine:
        assert SECRET not in json.dumps(mine.history.export(), default=str), "nobody else's"


def test_a_member_who_leaves_is_gone_from_everything_but_the_chains(
    any_store: Store, any_admin: Viewer, home: Path, tmp_path: Path
) -> None:
    person = lived_in(any_store, any_admin, tmp_path)
    sealed = [
        each
        for table, column in (("prompts", "text"), ("templates", "sealed"), ("memories", "sealed"))
        for each in ciphertexts(any_store, table, column)
    ]
    assert len(sealed) >= 3
    with any_store.as_admin(any_admin) as door:
        door.people.disable(person.member_id)
        receipt = door.people.remove(person.member_id).what
    assert (
        receipt["prompts"] == receipt["templates"] == receipt["preferences"] == 1
        and receipt["monitored"] == 1
    )
    found = raw(any_store, home)
    assert not [each for each in sealed if each in found] and SECRET.encode() not in found
    with any_store.as_viewer(any_admin) as mine:
        personal = mine.evidence.found().personal
    assert personal.left == () == personal.unlisted
    assert WORD.encode() in found, "the catalog stays"


OLDER = """
SELECT count(*) FROM pg_stat_activity
WHERE pid <> pg_backend_pid() AND greatest(age(backend_xmin), age(backend_xid)) > age(CAST(:now AS xid))
"""
"""Connections of the whole server that may still read what was deleted before the transaction `now`."""


def nobody_needs_the_dead(connection: Connection) -> None:
    """Wait until no transaction of the server is older than this moment.

    VACUUM FULL keeps what a snapshot of its own could show, and a snapshot begins with the oldest transaction of the
    server, in any database: somebody else's long transaction keeps our dead rows. docs/deploy.md tells the operator.
    """
    moment = connection.execute(text("SELECT pg_current_xact_id()::text::bigint")).scalar_one()
    end = time.monotonic() + 500
    while True:
        oldest = connection.execute(
            text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
        ).scalar_one()
        now = {"now": str(moment % 2**32)}
        if oldest > moment and not connection.execute(text(OLDER), now).scalar_one():
            return
        assert time.monotonic() < end, "a transaction of another test is open for eight minutes"
        time.sleep(0.05)


@pytest.mark.timeout(900)
def test_after_vacuum_no_byte_of_what_was_deleted_is_in_postgresqls_files(
    any_store: Store, any_admin: Viewer, tmp_path: Path
) -> None:
    """A member, an integration and a workspace, each read in the heap files of the server itself."""
    if any_store.dialect == "sqlite":
        pytest.skip("SQLite is read raw in the tests beside this one")
    person = lived_in(any_store, any_admin, tmp_path)
    sealed = ciphertexts(any_store, "prompts", "text") + ciphertexts(any_store, "memories", "sealed")
    with any_store._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        folder = Path(connection.execute(text("SHOW data_directory")).scalar_one())
        try:
            list((folder / "base").iterdir())
        except OSError:
            pytest.skip("the server's files cannot be read here")
        database = connection.execute(
            text("SELECT oid FROM pg_database WHERE datname = current_database()")
        ).scalar_one()

        def heap(*, at_once: bool = False) -> bytes:
            if not at_once:
                nobody_needs_the_dead(connection)
            tables = (
                connection.execute(
                    text(
                        "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r' AND relnamespace IN"
                        " (SELECT oid FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema')"
                    )
                )
                .scalars()
                .all()
            )
            # Of the server's own tables only the statistics hold values of ours.
            connection.execute(text(f"VACUUM FULL pg_statistic, {', '.join(tables)}"))
            connection.execute(text("CHECKPOINT"))
            live = connection.execute(
                text(
                    "SELECT pg_relation_filenode(oid) FROM pg_class WHERE pg_relation_filenode(oid) IS NOT NULL"
                )
            ).scalars()
            paths = [folder / "base" / str(database) / str(number) for number in live]
            return b"".join(path.read_bytes() for path in paths if path.exists())

        assert [each for each in sealed if each in heap()], "the test can see"
        # Statistics of the server are copies of values too.
        connection.execute(text("ANALYZE"))
        with psycopg.connect(POSTGRES) as elsewhere:
            elsewhere.execute("SELECT pg_current_xact_id()")
            with any_store.as_admin(any_admin) as door:
                door.people.remove(person.member_id)
            assert [each for each in sealed if each in heap(at_once=True)], "another database keeps the dead"
            elsewhere.rollback()
        assert not [each for each in sealed if each in heap()]
        with any_store.as_admin(any_admin) as door:
            door.integrations.remove(door.integrations.by_name("reserve").id)
        assert WORD.lower().encode() not in heap().lower()
        keys = ciphertexts(any_store, "workspace_keys", "wrapped")
        any_store.delete_workspace(any_admin, "acme")
        left = heap()
        assert keys and not [each for each in keys if each in left] and b"ada@example.com" not in left
