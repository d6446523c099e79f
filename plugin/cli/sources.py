"""`docent connectors`, `integration`, `sync`, `extract`, `import`: metadata on its way in."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable
from typing import Any

import click

from plugin.cli.session import (
    Session,
    command_options,
    json_option,
    pairs,
    print_json,
    print_lines,
    read_secret,
    say,
)
from plugin.cli.terminal import bar, echo
from plugin.errors import BadInput, DocentError


@click.command()
@json_option
def connectors(as_json: bool) -> None:
    """List every connector, what it extracts and how it was verified."""
    from plugin.catalog.sync import connectors as listing

    found = listing()
    if as_json:
        print_json(found)
        return
    for each in found:
        runs = f"Run SQL: {each['run_verified']}" if each["can_query"] else ""
        echo(f"{each['name']:<14} {each['title']:<28} {each['verified']:<11} {runs}".rstrip())


@click.group()
def integration() -> None:
    """Add, check and list connected sources."""


def read_settings(
    options: tuple[str, ...], secrets: tuple[str, ...], type: str | None = None
) -> tuple[dict[str, str], dict[str, str]]:
    """`--set` and `--secret` as (settings, secrets). A URL from the environment counts as a secret.

    What is a secret the connector of `type` says; a name alone tells it where no connector does.
    Raises BadInput for a secret in argv, naming the other way.
    """
    from plugin.catalog.sync import has_password, secret_settings

    declared = secret_settings(type) if type else {}
    settings: dict[str, str] = {}
    sealed: dict[str, str] = {}
    for key, value in pairs(options, "--set").items():
        if value.startswith("env:"):
            sealed[key] = read_secret(key, value)
        elif key == "url" and has_password(value):
            raise BadInput(
                "a password on the command line can be seen by others: use --set url=env:VAR", field="url"
            )
        elif declared.get(key, key in ("password", "token", "secret", "api_key", "private_key")):
            raise BadInput(
                f"a secret on the command line can be seen by others: use --secret {key}=env:VAR or --secret {key}=-",
                field=key,
            )
        else:
            settings[key] = value
    for key, value in pairs(secrets, "--secret").items():
        sealed[key] = read_secret(key, value)
    return settings, sealed


@integration.command("add")
@command_options
@json_option
@click.argument("name")
@click.option("--type", "type_", required=True, metavar="TYPE", help="A name that `docent connectors` lists.")
@click.option(
    "--set",
    "options",
    multiple=True,
    metavar="KEY=VALUE",
    help="A setting; url=env:VAR reads the environment.",
)
@click.option(
    "--secret",
    "secrets",
    multiple=True,
    metavar="KEY=-|env:VAR",
    help="A secret, from stdin or the environment.",
)
@click.option("--query-url", metavar="URL|env:VAR", help="The separate credential that Run SQL uses.")
@click.option(
    "--query-set",
    "query_options",
    multiple=True,
    metavar="KEY=VALUE",
    help="A setting of that credential, where it is more than an address.",
)
@click.option(
    "--query-secret", "query_secrets", multiple=True, metavar="KEY=-|env:VAR", help="A secret of it."
)
@click.option(
    "--team", "teams", multiple=True, metavar="NAME", help="A team that sees it; may be given again."
)
@click.option("--schedule", metavar="CRON", help="When to sync, as a cron expression in UTC.")
@click.pass_obj
def integration_add(
    session: Session,
    name: str,
    type_: str,
    options: tuple[str, ...],
    secrets: tuple[str, ...],
    query_url: str | None,
    query_options: tuple[str, ...],
    query_secrets: tuple[str, ...],
    teams: tuple[str, ...],
    schedule: str | None,
    as_json: bool,
) -> None:
    """Add an integration."""
    from plugin.catalog.sync import add_integration, has_password
    from plugin.cli.people import team_id

    settings, sealed = read_settings(options, secrets, type_)
    query: dict[str, str] | None = None
    if query_url is not None:
        if query_url.startswith("env:"):
            query_url = read_secret("--query-url", query_url)
        elif has_password(query_url):
            raise BadInput("a password on the command line can be seen by others: use --query-url env:VAR")
        query = {"url": query_url}
    if query_options or query_secrets:
        plain, secret = read_settings(query_options, query_secrets, type_)
        query = {**(query or {}), **plain, **secret}
    viewer = session.viewer()
    with session.store.as_admin(viewer) as admin:  # a name that there is not leaves nothing behind
        team_ids = [team_id(admin, each) for each in teams]
    added = add_integration(
        session.store, viewer, name, type_, settings=settings, secrets=sealed, query=query, schedule=schedule
    )
    with session.store.as_admin(viewer) as admin:
        for each in team_ids:
            admin.people.grant(each, added.id, resource_id=None)
    if as_json:
        print_json(
            {
                "id": added.id,
                "name": added.name,
                "type": added.type,
                "teams": list(teams),
                "can_query": query is not None,
            }
        )
    else:
        say(f"Added {name}. Next: docent integration check {name}, then docent sync {name}.")


@integration.command("check")
@command_options
@json_option
@click.argument("name")
@click.pass_obj
def integration_check(session: Session, name: str, as_json: bool) -> None:
    """Test the connection with the stored credential."""
    from plugin.catalog.sync import check

    viewer = session.viewer()
    with session.store.as_admin(viewer) as admin:
        found = admin.integrations.by_name(name)
    started = time.monotonic()
    text = check(session.store, viewer, found.id)
    if as_json:
        print_json(
            {"integration": name, "ok": True, "text": text, "seconds": round(time.monotonic() - started, 3)}
        )
    else:
        say(text)


@integration.command("list")
@command_options
@json_option
@click.pass_obj
def integration_list(session: Session, as_json: bool) -> None:
    """List the integrations with their state."""
    with session.store.as_admin(session.viewer()) as admin:
        found = admin.integrations.list()
    if as_json:
        print_json(found)
        return
    for each in found:
        echo(f"{each.name}\t{each.type}\t{each.state}\t{each.last_sync_at or 'never synced'}")


@integration.command("option")
@command_options
@json_option
@click.argument("name")
@click.argument("key", required=False)
@click.argument("value", required=False)
@click.pass_obj
def integration_option(
    session: Session, name: str, key: str | None, value: str | None, as_json: bool
) -> None:
    """List how an integration syncs and runs, or set one option: import_mode, keep_literals, service_accounts, ..."""
    with session.store.as_admin(session.viewer()) as admin:
        found = admin.integrations.by_name(name)
        if key is not None and value is not None:
            said: Any = {"true": True, "false": False}.get(value.lower(), value)
            found = admin.integrations.update(found.id, options={key: said})
        elif key is not None and key not in found.options:
            raise BadInput(f"there is no option {key!r}; there are {', '.join(found.options)}", field="key")
    shown = dict(found.options) if key is None else {key: found.options[key]}
    if as_json:
        print_json(shown)
        return
    for each, now in shown.items():
        echo(f"{each}\t{str(now).lower() if isinstance(now, bool) else now}")


@integration.command("remove")
@command_options
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def integration_remove(session: Session, name: str, yes: bool) -> None:
    """Remove an integration and everything the catalog has from it."""
    viewer = session.viewer()
    if not yes:
        click.confirm(f"Remove {name} and all its metadata?", abort=True, err=True)
    with session.store.as_admin(viewer) as admin:
        admin.integrations.remove(admin.integrations.by_name(name).id)
    say(f"Removed {name}.")


@click.command()
@command_options
@json_option
@click.argument("names", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every integration.")
@click.option("--full", is_flag=True, help="Compare everything anew and accept a source that shrank.")
@click.option("--schema", "only_schema", metavar="S", help="Only this schema; the others stay as they are.")
@click.pass_obj
def sync(
    session: Session,
    names: tuple[str, ...],
    everything: bool,
    full: bool,
    only_schema: str | None,
    as_json: bool,
) -> None:
    """Read metadata from the sources now."""
    run_sync = _loaded_sync()
    viewer = session.viewer()
    with session.store.as_admin(viewer) as admin:
        if everything:
            chosen = list(admin.integrations.list())
        else:
            chosen = [admin.integrations.by_name(name) for name in names]
    if not chosen and not everything:
        raise click.UsageError("name an integration, or give --all")
    results, failed = [], False
    for each in chosen:
        started = time.monotonic()
        try:
            with bar(each.name, quiet=as_json) as progress:
                done = run_sync(
                    session.store, viewer, each.id, full=full, only_schema=only_schema, progress=progress
                )
            line: dict[str, Any] = {
                "integration": each.name,
                "status": done.status,
                "seconds": round(time.monotonic() - started, 3),
                "seen": done.seen,
                "created": done.created,
                "updated": done.updated,
                "unchanged": done.unchanged,
                "removed": done.removed,
                "errors": list(done.errors),
            }
        except DocentError as error:
            line = {
                "integration": each.name,
                "status": "failed",
                "seconds": round(time.monotonic() - started, 3),
                **dict.fromkeys(("seen", "created", "updated", "unchanged", "removed"), 0),
                "errors": [str(error)],
            }
        failed = failed or line["status"] not in ("done", "ok")
        results.append(line)
        if not as_json:
            counts = ", ".join(
                f"{line[key]} {key}" for key in ("seen", "created", "updated", "unchanged", "removed")
            )
            say(f"{each.name}: {line['status']} in {line['seconds']} s ({counts})")
            for problem in line["errors"]:
                say(f"  {problem}")
    if as_json:
        print_json(results[0] if len(results) == 1 and not everything else results)
    if failed:
        if as_json:
            say(
                "; ".join(problem for line in results for problem in line["errors"])
                or "a sync did not finish"
            )
        sys.exit(1)


def _loaded_sync() -> Callable[..., Any]:
    """The sync, loaded without looking for cycles: a twentieth of a short sync, and what modules make stays anyhow."""
    gc.disable()
    try:
        from plugin.catalog.sync import sync
    finally:
        gc.freeze()
        gc.unfreeze()  # what is there by now counts as looked at
        gc.enable()
    return sync


@click.command()
@click.argument("type_", metavar="TYPE")
@click.option("--set", "options", multiple=True, metavar="KEY=VALUE")
@click.option("--secret", "secrets", multiple=True, metavar="KEY=-|env:VAR")
def extract(type_: str, options: tuple[str, ...], secrets: tuple[str, ...]) -> None:
    """Print a connector's records as JSONL, without any catalog. Literals in SQL are masked."""
    from plugin.catalog.sync import extract as records

    settings, sealed = read_settings(options, secrets, type_)
    print_lines(records(type_, settings, sealed, told=say))


