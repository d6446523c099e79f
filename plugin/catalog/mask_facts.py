"""Literals outside SQL statements: the labels of an enumeration, the bounds of a partition. Keeps law 1.

Enters: a native type or a connector's properties, as the source has them. Leaves: the same without a value that
somebody's rows hold: `enum('new','paid')` is `enum(2 labels)`. Nothing here raises.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from plugin.catalog.mask import MASK, mask_literals

LABEL = re.compile(r"'(?:[^']|'')*'")
LABELS = re.compile(r"\b(enum\d*|set)\s*\(((?:[^()']|'(?:[^']|'')*'?)*)(?:\)|\Z)", re.IGNORECASE)
WHOLE = re.compile(r"\s*(enum\d*|set)\s*\((?:(.*)\)([^)']*)|.*)", re.IGNORECASE | re.DOTALL)
LITERAL = re.compile(r"'(?:[^']|'')*(?:'|\Z)")
SQL_NAMED = re.compile(
    r"(sql|check|constraint|partition|bound|expression|filter|where|predicate|policy|rule)", re.I
)
"""Names of properties that hold SQL text."""


def mask_type(native_type: str) -> str:
    """A column's type without labels: kept are the kind and how many there are, of anything else quoted a `?`."""
    if "'" not in native_type:
        return native_type
    whole = WHOLE.fullmatch(native_type)
    if whole is not None:
        return f"{whole[1]}({_count(whole[2] or '')}){whole[3] or ''}"
    if "\\" in native_type:
        # Whether a backslash ends a label depends on the source: everything between the quotes goes.
        return native_type[: native_type.index("'")] + MASK + native_type[native_type.rindex("'") + 1 :]
    return LITERAL.sub(MASK, LABELS.sub(lambda found: f"{found[1]}({_count(found[2])})", native_type))


def _count(labels: str) -> str:
    number = len(LABEL.findall(labels))
    return f"{number} label" + ("" if number == 1 else "s")


def mask_properties(properties: Mapping[str, str], dialect: str | None) -> dict[str, str]:
    """A connector's properties of a table, with SQL text in them masked: whatever is named as such or is quoted."""
    return {
        name: mask_literals(value, dialect)
        if isinstance(value, str) and ("'" in value or SQL_NAMED.search(name))
        else value
        for name, value in properties.items()
    }


def mask_named_sql(properties: Mapping[str, str], dialect: str | None) -> dict[str, str]:
    """The properties of anything else, where an apostrophe is an apostrophe: masked is what is named as SQL."""
    return {
        name: mask_literals(value, dialect) if isinstance(value, str) and SQL_NAMED.search(name) else value
        for name, value in properties.items()
    }
