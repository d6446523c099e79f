"""The tables are mapped subject by subject, and all of them for whoever looks at all."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex
from sqlalchemy.types import NullType

from plugin.store import _models
from plugin.store._models import SUBJECTS, Base


def test_the_whole_has_the_tables_of_every_file() -> None:
    there = {path.stem for path in Path(str(_models.__file__)).parent.glob("*.py")} - {"__init__", "base"}
    assert there == {*SUBJECTS, "people", "integrations"}
    mapped = {mapper.class_.__module__.rsplit(".", 1)[-1] for mapper in Base.registry.mappers}
    assert mapped == there


def test_a_column_may_be_null_where_its_annotation_says_none_and_nowhere_else() -> None:
    written = {
        (table.name, column.target.id): ast.unparse(column.annotation).endswith("None]")
        for path in Path(str(_models.__file__)).parent.glob("*.py")
        for table in ast.parse(path.read_text()).body
        if isinstance(table, ast.ClassDef) and table.name.endswith("Row")
        for column in table.body
        if isinstance(column, ast.AnnAssign) and isinstance(column.target, ast.Name)
    }
    columns = {
        (mapper.class_.__name__, each.key): mapper.columns[each.key]
        for mapper in Base.registry.mappers
        for each in mapper.column_attrs
    }
    assert {key: column.nullable for key, column in columns.items()} == written
    assert [key for key, column in columns.items() if isinstance(column.type, NullType)] == []


def test_a_partial_index_is_one_on_both_databases() -> None:
    partial = {
        str(index.name): [
            str(CreateIndex(index).compile(dialect=each.dialect())) for each in (sqlite, postgresql)
        ]
        for table in Base.metadata.tables.values()
        for index in table.indexes
        if index.dialect_options["sqlite"]["where"] is not None
    }
    assert {"ix_resources_columns", "ix_resources_list", "uq_teams_general"} <= partial.keys()
    wheres = {name: {each.partition(" WHERE ")[2] for each in made} for name, made in partial.items()}
    assert {name: found for name, found in wheres.items() if len(found) > 1 or "" in found} == {}


def test_a_sync_maps_no_history_and_loads_no_settings_and_no_dialect_of_another_database() -> None:
    needless = [
        "sqlalchemy.dialects.postgresql",
        "platformdirs",
        "plugin.access.personas",
        "plugin.governance",
        "plugin.store.policy",
        *(f"plugin.store.shapes.{subject}" for subject in ("catalog", "governance", "history", "people")),
        *(f"plugin.store._models.{subject}" for subject in ("clock", "governance", "history", "pushes")),
    ]
    code = (
        "import sys, plugin.catalog.sync, plugin.store.ingest, plugin.store.sign_in, plugin.store.secrets\n"
        f"sys.exit(', '.join(m for m in {needless!r} if m in sys.modules) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
