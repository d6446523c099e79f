"""What several doors need to know about people: names checked, passwords hashed, secrets made and hashed."""

from __future__ import annotations

import hashlib
import re
import secrets
import unicodedata
from functools import cache

from plugin.errors import BadInput

EMAIL = re.compile(r"[^@\s,;<>\"]+@[^@\s,;<>\"]+")
PASSWORD_LEAST = 8
HASH_METHOD = "scrypt:16384:8:5"
"""OWASP's Password Storage Cheat Sheet, the scrypt setting that needs least memory (N=2^14, r=8, p=5: 16 MiB): many
people sign in at once on a small machine. A password that was hashed otherwise is hashed anew when it is next given."""
TOKEN_PREFIX = "dct_"


def clean_email(email: str) -> str:
    """An address as it is stored: trimmed, lower-case. BadInput where it is none."""
    cleaned = unicodedata.normalize("NFC", email).strip().lower()
    if len(cleaned) > 320 or not EMAIL.fullmatch(cleaned):
        raise BadInput(f"{email[:80]!r} is not an e-mail address", field="email")
    return cleaned


def clean_name(name: str, what: str, *, limit: int = 120) -> str:
    """A name that a person gave to something, trimmed. BadInput where it is empty or too long."""
    cleaned = " ".join(name.split())
    if not cleaned:
        raise BadInput(f"{what} needs a name", field="name")
    if len(cleaned) > limit or any(unicodedata.category(character)[0] == "C" for character in cleaned):
        raise BadInput(f"the name of {what} must be at most {limit} plain characters", field="name")
    return cleaned


def hash_password(password: str) -> str:
    """Hash a new password with scrypt. BadInput where it is too short or too long."""
    if len(password) < PASSWORD_LEAST:
        raise BadInput(f"a password needs at least {PASSWORD_LEAST} characters", field="password")
    if len(password) > 1000:
        raise BadInput("a password has at most 1,000 characters", field="password")
    return _hash(password)


def password_matches(stored: str | None, password: str) -> bool:
    """Does it match? Takes as long where nothing is stored, and no less where an older setting was cheaper."""
    from werkzeug.security import check_password_hash

    unknown = _unknown()
    matches = check_password_hash(stored or unknown, password[:1000])
    if stored is not None and is_outdated(stored):
        check_password_hash(unknown, password[:1000])
    return matches and stored is not None


def is_outdated(stored: str) -> bool:
    """Was it hashed with other settings than those of today?"""
    return not stored.startswith(f"{HASH_METHOD}$")


def hash_again(password: str) -> str:
    """Hash with today's settings a password that was just found right, whatever its length."""
    return _hash(password[:1000])


def _hash(password: str) -> str:
    # Hashing and what it imports take 0.17 s together, which a command that checks no password need not pay.
    from werkzeug.security import generate_password_hash

    return generate_password_hash(password, method=HASH_METHOD)


@cache
def _unknown() -> str:
    """Checked where there is no such account, so that an unknown address takes as long as a wrong password."""
    return _hash(secrets.token_hex(16))


def new_secret(prefix: str = "") -> str:
    """An unguessable secret for a link, a cookie or a token."""
    return prefix + secrets.token_urlsafe(32)


def hash_secret(secret: str) -> str:
    """What is stored of such a secret. It has 256 random bits, so a fast hash is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()
