"""Push back: hostile texts and names against a real PostgreSQL and MariaDB; warehouses' statements read by a parser."""

from __future__ import annotations

import contextlib
import json
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pymysql
import pytest
import sqlglot
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlglot.tokens import TokenType

from connectors.bigquery_push import BigQuerySession
from connectors.errors import BadSettings, PermissionMissing
from connectors.mysql_push import MySQLSession
from connectors.push import PUSHERS, Found, Pusher, Session, Target, Wanted, plan, pusher
from connectors.warehouse_push import DatabricksSession, SnowflakeSession
from tests.connectors.databases import MARIADB, POSTGRES, MariaDBRig, PostgresRig
from tests.connectors.vendor_server import Asked, Vendor, serve

HOSTILE = (
    "it's", "'; DROP TABLE orders; --", '"', "`", "\\", "\\'; DROP TABLE orders; --", "''", "%s %(x)s %%", "{x} {}", "$1 $$ $a$",
    ":name ?", "/* */ -- #", "line\nline\r\n\ttab", "\x01\x7f", "Größe テーブル", "\u2028\u202e\ufeff", "E'x'", "\x1a", "NULL", " ",
)  # fmt: skip
TEXTS = st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(codec="utf-8", max_codepoint=0xFFFF, exclude_characters="\0"), min_size=1, max_size=60))  # fmt: skip
SLOWLY = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def postgres() -> Iterator[PostgresRig]:
    with PostgresRig().made() as rig:
        yield rig


@pytest.fixture
def mariadb() -> Iterator[MariaDBRig]:
    with MariaDBRig().made() as rig:
        yield rig


def pushing(rig: PostgresRig | MariaDBRig) -> Pusher:
    return pusher(rig.type, *rig.settings())


def apply(session: Session, wanted: list[Wanted]) -> list[tuple[str, ...]]:
    """Plan and run; the statements that undo it, each step's in turn."""
    steps = plan(session, wanted)
    assert {step.state for step in steps} <= {"ready", "same"}, steps
    for step in steps:
        for statement in step.statements:
            session.run(statement)
    return [step.undo for step in steps if step.state == "ready"]


# --- PostgreSQL -----------------------------------------------------------------------------------------------------


def test_any_text_arrives_in_postgres_as_it_is_and_is_undone(postgres: PostgresRig) -> None:
    postgres.shop()
    base = postgres.database
    with pushing(postgres).open() as session:

        @SLOWLY
        @given(TEXTS, TEXTS)
        def arrives(first: str, second: str) -> None:
            table, column, view = (
                Target(base, "public", *name) for name in (("orders",), ("orders", "note"), ("open_orders",))
            )
            before = {
                target: found.description for target, found in session.read([table, column, view]).items()
            }
            undo = apply(session, [
                Wanted(table, text=first, expected=before[table]), Wanted(column, text=second, expected=before[column]),
                Wanted(view, text=first, expected=before[view]),
            ])  # fmt: skip
            now = session.read([table, column, view])
            assert [now[each].description for each in (table, column, view)] == [first, second, first]
            for statements in undo:
                for statement in statements:
                    session.run(statement)
            assert {
                target: found.description for target, found in session.read([table, column, view]).items()
            } == before

        arrives()
    with psycopg.connect(**POSTGRES, dbname=base) as connection:  # type: ignore[arg-type]
        names = connection.execute(
            "SELECT relname FROM pg_class WHERE relkind IN ('r', 'v') AND relnamespace = 'public'::regnamespace"
        )
        assert {name for (name,) in names} == {"customers", "orders", "open_orders"}


def test_awkward_names_in_postgres(postgres: PostgresRig) -> None:
    names = [
        'a "quoted" name',
        "it's",
        "dots.in.it",
        "percent%s%%",
        "brace{x}",
        "back\\slash",
        "; DROP TABLE x",
    ]
    postgres.execute(
        *(f"CREATE TABLE {postgres.quote(name)} ({postgres.quote('c ' + name)} int)" for name in names)
    )
    targets = [
        Target(postgres.database, "public", name, column) for name in names for column in (None, "c " + name)
    ]
    with pushing(postgres).open() as session:
        apply(session, [Wanted(each, text=f"about {each.table}") for each in targets])
        assert {each.description for each in session.read(targets).values()} == {
            f"about {name}" for name in names
        }


