"""A parsed file of custom metadata, staged and merged like a sync, and kept in the history of syncs like one.

What an import does not name stays: files come in parts. A file that is said to be complete takes away what it does not
name, as a sync does, and is imported whole or not at all: the thing on a bad line would be gone. An integration that is
not there yet is made, of the type `custom`, which has no connector.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from connectors.records import Asset, Column, Database, Key, Schema, Table
from plugin.access.viewer import Viewer
from plugin.catalog.custom import parse_jsonl
from plugin.catalog.custom_csv import parse_csv
from plugin.catalog.custom_parsed import End, Imported, Item, Link, Parsed, Problems
from plugin.catalog.lineage import lineage_of
from plugin.catalog.popularity import popularity
from plugin.catalog.sync.reader import Reader
from plugin.catalog.sync.sources import CUSTOM
from plugin.catalog.text_file import file_at, lines_of, opened
from plugin.errors import BadInput, DocentError, NotFound
from plugin.store import Store
from plugin.store.staging import Stage, StagedEdge, asset_key, database_key, schema_key, table_key

ORDER = (
    "database",
    "schema",
    "table",
    "view",
    "dashboard_group",
    "dashboard",
    "chart",
    "model",
    "metric",
    "job",
)

AS_CSV = (".csv", ".tsv", ".txt")
"""How the name of a CSV ends; the last is what a spreadsheet calls Unicode Text."""
LARGEST = 32 * 1024 * 1024
"""Bytes of one push or upload; a longer file is for `docent import`."""
LARGEST_FILE = 1024 * 1024 * 1024
"""Bytes of a file, unpacked: what is in memory of one are the keys of its things, and they are part of it."""
LARGEST_UNPACKED = 8 * LARGEST
"""Bytes of an upload that came packed."""
STOPPED = "the file would remove more than half of what is there: nothing was changed; if that is right, give --force"


def import_path(
    store: Store,
    viewer: Viewer,
    path: str,
    *,
    integration: str,
    strict: bool = False,
    complete: bool = False,
    force: bool = False,
    progress: Callable[[str, int, int | None], None] | None = None,
) -> Imported:
    """Import a .jsonl or .csv file into an integration; one that is not there yet is made.

    `complete`: what the file does not name is removed; `force`: however much that is.

    BadInput for a file that cannot be read at all, Refused(rule="admin") for whoever is no admin.
    """
    file = Path(path)
    with file_at(file, LARGEST_FILE) as binary:
        parsed = _parsed(binary, file.name, LARGEST_FILE)
    return take(
        store,
        viewer,
        parsed,
        integration=integration,
        strict=strict,
        complete=complete,
        force=force,
        progress=progress,
    )


def import_upload(
    store: Store,
    viewer: Viewer,
    integration_id: int,
    name: str,
    content: bytes,
    *,
    strict: bool = False,
    complete: bool = False,
    force: bool = False,
) -> Imported:
    """Import an uploaded .csv or .jsonl file into an integration of custom metadata; the file is not kept.

    NotFound, BadInput for another type of integration and for a file that cannot be read; else as `take`.
    """
    with store.as_admin(viewer) as admin:
        into = admin.integrations.get(integration_id)
    if into.type != CUSTOM:
        raise BadInput(f"{into.name} is read from a {into.type} source: upload to a custom one", field="file")
    parsed = _parsed(BytesIO(content), name, LARGEST_UNPACKED)
    return take(store, viewer, parsed, integration=into.name, strict=strict, complete=complete, force=force)


def _parsed(file: BinaryIO, name: str, largest: int) -> Parsed:
    """The file read: a CSV where its name says so (orders.csv, orders.csv.gz), else JSON lines. BadInput."""
    with opened(file, name, largest) as text:
        if name.lower().removesuffix(".gz").endswith(AS_CSV):
            return parse_csv(text)
        return parse_jsonl(lines_of(text))


def take(
    store: Store,
    viewer: Viewer,
    parsed: Parsed,
    *,
    integration: str,
    strict: bool = False,
    complete: bool = False,
    force: bool = False,
    progress: Callable[[str, int, int | None], None] | None = None,
) -> Imported:
    """Import a parsed file. With `strict` nothing is imported where any line is bad, and so with `complete`.

    BadInput for a complete file that would remove most of what is there (unless `force`), or into an integration that
    a source is read for. Conflict where another sync or import of it is under way.
    """
    strict = strict or complete
    with store.as_admin(viewer) as admin:
        # A file of which nothing can be read makes no integration either.
        if parsed.problems and (strict or parsed.is_empty):
            return _nothing(integration, parsed.problems)
        try:
            into = admin.integrations.by_name(integration)
        except NotFound:
            into = admin.integrations.add(integration, CUSTOM)
        if complete and into.type != CUSTOM:
            raise BadInput(
                f"{into.name} is read from a {into.type} source: a file cannot be all of it; import without complete",
                field="complete",
            )
    with store.ingest(viewer.workspace_id, into.id) as ingest:
        running = ingest.syncs.start(ingest.syncs.queue(into.id).id)
        known, source = ingest.known(), ingest.source()
    problems = parsed.problems
    try:
        with Stage(known) as stage:
            reader = Reader(stage, None, keep_literals=source.keep_literals)
            run = _Import(stage, reader, parsed, complete)
            run.items(progress)
            with store.ingest(viewer.workspace_id, into.id) as ingest:
                reader.link(ingest.columns_of)
            run.links()
            if strict and problems:
                _finish(store, viewer, into.id, running.id, "failed", [_sentence(problems)])
                return _nothing(into.name, problems)
            with store.ingest(viewer.workspace_id, into.id) as ingest:
                merged = ingest.merge(stage, rank=popularity, partial=not complete, force=force)
                if merged.status == "stopped":
                    raise BadInput(STOPPED, field="complete")
                counts = {
                    name: getattr(merged, name)
                    for name in ("seen", "created", "updated", "unchanged", "removed")
                }
                errors = [_sentence(problems)] if problems else []
                ingest.syncs.finish(running.id, "done", counts=counts, errors=errors)
    except DocentError as error:
        _finish(store, viewer, into.id, running.id, "failed", [str(error)])
        raise
    except BaseException:  # Ctrl+C among them: else nobody could import until the record is taken for dead
        _finish(store, viewer, into.id, running.id, "failed", ["the import did not finish"])
        raise
    imported = max(
        0, parsed.lines - len(problems)
    )  # the header of a CSV may be a bad line, and is none of them
    return Imported(
        into.name,
        imported,
        merged.created,
        merged.updated,
        merged.unchanged,
        merged.removed,
        errors=problems.told,
        more_errors=problems.more,
    )


def _nothing(integration: str, problems: Problems) -> Imported:
    return Imported(integration, 0, 0, 0, 0, errors=problems.told, more_errors=problems.more)


def _sentence(problems: Problems) -> str:
    first = problems.told[0]
    return f"{len(problems)} bad lines; the first is line {first.line}: {first.reason}"


def _finish(
    store: Store, viewer: Viewer, integration_id: int, sync_id: int, status: str, errors: list[str]
) -> None:
    with store.ingest(viewer.workspace_id, integration_id) as ingest:
        ingest.syncs.finish(sync_id, status, errors=errors)


class _Import:
    """One import: where its items stand, so that lines of lineage find them."""

    def __init__(self, stage: Stage, reader: Reader, parsed: Parsed, complete: bool) -> None:
        self.stage = stage
        self.reader = reader
        self.parsed = parsed
        self.complete = complete
        self.keys: dict[str, str] = {}
        """A file's key -> the key in the integration, of what is not an asset by that very key."""
        self.columns: dict[str, tuple[str, str]] = {}
        """A column's key -> (its table's key, its name), where a line of lineage names it."""

    def items(self, progress: Callable[[str, int, int | None], None] | None) -> None:
        for number, item in enumerate(self.parsed.items(ORDER)):
            if progress is not None and number % 1000 == 0:
                progress("reading", number, len(self.parsed))
            self._item(item)

    def _key(self, item: Item) -> str:
        if item.by_name:
            return table_key(item.database, item.schema or "", item.name)
        if item.kind in ("database", "schema"):
            place = database_key(item.name)
            if item.kind == "schema":
                place = schema_key(self._database_of(item), item.name)
            self.keys[item.key] = place
            return place
        return asset_key(item.key)

    def _database_of(self, item: Item) -> str | None:
        return self.parsed.databases.get(item.parent or "", item.database)

    def _key_of(self, parent: str) -> str | None:
        """The key of what the file itself has; what is above comes first, but for what hangs the other way round."""
        if parent in self.keys:
            return self.keys[parent]
        return asset_key(parent) if parent in self.parsed else None

    def _item(self, item: Item) -> None:
        key = self._key(item)
        if item.kind == "database":
            self.reader.take(Database(item.name, item.description, tags=item.tags))
        elif item.kind == "schema":
            self.reader.take(Schema(self._database_of(item), item.name, item.description, tags=item.tags))
        elif item.kind in ("table", "view"):
            self._table(item, key)
        else:
            parent = self._key_of(item.parent) if item.parent else None
            if item.parent and parent is None:
                parent = asset_key(item.parent)
                # What a complete file does not name is about to go, and nothing can stand in it.
                if self.complete or parent not in self.stage.known.fingerprints:
                    self._bad(item.line, f"parent_databuilder_id {item.parent!r} names nothing")
                    return
            self.reader.take_asset(
                Asset(
                    kind=item.kind,  # type: ignore[arg-type]
                    key=item.key,
                    name=item.name,
                    description=item.description,
                    definition=item.definition,
                    owners=item.owners,
                    tags=item.tags,
                    url=item.url,
                    changed_at=item.changed_at,
                    properties=item.properties,
                ),
                parent_key=parent,
            )

    def _table(self, item: Item, key: str) -> None:
        columns = tuple(
            Column(
                name=each.name,
                position=each.position or number,
                native_type=each.native_type or "",
                description=each.description,
                tags=each.tags,
            )
            for number, each in enumerate(item.columns, start=1)
        )
        linked = self.parsed.linked
        self.columns.update((each.key, (key, each.name)) for each in item.columns if each.key in linked)
        primary = tuple(each.name for each in item.columns if each.is_pk)
        table = Table(
            database=item.database,
            schema=item.schema or "",
            name=item.name,
            kind="view" if item.kind == "view" else "table",
            description=item.description,
            columns=columns,
            keys=(Key("primary", "primary key", primary),) if primary else (),
            definition=item.definition,
            changed_at=item.changed_at,
            tags=item.tags,
        )
        self.reader.names.add(key, item.database, item.schema, item.name)
        # A complete file names the places of its tables, too.
        self.stage.seen.add(schema_key(item.database, item.schema or ""))
        if item.database:
            self.stage.seen.add(database_key(item.database))
        extra = {"owners": list(item.owners), "url": item.url}
        self.reader.take_table(table, key=key, extra={name: value for name, value in extra.items() if value})

    def links(self) -> None:
        for link in self.parsed.links():
            reason = self._link(link)
            if reason:
                self._bad(link.line, reason)

    def _bad(self, line: int, reason: str) -> None:
        self.parsed.problems.add(line, reason)

    def _link(self, link: Link) -> str | None:
        lower = self._end(link.downstream)
        if link.upstream.type == "tables_from_query":
            if lower is None:
                return "to_identifier names nothing here"
            read = lineage_of(link.upstream.sql or "", None)
            if not read.tables:
                return "the sql of from_identifier reads no table"
            for parts in read.tables:
                key = self.reader.names.find(parts)
                name = ".".join(parts)
                self._edge(key or name, lower[0], None, loose="" if key else "up")
            return None
        upper = self._end(link.upstream)
        if upper is not None and lower is not None:
            self._edge(upper[0], lower[0], None)
            if upper[1] and lower[1]:
                self._edge(upper[0], lower[0], (upper[1], lower[1]))
            return None
        if upper is None and lower is not None and link.upstream.table:
            self._outside(_external(link.upstream), lower[0], link.upstream.column, lower[1], "up")
            return None
        if lower is None and upper is not None and link.downstream.table:
            self._outside(upper[0], _external(link.downstream), upper[1], link.downstream.column, "down")
            return None
        if link.upstream.type.startswith("external") and link.downstream.type.startswith("external"):
            return "neither identifier names anything of this integration"
        return f"{'from' if upper is None else 'to'}_identifier names nothing here"

    def _end(self, end: End) -> tuple[str, str | None] | None:
        if end.type == "internal_resource":
            if end.key in self.columns:
                return self.columns[end.key]
            key = self.keys.get(end.key or "") or asset_key(end.key or "")
            there = key in self.stage.seen or key in self.stage.known.fingerprints
            return (key, None) if there else None
        parts = tuple(part for part in (end.database, end.schema, end.table) if part)
        found = self.reader.names.find(parts)
        return (found, end.column) if found is not None else None

    def _outside(self, upper: str, lower: str, up: str | None, down: str | None, loose: str) -> None:
        self._edge(upper, lower, None, loose=loose)
        if up and down:
            self._edge(upper, lower, (up, down), loose=loose)

    def _edge(self, upper: str, lower: str, columns: tuple[str, str] | None, *, loose: str = "") -> None:
        self.stage.edges.append(
            StagedEdge(
                upper,
                lower,
                "import",
                columns[0] if columns else None,
                columns[1] if columns else None,
                loose=loose,
            )
        )


def _external(end: End) -> str:
    return ".".join(part for part in (end.database, end.schema, end.table) if part)
