"""DuckDB files: reads the `duckdb_*()` catalog functions in one transaction, a constant number of statements.

DuckDB has no roles. The file is opened read-only with external access off and the configuration locked, for
extraction and for queries alike (one process must open a file in one way). The statements below name catalog
functions only; storage information and statistics (`pragma_storage_info`), which hold values, are not read.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, ClassVar

from connectors.duckdb_run import DuckDBRuns, connect_error, open_read_only
from connectors.errors import SourceInterrupted
from connectors.files import FileSettings, file_of, must_exist
from connectors.records import Column, Database, Index, Key, Progress, Record, Schema, Table
from connectors.selection import Selection

if TYPE_CHECKING:
    import duckdb

# ------------------------------------------------------------------ the statements, in the order they are sent

DATABASE = """
SELECT current_database(), version(), (SELECT comment FROM duckdb_databases() WHERE database_name = current_database())
"""
# "main" counts as the engine's own until something is in it.
SCHEMAS = """
SELECT schema_name, comment FROM duckdb_schemas()
WHERE database_name = current_database() AND {schemas}
  AND (NOT internal OR schema_name IN (
        SELECT schema_name FROM duckdb_tables() WHERE database_name = current_database() AND NOT internal
        UNION SELECT schema_name FROM duckdb_views() WHERE database_name = current_database() AND NOT internal))
ORDER BY schema_name
"""
_WANTED = "database_name = current_database() AND NOT internal AND {tables}"
TABLES = f"""
SELECT schema_name, table_name, 'table', comment, NULL, estimated_size, tags
FROM (SELECT *, schema_name || '.' || table_name AS qualified FROM duckdb_tables()) WHERE NOT temporary AND {_WANTED}
UNION ALL
SELECT schema_name, view_name, 'view', comment, sql, NULL, tags
FROM (SELECT *, schema_name || '.' || view_name AS qualified FROM duckdb_views()) WHERE NOT temporary AND {_WANTED}
ORDER BY 1, 2
"""
COLUMNS = f"""
SELECT schema_name, table_name, column_name, column_index, data_type, is_nullable, column_default, comment,
       is_generated
FROM (SELECT *, schema_name || '.' || table_name AS qualified FROM duckdb_columns()) WHERE {_WANTED}
ORDER BY 1, 2, 4
"""
KEYS = """
SELECT schema_name, table_name, constraint_type, constraint_name, constraint_column_names, referenced_table,
       referenced_column_names
