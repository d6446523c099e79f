"""Descriptions and labels for BigQuery, by the statements of GoogleSQL, over the connector's wire.

Sources: https://cloud.google.com/bigquery/docs/reference/standard-sql/data-definition-language
(#alter_table_set_options_statement, #alter_schema_set_options_statement)
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from connectors.bigquery import LABEL, BigQuery
from connectors.errors import BadSettings
from connectors.push import Found, Session, Target, tables_of
from connectors.warehouse import Row
from connectors.warehouse_push import WarehouseSession, parts_of

_LABEL_KEY = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_LABEL_VALUE = re.compile(r"[a-z0-9_-]{0,63}")


def bigquery_text(text: str) -> str:
    """A literal in double quotes: JSON's escapes are among GoogleSQL's, and what is no ASCII stands as it is."""
    return json.dumps(text, ensure_ascii=False)


def bigquery_name(*parts: str) -> str:
    """A name in backticks. BigQuery has no names with a backtick or a backslash."""
    if any("`" in part or "\\" in part for part in parts):
        raise BadSettings("BigQuery has no names with a backtick or a backslash")
    return ".".join(f"`{part}`" for part in parts)


class BigQueryPush:
    """Writes descriptions and labels to one project of BigQuery."""

    tags: ClassVar[bool] = True
    schemas: ClassVar[bool] = True
    databases: ClassVar[bool] = False  # a project has no description
    grant_script: ClassVar[str] = """\
# A service account of its own with a role of your own that changes tables and reads no row:
gcloud iam roles create docentPush --project <project> \\
  --permissions bigquery.tables.get,bigquery.tables.list,bigquery.tables.update,bigquery.jobs.create,\
bigquery.datasets.get,bigquery.datasets.update
gcloud projects add-iam-policy-binding <project> --member serviceAccount:<push account> \\
  --role projects/<project>/roles/docentPush
"""

    def __init__(self, settings: Any) -> None:
        self._connector = BigQuery(settings)

    @contextmanager
    def open(self) -> Iterator[Session]:
        """A session of the jobs API. Raises SourceError."""
        with self._connector._open() as api:
            yield BigQuerySession(self._connector, api)


class BigQuerySession(WarehouseSession):
    """See `connectors.push.Session`. Labels stand on tables alone, and are written all at once."""

    def _database(self, database: str) -> Iterator[Row]:
        return iter(())

    def _schemas(self, database: str, schemas: list[str]) -> Iterator[Row]:
        region = self._connector._names["region"]
        text = f"""SELECT s.schema_name AS schema_, o.option_value AS comment_ FROM {region}.SCHEMATA s
            LEFT JOIN {region}.SCHEMATA_OPTIONS o ON o.schema_name = s.schema_name AND o.option_name = 'description'
            WHERE s.schema_name IN ({", ".join("?" * len(schemas))})"""
        for row in self._rows(text, schemas):
            yield {**row, "comment_": json.loads(row["comment_"]) if row["comment_"] else None}

    def _comments(self, database: str, schemas: list[str], tables: list[str]) -> Iterator[Row]:
        region = self._connector._names["region"]
        marks = (
            f"IN ({', '.join('?' * len(schemas))}) AND {{0}}table_name IN ({', '.join('?' * len(tables))})"
        )
        text = f"""SELECT t.table_schema AS schema_, t.table_name AS table_, CAST(NULL AS STRING) AS column_,
            t.table_type AS kind_, o.option_value AS comment_ FROM {region}.TABLES t
            LEFT JOIN {region}.TABLE_OPTIONS o ON o.table_schema = t.table_schema AND o.table_name = t.table_name
            AND o.option_name = 'description' WHERE t.table_schema {marks.format("t.")} UNION ALL
            SELECT f.table_schema, f.table_name, f.column_name, '', f.description FROM {region}.COLUMN_FIELD_PATHS f
            WHERE f.field_path = f.column_name AND f.table_schema {marks.format("f.")}"""
        for row in self._rows(text, [*schemas, *tables] * 2):
            told = row["comment_"]
            if row["column_"] is None and told:
                told = json.loads(told)
            yield {**row, "comment_": told}

    def _tags(self, database: str, targets: Sequence[Target]) -> dict[Target, list[str]]:
        region = self._connector._names["region"]
        schemas, tables = sorted({each.schema for each in targets}), tables_of(targets)
        text = f"""SELECT table_schema AS schema_, table_name AS table_, option_value AS labels_
            FROM {region}.TABLE_OPTIONS WHERE option_name = 'labels' AND table_schema
            IN ({", ".join("?" * len(schemas))}) AND table_name IN ({", ".join("?" * len(tables))})"""
        return {
            Target(database, row["schema_"], row["table_"]): [
                f"{key}:{value}" if value else key for key, value in LABEL.findall(row["labels_"])
            ]
            for row in self._rows(text, [*schemas, *tables])
        }

    def describe(self, target: Target, found: Found, text: str | None) -> str:
        """SET OPTIONS of the dataset, the table, the view or the column."""
        word = "SCHEMA" if target.table is None else "VIEW" if found.facts["view"] else "TABLE"
        on = f"ALTER {word} {bigquery_name(*parts_of(target.owner))}"
        if target.column is not None:
            on += f" ALTER COLUMN {bigquery_name(target.column)}"
        return f"{on} SET OPTIONS (description = {'NULL' if text is None else bigquery_text(text)})"

    def tag(self, target: Target, found: Found, add: Iterable[str], remove: Iterable[str]) -> tuple[str, ...]:
        """SET OPTIONS with all labels: those there are and stay, and those to add."""
        if target.column is not None:
            raise BadSettings(
                "BigQuery has labels on tables; on columns it has policy tags, which are rights"
            )
        less = set(remove)
        labels = [*(label for label in found.facts["labels"] if label not in less), *add]
        pairs = [tuple(label.partition(":")[::2]) for label in labels]
        for key, value in pairs:
            if not _LABEL_KEY.fullmatch(key) or not _LABEL_VALUE.fullmatch(value):
                raise BadSettings(
                    "a label of BigQuery is of lower-case letters, digits, - and _, as key or key:value"
                )
        if len({key for key, _ in pairs}) < len(pairs):
            raise BadSettings("the table has a label of that key already")
        listed = ", ".join(f"({bigquery_text(key)}, {bigquery_text(value)})" for key, value in pairs)
        on = f"ALTER {'VIEW' if found.facts['view'] else 'TABLE'} {bigquery_name(*parts_of(target))}"
        return (f"{on} SET OPTIONS (labels = [{listed}])",)
