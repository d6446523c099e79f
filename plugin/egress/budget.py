"""The context budget (promise P8): what does not fit is left out in a fixed order, and said in words.

Enters: a conversation's parts and how many tokens of metadata may go. Leaves: parts that fit, and what was cut. Tokens
are estimated as characters / 4; no tokeniser is downloaded. What people typed is never cut here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from plugin.egress.allowed_fields import ALLOWED
from plugin.egress.parts import Context, Fragment, Part, ToolResult

_SHORT, _SHORTER, _COLUMNS, _FEWER = 240, 80, 60, 25


def fit(parts: Sequence[Part], tokens: int) -> tuple[tuple[Part, ...], tuple[str, ...]]:
    """The parts with their metadata cut to the budget, oldest and longest first, and what was cut."""
    room = tokens * 4
    cut: list[str] = []
    kept = tuple(parts)
    for attempt, words in (
        (lambda one: _shorten(one, _SHORT), "long descriptions and definitions were shortened"),
        (lambda one: _fewer_rows(one, _COLUMNS), f"only the first {_COLUMNS} columns of a table were sent"),
        (lambda one: _shorten(one, _SHORTER), "descriptions were shortened further"),
        (lambda one: _fewer_rows(one, _FEWER), f"only the first {_FEWER} columns of a table were sent"),
    ):
        if size(kept) <= room:
            return kept, tuple(cut)
        smaller = tuple(_each(part, attempt) for part in kept)
        if smaller != kept:
            cut.append(words)
            kept = smaller
    dropped = 0
    while size(kept) > room:
        place = next((i for i, part in enumerate(kept) if _fragments(part)), None)
        if place is None:
            break
        part = kept[place]
        assert isinstance(part, (Context, ToolResult))
        kept = (*kept[:place], replace(part, fragments=part.fragments[:-1]), *kept[place + 1 :])
        dropped += 1
    if dropped:
        cut.append(f"{dropped} resource{'s were' if dropped > 1 else ' was'} left out")
    return kept, tuple(cut)


def size(parts: Sequence[Part]) -> int:
    """Characters of metadata in these parts, roughly."""
    return sum(_fragment_size(fragment) for part in parts for fragment in _fragments(part))


def _fragments(part: Part) -> tuple[Fragment, ...]:
    return part.fragments if isinstance(part, (Context, ToolResult)) else ()


def _each(part: Part, change: Any) -> Part:
    if not isinstance(part, (Context, ToolResult)) or not part.fragments:
        return part
    return replace(part, fragments=tuple(change(fragment) for fragment in part.fragments))


def _fragment_size(fragment: Fragment) -> int:
    return 20 + sum(len(name) + 4 + _value_size(value) for name, value in fragment.fields.items())


def _value_size(value: Any) -> int:
    if isinstance(value, (tuple, list)):
        return sum(_value_size(item) + 3 for item in value)
    if isinstance(value, Mapping):
        return sum(_value_size(item) + 2 for item in value.values())
    return len(str(value))


def _shorten(fragment: Fragment, limit: int) -> Fragment:
    fields = {name: _short(name, value, limit) for name, value in fragment.fields.items()}
    return fragment if fields == fragment.fields else replace(fragment, fields=fields)


def _short(name: str, value: Any, limit: int) -> Any:
    if isinstance(value, str) and ALLOWED[name].first_to_cut and len(value) > limit:
        return value[:limit].rsplit(" ", 1)[0] + " …"
    if isinstance(value, tuple) and value and isinstance(value[0], Mapping):
        return tuple(
            {key: _short(f"{name}.{key}", item, limit) for key, item in row.items()} for row in value
        )
    return value


def _fewer_rows(fragment: Fragment, most: int) -> Fragment:
    columns = fragment.fields.get("columns")
    if not isinstance(columns, tuple) or len(columns) <= most:
        return fragment
    return replace(fragment, fields={**fragment.fields, "columns": columns[:most]})
