"""The REST API, one for the product's own pages and for programs: `/api/v1`.

Strict models say what enters and leaves; the OpenAPI document is made from them. Each view names the scope that a
token needs. Errors are problem documents.
"""

from __future__ import annotations

from importlib import import_module

from flask import Flask

MODULES = (
    "prompts",
    "catalog",
    "sql",
    "queries",
    "decisions",
    "integrations",
    "push",
    "metadata",
    "settings",
    "register",
    "records",
    "describe",
)
"""The files of the API, in the order in which the document shows them."""


def add_to(app: Flask) -> None:
    """Add the API to the application. Not called `register`: a file of the API has that name."""
    for name in MODULES:
        app.register_blueprint(import_module(f"web.api.{name}").bp, url_prefix="/api/v1")
