"""Signing in: passwords, sessions that are on the server and end, tokens, invitations, the command line's member."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from werkzeug.security import check_password_hash, generate_password_hash

from plugin.access.viewer import Role, Surface, Viewer
from plugin.errors import BadInput, Conflict, NotFound, SignInNeeded
from plugin.store import Store

PASSWORD = "correct horse battery"


def session(store: Store, email: str = "ada@example.com") -> str:
    with store.sign_in() as door:
        return door.create_session(door.password(email, PASSWORD), agent="Firefox")


def shift(store: Store, table: str, column: str, by: timedelta) -> None:
    """Move a moment of every row into the past."""
    with store._engine.begin() as connection:
        moved = (datetime.now(UTC) - by).replace(tzinfo=None).isoformat(" ")
        connection.execute(text(f"UPDATE {table} SET {column} = :at"), {"at": moved})


def test_a_password_opens_a_session_whatever_the_case_of_the_address(
    any_store: Store, any_admin: Viewer
) -> None:
    with any_store.sign_in() as door:
        secret = door.create_session(door.password("  ADA@Example.com ", PASSWORD))
        viewer = door.viewer_for_session(secret)
    assert (viewer.member_id, viewer.role, viewer.surface) == (any_admin.member_id, Role.ADMIN, Surface.PAGE)
    assert viewer.workspace_slug == "acme"


def test_a_wrong_password_and_an_unknown_address_look_alike(
    store: Store, admin: Viewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To whoever holds a watch, too: what takes the time of a sign-in, the hash, is computed once for either."""
    real, hashed, said, spent = hashlib.scrypt, [], [], []

    def scrypt(password: bytes, **cost: Any) -> bytes:
        hashed.append({name: cost[name] for name in ("n", "r", "p")})
        return real(password, **cost)

    monkeypatch.setattr(hashlib, "scrypt", scrypt)
    with store.sign_in() as door, pytest.raises(SignInNeeded):
        door.password(
            "first@example.com", "wrong"
        )  # makes, once a process, the hash that no password matches
    for email in ("ada@example.com", "nobody@example.com"):
        hashed.clear()
        with store.sign_in() as door, pytest.raises(SignInNeeded) as caught:
            door.password(email, "wrong")
        said.append(str(caught.value))
        spent.append(list(hashed))
    assert said[0] == said[1]
    assert len(spent[0]) == 1 and spent[0] == spent[1]


def test_secrets_are_stored_hashed(store: Store, admin: Viewer) -> None:
    cookie = session(store)
    with store.as_viewer(admin) as mine:
        _, token = mine.me.create_token("t")
    with store.as_admin(admin) as door:
        _, link = door.people.invite("new@example.com", "viewer")
    assert token.startswith("dct_") and len({cookie, token, link}) == 3
    raw = store._engine.raw_connection()
    dump = "\n".join(raw.iterdump())  # type: ignore[attr-defined]
    raw.close()
    for secret in (cookie, token, link, PASSWORD):
        assert secret not in dump
    assert "scrypt:" in dump


def test_a_password_of_an_older_setting_is_hashed_anew_when_it_is_given(
    any_store: Store, any_admin: Viewer
) -> None:
    older = generate_password_hash(PASSWORD, method="scrypt:512:8:1")

    def kept() -> str:
        with any_store._engine.begin() as connection:
            return str(connection.scalar(text("SELECT password_hash FROM accounts")))

    with any_store._engine.begin() as connection:
        connection.execute(text("UPDATE accounts SET password_hash = :older"), {"older": older})
    with pytest.raises(SignInNeeded), any_store.sign_in() as door:
        door.password("ada@example.com", PASSWORD + "!")
    assert kept() == older
    with any_store.sign_in() as door:
        door.password("ada@example.com", PASSWORD)
    anew = kept()
    assert anew != older and check_password_hash(anew, PASSWORD)
    with any_store.sign_in() as door:
        door.password("ada@example.com", PASSWORD)
    assert kept() == anew, "once is enough"


