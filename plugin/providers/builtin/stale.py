"""What an answer says of things that may no longer hold: one line below it, whatever the question was.

Enters: an answer with its citations and the talk that it rests on. Leaves: a note, or nothing.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import chain

from plugin.providers.builtin.phrases import code, listed, plain
from plugin.providers.builtin.talk import CITED, Talk, things

MOST = 5
SAID = ("Stale: ", " is stale: ", "This may be out of date: ")
"""How answers about one thing say it themselves."""


def note(answer: str, talk: Talk) -> str:
    """Which cited things are gone at their source, were synced long ago or are from before a sync that failed."""
    cited = set(CITED.findall(answer))
    if not cited or any(said in answer for said in SAID):
        return ""
    names: dict[str, dict[str, None]] = defaultdict(dict)
    for each in things(chain(talk.context, *(given.fragments for given in talk.given))):
        if each.text("freshness") and cited & {str(each.id), each.qualified}:
            names[each.text("freshness")][each.qualified] = None
    lines = []
    for words, which in names.items():
        shown = [code(name) for name in which][:MOST]
        more = f" and {len(which) - MOST} more" if len(which) > MOST else ""
        lines.append(f"This may be out of date: {listed(shown)}{more} ({plain(words)}).")
    return "\n\n" + "\n\n".join(lines) if lines else ""
