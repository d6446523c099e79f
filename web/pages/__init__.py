"""Pages for people. A page is one file here, one line in PAGES and one folder of templates.

The application is closed by default: a new page needs a signed-in person unless its endpoint is named in
`web.door.PUBLIC`.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module

from flask import Flask


@dataclass(frozen=True)
class Page:
    """Where a page lives and how the rail shows it; without a title it is not in the rail."""

    module: str
    title: str = ""
    icon: str = ""
    start: str = "show"
    for_admins: bool = False
    """Shown in the rail to admins only. The store decides who may read it."""


PAGES: dict[str, Page] = {
    "health": Page("web.pages.health"),
    "auth": Page("web.pages.auth"),
    "home": Page("web.pages.home", "Home", "house"),
    "search": Page("web.pages.search"),
    "catalog": Page("web.pages.catalog", "Catalog", "library"),
    "resource": Page("web.pages.resource"),
    "lineage": Page("web.pages.lineage"),
    "assistant": Page("web.pages.assistant", "Assistant", "message-square-text"),
    "embed": Page("web.pages.embed"),
    "glossary": Page("web.pages.glossary", "Glossary", "book-open"),
    "integrations": Page("web.pages.integrations", "Integrations", "plug"),
    "push": Page("web.pages.push"),
    "people": Page("web.pages.people", "Members", "users", for_admins=True),
    "settings": Page("web.pages.settings", "Settings", "settings"),
    "trust": Page("web.pages.trust"),
    "records": Page("web.pages.records"),
    "oversight": Page("web.pages.oversight"),
    "history": Page("web.pages.history"),
    "me": Page("web.pages.me"),
    "results": Page("web.pages.results"),
    "queries": Page("web.pages.queries"),
    "decisions": Page("web.pages.decisions"),
    "mcp": Page("web.pages.mcp"),
}


def register(app: Flask) -> None:
    """Add every page of PAGES to the application."""
    for page in PAGES.values():
        app.register_blueprint(import_module(page.module).bp)
