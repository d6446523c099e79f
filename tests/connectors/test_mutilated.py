"""What is true of every connector that was verified by documents, whatever a server leaves out, nulls, adds or reorders.

Each vendor's server of these tests answers, the first and the second one; its answers are changed on their way. What
nobody asked for and another order change nothing. Without what the specification calls optional a run still ends well.
Whatever else is missing or of another type, a run ends well or with an error of ours, and every record that came is as
its type says.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import random
import re
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors import CONNECTORS, connect, connector_class
from connectors.abilities import Connector
from connectors.errors import SourceError
from connectors.records import Progress, Record, Unread
from tests.connectors import (
    small_servers,
    test_bi,
    test_catalogs,
    test_iceberg,
    test_metabase,
    test_pipelines,
    test_redash,
)
from tests.connectors import test_warehouses as warehouses
from tests.connectors.own_cases import declared
from tests.connectors.second_expected import CASES as LISTED
from tests.connectors.vendor_server import Answer, Asked, Vendor, serve

Make = Callable[[], Vendor]
Open = Callable[[Vendor], Connector]
T40 = "t" * 40


def of(name: str, secrets: Mapping[str, str], **given: str) -> Open:
    return lambda vendor: connect(name, {"url": vendor.url, **given}, dict(secrets))


def lived(make: Callable[[test_bi.Live], Vendor], header: str) -> Make:
    return lambda: make(test_bi.Live(header))


def iceberg() -> Vendor:
    field = {"id": 1, "name": "id", "type": "long", "required": True, "doc": "Key"}
    nested = {"id": 2, "name": "marks", "type": {"type": "list", "element-id": 3, "element": "string"}}
    metadata = {
        "format-version": 2, "location": "s3://x/y", "last-updated-ms": 1_700_000_000_000, "current-schema-id": 0,
        "schemas": [{"schema-id": 0, "type": "struct", "identifier-field-ids": [1], "fields": [field, nested]}],
        "default-spec-id": 0, "properties": {"comment": "Orders", "owner": "priya"},
        "partition-specs": [{"spec-id": 0, "fields": [{"name": "d", "source-id": 1, "transform": "day"}]}],
        "current-snapshot-id": 9, "snapshots": [{"snapshot-id": 9, "summary": {"total-records": "42"}}],
    }  # fmt: skip
    return test_iceberg.vendor(metadata, 3)


def bigquery(vendor: Vendor) -> Connector:
    key = {"client_email": "d@a.example", "private_key": warehouses.KEY, "token_uri": f"{vendor.url}/token"}
    given = {"project": "acme-data", "region": "eu", "url": vendor.url}
    return connect("bigquery", given, {"key": json.dumps(key)})


def datahub() -> Vendor:
    def graphql(asked: Asked) -> Any:
        whole = test_catalogs.graphql(asked)["data"]["scrollAcrossEntities"]
        whole["searchResults"] = whole["searchResults"][:3]
        return {"data": {"scrollAcrossEntities": {**whole, "nextScrollId": None, "total": 3}}}

    return Vendor({"POST /api/graphql": graphql}, allows=test_catalogs.bearer)


def metabase() -> Vendor:
    return Vendor(test_metabase.routes())


# The members that a vendor's specification makes obligatory, and without which nothing could be read.
PAGES = "data items results nextUri nextScrollId next-page-token next_cursor paging pagination pageInfo"
CASES: dict[str, tuple[Make, Open, str]] = {
    "tableau": (lived(test_bi.tableau, "x-tableau-auth"), test_bi.of_tableau,
                "credentials token site data nodes endCursor hasNextPage totalAvailable"),
    "looker": (lived(test_bi.looker, "authorization"), test_bi.of_looker, "access_token"),
    "powerbi": (lived(test_bi.powerbi, "authorization"), test_bi.of_powerbi, "access_token status workspaces"),
    "metabase": (metabase, of("metabase", {"api_key": test_metabase.KEY}), ""),
    "redash": (test_redash.vendor, of("redash", {"api_key": test_redash.KEY}), "count"),
    "datahub": (datahub, of("datahub", {"token": test_catalogs.TOKEN}), "urn data scrollAcrossEntities entity tag"),
    "openmetadata": (lambda: test_catalogs.openmetadata_vendor(9), of("openmetadata", {"token": test_catalogs.TOKEN}),
                     "name"),
    "dbt_cloud": (test_pipelines.dbt_cloud_vendor, of("dbt_cloud", {"token": test_pipelines.TOKEN}, account="7"), ""),
    "airbyte": (lambda: test_pipelines.airbyte_vendor({"left": 0, "made": 0}),
                of("airbyte", {"client_secret": "s" * 20}, client_id="id"),
                "access_token connectionId sourceId destinationId"),
    "dagster": (lambda: test_pipelines.dagster_vendor(4), of("dagster", {}), "data"),
    "iceberg": (iceberg, test_iceberg.connected, "access_token metadata prefix"),
    "snowflake": (lambda: warehouses.snowflake_vendor(warehouses.World(3)),
                  of("snowflake", {"private_key": warehouses.KEY}, account="ab", warehouse="W", user="docent"),
                  "resultSetMetaData rowType name statementHandle partitionInfo"),
    "databricks": (lambda: warehouses.databricks_vendor(warehouses.World(3), {"left": 0, "made": 0}),
                   of("databricks", {"client_secret": "s" * 20}, warehouse="w", client_id="c"),
                   "access_token statement_id status state manifest schema columns name result"),
    "bigquery": (lambda: warehouses.bigquery_vendor(warehouses.World(3)), bigquery,
                 "access_token jobReference jobId jobComplete schema fields name rows f v pageToken"),
    "trino": (lambda: warehouses.trino_vendor(warehouses.World(3)), of("trino", {"password": "p" * 12}, user="docent"),
              "columns name"),
    "superset": (small_servers.superset, of("superset", {"token": T40}), "result count"),
    "airflow": (lambda: small_servers.airflow("v2", "assets"), of("airflow", {"token": T40}, api="v2"),
                "dags dag_id task_id total_entries assets"),
    "airflow 2": (lambda: small_servers.airflow("v1", "datasets"), of("airflow", {"token": T40}, api="v1"),
                  "dags dag_id task_id total_entries datasets"),
    **declared("OWN_SHAPES"),
}  # fmt: skip
SECOND = LISTED | declared("OWN_SECOND")


def second(name: str) -> tuple[Make, Open]:
    """The second server of a connector, and how it is opened."""
    made = SECOND[name].second()

    def opened(vendor: Vendor) -> Connector:
        given = {key: text.replace("URL", vendor.url) for key, text in made.settings.items()}
        return connect(name, {"url": vendor.url, **given}, dict(made.secrets))

    return lambda: made.vendor, opened


def test_every_connector_that_was_verified_by_documents_is_tried() -> None:
    classes = [connector_class(name) for name in CONNECTORS]
    documented = {each for each in classes if each.verified == "documented"}
    by_http = {
        each.name for each in documented if "connectors.http" in inspect.getsource(inspect.getmodule(each))
    }
    assert by_http <= set(CASES), f"no OWN_SHAPES in the test of {by_http - set(CASES)}"


# --- what is done to an answer ----------------------------------------------------------------------------------------


def reordered(value: Any, chance: random.Random) -> Any:
    """The members of objects in another order, with some that nobody asked for."""
    if isinstance(value, list):
        return [reordered(each, chance) for each in value]
    if not isinstance(value, dict):
        return value
    members = [(key, reordered(each, chance)) for key, each in value.items()]
    if not re.search(r"^[a-z]+\.|Orders|Shop", " ".join(value)):  # not where keys are names of things
        members += [
            (f"x-new-{n}", chance.choice([None, [], {}, "new", 7, [None, {"a": None}]])) for n in range(2)
        ]
    chance.shuffle(members)
    return dict(members)


def thinned(value: Any, chance: random.Random, kept: frozenset[str], rate: float) -> Any:
    """Some members gone or null; some objects of a list null; numbers as text."""
    if isinstance(value, list):
        held = [thinned(each, chance, kept, rate) for each in value]
        if any(isinstance(each, dict) for each in held) and chance.random() < rate:
            held.insert(chance.randrange(len(held) + 1), None)
        return held
    if not isinstance(value, dict):
        return value
    made = {}
    for key, each in value.items():
        dice = chance.random()
        if key not in kept and dice < rate:
            if dice < rate / 2:
                made[key] = None
            continue
        number = type(each) in (int, float) and "id" not in key.lower() and chance.random() < rate
        made[key] = str(each) if number else thinned(each, chance, kept, rate)
    return made


def of_other_types(value: Any, chance: random.Random, rate: float) -> Any:
    """Some values of another type than they were; objects and lists too."""
    if chance.random() < rate:
        others = [
            "text",
            "",
            7,
            -1,
            0.5,
            True,
            [],
            {},
            ["text"],
            [7],
            {"id": "text"},
            [[None]],
            "2026-13-41",
            10**30,
        ]
        return chance.choice([each for each in others if type(each) is not type(value)])
    if isinstance(value, list):
        return [of_other_types(each, chance, rate) for each in value]
    if isinstance(value, dict):
        return {key: of_other_types(each, chance, rate) for key, each in value.items()}
    return value


class Changed:
    """A server whose answers pass through `change`."""

    def __init__(self, vendor: Vendor) -> None:
        self.change: Callable[[Any], Any] = lambda body: body
        self.whole = vendor.answer
        vendor.answer = self._answer  # type: ignore[method-assign]

    def _answer(self, asked: Asked) -> Answer:
        found = self.whole(asked)
        artifact = "/artifacts/" in asked.path  # a file of dbt, which its own tests are about
        if artifact or found.status >= 400 or isinstance(found.body, bytes):
            return found
        return dataclasses.replace(found, body=self.change(found.body))


# --- what a record must be --------------------------------------------------------------------------------------------


def fits(value: Any, hint: Any) -> bool:
    """Is it of the type that the field of a record names?"""
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return value in parts
    if origin in (typing.Union, types.UnionType):
        return any(fits(value, part) for part in parts)
    if origin is tuple:
        return isinstance(value, tuple) and all(fits(each, parts[0]) for each in value)
    if origin is not None and issubclass(origin, Mapping):
        return isinstance(value, Mapping) and all(
            fits(k, parts[0]) and fits(v, parts[1]) for k, v in value.items()
        )
    if dataclasses.is_dataclass(hint):
        return isinstance(value, typing.cast(type, hint)) and sound(value)
    if hint is datetime:
        return isinstance(value, datetime) and value.tzinfo is not None
    if hint is float:
        return type(value) in (int, float)
    return type(value) is hint or value is hint


def sound(record: Any) -> bool:
    """Every field as its type says, and a name where there is one."""
    hints = typing.get_type_hints(type(record))
    for each in dataclasses.fields(record):
        value = getattr(record, each.name)
        assert fits(value, hints[each.name]), f"{type(record).__name__}.{each.name} = {value!r}"
    assert getattr(record, "name", "x"), f"{record!r} has no name"
    return True


def told(connector: Connector) -> Iterator[Record]:
    for record in connector.extract():
        assert isinstance(record, (Progress, Unread)) or sound(record)
        yield record


def shown(records: list[Record]) -> list[str]:
    return sorted(re.sub(r"127\.0\.0\.1:\d+", "here", repr(each)) for each in records)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.http.time.sleep", lambda seconds: None)


@pytest.mark.parametrize("name", sorted(CASES))
def test_answers_of_another_shape(name: str) -> None:
    make, opened, needed = CASES[name]
    kept = frozenset(f"{PAGES} {needed} id".split())
    vendor = make()
    with serve(vendor):
        server = Changed(vendor)
        whole = shown(list(told(opened(vendor))))
        assert len(whole) > 2

        @settings(max_examples=4, deadline=None, derandomize=True, database=None)
        @given(st.integers(0, 2**32))
        def same(seed: int) -> None:
            chance = random.Random(seed)
            server.change = lambda body: reordered(body, chance)
            assert shown(list(told(opened(vendor)))) == whole

        @settings(max_examples=6, deadline=None, derandomize=True, database=None)
        @given(st.integers(0, 2**32), st.sampled_from([0.05, 0.3, 0.9, 1.0]))
        def without_what_is_optional(seed: int, rate: float) -> None:
            chance = random.Random(seed)
            server.change = lambda body: thinned(body, chance, kept, rate)
            list(told(opened(vendor)))

        @settings(max_examples=12, deadline=None, derandomize=True, database=None)
        @given(st.integers(0, 2**32), st.sampled_from([0.02, 0.1, 0.4]))
        def without_anything(seed: int, rate: float) -> None:
            chance = random.Random(seed)
            server.change = lambda body: thinned(body, chance, frozenset(), rate)
            try:
                list(told(opened(vendor)))
            except SourceError as error:
                assert T40 not in str(error) and 10 < len(str(error)) < 300

        same()
        without_what_is_optional()
        without_anything()


def ends_well_or_as_ours(
    make: Make, opened: Open, change: Callable[[Any, random.Random, float], Any]
) -> None:
    vendor = make()
    with serve(vendor):
        server = Changed(vendor)

        @settings(max_examples=6, deadline=None, derandomize=True, database=None)
        @given(st.integers(0, 2**32), st.sampled_from([0.003, 0.02, 0.1]))
        def tried(seed: int, rate: float) -> None:
            chance = random.Random(seed)
            server.change = lambda body: change(body, chance, rate)
            try:
                list(told(opened(vendor)))
            except SourceError as error:
                assert T40 not in str(error) and 10 < len(str(error)) < 300

        tried()


@pytest.mark.parametrize("name", sorted(CASES))
def test_values_of_another_type(name: str) -> None:
    make, opened, _ = CASES[name]
    ends_well_or_as_ours(make, opened, of_other_types)


@pytest.mark.parametrize("name", sorted(SECOND))
def test_the_second_servers_answers_of_another_shape(name: str) -> None:
    """Among them every endpoint that the first server does not have: activity events, views, transformations."""
    ends_well_or_as_ours(*second(name), lambda body, chance, rate: thinned(body, chance, frozenset(), rate))
    ends_well_or_as_ours(*second(name), of_other_types)
