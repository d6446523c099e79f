"""Takes secrets and personal data out of a text before it leaves (promises P9, P10, P11, P12).

Enters: any text. Leaves: the text as a provider would get it, and findings with their place in the original. A secret
becomes `[removed: aws key]` and cannot be turned back; personal data becomes a stand-in such as `<email-1>` which can,
locally. Names of people are found only where the caller says who the people are (`people`): no pattern finds a name.
Nothing here reads a setting, a file or the network.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from plugin.egress.admin_patterns import AdminPattern
from plugin.egress.clean import Clean
from plugin.egress.detect.found import Span
from plugin.egress.detect.people import people_in
from plugin.egress.detect.personal import DEFAULT_REGIONS, personal_in
from plugin.egress.detect.secrets import secrets_in
from plugin.egress.detect.views import fold, other_views, visible
from plugin.egress.stand_ins import SHAPE, StandIns

__all__ = ["AdminPattern", "Finding", "Redacted", "redact", "redact_lines"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What was taken out: its type and its place in the ORIGINAL text. Never the value."""

    type: str
    start: int
    end: int
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Redacted:
    """The text that may leave. `stand_ins` turns it back locally."""

    text: str
    findings: tuple[Finding, ...]
    stand_ins: StandIns = field(repr=False)

    def counts(self) -> dict[str, int]:
        """How often each type was found."""
        return dict(Counter(finding.type for finding in self.findings))


def redact(
    text: str,
    *,
    patterns: Sequence[AdminPattern] = (),
    regions: Sequence[str] = DEFAULT_REGIONS,
    stand_ins: StandIns | None = None,
    people: Mapping[str, str] | None = None,
    clean: Clean | None = None,
) -> Redacted:
    """Redact one text. `stand_ins` keeps the same value's stand-in over several texts; `people` maps lower-cased names
    and e-mail addresses to one key a person; `clean` remembers, for these very patterns and regions, in which texts
    there is nothing to find. Never raises; the same text gives the same result.
    """
    kept = stand_ins if stand_ins is not None else StandIns()
    seen = visible(text)
    shown = seen.text
    if len(shown) < 3:
        return Redacted(shown, (), kept)
    kept.reserve(shown)
    protected = _own_marks(shown)
    spans = _settle(
        [span for span in _found(shown, patterns, regions, people, clean) if not _inside(span, protected)],
        shown,
    )
    pieces: list[str] = []
    findings: list[Finding] = []
    position = 0
    for span in spans:
        pieces.append(shown[position : span.start])
        value = shown[span.start : span.end]
        if span.secret:
            pieces.append(f"[removed: {span.label}]")
        else:
            pieces.append(kept.of(span.label, value, _person(span, value, people)))
        position = span.end
        findings.append(Finding(span.kind, *seen.span(span.start, span.end), span.secret))
    pieces.append(shown[position:])
    return Redacted("".join(pieces), tuple(findings), kept)


def redact_lines(
    lines: Iterator[Mapping[str, object]],
    *,
    patterns: Sequence[AdminPattern] = (),
    regions: Sequence[str] = DEFAULT_REGIONS,
) -> Iterator[dict[str, object]]:
    """For `docent redact`: `{id, text}` in, `{id, text, findings: [{type, start, end}]}` out, each line for itself."""
    for line in lines:
        result = redact(str(line.get("text", "")), patterns=patterns, regions=regions)
        yield {
            "id": line.get("id"),
            "text": result.text,
            "findings": [
                {"type": found.type, "start": found.start, "end": found.end} for found in result.findings
            ],
        }


# --- gathering -------------------------------------------------------------------------------------------------

_OWN = re.compile(r"\[removed: [a-z0-9 \-]{2,40}\]")


def _own_marks(text: str) -> list[tuple[int, int]]:
    """Stand-ins and marks of an earlier redaction: they are not to be redacted again."""
    marks = [found.span() for found in _OWN.finditer(text)] if "[removed: " in text else []
    if "<" in text:
        marks.extend(found.span() for found in SHAPE.finditer(text))
    return marks


