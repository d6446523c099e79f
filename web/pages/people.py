"""Members, invitations, teams, groups and what each team may see. For admins; the store says so."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from plugin.errors import BadInput
from plugin.store.shapes import Member
from web.parts import back_to, part
from web.services import admin, only_admins

bp = Blueprint("people", __name__, url_prefix="/members")
bp.before_request(only_admins())
TO_CHOOSE = 200
"""What a list to choose from holds; where there are more members, groups or teams, one is written."""
CHIPS = 30
"""Members of a group that are shown beside other groups."""


def _who(member: Member) -> str:
    return f"{member.name} {member.email}"


def number(name: str) -> int:
    """A number that a form must give. BadInput."""
    value = request.form.get(name, "")
    if not value.isdecimal():
        raise BadInput("Choose one of the list.", field=name)
    return int(value)


def _back(endpoint: str, said: str, **values: Any) -> Response:
    """To the page, at the part of its lists that the form was on."""
    flash(said, "green")
    return redirect(back_to(url_for(endpoint, **values)), 303)


@bp.get("")
def show() -> str:
    """Everybody, and invitations that wait."""
    with admin() as door:
        return render_template("people/members.html", link="", **_members(door))


def _members(door: Any) -> dict[str, Any]:
    teams = [each for each in door.people.teams() if not each.is_general]
    return {
        "members": part("text", door.people.members(), _who, at="people.show"),
        "invitations": part("invited", door.people.invitations(), lambda each: each.email, at="people.show"),
        "teams": teams if len(teams) <= TO_CHOOSE else None,
    }


def _teams(door: Any) -> list[str | int]:
    """What an invitation's form says of teams: names that are ticked, or written one a line. BadInput."""
    known = {each.name.casefold(): each.id for each in door.people.teams()}
    named = [line.strip() for line in request.form.get("teams", "").splitlines() if line.strip()]
    for name in named:
        if name.casefold() not in known:
            raise BadInput(f"There is no team {name}.", field="teams")
    return [*request.form.getlist("team"), *(known[name.casefold()] for name in named)]


@bp.post("/invite")
def invite() -> str:
    """Invite somebody; the link is shown once, on the page that answers."""
    with admin() as door:
        invitation, secret = door.people.invite(
            request.form.get("email", "").strip(),
            request.form.get("role", "viewer"),
            _teams(door),
        )
        values = _members(door)
    link = url_for("auth.invitation", secret=secret, _external=True)
    return render_template("people/members.html", link=link, invited=invitation.email, **values)


@bp.post("/invitations/<int:invitation_id>/withdraw")
def withdraw(invitation_id: int) -> Response:
    """Void an invitation."""
    with admin() as door:
        door.people.withdraw_invitation(invitation_id)
    return _back("people.show", "The invitation is void.")


@bp.post("/<int:member_id>/role")
def role(member_id: int) -> Response:
    """Change a member's role."""
    with admin() as door:
        door.people.set_role(member_id, request.form.get("role", ""))
    return _back("people.show", "Saved. It holds from their next request on.")


@bp.post("/<int:member_id>/state")
def state(member_id: int) -> Response:
    """Shut a member out, or let them in again."""
    with admin() as door:
        if request.form.get("enable"):
            door.people.enable(member_id)
        else:
            door.people.disable(member_id)
    return _back("people.show", "Saved. It holds from their next request on.")


@bp.post("/<int:member_id>/remove")
def remove(member_id: int) -> Response:
    """Remove a member with everything that is theirs here."""
    with admin() as door:
        door.people.remove(member_id)
    return _back("people.show", "Removed, with their history and tokens.")


@bp.get("/teams")
def teams() -> str:
    """Every team."""
    with admin() as door:
        teams = part("text", door.people.teams(), lambda each: each.name)
        return render_template("people/teams.html", teams=teams)


@bp.post("/teams")
def add_team() -> Response:
    """Make a team."""
    with admin() as door:
        made = door.people.add_team(request.form.get("name", "").strip(), bool(request.form.get("private")))
    return _back("people.team", "Made. Now say who is in it and what it may see.", team_id=made.id)


@bp.get("/teams/<int:team_id>")
def team(team_id: int) -> str:
    """One team: who is in it and what it may see."""
    with admin() as door:
        grants = door.people.grants(team_id)
        inside = [("member", *each) for each in door.people.team_members(team_id)]
        inside += [("group", *each) for each in door.people.team_groups(team_id)]
        members, groups = door.people.members(), door.people.groups()
        values: dict[str, Any] = {
            "inside": part(
                "who", inside, lambda each: _who(each[1]) if each[0] == "member" else each[1].name
            ),
            "grants": part("what", grants, lambda each: f"{each.qualified_name or ''} {each.integration}"),
            "team": next(each for each in door.people.teams() if each.id == team_id),
            "members": members if len(members) + len(groups) <= TO_CHOOSE else None,
            "groups": groups,
            "integrations": door.integrations.list(),
        }
    return render_template("people/team.html", **values)


