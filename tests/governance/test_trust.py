"""The Trust page is computed: break a control and its line turns red, mend it and it turns back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from plugin.access.viewer import Viewer
from plugin.governance.checks import CHECKS
from plugin.governance.checks.facts import BROKEN, KEPT, OPERATOR, STATES
from plugin.governance.pages import Pages
from plugin.governance.promises import PROMISES
from plugin.governance.trust import Latest, report
from plugin.store import Store
from plugin.store.beats import TASKS
from tests.assistant.shop import World
from tests.store.test_history import add, ask

Patch = pytest.MonkeyPatch


POLICY = "default-src 'self'; connect-src 'self'; form-action 'self'"
PAGES = Pages(
    {"/sign-in": POLICY},
    {"/sign-in": "no-store"},
    {"/healthz": 200, "/readyz": 200, "/metrics": 200},
    20,
    (),
    (),
)


def states(store: Store, viewer: Viewer, pages: Pages | None = PAGES) -> dict[str, str]:
    return {each.id: each.state for each in report(store, viewer, store.config, pages)}


def change(store: Store, statement: str, **values: Any) -> None:
    """Change the database behind everybody's back, foreign keys and all."""
    with store._engine.connect() as connection:
        raw = connection.connection.driver_connection
        assert raw is not None
        if store.dialect == "sqlite":
            raw.execute("PRAGMA foreign_keys=OFF")
            raw.execute(statement, values)
            raw.execute("PRAGMA foreign_keys=ON")
        else:
            connection.execute(text(statement), values)
            connection.commit()


def send(store: Store, viewer: Viewer, **different: Any) -> int:
    entry: dict[str, Any] = {
        "provider": "openai", "host": "api.openai.com", "region": "us", "model": "m", "purpose": "chat",
        "body_bytes": 1, "body_sha256": "0" * 64, "manifest": {},
    }  # fmt: skip
    with store.as_viewer(viewer) as mine:
        if different.pop("registered", True):
            mine.hosts.use("api.openai.com", "openai", "us", trusted=False)
        return mine.record.ledger_open(**(entry | different))


def test_every_promise_has_a_line_for_admins_and_members(any_store: Store, any_admin: Viewer) -> None:
    member = add(any_store, any_admin, "vi@example.com")
    for viewer in (any_admin, member):
        lines = report(any_store, viewer, any_store.config)
        assert [each.id for each in lines] == [each.id for each in PROMISES] == list(CHECKS)
        assert all(each.state in STATES and each.evidence and each.how for each in lines)
        assert [each.id for each in lines if each.state == BROKEN] == []
        assert not any("test" in each.how for each in lines), "each state is found in the running system"
        assert all(datetime.now(UTC) - each.checked_at < timedelta(minutes=1) for each in lines)


def test_a_member_reads_nothing_that_they_may_not_know(world: World) -> None:
    store, admin = world.store, world.viewers["ada"]
    with store.as_admin(admin) as door:
        names = [each.name for each in door.integrations.list()]
    guest = next(each for each in world.viewers.values() if not each.is_admin)
    told = " ".join(each.evidence for each in report(store, guest, store.config))
    assert (
        re.search(r"\d+ (?:entries|more permissions|of \d+ integrations|attempts|sealed values)", told)
        is None
    )
    assert not any(f" {name} " in told or f"{name}," in told for name in names)


def test_members_get_a_kept_report_and_a_new_one_on_demand(store: Store, admin: Viewer) -> None:
    latest = Latest()
    first = latest.of(store, admin, store.config)
    assert latest.of(store, admin, store.config) is first
    assert latest.of(store, admin, store.config, now=True) is first, "not more often than every five seconds"
    latest.AGAIN_AFTER = 0  # type: ignore[misc]
    assert latest.of(store, admin, store.config, now=True) is not first


# --- break it in the database -------------------------------------------------------------------------------------