def test_a_schemas_description_in_postgres(postgres: PostgresRig) -> None:
    postgres.execute('CREATE SCHEMA "it\'s ""odd"""', "CREATE TABLE orders (id int)")
    odd, table = Target(postgres.database, 'it\'s "odd"'), Target(postgres.database, "public", "orders")
    public = Target(postgres.database, "public")
    with pushing(postgres).open() as session:
        before = session.read([odd, public, Target(postgres.database, "none")])
        assert set(before) == {odd, public} and before[odd].description is None
        for text in HOSTILE:
            undo = apply(
                session,
                [
                    Wanted(odd, text=text),
                    Wanted(table, text="x"),
                    Wanted(public, text=text, expected=before[public].description),
                ],
            )
            now = session.read([odd, table, public])
            assert [now[each].description for each in (odd, table, public)] == [text, "x", text]
            for statements in undo:
                for statement in statements:
                    session.run(statement)
            assert session.read([odd, public]) == before
        (step,) = plan(session, [Wanted(odd, text="ours", expected="another")])
        assert step.state == "conflict"


def test_a_databases_description_in_postgres(postgres: PostgresRig) -> None:
    base = Target(postgres.database, "")
    with pushing(postgres).open() as session:
        before = session.read([base, Target("another", "")])
        assert set(before) == {base}

        @SLOWLY
        @given(TEXTS)
        def arrives(text: str) -> None:
            undo = apply(session, [Wanted(base, text=text, expected=before[base].description)])
            assert session.read([base])[base].description == text
            session.run(undo[0][0])
            assert session.read([base]) == before

        arrives()
        session.run(plan(session, [Wanted(base, text="ours")])[0].statements[0])
        with psycopg.connect(**POSTGRES, dbname=postgres.database) as connection:  # type: ignore[arg-type]
            told = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()"
            assert connection.execute(told).fetchone() == ("ours",)
        again = plan(
            session, [Wanted(base, text="x", expected="another"), Wanted(Target("no", ""), text="x")]
        )
        assert [step.state for step in again] == ["conflict", "missing"]


def test_every_kind_of_relation(postgres: PostgresRig) -> None:
    postgres.execute(
        "CREATE TABLE p (a int) PARTITION BY RANGE (a)", "CREATE MATERIALIZED VIEW m AS SELECT 1 AS a",
        "CREATE EXTENSION IF NOT EXISTS file_fdw", "CREATE SERVER files FOREIGN DATA WRAPPER file_fdw",
        "CREATE FOREIGN TABLE f (a int) SERVER files OPTIONS (filename '/dev/null')",
    ) if _has_file_fdw(postgres) else postgres.execute(
        "CREATE TABLE p (a int) PARTITION BY RANGE (a)", "CREATE MATERIALIZED VIEW m AS SELECT 1 AS a"
    )  # fmt: skip
    targets = [Target(postgres.database, "public", name, column) for name in "pmf" for column in (None, "a")]
    with pushing(postgres).open() as session:
        there = list(session.read(targets))
        assert len(there) >= 4
        apply(session, [Wanted(each, text="x") for each in there])
        assert {each.description for each in session.read(there).values()} == {"x"}


def _has_file_fdw(rig: PostgresRig) -> bool:
    with psycopg.connect(**POSTGRES, dbname=rig.database) as connection:  # type: ignore[arg-type]
        return (
            connection.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'file_fdw'").fetchone()
            is not None
        )


def test_what_somebody_changed_meanwhile_is_a_conflict(postgres: PostgresRig, mariadb: MariaDBRig) -> None:
    for rig in (postgres, mariadb):
        rig.shop()
        base = rig.database
        table, column = Target(base, rig.schema, "orders"), Target(base, rig.schema, "orders", "note")
        with pushing(rig).open() as session:
            steps = plan(session, [
                Wanted(table, text="ours", expected="What was bought"), Wanted(column, text="ours", expected="as it was long ago"),
                Wanted(column, text="Free text", expected=None), Wanted(Target(base, rig.schema, "gone"), text="ours"),
                Wanted(table, text="a\0b", expected="What was bought"), Wanted(table, "tags", tags=("pii",)),
            ])  # fmt: skip
        assert [step.state for step in steps] == ["ready", "conflict", "same", "missing", "cannot", "cannot"]
        assert steps[1].now == "Free text" and steps[1].statements == ()


