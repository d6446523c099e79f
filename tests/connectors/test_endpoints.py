"""Every address that a connector asks: what becomes of a run where the vendor refuses it, and that the documentation names it.

A line says: where it lies, the word for it in the row of docs/connectors.md, and what a run does without it. `ends` is for
what everything hangs on; `told` for a part, whose absence people read with the sync; `quiet` for what is tried and has
another way. What a vendor answers for a feature that is off is 400, 403, 404 or 501: none of them may end a run for a part.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from connectors.errors import SourceError
from connectors.records import Progress, Unread
from tests.connectors.own_cases import declared
from tests.connectors.small_servers import airflow, superset
from tests.connectors.test_docs import rows
from tests.connectors.test_mutilated import CASES, SECOND, T40, Make, Open, of, second
from tests.connectors.vendor_server import Answer, Asked, serve

SIGN_IN = r"POST .*(/auth/signin|/login|/token|/tokens)$"
ENDPOINTS: dict[str, dict[str, tuple[str, str]]] = {
    "tableau": {
        r"POST /api/metadata/graphql": ("GraphQL", "ends"),
        r"GET .*/projects": ("projects", "told"),
        r"GET .*/views": ("views", "told"),
    },
    "looker": {
        r"GET .*/folders": ("folders", "told"),
        r"GET .*/users/search": ("users", "told"),
        r"GET .*/lookml_models": ("lookml_models", "ends"),
        r"GET .*/explores/.*": ("an explore", "quiet"),
        r"GET .*/connections": ("connections", "quiet"),
        r"GET .*/looks/search": ("looks", "told"),
        r"GET .*/queries/.*": ("a look's query", "quiet"),
        r"GET .*/dashboards/search": ("dashboards", "ends"),
        r"GET .*/dashboards(/.*)?": ("LookML", "quiet"),
    },
    "powerbi": {
        r"GET .*/activityevents": ("activity events", "told"),
        r"GET .*/workspaces/modified": ("workspaces", "ends"),
        r"(GET|POST) .*/(getInfo|scanStatus|scanResult).*": ("scan", "ends"),
    },
    "metabase": {
        r"GET /api/collection": ("/api/collection", "told"),
        r"GET /api/database": ("database", "told"),
        r"GET /api/card": ("card", "ends"),
        r"GET /api/dashboard(/.*)?": ("dashboard", "ends"),
    },
    "redash": {
        r"GET /api/data_sources": ("data sources", "told"),
        r"GET /api/queries": ("/api/queries", "ends"),
        r"GET /api/dashboards(/.*)?": ("dashboards", "ends"),
        r"GET /api/session": ("session", "ends"),
    },
    "superset": {
        r"GET /api/v1/database/": ("Database", "quiet"),
        r"GET /api/v1/dataset/(.*)?": ("dataset", "ends"),
        r"GET /api/v1/chart/": ("chart", "ends"),
        r"GET /api/v1/dashboard/": ("dashboard", "ends"),
        r"GET /api/v1/log/": ("log", "told"),
        r"GET /api/v1/query/": ("query", "told"),
        r"GET /api/v1/me/roles/": ("CurrentUserRestApi", "told"),
    },
    "openmetadata": {
        r"GET .*/system/version": ("version", "ends"),
        r"GET .*/tables": ("tables", "ends"),
        r"GET .*/(dashboards|charts|pipelines|glossaryTerms)": ("dashboards", "told"),
        r"GET .*/lineage/.*": ("lineage", "told"),
    },
    "dbt_cloud": {
        r"GET .*/jobs/": ("jobs", "ends"),
        r"GET .*/runs/": ("runs", "told"),
        r"GET .*/environments/": ("environments", "quiet"),
        r"GET .*/artifacts/.*": ("artifacts", "told"),
    },
    "airbyte": {
        r"GET .*/sources": ("sources", "told"),
        r"GET .*/destinations": ("destinations", "told"),
        r"GET .*/connections": ("connections", "ends"),
        r"GET .*/jobs": ("jobs", "told"),
    },
    "airflow": {
        r"GET .*/dags": ("dags", "ends"),
        r"GET .*/dags/~/dagRuns": ("dagRuns", "told"),
        r"GET .*/dags/.*/tasks": ("tasks", "told"),
        r"GET .*/(assets|datasets)": ("assets", "told"),
    },
    "iceberg": {
        r"GET .*/config": ("/v1/config", "ends"),
        r"GET .*/namespaces(/[^/]*)?": ("namespaces", "ends"),
        r"GET .*/tables(/.*)?": ("tables", "ends"),
        r"GET .*/views(/.*)?": ("views", "told"),
    },
    "datahub": {r"POST /api/graphql": ("GraphQL", "ends")},
    "dagster": {r"POST /graphql": ("GraphQL", "ends")},
    **declared("OWN_ENDPOINTS"),
}  # fmt: skip
OTHERS: dict[str, Callable[[], tuple[Make, Open]]] = {
    "superset": lambda: (superset, of("superset", {"token": T40})),
    "airflow": lambda: (lambda: airflow("v2", "assets"), of("airflow", {"token": T40}, api="v2")),
}


def opening(name: str) -> tuple[Make, Open]:
    """A new server of a connector and how it is opened: the second one where there is one."""
    if name in SECOND:
        return second(name)
    return OTHERS[name]() if name in OTHERS else CASES[name][:2]


def line(name: str, asked: Asked) -> str | None:
    """The pattern of ENDPOINTS that a request falls under; the longest, where a list lies above its things."""
    said = f"{asked.method} {asked.path}"
    fitting = [pattern for pattern in ENDPOINTS[name] if re.fullmatch(pattern, said)]
    return max(fitting, key=len, default=None)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.http.time.sleep", lambda seconds: None)


def test_every_connector_that_speaks_json_over_http_is_here() -> None:
    warehouses = {"snowflake", "bigquery", "databricks", "trino"}  # one address for statements of every kind
    assert {name.split()[0] for name in CASES} - warehouses == set(ENDPOINTS)


@pytest.mark.parametrize("name", sorted(ENDPOINTS))
def test_every_address_that_is_asked_is_in_the_table_and_in_the_documentation(name: str) -> None:
    asked: list[Asked] = []
    for make, opened in [opening(name), *([CASES[name][:2]] if name in CASES else [])]:
        vendor = make()
        with serve(vendor):
            list(opened(vendor).extract())
        asked += vendor.asked
    unknown = {
        f"{each.method} {each.path}"
        for each in asked
        if not line(name, each) and not re.fullmatch(SIGN_IN, f"{each.method} {each.path}")
    }
    assert not unknown, f"asked, and in no line of ENDPOINTS: {unknown}"
    never = set(ENDPOINTS[name]) - {line(name, each) for each in asked}
    assert not never, f"in ENDPOINTS, and never asked: {never}"
    row = rows()[name].lower()
    missing = [word for word, _ in ENDPOINTS[name].values() if word.lower() not in row]
    assert not missing, f"the row of {name} in docs/connectors.md does not tell of {missing}"


@pytest.mark.parametrize("status", [400, 403, 404, 501])
@pytest.mark.parametrize("name", sorted(ENDPOINTS))
def test_a_part_that_is_refused_costs_that_part(name: str, status: int) -> None:
    quiet = 404  # where a vendor says that there is no such thing, some parts are simply empty
    for pattern, (_, without) in ENDPOINTS[name].items():
        make, opened = opening(name)
        vendor = make()
        whole, refused = vendor.answer, [0]

        def answer(
            one: Asked, whole: Any = whole, pattern: str = pattern, refused: list[int] = refused
        ) -> Answer:
            found: Answer = whole(one)
            if line(name, one) == pattern and found.status < 400:
                refused[0] += 1
                return Answer(status, {"message": "CANARY does not apply"})
            return found

        vendor.answer = answer  # type: ignore[method-assign]
        with serve(vendor):
            try:
                records = [each for each in opened(vendor).extract() if not isinstance(each, Progress)]
            except SourceError as error:
                assert "CANARY" not in str(error)
                assert without == "ends", f"{pattern} answered {status} and ended the run: {error}"
                continue
        if refused[0] and without == "told" and status != quiet:
            assert [each for each in records if isinstance(each, Unread)], (
                f"{pattern} answered {status}: no word of it"
            )
