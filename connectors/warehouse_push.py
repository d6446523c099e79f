"""Descriptions and tags for Snowflake and Databricks, by the statements of each, over the connectors' wires; and what
these two have in common with BigQuery (`connectors.bigquery_push`).

None of them takes a bind parameter in these statements, so texts and names are quoted by the dialect's own rule, each
in one function below. What is there now is read from the catalog that is current at once (`information_schema`), not
from ACCOUNT_USAGE, which lags by hours and would hide a conflict.

Sources: https://docs.snowflake.com/en/sql-reference/sql/comment and /alter-table (SET TAG);
https://docs.databricks.com/sql/language-manual/sql-ref-syntax-ddl-comment (SET TAGS beside it)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from connectors.databricks import Databricks
from connectors.errors import BadSettings
from connectors.push import Found, Session, Target, databases_of, schemas_of, tables_of
from connectors.snowflake import Snowflake
from connectors.warehouse import Row, quoted, tag_of


class WarehouseSession(ABC):
    """What the three have in common: one open API, statements that are rows or nothing."""

    def __init__(self, connector: Any, api: Any) -> None:
        self._connector, self._api = connector, api

    def _rows(self, statement: str, *given: Any) -> Iterator[Row]:
        rows: Iterator[Row] = self._connector._rows(self._api, statement, *given)
        return rows

    def run(self, statement: str) -> None:
        """Run one statement and wait for its end."""
        for _ in self._rows(statement):
            pass

    def read(self, targets: Sequence[Target], *, tags: bool = False) -> dict[Target, Found]:
        """What the catalog has of `targets`: a constant number of statements a database, and of tags a table."""
        by_database: dict[str, list[Target]] = defaultdict(list)
        for target in targets:
            by_database[target.database or ""].append(target)
        found: dict[Target, Found] = {}
        for database, wanted in by_database.items():
            held, alone, tables = set(wanted), schemas_of(wanted), tables_of(wanted)
            for row in self._database(database) if databases_of(wanted) else ():
                found[Target(database, "")] = Found(row["comment_"] or None)
            for row in self._schemas(database, alone) if alone else ():
                found[Target(database, row["schema_"])] = Found(row["comment_"] or None)
            if not tables:
                continue
            wanted = [each for each in wanted if each.table is not None]
            for row in self._comments(database, sorted({each.schema for each in wanted}), tables):
                target = Target(database, row["schema_"], row["table_"], row["column_"])
                if target in held:
                    view = "view" in str(row["kind_"] or "").lower()
                    found[target] = Found(row["comment_"] or None, facts={"view": view})
            views = {each for each, facts in found.items() if facts.facts["view"]}
            marks = self._tags(database, wanted) if tags else {}
            for target in set(wanted) & set(found):
                facts = {
                    "view": target in views or target.owner in views,
                    "labels": marks.get(target.owner, ()),
                }
                found[target] = Found(found[target].description, frozenset(marks.get(target, ())), facts)
        return found

    @abstractmethod
    def _database(self, database: str) -> Iterator[Row]:
        """A row of comment_; none where databases have no description."""

    @abstractmethod
    def _schemas(self, database: str, schemas: list[str]) -> Iterator[Row]:
        """Rows of schema_, comment_."""

    @abstractmethod
    def _comments(self, database: str, schemas: list[str], tables: list[str]) -> Iterator[Row]:
        """Rows of schema_, table_, column_ (None for the table), kind_, comment_."""

    @abstractmethod
    def _tags(self, database: str, targets: Sequence[Target]) -> dict[Target, list[str]]:
        """Tags by target."""


def _split(tag: str) -> tuple[str, str]:
    """A tag's name, and the value after the first colon."""
    name, _, value = tag.partition(":")
    return (name, value) if name else (tag, "")


def _pairs(tags: Iterable[str], found: Found) -> list[tuple[str, str]]:
    """Names and values of tags to set. BadSettings where another value would go."""
    pairs = [_split(tag) for tag in tags]
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names) or {_split(tag)[0] for tag in found.tags} & set(names):
        raise BadSettings("there is a tag of that name with another value already")
    return pairs


def _in(values: Iterable[str], literal: Any) -> str:
    return ", ".join(literal(each) for each in values)


def parts_of(target: Target) -> list[str]:
    """The parts of its name that it has."""
    parts = [target.database, target.schema, target.table, target.column]
    return [part for part in parts if part]


# --- Snowflake ------------------------------------------------------------------------------------------------------


def snowflake_name(*parts: str) -> str:
    """A name as it is: in double quotes, which keep its case."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)


class SnowflakePush:
    """Writes comments and tags to one Snowflake account."""

    tags: ClassVar[bool] = True
    schemas: ClassVar[bool] = True
    databases: ClassVar[bool] = True
    grant_script: ClassVar[str] = """\
