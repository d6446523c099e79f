"""PostgreSQL's row-level security, with the first lock (the store's own filters) taken away."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Column, create_engine, insert, literal, make_url, select, text

from plugin.config import Config
from plugin.store import Store, migrate, open_store
from plugin.store._models import Base
from plugin.store._models.base import Moment


@pytest.fixture
def plain_role_store(config: Config, postgres_url: str) -> Iterator[Store]:
    """A store whose database belongs to an ordinary role, as an operator would set it up."""
    role = f"docent_role_{uuid.uuid4().hex[:12]}"
    url = make_url(postgres_url)
    boss = create_engine(url, isolation_level="AUTOCOMMIT")
    with boss.connect() as connection:
        connection.execute(text(f"CREATE ROLE {role} LOGIN PASSWORD 'docent'"))
        connection.execute(text(f"GRANT ALL ON SCHEMA public TO {role}"))
    own = replace(
        config,
        database_url=url.set(username=role, password="docent").render_as_string(hide_password=False),
    )
    migrate(own)
    store = open_store(own)
    yield store
    store.close()
    with boss.connect() as connection:
        connection.execute(text(f"DROP OWNED BY {role} CASCADE"))
        connection.execute(text(f"DROP ROLE {role}"))
    boss.dispose()


def populate(store: Store, new_workspace: Any) -> tuple[Any, Any]:
    """Two workspaces with something of everything that the store's own doors write."""
    viewers = []
    for name in ("One", "Two"):
        viewer = new_workspace(store, name, f"ada@{name.lower()}.example")
        with store.as_admin(viewer) as admin:
            team = admin.people.add_team(f"Team {name}")
            admin.people.add_to_team(team.id, member_id=viewer.member_id)
            admin.people.add_group(f"Group {name}")
            admin.people.invite(f"new@{name.lower()}.example", "viewer", [team.id])
            shop = admin.integrations.add(f"shop {name}", "sqlite", secrets={"password": "x"})
            admin.integrations.start_sync(shop.id)
            admin.integrations.grant_query(shop.id, "team", team.id)
            admin.settings.set("ai.run_sql", True)
            admin.settings.set_provider_key("openai", "k" * 20)
        with store.as_viewer(viewer) as mine:
            mine.me.create_token("t")
            prompt = mine.history.start(None, f"question {name}")
            mine.history.memory.remember(f"prefer {name}")
            mine.history.templates.save(f"template {name}", "text")
            mine.history.finish(prompt.id, answer="a", status="done")
        viewers.append(viewer)
    return viewers[0], viewers[1]


TABLES = [
    table for table in Base.metadata.sorted_tables if "workspace_id" in table.c and table.name != "sessions"
]
FILLED: dict[type, Any] = {
    int: 900_001, str: "x", bytes: b"x", bool: False, float: 0.5, datetime: datetime(2026, 1, 1, tzinfo=UTC),
    dict: [], list: [],
}  # fmt: skip


def fill(url: str, workspaces: tuple[int, ...]) -> None:
    """A row of each workspace in every table that has none of it: as the superuser, with foreign keys off.

    So a table that is added is under the test from its first day, whatever it takes to write it by the doors.
    """
    boss = create_engine(url)
    with boss.begin() as connection:
        connection.execute(text("SET session_replication_role = replica"))
        for table in TABLES:
            for at, workspace in enumerate(workspaces):
                there = select(literal(1)).select_from(table).where(table.c.workspace_id == workspace)
                if connection.execute(there.limit(1)).first() is not None:
                    continue
                needed = [each for each in table.c if not each.nullable or each.primary_key]
                values = {each.name: FILLED[_kind(each)] for each in needed}
                values |= {each.name: FILLED[int] + at for each in needed if _kind(each) is int}
                values |= {each.name: f"x{at}" for each in needed if _kind(each) is str}
                connection.execute(insert(table).values({**values, "workspace_id": workspace}))
    boss.dispose()


def _kind(column: Column[Any]) -> type:
    try:
        return column.type.python_type
    except NotImplementedError:  # a type of our own for moments, or LargeBinary's variant
        return datetime if isinstance(column.type, Moment) else bytes


