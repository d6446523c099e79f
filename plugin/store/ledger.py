"""The egress ledger: one entry per request to a provider, committed before the request leaves; never its text.

What is known beforehand is hashed into the chain. The end of a request (status, tokens, cost, time) comes later and
is hashed together with its entry's own hash, so it cannot be altered or moved to another entry; an entry has one end.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import bindparam, case, func, select, update

from plugin.access.viewer import Role
from plugin.errors import BadInput, Conflict, NotFound
from plugin.store import _chain
from plugin.store._context import Context
from plugin.store._models.governance import LedgerRow
from plugin.store._models.people import GroupMemberRow, MemberRow, TeamGroupRow, TeamMemberRow
from plugin.store.shapes import LedgerEntry, LedgerPage

PAGE_MOST = 500
STATUSES = ("done", "failed", "cut_off")
HASHED = (
    "seq", "at", "member_id", "member", "surface", "chat_id", "prompt_id", "provider", "host", "region", "model",
    "purpose", "body_bytes", "body_sha256", "manifest",
)  # fmt: skip
AT_END = ("status", "ended", "input_tokens", "cached_tokens", "output_tokens", "cost_usd", "milliseconds")

_ledger = LedgerRow.__table__
_this = (_ledger.c.workspace_id == bindparam("workspace"), _ledger.c.seq == bindparam("number"))
OPENED = select(_ledger.c.hash, _ledger.c.completion_hash).where(*_this).with_for_update()
COMPLETE = (
    update(LedgerRow)
    .where(*_this)
    .values({name: bindparam(f"new_{name}") for name in (*AT_END, "completion_hash")})
)


def open_entry(
    context: Context,
    *,
    provider: str,
    host: str,
    region: str,
    model: str,
    purpose: str,
    body_bytes: int,
    body_sha256: str,
    manifest: Mapping[str, Any],
    chat_id: int | None = None,
    prompt_id: int | None = None,
) -> int:
    """Enter a request that is about to leave; returns its number. The caller commits before it sends."""
    entry = {
        "at": _chain.moment_text(datetime.now(UTC)),
        "member_id": context.facts.id if context.facts else None,
        "member": context.facts.email if context.facts else "system",
        "surface": context.surface.value,
        "chat_id": chat_id,
        "prompt_id": prompt_id,
        "provider": provider,
        "host": host,
        "region": region,
        "model": model,
        "purpose": purpose,
        "body_bytes": body_bytes,
        "body_sha256": body_sha256,
        "manifest": _chain.plain(manifest),
    }
    return _chain.extend(context, "ledger", LedgerRow, entry)


def close_entry(
    context: Context,
    seq: int,
    status: str,
    *,
    input_tokens: int | None = None,
    output_tokens: int | None = None,
    cached_tokens: int | None = None,
    cost_usd: float | None = None,
    milliseconds: int | None = None,
) -> None:
    """Complete an entry. NotFound where it is not there, Conflict where it was completed before."""
    if status not in STATUSES:
        raise ValueError(f"a request ends as one of {STATUSES}, not {status!r}")
    context.begin_write()
    connection = context.session.connection()
    which = {"workspace": context.workspace_id, "number": seq}
    row = connection.execute(OPENED, which).one_or_none()
    if row is None:
        raise NotFound(f"the ledger has no entry {seq}")
    if row.completion_hash is not None:
        raise Conflict(f"entry {seq} of the ledger is complete already")
    end = {
        "status": status,
        "ended": _chain.moment_text(datetime.now(UTC)),
        "input_tokens": input_tokens,
        "cached_tokens": cached_tokens,
        "output_tokens": output_tokens,
        "cost_usd": cost_usd,
        "milliseconds": milliseconds,
    }
    given = {f"new_{name}": value for name, value in end.items()}
    connection.execute(COMPLETE, {**which, **given, "new_completion_hash": _completion(row.hash, end)})


_tokens = func.coalesce(_ledger.c.input_tokens, 0) + func.coalesce(_ledger.c.output_tokens, 0)
TOKENS = select(
    func.sum(case((_ledger.c.member_id == bindparam("member"), _tokens), else_=0)), func.sum(_tokens)
).where(_ledger.c.workspace_id == bindparam("workspace"), _ledger.c.at >= bindparam("since"))
"""One member's and the workspace's. Built once, as QUESTIONS: each request asks for both before it leaves."""
QUESTIONS = select(
    func.count(_ledger.c.prompt_id.distinct()), func.count() - func.count(_ledger.c.prompt_id)
).where(
    _ledger.c.workspace_id == bindparam("workspace"),
    _ledger.c.at >= bindparam("since"),
    _ledger.c.member_id == bindparam("member"),
    _ledger.c.purpose == "chat",
)


def tokens_since(context: Context, since: datetime, *, member_id: int) -> tuple[int, int]:
    """Tokens used since a moment, by one member and by the workspace."""
    given = {"workspace": context.workspace_id, "member": member_id, "since": _chain.moment_text(since)}
    mine, every = context.session.connection().execute(TOKENS, given).one()
    return int(mine or 0), int(every or 0)


def team_tokens_since(context: Context, since: datetime, team_id: int | None) -> int:
    """Tokens used since a moment by a team's present members, groups included; None: by everybody but guests."""
    members: Any
    if team_id is None:
        members = select(MemberRow.id).where(
            MemberRow.workspace_id == context.workspace_id, MemberRow.role != Role.GUEST.value
        )
    else:
        members = (
            select(TeamMemberRow.member_id)
            .where(TeamMemberRow.team_id == team_id)
            .union(
                select(GroupMemberRow.member_id)
                .join(TeamGroupRow, TeamGroupRow.group_id == GroupMemberRow.group_id)
                .where(TeamGroupRow.team_id == team_id)
            )
        )
    query = select(
        func.sum(func.coalesce(LedgerRow.input_tokens, 0) + func.coalesce(LedgerRow.output_tokens, 0))
    ).where(
        LedgerRow.workspace_id == context.workspace_id,
        LedgerRow.at >= _chain.moment_text(since),
        LedgerRow.member_id.in_(members),
    )
    return int(context.session.scalar(query) or 0)


