"""The walls of the house, held by reading every import of every module."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("plugin", "connectors", "web", "migrations")
SDKS = {
    "openai": "plugin/providers/openai.py",
    "anthropic": "plugin/providers/anthropic.py",
}
LONGEST = 400


def modules(*folders: str) -> list[Path]:
    """Every Python file of ours in these folders."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Each imported module's full name and whether the import happens when the module is loaded."""
    tree = ast.parse(path.read_text("utf-8"))
    inner = {
        id(node)
        for outer in ast.walk(tree)
        if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef)
        or (isinstance(outer, ast.If) and "TYPE_CHECKING" in ast.unparse(outer.test))
        for node in ast.walk(outer)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, id(node) not in inner
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            for alias in node.names:
                yield f"{node.module}.{alias.name}", id(node) not in inner


def place(path: Path) -> str:
    """The path as tests name it."""
    return path.relative_to(ROOT).as_posix()


def within(name: str, package: str) -> bool:
    """Is `name` that package or inside it?"""
    return name == package or name.startswith(package + ".")


@cache  # read when a test asks: each worker loads this file, one of them runs it
def every_import() -> list[tuple[str, str, bool]]:
    """Each import of the house: the file, the full name, whether it happens when the file is loaded."""
    return [(place(path), name, eager) for path in modules(*ROOMS) for name, eager in imports(path)]


def breaches(package: str, allowed: tuple[str, ...]) -> list[str]:
    """Files that import `package` and stand under none of the allowed paths."""
    return sorted(
        {file for file, name, _ in every_import() if within(name, package) and not file.startswith(allowed)}
    )


def test_the_walk_sees_the_house() -> None:
    files = {file for file, _, _ in every_import()}
    assert len(files) > 60
    assert "plugin/store/__init__.py" in files


def test_imports_go_one_way() -> None:
    assert breaches("web", ("web/",)) == []
    assert breaches("flask", ("web/",)) == []
    assert list(breaches("plugin", ("plugin/", "web/", "migrations/"))) == []
    assert breaches("connectors", ("connectors/", "plugin/catalog/sync", "plugin/run_sql/execute")) == []


def test_only_the_store_has_the_database() -> None:
    assert breaches("sqlalchemy", ("plugin/store/", "connectors/", "migrations/")) == []
    assert breaches("plugin.store._models", ("plugin/store/", "migrations/")) == []


def test_sql_is_parsed_in_two_rooms() -> None:
    assert breaches("sqlglot", ("plugin/catalog/", "plugin/run_sql/")) == []
    assert breaches("pglast", ("plugin/run_sql/",)) == []


@pytest.mark.parametrize("sdk", sorted(SDKS))
def test_one_file_knows_each_vendor(sdk: str) -> None:
    assert breaches(sdk, (SDKS[sdk],)) == []
    assert not [file for file, name, eager in every_import() if within(name, sdk) and eager], (
        "vendors' SDKs load on demand"
    )


def test_no_other_module_speaks_to_a_network() -> None:
    """Law 4: whoever could open a connection to a provider stands in the gateway's rooms."""
    for client in ("httpx", "requests", "urllib.request", "http.client", "aiohttp", "urllib3"):
        assert breaches(client, ("plugin/egress/", "plugin/providers/", "connectors/")) == [], client


def test_nothing_is_executed_or_unpickled() -> None:
    banned = re.compile(
        r"(?<![\w.])(eval|exec)\(|\bpickle\.(loads|load)\b|\bmarshal\.loads?\b|\byaml\.load\("
    )
    for path in modules(*ROOMS):
        assert not banned.search(path.read_text("utf-8")), place(path)


def test_files_hold_one_idea() -> None:
    """A file past 400 lines says in its docstring why it is one idea."""
    long = []
    for path in modules("plugin", "connectors", "web"):
        text = path.read_text("utf-8")
        if len(text.splitlines()) > LONGEST:
            doc = ast.get_docstring(ast.parse(text)) or ""
            if "one file because" not in " ".join(doc.lower().split()):
                long.append(f"{place(path)}: {len(text.splitlines())} lines")
    assert long == []


def test_every_module_says_what_it_is_for() -> None:
    empty = [
        place(path)
        for path in modules("plugin", "connectors", "web")
        if path.read_text("utf-8").strip() and not ast.get_docstring(ast.parse(path.read_text("utf-8")))
    ]
    assert empty == []


def test_no_vague_names() -> None:
    vague = re.compile(r"(^|_)(utils?|helpers?|common|managers?|misc)(_|\.py$|$)")
    named = {part for path in modules(*ROOMS) for part in path.relative_to(ROOT).parts if vague.search(part)}
    assert named == set()


def test_starting_the_command_line_loads_nothing_heavy() -> None:
    """`docent --help` must not pay for a database, an SDK or a parser."""
    heavy = ("sqlalchemy", "flask", "openai", "anthropic", "sqlglot", "duckdb", "phonenumbers", "dbos", "mcp")
    code = f"import sys, plugin.cli; sys.exit(', '.join(m for m in {heavy!r} if m in sys.modules) or 0)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
