"""The glossary: one meaning for each word."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from plugin.access.viewer import Role
from web.services import mine

bp = Blueprint("glossary", __name__, url_prefix="/glossary")


@bp.get("")
def show() -> str:
    """Terms by name."""
    text = request.args.get("text", "").strip()[:200]
    with mine() as door:
        found = door.catalog.terms(text or None, request.args.get("cursor"), 100)
        can_edit = door.viewer.role in (Role.ADMIN, Role.EDITOR)
    return render_template(
        "glossary/show.html", found=found, text=text, can_edit=can_edit, adding=bool(request.args.get("add")),
        next_url=url_for("glossary.show", text=text or None, cursor=found.next_cursor) if found.next_cursor else None,
    )  # fmt: skip


@bp.post("")
def add() -> Response:
    """Add a term."""
    synonyms = [each.strip() for each in request.form.get("synonyms", "").split(",") if each.strip()]
    with mine() as door:
        made = door.edits.create_term(
            request.form.get("name", "").strip(), request.form.get("definition", "").strip(), synonyms
        )
    flash("Added.", "green")
    return redirect(url_for("resource.show", resource_id=made.id), 303)
