"""The walk over one parsed statement: which tables it reads, and for each column it gives, where that comes from.

Enters: a tree and a way to look up a table's columns. Leaves: output columns with their origins; on the way the tables
read and the columns that joins set equal. It walks scope by scope instead of having the optimiser qualify and rewrite
the whole statement: that is many times faster and still answers where a table's columns are unknown. One file because
each part of the walk calls every other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlglot import exp

Lookup = Callable[[tuple[str, ...]], "Sequence[str] | None"]
"""Name parts, outermost first -> the table's columns in order, or None where they are unknown."""
Origin = tuple[tuple[str, ...], str]
"""(a table's name parts as written, a column of it)"""
Column = tuple[str, frozenset[Origin]]
"""(the name of an output column, where it comes from)"""


def target_of(node: Any) -> tuple[tuple[str, ...] | None, list[str]]:
    """The name parts of the table that a statement writes, and the columns it names."""
    names: list[str] = []
    if isinstance(node, exp.Schema):
        names = [each.name for each in node.expressions if each.name]
        node = node.this
    return (name_of(node) or None, names) if isinstance(node, exp.Table) else (None, names)


def name_of(table: exp.Expression) -> tuple[str, ...]:
    """The parts of a table's name, outermost first; () for what is no plain name (a table function)."""
    parts: list[str] = []
    for arg in ("catalog", "db", "this"):
        part = table.args.get(arg)
        if isinstance(part, exp.Dot):
            parts += [each.name for each in part.find_all(exp.Identifier)]
        elif isinstance(part, exp.DynamicIdentifier) and part.this.is_string:
            parts += [each.strip('"') for each in part.this.name.split(".")]
        elif isinstance(part, exp.Identifier) and part.args.get("temporary"):
            # T-SQL's #orders is no table called orders.
            parts.append(f"#{part.name}")
        elif isinstance(part, exp.Identifier):
            # BigQuery writes a whole name between one pair of backticks.
            parts += (
                part.name.split(".")
                if part.args.get("quoted") and arg == "this" and not parts
                else [part.name]
            )
        elif part is not None:
            return ()
    return tuple(part for part in parts if part)


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

    def of(self, folded: str) -> frozenset[Origin] | None:
        """Where the column of a name in lower case comes from; None where no column is known by it."""
        if self._by_name is None:
            self._by_name = {name.lower(): origins for name, origins in reversed(self._columns or ())}
        return self._by_name.get(folded)

    def origins(self, column: str) -> frozenset[Origin] | None:
        """Where a column comes from; None where this relation does not have it."""
        if self._columns is None:
            return frozenset(((self.name, column),)) if self.name else frozenset()
        return self.of(column.lower())


class _Table(Relation):
    """A table whose columns are known. A definition names few of them: what comes of one is made when it is asked."""

    __slots__ = ("_folded", "_names")

    def __init__(self, names: Sequence[str], name: tuple[str, ...]) -> None:
        super().__init__(None, name)
        self._names = names
        self._folded = {each.lower(): each for each in reversed(names)}

    @property
    def columns(self) -> list[Column]:
        if self._columns is None:
            self._columns = [(column, frozenset(((self._own, column),))) for column in self._names]
        return self._columns

    @property
    def known(self) -> bool:
        return True

    def of(self, folded: str) -> frozenset[Origin] | None:
        column = self._folded.get(folded)
        return None if column is None else frozenset(((self._own, column),))

    def origins(self, column: str) -> frozenset[Origin] | None:
        return self.of(column.lower())

    @property
    def _own(self) -> tuple[str, ...]:
        return self.name or ()


class _Computed(Relation):
    """What a function gives: whatever column is named, it comes from all that went in."""

    __slots__ = ("given",)

    def __init__(self, columns: list[Column], given: frozenset[Origin]) -> None:
        super().__init__(columns)
        self.given = given

    def origins(self, column: str) -> frozenset[Origin]:
        return self.of(column.lower()) or self.given


class _Aliases(Relation):
    """The columns that a SELECT has named so far: many engines let its later ones read them."""

    __slots__ = ("found",)

    def __init__(self) -> None:
        super().__init__([])
        self.found: dict[str, frozenset[Origin]] = {}

    def of(self, folded: str) -> frozenset[Origin] | None:
        return self.found.get(folded)


