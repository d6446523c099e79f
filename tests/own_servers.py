"""Servers that a test starts: a port, waiting until they answer, their end; PostgreSQL and MariaDB with other options."""

from __future__ import annotations

import getpass
import http.client
import os
import pwd
import random
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pymysql
import pytest

from tests.asynchronous import HANGS, until

STARTS = 240.0
"""Seconds in which a server comes up on any machine; some read a gigabyte of modules from a disk that stalls."""


def free_port() -> int:
    """A port of loopback that nobody listens on.

    Below those that the system gives to connections (32768 and up on Linux), so that none of the many that tests open
    beside this one takes it before its server does.
    """
    for port in random.SystemRandom().sample(range(12_000, 32_000), 100):
        with socket.socket() as found, suppress(OSError):
            found.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no free port of a hundred")


def answers(server: subprocess.Popen[Any], ask: Callable[[], object], log: Path | None = None) -> None:
    """Returns once `ask()` is true; an OSError or an error of HTTP means not yet. Fails where `server` has ended."""

    def does() -> object:
        said = (
            log.read_text(errors="replace")[-2000:] if log is not None and server.poll() is not None else ""
        )
        assert server.poll() is None, f"the server ended: {said}"
        with suppress(OSError, http.client.HTTPException, httpx.HTTPError):
            return ask()
        time.sleep(0.2)
        return False

    until(does, STARTS)


def ended(server: subprocess.Popen[Any]) -> None:
    """Ask it to end, and wait; who does not hear is killed."""
    server.terminate()
    try:
        server.wait(HANGS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


@contextmanager
def waitress_over(app: Any, threads: int = 4) -> Iterator[str]:
    """The address of an application behind waitress, as `docent serve` has it.

    Its loop is told to end before its sockets are closed: waitress's own `close` takes them from under a `select`.
    """
    from waitress.server import create_server

    server = create_server(app, host="127.0.0.1", port=0, threads=threads)
    over = threading.Event()

    def loop() -> None:
        while not over.is_set():
            server.asyncore.loop(timeout=1, map=server._map, count=1)

    thread = threading.Thread(target=loop, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        over.set()
        server.pull_trigger()
        thread.join(HANGS)
        server.task_dispatcher.shutdown(timeout=5)
        server.close()


def missing(what: str) -> None:
    """Skip, or fail where every service must be there."""
    if os.environ.get("DOCENT_REQUIRE_SERVICES"):
        pytest.fail(what)
    pytest.skip(what)


@contextmanager
def postgres_of_own(
    *options: str, access: str = "", files: Mapping[str, bytes] | None = None
) -> Iterator[int]:
    """The port of a PostgreSQL started with these `-c` options, whose superuser `postgres` needs no password.

    `access` are lines for the head of pg_hba.conf; `files` lie in its data folder, for its owner alone.
    """
    bins = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    found = str(bins[-1] / "initdb") if bins else shutil.which("initdb")
    if found is None:
        missing("initdb is not installed")
    bin_ = Path(str(found)).parent
    who = _other_user("postgres")
    home = _home_of(who)
    port = free_port()
    run = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": home, **who}
    subprocess.run([bin_ / "initdb", "-D", home / "data", "-U", "postgres", "-A", "trust"], **run)
    _place(home / "data", files or {}, who)
    if access:
        rules = home / "data" / "pg_hba.conf"
        rules.write_text(f"{access}\n{rules.read_text()}")
    given = (f"-p {port}", f"-k {home}", "-c listen_addresses=127.0.0.1", "-c fsync=off")
    text = " ".join((*given, *(f"-c {each}" for each in options)))
    start = [bin_ / "pg_ctl", "-D", home / "data", "-w", "-l", home / "log", "-o", text, "start"]
    subprocess.run(start, **run)
    try:
        yield port
    finally:
        with suppress(subprocess.CalledProcessError):
            subprocess.run([bin_ / "pg_ctl", "-D", home / "data", "-m", "immediate", "stop"], **run)
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def mariadb_of_own(*options: str, files: Mapping[str, bytes] | None = None) -> Iterator[int]:
    """The port of a MariaDB started with these options, whose `root` needs no password; `{data}` is its folder."""
    server, install = shutil.which("mariadbd"), shutil.which("mariadb-install-db")
    if server is None or install is None:
        missing("mariadbd is not installed")
    who = _other_user("mysql")
    home = _home_of(who)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": home, **who}
    auth = "--auth-root-authentication-method=normal"
    subprocess.run([str(install), f"--datadir={home}/data", auth, "--skip-test-db"], check=True, **quiet)
    _place(home / "data", files or {}, who)
    port = free_port()
    running = subprocess.Popen(
        [
            str(server), "--no-defaults", f"--datadir={home}/data", f"--port={port}", "--bind-address=127.0.0.1",
            f"--socket={home}/s", f"--pid-file={home}/pid", "--innodb-buffer-pool-size=16M",
            *(each.format(data=home / "data") for each in options),
        ],
        **quiet,
    )  # fmt: skip
    try:
        answers(running, lambda: _opens(f"{home}/s"))
        yield port
    finally:
        ended(running)
        shutil.rmtree(home, ignore_errors=True)


def _other_user(name: str) -> dict[str, Any]:
    """How subprocess drops root, which neither server runs as."""
    if getpass.getuser() != "root":
        return {}
    try:
        found = pwd.getpwnam(name)
    except KeyError:
        missing(f"there is no user {name} to run a server as")
    return {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": []}


def _home_of(who: Mapping[str, Any]) -> Path:
    """A folder that the server's user reaches; those of pytest are for the one who runs it alone."""
    home = Path(tempfile.mkdtemp(prefix="docent-server-"))
    if who:
        os.chown(home, who["user"], who["group"])
    return home


def _place(folder: Path, files: Mapping[str, bytes], who: Mapping[str, Any]) -> None:
    for name, content in files.items():
        path = folder / name
        path.write_bytes(content)
        path.chmod(0o600)
        if who:
            os.chown(path, who["user"], who["group"])


def _opens(path: str) -> bool:
    with suppress(pymysql.err.OperationalError):
        pymysql.connect(unix_socket=path, user="root").close()
        return True
    return False
