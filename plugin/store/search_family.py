"""Who stands for a family: of many shards or versions of one table, the one that the question means.

Enters: ranked families. Leaves: the same list with the member that fits the numbers of the question ("in March 2017"),
else the newest by name, else the first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import replace

from plugin.catalog.words import Question
from plugin.store._chunks import chunks
from plugin.store.search_rank import Ranked
from plugin.store.search_scope import FullText

Entry = tuple[int, float, Ranked | None]
MONTHS = {
    name: f"{at:02d}"
    for at, name in enumerate(
        "january february march april may june july august september october november december".split(),
        start=1,
    )
}


def choose_members(
    index: FullText, question: Question, entries: list[Entry], only: Collection[int] | None, needed: int
) -> list[Entry]:
    """Replace each family's first member by the one to show, for the entries that a page will show."""
    firsts = [entry[0] for entry in entries[: max(needed, 20)]]
    members: dict[int, list[tuple[int, str]]] = defaultdict(list)
    grouped = [id_ for id_, _score, each in entries[: len(firsts)] if each is not None and each.grouped]
    for part in chunks(grouped):
        for id_, family, name in index.members(part):
            if only is None or id_ in only:
                members[family].append((id_, name))
    numbers, months = _numbers(question), _months(question)
    chosen: list[Entry] = []
    for id_, score, each in entries[: len(firsts)]:
        alike = members.get(id_, [])
        if each is None or not alike or (len(alike) == 1 and alike[0][0] == id_):
            chosen.append((id_, score, each))
            continue
        best = max(alike, key=lambda member: (_fit(member[1], numbers, months), member[1], -member[0]))
        chosen.append((best[0], score, replace(each, id=best[0], shards=len(alike))))
    return chosen + entries[len(firsts) :]


def _numbers(question: Question) -> list[str]:
    """The numbers and dates of a question that the name of a shard may have; one digit says nothing."""
    dates = (term.written for term in question.terms if term.joined and term.written.isdigit())
    return [number for number in (*question.numbers, *dates) if len(number) > 1]


def _months(question: Question) -> list[list[str]]:
    """Each month that a question names, with each of its years: march of 2016 and 2017 is 201603, 201703."""
    written = {term.written for term in question.terms}
    years = [year for year in question.numbers if len(year) == 4]
    return [[f"{year}{digits}" for year in years] for month, digits in MONTHS.items() if month in written]


def _fit(name: str, numbers: list[str], months: list[list[str]]) -> int:
    """How many of the question's numbers the name has; longer numbers say more."""
    fit = sum([len(number) for number in numbers if number in name])
    return fit + 2 * sum([any(month in name for month in years) for years in months])
