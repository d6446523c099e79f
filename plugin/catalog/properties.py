"""Properties that people write, out into a file and in again: description, owners, tags, verified.

Enters: who asks, and for an import a CSV or JSONL file (or parsed lines). Leaves: one line a resource that they see,
or what was changed and for each bad line its number and the reason. A line is changed whole or not at all, and what is
exported and imported again changes nothing. Keeps law 3: everything is read and written as that member, by the doors
that the pages use, so an import may do what its person may do by hand and nothing else.

In JSONL a field that a line does not have stays as it is, and null or an empty list empties it. In CSV a column that
the header does not have stays, an empty cell empties, and lists stand with "; " between.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plugin.access.viewer import Viewer
from plugin.catalog import custom_values as values
from plugin.catalog.csv_text import NOT_TEXT, encoding_of, read_csv
from plugin.catalog.custom import Problem
from plugin.errors import BadInput, DocentError
from plugin.json_text import read_json

if TYPE_CHECKING:
    from plugin.store import Store, ViewerDoor
    from plugin.store.shapes import Owner, Resource

WHERE = ("qualified_name", "integration", "kind")
FIELDS = ("description", "owners", "tags", "verified")
PAGE = 500
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins so is a formula to a spreadsheet: it is written behind an apostrophe, which is taken off again."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What an import of properties did. `errors` are lines that were left out."""

    lines: int
    changed: int
    unchanged: int
    errors: tuple[Problem, ...] = ()


@dataclass(slots=True)
class _Line:
    number: int
    name: str
    integration: str
    kind: str
    wanted: dict[str, Any] = field(default_factory=dict)


def exported(
    store: Store, viewer: Viewer, *, integration: str | None = None, columns: bool = False
) -> Iterator[dict[str, Any]]:
    """One line a resource that this member sees, columns only where asked for. NotFound for an unknown integration."""
    for kinds in ((), ("column",)) if columns else ((),):
        cursor: str | None = None
        while True:
            with store.as_viewer(viewer) as mine:
                page = mine.catalog.browse(kinds=kinds, integration=integration, cursor=cursor, limit=PAGE)
            for each in page.items:
                yield {
                    "qualified_name": each.qualified_name,
                    "integration": each.integration,
                    "kind": each.kind,
                    "description": each.description,
                    "owners": [_owner(owner) for owner in each.owners],
                    "tags": sorted(each.tags),
                    "verified": each.verified,
                }
            cursor = page.next_cursor
            if cursor is None:
                break


