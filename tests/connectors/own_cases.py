"""What a connector's own test file declares for the questions that are asked of all, so that a new one touches no shared list.

OWN_SHAPES = {"wiki": (server, opened, "members that the vendor promises")}     test_mutilated.py
OWN_SECOND = {"wiki": Expected(...)}                                            test_second_servers.py
OWN_ENDPOINTS = {"wiki": {r"GET /pages": ("pages", "ends")}}                    test_endpoints.py
"""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def declared(name: str) -> dict[str, Any]:
    """What the test files beside this one declare under `name`, by connector."""
    found: dict[str, Any] = {}
    for path in sorted(HERE.glob("test_*.py")):
        if re.search(rf"^{name}\b", path.read_text(encoding="utf-8"), re.MULTILINE):
            found |= getattr(import_module(f"tests.connectors.{path.stem}"), name)
    return found
