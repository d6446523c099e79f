"""See as: which resources a member sees on a surface, and the rule that admitted or hid each. For admins.

The condition is the one of every read (`_visible.visible`), asked with the member's own facts; the words beside it are
made from the same tables and settings. It is audited, since it says what somebody else can see.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, func, select

from plugin.access.ai_rules import AiRule, parse_rules
from plugin.access.viewer import Role
from plugin.errors import NotFound
from plugin.store._context import Context, member_facts
from plugin.store._models.catalog import ResourceRow, ZoneTeamRow
from plugin.store._models.people import AccountRow, MemberRow, TeamRow
from plugin.store._visible import allowed_for_ai, visible
from plugin.store.listing import NOT_COLUMN
from plugin.store.policy import stored_values, value_of

MOST = 5_000
PERSON, ASSISTANT = "person", "assistant"


@dataclass(frozen=True, slots=True)
class Seen:
    """One resource as the member would find it, or not."""

    id: int
    kind: str
    qualified_name: str
    visible: bool
    rule: str


def see_as(
    context: Context,
    email: str,
    surface: str = PERSON,
    kinds: Sequence[str] = ("table", "view"),
    text: str = "",
) -> tuple[Seen, ...]:
    """Resources of some kinds with their verdicts, the first `MOST` by name of those with `text` in their qualified
    names. NotFound where no active member has that address.
    """
    session, workspace_id = context.session, context.workspace_id
    member_id = session.scalar(
        select(MemberRow.id)
        .join(AccountRow, AccountRow.id == MemberRow.account_id)
        .where(
            MemberRow.workspace_id == workspace_id,
            MemberRow.state == "active",
            AccountRow.email == email.strip().lower(),
        )
    )
    if member_id is None:
        raise NotFound(f"there is no active member {email}")
    facts = member_facts(session, workspace_id, member_id).facts
    for_ai = surface == ASSISTANT
    rules = parse_rules(value_of(stored_values(session, workspace_id), "ai.filters")) if for_ai else ()
    theirs = replace(context, facts=facts, for_ai=for_ai, ai_rules=rules, denials=[], after=[])
    as_person = replace(theirs, for_ai=False, ai_rules=())
    wanted: list[ColumnElement[bool]] = [
        ResourceRow.workspace_id == workspace_id,
        ResourceRow.kind.in_(kinds),
    ]
    if text:
        folded = func.coalesce(ResourceRow.qualified_folded, func.lower(ResourceRow.qualified_name))
        wanted.append(folded.contains(text.lower(), autoescape=True))
    if "column" not in kinds:
        wanted.append(NOT_COLUMN)
    # The verdicts are asked beside each row. As conditions they would be looked up from the member's side: all that the
    # member sees, its columns too, for the first few by name.
    rows = session.execute(
        select(
            ResourceRow.id, ResourceRow.kind, ResourceRow.qualified_name, ResourceRow.zone_id,
            visible(theirs).label("seen"), visible(as_person).label("by_person"),
        )
        .where(*wanted)
        .order_by(ResourceRow.qualified_name)
        .limit(MOST)
    ).all()  # fmt: skip
    if len(rows) == MOST:
        wanted.append(ResourceRow.qualified_name <= rows[-1].qualified_name)
    holders = _holders(context)
    filtered = _filtered(context, rules, wanted)
    out = []
    for row in rows:
        teams = holders.get(row.zone_id, {})
        if not row.by_person:
            held = ", ".join(sorted(teams.values())) or "no team"
            why = f"hidden: none of their teams holds it; it is held by {held}"
        elif not row.seen:
            why = f"hidden from the assistant: {filtered.get(row.id, 'no including AI filter lets it in')}"
        elif facts.role is Role.ADMIN:
            why = "admitted: an admin sees every resource"
        else:
            through = sorted(name for team, name in teams.items() if team in facts.team_ids)
            why = f"admitted: through {', '.join(through)}"
        out.append(Seen(row.id, row.kind, row.qualified_name, bool(row.seen), why))
    context.audit("people.see_as", "done", target=facts.email, detail={"surface": surface})
    return tuple(out)


def _holders(context: Context) -> dict[int, dict[int, str]]:
    found: dict[int, dict[int, str]] = {}
    rows = context.session.execute(
        select(ZoneTeamRow.zone_id, TeamRow.id, TeamRow.name)
        .join(TeamRow, TeamRow.id == ZoneTeamRow.team_id)
        .where(TeamRow.workspace_id == context.workspace_id)
    )
    for zone, team, name in rows:
        found.setdefault(zone, {})[team] = name
    return found


def _filtered(
    context: Context, rules: Sequence[AiRule], wanted: Sequence[ColumnElement[bool]]
) -> dict[int, str]:
    """For each resource that an excluding filter leaves out: which."""
    found: dict[int, str] = {}
    for rule in rules:
        if rule.effect == "exclude":
            kept = select(ResourceRow.id).where(
                *wanted, allowed_for_ai((rule,), ResourceRow, context.workspace_id)
            )
            out = select(ResourceRow.id).where(*wanted, ResourceRow.id.not_in(kept))
            for number in context.session.scalars(out):
                found.setdefault(number, f'the AI filter "{rule.describe()}"')
    return found
