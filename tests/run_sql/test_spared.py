"""The passes that the writer leaves out change nothing: the text is what sqlglot writes with all of them."""

from __future__ import annotations

import pytest
from sqlglot import exp
from sqlglot.errors import ErrorLevel, SqlglotError
from sqlglot.generator import Generator

from plugin.run_sql.dialects import ENGINES, engine_of, writer_of
from plugin.run_sql.guard import parse_one
from plugin.run_sql.spared import _ABOUT, _passes_of, spare_passes
from plugin.run_sql.verdict import Refusal

STATEMENTS = (
    "SELECT o.status, COUNT(*) AS n FROM sales.orders o JOIN sales.customers c ON c.id = o.customer_id GROUP BY o.status",
    "SELECT u.x FROM sales.orders o CROSS JOIN UNNEST(o.tags) AS u(x)",
    "SELECT x FROM UNNEST(GENERATE_DATE_ARRAY('2020-01-01', '2020-02-01')) AS x",
    "SELECT EXPLODE(o.tags) AS tag, o.id FROM sales.orders o",
    "SELECT f.value FROM sales.orders o, LATERAL FLATTEN(input => o.tags) f",
    "SELECT a FROM (SELECT EXPLODE(o.tags) AS a FROM sales.orders o) s UNION ALL SELECT c.id FROM sales.customers c",
)


def written(writer: Generator, tree: exp.Expr) -> str:
    """The text, or how it could not be written."""
    try:
        return writer.generate(tree, copy=False)
    except (SqlglotError, LookupError) as error:
        return type(error).__name__


@pytest.mark.parametrize("name", sorted(ENGINES))
def test_the_text_is_that_of_all_passes(name: str) -> None:
    engine = engine_of(name)
    assert engine is not None
    for sql in STATEMENTS:
        try:
            whole, spared = parse_one(sql, engine), parse_one(sql, engine)
        except Refusal:
            continue  # another dialect's words
        writer = writer_of(name).generator(comments=False, unsupported_level=ErrorLevel.IGNORE)
        spare_passes(writer, {type(node) for node in spared.walk()})
        every = writer_of(name).generator(comments=False, unsupported_level=ErrorLevel.IGNORE)
        assert written(writer, spared) == written(every, whole), sql


def test_the_passes_are_still_called_so() -> None:
    """A new sqlglot that renames one would only be slower, which nobody would see."""
    known = {
        each.__qualname__.partition(".")[0]
        for name in ENGINES
        for each, _ in _passes_of(writer_of(name).generator_class)
    }
    assert known >= set(_ABOUT)
    assert all(_passes_of(writer_of(name).generator_class) for name in ENGINES if name != "clickhouse")
