"""Law 7: a secret that went in comes out of no door but the one for the modules that send it, and is in no file."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

from plugin.access.viewer import Viewer
from plugin.store import Store

CANARY = "canary-" + "k3y" * 6
READS = {"all", "get", "list", "by_name", "export", "entries", "head", "verify", "members", "invitations", "teams",
         "groups", "ai", "provider_keys", "syncs", "query_permissions", "profile", "tokens", "sessions", "workspaces",
         "query_integrations", "admins", "prompts", "chats", "actions", "by_day", "by_model", "by_member"}  # fmt: skip


def plant(store: Store, admin: Viewer) -> tuple[int, str]:
    """Put the canary wherever a secret may go."""
    with store.as_admin(admin) as door:
        for provider in ("openai", "anthropic", "openai_compatible"):
            door.settings.set_provider_key(provider, CANARY)
        added = door.integrations.add("shop", "postgres", secrets={"password": CANARY}, query={"url": CANARY})
        door.integrations.update(added.id, secrets={"ssl_key": CANARY})
        door.integrations.set_query_credential(added.id, {"url": CANARY, "password": CANARY})
        door.pushes.set_credential(added.id, {"url": CANARY, "password": CANARY})
    with store.as_viewer(admin) as mine:
        mine.me.create_token("t")
    return added.id, "shop"


def everything(door: Any, integration_id: int) -> str:
    """What every reading method of every part of a door returns, as text."""
    seen = []
    for part_name, _ in inspect.getmembers(type(door)):
        if part_name.startswith("_") or part_name in (
            "catalog",
            "edits",
            "hosts",
            "evidence",
            "viewer",
            "break_glass",
            "queries",
        ):
            continue
        part = getattr(door, part_name)
        for name, method in inspect.getmembers(part, callable):
            if name not in READS:
                continue
            wanted = [p for p in inspect.signature(method).parameters.values() if p.default is p.empty]
            given = {"integration_id": integration_id, "name": "shop", "key": "ai.provider"}
            result = method(*(given[p.name] for p in wanted))
            seen.append(f"{part_name}.{name}: {list(result) if inspect.isgenerator(result) else result!r}")
    assert len(seen) > 10
    return "\n".join(seen)


def test_no_door_gives_a_secret_back(any_store: Store, any_admin: Viewer) -> None:
    integration_id, _ = plant(any_store, any_admin)
    with any_store.as_admin(any_admin) as door:
        assert CANARY not in everything(door, integration_id)
    with any_store.as_viewer(any_admin) as mine:
        assert CANARY not in everything(mine, integration_id)
    with any_store.secrets(any_admin) as secrets:
        assert secrets.integration_secrets(integration_id) == {"password": CANARY, "ssl_key": CANARY}
        assert secrets.push_secrets(integration_id) == {"url": CANARY, "password": CANARY}


def test_no_file_holds_a_secret_in_the_clear(store: Store, admin: Viewer, home: Path) -> None:
    plant(store, admin)
    raw = b"".join(each.read_bytes() for each in home.iterdir() if each.is_file())
    assert CANARY.encode() not in raw


def test_a_secret_moved_to_another_integration_does_not_open(store: Store, admin: Viewer) -> None:
    import pytest
    from sqlalchemy import text

    from plugin.vault import Unopenable

    plant(store, admin)
    with store.as_admin(admin) as door:
        other = door.integrations.add("mallory", "postgres", secrets={"password": "x"})
    with store._engine.begin() as connection:
        connection.execute(
            text(
                "UPDATE integrations SET sealed_secrets = (SELECT sealed_secrets FROM integrations WHERE name = 'shop') "
                "WHERE name = 'mallory'"
            )
        )
    with pytest.raises(Unopenable), store.secrets(admin) as secrets:
        secrets.integration_secrets(other.id)


def test_errors_do_not_quote_a_secret(store: Store, admin: Viewer) -> None:
    import pytest

    from plugin.errors import DocentError

    with store.as_admin(admin) as door:
        for attempt in (
            lambda: door.settings.set_provider_key("openai", CANARY + " two"),
            lambda: door.settings.set_provider_key("nobody", CANARY),
            lambda: door.settings.set("ai.base_url", f"https://u:{CANARY}@llm.example.com/"),
        ):
            with pytest.raises(DocentError) as caught:
                attempt()
            assert CANARY not in str(caught.value)