def _another(store: Store) -> int:
    with store.sign_in() as door:
        return door.create_workspace("Other", "olga@example.com", "a long password").id


def _cross(store: Store, admin: Viewer) -> None:
    prompt = ask(store, admin)
    change(store, "UPDATE chats SET workspace_id = :w WHERE id = :c", w=_another(store), c=prompt.chat_id)


def _strangers(store: Store, _admin: Viewer) -> None:
    change(store, "UPDATE notices SET workspace_id = 999")
    change(
        store,
        "INSERT INTO settings (workspace_id, key, value, changed_by, changed_at) "
        "VALUES (999, 'x', '1', '', '2026-01-01 00:00:00')",
    )


def _plain_prompt(store: Store, admin: Viewer) -> None:
    change(store, "UPDATE prompts SET text = :t WHERE id = :i", t=b"in the clear", i=ask(store, admin).id)


def _plain_template(store: Store, admin: Viewer) -> None:
    with store.as_viewer(admin) as mine:
        mine.history.templates.save("T", "x")
    change(store, "UPDATE templates SET sealed = :t", t=b"in the clear")


def _plain_memory(store: Store, admin: Viewer) -> None:
    with store.as_viewer(admin) as mine:
        mine.history.memory.remember("x")
    change(store, "UPDATE memories SET sealed = :t", t=b"in the clear")


def _stray_prompt(store: Store, admin: Viewer) -> None:
    other = add(store, admin, "bo@example.com")
    change(
        store, "UPDATE prompts SET member_id = :m WHERE id = :i", m=other.member_id, i=ask(store, admin).id
    )


def _old_prompt(store: Store, admin: Viewer) -> None:
    at = (datetime.now(UTC) - timedelta(days=31)).replace(tzinfo=None).isoformat(" ")
    change(store, "UPDATE prompts SET at = :a WHERE id = :i", a=at, i=ask(store, admin).id)


def _forged_audit(store: Store, admin: Viewer) -> None:
    with store.as_admin(admin) as door:
        door.settings.set("ai.region", "eu")
    change(store, "UPDATE audit_log SET outcome = 'deny' WHERE seq = 1")


def _forged_ledger(store: Store, admin: Viewer) -> None:
    send(store, admin)
    change(store, "UPDATE ledger SET body_sha256 = 'x'")


def _wordy(store: Store, admin: Viewer) -> None:
    send(store, admin, manifest={"question": "who owns what " * 30})


def _undeclared(store: Store, admin: Viewer) -> None:
    send(store, admin, host="api.elsewhere.example", registered=False)


def _early(store: Store, admin: Viewer) -> None:
    send(store, admin)
    with store.as_admin(admin) as door:
        door.settings.apply({"ai.provider": "anthropic"})
    send(store, admin, host="api.anthropic.com", provider="anthropic")


def _foreign(store: Store, admin: Viewer) -> None:
    with store.as_admin(admin) as door:
        door.settings.set("ai.region", "eu")
    send(store, admin)


def _leftover(store: Store, admin: Viewer) -> None:
    with store.as_admin(admin) as door:
        door.settings.set("monitoring.content", True)
    change(store, "UPDATE settings SET value = 'false' WHERE key = 'monitoring.content'")


def _untold(store: Store, admin: Viewer) -> None:
    with store.as_admin(admin) as door:
        door.settings.set("monitoring.content", True)
    change(store, "DELETE FROM notices WHERE kind = 'monitoring'")


def _no_receipt(store: Store, admin: Viewer) -> None:
    with store.as_viewer(admin) as mine:
        mine.record.audit("run_sql", "allow")


def _no_zone(store: Store, admin: Viewer) -> None:
    with store.as_viewer(admin) as mine:
        mine.edits.create_term("Margin", "Revenue less cost")
    change(store, "UPDATE resources SET zone_id = 424242")