def test_a_transaction_of_one_workspace_sees_no_row_of_another(
    plain_role_store: Store, new_workspace: Any, postgres_url: str
) -> None:
    one, two = populate(plain_role_store, new_workspace)
    fill(postgres_url, (one.workspace_id, two.workspace_id))
    with plain_role_store._transaction(one.workspace_id) as session:
        role = session.execute(
            text("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
        )
        assert role.scalar() is False
    tables = TABLES
    held = 0
    for viewer, other in ((one, two), (two, one)):
        with plain_role_store._transaction(viewer.workspace_id) as session:
            for table in tables:
                found = (
                    session.execute(text(f"SELECT DISTINCT workspace_id FROM {table.name}")).scalars().all()
                )
                assert set(found) <= {viewer.workspace_id}, table.name
                held += bool(found)
                # Writing past the lock fails or touches nothing as well.
                session.execute(text(f"DELETE FROM {table.name} WHERE workspace_id = {other.workspace_id}"))
            session.rollback()
    assert held == 2 * len(tables), "a table that no row stands in proves nothing"
    with plain_role_store.as_admin(two) as admin:
        assert [each.name for each in admin.integrations.list()] == ["shop Two"]


def test_a_row_cannot_be_written_into_another_workspace(plain_role_store: Store, new_workspace: Any) -> None:
    from sqlalchemy.exc import ProgrammingError

    one, two = populate(plain_role_store, new_workspace)
    with (
        pytest.raises(ProgrammingError, match="row-level security"),
        plain_role_store._transaction(one.workspace_id) as session,
    ):
        session.execute(
            text(
                "INSERT INTO teams (workspace_id, name, private, is_general) VALUES (:w, 'x', false, false)"
            ),
            {"w": two.workspace_id},
        )


def test_a_transaction_that_names_no_workspace_sees_nothing(
    plain_role_store: Store, new_workspace: Any, postgres_url: str
) -> None:
    one, two = populate(plain_role_store, new_workspace)
    fill(postgres_url, (one.workspace_id, two.workspace_id))
    with plain_role_store._transaction("") as session:
        for table in Base.metadata.sorted_tables:
            if "workspace_id" in table.c and table.name != "sessions":
                assert session.execute(text(f"SELECT count(*) FROM {table.name}")).scalar() == 0, table.name


def test_before_sign_in_only_what_sign_in_needs_is_open(plain_role_store: Store, new_workspace: Any) -> None:
    populate(plain_role_store, new_workspace)
    with plain_role_store._transaction("sign-in") as session:
        seen = {
            table.name
            for table in Base.metadata.sorted_tables
            if "workspace_id" in table.c
            and table.name != "sessions"
            and session.execute(text(f"SELECT count(*) FROM {table.name}")).scalar()
        }
    assert seen == {"members", "api_tokens", "invitations", "workspace_keys"}


def test_a_person_in_two_workspaces_can_switch_under_the_lock(
    plain_role_store: Store, new_workspace: Any
) -> None:
    one, _two = populate(plain_role_store, new_workspace)
    third = new_workspace(plain_role_store, "Three", one.email)
    with plain_role_store.as_viewer(third) as mine:
        assert [each.name for each in mine.me.workspaces()] == ["One", "Three"]
    with plain_role_store.sign_in() as door:
        cookie = door.create_session(door.password(one.email, "correct horse battery"))
        cookie = door.switch_workspace(cookie, third.workspace_id)
        assert door.viewer_for_session(cookie).workspace_slug == "three"


def test_everything_works_under_the_lock(plain_role_store: Store, new_workspace: Any) -> None:
    """A life of a workspace, as the role that row-level security holds for."""
    store = plain_role_store
    admin, other = populate(store, new_workspace)
    with store.as_admin(admin) as door:
        _, secret = door.people.invite("vi@example.com", "viewer", ["Team One"])
    with store.sign_in() as door:
        account = door.accept_invitation(secret, "Vi", "a long password")
        viewer = door.viewer_for_session(door.create_session(account))
    with store.as_viewer(viewer) as mine:
        _, token = mine.me.create_token("t")
        assert set(mine.me.profile().teams) == {"General", "Team One"}
        prompt = mine.history.start(None, "a question")
        mine.history.finish(prompt.id, answer="an answer", status="done")
        mine.history.shares.share(prompt.chat_id, "member", admin.member_id)
        seq = mine.record.ledger_open(
            provider="p",
            host="h",
            region="r",
            model="m",
            purpose="chat",
            body_bytes=1,
            body_sha256="0",
            manifest={},
        )
        mine.record.audit("ask", "allow")
        mine.record.audit("ask", "deny", rule="x")
    with store.sign_in() as door:
        assert door.viewer_for_token(token).member_id == viewer.member_id
    store.close_ledger(admin.workspace_id, seq, "done", input_tokens=1)
    with store.as_viewer(admin) as mine:
        assert mine.history.shares.read(prompt.chat_id)[0].answer == "an answer"
        assert mine.me.can_query(mine.me.query_integrations()[0].id)
    with store.as_admin(admin) as door:
        reading = door.break_glass.open(viewer.member_id, "a reason that is long enough")
        assert door.break_glass.chat(reading.id, prompt.chat_id)[0].text == "a question"
        door.integrations.set_schedule(door.integrations.list()[0].id, "* * * * *")
        door.integrations.cancel_sync(door.integrations.syncs()[0].id)
    assert "sealed" in store.rotate_workspace_key(admin)
    assert "wrapped 5 workspace keys" in store.rotate_master_key()
    later = datetime.now(UTC) + timedelta(minutes=15)
    with store.clock() as clock:
        assert [due.workspace_id for due in clock.due_syncs(later)] == [admin.workspace_id]
        assert clock.due_syncs(later) == ()
        assert clock.expire(later)["keys"] == 1
    with store.as_admin(admin) as door:
        assert door.ledger.verify()[0] and door.audit.verify()[0]
        door.people.remove(viewer.member_id)
    with store.syncs(admin.workspace_id) as syncs:
        syncs.start(syncs.syncs()[0].id)
    store.delete_workspace(admin, admin.workspace_slug)
    with store.as_admin(other) as door:
        assert door.ledger.verify()[0] and door.audit.verify()[0]
        assert [each.email for each in door.people.members()] == [other.email]
