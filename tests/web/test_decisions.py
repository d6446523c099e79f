"""Decision receipts as pages and over the API: whose they are, what they tell, and what is told no more."""

from __future__ import annotations

from collections.abc import Callable

from plugin.errors import Refused
from plugin.run_sql.results import Results
from plugin.run_sql.run import run
from plugin.store import Store
from tests.web.conftest import EDITOR, Person

GOOD = "SELECT order_id, status FROM sales.orders"


def attempt(store: Store, email: str | None, sql: str) -> int:
    """One attempt of a member's on the warehouse; the id of its receipt."""
    with store.sign_in() as door:
        who = door.viewer_for_email(None, email)
    with store.as_viewer(who) as door:
        (warehouse,) = [each for each in door.me.query_integrations() if each.name == "warehouse"]
    try:
        run(store, who, warehouse.id, sql, results=Results(), session="s")
    except Refused:
        pass
    with store.as_viewer(who) as door:
        return door.record.receipts(1)[0].id


def hide_all(store: Store) -> None:
    """Take back what every team was given of the warehouse; query permission stays."""
    with store.sign_in() as door:
        admin = door.viewer_for_email(None, None)
    with store.as_admin(admin) as door:
        for team in door.people.teams():
            for grant in door.people.grants(team.id):
                if grant.integration == "warehouse":
                    door.people.revoke(team.id, grant.integration_id, grant.resource_id)


def test_a_member_sees_their_own_and_an_admin_all(demo_store: Store, person: Callable[[str], Person]) -> None:
    mine, another = attempt(demo_store, EDITOR, GOOD), attempt(demo_store, None, GOOD)
    editor, admin, viewer = person("editor"), person("admin"), person("viewer")
    page = editor.get("/decisions").get_data(as_text=True)
    assert f"Decision {mine}" in page and f"Decision {another}<" not in page
    assert [each["id"] for each in editor.get("/api/v1/sql/decisions").json["items"]] == [mine]
    assert {each["id"] for each in admin.get("/api/v1/sql/decisions").json["items"]} >= {mine, another}
    assert "Nothing was run yet" in viewer.get("/decisions").get_data(as_text=True)
    for path in (f"/decisions/{another}", f"/api/v1/sql/decisions/{another}"):
        assert editor.get(path).status_code == viewer.get(path).status_code == 404
        assert admin.get(path).status_code == 200
    assert editor.get(f"/decisions/{mine}").status_code == 200


def test_filters_narrow_the_list_and_the_cursor_goes_on(
    demo_store: Store, person: Callable[[str], Person]
) -> None:
    good, bad = attempt(demo_store, EDITOR, GOOD), attempt(demo_store, EDITOR, "DELETE FROM sales.orders")
    admin = person("admin")
    read = "/api/v1/sql/decisions"
    refused = admin.get(f"{read}?verdict=refused&member={EDITOR}").json["items"]
    assert [each["id"] for each in refused] == [bad] and refused[0]["gate"] == "read_only"
    assert "only a query that reads" in refused[0]["reason"]
    first = admin.get(f"{read}?limit=1").json
    assert [each["id"] for each in first["items"]] == [bad]
    second = admin.get(f"{read}?limit=1&cursor={first['next_cursor']}").json
    assert [each["id"] for each in second["items"]] == [good]
    assert admin.get(f"{read}?cursor=x").status_code == 422
    page = admin.get("/decisions?verdict=allowed").get_data(as_text=True)
    assert f"Decision {good}<" in page and f"Decision {bad}<" not in page
    assert "No decision fits" in admin.get("/decisions?integration=987654").get_data(as_text=True)


def test_a_receipt_shows_its_gates_and_todays(demo_store: Store, person: Callable[[str], Person]) -> None:
    number = attempt(demo_store, EDITOR, GOOD)
    editor = person("editor")
    told = editor.get(f"/api/v1/sql/decisions/{number}").json
    assert told["statement"] == "select" and told["tables"] and told["columns"]
    assert told["verdict_now"] == "allowed" and told["changes"] == [] and not told["withheld"]
    with demo_store.sign_in() as door:
        admin = door.viewer_for_email(None, None)
    with demo_store.as_admin(admin) as door:
        door.settings.set("ai.run_sql", False)
    page = editor.get(f"/decisions/{number}").get_data(as_text=True)
    assert "Run SQL: was open, is closed" in page and "Would be refused" in page
    assert "sales.orders" in page


def test_a_name_that_is_hidden_now_is_not_told(demo_store: Store, person: Callable[[str], Person]) -> None:
    statements = (GOOD, "SELECT nosuch FROM sales.orders", "SELECT load_extension(status) FROM sales.orders")
    numbers = [attempt(demo_store, EDITOR, sql) for sql in statements]
    editor = person("editor")
    paths = ["/decisions", "/api/v1/sql/decisions"]
    paths += [f"{start}/{number}" for number in numbers for start in paths[:2]]
    before = "".join(editor.get(path).get_data(as_text=True) for path in paths)
    names = ("sales.orders", "nosuch", "load_extension", "order_id")
    assert all(name in before for name in names)
    hide_all(demo_store)
    for path in paths:
        told = editor.get(path).get_data(as_text=True)
        for name in names:
            assert name not in told, (path, name)


def test_a_run_that_is_opened_as_an_address_leads_back(person: Callable[[str], Person]) -> None:
    editor = person("editor")
    answer = editor.get("/queries/7/run")
    assert (answer.status_code, answer.location) == (303, "/queries#q-7")
    assert "Nothing was run" in editor.get("/queries").get_data(as_text=True)
