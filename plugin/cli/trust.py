"""`docent trust` and `docent verify`: what is promised, how it stands now, and whether anything got out."""

from __future__ import annotations

import sys

import click

from plugin.cli.session import Session, command_options, json_option, plain, print_json, read_secret, say
from plugin.cli.sources import read_settings
from plugin.cli.terminal import echo


@click.command()
@command_options
@json_option
@click.option(
    "--export",
    "export",
    type=click.Choice(["json", "md"]),
    help="Print the processing record and the facts for an impact assessment instead.",
)
@click.pass_context
def trust(ctx: click.Context, export: str | None, as_json: bool) -> None:
    """The Trust page: each promise, its present state, and how that was established."""
    from plugin.governance.pages import SeesPages
    from plugin.governance.trust import report

    session = ctx.find_object(Session)
    assert session is not None
    serve = ctx.find_root().command.get_command(ctx, "serve")  # type: ignore[attr-defined]
    pages = serve.look(session.config, session.store) if isinstance(serve, SeesPages) else None
    if export:
        from plugin.governance.dossier import as_markdown, dossier

        document = dossier(session.store, session.viewer(), session.config, pages)
        if export == "json":
            print_json(document)
        else:
            echo(as_markdown(document), nl=False)
        return
    found = report(session.store, session.viewer(), session.config, pages)
    if as_json:
        print_json(found)
        return
    for each in found:
        echo(f"{each.id:<4} {each.state:<9} {each.promise}")
        echo(f"               {each.evidence}")


@click.command()
@json_option
@click.option("--canaries", is_flag=True, required=True, help="Plant canaries and look for them everywhere.")
@click.option(
    "--server", "servers", multiple=True, metavar="env:VAR",
    help="A PostgreSQL or MySQL server, as a URL in a variable, for scratch databases that are dropped again.",
)  # fmt: skip
@click.option("--type", "type_", metavar="TYPE", help="Your own staging source instead of scratch databases.")
@click.option("--set", "options", multiple=True, metavar="KEY=VALUE", help="A setting of it; url=env:VAR.")
@click.option("--secret", "given_secrets", multiple=True, metavar="KEY=-|env:VAR", help="A secret of it.")
@click.option(
    "--query-url", metavar="URL|env:VAR", help="Its query credential, for Run SQL; a file needs none."
)
@click.option(
    "--canary", "own_canaries", multiple=True, metavar="TEXT", help="A canary that you planted in its rows."
)
def verify(
    canaries: bool,
    servers: tuple[str, ...],
    type_: str | None,
    options: tuple[str, ...],
    given_secrets: tuple[str, ...],
    query_url: str | None,
    own_canaries: tuple[str, ...],
    as_json: bool,
) -> None:
    """Plant unique strings in scratch databases, use every feature, and report where any of them came out.

    With --type the same is done to a staging source of your own, in whose rows you planted the --canary texts. Nothing
    leaves this machine: the provider is a stand-in on loopback.
    """
    from plugin.governance.canaries import OwnSource, hunt

    own = None
    if type_ is not None:
        if not own_canaries or query_url is None:
            raise click.UsageError(
                "with --type give --query-url (of a file, its own URL) and at least one --canary of its rows"
            )
        settings, sealed = read_settings(options, given_secrets, type_)
        url = read_secret("--query-url", query_url) if query_url.startswith("env:") else query_url
        own = OwnSource(type_, settings, sealed, {"url": url}, own_canaries)
    if servers and own is not None:
        raise click.UsageError("give --server or --type, not both")
    found = hunt(say, own, [read_secret("--server", each) for each in servers])
    if as_json:
        print_json({**plain(found), "ok": found.ok})
    else:
        for line in found.lines():
            echo(line)
    if not found.ok:
        if as_json:
            say("a canary got out, or the hunt could not see")
        sys.exit(1)
