"""Clauses that the parser does not know, carried past it.

The standard's words inside JSON functions and ClickHouse's second LIMIT, only where a statement could not be parsed;
and methods of XML values, which the parser would take for calls with a schema's name, T-SQL's graph patterns and
Oracle's CYCLE. A clause is read word by word
against its own small grammar, in which nothing but words of the standard, names of columns to be made, types of the
list below and literals can stand: no call, no name of a table, no expression. What is read so is put back behind the
operand it followed once the rest is parsed; anything else stays in the text, which then is refused as before.
One file because what is taken out and what is put back must be read together.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from plugin.run_sql.dialects import Engine
from plugin.run_sql.oracle_clauses import clauses_put_back, clauses_taken, put_search_back, subsets_taken
from plugin.run_sql.oracle_words import words_put_back, words_taken

_STANDARD = frozenset({"oracle", "postgres", "mysql", "trino", "tsql", "databricks"})
_FUNCTIONS = frozenset(
    """json_value json_query json_exists json_array json_arrayagg json_serialize json_scalar json_table json
    json_mergepatch json_object json_objectagg""".split()
)
_TYPES = frozenset(
    """varchar varchar2 nvarchar nvarchar2 char nchar character text clob string number numeric decimal dec int
    integer bigint smallint tinyint signed unsigned double float real binary_double binary_float boolean bool bit date
    time timestamp timestamptz datetime datetime2 json jsonb varbinary blob bytea uuid raw money smallmoney
    datetimeoffset smalldatetime""".split()
)
_METHODS = {
    "tsql": frozenset({"value", "query", "exist", "nodes"}),
    "oracle": frozenset({"extract", "getclobval", "getstringval", "getnumberval"}),
}
_CASTS = frozenset({"cast", "try_cast", "convert", "try_convert"})
XML_NODES = "docent_xml_nodes"
"""T-SQL's `t.doc.nodes('/a')` as a call, until it is rendered."""
_BEHAVIOURS = frozenset({"NULL", "ERROR", "ABSENT", "EMPTY", "TRUE", "FALSE", "UNKNOWN"})
_OCCASIONS = frozenset({"NULL", "EMPTY", "ERROR", "MISMATCH"})
_FLAGS = frozenset(
    """WITH WITHOUT CONDITIONAL UNCONDITIONAL ARRAY WRAPPER KEEP OMIT QUOTES ON SCALAR STRING UNIQUE KEYS STRICT LAX
    PRETTY ASCII TRUNCATE FORMAT JSON ENCODING UTF8 UTF16 UTF32 ALLOW DISALLOW SCALARS""".split()
)
_WRAPPING = frozenset("WITH WITHOUT CONDITIONAL UNCONDITIONAL ARRAY WRAPPER KEEP OMIT QUOTES".split())
_STARTS = frozenset(
    "RETURNING NULL ERROR ABSENT EMPTY TRUE FALSE DEFAULT WITH WITHOUT KEEP OMIT PRETTY STRICT COLUMNS FORMAT".split()
)
_NO_OPERAND = frozenset(
    {"IS", "NOT", "AND", "OR", "THEN", "ELSE", "WHEN", "CASE", "IN", "LIKE", "BETWEEN", "AS"}
)
_NAMES = (TokenType.VAR, TokenType.IDENTIFIER)
_ENDS = (
    TokenType.STRING,
    TokenType.NUMBER,
    TokenType.R_PAREN,
    TokenType.R_BRACKET,
    TokenType.STAR,
    TokenType.NULL,
)


@dataclass(slots=True)
class Carried:
    """The tokens without the clauses, and what to put back: mark -> clause, new name -> function's own."""

    tokens: list[Token]
    clauses: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)


