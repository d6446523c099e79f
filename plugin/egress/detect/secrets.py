"""Secrets: vendor shapes, private keys, addresses with a password, and what stands beside a word such as "password"."""

# ruff: noqa: E501 - a pattern is easier to read in one piece
from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

from plugin.egress.detect.any_of import which_of
from plugin.egress.detect.entropy import is_chain_address, is_hex, looks_generated, looks_secret
from plugin.egress.detect.found import Span
from plugin.egress.detect.headers import headers_in
from plugin.egress.detect.named import named_in
from plugin.egress.detect.placeholders import stands_for_a_secret
from plugin.egress.detect.vendor_keys import ANY_LETTERS, VENDOR_KEYS

_DIGIT_OR_BOTH_CASES = re.compile(r"\d|[a-z].*[A-Z]|[A-Z].*[a-z]", re.DOTALL)


def secrets_in(text: str) -> Iterator[Span]:
    """Every secret in this view, overlapping ones too."""
    yield from _vendor_keys(text)
    if "-----BEGIN" in text or "PuTTY-User-Key" in text:
        yield from _private_keys(text)
    if "://" in text:
        yield from _addresses(text)
    yield from headers_in(text)
    yield from named_in(text)
    yield from _generated(text)


# --- shapes ----------------------------------------------------------------------------------------------------


_held = which_of(lambda: (needles for _kind, _label, needles, _pattern in VENDOR_KEYS))


def _vendor_keys(text: str) -> Iterator[Span]:
    for at in _held(text):
        kind, label, _needles, pattern = VENDOR_KEYS[at]
        for found in pattern.finditer(text):
            group = "secret" if "secret" in pattern.groupindex else 0
            value = found.group(group)
            if kind not in ANY_LETTERS and _DIGIT_OR_BOTH_CASES.search(value[3:]) is None:
                continue
            if kind == "jwt" and not _is_jwt(value):
                continue
            if stands_for_a_secret(value):
                continue
            start, end = found.span(group)
            yield Span(start, end, kind, label, True, 9)


def _is_jwt(value: str) -> bool:
    head = value.split(".", 1)[0]
    try:
        return base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)).lstrip()[:1] == b"{"
    except (binascii.Error, ValueError):
        return False


_PRIVATE = re.compile(
    r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----|\Z)",
    re.DOTALL,
)
_PRIVATE_BODY = re.compile(r"-----BEGIN[^\n]*?-----(?:[\s\\nr]*[A-Za-z0-9+/=:,\- ]{16,}[\s\\nr]*)*")
_PUTTY = re.compile(r"PuTTY-User-Key-File.*?(?:Private-MAC: ?[0-9a-f]+|\Z)", re.DOTALL)


def _private_keys(text: str) -> Iterator[Span]:
    for found in _PRIVATE.finditer(text):
        end = found.end()
        if "-----END" not in found.group(0):
            body = _PRIVATE_BODY.match(text, found.start())
            end = body.end() if body else end
        yield Span(found.start(), end, "private_key", "private key", True, 10)
    for found in _PUTTY.finditer(text):
        yield Span(found.start(), found.end(), "private_key", "private key", True, 10)


_AUTHORITY = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.\-]*)://(?P<rest>[^\s\"'<>`]*@[^\s\"'<>`]*)")


def _addresses(text: str) -> Iterator[Span]:
    """Passwords in `scheme://user:password@host`, also where the password holds a slash or an at sign."""
    for found in _AUTHORITY.finditer(text):
        rest = found.group("rest")
        slash = re.search(r"[/?#]", rest)
        at = rest.rfind("@", 0, slash.start()) if slash else rest.rfind("@")
        if at < 0:
            # the first slash is inside the password, or the at sign belongs to the path
            at = rest.find("@")
            if ":" not in rest[: slash.start() if slash else at] or not re.match(r"[\w\[]", rest[at + 1 :]):
                continue
            colon_host = re.match(r"[^:]*:\d{1,5}[/?#]", rest)
            if colon_host:
                continue
        user, colon, password = rest[:at].partition(":")
        begin = found.start("rest")
        if colon:
            if password and not stands_for_a_secret(password):
                yield Span(begin + len(user) + 1, begin + at, "url_password", "password", True, 8)
        elif len(user) >= 16 and looks_secret(user):
            yield Span(begin, begin + at, "url_token", "token", True, 8)


# --- tokens that a generator made ------------------------------------------------------------------------------

_TOKEN = re.compile(r"(?<![A-Za-z0-9+/_=\-])[A-Za-z0-9+/_\-]{24,}={0,2}(?![A-Za-z0-9])")
_DIGEST_BEFORE = re.compile(
    r"(?:sha\d+|md5|blake\w*|digest|etag|integrity|checksum|hash|commit|revision|fingerprint)\W{0,3}\Z",
    re.IGNORECASE,
)
_SECRET_BEFORE = re.compile(
    r"(?<![a-z_])(?:api|access|auth|secret|private|signing|service|app|account|webhook|encryption)?[ _\-]?(?:key|token|secret|password|credential|auth|passwort|pw|bearer|sas)s?\b[^\n]{0,24}\Z",
    re.IGNORECASE,
)
_HARMLESS_KEY = re.compile(
    r"\b(?:primary|foreign|sort|partition|surrogate|natural|business|cluster\w*|distribution|join|composite|unique|cache|object|s3|idempotency)[ _\-]?keys?\b[^\n]{0,24}\Z",
    re.IGNORECASE,
)


def _generated(text: str) -> Iterator[Span]:
    for found in _TOKEN.finditer(text):
        token = found.group(0)
        left = text[max(0, found.start() - 48) : found.start()]
        if is_hex(token):
            if (
                len(token) >= 32
                and not is_chain_address(token)
                and _SECRET_BEFORE.search(left)
                and not _HARMLESS_KEY.search(left)
                and not _DIGEST_BEFORE.search(left)
            ):
                yield Span(found.start(), found.end(), "secret", "key", True, 3)
            continue
        if _DIGEST_BEFORE.search(left):
            continue
        if looks_generated(token):
            yield Span(found.start(), found.end(), "high_entropy", "secret", True, 2)
        elif (
            len(token) >= 16
            and _SECRET_BEFORE.search(left)
            and not _HARMLESS_KEY.search(left)
            and looks_secret(token)
        ):
            yield Span(found.start(), found.end(), "secret", "key", True, 3)
