"""The functions each engine may be asked for, as data: `<dialect>.txt`, groups with a reason.

A line `[group] reason` opens a group, every other line names functions, `@include standard` takes over another list.
A name that is in no list is refused. Nothing is listed that takes SQL, a table's name, a path, an address or a time
to wait as text, that writes, locks, changes the session or tells about the server.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def groups(dialect: str) -> dict[str, tuple[str, str]]:
    """Function name in lower case -> (group, reason) for one list; raises FileNotFoundError for an unknown one."""
    found: dict[str, tuple[str, str]] = {}
    group, reason = "", ""
    for line in files(__package__).joinpath(f"{dialect}.txt").read_text(encoding="ascii").splitlines():
        if line.startswith("@include "):
            found.update(groups(line.split()[1]))
        elif line.startswith("["):
            group, _, reason = line[1:].partition("] ")
        else:
            for name in line.split():
                found[name.lower()] = (group, reason)
    return found


@cache
def allowed(dialect: str) -> frozenset[str]:
    """The names of one list, in lower case."""
    return frozenset(groups(dialect))
