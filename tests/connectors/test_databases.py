"""What is particular to one engine: partitions, generated columns, broken views, statement logs."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from connectors import connect, connector_class, connectors, fields_of, has_password, mysql
from connectors.abilities import HasQueries
from connectors.errors import BadSettings, MissingDriver, SourceInterrupted
from connectors.mysql_rows import table as mysql_table
from connectors.mysql_rows import title
from connectors.records import Index, Key, Progress, Schema, Table
from tests.asynchronous import ends, until
from tests.connectors.databases import CANARY, RIGS, PostgresRig, Rig


def made(type: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    return RIGS[type](folder, monkeypatch).made()


@pytest.fixture
def postgres(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    with made("postgres", tmp_path, monkeypatch) as rig:
        yield rig


@pytest.fixture
def mariadb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    with made("mysql", tmp_path, monkeypatch) as rig:
        yield rig


@pytest.fixture
def sqlite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    with made("sqlite", tmp_path, monkeypatch) as rig:
        yield rig


@pytest.fixture
def duckdb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    with made("duckdb", tmp_path, monkeypatch) as rig:
        yield rig


def tables(rig: Rig) -> dict[str, Table]:
    return {record.name: record for record in rig.connector().extract() if isinstance(record, Table)}


def test_postgres_folds_partitions_and_reads_every_kind(postgres: Rig) -> None:
    postgres.execute(
        "CREATE SCHEMA sales",
        "CREATE TABLE sales.shop (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, gone int, twice int"
        " GENERATED ALWAYS AS (id + 1) STORED, at date DEFAULT '2020-02-02')",
        "ALTER TABLE sales.shop DROP COLUMN gone",
        "CREATE TABLE sales.sold (id int, shop_id int REFERENCES sales.shop (id), day date, PRIMARY KEY (day, id))"
        " PARTITION BY RANGE (day)",
        "CREATE TABLE sales.sold_a PARTITION OF sales.sold FOR VALUES FROM ('2020-01-01') TO ('2021-01-01')",
        "CREATE TABLE sales.sold_b PARTITION OF sales.sold FOR VALUES FROM ('2021-01-01') TO ('2022-01-01')",
        f"INSERT INTO sales.shop (at) SELECT date '2020-01-01' FROM generate_series(1, 50) -- {CANARY}",
        "INSERT INTO sales.sold SELECT g, 1, '2020-06-01' FROM generate_series(1, 30) g",
        "CREATE MATERIALIZED VIEW sales.days AS SELECT day FROM sales.sold",
        "CREATE INDEX odd ON sales.shop ((id + 1), twice DESC) INCLUDE (id)",
        "CREATE EXTENSION postgres_fdw",
        "CREATE SERVER afar FOREIGN DATA WRAPPER postgres_fdw",
        "CREATE FOREIGN TABLE sales.remote (x int) SERVER afar",
        "ANALYZE",
    )
    found = tables(postgres)
    assert {name: table.kind for name, table in found.items()} == {
        "shop": "table",
        "sold": "partitioned_table",
        "days": "materialized_view",
        "remote": "foreign_table",
    }
    shop, sold = found["shop"], found["sold"]
    assert [(column.name, column.position) for column in shop.columns] == [("id", 1), ("twice", 2), ("at", 3)]
    assert shop.columns[0].default == "GENERATED ALWAYS AS IDENTITY"
    assert shop.columns[1].default == "GENERATED ALWAYS AS ((id + 1)) STORED"
    assert shop.columns[2].default == "'2020-02-02'::date"
    assert Index("odd", ("(expression)", "twice"), False, "btree") in shop.indexes
    assert sold.partitions == 2 and sold.row_estimate == 30 and (sold.size_bytes or 0) > 0
    assert sold.properties == {"partition_key": "RANGE (day)"}
    assert [key.kind for key in sold.keys] == ["primary", "foreign"]
    assert sold.keys[0] == Key("primary", "sold_pkey", ("day", "id"))
    assert shop.row_estimate == 50 and shop.analyzed_at is not None and shop.analyzed_at.tzinfo is not None
    assert found["remote"].properties == {"foreign_server": "afar"}
    assert "SELECT sold.day" in (found["days"].definition or "") and "sales.sold" in (
        found["days"].definition or ""
    )


def test_postgres_sizes_are_those_of_the_engine(postgres: Rig) -> None:
    postgres.execute(
        "CREATE TABLE big (id int PRIMARY KEY, note text)",
        "INSERT INTO big SELECT g, repeat('x', 100) FROM generate_series(1, 5000) g",
        "VACUUM ANALYZE big",
    )
    exact = 0
    with psycopg.connect(f"postgresql://postgres@127.0.0.1/{postgres.database}") as connection:
        row = connection.execute("SELECT pg_total_relation_size('big')").fetchone()
        assert row is not None
        exact = row[0]
    assert abs((tables(postgres)["big"].size_bytes or 0) - exact) <= 0.1 * exact


def test_postgres_ended_by_its_administrator(postgres: Any) -> None:
    postgres.execute(*(f"CREATE TABLE t{number} (id int)" for number in range(50)))
    run = postgres.connector().extract()
    for record in run:
        if isinstance(record, Schema):
            postgres.terminate()
            break
    with pytest.raises(SourceInterrupted, match="dropped"):
        list(run)


def test_postgres_does_not_wait_for_a_locked_table(postgres: Rig) -> None:
    postgres.execute(
        "CREATE TABLE held (id int)", "INSERT INTO held VALUES (1)", "CREATE TABLE free (id int)"
    )
    with psycopg.connect(f"postgresql://postgres@127.0.0.1/{postgres.database}") as connection:
        connection.execute("LOCK TABLE held IN ACCESS EXCLUSIVE MODE")
        found: list[Any] = []
        reader = threading.Thread(target=lambda: found.extend(tables(postgres)))
        reader.start()
        assert ends(reader), "it waits for the lock"
        assert sorted(found) == ["free", "held"]


def test_postgres_schema_dropped_in_mid_run_is_still_one_snapshot(postgres: Rig) -> None:
    postgres.execute("CREATE SCHEMA later", "CREATE TABLE later.a (id int)", "CREATE TABLE b (id int)")
    run = postgres.connector().extract()
    seen = []
    for record in run:
        seen.append(record)
        if isinstance(record, Schema) and len(seen) == 2:
            postgres.execute("DROP SCHEMA later CASCADE")
    names = [record.name for record in seen if isinstance(record, Table)]
    schemas = [record.name for record in seen if isinstance(record, Schema)]
    assert (names, schemas) == (["a", "b"], ["later", "public"])


def test_postgres_views_made_anew_in_mid_run_are_read_as_they_are_then(postgres: Rig) -> None:
    postgres.execute(
        "CREATE TABLE base (a int, twice int GENERATED ALWAYS AS (a * 2) STORED)",
        *(f"CREATE VIEW {name} AS SELECT a FROM base" for name in ("anew", "gone", "kept")),
    )
    run = postgres.connector().extract()
    seen: list[Any] = []
    for record in run:
        seen.append(record)
        if isinstance(record, Schema):
            postgres.execute(
                "DROP VIEW kept, gone",
                "DROP TABLE base CASCADE",
                "CREATE TABLE base (a int, twice int GENERATED ALWAYS AS (a * 3) STORED)",
                "CREATE VIEW kept AS SELECT a, twice FROM base",
                "CREATE MATERIALIZED VIEW anew AS SELECT twice FROM base",
            )
    found = {record.name: record for record in seen if isinstance(record, Table)}
    assert len(found) == sum(isinstance(record, Table) for record in seen)
    assert {name: table.kind for name, table in found.items()} == {
        "base": "table", "kept": "view", "anew": "materialized_view",
    }  # fmt: skip
    assert [column.name for column in found["kept"].columns] == ["a", "twice"]
    assert all("base" in (found[name].definition or "") for name in ("kept", "anew"))
    assert (found["base"].columns[1].default or "").startswith("GENERATED ALWAYS")


def test_postgres_is_read_the_same_whatever_its_owner_sets(postgres: Rig) -> None:
    """Operators that come before the engine's own, and how its texts are written."""
    postgres.execute(
        "CREATE TABLE plain (id int, note text DEFAULT 'x')",
        "CREATE VIEW shown AS SELECT note FROM plain",
    )
    before = list(postgres.connector().extract())
    postgres.execute(
        "CREATE SCHEMA first",
        *(
            f"CREATE FUNCTION first.any_{type_}({type_}, {type_}) RETURNS bool LANGUAGE plpgsql AS"
            " $$BEGIN RAISE EXCEPTION 'ran with the rights of who reads'; END$$;"
            f"CREATE OPERATOR first.= (LEFTARG = {type_}, RIGHTARG = {type_}, FUNCTION = first.any_{type_})"
            for type_ in ("name", "text", "oid")
        ),
        *(
            f"ALTER DATABASE {postgres.database} SET {setting}"
            for setting in ("search_path = first, pg_catalog", "quote_all_identifiers = on")
        ),
    )
    after = list(postgres.connector().extract())
    assert [each for each in after if getattr(each, "name", "") != "first"] == before
    assert isinstance(connector := postgres.connector(), HasQueries) and list(connector.queries()) == []


