"""One part of a long list at a time, for lists that the store gives whole: grants, people, tokens.

Enters: the list, what is searched of each thing, and the request. Leaves: the things that are shown, "n to m of k", the
way back and on, and a filter by text that looks through all of it. A list that fits has none of these.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import urlencode, urlsplit

from flask import request, url_for

T = TypeVar("T")
SIZE = 100


@dataclass(frozen=True, slots=True)
class Part(Generic[T]):
    """What is shown of a list. `name` is that of its filter in the address; `start` and `end` count from 0."""

    name: str
    items: Sequence[T]
    start: int
    end: int
    total: int
    """How many the filter leaves."""
    every: int
    text: str
    kept: dict[str, str]
    """What a form that filters carries along: the parts of other lists on the page."""
    before_url: str | None
    next_url: str | None
    filter_url: str
    """Where the form that filters goes."""

    @property
    def is_long(self) -> bool:
        """Does the list need more than one page?"""
        return self.every > self.end - self.start or bool(self.text)


def part(
    name: str,
    every: Sequence[T],
    words: Callable[[T], str],
    size: int = SIZE,
    *,
    at: str = "",
    anchor: str = "",
) -> Part[T]:
    """The part of `every` that the request asks for by `<name>` (a text) and `<name>_from` (a number).

    `at` is the page that shows it, where a form of another address is answered with it. `anchor` is where the list
    begins on its page, for links and forms to come back to; "" is the page's top.
    """
    text = request.args.get(name, "").strip()[:200]
    found = [each for each in every if text.casefold() in words(each).casefold()] if text else every
    start = max(0, min(request.args.get(f"{name}_from", 0, int), len(found) - 1)) // size * size
    end = min(start + size, len(found))
    others = {key: value for key, value in request.args.items() if key not in (name, f"{name}_from")}
    page = url_for(at) if at else url_for(str(request.endpoint), **(request.view_args or {}))
    place = f"#{anchor}" if anchor else ""

    def to(first: int) -> str:
        # Not by url_for: it has meanings of its own for some names, and anybody may write names into an address.
        values = {
            **others,
            **({name: text} if text else {}),
            **({f"{name}_from": str(first)} if first else {}),
        }
        return f"{page}?{urlencode(values)}{place}" if values else f"{page}{place}"

    return Part(
        name, found[start:end], start, end, len(found), len(every), text, others,
        to(start - size) if start else None, to(end) if end < len(found) else None, f"{page}{place}",
    )  # fmt: skip


def back_to(page: str, anchor: str = "") -> str:
    """`page` at the part of its lists that a form of it was on, where the browser tells that."""
    referrer, path = urlsplit(request.referrer or ""), page.partition("?")[0]
    if referrer.query and referrer.path == path:
        page = f"{path}?{referrer.query}"
    return f"{page}#{anchor}" if anchor else page
