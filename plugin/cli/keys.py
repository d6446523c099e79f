"""`docent keys`: rotation of the master key and of a workspace's key, while people work; the secret of the webhook."""

from __future__ import annotations

import click

from plugin.cli.session import Session, command_options, say
from plugin.cli.terminal import echo


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


@keys.command("webhook-secret")
@command_options
@click.option("--test", "trying", is_flag=True, help="Also post a test notice there now.")
@click.pass_obj
def webhook_secret(session: Session, trying: bool) -> None:
    """Print the secret with which a receiver checks the signature of our notices (Standard Webhooks)."""
    from datetime import UTC, datetime

    from plugin.egress.webhook import post
    from plugin.errors import Misconfigured

    viewer = session.viewer()
    with session.store.as_admin(viewer) as admin:
        hook = admin.settings.webhook()
    if hook is None:
        raise Misconfigured("no webhook is set; set one with: docent settings watch.webhook URL")
    echo(hook.secret)
    if trying:
        values = {
            "workspace": viewer.workspace_slug, "rule": "test", "member": viewer.email, "seen": 0, "limit": 0,
            "at": datetime.now(UTC).isoformat(),
        }  # fmt: skip

        def enter(host: str) -> None:
            with session.store.clock() as clock:
                clock.note_webhook(viewer.workspace_id, "test", host, "allow")

        post(hook, values, opening=enter)
        say("A test notice was posted and taken.")
