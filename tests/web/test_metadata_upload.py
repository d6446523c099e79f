"""Custom metadata by upload on the integration's page, and what the page and the documentation say of the format."""

from __future__ import annotations

import html
import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from plugin.access.viewer import Viewer
from plugin.catalog.custom import parse_jsonl
from plugin.catalog.sync import imports
from plugin.errors import BadInput, NotFound
from plugin.store import Store
from tests.web.conftest import Person

DOC = Path(__file__).parents[2] / "docs" / "custom-metadata.md"


def made(admin: Person, name: str) -> int:
    return int(admin.api("POST", "/integrations", {"name": name, "type": "custom"}).json["id"])


def sent(who: Person, id_: int, content: str | bytes, filename: str = "a.csv", **more: str) -> str:
    raw = content if isinstance(content, bytes) else content.encode()
    answer = who.post(f"/integrations/{id_}/metadata", {"file": (io.BytesIO(raw), filename), **more})
    return f"{answer.status_code} {answer.text}"


def test_the_examples_on_the_page_can_be_uploaded_there(person: Callable[[str], Person]) -> None:
    admin = person("admin")
    id_ = made(admin, "sheets")
    page = admin.get(f"/integrations/{id_}").text
    examples = [html.unescape(each) for each in re.findall(r'<pre class="code"[^>]*>([^<]*)</pre>', page)]
    assert [each[:8] for each in examples] == ["database", '{"entity'] and "Check the connection" not in page
    assert "3 lines imported" in sent(admin, id_, examples[0])
    assert "3 lines imported" in sent(admin, id_, examples[1], "b.jsonl")
    hits = admin.get("/api/v1/search?q=customers").json["hits"]
    assert any(each["resource"]["qualified_name"] == "shop.sales.customers" for each in hits)
    assert sent(person("editor"), id_, examples[0]).startswith("403")


def test_the_examples_of_the_documentation_are_imported(store: Store, admin: Viewer, tmp_path: Path) -> None:
    blocks = re.findall(r"```(csv|jsonl)\n(.*?)```", DOC.read_text(), re.DOTALL)
    assert [kind for kind, _text in blocks] == ["csv", "jsonl"]
    for kind, text in blocks:
        file = tmp_path / f"x.{kind}"
        file.write_text(text)
        assert imports.import_path(store, admin, str(file), integration=kind).errors == ()


def test_bad_lines_of_an_upload_are_named_and_a_complete_one_is_whole(
    person: Callable[[str], Person],
) -> None:
    admin = person("admin")
    id_ = made(admin, "uploads")
    head = "database,schema,name,col_name\n"
    good = "".join(f"x,uploads_s,up_{number},id\n" for number in range(30))
    assert "30 lines imported" in sent(admin, id_, (head + good).encode("utf-16"))
    told = sent(admin, id_, head + good + "x,,up_9,id\n", complete="1")
    assert "Nothing of a.csv was imported" in told and '<th scope="row" class="num">32</th>' in told
    told = sent(admin, id_, head + good + "x,,up_9,id\n")
    assert "30 lines imported" in told and '<th scope="row" class="num">32</th>' in told
    few = head + "x,uploads_s,up_0,id\n"
    assert sent(admin, id_, few, complete="1").startswith(("303", "422")), "more than half would go"
    assert "58 removed" in sent(admin, id_, few, complete="1", force="1")


def test_only_an_integration_of_custom_metadata_takes_an_upload(store: Store, admin: Viewer) -> None:
    with store.as_admin(admin) as door:
        other = door.integrations.add("lake", "sqlite")
    with pytest.raises(BadInput, match="custom"):
        imports.import_upload(store, admin, other.id, "a.csv", b"")
    with pytest.raises(NotFound):
        imports.import_upload(store, admin, 4711, "a.csv", b"")


def test_a_push_beside_another_is_told_when_to_come_again(
    person: Callable[[str], Person], demo_store: Store
) -> None:
    id_ = made(person("admin"), "twice")
    with demo_store.sign_in() as door:
        workspace_id = door.viewer_for_email(None, None).workspace_id
    with demo_store.ingest(workspace_id, id_) as ingest:
        running = ingest.syncs.start(ingest.syncs.queue(id_).id)
    answer = person("admin").api("POST", f"/integrations/{id_}/metadata", {"items": []})
    assert answer.status_code == 409 and int(answer.headers["Retry-After"]) > 0
    with demo_store.ingest(workspace_id, id_) as ingest:
        ingest.syncs.finish(running.id, "done")
    assert person("admin").api("POST", f"/integrations/{id_}/metadata", {"items": []}).status_code == 200


def test_a_push_may_be_larger_than_other_bodies(person: Callable[[str], Person]) -> None:
    admin = person("admin")
    address = f"/integrations/{made(admin, 'large')}/metadata"
    items = [
        {"entity_type": "table", "databuilder_id": f"t{number}", "title": f"t{number}", "schema": "large_s",
         "description": "d" * 900_000} for number in range(3)
    ]  # fmt: skip
    assert len(json.dumps(items)) > 2 * 1024 * 1024
    assert admin.api("POST", address, {"items": items}).json["imported"] == 3


def test_a_file_of_which_nothing_can_be_read_makes_no_integration(store: Store, admin: Viewer) -> None:
    done = imports.take(store, admin, parse_jsonl(["nonsense"]), integration="typo")
    assert len(done.errors) == 1
    with store.as_admin(admin) as door, pytest.raises(NotFound):
        door.integrations.by_name("typo")
