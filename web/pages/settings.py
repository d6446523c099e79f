"""The AI settings: what is in force, then each control with its effect, its state and who changed it last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from plugin.access.personas import parse_personas
from plugin.egress.allowed_fields import ALLOWED
from plugin.egress.whereabouts import whereabouts
from plugin.errors import BadInput, DocentError
from plugin.governance.ai_settings import AiSettings
from plugin.governance.checklist import checklist
from plugin.governance.in_force import in_force
from web.egress_words import asked_of
from web.services import admin, mine, only_admins, services, viewer
from web.words import provider_word

bp = Blueprint("settings", __name__, url_prefix="/settings/ai")
bp.before_request(only_admins())


@dataclass(frozen=True)
class Section:
    """A part of the page and the settings in it."""

    id: str
    title: str
    text: str
    keys: tuple[str, ...] = ()


SECTIONS = (
    Section("assistant", "Assistant", "", ("ai.enabled", "ai.guests_may_ask")),
    Section(
        "provider", "Provider and model", "Only the one you choose is used. There is no silent fallback.",
        ("ai.provider", "ai.model", "ai.base_url", "ai.internal_hosts"),
    ),
    Section(
        "key", "Key",
        "Write-only. It is encrypted with this workspace’s own key and never shown again, not even its "
        "last characters.",
    ),
    Section(
        "region", "Region", "A call outside the allowed regions is refused, never routed elsewhere.",
        ("ai.region", "ai.allow_other_regions", "providers.notice_days"),
    ),
    Section(
        "send", "What may be sent",
        "Only metadata, only what the asker may see, and only fields on the gateway’s list. Rows, samples and "
        "histograms have no line here because they are never read.",
    ),
    Section(
        "redaction", "Redaction",
        "Runs here, before anything is sent. A stand-in is turned back in the answer; what is removed is gone. "
        "Names of persons are not found by patterns.",
        ("ai.redaction.regions",),
    ),
    Section(
        "run-sql", "Run SQL",
        "Rows go to the person’s browser and nowhere else. Every gate is checked again at each run.",
        ("ai.run_sql", "ai.sql_sensitive", "sql.limits.rows", "sql.limits.bytes", "sql.limits.seconds",
         "sql.limits.concurrent"),
    ),
    Section(
        "history", "History", "Nobody reads another’s chats. Rows are never stored in any mode.",
        ("ai.history", "history.days", "history.max_prompts"),
    ),
    Section(
        "monitoring", "Monitoring of content",
        "Off unless you turn it on. Every member is told at once and in every composer; each reading is audited; "
        "turning it off deletes what it held. To read a single person’s chats with a reason, use Oversight.",
        ("monitoring.content", "monitoring.days"),
    ),
    Section(
        "limits", "Limits", "At a limit the person is told which, and when it opens again.",
        ("ai.limits.steps", "ai.limits.seconds", "ai.limits.tokens_per_question", "ai.limits.context_tokens",
         "ai.limits.requests_per_minute", "ai.limits.tokens_per_day_member", "ai.limits.tokens_per_day_workspace",
         "ai.limits.teams"),
    ),
    Section(
        "watch", "Unusual use", "Each rule says what it saw and where its limit is. Admins are told in the app.",
        ("watch.requests_per_hour", "watch.megabytes_per_hour", "watch.denials_per_hour", "watch.teams_per_hour",
         "watch.webhook"),
    ),
    Section(
        "instructions", "Instructions",
        "Added to every question of this workspace. They cannot widen what anybody may see.",
        ("ai.instructions",),
    ),
)  # fmt: skip
OWN_CONTROL = frozenset({"ai.filters", "ai.personas", "ai.redaction.patterns"})
"""Lists that are edited entry by entry."""

WATCHED = tuple(f"watch.{name}_per_hour" for name in ("requests", "megabytes", "denials", "teams"))
CONDITIONS = ("kinds", "integrations", "schemas", "tags", "sensitivity", "verified", "published")


@bp.get("")
def show() -> str:
    """The page."""
    with admin() as door:
        found = {each.key: each for each in door.settings.all()}
        keys = door.settings.provider_keys()
        ai = door.settings.ai()
        integrations = door.integrations.list()
        teams = [each.name for each in door.people.teams()]
        admins = sum(each.role.value == "admin" and each.state == "active" for each in door.people.members())
    practice = checklist(
        ai, watched=any(found[key].value for key in WATCHED), rules=len(found["access.rules"].value),
        own_master_key=bool(services().config.master_key), admins=admins,
        metadata_only=not ai.run_sql or all(each.has_query_credential for each in integrations),
    )  # fmt: skip
    placed = {key for section in SECTIONS for key in section.keys} | OWN_CONTROL
    personas = parse_personas(found["ai.personas"].value)
    return render_template(
        "settings/ai.html", sections=SECTIONS, settings=found, ai=ai,
        sentences=in_force(ai, personas), provider_keys=keys,
        rules=[(number, rule.describe(), rule.effect) for number, rule in enumerate(ai.filters)],
        other=[each for key, each in found.items() if key not in placed], fields=_fields(),
        personas=personas, teams=teams,
        checklist=practice, conditions=CONDITIONS, picks_of=_picks(ai, keys),
    )  # fmt: skip


def _fields() -> list[tuple[str, str, str]]:
    """Every field that may leave, why, and as what: the gateway's own list."""
    return [
        (
            each.name, each.reason[:1].upper() + each.reason[1:],
            "As pseudonyms" if each.identity else "Redacted, shortened first" if each.first_to_cut else "Redacted",
        )
        for each in ALLOWED.values()
    ]  # fmt: skip


