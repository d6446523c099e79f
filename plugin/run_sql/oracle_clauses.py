"""Oracle's clauses that hold names or expressions, in words that the parser knows, and back again before it is checked.

Partitioned outer joins, `NTH_VALUE(..) FROM LAST`, SEARCH before CYCLE, partitions by a value, the operations of
JSON_TRANSFORM, `JSON {..}`, and the SUBSET of a row pattern (which Trino has, too). As in `oracle_words`: what holds an
expression stays in the tree, so it is resolved and checked like any other; what is carried past the parser is words of
the lists here, names and literals. Nothing but these can stand behind a mark, and a mark's name cannot be guessed.
One file because what is taken out and what is put back must be read together.
"""

from __future__ import annotations

import secrets
from collections.abc import Set

from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

_NAMES = (TokenType.VAR, TokenType.IDENTIFIER)
_TEXTS = (TokenType.STRING, TokenType.IDENTIFIER, TokenType.NATIONAL_STRING)
_OPENING = frozenset({TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE})
_ENDING = frozenset({TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE})
_LITERALS = (TokenType.STRING, TokenType.NUMBER)
_OPERATIONS = frozenset(
    "SET REMOVE RENAME KEEP APPEND PREPEND INSERT REPLACE SORT UNION INTERSECT MINUS COPY MERGE".split()
)
_HANDLED = frozenset({"IGNORE", "ERROR", "CREATE", "NULL", "REMOVE", "REPLACE"})
_OCCASIONS = frozenset({"MISSING", "EXISTING", "NULL", "EMPTY", "ERROR"})
_CONVERSIONS = frozenset(
    """TO_DATE TO_TIMESTAMP TO_TIMESTAMP_TZ TO_DSINTERVAL TO_YMINTERVAL TO_BINARY_DOUBLE TO_BINARY_FLOAT""".split()
)
BEFORE, BEHIND = "PARTITION BY", "PARTITION BY "
"""How the mark of a partitioned join is told: the partitioned table is the join's own, or the one before it."""


def clauses_taken(tokens: list[Token], clauses: dict[str, str], words: Set[str]) -> list[Token]:
    """The tokens in the parser's words; `clauses` gets mark -> words. `words` are those of the tokens in upper case."""
    if "PARTITION BY" in words and "JOIN" in words:
        tokens = _joins(tokens, clauses)
    if "FROM" in words and "LAST" in words and "NTH_VALUE" in words:
        tokens = _from_last(tokens, clauses)
    if "SEARCH" in words and "CYCLE" in words:
        tokens = _searched(tokens, clauses)
    if words & {"PARTITION", "SUBPARTITION"}:
        tokens = _partitions(tokens, clauses)
    if "JSON" in words and words & {"{", "["}:
        tokens = _constructors(tokens, clauses)
    if "JSON_OBJECT" in words:
        tokens = _listed(tokens, clauses)
    if "JSON_TRANSFORM" in words:
        tokens = _transforms(tokens, clauses)
    if "CONVERSION" in words:
        tokens = _conversions(tokens, clauses)
    return subsets_taken(tokens, clauses) if "SUBSET" in words else tokens


def subsets_taken(tokens: list[Token], clauses: dict[str, str]) -> list[Token]:
    """`PATTERN (..) SUBSET u = (a, b) DEFINE ..`: names only. The statement may hold one row pattern then."""
    if sum(token.token_type == TokenType.MATCH_RECOGNIZE for token in tokens) != 1:
        return tokens
    found = [at for at in range(len(tokens)) if _word(tokens, at) == "SUBSET"]
    if len(found) != 1 or tokens[found[0] - 1].token_type != TokenType.R_PAREN:
        return tokens
    start = found[0]
    end = next((at for at in range(start, len(tokens)) if _word(tokens, at) == "DEFINE"), None)
    if end is None:
        return tokens
    taken: list[str] = []
    for token in tokens[start + 1 : end]:
        if token.token_type not in (
            TokenType.VAR, TokenType.EQ, TokenType.COMMA, TokenType.L_PAREN, TokenType.R_PAREN,
        ):  # fmt: skip
            return tokens
        taken.append(token.text)
    if taken.count("(") != taken.count(")") or not _are_subsets(taken):
        return tokens
    _mark(clauses, f"{_SUBSET}{' '.join(taken)}")
    return [*tokens[:start], *tokens[end:]]


