"""Usage from the ledger: requests, tokens, cost and time per day, model or member. No content is there to read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import case, func, select

from plugin.store import _chain
from plugin.store._context import Context
from plugin.store._models.governance import LedgerRow
from plugin.store.shapes import UsageLine


class Usage:
    """What was used of providers in the last `days` days."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def by_day(self, days: int = 30) -> tuple[UsageLine, ...]:
        """Per day (UTC), oldest first; days without a request are left out."""
        return self._grouped(func.substr(LedgerRow.at, 1, 10), days, by_key=True)

    def by_model(self, days: int = 30) -> tuple[UsageLine, ...]:
        """Per provider and model ("openai/gpt"), most requests first."""
        return self._grouped(LedgerRow.provider + "/" + LedgerRow.model, days)

    def by_member(self, days: int = 30) -> tuple[UsageLine, ...]:
        """Per member, most requests first."""
        return self._grouped(LedgerRow.member, days)

    def _grouped(self, key: Any, days: int, *, by_key: bool = False) -> tuple[UsageLine, ...]:
        since = datetime.now(UTC) - timedelta(days=max(1, min(days, 3660)))
        requests = func.count()
        unpriced = LedgerRow.cost_usd.is_(None) & (LedgerRow.input_tokens > 0)
        query = (
            select(
                key.label("key"),
                requests,
                func.coalesce(func.sum(LedgerRow.input_tokens), 0),
                func.coalesce(func.sum(LedgerRow.output_tokens), 0),
                func.coalesce(func.sum(LedgerRow.cached_tokens), 0),
                func.sum(LedgerRow.cost_usd),
                func.sum(case((unpriced, 1), else_=0)),
                func.coalesce(func.sum(LedgerRow.milliseconds), 0),
                func.sum(case((LedgerRow.status.in_(("failed", "cut_off")), 1), else_=0)),
            )
            .where(
                LedgerRow.workspace_id == self._context.workspace_id,
                LedgerRow.at >= _chain.moment_text(since),
            )
            .group_by(key)
            .order_by(key if by_key else requests.desc(), key)
            .limit(1000)
        )
        rows = self._context.session.execute(query)
        return tuple(
            UsageLine(
                key=str(row[0]),
                requests=int(row[1]),
                input_tokens=int(row[2]),
                output_tokens=int(row[3]),
                cached_tokens=int(row[4]),
                cost_usd=None if row[5] is None else float(row[5]),
                unpriced=int(row[6]),
                milliseconds=int(row[7]),
                failed=int(row[8]),
            )
            for row in rows
        )
