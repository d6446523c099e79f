"""Conditional access: rules by role, team, network and method hold at each request, and nobody locks everybody out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from plugin.access.conditions import parse_conditions
from plugin.access.viewer import Surface, Viewer
from plugin.errors import BadInput, Refused
from plugin.store import Store


def member(store: Store, admin: Viewer, email: str, role: str = "viewer") -> Viewer:
    with store.as_admin(admin) as door:
        door.people.add_member(email, role, "Bo", "correct horse battery")
    with store.sign_in() as door:
        return door.viewer_for_email(None, email, Surface.PAGE)


def rules(store: Store, admin: Viewer, *lines: str) -> None:
    with store.as_admin(admin) as door:
        door.settings.set("access.rules", list(lines))


def test_a_guest_from_elsewhere_is_refused_and_the_denial_is_audited(
    any_store: Store, any_admin: Viewer
) -> None:
    guest = member(any_store, any_admin, "gil@example.com", "guest")
    rules(any_store, any_admin, "role=guest network=10.0.0.0/8|::1")
    for address in ("192.0.2.7", "", "nonsense"):
        with pytest.raises(Refused) as caught, any_store.as_viewer(replace(guest, address=address)):
            pass
        assert caught.value.rule == "access.condition"
    for address in ("10.1.2.3", "::ffff:10.1.2.3", "::1"):
        with any_store.as_viewer(replace(guest, address=address)) as mine:
            assert mine.viewer.email == guest.email
    with any_store.as_viewer(replace(any_admin, address="192.0.2.7")):
        pass
    with any_store.as_admin(any_admin) as door:
        found = door.audit.entries(action="access", outcome="deny").items
        assert [each.actor for each in found] == [guest.email] * 3
        assert door.audit.verify()[0]


def test_a_team_may_need_a_method(store: Store, admin: Viewer) -> None:
    bo = member(store, admin, "bo@example.com")
    with store.as_admin(admin) as door:
        door.people.add_to_team(door.people.add_team("The Finance").id, member_id=bo.member_id)
    rules(store, admin, 'team="The Finance" method=session')
    with store.as_viewer(replace(bo, method="session")):
        pass
    with pytest.raises(Refused), store.as_viewer(replace(bo, method="token")):
        pass


def test_an_admin_cannot_lock_themselves_out(store: Store, admin: Viewer) -> None:
    here = replace(admin, address="203.0.113.9")
    with store.as_admin(here) as door, pytest.raises(BadInput, match="would keep you out"):
        door.settings.set("access.rules", ["network=10.0.0.0/8"])
    with store.as_admin(here) as door:
        door.settings.set("access.rules", ["network=203.0.113.0/24"])
    away = replace(admin, address="192.0.2.1")
    with pytest.raises(Refused), store.as_admin(away):
        pass
    with store.as_admin(replace(away, surface=Surface.CLI)) as door:
        door.settings.set("access.rules", None)
    with store.as_admin(away):
        pass


@pytest.mark.parametrize(
    "line",
    ["role=guest", "role=boss network=10.0.0.0/8", "network=ten", "team=a role=guest method=session",
     "method=smoke", "colour=red method=cli", "role='guest"],
)  # fmt: skip
def test_a_rule_that_means_nothing_is_refused(line: str) -> None:
    with pytest.raises(BadInput):
        parse_conditions([line])