FROM duckdb_constraints()
WHERE database_name = current_database() AND constraint_type IN ('PRIMARY KEY', 'UNIQUE', 'FOREIGN KEY')
ORDER BY 1, 2, constraint_index
"""
INDEXES = """
SELECT schema_name, table_name, index_name, is_unique, expressions FROM duckdb_indexes()
WHERE database_name = current_database() ORDER BY 1, 2, 3
"""

GRANT_SCRIPT = """\
-- DuckDB has no roles. Docent opens the file read-only with external access off and names catalog functions only.
-- Give the account that runs Docent read permission on the file:
--   chmod o+r <file>
"""
QUERY_GRANT_SCRIPT = """\
-- DuckDB has no roles. Queries run on a read-only connection with external access off, locked configuration
-- and a memory limit; which tables are visible is decided by Docent's teams. Read permission is enough:
--   chmod o+r <file>
"""

_KEYS = {"PRIMARY KEY": "primary", "UNIQUE": "unique", "FOREIGN KEY": "foreign"}
_BATCH = 2_000


class DuckDBCatalog:
    """The part that reads the catalog of the current database, wherever DuckDB's engine has it from."""

    title: ClassVar[str]
    _selection: Selection

    def check(self) -> str:
        """One sentence with the version, the database and how many schemas would be read."""
        with self._reading() as connection:
            database, version, _ = connection.execute(DATABASE).fetchall()[0]
            schemas = len(self._schemas(connection))
            return f"{self.title} {version.lstrip('v')}, database {database}, {schemas} schemas visible"

    def extract(self) -> Iterator[Record]:
        """The database, its schemas, then every table; closing the iterator closes the file."""
        with self._reading() as connection:
            database, _, comment = connection.execute(DATABASE).fetchall()[0]
            yield Database(database, comment)
            for name, description in self._schemas(connection):
                yield Schema(database, name, description)
            keys = _by_table(connection.execute(KEYS).fetchall())
            indexes = _by_table(connection.execute(INDEXES).fetchall())
            condition, patterns = self._selection.table_condition("schema_name", "qualified", mark="?")
            tables = connection.execute(TABLES.format(tables=condition), patterns * 2).fetchall()
            yield Progress("tables", 0, len(tables))
            columns = groupby(
                _rows(connection.execute(COLUMNS.format(tables=condition), patterns)), key=itemgetter(0, 1)
            )
            ahead = next(columns, None)
            for done, (schema, name, kind, description, text, estimate, tags) in enumerate(tables, 1):
                found: tuple[Column, ...] = ()
                while ahead is not None and ahead[0] < (schema, name):
                    ahead = next(columns, None)
                if ahead is not None and ahead[0] == (schema, name):
                    found = tuple(map(_column, ahead[1]))
                    ahead = next(columns, None)
                yield Table(
                    database=database,
                    schema=schema,
                    name=name,
                    kind=kind,
                    description=description,
                    columns=found,
                    keys=tuple(_key(row) for row in keys.get((schema, name), ())),
                    indexes=tuple(_index(row) for row in indexes.get((schema, name), ())),
                    definition=text,
                    row_estimate=estimate,
                    tags=tuple(sorted(tags or ())),
                )
                if done % 500 == 0 or done == len(tables):
                    yield Progress("tables", done, len(tables))

    def _schemas(self, connection: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
        condition, patterns = self._selection.schema_condition("schema_name", mark="?")
        return connection.execute(SCHEMAS.format(schemas=condition), patterns).fetchall()

    def _reading(self) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """A read-only connection whose current database is the one to read; errors leave as SourceError."""
        raise NotImplementedError


class DuckDB(DuckDBCatalog, DuckDBRuns):
    """Metadata of one DuckDB file; runs guarded SQL on it."""

    name: ClassVar[str] = "duckdb"
    title: ClassVar[str] = "DuckDB"
    dialect: ClassVar[str | None] = "duckdb"
    extracts: ClassVar[tuple[str, ...]] = ("database", "schema", "table", "view", "column")
    extra: ClassVar[str | None] = None
    verified: ClassVar[str] = "real"
    settings: ClassVar[type[FileSettings]] = FileSettings
    grant_script: ClassVar[str] = GRANT_SCRIPT
    query_grant_script: ClassVar[str] = QUERY_GRANT_SCRIPT

    def __init__(self, settings: FileSettings) -> None:
        self._path = file_of(settings, ("duckdb",))
        self._selection = Selection.of(settings.schemas, settings.exclude)

    @contextmanager
    def _reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A read-only connection in one transaction; errors leave as SourceError."""
        import duckdb

        must_exist(self._path, "DuckDB")
        try:
            connection = open_read_only(self._path)
        except duckdb.Error as error:
            raise connect_error(self._path, error) from None
        try:
            connection.execute("BEGIN")
            yield connection
        except duckdb.Error:
            raise SourceInterrupted(
                f"the catalog of {self._path.name!r} could not be read; try again"
            ) from None
        finally:
            connection.close()


def _rows(connection: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    while rows := connection.fetchmany(_BATCH):
        yield from rows


def _by_table(rows: list[tuple[Any, ...]]) -> dict[tuple[str, str], list[tuple[Any, ...]]]:
    return {name: list(group) for name, group in groupby(rows, key=itemgetter(0, 1))}


def _column(row: tuple[Any, ...]) -> Column:
    _, _, name, position, native, nullable, default, comment, generated = row
    if generated and default:
        default = f"GENERATED ALWAYS AS ({default})"
    return Column(name, position, native, nullable, default, comment)


def _key(row: tuple[Any, ...]) -> Key:
    schema, _, kind, name, columns, target, referred = row
    meant: Any = _KEYS[kind]
    if meant != "foreign":
        return Key(meant, name, tuple(columns))
    # DuckDB refuses foreign keys across schemas, and names none here.
    return Key(meant, name, tuple(columns), schema, target, tuple(referred))


def _index(row: tuple[Any, ...]) -> Index:
    _, _, name, unique, expressions = row
    return Index(name, tuple(_names(expressions)), unique=unique, method="art")


def _names(expressions: str) -> Iterator[str]:
    """Columns of an index from DuckDB's list as text: `[n, '"odd name"', '(a + 1)']`."""
    for part in (expressions or "").strip("[]").split(", "):
        bare = part.strip("'\"")
        if bare.replace("_", "").replace(" ", "").isalnum():
            yield bare
        elif bare:
            yield "(expression)"
