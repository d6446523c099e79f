"""`docent sql`: the guard, the gated run, and why a decision was taken."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from plugin.cli.redact import stdin_lines
from plugin.cli.run_rows import in_full, print_rows
from plugin.cli.saved_sql import query
from plugin.cli.session import Session, command_options, json_option, print_json, print_lines, say, stdin_text
from plugin.cli.terminal import echo
from plugin.errors import BadInput


@click.group()
def sql() -> None:
    """Check SQL against the guard, and run it through every gate."""


@sql.command()
@json_option
@click.option(
    "--dialect", metavar="D", help="postgres, mysql, sqlite, duckdb, snowflake, bigquery, tsql, ..."
)
@click.option("--allow", multiple=True, metavar="SCHEMA.TABLE", help="A visible table; may be given again.")
@click.option(
    "--columns",
    "columns_file",
    type=click.Path(dir_okay=False),
    help="A JSON object of table to its visible columns, which then are all that exists.",
)
@click.option("--default-schema", metavar="S", help="What a bare table name belongs to.")
@click.option("--database", metavar="D", help="The current database; another catalog part is refused.")
@click.option(
    "--jsonl", is_flag=True, help="Each stdin line is {id, dialect, sql}; each output line its verdict."
)
def check(
    dialect: str | None,
    allow: tuple[str, ...],
    columns_file: str | None,
    default_schema: str | None,
    database: str | None,
    jsonl: bool,
    as_json: bool,
) -> None:
    """Read SQL on stdin: would the guard let it run if these tables were visible?

    With --json or --jsonl the answer is on stdout and the exit code is 0; else a refusal exits with 3.
    """
    from plugin.run_sql.batch import Checker, check_lines, check_one, read_columns

    columns = read_columns(text_of(columns_file)) if columns_file else None
    checker = Checker(columns=columns, allow=allow, default_schema=default_schema, database=database)
    if jsonl:
        print_lines(check_lines(checker, stdin_lines(), dialect))
        return
    if dialect is None:
        raise click.UsageError("give --dialect (or --jsonl with a dialect on each line)")
    verdict = check_one(checker, "".join(stdin_lines()), dialect)
    if as_json:
        print_json(verdict)
    else:
        echo(verdict["decision"])
        for reason in verdict["reasons"]:
            say(f"  {reason}")
        if verdict["decision"] != "accept":
            sys.exit(3)


def text_of(path: str) -> str:
    """A file's text. Raises BadInput where it cannot be read."""
    try:
        return Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"cannot read {path}", field="columns") from error


@sql.command()
@command_options
@json_option
@click.option("--integration", required=True, metavar="I")
@click.option(
    "--limit", type=click.IntRange(1, 100_000), default=1000, show_default=True, help="Rows to print."
)
@click.pass_obj
def run(session: Session, integration: str, limit: int, as_json: bool) -> None:
    """Run the SQL on stdin through every gate and print its rows for the person."""
    from plugin.errors import NotFound
    from plugin.run_sql.execute import QueryError
    from plugin.run_sql.results import Results
    from plugin.run_sql.run import run as run_sql

    statement = stdin_text()
    viewer = session.viewer()
    with session.store.as_viewer(viewer) as mine:
        found = {each.name.casefold(): each.id for each in mine.catalog.integrations()}
    if integration.casefold() not in found:
        raise NotFound(f"no integration {integration!r}")
    kept = Results()
    try:
        outcome = run_sql(
            session.store, viewer, found[integration.casefold()], statement, results=kept, session="cli"
        )
        print_rows(outcome, limit, as_json)
    except QueryError as error:
        in_full(error)
        raise
    finally:
        kept.close()


@sql.command("explain-decision")
@command_options
@json_option
@click.argument("receipt_id", type=int)
@click.pass_obj
def explain_decision(session: Session, receipt_id: int, as_json: bool) -> None:
    """Replay a decision receipt against today's settings and say what changed."""
    from plugin.run_sql.explain import explain_decision as explain

    found = explain(session.store, session.viewer(), receipt_id)
    if as_json:
        print_json(found.as_dict())
        return
    echo(f"Then: {found.shown.verdict}{f' ({found.shown.reason})' if found.shown.reason else ''}")
    echo(f"Now: {found.verdict_now}{f' ({found.reason_now})' if found.reason_now else ''}")
    if found.who_now:
        echo(f"  Who can open it: {found.who_now}")
    for change in found.changes:
        echo(f"  {change}")
    if not found.changes:
        echo("Nothing that decided it has changed.")


sql.add_command(query)
