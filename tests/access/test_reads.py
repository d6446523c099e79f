"""Every read of the catalog, tried by somebody who may see a thing and by somebody who may not.

`READS` names every public method of the viewer's catalog with calls of it for one resource. A method that is not in it
fails `test_every_read_is_tried`: say there how an outsider would try it.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plugin.access.viewer import Role, Viewer
from plugin.errors import BadInput, NotFound, Refused
from plugin.store import Store
from plugin.store.catalog import ViewerCatalog
from plugin.store.shapes import Page
from tests.access.worlds import Built, Person, Place, TableSpec, World, build, small_world

Call = Callable[[ViewerCatalog, Built, Place], Any]
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def table_id(built: Built, place: Place) -> int:
    return built.ids[place[:3]]


READS: dict[str, list[Call]] = {
    "search": [
        lambda c, b, p: c.search(p[-1]),
        lambda c, b, p: c.search(p[-1], facets=True),
        lambda c, b, p: c.search("", integrations=[p[0]], facets=True),
        lambda c, b, p: c.search(p[-1], schema=p[1]),
        lambda c, b, p: c.search(p[-1], under=b.ids[p[:2]]),
        lambda c, b, p: c.search(p[-1][:-1]),
        lambda c, b, p: c.search(p[-1], kinds=("column",), beside=8),
    ],
    "suggest": [lambda c, b, p: c.suggest(p[-1][:2]), lambda c, b, p: c.suggest(".".join(p[1:])[:-1])],
    "by_name": [
        lambda c, b, p: c.by_name(p[-1]),
        lambda c, b, p: c.by_name(".".join(p[1:])),
        lambda c, b, p: c.by_name(".".join(p).upper()),
        lambda c, b, p: c.by_name(".".join(p[1:]), integration=p[0]),
    ],
    "exactly": [
        lambda c, b, p: c.exactly(".".join(p[1:])),
        lambda c, b, p: c.exactly(".".join(p[1:]), integration=p[0]),
        lambda c, b, p: c.exactly(p[-1]),
    ],
    "term": [lambda c, b, p: c.term(p[-1])],
    "terms": [lambda c, b, p: c.terms(), lambda c, b, p: c.terms(p[-1])],
    "resource": [lambda c, b, p: c.resource(b.ids[p])],
    "resources": [lambda c, b, p: c.resources([b.ids[p]]), lambda c, b, p: c.resources(b.ids.values())],
    "columns": [lambda c, b, p: c.columns(table_id(b, p))],
    "columns_of": [lambda c, b, p: c.columns_of(b.ids.values())],
    "plain_columns_of": [lambda c, b, p: c.plain_columns_of(b.ids.values())],
    "keys_of": [lambda c, b, p: c.keys_of(b.ids.values())],
    "keys": [lambda c, b, p: c.keys(table_id(b, p))],
    "indexes": [lambda c, b, p: c.indexes(table_id(b, p))],
    "activity": [lambda c, b, p: c.activity(b.ids[p])],
    "ai_use": [lambda c, b, p: c.ai_use(b.ids[p])],
    "children": [
        lambda c, b, p: c.children(None),
        lambda c, b, p: c.children(None, integration=b.integrations[p[0]]),
        lambda c, b, p: c.children(b.ids[p]),
        lambda c, b, p: c.children(b.ids[p[:2]]),
        lambda c, b, p: c.children(b.ids[p[:2]], start=p[-1]),
    ],
    "browse": [
        lambda c, b, p: c.browse(limit=1000),
        lambda c, b, p: c.browse(kinds=("column",), limit=1000),
        lambda c, b, p: c.browse(text=p[-1], with_total=True),
        lambda c, b, p: c.browse(under=b.ids[p[:2]]),
        lambda c, b, p: c.browse(integration=p[0], sort="popularity"),
        lambda c, b, p: c.browse(documented=False, sort="changed"),
        lambda c, b, p: c.browse(sort="rows"),
        lambda c, b, p: c.browse(unchanged_since=datetime.now(UTC), sort="oldest"),
        lambda c, b, p: c.browse(stale=True, with_total=True),
    ],
    "popular": [lambda c, b, p: c.popular()],
    "undocumented": [lambda c, b, p: c.undocumented()],
    "unowned": [lambda c, b, p: c.unowned()],
    "recent": [lambda c, b, p: c.recent()],
    "drift": [
        lambda c, b, p: c.drift(LONG_AGO),
        lambda c, b, p: c.drift(LONG_AGO, under=b.ids[p]),
        lambda c, b, p: c.drift(LONG_AGO, integration=p[0], named=".".join(p[1:]), change="added"),
    ],
    "count_drift": [
        lambda c, b, p: c.count_drift(LONG_AGO),
        lambda c, b, p: c.count_drift(LONG_AGO, under=b.ids[p]),
        lambda c, b, p: c.count_drift(LONG_AGO, named=p[-1]),
    ],
    "counts": [
        lambda c, b, p: c.counts(),
        lambda c, b, p: c.counts(by="schema"),
        lambda c, b, p: c.counts(by="integration"),
        lambda c, b, p: c.counts(by="tag"),
        lambda c, b, p: c.counts(by="owner"),
        lambda c, b, p: c.counts(under=b.ids[p[:2]]),
    ],
    "count_children": [lambda c, b, p: c.count_children(b.ids[p])],
    "count_tags": [lambda c, b, p: c.count_tags()],
    "owners": [lambda c, b, p: c.owners()],
    "integrations": [lambda c, b, p: c.integrations()],
    "tree_integrations": [lambda c, b, p: c.tree_integrations()],
    "lineage": [
        lambda c, b, p: c.lineage(b.ids[p], depth=5),
        lambda c, b, p: c.lineage(b.ids[p], depth=5, columns=True),
        lambda c, b, p: c.lineage(table_id(b, p), depth=3, columns=True),
        lambda c, b, p: c.lineage(table_id(b, p), depth=3, source="query_log"),
    ],
    "full_definition": [
        lambda c, b, p: c.full_definition(b.ids[p]),
        lambda c, b, p: c.full_definition(table_id(b, p)),
    ],
    "degrees": [lambda c, b, p: c.degrees([b.ids[p]]), lambda c, b, p: c.degrees(b.ids.values())],
    "impact": [
        lambda c, b, p: c.impact(b.ids[p]),
        lambda c, b, p: c.impact(table_id(b, p)),
        lambda c, b, p: c.impact(table_id(b, p), listed=1),
    ],
    "joins": [
        lambda c, b, p: c.joins(table_id(b, p)),
        *[
            (
                lambda c, b, p, i=i: c.joins(
                    table_id(b, p), b.ids[b.world.tables[i % len(b.world.tables)].place]
                )
            )
            for i in range(3)
        ],
    ],
    "frequent_queries": [
        lambda c, b, p: c.frequent_queries(table_id(b, p)),
        lambda c, b, p: c.frequent_queries(b.ids[p]),
        lambda c, b, p: c.frequent_queries(None, limit=100),
    ],
    "use": [lambda c, b, p: c.use(table_id(b, p)), lambda c, b, p: c.use(b.ids[p])],
    "logged": [lambda c, b, p: c.logged()],
    "query_costs": [lambda c, b, p: c.query_costs(table_id(b, p))],
    "visible_columns": [
        lambda c, b, p: c.visible_columns(b.integrations[p[0]], [p[1:3], p[2:3], ("nothing", "here")])
    ],
    "schema_map": [lambda c, b, p: c.schema_map(b.integrations[p[0]])],
}
ASKED_BY_ID = (
    "resource",
    "columns",
    "keys",
    "indexes",
    "activity",
    "ai_use",
    "count_children",
    "lineage",
    "joins",
    "full_definition",
)


@pytest.fixture
def built(any_store: Store, any_admin: Viewer) -> Built:
    return build(small_world(), any_store, any_admin)


def public_reads() -> set[str]:
    return {
        name
        for name, member in inspect.getmembers(ViewerCatalog)
        if not name.startswith("_") and callable(member)
    }


def test_every_read_is_tried() -> None:
    assert public_reads() == set(READS)


def words_in(text: str) -> set[str]:
    return set(re.findall(r"\w+", text))


def tried(built: Built) -> list[Place]:
    """Every schema and table, and one column of each table."""
    return [p for _kind, p in built.world.places() if len(p) < 4 or p[3] == table_spec(built, p).columns[-1]]


def table_spec(built: Built, place: Place) -> TableSpec:
    return next(table for table in built.world.tables if table.place == place[:3])


class Looked(tuple[str, ...]):
    """A place that knows what was read of it."""

    parts: list[tuple[Any, Any]]

    def __getitem__(self, which: Any) -> Any:
        found = super().__getitem__(which)
        self.parts.append((which, found))
        return found

    def __iter__(self) -> Iterator[str]:
        self.parts.append((slice(None), tuple(super().__iter__())))
        return super().__iter__()

    def __hash__(self) -> int:
        self.parts.append((slice(None), tuple(super().__iter__())))
        return super().__hash__()

    def __len__(self) -> int:
        self.parts.append((slice(None), tuple(super().__iter__())))
        return super().__len__()


class Asked:
    """Which calls one reader has made: one that reads of a place what it read of an earlier one would ask the same.

    Half of the calls on the small world read the integration's or the schema's name only, or nothing of the place.
    """

    def __init__(self) -> None:
        self._made: dict[Call, list[list[tuple[Any, Any]]]] = {}

    def before(self, call: Call, place: Place) -> bool:
        """Was it made with all that it reads of `place`?"""
        return any(all(place[at] == part for at, part in parts) for parts in self._made.get(call, ()))

    def make(self, call: Call, catalog: ViewerCatalog, built: Built, place: Place) -> Any:
        """Make it."""
        looked = Looked(place)
        looked.parts = []
        self._made.setdefault(call, []).append(looked.parts)
        return call(catalog, built, looked)


def check_world(built: Built) -> None:
    """Try every read as every person on every place: no hidden word comes back, hidden looks like absent."""
    absent = max(built.ids.values()) + 10_000
    for person in built.world.people:
        hidden = built.world.hidden_words(person)
        with built.store.as_viewer(built.viewers[person.email]) as mine:
            catalog = mine.catalog
            said: set[str] = set()
            asked = Asked()
            with pytest.raises(NotFound) as nothing:
                catalog.resource(absent)
            for place in tried(built):
                for name, calls in READS.items():
                    for call in calls:
                        if asked.before(call, place):
                            continue
                        try:
                            got = repr(asked.make(call, catalog, built, place))
                        except NotFound as error:
                            said.add(str(error))
                            continue
                        except BadInput as error:
                            got = str(error)
                        leaked = words_in(got) & hidden
                        # What somebody typed into the search box is not a leak where it comes back as a correction.
                        assert not leaked, (person.email, name, place, leaked, got[:2000])
                if not built.world.sees(person, place):
                    for name in ASKED_BY_ID:
                        with pytest.raises(NotFound):
                            READS[name][0](catalog, built, place)
            assert said <= {str(nothing.value)}


def check_twins(built: Built) -> None:
    """Whoever may see a thing finds it in every way: by name, in lists, in the tree, in counts, by search."""
    for person in built.world.people:
        with built.store.as_viewer(built.viewers[person.email]) as mine:
            catalog = mine.catalog
            expected = {
                built.ids[place]: kind
                for kind, place in built.world.places()
                if built.world.sees(person, place)
            }
            listed = {each.id for each in every(catalog, kinds=())} | {
                each.id for each in every(catalog, kinds=("column",))
            }
            terms = {each.id for each in catalog.terms().items}
            assert listed - terms == set(expected)
            assert bool(terms) == (bool(built.world.terms) and person.role is not Role.GUEST)
            counts = catalog.counts()
            counts.pop("term", None)
            assert counts == {kind: list(expected.values()).count(kind) for kind in set(expected.values())}
            reached: set[int] = set()
            level = [each.id for each in catalog.children(None).items if each.kind != "term"]
            while level:
                reached |= set(level)
                level = [each.id for parent in level for each in catalog.children(parent).items]
            assert reached == set(expected)
            for _kind, place in built.world.places():
                if built.world.sees(person, place):
                    assert catalog.by_name(".".join(place[1:]), integration=place[0]).id == built.ids[place]
                    if len(place) == 3:
                        hits = {hit.resource.id for hit in catalog.search(place[-1]).hits}
                        assert built.ids[place] in hits, (person.email, place)
            check_lineage(built, person, catalog)


def every(catalog: ViewerCatalog, kinds: tuple[str, ...]) -> list[Any]:
    found: list[Any] = []
    page: Page = catalog.browse(kinds=kinds, limit=3)
    while True:
        found += page.items
        if page.next_cursor is None:
            return found
        page = catalog.browse(kinds=kinds, limit=3, cursor=page.next_cursor)


def check_lineage(built: Built, person: Person, catalog: ViewerCatalog) -> None:
    """Upstream is what can be reached over visible tables alone; SQL that reads something hidden is not shown."""
    world = built.world
    for table in world.tables:
        if not world.sees(person, table.place):
            continue
        reached: set[int] = {built.ids[table.place]}
        level = [table]
        while level:
            level = [
                above
                for each in level
                for above in each.reads
                if world.sees(person, above.place) and built.ids[above.place] not in reached
            ]
            reached |= {built.ids[each.place] for each in level}
        got = catalog.lineage(built.ids[table.place], downstream=False, depth=10)
        assert set(got.resources) == reached
        shown = catalog.resource(built.ids[table.place])
        if table.reads:
            readable = all(world.sees(person, each.place) for each in table.reads)
            assert (shown.definition is not None) == readable
        for key, target in zip(catalog.keys(built.ids[table.place]), table.refers, strict=True):
            assert (key.ref_id == built.ids[target.place]) == world.sees(person, target.place)


def test_nobody_reads_what_is_not_theirs(built: Built) -> None:
    check_world(built)


def test_whoever_may_see_a_thing_sees_it(built: Built) -> None:
    check_twins(built)


def test_another_workspace_is_another_world(built: Built, new_workspace: Callable[..., Viewer]) -> None:
    other = new_workspace(built.store, "Elsewhere", "eve@example.org")
    words = {word for _kind, place in built.world.places() for word in place} | {"shop", "lake"}
    with built.store.as_viewer(other) as mine:
        for place in tried(built):
            for name, calls in READS.items():
                for call in calls:
                    try:
                        got = repr(call(mine.catalog, built, place))
                    except NotFound:
                        continue
                    leaked = words_in(got) & words
                    assert not leaked, (name, place, leaked)
        assert mine.catalog.counts() == {}
        for place in built.ids:
            with pytest.raises(NotFound):
                mine.edits.set_property(built.ids[place], "description", "mine now")


def test_a_grant_taken_back_is_gone_at_the_next_read(built: Built) -> None:
    bob = built.viewers["bob@example.com"]
    place = ("shop", "salesroom", "numbats")
    with built.store.as_viewer(bob) as mine:
        assert mine.catalog.resource(built.ids[place]).name == "numbats"
    with built.store.as_admin(built.admin) as door:
        door.people.revoke(built.teams["One table"], built.integrations["shop"], built.ids[place])
    built.world.grants.discard(("One table", place))
    check_world(built)
    check_twins(built)


def test_a_kept_viewer_does_not_widen_after_leaving_a_team(built: Built) -> None:
    alice = built.viewers["alice@example.com"]
    with built.store.as_admin(built.admin) as door:
        door.people.remove_from_team(built.teams["Sales"], member_id=alice.member_id)
    with built.store.as_viewer(alice) as mine, pytest.raises(NotFound):
        mine.catalog.resource(built.ids[("shop", "salesroom", "quokkas")])


def test_edits_follow_role_and_teams(built: Built) -> None:
    quokkas, galahs = built.ids[("shop", "salesroom", "quokkas")], built.ids[("lake", "publicroom", "galahs")]
    with built.store.as_viewer(built.viewers["alice@example.com"]) as mine:
        mine.edits.set_property(quokkas, "description", "hers to say")
        assert mine.catalog.resource(quokkas).description == "hers to say"
        assert mine.edits.may_edit(quokkas)
    for email in ("bob@example.com", "charlie@example.com", "gita@example.com"):
        with built.store.as_viewer(built.viewers[email]) as mine:
            with pytest.raises(NotFound):
                mine.edits.set_property(quokkas, "description", "not theirs")
            with pytest.raises(Refused):
                mine.edits.set_property(galahs, "description", "visible but not theirs")
    with built.store.as_viewer(built.viewers["gita@example.com"]) as mine, pytest.raises(Refused):
        mine.edits.propose(galahs, "description", "guests do not propose")
    with built.store.as_viewer(built.viewers["charlie@example.com"]) as mine:
        made = mine.edits.propose(galahs, "description", "pink birds")
        with pytest.raises(Refused):
            mine.edits.decide(made.id, True)
    with (
        built.store.as_viewer(built.viewers["bob@example.com"].as_assistant()) as mine,
        pytest.raises(Refused),
    ):
        mine.edits.set_property(galahs, "description", "the assistant only proposes")
    with built.store.as_viewer(built.admin) as mine:
        mine.edits.decide(made.id, True)
        assert mine.catalog.resource(galahs).description == "pink birds"


# --- random worlds against the reference --------------------------------------------------------------------


@st.composite
def worlds(draw: st.DrawFn) -> World:
    number = draw(st.integers(2, 6))
    tables: list[TableSpec] = []
    for i in range(number):
        integration = draw(st.sampled_from(["isource", "jsource"]))
        schema = draw(st.sampled_from(["uroom", "vroom"])) + integration[0]
        same = [each for each in tables if each.integration == integration]
        reads = draw(st.lists(st.sampled_from(same), max_size=2, unique_by=id)) if same else []
        refers = draw(st.lists(st.sampled_from(same), max_size=2, unique_by=id)) if same and not reads else []
        columns = [f"col{i}x{j}z" for j in range(draw(st.integers(1, 2)))]
        tables.append(TableSpec(integration, schema, f"table{i}q", columns, reads, refers))
    places = [place[:length] for table in tables for place in (table.place,) for length in (1, 2, 3)]
    teams = ["General", "Red", "Blue"]
    grants = draw(
        st.sets(st.tuples(st.sampled_from(teams), st.sampled_from(sorted(set(places)))), max_size=5)
    )
    people = [Person("ada@example.com", Role.ADMIN, set())]
    for i in range(draw(st.integers(1, 2))):
        role = draw(st.sampled_from([Role.EDITOR, Role.VIEWER, Role.GUEST]))
        people.append(Person(f"p{i}@example.com", role, draw(st.sets(st.sampled_from(["Red", "Blue"])))))
    return World(tables, people, grants, {"General": False, "Red": False, "Blue": True}, ["glossword"])


@settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(world=worlds())
def test_random_worlds_agree_with_the_reference(
    world: World,
    sqlite_template: Any,
    tmp_path_factory: pytest.TempPathFactory,
    new_workspace: Callable[..., Viewer],
) -> None:
    import shutil

    from plugin.config import read_config
    from plugin.store import open_store

    home = tmp_path_factory.mktemp("world")
    shutil.copy(sqlite_template, home / "docent.sqlite3")
    store = open_store(read_config({"DOCENT_HOME": str(home)}))
    try:
        built = build(world, store, new_workspace(store))
        check_world(built)
        check_twins(built)
    finally:
        store.close()
        shutil.rmtree(home)
