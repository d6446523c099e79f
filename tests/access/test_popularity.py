"""Popularity after grants that come and go is what a sync counts that reads everything anew, whatever came before."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from connectors.records import Schema
from plugin.catalog.sync import sync
from tests.access import twins
from tests.access.twins import Side, make

STEPS, EACH = 30, 6


@pytest.mark.parametrize("seed", [8])
def test_a_grant_counts_as_much_as_a_sync(seed: int, sqlite_template: Path, tmp_path: Path) -> None:
    luck = random.Random(seed)
    made = make(seed, sqlite_template, tmp_path)
    side, plan = made.rich, made.plan
    try:
        count_anew(side, plan, 0)
        with side.store.as_admin(side.admin) as door:
            names = ("Readers", "one more", "and another")
            for name in names[1:]:
                door.people.add_team(name)
            teams = [each.id for each in door.people.teams() if each.name in names]
        # Containers and tables: what a grant can be made on.
        places: list[int | None] = [
            None,
            *sorted(id_ for name, id_ in side.ids.items() if name.count(".") in (1, 2)),
        ]
        seen: set[tuple[float, ...]] = set()
        given: list[tuple[int, int, int | None]] = []
        for step in range(1, STEPS + 1):
            with side.store.as_admin(side.admin) as door:
                if given and luck.random() < 0.4:
                    door.people.revoke(*given.pop(luck.randrange(len(given))))
                else:
                    place = luck.choice(places)
                    name = next(
                        (name for name, id_ in side.ids.items() if id_ == place), luck.choice(twins.SOURCES)
                    )
                    given.append((luck.choice(teams), side.integrations[name.partition(".")[0]], place))
                    door.people.grant(*given[-1])
            granted = scores(side)
            seen.add(tuple(granted.values()))
            if step % EACH == 0:
                count_anew(side, plan, step)
                assert granted == scores(side), (step, given)
        assert len(seen) > 2, "the grants of this seed change nothing"
    finally:
        made.close()


def scores(side: Side) -> dict[str, float]:
    """Popularity by name, as an admin reads it."""
    with side.store.as_viewer(side.admin) as mine:
        return {
            f"{each.integration}.{each.qualified_name}": each.popularity
            for each in mine.catalog.browse(limit=1000).items
        }


def count_anew(side: Side, plan: twins.Plan, number: int) -> None:
    """Sync all sources, with something changed in each so that its tables are counted again."""
    for name, id_ in side.integrations.items():
        marker = Schema(None, "marker", f"changed {number} times")
        twins.RECORDS[name] = [*plan.shown[name], *plan.hidden[name], marker]
        twins.QUERIES[name] = [*plan.log[name], *plan.hidden_log[name]]
        assert sync(side.store, side.admin, id_, full=True).status == "done"
