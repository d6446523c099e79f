"""The doors: who gets in, what each role may do there, and that a right taken away is gone at the next door."""

from __future__ import annotations

import threading

import pytest

from plugin.access.viewer import Role, Viewer
from plugin.errors import BadInput, Conflict, NotFound, Refused, SignInNeeded
from plugin.store import Store

PASSWORD = "correct horse battery"


def member(store: Store, admin: Viewer, email: str, role: Role) -> Viewer:
    with store.as_admin(admin) as door:
        door.people.add_member(email, role, name=email.split("@")[0].title(), password=PASSWORD)
    with store.sign_in() as door:
        return door.viewer_for_email(admin.workspace_slug, email)


@pytest.mark.parametrize("role", [Role.EDITOR, Role.VIEWER, Role.GUEST])
def test_only_admins_open_the_admin_door(any_store: Store, any_admin: Viewer, role: Role) -> None:
    viewer = member(any_store, any_admin, "bo@example.com", role)
    with pytest.raises(Refused) as caught, any_store.as_admin(viewer):
        pass
    assert caught.value.rule == "admin"
    with any_store.as_admin(any_admin) as door:
        assert len(door.people.members()) == 2


def test_a_role_that_was_taken_away_is_gone_at_the_next_door(any_store: Store, any_admin: Viewer) -> None:
    second = member(any_store, any_admin, "bo@example.com", Role.ADMIN)
    with any_store.as_admin(second) as door:
        door.people.set_role(second.member_id, Role.VIEWER)
    with pytest.raises(Refused), any_store.as_admin(second):
        pass
    with any_store.as_viewer(second) as mine:
        assert mine.viewer.role is Role.VIEWER


def test_a_token_without_the_admin_scope_does_not_open_the_admin_door(store: Store, admin: Viewer) -> None:
    with store.as_viewer(admin) as mine:
        _, secret = mine.me.create_token("reader", ["read"], 3)
    with store.sign_in() as door:
        viewer = door.viewer_for_token(secret)
    assert viewer.scopes == {"read"}
    with pytest.raises(Refused), store.as_admin(viewer):
        pass
    with store.as_viewer(viewer) as mine, pytest.raises(Refused):
        mine.me.create_token("more", ["read", "admin"], 3)


def test_a_disabled_member_is_shut_out_of_every_door(any_store: Store, any_admin: Viewer) -> None:
    viewer = member(any_store, any_admin, "bo@example.com", Role.VIEWER)
    with any_store.sign_in() as door:
        cookie = door.create_session(door.password("bo@example.com", PASSWORD))
    with any_store.as_viewer(viewer) as mine:
        _, token = mine.me.create_token("t")
    with any_store.as_admin(any_admin) as door:
        door.people.disable(viewer.member_id)
    with pytest.raises(SignInNeeded), any_store.as_viewer(viewer):
        pass
    for credential in ("viewer_for_session", "viewer_for_token"):
        with any_store.sign_in() as door, pytest.raises(SignInNeeded):
            getattr(door, credential)(cookie if credential.endswith("session") else token)
    with any_store.as_admin(any_admin) as door:
        door.people.enable(viewer.member_id)
    with any_store.as_viewer(viewer):
        pass


def test_a_member_of_another_workspace_is_nobody_here(any_store: Store, new_workspace: object) -> None:
    one = new_workspace(any_store, "One", "ada@one.example")  # type: ignore[operator]
    two = new_workspace(any_store, "Two", "ada@two.example")  # type: ignore[operator]
    forged = Viewer(one.workspace_id, two.member_id, Role.ADMIN, two.email, two.name)
    with pytest.raises(SignInNeeded), any_store.as_viewer(forged):
        pass
    with any_store.as_admin(two) as door:
        team = door.people.add_team("Secret", private=True)
        added = door.integrations.add("shop", "sqlite")
    with any_store.as_admin(one) as door:
        assert [each.name for each in door.people.teams()] == ["General"]
        for attempt in (
            lambda: door.people.set_private(team.id, False),
            lambda: door.people.set_role(two.member_id, Role.VIEWER),
            lambda: door.people.add_to_team(team.id, member_id=one.member_id),
            lambda: door.integrations.get(added.id),
            lambda: door.integrations.start_sync(added.id),
            lambda: door.integrations.grant_query(added.id, "member", one.member_id),
        ):
            with pytest.raises(NotFound):
                attempt()
    with pytest.raises(NotFound), any_store.ingest(one.workspace_id, added.id):
        pass
    with pytest.raises(NotFound), any_store.secrets(one) as secrets:
        secrets.integration_secrets(added.id)


