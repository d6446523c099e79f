"""`check_sql`: is every table and column of a statement in the catalog? An invented one gets the nearest real name.

Not a gate: it says what exists for the asker, for SQL that is shown and not run. It resolves by the guard's scope
rules, but goes on where the guard would refuse, forgives what engines forgive (case, a project in front, date
shards, wildcard tables), and calls a name unknown only where it is sure.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from rapidfuzz import fuzz, process
from sqlglot import exp

from plugin.run_sql.dialects import Engine, engine_of
from plugin.run_sql.guard import parse_one, unlink
from plugin.run_sql.nested import Fields, of_scalars, path_of
from plugin.run_sql.resolver import Resolver
from plugin.run_sql.scope import Output, Scope, Source
from plugin.run_sql.verdict import Refusal, VisibleTable, VisibleTables, ascii_lower

_DIGITS = re.compile(r"\d{4,8}$")
_NEAR = 60.0


@dataclass(frozen=True, slots=True)
class Name:
    """One name of the statement. `nearest` is a real one that it may have meant, None where nothing is near."""

    kind: Literal["table", "column"]
    written: str
    known: bool
    nearest: str | None = None
    qualified: str | None = None
    """The catalog's own name of a known table."""


@dataclass(frozen=True, slots=True)
class NamesChecked:
    """`parsed` is False where the statement could not be read, and `problem` says why; then no name is judged."""

    parsed: bool
    names: tuple[Name, ...] = ()
    problem: str | None = None

    @property
    def unknown(self) -> tuple[Name, ...]:
        """The invented ones."""
        return tuple(name for name in self.names if not name.known)

    @property
    def tables(self) -> tuple[str, ...]:
        """Qualified names of the known tables."""
        return tuple(name.qualified for name in self.names if name.kind == "table" and name.qualified)


@dataclass(slots=True)
class _Entry:
    label: str
    parts: tuple[str, ...]
    columns: tuple[str, ...]
    folded: frozenset[str] = field(default_factory=frozenset)


class NameIndex:
    """Every table the asker sees, with its columns, arranged for looking up. Build it once, check many statements."""

    def __init__(self, tables: Iterable[tuple[Sequence[str], Sequence[str]]]) -> None:
        self._by_last: dict[str, list[_Entry]] = defaultdict(list)
        self._families: dict[str, list[_Entry]] = defaultdict(list)
        self._labels: dict[str, str] = {}
        self._trees: dict[frozenset[str], Fields] = {}
        for parts, columns in tables:
            folded = tuple(ascii_lower(part) for part in parts)
            entry = _Entry(".".join(parts), folded, tuple(columns))
            self._by_last[folded[-1]].append(entry)
            family = _DIGITS.sub("", folded[-1])
            if family != folded[-1]:
                self._families[family].append(entry)
            self._labels.setdefault(folded[-1], parts[-1])
        self._last_names = list(self._by_last)

    @classmethod
    def of(cls, columns: Mapping[str, Sequence[str]]) -> NameIndex:
        """From qualified names with dots, as the store's `schema_map` gives them."""
        return cls((name.split("."), each) for name, each in columns.items())

    def find(self, parts: Sequence[str]) -> list[_Entry]:
        """The tables that a written name may mean."""
        folded = [ascii_lower(part) for part in parts if part]
        while len(folded) > 1 and not folded[-1]:
            folded.pop()
        if not folded:
            return []
        last = folded[-1]
        if last.endswith("*"):
            start = last.rstrip("*")
            found = [
                entry for name in self._last_names if name.startswith(start) for entry in self._by_last[name]
            ]
            found = found or self._families.get(_DIGITS.sub("", start.rstrip("_0123456789") + "_"), [])
        else:
            found = self._by_last.get(last, [])
            if not found and _DIGITS.search(last):
                found = self._families.get(_DIGITS.sub("", last), [])
        return [entry for entry in found if _fits(folded[:-1], entry.parts[:-1])]

    def nearest(self, written: str) -> str | None:
        """The real table name most like this one."""
        folded = ascii_lower(written)
        best = process.extractOne(folded, self._last_names, scorer=fuzz.ratio, score_cutoff=_NEAR)
        if best is None:
            return None
        entries = self._by_last[best[0]]
        return entries[0].label if len(entries) == 1 else self._labels[best[0]]

    def columns_of(self, entry: _Entry) -> frozenset[str]:
        """Folded names of a table's columns; the first parts of nested ones too."""
        if not entry.folded and entry.columns:
            names = {ascii_lower(name) for name in entry.columns}
            names |= {name.split(".", 1)[0] for name in names if "." in name}
            entry.folded = frozenset(names)
        return entry.folded

    def fields_of(self, entries: Sequence[_Entry]) -> Fields:
        """The fields of the struct columns of tables that are read as one (shards share a tree)."""
        trees: dict[int, Fields] = {}
        for entry in entries:
            folded = self.columns_of(entry)
            tree = self._trees.get(folded)
            if tree is None:
                tree = self._trees[folded] = Fields.of(folded)
            trees[id(tree)] = tree
        return Fields.union(list(trees.values()))


