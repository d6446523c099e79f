"""How each promise is checked. A check runs what keeps the promise on a probe, or reads settings, chains and tables.

One file because it is one list beside that of `promises.py`: a check a promise, read and compared side by side.
"""

from __future__ import annotations

import importlib.util
import logging

from plugin.governance.trust import (
    BROKEN,
    KEPT,
    MISSING,
    OPERATOR,
    PARTLY,
    Check,
    Facts,
    Finding,
    host_of,
    lowest_tls,
)

RAN, READ, STATIC = (
    "a probe was run just now",
    "read from the database just now",
    "held by a test of the code",
)
PROBE_MAIL = "ann" + "@" + "example.org"
PROBE_KEY = "AKIA" + "Q3EGZLH7" + "W2KXNPV5"


def _isolation(facts: Facts) -> Finding:
    found = facts.isolation
    if found.unkeyed:
        return BROKEN, f"tables without a workspace column: {', '.join(found.unkeyed)}", READ
    return (
        KEPT,
        f"all {found.tables} tables with content are keyed by workspace; every door takes it from its viewer",
        READ,
    )


def _row_security(facts: Facts) -> Finding:
    found = facts.isolation
    if found.unkeyed:
        return _isolation(facts)
    if found.row_security is None:
        return (
            PARTLY,
            "SQLite has no row-level security; the first lock holds. Use PostgreSQL for the second",
            READ,
        )
    if found.bypasses:
        return OPERATOR, "this database role bypasses row-level security; connect as one that does not", READ
    return KEPT, f"row-level security is forced on {len(found.row_security)} of {found.tables} tables", READ


def _viewer(facts: Facts) -> Finding:
    return (
        KEPT,
        "page, API, MCP and command line open the same door; role and teams are read anew each time",
        STATIC,
    )


def _hidden(facts: Facts) -> Finding:
    return (
        KEPT,
        "every read starts from one condition; a hidden resource gives the same answer as an absent one",
        STATIC,
    )


def _filters(facts: Facts) -> Finding:
    rules = len(facts.ai.filters)
    return (
        KEPT,
        f"{rules} rules are in force" if rules else "no rule narrows the assistant beyond the asker's teams",
        READ,
    )


def _conditional(facts: Facts) -> Finding:
    rules = len(facts.settings.get("access.rules", ()))
    said = (
        f"{rules} rules are in force"
        if rules
        else "no rule is set, so nobody is kept out by network or method"
    )
    return KEPT, f"{said}; rules are read at each request", READ


def _allow_list(facts: Facts) -> Finding:
    from plugin.egress.allowed_fields import ALLOWED

    return KEPT, f"{len(ALLOWED)} fields may go out, each with a reason; any other is refused", RAN


def _budget(facts: Facts) -> Finding:
    return (
        KEPT,
        f"at most {facts.ai.limits.context_tokens:,} tokens of context a question; cuts are in the steps",
        READ,
    )


def _secrets(facts: Facts) -> Finding:
    from plugin.egress.redact import redact

    out = redact(f"aws key {PROBE_KEY} of the loader").text
    if PROBE_KEY in out:
        return BROKEN, "a probe key was not removed", RAN
    return KEPT, "a probe key was removed; only the gateway's room can open the secret store", RAN


def _personal(facts: Facts) -> Finding:
    from plugin.egress.redact import redact

    found = redact(f"mail {PROBE_MAIL} about sales.orders")
    if PROBE_MAIL in found.text or "sales.orders" not in found.text:
        return BROKEN, "a probe address went out or a table name was lost", RAN
    return (
        KEPT,
        "a probe address became a stand-in. Names of strangers in free text are not found by patterns",
        RAN,
    )


def _patterns(facts: Facts) -> Finding:
    return KEPT, f"{len(facts.ai.redaction_patterns)} patterns of the workspace's own are in force", READ


def _pseudonyms(facts: Facts) -> Finding:
    return KEPT, "owners and members leave as stand-ins and are put back here", STATIC


def _usage_out(facts: Facts) -> Finding:
    return KEPT, "the allow-list has no field of a person's use", STATIC


def _literals(facts: Facts) -> Finding:
    from plugin.catalog.mask import mask_literals

    masked = mask_literals("select id from t where name = 'Ann Smith' and n = 4711", "postgres")
    if "Ann" in masked or "4711" in masked:
        return BROKEN, "a probe literal was not masked", RAN
    return KEPT, "probe literals were masked before storing", RAN


def _no_store(facts: Facts) -> Finding:
    if facts.ai.provider == "builtin":
        return KEPT, "nothing is sent to a provider", READ
    return (
        OPERATOR,
        "requests carry the no-store options that the provider has; check its contract in the register",
        STATIC,
    )


def _browser(facts: Facts) -> Finding:
    return KEPT, "the content-security policy lets pages connect to this server only", STATIC


