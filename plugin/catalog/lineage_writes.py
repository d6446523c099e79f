"""The walk over a statement that writes: INSERT, CREATE ... AS, MERGE, UPDATE, DELETE.

Enters: its tree. Leaves: the table written, and for each column of it, where what is written comes from.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlglot import exp

from plugin.catalog.lineage_relations import (
    NOTHING,
    Column,
    Gappy,
    KnownTable,
    Origin,
    Relation,
    Scope,
    name_in_call,
    name_of,
)
from plugin.catalog.lineage_walk import Walk


def target_of(node: Any) -> tuple[tuple[str, ...] | None, list[str]]:
    """The name parts of the table that a statement writes, and the columns it names."""
    names: list[str] = []
    if isinstance(node, exp.Anonymous):  # ClickHouse: INSERT INTO FUNCTION remote(...)
        return name_in_call(node) or None, names
    if isinstance(node, exp.Schema):
        names = [each.name for each in node.expressions if each.name]
        node = node.this
    return (name_of(node) or None, names) if isinstance(node, exp.Table) else (None, names)


def also_filled(node: exp.Create | exp.Insert) -> tuple[str, ...] | None:
    """The table that a materialised view of ClickHouse fills: CREATE MATERIALIZED VIEW v TO t AS ..."""
    given = node.args.get("properties")
    for each in given.expressions if isinstance(given, exp.Properties) else ():
        if isinstance(each, exp.ToTableProperty):
            return target_of(each.this)[0]
    return None


def _layout(node: exp.Create) -> exp.Table | None:
    """Of CREATE TABLE a AS b: the table whose rows come along, `b` itself where only its columns do, or None.

    Teradata says WITH DATA, else it is ClickHouse's: https://clickhouse.com/docs/sql-reference/statements/create/table
    """
    given = node.args.get("properties")
    properties = given.expressions if isinstance(given, exp.Properties) else ()
    if node.kind != "TABLE" or any(isinstance(each, exp.WithDataProperty) for each in properties):
        return None
    for each in properties:
        engine = each.this if isinstance(each, exp.EngineProperty) else None
        if isinstance(engine, exp.Anonymous) and engine.name.lower() == "distributed":
            parts = [exp.to_identifier(part.name) for part in engine.expressions[1:3]]
            return exp.Table(this=parts[-1], db=parts[0]) if len(parts) == 2 else None
    return node.expression if isinstance(node.expression, exp.Table) else None


class Writing(Walk):
    """One walk over one statement, one that writes too."""

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
        if (
            isinstance(node, exp.Create)
            and isinstance(source, exp.Table)
            and (like := _layout(node)) is not None
        ):
            if like is not source:
                columns = self.query(like, outer, ())
        elif isinstance(source, exp.Query | exp.Table | exp.Values | exp.Pivot):
            columns = self.query(source, outer, ())
        elif source is None and isinstance(node, exp.Insert):
            self.partial = True
        elif source is None and isinstance(node.this, exp.Schema):
            return target, self.declared(node.this)
        clone = node.args.get("clone")
        if clone is not None and isinstance(clone.this, exp.Table):
            columns = self.query(clone.this, outer, ())
        by_place = isinstance(node, exp.Create) or not node.args.get("by_name")
        if isinstance(node, exp.Insert) and by_place:
            columns = self.placed(columns, names, target, node)
        elif names and isinstance(columns, Gappy):
            columns = Gappy()
        elif names and len(names) == len(columns):
            columns = [(name, origins) for name, (_old, origins) in zip(names, columns, strict=True)]
        if isinstance(node, exp.Insert) and isinstance(node.args.get("conflict"), exp.OnConflict):
            columns = self.replaced(node, target, columns, outer)
        return target, columns

    def variables(self, node: exp.Declare) -> Iterator[tuple[tuple[str, ...] | None, list[Column]]]:
        """The table variables that a DECLARE of T-SQL makes, and its queries."""
        for each in node.expressions:
            kind, default = each.args.get("kind"), each.args.get("default")
            if isinstance(default, exp.Expression):
                self.nested(exp.Paren(this=default.copy()), {}, ())
            if isinstance(kind, exp.Schema):
                for name in each.this if isinstance(each.this, list) else [each.this]:
                    yield name_of(exp.Table(this=name.copy())), self.declared(kind)

    def declared(self, schema: exp.Schema) -> list[Column]:
        """The columns of a table that is made empty; of LIKE another, those of that."""
        names: list[str] = []
        for each in schema.expressions:
            if isinstance(each, exp.LikeProperty):
                names += self.lookup(name_of(each.this)) or ()
            elif isinstance(each, exp.ColumnDef):
                names.append(each.name)
        return [(name, NOTHING) for name in names]

    def placed(
        self, columns: list[Column], names: list[str], target: tuple[str, ...] | None, node: exp.Insert
    ) -> list[Column]:
        """What an INSERT gives under the names that its target has at those places, whatever the query calls it."""
        if isinstance(columns, Gappy):
            return Gappy()
        if not names and target:
            names = list(self.lookup(target) or ())
            partition = node.args.get("partition")
            if isinstance(partition, exp.Partition) and names:
                # Hive: a part that is named with its value is not among what the query gives.
                fixed = {each.this.name.lower() for each in partition.expressions if isinstance(each, exp.EQ)}
                names = [each for each in names if each.lower() not in fixed]
        if not names:
            return columns
        # PostgreSQL lets a query give the first columns alone.
        return [(name, origins) for name, (_old, origins) in zip(names, columns, strict=False)]

    def replaced(
        self, node: exp.Insert, target: tuple[str, ...] | None, columns: list[Column], ctes: Scope
    ) -> list[Column]:
        """With what ON CONFLICT DO UPDATE, or MySQL's ON DUPLICATE KEY UPDATE, writes instead."""
        conflict = node.args["conflict"]
        found = dict(columns)
        own = self.lookup(target) if target else None
        table = node.this.this if isinstance(node.this, exp.Schema) else node.this
        given = [each for each in conflict.expressions if isinstance(each, exp.EQ)]
        given = [each for each in given if isinstance(each.this, exp.Column)]
        written = Relation(
            [(name, NOTHING) for name in own or [*found, *(each.this.name for each in given)]],
        )
        inserted = Relation(columns)
        scopes: tuple[Scope, ...] = ({table.alias_or_name.lower(): written, "excluded": inserted},)
        if conflict.args.get("duplicate"):
            scopes += (self.read_by(node.args.get("expression"), ctes),)
        for each in given:
            name = each.this.name
            found[name] = found.get(name, NOTHING) | self.expression(each.expression, ctes, scopes)
            for call in each.expression.find_all(exp.Anonymous):
                if call.name.upper() == "VALUES":  # MySQL's word for the row that would have been inserted
                    for column in call.expressions:
                        found[name] |= inserted.of(column.name) or NOTHING
        return list(found.items())

    def read_by(self, query: Any, ctes: Scope) -> Scope:
        """What the FROM of an INSERT's query names: MySQL's ON DUPLICATE KEY UPDATE may read it, others' may not.

        Source: https://dev.mysql.com/doc/refman/8.4/en/insert-on-duplicate.html
        """
        scope: Scope = {}
        while isinstance(query, exp.Subquery):
            ctes = self.with_of(query, ctes, ())
            query = query.this
        if isinstance(query, exp.Select):
            ctes = self.with_of(query, ctes, ())
            clause = query.args.get("from_")
            for each in (clause, *(query.args.get("joins") or ())) if clause is not None else ():
                self.add(each.this, scope, ctes, ())
        return scope

    def write_several(self, node: exp.MultitableInserts) -> list[tuple[tuple[str, ...] | None, list[Column]]]:
        """INSERT ALL: each table written, and its columns."""
        given = self.query(node.args.get("source"), {}, ())
        scopes: tuple[Scope, ...] = ({"": Relation(given)},)
        found = []
        for insert in node.find_all(exp.Insert):
            target, names = target_of(insert.this)
            values = insert.args.get("expression")
            row = values.expressions[0] if isinstance(values, exp.Values) and values.expressions else None
            columns = given
            if isinstance(row, exp.Tuple):
                columns = [(each.name, self.expression(each, {}, scopes)) for each in row.expressions]
            found.append((target, self.placed(columns, names, target, insert)))
        return found

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
        self.matched(node.args.get("on"), alias, target, scope, ctes)
        return target, list(columns.items())

    def matched(
        self, condition: Any, alias: str, target: tuple[str, ...] | None, scope: Scope, ctes: Scope
    ) -> None:
        """What a condition says of rows of the table written and rows of others: its subqueries, and joins.

        Its columns go nowhere, so that one that may be in several tables leaves nothing unsaid.
        """
        if not isinstance(condition, exp.Expression):
            return
        known = self.lookup(target) if target else None
        written = Relation(None, target) if known is None else KnownTable(known, target or ())
        scopes = ({alias: written, **scope},)
        self.nested(condition, ctes, scopes)
        partial = self.partial
        self.equalities(condition, scopes)
        self.partial = partial

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
        if isinstance(node.this, exp.Star):
            self.namesakes(columns, scopes)
            return
        if (
            isinstance(node.this, exp.Var) and not values
        ):  # INSERT ROW of BigQuery: each into the place that it has
            row = [column for relation in scopes[0].values() for column in relation.columns or ()]
            known = all(relation.known for relation in scopes[0].values())
            for name, (_old, origins) in zip(
                (self.lookup(target) if target and known else None) or (), row, strict=False
            ):
                columns[name] = columns.get(name, NOTHING) | origins
            self.partial = self.partial or not known
            return
        named = node.this.expressions if isinstance(node.this, exp.Tuple) else ()
        names = [each.name for each in named] or list((self.lookup(target) if target else None) or ())
        given = values.expressions if isinstance(values, exp.Tuple) else []
        for into, value in zip(names, given, strict=False):
            columns[into] = columns.get(into, NOTHING) | self.expression(value, ctes, scopes)

    def namesakes(self, columns: dict[str, frozenset[Origin]], scopes: tuple[Scope, ...]) -> None:
        """UPDATE SET * and INSERT * of Databricks: every column of what is merged."""
        for relation in scopes[0].values():
            self.partial = self.partial or not relation.known
            for name, origins in relation.columns or ():
                columns[name] = columns.get(name, NOTHING) | origins

    def delete(self, node: exp.Delete) -> tuple[str, ...] | None:
        """The table whose rows go; what else is named says which rows."""
        target, _names = target_of(node.this)
        ctes = self.with_of(node, {}, ())
        scope: Scope = {}
        if isinstance(node.this, exp.Table) and node.this.args.get("joins"):
            self.add(node.this, scope, ctes, ())
        for each in node.args.get("using") or ():
            self.add(each, scope, ctes, ())
        alias = node.this.alias_or_name.lower() if isinstance(node.this, exp.Table) else ""
        # MySQL and T-SQL name an alias of their FROM.
        aliases = [each for each in node.args.get("tables") or () if isinstance(each, exp.Table)]
        named = scope.get(aliases[0].name.lower()) if aliases else None
        if named is not None and named.name:
            target = named.name
        where = node.args.get("where")
        if where is not None:
            self.matched(where.this, alias, target, scope, ctes)
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
        alias = node.this.alias_or_name.lower()
        # T-SQL names an alias of its FROM as the target.
        named = scope.get(target[0].lower()) if target and len(target) == 1 else None
        if named is not None and named.name:
            target = named.name
        elif target and len(target) == 1 and target[0].lower() in ctes:
            # T-SQL writes through a CTE what that reads, where it reads one table.
            target = next(iter(self.tables)) if len(self.tables) == 1 else None
        columns: dict[str, frozenset[Origin]] = {}
        scopes: tuple[Scope, ...] = (scope, {alias: Relation([])})
        self.assignments(node, columns, ctes, scopes)
        where = node.args.get("where")
        for join in node.this.args.get("joins") or () if isinstance(node.this, exp.Table) else ():
            self.matched(join.args.get("on"), alias, target, scope, ctes)
        if where is not None:
            self.matched(where.this, alias, target, scope, ctes)
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
                    columns[into.name] = columns.get(into.name, NOTHING) | origins
            elif isinstance(each, exp.EQ):
                name = each.this.name
                columns[name] = columns.get(name, NOTHING) | self.expression(each.expression, ctes, scopes)

    def several(self, node: Any, ctes: Scope, scopes: tuple[Scope, ...]) -> list[frozenset[Origin]]:
        """Of (a, b) = (...) what stands on the right, one by one: a query or a list."""
        if isinstance(node, exp.Query):
            return [origins for _name, origins in self.query(node, ctes, scopes)]
        return [self.expression(each, ctes, scopes) for each in node.expressions]
