"""Ledger, audit log and usage, for admins. They hold no text."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from web.api.models import AuditQuery, EntryPage, LedgerQuery, UsageOut, plain
from web.api.spec import answers, query, reply, spec
from web.door import scope
from web.services import admin, only_admins

bp = Blueprint("api_records", __name__)
bp.before_request(only_admins())


@bp.get("/ledger")
@scope("admin")
@spec.validate(query=LedgerQuery, resp=answers(EntryPage), tags=["Records"])
def ledger() -> Response:
    """One entry per request to a provider, newest first."""
    asked: LedgerQuery = query()
    with admin() as door:
        found = door.ledger.entries(
            member=asked.member,
            status=asked.outcome,
            since=asked.since,
            cursor=asked.cursor,
            limit=asked.limit,
        )
    return reply(EntryPage, {"items": plain(list(found.items)), "next_cursor": found.next_cursor})


@bp.get("/audit")
@scope("admin")
@spec.validate(query=AuditQuery, resp=answers(EntryPage), tags=["Records"])
def audit() -> Response:
    """The audit log, newest first."""
    asked: AuditQuery = query()
    with admin() as door:
        found = door.audit.entries(
            actor=asked.member, action=asked.action, outcome=asked.outcome, since=asked.since, cursor=asked.cursor,
            limit=asked.limit,
        )  # fmt: skip
    return reply(EntryPage, {"items": plain(list(found.items)), "next_cursor": found.next_cursor})


@bp.get("/usage")
@scope("admin")
@spec.validate(resp=answers(UsageOut), tags=["Records"])
def usage() -> Response:
    """Use of the last 30 days by day, model and member, without content."""
    with admin() as door:
        values: dict[str, Any] = {
            "by_day": plain(list(door.usage.by_day())),
            "by_model": plain(list(door.usage.by_model())),
            "by_member": plain(list(door.usage.by_member())),
        }
    return reply(UsageOut, values)
