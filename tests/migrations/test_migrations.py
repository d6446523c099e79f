"""The revisions: from nothing to the models exactly, down and up again, on both databases; safe to run at once."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from plugin.access.viewer import Role, Surface
from plugin.catalog.sync.imports import import_path
from plugin.config import Config, read_config
from plugin.errors import Misconfigured
from plugin.store import migrate, open_store, schema, search_ddl
from plugin.store._engine import make_engine
from plugin.store._models import Base
from plugin.store.search_index import reindex


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, home: Path) -> Config:
    """A configuration over an empty database."""
    environ = {"DOCENT_HOME": str(home)}
    if request.param == "postgresql":
        environ["DOCENT_DATABASE_URL"] = request.getfixturevalue("postgres_url")
    return read_config(environ)


def differences(config: Config) -> list[object]:
    """What Alembic would still change."""
    engine = make_engine(config.database_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "compare_server_default": True,
                "include_name": lambda name, kind, _: (
                    not (kind == "table" and (name or "").startswith("search_"))
                ),
            },
        )
        found = compare_metadata(context, Base.metadata)
    engine.dispose()
    return list(found)


def test_the_newest_revision_is_the_one_the_store_asks_for() -> None:
    assert ScriptDirectory.from_config(schema.alembic_config()).get_heads() == [schema.HEAD]


def test_pyproject_configures_alembic_itself() -> None:
    from alembic.config import Config as AlembicConfig

    config = AlembicConfig(toml_file=str(Path(__file__).parents[2] / "pyproject.toml"))
    assert ScriptDirectory.from_config(config).get_heads() == [schema.HEAD]


def test_upgrade_from_nothing_gives_exactly_the_models(empty: Config) -> None:
    assert "nothing to revision" in migrate(empty)
    assert differences(empty) == []
    assert "nothing to do" in migrate(empty)


def test_down_to_nothing_and_up_again(empty: Config) -> None:
    migrate(empty)
    engine = make_engine(empty.database_url)
    with engine.begin() as connection:
        schema.run(connection, "downgrade", "base")
    with engine.connect() as connection:
        left = set(inspect(connection).get_table_names())
        assert left <= {"alembic_version", "sqlite_sequence"}
        if connection.dialect.name == "postgresql":
            functions = "SELECT count(*) FROM pg_proc WHERE proname LIKE 'docent_%'"
            assert connection.execute(text(functions)).scalar() == 0
    engine.dispose()
    migrate(empty)
    assert differences(empty) == []


def test_an_installation_of_before_gets_what_a_search_begins_with(empty: Config) -> None:
    migrate(empty)
    engine = make_engine(empty.database_url)
    with engine.begin() as connection:
        schema.run(connection, "downgrade", "0002")
        if connection.dialect.name == "postgresql":
            for function in (*search_ddl.FUNCTIONS, *search_ddl.NO_LONGER_MADE):
                connection.execute(text(f"DROP FUNCTION {function}"))
    assert len(differences(empty)) == 3, "the costs of queries, and the queries of joins and of edges"
    assert f"from 0002 to revision {schema.HEAD}" in migrate(empty)
    assert differences(empty) == []
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            names = "'docent_opened', 'docent_listed', 'docent_together'"
            functions = f"SELECT count(*) FROM pg_proc WHERE proname IN ({names})"
            assert connection.execute(text(functions)).scalar() == 3
    engine.dispose()


def test_an_installation_of_before_cuts_long_lists_as_a_new_one(postgres_url: str, home: Path) -> None:
    config = read_config({"DOCENT_HOME": str(home), "DOCENT_DATABASE_URL": postgres_url})
    migrate(config)
    engine = make_engine(config.database_url)
    functions = text("SELECT proname, prosrc FROM pg_proc WHERE proname LIKE 'docent_%' ORDER BY proname")
    with engine.begin() as connection:
        made = connection.execute(functions).all()
        schema.run(connection, "downgrade", "0004")
        source = "BEGIN RETURN QUERY SELECT 1::bigint LIMIT most; END"
        connection.exec_driver_sql(
            "CREATE OR REPLACE FUNCTION docent_found(query tsquery, zones integer[], most integer)"
            f" RETURNS SETOF bigint LANGUAGE plpgsql STABLE AS '{source}'"
        )
    migrate(config)
    with engine.connect() as connection:
        assert set(made) <= set(connection.execute(functions).all()), "and what the downgrade made for others"
    engine.dispose()


def test_processes_of_before_and_after_ask_the_same_database(postgres_url: str, home: Path) -> None:
    config = read_config({"DOCENT_HOME": str(home), "DOCENT_DATABASE_URL": postgres_url})
    migrate(config)
    engine = make_engine(config.database_url)
    opened = "docent_opened(text[], boolean, integer[], integer, integer)"
    functions = text("SELECT oid::regprocedure::text FROM pg_proc WHERE proname LIKE 'docent_%' ORDER BY 1")
    with engine.begin() as connection:
        made = connection.execute(functions).scalars().all()
        schema.run(connection, "downgrade", "0007")
        for function in search_ddl.FUNCTIONS:
            if function.startswith(("docent_opened", "docent_together")):
                connection.execute(text(f"DROP FUNCTION {function}"))
    migrate(config)
    with engine.begin() as connection:
        now = connection.execute(functions).scalars().all()
        assert sorted(now) == sorted([*made, opened.replace(", ", ",")])
        schema.run(connection, "downgrade", "base")
        assert connection.execute(functions).all() == []
    engine.dispose()


def test_an_installation_that_began_here_goes_back_to_what_the_release_before_asks_for(
    postgres_url: str, home: Path
) -> None:
    config = read_config({"DOCENT_HOME": str(home), "DOCENT_DATABASE_URL": postgres_url})
    migrate(config)
    engine = make_engine(config.database_url)
    with engine.begin() as connection:
        schema.run(connection, "downgrade", "0007")
        asked = "docent_opened(ARRAY['order'], true, ARRAY[]::integer[], 1, 5000)"
        assert connection.execute(text(f"SELECT at, ids FROM {asked}")).all()[0] == (0, [])
    engine.dispose()


OF_BEFORE = """
UPDATE search_docs
SET body = (words || ' ' || zone_id || '.' || replace(words, ' ', ' ' || zone_id || '.') || ' _w' || workspace_id)::tsvector
"""
"""How a release before revision 0004 wrote the words of a document."""


def test_what_an_installation_of_before_found_is_found_after(empty: Config) -> None:
    migrate(empty)
    store = open_store(empty)
    with store.sign_in() as door:
        for slug in ("one", "two"):
            door.create_workspace(slug, f"{slug}@example.com", "correct horse battery", slug=slug)
        viewers = [
            door.viewer_for_email(slug, f"{slug}@example.com", Surface.PAGE) for slug in ("one", "two")
        ]
    table = {
        "entity_type": "table",
        "databuilder_id": "shop.sales.refunds",
        "title": "refunds",
        "database": "shop",
        "schema": "sales",
        "description": "Money given back.",
        "columns": [{"name": "refund_id", "type": "text"}],
    }
    path = empty.home / "shop.jsonl"
    path.write_text(json.dumps(table))
    for viewer in viewers:
        assert import_path(store, viewer, str(path), integration="shop").errors == ()
    with store.as_admin(viewers[0]) as admin:
        team = admin.people.add_team("refunds", private=True)
        member = admin.people.add_member("m@example.com", Role.GUEST, "M", password="correct horse battery")
        admin.people.add_to_team(team.id, member.id)
        admin.people.add_member("n@example.com", Role.GUEST, "N", password="correct horse battery")
    with store.as_viewer(viewers[0]) as mine:
        sales = mine.catalog.by_name("shop.sales")
    with store.as_admin(viewers[0]) as admin:
        admin.people.grant(team.id, sales.integration_id, sales.id)
    with store.sign_in() as door:
        viewers += [
            door.viewer_for_email("one", email, Surface.PAGE) for email in ("m@example.com", "n@example.com")
        ]

    def found() -> list[list[tuple[str, float]]]:
        hits = []
        for viewer in viewers:
            for words in ("refunds", "money", "refund money", "refu"):
                with store.as_viewer(viewer) as mine:
                    page = mine.catalog.search(words)
                    hits.append([(each.resource.qualified_name, each.score) for each in page.hits])
        return hits

    before = found()
    assert all(before[:12]) and not any(before[12:]), (
        "two admins and a member find it, a guest of no team does not"
    )
    with store._engine.begin() as connection:
        schema.run(connection, "downgrade", "0003")
    assert found() == before, "a downgrade loses nothing"
    if store.dialect == "postgresql":
        with store._engine.begin() as connection:
            connection.execute(text(OF_BEFORE))
            listed = "SELECT ids FROM docent_listed('{refund}', true, '{}', 1, 10)"
            assert connection.execute(text(listed)).scalar(), "what an older release writes it finds"
    assert f"from 0003 to revision {schema.HEAD}" in migrate(empty)
    assert found() == before
    if store.dialect == "postgresql":
        with store._engine.connect() as connection:
            plain = (
                "SELECT count(*) FROM search_docs WHERE body @@ 'refund'::tsquery OR body @@ '_w1'::tsquery"
            )
            assert connection.execute(text(plain)).scalar() == 0
            bodies = "SELECT id, body::text FROM search_docs ORDER BY id"
            migrated = connection.execute(text(bodies)).all()
        for viewer in viewers[:2]:
            with store._context(viewer.workspace_id) as context:
                reindex(context.session, viewer.workspace_id)
        with store._engine.connect() as connection:
            assert connection.execute(text(bodies)).all() == migrated, "as an index built anew has it"
    store.close()


def test_several_processes_that_start_at_once_migrate_once(empty: Config) -> None:
    said: list[str] = []
    errors: list[BaseException] = []

    def start() -> None:
        try:
            said.append(migrate(empty))
        except BaseException as error:  # noqa: BLE001 - looked at below
            errors.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert sum("nothing to revision" in text for text in said) == 1
    assert differences(empty) == []


def test_postgres_must_be_migrated_by_hand(home: Path, postgres_url: str) -> None:
    config = read_config({"DOCENT_HOME": str(home), "DOCENT_DATABASE_URL": postgres_url})
    with pytest.raises(Misconfigured, match="docent migrate"):
        open_store(config)
    migrate(config)
    open_store(config).close()


def test_a_database_of_a_newer_docent_is_refused(empty: Config) -> None:
    migrate(empty)
    engine = make_engine(empty.database_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(Misconfigured, match="9999"):
        open_store(empty)


def test_the_sqlite_file_is_private_and_keeps_no_deleted_bytes(empty: Config) -> None:
    if not empty.on_sqlite:
        pytest.skip("for the embedded database")
    store = open_store(empty)
    for file in empty.home.glob("docent.sqlite3*"):
        assert file.stat().st_mode & 0o077 == 0, file.name
    with store._engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA secure_delete").scalar() == 1
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    store.close()
