"""Reading ahead: the source is asked for more while what it gave is being worked on.

Enters: a connector's records. Leaves: the same, in order, with the same errors. The records are made in a thread of
their own, which runs the whole of the connector's iterator and so owns its connection; a bounded queue keeps a slow
catalog from filling memory. A server that needs a second to gather its tables and a catalog that needs a second to take
them then need one together.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator
from itertools import chain

from connectors.records import Record
from plugin.store import turns

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


class Ahead(Iterator[Record]):
    """Records that are read ahead from now on, whether anybody takes them yet or not. It has to be closed."""

    def __init__(self, records: Iterable[Record]) -> None:
        self._waiting: queue.Queue[list[Record] | _End] = queue.Queue(WAITING)
        self._stopped = threading.Event()
        given = (records, self._waiting, self._stopped)
        self._thread = threading.Thread(target=_read, args=given, name="sync-reader", daemon=True)
        self._thread.start()
        self._each = chain.from_iterable(self.parts())

    def parts(self) -> Iterator[list[Record]]:
        """The records, some at a time as they come. Raises what the source raised."""
        while not isinstance(part := self._waiting.get(), _End):
            yield part
        self._thread.join()
        if part.error is not None:
            raise part.error

    def __next__(self) -> Record:
        return next(self._each)

    def close(self) -> None:
        """Close the source's iterator as soon as it gives its next record."""
        self._stopped.set()


def ahead(records: Iterable[Record]) -> Ahead:
    """The records, read ahead."""
    return Ahead(records)


def _read(
    records: Iterable[Record], waiting: queue.Queue[list[Record] | _End], stopped: threading.Event
) -> None:
    error: BaseException | None = None
    part: list[Record] = []
    turns.shorten()
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
        turns.restore()
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
