"""The admin AI settings, and the two boxes that show what would leave."""

from __future__ import annotations

from flask import Blueprint, Response

from plugin.egress.admin_patterns import AdminPattern
from plugin.egress.redact import redact
from plugin.errors import BadInput
from web.api.models import Names, RedactedOut, SettingList, SettingsPatch, TextBody, plain
from web.api.spec import answers, body, reply, spec
from web.door import scope
from web.services import admin, mine, only_admins, services, viewer

bp = Blueprint("api_settings", __name__)
bp.before_request(only_admins(but=frozenset({"api_settings.redaction_try"})))


@bp.get("/settings/ai")
@scope("admin")
@spec.validate(resp=answers(SettingList), tags=["Settings"])
def show() -> Response:
    """Every setting of the workspace with its value and who changed it last. No secret is among them."""
    with admin() as door:
        return reply(SettingList, {"items": plain(list(door.settings.all()))})


@bp.patch("/settings/ai")
@scope("admin")
@spec.validate(json=SettingsPatch, resp=answers(SettingList), tags=["Settings"])
def change() -> Response:
    """Change settings by key, all or none. A bad value is refused with the allowed ones."""
    values: SettingsPatch = body()
    with admin() as door:
        door.settings.apply(values.values)
        return reply(SettingList, {"items": plain(list(door.settings.all()))})


@bp.get("/settings/ai/models")
@scope("admin")
@spec.validate(resp=answers(Names), tags=["Settings"])
def models() -> Response:
    """The provider's live list of models."""
    return reply(Names, {"items": services().gateway.models(viewer())})


@bp.post("/redaction/try")
@scope("read")
@spec.validate(json=TextBody, resp=answers(RedactedOut), tags=["Settings"])
def redaction_try() -> Response:
    """A text as a provider would get it, with the workspace's patterns. Nothing is sent or kept."""
    values: TextBody = body()
    with mine() as door:
        ai = door.policy.ai()
    patterns = [AdminPattern(each.name, each.pattern, reversible=True) for each in ai.redaction_patterns]
    try:
        found = redact(values.text, patterns=patterns, regions=ai.redaction_regions)
    except ValueError as error:
        raise BadInput("That text cannot be read.", field="text") from error
    return reply(RedactedOut, {"text": found.text, "findings": plain(list(found.findings))})
