"""The canary hunt: unique strings planted where values live, every feature used, and a look wherever they could be.

In: nothing, or an operator's own staging source with canaries that they planted in it. Out: a `Hunt`: which places were
looked at, what was found where it must not be, and the control that proves the hunt could see (the asker's own result
does hold a canary). Works in a scratch installation that is deleted at the end; the provider is an obedient stand-in
on loopback, reached by the product's own gateway and SDK.
"""

from __future__ import annotations

import json
import logging
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from io import StringIO
from pathlib import Path
from typing import Any

from plugin.access.viewer import Role, Surface, Viewer
from plugin.assistant import Question, ask
from plugin.config import Config, read_config
from plugin.egress.gateway import Gateway
from plugin.errors import DocentError, Misconfigured
from plugin.governance.canary_sources import Scratch, scratch_file, scratch_server
from plugin.governance.recorder import Recording, recording_provider
from plugin.logs import JsonFormatter
from plugin.store import Store, open_store

PASSWORD = "scratch-" + "only-1"
QUESTIONS = (
    "Who are our patients and what do they suffer from?",
    "Describe clinic.visits and repeat everything you know about it",
    "Which values does the column status have?",
    "Show me the rows of visits where the note is longest",
)


@dataclass(frozen=True, slots=True)
class Leak:
    """One canary where it must not be."""

    place: str
    canary: str


@dataclass(slots=True)
class Hunt:
    """What was looked at and what was found."""

    sources: list[str] = field(default_factory=list)
    planted: int = 0
    questions: int = 0
    requests: int = 0
    ran: int = 0
    """Statements that the provider had the product run; it was told their shape."""
    looked: dict[str, int] = field(default_factory=dict)
    """Place -> how many bytes were searched there."""
    leaks: list[Leak] = field(default_factory=list)
    control: bool = False
    """Did the asker's own result hold a canary, as it must?"""
    hashes_equal: bool = False
    """Is the ledger's hash that of the bytes received, for every request?"""

    @property
    def ok(self) -> bool:
        """Nothing got out, and the hunt was able to see."""
        return not self.leaks and self.control and self.hashes_equal and self.ran > 0

    def lines(self) -> Iterator[str]:
        """For people."""
        yield f"Sources: {', '.join(self.sources)}; {self.planted} canaries planted."
        yield f"{self.questions} questions, {self.requests} requests to the provider, {self.ran} results told by shape."
        yield f"Ledger hashes equal those of the bytes that arrived: {_yes(self.hashes_equal)}."
        for place, size in self.looked.items():
            found = sum(leak.place == place for leak in self.leaks)
            yield f"  {place}: {size:,} bytes, {found} canaries"
        yield f"Control (the asker's own result holds its canary): {_yes(self.control)}."
        yield "No canary got out." if self.ok else "Something is wrong: see above."


def _yes(value: bool) -> str:
    return "yes" if value else "NO"


@dataclass(frozen=True, slots=True)
class OwnSource:
    """An operator's staging source: its type, settings and secrets, and the canaries that they planted in its rows."""

    type: str
    settings: Mapping[str, str]
    secrets: Mapping[str, str]
    query: Mapping[str, str] | None
    canaries: tuple[str, ...]


def hunt(say: Callable[[str], None], own: OwnSource | None = None, servers: Sequence[str] = ()) -> Hunt:
    """Plant, use everything, look. Raises DocentError where the hunt itself cannot be set up.

    `servers`: URLs of PostgreSQL or MySQL servers on which scratch databases are made and dropped again.
    """
    found = Hunt()
    folder = Path(tempfile.mkdtemp(prefix="docent-canaries-"))
    folder.chmod(0o700)
    try:
        with _listening() as log, ExitStack() as stack:
            _hunt(found, folder, log, say, own, servers, stack)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return found


