"""The assistant inside another application's page: one frame, only where an admin named that application.

`<docent-assistant>` (static/js/embed.js) puts this page into an inline frame; it is the sidebar's own element, so what
is asked, shown and stored is the same. Only origins of the setting `embed.origins` may frame it, and only for whoever
is signed in to Docent in the same browser: the session's cookie goes along within one site, never across sites. A
stranger gets a link that opens Docent in a tab of its own, since a sign-in form inside a foreign page could be
anybody's.
"""

from __future__ import annotations

from flask import Blueprint, make_response, render_template, request
from flask_login import current_user
from werkzeug.wrappers import Response

from plugin.errors import DocentError
from web.door import POLICY
from web.frame import Context
from web.services import mine
from web.words import short_name

bp = Blueprint("embed", __name__, url_prefix="/embed")
NOBODY = "frame-ancestors 'none'"


@bp.get("")
def show() -> Response:
    """The page in the frame. `about`: the qualified name of what the page around it is about."""
    if not current_user.is_authenticated:
        return _framed(
            render_template("embed/sign_in.html"),
            "frame-ancestors https: http://127.0.0.1:* http://localhost:*",
        )
    context = None
    with mine() as door:
        origins = door.policy.setting("embed.origins")
        about = request.args.get("about", "")[:500]
        if about:
            try:
                found = door.catalog.by_name(about)
                context = Context(found.id, short_name(found), found.qualified_name)
            except DocentError:
                pass  # hidden and absent alike: the assistant answers, about nothing in particular
    return _framed(
        render_template("embed/show.html", context=context), " ".join(["frame-ancestors 'self'", *origins])
    )


def _framed(page: str, ancestors: str) -> Response:
    response = make_response(page)
    response.headers["Content-Security-Policy"] = POLICY.replace(NOBODY, ancestors)
    return response