def _picks(ai: AiSettings, keys: dict[str, Any]) -> list[tuple[str, ...]]:
    """The providers to choose from: value, title, icon, place, what is asked of it, link to its terms."""
    bundle, workspace = services(), viewer().workspace_id
    found: list[tuple[str, ...]] = [
        ("builtin", "Built-in", "shield-check", "Nothing leaves",
         "Answers catalog questions from the same tools, with no model and no network.", "")
    ]  # fmt: skip
    for name in keys:
        where = whereabouts(bundle.store, bundle.config, workspace, ai, name)
        server = name == "openai_compatible"
        text = "Any OpenAI-compatible server, by its base URL." if server and not where.host else (
            f"{where.operator} at {where.host}. {asked_of(where)} {where.refused}".strip()
            if where.declared else f"{where.host or 'No address'}. {where.refused or asked_of(where)}"
        )  # fmt: skip
        text += "" if server or keys.get(name) else " No key yet."
        icon, place = (
            ("server", where.place if where.host else "where you say") if server else ("map-pin", where.place)
        )
        found.append((name, provider_word(name), icon, place[:1].upper() + place[1:], text, where.terms_link))
    return found


def _back(section: str, said: str = "Saved. It holds from the next question on.") -> Response:
    flash(said, "green")
    return redirect(url_for("settings.show", _anchor=section), 303)


def section_of(key: str) -> str:
    """The section in which a setting stands."""
    return next((section.id for section in SECTIONS if key in section.keys), "other")


@bp.post("/set/<key>")
def change(key: str) -> Response:
    """Set one setting; an empty "default" puts its default back."""
    with admin() as door:
        wanted: Any = None if request.form.get("default") else request.form.get("value", "")
        door.settings.set(key, wanted)
    return _back(section_of(key))


@bp.post("/filters")
def filters() -> Response:
    """Add a rule for what the assistant may use, or take one away."""
    with admin() as door:
        rules = list(door.settings.get("ai.filters").value)
        gone = request.form.get("remove", "")
        if gone.isdecimal() and int(gone) < len(rules):
            rules.pop(int(gone))
        else:
            condition, value = request.form.get("condition", ""), request.form.get("value", "").strip()
            if condition not in CONDITIONS or not value:
                raise BadInput("Choose what the rule looks at, and a value.")
            wanted: Any = (
                value.lower() in ("yes", "true", "1") if condition in ("verified", "published")
                else [part.strip() for part in value.split(",") if part.strip()]
            )  # fmt: skip
            rules.append({"effect": request.form.get("effect", "exclude"), condition: wanted})
        door.settings.set("ai.filters", rules)
    return _back("send")


@bp.post("/personas")
def personas() -> Response:
    """Add a persona, or take one away."""
    with admin() as door:
        kept = list(door.settings.get("ai.personas").value)
        gone = request.form.get("remove", "")
        if gone.isdecimal() and int(gone) < len(kept):
            kept.pop(int(gone))
        else:
            schemas = [part.strip() for part in request.form.get("schemas", "").split(",") if part.strip()]
            only = [
                {"effect": "include", "schemas": schemas},
                {"effect": "include", "kinds": ["term", "document"]},
            ]
            kept.append({
                "name": request.form.get("name", "").strip(), "instructions": request.form.get("instructions", ""),
                "teams": [each for each in request.form.getlist("team") if each],
                "filters": only if schemas else [],
            })  # fmt: skip
        door.settings.set("ai.personas", kept)
    return _back("instructions")


@bp.post("/patterns")
def patterns() -> Response:
    """Add a redaction pattern, or take one away."""
    with admin() as door:
        kept = list(door.settings.get("ai.redaction.patterns").value)
        gone = request.form.get("remove", "")
        if gone.isdecimal() and int(gone) < len(kept):
            kept.pop(int(gone))
        else:
            kept.append(
                {"name": request.form.get("name", "").strip(), "pattern": request.form.get("pattern", "")}
            )
        door.settings.set("ai.redaction.patterns", kept)
    return _back("redaction")


@bp.post("/key")
def key() -> Response:
    """Test a provider's key, then seal it; or remove it."""
    provider = request.form.get("provider", "")
    if request.form.get("remove"):
        with admin() as door:
            door.settings.set_provider_key(provider, None)
        return _back("key", "The key is removed.")
    secret = request.form.get("key", "").strip()
    said = "Saved, untested."
    if not request.form.get("untested"):
        with mine() as door:
            base_url = door.policy.ai().base_url
        said = services().gateway.test_key(viewer(), provider, secret, base_url)
    with admin() as door:
        door.settings.set_provider_key(provider, secret)
    return _back("key", said)


@bp.post("/preview")
def preview() -> str:
    """What a question would send. Nothing is sent."""
    from plugin.assistant import Question
    from plugin.assistant import preview as preview_of

    text = request.form.get("question", "").strip()
    sent, wrong = None, ""
    try:
        sent = preview_of(services().store, services().gateway, viewer(), Question(text=text)).as_json()
    except DocentError as error:
        wrong = str(error)
    return render_template("settings/preview.html", question=text, sent=sent, wrong=wrong)
