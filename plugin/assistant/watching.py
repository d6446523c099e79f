"""Is an answer to stop, and may its asker still ask? Looked up once a second for all answers of the process together.

Whichever answer finds its last look a second old looks for every other one as well, so no answer goes on for longer
than that unseen, and a hundred of them cost about what one does. One thread for it was considered: an answer that
waits for it would have to be told when it hangs, and this way the one that looks is the one that waits.
"""

from __future__ import annotations

import threading
import time

from plugin.assistant.may_ask import may_ask
from plugin.assistant.running import LEFT, Running, under_way
from plugin.store.watch import Answer

RECHECK_SECONDS = 1.0
_looking = threading.Lock()


def stopped(entry: Running) -> bool:
    """Has the asker pressed stop, here or in another web process, or left? Asked while a model is silent, too."""
    if not entry.stopped.is_set():
        if entry.gone():
            entry.why = LEFT
            entry.stopped.set()
        else:
            _look(entry)
    return entry.stopped.is_set()


def still_allowed(entry: Running) -> None:
    """A right that is taken away is gone in a stream that is under way, too. Raises what its asker has lost."""
    _look(entry)
    if entry.lost is not None:
        raise entry.lost


def _look(entry: Running) -> None:
    if time.monotonic() - entry.looked < RECHECK_SECONDS:
        return
    with _looking:
        moment = time.monotonic()
        if moment - entry.looked < RECHECK_SECONDS:
            return  # another answer has looked for this one meanwhile
        others = [each for each in under_way() if each.store is entry.store and each is not entry]
        watched = [entry, *others]
        answers = [Answer(each.viewer.as_assistant(), each.prompt_id, each.signed) for each in watched]
        for each, seen in zip(watched, entry.store.look(answers, may_ask), strict=True):
            each.looked, each.lost = moment, each.lost or seen.lost  # what is lost is said at the next event
            if seen.stop:
                each.stopped.set()
