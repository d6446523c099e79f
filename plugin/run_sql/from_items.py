"""Items of a FROM: tables that are visible, CTEs, derived tables, functions from a short list, joins and pivots.

Anything else that could stand there is refused. One file because the short list of what may stand there is one list.
"""

from __future__ import annotations

import re

from sqlglot import exp

from plugin.run_sql.called import FUNCTION_COLUMNS, function_name
from plugin.run_sql.columns import shortened
from plugin.run_sql.expressions import Expressions
from plugin.run_sql.scope import Output, Scope, Source
from plugin.run_sql.verdict import Refusal, VisibleTable, ascii_lower


class FromItems(Expressions):
    """Puts the sources of a FROM into its scope."""

    def _source(self, node: exp.Expr, scope: Scope, resolved: Output | None = None) -> None:
        """Add one item of a FROM to the scope. Raises Refusal for anything that is not on the short list."""
        if isinstance(node, exp.Final):
            self._source(node.this, scope)
        elif isinstance(node, exp.TableSample):
            self._walk_parts(node, scope, "select", skip=("this",))
            self._source(node.this, scope)
        elif isinstance(node, exp.Table):
            self._table(node, scope)
        elif isinstance(node, exp.Subquery):
            self._from_subquery(node, scope, resolved)
        elif isinstance(node, exp.Values):
            self._values(node, scope.ctes, scope)
            self._add(node, Source(None, function=True), scope)
        elif isinstance(node, exp.Lateral):
            self._lateral(node, scope)
        elif isinstance(node, exp.TableFromRows):
            self._table_function(node.this, node, scope)
            self._extras(node, scope)
        elif isinstance(node, (exp.Unnest, exp.Func)):
            self._table_function(node, node, scope)
            self._extras(node, scope)
        elif isinstance(node, exp.Pivot) and node.unpivot and self.engine.name == "redshift":
            self._unpivoted(node, scope)
        elif isinstance(node, exp.Paren):
            self._source(node.this, scope)
        elif isinstance(node, exp.AtIndex) and self.engine.name == "redshift":
            self._at_index(node, scope)
        elif isinstance(node, exp.Alias):
            self._table_function(node.this, node, scope)
        else:
            raise Refusal("table", "something that is not a table stands in FROM")

    def _extras(self, node: exp.Expr, scope: Scope) -> None:
        """What may hang on an item of FROM: pivots, a sample, nested joins, laterals."""
        for key in ("sample", "system_time", "version", "when"):
            part = node.args.get(key)
            if isinstance(part, exp.Expr):
                self._walk(part, scope, "select")
        for pivot in node.args.get("pivots") or ():
            self._pin_all(scope)
            self._pivot(pivot, scope)
            self._add(pivot, Source(None), scope, fallback="")
            scope.sources[""] = Source(None)
        for join in node.args.get("joins") or ():
            self._join(join, scope)
            self._join_conditions(join, scope)
        for lateral in node.args.get("laterals") or ():
            self._source(lateral, scope)

    def _pivot(self, node: exp.Pivot, scope: Scope) -> None:
        """The parts of PIVOT and UNPIVOT: what names columns is checked, what only makes new names is not."""
        fields = node.args.get("fields") or ()
        if not (node.unpivot and fields):
            for part in node.expressions:
                self._walk(part, scope, "select")
        elif not all(_only_names(part) for part in node.expressions):
            raise Refusal("node", "UNPIVOT names its value with something else than a name")
        for each in fields:
            if not isinstance(each, exp.In):
                self._walk(each, scope, "select")
                continue
            if not node.unpivot:
                self._walk(each.this, scope, "select")
            elif not _only_names(each.this):
                raise Refusal("node", "UNPIVOT names its column with something else than a name")
            for part in each.expressions:
                if node.unpivot or not _only_names(part):
                    self._walk(part, scope, "select")
            for key in ("query", "unnest", "field"):
                part = each.args.get(key)
                if isinstance(part, exp.Expr):
                    self._walk(part, scope, "select")
        self._walk_parts(
            node, scope, "select", skip=("this", "with_", "alias", "expressions", "fields", "into", "columns")
        )

    def _table(self, node: exp.Table, scope: Scope) -> None:
        partition = node.args.get("partition")
        if partition is not None and not all(_only_names(each) for each in partition.expressions):
            raise Refusal("node", "PARTITION names a partition with something else than a name")
        for item in node.args.get("rows_from") or ():
            inner = item.this if isinstance(item, exp.Table) else item
            self._check_table_function(inner, scope)
        if node.args.get("rows_from"):
            self._add(node, Source(None, function=True), scope)
            return
        name = node.this
        if isinstance(name, exp.Func):
            if node.args.get("db") is not None or node.args.get("catalog") is not None:
                raise Refusal("function", "a function with a schema's name is refused")
            if _is_search(name) and self.engine.name == "sqlite":
                table = self.index.get((self._catalog_key(self.default_schema or "main"), name.name.lower()))
                if table is not None and table.columns is not None and not table.partial and not table.masked:
                    self._add(node, self._base(node, table), scope, fallback=name.name.lower())
                    self._extras(node, scope)
                    for column in table.columns:
                        self.found.columns[f"{table.label}.{column}"] = None
                    return
            self._table_function(name, node, scope)
            self._extras(node, scope)
            return
        if not isinstance(name, exp.Identifier):
            raise Refusal("table", "only plain names of tables are allowed in FROM")
        source = self._named(node, name, scope)
        self._add(node, source, scope, fallback=self._table_key(name))
        self._extras(node, scope)

    def _named(self, node: exp.Table, name: exp.Identifier, scope: Scope) -> Source:
        """The CTE or visible table behind a name."""
        schema, catalog = node.args.get("db"), node.args.get("catalog")
        if schema is None and catalog is None:
            cte = scope.ctes.get(self._table_key(name))
            if cte is not None:
                return Source(cte.columns, cte.order, loose=cte.loose, function=cte.function)
            if self.engine.dual and ascii_lower(name.name) == "dual":
                return Source(frozenset({self._column_key(exp.to_identifier("dummy"))}))
            array = self._array_in_from(name, scope)
            if array is not None:
                return array
        if self.engine.name in ("redshift", "bigquery") and self._is_array_path(node, scope):
            return Source(None, function=True)
        table = self._visible(name, schema, catalog)
        return self._base(node, table)

    def _is_array_path(self, node: exp.Table, scope: Scope) -> bool:
        """`LEFT JOIN o.items i`: a path that begins with an alias of this FROM and a column that it is known to have.
        The engine takes the alias for it before a schema of that name."""
        parts = [part for part in node.parts if isinstance(part, exp.Identifier)]
        source = scope.sources.get(self._table_key(parts[0])) if parts else None
        if len(parts) != len(node.parts) or len(parts) < 2 or source is None or source.columns is None:
            return False
        if self._column_key(parts[1]) not in source.columns:
            return False
        self._touch(source, self._column_key(parts[1]), parts[1])
        return True

    def _check_array_path(self, inner: exp.Expr, scope: Scope) -> None:
        """Redshift's `FROM t o, o.items i` is written back as a plain path, which a schema called `o` could answer."""
        path = next(iter(inner.expressions), None) if isinstance(inner, exp.Unnest) else inner
        if not isinstance(path, exp.Column):
            return
        parts = [part for part in path.parts if isinstance(part, exp.Identifier)]
        source = self._lookup(self._table_key(parts[0]), scope, None) if len(parts) > 1 else None
        if source is not None and source.columns is None and source.table is not None:
            raise Refusal("table", "a path in FROM begins with a column that is known")

    def _array_in_from(self, name: exp.Identifier, scope: Scope) -> Source | None:
        """Redshift and BigQuery read `FROM t AS o, o.items AS i`; only the qualified form reaches `_visible`."""
        return None

    def _visible(
        self, name: exp.Identifier, schema: exp.Expr | None, catalog: exp.Expr | None
    ) -> VisibleTable:
        parts = [name]
        if schema is not None:
            if not isinstance(schema, exp.Identifier):
                raise Refusal("table", "only plain names of tables are allowed in FROM")
            parts.insert(0, schema)
        if catalog is not None:
            if not isinstance(catalog, exp.Identifier):
                raise Refusal("table", "only plain names of tables are allowed in FROM")
            parts.insert(0, catalog)
        shown = ".".join(shortened(part) for part in parts)
        keys = tuple(self._table_key(part) for part in parts)
        if len(keys) == 1:
            if self.default_schema is not None:
                table = self.index.get((self._catalog_key(self.default_schema), keys[0]))
                if table is None and self.database is not None:
                    table = self.index.get(
                        (self._catalog_key(self.database), self._catalog_key(self.default_schema), keys[0])
                    )
            else:
                table = self.index.get(keys)
        elif len(keys) == 2:
            table = self.index.get(keys)
            if table is None and self.engine.name == "sqlite" and keys[0] == "main" and self.default_schema:
                table = self.index.get((self._catalog_key(self.default_schema), keys[1]))
            if table is None and self.database is not None:
                table = self.index.get((self._catalog_key(self.database), *keys))
        else:
            table = self.index.get(keys)
            if table is None and self.database is not None and keys[0] == self._catalog_key(self.database):
                table = self.index.get(keys[1:])
        if table is None:
            raise Refusal("table", f"{shown} is not a table that you can query here")
        return table

    def _base(self, node: exp.Table, table: VisibleTable) -> Source:
        self.found.tables[table.label] = table
        self.found.nodes.append((node, table))
        if table.columns is None:
            source = Source(None, table=table, node=node)
        else:
            known = self.bases.get(id(table))
            if known is None:
                label = table.label
                display = {self._catalog_column_key(column): f"{label}.{column}" for column in table.columns}
                known = self.bases[id(table)] = (frozenset(display), tuple(display), display)
            source = Source(known[0], known[1], table, node, known[2])
        if table.masked:
            self.found.pins[id(node)] = (node, table)
        return source

    def _from_subquery(self, node: exp.Subquery, scope: Scope, resolved: Output | None) -> None:
        inner = node.this
        while isinstance(inner, exp.Subquery) and inner.is_wrapper:
            inner = inner.this
        if isinstance(inner, (exp.Table, exp.Lateral, exp.Unnest)) or (
            isinstance(inner, exp.Subquery) and inner.args.get("alias")
        ):  # (a JOIN b ON ...), a bracket around sources
            alias = node.args.get("alias")
            target = scope if alias is None else Scope(scope.outer, scope.ctes)
            self._source(inner, target)
            for join in node.args.get("joins") or ():
                self._join(join, target)
                self._join_conditions(join, target)
            if alias is not None:
                self._pin_all(target)
                self._add(node, self._derived(self._star_output(target), ()), scope)
            return
        outer = scope if self.engine.lateral_siblings else scope.outer
        if resolved is None:
            ctes = self._with(node, scope.ctes, outer)
            resolved = self.query(node.this, ctes, outer)
            order = node.args.get("order")
            limits = [node.args.get(key) for key in ("limit", "offset")]
            for part in (order, *limits):
                if isinstance(part, exp.Expr):
                    self._walk(part, Scope(outer, ctes, {"": self._derived(resolved, ())}), "order")
        self._add(node, self._derived(resolved, ()), scope)
        self._extras(node, scope)

    def _lateral(self, node: exp.Lateral, scope: Scope) -> None:
        inner = node.this
        if isinstance(inner, exp.Subquery):
            output = self.query(inner, scope.ctes, scope)
            self._add(node, self._derived(output, ()), scope)
        elif isinstance(inner, exp.TableFromRows):
            self._table_function(inner.this, node, scope)
        elif isinstance(inner, exp.Table):
            self._table(inner, scope)
        elif isinstance(inner, (exp.Func, exp.Unnest)):
            self._table_function(inner, node, scope)
        elif isinstance(inner, exp.Values):
            self._values(inner, scope.ctes, scope)
            self._add(node, Source(None, function=True), scope)
        else:
            raise Refusal("table", "this form of LATERAL is refused")

    def _unpivoted(self, node: exp.Pivot, scope: Scope) -> None:
        """Redshift: `FROM t o, UNPIVOT o.attributes AS value AT name`."""
        at = node.this
        named = at.this if isinstance(at, exp.AtIndex) else at
        if not (isinstance(named, exp.Alias) and isinstance(named.this, exp.Column)):
            raise Refusal("table", "UNPIVOT in FROM takes a column here")
        self._walk(named.this, scope, "select")
        scope.sources[self._table_key(named.args["alias"])] = Source(None, function=True)
        if isinstance(at, exp.AtIndex) and isinstance(at.expression, exp.Identifier):
            scope.local = scope.local | {self._column_key(at.expression)}

    def _check_table_function(self, inner: exp.Expr, scope: Scope) -> str:
        listed = next(iter(inner.expressions), None) if function_name(inner) == "table" else None
        if isinstance(listed, exp.Dot) and len(inner.expressions) == 1:  # TABLE(sys.odcinumberlist(1, 2))
            inner = listed.expression
            name = f"{listed.this.name}.{function_name(inner)}".lower()
            if name not in self.engine.from_functions:
                raise Refusal("function", f"the function {name[:80]} is not allowed in FROM")
            self._walk_parts(inner, scope, "select")
            return name
        if self.engine.name == "oracle" and isinstance(listed, exp.Column) and len(inner.expressions) == 1:
            if not self._is_known(listed, scope):  # a name that is no column could be somebody's function
                raise Refusal("table", "TABLE(..) takes a column that is known here")
            self._walk(listed, scope, "select")
            return "table"
        if not isinstance(inner, exp.Func):
            raise Refusal("table", "only plain names of tables are allowed in FROM")
        if self.engine.name == "trino" and isinstance(listed, exp.Func) and len(inner.expressions) == 1:
            return self._check_table_function(listed, scope)  # TABLE(sequence(1, 2))
        name = function_name(inner)
        if name not in self.engine.from_functions and not (
            self.engine.name == "postgres" and name in self.engine.functions
        ):  # PostgreSQL: any function may stand there, and gives no more than it would in SELECT
            raise Refusal("function", f"the function {name} is not allowed in FROM")
        if self.engine.name == "oracle" and isinstance(inner, exp.XMLTable):
            _check_paths(inner)
        self._walk(inner, scope, "select")
        return name

    def _table_function(self, inner: exp.Expr, holder: exp.Expr, scope: Scope) -> None:
        if self.engine.name == "redshift":
            self._check_array_path(inner, scope)
        if self.engine.structs and isinstance(inner, exp.Column):
            self._walk(inner, scope, "select")
            self._add(holder, Source(None, function=True), scope)
            return
        name = self._check_table_function(inner, scope)
        columns = FUNCTION_COLUMNS.get(name)
        folded = None
        if columns is not None:
            fold = self.engine.columns
            folded = tuple(self.engine.key(column, False, fold) for column in columns)
            folded += tuple(column for column in columns if column not in folded)
        elif not self.engine.structs and name in ("unnest", "generate_subscripts", "jsonb_array_elements"):
            folded = (name, "value", "ordinality")
        if isinstance(inner, (exp.OpenJSON, exp.JSONTable, exp.XMLTable)):
            folded = None
        if name.endswith(("recordset", "_to_record")):
            folded = None
        source = Source(None if folded is None else frozenset(folded), folded, function=True)
        extras = {"ordinality"} if holder.args.get("ordinality") else set()
        for key in ("offset", "ordinality"):
            extra = inner.args.get(key)
            if isinstance(extra, exp.Identifier):
                extras.add(self._column_key(extra))
                scope.local = scope.local | {self._column_key(extra)}
        self._add(holder, source, scope, fallback=self.engine.key(name, False, self.engine.names))
        added = next(reversed(scope.sources.values()))
        if extras and added.columns is not None:
            added.columns = added.columns | extras

    def _add(self, holder: exp.Expr, source: Source, scope: Scope, fallback: str = "") -> None:
        """Put a source into the scope under its alias; the alias may rename its columns."""
        alias = holder.args.get("alias")
        name = fallback
        if isinstance(alias, exp.TableAlias):
            renamed = tuple(self._column_key(_identifier(column)) for column in alias.columns)
            if isinstance(alias.this, exp.Identifier):
                name = self._table_key(alias.this)
                if source.function and source.columns is not None and not renamed:
                    own = self._column_key(alias.this)
                    source.columns = source.columns | {own}
            elif renamed:
                name = renamed[0]
            if renamed and alias.this is None and self.engine.structs:
                source.columns = None if source.columns is None else source.columns | set(renamed)
            elif renamed:
                source = self._rename(source, renamed)
        elif isinstance(alias, exp.Identifier):
            name = self._table_key(alias)
        while name in scope.sources:
            if name and source.table is not None and scope.sources[name].table is not None:
                first, second = scope.sources[name], source
                if (
                    first.node is not None
                    and second.node is not None
                    and _bare(first.node)
                    and _bare(second.node)
                ):
                    name += " "  # two tables of one name from two schemas; a column then needs the schema
                    continue
                raise Refusal("scope", f"the name {name} is used twice in one FROM")
            name += " "
        scope.sources[name] = source

    def _rename(self, source: Source, renamed: tuple[str, ...]) -> Source:
        if source.table is not None:
            self._pin(source)
        rest: tuple[str, ...] = ()
        if source.order is not None and not source.function:
            rest = source.order[len(renamed) :]
        elif source.columns is None and not source.function:
            return Source(None)
        order = renamed + rest
        return Source(frozenset(order), order, function=source.function)

    def _derived(self, output: Output, given: tuple[str, ...]) -> Source:
        source = Source(output.columns, output.order, loose=output.loose)
        if given:
            rest = () if output.order is None else output.order[len(given) :]
            source = Source(frozenset(given + rest), given + rest)
        return source

    def _star_output(self, scope: Scope) -> Output:
        order: list[str] = []
        loose = False
        for source in scope.sources.values():
            if source.columns is None:
                return Output(None)
            order.extend(source.order if source.order is not None else sorted(source.columns))
            loose = loose or source.loose
        return Output(tuple(order), loose)

    def _join(self, join: exp.Join, scope: Scope) -> None:
        if str(join.args.get("kind") or "").upper() == "ARRAY" and self._array_join(join, scope):
            return
        self._source(join.this, scope)
        for pivot in join.args.get("pivots") or ():
            self._pivot(pivot, scope)
            self._pin_all(scope)
            scope.sources[""] = Source(None)
        if str(join.args.get("method") or "").upper() == "NATURAL":
            self._pin_all(scope)

    def _at_index(self, node: exp.AtIndex, scope: Scope) -> None:
        """Redshift: `FROM t c, c.items AS o AT i`."""
        self._source(node.this, scope)
        if isinstance(node.expression, exp.Identifier):
            scope.local = scope.local | {self._column_key(node.expression)}

    def _join_conditions(self, join: exp.Join, scope: Scope) -> None:
        for key in ("on", "match_condition"):
            part = join.args.get(key)
            if isinstance(part, exp.Expr):
                self._walk(part, scope, "join")
        for name in join.args.get("using") or ():
            identifier = name.this if isinstance(name, exp.Column) else name
            if isinstance(identifier, exp.Identifier):
                self._column(exp.Column(this=identifier.copy()), scope, "using", None)


