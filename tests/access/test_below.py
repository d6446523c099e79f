"""Lists and counts, of the whole catalog and under a place: what is visible by the plain model, in its order and pages.

The model knows parents and grants alone: a thing is seen where it or something above it was granted to a team of the
reader, and for the assistant where the AI filters leave it in. Worlds are drawn from a seed: grants of containers and
of single things, some taken back, folders and dashboards that move, tables that go, chains of data sets and metrics.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.records import Asset, Column, Database, Record, Schema, Table
from plugin.access.ai_rules import parse_rules
from plugin.access.viewer import Role, Surface, Viewer
from plugin.errors import NotFound
from plugin.store import Store
from plugin.store.catalog import ViewerCatalog
from plugin.store.shapes import Page, Resource
from tests.access.test_ai_filters import allowed, everything
from tests.access.worlds import load

PLACES = 2
"""Places that each reader looks under."""
START = datetime(2026, 1, 1, tzinfo=UTC)
WORDS = ("Sales", "sales", "stock", "wages_1", "wages1", "Orders", "emu", "Zebra")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PEOPLE = {"red": Role.VIEWER, "blue": Role.EDITOR, "both": Role.VIEWER, "guest": Role.GUEST}
TEAMS = {"red": {"Red"}, "blue": {"Blue"}, "both": {"Red", "Blue"}, "guest": {"Blue"}}
FILTERS: list[list[dict[str, Any]]] = [
    [{"effect": "exclude", "tags": ["raw"]}],
    [{"effect": "include", "schemas": ["sales", "open"]}, {"effect": "exclude", "verified": True}],
    [{"effect": "exclude", "kinds": ["schema", "dashboard_group"]}],
    [{"effect": "exclude", "integrations": ["boards"]}, {"effect": "exclude", "sensitivity": ["personal"]}],
]
ORDERS: dict[str, Callable[[Resource], Any]] = {
    "name": lambda row: row.name.lower(),
    "popularity": lambda row: -row.popularity,
    "changed": lambda row: EPOCH - (row.changed_at or EPOCH),
    "rows": lambda row: -(-1 if row.row_estimate is None else row.row_estimate),
}


@dataclass
class World:
    """A catalog, who was granted what, and how the reader's lists are checked."""

    luck: random.Random
    rows: dict[int, Resource] = field(default_factory=dict)
    grants: set[tuple[str, str, int | None]] = field(default_factory=set)
    """(team, integration, resource or None for all of it)"""

    def above(self, row: Resource) -> Iterator[Resource]:
        """The thing itself and all that it lies in."""
        at: Resource | None = row
        while at is not None:
            yield at
            at = self.rows[at.parent_id] if at.parent_id is not None else None

    def seen_by(self, teams: set[str]) -> set[int]:
        """The reference."""
        return {
            row.id
            for row in self.rows.values()
            if ("General" in teams and not row.integration)
            or any(
                (team, row.integration, at) in self.grants
                for team in teams
                for at in (None, *(each.id for each in self.above(row)))
            )
        }


def tables(luck: random.Random) -> Iterator[Record]:
    """Two databases with schemas and tables, each time others."""
    for database in ("main", "Sales"):
        yield Database(database)
        for schema in ("sales", "open", "Hidden"):
            yield Schema(database, schema)
            for name in luck.sample(WORDS, luck.randint(1, 3)):
                yield Table(
                    database, schema, name, columns=tuple(Column(f"c{n}", n, "text") for n in (1, 2)),
                    description=luck.choice((None, "said")), row_estimate=luck.choice((None, 5, 5, 900)),
                    tags=luck.choice(((), ("raw",))), kind=luck.choice(("table", "materialized_view")),
                    changed_at=luck.choice((None, START, START + timedelta(luck.randint(1, 9)))),
                )  # fmt: skip


def assets(luck: random.Random) -> Iterator[Record]:
    """Folders in folders, dashboards anywhere, charts; models with tables and measures, as of Power BI."""
    yield Asset("dashboard_group", "g1", "open")
    yield Asset("dashboard_group", "g2", "Hidden", parent="g1" if luck.random() < 0.7 else None)
    yield Asset("dashboard_group", "g3", "emu", parent=luck.choice((None, "g1", "g2")))
    for number in range(4):
        parent = luck.choice((None, "g1", "g2", "g3"))
        yield Asset("dashboard", f"d{number}", luck.choice(WORDS), parent=parent, popularity=number % 3)
        yield Asset("chart", f"c{number}", luck.choice(WORDS), parent=f"d{number}", tags=("raw",))
    for number in range(2):
        yield Asset("dataset", f"m{number}", luck.choice(WORDS), parent=luck.choice((None, "g2", "g3")))
        yield Asset("dataset", f"t{number}", "of", parent=f"m{number}", columns=(Column("x", 1, "text"),))
        yield Asset("metric", f"x{number}", "sum", parent=f"t{number}")


