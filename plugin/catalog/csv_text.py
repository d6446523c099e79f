"""CSV as spreadsheets really write it, row by row.

Enters: a text, or an open file of one. Leaves: the names of its header, folded, and each row with the number of the
line that it begins on; a row that does not fit the header is an error in its place, and the others are read. The cells
may stand behind commas, semicolons (a spreadsheet whose decimals have commas) or tabs: the header says which, or a
first line `sep=;`.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO

from plugin.catalog.text_file import LONGEST_LINE, lines_of
from plugin.errors import BadInput

if TYPE_CHECKING:
    from _csv import Reader

SEPARATORS = ",;\t"
SAYS_SEPARATOR = re.compile(r"sep=[,;\t]\n", re.IGNORECASE)
LONGEST_CELL = 4_000_000
"""Characters. Above the longest text that is taken: that is refused by its name, and the rows behind it are read."""
csv.field_size_limit(max(csv.field_size_limit(), LONGEST_CELL))

Rows = Iterator[tuple[int, "dict[str, str] | BadInput"]]


def read_csv(text: str | TextIO) -> tuple[list[str], Rows]:
    """The names of the header, and the rows. A cell that a short row lacks is not there; empty rows are left out.

    BadInput for a header that cannot be read.
    """
    lines = io.StringIO(text, newline=None) if isinstance(text, str) else text
    separator, skipped, start = "", 0, 0
    while head := lines.readline(LONGEST_LINE):
        if SAYS_SEPARATOR.fullmatch(head):
            separator = head[4]
        elif head.strip():
            break
        skipped, start = skipped + 1, lines.tell()
    lines.seek(start)
    separator = separator or max(SEPARATORS, key=head.count)
    reader = csv.reader(lines_of(lines), delimiter=separator, strict=True)
    try:
        names = [name.strip().lower() for name in next(reader, [])]
    except csv.Error as error:
        raise BadInput(f"this is not CSV: {error}") from error
    width = len(names)
    while names and not names[-1]:
        names.pop()  # a spreadsheet keeps a column that once had something in it
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise BadInput(f"the header has {twice!r} twice" if twice else "a column has no name in the header")
    return names, _rows(reader, names, width, skipped, separator)


def _rows(reader: Reader, names: list[str], width: int, skipped: int, separator: str) -> Rows:
    word = {",": "comma", ";": "semicolon"}.get(separator, "tab")
    while True:
        number = reader.line_num + skipped + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield number, BadInput(f"this is not CSV: {error}; nothing behind it was read")
            return
        if cells is None:
            return
        if not any(map(str.strip, cells)):
            continue
        if len(cells) > width or any(map(str.strip, cells[len(names) :])):
            reason = f"more cells than the header has; a text with a {word} is written in quotes"
            yield number, BadInput(reason)
            continue
        yield number, dict(zip(names, cells, strict=False))
