"""The AI filters: what the assistant is given through every read is what the plain rules in Python say.

The catalog is built once; each example draws rules and marks (tags, verified, published, sensitivity), so that marks
made after the sync count too. Facts are read as an admin, who sees all, and never through the filters' own condition.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.records import Column, Database, Key, Schema, Table
from plugin.access.ai_rules import LISTS, decide, decide_column, parse_rules
from plugin.access.viewer import Surface, Viewer
from plugin.config import read_config
from plugin.errors import NotFound
from plugin.store import Store, open_store
from plugin.store.catalog import ViewerCatalog
from plugin.store.shapes import Page, Resource
from tests.access.worlds import load

KINDS = ["database", "schema", "table", "view", "column", "term"]
# "sales" is a schema, a database and a table: a rule on schemas means the schema alone.
WORDS = ["sales", "people", "stock"]
TAGS = ["pii", "gold"]


def warehouse(mark: str) -> Iterator[Database | Schema | Table]:
    """Two schemas in a database that is called like one of them, with keys and a view."""
    yield Database("sales")
    for schema in ("sales", "people"):
        yield Schema("sales", schema)
    for schema, name in (("sales", "stock"), ("people", "sales"), ("people", "wages")):
        yield Table(
            "sales",
            schema,
            name,
            columns=(Column(f"{mark}{name}a", 1, "text"), Column(f"{mark}{name}b", 2, "text")),
            keys=(Key("foreign", "fk", (f"{mark}{name}a",), "people", "wages", (f"{mark}wagesa",)),),
        )
    yield Table(
        "sales",
        "sales",
        "sums",
        kind="view",
        columns=(Column(f"{mark}sumsa", 1, "text"),),
        definition=f"SELECT s.{mark}stocka AS {mark}sumsa FROM sales.stock s JOIN people.wages w ON true",
    )


@pytest.fixture(scope="module")
def place(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    home = tmp_path_factory.mktemp("filters")
    shutil.copy(sqlite_template, home / "docent.sqlite3")
    store = open_store(read_config({"DOCENT_HOME": str(home)}))
    yield store
    store.close()


@pytest.fixture(scope="module")
def reader(place: Store) -> Viewer:
    with place.sign_in() as door:
        made = door.create_workspace("Acme", "ada@example.com", "correct horse battery", admin_name="Ada")
    with place.sign_in() as door:
        admin = door.viewer_for_email(made.slug, "ada@example.com", Surface.PAGE)
    with place.as_admin(admin) as door:
        ids = [door.integrations.add(name, "sqlite").id for name in ("shop", "lake")]
    for id_, mark in zip(ids, "xy", strict=True):
        load(place, admin.workspace_id, id_, warehouse(mark))
    with place.as_viewer(admin) as mine:
        mine.edits.create_term("churnword", "what leaves")
    return admin


@st.composite
def filters(draw: st.DrawFn) -> list[dict[str, Any]]:
    values = {
        "kinds": KINDS,
        "integrations": ["shop", "lake", "nowhere"],
        "schemas": WORDS,
        "tags": TAGS,
        "sensitivity": ["personal", "secret"],
    }
    rules = []
    for _ in range(draw(st.integers(1, 3))):
        rule: dict[str, Any] = {"effect": draw(st.sampled_from(["include", "exclude"]))}
        for name in draw(st.lists(st.sampled_from([*LISTS, "verified", "published"]), max_size=2)):
            if name in values:
                rule[name] = draw(st.lists(st.sampled_from(values[name]), min_size=1, max_size=2))
            else:
                rule[name] = draw(st.booleans())
        rules.append(rule)
    return rules


MARKS = st.lists(
    st.tuples(
        st.integers(0, 99),
        st.sampled_from(
            [
                ("tag", "pii"),
                ("tag", "gold"),
                ("untag", "pii"),
                ("verified", True),
                ("verified", False),
                ("published", False),
                ("published", True),
                ("sensitivity", "personal"),
                ("sensitivity", "none"),
            ]
        ),
    ),
    max_size=5,
)


def everything(catalog: ViewerCatalog) -> dict[int, Resource]:
    rows = [*catalog.browse(limit=1000).items, *catalog.browse(kinds=("column",), limit=1000).items]
    return {row.id: row for row in rows}


def allowed(rows: dict[int, Resource], rules: Any) -> set[int]:
    """The reference: `decide` for every resource, with facts that come from names and parents alone."""

    def schemas(row: Resource) -> list[str]:
        above = rows.get(row.parent_id or 0)
        return ([row.name] if row.kind == "schema" else []) + (schemas(above) if above else [])

    def facts(row: Resource) -> dict[str, Any]:
        own = {name: getattr(row, name) for name in ("kind", "integration", "tags", "sensitivity")}
        return {**own, "schemas": schemas(row), "verified": row.verified, "published": row.published}

    return {
        row.id
        for row in rows.values()
        if (
            decide_column(rules, facts(row), facts(rows[row.parent_id or 0]))
            if row.kind == "column"
            else decide(rules, **facts(row))
        )[0]
    }


def ids_of(found: Any) -> set[int]:
    return {each.id for each in (found.items if isinstance(found, Page) else found)}


def check(catalog: ViewerCatalog, rows: dict[int, Resource], yes: set[int]) -> None:
    """Every read gives what is in `yes`, all of it where the read is a list, and nothing else."""
    assert set(everything(catalog)) == yes
    assert set(catalog.resources(rows)) == yes
    assert catalog.counts() == dict(Counter(rows[id_].kind for id_ in yes))
    columns_of = {id_: {c for c in rows if rows[c].parent_id == id_} for id_ in rows}
    roots = {id_ for id_ in yes if rows[id_].kind != "column" and rows[id_].parent_id not in yes}
    assert ids_of(catalog.children(None, limit=1000)) == roots
    in_yes = {rows[id_].qualified_name: id_ for id_ in yes}
    shown = {rows[id_].integration for id_ in yes} - {""}
    assert {each.name for each in catalog.integrations()} == shown
    assert {each.name for each in catalog.terms().items} == {
        rows[id_].name for id_ in yes if rows[id_].kind == "term"
    }
    assert catalog.count_tags() == dict(
        Counter(tag for id_ in yes if rows[id_].kind != "column" for tag in rows[id_].tags)
    )
    for id_, row in rows.items():
        if row.integration == "lake":
            continue  # the lists above cover it; what follows is a read for each resource
        if id_ not in yes:
            for read in (catalog.resource, catalog.lineage, catalog.joins, catalog.keys, catalog.columns):
                with pytest.raises(NotFound):
                    read(id_)
            continue
        assert ids_of(catalog.children(id_)) == columns_of[id_] & yes
        assert catalog.resource(id_).children == len(columns_of[id_] & yes)
        walked = catalog.lineage(id_, depth=4, columns=True)
        assert set(walked.resources) <= yes
        if row.kind not in ("table", "view"):
            continue
        assert ids_of(catalog.columns(id_)) == columns_of[id_] & yes
        named = {rows[c].name for c in columns_of[id_] & yes}
        for key in catalog.keys(id_):
            assert set(key.columns) <= named
            assert key.ref_id is None or key.ref_id in yes
        for join in catalog.joins(id_):
            assert {join.left_id, join.right_id} <= yes
            assert {a for a, _b in join.on} <= {rows[c].name for c in columns_of[join.left_id] & yes}
            assert {b for _a, b in join.on} <= {rows[c].name for c in columns_of[join.right_id] & yes}
        found = catalog.visible_columns(row.integration_id, [tuple(row.qualified_name.split("."))])
        assert set(found.get(row.qualified_name, ())) == named
        assert row.qualified_name in in_yes
    for word in ["sales", "wages", "churnword"]:
        assert ids_of(catalog.suggest(word, limit=50)) <= yes
        hits = catalog.search(word, facets=True, limit=100)
        assert {hit.resource.id for hit in hits.hits} <= yes
        assert hits.total == len(hits.hits)
        tags = Counter(tag for hit in hits.hits for tag in hit.resource.tags)
        assert Counter(hits.facets.get("tag", {})) == tags
    for id_, row in rows.items():
        if row.kind == "column" and id_ not in yes and row.integration == "shop":
            # The word of a hidden column finds what an absent word finds: nothing, not even its table.
            assert catalog.search(row.name).hits == (), row.qualified_name


@settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(rules=filters(), marks=MARKS)
def test_every_read_of_the_assistant_follows_the_rules(
    place: Store, reader: Viewer, rules: list[dict[str, Any]], marks: list[tuple[int, tuple[str, Any]]]
) -> None:
    with place.as_viewer(reader) as mine:
        rows = everything(mine.catalog)
        ordered = sorted(rows)
        do: dict[str, Callable[[int, Any], None]] = {
            "tag": mine.edits.add_tag,
            "untag": mine.edits.remove_tag,
        }
        for at, (what, value) in marks:
            id_ = ordered[at % len(ordered)]
            if what in do:
                do[what](id_, value)
            else:
                mine.edits.set_property(id_, what, value)
    with place.as_admin(reader) as door:
        door.settings.set("ai.filters", rules)
    with place.as_viewer(reader) as mine:
        rows = everything(mine.catalog)
        yes = allowed(rows, parse_rules(rules))
        for id_ in rows:
            assert mine.catalog.ai_use(id_).allowed == (id_ in yes)
    with place.as_viewer(reader.as_assistant()) as mine:
        check(mine.catalog, rows, yes)
