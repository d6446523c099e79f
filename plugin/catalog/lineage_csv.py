"""Lineage and impact as CSV, for a spreadsheet. Enters: what a viewer was shown. Leaves: RFC 4180 text with a header.

Names come from sources that anybody may write to: one that a spreadsheet would take for a formula is made harmless.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from functools import lru_cache

from plugin.run_sql.download import guarded
from plugin.store.impact import Impact
from plugin.store.shapes import Lineage

EDGE_HEADER = (
    "upstream",
    "upstream_column",
    "downstream",
    "downstream_column",
    "kind",
    "source",
    "confidence",
)
IMPACT_HEADER = (
    "kind", "qualified_name", "integration", "hops", "breaks", "columns", "through", "source", "confidence", "owners",
    "tell",
)  # fmt: skip


def lineage_csv(found: Lineage) -> str:
    """One edge a line."""
    return _text(
        EDGE_HEADER,
        (
            (
                edge.upstream, edge.upstream_column, edge.downstream, edge.downstream_column, edge.kind, edge.source,
                edge.confidence,
            )
            for edge in found.edges
        ),
    )  # fmt: skip


def impact_csv(found: Impact) -> str:
    """One resource that depends on the start a line, the certain and the near first."""
    return _text(
        IMPACT_HEADER,
        (
            (
                each.resource.kind, each.resource.qualified_name, each.resource.integration, each.hops,
                "yes" if each.certain else "maybe", "; ".join(each.columns), each.through, each.source,
                each.confidence, "; ".join(owner.name for owner in each.resource.owners),
                "; ".join(owner.email for owner in each.resource.owners if owner.email),
            )
            for each in found.broken
        ),
    )  # fmt: skip


def _text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(header)
    # Kinds, sources and numbers of hops are the same on thousands of lines; typed, for 1 and 1.0 are two texts.
    told = lru_cache(maxsize=10_000, typed=True)(guarded)
    writer.writerows(map(told, row) for row in rows)
    return buffer.getvalue()
