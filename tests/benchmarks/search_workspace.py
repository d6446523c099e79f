"""A large workspace to search in: its words, its warehouse, its teams, and three-word searches for it.

Enters: a number of resources, and optionally real names (lines of JSON with `table`, `description` and `columns`, as
in an evaluation catalog). Leaves: a store filled through the product's own sync, with an admin and a member who sees 6 %.
Names are never drawn evenly: a few words are everywhere, most are seldom, and the words of a table belong together.
"""

from __future__ import annotations

import gzip
import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from connectors.records import Column, Database, Lineage, Ref, Schema, Table
from plugin.access.viewer import Role, Surface, Viewer
from plugin.catalog.sync.reader import Reader
from plugin.catalog.words import STOP, pieces
from plugin.errors import NotFound
from plugin.store import Store
from plugin.store.staging import Stage

TEAMS = 50
DATABASES = 4
SCHEMAS = 400
VISIBLE = 0.06
NEIGHBOURS = 5000
HUB = "hub_of_everything"
PASSWORD = "correct horse battery"
SYLLABLES = (
    "ba ce di fo gu ka le mi no pu ra se ti vo zu bra cle dri flo gru sta tre pri mon val ter lin cor".split()
)
SUFFIXES = "id name date status amount type code count total rate value flag note created updated source target".split()
LONGEST_NOTE = 200


@dataclass(frozen=True, slots=True)
class Model:
    """A table that others are made like: its name, its description, and its columns as (name, type, description)."""

    name: str
    description: str | None
    columns: tuple[tuple[str, str, str | None], ...]


def real_models(path: Path) -> list[Model]:
    """Tables of an evaluation catalog, one for each name without its numbers."""
    found: dict[str, Model] = {}
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
        for line in lines:
            table = json.loads(line)
            name = "_".join(pieces(table["table"]))
            if name and table["columns"] and name not in found:
                columns = tuple(
                    (str(each["name"])[:100], each.get("type") or "text", (each.get("description") or "")[:LONGEST_NOTE] or None)
                    for each in table["columns"]
                )  # fmt: skip
                found[name] = Model(name, (table.get("description") or "")[:500] or None, columns)
    return list(found.values())


def made_models(count: int = 2000) -> list[Model]:
    """The same where no real names are at hand: words that nobody has seen, a few of them frequent."""
    rng = random.Random(5)
    words: dict[str, None] = {}
    while len(words) < 2000:
        words["".join(rng.choices(SYLLABLES, k=rng.choice((2, 3)))) + rng.choice("kmnrt")] = None
    stems, seldom = list(words), list(accumulate(1 / (at + 10) for at in range(len(words))))

    def some(number: int) -> list[str]:
        return rng.choices(stems, cum_weights=seldom, k=number)

    models = []
    for _ in range(count):
        columns = tuple(
            (f"{word}_{rng.choice(SUFFIXES)}", "text", " ".join(some(8)) if rng.random() < 0.5 else None)
            for word in dict.fromkeys(some(rng.choice((8, 15, 25, 40))))
        )
        models.append(Model("_".join(some(2)), " ".join(some(8)) if rng.random() < 0.3 else None, columns))
    return models


