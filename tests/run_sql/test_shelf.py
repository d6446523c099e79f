"""Results that several processes share: read by each, sealed on the disk, gone for all at once, no leftovers."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from plugin.access.viewer import Role, Surface, Viewer
from plugin.errors import LimitReached, Misconfigured, NotFound
from plugin.run_sql import hold
from plugin.run_sql.download import as_csv
from plugin.run_sql.results import Column, Owner, Result, Results
from plugin.run_sql.run import run
from plugin.run_sql.shelf import Shelf, _derived, _name
from plugin.store import Store
from tests.asynchronous import until
from tests.run_sql.test_taken_away import WAYS, bob, shop

assert shop and bob  # the fixtures

KEY = bytes(range(32))
MINE = Owner(1, 1, "session-a.secret-of-a")
COLUMNS = [Column("n", "int"), Column("CANARY_column", "text")]


def of(folder: Path, **options: float) -> Results:
    return Results(shelf=Shelf(folder, KEY), **options)  # type: ignore[arg-type]


def filled(results: Results, owner: Owner = MINE, rows: int = 5_000) -> Result:
    result = results.start(owner, COLUMNS, {"integration": 7, "tables": ("CATALOG.t",), "viewer": None})
    results.add(result, [(n, f"CANARY-{n}") for n in range(rows)])
    results.finish(result, truncated="rows")
    return result


def raw(folder: Path) -> bytes:
    return b"".join(each.read_bytes() for each in folder.iterdir())


def test_another_process_pages_and_downloads(tmp_path: Path) -> None:
    folder = tmp_path / "rows"
    first, second = of(folder), of(folder)
    made = filled(first)
    found = second.get(MINE, made.id)
    assert (found.rows, found.truncated, found.columns) == (5_000, "rows", tuple(COLUMNS))
    assert found.facts["integration"] == 7
    assert found.page(4_999, 5) == [(4_999, "CANARY-4999")] and found.page(0, 1) == [(0, "CANARY-0")]
    assert "".join(as_csv(found)).count("CANARY-") == 5_000
    for other in (Owner(1, 2, MINE.session), Owner(2, 1, MINE.session), Owner(1, 1, "session-a.other")):
        with pytest.raises(NotFound):
            second.get(other, made.id)


def test_the_files_alone_and_with_the_master_key_give_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "rows"
    results = of(folder)
    made = filled(results)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert all(each.stat().st_mode & 0o777 == 0o600 for each in folder.iterdir())
    lying = raw(folder)
    for word in (b"CANARY", b"CATALOG", b"secret-of-a", made.id.encode()):
        assert word not in lying, word
    assert not any(made.id in each.name for each in folder.iterdir())
    thief = Shelf(folder, KEY)  # the folder and the master key, without the session
    head = thief.heads()[0]
    assert "secret-of-a" not in repr(head) and made.id not in repr(head)
    for session in ("", head.tag, head.mark, "session-a", f"{head.mark}.{head.tag}"):
        assert thief.find(made.id, session) is None
    assert Shelf(folder, bytes(32)).find(made.id, MINE.session) is None, "another master key"
    assert _derived(KEY, b"x", _name("a").encode()) != _derived(KEY, b"y", _name("a").encode())


def test_a_changed_or_swapped_piece_does_not_open(tmp_path: Path) -> None:
    from cryptography.exceptions import InvalidTag

    folder = tmp_path / "rows"
    results = of(folder)
    made = filled(results)
    chunks = made._chunks
    chunks[0].offset, chunks[1].offset = chunks[1].offset, chunks[0].offset
    chunks[0].size, chunks[1].size = chunks[1].size, chunks[0].size
    with pytest.raises(InvalidTag):
        made.page(0, 1)


@pytest.mark.parametrize(
    "end",
    [lambda each, id_: each.drop_session(MINE.session), lambda each, id_: each.drop_member(1, 1),
     lambda each, id_: each.drop_where(MINE, 7), lambda each, id_: each.drop(MINE, id_)],
)  # fmt: skip
def test_what_ends_in_one_process_is_gone_in_all_and_from_the_disk(
    tmp_path: Path, end: Callable[[Results, str], object]
) -> None:
    folder = tmp_path / "rows"
    first, second = of(folder), of(folder)
    made, other = filled(first), filled(first, Owner(1, 2, "session-b.secret"))
    read = first.get(MINE, made.id)
    pieces = as_csv(read)
    next(pieces)
    end(second, made.id)
    assert len(list(folder.glob("*.rows"))) == 1
    for each in (first, second):
        with pytest.raises(NotFound):
            each.get(MINE, made.id)
        assert each.get(other.owner, other.id).rows == 5_000
    with pytest.raises(NotFound):
        list(pieces)  # also in the middle of a download


def test_time_and_number_and_space_are_limits_over_all_processes(tmp_path: Path) -> None:
    folder = tmp_path / "rows"
    first, second = of(folder, per_session=2), of(folder, per_session=2, total_bytes=60_000)
    oldest = filled(first)
    filled(first)
    filled(second, rows=10)
    with pytest.raises(NotFound):
        first.get(MINE, oldest.id)
    with pytest.raises(LimitReached):
        filled(second, Owner(1, 3, "s.t"), rows=30_000)
    assert of(folder, seconds=-1).sweep() >= 2
    assert not list(folder.glob("*.rows"))


def test_a_session_that_signs_out_while_its_statement_runs_keeps_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "rows"
    first, second = of(folder), of(folder)
    growing = first.start(MINE, COLUMNS)
    first.add(growing, [(n, "CANARY") for n in range(3_000)])
    assert second.drop_session(MINE.session) == 1
    with pytest.raises(NotFound):
        first.finish(growing)
    first.discard(growing)
    assert [each.name for each in folder.iterdir()] == ["alive"]


HOLD = """
import sys, time
from pathlib import Path
from plugin.run_sql.results import Column, Owner, Results
from plugin.run_sql.shelf import Shelf
results = Results(shelf=Shelf(Path(sys.argv[1]), bytes(range(32))))
owner = Owner(1, 1, "session-a.secret-of-a")
for rows in (10, 5000):
    result = results.start(owner, [Column("n"), Column("t")])
    results.add(result, [(n, "x") for n in range(rows)])
    if rows == 10:
        results.finish(result)
