"""Home: what is popular among what one sees, what one looked at, what waits for one, and for admins how syncs are."""

from __future__ import annotations

import re
from collections.abc import Callable

from flask import Flask

from plugin.store import Store
from tests.web.conftest import Person
from tests.web.test_roles import id_of


def home(who: Person) -> str:
    return who.get("/").get_data(as_text=True)


def test_an_admin_sees_the_health_of_syncs_and_others_do_not(person: Callable[[str], Person]) -> None:
    page = home(person("admin"))
    assert "Health of syncs" in page and "Up to date" in page and "hr.employees" in page
    for role in ("editor", "viewer", "guest"):
        page = home(person(role))
        assert "Health of syncs" not in page and "hr." not in page and "Popular in your teams" in page


def test_a_proposal_is_accepted_where_it_waits(demo_store: Store, person: Callable[[str], Person]) -> None:
    orders = id_of(demo_store, "sales.orders")
    person("viewer").api("PATCH", f"/resources/{orders}", {"description": "Words that wait."})
    assert 'name="accept"' not in home(person("viewer")), "who proposes does not decide"
    admin = person("admin")
    page = home(admin)
    assert "Words that wait." in page and "Jonas Berg" in page
    number = re.search(r'action="/r/proposals/(\d+)"', page).group(1)
    admin.post(f"/r/proposals/{number}", {"accept": "1"})
    assert "Words that wait." not in home(admin).split("Waits for you")[1]
    assert admin.api("GET", f"/resources/{orders}").json["description"] == "Words that wait."


def test_what_one_looked_at_is_read_anew_each_time(
    demo_store: Store, person: Callable[[str], Person]
) -> None:
    admin, salaries = person("admin"), id_of(demo_store, "hr.salaries")
    admin.get(f"/r/{salaries}")
    assert "hr.salaries" in home(admin).split("You looked at")[1]
    assert "hr.salaries" not in home(person("editor"))


def test_a_guest_of_no_team_reads_what_will_happen(
    app: Flask, demo_store: Store, person: Callable[[str], Person]
) -> None:
    with demo_store.sign_in() as door:
        viewer = door.viewer_for_email(None, None)
    with demo_store.as_admin(viewer) as admin:
        admin.people.add_member("nobody@harbor.example", "guest", password="a long password")
    guest = Person(app)
    assert guest.sign_in("nobody@harbor.example", "a long password").status_code == 303
    assert "Nothing is shared with you yet" in home(guest)
    for path in ("/catalog", "/search?q=orders", "/glossary", "/integrations", "/assistant"):
        page = guest.get(path)
        assert page.status_code == 200 and "sales" not in page.get_data(as_text=True), path


def test_an_older_proposal_is_on_its_own_page_whatever_waits_elsewhere(
    demo_store: Store, person: Callable[[str], Person]
) -> None:
    orders, payments = id_of(demo_store, "sales.orders"), id_of(demo_store, "sales.customers")
    viewer = person("viewer")
    for resource in (orders, payments):
        viewer.api("PATCH", f"/resources/{resource}", {"description": f"Words about {resource}."})
    with demo_store.sign_in() as door:
        viewing = door.viewer_for_email(None, None)
    with demo_store.as_viewer(viewing) as mine:
        (newest,) = mine.edits.proposals(limit=1)
        (own,) = mine.edits.proposals(about=orders, limit=1)
    assert (newest.resource_id, own.resource_id) == (payments, orders)
