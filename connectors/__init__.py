"""Connectors: one file per source system, each yielding frozen records of metadata and never a row of data.

What enters is a mapping of text settings and a mapping of secrets; what leaves are the records of
`connectors.records` and, for sources that can run SQL, the batches of `connectors.abilities.RunResult`.
Every error is one of `connectors.errors`. This package knows nothing of the catalog, the LLM, the web or
the environment. Law 1 is kept here: only system catalogs and vendors' metadata interfaces are read.

Adding one is a file and a line in `CONNECTORS` (see docs/write-a-connector.md). A connector of another
distribution announces itself by the entry-point group `docent.connectors` (name = "module:Class").
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import cast

from connectors.abilities import Connector
from connectors.errors import BadSettings, MissingDriver
from connectors.settings import SettingField, fields_of, parse_settings
from connectors.urls import has_password

__all__ = [
    "CONNECTORS",
    "SettingField",
    "connect",
    "connector_class",
    "connectors",
    "fields_of",
    "has_password",
]

CONNECTORS: dict[str, str] = {
    "postgres": "connectors.postgres:Postgres",
    "mysql": "connectors.mysql:MySQL",
    "sqlite": "connectors.sqlite:SQLite",
    "duckdb": "connectors.duckdb:DuckDB",
    "motherduck": "connectors.motherduck:MotherDuck",
    "snowflake": "connectors.snowflake:Snowflake",
    "bigquery": "connectors.bigquery:BigQuery",
    "databricks": "connectors.databricks:Databricks",
    "redshift": "connectors.redshift:Redshift",
    "sqlserver": "connectors.sqlserver:SQLServer",
    "oracle": "connectors.oracle:Oracle",
    "athena": "connectors.athena:Athena",
    "iceberg": "connectors.iceberg:Iceberg",
    "clickhouse": "connectors.clickhouse:ClickHouse",
    "trino": "connectors.trino:Trino",
    "dbt": "connectors.dbt:Dbt",
    "metabase": "connectors.metabase:Metabase",
    "superset": "connectors.superset:Superset",
    "tableau": "connectors.tableau:Tableau",
    "looker": "connectors.looker:Looker",
    "powerbi": "connectors.powerbi:PowerBI",
    "airflow": "connectors.airflow:Airflow",
    "redash": "connectors.redash:Redash",
    "datahub": "connectors.datahub:DataHub",
    "openmetadata": "connectors.openmetadata:OpenMetadata",
    "dbt_cloud": "connectors.dbt_cloud:DbtCloud",
    "fivetran": "connectors.fivetran:Fivetran",
    "airbyte": "connectors.airbyte:Airbyte",
    "dagster": "connectors.dagster:Dagster",
    "prefect": "connectors.prefect:Prefect",
}

_Class = type[Connector]

# What people write for the same thing; the names on the right are those of CONNECTORS.
_OTHER_NAMES = {
    "postgresql": "postgres",
    "pg": "postgres",
    "mariadb": "mysql",
    "sqlite3": "sqlite",
    "mssql": "sqlserver",
    "synapse": "sqlserver",
}


@cache
def connectors() -> dict[str, str]:
    """Every connector by name -> "module:Class": ours and those of installed distributions (ours win)."""
    from importlib.metadata import entry_points  # reads every distribution's files, so only where it is asked

    found = {point.name: point.value for point in entry_points(group="docent.connectors")}
    return {**found, **CONNECTORS}


def connector_class(type: str) -> type[Connector]:
    """The class of a connector, imported on first use.

    Raises BadSettings for a name that no connector has, MissingDriver (the text is the pip command) where
    a package that the connector's module needs is not installed.
    """
    name = _OTHER_NAMES.get(type.strip().lower(), type.strip().lower())
    known = CONNECTORS if name in CONNECTORS else connectors()
    if name not in known:
        raise BadSettings(f"there is no connector of type {type!r}; there are {', '.join(sorted(known))}")
    module, _, attribute = known[name].partition(":")
    try:
        loaded = import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] == module.split(".")[0]:
            raise
        raise MissingDriver(f"the {name} connector needs a package: pip install 'docent[{name}]'") from error
    return cast(_Class, getattr(loaded, attribute))


def connect(type: str, settings: Mapping[str, str], secrets: Mapping[str, str]) -> Connector:
    """A connector with its settings. Nothing is opened yet: `check()` and `extract()` do that.

    Raises BadSettings naming the setting that is missing, unknown or unusable.
    """
    made = connector_class(type)
    return made(parse_settings(made.settings, settings, secrets))
