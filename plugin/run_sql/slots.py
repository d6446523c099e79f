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
    folder = folder_named("runs", database_url)
    own_folder(folder)
    return folder


def folder_named(what: str, database_url: str) -> Path:
    """Where on this machine the processes that work on this database keep `what`; it need not be there."""
    name = hashlib.sha256(database_url.encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"docent-{what}-{_user()}-{name}"


def own_folder(folder: Path) -> None:
    """Make it where it is missing, for the user who runs Docent alone. Misconfigured where it is not theirs alone."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if folder.is_symlink() or (hasattr(os, "getuid") and found.st_uid != _user()) or found.st_mode & 0o077:
        raise Misconfigured(f"{folder} belongs to somebody else; set TMPDIR to a folder of your own")


def _user() -> int:
    return os.getuid() if hasattr(os, "getuid") else 0


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


@contextmanager
def under_way(folder: Path, name: str) -> Iterator[Path]:
    """Tell the other processes that this run is under way. Yields the path that appears once one asks to stop it."""
    marker = folder / f"run-{name}"
    asked = folder / f"stop-{name}"
    with ExitStack() as held:
        if fcntl is not None:
            descriptor = os.open(marker, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            held.callback(os.close, descriptor)
            held.callback(marker.unlink, missing_ok=True)
            held.callback(asked.unlink, missing_ok=True)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield asked


def ask_to_stop(folder: Path, name: str) -> bool:
    """Ask the process that has this run to stop it; False where no living one has it."""
    marker = folder / f"run-{name}"
    if fcntl is None or not marker.exists():
        return False
    descriptor = os.open(marker, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        (folder / f"stop-{name}").touch(mode=0o600)
        return True
    finally:
        os.close(descriptor)
    return False


def run_name(workspace_id: int, member_id: int, run_id: str) -> str:
    """How a member's run is called in the folder."""
    return hashlib.sha256(f"{workspace_id}:{member_id}:{run_id}".encode()).hexdigest()[:32]
