"""The ledger's row of one request, from before its bytes leave to after its answer has ended.

Enters: what is about to leave. Leaves: a row that is committed before the first byte and completed once, whatever
happened. Keeps law 4: without the row nothing leaves.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from plugin.access.viewer import Viewer
from plugin.egress.policy import Route
from plugin.egress.prices import cost_of
from plugin.egress.transport import Leaving
from plugin.providers.wire import Usage

if TYPE_CHECKING:
    from plugin.store import Store


class LedgerEntry:
    """The ledger's row of one request: opened before the bytes leave, completed once."""

    def __init__(
        self,
        store: Store,
        viewer: Viewer,
        route: Route,
        purpose: str,
        manifest: Mapping[str, Any],
        chat_id: int | None,
        prompt_id: int | None,
    ) -> None:
        self._store, self._viewer, self._route = store, viewer, route
        self._purpose, self._manifest = purpose, manifest
        self._chat_id, self._prompt_id = chat_id, prompt_id
        self._began = 0.0
        self._closed = False
        self.seq: int | None = None
        self.bytes = 0
        self.sha256 = ""
        self.usage: Usage | None = None

    def open(self, leaving: Leaving) -> None:
        """Write and commit the row. Whatever is raised here keeps the request from leaving."""
        self.bytes = len(leaving.body)
        self.sha256 = hashlib.sha256(leaving.body).hexdigest()
        with self._store.as_viewer(self._viewer) as mine:
            self.seq = mine.record.ledger_open(
                provider=self._route.provider,
                host=self._route.host,
                region=self._route.region,
                model=self._route.model,
                purpose=self._purpose,
                body_bytes=self.bytes,
                body_sha256=self.sha256,
                manifest=self._manifest,
                chat_id=self._chat_id,
                prompt_id=self._prompt_id,
            )
        self._began = time.monotonic()

    def close(self, status: str) -> None:
        """Complete the row, once; later calls do nothing."""
        if self.seq is None or self._closed:
            return
        self._closed = True
        usage = self.usage
        cost = cost_of(self._route.model, usage.input, usage.output, usage.cached) if usage else None
        self._store.close_ledger(
            self._viewer.workspace_id,
            self.seq,
            status,
            input_tokens=usage.input if usage else None,
            output_tokens=usage.output if usage else None,
            cached_tokens=usage.cached if usage else None,
            cost_usd=cost,
            milliseconds=round((time.monotonic() - self._began) * 1000),
        )
