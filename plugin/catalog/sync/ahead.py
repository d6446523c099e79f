"""Reading ahead: the source is asked for more while what it gave is being worked on.

Enters: a connector's records. Leaves: the same, in order, with the same errors. The records are made in a thread of
their own, which runs the whole of the connector's iterator and so owns its connection; a bounded queue keeps a slow
catalog from filling memory. A server that needs a second to gather its tables and a catalog that needs a second to take
them then need one together.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterable

from connectors.records import Record

CHUNK = 100
"""Records handed over at once: each hand-over costs a switch between threads."""
WAITING = 10
"""Chunks that may wait."""
FIRST = 8
"""The first records come one by one, so that a bar moves at once."""


class _End:
    """The last thing in the queue: the iterator ended, by itself or by an error."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def ahead(records: Iterable[Record]) -> Generator[Record]:
    """The records, read ahead. Closing the iterator closes the source's as soon as it gives its next record."""
    waiting: queue.Queue[list[Record] | _End] = queue.Queue(WAITING)
    stopped = threading.Event()
    thread = threading.Thread(target=_read, args=(records, waiting, stopped), name="sync-reader", daemon=True)
    thread.start()
    try:
        while not isinstance(part := waiting.get(), _End):
            yield from part
        thread.join()
        if part.error is not None:
            raise part.error
    finally:
        stopped.set()


def _read(
    records: Iterable[Record], waiting: queue.Queue[list[Record] | _End], stopped: threading.Event
) -> None:
    error: BaseException | None = None
    part: list[Record] = []
    taken = 0
    try:
        for record in records:
            part.append(record)
            taken += 1
            if len(part) >= CHUNK or taken <= FIRST:
                _put(waiting, part, stopped)
                part = []
            if stopped.is_set():
                break
    except BaseException as caught:  # noqa: BLE001  it is raised where the records are taken
        error = caught
    finally:
        close = getattr(records, "close", None)
        if close is not None:
            close()
    if part:
        _put(waiting, part, stopped)
    _put(waiting, _End(error), stopped)


def _put(
    waiting: queue.Queue[list[Record] | _End], what: list[Record] | _End, stopped: threading.Event
) -> None:
    while not stopped.is_set():
        try:
            waiting.put(what, timeout=0.5)
        except queue.Full:
            continue
        return
