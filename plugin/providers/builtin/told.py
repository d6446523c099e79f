"""A thing of the catalog in words: what it is, its facts, its keys, what a term means. No question is asked here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plugin.providers.builtin.phrases import code, count, kind_word, lines, listed, named, plain, table
from plugin.providers.builtin.talk import Thing

COLUMN_HEADS = {"name": "Column", "type": "Type", "pk": "Key", "description": "Description"}


def description(thing: Thing) -> str:
    """What it is and where, its description, facts and first columns."""
    if thing.kind == "term":
        return term_text(thing)
    article = "an" if kind_word(thing.kind)[0] in "aeiou" else "a"
    where = f" in {plain(thing.text('integration'))}" if thing.text("integration") else ""
    out = [f"{named(thing)} is {article} {kind_word(thing.kind)}{where}."]
    said = thing.text("description")
    out[0] += f" {plain(said, 900)}" if said else " It has no description yet."
    facts = _facts(thing)
    if facts:
        out.append("\n".join(f"- {each}" for each in facts))
    if thing.columns:
        shown = thing.columns[:12]
        more = len(thing.columns) - len(shown)
        rest = f"\n\n{count(more, 'more column')} not shown." if more > 0 else ""
        out.append(table(shown, COLUMN_HEADS) + rest)
    return "\n\n".join(out)


def _facts(thing: Thing) -> list[str]:
    facts = []
    if thing.kind == "column":
        facts.append(f"Type: {code(thing.text('type') or 'unknown')}")
        if thing.flag("pk"):
            facts.append("Part of the primary key")
    owners = thing.texts("owners")
    if thing.kind != "column":
        facts.append(f"Owner: {plain(listed(owners))}" if owners else "Owner: nobody yet")
    if thing.texts("tags"):
        facts.append(f"Tags: {listed([code(tag) for tag in thing.texts('tags')])}")
    if thing.text("sensitivity"):
        facts.append(f"Sensitivity: {plain(thing.text('sensitivity'))}")
    if thing.flag("verified"):
        facts.append("Verified")
    if thing.text("row_estimate"):
        facts.append(f"About {int(thing.text('row_estimate')):,} rows, as the source estimates")
    if thing.text("changed_at"):
        facts.append(f"Last changed at the source: {thing.text('changed_at')} UTC")
    if thing.text("stale_since"):
        facts.append(f"Stale: no longer at the source since {thing.text('stale_since')} UTC")
    keys = [key_text(key) for key in thing.keys if key.get("kind") == "primary"]
    if keys:
        facts.append(f"Primary key: {listed(keys)}")
    return facts


def key_text(key: Mapping[str, Any]) -> str:
    """A key's columns, and where they point."""
    text = code(str(key.get("columns", "")))
    if key.get("ref"):
        text += f" references {code(str(key['ref']))} ({code(str(key.get('ref_columns') or ''))})"
    return text


def trust(thing: Thing) -> str:
    """Whether it is verified and whose it is, as a sentence that follows another; nothing where neither is known."""
    owners = thing.texts("owners")
    said = []
    if thing.flag("verified"):
        said.append("verified")
    if owners:
        said.append(f"owned by {plain(listed(owners))}")
    return f" It is {listed(said)}." if said else ""


def terms_text(found: list[Thing]) -> str:
    """What the first term means, and the others by name."""
    if len(found) == 1:
        return term_text(found[0])
    return term_text(found[0]) + "\n\nRelated terms:\n\n" + lines(found[1:6])


def term_text(term: Thing) -> str:
    """What a term means here, what else it is called and whose it is."""
    said = plain(term.text("definition") or term.text("description"), 1200)
    text = f"**{plain(term.name)}** [[{term.id}]] means: {said or 'it has no definition yet.'}"
    if term.texts("synonyms"):
        text += f"\n\nAlso called {plain(listed(term.texts('synonyms')))}."
    if term.texts("owners"):
        text += f" Owned by {plain(listed(term.texts('owners')))}."
    return text
