"""From a resource to the words it is found by.

Enters: rows of the catalog. Leaves: a `Document` per findable thing: its words, marked by where they stand, and the
few numbers that ranking needs. A word stands plain once for the whole document and again with a mark for each
strong place: `n_` the name, `d_` description, tags, owners and synonyms, `c_` names of columns, `e_` three columns
or more, `f_` eight or more. What is plain only stands in the descriptions of columns.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from itertools import chain
from typing import NamedTuple

from plugin.catalog.words import (
    family_pattern,
    identifier_words,
    name_pieces,
    name_words,
    text_words,
    words_of_texts,
)

TABLE_KINDS = frozenset(
    ("table", "view", "materialized_view", "foreign_table", "partitioned_table", "external_table")
)
MANY, VERY_MANY = 3, 8
LONGEST_TEXT = 4000
"""Characters of a description, definition or document that are indexed."""
MOST_COLUMNS = 5000
FEW_COLUMNS = 100
"""Of a shard with no more, the columns are remembered for the next."""
SEPARATOR = "\x1f"


class ColumnFacts(NamedTuple):
    """A column that stands apart: it has a tag or flag of its own, so that the AI filters may treat it unlike its
    table."""

    id: int
    name: str
    notes: str | None
    tags: Sequence[str] = ()


@dataclass(slots=True)
class AssetFacts:
    """A resource as the index sees it."""

    id: int
    workspace_id: int
    integration_id: int | None
    zone_id: int
    kind: str
    name: str
    parent_id: int | None
    description: str | None = None
    body: str | None = None
    """Text of a term or document."""
    apart: bool = False
    tags: Sequence[str] = ()
    owners: Sequence[str] = ()
    synonyms: Sequence[str] = ()
    columns: Sequence[str] = ()
    """The names of its columns, without those that stand apart."""
    notes: Sequence[str] = ()
    """What is said of these columns, where anything is."""
    sample_id: int | None = None
    """One of these columns: they are all shown to the AI or none is."""
    columns_apart: Sequence[ColumnFacts] = ()
    _named: NamesOfColumns | None = None
    _group: tuple[int | None] | None = None

    def group(self) -> int | None:
        """The number of the group whose members may be shards of one table; None for what never is a shard."""
        if self._group is None:
            self._group = (_group_of(self),)
        return self._group[0]

    def column_set(self) -> frozenset[str]:
        """The names of its columns, lower case: what decides whether two tables are alike."""
        return self.named().folded

    def named(self) -> NamesOfColumns:
        """What the names of all its columns are together."""
        if self._named is None:
            names = tuple(self.names())
            remembered = len(names) <= FEW_COLUMNS and self.group() is not None
            self._named = _names_of_shard(names) if remembered else _names_of_columns(names)
        return self._named

    def names(self) -> Sequence[str]:
        """The names of all its columns."""
        if not self.columns_apart:
            return self.columns
        return [*self.columns, *(column.name for column in self.columns_apart)]


class NamesOfColumns(NamedTuple):
    """What the names of a table's columns are together, whatever the order they stand in."""

    folded: frozenset[str]
    """Lower case."""
    listed: str
    """The same sorted, one text: a part of what `number` counts."""


@dataclass(slots=True)
class Document:
    """One row of the index."""

    id: int
    workspace_id: int
    integration_id: int | None
    zone_id: int
    asset_id: int
    container_id: int | None
    kind: str
    family_id: int
    group_key: int | None
    shape: int | None
    sample_id: int | None
    name_words: int
    text_words: int
    columns_count: int
    notes_words: int
    words: str
    """With a space between two, in no order. One text, since a first sync marks tens of millions of words."""


