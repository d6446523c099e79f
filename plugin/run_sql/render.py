"""From the checked tree to the text that runs: schemas filled in, visible columns pinned, a row limit.

One file because each engine's fix is small and all of them hang on one way of writing.
"""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Callable, Collection

from sqlglot import exp
from sqlglot.errors import ErrorLevel, SqlglotError
from sqlglot.generator import Generator
from sqlglot.helper import name_sequence

from plugin.run_sql.clauses import XML_NODES
from plugin.run_sql.dialects import Engine, writer_of
from plugin.run_sql.oracle_clauses import partitioned
from plugin.run_sql.rewrites import GEOMETRY, METHOD, OF_TYPE, STATIC
from plugin.run_sql.scope import Found
from plugin.run_sql.spared import spare_passes
from plugin.run_sql.verdict import Refusal, VisibleTable

_WITH_CATALOG = frozenset({"bigquery", "snowflake", "databricks", "trino"})
"""Engines where the session's own catalog would decide what `schema.table` is: there the catalog is written, too."""
_DUCKDB_CATALOGS = ("temp", "system")
"""Catalogs that are always there. DuckDB reads a schema that is called as a catalog only with its own in front."""


def qualify_tables(found: Found, engine: Engine) -> None:
    """Write each table's own schema and name into the tree, so that no search path of the session decides.

    The names are written as the catalog has them, which also settles engines that ignore case.
    """
    for node, table in found.nodes:
        written = node.this
        if len(table.parts) > 1 and engine.qualifies:
            if node.args.get("alias") is None and written.name != table.parts[-1]:
                node.set("alias", exp.TableAlias(this=written.copy()))
            if node.args.get("db") is None:
                node.set("db", exp.Identifier(this=table.parts[-2], quoted=True))
                node.set("this", exp.Identifier(this=table.parts[-1], quoted=True))
            if engine.name == "duckdb" and len(table.parts) > 2 and node.args.get("catalog") is None:
                if table.parts[-2].lower() in (table.parts[-3].lower(), *_DUCKDB_CATALOGS):
                    node.set("catalog", exp.Identifier(this=table.parts[-3], quoted=True))
            if engine.name in _WITH_CATALOG and len(table.parts) > 2 and node.args.get("catalog") is None:
                node.set("catalog", exp.Identifier(this=table.parts[-3], quoted=True))


def pin_tables(tree: exp.Expr, found: Found, engine: Engine) -> exp.Expr:
    """Put a derived table of the visible columns in the place of each table that is read as a whole."""
    for node, table in found.pins.values():
        if table.columns is None or not (table.partial or table.masked):
            continue
        replacement = _derived(node, table)
        if node is tree:
            tree = replacement
        else:
            node.replace(replacement)
        _drop_schemas(tree, table)
    return tree


def _derived(node: exp.Table, table: VisibleTable) -> exp.Subquery:
    columns: list[exp.Expr] = []
    for column in table.columns or ():
        name = exp.Identifier(this=column, quoted=True)
        if column in table.masked:
            mask = table.masked[column]
            value: exp.Expr = exp.Literal.string(mask) if mask else exp.Null()
            columns.append(exp.Alias(this=value, alias=name))
        else:
            columns.append(exp.Column(this=name))
    bare = exp.Table(this=node.this.copy())
    for key in ("db", "catalog", "version", "when", "only", "sample", "partition"):
        part = node.args.get(key)
        if part:
            bare.set(key, part.copy() if isinstance(part, exp.Expr) else part)
    alias = node.args.get("alias")
    named = alias.copy() if isinstance(alias, exp.TableAlias) else exp.TableAlias(this=node.this.copy())
    derived = exp.Subquery(this=exp.Select(expressions=columns, from_=exp.From(this=bare)), alias=named)
    for key in ("joins", "laterals", "pivots"):
        part = node.args.get(key)
        if part:
            derived.set(key, part)
    return derived


