"""Prompts that are not stored: kept in this process alone while their page is open, never on a disk.

In history mode `off`, and in `explicit` until their author saves them, this is the only place where a prompt is. It
holds little and forgets soon: enough for a follow-up question and for the save button.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from plugin.store.shapes import Prompt

FIRST_ID = 2**40
"""Ids from here on are never those of a row."""
MOST = 2_000
SECONDS = 2 * 60 * 60


@dataclass(slots=True)
class _Held:
    workspace_id: int
    member_id: int
    prompt: Prompt
    until: float


class Unsaved:
    """Unsaved prompts of one process, each visible to its author only."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: OrderedDict[int, _Held] = OrderedDict()
        self._became: OrderedDict[int, int] = OrderedDict()

    def add(self, workspace_id: int, member_id: int, prompt: Prompt) -> None:
        """Hold a prompt."""
        with self._lock:
            self._sweep()
            self._held[prompt.id] = _Held(workspace_id, member_id, prompt, time.monotonic() + SECONDS)

    def get(self, workspace_id: int, member_id: int, prompt_id: int) -> Prompt | None:
        """The prompt, if it is held and theirs."""
        with self._lock:
            self._sweep()
            held = self._held.get(prompt_id)
            if held is None or (held.workspace_id, held.member_id) != (workspace_id, member_id):
                return None
            return held.prompt

    def change(self, prompt_id: int, **values: Any) -> None:
        """Replace some fields of a held prompt."""
        with self._lock:
            held = self._held.get(prompt_id)
            if held is not None:
                held.prompt = replace(held.prompt, **values)

    def chat(self, workspace_id: int, member_id: int, chat_id: int) -> list[Prompt]:
        """Held prompts of a chat, oldest first."""
        with self._lock:
            self._sweep()
            return [
                held.prompt
                for held in self._held.values()
                if (held.workspace_id, held.member_id, held.prompt.chat_id)
                == (workspace_id, member_id, chat_id)
            ]

    def became(self, old: int, new: int | None = None) -> int:
        """Note that an unsaved id was saved under a new one; returns what the id stands for now."""
        with self._lock:
            if new is not None:
                self._became[old] = new
                while len(self._became) > MOST:
                    self._became.popitem(last=False)
            return self._became.get(old, old)

    def drop(self, prompt_id: int) -> None:
        """Forget a prompt."""
        with self._lock:
            self._held.pop(prompt_id, None)

    def drop_all(self, workspace_id: int, member_id: int | None = None) -> int:
        """Forget everything of a member, or of a workspace; returns how much that was."""
        with self._lock:
            gone = [
                key
                for key, held in self._held.items()
                if held.workspace_id == workspace_id and member_id in (None, held.member_id)
            ]
            for key in gone:
                del self._held[key]
            return len(gone)

    def _sweep(self) -> None:
        moment = time.monotonic()
        while self._held:
            first = next(iter(self._held.values()))
            if first.until > moment and len(self._held) <= MOST:
                return
            self._held.popitem(last=False)


def new_id() -> int:
    """An id for something unsaved; exact in a browser's numbers too."""
    return FIRST_ID + secrets.randbelow(2**51)
