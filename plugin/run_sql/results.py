"""Where the rows of Run SQL live: in the asker's session, and nowhere else. Keeps law 5.

A result is reached by (workspace, member, session) and its own id together; it ends with the session, when its time is
over, with the right to it, or with the process. Nothing here is logged. A process by itself (a command, a program's
server) keeps it in memory up to a size, beyond that in a spill file that is encrypted with a key which exists in memory
only and that has no name. Web processes keep it on a shelf (`shelf.py`), where each of them reaches it.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from plugin.errors import LimitReached, NotFound
from plugin.run_sql.cells import pack, unpack
from plugin.run_sql.shelf import Shelf, Volume, seal, unseal
from plugin.run_sql.spill import ABSENT, FULL, Nameless, Spill

CHUNK_ROWS = 2_000
LOOK_BYTES = 4_000_000
"""How much a result may grow before the space that all of them take is counted again."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose result it is. `session` is a secret of the session, or anything as private for a command line.

    What stands in it before a point is a mark by which the store knows whether that session lives.
    """

    workspace_id: int
    member_id: int
    session: str


@dataclass(frozen=True, slots=True)
class Column:
    """Name and type of one column: all that a model may know of a result."""

    name: str
    type: str = ""


@dataclass(slots=True)
class _Chunk:
    first: int
    rows: int
    packed: bytes | None
    offset: int = 0
    size: int = 0


@dataclass(slots=True)
class Result:
    """One finished or growing result."""

    id: str
    owner: Owner
    columns: tuple[Column, ...]
    made: float
    rows: int = 0
    truncated: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What the page shows around the rows: SQL, integration, receipt; never a value."""
    _chunks: list[_Chunk] = field(default_factory=list, repr=False)
    _pending: list[tuple[Any, ...]] = field(default_factory=list, repr=False)
    _held: int = 0
    _spill: Spill | None = field(default=None, repr=False)
    _looked: int = 0
    _cipher: AESGCM | None = field(default=None, repr=False)
    cached: dict[Any, Any] = field(default_factory=dict, repr=False)

    def page(self, offset: int = 0, limit: int = 100) -> list[tuple[Any, ...]]:
        """Rows from `offset`."""
        offset, limit = max(0, offset), max(0, min(limit, 10_000))
        found: list[tuple[Any, ...]] = []
        for chunk in self._chunks:
            if chunk.first + chunk.rows <= offset:
                continue
            if chunk.first >= offset + limit:
                break
            rows = self._open(chunk)
            found.extend(rows[max(0, offset - chunk.first) : offset + limit - chunk.first])
        return found

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        """Every row, one chunk in memory at a time."""
        for chunk in list(self._chunks):
            yield from self._open(chunk)

    def position(self, name: str) -> int | None:
        """The index of a column by its name, an exact one first, then in any case; None where there is none."""
        names = [column.name for column in self.columns]
        if name in names:
            return names.index(name)
        lowered = [each.lower() for each in names]
        return lowered.index(name.lower()) if name.lower() in lowered else None

    def _open(self, chunk: _Chunk) -> list[tuple[Any, ...]]:
        if chunk.packed is not None:
            return unpack(chunk.packed)
        if self._spill is None or self._cipher is None:
            raise NotFound(ABSENT)
        return unpack(
            unseal(self._cipher, self._spill.read(chunk.offset, chunk.size), self._label(chunk.first))
        )

    def _label(self, first: int) -> bytes:
        return f"{self.id}:{first}".encode()

    def _index(self) -> bytes:
        """What another process needs to read it."""
        told = {
            "columns": [(column.name, column.type) for column in self.columns],
            "chunks": [(chunk.first, chunk.rows, chunk.offset, chunk.size) for chunk in self._chunks],
            "rows": self.rows,
            "truncated": self.truncated,
        }
        return json.dumps(told).encode()


@dataclass(frozen=True, slots=True)
class Kept:
    """A result as whoever asks whether it still may be kept sees it."""

    key: str
    workspace_id: int
    member_id: int
    facts: Mapping[str, Any]
    made: float
    tag: str
    """The same for results of one session."""
    mark: str = ""
    """By which the store knows that session; "" where it does not."""


