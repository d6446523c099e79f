"""Reading what is to be indexed: from rows of the catalog to `AssetFacts`.

Enters: ids of assets. Leaves: what was read of them (`Read`), and of that what the index is made from. The two are
apart because SQLite reads in the thread that writes behind (see `_behind`), while words are found in another: each row
fetched there would wait for the interpreter that the other thread holds, so SQLite gives many rows as one JSON text.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from plugin.store.search_rows import LONGEST_TEXT, AssetFacts, ColumnFacts

Run = Callable[[str, tuple[Any, ...]], Any]
"""Runs a statement of the driver's own."""
Rows = Callable[[], Sequence[Any]]
"""Gives what was read as rows, once."""
Ordinary = tuple[Sequence[str], Sequence[str], int | None]
"""Of a table's columns that do not stand apart: their names, what is said of them, the id of one."""
NO_COLUMNS: tuple[Ordinary, Sequence[ColumnFacts]] = (((), (), None), ())
OWN_FLAG = "(sensitivity IS NOT NULL OR verified OR NOT published)"
"""What has a flag of its own stands apart."""
ASSETS = (
    "id", "integration_id", "zone_id", "kind", "name", "parent_id", f"substr(description, 1, {LONGEST_TEXT})",
    OWN_FLAG, f"CASE WHEN kind IN ('term', 'document') THEN substr(definition, 1, {LONGEST_TEXT}) END",
    "CASE WHEN kind IN ('term', 'document') THEN properties END",
)  # fmt: skip
OF_ASSETS = "FROM resources WHERE workspace_id = {} AND id IN "
TAGS_OF_COLUMNS = (
    "FROM resource_tags t JOIN resources r ON r.id = t.resource_id"
    " WHERE r.kind = 'column' AND r.parent_id IN "
)


class Read(NamedTuple):
    """What was read of some assets, each as rows."""

    assets: Rows
    """In the order of `ASSETS`."""
    tags: Rows
    """(resource, tag)."""
    owners: Rows
    """(resource, name)."""
    tags_of_columns: Mapping[int, list[str]]
    columns: Rows
    """Of each table: its id; of its ordinary columns the names in order, what is said of them, and the id of one;
    (id, name, description) of those that stand apart. A row for each table, since a row for each of millions of
    columns costs more than what is done with it."""


def read(run: Run, dialect: str, workspace_id: int, ids: Sequence[int], tables: Collection[int]) -> Read:
    """Read assets of a workspace; `tables` are those of them whose columns may have tags."""
    rows, columns = (_packed, _columns_packed) if dialect == "sqlite" else (_listed, _columns_listed)
    tags: dict[int, list[str]] = defaultdict(list)
    if tables:
        for id_, tag in rows(run, ("r.id", "t.tag"), TAGS_OF_COLUMNS, sorted(tables), " ORDER BY t.tag")():
            tags[id_].append(tag)
    return Read(
        assets=rows(run, ASSETS, OF_ASSETS.format(workspace_id), ids),
        tags=rows(run, ("resource_id", "tag"), "FROM resource_tags WHERE resource_id IN ", ids),
        owners=rows(run, ("resource_id", "name"), "FROM resource_owners WHERE resource_id IN ", ids),
        tags_of_columns=tags,
        columns=columns(run, ids, tags),
    )


def assets_of(read: Read, workspace_id: int) -> Iterator[AssetFacts]:
    """What was read, as the index sees it, in no order."""
    columns = {
        table: (
            (names or (), notes or (), first),
            [
                ColumnFacts(id_, name, said, read.tags_of_columns.get(id_, ()))
                for id_, name, said in rest or ()
            ],
        )
        for table, names, notes, first, rest in read.columns()
    }
    tags, owners = _by_resource(read.tags()), _by_resource(read.owners())
    for id_, integration, zone, kind, name, parent, about, flagged, definition, properties in read.assets():
        (names, notes, sample), apart = columns.get(id_, NO_COLUMNS)
        yield AssetFacts(
            id=id_,
            workspace_id=workspace_id,
            integration_id=integration,
            zone_id=zone,
            kind=kind,
            name=name,
            parent_id=parent,
            description=about,
            body=definition,
            apart=bool(flagged),
            tags=tags.get(id_, ()),
            owners=owners.get(id_, ()),
            synonyms=synonyms_in(json.loads(properties) if isinstance(properties, str) else properties),
            columns=names,
            notes=notes,
            sample_id=sample,
            columns_apart=apart,
        )


