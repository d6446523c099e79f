"""Breaking the glass, monitoring and hosts on hold, as people see them."""

from __future__ import annotations

import re
from collections.abc import Callable

from flask import Flask

from plugin.access.viewer import Surface, Viewer
from plugin.store import Store
from tests.web.conftest import ADMIN, VIEWER, Person

SECRET = "How many wombats are there?"


def viewer_of(store: Store, email: str) -> Viewer:
    with store.sign_in() as door:
        return door.viewer_for_email(None, email, Surface.PAGE)


def test_an_admin_breaks_the_glass_and_the_author_is_told(
    demo_store: Store, person: Callable[[str], Person]
) -> None:
    author, admin = viewer_of(demo_store, VIEWER), person("admin")
    with demo_store.as_viewer(author) as mine:
        prompt = mine.history.start(None, SECRET)
        mine.history.finish(prompt.id, answer="**Seven**.", status="done")
    page = admin.get("/oversight").get_data(as_text=True)
    assert SECRET not in page and VIEWER in page
    for reason, hours in (("short", "1"), ("A proper reason for it", "25")):
        bad = admin.post(
            "/oversight/readings", {"member": author.member_id, "reason": reason, "hours": hours}
        )
        assert bad.status_code == 422
    done = admin.post(
        "/oversight/readings",
        {"member": author.member_id, "reason": "Investigating incident 7", "hours": "2"},
    )
    assert done.status_code == 303
    listed = admin.get(done.location).get_data(as_text=True)
    assert SECRET in listed
    chat = re.search(r'href="(/oversight\?reading=\d+&amp;chat=\d+)"', listed)
    assert chat is not None
    assert "<strong>Seven</strong>" in admin.get(chat.group(1).replace("&amp;", "&")).get_data(as_text=True)
    told = person("viewer")
    assert f"{ADMIN} may read your chats" in told.get("/").get_data(as_text=True)
    assert "Investigating incident 7" in told.get("/history/mine").get_data(as_text=True)
    reading = re.search(r"reading=(\d+)", done.location)
    assert reading is not None
    assert admin.post(f"/oversight/readings/{reading.group(1)}/end").status_code == 303
    over = admin.get(done.location)
    assert over.status_code == 403 and SECRET not in over.get_data(as_text=True)
    with demo_store.as_admin(viewer_of(demo_store, ADMIN)) as door:
        actions = {each.action for each in door.audit.entries(action="break_glass")}
        assert actions == {"break_glass.open", "break_glass.list", "break_glass.read", "break_glass.end"}
        assert SECRET not in repr(list(door.audit.export()))


def test_monitoring_is_said_in_every_composer(
    app: Flask, demo_store: Store, person: Callable[[str], Person]
) -> None:
    admin, member = person("admin"), person("viewer")
    assert "admins can read" not in member.get("/assistant").get_data(as_text=True)
    assert admin.post("/settings/ai/set/monitoring.content", {"value": "true"}).status_code == 303
    for path in ("/assistant", "/catalog", "/trust/data-flow"):
        assert "Admins can read your question" in member.get(path).get_data(as_text=True), path
    assert "turned on monitoring" in member.get("/").get_data(as_text=True)
    assert member.api("POST", "/prompts", {"prompt": SECRET}).status_code == 201
    page = admin.get("/oversight")
    assert SECRET not in page.get_data(as_text=True), "looking is a deliberate, audited act"
    assert SECRET in admin.get("/oversight?member=").get_data(as_text=True)
    assert admin.post("/settings/ai/set/monitoring.content", {"value": "false"}).status_code == 303
    assert SECRET not in admin.get("/oversight?member=").get_data(as_text=True)
    assert "admins can read" not in member.get("/assistant").get_data(as_text=True)


def test_a_host_on_hold_is_said_where_one_types(demo_store: Store, person: Callable[[str], Person]) -> None:
    admin, member = person("admin"), person("viewer")
    who = viewer_of(demo_store, ADMIN)
    with demo_store.as_viewer(who) as mine:
        mine.hosts.use("api.openai.com", "openai", "us", trusted=False)
    with demo_store.as_admin(who) as door:
        door.settings.apply({"ai.provider": "anthropic", "ai.model": "m"})
    page = member.get("/assistant").get_data(as_text=True)
    assert "on hold until" in page and "nothing leaves" in page and "object in the register" in page
    assert "is a new provider host, on hold" in member.get("/").get_data(as_text=True)
    answer = member.api("POST", "/prompts", {"prompt": "Which tables are there?"})
    assert "on hold until" in answer.get_data(as_text=True)
    assert (
        member.post("/trust/register/object", {"host": "api.anthropic.com", "reason": "no"}).status_code
        == 303
    )
    assert "objects to the provider host" in admin.get("/").get_data(as_text=True)
    with demo_store.as_admin(who) as door:
        door.settings.set("providers.notice_days", 0)
    assert "on hold until" in member.get("/assistant").get_data(as_text=True), "a setting is no acceptance"
    taken = {"host": "api.anthropic.com", "reason": "Contract 12 is signed"}
    assert admin.post("/trust/register/accept", taken).status_code == 303
    assert "on hold" not in member.get("/assistant").get_data(as_text=True)
    assert "Contract 12 is signed" in member.get("/trust/register").get_data(as_text=True)
