"""An index built anew has the documents that its writers gave it; a release with other words builds it anew, once."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from plugin.access.viewer import Viewer
from plugin.catalog import words
from plugin.catalog.compounds import KNOWN, parts_of
from plugin.catalog.sync import add_integration, sync
from plugin.jobs import Jobs, go_round
from plugin.store import Store, search_index, search_rows
from plugin.store.search_ddl import ZONE_SHIFT
from tests.search.conftest import SHOP, Fill, table
from tests.search.test_search import find, names

Patch = pytest.MonkeyPatch
Documents = dict[int, tuple[dict[str, Any], list[str]]]
MORE: list[dict[str, Any]] = [
    table("shop", "sales", "returns", "return_id, note: why", "What came back."),
    {
        "entity_type": "column",
        "databuilder_id": "shop.sales.returns.ssn",
        "parent_databuilder_id": "shop.sales.returns",
        "title": "ssn",
        "description": "the number of a person",
        "tags": ["personal"],
    },
    {"entity_type": "dashboard_group", "databuilder_id": "d", "title": "Board"},
    {
        "entity_type": "dashboard",
        "databuilder_id": "d/1",
        "parent_databuilder_id": "d",
        "title": "Weekly Revenue",
        "description": "What the board looks at.",
        "owners": ["Grace"],
        "tags": ["finance"],
    },
    *(
        table("web", "events", f"clicks_chr{end}", "click_id, page, at, colour", f"Clicks {end}.")
        for end in ("1", "2", "X")
    ),
]


def documents(store: Store, viewer: Viewer) -> Documents:
    """Everything that the index has of a workspace, by resource: the row, and its words in order."""
    mine = f"workspace_id = {viewer.workspace_id}"
    with store._context(viewer.workspace_id) as context:
        connection = context.session.connection()
        if store.dialect == "sqlite":
            found = connection.execute(
                text(
                    "SELECT d.*, f.body AS words, '' AS body FROM search_docs d"
                    f" JOIN search_fts f ON f.rowid = d.zone_id << {ZONE_SHIFT} | d.id WHERE {mine}"
                )
            )
        else:
            found = connection.execute(text(f"SELECT * FROM search_docs WHERE {mine}"))
        rows = [dict(row._mapping) for row in found]
        counted = connection.execute(text(f"SELECT count(*) FROM search_docs WHERE {mine}")).scalar()
    assert counted == len(rows) > 0
    return {row["id"]: (row, sorted(row.pop("words").split())) for row in rows}


def assets(found: Documents) -> int:
    """How many of these are of an asset; the others are of columns that stand apart."""
    return sum(row["kind"] != "column" for row, _words in found.values())


def typed(store: Store, viewer: Viewer) -> set[str]:
    with store._context(viewer.workspace_id) as context:
        found = context.session.connection().execute(
            text(f"SELECT word FROM search_words WHERE workspace_id = {viewer.workspace_id}")
        )
        return set(found.scalars())


def build_anew(store: Store, viewer: Viewer) -> int:
    with store._context(viewer.workspace_id) as context:
        return search_index.reindex(context.session, viewer.workspace_id)


def renew(store: Store) -> int:
    with store.clock() as clock:
        return clock.renew_search()


def written(store: Store, viewer: Viewer, fill: Fill) -> None:
    """A catalog by several syncs and by hand."""
    fill(store, viewer, "warehouse", SHOP)
    fill(store, viewer, "boards", MORE)
    changed = table(
        "shop", "sales", "refunds", "refund_id, order_id, voucher", "Now vouchers.", owners=["Grace"]
    )
    fill(store, viewer, "warehouse", [changed if each["title"] == "refunds" else each for each in SHOP])
    with store.as_viewer(viewer) as mine:
        mine.edits.create_term("Churn", "Who does not come back.", synonyms=["attrition", "leavers"])
        mine.edits.create_document("How we count", "An order counts when it is paid.")
        points = mine.catalog.search("loyalty_points", kinds=("column",)).hits[0].resource
        mine.edits.set_property(points.id, "verified", True)
        mine.edits.set_property(points.id, "description", "What they won." + " And more." * 500 + " Beyond.")


@pytest.fixture
def two(any_store: Store, any_admin: Viewer, new_workspace: Any, fill: Fill) -> tuple[Store, Viewer, Viewer]:
    """A store with two workspaces that have the same catalog."""
    other: Viewer = new_workspace(any_store, "Other", "olga@example.com")
    for viewer in (any_admin, other):
        written(any_store, viewer, fill)
    return any_store, any_admin, other


@pytest.mark.parametrize("at_once", [(), (1, 5), (3, 7)], ids=["whole", "one by one", "in parts"])
def test_an_index_built_anew_has_the_documents_that_its_writers_gave_it(
    two: tuple[Store, Viewer, Viewer], at_once: tuple[int, ...], monkeypatch: Patch
) -> None:
    store, mine, other = two
    for name, count in zip(("READ", "READ_COLUMNS"), at_once, strict=False):
        monkeypatch.setattr(search_index, name, count)
    before, others, words_before = documents(store, mine), documents(store, other), typed(store, mine)
    kinds = [row["kind"] for row, _words in before.values()]
    assert {"column", "term", "document", "dashboard", "table"} <= set(kinds)
    followers = [row for row, _words in before.values() if row["family_id"] != row["asset_id"]]
    assert {row["kind"] for row in followers} == {"table"} and len(followers) == 7, (
        "of 6 months, and of 3 parts"
    )
    for word in ("d_attrit", "c_person", "d_financ", "won"):
        assert any(word in each for _row, each in before.values()), word
    assert build_anew(store, mine) == assets(before)
    assert documents(store, mine) == before
    assert documents(store, other) == others
    assert {"refunds", "churn", "attrition"} <= typed(store, mine) <= words_before
    assert typed(store, other) == words_before


def test_it_is_built_anew_where_another_workspace_has_nothing(shop: Store, any_admin: Viewer) -> None:
    before, words_before = documents(shop, any_admin), typed(shop, any_admin)
    assert build_anew(shop, any_admin) == assets(before)
    assert documents(shop, any_admin) == before and typed(shop, any_admin) == words_before


# --- after an upgrade ---------------------------------------------------------------------------------------------


def count_builds(monkeypatch: Patch) -> list[int]:
    """Workspaces whose index is built anew from now on."""
    done: list[int] = []
    really = search_index.reindex

    def counted(session: Any, workspace_id: int) -> int:
        done.append(workspace_id)
        return really(session, workspace_id)

    monkeypatch.setattr(search_index, "reindex", counted)
    return done


def test_the_clock_renews_what_an_older_release_wrote_once(
    any_store: Store, any_admin: Viewer, new_workspace: Any, fill: Fill, monkeypatch: Patch
) -> None:
    other = new_workspace(any_store, "Other", "olga@example.com")
    with monkeypatch.context() as older:
        # It did not read what tables are said to hold.
        older.setattr(search_rows, "text_words", lambda _text: ())
        for viewer in (any_admin, other):
            fill(any_store, viewer, "warehouse", SHOP)
    builds = count_builds(monkeypatch)
    monkeypatch.setattr(search_index, "WORDS", words.WORDS + 1)
    assert "refunds" not in names(find(any_store, any_admin, "money given back"))
    assert builds == [], "never while somebody reads"
    jobs = Jobs(any_store.config)
    for _ in range(2):
        go_round(any_store, jobs, datetime.now(UTC))
    jobs.close()
    assert builds == [any_admin.workspace_id, other.workspace_id]
    for viewer in (any_admin, other):
        assert names(find(any_store, viewer, "money given back"))[0] == "refunds"
    later = new_workspace(any_store, "Later", "lena@example.com")
    fill(any_store, later, "warehouse", SHOP)
    monkeypatch.setattr(search_index, "WORDS", words.WORDS)
    assert renew(any_store) == 0, "what a newer release wrote is left"
    assert len(builds) == 2, "a new workspace has nothing to renew"


def test_a_new_workspace_is_never_renewed_and_one_without_a_note_is(
    shop: Store, any_admin: Viewer, monkeypatch: Patch
) -> None:
    builds = count_builds(monkeypatch)
    assert renew(shop) == 0 and builds == []
    with shop._context(any_admin.workspace_id) as context:
        context.session.execute(text("DELETE FROM settings WHERE key = 'search.words'"))
    assert renew(shop) == 1 and renew(shop) == 0
    assert builds == [any_admin.workspace_id]


def test_a_sync_renews_where_no_clock_runs(
    any_store: Store, any_admin: Viewer, tmp_path: Path, monkeypatch: Patch
) -> None:
    path = tmp_path / "shop.sqlite3"
    with sqlite3.connect(path) as made:
        made.execute("CREATE TABLE custOrders (id INTEGER PRIMARY KEY, total_amt REAL)")
    made.close()
    shop = add_integration(
        any_store, any_admin, "shop", "sqlite", settings={"url": f"sqlite:///{path}"}, secrets={}
    )
    with monkeypatch.context() as older:
        older.setattr(search_rows, "identifier_words", lambda name: (name,))
        older.setattr(search_rows, "name_words", lambda name: {name})
        assert sync(any_store, any_admin, shop.id).status == "done"
    builds = count_builds(monkeypatch)
    monkeypatch.setattr(search_index, "WORDS", words.WORDS + 1)
    assert names(find(any_store, any_admin, "customer amount")) == []
    for _ in range(2):
        assert sync(any_store, any_admin, shop.id).status == "done"
    assert "custOrders" in names(find(any_store, any_admin, "customer amount"))
    assert builds == [any_admin.workspace_id]


def test_a_failure_leaves_the_index_and_the_next_round_renews_it(
    shop: Store, any_admin: Viewer, monkeypatch: Patch
) -> None:
    before = documents(shop, any_admin)
    monkeypatch.setattr(search_index, "WORDS", words.WORDS + 1)
    with monkeypatch.context() as fault:
        fault.setattr(search_index.Indexing, "take", _fails)
        with pytest.raises(RuntimeError, match="in the middle"):
            renew(shop)
    assert documents(shop, any_admin) == before
    assert renew(shop) == 1 and documents(shop, any_admin) == before


def test_a_workspace_that_cannot_be_renewed_keeps_no_other_from_its_turn(
    two: tuple[Store, Viewer, Viewer], monkeypatch: Patch, caplog: pytest.LogCaptureFixture
) -> None:
    store, mine, other = two
    really, done = search_index.reindex, []

    def fails_in_the_first(session: Any, workspace_id: int) -> int:
        if workspace_id == mine.workspace_id:
            _fails()
        done.append(workspace_id)
        return really(session, workspace_id)

    monkeypatch.setattr(search_index, "reindex", fails_in_the_first)
    monkeypatch.setattr(search_index, "WORDS", words.WORDS + 1)
    with pytest.raises(RuntimeError, match="in the middle"):
        renew(store)
    assert done == [other.workspace_id]
    told = [each for each in caplog.records if each.getMessage() == "the search index was not renewed"]
    assert [(each.__dict__["workspace_id"], each.__dict__["reason"]) for each in told] == [
        (mine.workspace_id, "RuntimeError")
    ]


def _fails(*_: Any) -> None:
    raise RuntimeError("in the middle")


class Held:
    """Somebody who renews, and waits with all documents written and nothing committed."""

    def __init__(self, store: Store, monkeypatch: Patch) -> None:
        self.there, self.go = threading.Event(), threading.Event()
        self.builds: list[int] = []
        self.said: list[int] = []
        really = search_index.reindex

        def held(session: Any, workspace_id: int) -> int:
            done = really(session, workspace_id)
            self.builds.append(workspace_id)
            self.there.set()
            assert self.go.wait(20)
            return done

        monkeypatch.setattr(search_index, "reindex", held)
        monkeypatch.setattr(search_index, "WORDS", words.WORDS + 1)
        self.thread = _started(lambda: self.said.append(renew(store)))
        assert self.there.wait(20)

    def end(self, *others: threading.Thread) -> None:
        self.go.set()
        for thread in (self.thread, *others):
            thread.join(20)
            assert not thread.is_alive()


def _started(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_one_of_several_renews(shop: Store, any_admin: Viewer, monkeypatch: Patch) -> None:
    held = Held(shop, monkeypatch)
    beside = Store(shop.config)
    second = _started(lambda: held.said.append(renew(beside)))
    if shop.dialect == "postgresql":
        second.join(20)
        assert held.said == [0], "it goes on with its other work"
    held.end(second)
    beside.close()
    assert sorted(held.said) == [0, 1] and held.builds == [any_admin.workspace_id]


def test_searches_go_on_meanwhile_and_an_edit_is_not_lost(
    shop: Store, any_admin: Viewer, monkeypatch: Patch
) -> None:
    payroll = next(hit.resource.id for hit in find(shop, any_admin, "payroll runs").hits)
    held = Held(shop, monkeypatch)
    ended = threading.Event()

    def edit() -> None:
        with shop.as_viewer(any_admin) as mine:
            mine.edits.set_property(payroll, "description", "Remuneration by month.")
        ended.set()

    editor = _started(edit)
    assert names(find(shop, any_admin, "payroll runs"))[0] == "PAYROLLRUNS"
    assert not ended.wait(0.2), "whoever writes documents waits for those of all"
    held.end(editor)
    assert ended.is_set() and held.said == [1]
    assert names(find(shop, any_admin, "remuneration")) == ["PAYROLLRUNS"]
    found = documents(shop, any_admin)
    assert build_anew(shop, any_admin) == assets(found) and documents(shop, any_admin) == found


def test_an_edit_under_way_is_not_lost_either(shop: Store, any_admin: Viewer, monkeypatch: Patch) -> None:
    payroll = next(hit.resource.id for hit in find(shop, any_admin, "payroll runs").hits)
    monkeypatch.setattr(search_index, "WORDS", words.WORDS + 1)
    said: list[int] = []
    with shop.as_viewer(any_admin) as mine:
        mine.edits.set_property(payroll, "description", "Remuneration by month.")
        clock = _started(lambda: said.append(renew(shop)))
        if shop.dialect == "postgresql":
            clock.join(20)
            assert said == [0], "it does not wait: the next round does it"
    clock.join(20)
    said.append(renew(shop))
    assert sorted(said) == [0, 1]
    assert names(find(shop, any_admin, "remuneration")) == ["PAYROLLRUNS"]


# --- the number itself --------------------------------------------------------------------------------------------

SAID = "The customers' orders, shipped by days; Müller's 2023-01-18 running totals (in EUR) of studies and addresses."
MADE = {1: "b54eb1bb2f77fdc8", 2: "baaa9ce19f4d0fc2"}
"""For each way of making words the mark of what it makes of a sample. A new number is a new line here. The sample of 1
had no `no_show`."""


def test_whoever_makes_words_another_way_counts_it_up() -> None:
    told = "the sample's words are no longer those of before: count WORDS in plugin/catalog/words.py up"
    assert MADE.get(words.WORDS) == _mark(), told


def _mark() -> str:
    known = sorted(KNOWN | words.STOP | words.ASKING | set(words.ABBREVIATIONS))
    columns = [
        *known,
        *map("".join, zip(known, known[7:], strict=False)),
        "custOrderID",
        "hg19_chr2",
        "naïveName",
        "no_show",
    ]
    facts: dict[str, Any] = {
        "workspace_id": 1, "integration_id": 1, "zone_id": 1, "parent_id": 9, "description": SAID, "columns": columns,
        "notes": [SAID, " ".join(known), SAID * 9],
    }  # fmt: skip
    apart = search_rows.ColumnFacts(7, "ship_addrID", SAID, ["Personal data"])
    assets = [
        search_rows.AssetFacts(id=1, kind="table", name="ga_sessions_20240131", **facts),
        search_rows.AssetFacts(id=2, kind="view", name="INVOICELINESv2", columns_apart=[apart], **facts),
        search_rows.AssetFacts(id=3, kind="term", name="Net 30", body=SAID, synonyms=["net-thirty"], **facts),
    ]
    made = [str((name, words.typed_words(name), parts_of(name))) for name in columns]
    for asset, family in ((assets[0], None), (assets[0], 5), (assets[1], None), (assets[2], None)):
        for each in search_rows.documents(asset, family):
            counted = each.group_key, each.shape, each.name_words, each.text_words, each.notes_words
            made.append(f"{sorted(each.words.split())} {counted}")
    return sha256("\n".join(made).encode()).hexdigest()[:16]


def test_of_long_documents_only_what_is_indexed_is_read(store: Store, admin: Viewer) -> None:
    """Many assets are read as one text, which SQLite lets be so long and no longer."""
    with store.as_viewer(admin) as mine:
        for number in range(30):
            mine.edits.create_document(f"Handbook {number}", "revenue " * 6000)
    with store._context(admin.workspace_id) as context:
        raw: Any = context.session.connection().connection.driver_connection
        longest = raw.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 1_000_000)
        try:
            assert search_index.reindex(context.session, admin.workspace_id) == 30
        finally:
            raw.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, longest)