def make(store: Store, admin: Viewer, seed: int) -> tuple[World, dict[str, Viewer]]:
    """Put a world of a seed into a store."""
    world = World(random.Random(seed))
    luck = world.luck
    sources: dict[str, Callable[[random.Random], Iterator[Record]]] = {
        "shop": tables, "lake": tables, "boards": assets
    }  # fmt: skip
    with store.as_admin(admin) as door:
        ids = {name: door.integrations.add(name, "sqlite").id for name in sources}
        teams = {team.name: team.id for team in door.people.teams()}
        for team in ("Red", "Blue"):
            teams[team] = door.people.add_team(team).id
        for name, role in PEOPLE.items():
            member = door.people.add_member(f"{name}@example.com", role, password="correct horse battery")
            for team in TEAMS[name]:
                door.people.add_to_team(teams[team], member_id=member.id)
    for step in range(2):
        for name, records in sources.items():
            if step == 0 or luck.random() < 0.6:
                load(store, admin.workspace_id, ids[name], records(luck), force=True)
        with store.as_viewer(admin) as mine:
            if step == 0:
                mine.edits.create_term("Sales", "what it means")
                mine.edits.create_document("open", "how it opens")
            world.rows = everything(mine.catalog)
            things = sorted(
                id_ for id_, row in world.rows.items() if row.kind != "column" and row.integration
            )
            for id_ in luck.sample(things, 4):
                mine.edits.set_property(id_, "verified", True)
                mine.edits.set_property(id_, "sensitivity", luck.choice(("personal", "secret")))
        world.grants = {each for each in world.grants if each[2] is None or each[2] in world.rows}
        with store.as_admin(admin) as door:
            for team, source, place in luck.sample(sorted(world.grants, key=str), len(world.grants) // 3):
                door.people.revoke(teams[team], ids[source], place)
                world.grants.remove((team, source, place))
            for place in luck.sample(things, 6):
                given = (luck.choice(("Red", "Blue", "General")), world.rows[place].integration, place)
                door.people.grant(teams[given[0]], ids[given[1]], place)
                world.grants.add(given)
            if step == 0:
                door.people.grant(teams["Blue"], ids["boards"])
                world.grants.add(("Blue", "boards", None))
    with store.as_viewer(admin) as mine:
        world.rows = everything(mine.catalog)
    with store.sign_in() as door:
        viewers = {
            name: door.viewer_for_email(admin.workspace_slug, f"{name}@example.com", Surface.PAGE)
            for name in PEOPLE
        }
    return world, viewers


def paged(world: World, catalog: ViewerCatalog, wanted: list[int], **asked: Any) -> None:
    """A list gives what is wanted, in its order, in pages of any size, and says how many there are."""
    sort = world.luck.choice(sorted(ORDERS))
    wanted = sorted(wanted, key=lambda id_: (ORDERS[sort](world.rows[id_]), id_))
    size = world.luck.choice((max(1, len(wanted)), max(1, len(wanted) // 2), 1000))
    cursor, found = None, list[int]()
    for at in range(0, max(1, len(wanted)), size):
        page: Page = catalog.browse(sort=sort, limit=size, cursor=cursor, with_total=at == 0, **asked)
        assert page.total == len(wanted) or at, (sort, asked)
        found += [each.id for each in page.items]
        cursor = page.next_cursor
    assert (found, cursor) == (wanted, None), (sort, size, asked)


def check(world: World, catalog: ViewerCatalog, yes: set[int]) -> None:
    """Every list and count is made of `yes`, and of all of it."""
    rows, luck = world.rows, world.luck
    # One that is not seen, and some that are; whole integrations and those with things below before all others.
    below = {id_: list[int]() for id_ in rows}
    for id_ in yes:
        for above in list(world.above(rows[id_]))[1:]:
            below[above.id].append(id_)
    hidden = sorted(set(rows) - yes)
    for place in luck.sample(hidden, min(1, len(hidden))):
        for read in (catalog.counts, catalog.browse):
            with pytest.raises(NotFound):
                read(under=place)
    full = sorted(id_ for id_ in yes if below[id_] and rows[id_].kind not in ("table", "materialized_view"))
    empty = sorted(yes - set(full))
    for place in [None, *luck.sample(full, min(PLACES, len(full))), *luck.sample(empty, min(1, len(empty)))]:
        inside = sorted(yes) if place is None else below[place]
        columns = [id_ for id_ in inside if rows[id_].kind == "column"]
        others = [id_ for id_ in inside if rows[id_].kind != "column"]
        assert catalog.counts(under=place) == dict(Counter(rows[id_].kind for id_ in inside)), place
        paged(world, catalog, others, under=place)
        paged(world, catalog, columns, under=place, kinds=("column",))
        some = tuple(
            luck.sample(["table", "materialized_view", "dashboard", "dataset", "schema", "metric"], 3)
        )
        paged(world, catalog, [id_ for id_ in others if rows[id_].kind in some], under=place, kinds=some)
        by = Counter(rows[id_].integration for id_ in others if rows[id_].integration)
        assert catalog.counts(by="integration", under=place) == dict(by)
        tags = Counter(tag for id_ in others for tag in rows[id_].tags)
        assert catalog.counts(by="tag", under=place) == dict(tags)
    kinds = ("table", "materialized_view")
    best = sorted((id_ for id_ in yes if rows[id_].kind in kinds), key=lambda i: (-rows[i].popularity, i))
    assert [each.id for each in catalog.popular(kinds, 3)] == best[:3]
    bare = [id_ for id_ in best if not rows[id_].description]
    assert [each.id for each in catalog.undocumented(3, kinds)] == bare[:3]


@pytest.mark.parametrize("seed", [1, 3])
def test_lists_and_counts_are_what_is_visible(any_store: Store, any_admin: Viewer, seed: int) -> None:
    world, viewers = make(any_store, any_admin, seed)
    sees = {
        name: world.seen_by(TEAMS[name] | (set() if role is Role.GUEST else {"General"}))
        for name, role in PEOPLE.items()
    }
    sees["admin"], viewers["admin"] = set(world.rows), any_admin
    rules = world.luck.choice(FILTERS)
    with any_store.as_admin(any_admin) as door:
        door.settings.set("ai.filters", rules)
    kept = allowed(world.rows, parse_rules(rules))
    person, asking = world.luck.sample(sorted(viewers), 2)
    with any_store.as_viewer(viewers[person]) as mine:
        check(world, mine.catalog, sees[person])
    with any_store.as_viewer(viewers[asking].as_assistant()) as mine:
        check(world, mine.catalog, sees[asking] & kept)
