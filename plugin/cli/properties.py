"""`docent properties`: descriptions, owners, tags and marks out into a file, and in again."""

from __future__ import annotations

import sys

import click

from plugin.cli.session import Session, command_options, json_option, print_json, say


@click.group()
def properties() -> None:
    """Export and import what people wrote: descriptions, owners, tags, verified."""


@properties.command("export")
@command_options
@click.option("--integration", metavar="I", help="Only of this integration.")
@click.option("--format", "format_", type=click.Choice(["jsonl", "csv"]), default="jsonl", show_default=True)
@click.option("--columns", is_flag=True, help="Columns too.")
@click.pass_obj
def export(session: Session, integration: str | None, format_: str, columns: bool) -> None:
    """Print one line a resource on stdout."""
    from plugin.catalog.properties import as_csv, as_jsonl, exported

    lines = exported(session.store, session.viewer(), integration=integration, columns=columns)
    for text in as_csv(lines) if format_ == "csv" else as_jsonl(lines):
        sys.stdout.write(text)
    sys.stdout.flush()


@properties.command("import")
@command_options
@json_option
@click.argument("file", type=click.Path(dir_okay=False))
@click.option("--strict", is_flag=True, help="Change nothing where any line is bad.")
@click.pass_obj
def import_(session: Session, file: str, strict: bool, as_json: bool) -> None:
    """Change what a CSV or JSONL file says; what it does not name stays."""
    from plugin.catalog.properties import apply_path

    done = apply_path(session.store, session.viewer(), file, strict=strict)
    if as_json:
        print_json(done)
    else:
        bad = len(done.errors) + done.more_errors
        say(f"{done.changed} changed, {done.unchanged} unchanged, {bad} bad lines.")
    if done.ignored:
        say(f"note: not read, since no property is called so: {', '.join(done.ignored)}")
    for problem in done.errors:
        say(f"line {problem.line}: {problem.reason}")
    if done.more_errors:
        say(f"and {done.more_errors:,} more")
    if done.errors:
        sys.exit(1)
