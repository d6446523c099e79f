"""What a FROM gives: the relations behind the names of a query, each with its columns and where they come from.

Enters: tables as the parser has them, columns that a lookup knows or a walk found (`lineage_walk`). Leaves: relations
under their aliases, and for a column's name what it stands for among them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlglot import exp

from plugin.catalog.lineage_names import by_name, named_among

Lookup = Callable[[tuple[str, ...]], "Sequence[str] | None"]
"""Name parts, outermost first -> the table's columns in order, or None where they are unknown."""
Origin = tuple[tuple[str, ...], str]
"""(a table's name parts as written, a column of it)"""
Column = tuple[str, frozenset[Origin]]
"""(the name of an output column, where it comes from)"""
ON_OTHERS = frozenset(("cluster", "clusterallreplicas", "remote", "remotesecure"))
FORMATS = frozenset("avro binaryfile csv delta hudi iceberg json orc parquet text".split())
_FILE = re.compile(r"://|\.(?:parquet|csv|tsv|txt|json|jsonl|ndjson|orc|avro)(?:\.gz|\.zst)?$", re.IGNORECASE)


def name_of(table: exp.Expression) -> tuple[str, ...]:
    """The parts of a table's name, outermost first; () for what names no table (a file, most table functions)."""
    parts: list[str] = []
    for arg in ("catalog", "db", "this"):
        part = table.args.get(arg)
        if isinstance(part, exp.Anonymous):
            return name_in_call(part)
        if isinstance(part, exp.Dot):
            parts += [each.name for each in part.find_all(exp.Identifier)]
        elif isinstance(part, exp.DynamicIdentifier) and part.this.is_string:
            parts += [each.strip('"') for each in part.this.name.split(".")]
        elif isinstance(part, exp.Identifier) and part.args.get("temporary"):
            # T-SQL's #orders is no table called orders.
            parts.append(f"#{part.name}")
        elif isinstance(part, exp.Parameter):
            parts.append(f"@{part.name}")  # and its @orders is a variable
        elif isinstance(part, exp.Identifier):
            name = part.name
            if part.args.get("quoted") and arg == "this":
                if _is_file(name, parts):
                    return ()
                # BigQuery writes a whole name between one pair of backticks.
                parts += [name] if parts else name.split(".")
            else:
                parts.append(name)
        elif part is not None:
            return ()
    return tuple(part for part in parts if part)


def name_in_call(call: exp.Anonymous) -> tuple[str, ...]:
    """The name of the table that a table function of ClickHouse reads on other servers; () for another function.

    Source: https://clickhouse.com/docs/sql-reference/table-functions/cluster and .../remote
    """
    if call.name.lower() not in ON_OTHERS:
        return ()
    parts: list[str] = []
    for given in call.expressions[1:3]:  # behind the servers: db.table, or db, table
        if isinstance(given, exp.Column):
            parts += [each.name for each in given.parts]
        elif isinstance(given, exp.Literal) and given.is_string:
            parts += given.name.split(".")
        else:
            break
        if len(parts) > 1:
            break
    return tuple(parts) if len(parts) == 2 else ()


def _is_file(name: str, above: list[str]) -> bool:
    """Is this the path of a file, as in delta.`/lake/orders` of Databricks and 'lake/orders.parquet' of DuckDB?"""
    if "/" in name and above:
        return above[-1].lower() in FORMATS
    return not above and (name.endswith(".parquet") or ("/" in name and bool(_FILE.search(name))))


class Gappy(list[Column]):
    """Columns among which some are missing, so that no place in their order says anything."""


class Relation:
    """What stands behind an alias: output columns with their origins, or a table whose columns are unknown."""

    __slots__ = ("_by_name", "_columns", "name")

    def __init__(self, columns: list[Column] | None, name: tuple[str, ...] | None = None) -> None:
        self._columns = columns
        self.name = name
        self._by_name: dict[str, frozenset[Origin]] | None = None

    @property
    def columns(self) -> list[Column] | None:
        """Its columns in order; None where they are unknown."""
        return self._columns

    @property
    def known(self) -> bool:
        """Are its columns known?"""
        return self._columns is not None

    @property
    def listed(self) -> list[Column]:
        """Those that are known."""
        found = self.columns
        return Gappy() if found is None else found

    @property
    def complete(self) -> bool:
        """Are all of them known?"""
        return self.known and not isinstance(self._columns, Gappy)

    @property
    def placed(self) -> bool:
        """Does a star give these, all of them, in this order?"""
        return self.complete

    def of(self, column: str) -> frozenset[Origin] | None:
        """Where the column of a name comes from; None where no column is known by it."""
        if self._by_name is None:
            self._by_name = by_name(self._columns or ())
        return named_among(self._by_name, column)

    def origins(self, column: str) -> frozenset[Origin] | None:
        """Where a column comes from; None where this relation does not have it."""
        if self._columns is None:
            return frozenset(((self.name, column),)) if self.name else frozenset()
        return self.of(column)


