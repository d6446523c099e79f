"""Secrets that stand beside a word such as "password", in any of the ways in which people and files write them."""

# ruff: noqa: E501 - a pattern is easier to read in one piece
from __future__ import annotations

import re
from collections.abc import Iterator

from plugin.egress.detect.any_of import any_of
from plugin.egress.detect.entropy import is_uuid, looks_secret
from plugin.egress.detect.found import Span
from plugin.egress.detect.placeholders import (
    is_identifier,
    is_number_or_date,
    is_odd,
    is_prose,
    stands_for_a_secret,
)
from plugin.egress.detect.views import lower

_DIGIT_OR_BOTH_CASES = re.compile(r"\d|[a-z].*[A-Z]|[A-Z].*[a-z]", re.DOTALL)
_STRONG = (
    r"pass[ _\-]?wor[dt]e?s?|passwd|pass[ _\-]?phrase|pass[ _\-]?code|pwd|psw|pword|kennwort|passwort|kennwörter|mot[ _]de[ _]passe|mdp|contraseñas?|contrasena|senha"
    r"|wachtwoord|hasło|haslo|lösenord|losenord|adgangskode|passord|salasana|heslo|jelszó|parola(?:\s+d'ordine)?|şifre|sifre|пароль|пароля|密码|密碼|口令|パスワード|비밀번호|암호|كلمة المرور|סיסמה|รหัสผ่าน|mật khẩu|kata sandi"
    r"|identified\s+(?:with\s+\w+\s+)?by"
)
_WEAK = (
    r"secrets?|tokens?|api[ _\-.]?keys?|apikeys?|access[ _\-.]?keys?|secret[ _\-.]?(?:access[ _\-.]?)?keys?|private[ _\-.]?keys?|account[ _\-.]?keys?|auth[ _\-.]?keys?|app(?:lication)?[ _\-.]?keys?|integration[ _\-.]?keys?|routing[ _\-.]?keys?|write[ _\-.]?keys?"
    r"|signing[ _\-.]?keys?|encryption[ _\-.]?keys?|master[ _\-.]?keys?|shared[ _\-.]?keys?|license[ _\-.]?keys?|licence[ _\-.]?keys?|service[ _\-.]?keys?|subscription[ _\-.]?keys?|webhook[ _\-.]?(?:secret|key)s?"
    r"|(?:fernet|storage|kms|hmac|aes|cipher|crypto?|jwt|cookie|session|deploy(?:ment)?|ssh|rsa|ed25519|gpg|pgp|ingest(?:ion)?|unseal)[ _\-.]?keys?|(?:hash|password|token)[ _\-.]?salt|pepper"
    r"|credentials?|creds|auth|jeton|clave|schlüssel|schluessel|chave|токен|ключ|密钥|密鑰|トークン|pass|pw|pin(?:[ _-]?code)?|otp|cvv2?|cvc2?|client[ _\-]?secret"
)
_CORE = re.compile(rf"(?P<strong>{_STRONG})|(?P<weak>{_WEAK})(?![a-z])")
"""On lower-case text. A weak word must not begin in the middle of another word: checked where it is found."""
_has_word = any_of(lambda: f"{_STRONG}|{_WEAK}")
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
_BLOCK = re.compile(r"\s*[|>][+\-]?[ \t]*\r?\n\s*")
_DASH = re.compile(r"\s+-{1,2}\s+(?P<value>[^\s\"'`<>]{4,200})")
_LOOSE = re.compile(r"(?:\s+[^\s:=.;,]{1,24}){1,6}\s*[:=]\s*")
_NAMED_VALUE = re.compile(
    r"[\"']?[\s,;}]*(?:\n\s*)?[\"']?(?:value|val|content|data|default(?:[_\-]?value)?)[\"']?\s*[:=]\s*",
    re.IGNORECASE,
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


def named_in(text: str) -> Iterator[Span]:
    """Every such secret in this view."""
    folded = lower(text)
    for core in _CORE.finditer(folded) if _has_word(folded) else ():
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
        if (
            (after and after[-1] in _NOT_A_VALUE)
            or (before & _NOT_BEFORE)
            or _IN_ARN.search(text[max(0, start - 80) : start])
        ):
            continue
        yield from _value_after(text, start, end, identifier, core, strong)
    for found in _REVERSED.finditer(text):
        value = found.group("a") or found.group("b")
        strong = re.match(r"pass|pw|kenn", found.group("word").lower()) is not None
        if (
            is_odd(value, strong)
            and not re.search(r"@[\w\-]+\.\w", value)
            and not value.endswith("?")
            and (strong or len(value) >= 16)
        ):
            yield _span(*found.span("a" if found.group("a") else "b"), found.group("word"))
    yield from _in_tables(text)
    for found in _KEY_WORD.finditer(text):
        if looks_secret(found.group("secret")) and _DIGIT_OR_BOTH_CASES.search(found.group("secret")):
            yield Span(*found.span("secret"), "secret", "key", True, 5)


_IN_ARN = re.compile(r"\barn:[\w\-:/]{0,70}\Z")
_REVERSED = re.compile(
    r"(?:(?<![\w/@.])[\"'`]?(?P<a>[^\s\"'`<>]{5,120})[\"'`]?\s+(?:is|was|=|as|ist|war|est|es)\s+|\bis\s+[\"'`]?(?P<b>[^\s\"'`<>]{5,120})[\"'`]?\s+)"
    r"(?:(?:my|the|our|his|her|their|your|an?|das|mein|le|mon|la|mi)\s+)?(?:[\w\-]{1,20}\s+){0,2}?"
    r"(?P<word>password|passwort|kennwort|passphrase|pass|pw|pwd|(?:api|access|secret|auth)?[ \-]?(?:token|key)|secret|credential|login)s?\b",
    re.IGNORECASE,
)
_CELLS = re.compile(r"[|\t;,]")
_HEAD = re.compile(
    r"\W*(?:[\w ]*[ _])?(?:password|passwd|passwort|kennwort|pwd|pass|secret|token|api[ _]?key|access[ _]?key)\W*\Z",
    re.IGNORECASE,
)


def _in_tables(text: str) -> Iterator[Span]:
    """Values below a heading such as "password" in a table of pipes, tabs, commas or semicolons."""
    position = 0
    heads: list[int] = []
    mark = ""
    for line in text.splitlines(keepends=True):
        here, position = position, position + len(line)
        if heads and mark in line:
            for start, end in _cells(line, mark, heads):
                value = line[start:end]
                if is_odd(value, True) and not re.fullmatch(r"[a-z]+\d{1,2}", value):
                    yield Span(here + start, here + end, "password", "password", True, 5)
            continue
        found = _CELLS.search(line)
        heads = []
        if found:
            mark = found.group(0)
            cells = line.rstrip("\r\n").split(mark)
            if len(cells) > 1 and all(len(cell) < 40 for cell in cells):
                heads = [index for index, cell in enumerate(cells) if _HEAD.fullmatch(cell)]


def _cells(line: str, mark: str, heads: list[int]) -> Iterator[tuple[int, int]]:
    start = 0
    for index, cell in enumerate(line.rstrip("\r\n").split(mark)):
        bare = cell.strip(" \"'`")
        if index in heads and bare:
            begin = start + cell.index(bare)
            yield begin, begin + len(bare)
        start += len(cell) + 1


def _value_after(
    text: str, start: int, end: int, identifier: str, core: re.Match[str], strong: bool
) -> Iterator[Span]:
    word = core.group(0).lower()
    if start > 0 and text[start - 1] == "<":
        tag = _TAG.match(text, end)
        if tag and not stands_for_a_secret(tag.group("secret")):
            yield _span(tag.start("secret"), tag.end("secret"), word)
        return
    named = _NAMED_VALUE.match(text, end)
    if named:
        yield from _assigned(text, named.end(), word, strong, spaced=False, sign="=")
        return
    assigned = _ASSIGN.match(text, end)
    if assigned:
        block = _BLOCK.match(text, assigned.end())
        if block:
            yield from _assigned(text, block.end(), word, strong, spaced=False, sign="=")
            return
        yield from _assigned(
            text,
            assigned.end(),
            word,
            strong,
            spaced=text[assigned.end() - 1] == " ",
            sign=assigned.group("sign"),
        )
        return
    said = _IS.match(text, end)
    if said:
        yield from _assigned(text, said.end(), word, strong, spaced=True, sign=said.group("sign") or "is")
        return
    dash = _DASH.match(text, end)
    if dash and strong and is_odd(dash.group("value"), True):
        yield _span(*dash.span("value"), word)
        return
    loose = _LOOSE.match(text, end) if strong else None
    if loose:
        plain = _plain(text, loose.end())
        if plain is not None and is_odd(text[plain[0] : plain[1]], True):
            yield _span(*plain, word)
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
        elif is_odd(value, strong):
            yield _span(*plain, word)


def _assigned(
    text: str, position: int, word: str, strong: bool, *, spaced: bool, sign: str
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
    if is_uuid(value):
        if ("-" not in value or word not in ("auth", "clave", "pass", "token", "tokens")) and sign != "is":
            yield _span(*plain, word)
        return
    if sign == "is" or word in ("auth", "key", "clave", "pass"):
        if is_odd(value, True):
            yield _span(*plain, word)
        return
    if len(value) >= 6 and (is_odd(value, True) or (not spaced and sign == "=") or looks_secret(value)):
        yield _span(*plain, word)


def _final(text: str, end: int) -> bool:
    return re.match(r"\s*(?:[.!?;,\n]|\Z)", text[end:]) is not None


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
