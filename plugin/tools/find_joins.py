"""The tool `find_joins`: how two tables join, directly or over others."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from plugin.store.shapes import Join, Resource
from plugin.tools import ToolAnswer, tool
from plugin.tools.find import resource_named
from plugin.tools.fragments import cited, fragment, joins_fragment
from plugin.tools.joins_by_name import BY_NAME, joins_by_name

if TYPE_CHECKING:
    from plugin.store import ViewerDoor

LONGEST_PATH = 4
MOST_TABLES = 400
MOST_GUESSING = 8
"""Tables whose columns are looked up by name for one question."""
_GUESSED = (
    "No foreign key and no query tells this: a column only has the name of the other table's key. "
    "Say that it is a guess."
)


@dataclass(frozen=True, slots=True)
class JoinPaths:
    """The tables at both ends and the hops between them; without an `other`, every join of the table."""

    table: Resource
    other: Resource | None
    path: tuple[Join, ...]


@tool(read_only=True, mcp=("find_joins",))
def find_joins(
    mine: ViewerDoor,
    table: Annotated[str, "qualified name or id of a table or view"],
    other: Annotated[str, "the table to join to; leave it out to list all joins of the first"] | None = None,
) -> ToolAnswer:
    """Find on which columns tables join, from foreign keys and from joins seen in real queries.

    With two tables it returns the shortest path between them, over other tables where there is no direct join.
    Where neither keys nor queries tell, it guesses by the names of columns and says so.
    Use it before writing SQL over more than one table.
    """
    left = resource_named(mine, table)
    if other is None:
        joins = mine.catalog.joins(left.id)
        guessed = () if joins else joins_by_name(mine, left)
        joins = joins or guessed
        value = JoinPaths(left, None, joins)
        note = _GUESSED if guessed else "" if joins else "No joins of this table are known."
        summary = f"Found {len(joins)} join{'s' if len(joins) != 1 else ''} of {left.qualified_name}"
    else:
        right = resource_named(mine, other)
        joins = _path(mine, left.id, right.id)
        guessed = () if joins else _path_by_name(mine, left, right)
        joins = joins or guessed
        value = JoinPaths(left, right, joins)
        note = _GUESSED if guessed else "" if joins else "No join between them is known."
        summary = (
            f"Found a path of {len(joins)} join{'s' if len(joins) != 1 else ''}"
            if joins
            else "Found no join path"
        )
    fragments = [fragment(left), *([fragment(value.other)] if value.other else [])]
    return ToolAnswer(
        fragments=(*fragments, joins_fragment(left, joins[:40])),
        summary=summary,
        note=note,
        value=value,
        found=cited([left, *([value.other] if value.other else [])]),
    )


def _path(mine: ViewerDoor, start: int, goal: int) -> tuple[Join, ...]:
    """The shortest chain of joins, breadth first; each hop is read through the viewer's own catalog."""
    if start == goal:
        return tuple(each for each in mine.catalog.joins(start, goal) if each.left_id == each.right_id)
    reached: dict[int, tuple[Join, ...]] = {start: ()}
    waiting = deque([start])
    while waiting and len(reached) < MOST_TABLES:
        here = waiting.popleft()
        if len(reached[here]) >= LONGEST_PATH:
            continue
        for join in mine.catalog.joins(here):
            there = join.right_id if join.left_id == here else join.left_id
            if there in reached:
                continue
            reached[there] = (*reached[here], join)
            if there == goal:
                return reached[there]
            waiting.append(there)
    return ()


def _path_by_name(mine: ViewerDoor, left: Resource, right: Resource) -> tuple[Join, ...]:
    """A short chain in which names alone tell some hops; looked for from both ends, since a name points one way."""
    ways: dict[int, list[Join]] = {}
    waiting, seen = deque([left.id, right.id]), {left.id, right.id}
    for _ in range(MOST_GUESSING):
        if not waiting:
            break
        here = waiting.popleft()
        for join in (*mine.catalog.joins(here), *joins_by_name(mine, mine.catalog.resource(here))):
            for end in (join.left_id, join.right_id):
                ways.setdefault(end, []).append(join)
                if end not in seen:
                    seen.add(end)
                    waiting.append(end)
        found = _shortest(ways, left.id, right.id)
        if found:
            return found
    return ()


def _shortest(ways: dict[int, list[Join]], start: int, goal: int) -> tuple[Join, ...]:
    """The shortest chain over joins that are known, told ones before guesses."""
    reached: dict[int, tuple[Join, ...]] = {start: ()}
    waiting = deque([start])
    while waiting:
        here = waiting.popleft()
        if here == goal:
            return reached[here]
        for join in sorted(ways.get(here, ()), key=lambda each: each.source == BY_NAME):
            there = join.right_id if join.left_id == here else join.left_id
            if there not in reached and len(reached[here]) < LONGEST_PATH:
                reached[there] = (*reached[here], join)
                waiting.append(there)
    return ()
