"""The Trust page and the data flow: what Docent promises, checked against the running system."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask import Blueprint, render_template

from plugin.governance.in_force import in_force
from plugin.governance.promises import PROMISES
from plugin.governance.trust import report
from web.services import mine, services, viewer

bp = Blueprint("trust", __name__, url_prefix="/trust")


@bp.get("")
def show() -> str:
    """Each promise; for admins, whose report reads the whole workspace, with its state and evidence found out now."""
    who = viewer()
    if who.is_admin:
        bundle = services()
        lines = [asdict(line) for line in report(bundle.store, who, bundle.config)]
    else:
        lines = [
            {
                "id": each.id,
                "section": each.section,
                "promise": each.text,
                "state": "",
                "evidence": "",
                "how": "",
            }
            for each in PROMISES
        ]
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
        admins = door.policy.admins()
    return render_template(
        "governance/flow.html", ai=ai, sources=sources, admins=admins, sentences=in_force(ai)
    )