Scope = dict[str, Relation]
_NOTHING: frozenset[Origin] = frozenset()


class Walk:
    """One walk over one statement."""

    def __init__(self, lookup: Lookup) -> None:
        self.lookup = lookup
        self.tables: dict[tuple[str, ...], None] = {}
        self.joins: dict[tuple[Origin, Origin], None] = {}
        self.partial = False

    # `ctes`: name -> relation; `outer`: the scopes around a correlated subquery, innermost first.

    def query(self, node: Any, ctes: Scope, outer: tuple[Scope, ...]) -> list[Column]:
        """The output columns of a query."""
        if isinstance(node, exp.Select):
            return self.select(node, ctes, outer)
        if isinstance(node, exp.SetOperation):
            return self.set_operation(node, ctes, outer)
        if isinstance(node, exp.Subquery | exp.Paren):
            ctes = self.with_of(node, ctes, outer)
            if isinstance(node.this, exp.Table):
                return self.source(node.this, ctes, outer)[1].columns or []
            return self.query(node.this, ctes, outer)
        if isinstance(node, exp.Table):
            relation = self.source(node, self.with_of(node, ctes, outer), outer)[1]
            return relation.columns or []
        if isinstance(node, exp.Values):
            return self.values(node, ctes, outer)
        if isinstance(node, exp.Insert | exp.Update | exp.Delete):
            return self.returned(node, ctes, outer)
        if node is not None:
            self.nested(node, ctes, outer)
        return []

    def values(self, node: exp.Values, ctes: Scope, outer: tuple[Scope, ...]) -> list[Column]:
        """Rows in the SQL itself: a column comes from what stands at its place in any of them."""
        found: list[set[Origin]] = []
        for row in node.expressions:
            for i, value in enumerate(row.expressions if isinstance(row, exp.Tuple) else (row,)):
                if i == len(found):
                    found.append(set())
                if not isinstance(value, exp.Literal):
                    found[i] |= self.expression(value, ctes, outer)
        names = _alias_columns(node)
        return [
            (names[i] if i < len(names) else f"column{i + 1}", frozenset(origins))
            for i, origins in enumerate(found)
        ]

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
            names = _alias_columns(cte)
            if recursive and isinstance(cte.this, exp.SetOperation):
                anchor = self.query(cte.this.left, ctes, outer)
                ctes[name] = Relation(_renamed(anchor, names))
            ctes[name] = Relation(_renamed(self.query(cte.this, ctes, outer), names))
        return ctes

    def set_operation(self, node: exp.SetOperation, ctes: Scope, outer: tuple[Scope, ...]) -> list[Column]:
        # A long chain of UNIONs leans to the left; walk it in a loop, not in the stack.
        ctes = self.with_of(node, ctes, outer)
        branches: list[Any] = []
        at: Any = node
        while isinstance(at, exp.SetOperation):
            branches.append(at.expression)
            at = at.this
            if isinstance(at, exp.SetOperation):
                ctes = self.with_of(at, ctes, outer)
        branches.append(at)
        columns = self.query(branches[-1], ctes, outer)
        for branch in reversed(branches[:-1]):
            more = self.query(branch, ctes, outer)
            columns = [
                (name, origins | more[i][1] if i < len(more) else origins)
                for i, (name, origins) in enumerate(columns)
            ] or more
        return columns

    def select(self, node: exp.Select, ctes: Scope, outer: tuple[Scope, ...]) -> list[Column]:
        ctes = self.with_of(node, ctes, outer)
        scope: Scope = {}
        clause = node.args.get("from_")
        if clause is not None:
            self.add(clause.this, scope, ctes, outer)
        conditions = []
        merged: dict[str, str] = {}
        for join in node.args.get("joins") or ():
            before = list(scope.values())
            self.add(join.this, scope, ctes, outer)
            conditions.append(join)
            merged |= _merged(join, before, list(scope.values())[len(before) :])
        for lateral in node.args.get("laterals") or ():
            self.add(lateral, scope, ctes, outer)
        named = _Aliases()
        scopes: tuple[Scope, ...] = (scope, {"": named}, *outer)
        for join in conditions:
            self.join(join, scope, ctes, scopes)
        for cte in node.args["with_"].expressions if node.args.get("with_") else ():
            if cte.args.get("scalar"):
                named.found[cte.alias.lower()] = self.expression(cte.this, ctes, scopes)
        for arg, value in node.args.items():
            if value and arg not in (
                "expressions",
                "from_",
                "joins",
                "with_",
                "laterals",
                "hint",
                "limit",
                "offset",
            ):
                for each in value if isinstance(value, list) else (value,):
                    if isinstance(each, exp.Expression):
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
                given = _with_merged(given, merged)
            columns += given
        return columns

    def join(self, join: exp.Join, scope: Scope, ctes: Scope, scopes: tuple[Scope, ...]) -> None:
        condition = join.args.get("on")
        if condition is not None:
            self.nested(condition, ctes, scopes)
            self.equalities(condition, scopes)
        for using in join.args.get("using") or ():
            first, last = _only(using.name, scope.values()), _only(using.name, reversed(scope.values()))
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

    def pair(self, left: Origin, right: Origin) -> None:
        if left[0] != right[0]:
            self.joins[(left, right) if left <= right else (right, left)] = None

    def add(self, node: Any, scope: Scope, ctes: Scope, outer: tuple[Scope, ...]) -> None:
        """Put a FROM item into the scope, with the joins that hang on it."""
        if _in_parentheses(node) and not node.alias and not node.args.get("pivots"):
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
        if isinstance(node, exp.Final):  # ClickHouse
            return self.source(node.this, ctes, outer)
        alias = node.alias_or_name if isinstance(node, exp.Expression) else ""
        pivots = node.args.get("pivots") if isinstance(node, exp.Expression) else None
        if isinstance(node, exp.Table):
            relation = self.table(node, ctes, outer)
        elif _in_parentheses(node):
            inner: Scope = {}
            self.add(node.this, inner, ctes, outer)
            alias, relation = next(iter(inner.items()))
            alias = node.alias or alias
            if len(inner) > 1:
                merged = [column for each in inner.values() for column in each.columns or ()]
                relation = Relation(merged)
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
        names = _alias_columns(node) if isinstance(node, exp.Expression) else []
        if names and relation.known and not isinstance(relation, _Computed):
            relation = Relation(_renamed(relation.columns or [], names))
        if pivots:
            self.partial = True
            everything = frozenset(origin for _name, origins in relation.columns or () for origin in origins)
            relation = (
                Relation(None, None)
                if not relation.columns
                else Relation(
                    [*relation.columns, *((each.alias, everything) for each in pivots if each.alias)]
                )
            )
            alias = pivots[-1].alias or alias
        return alias, relation

    def computed(self, node: Any, ctes: Scope, outer: tuple[Scope, ...]) -> Relation:
        """UNNEST, a table function, VALUES: each output column comes from every column that goes in."""
        if not isinstance(node, exp.Expression):
            return Relation([])
        origins = self.expression(node, ctes, outer)
        names = _alias_columns(node) or ([node.alias] if node.alias else [])
        return _Computed([(name, origins) for name in names], origins)

    def table(self, node: exp.Table, ctes: Scope, outer: tuple[Scope, ...]) -> Relation:
        name = name_of(node)
        if not name:
            return self.computed(node, ctes, outer)
        if len(name) == 1 and name[0].lower() in ctes:
            return ctes[name[0].lower()]
        if any(name[0].lower() in scope and len(name) > 1 for scope in outer) and len(name) == 2:
            # BigQuery: FROM t, t.items unnests a column of t.
            for scope in outer:
                relation = scope.get(name[0].lower())
                if relation is not None:
                    origins = relation.origins(name[1]) or _NOTHING
                    return Relation([(node.alias_or_name, origins)])
        self.tables[name] = None
        columns = self.lookup(name)
        if columns is None:
            return Relation(None, name)
        return _Table(columns, name)

    def projection(
        self, node: exp.Expression, scope: Scope, ctes: Scope, scopes: tuple[Scope, ...]
    ) -> list[Column]:
        if isinstance(node, exp.Star):
            return self.star(node, list(scope.values()), ctes, scopes)
        if isinstance(node, exp.Column) and isinstance(node.this, exp.Star):
            relation = next((each[node.table.lower()] for each in scopes if node.table.lower() in each), None)
            return self.star(node.this, [relation] if relation else [], ctes, scopes)
        origins = self.expression(node, ctes, scopes)
        if isinstance(node, exp.Aliases):
            return [(each.name, origins) for each in node.aliases]
        return [(node.alias_or_name or node.output_name, origins)]

    def star(
        self, node: exp.Expression, relations: list[Relation], ctes: Scope, scopes: tuple[Scope, ...]
    ) -> list[Column]:
        left_out = {each.name.lower() for each in node.args.get("except_") or ()}
        replaced = {
            each.alias.lower(): self.expression(each, ctes, scopes) for each in node.args.get("replace") or ()
        }
        renamed = {each.this.name.lower(): each.alias for each in node.args.get("rename") or ()}
        columns: list[Column] = []
        for relation in relations:
            if not relation.known:
                # A table that nobody knows: which columns come through cannot be said.
                self.partial = True
            for name, origins in relation.columns or ():
                low = name.lower()
                if low not in left_out:
                    columns.append((renamed.get(low, name), replaced.get(low, origins)))
        return columns

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
            elif isinstance(at, exp.Dot) and (field := self.field_of_row(at, scopes)) is not None:
                found |= field
            else:
                stack.extend(at.iter_expressions())
        return frozenset(found)

    def nested(self, node: exp.Expression, ctes: Scope, scopes: tuple[Scope, ...]) -> None:
        """Walk the subqueries of a clause for the tables that they read."""
        stack: list[exp.Expression] = [node]
        while stack:
            at = stack.pop()
            if isinstance(at, exp.Query):
                self.query(at, ctes, scopes)
            elif isinstance(at, exp.Table) and at is not node:
                self.source(at, ctes, scopes)
            elif not isinstance(at, exp.Column):
                stack.extend(at.iter_expressions())

    def column(self, node: exp.Column, scopes: tuple[Scope, ...]) -> frozenset[Origin]:
        name, table = node.name, node.table.lower()
        if table:
            for scope in scopes:
                relation = scope.get(table)
                if relation is not None:
                    return relation.origins(name) or _NOTHING
            # schema.table.column, or a field of a record: record.field
            for scope in scopes:
                for relation in scope.values():
                    if relation.name and relation.name[-1].lower() == table:
                        return relation.origins(name) or _NOTHING
                    found = relation.of(table)
                    if found is not None:
                        return found
            return _NOTHING
        folded = name.lower()
        for scope in scopes:
            unknown = None
            computed = None
            for relation in scope.values():
                if not relation.known:
                    unknown = relation if unknown is None else unknown
                    continue
                found = relation.of(folded)
                if found is not None:
                    return found
                if isinstance(relation, _Computed):
                    computed = relation
            if unknown is not None:
                several = sum(1 for each in scope.values() if not each.known) > 1
                if several:
                    self.partial = True
                    return _NOTHING
                return unknown.origins(name) or _NOTHING
            whole = scope.get(folded)
            if whole is not None:  # an alias where a column is expected is the whole row
                return frozenset(each for _name, origins in whole.columns or () for each in origins)
            if computed is not None:
                return computed.given
        return _NOTHING

    def field_of_row(self, node: exp.Dot, scopes: tuple[Scope, ...]) -> frozenset[Origin] | None:
        """PostgreSQL's (alias).column; None for another dot."""
        row = node.this.this if isinstance(node.this, exp.Paren) else None
        if not isinstance(row, exp.Column) or row.table:
            return None
        relation = next((scope[row.name.lower()] for scope in scopes if row.name.lower() in scope), None)
        return relation.origins(node.expression.name) if relation is not None else None

    def write(self, node: exp.Create | exp.Insert) -> tuple[tuple[str, ...] | None, list[Column]]:
        """The table made or written, and its columns with their origins."""
        target, names = target_of(node.this)
        if isinstance(node, exp.Create) and node.kind in ("FUNCTION", "PROCEDURE"):
            self.partial = True
            if isinstance(node.expression, exp.Expression):
                self.nested(node.expression, {}, ())
            return None, []
        source = node.args.get("expression")
        outer = self.with_of(node, {}, ())
        columns: list[Column] = []
        if isinstance(source, exp.Query | exp.Table | exp.Values):
            columns = self.query(source, outer, ())
        elif source is None and isinstance(node, exp.Insert):
            self.partial = True
        clone = node.args.get("clone")
        if clone is not None and isinstance(clone.this, exp.Table):
            columns = self.query(clone.this, outer, ())
        if not names and isinstance(node, exp.Insert) and target and not node.args.get("by_name"):
            known = self.lookup(target) or ()
            names = list(known) if len(known) == len(columns) else []
        if names and len(names) == len(columns):
            columns = [(name, origins) for name, (_old, origins) in zip(names, columns, strict=True)]
        return target, columns

    def write_several(self, node: exp.MultitableInserts) -> tuple[tuple[str, ...] | None, list[Column]]:
        """INSERT ALL: one target is told, and that it is not the only one."""
        columns = self.query(node.args.get("source"), {}, ())
        targets = [target_of(insert.this)[0] for insert in node.find_all(exp.Insert)]
        named = dict.fromkeys(each for each in targets if each)
        for each in named:
            self.tables.pop(each, None)
        self.partial = self.partial or len(named) > 1
        return next(iter(named), None), columns

    def merge(self, node: exp.Merge) -> tuple[tuple[str, ...] | None, list[Column]]:
        target, _names = target_of(node.this)
        ctes = self.with_of(node, {}, ())
        scope: Scope = {}
        alias = node.this.alias_or_name.lower()
        self.add(node.args["using"], scope, ctes, ())
        columns: dict[str, frozenset[Origin]] = {}
        scopes: tuple[Scope, ...] = (scope, {alias: Relation([])})
        whens = node.args.get("whens")
        for when in whens.expressions if whens is not None else ():
            then = when.args.get("then")
            if isinstance(then, exp.Update):
                self.assignments(then, columns, ctes, scopes)
            elif isinstance(then, exp.Insert):
                self.inserted(then, target, columns, ctes, scopes)
        return target, list(columns.items())

    def inserted(
        self,
        node: exp.Insert,
        target: tuple[str, ...] | None,
        columns: dict[str, frozenset[Origin]],
        ctes: Scope,
        scopes: tuple[Scope, ...],
    ) -> None:
        """The INSERT of a MERGE: into columns that it names, into all of them, or each into its namesake."""
        values = node.args.get("expression")
        if isinstance(node.this, exp.Star) or (isinstance(node.this, exp.Var) and not values):
            self.namesakes(columns, scopes)
            return
        named = node.this.expressions if isinstance(node.this, exp.Tuple) else ()
        names = [each.name for each in named] or list((self.lookup(target) if target else None) or ())
        given = values.expressions if isinstance(values, exp.Tuple) else []
        for into, value in zip(names, given, strict=False):
            columns[into] = columns.get(into, _NOTHING) | self.expression(value, ctes, scopes)

    def namesakes(self, columns: dict[str, frozenset[Origin]], scopes: tuple[Scope, ...]) -> None:
        """UPDATE SET * and INSERT * of Databricks, INSERT ROW of BigQuery: every column of what is merged."""
        for relation in scopes[0].values():
            self.partial = self.partial or not relation.known
            for name, origins in relation.columns or ():
                columns[name] = columns.get(name, _NOTHING) | origins

    def delete(self, node: exp.Delete) -> tuple[str, ...] | None:
        """The table whose rows go; what else is named says which rows."""
        target, _names = target_of(node.this)
        ctes = self.with_of(node, {}, ())
        scope: Scope = {}
        if isinstance(node.this, exp.Table) and node.this.args.get("joins"):
            self.add(node.this, scope, ctes, ())
        for each in node.args.get("using") or ():
            self.add(each, scope, ctes, ())
        # MySQL and T-SQL name an alias of their FROM.
        aliases = [each for each in node.args.get("tables") or () if isinstance(each, exp.Table)]
        named = scope.get(aliases[0].name.lower()) if aliases else None
        if named is not None and named.name:
            target = named.name
        where = node.args.get("where")
        if where is not None:
            self.nested(where, ctes, (scope,))
        if target and len(target) == 1 and target[0].lower() in ctes:
            # T-SQL deletes through a CTE what that reads, where it reads one table.
            target = next(iter(self.tables)) if len(self.tables) == 1 else None
        return target

    def update(self, node: exp.Update) -> tuple[tuple[str, ...] | None, list[Column]]:
        target, _names = target_of(node.this)
        ctes = self.with_of(node, {}, ())
        scope: Scope = {}
        clause = node.args.get("from_")
        if clause is not None:
            self.add(clause.this, scope, ctes, ())
        if isinstance(node.this, exp.Table):
            for join in node.this.args.get("joins") or ():
                self.add(join.this, scope, ctes, ())
        # T-SQL names an alias of its FROM as the target.
        named = scope.get(target[0].lower()) if target and len(target) == 1 else None
        if named is not None and named.name:
            target = named.name
        columns: dict[str, frozenset[Origin]] = {}
        scopes: tuple[Scope, ...] = (scope, {node.this.alias_or_name.lower(): Relation([])})
        self.assignments(node, columns, ctes, scopes)
        where = node.args.get("where")
        if where is not None:
            self.nested(where, ctes, scopes)
        return target, list(columns.items())

    def assignments(
        self,
        node: exp.Update,
        columns: dict[str, frozenset[Origin]],
        ctes: Scope,
        scopes: tuple[Scope, ...],
    ) -> None:
        for each in node.expressions:
            if isinstance(each, exp.Star):
                self.namesakes(columns, scopes)
            elif isinstance(each, exp.EQ) and isinstance(each.this, exp.Tuple):
                for into, origins in zip(
                    each.this.expressions, self.several(each.expression, ctes, scopes), strict=False
                ):
                    columns[into.name] = columns.get(into.name, _NOTHING) | origins
            elif isinstance(each, exp.EQ):
                name = each.this.name
                columns[name] = columns.get(name, _NOTHING) | self.expression(each.expression, ctes, scopes)

    def several(self, node: Any, ctes: Scope, scopes: tuple[Scope, ...]) -> list[frozenset[Origin]]:
        """Of (a, b) = (...) what stands on the right, one by one: a query or a list."""
        if isinstance(node, exp.Query):
            return [origins for _name, origins in self.query(node, ctes, scopes)]
        return [self.expression(each, ctes, scopes) for each in node.expressions]


