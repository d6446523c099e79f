"""How names and sentences become words: for the index, for questions, and the same for both.

Enters: an identifier ("custOrderID", "TRANSACTIONHISTORY_v2"), a text, or a question. Leaves: stems. Pure; it
knows neither the database nor a viewer, so what somebody may not see cannot change how a word is read. One file because
names, texts and questions have to be read by the same rules.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from typing import Any

from plugin.catalog.compounds import parts_of

WORDS = 2
"""Which way of making words this is. Documents keep the words they were written with, and a question is read with those
of today, so count this up with whatever makes one of them another: how a name is cut or stemmed, the lists here and in
`compounds.py`, families, what `plugin/store/search_rows.py` puts into a document, a release of the stemmer. Each
workspace's index is then built anew, once (`renew` in `plugin/store/search_index.py`). What only reads a question
(`ASKING`, weights, dates) leaves it. tests/search/test_reindex.py fails where it was forgotten."""
PIECES = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_A-Za-z]+")
"""ABCDef -> ABC Def; order2 -> order 2; letters of other scripts stay together."""
PHRASE = re.compile(r'"([^"]{2,200})"')
LONGEST = 40
MONTHS = {
    month: f"{number:02}"
    for number, month in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), start=1)
}
_MONTH = (
    "(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    "|nov(?:ember)?|dec(?:ember)?)"
)
DATE = re.compile(
    rf"\b(?:(?:(?P<day>[0-3]?\d)(?:st|nd|rd|th)?(?:\s+of)?\s+)?(?P<month>{_MONTH})\.?"
    rf"|(?P<month2>{_MONTH})\.?\s+(?P<day2>[0-3]?\d)(?:st|nd|rd|th)?)(?:\s+of)?,?\s+(?P<year>(?:19|20)\d\d)\b"
    r"|\b(?P<year3>(?:19|20)\d\d)[-/](?P<month3>0[1-9]|1[0-2])(?:[-/](?P<day3>0[1-9]|[12]\d|3[01]))?\b"
)
"""January 18, 2023; 18 Jan 2023; April 2022; 2023-01-18."""

STOP = frozenset(
    """a an and are as at be been being but by can could did do does doing done each either for from had has have
    having he her here hers him his how i if in into is it its itself just me more most my no nor not of off on once
    one only or other our out over own per please provide s same she should so some such t than that the their them
    then there these they this those through to too under until up us very was we were what when where which while
    who whom whose why will with within without would you your calculate find show list return give get compute
    determine identify using use used based include including also ensure following e g whether both any all tell
    want need along between""".split()
)
"""Words that say nothing about which table is meant: articles, pronouns, and what people say to a computer."""

ASKING = frozenset(
    """average total number count highest lowest maximum minimum most least top bottom percentage percent rate ratio
    difference sum median mean mode distinct unique different each every per overall result results value values
    report output list name names order ordered sort sorted descending ascending rank ranked ranking group grouped
    aggregate aggregated filter filtered calculated calculation compare comparison compared many much long first
    second third last next previous following before after during between since until above below least greater less
    more fewer than equal exactly only where whose considering specific specifically respectively corresponding
    associated related across within according information details data dataset table tables column columns record
    records row rows field fields year years month months day days week weeks date dates time times period annual
    annually monthly daily weekly yearly january february march april may june july august september october
    november december start starting end ending began consider assume format formatted rounded round decimal places
    figure figures excluding exclude provided final recent recently latest earliest new high low large small larger
    smaller largest smallest three five ten two four""".split()
)
"""Words of the questions rather than of the catalog: they count less, but "orders" may still be a table."""

ABBREVIATIONS = {
    "acct": "account", "addr": "address", "amt": "amount", "attr": "attribute", "avg": "average", "cat": "category",
    "cd": "code", "cnt": "count", "cur": "current", "curr": "current", "cust": "customer", "dept": "department",
    "desc": "description", "dest": "destination", "dist": "distance", "doc": "document", "docs": "document",
    "dst": "destination", "dt": "date", "dur": "duration", "emp": "employee", "freq": "frequency", "geo": "geographic",
    "gov": "government", "grp": "group", "hosp": "hospital", "hr": "hour", "ht": "height", "id": "identifier",
    "img": "image", "info": "information", "intl": "international", "inv": "invoice", "lang": "language",
    "lat": "latitude", "len": "length", "lng": "longitude", "loc": "location", "lon": "longitude", "lvl": "level",
    "max": "maximum", "mgr": "manager", "min": "minimum", "mkt": "market", "mo": "month", "msg": "message",
    "mth": "month", "natl": "national", "nbr": "number", "num": "number", "ord": "order", "org": "organization",
    "orig": "origin", "pct": "percent", "pkg": "package", "pmt": "payment", "pop": "population", "pos": "position",
    "precip": "precipitation", "prev": "previous", "prod": "product", "pt": "patient", "pub": "publication",
    "qty": "quantity", "ref": "reference", "repo": "repository", "repos": "repository", "rev": "revenue",
    "sched": "schedule", "sec": "second", "seq": "sequence", "src": "source", "stat": "status", "std": "standard",
    "stn": "station", "temp": "temperature", "tot": "total", "trans": "transaction", "tx": "transaction",
    "txn": "transaction", "usr": "user", "val": "value", "veh": "vehicle", "vol": "volume", "wt": "weight",
    "yr": "year", "zip": "zipcode",
}  # fmt: skip
"""What the field writes short. A name with the short form is found by the long one, and the other way round."""

KEY_WORDS = ("id", "identifier", "key", "code", "number", "num", "no", "uid", "uuid", "cd", "fk", "sk", "pk")
"""How the name of a column that points at another table ends."""


@dataclass(frozen=True, slots=True)
class Term:
    """One word of a question: its stem, how much it counts, and how it was written."""

    word: str
    weight: float
    written: str
    joined: bool = False
    """Two neighbouring words written as one ("order lines" asks for ORDERLINES too)."""


@dataclass(frozen=True, slots=True)
class Question:
    """A text that somebody searches for, read."""

    terms: tuple[Term, ...]
    phrases: tuple[str, ...]
    """What stood in quotes, lower case."""
    numbers: tuple[str, ...]
    """Digits as written, to choose among shards of a table."""
    said: frozenset[str] = frozenset()
    """The stems of all its words, those that say nothing about a table too."""

    content: tuple[Term, ...] = field(init=False, repr=False, compare=False)
    """The terms that were really typed, without the joined ones."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "content", tuple(term for term in self.terms if not term.joined))