print(flush=True)
time.sleep(3600)
"""


def holder(folder: Path) -> subprocess.Popen[str]:
    made = subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True)
    assert made.stdout is not None
    made.stdout.readline()
    return made


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / "rows"
    dead, living = holder(folder), holder(folder)
    try:
        assert len(list(folder.glob("*.part"))) == 2 and len(list(folder.glob("*.rows"))) == 2
        dead.kill()
        dead.wait()
        assert of(folder).sweep() == 0
        assert len(list(folder.glob("*.part"))) == 1, "what it was writing goes, what another writes stays"
        living.kill()
        living.wait()
        assert list(folder.glob("*.rows"))
    finally:
        for each in (dead, living):
            each.kill()
            each.wait()
            assert each.stdout is not None
            each.stdout.close()
    late = of(folder)  # the first to come after all are gone
    assert late.every() == () and [each.name for each in folder.iterdir()] == ["alive"]
    filled(late)
    late.close()
    assert not folder.exists(), "the last to leave removes everything"


def test_somebody_elses_folder_is_not_used(tmp_path: Path) -> None:
    folder = tmp_path / "rows"
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    with pytest.raises(Misconfigured):
        Shelf(folder, KEY)
    folder.rmdir()
    folder.symlink_to(tmp_path)
    with pytest.raises(Misconfigured):
        Shelf(folder, KEY)


@pytest.mark.parametrize("take", WAYS)
def test_rows_go_from_the_disk_with_the_right_though_nobody_asks(
    store: Store, admin: Viewer, shop: int, bob: Viewer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    take: Callable[[Store, Viewer, Viewer, int], None],
) -> None:  # fmt: skip
    monkeypatch.setattr(hold, "SWEEP_SECONDS", 0.1)
    folder = tmp_path / "rows"
    results = of(folder)
    run(store, bob, shop, "SELECT id FROM orders", results=results, session="s")
    time.sleep(0.3)
    assert len(results.every()) == 1
    take(store, admin, bob, shop)
    assert gone(folder)
    results.close()


def test_rows_go_with_a_session_that_was_ended_elsewhere(
    store: Store, admin: Viewer, shop: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from plugin.store.live import live_mark

    with store.as_admin(admin) as door:
        door.people.add_member("eve@example.com", Role.ADMIN, "Eve", password="correct horse battery")
    with store.sign_in() as door:
        secret = door.create_session(door.password("eve@example.com", "correct horse battery"))
        eve = door.viewer_for_session(secret, Surface.PAGE)
    monkeypatch.setattr(hold, "SWEEP_SECONDS", 0.1)
    folder = tmp_path / "rows"
    results = of(folder)
    run(
        store, eve, shop, "SELECT id FROM orders", results=results,
        session=live_mark(secret, bearer=False) + ".key",
    )  # fmt: skip
    time.sleep(0.3)
    assert len(results.every()) == 1
    with store.as_viewer(eve) as mine:
        mine.me.end_sessions()
    assert gone(folder)
    results.close()


def gone(folder: Path) -> bool:
    until(lambda: not list(folder.glob("*.rows")))
    return True