def _merged(join: exp.Join, before: list[Relation], added: list[Relation]) -> dict[str, str]:
    """Columns that a join makes one of two, by their names in lower case -> the side that may be missing."""
    names = [each.name for each in join.args.get("using") or ()]
    if (join.args.get("method") or "").upper() == "NATURAL":
        old = [name for each in before for name, _origins in each.columns or ()]
        new = {name.lower() for each in added for name, _origins in each.columns or ()}
        names = [name for name in old if name.lower() in new]
    return {name.lower(): join.side.upper() for name in names}


def _with_merged(columns: list[Column], merged: dict[str, str]) -> list[Column]:
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


def _only(column: str, relations: Iterable[Relation]) -> Origin | None:
    """Where a column comes from in the first of these that has it from one place."""
    for relation in relations:
        origins = relation.origins(column)
        if origins and len(origins) == 1:
            return next(iter(origins))
    return None


def _in_parentheses(node: Any) -> bool:
    """A table or joins in parentheses, not a SELECT in them."""
    return isinstance(node, exp.Subquery) and isinstance(node.this, exp.Table | exp.Subquery)


def _alias_columns(node: exp.Expression) -> list[str]:
    alias = node.args.get("alias")
    if not isinstance(alias, exp.TableAlias):
        return []
    return [each.name for each in alias.args.get("columns") or ()]


def _renamed(columns: list[Column], names: list[str]) -> list[Column]:
    if not names:
        return columns
    return [(names[i] if i < len(names) else name, origins) for i, (name, origins) in enumerate(columns)] or [
        (name, _NOTHING) for name in names
    ]
