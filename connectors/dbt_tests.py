"""Which tests a dbt project has on what, and how many of them failed: numbers alone, since a test's text quotes values.

From manifest v9 on dbt says which model a test is attached to. Before, and of a source, only the argument `model` of a
generic test does, as `{{ get_where_subquery(ref('orders')) }}`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

Node = Mapping[str, Any]
_CALL = re.compile(r"\b(ref|source)\(([^()]*)\)")
_TEXT = re.compile(r"['\"]([^'\"]+)['\"]")


class NodeTests:
    """The tests of a project by what they test."""

    def __init__(self, nodes: Iterable[Node], results: Mapping[str, Node]) -> None:
        self._of: dict[str, list[str]] = defaultdict(list)
        self._results = results
        for node in nodes:
            tested = _tested(node) if node["resource_type"] == "test" else None
            if tested:
                self._of[tested].append(node["unique_id"])

    def facts(self, unique_id: str) -> dict[str, int]:
        """How many tests a model or source has, and how many of them failed when they last ran."""
        tests = self._of.get(unique_id, ())
        failing = sum(self._results.get(test, {}).get("status") in ("fail", "error") for test in tests)
        return {"tests": len(tests), "tests_failing": failing}


def _tested(test: Node) -> str | None:
    if test.get("attached_node"):
        return str(test["attached_node"])
    arguments = (test.get("test_metadata") or {}).get("kwargs") or {}
    call = _CALL.search(str(arguments.get("model") or ""))
    names = _TEXT.findall(call.group(2)) if call else []
    if call is None or not names:
        return None
    # model.package.orders, source.package.shop.orders; the package may stand before the name in ref().
    last = names[-1:] if call.group(1) == "ref" else names
    parents = test.get("depends_on", {}).get("nodes", ())
    return next((each for each in parents if each.split(".")[-len(last) :] == last), None)
