"""The walk over one query: which tables it reads, and for each column it gives, where that comes from.

Enters: a tree and a way to look up a table's columns. Leaves: output columns with their origins; on the way the tables
read and the columns that joins set equal. It walks scope by scope instead of having the optimiser qualify and rewrite
the whole statement: that is many times faster and still answers where a table's columns are unknown. What stands behind
a name is in `lineage_relations`, what is written in `lineage_writes`. One file because
its methods call each other all the way round.
"""

from __future__ import annotations

from typing import Any

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect, NormalizationStrategy

from plugin.catalog.lineage_pivots import pivoted
from plugin.catalog.lineage_relations import (
    ASKING,
    NOTHING,
    Aliases,
    Column,
    Computed,
    Gappy,
    KnownTable,
    Lookup,
    Origin,
    Relation,
    Scope,
    alias_columns,
    asked_among,
    field_of_row,
    in_parentheses,
    merged_by,
    name_of,
    of_record,
    only_origin,
    origins_of,
    renamed,
    stacked,
    united,
    unnested,
    window_named,
    with_merged,
)
from plugin.catalog.lineage_stars import matching, rows, several, starred

_WALKED_APART = frozenset("expressions from_ joins with_ laterals hint limit offset".split())
"""Parts of a SELECT that are walked on their own, or that name no table."""
ONLY_ASKED = ("SEMI", "ANTI")
"""Kinds of joins that say which rows there are and give no column."""
MOST_WORK = 400_000
"""Columns that stars may give in one text, and for each query that is walked `OF_A_QUERY` of them. A text of a few
hundred letters can ask for more than a machine has: each of thirty CTEs two times all columns of the one before it.
"""
OF_A_QUERY = 5


class TooMuch(ValueError):
    """A text asks for more than `MOST_WORK`."""


class Work:
    """What the walks over one text came to."""

    def __init__(self, dialect: str | None = None) -> None:
        self.done = 0
        self.dialect = dialect

    def add(self, amount: int) -> None:
        """Count some more. TooMuch."""
        self.done += amount
        if self.done > MOST_WORK:
            raise TooMuch


