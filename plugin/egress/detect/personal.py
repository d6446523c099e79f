"""Personal data: e-mail addresses, telephone numbers, payment cards, bank accounts, addresses, dates of birth."""

# ruff: noqa: E501 - a pattern is easier to read in one piece
from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from plugin.egress.detect.found import Span
from plugin.egress.detect.national_ids import national_ids_in
from plugin.egress.detect.networks import networks_in

DEFAULT_REGIONS = ("US", "GB", "DE", "FR", "ES", "IT", "NL", "IN", "BR", "AU", "CA", "CH", "AT")
"""Where telephone numbers without a country code are looked for; a workspace sets its own."""

_DIGIT = re.compile(r"\d")
_HAS_DIGITS = re.compile(r"\d.*?\d.*?\d", re.DOTALL)


def personal_in(text: str, regions: Sequence[str] = DEFAULT_REGIONS) -> Iterator[Span]:
    """Every piece of personal data in this view, overlapping ones too."""
    if "@" in text:
        yield from _emails(text)
    lowered = text.lower()
    if " at " in lowered or "(at)" in lowered or "[at]" in lowered or "{at}" in lowered or "[a]" in lowered:
        yield from _spelled_emails(text)
    if _DIGIT.search(text) is None:
        return
    yield from _places(text)
    if _HAS_DIGITS.search(text) is None:
        return
    yield from _cards(text)
    yield from _ibans(text)
    yield from _accounts(text)
    yield from _phones(text, regions)
    yield from national_ids_in(text)
    yield from _births(text)
    yield from networks_in(text)


# --- e-mail ----------------------------------------------------------------------------------------------------

_EMAIL = re.compile(
    r"(?<![\w.+%\u0300-\u036f])(?P<local>\"[^\"\n@]{1,60}\"|[\w\u0300-\u036f](?:[\w\u0300-\u036f.+'&!#$*/=?^`{|}~%-]{0,62}[\w\u0300-\u036f+\-&!#$*=?^`{|}~])?)"
    r"\s?@\s?(?P<domain>(?:[\w\u0300-\u036f](?:[\w\u0300-\u036f-]{0,61}[\w\u0300-\u036f])?\.)+(?:xn--[a-z0-9\-]{2,}|[^\W\d_]{2,24}))(?![\w])|"
    r"(?<![\w.])(?P<local2>[\w.+'-]{1,64})@(?P<domain2>\[(?:\d{1,3}\.){3}\d{1,3}\])"
)
_FILE_END = frozenset(
    "png jpg jpeg gif svg js ts css py sql md txt json yaml yml toml lock parquet csv html".split()
)
_SPELLED = re.compile(
    r"(?<![\w.])(?P<local>[\w+\-]+(?:(?:\.|\s?[(\[{]?\bdot\b[)\]}]?\s?|\s?[(\[{]\.[)\]}]\s?)[\w+\-]+)*)\s*(?:[(\[{<]\s*(?:at|@|a|AT)\s*[)\]}>]|\s(?:at|AT)\s)\s*"
    r"(?P<domain>[\w\-]+(?:(?:\s?[(\[{]\s?(?:dot|\.|DOT)\s?[)\]}]\s?|\sdot\s|\sDOT\s|\.)[\w\-]+)+)(?!\w)"
)
_TLD = frozenset(
    "com org net edu gov mil int info biz io ai co uk de fr es it nl be ch at se no dk fi pl pt cz ro hu gr ie ru ua tr in cn jp kr br mx ar cl us ca au nz za eu dev app cloud tech me tv xyz online site local internal example test invalid".split()
)


def _emails(text: str) -> Iterator[Span]:
    for found in _EMAIL.finditer(text):
        if found.group("local2"):
            yield Span(found.start(), found.end(), "email", "email", False, 7)
            continue
        start, end = found.span()
        local, domain = found.group("local"), found.group("domain")
        while local and local[0] in "'`":
            local, start = local[1:], start + 1
        if "://" in local or "//" in local or _in_authority(text, start):
            continue
        slash = local.rfind("/")
        if slash >= 0:
            start, local = start + slash + 1, local[slash + 1 :]
        equals = local.rfind("=")
        if equals >= 0:
            start, local = start + equals + 1, local[equals + 1 :]
        if not local or domain.rsplit(".", 1)[1].lower() in _FILE_END:
            continue
        if local in ("git", "hg") and text[end : end + 1] == ":":
            continue
        yield Span(start, end, "email", "email", False, 7)


