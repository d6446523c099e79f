"""PostgreSQL and MariaDB of a test's own, for what a running server cannot be made to do: other options, TLS."""

from __future__ import annotations

import getpass
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pymysql
import pytest


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
    port = _free_port()
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
    port = _free_port()
    running = subprocess.Popen(
        [
            str(server), "--no-defaults", f"--datadir={home}/data", f"--port={port}", "--bind-address=127.0.0.1",
            f"--socket={home}/s", f"--pid-file={home}/pid", "--innodb-buffer-pool-size=16M",
            *(each.format(data=home / "data") for each in options),
        ],
        **quiet,
    )  # fmt: skip
    try:
        _wait_for(lambda: pymysql.connect(unix_socket=f"{home}/s", user="root")).close()
        yield port
    finally:
        running.terminate()
        running.wait(30)
        shutil.rmtree(home, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


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


def _wait_for(connect: Callable[[], Any]) -> Any:
    until = time.monotonic() + 40
    while True:
        try:
            return connect()
        except (psycopg.OperationalError, pymysql.err.OperationalError):
            if time.monotonic() > until:
                raise
            time.sleep(0.2)
