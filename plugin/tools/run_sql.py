"""The tool `run_sql`: run a statement behind every gate and tell the model its shape, never a row.

It is offered only where the gates are open at all. The assistant may start a run only on an integration whose admin
chose so; otherwise a person presses Run, and the tool says that.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from plugin.access.viewer import Surface
from plugin.errors import NotFound, Refused
from plugin.tools import Asker, ToolAnswer, failed, tool

if TYPE_CHECKING:
    from plugin.store import ViewerDoor
    from plugin.store.shapes import Integration


PRESS = "A person must press Run"
NAMED_BY_VALUES = (
    "It ran. Its columns are named after values in the rows, so you are not told them: show it with {{r1.table}}, or "
    "name the columns in the statement."
)


def _open(mine: ViewerDoor) -> bool:
    """Is there an integration where this member may run SQL and (for the assistant) the admin lets it run?"""
    if not mine.policy.ai().enabled or not mine.policy.ai().run_sql or "query" not in mine.viewer.scopes:
        return False
    integrations = _with_credential(mine)
    if mine.viewer.surface is Surface.MCP:
        return bool(integrations)
    return any(_runs(each) for each in integrations)


def _with_credential(mine: ViewerDoor) -> list[Integration]:
    """Where this member may run SQL, and anybody can: nothing runs without a credential for queries."""
    return [each for each in mine.me.query_integrations() if each.has_query_credential]


def _runs(integration: Integration) -> bool:
    return integration.options.get("run_mode") == "run"


@tool(mcp=("run_sql",), available=_open)
def run_sql(
    asker: Asker,
    sql: Annotated[str, "one SELECT statement, in the dialect of the integration"],
    integration: Annotated[str, "the name of the integration to run it on"],
) -> ToolAnswer:
    """Run one read-only statement. You get the names and types of the result's columns, never its rows.

    Refer to values by placeholders: {{r1.table}}, {{r1.first.column}}; they are filled in on the person's page.
    """
    from plugin.run_sql.execute import QueryError
    from plugin.run_sql.run import run, shape_for_model

    with asker.store.as_viewer(asker.viewer) as mine:
        if not _open(mine):
            raise Refused("Run SQL is closed.", rule="run_sql.toggle")
        wanted = [
            each
            for each in _with_credential(mine)
            if integration.lower() in (each.name.lower(), str(each.id))
        ]
        if not wanted:
            raise NotFound(f"There is no integration called {integration[:80]!r} on which you may run SQL.")
        chosen = wanted[0]
    if not _runs(chosen) or asker.session.results is None:
        return ToolAnswer(
            ok=False,
            summary=PRESS,
            note="On this integration a person presses Run in Docent. Write the statement in a ```sql block instead.",
        )
    try:
        outcome = run(
            asker.store,
            asker.viewer,
            chosen.id,
            sql,
            results=asker.session.results,
            session=asker.session.key,
            surface=asker.viewer.surface,
            confirm=False,
            mark=asker.session.mark,
        )
    except QueryError as error:
        return replace(failed(str(error)), words=error.words)
    columns = tuple(shape_for_model(outcome.shape))
    told = f": {len(columns)} column{'s' if len(columns) != 1 else ''}" if columns else ""
    return ToolAnswer(
        summary=f"Ran it on {chosen.name}{told}",
        note="It ran. The rows are on the person's page only." if columns else NAMED_BY_VALUES,
        shape={"columns": columns, "result_id": outcome.result_id, "integration_id": chosen.id},
        value=outcome,
    )