def _in_authority(text: str, start: int) -> bool:
    """Is this the user part of an address such as postgres://user@host or abfss://container@account?"""
    begin = max(text.rfind(mark, 0, start) for mark in (" ", "\n", "\t", '"', "'", "<", "(", ","))
    return re.search(r"[A-Za-z][A-Za-z0-9+.\-]*://[^/?#]*\Z", text[begin + 1 : start]) is not None


def _spelled_emails(text: str) -> Iterator[Span]:
    for found in _SPELLED.finditer(text):
        whole = found.group(0)
        domain = found.group("domain")
        last = re.split(r"[\s.()\[\]{}]+|\bdot\b", domain, flags=re.IGNORECASE)[-1].lower()
        bracketed = re.search(r"[(\[{<]\s*(?:at|@|a)\s*[)\]}>]", whole, re.IGNORECASE)
        dotted = re.search(r"\bdot\b|[(\[{]\.", domain, re.IGNORECASE)
        if last in _TLD and (bracketed or dotted):
            yield Span(found.start(), found.end(), "email", "email", False, 5)


# --- cards and accounts ----------------------------------------------------------------------------------------

_CARD = re.compile(r"(?<![\w.\-/])\d(?:[ \-.]{0,3}\d|[_/]\d){11,18}(?![\w])(?![.\-]\d)")
_CARD_WORD = re.compile(
    r"(?<![a-zA-Z])(?:card|cards|cc|visa|master ?card|amex|american express|discover|diners|jcb|maestro|pan|credit|debit|karte|kreditkarte|carte|tarjeta|cart[ãa]o|carta|paid (?:by|with)|charged?(?: to)?)(?![a-zA-Z])[^\n]{0,24}\Z",
    re.IGNORECASE,
)
_NO_CARD = re.compile(
    r"(?:\b(?:orders?|order[ _]?(?:id|no|number|nr)|invoice|ticket|batch|tracking|shipment|parcel|sku|ean|upc|gtin|isbn|imei|serial|job|run|event|session|request|trace|span|message|msg|offset|epoch|timestamp|ts|time|count|sum|total|rows?|bytes|size|number of|id|ids|key|hash|version|build|lsn|scn|xid|checkpoint|account id|project|tenant|device|asset|transaction|txn|case|claim|policy|reference|ref|contract|quote|po|delivery|snapshot|snowflake id|tweet|user id|customer id|customer)\b|\w+_(?:id|ts|at|key|no|nr|num|number|count|sk|offset|time|timestamp|seq|millis|ms|us))[\s#:=(.]*(?:no\.?|number|nr\.?|id|is|like|such as|value|values|of|=|in)?[\s#:=(]*\Z",
    re.IGNORECASE,
)
_IIN = re.compile(
    r"4|5[0-8]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)|3[47]|3(?:0[0-5]|[689])|35(?:2[89]|[3-8])|6(?:011|4[4-9]|5|22|0|2|7|3)|220[0-4]|9792"
)
_LENGTHS = {
    "3": (14, 15, 16, 19),
    "4": (13, 16, 19),
    "5": (12, 13, 14, 15, 16, 17, 18, 19),
    "6": (12, 13, 14, 15, 16, 17, 18, 19),
    "2": (16, 17, 18, 19),
    "9": (16,),
}
_CVV = re.compile(
    r"\b(?:cvv2?|cvc2?|cvn|card security code|security code|pr[üu]fziffer)\b[\s:=#]*(?:is\s+)?(?P<value>\d{3,4})(?!\w)",
    re.IGNORECASE,
)


def luhn(digits: str) -> bool:
    """The check digit of payment cards."""
    total = 0
    for index, digit in enumerate(reversed(digits)):
        number = int(digit)
        if index % 2:
            number = number * 2 - 9 if number > 4 else number * 2
        total += number
    return total % 10 == 0


