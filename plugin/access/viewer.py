"""Who is reading: the one value that every read of the catalog starts from.

A `Viewer` says which member of which workspace asks, on which surface, and whether the reader is the person or the
assistant on their behalf. The store re-reads the member's role and teams each time a door is opened, so a right
that was taken away is gone at the next read and a `Viewer` that somebody kept cannot widen what they see.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class Role(StrEnum):
    """What a member may do in a workspace, strongest first."""

    ADMIN = "admin"
    EDITOR = "editor"
    VIEWER = "viewer"
    GUEST = "guest"


class Surface(StrEnum):
    """Where a request came in."""

    PAGE = "page"
    API = "api"
    MCP = "mcp"
    CLI = "cli"
    JOB = "job"


@dataclass(frozen=True, slots=True)
class Viewer:
    """This member, in this workspace, on this surface; `for_ai` narrows every read by the AI filters.

    `role` and `name`/`email` are as they were when the viewer was made, for display; the store decides by what it
    reads itself.
    """

    workspace_id: int
    member_id: int
    role: Role
    email: str
    name: str
    workspace_slug: str = ""
    surface: Surface = Surface.PAGE
    for_ai: bool = False
    scopes: frozenset[str] = frozenset({"read", "ask", "query", "admin"})
    """What the credential may do: a signed-in person has all four, an API token those it was made with."""
    address: str = ""
    """Where the request came from; "" where that is not known. For conditional access only."""
    method: str = "session"
    """How they proved who they are: session, token or cli."""
    persona: str = ""
    """The persona that the assistant answers as; its filters narrow every read of the assistant further."""

    def as_assistant(self) -> Viewer:
        """The same person, seen through the AI filters."""
        return replace(self, for_ai=True)

    @property
    def is_admin(self) -> bool:
        """Is this member an admin (and the credential allowed to act as one)?"""
        return self.role is Role.ADMIN and "admin" in self.scopes
