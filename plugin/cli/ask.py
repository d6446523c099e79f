"""`docent ask`: the assistant in the terminal, streamed."""

from __future__ import annotations

import sys
from typing import Any

import click

from plugin.cli.session import Session, command_options, json_option, print_json, say
from plugin.errors import DocentError


@click.command()
@command_options
@json_option
@click.argument("text")
@click.option("--chat", "chat_id", type=int, metavar="ID", help="Go on with an earlier chat.")
@click.option("--persona", metavar="NAME")
@click.option(
    "--provider", metavar="P", help="For admins, audited: ask this provider instead of the workspace's."
)
@click.pass_obj
def ask(
    session: Session, text: str, chat_id: int | None, persona: str | None, provider: str | None, as_json: bool
) -> None:
    """Ask about the data. Answers from metadata that you may see."""
    from plugin.assistant import Question
    from plugin.assistant import ask as ask_assistant
    from plugin.egress.gateway import Gateway

    try:
        viewer = session.viewer()
    except DocentError as error:
        if as_json:
            print_json(_document({}, {"message": str(error)}))
        raise
    question = Question(text=text, chat_id=chat_id, persona=persona, provider=provider)
    gateway = Gateway(session.store, session.config)
    done: dict[str, Any] = {}
    failure: dict[str, Any] | None = None
    for event in ask_assistant(session.store, gateway, viewer, question):
        if event.name == "text" and not as_json:
            sys.stdout.write(event.data["text"])
            sys.stdout.flush()
        elif event.name == "step" and not as_json and event.data["state"] in ("done", "failed"):
            say(f"· {event.data['title']}{': ' + event.data['summary'] if event.data.get('summary') else ''}")
        elif event.name == "done":
            done = event.data
        elif event.name == "error":
            failure = event.data
    if as_json:
        print_json(_document(done, failure))
    else:
        sys.stdout.write("\n")
        for each in done.get("citations", ()):
            say(f"[{each['n']}] {each['qualified_name']}")
        for each in done.get("unknown", ()):
            nearest = f"; nearest: {each['nearest']}" if each.get("nearest") else ""
            say(f"Not in the catalog: {each['name']}{nearest}")
    if failure:
        say(f"docent: {failure['message']}")
        sys.exit(3 if failure.get("status") in (401, 403, 429) else 1)


def _document(done: dict[str, Any], failure: dict[str, Any] | None) -> dict[str, Any]:
    """The one JSON document of the contract; where something failed, with what came before and an `error`."""
    return {
        "prompt_id": done.get("prompt_id", (failure or {}).get("prompt_id")),
        "chat_id": done.get("chat_id", (failure or {}).get("chat_id")),
        "answer": done.get("answer", ""),
        "citations": [each["qualified_name"] for each in done.get("citations", ())],
        "sql": [each["sql"] for each in done.get("sql", ())],
        "steps": [{"tool": each["tool"], "ok": each["ok"]} for each in done.get("steps", ())],
        "provider": done.get("provider"),
        "usage": done.get("usage", {}),
        **({"error": failure["message"]} if failure else {}),
    }
