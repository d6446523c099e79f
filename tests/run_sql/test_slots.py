"""Limits on how much runs at once hold over the processes of a machine, and end with a process that dies."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from plugin.errors import LimitReached
from plugin.run_sql.slots import ask_to_stop, folder_of, places

HOLD = """
import sys, time
from pathlib import Path
from plugin.run_sql.slots import places
with places(Path(sys.argv[1]), {"member-1-1": (2, "full"), "integration-1-7": (3, "there")}):
    print("held", flush=True)
    time.sleep(3600)
"""


def holder(folder: Path) -> subprocess.Popen[str]:
    made = subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True)
    assert made.stdout is not None and made.stdout.readline() == "held\n"
    return made


def test_another_process_counts_until_it_is_gone(tmp_path: Path) -> None:
    first, second = holder(tmp_path), holder(tmp_path)
    try:
        with pytest.raises(LimitReached, match="full"), places(tmp_path, {"member-1-1": (2, "full")}):
            pass
        with places(tmp_path, {"member-1-2": (2, "full"), "integration-1-7": (3, "there")}):
            with (
                pytest.raises(LimitReached, match="there"),
                places(tmp_path, {"integration-1-7": (3, "there")}),
            ):
                pass
        first.kill()
        first.wait()
        with places(tmp_path, {"member-1-1": (2, "full")}):
            pass
    finally:
        for each in (first, second):
            each.kill()
            each.wait()
            assert each.stdout is not None
            each.stdout.close()


def test_a_refused_run_gives_back_what_it_had_taken(tmp_path: Path) -> None:
    with places(tmp_path, {"integration-1-7": (1, "there")}):
        for _ in range(5):
            with (
                pytest.raises(LimitReached, match="there"),
                places(tmp_path, {"member-1-1": (1, "full"), "integration-1-7": (1, "there")}),
            ):
                pass
        with places(tmp_path, {"member-1-1": (1, "full")}):
            pass
    with places(tmp_path, {"member-1-1": (0, "no limit")}):
        pass


def test_the_folder_is_ones_own_and_one_for_each_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    first = folder_of("sqlite:///a")
    assert first == folder_of("sqlite:///a") != folder_of("sqlite:///b")
    assert first.stat().st_mode & 0o077 == 0


def test_a_run_of_another_process_is_asked_to_stop_and_a_dead_ones_is_not(tmp_path: Path) -> None:
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom plugin.run_sql.slots import under_way\n"
        "with under_way(Path(sys.argv[1]), 'x') as asked:\n    print('held', flush=True)\n"
        "    while not asked.exists(): time.sleep(0.02)\n    print('asked', flush=True)\n    time.sleep(3600)\n"
    )
    assert not ask_to_stop(tmp_path, "x")
    made = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert made.stdout is not None and made.stdout.readline() == "held\n"
        assert ask_to_stop(tmp_path, "x")
        assert made.stdout.readline() == "asked\n"
    finally:
        made.kill()
        made.wait()
        assert made.stdout is not None
        made.stdout.close()
    assert not ask_to_stop(tmp_path, "x")