def as_csv(lines: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """The lines as CSV text, the header first."""
    yield _row((*WHERE, *FIELDS))
    for line in lines:
        yield _row([*(_cell(line[name]) for name in WHERE), *(_cell(line[name]) for name in FIELDS)])


def as_jsonl(lines: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """The lines as JSONL text."""
    return (json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


def apply_path(store: Store, viewer: Viewer, path: str, *, strict: bool = False) -> Applied:
    """Import a .csv or .jsonl file. BadInput for a file that cannot be read at all."""
    file = Path(path)
    try:
        content = file.read_bytes()
        text = content.decode(encoding_of(content))
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else NOT_TEXT
        raise BadInput(f"cannot read {file.name}: {reason}", field="file") from error
    return apply(
        store, viewer, from_csv(text) if file.suffix.lower() == ".csv" else from_jsonl(text), strict=strict
    )


def from_jsonl(text: str) -> Iterator[tuple[int, Any]]:
    """(number, line) of a JSONL text; a line that is no JSON is an error in its place."""
    for number, each in enumerate(io.StringIO(text, newline=None), start=1):
        if each.strip():
            try:
                yield number, read_json(each, to_keep=True)
            except ValueError:
                yield number, BadInput("this is not JSON")


def from_csv(text: str) -> Iterator[tuple[int, Any]]:
    """(number, line) of a CSV text; a row that does not fit the header is an error in its place."""
    try:
        names, rows = read_csv(text)
        if "qualified_name" not in names:
            raise BadInput("the header lacks qualified_name")
        _says_something(names, "the header")
    except BadInput as error:
        yield 1, error
        return
    for number, row in rows:
        if isinstance(row, BadInput):
            yield number, row
            continue
        line: dict[str, Any] = {}
        for name, cell in row.items():
            said = cell[1:] if cell[:1] == "'" and cell[1:2] in FORMULA else cell
            if name in ("owners", "tags"):
                line[name] = [part.strip() for part in said.split(";") if part.strip()]
            else:
                line[name] = said if said or name != "verified" else None
        yield number, line


def _says_something(names: Iterable[str], what: str) -> None:
    if not set(FIELDS).intersection(names):
        raise BadInput(f"{what} has none of {', '.join(FIELDS)}: there is nothing to change")


def apply(store: Store, viewer: Viewer, lines: Iterable[tuple[int, Any]], *, strict: bool = False) -> Applied:
    """Change what the lines say. With `strict` nothing is changed where any line is bad."""
    problems: list[Problem] = []
    good: list[_Line] = []
    count = 0
    for number, line in lines:
        count += 1
        try:
            good.append(_read(number, line))
        except BadInput as error:
            problems.append(Problem(number, str(error)))
    if strict:
        good = _possible(store, viewer, good, problems)
        if problems:
            return Applied(count, 0, 0, tuple(sorted(problems, key=lambda each: each.line)))
    changed = unchanged = 0
    for each in good:
        try:
            with store.as_viewer(viewer) as mine:
                touched = _change(mine, _find(mine, each), each.wanted)
            changed, unchanged = changed + touched, unchanged + (not touched)
        except DocentError as error:
            problems.append(Problem(each.number, str(error)))
    problems.sort(key=lambda each: each.line)
    return Applied(count, changed, unchanged, tuple(problems))


def _possible(store: Store, viewer: Viewer, lines: list[_Line], problems: list[Problem]) -> list[_Line]:
    """The lines whose change is possible, tried and taken back."""
    kept = []
    for each in lines:
        try:
            with store.as_viewer(viewer) as mine:
                _change(mine, _find(mine, each), each.wanted)
                raise _TakenBack
        except _TakenBack:
            kept.append(each)
        except DocentError as error:
            problems.append(Problem(each.number, str(error)))
    return kept


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
    _says_something(line, "it")
    wanted: dict[str, Any] = {}
    if "description" in line:
        wanted["description"] = values.text(line, "description", values.LONGEST_TEXT)
    for each in ("owners", "tags"):
        if each in line:
            wanted[each] = values.names(line, each)
    if line.get("verified") is not None:
        wanted["verified"] = values.flag(line, "verified")
    return _Line(
        number, name, values.text(line, "integration") or "", values.text(line, "kind") or "", wanted
    )


def _find(mine: ViewerDoor, line: _Line) -> Resource:
    found = mine.catalog.by_name(line.name, kind=line.kind or None, integration=line.integration or None)
    if found.qualified_name != line.name:
        # A name that merely ends so is somebody else's.
        raise BadInput(f"there is no {line.kind or 'resource'} {line.name!r}; give the whole qualified_name")
    return found


def _change(mine: ViewerDoor, found: Resource, wanted: Mapping[str, Any]) -> bool:
    touched = False
    for name in ("description", "verified"):
        if name in wanted and (wanted[name] or None) != (getattr(found, name) or None):
            mine.edits.set_property(found.id, name, wanted[name])
            touched = True
    if "tags" in wanted:
        for tag in (each for each in wanted["tags"] if each not in found.tags):
            mine.edits.add_tag(found.id, tag)
            touched = True
        for tag in (each for each in found.tags if each not in wanted["tags"]):
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


def _owner(owner: Owner) -> str:
    return owner.email or owner.name


def _names(owner: Owner) -> list[str]:
    return [each for each in (owner.email, owner.name) if each]


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    said = "; ".join(value) if isinstance(value, list) else str(value or "")
    return f"'{said}" if said.startswith(FORMULA) else said


def _row(cells: Iterable[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()
