"""What is read plainly says what the parser and its walk say, and what they might read otherwise is not plain."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot.dialects.postgres import Postgres

from plugin.catalog.lineage import lineage_of
from plugin.catalog.lineage_plain import CALLS, NOT_NAMES, TYPES, read_plain

COLUMNS: dict[tuple[str, ...], tuple[str, ...]] = {
    ("shop", "orders"): ("id", "customer_id", "amount", "date", "Note"),
    ("shop", "customers"): ("id", "name", "region", "amount"),
    ("Odd Names", "Line.Items"): ("id", "order id", "amount"),
    ("Odd Names", "Line Items"): ("id", "order id", "amount"),
    ("lonely",): ("key", "value", "type", "date"),
}


def lookup(name: tuple[str, ...]) -> Sequence[str] | None:
    return COLUMNS.get(name)


def same(sql: str) -> bool:
    """Is it plain? Then both say the same of it."""
    plain = read_plain(sql, "postgres")
    read = plain.lineage(lookup) if plain is not None else None
    if plain is None or read is None:
        return False
    parsed = lineage_of(sql, "postgres", lookup)
    assert not parsed.partial, sql
    assert parsed.target is None, sql
    assert read.tables == parsed.tables, sql
    assert read.columns == parsed.columns, sql
    return True


def quoted(name: str) -> str:
    return name if re.fullmatch(r"[a-z_][a-z0-9_]*", name) else f'"{name}"'


class Maker:
    """Queries as PostgreSQL spells them out, of a seed."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.columns: list[str] = []

    def any_of(self, *texts: str) -> str:
        return self.random.choice(texts)

    def leaf(self) -> str:
        values = ("1", "2.5", "'it''s'::text", "NULL::integer", "true")
        return self.any_of(*self.columns, *self.columns, *values)

    def expression(self, deep: int = 2) -> str:
        form = self.random.randrange(11)
        if deep == 0 or form > 8:
            return self.leaf()
        one, other = self.expression(deep - 1), self.expression(deep - 1)
        types = (
            "numeric(12,2)",
            "character varying(80)",
            "double precision",
            "text",
            "timestamp with time zone",
        )
        return (
            f"({one} {self.any_of('+', '-', '*', '/', '%', '||')} {other})",
            f"({one})::{self.any_of(*types)}",
            f"CASE WHEN {self.condition(deep - 1)} THEN {one} ELSE {other} END",
            f"CASE {one} WHEN {other} THEN 1 WHEN 2 THEN {one} END",
            f"COALESCE({one}, {other})",
            f"{self.any_of('sum', 'max', 'count', 'avg')}({self.any_of('', 'DISTINCT ')}{one})",
            f"row_number() OVER (PARTITION BY {one} ORDER BY {other} DESC)",
            f"date_trunc('day'::text, {one})",
            "count(*)",
        )[form]  # fmt: skip

    def condition(self, deep: int = 1) -> str:
        one, other = self.expression(deep), self.expression(deep)
        form = self.random.randrange(6)
        if form == 0 and deep:
            return f"(({one} = {other}) {self.any_of('AND', 'OR')} {self.condition(deep - 1)})"
        return (
            f"({one} {self.any_of('=', '<>', '<', '>=')} {other})",
            f"({one} IS {self.any_of('', 'NOT ')}NULL)",
            f"({one} = ANY (ARRAY['a'::text, {other}]))",
            f"(NOT {one})",
            f"({one} ~~ 'x%'::text)",
            f"(({one} <= {other}) AND ({other} > 3))",
        )[form]

    def select(self, width: int) -> str:
        tables = self.random.choices(sorted(COLUMNS), k=self.random.randint(1, 3))
        aliases = [f"{name[-1][0].lower()}{number}" for number, name in enumerate(tables)]
        named = list(zip(tables, aliases, strict=True))
        written = [f"{'.'.join(map(quoted, name))} {alias}" for name, alias in named]
        self.columns = [f"{alias}.{quoted(column)}" for name, alias in named for column in COLUMNS[name]]
        if len(tables) == 1 and self.random.random() < 0.5:
            self.columns = [quoted(column) for column in COLUMNS[tables[0]]]
        source = written[0]
        for more in written[1:]:
            join = self.any_of("JOIN", "LEFT JOIN", "FULL JOIN", "CROSS JOIN", ",")
            on = "" if join in (",", "CROSS JOIN") else f" ON ({self.condition()})"
            source = f"{source} {join} {more}{on}".replace(" , ", ", ")
            if "," not in source and self.random.random() < 0.5:
                source = f"({source})"
        outputs = []
        for number in range(width):
            made = self.expression()
            plainly = made in self.columns and self.random.random() < 0.5
            outputs.append(made if plainly else f"{made} AS {self.any_of('n', 'value', 'date')}_{number}")
        where = self.any_of("", f"\n  WHERE {self.condition()}")
        group = self.any_of("", f"\n  GROUP BY {self.any_of(*self.columns)}")
        having = self.any_of("", f"\n HAVING {self.condition()}") if group else ""
        distinct = self.any_of("", "DISTINCT ")
        return f" SELECT {distinct}{', '.join(outputs)}\n   FROM {source}{where}{group}{having}"

    def query(self) -> str:
        width = self.random.randint(1, 3)
        parts = [self.select(width) for _ in range(self.random.randint(1, 2))]
        both = self.any_of("\nUNION ALL\n", "\nUNION\n").join(parts)
        return both + self.any_of("", ";", "\n  ORDER BY 1;", "\n LIMIT 10;")

    def changed(self) -> str:
        """One with other tokens here and there, which no server would tell."""
        words = re.findall(r"\w+|'[^']*'|\s+|.", self.query())
        for _ in range(self.random.randint(1, 3)):
            place = self.random.randrange(len(words))
            words[place : place + self.random.randint(0, 2)] = [f" {self.any_of(*TOKENS)} "]
        return "".join(words)