class Results:
    """Every result of this process, or with a `shelf` of every process that shares it. Thread-safe."""

    def __init__(
        self,
        folder: Path | None = None,
        *,
        shelf: Shelf | None = None,
        memory_bytes: int = 4_000_000,
        total_bytes: int = 4_000_000_000,
        seconds: float = 3600,
        per_session: int = 20,
    ) -> None:
        self._folder = folder
        self._shelf = shelf
        self._memory_bytes = memory_bytes if shelf is None else -1
        self._total_bytes = total_bytes
        self._seconds = seconds
        self._per_session = per_session
        self._lock = threading.RLock()
        self._results: dict[str, Result] = {}
        self._cipher = AESGCM(secrets.token_bytes(32))
        self.closed = threading.Event()
        """Set once nothing is kept here any more."""

    @property
    def shared(self) -> bool:
        """Do other processes reach these results?"""
        return self._shelf is not None

    # --- writing -----------------------------------------------------------------------------------------------

    def start(
        self, owner: Owner, columns: Sequence[Column], facts: Mapping[str, Any] | None = None
    ) -> Result:
        """A new, empty result; the session's oldest goes where it has too many."""
        result = Result(
            id=secrets.token_urlsafe(18),
            owner=owner,
            columns=tuple(columns),
            made=time.monotonic(),
            facts=dict(facts or {}),
            _cipher=self._cipher,
        )
        with self._lock:
            self.sweep()
            mine = self._of(owner)
            for old in sorted(mine, key=lambda each: each.made)[: max(0, len(mine) - self._per_session + 1)]:
                self.end(old)
            if self._shelf is not None:
                result._cipher = self._shelf.cipher(result.id, owner.session)
                result._spill = self._shelf.begin(
                    result.id, owner.workspace_id, owner.member_id, owner.session, result.made, result.facts
                )
            self._results[result.id] = result
        return result

    def add(self, result: Result, rows: Sequence[Sequence[Any]]) -> None:
        """Append rows. LimitReached where the disk share of all results is used up."""
        result._pending.extend(tuple(row) for row in rows)
        result.rows += len(rows)
        while len(result._pending) >= CHUNK_ROWS:
            self._flush(result, CHUNK_ROWS)

    def finish(self, result: Result, *, truncated: str | None = None) -> None:
        """No more rows will come. NotFound where another process ended it meanwhile (its session signed out)."""
        while result._pending:
            self._flush(result, CHUNK_ROWS)
        result.truncated = truncated
        if isinstance(result._spill, Volume) and result._cipher is not None:
            result._spill.finish(seal(result._cipher, result._index(), b"index"))

    def _flush(self, result: Result, count: int) -> None:
        rows, result._pending = result._pending[:count], result._pending[count:]
        packed = pack(rows)
        first = result._chunks[-1].first + result._chunks[-1].rows if result._chunks else 0
        chunk = _Chunk(first, len(rows), packed)
        if result._held + len(packed) > self._memory_bytes:
            self._to_disk(result, chunk, packed)
        else:
            result._held += len(packed)
        result._chunks.append(chunk)

    def _to_disk(self, result: Result, chunk: _Chunk, packed: bytes) -> None:
        if result._cipher is None:
            raise NotFound(ABSENT)
        written = 0 if result._spill is None else result._spill.written
        if written + len(packed) > result._looked:
            if self._used() + len(packed) > self._total_bytes:
                raise LimitReached(FULL)
            result._looked = written + min(LOOK_BYTES, self._total_bytes // 100)
        if result._spill is None:
            result._spill = Nameless(self._folder)
        sealed = seal(result._cipher, packed, result._label(chunk.first))
        chunk.offset, chunk.size, chunk.packed = result._spill.write(sealed), len(sealed), None

    def _used(self) -> int:
        if self._shelf is not None:
            return self._shelf.used()
        with self._lock:
            return sum(each._spill.written for each in self._results.values() if each._spill is not None)

    # --- reading -----------------------------------------------------------------------------------------------

    def get(self, owner: Owner, result_id: str) -> Result:
        """A result of exactly this owner. NotFound for anybody else's, for one whose time is over, for none."""
        with self._lock:
            self.sweep()
            result = self._results.get(result_id)
            if result is None and self._shelf is not None:
                result = self._from_shelf(self._shelf, owner, result_id)
            if result is None or result.owner != owner:
                raise NotFound(ABSENT)
            self._results[result_id] = result
            return result

    def _from_shelf(self, shelf: Shelf, owner: Owner, result_id: str) -> Result | None:
        found = shelf.find(result_id, owner.session)
        if found is None or (found[0].workspace_id, found[0].member_id) != (
            owner.workspace_id,
            owner.member_id,
        ):
            return None
        head, volume, cipher, index = found
        return Result(
            id=result_id,
            owner=owner,
            columns=tuple(Column(*each) for each in index["columns"]),
            made=head.made,
            rows=index["rows"],
            truncated=index["truncated"],
            facts=head.facts,
            _chunks=[
                _Chunk(first, rows, None, offset, size) for first, rows, offset, size in index["chunks"]
            ],
            _spill=volume,
            _cipher=cipher,
        )

    # --- ending ------------------------------------------------------------------------------------------------

    def drop(self, owner: Owner, result_id: str) -> None:
        """End one result. NotFound as `get`."""
        with self._lock:
            self._remove(self.get(owner, result_id))

    def discard(self, result: Result) -> None:
        """Forget a result that did not come to its end."""
        with self._lock:
            self._remove(result)

    def drop_session(self, session: str) -> int:
        """End every result of a session (at sign-out), in whichever process it was made; how many."""
        tag = self._tag(session)
        return self._end_where(lambda kept: kept.tag == tag)

    def drop_member(self, workspace_id: int, member_id: int) -> int:
        """End every result of a member (disabled, removed, permission taken away); how many."""
        return self._end_where(lambda kept: (kept.workspace_id, kept.member_id) == (workspace_id, member_id))

    def drop_where(self, owner: Owner, integration_id: object) -> int:
        """End an owner's results of one integration (the right to it was taken away); how many."""
        mine = {kept.key for kept in self._of(owner)}
        return self._end_where(
            lambda kept: kept.key in mine and kept.facts.get("integration") == integration_id
        )

    def every(self) -> tuple[Kept, ...]:
        """All that are held, for whoever asks whether they still may be."""
        if self._shelf is not None:
            return tuple(
                Kept(head.name, head.workspace_id, head.member_id, head.facts, head.made, head.tag, head.mark)
                for head in self._shelf.heads()
            )
        with self._lock:
            return tuple(
                Kept(
                    each.id, each.owner.workspace_id, each.owner.member_id, each.facts, each.made, each.owner.session
                )
                for each in self._results.values()
            )  # fmt: skip

    def end(self, kept: Kept) -> None:
        """End a result that `every` gave."""
        with self._lock:
            if self._shelf is not None:
                self._shelf.end(kept.key)
                self._forget_ended()
            elif kept.key in self._results:
                self._remove(self._results[kept.key])

    def sweep(self) -> int:
        """End the results whose time is over; how many."""
        before = time.monotonic() - self._seconds
        count = self._end_where(lambda kept: kept.made < before)
        if self._shelf is not None:
            self._shelf.clear_dead()
            self._forget_ended()
        return count

    def close(self) -> None:
        """End everything that is this process's own; a shelf ends with the last process that shares it."""
        self.closed.set()
        with self._lock:
            if self._shelf is None:
                for result in list(self._results.values()):
                    self._remove(result)
            else:
                self._results.clear()
                self._shelf.close()

    def _of(self, owner: Owner) -> list[Kept]:
        tag = self._tag(owner.session)
        mine = (owner.workspace_id, owner.member_id, tag)
        return [kept for kept in self.every() if (kept.workspace_id, kept.member_id, kept.tag) == mine]

    def _tag(self, session: str) -> str:
        return session if self._shelf is None else self._shelf.tag(session)

    def _end_where(self, condition: Callable[[Kept], bool]) -> int:
        with self._lock:
            gone = [kept for kept in self.every() if condition(kept)]
            for kept in gone:
                self.end(kept)
        return len(gone)

    def _forget_ended(self) -> None:
        """Let go of what another process ended."""
        for result in [each for each in self._results.values() if each._spill and not each._spill.there()]:
            self._remove(result)

    def _remove(self, result: Result) -> None:
        self._results.pop(result.id, None)
        spill, result._spill = result._spill, None
        result._chunks.clear()
        result._pending.clear()
        result.cached.clear()
        if spill is not None:
            spill.end()
