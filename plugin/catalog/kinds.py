"""Every kind of thing that a catalog can hold: what a search may be narrowed to. As `connectors.records` has them."""

from __future__ import annotations

from typing import Literal, get_args

Kind = Literal[
    "database", "schema", "column",
    "table", "view", "materialized_view", "foreign_table", "partitioned_table", "external_table",
    "dashboard_group", "dashboard", "chart", "model", "metric", "job", "term", "document", "query", "dataset",
]  # fmt: skip
KINDS: tuple[str, ...] = get_args(Kind)
