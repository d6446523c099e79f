"""The tool `remember`: keep a preference that the person has just stated in so many words.

A model that obeys a column comment must not be able to plant an instruction for later conversations: only words of
the person's own question are kept, and they can see and delete them.
"""

from __future__ import annotations

import re
from typing import Annotated

from plugin.errors import Refused
from plugin.tools import Asker, ToolAnswer, tool

_WORD = re.compile(r"\w+")
_ASKED = re.compile(
    r"\b(?:remember|always|never|prefer|from now on|in future|keep in mind|note that|by default)\b", re.I
)


@tool()
def remember(
    asker: Asker,
    preference: Annotated[str, "the preference, in the person's own words from this question"],
) -> ToolAnswer:
    """Remember a preference that the person states in this very question, for their later questions.

    Use it only when they ask for that ("from now on", "always", "remember"). Use their own words.
    """
    said = {word.lower() for word in _WORD.findall(asker.session.question)}
    wanted = [word.lower() for word in _WORD.findall(preference)]
    if not _ASKED.search(asker.session.question) or not wanted or any(word not in said for word in wanted):
        raise Refused(
            "Only what the person asks to remember, in their own words, is kept.", rule="tool.remember"
        )
    with asker.store.as_viewer(asker.viewer) as mine:
        kept = mine.history.memory.remember(preference)
    return ToolAnswer(
        summary="Remembered your preference", note="It is kept; the person can delete it.", value=kept
    )
