"""Other ways to read a text: without invisible characters, with look-alikes folded, with escapes decoded.

A detector looks at a view; a view knows where each of its characters came from, so that a finding can be taken out
of the text itself.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\ud800-\udfff"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]+"
)


@dataclass(frozen=True, slots=True)
class View:
    """`text` to look at; `at[i]` is where character i begins in the text below, `at[len]` its end. None: the same."""

    text: str
    at: list[int] | None = None

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where a span of this view lies in the text below."""
        if self.at is None:
            return start, end
        if end <= start:
            return self.at[start], self.at[start]
        last = self.at[end - 1]
        after = end
        while self.at[after] <= last:
            after += 1
        return self.at[start], self.at[after]


def visible(text: str) -> View:
    """The text without control, zero-width, direction, tag and lone surrogate characters."""
    if _INVISIBLE.search(text) is None:
        return View(text)
    pieces: list[str] = []
    at: list[int] = []
    position = 0
    for hidden in _INVISIBLE.finditer(text):
        pieces.append(text[position : hidden.start()])
        at.extend(range(position, hidden.start()))
        position = hidden.end()
    pieces.append(text[position:])
    at.extend(range(position, len(text) + 1))
    return View("".join(pieces), at)


# --- look-alikes -----------------------------------------------------------------------------------------------

_LOOKS_LIKE = {
    **dict(zip("аеорсухіјѕԁһԛԝАВЕКМНОРСТУХІЈЅ", "aeopcyxijsdhqwABEKMHOPCTYXIJS", strict=True)),
    **dict(zip("αοινρτυκΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "aoivptukABEZHIKMNOPTYX", strict=True)),
}
_ALIKE = re.compile(f"[{''.join(_LOOKS_LIKE)}]")
_WORD = re.compile(r"\w+")
_ASCII_LETTER = re.compile(r"[A-Za-z0-9]")
_MARKS = {"‘": "'", "’": "'", "‚": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "∕": "/", "⁄": "/"}


class _Fold(dict[int, str]):
    """One character for one character, worked out when first met."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        folded = character
        if code > 127:
            kind = unicodedata.category(character)
            if character in _MARKS:
                folded = _MARKS[character]
            elif kind == "Nd":
                folded = str(unicodedata.digit(character))
            elif kind == "Pd" or code == 0x2212:
                folded = "-"
            elif kind == "Zs":
                folded = " "
            else:
                plain = unicodedata.normalize("NFKC", character)
                folded = plain if len(plain) == 1 else character
        self[code] = folded
        return folded


_FOLD = _Fold()


def lower(text: str) -> str:
    """In lower case, with the same number of characters."""
    lowered = text.lower()
    return (
        lowered
        if len(lowered) == len(text)
        else "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
    )


def fold(text: str) -> str:
    """The same number of characters with full-width, styled and look-alike ones replaced by plain ones."""
    if text.isascii():
        return text
    plain = text.translate(_FOLD)
    if _ALIKE.search(plain) is None:
        return plain

    def one_word(found: re.Match[str]) -> str:
        word = found.group(0)
        if _ASCII_LETTER.search(word) is None:
            return word
        return _ALIKE.sub(lambda alike: _LOOKS_LIKE[alike.group(0)], word)

    return _WORD.sub(one_word, plain)


# --- escapes ---------------------------------------------------------------------------------------------------

_PERCENT = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_ENTITY = re.compile(
    r"&(?:#\d{1,6}|#[xX][0-9A-Fa-f]{1,5}|commat|period|lowbar|plus|amp|quot|apos|colon|equals);"
)
_BACKSLASH = re.compile(r"\\u([0-9A-Fa-f]{4})|\\x([0-9A-Fa-f]{2})|\\([\"'/nrt\\])")
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}
_CONCATENATION = re.compile(r"""["'][ \t]*(?:\+|\|\||\.|&)[ \t]*\n?[ \t]*["']|\\\r?\n[ \t]*""")
_AROUND = 160
_SPELLED = re.compile(r"(?<!\S)(?:\S[ ]){11,}\S(?!\S)")


def other_views(text: str) -> Iterator[View]:
    """Decoded readings of the text, only those that differ from it."""
    if "%" in text and _PERCENT.search(text):
        yield from _decode(text, _PERCENT, _unpercent)
    if "&" in text and _ENTITY.search(text):
        yield from _decode(text, _ENTITY, lambda found: html.unescape(found.group(0)))
    if "\\" in text and _BACKSLASH.search(text):
        yield from _decode(text, _BACKSLASH, _unescape)
    if _CONCATENATION.search(text):
        yield from _decode(text, _CONCATENATION, lambda _found: "")
    if _SPELLED.search(text):
        yield from _decode(text, _SPELLED, None)


def _unescape(found: re.Match[str]) -> str:
    if found.group(3):
        return _ESCAPED.get(found.group(3), found.group(3))
    return chr(int(found.group(1) or found.group(2), 16))


def _unpercent(found: re.Match[str]) -> str:
    octets = bytes.fromhex(found.group(0).replace("%", ""))
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        return octets.decode("latin-1")


def _windows(text: str, pattern: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    """The neighbourhoods of the matches, joined where they touch: no need to read the rest again."""
    begin, end = 0, -1 - _AROUND
    for found in pattern.finditer(text):
        if found.start() - _AROUND > end:
            if end >= 0:
                yield begin, end
            begin = max(0, found.start() - _AROUND)
        end = min(len(text), found.end() + _AROUND)
    if end >= 0:
        yield begin, end


def _decode(
    text: str, pattern: re.Pattern[str], decode: Callable[[re.Match[str]], str] | None
) -> Iterator[View]:
    """Replace every match by its decoding (None: by every second character); what is decoded points at the match."""
    for begin, end in _windows(text, pattern):
        pieces: list[str] = []
        at: list[int] = []
        position = begin
        for found in pattern.finditer(text, begin, end):
            pieces.append(text[position : found.start()])
            at.extend(range(position, found.start()))
            if decode is not None:
                decoded = decode(found)
                pieces.append(decoded)
                at.extend([found.start()] * len(decoded))
            else:
                pieces.append(text[found.start() : found.end() : 2])
                at.extend(range(found.start(), found.end(), 2))
            position = found.end()
        pieces.append(text[position:end])
        at.extend(range(position, end + 1))
        yield View("".join(pieces), at)