def test_passwords_cost_what_the_cheat_sheet_asks() -> None:
    # The tests' own accounts are hashed cheaply (tests/conftest.py); what an installation does is read from a process.
    said = subprocess.run(
        [sys.executable, "-c", "from plugin.store._people import hash_password; print(hash_password('long enough'))"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    _, n, r, p = said.stdout.split("$")[0].split(":")
    assert int(n) * int(r) * int(p) >= 2**14 * 8 * 5 and int(n) >= 2**14


def test_sessions_end_idle_absolutely_on_sign_out_and_at_rotation(
    any_store: Store, any_admin: Viewer
) -> None:
    def alive(secret: str) -> bool:
        with any_store.sign_in() as door:
            try:
                door.viewer_for_session(secret)
            except SignInNeeded:
                return False
            return True

    secret = session(any_store)
    with any_store.sign_in() as door:
        fresh = door.rotate_session(secret)
    assert alive(fresh) and not alive(secret) and not alive("") and not alive("x" * 43)
    with any_store.sign_in() as door:
        door.end_session(fresh)
    assert not alive(fresh)
    idle = session(any_store)
    shift(any_store, "sessions", "last_used", timedelta(hours=13))
    assert not alive(idle)
    old = session(any_store)
    shift(any_store, "sessions", "expires", timedelta(seconds=1))
    assert not alive(old)
    with any_store.clock() as clock:
        assert clock.expire(datetime.now(UTC))["sessions"] == 2


def test_a_password_change_ends_the_other_sessions(store: Store, admin: Viewer) -> None:
    here, elsewhere = session(store), session(store)
    with store.as_viewer(admin) as mine:
        assert len(mine.me.sessions()) == 2
        from plugin.errors import Refused

        with pytest.raises(Refused):
            mine.me.change_password("wrong", "another good one")
        with pytest.raises(BadInput):
            mine.me.change_password(PASSWORD, "short")
        mine.me.change_password(PASSWORD, "another good one", keep=here)
    with store.sign_in() as door:
        door.viewer_for_session(here)
        with pytest.raises(SignInNeeded):
            door.viewer_for_session(elsewhere)
        with pytest.raises(SignInNeeded):
            door.password("ada@example.com", PASSWORD)
        door.password("ada@example.com", "another good one")


def test_tokens_carry_their_scopes_expire_and_are_revoked(any_store: Store, any_admin: Viewer) -> None:
    with any_store.as_viewer(any_admin) as mine:
        token, secret = mine.me.create_token("ci", ["read", "ask"], 5)
        assert token.scopes == ("read", "ask") and token.expires is not None
        for scopes, days in ((["fly"], 5), ([], 5), (["read"], 0), (["read"], 367)):
            with pytest.raises(BadInput):
                mine.me.create_token("x", scopes, days)
    with any_store.sign_in() as door:
        viewer = door.viewer_for_token(secret)
        assert viewer.scopes == {"read", "ask"} and not viewer.is_admin and viewer.surface is Surface.API
        for wrong in ("", "dct_", secret[:-1], secret.removeprefix("dct_"), secret.upper()):
            with pytest.raises(SignInNeeded):
                door.viewer_for_token(wrong)
    with any_store.as_viewer(any_admin) as mine:
        mine.me.revoke_token(token.id)
        with pytest.raises(NotFound):
            mine.me.revoke_token(token.id)
        _, second = mine.me.create_token("ci")
    with any_store.sign_in() as door, pytest.raises(SignInNeeded):
        door.viewer_for_token(secret)
    shift(any_store, "api_tokens", "expires", timedelta(seconds=1))
    with any_store.sign_in() as door, pytest.raises(SignInNeeded):
        door.viewer_for_token(second)


def test_one_member_cannot_touch_anothers_tokens_or_sessions(store: Store, admin: Viewer) -> None:
    with store.as_admin(admin) as door:
        door.people.add_member("bo@example.com", "viewer", "Bo", PASSWORD)
    with store.sign_in() as door:
        other = door.viewer_for_email(None, "bo@example.com")
    session(store)
    with store.as_viewer(admin) as mine:
        token, _ = mine.me.create_token("t")
        [mine_session] = mine.me.sessions()
    with store.as_viewer(other) as mine:
        assert mine.me.tokens() == () and mine.me.sessions() == ()
        with pytest.raises(NotFound):
            mine.me.revoke_token(token.id)
        with pytest.raises(NotFound):
            mine.me.end_session(mine_session.id)


def test_an_invitation_is_good_once_for_its_time_and_its_teams(any_store: Store, any_admin: Viewer) -> None:
    with any_store.as_admin(any_admin) as door:
        door.people.add_team("Finance", private=True)
        invitation, secret = door.people.invite("New@Example.com", Role.EDITOR, ("finance",))
        assert (invitation.email, invitation.teams) == ("new@example.com", ("Finance",))
        with pytest.raises(NotFound):
            door.people.invite("x@example.com", "viewer", ("no such",))
        with pytest.raises(Conflict):
            door.people.invite(any_admin.email, "viewer")
    with any_store.sign_in() as door:
        assert door.invitation(secret)[0] == "new@example.com"
        with pytest.raises(BadInput):
            door.accept_invitation(secret, "New", "short")
    with any_store.sign_in() as door:
        account = door.accept_invitation(secret, "New Person", "a long password")
        viewer = door.viewer_for_session(door.create_session(account))
    assert viewer.role is Role.EDITOR and viewer.name == "New Person"
    with any_store.as_viewer(viewer) as mine:
        assert mine.me.profile().teams == ("Finance", "General")
    with any_store.sign_in() as door, pytest.raises(SignInNeeded):
        door.accept_invitation(secret, "Again", "a long password")
    with any_store.as_admin(any_admin) as door:
        assert door.people.invitations() == ()
        _, first = door.people.invite("late@example.com", "viewer")
        _, late = door.people.invite("late@example.com", "viewer")
        assert len(door.people.invitations()) == 1
    with any_store.sign_in() as door, pytest.raises(SignInNeeded):
        door.invitation(first)
    shift(any_store, "invitations", "expires", timedelta(seconds=1))
    with any_store.sign_in() as door, pytest.raises(SignInNeeded):
        door.accept_invitation(late, "Late", "a long password")


def test_an_invited_account_keeps_its_password(any_store: Store, new_workspace: Any) -> None:
    one = new_workspace(any_store, "One", "ada@example.com")
    two = new_workspace(any_store, "Two", "olga@example.com")
    with any_store.as_admin(two) as door:
        _, secret = door.people.invite("ada@example.com", "viewer")
    with any_store.sign_in() as door, pytest.raises(SignInNeeded):
        door.accept_invitation(secret, "Mallory", "a stolen link")
    with any_store.sign_in() as door:
        account = door.accept_invitation(secret, "Ignored", PASSWORD)
    assert account.name == "Ada Admin"
    with any_store.as_viewer(one) as mine:
        assert [each.slug for each in mine.me.workspaces()] == ["one", "two"]
    cookie = session(any_store)
    with any_store.sign_in() as door:
        moved = door.switch_workspace(cookie, two.workspace_id)
        assert door.viewer_for_session(moved).workspace_slug == "two"
        with pytest.raises(SignInNeeded):
            door.viewer_for_session(cookie)
        with pytest.raises(NotFound):
            door.switch_workspace(moved, 999)
    # An admin of one of the workspaces cannot take the account over.
    from plugin.errors import Refused

    with any_store.as_admin(two) as door:
        ada = next(each for each in door.people.members() if each.email == "ada@example.com")
        with pytest.raises(Refused):
            door.people.set_password(ada.id, "taken over now")


def test_workspaces_have_one_short_name_each(any_store: Store, any_admin: Viewer) -> None:
    with any_store.sign_in() as door:
        with pytest.raises(Conflict):
            door.create_workspace("ACME", "x@example.com", PASSWORD)
        for name, email, password in (
            ("!!!", "x@example.com", PASSWORD),
            ("New", "no address", PASSWORD),
            ("New", "x@example.com", "short"),
            ("New", "x@example.com", None),
        ):
            with pytest.raises(BadInput):
                door.create_workspace(name, email, password)
    with any_store.sign_in() as door:
        made = door.create_workspace("Überblick & Söhne", "ada@example.com")
        assert made.slug == "uberblick-sohne"
        assert [each.slug for each in door.workspaces()] == ["acme", "uberblick-sohne"]


def test_the_command_lines_member(any_store: Store, any_admin: Viewer, new_workspace: Any) -> None:
    with any_store.sign_in() as door:
        assert door.viewer_for_email(None, None) == door.viewer_for_email("ACME", "ada@EXAMPLE.com")
        for slug, email in (("other", None), (None, "nobody@example.com")):
            with pytest.raises(NotFound):
                door.viewer_for_email(slug, email)
    new_workspace(any_store, "Second", "olga@example.com")
    with any_store.sign_in() as door, pytest.raises(BadInput, match="--workspace"):
        door.viewer_for_email(None, None)


def test_no_workspace_is_said_plainly(store: Store) -> None:
    with store.sign_in() as door, pytest.raises(NotFound, match="docent init"):
        door.viewer_for_email(None, None)