def _fits(written: list[str], real: tuple[str, ...]) -> bool:
    """Do the containers that were written agree with the real ones, as far as both go?"""
    return all(mine == its for mine, its in zip(reversed(written), reversed(real), strict=False))


def check_names(sql: str, dialect: str, index: NameIndex) -> NamesChecked:
    """Every table and column of one statement against the catalog. Never raises for what `sql` says."""
    engine = engine_of(dialect)
    if engine is None:
        return NamesChecked(False, problem=f"unknown dialect {dialect[:40]!r}")
    try:
        tree = parse_one(sql, engine)
        resolver = _Lenient(_forgiving(engine), index)
        if isinstance(tree, (exp.Query, exp.Values, exp.Pivot)):
            resolver.resolve(tree)
            unlink(tree)
        else:
            return NamesChecked(False, problem="only queries are checked")
    except Refusal as refusal:
        return NamesChecked(False, problem=str(refusal))
    except RecursionError:
        return NamesChecked(False, problem="the statement is nested too deeply")
    return NamesChecked(True, tuple(resolver.names.values()))


def _forgiving(engine: Engine) -> Engine:
    """The engine without regard to case, with every liberty in naming that some engine takes."""
    clauses = frozenset({"order", "group", "having", "qualify", "where", "select", "join", "using"})
    return replace(
        engine,
        names="insensitive",
        columns="insensitive",
        structs=True,
        whole_rows=True,
        free_recursion=True,
        lateral_siblings=True,
        bare_in=False,
        alias_clauses=clauses,
        pseudo_columns=frozenset(ascii_lower(each) for each in engine.pseudo_columns) | _PSEUDO,
    )


_PSEUDO = frozenset(
    """_table_suffix _partitiontime _partitiondate _file_name rowid rowno oid ctid tableoid level rownum sysdate
    value key index seq path this current_date current_timestamp current_time user date""".split()
)


