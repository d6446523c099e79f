"""Who a session, a token or a member's id stands for: statements built once.

Every request runs one of them, and putting a statement together costs more than running it. Leaves: rows that
`plugin/store/sign_in.py` makes a `Viewer` of, once it has looked at times and state.
"""

from __future__ import annotations

from sqlalchemy import bindparam, or_, select

from plugin.store._models.people import AccountRow, MemberRow, SessionRow, TokenRow, WorkspaceRow

_accounts, _members, _sessions, _tokens, _workspaces = (
    row.__table__ for row in (AccountRow, MemberRow, SessionRow, TokenRow, WorkspaceRow)
)
_people = _members.join(_accounts, _accounts.c.id == _members.c.account_id).join(
    _workspaces, _workspaces.c.id == _members.c.workspace_id
)
_person = (
    _members.c.id.label("member_id"),
    _members.c.workspace_id,
    _members.c.role,
    _members.c.state,
    _accounts.c.email,
    _accounts.c.name,
    _workspaces.c.slug,
)

BY_MEMBER = select(*_person).select_from(_people).where(_members.c.id == bindparam("member"))
BY_TOKEN = (
    select(_tokens.c.id, _tokens.c.expires, _tokens.c.last_used, _tokens.c.scopes, *_person)
    .select_from(_people.join(_tokens, _tokens.c.member_id == _members.c.id))
    .where(_tokens.c.token_hash == bindparam("hash"))
)
BY_SESSION = (
    select(_sessions.c.id, _sessions.c.expires, _sessions.c.last_used, *_person)
    .select_from(_people.join(_sessions, _sessions.c.account_id == _members.c.account_id))
    .where(
        _sessions.c.token_hash == bindparam("hash"),
        _members.c.state == "active",
        or_(_sessions.c.workspace_id.is_(None), _sessions.c.workspace_id == _members.c.workspace_id),
    )
    .order_by(_members.c.id)
    .limit(1)
)
"""The session with the membership that it acts as: of its workspace, or the first of the account's."""
