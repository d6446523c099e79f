"""SQL Server's catalog views with their documented columns, in DuckDB: what the connector's statements are run against.

A statement comes as T-SQL, is read by sqlglot, written for DuckDB and executed, so that its joins and conditions are
tried and not only its text. Columns: the pages of sys.objects, sys.columns and so on in Microsoft's documentation.
"""

from __future__ import annotations

import threading
from datetime import datetime
from typing import Any

import duckdb
import sqlglot
from sqlglot import exp

from tests.connectors.tds_server import Refused, Rows

VIEWS = {
    "schemas": "name varchar, schema_id int, principal_id int",
    "database_principals": "name varchar, principal_id int, type varchar",
    "objects": "name varchar, object_id int, principal_id int, schema_id int, type varchar, modify_date timestamp, is_ms_shipped boolean,"
    " create_date timestamp AS (modify_date - INTERVAL 1 DAY)",
    "sql_modules": "object_id int, definition varchar",
    "external_tables": "object_id int, location varchar",
    "columns": "object_id int, name varchar, column_id int, user_type_id int, max_length int, precision int, scale int,"
    " is_nullable boolean, is_identity boolean, is_computed boolean, default_object_id int",
    "types": "name varchar, user_type_id int, system_type_id int",
    "default_constraints": "object_id int, definition varchar",
    "computed_columns": "object_id int, column_id int, definition varchar",
    "indexes": "object_id int, name varchar, index_id int, type_desc varchar, is_unique boolean, is_primary_key boolean,"
    " is_unique_constraint boolean, is_hypothetical boolean",
    "index_columns": "object_id int, index_id int, column_id int, key_ordinal int",
    "foreign_keys": "name varchar, object_id int, parent_object_id int",
    "foreign_key_columns": "constraint_object_id int, constraint_column_id int, parent_object_id int, parent_column_id int,"
    " referenced_object_id int, referenced_column_id int",
    "extended_properties": "class int, major_id int, minor_id int, name varchar, value varchar",
    "partitions": "partition_id bigint, object_id int, index_id int, partition_number int, rows bigint,"
    " hobt_id bigint AS (partition_id + 100)",
    "allocation_units": "container_id bigint, type int, total_pages bigint",
    "sensitivity_classifications": "class int, major_id int, minor_id int, label varchar, information_type varchar",
    "synonyms": "name varchar, schema_id int, base_object_name varchar",
    "sql_expression_dependencies": "referencing_id int, referencing_class int, referenced_class int, referenced_id int,"
    " referenced_server_name varchar, referenced_database_name varchar, referenced_schema_name varchar, referenced_entity_name varchar",
    "query_store_query_text": "query_text_id int, query_sql_text varchar",
    "query_store_query": "query_id int, query_text_id int, is_internal_query boolean",
    "query_store_plan": "plan_id int, query_id int",
    "query_store_runtime_stats": "plan_id int, execution_type int, count_executions bigint, last_execution_time timestamp",
}  # fmt: skip
TYPES = {"int": (56, 4, 10, 0), "nvarchar": (231, 100, 0, 0), "decimal": (106, 9, 10, 2), "datetime2": (42, 8, 23, 3), "varchar": (167, -1, 0, 0)}  # fmt: skip
CHANGED = datetime(2026, 3, 4, 5, 6, 7)


class Catalog:
    """One database. `shut` are the catalog views that the role may not read."""

    def __init__(
        self, *, edition: int = 3, version: str = "16.0.4165.4", shut: frozenset[str] = frozenset()
    ) -> None:
        self.shut = shut
        self._lock = threading.Lock()
        self._engine = duckdb.connect()
        self._next = 1000
        self._engine.execute("CREATE SCHEMA sys")
        for name, columns in VIEWS.items():
            self._engine.execute(f"CREATE TABLE sys.{name} ({columns})")
        self._engine.execute("CREATE MACRO DB_NAME() AS 'shop'")
        # The server stands where it is two hours later than in Greenwich.
        self._engine.execute("CREATE MACRO GETUTCDATE() AS CURRENT_TIMESTAMP - INTERVAL 2 HOUR")
        self._engine.execute(
            f"CREATE MACRO SERVERPROPERTY(n) AS CASE n WHEN 'EngineEdition' THEN '{edition}' ELSE '{version}' END"
        )
        self._engine.execute(
            "CREATE MACRO OBJECT_ID(n) AS (SELECT max(o.object_id) FROM sys.objects o JOIN sys.schemas s USING (schema_id)"
            " WHERE '[' || s.name || '].[' || o.name || ']' = n)"
        )
        self.add("database_principals", ("dbo", 1, "S"), ("guest", 2, "S"))
        self.add("types", *((name, *(facts[0],) * 2) for name, facts in TYPES.items()))
        self._schemas: dict[str, int] = {}
        for name in ("dbo", "sys", "guest"):
            self.schema(name)

    def add(self, view: str, *rows: tuple[Any, ...]) -> None:
        """Put rows into a view, in the order of its columns."""
        parts = ", ".join(f"unnest(${place})" for place in range(1, len(rows[0]) + 1))
        with self._lock:
            self._engine.execute(
                f"INSERT INTO sys.{view} SELECT {parts}", [list(each) for each in zip(*rows, strict=True)]
            )

    def schema(self, name: str) -> int:
        if name not in self._schemas:
            self._schemas[name] = len(self._schemas) + 1
            self.add("schemas", (name, self._schemas[name], 1))
        return self._schemas[name]

    def table(self, schema: str, *names: str, kind: str = "U", text: str | None = None, columns: tuple[tuple[str, str, bool], ...] = (("id", "int", False), ("note", "nvarchar", True))) -> int:  # fmt: skip
        """Tables (or views, with their text) of the same columns; the object id of the last one."""
        rows, parts = [], []
        for name in names:
            self._next += 1
            rows.append((name, self._next, None, self.schema(schema), kind, CHANGED, False))
            for number, (column, type_, nullable) in enumerate(columns, 1):
                parts.append((self._next, column, number, *TYPES[type_], nullable, False, False, 0))
        self.add("objects", *rows)
        if parts:
            self.add("columns", *parts)
        if text is not None:
            self.add("sql_modules", (self._next, text))
        return self._next

    def answer(self, sql: str, values: list[Any]) -> Rows:
        """The rows of one statement. Raises Refused as the server would."""
        tree = sqlglot.parse_one(sql, read="tsql")
        for table in tree.find_all(exp.Table):
            assert table.db == "sys", f"{table.sql()} is no catalog view"
            if table.name in self.shut:
                raise Refused(
                    229, f"The SELECT permission was denied on the object '{table.name}', CANARY.", 14
                )
        text = tree.sql(dialect="duckdb")
        for number, value in enumerate(values, 1):
            text = text.replace(f"$P{number}", f"${number}").replace(f"@P{number}", f"${number}")
            assert isinstance(value, str)
        with self._lock:
            found = self._engine.execute(text, values or None)
            return [column[0] for column in found.description], found.fetchall()
