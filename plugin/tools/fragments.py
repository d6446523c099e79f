"""Resources as the fragments that a model may read: only fields of the gateway's allow-list, nothing of any row.

Every fragment carries the id of the one resource its text came from, so that "what was sent" can link each span.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from plugin.catalog.context import ContextEntry
from plugin.catalog.costs import WINDOW, cost_words
from plugin.catalog.freshness import freshness, is_stale
from plugin.egress.parts import FieldValue, Fragment
from plugin.store.shapes import Edge, Join, Key, Resource, TableUse
from plugin.tools import Cited

SHORT = 300
LONG = 2_000
QUERYABLE = (
    "table",
    "view",
    "materialized_view",
    "foreign_table",
    "partitioned_table",
    "external_table",
    "dataset",
)
SPREAD = {
    "table": ("table", "partitioned_table", "foreign_table", "external_table"),
    "view": ("view", "materialized_view"),
}
"""What a person means by "table" and "view"."""
Row = Mapping[str, Any]


def spread(kinds: Iterable[str]) -> tuple[str, ...]:
    """The catalog's kinds for the words that people and models use."""
    return tuple(dict.fromkeys(each for kind in kinds for each in SPREAD.get(kind, (kind,))))


def cited(resources: Iterable[Resource]) -> tuple[Cited, ...]:
    """The resources as a citation needs them, each once."""
    seen = {each.id: Cited(each.id, each.kind, each.qualified_name) for each in resources}
    return tuple(seen.values())


def fragment(
    resource: Resource,
    *,
    full: bool = False,
    faring: bool = False,
    columns: Sequence[Resource] = (),
    keys: Sequence[Key] = (),
    costs: Mapping[str, float] | None = None,
    use: TableUse | None = None,
) -> Fragment:
    """One resource. `full` adds what only somebody who reads that very resource needs, `faring` its tests and last run
    alone, `costs` what its frequent statements cost, `use` how often they ran.
    """
    limit = LONG if full else SHORT
    fields: dict[str, FieldValue] = {
        "name": resource.name,
        "qualified_name": resource.qualified_name,
        "integration": resource.integration,
    }
    if resource.native_type:
        fields["type"] = resource.native_type
    if resource.description:
        fields["description"] = shorten(resource.description, limit)
    if resource.tags:
        fields["tags"] = resource.tags
    if resource.verified:
        fields["verified"] = True
    if resource.sensitivity:
        fields["sensitivity"] = resource.sensitivity
    if resource.owners:
        fields["owners"] = tuple(owner.name for owner in resource.owners)
    if resource.popularity:
        fields["popularity"] = round(resource.popularity, 2)
    if resource.kind == "term" and resource.definition:
        fields["definition"] = shorten(resource.definition, limit)
    now = datetime.now(UTC)
    if is_stale(resource, now):
        fields["freshness"] = freshness(resource, now)
    if full:
        fields |= _details(resource)
    if full or faring:
        fields |= _faring(resource)
    if words := cost_words(costs or {}):
        fields["cost"] = (
            f"{words}: its frequent statements that you see, in the {WINDOW} before the last sync"
        )
    if use is not None and use.statements:
        fields["use"] = use_rows(use)
    if columns:
        fields["columns"] = tuple(_column(each) for each in columns)
    keyed = tuple(_key(key) for key in keys if key.kind != "foreign" or key.ref is not None)
    if keyed:
        fields["keys"] = keyed
    return Fragment(resource_id=resource.id, kind=resource.kind, fields=fields)


def use_rows(use: TableUse) -> tuple[dict[str, int], ...]:
    """How a table is queried, as one row of numbers; how many people only where the source tells."""
    told = {"statements": use.statements, "runs": use.runs}
    return (told | ({"people": use.people} if use.people else {}),)


def entry_fragment(entry: ContextEntry) -> Fragment:
    """One table as the compact context tells it: enough to choose it, to join it and to write SQL over it."""
    resource = entry.resource
    fields: dict[str, FieldValue] = {"name": resource.name, "integration": resource.integration}
    fields.update(entry.fields)
    fields["qualified_name"] = resource.qualified_name
    if resource.verified:
        fields["verified"] = True
    if resource.sensitivity:
        fields["sensitivity"] = resource.sensitivity
    now = datetime.now(UTC)
    if is_stale(resource, now):
        fields["freshness"] = freshness(resource, now)
    return Fragment(resource_id=resource.id, kind=resource.kind, fields=fields)


