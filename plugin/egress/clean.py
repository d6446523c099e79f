"""Which of the catalog's texts have nothing in them that must be redacted, so that each is looked through once.

Enters: digests of texts. Leaves: whether nothing was found in that very text, for one workspace under one set of
patterns and regions. No text is kept, nothing in which there was something, and nothing of people.
"""

from __future__ import annotations

from collections.abc import Hashable
from hashlib import blake2b

MOST_CLEAN = 20_000
"""Digests of texts that are remembered for a workspace: 2.5 MB."""
MOST_KNOWN = 40
"""Workspaces whose clean texts are remembered at once."""


class Clean:
    """Texts in which nothing was found, by their digest: the same names and columns leave question after question.

    For one workspace, its patterns and its regions. It holds no text, and nothing in which there was something; people
    are looked for each time, for who they are is another matter with each asker.
    """

    def __init__(self) -> None:
        self._digests: dict[bytes, None] = {}

    @staticmethod
    def digest(text: str) -> bytes:
        """What a text is known by."""
        return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()

    def __contains__(self, digest: bytes) -> bool:
        return digest in self._digests

    def add(self, digest: bytes) -> None:
        """Nothing is in the text of this digest. The oldest half goes when there are too many."""
        if len(self._digests) >= MOST_CLEAN:
            for old in list(self._digests)[: MOST_CLEAN // 2]:
                self._digests.pop(old, None)
        self._digests[digest] = None


class CleanTexts:
    """The clean texts of each workspace, as far as its patterns and regions are those of today."""

    def __init__(self) -> None:
        self._known: dict[Hashable, Clean] = {}

    def of(self, *what: Hashable) -> Clean:
        """Those of a workspace, its patterns and its regions."""
        if what not in self._known and len(self._known) >= MOST_KNOWN:
            self._known.clear()
        return self._known.setdefault(what, Clean())