def _drop_schemas(tree: exp.Expr, table: VisibleTable) -> None:
    """`sales.orders.id` becomes `orders.id` where sales.orders is now a derived table of that name."""
    for column in tree.find_all(exp.Column):
        schema = column.args.get("db")
        if schema is not None and len(table.parts) > 1 and schema.name.lower() == table.parts[-2].lower():
            column.set("db", None)
            column.set("catalog", None)


def limit_tree(tree: exp.Expr, rows: int, engine: Engine) -> exp.Expr:
    """Put a limit of at most `rows` into the statement; a smaller one that is there stays."""
    if isinstance(tree, exp.Subquery) and tree.is_wrapper:
        tree = tree.this
    if not isinstance(tree, (exp.Select, exp.SetOperation)) or tree.args.get("for_") is not None:
        return tree
    limit = tree.args.get("limit")
    if limit is None:
        if engine.name == "tsql" and (
            tree.args.get("offset") is not None or isinstance(tree, exp.SetOperation)
        ):
            return tree
        tree.set("limit", exp.Limit(expression=exp.Literal.number(rows)))
        return tree
    value = limit.args.get("expression") if isinstance(limit, exp.Limit) else limit.args.get("count")
    if isinstance(value, exp.Literal) and value.is_int and int(value.name) > rows:
        value.replace(exp.Literal.number(rows))
    return tree


class _Generators(threading.local):
    """Each thread's own, as a generator has a state while it writes: one that failed is not used again."""

    def __init__(self) -> None:
        self.ready: dict[str, Generator] = {}
        self.given: dict[str, Generator] = {}


_KEPT = frozenset({"duckdb"})
"""Engines whose generator reads seventeen templates each time one is made, which takes longer than all the rest."""
_GENERATORS = _Generators()


def _generator(name: str) -> Generator:
    made = _GENERATORS.ready.pop(name, None)
    if made is None:
        made = writer_of(name).generator(comments=False, unsupported_level=ErrorLevel.IGNORE)
    made._next_name = name_sequence("_t")  # the same statement is written the same way each time
    _GENERATORS.given[name] = made
    return made


def render(tree: exp.Expr, engine: Engine, kinds: Collection[type[exp.Expr]]) -> str:
    """The text that runs. Raises Refusal where the tree cannot be written in this dialect.

    `kinds` are those of the nodes that were read. No fix and no pass is about what only this room puts in (brackets,
    columns, a limit).
    """
    try:
        if engine.name in _FIXED:
            fix, about = _FIXED[engine.name]
            if not about.isdisjoint(kinds):
                tree = _fixed(tree, fix, about)
        if engine.name not in _KEPT:
            generator = writer_of(engine.name).generator(comments=False, unsupported_level=ErrorLevel.IGNORE)
            spare_passes(generator, kinds)
            return generator.generate(tree, copy=False)
        text = _generator(engine.name).generate(tree, copy=False)
        _GENERATORS.ready[engine.name] = _GENERATORS.given.pop(engine.name)
        return text
    except (SqlglotError, ValueError, TypeError, AttributeError, LookupError, AssertionError) as error:
        raise Refusal("parse", "the statement could not be rendered in this dialect") from error


def _fixed(tree: exp.Expr, fix: Callable[[exp.Expr], exp.Expr], kinds: frozenset[type[exp.Expr]]) -> exp.Expr:
    """The tree with every node of these kinds fixed, the innermost first: what a fix puts around a node may hold
    others. The kinds are all that the fix looks at: a statement has thousands of nodes, few of them of these."""
    for node in reversed([node for node in tree.walk() if type(node) in kinds]):
        parent, key, index = node.parent, node.arg_key, node.index
        made = fix(node)
        if made is node:
            continue
        if parent is None or key is None:
            tree = made
        else:
            parent.set(key, made, index)
    return tree


_MARKS = {
    "postgres": "${}", "duckdb": "${}", "sqlite": "?{}", "redshift": "${}", "bigquery": "@p{}", "databricks": ":p{}",
    "clickhouse": "{{p{}:Auto}}",
}  # fmt: skip
"""How a numbered parameter is written for the driver or the engine. ClickHouse wants a type in it, which its connector
puts there when it has the value."""
_PLACES = {"mysql": "%s", "snowflake": "?", "trino": "?"}
"""Engines that know one mark only, one for each place."""


