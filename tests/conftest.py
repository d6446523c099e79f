"""Fixtures that every test may use: a home, fresh databases, a store, a small populated workspace."""

from __future__ import annotations

import gc
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, settings

from plugin.access.viewer import Surface, Viewer
from plugin.config import Config, read_config
from plugin.store import Store, migrate, open_store
from tests.own_servers import missing

if TYPE_CHECKING:
    from tests.assistant.shop import World

POSTGRES = os.environ.get("DOCENT_TEST_POSTGRES", "postgresql://postgres@127.0.0.1/")
MARIADB = os.environ.get("DOCENT_TEST_MARIADB", "mysql://root@127.0.0.1:3306/")
PASSWORD = "correct horse battery"
ROOT = Path(__file__).resolve().parents[1]
DROPPER = ThreadPoolExecutor(1, thread_name_prefix="drop")
DROPS: list[Future[None]] = []


LONGEST = (
    "tests/connectors/test_superset.py",
    "tests/browser/test_pages.py",
    "tests/attacks/test_injection.py",
    "tests/access/test_twins.py",
    "tests/test_readme.py",
    "tests/browser/test_sql.py",
    "tests/browser/test_sync.py",
    "tests/access/test_reads.py",
    "tests/run_sql/test_blind_paths.py",
    "tests/connectors/test_push.py",
    "tests/connectors/test_run_services.py",
    "tests/web/test_workers.py",
    "tests/connectors/test_runs.py",
    "tests/connectors/test_contract.py",
)
"""Files that take long, by what the last runs of each alone took. Workers that take whole files begin with these; those
that wait (an installation, a browser) stand between those that work, so that no core is idle."""


ANY_MACHINE = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A machine that stalls for seconds is no fault of what is tested."""
settings.register_profile("any", ANY_MACHINE)
settings.load_profile("any")
settings.register_profile(
    "found", ANY_MACHINE, phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.target), print_blob=True
)
"""A failing example as it was found, with what makes it again (`@reproduce_failure`): making it small may take longer
than everything else together."""
if os.environ.get("DOCENT_TEST_EXAMPLES") == "as found":
    settings.load_profile("found")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first; all others stay in their order."""
    place = {str(ROOT / name): number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(str(item.path), len(place)))


def pytest_collection_finish() -> None:
    """As `plugin.cli` does: looking for cycles every 700 objects, among all that 4,000 tests were collected into, costs
    a twentieth of everything."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def pytest_unconfigure() -> None:
    """Libraries that count what they leave behind at the end of a process find nothing."""
    gc.unfreeze()


@pytest.fixture(scope="session", autouse=True)
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What each test would pay for anew: a strong hash for every account, and the pages' templates compiled; at the
    end, what they left to be dropped.

    What an installation hashes with is read from a process of its own (tests/store/test_sign_in.py).
    """
    import flask
    from jinja2 import FileSystemBytecodeCache

    from plugin.store import _people

    templates = FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_people, "HASH_METHOD", "scrypt:1024:8:1")
        patch.setattr(flask.Flask, "jinja_options", {"bytecode_cache": templates})
        yield
    for drop in DROPS:
        drop.result()


@pytest.fixture(scope="module", autouse=True)
def no_connector_outlives_its_module() -> Iterator[None]:
    """A connector that a test adds to the registry is gone when its file is done."""
    import connectors

    before = dict(connectors.CONNECTORS)
    yield
    if connectors.CONNECTORS != before:
        connectors.CONNECTORS.clear()
        connectors.CONNECTORS.update(before)
        connectors.connectors.cache_clear()


@pytest.fixture
def postgres_url() -> Iterator[str]:
    """A fresh, empty PostgreSQL database as a SQLAlchemy URL."""
    name = f"docent_test_{uuid.uuid4().hex[:12]}"
    with PostgresDatabase(name, ""):
        yield postgres_url_of(name)


