"""What members are told of monitoring of content, also those who join while it is on (promise P40)."""

from __future__ import annotations

from sqlalchemy.orm import Session

from plugin.store.policy import stored_values, value_of

SETTING, DAYS = "monitoring.content", "monitoring.days"
TOLD_ON = (
    "An admin turned on monitoring of content: from now on admins can read your questions and answers in this "
    "workspace, kept apart for {days} days. Trust, promise P40, says how it stands."
)
TOLD_OFF = "Monitoring of content is off again, and what it held was deleted."


def tell_newcomer(session: Session, workspace_id: int, member_id: int) -> None:
    """Somebody became a member: where monitoring is on they are told at once, as everybody was when it began."""
    stored = stored_values(session, workspace_id)
    if not value_of(stored, SETTING):
        return
    from plugin.store._models.governance import NoticeRow

    words = TOLD_ON.format(days=int(value_of(stored, DAYS)))
    facts = {"on": True, "words": words}
    session.add(NoticeRow(workspace_id=workspace_id, member_id=member_id, kind="monitoring", facts=facts))
    session.flush()
