"""How long a thread may keep the interpreter while another waits for it: short, while threads of a sync work together.

One thread reads the source, one makes rows, one writes them. Who reads or writes needs the interpreter between two
system calls or statements, for little and often, while the one that makes rows has always something to do: with
Python's own 5 ms the server that is read and the file that is written stand still for most of the time.
"""

from __future__ import annotations

import sys
import threading

TURN = 0.0005
"""Seconds."""

_lock = threading.Lock()
_working = 0
_usual = 0.0


def shorten() -> None:
    """Some thread begins to work beside another. The interval is one for the whole process."""
    global _working, _usual
    with _lock:
        if _working == 0:
            _usual = sys.getswitchinterval()
            sys.setswitchinterval(min(TURN, _usual))
        _working += 1


def restore() -> None:
    """It has ended; the last one leaves the interval as the first one found it."""
    global _working
    with _lock:
        _working -= 1
        if _working == 0:
            sys.setswitchinterval(_usual)
