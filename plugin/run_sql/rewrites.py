"""More ways to write a thing that the parser does not know, by engine: one small rewriting of words each.

As in `spellings`, nothing here decides: what comes out is parsed, checked and rendered like any other text. One file
because each rewriting is small and they share how words are looked at.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from sqlglot.tokenizer_core import Token, TokenType

from plugin.run_sql.dialects import Engine
from plugin.run_sql.pipes import stepped
from plugin.run_sql.verdict import Refusal

GEOMETRY = {
    name.lower(): name
    for name in """STDistance STAsText STAsBinary STArea STLength STIntersects STContains STWithin STBuffer STCentroid
    STEnvelope STEquals STDisjoint STTouches STOverlaps STCrosses STUnion STIntersection STDifference STSymDifference
    STConvexHull STStartPoint STEndPoint STPointN STNumPoints STGeometryN STNumGeometries STGeometryType STIsValid
    STIsEmpty STIsClosed STExteriorRing STDimension STSrid STBoundary MakeValid Reduce EnvelopeCenter EnvelopeAngle
    ShortestLineTo BufferWithTolerance AsTextZM AsGml ToString Filter NumRings RingN GetAncestor GetDescendant GetLevel
    IsDescendantOf STPointOnSurface STIsSimple STIsRing""".split()
}
"""T-SQL: methods of spatial values and of hierarchyid, which read nothing but the value and their arguments."""
STATIC = {
    name.lower(): name
    for name in """Point STGeomFromText STPointFromText STLineFromText STPolyFromText STMPointFromText STMLineFromText
    STMPolyFromText STGeomFromWKB STGeomCollFromText Parse GetRoot UnionAggregate CollectionAggregate EnvelopeAggregate
    ConvexHullAggregate""".split()
}
"""T-SQL: `geography::Point(..)` and its like: they make a value of that type out of their arguments."""
SPATIAL_TYPES = ("geography", "geometry", "hierarchyid")
ITEMS = frozenset(
    """string number boolean date timestamp double float binary length size type upper lower abs ceiling floor
    stringonly numberonly booleanonly dateonly count sum avg minnumber maxnumber minstring maxstring""".split()
)
"""Oracle: methods of an item of JSON (`o.doc.total.number()`), without arguments; they read nothing but the item."""
MAX_STEPS = 100
"""How many `|>` a statement may have: the parser's work grows with their square (1,000 took it 13 s)."""
METHOD, OF_TYPE = "docent_method_", "docent_static_"

_OPENING = frozenset({TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE})
_ENDING = frozenset({TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE})
_NAMES = (TokenType.VAR, TokenType.IDENTIFIER)
_MONEY = re.compile(r"[0-9]+(?:\.[0-9]*)?|\.[0-9]+")
_VERSION = re.compile(r"v([0-9]{1,18})")
_MOMENT = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{3})")
_COMPARED = frozenset({"=", "<>", "!=", "<", ">", "<=", ">="})


def rewritten(sql: str, tokens: list[Token], engine: Engine) -> list[Token]:
    """The tokens in the words of the parser."""
    lowered = sql.lower()
    steps = sum(each.token_type == TokenType.PIPE_GT for each in tokens) if "|>" in sql else 0
    if steps > MAX_STEPS:
        raise Refusal("text", f"the statement has more than {MAX_STEPS} steps with |>")
    if steps and engine.name not in ("bigquery", "databricks"):
        raise Refusal("parse", "this engine has no |>")  # the parser would read it, in another order of steps
    for rewrite in _REWRITES.get(engine.name, ()):
        if rewrite.is_needed(sql, lowered):
            tokens = rewrite.apply(tokens)
    return tokens


def _like(token: Token, kind: TokenType, text: str) -> Token:
    return Token(kind, text, token.line, token.col, token.start, token.end, [])


def _word(tokens: list[Token], at: int) -> str:
    """The word there in upper case; "" behind the end and where a text or a quoted name stands."""
    if not 0 <= at < len(tokens) or tokens[at].token_type in (TokenType.STRING, TokenType.IDENTIFIER):
        return ""
    return tokens[at].text.upper()


