"""From gate to receipt with a real store and a real database: each gate closed in turn, rows only to the asker."""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from plugin.access.viewer import Role, Surface, Viewer
from plugin.catalog.sync import sync
from plugin.errors import LimitReached, NotFound, Refused
from plugin.run_sql.execute import Cancelled, QueryError, Stopped
from plugin.run_sql.explain import explain_decision
from plugin.run_sql.results import Owner, Results
from plugin.run_sql.run import cancel, preview, run, running, shape_for_model
from plugin.store import Store
from tests.asynchronous import ends, until

SLOW = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


@pytest.fixture
def shop(store: Store, admin: Viewer, tmp_path: Path) -> int:
    """A synced SQLite integration with a query credential; AI and Run SQL are on."""
    path = tmp_path / "shop.db"
    connection = sqlite3.connect(path)
    connection.executescript(
        "create table orders (id integer primary key, total numeric, note text);"
        "insert into orders values (1, 10.5, 'CANARY-1'), (2, 99, 'CANARY-2');"
        "create table people (id integer primary key, email text);"
        "insert into people values (1, 'canary@example.org');"
    )
    connection.close()
    with store.as_admin(admin) as door:
        made = door.integrations.add("shop", "sqlite", {"path": str(path)}, query={"path": str(path)})
        door.settings.set("ai.enabled", True)
        door.settings.set("ai.run_sql", True)
        door.settings.set("sql.limits.seconds", 600)  # no limit ends what a test cancels
    assert sync(store, admin, made.id).status == "done"
    return made.id


def attempt(
    store: Store, viewer: Viewer, shop: int, sql: str = "SELECT id, total FROM orders", **options: object
) -> str:
    with pytest.raises(Refused) as caught:
        run(store, viewer, shop, sql, results=Results(), session="s", **options)  # type: ignore[arg-type]
    assert caught.value.who
    return caught.value.rule


def test_rows_go_to_the_asker_and_the_shape_to_the_model(store: Store, admin: Viewer, shop: int) -> None:
    results = Results()
    outcome = run(
        store, admin, shop, "SELECT id, total, note FROM orders ORDER BY id", results=results, session="s"
    )
    result = results.get(Owner(admin.workspace_id, admin.member_id, "s"), outcome.result_id)
    assert [row[2] for row in result.page()] == ["CANARY-1", "CANARY-2"]
    assert [each["name"] for each in shape_for_model(outcome.shape)] == ["id", "total", "note"]
    assert "CANARY" not in repr(outcome) and "2" not in str(shape_for_model(outcome.shape))
    assert outcome.receipt.verdict == "allowed" and outcome.receipt.tables == ("main.orders",)
    with pytest.raises(NotFound):
        results.get(Owner(admin.workspace_id, admin.member_id, "another session"), outcome.result_id)


def test_the_first_closed_gate_is_named(store: Store, admin: Viewer, shop: int) -> None:
    def put(key: str, value: object) -> None:
        with store.as_admin(admin) as door:
            door.settings.set(key, value)

    assert attempt(store, admin, shop, "SELECT * FROM absent") == "run_sql.visible"
    assert attempt(store, admin, shop, "SELECT absent FROM orders") == "run_sql.visible"
    assert attempt(store, admin, shop, "DELETE FROM orders") == "run_sql.read_only"
    assert attempt(store, admin, shop, "SELECT load_extension('x')") == "run_sql.read_only"
    assert attempt(store, admin, shop, confirm=False) == "run_sql.confirm"
    narrow = replace(admin, scopes=frozenset({"read"}))
    assert attempt(store, narrow, shop) == "run_sql.permission"
    put("ai.run_sql", False)
    assert attempt(store, admin, shop) == "run_sql.toggle"
    put("ai.enabled", False)
    assert attempt(store, admin, shop) == "run_sql.ai"
    with store.as_admin(admin) as door:
        door.integrations.set_query_credential(shop, None)
    put("ai.enabled", True)
    put("ai.run_sql", True)
    assert attempt(store, admin, shop) == "run_sql.credential"
    with store.as_viewer(admin) as mine:
        receipts = mine.record.receipts()
    assert [each.verdict for each in receipts].count("refused") == len(receipts) == 9
    with pytest.raises(NotFound):
        run(store, admin, 999, "SELECT 1", results=Results())


