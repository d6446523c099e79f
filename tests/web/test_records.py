"""The pages of the audit log, the ledger and usage: what they say of a long chain, and of a price nobody knows."""

from __future__ import annotations

import re
from collections.abc import Callable

from flask import Flask
from sqlalchemy import text

from plugin.access.viewer import Surface
from plugin.governance.verified import LatestVerified
from plugin.store import Store
from tests.web.conftest import ADMIN, Person


def state_line(page: str) -> str:
    """What the page says of its chain, without markup."""
    found = re.search(r'<p class="below state-line">(.*?)</p>', page, re.DOTALL)
    assert found is not None
    return re.sub(r"<[^>]+>", "", found.group(1)).strip()


def test_a_long_chain_is_verified_when_somebody_asks(app: Flask, person: Callable[[str], Person]) -> None:
    app.extensions["docent_verified"] = LatestVerified(short=0)
    admin = person("admin")
    before = state_line(admin.get("/audit").get_data(as_text=True))
    assert "was not verified since Docent started" in before and before.endswith("Verify now")
    asked = state_line(admin.get("/audit?verify=now").get_data(as_text=True))
    assert "The audit log is whole" in asked and "Verified" in asked
    assert state_line(admin.get("/audit").get_data(as_text=True)).startswith(asked.split(" entries")[0])


def test_a_changed_entry_shows_at_the_next_verification(
    app: Flask, demo_store: Store, person: Callable[[str], Person]
) -> None:
    app.extensions["docent_verified"] = LatestVerified(short=0)
    admin = person("admin")
    assert "is whole" in state_line(admin.get("/audit?verify=now").get_data(as_text=True))
    with demo_store._engine.begin() as raw:  # past every door, as a thief of the file would
        raw.execute(text("update audit_log set outcome = 'deny' where seq = 1"))
    assert "is whole" in state_line(admin.get("/audit").get_data(as_text=True))  # with the time it was seen
    assert "entry 1 was altered" in state_line(admin.get("/audit?verify=now").get_data(as_text=True))
    assert "entry 1 was altered" in state_line(admin.get("/audit").get_data(as_text=True))


def test_a_short_chain_is_verified_at_each_look(person: Callable[[str], Person]) -> None:
    shown = state_line(person("admin").get("/audit").get_data(as_text=True))
    assert shown.startswith("The audit log is whole") and "Verify now" not in shown


def test_a_price_that_nobody_knows_is_not_shown_as_nothing(
    demo_store: Store, person: Callable[[str], Person]
) -> None:
    with demo_store.sign_in() as door:
        admin = door.viewer_for_email(None, ADMIN, Surface.PAGE)
    for model, cost in (("known", 0.25), ("secret-model", None), ("known", None)):
        with demo_store.as_viewer(admin) as mine:
            seq = mine.record.ledger_open(
                provider="openai_compatible", host="llm.example", region="unknown", model=model, purpose="chat",
                body_bytes=3, body_sha256="0" * 64, manifest={},
            )  # fmt: skip
        with demo_store.as_viewer(admin) as mine:
            mine.record.ledger_close(seq, "done", input_tokens=9, output_tokens=9, cost_usd=cost)
    page = person("admin").get("/usage").get_data(as_text=True)
    lines = {
        each[0]: re.sub(r"<[^>]+>", " ", each[1])
        for each in re.findall(
            r'<tr><th scope="row">(openai_compatible/[^<]+)</th>(.*?)</tr>', page, re.DOTALL
        )
    }
    assert (
        "unknown" in lines["openai_compatible/secret-model"]
        and "$" not in lines["openai_compatible/secret-model"]
    )
    assert (
        "$ 0.25" in lines["openai_compatible/known"]
        and "1 of unknown price" in lines["openai_compatible/known"]
    )