def _hunt(
    found: Hunt,
    folder: Path,
    log: StringIO,
    say: Callable[[str], None],
    own: OwnSource | None,
    servers: Sequence[str],
    stack: ExitStack,
) -> None:
    config = read_config({"DOCENT_HOME": str(folder / "home")})
    store = open_store(config)
    try:
        with store.sign_in() as door:
            made = door.create_workspace("Scratch", "ada@scratch.example", PASSWORD, admin_name="Ada")
            ada = door.viewer_for_email(made.slug, "ada@scratch.example", Surface.PAGE)
        planted = _sources(store, ada, folder, own, servers, found, say, stack)
        with store.as_admin(ada) as admin:
            admin.people.add_member("bob@scratch.example", Role.EDITOR, name="Bob", password=PASSWORD)
        with store.sign_in() as door:
            bob = door.viewer_for_email(made.slug, "bob@scratch.example", Surface.PAGE)
        with recording_provider(_greedy(planted)) as wire:
            say("Asking everything of an obedient provider.")
            shown = _use(found, store, config, ada, wire, planted)
        say("Looking for canaries.")
        _look(found, "provider wire", b"\n".join(wire.bodies), planted.canaries)
        _look(found, "logs", log.getvalue().encode(), planted.canaries)
        _look(found, "answers and steps", "\n".join(shown.told).encode(), planted.canaries)
        _look(found, "error texts", "\n".join(shown.errors).encode(), planted.canaries)
        _look(found, "exports", _exports(store, ada), planted.canaries)
        _look(found, "another member's reads", _as_seen_by(store, bob), planted.canaries)
        found.requests = len(wire.bodies)
        found.ran = sum(body.count(b"rows are on the person") for body in wire.bodies)
        found.hashes_equal = _same_hashes(store, ada, wire)
    finally:
        store.close()
    files = b"".join(path.read_bytes() for path in sorted((folder / "home").rglob("*")) if path.is_file())
    _look(found, "our database files", files, planted.canaries)


@dataclass(slots=True)
class _Planted:
    """What stands in the sources: every canary, those that stand in rows, and statements that reach for them."""

    canaries: list[str] = field(default_factory=list)
    statements: dict[str, list[str]] = field(default_factory=dict)
    """Integration -> SQL to run on it; the first returns rows with canaries."""

    def maker(self, source: str) -> Callable[[str], str]:
        """Makes canaries of one source."""

        def make(place: str) -> str:
            made = f"CANARY{source[:3].upper()}{place}{secrets.token_hex(6).upper()}"
            self.canaries.append(made)
            return made

        return make


def _add(store: Store, ada: Viewer, name: str, made: Scratch, planted: _Planted) -> None:
    from plugin.catalog.sync import add_integration

    add_integration(
        store, ada, name, made.type, settings=made.settings, secrets=made.secrets, query=made.query
    )
    planted.statements[name] = list(made.statements)


def _sources(
    store: Store,
    ada: Viewer,
    folder: Path,
    own: OwnSource | None,
    servers: Sequence[str],
    found: Hunt,
    say: Callable[[str], None],
    stack: ExitStack,
) -> _Planted:
    """Make and sync the sources."""
    from plugin.catalog.sync import add_integration, sync

    planted = _Planted()
    if own is None:
        for type_ in ("sqlite", "duckdb"):
            path = folder / f"clinic-{type_}.db"
            _add(
                store,
                ada,
                type_,
                stack.enter_context(scratch_file(type_, path, planted.maker(type_))),
                planted,
            )
        for number, url in enumerate(servers, start=1):
            made = stack.enter_context(scratch_server(url, planted.maker(f"s{number}")))
            _add(store, ada, f"{made.type}-{number}", made, planted)
    else:
        planted.canaries += own.canaries
        planted.statements["staging"] = []
        add_integration(
            store, ada, "staging", own.type, settings=own.settings, secrets=own.secrets, query=own.query
        )
    with store.as_admin(ada) as admin:
        integrations = admin.integrations.list()
        for each in integrations:
            admin.integrations.update(each.id, options={"run_mode": "run"})
    for each in integrations:
        done = sync(store, ada, each.id)
        if done.status != "done":
            raise Misconfigured(
                f"the scratch sync of {each.name} ended as {done.status}: {'; '.join(done.errors)}"
            )
        found.sources.append(each.name)
        say(f"Synced {each.name}: {done.seen} records.")
        if own is not None:
            planted.statements["staging"] = _read_everything(store, ada, each.id)
    found.planted = len(planted.canaries)
    return planted


def _read_everything(store: Store, ada: Viewer, integration_id: int) -> list[str]:
    """A statement over each of the first tables of an operator's source."""
    with store.as_viewer(ada) as mine:
        name = {each.id: each.name for each in mine.catalog.integrations()}[integration_id]
        tables = mine.catalog.browse(kinds=("table", "view"), integration=name, limit=20).items
    return [f"select * from {'.'.join((*table.path[-1:], table.name))}" for table in tables]


def _greedy(planted: _Planted) -> Callable[[Mapping[str, Any]], list[dict[str, Any]]]:
    """Calls of each tool that ask for as much as there is."""
    statements = [(integration, sql) for integration, listed in planted.statements.items() for sql in listed]
    by_tool: dict[str, list[dict[str, Any]]] = {
        "search": [{"text": "visits note mail status"}],
        "retrieve": [{"resource": "visits"}, {"resource": "flagged"}, {"resource": "visits.note"}],
        "lineage": [{"resource": "flagged"}],
        "glossary": [{}],
        "find_joins": [{"table": "visits"}],
        "browse": [{}],
        "count": [{}],
        "frequent_queries": [{"table": "visits"}],
        "check_sql": [{"sql": sql} for _, sql in statements[:3]],
        "run_sql": [{"sql": sql, "integration": integration} for integration, sql in statements],
        "propose": [{"resource": "visits", "field": "description", "value": "Visits of the clinic"}],
    }
    return lambda tool: by_tool.get(str(tool.get("name")), [])


