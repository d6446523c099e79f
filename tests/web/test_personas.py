"""Personas on the pages: an admin adds one for a team, its members choose it beside their question."""

from __future__ import annotations

from collections.abc import Callable

from tests.web.conftest import Person


def test_a_persona_is_added_chosen_and_removed(person: Callable[[str], Person]) -> None:
    admin, viewer = person("admin"), person("viewer")
    assert "data-persona" not in viewer.get("/assistant").get_data(as_text=True)
    form = {"name": "Harbour guide", "instructions": "Speak of ships.", "schemas": "supply"}
    assert admin.post("/settings/ai/personas", form).status_code == 303
    page = admin.get("/settings/ai").get_data(as_text=True)
    assert "Harbour guide" in page and "include: schemas supply" in page
    assert "<option>Harbour guide</option>" in viewer.get("/assistant").get_data(as_text=True)
    asked = viewer.api(
        "POST", "/prompts", {"prompt": "which tables are about orders?", "persona": "Harbour guide"}
    )
    assert asked.status_code == 201
    kinds = {each["kind"] for each in asked.json["citations"] if "supply" not in each["qualified_name"]}
    assert asked.json["citations"] and kinds <= {"term", "document"}, asked.json["citations"]
    unknown = viewer.api("POST", "/prompts", {"prompt": "orders?", "persona": "Pirate"})
    assert unknown.status_code == 422 and "Harbour guide" in unknown.json["detail"]
    assert admin.post("/settings/ai/personas", {"remove": "0"}).status_code == 303
    assert "Harbour guide" not in viewer.get("/assistant").get_data(as_text=True)


def test_in_force_now_names_the_personas(person: Callable[[str], Person]) -> None:
    admin, viewer = person("admin"), person("viewer")
    assert "can be chosen beside a question" not in admin.get("/settings/ai").text
    admin.post("/settings/ai/personas", {"name": "Finance analyst", "instructions": "Be brief."})
    for page in (admin.get("/settings/ai"), admin.get("/trust/data-flow"), viewer.get("/trust/data-flow")):
        assert "One persona can be chosen beside a question:" in page.text and "Finance analyst." in page.text


def test_who_may_not_ask_reads_why_and_finds_no_button_to(person: Callable[[str], Person]) -> None:
    guest, viewer = person("guest"), person("viewer")
    assert "data-starter" in viewer.get("/assistant").text
    text = guest.get("/assistant").text
    assert "Guests may not ask here" in text and "data-starter" not in text
