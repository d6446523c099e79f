"""What functions are called: the name one was written with, the columns that one in FROM gives, the words for units."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from plugin.run_sql.verdict import ascii_lower

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

FUNCTION_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "json_each": ("key", "value", "type", "atom", "id", "parent", "fullkey", "path", "rowid"),
    "json_tree": ("key", "value", "type", "atom", "id", "parent", "fullkey", "path", "rowid"),
    "jsonb_tree": ("key", "value", "type", "atom", "id", "parent", "fullkey", "path", "rowid"),
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
    exp.Rand: "dbms_random.value",
}
