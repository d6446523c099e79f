"""How dbt's models and sources fare, asked as people ask it, over artifacts that dbt 1.11 wrote of a real build."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from plugin.access.viewer import Surface, Viewer
from plugin.assistant import Question, ask
from plugin.catalog.custom import parse_jsonl
from plugin.catalog.sync import add_integration, sync
from plugin.catalog.sync.imports import take
from plugin.config import Config
from plugin.egress.gateway import Gateway
from plugin.providers.builtin.understand import understand
from plugin.store import Store
from plugin.tools import health
from plugin.tools.browse import browse
from plugin.tools.retrieve import retrieve
from tests.assistant.conftest import Answered

PROJECT = Path(__file__).parents[1] / "connectors" / "dbt_versions" / "1.11"
ASKED = [
    ("which tests fail?", "failing", {"kind": "tests"}),
    ("which models failed last night?", "failing", {"kind": "models"}),
    ("what failed in dbt last night", "failing", {}),
    ("show me failing dbt tests in lake", "failing", {"kind": "tests", "in": "lake"}),
    ("did all tests pass?", "failing", {}),
    ("did the dbt run succeed", "failing", {}),
    ("what is untested?", "untested", {}),
    ("which models have no tests", "untested", {"kind": "models"}),
    ("untested sources in lake", "untested", {"kind": "sources", "in": "lake"}),
    ("which tables without tests do we have", "untested", {"kind": "tables"}),
    ("which exposures use orders", "downstream", {"kind": "exposures", "s": "orders"}),
    ("is orders tested?", "tested", {"s": "orders"}),
    ("which models belong to group finance", "tagged", {"kind": "models", "group": "finance"}),
    ("show me all models in the finance group", "tagged", {"kind": "models", "group": "finance"}),
    ("which syncs failed?", "stale", {"kind": "integration"}),
]


@pytest.fixture
def grant(store: Store, admin: Viewer) -> Callable[[int, str], None]:
    def give(integration: int, team: str) -> None:
        with store.as_admin(admin) as door:
            teams = {each.name: each.id for each in door.people.teams()}
            door.people.grant(teams[team], integration, resource_id=None)

    return give


@pytest.fixture
def dbt(store: Store, admin: Viewer, tmp_path: Path, grant: Callable[[int, str], None]) -> int:
    """A warehouse whose names are the project's in other cases, seen by General, and the project, not granted yet."""
    path = tmp_path / "docent_d_dbt.duckdb"
    with duckdb.connect(str(path)) as db:
        db.execute("CREATE SCHEMA ANALYTICS; CREATE SCHEMA analytics_seeds")
        db.execute("CREATE TABLE ANALYTICS.DIM_CUSTOMERS_V2 (CUSTOMER_ID INTEGER, NAME TEXT)")
        db.execute('CREATE TABLE analytics."Untested Things" (code TEXT, country TEXT)')
        db.execute("CREATE TABLE analytics.revenue (day DATE, revenue DOUBLE)")
        db.execute("CREATE TABLE analytics_seeds.shop_orders (order_id INTEGER, status TEXT)")
    lake = add_integration(store, admin, "wh", "duckdb", settings={"url": f"duckdb:///{path}"}, secrets={}).id
    made = add_integration(store, admin, "lake", "dbt", settings={"path": str(PROJECT)}, secrets={}).id
    grant(lake, "General")
    for each in (lake, made):
        assert sync(store, admin, each).status == "done"
    return made


@pytest.fixture
def said(store: Store, config: Config) -> Callable[[Viewer, str], str]:
    gateway = Gateway(store, config)
    return lambda viewer, question: Answered(list(ask(store, gateway, viewer, Question(question)))).text


@pytest.mark.parametrize(("question", "name", "slots"), ASKED)
def test_questions_about_tests_and_runs_are_understood(
    question: str, name: str, slots: dict[str, str]
) -> None:
    intent = understand(question)
    assert (intent.name, dict(intent.slots)) == (name, slots)


def test_what_fails_is_listed_the_worst_first(
    store: Store, admin: Viewer, dbt: int, said: Callable[[Viewer, str], str]
) -> None:
    answer = said(admin, "which models failed last night?")
    listed = [line for line in answer.splitlines() if line.startswith("- ")]
    assert [word in line for word, line in zip(("broken", "daily"), listed, strict=False)] == [True, True]
    assert "error (2026-11-22 " in listed[0] and "1 failing" in answer and "dim_customers_v2" in answer
    assert "revenue" not in answer and "shop.orders" not in answer
    assert "shop.orders" in said(admin, "show me failing sources")
    assert "Ada" not in answer
    with store.as_viewer(admin) as mine:
        found = browse(mine, what="failing")
        assert {each.kind for each in found.fragments} == {"model", "dataset"}
        assert all("definition" not in each.fields for each in found.fragments)


def test_what_nobody_tests_is_listed(
    store: Store, admin: Viewer, dbt: int, said: Callable[[Viewer, str], str]
) -> None:
    answer = said(admin, "which models are untested?")
    assert "untested" in answer and "revenue" in answer and "after_broken" in answer
    assert "dim_customers" not in answer and "shop_orders" not in answer and "orders`" not in answer
    assert "shop.customers" in said(admin, "which sources have no tests")


