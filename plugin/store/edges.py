"""Lineage that a person draws: from one resource to another, or from column to column. Keeps law 3.

A drawn edge belongs to no integration, so no sync removes or changes it; its source is "manual". Who may edit one end
and sees the other may draw and erase it. The activity of both ends says that an edge was drawn, not where to: whoever
sees one end need not see the other.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, delete, insert, select

from plugin.errors import BadInput, NotFound
from plugin.store._models.catalog import EdgeRow, ResourceRow
from plugin.store._rows import DRAWN, LOGGED
from plugin.store.changes import Changes

NO_END = ("database", "schema", "dashboard_group", "term", "document")


class Edges(Changes):
    """Drawing and erasing lineage by hand. Part of the viewer's door."""

    def add_edge(self, upstream_id: int, downstream_id: int) -> None:
        """Say that one resource feeds another, or one column another. There already: nothing changes.

        NotFound for an end that is hidden or absent, Refused, BadInput where the two make no edge.
        """
        upper, lower = self._ends(upstream_id, downstream_id)
        tables = self._asset(upper), self._asset(lower)
        columns = (upper.id, lower.id) if upper.kind == "column" else (None, None)
        if tables[0] == tables[1] and columns == (None, None):
            raise BadInput("a resource does not feed itself", field="other")
        # A column's edge stands on its table's: the picture of tables has to show it, too.
        wanted = [(None, None), columns] if columns[0] is not None and tables[0] != tables[1] else [columns]
        drawn = False
        for pair in wanted:
            if pair == (None, None) and columns[0] is not None and self._there(tables, pair, any_source=True):
                continue
            if not self._there(tables, pair):
                drawn = True
                self._session.execute(
                    insert(EdgeRow).values(
                        workspace_id=self._context.workspace_id,
                        integration_id=None,
                        upstream_id=tables[0],
                        downstream_id=tables[1],
                        upstream_column_id=pair[0],
                        downstream_column_id=pair[1],
                        kind="table" if pair[0] is None else "column",
                        source=DRAWN,
                        confidence=1.0,
                    )
                )
        if drawn:
            self._say(upper, lower, None, "an edge drawn by hand")

    def remove_edge(self, upstream_id: int, downstream_id: int) -> None:
        """Erase an edge that a person drew. NotFound where nobody drew one or an end is hidden, Refused."""
        upper, lower = self._ends(upstream_id, downstream_id)
        tables = self._asset(upper), self._asset(lower)
        mine = [
            EdgeRow.workspace_id == self._context.workspace_id,
            EdgeRow.upstream_id == tables[0],
            EdgeRow.downstream_id == tables[1],
            EdgeRow.source == DRAWN,
        ]
        if upper.kind == "column":
            mine += [EdgeRow.upstream_column_id == upper.id, EdgeRow.downstream_column_id == lower.id]
        gone = self._session.execute(delete(EdgeRow).where(*mine).returning(EdgeRow.id)).all()
        if not gone:
            raise NotFound("nobody drew such an edge; what a source states can only be changed at the source")
        self._say(upper, lower, "an edge drawn by hand", None)

    def _ends(self, upstream_id: int, downstream_id: int) -> tuple[Row[Any], Row[Any]]:
        self._context.begin_write()
        upper, lower = self._row(upstream_id), self._row(downstream_id)
        if self._context.for_ai or not (self._holds(upper.zone_id) or self._holds(lower.zone_id)):
            self._refuse()
        for end in (upper, lower):
            if end.kind in NO_END:
                raise BadInput(f"a {end.kind.replace('_', ' ')} has no lineage", field="other")
        if (upper.kind == "column") != (lower.kind == "column"):
            raise BadInput("an edge joins two columns or two resources, not one of each", field="other")
        if upper.id == lower.id:
            raise BadInput("a resource does not feed itself", field="other")
        return upper, lower

    def _asset(self, row: Row[Any]) -> int:
        found = self._session.scalar(select(ResourceRow.asset_id).where(ResourceRow.id == row.id))
        return found or row.id

    def _there(
        self, tables: tuple[int, int], columns: tuple[int | None, int | None], *, any_source: bool = False
    ) -> bool:
        same = [
            EdgeRow.workspace_id == self._context.workspace_id,
            EdgeRow.upstream_id == tables[0],
            EdgeRow.downstream_id == tables[1],
            EdgeRow.kind == ("table" if columns[0] is None else "column"),
        ]
        if columns[0] is not None:
            same += [EdgeRow.upstream_column_id == columns[0], EdgeRow.downstream_column_id == columns[1]]
        # What a statement told is not for everybody who sees both ends, and another log may not tell it any more.
        same.append(EdgeRow.source != LOGGED if any_source else EdgeRow.source == DRAWN)
        return self._session.scalar(select(EdgeRow.id).where(*same).limit(1)) is not None

    def _say(self, upper: Row[Any], lower: Row[Any], before: str | None, after: str | None) -> None:
        for end, other in ((upper, lower), (lower, upper)):
            self._note(end.id, "lineage", before, after, about=other.id)
        self._context.audit(
            "catalog.lineage",
            "done",
            target=f"resource:{lower.id}",
            detail={"upstream": upper.id, "drawn": after is not None},
        )
