"""The lines of a file of properties: as JSONL or as CSV, out of an open file or an upload.

Enters: text. Leaves: (number, line) as it comes, where a line that cannot be read is an error in its place.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, TextIO

from plugin.catalog.csv_text import read_csv
from plugin.catalog.sheet_cells import list_of_cell, unguarded
from plugin.catalog.text_file import lines_of, opened
from plugin.errors import BadInput
from plugin.json_text import TwiceError, read_json

FIELDS = ("description", "owners", "tags", "verified")
TRUTHS = {"1": "true", "0": "false", "yes": "true", "no": "false", "wahr": "true", "falsch": "false"}
LARGEST_UNPACKED = 64 * 1024 * 1024
"""Bytes of an upload that came packed."""


def lines_of_upload(content: bytes, name: str, most: int) -> list[tuple[int, Any]]:
    """(number, line) of an uploaded file. BadInput for one that cannot be read, or that has more than `most` lines."""
    with opened(io.BytesIO(content), name, LARGEST_UNPACKED) as text:
        lines = list(islice(lines_in(text, name), most + 1))
    if len(lines) > most:
        raise BadInput(
            f"The file has more than {most:,} lines. Use: docent properties import FILE", field="file"
        )
    return lines


def lines_in(text: TextIO, name: str) -> Iterator[tuple[int, Any]]:
    """(number, line) of an open file, which is a CSV unless its name says that it is JSON."""
    is_json = name.lower().removesuffix(".gz").endswith((".jsonl", ".json", ".ndjson"))
    return from_jsonl(text) if is_json else from_csv(text)


def from_jsonl(text: str | TextIO) -> Iterator[tuple[int, Any]]:
    """(number, line) of a JSONL text; a line that is no JSON is an error in its place."""
    lines = io.StringIO(text, newline=None) if isinstance(text, str) else text
    for number, each in enumerate(lines_of(lines), start=1):
        if each.strip():
            try:
                yield number, read_json(each, to_keep=True, once=True)
            except TwiceError as error:
                yield number, BadInput(f"{str(error)!r} stands there twice")
            except ValueError:
                yield number, BadInput("this is not JSON")


def from_csv(text: str | TextIO) -> Iterator[tuple[int, Any]]:
    """(number, line) of a CSV text; a row that does not fit the header is an error in its place."""
    try:
        names, rows = read_csv(text)
        if "qualified_name" not in names:
            raise BadInput("the header lacks qualified_name")
        says_something(names, "the header")
    except BadInput as error:
        yield 1, error
        return
    for number, row in rows:
        if isinstance(row, BadInput):
            yield number, row
            continue
        line: dict[str, Any] = {}
        for name, cell in row.items():
            said = unguarded(cell)
            if name in ("owners", "tags"):
                line[name] = list_of_cell(said)
            elif name == "verified":
                line[name] = TRUTHS.get(said.strip().lower(), said.strip()) or None
            else:
                line[name] = said
        yield number, line


def says_something(names: Iterable[str], what: str) -> None:
    """BadInput where no property is among these names."""
    if not set(FIELDS).intersection(names):
        raise BadInput(f"{what} has none of {', '.join(FIELDS)}: there is nothing to change")
