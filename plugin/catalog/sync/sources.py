"""Connectors as people meet them: the list with its forms, adding an integration, trying it, extracting from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, is_dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import connectors
from connectors.abilities import can_push, can_query, run_verified
from connectors.errors import BadSettings, MissingDriver, SourceError
from connectors.records import Asset, Progress, Query, Record, Schema, Table, Unread
from connectors.settings import apart, fields_of, parse_settings
from plugin.access.viewer import Viewer
from plugin.catalog.mask import mask_default, mask_literals
from plugin.catalog.mask_facts import mask_named_sql, mask_properties, mask_type
from plugin.errors import BadInput, Misconfigured, SourceFailed

if TYPE_CHECKING:
    from plugin.store import Store
    from plugin.store.shapes import Integration

MOST_SCHEMAS = 1_000
"""Schemas that are offered to choose from; a source with more is narrowed by a pattern."""
CUSTOM = "custom"
"""The type of an integration that is filled by `docent import` and has no connector."""


def listing() -> list[dict[str, Any]]:
    """Every connector: how it is called, what it extracts, whether it runs SQL, how it was tested, its form.

    One whose driver is not installed is listed with what its name says and no form.
    """
    found: list[dict[str, Any]] = [
        {
            "name": CUSTOM,
            "title": "Files (JSONL, CSV) and API",
            "extracts": [
                "database",
                "schema",
                "table",
                "view",
                "column",
                "dashboard",
                "chart",
                "model",
                "metric",
                "term",
            ],
            "can_query": False,
            "can_push": False,
            "extra": None,
            "verified": "real",
            "run_verified": None,
            "settings": [],
            "grant_script": "",
            "query_grant_script": "",
        }
    ]
    for name in sorted(connectors.connectors()):
        try:
            cls = connectors.connector_class(name)
        except (MissingDriver, ModuleNotFoundError):
            continue
        found.append(
            {
                "name": name,
                "title": cls.title,
                "extracts": list(cls.extracts),
                "can_query": can_query(cls),
                "can_push": can_push(name),
                "extra": cls.extra,
                "verified": cls.verified,
                "run_verified": run_verified(cls),
                "settings": [asdict(each) for each in fields_of(cls)],
                "grant_script": cls.grant_script,
                "query_grant_script": cls.query_grant_script,
            }
        )
    return sorted(found, key=lambda each: each["name"])


def add_integration(
    store: Store,
    viewer: Viewer,
    name: str,
    type: str,
    *,
    settings: Mapping[str, str],
    secrets: Mapping[str, str],
    query: Mapping[str, str] | None = None,
    schedule: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> Integration:
    """Add an integration whose settings its connector can read; nothing is connected to yet.

    BadInput names the setting that cannot be used, Conflict a name that is taken, Refused(rule="admin").
    """
    check_form(type, settings, secrets)
    if query is not None:
        check_query(type, query)
    with store.as_admin(viewer) as admin:
        return admin.integrations.add(
            name, type, settings, options, secrets=secrets, query=query, schedule=schedule
        )


def check_form(type: str, settings: Mapping[str, str], secrets: Mapping[str, str]) -> None:
    """Can the connector read these settings? BadInput names the one it cannot, Misconfigured a missing driver.

    What is imported by hand has no connector: any setting of it would be kept for nothing, a password in the clear.
    """
    if type == CUSTOM:
        if settings or secrets:
            raise BadInput("what is imported by hand has no settings", field="settings")
        return
    try:
        parse_settings(connectors.connector_class(type).settings, settings, secrets)
    except MissingDriver as error:
        raise Misconfigured(str(error)) from error
    except BadSettings as error:
        raise BadInput(str(error), field="settings") from error


def secret_settings(type: str) -> dict[str, bool]:
    """Each setting of a connector: must it be given as a secret? Nothing where there is no such connector."""
    try:
        return {field.name: field.secret for field in fields_of(connectors.connector_class(type))}
    except (BadSettings, MissingDriver):
        return {}  # whoever uses the settings says so


def check_query(type: str, query: Mapping[str, str]) -> None:
    """The same of a credential for queries, which is kept as one mapping."""
    if type == CUSTOM:
        raise BadInput("what is imported by hand has nothing to query", field="query")
    try:
        settings, secrets = apart(connectors.connector_class(type), query)
    except MissingDriver as error:
        raise Misconfigured(str(error)) from error
    except BadSettings as error:
        raise BadInput(str(error), field="query") from error
    check_form(type, settings, secrets)


def text_settings(settings: Mapping[str, Any]) -> dict[str, str]:
    """Settings as a connector reads them: text."""
    return {
        key: ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
        for key, value in settings.items()
        if value is not None
    }


def check(store: Store, workspace: Viewer | int, integration_id: int) -> str:
    """Try an integration's connection; a sentence about what answered. SourceFailed with the connector's own."""
    workspace_id = workspace.workspace_id if isinstance(workspace, Viewer) else workspace
    with store.ingest(workspace_id, integration_id) as ingest:
        source = ingest.source()
    with store.secrets(workspace_id) as vault:
        secrets = vault.integration_secrets(integration_id)
    return check_settings(source.type, source.settings, secrets)


def check_settings(type: str, settings: Mapping[str, Any], secrets: Mapping[str, str]) -> str:
    """Try settings that are not stored yet. BadInput names a bad setting, SourceFailed what the source said."""
    try:
        return connectors.connect(type, text_settings(settings), secrets).check()
    except BadSettings as error:
        raise BadInput(str(error), field="settings") from error
    except SourceError as error:
        raise SourceFailed(str(error)) from error


@dataclass(frozen=True, slots=True)
class SeenSchema:
    """A schema that a source told of when its settings were tried."""

    name: str
    description: str


def schemas_of(
    type: str, settings: Mapping[str, Any], secrets: Mapping[str, str]
) -> tuple[SeenSchema, ...] | None:
    """The schemas that a source has, to choose from before anything is stored; None where it has no such thing.

    Reads only up to the source's first table, and leaves out the selection that is to be made. As `check_settings`.
    """
    whole = {key: value for key, value in settings.items() if key not in ("schemas", "exclude")}
    try:
        connector = connectors.connect(type, text_settings(whole), secrets)
        if "schema" not in connector.extracts:
            return None
        found: dict[str, SeenSchema] = {}
        records = connector.extract()
        try:
            for record in records:
                if isinstance(record, Schema):
                    found.setdefault(record.name, SeenSchema(record.name, record.description or ""))
                elif isinstance(record, Table | Asset) or len(found) >= MOST_SCHEMAS:
                    break
        finally:
            close = getattr(records, "close", None)
            if close is not None:
                close()
    except BadSettings as error:
        raise BadInput(str(error), field="settings") from error
    except SourceError as error:
        raise SourceFailed(str(error)) from error
    return tuple(sorted(found.values(), key=lambda each: each.name))


def extract(
    type: str,
    settings: Mapping[str, Any],
    secrets: Mapping[str, str] | None = None,
    *,
    told: Callable[[str], None] = lambda text: None,
) -> Iterator[dict[str, Any]]:
    """A connector's records as JSON-able objects, literals masked, without any catalog. As `check_settings`.

    `told` gets a sentence for each part that the role may not read.
    """
    try:
        connector = connectors.connect(type, text_settings(settings), secrets or {})
        for record in connector.extract():
            if isinstance(record, Unread):
                told(str(record))
            elif not isinstance(record, Progress):
                yield _json_record(record, connector.dialect)
    except BadSettings as error:
        raise BadInput(str(error), field="settings") from error
    except SourceError as error:
        raise SourceFailed(str(error)) from error


def _json_record(record: Record, dialect: str | None) -> dict[str, Any]:
    found = asdict(record) if is_dataclass(record) else {}
    if isinstance(record, Table):
        found.pop("raw")
        words = {column.name.lower() for column in record.columns}
        found["definition"] = record.definition and mask_literals(record.definition, dialect, words)
        found["properties"] = mask_properties(record.properties, dialect)
    elif isinstance(record, Asset):
        found["properties"] = mask_named_sql(record.properties, record.dialect or dialect)
        if record.kind not in ("term", "document"):
            found["definition"] = record.definition and mask_literals(
                record.definition, record.dialect or dialect
            )
    elif isinstance(record, Query):
        found["sql"] = mask_literals(record.sql, dialect)
        found["users"] = len(record.users)
    if isinstance(record, Table | Asset):
        spoken = record.dialect or dialect if isinstance(record, Asset) else dialect
        found["columns"] = [
            {
                **column._asdict(),
                "native_type": mask_type(column.native_type),
                "default": mask_default(column.default, spoken),
            }
            for column in record.columns
        ]
    return {"record": type(record).__name__.lower(), **_plain(found)}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value.isoformat() if isinstance(value, datetime) else value
