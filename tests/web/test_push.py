"""Push back through every face: page, API and terminal, to a real PostgreSQL and a real MariaDB, and back again."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask

from connectors.records import Database, Schema
from plugin.catalog.sync import add_integration, sync
from plugin.catalog.sync.push import apply_push, plan_push, set_push_credential, undo_push
from plugin.errors import BadInput, Conflict, Misconfigured, NotFound, Refused
from plugin.store import Store
from tests.connectors.databases import POSTGRES, MariaDBRig, PostgresRig
from tests.web.conftest import ADMIN, Person

HOSTILE = 'it\'s \\ "quoted"; DROP TABLE orders; -- <script>alert(1)</script> %s {x}'
Rig = PostgresRig | MariaDBRig


@pytest.fixture(params=["postgres", "mysql"])
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    """A shop in a real database; a description of Docent's own for a table and a column of it is to be pushed."""
    with (PostgresRig() if request.param == "postgres" else MariaDBRig()).made() as made:
        made.shop()
        yield made


class Shop:
    """The shop as an integration that has been synced and described."""

    def __init__(self, store: Store, rig: Rig) -> None:
        self.store, self.rig = store, rig
        with store.sign_in() as door:
            self.admin = door.viewer_for_email(None, ADMIN)
        settings, secrets = rig.settings()
        self.id = add_integration(
            store, self.admin, "pushed", rig.type, settings=settings, secrets=secrets
        ).id
        assert sync(store, self.admin, self.id).status == "done"
        with store.as_viewer(self.admin) as mine:
            self.table = mine.catalog.by_name(f"{rig.schema}.orders", integration="pushed")
            self.column = next(each for each in mine.catalog.columns(self.table.id) if each.name == "note")
            mine.edits.set_property(self.table.id, "description", HOSTILE)
            mine.edits.set_property(self.column.id, "description", "Ours")
            mine.edits.add_tag(self.table.id, "gold")

    @property
    def credential(self) -> dict[str, str]:
        settings, secrets = self.rig.settings()
        return {**settings, **secrets}

    def at_source(self) -> tuple[str | None, str | None]:
        """The two comments as the database has them."""
        found = {}
        for record in self.rig.connector().extract():
            if getattr(record, "name", "") == "orders" and hasattr(record, "columns"):
                found = {"": record.description, **{each.name: each.description for each in record.columns}}
        return found[""], found["note"]


@pytest.fixture
def shop(demo_store: Store, rig: Rig) -> Shop:
    return Shop(demo_store, rig)


OLD = ("What was bought", "Free text")


def test_it_is_off_until_it_has_a_credential_of_its_own(shop: Shop) -> None:
    with pytest.raises(Misconfigured, match="push back is off"):
        plan_push(shop.store, shop.admin, shop.id)
    with pytest.raises(BadInput, match="url"):
        set_push_credential(shop.store, shop.admin, shop.id, {"url": "gopher://x"})
    with shop.store.sign_in() as door:
        viewer = door.viewer_for_email(None, "priya@harbor.example")
    for call in (
        lambda: set_push_credential(shop.store, viewer, shop.id, shop.credential),
        lambda: plan_push(shop.store, viewer, shop.id),
    ):
        with pytest.raises(Refused):
            call()
    assert shop.at_source() == OLD


def test_another_workspace_has_no_such_plan(shop: Shop, new_workspace: Callable[..., Any]) -> None:
    set_push_credential(shop.store, shop.admin, shop.id, shop.credential)
    plan = plan_push(shop.store, shop.admin, shop.id)
    stranger = new_workspace(shop.store, "Other", "ada@other.example")
    for call in (
        lambda: apply_push(shop.store, stranger, plan.id),
        lambda: undo_push(shop.store, stranger, plan.id),
        lambda: plan_push(shop.store, stranger, shop.id),
        lambda: set_push_credential(shop.store, stranger, shop.id, None),
    ):
        with pytest.raises(NotFound):
            call()
    with shop.store.as_admin(stranger) as door:
        assert not door.pushes.has_credential(shop.id) and door.pushes.list(shop.id) == ()
    assert shop.at_source() == OLD


def test_plan_apply_and_undo(shop: Shop) -> None:
    store, admin = shop.store, shop.admin
    set_push_credential(store, admin, shop.id, shop.credential)
    plan = plan_push(store, admin, shop.id)
    assert [(item.what, item.state) for item in plan.items] == [("description", "ready")] * 2  # no tags there
    assert shop.at_source() == OLD, "a plan writes nothing"
    with pytest.raises(BadInput):
        apply_push(store, admin, plan.id, [7])
    done = apply_push(store, admin, plan.id)
    assert [item.done for item in done.items] == ["applied"] * 2
    assert shop.at_source() == (HOSTILE, "Ours")
    with pytest.raises(Conflict):
        apply_push(store, admin, plan.id)
    assert [item.state for item in plan_push(store, admin, shop.id).items] == ["same"] * 2
    back = undo_push(store, admin, plan.id)
    assert back.state == "undone" and [item.done for item in back.items] == ["undone"] * 2
    assert shop.at_source() == OLD
    with pytest.raises(Conflict):
        undo_push(store, admin, plan.id)
    with store.as_admin(admin) as door:
        said = [entry for entry in door.audit.entries(limit=200) if entry.action.startswith("push.")]
        assert {entry.action for entry in said} == {
            "push.credential",
            "push.plan",
            "push.apply",
            "push.undo",
            "push.done",
        }
        assert HOSTILE not in repr(said) and door.audit.verify()[0]


