"""The catalog: a tree that opens a level at a time, and beside it a list that filters and sorts, paged by cursor."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, render_template, request, url_for

from plugin.catalog.properties import as_csv, exported
from web.services import mine, services, viewer

bp = Blueprint("catalog", __name__, url_prefix="/catalog")
LEVEL = 50
LIST = 100
SORTS = (("name", "Name"), ("popularity", "Popularity"), ("changed", "Last changed"))
ORDER = {"table": 0, "view": 1, "materialized_view": 2, "column": 3, "schema": 4, "database": 5}
TREE_KINDS = ("table", "view", "materialized_view", "foreign_table", "partitioned_table", "external_table")


def _flag(name: str) -> bool | None:
    return {"yes": True, "no": False}.get(request.args.get(name, ""))


@bp.get("/properties.csv")
def properties() -> Response:
    """Descriptions, owners, tags and marks of all that this member sees, for a spreadsheet."""
    integration = request.args.get("integration") or None
    lines = as_csv(exported(services().store, viewer(), integration=integration))
    # It streams outside the request, with the member and the store that it was given.
    answer = Response(lines, mimetype="text/csv")
    answer.headers["Content-Disposition"] = 'attachment; filename="properties.csv"'
    return answer


@bp.get("")
def show() -> str:
    """The catalog."""
    under = request.args.get("under", "")
    integration = request.args.get("integration", "")
    text = request.args.get("text", "").strip()[:200]
    kind = request.args.get("kind", "")
    sort = request.args.get("sort", "name")
    with mine() as door:
        place = door.catalog.resource(int(under)) if under.isdecimal() else None
        found = door.catalog.browse(
            kinds=(kind,) if kind else (),
            integration=int(integration) if integration.isdecimal() else None,
            under=place.id if place else None,
            tag=request.args.get("tag") or None,
            owner=request.args.get("owner") or None,
            verified=_flag("verified"),
            documented=_flag("documented"),
            text=text or None,
            sort=sort,
            cursor=request.args.get("cursor"),
            limit=LIST,
        )
        counted = door.catalog.counts(under=place.id if place else None)
        sources = door.catalog.integrations()
    counts = {each: counted[each] for each in sorted(counted, key=lambda kind: (ORDER.get(kind, 9), kind))}
    here: dict[str, Any] = {name: value for name, value in request.args.items() if value and name != "cursor"}
    return render_template(
        "catalog/show.html", place=place, found=found, counts=counts, sources=sources, here=here, sorts=SORTS,
        sort=sort, text=text, kind=kind,
        next_url=url_for("catalog.show", **here, cursor=found.next_cursor) if found.next_cursor else None,
    )  # fmt: skip


@bp.get("/level")
def level() -> str:
    """One level of the tree, as a fragment."""
    parent, integration = request.args.get("parent", ""), request.args.get("integration", "")
    with mine() as door:
        found = door.catalog.children(
            int(parent) if parent.isdecimal() else None,
            integration=int(integration) if integration.isdecimal() and not parent else None,
            cursor=request.args.get("cursor"),
            limit=LEVEL,
        )
    again = {"parent": parent or None, "integration": integration or None}
    place = {"under": parent or None, "integration": None if parent else integration or None}
    return render_template(
        "catalog/_level.html", found=found,
        list_url="" if request.args.get("cursor") else url_for("catalog.show", **place),
        leaves=(*TREE_KINDS, "column", "term", "document", "query"),
        more=url_for("catalog.level", **again, cursor=found.next_cursor) if found.next_cursor else None,
    )  # fmt: skip
