"""What PostgreSQL's grammar sees is found in its JSON without reading all of it: it must be what a whole reading finds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from plugin.run_sql.second_parser import _facts, available
from plugin.run_sql.verdict import Refusal
from tests.run_sql.test_corpus import cases
from tests.run_sql.test_guard import decide

pytestmark = pytest.mark.skipif(not available(), reason="pglast is not installed")


def nodes(tree: Any) -> Iterator[tuple[str, Any]]:
    """Every key of a tree with what stands behind it."""
    stack = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            yield from node.items()
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)


def tables_of(sql: str) -> tuple[set[str], set[tuple[str, str]]]:
    from pglast import parser

    found = [table for key, table in nodes(json.loads(parser.parse_sql_json(sql))) if key == "RangeVar"]
    with_schema = {(table["schemaname"], table["relname"]) for table in found if table.get("schemaname")}
    return {table["relname"] for table in found}, with_schema


def test_it_sees_what_a_whole_reading_sees() -> None:
    from pglast import parser

    from plugin.run_sql.dialects import engine_of

    engine = engine_of("postgres")
    assert engine is not None
    read = 0
    for case in cases("postgres"):
        try:
            found = _facts(parser, case["sql"], engine, False)
        except Refusal:
            continue
        assert found == tables_of(case["sql"]), case["sql"]
        read += 1
    assert read > 150


@pytest.mark.parametrize(
    "text",
    [
        '"RangeVar":{"relname":"secret"}',
        '"FuncCall":{',
        '"InsertStmt":',
        '\\"RangeVar\\":{}',
        'RangeVar":{',
        "\\",
        '"stmt":',
        '"intoClause":{}',
    ],
)
def test_a_text_or_a_name_that_looks_like_a_node_is_none(text: str) -> None:
    verdict = decide(
        f"SELECT '{text}' AS a, o.id AS \"{text.replace(chr(34), chr(34) * 2)}\" FROM sales.orders o"
    )
    assert verdict.accepted and verdict.tables == ("sales.orders",), verdict  # type: ignore[attr-defined]
