"""Members, invitations, teams, groups and what each team may see. For admins; the store says so."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from plugin.errors import BadInput
from web.services import admin, only_admins

bp = Blueprint("people", __name__, url_prefix="/members")
bp.before_request(only_admins())


def number(name: str) -> int:
    """A number that a form must give. BadInput."""
    value = request.form.get(name, "")
    if not value.isdecimal():
        raise BadInput("Choose one of the list.", field=name)
    return int(value)


def _back(endpoint: str, said: str, **values: Any) -> Response:
    flash(said, "green")
    return redirect(url_for(endpoint, **values), 303)


@bp.get("")
def show() -> str:
    """Everybody, and invitations that wait."""
    text = request.args.get("text", "").strip()[:200]
    with admin() as door:
        values = {
            "members": door.people.members(text or None),
            "invitations": door.people.invitations(),
            "teams": door.people.teams(),
            "text": text,
        }
    return render_template("people/members.html", link="", **values)


@bp.post("/invite")
def invite() -> str:
    """Invite somebody; the link is shown once, on the page that answers."""
    with admin() as door:
        invitation, secret = door.people.invite(
            request.form.get("email", "").strip(),
            request.form.get("role", "viewer"),
            request.form.getlist("team"),
        )
        values = {
            "members": door.people.members(),
            "invitations": door.people.invitations(),
            "teams": door.people.teams(),
            "text": "",
        }
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
        return render_template("people/teams.html", teams=door.people.teams())


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
        values: dict[str, Any] = {
            "people": door.people.team_members(team_id),
            "in_groups": door.people.team_groups(team_id),
            "grants": door.people.grants(team_id),
            "team": next(each for each in door.people.teams() if each.id == team_id),
            "members": door.people.members(),
            "groups": door.people.groups(),
            "integrations": door.integrations.list(),
        }
    return render_template("people/team.html", **values)


@bp.post("/teams/<int:team_id>/members")
def team_members(team_id: int) -> Response:
    """Put somebody in a team, lower them there, or take them out."""
    subject, _, subject_id = request.form.get("subject", "").partition(":")
    if subject not in ("member", "group") or not subject_id.isdecimal():
        raise BadInput("Choose a member or a group.")
    who = {"member_id" if subject == "member" else "group_id": int(subject_id)}
    with admin() as door:
        if request.form.get("remove"):
            door.people.remove_from_team(team_id, **who)
        else:
            door.people.add_to_team(team_id, lowered=bool(request.form.get("lowered")), **who)
    return _back("people.team", "Saved. It holds from their next request on.", team_id=team_id)


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
    """Every group with its people."""
    with admin() as door:
        return render_template(
            "people/groups.html", groups=door.people.groups(), members=door.people.members()
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
        else:
            door.people.add_to_group(group_id, number("member_id"))
    return _back("people.groups", "Saved.")


@bp.post("/groups/<int:group_id>/remove")
def remove_group(group_id: int) -> Response:
    """Remove a group; its people stay."""
    with admin() as door:
        door.people.remove_group(group_id)
    return _back("people.groups", "Removed.")
