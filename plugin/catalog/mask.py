"""Literals are data: SQL text loses them before anything is stored. Keeps law 1.

Enters: SQL as a source has it. Leaves: the same SQL with every string, number, date and binary literal as `?` and
without comments, or a sentence in its place where that cannot be done safely. Nothing here raises.

It is a lexer, not a parser: a text that no parser understands is masked all the same, and in one pass. Where two
dialects would end a literal at different places and the dialect is unknown, the text is withheld.
"""

from __future__ import annotations

import re
from collections.abc import Container

HIDDEN = "[SQL hidden: could not be masked]"
MASK = "?"

BACKSLASH = frozenset(
    {"mysql", "bigquery", "databricks", "spark", "hive", "snowflake", "clickhouse", "athena", "doris"}
)
"""Dialects in which a backslash escapes within any string."""
DOUBLE_IS_STRING = frozenset({"mysql", "bigquery", "databricks", "spark", "hive", "doris"})
DOUBLE_IS_NAME = frozenset(
    {
        "postgres",
        "redshift",
        "duckdb",
        "snowflake",
        "tsql",
        "oracle",
        "presto",
        "trino",
        "athena",
        "clickhouse",
        "teradata",
        "materialize",
        "risingwave",
        "exasol",
        "dremio",
        "druid",
    }
)
"""Dialects in which double quotes hold a name and nothing else. SQLite takes what is no name for a string, and of an
engine that is not here we do not know (Impala's and StarRocks' are strings): there a name must be known to be one."""
HASH_COMMENT = frozenset({"mysql", "bigquery", "doris", "clickhouse"})
NESTED_COMMENT = frozenset({"postgres", "redshift", "duckdb", "tsql", "materialize", "risingwave"})
PLAIN = frozenset(
    {
        "postgres",
        "redshift",
        "duckdb",
        "sqlite",
        "tsql",
        "oracle",
        "presto",
        "trino",
        "teradata",
        "materialize",
    }
)
"""Dialects in which a backslash is a character like any other, outside E'...'."""

WORD = re.compile(r"[^\W\d][\w$]*")
NUMBER = re.compile(r"(?:0[xXbBoO][0-9a-fA-F_]+|(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d+)?)\w*")
SPACE = re.compile(r"\s+")
RUN = re.compile(
    r"(?:[A-Za-z_][A-Za-z0-9_$]*+(?![\w$'&])|[ ,)=<>+;]|\.(?=[A-Za-z_])|::(?=[A-Za-z_])|\((?!\s*\d))++"
)
"""What holds no literal and begins none in any dialect, taken in one piece: most of a definition. A word before a quote
may be a prefix, a bracket before a number a size; those are looked at one by one."""
LINE = re.compile(r"[^\n]*")
SIMPLE_STRING = re.compile(r"'(?:[^']|'')*(?:'|\Z)")
ESCAPED_STRING = re.compile(r"'(?:[^'\\]|\\.|'')*(?:'|\\?\Z)", re.DOTALL)
SIMPLE_DOUBLE = re.compile(r'"(?:[^"]|"")*(?:"|\Z)')
ESCAPED_DOUBLE = re.compile(r'"(?:[^"\\]|\\.|"")*(?:"|\\?\Z)', re.DOTALL)
TRIPLE = re.compile(r"'''(?:[^\\]|\\.)*?(?:'''|\Z)|\"\"\"(?:[^\\]|\\.)*?(?:\"\"\"|\Z)", re.DOTALL)
BACKTICK = re.compile(r"`(?:[^`]|``)*(?:`|\Z)")
BRACKET = re.compile(r"\[[^\]]*(?:\]|\Z)")
DOLLAR = re.compile(r"\$(?:[^\W\d]\w*)?\$")
PARAMETER = re.compile(r"[$:@]\d+")
TEMPLATE = re.compile(
    r"""\{\{(?:'(?:[^'\\]|\\.)*+'|"(?:[^"\\]|\\.)*+"|(?!\}\}).)*+(?:\}\}|\Z)"""
    r"""|\{%(?:'(?:[^'\\]|\\.)*+'|"(?:[^"\\]|\\.)*+"|(?!%\}).)*+(?:%\}|\Z)|\{#.*?(?:#\}|\Z)""",
    re.DOTALL,
)
"""A template's expression, statement and comment (Jinja), as Superset, Redash and dbt write them into SQL."""
IN_TEMPLATE = re.compile(
    r"""'(?:[^'\\]|\\.)*+(?:'|\Z)|"(?:[^"\\]|\\.)*+(?:"|\Z)|(?<![\w.])\d[\w.]*""", re.DOTALL
)
_WORDS = r"(?:(?!--)[\w .:%@+-])*+"
_ARG = rf"""(?:\w+\s*=\s*)?(?:-?[\w.]+|'{_WORDS}'|"{_WORDS}")"""
_CALL = rf"[\w.]+(?:\(\s*(?:{_ARG}(?:\s*,\s*{_ARG})*+)?\s*\))?(?:\[\s*{_ARG}\s*\])*+"
_PLAIN_TEMPLATE = rf"\{{\{{-?\s*{_CALL}(?:\s*\|\s*{_CALL})*+\s*-?\}}\}}"
"""A call as people write it between quotes: '{{ url_param('x') }}'. Its quotes are paired, so that a text which is no
template ends at the same quote when it is read as one."""
TEMPLATED_STRING = re.compile(rf"'(?:{_PLAIN_TEMPLATE}|[^']|'')*+(?:'|\Z)", re.DOTALL)
TEMPLATED_ESCAPED_STRING = re.compile(rf"'(?:{_PLAIN_TEMPLATE}|[^'\\]|\\.|'')*+(?:'|\\?\Z)", re.DOTALL)
TEMPLATED_ESCAPED_DOUBLE = re.compile(rf'"(?:{_PLAIN_TEMPLATE}|[^"\\]|\\.|"")*+(?:"|\\?\Z)', re.DOTALL)
TEMPLATED_DOUBLE = re.compile(rf'"(?:{_PLAIN_TEMPLATE}|[^"]|"")*+(?:"|\Z)', re.DOTALL)
Q_QUOTE = {"[": "]", "{": "}", "(": ")", "<": ">"}
STRING_PREFIX = re.compile(r"(?:[a-z]{1,2}|_[a-z0-9]+|u&)\Z", re.IGNORECASE)
TYPE_BEFORE = re.compile(
    r"(?:::|\bas\s)\s*(?:character varying|character|n?varchar2?|n?char|bpchar|numeric|decimal|dec|number|bit"
    r"|bit varying|float|binary|varbinary|time|timestamp|timestamptz|timetz|datetime|datetime2|interval)\s*\Z",
    re.IGNORECASE,
)
TYPE_SIZE = re.compile(r"\(\s*\d{1,4}\s*(?:,\s*\d{1,2}\s*)?\)")
NAME_BEFORE = re.compile(
    r"(?:\.|\b(?:as|from|join|into|view|table|update|references|index)\s*)\Z",
    re.IGNORECASE,
)
BARE_DEFAULTS = frozenset(
    {
        "null", "true", "false", "current_timestamp", "current_date", "current_time", "localtime",
        "localtimestamp", "current_user", "session_user", "user", "sysdate", "systimestamp", "generated",
        "always", "by", "default", "as", "identity", "stored", "virtual", "auto_increment", "on", "update",
    }
)  # fmt: skip


