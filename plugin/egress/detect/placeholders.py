"""Values that only stand for a secret: templates, types, code and ordinary words. They must survive."""

# ruff: noqa: E501 - a pattern is easier to read in one piece
from __future__ import annotations

import re

from plugin.egress.detect.entropy import is_uuid, looks_secret

_TEMPLATE = re.compile(
    r"""[<\[{(]*(?:\$\{|\$\(|\{\{|\{%|%\(|<|\$[A-Za-z_]|%[sd]\b|%[A-Z_]+%|:[a-z_]+$|\?$|@[A-Za-z_]+$|\[removed|\{[A-Za-z_.]+\}$|env[:.(\[]|ENV\[|os\.|getenv|process\.env
        |secrets?\.[A-Za-z_]|vault[:.(]|ref\+|op://|arn:aws:secretsmanager|!\w+\b|var\.|local\.|data\.|self\.|config\.|settings\.|args\.|options\.|params\.|st\.secrets|dbutils\.)""",
    re.VERBOSE,
)
_SAME = re.compile(r"(.)\1*\Z|[x*#•·.\-_]+\Z|.*(?:\*{3,}|x{4,}|X{4,}|\.{3}|…|•{2,})")
_CALL = re.compile(r"[A-Za-z_][\w.]*\(")
_TYPE = re.compile(
    r"(?:var)?char(?:acter)?\d*\b|n?varchar2?\b|text\b|string\b|str\b|int(?:eger|\d+)?\b|bigint\b|smallint\b|bytea\b|(?:var)?binary\b|blob\b"
    r"|clob\b|uuid\b|jsonb?\b|numeric\b|number\b|decimal\b|float\d*\b|double\b|bool(?:ean)?\b|date\b|time(?:stamp)?(?:tz|ntz)?\b"
    r"|object\b|array\b|variant\b|secretstr\b|optional\[",
    re.IGNORECASE,
)
_RULES = re.compile(r"(?:required|optional|nullable|sometimes|confirmed|string|min|max)[|,:]", re.IGNORECASE)
_WORDS = frozenset(
    """
    changeme change_me change-me changeit example sample placeholder dummy redacted hidden masked removed secret password passwd pass pwd
    yourpassword your_password your-password mypassword my_password token your_token your-token apikey api_key your_api_key
    none null nil undefined true false yes no on off n/a na tbd todo fixme unset empty default unknown anonymous ignored same
    """.split()
)
_PLACE = re.compile(r"(?:your|my|the|some|insert|enter|replace|put|use|add)[_\- ]", re.IGNORECASE)
_PROSE = frozenset(
    """
    a about above access account accepted across after again against all almost already also although always am an and annotation another any anything
    app application apply are argument around as at attribute authentication authorization auth
    back bad based because been before being below better between both bucket buckets but by
    call can cannot case catalog change changes character characters check chosen class clear clause client code column columns comes common complete
    config configuration connection connections constraint contains context correct could count current
    data database dataset day days definition did different dimension do does doesn't don't done due during
    each either else encryption end enough entry env environment error errors etc even every everywhere exactly except exists expiry
    fact fails failure fails false few field fields file files fine first flag for form format found free from function
    generator get gets given gives go goes gone good group had handling has hash hashes have having he header help her here his hold holds how however
    i id identifier ids if important in inside instead into invalid is isn't issue it its itself job join just
    kept kind last later least left length less let level like likely limit line list lives local long longer looks lost
    made make manager many map match may me mean means meta might migration minimum missing model models month months more most much must my
    name names near need needs never new next no nobody none nor normal not note nothing now null
    of off often ok okay old on once one only open optional option or order other others our out over own
    page parameter part parts path people per period plain please policy policies possible present primary private probably problem process production property protection public purpose
    query question quite quota rate rather read really record refresh regex request required reset resource rest right role roles root rotation row rows rule rules
    safe salt same schema scope scopes screen section see seems sensitive server service session set sets setting settings several shall she short should show since single size so some someone something source space sql staging
    standard started state status still storage store stores string strength strong subject such sure sync system
    table tables tag task team test text than that the their them then there these they thing this those through time times to today together too tool total type types
    under unique until up update upper us usage use used useful user username users usual usually valid valid value values vault very via view views visible
    was way we weak week well were what when where whether which while who whole why will with within without word work works would wrong year years yes yet you your yours
    bearer basic digest oauth oauth2 saml ldap kerberos sso mfa otp totp jwt md5 sha1 sha256 sha512 sha bcrypt scrypt argon2 argon2id pbkdf2 hmac base64 utf8 rsa aes aes256 x509 ed25519
    bond plan fields hashing column's field's policy's ist war wird nicht ein eine der die das und oder mit est pas une les des et ou no es una los las y o não um uma os as e il la lo
    """.split()
)
_SUFFIX = re.compile(r"(?:ed|ing|able|ible|ly|ory|tion|sion|ity|ization|isation)\Z")
_ALGORITHM = re.compile(
    r"(?:sha-?\d+|md\d|oauth\d|b?crypt\w*|argon2\w*|pbkdf2\w*|utf-?\d+|base\d+|[hrep]s\d{3}|aes-?\d+\w*|x509\w*|ed25519|s3|ec2|k8s|ipv\d|v\d+(?:\.\d+)*|q[1-4]|\d+fa|http\d|p\d{2}|level\d|tier\d)\Z",
    re.IGNORECASE,
)
_NUMBERISH = re.compile(r"[\d.,:/\-T+Z %]+\Z")


