"""What the guard must know about each engine: its parser, how it folds names, what it allows in FROM.

An engine that is not in `ENGINES` is refused. Names are sqlglot's; `ALIASES` holds the other ones in use.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal, cast

from sqlglot.dialects.dialect import Dialect

from plugin.run_sql.functions import allowed
from plugin.run_sql.verdict import ascii_lower, ascii_upper

Fold = Literal["exact", "insensitive", "lower", "upper"]

CLAUSES = ("order", "group", "having", "qualify", "where", "select", "join")


@dataclass(frozen=True)
class Engine:
    """Facts of one engine. `names`, `columns`: how table and column names fold: `lower`, `upper` spare quoted ones."""

    name: str
    names: Fold
    columns: Fold
    default_schemas: tuple[str, ...] = ("public",)
    alias_clauses: frozenset[str] = frozenset({"order", "group"})
    """Clauses in which the engine lets a select alias stand for its expression."""
    structs: bool = False
    """May a.b be a field of column a?"""
    whole_rows: bool = False
    """May a table's alias stand for its row?"""
    free_recursion: bool = False
    """May a CTE name itself without RECURSIVE?"""
    lateral_siblings: bool = False
    """May a derived table read its left siblings without LATERAL?"""
    bare_in: bool = False
    """Is a bare name after IN a table?"""
    pseudo_columns: frozenset[str] = frozenset()
    properties: frozenset[str] = frozenset()
    """Names that may follow a column's: what a value of a type of the engine's own tells of itself."""
    dual: bool = False
    from_functions: frozenset[str] = frozenset()
    """Functions that may stand in FROM, in lower case."""
    reserved: frozenset[str] = frozenset()
    """Words that start another statement when they stand unquoted where a name is expected."""
    qualifies: bool = True
    """Does the rendered text name the schema of tables that were written without?"""
    functions: frozenset[str] = field(default_factory=frozenset)

    def key(self, text: str, quoted: bool, fold: Fold) -> str:
        """A name in the form in which two spellings of one thing are equal."""
        if fold == "insensitive":
            return ascii_lower(text)
        if fold == "exact" or quoted:
            return text
        return ascii_lower(text) if fold == "lower" else ascii_upper(text)


_ALL = frozenset(CLAUSES)
_TSQL_RESERVED = frozenset(
    """add alter backup begin break browse bulk checkpoint close commit continue create dbcc deallocate
    declare delete deny disk drop dump else end exec execute exit fetch file fillfactor for goto grant
    having holdlock identity_insert if insert into kill lineno load merge nocheck offsets open openquery
    openrowset opendatasource openxml option print proc procedure raiserror read readtext reconfigure
    restore return revert revoke rollback rule save securityaudit select set setuser shutdown then throw
    go tran transaction trigger truncate update updatetext use values waitfor where while with writetext""".split()
)

