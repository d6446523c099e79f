"""Which tests a dbt project has on what, what they look for, and what became of them and of each model when last run.

A test's compiled SQL, arguments and message quote values, and so does the name that dbt makes up for a generic test
(`accepted_values_orders_status__paid__lost`): of those only the kind and the column are told, and the name of a test
where a person gave it one.

From manifest v9 on dbt says which model a test is attached to. Before, and of a source, only the argument `model` of a
generic test does, as `{{ get_where_subquery(ref('orders')) }}`. A test that is a file of its own is one of the model
that it reads, where that is one.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from connectors.dbt_artifacts import members, objects, read_at

Node = Mapping[str, Any]
_CALL = re.compile(r"\b(ref|source)\(([^()]*)\)")
_TEXT = re.compile(r"['\"]([^'\"]+)['\"]")
RAN_NOTHING = ("generate", "docs generate", "compile", "parse", "list", "show")
"""Commands that write results too, where all is "success": what they compiled, a test that fails among it."""
FAILED = ("fail", "error", "runtime error")
BUILT = ("success", "pass", "partial success")
MOST = 40
"""Tests of one model that are named."""


class Results:
    """What run_results.json tells of the last run: nothing, where that command ran nothing."""

    def __init__(self, results: Node) -> None:
        which = members(results, "args", within=False).get("which")
        self.ran_nothing = str(which) if which in RAN_NOTHING else None
        """The command that wrote the file, where it was one that only compiles."""
        told = [] if self.ran_nothing else objects(results.get("results"))
        self._of: dict[str, Node] = {str(each.get("unique_id")): each for each in told}
        self._at = moment(members(results, "metadata", within=False).get("generated_at"))

    def status(self, unique_id: str) -> str:
        """What became of a node, or an empty text."""
        return str(self._of.get(unique_id, {}).get("status") or "").lower()

    def built_at(self, unique_id: str) -> datetime | None:
        """When a model was built, where it was: not where its build failed or was skipped."""
        if self.status(unique_id) not in BUILT:
            return None
        return self._ended(unique_id)

    def facts(self, unique_id: str) -> dict[str, object]:
        """What became of a model and when, as people read it."""
        status = self.status(unique_id)
        ended = self._ended(unique_id) if status else None
        return {"last_status": status, "last_run": ended.strftime("%Y-%m-%d %H:%M UTC") if ended else None}

    def _ended(self, unique_id: str) -> datetime | None:
        """When dbt was done with it; what it skipped it was done with when the run ended."""
        timing = objects(self._of[unique_id].get("timing"))
        ended = [each.get("completed_at") for each in timing if each.get("name") == "execute"]
        return moment(ended[0] if ended else None) or self._at


class NodeTests:
    """The tests of a project by what they test."""

    def __init__(self, nodes: Mapping[str, Node], results: Results) -> None:
        """`nodes`: all of the manifest by their ids, whatever they are."""
        self._of: dict[str, list[tuple[str, Node]]] = defaultdict(list)
        self._results = results
        for name, node in nodes.items():
            if node.get("resource_type") in ("test", "unit_test"):
                with read_at(name):
                    tested = _tested(node)
                if tested:
                    self._of[tested].append((name, node))

    def facts(self, unique_id: str) -> dict[str, object]:
        """How many tests a model or source has, what for, and which of them failed or warned when they last ran."""
        tests = self._of.get(unique_id, ())
        by_status: dict[str, list[str]] = {"failing": [], "warning": []}
        for name, test in tests:
            status = self._results.status(name)
            if status in FAILED:
                by_status["failing"].append(_words(test))
            elif status == "warn":
                by_status["warning"].append(_words(test))
        kinds = Counter(_kind(test) for _name, test in tests)
        return {
            "tests": len(tests),
            "tested_for": _listed(
                f"{kind} ({number})" if number > 1 else kind for kind, number in kinds.items()
            ),
            "tests_failing": len(by_status["failing"]),
            "failing": _listed(by_status["failing"]),
            "tests_warning": len(by_status["warning"]),
            "warning": _listed(by_status["warning"]),
        }


def moment(text: Any) -> datetime | None:
    """An artifact's time, which dbt writes in UTC."""
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) and text else None
    except ValueError:
        return None
    return found if found is None or found.tzinfo else found.replace(tzinfo=UTC)


def _listed(words: Iterable[str]) -> str:
    each = sorted(words)
    more = [f"and {len(each) - MOST} more"] if len(each) > MOST else []
    return ", ".join([*each[:MOST], *more])


def _kind(test: Node) -> str:
    """What a test looks for: the kind of a generic one, else its name."""
    known = test.get("test_metadata") or {}
    if not known.get("name"):
        return str(test.get("name") or "")
    return ".".join(str(part) for part in (known.get("namespace"), known["name"]) if part)


def _words(test: Node) -> str:
    """One test for people: its name where a person gave it, its kind and its column."""
    kind, name = _kind(test), str(test.get("name") or "")
    if kind == name:
        return name
    package, _, bare = kind.rpartition(".")
    before = f"{package}_" if package else ""
    # As dbt makes them: of a source the package still comes first (dbt_utils_source_accepted_range_...).
    made_up = name.startswith((f"{before}{bare}", f"{before}source_{bare}"))
    on = f" on {test['column_name']}" if test.get("column_name") else ""
    return f"{kind}{on}" if made_up else f"{name} ({kind}{on})"


def _tested(test: Node) -> str | None:
    if test.get("attached_node"):
        return str(test["attached_node"])
    parents = [str(each) for each in test.get("depends_on", {}).get("nodes", ())]
    known = test.get("test_metadata") or {}
    if not known.get("name") and not known.get("kwargs"):
        return parents[0] if len(set(parents)) == 1 else None
    call = _CALL.search(str((known.get("kwargs") or {}).get("model") or ""))
    names = _TEXT.findall(call.group(2)) if call else []
    if call is None or not names:
        return None
    # model.package.orders, source.package.shop.orders; the package may stand before the name in ref().
    last = names[-1:] if call.group(1) == "ref" else names
    return next((each for each in parents if each.split(".")[-len(last) :] == last), None)
