"""The gateway's own bookkeeping on both databases: the register, the row, limits."""

from __future__ import annotations

import pytest

from plugin.access.viewer import Viewer
from plugin.config import Config
from plugin.egress import Gateway
from plugin.egress.parts import Conversation, Instructions, UserText
from plugin.errors import LimitReached
from plugin.providers.wire import Stop
from plugin.store import Store
from tests.providers import vendors
from tests.providers.vendors import vendor_server


def test_an_answer_is_recorded_on_every_database(any_store: Store, any_admin: Viewer, config: Config) -> None:
    with vendor_server() as vendor:
        with any_store.as_admin(any_admin) as door:
            door.settings.apply(
                {
                    "ai.provider": "openai_compatible",
                    "ai.base_url": f"{vendor.url}/v1",
                    "ai.model": "m",
                    "ai.limits.tokens_per_day_member": 15,
                }
            )
        gateway = Gateway(any_store, config)
        talk = Conversation((Instructions("t", "x"), UserText("hello")))
        vendor.next(vendors.text("Hello."))
        assert list(gateway.answer(any_admin, talk))[-1] == Stop("end")
        with pytest.raises(LimitReached):
            list(gateway.answer(any_admin, talk))
        assert len(vendor.got) == 1
    with any_store.as_admin(any_admin) as door:
        (entry,) = door.ledger.entries()
        assert entry.status == "done" and door.ledger.verify()[0]
    with any_store.as_viewer(any_admin) as mine:
        assert [host.host for host in mine.hosts.all()] == ["127.0.0.1"]
