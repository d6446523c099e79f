"""`docent trust` and `docent verify`: what is promised, how it stands now, and whether anything got out."""

from __future__ import annotations

import sys

import click

from plugin.cli.session import Session, command_options, json_option, print_json, say


@click.command()
@command_options
@json_option
@click.pass_obj
def trust(session: Session, as_json: bool) -> None:
    """The Trust page: each promise, its present state, and how that was established."""
    from plugin.governance.trust import report

    found = report(session.store, session.viewer(), session.config)
    if as_json:
        print_json(found)
        return
    for each in found:
        click.echo(f"{each.id:<4} {each.state:<9} {each.promise}")
        click.echo(f"               {each.evidence}")


@click.command()
@json_option
@click.option("--canaries", is_flag=True, required=True, help="Plant canaries and look for them everywhere.")
def verify(canaries: bool, as_json: bool) -> None:
    """Plant unique strings in scratch databases, use every feature, and report where any of them came out."""
    from plugin.governance.canaries import hunt

    found = hunt(say)
    if as_json:
        print_json(found)
    else:
        for line in found.lines():
            click.echo(line)
    if found.leaks:
        sys.exit(1)
