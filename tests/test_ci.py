"""`.ci/run` with stand-ins for its tools: whatever fails in it, it ends so, and nothing runs on behind it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# The types are judged only once the tests have ended, as the slower of the two would be.
TOOL = """#!/bin/sh
name=$(basename "$0")
case "$name $1 $2" in *pytest) touch tested;; esac
if [ "$name" = mypy ]; then
  while [ ! -e tested ]; do sleep .01; done
  sleep .2
  touch typed
fi
case "$name $1 $2" in $FAILS) exit 3;; esac
"""


def run(place: Path, fails: str) -> int:
    """The exit code of `.ci/run` in a copy of it in `place`, where the commands that match `fails` fail."""
    tools, path = place / ".venv" / "bin", place / "path"
    for folder in (tools, path, place / ".ci"):
        folder.mkdir(parents=True)
    for name in ("pip", "uv", "ruff", "mypy", "python"):
        (tools / name).write_text(TOOL)
        (tools / name).chmod(0o755)
    (path / "chromium").symlink_to("/bin/true")
    shutil.copy(ROOT / ".ci" / "run", place / ".ci" / "run")
    environment = {**os.environ, "PATH": f"{path}:{os.environ['PATH']}", "FAILS": fails}
    # No pipes: whoever reads one waits for all that hold it, for what runs on behind the script too.
    quiet = subprocess.DEVNULL
    return subprocess.run(
        ["bash", ".ci/run"], cwd=place, env=environment, stdout=quiet, stderr=quiet, timeout=30
    ).returncode


@pytest.mark.parametrize(
    "fails", ["pip install *", "ruff check *", "ruff format *", "mypy *", "python -m pytest"]
)
def test_what_fails_fails_the_whole(tmp_path: Path, fails: str) -> None:
    assert run(tmp_path, fails) != 0


def test_all_well_is_well_also_without_uv(tmp_path: Path) -> None:
    assert run(tmp_path / "all", "nothing") == 0
    assert run(tmp_path / "pip", "uv *") == 0


def test_types_are_judged_to_their_end_after_a_failed_test(tmp_path: Path) -> None:
    assert run(tmp_path, "python -m pytest") == 3
    assert (tmp_path / "typed").exists()