def test_the_last_admin_stays(any_store: Store, any_admin: Viewer) -> None:
    with any_store.as_admin(any_admin) as door:
        for attempt in (
            lambda: door.people.set_role(any_admin.member_id, Role.EDITOR),
            lambda: door.people.disable(any_admin.member_id),
            lambda: door.people.remove(any_admin.member_id),
        ):
            with pytest.raises(Refused):
                attempt()


def test_everybody_but_guests_is_in_general(store: Store, admin: Viewer) -> None:
    guest = member(store, admin, "gus@example.com", Role.GUEST)
    viewer = member(store, admin, "vi@example.com", Role.VIEWER)
    with store.as_viewer(guest) as mine:
        assert mine.me.teams() == ()
        with pytest.raises(Refused):
            mine.me.join(1)
    with store.as_viewer(viewer) as mine:
        assert [team.name for team in mine.me.teams() if team.joined] == ["General"]


def test_private_teams_are_unknown_to_outsiders_and_public_ones_can_be_joined(
    store: Store, admin: Viewer
) -> None:
    viewer = member(store, admin, "vi@example.com", Role.VIEWER)
    with store.as_admin(admin) as door:
        private, public = door.people.add_team("Hidden", private=True), door.people.add_team("Open")
        with pytest.raises(Conflict):
            door.people.add_team("open")
    with store.as_viewer(viewer) as mine:
        assert [team.name for team in mine.me.teams()] == ["General", "Open"]
        with pytest.raises(NotFound) as hidden:
            mine.me.join(private.id)
        with pytest.raises(NotFound) as absent:
            mine.me.join(999_999)
        assert str(hidden.value) == str(absent.value)
        mine.me.join(public.id)
    with store.as_viewer(viewer) as mine:
        assert [team.name for team in mine.me.teams() if team.joined] == ["General", "Open"]
        mine.me.leave(public.id)
    with store.as_admin(admin) as door:
        door.people.add_to_team(public.id, member_id=viewer.member_id, lowered=True)
    with store.as_viewer(viewer) as mine, pytest.raises(Refused):
        mine.me.leave(public.id)


def test_groups_carry_their_members_into_teams_and_query_permission(
    any_store: Store, any_admin: Viewer
) -> None:
    viewer = member(any_store, any_admin, "vi@example.com", Role.VIEWER)
    with any_store.as_admin(any_admin) as door:
        group = door.people.add_group("Analysts")
        team = door.people.add_team("Finance", private=True)
        shop = door.integrations.add("shop", "sqlite")
        door.people.add_to_group(group.id, viewer.member_id)
        door.people.add_to_team(team.id, group_id=group.id)
        door.integrations.grant_query(shop.id, "group", group.id)
        assert {team.name: team.members for team in door.people.teams()} == {"General": 2, "Finance": 1}
        subjects = [(each.subject, each.name) for each in door.integrations.query_permissions(shop.id)]
        assert subjects == [("role", "admin"), ("group", "Analysts")]
    with any_store.as_viewer(viewer) as mine:
        assert "Finance" in mine.me.profile().teams
        assert mine.me.can_query(shop.id)
        assert [each.name for each in mine.me.query_integrations()] == ["shop"]
        assert mine.me.query_integrations()[0].settings == {}
    with any_store.as_admin(any_admin) as door:
        door.people.remove_from_group(group.id, viewer.member_id)
    with any_store.as_viewer(viewer) as mine:
        assert not mine.me.can_query(shop.id)
        assert "Finance" not in mine.me.profile().teams


def test_guests_never_run_sql_whatever_was_granted(store: Store, admin: Viewer) -> None:
    guest = member(store, admin, "gus@example.com", Role.GUEST)
    with store.as_admin(admin) as door:
        shop = door.integrations.add("shop", "sqlite")
        door.integrations.grant_query(shop.id, "member", guest.member_id)
    with store.as_viewer(guest) as mine:
        assert not mine.me.can_query(shop.id)
    with store.as_viewer(admin) as mine:
        assert mine.me.can_query(shop.id)


def test_integrations_keep_secrets_to_themselves(any_store: Store, any_admin: Viewer) -> None:
    with any_store.as_admin(any_admin) as door:
        added = door.integrations.add(
            "shop", "postgres", {"host": "db"}, {"keep_stale": True},
            secrets={"password": "s3cret"}, query={"url": "postgresql://q:pw@db/x"}, schedule="0 3 * * *",
        )  # fmt: skip
        assert "s3cret" not in repr(added) and "q:pw" not in repr(added)
        assert added.secret_names == ("password",) and added.has_query_credential
        assert added.options["keep_stale"] is True and added.options["import_mode"] == "smart"
        with pytest.raises(Conflict):
            door.integrations.add("SHOP", "postgres")
        with pytest.raises(BadInput, match="smart"):
            door.integrations.update(added.id, options={"import_mode": "maybe"})
        with pytest.raises(BadInput, match="cron"):
            door.integrations.set_schedule(added.id, "every day")
        door.integrations.update(added.id, secrets={"token": "t0ken"})
    with any_store.secrets(any_admin) as secrets:
        assert secrets.integration_secrets(added.id) == {"password": "s3cret", "token": "t0ken"}
        assert secrets.query_secrets(added.id) == {"url": "postgresql://q:pw@db/x"}
    with any_store.as_admin(any_admin) as door:
        door.integrations.set_query_credential(added.id, None)
        log = [(each.action, each.detail) for each in door.audit.entries(action="integration")]
        assert "s3cret" not in repr(log) and "t0ken" not in repr(log)
    with any_store.secrets(any_admin) as secrets:
        assert secrets.query_secrets(added.id) is None


