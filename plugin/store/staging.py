"""Where a sync puts what it read until it merges: in memory, and past a bound in a file without a name.

Enters: a connector's records, masked. Leaves: the same, in order, to the merge. Nothing of it is in the database
before the merge, so a sync that dies leaves nothing behind and holds no lock while a slow source answers. What has
not changed since the last sync (by fingerprint) is noted and not kept, so an unchanged source stages nothing.
"""

from __future__ import annotations

import json
import marshal
import tempfile
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from operator import attrgetter
from typing import Any

FORMAT = 3
"""Counted up when the merge makes something else of the same record: then everything is merged anew."""
SEPARATOR = "\x1f"
MOST_IN_MEMORY = 250_000
"""Columns (and tables) staged in memory; what comes after is in the file, which goes with the process."""
NO_MARSHAL_REFS = 2
"""The version of marshal that writes equal values as equal bytes."""

KEY = attrgetter("kind", "name", "columns", "ref_schema", "ref_table", "ref_columns")
INDEX = attrgetter("name", "columns", "unique", "method")
TABLE = attrgetter(
    "database",
    "schema",
    "name",
    "kind",
    "description",
    "owner",
    "definition",
    "row_estimate",
    "size_bytes",
    "partitions",
    "tags",
)


@dataclass(frozen=True, slots=True)
class Known:
    """What the catalog has of an integration already: key -> fingerprint. `secret` keys the fingerprints."""

    fingerprints: Mapping[str, bytes]
    secret: bytes
    stale: Set[str] = frozenset()
    """Those that were gone from the source the last time already."""


@dataclass(slots=True)
class StagedEdge:
    """Lineage between keys; columns by name."""

    upstream: str
    downstream: str
    source: str
    upstream_column: str | None = None
    downstream_column: str | None = None
    confidence: float = 1.0
    loose: str = ""
    """"up" or "down": that end is a name which only another integration may have."""
    named: tuple[str, ...] = ()
    """Of an edge that a query log told: the keys of every table that the statement names."""
    elsewhere: tuple[str, ...] = ()
    """And those of its names, lower case, that only another integration may have."""


@dataclass(slots=True)
class StagedQuery:
    """One frequent statement, masked, with the keys of the tables it touches and the joins seen in it."""

    sql: str
    runs: int
    users: int
    last_run: datetime | None
    tables: tuple[str, ...]
    joins: tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...] = ()
    costs: Mapping[str, float] = field(default_factory=dict)
    """What its runs cost in all, by unit as in `connectors.records.CostUnit`."""


def database_key(database: str) -> str:
    """What names a database in its integration."""
    return f"d:{database}"


def schema_key(database: str | None, schema: str) -> str:
    """What names a schema in its integration."""
    return f"s:{database or ''}{SEPARATOR}{schema}"


def schema_of(key: str) -> str | None:
    """The schema that a key of a schema, table or view stands in; None for anything else."""
    if key.startswith("s:"):
        return key[2:].split(SEPARATOR, 1)[-1]
    return key[2:].split(SEPARATOR, 2)[1] if key.startswith("t:") else None


def table_key(database: str | None, schema: str, name: str) -> str:
    """What names a table or view in its integration."""
    return f"t:{database or ''}{SEPARATOR}{schema}{SEPARATOR}{name}"


def asset_key(key: str) -> str:
    """What names anything else in its integration."""
    return f"a:{key}"


def raw_fingerprint(raw: bytes, secret: bytes) -> bytes:
    """A keyed hash of the bytes that a source told of a table, as `Stage.fingerprint` is one of values."""
    return blake2b(raw, digest_size=16, key=secret).digest()


def table_facts(table: Any, columns: Sequence[tuple[Any, ...]] | None = None) -> tuple[Any, ...]:
    """A `connectors.records.Table` as plain values: what the fingerprint covers and what is staged, which has other
    `columns`.
    """
    return (
        TABLE(table),
        list(map(tuple, table.columns)) if columns is None else columns,
        list(map(KEY, table.keys)),
        list(map(INDEX, table.indexes)),
        table.analyzed_at and table.analyzed_at.isoformat(),
        table.changed_at and table.changed_at.isoformat(),
        sorted(table.properties.items()),
    )


