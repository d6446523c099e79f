"""Secrets: vendor shapes, private keys, addresses with a password, and what stands beside a word such as "password"."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

from plugin.egress.detect.entropy import is_hex, is_uuid, looks_generated, looks_secret
from plugin.egress.detect.found import Span
from plugin.egress.detect.placeholders import is_identifier, is_number_or_date, is_prose, stands_for_a_secret
from plugin.egress.detect.views import lower
from plugin.egress.detect.vendor_keys import ANY_LETTERS, VENDOR_KEYS

_DIGIT_OR_BOTH_CASES = re.compile(r"\d|[a-z].*[A-Z]|[A-Z].*[a-z]", re.DOTALL)


def secrets_in(text: str) -> Iterator[Span]:
    """Every secret in this view, overlapping ones too."""
    yield from _vendor_keys(text)
    if "-----BEGIN" in text or "PuTTY-User-Key" in text:
        yield from _private_keys(text)
    if "://" in text:
        yield from _addresses(text)
    yield from _headers(text)
    yield from _named(text)
    yield from _generated(text)


# --- shapes ----------------------------------------------------------------------------------------------------


def _vendor_keys(text: str) -> Iterator[Span]:
    for kind, label, needles, pattern in VENDOR_KEYS:
        for needle in needles:
            if needle in text:
                break
        else:
            continue
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


# --- headers and command lines ---------------------------------------------------------------------------------

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
    r"|\b(?:mysql|mysqldump|mariadb|mysqladmin)\b[^\n]*?\s-p(?P<b>[^\s\"']{3,})"
    r"|\bredis-cli\b[^\n]*?\s-a\s+[\"']?(?P<c>[^\s\"']+)"
    r"|\bsshpass\s+-p\s*[\"']?(?P<d>[^\s\"']+)"
    r"|\b(?:sqlcmd|bcp|isql|bteq|sqlplus|mongo(?:sh)?|ldapsearch|snowsql|docker\s+login)\b[^\n]*?\s(?:-P|-p|-w)\s*[\"']?(?P<e>[^\s\"']{4,})"
    r"|\bsqlplus\s+[\w.]+/(?P<f>[^\s@\"']+)@"
    r"|\bmachine\s+\S+\s+login\s+\S+\s+password\s+(?P<g>\S+)"
    r"|(?m:^|\s)[\w.\-*]+:(?:\d{2,5}|\*):[\w*\-]+:[\w.\-*]+:(?P<h>[^\s:]{4,})"
)
_LOGIN = re.compile(
    r"\b(?:credentials?|creds|log ?in|logon|sign[ \-]?in|user(?:name)?(?:\s+and\s+|\s*/\s*|\s*&\s*)pass(?:word)?|user/pw|zugangsdaten|anmeldung)\b(?P<between>[^\n.;]{0,40}?)"
    r"(?:[:=]\s*|\s)(?P<user>[\w.@\\\-]{2,40})\s?(?P<sep>[/:|])\s?(?P<secret>[^\s,;\"'<>]{5,60})",
    re.IGNORECASE,
)


def _headers(text: str) -> Iterator[Span]:
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
    for found in _COMMANDS.finditer(text):
        name = found.lastgroup or "a"
        if not stands_for_a_secret(found.group(name)) and not is_identifier(found.group(name)):
            yield Span(*found.span(name), "password", "password", True, 7)
    for found in _LOGIN.finditer(text):
        value = found.group("secret").rstrip(".)!?")
        if stands_for_a_secret(value) or is_prose(value) or is_identifier(value) or is_number_or_date(value):
            continue
        if (
            re.search(r"\d|[^\w]", value)
            and not value.startswith("/")
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


# --- beside a word ---------------------------------------------------------------------------------------------

_STRONG = (
    r"pass[ _\-]?wor[dt]e?s?|passwd|pass[ _\-]?phrase|pass[ _\-]?code|pwd|psw|pword|kennwort|passwort|kennwörter|mot[ _]de[ _]passe|mdp|contraseñas?|contrasena|senha"
    r"|wachtwoord|hasło|haslo|lösenord|losenord|adgangskode|passord|salasana|heslo|jelszó|parola(?:\s+d'ordine)?|şifre|sifre|пароль|пароля|密码|密碼|口令|パスワード|비밀번호|암호|كلمة المرور|סיסמה|รหัสผ่าน|mật khẩu|kata sandi"
    r"|identified\s+(?:with\s+\w+\s+)?by"
)
_WEAK = (
    r"secrets?|tokens?|api[ _\-.]?keys?|apikeys?|access[ _\-.]?keys?|secret[ _\-.]?(?:access[ _\-.]?)?keys?|private[ _\-.]?keys?|account[ _\-.]?keys?|auth[ _\-.]?keys?"
    r"|signing[ _\-.]?keys?|encryption[ _\-.]?keys?|master[ _\-.]?keys?|shared[ _\-.]?keys?|license[ _\-.]?keys?|licence[ _\-.]?keys?|service[ _\-.]?keys?|subscription[ _\-.]?keys?|webhook[ _\-.]?(?:secret|key)s?"
    r"|credentials?|creds|auth|jeton|clave|schlüssel|schluessel|chave|токен|ключ|密钥|密鑰|トークン|pass|pw|pin(?:[ _-]?code)?|otp|cvv2?|cvc2?|client[ _\-]?secret"
)
_CORE = re.compile(rf"(?P<strong>{_STRONG})|(?P<weak>{_WEAK})(?![a-z])")
"""On lower-case text. A weak word must not begin in the middle of another word: checked where it is found."""
_KEY_WORD = re.compile(
    r"(?<![\w.])key(?:s)?\b\s*(?:[:=]|\bis\b)\s*[\"'`]?(?P<secret>[A-Za-z0-9+/=_\-]{16,})", re.IGNORECASE
)
_CAMEL = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_NOT_A_VALUE = frozenset(
    """count counts type types length len expires expiry expired expiration expire changed change at on date hint policy policies table tables column columns
    field fields url uri endpoint ttl limit limits budget bucket rotation version reset min max minimum maximum status enabled required strength age attempts attempt history
    updated created used usage total sum avg rate ratio size name names label title description scope scopes issuer audience provider format pattern regex rule rules
    days hours minutes seconds ms time timeout index position order number num per left remaining input output prompt completion cached budget model models field flag
    valid verified last first next manager generator store service file path dir page pages form input screen algorithm algo method hash hashing hashed encrypted salt rounds cost""".split()
)
_NOT_BEFORE = frozenset(
    "max min num n total input output prompt completion cached avg sum count used remaining last has is no reset forgot forgotten change changed missing invalid expired next primary foreign sort partition surrogate cluster natural".split()
)
_ASSIGN = re.compile(
    r"[\"'`’”\])]*\s*(?P<sign>=>|:=|==|->|→|[:=：＝])\s*(?P<prefix>(?:u|b|r|f|N|E)(?=[\"']))?"
)
_IS = re.compile(
    r"[\"'`)]*(?P<of>(?:\s+(?:for|of|to|on|from|in|at|für|von|vom|zum|pour|de|du|del|della|para|do|da|van|voor)\s+(?:[\w.@\-']+)(?:\s+(?!is\b|was\b|ist\b|est\b|es\b)[\w.@\-']+){0,4}?)?)"
    r"(?:\s*(?P<sign>[:=])\s*|\s+(?:is|was|were|are|be|ist|war|lautet|est|es|era|é|è|er|är|to|equals|now|should\s+be|will\s+be|set\s+to|reset\s+to|changed\s+to|used)(?:\s*:)?(?:\s+(?:still|now|just|simply|currently|always|set\s+to))?\s+)",
    re.IGNORECASE,
)
_TAG = re.compile(r"[^<>\n]{0,40}>\s*(?P<secret>[^<\n]{3,200}?)\s*</")
_DIRECT = re.compile(r"\s+(?:\(\s*)?")
_QUOTED = re.compile(
    r"\"(?P<a>(?:[^\"\\\n]|\\.){1,400})\"|'(?P<b>(?:[^'\\\n]|\\.|''){1,400})'|`(?P<c>[^`\n]{1,400})`|\\\"(?P<d>[^\"\\\n]{1,400})\\\""
)
_PLAIN = re.compile(r"[^\s\"'`<>]{1,400}")
_STOP = re.compile(r";(?=[\w ]+=|\s|$)|&(?=[\w.\-\[\]]+=)|,(?=\s|$|[\w\"']+\s*[=:])|\\[nrt\"']|\|(?=\s|$)")
_PHRASE = re.compile(r"[a-z]+(?:[ \-][a-z]+){2,7}")


def _named(text: str) -> Iterator[Span]:
    for core in _CORE.finditer(lower(text)):
        strong = core.group("strong") is not None
        start, end = core.span()
        if (
            not strong
            and start
            and text[start - 1].isalpha()
            and not (text[start].isupper() and text[start - 1].islower())
        ):
            continue
        while start > 0 and (text[start - 1].isalnum() or text[start - 1] in "_.-"):
            start -= 1
        while end < len(text) and (
            text[end].isalnum()
            or text[end] in "_-"
            or (text[end] == "." and text[end + 1 : end + 2].isalnum())
        ):
            end += 1
        identifier = text[start:end]
        before = {word.lower() for word in _CAMEL.findall(text[start : core.start()])}
        after = [word.lower() for word in _CAMEL.findall(text[core.end() : end])]
        if (after and after[-1] in _NOT_A_VALUE) or (before & _NOT_BEFORE):
            continue
        yield from _value_after(text, start, end, identifier, core, strong)
    for found in _KEY_WORD.finditer(text):
        if looks_secret(found.group("secret")) and _DIGIT_OR_BOTH_CASES.search(found.group("secret")):
            yield Span(*found.span("secret"), "secret", "key", True, 5)


def _value_after(
    text: str, start: int, end: int, identifier: str, core: re.Match[str], strong: bool
) -> Iterator[Span]:
    word = core.group(0).lower()
    if start > 0 and text[start - 1] == "<":
        tag = _TAG.match(text, end)
        if tag and not stands_for_a_secret(tag.group("secret")):
            yield _span(tag.start("secret"), tag.end("secret"), word)
        return
    assigned = _ASSIGN.match(text, end)
    if assigned:
        yield from _assigned(
            text,
            assigned.end(),
            word,
            strong,
            spaced=text[assigned.end() - 1] == " ",
            sign=assigned.group("sign"),
            core=core,
        )
        return
    said = _IS.match(text, end)
    if said:
        yield from _assigned(
            text, said.end(), word, strong, spaced=True, sign=said.group("sign") or "is", core=core
        )
        return
    direct = _DIRECT.match(text, end)
    flag = text[start : core.start()].startswith("-")
    if direct:
        quoted = _QUOTED.match(text, direct.end())
        if quoted:
            value = quoted.group(quoted.lastgroup or 0)
            good = (
                strong
                and not stands_for_a_secret(value)
                and not (is_prose(value) or is_identifier(value) or " " in value)
            )
            if good or looks_secret(value):
                yield _span(*quoted.span(quoted.lastgroup or 0), word)
            return
        plain = _plain(text, direct.end())
        if plain is None:
            return
        value = text[plain[0] : plain[1]]
        if flag and not stands_for_a_secret(value) and not value.startswith("-"):
            yield _span(*plain, word)
        elif word.startswith("identified") or _odd(value, strong):
            yield _span(*plain, word)


def _assigned(
    text: str, position: int, word: str, strong: bool, *, spaced: bool, sign: str, core: re.Match[str]
) -> Iterator[Span]:
    quoted = _QUOTED.match(text, position)
    if quoted:
        group = quoted.lastgroup or 0
        value = quoted.group(group)
        if stands_for_a_secret(value) or (
            not strong
            and (is_prose(value) or is_identifier(value) or is_number_or_date(value) and len(value) < 4)
        ):
            return
        if sign == "is" and is_prose(value):
            return
        yield _span(*quoted.span(group), word)
        return
    if word.replace("-", "").replace(" ", "").replace("_", "").startswith("passphrase") and sign != "is":
        phrase = _PHRASE.match(text, position)
        if phrase:
            yield _span(*phrase.span(), word)
            return
    plain = _plain(text, position)
    if plain is None:
        return
    value = text[plain[0] : plain[1]]
    if stands_for_a_secret(value):
        return
    if strong:
        if is_prose(value) and (sign == "is" or spaced):
            return
        if spaced and is_identifier(value) and re.search(r"pass|pwd|secret|token|user|login|hash|\.", value):
            return
        if (
            spaced
            and sign in ("is", ":")
            and value.isalpha()
            and value.islower()
            and not _final(text, plain[1])
            and sign == ":"
            and is_prose(value)
        ):
            return
        yield _span(*plain, word)
        return
    digits_only = word in ("pin", "otp", "cvv", "cvc", "cvv2", "cvc2") or word.startswith("pin")
    if digits_only:
        if re.fullmatch(r"\d{3,8}", value):
            yield _span(*plain, word)
        return
    if is_prose(value) or is_identifier(value) or is_number_or_date(value):
        return
    if sign == "is" or word in ("auth", "key", "clave", "pass"):
        if _odd(value, True):
            yield _span(*plain, word)
        return
    if len(value) >= 6 and (_odd(value, True) or (not spaced and sign == "=") or looks_secret(value)):
        yield _span(*plain, word)


def _final(text: str, end: int) -> bool:
    return re.match(r"\s*(?:[.!?;,\n]|\Z)", text[end:]) is not None


def _odd(value: str, strong: bool) -> bool:
    """Not a word: has a digit beside a letter, or a mark inside, and is no identifier, algorithm or date."""
    if (
        len(value) < 5
        or is_prose(value)
        or is_identifier(value)
        or is_number_or_date(value)
        or stands_for_a_secret(value)
    ):
        return False
    if re.fullmatch(r"[a-z_]+\.?[a-z_0-9.]*", value) and ("_" in value or "." in value):
        return False
    if is_uuid(value):
        return False
    if re.fullmatch(r"[A-Za-z][\w\-]*(?:/[\w\-]+)+|https?://.*|[A-Za-z]+-\d{1,6}|[a-z]+\d{1,2}", value):
        return False
    has_digit, has_letter = re.search(r"\d", value), re.search(r"[A-Za-z]", value)
    if strong:
        return bool((has_digit and has_letter) or re.search(r"[!@#$%^&*+=~?]", value[:-1]) and has_letter)
    return looks_secret(value)


def _plain(text: str, position: int) -> tuple[int, int] | None:
    found = _PLAIN.match(text, position)
    if found is None:
        return None
    value = found.group(0)
    stop = _STOP.search(value)
    if stop and stop.start() > 0:
        value = value[: stop.start()]
    value = value.rstrip(".,;:")
    while (
        value and value[-1] in ")]}" and value.count(value[-1]) > value.count("([{"[")]}".index(value[-1])])
    ):
        value = value[:-1].rstrip(".,;:")
    return (position, position + len(value)) if value else None


def _span(start: int, end: int, word: str) -> Span:
    plain = word.lower()
    if re.match(
        r"pass|pwd|psw|kenn|mot|mdp|contr|senha|wacht|has|l[öo]s|adg|sal|hes|jel|par|[şs]if|пар|密码|密碼|口令|パ|비|암|identified",
        plain,
    ):
        return Span(start, end, "password", "password", True, 6)
    if "token" in plain:
        return Span(start, end, "token", "token", True, 5)
    if "key" in plain:
        return Span(start, end, "api_key", "key", True, 5)
    return Span(start, end, "secret", "secret", True, 5)


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
                and not is_uuid(token)
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
