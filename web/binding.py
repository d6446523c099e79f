"""Values of the asker's own result, put into the answer that goes to their page and nowhere else.

The model wrote placeholders and never saw a row. What is filled in here is not stored: history keeps the placeholder.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from plugin.errors import NotFound
from plugin.run_sql.placeholders import bind
from web.rows import result_of

_MARK = re.compile(r'<span class="local" data-bind="([^"]*)"></span>')
TITLE = "Filled in here from your result. The provider saw a placeholder."
WAITS = "Filled in here once the statement has run. Its rows are for your session only; the assistant never sees them."


def filled(text: str, shapes: Mapping[str, str], numbers: Collection[str] = ()) -> Markup:
    """Safe HTML with its empty marks filled in. `shapes` maps r1, r2, ... to ids of the asker's results.

    `numbers` are the names of the answer's statements: what stands for the result of one waits for Run, and what stands
    for any other stays as it was written, marked.
    """
    if 'data-bind="' not in text:
        return Markup(text)
    results = {}
    for name, result_id in shapes.items():
        try:
            results[name] = result_of(result_id)
        except NotFound:
            continue

    def value(match: re.Match[str]) -> str:
        source = html.unescape(match.group(1))
        name = source.split(".")[0]
        if name not in results and name not in numbers and name not in shapes:
            why = html.escape(f"there is no statement {name} in this answer", quote=True)
            return f'<span class="unknown" title="{why}">{html.escape("{{" + source + "}}")}</span>'
        if name not in results:
            return f'<span class="local" data-bind="{match.group(1)}" title="{WAITS}"></span>'
        segment = bind("{{" + source + "}}", results)[0]
        if segment.kind == "unknown":
            why = html.escape(segment.why, quote=True)
            return f'<span class="unknown" title="{why}">{html.escape(segment.text)}</span>'
        if segment.kind == "chart":
            chart = html.escape(json.dumps(segment.chart), quote=True)
            of = html.escape(shapes[segment.result], quote=True)
            where = f'data-bind="{match.group(1)}" data-chart="{chart}" data-of="{of}"'
            return f'<span class="local" {where} title="{TITLE}">the chart of the rows below</span>'
        shown = segment.text if segment.kind == "value" else "the table below"
        return f'<span class="local" data-bind="{match.group(1)}" title="{TITLE}">{html.escape(shown)}</span>'

    return Markup(_MARK.sub(value, text))


def values(result_id: str, name: str, binds: Sequence[str]) -> list[dict[str, Any]]:
    """What placeholders of one result stand for, for its owner's page. NotFound as `result_of`."""
    results = {name: result_of(result_id)}
    found = [bind("{{" + each + "}}", results)[0] for each in binds]
    return [
        {"kind": segment.kind, "text": segment.text, "why": segment.why, "chart": segment.chart}
        for segment in found
    ]
