"""The tool `glossary`: what a business term means here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from plugin.errors import NotFound
from plugin.store.shapes import Resource
from plugin.tools import ToolAnswer, tool
from plugin.tools.fragments import cited, fragment

if TYPE_CHECKING:
    from plugin.store import ViewerDoor


@tool(read_only=True, mcp=("glossary",))
def glossary(
    mine: ViewerDoor,
    term: Annotated[str, "the term or a part of it; leave it out to list the glossary"] | None = None,
) -> ToolAnswer:
    """Look up what a business term means in this company, or list the glossary.

    Use it whenever the question holds a word that this company may define in its own way (revenue, active customer).
    """
    found: list[Resource] = []
    if term:
        try:
            found = [mine.catalog.term(term.strip())]
        except NotFound:
            found = list(mine.catalog.terms(text=term.strip()).items)
    else:
        found = list(mine.catalog.terms().items)
    if not found:
        return ToolAnswer(
            summary="The glossary has no such term", note="The glossary has no such term.", value=()
        )
    return ToolAnswer(
        fragments=tuple(fragment(each, full=True) for each in found[:30]),
        summary=f"Read {len(found)} term{'s' if len(found) != 1 else ''}",
        value=tuple(found),
        found=cited(found),
    )