def test_only_what_a_person_edited_and_only_if_the_source_is_as_it_was(shop: Shop) -> None:
    store, admin = shop.store, shop.admin
    set_push_credential(store, admin, shop.id, shop.credential)
    plan = plan_push(store, admin, shop.id)
    if shop.rig.type == "postgres":
        shop.rig.execute("COMMENT ON TABLE orders IS 'Changed there'")
    else:
        shop.rig.execute("ALTER TABLE orders COMMENT 'Changed there'")
    done = apply_push(store, admin, plan.id)
    assert [(item.done, bool(item.reason)) for item in done.items] == [("failed", True), ("applied", False)]
    assert shop.at_source() == ("Changed there", "Ours")
    conflict = next(item for item in plan_push(store, admin, shop.id).items if item.state == "conflict")
    assert (conflict.before, conflict.expected, conflict.after, conflict.statements) == (
        "Changed there",
        OLD[0],
        HOSTILE,
        (),
    )
    if shop.rig.type == "postgres":
        shop.rig.execute("COMMENT ON COLUMN orders.note IS 'Changed after'")
    else:
        shop.rig.execute("ALTER TABLE orders MODIFY note varchar(90) DEFAULT 'none' COMMENT 'Changed after'")
    back = undo_push(store, admin, plan.id)
    assert [item.done for item in back.items] == ["failed", "applied"] and "changed" in back.items[1].reason
    assert shop.at_source() == ("Changed there", "Changed after")


def test_a_column_that_changed_since_the_plan_is_left_alone(demo_store: Store) -> None:
    with MariaDBRig().made() as rig:
        rig.shop()
        shop = Shop(demo_store, rig)
        set_push_credential(shop.store, shop.admin, shop.id, shop.credential)
        plan = plan_push(shop.store, shop.admin, shop.id)
        rig.execute("ALTER TABLE orders MODIFY note varchar(200) DEFAULT 'none' COMMENT 'Free text'")
        done = apply_push(shop.store, shop.admin, plan.id)
        assert [item.done for item in done.items] == ["applied", "failed"] and "plan again" in done.items[
            1
        ].reason
        assert "varchar(200)" in repr(list(rig.connector().extract()))


def test_the_page(app: Flask, shop: Shop, person: Callable[[str], Person]) -> None:
    maren = person("admin")
    base = f"/integrations/{shop.id}/push"
    assert f'href="{base}"' in maren.get(f"/integrations/{shop.id}").get_data(as_text=True)
    page = maren.get(base).get_data(as_text=True)
    assert "Push back is off" in page and "push_role" in page
    assert maren.post(f"{base}/plan").status_code == 303
    assert "push back is off" in maren.get(base).get_data(as_text=True)
    form = {f"p_{name}": value for name, value in shop.credential.items()}
    assert maren.post(f"{base}/credential", form).status_code == 303
    assert maren.post(f"{base}/plan").status_code == 303
    page = maren.get(base).get_data(as_text=True)
    assert page.count('name="step"') == 2 and "DROP TABLE orders" in page and "<script>alert" not in page
    number = re.search(rf'action="{base}/(\d+)/apply"', page)
    assert number and shop.at_source() == OLD
    assert maren.post(f"{base}/{number[1]}/apply").status_code == 422
    assert maren.post(f"{base}/{number[1]}/apply", {"step": "1"}).status_code == 303
    assert shop.at_source() == (OLD[0], "Ours")
    assert maren.post(f"/integrations/1/push/{number[1]}/undo").status_code in (404, 422)
    assert maren.post(f"{base}/{number[1]}/undo").status_code == 303
    assert shop.at_source() == OLD
    assert maren.post(f"{base}/credential", {"remove": "1"}).status_code == 303
    assert "Push back is off" in maren.get(base).get_data(as_text=True)


