"""Workspaces and their people: who is in them, and what they may see. See the package."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from plugin.access.viewer import Role


@dataclass(frozen=True, slots=True)
class Workspace:
    """One world."""

    id: int
    slug: str
    name: str


@dataclass(frozen=True, slots=True)
class Team:
    """A team. `joined` is whether the asking member is in it; `is_general` marks the default team."""

    id: int
    name: str
    private: bool
    is_general: bool = False
    joined: bool = False
    members: int = 0


@dataclass(frozen=True, slots=True)
class Group:
    """A set of people, for ownership, for teams and for query permission."""

    id: int
    name: str
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Member:
    """A person in a workspace. `state`: active or disabled."""

    id: int
    email: str
    name: str
    role: Role
    state: str = "active"
    teams: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    last_seen: datetime | None = None


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation that waits. The link's secret is shown once, when it is made, and stored hashed."""

    id: int
    email: str
    role: Role
    teams: tuple[str, ...]
    expires: datetime


@dataclass(frozen=True, slots=True)
class Grant:
    """What a team was given: a whole integration (no resource), or one resource with everything below it."""

    integration_id: int
    integration: str
    resource_id: int | None = None
    qualified_name: str | None = None


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """A signed-in browser of an account."""

    id: int
    agent: str
    created: datetime
    last_used: datetime
    expires: datetime


@dataclass(frozen=True, slots=True)
class Token:
    """An API token without its secret."""

    id: int
    name: str
    scopes: tuple[str, ...]
    created: datetime
    expires: datetime | None
    last_used: datetime | None