def _close(tokens: list[Token], opening: int) -> int | None:
    depth = 0
    for at in range(opening, len(tokens)):
        depth += (tokens[at].token_type in _OPENING) - (tokens[at].token_type in _ENDING)
        if depth == 0:
            return at
    return None


# --- the standard ------------------------------------------------------------------------------------------


def _from_first(tokens: list[Token]) -> list[Token]:
    """`NTH_VALUE(a, 2) FROM FIRST OVER ..`: FROM FIRST is what it means without."""
    found: list[Token] = []
    at = 0
    while at < len(tokens):
        if (
            _word(tokens, at) == "FROM"
            and _word(tokens, at + 1) == "FIRST"
            and at > 0
            and tokens[at - 1].token_type == TokenType.R_PAREN
            and _word(tokens, at + 2) in ("OVER", "IGNORE", "RESPECT")
        ):
            at += 2
            continue
        found.append(tokens[at])
        at += 1
    return found


def _some(tokens: list[Token]) -> list[Token]:
    """`a = SOME (VALUES 1, 2)` is `a = ANY (SELECT * FROM (VALUES 1, 2))`; `<> ALL (VALUES ..)` the same."""
    found: list[Token] = []
    closing: list[int] = []
    for at, token in enumerate(tokens):
        word = _word(tokens, at)
        if word in ("SOME", "ANY", "ALL") and _word(tokens, at - 1) in _COMPARED:
            if _word(tokens, at + 1) == "(" and _word(tokens, at + 2) in ("VALUES", "SELECT", "WITH"):
                if word == "SOME":
                    token = _like(token, TokenType.ANY, "ANY")
                end = _close(tokens, at + 1)
                if _word(tokens, at + 2) == "VALUES" and end is not None:
                    closing.append(end)
        if at in closing:
            found.append(_like(token, TokenType.R_PAREN, ")"))
        found.append(token)
        if at and token.token_type == TokenType.L_PAREN and _word(tokens, at + 1) == "VALUES":
            if any(_close(tokens, at) == end for end in closing):
                found += [
                    _like(token, TokenType.SELECT, "SELECT"),
                    _like(token, TokenType.STAR, "*"),
                    _like(token, TokenType.FROM, "FROM"),
                    _like(token, TokenType.L_PAREN, "("),
                ]
    return found


def _offset_rows(tokens: list[Token]) -> list[Token]:
    """`OFFSET 5 ROWS LIMIT 10`: the parser knows ROWS before FETCH only; and ROW, which it takes for a type, in
    `FETCH FIRST 1 ROW ONLY`."""
    found: list[Token] = []
    for at, token in enumerate(tokens):
        if _word(tokens, at) in ("ROW", "ROWS") and at and tokens[at - 1].token_type == TokenType.NUMBER:
            if _word(tokens, at - 2) == "OFFSET" and _word(tokens, at + 1) in ("LIMIT", "FETCH"):
                continue
            if _word(tokens, at - 2) in ("FIRST", "NEXT") and _word(tokens, at + 1) in ("ONLY", "WITH"):
                token = _like(token, TokenType.ROWS, "ROWS")
        found.append(token)
    return found


# --- engines -----------------------------------------------------------------------------------------------


def _joins(tokens: list[Token]) -> list[Token]:
    """ClickHouse: `LEFT ANY OUTER JOIN`, `LEFT OUTER ANY JOIN`: OUTER says nothing there. `WITH values AS`: a name."""
    kinds = ("ANY", "ALL", "ASOF", "SEMI", "ANTI")
    found: list[Token] = []
    for at, token in enumerate(tokens):
        if _word(tokens, at) == "OUTER":
            if (_word(tokens, at - 1) in kinds and _word(tokens, at + 1) == "JOIN") or (
                _word(tokens, at + 1) in kinds and _word(tokens, at + 2) == "JOIN"
            ):
                continue
        if token.token_type == TokenType.VALUES and _word(tokens, at + 1) != "(":
            token = _like(token, TokenType.VAR, token.text)
        found.append(token)
    return found


