"""From a phrase in a question to the one resource that it means, by the tools alone."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz

from plugin.providers.builtin.phrases import code, lines, listed, named, words_of
from plugin.providers.builtin.talk import Given, Talk, Thing, Want, things
from plugin.providers.builtin.understand import is_pronoun

_COLUMN_OF = re.compile(
    r"(?P<column>[\w$]+) (?:column )?(?:of|in|on|from) (?:the )?(?:table |view )?(?P<table>[\w$.]+)(?: table| view)?",
    re.I,
)
_IDENTIFIER = re.compile(r"[\w$]+(?:\.[\w$ ]+)*\Z")


@dataclass(frozen=True, slots=True)
class Meant:
    """What a phrase means. `thing` was read in full; `loose` where it is only the best guess; `others` come close."""

    phrase: str
    thing: Thing | None
    loose: bool = False
    others: tuple[Thing, ...] = ()


NEEDS_MODEL = (
    "That needs a language model, and the built-in assistant is none: an admin can turn one on under Settings, AI "
    "settings, Provider and model (or with `docent settings ai.provider`)."
)
Resolve = Generator[Want, Given, Meant]
_WRITTEN = re.compile(r"\w[._]\w")
"""A name as written in SQL: one word of it in common with another name says nothing."""
_KINDS = "schema|database|view|column|field|dashboard|chart|model|metric|job|term|document|integration"
_HINT = re.compile(rf"(?:(?P<first>{_KINDS}) (?P<of>.+)|(?P<rest>.+) (?P<last>{_KINDS}|report))", re.I)


def hinted(phrase: str) -> tuple[str, str | None]:
    """ "revenue dashboard" -> ("revenue", "dashboard"): the name and the kind that the phrase says, if it says one."""
    match = _HINT.fullmatch(phrase)
    if not match:
        return phrase, None
    kind = (match.group("first") or match.group("last")).lower()
    return (match.group("of") or match.group("rest")), {"field": "column", "report": "dashboard"}.get(
        kind, kind
    )


def resolve(talk: Talk, phrase: str, *, kinds: Sequence[str] = (), column: bool = False) -> Resolve:
    """Find and read what a phrase means; "it" is what was spoken of last, or the page that is open."""
    whole = phrase
    phrase, kind = hinted(phrase)
    within = _COLUMN_OF.fullmatch(phrase) if column or kind == "column" else None
    if within is not None:
        phrase, kind, column = f"{within['table']}.{within['column']}", None, True
    if is_pronoun(phrase) or is_pronoun(whole):
        if talk.focus is None:
            return Meant(phrase, None)
        given = yield Want("retrieve", {"resource": talk.focus})
        return Meant(phrase, _first(given))
    if kind is not None and (not kinds or kind in kinds):
        kinds, column = (kind,), kind == "column"
        given = yield Want("search", {"text": phrase, "kinds": [kind], "limit": 10})
        found = things(given.fragments)
        chosen = best(phrase, found, ()) or best(whole, found, ()) or _loosely(phrase, found)
        if chosen is not None:
            given = yield Want("retrieve", {"resource": str(chosen.id)})
            alike = tuple(each for each in found if each.id != chosen.id and same_name(each, chosen))
            return Meant(
                phrase,
                _first(given) or chosen,
                best(phrase, [chosen], ()) is None and kind == "column",
                alike,
            )
        kinds, phrase = (), whole
    if phrase.isdecimal():  # a plan passes on what another plan has found
        given = yield Want("retrieve", {"resource": phrase})
        return Meant(phrase, _first(given))
    known = best(phrase, things(talk.context), kinds)
    if known is not None and known.kind != "column":
        given = yield Want("retrieve", {"resource": str(known.id)})
        return Meant(phrase, _first(given) or known)
    if "." in phrase and _IDENTIFIER.match(phrase):
        given = yield Want("retrieve", {"resource": phrase})
        if not given.failed and given.fragments:
            return Meant(phrase, _first(given))
    wanted = {"kinds": list(kinds)} if kinds else {}
    text = " ".join(words_of(phrase)) if "." in phrase and _IDENTIFIER.match(phrase) else phrase
    given = yield Want("search", {"text": text, **wanted, "limit": 10})
    found = [each for each in things(given.fragments) if column or each.kind != "column" or "column" in kinds]
    chosen = best(phrase, found, ())
    loose = chosen is None
    if chosen is None and found:
        chosen = _loosely(phrase, found)
    if chosen is None:
        return Meant(whole, None, others=tuple(each for each in found if each.kind != "column")[:4])
    given = yield Want("retrieve", {"resource": str(chosen.id)})
    read = _first(given) or chosen
    others = [each for each in found if each.id != chosen.id and same_name(each, chosen)]
    return Meant(phrase, read, loose, tuple(others[:4]))


def best(phrase: str, candidates: Iterable[Thing], kinds: Sequence[str]) -> Thing | None:
    """The candidate that a phrase names: by qualified name or its ending, by name, by the same words."""
    wanted = phrase.lower().strip(' `"')
    spoken = words_of(wanted)
    ranked: list[tuple[int, float, Thing]] = []
    for each in candidates:
        if kinds and not any(each.kind == kind or each.kind.endswith(f"_{kind}") for kind in kinds):
            continue
        qualified, name = each.qualified.lower(), each.name.lower()
        if qualified == wanted:
            rank = 0
        elif "." in wanted and qualified.endswith(f".{wanted}"):
            rank = 1
        elif name == wanted:
            rank = 2
        elif spoken and words_of(name) == spoken:
            rank = 3
        elif "." not in wanted and len(wanted) > 4 and fuzz.ratio(wanted, name) >= 88:
            rank = 4
        elif wanted in (synonym.lower() for synonym in each.texts("synonyms")):
            rank = 2
        else:
            continue
        if each.kind == "column":
            rank += 5
        ranked.append((rank, -float(each.text("popularity") or 0), each))
    ranked.sort(key=lambda row: row[:2])
    return ranked[0][2] if ranked else None


def same_name(one: Thing, other: Thing) -> bool:
    """Do two resources share their last name?"""
    return words_of(one.name) == words_of(other.name)


def _loosely(phrase: str, found: Sequence[Thing]) -> Thing | None:
    """The best guess among search results: the same words in another order, else one that shares some."""
    spoken = set(words_of(phrase))
    if "." in phrase or "_" in phrase or len(spoken) > 1:
        depth = phrase.count(".") + 1
        told = " ".join(sorted(words_of(phrase)))
        near = [
            (fuzz.ratio(told, " ".join(sorted(words_of(".".join(each.qualified.split(".")[-depth:]))))), each)
            for each in found
        ]
        best_score, nearest = max(near, key=lambda row: row[0], default=(0, None))
        if best_score >= (85 if _WRITTEN.search(phrase) else 75):
            return nearest
    if _WRITTEN.search(phrase):
        return None
    for each in found:
        name = set(words_of(each.qualified))
        if spoken & name or fuzz.partial_ratio(phrase.lower(), each.name.lower()) >= 80:
            return each
    return None


def _first(given: Given) -> Thing | None:
    return next(iter(things(given.fragments)), None)


def not_found(meant: Meant) -> str:
    """The same words for what does not exist and for what this person may not see."""
    if not meant.phrase or meant.phrase.lower() in ("it", "that", "this", "they", "them"):
        return "Which resource do you mean? Name a table, a view, a dashboard or a term."
    text = f"I found nothing called {code(meant.phrase)} in what you can see."
    if meant.others:
        text += " These come closest:\n\n" + lines(meant.others)
    return text


def lead(meant: Meant) -> str:
    """A sentence before an answer that rests on a guess."""
    if not meant.loose or meant.thing is None:
        return ""
    return f"Nothing is called {code(meant.phrase)}; the closest is {named(meant.thing)}.\n\n"


def tail(meant: Meant) -> str:
    """Other things of the same name, which the question may have meant."""
    if not meant.others:
        return ""
    return f"\n\nThere is also {listed([named(each) for each in meant.others])}."
