"""An artifact of dbt as it was read: JSON without its nulls, of which no part is yet known to be what dbt writes.

Enters: the bytes of a file, from wherever. Leaves: mappings, and an error that says which file or which node is written
otherwise than dbt does. People merge, cut and make artifacts with scripts of their own, and some send another file than
they mean.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from connectors.errors import BadSettings, SourceInterrupted
from connectors.http import MISREAD

Node = Mapping[str, Any]
KINDS = {
    "manifest.json": "manifest",
    "catalog.json": "catalog",
    "run_results.json": "run-results",
    "sources.json": "sources",
}
"""File name -> how the address of its schema calls it (https://schemas.getdbt.com/dbt/manifest/v12.json)."""
_KIND = re.compile(r"/dbt/([a-z-]+)/v\d+")
_PARTS = {"manifest": ("metadata", "nodes", "sources"), "catalog": ("nodes",)}


def parse(name: str, content: bytes) -> dict[str, Any]:
    """The artifact `name`, without nulls. SourceInterrupted for what is no whole JSON, BadSettings for another file."""
    try:
        found: Any = json.loads(content, object_hook=_without_nulls)
    except (ValueError, RecursionError) as error:
        raise SourceInterrupted(f"{name} is not complete JSON; dbt may be writing it, try again") from error
    if not isinstance(found, dict):
        raise BadSettings(f"{name} is not an artifact of dbt")
    metadata = found.get("metadata")
    schema = metadata.get("dbt_schema_version") if isinstance(metadata, dict) else None
    of = _KIND.search(schema) if isinstance(schema, str) else None
    kind = KINDS[name]
    if of and of[1] != kind:
        raise BadSettings(f"{name} is not dbt's {name}: it says of itself that it is of dbt's {of[1]}")
    missing = [part for part in _PARTS.get(kind, ()) if not isinstance(found.get(part), dict)]
    if missing:
        raise BadSettings(f"{name} is not an artifact of dbt: {missing[0]!r} is not in it, or is no object")
    return found


def members(artifact: Node, part: str, *, within: bool = True) -> dict[str, Any]:
    """A part that holds objects by their names, empty where it is not there; `within` False: what they are is any.

    SourceInterrupted where it or one of its objects is something else, with its name.
    """
    found = artifact.get(part, {})
    if not isinstance(found, dict):
        raise SourceInterrupted(f"{part!r} is no object, as dbt writes it")
    for name, each in found.items() if within else ():
        if not isinstance(each, dict):
            raise SourceInterrupted(f"{_said(name)} among {part!r} is no object, as dbt writes it")
    return found


def objects(listed: Any) -> list[Node]:
    """Those members of a list that are objects."""
    return [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []


@contextmanager
def read_at(unique_id: str) -> Iterator[None]:
    """Around the reading of one node: what is wrong with it is told with its name, and without any of its text."""
    try:
        yield
    except MISREAD as error:
        raise SourceInterrupted(
            f"{_said(unique_id)} is written otherwise than dbt writes it ({type(error).__name__}); where a script made"
            " the file, mend that; else report dbt's version with this text"
        ) from error


def _said(unique_id: str) -> str:
    """A node's name; of a test only its number, since dbt makes the values that it accepts up into the name."""
    return f"test {unique_id.rsplit('.', 1)[-1]}" if unique_id.startswith("test.") else unique_id


def _without_nulls(found: dict[str, Any]) -> dict[str, Any]:
    """A null says as much as nothing; dbt's own versions differ in which of the two they write."""
    if None in found.values():
        return {name: value for name, value in found.items() if value is not None}
    return found