def _modifiers(tokens: list[Token]) -> list[Token]:
    """MySQL: SQL_CACHE and SQL_NO_CACHE only say how to run it; GROUP BY a ASC is GROUP BY a."""
    found: list[Token] = []
    grouping = -1
    depth = 0
    for at, token in enumerate(tokens):
        word = _word(tokens, at)
        depth += (token.token_type in _OPENING) - (token.token_type in _ENDING)
        before = _word(tokens, at - 1)
        if token.token_type == TokenType.GROUP_BY:
            grouping = depth
        elif depth < grouping or word in ("HAVING", "ORDER BY", "LIMIT", "WINDOW", "UNION", "FROM", "SELECT"):
            grouping = -1
        if (
            before == "SELECT"
            and word in ("SQL_CACHE", "SQL_NO_CACHE")
            and _word(tokens, at + 1) not in ("", ",", "FROM", "AS")
        ):
            continue
        if word == "ASC" and grouping == depth and _word(tokens, at + 1) in ("", ",", "WITH", "HAVING", ")"):
            continue
        found.append(token)
    return found


def _money(tokens: list[Token]) -> list[Token]:
    """T-SQL: `$12.5` as CAST(12.5 AS money). It comes as `$12`, `.` and `5`, or as `$`, `.` and `5`."""
    found: list[Token] = []
    at = 0
    while at < len(tokens):
        token = tokens[at]
        end, number = at + 1, token.text[1:]
        if token.token_type == TokenType.VAR and token.text.startswith("$"):
            while end < min(at + 3, len(tokens)) and _adjacent(tokens, end - 1):
                if tokens[end].token_type not in (TokenType.DOT, TokenType.NUMBER):
                    break
                number += tokens[end].text
                end += 1
            if _MONEY.fullmatch(number):
                found += [
                    _like(token, TokenType.VAR, "CAST"),
                    _like(token, TokenType.L_PAREN, "("),
                    _like(token, TokenType.NUMBER, number),
                    _like(token, TokenType.ALIAS, "AS"),
                    _like(token, TokenType.MONEY, "money"),
                    _like(token, TokenType.R_PAREN, ")"),
                ]
                at = end
                continue
        found.append(token)
        at += 1
    return found


def _adjacent(tokens: list[Token], at: int) -> bool:
    return tokens[at + 1].start == tokens[at].end + 1


def _spatial(tokens: list[Token]) -> list[Token]:
    """T-SQL: `geography::Point(1, 2, 4326)` and `s.location.STDistance(x)` as calls of names of ours, until they are
    rendered. What stands before the method is then an argument, so it is resolved like any column."""
    found: list[Token] = []
    at = 0
    while at < len(tokens):
        token = tokens[at]
        name = tokens[at + 2].text.lower() if at + 2 < len(tokens) else ""
        if (
            token.text.lower() in SPATIAL_TYPES
            and tokens[at].token_type != TokenType.STRING
            and at + 3 < len(tokens)
            and tokens[at + 1].token_type == TokenType.DCOLON
            and name in STATIC
            and tokens[at + 3].token_type == TokenType.L_PAREN
        ):
            found.append(_like(token, TokenType.VAR, f"{OF_TYPE}{token.text.lower()}_{name}"))
            at += 3
            continue
        method = tokens[at + 1].text.lower() if at + 1 < len(tokens) else ""
        if (
            token.token_type == TokenType.DOT
            and method in GEOMETRY
            and at + 2 < len(tokens)
            and tokens[at + 2].token_type == TokenType.L_PAREN
        ):
            start = _operand(found)
            if start is not None:
                found.insert(start, _like(token, TokenType.VAR, METHOD + method))
                found.insert(start + 1, _like(token, TokenType.L_PAREN, "("))
                if _word(tokens, at + 3) != ")":
                    found.append(_like(token, TokenType.COMMA, ","))
                at += 3
                continue
        found.append(token)
        at += 1
    return found


