"""The assistant: questions in, events out. Keeps laws 8 and 9.

In: a store, the gateway, a viewer and a `Question`. Out: an iterator of events with the contract's names (`step`,
`text`, `citation`, `sql`, `proposal`, `shape`, `done`, `error`) and JSON-able `data`. Reads go through the asker's
own door as the assistant; the model is reached through the gateway only; what it writes is checked against the
catalog and rendered here, so that nothing downstream has to trust it.

    for event in ask(store, gateway, viewer, Question("who owns sales.orders?")):
        send(event.name, event.data)
    stop(store, viewer, prompt_id)                      from any process
    preview(store, gateway, viewer, Question(...))      what would be sent; nothing is
    render(prompt.answer, citations=prompt.citations)   an old answer as safe HTML
    read_again(store, viewer, prompt)                   an old prompt, narrowed to what its reader may see today
    render_again(store, viewer, prompt)                 that as safe HTML
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from plugin.access.viewer import Viewer
from plugin.assistant.again import read_again, render_again
from plugin.assistant.conversation import Earlier, Question, check_text, open_conversation
from plugin.assistant.loop import ask
from plugin.assistant.render import highlight, render
from plugin.assistant.running import count as running_answers
from plugin.assistant.running import stop

if TYPE_CHECKING:
    from plugin.egress.gateway import Gateway, Sent
    from plugin.store import Store

__all__ = [
    "Earlier",
    "Question",
    "ask",
    "highlight",
    "preview",
    "read_again",
    "render",
    "render_again",
    "running_answers",
    "stop",
]


def preview(store: Store, gateway: Gateway, viewer: Viewer, question: Question) -> Sent:
    """Exactly what asking this would send first, redacted, as this viewer. Nothing is sent and nothing is stored."""
    from plugin.egress.parts import Conversation
    from plugin.tools import tool_specs

    checked = check_text(question)
    viewer = replace(viewer, persona=(question.persona or "").strip())
    with store.as_viewer(viewer.as_assistant()) as mine:
        opening = open_conversation(mine, checked, ())
        specs = tool_specs(mine)
    return gateway.preview(viewer.as_assistant(), Conversation(opening.parts, people=opening.people), specs)
