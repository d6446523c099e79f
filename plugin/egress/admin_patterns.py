"""Patterns that admins add to redaction (promise P11), run by RE2 so that none can run for ever.

RE2 matches in time linear to the text whatever the pattern is; what it cannot do in linear time (look-around,
back-references) is refused when the pattern is saved, with a sentence that says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from plugin.egress.detect.found import Span
from plugin.errors import BadInput

LONGEST = 1_000
MOST = 100
_MEMORY = 4 << 20
_SAMPLE = 20_000


@dataclass(frozen=True, slots=True)
class AdminPattern:
    """One pattern of a workspace. `name` is what the reader sees; `reversible` makes a stand-in instead of removing."""

    name: str
    pattern: str
    reversible: bool = False

    def find(self, text: str) -> Iterator[Span]:
        """Every non-empty match."""
        for found in _compiled(self.pattern).finditer(text):
            start, end = found.span()
            if end > start:
                yield Span(
                    start,
                    end,
                    f"custom:{self.name}",
                    _label(self.name, self.reversible),
                    not self.reversible,
                    9,
                )


def checked_pattern(name: str, pattern: str, reversible: bool = False) -> AdminPattern:
    """The pattern, if it can be used. Raises BadInput that says what is wrong, before anything is saved."""
    name = " ".join(name.split())
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 _\-]{0,39}", name):
        raise BadInput("a pattern needs a name of 1 to 40 letters, digits, spaces or dashes", field="name")
    if not pattern or len(pattern) > LONGEST:
        raise BadInput(f"a pattern has 1 to {LONGEST} characters", field="pattern")
    compiled = _compiled(pattern)
    if compiled.search("") is not None:
        raise BadInput("this pattern matches the empty text, so it would match everywhere", field="pattern")
    return AdminPattern(name, pattern, reversible)


def try_pattern(pattern: str, sample: str, name: str = "custom") -> tuple[str, tuple[tuple[int, int], ...]]:
    """For the try-it box: the sample as it would leave, and where the pattern matched. Raises BadInput as above."""
    if len(sample) > _SAMPLE:
        raise BadInput(f"the sample may have at most {_SAMPLE:,} characters", field="sample")
    usable = checked_pattern(name, pattern)
    spans = [(span.start, span.end) for span in usable.find(sample)]
    pieces: list[str] = []
    position = 0
    for start, end in spans:
        pieces.extend((sample[position:start], f"[removed: {_label(usable.name, False)}]"))
        position = end
    pieces.append(sample[position:])
    return "".join(pieces), tuple(spans)


def patterns_from(setting: Sequence[Mapping[str, Any] | str]) -> tuple[AdminPattern, ...]:
    """The workspace's setting as patterns. Raises BadInput for the first that cannot be used."""
    if len(setting) > MOST:
        raise BadInput(f"a workspace has at most {MOST} patterns", field="pattern")
    made = []
    for number, item in enumerate(setting, 1):
        if isinstance(item, str):
            made.append(checked_pattern(f"custom {number}", item))
        else:
            name = str(item.get("name") or f"custom {number}")
            made.append(
                checked_pattern(name, str(item.get("pattern", "")), bool(item.get("reversible", False)))
            )
    return tuple(made)


def _label(name: str, reversible: bool) -> str:
    plain = re.sub(r"[^a-z0-9]+", "-" if reversible else " ", name.lower()).strip("- ")
    return re.sub(r"[^a-z-]", "", plain).strip("-") or "custom" if reversible else plain


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> Any:
    import re2

    options = re2.Options()
    options.max_mem = _MEMORY
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
        raise BadInput(
            f"this is not a regular expression that can be used ({reason}); look-around and back-references "
            "are refused, because they can run for ever",
            field="pattern",
        ) from error
