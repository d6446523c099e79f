"""Adding an integration: settings checked by the connector itself, secrets sealed, before anything is stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import connectors
from connectors.abilities import can_query
from connectors.errors import BadSettings, MissingDriver
from plugin.access.viewer import Viewer
from plugin.errors import BadInput, Misconfigured

if TYPE_CHECKING:
    from plugin.store import Store
    from plugin.store.shapes import Integration

CUSTOM = "custom"
"""The type of an integration that has no connector: its metadata is imported from files or pushed."""


def has_password(url: str) -> bool:
    """Does a URL hold a password, which must then not be typed on a command line?"""
    return connectors.has_password(url)


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
) -> Integration:
    """Store a new integration; nothing is connected yet. For admins.

    Raises BadInput naming a bad setting or name, Misconfigured where the connector's driver is not installed, Refused.
    """
    if type != CUSTOM:
        check_source(type, settings, secrets)
        if query is not None:
            if not can_query(connectors.connector_class(type)):
                raise BadInput(
                    f"a {type} integration cannot run SQL, so it takes no query credential", field="query_url"
                )
            check_source(type, {}, query)
    with store.as_admin(viewer) as admin:
        return admin.integrations.add(
            name, type, dict(settings), secrets=dict(secrets), query=query, schedule=schedule
        )


def check_source(type: str, settings: Mapping[str, str], secrets: Mapping[str, str]) -> None:
    """Would the connector take these settings? Opens no connection. Raises BadInput or Misconfigured."""
    try:
        connectors.connect(type, settings, secrets)
    except BadSettings as error:
        raise BadInput(str(error), field="settings") from error
    except MissingDriver as error:
        raise Misconfigured(str(error)) from error
