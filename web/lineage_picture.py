"""Where the boxes and edges of a lineage picture go. Only geometry: what may be shown was decided by the store.

The resource itself stands in the middle, what feeds it in layers to its left, what it feeds to its right. In column
mode a box lists the columns that take part, and edges join their lines.
"""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass

from plugin.store.shapes import Edge, Lineage, Resource
from web.words import kind_word

WIDTH, HEAD, LINE, GAP_X, GAP_Y, MARGIN = 192, 44, 22, 52, 20, 12
MOST_COLUMNS = 12


@dataclass(frozen=True)
class Box:
    """One resource. `columns` are (name, y inside the box)."""

    resource: Resource
    x: float
    y: float
    height: float
    here: bool
    columns: tuple[tuple[str, float], ...] = ()
    more: int = 0

    @property
    def name(self) -> str:
        """The name, cut to fit."""
        return (
            self.resource.name
            if len(self.resource.name) <= 21
            else self.resource.name[:12] + "…" + self.resource.name[-8:]
        )

    @property
    def sub(self) -> str:
        """Where it is and what it is."""
        place = self.resource.path[-1] if self.resource.path else self.resource.integration
        text = f"{place} · {kind_word(self.resource.kind).lower()}"
        return text if len(text) <= 28 else text[:27] + "…"


@dataclass(frozen=True)
class Line:
    """One edge as an SVG path."""

    path: str
    hot: bool


@dataclass(frozen=True)
class Picture:
    """A drawing: its size, its boxes from left to right, its lines."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]


def layers(lineage: Lineage) -> dict[int, int]:
    """Each resource's distance from the start: negative upstream, positive downstream."""
    feeds: dict[int, list[int]] = defaultdict(list)
    fed: dict[int, list[int]] = defaultdict(list)
    for edge in lineage.edges:
        feeds[edge.upstream_id].append(edge.downstream_id)
        fed[edge.downstream_id].append(edge.upstream_id)
    found = {lineage.start_id: 0}
    for step, near in ((-1, fed), (1, feeds)):
        waiting = deque([(lineage.start_id, 0)])
        seen = {lineage.start_id}
        while waiting:
            at, distance = waiting.popleft()
            for other in near[at]:
                if other not in seen and other in lineage.resources:
                    seen.add(other)
                    found.setdefault(other, distance + step)
                    waiting.append((other, distance + step))
    return found


def draw(lineage: Lineage, *, columns: bool) -> Picture:
    """Lay the neighbourhood out."""
    at = layers(lineage)
    shown = _columns(lineage.edges) if columns else {}
    by_layer: dict[int, list[int]] = defaultdict(list)
    for resource_id, layer in at.items():
        by_layer[layer].append(resource_id)
    first = min(by_layer, default=0)
    heights: dict[int, float] = {}
    for resource_id in at:
        names = shown.get(resource_id, [])
        rows = min(len(names), MOST_COLUMNS) + (1 if len(names) > MOST_COLUMNS else 0)
        heights[resource_id] = HEAD + (rows * LINE + 4 if rows else 0)
    tallest = max(
        (sum(heights[each] + GAP_Y for each in ids) - GAP_Y for ids in by_layer.values()), default=HEAD
    )
    boxes: dict[int, Box] = {}
    for layer in sorted(by_layer):
        ids = sorted(
            by_layer[layer],
            key=lambda each: lineage.resources[each].qualified_name if each in lineage.resources else "",
        )
        y = MARGIN + (tallest - (sum(heights[each] + GAP_Y for each in ids) - GAP_Y)) / 2
        for resource_id in ids:
            names = shown.get(resource_id, [])
            boxes[resource_id] = Box(
                resource=lineage.resources[resource_id],
                x=MARGIN + (layer - first) * (WIDTH + GAP_X), y=y, height=heights[resource_id],
                here=resource_id == lineage.start_id,
                columns=tuple((name, HEAD + 4 + index * LINE) for index, name in enumerate(names[:MOST_COLUMNS])),
                more=max(0, len(names) - MOST_COLUMNS),
            )  # fmt: skip
            y += heights[resource_id] + GAP_Y
    lines = tuple(
        line
        for edge in lineage.edges
        if edge.upstream_id in boxes and edge.downstream_id in boxes
        for line in [_line(boxes[edge.upstream_id], boxes[edge.downstream_id], edge, columns)]
    )
    width = MARGIN * 2 + len(range(first, max(by_layer, default=0) + 1)) * (WIDTH + GAP_X) - GAP_X
    return Picture(
        width, tallest + MARGIN * 2, tuple(sorted(boxes.values(), key=lambda box: (box.x, box.y))), lines
    )


def _columns(edges: tuple[Edge, ...]) -> dict[int, list[str]]:
    shown: dict[int, list[str]] = defaultdict(list)
    for edge in edges:
        for resource_id, name in (
            (edge.upstream_id, edge.upstream_column),
            (edge.downstream_id, edge.downstream_column),
        ):
            if name and name not in shown[resource_id]:
                shown[resource_id].append(name)
    return {resource_id: sorted(names) for resource_id, names in shown.items()}


def _line(left: Box, right: Box, edge: Edge, columns: bool) -> Line:
    x1, x2 = left.x + WIDTH, right.x - 7
    y1 = left.y + _anchor(left, edge.upstream_column if columns else None)
    y2 = right.y + _anchor(right, edge.downstream_column if columns else None)
    if x2 < x1:  # an edge back to an earlier layer goes around
        bend = x1 + GAP_X / 2
        return Line(f"M{x1:g} {y1:g}C{bend + 40:g} {y1:g} {right.x - 60:g} {y2:g} {x2:g} {y2:g}", False)
    bend = (x1 + x2) / 2
    return Line(f"M{x1:g} {y1:g}C{bend:g} {y1:g} {bend:g} {y2:g} {x2:g} {y2:g}", left.here or right.here)


def _anchor(box: Box, column: str | None) -> float:
    for name, y in box.columns:
        if name == column:
            return y + LINE / 2
    return HEAD / 2
