"""Staged records as the merge wants them: one shape for tables, containers and everything else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from plugin.store.staging import database_key, schema_key

DESCRIBED = ("model", "dataset")
"""Assets that have columns; where a source no longer tells any, those that were there go."""


@dataclass(slots=True)
class Entry:
    """One staged record as rows want it."""

    key: str
    kind: str
    name: str
    parent_key: str | None
    values: dict[str, Any]
    """description, definition, row_estimate, size_bytes, changed_at, analyzed_at, url, dialect, properties, ..."""
    fingerprint: bytes
    tags: Sequence[str] = ()
    owners: Sequence[str] = ()
    columns: Sequence[tuple[Any, ...]] | None = None
    """(name, position, type, nullable, default, description, tags, sensitivity, confidence)"""
    keys: Sequence[tuple[Any, ...]] = ()
    full_text: str | None = None
    database: str | None = None


def primary_key(entry: Entry) -> set[str]:
    """The columns of the primary key."""
    for kind, _name, columns, *_ref in entry.keys:
        if kind == "primary":
            return set(columns)
    return set()


def table_entry(
    key: str, fingerprint: bytes, facts: tuple[Any, ...], extra: Mapping[str, Any], understood: bool
) -> Entry:
    """A staged table; `understood`: its definition was read in full."""
    head, columns, keys, indexes, analyzed_at, changed_at, properties = facts
    database, schema, name, kind, description, owner, definition, rows, size, partitions, tags = head
    details: dict[str, Any] = dict(properties)
    if indexes:
        # Lists, as JSON gives them back: what is compared with a row must not differ by its types alone.
        details["indexes"] = [[name, list(on), unique, method] for name, on, unique, method in indexes]
    if partitions is not None:
        details["partitions"] = partitions
    if owner:
        details["source_owner"] = owner
    if definition and not understood:
        details["lineage"] = "partial"
    parent = extra.get("parent_key")
    if parent is None and schema:
        parent = schema_key(database, schema)
    elif parent is None and database:
        parent = database_key(database)
    return Entry(
        key=key,
        kind=kind,
        name=name,
        parent_key=parent,
        values={
            "description": description,
            "definition": definition,
            "row_estimate": rows,
            "size_bytes": size,
            "analyzed_at": analyzed_at,
            "changed_at": changed_at,
            "dialect": extra.get("dialect"),
            "url": extra.get("url"),
            "properties": details,
        },
        fingerprint=fingerprint,
        tags=tags,
        owners=extra.get("owners", ()),
        columns=columns,
        keys=keys,
        full_text=extra.get("full_text"),
        database=database,
    )


def asset_entry(key: str, fingerprint: bytes, values: Mapping[str, Any], understood: bool) -> Entry:
    """A staged database, schema or asset."""
    if values.get("definition") and values["kind"] not in ("term", "document") and not understood:
        values = {**values, "properties": {**(values.get("properties") or {}), "lineage": "partial"}}
    return Entry(
        key=key,
        kind=values["kind"],
        name=values["name"],
        parent_key=values.get("parent_key"),
        values={
            name: values.get(name)
            for name in (
                "description",
                "definition",
                "changed_at",
                "url",
                "dialect",
                "properties",
                "popularity",
            )
        },
        fingerprint=fingerprint,
        tags=values.get("tags", ()),
        owners=values.get("owners", ()),
        columns=values.get("columns", [] if values["kind"] in DESCRIBED else None),
        full_text=values.get("full_text"),
    )


def moment(value: str | datetime | None) -> datetime | None:
    """A staged time as a datetime."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value
