"""Search results with facets."""

from __future__ import annotations

import time
from typing import Any

from flask import Blueprint, render_template, request, url_for

from plugin.store.search_filters import COUNTED
from web.services import mine

bp = Blueprint("search", __name__)
PAGE = 20
FURTHEST = 10_000
"""Where the last page begins: nobody looks at hits behind it."""
FACETS = (
    ("kind", "kind", "Kind"),
    ("schema", "schema", "Schema"),
    ("integration", "integration", "Integration"),
    ("tag", "tag", "Tag"),
    ("verified", "verified", "State"),
)
"""Facet of the store, parameter in the address, how it reads."""


@bp.get("/search")
def show() -> str:
    """Hits for a text, narrowed by facets; every state is in the address."""
    text = request.args.get("q", "").strip()[:400]
    chosen = {name: request.args.getlist(name) for _, name, _ in FACETS}
    offset = max(0, min(request.args.get("offset", 0, int) or 0, FURTHEST))
    began = time.perf_counter()
    with mine() as door:
        found = door.catalog.search(
            text,
            kinds=tuple(chosen["kind"]),
            integrations=tuple(chosen["integration"]),
            tags=tuple(chosen["tag"]),
            schema=chosen["schema"][0] if chosen["schema"] else None,
            verified=True if chosen["verified"] else None,
            limit=PAGE,
            offset=offset,
            facets=True,
        )
    following = offset + PAGE if offset + PAGE < min(found.total, FURTHEST + PAGE) else None
    here: dict[str, Any] = {"q": text, **{name: values for name, values in chosen.items() if values}}
    return render_template(
        "search/show.html", text=text, found=found, chosen=chosen, facets=FACETS, offset=offset,
        or_more=" or more" if found.total >= COUNTED else "",
        milliseconds=round((time.perf_counter() - began) * 1000),
        next_url=url_for("search.show", **here, offset=following) if following else None,
        before_url=url_for("search.show", **here, offset=max(0, offset - PAGE)) if offset else None,
        here=here,
    )  # fmt: skip
