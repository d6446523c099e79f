"""Pipe queries (`FROM t |> WHERE .. |> SELECT ..`), put into steps that the parser reads as the engine does.

The parser gathers steps into one SELECT and closes it only at some of them, so that `|> LIMIT 5 |> WHERE a` would run
with the WHERE before the LIMIT, and it drops what it does not expect behind a step. Here a `|> SELECT *` is put where
one SELECT cannot hold both, and what could not be kept is refused. Nothing else decides here: what comes out is parsed,
resolved and rendered like any other text.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot.tokenizer_core import Token, TokenType

from plugin.run_sql.verdict import Refusal

_OPENING = frozenset({TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE})
_ENDING = frozenset({TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE})
_NAMES = (TokenType.VAR, TokenType.IDENTIFIER)
_CLOSED = frozenset("SELECT EXTEND SET DROP RENAME AGGREGATE AS PIVOT UNPIVOT UNION INTERSECT EXCEPT".split())
"""Steps behind which the parser begins a new SELECT."""
_JOINS = frozenset("JOIN INNER LEFT RIGHT FULL CROSS NATURAL".split())
_ROWS = frozenset({"DISTINCT", "LIMIT"})
_ANY = frozenset({"DISTINCT", "LIMIT", "ORDER BY", "WHERE", "JOIN", "FROM"})
_BY_ROW = frozenset({"SELECT", "EXTEND", "SET", "DROP", "RENAME"})
_NOT_BEHIND: dict[str, frozenset[str]] = {
    "WHERE": frozenset({"LIMIT"}),
    "ORDER BY": frozenset({"LIMIT"}),
    "LIMIT": frozenset({"LIMIT"}),
    "DISTINCT": frozenset({"LIMIT"}),
    "AGGREGATE": frozenset({"DISTINCT", "LIMIT", "ORDER BY"}),
    **dict.fromkeys(("PIVOT", "UNPIVOT", "RENAME"), _ANY),
    **dict.fromkeys(("SELECT", "EXTEND", "SET", "DROP"), frozenset({"DISTINCT"})),
    **dict.fromkeys(_JOINS, _ROWS),
}
"""What the SELECT at hand must not hold yet for a step to go into it."""
_NOT_IN_SELECT = frozenset(
    "FROM WHERE GROUP HAVING QUALIFY ORDER LIMIT OFFSET WINDOW INTO UNION INTERSECT".split()
)
MAX_CALLED = 20
"""How often one chain may give its rows a name by |> AS: each is a level of brackets, put there behind their check."""
_PLAIN = {"bigquery": frozenset({"SET", "DROP", "RENAME"}), "databricks": frozenset({"DROP"})}
"""Steps that are written with a star; Databricks has no `* REPLACE (..)` to write SET with."""


def stepped(tokens: list[Token], name: str) -> list[Token]:
    """The tokens with every pipe query, also within brackets, in steps of the parser. Raises Refusal."""
    found: list[list[Token]] = [[]]
    for token in tokens:
        if token.token_type in _ENDING and len(found) > 1:
            inner = _chain(found.pop(), name)
            found[-1] += inner
        found[-1].append(token)
        if token.token_type in _OPENING:
            found.append([])
    while len(found) > 1:  # a bracket that is not closed: the parser says so
        inner = found.pop()
        found[-1] += inner
    return _chain(found[0], name)


def _chain(tokens: list[Token], name: str) -> list[Token]:
    """One level of brackets: each statement's steps, where it has any."""
    found: list[Token] = []
    end = -1
    for part in _parts(tokens, TokenType.SEMICOLON):
        if end >= 0:
            found.append(tokens[end])
        end += len(part) + 1
        base, *steps = _parts(part, TokenType.PIPE_GT)
        found += _query(base, steps, name) if steps else part
    return found


def _query(base: list[Token], steps: list[list[Token]], name: str) -> list[Token]:
    found = _wrapped(base)
    held = {"FROM"}
    order: list[Token] = []
    called = 0
    plain = _is_table(base)
    for step in _limits_first(steps):
        word = _word(step, 0)
        if word in ("AS", "TABLESAMPLE") and plain:
            found += step  # of the table itself
            plain = False
            continue
        plain = False
        if not step:
            raise Refusal("parse", "a step is missing behind |>")
        if word == "TABLESAMPLE":
            raise Refusal("parse", "TABLESAMPLE may stand only straight behind its table here")
        if word == "AS":
            called += 1
            if called > MAX_CALLED:
                raise Refusal("text", f"|> AS stands more than {MAX_CALLED} times in one query")
            found, held = _called(found, step), {"FROM"}
            continue
        pipe = _like(step[0], TokenType.PIPE_GT, "|>")
        if held & _NOT_BEHIND.get(word, frozenset()) or _differs(step, held, order):
            found += [pipe, *_starred(pipe)]
            held = set()
        written = _written(pipe, word, step, name)
        found += written
        if word in _CLOSED:
            held = {"DISTINCT"} if word == "SELECT" and _word(step, 1) == "DISTINCT" else set()
            if word == "AGGREGATE" and any(each.token_type == TokenType.PIPE_GT for each in written):
                held, order = {"ORDER BY"}, [each for each in written if each.token_type == TokenType.NUMBER]
        else:
            held.add("JOIN" if word in _JOINS else word)
            order = step if word == "ORDER BY" else order
    return found


