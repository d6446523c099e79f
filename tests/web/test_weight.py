"""What a page weighs: under 150 kB of script and style compressed, without the code that only some pages load."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from pathlib import Path

from tests.web.conftest import Person

STATIC = Path(__file__).resolve().parents[2] / "web" / "static"
MOST = 150_000
PAGES = (
    "/", "/search?q=orders", "/catalog", "/assistant", "/glossary", "/integrations", "/integrations/1",
    "/integrations/new?type=postgres", "/members", "/settings/ai", "/trust", "/me", "/history/templates",
)  # fmt: skip
IMPORT = re.compile(r"""(?:\bfrom|^import)\s*["'](\./[^"']+)["']""", re.MULTILINE)


def reached(page: str) -> set[Path]:
    """Every style sheet and script that this page loads by itself, scripts' own imports included."""
    wanted = {STATIC / name for name in re.findall(r'(?:href|src)="/static/([^"]+\.(?:css|js))"', page)}
    waiting = list(wanted)
    while waiting:
        script = waiting.pop()
        if script.suffix == ".js":
            for name in IMPORT.findall(script.read_text()):
                found = script.parent / name
                if found not in wanted:
                    wanted.add(found)
                    waiting.append(found)
    return wanted


def test_no_page_loads_more_than_it_may(person: Callable[[str], Person]) -> None:
    admin, weights = person("admin"), {}
    for path in PAGES:
        files = reached(admin.get(path).get_data(as_text=True))
        assert any(each.name == "chat.js" for each in files), "the sidebar is on every page"
        weights[path] = sum(len(gzip.compress(each.read_bytes(), 6)) for each in files)
    assert max(weights.values()) < MOST, weights
    assert min(weights.values()) > 10_000, "the test found what the pages load"


def test_charts_and_graphs_load_only_where_used(person: Callable[[str], Person]) -> None:
    files = {each.name for each in reached(person("admin").get("/catalog").get_data(as_text=True))}
    assert not files & {"chart.js", "graph.js", "lineage.js", "connecting.js", "settings.js"}
