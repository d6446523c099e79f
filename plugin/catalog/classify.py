"""Columns that look personal or secret, by name, type and description. No value is ever read.

Enters: a column's name, native type and description. Leaves: (sensitivity, confidence) or (None, None). A person's
decision stands before this one and is remembered by the store.
"""

from __future__ import annotations

import re
from functools import lru_cache

SPLIT = re.compile(r"[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
SECRET = {
    "password": 0.97, "passwd": 0.97, "pwd": 0.9, "passphrase": 0.95, "secret": 0.85, "secrets": 0.85,
    "apikey": 0.95, "api key": 0.95, "access key": 0.95, "secret key": 0.97, "private key": 0.97,
    "access token": 0.95, "refresh token": 0.95, "auth token": 0.95, "session token": 0.9, "token": 0.6,
    "csrf": 0.7, "otp": 0.7, "totp": 0.8, "pin code": 0.7, "cvv": 0.97, "cvc": 0.95, "card number": 0.9,
    "credit card": 0.85, "cc number": 0.9, "pan": 0.5, "salt": 0.55, "hash": 0.3, "credential": 0.8,
    "credentials": 0.8, "client secret": 0.97, "webhook secret": 0.97, "encryption key": 0.95,
    "signing key": 0.95, "password hash": 0.95, "recovery code": 0.9,
}  # fmt: skip
PERSONAL = {
    "email": 0.95, "e mail": 0.95, "mail": 0.6, "email address": 0.97, "phone": 0.9, "phone number": 0.95,
    "telephone": 0.9, "mobile": 0.75, "cell": 0.5, "fax": 0.6, "first name": 0.95, "firstname": 0.95,
    "last name": 0.95, "lastname": 0.95, "surname": 0.95, "given name": 0.95, "family name": 0.95,
    "middle name": 0.9, "maiden name": 0.95, "full name": 0.9, "fullname": 0.9, "contact name": 0.8,
    "customer name": 0.7, "user name": 0.65, "username": 0.7, "login": 0.5, "nickname": 0.6, "birth": 0.85,
    "birthday": 0.95, "birthdate": 0.97, "birth date": 0.97, "date of birth": 0.97, "dob": 0.95, "gender": 0.85,
    "sex": 0.8, "ethnicity": 0.95, "race": 0.6, "religion": 0.95, "nationality": 0.85, "citizenship": 0.85,
    "marital status": 0.9, "ssn": 0.97, "social security": 0.97, "tax id": 0.85, "tin": 0.5, "passport": 0.95,
    "national id": 0.95, "driver license": 0.95, "license number": 0.6, "iban": 0.95, "bic": 0.5,
    "account number": 0.8, "bank account": 0.9, "salary": 0.9, "wage": 0.8, "income": 0.6, "street": 0.8,
    "address": 0.75, "address line": 0.85, "address1": 0.85, "address2": 0.85, "postcode": 0.7,
    "postal code": 0.7, "zip": 0.65, "zip code": 0.7, "zipcode": 0.7, "latitude": 0.5, "longitude": 0.5,
    "geo location": 0.6, "ip": 0.7, "ip address": 0.85, "ipaddress": 0.85, "mac address": 0.75,
    "device id": 0.6, "imei": 0.85, "user agent": 0.5, "cookie": 0.5, "photo": 0.5, "avatar": 0.4,
    "biometric": 0.95, "fingerprint": 0.5, "diagnosis": 0.85, "medical": 0.75, "health": 0.5,
    "patient name": 0.97, "employee name": 0.8, "emergency contact": 0.9, "twitter handle": 0.7,
    "linkedin": 0.6, "facebook": 0.5,
}  # fmt: skip
NOT_A_VALUE = frozenset(
    "id ids count cnt num flag is has sent status type at date verified valid enabled opt template subject "
    "domain key_id kind category total avg sum rate days changed updated created expires expiry expired "
    "count_distinct required length policy attempts opened clicked bounced campaign".split()
)
"""Words that turn a column about a thing into one that does not hold it: email_count, is_email_verified."""
DESCRIBED = (
    (
        re.compile(
            r"\b(password|passphrase|api key|secret key|private key|access token|credential)s?\b", re.I
        ),
        "secret",
    ),
    (
        re.compile(
            r"\b(e-?mail address|phone number|date of birth|social security|home address|full name|personal data"
            r"|personally identifiable|pii|gdpr|first name|last name|ip address|passport number)\b",
            re.I,
        ),
        "personal",
    ),
)
FLAGS = ("bool", "bit(1)", "tinyint(1)")
NUMERIC = ("int", "numeric", "decimal", "float", "double", "real", "serial", "number")
MAY_BE_NUMBERS = frozenset(
    {
        "phone number", "phone", "mobile", "ssn", "social security", "tax id", "account number", "bank account",
        "card number", "credit card", "cvv", "cvc", "salary", "wage", "income", "zip", "zip code", "zipcode",
        "postcode", "postal code", "latitude", "longitude", "pin code", "national id", "dob",
    }
)  # fmt: skip
MAY_BE_TIMES = frozenset({"birth", "birthday", "birthdate", "birth date", "date of birth", "dob"})
LEAST = 0.5


def classify(name: str, native_type: str, description: str | None = None) -> tuple[str | None, float | None]:
    """("personal" | "secret", confidence) of a column, or (None, None)."""
    kind, confidence = _by_name(name, _family(native_type))
    if description:
        for pattern, said in DESCRIBED:
            if pattern.search(description) and (confidence or 0) < 0.7:
                if _family(native_type) == "flag":
                    continue
                kind, confidence = said, 0.7
    return kind, confidence


@lru_cache(maxsize=4096)
def _family(native_type: str) -> str:
    low = native_type.lower()
    if low.startswith(FLAGS):
        return "flag"
    if low.startswith(NUMERIC) or low.startswith(("big", "small", "tiny", "medium")):
        return "number"
    if low.startswith(("date", "time")):
        return "time"
    return "text"


@lru_cache(maxsize=65536)
def _by_name(name: str, family: str) -> tuple[str | None, float | None]:
    if family == "flag":
        return None, None
    words = [word.lower() for word in SPLIT.split(name) if word]
    best: tuple[str | None, float] = (None, 0.0)
    for kind, table in (("secret", SECRET), ("personal", PERSONAL)):
        for length in (3, 2, 1):
            for start in range(len(words) - length + 1):
                phrase = " ".join(words[start : start + length])
                weight = table.get(phrase, 0.0)
                if not weight:
                    continue
                rest = words[:start] + words[start + length :]
                if any(word in NOT_A_VALUE for word in rest):
                    weight *= 0.4
                if family == "number" and phrase not in MAY_BE_NUMBERS:
                    weight *= 0.3
                if family == "time" and phrase not in MAY_BE_TIMES:
                    weight *= 0.3
                if weight > best[1]:
                    best = (kind, weight)
    if best[1] < LEAST:
        return None, None
    return best[0], round(best[1], 2)
