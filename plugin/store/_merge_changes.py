"""Changed records against their rows: what differs is written, what a person edited stays theirs.

The import mode decides for descriptions and for the body of terms and documents: `smart` takes the source's text until
a person has edited the field, `always` takes it anyway, `never` leaves what is there. What the source alone knows
(types, keys, SQL, sizes) is taken in every mode.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from plugin.store._merge_entries import Entry, moment, primary_key
from plugin.store._merge_labels import Labelled, write_labels
from plugin.store._merge_moves import is_moved
from plugin.store._models.catalog import KeyRow, ResourceRow
from plugin.store._rows import chunks
from plugin.store.listing import IS_COLUMN

if TYPE_CHECKING:
    from plugin.store._merge import Merge, Place

STATE = (
    ResourceRow.id,
    ResourceRow.name,
    ResourceRow.parent_id,
    ResourceRow.kind,
    ResourceRow.description,
    ResourceRow.source_description,
    ResourceRow.definition,
    ResourceRow.source_definition,
    ResourceRow.edited,
    ResourceRow.row_estimate,
    ResourceRow.size_bytes,
    ResourceRow.changed_at,
    ResourceRow.analyzed_at,
    ResourceRow.url,
    ResourceRow.dialect,
    ResourceRow.columns_count,
    ResourceRow.properties,
    ResourceRow.popularity,
    ResourceRow.stale_since,
)
COLUMN_STATE = (
    ResourceRow.id,
    ResourceRow.parent_id,
    ResourceRow.name,
    ResourceRow.position,
    ResourceRow.native_type,
    ResourceRow.nullable,
    ResourceRow.default_sql,
    ResourceRow.is_pk,
    ResourceRow.description,
    ResourceRow.source_description,
    ResourceRow.edited,
    ResourceRow.sensitivity,
    ResourceRow.sensitivity_confidence,
)
_Key = tuple[str, tuple[str, ...]]
"""(kind, columns)"""
PLAIN = ("row_estimate", "size_bytes", "changed_at", "analyzed_at", "url", "dialect")


def update_entries(merge: Merge, entries: Sequence[Entry]) -> None:
    """Write what differs between some changed records and their rows."""
    places = [merge.places[entry.key] for entry in entries]
    ids = [place.id for place in places]
    rows = {}
    columns: dict[int, list[Any]] = defaultdict(list)
    for part in chunks(ids):
        for row in merge.session.execute(select(*STATE).where(ResourceRow.id.in_(part))):
            rows[row.id] = row
        for row in merge.session.execute(
            select(*COLUMN_STATE).where(IS_COLUMN, ResourceRow.parent_id.in_(part))
        ):
            columns[row.parent_id].append(row)
    keys = _keys(merge, ids)
    writes: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    labelled: list[Labelled] = []
    for entry, place in zip(entries, places, strict=True):
        row = rows[place.id]
        told = len(merge.drift)
        changes = _asset_changes(merge, entry, place, row)
        # The fingerprint is written even where nothing else is: the next sync then finds the record unchanged.
        bookkeeping = {"fingerprint": entry.fingerprint}
        if row.stale_since is not None:
            changes["stale_since"] = None
        if entry.columns is not None:
            _column_changes(merge, entry, place, columns[place.id], writes, labelled)
            if row.columns_count != len(entry.columns):
                changes["columns_count"] = len(entry.columns)
            merge.keys.append((place.id, entry.database, entry.keys))
            _key_changes(merge, entry, place, keys[place.id])
        moved = is_moved(merge, entry, row)
        if moved:
            # Told as removed there and added here; what else differs is not for who sees the old place alone.
            del merge.drift[told:]
            merge.moved.append((entry, place))
            changes["name"] = entry.name
        elif row.kind != entry.kind:
            # A view where a table was is another thing of that name: what else differs says nothing besides.
            del merge.drift[told:]
            merge._note("removed", row.kind, place.id, place.zone_id, place.qualified)
            merge._note("added", entry.kind, place.id, place.zone_id, place.qualified)
        if changes:
            changes["synced_at"] = merge.at
            merge.done.updated += 1
        else:
            merge.done.unchanged += 1
        merge.changed.add(place.id)
        merge.touched_zones.add(place.zone_id)
        values = {"id": place.id, **bookkeeping, **changes}
        writes[tuple(values)].append(values)
        labelled.append(Labelled(place.id, entry.tags, entry.owners, row.edited))
        if entry.full_text is not None:
            merge.full_texts.append((place.id, entry.full_text))
    for group in writes.values():
        merge.session.execute(update(ResourceRow), group)
    write_labels(merge, ids, labelled)


def _keys(merge: Merge, ids: Sequence[int]) -> dict[int, set[_Key]]:
    """The keys that some tables had."""
    found: dict[int, set[_Key]] = defaultdict(set)
    for part in chunks(ids):
        for table_id, kind, names in merge.session.execute(
            select(KeyRow.table_id, KeyRow.kind, KeyRow.columns).where(KeyRow.table_id.in_(part))
        ):
            found[table_id].add((kind, tuple(names)))
    return found


def _key_changes(merge: Merge, entry: Entry, place: Place, before: set[_Key]) -> None:
    """Note keys that came or went, without what they point at: who sees this table may not see that one."""
    after = {(kind, tuple(names)) for kind, _name, names, *_ref in entry.keys}
    if before != after:
        gone, come = _keys_text(before - after), _keys_text(after - before)
        merge._note("rekeyed", entry.kind, place.id, place.zone_id, place.qualified, gone, come)


def _keys_text(keys: Iterable[_Key]) -> str | None:
    return ", ".join(f"{kind} key ({', '.join(names)})" for kind, names in sorted(keys)) or None


def _edited(row: Any) -> set[str]:
    return set((row.edited or "").split(",")) - {""}


def _asset_changes(merge: Merge, entry: Entry, place: Place, row: Any) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    for name in PLAIN:
        wanted = entry.values.get(name)
        if name.endswith("_at") and isinstance(wanted, str):
            wanted = moment(wanted)
        if wanted != getattr(row, name) and not (wanted is None and name in ("dialect", "url")):
            changes[name] = wanted
    if row.kind != entry.kind:
        changes["kind"] = entry.kind
    details = entry.values.get("properties") or None
    kept = {key: value for key, value in (row.properties or {}).items() if key.startswith("person.")}
    if kept:
        details = {**(details or {}), **kept}
    if details != (row.properties or None):
        changes["properties"] = details
    popularity = entry.values.get("popularity")
    if popularity is not None and abs(popularity - row.popularity) > 1e-9:
        changes["popularity"] = popularity
    before = row.definition
    changes.update(
        _text(merge, row, "definition", entry.values.get("definition"), structural=entry.columns is not None)
    )
    if "definition" in changes:
        merge._note(
            "redefined", entry.kind, place.id, place.zone_id, place.qualified, before, changes["definition"]
        )
    changes.update(
        _described(merge, row, entry.kind, place, place.qualified, entry.values.get("description"))
    )
    return changes


def _text(merge: Merge, row: Any, field: str, wanted: str | None, *, structural: bool) -> dict[str, Any]:
    """What to write for a text that a person may have edited; `structural`: nobody may, the source's stands."""
    mode = merge.source.import_mode
    value, kept = getattr(row, field), getattr(row, f"source_{field}")
    if structural:
        return {field: wanted} if wanted != value else {}
    if mode == "never":
        return {}
    lent = f"dbt:{field}"
    if lent in _edited(row) and field not in _edited(row):
        # What dbt lent stays until the source has a text of its own.
        return {field: wanted, "edited": ",".join(sorted(_edited(row) - {lent})) or None} if wanted else {}
    if field in _edited(row) and mode == "smart":
        return {f"source_{field}": wanted} if wanted != kept else {}
    changes: dict[str, Any] = {}
    if wanted != value:
        changes[field] = wanted
    if field in _edited(row):
        changes[f"source_{field}"] = None
        changes["edited"] = ",".join(sorted(_edited(row) - {field})) or None
    return changes