def _items(tokens: list[Token]) -> list[Token]:
    """Oracle: `o.doc.items[0].sku.string()` as a call of a name of ours, until it is rendered. What stands before the
    method is then an argument: a column that must be known, since `a.b.string()` could be somebody's function."""
    found: list[Token] = []
    at = 0
    while at < len(tokens):
        token = tokens[at]
        if (
            token.token_type == TokenType.DOT
            and at + 3 < len(tokens)
            and tokens[at + 1].text.lower() in ITEMS
            and tokens[at + 2].token_type == TokenType.L_PAREN
            and tokens[at + 3].token_type == TokenType.R_PAREN
            and (start := _path(found)) is not None
        ):
            found.insert(start, _like(token, TokenType.VAR, METHOD + tokens[at + 1].text.lower()))
            found.insert(start + 1, _like(token, TokenType.L_PAREN, "("))
            found.append(tokens[at + 3])
            at += 4
            continue
        found.append(token)
        at += 1
    return found


def _path(tokens: list[Token]) -> int | None:
    """Where the path of names and places (`o.doc.items[0].sku`) that these tokens end in begins; None if it is none."""
    at, steps = len(tokens) - 1, 0
    while True:
        while at >= 2 and tokens[at].token_type == TokenType.R_BRACKET:
            while at > 0 and tokens[at].token_type != TokenType.L_BRACKET:
                at -= 1
            at -= 1
        if (
            at < 0
            or tokens[at].token_type == TokenType.STRING
            or not tokens[at].text.strip('"').isidentifier()
        ):
            return None
        steps += 1
        if at < 2 or tokens[at - 1].token_type != TokenType.DOT:
            return at if steps > 1 else None
        at -= 2


def _operand(tokens: list[Token]) -> int | None:
    """Where the column or the call that these tokens end in begins; None where they end in something else."""
    at = len(tokens) - 1
    if at < 0:
        return None
    if tokens[at].token_type == TokenType.R_PAREN:
        depth = 0
        while at >= 0:
            depth += (tokens[at].token_type in _ENDING) - (tokens[at].token_type in _OPENING)
            if depth == 0:
                break
            at -= 1
        if at > 0 and tokens[at - 1].token_type == TokenType.VAR:
            return at - 1 if at < 2 or tokens[at - 2].token_type != TokenType.DOT else None
        return None
    if tokens[at].token_type not in _NAMES:
        return None
    steps = 0
    while at >= 2 and tokens[at - 1].token_type == TokenType.DOT and tokens[at - 2].token_type in _NAMES:
        at -= 2
        steps += 1
    return at if steps < 3 else None


def _pivots(tokens: list[Token]) -> list[Token]:
    """DuckDB: `PIVOT t ON a USING sum(b) ORDER BY c` as `SELECT * FROM (PIVOT ..) ORDER BY c`."""
    for at in range(len(tokens) - 1, -1, -1):
        if tokens[at].token_type not in (TokenType.PIVOT, TokenType.UNPIVOT):
            continue
        if at and tokens[at - 1].token_type != TokenType.L_PAREN and _word(tokens, at - 1) != ";":
            continue
        depth, end = 0, None
        for later in range(at, len(tokens)):
            kind = tokens[later].token_type
            depth += (kind in _OPENING) - (kind in _ENDING)
            if depth < 0 or kind == TokenType.SEMICOLON:
                break
            if depth == 0 and kind in (TokenType.ORDER_BY, TokenType.LIMIT):
                end = later
                break
        if end is None:
            continue
        first = tokens[at]
        tokens = [
            *tokens[:at],
            _like(first, TokenType.SELECT, "SELECT"),
            _like(first, TokenType.STAR, "*"),
            _like(first, TokenType.FROM, "FROM"),
            _like(first, TokenType.L_PAREN, "("),
            *tokens[at:end],
            _like(first, TokenType.R_PAREN, ")"),
            *tokens[end:],
        ]
    return tokens


