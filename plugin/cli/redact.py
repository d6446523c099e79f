"""`docent redact`: what a provider would get of a text. Needs no workspace and sends nothing."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

import click

from plugin.errors import BadInput


@click.command()
def redact() -> None:
    """Read JSONL {id, text} on stdin; print {id, text, findings} as a provider would get it."""
    from plugin.egress.redact import redact as clean

    for number, line in enumerate(stdin_lines(), start=1):
        entry = json_object(line, number)
        text = entry.get("text")
        if not isinstance(text, str):
            raise BadInput(f"line {number} has no text")
        found = clean(text)
        findings = [{"type": each.type, "start": each.start, "end": each.end} for each in found.findings]
        out = {"id": entry.get("id"), "text": found.text, "findings": findings}
        sys.stdout.write(json.dumps(out, ensure_ascii=False) + "\n")
        sys.stdout.flush()


def stdin_lines() -> Iterator[str]:
    """The lines of stdin that are not empty, read as UTF-8 whatever the locale says."""
    sys.stdin.reconfigure(encoding="utf-8", errors="surrogateescape")  # type: ignore[union-attr]
    sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape")  # type: ignore[union-attr]
    for line in sys.stdin:
        if line.strip():
            yield line


def json_object(line: str, number: int) -> dict[str, object]:
    """One line as a JSON object. Raises BadInput naming the line."""
    try:
        entry = json.loads(line)
    except ValueError as error:
        raise BadInput(f"line {number} is not JSON") from error
    if not isinstance(entry, dict):
        raise BadInput(f"line {number} is not a JSON object")
    return entry
