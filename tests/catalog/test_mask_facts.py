"""Labels of enumerations and SQL text in properties are literals: none of them is stored or printed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.access.viewer import Viewer
from plugin.catalog.mask_facts import mask_named_sql, mask_properties, mask_type
from plugin.catalog.sync import add_integration, extract, sync
from plugin.store import Store

LABEL = "zqxcanary"


@pytest.mark.parametrize(
    ("native", "masked"),
    [
        ("enum('a','b')", "enum(2 labels)"),
        ("set('it''s','b','c)')", "set(3 labels)"),
        ("enum('one')", "enum(1 label)"),
        ("ENUM('a', 'b')[]", "ENUM(2 labels)[]"),
        ("STRUCT(kind ENUM('a', 'b'), n INTEGER)", "STRUCT(kind ENUM(2 labels), n INTEGER)"),
        ("Enum8('a' = 1, 'b' = 2)", "Enum8(2 labels)"),
        ("Nullable(Enum16('a' = 1))", "Nullable(Enum16(1 label))"),
        ("DateTime64(3, 'UTC')", "DateTime64(3, ?)"),
        ("varchar(80)", "varchar(80)"),
        ("numeric(12,2)", "numeric(12,2)"),
        ("enum('never closed", "enum(0 labels)"),
    ],
)
def test_labels_are_counted(native: str, masked: str) -> None:
    assert mask_type(native) == masked


@given(
    st.lists(st.text().map(lambda text: LABEL + text), min_size=1, max_size=4),
    st.sampled_from(["{}", "ARRAY({})", "x {} y", "{}[3]"]),
)
def test_no_label_survives(labels: list[str], around: str) -> None:
    quoted = ",".join("'" + label.replace("'", "''") + "'" for label in labels)
    for kind in ("enum", "set", "ENUM", "Enum8"):
        assert LABEL not in mask_type(around.replace("{}", f"{kind}({quoted})"))


def test_sql_in_properties_is_masked() -> None:
    told = {
        "partition_key": "LIST (area)",
        "partition_bound": f"FOR VALUES IN ('{LABEL}')",
        "note": f"only '{LABEL}'",
        "engine": "InnoDB",
    }
    masked = mask_properties(told, "postgres")
    assert masked["partition_key"] == "LIST (area)"
    assert masked["partition_bound"] == "FOR VALUES IN (?)"
    assert masked["engine"] == "InnoDB"
    assert LABEL not in str(masked)
    named = mask_named_sql({"compiled_sql": f"SELECT '{LABEL}'", "team": "Ann's"}, "postgres")
    assert named == {"compiled_sql": "SELECT ?", "team": "Ann's"}


def test_a_label_is_neither_stored_nor_printed_duckdb(
    store: Store, admin: Viewer, tmp_path: Path, home: Path
) -> None:
    duckdb = pytest.importorskip("duckdb")
    path = tmp_path / "shop.duckdb"
    with duckdb.connect(str(path)) as db:
        db.execute(f"CREATE TABLE orders (id INTEGER, state ENUM('new', '{LABEL}'))")
        db.execute(f"CREATE TYPE mood AS ENUM ('{LABEL}', 'calm')")
        db.execute("CREATE TABLE moods (m mood)")
    nothing_of_it(store, admin, home, "duckdb", {"path": str(path)})


def test_a_label_is_neither_stored_nor_printed_mariadb(
    store: Store, admin: Viewer, mariadb_url: str, home: Path
) -> None:
    import pymysql
    from sqlalchemy import make_url

    url = make_url(mariadb_url)
    with (
        pymysql.connect(host=url.host, port=url.port or 3306, user=url.username, database=url.database) as db,
        db.cursor() as cursor,
    ):
        cursor.execute(
            f"CREATE TABLE orders (state ENUM('new','it''s {LABEL}','a\\\\'), kinds SET('x','{LABEL}'))"
        )
        cursor.execute(f"ALTER TABLE orders ADD CHECK (state <> '{LABEL}')")
    nothing_of_it(store, admin, home, "mysql", {"url": mariadb_url.replace("mysql+pymysql", "mysql")})


def nothing_of_it(store: Store, admin: Viewer, home: Path, kind: str, settings: dict[str, str]) -> None:
    told = list(extract(kind, settings))
    assert any(record["record"] == "table" for record in told)
    assert LABEL not in json.dumps(told)
    integration = add_integration(store, admin, "shop", kind, settings=settings, secrets={}).id
    done = sync(store, admin, integration)
    assert done.status == "done", done.errors
    with store.as_viewer(admin) as mine:
        state = mine.catalog.by_name("orders.state")
        assert "label" in (state.native_type or "")
    store.close()
    for path in home.iterdir():
        assert LABEL.encode() not in path.read_bytes(), path.name
