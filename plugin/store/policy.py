"""The workspace's settings for reading: what every member's door gives, and how stored values become typed ones."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from plugin.access.personas import SETTING, Persona, named, parse_personas
from plugin.access.viewer import Role
from plugin.governance.ai_settings import AiSettings, read_ai_settings
from plugin.governance.settings import spec_of
from plugin.store._context import Context
from plugin.store._models.people import AccountRow, MemberRow, TeamRow
from plugin.store._models.settings import SettingRow

KEPT = "settings"
_settings = SettingRow.__table__
STORED = select(_settings.c.key, _settings.c.value).where(_settings.c.workspace_id == bindparam("workspace"))


def stored_values(session: Session, workspace_id: int) -> dict[str, Any]:
    """What is not at its default; read once a transaction, and again after `settings_changed`."""
    kept: dict[int, dict[str, Any]] = session.info.setdefault(KEPT, {})
    if workspace_id not in kept:
        rows = session.connection().execute(STORED, {"workspace": workspace_id})
        kept[workspace_id] = {key: value for key, value in rows}  # noqa: C416 - rows are no pairs to mypy
    return dict(kept[workspace_id])


def settings_changed(session: Session) -> None:
    """A setting was written in this transaction."""
    session.info.pop(KEPT, None)


def value_of(stored: dict[str, Any], key: str) -> Any:
    """A setting's present value."""
    return stored[key] if key in stored else spec_of(key).default


def personas_of(context: Context, stored: Any) -> tuple[Persona, ...]:
    """The personas of the setting `ai.personas` that the acting member may choose."""
    found = parse_personas(stored or [])
    # Asked for whether or not a persona is kept for a team: the number of statements must not tell that one is.
    theirs = select(TeamRow.name).where(
        TeamRow.workspace_id == context.workspace_id, TeamRow.id.in_(context.member.team_ids)
    )
    teams = {name.lower() for name in context.session.scalars(theirs)}
    admin = context.member.role is Role.ADMIN
    return tuple(each for each in found if each.is_for(teams, admin=admin))


def chosen_persona(context: Context) -> Persona:
    """The persona that the acting viewer names. BadInput where there is none, or none for them."""
    stored = context.session.scalar(
        select(SettingRow.value).where(
            SettingRow.workspace_id == context.workspace_id, SettingRow.key == SETTING
        )
    )
    return named(personas_of(context, stored), context.viewer.persona if context.viewer else "")


class Policy:
    """What a member may know about how the workspace is set up."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._stored: dict[str, Any] | None = None

    def ai(self) -> AiSettings:
        """The AI settings."""
        return read_ai_settings(self.setting)

    def setting(self, key: str) -> Any:
        """One setting's present value. BadInput where there is no such key."""
        if self._stored is None:
            self._stored = stored_values(self._context.session, self._context.workspace_id)
        return value_of(self._stored, key)

    def personas(self) -> tuple[Persona, ...]:
        """The personas that this member may choose."""
        return personas_of(self._context, self.setting(SETTING))

    def persona(self) -> Persona | None:
        """The one that the assistant answers as now; None where none was chosen."""
        viewer = self._context.viewer
        return named(self.personas(), viewer.persona) if viewer is not None and viewer.persona else None

    def admins(self) -> tuple[str, ...]:
        """Names of those who can change settings, to say whom to ask."""
        rows = self._context.session.execute(
            select(AccountRow.name, AccountRow.email)
            .join(MemberRow, MemberRow.account_id == AccountRow.id)
            .where(
                MemberRow.workspace_id == self._context.workspace_id,
                MemberRow.role == Role.ADMIN.value,
                MemberRow.state == "active",
            )
            .order_by(AccountRow.name, AccountRow.email)
        )
        return tuple(name or email for name, email in rows)
