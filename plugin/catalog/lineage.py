"""Lineage from SQL, at table and column level: views, CREATE TABLE AS, INSERT ... SELECT, MERGE, UPDATE, queries.

Enters: SQL text, its dialect, and a way to look up what a name stands for. Leaves: what each statement reads, what it
writes, and for each column it gives, the columns it comes from. Never raises: what cannot be parsed is read by its
words (`lineage_words`), and the result then says `partial`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace

from sqlglot import exp
from sqlglot.errors import SqlglotError

from plugin.catalog.lineage_names import by_name, named_among
from plugin.catalog.lineage_relations import Column, Gappy, Lookup, Origin, name_of
from plugin.catalog.lineage_walk import Work
from plugin.catalog.lineage_words import names_in, stated_in
from plugin.catalog.lineage_writes import Writing, also_filled, target_of
from plugin.catalog.sql_text import Guessed, Statement, Unread, statements_in

__all__ = [
    "Column",
    "Lookup",
    "Origin",
    "SqlLineage",
    "lineage_of",
    "lineages",
    "names_more",
    "statements_of",
    "tables_in",
]


_NO_FLOW = (
    exp.Drop, exp.Alter, exp.TruncateTable, exp.Comment, exp.Grant, exp.Revoke, exp.Execute, exp.Analyze, exp.Use,
)  # fmt: skip
ON_THE_WAY = ("#", "@")
"""How the names of T-SQL's temporary tables and table variables begin."""
_MADE_TYPES = (exp.DType.USERDEFINED, exp.DType.UNKNOWN)
_QUOTED = re.compile(r"\s*\(\s*'((?:[^']|'')*)'\s*\)")


_FUNCTION = re.compile(r"\s*CREATE\s+(?:OR\s+REPLACE\s+)?(?:\w+\s+)?FUNCTION\b", re.IGNORECASE)


@dataclass(slots=True)
class SqlLineage:
    """What one statement reads and writes."""

    tables: tuple[tuple[str, ...], ...] = ()
    """Name parts of every table read, as written, CTEs left out."""
    target: tuple[str, ...] | None = None
    """Name parts of the table written or view made; None for a query."""
    columns: tuple[Column, ...] = ()
    """Output columns in order; for a target with a column list, under the target's names."""
    partial: bool = False
    """Something was not understood: there may be more than is said here."""
    joins: tuple[tuple[Origin, Origin], ...] = ()
    """Pairs of columns that a join sets equal."""
    placed: bool = True
    """Every column that it gives is among them, so that their places tell something."""
    removes: bool = False
    """It takes rows from its target: what it reads says which, and none of it comes to be there."""


def lineage_of(sql: str, dialect: str | None, lookup: Lookup | None = None) -> SqlLineage:
    """The lineage of one statement; of several, the last that reads or writes a table. Never raises."""
    return last_of(statements_of(sql, dialect, lookup), sql)


def last_of(found: list[SqlLineage], sql: str) -> SqlLineage:
    """Of several statements the last that reads or writes a table: what goes before it prepares.

    With the tables that the text `sql` states beside it, in the way of dbt.
    """
    last = next((each for each in reversed(found) if each.tables or each.target), found[-1])
    stated = tuple(name for name in stated_in(sql) if name not in last.tables and name != last.target)
    return replace(last, tables=last.tables + stated) if stated else last


def statements_of(sql: str, dialect: str | None, lookup: Lookup | None = None) -> list[SqlLineage]:
    """The lineage of each statement of a text; at least one. Never raises."""
    return lineages(statements_in(sql, dialect), lookup, dialect)


