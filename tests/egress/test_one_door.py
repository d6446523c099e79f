"""Law 4 by reading every import: nobody else makes a provider, loads an SDK or holds an HTTP client of theirs."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from plugin.egress.allowed_fields import ALLOWED
from plugin.egress.endpoints import ENDPOINTS, default_endpoint
from plugin.providers import PROVIDERS, VENDORS, provider_class

ROOT = Path(__file__).resolve().parents[2]


def imported() -> Iterator[tuple[str, str]]:
    for folder in ("plugin", "web", "connectors"):
        for path in (ROOT / folder).rglob("*.py"):
            place = path.relative_to(ROOT).as_posix()
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Import):
                    yield from ((place, alias.name) for alias in node.names)
                elif isinstance(node, ast.ImportFrom) and node.module:
                    yield from ((place, f"{node.module}.{alias.name}") for alias in node.names)


@cache  # read when a test asks: each worker loads this file, one of them runs it
def every_import() -> list[tuple[str, str]]:
    return list(imported())


def users(name: str) -> set[str]:
    return {place for place, what in every_import() if what == name or what.startswith(name + ".")}


def test_only_the_gateways_rooms_speak_http_to_providers() -> None:
    for client in ("httpx2", "httpcore2"):
        assert (
            users(client)
            <= {
                "plugin/egress/transport.py",
                "plugin/providers/openai.py",
                "plugin/providers/anthropic.py",
                "plugin/egress/webhook.py",  # tells an admin's own address that something is unusual; no provider, no content
            }
        )


def test_only_the_gateway_makes_a_provider() -> None:
    assert users("plugin.providers.provider") == {"plugin/egress/gateway.py"}
    assert users("plugin.providers.openai") == users("plugin.providers.anthropic") == set()


def test_a_typed_part_cannot_be_a_string() -> None:
    from plugin.egress.parts import Conversation
    from plugin.egress.render import render

    with pytest.raises(TypeError):
        render(
            Conversation(()),
            ("a finished prompt",),
            (),
            model="m",
            max_tokens=1,
            patterns=(),
            regions=(),  # type: ignore[arg-type]
        )


def test_every_provider_in_the_table_exists_and_every_vendor_has_terms() -> None:
    for name in PROVIDERS:
        assert provider_class(name).name == name
    for name in ("openai", "anthropic"):
        assert name in VENDORS and default_endpoint(name) is not None
    for endpoint in ENDPOINTS:
        assert endpoint.terms_link.startswith("https://") and endpoint.region and endpoint.options
        assert all(each.link.startswith("https://") for each in endpoint.attestations)


def test_every_field_that_may_leave_has_a_reason() -> None:
    assert all(len(field.reason) >= 8 for field in ALLOWED.values())
    for name in ("sample", "values", "rows", "histogram", "min", "max", "most_common"):
        assert name not in ALLOWED
