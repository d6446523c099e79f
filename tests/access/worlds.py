"""Worlds for the access tests: resources, teams, grants and people, with the obvious model of who sees what.

Every name in a world is a word that occurs nowhere else, so a leak is a hidden word in whatever a read gives back.
The model knows nothing of zones: a thing is visible when the thing itself or something above it was granted to a team
that the member is in.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from connectors.records import Column, Database, Key, Schema, Table
from plugin.access.viewer import Role, Surface, Viewer
from plugin.catalog.sync.reader import Reader
from plugin.store import Store
from plugin.store.staging import Stage

Place = tuple[str, ...]
"""(integration), (integration, schema), (integration, schema, table) or (..., column)."""


@dataclass
class TableSpec:
    """A table: its columns, the tables it reads (then it is a view) and the tables its keys point at."""

    integration: str
    schema: str
    name: str
    columns: list[str]
    reads: list[TableSpec] = field(default_factory=list)
    refers: list[TableSpec] = field(default_factory=list)
    description: str = ""

    @property
    def place(self) -> Place:
        return (self.integration, self.schema, self.name)


@dataclass
class Person:
    """A member: role, and teams by name; `lowered` are teams where they are only a viewer."""

    email: str
    role: Role
    teams: set[str]
    lowered: set[str] = field(default_factory=set)


@dataclass
class World:
    """Everything that was put into a workspace."""

    tables: list[TableSpec]
    people: list[Person]
    grants: set[tuple[str, Place]]
    """(team, place)"""
    teams: dict[str, bool]
    """name -> private"""
    terms: list[str] = field(default_factory=list)

    def places(self) -> Iterator[tuple[str, Place]]:
        """(kind, place) of every resource that a sync brings."""
        seen: set[Place] = set()
        for table in self.tables:
            schema = (table.integration, table.schema)
            if schema not in seen:
                seen.add(schema)
                yield "schema", schema
            yield "view" if table.reads else "table", table.place
            for column in table.columns:
                yield "column", (*table.place, column)

    def sees(self, person: Person, place: Place) -> bool:
        """The reference: is this place visible to this person?"""
        if person.role is Role.ADMIN:
            return True
        teams = set(person.teams)
        if person.role is not Role.GUEST:
            teams.add("General")
        table_or_above = place[:3]
        return any(
            (team, table_or_above[:length]) in self.grants
            for team in teams
            for length in range(1, len(table_or_above) + 1)
        )

    def hidden_words(self, person: Person) -> set[str]:
        """Names of what this person may not see, and of what stands on no path to what they may."""
        shown = {word for _kind, place in self.places() if self.sees(person, place) for word in place}
        hidden = {place[-1] for _kind, place in self.places() if not self.sees(person, place)}
        return hidden - shown


@dataclass
class Built:
    """A world in a store."""

    world: World
    store: Store
    admin: Viewer
    viewers: dict[str, Viewer]
    ids: dict[Place, int]
    integrations: dict[str, int]
    teams: dict[str, int]


def records_of(world: World, integration: str) -> Iterator[Database | Schema | Table]:
    """What a connector would yield."""
    schemas = dict.fromkeys(table.schema for table in world.tables if table.integration == integration)
    for schema in schemas:
        yield Schema(None, schema)
    for table in world.tables:
        if table.integration != integration:
            continue
        definition = None
        if table.reads:
            sources = ", ".join(f"{each.schema}.{each.name} AS s{i}" for i, each in enumerate(table.reads))
            picked = ", ".join(
                f"s{i % len(table.reads)}.{table.reads[i % len(table.reads)].columns[0]} AS {column}"
                for i, column in enumerate(table.columns)
            )
            definition = f"SELECT {picked} FROM {sources}"
        yield Table(
            None,
            table.schema,
            table.name,
            kind="view" if table.reads else "table",
            description=table.description or None,
            columns=tuple(Column(name, i, "text") for i, name in enumerate(table.columns, start=1)),
            keys=tuple(
                Key(
                    "foreign",
                    f"fk_{each.name}",
                    (table.columns[0],),
                    each.schema,
                    each.name,
                    (each.columns[0],),
                )
                for each in table.refers
            ),
            definition=definition,
        )


def load(
    store: Store, workspace_id: int, integration_id: int, records: Iterator[object], **merge: bool
) -> object:
    """Bring records into the catalog as a sync does."""
    with store.ingest(workspace_id, integration_id) as ingest:
        known = ingest.known()
    with Stage(known) as stage:
        reader = Reader(stage, "postgres")
        for record in records:
            reader.take(record)  # type: ignore[arg-type]
        with store.ingest(workspace_id, integration_id) as ingest:
            reader.link(ingest.columns_of)
            return ingest.merge(stage, **merge)


def build(world: World, store: Store, admin: Viewer) -> Built:
    """Put a world into a store."""
    with store.as_admin(admin) as door:
        teams = {team.name: team.id for team in door.people.teams()}
        for name, private in world.teams.items():
            if name not in teams:
                teams[name] = door.people.add_team(name, private=private).id
        for person in world.people:
            if person.email == admin.email:
                continue
            member = door.people.add_member(
                person.email, person.role, name=person.email.split("@")[0], password="correct horse battery"
            )
            for team in person.teams:
                if team != "General":
                    door.people.add_to_team(teams[team], member_id=member.id, lowered=team in person.lowered)
        integrations = {
            name: door.integrations.add(name, "sqlite").id
            for name in dict.fromkeys(table.integration for table in world.tables)
        }
    for name, integration_id in integrations.items():
        load(store, admin.workspace_id, integration_id, records_of(world, name))
    ids: dict[Place, int] = {}
    with store.as_viewer(admin) as mine:
        for _kind, place in world.places():
            name = ".".join(place[1:])
            ids[place] = mine.catalog.by_name(name, integration=place[0]).id
        for term in world.terms:
            mine.edits.create_term(term, f"what {term} means")
    with store.as_admin(admin) as door:
        for team, place in sorted(world.grants):
            door.people.grant(teams[team], integrations[place[0]], ids[place] if len(place) > 1 else None)
    viewers = {}
    with store.sign_in() as door:
        for person in world.people:
            viewers[person.email] = door.viewer_for_email(admin.workspace_slug, person.email, Surface.PAGE)
    return Built(world, store, admin, viewers, ids, integrations, teams)


def small_world() -> World:
    """Alice may see sales, Bob one table of it, Charlie nothing but what is General's, Gita is a guest."""
    orders = TableSpec("shop", "salesroom", "quokkas", ["qa", "qb"], description="marsupial ledger")
    people = TableSpec("shop", "peopleroom", "wombats", ["wa", "wb"])
    mixed = TableSpec("shop", "salesroom", "numbats", ["na", "nb"], reads=[orders, people])
    plain = TableSpec("shop", "salesroom", "bilbies", ["ba"], reads=[orders])
    after = TableSpec("shop", "openroom", "emus", ["ea"], reads=[mixed], refers=[people, orders])
    public = TableSpec("lake", "publicroom", "galahs", ["ga", "gb"])
    return World(
        tables=[orders, people, mixed, plain, after, public],
        people=[
            Person("ada@example.com", Role.ADMIN, {"General"}),
            Person("alice@example.com", Role.EDITOR, {"Sales"}),
            Person("bob@example.com", Role.VIEWER, {"One table"}),
            Person("charlie@example.com", Role.VIEWER, set()),
            Person("gita@example.com", Role.GUEST, {"Guests"}),
        ],
        grants={
            ("Sales", ("shop", "salesroom")),
            ("Sales", ("shop", "openroom")),
            ("One table", ("shop", "salesroom", "numbats")),
            ("General", ("lake",)),
            ("General", ("shop", "openroom")),
            ("Guests", ("lake", "publicroom", "galahs")),
        },
        teams={"General": False, "Sales": False, "One table": True, "Guests": False},
        terms=["churnword"],
    )
