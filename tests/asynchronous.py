"""Waiting, in tests: for a coroutine, for what another thread or process does. Nothing here says how fast it must be.

A machine that runs tests stalls for seconds. So a test waits for the thing itself (it has begun, it has ended, the
server runs nothing any more), and HANGS is only there so that what never comes is a failure and not a run without end.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

HANGS = 60.0
"""Seconds after which what has not come never will."""
HOUR = 3600.0
"""Seconds for a limit that a test is not about: whatever it would end has long failed by pytest's own time limit."""


def finished(run: Callable[[], Coroutine[Any, Any, Any]], seconds: float = HANGS) -> Any:
    """What `run()` returns, from a loop and a thread of its own. TimeoutError after `seconds`.

    The thread is the test's own because a browser's driver leaves a loop running in the main one.
    """
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(lambda: asyncio.run(asyncio.wait_for(run(), seconds))).result()


def until(condition: Callable[[], object], seconds: float = HANGS) -> None:
    """Returns as soon as `condition()` holds. AssertionError where it does not come to that."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"it did not come to that in {seconds:g} s"
        time.sleep(0.01)


def when(condition: Callable[[], object], act: Callable[[], object]) -> threading.Thread:
    """`act()` in a thread of its own as soon as `condition()` holds; not at all where it never does."""

    def wait() -> None:
        until(condition)
        act()

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    return thread


@contextmanager
def at_most_of_the_processor(seconds: float) -> Iterator[None]:
    """The block takes no more than these seconds of the processor; what the machine does meanwhile does not count."""
    begun = time.process_time()
    yield
    spent = time.process_time() - begun
    assert spent < seconds, f"{spent:.2f} s of the processor, {seconds:g} s at most"


def ends(thread: threading.Thread, seconds: float = HANGS) -> bool:
    """Whether `thread` comes to its end."""
    thread.join(seconds)
    return not thread.is_alive()