def clauses_put_back(tree: exp.Expr, clauses: dict[str, str]) -> None:
    """Write each clause where it was."""
    subset = next((text for text in clauses.values() if text.startswith(_SUBSET)), None)
    if subset is not None:
        for match in tree.find_all(exp.MatchRecognize):
            pattern = match.args.get("pattern")
            if isinstance(pattern, exp.Expr):  # the generator writes PATTERN (..) around both
                text = exp.Var(this=f") SUBSET {subset[len(_SUBSET) : -1]}")
                match.set("pattern", exp.Introducer(this=pattern, expression=text))
    for node in list(tree.find_all(exp.NthValue)):
        offset = node.args.get("offset")
        if isinstance(offset, exp.Collate) and clauses.get(offset.expression.name) == "FROM LAST":
            offset.replace(offset.this)
            whole = exp.Introducer(this=node.copy(), expression=exp.Var(this="FROM LAST"))
            node.replace(whole)
    for partition in list(tree.find_all(exp.Partition)):
        listed = partition.expressions
        words = clauses.get(listed[0].name) if len(listed) == 1 else None
        if words is not None:
            partition.replace(exp.Var(this=words))
    for call in list(tree.find_all(exp.Anonymous)):
        if isinstance(call.this, str) and clauses.get(call.this) == _LISTED:
            call.set("this", "JSON_OBJECT")
        elif isinstance(call.this, str) and clauses.get(call.this) in (BEFORE, BEHIND):
            made = exp.Introducer(
                this=exp.Var(this=clauses[call.this]), expression=exp.Tuple(expressions=call.expressions)
            )
            call.replace(made)


def put_search_back(cycle: exp.RecursiveWithSearch, clauses: dict[str, str]) -> None:
    """The SEARCH that stood before this CYCLE; its column is under `also`, for the resolver, its words under
    `before`, for who renders."""
    held = next((text for text in clauses.values() if text.startswith("SEARCH ")), None)
    if held is None:
        return
    head, _, name = held.partition("\n")
    made = exp.Identifier(this=name.strip('"'), quoted=name.startswith('"'))
    cycle.set("also", made)
    cycle.set("before", exp.Var(this=f"{head} SET {name} "))


def partitioned(node: exp.Join) -> exp.Join:
    """A join whose condition begins with the mark of `clauses_put_back`, as Oracle writes it; others as they are."""
    condition = node.args.get("on")
    first = condition
    while isinstance(first, (exp.And, exp.Or)):
        first = first.this
    if not (isinstance(first, exp.Introducer) and isinstance(first.this, exp.Var)):
        return node
    if first.this.name not in (BEFORE, BEHIND) or first.parent is None or condition is None:
        return node
    rest = first.parent.args["expression"]
    first.parent.replace(rest)
    target: exp.Expr = node
    if first.this.name == BEHIND:
        select = node.parent
        joins = select.args.get("joins") or [] if select is not None else []
        index = next((at for at, each in enumerate(joins) if each is node), 0)
        if index:
            target = joins[index - 1]
        elif select is not None:
            target = select.args["from_"] if isinstance(select, exp.Select) else node
    words = exp.Introducer(this=exp.Var(this="PARTITION BY"), expression=first.expression)
    target.set("this", exp.Introducer(this=target.this, expression=words))
    return node


_SUBSET, _LISTED = "\nSUBSET ", "\nJSON_OBJECT"


def _are_subsets(words: list[str]) -> bool:
    """`u = ( a , b ) , v = ( c )` and nothing else."""
    text = " ".join(words) + " ,"
    for part in text.split(") ,")[:-1]:
        name, equals, inner = part.strip().partition(" = ( ")
        if not equals or not name.isidentifier():
            return False
        if not all(each.strip().isidentifier() for each in inner.split(",")):
            return False
    return text.endswith(") ,")