_STEMMING = threading.Lock()
"""The stemmer keeps the word that it works on in itself: two threads at once would give each other's stems."""


@lru_cache(maxsize=1)
def _stemmer() -> Any:
    # PyStemmer's, in C, where it is installed; the same stems in ten times as long where it is not.
    import snowballstemmer

    return snowballstemmer.stemmer("english")


@lru_cache(maxsize=200_000)
def stem(word: str) -> str:
    """The stem of one lower-case word."""
    if not word.isascii() or word[-1:].isdigit():
        # English has no ending after a digit, so the stemmer would leave it as it is, slowly.
        return word[:LONGEST]
    with _STEMMING:
        return str(_stemmer().stemWord(word))[:LONGEST]


def pieces(text: str) -> list[str]:
    """The lower-case words of an identifier or a text, in order; identifiers are split. One-digit numbers go."""
    if not text.isascii():
        # "Straßenname" and "Müller" are found by whoever types them without the marks.
        text = "".join(
            sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign)
        )
    return [
        word
        for word in map(str.lower, PIECES.findall(text))
        if len(word) > 1 or not (word.isdigit() and word.isascii())
    ]


@lru_cache(maxsize=64)
def _pieces_of(name: str) -> tuple[str, ...]:
    # A name is read several ways one after the other, and split once.
    words = name.split("_")
    if name.isascii() and name.islower() and all(map(str.isalpha, words)):
        return tuple(words)  # most names of most warehouses, at a third of the cost
    return tuple(pieces(name))


@lru_cache(maxsize=100_000)
def identifier_words(name: str) -> tuple[str, ...]:
    """Stems of an identifier, each once, in order: abbreviations written out, and words without a break taken apart.

    A name of stop words only (no_show) is known by what they make together: noshow.
    """
    return tuple(_stems_in_name(name)) or joined_words(name)


def name_words(name: str) -> set[str]:
    """`identifier_words` and `joined_words` of a name that few others have, as those of tables: not remembered."""
    return {*_stems_in_name(name), *_joined(name)}


def _stems_in_name(name: str) -> dict[str, None]:
    stems: dict[str, None] = {}
    for piece in _pieces_of(name):
        if piece.isdigit():  # what numbers tables has no other form, and need not be remembered
            stems[piece[:LONGEST]] = None
        else:
            stems.update(dict.fromkeys(_stems_of_piece(piece)))
    return stems


