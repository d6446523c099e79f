"""What the name of a column says, word by word, and how people say the words that only end or begin such names.

Enters: the name of a column. Leaves: for each of its words the stems by which a question may mean it. "shipped_at" is
asked for as "when it was shipped", "is_active" as "whether it is active": such words are no evidence alone, for every
table has them, but they tell apart the columns that the other words leave equal.
"""

from __future__ import annotations

from functools import lru_cache

from plugin.catalog.compounds import parts_of
from plugin.catalog.words import ABBREVIATIONS, pieces, stem

_SAID = {
    "at": "date time timestamp datetime when moment",
    "ts": "timestamp time date",
    "on": "date day",
    "dt": "date day",
    "date": "when timestamp day",
    "is": "whether boolean flag true indicates if",
    "has": "whether boolean flag true indicates if",
    "was": "whether boolean flag true indicates if",
    "flag": "whether boolean true indicates if",
    "id": "identifier unique key",
    "key": "identifier unique surrogate primary foreign id",
    "sk": "surrogate key",
    "count": "number total how many",
    "num": "number count total",
    "cnt": "number count",
    "number": "count",
    "total": "sum number",
    "amount": "value sum money",
    "name": "called title label",
    "desc": "description",
    "url": "link address",
    "pct": "percentage percent",
    "rate": "percentage ratio",
    "type": "kind category",
    "first": "earliest initial",
    "last": "latest recent",
    "min": "minimum lowest",
    "max": "maximum highest",
    "avg": "average mean",
    "code": "identifier",
}
USAGE = {word: frozenset(stem(each) for each in said.split()) for word, said in _SAID.items()}
"""A word of names -> the stems with which people ask for it."""


@lru_cache(maxsize=50_000)
def ways(name: str) -> tuple[tuple[str, frozenset[str]], ...]:
    """The words of a name as written, each with its stem and that of its long form."""
    found = []
    for whole in pieces(name):
        for word in parts_of(whole) or (whole,):
            long = ABBREVIATIONS.get(word)
            stems = (stem(word),) if long is None else (stem(word), stem(long))
            found.append((word, frozenset(stems)))
    return tuple(found)
