"""Writing SQL text in a dialect: names, literals, limits and dates, quoted by the dialect's own rules.

What is written here is parsed, resolved and guarded again like any other statement before it can run.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from plugin.providers.builtin.talk import Thing

BACKTICK = frozenset({"mysql", "mariadb", "bigquery", "databricks", "spark", "hive", "clickhouse"})
BACKSLASH = BACKTICK | {"snowflake"}
UPPER = frozenset({"snowflake", "oracle"})
THREE_PARTS = frozenset({"snowflake", "bigquery", "databricks", "trino", "presto"})
_PLAIN = re.compile(r"[a-z_][a-z0-9_]*\Z")
_RESERVED = frozenset(
    """all alter analyse analyze and any array as asc between both by case cast check collate column constraint create
    cross current current_date current_time current_timestamp current_user database default delete desc distinct do
    drop else end except exists false fetch filter for foreign from full grant group groups having ilike in index
    inner insert intersect interval into is join key keys lateral leading left like limit natural not null of offset
    on only or order outer over partition placing position primary rank range references returning right row rows
    schema select session_user set show similar some system table tablesample then to trailing true union unique
    update user using values view when where window with""".split()
)


class Sql:
    """One dialect's way to write things. Without a dialect: the standard's."""

    def __init__(self, dialect: str) -> None:
        self.dialect = dialect.lower()

    def name(self, name: str) -> str:
        """An identifier, quoted only where it must be."""
        if self.dialect in UPPER:
            plain = re.fullmatch(r"[A-Z_][A-Z0-9_]*", name) is not None
        else:
            plain = _PLAIN.match(name) is not None
        if plain and name.lower() not in _RESERVED:
            return name
        if self.dialect in BACKTICK:
            return "`" + name.replace("`", "``") + "`"
        if self.dialect == "tsql":
            return "[" + name.replace("]", "]]") + "]"
        return '"' + name.replace('"', '""') + '"'

    def table(self, thing: Thing) -> str:
        """A table as it stands after FROM."""
        path = list(thing.texts("path"))
        if self.dialect == "sqlite" and path and path[-1].lower() in ("main", "public"):
            path = []
        elif self.dialect in THREE_PARTS or self.dialect == "duckdb" and len(path) > 2:
            path = path[-2:]
        elif path:
            path = path[-1:]
        else:
            path = thing.qualified.split(".")[:-1][-1:]
        return ".".join(self.name(part) for part in (*path, thing.name))

    def literal(self, text: str, *, number: bool = False) -> str:
        """A value, as a number where the column is one and the text is one."""
        if number and re.fullmatch(r"-?\d+(?:\.\d+)?", text):
            return text
        escaped = text.replace("\\", "\\\\") if self.dialect in BACKSLASH else text
        return "'" + escaped.replace("'", "''") + "'"

    def limit_head(self, rows: int) -> str:
        """What stands after SELECT to limit the rows."""
        return f" TOP {rows}" if self.dialect == "tsql" else ""

    def limit_tail(self, rows: int) -> str:
        """What stands at the end to limit the rows."""
        if self.dialect == "tsql":
            return ""
        return f"FETCH FIRST {rows} ROWS ONLY" if self.dialect == "oracle" else f"LIMIT {rows}"

    def truncated(self, column: str, unit: str) -> str:
        """A date cut to its day, week, month, quarter or year."""
        formats = {"day": "%Y-%m-%d", "month": "%Y-%m", "year": "%Y", "hour": "%Y-%m-%d %H:00"}
        if self.dialect == "sqlite" and unit == "quarter":
            month = f"CAST(strftime('%m', {column}) AS INTEGER)"
            return f"strftime('%Y', {column}) || '-Q' || (({month} + 2) / 3)"
        if self.dialect == "sqlite":
            return f"strftime('{formats.get(unit, '%Y-%W')}', {column})"
        if self.dialect in ("mysql", "mariadb"):
            mysql = {**formats, "week": "%x-%v", "hour": "%Y-%m-%d %H:00"}
            if unit == "quarter":
                return f"CONCAT(YEAR({column}), '-Q', QUARTER({column}))"
            return f"DATE_FORMAT({column}, '{mysql[unit]}')"
        if self.dialect == "bigquery":
            return f"DATE_TRUNC({column if unit == 'hour' else f'DATE({column})'}, {unit.upper()})"
        if self.dialect == "tsql":
            return f"DATETRUNC({unit}, {column})"
        if self.dialect == "oracle":
            codes = {"day": "DD", "week": "IW", "month": "MM", "quarter": "Q", "year": "YYYY", "hour": "HH24"}
            return f"TRUNC({column}, '{codes[unit]}')"
        return f"date_trunc('{unit}', {column})"

    def year_is(self, column: str, year: int) -> str:
        """A condition that a date lies in a year; written with bounds so that an index serves."""
        first, next_ = f"'{year}-01-01'", f"'{year + 1}-01-01'"
        if self.dialect == "oracle":
            first, next_ = f"DATE {first}", f"DATE {next_}"
        return f"{column} >= {first} AND {column} < {next_}"

    def since(self, column: str, number: int, unit: str) -> str:
        """A condition that a date is within the last so many units; 0: within the whole one before this."""
        if number == 0:
            first, next_ = self._previous(unit)
            if self.dialect == "bigquery":
                column = f"DATE({column})"
            return f"{column} >= {first} AND {column} < {next_}"
        if self.dialect == "sqlite":
            shift = {"week": ("day", 7), "quarter": ("month", 3)}.get(unit, (unit, 1))
            return f"{column} >= date('now', '-{number * shift[1]} {shift[0]}')"
        if self.dialect in ("mysql", "mariadb"):
            return f"{column} >= CURRENT_DATE - INTERVAL {number} {unit.upper()}"
        if self.dialect == "bigquery":
            return f"DATE({column}) >= DATE_SUB(CURRENT_DATE(), INTERVAL {number} {unit.upper()})"
        if self.dialect in ("tsql", "snowflake", "databricks", "redshift"):
            now = "GETDATE()" if self.dialect == "tsql" else "CURRENT_DATE"
            return f"{column} >= DATEADD({unit}, -{number}, {now})"
        if unit == "quarter":
            number, unit = number * 3, "month"
        if self.dialect == "clickhouse":
            return f"{column} >= today() - INTERVAL {number} {unit.upper()}"
        if unit == "week":
            number, unit = number * 7, "day"
        if self.dialect in ("trino", "presto", "oracle"):
            return f"{column} >= CURRENT_DATE - INTERVAL '{number}' {unit.upper()}"
        return f"{column} >= CURRENT_DATE - INTERVAL '{number} {unit}'"

    def _previous(self, unit: str) -> tuple[str, str]:
        """The first moment of the whole unit before this one, and of this one."""
        if self.dialect == "sqlite":
            into = {
                "day": "",
                "week": ", 'weekday 0', '-6 days'",
                "quarter": ", 'start of month', '-' || ((CAST(strftime('%m', 'now') AS INTEGER) - 1) % 3) || ' months'",
            }.get(unit, f", 'start of {unit}'")
            back = {"week": "-7 days", "quarter": "-3 months"}.get(unit, f"-1 {unit}")
            return f"date('now'{into}, '{back}')", f"date('now'{into})"
        if self.dialect in ("mysql", "mariadb"):
            now = {
                "day": "CURRENT_DATE",
                "week": "(CURRENT_DATE - INTERVAL WEEKDAY(CURRENT_DATE) DAY)",
                "month": "DATE(DATE_FORMAT(CURRENT_DATE, '%Y-%m-01'))",
                "quarter": "(MAKEDATE(YEAR(CURRENT_DATE), 1) + INTERVAL (QUARTER(CURRENT_DATE) - 1) QUARTER)",
                "year": "MAKEDATE(YEAR(CURRENT_DATE), 1)",
            }[unit]
            return f"{now} - INTERVAL 1 {unit.upper()}", now
        if self.dialect == "oracle":
            now = self.truncated("SYSDATE", unit)
            months = {"month": 1, "quarter": 3, "year": 12}.get(unit)
            return (
                f"ADD_MONTHS({now}, -{months})" if months else f"{now} - {7 if unit == 'week' else 1}"
            ), now
        if self.dialect == "bigquery":
            now = f"DATE_TRUNC(CURRENT_DATE(), {unit.upper()})"
            return f"DATE_SUB({now}, INTERVAL 1 {unit.upper()})", now
        today = {"tsql": "GETDATE()", "clickhouse": "today()"}.get(self.dialect, "CURRENT_DATE")
        now = self.truncated(today, unit)
        if self.dialect in ("tsql", "snowflake", "databricks", "redshift"):
            return f"DATEADD({unit}, -1, {now})", now
        number, word = {"quarter": (3, "month"), "week": (7, "day")}.get(unit, (1, unit))
        if self.dialect in ("trino", "presto", "clickhouse"):
            amount = str(number) if self.dialect == "clickhouse" else f"'{number}'"
            return f"{now} - INTERVAL {amount} {word.upper()}", now
        return f"{now} - INTERVAL '{number} {word}'", now


def join_clause(
    sql: Sql, start: Thing, hops: Sequence[Mapping[str, Any]], tables: Mapping[str, Thing]
) -> str | None:
    """`a JOIN b ON ... JOIN c ON ...` along a path of joins; None where a table on the way was not read."""
    reached = {start.qualified: "a"}
    out = [f"{sql.table(start)} AS a"]
    for hop in hops:
        left, right = str(hop["left"]), str(hop["right"])
        new = right if left in reached else left
        if new in reached:
            continue
        known = tables.get(new)
        target = sql.table(known) if known else _by_name(sql, new, start)
        alias = "abcdefghij"[len(reached)]
        reached[new] = alias
        pairs = []
        for pair in str(hop["on"]).split(", "):
            one, _, other = pair.partition(" = ")
            pairs.append(f"{reached[left]}.{sql.name(one)} = {reached[right]}.{sql.name(other)}")
        out.append(f"JOIN {target} AS {alias} ON {' AND '.join(pairs)}")
    text = "\n".join(out)
    return text.replace(" AS ", " ") if sql.dialect == "oracle" else text


def _by_name(sql: Sql, qualified: str, like: Thing) -> str:
    """A table that only its qualified name is known of, with as many parts as its neighbour."""
    parts = qualified.split(".")
    keep = sql.table(like).count(".") + 1
    return ".".join(sql.name(part) for part in parts[-keep:])
