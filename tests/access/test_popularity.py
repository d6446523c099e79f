"""Popularity after grants that come and go is what a sync counts that reads everything anew, whatever came before."""

from __future__ import annotations

import random
import threading
from pathlib import Path
from typing import Any

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


def test_a_grant_during_a_sync_counts_too(
    postgres_template: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A grant that ranks while a sync takes readers away would write what they made of it: PostgreSQL shows neither what
    the other has not committed, and a row that both write keeps what comes last.
    """
    from plugin.store import _merge_links

    made = make(8, postgres_template, tmp_path)
    side, plan = made.rich, made.plan
    try:
        count_anew(side, plan, 0)
        with side.store.as_admin(side.admin) as door:
            team = door.people.add_team("one more").id
        place = next(each for each in schemas_of(side) if changes_scores(side, team, each))
        true_count, counted, granted = _merge_links.signals, threading.Event(), threading.Event()

        def count_and_wait(*given: Any) -> Any:
            found = true_count(*given)
            counted.set()
            # Long enough for a grant that nothing holds back; with the lock it comes when this sync is done.
            granted.wait(2)
            return found

        def grant() -> None:
            assert counted.wait(60)
            with side.store.as_admin(side.admin) as door:
                door.people.grant(team, *place)
            granted.set()

        monkeypatch.setattr(_merge_links, "signals", count_and_wait)
        beside = threading.Thread(target=grant)
        beside.start()
        count_anew(side, plan, 1, views=False)
        beside.join(60)
        assert granted.is_set()
        monkeypatch.setattr(_merge_links, "signals", true_count)
        together = scores(side)
        count_anew(side, plan, 2, views=False)
        assert together == scores(side)
    finally:
        made.close()


def schemas_of(side: Side) -> list[tuple[int, int]]:
    """(integration, schema): what a grant can be made on."""
    return [
        (side.integrations[name.partition(".")[0]], id_)
        for name, id_ in sorted(side.ids.items())
        if name.count(".") == 1
    ]


def changes_scores(side: Side, team: int, place: tuple[int, int]) -> bool:
    """Would this grant change a score? It is taken back."""
    before = scores(side)
    with side.store.as_admin(side.admin) as door:
        door.people.grant(team, *place)
    after = scores(side)
    with side.store.as_admin(side.admin) as door:
        door.people.revoke(team, *place)
    return before != after


def scores(side: Side) -> dict[str, float]:
    """Popularity by name, as an admin reads it."""
    with side.store.as_viewer(side.admin) as mine:
        return {
            f"{each.integration}.{each.qualified_name}": each.popularity
            for each in mine.catalog.browse(limit=1000).items
        }


def count_anew(side: Side, plan: twins.Plan, number: int, *, views: bool = True) -> None:
    """Sync all sources, with something changed in each so that its tables are counted again."""
    for name, id_ in side.integrations.items():
        marker = Schema(None, "marker", f"changed {number} times")
        all_of_it = [*plan.shown[name], *plan.hidden[name], marker]
        twins.RECORDS[name] = [each for each in all_of_it if views or getattr(each, "kind", "") != "view"]
        twins.QUERIES[name] = [*plan.log[name], *plan.hidden_log[name]]
        assert sync(side.store, side.admin, id_, full=True).status == "done"
