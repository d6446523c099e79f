"""An answer from the history, as its reader may see it today.

An answer is kept as it was written; rights change. Before it is shown again, every resource that it cites, found or
selects from is looked up through the reader's own door: what they may not see any more, or what is gone, is neither
named, linked nor listed, and a statement over it is not shown. Hidden and gone look alike. What was sent to a provider
back then stays as it is: that record belongs to the person whose question it was.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from plugin.access.viewer import Viewer
from plugin.assistant.names import NameBook
from plugin.assistant.render import names_in, render
from plugin.errors import BadInput, NotFound

if TYPE_CHECKING:
    from plugin.store import Store, ViewerDoor
    from plugin.store.shapes import Prompt

GONE = "(not visible to you)"
SQL_GONE = "-- Not shown: this statement names something that is not visible to you."


def read_again(store: Store, viewer: Viewer, prompt: Prompt) -> Prompt:
    """The same prompt with an answer, citations, steps and statements that its reader may see today.

    Raises what `as_viewer` raises where they are gone themselves.
    """
    named = dict(_named(prompt))
    if not named:
        return prompt
    with store.as_viewer(viewer) as mine:
        visible = mine.catalog.resources(named)
        gone = _spellings(mine, [name for key, name in named.items() if key not in visible])
    return replace(
        prompt,
        answer=_without(prompt.answer, gone),
        citations=tuple(each for each in prompt.citations if int(each["id"]) in visible),
        steps=tuple(_step(each, visible, gone) for each in prompt.steps),
        sql=tuple(_statement(each, visible, gone) for each in prompt.sql),
    )


def render_again(store: Store, viewer: Viewer, prompt: Prompt) -> str:
    """What `read_again` gives as safe HTML, its names looked up as the viewer sees them now."""
    book = NameBook(store, viewer)
    book.met(int(each["id"]) for each in prompt.citations)
    book.look_up(names_in(prompt.answer), spoken=prompt.answer)
    return render(prompt.answer, citations=prompt.citations, names=book.names)


def _named(prompt: Prompt) -> Iterator[tuple[int, str]]:
    """Id and qualified name of everything that the kept answer speaks of."""
    lists = [prompt.citations, *(each.get("found") or () for each in prompt.steps)]
    lists += [each.get("tables") or () for each in prompt.sql]
    for rows in lists:
        for row in rows:
            if row.get("id") is not None and row.get("qualified_name"):
                yield int(row["id"]), str(row["qualified_name"])


def _spellings(mine: ViewerDoor, names: list[str]) -> re.Pattern[str] | None:
    """What may stand in a text for these names: the whole name, and its endings that mean nothing else today."""
    spelled: dict[str, None] = {}
    for name in names:
        parts = name.split(".")
        for start in range(len(parts)):
            ending = ".".join(parts[start:])
            if start and _means_something(mine, ending):
                break
            bare = rf"(?<![\w.]){re.escape(ending)}(?!\w)" if "." in ending or "_" in ending else r"(?!)"
            spelled[f"`{re.escape(ending)}`|{bare}"] = None
    return re.compile("|".join(sorted(spelled, key=len, reverse=True)), re.I) if spelled else None


def _means_something(mine: ViewerDoor, name: str) -> bool:
    try:
        mine.catalog.by_name(name)
    except (NotFound, BadInput):
        return False
    return True


def _without(text: str, gone: re.Pattern[str] | None) -> str:
    return gone.sub(GONE, text) if gone is not None else text


def _step(
    step: Mapping[str, Any], visible: Mapping[int, Any], gone: re.Pattern[str] | None
) -> dict[str, Any]:
    found = [each for each in step.get("found") or () if int(each["id"]) in visible]
    kept = {**step, "found": found}
    for name in ("title", "summary"):
        if isinstance(kept.get(name), str):
            kept[name] = _without(kept[name], gone)
    kept["arguments"] = {
        key: _without(value, gone) if isinstance(value, str) else value
        for key, value in dict(step.get("arguments") or {}).items()
    }
    return kept


def _statement(
    made: Mapping[str, Any], visible: Mapping[int, Any], gone: re.Pattern[str] | None
) -> Mapping[str, Any]:
    tables = [each for each in made.get("tables") or () if each.get("id") is not None]
    if all(int(each["id"]) in visible for each in tables) and _without(str(made["sql"]), gone) == made["sql"]:
        return made
    return {
        "n": made.get("n"), "sql": SQL_GONE, "dialect": made.get("dialect"), "ok": False, "tables": (),
        "problems": ("it names something that is not visible to you",),
    }  # fmt: skip
