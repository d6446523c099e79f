"""Search, resources, lineage: the catalog as the caller may see it.

A token that may only `read` changes nothing: what a member may change or propose needs `ask`, of the four scopes that
there are the one that every token has by default and that an editor can give.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from plugin.errors import BadInput
from web.api.models import (
    ChildrenQuery,
    EdgeBody,
    EdgeQuery,
    EditBody,
    EditOut,
    FoundOut,
    ImpactOut,
    ImpactQuery,
    LineageOut,
    LineageQuery,
    ResourceFull,
    ResourceList,
    ResourcePage,
    SearchQuery,
    SuggestQuery,
    TableUseOut,
    TableUseQuery,
    plain,
)
from web.api.spec import answers, body, query, reply, spec
from web.door import scope
from web.packing import packed
from web.services import mine

bp = Blueprint("api_catalog", __name__)
bp.after_request(packed)
TABLES = ("table", "view", "materialized_view", "foreign_table", "partitioned_table", "external_table")


@bp.get("/search")
@scope("read")
@spec.validate(query=SearchQuery, resp=answers(FoundOut), tags=["Catalog"])
def search() -> Response:
    """Search the catalog, best first."""
    asked: SearchQuery = query()
    with mine() as door:
        found = door.catalog.search(
            asked.q, kinds=tuple(asked.kind), integrations=tuple(asked.integration), tags=tuple(asked.tag),
            owners=tuple(asked.owner), verified=asked.verified, schema=asked.schema_name, under=asked.under,
            limit=asked.limit, offset=asked.offset, facets=asked.facets,
        )  # fmt: skip
    return reply(FoundOut, plain(found))


@bp.get("/suggest")
@scope("read")
@spec.validate(query=SuggestQuery, resp=answers(ResourceList), tags=["Catalog"])
def suggest() -> Response:
    """Resources whose name begins so, for mentions and the palette."""
    asked: SuggestQuery = query()
    with mine() as door:
        found = (
            door.catalog.suggest(asked.q, asked.limit) if asked.q else door.catalog.popular(limit=asked.limit)
        )
    return reply(ResourceList, {"items": plain(list(found))})


@bp.get("/resources")
@scope("read")
@spec.validate(query=ChildrenQuery, resp=answers(ResourcePage), tags=["Catalog"])
def roots() -> Response:
    """The roots of the catalog: what is visible while nothing above it is."""
    asked: ChildrenQuery = query()
    with mine() as door:
        found = door.catalog.children(None, cursor=asked.cursor, limit=asked.limit, text=asked.text)
    return reply(ResourcePage, plain(found))


@bp.get("/resources/<int:resource_id>")
@scope("read")
@spec.validate(resp=answers(ResourceFull), tags=["Catalog"])
def resource(resource_id: int) -> Response:
    """One resource, with its columns and whether the assistant may use it."""
    with mine() as door:
        found = door.catalog.resource(resource_id)
        values: dict[str, Any] = plain(found)
        values["ai_use"] = plain(door.catalog.ai_use(resource_id))
        if found.kind in TABLES:
            values["columns"] = plain(list(door.catalog.columns(resource_id)))
    return reply(ResourceFull, values)


@bp.patch("/resources/<int:resource_id>")
@scope("ask")
@spec.validate(json=EditBody, resp=answers(EditOut), tags=["Catalog"])
def edit(resource_id: int) -> Response:
    """Change properties, or propose the change where your role may only propose."""
    values: EditBody = body()
    proposed = False
    with mine() as door:
        door.catalog.resource(resource_id)
        may_edit = door.edits.may_edit(resource_id)
        for field in ("description", "definition", "verified", "published", "sensitivity"):
            if field not in values.model_fields_set:
                continue
            wanted = getattr(values, field)
            if not may_edit:
                door.edits.propose(resource_id, field, wanted)
                proposed = True
            else:
                door.edits.set_property(resource_id, field, wanted)
        for tag in values.add_tags:
            door.edits.add_tag(resource_id, tag)
        for tag in values.remove_tags:
            door.edits.remove_tag(resource_id, tag)
        for owner in values.add_owners:
            door.edits.add_owner(resource_id, owner)
        for owner in values.remove_owners:
            door.edits.remove_owner(resource_id, owner)
        found = door.catalog.resource(resource_id)
    return reply(EditOut, {"resource": plain(found), "proposed": proposed})


@bp.get("/resources/<int:resource_id>/children")
@scope("read")
@spec.validate(query=ChildrenQuery, resp=answers(ResourcePage), tags=["Catalog"])
def children(resource_id: int) -> Response:
    """What is directly under a resource."""
    asked: ChildrenQuery = query()
    with mine() as door:
        found = door.catalog.children(resource_id, cursor=asked.cursor, limit=asked.limit, text=asked.text)
    return reply(ResourcePage, plain(found))


@bp.get("/resources/<int:resource_id>/lineage")
@scope("read")
@spec.validate(query=LineageQuery, resp=answers(LineageOut), tags=["Catalog"])
def lineage(resource_id: int) -> Response:
    """What feeds a resource and what it feeds, as far as you may see."""
    asked: LineageQuery = query()
    with mine() as door:
        found = door.catalog.lineage(
            resource_id,
            upstream=asked.upstream,
            downstream=asked.downstream,
            depth=asked.depth,
            columns=asked.columns,
            limit=asked.limit,
        )
        degrees = door.catalog.degrees(found.resources)
    resources, edges = plain(list(found.resources.values())), plain(list(found.edges))
    return reply(
        LineageOut,
        {
            "start_id": found.start_id,
            "resources": resources,
            "edges": edges,
            "cut": found.cut,
            "degrees": degrees,
        },
    )


@bp.post("/resources/<int:resource_id>/lineage")
@scope("ask")
@spec.validate(json=EdgeBody, resp=answers(LineageOut), tags=["Catalog"])
def draw_edge(resource_id: int) -> Response:
    """Draw an edge by hand, for which you may edit one end and see the other. No sync takes it away."""
    asked: EdgeBody = body()
    return _by_hand(resource_id, asked, True)


@bp.delete("/resources/<int:resource_id>/lineage")
@scope("ask")
@spec.validate(query=EdgeQuery, resp=answers(LineageOut), tags=["Catalog"])
def erase_edge(resource_id: int) -> Response:
    """Erase an edge that somebody drew by hand."""
    asked: EdgeQuery = query()
    return _by_hand(resource_id, asked, False)


def _by_hand(resource_id: int, asked: EdgeBody | EdgeQuery, drawn: bool) -> Response:
    with mine() as door:
        here = door.catalog.resource(resource_id)
        if asked.other_id is None and not asked.other:
            raise BadInput("Give other_id or other, the other end of the edge.", field="other")
        other = asked.other_id if asked.other_id is not None else door.catalog.by_name(asked.other or "").id
        ends = (other, here.id) if asked.way == "upstream" else (here.id, other)
        (door.edits.add_edge if drawn else door.edits.remove_edge)(*ends)
        found = door.catalog.lineage(resource_id)
        values = {
            "start_id": found.start_id,
            "resources": plain(list(found.resources.values())),
            "edges": plain(list(found.edges)),
            "cut": found.cut,
            "degrees": door.catalog.degrees(found.resources),
        }
    return reply(LineageOut, values)


@bp.get("/resources/<int:resource_id>/impact")
@scope("read")
@spec.validate(query=ImpactQuery, resp=answers(ImpactOut), tags=["Catalog"])
def impact(resource_id: int) -> Response:
    """What breaks if this is dropped, how sure that is, and whom to tell."""
    asked: ImpactQuery = query()
    with mine() as door:
        found = door.catalog.impact(resource_id, limit=asked.limit)
    return reply(ImpactOut, plain(found))


@bp.get("/resources/<int:resource_id>/usage")
@scope("read")
@spec.validate(query=TableUseQuery, resp=answers(TableUseOut), tags=["Catalog"])
def usage(resource_id: int) -> Response:
    """How often it is queried and by how many, the statements that run most often, and how it is joined."""
    asked: TableUseQuery = query()
    with mine() as door:
        found = door.catalog.resource(resource_id)
        queries = door.catalog.frequent_queries(resource_id, limit=asked.limit)
        use = door.catalog.use(resource_id)
        joins = door.catalog.joins(resource_id)
    values = {
        **use._asdict(),
        "people": use.people or None,
        "popularity": found.popularity,
        "queries": [{**each._asdict(), "people": each.people or None} for each in queries],
        "joins": [plain(each) for each in joins],
    }
    return reply(TableUseOut, values)