@given(st.integers(0))
@settings(max_examples=100, deadline=None)
def test_both_say_the_same(seed: int) -> None:
    same(Maker(seed).query())


def test_half_of_these_are_plain() -> None:
    assert sum(same(Maker(seed).query()) for seed in range(100)) > 40


TOKENS = (
    *"SELECT FROM WHERE JOIN LEFT ON AS AND OR NOT NULL IS ANY ARRAY CASE END OVER UNION ALL DISTINCT LATERAL IN".split(),
    *"( ) , . ; :: = - + [ ] * o0 c1 id date interval if table left value ~~ ! @ { } $1 1e5 .5 1. 'x' E'x' \"id\" \"".split(),
    *"USING NATURAL EXISTS ROW VALUES WITH LIMIT FOR WINDOW FILTER WITHIN sum( extract( FROM unnest(".split(),
    *"current_date -- /* */ BETWEEN LIKE ILIKE COLLATE text timestamp numeric(1,2) ORDER BY GROUP".split(),
)  # fmt: skip


@given(st.integers(0))
@settings(max_examples=150, deadline=None)
def test_whatever_else_stands_there_both_say_the_same_or_it_is_not_plain(seed: int) -> None:
    same(Maker(seed).changed())


def test_no_word_that_the_parser_knows_is_read_otherwise() -> None:
    """Of each word, at each place where a name may stand."""
    parser, words = Postgres.Parser, set(TYPES | CALLS.keys() | NOT_NAMES)
    words |= {word for word in Postgres.Tokenizer.KEYWORDS if word.isidentifier()}
    words |= {*parser.NO_PAREN_FUNCTION_PARSERS, *parser.FUNCTION_PARSERS}
    words |= {kind.name for kind in parser.NO_PAREN_FUNCTIONS}
    plain = 0
    for word in sorted(words):
        name = word.lower()
        known = {("t",): (name, "id"), (name,): (name, "id"), ("s", name): (name, "id"), (name, "u"): ("id",)}
        for sql in (
            f"SELECT {name}, id, {name} AS x FROM t WHERE (({name} = id) AND ({name} IS NOT NULL)) GROUP BY {name}",
            f"SELECT a.{name}, sum(a.{name}) AS x, (a.id + (a.{name})::text) AS y FROM t a ORDER BY a.{name} DESC",
            f"SELECT CASE WHEN {name} THEN {name} ELSE {name} END AS x, {name}::text AS y FROM t",
            f"SELECT a.id AS {name}, a.id FROM t a",
            f"SELECT {name}.id FROM (s.{name} JOIN t b ON (({name}.id = b.id))) WHERE ({name}.id = 3)",
            f"SELECT b.id FROM ({name} JOIN t b ON (({name}.id = b.id)))",
            f"SELECT {name}.id FROM t {name} LEFT JOIN {name}.u c ON ((c.id = {name}.id))",
        ):  # fmt: skip
            read = read_plain(sql, "postgres")
            told = read.lineage(known.get) if read is not None else None
            if told is None:
                continue
            parsed = lineage_of(sql, "postgres", known.get)
            assert (told.tables, told.columns, False) == (parsed.tables, parsed.columns, parsed.partial), sql
            plain += 1
    assert plain > 300


