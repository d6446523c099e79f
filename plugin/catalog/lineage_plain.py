"""Lineage of plain queries without the parser, which takes a third of a first sync's time and of its memory.

Enters: a view's SQL as PostgreSQL spells it out. Leaves: the tables it reads and where each of its columns comes from,
just as the parser and its walk (`lineage`) would tell; or None, and then those are asked. Plain is what stands here and
nothing else: SELECTs of columns, literals, arithmetic, casts, CASE and well-known functions, over tables and joins with
ON, in UNIONs. Whatever one of the two might read otherwise (a word that the parser knows, a subquery, a table whose
columns are unknown, a name in two places) is not plain; tests/catalog/test_lineage_plain.py holds the two against each
other. One file because the grammar and what is made of it are one walk.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

Name = tuple[str, ...]
Origins = frozenset[tuple[Name, str]]
Reference = tuple[str, str]
"""(an alias in lower case or "", a column)"""

LONGEST = 50_000
DEEPEST = 25
"""Brackets and CASEs in each other, of which the parser's own limits are not near."""
_TOKEN = re.compile(
    r"\s*(?:(?P<word>[A-Za-z_]\w*)|\"(?P<quoted>[^\"\x00-\x1f]+)\"|(?P<number>\d+(?:\.\d+)?)(?![\w.])"
    r"|(?P<text>'(?:[^'\\\x00-\x1f]|'')*')|(?P<sign>::|<>|<=|>=|\|\||~~|[-+*/%=<>(),.;\[\]]))",
    re.ASCII,
)
_TABLE = re.compile(r"[\w $-]+")
"""What a quoted part of a table's name is: some dialects take a path or a whole name with dots between quotes."""
NOT_NAMES = frozenset(
    "ALL ALTER AND ANTI ANY ARRAY AS ASC ASOF BETWEEN BY CASE CAST COLLATE CONNECT_BY_ROOT CREATE CROSS"
    " CUBE CURRENT_CATALOG CURRENT_DATE CURRENT_ROLE CURRENT_SCHEMA CURRENT_TIME CURRENT_TIMESTAMP"
    " CURRENT_USER DESC DESCRIBE DISTINCT DROP ELSE END EXCEPT EXISTS FALSE FETCH FILTER FOR FROM FULL"
    " GLOB GRANT GROUP GROUPING HAVING IF ILIKE IN INNER INSERT INTERSECT INTERVAL INTO IS ISNULL JOIN"
    " LATERAL LEFT LIKE LIMIT LOCALTIME LOCALTIMESTAMP LOCK NATURAL NOT NOTNULL NULL OFFSET ON ONLY OR"
    " ORDER OUT OUTER OVER PARTITIONED_BY PIVOT QUALIFY REGEXP RETURNING REVOKE RIGHT RLIKE ROLLBACK"
    " ROLLUP ROW SELECT SEMI SESSION_USER SIMILAR SOME STRAIGHT_JOIN TABLE TABLESAMPLE THEN TRUE UNCACHE"
    " UNION UNPIVOT UNNEST USER USING VALUES VARIADIC WHEN WHERE WINDOW WITH WITHIN XOR".split()
)
"""Words that are something else than a name at some place, to the parser or here, where no quotes say that they are."""
CALLS = {
    "ABS": (1, 1), "AVG": (1, 1), "COALESCE": (1, 99), "COUNT": (1, 1), "DATE_TRUNC": (2, 2), "DENSE_RANK": (0, 0),
    "GREATEST": (1, 99), "LEAST": (1, 99), "LENGTH": (1, 1), "LOWER": (1, 1), "MAX": (1, 1), "MIN": (1, 1),
    "NULLIF": (2, 2), "RANK": (0, 0), "ROUND": (1, 2), "ROW_NUMBER": (0, 0), "SUM": (1, 1), "UPPER": (1, 1),
}  # fmt: skip
"""Functions, and how few and how many arguments they take."""
TYPES = frozenset(
    "BIGINT BOOLEAN DATE INTEGER NUMERIC REAL SMALLINT TEXT VARCHAR".split()
)  # fmt: skip
_BETWEEN = frozenset(("=", "<>", "<", ">", "<=", ">=", "+", "-", "*", "/", "%", "||", "AND", "OR", "~~"))
_COMPARING = frozenset(("=", "<>", "<", ">", "<=", ">="))
_AFTER_COLUMN = frozenset((",", "FROM"))
_SIDES = frozenset(("LEFT", "RIGHT", "FULL"))


