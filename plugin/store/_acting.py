"""Whoever acts in a transaction, as the database has them now: conditions, AI filters and persona applied."""

from __future__ import annotations

from dataclasses import replace

from plugin.access.viewer import Viewer
from plugin.store._conditions import require_conditions
from plugin.store._context import Acting, Context


def act(context: Context, viewer: Viewer, acting: Acting) -> None:
    """Let a member act. Refused where a condition keeps them out, BadInput where their persona is not theirs now."""
    context.facts = acting.facts
    context.viewer = replace(viewer, workspace_slug=acting.slug)
    context.surface = viewer.surface
    context.for_ai = viewer.for_ai
    require_conditions(context, acting.access_rules)
    if viewer.for_ai:
        from plugin.access.ai_rules import parse_rules

        context.ai_rules = parse_rules(acting.ai_filters)
        if viewer.persona:
            from plugin.access.personas import narrowed
            from plugin.store.policy import chosen_persona

            context.ai_rules = narrowed(context.ai_rules, chosen_persona(context).filters)


def fresh(viewer: Viewer, context: Context) -> Viewer:
    """The viewer with role, name and email as they are now."""
    facts = context.member
    slug = context.viewer.workspace_slug if context.viewer else viewer.workspace_slug
    return replace(viewer, role=facts.role, email=facts.email, name=facts.name, workspace_slug=slug)