def mask_literals(sql: str, dialect: str | None, names: Container[str] | None = None) -> str:
    """`sql` with its literals as `?` and its comments gone; HIDDEN where that is not safe.

    `names` are identifiers known to the source, lower case: SQLite reads "x" as a string where no column is called
    x, so there a quoted word stays only if it is one of them (or stands where only a name can).
    """
    try:
        return _mask(sql, (dialect or "").lower(), names)
    except (ValueError, TypeError, RecursionError, MemoryError):
        return HIDDEN


def mask_default(default: str | None, dialect: str | None) -> str | None:
    """A column's default with its literals masked. MySQL tells a string default without quotes, so there every
    word that is neither a function call nor a keyword is a literal too."""
    if default is None:
        return None
    masked = mask_literals(default, dialect)
    if masked == HIDDEN:
        return MASK
    if (dialect or "").lower() in ("mysql", "doris", ""):
        for match in WORD.finditer(masked):
            called = masked[match.end() :].lstrip().startswith("(")
            if not called and match.group().lower() not in BARE_DEFAULTS:
                return MASK
        if re.search(r"[^\w\s?().,+*/<>=!:|$-]", masked):
            return MASK
    return masked


def _mask(sql: str, dialect: str, names: Container[str] | None) -> str:
    backslash = dialect in BACKSLASH
    if not backslash and dialect not in PLAIN and ("\\'" in sql or '\\"' in sql):
        return HIDDEN
    if "\x00" in sql:
        return HIDDEN
    out: list[str] = []
    at, end = 0, len(sql)
    while at < end:
        if run := RUN.match(sql, at):
            out.append(run.group())
            at = run.end()
            continue
        char = sql[at]
        if char.isspace():
            at = SPACE.match(sql, at).end()  # type: ignore[union-attr]
            out.append(" ")
        elif char.isdigit() or (char == "." and sql[at + 1 : at + 2].isdigit() and not _ends_in_word(out)):
            match = NUMBER.match(sql, at)
            out.append(MASK)
            at = match.end() if match else at + 1
        elif char == "_" or char.isalpha():
            at = _word(sql, at, out, backslash)
        elif char == "'":
            at = _string_end(sql, at, dialect, backslash)
            out.append(MASK)
        elif char == '"':
            at = _double(sql, at, out, dialect, names)
        elif char == "{" and sql[at + 1 : at + 2] in ("{", "%", "#"):
            block = TEMPLATE.match(sql, at)
            out.append(_template(block.group()))  # type: ignore[union-attr]
            at = block.end()  # type: ignore[union-attr]
        elif char == "`":
            at = _kept(BACKTICK, sql, at, out)
        elif char == "[" and dialect == "tsql":
            at = _kept(BRACKET, sql, at, out)
        elif sql.startswith("--", at) or (char == "#" and dialect in HASH_COMMENT):
            at = LINE.match(sql, at).end()  # type: ignore[union-attr]
            out.append(" ")
        elif sql.startswith("/*", at):
            at = _comment_end(sql, at, dialect in NESTED_COMMENT)
            out.append(" ")
        elif char == "$" and (tag := DOLLAR.match(sql, at)):
            close = sql.find(tag.group(), tag.end())
            at = end if close < 0 else close + len(tag.group())
            out.append(MASK)
        elif char in "$:@" and (parameter := PARAMETER.match(sql, at)):
            out.append(MASK)
            at = parameter.end()
        elif char == "(" and (size := TYPE_SIZE.match(sql, at)) and TYPE_BEFORE.search("".join(out[-8:])):
            out.append(size.group())
            at = size.end()
        else:
            out.append(char)
            at += 1
    return re.sub(r" {2,}", " ", "".join(out)).strip()