@pytest.mark.parametrize("role", [Role.VIEWER, Role.EDITOR, Role.GUEST])
def test_others_need_query_permission_and_guests_never_have_it(
    store: Store, admin: Viewer, shop: int, role: Role
) -> None:
    with store.as_admin(admin) as door:
        member = door.people.add_member("bob@example.com", role, "Bob", password="correct horse battery")
        general = next(each for each in door.people.teams() if each.is_general)
        door.people.grant(general.id, shop)
        if role is Role.GUEST:
            team = door.people.add_team("Visitors")
            door.people.grant(team.id, shop)
            door.people.add_to_team(team.id, member_id=member.id)
    with store.sign_in() as sign_in:
        bob = sign_in.viewer_for_email(admin.workspace_slug or None, "bob@example.com", Surface.PAGE)
    with pytest.raises((Refused, NotFound)) as caught:
        run(store, bob, shop, "SELECT id FROM orders", results=Results())
    assert isinstance(caught.value, NotFound) or getattr(caught.value, "rule", "") == "run_sql.permission"
    with store.as_admin(admin) as door:
        try:
            door.integrations.grant_query(shop, "member", member.id)
        except Refused:
            assert role is Role.GUEST
    if role is not Role.GUEST:
        assert run(store, bob, shop, "SELECT id FROM orders", results=Results()).receipt.verdict == "allowed"


def test_errors_come_apart_and_receipts_can_be_replayed(store: Store, admin: Viewer, shop: int) -> None:
    with pytest.raises(QueryError) as caught:
        run(store, admin, shop, "SELECT json_extract(note, '$') FROM orders", results=Results())
    assert "CANARY" not in str(caught.value)
    outcome = run(
        store, admin, shop, "SELECT id FROM orders WHERE note = 'secret literal'", results=Results()
    )
    assert "secret literal" not in repr(outcome.receipt)
    assert explain_decision(store, admin, outcome.receipt.id).changes == ()
    with store.as_admin(admin) as door:
        door.settings.set("ai.run_sql", False)
    later = explain_decision(store, admin, outcome.receipt.id)
    assert later.verdict_now == "refused" and "Run SQL: was open, is closed" in later.changes
    assert admin.email in later.who_now or later.who_now.startswith("an admin"), "the page says whom to ask"
    with pytest.raises(NotFound):
        explain_decision(store, admin, 10_000)


def test_an_engines_own_words_are_for_the_person_and_not_where_a_column_is_masked(
    store: Store, admin: Viewer, shop: int
) -> None:
    broken = "SELECT json_extract(note, '$') FROM orders"

    def error() -> QueryError:
        with pytest.raises(QueryError) as caught:
            run(store, admin, shop, broken, results=Results())
        return caught.value

    assert "malformed JSON" in error().full and "malformed" not in str(error())
    with store.as_viewer(admin) as mine:
        table = mine.catalog.by_name("main.orders", integration=shop)
        note = next(each for each in mine.catalog.columns(table.id) if each.name == "note")
        mine.edits.set_property(note.id, "sensitivity", "secret")
    assert error().full == "" and "SQLite refused the query" in str(error())
    with store.as_admin(admin) as door:
        door.settings.set("ai.sql_sensitive", "allow")
    assert error().full
    with store.as_admin(admin) as door:
        door.settings.set("ai.sql_sensitive", "refuse")
    assert attempt(store, admin, shop, broken) == "run_sql.sensitive"