def methods_taken(tokens: list[Token], engine: Engine) -> Carried:
    """The tokens without methods of XML values: `(..).value('.', 'int')`, `XMLAGG(..).EXTRACT('//text()')`."""
    carried = Carried(list(tokens))
    methods = _METHODS.get(engine.name)
    if methods is None:
        if engine.name == "trino":
            carried.tokens = subsets_taken(carried.tokens, carried.clauses)
        return carried
    words = {
        token.text.lower() for token in tokens
    }  # once, so that no rule looks for a word that is not there
    if engine.name == "tsql":
        if not words.isdisjoint(("parse", "try_parse")):
            _parse_calls(carried, engine)
        if "match" in words:
            _graph_patterns(carried)
    elif engine.name == "oracle":
        upper = {word.upper() for word in words}
        carried.tokens = clauses_taken(carried.tokens, carried.clauses, upper)
        if "cycle" in words:
            _cycles(carried)
        carried.tokens = words_taken(carried.tokens, carried.clauses, upper)
    tokens = carried.tokens
    if not words.isdisjoint(methods):
        dot = TokenType.DOT
        for at in range(len(tokens) - 3, 0, -1):
            if (
                at + 2 < len(tokens)
                and tokens[at].token_type == dot
                and tokens[at + 1].text.lower() in methods
            ):
                _take_method(carried, at, engine)
    return carried


def carry(carried: Carried, engine: Engine) -> bool:
    """Take the clauses out of a statement that was not parsed; False where there is none that can be read."""
    before = len(carried.clauses)
    if engine.name == "clickhouse":
        _second_limit(carried)
    elif engine.name in _STANDARD:
        _json_clauses(carried, engine)
    return len(carried.clauses) > before


def returns_a_type(sql: str, engine: Engine) -> bool:
    """May a JSON function name the type it returns, in an engine whose parser takes such a type for a column?"""
    return engine.name in ("trino", "mysql", "oracle") and "returning" in sql.lower()


def put_back(tree: exp.Expr, carried: Carried) -> None:
    """Write each clause behind its operand again."""
    clauses_put_back(tree, carried.clauses)
    words_put_back(tree, carried.clauses)
    for search in list(tree.find_all(exp.RecursiveWithSearch)):
        clause = carried.clauses.get(search.this.name)
        if clause is not None:
            names, _, values = clause.partition("\n")
            made = exp.Introducer(this=search.args["expression"], expression=exp.Var(this=values))
            cycle = exp.RecursiveWithSearch(kind="CYCLE", this=exp.Var(this=names), expression=made)
            search.replace(cycle)
            put_search_back(cycle, carried.clauses)
    for node in list(tree.find_all(exp.Collate, exp.Anonymous)):
        if isinstance(node, exp.Anonymous):
            if isinstance(node.this, str) and node.this in carried.clauses and not node.expressions:
                node.replace(exp.Var(this=carried.clauses[node.this]))
            elif isinstance(node.this, str) and node.this in carried.names:
                node.set("this", carried.names[node.this])
            continue
        clause = carried.clauses.get(node.expression.name)
        if clause is not None:
            node.replace(exp.Introducer(this=node.this, expression=exp.Var(this=clause)))


def _parse_calls(carried: Carried, engine: Engine) -> None:
    """T-SQL: `PARSE(a AS decimal(5, 2) USING 'en-US')`, of which the parser knows a plain type only."""
    tokens = carried.tokens
    for at in range(len(tokens) - 2, -1, -1):
        if tokens[at].token_type != TokenType.VAR or tokens[at].text.lower() not in ("parse", "try_parse"):
            continue
        if tokens[at + 1].token_type != TokenType.L_PAREN:
            continue
        depth, end, word = 0, at + 1, None
        while end < len(tokens):
            kind = tokens[end].token_type
            depth += (kind == TokenType.L_PAREN) - (kind == TokenType.R_PAREN)
            if depth == 0:
                break
            if depth == 1 and kind == TokenType.ALIAS:
                word = end
            end += 1
        if word is None or end >= len(tokens):
            continue
        reader = _Reader(tokens, word + 1, engine)
        if reader.typed() and reader.at == end:
            tokens[word:end] = _mark(carried, tokens[word - 1], "AS " + " ".join(reader.words))


