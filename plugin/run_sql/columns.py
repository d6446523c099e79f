"""Columns: whose is this name? Each is looked up from its own SELECT outwards, and touched where it is found.

A table that is read as a whole (a star, its row, a natural join) is pinned: its place is then taken by exactly its
visible columns. Where a name was taken for something else, tables with hidden columns are pinned too, so that none of
those can answer to it.
"""

from __future__ import annotations

from sqlglot import exp

from plugin.run_sql.called import UNIT_FUNCTIONS, UNITS, function_name
from plugin.run_sql.dialects import Engine
from plugin.run_sql.scope import Found, Scope, Source
from plugin.run_sql.verdict import Refusal, VisibleTables, ascii_lower


class Columns:
    """The lowest part of the resolver: names of columns, pins, how names fold. Use once."""

    def __init__(
        self, engine: Engine, visible: VisibleTables, default_schema: str | None, database: str | None
    ) -> None:
        self.engine = engine
        self.default_schema = default_schema
        self.database = database
        self.index = visible.index("lower" if engine.names == "insensitive" else "exact")
        self.found = Found()
        self.later: dict[int, list[exp.Expr]] = {}
        """Expressions that WITH named, by the SELECT whose columns they may read."""
        self.bases: dict[int, tuple[frozenset[str], tuple[str, ...], dict[str, str]]] = {}
        """The folded columns of each table that was met: a statement may name one many times."""
        self.table_keys: dict[tuple[str, bool], str] = {}
        self.column_keys: dict[tuple[str, bool], str] = {}
        """Names that were folded, as written and whether quoted: a statement says the same few again and again."""

    def _column(self, node: exp.Column, scope: Scope, clause: str, parent: exp.Expr | None) -> None:
        name = node.this
        if self.engine.name == "sqlite" and isinstance(parent, exp.Match):
            tables = (source.table for each in scope.chain() for source in each.sources.values())
            if any(table is not None and (table.partial or table.masked) for table in tables):
                raise Refusal(
                    "column", "MATCH can name any column of the index, hidden and masked ones as well"
                )
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
        if "positional" in name.meta:
            self._positional(node, int(name.meta["positional"]), scope)
            return
        chain: list[exp.Identifier] = []
        for key in ("catalog", "db", "table"):
            part = node.args.get(key)
            if part is None:
                continue
            if not isinstance(part, exp.Identifier):
                raise Refusal("column", "a column has no plain name")
            chain.append(part)
        if not chain:
            self._unqualified(name, scope, clause, parent)
            return
        chain.append(name)
        if self._qualified(chain, scope):
            return
        if (
            len(chain) == 3
            and name.name.lower() in self.engine.properties
            and self._qualified(chain[:2], scope)
        ):
            return
        if self.engine.structs or (len(chain) == 2 and name.name.lower() in self.engine.properties):
            table = self._table_key(chain[0])
            source = self._lookup(table, scope, None)
            made = (  # `LATERAL VIEW explode(a) AS i`: i is a column, and may hold a struct
                self.engine.name == "databricks"
                and source is not None
                and source.function
                and self._column_key(chain[0]) in (source.columns or ())
            )
            if source is None or made:
                if self.engine.name == "snowflake" and ascii_lower(chain[-1].name) == "nextval":
                    raise Refusal(
                        "column", "a sequence is refused"
                    )  # s.nextval counts on; a field is s:nextval
                self._unqualified(chain[0], scope, clause, parent)
                return
        raise Refusal(
            "column", f"{'.'.join(shortened(part) for part in chain)} is not a column that you can query here"
        )

    def _positional(self, node: exp.Column, number: int, scope: Scope) -> None:
        """`$2`: the second column of the only source, or of the one that is named. A table is pinned, so that only its
        visible columns count."""
        table = node.args.get("table")
        if isinstance(table, exp.Identifier):
            source = scope.sources.get(self._table_key(table))
        else:
            source = next(iter(scope.sources.values())) if len(scope.sources) == 1 else None
        if source is not None and source.function and source.order is None:
            return  # VALUES and table functions
        if source is None or source.order is None or not 0 < number <= len(source.order):
            raise Refusal("column", f"${number} is not a column that you can query here")
        self._pin(source)

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
            shown = source.display.get(key) or f"{source.table.label}.{name.name}"
            self.found.columns[shown] = None

    def _unqualified(self, name: exp.Identifier, scope: Scope, clause: str, parent: exp.Expr | None) -> None:
        key = self._column_key(name)
        for each in scope.chain():
            if key in each.local:
                if self.engine.name == "clickhouse":  # WITH e AS a: the engine puts e in the place of a
                    self._pin_partial(each)
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
                if key in _OWN.get(self.engine.name, ()) or (self.engine.name == "trino" and key[:1] == "$"):
                    break  # not a column of the table's own, as far as anybody knows
                for source in unknown:
                    self._touch(source, key, name)
                self._pin_partial(each)
                return
            if self.engine.name == "sqlite" and self._searched(name, key, parent, each):
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
        raise Refusal("column", f"{shortened(name)} is not a column that you can query here")

    def _searched(self, name: exp.Identifier, key: str, parent: exp.Expr | None, scope: Scope) -> bool:
        """SQLite's full-text tables: `t MATCH 'a'`, `t = 'a'` search all columns of t, `rank` tells how well it fits.

        Both are columns of the engine's own, which the catalog does not list. A table with columns that are hidden or
        masked is not searched so, and `rank` needs such a search beside it.
        """
        for source in scope.sources.values():
            table = source.table
            if table is None or source.node is None or table.columns is None or table.partial or table.masked:
                continue
            own = self._catalog_key(table.parts[-1])
            if key == own and (isinstance(parent, exp.Match) or _is_equal_to_text(parent)):
                if isinstance(parent, exp.Expr) and parent.this is name.parent:
                    for column in table.columns:
                        self.found.columns[f"{table.label}.{column}"] = None
                    return True
            if key == "rank" and (isinstance(source.node.this, exp.Func) or self._matches(name, own)):
                return True
        return False

    def _matches(self, name: exp.Identifier, own: str) -> bool:
        select = name.find_ancestor(exp.Select)
        where = None if select is None else select.args.get("where")
        if not isinstance(where, exp.Where):
            return False
        return any(
            isinstance(each.this, exp.Column) and self._column_key(each.this.this) == own
            for each in where.find_all(exp.Match, exp.EQ)
        )

    def _lookup(self, key: str, scope: Scope, schema: exp.Expr | None) -> Source | None:
        for each in scope.chain():
            if schema is None:
                source = each.sources.get(key)
                if (
                    source is None and self.engine.name == "bigquery"
                ):  # tables have case there, their aliases none
                    folded = ascii_lower(key)
                    source = next(
                        (one for name, one in each.sources.items() if ascii_lower(name) == folded), None
                    )
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
        written = (name.name, bool(name.args.get("quoted")))
        key = self.table_keys.get(written)
        if key is None:
            key = self.table_keys[written] = self.engine.key(*written, self.engine.names)
        return key

    def _column_key(self, name: exp.Expr) -> str:
        written = (name.name, bool(name.args.get("quoted")))
        key = self.column_keys.get(written)
        if key is None:
            key = self.column_keys[written] = self.engine.key(*written, self.engine.columns)
        return key

    def _catalog_key(self, name: str) -> str:
        return self.engine.key(name, True, self.engine.names)

    def _catalog_column_key(self, name: str) -> str:
        return self.engine.key(name, True, self.engine.columns)


_OWN = {"databricks": frozenset({"_metadata", "session"})}
"""Names that mean something else where no column is called so: a file's path, the variables of the session."""


def _is_equal_to_text(node: exp.Expr | None) -> bool:
    return isinstance(node, exp.EQ) and isinstance(node.expression, exp.Literal) and node.expression.is_string


def _copy(node: exp.Expr | None) -> exp.Expr | None:
    return None if node is None else node.copy()


def shortened(name: exp.Expr) -> str:
    return name.name[:80]