def lineages(
    statements: Iterable[Statement], lookup: Lookup | None = None, dialect: str | None = None
) -> list[SqlLineage]:
    """The lineage of statements that were read already, in their order. Never raises.

    What reads a table that a statement before it made, and that `lookup` does not know, reads what that one read.
    """
    look = lookup or _unknown
    work = Work(dialect)
    made: dict[tuple[str, ...], SqlLineage] = {}
    found = []
    for each in statements:
        reads = _lineage(each, _with_made(look, made) if made else look, work)
        for read in reads:
            read = _behind(read, made) if made else read
            found.append(read)
            name = _folded(read.target or ())
            if not name or read.removes or (look(read.target or ()) is not None):
                continue
            if name in made:
                made[name] = _both(made[name], read)
            elif isinstance(each, exp.Create | exp.Select | exp.Declare):
                if read.tables or read.columns:
                    made[name] = read
            elif name[-1].startswith(ON_THE_WAY) and (read.tables or read.columns):
                # Made before this text: what its columns are called, only a list of them would tell.
                listed = isinstance(each, exp.Insert) and isinstance(each.this, exp.Schema)
                made[name] = read if listed else replace(read, columns=(), partial=True)
    return found


def _with_made(lookup: Lookup, made: dict[tuple[str, ...], SqlLineage]) -> Lookup:
    def look(name: tuple[str, ...]) -> Sequence[str] | None:
        read = made.get(_folded(name))
        if read is None:
            return lookup(name)
        return [column for column, _origins in read.columns] if read.columns and not read.partial else None

    return look


def _behind(read: SqlLineage, made: dict[tuple[str, ...], SqlLineage]) -> SqlLineage:
    """With what stands behind the tables that were made before, instead of them."""
    if not any(_folded(name) in made for name in read.tables):
        return read
    tables: dict[tuple[str, ...], None] = {}
    for name in read.tables:
        before = made.get(_folded(name))
        tables.update(dict.fromkeys(before.tables if before else (name,)))
    told = {name: by_name(made[folded].columns) for name in read.tables if (folded := _folded(name)) in made}
    columns = [(column, frozenset(_sources(origins, told))) for column, origins in read.columns]
    kept = (name for name in tables if name != read.target)
    return replace(
        read,
        tables=tuple(kept),
        columns=tuple(columns),
        partial=read.partial
        or any(made[_folded(name)].partial for name in read.tables if _folded(name) in made),
    )


def _sources(
    origins: Iterable[Origin], told: Mapping[tuple[str, ...], dict[str, frozenset[Origin]]]
) -> Iterator[Origin]:
    for name, column in origins:
        before = told.get(name)
        if before is None:
            yield name, column
        else:
            yield from named_among(before, column) or ()


def _both(one: SqlLineage, other: SqlLineage) -> SqlLineage:
    """A table that two statements filled."""
    columns = dict(one.columns)
    for name, origins in other.columns:
        columns[name] = columns.get(name, frozenset()) | origins
    tables = tuple(dict.fromkeys((*one.tables, *other.tables)))
    return replace(one, tables=tables, columns=tuple(columns.items()), partial=one.partial or other.partial)