@click.command("import")
@command_options
@json_option
@click.argument("file", type=click.Path(dir_okay=False))
@click.option("--integration", "name", required=True, metavar="NAME")
@click.option("--strict", is_flag=True, help="Import nothing where any line is bad.")
@click.option("--complete", is_flag=True, help="The file is all there is: remove what it does not name.")
@click.option("--force", is_flag=True, help="With --complete: remove even most of what is there.")
@click.pass_obj
def import_file(
    session: Session, file: str, name: str, strict: bool, complete: bool, force: bool, as_json: bool
) -> None:
    """Import custom metadata from a JSONL or CSV file. What it does not name stays, unless it is --complete."""
    from plugin.catalog.sync.imports import import_path

    result = import_path(
        session.store,
        session.viewer(),
        file,
        integration=name,
        strict=strict,
        complete=complete,
        force=force,
    )
    if as_json:
        print_json(result)
    else:
        gone = f", {result.removed} removed" if complete else ""
        bad = len(result.errors) + result.more_errors
        say(f"{name}: {result.imported} imported{gone}, {bad} bad lines.")
    for problem in result.errors:
        say(f"line {problem.line}: {problem.reason}")
    if result.more_errors:
        say(f"and {result.more_errors:,} more")
    if result.imported:
        with session.store.as_admin(session.viewer()) as admin:
            into = admin.integrations.by_name(result.integration)
        if into.type != "custom":
            say(
                f"note: {into.name} is read from a {into.type} source, and its next sync removes what the source does "
                f"not have; import into a name of its own to keep it"
            )
    if result.errors:
        sys.exit(1)
