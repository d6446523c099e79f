"""Places for answers that are being written: how many at once, and who goes first when many ask in the same moment.

Threads are what runs out: an answer holds one for as long as its model writes. So there are a fixed number of places
(the server's threads must outnumber them, or pages starve), a question that finds none is refused at once, and in a
rush an answer whose first event has left lets the others show their first event before it goes on searching: all the
same work, but nobody looks at an empty page. What needs the processor (beginning, searching) is done by a few at a
time in the order of asking; a hundred that take turns would all end last, and starve the pages beside them.
Considered: an asynchronous server (the whole of `plugin` is synchronous by design) and a queue for those who find no
place (a queue is a wait that nobody sees).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask, g, request

from plugin.errors import LimitReached

ASKING = frozenset({"api_prompts.create", "assistant.ask"})
"""The endpoints where a question comes in."""

STREAMS = 120
"""Answers that may be written at once in one process."""
SPARE = 40
"""Threads beside them, for pages and for refusals."""
THREADS = STREAMS + SPARE
AT_ONCE = 3
"""Questions that may use the processor at the same time, beginning or searching; one interpreter runs one thread."""
GIVES_WAY = 3.0
"""Seconds that an answer gives way to questions that have shown nothing yet, at most."""
AGAIN = 5
"""Seconds after which somebody who found no place may ask again."""
FULL = "Docent is writing as many answers as it can at this moment. Nothing was sent; ask again in a few seconds."


class Places:
    """The places of one process."""

    def __init__(self, most: int = STREAMS) -> None:
        self._most = most
        self._taken = 0
        self._starting = 0
        self._changed = threading.Condition()
        self._turns = threading.Semaphore(AT_ONCE)
        """Its waiters wake in the order in which they came."""

    @property
    def full(self) -> bool:
        """Is every place taken at this moment?"""
        return self._taken >= self._most

    def take(self) -> None:
        """Take a place; LimitReached at once where there is none."""
        with self._changed:
            if self._taken >= self._most:
                raise LimitReached(FULL, retry_after=AGAIN)
            self._taken += 1

    def give_back(self) -> None:
        """Give a place back."""
        with self._changed:
            self._taken -= 1

    def begins(self) -> None:
        """A question came in and has shown nothing yet; returns when it is its turn."""
        with self._changed:
            self._starting += 1
        self._turns.acquire()

    def shows(self) -> None:
        """It has shown its first event, or ended without one."""
        self._turns.release()
        with self._changed:
            self._starting -= 1
            if self._starting <= 0:
                self._changed.notify_all()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """A turn for what needs the processor, once every question has shown something (or after three seconds)."""
        with self._changed:
            self._changed.wait_for(lambda: self._starting <= 0, GIVES_WAY)
        with self._turns:
            yield


class InPlace:
    """A stream that holds the place of its question and gives it back however it ends, started or not."""

    def __init__(self, places: Places, inner: Iterator[str]) -> None:
        self._places, self._inner, self._held = places, inner, g.pop("has_place", False)

    def __iter__(self) -> InPlace:
        return self

    def __next__(self) -> str:
        try:
            return next(self._inner)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give the place back, once."""
        if self._held:
            self._held = False
            self._places.give_back()
            close = getattr(self._inner, "close", None)
            if close is not None:
                close()


def register(app: Flask, places: Places) -> None:
    """Give each question a place before anything else is done for it, and take back what its request still holds."""

    @app.before_request
    def comes_in() -> None:
        if request.endpoint in ASKING and request.method == "POST":
            places.take()
            g.has_place = True
            places.begins()
            g.shows_nothing = True

    @app.teardown_request
    def ends(_error: BaseException | None) -> None:
        shown(places)
        if g.pop("has_place", False):
            places.give_back()


def shown(places: Places) -> None:
    """The question of this request has shown its first event, or ended; said once however often it is called."""
    if g.pop("shows_nothing", False):
        places.shows()
