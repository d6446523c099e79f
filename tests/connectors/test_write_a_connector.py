"""The tutorial, followed literally: its connector and its test are taken from the page and run."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

import connectors as registry

PAGE = Path(__file__).parents[2] / "docs" / "write-a-connector.md"


def test_the_tutorials_connector_passes_the_tutorials_test(monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    module = ModuleType("wiki_of_the_tutorial")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(blocks[0], str(PAGE), "exec", dont_inherit=True), module.__dict__)
    monkeypatch.setitem(registry.CONNECTORS, "wiki", f"{module.__name__}:Wiki")
    registry.connectors.cache_clear()
    try:
        test: dict[str, object] = {}
        exec(compile(blocks[2], str(PAGE), "exec", dont_inherit=True), test)
        run = test["test_pages_become_documents"]
        assert callable(run)
        run()
    finally:
        monkeypatch.undo()
        registry.connectors.cache_clear()
