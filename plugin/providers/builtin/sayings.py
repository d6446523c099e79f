"""Plans that say fixed words or leave a change for a person: help, what needs a model, proposals."""

from __future__ import annotations

import re
from collections.abc import Callable

from plugin.providers.builtin.phrases import code, lines, named, plain
from plugin.providers.builtin.resolve import NEEDS_MODEL, not_found, resolve
from plugin.providers.builtin.talk import Given, Plan, Talk, Want, things
from plugin.providers.builtin.told import description
from plugin.providers.builtin.understand import Intent

HELP = """I answer from this catalog alone; nothing you type leaves this server. You can ask, for example:

- Where can I find data about refunds?
- What is `sales.orders`? Who owns it? How fresh is it?
- What does "active customer" mean?
- What feeds it, what depends on it, what breaks if I drop it?
- How do orders and customers join?
- Which tables are the most popular, undocumented, or without an owner?
- Which queries run most often on orders? How often is it used? Which tables does nobody use?
- Which columns look personal?
- How many tables are in sales? Which table has `customer_id`?
- How many orders per month? (I write the SQL; who may query the source runs it.)"""


# --- proposals and plain words ---------------------------------------------------------------------------------------


def _propose(field: str) -> Callable[[Talk, Intent], Plan]:
    def planned(talk: Talk, intent: Intent) -> Plan:
        meant = yield from resolve(talk, intent.slot("s"), column=True)
        if meant.thing is None or meant.loose:
            return not_found(meant)
        value = intent.slot("value")
        given: Given = yield Want(
            "propose", {"resource": str(meant.thing.id), "field": field, "value": value}
        )
        if given.failed:
            return plain(given.said)
        return (
            f"Proposed for {named(meant.thing)}: {field} {code(value)}. It waits for a person to accept it."
        )

    return planned


propose_tag = _propose("tag")
propose_owner = _propose("owner")
propose_description = _propose("description")


def needs_model_text(talk: Talk, intent: Intent) -> Plan:
    """Writing a text needs a model; show what there is."""
    meant = yield from resolve(talk, intent.slot("s"), column=True)
    said = description(meant.thing) if meant.thing is not None else not_found(meant)
    return f"{NEEDS_MODEL}\n\nWhat the catalog has: {said}"


def needs_model(talk: Talk, intent: Intent) -> Plan:
    """Reasons, forecasts and advice need a model; offer what the catalog has about the topic."""
    text = NEEDS_MODEL
    phrase = intent.slot("s")
    if not phrase:
        return text
    given = yield Want("search", {"text": phrase, "limit": 5})
    found = [each for each in things(given.fragments) if each.kind != "column"]
    return f"{text}\n\nFrom the catalog, these may help:\n\n{lines(found)}" if found else text


def change(talk: Talk, intent: Intent) -> Plan:
    """A request to change data: said that nothing here does, and what would feel it where the thing is known."""
    from plugin.providers.builtin.relations import may_drop

    text = "I cannot change data: Docent reads metadata, and Run SQL reads only. Nothing was changed."
    match = re.match(
        r"(?:drop|delete|truncate|alter)(?: the)? (?:table|view|column)?\s*(?P<s>[\w.]+)$",
        intent.question,
        re.I,
    )
    if match is None:
        return text
    felt = yield from may_drop(talk, Intent("may_drop", {"s": match["s"]}, intent.question, intent.quoted))
    return f"{text} What depends on it:\n\n{felt}"


def _said(text: str) -> Callable[[Talk, Intent], Plan]:
    def planned(talk: Talk, intent: Intent) -> Plan:
        yield from ()
        return text

    return planned


def foreign(talk: Talk, intent: Intent) -> Plan:
    """A question in German, French or Spanish: said so, and answered in English with what its words find."""
    from plugin.providers.builtin.find import find

    words = " ".join(
        each for each in intent.slot("s").split() if each.lower() not in ("table", "tables", "owner")
    )
    if not words:
        return f"I answer in English. {HELP}"
    found = yield from find(talk, Intent("find", {"s": words}, intent.question, intent.quoted))
    return f"I answer in English; here is what I found for {code(words)}:\n\n{found}"


turn_on_model = _said(
    NEEDS_MODEL + " Text then goes to that provider, redacted; the chip beside the question says where."
)
help_text = _said(HELP)
greeting = _said(
    "Hello. Ask me what data there is, what it means, where it comes from and how to query it.\n\n" + HELP
)
chat = _said(
    "I am Docent's built-in assistant: rules over your catalog, no language model. Ask me about your data.\n\n"
    + HELP
)
thanks = _said("You are welcome.")


def activity(talk: Talk, intent: Intent) -> Plan:
    """Who changed something here: told by its page and the audit log, which a chat does not read."""
    meant = yield from resolve(talk, intent.slot("s"), column=True)
    if meant.thing is None:
        return not_found(meant)
    return (
        f"Who changed what of {named(meant.thing)} here is on its page under Activity; an admin finds it in the audit "
        "log as well. Of changes at the source a sync sees what changed, never who did it: ask “what changed in "
        f"{plain(meant.thing.name)}?”"
    )