@lru_cache(maxsize=100_000)
def _stems_of_piece(whole: str) -> tuple[str, ...]:
    # Names are made of far fewer words than there are names.
    found = []
    for word in (whole, *parts_of(whole)):
        if word in STOP:
            continue
        found.append(stem(word))
        long = ABBREVIATIONS.get(word)
        if long is not None:
            found.append(stem(long))
    return tuple(found)


def name_pieces(name: str) -> list[str]:
    """The words of a name, with those that were written without a break taken apart."""
    return list(
        chain.from_iterable(
            (piece,) if piece.isdigit() else _parts_of_piece(piece) for piece in _pieces_of(name)
        )
    )


@lru_cache(maxsize=100_000)
def _parts_of_piece(whole: str) -> tuple[str, ...]:
    return parts_of(whole) or (whole,)


@lru_cache(maxsize=20_000)
def joined_words(name: str) -> tuple[str, ...]:
    """Stems of neighbouring words of a name written as one: order_lines -> orderlin, hg_19 -> hg19."""
    return _joined(name)


def _joined(name: str) -> tuple[str, ...]:
    words = _pieces_of(name)
    return tuple(
        (left + right)[:LONGEST] if right.isdigit() else stem(left + right)
        for left, right in zip(words, words[1:], strict=False)
        if not left.isdigit()
    )


def text_words(text: str) -> tuple[str, ...]:
    """Stems of a text, each once, without stop words."""
    return _words_of_short(text) if len(text) <= SHORT_TEXT else _words_of(text)


def _words_of(text: str) -> tuple[str, ...]:
    return tuple({stem(word): None for word in pieces(text) if word not in STOP})


_words_of_short = lru_cache(maxsize=50_000)(_words_of)
"""Long texts are not remembered: fifty thousand descriptions may be two hundred megabytes."""


@lru_cache(maxsize=200_000)
def _stems_of(token: str) -> tuple[str, ...]:
    return tuple(stem(word) for word in pieces(token) if word not in STOP)


def _stems_in(text: str) -> tuple[str, ...]:
    return tuple(set(chain.from_iterable(map(_stems_of, text.split()))))


_stems_in_short = lru_cache(maxsize=50_000)(_stems_in)
"""What is said of a column is said of its namesakes in other tables too."""
SHORT_TEXT = 300
"""Characters; what is longer is seldom said twice, and would be remembered at the cost of much memory."""


def words_of_texts(texts: Collection[str], longest: int) -> set[str]:
    """The stems of several texts together, in no order, of the first `longest` characters of each: what `text_words`
    gives for them, but a word is read once.
    """
    if not texts:
        return set()
    if max(map(len, texts)) <= SHORT_TEXT:
        return set(chain.from_iterable(map(_stems_in_short, texts)))
    return set(
        chain.from_iterable(
            _stems_in_short(text) if len(text) <= SHORT_TEXT else _stems_in(text[:longest]) for text in texts
        )
    )


@lru_cache(maxsize=2_000)
def typed_words(name: str) -> tuple[str, ...]:
    """The words of a name as people type them, for "did you mean"."""
    return tuple(word for word in _pieces_of(name) if 3 <= len(word) <= 60 and not word.isdigit())


def name_core(name: str) -> tuple[str, ...]:
    """Stems of a name without its numbers, as written: what a key column of another table would repeat."""
    return tuple(stem(word) for word in name_pieces(name) if not word.isdigit())


@lru_cache(maxsize=100_000)
def points_at(column: str) -> tuple[str, ...]:
    """For a column that looks like a reference ("ship_address_id"): the words before its key word, else nothing."""
    words = name_core(column)
    if len(words) < 2 or words[-1] not in _key_stems():
        return ()
    return words[:-1]


@lru_cache(maxsize=1)
def _key_stems() -> frozenset[str]:
    return frozenset(stem(word) for word in KEY_WORDS)


@lru_cache(maxsize=1)
def _asking_stems() -> frozenset[str]:
    return frozenset(stem(word) for word in ASKING)


SHARD = re.compile(r"\d+")
CHROMOSOME = re.compile(r"(?<![a-z])chr[xymt]+(?![a-z])")


