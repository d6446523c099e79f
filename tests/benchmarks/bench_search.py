"""Search over a large workspace by a member who sees a few per cent of it, beside the same words in bare FTS5.

    python tests/benchmarks/bench_search.py [--resources 1000000] [--postgres postgresql://postgres@127.0.0.1/]

Prints ratios of one run: p95 of a three-word search for the top 20 through the product's own door, against full text
joined with the grants (what one would write first), against the same full text without any filter, and the rate at
which the index is built against a bare FTS5 rebuild.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from itertools import accumulate
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from connectors.records import Column, Database, Schema, Table
from plugin.access.viewer import Role, Surface, Viewer
from plugin.catalog.sync.reader import Reader
from plugin.config import read_config
from plugin.store import Store, migrate, open_store
from plugin.store.search_index import reindex
from plugin.store.staging import Stage

TEAMS = 50
COLUMNS = 19
SCHEMAS = 100
VISIBLE = 0.06
VOCABULARY = 2000
SYLLABLES = (
    "ba ce di fo gu ka le mi no pu ra se ti vo zu bra cle dri flo gru sta tre pri mon val ter lin cor".split()
)


def vocabulary() -> list[str]:
    """Words that nobody has seen, each of two or three syllables, always the same."""
    rng = random.Random(5)
    found: dict[str, None] = {}
    while len(found) < VOCABULARY:
        found["".join(rng.choices(SYLLABLES, k=rng.choice((2, 3)))) + rng.choice("kmnrt")] = None
    return list(found)


STEMS = vocabulary()
SELDOM = list(accumulate(1 / (at + 10) for at in range(VOCABULARY)))
SUFFIXES = "id name date status amount type code count total rate value flag note created updated source target".split()


def words(rng: random.Random, count: int) -> list[str]:
    """Words as names have them: a few are everywhere, most are seldom."""
    return rng.choices(STEMS, cum_weights=SELDOM, k=count)


def records(resources: int, seed: int = 7) -> Iterator[Database | Schema | Table]:
    """A warehouse of about this many resources."""
    rng = random.Random(seed)
    tables = resources // (COLUMNS + 1)
    yield Database("lake")
    for schema in range(SCHEMAS):
        yield Schema("lake", f"area_{schema:03d}")
        for number in range(tables // SCHEMAS):
            name = "_".join([*words(rng, 2), f"t{number}x{schema}"])
            columns = []
            seen: set[str] = set()
            while len(columns) < COLUMNS:
                column = f"{words(rng, 1)[0]}_{rng.choice(SUFFIXES)}"
                if column in seen:
                    column += str(len(seen))
                seen.add(column)
                note = " ".join(words(rng, 8))
                columns.append(Column(column, len(columns) + 1, "text", True, None, note))
            yield Table(
                "lake",
                f"area_{schema:03d}",
                name,
                columns=tuple(columns),
                description=" ".join(words(rng, 8)),
            )


def fill(store: Store, resources: int) -> tuple[Viewer, Viewer]:
    """The workspace with its teams; gives the admin and the member who sees little."""
    with store.sign_in() as door:
        made = door.create_workspace(
            "Bench", "admin@example.com", "correct horse battery", admin_name="Admin"
        )
    with store.sign_in() as door:
        admin = door.viewer_for_email(made.slug, "admin@example.com", Surface.PAGE)
    with store.as_admin(admin) as door:
        integration = door.integrations.add("lake", "sqlite", {"path": "none"}, {})
    with store.ingest(admin.workspace_id, integration.id) as ingest:
        known = ingest.known()
    with Stage(known) as stage:
        reader = Reader(stage, "sqlite")
        for record in records(resources):
            reader.take(record)
        with store.ingest(admin.workspace_id, integration.id) as ingest:
            ingest.merge(stage, rank=None)
    with store.as_viewer(admin) as mine:
        schemas = list(mine.catalog.browse(kinds=("schema",), limit=1000).items)
    rng = random.Random(3)
    with store.as_admin(admin) as door:
        for number in range(TEAMS):
            team = door.people.add_team(f"team {number}", private=True)
            for place in rng.sample(schemas, round(SCHEMAS * VISIBLE)):
                door.people.grant(team.id, integration.id, place.id)
        member = door.people.add_member(
            "member@example.com", Role.GUEST, "Member", password="correct horse battery"
        )
        door.people.add_to_team(team.id, member.id)
    with store.sign_in() as door:
        return admin, door.viewer_for_email(made.slug, "member@example.com", Surface.PAGE)


def p95(times: list[float]) -> float:
    """The 95th percentile in milliseconds."""
    return 1000 * sorted(times)[int(len(times) * 0.95)]


def measure(queries: list[str], ask: Callable[[str], object]) -> tuple[float, float]:
    """Median and 95th percentile of asking each query, after a warm-up."""
    for query in queries[:5]:
        ask(query)
    times = []
    for query in queries:
        began = time.perf_counter()
        ask(query)
        times.append(time.perf_counter() - began)
    return 1000 * statistics.median(times), p95(times)


class BareSqlite:
    """FTS5 over one document per resource, in a file of its own, with the grants as rows beside it."""

    def __init__(self, path: Path, database: Path) -> None:
        self.db = sqlite3.connect(path)
        self.db.execute("ATTACH ? AS d", (f"{database}",))
        self.db.execute("PRAGMA cache_size=-64000")
        self.db.execute("CREATE TABLE docs (id INTEGER PRIMARY KEY, zone INTEGER, body TEXT)")
        self.db.execute(
            "INSERT INTO docs SELECT id, zone_id, replace(qualified_name, '_', ' ') || ' ' || coalesce(description, '')"
            " FROM d.resources"
        )
        self.db.execute(
            "CREATE VIRTUAL TABLE fts USING fts5(body, content='docs', content_rowid='id', tokenize='porter')"
        )
        began = time.perf_counter()
        self.db.execute("INSERT INTO fts (fts) VALUES ('rebuild')")
        self.db.commit()
        self.seconds = time.perf_counter() - began
        self.count = self.db.execute("SELECT count(*) FROM docs").fetchone()[0]

    def any_of(self, query: str) -> str:
        return " OR ".join(query.split())

    def joined(self, query: str, member: int) -> list[tuple[int]]:
        return self.db.execute(
            "SELECT docs.id FROM fts JOIN docs ON docs.id = fts.rowid JOIN d.zone_teams z ON z.zone_id = docs.zone"
            " JOIN d.team_members m ON m.team_id = z.team_id AND m.member_id = ?"
            " WHERE fts MATCH ? ORDER BY rank LIMIT 20",
            (member, query),
        ).fetchall()

    def unfiltered(self, query: str) -> list[tuple[int]]:
        return self.db.execute(
            "SELECT rowid FROM fts WHERE fts MATCH ? ORDER BY rank LIMIT 20", (query,)
        ).fetchall()


class BarePostgres:
    """tsvector over one document per resource, with the grants joined."""

    def __init__(self, url: str) -> None:
        import psycopg

        self.db = psycopg.connect(url, autocommit=True)
        self.db.execute(
            "CREATE TABLE bare AS SELECT id, zone_id AS zone, to_tsvector('english',"
            " replace(replace(qualified_name, '_', ' '), '.', ' ') || ' ' || coalesce(description, '')) AS body"
            " FROM resources"
        )
        self.db.execute("CREATE INDEX ON bare USING gin (body)")
        self.db.execute("CREATE INDEX ON bare (zone)")
        self.db.execute("ANALYZE")

    def any_of(self, query: str) -> str:
        return " or ".join(query.split())

    def joined(self, query: str, member: int) -> list[tuple[int]]:
        return self.db.execute(
            "SELECT b.id FROM bare b JOIN zone_teams z ON z.zone_id = b.zone"
            " JOIN team_members m ON m.team_id = z.team_id AND m.member_id = %s,"
            " websearch_to_tsquery('english', %s) q WHERE b.body @@ q ORDER BY ts_rank(b.body, q) DESC LIMIT 20",
            (member, query),
        ).fetchall()

    def unfiltered(self, query: str) -> list[tuple[int]]:
        return self.db.execute(
            "SELECT id FROM bare, websearch_to_tsquery('english', %s) q WHERE body @@ q"
            " ORDER BY ts_rank(body, q) DESC LIMIT 20",
            (query,),
        ).fetchall()


def run(store: Store, resources: int, bare: Callable[[], BareSqlite | BarePostgres], queries: int) -> None:
    """Fill, measure, print."""
    began = time.perf_counter()
    admin, member = fill(store, resources)
    print(f"  filled in {time.perf_counter() - began:.0f} s", flush=True)
    began = time.perf_counter()
    with store.ingest(admin.workspace_id, 1) as ingest:
        reindex(ingest._context.session, admin.workspace_id)
    seconds = time.perf_counter() - began
    beside = bare()
    if isinstance(beside, BareSqlite):
        rate = beside.seconds / seconds
        print(f"  index: {beside.count / seconds:,.0f} resources/s, {rate:.2f} of a bare FTS5 rebuild's rate")
    rng = random.Random(11)
    asked = [" ".join(rng.sample(STEMS[:12], 3)) for _ in range(queries)]
    found: set[int] = set()

    def ours(query: str) -> None:
        with store.as_viewer(member) as mine:
            found.update(hit.resource.id for hit in mine.catalog.search(query, limit=20).hits)

    def all_of_it(query: str) -> None:
        with store.as_viewer(admin) as mine:
            mine.catalog.search(query, limit=20)

    joined = measure(asked, lambda query: beside.joined(query, member.member_id))
    unfiltered = measure(asked, beside.unfiltered)
    # A search that ranks takes documents with some of the words too; the words of a search box must all be there.
    any_word = [beside.any_of(query) for query in asked]
    joined_any = measure(any_word, lambda query: beside.joined(query, member.member_id))
    unfiltered_any = measure(any_word, beside.unfiltered)
    mine = measure(asked, ours)
    everything = measure(asked, all_of_it)
    with store.as_viewer(member) as door:
        hidden = len(found - set(door.catalog.resources(found)))
    print(f"  hits of the member that they may not see: {hidden} of {len(found)}")
    for name, (median, high) in {
        "every word, joined with grants": joined, "every word, no filter": unfiltered,
        "any word, joined with grants": joined_any, "any word, no filter": unfiltered_any,
        "docent, member": mine, "docent, admin": everything,
    }.items():  # fmt: skip
        print(f"  {name:30} p50 {median:7.1f} ms  p95 {high:7.1f} ms")
    for name, with_grants, without in (("every", joined, unfiltered), ("any", joined_any, unfiltered_any)):
        print(
            f"  p95 beside {name} word: {mine[1] / with_grants[1]:.2f} of joined, {mine[1] / without[1]:.2f} of"
            f" unfiltered; admin {everything[1] / without[1]:.2f} of unfiltered",
            flush=True,
        )


def main() -> None:
    """Run on SQLite, and on PostgreSQL where it is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--resources", type=int, default=200_000)
    parser.add_argument("--queries", type=int, default=60)
    parser.add_argument("--postgres", default="")
    parser.add_argument("--no-sqlite", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if not args.no_sqlite:
            print(f"SQLite, {args.resources:,} resources", flush=True)
            store = open_store(read_config({"DOCENT_HOME": folder}))
            path = Path(folder)
            run(
                store,
                args.resources,
                lambda: BareSqlite(path / "bare.db", path / "docent.sqlite3"),
                args.queries,
            )
            store.close()
        if args.postgres:
            import psycopg

            name = f"docent_bench_{uuid.uuid4().hex[:8]}"
            base = args.postgres.rstrip("/")
            with psycopg.connect(args.postgres, autocommit=True) as server:
                server.execute(f"CREATE DATABASE {name}")
            try:
                print(f"PostgreSQL, {args.resources:,} resources", flush=True)
                url = f"{base}/{name}"
                config = read_config(
                    {
                        "DOCENT_HOME": folder,
                        "DOCENT_DATABASE_URL": url.replace("postgresql://", "postgresql+psycopg://"),
                    }
                )
                migrate(config)
                store = open_store(config)
                run(store, args.resources, lambda: BarePostgres(url), args.queries)
                store.close()
            finally:
                with psycopg.connect(args.postgres, autocommit=True) as server:
                    server.execute(f"DROP DATABASE {name} WITH (FORCE)")


if __name__ == "__main__":
    main()
