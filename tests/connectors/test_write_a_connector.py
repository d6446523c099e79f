"""The tutorial, followed literally: its connector, its tests and its second server are taken from the page and run, and
what the page names is there.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import connectors as registry
from connectors.http import Api
from tests.connectors import test_endpoints, test_mutilated, test_second_servers
from tests.connectors.vendor_server import Vendor

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "write-a-connector.md"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


def block(mark: str, **given: Any) -> dict[str, Any]:
    """The names that the one block with `mark` in it makes."""
    (code,) = (each for each in BLOCKS if mark in each)
    made: dict[str, Any] = dict(given)
    exec(compile(code, str(PAGE), "exec", dont_inherit=True), made)
    return made


def declarations(make: Any) -> dict[str, Any]:
    """What the page has its test file declare, for a server that `make` makes."""
    (code,) = (each for each in BLOCKS if "OWN_SHAPES = " in each)
    code = code.replace("from tests.connectors.second_wiki import EXPECTED", "EXPECTED = None")
    made: dict[str, Any] = {"wiki": make, "connect": registry.connect, "Any": Any, "Vendor": Vendor}
    exec(compile(code, str(PAGE), "exec", dont_inherit=True), made)
    return made


@pytest.fixture
def wiki(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    module = ModuleType("wiki_of_the_tutorial")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    (code,) = (each for each in BLOCKS if "class Wiki" in each)
    exec(compile(code, str(PAGE), "exec", dont_inherit=True), module.__dict__)
    monkeypatch.setitem(registry.CONNECTORS, "wiki", f"{module.__name__}:Wiki")
    registry.connectors.cache_clear()
    yield
    monkeypatch.undo()
    registry.connectors.cache_clear()


@pytest.mark.usefixtures("wiki")
def test_the_tutorials_connector_passes_the_tutorials_tests() -> None:
    block("def test_pages_become_documents")["test_pages_become_documents"]()
    tests = block("def test_rest_is_taken_as_told")
    names = [name for name in tests if name.startswith("test_")]
    assert len(names) == 3
    for name in names:
        with pytest.MonkeyPatch.context() as own:
            tests[name](own) if "monkeypatch" in tests[name].__annotations__ else tests[name]()


@pytest.mark.usefixtures("wiki")
def test_the_tutorials_connector_is_mutilated_as_the_others_are(monkeypatch: pytest.MonkeyPatch) -> None:
    make = block("def test_rest_is_taken_as_told")["wiki"]

    def several() -> Vendor:
        vendor: Vendor = make()
        whole = vendor.routes["GET /pages"]

        def three(asked: Any) -> Any:
            page = whole(asked)
            return {**page, "items": [{**each, "id": n} for each in page["items"] for n in range(3)]}

        vendor.routes["GET /pages"] = three
        return vendor

    own = declarations(several)
    monkeypatch.setitem(test_mutilated.CASES, "wiki", own["OWN_SHAPES"]["wiki"])
    test_mutilated.test_answers_of_another_shape("wiki")
    test_mutilated.test_values_of_another_type("wiki")


@pytest.mark.usefixtures("wiki")
def test_the_tutorials_second_server_is_read_as_it_expects(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.http.time.sleep", lambda seconds: None)
    server = block("def second_wiki")["second_wiki"]
    expected = block("EXPECTED = Expected", second_wiki=server)["EXPECTED"]
    monkeypatch.setitem(test_second_servers.CASES, "wiki", expected)
    test_second_servers.test_a_second_server_is_read_as_its_reference_says("wiki")
    test_second_servers.test_a_wrong_credential_is_a_refusal_that_tells_nothing("wiki")
    test_second_servers.test_a_server_that_goes_away_in_mid_run_loses_nothing_quietly("wiki")


@pytest.mark.usefixtures("wiki")
@pytest.mark.parametrize("status", [400, 403, 404, 501])
def test_the_tutorials_addresses_are_refused_as_the_others_are(
    monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    make = block("def test_rest_is_taken_as_told")["wiki"]
    own = declarations(make)
    monkeypatch.setitem(test_endpoints.ENDPOINTS, "wiki", own["OWN_ENDPOINTS"]["wiki"])
    monkeypatch.setitem(test_mutilated.CASES, "wiki", own["OWN_SHAPES"]["wiki"])
    test_endpoints.test_a_part_that_is_refused_costs_that_part("wiki", status)


def test_a_new_connector_touches_two_files_beside_its_own_and_its_tests() -> None:
    """Fivetran declares everything in its own test, as the page says: what else names it are these."""
    beside = "What you touch beside your own file and tests are two files"
    assert beside in TEXT
    told = set(re.findall(r"`([\w/.]+)`", TEXT.partition(beside)[2].partition("A third")[0]))
    looked = [
        ROOT / "pyproject.toml",
        *(
            path
            for folder in ("connectors", "docs", "tests/connectors")
            for path in (ROOT / folder).rglob("*.*")
        ),
    ]
    named = {
        str(path.relative_to(ROOT))
        for path in looked
        if path.suffix in (".py", ".md", ".toml") and "fivetran" not in path.stem
        if re.search(r"\bfivetran\b", path.read_text(encoding="utf-8"))
    }
    ours = {"docs/write-a-connector.md", "tests/connectors/test_write_a_connector.py"}  # which speak of it
    assert named - ours == told == {"connectors/__init__.py", "docs/connectors.md"}


def test_every_file_that_the_page_names_is_there() -> None:
    named = set(re.findall(r"\b(?:connectors|tests|docs)/[\w/]+\.(?:py|md)", TEXT))
    assert len(named) > 20
    assert [each for each in sorted(named) if "wiki" not in each and not (ROOT / each).is_file()] == []


def test_every_method_of_the_client_that_the_page_names_is_there() -> None:
    named = set(re.findall(r"`api\.(\w+)", TEXT))
    assert {"get", "ask", "pages", "overlapping", "form", "credential"} <= named
    assert [each for each in sorted(named) if not hasattr(Api, each)] == []


def test_every_name_of_a_module_that_the_page_names_is_there() -> None:
    named = re.findall(r"`connectors\.(\w+)\.(\w+)`", TEXT)
    assert ("http", "Length") in named and ("warehouse", "moment") in named
    for module, name in named:
        assert hasattr(__import__(f"connectors.{module}", fromlist=[name]), name), (
            f"connectors.{module}.{name}"
        )


def test_the_sections_are_numbered_as_they_are_referred_to() -> None:
    headings = re.findall(r"^## (\d)\. ", TEXT, re.MULTILINE)
    assert headings == [str(n + 1) for n in range(len(headings))]
    assert {int(each) for each in re.findall(r"\(section (\d)\)", TEXT)} <= {int(each) for each in headings}
