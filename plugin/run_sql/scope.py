"""Names: every table and column of a statement, resolved by lexical scope against the visible tables.

A CTE is visible after its definition and inside its own statement only; a qualified name is never a CTE. Every
column must belong to a source of its scope, where the columns of that source are known. What cannot be resolved is
refused, in the same words whether it does not exist or is hidden.

One file because queries, sources, expressions and columns call each other, and a rule of scope that is split over files
is where guards were by-passed elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from plugin.run_sql.dialects import Engine
from plugin.run_sql.nested import Fields
from plugin.run_sql.verdict import Refusal, VisibleTable, VisibleTables, ascii_lower

UNITS = frozenset(
    """year years yy yyyy y month months mm mon m day days dd d hour hours hh h minute minutes mi n min
    second seconds ss s millisecond milliseconds ms microsecond microseconds mcs us nanosecond
    nanoseconds ns week weeks wk ww w weekday dw dayofweek dayofyear dy doy dow quarter quarters qq q
    isoweek isoyear iso_week iso_year isodow decade century millennium epoch epoch_second dayofweekiso
    dayofweek_iso weekiso week_iso yearofweek yearofweekiso yearweek nanosecond timezone_hour
    timezone_minute utf8 base64 hex sql_tsi_day sql_tsi_month sql_tsi_year day_hour year_month tzoffset
    date time""".split()
)
UNIT_FUNCTIONS = frozenset(
    """datediff date_diff dateadd date_add date_sub datepart date_part datename date_trunc datetrunc
    timestampdiff timestampadd timestamp_trunc datetime_trunc time_trunc timestamp_diff datetime_diff
    time_diff last_day trunc time_slice timeadd timediff next_day date_bucket datediff_big extract
    timestamp_add timestamp_sub interval_cmp date_part_year to_interval""".split()
)

_FUNCTION_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "json_each": ("key", "value", "type", "atom", "id", "parent", "fullkey", "path", "rowid"),
    "json_tree": ("key", "value", "type", "atom", "id", "parent", "fullkey", "path", "rowid"),
    "json_each_text": ("key", "value"),
    "jsonb_each": ("key", "value"),
    "jsonb_each_text": ("key", "value"),
    "each": ("key", "value"),
    "flatten": ("SEQ", "KEY", "PATH", "INDEX", "VALUE", "THIS"),
    "explode": ("SEQ", "KEY", "PATH", "INDEX", "VALUE", "THIS", "col", "key", "value"),
    "split_to_table": ("SEQ", "INDEX", "VALUE"),
    "strtok_split_to_table": ("SEQ", "INDEX", "VALUE"),
    "openjson": ("key", "value", "type"),
    "string_split": ("value", "ordinal"),
    "numbers": ("number",),
    "numbers_mt": ("number",),
    "zeros": ("zero",),
    "generate_series": ("generate_series", "value", "generate_series_absent"),
    "range": ("range", "id"),
    "posexplode": ("pos", "col", "key", "value"),
}


@dataclass(slots=True)
class Source:
    """One item of a FROM. `columns` are folded names, None where not known; `node` is set for a base table."""

    columns: frozenset[str] | None
    order: tuple[str, ...] | None = None
    table: VisibleTable | None = None
    node: exp.Table | None = None
    display: Mapping[str, str] = field(default_factory=dict)
    loose: bool = False
    function: bool = False
    nested: Fields | None = None
    """The fields of struct columns where told; no rule of the guard reads it, `check_names` does."""


@dataclass(slots=True)
class Scope:
    """The sources of one SELECT and what encloses it."""

    outer: Scope | None
    ctes: Mapping[str, Source]
    sources: dict[str, Source] = field(default_factory=dict)
    aliases: frozenset[str] = frozenset()
    local: frozenset[str] = frozenset()

    def chain(self) -> Iterator[Scope]:
        """This scope, then the enclosing ones."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.outer


@dataclass(slots=True)
class Output:
    """The columns a query gives: names in order, None where one of them is not known."""

    order: tuple[str, ...] | None
    loose: bool = False
    nested: Fields | None = None

    @property
    def columns(self) -> frozenset[str] | None:
        return None if self.order is None else frozenset(self.order)


@dataclass(slots=True)
class Found:
    """What resolving a statement gave."""

    tables: dict[str, VisibleTable] = field(default_factory=dict)
    columns: dict[str, None] = field(default_factory=dict)
    nodes: list[tuple[exp.Table, VisibleTable]] = field(default_factory=list)
    pins: dict[int, tuple[exp.Table, VisibleTable]] = field(default_factory=dict)


