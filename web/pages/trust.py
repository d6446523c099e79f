"""The Trust page and the data flow: what Docent promises, checked against the running system."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request

from plugin.governance.in_force import in_force
from plugin.governance.promises import PROMISES
from web.services import mine, services, viewer

bp = Blueprint("trust", __name__, url_prefix="/trust")


@bp.get("")
def show() -> str:
    """Each promise with its state and evidence."""
    lines = report(check=bool(request.args.get("check")))
    counted: dict[str, int] = {}
    for line in lines:
        counted[line["state"]] = counted.get(line["state"], 0) + 1
    sections: dict[str, list[dict[str, Any]]] = {}
    for line in lines:
        sections.setdefault(line["section"], []).append(line)
    return render_template("governance/trust.html", sections=sections, counted=counted, total=len(lines))


def report(*, check: bool = False) -> list[dict[str, Any]]:
    """The trust report as plugin/governance computes it; until a line is checked it says so."""
    try:
        from plugin.governance.trust import trust_report
    except ImportError:
        return [
            {
                "id": promise.id, "section": promise.section, "text": promise.text, "state": "unknown",
                "evidence": "not checked yet", "checked": None, "source": promise.source,
            }
            for promise in PROMISES
        ]  # fmt: skip
    return [dict(line) for line in trust_report(services().store, viewer())]


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