-- A role of its own. Snowflake wants OWNERSHIP (or MODIFY, which also writes rows) for a comment; for tags APPLY TAG.
CREATE ROLE <push_role>;
GRANT USAGE ON WAREHOUSE <warehouse> TO ROLE <push_role>;
GRANT USAGE ON DATABASE <database> TO ROLE <push_role>;
GRANT USAGE ON SCHEMA <database>.<schema> TO ROLE <push_role>;
GRANT ROLE <owning_role> TO ROLE <push_role>;   -- comments
GRANT APPLY TAG ON ACCOUNT TO ROLE <push_role>;  -- tags
GRANT USAGE, CREATE TAG ON SCHEMA <tag_database>.<tag_schema> TO ROLE <push_role>;  -- tags
CREATE USER <push_role> TYPE = SERVICE DEFAULT_ROLE = <push_role> RSA_PUBLIC_KEY = '<public key>';
GRANT ROLE <push_role> TO USER <push_role>;
"""

    def __init__(self, settings: Any) -> None:
        self._connector = Snowflake(settings)
        self._home = (
            tuple(part.strip() for part in settings.tag_schema.split(".")) if settings.tag_schema else ()
        )
        if self._home and len(self._home) != 2:
            raise BadSettings(
                "the setting 'tag_schema' is a database and a schema, for example GOVERNANCE.TAGS"
            )

    @contextmanager
    def open(self) -> Iterator[Session]:
        """A session of the SQL API. Raises SourceError."""
        with self._connector._open() as api:
            yield SnowflakeSession(self._connector, api, self._home)


class SnowflakeSession(WarehouseSession):
    """See `connectors.push.Session`."""

    def __init__(self, connector: Any, api: Any, home: tuple[str, ...]) -> None:
        super().__init__(connector, api)
        self._home = home

    def _database(self, database: str) -> Iterator[Row]:
        where = f"{snowflake_name(database)}.information_schema.databases WHERE database_name = {quoted(database)}"
        return self._rows(f'SELECT comment AS "comment_" FROM {where}')

    def _schemas(self, database: str, schemas: list[str]) -> Iterator[Row]:
        where = f"{snowflake_name(database)}.information_schema.schemata WHERE schema_name IN ({_in(schemas, quoted)})"
        return self._rows(f'SELECT schema_name AS "schema_", comment AS "comment_" FROM {where}')

    def _comments(self, database: str, schemas: list[str], tables: list[str]) -> Iterator[Row]:
        base = f"{snowflake_name(database)}.information_schema"
        where = f"WHERE table_schema IN ({_in(schemas, quoted)}) AND table_name IN ({_in(tables, quoted)})"
        return self._rows(
            f"""SELECT table_schema AS "schema_", table_name AS "table_", NULL AS "column_", table_type AS "kind_",
            comment AS "comment_" FROM {base}.tables {where} UNION ALL
            SELECT table_schema, table_name, column_name, '', comment FROM {base}.columns {where}"""
        )

    def _tags(self, database: str, targets: Sequence[Target]) -> dict[Target, list[str]]:
        found: dict[Target, list[str]] = defaultdict(list)
        for table in dict.fromkeys(each.owner for each in targets):
            name = quoted(snowflake_name(*parts_of(table)))
            base = f"{snowflake_name(database)}.information_schema"
            for row in self._rows(
                f"""SELECT NULL AS "column_", tag_name AS "tag", tag_value AS "value"
                FROM TABLE({base}.tag_references({name}, 'table')) UNION ALL SELECT column_name, tag_name, tag_value
                FROM TABLE({base}.tag_references_all_columns({name}, 'table'))"""
            ):
                found[Target(database, table.schema, table.table, row["column_"])].append(tag_of(row))
        return found

    def describe(self, target: Target, found: Found, text: str | None) -> str:
        """COMMENT ON; '' is how Snowflake says that there is none."""
        word = "COLUMN" if target.column is not None else "SCHEMA" if target.schema else "DATABASE"
        if target.table is not None and target.column is None:
            word = "VIEW" if found.facts["view"] else "TABLE"
        return f"COMMENT ON {word} {snowflake_name(*parts_of(target))} IS {quoted(text or '')}"

    def tag(self, target: Target, found: Found, add: Iterable[str], remove: Iterable[str]) -> tuple[str, ...]:
        """CREATE TAG where it is new, then SET TAG with the value after a colon; UNSET TAG."""
        if not self._home:
            raise BadSettings("give the setting 'tag_schema': where the tags are that Docent pushes")
        word = "VIEW" if found.facts["view"] else "TABLE"
        on = f"ALTER {word} {snowflake_name(*parts_of(target.owner))}"
        if target.column is not None:
            on += f" MODIFY COLUMN {snowflake_name(target.column)}"
        made = []
        for name, value in _pairs(add, found):
            made.append(f"CREATE TAG IF NOT EXISTS {snowflake_name(*self._home, name)}")
            made.append(f"{on} SET TAG {snowflake_name(*self._home, name)} = {quoted(value)}")
        names = (_split(tag)[0] for tag in remove)
        return (*made, *(f"{on} UNSET TAG {snowflake_name(*self._home, name)}" for name in names))


# --- Databricks -----------------------------------------------------------------------------------------------------


def databricks_name(*parts: str) -> str:
    """A name in backticks."""
    return ".".join("`" + part.replace("`", "``") + "`" for part in parts)


def databricks_text(text: str) -> str:
    """A literal: two of Spark's next to each other are one, so a quote is escaped and never doubled."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