def _cards(text: str) -> Iterator[Span]:
    for found in _CARD.finditer(text):
        raw = found.group(0)
        for start, end in _card_candidates(raw):
            digits = re.sub(r"\D", "", raw[start:end])
            if digits == digits[0] * len(digits):
                continue
            left = text[max(0, found.start() + start - 40) : found.start() + start]
            plain = raw[start:end].isdigit()
            if any(mark in raw[start:end] for mark in "_/.") and not _grouped(raw[start:end]):
                continue
            valid = (
                luhn(digits) and _IIN.match(digits) is not None and len(digits) in _LENGTHS.get(digits[0], ())
            )
            if valid and plain and _NO_CARD.search(left) and not _CARD_WORD.search(left[-16:]):
                valid = False
            if (
                not valid
                and _CARD_WORD.search(left)
                and _IIN.match(digits)
                and 13 <= len(digits) <= 19
                and not _NO_CARD.search(left)
            ):
                valid = _grouped(raw[start:end]) or plain
            if valid:
                yield Span(found.start() + start, found.start() + end, "credit_card", "card", False, 7)
                break
    for found in _CVV.finditer(text):
        yield Span(*found.span("value"), "card_code", "card-code", False, 6)


def _card_candidates(raw: str) -> Iterator[tuple[int, int]]:
    """The whole run, and where it is groups with spaces, the runs of groups inside it."""
    yield 0, len(raw)
    groups = [(group.start(), group.end()) for group in re.finditer(r"\d+", raw)]
    if len(groups) > 2:
        for first in range(len(groups)):
            for last in range(len(groups) - 1, first, -1):
                size = sum(end - start for start, end in groups[first : last + 1])
                if 13 <= size <= 19 and (first, last) != (0, len(groups) - 1):
                    yield groups[first][0], groups[last][1]


def _grouped(raw: str) -> bool:
    return (
        re.fullmatch(r"\d{4}([ \-._/])\d{4}\1\d{4}\1\d{1,7}|\d{4}([ \-._/])\d{6}\2\d{4,5}", raw) is not None
    )


_IBAN_LENGTH = {
    **dict.fromkeys(("NO",), 15),
    **dict.fromkeys(("BE",), 16),
    **dict.fromkeys(("DK", "FI", "FO", "GL", "NL", "FK", "SD"), 18),
    **dict.fromkeys(("MK", "SI"), 19),
    **dict.fromkeys(("AT", "BA", "EE", "KZ", "LT", "LU", "XK", "MN"), 20),
    **dict.fromkeys(("CH", "CR", "HR", "LI", "LV"), 21),
    **dict.fromkeys(("BG", "BH", "DE", "GB", "GE", "IE", "ME", "RS", "VA"), 22),
    **dict.fromkeys(("AE", "GI", "IL", "IQ", "TL", "OM", "SO"), 23),
    **dict.fromkeys(("AD", "CZ", "ES", "MD", "PK", "RO", "SA", "SE", "SK", "TN", "VG"), 24),
    **dict.fromkeys(("LY", "PT", "ST"), 25),
    **dict.fromkeys(("IS", "TR"), 26),
    **dict.fromkeys(("FR", "GR", "IT", "MC", "MR", "SM", "DJ", "BI"), 27),
    **dict.fromkeys(("AL", "AZ", "BY", "CY", "DO", "GT", "HU", "LB", "NI", "PL", "SV"), 28),
    **dict.fromkeys(("BR", "EG", "PS", "QA", "UA"), 29),
    **dict.fromkeys(("JO", "KW", "MU", "YE"), 30),
    **dict.fromkeys(("MT", "SC"), 31),
    **dict.fromkeys(("LC",), 32),
    **dict.fromkeys(("RU",), 33),
}
_IBAN_START = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}[ \-]?\d[ \-]?\d(?=[ \-.]{0,2}[A-Za-z0-9])")
_IBAN_WORD = re.compile(r"\biban\b[\s:=#]*(?:is\s+|no\.?\s*|number\s*)?\Z", re.IGNORECASE)


