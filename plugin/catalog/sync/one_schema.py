"""A sync of one schema: the integration's own selection, narrowed to it.

Enters: an integration's settings and the name of a schema. Leaves: the settings that read that schema and nothing
else. What the integration leaves out stays out: a schema that its settings do not admit is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase

import connectors
from connectors.settings import fields_of
from plugin.errors import BadInput

WILD = ("*", "?", ",", "\n")


def narrowed(type: str, settings: Mapping[str, str], schema: str) -> dict[str, str]:
    """The settings for one schema. BadInput where the connector cannot, or the settings leave the schema out."""
    if not any(field.name == "schemas" for field in fields_of(connectors.connector_class(type))):
        raise BadInput(f"{type} has no schemas to choose from; sync all of it", field="schema")
    if not schema.strip() or any(mark in schema for mark in WILD):
        raise BadInput("name one schema, without * or ?", field="schema")
    admitted = _patterns(settings.get("schemas", ""))
    kept = []
    for pattern in admitted:
        of_schema, dot, of_table = pattern.partition(".")
        if fnmatchcase(schema, of_schema):
            kept.append(schema + dot + of_table)
    if admitted and not kept:
        raise BadInput(f"the integration's settings do not admit the schema {schema!r}", field="schema")
    if any("." not in each and fnmatchcase(schema, each) for each in _patterns(settings.get("exclude", ""))):
        raise BadInput(f"the integration's settings leave out the schema {schema!r}", field="schema")
    return {**settings, "schemas": ", ".join(dict.fromkeys(kept or [schema]))}


def _patterns(text: str) -> list[str]:
    return [part.strip() for part in text.replace("\n", ",").split(",") if part.strip()]