def records(
    models: list[Model], resources: int, columns: int, seed: int = 7
) -> Iterator[Database | Schema | Table | Lineage]:
    """A warehouse of about this many resources, tables of about `columns` columns; one table feeds thousands.

    Schema by schema, as sources list their tables: what is in a schema lies together, for us and for the bare index.
    """
    rng = random.Random(seed)
    names = Counter(word for model in models for word in pieces(model.name) if not word.isdigit())
    words, often = list(names), list(accumulate(names.values()))
    for number in range(DATABASES):
        yield Database(f"lake_{number}")
    places = [(f"lake_{at % DATABASES}", f"{words[at % len(words)]}_{at}") for at in range(SCHEMAS)]
    for database, schema in places:
        yield Schema(database, schema)
    made, taken = DATABASES + SCHEMAS, set()
    hub = places[0]
    yield Table(*hub, HUB, columns=(Column("id", 1, "bigint"),))
    feeds = 0
    while made < resources:
        model = rng.choice(models)
        database, schema = places[min(len(places) - 1, made * len(places) // resources)]
        name = "_".join([*rng.choices(words, cum_weights=often, k=rng.choice((0, 1, 1, 2))), model.name])[
            :120
        ]
        if (schema, name) in taken:
            name = f"{name}_v{made}"
        taken.add((schema, name))
        wanted = max(1, round(rng.gauss(columns, columns / 3)))
        start = rng.randrange(max(1, len(model.columns) - wanted))
        own = list(model.columns[start : start + wanted])
        while len(own) < wanted:
            own += rng.choice(models).columns[: wanted - len(own)]
        seen: dict[str, Column] = {}
        for column, native, note in own:
            seen.setdefault(column.lower(), Column(column, len(seen) + 1, native, True, None, note))
        yield Table(
            database, schema, name, columns=tuple(seen.values()),
            description=model.description if rng.random() < 0.5 else None,
        )  # fmt: skip
        made += 1 + len(seen)
        if feeds < NEIGHBOURS:
            feeds += 1
            yield Lineage(
                Ref(database=hub[0], schema=hub[1], table=HUB),
                Ref(database=database, schema=schema, table=name),
                "benchmark",
            )


def fill(store: Store, models: list[Model], resources: int, columns: int) -> None:
    """Make the workspace with its teams, each with 6 % of the schemas, and a member of the last one."""
    with store.sign_in() as door:
        made = door.create_workspace("Bench", "admin@example.com", PASSWORD, admin_name="Admin")
    admin, _member = people(store, made.slug, member=False)
    with store.as_admin(admin) as door:
        integration = door.integrations.add("lake", "sqlite", {"path": "none"}, {})
    with store.ingest(admin.workspace_id, integration.id) as ingest:
        known = ingest.known()
    with Stage(known) as stage:
        reader = Reader(stage, "sqlite")
        for record in records(models, resources, columns):
            reader.take(record)
        with store.ingest(admin.workspace_id, integration.id) as ingest:
            reader.link(ingest.columns_of)
        with store.ingest(admin.workspace_id, integration.id) as ingest:
            ingest.merge(stage, rank=None)
    with store.as_viewer(admin) as mine:
        schemas = list(mine.catalog.browse(kinds=("schema",), limit=1000).items)
        hub = mine.catalog.by_name(HUB)
    rng = random.Random(3)
    with store.as_admin(admin) as door:
        for number in range(TEAMS):
            team = door.people.add_team(f"team {number}", private=True)
            chosen = rng.sample(schemas, round(SCHEMAS * VISIBLE))
            if number == TEAMS - 1 and hub.parent_id not in {place.id for place in chosen}:
                chosen[0] = next(place for place in schemas if place.id == hub.parent_id)
            for place in chosen:
                door.people.grant(team.id, integration.id, place.id)
        member = door.people.add_member("member@example.com", Role.GUEST, "Member", password=PASSWORD)
        door.people.add_to_team(team.id, member.id)


def people(store: Store, slug: str | None = None, *, member: bool = True) -> tuple[Viewer, Viewer | None]:
    """The admin, and the member who sees little."""
    with store.sign_in() as door:
        admin = door.viewer_for_email(slug, "admin@example.com", Surface.PAGE)
        if not member:
            return admin, None
        return admin, door.viewer_for_email(slug, "member@example.com", Surface.PAGE)


def filled(store: Store) -> bool:
    """Is the workspace there from an earlier run?"""
    try:
        people(store)
    except NotFound:
        return False
    return True


def searches(models: list[Model], count: int, seed: int = 11) -> list[str]:
    """Three words each, as people search: words that are everywhere, words of one table, and some of both."""
    rng = random.Random(seed)
    often: Counter[str] = Counter()
    own: list[list[str]] = []
    for model in models:
        texts = [model.name, *(column for column, _type, _note in model.columns[:20])]
        words = {
            word
            for text in texts
            for word in pieces(text)
            if len(word) > 2 and word not in STOP and word.isascii() and word.isalpha()
        }
        often.update(sorted(words))
        if len(words) >= 3:
            own.append(sorted(words))
    frequent = [word for word, _count in often.most_common(40)]
    asked = []
    for at in range(count):
        if at % 3 == 0:
            asked.append(" ".join(rng.sample(frequent, 3)))
        elif at % 3 == 1:
            asked.append(" ".join(rng.sample(rng.choice(own), 3)))
        else:
            asked.append(" ".join([*rng.sample(rng.choice(own), 2), rng.choice(frequent)]))
    return asked