def stands_for_a_secret(value: str) -> bool:
    """Is this a template, a mask, a type, code or a stock word rather than a secret?"""
    bare = value.strip("\"'`“”‘’ ,;")
    if len(bare) < 3 or _TEMPLATE.match(bare) or _SAME.match(bare):
        return True
    lowered = bare.lower().rstrip(".!?:)")
    if lowered in _WORDS or (
        _PLACE.match(lowered) and lowered.isascii() and not any(map(str.isdigit, lowered))
    ):
        return True
    return bool(_CALL.match(bare) or _RULES.match(bare)) or bool(
        _TYPE.match(bare) and not re.search(r"[!@#$%^&*]|\d{3}", bare)
    )


def is_prose(value: str) -> bool:
    """Would this be an ordinary word after "the password is ..."? Only lower-case letters (or a capital first) can be."""
    bare = value.strip(".,;:!?()[]{}\"'`*_")
    if not bare:
        return True
    if _ALGORITHM.match(bare):
        return True
    lowered = bare.lower()
    if lowered in _PROSE:
        return True
    letters = lowered.replace("-", "").replace("'", "")
    if not letters.isalpha() or bare[1:] != bare[1:].lower():
        return False
    return _SUFFIX.search(lowered) is not None


def is_number_or_date(value: str) -> bool:
    """Digits with the marks of a number, a date or a time, and nothing else."""
    return _NUMBERISH.match(value) is not None


def is_identifier(value: str) -> bool:
    """A dotted or underscored lower-case name such as `sales.orders` or `customer_id`."""
    return (
        re.fullmatch(
            r"[a-z_][a-z0-9_]*(?:\.[a-z_*][a-z0-9_]*)+|[a-z]+(?:_[a-z]+)+(?:_?\d{1,2})?|[A-Z]+(?:_[A-Z]+)+",
            value,
        )
        is not None
    )


def is_odd(value: str, strong: bool) -> bool:
    """Not a word: has a digit beside a letter, or a mark inside, and is no identifier, algorithm or date.

    `strong`: the word beside it says password, so that even `hunter2` counts.
    """
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
    if re.fullmatch(r"[A-Za-z][\w\-]*(?:/[\w\-]+)+|https?://.*|[A-Za-z]+-\d{1,6}", value) or (
        "-" in value and is_uuid(value)
    ):
        return False
    if not strong:
        return looks_secret(value) and re.fullmatch(r"[a-z]+\d{1,2}", value) is None
    has_digit, has_letter = re.search(r"\d", value), re.search(r"[^\W\d_]", value)
    return bool(has_letter and (has_digit or re.search(r"[!@#$%^&*+=~?]", value[:-1])))
