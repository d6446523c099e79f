"""Properties that people write, out into a file and in again: description, owners, tags, verified.

Enters: who asks, and for an import a CSV or JSONL file (or parsed lines). Leaves: one line a resource that they see,
or what was changed and for each bad line its number and the reason. A line is changed whole or not at all, and what is
exported and imported again changes nothing, by way of a spreadsheet too. Keeps law 3: everything is read and written as
that member, by the doors that the pages use, so an import may do what its person may do by hand and nothing else.

In JSONL a field that a line does not have stays as it is, and null or an empty list empties it. In CSV a column that
the header does not have stays, an empty cell empties, and lists stand with "; " between. A line names its resource by
the whole qualified name; `id` decides only where several are called the same.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plugin.access.viewer import Viewer
from plugin.catalog import custom_values as values
from plugin.catalog.custom_parsed import Problem, Problems
from plugin.catalog.property_lines import FIELDS, lines_in, says_something
from plugin.catalog.sheet_cells import guarded, list_cell
from plugin.catalog.text_file import file_at, lines_of, opened
from plugin.errors import BadInput, DocentError, NotFound

if TYPE_CHECKING:
    from plugin.store import Store, ViewerDoor
    from plugin.store.shapes import Owner, Resource

WHERE = ("qualified_name", "integration", "kind")
KNOWN = frozenset((*WHERE, *FIELDS, "id"))
PAGE = 500
LARGEST_FILE = 1024 * 1024 * 1024
"""Bytes, unpacked."""
OF_COLUMNS = "columns:"
"""How a cursor begins that stands among the columns."""
MOST_IGNORED = 20
ABSENT = "there is nothing of this qualified_name, integration and kind that you can see; take them from the export"


@dataclass(frozen=True, slots=True)
class Applied:
    """What an import of properties did. `errors` are lines that were left out."""

    lines: int
    changed: int
    unchanged: int
    errors: tuple[Problem, ...] = ()
    ignored: tuple[str, ...] = ()
    """Names of columns or fields that are no property, and so were not read."""
    more_errors: int = 0
    """Bad lines that are not among `errors`, which names the first."""


@dataclass(slots=True)
class _Line:
    number: int
    id: int | None
    name: str
    integration: str
    kind: str
    wanted: dict[str, Any] = field(default_factory=dict)


def exported(
    store: Store, viewer: Viewer, *, integration: str | None = None, columns: bool = False
) -> Iterator[dict[str, Any]]:
    """One line a resource that this member sees, columns only where asked for.

    NotFound for an integration of which they see nothing.
    """
    first, cursor = exported_part(store, viewer, integration=integration, columns=columns)
    return chain(first, _rest(store, viewer, integration, columns, cursor))


def exported_part(
    store: Store,
    viewer: Viewer,
    *,
    integration: str | None = None,
    columns: bool = False,
    cursor: str | None = None,
    limit: int = PAGE,
) -> tuple[list[dict[str, Any]], str | None]:
    """Up to `limit` (1 to 1,000) of these lines, and the cursor of the next; columns come after all else.

    NotFound for an integration of which they see nothing, BadInput for a cursor that is not one of this list.
    """
    at_columns = columns and cursor is not None and cursor.startswith(OF_COLUMNS)
    after = (cursor or "").removeprefix(OF_COLUMNS if at_columns else "") or None
    with store.as_viewer(viewer) as mine:
        if integration is not None and all(
            each.name.lower() != integration.lower() for each in mine.catalog.integrations()
        ):
            raise NotFound(f"there is no integration {integration!r} of which you see anything")
        page = mine.catalog.browse(
            kinds=("column",) if at_columns else (), integration=integration, cursor=after, limit=limit
        )
    lines = [_line_of(each) for each in page.items]
    if at_columns:
        return lines, None if page.next_cursor is None else OF_COLUMNS + page.next_cursor
    return lines, page.next_cursor or (OF_COLUMNS if columns else None)


def _rest(
    store: Store, viewer: Viewer, integration: str | None, columns: bool, cursor: str | None
) -> Iterator[dict[str, Any]]:
    while cursor is not None:
        lines, cursor = exported_part(store, viewer, integration=integration, columns=columns, cursor=cursor)
        yield from lines


def _line_of(each: Resource) -> dict[str, Any]:
    return {
        "qualified_name": each.qualified_name,
        "integration": each.integration,
        "kind": each.kind,
        "description": each.description,
        "owners": [_owner(owner) for owner in each.owners],
        "tags": sorted(each.tags),
        "verified": each.verified,
        "id": each.id,
    }


def as_csv(lines: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """The lines as CSV text, the header first."""
    names = (*WHERE, *FIELDS, "id")
    yield _row(names)
    for line in lines:
        yield _row([_cell(line.get(name)) for name in names])


def as_jsonl(lines: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """The lines as JSONL text."""
    return (json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


def apply_path(store: Store, viewer: Viewer, path: str, *, strict: bool = False) -> Applied:
    """Import a .csv or .jsonl file. BadInput for a file that cannot be read at all."""
    file = Path(path)
    with file_at(file, LARGEST_FILE) as binary:
        with opened(binary, file.name, LARGEST_FILE) as text:
            for _line in lines_of(text):
                pass  # what is no text is found before anything is changed
        binary.seek(0)
        with opened(binary, file.name, LARGEST_FILE) as text:
            return apply(store, viewer, lines_in(text, file.name), strict=strict)


def apply(store: Store, viewer: Viewer, lines: Iterable[tuple[int, Any]], *, strict: bool = False) -> Applied:
    """Change what the lines say, each as it comes. With `strict` nothing is changed where any line is bad: then what
    the lines say is in memory until all have been tried.
    """
    run = _Run(store, viewer)
    good: Iterator[_Line] = (each for each in map(run.read, lines) if each is not None)
    if strict:
        good = iter([each for each in good if run.is_possible(each)])
        run.lines_of.clear()
    if not (strict and run.problems):
        for each in good:
            run.change(each)
    told = run.problems
    return Applied(
        run.count, run.changed, run.unchanged, told.told, tuple(run.ignored), more_errors=told.more
    )


class _Run:
    """One import: what has become of its lines so far."""

    def __init__(self, store: Store, viewer: Viewer) -> None:
        self._store = store
        self._viewer = viewer
        self.problems = Problems()
        self.ignored: dict[str, None] = {}
        self.count = self.changed = self.unchanged = 0
        self.lines_of: dict[int, int] = {}
        """The id of a resource -> the line that says what becomes of it."""

    def read(self, numbered: tuple[int, Any]) -> _Line | None:
        """The line, or None for a bad one, which is told."""
        number, line = numbered
        self.count += 1
        try:
            read = _read(number, line)
        except BadInput as error:
            self.problems.add(number, str(error))
            return None
        if len(self.ignored) < MOST_IGNORED:
            self.ignored.update((str(name)[:100], None) for name in line if name and name not in KNOWN)
        return read

    def is_possible(self, line: _Line) -> bool:
        """Can it be done? Tried, and taken back."""
        try:
            with self._store.as_viewer(self._viewer) as mine:
                _change(mine, _find(mine, line, self.lines_of), line.wanted)
                raise _TakenBack
        except _TakenBack:
            return True
        except DocentError as error:
            self.problems.add(line.number, str(error))
        return False

    def change(self, line: _Line) -> None:
        """Do what it says, or tell why that cannot be."""
        try:
            with self._store.as_viewer(self._viewer) as mine:
                touched = _change(mine, _find(mine, line, self.lines_of), line.wanted)
        except DocentError as error:
            self.problems.add(line.number, str(error))
            return
        self.changed, self.unchanged = self.changed + touched, self.unchanged + (not touched)


class _TakenBack(Exception):
    """Ends a trial: the door rolls back what was tried."""


def _read(number: int, line: Any) -> _Line:
    if isinstance(line, BadInput):
        raise line
    if not isinstance(line, Mapping):
        raise BadInput("this is not a JSON object")
    name = values.text(line, "qualified_name")
    if not name:
        raise BadInput("qualified_name is missing")
    says_something(line, "it")
    wanted: dict[str, Any] = {}
    if "description" in line:
        wanted["description"] = values.text(line, "description", values.LONGEST_TEXT)
    for each in ("owners", "tags"):
        if each in line:
            wanted[each] = values.names(line, each)
    if line.get("verified") is not None:
        wanted["verified"] = values.flag(line, "verified")
    return _Line(
        number,
        values.whole(line, "id"),
        str(line["qualified_name"]),  # a name may begin or end with a space
        values.text(line, "integration") or "",
        values.text(line, "kind") or "",
        wanted,
    )


def _find(mine: ViewerDoor, line: _Line, lines_of: dict[int, int]) -> Resource:
    """The one resource that a line means; `lines_of` has the lines so far by what they meant."""
    found = _named(mine, line)
    before = lines_of.setdefault(found.id, line.number)
    if before != line.number:
        raise BadInput(f"line {before} says what becomes of this one already; leave one of the two")
    return found


def _named(mine: ViewerDoor, line: _Line) -> Resource:
    if line.id is not None:
        # Of another catalog's export the id is somebody else's: the name decides.
        meant = mine.catalog.resources([line.id]).get(line.id)
        if (
            meant is not None
            and meant.qualified_name.strip() == line.name.strip()
            and line.kind in ("", meant.kind)
            and line.integration.lower() in ("", meant.integration.lower())
        ):
            return meant
    found: tuple[Resource, ...] = ()
    for name in dict.fromkeys((line.name, line.name.strip())):
        found = found or mine.catalog.exactly(
            name, kind=line.kind or None, integration=line.integration or None
        )
    if not found:
        raise NotFound(ABSENT)
    if len(found) > 1:
        raise BadInput("several things are called so; give integration, kind and id as the export has them")
    return found[0]


def _change(mine: ViewerDoor, found: Resource, wanted: Mapping[str, Any]) -> bool:
    touched = False
    for name in ("description", "verified"):
        if name in wanted and _plain(wanted[name]) != _plain(getattr(found, name)):
            mine.edits.set_property(found.id, name, wanted[name])
            touched = True
    if "tags" in wanted:
        meant_tags, there_tags = set(map(_plain, wanted["tags"])), set(map(_plain, found.tags))
        for tag in (each for each in wanted["tags"] if _plain(each) not in there_tags):
            mine.edits.add_tag(found.id, tag)
            touched = True
        for tag in (each for each in found.tags if _plain(each) not in meant_tags):
            mine.edits.remove_tag(found.id, tag)
            touched = True
    if "owners" in wanted:
        there = {known.lower(): _owner(owner) for owner in found.owners for known in _names(owner)}
        meant = {each.lower(): each for each in wanted["owners"]}
        for folded, owner in meant.items():
            if folded not in there:
                mine.edits.add_owner(found.id, owner)
                touched = True
        kept = {there[folded] for folded in meant if folded in there}
        for owner in {_owner(each) for each in found.owners} - kept:
            mine.edits.remove_owner(found.id, owner)
            touched = True
    return touched


def _plain(value: Any) -> Any:
    """A property as a file can hold it: without what is around a text, and with one way to end a line."""
    if not isinstance(value, str):
        return value or None
    return value.replace("\x00", "").replace("\r\n", "\n").replace("\r", "\n").strip() or None


def _owner(owner: Owner) -> str:
    return owner.email or owner.name


def _names(owner: Owner) -> list[str]:
    return [each for each in (owner.email, owner.name) if each]


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return guarded(list_cell(value) if isinstance(value, list) else str(value or ""))


def _row(cells: Iterable[str]) -> str:
    text = io.StringIO()
    # What ends a line is what gets quoted: a bare CR in a description would begin a line of its own.
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue().removesuffix("\r\n") + "\n"
