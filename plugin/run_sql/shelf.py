"""Results that every web process of a machine reaches: one sealed file each, in a folder of the user who runs Docent.

A file opens with three things together: the secret of the session that ran the statement (a cookie's or a token's; the
database has its hash alone), the result's own id (the file's name is a hash of it) and a key made from the master key.
So neither the files alone nor the files with the database and the master key give a row. The head of a file (whose it
is, which tables it came from, when it was made) opens with the master key's part, so that any process can end a result
whose time or right is over; it holds ids and names of the catalog and nothing of the rows.

    head: magic, length, sealed JSON | pieces, each sealed (AES-256-GCM, nonce of its own) | sealed index | its place

Files go with the session, the time, the right, and with the last process that serves: each holds a shared lock on
`alive`, and whoever finds it free removes what lies there. What a process that died was writing has lost its lock and
goes with the next look. Machines do not share a folder. Considered: shared memory (ends at the size of the machine's)
and the database (it must not hold rows).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import struct
import weakref
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from plugin.access.viewer import Role, Surface, Viewer
from plugin.errors import NotFound
from plugin.run_sql.slots import folder_named, own_folder
from plugin.run_sql.spill import ABSENT, room_on_disk

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows runs one process
    fcntl = None  # type: ignore[assignment]

MAGIC = b"DOCENT1\n"
ALIVE = "alive"
DONE, GROWING, NEW = ".rows", ".part", ".new"
_LENGTH = struct.Struct(">Q")
_HEAD_MOST = 4_000_000


@dataclass(frozen=True, slots=True)
class Head:
    """What every process may know of a result: whose, from where, since when. Never a value."""

    name: str
    workspace_id: int
    member_id: int
    tag: str
    """Stands for the session: the same for results of one, and nothing opens with it."""
    mark: str
    """By which the store knows the session or token, to see whether it lives; "" where it knows none."""
    made: float
    facts: Mapping[str, Any] = field(default_factory=dict)


class Volume:
    """One file of the shelf: `Spill` for the process that writes it, and for each that reads it."""

    def __init__(self, path: Path, descriptor: int | None = None, written: int = 0) -> None:
        self._path = path
        self._descriptor = (
            descriptor  # only while it grows: readers open it anew, so that an end frees the disk
        )
        self.written = written

    def write(self, sealed: bytes) -> int:
        """As `Spill.write`."""
        if self._descriptor is None or not self.there():
            raise NotFound(ABSENT)
        offset = self.written
        with room_on_disk():
            _write_all(self._descriptor, sealed, offset)
        self.written += len(sealed)
        return offset

    def read(self, offset: int, size: int) -> bytes:
        """As `Spill.read`."""
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise NotFound(ABSENT) from None
        try:
            return os.pread(descriptor, size, offset)
        finally:
            os.close(descriptor)

    def there(self) -> bool:
        """As `Spill.there`."""
        return self._path.exists()

    def finish(self, index: bytes) -> None:
        """The index goes to the end, and the file gets the name under which others look for it. NotFound."""
        place = self.write(index)
        self.write(_LENGTH.pack(place))
        done = self._path.with_suffix(DONE)
        try:
            self._path.rename(done)
        except FileNotFoundError:
            raise NotFound(ABSENT) from None
        finally:
            self._close()
        self._path = done

    def end(self) -> None:
        """As `Spill.end`."""
        self._path.unlink(missing_ok=True)
        self._close()

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


class Shelf:
    """The folder. `key` is 32 bytes that the processes share and a disk does not show."""

    def __init__(self, folder: Path, key: bytes) -> None:
        """Leftovers of processes that are gone are removed. Misconfigured where the folder is somebody else's."""
        self._folder = folder
        self._key = key
        self._head_cipher = AESGCM(_derived(key, b"head", b""))
        self._heads: dict[str, Head] = {}
        self._leave: weakref.finalize[..., Any] | None = None
        if folder.exists():
            self._join()

    # --- writing -----------------------------------------------------------------------------------------------

    def begin(
        self,
        result_id: str,
        workspace_id: int,
        member_id: int,
        session: str,
        made: float,
        facts: Mapping[str, Any],
    ) -> Volume:
        """A new file for a result that is about to grow."""
        self._join()
        name = _name(result_id)
        head = {
            "workspace": workspace_id, "member": member_id, "tag": self.tag(session), "mark": mark_of(session),
            "made": made, "facts": {key: _plain(value) for key, value in facts.items()},
        }  # fmt: skip
        sealed = seal(self._head_cipher, json.dumps(head).encode(), name.encode())
        path = self._folder / name
        descriptor = os.open(path.with_suffix(NEW), os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # tells the others that its writer lives
        opening = MAGIC + _LENGTH.pack(len(sealed)) + sealed
        with room_on_disk():
            _write_all(descriptor, opening, 0)
        path.with_suffix(NEW).rename(path.with_suffix(GROWING))
        return Volume(path.with_suffix(GROWING), descriptor, len(opening))

    def cipher(self, result_id: str, session: str) -> AESGCM:
        """What opens the rows of one result."""
        return AESGCM(
            _derived(self._key, session.encode() + b"\0" + result_id.encode(), _name(result_id).encode())
        )

    # --- reading -----------------------------------------------------------------------------------------------

    def find(self, result_id: str, session: str) -> tuple[Head, Volume, AESGCM, dict[str, Any]] | None:
        """A finished result and its index, None where there is none that this session opens."""
        path = self._folder / (_name(result_id) + DONE)
        head = self._head(path)
        if head is None or not hmac.compare_digest(head.tag, self.tag(session)):
            return None
        cipher = self.cipher(result_id, session)
        try:
            with path.open("rb") as file:
                end = file.seek(-_LENGTH.size, os.SEEK_END)
                place = _LENGTH.unpack(file.read(_LENGTH.size))[0]
                file.seek(place)
                index = json.loads(unseal(cipher, file.read(end - place), b"index"))
        except (FileNotFoundError, InvalidTag):
            return None
        return head, Volume(path, written=end), cipher, index

    def heads(self) -> list[Head]:
        """Every result that lies here, growing ones too."""
        found = [self._head(Path(each.path)) for each in self._files() if each.name.endswith((DONE, GROWING))]
        present = {head.name: head for head in found if head is not None}
        self._heads = dict(present)
        return list(present.values())

    def used(self) -> int:
        """Bytes on the disk."""
        total = 0
        for each in self._files():
            with suppress(FileNotFoundError):
                total += each.stat().st_size
        return total

    def tag(self, session: str) -> str:
        """What stands for a session in a head."""
        return hmac.new(self._key, b"session\0" + session.encode(), hashlib.sha256).hexdigest()

    # --- ending ------------------------------------------------------------------------------------------------

    def end(self, name: str) -> None:
        """Remove a result, whoever wrote it."""
        for suffix in (DONE, GROWING):
            (self._folder / name).with_suffix(suffix).unlink(missing_ok=True)

    def clear_dead(self) -> None:
        """Remove what processes that died were writing."""
        for each in self._files():
            if each.name.endswith((GROWING, NEW)):
                _remove_unlocked(Path(each.path))

    def close(self) -> None:
        """This process needs the shelf no more; the last one removes it."""
        if self._leave is not None:
            self._leave()
            self._leave = None

    # --- inside ------------------------------------------------------------------------------------------------

    def _files(self) -> Iterator[os.DirEntry[str]]:
        try:
            with os.scandir(self._folder) as found:
                yield from [each for each in found if each.name != ALIVE]
        except FileNotFoundError:
            return

    def _head(self, path: Path) -> Head | None:
        name = path.stem
        known = self._heads.get(name)
        if known is not None:
            return known if path.exists() else None
        try:
            with path.open("rb") as file:
                if file.read(len(MAGIC)) != MAGIC:
                    return None
                length = _LENGTH.unpack(file.read(_LENGTH.size))[0]
                opened = unseal(self._head_cipher, file.read(min(length, _HEAD_MOST)), name.encode())
        except (FileNotFoundError, InvalidTag, struct.error):
            return None  # gone meanwhile, or of another master key
        told = json.loads(opened)
        facts = {key: _whole(value) for key, value in told["facts"].items()}
        head = Head(name, told["workspace"], told["member"], told["tag"], told["mark"], told["made"], facts)
        self._heads[name] = head
        return head

    def _join(self) -> None:
        """Hold the shared lock; whoever is the first clears the folder."""
        if self._leave is not None and self._leave.alive:
            return
        while True:
            own_folder(self._folder)
            descriptor = os.open(self._folder / ALIVE, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            first = _locked(descriptor)
            if not first:
                fcntl.flock(descriptor, fcntl.LOCK_SH)
            if _same_file(descriptor, self._folder / ALIVE):  # else the last one left between the two lines
                break
            os.close(descriptor)
        if first:
            _empty(self._folder)
            fcntl.flock(descriptor, fcntl.LOCK_SH)
        self._leave = weakref.finalize(self, _left, self._folder, descriptor, os.getpid())


def shelf_of(database_url: str, key: bytes) -> Shelf | None:
    """The shelf of the processes that work on this database; None on a system that runs one process."""
    return None if fcntl is None else Shelf(folder_named("rows", database_url), key)


def seal(cipher: AESGCM, plain: bytes, place: bytes) -> bytes:
    """Sealed for its place, with its nonce in front."""
    nonce = os.urandom(12)
    return nonce + cipher.encrypt(nonce, plain, place)


def unseal(cipher: AESGCM, sealed: bytes, place: bytes) -> bytes:
    """What `seal` was given. InvalidTag where the bytes, the key or the place are others."""
    return cipher.decrypt(sealed[:12], sealed[12:], place)


def _derived(key: bytes, purpose: bytes, salt: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt=salt, info=b"docent results").derive(key + b"\0" + purpose)


def _name(result_id: str) -> str:
    return hashlib.sha256(b"docent result\0" + result_id.encode("utf-8", "replace")).hexdigest()[:40]


def mark_of(session: str) -> str:
    """By which the store knows the session of an `Owner`; "" where it knows none."""
    mark, dot, _ = session.partition(".")
    return mark if dot else ""


def _plain(value: Any) -> Any:
    if isinstance(value, Viewer):
        return {"viewer": {**asdict(value), "scopes": sorted(value.scopes)}}
    return value


def _whole(value: Any) -> Any:
    if isinstance(value, dict) and set(value) == {"viewer"}:
        told = value["viewer"]
        return Viewer(
            **{
                **told,
                "role": Role(told["role"]),
                "surface": Surface(told["surface"]),
                "scopes": frozenset(told["scopes"]),
            }
        )
    return value


def _write_all(descriptor: int, piece: bytes, offset: int) -> None:
    view = memoryview(piece)
    while view:
        count = os.pwrite(descriptor, view, offset)
        view, offset = view[count:], offset + count


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _same_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _remove_unlocked(path: Path) -> None:
    with suppress(FileNotFoundError):
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            if _locked(descriptor):
                path.unlink(missing_ok=True)
        finally:
            os.close(descriptor)


def _empty(folder: Path) -> None:
    for each in folder.iterdir():
        if each.name != ALIVE:
            each.unlink(missing_ok=True)


def _left(folder: Path, descriptor: int, process: int) -> None:
    """At the end of a process: give the lock back, and where nobody else holds it remove everything."""
    if os.getpid() != process:
        return  # a fork of the process that joined
    os.close(descriptor)
    with suppress(FileNotFoundError):
        again = os.open(folder / ALIVE, os.O_RDWR | os.O_CLOEXEC)
        try:
            if _locked(again) and _same_file(again, folder / ALIVE):
                _empty(folder)
                (folder / ALIVE).unlink(missing_ok=True)
                with suppress(OSError):
                    folder.rmdir()  # not empty where somebody else just joined
        finally:
            os.close(again)