class KnownTable(Relation):
    """A table whose columns are known. A definition names few of them: what comes of one is made when it is asked."""

    __slots__ = ("_folded", "_names", "alike")

    def __init__(self, names: Sequence[str], name: tuple[str, ...]) -> None:
        super().__init__(None, name)
        self._names = names
        self._folded = {each.lower(): each for each in reversed(names)}
        self.alike = len(self._folded) < len(names)
        """Do some differ in case alone?"""
        if self.alike:
            self._folded.update((each, each) for each in names)

    @property
    def columns(self) -> list[Column]:
        if self._columns is None:
            self._columns = [(column, frozenset(((self._own, column),))) for column in self._names]
        return self._columns

    @property
    def known(self) -> bool:
        return True

    def of(self, column: str) -> frozenset[Origin] | None:
        name = named_among(self._folded, column)
        return None if name is None else frozenset(((self._own, name),))

    def origins(self, column: str) -> frozenset[Origin] | None:
        return self.of(column)

    @property
    def _own(self) -> tuple[str, ...]:
        return self.name or ()


class Computed(Relation):
    """What a function gives: whatever column is named, it comes from all that went in."""

    __slots__ = ("given", "named")

    def __init__(self, columns: list[Column], given: frozenset[Origin], *, named: bool) -> None:
        super().__init__(columns)
        self.given = given
        self.named = named

    @property
    def placed(self) -> bool:
        """Only where the text lists them: what else a function gives, the function knows."""
        return self.named

    def origins(self, column: str) -> frozenset[Origin]:
        return self.of(column) or self.given


class Aliases(Relation):
    """The columns that a SELECT has named so far: many engines let its later ones read them."""

    __slots__ = ("found",)

    def __init__(self) -> None:
        super().__init__([])
        self.found: dict[str, frozenset[Origin]] = {}

    def of(self, column: str) -> frozenset[Origin] | None:
        return self.found.get(column.lower())


Scope = dict[str, Relation]
OF_THE_STATEMENT = frozenset(("deleted", "excluded", "inserted", "new", "old"))
"""What engines call rows that a statement itself brings or takes."""
OF_A_SEQUENCE = frozenset(("currval", "nextval"))
NOTHING: frozenset[Origin] = frozenset()
ASKING: frozenset[type] = frozenset((exp.In, exp.EQ))
"""Conditions that may ask whether something is among the rows of a query."""


def origins_of(column: str, table: str, scopes: tuple[Scope, ...]) -> frozenset[Origin] | None:
    """Where a column comes from that stands in these scopes, innermost first; `table` in lower case, "" for none.

    None where it may be in more than one table whose columns are unknown.
    """
    return _qualified(column, table, scopes) if table else _bare(column, scopes)


def _qualified(column: str, table: str, scopes: tuple[Scope, ...]) -> frozenset[Origin] | None:
    for scope in scopes:
        relation = scope.get(table)
        if relation is not None:
            return relation.origins(column) or NOTHING
    # schema.table.column, or a field of a record: record.field
    for scope in scopes:
        for relation in scope.values():
            if relation.name and relation.name[-1].lower() == table:
                return relation.origins(column) or NOTHING
            found = relation.of(table)
            if found is not None:
                return found
    if table in OF_THE_STATEMENT or column.lower() in OF_A_SEQUENCE:
        return NOTHING
    return _bare(table, scopes)


def of_record(node: exp.Column, scopes: tuple[Scope, ...]) -> frozenset[Origin] | None:
    """Where a field of a record in a record comes from: order.address.city, o.order.address.city."""
    first, second = (part.name for part in node.parts[:2])
    for scope in scopes:
        relation = scope.get(first.lower())
        if relation is not None:
            return relation.origins(second) or NOTHING
    return _bare(first, scopes)


def field_of_row(node: exp.Dot, scopes: tuple[Scope, ...]) -> frozenset[Origin] | None:
    """PostgreSQL's (alias).column; None for another dot."""
    row = node.this.this if isinstance(node.this, exp.Paren) else None
    if not isinstance(row, exp.Column) or row.table:
        return None
    relation = next((scope[row.name.lower()] for scope in scopes if row.name.lower() in scope), None)
    return relation.origins(node.expression.name) if relation is not None else None


def unnested(name: tuple[str, ...], scopes: tuple[Scope, ...]) -> frozenset[Origin] | None:
    """BigQuery's FROM t, t.items, which unnests a column of t; None where the name is of a table."""
    for scope in scopes:
        relation = scope.get(name[0].lower())
        if relation is not None:
            return relation.origins(name[1]) or NOTHING
    return None