@dataclass(slots=True)
class Stage:
    """The records of one sync. Use as a context manager, or call `close`."""

    known: Known
    full: bool = False
    seen: set[str] = field(default_factory=set)
    unchanged: int = 0
    edges: list[StagedEdge] = field(default_factory=list)
    relinked: set[tuple[str, str]] = field(default_factory=set)
    """(key, source) whose upstream edges are replaced by those in `edges`."""
    stated_sources: set[str] = field(default_factory=set)
    """Sources of lineage that the connector tells whole each time."""
    complete: set[str] = field(default_factory=set)
    """Keys whose definitions were understood in full."""
    query_edges: list[StagedEdge] = field(default_factory=list)
    """Lineage from the query log; replaces that of the last time where `queries` is told."""
    queries: list[StagedQuery] | None = None
    """None where the source tells none: then those of the last time stay."""
    problems: list[str] = field(default_factory=list)
    _kept: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    weight: int = 0
    """How many resources what is staged stands for, columns included."""
    _file: Any = None
    _offsets: dict[str, tuple[int, int]] = field(default_factory=dict)
    _end: int = 0

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of what was staged."""
        self._kept = {}
        if self._file is not None:
            self._file.close()

    def fingerprint(self, facts: tuple[Any, ...]) -> bytes:
        """A keyed hash of plain values: equal values, equal bytes; nothing can be guessed back without the key."""
        return blake2b(marshal.dumps(facts, NO_MARSHAL_REFS), digest_size=16, key=self.known.secret).digest()

    def is_unchanged(self, key: str, fingerprint: bytes, weight: int = 1) -> bool:
        """Note that `key` is at the source; True where the catalog has it as it is.

        `weight` is how many resources it stands for, columns included.
        """
        if not self.full and self.known.fingerprints.get(key) == fingerprint:
            self.is_same(key, weight)
            return True
        self.seen.add(key)
        return False

    def is_same(self, key: str, weight: int = 1) -> None:
        """Note that `key` is at the source as the catalog has it. `weight` as in `is_unchanged`."""
        self.seen.add(key)
        self.unchanged += weight

    def put_table(self, key: str, fingerprint: bytes, facts: tuple[Any, ...], extra: dict[str, Any]) -> None:
        """Stage a table; `facts` masked, `extra` what the catalog found out about it, kept as it is given."""
        self._put(key, ("t", key, fingerprint, facts, extra), 1 + len(facts[1]))

    def put_asset(self, key: str, fingerprint: bytes, values: Mapping[str, Any]) -> None:
        """Stage a database, schema or asset by its values."""
        self._put(key, ("a", key, fingerprint, dict(values), None), 1 + len(values.get("columns") or ()))

    def _put(self, key: str, entry: tuple[Any, ...], weight: int) -> None:
        self.weight += weight
        if self.weight <= MOST_IN_MEMORY:
            self._kept[key] = entry
            return
        if self._file is None:
            self._file = tempfile.TemporaryFile()
        kind, _key, fingerprint, facts, extra = entry
        blob = json.dumps((kind, key, fingerprint.hex(), facts, extra), separators=(",", ":")).encode("ascii")
        self._offsets[key] = (self._end, len(blob))
        self._end += len(blob)
        self._file.write(blob)

    @property
    def staged(self) -> int:
        """How many records are new or changed, and not taken yet."""
        return len(self._kept) + len(self._offsets)

    def __iter__(self) -> Iterator[tuple[str, str, bytes, Any, Any]]:
        """Every staged record, in the order it came, once: what was in memory is let go as it is taken."""
        for key in list(self._kept):
            yield self._kept.pop(key)
        if self._file is None:
            return
        self._file.seek(0)
        for _offset, length in self._offsets.values():
            kind, key, fingerprint, facts, extra = json.loads(self._file.read(length))
            yield kind, key, bytes.fromhex(fingerprint), facts, extra
        self._file.seek(self._end)

    def staged_table(self, key: str) -> Any:
        """The facts of a staged table; None where it is not staged."""
        entry = self.entry(key)
        return entry[3] if entry is not None and entry[0] == "t" else None

    def entry(self, key: str) -> tuple[Any, ...] | None:
        """(kind, key, fingerprint, facts, extra) of a staged record, which stays staged; None where it is not."""
        entry = self._kept.get(key)
        if entry is None:
            place = self._offsets.get(key)
            if place is None:
                return None
            self._file.seek(place[0])
            entry = tuple(json.loads(self._file.read(place[1])))
            self._file.seek(self._end)
        return entry
