"""Query logs of real servers: pg_stat_statements and MySQL's performance schema, in servers of the test's own.

What is run often, by how many people and how tables are joined comes in; literals, names of people and service
accounts do not.
"""

from __future__ import annotations

import getpass
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pymysql
import pytest

from plugin.access.viewer import Viewer
from plugin.catalog.sync import add_integration, sync
from plugin.store import Store

CANARY = "canary-7f3a91"


def missing(what: str) -> None:
    """Skip, or fail where every service must be there."""
    if os.environ.get("DOCENT_REQUIRE_SERVICES"):
        pytest.fail(what)
    pytest.skip(what)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def other_user(name: str) -> dict[str, Any]:
    """How subprocess drops root, which neither server runs as."""
    if getpass.getuser() != "root":
        return {}
    try:
        found = pwd.getpwnam(name)
    except KeyError:
        missing(f"there is no user {name} to run a server as")
    return {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": []}


def home_of(who: dict[str, Any]) -> Path:
    """A folder that the server's user reaches; those of pytest are for the one who runs it alone."""
    home = Path(tempfile.mkdtemp(prefix="docent-server-"))
    if who:
        os.chown(home, who["user"], who["group"])
    return home


def wait_for(connect: Callable[[], Any]) -> Any:
    until = time.monotonic() + 40
    while True:
        try:
            return connect()
        except (psycopg.OperationalError, pymysql.err.OperationalError):
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


@pytest.fixture(scope="module")
def logging_postgres() -> Iterator[str]:
    """A PostgreSQL that loads pg_stat_statements, as no running one can be made to."""
    bins = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    found = shutil.which("initdb") or (str(bins[-1] / "initdb") if bins else None)
    if found is None:
        missing("initdb is not installed")
    bin_ = Path(str(found)).parent
    who = other_user("postgres")
    home = home_of(who)
    port = free_port()
    run = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": home, **who}
    subprocess.run([bin_ / "initdb", "-D", home / "data", "-U", "postgres", "-A", "trust"], **run)
    options = f"-p {port} -k {home} -c listen_addresses=127.0.0.1 -c fsync=off"
    options += " -c shared_preload_libraries=pg_stat_statements"
    start = [bin_ / "pg_ctl", "-D", home / "data", "-w", "-l", home / "log", "-o", options, "start"]
    subprocess.run(start, **run)
    try:
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
    finally:
        with suppress(subprocess.CalledProcessError):
            subprocess.run([bin_ / "pg_ctl", "-D", home / "data", "-m", "immediate", "stop"], **run)
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="module")
def logging_mariadb() -> Iterator[str]:
    """A MariaDB with the performance schema, which is off by default."""
    server, install = shutil.which("mariadbd"), shutil.which("mariadb-install-db")
    if server is None or install is None:
        missing("mariadbd is not installed")
    who = other_user("mysql")
    home = home_of(who)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": home, **who}
    auth = "--auth-root-authentication-method=normal"
    subprocess.run([str(install), f"--datadir={home}/data", auth, "--skip-test-db"], check=True, **quiet)
    port = free_port()
    running = subprocess.Popen(
        [
            str(server), "--no-defaults", f"--datadir={home}/data", f"--port={port}", "--bind-address=127.0.0.1",
            f"--socket={home}/s", f"--pid-file={home}/pid", "--performance-schema=ON",
            "--performance-schema-consumer-statements-digest=ON", "--innodb-buffer-pool-size=16M",
        ],
        **quiet,
    )  # fmt: skip
    try:
        wait_for(lambda: pymysql.connect(host="127.0.0.1", port=port, user="root")).close()
        yield f"mysql://root@127.0.0.1:{port}/shop"
    finally:
        running.terminate()
        running.wait(30)
        shutil.rmtree(home, ignore_errors=True)


ORDERS = (
    "SELECT o.id, c.name FROM sales.orders o JOIN sales.customers c ON c.id = o.customer_id WHERE c.name = {}"
)


