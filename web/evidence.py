"""What the Trust page says of the pages themselves: asked of the running application, read in the files it serves.

Enters: the application. Leaves: a `Pages`. The requests go through the whole application, as a browser's would, and as
nobody in particular: no page of a person is opened.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from flask import Flask

from plugin.governance.pages import Pages
from web.logs import LOOKING

HEALTH = ("/healthz", "/readyz", "/metrics")
LOOKED_AT = ("/sign-in", "/embed")
WRITES = re.compile(
    r"(?:local|session)Storage(?!\.(?:getItem|removeItem|key)\(|\.length)(?:\.setItem\(\s*(?P<key>[^,)]{0,60}))?"
    r"|indexedDB|caches\.open|serviceWorker\s*\.\s*register|document\.cookie\s*=\s*(?P<cookie>[^;]{0,60})"
)
KEPT = frozenset({'"docent.side.width"', "`docent_${name}=${value}"})
"""What may be written: the width of a panel, and the cookies for the theme and for open panels."""
CALLS = re.compile(
    r"(?:fetch|import|importScripts|EventSource|WebSocket|sendBeacon|Worker)\s*\(\s*[\"'`](?:https?:|wss?:)?//[^\"'`]{0,80}"
)
BOX = re.compile(r"<textarea\b[^>]*>")


def look(app: Flask) -> Pages:
    """Ask the application for its health pages and its policies, and read its scripts."""
    client = app.test_client(use_cookies=False)
    answers = {path: client.get(path, environ_base={LOOKING: True}) for path in (*HEALTH, *LOOKED_AT)}
    static, templates = Path(app.static_folder or ""), Path(app.root_path) / (app.template_folder or "")
    scripts = sorted(static.rglob("*.js"))
    read = [(path, *_script(path, path.stat().st_mtime_ns)) for path in scripts]
    boxes = [(path, BOX.findall(path.read_text("utf-8"))) for path in sorted(templates.rglob("*.html"))]
    return Pages(
        policies={path: answers[path].headers.get("Content-Security-Policy", "") for path in LOOKED_AT},
        caching={path: answers[path].headers.get("Cache-Control", "") for path in LOOKED_AT},
        health={path: answers[path].status_code for path in HEALTH},
        scripts=len(scripts),
        stores=tuple(f"{path.name}: {each}" for path, writes, _ in read for each in writes),
        calls_out=tuple(f"{path.name}: {each}" for path, _, calls in read for each in calls),
        kept_by_browser=tuple(
            path.name for path, found in boxes for each in found if 'autocomplete="off"' not in each
        ),
    )


@lru_cache(maxsize=500)
def _script(path: Path, _changed: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What a script writes to the browser's storage, and which foreign addresses it calls."""
    text = path.read_text("utf-8", "replace")
    writes = []
    for found in WRITES.finditer(text):
        what = (found["key"] or found["cookie"] or found[0]).strip()
        if what not in KEPT:
            writes.append(what[:60])
    return tuple(writes), tuple(each[0][:80] for each in CALLS.finditer(text))
