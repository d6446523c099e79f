"""Custom metadata as lines of JSON: the format of docs and contract, line by line, errors by number.

Enters: lines. Leaves: `Item`s and `Link`s that are known to be well-formed, and for each bad line its number and the
reason. Values of a row of anybody's data have no field here to be in. A CSV becomes the same in `custom_csv`. However
long the file is, what is in memory of it are the keys of its things and the first of its bad lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from json import JSONDecodeError
from typing import Any

from plugin.catalog import custom_values as values
from plugin.catalog.custom_parsed import End, Item, Link, Parsed
from plugin.errors import BadInput
from plugin.json_text import TwiceError, read_json

ENTITIES = (
    "database", "schema", "table", "view", "column", "dashboard_group", "dashboard", "chart", "model", "metric",
    "job", "term", "document",
)  # fmt: skip
ENDS_AT_TABLE = ("database", "schema", "table")
ENDS = ("internal_resource", "external_table", "external_column", "tables_from_query")


def parse_jsonl(lines: Iterable[str]) -> Parsed:
    """Read JSON lines. What cannot be used is a problem with its line's number; raises what `lines` raises."""
    return read_lines(
        (number, partial(_object, text)) for number, text in enumerate(lines, start=1) if text.strip()
    )


def read_lines(lines: Iterable[tuple[int, Callable[[], Mapping[str, Any]]]]) -> Parsed:
    """Read numbered lines, each opened by a call that gives its object or raises BadInput."""
    parsed = Parsed()
    keys: dict[str, int] = {}
    places: dict[tuple[str | None, ...] | None, int] = {}
    for number, opened in lines:
        parsed.lines += 1
        try:
            line = opened()
            if "from_identifier" in line or "to_identifier" in line:
                parsed.put_link(_link(number, line))
                continue
            item = _item(number, line)
            if item.key in keys:
                raise BadInput(f"databuilder_id {item.key!r} stands on line {keys[item.key]} already")
            place = _place(item)
            if place in places:
                raise BadInput(
                    f"{item.kind} {item.name!r} of that schema stands on line {places[place]} already"
                )
        except BadInput as error:
            parsed.problems.add(number, str(error))
            continue
        keys[item.key] = number
        if place is not None:
            places[place] = number
        parsed.put(item)
    parsed.check()
    return parsed


def _place(item: Item) -> tuple[str | None, ...] | None:
    """What a table is called by people and by SQL: two keys cannot both be it."""
    return (item.database, item.schema, item.name) if item.kind in ("table", "view") else None


def _object(text: str) -> Mapping[str, Any]:
    try:
        line = read_json(text, to_keep=True, once=True)
    except TwiceError as error:
        raise BadInput(f"{str(error)!r} stands there twice") from error
    except ValueError as error:
        at = f" at character {error.pos + 1}" if isinstance(error, JSONDecodeError) else ""
        raise BadInput(f"this is not JSON{at}; each line is one whole object") from error
    if not isinstance(line, dict):
        raise BadInput("this is not a JSON object; each line is one whole object")
    return line


def _item(number: int, line: Mapping[str, Any]) -> Item:
    kind = line.get("entity_type") or ("table" if "columns" in line and "table" in line else None)
    if kind not in ENTITIES:
        raise BadInput(f"entity_type is {kind!r}; known are {', '.join(ENTITIES)}")
    key = values.text(line, "databuilder_id") or values.text(line, "id")
    if not key:
        raise BadInput("databuilder_id is missing")
    name = (
        values.text(line, "title")
        or values.text(line, "name")
        or values.text(line, "table" if kind in ("table", "view") else kind)
    )
    if not name:
        raise BadInput("title is missing")
    item = Item(
        line=number,
        kind=kind,
        key=key,
        name=name,
        parent=values.text(line, "parent_databuilder_id")
        or values.text(line, "group" if kind == "dashboard" else "product"),
        database=values.text(line, "database"),
        schema=values.text(line, "schema"),
        description=values.text(line, "description", values.LONGEST_TEXT),
        definition=values.text(line, "definition", values.LONGEST_TEXT),
        native_type=values.text(line, "type") or values.text(line, "native_type"),
        position=values.whole(line, "sort_order"),
        is_pk=values.flag(line, "is_pk"),
        tags=values.names(line, "tags"),
        owners=values.names(line, "owners"),
        url=values.url(line),
        changed_at=values.moment(line, "external_updated_at"),
    )
    if kind in ("table", "view"):
        if not item.schema:
            raise BadInput(f"schema is missing; a {kind} has schema and database")
        item.columns = _inline_columns(number, line.get("columns", ()))
    elif kind == "column" and not item.parent:
        raise BadInput("parent_databuilder_id is missing; a column has a table")
    elif kind == "chart" and not item.parent:
        raise BadInput("parent_databuilder_id is missing; a chart has a dashboard")
    return item


