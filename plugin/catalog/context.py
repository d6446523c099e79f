"""The smallest schema text that covers a question: what the assistant sends before a model says anything.

Enters: a viewer's catalog and a question. Leaves: one `ContextEntry` per table, best first, each with its text by
field, so that what was sent can be told per resource and field. Columns that neither the question nor a join needs
are left out and counted, shards of a table are told once, types are shortened, keys and joins among the tables stay.
The same question over the same catalog gives the same text, byte by byte.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from plugin.catalog.synonyms import initials_in, with_initials
from plugin.catalog.words import KEY_WORDS, Question, identifier_words, pieces, read_question, text_words
from plugin.store.shapes import Key, PlainColumn, Resource

if TYPE_CHECKING:
    from plugin.store.catalog import ViewerCatalog

TABLE_KINDS = ("table", "view", "materialized_view", "foreign_table", "partitioned_table", "external_table")
MOST_TABLES = 40
FEWEST_TABLES = 6
"""So many tables are kept however far they fall behind the best."""
FAR_BEHIND = 0.25
"""A table whose score is below this share of the best one's is not sent."""
FEW_COLUMNS = 12
"""A table with no more columns than this is told in full."""
MOST_COLUMNS = 32
LONGEST_DESCRIPTION = 100
LONGEST_NOTE = 48

SHORT_TYPES = (
    (re.compile(r"^(var)?char|^n?varchar|^text|^string|^clob|^character|^bpchar|^citext|^name$"), "text"),
    (re.compile(r"^(big|small|tiny|medium)?int|^integer|^serial|^bigserial|^number\(\d+(,\s*0)?\)$"), "int"),
    (re.compile(r"^(num|dec|float|double|real|money|bignumeric)"), "num"),
    (re.compile(r"^bool|^bit\(1\)$"), "bool"),
    (re.compile(r"^timestamp|^datetime"), "time"),
    (re.compile(r"^date$"), "date"),
    (re.compile(r"^(record|struct|json|variant|object|map)"), "json"),
    (re.compile(r"^array|\[\]$"), "list"),
)
NUMBERED = re.compile(r"^(.*?)(\d+)$")
KEYS = frozenset(KEY_WORDS)


@dataclass(frozen=True, slots=True)
class ContextEntry:
    """One table as it is sent. `fields` are the texts by field, `text` is all of them in one line or a few."""

    resource: Resource
    fields: Mapping[str, str] = field(default_factory=dict)
    columns_kept: tuple[str, ...] = ()
    cut: int = 0
    """How many columns were left out."""

    @property
    def text(self) -> str:
        """The entry as the model reads it."""
        return render(self.fields)

    @property
    def tokens(self) -> float:
        """What it costs, as characters / 4."""
        return len(self.text) / 4


def build_context(
    catalog: ViewerCatalog,
    question: str,
    budget_tokens: int = 2000,
    mentions: Sequence[int] = (),
    *,
    only: Iterable[int] | None = None,
    cut_off: float = FAR_BEHIND,
) -> tuple[ContextEntry, ...]:
    """The tables that a question needs, within a budget; those that were mentioned come first.

    At least one table is returned where anything was found, whatever the budget.
    """
    return context_and_others(catalog, question, budget_tokens, mentions, only=only, cut_off=cut_off)[0]


def context_and_others(
    catalog: ViewerCatalog,
    question: str,
    budget_tokens: int = 2000,
    mentions: Sequence[int] = (),
    *,
    only: Iterable[int] | None = None,
    cut_off: float = FAR_BEHIND,
    beside: int = 0,
) -> tuple[tuple[ContextEntry, ...], tuple[Resource, ...]]:
    """The same, and what else is among the first `beside` hits: terms, dashboards, metrics, models, documents."""
    read = read_question(question)
    tables, others = _chosen(catalog, question, mentions, only, cut_off, beside)
    entries: list[ContextEntry] = []
    spent = 0.0
    chosen = {table.id: table for table, _alike in tables}
    columns, keys = catalog.plain_columns_of(chosen), catalog.keys_of(chosen)
    for table, alike in tables:
        entry = describe(table, columns.get(table.id, ()), keys.get(table.id, ()), read, chosen, alike)
        if entries and spent + entry.tokens > budget_tokens:
            continue
        spent += entry.tokens
        entries.append(entry)
        if spent >= budget_tokens:
            break
    return tuple(entries), others


def _chosen(
    catalog: ViewerCatalog,
    question: str,
    mentions: Sequence[int],
    only: Iterable[int] | None,
    cut_off: float,
    beside: int,
) -> tuple[list[tuple[Resource, str]], tuple[Resource, ...]]:
    named = catalog.resources(mentions) if mentions else {}
    chosen = {id_: (named[id_], "") for id_ in mentions if id_ in named and named[id_].kind in TABLE_KINDS}
    found = catalog.search(question, kinds=TABLE_KINDS, limit=MOST_TABLES, only=only, beside=beside)
    top = found.hits[0].score if found.hits else 0.0
    for at, hit in enumerate(found.hits):
        if at >= FEWEST_TABLES and hit.score < cut_off * top:
            break
        alike = next((text for where, text in hit.why if where == "family"), "")
        chosen.setdefault(hit.resource.id, (hit.resource, alike))
    return list(chosen.values()), found.beside