# Written out: what `dataclass` takes to make these is a tenth of what they save.


class PlainLineage:
    """As `lineage.SqlLineage`, of a query that was understood in full."""

    __slots__ = ("columns", "tables")
    partial = False
    placed = True

    def __init__(self, tables: tuple[Name, ...], columns: tuple[tuple[str, Origins], ...]) -> None:
        self.tables = tables
        self.columns = columns


class _Select:
    """One SELECT: what its names stand for, and what each column it gives is made of."""

    __slots__ = ("aliases", "outputs")

    def __init__(self) -> None:
        self.aliases: dict[str, Name] = {}
        self.outputs: list[tuple[str, list[Reference]]] = []


class Plain:
    """A plain query, read."""

    __slots__ = ("selects",)

    def __init__(self, selects: Sequence[_Select]) -> None:
        self.selects = selects

    @property
    def tables(self) -> tuple[Name, ...]:
        """Every table it reads, once, in order."""
        return tuple(dict.fromkeys(name for each in self.selects for name in each.aliases.values()))

    def lineage(self, lookup: Callable[[Name], Sequence[str] | None]) -> PlainLineage | None:
        """Where its columns come from; None where a table's columns are unknown or a name is not clear."""
        known: dict[Name, dict[str, str]] = {}
        for name in self.tables:
            names = lookup(name)
            if not names:
                return None
            known[name] = {each.lower(): each for each in reversed(names)}
            if len(known[name]) < len(names):
                return None  # "Id" and id: which of them is meant, the walk knows
        branches = [self._columns(each, known) for each in self.selects]
        first = branches[0]
        if first is None:
            return None
        for branch in branches[1:]:
            if branch is None or len(branch) != len(first):
                return None
            first = [
                (name, origins | more) for (name, origins), (_name, more) in zip(first, branch, strict=True)
            ]
        return PlainLineage(self.tables, tuple(first))

    @staticmethod
    def _columns(select: _Select, known: dict[Name, dict[str, str]]) -> list[tuple[str, Origins]] | None:
        found = []
        for name, references in select.outputs:
            origins = set()
            for alias, column in references:
                folded = column.lower()
                if alias:
                    having = [select.aliases[alias]] if folded in known[select.aliases[alias]] else []
                else:
                    having = [table for table in select.aliases.values() if folded in known[table]]
                if len(having) != 1:
                    return None
                origins.add((having[0], known[having[0]][folded]))
            found.append((name, frozenset(origins)))
        return found


def read_plain(sql: str, dialect: str | None) -> Plain | None:
    """A query that is plain; None for any other."""
    if dialect != "postgres" or len(sql) > LONGEST or "--" in sql or "/*" in sql or "depends_on" in sql:
        return None
    try:
        return _Reading(_tokens(sql)).query()
    except _NotPlain:
        return None


class _NotPlain(Exception):
    """Something stands there that is not known here."""


def _tokens(sql: str) -> list[tuple[str, str, str]]:
    """(what it is to the grammar, its kind, its text) of each token: a word in upper case, a sign as it is, of the rest
    the kind, which is in lower case. As many ends follow as are looked at together.
    """
    found: list[tuple[str, str, str]] = []
    at, end = 0, len(sql.rstrip())
    match = _TOKEN.match
    while at < end:
        token = match(sql, at)
        if token is None:
            raise _NotPlain
        at = token.end()
        kind = token.lastgroup or ""
        text = token[kind]
        found.append((text.upper() if kind == "word" else text if kind == "sign" else kind, kind, text))
    return found + [("", "end", "")] * 4


