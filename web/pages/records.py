"""The audit log, the ledger and usage: tables that filter and export. They hold no text that anybody wrote."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Blueprint, Response, current_app, render_template, request, url_for

from plugin.access.viewer import Surface
from plugin.egress.prices import NOTED, unchecked
from plugin.errors import BadInput
from plugin.governance.ocsf import events
from plugin.governance.verified import LatestVerified, Verified
from web.services import admin, only_admins, viewer

bp = Blueprint("records", __name__)
bp.before_request(only_admins())
OUTCOMES = ("allow", "deny", "done", "failed")


def _next(endpoint: str, cursor: str | None) -> str | None:
    kept = {name: value for name, value in request.args.items() if name not in ("cursor", "verify") and value}
    return url_for(endpoint, **kept, cursor=cursor) if cursor else None


def _day(name: str, after: timedelta = timedelta()) -> datetime | None:
    """A day of the filter as a moment in UTC, or None; BadInput where it is no date."""
    given = request.args.get(name, "")
    if not given:
        return None
    try:
        return datetime.fromisoformat(given).replace(tzinfo=UTC) + after
    except ValueError:
        raise BadInput("A day is written as 2026-11-21.", field=name) from None


def _verified(name: str, chain: Any) -> Verified:
    """Is a chain whole? A long one is read for this only where the person asks (`?verify=now`)."""
    latest = current_app.extensions.setdefault("docent_verified", LatestVerified())
    now = request.args.get("verify") == "now"
    verdict: Verified = latest.of(viewer().workspace_id, name, chain.head()["seq"], chain.verify, now=now)
    return verdict


@bp.get("/audit")
def audit() -> str:
    """The audit log, newest first."""
    with admin() as door:
        found = door.audit.entries(
            actor=request.args.get("actor") or None, action=request.args.get("action") or None,
            outcome=request.args.get("outcome") or None, rule=request.args.get("rule", "").strip() or None,
            target=request.args.get("target", "").strip() or None, surface=request.args.get("surface") or None,
            since=_day("since"), until=_day("until", timedelta(days=1)),
            cursor=request.args.get("cursor"), limit=100,
        )  # fmt: skip
        actions = door.audit.actions()
        verified = _verified("audit log", door.audit)
    return render_template(
        "governance/audit.html", found=found, actions=actions, outcomes=OUTCOMES, verified=verified,
        surfaces=[each.value for each in Surface], next_url=_next("records.audit", found.next_cursor),
    )  # fmt: skip


@bp.get("/ledger")
def ledger() -> str:
    """The ledger, newest first."""
    with admin() as door:
        found = door.ledger.entries(
            member=request.args.get("member") or None, provider=request.args.get("provider") or None,
            status=request.args.get("status") or None, purpose=request.args.get("purpose") or None,
            since=_day("since"), until=_day("until", timedelta(days=1)), cursor=request.args.get("cursor"), limit=100,
        )  # fmt: skip
        verified = _verified("ledger", door.ledger)
    return render_template(
        "governance/ledger.html",
        found=found,
        verified=verified,
        next_url=_next("records.ledger", found.next_cursor),
    )


def _lines(entries: Iterable[Any], name: str) -> Response:
    body = "".join(json.dumps(each, default=str, ensure_ascii=False) + "\n" for each in entries)
    response = Response(body, mimetype="application/jsonl")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@bp.get("/audit.jsonl")
def audit_export() -> Response:
    """The audit log as JSON lines, oldest first, with its hashes; with `?format=ocsf` as a SIEM reads it."""
    as_ocsf = request.args.get("format") == "ocsf"
    with admin() as door:
        entries: Iterable[Any] = list(door.audit.export())
    if as_ocsf:
        return _lines(events(entries, viewer().workspace_slug), "docent-audit.ocsf.jsonl")
    return _lines(entries, "docent-audit.jsonl")


@bp.get("/ledger.jsonl")
def ledger_export() -> Response:
    """The ledger as JSON lines, oldest first, with its hashes."""
    with admin() as door:
        return _lines(list(door.ledger.export()), "docent-ledger.jsonl")


@bp.get("/<any(ledger, audit):chain>/head.json")
def head(chain: str) -> Response:
    """The signed head of a chain, to keep elsewhere: `docent ledger check-head` checks it later."""
    with admin() as door:
        made = (door.ledger if chain == "ledger" else door.audit).head()
    response = Response(json.dumps(made, indent=1) + "\n", mimetype="application/json")
    response.headers["Content-Disposition"] = f'attachment; filename="docent-{chain}-head.json"'
    return response


@bp.get("/usage")
def usage() -> str:
    """Use without content, by day, model and member."""
    days = min(max(request.args.get("days", 30, int) or 30, 1), 366)
    with admin() as door:
        values = {
            "by_day": door.usage.by_day(days),
            "by_model": door.usage.by_model(days),
            "by_member": door.usage.by_member(days),
        }
    most = max((each.requests for each in values["by_day"]), default=1)
    today, used = datetime.now(UTC).date(), {each.key: each.requests for each in values["by_day"]}
    span = [(today - timedelta(days=back)).isoformat() for back in range(days, -1, -1)]
    # A day without use has its place.
    plot = [(day, used.get(day, 0)) for day in span if day in used or day > span[0]]
    return render_template(
        "governance/usage.html", days=days, most=most, plot=plot, prices_noted=NOTED,
        unchecked=sorted({each.key for each in values["by_model"] if unchecked(each.key.partition("/")[2])}), **values,
    )  # fmt: skip