def _no_rules(store: Store, admin: Viewer) -> None:
    with store.as_admin(admin) as door:
        door.settings.set("watch.requests_per_hour", 1)
    change(
        store,
        'UPDATE settings SET key = \'ai.redaction.patterns\', value = \'[{"name":"x","pattern":"("}]\''
        " WHERE key = 'watch.requests_per_hour'",
    )


def _readable(store: Store, _admin: Viewer) -> None:
    (store.config.home / "master.key").chmod(0o644)


def _plain_key(store: Store, admin: Viewer) -> None:
    with store.as_admin(admin) as door:
        door.settings.set_provider_key("openai", "k" * 20)
    change(store, "UPDATE provider_keys SET sealed = :t", t=b"in the clear")


def _elsewhere(store: Store, admin: Viewer) -> None:
    with store.as_admin(admin) as door:
        door.settings.apply({"ai.provider": "openai", "ai.model": "chosen"})
    send(store, admin, model="another")


def _left_behind(store: Store, admin: Viewer) -> None:
    other = add(store, admin, "bo@example.com")
    with store.as_viewer(other) as mine:
        mine.history.memory.remember("x")
    change(store, "DELETE FROM members WHERE id = :m", m=other.member_id)


def _bare_claim(store: Store, admin: Viewer) -> None:
    send(store, admin)
    change(store, """UPDATE provider_hosts SET attestations = '[{"name":"SOC 2","link":"","noted":""}]'""")


def _no_clock(store: Store, admin: Viewer) -> None:
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    with store.clock() as clock:
        for task in TASKS:
            clock.beat(task, long_ago)


def _clock_fails(store: Store, admin: Viewer) -> None:
    moment = datetime.now(UTC)
    with store.clock() as clock:
        for task in TASKS:
            clock.beat(task, moment - timedelta(hours=1))
            clock.beat(task, moment, "OperationalError")


def _never_a_clock(store: Store, admin: Viewer) -> None:
    at = (datetime.now(UTC) - timedelta(hours=1)).replace(tzinfo=None).isoformat(" ")
    change(store, "UPDATE workspaces SET created = :a", a=at)


def _one_login(store: Store, admin: Viewer) -> None:
    with store.as_admin(admin) as door:
        url = {"url": "postgresql://one@db.example/shop"}
        door.integrations.add("Shop", "postgres", settings=url, secrets={}, query=url)


def _changed_past_the_log(store: Store, admin: Viewer) -> None:
    with store.as_admin(admin) as door:
        door.settings.set("ai.region", "eu")
        door.settings.set("ai.instructions", "be brief")
    change(store, "UPDATE settings SET value = '\"us\"' WHERE key = 'ai.region'")


def _taken_back_past_the_log(store: Store, admin: Viewer) -> None:
    with store.as_admin(admin) as door:
        door.settings.set("ai.filters", [{"effect": "exclude", "schemas": ["hr"]}])
    change(store, "DELETE FROM settings WHERE key = 'ai.filters'")


def _a_copy_that_others_may_read(store: Store, _admin: Viewer) -> None:
    copy = store.config.home / "docent.sqlite3.bak"
    copy.write_bytes((store.config.home / "docent.sqlite3").read_bytes())
    copy.chmod(0o640)


def _a_log_that_others_may_read(store: Store, _admin: Viewer) -> None:
    (store.config.home / "docent.sqlite3-wal").chmod(0o604)


def _a_store_of_nobody(store: Store, _admin: Viewer) -> None:
    (store.config.home / "monitoring-999.sqlite3").touch(mode=0o600)


