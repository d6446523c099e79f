"""Unusual use, found in the ledger and the audit log by rules that explain themselves; content-free (promise P38).

Enters: one workspace's chains of the last hour and its limits. Leaves: a `Sighting` per rule and member, written as a
notice to the admins and a line of the audit log, once in six hours. Only requests to a provider are in the ledger: a
question that the built-in assistant answered sends nothing, so rate and volume do not count it; denials do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from plugin.egress.webhook import Hook
from plugin.store import _chain
from plugin.store._context import Context
from plugin.store._models.catalog import ResourceRow, ZoneTeamRow
from plugin.store._models.governance import AuditRow, LedgerRow, NoticeRow
from plugin.store._models.people import TeamRow
from plugin.store._rows import chunks
from plugin.store.notices import notify
from plugin.store.policy import stored_values, value_of

WINDOW = timedelta(hours=1)
AGAIN_AFTER = timedelta(hours=6)
KIND = "unusual_use"
REQUESTS_READ = 2_000


@dataclass(frozen=True, slots=True)
class Sighting:
    """One rule that one member's use met. `words` says what was seen and where the limit is."""

    rule: str
    member: str
    seen: int
    limit: int
    words: str


def hook_of(context: Context) -> Hook | None:
    """Where the workspace's notices go beside the app; None where nowhere. Another address has another secret."""
    stored = stored_values(context.session, context.workspace_id)
    url = str(value_of(stored, "watch.webhook"))
    if not url:
        return None
    return Hook(url, context.vault.derived("webhook", url), tuple(value_of(stored, "ai.internal_hosts")))


def watch(context: Context, moment: datetime) -> tuple[Sighting, ...]:
    """Look at the last hour; tell admins what is new. Returns what was told."""
    found = list(_sightings(context, moment))
    if not found:
        return ()
    told = _told(context, moment)
    new = tuple(each for each in found if (each.rule, each.member) not in told)
    for each in new:
        context.begin_write()
        notify(context, KIND, asdict(each))
        context.audit(
            "watch.notice", "done", rule=each.rule, target=each.member,
            detail={"seen": each.seen, "limit": each.limit},
        )  # fmt: skip
    return new


def _sightings(context: Context, moment: datetime) -> Iterator[Sighting]:
    stored = stored_values(context.session, context.workspace_id)
    limits = {
        name: int(value_of(stored, f"watch.{name}_per_hour"))
        for name in ("requests", "megabytes", "denials", "teams")
    }
    since = _chain.moment_text(moment - WINDOW)
    sent = (
        select(LedgerRow.member, func.count(), func.sum(LedgerRow.body_bytes))
        .where(LedgerRow.workspace_id == context.workspace_id, LedgerRow.at >= since)
        .group_by(LedgerRow.member)
    )
    for member, requests, size in context.session.execute(sent):
        if limits["requests"] and requests >= limits["requests"]:
            words = f"{requests:,} requests to a provider in an hour; the limit is {limits['requests']:,}"
            yield Sighting("watch.rate", member, requests, limits["requests"], words)
        megabytes = int(size or 0) // 1_000_000
        if limits["megabytes"] and megabytes >= limits["megabytes"]:
            words = f"{megabytes:,} MB sent to a provider in an hour; the limit is {limits['megabytes']:,}"
            yield Sighting("watch.volume", member, megabytes, limits["megabytes"], words)
    denied = (
        select(AuditRow.actor, func.count())
        .where(
            AuditRow.workspace_id == context.workspace_id, AuditRow.at >= since, AuditRow.outcome == "deny"
        )
        .group_by(AuditRow.actor)
    )
    for member, count in context.session.execute(denied):
        if limits["denials"] and count >= limits["denials"]:
            words = f"denied {count:,} times in an hour; the limit is {limits['denials']:,}"
            yield Sighting("watch.denials", member, count, limits["denials"], words)
    if limits["teams"]:
        yield from _sweeps(context, since, limits["teams"])


def _sweeps(context: Context, since: str, limit: int) -> Iterator[Sighting]:
    """Whose requests used metadata of so many teams. General holds what everybody sees, so it is no sign."""
    used: dict[str, set[int]] = {}
    rows = context.session.execute(
        select(LedgerRow.member, LedgerRow.manifest)
        .where(LedgerRow.workspace_id == context.workspace_id, LedgerRow.at >= since)
        .order_by(LedgerRow.seq.desc())
        .limit(REQUESTS_READ)
    )
    for member, manifest in rows:
        used.setdefault(member, set()).update(_resources(manifest))
    for member, ids in used.items():
        teams: set[int] = set()
        for some in chunks(sorted(ids)):
            teams.update(
                context.session.scalars(
                    select(ZoneTeamRow.team_id)
                    .join(ResourceRow, ResourceRow.zone_id == ZoneTeamRow.zone_id)
                    .join(TeamRow, TeamRow.id == ZoneTeamRow.team_id)
                    .where(
                        ResourceRow.workspace_id == context.workspace_id,
                        ResourceRow.id.in_(some),
                        ~TeamRow.is_general,
                    )
                    .distinct()
                )
            )
        if len(teams) >= limit:
            words = f"metadata of {len(teams)} teams in an hour; the limit is {limit}"
            yield Sighting("watch.sweep", member, len(teams), limit, words)


def _resources(manifest: Any) -> set[int]:
    listed = manifest.get("resources", ()) if isinstance(manifest, dict) else ()
    return {each["id"] for each in listed if isinstance(each, dict) and isinstance(each.get("id"), int)}


def _told(context: Context, moment: datetime) -> set[tuple[str, str]]:
    rows = context.session.scalars(
        select(NoticeRow.facts).where(
            NoticeRow.workspace_id == context.workspace_id,
            NoticeRow.kind == KIND,
            NoticeRow.at >= moment - AGAIN_AFTER,
        )
    )
    return {(str(facts.get("rule")), str(facts.get("member"))) for facts in rows}
