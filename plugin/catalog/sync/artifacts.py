"""dbt artifacts that were uploaded: a sync whose source is what came with the request. Keeps laws 1 and 3.

Enters: an admin, a dbt integration, the files by name. Leaves: the `Sync`. The files are read in memory and let go:
compiled SQL has literals, so none of it is stored as it came.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from connectors.dbt import ARTIFACTS, Dbt, Settings
from plugin.access.viewer import Viewer
from plugin.catalog.sync import run_queued_sync
from plugin.errors import BadInput

if TYPE_CHECKING:
    from plugin.store import Store
    from plugin.store.shapes import Sync

LARGEST = 256 * 1024 * 1024
"""Bytes of one upload, all files together."""


def take_artifacts(
    store: Store, viewer: Viewer, integration_id: int, files: Mapping[str, bytes], *, full: bool = False
) -> Sync:
    """Sync a dbt integration from its artifacts now, in this thread. `files`: file name -> content.

    BadInput for an integration of another type, for a file that is no artifact and where manifest.json is missing;
    NotFound, Conflict where a sync is under way, Refused(rule="admin"). What is wrong in a file is told by the Sync.
    """
    with store.as_admin(viewer) as admin:
        if admin.integrations.get(integration_id).type != Dbt.name:
            raise BadInput("artifacts are uploaded to an integration of dbt Core", field="files")
    named = {PurePosixPath(name.replace("\\", "/")).name: content for name, content in files.items()}
    unknown = sorted(named.keys() - set(ARTIFACTS))
    if unknown:
        raise BadInput(f"{unknown[0]} is not one of {', '.join(ARTIFACTS)}", field="files")
    if ARTIFACTS[0] not in named:
        raise BadInput("manifest.json is missing; the other files are optional", field="files")
    with store.as_admin(viewer) as admin:
        queued = admin.integrations.start_sync(integration_id, full=full)
    connector = Dbt(Settings(uploads=True), named)
    return run_queued_sync(
        store, viewer.workspace_id, integration_id, queued.id, full=full, connector=connector
    )
