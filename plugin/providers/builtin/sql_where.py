"""The conditions of a question, and what it says that could not be written: nothing is silently dropped."""

from __future__ import annotations

import re
from collections.abc import Sequence

from plugin.providers.builtin.phrases import code, words_of
from plugin.providers.builtin.sql_columns import NUMBER, column_for
from plugin.providers.builtin.sql_draft import Draft
from plugin.providers.builtin.sql_parse import Ask, operator_of
from plugin.providers.builtin.talk import Thing
from plugin.providers.builtin.understand import Intent, is_pronoun

_MORE = re.compile(
    r"(?:(?P<more>over|above|more than|greater than|at least)|under|below|less than|at most) (?P<n>\d+(?:\.\d+)?)"
    r"(?: (?:euros?|eur|dollars?|usd|€|\$))?\Z",
    re.I,
)
_NO_CONDITION = frozenset(
    """all any every the a an our of row rows record records entry entries are is was were there who that which we have
    signed up registered joined created placed made added got had in total""".split()
)


def left_over_of(table: Thing, ask: Ask) -> str:
    """What a question for rows or their number says beyond the table's name: a condition, to be met or to be named."""
    if ask.measure not in ("rows", "count") or ask.of or is_pronoun(ask.subject):
        return ""
    own = {word for part in table.qualified.split(".") for word in words_of(part)} | set(
        words_of(table.text("integration"))
    )
    said = ask.subject.split()
    kept = [word for word in said if not set(words_of(word)) or set(words_of(word)) - own - _NO_CONDITION]
    return " ".join(kept)


def told(draft: Draft, left_over: str) -> bool:
    """Write "over 100 euro" as a condition on the amount; False where rules cannot."""
    match = _MORE.match(left_over)
    column = column_for(draft.table, "amount", numeric=True) if match else None
    if match is None or column is None:
        return False
    words = left_over.lower()
    sign = (">=" if "least" in words else ">") if match.group("more") else ("<=" if "most" in words else "<")
    draft.where.append(f"{draft.at('a', column)} {sign} {match.group('n')}")
    draft.assumed.append(f"{code(str(column['name']))} as the amount")
    return True


def filters(draft: Draft, ask: Ask, intent: Intent) -> bool:
    """Write the conditions; False where one speaks of no column of the table."""
    for each in ask.filters:
        written = _filter(draft, each.words, intent)
        if written is None:
            return False
        draft.where.append(written)
    return True


def _filter(draft: Draft, words: Sequence[str], intent: Intent) -> str | None:
    for length in range(min(4, len(words)), 0, -1):
        if not re.search(r"\w", words[length - 1]):
            continue
        column = column_for(draft.table, " ".join(words[:length]), loose=False)
        if column is None:
            continue
        operator, value, other = (
            operator_of(" ".join(words[length:])) if words[length:] else ("not null", "", "")
        )
        name = draft.at("a", column)
        number = bool(NUMBER.search(str(column.get("type", ""))))
        value, other = intent.unquote(value), intent.unquote(other)
        literal = draft.sql.literal(value, number=number)
        if operator == "null":
            return f"{name} IS NULL"
        if operator == "not null":
            return f"{name} IS NOT NULL"
        if operator == "between":
            return f"{name} BETWEEN {literal} AND {draft.sql.literal(other, number=number)}"
        if operator in ("contains", "starts", "ends"):
            pattern = {"contains": f"%{value}%", "starts": f"{value}%", "ends": f"%{value}"}[operator]
            return f"{name} LIKE {draft.sql.literal(pattern)}"
        return f"{name} {operator} {literal}"
    return None