def render_bound(
    tree: exp.Expr, engine: Engine, kinds: Collection[type[exp.Expr]]
) -> tuple[str, tuple[str, ...]]:
    """As `render`, for a statement with parameters: the text for the driver and the order of their names.

    Values never come near the text: each `:name` becomes the driver's own mark. Raises Refusal where there is none.
    """
    if engine.name not in (*_MARKS, *_PLACES):
        raise Refusal("parameter", "parameters are not known for this engine")
    token = f"docent_{secrets.token_hex(12)}_"
    places: list[tuple[str, bool]] = []
    for node in list(tree.find_all(exp.Placeholder)):
        # PostgreSQL takes a mark after which IS NULL stands for text, also where it is compared with a date elsewhere:
        # so it gets a mark of its own there.
        apart = engine.name == "postgres" and isinstance(node.parent, exp.Is) and node.arg_key == "this"
        place = (str(node.args.get("this")), apart)
        if place not in places:
            places.append(place)
        mark: exp.Expr = exp.Var(this=f"{token}{places.index(place)}_")
        node.replace(exp.Cast(this=mark, to=exp.DataType(this=exp.DType.TEXT)) if apart else mark)
    names = [name for name, _ in places]
    text = render(tree, engine, {*kinds, exp.Var, exp.Cast, exp.DataType})
    marks = re.compile(token + r"(\d+)_")
    if engine.name not in _PLACES:
        style = _MARKS[engine.name]
        return marks.sub(lambda match: style.format(int(match[1]) + 1), text), tuple(names)
    order = tuple(names[int(match[1])] for match in marks.finditer(text))
    if engine.name == "mysql":  # its driver formats, so a sign of its own is doubled
        text = text.replace("%", "%%")
    return marks.sub(_PLACES[engine.name], text), order


def spread_lists(tree: exp.Expr, parameters: Collection[str]) -> None:
    """Where the names `n[0]`, `n[1]`, ... are known, `IN (:n)` gets a placeholder for each of them, `:n IS NULL` one
    for the first. Raises Refusal where a list stands elsewhere."""
    counts: dict[str, int] = {}
    for name in parameters:
        if name.endswith("]"):
            counts[name.partition("[")[0]] = counts.get(name.partition("[")[0], 0) + 1
    for node in list(tree.find_all(exp.Placeholder)) if counts else ():
        name, parent = str(node.args.get("this")), node.parent
        if name not in counts:
            continue
        if isinstance(parent, exp.In) and node.arg_key == "expressions":
            marks = [exp.Placeholder(this=f"{name}[{at}]") for at in range(counts[name])]
            others = parent.expressions
            at = next(index for index, each in enumerate(others) if each is node)
            parent.set("expressions", [*others[:at], *marks, *others[at + 1 :]])
        elif isinstance(parent, exp.Is) and node.arg_key == "this":
            node.replace(exp.Placeholder(this=f"{name}[0]"))
        else:
            raise Refusal("parameter", f"the list :{name} may stand in IN (:{name}) and in :{name} IS NULL")


def _written(node: exp.Expr) -> str:
    return str(node.meta.get("name", "")).lower()


