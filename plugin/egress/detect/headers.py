"""Secrets in headers, cookies, command lines and pairs of user and password."""

# ruff: noqa: E501 - a pattern is easier to read in one piece
from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

from plugin.egress.detect.entropy import looks_secret
from plugin.egress.detect.found import Span
from plugin.egress.detect.placeholders import (
    is_identifier,
    is_number_or_date,
    is_odd,
    is_prose,
    stands_for_a_secret,
)

_AUTH_HEADER = re.compile(
    r"\b(?:proxy-)?authori[sz]ation[\"']?\s*[:=]\s*[\"']?\s*(?:(?P<scheme>[A-Za-z][A-Za-z0-9\-]{2,20})[ :]+)?(?P<secret>[^\s\"',;]{6,})",
    re.IGNORECASE,
)
_SCHEME = re.compile(
    r"\b(?P<scheme>Bearer|Basic|Token|ApiKey|Negotiate)[ :]+(?P<secret>[A-Za-z0-9._~+/=\-]{8,})",
    re.IGNORECASE,
)
_AWS4 = re.compile(r"\bSignature=(?P<secret>[0-9a-f]{32,})")
_COOKIE = re.compile(
    r"\b(?:set-)?cookie\s*:\s*(?P<all>[^\n\"']+)|\b(?:JSESSIONID|PHPSESSID|ASP\.NET_SessionId|sessionid|session_id|connect\.sid|csrftoken|sid)\s*=\s*(?P<secret>[^\s;,\"'&]{8,})",
    re.IGNORECASE,
)
_COOKIE_VALUE = re.compile(r"[\w.\-]+=(?P<secret>[^;\s]{8,})")
_COMMANDS = re.compile(
    r"\b(?:curl|wget|http|https|httpie)\b[^\n]*?\s(?:-u|--user|-a|--auth|--proxy-user)[ =]?[\"']?[^\s:\"']+:(?P<a>[^\s\"']+)"
    r"|\b(?:mysql|mysqldump|mariadb|mysqladmin)\b[^\n]*?\s-p[\"']?(?P<b>[^\s\"']{3,})"
    r"|\bredis-cli\b[^\n]*?\s-a\s+[\"']?(?P<c>[^\s\"']+)"
    r"|\bsshpass\s+-p\s*[\"']?(?P<d>[^\s\"']+)"
    r"|\b(?:sqlcmd|bcp|isql|bteq|sqlplus|mongo(?:sh)?|ldapsearch|snowsql|docker\s+login)\b[^\n]*?\s(?:-P|-p|-w)\s*[\"']?(?P<e>[^\s\"']{4,})"
    r"|\bsqlplus\s+[\w.]+/(?P<f>[^\s@\"']+)@"
    r"|\b(?:jdbc:oracle:\w+:)[\w.$#\-]{1,60}/(?P<h>[^\s\"']{3,60}?)@(?=//|[\w.\-]+[:/]|\()|(?<![\w/:.])[\w.$#]{2,30}/(?P<i>[^\s/\"'][^\s\"']{2,60}?)@(?=//[\w.\-]+[:/])"
    r"|\bmachine\s+\S+\s+login\s+\S+\s+password\s+(?P<g>\S+)"
)
_COMMAND_WORDS = (
    "curl", "wget", "http", "mysql", "mariadb", "redis-cli", "sshpass", "sqlcmd", "bcp", "isql", "bteq", "sqlplus", "mongo",
    "ldapsearch", "snowsql", "docker", "machine", "@//", "jdbc:oracle",
)  # fmt: skip
_PGPASS = re.compile(
    r"(?:^|(?<=\s))[\w.\-*]{1,253}:(?:\d{2,5}|\*):[\w*\-]{1,63}:[\w.\-*]{1,63}:(?P<secret>[^\s:]{4,})",
    re.MULTILINE,
)
_LOGIN_WORDS = ("cred", "log", "sign", "user", "zugangs", "anmeld", "connect", "authentic")
_SIGNING_IN = re.compile(
    r"\b(?:log(?:ged)?[ \-]?in|sign(?:ed)?[ \-]?in|connect(?:ed|ing)?|authenticate[ds]?|anmelden)\s+(?:as|with|using|to \S+ (?:as|with)|mit|als)\s+"
    r"(?:user\s+)?[\w.@\-]{2,40}\s*(?:and|with|using|/|,|und|mit)\s*(?:the\s+)?(?:password\s+|pw\s+)?[\"'`]?(?P<secret>[^\s\"'`<>,;]{5,60})",
    re.IGNORECASE,
)
_LOGIN_AFTER = re.compile(
    r"(?<![\w/])[\w.@\-]{2,40}\s?[/:]\s?(?P<secret>[^\s,;\"'<>/:]{5,60})\s+(?:is|are|was|=)\s+(?:the|my|our)\s+(?:\w+\s+)?(?:login|credentials?|creds)\b",
    re.IGNORECASE,
)
_LOGIN = re.compile(
    r"\b(?:credentials?|creds|log ?in|logon|sign[ \-]?in|user(?:name)?(?:\s+and\s+|\s*/\s*|\s*&\s*)pass(?:word)?|user/pw|zugangsdaten|anmeldung)\b(?P<between>[^\n.;]{0,40}?)"
    r"(?:[:=]\s*|\s)(?P<user>[\w.@\\\-]{2,40})\s?(?P<sep>[/:|])\s?(?P<secret>[^\s,;\"'<>]{5,60})",
    re.IGNORECASE,
)