@bp.post("/teams/<int:team_id>/members")
def team_members(team_id: int) -> Response:
    """Put somebody in a team, lower them there, or take them out."""
    subject, _, subject_id = request.form.get("subject", "").partition(":")
    with admin() as door:
        if request.form.get("name"):
            subject, subject_id = _called(door, request.form["name"])
        if subject not in ("member", "group") or not subject_id.isdecimal():
            raise BadInput("Choose a member or a group.")
        who = {"member_id" if subject == "member" else "group_id": int(subject_id)}
        if request.form.get("remove"):
            door.people.remove_from_team(team_id, **who)
        else:
            door.people.add_to_team(team_id, lowered=bool(request.form.get("lowered")), **who)
    return _back("people.team", "Saved. It holds from their next request on.", team_id=team_id)


def _called(door: Any, name: str) -> tuple[str, str]:
    """The member of this e-mail address, or the group of this name. BadInput.

    Not the member of this name: people choose what they are called, also as a group is or somebody else.
    """
    wanted = name.strip().casefold()
    member = next((each for each in door.people.members() if each.email == wanted), None)
    if member is not None:
        return "member", str(member.id)
    group = next((each for each in door.people.groups() if each.name.casefold() == wanted), None)
    if group is None:
        raise BadInput(f"There is no member of the address {name} and no group of this name.", field="name")
    return "group", str(group.id)


@bp.post("/teams/<int:team_id>/grants")
def team_grants(team_id: int) -> Response:
    """Let a team see an integration or one thing in it, or take that back."""
    integration_id = number("integration_id")
    name = request.form.get("name", "").strip()
    resource = request.form.get("resource_id", "")
    with admin() as door:
        if request.form.get("remove"):
            door.people.revoke(team_id, integration_id, int(resource) if resource.isdecimal() else None)
        else:
            door.people.grant(team_id, integration_id, _named(name, integration_id) if name else None)
    return _back("people.team", "Saved. It holds from the next request on.", team_id=team_id)


def _named(name: str, integration_id: int) -> int:
    from web.services import mine

    with mine() as door:
        return int(door.catalog.by_name(name, integration=integration_id).id)


@bp.post("/teams/<int:team_id>/name")
def team_name(team_id: int) -> Response:
    """Call a team something else; who is in it and what it may see stays."""
    with admin() as door:
        door.people.rename_team(team_id, request.form.get("name", ""))
    return _back("people.team", "Saved.", team_id=team_id)


@bp.post("/teams/<int:team_id>/private")
def team_private(team_id: int) -> Response:
    """Hide a team from all but its members, or show it."""
    with admin() as door:
        door.people.set_private(team_id, bool(request.form.get("private")))
    return _back("people.team", "Saved.", team_id=team_id)


@bp.post("/teams/<int:team_id>/remove")
def remove_team(team_id: int) -> Response:
    """Remove a team and its grants."""
    with admin() as door:
        door.people.remove_team(team_id)
    return _back("people.teams", "Removed.")


@bp.get("/groups")
def groups() -> str:
    """Every group with its people; with `group` that one alone, with all of its people."""
    chosen = request.args.get("group", 0, int)
    with admin() as door:
        every = door.people.groups()
        members = door.people.members()
    alone = [each for each in every if each.id == chosen]
    return render_template(
        "people/groups.html",
        groups=part("text", alone or every, lambda each: each.name, 20),
        members=members if len(members) <= TO_CHOOSE else None,
        people=part("who", alone[0].members, str) if alone else None,
        chips=CHIPS,
    )


@bp.post("/groups")
def add_group() -> Response:
    """Make a group."""
    with admin() as door:
        door.people.add_group(request.form.get("name", "").strip())
    return _back("people.groups", "Made.")


@bp.post("/groups/<int:group_id>/members")
def group_members(group_id: int) -> Response:
    """Put somebody in a group or take them out."""
    with admin() as door:
        if request.form.get("remove"):
            email = request.form["remove"]
            member = next((each for each in door.people.members() if each.email == email), None)
            if member is not None:
                door.people.remove_from_group(group_id, member.id)
        elif request.form.get("name"):
            subject, found = _called(door, request.form["name"])
            if subject != "member":
                raise BadInput("A group holds members; give an e-mail address.", field="name")
            door.people.add_to_group(group_id, int(found))
        else:
            door.people.add_to_group(group_id, number("member_id"))
    return _back("people.groups", "Saved.", group=request.form.get("group") or None)


@bp.post("/groups/<int:group_id>/remove")
def remove_group(group_id: int) -> Response:
    """Remove a group; its people stay."""
    with admin() as door:
        door.people.remove_group(group_id)
    return _back("people.groups", "Removed.")