class _Lenient(Resolver):
    """Collects what it does not know instead of refusing it."""

    def __init__(self, engine: Engine, index: NameIndex) -> None:
        super().__init__(engine, VisibleTables(()), None, None)
        self._names = index
        self.names: dict[tuple[str, str], Name] = {}
        self._fields: dict[str, Fields] = {}
        self._projected: dict[int, Fields] = {}

    def _visible(
        self, name: exp.Identifier, schema: exp.Expr | None, catalog: exp.Expr | None
    ) -> VisibleTable:
        given = (catalog, schema, name)  # a schema that was left out, as in `db..t`, is no node
        parts = [part.name for part in given if isinstance(part, exp.Expr) and part.name]
        split = [piece for part in parts for piece in part.split(".")]
        written = ".".join(parts)
        if ascii_lower(split[0] if len(split) == 1 else split[-2]) in _SYSTEM:
            return VisibleTable((written,), None)
        entries = self._names.find(split)
        if not entries:
            last = split[-1]
            self.names[("table", written)] = Name("table", written, False, self._names.nearest(last))
            return VisibleTable((written,), None)
        self.names[("table", written)] = Name("table", written, True, None, entries[0].label)
        columns: set[str] = set()
        for entry in entries[:50]:
            known = self._names.columns_of(entry)
            if not known:
                return VisibleTable((entries[0].label,), None)
            columns |= known
        self._fields[entries[0].label] = self._names.fields_of(entries[:50])
        return VisibleTable((entries[0].label,), tuple(columns))

    # --- fields of struct columns: carried with the sources, through CTEs, subqueries and UNNEST

    def _base(self, node: exp.Table, table: VisibleTable) -> Source:
        source = super()._base(node, table)
        source.nested = self._fields.get(table.label)
        return source

    def _named(self, node: exp.Table, name: exp.Identifier, scope: Scope) -> Source:
        source = super()._named(node, name, scope)
        if source.table is None and source.nested is None:
            cte = scope.ctes.get(self._table_key(name))
            source.nested = None if cte is None else cte.nested
        return source

    def _derived(self, output: Output, given: tuple[str, ...]) -> Source:
        source = super()._derived(output, given)
        if not given:
            source.nested = output.nested
        return source

    def _select(self, node: exp.Select, ctes: Mapping[str, Source], outer: Scope | None) -> Output:
        output = super()._select(node, ctes, outer)
        told = [self._projected[id(each)] for each in node.expressions if id(each) in self._projected]
        output.nested = Fields.union(told) if told else None
        return output

    def _projection(self, projection: exp.Expr, scope: Scope) -> list[str] | None:
        names = super()._projection(projection, scope)
        if isinstance(projection, exp.Star):
            told = [source.nested for source in scope.sources.values() if source.nested]
            if told:
                self._projected[id(projection)] = Fields.union(told)
        elif isinstance(projection, exp.Column) and isinstance(projection.this, exp.Star):
            source = self._source_of_star(projection, scope)
            if source is not None and source.nested:
                self._projected[id(projection)] = source.nested
        elif names:
            below = self._below(path_of(projection), scope)
            if below:
                self._projected[id(projection)] = Fields({ascii_lower(names[0]): below})
        return names

    def _root(self, path: Sequence[str], scope: Scope) -> tuple[Fields, Sequence[str]] | None:
        """The tree that a path is to be looked up in, and the rest of the path."""
        for each in scope.chain():
            if not path or path[0] in each.local:
                return None
            source = each.sources.get(path[0])
            if source is not None and len(path) > 1:
                return None if source.nested is None else (source.nested, path[1:])
            for source in each.sources.values():
                if source.nested and path[0] in source.nested:
                    return source.nested, path
                if source.columns is not None and path[0] in source.columns:
                    return None
        return None

    def _below(self, path: Sequence[str], scope: Scope) -> Fields | None:
        root = self._root(path, scope)
        return None if root is None else root[0].below(root[1])

    def _check_path(self, path: Sequence[str], scope: Scope) -> None:
        root = self._root(path, scope)
        if root is None or len(root[1]) < 2:
            return  # a column by itself was looked up among the columns
        missing = root[0].missing(root[1])
        if missing is not None and missing[1] is not root[0]:
            name, real = missing
            best = process.extractOne(name, list(real), scorer=fuzz.ratio, score_cutoff=_NEAR)
            written = ".".join(path)
            self.names[("column", written)] = Name("column", written, False, best[0] if best else None)

    def _unnested(
        self, array: exp.Expr | None, path: Sequence[str], before: Scope, name: str, source: Source
    ) -> None:
        """Give a source that is an array of structs the fields of its elements."""
        own = frozenset({name.strip()} - {""})
        root = self._root(path, before)
        below = None if root is None else root[0].below(root[1])
        if below:
            source.columns = frozenset(below) | own | (source.columns or frozenset())
            source.nested = below
        elif of_scalars(array) or (root is not None and below is not None and root[0].deep):
            source.columns = own | (source.columns or frozenset())

    def _table_function(self, inner: exp.Expr, holder: exp.Expr, scope: Scope) -> None:
        array = inner.expressions[0] if isinstance(inner, exp.Unnest) and inner.expressions else None
        path = path_of(array)
        before = Scope(scope.outer, scope.ctes, dict(scope.sources), scope.aliases, scope.local)
        super()._table_function(inner, holder, scope)
        if array is not None:
            name, source = next(reversed(scope.sources.items()))
            self._unnested(array, path, before, name, source)

    def _table(self, node: exp.Table, scope: Scope) -> None:
        parts = node.parts
        if len(parts) > 1 and all(isinstance(part, exp.Identifier) for part in parts):
            first = self._table_key(parts[0])
            if self._lookup(first, scope, None) is not None:  # FROM t, t.items: an array of the row
                before = Scope(scope.outer, scope.ctes, dict(scope.sources), scope.aliases, scope.local)
                self._add(node, Source(None, function=True), scope, fallback=self._table_key(parts[-1]))
                path = [ascii_lower(part.name) for part in parts]
                self._check_path(path, before)
                self._unnested(None, path, before, *next(reversed(scope.sources.items())))
                return
        if isinstance(node.this, exp.Identifier) and len(parts) > 3:
            node = node.copy()
        super()._table(node, scope)

    def _source(self, node: exp.Expr, scope: Scope, resolved: Output | None = None) -> None:
        try:
            super()._source(node, scope, resolved)
        except Refusal as refusal:
            if refusal.rule == "unreadable":
                raise
            self._add(node, Source(None, function=True), scope)

    def _check_table_function(self, inner: exp.Expr, scope: Scope) -> str:
        for key, value in inner.args.items():
            for part in value if isinstance(value, list) else (value,):
                if key != "alias" and isinstance(part, exp.Expr):
                    self._walk(part, scope, "select")
        return ""

    def _column(self, node: exp.Column, scope: Scope, clause: str, parent: exp.Expr | None) -> None:
        try:
            super()._column(node, scope, clause, parent)
        except Refusal:
            self._missing(node, scope)
        else:
            self._check_path(path_of(node), scope)

    def _missing(self, node: exp.Column, scope: Scope) -> None:
        written = ".".join(part.name for part in node.parts if part.name)
        parts = [ascii_lower(part.name) for part in node.parts if part.name]
        named = len(parts) > 1 and any(parts[0] in each.sources for each in scope.chain())
        name = parts[1] if named else parts[-1]
        candidates: dict[str, str] = {}
        for each in scope.chain():
            for source_name, source in each.sources.items():
                if named and source_name != parts[0] and len(each.sources) > 1:
                    continue
                for column in source.columns or ():
                    candidates.setdefault(column, column)
        best = process.extractOne(name, list(candidates), scorer=fuzz.ratio, score_cutoff=_NEAR)
        self.names[("column", written)] = Name("column", written, False, best[0] if best else None)

    def _touch(self, source: Source, key: str, name: exp.Identifier) -> None:
        self.names.setdefault(("column", name.name), Name("column", name.name, True))

    def _dot(self, node: exp.Dot, scope: Scope, clause: str) -> None:
        left = node.this
        if isinstance(left, exp.Expr):
            if isinstance(node.expression, exp.Func) and isinstance(
                left, (exp.Column, exp.Identifier, exp.Dot)
            ):
                self._walk_parts(node.expression, scope, clause)
                return
            self._walk(left, scope, clause)
            self._check_path(path_of(node), scope)

    def _source_of_star(self, column: exp.Column, scope: Scope) -> Source | None:
        table = column.args.get("table")
        if isinstance(table, exp.Identifier):
            return self._lookup(self._table_key(table), scope, None)
        return None


_SYSTEM = frozenset(
    {"information_schema", "pg_catalog", "sqlite_master", "sqlite_schema", "dual", "sys", "mysql"}
)
