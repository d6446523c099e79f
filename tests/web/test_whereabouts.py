"""Where text goes is said from the declared endpoints, on every page that says it."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask

from plugin.egress.allowed_fields import ALLOWED
from plugin.store import Store
from tests.web.conftest import Person
from web import create_app


def chip(who: Person, path: str = "/") -> str:
    found = re.search(r"Where your text goes: </span>([^<]+)<", who.get(path).get_data(as_text=True))
    assert found
    return html.unescape(found.group(1))


def choose(who: Person, **values: str) -> None:
    for key, value in values.items():
        answer = who.post(f"/settings/ai/set/{key.replace('__', '.')}", {"value": value})
        assert answer.status_code == 303, answer.get_data(as_text=True)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "Built-in · nothing leaves"),
        ({"ai__provider": "openai"}, "OpenAI · no promised region · metadata only"),
        ({"ai__provider": "anthropic"}, "Anthropic · no promised region · metadata only"),
        (
            {"ai__provider": "openai", "ai__base_url": "https://eu.api.openai.com/v1"},
            "OpenAI · European Union · metadata only",
        ),
        (
            {"ai__provider": "openai_compatible", "ai__base_url": "http://127.0.0.1:11434/v1"},
            "Your own server · your own network · metadata only",
        ),
        (
            {"ai__provider": "openai_compatible", "ai__base_url": "https://models.example/v1"},
            "Your own server · an unknown region · metadata only",
        ),
        ({"ai__provider": "openai", "ai__region": "eu"}, "OpenAI · refused here · nothing leaves"),
        ({"ai__provider": "openai_compatible"}, "Your own server · refused here · nothing leaves"),
    ],
)
def test_the_chip_says_the_declared_place(
    person: Callable[[str], Person], settings: dict[str, str], said: str
) -> None:
    admin = person("admin")
    if settings:
        choose(admin, **settings)
    assert chip(admin) == said
    assert chip(person("viewer")) == said


def test_the_flow_names_operator_host_and_terms(person: Callable[[str], Person]) -> None:
    admin = person("admin")
    choose(admin, ai__provider="openai", ai__base_url="https://eu.api.openai.com/v1")
    page = person("viewer").get("/trust/data-flow").get_data(as_text=True)
    for text in (
        "eu.api.openai.com",
        "European Union",
        "store=false",
        "https://openai.com/policies/services-agreement/",
    ):
        assert text in page, text
    assert "United States" not in page


def test_an_address_of_the_operators_is_said_too(
    app: Flask, demo_store: Store, person: Callable[[str], Person]
) -> None:
    admin = person("admin")
    choose(admin, ai__provider="openai")
    config = replace(
        app.extensions["docent"].config, provider_env={"OPENAI_BASE_URL": "http://10.1.2.3:8000/v1"}
    )
    other = Person(create_app(config, demo_store))
    other.sign_in("maren@harbor.example")
    assert chip(other) == "OpenAI · your own network · metadata only"
    with demo_store.sign_in() as door:
        workspace = door.viewer_for_email(None, None).workspace_id
    with demo_store.secrets(workspace) as secrets:
        secrets.set_provider_key("openai", "sk-of-the-workspace")
    assert chip(other) == "OpenAI · no promised region · metadata only"  # its key goes to the vendor itself


def test_ai_settings_print_the_gateways_own_list(person: Callable[[str], Person]) -> None:
    page = html.unescape(person("admin").get("/settings/ai").get_data(as_text=True))
    for field in ALLOWED.values():
        assert f">{field.name}<" in page, field.name
        assert field.reason[1:] in page, field.name
    for host in ("api.openai.com", "api.anthropic.com"):
        assert host in page