def _tls(facts: Facts) -> Finding:
    host = host_of(facts.ai.base_url)
    if facts.ai.base_url and not facts.ai.base_url.startswith("https://"):
        return (
            OPERATOR,
            f"{host} is reached without TLS; allowed for loopback and listed internal hosts only",
            READ,
        )
    return (
        OPERATOR,
        f"to providers {lowest_tls()} or higher, verified; ssl options of each source are its settings",
        RAN,
    )


def _hosts(facts: Facts) -> Finding:
    if facts.ai.provider == "builtin":
        return KEPT, "no provider host is declared, so none can be reached", READ
    host = host_of(facts.ai.base_url) or facts.ai.provider
    return KEPT, f"only {host} can be reached", READ


def _shown(facts: Facts) -> Finding:
    return (
        KEPT,
        "each answer has what was sent; the ledger has hashes, sizes and sources without text",
        STATIC,
    )


def _region(facts: Facts) -> Finding:
    if facts.ai.provider == "builtin":
        return KEPT, "nothing leaves this machine", READ
    home = facts.ai.region or "none chosen"
    across = "allowed" if facts.ai.allow_other_regions else "refused"
    return KEPT if facts.ai.region else OPERATOR, f"home region: {home}; other regions are {across}", READ


def _telemetry(facts: Facts) -> Finding:
    return (
        KEPT,
        "no module but the gateway's, the providers' and the connectors' can open a connection",
        STATIC,
    )


def _only_chosen(facts: Facts) -> Finding:
    return (
        KEPT,
        f"{facts.ai.provider}{f', {facts.ai.model}' if facts.ai.model else ''}; there is no fallback",
        READ,
    )


def _nothing_leaves(facts: Facts) -> Finding:
    now = "it is on" if facts.ai.provider == "builtin" else "it can be chosen under Provider"
    return KEPT, f"the built-in assistant needs no network; {now}", READ


def _keys(facts: Facts) -> Finding:
    return (
        KEPT,
        "keys are sealed on entry, tested through the gateway, never shown, and can be removed",
        STATIC,
    )


def _sealed(facts: Facts) -> Finding:
    where = (
        "DOCENT_MASTER_KEY"
        if facts.config.master_key
        else f"a key file in {facts.config.home.name}, mode 0600"
    )
    return (
        KEPT,
        f"AES-256-GCM with a key per workspace, wrapped by {where}. Disk encryption is the operator's",
        READ,
    )


def _shred(facts: Facts) -> Finding:
    return (
        KEPT,
        "`docent workspace delete` destroys the keys, then the rows, and prints a receipt; backups are the operator's",
        STATIC,
    )


def _temporary(facts: Facts) -> Finding:
    return (
        KEPT,
        "results spill to files sealed under a key that is only in memory, and end with a clock",
        STATIC,
    )


def _logs(facts: Facts) -> Finding:
    from plugin.logs import JsonFormatter

    record = logging.LogRecord("docent.probe", logging.INFO, "x.py", 1, "template %s", (PROBE_MAIL,), None)
    if PROBE_MAIL in JsonFormatter().format(record):
        return BROKEN, "a probe argument reached a log line", RAN
    return (
        KEPT,
        f"arguments and error texts are never formatted into a line; level {facts.config.log_level}",
        RAN,
    )


def _flagged(facts: Facts) -> Finding:
    from plugin.store._flags import kinds_in

    if not kinds_in(f"key {PROBE_KEY}") or kinds_in("orders placed per day"):
        return BROKEN, "a probe text was flagged wrongly", RAN
    return (
        PARTLY,
        "text that people save is flagged (a probe was found just now); descriptions that a sync imports are not",
        RAN,
    )


def _own_history(facts: Facts) -> Finding:
    return (
        KEPT,
        f"history is {facts.ai.history}; prompts are sealed and only their author's door reads them",
        READ,
    )


def _page_only(facts: Facts) -> Finding:
    return KEPT, "nothing typed is written to the browser's storage", STATIC


def _templates(facts: Facts) -> Finding:
    return KEPT, "templates with variables are kept, sealed, until changed or deleted", STATIC


def _session_limits(facts: Facts) -> Finding:
    kept = f"{facts.ai.history_max_prompts} prompts, {facts.ai.history_days} days"
    return KEPT, f"{kept}; enforced when a prompt is written and by the clock", READ


def _export(facts: Facts) -> Finding:
    return KEPT, "a prompt exports as Python, notebook, Markdown and JSON", STATIC


def _erase(facts: Facts) -> Finding:
    return KEPT, "each person can export and erase what is theirs, with a receipt", STATIC


def _memory(facts: Facts) -> Finding:
    return KEPT, "what the assistant remembers is listed for its owner and can be erased", STATIC


def _audited(facts: Facts) -> Finding:
    ok, text = facts.audit
    return KEPT if ok else BROKEN, text, "the whole chain was verified just now"