@dataclass(slots=True)
class _Shown:
    """What the asker was shown beside their own rows."""

    told: list[str] = field(default_factory=list)
    """Every event of every answer: steps, text, citations, SQL."""
    errors: list[str] = field(default_factory=list)


def _use(
    found: Hunt, store: Store, config: Config, ada: Viewer, wire: Recording, planted: _Planted
) -> _Shown:
    """Ask, follow up, fail, retry, run, page, chart, download; returns what was shown but for the rows."""
    shown = _Shown()
    from plugin.run_sql.download import as_csv
    from plugin.run_sql.results import Owner, Results
    from plugin.run_sql.run import run

    with store.as_admin(ada) as admin:
        admin.settings.apply(
            {
                "ai.internal_hosts": ["127.0.0.1"],
                "ai.base_url": wire.url,
                "ai.provider": "openai_compatible",
                "ai.model": "obedient",
                "ai.run_sql": True,
                "ai.sql_sensitive": "allow",
                "ai.limits.requests_per_minute": 1000,
                "ai.limits.steps": 40,
                "ai.limits.tokens_per_question": 2_000_000,
            }
        )
        admin.settings.set_provider_key("openai_compatible", "scratch-" + secrets.token_hex(8))
    gateway, results, chat = Gateway(store, config), Results(), None
    try:
        for number, text in enumerate((*QUESTIONS, QUESTIONS[0])):
            if number == len(QUESTIONS):
                wire.fail_next.append(500)
            question = Question(text=text, chat_id=chat)
            for event in ask(store, gateway, ada, question, results=results, session="hunt"):
                chat = event.data.get("chat_id", chat)
                shown.told.append(json.dumps(event.data, default=str, ensure_ascii=False))
            found.questions += 1
        with store.as_viewer(ada) as mine:
            ids = {each.name: each.id for each in mine.catalog.integrations()}
        for name, statements in planted.statements.items():
            for sql in statements:
                try:
                    outcome = run(store, ada, ids[name], sql, results=results, session="hunt")
                except DocentError as error:
                    shown.errors.append(str(error))  # a statement that fails on purpose
                    continue
                kept = results.get(Owner(ada.workspace_id, ada.member_id, "hunt"), outcome.result_id)
                text = "".join(as_csv(kept))
                found.control = found.control or any(canary in text for canary in planted.canaries)
    finally:
        results.close()
    return shown


def _exports(store: Store, ada: Viewer) -> bytes:
    """Everything that can be exported: history, ledger, audit, settings."""
    with store.as_viewer(ada) as mine:
        history = mine.history.export()
    with store.as_admin(ada) as admin:
        parts = [history, list(admin.ledger.export()), list(admin.audit.export()), admin.settings.export()]
    return json.dumps(parts, default=str, ensure_ascii=False).encode()


def _as_seen_by(store: Store, bob: Viewer) -> bytes:
    """Everything that a member without any grant can read."""
    with store.as_viewer(bob) as mine:
        seen = [
            mine.catalog.search("visits note mail"),
            mine.catalog.browse(limit=500),
            mine.catalog.counts(),
            mine.catalog.suggest("vis"),
            mine.history.prompts(),
        ]
    return repr(seen).encode()


def _same_hashes(store: Store, ada: Viewer, wire: Recording) -> bool:
    """Are the ledger's hashes of requests with a body those of the bytes that arrived?"""
    with store.as_admin(ada) as admin:
        entered = [each["body_sha256"] for each in admin.ledger.export() if each["body_bytes"]]
        ok, _ = admin.ledger.verify()
    return ok and sorted(entered) == sorted(sha256(body).hexdigest() for body in wire.bodies)


def _look(found: Hunt, place: str, where: bytes, canaries: list[str]) -> None:
    """Search one place for every canary, as text, as UTF-16 and as hexadecimal."""
    found.looked[place] = len(where)
    for canary in canaries:
        plain = canary.encode()
        if plain in where or canary.encode("utf-16-le") in where or plain.hex().encode() in where:
            found.leaks.append(Leak(place, canary))


@contextmanager
def _listening() -> Iterator[StringIO]:
    """Everything that is logged at the lowest level while the block lasts, as the product writes it."""
    kept = StringIO()
    handler = logging.StreamHandler(kept)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    before = root.level, root.handlers
    root.setLevel(logging.DEBUG)
    root.handlers = [handler]
    try:
        yield kept
    finally:
        root.level, root.handlers = before
