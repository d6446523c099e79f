"""Queries: every table and column of a statement, resolved by lexical scope against the visible tables.

Enters: a tree and the tables that exist for the asker. Leaves: `Found`, or Refusal.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from sqlglot import exp

from plugin.run_sql.called import function_name
from plugin.run_sql.columns import shortened
from plugin.run_sql.from_items import FromItems
from plugin.run_sql.scope import SCALARS, Found, Output, Scope, Source
from plugin.run_sql.verdict import Refusal

_PATTERN = re.compile(r"[\w\s*+?{},|()^$-]*")
_WORD = re.compile(r"[A-Za-z_]\w*")

_CLAUSE = {
    "where": "where",
    "prewhere": "where",
    "group": "group",
    "having": "having",
    "qualify": "qualify",
    "order": "order",
    "sort": "order",
    "cluster": "order",
    "distribute": "order",
    "distinct": "order",
    "connect": "where",
}
_SUMMARY = tuple(
    "column_name column_type min max approx_unique avg std q25 q50 q75 count null_percentage".split()
)
"""What DuckDB's SUMMARIZE tells of each column."""


class Resolver(FromItems):
    """Resolves one statement. Use once: `resolve(tree)` gives a Found or raises Refusal."""

    def resolve(self, tree: exp.Expr) -> Found:
        """Walk the whole statement."""
        self.query(tree, {}, None)
        return self.found

    def query(self, node: exp.Expr, ctes: Mapping[str, Source], outer: Scope | None) -> Output:
        """Any query expression: its columns. Raises Refusal."""
        if isinstance(node, exp.Select):
            return self._select(node, ctes, outer)
        if isinstance(node, exp.SetOperation):
            return self._set_operation(node, ctes, outer)
        if isinstance(node, exp.Subquery):
            return self._subquery(node, ctes, outer)
        if isinstance(node, exp.Values):
            return self._values(node, ctes, outer)
        if isinstance(node, exp.Pivot):
            return self._pivot_statement(node, ctes, outer)
        if isinstance(node, exp.Table):
            scope = Scope(outer, ctes)
            self._source(node, scope)
            self._pin_all(scope)
            return self._star_output(scope)
        if isinstance(node, exp.Paren):
            return self.query(node.this, ctes, outer)
        if (
            isinstance(node, exp.Summarize)
            and isinstance(node.this, exp.Query)
            and self.engine.name == "duckdb"
        ):
            self.query(node.this, ctes, outer)
            return Output(_SUMMARY)
        raise Refusal("statement", "something stands where a query is expected")

    # --- queries -----------------------------------------------------------------------------------------------

    def _with(self, node: exp.Expr, ctes: Mapping[str, Source], outer: Scope | None) -> Mapping[str, Source]:
        clause = node.args.get("with_")
        if clause is None:
            return ctes
        known = dict(ctes)
        for cte in clause.expressions:
            alias = cte.args.get("alias")
            name_node = alias.this if isinstance(alias, exp.TableAlias) else alias
            if not isinstance(name_node, exp.Identifier):
                raise Refusal("scope", "a WITH entry has no name")
            name = self._table_key(name_node)
            body = cte.this
            if cte.args.get("scalar") or not isinstance(
                body, (exp.Query, exp.Values, exp.Table, exp.Pivot, exp.Summarize)
            ):
                if self.engine.name == "clickhouse" and isinstance(node, exp.Select):
                    self.later.setdefault(id(node), []).append(body)
                else:
                    self._walk(body, Scope(outer, known), "select")
                known[SCALARS] = known.get(SCALARS, Source(frozenset()))
                known[SCALARS] = Source(
                    (known[SCALARS].columns or frozenset()) | {self._column_key(name_node)}
                )
                known[name] = Source(frozenset({self._column_key(name_node)}), function=True)
                continue
            given = tuple(self._column_key(column) for column in alias.columns)
            inside: Mapping[str, Source] = known
            itself = Source(frozenset(given) if given else self._peek(body))
            if clause.recursive:
                inside = {**known, name: itself}
            elif self.engine.free_recursion and _is_union_all(body):
                output = self._recursive_union(body, known, {**known, name: itself}, outer)
                known[name] = self._derived(output, given)
                continue
            output = self.query(body, inside, outer)
            known[name] = self._derived(output, given)
        search = clause.args.get("search")
        if (
            isinstance(search, exp.Expr) and known[name].order is not None
        ):  # SEARCH .. SET o, CYCLE .. SET c USING p
            made = [search.args.get(key) for key in ("also", "expression", "using")]
            made = [each.this if isinstance(each, exp.Introducer) else each for each in made]
            names = tuple(self._column_key(each) for each in made if isinstance(each, exp.Identifier))
            order = (known[name].order or ()) + names
            known[name] = Source(frozenset(order), order, loose=known[name].loose)
        return known

    def _recursive_union(
        self, body: exp.Expr, anchor: Mapping[str, Source], inside: Mapping[str, Source], outer: Scope | None
    ) -> Output:
        """WITH x AS (anchor UNION ALL step) without RECURSIVE: the name means the CTE in the step only."""
        while isinstance(body, exp.Subquery) and body.is_wrapper:
            body = body.this
        anchor = self._with(body, anchor, outer)
        inside = {**anchor, **{name: source for name, source in inside.items() if name not in anchor}}
        output = self.query(body.this, anchor, outer)
        self.query(body.expression, inside, outer)
        self._modifiers(body, Scope(outer, inside, {"": self._derived(output, ())}), output)
        return output

    def _peek(self, body: exp.Expr) -> frozenset[str] | None:
        """Names of the first SELECT of a recursive body, before it is resolved; None where they cannot be told."""
        while isinstance(body, (exp.SetOperation, exp.Subquery)):
            body = body.this
        if not isinstance(body, exp.Select):
            return None
        names = [self._projection_name(projection) for projection in body.expressions]
        return None if any(name is None for name in names) else frozenset(name for name in names if name)

    def _set_operation(
        self, node: exp.SetOperation, ctes: Mapping[str, Source], outer: Scope | None
    ) -> Output:
        chain: list[tuple[exp.SetOperation, Mapping[str, Source]]] = []
        left: exp.Expr = node
        while isinstance(left, exp.SetOperation):
            ctes = self._with(left, ctes, outer)
            chain.append((left, ctes))
            left = left.this
        output = self.query(left, ctes, outer)
        for operation, known in reversed(chain):
            other = self.query(operation.expression, known, outer)
            if operation.args.get("by_name"):
                both = None if output.order is None or other.order is None else (*output.order, *other.order)
                output = Output(both, output.loose or other.loose)
            self._modifiers(operation, Scope(outer, known, {"": self._derived(output, ())}), output)
        return output

    def _modifiers(self, node: exp.Expr, scope: Scope, output: Output) -> None:
        for key in ("order", "limit", "offset", "sort", "cluster", "distribute", "sample"):
            part = node.args.get(key)
            if isinstance(part, exp.Expr):
                self._walk(part, scope, "order")

    def _subquery(self, node: exp.Subquery, ctes: Mapping[str, Source], outer: Scope | None) -> Output:
        ctes = self._with(node, ctes, outer)
        output = self.query(node.this, ctes, outer)
        if any(
            node.args.get(key) for key in ("order", "limit", "offset", "where", "group", "having", "qualify")
        ):
            scope = Scope(outer, ctes, {"": self._derived(output, ())})
            for key in ("where", "group", "having", "qualify", "order", "limit", "offset"):
                part = node.args.get(key)
                if isinstance(part, exp.Expr):
                    self._walk(part, scope, "order")
        if node.args.get("joins") or node.args.get("laterals") or node.args.get("pivots"):
            scope = Scope(outer, ctes)
            self._source(node, scope, resolved=output)
            return self._star_output(scope)
        return output

    def _values(self, node: exp.Values, ctes: Mapping[str, Source], outer: Scope | None) -> Output:
        scope = Scope(outer, ctes)
        for row in node.expressions:
            self._walk(row, scope, "select")
        for key in ("order", "limit", "offset"):
            part = node.args.get(key)
            if isinstance(part, exp.Expr):
                self._walk(part, Scope(outer, ctes, {"": Source(None)}), "order")
        return Output(None)

    def _pivot_statement(self, node: exp.Pivot, ctes: Mapping[str, Source], outer: Scope | None) -> Output:
        ctes = self._with(node, ctes, outer)
        scope = Scope(outer, ctes)
        self._source(node.this, scope)
        self._pin_all(scope)
        self._pivot(node, scope)
        return Output(None)

    def _select(self, node: exp.Select, ctes: Mapping[str, Source], outer: Scope | None) -> Output:
        ctes = self._with(node, ctes, outer)
        scope = Scope(outer, ctes)
        if SCALARS in ctes:  # WITH expression AS name, ClickHouse
            scope.local = ctes[SCALARS].columns or frozenset()
        clause = node.args.get("from_")
        joins = list(node.args.get("joins") or ())
        first = None if clause is None else clause.this
        if self.engine.name == "sqlite" and isinstance(first, exp.Table) and isinstance(first.this, exp.Func):
            for join in joins:  # a table function may read what stands to its right there
                self._join(join, scope)
            self._source(first, scope)
        else:
            if first is not None:
                self._source(first, scope)
            for join in joins:
                self._join(join, scope)
        for lateral in node.args.get("laterals") or ():
            self._source(lateral, scope)
        if node.args.get("pivots"):
            for pivot in node.args["pivots"]:
                self._pivot(pivot, scope)
            self._pin_all(scope)
            scope.sources[""] = Source(None)
        if isinstance(node.args.get("match"), exp.MatchRecognize):
            self._match_recognize(node.args["match"], scope)
        scope.aliases = self._aliases(node)
        if self.engine.name == "databricks":
            scope.local = scope.local | _windows(node)
        for join in node.args.get("joins") or ():
            self._join_conditions(join, scope)
        for named in self.later.pop(id(node), ()):
            self._walk(named, scope, "select")
        order: list[str] | None = []
        loose = False
        for projection in node.expressions:
            names = self._projection(projection, scope)
            if names is None:
                order = None
            elif order is not None:
                if not names:
                    loose = True
                order.extend(names)
        for key in (
            "where",
            "prewhere",
            "group",
            "having",
            "qualify",
            "connect",
            "order",
            "sort",
            "cluster",
            "distribute",
            "limit",
            "offset",
            "sample",
            "distinct",
            "for_",
        ):
            part = node.args.get(key)
            if isinstance(part, exp.Expr):
                self._walk(part, scope, _CLAUSE.get(key, "select"))
        for part in node.args.get("windows") or ():
            self._walk(part, scope, "select")
        if node.args.get("match"):
            order = None
        if isinstance(node.args.get("kind"), str) and node.args["kind"].upper() in ("STRUCT", "VALUE"):
            order = None
        return Output(None if order is None else tuple(order), loose)

    def _match_recognize(self, node: exp.MatchRecognize, scope: Scope) -> None:
        pattern = node.args.get("pattern")
        text = pattern.name if isinstance(pattern, exp.Expr) else ""
        if not _PATTERN.fullmatch(text):
            raise Refusal("node", "the row pattern holds something else than names and signs")
        inner = Scope(scope.outer, scope.ctes, dict(scope.sources))
        subset = pattern.expression.name if isinstance(pattern, exp.Introducer) else ""
        for name in _WORD.findall(f"{text} {subset}"):
            inner.sources[self.engine.key(name, False, self.engine.names)] = Source(None)
        self._walk_parts(node, inner, "select", skip=("alias", "pattern"))
        self._pin_all(scope)
        self._add(node, Source(None), scope, fallback="")
        scope.sources[""] = Source(None)

    # --- projections -------------------------------------------------------------------------------------------

    def _aliases(self, node: exp.Select) -> frozenset[str]:
        names: set[str] = set()
        for projection in node.expressions:
            if isinstance(projection, exp.Alias) and isinstance(projection.args.get("alias"), exp.Identifier):
                names.add(self._column_key(projection.args["alias"]))
            elif isinstance(projection, exp.Aliases):
                names.update(
                    self._column_key(each) for each in projection.aliases if isinstance(each, exp.Identifier)
                )
        if self.engine.name == "clickhouse":  # an alias may be given to any part of an expression
            for alias in node.find_all(exp.Alias):
                if isinstance(alias.args.get("alias"), exp.Identifier):
                    names.add(self._column_key(alias.args["alias"]))
        return frozenset(names)

    def _projection_name(self, projection: exp.Expr) -> str | None:
        """The folded name of one projection; "" where it has none of its own, None for a star."""
        if isinstance(projection, exp.Alias):
            alias = projection.args.get("alias")
            return self._column_key(alias) if isinstance(alias, exp.Identifier) else ""
        if isinstance(projection, (exp.Star, exp.Columns)):
            return None
        if isinstance(projection, (exp.Column, exp.Dot)):
            last = projection.this if isinstance(projection, exp.Column) else projection.expression
            if isinstance(last, exp.Star):
                return None
            return self._column_key(last) if isinstance(last, exp.Identifier) else ""
        if isinstance(projection, (exp.Cast, exp.JSONExtract, exp.Bracket, exp.Paren)):
            inner = self._projection_name(projection.this)
            return inner or ""
        if isinstance(projection, exp.Func):
            written = projection.meta.get("name") or projection.name if projection.meta else projection.name
            if not written and not isinstance(projection, exp.Anonymous):
                written = projection.sql_name()
            name = str(written)
            return self.engine.key(name, False, self.engine.columns) if name else ""
        return ""

    def _projection(self, projection: exp.Expr, scope: Scope) -> list[str] | None:
        """Check one projection; the names it adds, [] where it has none, None where they are not known."""
        if isinstance(projection, exp.Star):
            self._pin_all(scope)
            self._walk_parts(projection, scope, "select", skip=("except_", "rename"))
            output = self._star_output(scope)
            return self._star_names(projection, output)
        if isinstance(projection, exp.Column) and isinstance(projection.this, exp.Star):
            source = self._source_of_star(projection, scope)
            if source is None:
                return None
            self._pin(source)
            self._walk_parts(projection.this, scope, "select", skip=("except_", "rename"))
            if source.order is None:
                return None
            return self._star_names(projection.this, Output(source.order, source.loose))
        if isinstance(projection, exp.Aliases):
            self._walk(projection.this, scope, "select")
            return [self._column_key(each) for each in projection.aliases if isinstance(each, exp.Identifier)]
        self._walk(projection, scope, "select")
        name = self._projection_name(projection)
        if name is None:
            return None
        return [name] if name else []

    def _star_names(self, star: exp.Expr, output: Output) -> list[str] | None:
        if output.order is None:
            return None
        names = list(output.order)
        for renamed in star.args.get("rename") or ():
            old = renamed.this.this if isinstance(renamed.this, exp.Column) else renamed.this
            if not output.loose and isinstance(old, exp.Identifier) and self._column_key(old) not in names:
                raise Refusal("column", f"{shortened(old)} is not a column that you can query here")
            if isinstance(renamed, exp.Alias) and isinstance(renamed.args.get("alias"), exp.Identifier):
                names.append(self._column_key(renamed.args["alias"]))
        return names

    def _source_of_star(self, column: exp.Column, scope: Scope) -> Source | None:
        table = column.args.get("table")
        if not isinstance(table, exp.Identifier):
            raise Refusal("column", "a star has an unknown table")
        source = self._lookup(self._table_key(table), scope, column.args.get("db"))
        if source is None:
            if self.engine.structs:
                self._column(exp.Column(this=table.copy()), scope, "select", None)
                return None
            raise Refusal("column", f"{shortened(table)}.* is not a table of this FROM")
        return source


def _windows(node: exp.Select) -> frozenset[str]:
    """Databricks: `SELECT window.start .. GROUP BY window(a, '1 hour')`, the column that such a call makes."""
    group = node.args.get("group")
    if group is None:
        return frozenset()
    names = (function_name(each) for each in group.expressions if isinstance(each, exp.Func))
    return frozenset(name for name in names if name in ("window", "session_window"))


def _is_union_all(body: exp.Expr) -> bool:
    while isinstance(body, exp.Subquery) and body.is_wrapper:
        body = body.this
    return type(body) is exp.Union and body.args.get("distinct") is False
