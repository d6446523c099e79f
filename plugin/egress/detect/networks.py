"""Addresses on a network: those of people, told by the words before them, and those of their devices.

A server's own address is metadata and stays: it is in connection examples and in descriptions of sources.
"""

# ruff: noqa: E501 - a pattern is easier to read in one piece
from __future__ import annotations

import re
from collections.abc import Iterator

from plugin.egress.detect.found import Span

_PERSONAL_NET = re.compile(
    r"\b(?:client|customer|visitor|user|users?'?s?|guest|home|personal|subscriber|member|caller|employee|remote|source|attacker|logins?|logged in|signed in|sign-?ins?|connected|connections?|sessions?|visits?|clicks?|blocked|banned|abuse)\b[^\n]{0,30}(?:\bip(?:v[46])?\b|\baddress\b|\bfrom\b)[^\n]{0,16}\Z|\b(?:client|visitor|customer|user|subscriber)\b[\s:]{0,3}\Z",
    re.IGNORECASE,
)
_IPV4 = re.compile(
    r"(?<![\w.\-/])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\w/])(?!\.\d)"
)
_IPV6 = re.compile(
    r"(?<![\w:.])(?:[0-9A-Fa-f]{1,4}:){3,7}(?::?[0-9A-Fa-f]{1,4}){1,5}(?![\w:])|(?<![\w:.])(?:[0-9A-Fa-f]{1,4}:){1,6}:(?:[0-9A-Fa-f]{1,4}:?){1,6}(?![\w:])"
)
_AND_ANOTHER = re.compile(r"\s*(?:,|;|/|&|\band\b|\bor\b|\bund\b|\bet\b|\by\b)\s*")
# A card's own address names one device and with it one person; all zeros and the broadcast address name nobody.
_MAC = re.compile(
    r"(?<![\w:\-])(?!(?:00[:-]){5}00|(?:[Ff]{2}[:-]){5}[Ff]{2})(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}(?![\w:\-])"
    r"|(?<![\w:\-])(?!(?:00-){5}00|(?:[Ff]{2}-){5}[Ff]{2})(?:[0-9A-Fa-f]{2}-){5}[0-9A-Fa-f]{2}(?![\w:\-])"
)
_PRIVATE_NET = re.compile(r"(?:10|127|0|255)\.|192\.168\.|169\.254\.|172\.(?:1[6-9]|2\d|3[01])\.")


def networks_in(text: str) -> Iterator[Span]:
    """Internet addresses that stand for a person, by the words before them, and addresses of cards."""
    patterns = (_IPV4, _IPV6) if text.count(":") > 2 else (_IPV4,)
    addresses = sorted(
        (found for pattern in patterns for found in pattern.finditer(text)), key=re.Match.start
    )
    personal_until = -1
    for found in addresses:
        left = text[max(0, found.start() - 60) : found.start()]
        listed = personal_until >= 0 and _AND_ANOTHER.fullmatch(text, personal_until, found.start())
        if (listed or _PERSONAL_NET.search(left)) and not _PRIVATE_NET.match(found.group(0)):
            personal_until = found.end()
            yield Span(found.start(), found.end(), "ip_address", "ip", False, 4)
    for found in _MAC.finditer(text):
        yield Span(found.start(), found.end(), "mac_address", "mac", False, 4)
