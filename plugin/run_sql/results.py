"""Where the rows of Run SQL live: in the asker's session, and nowhere else. Keeps law 5.

A result is kept in memory up to a size, beyond that in a spill file that is encrypted with a key which exists in
memory only and whose name is removed as soon as it is open. It is reached by (workspace, member, session) and its
own id together; it ends with the session, when its time is over, or with the process. Nothing here is logged.
"""

from __future__ import annotations

import os
import secrets
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from plugin.errors import LimitReached, NotFound
from plugin.run_sql.cells import pack, unpack

CHUNK_ROWS = 2_000
ABSENT = "there is no such result; results end with the session and after their time"


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose result it is. `session` is the server-side session's id, or anything as private for a command line."""

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
    _spill: IO[bytes] | None = field(default=None, repr=False)
    _spilled: int = 0
    _cipher: AESGCM | None = field(default=None, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
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
        with self._lock:
            self._spill.seek(chunk.offset)
            sealed = self._spill.read(chunk.size)
        return unpack(self._cipher.decrypt(sealed[:12], sealed[12:], self._label(chunk.first)))

    def _label(self, first: int) -> bytes:
        return f"{self.id}:{first}".encode()


class Results:
    """Every result of this process. Thread-safe."""

    def __init__(
        self,
        folder: Path | None = None,
        *,
        memory_bytes: int = 4_000_000,
        total_bytes: int = 4_000_000_000,
        seconds: float = 3600,
        per_session: int = 20,
    ) -> None:
        self._folder = folder
        self._memory_bytes = memory_bytes
        self._total_bytes = total_bytes
        self._seconds = seconds
        self._per_session = per_session
        self._lock = threading.RLock()
        self._results: dict[str, Result] = {}
        self._cipher = AESGCM(secrets.token_bytes(32))

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
            mine = [each for each in self._results.values() if each.owner == owner]
            for old in sorted(mine, key=lambda each: each.made)[: max(0, len(mine) - self._per_session + 1)]:
                self._remove(old)
            self._results[result.id] = result
        return result

    def add(self, result: Result, rows: Sequence[Sequence[Any]]) -> None:
        """Append rows. LimitReached where the disk share of all results is used up."""
        result._pending.extend(tuple(row) for row in rows)
        result.rows += len(rows)
        while len(result._pending) >= CHUNK_ROWS:
            self._flush(result, CHUNK_ROWS)

    def finish(self, result: Result, *, truncated: str | None = None) -> None:
        """No more rows will come."""
        while result._pending:
            self._flush(result, CHUNK_ROWS)
        result.truncated = truncated

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
        with self._lock:
            used = sum(each._spilled for each in self._results.values())
        if used + len(packed) > self._total_bytes:
            raise LimitReached("the space for results is used up; end other results or narrow the query")
        nonce = os.urandom(12)
        sealed = nonce + self._cipher.encrypt(nonce, packed, result._label(chunk.first))
        with result._lock:
            if result._spill is None:
                result._spill = tempfile.TemporaryFile(dir=self._folder)
            result._spill.seek(result._spilled)
            result._spill.write(sealed)
            chunk.offset, chunk.size, chunk.packed = result._spilled, len(sealed), None
            result._spilled += len(sealed)

    # --- reading -----------------------------------------------------------------------------------------------

    def get(self, owner: Owner, result_id: str) -> Result:
        """A result of exactly this owner. NotFound for anybody else's, for one whose time is over, for none."""
        with self._lock:
            self.sweep()
            result = self._results.get(result_id)
            if result is None or result.owner != owner:
                raise NotFound(ABSENT)
            return result

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
        """End every result of a session (at sign-out); how many."""
        return self._drop_where(lambda result: result.owner.session == session)

    def drop_member(self, workspace_id: int, member_id: int) -> int:
        """End every result of a member (disabled, removed, permission taken away); how many."""
        return self._drop_where(
            lambda result: (result.owner.workspace_id, result.owner.member_id) == (workspace_id, member_id)
        )

    def drop_where(self, owner: Owner, integration_id: object) -> int:
        """End an owner's results of one integration (the right to it was taken away); how many."""
        return self._drop_where(
            lambda result: result.owner == owner and result.facts.get("integration") == integration_id
        )

    def every(self) -> tuple[Result, ...]:
        """All that are held, for whoever asks whether they still may be."""
        with self._lock:
            return tuple(self._results.values())

    def sweep(self) -> int:
        """End the results whose time is over; how many."""
        before = time.monotonic() - self._seconds
        return self._drop_where(lambda result: result.made < before)

    def close(self) -> None:
        """End everything."""
        self._drop_where(lambda result: True)

    def _drop_where(self, condition: Any) -> int:
        with self._lock:
            gone = [result for result in self._results.values() if condition(result)]
            for result in gone:
                self._remove(result)
        return len(gone)

    def _remove(self, result: Result) -> None:
        self._results.pop(result.id, None)
        spill, result._spill = result._spill, None
        result._chunks.clear()
        result._pending.clear()
        result.cached.clear()
        if spill is not None:
            spill.close()
