"""One look at every answer that a process is writing: which is to stop, and who has lost the right to ask.

Enters: the answers, each with its asker and the sign-in that asked. Leaves: what was seen of each. A few statements
for all of them together, however many there are: each for itself, a hundred answers took a third of a processor for
looking alone. Keeps law 3: each asker is looked up as their own door would, and one who is gone stands in nobody's way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from plugin.access.viewer import Viewer
from plugin.errors import DocentError, Refused
from plugin.store._acting import act, fresh
from plugin.store._context import Context, gone, members_facts
from plugin.store._engine import SIGN_IN
from plugin.store._models.history import RunningAnswerRow
from plugin.store.live import living
from plugin.store.policy import Policy

if TYPE_CHECKING:
    from plugin.governance.ai_settings import AiSettings

    May = Callable[[Viewer, AiSettings, Callable[[], Sequence[str]]], None]
    """Raises a DocentError where this member may not ask under these settings; the names are of who could help."""

_answers = RunningAnswerRow.__table__
STOPPING = select(_answers.c.prompt_id, _answers.c.member_id).where(
    _answers.c.workspace_id == bindparam("workspace"), _answers.c.stop
)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer under way: its asker as the assistant reads for them, and the mark of their session or token."""

    viewer: Viewer
    prompt_id: int
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of one answer."""

    stop: bool = False
    lost: DocentError | None = None
    """The right that its asker has lost."""


def look(
    answers: Sequence[Answer],
    may: May,
    transaction: Callable[[int | str], AbstractContextManager[Session]],
    begun: Callable[[Session, int], Context],
    finish: Callable[[Context], None],
) -> list[Seen]:
    """What is so of each answer at this moment, in their order."""
    marks = {each.mark for each in answers if each.mark}
    alive: set[str] = set()
    if marks:
        with transaction(SIGN_IN) as session:
            alive = living(session, marks)
    seen: dict[int, Seen] = {}
    signed: list[tuple[int, Answer]] = []
    for place, each in enumerate(answers):
        if each.mark and each.mark not in alive:
            seen[place] = Seen(lost=_ended())
        else:
            signed.append((place, each))
    signed.sort(key=_workspace)
    for workspace_id, group in groupby(signed, key=_workspace):
        acted: list[Context] = []
        try:
            with transaction(workspace_id) as session:
                seen.update(_in_workspace(list(group), may, partial(begun, session, workspace_id), acted))
        finally:
            for context in acted:
                finish(context)
    return [seen[place] for place in range(len(answers))]


def _in_workspace(
    group: Sequence[tuple[int, Answer]], may: May, begin: Callable[[], Context], acted: list[Context]
) -> Iterator[tuple[int, Seen]]:
    """Each answer of one workspace; who acted is told in `acted`, as what they were denied is written down later."""
    ours = begin()
    connection = ours.session.connection()
    stopping = {
        (row.prompt_id, row.member_id)
        for row in connection.execute(STOPPING, {"workspace": ours.workspace_id})
    }
    asking = sorted({each.viewer.member_id for _place, each in group})
    members = members_facts(ours.session, ours.workspace_id, asking)
    policy = Policy(ours)
    ai = policy.ai()
    for place, each in group:
        stop = (each.prompt_id, each.viewer.member_id) in stopping
        try:
            acting = members.get(each.viewer.member_id)
            if acting is None:
                raise gone()
            context = begin()
            acted.append(context)
            act(context, each.viewer, acting)
            may(fresh(each.viewer, context), ai, policy.admins)
            yield place, Seen(stop)
        except DocentError as lost:
            yield place, Seen(stop, lost)


def _workspace(placed: tuple[int, Answer]) -> int:
    return placed[1].viewer.workspace_id


def _ended() -> Refused:
    return Refused(
        "The session or token that asked this has ended, and the answer with it.",
        rule="sign_in.session",
        who="you, by signing in again",
    )
