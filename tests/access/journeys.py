"""Long journeys through random access worlds: each step changes something and is a world of its own.

A journey keeps the store and the obvious model (`Model`) side by side. A step grants or revokes, moves people between
teams and groups, changes roles, moves, adds and removes tables by a sync, sets the AI filters and personas, edits, proposes, draws lineage, keeps queries, removes teams, groups,
members and integrations that come back (`journey_rights`); then some readers try some
reads and everything that comes back is compared with the model. From the terminal, thousands of them:

    python -m tests.access.journeys --worlds 10000 [--seed N] [--database URL]
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from plugin.access.ai_rules import AiRule, decide
from plugin.access.viewer import Role, Surface, Viewer
from plugin.errors import BadInput, NotFound
from plugin.store import Store
from plugin.store.catalog import ViewerCatalog
from tests.access.journey_rights import COMPARED, RIGHTS
from tests.access.worlds import Place, TableSpec, World, load, records_of

PASSWORD = "correct horse battery"
TEAMS = {"General": False, "Red": False, "Blue": True, "Gold": True}
GROUPS = ("Night", "Day")
SCHEMAS = ("uroom", "vroom", "wroom")
SOURCES = ("isource", "jsource")
CHANGES_A_WORKSPACE = 120


@dataclass
class Somebody:
    """A member as the model has them."""

    email: str
    role: Role
    teams: dict[str, bool] = field(default_factory=dict)
    """Team -> lowered."""
    groups: set[str] = field(default_factory=set)
    member_id: int = 0
    active: bool = True


@dataclass
class Model:
    """What the store should know, told as plainly as can be."""

    tables: list[TableSpec] = field(default_factory=list)
    people: list[Somebody] = field(default_factory=list)
    grants: set[tuple[str, Place]] = field(default_factory=set)
    group_teams: dict[tuple[str, str], bool] = field(default_factory=dict)
    """(group, team) -> lowered"""
    rules: list[dict[str, Any]] = field(default_factory=list)
    personas: list[dict[str, Any]] = field(default_factory=list)
    tags: dict[Place, set[str]] = field(default_factory=dict)
    drawn: set[tuple[Place, Place]] = field(default_factory=set)
    loose: set[tuple[Place, Place]] = field(default_factory=set)
    """Drawn, and one end is away: drawn again when a table of that name comes."""
    queries: dict[tuple[int, Place], set[str]] = field(default_factory=dict)
    """(id, the table it reads) -> teams that it is approved for"""

    def world(self) -> World:
        return World(self.tables, [], self.grants, dict(TEAMS))

    def teams_of(self, one: Somebody) -> set[str]:
        teams = set(one.teams) | {team for group, team in self.group_teams if group in one.groups}
        if one.role is not Role.GUEST:
            teams.add("General")
        return teams

    def edits(self, one: Somebody, place: Place) -> bool:
        """An admin everywhere; an editor where a team of theirs holds it in which nothing lowers them."""
        if one.role is not Role.EDITOR:
            return one.role is Role.ADMIN
        lowered = {team for team, low in one.teams.items() if low} | {
            team for (group, team), low in self.group_teams.items() if low and group in one.groups
        }
        return self._held(self.teams_of(one) - lowered, place)

    def answer(self, one: Somebody, place: Place, *, propose: bool = False) -> str:
        """What becomes of a change that somebody tries."""
        if not self.sees(one, place):
            return "absent"
        return "done" if propose or self.edits(one, place) else "refused"

    def reached(self, start: Place, seen: Callable[[Place], bool], *, up: bool) -> set[Place]:
        """What is upstream (or downstream) of a table over visible tables, drawn edges too."""
        edges = {(each.place, table.place) for table in self.tables for each in table.reads} | self.drawn
        found, level = {start}, {start}
        while level:
            ends = {upper if up else lower for upper, lower in edges if (lower if up else upper) in level}
            level = {each for each in ends if seen(each)} - found
            found |= level
        return found

    def _held(self, teams: set[str], place: Place) -> bool:
        asset = place[:3]
        return any(
            (team, asset[:length]) in self.grants for team in teams for length in range(1, len(asset) + 1)
        )

    def places(self) -> dict[Place, str]:
        return {place: kind for kind, place in self.world().places()}

    def sees(self, one: Somebody, place: Place, *, for_ai: bool = False) -> bool:
        granted = one.role is Role.ADMIN or self._held(self.teams_of(one), place)
        return granted and (not for_ai or self.allowed(place, self.rules))

    def allowed(self, place: Place, filters: list[dict[str, Any]]) -> bool:
        """The AI filters of these journeys look at schemas and integrations only, so a column is as its table."""
        rules = [AiRule(each["effect"], schemas=tuple(each.get("schemas", ())),
                        integrations=tuple(each.get("integrations", ()))) for each in filters]  # fmt: skip
        facts = {
            "kind": "table", "integration": place[0], "schemas": place[1:2], "tags": (), "sensitivity": None,
            "verified": False, "published": True,
        }  # fmt: skip
        return decide(rules, **facts)[0]


class Journey:
    """One workspace that lives. `step` changes it; `check` compares what somebody reads with the model."""

    def __init__(self, store: Store, admin: Viewer, luck: random.Random) -> None:
        self.store, self.admin, self.luck = store, admin, luck
        self.model = Model()
        self.serial = 0
        self.teams: dict[str, int] = {}
        self.groups: dict[str, int] = {}
        self.sources: dict[str, int] = {}
        self.ids: dict[Place, int] = {}
        self.gone: set[int] = set()
        self.told: list[str] = []
        self._begin()

    # --- the beginning ---

    def _begin(self) -> None:
        with self.store.as_admin(self.admin) as door:
            self.teams = {team.name: team.id for team in door.people.teams()}
            for name, private in TEAMS.items():
                if name not in self.teams:
                    self.teams[name] = door.people.add_team(name, private=private).id
            for name in GROUPS:
                self.groups[name] = door.people.add_group(name).id
            self.sources = {name: door.integrations.add(name, "sqlite").id for name in SOURCES}
            self.model.people.append(Somebody(self.admin.email, Role.ADMIN, member_id=self.admin.member_id))
            for at, role in enumerate((Role.EDITOR, Role.VIEWER, Role.GUEST)):
                email = f"p{at}@example.com"
                member = door.people.add_member(email, role, name=f"p{at}", password=PASSWORD)
                self.model.people.append(Somebody(email, role, member_id=member.id))
        for _ in range(6):
            self._add_table()
        self.sync(SOURCES)

    def _add_table(self) -> None:
        luck = self.luck
        self.serial += 1
        source = luck.choice(SOURCES)
        schema = luck.choice(SCHEMAS) + source[0]
        same = [each for each in self.model.tables if each.integration == source]
        reads = luck.sample(same, min(len(same), luck.choice((0, 0, 1, 2))))
        refers = [] if reads else luck.sample(same, min(len(same), luck.choice((0, 1))))
        columns = [f"col{self.serial}x{i}z" for i in range(luck.choice((1, 2)))]
        self.model.tables.append(
            TableSpec(source, schema, f"table{self.serial}q", columns, reads, refers, f"about{self.serial}w")
        )

    def sync(self, sources: tuple[str, ...] | list[str]) -> None:
        for name in sources:
            load(self.store, self.admin.workspace_id, self.sources[name],
                 records_of(self.model.world(), name), force=True)  # fmt: skip
        places = self.model.places()
        self.gone |= {id_ for place, id_ in self.ids.items() if place not in places}
        with self.store.as_viewer(self.admin) as mine:
            known = {
                (each.integration, each.qualified_name): each.id
                for kinds in ((), ("column",)) for each in mine.catalog.browse(kinds=kinds, limit=1000).items
            }  # fmt: skip
        self.ids = {place: known[place[0], ".".join(place[1:])] for place in places}
        self.gone -= set(self.ids.values())
        model = self.model
        model.grants = {(team, at) for team, at in model.grants if len(at) == 1 or at in places}
        model.tags = {at: tags for at, tags in model.tags.items() if at in places}
        kept = model.drawn | model.loose
        model.drawn = {pair for pair in kept if set(pair) <= set(places)}
        model.loose = {pair for pair in kept if len(set(pair) & set(places)) == 1}

    # --- changes ---

    def step(self) -> None:
        """One change to the model and to the store alike."""
        change = self.luck.choice(CHANGES)
        self.told.append(change.__name__)
        change(self)

    def grant(self) -> None:
        team, place = self.luck.choice(list(TEAMS)), self._place()
        with self.store.as_admin(self.admin) as door:
            door.people.grant(
                self.teams[team], self.sources[place[0]], self.ids[place] if len(place) > 1 else None
            )
        self.model.grants.add((team, place))

    def revoke(self) -> None:
        if not self.model.grants:
            return
        team, place = self.luck.choice(sorted(self.model.grants))
        with self.store.as_admin(self.admin) as door:
            door.people.revoke(
                self.teams[team], self.sources[place[0]], self.ids[place] if len(place) > 1 else None
            )
        self.model.grants.discard((team, place))

    def join(self) -> None:
        one, team = self.somebody(), self.luck.choice([name for name in TEAMS if name != "General"])
        lowered = self.luck.random() < 0.3
        with self.store.as_admin(self.admin) as door:
            door.people.add_to_team(self.teams[team], member_id=one.member_id, lowered=lowered)
        one.teams[team] = lowered

    def leave(self) -> None:
        one = self.somebody()
        if one.teams:
            team = self.luck.choice(sorted(one.teams))
            with self.store.as_admin(self.admin) as door:
                door.people.remove_from_team(self.teams[team], member_id=one.member_id)
            del one.teams[team]

    def enter_group(self) -> None:
        one, group = self.somebody(), self.luck.choice(GROUPS)
        with self.store.as_admin(self.admin) as door:
            if group in one.groups:
                door.people.remove_from_group(self.groups[group], one.member_id)
            else:
                door.people.add_to_group(self.groups[group], one.member_id)
        one.groups ^= {group}

    def team_of_group(self) -> None:
        group, team = (
            self.luck.choice(GROUPS),
            self.luck.choice([name for name in TEAMS if name != "General"]),
        )
        with self.store.as_admin(self.admin) as door:
            if (group, team) in self.model.group_teams:
                door.people.remove_from_team(self.teams[team], group_id=self.groups[group])
                del self.model.group_teams[group, team]
            else:
                lowered = self.luck.random() < 0.3
                door.people.add_to_team(self.teams[team], group_id=self.groups[group], lowered=lowered)
                self.model.group_teams[group, team] = lowered

    def change_role(self) -> None:
        one = self.somebody()
        one.role = self.luck.choice((Role.EDITOR, Role.VIEWER, Role.GUEST, Role.ADMIN))
        with self.store.as_admin(self.admin) as door:
            door.people.set_role(one.member_id, one.role)

    def bring_table(self) -> None:
        self._add_table()
        self.sync([self.model.tables[-1].integration])

    def drop_table(self) -> None:
        free = [
            each for each in self.model.tables
            if not any(each in other.reads or each in other.refers for other in self.model.tables)
        ]  # fmt: skip
        if len(free) > 2:
            table = self.luck.choice(free)
            self.model.tables.remove(table)
            self.sync([table.integration])

    def move_table(self) -> None:
        table = self.luck.choice(self.model.tables)
        table.schema = self.luck.choice(SCHEMAS) + table.integration[0]
        self.sync([table.integration])

    def filter_ai(self) -> None:
        luck = self.luck
        self.model.rules = [
            {"effect": luck.choice(("include", "exclude")), **luck.choice((
                {"schemas": [luck.choice(SCHEMAS) + luck.choice("ij")]}, {"integrations": [luck.choice(SOURCES)]},
            ))}
            for _ in range(luck.choice((0, 1, 2)))
        ]  # fmt: skip
        with self.store.as_admin(self.admin) as door:
            door.settings.set("ai.filters", self.model.rules)

    def _place(self) -> Place:
        places = [place for place in self.ids if len(place) < 4]
        return self.luck.choice([*places, *((name,) for name in SOURCES if self._has(name))])

    def _has(self, source: str) -> bool:
        return any(table.integration == source for table in self.model.tables)

    def somebody(self) -> Somebody:
        """Anybody but the admin who began the workspace."""
        return self.luck.choice(self.model.people[1:])

    def anybody(self) -> Somebody:
        return self.luck.choice(self.model.people)

    # --- comparing ---

    def viewer(self, one: Somebody, persona: str = "") -> Viewer:
        return Viewer(
            self.admin.workspace_id, one.member_id, one.role, one.email, one.email,
            workspace_slug=self.admin.workspace_slug, surface=Surface.PAGE, persona=persona,
        )  # fmt: skip

    def check(self, one: Somebody, *, for_ai: bool, reads: int, drawn: bool = False) -> None:
        """Lists, counts and search as the model has them, and `reads` reads at random that must not leak.

        `drawn`: lists and counts as ever, and one of the rest by lot, which makes a world cheap enough for thousands.
        """
        turn = self.luck.choice(("search", "lineage", "gone", "compare")) if drawn else ""
        places = self.model.places()
        seen = {place for place in places if self.model.sees(one, place, for_ai=for_ai)}
        words = {word for place in seen for word in place}
        hidden = {place[-1] for place in places if place not in seen} - words
        hidden |= {
            f"about{table.name[5:-1]}w" for table in self.model.tables if table.place not in seen
        }  # a description is as hidden as its table
        viewer = self.viewer(one)
        with self.store.as_viewer(viewer.as_assistant() if for_ai else viewer) as mine:
            catalog = mine.catalog
            self._lists(catalog, places, seen)
            if turn in ("", "search"):
                self._searches(catalog, seen, hidden)
            if turn in ("", "lineage"):
                self._lineage(catalog, one, for_ai, seen)
            absent = str(_error(lambda: catalog.resource(max(self.ids.values()) + 10_000)))
            for _ in range(reads):
                place = self.luck.choice(list(places))
                name, call = self.luck.choice(TRIES)
                try:
                    got = repr(call(catalog, self, place))
                except NotFound as error:
                    assert place not in seen or name in MAY_MISS, (name, place)
                    assert str(error) == absent, (name, place, str(error))
                    continue
                except BadInput as error:
                    got = str(error)
                if name in BY_ID:
                    assert place in seen, (name, place)
                leaked = set(re.findall(r"\w+", got)) & hidden
                assert not leaked, (name, place, leaked, got[:1500])
            if self.gone and turn in ("", "gone"):
                gone = self.luck.choice(sorted(self.gone))
                assert str(_error(lambda: catalog.resource(gone))) == absent
        compared = 0 if for_ai or turn not in ("", "compare") else 1 if drawn else 2
        for compare in self.luck.sample(COMPARED, compared):
            with self.store.as_viewer(
                viewer
            ) as mine:  # a door of its own, as some open further ones that write
                compare(self, one, mine)

    def _lists(self, catalog: ViewerCatalog, places: dict[Place, str], seen: set[Place]) -> None:
        listed = {
            each.id for kinds in ((), ("column",)) for each in catalog.browse(kinds=kinds, limit=1000).items
        }
        assert listed == {self.ids[place] for place in seen}
        counts: dict[str, int] = {}
        for place in seen:
            counts[places[place]] = counts.get(places[place], 0) + 1
        assert catalog.counts() == counts

    def _searches(self, catalog: ViewerCatalog, seen: set[Place], hidden: set[str]) -> None:
        table = self.luck.choice(self.model.tables)
        for text in (table.name, f"about{table.name[5:-1]}w"):
            found = catalog.search(text, facets=True)
            hits = {hit.resource.id for hit in found.hits}
            assert (self.ids[table.place] in hits) == (table.place in seen), (text, table.place)
            assert hits <= {self.ids[place] for place in seen}
            leaked = set(re.findall(r"\w+", repr(found))) & (hidden - {text})
            assert not leaked, (text, leaked)

    def _lineage(self, catalog: ViewerCatalog, one: Somebody, for_ai: bool, seen: set[Place]) -> None:
        table = self.luck.choice(self.model.tables)
        if table.place not in seen:
            return
        reached = self.model.reached(table.place, seen.__contains__, up=True)
        got = catalog.lineage(self.ids[table.place], downstream=False, depth=12)
        assert set(got.resources) == {self.ids[place] for place in reached}
        readable = all(each.place in seen for each in table.reads)
        shown = catalog.resource(self.ids[table.place]).definition
        assert not table.reads or (shown is not None) == readable


CHANGES: list[Callable[[Journey], None]] = [
    Journey.grant, Journey.grant, Journey.revoke, Journey.join, Journey.leave, Journey.enter_group,
    Journey.team_of_group, Journey.change_role, Journey.bring_table, Journey.drop_table, Journey.move_table,
    Journey.filter_ai, *RIGHTS,
]  # fmt: skip
Try = Callable[[ViewerCatalog, Journey, Place], Any]
TRIES: list[tuple[str, Try]] = [
    ("resource", lambda c, j, p: c.resource(j.ids[p])),
    ("resources", lambda c, j, p: c.resources(j.ids.values())),
    ("by_name", lambda c, j, p: c.by_name(".".join(p[1:]), integration=p[0])),
    ("columns", lambda c, j, p: c.columns(j.ids[p[:3]]) if len(p) > 2 else ()),
    ("keys", lambda c, j, p: c.keys(j.ids[p[:3]]) if len(p) > 2 else ()),
    ("joins", lambda c, j, p: c.joins(j.ids[p[:3]]) if len(p) > 2 else ()),
    ("activity", lambda c, j, p: c.activity(j.ids[p])),
    ("children", lambda c, j, p: c.children(j.ids[p])),
    ("tree", lambda c, j, p: (c.children(None), c.tree_integrations(), c.integrations())),
    ("suggest", lambda c, j, p: c.suggest(p[-1][:4])),
    ("lineage", lambda c, j, p: c.lineage(j.ids[p], depth=6, columns=True)),
    ("search under", lambda c, j, p: c.search("table", under=j.ids[p[:2]])),
    ("search schema", lambda c, j, p: c.search("col about", schema=p[1], facets=True)),
    ("typo", lambda c, j, p: c.search(p[-1][:-1] + "y")),
    ("popular", lambda c, j, p: (c.popular(), c.recent(), c.undocumented(), c.unowned())),
    ("counts", lambda c, j, p: (c.counts(by="schema"), c.counts(by="integration"))),
    ("schema map", lambda c, j, p: c.schema_map(j.sources[p[0]])),
    ("names", lambda c, j, p: c.visible_columns(j.sources[p[0]], [p[1:3], p[2:3]])),
]
BY_ID = frozenset({"resource", "activity", "lineage", "by_name"})
MAY_MISS = frozenset({"columns", "keys", "joins", "search under", "children"})


def _error(call: Callable[[], Any]) -> NotFound:
    try:
        call()
    except NotFound as error:
        return error
    raise AssertionError("what is absent was found")


def travel(
    store: Store,
    admins: Iterator[Viewer],
    worlds: int,
    seed: int,
    told: Callable[[int], None] | None = None,
    readers: int = 2,
) -> int:
    """Go through so many worlds; each new workspace starts with another shape. Returns how many reads were tried.

    With one reader a world, what they try beside lists and counts is drawn by lot.
    """
    luck = random.Random(seed)
    journey: Journey | None = None
    tried = 0
    for number in range(worlds):
        if journey is None or number % CHANGES_A_WORKSPACE == 0:
            journey = Journey(store, next(admins), luck)
        journey.step()
        for one in luck.sample(journey.model.people, readers):
            reads = luck.choice((2, 4)) if readers > 1 else luck.choice((1, 2))
            try:
                journey.check(one, for_ai=luck.random() < 0.4, reads=reads, drawn=readers == 1)
            except AssertionError as error:
                raise AssertionError(
                    f"world {number} of seed {seed}, {one}, after {journey.told[-5:]}: {error}"
                ) from error
            tried += reads + (6 if readers > 1 else 4)
        if told is not None and number % 100 == 99:
            told(number + 1)
    return tried


def admins_of(store: Store) -> Iterator[Viewer]:
    """A new workspace with its admin, again and again."""
    number = 0
    while True:
        number += 1
        email = f"ada{number}@example.com"
        with store.sign_in() as door:
            made = door.create_workspace(f"World {number}", email, PASSWORD, admin_name="Ada")
        with store.sign_in() as door:
            admin = door.viewer_for_email(made.slug, email, Surface.PAGE)
        yield admin  # not inside the door: a reader that is kept open holds up what empties the write-ahead log


def main() -> int:
    """The command."""
    from plugin.config import read_config
    from plugin.store import _people, migrate, open_store

    _people.HASH_METHOD = "scrypt:1024:8:1"  # nobody attacks these accounts, and there are tens of thousands
    options = argparse.ArgumentParser(prog="python -m tests.access.journeys")
    options.add_argument("--worlds", type=int, default=10_000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument(
        "--readers", type=int, default=2, help="readers a world; with one, a draw of the reads"
    )
    options.add_argument("--database", default="")
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as home:
        config = read_config(
            {"DOCENT_HOME": home, **({"DOCENT_DATABASE_URL": asked.database} if asked.database else {})}
        )
        migrate(config)
        store = open_store(config)
        began = time.monotonic()
        try:
            tried = travel(
                store, admins_of(store), asked.worlds, asked.seed,
                lambda done: print(f"{done:,} worlds, {time.monotonic() - began:,.0f} s", file=sys.stderr),
                asked.readers,
            )  # fmt: skip
        finally:
            store.close()
    print(f"{asked.worlds:,} worlds, {tried:,} reads, no difference from the reference")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