def _limits_first(steps: list[list[Token]]) -> list[list[Token]]:
    """`|> ORDER BY a |> SELECT b |> LIMIT 5` with the LIMIT before the SELECT: the same rows, and the order and its
    LIMIT stay together."""
    found: list[list[Token]] = []
    for step in steps:
        at = len(found)
        if _word(step, 0) == "LIMIT":
            while at and _word(found[at - 1], 0) in _BY_ROW and not _looks_at_others(found[at - 1]):
                at -= 1
            if not at or _word(found[at - 1], 0) != "ORDER BY":
                at = len(found)
        found.insert(at, step)
    return found


def _looks_at_others(step: list[Token]) -> bool:
    """Does the step need more than the row at hand?"""
    return any(_word(step, at) in ("OVER", "DISTINCT") for at in range(len(step)))


def _differs(step: list[Token], held: set[str], order: list[Token]) -> bool:
    """Would the step see other rows, or an order already there other values, than behind the steps before it?"""
    if "WHERE" in held and {_word(step, 0), _word(step, 1)} & {"RIGHT", "FULL"}:
        return True
    if _word(step, 0) not in _BY_ROW:
        return False
    if "LIMIT" in held and _looks_at_others(step):
        return True
    if "ORDER BY" not in held:
        return False
    sorted_by = {each.text.upper() for each in order}
    made = {part[-1].text.upper() for part in _parts(step, TokenType.COMMA) if not _is_path(part[1:])}
    made |= {
        part[0].text.upper() for part in _parts(step[1:], TokenType.COMMA) if _word(step, 0) == "SET" and part
    }
    return bool(sorted_by & made) or any(each.token_type == TokenType.NUMBER for each in order)


def _is_path(tokens: list[Token]) -> bool:
    return all(each.token_type in (*_NAMES, TokenType.DOT) for each in tokens)


def _is_table(base: list[Token]) -> bool:
    """Is it `FROM a.b`, no more?"""
    at = _first(base, frozenset({"FROM"}))
    path = base[at + 1 :] if at is not None and _first(base, frozenset({"SELECT"})) is None else []
    return len(path) % 2 == 1 and all(
        each.token_type in (_NAMES if place % 2 == 0 else (TokenType.DOT,)) for place, each in enumerate(path)
    )


def _called(found: list[Token], step: list[Token]) -> list[Token]:
    """`FROM t |> WHERE a |> AS x` as `FROM (FROM t |> WHERE a) AS x`."""
    at = _first(found, frozenset({"FROM"})) if _word(found, 0) == "WITH" else 0
    if at is None:
        raise Refusal("parse", "|> AS is not read behind this query")
    first = step[0]
    opening, closing = _like(first, TokenType.L_PAREN, "("), _like(first, TokenType.R_PAREN, ")")
    return [*found[:at], _like(first, TokenType.FROM, "FROM"), opening, *found[at:], closing, *step]


def _written(pipe: Token, word: str, step: list[Token], name: str) -> list[Token]:
    """The step in the words of the parser: `|> DROP a` is `|> SELECT * EXCEPT (a)`, `|> SET a = e` is `|> SELECT *
    REPLACE (e AS a)`, RENAME its own star, `SELECT DISTINCT` two steps, and so is GROUP AND ORDER BY."""
    body = step[1:]
    if word in _PLAIN.get(name, ()):
        kind = {"DROP": TokenType.EXCEPT, "SET": TokenType.REPLACE, "RENAME": TokenType.RENAME}[word]
        body = {"DROP": _named, "SET": _assigned, "RENAME": _renamed}[word](body)
        text = {"DROP": "EXCEPT", "SET": "REPLACE", "RENAME": "RENAME"}[word]
        return [
            pipe,
            *_starred(pipe),
            _like(pipe, kind, text),
            _like(pipe, TokenType.L_PAREN, "("),
            *body,
            _like(pipe, TokenType.R_PAREN, ")"),
        ]
    if word == "SELECT":
        at = _first(body, _NOT_IN_SELECT)
        while (
            at is not None and _word(body, at) == "FROM" and _word(body, at - 1) == "DISTINCT"
        ):  # IS DISTINCT FROM
            later = _first(body[at + 1 :], _NOT_IN_SELECT)
            at = None if later is None else at + 1 + later
        if at is not None:
            raise Refusal("parse", f"|> SELECT takes no {_word(body, at)} here")
        if _word(body, 0) == "AS":
            raise Refusal("parse", "|> SELECT AS is not read")
        if _word(body, 0) == "DISTINCT":
            return [pipe, step[0], *body[1:], pipe, body[0]]
    if word == "AGGREGATE":
        return [pipe, *_sorted(pipe, step)]
    return [pipe, *step]


