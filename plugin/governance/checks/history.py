"""P30 to P36: history is its author's."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from plugin.governance.checks.facts import RAN, STATIC, Check, Facts, Finding, broken, kept


def own_history(facts: Facts) -> Finding:
    """P30: no prompt stands in another's chat, and none is readable without the key."""
    if facts.database.stray_prompts:
        return broken(f"{facts.database.stray_prompts} prompts stand in another member's chat")
    if any(place.startswith(("prompts.", "chats.")) for place in facts.database.open_values):
        return broken("prompts or titles are not sealed")
    return kept(
        f"history is {facts.ai.history}; every prompt is sealed and stands in a chat of its author, whose door alone "
        "reads it"
    )


def page_only(_facts: Facts) -> Finding:
    """P31."""
    return kept("nothing typed is written to the browser's storage", STATIC)


def templates(facts: Facts) -> Finding:
    """P32: variables are found, and templates are sealed."""
    from plugin.store.kept import VARIABLE

    if VARIABLE.findall("about {{ table }} and {{day}}") != ["table", "day"]:
        return broken("the variables of a probe template were not found", RAN)
    if any(place.startswith("templates.") for place in facts.database.open_values):
        return broken("templates are not sealed")
    return kept("a probe's variables were found; templates are kept, sealed, until changed or deleted", RAN)


def session_limits(facts: Facts) -> Finding:
    """P33: nothing is older or more than allowed, so the clock runs."""
    found = facts.database
    if found.late_prompts:
        return broken(
            f"{found.late_prompts} prompts are older than {facts.ai.history_days} days: no clock runs; start "
            "`docent worker`"
        )
    if found.full_chats:
        return broken(f"{found.full_chats} chats hold more than {facts.ai.history_max_prompts} prompts")
    if facts.ai.history_days > 30 or facts.ai.history_max_prompts > 500:
        return broken("the limits are above 30 days or 500 prompts")
    said = f"{facts.ai.history_max_prompts} prompts, {facts.ai.history_days} days"
    return kept(f"{said}; no chat holds more and no prompt is older; enforced at each write and by the clock")


def export(_facts: Facts) -> Finding:
    """P34: a probe exports in every form, and the Python compiles."""
    from plugin.history.export import FORMS, export_chat
    from plugin.store.shapes import Prompt

    sql = ({"sql": "select 1 -- \"\"\" '''"},)
    probe = Prompt(1, 1, datetime.now(UTC), "a \"probe\" \\ '''", "an answer", "done", sql=sql)
    try:
        made = {form: export_chat("Probe", (probe,), form).text for form in FORMS}
        compile(made["py"], "probe", "exec")
        json.loads(made["json"]), json.loads(made["ipynb"])
    except (SyntaxError, ValueError) as error:
        return broken(f"a probe did not export: {type(error).__name__}", RAN)
    return kept(f"a probe exported as {', '.join(sorted(made))}; the Python compiles", RAN)


def erase(_facts: Facts) -> Finding:
    """P35."""
    return kept("each person can export and erase what is theirs, with a receipt", STATIC)


def memory(facts: Facts) -> Finding:
    """P36: preferences are sealed; each is listed for its owner."""
    if any(place.startswith("memories.") for place in facts.database.open_values):
        return broken("preferences are not sealed")
    return kept("what the assistant remembers is sealed, listed for its owner and can be erased")


CHECKS: tuple[Check, ...] = (own_history, page_only, templates, session_limits, export, erase, memory)