def describe(
    table: Resource,
    columns: Sequence[PlainColumn],
    keys: Sequence[Key],
    question: Question,
    beside: Mapping[int, Resource],
    alike: str = "",
) -> ContextEntry:
    """One table for one question. `beside` are the tables that are sent with it, for the joins to name."""
    points = {
        name: beside[key.ref_id].name
        for key in keys
        if key.kind == "foreign" and key.ref_id is not None and key.ref_id in beside
        for name in key.columns
    }
    primary = {name for key in keys if key.kind == "primary" for name in key.columns}
    kept, cut = _kept(columns, question, points, primary)
    fields: dict[str, str] = {"qualified_name": ".".join((*table.path[-1:], table.name))}
    if alike:
        fields["family"] = alike
    if table.description:
        fields["description"] = _short(table.description, LONGEST_DESCRIPTION)
    fields["columns"] = ", ".join(_columns(kept, question, points, primary))
    if cut:
        fields["columns"] += f", +{cut} more"
    return ContextEntry(table, fields, tuple(column.name for column in kept), cut)


def render(fields: Mapping[str, str]) -> str:
    """The fields of a table as one short text: schema.table (description): columns."""
    head = fields["qualified_name"]
    for name in ("family", "description"):
        if fields.get(name):
            head += f" ({fields[name]})"
    return f"{head}: {fields['columns']}"


def _kept(
    columns: Sequence[PlainColumn], question: Question, points: Mapping[str, str], primary: set[str]
) -> tuple[list[PlainColumn], int]:
    """The columns that are sent, in the order of the table, and how many are not."""
    if len(columns) <= FEW_COLUMNS:
        return list(columns), 0
    wanted = {term.word: term.weight for term in question.terms}
    initials = initials_in([term.word for term in question.content])
    worth: list[tuple[float, int]] = []
    for at, column in enumerate(columns):
        names = identifier_words(column.name)
        said = with_initials(names, initials) if initials else names
        value = sum(wanted.get(word, 0.0) for word in said) / max(1, len(names)) ** 0.5
        if column.name in points or column.name in primary or column.is_pk:
            value += 2.0
        elif _is_key(column.name):
            value += 0.5
        if not value and column.description:
            noted = set(text_words(column.description[:400]))
            value = 0.25 * sum(wanted[word] for word in wanted.keys() & noted)
        worth.append((value, at))
    worth.sort(key=lambda pair: (-pair[0], pair[1]))
    best = [pair for pair in worth[:MOST_COLUMNS] if pair[0] >= 0.3]
    if len(best) < FEW_COLUMNS:
        best = worth[:FEW_COLUMNS]
    kept = [columns[at] for at in sorted(at for _value, at in best)]
    return kept, len(columns) - len(kept)


def _is_key(name: str) -> bool:
    words = pieces(name)
    return len(words) > 1 and words[-1] in KEYS


def _columns(
    columns: Sequence[PlainColumn], question: Question, points: Mapping[str, str], primary: set[str]
) -> list[str]:
    wanted = {term.word for term in question.terms}
    shown: list[str] = []
    run: list[tuple[str, str, str]] = []
    for column in columns:
        text = column.name
        kind = short_type(column.native_type)
        numbered = NUMBERED.match(column.name)
        if numbered and column.name not in points and column.name not in primary:
            if run and (run[-1][0], run[-1][2]) != (numbered.group(1), kind):
                shown += _run(run)
                run = []
            run.append((numbered.group(1), numbered.group(2), kind))
            continue
        shown += _run(run)
        run = []
        if kind and kind != "text":
            text += f" {kind}"
        if column.name in primary or column.is_pk:
            text += " pk"
        if column.name in points:
            text += f" →{points[column.name]}"
        if column.description and not wanted.intersection(identifier_words(column.name)):
            noted = wanted.intersection(text_words(column.description[:400]))
            if noted:
                text += f" ({_short(column.description, LONGEST_NOTE)})"
        shown.append(text)
    return shown + _run(run)


def _run(run: Sequence[tuple[str, str, str]]) -> list[str]:
    """Columns that differ only by a number, told once: pop_2010…pop_2019."""
    if not run:
        return []
    kind = f" {run[0][2]}" if run[0][2] and run[0][2] != "text" else ""
    if len(run) < 3:
        return [f"{stem}{number}{kind}" for stem, number, _kind in run]
    return [f"{run[0][0]}{run[0][1]}…{run[-1][1]}{kind}"]


def short_type(native: str | None) -> str:
    """A native type in one short word; what is not known is cut to its first word."""
    if not native:
        return ""
    folded = native.strip().lower()
    for pattern, short in SHORT_TYPES:
        if pattern.search(folded):
            return short
    return re.split(r"[\s(<]", folded, maxsplit=1)[0][:16]


def _short(text: str, longest: int) -> str:
    flat = " ".join(text.split())
    first = re.split(r"(?<=[.!?])\s", flat, maxsplit=1)[0]
    return first if len(first) <= longest else first[: longest - 1].rstrip() + "…"
