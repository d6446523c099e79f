"""P1 to P6: one workspace, one viewer, one filter, one place to come from."""

from __future__ import annotations

import ipaddress

from plugin.access.ai_rules import decide
from plugin.access.conditions import parse_conditions, refusing
from plugin.access.viewer import Role
from plugin.errors import BadInput
from plugin.governance.checks.facts import (
    OPERATOR,
    PARTLY,
    RAN,
    READ,
    Check,
    Facts,
    Finding,
    broken,
    kept,
)


def isolation(facts: Facts) -> Finding:
    """P1: rows, and every link between rows, stay in their workspace."""
    found = facts.database.isolation
    if found.unkeyed:
        return broken(f"tables without a workspace column: {', '.join(found.unkeyed)}")
    if found.crossing:
        return broken(f"a row points into another workspace: {', '.join(found.crossing)}")
    if found.strangers:
        return broken(f"rows of a workspace that is gone: {', '.join(found.strangers)}")
    return kept(
        f"all {found.tables} tables with content are keyed by workspace; {found.links} kinds of link between them were "
        "followed and none leads out"
    )


def row_security(facts: Facts) -> Finding:
    """P2: the second lock."""
    found = facts.database.isolation
    if found.unkeyed:
        return isolation(facts)
    if found.row_security is None:
        return Finding(
            PARTLY,
            "SQLite has no row-level security; the first lock holds. Use PostgreSQL for the second",
            READ,
        )
    if found.unlocked:
        return broken(f"row-level security is off, not forced or open on {', '.join(found.unlocked)}")
    if found.bypasses:
        return Finding(
            OPERATOR, "this database role bypasses row-level security; connect as one that does not", READ
        )
    return kept(f"row-level security is forced on all {found.tables} tables, for this database role too")


def viewer(facts: Facts) -> Finding:
    """P3: the assistant sees no more than the asker."""
    person, assistant = facts.counts
    if assistant > person:
        return broken("the assistant would see more than the person who asks", RAN)
    return kept(
        "your own catalog was just counted as a person and through the assistant: the assistant sees no more; each "
        "surface opens the same door, and role and teams are read anew each time",
        RAN,
    )


def hidden(facts: Facts) -> Finding:
    """P4: what has no zone of this workspace could be shown to nobody or to everybody."""
    if facts.database.without_zone:
        return broken(f"{facts.database.without_zone} resources stand in no zone of this workspace")
    return kept(
        "every resource stands in a zone, every read starts from the zones of the asker's teams; a hidden resource "
        "gives the same answer as an absent one"
    )


def filters(facts: Facts) -> Finding:
    """P5: an exclude rule wins over everything."""
    from plugin.access.ai_rules import AiRule

    probe = (AiRule("include"), AiRule("exclude", tags=("probe",)))
    allowed = [
        decide(
            probe, kind="table", integration="i", schemas=("s",), tags=tags, sensitivity=None,
            verified=True, published=True,
        )[0]
        for tags in ((), ("probe",))
    ]  # fmt: skip
    if allowed != [True, False]:
        return broken("a probe rule did not decide as it says", RAN)
    rules = len(facts.ai.filters)
    said = (
        f"{rules} rules are in force" if rules else "no rule narrows the assistant beyond the asker's teams"
    )
    return kept(f"a probe rule decided as it says; {said}; each resource shows whether and why", RAN)


def conditional(facts: Facts) -> Finding:
    """P6: rules are read at each request, and an unknown address is in no network."""
    try:
        rules = parse_conditions(facts.setting("access.rules"))
    except BadInput as error:
        return broken(f"the access rules cannot be read, so nobody comes in: {error}")
    probe = parse_conditions(["role=guest network=10.0.0.0/8"])
    tried = [
        refusing(probe, role=Role.GUEST, groups=(), teams=(), address=address, method="session") is None
        for address in ("10.1.2.3", "192.0.2.1", "")
    ]
    if tried != [True, False, False]:
        return broken("a probe rule let in whom it must keep out", RAN)
    said = f"{len(rules)} rules are in force" if rules else "no rule is set, so nobody is kept out"
    networks = [ipaddress.ip_network(each) for each in facts.config.trusted_proxies]
    if any(each.prefixlen == 0 for each in networks):
        return broken("DOCENT_TRUSTED_PROXIES trusts every address, so anybody can claim any network", READ)
    proxies = (
        f"addresses are taken from {len(networks)} named proxies" if networks else "no proxy is believed"
    )
    return kept(f"{said}; a probe rule decided rightly; {proxies}", RAN)


CHECKS: tuple[Check, ...] = (isolation, row_security, viewer, hidden, filters, conditional)
