"""What a terminal gets of names that other people chose."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

EVIL = "or\x1b[2Jders\x07\u202e\x9b31m\r"
LONG = EVIL + "\tgrün\r\n日本"
CODE = f"from plugin.cli.terminal import echo; echo({ascii(LONG)}); echo({ascii(EVIL)}, err=True)"
UTF8 = {**os.environ, "PYTHONIOENCODING": "utf-8"}


def test_a_terminal_is_shown_what_it_would_obey() -> None:
    ours, theirs = pty.openpty()
    try:
        subprocess.run([sys.executable, "-c", CODE], stdout=theirs, stderr=theirs, check=True, env=UTF8)
        said = os.read(ours, 10_000).decode()
    finally:
        os.close(ours)
        os.close(theirs)
    shown = r"or\x1b[2Jders\x07\x202e\x9b31m\x0d"
    assert [line.strip("\r") for line in said.split("\n")] == [f"{shown}\tgrün", "日本", shown, ""]


def test_a_pipe_gets_it_as_click_writes_it() -> None:
    """Without the sequences of ANSI, as before; nothing is written another way for the program that reads it."""
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, check=True, env=UTF8)
    assert done.stdout.decode() == f"{EVIL.replace(chr(27) + '[2J', '')}\tgrün\r\n日本\n"


@pytest.mark.parametrize("place", ["plugin/cli", "web"])
def test_no_command_prints_past_it(place: str) -> None:
    found = subprocess.run(
        ["git", "grep", "-nE", r"click\.s?echo\(", "--", place], capture_output=True, text=True
    )
    assert [line for line in found.stdout.splitlines() if "cli/terminal.py" not in line] == []
