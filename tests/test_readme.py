"""README's commands do what it says: each `docent` line of each shell block is run here, in order."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.asynchronous import HANGS
from tests.own_servers import STARTS, free_port

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")
BIN = Path(sys.executable).parent
BLOCKS = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
LINES = [line for block in BLOCKS for line in block.splitlines() if line.strip()]
INSTALL = "python3 -m venv .venv && .venv/bin/pip install -e . && .venv/bin/docent demo"
TESTS = ".venv/bin/pip install -e '.[dev]' && .venv/bin/python -m pytest"


def wait_until_up(port: int, process: subprocess.Popen[str], seconds: float = STARTS) -> None:
    """Until /healthz answers. Fails with what the process said where it ends first."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise AssertionError(f"it ended: {process.communicate()}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2) as answer:
                assert answer.status == 200
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError("no answer from /healthz")


def stop(process: subprocess.Popen[str]) -> None:
    """End a server the way a person does."""
    process.send_signal(signal.SIGINT)
    try:
        process.communicate(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    home = tmp_path_factory.mktemp("home")
    clean = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("DOCENT_", "OPENAI", "ANTHROPIC"))
    }
    return clean | {
        "DOCENT_HOME": str(home),
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "PIP_NO_COMPILE": "1",  # Docent compiles what it loads; pip would compile all that was installed
        "ANTHROPIC_API_KEY": "placeholder-" + "k" * 24,
    }


def test_the_two_commands_stand_in_readme_and_the_landing_script() -> None:
    assert INSTALL in LINES
    assert TESTS in LINES
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    assert all(
        part in script for part in (".venv/bin/pip install", "-e '.[dev]'", ".venv/bin/python -m pytest")
    )


@pytest.mark.timeout(900)
def test_the_first_command_from_a_clean_clone(tmp_path: Path, env: dict[str, str]) -> None:
    clone, port = tmp_path / "docent", free_port()
    subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
    home = tmp_path / "home"
    process = subprocess.Popen(
        ["bash", "-c", f"{INSTALL.replace('python3', sys.executable, 1)} --port {port}"],
        cwd=clone, env=env | {"DOCENT_HOME": str(home)}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    try:
        wait_until_up(port, process, seconds=800)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=HANGS)
    assert "maren@harbor.example" in out
    assert "Traceback" not in err


@pytest.mark.timeout(900)
def test_every_docent_command_in_order(env: dict[str, str], postgres_url: str) -> None:
    plain = postgres_url.replace("postgresql+psycopg://", "postgresql://")
    subprocess.run(
        [
            "psql",
            "-q",
            plain,
            "-c",
            "create schema sales; create table sales.orders (id int primary key, status text)",
        ],
        check=True,
    )
    env = env | {"WAREHOUSE_URL": plain}
    ran = 0
    for line in LINES:
        if "docent" not in line or line.startswith(("python3", ".venv", "export")):
            continue
        words = shlex.split(line.split("|")[-1])
        if words[1] in ("serve", "worker"):
            port = free_port()  # the last word counts, and somebody else may have 8000
            process = subprocess.Popen(
                [*words, *(["--port", str(port)] if words[1] == "serve" else [])],
                env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )  # fmt: skip
            if words[1] == "serve":
                wait_until_up(port, process)
            else:
                time.sleep(4)
                assert process.poll() is None, f"{line}: {process.communicate()}"
            stop(process)
        else:
            done = subprocess.run(
                ["bash", "-c", line], env=env, capture_output=True, text=True, timeout=120, check=False
            )
            assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
            assert "Traceback" not in done.stderr
        ran += 1
    assert ran >= 18


def test_the_links_lead_somewhere() -> None:
    for document in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"):
        for target in re.findall(r"\]\(([^)#]+)\)", document.read_text("utf-8")):
            if "://" not in target:
                assert (ROOT / target).exists(), f"{document.name}: {target}"
