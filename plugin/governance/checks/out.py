"""P7 to P23: what goes out, where to, and what does not."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from plugin.egress.addresses import is_loopback
from plugin.egress.allowed_fields import ALLOWED, FieldNotAllowed, check_fields
from plugin.egress.budget import fit
from plugin.egress.parts import Context, Conversation, Fragment, UserText
from plugin.egress.redact import redact
from plugin.errors import DocentError
from plugin.governance.checks import source
from plugin.governance.checks.facts import (
    OPERATOR,
    PARTLY,
    PROBE_KEY,
    PROBE_MAIL,
    RAN,
    READ,
    SOURCE,
    Check,
    Facts,
    Finding,
    broken,
    kept,
)

NO_PAGES = "no web is installed beside this command; open the Trust page on the server to have it looked at"
PERSONAL_USE = ("queried_by", "frequent_users", "last_user", "runs_by", "users")
BY_SSL_MODE = ("postgresql", "postgres", "redshift", "mysql", "mariadb", "oracle")
UNSAFE_TLS = (
    "sslmode=disable", "sslmode=allow", "sslmode=prefer", "ssl=false", "verify=false", "verify_ssl=false",
    "trustservercertificate=yes", "insecure",
)  # fmt: skip


def allow_list(_facts: Facts) -> Finding:
    """P7: a field that is on no list stops the request."""
    try:
        check_fields(Fragment(None, "table", {"name": "probe", "sample_rows": "1"}))
    except FieldNotAllowed:
        return kept(
            f"{len(ALLOWED)} fields may go out, each with a reason; a probe of another was refused", RAN
        )
    return broken("a probe field that is on no list would have gone out", RAN)


def budget(facts: Facts) -> Finding:
    """P8: what does not fit is cut and said."""
    large = tuple(Fragment(n, "table", {"name": f"t{n}", "description": "x " * 2000}) for n in range(40))
    parts, cut = fit((UserText("probe"), Context(large)), facts.ai.limits.context_tokens // 10 or 50)
    left = sum(len(part.fragments) for part in parts if isinstance(part, Context))
    if not cut or left == len(large):
        return broken("a probe larger than the budget was neither cut nor told", RAN)
    return kept(
        f"at most {facts.ai.limits.context_tokens:,} tokens of context a question; a probe was cut and said so",
        RAN,
    )


def secrets(_facts: Facts) -> Finding:
    """P9: a key in any text is removed."""
    if PROBE_KEY in redact(f"aws key {PROBE_KEY} of the loader").text:
        return broken("a probe key was not removed", RAN)
    others = source.strangers_to_secrets()
    if others:
        return broken(f"the secret store is opened by {', '.join(others)}", SOURCE)
    return kept(
        f"a probe key was removed; in {source.read()} files of this installation only the gateway, the sync and "
        "Run SQL open the secret store",
        RAN,
    )


def personal(facts: Facts) -> Finding:
    """P10: a stand-in goes out, and comes back."""
    found = redact(f"mail {PROBE_MAIL} about sales.orders", regions=facts.ai.redaction_regions)
    if PROBE_MAIL in found.text or "sales.orders" not in found.text:
        return broken("a probe address went out or a table name was lost", RAN)
    if found.stand_ins.restore_all({"a": found.text})["a"] != f"mail {PROBE_MAIL} about sales.orders":
        return broken("a probe's stand-in did not come back", RAN)
    return kept(
        "a probe address became a stand-in and came back. Names of strangers in free text are not found by patterns",
        RAN,
    )


def patterns(facts: Facts) -> Finding:
    """P11: every pattern of the workspace's own can be used."""
    from plugin.egress.policy import patterns_of

    try:
        usable = patterns_of(facts.ai)
    except DocentError as error:
        return broken(f"nothing is sent until an admin mends it: {error}", RAN)
    return kept(f"{len(usable)} patterns of the workspace's own are in force, each was just tried", RAN)


def pseudonyms(_facts: Facts) -> Finding:
    """P12: an owner's name does not leave."""
    from plugin.egress.render import render

    owned = Context((Fragment(1, "table", {"name": "t", "owners": ("Ann Probe", PROBE_MAIL)}),))
    conversation = Conversation((owned,), people={"ann probe": "7"})
    made = render(conversation, conversation.parts, (), model="m", max_tokens=1, patterns=(), regions=("US",))
    if "Ann Probe" in repr(made.request.messages) or PROBE_MAIL in repr(made.request.messages):
        return broken("a probe owner's name went out", RAN)
    return kept("a probe table's owners left as stand-ins and are put back here", RAN)


