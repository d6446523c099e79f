"""What a member's door must write down: audit lines, ledger entries, decision receipts, notices.

`ledger_open` commits before it returns: no row in the ledger, no call. It therefore also commits what this door wrote
before it; callers open a door for it alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select

from plugin.store import ledger
from plugin.store._context import Context
from plugin.store._models.governance import ReceiptRow
from plugin.store._models.people import TeamRow
from plugin.store.shapes import Receipt

STATEMENT_MOST = 20_000


class Record:
    """Writes for the asking member; reads only what is theirs."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def audit(
        self,
        action: str,
        outcome: str,
        *,
        rule: str | None = None,
        target: str | None = None,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        """One line of the audit log. `outcome`: allow, deny, done, failed. No text that anyone typed goes in here."""
        self._context.audit(action, outcome, rule=rule, target=target, detail=detail)

    def ledger_open(
        self,
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
        """Enter and commit a request that is about to leave; returns its number."""
        seq = ledger.open_entry(
            self._context,
            provider=provider,
            host=host,
            region=region,
            model=model,
            purpose=purpose,
            body_bytes=body_bytes,
            body_sha256=body_sha256,
            manifest=manifest,
            chat_id=chat_id,
            prompt_id=prompt_id,
        )
        self._context.session.commit()
        return seq

    def ledger_close(
        self,
        seq: int,
        status: str,
        *,
        input_tokens: int | None = None,
        output_tokens: int | None = None,
        cached_tokens: int | None = None,
        cost_usd: float | None = None,
        milliseconds: int | None = None,
    ) -> None:
        """Complete an entry: done, failed or cut_off. Conflict where it is complete already."""
        ledger.close_entry(
            self._context,
            seq,
            status,
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            cached_tokens=cached_tokens,
            cost_usd=cost_usd,
            milliseconds=milliseconds,
        )

    def tokens_today(self) -> tuple[int, int]:
        """Tokens used since midnight UTC: mine, and the workspace's."""
        midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return ledger.tokens_since(self._context, midnight, member_id=self._context.member.id)

    def team_tokens_today(self, team: str) -> int | None:
        """Tokens that a team's members used since midnight UTC; None where I am not in a team of that name."""
        midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        row = self._context.session.scalar(
            select(TeamRow).where(
                TeamRow.workspace_id == self._context.workspace_id,
                TeamRow.id.in_(self._context.member.team_ids),
                func.lower(TeamRow.name) == team.lower(),
            )
        )
        if row is None:
            return None
        return ledger.team_tokens_since(self._context, midnight, None if row.is_general else row.id)

    def questions_since(self, since: datetime) -> int:
        """How many questions of mine caused requests since then; a question may cause several."""
        return ledger.questions_since(self._context, since, member_id=self._context.member.id)

    def requests_since(self, since: datetime) -> int:
        """How many requests of mine left since then."""
        return ledger.requests_since(self._context, since, member_id=self._context.member.id)

    def receipt(
        self,
        *,
        integration_id: int,
        sql_sha256: str,
        statement: str,
        tables: Sequence[str],
        columns: Sequence[str],
        gates: Sequence[Mapping[str, Any]],
        limits: Mapping[str, Any],
        verdict: str,
        reason: str | None = None,
    ) -> Receipt:
        """Keep the decision on one attempt to run SQL. `statement` is the statement with its literals masked."""
        facts = self._context.member
        row = ReceiptRow(
            workspace_id=self._context.workspace_id,
            member_id=facts.id,
            member=facts.email,
            integration_id=integration_id,
            sql_sha256=sql_sha256,
            statement=statement[:STATEMENT_MOST],
            tables=list(tables),
            columns=list(columns),
            gates=[dict(gate) for gate in gates],
            limits=dict(limits),
            verdict=verdict,
            reason=reason[:2000] if reason else None,
        )
        self._context.session.add(row)
        self._context.session.flush()
        return _receipt(row)

    def receipts(
        self,
        limit: int = 50,
        *,
        id: int | None = None,
        before: int | None = None,
        verdict: str | None = None,
        integration_id: int | None = None,
        member: str | None = None,
    ) -> tuple[Receipt, ...]:
        """My receipts, newest first; an admin's are the workspace's. With `id` that one, however old it is.

        `before` is the id to go on from; the others narrow it down, `member` by e-mail.
        """
        query = select(ReceiptRow).where(ReceiptRow.workspace_id == self._context.workspace_id)
        if not self._context.is_admin:
            query = query.where(ReceiptRow.member_id == self._context.member.id)
        if id is not None:
            query = query.where(ReceiptRow.id == id)
        if before is not None:
            query = query.where(ReceiptRow.id < before)
        if verdict is not None:
            query = query.where(ReceiptRow.verdict == verdict)
        if integration_id is not None:
            query = query.where(ReceiptRow.integration_id == integration_id)
        if member is not None:
            query = query.where(func.lower(ReceiptRow.member) == member.lower())
        rows = self._context.session.scalars(
            query.order_by(ReceiptRow.id.desc()).limit(max(1, min(limit, 500)))
        )
        return tuple(_receipt(row) for row in rows)


def _receipt(row: ReceiptRow) -> Receipt:
    return Receipt(
        id=row.id,
        at=row.at,
        member=row.member,
        integration_id=row.integration_id,
        sql_sha256=row.sql_sha256,
        statement=row.statement,
        tables=tuple(row.tables),
        columns=tuple(row.columns),
        gates=tuple(row.gates),
        limits=row.limits,
        verdict=row.verdict,
        reason=row.reason,
    )