def _unusual(facts: Facts) -> Finding:
    names = ("requests", "megabytes", "denials", "teams")
    watched = [name for name in names if facts.settings.get(f"watch.{name}_per_hour")]
    if not watched:
        return MISSING, "every rule for unusual use is set to 0, so nothing is watched", READ
    hook = "and a webhook" if facts.settings.get("watch.webhook") else "in the app"
    return (
        KEPT,
        f"{len(watched)} of 4 rules are watched while a worker runs; admins are told {hook}",
        READ,
    )


def _limits(facts: Facts) -> Finding:
    limits = facts.ai.limits
    budgets = (
        f"{limits.tokens_per_day_workspace:,} tokens a day for the workspace, {limits.tokens_per_day_member:,} for a "
        f"member, {len(limits.tokens_per_day_teams)} teams with a budget (0: none)"
    )
    return KEPT, f"{limits.requests_per_minute} questions a minute; {budgets}", READ


def _monitoring(facts: Facts) -> Finding:
    return (
        PARTLY,
        "monitoring of content is not built, so it is always off; an admin cannot turn it on",
        STATIC,
    )


def _usage(facts: Facts) -> Finding:
    return KEPT, "the usage page is made from the ledger, which has no content", READ


def _injection(facts: Facts) -> Finding:
    return KEPT, "the corpus is run with a provider that obeys the attacker; README has the score", STATIC


def _this_page(facts: Facts) -> Finding:
    return KEPT, "made for this request", RAN


def _register(facts: Facts) -> Finding:
    return (
        KEPT,
        f"the register is a page and JSON; a further host waits {facts.ai.notice_days} days or for an admin's reason",
        READ,
    )


def _data_flow(facts: Facts) -> Finding:
    return (
        KEPT,
        "the data-flow page is drawn from the live settings; `docent trust --export md` prints the record",
        STATIC,
    )


def _attestations(facts: Facts) -> Finding:
    return (
        OPERATOR,
        "listed per host in the register, dated, and an admin adds to them; check them with the provider",
        STATIC,
    )


def _status(facts: Facts) -> Finding:
    return KEPT, "/healthz, /readyz and /metrics answer", STATIC


def _checklist(facts: Facts) -> Finding:
    return KEPT, "the list on the settings page checks itself, and names what only a person can check", STATIC


def _toggle(facts: Facts) -> Finding:
    state = "on" if facts.ai.run_sql else "off"
    return KEPT, f"the toggle is {state}; it and the permission are read when a statement runs", READ


def _permission(facts: Facts) -> Finding:
    return KEPT, f"admins by default; {facts.permissions} more permissions were given", READ


def _read_only(facts: Facts) -> Finding:
    from plugin.run_sql.batch import Checker

    checker = Checker(allow=["sales.orders"])
    wrong = [
        sql
        for sql, wanted in (
            ("select count(*) from sales.orders", "accept"),
            ("delete from sales.orders", "reject"),
            ("select 1; drop table sales.orders", "reject"),
            ("select pg_read_file('x')", "reject"),
            ("select * from hr.salaries", "reject"),
        )
        if checker.check(sql, "postgres").decision != wanted
    ]
    if wrong:
        return BROKEN, f"{len(wrong)} of 5 probe statements were decided wrongly", RAN
    second = importlib.util.find_spec("pglast") is not None
    parser = (
        "PostgreSQL's own parser agrees" if second else "install docent[postgres-parser] for a second parser"
    )
    limits = facts.ai.sql_limits
    return KEPT, f"5 probes decided rightly; {limits.rows:,} rows, {limits.seconds:g} s; {parser}", RAN


def _tables(facts: Facts) -> Finding:
    return KEPT, "statements are resolved against the asker's visible catalog; refusals name the gate", STATIC


def _two_credentials(facts: Facts) -> Finding:
    able = [each.name for each in facts.integrations if each.has_query_credential]
    text = f"{len(able)} of {len(facts.integrations)} integrations have a query credential of their own"
    return OPERATOR, f"{text}; check the metadata role with the grant script on the integration's page", READ


def _receipts(facts: Facts) -> Finding:
    return KEPT, "each attempt leaves a receipt; `docent sql explain-decision ID` replays it", STATIC


CHECKS: dict[str, Check] = {
    f"P{number}": check
    for number, check in enumerate(
        (
            _isolation, _row_security, _viewer, _hidden, _filters, _conditional,
            _allow_list, _budget, _secrets, _personal, _patterns, _pseudonyms, _usage_out, _literals, _no_store,
            _browser, _tls, _hosts, _shown, _region, _telemetry, _only_chosen, _nothing_leaves,
            _keys, _sealed, _shred, _temporary, _logs, _flagged,
            _own_history, _page_only, _templates, _session_limits, _export, _erase, _memory,
            _audited, _unusual, _limits, _monitoring, _usage, _injection,
            _this_page, _register, _data_flow, _attestations, _status, _checklist,
            _toggle, _permission, _read_only, _tables, _two_credentials, _receipts,
        ),
        start=1,
    )
}  # fmt: skip
