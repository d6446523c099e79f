"""JSON that comes in over HTTP, read by the letter: what is none is refused and never taken for an empty body."""

from __future__ import annotations

import math
from typing import Any, NoReturn

from flask import Request, current_app
from flask.json.provider import DefaultJSONProvider
from werkzeug.exceptions import UnsupportedMediaType

from plugin.errors import BadInput

EXACT = 2.0**53
"""Up to here a float holds every whole number."""


class StrictJson(DefaultJSONProvider):
    """Flask's JSON, which refuses NaN, numbers too large for a float and nesting without end as it does other nonsense.

    A whole number may be written with a point (`2.0`), as JSON Schema has it.
    """

    sort_keys = False

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """The value of a JSON text. Raises ValueError where it is none."""
        try:
            return super().loads(s, parse_constant=_no_number, parse_float=_number, **kwargs)
        except RecursionError as error:
            raise ValueError("nested too deep") from error


class UnreadableBody(BadInput):
    """The body of a request is not what its content type says."""

    status = 400


def check_body(request: Request, *, may_be_left_out: bool) -> None:
    """See that a JSON object came, before its fields are looked at.

    Raises UnreadableBody where it is no JSON, BadInput where there is none or it is no object; werkzeug's 415 where
    it is said to be something else.
    """
    if not request.get_data(cache=True):
        if may_be_left_out:
            return
        raise BadInput("Send a JSON object (application/json).", field="body")
    if not request.is_json:
        raise UnsupportedMediaType
    try:
        found = current_app.json.loads(request.get_data(cache=True))
    except ValueError as error:
        raise UnreadableBody("The body is not JSON.", field="body") from error
    if not isinstance(found, dict):
        raise BadInput("body: send a JSON object", field="body")


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _number(text: str) -> float | int:
    value = float(text)
    if math.isinf(value):
        raise ValueError("a number too large")
    return int(value) if value.is_integer() and abs(value) < EXACT else value
