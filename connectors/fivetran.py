"""Fivetran: connections with service, schedule and last sync, and the tables they write.

Lists come by cursor, 100 a page; a connection's schemas need one request each. Configurations, which hold hosts and
credentials, are never asked for, apart from the destination's database name.

Source: https://fivetran.com/docs/rest-api/api-reference (groups, destinations, connections, connection schema; cursors)
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from connectors.http import Api
from connectors.http_source import HttpSource
from connectors.records import Asset, Lineage, Progress, Record, Ref
from connectors.settings import setting
from connectors.warehouse import moment

PAGE = 100


@dataclass(frozen=True, slots=True)
class Settings:
    """An API key with its secret."""

    key: str = setting("API key", "Of a system key with read access")
    secret: str = setting("API secret", secret=True)
    url: str = setting("Address", default="https://api.fivetran.com")


class Fivetran(HttpSource):
    """One Fivetran account."""

    name: ClassVar[str] = "fivetran"
    title: ClassVar[str] = "Fivetran"
    extracts: ClassVar[tuple[str, ...]] = ("job",)
    settings: ClassVar[type[Any]] = Settings
    grant_script: ClassVar[str] = (
        "-- In Fivetran: a system key with READ on groups, destinations and connections.\n"
    )

    def __init__(self, settings: Settings) -> None:
        self._at = settings

    def check(self) -> str:
        """That the key is good. Raises SourceError."""
        with self._open() as api:
            groups = (api.get("/v1/groups", {"limit": 1}).get("data") or {}).get("items")
        return f"Fivetran answers: {'at least one group' if groups else 'no group'}"

    def extract(self) -> Iterator[Record]:
        """Each connection, then the tables that it writes. Raises SourceError."""
        edges: list[Lineage] = []
        with self._open() as api:
            for group in self._all(api, "/v1/groups"):
                destination = api.get(f"/v1/destinations/{group['id']}", optional=True) or {}
                database = ((destination.get("data") or {}).get("config") or {}).get("database")
                yield Progress(group.get("name") or group["id"], 0)
                for connection in self._all(api, f"/v1/groups/{group['id']}/connections"):
                    yield _job(group, connection)
                    schemas = api.get(f"/v1/connections/{connection['id']}/schemas", optional=True) or {}
                    edges += _writes(connection, (schemas.get("data") or {}).get("schemas") or {}, database)
        yield from edges

    def _all(self, api: Api, path: str) -> Iterator[dict[str, Any]]:
        def after(page: Mapping[str, Any]) -> Mapping[str, Any] | None:
            cursor = (page.get("data") or {}).get("next_cursor")
            return {"cursor": cursor} if cursor else None

        for page in api.pages(path, after, {"limit": PAGE}):
            yield from (page.get("data") or {}).get("items") or ()

    def _open(self) -> Api:
        pair = base64.b64encode(f"{self._at.key}:{self._at.secret}".encode()).decode()
        headers = {"Authorization": f"Basic {pair}", "Accept": "application/json;version=2"}
        return Api(self._at.url, lambda: headers, title="Fivetran")


def _job(group: Mapping[str, Any], each: Mapping[str, Any]) -> Asset:
    status = each.get("status") or {}
    facts = {
        "service": each.get("service"),
        "group": group.get("name"),
        "schedule": f"every {each['sync_frequency']} minutes" if each.get("sync_frequency") else None,
        "last_run": each.get("succeeded_at"),
        "last_failed": each.get("failed_at"),
        "last_status": status.get("sync_state"),
        "setup": status.get("setup_state"),
        "paused": "yes" if each.get("paused") else None,
    }
    return Asset(
        "job",
        each["id"],
        each.get("schema") or each["id"],
        changed_at=moment(each.get("succeeded_at")),
        properties={key: str(value) for key, value in facts.items() if value},
    )


def _writes(each: Mapping[str, Any], schemas: Mapping[str, Any], database: str | None) -> Iterator[Lineage]:
    """An edge to each table that is switched on."""
    for name, schema in schemas.items():
        for source, table in (schema.get("tables") or {}).items():
            if schema.get("enabled") and table.get("enabled"):
                down = Ref(
                    database=database,
                    schema=schema.get("name_in_destination") or name,
                    table=table.get("name_in_destination") or source,
                )
                yield Lineage(Ref(key=each["id"]), down, "fivetran")
