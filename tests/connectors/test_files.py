"""Files that are no database to read, or not now: one clear sentence each, and no data of a file that a view names."""

from __future__ import annotations

import contextlib
import sqlite3
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest

from connectors import connect
from connectors.errors import SourceError, SourceInterrupted, UnreachableSource
from connectors.records import Table


def said(type_: str, path: Path) -> SourceError:
    with pytest.raises(SourceError) as caught:
        list(connect(type_, {"path": str(path)}, {}).extract())
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    path = tmp_path / "warehouse.duckdb"
    with contextlib.closing(duckdb.connect(str(path))) as db:
        db.execute("CREATE TABLE t AS SELECT range AS a FROM range(5000)")
    return path


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shop.db"
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE t (a int)")
        db.commit()
    return path


@pytest.mark.parametrize("type_", ["duckdb", "sqlite"])
def test_a_folder_an_empty_file_and_a_text_are_told_apart(type_: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "text").write_text("no database " * 1000)
    for name, words in (
        ("folder", "is a folder"),
        ("empty", "is empty"),
        ("text", "is not a"),
        ("none", "there is no"),
    ):
        error = said(type_, tmp_path / name)
        assert isinstance(error, UnreachableSource) and words in str(error), name


def test_a_duckdb_file_of_a_newer_version(warehouse: Path) -> None:
    written = bytearray(warehouse.read_bytes())
    struct.pack_into("<Q", written, 12, 250)
    struct.pack_into("<Q", written, 0, _checksum(written[8:4096]))
    warehouse.write_bytes(written)
    assert "version" in str(said("duckdb", warehouse)) and "upgrade" in str(said("duckdb", warehouse))


@pytest.mark.parametrize("damage", [lambda some: some[:9000], lambda some: some[:12] + b"\xfa" + some[13:]])
def test_a_damaged_duckdb_file_is_not_called_locked(
    warehouse: Path, damage: Callable[[bytes], bytes]
) -> None:
    warehouse.write_bytes(damage(warehouse.read_bytes()))
    error = said("duckdb", warehouse)
    assert isinstance(error, UnreachableSource) and "damaged" in str(error)


def test_each_engine_knows_the_file_of_the_other(warehouse: Path, shop: Path) -> None:
    assert "of another engine" in str(said("duckdb", shop))
    assert "is not a SQLite database" in str(said("sqlite", warehouse))


def test_a_sqlite_file_of_a_newer_format(shop: Path) -> None:
    written = bytearray(shop.read_bytes())
    struct.pack_into(">I", written, 44, 9)
    shop.write_bytes(written)
    assert "newer format" in str(said("sqlite", shop))


def test_a_duckdb_file_that_this_process_writes(warehouse: Path) -> None:
    with contextlib.closing(duckdb.connect(str(warehouse))):
        error = said("duckdb", warehouse)
        assert isinstance(error, SourceInterrupted) and "open for writing" in str(error)


@pytest.fixture
def over_files(tmp_path: Path) -> Iterator[Path]:
    """Views over files and an attached database, none of which is there any more."""
    path = tmp_path / "views.duckdb"
    with contextlib.closing(duckdb.connect(str(path))) as db:
        db.execute(f"COPY (SELECT 'canary' AS word, 1 AS n) TO '{tmp_path}/rows.parquet'")
        db.execute(f"COPY (SELECT 'canary' AS word, 1 AS n) TO '{tmp_path}/rows.csv'")
        db.execute(f"ATTACH '{tmp_path}/other.duckdb' AS other")
        db.execute("CREATE TABLE other.main.far (word varchar, n int)")
        db.execute(f"CREATE VIEW of_parquet AS SELECT word, n FROM '{tmp_path}/rows.parquet'")
        db.execute(f"CREATE VIEW of_csv AS SELECT word, n FROM read_csv('{tmp_path}/rows.csv')")
        db.execute("CREATE VIEW of_other AS SELECT word, n FROM other.main.far")
        db.execute("CREATE VIEW of_views AS SELECT p.word, c.n FROM of_parquet p JOIN of_csv c USING (word)")
    for name in ("rows.parquet", "rows.csv", "other.duckdb"):
        (tmp_path / name).unlink()
    yield path


def test_views_over_files_are_read_without_the_files(over_files: Path) -> None:
    found = [
        each for each in connect("duckdb", {"path": str(over_files)}, {}).extract() if isinstance(each, Table)
    ]
    assert [each.name for each in found] == ["of_csv", "of_other", "of_parquet", "of_views"]
    assert all([column.name for column in each.columns] == ["word", "n"] for each in found)


def _checksum(block: bytes | bytearray) -> int:
    """DuckDB's own, of a header whose length is a multiple of eight."""
    result = 5381
    for (word,) in struct.iter_unpack("<Q", block):
        result ^= word * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
    return result
