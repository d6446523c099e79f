"""The tools that the assistant, the command line and MCP may call: one function a file, found through `TOOLS`.

In: a name and arguments that a model (taken as hostile) or an MCP client made up, and the viewer who asks.
Out: a `ToolAnswer`: fragments of metadata for the gateway, the found values for code in this process, one line for
the person. Law 3: `call` opens the viewer's door itself, as the assistant, at every call, so a right that was taken
away is gone in the middle of an answer. Law 8: arguments are checked against the schema to the letter; whatever is
wrong comes back as a short note to the model, never as an exception, and nothing here can widen what a viewer sees.

A tool is a typed function with `@tool`; its docstring is written for the model and its signature is the schema. Its
first parameter is the viewer's door (`ViewerDoor`) or, for the few that must not hold a transaction open, the
`Asker`. A tool counts as destructive unless it says `read_only=True`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

from plugin.access.viewer import Viewer
from plugin.egress.parts import Fragment
from plugin.errors import BadInput, DocentError, NotFound, Refused, SignInNeeded
from plugin.tools.arguments import check_arguments, schema_of

if TYPE_CHECKING:
    from plugin.providers.wire import ToolSpec
    from plugin.store import Store, ViewerDoor

TOOLS: dict[str, str] = {
    "search": "plugin.tools.search:search",
    "retrieve": "plugin.tools.retrieve:retrieve",
    "lineage": "plugin.tools.lineage:lineage",
    "glossary": "plugin.tools.glossary:glossary",
    "find_joins": "plugin.tools.find_joins:find_joins",
    "browse": "plugin.tools.browse:browse",
    "count": "plugin.tools.count:count",
    "changes": "plugin.tools.changes:changes",
    "frequent_queries": "plugin.tools.frequent_queries:frequent_queries",
    "check_sql": "plugin.tools.check_sql:check_sql",
    "run_sql": "plugin.tools.run_sql:run_sql",
    "propose": "plugin.tools.propose:propose",
    "remember": "plugin.tools.remember:remember",
}

Function = TypeVar("Function", bound=Callable[..., "ToolAnswer"])


@dataclass(frozen=True, slots=True)
class Cited:
    """What a citation or a step needs to name a resource: nothing that the viewer has not just been shown."""

    id: int
    kind: str
    qualified_name: str


@dataclass(frozen=True, slots=True)
class ToolAnswer:
    """What a tool found.

    `fragments` are what may go to a model, through the gateway. `value` is the same as this process's own frozen
    values, for `builtin`, the pages and MCP; it is never sent. `summary` is the line a person reads in the steps,
    `note` a short sentence for the model (why there is nothing, what to try). `shape` holds the columns of a result
    that was run, `result_name` how the answer may refer to it, `proposal` what waits for a person's yes. `words` names
    the asker's result that holds what a source said when it refused: its words may quote values, as rows do.
    """

    fragments: tuple[Fragment, ...] = ()
    summary: str = ""
    ok: bool = True
    note: str = ""
    value: Any = None
    found: tuple[Cited, ...] = ()
    shape: Mapping[str, Any] | None = None
    proposal: Mapping[str, Any] | None = None
    sql: Mapping[str, Any] | None = None
    words: str | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """Where a call comes from: which chat and prompt, and the store of results of the asker's own session."""

    chat_id: int | None = None
    prompt_id: int | None = None
    question: str = ""
    results: Any = None
    key: str = ""
    """The person's own session: whose page may fetch a result that a tool ran."""
    mark: str = ""
    """The token that a program asks with, as `plugin.store.live` marks it: what runs for it ends with it."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, for a tool that opens its own doors because it takes long or writes."""

    store: Store
    viewer: Viewer
    session: Session = field(default_factory=Session)


@dataclass(frozen=True, slots=True)
class Tool:
    """One entry of the registry, made by `@tool` from the function itself."""

    name: str
    description: str
    schema: Mapping[str, Any]
    function: Callable[..., ToolAnswer]
    read_only: bool
    mcp: tuple[str, ...]
    takes_asker: bool
    available: Callable[[ViewerDoor], bool] | None


