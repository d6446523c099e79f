"""The clock is seen to run: each of its tasks notes when it last ended well, and which fault kept it from that.

Enters: a task, the moment and a fault's name. Leaves: a `Beat` per task. Without these notes a purge that never runs
looks like one that has nothing to do (promises P33, P38, P40). Considered: a file in DOCENT_HOME; the worker may run on
another machine than whoever asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from plugin.store._models.clock import BeatRow

TASKS = ("syncs", "expiry", "watch", "search")
"""What the clock does: starts syncs that are due, ends what is past its time, looks for unusual use, builds a search
index of an older release anew."""
STALE = timedelta(minutes=5)
"""A worker's clock goes round three times a minute; after five minutes without a round none is running."""


@dataclass(frozen=True, slots=True)
class Beat:
    """One task of the clock. `at` is None where it never ended well; `fault` is "" unless it failed since."""

    task: str
    at: datetime | None = None
    fault: str = ""
    fault_at: datetime | None = None

    def late(self, moment: datetime) -> bool:
        """Was the last good round too long ago, or is there none?"""
        return self.at is None or moment - self.at > STALE


def beat(session: Session, task: str, moment: datetime, fault: str = "") -> None:
    """Note that a task ended: well, or with a fault, which leaves the time of the last good round as it was."""
    values = (
        {"fault": fault[:80], "fault_at": moment} if fault else {"at": moment, "fault": "", "fault_at": None}
    )
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    session.execute(
        insert(BeatRow)
        .values({"task": task, "fault": ""} | values)
        .on_conflict_do_update(index_elements=["task"], set_=values)
    )


def beats(session: Session) -> dict[str, Beat]:
    """Every task, also one that never ran."""
    rows = {row.task: row for row in session.scalars(select(BeatRow))}
    return {
        task: Beat(task, row.at, row.fault, row.fault_at) if (row := rows.get(task)) else Beat(task)
        for task in TASKS
    }