_SCALARS = "\x00scalars"
"""Under this name, which no statement can write, stand the expressions that WITH named."""
_PATTERN = re.compile(r"[\w\s*+?{},|()^$-]*")
_WORD = re.compile(r"[A-Za-z_]\w*")


class Resolver:
    """Resolves one statement. Use once: `resolve(tree)` gives a Found or raises Refusal."""

    def __init__(
        self, engine: Engine, visible: VisibleTables, default_schema: str | None, database: str | None
    ) -> None:
        self.engine = engine
        self.default_schema = default_schema
        self.database = database
        self.index = visible.index("lower" if engine.names == "insensitive" else "exact")
        self.found = Found()

    # --- entry -------------------------------------------------------------------------------------------------

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
            if cte.args.get("scalar") or not isinstance(body, (exp.Query, exp.Values, exp.Table)):
                scope = Scope(outer, known)
                self._walk(body, scope, "select")
                known[_SCALARS] = known.get(_SCALARS, Source(frozenset()))
                known[_SCALARS] = Source(
                    (known[_SCALARS].columns or frozenset()) | {self._column_key(name_node)}
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

    def _select(self, node: exp.Select, ctes: Mapping[str, Source], outer: Scope | None) -> Output:
        ctes = self._with(node, ctes, outer)
        scope = Scope(outer, ctes)
        if _SCALARS in ctes:  # WITH expression AS name, ClickHouse
            scope.local = ctes[_SCALARS].columns or frozenset()
        clause = node.args.get("from_")
        if clause is not None:
            self._source(clause.this, scope)
        for join in node.args.get("joins") or ():
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
        for join in node.args.get("joins") or ():
            self._join_conditions(join, scope)
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
        for name in _WORD.findall(text):
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
            raise Refusal("column", f"{_shown(table)}.* is not a table of this FROM")
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

    # --- sources -----------------------------------------------------------------------------------------------

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
        elif isinstance(node, exp.Paren):
            self._source(node.this, scope)
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

    def _table(self, node: exp.Table, scope: Scope) -> None:
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
        table = self._visible(name, schema, catalog)
        return self._base(node, table)

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
        shown = ".".join(_shown(part) for part in parts)
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
            display = {self._catalog_column_key(column): column for column in table.columns}
            source = Source(frozenset(display), tuple(display), table, node, display)
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

    def _check_table_function(self, inner: exp.Expr, scope: Scope) -> str:
        if not isinstance(inner, exp.Func):
            raise Refusal("table", "only plain names of tables are allowed in FROM")
        name = function_name(inner)
        if name not in self.engine.from_functions:
            raise Refusal("function", f"the function {name} is not allowed in FROM")
        self._walk(inner, scope, "select")
        return name

    def _table_function(self, inner: exp.Expr, holder: exp.Expr, scope: Scope) -> None:
        if self.engine.structs and isinstance(inner, exp.Column):
            self._walk(inner, scope, "select")
            self._add(holder, Source(None, function=True), scope)
            return
        name = self._check_table_function(inner, scope)
        columns = _FUNCTION_COLUMNS.get(name)
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

    def _join(self, join: exp.Join, scope: Scope) -> None:
        self._source(join.this, scope)
        for pivot in join.args.get("pivots") or ():
            self._pivot(pivot, scope)
            self._pin_all(scope)
            scope.sources[""] = Source(None)
        if str(join.args.get("method") or "").upper() == "NATURAL":
            self._pin_all(scope)

    def _join_conditions(self, join: exp.Join, scope: Scope) -> None:
        for key in ("on", "match_condition"):
            part = join.args.get(key)
            if isinstance(part, exp.Expr):
                self._walk(part, scope, "join")
        for name in join.args.get("using") or ():
            identifier = name.this if isinstance(name, exp.Column) else name
            if isinstance(identifier, exp.Identifier):
                self._column(exp.Column(this=identifier.copy()), scope, "using", None)

    # --- expressions -------------------------------------------------------------------------------------------

    def _walk_parts(self, node: exp.Expr, scope: Scope, clause: str, skip: Iterable[str] = ()) -> None:
        for key, value in node.args.items():
            if key in skip:
                continue
            for part in value if isinstance(value, list) else (value,):
                if isinstance(part, exp.Expr):
                    self._walk(part, scope, clause)

    def _walk(self, root: exp.Expr, scope: Scope, clause: str) -> None:
        """Check every name below an expression. An explicit stack: conditions may be long chains."""
        stack: list[exp.Expr] = [root]
        while stack:
            node = stack.pop()
            if isinstance(node, exp.Column):
                if isinstance(node.this, exp.Star):
                    self._projection(node, scope)
                else:
                    self._column(node, scope, clause, node.parent)
                continue
            if isinstance(node, exp.Identifier):
                continue
            if isinstance(node, (exp.Select, exp.SetOperation, exp.Subquery)):
                self.query(node, scope.ctes, scope)
                continue
            if isinstance(node, exp.Values):
                self._values(node, scope.ctes, scope)
                continue
            if isinstance(node, exp.Table):
                raise Refusal("table", "a table stands where an expression is expected")
            if isinstance(node, exp.Star):
                if not isinstance(node.parent, exp.Count):
                    self._pin_all(scope)
                self._walk_parts(node, scope, clause, skip=("except_", "rename"))
                continue
            if isinstance(node, exp.Columns):
                self._pin_all(scope)
            if isinstance(node, (exp.Lambda, exp.Comprehension)):
                self._lambda(node, scope, clause)
                continue
            if isinstance(node, exp.In):
                self._in(node, scope)
            if isinstance(node, exp.Dot):
                self._dot(node, scope, clause)
                continue
            skipped = _SKIPPED.get(type(node), ())
            for key, value in node.args.items():
                if key in skipped:
                    continue
                if isinstance(value, list):
                    stack.extend(part for part in value if isinstance(part, exp.Expr))
                elif isinstance(value, exp.Expr):
                    stack.append(value)

    def _lambda(self, node: exp.Expr, scope: Scope, clause: str) -> None:
        names: set[str] = set()
        parameters = node.expressions if isinstance(node, exp.Lambda) else [node.args.get("expression")]
        for parameter in parameters:
            if isinstance(parameter, exp.Expr):
                names.update(self._column_key(each) for each in parameter.find_all(exp.Identifier))
        inner = Scope(scope.outer, scope.ctes, scope.sources, scope.aliases, scope.local | names)
        if isinstance(node, exp.Lambda):
            self._walk(node.this, inner, clause)
            return
        for key in ("this", "condition"):
            part = node.args.get(key)
            if isinstance(part, exp.Expr):
                self._walk(part, inner, clause)
        iterator = node.args.get("iterator")
        if isinstance(iterator, exp.Expr):
            self._walk(iterator, scope, clause)

    def _in(self, node: exp.In, scope: Scope) -> None:
        operand = node.args.get("field")
        listed = node.expressions
        if self.engine.bare_in:
            if operand is not None and not isinstance(
                operand, (exp.Array, exp.Tuple, exp.Paren, exp.Func, exp.Subquery)
            ):
                raise Refusal("table", "a bare name after IN could be a table; write a list or a subquery")
            columns = [each for each in listed if isinstance(each, exp.Column)]
            if len(listed) == 1 and columns:
                name = columns[0]
                if not self._is_known(name, scope):
                    raise Refusal(
                        "table", "a bare name after IN could be a table; write a list or a subquery"
                    )

    def _is_known(self, column: exp.Column, scope: Scope) -> bool:
        key = self._column_key(column.this)
        table = column.args.get("table")
        for each in scope.chain():
            for name, source in each.sources.items():
                if source.columns is not None and key in source.columns:
                    if not isinstance(table, exp.Identifier) or self._table_key(table) == name:
                        return True
        return False

    def _dot(self, node: exp.Dot, scope: Scope, clause: str) -> None:
        """`(x).name`, struct fields and qualified built-ins; a function behind a dot was checked with the functions."""
        right = node.expression
        left = node.this
        if isinstance(right, exp.Func):  # only engines' own names get here, see guard.check_functions
            self._walk_parts(right, scope, clause)
            return
        if isinstance(left, exp.Paren) and not self.engine.structs:
            column = left.this
            if (
                isinstance(column, exp.Column)
                and column.args.get("table") is None
                and isinstance(column.this, exp.Identifier)
                and isinstance(right, (exp.Identifier, exp.Star))
            ):
                qualified = exp.Column(this=right.copy(), table=column.this.copy())
                source = self._lookup(self._table_key(column.this), scope, None)
                if source is not None and source.columns is not None:
                    if isinstance(right, exp.Star):
                        self._pin(source)
                        return
                    self._column(qualified, scope, clause, node)
                    self._pin(source)
                    return
            raise Refusal("column", "a name after a bracket could call a function; name the column directly")
        if not self.engine.structs and not isinstance(left, (exp.Column, exp.Dot)):
            raise Refusal(
                "column", "a name after an expression could call a function; name the column directly"
            )
        if not self.engine.structs and isinstance(left, (exp.Column, exp.Dot)):
            raise Refusal("column", "a name with too many parts")
        if isinstance(left, exp.Expr):
            self._walk(left, scope, clause)
        if isinstance(right, exp.Expr) and not isinstance(right, (exp.Identifier, exp.Star, exp.Literal)):
            self._walk(right, scope, clause)

    # --- columns -----------------------------------------------------------------------------------------------

    def _column(self, node: exp.Column, scope: Scope, clause: str, parent: exp.Expr | None) -> None:
        name = node.this
        if (
            isinstance(name, exp.Literal)
            and self.engine.structs
            and isinstance(node.args.get("table"), exp.Identifier)
        ):
            tuple_ = exp.Column(this=node.args["table"].copy(), table=_copy(node.args.get("db")))
            self._column(tuple_, scope, clause, parent)  # c.1, an element of a tuple
            return
        if not isinstance(name, exp.Identifier):
            raise Refusal("column", "a column has no plain name")
        parts = [
            part for part in (node.args.get(key) for key in ("catalog", "db", "table")) if part is not None
        ]
        if not all(isinstance(part, exp.Identifier) for part in parts):
            raise Refusal("column", "a column has no plain name")
        if not parts:
            self._unqualified(name, scope, clause, parent)
            return
        chain = [*parts, name]
        if self._qualified(chain, scope):
            return
        if self.engine.structs:
            table = self._table_key(chain[0])
            if not any(table in each.sources for each in scope.chain()):
                self._unqualified(chain[0], scope, clause, parent)
                return
        raise Refusal(
            "column", f"{'.'.join(_shown(part) for part in chain)} is not a column that you can query here"
        )

    def _qualified(self, chain: list[exp.Identifier], scope: Scope) -> bool:
        first = self._table_key(chain[0])
        source = self._lookup(first, scope, None)
        if source is not None and (len(chain) == 2 or self.engine.structs):
            return self._has(source, chain[1])
        if len(chain) >= 3 and source is None:
            source = self._lookup(self._table_key(chain[1]), scope, chain[0])
            if source is not None and (len(chain) == 3 or self.engine.structs):
                return self._has(source, chain[2])
        if len(chain) == 4 and source is None and self.database is not None:
            if first == self._catalog_key(self.database):
                source = self._lookup(self._table_key(chain[2]), scope, chain[1])
                if source is not None:
                    return self._has(source, chain[3])
        return False

    def _has(self, source: Source, name: exp.Identifier) -> bool:
        key = self._column_key(name)
        if source.columns is None:
            self._touch(source, key, name)
            return True
        if key in source.columns:
            self._touch(source, key, name)
            return True
        if source.loose and (name.args.get("quoted") or key.startswith("_")):
            return True
        if source.table is not None and key in self.engine.pseudo_columns:
            return True
        return False

    def _touch(self, source: Source, key: str, name: exp.Identifier) -> None:
        if source.table is not None:
            shown = source.display.get(key, name.name)
            self.found.columns[f"{source.table.label}.{shown}"] = None

    def _unqualified(self, name: exp.Identifier, scope: Scope, clause: str, parent: exp.Expr | None) -> None:
        key = self._column_key(name)
        for each in scope.chain():
            if key in each.local:
                return
            own_clause = clause if each is scope else "select"
            known = [
                source
                for source in each.sources.values()
                if source.columns is not None and key in source.columns
            ]
            by_alias = key in each.aliases and own_clause in self.engine.alias_clauses
            if by_alias and not known:
                self._pin_partial(each)
                return
            if known:
                for source in known:
                    self._touch(source, key, name)
                if len(known) < len(each.sources):
                    self._pin_partial(each)
                return
            unknown = [source for source in each.sources.values() if source.columns is None]
            if unknown:
                for source in unknown:
                    self._touch(source, key, name)
                self._pin_partial(each)
                return
            row = each.sources.get(self._table_key(name))
            if row is not None and (row.function or self.engine.whole_rows):
                self._pin(row)
                return
            if any(source.loose for source in each.sources.values()) and (
                name.args.get("quoted") or key.startswith("_")
            ):
                self._pin_partial(each)
                return
        if key in self.engine.pseudo_columns and not name.args.get("quoted"):
            return
        if ascii_lower(name.name) in UNITS and isinstance(parent, exp.Func) and not name.args.get("quoted"):
            if function_name(parent) in UNIT_FUNCTIONS:
                return
        raise Refusal("column", f"{_shown(name)} is not a column that you can query here")

    def _lookup(self, key: str, scope: Scope, schema: exp.Expr | None) -> Source | None:
        for each in scope.chain():
            if schema is None:
                source = each.sources.get(key)
                if source is not None:
                    return source
                continue
            for source in each.sources.values():
                if source.table is None or source.node is None or source.node.args.get("alias") is not None:
                    continue
                parts = source.table.parts
                if isinstance(schema, exp.Identifier) and len(parts) > 1:
                    wanted = (self._table_key(schema), key)
                    if (self._catalog_key(parts[-2]), self._catalog_key(parts[-1])) == wanted:
                        return source
        return None

    # --- pins --------------------------------------------------------------------------------------------------

    def _pin(self, source: Source) -> None:
        """This table is read through a star, as a whole row or the like: show exactly its visible columns instead."""
        table, node = source.table, source.node
        if table is None or node is None:
            return
        if table.columns is not None:
            self.found.pins[id(node)] = (node, table)
            for column in table.columns:
                self.found.columns[f"{table.label}.{column}"] = None

    def _pin_all(self, scope: Scope) -> None:
        for source in scope.sources.values():
            self._pin(source)

    def _pin_partial(self, scope: Scope) -> None:
        """A name was taken for something else than a column: tables with hidden columns must not answer to it."""
        for source in scope.sources.values():
            if source.table is not None and source.node is not None and source.table.partial:
                self.found.pins[id(source.node)] = (source.node, source.table)

    # --- folding -----------------------------------------------------------------------------------------------

    def _table_key(self, name: exp.Expr) -> str:
        return self.engine.key(name.name, bool(name.args.get("quoted")), self.engine.names)

    def _column_key(self, name: exp.Expr) -> str:
        return self.engine.key(name.name, bool(name.args.get("quoted")), self.engine.columns)

    def _catalog_key(self, name: str) -> str:
        return self.engine.key(name, True, self.engine.names)

    def _catalog_column_key(self, name: str) -> str:
        return self.engine.key(name, True, self.engine.columns)


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

_SKIPPED: dict[type[exp.Expr], tuple[str, ...]] = {
    exp.Alias: ("alias",),
    exp.PropertyEQ: ("this",),
    exp.Kwarg: ("this",),
    exp.Window: ("alias",),
}


def function_name(node: exp.Expr) -> str:
    """The name a function was written with, in lower case; the kind's own name where syntax made it."""
    if isinstance(
        node,
        (
            exp.Anonymous,
            exp.AnonymousAggFunc,
            exp.ParameterizedAgg,
            exp.CombinedAggFunc,
            exp.CombinedParameterizedAgg,
        ),
    ):
        this = node.this
        return ascii_lower(this.name if isinstance(this, exp.Expr) else str(this))
    written = node.meta.get("name")
    if written:
        return ascii_lower(str(written))
    if isinstance(node, exp.Func):
        return _SYNTAX_NAMES.get(type(node)) or ascii_lower(node.sql_name())
    return ""


_SYNTAX_NAMES: dict[type[exp.Expr], str] = {
    exp.JSONTable: "json_table",
    exp.OpenJSON: "openjson",
    exp.XMLTable: "xmltable",
}


def _copy(node: exp.Expr | None) -> exp.Expr | None:
    return None if node is None else node.copy()


def _only_names(node: exp.Expr) -> bool:
    """Nothing but names: a column, an alias of one, a list of them."""
    return all(
        isinstance(each, (exp.Column, exp.Identifier, exp.Alias, exp.Aliases, exp.Tuple, exp.PivotAlias))
        for each in node.walk()
    )


def _is_union_all(body: exp.Expr) -> bool:
    while isinstance(body, exp.Subquery) and body.is_wrapper:
        body = body.this
    return type(body) is exp.Union and body.args.get("distinct") is False


def _identifier(node: exp.Expr) -> exp.Expr:
    """The name in a column alias that may carry a type (`AS t(a int)`)."""
    return node.this if isinstance(node, exp.ColumnDef) and isinstance(node.this, exp.Expr) else node


def _bare(node: exp.Table) -> bool:
    return node.args.get("alias") is None


def _shown(name: exp.Expr) -> str:
    return name.name[:80]