def usage_out(_facts: Facts) -> Finding:
    """P13: no field of a person's use is on the list."""
    found = [name for name in ALLOWED if name.rpartition(".")[2] in PERSONAL_USE]
    if found:
        return broken(f"fields of a person's use may go out: {', '.join(found)}", RAN)
    return kept("the allow-list was read: it has no field of a person's use", RAN)


def literals(_facts: Facts) -> Finding:
    """P14: literals are masked in each dialect."""
    from plugin.catalog.mask import mask_literals

    for dialect in ("postgres", "mysql", "sqlite", "duckdb", "snowflake", "bigquery", "tsql", "nonsense ("):
        masked = mask_literals("select id from t where name = 'Ann Smith' and n = 4711", dialect)
        if "Ann" in masked or "4711" in masked:
            return broken(f"a probe literal was not masked ({dialect})", RAN)
    return kept("probe literals were masked in 7 dialects and in one that is not known", RAN)


def no_store(facts: Facts) -> Finding:
    """P15: what is asked of the provider, and where its word stands."""
    if facts.ai.provider == "builtin":
        return kept("nothing is sent to a provider")
    from plugin.egress.endpoints import default_endpoint
    from plugin.egress.gateway import what_would_leave

    known = default_endpoint(facts.ai.provider)
    if facts.ai.provider == "openai" and what_would_leave("openai").get("store") is not False:
        return broken("a probe request would not ask the provider to store nothing", RAN)
    asked = "; ".join(known.options) if known else "nothing: its operator is not known to Docent"
    return Finding(OPERATOR, f"with every request: {asked}. Check its contract in the register", READ)


def browser(facts: Facts) -> Finding:
    """P16: what the pages' own policy lets a browser do, and what their scripts try."""
    if facts.pages is None:
        return Finding(OPERATOR, NO_PAGES, READ)
    for path, policy in facts.pages.policies.items():
        said = {name: rest for name, _, rest in (each.strip().partition(" ") for each in policy.split(";"))}
        open_ = [
            name
            for name in ("default-src", "script-src", "connect-src", "form-action", "frame-src", "worker-src")
            if said.get(name, said.get("default-src", "")).strip() not in ("'self'", "'none'")
        ]
        if open_:
            return broken(f"the policy of {path} lets a browser leave this server: {', '.join(open_)}", RAN)
    if facts.pages.calls_out:
        return broken(f"a script calls a foreign address: {facts.pages.calls_out[0]}", RAN)
    return kept(
        f"{len(facts.pages.policies)} pages were just asked: their policy lets a browser connect to this server only; "
        f"{facts.pages.scripts} scripts name no other",
        RAN,
    )


def tls(facts: Facts) -> Finding:
    """P17: the context that requests use, and what the settings of sources say."""
    from plugin.egress.transport import _tls

    context = _tls()
    if (
        context.minimum_version < ssl.TLSVersion.TLSv1_2
        or context.verify_mode is not ssl.CERT_REQUIRED
        or not context.check_hostname
    ):
        return broken("requests to providers would accept old TLS or an unverified certificate", RAN)
    if context.keylog_filename is not None:
        return broken("the keys of connections to providers are written to a file (SSLKEYLOGFILE)", RAN)
    lowest = context.minimum_version.name.replace("_", ".")
    host = urlsplit(facts.ai.base_url).hostname or "" if facts.ai.base_url else ""
    if facts.ai.base_url and not facts.ai.base_url.startswith("https://"):
        said = f"{host} is reached without TLS; allowed for loopback and listed internal hosts only"
        return Finding(OPERATOR, said, READ, "the provider is reached inside your own network, without TLS")
    open_sources = [each.name for each in facts.integrations or () if _weakens_tls(each.settings)]
    told = f"to providers {lowest} or higher, verified"
    if open_sources:
        said = (
            f"{told}; sources whose settings leave the certificate unchecked (`ssl_mode=verify-full` checks it): "
            f"{', '.join(open_sources)}"
        )
        return Finding(OPERATOR, said, RAN, f"{told}; TLS to sources is in their settings")
    return Finding(OPERATOR, f"{told}; ssl options of each source are its settings", RAN)


def _weakens_tls(settings: Mapping[str, Any]) -> bool:
    """Do these settings reach a server of a network without TLS, or without looking at its certificate?"""
    given = {str(name).lower(): str(value).lower().replace(" ", "") for name, value in settings.items()}
    if any(word in value for value in given.values() for word in UNSAFE_TLS):
        return True
    address = urlsplit(given.get("url", ""))
    mode = parse_qs(address.query).get("sslmode", [given.get("ssl_mode", "")])[0]
    # Databases take TLS where it is offered unless they are told more; every other source is reached by https.
    database = "ssl_mode" in given or address.scheme.partition("+")[0] in BY_SSL_MODE
    host = address.hostname or given.get("host", "")
    return database and bool(host) and not is_loopback(host) and not mode.startswith("verify-")


