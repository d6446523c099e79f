"""Query logs: what is run often, which tables it touches, how people join them. Literals go before anything is kept.

Enters: a connector's folded queries. Leaves: staged queries and joins, and lineage of statements that write. Who ran
a statement is counted, never named; accounts of services do not count.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import islice

from connectors.records import CostUnit, Query
from plugin.catalog.lineage import SqlLineage, lineages, tables_in
from plugin.catalog.linking import ColumnsOf, table_columns
from plugin.catalog.mask import HIDDEN, mask_literals
from plugin.catalog.naming import Names
from plugin.catalog.sql_text import Statement, statements_in
from plugin.store.staging import Stage, StagedEdge, StagedQuery

MOST = 500
"""Frequent statements kept of one integration."""
READ = 5000
"""Statements read at most, and as many again that write one table from others: those run once a night, so that the
most run alone would leave out what lineage is made of."""
DEAREST = 50
"""Statements kept besides for what they cost, of each unit that the source counts in."""
BATCH = 200
"""Statements whose trees are in memory at once."""
BUILT_ASIDE = re.compile(r"__dbt_tmp\d*$", re.IGNORECASE)
"""How dbt calls a table that it fills first and gives its name to afterwards."""
SURE, UNSURE = 0.9, 0.6
"""Confidence of what a statement of the log writes, and of one that was not understood whole."""
WRITES = re.compile(
    r"\b(?:insert|replace|merge|update|create)\b.*\b(?:select|from|using)\b", re.IGNORECASE | re.DOTALL
)
SERVICE = re.compile(
    r"(^|[_.-])(svc|service|bot|etl|airflow|dbt|fivetran|airbyte|monitor\w*|backup|root|rdsadmin)([_.-]|$)",
    re.IGNORECASE,
)
OF_THE_ENGINE = re.compile(
    r"\b(pg_catalog|information_schema|pg_stat_statements|performance_schema|sqlite_master)\b", re.IGNORECASE
)


def stage_queries(
    stage: Stage,
    queries: Iterable[Query],
    dialect: str | None,
    names: Names,
    columns_of: ColumnsOf,
    service_accounts: Sequence[str] = (),
) -> None:
    """Stage the statements of a query log, most run first. `service_accounts`: names or patterns that do not count,
    besides those that are called like one.
    """

    def is_person(user: str) -> bool:
        low = user.lower()
        return not SERVICE.search(user) and not any(
            fnmatchcase(low, pattern.lower()) for pattern in service_accounts
        )

    folded: dict[str, StagedQuery] = {}
    chosen = _chosen(queries)
    while batch := list(islice(chosen, BATCH)):
        read = [(query, statements_in(query.sql, dialect)) for query in batch]
        keys = {
            key
            for query, statements in read
            for parts in tables_in(statements)
            if (key := names.find(parts, database=query.database, schema=query.default_schema)) is not None
        }
        columns = table_columns(keys, stage, columns_of)
        for query, statements in read:
            _take(stage, query, statements, dialect, names, columns, folded, is_person)
    kept = sorted(folded.values(), key=lambda each: (-each.runs, each.sql))
    stage.queries = kept[:MOST] + _dearest(kept[MOST:])


def _dearest(rest: list[StagedQuery]) -> list[StagedQuery]:
    """What runs seldom and still costs most."""
    chosen: dict[str, StagedQuery] = {}
    for unit in sorted({unit for each in rest for unit in each.costs}):
        dear = sorted(rest, key=lambda each: (-each.costs.get(unit, 0.0), each.sql))[:DEAREST]
        chosen |= {each.sql: each for each in dear if each.costs.get(unit)}
    return list(chosen.values())


def _chosen(queries: Iterable[Query]) -> Iterator[Query]:
    """The statements to read, in the log's order: the first that only read, and the first that write from a query."""
    left = {True: READ, False: READ}
    for query in queries:
        writes = WRITES.search(query.sql) is not None
        if not any(left.values()):
            return
        if left[writes] and not OF_THE_ENGINE.search(query.sql):
            left[writes] -= 1
            yield query


def _take(
    stage: Stage,
    query: Query,
    statements: list[Statement],
    dialect: str | None,
    names: Names,
    columns: dict[str, tuple[str, ...]],
    folded: dict[str, StagedQuery],
    is_person: Callable[[str], bool],
) -> None:
    def find(parts: tuple[str, ...]) -> str | None:
        return names.find(parts, database=query.database, schema=query.default_schema)

    def lookup(parts: tuple[str, ...]) -> tuple[str, ...] | None:
        key = find(parts)
        return columns.get(key) if key is not None else None

    people = {user for user in query.users if is_person(user)}
    runs = query.runs
    if query.runs_of:
        runs = sum(n for user, n in zip(query.users, query.runs_of, strict=True) if user in people)
    for read in lineages(statements, lookup):
        if read.target is not None and not read.removes:
            _written(stage, read, find)
        found = {parts: find(parts) for parts in read.tables}
        if not read.tables or any(key is None for key in found.values()) or (query.users and not people):
            continue
        sql = mask_literals(query.sql, dialect)
        if sql == HIDDEN:
            continue
        joins: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
        for (left, left_column), (right, right_column) in read.joins:
            left_key, right_key = found.get(left), found.get(right)
            if left_key and right_key and left_key != right_key:
                joins[(left_key, right_key)].append((left_column, right_column))
        before = folded.get(sql)
        folded[sql] = StagedQuery(
            sql=sql,
            runs=runs + (before.runs if before else 0),
            users=max(len(people), before.users if before else 0),
            last_run=query.last_run,
            tables=tuple(sorted(key for key in found.values() if key)),
            joins=tuple((left, right, tuple(pairs)) for (left, right), pairs in joins.items()),
            costs=_added(query.costs, before.costs if before else {}),
        )


def _added(one: Mapping[CostUnit, float], other: Mapping[str, float]) -> dict[str, float]:
    """Costs of both together, unit by unit."""
    both = dict(other)
    for unit, amount in one.items():
        both[unit] = both.get(unit, 0.0) + amount
    return both


def _written(stage: Stage, read: SqlLineage, find: Callable[[tuple[str, ...]], str | None]) -> None:
    """INSERT ... SELECT, CREATE TABLE AS, MERGE: the tables read feed the table written."""
    target = read.target or ()
    lower = find(target)
    if lower is None and target:
        lower = find((*target[:-1], BUILT_ASIDE.sub("", target[-1])))
    if lower is None:
        return
    confidence = UNSURE if read.partial else SURE
    for parts in read.tables:
        upper = find(parts)
        if upper is not None and upper != lower:
            stage.query_edges.append(StagedEdge(upper, lower, "query_log", confidence=confidence))
    for name, origins in read.columns:
        for parts, column in origins:
            upper = find(parts)
            if upper is not None and upper != lower and name:
                stage.query_edges.append(StagedEdge(upper, lower, "query_log", column, name, confidence))
