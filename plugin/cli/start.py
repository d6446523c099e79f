"""`docent demo`, `init`, `migrate`, `worker`: how an installation begins and keeps running."""

from __future__ import annotations

import signal
import sys
import threading

import click

from plugin.cli.people import password_from_stdin
from plugin.cli.session import Session, json_option, print_json, say
from plugin.cli.terminal import echo


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
@click.option("--no-serve", is_flag=True, help="Build the sample and stop there.")
@click.pass_context
def demo(ctx: click.Context, port: int, no_serve: bool) -> None:
    """Make a workspace with a sample warehouse, sync it and serve it. Safe to run twice."""
    from plugin.demo import PASSWORD, PEOPLE, build

    session = ctx.find_object(Session)
    assert session is not None
    slug = build(session.store, session.config, say)
    echo(f"Workspace {slug} is ready. Everybody's password is {PASSWORD!r}.")
    for person in PEOPLE:
        echo(f"  {person.email:<26} {person.role:<7} {person.about}")
    if no_serve:
        return
    serve = ctx.find_root().command.get_command(ctx, "serve")  # type: ignore[attr-defined]
    if serve is None:
        raise click.UsageError("the web is not installed beside this command; use --no-serve")
    echo(f"Open http://127.0.0.1:{port} and sign in. Stop with Ctrl+C.")
    ctx.invoke(serve, host="127.0.0.1", port=port, workers=1, no_worker=False)


@click.command()
@json_option
@click.option("--workspace", "name", required=True, metavar="NAME", help="The new workspace's name.")
@click.option("--admin", "email", required=True, metavar="EMAIL", help="Its first admin.")
@click.option("--password-stdin", is_flag=True, help="Read the admin's password from stdin.")
@click.pass_obj
def init(session: Session, name: str, email: str, password_stdin: bool, as_json: bool) -> None:
    """Make a new workspace."""
    if password_stdin:
        password = password_from_stdin()
    elif not sys.stdin.isatty():
        raise click.UsageError("nobody can be asked for the password here: give --password-stdin")
    else:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    with session.store.sign_in() as door:
        made = door.create_workspace(name, email, password)
    if as_json:
        print_json({"workspace": made.slug, "name": made.name, "admin": email})
    else:
        say(f"Made the workspace {made.slug}. Next: docent integration add, or docent serve.")


@click.group()
def workspace() -> None:
    """A workspace as a whole."""


@workspace.command("delete")
@json_option
@click.argument("slug")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def workspace_delete(session: Session, slug: str, yes: bool, as_json: bool) -> None:
    """Destroy a workspace: its keys, then its rows. It cannot be had back; a receipt says what was deleted."""
    session.workspace = slug
    viewer = session.viewer()
    if not yes:
        click.confirm(f"Destroy the workspace {slug} with everything in it, for good?", abort=True, err=True)
    receipt = session.store.delete_workspace(viewer, slug)
    if as_json:
        print_json({"workspace": slug, "at": receipt.at, "deleted": receipt.what})
        return
    echo(f"Destroyed the workspace {slug} at {receipt.at.isoformat(timespec='seconds')}.")
    for what, count in sorted(receipt.what.items()):
        echo(f"  {count:>8,} {what.replace('_', ' ')}")


@click.command()
@click.pass_obj
def migrate(session: Session) -> None:
    """Bring the database to the current schema."""
    from plugin.store import migrate as bring_up_to_date

    say(bring_up_to_date(session.config))


@click.command()
@click.option(
    "--name", default="worker", show_default=True, help="Stable name under which unfinished jobs resume."
)
@click.pass_obj
def worker(session: Session, name: str) -> None:
    """Run background jobs: syncs on demand and by schedule, and expiry."""
    from plugin import jobs

    done = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: done.set())
    with jobs.worker(session.config, name=name):
        say("Worker is running. Stop with Ctrl+C.")
        done.wait()
