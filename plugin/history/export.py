"""A chat of one's own as a file: Markdown, JSON, a notebook, or a Python program that asks the same again.

Enters: prompts as the store opened them for their author. Leaves: a `File`. No row of data is in it: results of Run SQL
are never stored, so an answer carries their places only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from plugin.errors import BadInput
from plugin.store.shapes import Prompt


@dataclass(frozen=True, slots=True)
class File:
    """What is downloaded."""

    name: str
    media_type: str
    text: str


def export_chat(title: str, prompts: Sequence[Prompt], form: str) -> File:
    """The chat in one of FORMS. BadInput for another form."""
    if form not in FORMS:
        raise BadInput(f"a chat is exported as one of {', '.join(FORMS)}", field="format")
    media_type, write = FORMS[form]
    stem = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:60] or "chat"
    return File(f"{stem}.{form}", media_type, write(title, prompts))


def _statements(prompt: Prompt) -> list[str]:
    return [str(each["sql"]) for each in prompt.sql if each.get("sql")]


def _markdown(title: str, prompts: Sequence[Prompt]) -> str:
    parts = [f"# {title}"]
    for prompt in prompts:
        parts += [
            f"## {prompt.text}",
            f"*{prompt.at:%Y-%m-%d %H:%M} UTC*",
            prompt.answer or f"({prompt.status})",
        ]
        named = [str(each.get("qualified_name")) for each in prompt.citations if each.get("qualified_name")]
        if named:
            parts.append("Sources: " + ", ".join(f"`{name}`" for name in named))
    return "\n\n".join(parts) + "\n"


def _json(title: str, prompts: Sequence[Prompt]) -> str:
    body = {"title": title, "prompts": [asdict(prompt) for prompt in prompts]}
    return json.dumps(body, default=str, ensure_ascii=False, indent=2) + "\n"


def _notebook(title: str, prompts: Sequence[Prompt]) -> str:
    cells = [_cell("markdown", f"# {title}")]
    for prompt in prompts:
        cells.append(_cell("markdown", f"**{prompt.text}**\n\n{prompt.answer}"))
        cells += [
            _cell("code", f"sql = {_literal(statement)}\nprint(sql)") for statement in _statements(prompt)
        ]
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return json.dumps(
        {"nbformat": 4, "nbformat_minor": 5, "metadata": kernel, "cells": cells}, ensure_ascii=False, indent=1
    )


def _cell(kind: str, text: str) -> dict[str, object]:
    cell: dict[str, object] = {"cell_type": kind, "metadata": {}, "source": text.splitlines(keepends=True)}
    return cell | ({"outputs": [], "execution_count": None} if kind == "code" else {})


def _literal(text: str) -> str:
    """A Python literal that cannot be left from inside: escaped line by line."""
    lines = text.splitlines(keepends=True) or [""]
    return repr(text) if len(lines) == 1 else "(\n" + "".join(f"    {line!r}\n" for line in lines) + ")"


_PROGRAM = '''"""Asks the questions of a chat again, over Docent's API.

Set DOCENT_URL to the address of your Docent and DOCENT_TOKEN to a token with the scope "ask".
"""

import json
import os
import urllib.request

QUESTIONS = [
{questions}]
SQL = [
{statements}]
"""The statements that the answers held; Docent never put their results here."""


def ask(text, chat_id=None):
    body = json.dumps({{"prompt": text, "chat_id": chat_id}}).encode()
    request = urllib.request.Request(
        os.environ["DOCENT_URL"].rstrip("/") + "/api/v1/prompts",
        data=body,
        headers={{
            "Authorization": "Bearer " + os.environ["DOCENT_TOKEN"],
            "Content-Type": "application/json",
            "Accept": "application/json",
        }},
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


if __name__ == "__main__":
    chat = None
    for question in QUESTIONS:
        answered = ask(question, chat)
        chat = answered["chat_id"]
        print(question, answered["answer"], sep="\\n\\n", end="\\n\\n")
'''


def _python(title: str, prompts: Sequence[Prompt]) -> str:
    statements = [statement for prompt in prompts for statement in _statements(prompt)]
    return _PROGRAM.format(
        questions="".join(f"    {prompt.text!r},\n" for prompt in prompts),
        statements="".join(f"    {statement!r},\n" for statement in statements),
    )


FORMS: dict[str, tuple[str, Callable[[str, Sequence[Prompt]], str]]] = {
    "md": ("text/markdown", _markdown),
    "json": ("application/json", _json),
    "ipynb": ("application/x-ipynb+json", _notebook),
    "py": ("text/x-python", _python),
}