def test_a_role_that_owns_nothing_writes_nothing(postgres: PostgresRig, mariadb: MariaDBRig) -> None:
    for rig in (postgres, mariadb):
        rig.shop()
        from connectors import connector_class

        bare = pusher(rig.type, *rig.role(connector_class(rig.type).grant_script))
        target = Target(rig.database, rig.schema, "orders")
        with bare.open() as session:
            (step,) = plan(session, [Wanted(target, text="SECRET-TEXT", expected="What was bought")])
            assert step.state == "ready"
            with pytest.raises(PermissionMissing, match="push grant script") as refused:
                session.run(step.statements[0])
        assert "SECRET-TEXT" not in str(refused.value)


def test_the_push_grant_of_postgres_is_enough(postgres: PostgresRig) -> None:
    postgres.shop()
    owner = f"rig_owner_{uuid.uuid4().hex[:8]}"
    postgres.execute(f"CREATE ROLE {owner}", f"ALTER TABLE orders OWNER TO {owner}")
    try:
        script = pushing(postgres).grant_script.replace("<push_role>", "<role>")
        place, secrets = postgres.role(script, owning_role=owner)
        mine, other = (Target(postgres.database, "public", name) for name in ("orders", "customers"))
        with pusher("postgres", place, secrets).open() as session:
            steps = plan(
                session, [Wanted(mine, text="ours", expected="What was bought"), Wanted(other, text="ours")]
            )
            session.run(steps[0].statements[0])
            with pytest.raises(PermissionMissing):
                session.run(steps[1].statements[0])
            assert session.read([mine])[mine].description == "ours"
    finally:
        postgres.execute(
            "ALTER TABLE orders OWNER TO postgres",
            f"REVOKE {owner} FROM {place['url'].split('://')[1].split('@')[0]}",
            f"DROP ROLE {owner}",
        )


def test_the_push_grant_is_enough_and_reads_no_row(mariadb: MariaDBRig) -> None:
    mariadb.shop()
    script = pushing(mariadb).grant_script.replace("<push_role>", "<role>")
    place, secrets = mariadb.role(script)
    narrow = pusher("mysql", place, secrets)
    targets = [Target(None, mariadb.schema, "orders"), Target(None, mariadb.schema, "orders", "customer_id")]
    with narrow.open() as session:
        apply(
            session,
            [Wanted(targets[0], text="ours", expected="What was bought"), Wanted(targets[1], text="ours")],
        )
        assert {found.description for found in session.read(targets).values()} == {"ours"}
        with pytest.raises(PermissionMissing):
            session.run(f"SELECT * FROM {mariadb.schema}.orders")


# --- MariaDB --------------------------------------------------------------------------------------------------------

COLUMNS = (
    "a int", "b int NOT NULL DEFAULT 7", "c varchar(40) CHARACTER SET latin1 COLLATE latin1_german2_ci DEFAULT 'it''s, (x) COMMENT ''y'''",
    "d timestamp NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp()", "e timestamp NULL DEFAULT NULL",
    "f datetime(3) DEFAULT current_timestamp(3)", "g decimal(10,2) UNSIGNED ZEROFILL", "h enum('a,b', 'c)''d', 'COMMENT ''x''') DEFAULT 'a,b'",
    "i int INVISIBLE DEFAULT 3", "j varchar(200) COMPRESSED", "k int CHECK (k > 0 and k <> 5)", "l varchar(9) COMMENT 'old' CHECK (l <> 'COMMENT')",
    "m int GENERATED ALWAYS AS (a + 1) VIRTUAL", "n int GENERATED ALWAYS AS (a + 2) STORED", "o json", "p text DEFAULT concat('x', '(')",
    "q set('x','y') NOT NULL", "r bit(3) DEFAULT b'101'", "s point NOT NULL", "t binary(4) DEFAULT 0x00FF", "u year", "v double DEFAULT 1.5e10",
    "w timestamp NOT NULL DEFAULT '0000-00-00 00:00:00'", "`x ``y``, (` int COMMENT 'back\\\\slash ''q'' \"d\"'", "y bigint UNSIGNED", "z uuid",
    "aa inet6", "bb varchar(3) DEFAULT NULL COMMENT 'x'", "cc longblob", "dd time(6)", "ee char(0)", "ff int DEFAULT (1 + 2)",
)  # fmt: skip


