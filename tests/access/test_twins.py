"""Twins, of more seeds by `python -m tests.access.twin_faces`: what somebody may not see changes no byte and no statement of any face that they are shown."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator

import pytest

from plugin.errors import NotFound
from tests.access import twin_faces
from tests.access.twin_more_faces import MORE_FACES
from tests.access.twins import Twins, make

SEEDS = (11,)
REPEATS = 60
SLOWER = 1.35
"""How much the medians of a hidden and an absent name may be apart, measured by turns."""
ROUNDS = 5
"""What tells the two apart does so in every round; a machine that stalls does not."""


@pytest.fixture(
    scope="module", params=[(seed, on) for on in ("sqlite", "postgres") for seed in SEEDS], ids=str
)
def twins(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twins]:
    seed, on = request.param
    template = request.getfixturevalue(f"{on}_template")
    made = make(seed, template, tmp_path_factory.mktemp("twins"))
    yield made
    made.close()


@pytest.mark.parametrize("faces", (*twin_faces.FACES, *MORE_FACES), ids=lambda faces: faces.__name__)
def test_twins_look_alike(twins: Twins, faces: twin_faces.Faces) -> None:
    found = [
        f"{name}\n--- rich\n{rich[:3000]}\n--- poor\n{poor[:3000]}"
        for name, rich, poor in twin_faces.differences(twins, 5, (faces,))
    ]
    assert not found, "\n\n".join(found[:3])


def test_the_admin_does_see_a_difference(twins: Twins) -> None:
    """The comparison can fail: for whoever sees everything the two are not alike."""
    for side in (twins.rich, twins.poor):
        side.reader, side.kept = side.admin, side.reader
    try:
        assert next(twin_faces.differences(twins, 5, (twin_faces.tools,)), None) is not None
    finally:
        for side in (twins.rich, twins.poor):
            side.reader = side.kept or side.reader


def test_a_hidden_name_takes_as_long_as_an_absent_one(twins: Twins) -> None:
    """Ids and names, hidden on one side and absent on the other, by turns; medians, within a stated bound."""
    known = {id_ for _name, id_ in twins.shown}
    hidden_name, hidden = next(
        (name.partition(".")[2], id_)
        for name, id_ in sorted(twins.rich.ids.items())
        if id_ not in known and name.split(".")[1] in ("vault", "hr") and name.count(".") == 2
    )
    ratios: list[float] = []
    while not ratios or not 1 / SLOWER < ratios[-1] < SLOWER:
        assert len(ratios) < ROUNDS, ratios
        ratios.append(slower(twins, hidden, hidden_name))


def slower(twins: Twins, hidden: int, hidden_name: str) -> float:
    """How many times as long the side takes that has it, hidden, as the side that has it not."""
    took: dict[str, list[float]] = {"rich": [], "poor": []}
    for _ in range(REPEATS):
        for which, side in (("rich", twins.rich), ("poor", twins.poor)):
            with side.store.as_viewer(side.reader) as mine:
                began = time.perf_counter()
                for act in (
                    lambda mine=mine: mine.catalog.resource(hidden),
                    lambda mine=mine: mine.catalog.by_name(hidden_name),
                ):
                    with pytest.raises(NotFound):
                        act()
                mine.catalog.search(hidden_name.rpartition(".")[2])
                took[which].append(time.perf_counter() - began)
    return statistics.median(took["rich"]) / statistics.median(took["poor"])
