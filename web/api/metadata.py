"""Metadata by push: properties out and in, and custom metadata into an integration."""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, Response
from pydantic import Field

from plugin.catalog import properties
from plugin.catalog.custom import parse_jsonl
from plugin.catalog.sync.imports import LARGEST, take
from web.api.models import Answer, Body, Query, plain
from web.api.spec import answers, body, query, reply, spec
from web.door import scope, takes
from web.services import admin, services, viewer

bp = Blueprint("api_metadata", __name__)
MOST = 10_000
MOST_PUSHED = 100_000
"""Lines of one push of custom metadata: a complete one cannot be sent in parts."""


class LinesBody(Body):
    """Lines of a file, as objects. Errors name a line by its place, the first is 1."""

    items: list[dict[str, Any]] = Field(max_length=MOST)
    strict: bool = False
    """Change nothing where any line is bad."""


class MetadataBody(LinesBody):
    """Lines of custom metadata."""

    items: list[dict[str, Any]] = Field(max_length=MOST_PUSHED)
    complete: bool = False
    """These lines are all there is: what they do not name is removed, and nothing changes where any line is bad."""
    force: bool = False
    """Remove however much that is; otherwise a complete push that would remove most of what is there is refused."""


class LineProblem(Answer):
    """A line that was left out, and why."""

    line: int
    reason: str


class AppliedOut(Answer):
    """What an import of properties did."""

    lines: int
    changed: int
    unchanged: int
    errors: list[LineProblem] = []
    ignored: list[str] = []
    """Fields of the lines that are no property, and so were not read."""
    more_errors: int = 0
    """Bad lines that are not among `errors`, which names the first 10,000."""


class ImportedOut(Answer):
    """What an import of custom metadata did."""

    integration: str
    imported: int
    created: int
    updated: int
    unchanged: int
    removed: int = 0
    errors: list[LineProblem] = []
    more_errors: int = 0
    """Bad lines that are not among `errors`, which names the first 10,000."""


class PropertyLine(Answer):
    """The properties of one resource."""

    qualified_name: str
    integration: str
    kind: str
    description: str | None = None
    owners: list[str] = []
    tags: list[str] = []
    verified: bool = False
    id: int | None = None
    """Decides where several resources have the same names."""


class PropertyLines(Answer):
    """Lines, as `docent properties export` prints them, and the cursor of the next where there are further ones."""

    items: list[PropertyLine]
    next_cursor: str | None = None


class PropertiesQuery(Query):
    """Which resources."""

    integration: str | None = None
    columns: bool = False
    cursor: str | None = None
    limit: int = Field(1000, ge=1, le=1000)


@bp.get("/properties")
@scope("read")
@spec.validate(query=PropertiesQuery, resp=answers(PropertyLines), tags=["Metadata"])
def export() -> Response:
    """Description, owners, tags and mark of every resource that you see."""
    asked: PropertiesQuery = query()
    lines, cursor = properties.exported_part(
        services().store,
        viewer(),
        integration=asked.integration,
        columns=asked.columns,
        cursor=asked.cursor,
        limit=asked.limit,
    )
    return reply(PropertyLines, {"items": lines, "next_cursor": cursor})


@bp.post("/properties")
@scope("admin")
@spec.validate(json=LinesBody, resp=answers(AppliedOut), tags=["Metadata"])
def apply() -> Response:
    """Change what the lines say, as far as you may change it by hand. What a line does not name stays."""
    values: LinesBody = body()
    done = properties.apply(
        services().store, viewer(), enumerate(values.items, start=1), strict=values.strict
    )
    return reply(AppliedOut, plain(done))


@bp.post("/integrations/<int:integration_id>/metadata")
@scope("admin")
@takes(LARGEST)
@spec.validate(json=MetadataBody, resp=answers(ImportedOut), tags=["Metadata"])
def push(integration_id: int) -> Response:
    """Import custom metadata: the objects of the JSONL format, resources and lineage. What is not named stays, unless
    the push is `complete`. Where a sync or another push of the integration is under way: 409 with Retry-After.
    """
    values: MetadataBody = body()
    with admin() as door:
        into = door.integrations.get(integration_id)
    parsed = parse_jsonl(json.dumps(each) for each in values.items)
    done = take(
        services().store,
        viewer(),
        parsed,
        integration=into.name,
        strict=values.strict,
        complete=values.complete,
        force=values.force,
    )
    return reply(ImportedOut, plain(done))