class Walk:
    """One walk over one statement."""

    def __init__(self, lookup: Lookup, work: Work) -> None:
        self.lookup = lookup
        self.tables: dict[tuple[str, ...], None] = {}
        self.joins: dict[tuple[Origin, Origin], None] = {}
        self.partial = False
        self.windows: dict[tuple[int, str], frozenset[Origin]] = {}
        self.work = work
        self.alike = False
        """Of a table read columns differ in case alone: a name without quotes is then read as its engine does."""

    # `ctes`: name -> relation; `outer`: the scopes around a correlated subquery, innermost first.

    def query(self, node: Any, ctes: Scope, outer: tuple[Scope, ...]) -> list[Column]:
        """The output columns of a query."""
        self.work.add(OF_A_QUERY)
        if isinstance(node, exp.Select):
            return self.select(node, ctes, outer)
        if isinstance(node, exp.SetOperation):
            return self.set_operation(node, ctes, outer)
        if isinstance(node, exp.Subquery | exp.Paren):
            ctes = self.with_of(node, ctes, outer)
            if isinstance(node.this, exp.Table):
                return self.source(node.this, ctes, outer)[1].listed
            return self.query(node.this, ctes, outer)
        if isinstance(node, exp.Table):
            return self.source(node, self.with_of(node, ctes, outer), outer)[1].listed
        if isinstance(node, exp.Values):
            return rows(node, lambda value: self.expression(value, ctes, outer))
        if isinstance(node, exp.Pivot):
            before = self.source(node.this, ctes, outer)[1]
            return self.pivot(before, [node], ctes, outer).listed
        if isinstance(node, exp.Insert | exp.Update | exp.Delete):
            return self.returned(node, ctes, outer)
        if node is not None:
            self.nested(node, ctes, outer)
        return []

    def returned(
        self, node: exp.Insert | exp.Update | exp.Delete, ctes: Scope, outer: tuple[Scope, ...]
    ) -> list[Column]:
        """What a statement that writes gives back to the query that it stands in: rows of the table it writes."""
        self.nested(node, self.with_of(node, ctes, outer), outer)
        returning, target = node.args.get("returning"), node.this
        target = target.this if isinstance(target, exp.Schema) else target
        if returning is None or not isinstance(target, exp.Table):
            return []
        scope: Scope = {}
        self.add(target, scope, ctes, outer)
        clause = node.args.get("from_")
        using = node.args.get("using") or ()
        for each in [clause.this] if clause is not None else using:
            self.add(each, scope, ctes, outer)
        columns: list[Column] = []
        for projection in returning.expressions:
            columns += self.projection(projection, scope, ctes, (scope, *outer))
        return columns

    def with_of(self, node: exp.Expression, ctes: Scope, outer: tuple[Scope, ...]) -> Scope:
        clause = node.args.get("with_")
        if clause is None:
            return ctes
        ctes = dict(ctes)
        recursive = bool(clause.args.get("recursive"))
        for cte in clause.expressions:
            if cte.args.get("scalar"):
                continue  # ClickHouse's WITH expression AS name: an alias of the query, no table
            name = cte.alias.lower()
            names = alias_columns(cte)
            body = cte.this.unnest()
            if recursive and isinstance(body, exp.SetOperation):
                ctes[name] = Relation(renamed(self.first_branch(cte.this, ctes, outer), names))
                # Several branches may read it, and one what another gives.
                if isinstance(body.this.unnest(), exp.SetOperation):
                    ctes[name] = Relation(renamed(self.query(cte.this, ctes, outer), names))
            ctes[name] = Relation(renamed(self.query(cte.this, ctes, outer), names))
        return ctes

    def first_branch(self, node: Any, ctes: Scope, outer: tuple[Scope, ...]) -> list[Column]:
        """What a CTE that reads itself begins with: the branch before all others, with the CTEs that stand inside."""
        while isinstance(node, exp.SetOperation | exp.Subquery):
            ctes = self.with_of(node, ctes, outer)
            node = node.this
        return self.query(node, ctes, outer)

    def set_operation(self, node: exp.SetOperation, ctes: Scope, outer: tuple[Scope, ...]) -> list[Column]:
        # A long chain of UNIONs leans to the left; walk it in a loop, not in the stack.
        ctes = self.with_of(node, ctes, outer)
        branches: list[tuple[Any, bool, bool]] = []
        at: Any = node
        while isinstance(at, exp.SetOperation):
            branches.append((at.expression, bool(at.args.get("by_name")), isinstance(at, exp.Except)))
            at = at.this
            if isinstance(at, exp.SetOperation):
                ctes = self.with_of(at, ctes, outer)
        columns = self.query(at, ctes, outer)
        for branch, by_name, without in reversed(branches):
            more = self.query(branch, ctes, outer)
            if without:  # which rows there are not, and no column
                continue
            if by_name:
                both = united(columns, more)
                columns = Gappy(both) if isinstance(columns, Gappy) or isinstance(more, Gappy) else both
            else:
                columns = stacked(columns, more)
        return columns

    def select(self, node: exp.Select, ctes: Scope, outer: tuple[Scope, ...]) -> list[Column]:
        ctes = self.with_of(node, ctes, outer)
        scope: Scope = {}
        clause = node.args.get("from_")
        if clause is not None:
            self.add(clause.this, scope, ctes, outer)
        conditions = node.args.get("joins") or ()
        merged: dict[str, str] = {}
        asked: Scope = {}
        for join in conditions:
            if join.kind in ONLY_ASKED:
                self.add(join.this, asked, ctes, (scope, *outer))
                continue
            before = list(scope.values())
            self.add(join.this, scope, ctes, outer)
            merged |= merged_by(join, before, list(scope.values())[len(before) :])
        for lateral in node.args.get("laterals") or ():
            self.add(lateral, scope, ctes, outer)
        named = Aliases()
        scopes: tuple[Scope, ...] = (scope, {"": named}, *([asked] if asked else ()), *outer)
        for join in conditions:
            self.join(join, scope, ctes, scopes)
        for cte in node.args["with_"].expressions if node.args.get("with_") else ():
            if cte.args.get("scalar"):
                named.found[cte.alias.lower()] = self.expression(cte.this, ctes, scopes)
        for arg, value in node.args.items():
            if value and arg not in _WALKED_APART:
                for each in value if isinstance(value, list) else (value,):
                    if isinstance(each, exp.Lock):
                        self.locked(each, scope, ctes, scopes)
                    elif isinstance(each, exp.Expression):
                        self.nested(each, ctes, scopes)
        where = node.args.get("where")
        if where is not None:
            self.equalities(where.this, scopes)
        columns: list[Column] = []
        for projection in node.expressions:
            given = self.projection(projection, scope, ctes, scopes)
            if isinstance(projection, exp.Alias):
                named.found.setdefault(given[0][0].lower(), given[0][1])
            elif merged and isinstance(projection, exp.Star):
                complete = not isinstance(given, Gappy)
                given = with_merged(given, merged)
                given = given if complete else Gappy(given)
            if isinstance(given, Gappy):
                columns = Gappy(columns)
            columns += given
        return columns

    def locked(self, lock: exp.Lock, scope: Scope, ctes: Scope, scopes: tuple[Scope, ...]) -> None:
        """FOR UPDATE OF o: a name of the FROM, its alias too; anything else it names is a table."""
        for each in lock.expressions:
            name = name_of(each) if isinstance(each, exp.Table) else ()
            if isinstance(each, exp.Table) and not (len(name) == 1 and name[0].lower() in scope):
                self.source(each, ctes, scopes)

    def join(self, join: exp.Join, scope: Scope, ctes: Scope, scopes: tuple[Scope, ...]) -> None:
        condition = join.args.get("on")
        if condition is not None:
            self.nested(condition, ctes, scopes)
            self.equalities(condition, scopes)
        for using in join.args.get("using") or ():
            first = only_origin(using.name, scope.values())
            last = only_origin(using.name, reversed(scope.values()))
            if first is not None and last is not None:
                self.pair(first, last)

    def equalities(self, condition: Any, scopes: tuple[Scope, ...]) -> None:
        """Remember pairs of columns that a condition sets equal."""
        stack = [condition]
        while stack:
            node = stack.pop()
            if isinstance(node, exp.And | exp.Paren):
                stack += [node.args.get("this"), node.args.get("expression")]
            elif (
                isinstance(node, exp.EQ)
                and isinstance(node.this, exp.Column)
                and isinstance(node.expression, exp.Column)
            ):
                left, right = self.column(node.this, scopes), self.column(node.expression, scopes)
                if len(left) == 1 and len(right) == 1:
                    self.pair(next(iter(left)), next(iter(right)))

    def semi_join(self, keys: Any, query: exp.Query, ctes: Scope, scopes: tuple[Scope, ...]) -> None:
        """Walk the query of `keys IN (query)`; what it gives as it stands in a table is set equal to the keys."""
        found = self.query(query, ctes, scopes)
        asked = keys.expressions if isinstance(keys, exp.Tuple) else [keys]
        if not len(asked) == len(query.selects) == len(found):
            return
        for key, selected, (_name, right) in zip(asked, query.selects, found, strict=True):
            if isinstance(key, exp.Column) and isinstance(selected.unalias(), exp.Column):
                left = origins_of(key.name, key.table.lower(), scopes) or NOTHING
                if len(left) == len(right) == 1:
                    self.pair(next(iter(left)), next(iter(right)))

    def pair(self, left: Origin, right: Origin) -> None:
        if left[0] != right[0]:
            self.joins[(left, right) if left <= right else (right, left)] = None

    def add(self, node: Any, scope: Scope, ctes: Scope, outer: tuple[Scope, ...]) -> None:
        """Put a FROM item into the scope, with the joins that hang on it."""
        if in_parentheses(node) and not node.alias and not node.args.get("pivots"):
            # PostgreSQL writes every view of three tables as ((a JOIN b) JOIN c): what is named inside is seen outside.
            self.add(node.this, scope, ctes, outer)
        else:
            alias, relation = self.source(node, ctes, (scope, *outer))
            key = alias.lower()
            while key in scope:
                key += " "
            scope[key] = relation
        for join in node.args.get("joins") or () if isinstance(node, exp.Expression) else ():
            self.add(join.this, scope, ctes, outer)
            self.join(join, scope, ctes, (scope, *outer))

    def source(self, node: Any, ctes: Scope, outer: tuple[Scope, ...]) -> tuple[str, Relation]:
        """(alias, relation) of a FROM item."""
        if isinstance(node, exp.Final | exp.Stream):  # ClickHouse; Databricks
            return self.source(node.this, ctes, outer)
        alias = node.alias_or_name if isinstance(node, exp.Expression) else ""
        pivots = node.args.get("pivots") if isinstance(node, exp.Expression) else None
        if isinstance(node, exp.Table):
            relation = self.table(node, ctes, outer)
        elif in_parentheses(node):
            inner: Scope = {}
            self.add(node.this, inner, ctes, outer)
            alias, relation = next(iter(inner.items()))
            alias = node.alias or alias
            if len(inner) > 1:
                merged = [column for each in inner.values() for column in each.columns or ()]
                complete = all(each.placed for each in inner.values())
                relation = Relation(merged if complete else Gappy(merged))
        elif isinstance(node, exp.Subquery | exp.SetOperation | exp.Select):
            relation = Relation(self.query(node, ctes, outer))
        elif isinstance(node, exp.Lateral):
            inner_query = node.this
            if isinstance(inner_query, exp.Subquery | exp.Select):
                relation = Relation(self.query(inner_query, ctes, outer))
            else:
                relation = self.computed(node, ctes, outer)
        else:
            relation = self.computed(node, ctes, outer)
        names = alias_columns(node) if isinstance(node, exp.Expression) else []
        if names and relation.known and not isinstance(relation, Computed):
            relation = Relation(renamed(relation.listed, names))
        if pivots:
            relation = self.pivot(relation, pivots, ctes, outer)
            alias = pivots[-1].alias or alias
        return alias, relation

    def pivot(self, relation: Relation, pivots: list[Any], ctes: Scope, outer: tuple[Scope, ...]) -> Relation:
        for each in pivots:
            if not isinstance(each, exp.Pivot):  # MATCH_RECOGNIZE
                self.partial = True
                continue
            relation, told = pivoted(
                relation, each, lambda node, before: self.expression(node, ctes, ({"": before}, *outer))
            )
            if not told:
                self.partial = True
                relation = Relation(Gappy(relation.columns)) if relation.columns is not None else relation
        return relation

    def computed(self, node: Any, ctes: Scope, outer: tuple[Scope, ...]) -> Relation:
        """UNNEST, a table function, VALUES: each output column comes from every column that goes in."""
        if not isinstance(node, exp.Expression):
            return Relation([])
        origins = self.expression(node, ctes, outer)
        listed = alias_columns(node)
        names = listed or ([node.alias] if node.alias else [])
        if isinstance(node, exp.Unnest) and len(names) == len(node.expressions) > 1:
            each_own = (self.expression(each, ctes, outer) for each in node.expressions)
            return Computed(list(zip(names, each_own, strict=True)), origins, named=True)
        return Computed([(name, origins) for name in names], origins, named=bool(listed))

    def table(self, node: exp.Table, ctes: Scope, outer: tuple[Scope, ...]) -> Relation:
        name = name_of(node)
        if not name:
            return self.computed(node, ctes, outer)
        if len(name) == 1 and name[0].lower() in ctes:
            return ctes[name[0].lower()]
        if len(name) == 2 and (inside := unnested(name, outer)) is not None:
            return Relation([(node.alias_or_name, inside)])
        if isinstance(node.this, exp.Anonymous) and node.this.name.lower().startswith("remote"):
            # On another server, where the same name may stand for something else.
            self.partial = True
        self.tables[name] = None
        columns = self.lookup(name)
        if not columns:  # unknown, or a catalog that lists none of them
            return Relation(None, name)
        known = KnownTable(columns, name)
        self.alike = self.alike or known.alike
        return known

    def projection(
        self, node: exp.Expression, scope: Scope, ctes: Scope, scopes: tuple[Scope, ...]
    ) -> list[Column]:
        if isinstance(node, exp.Star):
            return self.star(node, list(scope.values()), ctes, scopes)
        if isinstance(node, exp.Column) and isinstance(node.this, exp.Star):
            relation = next((each[node.table.lower()] for each in scopes if node.table.lower() in each), None)
            return self.star(node.this, [relation] if relation else [], ctes, scopes)
        inner = several(node)
        if inner is not None and (chosen := self.chosen(inner, scope, ctes, scopes)) is not None:
            return chosen
        origins = self.expression(node, ctes, scopes)
        if isinstance(node, exp.Aliases):
            return [(each.name, origins) for each in node.aliases]
        named = node.args.get("alias") if isinstance(node, exp.Alias) else node.this
        if self.alike and isinstance(node, exp.Alias | exp.Column) and isinstance(named, exp.Identifier):
            return [(self.meant(named), origins)]
        return [(node.alias_or_name or node.output_name, origins)]

    def star(
        self, node: exp.Expression, relations: list[Relation], ctes: Scope, scopes: tuple[Scope, ...]
    ) -> list[Column]:
        self.work.add(sum(len(relation.columns or ()) for relation in relations))
        found = starred(node, relations, lambda each: self.expression(each, ctes, scopes))
        if all(relation.placed for relation in relations):
            return found
        # A table that nobody knows: which columns come through, and at which places, cannot be said.
        self.partial = self.partial or not all(relation.known for relation in relations)
        return Gappy(found)

    def chosen(
        self, node: exp.Expression, scope: Scope, ctes: Scope, scopes: tuple[Scope, ...]
    ) -> list[Column] | None:
        """The columns of what ranges over several and is no plain star; None where the text does not tell them."""
        if isinstance(node, exp.Star):
            return self.star(node, list(scope.values()), ctes, scopes)
        if isinstance(node, exp.Dot):
            row = node.this.unnest()
            relation = next((each[row.name.lower()] for each in scopes if row.name.lower() in each), None)
            return self.star(node.expression, [relation], ctes, scopes) if relation is not None else None
        if isinstance(node.this, exp.Star):
            return self.star(node.this, list(scope.values()), ctes, scopes)
        return matching(node.this, self.star(exp.Star(), list(scope.values()), ctes, scopes))

    def expression(self, node: exp.Expression, ctes: Scope, scopes: tuple[Scope, ...]) -> frozenset[Origin]:
        """Every column that an expression is made of, those of subqueries in it included."""
        found: set[Origin] = set()
        stack: list[exp.Expression] = [node]
        while stack:
            at = stack.pop()
            if isinstance(at, exp.Column):
                found |= self.column(at, scopes)
            elif isinstance(at, exp.Query):
                for _name, origins in self.query(at, ctes, scopes):
                    found |= origins
            elif at.__class__ is exp.Window and at.args.get("alias"):  # OVER w
                found |= self.window(at, ctes, scopes)
                stack.extend(at.iter_expressions())
            elif isinstance(at, exp.Dot) and (field := field_of_row(at, scopes)) is not None:
                found |= field
            else:
                stack.extend(at.iter_expressions())
        return frozenset(found)

    def window(self, node: exp.Window, ctes: Scope, scopes: tuple[Scope, ...]) -> frozenset[Origin]:
        """What the WINDOW clause says of a window that a function names; read once for all of them."""
        select = node.parent_select
        key = (id(select), node.alias.lower())
        if key not in self.windows:
            self.windows[key] = NOTHING
            parts = window_named(select, node.alias.lower())
            self.windows[key] = frozenset().union(*(self.expression(part, ctes, scopes) for part in parts))
        return self.windows[key]

    def nested(self, node: exp.Expression, ctes: Scope, scopes: tuple[Scope, ...]) -> None:
        """Walk the subqueries of a clause for the tables that they read."""
        stack: list[exp.Expression] = [node]
        while stack:
            at = stack.pop()
            if isinstance(at, exp.Query):
                self.query(at, ctes, scopes)
            elif isinstance(at, exp.Table) and at is not node:
                self.source(at, ctes, scopes)
            elif at.__class__ in ASKING and (query := asked_among(at)) is not None:
                self.semi_join(at.this, query, ctes, scopes)
                stack.append(at.this)
            elif not isinstance(at, exp.Column):
                stack.extend(at.iter_expressions())

    def column(self, node: exp.Column, scopes: tuple[Scope, ...]) -> frozenset[Origin]:
        name = self.meant(node.this) if self.alike else node.name
        found = origins_of(name, node.table.lower(), scopes)
        if not found and node.args.get("db") is not None:
            found = of_record(node, scopes)
        if found is None:
            self.partial = True
            return NOTHING
        return found

    def meant(self, name: exp.Expression) -> str:
        """A column's name as its engine reads it: without quotes some put it in lower case, and some in upper."""
        if isinstance(name, exp.Identifier) and not name.args.get("quoted"):
            strategy = (Dialect.get(self.work.dialect or "") or Dialect).NORMALIZATION_STRATEGY
            if strategy is NormalizationStrategy.UPPERCASE:
                return name.name.upper()
            if strategy is NormalizationStrategy.LOWERCASE:
                return name.name.lower()
        return name.name
