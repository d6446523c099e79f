"""Text that does not belong in a catalog (credentials, card and health numbers) is flagged on saving (P29).

Enters: a text that was just written. Leaves: a notice to its writer and to the admins and a line of the audit log, with
the kinds that were found and never the value. Saving is not prevented: a pattern can be wrong, and what goes to a
provider is redacted in any case.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plugin.store._context import Context
from plugin.store.notices import notify

HEALTH = frozenset({"medical_record", "us_medicare", "uk_nhs", "health_number"})
CARDS = frozenset({"credit_card", "card_code"})
KIND = "sensitive_text"
TEXT_FIELDS = ("description", "definition", "name", "synonyms", "body")


def kinds_in(text: str) -> dict[str, int]:
    """What of that sort a text holds: kind and how often."""
    from plugin.egress.redact import redact

    found: dict[str, int] = {}
    for each in redact(text).findings:
        if each.secret or each.type in HEALTH or each.type in CARDS:
            found[each.type] = found.get(each.type, 0) + 1
    return found


def flag(context: Context, resource_id: int, field: str, text: str | None) -> Mapping[str, int]:
    """Look at a text that was saved; tell its writer and the admins where something was found."""
    found = kinds_in(text) if text and field in TEXT_FIELDS else {}
    if found:
        words = ", ".join(sorted(kind.replace("_", " ") for kind in found))
        facts: dict[str, Any] = {"resource": resource_id, "field": field, "kinds": words}
        notify(context, KIND, facts)
        if not context.is_admin:
            notify(context, KIND, facts, member_id=context.member.id)
        context.audit(
            "content.flagged", "done", rule="content.sensitive", target=f"resource:{resource_id}",
            detail={"field": field, "found": found},
        )  # fmt: skip
    return found