def _joins(tokens: list[Token], clauses: dict[str, str]) -> list[Token]:
    """`t PARTITION BY (t.a) RIGHT JOIN u ON c` as `t RIGHT JOIN u ON mark(t.a) AND c`; the same behind the second."""
    at = 1
    while at < len(tokens):
        if tokens[at].token_type != TokenType.PARTITION_BY:
            at += 1
            continue
        end = _close(tokens, at + 1)
        before = tokens[at - 1].token_type
        if end is None or not (before in _NAMES or before == TokenType.R_PAREN):
            at += 1
            continue
        after = _word(tokens, end + 1)
        join = after in ("LEFT", "RIGHT", "FULL", "OUTER", "JOIN", "INNER")
        if after != "ON" and not join:
            at += 1
            continue
        inside = tokens[at + 2 : end]
        names = all(token.token_type in (*_NAMES, TokenType.DOT, TokenType.COMMA) for token in inside)
        on = end + 1 if after == "ON" else _next_on(tokens, end + 1)
        if not names or not inside or on is None:
            at += 1
            continue
        mark = _mark(clauses, BEHIND if join else BEFORE)
        first = tokens[on]
        called = [
            _like(first, TokenType.VAR, mark), _like(first, TokenType.L_PAREN, "("), *inside,
            _like(first, TokenType.R_PAREN, ")"), _like(first, TokenType.AND, "AND"),
        ]  # fmt: skip
        tokens = [*tokens[:at], *tokens[end + 1 : on + 1], *called, *tokens[on + 1 :]]
    return tokens


def _next_on(tokens: list[Token], start: int) -> int | None:
    depth = 0
    for at in range(start, len(tokens)):
        kind = tokens[at].token_type
        depth += (kind in _OPENING) - (kind in _ENDING)
        if depth < 0:
            return None
        if depth == 0 and kind == TokenType.ON:
            return at
    return None


def _from_last(tokens: list[Token], clauses: dict[str, str]) -> list[Token]:
    """`NTH_VALUE(a, 2) FROM LAST OVER ..`: the words ride on the second argument."""
    for at in range(len(tokens) - 2, 2, -1):
        if (
            _word(tokens, at) == "FROM"
            and _word(tokens, at + 1) == "LAST"
            and tokens[at - 1].token_type == TokenType.R_PAREN
            and _word(tokens, at + 2) in ("OVER", "IGNORE", "RESPECT")
        ):
            opening = _open(tokens, at - 1)
            if opening and _word(tokens, opening - 1) == "NTH_VALUE":
                riding = _riding(tokens[at], _mark(clauses, "FROM LAST"))
                tokens = [*tokens[: at - 1], *riding, tokens[at - 1], *tokens[at + 2 :]]
    return tokens


def _searched(tokens: list[Token], clauses: dict[str, str]) -> list[Token]:
    """`SEARCH DEPTH FIRST BY a DESC SET o CYCLE ..`: the parser reads one of the two."""
    starts = [at for at in range(1, len(tokens)) if _word(tokens, at) == "SEARCH"]
    if len(starts) != 1 or tokens[starts[0] - 1].token_type != TokenType.R_PAREN:
        return tokens
    start = at = starts[0]
    taken: list[str] = []
    while at < len(tokens) and _word(tokens, at) != "CYCLE":
        token = tokens[at]
        if token.token_type in _TEXTS and token.token_type != TokenType.IDENTIFIER:
            return tokens
        if (
            token.token_type != TokenType.COMMA
            and not token.text.replace("_", "a").replace(" ", "").isalnum()
        ):
            return tokens
        taken.append(_name(token) if token.token_type == TokenType.IDENTIFIER else token.text)
        at += 1
    upper = [word.upper() for word in taken]
    if upper[:1] != ["SEARCH"] or upper[1:2] not in (["DEPTH"], ["BREADTH"]) or upper[-2:-1] != ["SET"]:
        return tokens
    _mark(clauses, f"{' '.join(taken[:-2])}\n{taken[-1]}")
    return [*tokens[:start], *tokens[at:]]


