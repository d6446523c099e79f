"""Which of many words are in a text? Asked once by RE2, which reads the text once however many words there are.

Most prompts hold none of them, and then the patterns, which read the text once for each word, need not be tried.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any


def any_of(pattern: Callable[[], str]) -> Callable[[str], bool]:
    """A test for texts that hold a match of a pattern; it is put together when first asked."""

    @cache
    def compiled() -> Any:
        import re2

        return re2.compile(pattern())

    def found(text: str) -> bool:
        try:
            return compiled().search(text) is not None
        except UnicodeEncodeError:  # half a pair of UTF-16, which RE2 cannot read: let the patterns look
            return True

    return found


def which_of(groups: Callable[[], Iterable[Iterable[str]]]) -> Callable[[str], Sequence[int]]:
    """Tells which groups of words, by their place in the list and in its order, have a word in a text."""

    @cache
    def compiled() -> tuple[Any, int]:
        import re2

        made = re2.Set.SearchSet()
        listed = list(groups())
        for words in listed:
            made.Add("|".join(re2.escape(each) for each in words))
        # In every text: where RE2 runs out of memory it gives nothing at all, and then the patterns must look.
        made.Add("")
        made.Compile()
        return made, len(listed)

    def found(text: str) -> Sequence[int]:
        made, count = compiled()
        try:
            held = made.Match(text)
        except UnicodeEncodeError:
            held = None
        return range(count) if held is None else sorted(at for at in held if at < count)

    return found