def edges_fragment(start: Resource, edges: Sequence[Edge]) -> Fragment:
    """Lineage around one resource."""
    rows = tuple(
        _filled(
            upstream=edge.upstream,
            downstream=edge.downstream,
            upstream_column=edge.upstream_column,
            downstream_column=edge.downstream_column,
            source=edge.source,
        )
        for edge in edges
    )
    return Fragment(resource_id=start.id, kind="lineage", fields={"edges": rows})


def joins_fragment(start: Resource, joins: Sequence[Join]) -> Fragment:
    """Ways to join a table; in a path they stand in the order of the hops."""
    rows = tuple(
        {
            "left": join.left,
            "right": join.right,
            "on": ", ".join(f"{left} = {right}" for left, right in join.on),
            "source": join.source,
        }
        for join in joins
    )
    return Fragment(resource_id=start.id, kind="joins", fields={"joins": rows})


def counts_fragment(counts: Mapping[str, int]) -> Fragment:
    """How many, over what the viewer sees."""
    rows = tuple({"name": name, "number": number} for name, number in counts.items())
    return Fragment(resource_id=None, kind="counts", fields={"counts": rows})


def shorten(text: str, limit: int) -> str:
    """The text cut at a word, with an ellipsis where it was cut."""
    if len(text) <= limit:
        return text
    return text[:limit].rsplit(" ", 1)[0] + " …"


def _column(column: Resource) -> Row:
    return _filled(
        name=column.name,
        type=column.native_type,
        pk=column.is_pk or None,
        nullable=False if column.nullable is False else None,
        description=shorten(column.description, 160) if column.description else None,
        sensitivity=column.sensitivity,
        tags=", ".join(column.tags) or None,
    )


def _key(key: Key) -> Row:
    return _filled(
        kind=key.kind,
        columns=", ".join(key.columns),
        ref=key.ref,
        ref_columns=", ".join(key.ref_columns) or None,
    )


def _filled(**cells: Any) -> Row:
    return {name: value for name, value in cells.items() if value is not None}


def _tests(properties: Mapping[str, Any]) -> str | None:
    """Without the columns that they look at: an AI filter may keep one of those from the model."""
    count = str(properties.get("tests") or "")
    if not count.isdecimal():
        return None
    kinds = str(properties.get("tested_for") or "").replace("_", " ")  # words: no names that the catalog has
    text = f"{count} {'test' if count == '1' else 'tests'}{f' ({kinds})' if kinds else ''}"
    for name, word in (("tests_failing", "failing"), ("tests_warning", "warning")):
        if properties.get(name):
            text += f", {properties[name]} {word}"
    return text


def _details(resource: Resource) -> dict[str, FieldValue]:
    fields: dict[str, FieldValue] = {}
    if resource.definition and resource.kind != "term":
        fields["definition"] = shorten(resource.definition, LONG)
    if resource.path:
        fields["path"] = resource.path
    if resource.dialect:
        fields["dialect"] = resource.dialect
    if resource.kind == "column":
        fields["nullable"] = resource.nullable
        if resource.default:
            fields["default"] = shorten(resource.default, 120)
        if resource.is_pk:
            fields["pk"] = True
    if resource.row_estimate is not None:
        fields["row_estimate"] = resource.row_estimate
    if resource.size_bytes is not None:
        fields["size_bytes"] = resource.size_bytes
    for name in ("changed_at", "analyzed_at", "synced_at", "stale_since"):
        moment = getattr(resource, name)
        if name == "synced_at" and moment is not None and not resource.stale_since:
            moment = resource.last_sync_at or moment  # what a sync found unchanged it does not write again
        if moment is not None:
            fields[name] = moment.strftime("%Y-%m-%d %H:%M")
    if resource.children and resource.kind != "column":
        fields["children"] = resource.children
    synonyms = resource.properties.get("synonyms")
    if synonyms:
        fields["synonyms"] = tuple(str(each) for each in synonyms)
    return fields


def _faring(resource: Resource) -> dict[str, FieldValue]:
    """What dbt tells of its tests, of the last run and when that was, and of the freshness of a source."""
    told, fields = resource.properties, dict[str, FieldValue]()
    if tests := _tests(told):
        fields["tests"] = shorten(tests, SHORT)
    run = []
    if told.get("last_status"):
        run.append(
            f"{told['last_status']} ({told['last_run']})" if told.get("last_run") else told["last_status"]
        )
    if told.get("freshness"):
        run.append(f"freshness of the source: {told['freshness']}")
    if run:
        fields["last_run"] = shorten(", ".join(map(str, run)), SHORT)
    return fields