def test_the_api(app: Flask, shop: Shop, person: Callable[[str], Person]) -> None:
    maren = person("admin")
    assert maren.api("POST", f"/integrations/{shop.id}/pushes").status_code == 409
    assert (
        maren.api("PUT", f"/integrations/{shop.id}/push-credential", {"values": shop.credential}).status_code
        == 200
    )
    planned = maren.api("POST", f"/integrations/{shop.id}/pushes")
    assert planned.status_code == 201, planned.get_data(as_text=True)
    plan: dict[str, Any] = planned.get_json()
    assert [item["state"] for item in plan["items"]] == ["ready", "ready"] and plan["items"][0]["undo"]
    assert (
        maren.api("POST", f"/pushes/{plan['id']}/apply", {"only": [0]}).get_json()["items"][0]["done"]
        == "applied"
    )
    assert shop.at_source() == (HOSTILE, OLD[1])
    assert maren.api("POST", f"/pushes/{plan['id']}/apply", {}).status_code == 409
    assert maren.api("POST", f"/pushes/{plan['id']}/undo").get_json()["state"] == "undone"
    assert shop.at_source() == OLD
    assert len(maren.api("GET", f"/integrations/{shop.id}/pushes").get_json()["items"]) == 1
    assert maren.api("GET", f"/pushes/{plan['id']}").get_json()["state"] == "undone"
    assert maren.api("GET", "/pushes/999").status_code == 404


def test_the_terminal(demo_store: Store, demo_config: Any) -> None:
    with PostgresRig().made() as rig:
        rig.shop()
        _terminal(Shop(demo_store, rig), demo_config)


def _terminal(shop: Shop, demo_config: Any) -> None:
    docent = str(Path(sys.executable).parent / "docent")
    environ = {**os.environ, "DOCENT_HOME": str(demo_config.home), "PUSH_URL": shop.credential["url"]}

    def run(*words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [docent, "push", *words], env=environ, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == code, done.stderr
        return done

    run("plan", "pushed", code=1)
    assert "push_role" in run("grant", "pushed").stdout
    run("credential", "pushed", "--set", "url=env:PUSH_URL")
    planned = run("plan", "pushed")
    assert (
        "DROP TABLE orders" in planned.stdout
        and "-- undo:" in planned.stdout
        and "2 to run" in planned.stderr
    )
    assert "2 applied, 0 not" in run("apply", "pushed", "--yes").stderr
    assert shop.at_source() == (HOSTILE, "Ours")
    assert "2 undone, 0 not" in run("undo", "pushed", "--yes").stderr
    assert shop.at_source() == OLD
    run("apply", "pushed", "--yes", code=2)
    run("credential", "pushed", "--remove")
    run("plan", "pushed", code=1)


def test_a_schemas_description_goes_where_schemas_have_one(shop: Shop) -> None:
    store, admin, rig = shop.store, shop.admin, shop.rig
    with store.as_viewer(admin) as mine:
        schema = mine.catalog.by_name(rig.schema, integration="pushed")
        mine.edits.set_property(schema.id, "description", HOSTILE)
    set_push_credential(store, admin, shop.id, shop.credential)
    plan = plan_push(store, admin, shop.id)
    of_schema = [place for place, item in enumerate(plan.items) if item.resource_id == schema.id]
    (place,) = of_schema
    if rig.type == "mysql":
        assert plan.items[place].statements[0].startswith(f"ALTER DATABASE `{rig.schema}` COMMENT = ")
        done = apply_push(store, admin, plan.id, [place])
        assert done.items[place].done == "applied"
        told = [each.description for each in rig.connector().extract() if isinstance(each, Schema)]
        assert HOSTILE in told
        assert undo_push(store, admin, plan.id).items[place].done == "undone"
    else:
        before = plan.items[place].before
        done = apply_push(store, admin, plan.id, [place])
        assert done.items[place].done == "applied" and shop.at_source() == OLD
        with psycopg.connect(**POSTGRES, dbname=rig.database, autocommit=True) as connection:
            told = "SELECT obj_description('public'::regnamespace)"
            assert connection.execute(told).fetchone() == (HOSTILE,)
            undone = undo_push(store, admin, plan.id)
            assert undone.items[place].done == "undone"
            assert connection.execute(told).fetchone() == (before,)


def test_a_databases_description_goes_where_databases_have_one(shop: Shop) -> None:
    store, admin, rig = shop.store, shop.admin, shop.rig
    if rig.type == "mysql":
        return  # whose databases are schemas here
    with store.as_viewer(admin) as mine:
        base = mine.catalog.by_name(rig.database, integration="pushed")
        assert base.kind == "database"
        mine.edits.set_property(base.id, "description", HOSTILE)
    set_push_credential(store, admin, shop.id, shop.credential)
    plan = plan_push(store, admin, shop.id)
    (place,) = (place for place, item in enumerate(plan.items) if item.resource_id == base.id)
    assert apply_push(store, admin, plan.id, [place]).items[place].done == "applied"
    told = next(each for each in rig.connector().extract() if isinstance(each, Database))
    assert told.description == HOSTILE
    assert undo_push(store, admin, plan.id).items[place].done == "undone"
    told = next(each for each in rig.connector().extract() if isinstance(each, Database))
    assert told.description == plan.items[place].before
