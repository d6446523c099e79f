"""The register of provider hosts: who is reached, since when, who accepted it and why, who objects (promise P44).

A workspace's first provider, this machine and listed internal hosts are usable at once. A further host waits for the
notice period, unless an admin accepts it with a reason that members see; members are told and may object. The period is
fixed when it begins: a shorter setting holds for later hosts, or it would accept a host without a reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, select

from plugin.errors import BadInput, NotFound, Refused
from plugin.store._context import Context
from plugin.store._models.governance import NoticeRow
from plugin.store._models.people import MemberRow
from plugin.store._models.settings import HostRow
from plugin.store.policy import stored_values, value_of
from plugin.store.shapes import ProviderHost

REASON_MOST = 2_000
MOST_OBJECTIONS = 200
ONE = select(HostRow).where(HostRow.workspace_id == bindparam("workspace"), HostRow.host == bindparam("name"))
"""Built once: each question asks for the host that it goes to."""


class Hosts:
    """The register of one workspace, for its members; accepting a host is an admin's."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def all(self) -> tuple[ProviderHost, ...]:
        """Every host that was ever to be reached, oldest first."""
        rows = self._context.session.scalars(
            select(HostRow)
            .where(HostRow.workspace_id == self._context.workspace_id)
            .order_by(HostRow.declared_at, HostRow.host)
        )
        return tuple(_shape(row) for row in rows)

    def use(self, host: str, provider: str, region: str, *, trusted: bool) -> ProviderHost:
        """Enter a host that is about to be reached. Refused(rule="egress.hold") while it is on hold.

        A new entry is committed before that is raised, so the notice period runs from the first attempt.
        """
        row = self._row(host)
        if row is None:
            row = self._declare(host, provider, region, trusted=trusted)
        moment = datetime.now(UTC)
        if trusted or moment >= _aware(row.usable_from):
            return _shape(row)
        day = _aware(row.usable_from).strftime("%d %B %Y")
        raise Refused(
            f"{host} is a new provider host and on hold until {day}, so that members can object. "
            "An admin can accept it at once with a reason.",
            rule="egress.hold",
            who="an admin",
        )

    def announce(self, host: str, provider: str, region: str, *, trusted: bool) -> None:
        """An admin chose a host: where it will be on hold, its notice period begins now and not at the first question.

        A first provider is not entered yet: choosing it reaches nobody, and it is not held.
        """
        if trusted or self._row(host) is not None or not self._others():
            return
        self._declare(host, provider, region, trusted=False, commit=False)

    def accept(self, host: str, reason: str) -> ProviderHost:
        """Let a host be used at once. Members see the reason. Refused for others than admins."""
        if not self._context.is_admin:
            raise Refused("Only an admin can accept a provider host.", rule="admin")
        reason = " ".join(reason.split())[:REASON_MOST]
        if len(reason) < 3:
            raise BadInput("Say why; members see the reason.", field="reason")
        self._context.begin_write()
        row = self._known(host)
        row.accepted_by, row.accepted_reason = self._context.member.email, reason
        row.usable_from = datetime.now(UTC)
        self._context.session.flush()
        self._context.audit("provider_host.accept", "done", target=host)
        return _shape(row)

    def object(self, host: str, reason: str) -> ProviderHost:
        """A member's objection: admins are told; it does not decide by itself."""
        self._context.begin_write()
        row = self._known(host)
        member = self._context.member
        entry = {
            "by": member.email,
            "at": datetime.now(UTC).isoformat(),
            "reason": " ".join(reason.split())[:500],
        }
        kept = [each for each in row.objections if each.get("by") != member.email]
        row.objections = [*kept, entry][-MOST_OBJECTIONS:]
        self._notify("provider_host.objection", {"host": host, "by": member.email}, None)
        self._context.session.flush()
        self._context.audit("provider_host.object", "done", target=host)
        return _shape(row)

    def set_attestations(self, host: str, attestations: Sequence[Mapping[str, Any]]) -> ProviderHost:
        """What an admin noted about a host's attestations: each a name, a link and a date. Refused for others."""
        if not self._context.is_admin:
            raise Refused("Only an admin can note attestations.", rule="admin")
        self._context.begin_write()
        row = self._known(host)
        row.attestations = [
            {key: str(each.get(key, "")).strip()[:500] for key in ("name", "link", "noted")}
            for each in attestations[:50]
        ]
        for each in row.attestations:
            _check_attestation(each)
        self._context.session.flush()
        self._context.audit("provider_host.attestations", "done", target=host)
        return _shape(row)

    # --- rows ---

    def _declare(
        self, host: str, provider: str, region: str, *, trusted: bool, commit: bool = True
    ) -> HostRow:
        self._context.begin_write()
        row = self._row(host)
        if row is not None:
            return row
        moment = datetime.now(UTC)
        held = not trusted and self._others()
        days = self._notice_days() if held else 0
        row = HostRow(
            workspace_id=self._context.workspace_id,
            host=host[:255],
            provider=provider,
            region=region,
            declared_at=moment,
            usable_from=moment + timedelta(days=days),
            objections=[],
            attestations=[],
        )
        self._context.session.add(row)
        if days:
            facts = {"host": host, "usable_from": row.usable_from.isoformat()}
            for member_id in self._members():
                self._notify("provider_host.hold", facts, member_id)
        self._context.session.flush()
        self._context.audit("provider_host.declare", "done", target=host, detail={"days": days})
        if commit:
            self._context.session.commit()
        return row

    def _others(self) -> bool:
        """Does the register have a host outside the own network already?"""
        found = self._context.session.scalar(
            select(HostRow.host)
            .where(HostRow.workspace_id == self._context.workspace_id, HostRow.region != "own network")
            .limit(1)
        )
        return found is not None

    def _row(self, host: str) -> HostRow | None:
        return self._context.session.scalar(
            ONE, {"workspace": self._context.workspace_id, "name": host[:255]}
        )

    def _known(self, host: str) -> HostRow:
        row = self._row(host)
        if row is None:
            raise NotFound("no such provider host in the register")
        return row

    def _notice_days(self) -> int:
        stored = stored_values(self._context.session, self._context.workspace_id)
        return int(value_of(stored, "providers.notice_days"))

    def _members(self) -> Sequence[int]:
        return self._context.session.scalars(
            select(MemberRow.id).where(
                MemberRow.workspace_id == self._context.workspace_id, MemberRow.state == "active"
            )
        ).all()

    def _notify(self, kind: str, facts: Mapping[str, Any], member_id: int | None) -> None:
        self._context.session.add(
            NoticeRow(
                workspace_id=self._context.workspace_id, member_id=member_id, kind=kind, facts=dict(facts)
            )
        )


def _check_attestation(entry: Mapping[str, str]) -> None:
    if not entry["name"]:
        raise BadInput("an attestation needs a name, such as SOC 2 Type 2", field="name")
    if not entry["link"].startswith("https://"):
        raise BadInput("say where it can be checked: a link that begins with https://", field="link")
    try:
        date.fromisoformat(entry["noted"])
    except ValueError:
        raise BadInput("say when you looked: a date such as 2026-11-21", field="noted") from None


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _shape(row: HostRow) -> ProviderHost:
    usable = _aware(row.usable_from)
    return ProviderHost(
        host=row.host,
        provider=row.provider,
        region=row.region,
        declared_at=_aware(row.declared_at),
        usable_from=usable,
        on_hold=datetime.now(UTC) < usable,
        accepted_by=row.accepted_by,
        accepted_reason=row.accepted_reason,
        objections=tuple(row.objections),
        attestations=tuple(row.attestations),
    )
