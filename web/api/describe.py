"""The OpenAPI document and a page that shows it, rendered here: no script from elsewhere."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, render_template

from web.api.spec import MAY_BE_LEFT_OUT, spec
from web.door import scope

bp = Blueprint("api_describe", __name__)


_made: list[dict[str, Any]] = []


def _scopes() -> dict[tuple[str, str], str]:
    """By path and method the scope that a token needs there; OpenAPI 3.1 has room for such names beside `bearer`."""
    return {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower()): view.scope
        for rule in current_app.url_map.iter_rules()
        if hasattr(view := current_app.view_functions[rule.endpoint], "scope")
        for method in rule.methods or ()
    }


def document() -> dict[str, Any]:
    """The OpenAPI 3.1 document of this application, made once a process: SpecTree gives its models up as it writes."""
    cached = _made[0] if _made else None
    if cached is None:
        spec.app = current_app
        cached = spec._generate_spec()
        scopes = _scopes()
        for path, operations in cached["paths"].items():
            for method, operation in operations.items():
                operation["security"] = [{"token": [scopes[path, method]]}, {"session": []}]
                for given in operation.get("parameters", ()):
                    if (
                        given["schema"].get("format") == "int32"
                    ):  # SpecTree's word for <int:...>; ours are larger
                        given["schema"]["format"] = "int64"
                sent = operation.get("requestBody", {})
                for each in sent.get("content", {}).values():
                    if each["schema"].get("$ref", "").rsplit("/", 1)[-1] in MAY_BE_LEFT_OUT:
                        sent["required"] = False
                for code, answer in operation["responses"].items():
                    if int(code) >= 400 and "content" in answer:
                        answer["content"] = {
                            "application/problem+json": answer["content"]["application/json"]
                        }
        streamed = cached["paths"]["/api/v1/prompts"]["post"]["responses"]
        streamed["200"] = {
            "description": "The answer as server-sent events, where a stream was asked for",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        }
        _made.append(cached)
    return cached  # type: ignore[no-any-return]


@bp.get("/openapi.json")
@scope("read")
def openapi() -> Response:
    """All of the API as OpenAPI 3.1."""
    return jsonify(document())


@bp.get("/docs")
@scope("read")
def docs() -> str:
    """The API for people to read."""
    found = document()
    groups: dict[str, list[tuple[str, str, dict[str, Any]]]] = {}
    for path, operations in found["paths"].items():
        for method, operation in operations.items():
            groups.setdefault((operation.get("tags") or ["Other"])[0], []).append((method, path, operation))
    return render_template("api/docs.html", groups=groups, schemas=found["components"]["schemas"])