class _Reading:
    """One reading of one text, from its first token to its last."""

    def __init__(self, tokens: list[tuple[str, str, str]]) -> None:
        self.tokens = tokens
        self.at = 0
        self.depth = 0
        self.select = _Select()

    def query(self) -> Plain:
        selects = [self.one()]
        while self.took("UNION"):
            self.took("ALL")
            selects.append(self.one())
        self.order()
        self.took(";")
        if self.tokens[self.at][1] != "end":
            raise _NotPlain
        return Plain(selects)

    # --- tokens ------------------------------------------------------------------------------------------------

    def took(self, *signs: str) -> bool:
        """Take these words or signs where they stand next."""
        at = self.at
        for sign in signs:
            if self.tokens[at][0] != sign:
                return False
            at += 1
        self.at = at
        return True

    def need(self, *signs: str) -> None:
        if not self.took(*signs):
            raise _NotPlain

    def is_name(self) -> bool:
        what, kind, _text = self.tokens[self.at]
        return kind == "quoted" or (kind == "word" and what not in NOT_NAMES)

    def name(self) -> str:
        if not self.is_name():
            raise _NotPlain
        self.at += 1
        return self.tokens[self.at - 1][2]

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise _NotPlain

    # --- a SELECT ----------------------------------------------------------------------------------------------

    def one(self) -> _Select:
        self.need("SELECT")
        self.select = select = _Select()
        self.took("DISTINCT")
        while True:
            select.outputs.append(self.output())
            if not self.took(","):
                break
        self.need("FROM")
        while True:
            self.from_item()
            if not self.took(","):
                break
        conditions: list[Reference] = []
        if self.took("WHERE"):
            self.expression(conditions)
        if self.took("GROUP", "BY"):
            self.listed(conditions)
        if self.took("HAVING"):
            self.expression(conditions)
        schemas = {table[0].lower() for table in select.aliases.values() if len(table) == 2}
        named = {alias for _name, references in select.outputs for alias, _column in references if alias}
        # `FROM t, t.items` unnests a column of t in some dialects.
        if not schemas.isdisjoint(select.aliases) or not named <= select.aliases.keys():
            raise _NotPlain
        return select

    def order(self) -> None:
        if self.took("ORDER", "BY"):
            self.sorted()
        for word in ("LIMIT", "OFFSET"):
            if self.took(word):
                if self.tokens[self.at][1] != "number":
                    raise _NotPlain
                self.at += 1

    def sorted(self) -> None:
        while True:
            self.expression([])
            if not self.took("DESC"):
                self.took("ASC")
            if not self.took("NULLS", "FIRST"):
                self.took("NULLS", "LAST")
            if not self.took(","):
                return

    def output(self) -> tuple[str, list[Reference]]:
        began = self.at
        if self.tokens[began + 1][0] == "." and self.tokens[began + 3][0] in _AFTER_COLUMN:  # most of them
            table, _point, name = self.name(), self.took("."), self.name()
            return name, [(table.lower(), name)]
        references: list[Reference] = []
        self.expression(references)
        if self.took("AS"):
            return self.name(), references
        # Only a column has a name of its own here.
        is_column = len(references) == 1 and self.at - began == (3 if references[0][0] else 1)
        if not is_column or self.tokens[began][1] not in ("word", "quoted"):
            raise _NotPlain
        return references[0][1], references

    # --- FROM --------------------------------------------------------------------------------------------------

    def from_item(self) -> None:
        self.table_or_joins()
        while True:
            if self.took("CROSS", "JOIN"):
                self.table_or_joins()
                continue
            side = next((each for each in _SIDES if self.took(each)), None)
            if not self.took("JOIN"):
                if side:
                    raise _NotPlain
                return
            self.table_or_joins()
            self.need("ON")
            self.expression([])

    def table_or_joins(self) -> None:
        if self.took("("):
            self.deeper()
            before = len(self.select.aliases)
            self.from_item()
            self.need(")")
            self.depth -= 1
            if len(self.select.aliases) == before + 1:
                raise _NotPlain
            return
        parts = [self.table_part()]
        if self.took("."):
            parts.append(self.table_part())
        alias = self.name() if self.is_name() else parts[-1]
        if alias.lower() in self.select.aliases:
            raise _NotPlain
        self.select.aliases[alias.lower()] = tuple(parts)

    def table_part(self) -> str:
        part = self.name()
        if not _TABLE.fullmatch(part):
            raise _NotPlain
        return part

    # --- expressions -------------------------------------------------------------------------------------------

    def listed(self, references: list[Reference]) -> int:
        """Expressions between commas; how many there are."""
        count = 1
        self.expression(references)
        while self.took(","):
            self.expression(references)
            count += 1
        return count

    def expression(self, references: list[Reference]) -> None:
        """Operands with operators between them; what each is made of goes to `references`."""
        while True:
            while self.took("NOT"):
                pass
            self.operand(references)
            while True:
                if self.took("::"):
                    self.type()
                elif self.took("IS"):
                    self.took("NOT")
                    self.need("NULL")
                else:
                    break
            what = self.tokens[self.at][0]
            if what not in _BETWEEN:
                return
            self.at += 1
            if what in _COMPARING and self.took("ANY", "(", "ARRAY", "["):
                self.listed(references)
                self.need("]", ")")
                what = self.tokens[self.at][0]
                if what not in ("AND", "OR"):
                    return
                self.at += 1

    def operand(self, references: list[Reference]) -> None:
        what, kind, text = self.tokens[self.at]
        if kind in ("word", "quoted"):
            if kind == "word" and self.tokens[self.at + 1][0] == "(" and what in CALLS:
                return self.call(what, references)
            if what == "CASE" and kind == "word":
                return self.case(references)
            if kind == "word" and what in ("NULL", "TRUE", "FALSE"):
                self.at += 1
                return None
            first = self.name()
            if self.took("."):
                references.append((first.lower(), self.name()))
            else:
                references.append(("", first))
            if self.tokens[self.at][0] in (".", "("):
                raise _NotPlain
            return None
        if kind in ("number", "text"):
            self.at += 1
            return None
        self.need("(")
        self.deeper()
        self.expression(references)
        self.need(")")
        self.depth -= 1
        return None

    def type(self) -> None:
        what, kind, _text = self.tokens[self.at]
        if kind != "word":
            raise _NotPlain
        self.at += 1
        if what == "CHARACTER":
            self.need("VARYING")
        elif what == "DOUBLE":
            self.need("PRECISION")
        elif what == "TIMESTAMP":
            if not self.took("WITH", "TIME", "ZONE"):
                self.need("WITHOUT", "TIME", "ZONE")
        elif what not in TYPES:
            raise _NotPlain
        if self.took("("):
            self.size()
            if self.took(","):
                self.size()
            self.need(")")

    def size(self) -> None:
        if self.tokens[self.at][1] != "number":
            raise _NotPlain
        self.at += 1

    def case(self, references: list[Reference]) -> None:
        self.deeper()
        self.need("CASE")
        if not self.took("WHEN"):
            self.expression(references)
            self.need("WHEN")
        while True:
            self.expression(references)
            self.need("THEN")
            self.expression(references)
            if not self.took("WHEN"):
                break
        if self.took("ELSE"):
            self.expression(references)
        self.need("END")
        self.depth -= 1

    def call(self, what: str, references: list[Reference]) -> None:
        self.deeper()
        self.at += 2
        if what == "COUNT" and self.took("*"):
            self.need(")")
        else:
            fewest, most = CALLS[what]
            # What a time is cut to is a word to the parser, whatever it looks like.
            if what == "DATE_TRUNC" and self.tokens[self.at][1] != "text":
                raise _NotPlain
            if fewest == 1 == most:
                self.took("DISTINCT")
            if fewest and not fewest <= self.listed(references) <= most:
                raise _NotPlain
            self.need(")")
        if self.took("OVER"):
            self.need("(")
            if self.took("PARTITION", "BY"):
                self.listed(references)
            if self.took("ORDER", "BY"):
                while True:
                    self.expression(references)
                    self.took("DESC")
                    if not self.took(","):
                        break
            self.need(")")
        self.depth -= 1