def headers_in(text: str) -> Iterator[Span]:
    """Every such secret in this view."""
    lowered = text.lower()
    if "authori" in lowered:
        for found in _AUTH_HEADER.finditer(text):
            value = found.group("secret")
            if not stands_for_a_secret(value) and not is_prose(value):
                yield Span(*found.span("secret"), _scheme_kind(found.group("scheme")), "credential", True, 7)
    if any(word in lowered for word in ("bearer", "basic", "token", "apikey", "negotiate")):
        for found in _SCHEME.finditer(text):
            value, scheme = found.group("secret"), found.group("scheme").lower()
            if (scheme == "basic" and _is_basic(value)) or (
                scheme != "basic" and len(value) >= 12 and looks_secret(value)
            ):
                yield Span(*found.span("secret"), _scheme_kind(scheme), "credential", True, 7)
    if "signature=" in lowered:
        for found in _AWS4.finditer(text):
            yield Span(*found.span("secret"), "signature", "signature", True, 7)
    if "cookie" in lowered or "sess" in lowered or "sid" in lowered or "csrf" in lowered:
        for found in _COOKIE.finditer(text):
            if found.group("secret"):
                if not stands_for_a_secret(found.group("secret")) and looks_secret(found.group("secret")):
                    yield Span(*found.span("secret"), "cookie", "cookie", True, 6)
            elif found.group("all"):
                for value in _COOKIE_VALUE.finditer(text, found.start("all"), found.end("all")):
                    if not stands_for_a_secret(value.group("secret")):
                        yield Span(*value.span("secret"), "cookie", "cookie", True, 6)
    if any(word in lowered for word in _COMMAND_WORDS):
        for found in _COMMANDS.finditer(text):
            name = found.lastgroup or "a"
            if not stands_for_a_secret(found.group(name)) and not is_identifier(found.group(name)):
                yield Span(*found.span(name), "password", "password", True, 7)
    if text.count(":") >= 4:
        for found in _PGPASS.finditer(text):
            if not stands_for_a_secret(found.group("secret")):
                yield Span(*found.span("secret"), "password", "password", True, 7)
    if any(word in lowered for word in _LOGIN_WORDS):
        yield from _logins(text)


def _logins(text: str) -> Iterator[Span]:
    """A user and a password in one breath."""
    for pattern in (_SIGNING_IN, _LOGIN_AFTER):
        for found in pattern.finditer(text):
            value = found.group("secret").rstrip(".)!?")
            if is_odd(value, True) and not re.fullmatch(r"[A-Za-z]+\d{1,2}(?:\.\d+)*", value):
                yield Span(
                    found.start("secret"), found.start("secret") + len(value), "password", "password", True, 6
                )
    for found in _LOGIN.finditer(text):
        value = found.group("secret").rstrip(".)!?")
        if stands_for_a_secret(value) or is_prose(value) or is_identifier(value) or is_number_or_date(value):
            continue
        if (
            re.search(r"\d|[^\w]", value)
            and not value.startswith("/")
            and "://" not in value
            and not re.fullmatch(r"[a-z\-_]+(?:/[a-z\-_]+)+", value)
            and not re.fullmatch(r"[a-z0-9_.\-/]+\.[a-z]{2,4}", value)
        ):
            begin = found.start("secret")
            yield Span(begin, begin + len(value), "password", "password", True, 6)


def _scheme_kind(scheme: str | None) -> str:
    return {"basic": "basic_auth", "bearer": "bearer_token"}.get((scheme or "").lower(), "auth_header")


def _is_basic(value: str) -> bool:
    try:
        decoded = base64.b64decode(value + "=" * (-len(value) % 4), validate=True)
    except (binascii.Error, ValueError):
        return False
    return b":" in decoded and all(32 <= octet < 127 or octet > 160 for octet in decoded)
