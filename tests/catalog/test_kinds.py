"""The kinds that a search may be narrowed to."""

from __future__ import annotations

from typing import get_args

from connectors.records import AssetKind, TableKind
from plugin.catalog.kinds import KINDS


def test_whatever_a_connector_yields_can_be_searched_for() -> None:
    assert set(KINDS) == {"database", "schema", "column", *get_args(TableKind), *get_args(AssetKind)}
