"""The corpus: every good query is accepted, every attack refused, in every dialect."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from plugin.run_sql.batch import Checker, check_lines
from plugin.run_sql.dialects import ALIASES, ENGINES, engine_of

CORPUS = Path(__file__).parent / "corpus"
WORLD = {
    "sales.orders": [
        "id",
        "customer_id",
        "order_date",
        "status",
        "total",
        "currency",
        "note",
        "meta",
        "tags",
    ],
    "sales.customers": ["id", "name", "email", "country", "region", "created_at"],
    "sales.order_items": ["order_id", "product_id", "qty", "unit_price", "discount"],
    "public.products": ["id", "name", "category", "price", "attrs"],
    "marketing.campaigns": ["id", "name", "channel", "start_date", "end_date", "budget", "clicks", "cost"],
}


def cases(engine: str) -> list[dict[str, str]]:
    lines = (CORPUS / f"{engine}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def checker() -> Checker:
    return Checker(columns=WORLD, default_schema="public")


@pytest.mark.parametrize("engine", ENGINES)
def test_the_guard_decides_as_the_corpus_says(engine: str, checker: Checker) -> None:
    wrong: list[tuple[str, str, object]] = []
    for case in cases(engine):
        verdict = checker.check(case["sql"], case["dialect"])
        if verdict.decision != case["expect"]:
            wrong.append((case["id"], case["sql"], verdict.reasons))
        elif verdict.accepted:
            again = checker.check(verdict.rendered, case["dialect"])
            if not again.accepted or set(again.tables) != set(verdict.tables):
                wrong.append((case["id"], verdict.rendered, again.reasons))
        elif not verdict.reasons or verdict.rendered:
            wrong.append((case["id"], case["sql"], "a refusal without a reason, or with a text to run"))
    assert not wrong, wrong


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_has_a_hundred_of_each_and_names_none_twice(engine: str) -> None:
    found = cases(engine)
    assert sum(case["expect"] == "accept" for case in found) >= 100
    assert sum(case["expect"] == "reject" for case in found) >= 100
    assert len({case["id"] for case in found}) == len(found)


def test_other_names_of_an_engine_mean_it_and_an_unknown_one_is_refused(checker: Checker) -> None:
    for alias, name in ALIASES.items():
        engine = engine_of(alias)
        assert engine is not None and engine.name == name
        assert checker.check("SELECT id FROM sales.orders", alias).accepted
        assert not checker.check("SELECT salary FROM hr.salaries", alias).accepted
    for unknown in ("", "postgresqlx", "mongodb", "sql"):
        verdict = checker.check("SELECT 1", unknown)
        assert (verdict.decision, verdict.rule) == ("reject", "dialect")


def test_lines_that_cannot_be_read_are_rejected_by_number(checker: Checker) -> None:
    lines = [
        "{",
        '{"id": "a"}',
        '{"id": "b", "dialect": "postgres", "sql": 5}',
        "",
        '{"id": "c", "dialect": "duckdb", "sql": "SELECT 1"}',
    ]
    found = list(check_lines(checker, lines))
    assert [each["decision"] for each in found] == ["reject", "reject", "reject", "accept"]
    assert found[2]["id"] == "b" and found[3]["id"] == "c"
