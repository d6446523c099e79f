"""`docent keys`: rotation of the master key and of a workspace's key, while people work."""

from __future__ import annotations

import click

from plugin.cli.session import Session, command_options, say


@click.group()
def keys() -> None:
    """Rotate the keys that seal secrets and prompts at rest."""


@keys.command("rotate-master")
@click.pass_obj
def rotate_master(session: Session) -> None:
    """Wrap every workspace's key with the newest master key in DOCENT_MASTER_KEY."""
    say(session.store.rotate_master_key())


@keys.command("rotate-workspace")
@command_options
@click.pass_obj
def rotate_workspace(session: Session) -> None:
    """Give the workspace a new data key and seal everything anew with it."""
    say(session.store.rotate_workspace_key(session.viewer()))