def _partitions(tokens: list[Token], clauses: dict[str, str]) -> list[Token]:
    """`t PARTITION FOR (DATE '2024-01-01')`, `t SUBPARTITION (p)`: a partition by literals or by its name."""
    at = 1
    while at < len(tokens):
        word = _word(tokens, at)
        by_value = _word(tokens, at + 1) == "FOR"
        opening = at + 1 + by_value
        if (
            word not in ("PARTITION", "SUBPARTITION")
            or (word == "PARTITION" and not by_value)
            or _word(tokens, opening) != "("
            or tokens[at - 1].token_type not in _NAMES
        ):
            at += 1
            continue
        end = _close(tokens, opening)
        inside = [] if end is None else tokens[opening + 1 : end]
        allowed = (*_LITERALS, TokenType.COMMA, TokenType.DASH) if by_value else (*_NAMES, TokenType.COMMA)
        plain = all(
            token.token_type in allowed or (by_value and token.text.upper() in ("DATE", "TIMESTAMP"))
            for token in inside
        )
        if not inside or not plain or end is None:
            at += 1
            continue
        text = f"{word} FOR" if by_value else word
        mark = _mark(clauses, f"{text} ({' '.join(_written(token) for token in inside)})")
        first = tokens[at]
        tokens = [
            *tokens[:at], _like(first, TokenType.PARTITION, "PARTITION"), tokens[opening],
            _like(first, TokenType.VAR, mark), *tokens[end:],
        ]  # fmt: skip
        at += 4
    return tokens


def _constructors(tokens: list[Token], clauses: dict[str, str]) -> list[Token]:
    """`JSON {'a' : 1}` is JSON_OBJECT(.. RETURNING JSON), `JSON [1]` JSON_ARRAY(.. NULL ON NULL RETURNING JSON)."""
    found: list[Token] = []
    closing: dict[int, tuple[int, str]] = {}
    for at, token in enumerate(tokens):
        kind = token.token_type
        if kind in (TokenType.L_BRACE, TokenType.L_BRACKET):
            end = _close(tokens, at)
            outer = _word(tokens, at - 1) == "JSON" and _word(tokens, at - 2) != "."
            inner = any(start < at < stop for stop, (start, _) in closing.items()) and (
                tokens[at - 1].token_type
                in (TokenType.COLON, TokenType.COMMA, TokenType.L_BRACE, TokenType.L_BRACKET)
            )
            if end is not None and (outer or inner):
                if outer:
                    found.pop()
                brace = kind == TokenType.L_BRACE
                found.append(_like(token, TokenType.VAR, "JSON_OBJECT" if brace else "JSON_ARRAY"))
                found.append(_like(token, TokenType.L_PAREN, "("))
                closing[end] = (at, "RETURNING JSON" if brace else "NULL ON NULL RETURNING JSON")
                continue
        if at in closing:
            start, words = closing[at]
            if at > start + 1:
                found += _riding(token, _mark(clauses, words))
            found.append(_like(token, TokenType.R_PAREN, ")"))
            continue
        found.append(token)
    return found


def _listed(tokens: list[Token], clauses: dict[str, str]) -> list[Token]:
    """`JSON_OBJECT(a, t.b)`: keys are the columns' names. The parser wants pairs, so it is read under another name."""
    found = list(tokens)
    allowed = (*_NAMES, TokenType.DOT, TokenType.COMMA)
    for at in range(len(tokens) - 2):
        if _word(tokens, at) == "JSON_OBJECT" and tokens[at + 1].token_type == TokenType.L_PAREN:
            end = _close(tokens, at + 1)
            inside = [] if end is None else tokens[at + 2 : end]
            if inside and all(token.token_type in allowed for token in inside):
                found[at] = _like(tokens[at], TokenType.VAR, _mark(clauses, _LISTED))
    return found