def _versions(tokens: list[Token]) -> list[Token]:
    """Databricks: `t@v3` as `t VERSION AS OF 3`, `t@20240131000000000` as TIMESTAMP AS OF."""
    found: list[Token] = []
    at = 0
    while at < len(tokens):
        token = tokens[at]
        if token.token_type == TokenType.PARAMETER and 0 < at < len(tokens) - 1:
            after = tokens[at + 1]
            if tokens[at - 1].token_type in _NAMES and _adjacent(tokens, at) and _adjacent(tokens, at - 1):
                version = _VERSION.fullmatch(after.text) if after.token_type == TokenType.VAR else None
                moment = _MOMENT.fullmatch(after.text) if after.token_type == TokenType.NUMBER else None
                if version or moment:
                    kind, text = TokenType.VERSION_SNAPSHOT, "VERSION"
                    value = _like(after, TokenType.NUMBER, version[1]) if version else None
                    if moment:
                        kind, text = TokenType.TIMESTAMP_SNAPSHOT, "TIMESTAMP"
                        written = "{}-{}-{} {}:{}:{}.{}".format(*moment.groups())
                        value = _like(after, TokenType.STRING, written)
                    found.append(_like(token, kind, text))
                    if value is not None:
                        found.append(value)
                    at += 2
                    continue
        found.append(token)
        at += 1
    return found


_SPACED = {
    "tsql": {"<>": TokenType.NEQ, ">=": TokenType.GTE, "<=": TokenType.LTE, "!=": TokenType.NEQ},
    "oracle": {
        "<>": TokenType.NEQ, ">=": TokenType.GTE, "<=": TokenType.LTE, "!=": TokenType.NEQ, "^=": TokenType.NEQ,
        "||": TokenType.DPIPE,
    },
}  # fmt: skip
"""Operators of two signs that these engines also read with a space between them."""


def _joined(tokens: list[Token], name: str) -> list[Token]:
    """`a > = b` as `a >= b`."""
    found: list[Token] = []
    for token in tokens:
        pair = found[-1].text + token.text if found and len(found[-1].text) == len(token.text) == 1 else ""
        kind = _SPACED[name].get(pair)
        if kind is not None and TokenType.STRING not in (token.token_type, found[-1].token_type):
            found[-1] = _like(found[-1], kind, pair)
        else:
            found.append(token)
    return found


def _join_marks(tokens: list[Token]) -> list[Token]:
    """Snowflake: `t.a (+)`, the old outer join, which the parser knows in Oracle only."""
    found: list[Token] = []
    at = 0
    while at < len(tokens):
        if [_word(tokens, at + step) for step in range(3)] == ["(", "+", ")"] and found:
            if found[-1].token_type in _NAMES:
                found.append(_like(tokens[at], TokenType.JOIN_MARKER, "(+)"))
                at += 3
                continue
        found.append(tokens[at])
        at += 1
    return found


_TYPED = frozenset(
    """BOX LSEG POLYGON CIRCLE POINT INT4RANGE INT8RANGE NUMRANGE TSRANGE TSTZRANGE DATERANGE TSQUERY TSVECTOR
    MACADDR LTREE LQUERY HSTORE""".split()
)
_SIGNED = ("<=>", "<#>", "<+>", "<~>", "<%>")


def _postgres_types(tokens: list[Token]) -> list[Token]:
    """PostgreSQL: `box '(1,2),(3,4)'` as CAST('..' AS box), for types whose name the parser takes for a column."""
    found: list[Token] = []
    at = 0
    while at < len(tokens):
        token = tokens[at]
        before = found[-1].token_type if found else None
        if (
            _word(tokens, at) in _TYPED
            and at + 1 < len(tokens)
            and tokens[at + 1].token_type == TokenType.STRING
            and before not in (*_NAMES, TokenType.DOT, TokenType.ALIAS, TokenType.DCOLON, *_ENDING)
        ):
            found += [
                _like(token, TokenType.VAR, "CAST"),
                _like(token, TokenType.L_PAREN, "("),
                tokens[at + 1],
                _like(token, TokenType.ALIAS, "AS"),
                token,
                _like(token, TokenType.R_PAREN, ")"),
            ]
            at += 2
            continue
        found.append(token)
        at += 1
    return found