def _shape(rig: MariaDBRig, table: str) -> tuple[list[Any], list[Any], bytes]:
    """Everything about a table but its comments: its columns, its keys, its own CREATE text."""
    connection = pymysql.connect(**MARIADB, database=rig.schema, charset="utf8mb4", use_unicode=False)  # type: ignore[arg-type]
    with contextlib.closing(connection), connection.cursor() as cursor:
        cursor.execute(
            "SELECT COLUMN_NAME, ORDINAL_POSITION, COLUMN_DEFAULT, IS_NULLABLE, COLUMN_TYPE, CHARACTER_SET_NAME, COLLATION_NAME,"
            " COLUMN_KEY, EXTRA, GENERATION_EXPRESSION, DATETIME_PRECISION, NUMERIC_SCALE FROM information_schema.COLUMNS"
            " WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s ORDER BY ORDINAL_POSITION", (rig.schema, table))  # fmt: skip
        columns = list(cursor.fetchall())
        cursor.execute("SELECT CONSTRAINT_NAME, LEVEL, CHECK_CLAUSE FROM information_schema.CHECK_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = %s AND TABLE_NAME = %s ORDER BY 1", (rig.schema, table))  # fmt: skip
        checks = list(cursor.fetchall())
        cursor.execute(f"SHOW CREATE TABLE `{table}`")
        created = bytes((cursor.fetchone() or (b"", b""))[1])
    return columns, checks, re.sub(rb" COMMENT[ =]'(?:[^'\\]|''|\\.)*'", b"", created)


@pytest.mark.parametrize("engine", ["InnoDB", "MyISAM", "Aria"])
def test_nothing_but_the_comment_changes(mariadb: MariaDBRig, engine: str) -> None:
    """A column of every kind, in every engine: after any text, and after its undoing, all else is as it was."""
    mariadb.execute(
        f"CREATE TABLE parent (id int PRIMARY KEY) ENGINE={engine}",
        "SET sql_mode = ''",
        f"CREATE TABLE wide (id int NOT NULL AUTO_INCREMENT, {', '.join(COLUMNS)}, y2 int, PRIMARY KEY (id), KEY by_a (a, b),"
        f" UNIQUE (c), CHECK (a <> 99), FOREIGN KEY (y2) REFERENCES parent (id)) ENGINE={engine} COMMENT 'old, ''(x)'",
        "INSERT INTO wide (s, q) VALUES (POINT(1, 1), 'x')",
    )
    names = [row[0].decode() for row in _shape(mariadb, "wide")[0]]
    assert len(names) == len(COLUMNS) + 2
    shape = _shape(mariadb, "wide")
    with pushing(mariadb).open() as session:
        for name, why in (("t", "bytes"), ("n", "stored generated")):
            names.remove(name)
            (step,) = plan(session, [Wanted(Target(None, mariadb.schema, "wide", name), text="x")])
            assert step.state == "cannot" and why in step.reason
        targets = [Target(None, mariadb.schema, "wide", name) for name in (None, *names)]

        @settings(max_examples=6 if engine == "InnoDB" else 2, deadline=None)
        @given(st.lists(TEXTS, min_size=len(targets), max_size=len(targets)))
        def keeps(texts: list[str]) -> None:
            before = {target: found.description for target, found in session.read(targets).items()}
            wanted = [
                Wanted(target, text=text, expected=before[target])
                for target, text in zip(targets, texts, strict=True)
            ]
            undo = apply(session, wanted)
            now = session.read(targets)
            assert {target: now[target].description for target in targets} == dict(
                zip(targets, texts, strict=True)
            )
            assert _shape(mariadb, "wide") == shape
            for statements in undo:
                session.run(statements[0])
            assert {target: found.description for target, found in session.read(targets).items()} == before
            assert _shape(mariadb, "wide") == shape

        keeps()