def _cycles(carried: Carried) -> None:
    """Oracle: `CYCLE id, b SET c TO 1 DEFAULT 0` behind a recursive WITH: names of its own columns and two literals."""
    tokens = carried.tokens
    literals = (TokenType.NUMBER, TokenType.STRING)
    for at in range(len(tokens) - 8, 0, -1):
        if tokens[at].text.upper() != "CYCLE" or tokens[at - 1].token_type != TokenType.R_PAREN:
            continue
        end = at + 2
        while tokens[end].token_type == TokenType.COMMA and end + 8 < len(tokens):
            end += 2
        names = tokens[at + 1 : end : 2]
        tail = tokens[end : end + 6]
        words = [token.text.upper() for token in tail]
        if len(tail) < 6 or (words[0], words[2], words[4]) != ("SET", "TO", "DEFAULT"):
            continue
        if any(token.token_type not in _NAMES for token in (*names, tail[1])):
            continue
        if any(token.token_type not in literals for token in (tail[3], tail[5])):
            continue
        listed = ", ".join(_name(token) for token in names)
        mark = f"docent_{secrets.token_hex(12)}"
        carried.clauses[mark] = f"{listed}\nTO {_value(tail[3])} DEFAULT {_value(tail[5])}"
        first = names[0]
        tokens[at + 1 : end + 6] = [
            Token(TokenType.VAR, mark, first.line, first.col, first.start, first.end, []), *tail[:2],
        ]  # fmt: skip


def _name(token: Token) -> str:
    quoted = token.token_type == TokenType.IDENTIFIER
    return exp.Identifier(this=token.text, quoted=quoted).sql(dialect="oracle")


def _value(token: Token) -> str:
    return (
        token.text
        if token.token_type == TokenType.NUMBER
        else exp.Literal.string(token.text).sql(dialect="oracle")
    )


def _graph_patterns(carried: Carried) -> None:
    """T-SQL: `WHERE MATCH(a-(e)->b AND b<-(f)-c)`. Nothing but names and arrows can stand there, and the names are
    those of FROM: the engine knows no others in it."""
    tokens = carried.tokens
    for at in range(len(tokens) - 2, 0, -1):
        if tokens[at].text.upper() != "MATCH" or tokens[at].token_type == TokenType.IDENTIFIER:
            continue
        if (
            tokens[at - 1].text.upper() not in ("WHERE", "AND")
            or tokens[at + 1].token_type != TokenType.L_PAREN
        ):
            continue
        words, depth, end = [], 0, at + 1
        while end < len(tokens):
            kind, text = tokens[end].token_type, tokens[end].text
            depth += (kind == TokenType.L_PAREN) - (kind == TokenType.R_PAREN)
            if kind in _NAMES:
                words.append(exp.Identifier(this=text, quoted=True).sql(dialect="tsql"))
            elif text.upper() == "AND":
                words.append(" AND ")
            elif text in ("(", ")", "-", "->", "<", ">"):
                words.append(text)
            else:
                break
            if depth == 0:
                break
            end += 1
        if depth or end >= len(tokens) or tokens[end].token_type != TokenType.R_PAREN:
            continue
        mark = f"docent_{secrets.token_hex(12)}"
        carried.clauses[mark] = "MATCH" + "".join(words)
        first = tokens[at]
        tokens[at : end + 1] = [
            Token(TokenType.VAR, mark, first.line, first.col, first.start, first.end, []), tokens[at + 1], tokens[end],
        ]  # fmt: skip


