"""Twins: two workspaces that differ only by what one member may not see. For that member every face is the same, to
the byte.

`Twins` is made from a seed. Both get the same visible things. One also has hidden ones, near the visible in every way:
names of the same words, in other forms, with a slip of a key, in another schema; views that read visible tables and
tables that visible views read; keys, query logs, owners, tags, drawn edges, proposals, private teams, saved queries,
chats of other people. The other never had them (`late`), or had them and lost them again. One file because a plan and what is made of it are read together.
"""

from __future__ import annotations

import random
import shutil
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

import connectors
from connectors.records import Asset, Column, Key, Query, Record, Schema, Table
from connectors.settings import setting
from plugin.access.viewer import Role, Surface, Viewer
from plugin.config import Config, read_config
from plugin.store import Store, open_store
from tests.conftest import PostgresDatabase, postgres_url_of

PASSWORD = "correct horse battery"
WORDS = (
    "order", "customer", "invoice", "payment", "shipment", "refund", "product", "supplier", "region", "campaign",
    "session", "ticket", "salary", "contract", "budget", "forecast",
)  # fmt: skip
CHANGED = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)
ADMIN, READER = "ada@example.com", "vic@example.com"
RECORDS: dict[str, list[Record]] = {}
QUERIES: dict[str, list[Query]] = {}


@dataclass(frozen=True)
class TwinSettings:
    """Which list of records it yields."""

    which: str = setting("Which list", default="")


@dataclass(frozen=True)
class TwinSource:
    """A connector over records in memory."""

    given: TwinSettings

    name: ClassVar[str] = "twin"
    title: ClassVar[str] = "Twin"
    dialect: ClassVar[str | None] = "postgres"
    extracts: ClassVar[tuple[str, ...]] = ("table", "view", "dashboard")
    extra: ClassVar[str | None] = None
    verified: ClassVar[str] = "real"
    grant_script: ClassVar[str] = ""
    query_grant_script: ClassVar[str] = ""
    settings: ClassVar[Any] = TwinSettings

    def check(self) -> str:
        """It is there."""
        return "Here."

    def extract(self) -> Iterator[Record]:
        """The records."""
        yield from RECORDS[self.given.which]

    def queries(self) -> Iterator[Query]:
        """The query log."""
        yield from QUERIES[self.given.which]


@dataclass
class Plan:
    """What is put into both, and what only into the first."""

    role: Role
    shown: dict[str, list[Record]] = field(default_factory=dict)
    hidden: dict[str, list[Record]] = field(default_factory=dict)
    log: dict[str, list[Query]] = field(default_factory=dict)
    hidden_log: dict[str, list[Query]] = field(default_factory=dict)
    open_schemas: set[tuple[str, str]] = field(default_factory=set)
    single: set[tuple[str, str]] = field(default_factory=set)
    """(integration, "schema.table") granted by itself, in a schema that is hidden."""
    filters: list[dict[str, Any]] = field(default_factory=list)
    absent_names: list[str] = field(default_factory=list)
    """Names of hidden things, and of what was never there: asked for in both."""


SOURCES = ("lake", "shop")
OPEN, CLOSED = ("mart", "sales"), ("vault", "hr")


