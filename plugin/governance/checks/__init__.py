"""How each promise is checked: one check a promise, a file a section, in the order of `plugin/governance/promises.py`.

Enters: `Facts`, read once. Leaves: a `Finding`. A check runs what keeps the promise on a probe, or reads settings,
chains and tables; it writes nothing.
"""

from __future__ import annotations

from plugin.governance.checks import history, isolation, keys, out, run_sql, saying, watching
from plugin.governance.checks.facts import Check

CHECKS: dict[str, Check] = {
    f"P{number}": check
    for number, check in enumerate(
        (
            *isolation.CHECKS, *out.CHECKS, *keys.CHECKS, *history.CHECKS, *watching.CHECKS, *saying.CHECKS,
            *run_sql.CHECKS,
        ),
        start=1,
    )
}  # fmt: skip
