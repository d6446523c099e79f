"""The {{variables}} of a template's text, read where it is shown and where a prompt was made from it."""

from __future__ import annotations

import re

from plugin.store._context import Context
from plugin.store._models.history import TemplateRow
from plugin.store.shapes import Template

VARIABLE = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_ ]{0,39}?)\s*\}\}")


def template_shape(context: Context, row: TemplateRow) -> Template:
    """Open a template's row for its author."""
    body = context.vault.open_json("templates", "sealed", row.sealed, row=row.uid)
    names = tuple(dict.fromkeys(VARIABLE.findall(body["text"])))
    return Template(row.id, body["name"], body["text"], names, body["model"], body["parameters"], row.updated)
