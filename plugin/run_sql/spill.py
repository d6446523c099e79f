"""Bytes of a result beyond memory: a file that only the process which made it can reach, for it has no name."""

from __future__ import annotations

import errno
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Protocol

from plugin.errors import LimitReached, NotFound

ABSENT = "there is no such result; results end with the session and after their time"
FULL = "the space for results is used up; end other results or narrow the query"


class Spill(Protocol):
    """Sealed pieces of one result, written once each and read again by where they lie."""

    written: int
    """Bytes so far."""

    def write(self, sealed: bytes) -> int:
        """Append a piece; where it lies. LimitReached where the disk is full, NotFound where the result ended."""

    def read(self, offset: int, size: int) -> bytes:
        """A piece. NotFound where the result ended."""

    def there(self) -> bool:
        """Has the result not ended, here or in another process?"""

    def end(self) -> None:
        """Remove every byte; nothing happens where that was done."""


class Nameless:
    """A temporary file whose name is removed as soon as it is open."""

    def __init__(self, folder: Path | None) -> None:
        self.file: IO[bytes] = tempfile.TemporaryFile(dir=folder)
        self.written = 0
        self._lock = threading.Lock()

    def write(self, sealed: bytes) -> int:
        """As `Spill.write`."""
        with self._lock, room_on_disk():
            offset = self.written
            self.file.seek(offset)
            self.file.write(sealed)
            self.written += len(sealed)
        return offset

    def read(self, offset: int, size: int) -> bytes:
        """As `Spill.read`."""
        with self._lock:
            if self.file.closed:
                raise NotFound(ABSENT)
            self.file.seek(offset)
            return self.file.read(size)

    def there(self) -> bool:
        """As `Spill.there`."""
        return not self.file.closed

    def end(self) -> None:
        """As `Spill.end`."""
        with self._lock:
            self.file.close()


@contextmanager
def room_on_disk() -> Iterator[None]:
    """Say that there is no room where the system says so. LimitReached."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise LimitReached(FULL) from error
        raise