def _inside(span: Span, marks: Sequence[tuple[int, int]]) -> bool:
    return any(start <= span.start and span.end <= end for start, end in marks)


def _found(
    text: str,
    patterns: Sequence[AdminPattern],
    regions: Sequence[str],
    people: Mapping[str, str] | None,
    clean: Clean | None,
) -> list[Span]:
    """Everything in a text that must not leave; where the text is known to be clean, the people in it."""
    if clean is None:
        return list(_spans(text, patterns, regions, people))
    digest = Clean.digest(text)
    if digest in clean:
        return list(people_in(fold(text), people)) if people else []
    spans = list(_spans(text, patterns, regions, people))
    if not spans:
        clean.add(digest)
    return spans


def _spans(
    text: str, patterns: Sequence[AdminPattern], regions: Sequence[str], people: Mapping[str, str] | None
) -> Iterator[Span]:
    folded = fold(text)
    yield from _look(folded, regions)
    for pattern in patterns:
        yield from pattern.find(text)
        if folded != text:
            yield from pattern.find(folded)
    if people:
        yield from people_in(folded, people)
    for view in other_views(folded):
        for span in _look(view.text, regions):
            start, end = view.span(span.start, span.end)
            yield Span(start, end, span.kind, span.label, span.secret, span.weight)
    yield from _encoded(folded, regions)


def _look(text: str, regions: Sequence[str]) -> Iterator[Span]:
    yield from secrets_in(text)
    yield from personal_in(text, regions)


_BASE64 = re.compile(r"(?<![A-Za-z0-9+/_=\-])[A-Za-z0-9+/_\-]{16,}={0,2}(?![A-Za-z0-9+/_])")
_HEXED = re.compile(r"(?<![A-Za-z0-9])(?:[0-9A-Fa-f]{2}){10,}(?![A-Za-z0-9])")


def _encoded(text: str, regions: Sequence[str], depth: int = 2) -> Iterator[Span]:
    """Tokens that decode to text with a finding in it leave as a whole."""
    for pattern, decode in ((_BASE64, _from_base64), (_HEXED, _from_hex)):
        for found in pattern.finditer(text):
            plain = decode(found.group(0))
            if plain is None:
                continue
            inner = next(iter(_look(plain, regions)), None) or (
                depth > 1 and next(_encoded(plain, regions, depth - 1), None)
            )
            if inner:
                yield Span(
                    found.start(),
                    found.end(),
                    inner.kind,
                    "encoded " + inner.label.replace("-", " "),
                    True,
                    4,
                )


def _from_base64(token: str) -> str | None:
    bare = token.rstrip("=").replace("-", "+").replace("_", "/")
    if len(bare) % 4 == 1 or bare.isalpha() and (bare.islower() or bare.isupper()):
        return None
    try:
        return _printable(base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True))
    except (binascii.Error, ValueError):
        return None


def _from_hex(token: str) -> str | None:
    return _printable(bytes.fromhex(token))


def _printable(octets: bytes) -> str | None:
    try:
        plain = octets.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return plain if all(c.isprintable() or c in "\n\r\t" for c in plain) else None


# --- settling overlaps -----------------------------------------------------------------------------------------


def _settle(spans: list[Span], text: str) -> list[Span]:
    """One span for each place: overlapping ones are joined, the weightiest names the result; a secret always wins."""
    if not spans:
        return []
    spans.sort(key=lambda span: (span.start, -span.end))
    joined: list[Span] = []
    for span in spans:
        if span.end <= span.start:
            continue
        last = joined[-1] if joined else None
        if last is None or span.start >= last.end:
            joined.append(span)
            continue
        best = max(last, span, key=lambda one: (one.secret, one.weight, one.end - one.start))
        start, end = last.start, max(last.end, span.end)
        if best.kind in ("url_password", "url_token") and not (last.secret and span.secret):
            start, end = best.start, best.end
        joined[-1] = Span(start, end, best.kind, best.label, best.secret, best.weight)
    return joined


def _person(span: Span, value: str, people: Mapping[str, str] | None) -> str | None:
    if span.label != "person" or not people:
        return None
    return people.get(" ".join(value.lower().split()))
