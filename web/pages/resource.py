"""One thing in the catalog: what it is, where it comes from, who changed it, whether the assistant may use it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from plugin.access.viewer import Role
from plugin.catalog.costs import cost_words
from plugin.errors import BadInput, NotFound
from plugin.store.shapes import Proposal, Resource
from web import column_page
from web.frame import Context
from web.pages.home import remember
from web.pages.lineage import read_tab
from web.services import mine
from web.words import short_name

bp = Blueprint("resource", __name__, url_prefix="/r")
TABLES = ("table", "view", "materialized_view", "foreign_table", "partitioned_table", "external_table")
CONTAINERS = ("database", "schema", "dashboard_group", "dashboard")
TABS = ("overview", "columns", "lineage", "sql", "usage", "activity")


def tabs_of(resource: Resource) -> list[tuple[str, str, int | None]]:
    """The tabs that make sense for a kind: (name, title, count)."""
    table = resource.kind in TABLES
    has_sql = resource.definition is not None and resource.kind not in ("term", "document")
    wanted = [("overview", "Overview", None)]
    if table:
        wanted.append(("columns", "Columns", resource.children))
    if resource.kind not in ("term", "document", *CONTAINERS[:2]):
        wanted.append(("lineage", "Lineage", None))
    if has_sql:
        wanted.append(("sql", "SQL", None))
    if table:
        wanted.append(("usage", "Usage", None))
    return [*wanted, ("activity", "Activity", None)]


def trail(door: Any, resource: Resource) -> list[tuple[str, str, bool]]:
    """Breadcrumbs: the catalog, the integration, every container above that this person may see."""
    above: list[Resource] = []
    parent = resource.parent_id
    while parent is not None and len(above) < 8:
        found = door.catalog.resources([parent]).get(parent)
        if found is None:
            break
        above.append(found)
        parent = found.parent_id
    crumbs: list[tuple[str, str, bool]] = [("Catalog", url_for("catalog.show"), False)]
    if resource.integration:
        crumbs.append(
            (resource.integration, url_for("catalog.show", integration=resource.integration_id), False)
        )
    crumbs += [(each.name, _up(each, resource), True) for each in reversed(above)]
    return [*crumbs, (resource.name, "", True)]


def _up(above: Resource, resource: Resource) -> str:
    """Where the name of something above leads: from a column to the part of its table's columns that holds it."""
    if resource.kind != "column" or above.kind not in TABLES:
        return url_for("resource.show", resource_id=above.id)
    return url_for(
        "resource.part", resource_id=above.id, name="columns", column=resource.id, _anchor=f"c{resource.id}"
    )


@bp.get("/<int:resource_id>")
def show(resource_id: int) -> str:
    """The resource, on its first tab."""
    return tab(resource_id, "")


@bp.get("/<int:resource_id>/<any(overview, columns, lineage, sql, usage, activity):name>")
def part(resource_id: int, name: str) -> str:
    """The resource, on one of its tabs."""
    return tab(resource_id, name)


def tab(resource_id: int, name: str) -> str:
    """Render a tab; NotFound for a tab that this kind does not have."""
    with mine() as door:
        resource: Resource = door.catalog.resource(resource_id)
        tabs = tabs_of(resource)
        name = name or ("columns" if resource.kind in TABLES else "overview")
        if name not in [each for each, _, _ in tabs]:
            raise NotFound("no such tab")
        values: dict[str, Any] = {
            "resource": resource, "tabs": tabs, "tab": name, "trail": trail(door, resource),
            "ai_use": door.catalog.ai_use(resource_id),
            "context": Context(resource.id, short_name(resource), resource.qualified_name),
            "can_edit": door.edits.may_edit(resource_id),
            "can_propose": door.viewer.role is not Role.GUEST,
        }  # fmt: skip
        values.update(READ[name](door, resource))
    remember(resource_id)
    return render_template("resource/show.html", **values)


def _overview(door: Any, resource: Resource) -> dict[str, Any]:
    values: dict[str, Any] = {"keys": (), "joins": (), "children": None, "indexes": ()}
    if resource.kind in TABLES:
        values.update(
            keys=door.catalog.keys(resource.id), joins=door.catalog.joins(resource.id)[:12],
            indexes=door.catalog.indexes(resource.id),
        )  # fmt: skip
    elif resource.children:
        values["children"] = door.catalog.children(resource.id, cursor=request.args.get("cursor"), limit=100)
    return values