def _postgres_operators(tokens: list[Token]) -> list[Token]:
    """PostgreSQL: distances of vectors (`a <=> b`, which the parser takes for MySQL's equality) as OPERATOR(<=>), which
    is the same; `ORDER BY a USING >` as DESC."""
    found: list[Token] = []
    at = 0
    while at < len(tokens):
        token, length, text = tokens[at], 1, tokens[at].text
        while (
            len(text) < 3
            and text[:1] == "<"
            and at + length < len(tokens)
            and _adjacent(tokens, at + length - 1)
        ):
            text += tokens[at + length].text
            length += 1
        if text in _SIGNED and token.token_type != TokenType.STRING:
            found += [
                _like(token, TokenType.OPERATOR, "OPERATOR"),
                _like(token, TokenType.L_PAREN, "("),
                _like(token, TokenType.VAR, text),
                _like(token, TokenType.R_PAREN, ")"),
            ]
            at += length
            continue
        after = tokens[at + 1].token_type if at + 1 < len(tokens) else None
        if token.token_type == TokenType.USING and after in (TokenType.LT, TokenType.GT):
            rising = after == TokenType.LT
            found.append(
                _like(token, TokenType.ASC if rising else TokenType.DESC, "ASC" if rising else "DESC")
            )
            at += 2
            continue
        found.append(token)
        at += 1
    return found


def _tables_in(tokens: list[Token]) -> list[Token]:
    """SQLite: `a IN t` is `a IN (SELECT * FROM t)`, says its manual; t is then resolved like any table."""
    found: list[Token] = []
    at = 0
    while at < len(tokens):
        found.append(tokens[at])
        end = at + 1
        while end + 2 < len(tokens) and tokens[end + 1].token_type == TokenType.DOT:
            end += 2
        if (
            tokens[at].token_type == TokenType.IN
            and end < len(tokens)
            and all(each.token_type in _NAMES for each in tokens[at + 1 : end + 1 : 2])
            and _word(tokens, end + 1) not in ("(", ".")
        ):
            first = tokens[at + 1]
            found += [
                _like(first, TokenType.L_PAREN, "("), _like(first, TokenType.SELECT, "SELECT"),
                _like(first, TokenType.STAR, "*"), _like(first, TokenType.FROM, "FROM"),
                *tokens[at + 1 : end + 1], _like(first, TokenType.R_PAREN, ")"),
            ]  # fmt: skip
            at = end
        at += 1
    return found


# --- MySQL: TABLE as a query, the braces of ODBC --------------------------------------------------------------

_SETS = frozenset({"UNION", "INTERSECT", "EXCEPT", "MINUS", "ALL", "DISTINCT"})
_LITERALS = {"D": "DATE", "T": "TIME", "TS": "TIMESTAMP"}


def _table_queries(tokens: list[Token]) -> list[Token]:
    """`IN (TABLE t)`, `.. UNION TABLE t`: TABLE t is SELECT * FROM t, says the manual."""
    found: list[Token] = []
    for at, token in enumerate(tokens):
        before = _word(tokens, at - 1)
        named = at + 1 < len(tokens) and tokens[at + 1].token_type in _NAMES
        if _word(tokens, at) == "TABLE" and named and (before == "(" or before in _SETS):
            found += [
                _like(token, TokenType.SELECT, "SELECT"),
                _like(token, TokenType.STAR, "*"),
                _like(token, TokenType.FROM, "FROM"),
            ]
        else:
            found.append(token)
    return found


def _braces(tokens: list[Token]) -> list[Token]:
    """`{d '2020-01-01'}`, `{fn UCASE(a)}`, `{oj a LEFT JOIN b ON ..}`: what stands in them, without the braces."""
    found: list[Token] = []
    ends: set[int] = set()
    at = 0
    while at < len(tokens):
        if at in ends:
            at += 1
            continue
        word = _word(tokens, at + 1)
        end = _close(tokens, at) if tokens[at].token_type == TokenType.L_BRACE else None
        if end is not None and word in _LITERALS and end == at + 3:
            if tokens[at + 2].token_type == TokenType.STRING:
                kind = _LITERALS[word]
                found += [_like(tokens[at], getattr(TokenType, kind), kind), tokens[at + 2]]
                at = end + 1
                continue
        if end is not None and word in ("FN", "OJ"):
            ends.add(end)
            at += 2
            continue
        found.append(tokens[at])
        at += 1
    return found


# --- ClickHouse: names given inside an expression -------------------------------------------------------------

