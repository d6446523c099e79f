"""A small catalog to search in, on both databases."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from plugin.access.viewer import Viewer
from plugin.catalog.sync.imports import import_path
from plugin.store import (
    Store,
    search_columns,
    search_few,
    search_on_postgres,
    search_rank,
    search_scope,
    search_together,
)

Fill = Callable[..., None]


def table(
    database: str, schema: str, name: str, columns: str, description: str = "", **more: Any
) -> dict[str, Any]:
    """A line of custom metadata for a table; `columns` are names, each with a description after a colon."""
    parts = [column.split(":", 1) for column in columns.split(",")]
    return {
        "entity_type": "table",
        "databuilder_id": f"{database}.{schema}.{name}",
        "title": name,
        "database": database,
        "schema": schema,
        "description": description,
        "columns": [
            {
                "name": part[0].strip(),
                "type": "text",
                **({"description": part[1].strip()} if len(part) > 1 else {}),
            }
            for part in parts
        ],
        **more,
    }


SHOP = [
    table("shop", "sales", "custOrders", "custOrderID, customer_id, placed_at, total_amt: what was paid after tax"),
    table("shop", "sales", "order_lines", "order_id, product_id, qty, unit_price", "One line of an order."),
    table("shop", "sales", "customers", "customer_id, email, full_name, loyalty_points", "Buyers.", tags=["crm"]),
    table("shop", "sales", "refunds", "refund_id, order_id, reason", "Money given back.", owners=["Grace"]),
    table("shop", "hr", "employees", "employee_id, salary, hired_on", "Who works here.", tags=["confidential"]),
    table("shop", "hr", "PAYROLLRUNS", "run_id, month, gross"),
    *(
        table("web", "events", f"hits_2024{month:02d}", "session_id, page, referrer, visitor_id")
        for month in range(1, 7)
    ),
    table("web", "events", "visitors", "visitor_id, first_seen, country: where the visitor came from"),
]  # fmt: skip


@pytest.fixture
def fill(tmp_path: Path) -> Fill:
    """Imports lines into an integration: `fill(store, viewer, "shop", lines)`."""

    def run(store: Store, viewer: Viewer, integration: str, lines: list[dict[str, Any]]) -> None:
        path = tmp_path / f"{integration}.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        found = import_path(store, viewer, str(path), integration=integration)
        assert found.errors == ()

    return run


@pytest.fixture
def shop(any_store: Store, any_admin: Viewer, fill: Fill) -> Store:
    """A store with the shop's catalog."""
    fill(any_store, any_admin, "warehouse", SHOP)
    return any_store


@pytest.fixture
def low_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists of words are cut after a few documents."""
    for room, name, most in (
        (search_scope, "LISTED", 12),
        (search_on_postgres, "LISTED", 12),
        (search_on_postgres, "TOGETHER", 16),
        (search_few, "MOST", 12),
        (search_scope, "MOST", 20),
        (search_together, "MOST", 16),
        (search_together, "LOOKED_AT", 8),
        (search_rank, "MOST_SIBLINGS", 8),
        (search_columns, "COLUMNS", 30),
    ):
        monkeypatch.setattr(room, name, most)