def hosts(facts: Facts) -> Finding:
    """P18: every host that was ever reached is declared."""
    if facts.database.unregistered_hosts:
        said = ", ".join(facts.database.unregistered_hosts)
        return broken(f"the ledger has requests to hosts that are not in the register: {said}")
    if facts.ai.provider == "builtin":
        return kept("no provider host is chosen, and every host in the ledger is in the register")
    host = urlsplit(facts.ai.base_url).hostname if facts.ai.base_url else ""
    return kept(
        f"only {host or facts.ai.provider} can be reached; every host in the ledger is in the register"
    )


def shown(facts: Facts) -> Finding:
    """P19: the ledger is whole and has no text."""
    whole, said = facts.database.ledger
    if not whole:
        return broken(
            said, "the whole chain was verified just now", "the ledger does not verify; ask an admin"
        )
    if facts.database.wordy_manifests:
        return broken(
            f"{facts.database.wordy_manifests} ledger entries hold longer words than a manifest has"
        )
    return kept(
        f"each answer has what was sent. {said} No entry read holds text",
        "the whole chain was verified just now",
        "each answer has what was sent; the ledger was verified and holds no text",
    )


def region(facts: Facts) -> Finding:
    """P20: nothing left the home region since it was set."""
    if facts.database.foreign_regions:
        return broken(
            f"{facts.database.foreign_regions} requests left the home region since the settings forbid it"
        )
    if facts.ai.provider == "builtin":
        return kept("nothing leaves this machine; no request in the ledger left the home region")
    across = "allowed" if facts.ai.allow_other_regions else "refused"
    said = f"home region: {facts.ai.region or 'none chosen'}; other regions are {across}; the ledger agrees"
    return kept(said) if facts.ai.region else Finding(OPERATOR, said, READ)


def telemetry(_facts: Facts) -> Finding:
    """P21: who can open a connection at all, and what a vendor's SDK may add to a request."""
    from plugin.egress.transport import HEADERS

    others = source.strangers_on_the_network()
    if others:
        return broken(f"modules that could call home: {', '.join(others)}", SOURCE)
    telling = [name for name in HEADERS if name.startswith(("x-stainless", "x-sdk", "x-client"))]
    if telling:
        return broken(f"headers that tell of this machine may go out: {', '.join(telling)}", SOURCE)
    return kept(
        f"in {source.read()} files of this installation none but the gateway's, the providers' and the connectors' can "
        f"open a connection; of the headers of a vendor's SDK {len(HEADERS)} pass, none of which tells of this machine",
        SOURCE,
    )


def only_chosen(facts: Facts) -> Finding:
    """P22: what answered."""
    chosen = f"{facts.ai.provider}{f', {facts.ai.model}' if facts.ai.model else ''}"
    used = ", ".join(facts.database.providers) or "none"
    if facts.database.other_providers:
        return broken(
            f"{facts.database.other_providers} requests went to another provider or model than the one chosen, and no "
            "admin asked for it",
            shown="requests went to another provider or model than the one chosen; ask an admin",
        )
    return kept(f"chosen: {chosen}; in the ledger of 30 days: {used}; there is no fallback")


def nothing_leaves(facts: Facts) -> Finding:
    """P23: the built-in assistant is there and speaks to nobody."""
    from plugin.providers import VENDORS, provider_class

    maker = provider_class("builtin")
    if "builtin" in VENDORS or maker is None or not maker.in_process:
        return broken("the built-in assistant would need a network", RAN)
    where = urlsplit(facts.ai.base_url or "").hostname or ""
    if facts.ai.provider == "openai_compatible" and (is_loopback(where) or where in facts.ai.internal_hosts):
        return kept(
            f"the model server at {where} is in your own network; the built-in assistant needs none", READ,
            "the model server is in this organisation's own network",
        )  # fmt: skip
    now = "it is on" if facts.ai.provider == "builtin" else "it can be chosen under Provider"
    said = f"the built-in assistant needs no network; {now}"
    if facts.ai.provider == "builtin":
        return kept(said, RAN)
    return Finding(PARTLY, f"{said}. It answers by rules, so a model in your own network answers more", RAN)


CHECKS: tuple[Check, ...] = (
    allow_list, budget, secrets, personal, patterns, pseudonyms, usage_out, literals, no_store, browser, tls, hosts,
    shown, region, telemetry, only_chosen, nothing_leaves,
)  # fmt: skip
