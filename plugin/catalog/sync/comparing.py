"""What a connector asks while it reads: is this table as the catalog has it? Told by the bytes of the source's answer.

Enters: a table's name and bytes, in the thread that reads the source. Leaves: yes or no, by the fingerprint that the
last sync left. The source is asked before the catalog has told its fingerprints, so the first question waits for them.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator

from connectors.abilities import Compares, Connector
from connectors.records import Record
from plugin.store.staging import Known, raw_fingerprint, table_key


class Comparison:
    """Answers for one sync. It has to be told, or ended: whoever asks waits for that."""

    def __init__(self) -> None:
        self._known: Known | None = None
        self._told = threading.Event()

    def tell(self, known: Known) -> None:
        """What the catalog has."""
        self._known = known
        self._told.set()

    def end(self) -> None:
        """Let whoever waits go on; what was not told by now is not known."""
        self._told.set()

    def __call__(self, database: str | None, schema: str, name: str, raw: bytes) -> bool:
        """Is the table as it was? Never true of one that the catalog has as stale."""
        self._told.wait()
        known = self._known
        if known is None:
            return False
        before = known.fingerprints.get(table_key(database, schema, name))
        return bool(before) and before == raw_fingerprint(raw, known.secret)


def records_of(connector: Connector, comparison: Comparison) -> Iterator[Record]:
    """The connector's records, compared at their source where the connector can."""
    if isinstance(connector, Compares):
        return connector.extract_unless(comparison)
    return connector.extract()
