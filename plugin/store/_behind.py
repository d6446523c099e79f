"""Writing behind: SQLite puts rows away while the next are made.

Enters: pieces of work on one connection, in order. Leaves: the same work done in a thread of its own, what those that
read have found, and whatever went wrong raised where the work is handed over or waited for. SQLite lets go of the
interpreter while it runs a statement, so a statement of a thousand rows runs beside the Python that makes the next
thousand. One thread at a time has the connection: whoever else is about to use it waits first, which `Behind` sees to
for all that goes through SQLAlchemy; what uses the driver's connection itself calls `wait`.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from sqlalchemy import Connection, event

from plugin.store import turns

Work = Callable[[], object]
Answer = TypeVar("Answer")
WAITING = 2
"""Pieces of work that may wait: each holds some thousand rows."""


class Behind:
    """Does pieces of work on a connection in a thread. Use as a context manager: its end ends the thread."""

    def __init__(self, connection: Connection, waiting: int = WAITING) -> None:
        self._connection = connection
        self._queue: queue.Queue[tuple[Work, Future[Any]] | None] = queue.Queue(waiting)
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None

    def __enter__(self) -> Behind:
        turns.shorten()
        event.listen(self._connection, "before_cursor_execute", self._before)
        return self

    def __exit__(self, *_error: object) -> None:
        """Wait for what is under way, leave the rest undone where there was an error, and end the thread."""
        turns.restore()
        event.remove(self._connection, "before_cursor_execute", self._before)
        thread, self._thread = self._thread, None
        if thread is not None:
            if _error[0] is not None:
                self._error = self._error or RuntimeError("what was to be written was given up")
            self._queue.put(None)
            thread.join()

    def do(self, work: Work) -> None:
        """Have a piece of work done after those before it. Raises what one of them raised."""
        self.ask(work)

    def ask(self, work: Callable[[], Answer]) -> Future[Answer]:
        """Have a piece of work done that has an answer. Raises, now or there, what it or one before it raised."""
        self._complain()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="sync-writer", daemon=True)
            self._thread.start()
        answer: Future[Answer] = Future()
        self._queue.put((work, answer))
        return answer

    def wait(self) -> None:
        """Return when everything is done. Raises what a piece of work raised."""
        if self._thread is not None:
            self._queue.join()
        self._complain()

    def _before(self, *_statement: Any) -> None:
        if threading.current_thread() is not self._thread:
            self.wait()

    def _complain(self) -> None:
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        while True:
            asked = self._queue.get()
            try:
                if asked is None:
                    return
                work, answer = asked
                self._answer(work, answer)
            finally:
                self._queue.task_done()

    def _answer(self, work: Callable[[], Any], answer: Future[Any]) -> None:
        try:
            self._complain()
            answer.set_result(work())
        except BaseException as error:  # noqa: BLE001  it is raised where the work came from
            self._error = self._error or error
            answer.set_exception(error)