def test_syncs_run_one_at_a_time_and_can_be_cancelled(any_store: Store, any_admin: Viewer) -> None:
    with any_store.as_admin(any_admin) as door:
        shop = door.integrations.add("shop", "sqlite")
        first = door.integrations.start_sync(shop.id)
        with pytest.raises(Conflict):
            door.integrations.start_sync(shop.id)
    workspace = any_admin.workspace_id
    with any_store.syncs(workspace) as syncs:
        assert syncs.start(first.id).status == "running"
        assert not syncs.progress(first.id, "reading", seen=10, total=20)
    with any_store.as_admin(any_admin) as door:
        assert door.integrations.sync(first.id).seen == 10
        assert door.integrations.get(shop.id).state == "syncing"
        door.integrations.cancel_sync(first.id)
    with any_store.syncs(workspace) as syncs:
        assert syncs.progress(first.id, "reading", seen=12)
        assert syncs.finish(first.id, "cancelled").status == "cancelled"
    with any_store.as_admin(any_admin) as door:
        second = door.integrations.start_sync(shop.id, full=True)
        assert second.full
    with any_store.syncs(workspace) as syncs:
        syncs.start(second.id)
        syncs.finish(second.id, "failed", errors=["no route to host"])
    with any_store.as_admin(any_admin) as door:
        found = door.integrations.get(shop.id)
        assert (found.state, found.last_error) == ("failed", "no route to host")
        assert [each.status for each in door.integrations.syncs(shop.id)] == ["failed", "cancelled"]
        assert door.audit.verify()[0]


def test_removing_an_integration_removes_its_permissions_and_syncs(
    any_store: Store, any_admin: Viewer
) -> None:
    with any_store.as_admin(any_admin) as door:
        shop = door.integrations.add("shop", "sqlite")
        door.integrations.start_sync(shop.id)
        door.integrations.grant_query(shop.id, "member", any_admin.member_id)
        door.people.grant(door.people.teams()[0].id, shop.id)
    with any_store.as_admin(any_admin) as door:
        assert [grant.integration for grant in door.people.grants(door.people.teams()[0].id)] == ["shop"]
        door.integrations.remove(shop.id)
    with any_store.as_admin(any_admin) as door:
        assert door.integrations.list() == ()
        assert door.integrations.syncs() == ()
        assert door.people.grants(door.people.teams()[0].id) == ()


def test_a_door_that_fails_changes_nothing(any_store: Store, any_admin: Viewer) -> None:
    with pytest.raises(ZeroDivisionError), any_store.as_admin(any_admin) as door:
        door.people.add_team("Ghost")
        raise ZeroDivisionError
    with any_store.as_admin(any_admin) as door:
        assert [team.name for team in door.people.teams()] == ["General"]
        assert door.audit.verify()[0]


def test_a_hundred_threads_write_at_once(any_store: Store, any_admin: Viewer) -> None:
    errors: list[BaseException] = []
    gate = threading.Barrier(100)

    def ask(number: int) -> None:
        try:
            gate.wait()
            with any_store.as_viewer(any_admin) as mine:
                mine.policy.ai()
                prompt = mine.history.start(None, f"question {number}")
            with any_store.as_viewer(any_admin) as mine:
                seq = mine.record.ledger_open(
                    provider="openai", host="h", region="us", model="m", purpose="chat",
                    body_bytes=1, body_sha256="0" * 64, manifest={}, chat_id=prompt.chat_id, prompt_id=prompt.id,
                )  # fmt: skip
            with any_store.as_viewer(any_admin) as mine:
                mine.record.ledger_close(seq, "done", input_tokens=1, output_tokens=1)
                mine.history.finish(prompt.id, answer="a", status="done")
                mine.record.audit("ask", "allow")
        except BaseException as error:  # noqa: BLE001 - a thread's error is looked at by the test
            errors.append(error)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with any_store.as_admin(any_admin) as door:
        assert door.ledger.verify() == (True, door.ledger.verify()[1])
        assert door.audit.verify()[0]
        assert len(door.ledger.entries(limit=200)) == 100
