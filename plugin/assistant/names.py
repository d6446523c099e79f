"""Which names in an answer does the catalog have? (law 9)

A name that the asker cannot see and a name that does not exist give the same result: unknown, with the nearest name
that they can see. Every look-up goes through the asker's own door, as the assistant.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from plugin.access.viewer import Viewer
from plugin.errors import BadInput, NotFound
from plugin.store.shapes import Resource
from plugin.tools.find import nearest
from plugin.tools.fragments import QUERYABLE

if TYPE_CHECKING:
    from plugin.store import Store, ViewerDoor

MOST_NAMES = 300
SQL_WORDS = frozenset(
    """all and any array as asc avg between bigint binary blob bool boolean both by case cast char check coalesce
    column concat constraint count create cross current_date current_time current_timestamp date date_diff date_part
    date_trunc datetime day decimal default delete desc describe distinct double drop else end except exists explain
    extract false fetch filter first float for foreign from full group group_by having hour ilike in inner insert
    int integer intersect interval into is join json jsonb key last lateral left length like limit lower max min
    minute month natural not now null nullif nulls number numeric offset on or order order_by outer over partition
    primary primary_key foreign_key query real references regexp replace returning right round row row_number rows
    schema second select serial set smallint some string string_agg substring sum table text then time timestamp
    timestamptz timestamp_ntz tinyint to true trim truncate union unique unknown update upper using uuid values
    varchar view week when where window with within without year year_month percentile_cont dense_rank group_concat
    is_null is_not_null search retrieve lineage glossary find_joins browse frequent_queries check_sql run_sql
    propose changes""".split()
)
_NOT_NAMES = frozenset("com org net example io dev md py csv json html pdf g e i sql txt xlsx".split())
_VERSION = re.compile(r"v?\d")


class NameBook:
    """Looks names up once and remembers: one book for one answer of one asker."""

    def __init__(self, store: Store, viewer: Viewer) -> None:
        self._store = store
        self._viewer = viewer.as_assistant()
        self._known: dict[str, Mapping[str, Any] | None] = {}
        self._tables: dict[int, dict[str, int] | None] = {}
        """Tables that the answer speaks about, with the ids of their columns once these were read."""

    @property
    def names(self) -> dict[str, Mapping[str, Any]]:
        """Everything that was looked up and says something: known names and unknown ones."""
        return {name: known for name, known in self._known.items() if known is not None}

    @property
    def unknown(self) -> tuple[dict[str, Any], ...]:
        """The names that the catalog does not have, each with the nearest one that the asker can see."""
        return tuple(
            {
                "name": name,
                "nearest": (known.get("nearest") or {}).get("qualified_name"),
                "nearest_id": (known.get("nearest") or {}).get("id"),
            }
            for name, known in self.names.items()
            if known.get("unknown")
        )

    def met(self, resources: Iterable[int]) -> None:
        """Tables that the answer speaks about: a bare column name is looked for in them first."""
        for each in resources:
            self._tables.setdefault(each, None)

    def look_up(
        self, names: Iterable[str], *, spoken: str = "", ignore: frozenset[str] = frozenset()
    ) -> None:
        """Look all of these up, through one door. `ignore` are words that a checked statement defines itself."""
        wanted = [name for name in names if name not in self._known and not _is_no_name(name, ignore)]
        if not wanted:
            return
        with self._store.as_viewer(self._viewer) as mine:
            for name in wanted[: MOST_NAMES - len(self._known)]:
                self._known[name] = self._look(mine, name, spoken)

    def cited(self, mine: ViewerDoor, name: str) -> Resource | None:
        """The visible resource of this name or id, None where there is none."""
        try:
            return mine.catalog.resource(int(name)) if name.isdecimal() else mine.catalog.by_name(name)
        except (NotFound, BadInput):
            return None

    def _look(self, mine: ViewerDoor, name: str, spoken: str) -> Mapping[str, Any] | None:
        found = self.cited(mine, name)
        if found is None and "." not in name:
            found = self._column(mine, name)
        if found is not None:
            return as_known(found)
        near = next(iter(nearest(mine, name, limit=1)), None)
        if "." not in name and "_" not in name and not _spoken_of_as_name(name, spoken):
            return None  # an ordinary word that happens to stand in code, a value for example
        return {"unknown": True, "nearest": as_known(near) if near else None}

    def _column(self, mine: ViewerDoor, name: str) -> Resource | None:
        lowered = name.lower()
        self._read_columns(mine)
        for columns in self._tables.values():
            column = self.cited(mine, str(columns[lowered])) if columns and lowered in columns else None
            if column is not None:
                return column
        hits = mine.catalog.search(name, kinds=("column",), limit=10).hits
        return next((hit.resource for hit in hits if hit.resource.name.lower() == lowered), None)

    def _read_columns(self, mine: ViewerDoor) -> None:
        """Read the columns of every table that was met since, in one go: a search alone finds thirty."""
        fresh = [table for table, columns in self._tables.items() if columns is None]
        if fresh:
            read = mine.catalog.plain_columns_of(fresh)
            for table in fresh:
                self._tables[table] = {column.name.lower(): column.id for column in read.get(table, ())}


def as_known(resource: Resource) -> dict[str, Any]:
    """A resource as links and citations need it."""
    return {"id": resource.id, "qualified_name": resource.qualified_name, "kind": resource.kind}


def is_table(kind: str) -> bool:
    """Can a statement select from a resource of this kind?"""
    return kind in QUERYABLE


def _is_no_name(name: str, ignore: frozenset[str]) -> bool:
    parts = name.lower().split(".")
    if parts[-1] in _NOT_NAMES or _VERSION.match(name):
        return True
    if len(parts) == 1 and (parts[0] in SQL_WORDS or len(parts[0]) < 2):
        return True
    return all(part in ignore for part in parts)


def _spoken_of_as_name(name: str, spoken: str) -> bool:
    quoted = re.escape(name)
    return bool(
        re.search(rf"\b(?:tables?|views?|columns?|schemas?|from|join|dashboards?)\s+`{quoted}`", spoken, re.I)
        or re.search(rf"`{quoted}`\s+(?:tables?|views?|columns?|schemas?|dashboards?)\b", spoken, re.I)
    )