IN_THE_DATABASE: dict[str, tuple[Callable[[Store, Viewer], None], str]] = {
    "a row of another workspace": (_cross, "P1"),
    "a row of no workspace": (_strangers, "P26"),
    "an open prompt": (_plain_prompt, "P25 P30"),
    "an open template": (_plain_template, "P25 P32"),
    "an open preference": (_plain_memory, "P25 P36"),
    "a key that others may read": (_readable, "P25"),
    "a prompt in another's chat": (_stray_prompt, "P30"),
    "a prompt past its time": (_old_prompt, "P33"),
    "a forged line of the audit log": (_forged_audit, "P37"),
    "a forged entry of the ledger": (_forged_ledger, "P19"),
    "text in the ledger": (_wordy, "P19 P41"),
    "a host in no register": (_undeclared, "P18 P44"),
    "a host on hold that was reached": (_early, "P44"),
    "a request out of the home region": (_foreign, "P20"),
    "a monitoring store although it is off": (_leftover, "P40"),
    "monitoring that nobody was told of": (_untold, "P40"),
    "a run without a receipt": (_no_receipt, "P54"),
    "a resource in no zone": (_no_zone, "P4"),
    "a pattern that cannot be used": (_no_rules, "P11"),
    "a provider's key in the clear": (_plain_key, "P24 P25"),
    "an answer of another model": (_elsewhere, "P22"),
    "what is left of a member": (_left_behind, "P35"),
    "an attestation without a date": (_bare_claim, "P46"),
    "a clock that stopped": (_no_clock, "P33 P38 P47"),
    "a clock that fails": (_clock_fails, "P33 P38 P47"),
    "a clock that never ran": (_never_a_clock, "P33 P38 P47"),
    "one credential for both": (_one_login, "P53"),
    "a setting that was changed past the log": (_changed_past_the_log, "P37"),
    "a setting that was taken back past the log": (_taken_back_past_the_log, "P37"),
    "a copy of the database that others may read": (_a_copy_that_others_may_read, "P25"),
    "a write-ahead log that others may read": (_a_log_that_others_may_read, "P25"),
    "monitoring of a workspace that is gone": (_a_store_of_nobody, "P26"),
}


@pytest.mark.parametrize("name", sorted(IN_THE_DATABASE))
def test_what_is_wrong_in_the_database_turns_its_line_red(store: Store, admin: Viewer, name: str) -> None:
    make_wrong, promises = IN_THE_DATABASE[name]
    make_wrong(store, admin)
    found = states(store, admin)
    assert {each for each in promises.split() if found[each] == BROKEN} == set(promises.split())
    assert sum(state == BROKEN for state in found.values()) <= len(promises.split()) + 2, found


# --- break it in the code that keeps it -------------------------------------------------------------------------


def nothing_redacted(monkeypatch: Patch) -> None:
    from plugin.egress.redact import Redacted
    from plugin.egress.stand_ins import StandIns

    def through(value: str, **_more: Any) -> Redacted:
        return Redacted(value, (), StandIns())

    monkeypatch.setattr("plugin.governance.checks.out.redact", through)


def owners_in_the_clear(monkeypatch: Patch) -> None:
    monkeypatch.setattr("plugin.egress.render._Writer._pseudonym", lambda _self, name: name)


def every_field(monkeypatch: Patch) -> None:
    monkeypatch.setattr("plugin.governance.checks.out.check_fields", lambda _fragment: None)


def no_budget(monkeypatch: Patch) -> None:
    monkeypatch.setattr("plugin.governance.checks.out.fit", lambda parts, _tokens: (parts, ()))


def literals_stay(monkeypatch: Patch) -> None:
    monkeypatch.setattr("plugin.catalog.mask.mask_literals", lambda sql, *_more: sql)


def old_tls(monkeypatch: Patch) -> None:
    import ssl

    loose = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    loose.check_hostname = False
    loose.verify_mode = ssl.CERT_NONE
    monkeypatch.setattr("plugin.egress.transport._tls", lambda: loose)


def arguments_logged(monkeypatch: Patch) -> None:
    monkeypatch.setattr("plugin.logs.JsonFormatter.format", lambda _self, record: record.getMessage())


def nothing_flagged(monkeypatch: Patch) -> None:
    monkeypatch.setattr("plugin.store._flags.kinds_in", lambda _text: {})


