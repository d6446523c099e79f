"""The setting `access.rules` applied where a member's door opens: each request, on every surface."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from plugin.access.viewer import Role, Surface
from plugin.errors import Refused
from plugin.store._context import Context
from plugin.store._models.people import GroupRow, TeamRow

HERE = "127.0.0.1"


def require_conditions(context: Context, lines: Sequence[str]) -> None:
    """Refused(rule="access.condition"), audited, where a rule keeps this member out from where they are."""
    if not lines or kept_out(context, lines) is None:
        return
    context.audit("access", "deny", rule="access.condition")
    raise Refused(
        "Your workspace does not let you in from this network or with this way of signing in.",
        rule="access.condition",
        who="an admin",
    )


def kept_out(context: Context, lines: Sequence[str]) -> str | None:
    """The rule that keeps the acting member out, or None.

    An admin at the machine's own shell is never kept out: whoever sits there holds the database, and it is the way
    back from a rule that went wrong.
    """
    member, viewer = context.member, context.viewer
    surface = viewer.surface if viewer else context.surface
    at_shell = surface is Surface.CLI
    if at_shell and member.role is Role.ADMIN:
        return None
    from plugin.access.conditions import parse_conditions, refusing

    conditions = parse_conditions(lines)
    subjects = {each.subject for each in conditions}
    names: dict[str, set[str]] = {"group": set(), "team": set()}
    for kind, table, ids in (("group", GroupRow, member.group_ids), ("team", TeamRow, member.team_ids)):
        if kind in subjects:
            found = select(table.name).where(table.workspace_id == context.workspace_id, table.id.in_(ids))
            names[kind] = {name.lower() for name in context.session.scalars(found)}
    refused = refusing(
        conditions,
        role=member.role,
        groups=names["group"],
        teams=names["team"],
        address=HERE if at_shell else (viewer.address if viewer else ""),
        method="cli" if at_shell else (viewer.method if viewer else ""),
    )
    return refused.text if refused else None
