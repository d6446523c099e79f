"""docs/connectors.md says of every connector what it reads, with which right, and how it was verified."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors import CONNECTORS, connector_class

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
