"""What goes into a question's conversation: instructions, the page, earlier turns, looked-up context, the question.

Every read goes through the asker's own door as the assistant. The order keeps a stable beginning, so that a
provider's prompt cache hits from turn to turn.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from plugin.assistant.prompts import PAGE, SYSTEM, TEMPLATE
from plugin.catalog.context import ContextEntry, context_and_others
from plugin.egress.parts import AssistantText, Context, Fragment, Guidance, Instructions, Part, UserText
from plugin.errors import BadInput, NotFound
from plugin.store.shapes import Prompt, Resource
from plugin.tools import Cited
from plugin.tools.arguments import visible
from plugin.tools.fragments import QUERYABLE, cited, entry_fragment, fragment

if TYPE_CHECKING:
    from plugin.store import ViewerDoor

MOST_TURNS = 8
DROPPED = 3
"""So many of the oldest turns go at once: six to eight stay."""
LONGEST_TURN = 4_000
LONGEST_QUESTION = 20_000
LONGEST_SEARCH = 500
MOST_FOUND = 8
MOST_SCHEMA_TOKENS = 2_000
"""What the tables that were looked up may cost; what the person pointed at comes on top."""
MOST_MENTIONED = 5
_MENTION = re.compile(r"(?<!\w)@([^\W\d][\w$]*(?:\.[^\W\d][\w$]*)*)")
_CITED = re.compile(r"\[(\d{1,3})\]")
_PERSON = re.compile(r"[^\W\d_][\w'’.-]{0,30}(?: [^\W\d_][\w'’.-]{0,30}){1,3}\Z")


@dataclass(frozen=True, slots=True)
class Earlier:
    """A turn that came before and is not in the history, because none is kept: the page sends it along."""

    question: str
    answer: str
    citations: tuple[dict[str, object], ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """What a person asks, and from where.

    `parent_id` is the prompt that this one follows, `page_resource_id` the resource that is open beside the chat,
    `mentions` ids that were picked with @. `provider` overrides the workspace's choice and is for admins.
    """

    text: str
    chat_id: int | None = None
    parent_id: int | None = None
    persona: str | None = None
    page_resource_id: int | None = None
    mentions: tuple[int, ...] = ()
    provider: str | None = None
    earlier: tuple[Earlier, ...] = ()


@dataclass(frozen=True, slots=True)
class Opening:
    """The parts before the first model call, and what was looked up for them."""

    parts: tuple[Part, ...]
    found: tuple[Cited, ...] = ()
    people: dict[str, str] = field(default_factory=dict)
    searched: int = 0


def open_conversation(mine: ViewerDoor, question: Question, turns: Sequence[Prompt]) -> Opening:
    """Build the opening through the asker's door (as the assistant). What they may not see is simply not there."""
    ai = mine.policy.ai()
    parts: list[Part] = [Instructions(TEMPLATE, SYSTEM)]
    if ai.instructions.strip():
        parts.append(Guidance("admin", ai.instructions.strip()))
    persona = mine.policy.persona()
    if persona is not None and persona.instructions:
        parts.append(Guidance("persona", persona.instructions))
    remembered = [memory.text for memory in mine.history.memory.all()]
    if remembered:
        parts.append(
            Guidance(
                "memory", "The person asked to remember:\n" + "\n".join(f"- {each}" for each in remembered)
            )
        )
    page = _resource(mine, question.page_resource_id)
    parts += _turns(question, turns)
    if page is not None:
        parts.append(Guidance("page", PAGE.format(kind=page.kind, name=page.qualified_name, id=page.id)))
    read = _read(mine, question, page)
    known = {each.id for each in read}
    entries, others = _found(
        mine, question.text, min(MOST_SCHEMA_TOKENS, ai.limits.context_tokens // 2), known
    )
    fragments = [_full(mine, each) for each in read]
    fragments += [entry_fragment(each) for each in entries]
    fragments += [fragment(each) for each in others]
    if fragments:
        parts.append(Context(tuple(fragments)))
    parts.append(UserText(question.text))
    found = [*(each.resource for each in entries), *others]
    resources = [*read, *found]
    return Opening(tuple(parts), cited(resources), people_of(mine, resources), len(found))


def people_of(mine: ViewerDoor, resources: Sequence[Resource]) -> dict[str, str]:
    """Names and addresses of the asker and of owners, each with a key that is the same for one person."""
    me = mine.viewer
    people = {me.email.lower(): f"member-{me.member_id}", me.name.lower(): f"member-{me.member_id}"}
    for resource in resources:
        for owner in resource.owners:
            if owner.group_id is not None:
                continue
            key = (
                f"member-{owner.member_id}"
                if owner.member_id
                else f"owner-{(owner.email or owner.name).lower()}"
            )
            if owner.email:
                people.setdefault(owner.email.lower(), key)
            # A source can write anything as an owner; only what looks like a person may be taken out of other text.
            if owner.member_id is not None or _PERSON.match(owner.name):
                people.setdefault(owner.name.lower(), key)
    return {name: key for name, key in people.items() if name}


def check_text(question: Question) -> Question:
    """The question without what cannot be seen. BadInput where there is none or it is too long."""
    from dataclasses import replace

    text = visible(question.text).strip()
    if not text:
        raise BadInput("Type a question first.", field="prompt")
    if len(text) > LONGEST_QUESTION:
        raise BadInput(f"A question has at most {LONGEST_QUESTION:,} characters.", field="prompt")
    return replace(question, text=text)


def _turns(question: Question, turns: Sequence[Prompt]) -> list[Part]:
    earlier = [
        Earlier(each.text, each.answer, tuple(dict(c) for c in each.citations))
        for each in turns
        if each.answer
    ]
    earlier = earlier or list(question.earlier)
    # Dropped by threes: were one dropped at each turn, no two requests of a long chat would begin alike.
    over = max(0, len(earlier) - MOST_TURNS)
    earlier = earlier[-(-over // DROPPED) * DROPPED :]
    parts: list[Part] = []
    for turn in earlier:
        parts.append(UserText(turn.question[:LONGEST_TURN]))
        parts.append(AssistantText(with_names(turn.answer, turn.citations)[:LONGEST_TURN]))
    return parts


def with_names(answer: str, citations: Sequence[dict[str, object]]) -> str:
    """An earlier answer as its writer wrote it: `[1]` becomes `[[12]]`, the id that it stands for."""
    by_number = {str(each.get("n")): each.get("id") for each in citations}
    return _CITED.sub(
        lambda match: f"[[{by_number[match.group(1)]}]]" if by_number.get(match.group(1)) else match.group(0),
        answer,
    )


def _read(mine: ViewerDoor, question: Question, page: Resource | None) -> list[Resource]:
    """What the person pointed at: mentions by id, @names in the text, the page."""
    read: dict[int, Resource] = {}
    for each in question.mentions[:MOST_MENTIONED]:
        found = _resource(mine, each)
        if found is not None:
            read[found.id] = found
    for name in _MENTION.findall(question.text)[:MOST_MENTIONED]:
        try:
            named = mine.catalog.by_name(name)
        except NotFound:
            continue
        read[named.id] = named
    if page is not None:
        read[page.id] = page
    return list(read.values())


def _resource(mine: ViewerDoor, resource_id: int | None) -> Resource | None:
    if resource_id is None:
        return None
    try:
        return mine.catalog.resource(resource_id)
    except NotFound:
        return None


def _found(
    mine: ViewerDoor, text: str, budget: int, known: set[int]
) -> tuple[list[ContextEntry], list[Resource]]:
    """The tables that the question may need, each as short as it covers the question, and what else answers: terms,
    dashboards, metrics, models, documents. Not those `known` already; a column is told with its table.
    """
    if not text.strip():
        return [], []
    tables, others = context_and_others(mine.catalog, text[:LONGEST_SEARCH], budget, beside=MOST_FOUND)
    return (
        [each for each in tables if each.resource.id not in known],
        [each for each in others if each.id not in known],
    )


def _full(mine: ViewerDoor, resource: Resource) -> Fragment:
    if resource.kind not in QUERYABLE:
        return fragment(resource, full=True)
    return fragment(
        resource,
        full=True,
        columns=mine.catalog.columns(resource.id)[:100],
        keys=mine.catalog.keys(resource.id),
    )