def _inline_columns(number: int, columns: Any) -> list[Item]:
    if not isinstance(columns, list | tuple):
        raise BadInput("columns is a list of objects")
    found: dict[str, Item] = {}
    for position, column in enumerate(columns, start=1):
        if not isinstance(column, dict):
            raise BadInput(f"column {position} is not an object")
        name = values.text(column, "name")
        if not name:
            raise BadInput(f"column {position} has no name")
        if name in found:
            raise BadInput(f"column {name!r} stands there twice")
        found[name] = Item(
            line=number,
            kind="column",
            key=values.text(column, "databuilder_id") or "",
            name=name,
            description=values.text(column, "description", values.LONGEST_TEXT),
            native_type=values.text(column, "type"),
            position=values.whole(column, "sort_order") or position,
            is_pk=values.flag(column, "is_pk"),
            tags=values.names(column, "tags"),
        )
    return list(found.values())


def _link(number: int, line: Mapping[str, Any]) -> Link:
    upstream = _end(line.get("from_identifier"), "from_identifier")
    downstream = _end(line.get("to_identifier"), "to_identifier")
    if downstream.type == "tables_from_query":
        raise BadInput("tables_from_query stands in from_identifier only")
    return Link(number, upstream, downstream)


def _end(value: Any, name: str) -> End:
    if not isinstance(value, dict):
        raise BadInput(f"{name} is missing or not an object")
    type_ = value.get("type") or value.get("identifier_type")
    if type_ is None:
        type_ = next((each for each in ENDS if each in value), None)
    if type_ not in ENDS:
        raise BadInput(f"the type of {name} is {type_!r}; known are {', '.join(ENDS)}")
    inner = value.get(type_, value.get("identifier", value))
    if not isinstance(inner, dict):
        inner = _short(type_, inner)
    if type_ == "internal_resource":
        key = values.text(inner, "databuilder_id")
        if not key:
            raise BadInput(f"{name} has no databuilder_id")
        return End(type_, key=key)
    if type_ == "tables_from_query":
        sql = values.text(inner, "sql", values.LONGEST_TEXT) or values.text(
            inner, "query", values.LONGEST_TEXT
        )
        if not sql:
            raise BadInput(f"{name} has no sql")
        return End(type_, sql=sql)
    table, column = values.text(inner, "table"), values.text(inner, "column")
    if not table:
        raise BadInput(f"{name} has no table")
    if type_ == "external_column" and not column:
        raise BadInput(f"{name} has no column")
    return End(
        type_,
        database=values.text(inner, "database"),
        schema=values.text(inner, "schema"),
        table=table,
        column=column if type_ == "external_column" else None,
    )


def _short(type_: str, said: Any) -> dict[str, Any]:
    """An identifier that is one text: a databuilder_id, a query, or a name with its parts between points."""
    if type_ == "internal_resource":
        return {"databuilder_id": said}
    if type_ == "tables_from_query" or not isinstance(said, str):
        return {"sql": said}
    parts = ("database", "schema", "table", "column") if type_ == "external_column" else ENDS_AT_TABLE
    given = said.split(".")
    if len(given) > len(parts):
        raise BadInput(f"{said!r} has more parts than {'.'.join(parts)}; give them as an object")
    return dict(zip(parts[-len(given) :], given, strict=True))