def test_a_run_can_be_cancelled_by_its_owner_only(store: Store, admin: Viewer, shop: int) -> None:
    caught: list[Exception] = []

    def go() -> None:
        try:
            run(store, admin, shop, SLOW, results=Results(), run_id="r-1")
        except Stopped as error:
            caught.append(error)

    thread = threading.Thread(target=go)
    thread.start()
    until(lambda: running(admin) == ("r-1",))
    with pytest.raises(NotFound):
        cancel(replace(admin, member_id=admin.member_id + 1), "r-1")
    with store.as_admin(admin) as door:
        door.settings.set("sql.limits.concurrent", 1)
    with pytest.raises(LimitReached):
        run(store, admin, shop, "SELECT id FROM orders", results=Results())
    cancel(admin, "r-1")
    assert ends(thread) and type(caught[0]) is Cancelled, caught
    assert running(admin) == ()


def test_limits_cut_a_result(store: Store, admin: Viewer, shop: int) -> None:
    results = Results()
    outcome = run(store, admin, shop, "SELECT id FROM orders", results=results, session="s", rows=1)
    assert outcome.result.rows == 1 and outcome.result.truncated == "rows"
    shown = preview(store, admin, shop, "SELECT id FROM orders")
    assert shown.decision.allowed and "LIMIT" in shown.rendered
    assert preview(store, admin, shop, "SELECT 1 FROM absent").decision.closed is not None


def test_an_integration_has_places_for_all_members_together(store: Store, admin: Viewer, shop: int) -> None:
    with store.as_admin(admin) as door:
        bob = door.people.add_member("bob@example.com", Role.VIEWER, "Bob", password="correct horse battery")
        general = next(each for each in door.people.teams() if each.is_general)
        door.people.grant(general.id, shop)
        door.integrations.grant_query(shop, "member", bob.id)
        door.settings.set("sql.limits.concurrent_integration", 1)
    with store.sign_in() as sign_in:
        other = sign_in.viewer_for_email(admin.workspace_slug or None, "bob@example.com", Surface.PAGE)

    def go() -> None:
        with pytest.raises(Cancelled):
            run(store, admin, shop, SLOW, results=Results(), run_id="r-2")

    thread = threading.Thread(target=go)
    thread.start()
    until(lambda: running(admin) == ("r-2",))
    with pytest.raises(LimitReached) as caught:
        run(store, other, shop, "SELECT id FROM orders", results=Results())
    assert caught.value.retry_after
    cancel(admin, "r-2")
    assert ends(thread)
    assert run(store, other, shop, "SELECT id FROM orders", results=Results()).result.rows == 2


@pytest.mark.parametrize("role", [Role.ADMIN, Role.EDITOR])
def test_where_a_source_is_that_is_not_reached_is_for_admins(
    store: Store, admin: Viewer, shop: int, tmp_path: Path, role: Role
) -> None:
    with store.as_admin(admin) as door:
        door.people.add_member("eva@example.com", role, "Eva", password="correct horse battery")
        (eva,) = [each for each in door.people.members() if each.email == "eva@example.com"]
        general = next(each for each in door.people.teams() if each.is_general)
        door.people.grant(general.id, shop)
        door.integrations.grant_query(shop, "member", eva.id)
    with store.sign_in() as sign_in:
        who = sign_in.viewer_for_email(None, "eva@example.com", Surface.PAGE)
    source = tmp_path / "shop.db"
    for moved in (False, True):  # damaged, then gone
        source.unlink() if moved else source.write_bytes(b"no database at all" * 100)
        with pytest.raises(QueryError) as caught:
            run(store, who, shop, "SELECT id FROM orders", results=Results())
        assert str(tmp_path) not in str(caught.value), "this goes to a model"
        if moved:
            assert (str(tmp_path) in caught.value.full) is (role is Role.ADMIN)
        else:
            assert str(tmp_path) not in caught.value.full or role is Role.ADMIN