@lru_cache(maxsize=64)
def family_pattern(name: str) -> str:
    """The name with everything that numbers a shard or version replaced by '#': ga_sessions_# for each day."""
    pattern = SHARD.sub("#", name.lower())
    return CHROMOSOME.sub("chr#", pattern) if "chr" in pattern else pattern


LONGEST_SEARCH = 8
"""A text of more words is a question, not words to look for."""
BEGINNING = 25
"""So many words into a question the thing that it is about has been named; conditions and formats follow."""


def read_question(
    text: str, *, generic: float = 0.4, number: float = 0.3, later: float = 0.7, most: int = 60
) -> Question:
    """Read what somebody searches for. Never raises; a text without any word has no terms.

    A word said twice counts more (by the square root). Words of asking, bare numbers, and words that come only after
    the beginning of a long question count less. A question of nothing but stop words ("who", "used by") is taken by
    its words, and by what these make together.
    """
    phrases = tuple(phrase.strip().lower() for phrase in PHRASE.findall(text))
    words = pieces(text)
    if len(words) > LONGEST_SEARCH:
        phrases = ()  # in a question quotes stand around a value, and the catalog has no values
    telling = [word for word in words if word not in STOP]
    kept = telling or words
    counts: dict[str, int] = {}
    written: dict[str, str] = {}
    beginning = set(words[:BEGINNING])
    for word in kept:
        for each in (word, ABBREVIATIONS.get(word)):
            if each is not None:
                counts[stem(each)] = counts.get(stem(each), 0) + 1
                written.setdefault(stem(each), word)
    asking = _asking_stems()
    terms = []
    for word, count in counts.items():
        weight = float(count) ** 0.5
        if word.isdigit():
            weight *= number
        elif word in asking:
            weight *= generic
        if written[word] not in beginning:
            weight *= later
        terms.append(Term(word, weight, written[word]))
    terms = _most_telling(terms, most)
    known = set(counts)
    for left, right in zip(words, words[1:], strict=False):
        if left.isdigit() or (telling and (left in STOP or right in STOP) and not _one_name(left, right)):
            continue
        glued = stem(left + right)
        if glued not in known:
            known.add(glued)
            terms.append(Term(glued, 1.0, left + right, joined=True))
    for date in dates_in(text):
        if date not in known:
            known.add(date)
            terms.append(Term(date, 1.0, date, joined=True))
    numbers = tuple(word for word in words if word.isdigit())
    return Question(tuple(terms[: 2 * most]), phrases, numbers, frozenset(map(stem, words)))


_BEHIND = frozenset("out up off".split())
_WITH_IN_OR_ON = frozenset("add check clock drop log opt plug sign trade walk".split())
"""Verbs that make a name with "in" or "on"; behind any other these two only say where: "printed on the slip"."""


def _one_name(left: str, right: str) -> bool:
    """May two words be one name although one of them says nothing alone: "no shows", "opt out", "sign up"?"""
    if right in ("in", "on"):
        return left in _WITH_IN_OR_ON
    return (left == "no" and len(right) > 2) or (right in _BEHIND and left not in STOP)


def dates_in(text: str) -> list[str]:
    """The days and months that a text names with their year, as the names of shards write them: 20230118, 202204."""
    found: dict[str, None] = {}
    for match in DATE.finditer(text.lower()):
        parts = match.groupdict()
        month = parts["month"] or parts["month2"]
        digits = MONTHS.get(month[:3], "") if month else parts["month3"]
        year = parts["year"] or parts["year3"]
        day = parts["day"] or parts["day2"] or parts["day3"]
        found[f"{year}{digits}{int(day):02}" if day else f"{year}{digits}"] = None
    return list(found)


def _most_telling(terms: list[Term], most: int) -> list[Term]:
    if len(terms) <= most:
        return terms
    chosen = set(sorted(range(len(terms)), key=lambda at: -terms[at].weight)[:most])
    return [term for at, term in enumerate(terms) if at in chosen]


def excerpt(text: str, terms: Iterable[str], width: int = 160) -> str:
    """The part of a text around the first of these stems, in one line."""
    wanted = set(terms)
    flat = " ".join(text.split())
    for match in PIECES.finditer(flat):
        if stem(match.group().lower()) in wanted:
            start = max(0, match.start() - width // 3)
            cut = flat[start : start + width]
            return ("…" if start else "") + cut + ("…" if start + width < len(flat) else "")
    return flat[:width] + ("…" if len(flat) > width else "")