def _mysql(node: exp.Expr) -> exp.Expr:
    """MariaDB has no REGEXP_LIKE, which the renderer writes for REGEXP: the operator is known to both engines."""
    if type(node) is exp.RegexpLike and node.args.get("flag") is None:
        left = exp.Tag(this=exp.Paren(this=node.this), prefix="", postfix=" REGEXP")
        return exp.Paren(this=exp.Introducer(this=left, expression=exp.Paren(this=node.args["expression"])))
    if type(node) is exp.IntDiv:  # the renderer's CAST(a / b AS SIGNED) rounds, DIV cuts off
        left = exp.Tag(this=exp.Paren(this=node.this), prefix="", postfix=" DIV")
        return exp.Paren(this=exp.Introducer(this=left, expression=exp.Paren(this=node.expression)))
    if type(node) is exp.Tuple and isinstance(node.parent, exp.Values) and len(node.expressions) == 1:
        row = node.expressions[0]
        if isinstance(row, exp.Anonymous) and str(row.this).upper() == "ROW":
            return row  # VALUES ROW(1, 2), which the renderer would put into brackets
    if _written(node) in ("var_samp", "var_pop") and type(node) in (exp.Variance, exp.VariancePop):
        return exp.Anonymous(this=_written(node).upper(), expressions=[node.this])
    if type(node) is exp.UtcDate:
        return exp.Anonymous(this="UTC_DATE", expressions=[])
    if type(node) is exp.Table and isinstance(node.this, exp.Identifier) and node.args.get("db") is None:
        if node.name.lower() == "dual":
            node.set("this", exp.Var(this="DUAL"))
    return node


def _duckdb(node: exp.Expr) -> exp.Expr:
    """`a ~ 'b'` as it is: the renderer's REGEXP_FULL_MATCH is what it meant before DuckDB 2, now a part may match."""
    if type(node) is exp.RegexpFullMatch and not _written(node) and node.args.get("options") is None:
        left = exp.Tag(this=exp.Paren(this=node.this), prefix="", postfix=" ~")
        return exp.Paren(this=exp.Introducer(this=left, expression=exp.Paren(this=node.args["expression"])))
    return node


def _sqlite(node: exp.Expr) -> exp.Expr:
    """NUMERIC is no REAL there, json_extract no `->`, log10 not quite log(10, x), a comma no CROSS JOIN, which keeps
    the order of the tables: a table function that reads a table to its right would give nothing then."""
    kind = type(node)
    if kind is exp.Join and node.args.get("kind") == "CROSS" and isinstance(node.parent, exp.Select):
        first = node.parent.args["from_"].this
        if isinstance(first, exp.Table) and isinstance(first.this, exp.Func):
            node.set("kind", None)
            node.set("on", exp.true())
        return node
    if kind is exp.DataType and node.this == exp.DType.DECIMAL:
        return exp.DataType(this=exp.DType.USERDEFINED, kind="NUMERIC")
    if kind is exp.JSONExtract and _written(node) == "json_extract":
        return exp.Anonymous(
            this="JSON_EXTRACT", expressions=[node.this, node.args["expression"], *node.expressions]
        )
    if kind is exp.Log and _written(node) == "log10":
        return exp.Anonymous(this="LOG10", expressions=[node.args.get("expression") or node.this])
    return node


def _postgres(node: exp.Expr) -> exp.Expr:
    """`LATERAL unnest(a) WITH ORDINALITY AS t(x, n)`: the renderer would lose the name of the ordinal; to_hex(a), which
    it would write as hex(a)."""
    if type(node) is exp.Hex and _written(node) == "to_hex":
        return exp.Anonymous(this="TO_HEX", expressions=[node.this])
    if type(node) is exp.Lateral and isinstance(node.this, exp.Unnest):
        ordinal, alias = node.this.args.get("offset"), node.args.get("alias")
        if isinstance(ordinal, exp.Identifier) and isinstance(alias, exp.TableAlias):
            names = [name.name for name in alias.columns]
            if ordinal.name not in names:
                alias.append("columns", ordinal.copy())
    return node


def _called(node: exp.Lateral) -> exp.Expr:
    """What a LATERAL holds, with its name behind it."""
    alias = node.args.get("alias")
    return node.this if alias is None else exp.Introducer(this=node.this, expression=alias)


