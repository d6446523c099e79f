"""How the planner says things: short sentences in Markdown, catalog text made harmless, names with their citation."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from plugin.providers.builtin.talk import Thing

KIND_WORDS = {
    "materialized_view": "materialised view", "foreign_table": "foreign table",
    "partitioned_table": "partitioned table",
    "external_table": "external table", "term": "glossary term", "dashboard_group": "dashboard group",
}  # fmt: skip
VAGUE = frozenset("address number field value column data information detail".split())
"""Words that people add to what a column is called: "phone numbers" are in `phone`."""
POINTING = frozenset("id key code fk".split())
"""Words of a column that only points at a thing: `customer_id` holds no address of a customer."""


def plain(text: str, limit: int = 400) -> str:
    """Text from the catalog on one line, unable to cite, to open a code block or to ask for a result."""
    kept = " ".join(text.split())
    kept = kept.replace("[[", "[ [").replace("{{", "{ {").replace("```", "'''").replace("~~~", "'''")
    return kept if len(kept) <= limit else kept[:limit].rsplit(" ", 1)[0] + " …"


def code(text: str) -> str:
    """A name or a value in code style, whatever it holds."""
    return "`" + " ".join(text.split()).replace("`", "'") + "`"


def named(thing: Thing) -> str:
    """A resource by its qualified name, cited by its id so that no odd name can break out."""
    return f"{code(thing.qualified)} [[{thing.id}]]"


def kind_word(kind: str) -> str:
    """A kind as people say it."""
    return KIND_WORDS.get(kind, kind.replace("_", " "))


def count(number: int, word: str) -> str:
    """ "1 table", "2 tables", "3 queries"."""
    if number == 1:
        return f"1 {word}"
    plural = f"{word[:-1]}ies" if word.endswith("y") and not word.endswith(("ey", "ay", "oy")) else f"{word}s"
    return f"{number:,} {plural}"


def listed(texts: Sequence[str]) -> str:
    """ "a, b and c"."""
    if len(texts) < 2:
        return "".join(texts)
    return f"{', '.join(texts[:-1])} and {texts[-1]}"


def line(thing: Thing, *, describe: bool = True) -> str:
    """One resource as a line of a list."""
    text = f"- {named(thing)}"
    if not thing.is_table and thing.kind != "column":
        text += f" ({kind_word(thing.kind)})"
    said = thing.text("description") or (thing.text("definition") if thing.kind == "term" else "")
    if describe and said:
        text += f": {plain(said, 140)}"
    return text


def popularity(thing: Thing) -> int:
    """How popular it is, of 100, as its page says."""
    return round(float(thing.text("popularity") or 0) * 100)


def lines(items: Iterable[Thing], *, describe: bool = True) -> str:
    """A list of resources."""
    return "\n".join(line(each, describe=describe) for each in items)


def table(rows: Sequence[Mapping[str, Any]], heads: Mapping[str, str]) -> str:
    """A Markdown table of some keys of the rows; columns that are empty everywhere are left out."""
    used = [key for key in heads if any(row.get(key) not in (None, "", False) for row in rows)]
    out = ["| " + " | ".join(heads[key] for key in used) + " |", "|" + " --- |" * len(used)]
    for row in rows:
        cells = [_cell(key, row.get(key)) for key in used]
        out.append("| " + " | ".join(cells) + " |")
    return "\n".join(out)


def _cell(key: str, value: Any) -> str:
    if value in (None, False, ""):
        return ""
    if value is True:
        return "yes"
    text = plain(str(value), 160).replace("|", "\\|")
    return code(text.replace("\\|", "/")) if key in ("name", "type") else text


_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")


def words_of(name: str) -> tuple[str, ...]:
    """The words in an identifier or phrase, lower case, in the singular: custOrderIDs -> cust, order, id."""
    return tuple(singular(word.lower()) for word in _WORD.findall(name))


def singular(word: str) -> str:
    """A rough singular that maps both forms of a word to the same text."""
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("sses", "shes", "ches", "xes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word