class DatabricksPush:
    """Writes comments and tags to one Databricks workspace with Unity Catalog."""

    tags: ClassVar[bool] = True
    schemas: ClassVar[bool] = True
    databases: ClassVar[bool] = True
    grant_script: ClassVar[str] = """\
-- Comments want MODIFY on the table (which also writes rows) or its ownership; tags want APPLY TAG.
GRANT USE CATALOG ON CATALOG <catalog> TO `<push service principal>`;
GRANT USE SCHEMA, APPLY TAG ON SCHEMA <catalog>.<schema> TO `<push service principal>`;
GRANT MODIFY ON SCHEMA <catalog>.<schema> TO `<push service principal>`;
GRANT USE CATALOG ON CATALOG system TO `<push service principal>`;
GRANT USE SCHEMA, SELECT ON SCHEMA system.information_schema TO `<push service principal>`;
-- and 'Can use' on the SQL warehouse.
"""

    def __init__(self, settings: Any) -> None:
        self._connector = Databricks(settings)

    @contextmanager
    def open(self) -> Iterator[Session]:
        """A session of the SQL statements API. Raises SourceError."""
        with self._connector._open() as api:
            yield DatabricksSession(self._connector, api)


class DatabricksSession(WarehouseSession):
    """See `connectors.push.Session`."""

    def _where(self, prefix: str, database: str, schemas: Iterable[str], tables: Iterable[str]) -> str:
        return (
            f"WHERE {prefix}catalog{'_name' if prefix == '' else ''} = {databricks_text(database)}"
            f" AND {prefix or ''}schema{'_name' if prefix == '' else ''} IN ({_in(schemas, databricks_text)})"
            f" AND table_name IN ({_in(tables, databricks_text)})"
        )

    def _database(self, database: str) -> Iterator[Row]:
        return self._rows(
            f"""SELECT comment AS comment_ FROM system.information_schema.catalogs
            WHERE catalog_name = {databricks_text(database)}"""
        )

    def _schemas(self, database: str, schemas: list[str]) -> Iterator[Row]:
        return self._rows(
            f"""SELECT schema_name AS schema_, comment AS comment_ FROM system.information_schema.schemata
            WHERE catalog_name = {databricks_text(database)} AND schema_name IN ({_in(schemas, databricks_text)})"""
        )

    def _comments(self, database: str, schemas: list[str], tables: list[str]) -> Iterator[Row]:
        where = self._where("table_", database, schemas, tables)
        return self._rows(
            f"""SELECT table_schema AS schema_, table_name AS table_, NULL AS column_, table_type AS kind_,
            comment AS comment_ FROM system.information_schema.tables {where} UNION ALL
            SELECT table_schema, table_name, column_name, '', comment FROM system.information_schema.columns {where}"""
        )

    def _tags(self, database: str, targets: Sequence[Target]) -> dict[Target, list[str]]:
        where = self._where("", database, {each.schema for each in targets}, tables_of(targets))
        found: dict[Target, list[str]] = defaultdict(list)
        for row in self._rows(
            f"""SELECT schema_name AS schema_, table_name AS table_, NULL AS column_, tag_name AS tag,
            tag_value AS value FROM system.information_schema.table_tags {where} UNION ALL SELECT schema_name,
            table_name, column_name, tag_name, tag_value FROM system.information_schema.column_tags {where}"""
        ):
            found[Target(database, row["schema_"], row["table_"], row["column_"])].append(tag_of(row))
        return found

    def describe(self, target: Target, found: Found, text: str | None) -> str:
        """COMMENT ON CATALOG, SCHEMA, TABLE (views too) or a view's column; ALTER COLUMN for a table's."""
        name = databricks_name(*parts_of(target.owner))
        if target.column is None:
            word = "TABLE" if target.table is not None else "SCHEMA" if target.schema else "CATALOG"
            return f"COMMENT ON {word} {name} IS {databricks_text(text) if text else 'NULL'}"
        if found.facts["view"]:
            return f"COMMENT ON COLUMN {databricks_name(*parts_of(target))} IS {databricks_text(text or '')}"
        return f"ALTER TABLE {name} ALTER COLUMN {databricks_name(target.column)} COMMENT {databricks_text(text or '')}"

    def tag(self, target: Target, found: Found, add: Iterable[str], remove: Iterable[str]) -> tuple[str, ...]:
        """SET TAGS, UNSET TAGS."""
        on = f"ALTER {'VIEW' if found.facts['view'] else 'TABLE'} {databricks_name(*parts_of(target.owner))}"
        if target.column is not None:
            on += f" ALTER COLUMN {databricks_name(target.column)}"
        more, less = _pairs(add, found), [_split(tag)[0] for tag in remove]
        made = []
        if more:
            listed = ", ".join(f"{databricks_text(name)} = {databricks_text(value)}" for name, value in more)
            made.append(f"{on} SET TAGS ({listed})")
        if less:
            made.append(f"{on} UNSET TAGS ({_in(less, databricks_text)})")
        return tuple(made)