def test_a_databases_description_in_mariadb(mariadb: MariaDBRig) -> None:
    mariadb.shop()
    base, table = Target(None, mariadb.schema), Target(None, mariadb.schema, "orders")
    connection = pymysql.connect(**MARIADB, charset="utf8mb4")  # type: ignore[arg-type]

    def at_source() -> tuple[Any, ...]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = %s", mariadb.schema)
            return cursor.fetchone() or ()

    with contextlib.closing(connection), connection.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE `{mariadb.schema}` CHARACTER SET latin1 COLLATE latin1_german2_ci")
        shape = at_source()
        with pushing(mariadb).open() as session:

            @SLOWLY
            @given(TEXTS)
            def arrives(text: str) -> None:
                undo = apply(
                    session, [Wanted(base, text=text), Wanted(table, text="x", expected="What was bought")]
                )
                assert session.read([base])[base].description == text
                assert at_source()[:-1] == shape[:-1]  # the comment is the last, and nothing else changed
                for statements in undo:
                    session.run(*statements)
                assert at_source() == shape

            arrives()
            steps = plan(session, [
                Wanted(base, text="x" * 1025), Wanted(base, text="\U0001f600"), Wanted(base, text="x", expected="another"),
                Wanted(Target(None, "no such"), text="x"), Wanted(base, text="x" * 1024),
            ])  # fmt: skip
            assert [step.state for step in steps] == ["cannot", "cannot", "conflict", "missing", "ready"]
            session.run(steps[-1].statements[0])
        with pytest.raises(BadSettings, match="no comments on databases"):
            MySQLSession(connection, server_of(pushing(mariadb)), "8.4.3").describe(base, Found("", facts={"view": False}), "x")  # fmt: skip


def server_of(made: Pusher) -> Any:
    return made._server  # type: ignore[attr-defined]


def test_what_mysql_cannot_keep_is_said_before_anything_runs(mariadb: MariaDBRig) -> None:
    mariadb.shop()
    orders, note = Target(None, mariadb.schema, "orders"), Target(None, mariadb.schema, "orders", "note")
    view = Target(None, mariadb.schema, "open_orders")
    with pushing(mariadb).open() as session:
        steps = plan(session, [
            Wanted(note, text="x" * 1025, expected="Free text"), Wanted(orders, text="x" * 2048, expected="What was bought"),
            Wanted(note, text="\U0001f600", expected="Free text"), Wanted(view, text="about"), Wanted(Target(None, mariadb.schema, "open_orders", "id"), text="about"),
        ])  # fmt: skip
        assert [step.state for step in steps] == ["cannot", "ready", "cannot", "cannot", "cannot"]
        assert all(step.reason for step in steps if step.state == "cannot")
        session.run(steps[1].statements[0])


def test_there_is_a_pusher_for_each_of_the_six_and_no_other(tmp_path: Path) -> None:
    assert set(PUSHERS) == {"postgres", "mysql", "snowflake", "bigquery", "redshift", "databricks"}
    with pytest.raises(BadSettings, match="nothing can be pushed"):
        pusher("metabase", {}, {})


# --- warehouses -----------------------------------------------------------------------------------------------------

