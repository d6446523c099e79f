"""Lineage over HTTP: edges by hand, what breaks, CSV that a spreadsheet cannot be harmed with."""

from __future__ import annotations

import csv
from collections.abc import Callable

import pytest

from plugin.store import Store
from tests.web.conftest import Person
from tests.web.test_roles import id_of


def test_an_edge_is_drawn_and_erased(demo_store: Store, person: Callable[[str], Person]) -> None:
    admin, viewer = person("admin"), person("viewer")
    orders, revenue = id_of(demo_store, "sales.orders"), id_of(demo_store, "finance.revenue_monthly")
    path = f"/resources/{orders}/lineage"
    assert viewer.api("POST", path, {"other_id": id_of(demo_store, "sales.customers")}).status_code == 403
    assert viewer.api("POST", path, {"other_id": revenue}).status_code == 404, "what is hidden is not there"
    drawn = admin.api("POST", path, {"other": "finance.revenue_monthly", "way": "upstream"})
    assert drawn.status_code == 200
    assert "manual" in {each["source"] for each in drawn.get_json()["edges"]}
    assert drawn.get_json()["degrees"][str(orders)][0] >= 1
    assert admin.api("POST", path, {}).status_code == 422
    assert admin.api("POST", path, {"other_id": 999_999_999}).status_code == 404
    gone = admin.api("DELETE", f"{path}?other_id={revenue}&way=upstream")
    assert gone.status_code == 200, gone.get_json()
    assert "manual" not in {each["source"] for each in gone.get_json()["edges"]}
    assert admin.api("DELETE", f"{path}?other_id={revenue}&way=upstream").status_code == 404


def test_what_breaks_and_both_as_csv(demo_store: Store, person: Callable[[str], Person]) -> None:
    admin, guest = person("admin"), person("guest")
    orders = id_of(demo_store, "sales.orders")
    found = admin.api("GET", f"/resources/{orders}/impact").get_json()
    assert {"completed_orders", "revenue_daily", "revenue_monthly"} <= {
        each["resource"]["name"] for each in found["broken"]
    }
    assert found["tell"] and not found["cut"]
    breaks = admin.get(f"/r/{orders}/impact.csv").get_data(as_text=True).splitlines()
    assert len(breaks) == 1 + len(found["broken"]) and breaks[0].startswith("kind,qualified_name")
    edges = admin.get(f"/r/{orders}/lineage.csv?depth=5").get_data(as_text=True)
    assert edges.startswith("upstream,upstream_column,downstream")
    hidden = id_of(demo_store, "hr.salaries")
    for path in (f"/r/{hidden}/impact.csv", f"/r/{hidden}/lineage.csv", f"/api/v1/resources/{hidden}/impact"):
        assert guest.get(path).status_code == 404, path


def test_a_file_of_as_many_edges_as_it_holds_is_whole(
    demo_store: Store, person: Callable[[str], Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The resource itself is none of its neighbours: of 5,000 the file had 4,999."""
    admin = person("admin")
    orders = id_of(demo_store, "sales.orders")

    def neighbours() -> set[str]:
        text = admin.get(f"/r/{orders}/lineage.csv?depth=1&direction=downstream").get_data(as_text=True)
        return {each["downstream"] for each in csv.DictReader(text.splitlines())}

    every = neighbours()
    assert len(every) > 1
    monkeypatch.setattr("web.pages.lineage.LONGEST_CSV", len(every))
    assert neighbours() == every
