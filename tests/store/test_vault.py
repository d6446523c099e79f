"""The vault: what is sealed opens in its own place and nowhere else; keys rotate; a wrong master key harms nothing."""

from __future__ import annotations

import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sqlalchemy import LargeBinary, text

from plugin.access.viewer import Viewer
from plugin.config import Config, read_config
from plugin.errors import BadInput, Misconfigured, SignInNeeded
from plugin.store import Store, open_store
from plugin.store._models import Base
from plugin.store._sealed import SEALED
from plugin.vault import Unopenable, Vault, WorkspaceVault, new_master_key, open_vault

names = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12)
places = st.tuples(st.integers(1, 5), names, names, names)


def workspace_vault(workspace_id: int, key: bytes = b"k" * 32) -> WorkspaceVault:
    return WorkspaceVault(workspace_id, {"0" * 16: key}, "0" * 16, {"1" * 16: b"m" * 32}, "1" * 16)


@given(place=places, value=st.binary(max_size=200))
def test_a_sealed_value_opens_in_its_place(place: tuple[int, str, str, str], value: bytes) -> None:
    workspace_id, table, field, row = place
    vault = workspace_vault(workspace_id)
    sealed = vault.seal(table, field, value, row=row)
    assert vault.open(table, field, sealed, row=row) == value
    assert len(value) < 8 or value not in sealed
    assert vault.seal(table, field, value, row=row) != sealed


@given(place=places, other=places, value=st.binary(max_size=50))
def test_a_value_moved_to_another_row_field_table_or_workspace_does_not_open(
    place: tuple[int, str, str, str], other: tuple[int, str, str, str], value: bytes
) -> None:
    assume(place != other)
    sealed = workspace_vault(place[0]).seal(place[1], place[2], value, row=place[3])
    with pytest.raises(Unopenable):
        workspace_vault(other[0]).open(other[1], other[2], sealed, row=other[3])


@given(value=st.binary(max_size=50), at=st.integers(0), bit=st.integers(0, 7))
def test_one_changed_bit_anywhere_does_not_open(value: bytes, at: int, bit: int) -> None:
    vault = workspace_vault(1)
    sealed = bytearray(vault.seal("t", "f", value))
    sealed[at % len(sealed)] ^= 1 << bit
    with pytest.raises(Unopenable):
        vault.open("t", "f", bytes(sealed))


@given(junk=st.binary(max_size=60))
def test_anything_else_does_not_open(junk: bytes) -> None:
    with pytest.raises(Unopenable):
        workspace_vault(1).open("t", "f", junk)


def test_a_data_key_opens_under_its_own_workspace_and_master_only() -> None:
    one, two = Vault((b"a" * 32,)), Vault((b"b" * 32,))
    key = one.new_key(1)
    with pytest.raises(Unopenable):
        one.unwrap(2, key)
    with pytest.raises(Misconfigured):
        two.unwrap(1, key)
    both = Vault((b"b" * 32, b"a" * 32))
    assert both.unwrap(1, key) == one.unwrap(1, key) == two.unwrap(1, both.rewrap(1, key))


def test_the_key_file_is_private_and_made_once(tmp_path: Path) -> None:
    first = open_vault(None, tmp_path, fresh=True)
    assert stat.S_IMODE((tmp_path / "master.key").stat().st_mode) == 0o600
    assert open_vault(None, tmp_path, fresh=False).master_id == first.master_id
    assert [each.name for each in tmp_path.iterdir()] == ["master.key"]


@pytest.mark.parametrize("bad", ["short", "not base64!", "QUJD", ","])
def test_a_malformed_master_key_stops_the_start(config: Config, bad: str) -> None:
    with pytest.raises(Misconfigured):
        open_store(replace(config, master_key=bad))


def fingerprint(home: Path) -> dict[str, bytes]:
    return {
        each.name: each.read_bytes() for each in home.iterdir() if not each.name.endswith(("-wal", "-shm"))
    }


def test_a_wrong_or_missing_master_key_stops_the_start_and_harms_nothing(
    config: Config, new_workspace: Any, home: Path
) -> None:
    store = open_store(config)
    viewer = new_workspace(store)
    with store.as_admin(viewer) as admin:
        admin.settings.set_provider_key("openai", "k" * 20)
    store.close()
    before = fingerprint(home)
    with pytest.raises(Misconfigured, match="DOCENT_MASTER_KEY"):
        open_store(replace(config, master_key=new_master_key()))
    assert fingerprint(home) == before
    (home / "master.key").rename(home / "elsewhere.key")
    with pytest.raises(Misconfigured, match="missing"):
        open_store(config)
    assert not (home / "master.key").exists()
    (home / "elsewhere.key").rename(home / "master.key")
    again = open_store(config)
    with again.secrets(viewer) as secrets:
        assert secrets.provider_key("openai") == "k" * 20
    again.close()


def test_the_master_key_rotates_in_its_file_while_another_process_works(
    config: Config, new_workspace: Any
) -> None:
    one, two = open_store(config), open_store(config)
    viewer = new_workspace(one)
    with one.as_admin(viewer) as admin:
        admin.settings.set_provider_key("openai", "k" * 20)
    old = (config.home / "master.key").read_text()
    assert "wrapped 2 workspace keys" in one.rotate_master_key()
    assert (config.home / "master.key").read_text() != old
    # The other process has loaded the old master key only, and has no data key in memory.
    with two.secrets(viewer) as secrets:
        assert secrets.provider_key("openai") == "k" * 20
    three = open_store(config)
    with three.secrets(viewer) as secrets:
        assert secrets.provider_key("openai") == "k" * 20
    for store in (one, two, three):
        store.close()
    (config.home / "master.key").write_text(old)
    with pytest.raises(Misconfigured):
        open_store(config)


