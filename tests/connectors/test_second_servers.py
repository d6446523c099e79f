"""What a reader of the vendors' references expects of their second servers (second_servers.py says what these are).

Of each: records with the members that matter, edges, names that must not be there. Everything else that came is judged by
what is true of all records: parents first and known, no value, every field of its type.
"""

from __future__ import annotations

from typing import Any

import pytest

from connectors import CONNECTORS, connect, connector_class
from connectors.errors import SignInRefused, SourceError
from connectors.records import Asset, Lineage, Progress, Ref, Table
from tests.connectors.own_cases import declared
from tests.connectors.second_expected import CASES as LISTED
from tests.connectors.second_servers import Second
from tests.connectors.test_mutilated import sound
from tests.connectors.vendor_server import Answer, serve

CASES = LISTED | declared("OWN_SECOND")


def end(ref: Ref) -> str:
    name = ref.key or ".".join(filter(None, (ref.database, ref.schema, ref.table)))
    return f"{name}#{ref.column}" if ref.column else name


def member(record: Any, path: str) -> Any:
    """`description`, `properties.schedule`, `columns.NAME` (the type), `columns.NAME.description`, `keys.primary` (the columns)."""
    first, _, rest = path.partition(".")
    found = getattr(record, first)
    if not rest:
        return dict(found) if first == "properties" else found
    if first == "properties":
        return found.get(rest)
    if first == "keys":
        return next((key.columns for key in found if key.kind == rest), None)
    by_name = {column.name: column for column in found}
    if rest in by_name:
        return by_name[rest].native_type
    name, _, what = rest.rpartition(".")
    return getattr(by_name[name], what)


def opened(name: str, second: Second, secrets: dict[str, str] | None = None) -> Any:
    given = {key: text.replace("URL", second.vendor.url) for key, text in second.settings.items()}
    return connect(name, {"url": second.vendor.url, **given}, secrets or dict(second.secrets))


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("http", "powerbi"):
        monkeypatch.setattr(f"connectors.{module}.time.sleep", lambda seconds: None)


def test_every_connector_that_was_verified_by_documents_met_a_second_source() -> None:
    documented = {name for name in CONNECTORS if connector_class(name).verified == "documented"}
    executed = {
        "snowflake",
        "bigquery",
        "databricks",
        "trino",
    }  # test_documented_sql.py: over the documented views
    dictionaries = {"sqlserver"}  # test_second_dictionaries.py, with Oracle
    besides = {"iceberg"}  # test_iceberg_catalog.py: a real catalog
    met = set(CASES) | executed | dictionaries
    assert documented | besides <= met, f"no OWN_SECOND in the test of {documented - met}"
    assert met <= documented | besides


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_second_server_is_read_as_its_reference_says(name: str) -> None:
    expected = CASES[name]
    second = expected.second()
    with serve(second.vendor):
        assert opened(name, second).check()
        second.vendor.asked.clear()
        records = [each for each in opened(name, second).extract() if not isinstance(each, Progress)]
        assert len(second.vendor.asked) <= expected.requests
    assert "CANARY" not in repr(records)
    stated = {
        f"{end(each.upstream)} > {end(each.downstream)}" for each in records if isinstance(each, Lineage)
    }
    assert expected.edges <= stated, expected.edges - stated
    whole = {each for each in stated if "#" not in each}
    assert whole <= expected.edges, whole - expected.edges
    found: dict[str, Any] = {}
    for each in records:
        assert sound(each)
        if isinstance(each, Table):
            key = ".".join(part for part in (each.database, each.schema, each.name) if part)
        elif isinstance(each, Asset):
            key = each.key
            parents = [one.key for one in records if isinstance(one, Asset)]
            assert each.parent not in parents or parents.index(each.parent) < parents.index(key), (
                f"{key} before its parent"
            )
        else:
            continue
        assert key not in found, f"{key} comes twice"
        found[key] = each
    for key, members in expected.records.items():
        assert key in found, f"{key} is lost; there are {sorted(found)}"
        for path, value in members.items():
            assert member(found[key], path) == value, f"{path} of {key}"
    for word in expected.absent:
        assert word not in " ".join(found), f"{word} is there"


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_wrong_credential_is_a_refusal_that_tells_nothing(name: str) -> None:
    second = CASES[name].second()
    wrong = "w" * 24
    with serve(second.vendor), pytest.raises(SignInRefused) as refused:
        opened(name, second, dict.fromkeys(second.secrets, wrong)).check()
    assert wrong not in str(refused.value) and "CANARY" not in str(refused.value)


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_server_that_goes_away_in_mid_run_loses_nothing_quietly(name: str) -> None:
    """A gateway refuses every request after the n-th: a run ends with an error of ours, never well and short."""
    second = CASES[name].second()
    with serve(second.vendor):
        assert list(opened(name, second).extract())
        asked = len(second.vendor.asked)
        for limit in range(1, asked, max(1, asked // 6)):
            again = CASES[name].second()
            with serve(again.vendor):
                answered = again.vendor.answer

                def answer(
                    one: Any, vendor: Any = again.vendor, answered: Any = answered, limit: int = limit
                ) -> Any:
                    if len(vendor.asked) >= limit:
                        return Answer(502, b"<html>CANARY</html>")
                    return answered(one)

                again.vendor.answer = answer  # type: ignore[method-assign]
                with pytest.raises(SourceError) as lost:
                    list(opened(name, again).extract())
                assert "CANARY" not in str(lost.value)


def test_no_run_of_a_pull_request_stands_for_a_dbt_project_even_where_no_environment_is_known() -> None:
    second = CASES["dbt_cloud"].second()
    for version in ("v2", "v3"):
        second.vendor.routes[f"GET /api/{version}/accounts/7/environments/"] = lambda asked: Answer(403, {})
    with serve(second.vendor):
        records = list(opened("dbt_cloud", second).extract())
    relations = {
        each.properties["relation"] for each in records if isinstance(each, Asset) and each.kind == "model"
    }
    assert relations == {"ANALYTICS.MART.revenue"}
