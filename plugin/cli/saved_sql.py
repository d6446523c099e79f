"""`docent sql query`: save a statement with parameters, approve it for teams, run it."""

from __future__ import annotations

from typing import Any

import click

from plugin.cli.run_rows import in_full, print_rows
from plugin.cli.session import Session, command_options, json_option, print_json, say, stdin_text
from plugin.cli.terminal import echo
from plugin.errors import BadInput, NotFound


@click.group("query")
def query() -> None:
    """Saved statements with parameters, approved for teams."""


def _dict(each: Any) -> dict[str, Any]:
    return {
        "id": each.id,
        "name": each.name,
        "description": each.description,
        "integration": each.integration,
        "sql": each.sql,
        "parameters": [{"name": p.name, "type": p.type, "default": p.default} for p in each.parameters],
        "tables": list(each.tables),
        "author": each.author,
        "teams": [name for _, name in each.teams],
        "approved_by": each.approved_by,
    }


def _integration(session: Session, name: str) -> int:
    with session.store.as_viewer(session.viewer()) as mine:
        known = (*mine.catalog.integrations(), *mine.me.query_integrations())
    found = next((each.id for each in known if each.name.casefold() == name.casefold()), None)
    if found is None:
        raise NotFound(f"no integration {name!r}")
    return found


@query.command("list")
@command_options
@json_option
@click.option("--integration", metavar="I")
@click.pass_obj
def list_queries(session: Session, integration: str | None, as_json: bool) -> None:
    """The saved statements that exist for you."""
    chosen = None if integration is None else _integration(session, integration)
    with session.store.as_viewer(session.viewer()) as mine:
        found = [_dict(each) for each in mine.queries.all(chosen)]
    if as_json:
        print_json(found)
        return
    for each in found:
        state = f"approved for {', '.join(each['teams'])}" if each["teams"] else "not approved"
        wanted = ", ".join(f"{p['name']}:{p['type']}" for p in each["parameters"])
        echo(f"{each['id']}\t{each['name']}\t{each['integration']}\t{state}\t{wanted}")


@query.command("save")
@command_options
@json_option
@click.argument("name")
@click.option("--integration", required=True, metavar="I")
@click.option(
    "--param",
    "parameters",
    multiple=True,
    metavar="NAME:TYPE[=DEFAULT]",
    help="May be given again. TYPE[] is a list for IN (:name), TYPE? is optional (null).",
)
@click.option("--description", default="")
@click.option(
    "--change", "query_id", type=int, metavar="ID", help="Change this one; it must be approved anew."
)
@click.pass_obj
def save_query(
    session: Session,
    name: str,
    integration: str,
    parameters: tuple[str, ...],
    description: str,
    query_id: int | None,
    as_json: bool,
) -> None:
    """Save the SQL on stdin, which passes every gate first. Parameters stand in it as :name."""
    from plugin.run_sql.approved import read_parameters, save

    found = save(
        session.store,
        session.viewer(),
        _integration(session, integration),
        name,
        stdin_text(),
        description=description,
        parameters=read_parameters(parameters),
        query_id=query_id,
    )
    if as_json:
        print_json(_dict(found))
    else:
        say(f"Saved as {found.id}. It waits for approval: docent sql query approve {found.id} --team NAME")


@query.command("approve")
@command_options
@json_option
@click.argument("query_id", type=int)
@click.option(
    "--team", "teams", multiple=True, metavar="NAME", help="May be given again; none takes approval back."
)
@click.pass_obj
def approve_query(session: Session, query_id: int, teams: tuple[str, ...], as_json: bool) -> None:
    """Approve a statement as it stands for teams."""
    with session.store.as_viewer(session.viewer()) as mine:
        known = {name.casefold(): team for team, name in mine.queries.teams_to_approve(query_id)}
        for each in teams:
            if each.casefold() not in known:
                raise NotFound(f"no team {each!r} for which you may approve")
        found = mine.queries.approve(query_id, [known[each.casefold()] for each in teams])
    if as_json:
        print_json(_dict(found))
    else:
        say(
            f"Approved for {', '.join(name for _, name in found.teams)}."
            if found.teams
            else "Not approved any more."
        )


@query.command("run")
@command_options
@json_option
@click.argument("query_id", type=int)
@click.option("--value", "values", multiple=True, metavar="NAME=VALUE", help="May be given again.")
@click.option(
    "--limit", type=click.IntRange(1, 100_000), default=1000, show_default=True, help="Rows to print."
)
@click.pass_obj
def run_query(session: Session, query_id: int, values: tuple[str, ...], limit: int, as_json: bool) -> None:
    """Run a saved statement under the gates of this moment and print its rows for the person."""
    from plugin.run_sql.approved import run_approved
    from plugin.run_sql.execute import QueryError
    from plugin.run_sql.results import Results

    given = _given(values)
    kept = Results()
    try:
        outcome = run_approved(session.store, session.viewer(), query_id, given, results=kept, session="cli")
        print_rows(outcome, limit, as_json)
    except QueryError as error:
        in_full(error)
        raise
    finally:
        kept.close()


@query.command("estimate")
@command_options
@json_option
@click.argument("query_id", type=int)
@click.option("--value", "values", multiple=True, metavar="NAME=VALUE", help="May be given again.")
@click.pass_obj
def estimate_query(session: Session, query_id: int, values: tuple[str, ...], as_json: bool) -> None:
    """Would a saved statement run with these values, and what does the planner expect? Nothing is run."""
    from plugin.run_sql.approved import preview_approved

    found = preview_approved(session.store, session.viewer(), query_id, _given(values))
    closed = found.decision.closed
    if as_json:
        print_json(
            {
                "allowed": closed is None,
                "gate": None if closed is None else closed.gate,
                "reason": None if closed is None else closed.reason,
                "rows": found.rows,
                "cost": found.cost,
                "bytes": found.bytes,
            }
        )
    elif closed is not None:
        say(f"It would not run: {closed.reason}.")
    else:
        say(f"It would run: {found.expected or found.unsaid or 'no estimate from this source'}.")


def _given(values: tuple[str, ...]) -> dict[str, str]:
    given = {}
    for each in values:
        name, equals, text = each.partition("=")
        if not equals:
            raise BadInput(f"a value is name=value, not {each[:60]!r}", field="value")
        given[name] = text
    return given


@query.command("delete")
@command_options
@click.argument("query_id", type=int)
@click.pass_obj
def delete_query(session: Session, query_id: int) -> None:
    """Delete a saved statement of yours (an admin: any)."""
    with session.store.as_viewer(session.viewer()) as mine:
        mine.queries.delete(query_id)
    say("Deleted.")