def _ibans(text: str) -> Iterator[Span]:
    for found in _IBAN_START.finditer(text):
        length = _IBAN_LENGTH.get(found.group(0)[:2].upper())
        if length is None:
            continue
        taken: list[str] = []
        position = found.start()
        while position < len(text) and len(taken) < length:
            character = text[position]
            if character.isascii() and character.isalnum():
                taken.append(character.upper())
            elif character not in " -." or (text[position + 1 : position + 2] in (" ", "-", ".", "")):
                break
            position += 1
        if len(taken) < length or (position < len(text) and text[position].isalnum()):
            continue
        code = "".join(taken)
        written = text[found.start() : position]
        if written[:2].islower() and not re.fullmatch(r"\w+|(?:\w{4}[ \-.])+\w{1,4}", written):
            continue  # "at 030 2847160 about" is no account
        number = int("".join(str(int(c, 36)) for c in code[4:] + code[:4]))
        if number % 97 == 1 or _IBAN_WORD.search(text[max(0, found.start() - 24) : found.start()]):
            yield Span(found.start(), position, "iban", "iban", False, 8)


_ACCOUNT = re.compile(
    r"\b(?:(?:bank )?account (?:number|no\.?|nr\.?|#)|bank account|acct\.? ?(?:no\.?|#|number)?|a/c(?: no\.?)?|kontonummer|konto-?nr\.?|num[ée]ro de compte|n[úu]mero de cuenta|clabe|routing(?: (?:number|no\.?))?|aba(?: number)?|sort[ \-]code|bsb|blz|bankleitzahl|ifsc)"
    r"[\s:=#]*(?:is\s+)?(?P<value>[A-Z]{4}0[A-Z0-9]{6}|\d{2}-\d{2}-\d{2}|\d{3}-\d{3}|\d(?:[ \-]?\d){6,19})(?![\w.])",
    re.IGNORECASE,
)


def _accounts(text: str) -> Iterator[Span]:
    for found in _ACCOUNT.finditer(text):
        yield Span(*found.span("value"), "bank_account", "bank-account", False, 5)


# --- telephone -------------------------------------------------------------------------------------------------

_PHONE_WORD = re.compile(
    r"\b(?:phones?|phone (?:number|no\.?)|tel|telephone|telefon\w*|t[ée]l[ée]phone|tel[ée]fono|telefone|telefoon|mobile|mobil\w*|m[óo]vil|cell(?:ular|phone)?|celular|cellulare|portable|handy|fax|sms|whats ?app|call(?:ed|ing|s)?|dial|ring|text(?:ed)?|contact(?: number)?|reach(?:ed|able)?|hotline|number|nummer|num[ée]ro|n[úu]mero|caller|msisdn|rufnummer|numer|puhelin|電話|电话|手机|전화|тел\w*)\b[^\n]{0,24}\Z",
    re.IGNORECASE,
)
_STRICT_PHONE_WORD = re.compile(
    r"(?:\b(?:phones?|tel|telephone|telefon\w*|t[ée]l[ée]phone|tel[ée]fono|telefone|telefoon|mobile|mobil|m[óo]vil|cell|cellphone|celular|handy|fax|sms|whats ?app|dial|msisdn|hotline|rufnummer)\b|電話|电话|手机|전화|тел\w*)[\s:.=#()]*(?:number|no\.?|nr\.?|nummer|is|ist|est|es|on|to|at|me|him|her|us|under)?[\s:.=#()]*\Z",
    re.IGNORECASE,
)
_TEL_NEAR = re.compile(
    r"\b(?:phones?|telephone|telefon\w*|mobile|cell(?:phone)?|handy|fax|sms|whats ?app|msisdn|rufnummer)\b[^\n]{0,24}\Z",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    r"(?<![\w.+/\-@#$€£])(?<!\d:)(?P<number>(?:\+|00)?[\d(][\d \-().\u00a0/]{5,22}\d)(?:\s?(?:x|ext\.?|extension)\s?\d{1,5})?(?![\w%])(?![.,:/\-]\d)"
)
_DATE = re.compile(
    r"(?:19|20)\d{2}[-/. ]?(?:0?[1-9]|1[0-2])[-/. ]?(?:[0-2]?\d|3[01])|(?:[0-2]?\d|3[01])[-/. ](?:0?[1-9]|1[0-2])[-/. ](?:19|20)?\d{2}|(?:0?[1-9]|1[0-2])[-/. ](?:[0-2]?\d|3[01])[-/. ](?:19|20)?\d{2}"
)
_NOT_PHONE = re.compile(
    r"(?:\b(?:page|pages|version|build|order|orders|invoice|ticket|batch|sku|ean|isbn|ratio|range|between|in|id|ids|code|count|sum|total|rows?|amount|port|line|lines|part|serial|build|commit|run|offset|zip|postcode|plz|issue|pr|chapter|section|room|from|to|and|or)|\w+_(?:id|ts|at|key|no|nr|count))[\s#:=(.]*(?:no\.?|number|id|in)?[\s#:=(]*\Z",
    re.IGNORECASE,
)
_SHAPED = re.compile(
    r"\(\d{2,5}\)[ \-.]?\d{2,4}(?:[ \-.]?\d{2,5}){1,3}|\d{3}([-. ])\d{3}\1\d{4}|0\d{1,5}[ \-/]\d{2,8}(?:[ \-]\d{2,6}){0,4}|1[-. ]\d{3}[-. ]\d{3}[-. ]\d{4}|\d{5} \d{5}|0\d(?:[ .\-]\d{2}){4}|\d{4} \d{3} \d{3}|\d{3} \d{2} \d{2} \d{2}|\d{3} \d{3} \d{3}|\(\d{2}\) ?9?\d{4}-\d{4}"
)