_TABLE: tuple[Engine, ...] = (
    Engine(
        "postgres",
        names="lower",
        columns="lower",
        whole_rows=True,
        from_functions=frozenset(
            """generate_series generate_subscripts unnest json_each json_each_text json_array_elements
    json_array_elements_text json_object_keys json_to_record json_to_recordset json_table jsonb_each
    jsonb_each_text jsonb_array_elements jsonb_array_elements_text jsonb_object_keys jsonb_path_query
    jsonb_to_record jsonb_to_recordset regexp_matches regexp_split_to_table string_to_table xmltable
    each skeys svals unnest_tsvector current_date now to_timestamp date_trunc coalesce""".split()
        ),
    ),
    Engine(
        "redshift",
        names="lower",
        columns="lower",
        alias_clauses=frozenset({"order", "group", "qualify", "select", "where", "having"}),
        structs=True,
        from_functions=frozenset({"generate_series", "unnest"}),
        pseudo_columns=frozenset({"level"}),
    ),
    Engine(
        "mysql",
        names="exact",
        columns="insensitive",
        default_schemas=(),
        alias_clauses=frozenset({"order", "group", "having"}),
        dual=True,
        from_functions=frozenset({"json_table"}),
    ),
    Engine(
        "sqlite",
        names="insensitive",
        columns="insensitive",
        default_schemas=("main",),
        alias_clauses=frozenset({"order", "group", "having", "where", "join"}),
        free_recursion=True,
        bare_in=True,
        from_functions=frozenset({"json_each", "json_tree", "jsonb_each", "jsonb_tree", "generate_series"}),
        qualifies=False,
    ),
    Engine(
        "duckdb",
        names="insensitive",
        columns="insensitive",
        default_schemas=("main",),
        alias_clauses=_ALL,
        structs=True,
        whole_rows=True,
        lateral_siblings=True,
        from_functions=frozenset(
            """generate_series range unnest json_each json_tree generate_subscripts repeat_row
            regexp_split_to_table icu_calendar_names pg_timezone_names st_generatepoints""".split()
        ),
        pseudo_columns=frozenset(),
    ),
    Engine(
        "snowflake",
        names="upper",
        columns="upper",
        default_schemas=("PUBLIC",),
        alias_clauses=_ALL,
        structs=True,
        free_recursion=True,
        from_functions=frozenset(
            {"flatten", "split_to_table", "strtok_split_to_table", "generator", "unnest"}
        ),
        pseudo_columns=frozenset({"LEVEL"}),
    ),
    Engine(
        "bigquery",
        names="exact",
        columns="insensitive",
        default_schemas=(),
        alias_clauses=frozenset({"order", "group", "having", "qualify"}),
        structs=True,
        whole_rows=True,
        from_functions=frozenset({"unnest", "gap_fill"}),
        pseudo_columns=frozenset({"_partitiontime", "_partitiondate"}),
    ),
    Engine(
        "tsql",
        names="insensitive",
        columns="insensitive",
        default_schemas=("dbo",),
        alias_clauses=frozenset({"order"}),
        free_recursion=True,
        properties=frozenset({"lat", "long", "stx", "sty", "stsrid", "z", "m"}),
        from_functions=frozenset(
            {
                "string_split",
                "openjson",
                "generate_series",
                "docent_xml_nodes",
                "regexp_matches",
                "regexp_split_to_table",
            }
        ),
        reserved=_TSQL_RESERVED,
    ),
    Engine(
        "databricks",
        names="insensitive",
        columns="insensitive",
        default_schemas=("default",),
        alias_clauses=frozenset({"order", "group", "having", "qualify", "select"}),
        structs=True,
        whole_rows=True,
        from_functions=frozenset(
            """explode explode_outer posexplode posexplode_outer inline inline_outer stack json_tuple range unnest
    variant_explode variant_explode_outer""".split()
        ),
    ),
    Engine(
        "clickhouse",
        names="exact",
        columns="exact",
        default_schemas=("default",),
        alias_clauses=_ALL,
        structs=True,
        bare_in=True,
        from_functions=frozenset(
            {"numbers", "numbers_mt", "zeros", "generate_series", "generateseries", "unnest"}
        ),
        pseudo_columns=frozenset({"inf", "nan", "Inf", "NaN", "INF", "NAN"}),
    ),
    Engine(
        "trino",
        names="insensitive",
        columns="insensitive",
        default_schemas=(),
        alias_clauses=frozenset({"order"}),
        structs=True,
        from_functions=frozenset({"unnest", "json_table", "sequence"}),
    ),
    Engine(
        "oracle",
        names="upper",
        columns="upper",
        default_schemas=(),
        alias_clauses=frozenset({"order", "group", "having"}),
        structs=True,
        free_recursion=True,
        dual=True,
        from_functions=frozenset({"json_table", "xmltable", "sys.odcinumberlist", "sys.odcivarchar2list"}),
        pseudo_columns=frozenset(
            """ROWNUM ROWID LEVEL SYSDATE SYSTIMESTAMP CURRENT_DATE CURRENT_TIMESTAMP LOCALTIMESTAMP
    CONNECT_BY_ISLEAF CONNECT_BY_ISCYCLE DBTIMEZONE SESSIONTIMEZONE COLUMN_VALUE""".split()
        ),
    ),
)

ENGINES: dict[str, Engine] = {engine.name: engine for engine in _TABLE}

ALIASES: dict[str, str] = {
    "postgresql": "postgres",
    "pg": "postgres",
    "mariadb": "mysql",
    "sqlite3": "sqlite",
    "sqlserver": "tsql",
    "mssql": "tsql",
    "azuresql": "tsql",
    "synapse": "tsql",
    "fabric": "tsql",
    "spark": "databricks",
    "spark2": "databricks",
    "sparksql": "databricks",
    "athena": "trino",
    "presto": "trino",
    "starburst": "trino",
}
"""Other names of the same engine: the rule of the one holds for the other, only the parser may differ."""