def spills_named(monkeypatch: Patch) -> None:
    from pathlib import Path

    from plugin.run_sql.results import Results

    inner = Results._to_disk

    def leave_a_copy(self: Results, result: Any, chunk: Any, packed: bytes) -> None:
        inner(self, result, chunk, packed)
        assert self._folder is not None
        Path(self._folder, "spill").write_bytes(packed)

    monkeypatch.setattr(Results, "_to_disk", leave_a_copy)


def export_does_not_compile(monkeypatch: Patch) -> None:
    from plugin.history import export

    forms = dict(export.FORMS) | {"py": ("text/x-python", lambda *_: "def (")}
    monkeypatch.setattr(export, "FORMS", forms)


def blocks_end(monkeypatch: Patch) -> None:
    monkeypatch.setattr("plugin.egress.render._Writer._lined", lambda _self, value: value)


def links_out(monkeypatch: Patch) -> None:
    import sys

    module = sys.modules["plugin.assistant.render"]
    monkeypatch.setattr(module, "render", lambda value, **_: f'<img src="http{value}">')


def the_guard_sleeps(monkeypatch: Patch) -> None:
    from plugin.run_sql.batch import Checker
    from plugin.run_sql.verdict import Verdict

    yes = Checker(allow=["a.b"]).check("select 1 from a.b", "postgres")
    assert isinstance(yes, Verdict)
    monkeypatch.setattr(Checker, "check", lambda *_: yes)


def run_sql_offered(monkeypatch: Patch) -> None:
    from plugin.tools import TOOLS, find_tool

    every = [find_tool(name) for name in TOOLS]
    monkeypatch.setattr("plugin.tools.offered", lambda _mine: every)


def rules_let_in(monkeypatch: Patch) -> None:
    monkeypatch.setattr("plugin.governance.checks.isolation.refusing", lambda *_, **__: None)


def filters_ignored(monkeypatch: Patch) -> None:
    monkeypatch.setattr("plugin.governance.checks.isolation.decide", lambda *_, **__: (True, ""))


def assistant_sees_more(monkeypatch: Patch) -> None:
    from plugin.store.catalog import ViewerCatalog

    monkeypatch.setattr(ViewerCatalog, "counts", lambda self: {"table": 1 + self._context.for_ai})


def use_of_persons(monkeypatch: Patch) -> None:
    from plugin.egress.allowed_fields import ALLOWED

    monkeypatch.setitem(ALLOWED, "table.frequent_users", next(iter(ALLOWED.values())))


def somebody_calls_home(monkeypatch: Patch) -> None:
    monkeypatch.setattr(
        "plugin.governance.checks.source._files", lambda: (("plugin/store/new.py", "import requests\n"),)
    )


def somebody_opens_secrets(monkeypatch: Patch) -> None:
    text = "with store.secrets(viewer) as door:\n"
    monkeypatch.setattr(
        "plugin.governance.checks.source._files", lambda: (("plugin/assistant/loop.py", text),)
    )


def the_sdk_tells(monkeypatch: Patch) -> None:
    from plugin.egress import transport

    monkeypatch.setattr(transport, "HEADERS", transport.HEADERS | {"x-stainless-os"})


def builtin_needs_a_network(monkeypatch: Patch) -> None:
    from plugin.providers import provider_class

    maker = provider_class("builtin")
    assert maker is not None
    monkeypatch.setattr(maker, "in_process", False)


def keys_come_back(monkeypatch: Patch) -> None:
    monkeypatch.setattr("plugin.store.settings.Settings.provider_keys", lambda _self: {"openai": "sk-secret"})


def a_table_nobody_thought_of(monkeypatch: Patch) -> None:
    from plugin.store import _personal_rows

    monkeypatch.setattr(_personal_rows, "ELSEWHERE", _personal_rows.ELSEWHERE - {"templates"})


def limits_let_through(monkeypatch: Patch) -> None:
    monkeypatch.setattr("plugin.egress.policy.check_limits", lambda *_: None)


