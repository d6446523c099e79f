"""The connection that a request came over: is anybody still there, and a channel of waitress for many slow answers.

While a model is silent nothing is written, so nobody would notice that the reader has left: the answer would hold its
place and the provider's connection until a word comes. `left()` gives a question for it that costs no writing.
"""

from __future__ import annotations

import select
from collections.abc import Callable
from typing import Any, cast

from flask import request
from waitress.channel import HTTPChannel


def left() -> Callable[[], bool]:
    """A question that may be asked from now on: has the client of this request closed its connection?"""
    known = request.environ.get("waitress.client_disconnected")
    if known is not None:
        return cast(Callable[[], bool], known)
    connection = request.environ.get("gunicorn.socket")
    if connection is None or not CLOSED:
        return lambda: False
    return lambda: _closed(connection)


CLOSED = getattr(select, "POLLRDHUP", 0)
"""What the kernel says of a connection whose other end has closed, with nothing read from it; Linux has it."""


def _closed(connection: Any) -> bool:
    try:
        waits = select.poll()
        waits.register(connection, CLOSED)
        return bool(waits.poll(0))
    except (OSError, ValueError):
        return True


class Channel(HTTPChannel):  # type: ignore[misc]
    """A connection of waitress whose answer is written by a thread of its own, piece by piece.

    waitress wakes its one loop for a connection that has something to send, also while the answer's own thread is just
    sending it; with a hundred answers there is always one, so the loop goes round without end and takes a third of the
    interpreter. Whoever holds the lock sends, and calls the loop if something is left.
    """

    def writable(self) -> Any:
        """Has the loop something to send here?"""
        if self.will_close or self.close_when_flushed:
            return True
        if not self.total_outbufs_len or not self.outbuf_lock.acquire(False):
            return False
        self.outbuf_lock.release()
        return self.total_outbufs_len
