"""Sealing and opening of secrets: the only place where a secret is in the clear. Keeps law 7.

Each workspace has data keys; a data key seals values (AES-256-GCM, a fresh 96-bit nonce each). The operator's master
key wraps the data keys. What is sealed is bound to its workspace, table, field and, where given, row: a value moved
elsewhere does not open. A sealed value is `version | length of key id | key id | nonce | ciphertext and tag`.

Enters: the master keys (DOCENT_MASTER_KEY, newest first, or the key file in DOCENT_HOME). Leaves: sealed bytes, and
opened values to callers in `plugin/store`. Raises Misconfigured for a master key that is missing, malformed or wrong,
Unopenable for a sealed value that was altered, moved or belongs to a destroyed key.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from plugin.errors import DocentError, Misconfigured

VERSION = b"\x01"
NONCE = 12
KEY_FILE = "master.key"


class Unopenable(DocentError):
    """A sealed value does not open: it was altered or moved, or its key is gone."""


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A data key as the database holds it."""

    key_id: str
    wrapped: bytes
    master_id: str


class Vault:
    """The master keys. Wraps and unwraps data keys; holds none of a workspace's secrets."""

    def __init__(self, masters: tuple[bytes, ...]) -> None:
        """`masters`: keys of 32 bytes, newest first; the first wraps, all unwrap."""
        self._masters = {_master_id(key): key for key in masters}
        self._newest = _master_id(masters[0])

    @property
    def master_id(self) -> str:
        """Which master key wraps now: a fingerprint, not the key."""
        return self._newest

    def derived(self, purpose: str) -> bytes:
        """A key of 32 bytes of its own for a purpose, the same in every process that has the newest master key."""
        info = b"docent " + purpose.encode()
        return HKDF(SHA256(), 32, salt=None, info=info).derive(self._masters[self._newest])

    def knows(self, master_id: str) -> bool:
        """Is that master key at hand?"""
        return master_id in self._masters

    def new_key(self, workspace_id: int) -> WrappedKey:
        """Make a data key for a workspace and wrap it."""
        return self._wrap(workspace_id, secrets.token_hex(8), secrets.token_bytes(32))

    def rewrap(self, workspace_id: int, key: WrappedKey) -> WrappedKey:
        """The same data key under the newest master key."""
        return self._wrap(workspace_id, key.key_id, self.unwrap(workspace_id, key))

    def unwrap(self, workspace_id: int, key: WrappedKey) -> bytes:
        """The data key itself. Misconfigured where the master key that wrapped it is not at hand."""
        master = self._masters.get(key.master_id)
        if master is None:
            raise Misconfigured(
                f"the database's keys are wrapped by master key {key.master_id}, which was not given; "
                "set DOCENT_MASTER_KEY to the key this database was made with"
            )
        nonce, ciphertext = key.wrapped[:NONCE], key.wrapped[NONCE:]
        try:
            return AESGCM(master).decrypt(nonce, ciphertext, _key_place(workspace_id, key.key_id))
        except InvalidTag as error:
            raise Unopenable("a workspace's data key does not open; it was altered or moved") from error

    def _wrap(self, workspace_id: int, key_id: str, key: bytes) -> WrappedKey:
        nonce = os.urandom(NONCE)
        wrapped = AESGCM(self._masters[self._newest]).encrypt(nonce, key, _key_place(workspace_id, key_id))
        return WrappedKey(key_id, nonce + wrapped, self._newest)


