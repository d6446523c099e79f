"""A large workspace used by a member who sees 6 % of it: search beside bare full text, lists, pages, grants.

    python tests/benchmarks/bench_search.py [--resources 1000000] [--columns 19] [--names catalog.jsonl.gz]
        [--folder DIR] [--postgres postgresql://postgres@127.0.0.1/] [--processor-time]

Prints ratios of one run: p95 of three-word searches for the top 20 through the product's own door, beside full text
joined with the grants (what one would write first) and beside the same full text without any filter, both for documents
with every word and for those with any word, which a search that ranks takes as well. Each of the queries is asked of all
in turn, so that a busy machine is as busy for each. Then how fast the index is built beside a bare FTS5 rebuild, and what
else a large workspace must do well. With `--folder` the workspace is kept there and used again.
"""

from __future__ import annotations

import argparse
import gc
import sqlite3
import statistics
import sys
import tempfile
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from sqlalchemy import Engine, event

from plugin.access.viewer import Viewer
from plugin.config import read_config
from plugin.store import Store, migrate, open_store
from plugin.store.search_index import reindex
from tests.benchmarks.search_workspace import (
    HUB,
    Model,
    fill,
    filled,
    made_models,
    people,
    real_models,
    searches,
)

DOCUMENT = "replace(replace(qualified_name, '_', ' '), '.', ' ') || ' ' || coalesce(description, '')"


class BareSqlite:
    """FTS5 over one document per resource, in a file of its own, with the grants as rows beside it."""

    def __init__(self, path: Path, database: Path) -> None:
        self.db = sqlite3.connect(path)
        self.db.execute("ATTACH ? AS d", (f"{database}",))
        self.db.execute("PRAGMA cache_size=-64000")
        self.db.execute("CREATE TABLE docs (id INTEGER PRIMARY KEY, zone INTEGER, body TEXT)")
        self.db.execute(f"INSERT INTO docs SELECT id, zone_id, {DOCUMENT} FROM d.resources")
        self.db.execute(
            "CREATE VIRTUAL TABLE fts USING fts5(body, content='docs', content_rowid='id', tokenize='porter')"
        )
        self.count = self.db.execute("SELECT count(*) FROM docs").fetchone()[0]

    def rebuild(self) -> None:
        self.db.execute("INSERT INTO fts (fts) VALUES ('rebuild')")
        self.db.commit()

    def any_of(self, query: str) -> str:
        return " OR ".join(query.split())

    def joined(self, query: str, member: int) -> list[tuple[int]]:
        return self.db.execute(
            "SELECT docs.id FROM fts JOIN docs ON docs.id = fts.rowid JOIN d.zone_teams z ON z.zone_id = docs.zone"
            " JOIN d.team_members m ON m.team_id = z.team_id AND m.member_id = ?"
            " WHERE fts MATCH ? ORDER BY rank LIMIT 20",
            (member, query),
        ).fetchall()

    joined_by_words = joined
    """FTS5 has no other way."""

    def unfiltered(self, query: str) -> list[tuple[int]]:
        return self.db.execute(
            "SELECT rowid FROM fts WHERE fts MATCH ? ORDER BY rank LIMIT 20", (query,)
        ).fetchall()