def limits_mumble(monkeypatch: Patch) -> None:
    from plugin.errors import LimitReached

    def mumble(*_: Any) -> None:
        raise LimitReached("Too many requests.", retry_after=1)

    monkeypatch.setattr("plugin.egress.policy.check_limits", mumble)


def a_promise_without_a_check(monkeypatch: Patch) -> None:
    from plugin.governance import promises

    one_more = replace(promises.PROMISES[0], id="P55")
    monkeypatch.setattr(promises, "PROMISES", (*promises.PROMISES, one_more))


def sentences_by_hand(monkeypatch: Patch) -> None:
    from plugin.governance.in_force import Sentence

    said = (Sentence("send", "Nothing leaves.", "Ever."),)
    monkeypatch.setattr("plugin.governance.checks.saying.in_force", lambda _ai: said)


def all_is_well(monkeypatch: Patch) -> None:
    from plugin.governance.checklist import Item

    monkeypatch.setattr(
        "plugin.governance.checks.saying.checklist", lambda *_, **__: (Item("All", "done", "", "x"),) * 12
    )


def anybody_may_query(monkeypatch: Patch) -> None:
    from plugin.run_sql.gates import Gate

    monkeypatch.setattr("plugin.run_sql.gates.policy_gates", lambda *_: [Gate("credential", True)])


IN_THE_CODE: dict[Callable[[Patch], None], str] = {
    assistant_sees_more: "P3",
    filters_ignored: "P5",
    rules_let_in: "P6",
    somebody_opens_secrets: "P9",
    use_of_persons: "P13",
    somebody_calls_home: "P21",
    the_sdk_tells: "P21",
    builtin_needs_a_network: "P23",
    keys_come_back: "P24",
    a_table_nobody_thought_of: "P35",
    limits_let_through: "P39",
    limits_mumble: "P39",
    a_promise_without_a_check: "P43",
    sentences_by_hand: "P45",
    all_is_well: "P48",
    anybody_may_query: "P50",
    every_field: "P7",
    no_budget: "P8",
    nothing_redacted: "P9 P10",
    owners_in_the_clear: "P12",
    literals_stay: "P14",
    old_tls: "P17",
    spills_named: "P27",
    arguments_logged: "P28",
    nothing_flagged: "P29",
    export_does_not_compile: "P34",
    blocks_end: "P42",
    links_out: "P42",
    run_sql_offered: "P49",
    the_guard_sleeps: "P51 P52",
}


@pytest.mark.parametrize("sabotage", list(IN_THE_CODE), ids=lambda each: each.__name__)
def test_a_control_that_stops_working_turns_its_line_red(
    store: Store, admin: Viewer, monkeypatch: Patch, sabotage: Callable[[Patch], None]
) -> None:
    with monkeypatch.context() as patch:
        sabotage(patch)
        found = states(store, admin)
    assert {each for each in IN_THE_CODE[sabotage].split() if found[each] == BROKEN} == set(
        IN_THE_CODE[sabotage].split()
    )
    assert BROKEN not in states(store, admin).values(), "mended"


WRONG_PAGES = {
    "a page may connect anywhere": ({"policies": {"/sign-in": "default-src *; connect-src *"}}, "P16"),
    "a page has no policy": ({"policies": {"/sign-in": ""}}, "P16"),
    "a policy names a foreign host": (
        {
            "policies": {
                "/sign-in": POLICY.replace("connect-src 'self'", "connect-src 'self' https://api.openai.com")
            }
        },
        "P16",
    ),
    "a script calls out": ({"calls_out": ("chat.js: fetch('https://api.openai.com",)}, "P16"),
    "a script keeps what was typed": ({"stores": ('chat.js: "draft"',)}, "P31"),
    "the browser keeps pages": ({"caching": {"/sign-in": "max-age=3600"}}, "P31"),
    "a box remembers": ({"kept_by_browser": ("_composer.html",)}, "P31"),
    "the store does not open": ({"health": {"/healthz": 200, "/readyz": 503, "/metrics": 200}}, "P47"),
}