_PARSERS = {"spark": "databricks", "athena": "trino"}


def engine_of(dialect: str) -> Engine | None:
    """The engine of a dialect's name, None where it is unknown (the caller then refuses)."""
    name = ascii_lower(dialect.strip())
    found = ENGINES.get(ALIASES.get(name, name))
    if found is None:
        return None
    return _with_functions(found.name)


@cache
def _with_functions(name: str) -> Engine:
    engine = ENGINES[name]
    facts = {**engine.__dict__, "functions": allowed(name)}
    return Engine(**facts)


_LEFT_AS_WRITTEN = {
    name: tuple(functions.split())
    for name, functions in {
        "bigquery": "LOG10 JSON_EXTRACT JSON_EXTRACT_SCALAR JSON_VALUE JSON_QUERY",
        "clickhouse": "ARRAYFILTER ARRAYMAP",
        "databricks": "LOG2 LOG10",
        "duckdb": "REDUCE ARRAY_REVERSE_SORT LIST_REVERSE_SORT CONCAT_WS DECODE ENCODE JARO_WINKLER_SIMILARITY",
        "mysql": "CHR JSON_OBJECT JSON_OBJECTAGG TO_CHAR TO_NUMBER LOG2 LOG10 MEDIAN",
        "postgres": "DATE_ADD DATE_PART JSONB_CONTAINS JSONB_EXISTS LOG10",
        "sqlite": "CONCAT CONCAT_WS JSON_OBJECT LOG2 MEDIAN MOD",
        "trino": "LOG2 LOG10",
        "tsql": "DATENAME LOG10 SYSDATETIME",
    }.items()
}
"""Functions that sqlglot takes for another engine's, or writes in words that give another value, type or error: found
by calling each function of the list with many arguments, as written and as rendered, on the engines themselves."""


@cache
def parser_of(name: str) -> Dialect:
    """sqlglot's dialect for reading; it keeps function names as they were written, which the allow-list needs."""
    dialect = Dialect.get_or_raise(name)
    dialect.PRESERVE_ORIGINAL_NAMES = True
    if name in ("snowflake", "clickhouse"):
        dialect.SUPPORTS_ORDER_BY_ALL = True
    if name == "snowflake":
        type(dialect).SUPPORTS_COLUMN_JOIN_MARKS = True  # to read and to render
    elif name == "tsql":  # ORDER BY behind a set operation is that of all of it
        dialect.parser_class.SET_OP_MODIFIERS = {"order", "offset"}
    elif name == "oracle":  # FROM t PARTITION (p)
        dialect.parser_class.SUPPORTS_PARTITION_SELECTION = True
        others = {**dialect.parser_class.NO_PAREN_FUNCTION_PARSERS}
        others.pop("NEXT", None)  # NEXT(a) of a row pattern, not NEXT VALUE FOR, which is refused anyway
        dialect.parser_class.NO_PAREN_FUNCTION_PARSERS = others
    for function in _LEFT_AS_WRITTEN.get(name, ()):
        parser = dialect.parser_class
        parser.FUNCTIONS.pop(function, None)
        if function in parser.FUNCTION_PARSERS:  # which several dialects may share
            others = {key: each for key, each in parser.FUNCTION_PARSERS.items() if key != function}
            parser.FUNCTION_PARSERS = others
    return dialect


@cache
def plain_parser_of(name: str) -> Dialect:
    """As `parser_of`, for statements in which no FROM reads an array by its path (`FROM t, t.items`).

    To find those, sqlglot's parsers of some engines copy every table and every query of every FROM, queries in queries
    again and again. This dialect leaves that out; it is the same one where the engine has no such paths.
    """
    dialect = parser_of(name)
    kind: Any = dialect.parser_class
    if not kind.SUPPORTS_IMPLICIT_UNNEST:
        return dialect
    plain: Any = copy(dialect)
    plain.reads_no_paths = True
    # sqlglot asks its parser for this. Its classes are compiled, so that no other parser can be derived from them.
    kind.SUPPORTS_IMPLICIT_UNNEST = property(
        lambda parser: not getattr(parser.dialect, "reads_no_paths", False)
    )
    return cast(Dialect, plain)


@cache
def writer_of(name: str) -> Dialect:
    """sqlglot's dialect for rendering."""
    return Dialect.get_or_raise(name)
