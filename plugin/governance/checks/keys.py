"""P24 to P29: keys, what is sealed, what is temporary, what is logged and what is flagged."""

from __future__ import annotations

import logging
import stat
from contextlib import suppress
from itertools import islice
from pathlib import Path

from plugin.config import Config
from plugin.governance.checks.facts import (
    PROBE_CARD,
    PROBE_KEY,
    PROBE_MAIL,
    RAN,
    READ,
    Check,
    Facts,
    Finding,
    broken,
    kept,
)

MOST_FILES, MOST_TOLD = 5_000, 8


def own_keys(facts: Facts) -> Finding:
    """P24: each key is sealed, and the admin's door tells when it was set and no more."""
    from datetime import datetime

    from plugin.governance.settings import SETTINGS

    if any(place.startswith("provider_keys.") for place in facts.database.open_values):
        return broken("a provider's key is not sealed")
    told = [name for name, when in facts.keys.items() if when is not None and not isinstance(when, datetime)]
    listed = [name for name in SETTINGS if name.endswith((".key", ".api_key"))]
    if told or listed:
        return broken(f"a key can be read back: {', '.join((*told, *listed))}", READ)
    here = [name for name, when in facts.keys.items() if when is not None]
    now = (
        f"keys of this workspace: {', '.join(here) or 'none'}"
        if facts.keys
        else "keys are the admins' matter"
    )
    return kept(
        f"{now}; each is sealed, no door gives one back, a new one is tried at its provider before it is saved, and it "
        "can be removed",
        READ,
        "each provider key is sealed, no door gives one back, and it can be removed",
    )


def sealed(facts: Facts) -> Finding:
    """P25: every value begins as a living key of the workspace seals it, and the files are their owner's alone."""
    if facts.database.open_values:
        where = ", ".join(f"{count} in {place}" for place, count in facts.database.open_values.items())
        return broken(f"values that no key of this workspace sealed: {where}")
    loose = _loose_files(facts.config)
    if loose:
        return broken(
            f"files that others on this machine may read: {', '.join(loose)}; set their mode to 0600"
        )
    where = "DOCENT_MASTER_KEY" if facts.config.master_key else "a key file beside the database, mode 0600"
    values = f"{facts.database.sealed_values:,} sealed values were looked at"
    return kept(
        f"AES-256-GCM with a key per workspace, wrapped by {where}; {values}. Disk encryption is the operator's",
        shown=f"AES-256-GCM with a key per workspace, wrapped by {where}; every sealed value was looked at. Disk "
        "encryption is the operator's",
    )


def _loose_files(config: Config) -> list[str]:
    """Files of ours that others may read: all at home, and what lies beside the database, wherever that is."""
    files = list(islice(config.home.rglob("*"), MOST_FILES))
    scheme, _, place = config.database_url.partition(":///")
    if scheme.startswith("sqlite") and place:
        database = Path(place.partition("?")[0])
        files += database.parent.glob(f"{database.name}*")
        files += database.parent.glob("monitoring-*.sqlite3*")
    found = set()
    for each in files:
        with suppress(OSError):  # gone in the meantime
            if each.is_file() and not each.is_symlink() and stat.S_IMODE(each.stat().st_mode) & 0o077:
                found.add(each.name)
    return sorted(found)[:MOST_TOLD]


def shred(facts: Facts) -> Finding:
    """P26: of a workspace that is gone no row is left."""
    if facts.database.isolation.strangers:
        return broken(f"rows of a workspace that is gone: {', '.join(facts.database.isolation.strangers)}")
    if facts.database.orphaned:
        return broken(
            "a monitoring store of a workspace that is gone is still there; delete its file or table"
        )
    return kept(
        "no row of a deleted workspace is left; `docent workspace delete` destroys the keys, then the rows, and prints "
        "a receipt; backups are the operator's"
    )


def temporary(_facts: Facts) -> Finding:
    """P27: a result that spills to a disk leaves no name there."""
    import tempfile

    from plugin.run_sql.results import Column, Owner, Results

    with tempfile.TemporaryDirectory(prefix="docent-probe-") as folder:
        results = Results(Path(folder), memory_bytes=0)
        try:
            made = results.start(Owner(0, 0, "probe"), [Column("c")])
            results.add(made, [(PROBE_MAIL,)])
            results.finish(made)
            came_back = list(made) == [(PROBE_MAIL,)]
            named = [each for each in Path(folder).rglob("*") if each.is_file()]
        finally:
            results.close()
    if not came_back or named:
        return broken("a probe result that spilled has a name on the disk, or was lost", RAN)
    return kept(
        "a probe result spilled to a sealed file without a name, its key in memory only; results end with a clock",
        RAN,
    )


def logs(facts: Facts) -> Finding:
    """P28: an argument, an error's text and a library's message do not reach a line."""
    from plugin.logs import JsonFormatter

    try:
        raise ValueError(PROBE_MAIL)
    except ValueError as error:
        raised = (type(error), error, error.__traceback__)
    records = (
        logging.LogRecord("docent.probe", logging.INFO, "x.py", 1, "template %s", (PROBE_MAIL,), None),
        logging.LogRecord("docent.probe", logging.ERROR, "x.py", 1, "failed", (), raised),
        logging.LogRecord("library", logging.WARNING, "x.py", 1, f"saw {PROBE_MAIL}", (), None),
    )
    if any(PROBE_MAIL in JsonFormatter().format(each) for each in records):
        return broken("a probe reached a log line", RAN)
    return kept(
        f"a probe argument, error text and library message stayed out of the line; level {facts.config.log_level}",
        RAN,
    )


def flagged(_facts: Facts) -> Finding:
    """P29: saved and imported texts go through the same look."""
    from plugin.store._flags import kinds_in, worth_a_look

    texts = (f"key {PROBE_KEY}", f"paid by {PROBE_CARD}")
    if not all(kinds_in(each) and worth_a_look(each) for each in texts) or kinds_in("orders placed per day"):
        return broken("a probe text was flagged wrongly", RAN)
    return kept(
        "a probe key and a probe card number were found; what people save and what a sync brings is looked at",
        RAN,
    )


CHECKS: tuple[Check, ...] = (own_keys, sealed, shred, temporary, logs, flagged)