@pytest.mark.parametrize("name", sorted(WRONG_PAGES))
def test_pages_that_answer_wrongly_turn_their_line_red(store: Store, admin: Viewer, name: str) -> None:
    different, promise = WRONG_PAGES[name]
    wrong: Any = different
    found = states(store, admin, replace(PAGES, **wrong))
    assert [each for each, state in found.items() if state == BROKEN] == [promise]


def test_a_request_that_lets_the_provider_store_it_is_told(
    store: Store, admin: Viewer, monkeypatch: Patch
) -> None:
    with store.as_admin(admin) as door:
        door.settings.apply({"ai.provider": "openai", "ai.model": "m"})
    assert states(store, admin)["P15"] == OPERATOR
    monkeypatch.setattr("plugin.egress.gateway.what_would_leave", lambda _provider: {"store": True})
    assert states(store, admin)["P15"] == BROKEN


def test_the_clock_is_seen_to_run(store: Store, admin: Viewer) -> None:
    from plugin.jobs import Jobs, go_round

    assert states(store, admin)["P33"] == OPERATOR, "a new workspace waits for its first round"
    _never_a_clock(store, admin)
    assert states(store, admin)["P33"] == BROKEN
    jobs = Jobs(store.config)
    go_round(store, jobs, datetime.now(UTC))
    jobs.close()
    found = {each.id: each for each in report(store, admin, store.config, PAGES)}
    assert found["P33"].state == found["P38"].state == found["P47"].state == KEPT
    assert "the clock last did it at" in found["P33"].evidence


def test_a_task_of_the_clock_that_fails_keeps_no_other_from_its_turn(
    store: Store, admin: Viewer, monkeypatch: Patch
) -> None:
    from plugin.jobs import Jobs, go_round

    def fails(*_: Any) -> None:
        raise RuntimeError("a value that nobody shall read")

    _never_a_clock(store, admin)
    monkeypatch.setattr("plugin.store.clock.Clock.expire", fails)
    jobs = Jobs(store.config)
    go_round(store, jobs, datetime.now(UTC))
    jobs.close()
    found = {each.id: each for each in report(store, admin, store.config, PAGES)}
    assert found["P33"].state == BROKEN and "RuntimeError" in found["P33"].evidence
    assert "nobody shall read" not in found["P33"].evidence and found["P38"].state == KEPT


@pytest.mark.parametrize(
    ("task", "does", "undone"),
    [
        ("search", "renew_search", "a search index of an older release is not built anew"),
        ("syncs", "due_syncs", "no sync is started"),
    ],
)
def test_a_task_that_no_other_promise_speaks_of_is_seen_on_the_status_line(
    store: Store, admin: Viewer, monkeypatch: Patch, task: str, does: str, undone: str
) -> None:
    from plugin.jobs import Jobs, go_round

    def fails(*_: Any) -> None:
        raise RuntimeError("a value that nobody shall read")

    def line() -> Any:
        found = {each.id: each for each in report(store, admin, store.config, PAGES)}
        assert found["P33"].state == found["P38"].state == KEPT
        return found["P47"]

    jobs = Jobs(store.config)
    with monkeypatch.context() as patch:
        patch.setattr(f"plugin.store.clock.Clock.{does}", fails)
        go_round(store, jobs, datetime.now(UTC))
        said = line()
        assert said.state == BROKEN and "RuntimeError" in said.evidence and undone in said.evidence
        assert "nobody shall read" not in said.evidence
        with store.clock() as clock:
            assert clock.beats()[task].fault == "RuntimeError"
    go_round(store, jobs, datetime.now(UTC))
    jobs.close()
    assert line().state == KEPT, "mended"


