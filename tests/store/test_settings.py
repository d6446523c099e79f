"""Settings: each has a line that says what it does; bad values are refused with the allowed ones; all is audited."""

from __future__ import annotations

from typing import Any

import pytest

from plugin.access.ai_rules import AiRule, decide, parse_rules
from plugin.access.viewer import Viewer
from plugin.errors import BadInput
from plugin.governance.settings import SETTINGS
from plugin.store import Store

BAD: list[tuple[str, Any, str]] = [
    ("ai.enabled", "maybe", "true or false"),
    ("ai.provider", "skynet", "builtin, openai, anthropic, openai_compatible"),
    ("ai.history", "sometimes", "off, explicit, always"),
    ("ai.limits.steps", 0, "from 1 to 40"),
    ("ai.limits.steps", "many", "whole number"),
    ("ai.limits.steps", True, "whole number"),
    ("history.days", 31, "from 1 to 30"),
    ("history.max_prompts", 501, "from 1 to 500"),
    ("ai.base_url", "ftp://x", "https"),
    ("ai.base_url", "http://llm.example.com/v1", "https"),
    ("ai.base_url", "https://user:pw@llm.example.com/v1", "no user"),
    ("ai.base_url", "https://[bad", "URL"),
    ("ai.filters", {"effect": "exclude"}, "list"),
    ("ai.filters", [{"effect": "hide"}], "include, exclude"),
    ("ai.filters", [{"effect": "exclude", "colour": "red"}], "colour"),
    ("ai.redaction.patterns", [{"name": "x", "pattern": "("}], "regular expression"),
    ("ai.redaction.patterns", [{"name": "x", "pattern": "a*"}], "everywhere"),
    ("ai.redaction.patterns", [{"name": "x"}], "a name and a pattern"),
    ("ai.redaction.regions", ["Germany"], "two letters"),
    ("ai.internal_hosts", ["https://llm.local/"], "host name"),
    ("ai.instructions", "x" * 8001, "8,000"),
    ("no.such", 1, "there is no setting"),
]
GOOD: list[tuple[str, Any, Any]] = [
    ("ai.enabled", "off", False),
    ("ai.provider", "OpenAI", "openai"),
    ("ai.provider", "scripted", "scripted"),
    ("ai.history", False, "off"),
    ("ai.limits.steps", "5", 5),
    ("ai.base_url", "http://localhost:8080/v1", "http://localhost:8080/v1"),
    ("ai.base_url", "http://127.0.0.1:8080/v1", "http://127.0.0.1:8080/v1"),
    ("ai.base_url", "https://llm.example.com/v1", "https://llm.example.com/v1"),
    ("ai.filters", [{"effect": "exclude", "tags": ["pii"]}], [{"effect": "exclude", "tags": ["pii"]}]),
    ("ai.redaction.regions", "de, us", ["DE", "US"]),
    ("ai.region", "EU", "eu"),
]


@pytest.mark.parametrize(("key", "value", "said"), BAD)
def test_a_bad_value_is_refused_with_the_allowed_ones(
    store: Store, admin: Viewer, key: str, value: Any, said: str
) -> None:
    with store.as_admin(admin) as door:
        before = door.settings.export()
        with pytest.raises(BadInput) as caught:
            door.settings.set(key, value)
        assert said in str(caught.value)
        assert door.settings.export() == before


@pytest.mark.parametrize(("key", "value", "kept"), GOOD)
def test_a_good_value_is_kept_in_its_own_type(
    any_store: Store, any_admin: Viewer, key: str, value: Any, kept: Any
) -> None:
    with any_store.as_admin(any_admin) as door:
        assert door.settings.set(key, value).value == kept
    with any_store.as_viewer(any_admin) as mine:
        assert mine.policy.setting(key) == kept
        mine.policy.ai()


def test_every_setting_says_what_it_does_and_its_default_is_allowed(store: Store, admin: Viewer) -> None:
    with store.as_admin(admin) as door:
        for setting in door.settings.all():
            assert setting.title and setting.effect.endswith(".") and "\n" not in setting.effect
            assert setting.value == setting.default == SETTINGS[setting.key].default
            door.settings.set(setting.key, setting.default)
            assert door.settings.get(setting.key).changed_by is None
    with store.as_viewer(admin) as mine:
        ai = mine.policy.ai()
        assert (ai.enabled, ai.provider, ai.run_sql, ai.history) == (True, "builtin", False, "always")
        assert mine.policy.admins() == ("Ada Admin",)


