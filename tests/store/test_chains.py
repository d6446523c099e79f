"""Audit log and ledger: whole when whole, and whoever tampers is found, with the entry's number."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, text

from plugin.access.viewer import Viewer
from plugin.errors import Conflict, NotFound, Refused
from plugin.store import Store


def enter(store: Store, viewer: Viewer, number: int = 0, close: bool = True) -> int:
    with store.as_viewer(viewer) as mine:
        seq = mine.record.ledger_open(
            provider="openai",
            host="api.openai.com",
            region="us",
            model=f"m{number % 2}",
            purpose="chat",
            body_bytes=100 + number,
            body_sha256=f"{number:064x}",
            manifest={
                "parts": [{"resource_id": 1, "field": "description"}],
                "cost": 0.1 + number,
                "t": (1, 2),
            },
            chat_id=2**45,
            prompt_id=2**45,
        )
    if close:
        with store.as_viewer(viewer) as mine:
            mine.record.ledger_close(
                seq, "done", input_tokens=10, output_tokens=5, cost_usd=0.1 * 3, milliseconds=1200
            )
    return seq


def fill(store: Store, viewer: Viewer) -> None:
    for number in range(6):
        enter(store, viewer, number)
        with store.as_viewer(viewer) as mine:
            mine.record.audit("ask", "allow", target=f"chat:{number}", detail={"n": number, "ratio": 0.1})


def verify(store: Store, viewer: Viewer, chain: str) -> tuple[bool, str]:
    with store.as_admin(viewer) as admin:
        found: tuple[bool, str] = getattr(admin, chain).verify()
        return found


def tamper(store: Store, *statements: str) -> None:
    with store._engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def test_a_whole_chain_is_whole(any_store: Store, any_admin: Viewer) -> None:
    fill(any_store, any_admin)
    enter(any_store, any_admin, close=False)
    for chain in ("ledger", "audit"):
        ok, said = verify(any_store, any_admin, chain)
        assert ok and "is whole" in said, said


TAMPERINGS: dict[str, tuple[Callable[[str], list[str]], str]] = {
    "altered": (lambda t: [f"UPDATE {t} SET surface = 'mcp' WHERE seq = 3"], "entry 3 was altered"),
    "altered time": (lambda t: [f"UPDATE {t} SET at = '2020-01-01' WHERE seq = 4"], "entry 4 was altered"),
    "removed": (lambda t: [f"DELETE FROM {t} WHERE seq = 3"], "entry 3 was removed"),
    "two removed": (lambda t: [f"DELETE FROM {t} WHERE seq IN (3, 4)"], "entry 3 to 4 was removed"),
    "first removed": (lambda t: [f"DELETE FROM {t} WHERE seq = 1"], "entry 1 was removed"),
    "last removed": (lambda t: [f"DELETE FROM {t} WHERE seq = 6"], "missing: 6 to 6"),
    "removed and closed up": (
        lambda t: [f"DELETE FROM {t} WHERE seq = 3", f"UPDATE {t} SET seq = seq - 1 WHERE seq = 4"],
        "entry 3",
    ),
    "reordered": (
        lambda t: [
            f"UPDATE {t} SET seq = -1 WHERE seq = 2",
            f"UPDATE {t} SET seq = 2 WHERE seq = 3",
            f"UPDATE {t} SET seq = 3 WHERE seq = -1",
        ],
        "entry 2",
    ),
    "own hash replaced": (
        lambda t: [f"UPDATE {t} SET hash = previous_hash WHERE seq = 3"],
        "entry 3 was altered",
    ),
    "head set back": (
        lambda t: [
            f"DELETE FROM {t} WHERE seq = 6",
            "UPDATE chain_heads SET seq = 5, hash = "
            f"(SELECT hash FROM {t} WHERE seq = 5) WHERE chain = '{'audit' if t == 'audit_log' else 'ledger'}'",
        ],
        "the head of the",
    ),
}


@pytest.mark.parametrize("chain", ["ledger", "audit"])
@pytest.mark.parametrize("kind", list(TAMPERINGS))
def test_tampering_is_found_and_named(store: Store, admin: Viewer, chain: str, kind: str) -> None:
    fill(store, admin)
    statements, said = TAMPERINGS[kind]
    tamper(store, *statements("ledger" if chain == "ledger" else "audit_log"))
    ok, sentence = verify(store, admin, chain)
    assert not ok and said in sentence, sentence


def test_an_inserted_entry_is_found(store: Store, admin: Viewer) -> None:
    fill(store, admin)
    columns = "workspace_id, at, member_id, actor, surface, action, outcome, detail, previous_hash, hash"
    tamper(store, f"INSERT INTO audit_log ({columns}, seq) SELECT {columns}, 7 FROM audit_log WHERE seq = 6")
    ok, said = verify(store, admin, "audit")
    assert not ok and "past the head" in said


@pytest.mark.parametrize(
    "change",
    ["status = 'failed'", "input_tokens = 1", "cost_usd = 0", "completion_hash = NULL", "ended = '2020'"],
)
def test_an_altered_end_is_found(store: Store, admin: Viewer, change: str) -> None:
    fill(store, admin)
    tamper(store, f"UPDATE ledger SET {change} WHERE seq = 2")
    ok, said = verify(store, admin, "ledger")
    assert not ok and "the end of entry 2" in said


def test_an_end_cannot_be_moved_to_another_entry(store: Store, admin: Viewer) -> None:
    fill(store, admin)
    tamper(
        store,
        "UPDATE ledger SET completion_hash = (SELECT completion_hash FROM ledger WHERE seq = 1) WHERE seq = 2",
    )
    assert not verify(store, admin, "ledger")[0]


def test_an_exported_head_shows_a_ledger_that_was_rewritten(store: Store, admin: Viewer) -> None:
    fill(store, admin)
    with store.as_admin(admin) as door:
        head = json.loads(json.dumps(door.ledger.head()))
        assert door.ledger.check_head(head)[0]
        forged = head | {"seq": 2}
        assert not door.ledger.check_head(forged)[0]
    enter(store, admin)
    with store.as_admin(admin) as door:
        assert door.ledger.check_head(head)[0]
    tamper(store, "UPDATE ledger SET hash = body_sha256 WHERE seq = 6")
    with store.as_admin(admin) as door:
        ok, said = door.ledger.check_head(head)
        assert not ok and "rewritten" in said


def test_an_entry_is_committed_before_the_door_closes(any_store: Store, any_admin: Viewer) -> None:
    fields: dict[str, Any] = {
        "provider": "p", "host": "h", "region": "r", "model": "m", "purpose": "chat",
        "body_bytes": 1, "body_sha256": "0", "manifest": {},
    }  # fmt: skip
    with any_store.as_viewer(any_admin) as mine:
        seq = mine.record.ledger_open(**fields)
        with any_store._engine.connect() as connection:
            assert connection.execute(text("SELECT status FROM ledger")).scalar() == "sending"
    with pytest.raises(ZeroDivisionError), any_store.as_viewer(any_admin) as mine:
        mine.record.ledger_open(**fields)
        raise ZeroDivisionError
    with any_store.as_admin(any_admin) as door:
        assert [each.seq for each in door.ledger.entries()] == [seq + 1, seq]


def test_an_entry_has_one_end(store: Store, admin: Viewer) -> None:
    seq = enter(store, admin)
    with store.as_viewer(admin) as mine:
        with pytest.raises(Conflict):
            mine.record.ledger_close(seq, "failed")
        with pytest.raises(NotFound):
            mine.record.ledger_close(99, "failed")


def test_a_denial_is_written_although_the_door_rolls_back(any_store: Store, any_admin: Viewer) -> None:
    with pytest.raises(Refused), any_store.as_viewer(any_admin) as mine:
        mine.history.start(None, "half done")
        mine.record.audit("run_sql", "deny", rule="run_sql.toggle")
        raise Refused("Run SQL is off", rule="run_sql.toggle")
    with any_store.as_admin(any_admin) as door:
        assert [(each.action, each.outcome, each.rule) for each in door.audit.entries()] == [
            ("run_sql", "deny", "run_sql.toggle")
        ]
        assert door.audit.verify()[0]
    with any_store.as_viewer(any_admin) as mine:
        assert mine.history.prompts().items == ()


def test_opening_the_admin_door_as_somebody_else_is_entered_as_a_denial(store: Store, admin: Viewer) -> None:
    with store.as_admin(admin) as door:
        door.people.add_member("vi@example.com", "viewer", "", "a long password")
    with store.sign_in() as door:
        viewer = door.viewer_for_email(None, "vi@example.com")
    with pytest.raises(Refused), store.as_admin(viewer):
        pass
    with store.as_admin(admin) as door:
        denied = door.audit.entries(outcome="deny")
        assert [(each.actor, each.rule) for each in denied] == [("vi@example.com", "admin")]


def test_filters_pages_export_and_usage(any_store: Store, any_admin: Viewer) -> None:
    fill(any_store, any_admin)
    with any_store.as_admin(any_admin) as door:
        door.settings.set("ai.run_sql", True)
        page = door.audit.entries(action="ask", limit=4)
        rest = door.audit.entries(action="ask", limit=4, cursor=page.next_cursor)
        assert [each.seq for each in (*page, *rest)] == [6, 5, 4, 3, 2, 1] and rest.next_cursor is None
        changed = door.audit.entries(action="settings").items[0]
        assert changed.detail == {"before": False, "after": True} and changed.target == "ai.run_sql"
        assert [each["seq"] for each in door.audit.export()] == [1, 2, 3, 4, 5, 6, 7]
        exported = list(door.ledger.export())
        assert exported[0]["manifest"]["t"] == [1, 2] and exported[-1]["chat_id"] == 2**45
        assert len(door.ledger.entries(model="m1")) == 3
        [day] = door.usage.by_day()
        assert (day.requests, day.input_tokens, day.output_tokens, day.failed) == (6, 60, 30, 0)
        assert {each.key for each in door.usage.by_model()} == {"openai/m0", "openai/m1"}
        assert [each.key for each in door.usage.by_member()] == [any_admin.email]
    with any_store.as_viewer(any_admin) as mine:
        assert mine.record.tokens_today() == (90, 90)


def test_chains_of_two_workspaces_do_not_meet(any_store: Store, new_workspace: Any) -> None:
    one = new_workspace(any_store, "One", "ada@one.example")
    two = new_workspace(any_store, "Two", "ada@two.example")
    for _ in range(2):
        for viewer in (one, two):
            assert enter(any_store, viewer) > 0
    for viewer in (one, two):
        with any_store.as_admin(viewer) as door:
            assert [each.seq for each in door.ledger.entries()] == [2, 1]
            assert {each.member for each in door.ledger.entries()} == {viewer.email}
            assert door.ledger.verify()[0]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
)
@given(
    detail=st.dictionaries(
        st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8), json_values
    )
)
def test_whatever_is_hashed_is_what_is_read_back(
    any_store: Store, any_admin: Viewer, detail: dict[str, Any]
) -> None:
    with any_store.as_viewer(any_admin) as mine:
        mine.record.audit("try", "allow", detail=detail)
    ok, said = verify(any_store, any_admin, "audit")
    assert ok, said


def test_ledger_and_audit_add_the_same_few_statements_however_long_they_are(
    store: Store, admin: Viewer
) -> None:
    """What that takes in time: tests/benchmarks/bench_records.py."""
    sent: list[str] = []
    spent = []
    event.listen(store._engine, "before_cursor_execute", lambda _c, _u, sql, *_: sent.append(sql))
    for number in range(60):
        with store.as_viewer(admin) as mine:
            before = len(sent)
            seq = mine.record.ledger_open(
                provider="p", host="h", region="r", model="m", purpose="chat", body_bytes=1,
                body_sha256="0", manifest={"parts": [number] * 40},
            )  # fmt: skip
            opened = len(sent) - before
        with store.as_viewer(admin) as mine:
            before = len(sent)
            mine.record.ledger_close(seq, "done", input_tokens=1)
            mine.record.audit("ask", "allow")
            mine._context.session.commit()
            spent.append(opened + len(sent) - before)
    assert set(spent) == {12}, spent
