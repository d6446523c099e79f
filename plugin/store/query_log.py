"""What a query log told: frequent statements, what they cost, and how a table is queried.

A statement is for whoever sees every table that it touches (law 3): to anybody else it is not there, neither as text
nor in a number. Who ran it was never kept, only how many.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import CompoundSelect, Row, Select, case, false, select, union
from sqlalchemy.orm import aliased

from plugin.store._chunks import chunks
from plugin.store._context import Context
from plugin.store._models.catalog import EdgeRow, FrequentQueryRow, KeyRow, QueryTableRow, ResourceRow
from plugin.store._rows import one
from plugin.store._visible import visible
from plugin.store.lineage import told
from plugin.store.listing import IS_COLUMN, PARENTS, below
from plugin.store.shapes import FrequentQuery, TableUse

_DOUBLED = re.compile(r"""(["`\]])\1""")
_KEPT = (
    FrequentQueryRow.id,
    FrequentQueryRow.sql,
    FrequentQueryRow.runs,
    FrequentQueryRow.costs,
    FrequentQueryRow.users,
    FrequentQueryRow.last_run,
)


def frequent_queries(context: Context, within: int | None, limit: int = 10) -> tuple[FrequentQuery, ...]:
    """Statements that touch a visible table, or a table of a visible schema or database, and nothing that is hidden.

    Most run first; without `within` those of everything that is visible.
    """
    # By its text and not by when it came: a catalog that was synced often and a fresh one tell the same.
    ranked = _seen(context, within, *_KEPT).order_by(
        FrequentQueryRow.runs.desc(), FrequentQueryRow.sql, FrequentQueryRow.id
    )
    if context.for_ai and context.ai_rules:
        rows = context.session.execute(ranked).all()
        found = list(islice(_without_hidden_columns(context, rows), limit))
    else:
        found = list(context.session.execute(ranked.limit(limit)))
    return tuple(
        FrequentQuery(sql, runs, costs or {}, users, last_run)
        for _id, sql, runs, costs, users, last_run in found
    )


def query_costs(context: Context, table_id: int) -> dict[str, float]:
    """What those statements cost together, by unit: a sum over what this very viewer may see, and of nothing else."""
    found: dict[str, float] = {}
    for row in _rows(context, table_id, FrequentQueryRow.costs):
        for unit, amount in (row.costs or {}).items():
            found[unit] = found.get(unit, 0.0) + amount
    return found


def use(context: Context, table_id: int) -> TableUse:
    """How a table is queried, over those statements."""
    rows = _rows(context, table_id, FrequentQueryRow.runs, FrequentQueryRow.users, FrequentQueryRow.last_run)
    last = max((row.last_run for row in rows if row.last_run is not None), default=None)
    return TableUse(
        len(rows), sum(row.runs for row in rows), max((row.users for row in rows), default=0), last
    )


def logged(context: Context) -> frozenset[int]:
    """The integrations of which a statement is known that this viewer sees."""
    if context.for_ai and context.ai_rules:
        return frozenset(row.integration_id for row in _rows(context, None, FrequentQueryRow.integration_id))
    once = _seen(context, None, FrequentQueryRow.integration_id).distinct()
    return frozenset(context.session.scalars(once))


def statements(context: Context, table_id: int) -> set[int]:
    """The ids of the statements that touch a visible table and nothing that is hidden."""
    return {row.query_id for row in _rows(context, table_id, FrequentQueryRow.id.label("query_id"))}


def queried(context: Context) -> CompoundSelect[Any]:
    """The tables that statements over nothing hidden touch (as in popularity, also those with a hidden column), and
    those without popularity that something visible reads or refers to all the same.

    Popularity is one number for all who see a table and counts a reader only where all of them see it.
    """
    seen = _seen(context, None, FrequentQueryRow.id)
    touched = select(QueryTableRow.resource_id).where(QueryTableRow.query_id.in_(seen))
    table, reader = aliased(ResourceRow), aliased(ResourceRow)
    unranked = (table.workspace_id == context.workspace_id, table.popularity == 0, visible(context, reader))
    # For whom an edge is, is asked once its table was found to have no popularity, which few have: so the CASE.
    known = case((table.id == EdgeRow.upstream_id, told(context)), else_=false())
    read = (
        select(EdgeRow.upstream_id)
        .join(table, table.id == EdgeRow.upstream_id)
        .join(reader, reader.id == EdgeRow.downstream_id)
        .where(EdgeRow.workspace_id == context.workspace_id, EdgeRow.kind == "table", known, *unranked)
    )
    referred = (
        select(KeyRow.ref_id)
        .join(table, table.id == KeyRow.ref_id)
        .join(reader, reader.id == KeyRow.table_id)
        .where(KeyRow.workspace_id == context.workspace_id, *unranked)
    )
    return union(touched, read, referred)


def _rows(context: Context, within: int | None, *columns: Any) -> Sequence[Row[Any]]:
    """These columns of every statement that this reader is shown; of one that is withheld no number counts."""
    if not (context.for_ai and context.ai_rules):
        return context.session.execute(_seen(context, within, *columns)).all()
    texts = _seen(context, within, FrequentQueryRow.id, FrequentQueryRow.sql, *columns)
    return list(_without_hidden_columns(context, context.session.execute(texts).all()))


def _seen(context: Context, within: int | None, *columns: Any) -> Select[Any]:
    """Columns of the statements that touch what is in question and nothing hidden. NotFound where `within` is."""
    touched, asked = aliased(QueryTableRow), aliased(QueryTableRow)
    seen = select(ResourceRow.id).where(visible(context), ResourceRow.id == touched.resource_id)
    hidden = (
        select(touched.query_id)
        .where(touched.query_id == FrequentQueryRow.id, ~seen.correlate(touched).exists())
        .correlate(FrequentQueryRow)
        .exists()
    )
    about = select(asked.query_id).where(asked.workspace_id == context.workspace_id)
    if within is not None:
        if one(context, within).kind in PARENTS:
            tables = select(ResourceRow.id).where(below(context, within, columns=False))
            about = about.where(asked.resource_id.in_(tables))
        else:
            about = about.where(asked.resource_id == within)
    return select(*columns).where(
        FrequentQueryRow.workspace_id == context.workspace_id, FrequentQueryRow.id.in_(about), ~hidden
    )


def _without_hidden_columns(context: Context, rows: Sequence[Row[Any]]) -> Iterator[Row[Any]]:
    """Those that name no column which the AI filters hide from the assistant: their tables are visible to it."""
    tables_of: dict[int, list[int]] = defaultdict(list)
    for part in chunks([row.id for row in rows]):
        for query_id, table_id in context.session.execute(
            select(QueryTableRow.query_id, QueryTableRow.resource_id).where(QueryTableRow.query_id.in_(part))
        ):
            tables_of[query_id].append(table_id)
    hidden: dict[int, set[str]] = defaultdict(set)
    shown = select(ResourceRow.id).where(visible(context), IS_COLUMN)
    for part in chunks(sorted({table for tables in tables_of.values() for table in tables})):
        for table_id, name in context.session.execute(
            select(ResourceRow.parent_id, ResourceRow.name).where(
                IS_COLUMN, ResourceRow.parent_id.in_(part), ResourceRow.id.not_in(shown)
            )
        ):
            hidden[table_id].add(name.lower())
    # By a name's ends and not word by word: a column may be called 2fa, emp#, or have a quote in its name.
    named = {
        table: re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, names))})(?!\w)")
        for table, names in hidden.items()
    }
    for row in rows:
        text = row.sql.lower()
        texts = (text, _DOUBLED.sub(r"\1", text))
        if not any(
            named[table].search(each) for table in tables_of[row.id] if table in named for each in texts
        ):
            yield row
