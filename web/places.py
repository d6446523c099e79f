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
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TypeVar

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
"""Questions that may use the processor at the same time, beginning or searching, over PostgreSQL."""
AT_ONCE_ON_SQLITE = 1
"""Nothing is waited for, and one interpreter runs one thread: more only stand in each other's and the pages' way."""
GIVES_WAY = 3.0
"""Seconds after which one answer that searches goes before questions that have shown nothing yet."""
AGAIN = 5
"""Seconds after which somebody who found no place may ask again."""
FULL = "Docent is writing as many answers as it can at this moment. Nothing was sent; ask again in a few seconds."


E = TypeVar("E")


class Turns:
    """Who may use the processor: questions that have shown nothing yet first, then answers that go on, then those that
    begin to search.

    Each kind goes in the order of asking. Of the latter two none waits for ever: what has waited `gives_way` seconds,
    the longest first, goes before the questions, one such at a time and never two in a row, so that a rush is slowed
    and no kind stopped.
    """

    def __init__(self, at_once: int = AT_ONCE, gives_way: float = GIVES_WAY) -> None:
        self._free, self._gives_way = at_once, gives_way
        self._searching = 0
        self._overtook = False
        """Did a search that had waited long go before a question the last time?"""
        self._lock = threading.Lock()
        self._beginners: deque[threading.Lock] = deque()
        self._going: deque[tuple[float, threading.Lock]] = deque()
        self._searchers: deque[tuple[float, threading.Lock]] = deque()

    def take(self, *, searches: bool = False, goes_on: bool = False) -> None:
        """Returns when it is this thread's turn. An answer that `goes_on` is before those that only begin to search."""
        gate = threading.Lock()
        gate.acquire()
        with self._lock:
            if searches:
                line = self._going if goes_on else self._searchers
                line.append((time.monotonic() + self._gives_way, gate))
            else:
                self._beginners.append(gate)
            self._call()
        gate.acquire()

    def give_back(self, *, searches: bool = False) -> None:
        """The turn is over."""
        with self._lock:
            self._free += 1
            self._searching -= searches
            self._call()

    @property
    def free(self) -> int:
        """How many turns nobody has."""
        return self._free

    @property
    def waiting(self) -> tuple[int, int]:
        """How many wait to begin and to search."""
        return len(self._beginners), len(self._going) + len(self._searchers)

    def _call(self) -> None:
        while self._free and any(self.waiting):
            lines = [line for line in (self._going, self._searchers) if line]
            longest = min(lines, key=lambda line: line[0][0], default=None)
            overdue = longest is not None and time.monotonic() >= longest[0][0]
            overtakes = overdue and not self._searching and not self._overtook
            self._free -= 1
            self._overtook = overtakes and bool(self._beginners)
            if self._beginners and not overtakes:
                self._beginners.popleft().release()
            else:
                self._searching += 1
                line = longest if overdue and longest is not None else lines[0]
                line.popleft()[1].release()


class Places:
    """The places of one process."""

    def __init__(self, most: int = STREAMS, at_once: int = AT_ONCE) -> None:
        self._most = most
        self._taken = 0
        self._lock = threading.Lock()
        self.turns = Turns(at_once)

    @property
    def full(self) -> bool:
        """Is every place taken at this moment?"""
        return self._taken >= self._most

    def take(self) -> None:
        """Take a place; LimitReached at once where there is none."""
        with self._lock:
            if self._taken >= self._most:
                raise LimitReached(FULL, retry_after=AGAIN)
            self._taken += 1

    def give_back(self) -> None:
        """Give a place back."""
        with self._lock:
            self._taken -= 1

    @contextmanager
    def turn(self, *, goes_on: bool = False) -> Iterator[None]:
        """A turn for an answer that searches."""
        self.turns.take(searches=True, goes_on=goes_on)
        try:
            yield
        finally:
            self.turns.give_back(searches=True)

    def after_first(self, rest: Iterator[E], *, computed: bool = False) -> Iterator[E]:
        """An answer from its second event on: up to there it searches, and nobody is waited for.

        One that is `computed` in this process waits for nobody to its end, so it takes a turn for every event and has
        none while its reader gets one.
        """
        with self.turn():
            event = next(rest, None)
        while event is not None:
            yield event
            with self.turn(goes_on=True) if computed else nullcontext():
                event = next(rest, None)


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
    """Give each question a place, and take back what its request still holds.

    Registered behind the door: whoever it turns away has taken nothing from those who may ask.
    """

    @app.before_request
    def comes_in() -> None:
        if request.endpoint in ASKING and request.method == "POST":
            places.take()
            g.has_place = True
            request.get_data()  # whoever sends slowly waits for themselves, with nobody behind them
            places.turns.take()
            g.shows_nothing = True

    @app.teardown_request
    def ends(_error: BaseException | None) -> None:
        shown(places)
        if g.pop("has_place", False):
            places.give_back()


def shown(places: Places) -> None:
    """The question of this request has shown its first event, or ended; said once however often it is called."""
    if g.pop("shows_nothing", False):
        places.turns.give_back()
