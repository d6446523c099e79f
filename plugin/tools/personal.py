"""Does a column look as if it held personal data? Decided by its name and description; no value is ever read."""

from __future__ import annotations

import re

from plugin.store.shapes import Resource

WORDS = (
    "email", "phone", "address", "birth date", "first name", "last name", "full name", "passport", "ssn", "iban",
    "salary", "gender", "ip address", "card number", "tax id", "postcode", "nationality", "mobile", "surname",
)  # fmt: skip

_NAME = re.compile(
    r"""(^|_)(e_?mails?|phones?|mobile|telephone|fax|birth(_?da(y|te))?|dob|date_of_birth|ssn|social_security|passport
    |national_id|tax_id|vat_id|iban|bic|account_number|card_(number|no)|pan|cvv|first_?name|last_?name|middle_?name
    |full_?name|given_?name|family_?name|sur_?name|maiden_name|gender|sex|ethnicity|religion|nationality|marital_status
    |street|address(_line)?\d?|post_?code|postal_code|zip(_?code)?|ip(_addr(ess)?)?|latitude|longitude|salary|wage
    |password(_hash)?|medical|diagnosis|blood_type|licen[cs]e_plate|user_?agent|device_id|contact_name)($|_)""",
    re.VERBOSE,
)
_PERSON_TABLE = re.compile(
    r"customer|employee|person|people|user|member|patient|contact|student|staff|candidate|lead"
)
_SPLIT = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def looks_personal(column: Resource) -> bool:
    """True for a column classified as sensitive or named like personal data."""
    if column.sensitivity:
        return True
    if column.kind != "column":
        return False
    name = _SPLIT.sub("_", column.name).lower().replace("-", "_").replace(" ", "_")
    if _NAME.search(name):
        return True
    table = column.path[-1].lower() if column.path else ""
    return name in ("name", "birthday", "city") and bool(_PERSON_TABLE.search(table))
