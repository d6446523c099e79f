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


def is_chain_address(token: str) -> bool:
    """A public address on a block chain: 0x and forty digits."""
    return re.fullmatch(r"0x[0-9a-fA-F]{40}", token) is not None


def bits(token: str) -> float:
    """Shannon entropy a character."""
    total = len(token)
    return -sum(n / total * math.log2(n / total) for n in Counter(token).values()) if total else 0.0


_RUN = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d+|[^A-Za-z0-9]+")


def run_length(token: str) -> float:
    """The mean length of its words (a capital with its small letters, capitals, digits, marks).

    Words that people write are long, the runs of a generator short: about 2.
    """
    return len(token) / max(1, len(_RUN.findall(token)))


def looks_generated(token: str) -> bool:
    """Without any context: long, three classes, classes mixed throughout, no hash and no UUID."""
    if len(token) < 24 or is_hex(token) or is_uuid(token):
        return False
    if not (re.search(r"[a-z]", token) and re.search(r"[A-Z]", token) and re.search(r"\d", token)):
        return False
    if len(re.findall(r"[_/\-.+]", token)) > max(3, len(token) * 0.1):
        return False  # an identifier or a path: a generator uses these marks once in 32 characters
    return run_length(token) <= 2.9 and bits(token) >= 3.7


def looks_secret(token: str) -> bool:
    """Beside a word such as "token": shorter or plainer ones count, UUIDs and identifiers do not."""
    if (
        len(token) < 10
        or ("-" in token and is_uuid(token))
        or not re.search(r"[0-9!@#$%^&*+/=]", token)
        or not re.search(r"[A-Za-z]", token)
    ):
        return False
    if is_hex(token):
        return len(token) >= 24 and bits(token) >= 3.0 and not is_chain_address(token)
    if (
        re.fullmatch(r"[a-z_][a-z0-9_]*(?:[./:\-][a-z0-9_]+)*|[A-Z_][A-Z0-9_]*(?:[.\-][A-Z0-9_]+)*", token)
        and run_length(token) > 2.5
    ):
        return False
    return run_length(token) <= 3.6 and bits(token) >= 2.8
