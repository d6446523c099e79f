"""Expressions: every name below one is resolved, every query in it on its own, every lambda with its own names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlglot import exp

from plugin.run_sql.called import function_name
from plugin.run_sql.columns import Columns
from plugin.run_sql.rewrites import METHOD
from plugin.run_sql.scope import SCALARS, Output, Scope, Source
from plugin.run_sql.verdict import Refusal

_SKIPPED: dict[type[exp.Expr], tuple[str, ...]] = {
    exp.Alias: ("alias",),
    exp.PropertyEQ: ("this",),
    exp.Kwarg: ("this",),
    exp.Window: ("alias",),
}


_SPECIAL: tuple[type[exp.Expr], ...] = (
    exp.Column, exp.Identifier, exp.Select, exp.SetOperation, exp.Subquery, exp.Values, exp.Table, exp.Star,
    exp.Columns, exp.PositionalColumn, exp.Lambda, exp.Comprehension, exp.In, exp.Dot, exp.Introducer, exp.Anonymous,
    *_SKIPPED,
)  # fmt: skip
_PLAIN: set[type[exp.Expr]] = set()
_LOOKED_AT: set[type[exp.Expr]] = set()


def _is_plain(kind: type[exp.Expr]) -> bool:
    """Is a node of this kind only walked through? Kept by kind: a statement has thousands of nodes of few kinds."""
    plain = not issubclass(kind, _SPECIAL)
    (_PLAIN if plain else _LOOKED_AT).add(kind)
    return plain


class Expressions(Columns):
    """Walks expressions; what is a query or a projection goes to the resolver above."""

    # --- given by the resolver -----------------------------------------------------------------------------------

    def query(self, node: exp.Expr, ctes: Mapping[str, Source], outer: Scope | None) -> Output:
        """Any query expression: its columns. Raises Refusal."""
        raise NotImplementedError

    def _with(self, node: exp.Expr, ctes: Mapping[str, Source], outer: Scope | None) -> Mapping[str, Source]:
        raise NotImplementedError

    def _values(self, node: exp.Values, ctes: Mapping[str, Source], outer: Scope | None) -> Output:
        raise NotImplementedError

    def _projection(self, projection: exp.Expr, scope: Scope) -> list[str] | None:
        raise NotImplementedError

    # --- walking -----------------------------------------------------------------------------------------------

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
            kind = type(node)
            if kind in _PLAIN or (kind not in _LOOKED_AT and _is_plain(kind)):
                for value in node.args.values():
                    if type(value) is list:
                        stack.extend(part for part in value if isinstance(part, exp.Expr))
                    elif type(value) is not str and isinstance(value, exp.Expr):
                        stack.append(value)
                continue
            if isinstance(node, exp.Column):
                if isinstance(node.this, exp.Star):
                    self._projection(node, scope)
                else:
                    self._column(node, scope, clause, node.parent)
                continue
            if isinstance(node, exp.Identifier):
                continue
            if isinstance(node, (exp.Select, exp.SetOperation, exp.Subquery, exp.Summarize)):
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
            if isinstance(node, (exp.Columns, exp.PositionalColumn)):  # DuckDB's #3 counts over all of FROM
                self._pin_all(scope)
            if isinstance(node, (exp.Lambda, exp.Comprehension)):
                self._lambda(node, scope, clause)
                continue
            if isinstance(node, exp.In):
                self._in(node, scope)
            if self.engine.name in ("tsql", "oracle"):
                self._method(node, scope)
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

    def _method(self, node: exp.Expr, scope: Scope) -> None:
        """T-SQL: in `a.value(..)` a is a column and no schema of a function; Oracle: so is o.doc in
        `o.doc.a.number()`. Raises Refusal where that is not known."""
        owner: exp.Expr | None = None
        if isinstance(node, exp.Introducer):
            owner = node.this
        elif isinstance(node, exp.Anonymous) and str(node.this).startswith(METHOD):
            owner = next(iter(node.expressions), None)
        if self.engine.name == "oracle":
            if isinstance(owner, exp.Expr) and isinstance(node, exp.Anonymous):
                self._item(owner, scope)
            return
        if isinstance(owner, exp.Column) and owner.args.get("table") is None:
            if not self._is_known(owner, scope):
                raise Refusal("function", f"{owner.name[:80]} is not a column that you can query here")

    def _item(self, path: exp.Expr, scope: Scope) -> None:
        """Oracle: `o.doc.a` before a method begins with an alias and a column that it is known to have."""
        while isinstance(path, (exp.Dot, exp.Bracket)) and not isinstance(path.this, exp.Identifier):
            path = path.this
        names = path.parts if isinstance(path, exp.Column) else [path.this, path.args.get("expression")]
        if len(names) > 1 and all(isinstance(each, exp.Identifier) for each in names):
            source = self._lookup(self._table_key(names[0]), scope, None)
            if source is not None and self._column_key(names[1]) in (source.columns or ()):
                return
        raise Refusal(
            "function", "a method is called of something that is not known to be a column of an alias"
        )

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
            if isinstance(operand, exp.Column) and self._is_scalar(operand, scope):
                return
            if operand is not None and not isinstance(
                operand, (exp.Array, exp.Tuple, exp.Paren, exp.Func, exp.Subquery)
            ):
                raise Refusal("table", "a bare name after IN could be a table; write a list or a subquery")
            columns = [each for each in listed if isinstance(each, exp.Column)]
            if len(listed) == 1 and columns:
                name = columns[0]
                if not self._is_known(name, scope) and not self._is_scalar(name, scope):
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

    def _array_join(self, join: exp.Join, scope: Scope) -> bool:
        """ClickHouse's ARRAY JOIN of expressions: each is resolved among the sources, its alias is a new column."""
        given = [join.this, *join.expressions]
        if any(isinstance(each, (exp.Table, exp.Subquery)) for each in given):
            return False
        for each in given:
            self._walk(each.this if isinstance(each, exp.Alias) else each, scope, "join")
            if isinstance(each, exp.Alias) and isinstance(each.args.get("alias"), exp.Identifier):
                scope.local = scope.local | {self._column_key(each.args["alias"])}
        return True

    def _is_scalar(self, column: exp.Column, scope: Scope) -> bool:
        """Does WITH give this name to an expression? ClickHouse lets such a name win over a table's after IN."""
        key = self._column_key(column.this)
        if self.engine.name != "clickhouse" or len(column.parts) != 1:
            return False
        source = scope.ctes.get(SCALARS)
        return source is not None and source.columns is not None and key in source.columns

    def _dot(self, node: exp.Dot, scope: Scope, clause: str) -> None:
        """`(x).name`, struct fields and qualified built-ins; a function behind a dot was checked with the functions."""
        right = node.expression
        left = node.this
        if isinstance(right, exp.Func):  # only engines' own names get here, see guard.check_functions
            self._walk_parts(right, scope, clause)
            return
        if isinstance(left, exp.Paren) and not self.engine.structs:
            column = left.this
            if _gives_pairs(column) and (
                isinstance(right, exp.Star)
                or (isinstance(right, exp.Identifier) and right.name.lower() in ("key", "value"))
            ):
                self._walk(column, scope, clause)
                return
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


def _gives_pairs(node: exp.Expr) -> bool:
    """PostgreSQL: `(jsonb_each(a)).key`, a built-in function that gives pairs of these names."""
    return isinstance(node, exp.Func) and function_name(node) in (
        "json_each",
        "json_each_text",
        "jsonb_each",
        "jsonb_each_text",
        "each",
    )