@pytest.fixture
def mariadb_url() -> Iterator[str]:
    """A fresh, empty MariaDB database as a SQLAlchemy URL."""
    pymysql = pytest.importorskip("pymysql")
    from sqlalchemy import make_url

    server = make_url(MARIADB)
    name = f"docent_test_{uuid.uuid4().hex[:12]}"
    try:
        connection = pymysql.connect(
            host=server.host, port=server.port or 3306, user=server.username, password=server.password or ""
        )
    except pymysql.err.OperationalError as error:
        missing(f"no MariaDB at hand: {error}")
    with closing(connection), connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        try:
            yield server.set(drivername="mysql+pymysql", database=name).render_as_string(hide_password=False)
        finally:
            cursor.execute(f"DROP DATABASE {name}")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A DOCENT_HOME of this test's own."""
    path = tmp_path / "home"
    path.mkdir(mode=0o700)
    return path


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database at the current schema, made once and copied for each test."""
    folder = tmp_path_factory.mktemp("template")
    migrate(read_config({"DOCENT_HOME": str(folder)}))
    return folder / "docent.sqlite3"


@pytest.fixture(scope="session")
def postgres_template() -> Iterator[str]:
    """The name of a PostgreSQL database at the current schema, made once and copied for each test."""
    name = f"docent_template_{uuid.uuid4().hex[:12]}"
    with PostgresDatabase(name, ""):
        migrate(read_config({"DOCENT_HOME": "/tmp", "DOCENT_DATABASE_URL": postgres_url_of(name)}))
        yield name


@pytest.fixture
def config(home: Path, sqlite_template: Path) -> Config:
    """A configuration over a fresh SQLite database in `home`; no vendor keys, whatever the environment has."""
    shutil.copy(sqlite_template, home / "docent.sqlite3")
    return read_config({"DOCENT_HOME": str(home)})


@pytest.fixture
def store(config: Config) -> Iterator[Store]:
    """A fresh store on SQLite, without a workspace."""
    opened = open_store(config)
    yield opened
    opened.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def any_store(request: pytest.FixtureRequest, config: Config) -> Iterator[Store]:
    """A fresh store on SQLite, then on PostgreSQL."""
    if request.param == "sqlite":
        opened = open_store(config)
        yield opened
        opened.close()
        return
    name = f"docent_test_{uuid.uuid4().hex[:12]}"
    with PostgresDatabase(name, request.getfixturevalue("postgres_template")):
        opened = open_store(replace(config, database_url=postgres_url_of(name)))
        yield opened
        opened.close()


NewWorkspace = Callable[..., Viewer]


@pytest.fixture
def new_workspace() -> NewWorkspace:
    """Makes a workspace in a store and gives its admin as a viewer: `new_workspace(store, "Acme")`."""

    def make(store: Store, name: str = "Acme", email: str = "ada@example.com") -> Viewer:
        with store.sign_in() as door:
            made = door.create_workspace(name, email, PASSWORD, admin_name="Ada Admin")
        with store.sign_in() as door:
            return door.viewer_for_email(made.slug, email, Surface.PAGE)

    return make


@pytest.fixture
def admin(store: Store, new_workspace: NewWorkspace) -> Viewer:
    """The admin of a fresh workspace "Acme" in `store`."""
    return new_workspace(store)


@pytest.fixture
def any_admin(any_store: Store, new_workspace: NewWorkspace) -> Viewer:
    """The admin of a fresh workspace "Acme" in `any_store`."""
    return new_workspace(any_store)


@pytest.fixture
def world(store: Store, admin: Viewer) -> World:
    """A small populated workspace in `store`: a shop, synced, with people of each role and a private team."""
    from tests.assistant.shop import build

    return build(store, admin)


def postgres_url_of(name: str) -> str:
    """The SQLAlchemy URL of a database of the server that tests use."""
    from sqlalchemy import make_url

    return (
        make_url(POSTGRES)
        .set(drivername="postgresql+psycopg", database=name)
        .render_as_string(hide_password=False)
    )


class PostgresDatabase:
    """CREATE DATABASE and DROP DATABASE around a block; without a server the test skips, or fails where one is promised."""

    def __init__(self, name: str, template: str) -> None:
        self.name = name
        self.template = template

    def __enter__(self) -> None:
        self._run(f"CREATE DATABASE {self.name}" + (f" TEMPLATE {self.template}" if self.template else ""))

    def __exit__(self, *_error: object) -> None:
        # PostgreSQL waits for a checkpoint before a database is gone; the next test need not.
        DROPS.append(DROPPER.submit(self._run, f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)"))

    def _run(self, statement: str) -> None:
        import psycopg

        try:
            with psycopg.connect(POSTGRES, autocommit=True) as connection:
                connection.execute(statement)
        except psycopg.OperationalError as error:
            missing(f"no PostgreSQL at hand: {error}")
