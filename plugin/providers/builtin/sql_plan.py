"""Plans that answer a question about data: plain SQL over one table or a foreign key, for a person to run.

The values never come here. The answer holds placeholders (`{{r1.table}}`) that are filled in on the asker's page
once they ran it. Nobody is told to press Run: rules do not know who has query permission, the lock beside the SQL does.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from dataclasses import replace

from plugin.providers.builtin.find import find
from plugin.providers.builtin.phrases import code, listed, named, words_of
from plugin.providers.builtin.resolve import NEEDS_MODEL
from plugin.providers.builtin.sql_columns import NUMBER, Column, column_for, date_column, label_column, split
from plugin.providers.builtin.sql_draft import Draft, Step
from plugin.providers.builtin.sql_fact import MEASURES, earned, fact_for
from plugin.providers.builtin.sql_parse import Ask, read_ask
from plugin.providers.builtin.sql_table import by_column, table_for
from plugin.providers.builtin.sql_text import Sql
from plugin.providers.builtin.sql_where import filters, left_over_of, pairs_of, told
from plugin.providers.builtin.talk import Given, Plan, Talk, Thing, Want, rows_of, things
from plugin.providers.builtin.understand import Intent


def data(talk: Talk, intent: Intent) -> Plan:
    """Write the SELECT that answers the question; where that is beyond rules, say so and show what was found."""
    question = intent.unquote_marks()
    ask = read_ask(question)
    if (
        ask.measure == "rows"
        and not ask.top
        and (ask.past or ask.year or ask.since)
        and _is_flow(ask.subject)
    ):
        ask = replace(ask, measure="sum")
    draft = yield from table_for(talk, ask)
    if draft is None and ask.measure in ("rows", "count") and (ask.group or ask.unit):
        ask = replace(ask, measure="sum")
        draft = yield from table_for(talk, ask)
    built: str | None = None
    if draft is not None and ask.by and column_for(draft.table, ask.by, numeric=True, loose=False) is None:
        nearer = yield from by_column(ask.by, near=ask.subject)
        if nearer is not None:
            draft, ask = Draft(Sql(nearer.text("dialect")), nearer), replace(ask, subject=nearer.name)
    if draft is not None and ask.implied:
        ask = _summed(draft.table, ask)
    if draft is not None:
        built = yield from _statement(draft, ask, intent)
    if built is None and ask.measure in ("sum", "count", "rows") and not ask.of:
        fact = yield from fact_for(ask)
        if fact is not None:
            summed = replace(ask, measure="sum")
            other = Draft(Sql(fact.text("dialect")), fact)
            built = yield from _statement(other, summed, intent)
            if built is not None:
                draft, ask = other, summed
    if intent.name == "maybe_data" and built is None:
        return (yield from find(talk, Intent("find", {"s": question}, intent.question, intent.quoted)))
    if draft is None:
        found = yield from find(
            talk, Intent("find", {"s": ask.of or ask.subject}, intent.question, intent.quoted)
        )
        return f"I could not turn that into SQL by rules. {found}\n\n{NEEDS_MODEL}"
    if built is None:
        asked = ask.by or ask.group or left_over_of(draft.table, ask) or ask.subject
        columns = listed([code(str(each["name"])) for each in draft.table.columns[:30]])
        return (
            f"I would use {named(draft.table)}, but found no column there for {code(asked)}. Its columns are {columns}."
            f"\n\n{NEEDS_MODEL}"
        )
    return _answer(draft, ask, built)


def _is_flow(subject: str) -> bool:
    """ "revenue last month" asks for one number, where "orders last month" asks for rows."""
    return bool(words_of(subject)) and set(words_of(subject)) <= {*MEASURES, "net", "gross"}


def _summed(table: Thing, ask: Ask) -> Ask:
    """ "revenue by month" over a view of revenue means its sum, where "orders by month" over orders counts rows."""
    if words_of(ask.subject) != words_of(table.name) and column_for(table, ask.subject, numeric=True):
        return replace(ask, measure="sum")
    numbers = [
        each
        for each in table.columns
        if NUMBER.search(str(each.get("type", ""))) and words_of(str(each["name"]))[-1:] != ("id",)
    ]
    measured = table.kind.endswith("view") or words_of(table.name)[-1:] in _LEVELS
    if measured and len(numbers) == 1:
        return replace(ask, measure="sum", subject=str(numbers[0]["name"]), of=table.name)
    return ask


_LEVELS = tuple(
    (word,) for word in ("level", "balance", "stock", "inventory", "budget", "target", "holding", "position")
)
"""A row of such a table holds an amount: "stock levels by warehouse" wants the amounts, not how many rows."""


def _answer(draft: Draft, ask: Ask, statement: str) -> str:
    used = listed([named(draft.table), *[named(other) for other, _alias, _on in draft.joined]])
    single = (
        ask.measure in ("count", "count distinct", "sum", "avg", "max", "min")
        and not ask.group
        and not ask.unit
    )
    result = "Result: {{r1.first.result}}" if single and ask.top is None else "{{r1.table}}"
    if draft.chart:
        result = f"{draft.chart}\n\n{result}"
    assumed = f" I took {listed(draft.assumed)}." if draft.assumed else ""
    return (
        f"This SQL over {used} answers that.{assumed}\n\n```sql\n{statement}\n```\n\n"
        f"I see no rows. Whoever may query this source runs it, and the values are filled in on their page alone."
        f"\n\n{result}"
    )


# --- the statement ---------------------------------------------------------------------------------------------------


def _statement(draft: Draft, ask: Ask, intent: Intent) -> Generator[Want, Given, str | None]:
    sql = draft.sql
    left_over = left_over_of(draft.table, ask)
    if left_over and not told(draft, left_over):
        return None
    group = yield from _group(draft, ask)
    if group is None:
        return None
    ranked_by: tuple[str, str] | None = None
    if ask.top is not None and ask.measure == "rows" and (ask.by or not ask.latest):
        ranked_by = yield from _ranked_by(draft, ask)
        if ranked_by is None and ask.by:
            return None
    measured = _measured(draft, ask)
    if measured is None:
        return None
    if not (yield from filters(draft, ask, intent)):
        return None
    timed, at = draft.table, "a"
    if ranked_by is not None and draft.joined:  # "top customers by revenue last month": when it was earned
        timed, at, _on = draft.joined[-1]
    date = date_column(timed)
    if (ask.unit or ask.year or ask.past or ask.since) and date is None:
        return None
    select, grouped, order = _select(draft, ask, group, measured, ranked_by, date, at)
    limit = ask.top or (None if measured and ask.measure not in ("rows", "distinct") else 100)
    from_ = f"FROM {sql.table(draft.table)}" + (" AS a" if draft.joined or draft.correlated else "")
    lines = [f"SELECT{sql.limit_head(limit) if limit else ''} {select}", from_]
    lines += [f"JOIN {sql.table(other)} AS {alias} ON {on}" for other, alias, on in draft.joined]
    if draft.where:
        lines.append("WHERE " + "\n  AND ".join(draft.where))
    if grouped:
        lines.append(f"GROUP BY {', '.join(grouped)}")
    if order:
        lines.append(f"ORDER BY {order}")
    if limit and sql.limit_tail(limit):
        lines.append(sql.limit_tail(limit))
    text = "\n".join(lines)
    return text.replace(" AS a\n", " a\n").replace(" AS b ON", " b ON") if sql.dialect == "oracle" else text


def _select(
    draft: Draft,
    ask: Ask,
    group: Sequence[tuple[str, str]],
    measured: str,
    ranked_by: tuple[str, str] | None,
    date: Column | None,
    at: str,
) -> tuple[str, list[str], str]:
    sql = draft.sql
    chosen = list(group)
    if ask.unit and date is not None:
        chosen.append((sql.truncated(draft.at(at, date), ask.unit), ask.unit))
        draft.assumed.append(f"{code(str(date['name']))} as the date")
    if date is not None:
        column = draft.at(at, date)
        if ask.year:
            draft.where.append(sql.year_is(column, ask.year))
        if ask.past:
            draft.where.append(sql.since(column, *ask.past))
        if ask.since:
            draft.where.append(f"{column} {ask.since[0]} {sql.literal(ask.since[1])}")
        if (ask.year or ask.past or ask.since) and not ask.unit:
            draft.assumed.append(f"{code(str(date['name']))} as the date")
    direction = "DESC" if ask.descending else "ASC"
    if ranked_by is not None:
        expression, name = ranked_by
        labels = _labels(draft)
        if not draft.joined:
            return ", ".join(dict.fromkeys([*labels, expression])), [], f"{expression} {direction}"
        return f"{', '.join(labels)}, {expression} AS {name}", list(labels), f"{name} {direction}"
    if ask.measure == "rows":
        order = f"{draft.at(at, date)} {direction}" if ask.latest and date is not None else ""
        return ("a.*" if draft.joined else "*"), [], order
    if ask.measure == "distinct":
        return f"DISTINCT {measured}", [], measured
    name = sql.name("result")
    draft.chart = _drawn([label or expression.rpartition(".")[2] for expression, label in chosen], ask)
    if not chosen:
        return f"{measured} AS {name}", [], ""
    names = [f"{expression} AS {sql.name(label)}" if label else expression for expression, label in chosen]
    grouped = [expression for expression, _label in chosen]
    order = grouped[-1] if ask.unit and ask.top is None else f"{name} {direction}"
    return f"{', '.join(names)}, {measured} AS {name}", grouped, order


def _drawn(names: Sequence[str], ask: Ask) -> str:
    """A chart over the one column, or the time and a column, that the result is grouped by; "" for any other."""
    if not 1 <= len(names) <= 1 + bool(ask.unit) or not all(
        re.fullmatch(r"[A-Za-z_]\w*", each) for each in names
    ):
        return ""
    series = f", series={names[0]}" if len(names) == 2 else ""
    return f"{{{{r1.chart({'line' if ask.unit else 'bar'}, x={names[-1]}, y=result{series})}}}}"


def _measured(draft: Draft, ask: Ask) -> str | None:
    """The aggregate over the column that the question speaks of."""
    if ask.measure == "count":
        return "COUNT(*)"
    if ask.measure == "rows":
        return "*"
    table_words = set(words_of(draft.table.name))
    wanted = (
        " ".join(word for word in words_of(ask.subject) if ask.of or word not in table_words) or ask.subject
    )
    numeric = ask.measure in ("sum", "avg")
    column = column_for(draft.table, wanted, numeric=numeric)
    if column is None and ask.measure in ("max", "min"):
        column = column_for(draft.table, wanted, numeric=True)
    if column is None and ask.measure == "sum" and set(words_of(ask.subject)) <= table_words:
        column = column_for(draft.table, "amount", numeric=True)
    if column is None and set(words_of(ask.subject)) <= table_words:
        column = column_for(draft.table, ask.subject.split()[-1], numeric=numeric)
    sold = earned(draft.table, wanted) if column is None and ask.measure == "sum" else []
    if sold:
        draft.assumed.append(f"{code(' × '.join(sold))} as {code(wanted)}")
        alias = "a." if draft.joined else ""
        return f"SUM({' * '.join(alias + draft.sql.name(each) for each in sold)})"
    if column is None and ask.measure == "count distinct":
        return "COUNT(*)"
    if column is None:
        return None
    if words_of(str(column["name"])) != words_of(wanted):
        draft.assumed.append(f"{code(str(column['name']))} as {code(wanted)}")
    written = draft.at("a", column)
    if ask.measure == "distinct":
        return written
    return (
        f"COUNT(DISTINCT {written})"
        if ask.measure == "count distinct"
        else f"{ask.measure.upper()}({written})"
    )


def _group(draft: Draft, ask: Ask) -> Generator[Want, Given, list[tuple[str, str]] | None]:
    """What to group by: a column of the table, or of one that a foreign key leads to. None where there is none."""
    if not ask.group:
        return []
    ask = replace(ask, group=_turned(ask.group))
    column = column_for(draft.table, ask.group)
    names_table = any(
        words_of(str(key.get("ref", "")).rsplit(".", 1)[-1]) == words_of(ask.group)
        for key in draft.table.keys
    )
    if column is not None and not names_table:
        return [(draft.at("a", column), "")]
    found = yield from _reached(draft, ask.group)
    if found is not None:
        return found
    return [(draft.at("a", column), "")] if column is not None else None


def _turned(group: str) -> str:
    """ "country of the customer" and "customer's country" as "customer country"."""
    what, of, whose = re.sub(r"'s?(?= |$)", "", group).partition(" of ")
    return f"{re.sub(r'^(?:the|a|our) ', '', whose)} {what}" if of else what


def _reached(draft: Draft, wanted: str) -> Generator[Want, Given, list[tuple[str, str]] | None]:
    """A table or a column that foreign keys lead to, over one table or two; the nearest first."""
    level: list[tuple[Thing, list[Step]]] = [(draft.table, [])]
    seen = {draft.table.qualified}
    for _hop in range(2):
        following: list[tuple[Thing, list[Step]]] = []
        for table, path in level:
            for key in [key for key in table.keys if key.get("kind") == "foreign" and key.get("ref")][:5]:
                if str(key["ref"]) in seen or len(seen) > 9:
                    continue
                seen.add(str(key["ref"]))
                read = yield Want("retrieve", {"resource": str(key["ref"])})
                other = next(iter(things(read.fragments)), None)
                if other is None:
                    continue
                pairs = list(zip(split(key.get("columns")), split(key.get("ref_columns")), strict=False))
                following.append((other, [*path, (other, pairs)]))
        for other, path in following:
            if words_of(other.name) == words_of(wanted):
                alias, (_table, pairs) = draft.follow(path), path[-1]
                label = label_column(other)
                columns = [pairs[0][1], *([str(label["name"])] if label else [])]
                return [(f"{alias}.{draft.sql.name(each)}", "") for each in dict.fromkeys(columns)]
        for other, path in following:
            passed = {word for step, _pairs in path[:-1] for word in words_of(step.name)}
            rest = " ".join(word for word in words_of(wanted) if word not in passed)
            column = column_for(other, wanted) or (column_for(other, rest) if rest else None)
            leads_on = any(
                words_of(str(key.get("ref", "")).rsplit(".", 1)[-1]) == words_of(wanted) for key in other.keys
            )
            if column is not None and not leads_on:
                return [(f"{draft.follow(path)}.{draft.sql.name(str(column['name']))}", "")]
        level = following
    return None


def _ranked_by(draft: Draft, ask: Ask) -> Generator[Want, Given, tuple[str, str] | None]:
    """What "top 10 customers by ..." is measured by: an own column, or an aggregate over a table that refers to it."""
    by = ask.by
    counted = re.fullmatch(r"(?:the )?(?:number|count) of (?P<t>.+)|(?P<u>.+?) (?:count|counts)", by, re.I)
    if not by:
        column = column_for(draft.table, "amount", numeric=True)
        if column is None:
            return None
        draft.assumed.append(f"{code(str(column['name']))} as the measure")
        return draft.at("a", column), draft.sql.name(str(column["name"]))
    column = None if counted else column_for(draft.table, by, numeric=True)
    if column is not None:
        return draft.at("a", column), draft.sql.name(str(column["name"]))
    given = yield Want("find_joins", {"table": str(draft.table.id)})
    for hop in rows_of(given.fragments, "joins")[:8]:
        inward = hop["left"] != draft.table.qualified
        other_name = str(hop["left"] if inward else hop["right"])
        read = yield Want("retrieve", {"resource": other_name})
        other = next(iter(things(read.fragments)), None)
        if other is None or not other.is_table:
            continue
        pairs = pairs_of(hop, inward=inward)
        if counted:
            wanted = counted.group("t") or counted.group("u")
            if words_of(other.name) == words_of(wanted):
                draft.join(other, pairs)
                return "COUNT(*)", draft.sql.name("result")
            continue
        if inward and words_of(other.name) == words_of(by):
            draft.assumed.append(f"the number of {named(other)} as the measure")
            draft.join(other, pairs)
            return "COUNT(*)", draft.sql.name("result")
        sold = earned(other, by)
        if inward and sold:
            alias = draft.join(other, pairs)
            draft.assumed.append(f"{code(' × '.join(sold))} of {named(other)} as {code(by)}")
            product = " * ".join(f"{alias}.{draft.sql.name(each)}" for each in sold)
            return f"SUM({product})", draft.sql.name("result")
        measure = column_for(other, by, numeric=True)
        if measure is not None and not str(measure["name"]).lower().endswith("id"):
            alias = draft.join(other, pairs)
            draft.assumed.append(f"the sum of {code(str(measure['name']))} of {named(other)} as {code(by)}")
            return f"SUM({alias}.{draft.sql.name(str(measure['name']))})", draft.sql.name("result")
    return None


def _labels(draft: Draft) -> list[str]:
    """Columns that tell one row of the main table from another: its key and its name."""
    keys = [column for column in draft.table.columns if column.get("pk")][:2] or list(draft.table.columns[:1])
    label = label_column(draft.table)
    columns = [*keys, *([label] if label is not None and label not in keys else [])]
    return [draft.at("a", each) for each in columns]