def _sql(door: Any, resource: Resource) -> dict[str, Any]:
    return {"full": door.catalog.full_definition(resource.id)}


def _usage(door: Any, resource: Resource) -> dict[str, Any]:
    queries = door.catalog.frequent_queries(resource.id)
    return {
        "queries": [(each.sql, each.runs, each.people, cost_words(each.costs)) for each in queries],
        "use": door.catalog.use(resource.id),
        "logged": bool(queries) or resource.integration_id in door.catalog.logged(),
        "costs": cost_words(door.catalog.query_costs(resource.id)),
        "joins": door.catalog.joins(resource.id),
    }


def _activity(door: Any, resource: Resource) -> dict[str, Any]:
    waiting: list[Proposal] = list(door.edits.proposals(about=resource.id))
    return {"activity": door.catalog.activity(resource.id), "proposals": waiting}


READ = {
    "overview": _overview,
    "columns": column_page.read_tab,
    "lineage": read_tab,
    "sql": _sql,
    "usage": _usage,
    "activity": _activity,
}

FIELDS = {"description", "definition", "verified", "published", "sensitivity"}


@bp.post("/<int:resource_id>/edit")
def edit(resource_id: int) -> Response:
    """Change a property, or propose the change where the role may only propose."""
    field, value = request.form.get("field", ""), request.form.get("value", "")
    if field not in FIELDS:
        raise BadInput("That property cannot be edited.", field="field")
    wanted: Any = value == "1" if field in ("verified", "published") else (value.strip() or None)
    with mine() as door:
        before = door.catalog.resource(resource_id)  # hidden and absent are refused alike, before any rule
        if not door.edits.may_edit(resource_id):
            door.edits.propose(resource_id, field, wanted)
            said = "Proposed. An editor can accept it."
        else:
            door.edits.set_property(resource_id, field, wanted)
            said = "Saved."
    flash(said, "green")
    back = before.parent_id if request.form.get("of") == "column" and before.parent_id else resource_id
    anchor = f"c{resource_id}" if back != resource_id else None
    name = "columns" if back != resource_id else request.form.get("tab", "overview")
    same = column_page.place() if back != resource_id else {}
    return redirect(
        url_for(
            "resource.part",
            resource_id=back,
            name=name if name in TABS else "overview",
            _anchor=anchor,
            **same,
        ),
        303,
    )


@bp.post("/<int:resource_id>/tags")
def tags(resource_id: int) -> Response:
    """Add or remove a tag."""
    with mine() as door:
        if request.form.get("remove"):
            door.edits.remove_tag(resource_id, request.form["remove"])
        else:
            door.edits.add_tag(resource_id, request.form.get("tag", "").strip())
    return redirect(url_for("resource.part", resource_id=resource_id, name="overview"), 303)


@bp.post("/<int:resource_id>/owners")
def owners(resource_id: int) -> Response:
    """Add or remove an owner."""
    with mine() as door:
        if request.form.get("remove"):
            door.edits.remove_owner(resource_id, request.form["remove"])
        else:
            door.edits.add_owner(resource_id, request.form.get("owner", "").strip())
    return redirect(url_for("resource.part", resource_id=resource_id, name="overview"), 303)


@bp.post("/proposals/<int:proposal_id>")
def decide(proposal_id: int) -> Response:
    """Accept or decline a proposal."""
    with mine() as door:
        proposal = door.edits.decide(proposal_id, request.form.get("accept") == "1")
    target = getattr(proposal, "resource_id", None)
    flash("Accepted." if request.form.get("accept") == "1" else "Declined.", "green")
    return redirect(
        url_for("resource.part", resource_id=target, name="activity") if target else url_for("home.show"), 303
    )


@bp.post("/<int:resource_id>/delete")
def delete(resource_id: int) -> Response:
    """Delete a term or a document that people wrote."""
    with mine() as door:
        door.edits.delete(resource_id)
    flash("Deleted.", "green")
    return redirect(url_for("glossary.show"), 303)
