"""Templates, sharing, export, what is remembered, and erasing: through the pages."""

from __future__ import annotations

import ast
import html
import json
import re
from collections.abc import Callable

import pytest

from plugin.store import Store
from tests.web.conftest import EDITOR, Person


def ask(who: Person, text: str) -> int:
    made = who.api("POST", "/prompts", {"prompt": text})
    assert made.status_code == 201, made.get_data(as_text=True)
    return int(made.json["chat_id"])


def text_of(who: Person, path: str) -> str:
    answer = who.get(path)
    assert answer.status_code == 200, f"{path}: {answer.status_code}"
    return html.unescape(answer.get_data(as_text=True))


def test_a_template_is_kept_filled_in_and_deleted(person: Callable[[str], Person]) -> None:
    viewer = person("viewer")
    kept = viewer.post("/history/templates", {"name": "Owners", "text": "Who owns {{table}} in {{ place }}?"})
    assert kept.status_code == 303
    page = text_of(viewer, "/history/templates")
    number = re.search(r"/history/templates/(\d+)/use", page).group(1)
    assert 'name="v-table"' in page and 'name="v-place"' in page
    used = viewer.post(
        f"/history/templates/{number}/use", {"v-table": "sales.orders", "v-place": "{{table}}"}
    )
    assert used.status_code == 303
    assert "Who owns sales.orders in {{table}}?" in text_of(viewer, used.headers["Location"])
    other = person("editor")
    assert "Owners" not in text_of(other, "/history/templates")
    assert other.post(f"/history/templates/{number}/delete").status_code in (303, 404)
    assert "Owners" in text_of(viewer, "/history/templates")
    assert viewer.post(f"/history/templates/{number}/delete").status_code == 303
    assert f"/history/templates/{number}/use" not in text_of(viewer, "/history/templates")


def test_a_chat_is_shared_read_and_taken_back(person: Callable[[str], Person]) -> None:
    admin, editor, viewer = person("admin"), person("editor"), person("viewer")
    chat = ask(admin, "What is sales.orders?")
    assert editor.get(f"/history/shared/{chat}").status_code == 404
    assert admin.post(f"/history/{chat}/share", {"email": EDITOR}).status_code == 303
    assert EDITOR in text_of(admin, f"/history/{chat}/share")
    assert "Shared with 1" in text_of(admin, f"/assistant/{chat}")  # never "Only you" then
    assert f"/history/shared/{chat}" in text_of(editor, "/history/shared")
    assert "What is sales.orders?" in text_of(editor, f"/history/shared/{chat}")
    assert viewer.get(f"/history/shared/{chat}").status_code == 404
    assert editor.get(f"/history/{chat}/share").status_code == 404  # only its author shares it
    found = re.search(r'name="subject" value="(member:\d+)"', text_of(admin, f"/history/{chat}/share"))
    taken = admin.post(f"/history/{chat}/share", {"subject": found.group(1), "remove": "1"})
    assert taken.status_code == 303
    assert editor.get(f"/history/shared/{chat}").status_code == 404


@pytest.mark.parametrize("form", ["md", "json", "ipynb", "py"])
def test_a_chat_is_exported(person: Callable[[str], Person], form: str) -> None:
    admin = person("admin")
    question = 'Show SQL for orders """ per customer\\'
    chat = ask(admin, question)
    answer = admin.get(f"/history/{chat}/export?format={form}")
    assert answer.status_code == 200
    assert f'.{form}"' in answer.headers["Content-Disposition"]
    text = answer.get_data(as_text=True)
    if form == "py":
        tree = ast.parse(text)
        kept = {
            node.targets[0].id: ast.literal_eval(node.value)
            for node in tree.body
            if isinstance(node, ast.Assign)
        }
        assert kept["QUESTIONS"] == [question]
    elif form == "ipynb":
        book = json.loads(text)
        assert book["nbformat"] == 4 and any(question in "".join(cell["source"]) for cell in book["cells"])
        for cell in book["cells"]:
            if cell["cell_type"] == "code":
                ast.parse("".join(cell["source"]))
    elif form == "json":
        assert json.loads(text)["prompts"][0]["text"] == question
    else:
        assert question in text
    assert person("editor").get(f"/history/{chat}/export?format={form}").status_code == 404


def test_all_that_is_mine_is_exported_then_erased(person: Callable[[str], Person], demo_store: Store) -> None:
    editor = person("editor")
    chat = ask(editor, "What is sales.orders?")
    editor.post("/history/templates", {"name": "Owners", "text": "Who owns {{table}}?"})
    with demo_store.sign_in() as door:
        viewer = door.viewer_for_email(None, EDITOR)
    with demo_store.as_viewer(viewer) as mine:
        first = mine.history.memory.remember("Answer in short sentences")
        mine.history.memory.remember("Prefer marts")
    assert "Answer in short sentences" in text_of(editor, "/history/mine")
    assert editor.post(f"/history/memory/{first.id}/forget").status_code == 303
    assert "Answer in short sentences" not in text_of(editor, "/history/mine")
    kept = editor.get("/history/mine.json").get_json(force=True)
    assert kept["chats"] and kept["templates"] and kept["preferences"]
    assert editor.post("/history/mine/erase", {"sure": "no"}).status_code in (303, 422)
    assert editor.get(f"/assistant/{chat}").status_code == 200
    receipt = editor.post("/history/mine/erase", {"sure": "erase"})
    assert receipt.status_code == 200 and "Erased at" in receipt.get_data(as_text=True)
    assert editor.get(f"/assistant/{chat}").status_code == 404
    left = editor.get("/history/mine.json").get_json(force=True)
    records = left.pop("records")
    assert not any(left.values())
    assert records["account"]["email"] == EDITOR, (
        "who they are stays until they leave, and no text of theirs with it"
    )
    assert not any(
        text in str(records) for text in ("What is sales.orders", "Prefer marts", "Who owns {{table}}")
    )
