"""Places for running statements that the web processes of one machine share: a file with a lock on it for each.

A lock goes with its process however that ends, so nothing is left counted after a crash, and no clock decides. The
files lie in a folder of the user who runs Docent, named after the database that the processes share; nothing is written
into them. Machines do not share them: with web processes on several machines the limits hold on each.
Considered: a table of runs (a process that dies leaves its rows, and a statement would wait for two more commits) and
Redis (there only where an operator has set it).
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from plugin.errors import LimitReached, Misconfigured

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows runs one process
    fcntl = None  # type: ignore[assignment]


def folder_of(database_url: str) -> Path:
    """The folder for the processes that work on this database. Misconfigured where somebody else owns it."""
    name = hashlib.sha256(database_url.encode()).hexdigest()[:16]
    user = os.getuid() if hasattr(os, "getuid") else 0
    folder = Path(tempfile.gettempdir()) / f"docent-runs-{user}-{name}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if folder.is_symlink() or (hasattr(os, "getuid") and found.st_uid != user):
        raise Misconfigured(f"{folder} belongs to somebody else; set TMPDIR to a folder of your own")
    return folder


@contextmanager
def places(folder: Path, wanted: dict[str, tuple[int, str]]) -> Iterator[None]:
    """Hold one place under each name while the block runs.

    `wanted`: name -> (how many there are, what to say when full).
    A name with no places (0 or less) is not limited. Raises LimitReached.
    """
    with ExitStack() as held:
        for name, (most, full) in wanted.items():
            if most > 0 and fcntl is not None:
                descriptor = _free(folder, name, most)
                if descriptor is None:
                    raise LimitReached(full, retry_after=5)
                held.callback(os.close, descriptor)
        yield


def _free(folder: Path, name: str, most: int) -> int | None:
    for number in range(most):
        descriptor = os.open(folder / f"{name}-{number}", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
        except BlockingIOError:
            os.close(descriptor)
    return None