_NO_CALLS = frozenset(
    """CAST ACCURATECAST TRY_CAST IN AS VALUES OVER EXISTS USING FROM WHERE AND OR NOT SELECT WITH ON BY HAVING PREWHERE
    WINDOW INTERPOLATE EXTRACT JOIN THEN ELSE WHEN LIMIT COLUMNS APPLY EXCEPT REPLACE""".split()
)


_DIRECTIONS = {"ASCENDING": "ASC", "DESCENDING": "DESC"}


def _directions(tokens: list[Token]) -> list[Token]:
    """`ORDER BY a ASCENDING`: the long words for ASC and DESC, behind an operand only."""
    found: list[Token] = []
    for at, token in enumerate(tokens):
        short = _DIRECTIONS.get(_word(tokens, at))
        behind = at > 0 and (tokens[at - 1].token_type in _NAMES or tokens[at - 1].token_type in _ENDING)
        after = _word(tokens, at + 1)
        if (
            short
            and behind
            and (at + 1 >= len(tokens) or after in (",", ")", "LIMIT", "NULLS", "ROWS", "RANGE"))
        ):
            token = _like(token, getattr(TokenType, short), short)
        found.append(token)
    return found


def _inner_names(tokens: list[Token]) -> list[Token]:
    """`hex(f(a) AS x)` as `hex((f(a) AS x))`, `GROUP BY f(a) AS x` as `GROUP BY (f(a) AS x)`: the name is that of the
    whole argument or item in both, the parser reads it in a bracket only."""
    openings: Counter[int] = Counter()
    closings: set[int] = set()
    levels: list[list[int | None]] = [[None]]
    for at, token in enumerate(tokens):
        kind = token.token_type
        if kind in _OPENING:
            call = kind == TokenType.L_PAREN and at > 0 and tokens[at - 1].token_type not in _OPENING
            call = call and (tokens[at - 1].token_type in _NAMES or tokens[at - 1].text[:1].isalpha())
            call = call and _word(tokens, at - 1) not in _NO_CALLS
            call = call and _word(tokens, at + 1) not in ("SELECT", "WITH")
            levels.append([at + 1 if call else None])
            continue
        if kind in _ENDING:
            if len(levels) > 1:
                levels.pop()
            continue
        level = levels[-1]
        if level[0] is None and kind not in (TokenType.GROUP_BY, TokenType.ORDER_BY):
            continue
        word = _word(tokens, at)
        if kind in (TokenType.GROUP_BY, TokenType.ORDER_BY):
            level[0] = at + 1
        elif kind == TokenType.COMMA and level[0] is not None:
            level[0] = at + 1
        elif kind == TokenType.ARROW or word in ("SELECT", "LIMIT", "SETTINGS", "FORMAT", "UNION"):
            level[0] = None
        elif word == "AS" and level[0] is not None and level[0] < at:
            named = at + 1 < len(tokens) and tokens[at + 1].token_type in _NAMES
            after = _word(tokens, at + 2)
            if named and (
                at + 2 >= len(tokens) or after in (",", ")", "ASC", "DESC", "ORDER BY", "LIMIT", "HAVING")
            ):
                openings[level[0]] += 1
                closings.add(at + 1)
    if not openings:
        return tokens
    found: list[Token] = []
    for at, token in enumerate(tokens):
        found += [_like(token, TokenType.L_PAREN, "(")] * openings[at]
        found.append(token)
        if at in closings:
            found.append(_like(token, TokenType.R_PAREN, ")"))
    return found


def _summaries(tokens: list[Token]) -> list[Token]:
    """DuckDB: `FROM (SUMMARIZE t)` as `FROM (SUMMARIZE SELECT * FROM t)`, so that there is always a query in it. The
    statement SUMMARIZE is none of those that may run."""
    found: list[Token] = []
    for at, token in enumerate(tokens):
        found.append(token)
        following = tokens[at + 1].token_type if at + 1 < len(tokens) else None
        if token.token_type == TokenType.SUMMARIZE and following == TokenType.STRING:
            raise Refusal("table", "SUMMARIZE takes a query or the name of a table here")  # 'a.csv' is a file
        if at and token.token_type == TokenType.SUMMARIZE and following in _NAMES:
            found += [
                _like(token, TokenType.SELECT, "SELECT"),
                _like(token, TokenType.STAR, "*"),
                _like(token, TokenType.FROM, "FROM"),
            ]
    return found