def plan_of(luck: random.Random) -> Plan:
    """Draw one."""
    plan = Plan(luck.choice((Role.VIEWER, Role.VIEWER, Role.EDITOR, Role.GUEST)))
    for source in SOURCES:
        shown, hidden = plan.shown.setdefault(source, []), plan.hidden.setdefault(source, [])
        log, hidden_log = plan.log.setdefault(source, []), plan.hidden_log.setdefault(source, [])
        plan.open_schemas |= {(source, schema) for schema in OPEN}
        shown += [Schema(None, schema, f"where {schema} is") for schema in OPEN]
        hidden += [Schema(None, schema, "kept apart") for schema in CLOSED]
        names: list[str] = []
        seen: list[tuple[str, str]] = []
        for _ in range(luck.randint(3, 5)):
            place = (luck.choice(OPEN), _name(luck))
            if place not in seen:
                seen.append(place)
                names.append(place[1])
                shown.append(_table(luck, place, seen[:-1]))
        apart: list[tuple[str, str]] = []
        for _ in range(luck.randint(3, 6)):
            place = (luck.choice(CLOSED), _near(luck, luck.choice(names)))
            if place not in apart:
                apart.append(place)
                hidden.append(_table(luck, place, [*seen, *apart[:-1]]))
        # Visible views and keys that name what the reader does not see, or what is not there.
        hidden_place, gone = luck.choice(apart), ("vault", f"never_{luck.choice(WORDS)}")
        for number, upper in enumerate((hidden_place, gone)):
            shown.append(_view((OPEN[0], f"reads{number}"), [upper, luck.choice(seen)]))
        shown.append(_view((OPEN[0], "unread"), [], f"SELECT * FROM {'.'.join(seen[0])} WHERE ((("))
        shown.append(
            _view(
                (OPEN[0], "words"),
                [],
                f"GARBLED {hidden_place[1]} of {luck.choice(WORDS)} AND {hidden_place[0]}",
            )
        )
        shown.append(_keyed((OPEN[1], "keyed"), hidden_place))
        hidden.append(_view(("vault", "over"), [luck.choice(seen), luck.choice(apart)]))
        hidden.append(_keyed(("vault", "keyed"), luck.choice(seen)))
        if luck.random() < 0.5:  # many alike: a family, of which the reader sees some
            shown += [_table(luck, (OPEN[0], f"events_2024_0{i}"), [], "events") for i in (2, 3)]
            hidden += [_table(luck, ("vault", f"events_2024_0{i}"), [], "events") for i in (1, 4, 5)]
        if luck.random() < 0.5:
            # One table of a hidden schema is the reader's by a grant of its own.
            shown.append(Schema(None, "yard"))
            shown.append(_table(luck, ("yard", f"lone_{luck.choice(WORDS)}"), []))
            plan.single.add((source, f"yard.{shown[-1].name}"))  # type: ignore[union-attr]
            hidden.append(_table(luck, ("yard", _near(luck, luck.choice(names))), seen))
        log.append(Query(f"SELECT * FROM {'.'.join(seen[0])} WHERE x = 3", 40, ("jo", "bo")))
        both = f"SELECT * FROM {'.'.join(seen[0])} a JOIN {'.'.join(apart[0])} b ON a.id = b.id"
        hidden_log += [Query(both, 90, ("jo",)), Query(f"SELECT 1 FROM {'.'.join(apart[0])}", 70, ("bo",))]
        hidden_log.append(Query(f"INSERT INTO {'.'.join(seen[-1])} {both}", 4, ("jo",)))
        # What else reads a table, and what stands between two: a hidden statement is no use and no order.
        into = f"INSERT INTO {'.'.join(seen[0])} (id) SELECT a.id FROM {'.'.join(seen[-1])} a"
        hidden_log.append(Query(f"{into} JOIN {'.'.join(apart[0])} b ON a.id = b.id", 60, ("etl",)))
        log.append(
            Query(f"INSERT INTO {'.'.join(seen[1])} SELECT a.* FROM {'.'.join(seen[0])} a", 2, ("etl",))
        )
        shown.append(
            Asset("dashboard", f"{source}-d1", f"{luck.choice(WORDS).title()} board", owners=("Ana",))
        )
        plan.absent_names += [".".join(place) for place in apart] + [
            ".".join(gone),
            "vault.over",
            "vault",
            "hr",
        ]
    if luck.random() < 0.5:
        plan.filters = [{"effect": luck.choice(("exclude", "include")), "schemas": [luck.choice(OPEN)]}]
    return plan


def _name(luck: random.Random) -> str:
    return "_".join(luck.sample(WORDS, luck.choice((1, 2))))


