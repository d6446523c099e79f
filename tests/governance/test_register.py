"""The register: what is in it, who is on hold since when, what an admin may note."""

from __future__ import annotations

import pytest

from plugin.access.viewer import Viewer
from plugin.errors import BadInput, Refused
from plugin.governance.register import EARLIER, IN_USE, NOT_USED, ON_HOLD, processors
from plugin.store import Store


def states(store: Store, viewer: Viewer) -> dict[str, str]:
    with store.as_viewer(viewer) as mine:
        return {each.host: each.state for each in processors(mine.policy.ai(), mine.hosts.all())}


def choose(store: Store, admin: Viewer, **values: object) -> None:
    with store.as_admin(admin) as door:
        door.settings.apply({key.replace("__", "."): value for key, value in values.items()})


def test_the_built_in_assistant_has_no_processor(store: Store, admin: Viewer) -> None:
    assert set(states(store, admin).values()) == {NOT_USED}


def test_a_first_provider_is_not_held_and_a_further_one_is_from_the_choice_on(
    any_store: Store, any_admin: Viewer
) -> None:
    choose(any_store, any_admin, ai__provider="openai", ai__model="m")
    assert states(any_store, any_admin)["api.openai.com"] == IN_USE
    with any_store.as_viewer(any_admin) as mine:
        mine.hosts.use("api.openai.com", "openai", "us", trusted=False)
    choose(any_store, any_admin, ai__provider="anthropic")
    found = states(any_store, any_admin)
    assert (found["api.anthropic.com"], found["api.openai.com"]) == (ON_HOLD, EARLIER)
    with any_store.as_viewer(any_admin) as mine, pytest.raises(Refused) as caught:
        mine.hosts.use("api.anthropic.com", "anthropic", "us", trusted=False)
    assert caught.value.rule == "egress.hold"
    with any_store.as_viewer(any_admin) as mine:
        assert [each.kind for each in mine.me.notices.all()] == ["provider_host.hold"]
        mine.hosts.accept("api.anthropic.com", "contract signed in March")
        mine.hosts.use("api.anthropic.com", "anthropic", "us", trusted=False)
    assert states(any_store, any_admin)["api.anthropic.com"] == IN_USE


def test_this_machine_is_not_held(store: Store, admin: Viewer) -> None:
    with store.as_viewer(admin) as mine:
        mine.hosts.use("api.openai.com", "openai", "us", trusted=False)
    choose(store, admin, ai__provider="openai_compatible", ai__base_url="http://127.0.0.1:9/v1")
    with store.as_viewer(admin) as mine:
        assert not mine.hosts.use("127.0.0.1", "openai_compatible", "own network", trusted=True).on_hold


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "", "link": "https://x.example", "noted": "2026-11-21"},
        {"name": "SOC 2", "link": "javascript:alert(1)", "noted": "2026-11-21"},
        {"name": "SOC 2", "link": "https://x.example", "noted": "yesterday"},
    ],
)
def test_an_attestation_has_a_name_a_link_and_a_date(
    store: Store, admin: Viewer, wrong: dict[str, str]
) -> None:
    with store.as_viewer(admin) as mine:
        mine.hosts.use("api.openai.com", "openai", "us", trusted=False)
    with store.as_viewer(admin) as mine, pytest.raises(BadInput):
        mine.hosts.set_attestations("api.openai.com", [wrong])
    with store.as_viewer(admin) as mine:
        mine.hosts.set_attestations(
            "api.openai.com", [{"name": "C5", "link": "https://x.example", "noted": "2026-11-21"}]
        )
        found = {each.host: each for each in processors(mine.policy.ai(), mine.hosts.all())}
    assert [each.name for each in found["api.openai.com"].claims if each.by == "admin"] == ["C5"]
