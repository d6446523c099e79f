"""dbt artifacts by upload: over the API and from the integration's page; nothing is kept as it came."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from plugin.catalog.sync import add_integration, check, sync
from plugin.store import Store
from tests.web.conftest import ADMIN, Person

PROJECT = Path(__file__).parents[1] / "connectors" / "dbt_project"
ALL = ("manifest.json", "catalog.json", "run_results.json")


@pytest.fixture
def dbt(demo_store: Store, admin_viewer: Any) -> int:
    return add_integration(
        demo_store, admin_viewer, "models", "dbt", settings={"uploads": "true"}, secrets={}
    ).id


@pytest.fixture
def admin_viewer(demo_store: Store) -> Any:
    with demo_store.sign_in() as door:
        return door.viewer_for_email(None, ADMIN)


def files(*names: str, folder: Path = PROJECT) -> dict[str, Any]:
    return {"files": [(io.BytesIO((folder / name).read_bytes()), name) for name in names]}


def test_a_pipeline_uploads_what_dbt_wrote(
    demo_store: Store, admin_viewer: Any, dbt: int, person: Callable[[str], Person]
) -> None:
    admin = person("admin")
    path = f"/integrations/{dbt}/artifacts"
    assert "upload" in check(demo_store, admin_viewer, dbt)
    assert sync(demo_store, admin_viewer, dbt).status == "failed", "there is nothing to read before an upload"
    done = admin.post(f"/api/v1{path}", files(*ALL))
    assert (done.status_code, done.get_json()["status"]) == (200, "done"), done.get_data(as_text=True)
    with demo_store.as_viewer(admin_viewer) as mine:
        revenue = mine.catalog.by_name("revenue", integration="models", kind="model")
        assert revenue.description == "Revenue per day."
    again = admin.post(f"/api/v1{path}", files(*ALL)).get_json()
    assert (again["created"], again["updated"], again["removed"]) == (0, 0, 0)
    for who in ("editor", "viewer", "guest"):
        assert person(who).post(f"/api/v1{path}", files(*ALL)).status_code == 403
    for wrong in (files("catalog.json"), {"files": [(io.BytesIO(b"x"), "profiles.yml")]}, {}):
        assert admin.post(f"/api/v1{path}", wrong).status_code == 422
    broken = admin.post(f"/api/v1{path}", {"files": [(io.BytesIO(b"{"), "manifest.json")]}).get_json()
    assert broken["status"] == "failed" and "complete JSON" in broken["errors"][0]


def test_a_manifest_that_dbt_never_wrote_fails_with_a_sentence(
    dbt: int, person: Callable[[str], Person]
) -> None:
    """Nested without end, or with nodes that are none: both were an unexpected error."""
    manifest = json.loads((PROJECT / "manifest.json").read_text())
    manifest["nodes"] = {"model.a.b": 5, "model.a.c": {"resource_type": "model", "name": 7}}
    for content, said in (
        (b"[" * 200_000, "manifest.json is not complete JSON"),
        (json.dumps(manifest).encode(), "model.a.b among 'nodes' is no object, as dbt writes it"),
    ):
        sent = {"files": [(io.BytesIO(content), "manifest.json")]}
        done = person("admin").post(f"/api/v1/integrations/{dbt}/artifacts", sent)
        assert done.status_code == 200 and done.get_json()["status"] == "failed", done.get_data(as_text=True)
        assert done.get_json()["errors"][0].startswith(said)


def test_a_large_manifest_comes_in_and_no_other_page_takes_as_much(
    demo_store: Store, dbt: int, person: Callable[[str], Person]
) -> None:
    manifest = json.loads((PROJECT / "manifest.json").read_text())
    manifest["macros"] = {"macro.x": {"macro_sql": "x" * 5_000_000}}
    large = json.dumps(manifest).encode()

    def sent() -> dict[str, Any]:
        return {"files": [(io.BytesIO(large), "manifest.json")]}

    assert person("admin").post(f"/api/v1/integrations/{dbt}/artifacts", sent()).status_code == 200
    assert person("viewer").post(f"/api/v1/integrations/{dbt}/artifacts", sent()).status_code in (403, 413)
    assert person("admin").post("/catalog/import", sent()).status_code == 413


def test_the_page_has_the_form_and_says_what_came(
    demo_store: Store, dbt: int, person: Callable[[str], Person]
) -> None:
    admin = person("admin")
    assert "Upload artifacts" in admin.get(f"/integrations/{dbt}").get_data(as_text=True)
    other = next(
        each["id"] for each in admin.api("GET", "/integrations").get_json()["items"] if each["id"] != dbt
    )
    assert "Upload artifacts" not in admin.get(f"/integrations/{other}").get_data(as_text=True)
    assert admin.post(f"/api/v1/integrations/{other}/artifacts", files(*ALL)).status_code == 422
    done = admin.post(f"/integrations/{dbt}/artifacts", files(*ALL))
    assert done.status_code == 303
    assert "Taken over:" in admin.get(f"/integrations/{dbt}").get_data(as_text=True)
