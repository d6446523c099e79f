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
    func,
    literal_column,
    select,
    table,
)
from sqlalchemy.orm import aliased

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
SAMPLE, COUNT = (DOC.split(", ").index(name) for name in ("sample_id", "columns_count"))
OF_COLUMNS = ("c_", "e_", "f_")
OF_TABLE = ("n_", "d_")
_docs = table("search_docs", column("id"), column("family_id"), column("kind"), column("container_id"))
_apart = _docs.alias("apart")
_column = aliased(ResourceRow)


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
        fewer = self._hidden_columns([*docs, *firsts])
        texts = [(id_, text) for id_, text in found.words if id_ in shown or id_ in seen]
        return Around(
            _with_fewer(docs, fewer),
            _with_fewer(firsts, fewer),
            found.places,
            texts,
            found.standing,
            found.many,
        )

    def _hidden_columns(self, docs: Sequence[Any]) -> dict[int, int]:
        """How many columns the filters hide of each of these documents; none is left out that hides any."""
        apart: dict[int, list[int]] = {}
        for part in chunks(sorted(row[0] for row in docs if row[COUNT]), BLOCK):
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
            seen = self.shown({row[SAMPLE] for row in docs if row[SAMPLE] is not None})
            for row in docs:
                if row[SAMPLE] is not None and row[SAMPLE] not in seen:
                    fewer[row[0]] = row[COUNT] - sum(1 for id_ in apart.get(row[0], ()) if id_ in shown)
        return fewer

    def words(self, docs: Sequence[tuple[int, int]]) -> Sequence[tuple[int, str]]:
        shown = self.shown([id_ for id_, _zone in docs])
        return self._whole.words([(id_, zone) for id_, zone in docs if id_ in shown])

    def docs(self, ids: Sequence[int], columns: str) -> Sequence[Any]:
        shown = self.shown(ids)
        return self._whole.docs([id_ for id_ in ids if id_ in shown], columns)

    def inside(self, containers: Collection[int]) -> dict[int, tuple[int, int]]:
        build = _inside_by_kind if self._by_kind else _inside
        rows = self.connection.execute(kept(self.context, build), {"containers": sorted(containers)}).all()
        found = {container: (count, int(size)) for container, count, size in rows}
        if self._by_kind:
            return found
        apart = self.connection.execute(kept(self.context, _apart_in), {"containers": sorted(found)}).all()
        shown = self.shown({id_ for id_, _container in apart})
        for id_, container in apart:
            if id_ not in shown:
                count, size = found[container]
                found[container] = (count, size - 1)
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
    return _sizes(context, func.coalesce(ResourceRow.columns_count, 0))


def _apart_in(_context: Context) -> Any:
    """The columns with a document of their own in some containers: a read of its own, which takes no look at each."""
    return (
        select(_apart.c.id, _docs.c.container_id)
        .join(_docs, _docs.c.id == _apart.c.family_id)
        .where(
            _apart.c.family_id != _apart.c.id,
            _apart.c.kind == literal_column("'column'"),
            _docs.c.container_id.in_(bindparam("containers", expanding=True)),
        )
    )


def _inside_by_kind(context: Context) -> Any:
    """The same where any column of a table may be hidden."""
    shown = select(func.count()).where(
        _column.parent_id == ResourceRow.id,
        _column.kind == literal_column("'column'"),
        visible(context, _column),
    )
    return _sizes(context, shown.correlate(ResourceRow).scalar_subquery())


def _sizes(context: Context, columns: Any) -> Any:
    return (
        select(ResourceRow.parent_id, func.count(), func.sum(case((columns < 60, columns), else_=60) + 4))
        .where(
            ResourceRow.parent_id.in_(bindparam("containers", expanding=True)),
            ResourceRow.kind != literal_column("'column'"),
            visible(context),
        )
        .group_by(ResourceRow.parent_id)
    )


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
