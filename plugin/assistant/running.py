"""Which answers are being given right now, so that their askers can stop them.

An answer of this process stops at once. For one that another process writes, a mark without content is left in the
store, which the loop reads each second; both ends hold where history is off, too.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from plugin.access.viewer import Viewer
from plugin.errors import DocentError

if TYPE_CHECKING:
    from plugin.store import Store


@dataclass(slots=True)
class Running:
    """One answer under way and whose it is."""

    store: Store
    viewer: Viewer
    prompt_id: int
    gone: Callable[[], bool] = lambda: False
    """Does nobody read it any more?"""
    signed: str = ""
    """By what the store knows the session or token that asked (`plugin/store/live.py`); empty for the command line."""
    stopped: threading.Event = field(default_factory=threading.Event)
    why: str = "You stopped this answer."
    """What the asker reads then."""
    keep: Callable[[], None] = lambda: None
    """Writes down what came so far, from another thread: where a tool call outlasts its process."""
    looked: float = field(default_factory=time.monotonic)
    """When the store was last asked whether this is to stop and its asker may still ask."""
    lost: DocentError | None = None
    """The right that the asker lost meanwhile."""


_running: dict[int, Running] = {}
_lock = threading.RLock()  # a signal may come in while its own thread holds it
_ending = threading.Event()
GRACE = 3.0
"""Seconds that answers have to end by themselves once the process is told to."""
AGAIN = 0.25
LEFT = "The connection was closed before this answer was complete, so it was stopped."
log = logging.getLogger("docent.assistant")
ENDING = "Docent was stopped or is being restarted. What came so far is kept; ask again in a moment."


@contextmanager
def running(
    store: Store,
    viewer: Viewer,
    prompt_id: int,
    gone: Callable[[], bool] = lambda: False,
    *,
    signed: str = "",
) -> Iterator[Running]:
    """Enter an answer for as long as it runs."""
    entry = Running(store, viewer, prompt_id, gone, signed)
    with _lock:
        _running[prompt_id] = entry
    if _ending.is_set():
        _end(entry)
    try:
        yield entry
    finally:
        with _lock:
            _running.pop(prompt_id, None)


def stop(store: Store, viewer: Viewer, prompt_id: int) -> None:
    """Stop an answer of this member, whichever process writes it.

    NotFound where it is another's, over, or never was: all three look alike.
    """
    with store.as_viewer(viewer) as mine:
        mine.history.stop(prompt_id)
    with _lock:
        entry = _running.get(prompt_id)
    if entry is not None and _whose(entry.viewer) == _whose(viewer):
        entry.stopped.set()


def end_all() -> None:
    """This process ends: stop every answer that it writes or begins from now on, in good order."""
    _ending.set()
    for entry in under_way():
        _end(entry)


def keep_rest(cancel: Callable[[], None], grace: float = GRACE) -> None:
    """After `end_all`: write down each answer that has not ended by itself within `grace` seconds.

    `cancel` stops what the tools run, and is called again for what begins to run meanwhile. A tool call that hears of
    nothing may outlast the process, and its prompt would be found running.
    """
    until = time.monotonic() + grace
    cancel()
    while under_way() and time.monotonic() < until:
        time.sleep(AGAIN)
        cancel()
    for entry in under_way():
        try:
            entry.keep()
        except Exception as error:  # noqa: BLE001 - whatever ails one answer, the others are kept
            log.error("an answer was not kept: %s", type(error).__name__)


def under_way() -> list[Running]:
    """Every answer that this process writes at this moment."""
    with _lock:
        return list(_running.values())


def _end(entry: Running) -> None:
    if not entry.stopped.is_set():
        entry.why = ENDING
        entry.stopped.set()


def count(viewer: Viewer) -> int:
    """How many answers this member has under way in this process."""
    return sum(_whose(each.viewer) == _whose(viewer) for each in under_way())


def _whose(viewer: Viewer) -> tuple[int, int]:
    return viewer.workspace_id, viewer.member_id
