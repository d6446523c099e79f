"""What a dbt project says of the tables that it builds and reads, lent to the tables themselves.

Enters: a merge that is nearly done, with the edges between models (or dbt's sources) and tables, whichever integration
has them. Leaves: descriptions of tables and columns that have none of their own, tags and owners, marked as lent: the
token `dbt:description` among `edited`, the origin "dbt" of tags and owners. What the warehouse itself or a person says
stands before it; what dbt no longer says goes. Keeps law 3: a table is told nothing that a team which sees it could
not read at the model.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, or_, select, update

from plugin.store._models.catalog import EdgeRow, OwnerRow, ResourceRow, TagRow, ZoneTeamRow
from plugin.store._models.integrations import IntegrationRow
from plugin.store._rows import chunks
from plugin.store.listing import IS_COLUMN

if TYPE_CHECKING:
    from plugin.store._merge import Merge

TYPES = ("dbt", "dbt_cloud")
LENDERS = ("model", "dataset")
BORROWERS = ("table", "view", "materialized_view", "foreign_table", "partitioned_table", "external_table")
LENT = "dbt:description"
ORIGIN = "dbt"

ROW = (
    ResourceRow.id, ResourceRow.parent_id, ResourceRow.kind, ResourceRow.name, ResourceRow.description,
    ResourceRow.edited, ResourceRow.zone_id, ResourceRow.integration_id, ResourceRow.qualified_name,
)  # fmt: skip


def tied_tables(merge: Merge, ids: Iterable[int]) -> set[int]:
    """Tables that something which is about to be removed lent to."""
    return set(_pairs(merge, ids)) if merge.source.type in TYPES else set()


def lend(merge: Merge, released: set[int]) -> None:
    """Bring what is lent up to date where this merge changed a table or a project, and for the tables `released`."""
    modes = {
        id_: (type_, (options or {}).get("import_mode", "smart"))
        for id_, type_, options in merge.session.execute(
            select(IntegrationRow.id, IntegrationRow.type, IntegrationRow.options).where(
                IntegrationRow.workspace_id == merge.workspace_id
            )
        )
    }
    if not any(type_ in TYPES for type_, _mode in modes.values()):
        return
    merge.session.flush()
    pairs = _pairs(merge, merge.changed | released)
    pairs = {**dict.fromkeys(released), **pairs}
    rows = _rows(merge, {*pairs, *(model for model in pairs.values() if model is not None)})
    teams = _teams(merge, {row.zone_id for row in rows.values()})
    columns = _columns(merge, rows)
    labels = _labels(merge, rows)
    writes: list[dict[str, Any]] = []
    for table_id, model_id in pairs.items():
        table, model = rows.get(table_id), rows.get(model_id or 0)
        if table is None or table.kind not in BORROWERS:
            continue
        if modes.get(table.integration_id, ("", "never"))[1] == "never":
            model = None
        if model is not None and not teams[table.zone_id] <= teams[model.zone_id]:
            model = None
        told = {name.lower(): row.description for name, row in columns[model.id].items()} if model else {}
        changed = _describe(merge, table, model.description if model else None, table, writes)
        for name, column in columns[table_id].items():
            changed |= _describe(merge, column, told.get(name.lower()), table, writes)
        changed |= _label(merge, table, model, labels)
        if changed:
            merge.changed.add(table_id)
            merge.indexed.discard(table_id)
            merge.done.updated += 1
    if writes:
        merge.session.execute(update(ResourceRow), writes)


def _pairs(merge: Merge, ids: Iterable[int]) -> dict[int, int | None]:
    """Tables -> the model that builds each (or else the dbt source that it is), of all that `ids` are part of."""
    found: dict[int, int | None] = {}
    upper, lower = ResourceRow.__table__.alias("upper"), ResourceRow.__table__.alias("lower")
    for part in chunks(sorted(ids)):
        rows = merge.session.execute(
            select(upper.c.id, upper.c.kind, lower.c.id, lower.c.kind)
            .select_from(EdgeRow)
            .join(upper, upper.c.id == EdgeRow.upstream_id)
            .join(lower, lower.c.id == EdgeRow.downstream_id)
            .where(
                or_(EdgeRow.upstream_id.in_(part), EdgeRow.downstream_id.in_(part)),
                EdgeRow.workspace_id == merge.workspace_id,
                EdgeRow.kind == "table",
                EdgeRow.source == "dbt",
            )
            .order_by(EdgeRow.id)
        )
        for upper_id, upper_kind, lower_id, lower_kind in rows:
            if upper_kind in LENDERS and lower_kind in BORROWERS:
                found[lower_id] = upper_id
            elif upper_kind in BORROWERS and lower_kind in LENDERS:
                found.setdefault(upper_id, lower_id)
    return found


def _rows(merge: Merge, ids: set[int]) -> dict[int, Any]:
    found = {}
    for part in chunks(sorted(ids)):
        for row in merge.session.execute(select(*ROW).where(ResourceRow.id.in_(part))):
            found[row.id] = row
    return found


def _columns(merge: Merge, rows: Mapping[int, Any]) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = defaultdict(dict)
    for part in chunks(sorted(rows)):
        for row in merge.session.execute(select(*ROW).where(IS_COLUMN, ResourceRow.parent_id.in_(part))):
            found[row.parent_id][row.name] = row
    return found


def _teams(merge: Merge, zones: set[int]) -> dict[int, set[int]]:
    found: dict[int, set[int]] = defaultdict(set)
    for part in chunks(sorted(zones)):
        for zone, team in merge.session.execute(
            select(ZoneTeamRow.zone_id, ZoneTeamRow.team_id).where(ZoneTeamRow.zone_id.in_(part))
        ):
            found[zone].add(team)
    return found


def _labels(merge: Merge, rows: Mapping[int, Any]) -> dict[int, dict[tuple[str, str], str]]:
    """("tag" or "owner", its text) -> its origin, by resource."""
    found: dict[int, dict[tuple[str, str], str]] = defaultdict(dict)
    for part in chunks(sorted(rows)):
        for what, table, text in (("tag", TagRow, TagRow.tag), ("owner", OwnerRow, OwnerRow.name)):
            for id_, value, origin in merge.session.execute(
                select(table.resource_id, text, table.origin).where(table.resource_id.in_(part))
            ):
                found[id_][(what, value)] = origin
    return found


def _describe(merge: Merge, row: Any, wanted: str | None, table: Any, writes: list[dict[str, Any]]) -> bool:
    """Lend a description to a table or column that has none of its own, or take back one that was lent."""
    edited = set((row.edited or "").split(",")) - {""}
    lent = LENT in edited
    if "description" in edited or (row.description and not lent) or (not lent and not wanted):
        return False
    if row.description == wanted:
        return False
    tokens = edited | {LENT} if wanted else edited - {LENT}
    writes.append({"id": row.id, "description": wanted, "edited": ",".join(sorted(tokens)) or None})
    name = table.qualified_name if row is table else f"{table.qualified_name}.{row.name}"
    merge._note("redescribed", row.kind, row.id, row.zone_id, name, row.description, wanted)
    return True


def _label(merge: Merge, table: Any, model: Any, labels: Mapping[int, Mapping[tuple[str, str], str]]) -> bool:
    """The model's tags and owners beside those of the table; what was lent and is no longer said goes."""
    mine = labels.get(table.id, {})
    edited = set((table.edited or "").split(","))
    wanted = {key for key in labels.get(model.id, {}) if f"{key[0]}s" not in edited} if model else set()
    gone = [key for key, origin in mine.items() if origin == ORIGIN and key not in wanted]
    new = [key for key in sorted(wanted) if key not in mine]
    for what, text in gone:
        if what == "tag":
            where = (TagRow.resource_id == table.id, TagRow.tag == text, TagRow.origin == ORIGIN)
            merge.session.execute(delete(TagRow).where(*where))
        else:
            of = (OwnerRow.resource_id == table.id, OwnerRow.name == text, OwnerRow.origin == ORIGIN)
            merge.session.execute(delete(OwnerRow).where(*of))
    base = {"resource_id": table.id, "workspace_id": merge.workspace_id, "origin": ORIGIN}
    for what, text in new:
        if what == "tag":
            merge.session.execute(insert(TagRow).values(tag=text, **base))
        else:
            email = text if "@" in text else None
            merge.session.execute(insert(OwnerRow).values(name=text, email=email, **base))
    return bool(gone or new)
