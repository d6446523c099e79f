"""Query logs: what is run often, which tables it touches, how people join them. Literals go before anything is kept.

Enters: a connector's folded queries. Leaves: staged queries and joins, and lineage of statements that write. Who ran
a statement is counted, never named; accounts of services do not count. Whoever sees a statement's text sees every name
in it: it is about all tables that it reads or writes, and one that the catalog does not have keeps it out (law 3).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from datetime import datetime
from fnmatch import fnmatchcase
from itertools import islice

from connectors.records import CostUnit, Query
from plugin.catalog.lineage import ON_THE_WAY, SqlLineage, lineages, names_more, tables_in
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
IN_LIST = re.compile(r"\bIN\s*\(\s*\?(?:\s*,\s*\?)+\s*\)", re.IGNORECASE)
"""A list of masked values: how many there were makes no other statement."""
NAME = re.compile(r'"[^"]+"|`[^`]+`|\[[^\]]+\]|[^\W\d][\w$]*')
MADE_ASIDE = re.compile(
    r"\b(?:CREATE\s+(?:\w+\s+){0,3}TEMP(?:ORARY)?\s+(?:TABLE|VIEW)\s+(?:IF\s+NOT\s+EXISTS\s+)?"
    r"|INTO\s+TEMP(?:ORARY)?\s+(?:TABLE\s+)?)"
    rf"((?:{NAME.pattern})(?:\s*\.\s*(?:{NAME.pattern}))*)",
    re.IGNORECASE,
)
"""It makes a table of its session, which no catalog knows."""
ESCAPED = re.compile(r"\bU&\"", re.IGNORECASE)
"""A name whose letters may be written as numbers, in SQL's own way."""
OF_THE_ENGINE = re.compile(
    r"\b(pg_catalog|information_schema|pg_stat_statements|performance_schema|sqlite_master)\b", re.IGNORECASE
)

_Same = tuple[str, tuple[str, ...]]
"""The masked text and the tables it is about: the same text in two schemas is two statements."""


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

    folded: dict[_Same, StagedQuery] = {}
    people: dict[_Same, set[str]] = defaultdict(set)
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
            _take(stage, query, statements, dialect, names, columns, folded, people, is_person)
    kept = sorted(folded.values(), key=lambda each: (-each.runs, each.sql, each.tables))
    stage.queries = kept[:MOST] + _dearest(kept[MOST:])


def _dearest(rest: list[StagedQuery]) -> list[StagedQuery]:
    """What runs seldom and still costs most."""
    chosen: dict[_Same, StagedQuery] = {}
    for unit in sorted({unit for each in rest for unit in each.costs}):
        dear = sorted(rest, key=lambda each: (-each.costs.get(unit, 0.0), each.sql, each.tables))[:DEAREST]
        chosen |= {(each.sql, each.tables): each for each in dear if each.costs.get(unit)}
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
    folded: dict[_Same, StagedQuery],
    people_of: dict[_Same, set[str]],
    is_person: Callable[[str], bool],
) -> None:
    def find(parts: tuple[str, ...]) -> str | None:
        return names.find(parts, database=query.database, schema=query.default_schema)

    def lookup(parts: tuple[str, ...]) -> tuple[str, ...] | None:
        key = find(parts)
        return columns.get(key) if key is not None else None

    reads = lineages(statements, lookup, dialect)
    found = {parts: find(parts) for read in reads for parts in read.tables}
    targets = {read.target: _target(read.target, find) for read in reads if read.target}
    known = {key for key in (*found.values(), *targets.values()) if key is not None}
    understood = all((read.tables or read.target) and not read.partial for read in reads)
    understood = understood and not names_more(statements, found.keys() | targets.keys())
    writes = [read for read in reads if read.target is not None and not read.removes and targets[read.target]]
    people = {user for user in query.users if is_person(user)}
    sql = mask_literals(query.sql, dialect)
    if writes and not ESCAPED.search(query.sql):
        absent = [parts for parts, key in (*found.items(), *targets.items()) if key is None]
        # A name that several tables have is found as none of them.
        unclear = " ".join(f'"{part}"' for parts in absent for part in parts)
        if not understood:
            unclear = query.sql if sql == HIDDEN else sql
        named = known | _also_named(unclear, names, known)
        elsewhere = sorted({name for parts in absent if (name := _far_name(parts, query.default_schema))})
        for read in writes:
            _written(stage, read, targets[read.target or ()], found, tuple(sorted(named)), tuple(elsewhere))
    if sql == HIDDEN or (query.users and not people) or not any(read.tables for read in reads):
        return
    aside = {tuple(map(_plain, NAME.findall(made))) for made in MADE_ASIDE.findall(sql)}
    keys = {*found.values(), *(key for parts, key in targets.items() if key or not _is_aside(parts, aside))}
    if ESCAPED.search(sql):
        return  # a name in it may be any
    if len(known) < len(keys) or not (understood or not _also_named(sql, names, known)):
        return
    places = {**targets, **found}  # an UPDATE and a MERGE join what they write as well
    joins: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for read in reads:
        for (left, left_column), (right, right_column) in read.joins:
            left_key, right_key = places.get(left), places.get(right)
            if left_key and right_key and left_key != right_key:
                joins[(left_key, right_key)].append((left_column, right_column))
    runs = query.runs
    if query.runs_of:
        runs = sum(n for user, n in zip(query.users, query.runs_of, strict=True) if user in people)
    sql = IN_LIST.sub("IN (?)", sql)
    tables = tuple(sorted(known))
    before = folded.get((sql, tables))
    people_of[sql, tables] |= people
    folded[sql, tables] = StagedQuery(
        sql=sql,
        runs=runs + (before.runs if before else 0),
        users=len(people_of[sql, tables]),
        last_run=_latest(query.last_run, before.last_run if before else None),
        tables=tables,
        joins=tuple((left, right, tuple(pairs)) for (left, right), pairs in joins.items()),
        costs=_added(query.costs, before.costs if before else {}),
    )


