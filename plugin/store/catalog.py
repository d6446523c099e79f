"""The reads of the catalog, each limited to what one viewer may see.

Every method starts from `plugin/store/_visible.py`. What the viewer may not see is absent: `NotFound` with the words
of a thing that does not exist, no neighbour in lineage, no key target, no count. A new public method fails the access
test until `tests/access` says how an outsider would try it. One file because it is the list that those tests walk.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Unpack

from sqlalchemy import Row, select

from plugin.access.ai_rules import AiRule, decide, decide_column, parse_rules
from plugin.store import _activity, drift, lineage, listing, names, query_log, relations
from plugin.store._context import Context
from plugin.store._models.catalog import FullTextRow
from plugin.store._rows import load, one, to_resources
from plugin.store.drift import Narrowed
from plugin.store.impact import Impact, impact
from plugin.store.policy import stored_values
from plugin.store.shapes import (
    Activity,
    AiUse,
    Drift,
    Found,
    FrequentQuery,
    Index,
    Integration,
    Join,
    Key,
    Lineage,
    Page,
    PlainColumn,
    Resource,
    TableUse,
)

TABLES = ("table", "view", "materialized_view", "foreign_table", "partitioned_table", "external_table")


class ViewerCatalog:
    """What one viewer sees of the catalog. Made by the viewer's door."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._told: tuple[Row[Any], Resource] | None = None
        """What was told last, and the row that it was made of."""

    # --- finding ---------------------------------------------------------------------------------------------

    def search(
        self,
        text: str,
        *,
        kinds: Sequence[str] = (),
        integrations: Sequence[int | str] = (),
        tags: Sequence[str] = (),
        owners: Sequence[str] = (),
        verified: bool | None = None,
        schema: str | None = None,
        under: int | None = None,
        limit: int = 20,
        offset: int = 0,
        facets: bool = False,
        only: Iterable[int] | None = None,
        fold_copies: bool = False,
        beside: int = 0,
    ) -> Found:
        """Full-text search, best first, with the access filter as part of the query.

        `only` narrows it to these tables; `fold_copies` shows a table that several databases have once; `beside`: of so
        many hits of any kind, those that are of none of `kinds` come along, columns excepted.
        """
        from plugin.store.search import search

        if under is not None:
            one(self._context, under)
        return search(
            self._context,
            text,
            kinds=kinds,
            integrations=integrations,
            tags=tags,
            owners=owners,
            verified=verified,
            schema=schema,
            under=under,
            limit=limit,
            offset=offset,
            facets=facets,
            only=None if only is None else set(only),
            fold_copies=fold_copies,
            beside=beside,
        )

    def suggest(self, prefix: str, limit: int = 8) -> tuple[Resource, ...]:
        """Resources whose name starts with `prefix`, for @-mentions and the palette."""
        return names.suggest(self._context, prefix, limit)

    def by_name(
        self, name: str, *, kind: str | None = None, integration: int | str | None = None
    ) -> Resource:
        """The resource with this qualified name or one that ends in it; case decides only between two. NotFound."""
        return names.by_name(self._context, name, kind=kind, integration=integration)

    def exactly(
        self, name: str, *, kind: str | None = None, integration: str | None = None
    ) -> tuple[Resource, ...]:
        """The first two resources of just this qualified name: a name need not be unique."""
        return names.exactly(self._context, name, kind=kind, integration=integration)

    def term(self, name: str) -> Resource:
        """The glossary term with this name or synonym. NotFound."""
        return names.term(self._context, name)

    def terms(self, text: str | None = None, cursor: str | None = None, limit: int = 100) -> Page:
        """The glossary, by name."""
        return names.terms(self._context, text, cursor, limit)

    # --- one resource ----------------------------------------------------------------------------------------

    def resource(self, resource_id: int) -> Resource:
        """One resource. NotFound where it is hidden or absent, in the same words."""
        return self._value(one(self._context, resource_id))

    def _value(self, row: Row[Any]) -> Resource:
        # A page tells a resource, and whether the assistant may use it. A writer gets another row each time.
        if self._told is None or self._told[0] is not row:
            self._told = row, to_resources(self._context, [row])[0]
        return self._told[1]

    def resources(self, ids: Iterable[int]) -> dict[int, Resource]:
        """Those of `ids` that are visible, by id."""
        return load(self._context, ids)

    def columns(self, table_id: int) -> tuple[Resource, ...]:
        """The columns of a table, in its order. NotFound."""
        return relations.columns(self._context, table_id)

    def keys(self, table_id: int) -> tuple[Key, ...]:
        """The keys of a table. A foreign key to something hidden has neither name nor target. NotFound."""
        return relations.keys(self._context, table_id)

    def columns_of(self, table_ids: Iterable[int]) -> Mapping[int, tuple[Resource, ...]]:
        """The columns of several tables at once; what is not visible is left out."""
        return relations.columns_of(self._context, table_ids)

    def plain_columns_of(self, table_ids: Iterable[int]) -> Mapping[int, Sequence[PlainColumn]]:
        """The columns of several tables in short: what a schema text needs of them."""
        return relations.plain_columns_of(self._context, table_ids)

    def keys_of(self, table_ids: Iterable[int]) -> Mapping[int, tuple[Key, ...]]:
        """The keys of several tables at once; what is not visible is left out."""
        return relations.keys_of(self._context, table_ids)

    def indexes(self, table_id: int) -> tuple[Index, ...]:
        """The indexes of a table. NotFound."""
        return relations.indexes(self._context, table_id)

    def activity(self, resource_id: int, limit: int = 100) -> tuple[Activity, ...]:
        """The changes of a resource, newest first. NotFound.

        An edge that somebody drew is told to whoever sees its other end.
        """
        one(self._context, resource_id)
        return _activity.of_resource(self._context, resource_id, limit)

    def ai_use(self, resource_id: int) -> AiUse:
        """May the assistant use this resource for this viewer, and which AI filter decides. NotFound."""
        row = one(self._context, resource_id)
        rules = self._rules()
        if row.kind == "column" and row.parent_id is not None:
            table = one(self._context, row.parent_id)
            return AiUse(*decide_column(rules, self._facts(row), self._facts(table)))
        return AiUse(*decide(rules, **self._facts(row)))

    def _rules(self) -> tuple[AiRule, ...]:
        """The AI filters, for a person's door too: there they hide nothing, but the person is told what they do."""
        if self._context.for_ai:
            return self._context.ai_rules
        stored = stored_values(self._context.session, self._context.workspace_id)
        return parse_rules(stored.get("ai.filters") or [])

    def _facts(self, row: Row[Any]) -> dict[str, object]:
        resource = self._value(row)
        return {
            "kind": resource.kind,
            "integration": resource.integration,
            "schemas": names.schemas_above(self._context, resource.id),
            "tags": resource.tags,
            "sensitivity": resource.sensitivity,
            "verified": resource.verified,
            "published": resource.published,
        }

    # --- lists -----------------------------------------------------------------------------------------------

    def children(
        self,
        parent_id: int | None,
        *,
        integration: int | None = None,
        cursor: str | None = None,
        limit: int = 100,
        kinds: Sequence[str] = (),
        text: str | None = None,
        start: str | None = None,
    ) -> Page:
        """What is directly under a resource; with None the roots, of one integration where it is given. NotFound.

        `start` begins the list at the first name that is not before it; columns are in their own order and have none.
        """
        return listing.children(
            self._context,
            parent_id,
            integration=integration,
            cursor=cursor,
            limit=limit,
            kinds=kinds,
            text=text,
            start=start,
        )

    def browse(
        self,
        *,
        kinds: Sequence[str] = (),
        integration: int | str | None = None,
        under: int | None = None,
        tag: str | None = None,
        owner: str | int | None = None,
        verified: bool | None = None,
        published: bool | None = None,
        documented: bool | None = None,
        owned: bool | None = None,
        sensitivity: str | None = None,
        stale: bool = False,
        unused: bool = False,
        unchanged_since: datetime | None = None,
        text: str | None = None,
        sort: str = "name",
        cursor: str | None = None,
        limit: int = 100,
        with_total: bool = False,
    ) -> Page:
        """Resources by filters, sorted by name, popularity, changed (last first), oldest or rows (most first)

        Without `kinds`, all but columns.

        `owner` is a name, an e-mail address or a member's id; `sensitivity` is personal, secret or any;
        `stale`: only what may no longer hold (see `plugin.catalog.freshness.is_stale`); `unused`: only what has a
        popularity of 0, so that nothing which all its viewers see is known to use it, and no statement seen here.
        BadInput for an unknown sort or cursor, NotFound for an `under` that is not visible.
        """
        return listing.browse(
            self._context,
            kinds=kinds,
            integration=integration,
            under=under,
            tag=tag,
            owner=owner,
            verified=verified,
            published=published,
            documented=documented,
            owned=owned,
            sensitivity=sensitivity,
            stale=stale,
            unused=unused,
            unchanged_since=unchanged_since,
            text=text,
            sort=sort,
            cursor=cursor,
            limit=limit,
            with_total=with_total,
        )

    def popular(self, kinds: Sequence[str] = ("table", "view"), limit: int = 10) -> tuple[Resource, ...]:
        """The most popular resources of these kinds."""
        return self.browse(kinds=kinds, sort="popularity", limit=limit).items

    def undocumented(self, limit: int = 50, kinds: Sequence[str] = TABLES) -> tuple[Resource, ...]:
        """Resources without a description, the most popular first."""
        return self.browse(kinds=kinds, documented=False, sort="popularity", limit=limit).items

    def unowned(self, limit: int = 50, kinds: Sequence[str] = TABLES) -> tuple[Resource, ...]:
        """Resources that nobody owns, the most popular first."""
        return self.browse(kinds=kinds, owned=False, sort="popularity", limit=limit).items

    def recent(self, limit: int = 50) -> tuple[tuple[Resource, Activity], ...]:
        """What people changed last, with the change, newest first."""
        return _activity.recent(self._context, limit)

    def drift(self, since: datetime, *, limit: int = 500, **narrowed: Unpack[Narrowed]) -> tuple[Drift, ...]:
        """What syncs found changed at the sources since then, newest first. NotFound where `under` is not visible."""
        return drift.drift(self._context, since, limit=limit, **narrowed)

    def count_drift(self, since: datetime, **narrowed: Unpack[Narrowed]) -> dict[str, int]:
        """How many such changes there are of each kind. NotFound where `under` is not visible."""
        return drift.counts(self._context, since, **narrowed)

    def counts(self, *, by: str = "kind", under: int | None = None) -> dict[str, int]:
        """How many resources there are, by kind, integration, schema, tag or owner. NotFound, BadInput."""
        return listing.counts(self._context, by=by, under=under)

    def count_children(self, parent_id: int) -> int:
        """How many direct children a resource has. NotFound."""
        return self.resource(parent_id).children

    def count_tags(self) -> dict[str, int]:
        """Every tag in use on something visible, and how often."""
        return self.counts(by="tag")

    def owners(self) -> dict[str, int]:
        """Every owner of something visible, and of how much."""
        return self.counts(by="owner")

    def integrations(self) -> tuple[Integration, ...]:
        """Integrations that have something visible, with its counts by kind; no settings."""
        return listing.integrations(self._context)

    def tree_integrations(self) -> tuple[Integration, ...]:
        """The first level of the tree: the same as `integrations`."""
        return self.integrations()

    # --- relations -------------------------------------------------------------------------------------------

    def lineage(
        self,
        resource_id: int,
        *,
        upstream: bool = True,
        downstream: bool = True,
        depth: int = 1,
        columns: bool = False,
        limit: int = 500,
        source: str | None = None,
    ) -> Lineage:
        """What feeds a resource and what it feeds, over visible resources only; with `source` as that one says.

        NotFound.
        """
        return lineage.lineage(
            self._context,
            resource_id,
            upstream=upstream,
            downstream=downstream,
            depth=depth,
            columns=columns,
            limit=limit,
            source=source,
        )

    def full_definition(self, resource_id: int) -> str | None:
        """A definition with its literals, for a person to read. NotFound.

        None where none is kept, where the text reads something hidden, and always for the assistant.
        """
        shown = self.resource(resource_id)
        if self._context.for_ai or shown.definition is None:
            return None
        sealed = self._context.session.scalar(
            select(FullTextRow.sealed).where(
                FullTextRow.resource_id == resource_id,
                FullTextRow.workspace_id == self._context.workspace_id,
            )
        )
        if sealed is None:
            return None
        return self._context.vault.open_text("resource_full_texts", "sealed", sealed, row=resource_id)

    def degrees(self, ids: Iterable[int]) -> dict[int, tuple[int, int]]:
        """How many visible resources feed each visible one of these, and how many it feeds."""
        return lineage.degrees(self._context, ids)

    def impact(self, resource_id: int, *, limit: int = 1000, listed: int | None = None) -> Impact:
        """What depends on a resource, directly or through others, how sure that is, and whom to tell. NotFound.

        `listed`: how much of it to tell one by one; all of it is counted, and its owners are told.
        """
        return impact(self._context, resource_id, limit=limit, listed=listed)

    def joins(self, table_id: int, other_id: int | None = None) -> tuple[Join, ...]:
        """Ways to join a table with others, or with one other: foreign keys, then joins seen in queries. NotFound."""
        return relations.joins(self._context, table_id, other_id)

    def frequent_queries(self, within: int | None, limit: int = 10) -> tuple[FrequentQuery, ...]:
        """Frequent statements over this table, schema or database and nothing hidden, most run first. NotFound.

        None: over all that the viewer sees.
        """
        return query_log.frequent_queries(self._context, within, limit)

    def query_costs(self, table_id: int) -> dict[str, float]:
        """What all frequent statements over this table and nothing hidden cost together, by unit. NotFound."""
        return query_log.query_costs(self._context, table_id)

    def use(self, table_id: int) -> TableUse:
        """How often this table is queried and by how many, over statements over nothing hidden. NotFound."""
        return query_log.use(self._context, table_id)

    def logged(self) -> frozenset[int]:
        """The integrations of which a statement of the query log is known that the viewer sees."""
        return query_log.logged(self._context)

    # --- for the SQL guard -----------------------------------------------------------------------------------

    def visible_columns(
        self, integration_id: int, tables: Iterable[Sequence[str]]
    ) -> dict[str, tuple[str, ...]]:
        """Visible tables that these name parts name, by qualified name, with their visible columns."""
        return names.visible_columns(self._context, integration_id, tables)

    def schema_map(self, integration_id: int, *, limit: int = 20_000) -> dict[str, tuple[str, ...]]:
        """Every visible table of an integration, by qualified name, with its visible columns."""
        return names.schema_map(self._context, integration_id, limit=limit)
