"""`docent push`: what people wrote in Docent, as statements for its source. Plan, look, apply, undo; admins only."""

from __future__ import annotations

import sys
from typing import Any

import click

from plugin.cli.session import Session, command_options, json_option, print_json, say
from plugin.cli.sources import read_settings
from plugin.cli.terminal import echo


@click.group()
def push() -> None:
    """Write descriptions and tags back to a source: plan, apply, undo. Off until it has a credential of its own."""


@push.command("credential")
@command_options
@click.argument("integration")
@click.option("--set", "options", multiple=True, metavar="KEY=VALUE", help="A setting of the push role.")
@click.option(
    "--secret",
    "secrets",
    multiple=True,
    metavar="KEY=-|env:VAR",
    help="A secret of the push role.",
)
@click.option("--remove", is_flag=True, help="Turn push back off.")
@click.pass_obj
def credential(
    session: Session, integration: str, options: tuple[str, ...], secrets: tuple[str, ...], remove: bool
) -> None:
    """Turn push back on with a credential of its own, or off."""
    from plugin.catalog.sync.push import set_push_credential

    settings, sealed = read_settings(options, secrets)
    if remove == bool(settings or sealed):
        raise click.UsageError("give --set and --secret for the push role, or --remove")
    viewer, wanted = session.viewer(), _id(session, integration)
    set_push_credential(session.store, viewer, wanted, None if remove else {**settings, **sealed})
    say(f"Push back of {integration} is {'off' if remove else 'on'}.")


@push.command("grant")
@command_options
@click.argument("integration")
@click.pass_obj
def grant(session: Session, integration: str) -> None:
    """Print the grant script of the push role."""
    from plugin.catalog.sync.push import facts

    with session.store.as_admin(session.viewer()) as admin:
        told = facts(admin.integrations.by_name(integration).type)
    if not told["can_push"]:
        raise click.UsageError(f"nothing can be pushed to {integration}")
    echo(told["grant_script"], nl=False)


@push.command("plan")
@command_options
@json_option
@click.argument("integration")
@click.pass_obj
def plan(session: Session, integration: str, as_json: bool) -> None:
    """Show the statements that would run, and those that would undo them. Writes nothing to the source."""
    from plugin.catalog.sync.push import plan_push

    made = plan_push(session.store, session.viewer(), _id(session, integration))
    if as_json:
        print_json(made)
        return
    for item in made.items:
        for statement in item.statements:
            echo(f"{statement};")
        for statement in item.undo:
            echo(f"-- undo: {' '.join(statement.splitlines())};")
        if item.state != "ready":
            echo(f"-- {item.state}: {item.qualified_name} ({item.what}): {item.reason}")
    counts = ", ".join(
        f"{made.count(state)} {word}"
        for state, word in (
            ("ready", "to run"), ("same", "the same already"), ("conflict", "in conflict"), ("missing", "missing"),
            ("cannot", "impossible"),
        )
    )  # fmt: skip
    say(f"Plan {made.id}: {counts}. Run it: docent push apply {integration} --plan {made.id}")


@push.command("apply")
@command_options
@json_option
@click.argument("integration")
@click.option("--plan", "plan_id", type=int, metavar="ID", help="The plan to run (default: the latest).")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def apply(session: Session, integration: str, plan_id: int | None, yes: bool, as_json: bool) -> None:
    """Run a plan's statements, each only if the source is still as the plan saw it."""
    from plugin.catalog.sync.push import apply_push

    chosen = _chosen(session, integration, plan_id, "planned")
    if not yes:
        click.confirm(f"Run {chosen.count('ready')} statements on {integration}?", abort=True, err=True)
    _tell(apply_push(session.store, session.viewer(), chosen.id), "applied", as_json)


@push.command("undo")
@command_options
@json_option
@click.argument("integration")
@click.option(
    "--plan", "plan_id", type=int, metavar="ID", help="The plan to undo (default: the latest that ran)."
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def undo(session: Session, integration: str, plan_id: int | None, yes: bool, as_json: bool) -> None:
    """Run the second list: what a plan changed goes back, unless somebody changed it since."""
    from plugin.catalog.sync.push import undo_push

    chosen = _chosen(session, integration, plan_id, "applied")
    if not yes:
        click.confirm(f"Undo plan {chosen.id} on {integration}?", abort=True, err=True)
    _tell(undo_push(session.store, session.viewer(), chosen.id), "undone", as_json)


def _id(session: Session, integration: str) -> int:
    with session.store.as_admin(session.viewer()) as admin:
        return int(admin.integrations.by_name(integration).id)


def _chosen(session: Session, integration: str, plan_id: int | None, state: str) -> Any:
    with session.store.as_admin(session.viewer()) as admin:
        wanted = admin.integrations.by_name(integration).id
        plans = admin.pushes.list(wanted, 50)
    for each in plans:
        if each.id == plan_id or (plan_id is None and each.state == state):
            return each
    raise click.UsageError(f"{integration} has no such plan; docent push plan {integration} makes one")


def _tell(done: Any, word: str, as_json: bool) -> None:
    stuck = ("failed", "applied") if word == "undone" else ("failed",)
    failed = [item for item in done.items if item.reason and item.done in stuck]
    if as_json:
        print_json(done)
    for item in failed:
        say(f"{item.qualified_name} ({item.what}): {item.reason}")
    count = sum(1 for item in done.items if item.done == word)
    say(f"Plan {done.id}: {count} {word}, {len(failed)} not.")
    if failed:
        sys.exit(1)