def _phones(text: str, regions: Sequence[str]) -> Iterator[Span]:
    for linked in _LINKED.finditer(text):
        yield Span(*linked.span(linked.lastgroup or 0), "phone", "phone", False, 6)
    for found in _NUMBER.finditer(text):
        raw = found.group("number").rstrip(" (-./")
        start = found.start("number")
        if raw.startswith("(") and ")" not in raw:
            raw, start = raw[1:], start + 1
        if raw.count("(") < raw.count(")"):
            raw = raw[: raw.rfind(")")].rstrip()
        digits = re.sub(r"\D", "", raw)
        if not 7 <= len(digits) <= 16:
            continue
        left = text[max(0, start - 32) : start]
        told = _STRICT_PHONE_WORD.search(left) is not None
        whole_end = found.end() if found.end("number") == start + len(raw) else start + len(raw)
        if raw.startswith("+") or (raw.startswith("00") and len(digits) >= 11 and (told or " " in raw)):
            if told or _possible_international("+" + digits.lstrip("0") if raw.startswith("00") else raw):
                yield Span(start, whole_end, "phone", "phone", False, 6)
            continue
        if _DATE.fullmatch(raw.strip("()")) or re.match(r"(?:19|20)\d{2}-\d{2}-\d{2}", raw):
            continue
        if told or (_PHONE_WORD.search(left) and not _NOT_PHONE.search(left) and _SHAPED.fullmatch(raw)):
            yield Span(start, whole_end, "phone", "phone", False, 5)
        elif _TEL_NEAR.search(left) and not _NOT_PHONE.search(left) and _valid(raw, regions):
            yield Span(start, whole_end, "phone", "phone", False, 5)
        elif (
            _SHAPED.fullmatch(raw)
            and not _NOT_PHONE.search(left)
            and re.search(r"[()]|[-. ].*[-. ]|^0", raw)
            and _valid(raw, regions)
        ):
            yield Span(start, whole_end, "phone", "phone", False, 4)


_LINKED = re.compile(
    r"\b(?:tel|sms|callto|facetime|whatsapp):\+?(?P<a>[\d().\-]{7,20}\d)|\bwa\.me/\+?(?P<b>\d{7,15})|[?&](?:phone|tel|to)=\+?(?P<c>\d{7,15})"
)


def _possible_international(raw: str) -> bool:
    import phonenumbers

    if re.search(r"[.,]\d{1,2}\Z", raw) and not re.search(r"[ \-(]", raw):
        return False
    try:
        return bool(phonenumbers.is_possible_number(phonenumbers.parse(raw, None)))
    except phonenumbers.NumberParseException:
        return False


