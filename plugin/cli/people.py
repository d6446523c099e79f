"""`docent member`, `team`, `query-permission`, `token`: who is here, what they may see and run."""

from __future__ import annotations

import sys

import click

from plugin.access.viewer import Role
from plugin.cli.session import Session, command_options, json_option, print_json, say
from plugin.cli.terminal import echo
from plugin.errors import BadInput, NotFound


@click.group()
def member() -> None:
    """Add and list members of a workspace."""


def password_from_stdin() -> str:
    """One line of stdin as a password. Raises BadInput where it is empty."""
    password = sys.stdin.readline().rstrip("\n")
    if not password:
        raise BadInput("no password came on stdin")
    return password


@member.command("add")
@command_options
@json_option
@click.argument("email")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
@click.option("--name", default="", help="Their name (default: from the address).")
@click.option(
    "--team", "teams", multiple=True, metavar="NAME", help="A team to put them in; may be given again."
)
@click.option(
    "--password-stdin",
    is_flag=True,
    help="Read a first password from stdin; else an invitation link is printed.",
)
@click.pass_obj
def member_add(
    session: Session,
    email: str,
    role: str,
    name: str,
    teams: tuple[str, ...],
    password_stdin: bool,
    as_json: bool,
) -> None:
    """Add a member."""
    viewer = session.viewer()
    password = password_from_stdin() if password_stdin else None
    with session.store.as_admin(viewer) as admin:
        if password is None:
            invitation, secret = admin.people.invite(email, Role(role), teams)
            result = {"email": invitation.email, "role": role, "teams": list(teams), "invitation": secret}
        else:
            added = admin.people.add_member(
                email, Role(role), name=name or email.split("@")[0], password=password
            )
            by_name = {each.name.casefold(): each for each in admin.people.teams()}
            for each in teams:
                if each.casefold() not in by_name:
                    raise NotFound(f"no team {each!r}")
                admin.people.add_to_team(by_name[each.casefold()].id, member_id=added.id)
            result = {"email": added.email, "role": role, "teams": list(teams)}
    if as_json:
        print_json(result)
    elif "invitation" in result:
        say(
            f"Invited {email} as {role}. Send them this path on your server: /invitations/{result['invitation']}"
        )
    else:
        say(f"Added {email} as {role}.")


@member.command("list")
@command_options
@json_option
@click.pass_obj
def member_list(session: Session, as_json: bool) -> None:
    """List the members."""
    with session.store.as_admin(session.viewer()) as admin:
        members = admin.people.members()
    if as_json:
        print_json(members)
        return
    for each in members:
        echo(f"{each.email}\t{each.role}\t{each.state}\t{', '.join(each.teams)}")


@click.group()
def team() -> None:
    """Make teams, say what they may see, and who is in them."""


@team.command("add")
@command_options
@json_option
@click.argument("name")
@click.option("--private", is_flag=True, help="Unknown to all but its members and admins.")
@click.pass_obj
def team_add(session: Session, name: str, private: bool, as_json: bool) -> None:
    """Make a team."""
    with session.store.as_admin(session.viewer()) as admin:
        made = admin.people.add_team(name, private=private)
    if as_json:
        print_json(made)
    else:
        say(f"Made the {'private' if private else 'public'} team {name}.")


def team_id(admin: object, name: str) -> int:
    """The id of the team of that name. Raises NotFound."""
    for each in admin.people.teams():  # type: ignore[attr-defined]
        if each.name.casefold() == name.casefold():
            return int(each.id)
    raise NotFound(f"no team {name!r}")


@team.command("grant")
@command_options
@json_option
@click.argument("name")
@click.option("--integration", required=True, metavar="I")
@click.option("--schema", metavar="S", help="Only this schema of the integration.")
@click.option("--resource", metavar="QUALIFIED_NAME", help="Only this resource and what is in it.")
@click.option("--revoke", is_flag=True, help="Take the grant away instead.")
@click.pass_obj
def team_grant(
    session: Session,
    name: str,
    integration: str,
    schema: str | None,
    resource: str | None,
    revoke: bool,
    as_json: bool,
) -> None:
    """Let a team see an integration, one schema of it, or one resource."""
    if schema and resource:
        raise click.UsageError("give --schema or --resource, not both")
    viewer = session.viewer()
    with session.store.as_admin(viewer) as admin:
        integration_id = admin.integrations.by_name(integration).id
        team_number = team_id(admin, name)
    resource_id = None
    if schema or resource:
        with session.store.as_viewer(viewer) as mine:
            kind = "schema" if schema else None
            resource_id = mine.catalog.by_name(
                schema or resource or "", kind=kind, integration=integration
            ).id
    with session.store.as_admin(viewer) as admin:
        act = admin.people.revoke if revoke else admin.people.grant
        act(team_number, integration_id, resource_id=resource_id)
    result = {
        "team": name,
        "integration": integration,
        "schema": schema,
        "resource": resource,
        "granted": not revoke,
    }
    if as_json:
        print_json(result)
    else:
        say(f"{name} {'no longer sees' if revoke else 'now sees'} {resource or schema or integration}.")


