"""The columns of a table, as its page shows them: all of them, or of a wide table one part at a time.

A short table is filtered by the page's script. Of a wide one the whole list is read in short, to count it, to filter it
by name and to know on which part a column is; told in full is the part that is shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import request, url_for

from plugin.store.shapes import Key, PlainColumn, Resource

PART = 200
"""Columns on one page. A table of so many or fewer has no parts."""
ONLY = ("key", "undoc")
"""Which columns alone are shown; the words are those of the rows' `data-states`."""
PLACE = ("text", "only", "offset")
"""What says which columns are shown. The forms beside a column carry it, to come back to the same ones."""


def read_tab(door: Any, resource: Resource) -> dict[str, Any]:
    """What the columns tab shows."""
    of_column: dict[str, list[Key]] = {}
    for key in door.catalog.keys(resource.id):
        for column in key.columns:
            of_column.setdefault(column, []).append(key)
    values: dict[str, Any] = {"of_column": of_column, "part": None, "place": {}}
    if resource.children <= PART:
        return {**values, "columns": door.catalog.columns(resource.id)}
    every = door.catalog.plain_columns_of([resource.id]).get(resource.id, ())
    part = _part(every, of_column, resource.id)
    told = door.catalog.resources(part["ids"])
    columns = [told[id_] for id_ in part["ids"] if id_ in told]
    return {**values, "columns": columns, "part": part, "place": part["place"]}


def place() -> dict[str, str]:
    """Which columns a form was sent from, for the address that comes back to them."""
    return {name: request.args[name] for name in PLACE if request.args.get(name)}


def _part(every: Sequence[PlainColumn], of_column: Mapping[str, Any], table_id: int) -> dict[str, Any]:
    """The part that is asked for: ids of its columns, where it begins, how many there are, what is beside it."""
    asked = request.args
    text, only = asked.get("text", "").strip()[:400], asked.get("only", "")
    named = [each for each in every if text.lower() in each.name.lower()]
    of_state = {
        "": named,
        "key": [each for each in named if each.name in of_column],
        "undoc": [each for each in named if not each.description],
    }
    only = only if only in ONLY else ""
    found = of_state[only]
    wanted, offset = asked.get("column", 0, int), asked.get("offset", 0, int)
    at = next((number for number, each in enumerate(found) if each.id == wanted), offset)
    start = max(0, min(at, len(found) - 1)) // PART * PART
    end = min(start + PART, len(found))
    here = {"text": text, "only": only, "offset": str(start or "")}
    states = {state: len(columns) for state, columns in of_state.items()}

    def to(**changed: Any) -> str:
        other = {name: value or None for name, value in {**here, "offset": None, **changed}.items()}
        return url_for("resource.part", resource_id=table_id, name="columns", **other)

    return {
        "ids": [each.id for each in found[start:end]],
        "place": {name: value for name, value in here.items() if value},
        "text": text, "only": only, "start": start, "end": end, "total": len(found), "every": len(every),
        "states": [(label, number, state == only, to(only=state)) for (state, number), label
                   in zip(states.items(), ("All", "Keys", "Undocumented"), strict=True)],
        "before_url": to(offset=start - PART) if start else None,
        "next_url": to(offset=end) if end < len(found) else None,
        "next_count": min(PART, len(found) - end),
    }  # fmt: skip