def test_each_task_of_the_clock_is_watched(store: Store, monkeypatch: Patch) -> None:
    from plugin.governance.checks.facts import LEFT_UNDONE
    from plugin.jobs import Jobs, go_round

    done: list[str] = []
    monkeypatch.setattr("plugin.store.clock.Clock.beat", lambda _self, task, *_: done.append(task))
    jobs = Jobs(store.config)
    go_round(store, jobs, datetime.now(UTC))
    jobs.close()
    assert tuple(done) == TASKS and set(LEFT_UNDONE) == set(TASKS)


def test_a_check_that_fails_itself_does_not_say_kept(store: Store, admin: Viewer, monkeypatch: Patch) -> None:
    def fails(_facts: Any) -> Any:
        raise RuntimeError("a value that nobody shall read")

    monkeypatch.setitem(CHECKS, "P9", fails)
    line = next(each for each in report(store, admin, store.config) if each.id == "P9")
    assert line.state == BROKEN and "nobody shall read" not in line.evidence


# --- on PostgreSQL ------------------------------------------------------------------------------------------------


@contextmanager
def unlocked(store: Store, table: str) -> Iterator[None]:
    change(store, f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    yield
    change(store, f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def test_a_table_without_its_second_lock_is_told(any_store: Store, any_admin: Viewer) -> None:
    if any_store.dialect == "sqlite":
        assert states(any_store, any_admin)["P2"] == "partly"
        return
    assert states(any_store, any_admin)["P2"] in (KEPT, "operator")
    with unlocked(any_store, "prompts"):
        assert states(any_store, any_admin)["P2"] == BROKEN


def test_believing_every_proxy_is_told(store: Store, admin: Viewer) -> None:
    config = replace(store.config, trusted_proxies=("0.0.0.0/0",))
    line = next(each for each in report(store, admin, config) if each.id == "P6")
    assert line.state == BROKEN and "trusts every address" in line.evidence


@pytest.mark.parametrize(
    "sabotage",
    [
        "ALTER TABLE prompts DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE prompts NO FORCE ROW LEVEL SECURITY",
        "CREATE POLICY everybody ON prompts USING (true)",
        "ALTER POLICY one_workspace ON prompts USING (true)",
    ],
)
def test_a_second_lock_that_is_open_is_told(any_store: Store, any_admin: Viewer, sabotage: str) -> None:
    if any_store.dialect == "sqlite":
        pytest.skip("SQLite has no second lock, and its line says so")
    change(any_store, sabotage)
    line = {each.id: each for each in report(any_store, any_admin, any_store.config)}["P2"]
    assert line.state == BROKEN and "prompts" in line.evidence


def test_keys_of_connections_are_written_nowhere(tmp_path: Path, monkeypatch: Patch) -> None:
    from plugin.egress.transport import _tls

    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    _tls.cache_clear()
    try:
        assert _tls().keylog_filename is None
    finally:
        _tls.cache_clear()


@pytest.mark.parametrize(
    ("settings", "weak"),
    [
        ({"host": "db.example", "ssl_mode": "prefer"}, True),
        ({"host": "db.example", "ssl_mode": "require"}, True),
        ({"host": "db.example", "ssl_mode": "verify-full"}, False),
        ({"host": "127.0.0.1", "ssl_mode": "prefer"}, False),
        ({"url": "postgresql+psycopg://r@db.example/shop"}, True),
        ({"url": "postgresql://r@db.example/shop?sslmode=verify-ca"}, False),
        ({"url": "mysql://r@db.example/shop?sslmode=verify-full"}, False),
        ({"url": "https://metabase.example"}, False),
        ({"url": "https://metabase.example", "verify": "verify=false"}, True),
        ({"path": "/srv/warehouse.duckdb"}, False),
    ],
)
def test_sources_whose_certificate_nobody_checks_are_told(settings: dict[str, Any], weak: bool) -> None:
    from plugin.governance.checks.out import _weakens_tls

    assert _weakens_tls(settings) is weak
