"""Metadata by push over HTTP."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from tests.web.conftest import Person


def test_custom_metadata_is_pushed_and_bad_lines_are_named(person: Callable[[str], Person]) -> None:
    admin = person("admin")
    made = admin.api("POST", "/integrations", {"name": "pushed", "type": "custom"})
    assert made.status_code == 201
    address = f"/integrations/{made.json['id']}/metadata"
    items = [
        {"entity_type": "table", "databuilder_id": "t", "title": "leads", "schema": "crm", "database": "x"},
        {"entity_type": "dashboard", "databuilder_id": "d"},
        {"entity_type": "nonsense", "databuilder_id": "n", "title": "n"},
    ]
    strict = admin.api("POST", address, {"items": items, "strict": True}).json
    assert (strict["created"], [each["line"] for each in strict["errors"]]) == (0, [2, 3])
    done = admin.api("POST", address, {"items": items}).json
    assert done["imported"] == 1 and [each["line"] for each in done["errors"]] == [2, 3]
    hits = admin.get("/api/v1/search?q=leads").json["hits"]
    assert "leads" in {each["resource"]["name"] for each in hits}
    assert person("viewer").api("POST", address, {"items": []}).status_code == 403


def test_properties_go_out_and_come_in(person: Callable[[str], Person]) -> None:
    admin = person("admin")
    lines = admin.get("/api/v1/properties").json
    assert lines["items"] and lines["next_cursor"] is None
    one = next(each for each in lines["items"] if each["kind"] == "table")
    line = {"qualified_name": one["qualified_name"], "integration": one["integration"], "tags": ["pushed"]}
    done = admin.api("POST", "/properties", {"items": [line, {"qualified_name": "no.such.thing"}]}).json
    assert (done["changed"], [each["line"] for each in done["errors"]]) == (1, [2])
    again = admin.get("/api/v1/properties").json["items"]
    assert next(each for each in again if each["qualified_name"] == one["qualified_name"])["tags"] == [
        "pushed"
    ]
    assert admin.api("POST", "/properties", {"items": again}).json["changed"] == 0


def test_properties_come_a_part_at_a_time_columns_last(person: Callable[[str], Person]) -> None:
    admin = person("admin")
    whole = admin.get("/api/v1/properties?columns=true&limit=1000").json
    found, cursor, parts = list(whole["items"]), whole["next_cursor"], 1
    while cursor:
        part = admin.get(f"/api/v1/properties?columns=true&limit=1000&cursor={quote(cursor)}").json
        found, cursor, parts = found + part["items"], part["next_cursor"], parts + 1
    assert parts > 1
    small: list[dict[str, Any]] = []
    cursor = ""
    while cursor is not None and len(small) <= len(found):
        more = f"&cursor={quote(cursor)}" if cursor else ""
        part = admin.get(f"/api/v1/properties?columns=true&limit=7{more}").json
        assert len(part["items"]) <= 7
        small, cursor = small + part["items"], part["next_cursor"]
    assert small == found and len({each["id"] for each in found}) == len(found)
    kinds = [each["kind"] == "column" for each in found]
    assert True in kinds and kinds == sorted(kinds)
    assert admin.get("/api/v1/properties?cursor=nonsense").status_code == 422


def test_the_catalog_page_leads_to_a_csv_of_what_one_sees(person: Callable[[str], Person]) -> None:
    admin, guest = person("admin"), person("guest")
    assert "/catalog/properties.csv" in admin.get("/catalog").text
    mine, theirs = (each.get("/catalog/properties.csv") for each in (admin, guest))
    assert mine.content_type.startswith("text/csv")
    assert len(theirs.text.splitlines()) < len(mine.text.splitlines())


def test_properties_come_back_through_the_page_with_bad_lines_by_number(
    person: Callable[[str], Person],
) -> None:
    admin, viewer = person("admin"), person("viewer")
    one = next(each for each in admin.get("/api/v1/properties").json["items"] if each["kind"] == "table")
    text = f"qualified_name,description\n{one['qualified_name']},From a sheet\nno.such.thing,x\n"

    def sent(who: Person, content: bytes, **more: str) -> str:
        form = {"file": (io.BytesIO(content), "properties.csv"), **more}
        answer = who.post("/catalog/import", form)
        return f"{answer.status_code} {answer.text}"

    refused = sent(admin, text.encode(), strict="1")
    assert (
        "Nothing of properties.csv was imported" in refused
        and "From a sheet" not in admin.get("/catalog").text
    )
    taken = sent(admin, text.encode("utf-8-sig"))
    assert "1 line changed something" in taken and '<th scope="row" class="num">3</th>' in taken
    assert "From a sheet" in admin.get("/catalog").text
    assert "not UTF-8" in sent(admin, text.replace("sheet", "Blätt").encode("latin-1"))
    noted = text.replace("description", "description,note").replace("a sheet", "Blätt,x")
    for content in (noted.encode("utf-16"), gzip.compress(noted.encode())):
        again = sent(admin, content)
        assert "1 line" in again and "no property is called so: note" in again and "2 lines" not in again
    assert "From Blätt" in admin.get("/catalog").text
    assert sent(viewer, text.encode()).startswith("403") and viewer.get("/catalog/import").status_code == 403
    assert "/catalog/import" in admin.get("/catalog").text
    assert "/catalog/import" not in viewer.get("/catalog").text
