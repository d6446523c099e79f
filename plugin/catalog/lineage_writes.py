"""The walk over a statement that writes: INSERT, CREATE ... AS, MERGE, UPDATE, DELETE.

Enters: its tree. Leaves: the table written, and for each column of it, where what is written comes from.
"""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from plugin.catalog.lineage_relations import (
    NOTHING,
    Column,
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
        if isinstance(node.this, exp.Star) or (isinstance(node.this, exp.Var) and not values):
            self.namesakes(columns, scopes)
            return
        named = node.this.expressions if isinstance(node.this, exp.Tuple) else ()
        names = [each.name for each in named] or list((self.lookup(target) if target else None) or ())
        given = values.expressions if isinstance(values, exp.Tuple) else []
        for into, value in zip(names, given, strict=False):
            columns[into] = columns.get(into, NOTHING) | self.expression(value, ctes, scopes)

    def namesakes(self, columns: dict[str, frozenset[Origin]], scopes: tuple[Scope, ...]) -> None:
        """UPDATE SET * and INSERT * of Databricks, INSERT ROW of BigQuery: every column of what is merged."""
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