@pytest.mark.parametrize(
    "sql",
    [
        " SELECT o.id,\n    c.name AS customer\n   FROM (shop.orders o\n     JOIN shop.customers c ON ((c.id = o.customer_id)))\n"
        "  WHERE (o.amount <> (7)::numeric);",
        " SELECT key,\n    value\n   FROM lonely;",
        ' SELECT l."order id",\n    l.amount\n   FROM "Odd Names"."Line Items" l;',
        " SELECT c.region,\n    sum(o.amount) AS total\n   FROM (shop.orders o\n     LEFT JOIN shop.customers c ON ((c.id = o.customer_id)))\n"
        "  GROUP BY c.region\nUNION ALL\n SELECT type AS region,\n    NULL::numeric AS total\n   FROM lonely;",
    ],
)  # fmt: skip
def test_what_postgresql_spells_out_is_plain(sql: str) -> None:
    assert same(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT o.id FROM shop.orders o WHERE (EXISTS ( SELECT 1 FROM shop.customers))",
        "WITH c AS (SELECT id FROM shop.orders) SELECT id FROM c",
        "SELECT id FROM shop.orders o, shop.customers c",
        "SELECT o.* FROM shop.orders o",
        "SELECT o.missing FROM shop.orders o",
        "SELECT o.id FROM shop.unknown o",
        "SELECT o.id FROM shop.orders o JOIN LATERAL unnest(o.items) x ON true",
        "SELECT x.id FROM shop.orders o",
        "SELECT id AS o, o FROM shop.orders o",
        "SELECT o.id FROM shop.orders o -- depends_on: shop.customers",
        "SELECT l.id FROM \"Line.Items\" l",
        "SELECT o.id FROM shop.orders o JOIN shop.customers USING (id)",
        "SELECT o.id, o.date IN (SELECT 1) AS x FROM shop.orders o",
        "SELECT o.id + FROM shop.orders o",
        "",
        "SELECT",
        "SELECT " + "(" * 40 + "o.id" + ")" * 40 + " AS x FROM shop.orders o",
    ],
)  # fmt: skip
def test_what_is_not_plain_is_left_to_the_parser(sql: str) -> None:
    assert not same(sql)


@pytest.mark.parametrize("name", CALLS)
def test_functions_are_read_alike_whatever_they_are_given(name: str) -> None:
    ways = (
        "",
        "id",
        "'a'",
        "'day'::text, date",
        "'day', date",
        "id, date",
        "DISTINCT id",
        "id, date, amount",
        "*",
    )
    calls = [f"{name}({way}){over}" for way in ways for over in ("", " OVER (ORDER BY id)", " OVER ()")]
    told = [same(f"SELECT ({call} + amount) AS x FROM shop.orders") for call in calls]
    assert any(told)


def test_other_dialects_are_left_to_the_parser() -> None:
    assert read_plain("SELECT id FROM lonely", "mysql") is None


def test_a_source_whose_views_are_plain_never_loads_the_parser() -> None:
    program = """
import sys
from connectors.records import Column, Table
from plugin.catalog.sync.reader import Reader
from plugin.store.staging import Known, Stage
with Stage(Known({}, b"secret")) as stage:
    reader = Reader(stage, "postgres")
    for name, sql in (("t", None), ("v", "SELECT b.x, b.x AS y FROM s.t b WHERE (b.x <> (7)::numeric)")):
        columns = (Column("x", 1, "text"), Column("y", 2, "text"))
        reader.take(Table("d", "s", name, "view" if sql else "table", columns=columns, definition=sql))
    reader.link(lambda keys: {})
    print(len(stage.edges), len(stage.complete), "sqlglot" in sys.modules)
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["3", "1", "False"]
