"""What each part of a door gets: the open transaction, whose it is, and who they are at this moment.

Enters: a session and a `Viewer`. Leaves: a `Context` with facts read from the database now, never from the viewer
that the caller kept. Keeps laws 2 and 3: the workspace comes from here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Engine,
    Integer,
    Label,
    Select,
    bindparam,
    cast,
    literal_column,
    null,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from plugin.access.viewer import Role, Surface, Viewer
from plugin.errors import Refused, SignInNeeded
from plugin.store import _engine
from plugin.store._driven import driven_rows
from plugin.store._models.people import (
    AccountRow,
    GroupMemberRow,
    MemberRow,
    TeamGroupRow,
    TeamMemberRow,
    TeamRow,
    WorkspaceRow,
)
from plugin.store._models.settings import SettingRow
from plugin.store._statistics import forget_statistics
from plugin.store._unsaved import Unsaved

if TYPE_CHECKING:
    from plugin.access.ai_rules import AiRule
    from plugin.vault import WorkspaceVault


@dataclass(frozen=True, slots=True)
class MemberFacts:
    """A member as the database has them now."""

    id: int
    account_id: int
    role: Role
    email: str
    name: str
    team_ids: frozenset[int]
    """Teams they are in, directly or through a group; General is among them unless they are a guest."""
    lowered_team_ids: frozenset[int]
    """Those of `team_ids` where they are only a viewer."""
    group_ids: frozenset[int]
    general_team_id: int


@dataclass(slots=True)
class Context:
    """One transaction of one door. `facts` and `viewer` are None where no member acts (ingest, clock)."""

    session: Session
    workspace_id: int
    dialect: str
    """"sqlite" or "postgresql"."""
    load_vault: Callable[[Session, int], WorkspaceVault]
    engine: Engine
    unsaved: Unsaved
    """Prompts of this process that are not stored."""
    facts: MemberFacts | None = None
    viewer: Viewer | None = None
    for_ai: bool = False
    ai_rules: tuple[AiRule, ...] = ()
    surface: Surface = Surface.JOB
    _vault: WorkspaceVault | None = None
    after: list[Callable[[], None]] = field(default_factory=list)
    """Run once the transaction has ended, however it ended."""
    denials: list[Mapping[str, Any]] = field(default_factory=list)
    """Lines of the audit log for what was refused: written when this transaction has ended, rolled back or not."""
    rows: dict[int, Any] | None = field(default_factory=dict, init=False)
    """Visible resources by id that were read on their own, which a page does several times; None for a writer. A
    context made of this one for another reader begins with none of them."""

    @property
    def vault(self) -> WorkspaceVault:
        """Seals and opens this workspace's values; its keys are read once a transaction, when first needed."""
        if self._vault is None:
            # A row may be half made when its first value is sealed: reading the keys must not write it yet.
            with self.session.no_autoflush:
                self._vault = self.load_vault(self.session, self.workspace_id)
        return self._vault

    @property
    def member(self) -> MemberFacts:
        """The acting member. SignInNeeded where nobody acts."""
        if self.facts is None:
            raise SignInNeeded("this needs a member", rule="sign_in")
        return self.facts

    @property
    def is_admin(self) -> bool:
        """May the actor do an admin's work: an admin now, with a credential that allows it?"""
        return self.facts is not None and self.facts.role is Role.ADMIN and self.has_scope("admin")

    def has_scope(self, scope: str) -> bool:
        """Does the credential allow `scope` (read, ask, query, admin)?"""
        return self.viewer is not None and scope in self.viewer.scopes

    def begin_write(self) -> None:
        """Become a writer before reading what the write depends on (see plugin/store/_engine.py)."""
        self.rows = None
        _engine.begin_write(self.session)

    def scrub_after(self) -> None:
        """Something was deleted that must be really gone: once this has ended, empty the write-ahead log."""
        self.after.append(lambda: _engine.scrub(self.engine))

    def put_away_after(self) -> None:
        """This transaction writes much: its end does not wait until the file has it (see plugin/store/_engine.py)."""
        _engine.put_away_later(self.session)
        self.after.append(lambda: _engine.put_away(self.engine))

    def forget_after(self) -> None:
        """Names and addresses were deleted, which are not sealed: no copy of them may live on either."""
        self.scrub_after()
        self.after.append(lambda: forget_statistics(self.engine))

    def audit(
        self,
        action: str,
        outcome: str,
        *,
        rule: str | None = None,
        target: str | None = None,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        """Write one line of the audit log: in this transaction, or for a deny in one of its own when this ends."""
        from plugin.store.audit import append

        append(self, action, outcome, rule=rule, target=target, detail=detail)


_members, _accounts, _workspaces, _teams = (
    row.__table__ for row in (MemberRow, AccountRow, WorkspaceRow, TeamRow)
)
_settings = SettingRow.__table__
_in_teams, _in_groups, _group_teams = (row.__table__ for row in (TeamMemberRow, GroupMemberRow, TeamGroupRow))


def _setting(key: str) -> Label[Any]:
    """What the workspace set under a key that every door asks for; None where it is at its default."""
    found = select(_settings.c.value).where(
        _settings.c.workspace_id == bindparam("workspace"), _settings.c.key == literal_column(f"'{key}'")
    )
    return found.scalar_subquery().label(key.replace(".", "_"))


def _who(is_meant: Callable[[ColumnElement[int]], ColumnElement[bool]]) -> Select[Any]:
    """The members that are meant, each once for each way into a team or a group."""
    directly = select(
        _in_teams.c.member_id,
        cast(null(), Integer).label("group_id"),
        _in_teams.c.team_id.label("team_id"),
        _in_teams.c.lowered.label("lowered"),
    ).where(is_meant(_in_teams.c.member_id), _in_teams.c.workspace_id == bindparam("workspace"))
    by_group = (
        select(_in_groups.c.member_id, _in_groups.c.group_id, _group_teams.c.team_id, _group_teams.c.lowered)
        .outerjoin(_group_teams, _group_teams.c.group_id == _in_groups.c.group_id)
        .where(is_meant(_in_groups.c.member_id), _in_groups.c.workspace_id == bindparam("workspace"))
    )
    ways = union_all(directly, by_group).subquery("ways")
    return (
        select(
            _members.c.id,
            _members.c.account_id,
            _members.c.role,
            _members.c.state,
            _accounts.c.email,
            _accounts.c.name,
            _workspaces.c.slug,
            select(_teams.c.id)
            .where(_teams.c.workspace_id == bindparam("workspace"), _teams.c.is_general)
            .scalar_subquery()
            .label("general"),
            _setting("access.rules"),
            _setting("ai.filters"),
            ways.c.group_id,
            ways.c.team_id,
            ways.c.lowered,
        )
        .join(_accounts, _accounts.c.id == _members.c.account_id)
        .join(_workspaces, _workspaces.c.id == _members.c.workspace_id)
        .outerjoin(ways, ways.c.member_id == _members.c.id)
        .where(is_meant(_members.c.id), _members.c.workspace_id == bindparam("workspace"))
    )


# Built once: each door runs the first, and putting a statement together costs more than running it.
WHO = _who(lambda member: member == bindparam("member"))
WHO_MANY = _who(lambda member: member.in_(bindparam("members", expanding=True)))


class _Way(NamedTuple):
    """A row of `_who`."""

    id: int
    account_id: int
    role: str
    state: str
    email: str
    name: str | None
    slug: str
    general: int
    access_rules: Any
    ai_filters: Any
    group_id: int | None
    team_id: int | None
    lowered: bool | None


class Acting(NamedTuple):
    """What a door asks before anything else, in one statement."""

    facts: MemberFacts
    slug: str
    """The workspace's."""
    access_rules: Sequence[str]
    ai_filters: Any


def member_facts(session: Session, workspace_id: int, member_id: int) -> Acting:
    """Read a member's facts and what decides what they may do. SignInNeeded where they are gone or disabled."""
    connection, meant = session.connection(), {"workspace": workspace_id, "member": member_id}
    rows: Sequence[Any]
    if connection.dialect.name == "sqlite":
        rows = connection.execute(WHO, meant).all()
    else:
        rows = [_Way(*row) for row in driven_rows(connection, WHO, meant)]
    if not rows or rows[0].state != "active":
        raise gone()
    return _acting(rows)


def members_facts(session: Session, workspace_id: int, members: Sequence[int]) -> dict[int, Acting]:
    """The same of many members in one statement; those who are gone or disabled are not among them."""
    rows = session.connection().execute(WHO_MANY, {"workspace": workspace_id, "members": members}).all()
    by_member: dict[int, list[Any]] = {}
    for row in rows:
        if row.state == "active":
            by_member.setdefault(row.id, []).append(row)
    return {member_id: _acting(theirs) for member_id, theirs in by_member.items()}


def gone() -> SignInNeeded:
    """What whoever is no member any more reads."""
    return SignInNeeded("this sign-in is no longer valid; sign in again", rule="sign_in")


def _acting(rows: Sequence[Any]) -> Acting:
    row = rows[0]
    role = Role(row.role)
    ways = [(each.team_id, each.lowered) for each in rows if each.team_id is not None]
    teams = {team for team, _lowered in ways}
    teams.discard(row.general)
    if role is not Role.GUEST:
        teams.add(row.general)
    facts = MemberFacts(
        id=row.id,
        account_id=row.account_id,
        role=role,
        email=row.email,
        name=row.name or row.email.split("@")[0],
        team_ids=frozenset(teams),
        lowered_team_ids=frozenset(team for team, lowered in ways if lowered and team in teams),
        group_ids=frozenset(each.group_id for each in rows if each.group_id is not None),
        general_team_id=row.general,
    )
    return Acting(facts, row.slug, row.access_rules or (), row.ai_filters or [])


def require_admin(context: Context) -> None:
    """Refuse whoever is not an admin now."""
    if not context.is_admin:
        raise Refused("only an admin of this workspace can do that", rule="admin", who="an admin")
