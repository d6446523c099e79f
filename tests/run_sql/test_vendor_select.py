"""SELECT by the vendors' references, clause by clause, over four small tables, and what an attacker makes of each form.

Own wording, written from the reference manuals of Oracle, SQLite, DuckDB and SQL Server. `refused_for` says why a
statement that only reads is refused all the same; a `near` one is the attack on a form that is accepted.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from plugin.run_sql.batch import Checker

STATEMENTS = Path(__file__).parent / "vendor_select"
SCHEMAS = {"oracle": "hr", "sqlite": "main", "duckdb": "main", "tsql": "dbo"}
COLUMNS = {
    "emp": ["id", "name", "dept_id", "mgr_id", "salary", "hired", "job"],
    "dept": ["id", "name", "region"],
    "sales": ["id", "product", "region", "year", "amount", "sold_at", "qty"],
    "docs": ["id", "body", "payload", "tags"],
    "docs_fts": ["id", "body", "title"],
}


def checker(engine: str) -> Checker:
    schema = SCHEMAS[engine]
    tables = {f"{schema}.{name}": columns for name, columns in COLUMNS.items()}
    return Checker(columns=tables, default_schema=schema, database="shop")


@pytest.mark.parametrize("engine", SCHEMAS)
def test_the_guard_decides_as_the_reference_and_the_law_say(engine: str) -> None:
    guard = checker(engine)
    wrong: list[tuple[str, str, object]] = []
    for line in (STATEMENTS / f"{engine}.jsonl").read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        verdict = guard.check(case["sql"], engine)
        if verdict.decision != case["expect"]:
            wrong.append((case["id"], case["sql"], verdict.reasons))
        elif verdict.accepted:
            again = guard.check(verdict.rendered, engine)
            if not again.accepted or set(again.tables) != set(verdict.tables):
                wrong.append((case["id"], verdict.rendered, again.reasons))
    assert not wrong, wrong


WRITTEN = [
    ("SELECT tags MULTISET UNION DISTINCT tags AS t FROM docs", "tags MULTISET UNION DISTINCT tags AS t"),
    ("SELECT id FROM docs WHERE 'a' NOT MEMBER OF tags AND id = 1", "'a' NOT MEMBER OF tags AND id = 1"),
    ("SELECT id FROM docs WHERE tags IS NOT A SET OR id IS NAN", "tags IS NOT A SET OR id IS NAN"),
    ("SELECT hired AT LOCAL FROM emp", "hired AT LOCAL"),
    ("SELECT JSON_ARRAYAGG(name ORDER BY id RETURNING CLOB) FROM emp", "ORDER BY id RETURNING CLOB)"),
    ("SELECT JSON_OBJECT(* RETURNING CLOB) FROM emp", "JSON_OBJECT(* RETURNING CLOB)"),
    ("SELECT JSON_OBJECT('a' VALUE id RETURNING CLOB) FROM emp", "id RETURNING CLOB)"),
]


@pytest.mark.parametrize(("sql", "part"), WRITTEN)
def test_words_between_operands_are_where_they_were(sql: str, part: str) -> None:
    verdict = checker("oracle").check(sql, "oracle")
    assert verdict.accepted, verdict.reasons
    assert part in verdict.rendered
    assert "docent_" not in verdict.rendered
