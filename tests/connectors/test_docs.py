"""docs/connectors.md says of every connector what it reads, with which right, and how it was verified."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors import CONNECTORS, connector_class
from connectors.abilities import run_verified

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
