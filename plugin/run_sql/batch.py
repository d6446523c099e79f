"""`docent sql check`: one statement or many, against tables named on the command line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from plugin.errors import BadInput
from plugin.json_text import read_json
from plugin.run_sql.dialects import engine_of
from plugin.run_sql.guard import check
from plugin.run_sql.verdict import Verdict, VisibleTable, VisibleTables, ascii_upper


def read_columns(text: str) -> dict[str, list[str]]:
    """The JSON object of a `--columns` file: table to its visible columns. Raises BadInput."""
    try:
        given = read_json(text)
    except ValueError as error:
        raise BadInput("the columns file is not JSON", field="columns") from error
    if not isinstance(given, dict) or not all(
        isinstance(columns, list) and all(isinstance(column, str) for column in columns)
        for columns in given.values()
    ):
        raise BadInput("the columns file must be an object of table to a list of columns", field="columns")
    return given


class Checker:
    """The guard over one list of visible tables, in any dialect.

    `columns` is table -> visible columns (all that exist), `allow` names tables whose columns are not known. Where no
    default schema is given it is the engine's own (public, dbo, main, default) if a visible table is in it.
    """

    def __init__(
        self,
        *,
        columns: Mapping[str, Iterable[str]] | None = None,
        allow: Iterable[str] = (),
        default_schema: str | None = None,
        database: str | None = None,
    ) -> None:
        given: dict[str, tuple[str, ...] | None] = dict.fromkeys(allow)
        given.update({name: tuple(each) for name, each in (columns or {}).items()})
        self._given = given
        self._default_schema = default_schema
        self._database = database
        self._tables: dict[bool, VisibleTables] = {}

    def check(self, sql: str, dialect: str) -> Verdict:
        """Decide on one statement."""
        engine = engine_of(dialect)
        upper = engine is not None and engine.names == "upper"
        tables = self._visible(upper)
        schema = self._default_schema
        if schema is None and engine is not None:
            present = tables.schemas()
            wanted = (*engine.default_schemas, "public", "PUBLIC")
            schema = next((name for name in wanted if name in present), None)
        if schema is not None and upper and schema.islower():
            schema = ascii_upper(schema)
        database = _catalogued(self._database, upper) if self._database else self._database
        return check(sql, dialect=dialect, tables=tables, default_schema=schema, database=database)

    def _visible(self, upper: bool) -> VisibleTables:
        """Snowflake and Oracle catalog unquoted names in upper case; a list written in lower case means those."""
        found = self._tables.get(upper)
        if found is None:
            found = VisibleTables(
                VisibleTable(
                    tuple(_catalogued(part, upper) for part in name.split(".")),
                    None if columns is None else tuple(_catalogued(column, upper) for column in columns),
                )
                for name, columns in self._given.items()
            )
            self._tables[upper] = found
        return found


def _catalogued(name: str, upper: bool) -> str:
    return ascii_upper(name) if upper and name == name.lower() else name


def as_json(verdict: Verdict) -> dict[str, Any]:
    """The contract's shape of a verdict."""
    return {"decision": verdict.decision, "reasons": list(verdict.reasons), "tables": list(verdict.tables)}


def check_one(checker: Checker, sql: str, dialect: str) -> dict[str, Any]:
    """One statement as `docent sql check --json` prints it."""
    return as_json(checker.check(sql, dialect))


def check_lines(
    checker: Checker, lines: Iterable[str], dialect: str | None = None
) -> Iterator[dict[str, Any]]:
    """JSON lines `{id, dialect, sql}` to verdicts with the `id`; a line that cannot be read is rejected, not skipped.

    `dialect` holds for lines that name none.
    """
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        identity: Any = number
        try:
            given = read_json(line)
            identity = given.get("id", number)
            sql, name = given["sql"], given.get("dialect", dialect)
        except (ValueError, KeyError, TypeError, AttributeError):
            yield {
                "id": identity,
                "decision": "reject",
                "reasons": [f"line {number} is not {{id, dialect, sql}}"],
                "tables": [],
            }
            continue
        if not isinstance(sql, str) or not isinstance(name, str):
            yield {
                "id": identity,
                "decision": "reject",
                "reasons": ["sql and dialect must be text"],
                "tables": [],
            }
            continue
        yield {"id": identity, **as_json(checker.check(sql, name))}
