"""A right that is taken away: rows are gone at the next request, and what runs is cancelled at its source."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from plugin.access.viewer import Role, Surface, Viewer
from plugin.errors import DocentError, NotFound
from plugin.mcp_http import HttpBridge
from plugin.run_sql import hold
from plugin.run_sql.execute import Cancelled, QueryError
from plugin.run_sql.hold import held, sweep
from plugin.run_sql.named_errors import with_names
from plugin.run_sql.results import Owner, Results
from plugin.run_sql.run import run, running
from plugin.run_sql.shelf import Shelf
from plugin.run_sql.verdict import Verdict
from plugin.store import Store
from plugin.store.live import live_mark
from tests.asynchronous import ends, until
from tests.run_sql.test_run import SLOW, shop

assert shop  # the fixture


@pytest.fixture
def bob(store: Store, admin: Viewer, shop: int) -> Viewer:
    """A viewer with query permission on the shop, which a team of theirs sees."""
    with store.as_admin(admin) as door:
        member = door.people.add_member(
            "bob@example.com", Role.VIEWER, "Bob", password="correct horse battery"
        )
        team = door.people.add_team("Sales")
        door.people.grant(team.id, shop)
        door.people.add_to_team(team.id, member_id=member.id)
        door.integrations.grant_query(shop, "member", member.id)
    with store.sign_in() as sign_in:
        return sign_in.viewer_for_email(admin.workspace_slug or None, "bob@example.com", Surface.PAGE)


def team_of(store: Store, admin: Viewer) -> int:
    with store.as_admin(admin) as door:
        return next(each.id for each in door.people.teams() if each.name == "Sales")


def no_permission(store: Store, admin: Viewer, bob: Viewer, shop: int) -> None:
    with store.as_admin(admin) as door:
        door.integrations.revoke_query(shop, "member", bob.member_id)


def no_team(store: Store, admin: Viewer, bob: Viewer, shop: int) -> None:
    team = team_of(store, admin)
    with store.as_admin(admin) as door:
        door.people.remove_from_team(team, member_id=bob.member_id)


def no_grant(store: Store, admin: Viewer, bob: Viewer, shop: int) -> None:
    team = team_of(store, admin)
    with store.as_admin(admin) as door:
        door.people.revoke(team, shop)


def no_member(store: Store, admin: Viewer, bob: Viewer, shop: int) -> None:
    with store.as_admin(admin) as door:
        door.people.disable(bob.member_id)


def no_toggle(store: Store, admin: Viewer, bob: Viewer, shop: int) -> None:
    with store.as_admin(admin) as door:
        door.settings.set("ai.run_sql", False)


WAYS = [no_permission, no_team, no_grant, no_member, no_toggle]


@pytest.mark.parametrize("take", WAYS)
def test_rows_are_gone_at_the_next_request(
    store: Store, admin: Viewer, shop: int, bob: Viewer, take: Callable[[Store, Viewer, Viewer, int], None]
) -> None:
    results = Results()
    outcome = run(store, bob, shop, "SELECT id FROM orders", results=results, session="s")
    owner = Owner(bob.workspace_id, bob.member_id, "s")
    assert held(store, bob, results, owner, outcome.result_id).rows == 2
    take(store, admin, bob, shop)
    with pytest.raises(NotFound):
        held(store, bob, results, owner, outcome.result_id)
    with pytest.raises(NotFound):
        results.get(owner, outcome.result_id)
    assert outcome.result.page() == []


def test_rows_of_a_member_who_never_comes_back_are_swept(
    store: Store, admin: Viewer, shop: int, bob: Viewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hold, "SWEEP_SECONDS", 0.0)
    results = Results()
    his = run(store, bob, shop, "SELECT id FROM orders", results=results, session="s")
    mine = run(store, admin, shop, "SELECT id FROM orders", results=results, session="a")
    no_member(store, admin, bob, shop)
    sweep(store, results)
    assert his.result.page() == []
    assert len(mine.result.page()) == 2


def test_what_many_sessions_keep_is_looked_through_at_once(
    store: Store, admin: Viewer, shop: int, bob: Viewer, tmp_path: Path
) -> None:
    """The statements of a look do not grow with the sessions, and those that are over lose their rows alone."""

    def statements(results: Results) -> tuple[int, int]:
        sent: list[str] = []

        def count(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            sent.append(statement)

        event.listen(store._engine, "before_cursor_execute", count)
        try:
            return hold.end_forbidden(store, results), len(sent)
        finally:
            event.remove(store._engine, "before_cursor_execute", count)

    results = Results(shelf=Shelf(tmp_path / "rows", bytes(range(32))))
    endings = []
    for number in range(12):
        session, end = signed_out(store, bob)
        endings.append(end)
        run(store, bob, shop, f"SELECT id + {number} FROM orders", results=results, session=session)
        if number == 1:
            ended, of_two = statements(results)
            assert ended == 0
    assert statements(results) == (0, of_two)
    for end in endings[:5]:
        end()
    assert statements(results)[0] == 5 and len(results.every()) == 7
    no_permission(store, admin, bob, shop)
    assert statements(results)[0] == 7
    results.close()


@pytest.mark.parametrize("take", WAYS)
def test_a_run_under_way_is_cancelled(
    store: Store, admin: Viewer, shop: int, bob: Viewer, take: Callable[[Store, Viewer, Viewer, int], None]
) -> None:
    caught: list[Exception] = []

    def work() -> None:
        try:
            run(store, bob, shop, SLOW + ", orders", results=Results(), session="s")
        except (DocentError, QueryError) as error:
            caught.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    until(lambda: running(bob))
    take(store, admin, bob, shop)
    assert ends(thread)
    assert not running(bob)
    if take is not no_member:  # the audit line of somebody who is no member has no door to go through
        assert type(caught[0]) is Cancelled, caught


def signed_out(store: Store, bob: Viewer) -> tuple[str, Callable[[], None]]:
    with store.sign_in() as door:
        secret = door.create_session(door.password("bob@example.com", "correct horse battery"))

    def end() -> None:
        with store.sign_in() as door:
            door.end_session(secret)

    return live_mark(secret, bearer=False) + ".key", end


def revoked(store: Store, bob: Viewer) -> tuple[str, Callable[[], None]]:
    with store.as_viewer(bob) as mine:
        made, secret = mine.me.create_token("a program", ["read", "query"], 1)

    def end() -> None:
        with store.as_viewer(bob) as mine:
            mine.me.revoke_token(made.id)

    return live_mark(secret, bearer=True) + ".key", end


@pytest.mark.parametrize("way", [signed_out, revoked])
def test_a_run_under_way_is_cancelled_with_its_session_or_token_and_no_other(
    store: Store, bob: Viewer, shop: int, way: Callable[[Store, Viewer], tuple[str, Callable[[], None]]]
) -> None:
    session, end = way(store, bob)
    other, end_other = way(store, bob)
    caught: dict[str, Exception] = {}

    def work(key: str) -> None:
        try:
            run(store, bob, shop, SLOW + ", orders", results=Results(), session=key, run_id=key)
        except (DocentError, QueryError) as error:
            caught[key] = error

    threads = [threading.Thread(target=work, args=(key,)) for key in (session, other)]
    for thread in threads:
        thread.start()
    until(lambda: len(running(bob)) == 2)
    end()
    assert ends(threads[0]) and type(caught[session]) is Cancelled, caught
    assert threads[1].is_alive() and other not in caught, "the same person's other session goes on"
    end_other()
    assert ends(threads[1]) and type(caught[other]) is Cancelled, caught


def test_what_a_program_runs_over_mcp_is_cancelled_with_its_token(
    store: Store, admin: Viewer, bob: Viewer, shop: int
) -> None:
    with store.as_admin(admin) as door:
        door.integrations.update(shop, options={"run_mode": "run"})
    with store.as_viewer(bob) as mine:
        made, secret = mine.me.create_token("a program", ["read", "query"], 1)
    bridge = HttpBridge(store, results=Results())
    headers = {
        "Authorization": f"Bearer {secret}", "Content-Type": "application/json", "Host": "127.0.0.1",
        "Accept": "application/json, text/event-stream",
    }  # fmt: skip
    asked = {
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": "run_sql", "arguments": {"sql": SLOW + ", orders", "integration": "shop"}},
    }  # fmt: skip
    answers: list[str] = []

    def work() -> None:
        answers.append(bridge.respond("POST", headers, json.dumps(asked).encode())[2].decode())

    thread = threading.Thread(target=work)
    thread.start()
    try:
        until(lambda: running(bob) or answers)
        assert not answers and running(bob), answers
        with store.as_viewer(bob) as mine:
            mine.me.revoke_token(made.id)
        assert ends(thread) and not running(bob)
        assert "cancelled" in answers[0], answers
    finally:
        bridge.close()


def test_an_error_names_what_stands_at_its_position_and_is_the_same_for_every_row(tmp_path: Path) -> None:
    text = "SELECT CAST(orders.note AS INT) FROM main.orders"
    verdict = Verdict("accept", tables=("main.orders",), columns=("main.orders.note",))
    said = {
        str(
            with_names(
                QueryError("refused", full=f"bad value {value}", position=13, code="22P02"), verdict, text
            )
        )
        for value in ("note", "CANARY", "orders")
    }
    assert said == {"refused (main.orders). It reads the columns main.orders.note"}
    at = str(with_names(QueryError("refused", position=20, code="22P02"), verdict, text))
    assert "(main.orders.note)" in at
    lost = QueryError("the server could not be reached")
    assert with_names(lost, verdict, text) is lost, "what no engine said is of no table"