def _take_method(carried: Carried, at: int, engine: Engine) -> None:
    """One method with literal arguments: in Oracle of a call, in T-SQL of a bracket around a query or of a column
    that is written with its table."""
    tokens = carried.tokens
    method, end = tokens[at + 1].text, at + 3
    if tokens[at + 2].token_type != TokenType.L_PAREN:
        return
    arguments: list[str] = []
    while end < len(tokens) and tokens[end].token_type in (TokenType.STRING, TokenType.COMMA):
        if tokens[end].token_type == TokenType.STRING:
            if "sql:" in tokens[end].text.lower():  # sql:column(..) reads a column past our rules
                return
            arguments.append(exp.Literal.string(tokens[end].text).sql(dialect=engine.name))
        end += 1
    if end >= len(tokens) or tokens[end].token_type != TokenType.R_PAREN:
        return
    before = tokens[at - 1]
    of_column = (
        engine.name == "tsql"
        and at > 2
        and before.token_type in _NAMES
        and tokens[at - 2].token_type == TokenType.DOT
        and tokens[at - 3].token_type in _NAMES
        and (at < 4 or tokens[at - 4].token_type != TokenType.DOT)
    )
    # `n.value(..)` of a column without its table: n is then resolved as a column, so it cannot be a schema
    of_name = (
        engine.name == "tsql" and before.token_type in _NAMES and tokens[at - 2].token_type != TokenType.DOT
    )
    of_mark = at > 1 and before.text in carried.clauses
    of_bracket = before.token_type == TokenType.R_PAREN and (
        engine.name == "oracle" or _of_value(tokens, at - 1)
    )
    if of_bracket or of_column or of_mark or (of_name and at > 1):
        if method.lower() == "nodes":
            if of_column and len(arguments) == 1:
                first = tokens[at - 3]
                named = Token(TokenType.VAR, XML_NODES, first.line, first.col, first.start, first.end, [])
                path = next(each for each in tokens[at:end] if each.token_type == TokenType.STRING)
                opening = tokens[at + 2]
                comma = Token(TokenType.COMMA, ",", before.line, before.col, before.start, before.end, [])
                tokens[at - 3 : end] = [named, opening, *tokens[at - 3 : at], comma, path]
            return
        tokens[at : end + 1] = _mark(carried, before, f".{method}({', '.join(arguments)})")


def _of_value(tokens: list[Token], end: int) -> bool:
    """Is the bracket that closes there one around a SELECT, or that of a cast?"""
    depth = 0
    for at in range(end, 0, -1):
        depth += (tokens[at].token_type == TokenType.R_PAREN) - (tokens[at].token_type == TokenType.L_PAREN)
        if depth == 0:
            if tokens[at - 1].text.lower() in _CASTS and tokens[at - 2].token_type != TokenType.DOT:
                return True
            call = tokens[at - 1].token_type in _NAMES
            return not call and tokens[at + 1].token_type == TokenType.SELECT
    return False


def _mark(carried: Carried, before: Token, clause: str) -> list[Token]:
    mark = f"docent_{secrets.token_hex(12)}"
    carried.clauses[mark] = clause
    return [
        Token(TokenType.COLLATE, "COLLATE", before.line, before.col, before.start, before.end, []),
        Token(TokenType.VAR, mark, before.line, before.col, before.start, before.end, []),
    ]


def _second_limit(carried: Carried) -> None:
    """`LIMIT 3 BY b LIMIT 10`: the second is carried."""
    tokens = carried.tokens
    at = len(tokens) - 1
    while at > 2:
        number = at + 1 < len(tokens) and tokens[at + 1].token_type == TokenType.NUMBER
        if tokens[at].token_type == TokenType.LIMIT and number and _limited_by(tokens, at):
            clause, end = f"LIMIT {tokens[at + 1].text}", at + 2
            if end + 1 < len(tokens) and tokens[end + 1].token_type == TokenType.NUMBER:
                if tokens[end].token_type in (TokenType.OFFSET, TokenType.COMMA):
                    joint = " OFFSET " if tokens[end].token_type == TokenType.OFFSET else ", "
                    clause, end = f"{clause}{joint}{tokens[end + 1].text}", end + 2
            tokens[at:end] = _mark(carried, tokens[at - 1], clause)
        at -= 1


