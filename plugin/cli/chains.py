"""`docent ledger` and `docent audit`: the two chains, checked and exported."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import IO

import click

from plugin.cli.session import Session, command_options, json_option, print_json, print_lines, say
from plugin.errors import BadInput
from plugin.json_text import read_json

FORMATS = {"ledger": ("jsonl",), "audit": ("jsonl", "ocsf")}


def parse_since(text: str | None) -> datetime | None:
    """An ISO 8601 date or time as UTC. Raises BadInput."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadInput(
            f"{text!r} is not a date or time; write for example 2026-11-21 or 2026-11-21T08:00:00Z"
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _group(name: str, title: str) -> click.Group:
    group = click.Group(name, help=title)

    @group.command(
        "verify", help=f"Check the chain of the {name}: altered, removed, reordered or inserted entries."
    )
    @command_options
    @json_option
    @click.pass_obj
    def verify(session: Session, as_json: bool) -> None:
        with session.store.as_admin(session.viewer()) as admin:
            ok, text = getattr(admin, name).verify()
        if as_json:
            print_json({"ok": ok, "text": text})
        else:
            say(text)
        if not ok:
            sys.exit(1)

    @group.command("export", help=f"Print the entries of the {name} as JSON lines.")
    @command_options
    @json_option
    @click.option("--since", metavar="T", help="Only entries from this date or time on.")
    @click.option(
        "--format",
        "format_",
        type=click.Choice(FORMATS[name]),
        default="jsonl",
        show_default=True,
        help="jsonl has the chain's hashes as they are; ocsf (of the audit log) is read by a SIEM.",
    )
    @click.pass_obj
    def export(session: Session, since: str | None, as_json: bool, format_: str) -> None:
        viewer = session.viewer()
        with session.store.as_admin(viewer) as admin:
            entries = getattr(admin, name).export(parse_since(since))
            if format_ == "ocsf":
                from plugin.governance.ocsf import events

                entries = events(entries, viewer.workspace_slug)
            print_lines(entries)

    @group.command("head", help=f"Print the signed head of the {name}, to keep elsewhere and check later.")
    @command_options
    @click.pass_obj
    def head(session: Session) -> None:
        with session.store.as_admin(session.viewer()) as admin:
            print_json(getattr(admin, name).head())

    @group.command(
        "check-head",
        help=f"Does the {name} still hold the entry that a kept head signed? FILE or - for stdin.",
    )
    @command_options
    @json_option
    @click.argument("file", type=click.File("r"))
    @click.pass_obj
    def check_head(session: Session, file: IO[str], as_json: bool) -> None:
        try:
            kept = read_json(file.read())
        except ValueError as error:
            raise BadInput("that file is no head: it must be the JSON that `head` printed") from error
        if not isinstance(kept, dict):
            raise BadInput("that file is no head: it must be the JSON that `head` printed")
        with session.store.as_admin(session.viewer()) as admin:
            chain = getattr(admin, name)
            ok, text = chain.check_head(kept)
            if ok:  # a head vouches for its entry; the chain from there on must be whole as well
                whole, said = chain.verify()
                ok, text = (ok, text) if whole else (whole, said)
        if as_json:
            print_json({"ok": ok, "text": text})
        else:
            say(text)
        if not ok:
            sys.exit(1)

    return group


ledger = _group("ledger", "The egress ledger: one entry per request to a provider.")
audit = _group("audit", "The audit log: every allow, deny and change, without content.")
