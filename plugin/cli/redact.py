"""`docent redact`: what a provider would get of a text. Needs no workspace and sends nothing."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

import click

from plugin.cli.terminal import echo
from plugin.errors import BadInput
from plugin.json_text import read_json


@click.command()
def redact() -> None:
    """Read JSONL {id, text} on stdin; print {id, text, findings} as a provider would get it.

    A bad line is named by number on stderr, the rest are done, and the exit code is 1.
    """
    from plugin.egress.redact import redact as clean

    bad = False
    for number, line in enumerate(stdin_lines(), start=1):
        if not line.strip():
            continue
        try:
            entry = json_object(line, number)
            text = entry.get("text")
            if not isinstance(text, str):
                raise BadInput(f"line {number} has no text")
        except BadInput as error:
            echo(f"docent: {error}", err=True)
            bad = True
            continue
        found = clean(text)
        findings = [{"type": each.type, "start": each.start, "end": each.end} for each in found.findings]
        out = {"id": entry.get("id"), "text": found.text, "findings": findings}
        sys.stdout.write(json.dumps(out, ensure_ascii=False) + "\n")
        sys.stdout.flush()
    if bad:
        sys.exit(1)


def stdin_lines() -> Iterator[str]:
    """The lines of stdin, read as UTF-8 whatever the locale says; a byte that is none becomes a lone surrogate."""
    sys.stdin.reconfigure(encoding="utf-8-sig", errors="surrogateescape")  # type: ignore[union-attr]
    yield from sys.stdin


def json_object(line: str, number: int) -> dict[str, object]:
    """One line as a JSON object. Raises BadInput naming the line."""
    try:
        entry = read_json(line)
    except ValueError as error:
        raise BadInput(f"line {number} is not JSON") from error
    if not isinstance(entry, dict):
        raise BadInput(f"line {number} is not a JSON object")
    return entry