def _plain(name: str) -> str:
    return name.strip('"`[]').lower()


def _is_aside(parts: tuple[str, ...], aside: set[tuple[str, ...]]) -> bool:
    """Is this a table of the session, by how it begins or among those that the text makes?"""
    return parts[-1].startswith(ON_THE_WAY) or tuple(part.lower() for part in parts) in aside


def _also_named(sql: str, names: Names, keys: Set[str]) -> set[str]:
    """The tables besides these that a text which was not understood whole names, as far as its words tell.

    A namesake elsewhere is named by its place too: `orders` beside `archive`.
    """
    words: set[str] = set()
    for word in NAME.findall(sql):
        words |= {_plain(word), *_plain(word).split(".")}
    found: set[str] = set()
    for name in words & names.words:
        called = names.called(name)
        ours = {part for key in keys & called.keys() for part in called[key]}
        found |= {
            key
            for key, parts in called.items()
            if key not in keys and (not ours or words & (set(parts) - ours))
        }
    return found


def _far_name(parts: tuple[str, ...], schema: str | None) -> str:
    """What a table is called that another integration may have: with its schema, "" where none is known.

    A bare name may be of any schema, and is mostly that of a table which the session made.
    """
    known = parts if len(parts) > 1 else (schema, *parts) if schema else ()
    return ".".join(known).lower()


def _latest(one: datetime | None, other: datetime | None) -> datetime | None:
    return max(one, other) if one and other else one or other


def _added(one: Mapping[CostUnit, float], other: Mapping[str, float]) -> dict[str, float]:
    """Costs of both together, unit by unit."""
    both = dict(other)
    for unit, amount in one.items():
        both[unit] = both.get(unit, 0.0) + amount
    return both


def _target(target: tuple[str, ...], find: Callable[[tuple[str, ...]], str | None]) -> str | None:
    """The table that a statement writes, by whichever of its names the catalog knows."""
    found = find(target)
    if found is None and target:
        found = find((*target[:-1], BUILT_ASIDE.sub("", target[-1])))
    return found


def _written(
    stage: Stage,
    read: SqlLineage,
    lower: str | None,
    found: Mapping[tuple[str, ...], str | None],
    named: tuple[str, ...],
    elsewhere: tuple[str, ...],
) -> None:
    """INSERT ... SELECT, CREATE TABLE AS, MERGE: the tables read feed the table written, for who sees all `named`."""
    if lower is None:
        return
    confidence = UNSURE if read.partial else SURE
    for parts in read.tables:
        upper = found.get(parts)
        if upper is not None and upper != lower:
            stage.query_edges.append(
                StagedEdge(upper, lower, "query_log", confidence=confidence, named=named, elsewhere=elsewhere)
            )
    for name, origins in read.columns:
        for parts, column in origins:
            upper = found.get(parts)
            if upper is not None and upper != lower and name:
                stage.query_edges.append(
                    StagedEdge(
                        upper, lower, "query_log", column, name, confidence, named=named, elsewhere=elsewhere
                    )
                )
