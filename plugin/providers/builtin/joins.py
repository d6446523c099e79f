"""Plans that tell how tables join: two of them with the SQL, or all that one of them joins to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from plugin.providers.builtin.phrases import code, count, listed, named, plain
from plugin.providers.builtin.relations import MOST, cite
from plugin.providers.builtin.resolve import lead, not_found, resolve, tail
from plugin.providers.builtin.talk import Plan, Talk, Want, rows_of
from plugin.providers.builtin.understand import Intent


def join(talk: Talk, intent: Intent) -> Plan:
    """How two tables join, with the SQL."""
    from plugin.providers.builtin.sql_text import Sql, join_clause

    left = yield from resolve(talk, intent.slot("s"), kinds=("table", "view"))
    right = yield from resolve(talk, intent.slot("o"), kinds=("table", "view"))
    for each in (left, right):
        if each.thing is None:
            return not_found(each)
    assert left.thing is not None and right.thing is not None
    one, other = left.thing, right.thing
    given = yield Want("find_joins", {"table": str(one.id), "other": str(other.id)})
    hops = rows_of(given.fragments, "joins")
    if not hops:
        mine = {str(each["name"]).lower(): str(each["name"]) for each in one.columns}
        shared = [mine[str(c["name"]).lower()] for c in other.columns if str(c["name"]).lower() in mine]
        text = f"No foreign key and no observed join connects {named(one)} and {named(other)}."
        if shared:
            text += f" They share the column names {listed([code(each) for each in shared[:8]])}, which may or may not mean the same."  # noqa: E501
        return lead(left) + lead(right) + text
    guess = any(hop.get("source") == "names" for hop in hops)
    how = "a foreign key" if hops[0].get("source") == "foreign key" else "joins seen in queries"
    if guess:
        how = "the names of their columns alone"
    if len(hops) == 1:
        text = f"{named(one)} and {named(other)} join on {code(str(hops[0]['on']))} ({how})."
    else:
        steps = [
            f"{code(str(hop['left']))} to {code(str(hop['right']))} on {code(str(hop['on']))}" for hop in hops
        ]
        text = (
            f"{named(one)} and {named(other)} join over {count(len(hops), 'hop')}: {', then '.join(steps)}."
        )
    if guess:
        text = f"No foreign key and no query tells how these two join. By names, a guess to check: {text}"
    sql = Sql(one.text("dialect"))
    tables = {one.qualified: one, other.qualified: other}
    clause = join_clause(sql, one, hops, tables)
    if clause:
        statement = "\n".join(
            filter(None, (f"SELECT{sql.limit_head(100)} *", f"FROM {clause}", sql.limit_tail(100)))
        )
        text += f"\n\n```sql\n{statement}\n```"
    return lead(left) + lead(right) + text


def joins_of(talk: Talk, intent: Intent) -> Plan:
    """Everything a table joins to."""
    meant = yield from resolve(talk, intent.slot("s"), kinds=("table", "view"))
    if meant.thing is None:
        return not_found(meant)
    given = yield Want("find_joins", {"table": str(meant.thing.id)})
    hops = rows_of(given.fragments, "joins")
    if not hops:
        return f"{lead(meant)}No joins of {named(meant.thing)} are known.{tail(meant)}"
    out = []
    for (other, on), sources in list(_sources_of_joins(meant.thing.qualified, hops).items())[:MOST]:
        out.append(f"- {cite(other)} on {code(on)} ({listed(sources)})")
    return f"{lead(meant)}{named(meant.thing)} joins to:\n\n" + "\n".join(out) + tail(meant)


def _sources_of_joins(table: str, hops: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], list[str]]:
    """How each join of a table is known, by the other table and the columns, this table's first."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for hop in hops:
        turned = hop["left"] != table
        pairs = [pair.split(" = ", 1) for pair in str(hop["on"]).split(", ")]
        sides = sorted(" = ".join(reversed(pair) if turned else pair) for pair in pairs)
        told = {"names": "by names, a guess", "observed": "seen in queries"}.get(str(hop.get("source", "")))
        words = told or plain(str(hop.get("source", "")))
        sources = found[str(hop["left"] if turned else hop["right"]), ", ".join(sides)]
        if words not in sources:
            sources.append(words)
    return found
