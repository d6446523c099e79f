"""The conditions of a question, and what it says that could not be written: nothing is silently dropped."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping, Sequence
from typing import Any

from plugin.providers.builtin.phrases import code, named, words_of
from plugin.providers.builtin.sql_columns import DATE, NUMBER, column_for
from plugin.providers.builtin.sql_draft import Draft
from plugin.providers.builtin.sql_parse import Ask, operator_of
from plugin.providers.builtin.talk import Given, Thing, Want, rows_of, things
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
    if ask.measure not in ("rows", "count") or is_pronoun(ask.subject) or is_pronoun(ask.of or "-"):
        return ""
    if ask.of and ask.measure == "rows":
        return ""
    own = {word for part in table.qualified.split(".") for word in words_of(part)} | set(
        words_of(table.text("integration"))
    )
    said = f"{ask.subject} {ask.of}".split()
    kept = [word for word in said if not set(words_of(word)) or set(words_of(word)) - own - _NO_CONDITION]
    return " ".join(kept)


_BOOLEAN = re.compile(r"bool|^bit$|tinyint\(1\)", re.I)
_TRUTH = {"true": True, "yes": True, "false": False, "no": False}
_STATES = frozenset(
    """open pending active inactive new draft overdue live won lost done final blocked disputed unpaid paid late
    pending hidden broken""".split()
)


def told(draft: Draft, left_over: str) -> bool:
    """Write "over 100 euro" or "cancelled" as a condition; False where rules cannot."""
    match = _MORE.match(left_over)
    if match is None:
        return _in_state(draft, left_over.lower())
    column = column_for(draft.table, "amount", numeric=True)
    if column is None:
        return False
    words = left_over.lower()
    sign = (">=" if "least" in words else ">") if match.group("more") else ("<=" if "most" in words else "<")
    draft.where.append(f"{draft.at('a', column)} {sign} {match.group('n')}")
    draft.assumed.append(f"{code(str(column['name']))} as the amount")
    return True


def _in_state(draft: Draft, word: str) -> bool:
    """ "active" by a flag of that name, "shipped" by its time or, where one column holds the state, as its value."""
    if not word.isalpha():
        return False
    texts = []
    for column in draft.table.columns:
        name, kind = words_of(str(column["name"])), str(column.get("type", ""))
        bare = tuple(each for each in name if each not in ("is", "has", "was", "flag"))
        no = bool(bare) and word in ("in" + bare[0], "un" + bare[0])
        if _BOOLEAN.search(kind) and (bare == words_of(word) or (no and len(bare) == 1)):
            truth = (
                ("0" if no else "1")
                if draft.sql.dialect in ("tsql", "oracle")
                else ("FALSE" if no else "TRUE")
            )
            draft.where.append(f"{draft.at('a', column)} = {truth}")
            return True
        if DATE.search(kind) and name[:-1] == words_of(word) and name[-1] in ("at", "on", "date", "time"):
            draft.where.append(f"{draft.at('a', column)} IS NOT NULL")
            return True
        if name[-1:] in (("status",), ("state",), ("stage",)) and not NUMBER.search(kind):
            texts.append(column)
    if len(texts) != 1 or not (word in _STATES or word.endswith(("ed", "en"))):
        return False
    draft.where.append(f"{draft.at('a', texts[0])} = {draft.sql.literal(word)}")
    draft.assumed.append(f"{code(word)} as a value of {code(str(texts[0]['name']))}, spelled as you did")
    return True


def filters(draft: Draft, ask: Ask, intent: Intent) -> Generator[Want, Given, bool]:
    """Write the conditions; False where one speaks of no column of the table and of no table that refers to it."""
    for each in ask.filters:
        written = _filter(draft, each.words, intent)
        if written is None:
            written = yield from _exists(draft, each.words)
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
        if (
            operator in ("=", "<>")
            and _BOOLEAN.search(str(column.get("type", "")))
            and value.lower() in _TRUTH
        ):
            digits = draft.sql.dialect in ("tsql", "oracle")
            yes = _TRUTH[value.lower()]
            return f"{name} {operator} {str(int(yes)) if digits else str(yes).upper()}"
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


def _exists(draft: Draft, words: Sequence[str]) -> Generator[Want, Given, str | None]:
    """ "customers that never ordered", "suppliers with invoices": rows of a table that refers to this one, or none."""
    no = words[-1:] == ("null",)
    wanted = words_of(" ".join(words[:-1] if no else words))
    stem = re.sub(r"(?:e?d|ing)\Z", "", wanted[0]) if len(wanted) == 1 else ""
    given = yield Want("find_joins", {"table": str(draft.table.id)})
    inward = [hop for hop in rows_of(given.fragments, "joins") if hop["left"] != draft.table.qualified]
    names = {str(hop["left"]): words_of(str(hop["left"]).rpartition(".")[2]) for hop in inward}
    begin = [name for name, last in names.items() if wanted and last[: len(wanted)] == wanted]
    for hop in inward[:24]:
        last = names[str(hop["left"])]
        if not wanted:
            continue
        # "insurance" is `insurance_policies` where nothing else begins so
        alone = begin == [str(hop["left"])]
        if (
            last != wanted
            and not alone
            and not (len(last) == 1 and len(stem) > 3 and last[0].startswith(stem))
        ):
            continue
        read = yield Want("retrieve", {"resource": str(hop["left"])})
        other = next(iter(things(read.fragments)), None)
        if other is None or not other.is_table:
            continue
        sql = draft.sql
        draft.correlated = True
        on = " AND ".join(
            f"x.{sql.name(theirs)} = a.{sql.name(mine)}" for mine, theirs in pairs_of(hop, inward=True)
        )
        named_as = f"{sql.table(other)} {'' if sql.dialect == 'oracle' else 'AS '}x"
        draft.assumed.append(
            f"rows of {named(other)} as what is meant by {code(' '.join(words[: -1 if no else None]))}"
        )
        return f"{'NOT ' if no else ''}EXISTS (SELECT 1 FROM {named_as} WHERE {on})"
    return None


def pairs_of(hop: Mapping[str, Any], *, inward: bool) -> list[tuple[str, str]]:
    """The columns of a join as (own column, other's column); inward where the other table is the one that refers."""
    pairs = []
    for pair in str(hop["on"]).split(", "):
        one, _, two = pair.partition(" = ")
        pairs.append((two, one) if inward else (one, two))
    return pairs
