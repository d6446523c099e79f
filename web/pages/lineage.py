"""The lineage tab of a resource: the picture, what breaks without it, edges drawn by hand, both as CSV."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, flash, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from plugin.catalog.lineage_csv import impact_csv, lineage_csv
from plugin.errors import BadInput, NotFound
from plugin.store.shapes import Lineage, Resource
from web.lineage_picture import draw
from web.services import mine

bp = Blueprint("lineage", __name__, url_prefix="/r")
MOST = 500
MOST_DRAWN = 120
"""Resources in the picture that needs no script; the one that does draws them all."""
MOST_LISTED = 12
LONGEST_CSV = 5000
"""Others beside the resource itself."""


def read_tab(door: Any, resource: Resource) -> dict[str, Any]:
    """What the lineage tab shows."""
    direction, depth, with_columns = _asked()
    found = _lineage(door, resource.id, MOST)
    few = len(found.resources) <= MOST_DRAWN
    return {
        "lineage": found,
        "degrees": door.catalog.degrees(found.resources),
        "picture": draw(found, columns=with_columns) if few else None,
        "direction": direction,
        "depth": depth,
        "with_columns": with_columns,
        "impact": door.catalog.impact(resource.id, listed=MOST_LISTED),
        "with_options": {
            key: request.args[key] for key in ("direction", "depth", "detail") if key in request.args
        },
    }


def _asked() -> tuple[str, int, bool]:
    direction = request.args.get("direction", "both")
    direction = direction if direction in ("upstream", "downstream") else "both"
    depth = min(max(request.args.get("depth", 2, int) or 2, 1), 10)
    return direction, depth, request.args.get("detail") == "columns"


def _lineage(door: Any, resource_id: int, limit: int) -> Lineage:
    direction, depth, with_columns = _asked()
    found: Lineage = door.catalog.lineage(
        resource_id, upstream=direction != "downstream", downstream=direction != "upstream", depth=depth,
        columns=with_columns, limit=limit,
    )  # fmt: skip
    return found


@bp.get("/<int:resource_id>/lineage.csv")
def edges(resource_id: int) -> Response:
    """The edges around a resource."""
    with mine() as door:
        return _csv(lineage_csv(_lineage(door, resource_id, LONGEST_CSV + 1)), "docent-lineage.csv")


@bp.get("/<int:resource_id>/impact.csv")
def impact(resource_id: int) -> Response:
    """What breaks without it, with owners to tell."""
    with mine() as door:
        return _csv(impact_csv(door.catalog.impact(resource_id, limit=LONGEST_CSV)), "docent-impact.csv")


def _csv(text: str, name: str) -> Response:
    response = Response(text, mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@bp.post("/<int:resource_id>/lineage/draw")
def draw_edge(resource_id: int) -> AnyResponse:
    """Draw an edge to or from this resource by hand."""
    name = request.form.get("other", "").strip()
    if not name:
        raise BadInput("Name the other resource.", field="other")
    with mine() as door:
        here: Resource = door.catalog.resource(resource_id)
        other = door.catalog.by_name(name)
        ends = (other.id, here.id) if request.form.get("way") == "upstream" else (here.id, other.id)
        door.edits.add_edge(*ends)
    flash("Drawn. No sync takes it away.", "green")
    return redirect(url_for("resource.part", resource_id=resource_id, name="lineage"), 303)


def _end(door: Any, side: str) -> int:
    """An end of the edge that the form names: a resource, or the column of it that is named, too."""
    id_, column = request.form.get(side, 0, int) or 0, request.form.get(f"{side}_column")
    if not column:
        return id_
    found = next((each.id for each in door.catalog.columns(id_) if each.name == column), None)
    if found is None:
        raise NotFound("there is no such column, or you may not see it")
    return int(found)


@bp.post("/<int:resource_id>/lineage/erase")
def erase_edge(resource_id: int) -> AnyResponse:
    """Erase an edge that somebody drew by hand. The form names both ends."""
    with mine() as door:
        door.catalog.resource(resource_id)
        door.edits.remove_edge(_end(door, "upstream"), _end(door, "downstream"))
    flash("Erased.", "green")
    return redirect(url_for("resource.part", resource_id=resource_id, name="lineage"), 303)