NAMES = st.one_of(st.sampled_from(["it's", 'a"b', "a`b", "a.b", "a\\b", "; DROP", "Größe"]), st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S"), exclude_characters="\\"), min_size=1, max_size=12))  # fmt: skip
SESSIONS: dict[str, Session] = {
    "snowflake": SnowflakeSession(None, None, ("GOV", 'TA"GS')),
    "databricks": DatabricksSession(None, None),
    "bigquery": BigQuerySession(None, None),
}


@pytest.mark.parametrize("dialect", sorted(SESSIONS))
@settings(max_examples=200, deadline=None)
@given(st.lists(NAMES, min_size=4, max_size=4), TEXTS, st.booleans(), st.booleans())
def test_a_parser_reads_one_statement_with_exactly_our_text(
    dialect: str, names: list[str], text: str, column: bool, view: bool
) -> None:
    target = Target(names[0], names[1], names[2], names[3] if column else None)
    session, found = SESSIONS[dialect], Found("old", facts={"view": view, "labels": ()})
    parts = names[: 4 if column else 3]
    if dialect == "bigquery" and any("`" in part or "\\" in part for part in parts):
        with pytest.raises(BadSettings):
            session.describe(target, found, text)
        return
    tokens = sqlglot.tokenize(session.describe(target, found, text), read=dialect)
    said = [token.text for token in tokens if token.token_type is TokenType.STRING]
    if dialect == "bigquery":  # whose \\u001a this tokenizer leaves as it is written
        said = [re.sub(r"\\u(00[01][0-9a-f])", lambda code: chr(int(code[1], 16)), each) for each in said]
    assert said == [text]
    assert [token.text for token in tokens if token.token_type is TokenType.IDENTIFIER] == parts
    assert not [token for token in tokens if token.token_type is TokenType.SEMICOLON or token.comments]
    if dialect != "bigquery":
        name, _, value = text.partition(":") if text[0] != ":" else (text, "", "")
        *_, last = put = session.tag(target, found, [text], ())
        for statement in put + session.tag(target, found, (), [text]):
            parts = sqlglot.tokenize(statement, read=dialect)
            kinds = (TokenType.STRING, TokenType.IDENTIFIER)
            said = [token.text for token in parts if token.token_type in kinds]
            assert name in said and (statement is not last or value in said)
            assert not [token for token in parts if token.token_type is TokenType.SEMICOLON]


@pytest.mark.parametrize("dialect", sorted(SESSIONS))
@settings(max_examples=100, deadline=None)
@given(st.lists(NAMES, min_size=1, max_size=2), TEXTS)
def test_a_parser_reads_exactly_our_text_about_a_schema_or_database(
    dialect: str, names: list[str], text: str
) -> None:
    session, target = SESSIONS[dialect], Target(names[0], "".join(names[1:]))
    if dialect == "bigquery" and len(names) == 1:
        return
    if dialect == "bigquery" and any("`" in part or "\\" in part for part in names):
        with pytest.raises(BadSettings):
            session.describe(target, Found("old"), text)
        return
    statement = session.describe(target, Found("old"), text)
    tokens = sqlglot.tokenize(statement, read=dialect)
    said = [token.text for token in tokens if token.token_type is TokenType.STRING]
    if dialect == "bigquery":
        said = [re.sub(r"\\u(00[01][0-9a-f])", lambda code: chr(int(code[1], 16)), each) for each in said]
    assert (
        said == [text]
        and [token.text for token in tokens if token.token_type is TokenType.IDENTIFIER] == names
    )
    word = "SCHEMA" if len(names) == 2 else "CATALOG" if dialect == "databricks" else "DATABASE"
    assert statement.startswith("ALTER SCHEMA " if dialect == "bigquery" else f"COMMENT ON {word} ")


@pytest.mark.parametrize("dialect", sorted(SESSIONS))
def test_a_warehouses_schemas_are_read_and_written(dialect: str) -> None:
    text = '"old"' if dialect == "bigquery" else "old"
    told = _Told([{"schema_": "S", "comment_": text}, {"schema_": "E", "comment_": None}], [])
    session = type(SESSIONS[dialect])(told, None, *((("GOV", "TAGS"),) if dialect == "snowflake" else ()))  # type: ignore[call-arg]
    steps = plan(session, [Wanted(Target("D", "S"), text="new", expected="old"), Wanted(Target("D", "E"), text="new", expected="gone"),
                           Wanted(Target("D", "X"), text="new")])  # fmt: skip
    assert [step.state for step in steps] == ["ready", "conflict", "missing"] and told.reads == 1
    assert "new" in steps[0].statements[0] and "old" in steps[0].undo[0]


@pytest.mark.parametrize("dialect", ["databricks", "snowflake"])
def test_a_warehouses_databases_are_read_and_written(dialect: str) -> None:
    told = _Told([{"comment_": "old"}], [])
    session = type(SESSIONS[dialect])(told, None, *((("GOV", "TAGS"),) if dialect == "snowflake" else ()))  # type: ignore[call-arg]
    steps = plan(
        session, [Wanted(Target("D", ""), text="new", expected="old"), Wanted(Target("D", ""), text="new")]
    )
    assert [step.state for step in steps] == ["ready", "conflict"] and told.reads == 1
    assert "new" in steps[0].statements[0] and "old" in steps[0].undo[0]


class _Told:
    """A connector that answers reads from a table of comments and tags, and keeps what is written."""

    def __init__(self, rows: list[dict[str, Any]], tags: list[dict[str, Any]]) -> None:
        self.rows, self.tags, self.written, self.reads = rows, tags, list[str](), 0
        self._names = {"region": "`p`.`region-eu`.INFORMATION_SCHEMA"}

    def _rows(self, api: object, statement: str, given: list[str] | None = None) -> Iterator[dict[str, Any]]:
        if not statement.lstrip().startswith("SELECT"):
            self.written.append(statement)
            return iter(())
        self.reads += 1
        tagged = "tag_name" in statement or "'labels'" in statement
        return iter(self.tags if tagged else self.rows)


@pytest.mark.parametrize("dialect", sorted(SESSIONS))
def test_a_warehouse_is_read_and_written(dialect: str) -> None:
    text = '"old \\"one\\""' if dialect == "bigquery" else 'old "one"'
    row = {"schema_": "S", "table_": "T", "column_": None, "kind_": "BASE TABLE", "comment_": text}
    tag = {
        "schema_": "S",
        "table_": "T",
        "column_": None,
        "tag": "gold",
        "value": None,
        "labels_": '[STRUCT("gold", "")]',
    }
    told = _Told([row, {**row, "column_": "C", "kind_": "", "comment_": "a column"}], [tag])
    session: Session = {
        "snowflake": SnowflakeSession(told, None, ("GOV", "TAGS")),
        "databricks": DatabricksSession(told, None),
        "bigquery": BigQuerySession(told, None),
    }[dialect]
    table, column = Target("D", "S", "T"), Target("D", "S", "T", "C")
    steps = plan(session, [
        Wanted(table, text="new", expected='old "one"'), Wanted(column, text="new", expected="something else"),
        Wanted(table, "tags", tags=("gold", "pii")), Wanted(table, "tags", tags=("gold",)), Wanted(Target("D", "S", "X"), text="x"),
    ])  # fmt: skip
    assert [step.state for step in steps] == ["ready", "conflict", "ready", "same", "missing"]
    assert told.reads <= 3 and told.written == []
    assert "new" in steps[0].statements[0] and "old" in steps[0].undo[0]
    assert "pii" in steps[2].statements[-1]
    assert ("pii" in steps[2].undo[-1]) is (dialect != "bigquery")
    assert "gold" not in steps[2].undo[-1] or dialect == "bigquery"
    for step in steps:
        for statement in (*step.statements, *step.undo):
            session.run(statement)
    assert len(told.written) == (5 if dialect == "snowflake" else 4)


@pytest.mark.parametrize("dialect", ["databricks", "snowflake"])
def test_a_tags_value_goes_with_it_and_never_over_another(dialect: str) -> None:
    target, text = Target("D", "S", "T"), "it's: x"
    tags = [
        {"schema_": "S", "table_": "T", "column_": None, "tag": "pii", "value": "low"},
        {"schema_": "S", "table_": "T", "column_": None, "tag": "gold", "value": ""},
    ]
    row = {"schema_": "S", "table_": "T", "column_": None, "kind_": "BASE TABLE", "comment_": None}
    session = type(SESSIONS[dialect])(
        _Told([row], tags), None, *((("GOV", "TAGS"),) if dialect == "snowflake" else ())
    )  # type: ignore[call-arg]
    steps = plan(session, [
        Wanted(target, "tags", tags=("pii:low", "gold")), Wanted(target, "tags", tags=("pii:high",)),
        Wanted(target, "tags", tags=("pii",)), Wanted(target, "tags", tags=("team:a", "team:b")),
        Wanted(target, "tags", tags=("pii:low", f"team:{text}")),
    ])  # fmt: skip
    assert [step.state for step in steps] == ["same", "cannot", "cannot", "cannot", "ready"]
    tokens = sqlglot.tokenize(steps[4].statements[-1], read=dialect)
    assert text in [token.text for token in tokens if token.token_type is TokenType.STRING]
    assert "team" in steps[4].undo[0] and "it" not in steps[4].undo[0] and "pii" not in steps[4].undo[0]


def test_labels_that_bigquery_does_not_take() -> None:
    for labels, tag in (((), "PII"), ((), "a b"), (("team:x",), "team:y"), ((), "ü")):
        with pytest.raises(BadSettings):
            SESSIONS["bigquery"].tag(
                Target("d", "s", "t"), Found(facts={"view": False, "labels": labels}), [tag], ()
            )


def test_redshift_describes_schemas(postgres: PostgresRig) -> None:
    place, secrets = postgres.settings()
    public = Target(postgres.database, "public")
    with pusher("redshift", place, secrets).open() as session:
        before = session.read([public])
        undo = apply(session, [Wanted(public, text="it's", expected=before[public].description)])
        assert session.read([public])[public].description == "it's"
        session.run(undo[0][0])
        assert session.read([public]) == before


def test_redshift_describes_its_database(postgres: PostgresRig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Redshift keeps the comment, PG_DESCRIPTION, PostgreSQL has it no more: it is copied there after each write."""
    place, secrets = postgres.settings()
    base = Target(postgres.database, "")
    assert pusher("redshift", place, secrets).databases
    with pusher("redshift", place, secrets).open() as session:
        run = session.run

        def ran(statement: str) -> None:
            run(statement)
            postgres.execute(
                "SET allow_system_table_mods = on",
                "DELETE FROM pg_catalog.pg_description WHERE classoid = 'pg_catalog.pg_database'::regclass",
                "INSERT INTO pg_catalog.pg_description SELECT s.objoid, s.classoid, 0, s.description"
                " FROM pg_catalog.pg_shdescription s JOIN pg_database d ON d.oid = s.objoid"
                " WHERE s.classoid = 'pg_catalog.pg_database'::regclass AND d.datname = current_database()",
            )

        monkeypatch.setattr(session, "run", ran)
        before = session.read([base])
        undo = apply(session, [Wanted(base, text="All of it's", expected=None)])
        assert session.read([base])[base].description == "All of it's"
        session.run(undo[0][0])
        assert session.read([base]) == before


def test_redshift_refuses_what_it_might_read_otherwise(postgres: PostgresRig) -> None:
    postgres.execute("CREATE TABLE orders (id int)")
    place, secrets = postgres.settings()
    target = Target(postgres.database, "public", "orders")
    with pusher("redshift", place, secrets).open() as session:
        steps = plan(session, [Wanted(target, text="a \\ b"), Wanted(target, text="it's")])
        assert [step.state for step in steps] == ["cannot", "ready"]
        assert steps[1].statements == ("COMMENT ON TABLE \"public\".\"orders\" IS 'it''s'",)
        session.run(steps[1].statements[0])


@pytest.mark.parametrize("type", ["snowflake", "databricks", "bigquery"])
def test_a_statement_goes_over_the_vendors_wire(type: str) -> None:
    """DDL answers without columns, or with a word about itself; a refusal keeps the vendor's words to itself."""
    sent: list[str] = []

    def answer(asked: Asked) -> Any:
        text = asked.json.get("statement") or asked.json.get("query")
        sent.append(text)
        refused = "REFUSE" in text
        if type == "snowflake":
            if refused:
                return {"code": "003001", "message": "CANARY"}
            facts = {"rowType": [{"name": "status"}], "partitionInfo": [{}]}
            return {
                "resultSetMetaData": facts,
                "statementHandle": "h",
                "data": [["Statement executed successfully."]],
            }
        if type == "databricks":
            state = {"state": "FAILED", "error": {"message": "CANARY"}} if refused else {"state": "SUCCEEDED"}
            return {
                "statement_id": "s",
                "status": state,
                "manifest": {"format": "JSON_ARRAY", "schema": {"column_count": 0}},
            }
        told = {"jobReference": {"jobId": "j"}, "jobComplete": True}
        return {**told, "errors": [{"message": "CANARY"}]} if refused else told

    routes = {
        "POST /api/v2/statements": answer, "POST /api/2.0/sql/statements": answer,
        "POST /bigquery/v2/projects/acme/queries": answer, "POST /token": lambda asked: {"access_token": "t" * 20},
    }  # fmt: skip
    with serve(Vendor(routes)) as vendor:
        settings, secrets = {
            "snowflake": ({"account": "a", "warehouse": "W", "url": vendor.url}, {"token": "t" * 20}),
            "databricks": ({"url": vendor.url, "warehouse": "w"}, {"token": "t" * 20}),
            "bigquery": (
                {"project": "acme", "region": "eu", "url": vendor.url},
                {"key": _service_account(vendor.url)},
            ),
        }[type]
        with pusher(type, settings, secrets).open() as session:
            statement = session.describe(Target("d", "s", "t"), Found(facts={"view": False}), "it's \\ ours")
            session.run(statement)
            assert sent == [statement]
            with pytest.raises(PermissionMissing) as refused:
                session.run("COMMENT ON TABLE REFUSE IS ''")
            assert "CANARY" not in str(refused.value)


def _service_account(url: str) -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    kind = serialization.PrivateFormat.PKCS8
    pem = key.private_bytes(serialization.Encoding.PEM, kind, serialization.NoEncryption()).decode()
    return json.dumps({"client_email": "p@acme.example", "private_key": pem, "token_uri": f"{url}/token"})
