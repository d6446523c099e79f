"""From a resource to the words it is found by.

Enters: rows of the catalog. Leaves: a `Document` per findable thing: its words, marked by where they stand, and the
few numbers that ranking needs. A word stands plain once for the whole document and again with a mark for each
strong place: `n_` the name, `d_` description, tags, owners and synonyms, `c_` names of columns, `e_` three columns
or more, `f_` eight or more. What is plain only stands in the descriptions of columns.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from itertools import chain
from operator import itemgetter
from typing import Any, NamedTuple

from plugin.catalog.words import (
    family_pattern,
    identifier_words,
    joined_words,
    name_pieces,
    text_words,
    typed_words,
    words_of_texts,
)

TABLE_KINDS = frozenset(
    ("table", "view", "materialized_view", "foreign_table", "partitioned_table", "external_table")
)
MANY, VERY_MANY = 3, 8
LONGEST_TEXT = 4000
"""Characters of a description, definition or document that are indexed."""
MOST_COLUMNS = 5000


_NAME, _NOTES, _APART = itemgetter(1), itemgetter(2), itemgetter(3)


class ColumnFacts(NamedTuple):
    """A column as the index sees it. A tuple, since a first sync makes millions."""

    id: int
    name: str
    notes: str | None
    apart: bool = False
    """It has a flag of its own, so that the AI filters may treat it unlike its table."""

    @classmethod
    def of_rows(cls, rows: Iterable[Sequence[Any]]) -> list[ColumnFacts]:
        """Rows with these fields in this order, as a driver gives them, made into columns without a look at each."""
        return list(map(partial(tuple.__new__, cls), rows))


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
    columns: Sequence[ColumnFacts] = ()
    column_tags: Mapping[int, Sequence[str]] = field(default_factory=dict)
    """Tags of columns by id; a column with a tag stands apart."""
    _folded: frozenset[str] | None = None
    _group: tuple[int | None] | None = None

    def group(self) -> int | None:
        """The number of the group whose members may be shards of one table; None for what never is a shard."""
        if self._group is None:
            self._group = (_group_of(self),)
        return self._group[0]

    def column_set(self) -> frozenset[str]:
        """The names of its columns, lower case: what decides whether two tables are alike."""
        if self._folded is None:
            self._folded = frozenset(map(str.lower, map(_NAME, self.columns)))
        return self._folded


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
    words: set[str] = field(default_factory=set)


def number(*parts: object) -> int:
    """A stable 63-bit number for some values."""
    digest = blake2b("\x1f".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def _group_of(asset: AssetFacts) -> int | None:
    if asset.kind not in TABLE_KINDS or asset.apart or asset.tags or asset.owners:
        return None
    pattern = family_pattern(asset.name)
    return number(asset.parent_id, asset.zone_id, asset.kind, pattern) if "#" in pattern else None


def alike(one: frozenset[str], other: frozenset[str]) -> bool:
    """Do two tables share enough columns to be shards or versions of one?"""
    return len(one & other) >= 0.6 * len(one | other)


def documents(asset: AssetFacts, family_id: int | None = None) -> list[Document]:
    """The documents of one resource: its own, and one for each column that stands apart.

    A shard that belongs to a family (`family_id`) is found by its name and description only; the rest of its words
    are those of the family's first member, which answers for all.
    """
    member = family_id is not None and family_id != asset.id
    name_set = set(identifier_words(asset.name))
    group = asset.group()
    described = set(text_words((asset.description or "")[:LONGEST_TEXT]))
    text_count = len(described)
    for label in (*asset.tags, *asset.owners, *asset.synonyms):
        described.update(identifier_words(label))
    if asset.body:
        described.update(text_words(asset.body[:LONGEST_TEXT]))
    columns: Counter[str] = Counter()
    notes: set[str] = set()
    tagged = asset.column_tags
    apart: list[ColumnFacts] = []
    ordinary = asset.columns
    if tagged or any(map(_APART, asset.columns)):
        apart = [column for column in asset.columns if column.apart or column.id in tagged]
        ordinary = [column for column in asset.columns if not (column.apart or column.id in tagged)]
    if not member:
        columns.update(chain.from_iterable(map(identifier_words, map(_NAME, ordinary[:MOST_COLUMNS]))))
        notes = words_of_texts([note[:LONGEST_TEXT] for note in map(_NOTES, ordinary) if note])
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
        sample_id=ordinary[0].id if ordinary else None,
        name_words=max(1, len({word for word in name_pieces(asset.name) if not (group and word.isdigit())})),
        text_words=text_count,
        columns_count=len(asset.columns),
        notes_words=len(notes),
        words=notes,
    )
    joined = joined_words(asset.name)
    # With map, and into the largest set: a first sync marks tens of millions of words.
    words = notes
    words.update(
        name_set,
        joined,
        described,
        columns,
        map("n_".__add__, name_set),
        map("n_".__add__, joined),
        map("d_".__add__, described),
        map("c_".__add__, columns),
    )
    for word, count in columns.items():
        if count >= MANY:
            words.add(f"e_{word}")
            if count >= VERY_MANY:
                words.add(f"f_{word}")
    return [own, *(_apart(asset, column) for column in apart if not member)]


def _apart(asset: AssetFacts, column: ColumnFacts) -> Document:
    """The document of one column; ranking counts it for its table."""
    names = set(identifier_words(column.name))
    notes = set(text_words((column.notes or "")[:LONGEST_TEXT]))
    labels = {word for tag in asset.column_tags.get(column.id, ()) for word in identifier_words(tag)}
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
        words=names | notes | labels | {f"c_{word}" for word in names | labels},
    )


def _shape(asset: AssetFacts) -> int | None:
    """The same for the same table in two databases: its name without numbers, and the names of its columns."""
    if asset.kind not in TABLE_KINDS or not asset.columns:
        return None
    return number(family_pattern(asset.name), *sorted(asset.column_set()))


def names_of(asset: AssetFacts, read: set[str]) -> set[str]:
    """The words of names as people type them, for "did you mean". `read` are names of columns that were read before;
    those of this asset join them.
    """
    words = set(typed_words(asset.name))
    for label in (*asset.tags, *asset.synonyms):
        words.update(typed_words(label))
    fresh = set(map(_NAME, asset.columns)) - read
    read |= fresh
    words.update(*map(typed_words, fresh))
    return words
