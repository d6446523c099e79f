"""Text that does not belong in a catalog (credentials, card and health numbers) is flagged when it arrives (P29).

Enters: a text that was just written, or the resources that a sync or an import just changed. Leaves: a notice to its
writer and to the admins and a line of the audit log, with the kinds that were found and never the value; an import has
one notice for all of it. Nothing is prevented: a pattern can be wrong, and what goes to a provider is redacted in any
case. A full look takes 0.2 ms, so an import of a million columns first asks `worth_a_look`, which takes a fortieth.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from typing import Any

from sqlalchemy import or_, select

from plugin.store._context import Context
from plugin.store._models.catalog import ResourceRow
from plugin.store._rows import chunks
from plugin.store.listing import IS_COLUMN

HEALTH = frozenset({"medical_record", "us_medicare", "uk_nhs", "health_number"})
CARDS = frozenset({"credit_card", "card_code"})
KIND, IMPORTED = "sensitive_text", "sensitive_import"
NAMED_MOST = 20
WRITTEN = ("term", "document")
"""Kinds whose definition is text that people wrote, not SQL, whose literals are masked."""
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
        from plugin.store.notices import notify

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


_VALUE_BEGINS = r"[!#$%&*@^~:=>`\"'/\x{ab}\x{bb}\x{2010}-\x{2015}\x{2018}-\x{201f}]|\d|-{1,2}\s"
_SAID_TO_BE = r"\b(?:is|are|was|ist|est|es|to|by)\b"
WORTH = (
    r"(?is)(?:\d\D{0,3}){8}|\s-(?:p|u\s?)\S{4}"
    r"|(?-i:[\x{250}-\x{200f}\x{2028}-\x{202f}\x{2030}-\x{203f}\x{205f}-\x{206f}\x{2100}-\x{10ffff}"
    r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x{a0}\x{ad}])"
    r"|pass(?:w|p|e\b|\b|wd|code)|pwd|psw|pword|kennw|mdp|contrase|senha|wachtw|has[l\x{142}]o|senord|adgang|salasa|heslo"
    r"|jelsz|parola|ifre|creds|credential|pw\b|identified\s+by|(?:log|sign)\w*\s+(?:in|on)\b"
    rf"|(?:pass|secret|cred|clave|schl|pw|bearer).*(?:{_VALUE_BEGINS}|{_SAID_TO_BE})"
    r"|(?:identifiant|token|key|auth|jeton|pin|otp|cv[vcn]|security code|pr(?:\x{fc}|u)fz|basic|medicare|mbi|mrn"
    rf"|medical|patient|health|login|logon|user).*(?:{_VALUE_BEGINS}|{_SAID_TO_BE}.*[^\s\pL,.()])"
)
"""Eight digits near each other, foreign letters and spaces, a password of a command, a word for one (its value may
come first), or a telling word before a value, on any line; of a word that tells less ("the key that is unique"), one
that is no prose. Every text in which `kinds_in` finds something matches or has a `LONG_WORD` that is an `ODD` one (a
test holds them to that on the corpus); most others do not.
"""
LONG_WORD = r"\S{16,}"
ODD = r"[A-Za-z]\d|\d[A-Za-z]|\d{4}|[@=%]|[a-z][A-Z]|[A-Z]{12}|:\S{0,60}:"
"""What generated secrets, encoded texts and passwords in addresses have; paths and names like line_2 have not."""


@cache
def _worth() -> tuple[Any, Any, Any]:
    import re2

    return re2.compile(WORTH), re2.compile(LONG_WORD), re2.compile(ODD)


def worth_a_look(text: str) -> bool:
    """Could a text hold anything of that sort? Quick, and wrong only in saying yes."""
    telling, long_word, odd = _worth()
    if telling.search(text) is not None:
        return True
    return any(odd.search(word) is not None for word in long_word.findall(text))


def _may_hold(text: str, looked: dict[str, bool]) -> bool:
    """`worth_a_look` of a text, remembered in `looked`."""
    worth = looked.get(text)
    if worth is None:
        worth = looked[text] = worth_a_look(text)
    return worth


def flag_imported(
    context: Context, integration_id: int, changed: Collection[int], told: Iterable[tuple[int, str]] = ()
) -> int:
    """Look at the texts that an import just brought to `changed` resources and their columns, and at those that the
    caller knows and need not be read back: `told`, with their ids. Tell once what was found.
    """
    found: Counter[str] = Counter()
    named: dict[int, None] = {}
    looked: dict[str, bool] = {}  # tables that are near each other say the same of many columns

    def look(id_: int, *texts: str | None) -> None:
        kinds = [each for text in texts if text and _may_hold(text, looked) for each in kinds_in(text)]
        if kinds:
            found.update(kinds)
            named[id_] = None

    for part in chunks(changed):
        looked.clear()
        rows = context.session.execute(
            select(ResourceRow.id, ResourceRow.kind, ResourceRow.description, ResourceRow.definition).where(
                ResourceRow.workspace_id == context.workspace_id,
                or_(ResourceRow.id.in_(part), IS_COLUMN & ResourceRow.parent_id.in_(part)),
                or_(ResourceRow.description.is_not(None), ResourceRow.kind.in_(WRITTEN)),
            )
        )
        for id_, kind, description, definition in rows:
            look(id_, description, definition if kind in WRITTEN else None)
    for id_, text in told:
        look(id_, text)
        if len(looked) > 5000:
            looked.clear()
    if named:
        from plugin.store.notices import notify

        first = list(named)[:NAMED_MOST]
        facts = {
            "integration": integration_id,
            "count": len(named),
            "kinds": ", ".join(sorted(kind.replace("_", " ") for kind in found)),
            "resources": first,
        }
        notify(context, IMPORTED, facts)
        context.audit(
            "content.flagged", "done", rule="content.sensitive", target=f"integration:{integration_id}",
            detail={"found": dict(found), "resources": first, "count": len(named)},
        )  # fmt: skip
    return len(named)