def _template(block: str) -> str:
    """A template's block without its literals: there both kinds of quotes hold one, whatever the dialect says."""
    return " " if block.startswith("{#") else IN_TEMPLATE.sub(MASK, block)


def _ends_in_word(out: list[str]) -> bool:
    return bool(out) and (out[-1][-1:].isalnum() or out[-1][-1:] in '_"`]')


def _word(sql: str, at: int, out: list[str], backslash: bool) -> int:
    """A name or keyword; or the prefix of a string (E'..', N'..', x'..', q'[..]', U&'..', _utf8'..')."""
    match = WORD.match(sql, at)
    if match is None:
        out.append(sql[at])
        return at + 1
    word, stop = match.group(), match.end()
    if sql.startswith("&'", stop) and word.lower() == "u":
        word, stop = "u&", stop + 1
    if not sql.startswith("'", stop) or not STRING_PREFIX.match(word):
        out.append(match.group())
        return match.end()
    out.append(MASK)
    low = word.lower()
    if low in ("q", "nq") and stop + 1 < len(sql):
        closing = Q_QUOTE.get(sql[stop + 1], sql[stop + 1]) + "'"
        close = sql.find(closing, stop + 2)
        return len(sql) if close < 0 else close + 2
    pattern = ESCAPED_STRING if backslash or low == "e" else SIMPLE_STRING
    if low in ("r", "br", "rb", "b") and backslash and (triple := TRIPLE.match(sql, stop)):
        return triple.end()
    return pattern.match(sql, stop).end()  # type: ignore[union-attr]


def _string_end(sql: str, at: int, dialect: str, backslash: bool) -> int:
    if dialect == "bigquery" and (triple := TRIPLE.match(sql, at)):
        return triple.end()
    simple = (ESCAPED_STRING if backslash else SIMPLE_STRING).match(sql, at)
    if "{{" in simple.group():  # type: ignore[union-attr]
        simple = (TEMPLATED_ESCAPED_STRING if backslash else TEMPLATED_STRING).match(sql, at)
    return simple.end()  # type: ignore[union-attr]


def _double(sql: str, at: int, out: list[str], dialect: str, names: Container[str] | None) -> int:
    """Double quotes hold a name in many dialects, a string in some, and in SQLite whichever fits."""
    if dialect in DOUBLE_IS_STRING:
        out.append(MASK)
        if dialect == "bigquery" and (triple := TRIPLE.match(sql, at)):
            return triple.end()
        simple = ESCAPED_DOUBLE.match(sql, at)
        if "{{" in simple.group():  # type: ignore[union-attr]
            simple = TEMPLATED_ESCAPED_DOUBLE.match(sql, at)
        return simple.end()  # type: ignore[union-attr]
    match = SIMPLE_DOUBLE.match(sql, at)
    if "{{" in match.group():  # type: ignore[union-attr]
        out.append(MASK)
        return TEMPLATED_DOUBLE.match(sql, at).end()  # type: ignore[union-attr]
    text = match.group()  # type: ignore[union-attr]
    stop = match.end()  # type: ignore[union-attr]
    named = len(text) > 1 and text.endswith('"')
    if named and dialect not in DOUBLE_IS_NAME:
        known = names is not None and text[1:-1].replace('""', '"').lower() in names
        named = known or sql.startswith(".", stop) or bool(NAME_BEFORE.search("".join(out[-6:])))
    out.append(text if named else MASK)
    return stop


def _kept(pattern: re.Pattern[str], sql: str, at: int, out: list[str]) -> int:
    match = pattern.match(sql, at)
    whole = match.group()  # type: ignore[union-attr]
    out.append(whole if len(whole) > 1 and whole[-1] in "`]" and "{{" not in whole else MASK)
    return match.end()  # type: ignore[union-attr]


def _comment_end(sql: str, at: int, nested: bool) -> int:
    if not nested:
        close = sql.find("*/", at + 2)
        return len(sql) if close < 0 else close + 2
    depth, at = 1, at + 2
    while depth:
        close, opened = sql.find("*/", at), sql.find("/*", at)
        if close < 0:
            return len(sql)
        if 0 <= opened < close:
            depth, at = depth + 1, opened + 2
        else:
            depth, at = depth - 1, close + 2
    return at
