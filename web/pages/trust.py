"""The Trust page and the data flow: what Docent promises, checked against the running system."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from flask import Blueprint, Flask, current_app, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from plugin.governance.dossier import as_markdown, dossier
from plugin.governance.in_force import in_force
from plugin.governance.register import processors
from plugin.governance.trust import Latest, report
from plugin.store.see_as import MOST
from web.evidence import look
from web.parts import part
from web.services import admin, mine, services, viewer

bp = Blueprint("trust", __name__, url_prefix="/trust")


def _app() -> Flask:
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    return app


@bp.get("")
def show() -> str:
    """Each promise with its state and evidence. Admins get it found out now; members at most a minute old."""
    who, bundle = viewer(), services()
    if who.is_admin:
        found = report(bundle.store, who, bundle.config, look(_app()))
    else:
        latest = current_app.extensions.setdefault("docent_trust", Latest())
        found = latest.of(
            bundle.store, who, bundle.config, now="now" in request.args, look=lambda: look(_app())
        )
    lines = [asdict(line) for line in found]
    counted: dict[str, int] = {}
    sections: dict[str, list[dict[str, Any]]] = {}
    for line in lines:
        counted[line["state"]] = counted.get(line["state"], 0) + 1
        sections.setdefault(line["section"], []).append(line)
    return render_template("governance/trust.html", sections=sections, counted=counted, total=len(lines))


@bp.get("/data-flow")
def flow() -> str:
    """Where each thing goes, from the live settings."""
    with mine() as door:
        ai = door.policy.ai()
        sources = door.catalog.integrations()
        admins, personas = door.policy.admins(), door.policy.personas()
    return render_template(
        "governance/flow.html", ai=ai, sources=sources, admins=admins, sentences=in_force(ai, personas)
    )


@bp.get("/record.<any(json, md):form>")
def record(form: str) -> Response:
    """The processing record and the facts for an impact assessment; Refused for others than admins."""
    bundle = services()
    with admin():
        pass
    document = dossier(bundle.store, viewer(), bundle.config, look(_app()))
    if form == "md":
        response = Response(as_markdown(document), mimetype="text/markdown")
    else:
        response = Response(json.dumps(document, ensure_ascii=False, indent=1), mimetype="application/json")
    response.headers["Content-Disposition"] = f'attachment; filename="docent-processing-record.{form}"'
    return response


@bp.get("/see-as")
def see_as() -> str:
    """An admin picks a member and a surface and sees the exact set, with the rule for each resource."""
    email, surface = request.args.get("email", ""), request.args.get("surface", "person")
    text = request.args.get("text", "").strip()[:200]
    with admin() as door:
        members = [each for each in door.people.members() if each.state == "active"]
        found = (
            door.see_as(email, "assistant" if surface == "assistant" else "person", text=text)
            if email
            else ()
        )
    return render_template(
        "governance/see_as.html", members=members, email=email, surface=surface, most=MOST,
        found=part("text", found, lambda each: each.qualified_name),
    )  # fmt: skip


@bp.get("/register")
def register() -> str:
    """Who may get something, what for and where; members object here, admins accept and note attestations."""
    with mine() as door:
        ai = door.policy.ai()
        found = processors(ai, door.hosts.all())
    return render_template("governance/register.html", processors=found, ai=ai)


def _registered(said: str) -> Response:
    flash(said, "green")
    return redirect(url_for("trust.register"), 303)


@bp.post("/register/object")
def object_to_host() -> Response:
    """A member objects to a provider host; admins are told."""
    with mine() as door:
        door.hosts.object(request.form.get("host", ""), request.form.get("reason", ""))
    return _registered("Your objection is in the register. Admins were told.")


@bp.post("/register/accept")
def accept_host() -> Response:
    """An admin accepts a host before its notice period ends; members see the reason."""
    with mine() as door:
        door.hosts.accept(request.form.get("host", ""), request.form.get("reason", ""))
    return _registered("Accepted. Members see your reason.")


@bp.post("/register/attestation")
def attestation() -> Response:
    """An admin notes an attestation of a host, or takes one away."""
    host, form = request.form.get("host", ""), request.form
    with mine() as door:
        noted = next((list(each.attestations) for each in door.hosts.all() if each.host == host), [])
        gone = form.get("remove")
        if gone is not None:
            noted = [each for each in noted if each.get("name") != gone]
        else:
            noted.append({key: form.get(key, "") for key in ("name", "link", "noted")})
        door.hosts.set_attestations(host, noted)
    return _registered("Saved.")
