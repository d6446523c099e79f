"""Functions and types: each by its bare name on the engine's allow-list."""

from __future__ import annotations

from sqlglot import exp

from plugin.run_sql.called import function_name
from plugin.run_sql.dialects import Engine
from plugin.run_sql.nodes import MADE_BY_SYNTAX
from plugin.run_sql.verdict import Refusal, ascii_lower

_COMBINATORS = (
    "if",
    "array",
    "distinct",
    "ornull",
    "ordefault",
    "state",
    "merge",
    "map",
    "foreach",
    "resample",
    "argmin",
    "argmax",
)

_NAMING = {
    "arrayreduce": 0, "arrayreduceinranges": 0,
    "list_aggregate": 1, "list_aggr": 1, "array_aggregate": 1, "array_aggr": 1, "aggregate": 1,
}  # fmt: skip
"""ClickHouse and DuckDB: call the function that this argument names as a text."""

TYPES: dict[str, frozenset[str]] = {
    "postgres": frozenset(
        """citext ltree lquery hstore oid name xid tid pg_lsn tsvector tsquery point line lseg box path polygon
    circle macaddr macaddr8 bpchar geometry geography vector int4range int8range numrange tsrange
    tstzrange daterange int4multirange int8multirange nummultirange tsmultirange tstzmultirange
    datemultirange jsonpath txid_snapshot timetz bit varbit cidr inet xml money""".split()
    ),
    "oracle": frozenset(
        "binary_float binary_double pls_integer sys.odcivarchar2list sys.odcinumberlist sys.odcidatelist".split()
    ),
    "tsql": frozenset({"sysname", "hierarchyid", "geography", "geometry"}),
    "clickhouse": frozenset({"ipv4", "ipv6"}),
    "duckdb": frozenset("point_2d point_3d linestring_2d polygon_2d box_2d box_2df wkb_blob".split()),
}
"""Types that the parser does not know and that are the engine's own."""

_ARRAYS = frozenset(
    """_text _varchar _int2 _int4 _int8 _float4 _float8 _numeric _bool _date _timestamp _timestamptz _uuid _json
    _jsonb""".split()
)
"""PostgreSQL's own names of its types of arrays."""


def check_function(node: exp.Expr, engine: Engine) -> None:
    """Raise Refusal unless this call is on the engine's list. Operators and syntax are not calls and pass."""
    if _is_table_of(node, engine):
        return  # what stands in it is looked at where FROM is read
    if isinstance(node, exp.Exists) or _is_quantifier(node):
        return
    if isinstance(node, (exp.XMLTable, exp.JSONTable, exp.OpenJSON)):
        if not isinstance(node.parent, (exp.Table, exp.From, exp.Join, exp.Lateral, exp.TableFromRows)):
            _require(function_name(node), engine)
        return  # in FROM, where that is read
    if isinstance(node, exp.Anonymous) or isinstance(
        node, (exp.AnonymousAggFunc, exp.ParameterizedAgg, exp.CombinedAggFunc, exp.CombinedParameterizedAgg)
    ):
        this = node.this
        if isinstance(this, exp.Expr) and not isinstance(this, exp.Identifier):
            raise Refusal("function", "a function must be called by its plain name")
        name = function_name(node)
        if engine.name == "oracle" and _is_multiset(node):
            return
        quoted = isinstance(this, exp.Identifier) and bool(this.args.get("quoted"))
        if quoted and this.name != name and engine.names in ("lower", "exact"):
            raise Refusal("function", f"the function {this.name[:60]} is not on the list of this engine")
        if quoted and engine.names == "upper" and this.name != this.name.upper():
            raise Refusal("function", f"the function {this.name[:60]} is not on the list of this engine")
        _require(name, engine)
        if name in _NAMING and engine.name in ("clickhouse", "duckdb"):
            _require_named(node, _NAMING[name], engine)
        return
    written = node.meta.get("name")
    if written:
        _require(ascii_lower(str(written)), engine)
    elif isinstance(node, exp.Func) and type(node) not in MADE_BY_SYNTAX:
        if not any(ascii_lower(name) in engine.functions for name in node.sql_names()):
            _require(function_name(node), engine)


def check_applied(node: exp.Expr, engine: Engine) -> None:
    """ClickHouse's `* APPLY(f)` calls f on each column: its name has no bracket of its own. Raises Refusal."""
    named = node.args.get("expression")
    if not isinstance(named, exp.Var):
        raise Refusal("function", "APPLY takes the plain name of a function here")
    _require(ascii_lower(named.name), engine)


def _is_quantifier(node: exp.Expr) -> bool:
    """`a <> ALL (ARRAY[1])`, which comes as a call. A quoted name is one of somebody's function."""
    return (
        isinstance(node, exp.Anonymous)
        and isinstance(node.this, str)
        and node.this.upper() == "ALL"
        and len(node.expressions) == 1
        and isinstance(node.parent, (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE))
        and node.arg_key == "expression"
    )


def _is_table_of(node: exp.Expr, engine: Engine) -> bool:
    """`FROM TABLE(..)` around a call that has its own check: Oracle's sys.odcinumberlist(..), Trino's sequence(..)."""
    if engine.name == "sqlite" and type(node) is exp.Anonymous and isinstance(node.parent, exp.Table):
        return (
            len(node.expressions) == 1 and node.arg_key == "this"
        )  # `t('words')` of a full-text table, or refused
    inner = {"oracle": (exp.Dot, exp.Column), "trino": (exp.Func,)}.get(engine.name)
    return (
        inner is not None
        and isinstance(node, exp.Anonymous)
        and isinstance(node.parent, exp.Table)
        and ascii_lower(str(node.this)) == "table"
        and len(node.expressions) == 1
        and isinstance(node.expressions[0], inner)
    )


def _is_multiset(node: exp.Expr) -> bool:
    """Oracle's `CAST(MULTISET(SELECT ..) AS type)`, which is grammar there; its query is resolved like any other."""
    return (
        isinstance(node.this, str)
        and ascii_lower(node.this) == "multiset"
        and type(node.parent) is exp.Cast
        and len(node.expressions) == 1
        and isinstance(node.expressions[0], (exp.Select, exp.SetOperation))
    )


def _require_named(node: exp.Expr, at: int, engine: Engine) -> None:
    named = node.expressions[at] if len(node.expressions) > at else None
    if not (isinstance(named, exp.Literal) and named.is_string):
        raise Refusal("function", "the function that is called by its name must be written as a text")
    _require(ascii_lower(named.name.partition("(")[0]), engine)


def _require(name: str, engine: Engine) -> None:
    if name in engine.functions:
        return
    if engine.name == "clickhouse":
        base = name
        for _ in range(3):
            for ending in _COMBINATORS:
                if base.endswith(ending) and base[: -len(ending)] in engine.functions:
                    return
            shorter = next((base[: -len(ending)] for ending in _COMBINATORS if base.endswith(ending)), "")
            if not shorter:
                break
            base = shorter
    raise Refusal("function", f"the function {name[:60]} is not on the list of this engine")


def check_type(node: exp.Expr, engine: Engine) -> None:
    """Raise Refusal for a type that somebody defined: reading one may run code, its name may be a table's."""
    kind = node.this
    if kind != exp.DType.USERDEFINED:
        return
    name = node.args.get("kind")
    text = name.sql() if isinstance(name, exp.Expr) else str(name or "")
    if engine.name == "postgres" and ascii_lower(text) in _ARRAYS:
        return
    if ascii_lower(text) not in TYPES.get(engine.name, frozenset()):
        raise Refusal("type", f"the type {text[:60]} is not one of the engine's own")
