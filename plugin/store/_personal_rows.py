"""Every table that names a person, and what of it stands in that person's export (promise P35).

Enters: the tables as they are. Leaves: rows as plain values, and the tables that nobody thought of: the Trust page
turns red for a new table that names a person and is neither exported nor named here with a reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import or_, select

from plugin.store._context import Context
from plugin.store._models import Base
from plugin.store._models.catalog import OwnerRow, ProposalRow, ResourceRow
from plugin.store._models.governance import AuditRow, LedgerRow, NoticeRow, ReceiptRow
from plugin.store._models.history import BreakGlassRow, ChatRow, ShareRow
from plugin.store._models.integrations import ApprovedQueryRow
from plugin.store._models.people import (
    AccountRow,
    GroupMemberRow,
    GroupRow,
    MemberRow,
    SessionRow,
    TeamMemberRow,
    TeamRow,
    TokenRow,
)
from plugin.store._visible import visible

RECORDS: dict[str, tuple[Any, Any, tuple[str, ...]]] = {
    "tokens": (TokenRow, TokenRow.member_id, ("name", "scopes", "created", "expires", "last_used")),
    "run_sql": (ReceiptRow, ReceiptRow.member_id, ("at", "integration_id", "statement", "verdict", "reason")),
    "notices": (NoticeRow, NoticeRow.member_id, ("at", "kind", "facts", "seen")),
    "proposals": (ProposalRow, ProposalRow.member_id, ("at", "resource_id", "field", "value", "state")),
    "read_by_an_admin": (BreakGlassRow, BreakGlassRow.author_id, ("at", "until", "seen")),
    "audit": (AuditRow, AuditRow.member_id, ("hash", "at", "surface", "action", "outcome", "rule", "target")),
    "requests": (
        LedgerRow, LedgerRow.member_id,
        ("hash", "at", "surface", "provider", "host", "region", "model", "purpose", "body_bytes", "status"),
    ),
}  # fmt: skip
"""Name in the export -> table, the column that names the person, and the columns that are given."""
ELSEWHERE = frozenset(
    {
        "prompts", "chats", "templates", "memories", "approved_queries", "members", "accounts", "sessions",
        "team_members", "group_members", "resource_owners",
    }
)  # fmt: skip
"""Exported too, each by its own lines below or in `personal.py`."""
NOT_THEIRS = {
    "running_answers": "an id that is there while an answer is being written",
    "invitations": "names who invited; the invited person is no member yet",
}
MAY_OUTLIVE = frozenset({"audit_log", "ledger"})
"""Chains without content: a line stays, or the chain would break."""
PERSON = ("members", "accounts")


@dataclass(frozen=True, slots=True)
class Personal:
    """How the tables that name a person stand."""

    exported: int
    unlisted: tuple[str, ...] = ()
    """Tables that name a person and are in no export."""
    left: tuple[str, ...] = ()
    """Tables with rows of members who were removed."""


def personal_tables(context: Context) -> Personal:
    """Look at every table now."""
    listed = {each[0].__tablename__ for each in RECORDS.values()} | ELSEWHERE
    naming = {table.name: table for table in Base.metadata.sorted_tables if _names_a_person(table)}
    there = select(MemberRow.id)
    left = [
        name
        for name, table in naming.items()
        if "member_id" in table.c
        and name not in MAY_OUTLIVE
        and context.session.scalar(
            select(table.c.member_id)
            .where(
                table.c.workspace_id == context.workspace_id,
                table.c.member_id.is_not(None),
                table.c.member_id.not_in(there),
            )
            .limit(1)
        )
        is not None
    ]
    return Personal(
        len(listed & set(naming)), tuple(sorted(set(naming) - listed - set(NOT_THEIRS))), tuple(left)
    )


def _names_a_person(table: Any) -> bool:
    return table.name in PERSON or any(
        column.name in ("member_id", "account_id")
        or any(key.column.table.name in PERSON for key in column.foreign_keys)
        for column in table.columns
    )


def records_of(context: Context, member_id: int) -> dict[str, Any]:
    """Who they are here, and every record that names them, as plain values. No secret and no hash of one is in it."""
    session, workspace = context.session, context.workspace_id
    member = session.get_one(MemberRow, member_id)
    account = session.get_one(AccountRow, member.account_id)
    teams = (
        select(TeamRow.name)
        .join(TeamMemberRow, TeamMemberRow.team_id == TeamRow.id)
        .where(TeamMemberRow.member_id == member_id)
    )
    groups = (
        select(GroupRow.name)
        .join(GroupMemberRow, GroupMemberRow.group_id == GroupRow.id)
        .where(GroupMemberRow.member_id == member_id)
    )
    sessions = select(SessionRow).where(
        SessionRow.account_id == account.id,
        or_(SessionRow.workspace_id == workspace, SessionRow.workspace_id.is_(None)),
    )
    owned = (
        select(ResourceRow.qualified_name)
        .join(OwnerRow, OwnerRow.resource_id == ResourceRow.id)
        # Of what they own and may not see any more its owner is told nothing either.
        .where(OwnerRow.workspace_id == workspace, OwnerRow.member_id == member_id, visible(context))
    )
    shared = (
        select(ShareRow.chat_id, ShareRow.subject, ShareRow.subject_id, ShareRow.at)
        .join(ChatRow, ChatRow.id == ShareRow.chat_id)
        .where(ShareRow.workspace_id == workspace, ChatRow.member_id == member_id)
    )
    found: dict[str, Any] = {
        "account": {"email": account.email, "name": account.name, "created": account.created},
        "membership": {
            "role": member.role, "state": member.state, "since": member.created,
            "teams": sorted(session.scalars(teams)), "groups": sorted(session.scalars(groups)),
        },
        "sessions": [_picked(row, ("created", "last_used", "expires", "agent")) for row in session.scalars(sessions)],
        "owner_of": sorted(session.scalars(owned)),
        "shared_chats": [dict(row._mapping) for row in session.execute(shared)],
        "saved_queries": [
            context.vault.open_json("approved_queries", "sealed", row.sealed, row=row.uid)
            | _picked(row, ("integration_id", "approved_by", "approved_at", "updated"))
            for row in session.scalars(
                select(ApprovedQueryRow).where(
                    ApprovedQueryRow.workspace_id == workspace, ApprovedQueryRow.member_id == member_id
                )
            )
        ],
    }  # fmt: skip
    for name, (table, column, fields) in RECORDS.items():
        rows = session.scalars(
            select(table).where(table.workspace_id == workspace, column == member_id).order_by(table.id)
        )
        found[name] = [_picked(row, fields) for row in rows]
    return found


def _picked(row: Any, fields: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in fields}