_SPATIAL = re.compile(r"::\s*\w+\s*\(|\.\s*(?:" + "|".join(GEOMETRY) + r")\s*\(", re.IGNORECASE)
_QUANTIFIED = re.compile(r"\b(?:SOME|ANY|ALL)\s*\(\s*(?:VALUES|SELECT|WITH)", re.IGNORECASE)
_NTH = re.compile(r"\bFROM\s+FIRST\b", re.IGNORECASE)
_SOME = ("some", "any", "all")


@dataclass(frozen=True, slots=True)
class _Rewrite:
    """One rewrite, and what a text that needs it holds: one of `words` (in lower case; looked for first, as that costs
    next to nothing) and a match of `pattern`."""

    apply: Callable[[list[Token]], list[Token]]
    words: tuple[str, ...]
    pattern: re.Pattern[str] | None = None

    def is_needed(self, sql: str, lowered: str) -> bool:
        """May this text need it?"""
        return any(word in lowered for word in self.words) and (
            self.pattern is None or self.pattern.search(sql) is not None
        )


_REWRITES: dict[str, tuple[_Rewrite, ...]] = {
    "oracle": (
        _Rewrite(_from_first, ("first",), _NTH),
        _Rewrite(_some, _SOME, _QUANTIFIED),
        _Rewrite(_items, tuple(f"{name}(" for name in sorted(ITEMS)), re.compile(r"\.\s*\w+\s*\(\s*\)")),
        _Rewrite(partial(_joined, name="oracle"), ("=", ">", "|"), re.compile(r"[<>!^]\s+[=>]|\|\s+\|")),
    ),
    "postgres": (
        _Rewrite(
            _postgres_types,
            tuple(word.lower() for word in sorted(_TYPED)),
            re.compile(r"\b(?:" + "|".join(_TYPED) + r")\s*'", re.IGNORECASE),
        ),
        _Rewrite(_postgres_operators, ("<", ">"), re.compile(r"<[=#+~%]|\bUSING\s*[<>]", re.IGNORECASE)),
    ),
    "snowflake": (_Rewrite(_join_marks, ("+",), re.compile(r"\(\s*\+\s*\)")),),
    "mysql": (
        _Rewrite(_from_first, ("first",), _NTH),
        _Rewrite(_modifiers, ("sql_cache", "sql_no_cache", "asc")),
        _Rewrite(_table_queries, ("table",)),
        _Rewrite(_braces, ("{",), re.compile(r"\{\s*(?:d|t|ts|fn|oj)\b", re.IGNORECASE)),
    ),
    "trino": (
        _Rewrite(_some, _SOME, _QUANTIFIED),
        _Rewrite(_offset_rows, ("offset", "fetch")),
    ),
    "tsql": (
        _Rewrite(_money, ("$",), re.compile(r"\$[.0-9]")),
        _Rewrite(_spatial, ("::", *(name.lower() for name in GEOMETRY)), _SPATIAL),
        _Rewrite(partial(_joined, name="tsql"), ("=", ">"), re.compile(r"[<>!]\s+[=>]")),
    ),
    "databricks": (
        _Rewrite(partial(stepped, name="databricks"), ("|>",)),
        _Rewrite(_versions, ("@",), re.compile(r"@\w")),
    ),
    "bigquery": (_Rewrite(partial(stepped, name="bigquery"), ("|>",)),),
    "clickhouse": (
        _Rewrite(_joins, ("outer", "values")),
        _Rewrite(_directions, ("scending",)),
        _Rewrite(_inner_names, ("as",)),
    ),
    "duckdb": (_Rewrite(_pivots, ("pivot",)), _Rewrite(_summaries, ("summarize",))),
    "sqlite": (
        _Rewrite(_some, _SOME, _QUANTIFIED),
        _Rewrite(_tables_in, ("in",), re.compile(r"\bIN\s*[A-Za-z_\"`\[]", re.IGNORECASE)),
    ),
}