class WorkspaceVault:
    """Seals and opens the values of one workspace."""

    def __init__(
        self,
        workspace_id: int,
        keys: Mapping[str, bytes],
        current: str,
        mark_keys: Mapping[str, bytes],
        marking: str,
    ) -> None:
        """`keys`: data keys by id, of which `current` seals; `mark_keys`: those of marks, `marking` makes them."""
        self._workspace_id = workspace_id
        self._keys = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._mark_keys = dict(mark_keys)
        self.current = current
        self._marking = marking

    def seal(self, table: str, field: str, value: bytes, *, row: str | int = "") -> bytes:
        """Seal bytes for their place."""
        nonce = os.urandom(NONCE)
        place = self._place(table, field, row)
        ciphertext = self._keys[self.current].encrypt(nonce, value, place)
        return sealed_prefix(self.current) + nonce + ciphertext

    def open(self, table: str, field: str, sealed: bytes, *, row: str | int = "") -> bytes:
        """Open what `seal` made for that very place; Unopenable otherwise."""
        key_id, rest = _split(sealed)
        key = self._keys.get(key_id)
        if key is None or len(rest) < NONCE:
            raise Unopenable("a sealed value cannot be opened: its key is gone")
        try:
            return key.decrypt(rest[:NONCE], rest[NONCE:], self._place(table, field, row))
        except InvalidTag as error:
            raise Unopenable("a sealed value cannot be opened: it was altered or moved") from error

    def seal_text(self, table: str, field: str, value: str, *, row: str | int = "") -> bytes:
        """Seal a text."""
        return self.seal(table, field, value.encode(), row=row)

    def open_text(self, table: str, field: str, sealed: bytes, *, row: str | int = "") -> str:
        """Open a text."""
        return self.open(table, field, sealed, row=row).decode()

    def seal_json(self, table: str, field: str, value: Any, *, row: str | int = "") -> bytes:
        """Seal a JSON value."""
        return self.seal_text(table, field, json.dumps(value, separators=(",", ":"), default=str), row=row)

    def open_json(self, table: str, field: str, sealed: bytes, *, row: str | int = "") -> Any:
        """Open a JSON value."""
        return json.loads(self.open(table, field, sealed, row=row))

    def mark(self, purpose: str, value: str) -> str:
        """A keyed mark (HMAC-SHA-256) over a text, with the id of the key that made it: `keyid.hex`."""
        return f"{self._marking}.{self._hmac(self._marking, purpose, value)}"

    def mark_holds(self, purpose: str, value: str, mark: str) -> bool:
        """Was `mark` made by this workspace for that text? False too where its key is gone."""
        key_id, _, _ = mark.partition(".")
        if key_id not in self._mark_keys:
            return False
        return hmac.compare_digest(mark, f"{key_id}.{self._hmac(key_id, purpose, value)}")

    def derived(self, purpose: str, value: str) -> bytes:
        """32 bytes of this workspace's own for a purpose and a value: the same each time, and stored nowhere."""
        message = f"{self._workspace_id}\0derived\0{purpose}\0{value}".encode()
        return hmac.new(self._mark_keys[self._marking], message, hashlib.sha256).digest()

    def _hmac(self, key_id: str, purpose: str, value: str) -> str:
        message = f"{self._workspace_id}\0{purpose}\0{value}".encode()
        return hmac.new(self._mark_keys[key_id], message, hashlib.sha256).hexdigest()

    def _place(self, table: str, field: str, row: str | int) -> bytes:
        return json.dumps(["docent", self._workspace_id, table, field, str(row)]).encode()


def sealed_prefix(key_id: str) -> bytes:
    """How every value begins that a key sealed."""
    return VERSION + bytes([len(key_id)]) + key_id.encode()


def open_vault(master_key: str | None, home: Path, *, fresh: bool) -> Vault:
    """Load the master keys from `master_key` (the environment's value) or from the key file in `home`.

    `fresh`: the database holds no wrapped key yet, so a key file may be made. Misconfigured otherwise, since a new
    key could open nothing.
    """
    if master_key:
        return Vault(tuple(_decode(part.strip(), "DOCENT_MASTER_KEY") for part in master_key.split(",")))
    path = home / KEY_FILE
    if path.exists():
        lines = path.read_text().split()
        if not lines:
            raise Misconfigured(f"the key file {path} is empty; put back the one this database was made with")
        return Vault(tuple(_decode(line, f"the key file {path}") for line in lines))
    if not fresh:
        raise Misconfigured(
            f"the master key is missing: set DOCENT_MASTER_KEY or put back {path}; nothing was changed"
        )
    return Vault((_create(path),))


def new_master_key() -> str:
    """A master key as the environment takes it."""
    return base64.b64encode(secrets.token_bytes(32)).decode()


def add_master_key(home: Path) -> str:
    """Put a new master key in front of those in the key file; returns its fingerprint."""
    path = home / KEY_FILE
    text = new_master_key()
    lines = path.read_text().split() if path.exists() else []
    _write(path, "\n".join([text, *lines]) + "\n")
    return _master_id(_decode(text, "a new key"))


def keep_master_keys(home: Path, used: Collection[str]) -> int:
    """Drop from the key file what is neither the newest nor in `used` (fingerprints); returns how many went."""
    path = home / KEY_FILE
    lines = path.read_text().split() if path.exists() else []
    kept = [
        line
        for number, line in enumerate(lines)
        if number == 0 or _master_id(_decode(line, f"the key file {path}")) in used
    ]
    if len(kept) < len(lines):
        _write(path, "\n".join(kept) + "\n")
    return len(lines) - len(kept)


def _create(path: Path) -> bytes:
    text = new_master_key()
    temporary = path.with_name(f".{KEY_FILE}.{secrets.token_hex(4)}")
    _write(temporary, text + "\n")
    try:
        # A hard link fails where the file exists, so two processes that start at once agree on one key.
        os.link(temporary, path)
    except FileExistsError:
        text = path.read_text().split()[0]
    finally:
        temporary.unlink()
    return _decode(text, f"the key file {path}")


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(path.name + ".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _decode(text: str, where: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Misconfigured(f"{where} is not base64; it must be 32 bytes in base64") from error
    if len(key) != 32:
        raise Misconfigured(f"{where} holds a key of {len(key)} bytes; it must be 32 bytes in base64")
    return key


def _master_id(key: bytes) -> str:
    return hashlib.sha256(b"docent master key" + key).hexdigest()[:12]


def _key_place(workspace_id: int, key_id: str) -> bytes:
    return json.dumps(["docent", workspace_id, "workspace_keys", "wrapped", key_id]).encode()


def _split(sealed: bytes) -> tuple[str, bytes]:
    if len(sealed) < 2 or sealed[:1] != VERSION:
        raise Unopenable("a sealed value cannot be opened: it was altered")
    end = 2 + sealed[1]
    return sealed[2:end].decode("ascii", "replace"), sealed[end:]
