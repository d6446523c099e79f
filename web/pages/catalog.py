"""The catalog: a tree that opens a level at a time, and beside it a list that filters and sorts, paged by cursor."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Blueprint, Response, render_template, request, url_for

from plugin.access.viewer import Role
from plugin.catalog.properties import Applied, apply, as_csv, exported
from plugin.catalog.property_lines import lines_of_upload
from plugin.errors import BadInput, NotFound, Refused
from plugin.store.drift import Narrowed
from plugin.store.shapes import Resource
from web.services import mine, services, viewer

bp = Blueprint("catalog", __name__, url_prefix="/catalog")
LEVEL = 50
FURTHER = 200
"""Of a level of the tree at first, and each time one asks for more: of 10,000 nobody asks two hundred times."""
MOST_LINES = 5_000
"""Of a file that is imported from the page; a longer one is for `docent properties import`."""
LIST = 100
SORTS = (
    ("name", "Name"), ("popularity", "Popularity"), ("changed", "Last changed"), ("rows", "Rows, as estimated"),
)  # fmt: skip
ORDER = {"table": 0, "view": 1, "materialized_view": 2, "column": 3, "schema": 4, "database": 5}
DEEPEST = 8
SHOWN_CHANGES = 300
MOST_PRINTED = 10_000
"""What `docent drift` prints at most."""
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


@bp.get("/changes")
def changes() -> str:
    """What syncs found changed at the sources since a day: everywhere, or of one resource and what is in it."""
    today = datetime.now(UTC)
    midnight = today.replace(hour=0, minute=0, second=0, microsecond=0)
    since = _day(request.args.get("since"), midnight - timedelta(days=7))
    under = request.args.get("under", "")
    change = request.args.get("change", "")
    with mine() as door:
        place = door.catalog.resource(int(under)) if under.isdecimal() else None
        if under and place is None:
            raise NotFound("There is no such place that you can see.")
        sources = door.catalog.integrations()
        asked = request.args.get("integration")
        source = next((each.name for each in sources if str(each.id) == asked), None)
        if asked and source is None:
            raise NotFound("There is no such source that you can see.")
        meant: Narrowed = {"under": None if place is None else place.id, "integration": source}
        counts = door.catalog.count_drift(since, **meant)
        found = door.catalog.drift(since, **meant, change=change or None, limit=SHOWN_CHANGES)
    total = counts.get(change, 0) if change else sum(counts.values())
    command = ["docent", "drift", "--since", f"{since:%Y-%m-%dT%H:%MZ}"]
    for option, value in (
        ("--change", change), ("--integration", place.integration if place else source),
        ("--under", place.qualified_name if place else ""), ("--limit", str(min(total, MOST_PRINTED))),
    ):  # fmt: skip
        command += [option, value] if value else []
    return render_template(
        "catalog/changes.html", items=found, more=total - len(found), place=place,
        command=shlex.join(command), printed=min(total, MOST_PRINTED),
        since=since.date(), counts=counts, change=change, sources=sources, source=source,
        days=[(days, (today - timedelta(days=days)).date()) for days in (1, 7, 30, 90)],
    )  # fmt: skip


def _day(text: str | None, otherwise: datetime) -> datetime:
    try:
        day = datetime.fromisoformat(text) if text else otherwise
        return day.replace(tzinfo=UTC) if day.tzinfo is None else day.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise BadInput("A day is written as 2026-01-31.", field="since") from error


@bp.get("/import")
def bring() -> str:
    """The form that takes such a file back. Refused for who may edit nothing."""
    return _brought(None)


@bp.post("/import")
def take() -> str:
    """Change what the lines of a CSV or JSONL file say, as this person may by hand; bad lines are named by number."""
    _may_edit()
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        raise BadInput("Choose a file first.", field="file")
    lines = lines_of_upload(sent.read(), sent.filename, MOST_LINES)
    strict = request.form.get("strict") == "1"
    return _brought(apply(services().store, viewer(), lines, strict=strict), sent.filename, strict)


def _may_edit() -> None:
    if viewer().role not in (Role.ADMIN, Role.EDITOR):
        raise Refused(
            "Viewers and guests change no properties.", rule="role", who="an admin can make you an editor"
        )


def _brought(done: Applied | None, filename: str = "", strict: bool = False) -> str:
    _may_edit()
    return render_template(
        "catalog/import.html", done=done, filename=filename, strict=strict, most=MOST_LINES
    )


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
        above = _above(door, place)
    counts = {each: counted[each] for each in sorted(counted, key=lambda kind: (ORDER.get(kind, 9), kind))}
    here: dict[str, Any] = {name: value for name, value in request.args.items() if value and name != "cursor"}
    return render_template(
        "catalog/show.html", place=place, found=found, counts=counts, sources=sources, here=here, sorts=SORTS,
        sort=sort, text=text, kind=kind, above=above,
        next_url=url_for("catalog.show", **here, cursor=found.next_cursor) if found.next_cursor else None,
    )  # fmt: skip


def _above(door: Any, place: Resource | None) -> list[tuple[int, str]]:
    """What the tree opens to show a place: its source, what is seen above it, itself; each an id and a name."""
    if place is None or place.integration_id is None:
        return []
    source, found = (place.integration_id, place.integration or ""), []
    while place is not None and len(found) < DEEPEST:
        found.append((place.id, place.name))
        up = place.parent_id
        place = None if up is None else door.catalog.resources([up]).get(up)
    return [source, *reversed(found)]


@bp.get("/level")
def level() -> str:
    """One level of the tree, as a fragment; `from` begins it at a name, for who types one in a level of thousands."""
    parent, integration = request.args.get("parent", ""), request.args.get("integration", "")
    start, cursor = request.args.get("from", "")[:200], request.args.get("cursor")
    with mine() as door:
        found = door.catalog.children(
            int(parent) if parent.isdecimal() else None,
            integration=int(integration) if integration.isdecimal() and not parent else None,
            cursor=cursor,
            limit=FURTHER if cursor else LEVEL,
            start=start or None,
        )
    again = {"parent": parent or None, "integration": integration or None}
    place = {"under": parent or None, "integration": None if parent else integration or None}
    return render_template(
        "catalog/_level.html", found=found,
        list_url="" if cursor else url_for("catalog.show", **place),
        before=url_for("catalog.level", **again) if start and not cursor else None,
        leaves=(*TREE_KINDS, "column", "term", "document", "query"),
        more=url_for("catalog.level", **again, cursor=found.next_cursor) if found.next_cursor else None,
    )  # fmt: skip