def test_an_answer_on_a_table_says_that_a_test_of_it_fails(
    store: Store,
    admin: Viewer,
    dbt: int,
    said: Callable[[Viewer, str], str],
    grant: Callable[[int, str], None],
) -> None:
    asked = "what is analytics.dim_customers_v2?"
    answer = said(admin, asked)
    assert "Not all is well with it" in answer and "1 failing" in answer
    assert "Not all is well" not in said(admin, "what is analytics.revenue?")
    assert "freshness of the source: error" in said(admin, "describe analytics_seeds.shop_orders")
    with store.as_admin(admin) as door:
        door.people.add_member("vera@example.com", "viewer", "Vera", "correct-horse-battery")
    with store.sign_in() as sign_in:
        vera = sign_in.viewer_for_email(admin.workspace_slug, "vera@example.com", Surface.PAGE)
    # Who does not see the project is told nothing of it, and who does is.
    assert "Not all is well" not in said(vera, asked) and "broken" not in said(vera, "which models failed?")
    with store.as_viewer(vera) as mine:
        assert len(retrieve(mine, "analytics.dim_customers_v2").fragments) == 1
    grant(dbt, "General")
    with store.sign_in() as sign_in:
        vera = sign_in.viewer_for_email(admin.workspace_slug, "vera@example.com", Surface.PAGE)
    assert "Not all is well with it" in said(vera, asked)


def test_names_are_tied_whatever_their_case_and_quoting(store: Store, admin: Viewer, dbt: int) -> None:
    with store.as_viewer(admin) as mine:
        for name, model in (("DIM_CUSTOMERS_V2", "dim_customers_v2"), ("Untested Things", "untested")):
            table = mine.catalog.by_name(f"analytics.{name}", integration="wh")
            near = mine.catalog.lineage(table.id, depth=1).resources.values()
            assert model in {each.name for each in near if each.kind == "model"}


def test_a_healthy_model_is_not_told_to_be_unwell(
    store: Store, admin: Viewer, dbt: int, said: Callable[[Viewer, str], str]
) -> None:
    """The lineage of a table gives two things too, and nothing is told of the model there."""
    answer = said(admin, "is analytics.revenue tested?")
    assert "Nothing here says" in answer and "Not all is well" not in answer


def test_an_answer_on_a_model_says_that_its_own_run_or_test_failed(
    store: Store, admin: Viewer, dbt: int, said: Callable[[Viewer, str], str]
) -> None:
    """It was told below the table that the model makes, and not below the model."""
    assert "Not all is well with it in dbt: last run: error" in said(admin, "what is the model broken?")
    assert "Not all is well" not in said(admin, "what is the model int_paid?")


def test_a_group_of_dbt_has_an_owner_and_members(
    store: Store, admin: Viewer, dbt: int, said: Callable[[Viewer, str], str]
) -> None:
    answer = said(admin, "which models belong to group finance?")
    assert "tagged `group:finance`" in answer and "- " in answer
    group = said(admin, "who owns group finance?")
    assert "is owned by" in group and "`group finance`" in group


def test_a_source_is_not_as_unwell_as_a_model_that_reads_it(
    store: Store, admin: Viewer, tmp_path: Path
) -> None:
    project = tmp_path / "target"
    project.mkdir()
    project.joinpath("manifest.json").write_bytes((PROJECT / "manifest.json").read_bytes())
    results = json.loads((PROJECT / "run_results.json").read_text())
    for each in results["results"]:
        if each["unique_id"].endswith(".stg_orders"):
            each["status"] = "error"
    project.joinpath("run_results.json").write_text(json.dumps(results))
    made = add_integration(store, admin, "lake", "dbt", settings={"path": str(project)}, secrets={}).id
    assert sync(store, admin, made).status == "done"
    with store.as_viewer(admin) as mine:
        assert "stg_orders" in [each.fields["name"] for each in browse(mine, what="failing").fragments]
        assert [each.kind for each in retrieve(mine, "shop.orders").fragments] == ["dataset"]


def test_a_table_that_much_reads_is_told_of_its_source(
    store: Store, admin: Viewer, dbt: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a hub with more neighbours than are looked at, those that dbt told are looked at."""
    end = {"type": "external_table", "schema": "analytics_seeds", "table": "shop_orders"}
    lines = [
        {"from_identifier": end, "to_identifier": {"internal_resource": f"t{number}"}} for number in range(9)
    ]
    tables = [
        {"entity_type": "table", "databuilder_id": f"t{number}", "title": f"t{number}", "schema": "s"}
        for number in range(9)
    ]
    assert not take(store, admin, parse_jsonl(map(json.dumps, [*tables, *lines])), integration="files").errors
    with store.as_admin(admin) as door:
        door.integrations.remove(dbt)
    later = add_integration(store, admin, "later", "dbt", settings={"path": str(PROJECT)}, secrets={}).id
    assert sync(store, admin, later).status == "done"
    monkeypatch.setattr(health, "NEAR", 5)
    with store.as_viewer(admin) as mine:
        read = retrieve(mine, "analytics_seeds.shop_orders").fragments
        assert [each.kind for each in read] == ["table", "dataset"]


def test_where_not_all_was_looked_at_it_says_so(
    store: Store,
    admin: Viewer,
    dbt: int,
    said: Callable[[Viewer, str], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(health, "PAGE", 1)
    monkeypatch.setattr(health, "PAGES", 2)
    assert "Only the first 2 by name" in said(admin, "which models failed?")
    monkeypatch.setattr(health, "is_unwell", lambda resource: False)
    answer = said(admin, "which models failed?")
    assert "Only the first 2 by name" in answer and "None of" not in answer