def requests_since(context: Context, since: datetime, *, member_id: int | None = None) -> int:
    """Requests entered since a moment, by one member or by the workspace."""
    query = select(func.count()).where(
        LedgerRow.workspace_id == context.workspace_id, LedgerRow.at >= _chain.moment_text(since)
    )
    if member_id is not None:
        query = query.where(LedgerRow.member_id == member_id)
    return int(context.session.scalar(query) or 0)


def questions_since(context: Context, since: datetime, *, member_id: int) -> int:
    """Questions of one member that entered a request since a moment; requests of no question count each."""
    given = {"workspace": context.workspace_id, "member": member_id, "since": _chain.moment_text(since)}
    asked, others = context.session.connection().execute(QUESTIONS, given).one()
    return int(asked) + int(others)


class Ledger:
    """The ledger of one workspace, for its admins."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def entries(
        self,
        *,
        member: str | None = None,
        provider: str | None = None,
        model: str | None = None,
        host: str | None = None,
        purpose: str | None = None,
        status: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        cursor: str | None = None,
        limit: int = 100,
    ) -> LedgerPage:
        """Entries, newest first."""
        query = select(LedgerRow).where(LedgerRow.workspace_id == self._context.workspace_id)
        for column, wanted in (
            (LedgerRow.member, member),
            (LedgerRow.provider, provider),
            (LedgerRow.model, model),
            (LedgerRow.host, host),
            (LedgerRow.purpose, purpose),
            (LedgerRow.status, status),
        ):
            if wanted:
                query = query.where(column == wanted)
        if since is not None:
            query = query.where(LedgerRow.at >= _chain.moment_text(since))
        if until is not None:
            query = query.where(LedgerRow.at < _chain.moment_text(until))
        if cursor:
            if not cursor.isdecimal():
                raise BadInput("that is not a cursor of this list", field="cursor")
            query = query.where(LedgerRow.seq < int(cursor))
        most = max(1, min(limit, PAGE_MOST))
        rows = self._context.session.scalars(query.order_by(LedgerRow.seq.desc()).limit(most + 1)).all()
        more = str(rows[most - 1].seq) if len(rows) > most else None
        return LedgerPage(tuple(_shape(row) for row in rows[:most]), more)

    def entry(self, seq: int) -> LedgerEntry:
        """One entry. NotFound."""
        row = self._context.session.scalar(
            select(LedgerRow).where(
                LedgerRow.workspace_id == self._context.workspace_id, LedgerRow.seq == seq
            )
        )
        if row is None:
            raise NotFound("no such entry")
        return _shape(row)

    def export(self, since: datetime | None = None) -> Iterator[dict[str, Any]]:
        """Entries oldest first, as JSON objects with their hashes. Read them before the door closes."""
        query = select(LedgerRow).where(LedgerRow.workspace_id == self._context.workspace_id)
        if since is not None:
            query = query.where(LedgerRow.at >= _chain.moment_text(since))
        for row in self._context.session.scalars(
            query.order_by(LedgerRow.seq).execution_options(yield_per=500)
        ):
            yield {
                **_fields(row),
                "previous_hash": row.previous_hash,
                "hash": row.hash,
                **{name: getattr(row, name) for name in AT_END},
                "completion_hash": row.completion_hash,
            }

    def verify(self) -> tuple[bool, str]:
        """Is the chain whole? The sentence names what was altered, removed, inserted or reordered."""
        faults: list[str] = []
        query = (
            select(LedgerRow.__table__)
            .where(LedgerRow.workspace_id == self._context.workspace_id)
            .order_by(LedgerRow.seq, LedgerRow.id)
            .execution_options(yield_per=500)
        )
        entries = self._checked(self._context.session.execute(query), faults)
        return _chain.verify(self._context, "ledger", entries, "ledger", faults)

    def head(self) -> dict[str, Any]:
        """The signed head, to keep elsewhere and check later with `check_head`."""
        return _chain.export_head(self._context, "ledger")

    def check_head(self, head: Mapping[str, Any]) -> tuple[bool, str]:
        """Does the chain still hold the entry that an exported head signed?"""
        return _chain.check_head(self._context, "ledger", LedgerRow, "ledger", head)

    def _checked(self, rows: Any, faults: list[str]) -> Iterator[tuple[int, str, str, Mapping[str, Any]]]:
        for row in rows:
            if row.completion_hash is None:
                if row.status != "sending" or row.ended is not None:
                    faults.append(f"the end of entry {row.seq} was removed or altered")
            elif row.completion_hash != _completion(row.hash, {name: getattr(row, name) for name in AT_END}):
                faults.append(f"the end of entry {row.seq} was altered")
            yield row.seq, row.previous_hash, row.hash, _fields(row)


def _fields(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in HASHED}


def _completion(digest: str, end: Mapping[str, Any]) -> str:
    return hashlib.sha256(f"{digest}\n{_chain.canonical(end)}".encode()).hexdigest()


def _shape(row: LedgerRow) -> LedgerEntry:
    return LedgerEntry(
        seq=row.seq,
        at=datetime.fromisoformat(row.at),
        member=row.member,
        surface=row.surface,
        chat_id=row.chat_id,
        prompt_id=row.prompt_id,
        provider=row.provider,
        host=row.host,
        region=row.region,
        model=row.model,
        purpose=row.purpose,
        body_bytes=row.body_bytes,
        body_sha256=row.body_sha256,
        manifest=row.manifest,
        status=row.status,
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
        cost_usd=row.cost_usd,
        milliseconds=row.milliseconds,
        previous_hash=row.previous_hash,
        hash=row.hash,
        completion_hash=row.completion_hash,
        cached_tokens=row.cached_tokens,
        ended=datetime.fromisoformat(row.ended) if row.ended else None,
    )