def test_postgres_that_does_not_say_what_it_is_written_in() -> None:
    """A SQL_ASCII database holds what each client wrote: UTF-8 beside old Western European letters."""
    old, new = r"E'stra\xdfe'", r"E'm\xc3\xbc\xc5\x9fteri'"
    with PostgresRig("TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'").made() as rig:
        rig.execute(
            f"DO $$ BEGIN EXECUTE format('CREATE TABLE %1$I (%1$I int PRIMARY KEY, %2$I text)', {old}, {new}); END $$",
            f"DO $$ BEGIN EXECUTE format('COMMENT ON TABLE %I IS %L', {old}, E'\\x80 5, {CANARY}'); END $$",
            f"DO $$ BEGIN EXECUTE format('CREATE SCHEMA %I', {new}); END $$",
            f"DO $$ BEGIN EXECUTE format('CREATE TABLE %I.t (f int REFERENCES %I)', {new}, {old}); END $$",
        )
        found = tables(rig)
        street = found["straße"]
        assert [column.name for column in street.columns] == ["straße", "müşteri"]
        assert street.description == f"€ 5, {CANARY}"
        assert found["t"].keys == (Key("foreign", "t_f_fkey", ("f",), "public", "straße", ("straße",)),)
        one = [each.name for each in rig.connector(schemas="müşteri").extract() if isinstance(each, Table)]
        assert one == ["t"]
        rig.execute(
            f"DO $$ BEGIN EXECUTE format('CREATE SCHEMA %I', {old}); END $$",
            f"DO $$ BEGIN EXECUTE format('CREATE TABLE %I.%I ()', {old}, {new}); END $$",
            f"DO $$ BEGIN EXECUTE format('CREATE TABLE %I.u ()', {old}); END $$",
        )
        for wanted, named in (
            ("straße", ["müşteri", "u"]),
            ("straße.müşteri", ["müşteri"]),
            ("*.straße", ["straße"]),
        ):
            assert [
                each.name for each in rig.connector(schemas=wanted).extract() if isinstance(each, Table)
            ] == named
        left = rig.connector(exclude="straße").extract()
        assert {each.schema for each in left if isinstance(each, Table)} == {"public", "müşteri"}