def _near(luck: random.Random, name: str) -> str:
    """A name like another: the same, in another number, with a slip, with more words."""
    at = luck.randrange(1, len(name))
    return luck.choice((
        name, f"{name}s", name[:at] + name[at - 1] + name[at:], f"{name}_{luck.choice(WORDS)}",
        f"{luck.choice(WORDS)}s",
    ))  # fmt: skip


def _table(
    luck: random.Random, place: tuple[str, str], others: list[tuple[str, str]], said: str = ""
) -> Table:
    words = luck.sample(WORDS, 3)
    if others and not said and luck.random() < 0.3:
        return _view(place, luck.sample(others, min(2, len(others))))
    columns = ["id", *(f"{word}_{luck.choice(('name', 'date', 'code'))}" for word in words[:2])]
    return Table(
        None, *place, description=said or f"every {words[2]} of a {words[0]}", changed_at=CHANGED, row_estimate=1200,
        columns=tuple(Column(name, at, "text", description=None) for at, name in enumerate(columns, 1)),
        tags=(luck.choice(("core", "raw")),),
        keys=(Key("foreign", "fk_up", ("id",), *luck.choice(others), ("id",)),) if others and not said else (),
    )  # fmt: skip


def _view(place: tuple[str, str], reads: list[tuple[str, str]], sql: str = "") -> Table:
    joined = " JOIN ".join(f"{'.'.join(each)} s{at}" for at, each in enumerate(reads))
    return Table(
        None, *place, kind="view", columns=(Column("id", 1, "text"),), changed_at=CHANGED,
        definition=sql or f"SELECT s0.id FROM {joined}",
    )  # fmt: skip


def _keyed(place: tuple[str, str], to: tuple[str, str]) -> Table:
    return Table(
        None, *place, changed_at=CHANGED, columns=(Column("id", 1, "bigint"), Column("far_id", 2, "bigint")),
        keys=(Key("foreign", "fk_far", ("far_id",), *to, ("id",)),),
    )  # fmt: skip


@dataclass
class Side:
    """One of two."""

    store: Store
    config: Config
    admin: Viewer
    reader: Viewer
    kept: Viewer | None = None
    """The reader, while a test lets somebody else read."""
    person: Any = None
    """The reader, signed in to the pages (`twin_faces.person`)."""
    saved: int = 0
    """A query over visible tables that is approved for the reader's team."""
    saved_apart: int = 0
    """One over hidden ones, where there is one; and the team that it is approved for."""
    apart: int = 0
    integrations: dict[str, int] = field(default_factory=dict)
    ids: dict[str, int] = field(default_factory=dict)
    """"integration.schema.table" -> id, of what the admin sees."""


@dataclass
class Twins:
    """The one that has the hidden things, and the one that has none."""

    plan: Plan
    rich: Side
    poor: Side
    databases: ExitStack = field(default_factory=ExitStack)
    """Drops what was made on a server."""

    @property
    def shown(self) -> list[tuple[str, int]]:
        """Names and ids of what the reader sees, the same in both."""
        with self.poor.store.as_viewer(self.poor.reader) as mine:
            found = [
                (f"{each.integration}.{each.qualified_name}", each.id)
                for each in mine.catalog.browse(limit=1000).items
            ]
        return sorted(found)

    def close(self) -> None:
        """Give back both stores, and what was made for them on a server."""
        self.rich.store.close()
        self.poor.store.close()
        self.databases.close()


def make(seed: int, template: Path | str, folder: Path) -> Twins:
    """Twins of a seed. `template` is an empty database at the current schema: a file of SQLite, or the name of one of
    PostgreSQL.
    """
    luck = random.Random(seed)
    plan = plan_of(luck)
    late = luck.random() < 0.5
    databases = ExitStack()
    sides = [_empty(template, folder / name, databases) for name in ("rich", "poor")]
    connectors.CONNECTORS["twin"] = "tests.access.twins:TwinSource"
    connectors.connectors.cache_clear()
    for rich, side in zip((True, False), sides, strict=True):
        with drawn_from(random.Random(seed)):
            _people(side, plan)
            _fill(side, plan, hidden=not late, first=True)
            _say_more(side, plan)
            if not late:
                _keep_apart(side, plan)
            elif rich:
                _fill(side, plan, hidden=True)
                _keep_apart(side, plan)
            _fill(side, plan, hidden=rich)
            if not rich and not late:
                _let_go(side)
    return Twins(plan, *sides, databases)