class BarePostgres:
    """tsvector over one document per resource, with the grants joined."""

    def __init__(self, url: str) -> None:
        import psycopg

        self.db = psycopg.connect(url, autocommit=True)
        CLOCK.watch(self.db)
        if CLOCK.processor:
            # Workers that come and go with a query are not watched.
            self.db.execute("SET max_parallel_workers_per_gather = 0")
        if self.db.execute("SELECT to_regclass('bare') IS NULL").fetchone() == (True,):
            self.db.execute(
                f"CREATE TABLE bare AS SELECT id, zone_id AS zone, to_tsvector('english', {DOCUMENT}) AS body FROM resources"
            )
            self.db.execute("CREATE INDEX ON bare USING gin (body)")
            self.db.execute("CREATE INDEX ON bare (zone)")
            self.db.execute("VACUUM ANALYZE")

    def any_of(self, query: str) -> str:
        return " or ".join(query.split())

    def joined(self, query: str, member: int, zone: str = "b.zone") -> list[tuple[int]]:
        return self.db.execute(
            f"SELECT b.id FROM bare b JOIN zone_teams z ON z.zone_id = {zone}"
            " JOIN team_members m ON m.team_id = z.team_id AND m.member_id = %s,"
            " websearch_to_tsquery('english', %s) q WHERE b.body @@ q ORDER BY ts_rank(b.body, q) DESC LIMIT 20",
            (member, query),
        ).fetchall()

    def joined_by_words(self, query: str, member: int) -> list[tuple[int]]:
        """The same found by its words: with an index on the zone the planner reads all that the member may see instead."""
        return self.joined(query, member, "b.zone + 0")

    def unfiltered(self, query: str) -> list[tuple[int]]:
        return self.db.execute(
            "SELECT id FROM bare, websearch_to_tsquery('english', %s) q WHERE body @@ q"
            " ORDER BY ts_rank(body, q) DESC LIMIT 20",
            (query,),
        ).fetchall()


class Clock:
    """Time by the wall; or, for a machine that is busy with other work, processor time: ours and the database's."""

    def __init__(self) -> None:
        self.processor = False
        self.backends: list[Path] = []

    def watch(self, connection: Any) -> None:
        """Count a PostgreSQL backend on this machine too."""
        if self.processor:
            (pid,) = connection.execute("SELECT pg_backend_pid()").fetchone()
            self.backends.append(Path(f"/proc/{pid}/schedstat"))

    def now(self) -> float:
        """Seconds."""
        if not self.processor:
            return time.perf_counter()
        return time.process_time() + sum(int(each.read_text().split()[0]) for each in self.backends) / 1e9


CLOCK = Clock()


def measured(do: Callable[[], object]) -> float:
    """Milliseconds that something takes."""
    began = CLOCK.now()
    do()
    return 1000 * (CLOCK.now() - began)


def p95(times: Sequence[float]) -> float:
    """The 95th percentile."""
    return sorted(times)[min(len(times) - 1, int(len(times) * 0.95))]


def told(name: str, times: Sequence[float]) -> None:
    """Print one line."""
    print(f"  {name:44} p50 {statistics.median(times):8.1f} ms  p95 {p95(times):8.1f} ms", flush=True)