def _folded(name: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(part.lower() for part in name)


def tables_in(statements: Iterable[Statement]) -> set[tuple[str, ...]]:
    """Every name that stands where a table may, CTEs included: what to look up before the walk."""
    trees = [
        each.tree if isinstance(each, Guessed) else each
        for each in statements
        if not isinstance(each, Unread)
    ]
    return {name for tree in trees for table in tree.find_all(exp.Table) if (name := name_of(table))}


def names_more(statements: Iterable[Statement], told: Set[tuple[str, ...]]) -> bool:
    """Do these name a table besides those told, or a type that somebody made? The row of every table is such a type."""
    for each in statements:
        if isinstance(each, Unread):
            continue
        named: set[tuple[str, ...]] = set()
        ctes: set[str] = set()
        for node in (each.tree if isinstance(each, Guessed) else each).walk():
            if isinstance(node, exp.Table):
                named.add(name_of(node))
            elif isinstance(node, exp.CTE):
                ctes.add(node.alias.lower())
            elif isinstance(node, exp.DataType) and node.this in _MADE_TYPES:
                return True
        if any(
            name and name not in told and not (len(name) == 1 and name[0].lower() in ctes) for name in named
        ):
            return True
    return False


def _unknown(_name: tuple[str, ...]) -> None:
    return None


def _lineage(statement: Statement, lookup: Lookup, work: Work) -> list[SqlLineage]:
    """What one statement says: of one that writes several tables, each."""
    if isinstance(statement, Unread):
        return [_by_words(statement.sql)]
    tree = statement.tree if isinstance(statement, Guessed) else statement
    try:
        found = _of_tree(tree, lookup, work)
    except (SqlglotError, RecursionError, ValueError, TypeError, KeyError, IndexError, AttributeError):
        found = [_by_names(tree)]
    if isinstance(statement, Guessed):
        for each in found:
            each.partial, each.placed = True, False
    return found


def _by_words(sql: str) -> SqlLineage:
    tables, target = names_in(sql)
    return SqlLineage(tables, target, partial=True)


def _by_names(tree: exp.Expression) -> SqlLineage:
    """A tree whose walk failed: its tables, without what its CTEs are called."""
    ctes = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
    target = (
        target_of(tree.this)[0]
        if isinstance(tree, exp.Create | exp.Insert | exp.Merge | exp.Update)
        else None
    )
    names = {name: None for table in tree.find_all(exp.Table) if (name := name_of(table))}
    kept = (name for name in names if name != target and not (len(name) == 1 and name[0].lower() in ctes))
    return SqlLineage(tuple(kept), target, partial=True)


def _of_tree(tree: exp.Expression, lookup: Lookup, work: Work) -> list[SqlLineage]:
    walk = Writing(lookup, work)
    target: tuple[str, ...] | None = None
    columns: list[Column] = []
    if isinstance(tree, exp.Command) and _FUNCTION.match(tree.sql()):
        return [SqlLineage(partial=True)]  # what its body does, it does when something calls it
    if isinstance(tree, exp.Command | exp.Describe):
        return [_by_words(_text_inside(tree))]
    if isinstance(tree, exp.MultitableInserts):
        return _of_several(walk, walk.write_several(tree))
    if isinstance(tree, exp.Declare):
        return _of_several(walk, list(walk.variables(tree)))
    if isinstance(tree, exp.Create | exp.Insert):
        target, columns = walk.write(tree)
        also = also_filled(tree)
        if also is not None:
            return _of_several(walk, [(also, columns), (target, columns)])
    elif isinstance(tree, exp.Merge):
        target, columns = walk.merge(tree)
    elif isinstance(tree, exp.Update):
        target, columns = walk.update(tree)
    elif isinstance(tree, exp.Query):
        columns = walk.query(tree, {}, ())
        into = tree.args.get("into")
        if isinstance(into, exp.Into):
            target, _names = target_of(into.this)
    elif isinstance(tree, exp.Delete):
        target = walk.delete(tree)
    elif isinstance(tree, exp.Copy):
        if tree.args.get("kind"):  # COPY ... FROM writes the table, if it is one and not a stage
            target, _names = target_of(tree.this)
        walk.nested(tree, {}, ())
    elif isinstance(tree, exp.LoadData):
        target, _names = target_of(tree.this)
    elif isinstance(tree, _NO_FLOW):
        pass  # it names tables, or a procedure, and no row goes from one to another
    else:
        walk.nested(tree, {}, ())
    removes = isinstance(tree, exp.Delete)
    return [replace(each, removes=removes) for each in _of_several(walk, [(target, columns)])]


def _of_several(
    walk: Writing, written: list[tuple[tuple[str, ...] | None, list[Column]]]
) -> list[SqlLineage]:
    """One result for each table written from the same rows."""
    targets = {target for target, _columns in written}
    tables = tuple(name for name in walk.tables if name not in targets)
    joins = tuple(walk.joins)
    return [
        SqlLineage(tables, target, tuple(columns), walk.partial, joins, not isinstance(columns, Gappy))
        for target, columns in written or [(None, [])]
    ]


def _text_inside(tree: exp.Expression) -> str:
    inner = tree.args.get("expression")
    text = inner.name if isinstance(inner, exp.Expression) else str(inner or "")
    if tree.name == "UNLOAD":  # Redshift: UNLOAD ('select ...') TO 's3://...'
        quoted = _QUOTED.match(text)
        text = quoted.group(1).replace("''", "'") if quoted else text
    return f"{tree.name} {text}"
