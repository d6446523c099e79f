"""Names and addresses of people whom the workspace knows: owners, members, frequent users (promise P12)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from plugin.egress.detect.found import Span

_LEAST = 3


def people_in(text: str, people: Mapping[str, str]) -> Iterator[Span]:
    """Every known name or address in the text as a whole word, in any case and spacing."""
    lowered = text.lower()
    names = tuple(sorted(name for name in people if len(name) >= _LEAST and name.split()[0] in lowered))
    if not names:
        return
    for found in _pattern(names).finditer(text):
        word = found.group(0)
        if word.isalpha() and word.islower():
            continue  # "will" is a word, "Will" may be a person
        yield Span(found.start(), found.end(), "person", "person", False, 8)


@lru_cache(maxsize=64)
def _pattern(names: tuple[str, ...]) -> re.Pattern[str]:
    longest_first = sorted(names, key=len, reverse=True)
    spelled = (r"\s+".join(re.escape(word) for word in name.split()) for name in longest_first)
    return re.compile(rf"(?<![\w.@+\-])(?:{'|'.join(spelled)})(?![\w@+])(?!\.\w)", re.IGNORECASE)
