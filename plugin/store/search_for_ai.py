"""The full-text index as an assistant may read it: what AI filters hide takes no place in it.

The index knows zones, and AI filters speak of tags, kinds and marks that change without it. So its lists are read whole
here, as far as the reader's zones go, and what the filters hide leaves them before they are cut, counted or put
together. A document is looked up once a search, in the one sentence on visibility.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    any_,
    bindparam,
    case,
    column,
    exists,
    func,
    literal_column,
    select,
    table,
)

from plugin.store._around_rows import kept
from plugin.store._chunks import chunks
from plugin.store._context import Context
from plugin.store._models.catalog import ResourceRow
from plugin.store._visible import visible
from plugin.store.search_filters import among
from plugin.store.search_scope import DOC, Around, FullText

WHOLE = 2**31 - 1
"""No cut."""
BLOCK = 20_000
"""Documents that are looked up at once."""
FEW = 900
"""The same on PostgreSQL, whose planner takes more for so many that it would rather read all of the workspace."""
MORE_TIMES = 8
LONG = 60
"""Columns from which on a table counts as no larger."""
SAMPLE, COUNT = (DOC.split(", ").index(name) for name in ("sample_id", "columns_count"))
OF_COLUMNS = ("c_", "e_", "f_")
OF_TABLE = ("n_", "d_")
_docs = table(
    "search_docs", *map(column, ("id", "family_id", "kind", "container_id", "columns_count", "sample_id"))
)
_apart = _docs.alias("apart")


class AllowedText(FullText):
    """The part of an index that the AI filters leave."""

    def __init__(self, whole: FullText) -> None:
        super().__init__(whole.context, whole.zones, 0, everything=False)
        self._whole = whole
        self._shown: dict[int, bool] = {}
        """Resource -> does it exist for this reader?"""
        self._samples: dict[int, int | None] = {}
        """Document -> a column of it, which is shown as all are that have no document of their own."""
        self._raw: dict[str, list[int]] = {}
        """Lexeme -> the documents that have it, hidden ones too, by id."""
        self._by_kind = any("column" in rule.kinds for rule in _each(self.context.ai_rules))
        """May columns be hidden of a table that is shown, without a tag or a flag of their own?"""

    def shown(self, ids: Collection[int]) -> set[int]:
        fresh = {id_ for id_ in ids if id_ not in self._shown}
        for part in chunks(sorted(fresh), BLOCK if self.context.dialect == "sqlite" else FEW):
            given = json.dumps(part) if self.context.dialect == "sqlite" else part
            rows = self.connection.execute(kept(self.context, _shown), {"ids": given}).all()
            found = {id_ for (id_,) in rows}
            self._shown.update((id_, id_ in found) for id_ in part)
        known = self._shown
        return {id_ for id_ in ids if known[id_]}

    def scale(self, counts: Iterable[int]) -> int:
        # To count all that the filters leave would be a look at each resource of the workspace.
        listed = len(set[int]().union(*self._lists.values()))
        return max([listed, *(2 * count for count in counts)])

    # --- lists -------------------------------------------------------------------------------------------------

    def listed(self, lexemes: Sequence[str], limit: int) -> list[list[int]]:
        return list(self._cut([self._candidates(each) for each in self._read(lexemes)], limit))

    def having_any(self, lexemes: Sequence[str], limit: int) -> set[int]:
        return {id_ for ids in self.listed(lexemes, limit) for id_ in ids}

    def having_all(self, lexemes: Sequence[str], limit: int, *, prefix: bool = False) -> list[int]:
        if prefix:
            found = self._whole.having_all(lexemes, WHOLE, prefix=True)
            return next(self._cut([found], limit))
        return self.having_all_each([lexemes], limit)[0]

    def having_all_each(self, wanted: Sequence[Sequence[str]], limit: int) -> list[list[int]]:
        self._read([each for lexemes in wanted for each in lexemes])
        every = []
        for lexemes in wanted:
            shortest, *rest = sorted((self._candidates(each) for each in lexemes), key=len)
            having = set(shortest).intersection(*rest)
            every.append([id_ for id_ in shortest if id_ in having])
        return list(self._cut(every, limit))

    def count_each(self, lexemes: Sequence[str]) -> list[int]:
        self._read(lexemes)
        return [len(self.shown(self._candidates(each))) for each in lexemes]

    def _read(self, lexemes: Sequence[str]) -> Sequence[str]:
        """Have the whole lists of these at hand, and of what tells where the words stand."""
        wanted = list(lexemes)
        if self._by_kind:
            wanted += [mark + each for each in lexemes if _is_plain(each) for mark in OF_TABLE]
        fresh = list(dict.fromkeys(each for each in wanted if each not in self._raw))
        if fresh:
            self._raw.update(zip(fresh, self._whole.listed(fresh, WHOLE), strict=True))
        return lexemes

    def _candidates(self, lexeme: str) -> list[int]:
        """The documents that have a lexeme elsewhere than in columns which are hidden."""
        ids = self._raw[lexeme]
        plain = _is_plain(lexeme)
        if not self._by_kind or not (plain or lexeme.startswith(OF_COLUMNS)):
            return ids
        named = set[int]()
        if plain:
            named = named.union(*(self._raw[mark + lexeme] for mark in OF_TABLE))
        doubtful = [id_ for id_ in ids if id_ not in named]
        fresh = [id_ for id_ in doubtful if id_ not in self._samples]
        for part in chunks(fresh, BLOCK):
            self._samples.update((id_, sample) for id_, sample in self._whole.docs(part, "id, sample_id"))
        samples = {id_: sample for id_ in doubtful if (sample := self._samples.get(id_)) is not None}
        shown = self.shown(set(samples.values()))
        return [id_ for id_ in ids if id_ not in samples or samples[id_] in shown]

    def _cut(self, lists: Sequence[Sequence[int]], limit: int) -> Iterator[list[int]]:
        """What is shown of each list, at most `limit`: no more is looked up than that takes."""
        first = set[int]().union(*(ids[:limit] for ids in lists))
        self.shown(first)
        for ids in lists:
            kept: list[int] = []
            at, step = 0, limit
            while at < len(ids) and len(kept) < limit:
                part = ids[at : at + step]
                shown = self.shown(part)
                kept += [id_ for id_ in part if id_ in shown]
                at, step = at + step, max(limit, BLOCK)
            yield kept[:limit]

    # --- documents ---------------------------------------------------------------------------------------------

    def around(self, ids: Sequence[int], *, words: bool, sizes: bool = False) -> Around:
        shown = self.shown(ids)
        found = self._whole.around([id_ for id_ in ids if id_ in shown], words=words, sizes=False)
        seen = self.shown({row[0] for row in found.firsts})
        docs, firsts = found.docs, [row for row in found.firsts if row[0] in seen]
        fewer = self._hidden_columns([(row[0], row[COUNT], row[SAMPLE]) for row in (*docs, *firsts)])
        texts = [(id_, text) for id_, text in found.words if id_ in shown or id_ in seen]
        return Around(
            _with_fewer(docs, fewer),
            _with_fewer(firsts, fewer),
            found.places,
            texts,
            found.standing,
            found.many,
        )

    def _hidden_columns(self, tables: Sequence[tuple[int, int, int | None]]) -> dict[int, int]:
        """How many columns the filters hide of each of these documents, given by id, columns and sample; none is left
        out that hides any."""
        apart: dict[int, list[int]] = {}
        for part in chunks(sorted(id_ for id_, columns, _sample in tables if columns), BLOCK):
            given = self.connection.execute(
                select(_docs.c.id, _docs.c.family_id).where(
                    among(self.context, part, _docs.c.family_id),
                    _docs.c.family_id != _docs.c.id,
                    _docs.c.kind == literal_column("'column'"),
                )
            )
            for id_, table_id in given:
                apart.setdefault(table_id, []).append(id_)
        shown = self.shown({id_ for ids in apart.values() for id_ in ids})
        fewer = {each: sum(1 for id_ in ids if id_ not in shown) for each, ids in apart.items()}
        if self._by_kind:
            samples = {sample for _id, _columns, sample in tables if sample is not None}
            seen = self.shown(samples)
            for id_, columns, sample in tables:
                if sample is not None and sample not in seen:
                    fewer[id_] = columns - sum(1 for each in apart.get(id_, ()) if each in shown)
        return fewer

    def words(self, docs: Sequence[tuple[int, int]]) -> Sequence[tuple[int, str]]:
        shown = self.shown([id_ for id_, _zone in docs])
        return self._whole.words([(id_, zone) for id_, zone in docs if id_ in shown])

    def docs(self, ids: Sequence[int], columns: str) -> Sequence[Any]:
        shown = self.shown(ids)
        return self._whole.docs([id_ for id_ in ids if id_ in shown], columns)

    def inside(self, containers: Collection[int]) -> dict[int, tuple[int, int]]:
        rows = self.connection.execute(kept(self.context, _inside), {"containers": sorted(containers)}).all()
        found = {container: (count, int(size)) for container, count, size in rows}
        build = _tables_in if self._by_kind else _tables_with_apart_in
        tables = self.connection.execute(kept(self.context, build), {"containers": sorted(found)}).all()
        shown = self.shown({id_ for id_, *_rest in tables})
        fewer = self._hidden_columns(
            [(id_, columns, sample) for id_, _in, columns, sample in tables if id_ in shown]
        )
        for id_, container, columns, _sample in tables:
            if fewer.get(id_):
                count, size = found[container]
                found[container] = (count, size - min(columns, LONG) + min(columns - fewer[id_], LONG))
        return found

    def siblings(self, containers: Sequence[int], limit: int) -> Sequence[Any]:
        most = 2 * limit
        while True:
            rows = self._whole.siblings(containers, most)
            shown = self.shown([row[0] for row in rows])
            kept = [row for row in rows if row[0] in shown]
            if len(kept) >= limit or len(rows) < most:
                return kept[:limit]
            most *= MORE_TIMES

    def members(self, families: Sequence[int]) -> Sequence[Any]:
        rows = self._whole.members(families)
        shown = self.shown([row[0] for row in rows])
        return [row for row in rows if row[0] in shown]

    def others_of(self, families: Sequence[int]) -> list[int]:
        ids = self._whole.others_of(families)
        shown = self.shown(ids)
        return [id_ for id_ in ids if id_ in shown]

    def words_like(self, start: str) -> list[str]:
        return self._whole.words_like(start)


def _shown(context: Context) -> Any:
    """Those of `ids` that exist for this reader."""
    if context.dialect == "sqlite":
        every = func.json_each(bindparam("ids")).table_valued("value")
        among_these: Any = ResourceRow.id.in_(select(every.c.value))
    else:
        among_these = ResourceRow.id == any_(bindparam("ids", type_=ARRAY(BigInteger)))
    return select(ResourceRow.id).where(among_these, visible(context, by_id=True))


def _inside(context: Context) -> Any:
    """How many documents this reader sees in some containers, and how large they are with columns that are hidden."""
    columns = func.coalesce(ResourceRow.columns_count, 0)
    return (
        select(ResourceRow.parent_id, func.count(), func.sum(case((columns < LONG, columns), else_=LONG) + 4))
        .where(
            ResourceRow.parent_id.in_(bindparam("containers", expanding=True)),
            ResourceRow.kind != literal_column("'column'"),
            visible(context),
        )
        .group_by(ResourceRow.parent_id)
    )


def _tables_in(_context: Context) -> Any:
    """The tables in some containers, whoever sees them: a read of its own, which takes no look at each."""
    return select(_docs.c.id, _docs.c.container_id, _docs.c.columns_count, _docs.c.sample_id).where(
        _docs.c.columns_count > 0, _docs.c.container_id.in_(bindparam("containers", expanding=True))
    )


def _tables_with_apart_in(context: Context) -> Any:
    """Those that have columns with a document of their own."""
    has_apart = exists().where(
        _apart.c.family_id == _docs.c.id,
        _apart.c.family_id != _apart.c.id,
        _apart.c.kind == literal_column("'column'"),
    )
    return _tables_in(context).where(has_apart)


def _is_plain(lexeme: str) -> bool:
    """Is it a word wherever it stands, with no mark before it?"""
    return not lexeme.startswith((*OF_COLUMNS, *OF_TABLE))


def _each(rules: Iterable[Any]) -> Iterator[Any]:
    for rule in rules:
        while rule is not None:
            yield rule
            rule = rule.also


def _with_fewer(rows: Sequence[Any], fewer: dict[int, int]) -> Sequence[Any]:
    """The rows of documents with as many columns as this reader sees."""
    if not any(fewer.values()):
        return rows
    return [
        (*row[:COUNT], max(0, row[COUNT] - fewer[row[0]]), *row[COUNT + 1 :]) if fewer.get(row[0]) else row
        for row in rows
    ]
