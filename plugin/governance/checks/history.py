"""P30 to P36: history is its author's."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from plugin.governance.checks.facts import (
    OPERATOR,
    RAN,
    READ,
    Check,
    Facts,
    Finding,
    broken,
    clock_fault,
    clock_said,
    kept,
)
from plugin.governance.checks.out import NO_PAGES


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


def page_only(facts: Facts) -> Finding:
    """P31: no script writes what was typed, no page is kept by the browser, no box remembers."""
    if facts.pages is None:
        return Finding(OPERATOR, NO_PAGES, READ)
    if facts.pages.stores:
        return broken(f"a script writes to the browser's storage: {facts.pages.stores[0]}", RAN)
    cached = [path for path, said in facts.pages.caching.items() if "no-store" not in said]
    if cached:
        return broken(f"the browser may keep pages: {', '.join(cached)}", RAN)
    if facts.pages.kept_by_browser:
        return broken(
            f"the browser may remember what is typed: {', '.join(facts.pages.kept_by_browser)}", RAN
        )
    return kept(
        f"{facts.pages.scripts} scripts were read: they keep the width of a panel and nothing typed; pages are sent as "
        "not to be stored, and no box lets the browser remember",
        RAN,
    )


def templates(facts: Facts) -> Finding:
    """P32: variables are found, and templates are sealed."""
    from plugin.store.template_text import VARIABLE

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
    late = clock_fault(facts, "expiry")
    if late:
        return late
    said = f"{facts.ai.history_max_prompts} prompts, {facts.ai.history_days} days"
    return kept(
        f"{said}; no chat holds more and no prompt is older; enforced at each write and by the clock; "
        f"{clock_said(facts, 'expiry')}"
    )


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


def erase(facts: Facts) -> Finding:
    """P35: every table that names a person is in their export or says why not; of who was removed nothing is left."""
    found = facts.database.personal
    if found.unlisted:
        return broken(f"tables that name a person, in no export: {', '.join(found.unlisted)}")
    if found.left:
        return broken(f"rows of members who were removed: {', '.join(found.left)}")
    return kept(
        f"{found.exported} kinds of rows that name a person are in their own export; of members who were removed none "
        "is left; a receipt counts what an erasure deleted"
    )


def memory(facts: Facts) -> Finding:
    """P36: preferences are sealed; each is listed for its owner."""
    if any(place.startswith("memories.") for place in facts.database.open_values):
        return broken("preferences are not sealed")
    return kept("what the assistant remembers is sealed, listed for its owner and can be erased")


CHECKS: tuple[Check, ...] = (own_history, page_only, templates, session_limits, export, erase, memory)