def test_changes_are_audited_with_before_and_after_but_never_what_somebody_wrote(
    store: Store, admin: Viewer
) -> None:
    with store.as_admin(admin) as door:
        door.settings.set("ai.history", "off")
        door.settings.set("ai.instructions", "call the wombats customers")
        door.settings.set_provider_key("openai", "k" * 24)
        entries = {each.target: each.detail for each in door.audit.entries(action="settings")}
        assert entries["ai.history"] == {"before": "always", "after": "off"}
        assert "wombats" not in repr(entries) and "kkk" not in repr(entries)
        assert door.settings.get("ai.history").changed_by == admin.email
        assert door.settings.set("ai.history", None).value == "always"


def test_export_and_apply_are_inverse_and_all_or_nothing(any_store: Store, any_admin: Viewer) -> None:
    with any_store.as_admin(any_admin) as door:
        exported = door.settings.export()
        wanted = exported | {
            "ai.base_url": "http://llm.intern:8000/v1",
            "ai.internal_hosts": ["llm.intern"],
            "ai.limits.steps": 7,
        }
        assert sorted(door.settings.apply(wanted)) == ["ai.base_url", "ai.internal_hosts", "ai.limits.steps"]
        assert door.settings.export() == wanted
        assert door.settings.apply(wanted) == []
    with pytest.raises(BadInput), any_store.as_admin(any_admin) as door:
        door.settings.apply({"ai.enabled": False, "ai.history": "never"})
    with any_store.as_admin(any_admin) as door:
        assert door.settings.export() == wanted


def test_provider_keys_go_in_and_do_not_come_out(any_store: Store, any_admin: Viewer) -> None:
    with any_store.as_admin(any_admin) as door:
        door.settings.set_provider_key("anthropic", "  " + "k" * 24 + "\n")
        keys = door.settings.provider_keys()
        assert keys["openai"] is None and keys["anthropic"] is not None
        for provider, key in (("builtin", "k"), ("openai", ""), ("openai", "two words"), ("openai", "x\ny")):
            with pytest.raises(BadInput):
                door.settings.set_provider_key(provider, key)
    with any_store.secrets(any_admin.workspace_id) as secrets:
        assert secrets.provider_key("anthropic") == "k" * 24
        assert secrets.provider_key("openai") is None
    with any_store.as_admin(any_admin) as door:
        door.settings.set_provider_key("anthropic", None)
    with any_store.secrets(any_admin) as secrets:
        assert secrets.provider_key("anthropic") is None


def test_settings_of_one_workspace_are_not_those_of_another(any_store: Store, new_workspace: Any) -> None:
    one = new_workspace(any_store, "One", "ada@one.example")
    two = new_workspace(any_store, "Two", "ada@two.example")
    with any_store.as_admin(one) as door:
        door.settings.set("ai.history", "off")
        door.settings.set_provider_key("openai", "k" * 24)
    with any_store.as_viewer(two) as mine:
        assert mine.policy.ai().history == "always"
    with any_store.secrets(two) as secrets:
        assert secrets.provider_key("openai") is None


FACTS: dict[str, Any] = {
    "kind": "table", "integration": "shop", "schemas": ("sales",), "tags": ("pii",),
    "sensitivity": None, "verified": False, "published": True,
}  # fmt: skip


@pytest.mark.parametrize(
    ("rules", "allowed"),
    [
        ([], True),
        ([{"effect": "exclude", "tags": ["pii"]}], False),
        ([{"effect": "exclude", "tags": ["pii"], "schemas": ["hr"]}], True),
        ([{"effect": "include", "schemas": ["sales", "hr"]}], True),
        ([{"effect": "include", "schemas": ["hr"]}], False),
        ([{"effect": "include", "schemas": ["sales"]}, {"effect": "exclude", "verified": False}], False),
        ([{"effect": "include", "verified": True}, {"effect": "include", "kinds": ["table"]}], True),
        ([{"effect": "exclude", "published": False}], True),
        ([{"effect": "exclude", "sensitivity": ["personal", "secret"]}], True),
        ([{"effect": "exclude"}], False),
    ],
)
def test_ai_rules_decide_and_say_why(rules: list[dict[str, Any]], allowed: bool) -> None:
    decided, reason = decide(parse_rules(rules), **FACTS)
    assert decided is allowed and reason


def test_a_rule_reads_like_a_sentence() -> None:
    rule = AiRule("exclude", tags=("pii",), verified=False)
    assert rule.describe() == "exclude: tags pii; not verified"