def _transforms(tokens: list[Token], clauses: dict[str, str]) -> list[Token]:
    """`JSON_TRANSFORM(a, SET '$.b' = e IGNORE ON MISSING, ..)`: each operation as a call around it."""
    for at in range(len(tokens) - 2, -1, -1):
        if _word(tokens, at) != "JSON_TRANSFORM" or _word(tokens, at + 1) != "(":
            continue
        end = _close(tokens, at + 1)
        if end is None:
            continue
        made: list[Token] = []
        depth, open_call = 0, False
        place = at + 2
        while place < end:
            token = tokens[place]
            word = _word(tokens, place)
            starts = depth == 0 and tokens[place - 1].token_type == TokenType.COMMA
            if starts and word in _OPERATIONS:
                made += [
                    _like(token, TokenType.VAR, _mark(clauses, word)), _like(token, TokenType.L_PAREN, "("),
                ]  # fmt: skip
                open_call = True
                place += 1
                continue
            handler = word in _HANDLED and _word(tokens, place + 1) == "ON"
            if depth == 0 and open_call and (handler or word in (",", "RETURNING")):
                made.append(_like(token, TokenType.R_PAREN, ")"))
                open_call = False
            if depth == 0 and handler and _word(tokens, place + 2) in _OCCASIONS:
                text = f"{word} ON {_word(tokens, place + 2)}"
                made += _riding(token, _mark(clauses, text))
                place += 3
                continue
            if depth == 0 and word == "RETURNING" and _is_type(tokens[place + 1 : end]):
                returned = " ".join(each.text for each in tokens[place:end])
                made += _riding(token, _mark(clauses, returned))
                break
            depth += (token.token_type in _OPENING) - (token.token_type in _ENDING)
            made.append(token)
            place += 1
        if open_call:
            made.append(_like(tokens[end], TokenType.R_PAREN, ")"))
        tokens = [*tokens[: at + 2], *made, *tokens[end:]]
    return tokens


def _is_type(tokens: list[Token]) -> bool:
    words = [token.text.upper() for token in tokens]
    return words[:1] in (["CLOB"], ["BLOB"], ["JSON"], ["VARCHAR2"]) and all(
        word in ("(", ")", "CHAR", "BYTE", "PRETTY", "ASCII") or word.isdigit() for word in words[1:]
    )


def _conversions(tokens: list[Token], clauses: dict[str, str]) -> list[Token]:
    """`TO_DATE(a DEFAULT '..' ON CONVERSION ERROR, 'f')`: a literal, behind the first argument."""
    for at in range(len(tokens) - 5, 1, -1):
        if _word(tokens, at) != "DEFAULT" or [_word(tokens, at + step) for step in (2, 3, 4)] != [
            "ON", "CONVERSION", "ERROR",
        ]:  # fmt: skip
            continue
        value = tokens[at + 1]
        opening = _enclosing(tokens, at)
        if opening is None or _word(tokens, opening - 1) not in _CONVERSIONS:
            continue
        if value.token_type not in _LITERALS and value.text.upper() != "NULL":
            continue
        riding = _riding(value, _mark(clauses, f"DEFAULT {_written(value)} ON CONVERSION ERROR"))
        tokens = [*tokens[:at], *riding, *tokens[at + 5 :]]
    return tokens


def _mark(clauses: dict[str, str], words: str) -> str:
    mark = f"docent_{secrets.token_hex(12)}"
    clauses[mark] = words
    return mark


def _riding(token: Token, mark: str) -> list[Token]:
    return [_like(token, TokenType.COLLATE, "COLLATE"), _like(token, TokenType.VAR, mark)]


def _word(tokens: list[Token], at: int) -> str:
    if not 0 <= at < len(tokens) or tokens[at].token_type in _TEXTS:
        return ""
    return tokens[at].text.upper()


def _close(tokens: list[Token], opening: int) -> int | None:
    if opening >= len(tokens) or tokens[opening].token_type not in _OPENING:
        return None
    depth = 0
    for at in range(opening, len(tokens)):
        depth += (tokens[at].token_type in _OPENING) - (tokens[at].token_type in _ENDING)
        if depth == 0:
            return at
    return None


def _open(tokens: list[Token], closing: int) -> int | None:
    depth = 0
    for at in range(closing, -1, -1):
        depth += (tokens[at].token_type in _ENDING) - (tokens[at].token_type in _OPENING)
        if depth == 0:
            return at
    return None


def _enclosing(tokens: list[Token], inside: int) -> int | None:
    depth = 0
    for at in range(inside - 1, -1, -1):
        depth += (tokens[at].token_type in _ENDING) - (tokens[at].token_type in _OPENING)
        if depth < 0:
            return at
    return None


def _name(token: Token) -> str:
    return exp.Identifier(this=token.text, quoted=True).sql(dialect="oracle")


def _written(token: Token) -> str:
    if token.token_type == TokenType.STRING:
        return exp.Literal.string(token.text).sql(dialect="oracle")
    return _name(token) if token.token_type == TokenType.IDENTIFIER else token.text


def _like(token: Token, kind: TokenType, text: str) -> Token:
    return Token(kind, text, token.line, token.col, token.start, token.end, [])
