"""A sync of one schema: the integration's own selection, narrowed to it.

Enters: an integration's settings and the name of a schema; then the records that were read so. Leaves: the settings
that read that schema, and its records alone. What the integration leaves out stays out: a schema that its settings do
not admit is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import connectors
from connectors.records import Record, Same, Schema, Table
from connectors.settings import fields_of
from plugin.errors import BadInput

_MEANS_MORE = re.compile(r"^\s|\s$|[*?,.\n\r]")
"""What a pattern of the settings cannot say of a name: any character may stand there; `is_of` sorts out the rest."""


def narrowed(type: str, settings: Mapping[str, str], schema: str) -> dict[str, str]:
    """The settings for one schema. BadInput where the connector cannot, or the settings leave the schema out.

    They may admit a schema whose name differs in a dot or a star from this one's: see `is_of`.
    """
    if not any(field.name == "schemas" for field in fields_of(connectors.connector_class(type))):
        raise BadInput(f"{type} has no schemas to choose from; sync all of it", field="schema")
    if not schema.strip():
        raise BadInput("name one schema", field="schema")
    written = _MEANS_MORE.sub("?", schema)
    admitted = _patterns(settings.get("schemas", ""))
    kept = []
    for pattern in admitted:
        of_schema, dot, of_table = pattern.partition(".")
        if _fits(schema, of_schema):
            kept.append(written + dot + of_table)
    if admitted and not kept:
        raise BadInput(f"the integration's settings do not admit the schema {schema!r}", field="schema")
    if any("." not in each and _fits(schema, each) for each in _patterns(settings.get("exclude", ""))):
        raise BadInput(f"the integration's settings leave out the schema {schema!r}", field="schema")
    return {**settings, "schemas": ", ".join(dict.fromkeys(kept or [written]))}


def is_of(record: Record, schema: str) -> bool:
    """Is it of this schema, or of none?"""
    if isinstance(record, Table | Same):
        return record.schema == schema
    return not isinstance(record, Schema) or record.name == schema


def _fits(name: str, pattern: str) -> bool:
    """As the sources' LIKE: only `*` and `?` mean more than themselves."""
    told = "".join({"*": ".*", "?": "."}.get(mark) or re.escape(mark) for mark in pattern)
    return re.fullmatch(told, name, re.S) is not None


def _patterns(text: str) -> list[str]:
    return [part.strip() for part in text.replace("\n", ",").split(",") if part.strip()]
