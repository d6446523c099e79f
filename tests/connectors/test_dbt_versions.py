"""One project built by dbt-core 1.7 to 1.11 into PostgreSQL: each version's artifacts tell the same catalog.

The project has sources, seeds, a snapshot, models of each materialization and two versions of one, unit, generic and
singular tests of which some fail, a model that cannot be built, exposures, groups, contracts and a semantic layer.
Macros, dbt's own docs and what names the machine are left out of the files; nothing else was changed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from connectors import connect
from connectors.errors import BadSettings, SourceError, SourceInterrupted
from connectors.records import Asset, Lineage

BUILT = Path(__file__).parent / "dbt_versions"
OLDER = ("1.7", "1.8", "1.9", "1.10")


def read(folder: Path) -> tuple[dict[str, Asset], set[tuple[Any, Any]]]:
    """Assets by their keys, and edges."""
    records = list(connect("dbt", {"path": str(folder)}, {}).extract())
    assets = {each.key: each for each in records if isinstance(each, Asset)}
    edges = [each for each in records if isinstance(each, Lineage)]
    return assets, {(each.upstream, each.downstream) for each in edges}


def told(asset: Asset) -> dict[str, Any]:
    """What does not hang on when the run was."""
    facts = {name: value for name, value in asset.properties.items() if name not in ("last_run", "freshness")}
    return {
        "facts": facts, "columns": asset.columns, "owners": asset.owners, "tags": asset.tags, "of": asset.description,
        "definition": asset.definition if asset.kind != "model" else None, "built": asset.changed_at is not None,
    }  # fmt: skip


@pytest.mark.parametrize("version", OLDER)
def test_every_version_of_dbt_tells_the_same_catalog(version: str) -> None:
    new, old = read(BUILT / "1.11"), read(BUILT / version)
    assert old[0].keys() == new[0].keys() and len(new[0]) == 30
    # dbt 1.7 has no unit tests, so that the model was built whose unit test fails since; since 1.10 catalog.json tells
    # nothing of a model that was there from an earlier run and is skipped now.
    but = "model.harbor.daily"
    differ = {name for name, asset in old[0].items() if told(asset) != told(new[0][name])}
    assert differ <= {but}
    assert {(upper.key, lower.key) for upper, lower in old[1]} == {
        (upper.key, lower.key) for upper, lower in new[1]
    }


@pytest.mark.parametrize("version", [*OLDER, "1.11"])
def test_tests_and_runs_of_every_version(version: str) -> None:
    found, edges = read(BUILT / version)
    status = {name.split(".", 2)[2]: each.properties.get("last_status") for name, each in found.items()}
    assert (status["orders"], status["broken"], status["after_broken"]) == ("success", "error", "skipped")
    orders, customers = found["model.harbor.orders"], found["model.harbor.dim_customers.v2"]
    assert orders.properties["warning"] == "amount_is_there (not_null on amount), unique on order_id"
    assert customers.properties["failing"] == "accepted_values on name"
    assert "Ada" not in repr(customers) and "secret-word" not in repr(found)
    assert orders.properties["last_run"].startswith("2026-11-22 ")
    assert found["source.harbor.shop.orders"].properties["freshness"] == "error"
    assert found["source.harbor.shop.orders"].owners == ("tomas@harbor.example",)
    # What is a part of others is in no warehouse, and what was saved is not built.
    ephemeral = found["model.harbor.int_paid"]
    assert "relation" not in ephemeral.properties
    assert not [1 for upper, lower in edges if upper.key == ephemeral.key and lower.table]
    assert found["saved_query.harbor.by_country"].changed_at is None
    assert found["metric.harbor.revenue_7d"].definition == "sum(amount), cumulative over P7D"


def changed(tmp_path: Path, **parts: Any) -> Path:
    """The newest artifacts, members of the manifest written otherwise."""
    for each in (BUILT / "1.11").iterdir():
        (tmp_path / each.name).write_bytes(each.read_bytes())
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    for name, part in parts.items():
        manifest[name] = {**manifest[name], **part} if isinstance(part, dict) else part
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    return tmp_path


def node(name: str, **members: Any) -> dict[str, Any]:
    """One node of the manifest, with members written otherwise."""
    manifest = json.loads((BUILT / "1.11" / "manifest.json").read_text())
    return {name: {**manifest["nodes"][name], **members}}


def test_a_null_is_as_good_as_absent(tmp_path: Path) -> None:
    bare = dict.fromkeys(
        ("config", "columns", "tags", "meta", "contract", "depends_on", "alias", "description")
    )
    folder = changed(tmp_path, nodes=node("model.harbor.revenue", **bare), semantic_models=None, groups=None)
    revenue = read(folder)[0]["model.harbor.revenue"]
    assert (revenue.description, revenue.tags, revenue.properties["relation"]) == (
        None,
        ("group:finance",),
        "docent_d_dbt.analytics.revenue",
    )


TEST = "test.harbor.accepted_values_dim_customers_v2_name__Ada.a49634a6e6"


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"nodes": {"model.harbor.revenue": 7}}, "model.harbor.revenue among 'nodes' is no object"),
        ({"nodes": node("model.harbor.revenue", config="view")}, "model.harbor.revenue is written otherwise"),
        (
            {"nodes": node("model.harbor.revenue", columns={"day": "date"})},
            "day among 'columns' is no object",
        ),
        ({"nodes": node("model.harbor.revenue", description=7)}, "description of asset model.harbor.revenue"),
        ({"nodes": node(TEST, depends_on=7, attached_node=None)}, "test a49634a6e6 is written otherwise"),
        ({"metrics": []}, "'metrics' is no object"),
        ({"nodes": []}, "'nodes' is not in it, or is no object"),
        (
            {"metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/catalog/v1.json"}},
            "it says of itself that it is of dbt's catalog",
        ),
    ],
)
def test_what_dbt_never_wrote_is_told_with_its_name_and_no_value(
    tmp_path: Path, parts: dict[str, Any], said: str
) -> None:
    connector = connect("dbt", {"path": str(changed(tmp_path, **parts))}, {})
    with pytest.raises((BadSettings, SourceInterrupted), match=said) as failed:
        list(connector.extract())
    assert "Ada" not in str(failed.value)
    try:
        connector.check()
    except SourceError:
        pass  # and no other sort of error


def test_a_text_that_no_database_keeps_is_kept_without_that(tmp_path: Path) -> None:
    columns = {"day": {"name": "day", "description": "a\0b", "tags": ["x\ud800"]}}
    folder = changed(
        tmp_path,
        nodes=node("model.harbor.revenue", description="so\0 it \ud83d\ude00 is \ud800", columns=columns),
    )
    revenue = read(folder)[0]["model.harbor.revenue"]
    assert revenue.description == "so\ufffd it \U0001f600 is \ufffd"
    assert (revenue.columns[0].description, revenue.columns[0].tags) == ("a\ufffdb", ("x\ufffd",))


def test_a_column_is_looked_at_too(tmp_path: Path) -> None:
    folder = changed(
        tmp_path, nodes=node("model.harbor.revenue", columns={"day": {"name": "day", "description": 7}})
    )
    with pytest.raises(SourceInterrupted, match="model.harbor.revenue"):
        read(folder)


def test_the_check_says_which_results_tell_nothing(tmp_path: Path) -> None:
    connector = connect("dbt", {"path": str(changed(tmp_path))}, {})
    assert connector.check().endswith("16 models")
    results = json.loads((tmp_path / "run_results.json").read_text())
    (tmp_path / "run_results.json").write_text(json.dumps({**results, "args": {"which": "generate"}}))
    assert connector.check().endswith("is of dbt generate, which runs nothing: no test or run is told")
