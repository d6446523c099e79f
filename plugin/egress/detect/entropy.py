"""Does a token look as if a generator made it? Words and identifiers do not, keys do."""

from __future__ import annotations

import math
import re
from collections import Counter

_UUID = re.compile(r"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}\Z")
_HEX = re.compile(r"(?:0x)?[0-9a-f]+\Z|(?:0x)?[0-9A-F]+\Z")


def is_hex(token: str) -> bool:
    """A hash, a digest or a number in hexadecimal."""
    return _HEX.match(token) is not None


def is_uuid(token: str) -> bool:
    """A UUID with or without its dashes."""
    return _UUID.match(token) is not None


def bits(token: str) -> float:
    """Shannon entropy a character."""
    total = len(token)
    return -sum(n / total * math.log2(n / total) for n in Counter(token).values()) if total else 0.0


def changes(token: str) -> float:
    """How often the class (upper, lower, digit, other) changes from one character to the next: 0 to 1."""
    kinds = ["u" if c.isupper() else "l" if c.islower() else "d" if c.isdigit() else "o" for c in token]
    return sum(a != b for a, b in zip(kinds, kinds[1:], strict=False)) / max(1, len(token) - 1)


def looks_generated(token: str) -> bool:
    """Without any context: long, three classes, classes mixed throughout, no hash and no UUID."""
    if len(token) < 24 or is_hex(token) or is_uuid(token):
        return False
    if not (re.search(r"[a-z]", token) and re.search(r"[A-Z]", token) and re.search(r"\d", token)):
        return False
    return changes(token) >= 0.38 and bits(token) >= 3.9


def looks_secret(token: str) -> bool:
    """Beside a word such as "token": shorter or plainer ones count, UUIDs and identifiers do not."""
    if (
        len(token) < 10
        or is_uuid(token)
        or not re.search(r"[0-9!@#$%^&*+/=]", token)
        or not re.search(r"[A-Za-z]", token)
    ):
        return False
    if is_hex(token):
        return len(token) >= 24 and bits(token) >= 3.0
    if (
        re.fullmatch(r"[a-z_][a-z0-9_]*(?:[./:\-][a-z0-9_]+)*|[A-Z_][A-Z0-9_]*(?:[.\-][A-Z0-9_]+)*", token)
        and changes(token) < 0.3
    ):
        return False
    return changes(token) >= 0.28 and bits(token) >= 2.8
