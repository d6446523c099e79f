"""P49 to P54: Run SQL."""

from __future__ import annotations

import importlib.util

from plugin.governance.checks.facts import OPERATOR, RAN, READ, Check, Facts, Finding, broken, kept

PROBES = (
    ("select count(*) from sales.orders", "accept"),
    ("delete from sales.orders", "reject"),
    ("select 1; drop table sales.orders", "reject"),
    ("with gone as (delete from sales.orders returning 1) select * from gone", "reject"),
    ("select pg_read_file('x')", "reject"),
    ("select * from hr.salaries", "reject"),
)


def toggle(facts: Facts) -> Finding:
    """P49: while the toggle is off, no tool that runs SQL is offered to anybody."""
    state = "on" if facts.ai.run_sql else "off"
    if not facts.ai.run_sql and "run_sql" in facts.tools:
        return broken("Run SQL is off, but the assistant is offered a tool that runs it", RAN)
    return kept(
        f"the toggle is {state}; what the assistant is offered agrees; both gates are read when a statement runs",
        RAN,
    )


def permission(facts: Facts) -> Finding:
    """P50: who was given it; a guest, and a member without it, are stopped at that gate."""
    from plugin.governance.checks.probe_gates import let_in

    wrong = let_in()
    if wrong:
        return broken(f"a probe without query permission passed the gate: {', '.join(wrong)}", RAN)
    if facts.permissions is None:
        return kept("admins by default; further permissions are given per integration, never to guests")
    return kept(f"admins by default; {facts.permissions} more permissions were given; guests never run SQL")


def read_only(facts: Facts) -> Finding:
    """P51: the guard decides probes rightly."""
    from plugin.run_sql.batch import Checker

    checker = Checker(allow=["sales.orders"])
    wrong = [sql for sql, wanted in PROBES if checker.check(sql, "postgres").decision != wanted]
    if wrong:
        return broken(f"{len(wrong)} of {len(PROBES)} probe statements were decided wrongly", RAN)
    second = importlib.util.find_spec("pglast") is not None
    parser = (
        "PostgreSQL's own parser agrees" if second else "install docent[postgres-parser] for a second parser"
    )
    limits = facts.ai.sql_limits
    return kept(
        f"{len(PROBES)} probes decided rightly; {limits.rows:,} rows, {limits.seconds:g} s; {parser}", RAN
    )


def tables(_facts: Facts) -> Finding:
    """P52: a hidden table is refused in the words for one that is not there."""
    from plugin.run_sql.batch import Checker

    checker = Checker(columns={"sales.orders": ("id",)})
    told = [
        [reason.replace(name, "_") for reason in checker.check(f"select * from {name}", "postgres").reasons]
        for name in ("hr.salaries", "no.suchtable")
    ]
    unseen = checker.check("select salary from sales.orders", "postgres").decision
    if not told[0] or told[0] != told[1] or unseen != "reject":
        return broken("a hidden table or column was not refused, or in other words than an absent one", RAN)
    return kept(
        "two probes, a hidden table and one that is not there, were refused in the same words; refusals name the gate",
        RAN,
    )


def two_credentials(facts: Facts) -> Finding:
    """P53: who has a query credential."""
    if facts.integrations is None:
        return Finding(
            OPERATOR, "Run SQL has credentials of its own; an admin can check the metadata role", READ
        )
    if facts.same_login:
        return broken(
            f"the credential for queries is the one that reads metadata: {', '.join(facts.same_login)}", READ
        )
    able = [each.name for each in facts.integrations if each.has_query_credential]
    said = f"{len(able)} of {len(facts.integrations)} integrations have a query credential of their own"
    return Finding(
        OPERATOR, f"{said}; check the metadata role with the grant script on the integration's page", READ
    )


def receipts(facts: Facts) -> Finding:
    """P54: as many receipts as attempts."""
    found = facts.database
    if found.receipts < found.runs:
        return broken(
            f"{found.runs - found.receipts} attempts in the audit log left no receipt",
            shown="attempts in the audit log left no receipt; ask an admin",
        )
    return kept(
        f"{found.runs:,} attempts in the audit log, {found.receipts:,} receipts; `docent sql explain-decision ID` "
        "replays one",
        shown="every attempt in the audit log has its receipt; `docent sql explain-decision ID` replays one of yours",
    )


CHECKS: tuple[Check, ...] = (toggle, permission, read_only, tables, two_credentials, receipts)