def number(*parts: str) -> int:
    """A stable 63-bit number for some values."""
    digest = blake2b(SEPARATOR.join(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def _group_of(asset: AssetFacts) -> int | None:
    if asset.kind not in TABLE_KINDS or asset.apart or asset.tags or asset.owners:
        return None
    pattern = family_pattern(asset.name)
    if "#" not in pattern:
        return None
    return number(str(asset.parent_id), str(asset.zone_id), asset.kind, pattern)


def alike(one: frozenset[str], other: frozenset[str]) -> bool:
    """Do two tables share enough columns to be shards or versions of one?"""
    return len(one & other) >= 0.6 * len(one | other)


def documents(asset: AssetFacts, family_id: int | None = None) -> list[Document]:
    """The documents of one resource: its own, and one for each column that stands apart.

    A shard that belongs to a family (`family_id`) is found by its name and description only; the rest of its words
    are those of the family's first member, which answers for all.
    """
    member = family_id is not None and family_id != asset.id
    name = asset.name
    names = name_words(name)
    group = asset.group()
    described = set(text_words(asset.description[:LONGEST_TEXT])) if asset.description else set()
    text_count = len(described)
    for label in (*asset.tags, *asset.owners, *asset.synonyms):
        described.update(identifier_words(label))
    if asset.body:
        described.update(text_words(asset.body[:LONGEST_TEXT]))
    counts: Mapping[str, int] = {}
    words: set[str] = set()
    if not member:
        counts = Counter(chain.from_iterable(map(identifier_words, asset.columns[:MOST_COLUMNS])))
        words = words_of_texts(asset.notes, LONGEST_TEXT)
    notes_count = len(words)
    words.update(names, described, counts)
    said = name_pieces(name)
    if group is not None:
        said = [word for word in said if not word.isdigit()]
    many = [word for word, count in counts.items() if count >= MANY]
    own = Document(
        id=asset.id,
        workspace_id=asset.workspace_id,
        integration_id=asset.integration_id,
        zone_id=asset.zone_id,
        asset_id=asset.id,
        container_id=asset.parent_id,
        kind=asset.kind,
        family_id=family_id or asset.id,
        group_key=group,
        shape=_shape(asset),
        sample_id=asset.sample_id,
        name_words=max(1, len(set(said))),
        text_words=text_count,
        columns_count=len(asset.columns) + len(asset.columns_apart),
        notes_words=notes_count,
        words=" ".join(words)
        + _marked(" n_", names)
        + _marked(" d_", described)
        + _marked(" c_", counts)
        + _marked(" e_", many)
        + _marked(" f_", [word for word in many if counts[word] >= VERY_MANY]),
    )
    if member or not asset.columns_apart:
        return [own]
    return [own, *(_apart(asset, column) for column in asset.columns_apart)]


def _names_of_columns(columns: tuple[str, ...]) -> NamesOfColumns:
    folded = frozenset(map(str.lower, columns))
    return NamesOfColumns(folded, SEPARATOR.join(sorted(folded)))


_names_of_shard = lru_cache(maxsize=32)(_names_of_columns)
"""Shards follow each other, and have the columns of the one before."""


def _marked(mark: str, words: Collection[str]) -> str:
    """The words with a mark and a space before each."""
    return mark + mark.join(words) if words else ""


def _apart(asset: AssetFacts, column: ColumnFacts) -> Document:
    """The document of one column; ranking counts it for its table."""
    notes = text_words((column.notes or "")[:LONGEST_TEXT])
    named = {*identifier_words(column.name), *chain.from_iterable(map(identifier_words, column.tags))}
    return Document(
        id=column.id,
        workspace_id=asset.workspace_id,
        integration_id=asset.integration_id,
        zone_id=asset.zone_id,
        asset_id=asset.id,
        container_id=None,
        kind="column",
        family_id=asset.id,
        group_key=None,
        shape=None,
        sample_id=None,
        name_words=1,
        text_words=0,
        columns_count=0,
        notes_words=len(notes),
        words=" ".join(named.union(notes)) + _marked(" c_", named),
    )


def _shape(asset: AssetFacts) -> int | None:
    """The same for the same table in two databases: its name without numbers, and the names of its columns."""
    if asset.kind not in TABLE_KINDS or not (asset.columns or asset.columns_apart):
        return None
    return number(family_pattern(asset.name), asset.named().listed)


def labels_of(asset: AssetFacts) -> Sequence[str]:
    """What it is called, apart from its columns: words of these are what "did you mean" chooses from."""
    return (asset.name, *asset.tags, *asset.synonyms)