def _oracle(node: exp.Expr) -> exp.Expr:
    """`AS OF TIMESTAMP (e)`, CROSS APPLY and OUTER APPLY, where the renderer would write what other engines have (INNER
    JOIN LATERAL without ON); aggregates by the names they have there; no AS before the name of a LATERAL, a PIVOT or
    VALUES: Oracle has none there."""
    if type(node) is exp.Anonymous and str(node.this).startswith(METHOD):  # `o.doc.total.number()`
        return exp.Tag(this=node.expressions[0], prefix="", postfix=f".{str(node.this)[len(METHOD) :]}()")
    if _written(node) in ("var_pop", "var_samp", "approx_count_distinct") and isinstance(node, exp.Func):
        return exp.Anonymous(this=_written(node).upper(), expressions=[node.this])
    if type(node) is exp.Join:
        node = partitioned(node)
    if type(node) is exp.RecursiveWithSearch and node.args.get("before") is not None:
        return exp.Tag(this=node, prefix=node.args["before"].name, postfix="")  # SEARCH .. CYCLE ..
    if type(node) is exp.Join and isinstance(node.this, exp.Lateral):
        applied = node.this.args.get("cross_apply")
        if applied is not None:
            words = " CROSS APPLY " if applied else " OUTER APPLY "
            return exp.Tag(this=_called(node.this), prefix=words, postfix="")
    if type(node) is exp.Lateral:
        if isinstance(node.parent, exp.Join) and node.args.get("cross_apply") is not None:
            return node  # its join writes it
        return exp.Tag(this=_called(node), prefix="LATERAL ", postfix="")
    if type(node) in (exp.Pivot, exp.Values) and node.args.get("alias") is not None:
        alias = node.args["alias"].pop()
        return exp.Introducer(
            this=node if type(node) is exp.Pivot else exp.Paren(this=node), expression=alias
        )
    if type(node) is exp.Version and isinstance(node.args.get("expression"), exp.Paren):
        word = "SCN" if node.name.upper() == "VERSION" else "TIMESTAMP"
        return exp.Introducer(this=exp.Var(this=f"AS OF {word}"), expression=node.args["expression"])
    return node


def _bigquery(node: exp.Expr) -> exp.Expr:
    """`* RENAME (a AS b)`, which `|> RENAME a AS b` was read as and BigQuery has not, as that step again."""
    query = node.parent
    if type(node) is not exp.Star or not node.args.get("rename"):
        return node
    if not isinstance(query, exp.Select) or {key for key, each in query.args.items() if each} != {
        "expressions",
        "from_",
    }:
        raise Refusal("parse", "RENAME is read as a step of its own only")
    if len(query.expressions) > 1 or node.args.get("except_") or node.args.get("replace"):
        raise Refusal("parse", "RENAME is read as a step of its own only")
    names = ", ".join(each.sql(dialect="bigquery", comments=False) for each in node.args["rename"])
    table = query.args["from_"].this
    table.replace(exp.Tag(this=table.copy(), prefix="", postfix=f" |> RENAME {names}"))
    return exp.Star()


def _clickhouse(node: exp.Expr) -> exp.Expr:
    """`rand()` is an integer there; the renderer would write the function that gives a fraction."""
    if type(node) is exp.Rand and _written(node) == "rand":
        return exp.Anonymous(this="rand", expressions=[])
    if type(node) in (exp.Lag, exp.Lead) and _written(node) in (
        "lag",
        "lead",
    ):  # leadInFrame ends at the frame
        parts = [node.args.get(key) for key in ("this", "offset", "default")]
        return exp.Anonymous(this=_written(node), expressions=[part for part in parts if part is not None])
    if type(node) is exp.Length and _written(node) in (
        "char_length",
        "character_length",
    ):  # length counts bytes
        return exp.Anonymous(this="lengthUTF8", expressions=[node.this])
    return node


def _spatial(node: exp.Anonymous) -> exp.Expr:
    """`s.location.STDistance(x)` and `geography::Point(1, 2, 4326)`, whose names the engine reads letter by letter."""
    name = str(node.this)
    arguments = list(node.expressions)
    if name.startswith(OF_TYPE):
        kind, _, method = name[len(OF_TYPE) :].partition("_")
        called: exp.Expr = exp.Var(this=f"{kind}::{STATIC[method]}")
    else:
        called = exp.Tag(this=arguments.pop(0), prefix="", postfix=f".{GEOMETRY[name[len(METHOD) :]]}")
    if not arguments:
        return exp.Tag(this=called, prefix="", postfix="()")
    return exp.Introducer(this=called, expression=exp.Tuple(expressions=arguments))