def synonyms_in(properties: Mapping[str, Any] | None) -> list[str]:
    """The synonyms among a term's properties: a list, or a text with commas."""
    synonyms = (properties or {}).get("synonyms") or ()
    if isinstance(synonyms, str):
        synonyms = [part.strip() for part in synonyms.split(",")]
    return [str(word) for word in synonyms]


def _by_resource(rows: Sequence[Any]) -> Mapping[int, list[str]]:
    found: dict[int, list[str]] = defaultdict(list)
    for id_, each in rows:
        found[id_].append(each)
    return found


def _packed(run: Run, what: Sequence[str], of: str, ids: Sequence[int], after: str = "") -> Rows:
    names = [f"c{at}" for at in range(len(what))]
    listed = ", ".join(f"{each} AS {name}" for each, name in zip(what, names, strict=True))
    inner = f"SELECT {listed} {of}(SELECT value FROM json_each(?)){after}"
    statement = f"SELECT json_group_array(json_array({', '.join(names)})) FROM ({inner})"
    ((text,),) = run(statement, (json.dumps(ids),)).fetchall()
    return lambda: _decoded(text)


def _listed(run: Run, what: Sequence[str], of: str, ids: Sequence[int], after: str = "") -> Rows:
    found = run(f"SELECT {', '.join(what)} {of}(SELECT unnest(%s::bigint[])){after}", (list(ids),)).fetchall()
    return lambda: found


def _columns_packed(run: Run, tables: Sequence[int], tagged: Collection[int]) -> Rows:
    apart = f"({OWN_FLAG} OR id IN (SELECT value FROM json_each(?)))" if tagged else OWN_FLAG
    said = f"substr(description, 1, {LONGEST_TEXT})"
    inner = (
        f"SELECT parent_id, json_group_array(name) FILTER (WHERE NOT {apart}) AS names,"
        f" json_group_array({said}) FILTER (WHERE description <> '' AND NOT {apart}) AS notes,"
        f" min(id) FILTER (WHERE NOT {apart}) AS first,"
        f" json_group_array(json_array(id, name, {said})) FILTER (WHERE {apart}) AS rest"
        # In order of position, as the index has them.
        " FROM resources WHERE kind = 'column' AND parent_id IN (SELECT value FROM json_each(?))"
        " GROUP BY parent_id"
    )
    given = (*[json.dumps(list(tagged))] * 4, json.dumps(tables))
    statement = (
        "SELECT json_group_array(json_array(parent_id, json(names), json(notes), first, json(rest)))"
        f" FROM ({inner})"
    )
    ((text,),) = run(statement, given if tagged else given[4:]).fetchall()
    return lambda: _decoded(text)


def _columns_listed(run: Run, tables: Sequence[int], tagged: Collection[int]) -> Rows:
    found = run(
        "SELECT parent_id, array_agg(name ORDER BY position) FILTER (WHERE NOT apart),"
        f" array_agg(substr(description, 1, {LONGEST_TEXT}) ORDER BY position)"
        " FILTER (WHERE description <> '' AND NOT apart),"
        " min(id) FILTER (WHERE NOT apart),"
        f" json_agg(json_build_array(id, name, substr(description, 1, {LONGEST_TEXT})) ORDER BY position)"
        " FILTER (WHERE apart)"
        f" FROM (SELECT *, {OWN_FLAG} OR id = ANY(%s::bigint[]) AS apart FROM resources"
        " WHERE kind = 'column' AND parent_id = ANY(%s::bigint[])) AS each GROUP BY parent_id",
        (list(tagged), list(tables)),
    ).fetchall()
    return lambda: found


def _decoded(text: str) -> list[Any]:
    found: list[Any] = json.loads(text)
    return found