def test_postgres_reads_few_pages_for_each_further_table_of_a_schema(postgres: Any) -> None:
    """What a plan that looks each table up for each other one costs: no statement more, and no row."""

    def pages() -> int:
        # A backend leaves its counts behind when it ends.
        until(lambda: not others())
        where = f"WHERE datname = '{postgres.database}'"
        return int(told(f"SELECT blks_hit + blks_read FROM pg_stat_database {where}"))

    def others() -> int:
        return int(told(f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{postgres.database}'"))

    def told(statement: str) -> Any:
        return postgres._server.execute(statement).fetchone()[0]

    def cost_of(first: int, end: int) -> int:
        key = "CREATE TABLE t%1$s (id int PRIMARY KEY, up int REFERENCES t%2$s DEFAULT 0)"
        loop = f"FOR n IN {first}..{end - 1} LOOP EXECUTE format('{key}', n, n / 2); END LOOP"
        # With what autovacuum would know of them.
        postgres.execute(f"DO $$ BEGIN {loop}; END $$", "ANALYZE")
        before = pages()
        assert sum(isinstance(each, Table) for each in postgres.connector().extract()) == end
        return pages() - before

    if told("SELECT current_setting('server_version_num')::int") < 150000:
        pytest.skip("its counts of pages come late")
    fewer, more = cost_of(0, 150), cost_of(150, 300)
    assert more - fewer < 150 * 20, (fewer, more)


def test_postgres_without_statement_statistics_has_no_queries(postgres: Rig) -> None:
    connector = postgres.connector()
    assert isinstance(connector, HasQueries)
    assert list(connector.queries()) == []


def test_mariadb_partitions_generated_columns_and_sequences(mariadb: Rig) -> None:
    mariadb.execute(
        "CREATE TABLE parts (id int AUTO_INCREMENT PRIMARY KEY, v int, w int AS (v + 1) STORED,"
        " kind enum('a', 'b') DEFAULT 'a', at timestamp DEFAULT CURRENT_TIMESTAMP)"
        " PARTITION BY HASH (id) PARTITIONS 4",
        "CREATE SEQUENCE numbers",
    )
    found = tables(mariadb)
    assert list(found) == ["parts"]
    parts = found["parts"]
    assert (parts.kind, parts.partitions) == ("partitioned_table", 4)
    defaults = {column.name: column.default for column in parts.columns}
    assert defaults["id"] == "AUTO_INCREMENT" and defaults["v"] is None
    assert defaults["w"] == "GENERATED ALWAYS AS (`v` + 1) STORED" and defaults["kind"] == "'a'"
    assert defaults["at"] == "current_timestamp()"
    assert list(mariadb.connector().queries()) == []  # type: ignore[attr-defined]


def test_mariadb_tells_names_apart_that_its_collation_takes_for_one(mariadb: Rig) -> None:
    mariadb.execute(
        "CREATE TABLE sale (id int PRIMARY KEY, a int) PARTITION BY HASH (id) PARTITIONS 2",
        "CREATE TABLE Sale (id int PRIMARY KEY, b int, c int) PARTITION BY HASH (id) PARTITIONS 3",
        "CREATE TABLE `salé` (id int, `é` int, `E` int, f int) PARTITION BY KEY (f) PARTITIONS 5",
    )
    found = tables(mariadb)
    assert {name: (each.partitions, len(each.columns)) for name, each in found.items()} == {
        "Sale": (3, 3),
        "sale": (2, 2),
        "salé": (5, 4),
    }
    assert "(id)" not in found["salé"].properties["partition_key"]


SETUP = mysql.SETUP
ODD = (
    r"CREATE TABLE odd (`a\"b\\c` int COMMENT 'a \"quote\", a \\ and \n\t\r\0\b\Z\x1b', `[]` enum('x,\"y', '\\z'),"
    " `ключ` varchar(9) DEFAULT 'null' COMMENT 'naïve 表', d text DEFAULT NULL, e bit(2) DEFAULT b'10',"
    " f varbinary(4) DEFAULT 0xfffe, g varchar(9) DEFAULT '', h int AS (char_length(`ключ`)) VIRTUAL,"
    " i datetime NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(), j json, k int NOT NULL)"
)


@pytest.mark.parametrize("cut", [False, True])
def test_mariadb_tells_columns_together_as_one_by_one(
    mariadb: Rig, cut: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever stands in them, and where one table has more to tell than the server puts together."""
    wide = ", ".join(f"c{number} int COMMENT '{'x' * 1000}'" for number in range(30))
    many = ", ".join(f"'{'é' * 60}{number}'" for number in range(200))
    mariadb.execute(
        ODD, f"CREATE TABLE wide ({wide}, many enum({many}))", "CREATE TABLE z (id int)",
        "CREATE VIEW v AS SELECT * FROM odd",
    )  # fmt: skip
    if cut:
        monkeypatch.setattr(mysql, "SETUP", SETUP.replace("16777216", "20000"))
    together = tables(mariadb)
    if cut:
        assert any("GENERATION_EXPRESSION\nFROM" in each for each in mariadb.statements())
    monkeypatch.setattr(mysql, "puts_together", lambda version: False)
    assert together == tables(mariadb)
    assert len(together["wide"].columns) == 31 and len(together["odd"].columns) == 11
    assert together["odd"].columns[2].description == "naïve 表"


def test_mariadb_keys_of_versioned_tables_have_the_columns_that_were_given(mariadb: Rig) -> None:
    mariadb.execute(
        "CREATE TABLE hidden_end (id int PRIMARY KEY, code int UNIQUE) WITH SYSTEM VERSIONING",
        "CREATE TABLE named_end (id int PRIMARY KEY, row_start timestamp(6) GENERATED ALWAYS AS ROW START,"
        " row_end timestamp(6) GENERATED ALWAYS AS ROW END, PERIOD FOR SYSTEM_TIME (row_start, row_end))"
        " WITH SYSTEM VERSIONING",
    )
    found = tables(mariadb)
    assert [key.columns for key in found["hidden_end"].keys] == [("id",), ("code",)]
    assert [key.columns for key in found["named_end"].keys] == [("id", "row_end")]


def test_mariadb_is_asked_twelve_statements_at_most(mariadb: Rig) -> None:
    """With the role of the grant script, which needs the procedure for views, and with the digests."""
    mariadb.shop()
    mariadb.execute(f"ALTER DATABASE {mariadb.schema} COMMENT 'A shop of its own'")
    settings, secrets = mariadb.role(connector_class("mysql").grant_script)
    reader = connect("mysql", settings, secrets)
    assert isinstance(reader, HasQueries)
    found = [*reader.extract(), *reader.queries()]
    assert "A shop of its own" in [each.description for each in found if isinstance(each, Schema)]
    assert any(each.kind == "view" and each.definition for each in found if isinstance(each, Table))
    sent = [each for each in mariadb.statements() if not each.startswith("SET NAMES")]
    assert len(sent) <= 12, sent


def test_mariadb_says_that_tables_came_or_went(mariadb: Rig) -> None:
    mariadb.execute("CREATE TABLE a (id int)", "CREATE TABLE b (id int)")
    run = mariadb.connector().extract()
    for record in run:
        if isinstance(record, Progress):
            mariadb.execute("CREATE TABLE c (id int)")
            break
    with pytest.raises(SourceInterrupted, match="came or went"):
        list(run)


def test_mysql_texts_get_their_quotes_back() -> None:
    def default_of(default: str | None, extra: str = "") -> str | None:
        row = ("c", 1, "varchar(9)", "YES", default, extra, "", "")
        facts = ("s", "t", "BASE TABLE", "InnoDB", "", 0, 0, None)
        return mysql_table(facts, [row], [], [], None, None, None, mariadb=False).columns[0].default

    assert default_of("it's secret") == "'it''s secret'"
    assert default_of("CURRENT_TIMESTAMP") == "CURRENT_TIMESTAMP"
    assert default_of("uuid()", "DEFAULT_GENERATED") == "uuid()"
    assert default_of("-3.5") == "-3.5" and default_of(None) is None
    assert (title("8.0.36-0ubuntu0"), title("10.11.6-MariaDB-1")) == ("MySQL 8.0.36", "MariaDB 10.11.6")


def test_sqlite_broken_views_hide_nothing_else(sqlite: Rig) -> None:
    sqlite.execute(
        "CREATE TABLE a (id integer PRIMARY KEY, b text, c text GENERATED ALWAYS AS (b || 'x') VIRTUAL)",
        "CREATE TABLE part (x int, y int REFERENCES a, PRIMARY KEY (x, y)) WITHOUT ROWID",
        "CREATE VIEW bad AS SELECT nope FROM missing",
        "CREATE VIEW good AS SELECT * FROM a",
        "CREATE VIRTUAL TABLE words USING fts5 (body)",
    )
    found = tables(sqlite)
    assert set(found) == {"a", "part", "bad", "good", "words"}
    assert found["bad"].columns == () and "missing" in (found["bad"].definition or "")
    assert [column.name for column in found["good"].columns] == ["id", "b", "c"]
    assert [column.name for column in found["words"].columns] == ["body"]
    assert found["a"].columns[2].default == "GENERATED ALWAYS VIRTUAL"
    assert Key("foreign", "fk_part_y", ("y",), "main", "a", ("id",)) in found["part"].keys
    assert found["part"].keys[0].columns == ("x", "y")


def test_duckdb_reads_schemas_comments_and_generated_columns(duckdb: Rig) -> None:
    duckdb.execute(
        "CREATE SCHEMA sales",
        "CREATE TABLE sales.a (id int PRIMARY KEY, b int, c int GENERATED ALWAYS AS (b + 1))",
        "COMMENT ON COLUMN sales.a.b IS 'a number'",
        "CREATE TEMP TABLE scratch (x int)",
    )
    found = tables(duckdb)
    assert list(found) == ["a"]
    assert found["a"].schema == "sales" and found["a"].columns[1].description == "a number"
    assert (found["a"].columns[2].default or "").startswith("GENERATED ALWAYS AS (")


def test_two_connections_to_one_duckdb_file_at_once(duckdb: Rig) -> None:
    duckdb.shop()
    run = duckdb.connector().extract()
    next(iter(run))
    assert len(tables(duckdb)) == 3
    run.close()  # type: ignore[attr-defined]


def test_the_form_follows_from_the_settings() -> None:
    form = {field.name: field for field in fields_of(connector_class("postgres"))}
    assert form["password"].secret and form["password"].kind == "secret"
    assert form["schemas"].kind == "list" and form["port"].kind == "int"
    assert form["ssl_mode"].choices == ("disable", "prefer", "require", "verify-ca", "verify-full")
    assert form["ssl_mode"].default == "prefer" and not form["url"].required


def test_names_of_connectors() -> None:
    assert connector_class("PostgreSQL") is connector_class("postgres")
    assert connector_class("mariadb") is connector_class("mysql")
    with pytest.raises(BadSettings, match="no connector of type 'nonsense'"):
        connector_class("nonsense")
    assert {"postgres", "mysql", "sqlite", "duckdb"} <= set(connectors())


def test_a_driver_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import connectors as registry

    (tmp_path / "wants_a_driver.py").write_text("import no_such_driver_anywhere\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(registry.CONNECTORS, "wanting", "wants_a_driver:Wanting")
    registry.connectors.cache_clear()
    try:
        with pytest.raises(MissingDriver, match="pip install 'docent\\[wanting\\]'"):
            connector_class("wanting")
    finally:
        monkeypatch.undo()
        registry.connectors.cache_clear()


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("postgresql://u:p@h/d", True),
        ("postgresql://u:p#a/b?c@h/d", True),
        ("mysql+pymysql://u:@h/d", False),
        ("postgresql://u@h:5432/d", False),
        ("sqlite:////a/b.db", False),
        ("duckdb:///md:?motherduck_token=abc", True),
        ("postgresql://u@h/d?password=abc", True),
        ("not a url", False),
    ],
)
def test_a_url_with_a_password_is_known_for_one(url: str, secret: bool) -> None:
    assert has_password(url) is secret


def test_a_url_means_what_it_means_elsewhere() -> None:
    from sqlalchemy import make_url

    from connectors.urls import parse_url

    for url in ("postgresql+psycopg://a%20b:c%40d@host:99/na%2Fme?sslmode=require", "mysql://[::1]:3306/x"):
        ours, theirs = parse_url(url, ("postgresql", "mysql")), make_url(url)
        assert (ours.user, ours.password, ours.host, ours.port) == (
            theirs.username,
            theirs.password,
            theirs.host,
            theirs.port,
        )


def test_mariadb_columns_that_are_cut_between_two_are_read_one_by_one(
    mariadb: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the server has cut there is JSON all the same."""
    mariadb.execute("CREATE TABLE t (a int, b int, c int, d int)")
    one = len('["a", 1, "int(11)", "YES", "NULL", "", "", null]')
    for longest in (one, 2 * one + 1, 3 * one + 2):
        monkeypatch.setattr(mysql, "SETUP", SETUP.replace("16777216", str(longest)))
        assert [each.name for each in tables(mariadb)["t"].columns] == ["a", "b", "c", "d"]


def test_mariadb_reads_no_certificates_where_none_is_verified(
    mariadb: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(*_given: Any, **_named: Any) -> None:
        raise AssertionError("the certificates of the system were read")

    settings, secrets = mariadb.settings()
    monkeypatch.setattr(ssl, "create_default_context", read)
    url = settings["url"].replace("sslmode=disable", "sslmode=prefer")
    assert "databases visible" in connect("mysql", {"url": url}, secrets).check()


def test_a_database_that_is_not_there(mariadb: Rig) -> None:
    from connectors.errors import PermissionMissing

    with pytest.raises(PermissionMissing, match="no_such"):
        connect("mysql", {"url": "mysql://root@127.0.0.1/no_such"}, {}).check()