def _limited_by(tokens: list[Token], at: int) -> bool:
    depth = 0
    by = False
    for each in reversed(tokens[:at]):
        depth += (each.token_type == TokenType.R_PAREN) - (each.token_type == TokenType.L_PAREN)
        if depth < 0 or each.token_type in (TokenType.SELECT, TokenType.WHERE, TokenType.FROM):
            return False
        if depth == 0 and each.text.upper() == "BY":
            by = True
        if depth == 0 and each.token_type == TokenType.LIMIT:
            return by
    return False


def _json_clauses(carried: Carried, engine: Engine) -> None:
    tokens = carried.tokens
    open_calls: list[int | None] = []
    found: list[tuple[int, int, int, str]] = []
    at = 0
    while at < len(tokens):
        token = tokens[at]
        if token.token_type == TokenType.L_PAREN:
            named = at > 0 and tokens[at - 1].text.lower() in _FUNCTIONS
            open_calls.append(at - 1 if named else None)
        elif token.token_type == TokenType.R_PAREN and open_calls:
            open_calls.pop()
        elif open_calls and open_calls[-1] is not None and token.text.upper() in _STARTS:
            if _follows_operand(tokens[at - 1]):
                reader = _Reader(tokens, at, engine)
                clause = reader.tail()
                if clause is not None:
                    found.append((open_calls[-1], at, reader.at, clause))
                    at = reader.at
                    continue
        at += 1
    for call, start, end, clause in reversed(found):
        tokens[start:end] = _mark(carried, tokens[start - 1], clause)
        own = tokens[call].text.lower() in ("json_object", "json_objectagg")
        if own and tokens[call + 2].token_type != TokenType.STAR and _has_pairs(tokens, call + 1):
            continue  # read under their own names, with `KEY a VALUE b` and `a : b`
        if tokens[call].text in carried.names:
            continue  # another clause of the same call
        name, new = tokens[call].text, f"docent_{secrets.token_hex(12)}"
        carried.names[new] = name.upper()
        old = tokens[call]
        tokens[call] = Token(TokenType.VAR, new, old.line, old.col, old.start, old.end, [])


def _has_pairs(tokens: list[Token], opening: int) -> bool:
    """Does the call say which is the key and which the value in words or by a colon, not by a comma?"""
    depth = 0
    for token in tokens[opening:]:
        depth += (token.token_type == TokenType.L_PAREN) - (token.token_type == TokenType.R_PAREN)
        if depth == 0:
            return False
        if depth == 1 and (token.token_type == TokenType.COLON or token.text.upper() in ("VALUE", "IS")):
            return True
    return False


def _follows_operand(token: Token) -> bool:
    if token.token_type in _ENDS or token.token_type == TokenType.IDENTIFIER:
        return True
    return token.text[:1].isalpha() and token.text.upper() not in _NO_OPERAND