def test_the_master_key_rotates_in_the_environment(home: Path, new_workspace: Any) -> None:
    old, new = new_master_key(), new_master_key()
    environ = {"DOCENT_HOME": str(home)}
    store = open_store(read_config(environ | {"DOCENT_MASTER_KEY": old}))
    viewer = new_workspace(store)
    with store.as_admin(viewer) as admin:
        admin.settings.set_provider_key("openai", "k" * 20)
    assert "put a new key" in store.rotate_master_key()
    store.close()
    store = open_store(read_config(environ | {"DOCENT_MASTER_KEY": f"{new}, {old}"}))
    assert "Wrapped 2" in store.rotate_master_key()
    store.close()
    store = open_store(read_config(environ | {"DOCENT_MASTER_KEY": new}))
    with store.secrets(viewer) as secrets:
        assert secrets.provider_key("openai") == "k" * 20
    store.close()
    assert not (home / "master.key").exists()


def test_a_workspace_key_rotates_and_everything_still_opens(any_store: Store, any_admin: Viewer) -> None:
    with any_store.as_admin(any_admin) as admin:
        admin.settings.set_provider_key("openai", "k" * 20)
        shop = admin.integrations.add("shop", "x", secrets={"password": "pw"}, query={"url": "u"})
    with any_store.as_viewer(any_admin) as mine:
        prompts = [mine.history.start(None, f"question {number}") for number in range(3)]
        mine.history.finish(prompts[0].id, answer="an answer", status="done")
        mine.history.rename(prompts[0].chat_id, "a title")
        mine.history.memory.remember("short answers")
        mine.history.templates.save("t", "text {{table}}")
        mine.record.ledger_open(
            provider="p",
            host="h",
            region="r",
            model="m",
            purpose="chat",
            body_bytes=1,
            body_sha256="0",
            manifest={},
        )
    with any_store.as_admin(any_admin) as admin:
        head = admin.ledger.head()
    said = any_store.rotate_workspace_key(any_admin)
    assert "sealed 10 values anew" in said
    with any_store.clock() as clock:
        assert clock.expire(datetime.now(UTC))["keys"] == 0
        assert clock.expire(datetime.now(UTC) + timedelta(minutes=11))["keys"] == 1
    with any_store.as_viewer(any_admin) as mine:
        assert mine.history.prompt(prompts[0].id).answer == "an answer"
        assert mine.history.chat_info(prompts[0].chat_id).title == "a title"
        assert [each.text for each in mine.history.memory.all()] == ["short answers"]
        assert mine.history.templates.all()[0].variables == ("table",)
    with any_store.secrets(any_admin) as secrets:
        assert secrets.provider_key("openai") == "k" * 20
        assert secrets.integration_secrets(shop.id) == {"password": "pw"}
        assert secrets.query_secrets(shop.id) == {"url": "u"}
    with any_store.as_admin(any_admin) as admin:
        assert admin.ledger.verify()[0] and admin.audit.verify()[0]
        assert admin.ledger.check_head(head)[0]
    with any_store._engine.connect() as connection:
        count = connection.execute(
            text("SELECT count(*) FROM workspace_keys WHERE purpose = 'seal'")
        ).scalar()
    assert count == 1


def test_every_column_of_bytes_is_sealed_or_known_not_to_be() -> None:
    open_ones = {("workspace_keys", "wrapped"), ("resources", "fingerprint")}
    bytes_columns = {
        (table.name, column.name)
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, LargeBinary)
    }
    assert bytes_columns == open_ones | {(each.model.__tablename__, each.column) for each in SEALED}


def test_a_deleted_workspace_is_gone_from_the_files_with_its_keys(
    store: Store, admin: Viewer, new_workspace: Any, home: Path
) -> None:
    other = new_workspace(store, "Other", "olga@example.com")
    with store.as_admin(admin) as door:
        door.settings.set_provider_key("openai", "k" * 20)
        door.people.add_team("Zebrafinch")
        door.people.add_member("leaver@acme.example", "viewer", "Leaver", "password-of-leaver")
    with store._engine.connect() as connection:
        wrapped = (
            connection.execute(
                text("SELECT wrapped FROM workspace_keys WHERE workspace_id = :w"), {"w": admin.workspace_id}
            )
            .scalars()
            .all()
        )
    with pytest.raises(BadInput):
        store.delete_workspace(admin, "wrong")
    receipt = store.delete_workspace(admin, admin.workspace_slug)
    assert receipt.what["workspace_keys"] == 2 and receipt.what["accounts"] == 2
    with pytest.raises(SignInNeeded), store.as_viewer(admin):
        pass
    raw = b"".join(each.read_bytes() for each in home.iterdir() if each.is_file())
    for trace in (b"Zebrafinch", b"leaver@acme.example", *wrapped):
        assert trace not in raw
    with store.as_admin(other) as door:
        assert door.audit.verify()[0]
