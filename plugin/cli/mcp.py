"""`docent mcp`: the same tools for an MCP client, over stdio."""

from __future__ import annotations

import click

from plugin.cli.session import Session, command_options


@click.command()
@command_options
@click.pass_obj
def mcp(session: Session) -> None:
    """Serve the Model Context Protocol on stdin and stdout, as the member that --as names."""
    from plugin.mcp import serve_stdio

    serve_stdio(session.store, session.config, session.viewer())
