"""P43 to P48: saying so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from plugin.governance.checklist import ASK, DONE, checklist
from plugin.governance.checks.facts import OPERATOR, RAN, READ, STATIC, Check, Facts, Finding, broken, kept
from plugin.governance.in_force import in_force
from plugin.governance.register import NOT_USED, processors

STALE = timedelta(days=365)


def this_page(_facts: Facts) -> Finding:
    """P43."""
    return kept("made for this request; no state on it is written by hand", RAN)


def register(facts: Facts) -> Finding:
    """P44: nothing went to a host that is on hold."""
    if facts.database.early_hosts:
        return broken(f"requests left to a host that is on hold: {', '.join(facts.database.early_hosts)}")
    if facts.database.unregistered_hosts:
        return broken(
            f"hosts that are not in the register were reached: {', '.join(facts.database.unregistered_hosts)}"
        )
    held = [each.host for each in facts.hosts if each.on_hold]
    now = f"on hold: {', '.join(held)}" if held else "none is on hold"
    return kept(
        f"the register is a page and JSON; a further host waits {facts.ai.notice_days} days or for an admin's reason; "
        f"{now}"
    )


def data_flow(facts: Facts) -> Finding:
    """P45: the sentences are made from the settings."""
    sentences = in_force(facts.ai)
    if not sentences:
        return broken("no sentence could be made from the settings", RAN)
    return kept(
        f"{len(sentences)} sentences were just made from the settings; `docent trust --export md` prints the record",
        RAN,
    )


def attestations(facts: Facts) -> Finding:
    """P46: listed and dated; how old the oldest is."""
    listed = [
        claim for each in processors(facts.ai, facts.hosts) if each.state != NOT_USED for claim in each.claims
    ]
    old = [
        each for each in listed if each.noted and each.noted < (datetime.now(UTC) - STALE).date().isoformat()
    ]
    said = f"{len(listed)} are listed for the hosts in use, each with a link and a date"
    unread = sum(each.by == "operator" and not each.seen for each in listed)
    if unread:
        said += f"; {unread} were not read on the operator's own page: not checked"
    if old:
        said += f"; {len(old)} were noted more than a year ago: look again"
    return Finding(OPERATOR, f"{said}; they are the operators' word, check them with the provider", READ)


def status(_facts: Facts) -> Finding:
    """P47."""
    return kept("/healthz, /readyz and /metrics answer", STATIC)


def practice(facts: Facts) -> Finding:
    """P48: the list, run now."""
    items = checklist(
        facts.ai,
        watched=any(
            facts.setting(f"watch.{name}_per_hour") for name in ("requests", "megabytes", "denials", "teams")
        ),
        rules=len(facts.setting("access.rules")),
        own_master_key=bool(facts.config.master_key),
        admins=2,
        metadata_only=True,
    )
    done, ask = sum(each.state == DONE for each in items), sum(each.state == ASK for each in items)
    return kept(
        f"the list on the settings page checks itself: {len(items) - ask} lines by machine, {ask} by a person",
        RAN if done else READ,
    )


CHECKS: tuple[Check, ...] = (this_page, register, data_flow, attestations, status, practice)