def _sorted(pipe: Token, step: list[Token]) -> list[Token]:
    """`AGGREGATE a DESC GROUP AND ORDER BY b`: the order as a step of its own, by the number of the column, as the
    parser would keep one of the two and put it where no order counts. Groups come first in the row and in the order."""
    at = next((at for at in _outside(step) if _starts_groups(step, at)), len(step))
    ordered = _word(step, at + 1) == "AND"
    groups = _parts(step[at + (3 if ordered else 1) :], TokenType.COMMA) if at < len(step) else []
    aggregates = _parts(step[1:at], TokenType.COMMA) if at > 1 else []
    found: list[Token] = [step[0]]
    order: list[Token] = []
    comma = _like(pipe, TokenType.COMMA, ",")
    for place, part in enumerate([*groups, *aggregates], 1):
        mark = next((at for at in _outside(part) if _word(part, at) in ("ASC", "DESC")), None)
        if mark is not None or (ordered and place <= len(groups)):
            number = _like(pipe, TokenType.NUMBER, str(place))
            order += [*([comma] if order else []), number, *(part[mark:] if mark is not None else ())]
        if mark is not None:
            del part[mark:]
    for many in (aggregates, groups):
        if many is groups and groups:
            found.append(_like(pipe, TokenType.GROUP_BY, "GROUP BY"))
        for place, part in enumerate(many):
            found += [*([comma] if place else []), *part]
    return [*found, pipe, _like(pipe, TokenType.ORDER_BY, "ORDER BY"), *order] if order else found


def _starts_groups(step: list[Token], at: int) -> bool:
    return step[at].token_type == TokenType.GROUP_BY or (
        _word(step, at) == "GROUP" and _word(step, at + 1) == "AND" and _word(step, at + 2) == "ORDER BY"
    )


def _wrapped(base: list[Token]) -> list[Token]:
    """`SELECT .. |> ..` as `(SELECT ..) |> ..`: its steps work on its rows."""
    at = _first(base, frozenset({"SELECT"}))
    if at is None:
        return list(base)
    opening, closing = _like(base[at], TokenType.L_PAREN, "("), _like(base[at], TokenType.R_PAREN, ")")
    return [*base[:at], opening, *base[at:], closing]


def _assigned(body: list[Token]) -> list[Token]:
    """`a = e, b = f` as `e AS a, f AS b`."""
    found: list[Token] = []
    for part in _parts(body, TokenType.COMMA):
        if len(part) < 3 or part[0].token_type not in _NAMES or part[1].token_type != TokenType.EQ:
            raise Refusal("parse", "|> SET takes names of columns, each with = and a value")
        if found:
            found.append(_like(part[0], TokenType.COMMA, ","))
        found += [*part[2:], _like(part[0], TokenType.ALIAS, "AS"), part[0]]
    return found


def _renamed(body: list[Token]) -> list[Token]:
    """`a AS b, c d` with every AS."""
    found: list[Token] = []
    for part in _parts(body, TokenType.COMMA):
        names = [part[0], *part[2:]] if _word(part, 1) == "AS" else part
        if len(names) != 2 or any(each.token_type not in _NAMES for each in names):
            raise Refusal("parse", "|> RENAME takes names of columns, each with AS and its new name")
        if found:
            found.append(_like(part[0], TokenType.COMMA, ","))
        found += [names[0], _like(part[0], TokenType.ALIAS, "AS"), names[1]]
    return found


def _named(body: list[Token]) -> list[Token]:
    if any(len(part) != 1 for part in _parts(body, TokenType.COMMA)):
        raise Refusal("parse", "|> DROP takes names of columns")
    return body


def _starred(pipe: Token) -> list[Token]:
    return [_like(pipe, TokenType.SELECT, "SELECT"), _like(pipe, TokenType.STAR, "*")]


def _parts(tokens: list[Token], kind: TokenType) -> list[list[Token]]:
    """What stands between the tokens of this kind that are in no bracket."""
    found: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += (token.token_type in _OPENING) - (token.token_type in _ENDING)
        if depth == 0 and token.token_type == kind:
            found.append([])
        else:
            found[-1].append(token)
    return found


def _outside(tokens: list[Token]) -> Iterator[int]:
    """The places that are in no bracket."""
    depth = 0
    for at, token in enumerate(tokens):
        depth += (token.token_type in _OPENING) - (token.token_type in _ENDING)
        if depth == 0:
            yield at


def _first(tokens: list[Token], words: frozenset[str]) -> int | None:
    """Where the first of these words stands in no bracket."""
    for at in _outside(tokens):
        if _word(tokens, at).split(" ")[0] in words:
            if at == 0 or tokens[at - 1].token_type not in (TokenType.DOT, TokenType.ALIAS):
                return at
    return None


def _word(tokens: list[Token], at: int) -> str:
    """The word there in upper case; "" outside and where a text or a quoted name stands."""
    if not 0 <= at < len(tokens) or tokens[at].token_type in (TokenType.STRING, TokenType.IDENTIFIER):
        return ""
    return tokens[at].text.upper()


def _like(token: Token, kind: TokenType, text: str) -> Token:
    return Token(kind, text, token.line, token.col, token.start, token.end, [])
