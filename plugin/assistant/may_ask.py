"""The rules that decide whether a member may ask at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from plugin.access.viewer import Role, Viewer
from plugin.errors import Refused

if TYPE_CHECKING:
    from plugin.governance.ai_settings import AiSettings


def may_ask(viewer: Viewer, ai: AiSettings, admins: Callable[[], Sequence[str]]) -> None:
    """Raises Refused, naming the rule and who opens it."""
    if "ask" not in viewer.scopes:
        raise Refused("This token may not ask questions.", rule="token.scope", who="whoever made the token")
    if not ai.enabled:
        names = ", ".join(admins()) or "an admin"
        raise Refused(
            f"The assistant is off for this workspace; {names} can turn it on.", rule="ai.enabled", who=names
        )
    if viewer.role is Role.GUEST and not ai.guests_may_ask:
        raise Refused(
            "Guests may not ask in this workspace.", rule="ai.guests_may_ask", who=", ".join(admins())
        )


def may_choose(viewer: Viewer, provider: str | None) -> None:
    """Refused where a provider is named by somebody who is no admin."""
    if provider and not viewer.is_admin:
        raise Refused("Only an admin may choose another provider.", rule="admin", who="an admin")
