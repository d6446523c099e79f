"""The seam to spectree: validation of what enters, and the OpenAPI document made from the same models."""

from __future__ import annotations

from typing import Any

from flask import Response as FlaskResponse
from flask import request
from spectree import Response, SecurityScheme, SpecTree
from spectree.models import SecureType, SecuritySchemeData
from spectree.plugins.flask_plugin import FlaskPlugin

from plugin.errors import BadInput
from web.api.models import Problem
from web.bodies import check_body

MAY_BE_LEFT_OUT = frozenset({"SyncBody", "RunSavedBody", "ApplyBody"})
"""Bodies whose defaults say it all: sync everything, run as saved, apply what is ready."""


def _before(req: Any, resp: Any, error: Any, instance: Any, adapter: Any) -> None:
    """Turn a validation error into ours, so that it leaves as a problem document and names the field."""
    if error is None:
        return
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    raise BadInput(f"{place or 'body'}: {first['msg'].removeprefix('Value error, ')}", field=place)


def _after(req: Any, resp: Any, error: Any, instance: Any, adapter: Any) -> None:
    if error is not None:
        raise error


class _Plugin(FlaskPlugin):
    """SpecTree reads a response whole to validate it; an answer that streams must leave piece by piece.

    And it takes a body that is no JSON for an empty one, which views with nothing but optional fields would act on.
    """

    def request_validation(
        self, request: Any, query: Any, json: Any, form: Any, headers: Any, cookies: Any
    ) -> None:
        if json and request.method not in ("GET", "DELETE") and request.mimetype not in self.FORM_MIMETYPE:
            check_body(request, may_be_left_out=json.__name__ in MAY_BE_LEFT_OUT)
        super().request_validation(request, query, json, form, headers, cookies)

    def validate_response(self, resp: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(resp, FlaskResponse) and resp.is_streamed:
            return resp, None
        return super().validate_response(resp, *args, **kwargs)


class _Spec(SpecTree):
    """SpecTree without its own pages: they load scripts from elsewhere."""


spec = _Spec(
    "flask",
    backend=_Plugin,
    before=_before,
    after=_after,
    title="Docent",
    version="v1",
    description="Ask a data catalog, from metadata alone. Bearer tokens come from your settings page.",
    mode="strict",
    annotations=False,
    validation_error_model=Problem,
    nested_naming_strategy=lambda _parent, child: child,
    naming_strategy=lambda model: model.__name__,
    security_schemes=[
        SecurityScheme(
            name="token",
            data=SecuritySchemeData(type=SecureType.HTTP, scheme="bearer", bearer_format="docent"),
        ),
        SecurityScheme(
            name="session",
            data=SecuritySchemeData(type=SecureType.API_KEY, name="docent", field_in="cookie"),
        ),
    ],
    security=[{"token": []}, {"session": []}],
)


def answers(model: Any, *, status: int = 200) -> Response:
    """The responses of a view: its own, and the problems that any view may answer with."""
    codes: dict[str, Any] = {f"HTTP_{status}": model}
    for code in (400, 401, 403, 404, 409, 413, 415, 422, 429, 502, 503):
        codes[f"HTTP_{code}"] = Problem
    return Response(**codes)


def body() -> Any:
    """The validated JSON body."""
    found = request.context.json  # type: ignore[attr-defined]
    if found is None:
        raise BadInput("Send a JSON object (application/json).", field="body")
    return found


def query() -> Any:
    """The validated query parameters."""
    return request.context.query  # type: ignore[attr-defined]


def reply(model: Any, values: Any, status: int = 200) -> FlaskResponse:
    """A JSON response that fits its model."""
    return FlaskResponse(
        model.model_validate(values).model_dump_json(), status=status, mimetype="application/json"
    )
