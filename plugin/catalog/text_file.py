"""A file that somebody gives us, as lines of text: read as it comes, however large, and never as one piece.

Enters: an open file. Leaves: text in the encoding that its first bytes say, out of gzip where they say so, and BadInput
for what is no text or more than is taken. A spreadsheet saves UTF-16 where one asks it for Unicode; a pipeline packs.
"""

from __future__ import annotations

import gzip
import io
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO, cast

from plugin.errors import BadInput

NOT_TEXT = "it is not UTF-8 text; save it as UTF-8 (a spreadsheet: as CSV UTF-8)"
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
"""How a text begins that a spreadsheet saved as Unicode Text."""
GZIP = b"\x1f\x8b"
LONGEST_LINE = 32 * 1024 * 1024
"""Characters. A longer line would be in memory whole before anything of it is looked at."""


@contextmanager
def file_at(path: Path, largest: int) -> Iterator[BinaryIO]:
    """The file at `path`, to be read from its start as often as one likes; what comes through a pipe is put by first.

    BadInput where it cannot be read, or is a pipe that has more than `largest` bytes.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise BadInput(f"cannot read {path.name}: {error.strerror}", field="file") from error
    with file:
        if file.seekable():
            yield cast(BinaryIO, file)
            return
        with tempfile.TemporaryFile() as copy:
            while part := file.read(1 << 20):
                copy.write(part)
                if copy.tell() > largest:
                    raise BadInput(_too_large(path.name, largest), field="file")
            copy.seek(0)
            yield cast(BinaryIO, copy)


def _too_large(name: str, largest: int) -> str:
    return f"{name} is larger than {largest >> 20:,} MB; import it in parts"


@contextmanager
def opened(file: BinaryIO, name: str, largest: int) -> Iterator[TextIO]:
    """The text of `file`, which stays open. `name` is for what is told, `largest` is in bytes, as they are unpacked.

    BadInput from within, for what turns out to be no text, no whole gzip or too large while it is read.
    """
    binary: BinaryIO = file
    try:
        head = file.read(2)
        file.seek(0)
        if head == GZIP:
            binary = cast(BinaryIO, gzip.GzipFile(fileobj=file))
            head = binary.read(2)
            binary.seek(0)
        raw = io.BufferedReader(_Bounded(binary, name, largest), 1 << 16)
        text = io.TextIOWrapper(raw, encoding="utf-16" if head in UTF_16 else "utf-8-sig")
        try:
            yield text
        finally:
            text.detach()
            raw.detach()
    except UnicodeError as error:
        raise BadInput(f"cannot read {name}: {NOT_TEXT}", field="file") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise BadInput(f"cannot read {name}: it is no whole gzip file", field="file") from error
    except OSError as error:
        raise BadInput(f"cannot read {name}: {error.strerror}", field="file") from error


def lines_of(text: TextIO) -> Iterator[str]:
    """The lines of a text as they come. BadInput for one that is longer than LONGEST_LINE."""
    while line := text.readline(LONGEST_LINE + 1):
        if len(line) > LONGEST_LINE:
            raise BadInput(f"a line is longer than {LONGEST_LINE:,} characters", field="file")
        yield line


class _Bounded(io.RawIOBase):
    """A file that ends in BadInput past a bound: what gzip unpacks may be a thousand times what came."""

    def __init__(self, file: BinaryIO, name: str, largest: int) -> None:
        self._file = file
        self._name = name
        self._largest = largest

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        part = self._file.read(len(buffer))
        if self._file.tell() > self._largest:
            raise BadInput(_too_large(self._name, self._largest), field="file")
        buffer[: len(part)] = part
        return len(part)
