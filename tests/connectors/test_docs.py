"""docs/connectors.md says of every connector what it reads, with which right, and how it was verified.

The views are those of the statements that are sent (the addresses of the others: test_endpoints.py).
"""

from __future__ import annotations

import importlib
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from connectors import CONNECTORS, connector_class
from connectors.abilities import HasQueries, run_verified
from connectors.errors import SourceError
from tests.connectors import test_mutilated
from tests.connectors.vendor_server import Asked, serve

DOCS = Path(__file__).parents[2] / "docs" / "connectors.md"


def rows() -> dict[str, str]:
    """The row of each connector in the tables of the documentation, by its type."""
    lines = [line for line in DOCS.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    return {line.split("`")[1]: line for line in lines}


@pytest.mark.parametrize("name", sorted(CONNECTORS))
def test_a_connector_is_in_the_documentation_as_it_says_itself(name: str) -> None:
    assert name in rows(), f"docs/connectors.md has no row for {name}"
    row = rows()[name]
    cls = connector_class(name)
    said = row.split("|")[1] + row.split("|")[2]
    assert [word for word in ("real", "emulator", "documented") if word in said][:1] == [cls.verified], row
    assert all(cell.strip() for cell in row.split("|")[1:-1]), f"an empty cell in the row of {name}"


VIEWS = {
    "snowflake": r"snowflake\.account_usage\.(\w+)",
    "bigquery": r"INFORMATION_SCHEMA\.(\w+)",
    "databricks": r"system\.(?!information_schema)\w+\.(\w+)|\bsystem\.(information_schema)",
    "trino": r"\bsystem\.(\w+)|\.(information_schema)\.",
    "redshift": r"pg_catalog\.((?:svv_|sys_|pg_class_info)\w*)",
    "clickhouse": r"\bsystem\.(\w+)",
    "sqlserver": r"\bsys\.(extended_properties|sql_expression_dependencies|sensitivity_classifications|query_store)",
    "mysql": r"\b(information_schema|innodb_table_stats|performance_schema)\b",
    "duckdb": r"\b(duckdb_tables)\b",
    "sqlite": r"\b(sqlite_schema|sqlite_stat1|dbstat)\b",
}
"""What a statement of each names of the system's views."""
COUNTED = {"snowflake": 15, "bigquery": 7, "databricks": 11, "trino": 4}
"""Statements of a sync, as the rows say them: beside them one for the keys of BigQuery and one for Trino's catalogs."""
MORE = {"bigquery": 1, "trino": 1}
GRANTED = {
    "snowflake": r"GOVERNANCE_VIEWER|OBJECT_VIEWER|USAGE_VIEWER",
    "databricks": r"system\.\w+",
    "clickhouse": r"system\.\w+",
}


def statement(asked: Asked) -> str | None:
    """The SQL of a request, where it has one."""
    if asked.method != "POST" or "token" in asked.path:
        return None
    if not asked.body.lstrip().startswith(b"{"):
        return asked.body.decode()
    found = asked.json.get("statement") or asked.json.get("query")
    return str(found) if found else None


def sent(name: str, *, queries: bool = True) -> set[str]:
    """The statements of a sync: recorded where a server speaks the vendor's wire, else those of the connector's modules."""
    if name not in COUNTED:
        modules = [importlib.import_module(f"connectors.{name}")]
        if (Path(str(modules[0].__file__)).parent / f"{name}_sql.py").exists():
            modules.append(importlib.import_module(f"connectors.{name}_sql"))
        values = (value for module in modules for value in vars(module).values())
        return {value for value in values if isinstance(value, str) and "FROM" in value.upper()}
    make, opened, _ = test_mutilated.CASES[name]
    vendor = make()
    with serve(vendor):
        connector: Any = opened(vendor)
        list(connector.extract())
        if queries and isinstance(connector, HasQueries):
            with suppress(SourceError):  # this server's answer is one for tables; the statement was sent
                list(connector.queries())
    return {found for asked in vendor.asked if (found := statement(asked))}


@pytest.mark.parametrize("name", sorted(VIEWS))
def test_the_views_that_statements_name_are_those_of_the_row(name: str) -> None:
    row = rows()[name].lower()
    named = {
        word.lower()
        for text in sent(name)
        for found in re.findall(VIEWS[name], text, re.IGNORECASE)
        for word in ([found] if isinstance(found, str) else found)
        if word
    }
    assert named, "no statement names a view: is the pattern right?"
    whole = row if name != "databricks" else row.replace("`*_tags`", "")
    assert not [word for word in sorted(named) if word.replace("query_store", "query store") not in whole]


@pytest.mark.parametrize("name", sorted(COUNTED))
def test_the_number_of_statements_is_that_of_the_row(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.http.time.sleep", lambda seconds: None)
    assert len(sent(name, queries=False)) == COUNTED[name] + MORE.get(name, 0)
    assert re.search(rf"\b{COUNTED[name]}(?:;| statements)|\beleven statements", rows()[name]), rows()[name]


@pytest.mark.parametrize("name", sorted(GRANTED))
def test_what_the_grant_script_names_is_needed_and_in_the_row(name: str) -> None:
    script, row = connector_class(name).grant_script, rows()[name]
    granted = set(re.findall(GRANTED[name], script))
    assert granted
    if name == "snowflake":
        assert not [role for role in granted if role not in row]
        return
    named = {found for text in sent(name) for found in re.findall(r"\bsystem\.\w+", text)}
    assert granted == named


def test_no_row_is_about_a_connector_that_is_not_there() -> None:
    assert set(rows()) == set(CONNECTORS)
    assert len(CONNECTORS) >= 24


def test_every_engine_that_runs_sql_is_told_with_how_that_was_tried() -> None:
    text = DOCS.read_text(encoding="utf-8").partition("## Run SQL")[2].partition("## Push back")[0]
    told = {
        name.strip(): line.split("|")[2]
        for line in text.splitlines()
        if line.startswith("| ") and "---" not in line
        for name in line.split("|")[1].split(",")
    }
    titles = {"mysql": "MySQL", "trino": "Trino", "redshift": "Redshift", "databricks": "Databricks"}
    for name in CONNECTORS:
        cls = connector_class(name)
        tried = run_verified(cls)
        if tried is not None:
            assert tried in told[titles.get(name, cls.title)], name
        else:
            assert titles.get(name, cls.title) not in told