@pytest.fixture
def shop(logging_postgres: str) -> Iterator[str]:
    """Two tables that people join and a service scans."""
    with psycopg.connect(logging_postgres, autocommit=True) as db:
        db.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        db.execute("CREATE SCHEMA sales")
        db.execute("CREATE TABLE sales.customers (id int PRIMARY KEY, name text)")
        db.execute("CREATE TABLE sales.orders (id int PRIMARY KEY, customer_id int)")
        db.execute("CREATE TABLE sales.scanned (id int)")
        for person in ("ann", "bea", "loader_7"):
            db.execute(f"CREATE ROLE {person} LOGIN SUPERUSER")
        db.execute("SELECT pg_stat_statements_reset()")
    for person, times in (("ann", 6), ("bea", 3), ("loader_7", 40)):
        with psycopg.connect(logging_postgres, user=person, autocommit=True) as db:
            for number in range(times):
                db.execute(ORDERS.format(f"'{CANARY}-{number}'"))
            if person == "loader_7":
                db.execute("SELECT id FROM sales.scanned")
    yield logging_postgres
    with psycopg.connect(logging_postgres, autocommit=True) as db:
        db.execute("DROP SCHEMA sales CASCADE; DROP ROLE ann; DROP ROLE bea; DROP ROLE loader_7")


def test_postgres_tells_popularity_queries_and_joins(
    store: Store, admin: Viewer, shop: str, home: Path
) -> None:
    integration = add_integration(store, admin, "w", "postgres", settings={"url": shop}, secrets={}).id
    with store.as_admin(admin) as door:
        door.integrations.update(integration, options={"service_accounts": "loader_*\nreporting"})
        assert door.integrations.get(integration).options["service_accounts"] == "loader_*, reporting"
    assert sync(store, admin, integration).status == "done"
    with store.as_viewer(admin) as mine:
        orders, customers = mine.catalog.by_name("sales.orders"), mine.catalog.by_name("sales.customers")
        assert [runs for sql, runs in mine.catalog.frequent_queries(orders.id) if "JOIN" in sql] == [9]
        assert orders.popularity > 0.2
        assert mine.catalog.by_name("sales.scanned").popularity == 0
        assert not mine.catalog.frequent_queries(mine.catalog.by_name("sales.scanned").id)
        joins = [
            each for each in mine.catalog.joins(orders.id) if customers.id in (each.left_id, each.right_id)
        ]
        assert [(each.source, {*each.on[0]}) for each in joins] == [("observed", {"customer_id", "id"})]
    store.close()
    kept = b"".join(each.read_bytes() for each in home.iterdir() if each.is_file())
    assert CANARY.encode() not in kept
    for person in (b"ann", b"bea", b"loader_7"):
        assert person + b"\x00" not in kept and b'"' + person + b'"' not in kept


def test_without_the_setting_the_loader_counts(store: Store, admin: Viewer, shop: str) -> None:
    integration = add_integration(store, admin, "w", "postgres", settings={"url": shop}, secrets={}).id
    sync(store, admin, integration)
    with store.as_viewer(admin) as mine:
        orders = mine.catalog.by_name("sales.orders")
        assert max(runs for _sql, runs in mine.catalog.frequent_queries(orders.id)) == 49
        assert mine.catalog.by_name("sales.scanned").popularity > 0


def test_mariadb_tells_popularity_queries_and_joins(
    store: Store, admin: Viewer, logging_mariadb: str, home: Path
) -> None:
    port = int(logging_mariadb.rsplit(":", 1)[1].split("/")[0])
    with pymysql.connect(host="127.0.0.1", port=port, user="root", autocommit=True) as db:
        cursor = db.cursor()
        for statement in (
            "CREATE DATABASE sales",
            "CREATE TABLE sales.customers (id int PRIMARY KEY, name text)",
            "CREATE TABLE sales.orders (id int PRIMARY KEY, customer_id int)",
            *[ORDERS.format(f"'{CANARY}-{number}'") for number in range(7)],
        ):
            cursor.execute(statement)
    settings = {"url": f"mysql://root@127.0.0.1:{port}/sales"}
    integration = add_integration(store, admin, "m", "mysql", settings=settings, secrets={}).id
    assert sync(store, admin, integration).status == "done"
    with store.as_viewer(admin) as mine:
        orders, customers = mine.catalog.by_name("sales.orders"), mine.catalog.by_name("sales.customers")
        assert [runs for sql, runs in mine.catalog.frequent_queries(orders.id) if "JOIN" in sql] == [7]
        assert orders.popularity > 0
        joins = [
            each for each in mine.catalog.joins(orders.id) if customers.id in (each.left_id, each.right_id)
        ]
        assert [(each.source, {*each.on[0]}) for each in joins] == [("observed", {"customer_id", "id"})]
    store.close()
    assert CANARY.encode() not in b"".join(each.read_bytes() for each in home.iterdir() if each.is_file())