def tool(
    *,
    read_only: bool = False,
    mcp: tuple[str, ...] = (),
    available: Callable[[ViewerDoor], bool] | None = None,
) -> Callable[[Function], Function]:
    """Make a typed function a tool. `mcp` are the names it has there (none: not offered over MCP).

    `available` says whether it is offered at all to whoever holds this door; it is asked again at each call.
    Raises TypeError for a function without a docstring or without the viewer's door as its first parameter.
    """

    def decorate(function: Function) -> Function:
        names = list(inspect.signature(function).parameters)
        first = str(inspect.get_annotations(function).get(names[0], "")) if names else ""
        if first.strip("'\"") not in ("ViewerDoor", "Asker"):
            raise TypeError(f"{function.__name__}: the first parameter of a tool is a ViewerDoor or an Asker")
        if not inspect.getdoc(function):
            raise TypeError(f"{function.__name__}: a tool's docstring is what the model reads; write one")
        vars(function)["_tool"] = (read_only, mcp, first.strip("'\"") == "Asker", available)
        return function

    return decorate


@cache
def find_tool(name: str) -> Tool:
    """The tool of this name, its module imported only now. Raises NotFound for a name that is not in `TOOLS`."""
    if name not in TOOLS:
        raise NotFound(f"There is no tool called {name[:60]!r}.")
    module, _, attribute = TOOLS[name].partition(":")
    function = getattr(import_module(module), attribute)
    read_only, mcp, takes_asker, available = vars(function)["_tool"]
    return Tool(
        name=name,
        description=inspect.getdoc(function) or "",
        schema=schema_of(function),
        function=function,
        read_only=read_only,
        mcp=mcp,
        takes_asker=takes_asker,
        available=available,
    )


def offered(mine: ViewerDoor) -> list[Tool]:
    """The tools that are open to whoever holds this door right now, in the stable order of `TOOLS`."""
    found = (find_tool(name) for name in TOOLS)
    return [each for each in found if each.available is None or each.available(mine)]


def tool_specs(mine: ViewerDoor) -> list[ToolSpec]:
    """The same as a provider is told them; the order is stable so that a provider's prompt cache hits."""
    from plugin.providers.wire import ToolSpec

    return [
        ToolSpec(name=each.name, description=each.description, schema=dict(each.schema))
        for each in offered(mine)
    ]


def call(
    name: str,
    arguments: Mapping[str, Any],
    viewer: Viewer,
    store: Store,
    session: Session | None = None,
) -> ToolAnswer:
    """Run one tool for this viewer, seen through the AI filters, after asking again whether it is open to them.

    Returns an answer with `ok=False` and a short note where the tool or an argument does not exist, something is not
    found or a rule says no (the refusal is audited). Raises only what ends the whole conversation: NotFound or
    SignInNeeded where the member themself is gone.
    """
    reader = viewer.as_assistant()
    session = session or Session()
    refusal: Refused | None = None
    with store.as_viewer(reader) as mine:
        try:
            found = find_tool(name)
            if found.available is not None and not found.available(mine):
                raise Refused(f"The tool {name} is closed.", rule=f"tool.{name}")
            checked = check_arguments(found.schema, arguments)
            if not found.takes_asker:
                return found.function(mine, **checked)
        except SignInNeeded:
            raise
        except Refused as error:
            refusal = error
        except (NotFound, BadInput) as error:
            return failed(str(error))
    if refusal is None:
        try:
            return found.function(Asker(store, reader, session), **checked)
        except SignInNeeded:
            raise
        except Refused as error:
            refusal = error
        except DocentError as error:
            return failed(str(error))
    with store.as_viewer(reader) as mine:
        mine.record.audit(f"tool.{name}"[:60], "deny", rule=refusal.rule)
    return failed(str(refusal))


def failed(note: str) -> ToolAnswer:
    """An answer that says in one sentence why there is nothing; the model and the person read the same."""
    return ToolAnswer(ok=False, note=note, summary=note)


def noted(answer: ToolAnswer, note: str) -> ToolAnswer:
    """The same answer with one more sentence for the model."""
    return replace(answer, note=f"{answer.note} {note}".strip())
