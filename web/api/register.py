"""The register of sub-processors as JSON, for every member."""

from __future__ import annotations

from flask import Blueprint, Response

from plugin.governance.register import processors
from web.api.models import EntryPage, plain
from web.api.spec import answers, reply, spec
from web.door import scope
from web.services import mine

bp = Blueprint("api_register", __name__)


@bp.get("/register")
@scope("read")
@spec.validate(resp=answers(EntryPage), tags=["Trust"])
def register() -> Response:
    """Each provider host with its operator, region, terms, attestations and state: in use, on hold, used before."""
    with mine() as door:
        found = processors(door.policy.ai(), door.hosts.all())
    return reply(EntryPage, {"items": plain(list(found))})