class _Reader:
    """Reads one clause from a place on. `at` is behind it once `tail` gave its text."""

    def __init__(self, tokens: list[Token], at: int, engine: Engine) -> None:
        self.tokens, self.at, self.engine = tokens, at, engine
        self.words: list[str] = []

    def tail(self) -> str | None:
        """The text of the clause, which must reach the end of its call; None where it holds anything else."""
        while self._clause():
            pass
        ended = self._kind() == TokenType.R_PAREN
        if self._kind() == TokenType.COMMA:  # `JSON_TABLE(a FORMAT JSON, '$' ..)`
            ended = self.words == ["FORMAT", "JSON"]
        return " ".join(self.words) if ended and self.words else None

    def typed(self) -> bool:
        """A type and perhaps the culture it is read in."""
        if not self._type():
            return False
        return not self._take("USING") or (self._kind() == TokenType.STRING and self._literal())

    def _kind(self) -> TokenType | None:
        return self.tokens[self.at].token_type if self.at < len(self.tokens) else None

    def _text(self, ahead: int = 0) -> str:
        at = self.at + ahead
        if at >= len(self.tokens) or self.tokens[at].token_type in (TokenType.STRING, TokenType.IDENTIFIER):
            return ""
        return self.tokens[at].text.upper()

    def _take(self, *words: str) -> bool:
        if any(self._text(ahead) != word for ahead, word in enumerate(words)):
            return False
        self.words += words
        self.at += len(words)
        return True

    def _clause(self) -> bool:
        if self._take("RETURNING"):
            return self._type()
        if self._text() == "COLUMNS":
            return self._take("COLUMNS") and self._columns()
        return self._behaviour() or (self._text() in _FLAGS and self._take(self._text()))

    def _behaviour(self) -> bool:
        start, before = self.at, len(self.words)
        if self._text() in _BEHAVIOURS:
            self._take(self._text())
            if self._text() in ("ARRAY", "OBJECT"):
                self._take(self._text())
        elif not (self._take("DEFAULT") and self._literal()):
            self.at = start
            del self.words[before:]
            return False
        if self._text() == "ON" and self._text(1) in _OCCASIONS:
            return self._take("ON", self._text(1))
        self.at = start
        del self.words[before:]
        return False

    def _literal(self) -> bool:
        negative = self._take("-")
        kind = self._kind()
        if kind == TokenType.NUMBER:
            self.words.append(self.tokens[self.at].text)
        elif kind == TokenType.STRING and not negative:
            self.words.append(self._written(exp.Literal.string(self.tokens[self.at].text)))
        elif self._text() in ("NULL", "TRUE", "FALSE") and not negative:
            self.words.append(self._text())
        else:
            return False
        self.at += 1
        return True

    def _type(self) -> bool:
        if self._text().lower() not in _TYPES:
            return False
        self._take(self._text())
        self._take("PRECISION") or self._take("VARYING")
        if self._take("("):
            while not self._take(")"):
                if self._kind() != TokenType.NUMBER and self._text() not in (",", "CHAR", "BYTE", "MAX"):
                    return False
                self._take(self._text())
        for words in (
            ("WITH", "TIME", "ZONE"),
            ("WITHOUT", "TIME", "ZONE"),
            ("WITH", "LOCAL", "TIME", "ZONE"),
        ):
            self._take(*words)
        if self._take("[") and not self._take("]"):
            return False
        return True

    def _columns(self) -> bool:
        wrapped = self._take("(")
        while self._column():
            if not self._take(","):
                return not wrapped or self._take(")")
        return False

    def _column(self) -> bool:
        if self._take("NESTED"):
            self._take("PATH")
            return (
                self._kind() == TokenType.STRING
                and self._literal()
                and self._take("COLUMNS")
                and self._columns()
            )
        if not (self._kind() in _NAMES or self._text()[:1].isalpha()):
            return False
        token = self.tokens[self.at]
        quoted = token.token_type == TokenType.IDENTIFIER
        if not quoted and not token.text.replace("_", "a").isalnum():
            return False
        self.words.append(self._written(exp.Identifier(this=token.text, quoted=quoted)))
        self.at += 1
        if self._take("FOR", "ORDINALITY"):
            return True
        if self._text().lower() in _TYPES and not self._type():
            return False
        self._take("FORMAT", "JSON")
        self._take("EXISTS")
        while self._text() in _WRAPPING and self._take(self._text()):
            pass
        if self._take("PATH") and not (self._kind() == TokenType.STRING and self._literal()):
            return False
        while self._behaviour() or (self._text() in _FLAGS and self._take(self._text())):
            pass
        return True

    def _written(self, node: exp.Expr) -> str:
        return node.sql(dialect=self.engine.name)