@contextmanager
def drawn_from(luck: random.Random) -> Iterator[None]:
    """Ids that are drawn by lot come out alike on both sides, as far as the same is made there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("plugin.store._ids.secrets", SimpleNamespace(randbelow=luck.randrange))
        yield


def _empty(template: Path | str, home: Path, databases: ExitStack) -> Side:
    home.mkdir(mode=0o700, parents=True)
    config = read_config({"DOCENT_HOME": str(home)})
    if isinstance(template, Path):
        shutil.copy(template, home / "docent.sqlite3")
    else:
        name = f"docent_test_{uuid.uuid4().hex[:12]}"
        databases.enter_context(PostgresDatabase(name, template))
        config = replace(config, database_url=postgres_url_of(name))
    store = open_store(config)
    with store.sign_in() as door:
        made = door.create_workspace("Acme", ADMIN, PASSWORD, admin_name="Ada")
    with store.sign_in() as door:
        admin = door.viewer_for_email(made.slug, ADMIN, Surface.PAGE)
    return Side(store, config, admin, admin)


def _people(side: Side, plan: Plan) -> None:
    with side.store.as_admin(side.admin) as door:
        door.people.add_member(READER, plan.role, name="Vic", password=PASSWORD)
        door.people.add_member("oda@example.com", Role.EDITOR, name="Oda", password=PASSWORD)
        door.people.add_team("Readers")
        team = next(each for each in door.people.teams() if each.name == "Readers")
        members = {each.email: each.id for each in door.people.members()}
        door.people.add_to_team(team.id, member_id=members[READER])
        side.integrations = {
            name: door.integrations.add(name, "twin", {"which": name}, {}).id for name in SOURCES
        }
        door.settings.set("ai.filters", plan.filters)
    with side.store.sign_in() as door:
        side.reader = door.viewer_for_email(side.admin.workspace_slug, READER, Surface.PAGE)


def _fill(side: Side, plan: Plan, *, hidden: bool, first: bool = False) -> None:
    """Sync both sources with or without the hidden things."""
    from plugin.catalog.sync import sync

    for name, id_ in side.integrations.items():
        RECORDS[name] = [*plan.shown[name], *(plan.hidden[name] if hidden else ())]
        QUERIES[name] = [*(plan.hidden_log[name] if hidden else ()), *plan.log[name]]
        done = sync(side.store, side.admin, id_, full=True)
        assert done.status == "done", done
    with side.store.as_viewer(side.admin) as mine:
        side.ids = {
            f"{each.integration}.{each.qualified_name}": each.id
            for kinds in ((), ("column",)) for each in mine.catalog.browse(kinds=kinds, limit=1000).items
        }  # fmt: skip
    if first:
        with side.store.as_admin(side.admin) as door:
            team = next(each for each in door.people.teams() if each.name == "Readers")
            for source, place in sorted(plan.open_schemas | plan.single):
                door.people.grant(team.id, side.integrations[source], side.ids[f"{source}.{place}"])
            for source in SOURCES:
                door.people.grant(team.id, side.integrations[source], _board(side, source))


def _board(side: Side, source: str) -> int:
    return next(
        id_ for name, id_ in sorted(side.ids.items()) if name.startswith(source) and name.endswith("board")
    )


def _say_more(side: Side, plan: Plan) -> None:
    """What people wrote on what the reader sees."""
    shown = [
        id_ for name, id_ in sorted(side.ids.items()) if name.split(".")[1] in OPEN and name.count(".") == 2
    ]
    with side.store.as_viewer(side.admin) as mine:
        mine.edits.add_owner(shown[0], "oda@example.com")
        mine.edits.add_tag(shown[1], "gold")
        mine.edits.propose(shown[0], "description", "said by somebody")
        name = next(name for name, id_ in side.ids.items() if id_ == shown[0])
        place = name.partition(".")[2]
        saved = mine.queries.save(
            side.integrations[name.split(".")[0]], "over visible", f"SELECT 1 FROM {place}", tables=[place]
        )
        readers = [id_ for id_, team in mine.queries.teams_to_approve(saved.id) if team == "Readers"]
        side.saved = mine.queries.approve(saved.id, readers).id
        prompt = mine.history.start(None, "what everybody asks")
        cited = [{"n": 1, "id": shown[0], "qualified_name": place}]
        mine.history.finish(prompt.id, answer=f"It is `{place}` [1].", citations=cited, status="done")
        mine.history.shares.share(prompt.chat_id, "team", readers[0])
    with side.store.as_admin(side.admin) as door:
        door.settings.set("embed.origins", ["https://intranet.example"])


APART = "Apart"


def _keep_apart(side: Side, plan: Plan) -> None:
    """Everything else that the reader may not see: teams, groups, members of them, edits, queries, chats."""
    hidden = [
        id_ for name, id_ in sorted(side.ids.items())
        if name.count(".") == 2 and (name.split(".")[1] in CLOSED or name.split(".")[1] == "yard")
        and (name.split(".")[0], name.partition(".")[2]) not in plan.single
    ]  # fmt: skip
    shown = [
        id_ for name, id_ in sorted(side.ids.items()) if name.split(".")[1] in OPEN and name.count(".") == 2
    ]
    with side.store.as_admin(side.admin) as door:
        team = door.people.add_team(APART, private=True)
        door.people.add_to_team(team.id, member_id=side.admin.member_id)
        door.people.grant(team.id, side.integrations["lake"], hidden[0])
        door.settings.set(
            "ai.personas", [{"name": "apart", "teams": [APART], "filters": [], "instructions": "none"}]
        )
    with side.store.as_viewer(side.admin) as mine:
        mine.edits.add_owner(hidden[0], "ada@example.com")
        mine.edits.add_owner(hidden[1], "oda@example.com")
        mine.edits.add_tag(hidden[0], "gold")
        mine.edits.add_tag(hidden[1], "restricted")
        mine.edits.set_property(hidden[1], "description", "customer order invoice payment")
        mine.edits.propose(hidden[0], "description", "never said")
        mine.edits.add_edge(hidden[0], shown[0])
        mine.edits.add_edge(shown[1], hidden[1])
        name = next(name for name, id_ in side.ids.items() if id_ == hidden[0])
        saved = mine.queries.save(
            side.integrations[name.split(".")[0]], "over hidden", f"SELECT 1 FROM {name.partition('.')[2]}",
            tables=[name.partition(".")[2]],
        )  # fmt: skip
        teams = [id_ for id_, _name in mine.queries.teams_to_approve(saved.id)]
        side.saved_apart, side.apart = mine.queries.approve(saved.id, teams).id, team.id
        prompt = mine.history.start(None, "what is hidden")
        mine.history.finish(prompt.id, answer="nothing", status="done")
        mine.history.shares.share(prompt.chat_id, "team", team.id)


def _let_go(side: Side) -> None:
    """Undo what no sync takes away."""
    with side.store.as_admin(side.admin) as door:
        team = next(each for each in door.people.teams() if each.name == APART)
        door.people.remove_team(team.id)
        door.settings.set("ai.personas", [])
    with side.store.as_viewer(side.admin) as mine:
        for each in mine.queries.all():
            if each.id == side.saved_apart:
                mine.queries.delete(each.id)
        for chat in mine.history.chats().items:
            if chat.title == "what is hidden":
                mine.history.delete_chat(chat.id)