def compare(store: Store, bare: BareSqlite | BarePostgres, asked: Sequence[str]) -> None:
    """Every query to every way of searching, in turn."""
    admin, member = people(store)
    found: set[int] = set()
    statements = [0]

    def ours(who: Viewer, query: str, **more: Any) -> None:
        with store.as_viewer(who) as mine:
            hits = mine.catalog.search(query, limit=20, **more).hits
        if who is member:
            found.update(hit.resource.id for hit in hits)

    ways: dict[str, Callable[[str], object]] = {
        "every word, joined with the grants": lambda query: bare.joined(query, member.member_id),
        "every word, no filter": bare.unfiltered,
        "any word, joined with the grants": lambda query: bare.joined(bare.any_of(query), member.member_id),
        "any word, joined, found by the words": lambda query: bare.joined_by_words(bare.any_of(query), member.member_id),
        "any word, no filter": lambda query: bare.unfiltered(bare.any_of(query)),
        "docent, member": lambda query: ours(member, query),
        "docent, member, first page with facets": lambda query: ours(member, query, facets=True),
        "docent, member, tables not verified": lambda query: ours(member, query, kinds=("table",), verified=False),
        "docent, admin": lambda query: ours(admin, query),
    }  # fmt: skip
    times: dict[str, list[float]] = defaultdict(list)
    for query in asked[:6]:
        for ask in ways.values():
            ask(query)
    gc.collect()
    gc.freeze()
    for query in asked:
        for name, ask in ways.items():
            times[name].append(measured(lambda ask=ask, query=query: ask(query)))
    for name, each in times.items():
        told(name, each)
    mine, everything = p95(times["docent, member"]), p95(times["docent, admin"])
    for word in ("any", "every"):
        joined, free = (p95(times[f"{word} word, {how}"]) for how in ("joined with the grants", "no filter"))
        print(
            f"  p95 beside {word} word: member {mine / joined:.3f} of joined, {mine / free:.3f} of unfiltered;"
            f" admin {everything / free:.3f} of unfiltered",
            flush=True,
        )

    by_words = p95(times["any word, joined, found by the words"])
    print(f"  p95 beside any word found by the words, then joined: member {mine / by_words:.3f}", flush=True)

    def count(*_given: object) -> None:
        statements[0] += 1

    def counted(connection: Any, *_given: object) -> None:
        plain = type(connection.cursor())

        def cursor(*given: Any, **more: Any) -> Any:
            count()
            return plain(*given, **more)

        connection.cursor_factory = cursor

    # On PostgreSQL a search asks the driver itself, with a cursor for each statement.
    target, moment, note = (
        (store._engine, "checkout", counted)
        if isinstance(bare, BarePostgres)
        else (Engine, "before_cursor_execute", count)
    )
    event.listen(target, moment, note)
    for query in asked:
        ours(member, query)
    event.remove(target, moment, note)
    with store.as_viewer(member) as door:
        hidden = len(found - set(door.catalog.resources(found)))
    print(
        f"  statements a search: {statements[0] / len(asked):.1f}; hits that the member may not see: {hidden} of {len(found)}"
    )


def use(store: Store, times: int) -> None:
    """What else is done in a large workspace, by the member, and a grant by an admin."""
    admin, member = people(store)
    with store.as_viewer(member) as mine:
        schemas = [each.id for each in mine.catalog.browse(kinds=("schema",), limit=1000).items]
        tables = [each.id for each in mine.catalog.browse(kinds=("table",), limit=1000).items]
        hub = mine.catalog.by_name(HUB).id
    with store.as_viewer(admin) as mine:
        other = next(
            each
            for each in mine.catalog.browse(kinds=("schema",), limit=1000).items
            if each.id not in schemas
        )
        single = mine.catalog.children(other.id, limit=1).items[0]
    with store.as_admin(admin) as door:
        team = next(each for each in door.people.teams() if each.name == "team 0")

    def page(at: int) -> None:
        with store.as_viewer(member) as mine:
            table = tables[at * 7 % len(tables)]
            mine.catalog.resource(table)
            mine.catalog.columns(table)
            mine.catalog.keys(table)
            mine.catalog.indexes(table)
            mine.catalog.activity(table)
            mine.catalog.lineage(table)

    def read(do: Callable[[Any, int], object], who: Viewer = member) -> Callable[[int], None]:
        def run(at: int) -> None:
            with store.as_viewer(who) as mine:
                do(mine.catalog, at)

        return run

    def grant(place: int) -> Callable[[int], None]:
        def run(at: int) -> None:
            with store.as_admin(admin) as door:
                (door.people.revoke if at % 2 else door.people.grant)(team.id, single.integration_id, place)

        return run

    done: dict[str, Callable[[int], None]] = {
        "tree: roots": read(lambda catalog, at: catalog.children(None)),
        "tree: tables of a schema": read(lambda catalog, at: catalog.children(schemas[at % len(schemas)])),
        "browse: first page by name": read(lambda catalog, at: catalog.browse(limit=50)),
        "browse: first page by popularity, admin": read(lambda catalog, at: catalog.browse(sort="popularity", limit=50), admin),
        "counts by kind": read(lambda catalog, at: catalog.counts()),
        "counts by schema": read(lambda catalog, at: catalog.counts(by="schema")),
        "page of a table": page,
        "lineage of a hub with 5,000 neighbours, member": read(lambda catalog, at: catalog.lineage(hub)),
        "lineage of a hub with 5,000 neighbours, admin": read(lambda catalog, at: catalog.lineage(hub), admin),
        "suggest by prefix": read(lambda catalog, at: catalog.suggest(("cust", "dai", "pop", "ord")[at % 4])),
        "grant and revoke: a schema": grant(other.id),
        "grant and revoke: one table": grant(single.id),
    }  # fmt: skip
    for name, do in done.items():
        do(0)
        do(1)
        told(name, [measured(lambda do=do, at=at: do(at)) for at in range(times)])