def _valid(raw: str, regions: Sequence[str]) -> bool:
    import phonenumbers

    for region in regions:
        try:
            number = phonenumbers.parse(raw, region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number_for_region(number, region):
            return True
    return False


# --- people's dates and places --------------------------------------------------------------------------

_MONTH = r"(?:jan|feb|m[aä]r|apr|ma[iy]|jun|jul|aug|sep|oct|okt|nov|dec|dez|janv|f[ée]vr|avr|juin|juil|ao[uû]t|d[ée]c|ene|abr|ago|dic)[a-zé]*\.?"
_DAY = rf"(?:\d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}}|\d{{1,2}}[-/. ]{{1,2}}\d{{1,2}}[-/. ]{{1,2}}\d{{2,4}}|\d{{1,2}}(?:st|nd|rd|th|\.)?\s+(?:of\s+)?{_MONTH},?\s+\d{{4}}|{_MONTH}\s+\d{{1,2}}(?:st|nd|rd|th)?,?\s+\d{{4}}|(?:19|20)\d{{6}})"
_BIRTH = re.compile(
    rf"(?:\b(?:d\.?o\.?b\.?|date of birth|birth ?date|birth ?day|born(?: on| in)?|geboren(?: am)?|geb\.|geburtsdatum|n[ée]e? le|date de naissance|fecha de nacimiento|nacid[oa] el|nat[oa] il|data di nascita|data de nascimento|nascid[oa] em|geboortedatum|geboren op|f[öo]delsedatum|urodzon[ya])\b)[\s:=(\"']*(?:is\s+|was\s+|am\s+|on\s+)?(?P<value>{_DAY})",
    re.IGNORECASE,
)


def _births(text: str) -> Iterator[Span]:
    for found in _BIRTH.finditer(text):
        yield Span(*found.span("value"), "date_of_birth", "birth-date", False, 6)


_STREET = re.compile(
    r"(?<![\w.])(?:\d{1,5}[A-Za-z]?\s+(?:[NSEW]\.?\s+)?(?:[A-Z][\w'’\-]+\s+){1,3}(?:Street|St\.?|Avenue|Ave\.?|Road|Rd\.?|Lane|Ln\.?|Drive|Dr\.?|Boulevard|Blvd\.?|Court|Ct\.?|Terrace|Crescent|Close|Parkway|Pkwy|Place|Pl\.?|Square|Sq\.?|Way)(?![\w])(?:,?\s+(?:Apt|Suite|Unit|Flat|#)\.?\s*\w{1,5})?"
    r"|[A-ZÄÖÜ][\wäöüß\-]*(?:straße|strasse|str\.|weg|platz|allee|gasse|ufer|damm|ring)\s+\d{1,4}\s?[a-z]?(?:,?\s+\d{5}\s+[A-ZÄÖÜ][\wäöüß\-]+)?"
    r"|\d{1,4}(?:\s?(?:bis|ter))?,?\s+(?:rue|avenue|boulevard|place|all[ée]e|chemin|impasse|quai)\s+(?:d[eu]s?\s+|de la\s+|d'|l')?[A-ZÉÈ][\wéèêàç\-]+(?:\s+[A-ZÉÈ][\wéèêàç\-]+)*(?:,?\s+\d{5}\s+[A-Z][\w\-é]+)?"
    r"|(?:Calle|Avenida|Avda\.?|Paseo|Plaza|Rua|Via|Viale|Piazza|Corso)\s+(?:de(?:l| la| los)?\s+|da\s+|do\s+)?[A-ZÁÉÍÓÚ][\wáéíóúñ\-]+(?:\s+[A-Z][\wáéíóúñ\-]+)*,?\s+(?:n[º°o]\.?\s*)?\d{1,4})"
)
_UK_POSTCODE = re.compile(
    r"\b(?:address|lives (?:at|in)|ship(?:ped)? to|deliver(?:ed)? to)\b[^\n]{0,40}?(?P<value>[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2})(?!\w)",
    re.IGNORECASE,
)


def _places(text: str) -> Iterator[Span]:
    for found in _STREET.finditer(text):
        yield Span(found.start(), found.end(), "postal_address", "address", False, 4)
    for found in _UK_POSTCODE.finditer(text):
        yield Span(*found.span("value"), "postal_address", "address", False, 4)
