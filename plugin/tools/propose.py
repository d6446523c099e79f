"""The tool `propose`: suggest a change of the catalog, which waits until a person accepts it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from plugin.errors import BadInput, Refused
from plugin.tools import ToolAnswer, tool
from plugin.tools.find import resource_named
from plugin.tools.fragments import cited

if TYPE_CHECKING:
    from plugin.store import ViewerDoor

LONGEST_PROPOSAL = 4_000


@tool(mcp=("propose",))
def propose(
    mine: ViewerDoor,
    resource: Annotated[str, "qualified name or id of what should change"],
    field: Annotated[Literal["description", "definition", "tag", "owner"], "what should change"],
    value: Annotated[str, "the new text, one tag, or one owner's name or e-mail address"],
) -> ToolAnswer:
    """Propose a description, a definition, a tag or an owner. Nothing changes until a person accepts it.

    Use it only when the person asks for a text to be written or improved, or a tag or an owner to be added.
    """
    if "ask" not in mine.viewer.scopes:  # listed all the same: MCP clients expect the tool by its name
        raise Refused("This token may only read; a proposal needs the scope “ask”.", rule="token.scope.ask")
    value = value.strip()
    if not value or len(value) > LONGEST_PROPOSAL:
        raise BadInput(f"The value must have 1 to {LONGEST_PROPOSAL} characters.", field="value")
    target = resource_named(mine, resource)
    made = mine.edits.propose(target.id, field, value)
    return ToolAnswer(
        summary=f"Proposed a {field} for {target.qualified_name}",
        note="The proposal waits for a person to accept it; nothing has changed yet.",
        value=made,
        found=cited([target]),
        proposal={
            "id": made.id,
            "resource_id": made.resource_id,
            "qualified_name": made.qualified_name,
            "field": made.field,
            "value": made.value,
            "state": made.state,
        },
    )
