"""Run a coroutine from a test, whatever loop the test's own thread may have (a browser's driver leaves one running)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any


def finished(run: Callable[[], Coroutine[Any, Any, Any]], seconds: float = 60) -> Any:
    """What `run()` returns, from a loop and a thread of its own. TimeoutError after `seconds`."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(lambda: asyncio.run(asyncio.wait_for(run(), seconds))).result()
