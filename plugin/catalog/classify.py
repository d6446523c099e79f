"""Columns that look personal or secret, by name, type and description. No value is ever read.

Enters: a column's name, native type and description, and whether its table is one of people. Leaves: (sensitivity,
confidence) or (None, None). A person's decision stands before this one and is remembered by the store. The words are
in `sensitive_words`; a phrase counts for less where the type cannot hold such a thing, where the name is only about it
(`email_count`), or where it is an organisation's.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b

from plugin.catalog.sensitive_words import (
    ABOUT,
    ANYWHERE,
    BESIDE,
    BETWEEN,
    COUNTED,
    INFLECTED,
    NOT_A_PERSON,
    PEOPLE_TOO,
    PERSON,
    SENSITIVE,
    SHORT,
    Words,
)

LEAST = 0.5
_ANOTHER_TYPE, _ABOUT, _NOBODYS = 0.3, 0.4, 0.55
"""What a confidence is multiplied by."""
_SPLIT = re.compile(
    r"[\W_]+|(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])"
)
_LETTERS = str.maketrans(
    {"ß": "ss", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "ı": "i", "æ": "ae", "œ": "oe", "đ": "d"}
)
_MOST_WORDS = 4
"""Of one phrase."""
_MOST_BEHIND = 3
"""Words after a phrase that still tells what the column holds."""
READ_AS = 2
"""Counted up when names are read in another way: then every column of which nobody decided is classified again."""
_CASE = re.compile(r"(?<=[а-яё])(?=[А-ЯЁ])|(?<=[А-ЯЁ])(?=[А-ЯЁ][а-яё])|(?<=[^\W\d_])(?=\d)")
"""Where a word begins that no mark parts from the one before: номерТелефона."""
_ENDING, _INFLECTED = "[а-я]{0,2}", 5
"""What a word of so many letters may end with besides: телефона, not секретарь. Of a shorter one it would be another:
инны."""
_PLURAL = re.compile(r"(?<=[sxh])es$")
_DESCRIBED = (
    (
        re.compile(
            r"\b(password|passphrase|api key|secret key|private key|access token|credential)s?\b", re.I
        ),
        "secret",
        (),
    ),
    (
        re.compile(
            r"\b(e-?mail address|home address|full name of (?:the |a |an |each |this )?"
            r"(?:person|customer|user|employee|patient|client|member|contact)|personal data|personally identifiable"
            r"|pii|gdpr|first name"
            r"|last name)\b|^(?:\w+ ){0,3}ip address\b",
            re.I,
        ),
        "personal",
        (),
    ),
    (
        re.compile(r"\b(phone number|social security|passport number|date of birth|national id)s?\b", re.I),
        "personal",
        ("number", "time"),
    ),
)
"""What a description says, and types besides text that it is believed of."""
_TELLING = (
    "pass", " key", "access token", "credential", "mail address", "home address", "full name", "personal", "pii",
    "gdpr", "first name", "last name", "ip address", "phone number", "social security", "date of birth", "national id",
)  # fmt: skip
"""A description that has none of these matches nothing of `_DESCRIBED`; most have none, and it is asked in a tenth of
the time."""
_DESCRIBED_AS = 0.7
_ONLY_ABOUT = re.compile(
    r"\s*(the )?(total |average |maximum |minimum )?(number|count|share|percentage|date|time|timestamp|length)"
    r" (of|when|at|on)\b"
    r"|\s*(whether|if|flag|indicates (whether|if)|true (if|when|where))\b",
    re.I,
)
"""How descriptions begin of what counts or dates such a thing and does not hold it."""
_FLAGS = ("bool", "bit(1)", "tinyint(1)")
_NUMBERS = ("int", "numeric", "decimal", "float", "double", "real", "serial", "number", "money",
            "big", "small", "tiny", "medium")  # fmt: skip
_TEXTS_ALL_THE_SAME = ("bigtext", "tinytext", "mediumtext", "tinyblob", "mediumblob")


def classify(
    name: str, native_type: str, description: str | None = None, *, of_people: bool = False
) -> tuple[str | None, float | None]:
    """("personal" | "secret", confidence) of a column, or (None, None). `of_people`: its table has a row a person."""
    family = _family(native_type)
    kind, confidence = _by_name(name, family, of_people)
    if description and family != "flag" and _may_tell(description):
        for pattern, said, also in _DESCRIBED:
            found = pattern.search(description)
            if found is None or (confidence or 0) >= _DESCRIBED_AS:
                continue
            begins = _ONLY_ABOUT.match(description)
            counted = begins is not None and begins.end() <= found.start()
            if (family == "text" or family in also) and not counted:
                kind, confidence = said, _DESCRIBED_AS
    return kind, confidence


def _may_tell(description: str) -> bool:
    if not description.isascii():
        return True  # letters that count as others where case does not count
    lowered = description.lower()
    return any(map(lowered.__contains__, _TELLING))


@lru_cache(maxsize=4096)
def is_of_people(table: str) -> bool:
    """Does each row of a table of this name look like a person? customers, dim_employee; not customer_orders."""
    words = [word for word in _words(table) if word not in PEOPLE_TOO]
    return bool(words) and all(_singular(word) in PERSON or word in PERSON for word in words)


def _singular(word: str) -> str:
    return "person" if word in ("people", "persons") else word.removesuffix("s")


@lru_cache(maxsize=4096)
def _family(native_type: str) -> str:
    low = native_type.lower()
    if low.startswith(_FLAGS):
        return "flag"
    if low.startswith(_NUMBERS) and not low.startswith(_TEXTS_ALL_THE_SAME):
        return "number"
    if low.startswith(("date", "time", "interval", "year")):
        return "time"
    return "address" if low in ("inet", "macaddr", "macaddr8") else "text"


def _folded(name: str) -> str:
    """Without accents."""
    if name.isascii():
        return name
    parts = unicodedata.normalize("NFKD", name.translate(_LETTERS))
    return "".join(mark for mark in parts if not unicodedata.combining(mark))


def _words(name: str) -> list[str]:
    return [word.lower() for word in _SPLIT.split(_folded(name)) if word and not word.isdigit()]


def _phrases() -> dict[str, tuple[Words, str]]:
    """Each phrase joined, as it is and with its words written in one way, with its mark."""
    found: dict[str, tuple[Words, str]] = {}
    for words in SENSITIVE:
        for phrase in words.words.split(", "):
            mark = phrase[0] if phrase[0] in "~+" else ""
            parts = phrase.removeprefix(mark).split()
            found.setdefault("".join(parts), (words, mark))
            found.setdefault("".join(SHORT.get(part, part) for part in parts), (words, mark))
    return found


_PHRASES = _phrases()


def _spelled(words: Mapping[str, str]) -> list[tuple[str, str]]:
    """(word as names are compared with it, kind)"""
    return [(_folded(word).replace("_", " "), kind) for kind, some in words.items() for word in some.split()]


_ANYWHERE = _spelled(ANYWHERE)
_ENDED = [
    (re.compile(rf"\b{word}{_ENDING if len(word) >= _INFLECTED else ''}\b"), kind)
    for word, kind in _spelled(INFLECTED)
]


def classified_as() -> str:
    """What tells these words and this way of reading them from those of another release: a column of which nobody
    decided is then classified again.
    """
    lists = (SENSITIVE, SHORT, ANYWHERE, INFLECTED)
    sets = (PERSON, NOT_A_PERSON, ABOUT, COUNTED, BESIDE, PEOPLE_TOO, BETWEEN)
    told = repr((READ_AS, lists, [sorted(each) for each in sets], [each[0].pattern for each in _DESCRIBED]))
    return blake2b(told.encode(), digest_size=8).hexdigest()


@lru_cache(maxsize=65536)
def _by_name(name: str, family: str, of_people: bool) -> tuple[str | None, float | None]:
    if family == "flag":
        return None, None
    words = _words(name)
    short = [SHORT.get(word, word) for word in words]
    best: dict[str, float] = {}
    ends: dict[str, int] = {}
    # What more words stand behind is only about such a thing: of a name without end, its last words are looked at.
    for start in range(max(0, len(words) - _MOST_BEHIND - _MOST_WORDS), len(words)):
        joined = shortened = ""
        for end in range(start + 1, min(start + _MOST_WORDS, len(words)) + 1):
            joined += words[end - 1]
            shortened += short[end - 1]
            found = _PHRASES.get(joined) or _PHRASES.get(shortened)
            if found is None and family == "text" and joined.endswith("s"):
                found = _PHRASES.get(joined[:-1]) or _PHRASES.get(_PLURAL.sub("", joined))
            if found is None:
                continue
            kind, confidence = _weighed(*found, words[:start], words[end:], family, of_people)
            if confidence >= LEAST:
                best[kind] = max(best.get(kind, 0.0), confidence)
                ends[kind] = end
    if not name.isascii() and family != "number":
        spaced = _folded(name).lower().replace("_", " ")
        found_kinds = [kind for word, kind in _ANYWHERE if word in spaced]
        apart = _folded(_CASE.sub(" ", name)).lower().replace("_", " ")
        found_kinds += [kind for pattern, kind in _ENDED if pattern.search(apart)]
        for kind in found_kinds:
            best[kind], ends[kind] = 0.8, len(words)
    if not best:
        # A type that holds addresses of machines holds those of people, unless it says whose.
        nobodys = any(word in NOT_A_PERSON or word in ABOUT for word in words)
        return ("personal", 0.6) if family == "address" and not nobodys else (None, None)
    # What a name ends with says what it is: the token of an e-mail address is a secret.
    kind = max(best, key=lambda each: (ends[each], best[each]))
    return kind, round(best[kind], 2)


def _weighed(
    told: Words, mark: str, before: Sequence[str], after: Sequence[str], family: str, of_people: bool
) -> tuple[str, float]:
    """What a phrase tells between these words, and how surely; 0 where nothing."""
    if mark == "~" and not all(word in BESIDE or word in PERSON for word in after):
        return told.kind, 0.0
    if mark == "+" and not (
        _is_beside_a_person(before, after)
        or (of_people and all(word in BESIDE for word in (*before, *after)))
    ):
        return told.kind, 0.0
    confidence = told.confidence
    if _is_about(before, after):
        confidence *= _ABOUT
    if told.kind == "personal" and any(word in NOT_A_PERSON for word in (*before, *after)):
        confidence *= _NOBODYS
    if family not in ("text", "address") and family not in told.also:
        confidence *= _ANOTHER_TYPE
    return told.kind, confidence


def _is_beside_a_person(before: Sequence[str], after: Sequence[str]) -> bool:
    last = next((word for word in reversed(before) if word not in BETWEEN), "")
    first = next((word for word in after if word not in BETWEEN), "")
    return last in PERSON or first in PERSON


def _is_about(before: Sequence[str], after: Sequence[str]) -> bool:
    """Is it about such a thing only: how many, whether, of which type; or a detail far below it in a nested column?"""
    heads = [word for word, next_ in zip(before, before[1:], strict=False) if next_ in BETWEEN]
    return (
        len(after) > _MOST_BEHIND
        or any(word in ABOUT for word in after)
        or any(word in ABOUT or word == "number" for word in heads)
        or any(word in COUNTED for word in before)
    )