def _described(
    merge: Merge, row: Any, kind: str, place: Place, qualified: str, wanted: str | None
) -> dict[str, Any]:
    changes = _text(merge, row, "description", wanted, structural=False)
    # What a person wrote stays, and what the source says is kept beside it: that too has changed at the source.
    field = "source_description" if list(changes) == ["source_description"] else "description"
    if field in changes:
        merge._note(
            "redescribed", kind, row.id, place.zone_id, qualified, getattr(row, field), changes[field]
        )
    return changes


def _column_changes(
    merge: Merge,
    entry: Entry,
    place: Place,
    rows: Sequence[Any],
    writes: dict[tuple[str, ...], list[dict[str, Any]]],
    labelled: list[Labelled],
) -> None:
    pk = primary_key(entry)
    there = {row.name: row for row in rows}
    new = []
    for column in entry.columns or ():
        name, position, type_, nullable, default, description, tags, sensitivity, confidence = column
        row = there.pop(name, None)
        if row is None:
            new.append(column)
            continue
        changes: dict[str, Any] = {}
        for field, wanted in (
            ("position", position),
            ("native_type", type_),
            ("nullable", nullable),
            ("default_sql", default),
            ("is_pk", name in pk),
        ):
            if getattr(row, field) != wanted:
                changes[field] = wanted
        if "native_type" in changes:
            merge._note(
                "retyped",
                "column",
                row.id,
                place.zone_id,
                f"{place.qualified}.{name}",
                row.native_type,
                type_,
            )
        if "nullable" in changes and None not in (row.nullable, nullable):
            change = "optional" if nullable else "required"
            merge._note(change, "column", row.id, place.zone_id, f"{place.qualified}.{name}")
        if "sensitivity" not in _edited(row) and (row.sensitivity, row.sensitivity_confidence) != (
            sensitivity,
            confidence,
        ):
            changes["sensitivity"], changes["sensitivity_confidence"] = sensitivity, confidence
        changes.update(_described(merge, row, "column", place, f"{place.qualified}.{name}", description))
        labelled.append(Labelled(row.id, tags or (), None, row.edited))
        if changes:
            values = {"id": row.id, "synced_at": merge.at, **changes}
            writes[tuple(values)].append(values)
            merge.done.updated += 1
        else:
            merge.done.unchanged += 1
    if there:
        gone = [row.id for row in there.values()]
        for row in there.values():
            merge._note("removed", "column", row.id, place.zone_id, f"{place.qualified}.{row.name}")
        merge.remove_rows(gone)
        merge.done.removed += len(gone)
    if new:
        merge.widened.add(place.id)
        for made in merge._create_columns(place.id, place.zone_id, place.qualified, new, pk):
            merge._note("added", "column", made[0], place.zone_id, made[6])