_PATH = re.compile(r"(?:[\w/@*.\-]|\btext\(\)|\[[\w/@*.\-= ]*\]|'[\w .\-]*')*")


def _check_paths(node: exp.XMLTable) -> None:
    """Oracle's XMLTABLE runs XQuery, which can open addresses and tables by its functions: plain paths only."""
    for literal in node.find_all(exp.Literal):
        if literal.is_string and not _PATH.fullmatch(literal.name):
            raise Refusal("function", "XMLTABLE takes a plain path here, without calls")
    if not isinstance(node.this, exp.Literal):
        raise Refusal("function", "XMLTABLE takes a plain path here, written as a text")


def _is_search(node: exp.Expr) -> bool:
    """SQLite: `t('words')` in FROM, which searches the full-text table t; the words are a text."""
    return (
        isinstance(node, exp.Anonymous)
        and isinstance(node.this, str)
        and len(node.expressions) == 1
        and isinstance(node.expressions[0], exp.Literal)
        and node.expressions[0].is_string
    )


def _only_names(node: exp.Expr) -> bool:
    """Nothing but names: a column, an alias of one, a list of them."""
    return all(
        isinstance(each, (exp.Column, exp.Identifier, exp.Alias, exp.Aliases, exp.Tuple, exp.PivotAlias))
        for each in node.walk()
    )


def _identifier(node: exp.Expr) -> exp.Expr:
    """The name in a column alias that may carry a type (`AS t(a int)`)."""
    return node.this if isinstance(node, exp.ColumnDef) and isinstance(node.this, exp.Expr) else node


def _bare(node: exp.Table) -> bool:
    return node.args.get("alias") is None
