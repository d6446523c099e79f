"""Places for answers that are being written: how many at once, and who goes first when many ask in the same moment.

Threads are what runs out: an answer holds one for as long as its model writes. So there are a fixed number of places
(the server's threads must outnumber them, or pages starve), a question that finds none is refused at once, and in a
rush an answer whose first event has left lets the others show their first event before it goes on searching: all the
same work, but nobody looks at an empty page. Considered: an asynchronous server (the whole of `plugin` is synchronous
by design) and a queue for those who find no place (a queue is a wait that nobody sees).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask, g, request

from plugin.errors import LimitReached

ASKING = "api_prompts.create"
"""The endpoint whose answers stream."""

STREAMS = 120
"""Answers that may be written at once in one process."""
SPARE = 40
"""Threads beside them, for pages and for refusals."""
THREADS = STREAMS + SPARE
GIVES_WAY = 1.0
"""Seconds that an answer gives way to questions that have shown nothing yet, at most."""
AGAIN = 5
"""Seconds after which somebody who found no place may ask again."""


class Places:
    """The places of one process."""

    def __init__(self, most: int = STREAMS) -> None:
        self._most = most
        self._taken = 0
        self._starting = 0
        self._changed = threading.Condition()

    @property
    def full(self) -> bool:
        """Is every place taken at this moment?"""
        return self._taken >= self._most

    def take(self) -> None:
        """Take a place; LimitReached at once where there is none."""
        with self._changed:
            if self._taken >= self._most:
                raise self.none_left()
            self._taken += 1

    def give_back(self) -> None:
        """Give a place back."""
        with self._changed:
            self._taken -= 1

    @contextmanager
    def place(self) -> Iterator[None]:
        """Hold a place for the length of the block."""
        self.take()
        try:
            yield
        finally:
            self.give_back()

    @staticmethod
    def none_left() -> LimitReached:
        """What somebody reads who found no place."""
        return LimitReached(
            "Docent is writing as many answers as it can at this moment. Nothing was sent; ask again in a few seconds.",
            retry_after=AGAIN,
        )

    def begins(self) -> None:
        """A question came in and has shown nothing yet."""
        with self._changed:
            self._starting += 1

    def shows(self) -> None:
        """It has shown its first event, or ended without one."""
        with self._changed:
            self._starting -= 1
            if self._starting <= 0:
                self._changed.notify_all()

    def give_way(self) -> None:
        """Wait until every question has shown something, a second at most."""
        with self._changed:
            self._changed.wait_for(lambda: self._starting <= 0, GIVES_WAY)


def register(app: Flask, places: Places) -> None:
    """Watch questions come in, before anything else is done for them."""

    @app.before_request
    def comes_in() -> None:
        if request.endpoint == ASKING and request.method == "POST":
            if places.full:
                raise places.none_left()
            places.begins()
            g.shows_nothing = True

    @app.teardown_request
    def ends(_error: BaseException | None) -> None:
        shown(places)


def shown(places: Places) -> None:
    """The question of this request has shown its first event, or ended; said once however often it is called."""
    if g.pop("shows_nothing", False):
        places.shows()