def _ordered(node: exp.SetOperation) -> exp.Expr:
    """T-SQL: `a UNION b ORDER BY x OFFSET 5 ROWS FETCH NEXT 3 ROWS ONLY` as it is; the renderer would write TOP."""
    right = node.expression
    fetch = right.args.get("limit") if isinstance(right, exp.Select) else None
    parts = [node.args.get("order"), node.args.get("offset"), fetch if isinstance(fetch, exp.Fetch) else None]
    if parts[0] is None or node.args.get("limit") is not None:
        return node
    written = [part.pop().sql(dialect="tsql", comments=False).strip() for part in parts if part is not None]
    return exp.Tag(this=node, prefix="", postfix=f" {' '.join(written)}")


def _tsql(node: exp.Expr) -> exp.Expr:
    """`t.doc.nodes('/a')` as it is written there; JSON_VALUE without the JSON_QUERY that the renderer adds."""
    if type(node) is exp.Anonymous and str(node.this).lower() == XML_NODES and len(node.expressions) == 2:
        path = node.expressions[1]
        if isinstance(path, exp.Literal) and path.is_string:
            column = exp.Tag(
                this=node.expressions[0], prefix="", postfix=" .nodes"
            )  # its name must be in lower case
            return exp.Introducer(this=column, expression=exp.Paren(this=path))
    if type(node) is exp.Anonymous and str(node.this).startswith((METHOD, OF_TYPE)):
        return _spatial(node)
    if type(node) is exp.ApproxDistinct and _written(node) == "approx_count_distinct":
        return exp.Anonymous(this="APPROX_COUNT_DISTINCT", expressions=[node.this])
    if isinstance(node, exp.SetOperation):
        return _ordered(node)
    if type(node) is exp.Getbit:
        return exp.Anonymous(this="GET_BIT", expressions=[node.this, node.args["expression"]])
    if type(node) in (exp.JSONExtract, exp.JSONExtractScalar) and _written(node) in (
        "json_value",
        "json_query",
    ):
        return exp.Anonymous(this=_written(node).upper(), expressions=[node.this, node.args["expression"]])
    return node


_FIXED: dict[str, tuple[Callable[[exp.Expr], exp.Expr], frozenset[type[exp.Expr]]]] = {
    "mysql": (
        _mysql,
        frozenset({exp.RegexpLike, exp.IntDiv, exp.Tuple, exp.Variance, exp.VariancePop, exp.UtcDate, exp.Table}),
    ),
    "duckdb": (_duckdb, frozenset({exp.RegexpFullMatch})),
    "sqlite": (_sqlite, frozenset({exp.DataType, exp.JSONExtract, exp.Log, exp.Join})),
    "postgres": (_postgres, frozenset({exp.Hex, exp.Lateral})),
    "bigquery": (_bigquery, frozenset({exp.Star})),
    "clickhouse": (_clickhouse, frozenset({exp.Rand, exp.Lag, exp.Lead, exp.Length})),
    "oracle": (
        _oracle,
        frozenset(
            {
                exp.Anonymous, exp.Variance, exp.VariancePop, exp.ApproxDistinct, exp.Join, exp.Lateral, exp.Pivot,
                exp.Values, exp.Version, exp.RecursiveWithSearch,
            }
        ),
    ),
    "tsql": (
        _tsql,
        frozenset(
            {
                exp.Anonymous, exp.ApproxDistinct, exp.Getbit, exp.JSONExtract, exp.JSONExtractScalar, exp.Union,
                exp.Except, exp.Intersect,
            }
        ),
    ),
}  # fmt: skip
"""Each engine's fix, and the kinds of nodes that it looks at."""
