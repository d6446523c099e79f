"""Changes of the catalog by people: descriptions, tags, owners, terms, documents, and proposals of these. Keeps law 3.

Who may: an admin everywhere, an editor where a team of theirs sees the resource and they are not lowered in it; a
viewer proposes, a guest reads. What cannot be seen cannot be changed, and is not found. The assistant changes nothing:
it proposes. Each change is written in the resource's activity and, without its text, in the audit log.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import insert, select

from plugin.access.viewer import Role
from plugin.errors import BadInput, Conflict, NotFound
from plugin.store import search_index, search_reading, zones
from plugin.store._flags import flag
from plugin.store._ids import fresh_id
from plugin.store._models.base import now
from plugin.store._models.catalog import ProposalRow, ResourceRow, TagRow
from plugin.store._rows import to_resources
from plugin.store._texts import clean_line, clean_text
from plugin.store._visible import visible
from plugin.store.changes import (
    BY_THEIR_SOURCE,
    FLAGS,
    TEXTS,
    WRITTEN_HERE,
    as_text,
    synonym_list,
)
from plugin.store.edges import Edges
from plugin.store.removal import remove_resources
from plugin.store.search_scrub import scrub_index
from plugin.store.shapes import Proposal, Resource

PROPOSED = (*TEXTS, *FLAGS, "sensitivity", "tag", "owner", "term")


class Edits(Edges):
    """What one member may change of the catalog. Made by the viewer's door."""

    # --- terms and documents ----------------------------------------------------------------------------------

    def create_term(self, name: str, definition: str, synonyms: Sequence[str] = ()) -> Resource:
        """Add a glossary term. Refused, BadInput, Conflict where the glossary has the name."""
        title = clean_line(name, field="name")
        return self._create(
            "term", title, clean_text(definition, field="definition"), {"synonyms": synonym_list(synonyms)}
        )

    def create_document(self, title: str, body: str) -> Resource:
        """Add a document. Refused, BadInput."""
        return self._create("document", clean_line(title, field="title"), clean_text(body, field="body"), {})

    def _create(self, kind: str, name: str, body: str, properties: dict[str, Any]) -> Resource:
        self._context.begin_write()
        zone = zones.workspace_zone(self._session, self._context.workspace_id)
        if self._context.member.role is Role.GUEST or not self._holds(zone):
            self._refuse()
        if kind == "term":
            self._free_term(name)
        row = ResourceRow(
            workspace_id=self._context.workspace_id,
            kind=kind,
            asset_id=0,
            zone_id=zone,
            name=name,
            name_folded=name.lower(),
            qualified_name=name,
            qualified_folded=name.lower(),
            definition=body or None,
            properties=properties or None,
            synced_at=now(),
            popularity=0.0,
        )
        self._session.add(row)
        self._session.flush()
        row.asset_id = row.id
        self._session.flush()
        zones.recount(self._session, self._context.workspace_id, (zone,))
        self._note(row.id, "created", None, name)
        flag(self._context, row.id, "body" if kind == "document" else "definition", body)
        return self._resource(row.id)

    def delete(self, resource_id: int) -> None:
        """Delete a term or document that people wrote. NotFound, Refused, BadInput for what a source has."""
        row = self._editable(resource_id)
        self._only_here(row)
        tags = self._session.scalars(select(TagRow.tag).where(TagRow.resource_id == row.id)).all()
        names = [row.name, *tags, *search_reading.synonyms_in(row.properties)]
        remove_resources(self._context, [row.id])
        zones.recount(self._session, self._context.workspace_id, (row.zone_id,))
        search_index.index_changes(self._session, self._context.workspace_id, [], [row.id])
        scrub_index(self._context, names)
        self._context.audit("catalog.delete", "done", target=f"resource:{row.id}", detail={"kind": row.kind})

    # --- proposals --------------------------------------------------------------------------------------------

    def propose(self, resource_id: int, field: str, value: Any) -> Proposal:
        """Propose a description, definition, tag, owner or mark; an editor decides. NotFound, Refused for a guest."""
        if self._context.member.role is Role.GUEST:
            self._refuse()
        if field not in PROPOSED or field == "term":
            raise BadInput(f"what can be proposed is {', '.join(PROPOSED[:-1])}", field="field")
        self._context.begin_write()
        row = self._row(resource_id)
        if field == "definition" and row.kind not in (*WRITTEN_HERE, "metric"):
            raise BadInput(BY_THEIR_SOURCE, field=field)
        text = clean_text(as_text(value), field="value")
        same = self._session.scalar(
            select(ProposalRow.id).where(
                ProposalRow.resource_id == row.id,
                ProposalRow.field == field,
                ProposalRow.value == text,
                ProposalRow.state == "open",
                ProposalRow.member_id == self._context.member.id,
            )
        )
        if same is not None:
            return self._proposal(same)
        by = self._context.member.name + (", with the assistant" if self._context.for_ai else "")
        made = self._session.execute(
            insert(ProposalRow)
            .values(
                id=fresh_id(self._session, ProposalRow.id),
                workspace_id=self._context.workspace_id,
                resource_id=row.id,
                field=field,
                value=text,
                state="open",
                member_id=self._context.member.id,
                proposed_by=by,
                at=now(),
            )
            .returning(ProposalRow.id)
        ).scalar_one()
        self._context.audit("catalog.propose", "done", target=f"resource:{row.id}", detail={"field": field})
        return self._proposal(made)

    def proposals(
        self, *, state: str = "open", about: int | None = None, limit: int = 200
    ) -> tuple[Proposal, ...]:
        """Proposals about what this member may see, or about one resource of it, newest first."""
        rows = self._session.execute(
            select(ProposalRow, ResourceRow.qualified_name)
            .join(ResourceRow, ResourceRow.id == ProposalRow.resource_id)
            .where(
                ProposalRow.workspace_id == self._context.workspace_id,
                ProposalRow.state == state,
                visible(self._context),
                *(() if about is None else (ProposalRow.resource_id == about,)),
            )
            .order_by(ProposalRow.at.desc(), ProposalRow.id.desc())
            .limit(limit)
        )
        return tuple(_proposal(row, name) for row, name in rows)

    def decide(self, proposal_id: int, accept: bool) -> Proposal:
        """Accept or decline a proposal; accepting makes the change. NotFound, Refused, Conflict where it is decided."""
        self._context.begin_write()
        row = self._session.scalar(
            select(ProposalRow).where(
                ProposalRow.id == proposal_id, ProposalRow.workspace_id == self._context.workspace_id
            )
        )
        if row is None or row.resource_id is None:
            raise NotFound("there is no such proposal, or you may not see it")
        try:
            self._editable(row.resource_id)
        except NotFound as error:
            raise NotFound("there is no such proposal, or you may not see it") from error
        if row.state != "open":
            raise Conflict(f"this proposal was {row.state} already", field="proposal")
        if accept:
            self._apply(row)
        row.state = "accepted" if accept else "declined"
        row.decided_by, row.decided_at = self._context.member.name, now()
        self._session.flush()
        self._context.audit(
            "catalog.decide", "done", target=f"resource:{row.resource_id}", detail={"accepted": accept}
        )
        return self._proposal(row.id)

    def _apply(self, row: ProposalRow) -> None:
        resource_id = row.resource_id or 0
        if row.field == "tag":
            self.add_tag(resource_id, row.value)
        elif row.field == "owner":
            self.add_owner(resource_id, row.value)
        elif row.field in FLAGS:
            self.set_property(resource_id, row.field, row.value == "true")
        else:
            self.set_property(resource_id, row.field, row.value or None)

    def _proposal(self, proposal_id: int) -> Proposal:
        row, name = self._session.execute(
            select(ProposalRow, ResourceRow.qualified_name)
            .join(ResourceRow, ResourceRow.id == ProposalRow.resource_id)
            .where(ProposalRow.id == proposal_id)
        ).one()
        return _proposal(row, name)

    def _resource(self, resource_id: int) -> Resource:
        from plugin.store._rows import one

        return to_resources(self._context, [one(self._context, resource_id)])[0]


def _proposal(row: ProposalRow, name: str) -> Proposal:
    return Proposal(
        id=row.id,
        resource_id=row.resource_id or 0,
        qualified_name=name,
        field=row.field,
        value=row.value,
        state=row.state,
        proposed_by=row.proposed_by,
        at=row.at,
    )