def run(
    store: Store, models: list[Model], args: argparse.Namespace, bare: Callable[[], BareSqlite | BarePostgres]
) -> None:
    """Fill, build, compare, use."""
    if not filled(store):
        began = time.perf_counter()
        fill(store, models, args.resources, args.columns)
        print(f"  filled by a first sync in {time.perf_counter() - began:.0f} s", flush=True)
    admin, _member = people(store)
    beside = bare()
    if isinstance(beside, BarePostgres):
        with store.as_viewer(admin) as mine:
            CLOCK.watch(mine.catalog._context.session.connection().connection.driver_connection)
    if isinstance(beside, BareSqlite):
        rebuilt = min(measured(beside.rebuild) for _ in range(2)) / 1000
        began = CLOCK.now()
        with store.ingest(admin.workspace_id, 1) as ingest:
            reindex(ingest._context.session, admin.workspace_id)
        seconds = CLOCK.now() - began
        print(
            f"  index: {beside.count / seconds:,.0f} resources/s, a bare FTS5 rebuild {beside.count / rebuilt:,.0f}:"
            f" {rebuilt / seconds:.2f} of its rate"
        )
    compare(store, beside, searches(models, args.queries))
    use(store, min(40, args.queries))


def main() -> None:
    """Run on SQLite, and on PostgreSQL where it is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--resources", type=int, default=1_000_000)
    parser.add_argument("--columns", type=int, default=19)
    parser.add_argument("--queries", type=int, default=60)
    parser.add_argument("--names", type=Path, help="lines of JSON with real tables to make others like")
    parser.add_argument("--folder", type=Path, help="where the workspace is kept and found again")
    parser.add_argument("--postgres", default="")
    parser.add_argument("--no-sqlite", action="store_true")
    parser.add_argument(
        "--processor-time", action="store_true", help="for a machine that is busy with other work"
    )
    args = parser.parse_args()
    CLOCK.processor = args.processor_time
    models = real_models(args.names) if args.names else made_models()
    with tempfile.TemporaryDirectory() as scratch:
        home = args.folder or Path(scratch)
        home.mkdir(parents=True, exist_ok=True)
        if not args.no_sqlite:
            print(f"SQLite, {args.resources:,} resources", flush=True)
            store = open_store(read_config({"DOCENT_HOME": f"{home}"}))
            run(store, models, args, lambda: BareSqlite(Path(scratch) / "bare.db", home / "docent.sqlite3"))
            store.close()
        if args.postgres:
            on_postgres(models, args, home)


def on_postgres(models: list[Model], args: argparse.Namespace, home: Path) -> None:
    """The same in a database of its own, kept where the folder is kept."""
    import psycopg

    name = f"docent_search_{home.name if args.folder else uuid.uuid4().hex[:8]}"
    with psycopg.connect(args.postgres, autocommit=True) as server:
        if server.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone() is None:
            server.execute(f'CREATE DATABASE "{name}"')
    try:
        print(f"PostgreSQL, {args.resources:,} resources", flush=True)
        url = f"{args.postgres.rstrip('/')}/{name}"
        driver = url.replace("postgresql://", "postgresql+psycopg://")
        config = read_config({"DOCENT_HOME": f"{home}", "DOCENT_DATABASE_URL": driver})
        migrate(config)
        store = open_store(config)
        run(store, models, args, lambda: BarePostgres(url))
        store.close()
    finally:
        if not args.folder:
            with psycopg.connect(args.postgres, autocommit=True) as server:
                server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


if __name__ == "__main__":
    main()