@team.command("member")
@command_options
@json_option
@click.argument("name")
@click.argument("email")
@click.option("--remove", is_flag=True, help="Take them out instead.")
@click.option("--lowered", is_flag=True, help="Inside this team they only view.")
@click.pass_obj
def team_member(session: Session, name: str, email: str, remove: bool, lowered: bool, as_json: bool) -> None:
    """Put a member in a team, or take them out."""
    with session.store.as_admin(session.viewer()) as admin:
        member_id = member_number(admin, email)
        if remove:
            admin.people.remove_from_team(team_id(admin, name), member_id=member_id)
        else:
            admin.people.add_to_team(team_id(admin, name), member_id=member_id, lowered=lowered)
    if as_json:
        print_json({"team": name, "email": email, "member": not remove})
    else:
        say(f"{email} is {'no longer' if remove else 'now'} in {name}.")


@team.command("list")
@command_options
@json_option
@click.pass_obj
def team_list(session: Session, as_json: bool) -> None:
    """List the teams."""
    with session.store.as_admin(session.viewer()) as admin:
        teams = admin.people.teams()
    if as_json:
        print_json(teams)
        return
    for each in teams:
        echo(f"{each.name}\t{'private' if each.private else 'public'}\t{each.members} members")


@team.command("see-as")
@command_options
@json_option
@click.argument("email")
@click.option("--surface", type=click.Choice(["person", "assistant"]), default="person", show_default=True)
@click.option("--kind", "kinds", multiple=True, help="Kinds of resources (default: table and view).")
@click.pass_obj
def team_see_as(session: Session, email: str, surface: str, kinds: tuple[str, ...], as_json: bool) -> None:
    """Show what a member sees, and the rule that admitted or hid each resource."""
    with session.store.as_admin(session.viewer()) as admin:
        found = admin.see_as(email, surface, kinds or ("table", "view"))
    if as_json:
        print_json(found)
        return
    for each in found:
        echo(f"{'sees' if each.visible else 'hidden':<7} {each.qualified_name}\t{each.rule}")


def member_number(admin: object, email: str) -> int:
    """The id of the member with that address. Raises NotFound."""
    for each in admin.people.members():  # type: ignore[attr-defined]
        if each.email == email.strip().lower():
            return int(each.id)
    raise NotFound(f"no member {email}")


@click.command("query-permission")
@command_options
@json_option
@click.argument("integration")
@click.option("--member", "email", metavar="EMAIL")
@click.option("--team", "team_name", metavar="NAME")
@click.option("--group", "group_name", metavar="NAME")
@click.option("--revoke", is_flag=True, help="Take the permission away.")
@click.pass_obj
def query_permission(
    session: Session,
    integration: str,
    email: str | None,
    team_name: str | None,
    group_name: str | None,
    revoke: bool,
    as_json: bool,
) -> None:
    """Say who may run SQL on an integration. Admins may by default."""
    if sum(each is not None for each in (email, team_name, group_name)) != 1:
        raise click.UsageError("give exactly one of --member, --team, --group")
    with session.store.as_admin(session.viewer()) as admin:
        integration_id = admin.integrations.by_name(integration).id
        if email:
            subject, subject_id = "member", member_number(admin, email)
        elif team_name:
            subject, subject_id = "team", team_id(admin, team_name)
        else:
            groups = {each.name.casefold(): each.id for each in admin.people.groups()}
            if (group_name or "").casefold() not in groups:
                raise NotFound(f"no group {group_name!r}")
            subject, subject_id = "group", groups[(group_name or "").casefold()]
        act = admin.integrations.revoke_query if revoke else admin.integrations.grant_query
        act(integration_id, subject, subject_id)
    name = email or team_name or group_name
    if as_json:
        print_json({"integration": integration, "subject": subject, "name": name, "granted": not revoke})
    else:
        say(f"{name} {'may no longer' if revoke else 'may now'} run SQL on {integration}.")


@click.group()
def token() -> None:
    """API tokens of the member that `--as` names."""


@token.command("create")
@command_options
@json_option
@click.option("--scope", "scopes", multiple=True, type=click.Choice(["read", "ask", "query", "admin"]))
@click.option("--days", type=click.IntRange(1, 366), default=30, show_default=True)
@click.option("--name", default="made on the command line")
@click.pass_obj
def token_create(session: Session, scopes: tuple[str, ...], days: int, name: str, as_json: bool) -> None:
    """Make a token and print it. It is shown this once and stored hashed."""
    with session.store.as_viewer(session.viewer()) as mine:
        made, secret = mine.me.create_token(name, scopes or ("read", "ask"), days)
    if as_json:
        print_json({"token": secret, "id": made.id, "scopes": made.scopes, "expires": made.expires})
    else:
        echo(secret)


@token.command("list")
@command_options
@json_option
@click.pass_obj
def token_list(session: Session, as_json: bool) -> None:
    """List the tokens, without their secrets."""
    with session.store.as_viewer(session.viewer()) as mine:
        tokens = mine.me.tokens()
    if as_json:
        print_json(tokens)
        return
    for each in tokens:
        echo(f"{each.id}\t{each.name}\t{' '.join(each.scopes)}\t{each.expires}")


@token.command("revoke")
@command_options
@click.argument("token_id", type=int)
@click.pass_obj
def token_revoke(session: Session, token_id: int) -> None:
    """End a token at once."""
    with session.store.as_viewer(session.viewer()) as mine:
        mine.me.revoke_token(token_id)
    say("Revoked.")