def _bare(column: str, scopes: tuple[Scope, ...]) -> frozenset[Origin] | None:
    for scope in scopes:
        unknown = None
        computed = None
        for relation in scope.values():
            if not relation.known:
                unknown = relation if unknown is None else unknown
                continue
            found = relation.of(column)
            if found is not None:
                return found
            if isinstance(relation, Computed):
                computed = relation
        if unknown is not None:
            if sum(1 for each in scope.values() if not each.complete) > 1:
                return None
            return unknown.origins(column) or NOTHING
        whole = scope.get(column.lower())
        if whole is not None:  # an alias where a column is expected is the whole row
            return frozenset(each for _name, origins in whole.columns or () for each in origins)
        if computed is not None:
            return computed.given
    return NOTHING


def merged_by(join: exp.Join, before: list[Relation], added: list[Relation]) -> dict[str, str]:
    """Columns that a join makes one of two, by their names in lower case -> the side that may be missing."""
    names = [each.name for each in join.args.get("using") or ()]
    if (join.args.get("method") or "").upper() == "NATURAL":
        old = [name for each in before for name, _origins in each.columns or ()]
        new = {name.lower() for each in added for name, _origins in each.columns or ()}
        names = [name for name in old if name.lower() in new]
    return {name.lower(): join.side.upper() for name in names}


def with_merged(columns: list[Column], merged: dict[str, str]) -> list[Column]:
    """The columns of a bare star, each that a join merged once and before the others, as SQL has it."""
    first: dict[str, Column] = {}
    rest = []
    for name, origins in columns:
        folded = name.lower()
        if folded not in merged:
            rest.append((name, origins))
        elif folded not in first:
            first[folded] = (name, origins)
        elif merged[folded] in ("RIGHT", "FULL"):
            first[folded] = (name, first[folded][1] | origins)
    return [*(first[name] for name in merged if name in first), *rest]


def stacked(columns: list[Column], more: list[Column]) -> list[Column]:
    """The columns of UNION: each with what stands at its place on the other side, by its name where no place tells."""
    if isinstance(columns, Gappy):
        return Gappy(united(columns, more))
    if isinstance(more, Gappy):
        namesakes = {name.lower(): origins for name, origins in reversed(more)}
        return [(name, origins | namesakes.get(name.lower(), NOTHING)) for name, origins in columns]
    return [
        (name, origins | more[i][1] if i < len(more) else origins)
        for i, (name, origins) in enumerate(columns)
    ] or more


def united(columns: list[Column], more: list[Column]) -> list[Column]:
    """The columns of UNION BY NAME: each with its namesake of the other side, and those that only one side has."""
    found = {name.lower(): (name, origins) for name, origins in columns}
    for name, origins in more:
        known, before = found.get(name.lower(), (name, NOTHING))
        found[name.lower()] = (known, before | origins)
    return list(found.values())


def window_named(select: exp.Expression | None, name: str) -> list[exp.Expression]:
    """What the WINDOW clause of a SELECT says of a window of this name, in lower case."""
    given = select.args.get("windows") or () if select is not None else ()
    return [
        part
        for each in given
        if each.name.lower() == name
        for part in (*(each.args.get("partition_by") or ()), each.args.get("order"))
        if part
    ]


def only_origin(column: str, relations: Iterable[Relation]) -> Origin | None:
    """Where a column comes from in the first of these that has it from one place."""
    for relation in relations:
        origins = relation.origins(column)
        if origins and len(origins) == 1:
            return next(iter(origins))
    return None


def in_parentheses(node: Any) -> bool:
    """A table or joins in parentheses, not a SELECT in them."""
    return isinstance(node, exp.Subquery) and isinstance(node.this, exp.Table | exp.Subquery)


def asked_among(node: exp.Expression) -> exp.Query | None:
    """The query of `x IN (query)` and of `x = ANY (query)`; None for another condition."""
    if isinstance(node, exp.In):
        query = node.args.get("query")
    else:
        any_of = node.expression
        query = any_of.this if isinstance(any_of, exp.Any) else None
    return query if isinstance(query, exp.Query) else None


def alias_columns(node: exp.Expression) -> list[str]:
    alias = node.args.get("alias")
    if not isinstance(alias, exp.TableAlias):
        return []
    return [each.name for each in alias.args.get("columns") or ()]


def renamed(columns: list[Column], names: list[str]) -> list[Column]:
    if not names:
        return columns
    if isinstance(columns, Gappy):
        return Gappy((name, NOTHING) for name in names)
    return [(names[i] if i < len(names) else name, origins) for i, (name, origins) in enumerate(columns)] or [
        (name, NOTHING) for name in names
    ]
