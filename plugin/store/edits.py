"""Changes of the catalog by people: descriptions, tags, owners, terms, documents, and proposals of these. Keeps law 3.

Who may: an admin everywhere, an editor where a team of theirs sees the resource and they are not lowered in it; a
viewer proposes, a guest reads. What cannot be seen cannot be changed, and is not found. The assistant changes nothing:
it proposes. Each change is written in the resource's activity and, without its text, in the audit log.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, delete, func, insert, or_, select, update

from plugin.access.viewer import Role
from plugin.errors import BadInput, Conflict, NotFound, Refused
from plugin.store import search_index, zones
from plugin.store._context import Context
from plugin.store._models.base import now
from plugin.store._models.catalog import ActivityRow, OwnerRow, ProposalRow, ResourceRow, TagRow, ZoneTeamRow
from plugin.store._models.people import AccountRow, GroupRow, MemberRow
from plugin.store._rows import ABSENT, to_resources
from plugin.store._texts import clean_line, clean_text
from plugin.store._visible import visible
from plugin.store.removal import remove_resources
from plugin.store.shapes import Proposal, Resource

TEXTS = ("description", "definition")
FLAGS = ("verified", "published")
SENSITIVITY = ("personal", "secret")
FIELDS = (*TEXTS, *FLAGS, "sensitivity", "synonyms", "name")
PROPOSED = (*TEXTS, *FLAGS, "sensitivity", "tag", "owner", "term")
WRITTEN_HERE = ("term", "document")
BY_THEIR_SOURCE = "this comes from its source; it is changed or removed there and by the next sync"


class Edits:
    """What one member may change of the catalog. Made by the viewer's door."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._session = context.session

    # --- properties -------------------------------------------------------------------------------------------

    def may_edit(self, resource_id: int) -> bool:
        """May this member change this resource? False too where it is not visible."""
        row = self._session.execute(
            select(ResourceRow.zone_id).where(visible(self._context), ResourceRow.id == resource_id)
        ).one_or_none()
        return row is not None and self._holds(row.zone_id)

    def set_property(self, resource_id: int, field: str, value: Any) -> None:
        """Set description, definition, verified, published, sensitivity, or a term's name or synonyms.

        NotFound, Refused(rule="edit"), BadInput for a field or value that cannot be. A value of None empties a text; a
        sensitivity of None is the decision that the column is not sensitive.
        """
        row = self._editable(resource_id)
        if field not in FIELDS:
            raise BadInput(f"what can be set is {', '.join(FIELDS)}", field="field")
        if field in TEXTS:
            self._set_text(row, field, value)
        elif field in FLAGS:
            if not isinstance(value, bool):
                raise BadInput(f"{field} is true or false", field=field)
            self._write(row, field, value)
        elif field == "sensitivity":
            wanted = None if value in (None, "", "none") else value
            if wanted is not None and wanted not in SENSITIVITY:
                raise BadInput(f"sensitivity is one of {', '.join(SENSITIVITY)} or none", field=field)
            self._write(row, field, wanted, decided=True)
        elif field == "synonyms":
            self._only_here(row)
            properties = {**(row.properties or {}), "synonyms": _synonyms(value)}
            self._write(row, "properties", properties, shown="synonyms")
        else:
            self._only_here(row)
            name = clean_line(value, field="name")
            if row.kind == "term":
                self._free_term(name, but=row.id)
            self._session.execute(
                update(ResourceRow)
                .where(ResourceRow.id == row.id)
                .values(name_folded=name.lower(), qualified_name=name, qualified_folded=name.lower())
            )
            self._write(row, "name", name)

    def _set_text(self, row: Row[Any], field: str, value: Any) -> None:
        if value is not None and not isinstance(value, str):
            raise BadInput(f"{field} is a text", field=field)
        if field == "definition" and row.kind not in (*WRITTEN_HERE, "metric"):
            raise BadInput(BY_THEIR_SOURCE, field=field)
        self._write(row, field, clean_text(value, field=field) or None, decided=True)

    def _write(
        self, row: Row[Any], field: str, value: Any, *, decided: bool = False, shown: str | None = None
    ) -> None:
        before = getattr(row, field)
        values: dict[str, Any] = {field: value, "synced_at": now()}
        if decided and row.integration_id is not None:
            edited = set((row.edited or "").split(",")) - {""}
            if field in TEXTS and field not in edited:
                # What the source said is kept beside what a person says, so that it can be had back.
                values[f"source_{field}"] = before
            values["edited"] = ",".join(sorted(edited | {field}))
        if before == value and values.get("edited", row.edited) == row.edited:
            return
        self._session.execute(update(ResourceRow).where(ResourceRow.id == row.id).values(values))
        if shown == "synonyms":
            before, value = (before or {}).get("synonyms"), value["synonyms"]
        self._note(row.id, shown or field, before, value)

    # --- tags and owners --------------------------------------------------------------------------------------

    def add_tag(self, resource_id: int, tag: str) -> None:
        """Put a tag on a resource. NotFound, Refused, BadInput."""
        row = self._editable(resource_id)
        wanted = clean_line(tag, field="tag", longest=200)
        there = select(TagRow.tag).where(TagRow.resource_id == row.id, TagRow.tag == wanted)
        if self._session.scalar(there) is None:
            self._session.execute(
                insert(TagRow).values(
                    resource_id=row.id, tag=wanted, workspace_id=self._context.workspace_id, origin="person"
                )
            )
            self._note(row.id, "tags", None, wanted)

    def remove_tag(self, resource_id: int, tag: str) -> None:
        """Take a tag off a resource; a smart import does not put it back. NotFound, Refused."""
        row = self._editable(resource_id)
        gone = self._session.execute(
            delete(TagRow).where(TagRow.resource_id == row.id, TagRow.tag == tag).returning(TagRow.origin)
        ).all()
        if gone:
            if gone[0].origin == "source":
                self._mark_edited(row, "tags")
            self._note(row.id, "tags", tag, None)

    def add_owner(
        self,
        resource_id: int,
        owner: str | None = None,
        *,
        member_id: int | None = None,
        group_id: int | None = None,
    ) -> None:
        """Make a member or a group an owner, by id or by name or e-mail address.

        NotFound, Refused, BadInput where there is no such member or group.
        """
        row = self._editable(resource_id)
        values = self._owner(owner, member_id, group_id)
        same = select(OwnerRow.id).where(
            OwnerRow.resource_id == row.id,
            or_(
                OwnerRow.member_id == values["member_id"],
                OwnerRow.group_id == values["group_id"],
            ),
        )
        if self._session.scalar(same) is None:
            self._session.execute(
                insert(OwnerRow).values(
                    resource_id=row.id, workspace_id=self._context.workspace_id, origin="person", **values
                )
            )
            self._note(row.id, "owners", None, values["name"])

    def remove_owner(self, resource_id: int, owner: str) -> None:
        """Take an owner off, by name or e-mail address; a smart import does not put it back. NotFound, Refused."""
        row = self._editable(resource_id)
        folded = owner.strip().lower()
        gone = self._session.execute(
            delete(OwnerRow)
            .where(
                OwnerRow.resource_id == row.id,
                or_(func.lower(OwnerRow.name) == folded, func.lower(OwnerRow.email) == folded),
            )
            .returning(OwnerRow.origin, OwnerRow.name)
        ).all()
        for origin, name in gone:
            if origin == "source":
                self._mark_edited(row, "owners")
            self._note(row.id, "owners", name, None)

    def _owner(self, owner: str | None, member_id: int | None, group_id: int | None) -> dict[str, Any]:
        workspace_id = self._context.workspace_id
        members = (
            select(MemberRow.id, AccountRow.name, AccountRow.email)
            .join(AccountRow, AccountRow.id == MemberRow.account_id)
            .where(MemberRow.workspace_id == workspace_id)
        )
        groups = select(GroupRow.id, GroupRow.name).where(GroupRow.workspace_id == workspace_id)
        if owner is not None:
            folded = owner.strip().lower()
            members = members.where(or_(AccountRow.email == folded, func.lower(AccountRow.name) == folded))
            groups = groups.where(func.lower(GroupRow.name) == folded)
        else:
            members = members.where(MemberRow.id == (member_id or -1))
            groups = groups.where(GroupRow.id == (group_id or -1))
        found = self._session.execute(members.order_by(MemberRow.id).limit(1)).one_or_none()
        if found is not None and group_id is None:
            name = found.name or found.email
            return {"name": name, "email": found.email, "member_id": found.id, "group_id": None}
        group = self._session.execute(groups.order_by(GroupRow.id).limit(1)).one_or_none()
        if group is not None:
            return {"name": group.name, "email": None, "member_id": None, "group_id": group.id}
        raise BadInput("an owner is a member (by name or e-mail address) or a group", field="owner")

    # --- terms and documents ----------------------------------------------------------------------------------

    def create_term(self, name: str, definition: str, synonyms: Sequence[str] = ()) -> Resource:
        """Add a glossary term. Refused, BadInput, Conflict where the glossary has the name."""
        title = clean_line(name, field="name")
        return self._create(
            "term", title, clean_text(definition, field="definition"), {"synonyms": _synonyms(synonyms)}
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
        return self._resource(row.id)

    def delete(self, resource_id: int) -> None:
        """Delete a term or document that people wrote. NotFound, Refused, BadInput for what a source has."""
        row = self._editable(resource_id)
        self._only_here(row)
        remove_resources(self._context, [row.id])
        zones.recount(self._session, self._context.workspace_id, (row.zone_id,))
        search_index.index_changes(self._session, self._context.workspace_id, [], [row.id])
        self._context.audit("catalog.delete", "done", target=f"resource:{row.id}", detail={"kind": row.kind})

    def _free_term(self, name: str, but: int = 0) -> None:
        taken = select(ResourceRow.id).where(
            visible(self._context),
            ResourceRow.kind == "term",
            ResourceRow.integration_id.is_(None),
            ResourceRow.name_folded == name.lower(),
            ResourceRow.id != but,
        )
        if self._session.scalar(taken) is not None:
            raise Conflict(f"the glossary has a term {name!r} already", field="name")

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
        text = clean_text(_as_text(value), field="value")
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

    def proposals(self, *, state: str = "open", limit: int = 200) -> tuple[Proposal, ...]:
        """Proposals about what this member may see, newest first."""
        rows = self._session.execute(
            select(ProposalRow, ResourceRow.qualified_name)
            .join(ResourceRow, ResourceRow.id == ProposalRow.resource_id)
            .where(
                ProposalRow.workspace_id == self._context.workspace_id,
                ProposalRow.state == state,
                visible(self._context),
            )
            .order_by(ProposalRow.id.desc())
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

    # --- inside -----------------------------------------------------------------------------------------------

    def _row(self, resource_id: int) -> Row[Any]:
        row = self._session.execute(
            select(
                ResourceRow.id,
                ResourceRow.kind,
                ResourceRow.zone_id,
                ResourceRow.integration_id,
                ResourceRow.edited,
                ResourceRow.name,
                ResourceRow.description,
                ResourceRow.definition,
                ResourceRow.verified,
                ResourceRow.published,
                ResourceRow.sensitivity,
                ResourceRow.properties,
            ).where(visible(self._context), ResourceRow.id == resource_id)
        ).one_or_none()
        if row is None:
            raise NotFound(ABSENT)
        return row

    def _editable(self, resource_id: int) -> Row[Any]:
        self._context.begin_write()
        row = self._row(resource_id)
        if self._context.for_ai or not self._holds(row.zone_id):
            self._refuse()
        return row

    def _holds(self, zone_id: int) -> bool:
        """May the member edit what is in this zone?"""
        member = self._context.member
        if member.role is Role.ADMIN:
            return True
        if member.role is not Role.EDITOR:
            return False
        teams = member.team_ids - member.lowered_team_ids
        held = select(ZoneTeamRow.team_id).where(
            ZoneTeamRow.zone_id == zone_id, ZoneTeamRow.team_id.in_(teams)
        )
        return self._session.scalar(held.limit(1)) is not None

    def _refuse(self) -> None:
        raise Refused(
            "you may not change this; you can propose it, or ask an editor of its team",
            rule="edit",
            who="an editor of a team that sees it, or an admin",
        )

    def _only_here(self, row: Row[Any]) -> None:
        if row.integration_id is not None or row.kind not in WRITTEN_HERE:
            raise BadInput(BY_THEIR_SOURCE, field="resource")

    def _mark_edited(self, row: Row[Any], field: str) -> None:
        edited = set((row.edited or "").split(",")) - {""}
        self._session.execute(
            update(ResourceRow)
            .where(ResourceRow.id == row.id)
            .values(edited=",".join(sorted(edited | {field})))
        )

    def _note(self, resource_id: int, field: str, before: Any, after: Any) -> None:
        """Write a change into the activity and the audit log, and into search."""
        self._session.execute(
            insert(ActivityRow).values(
                workspace_id=self._context.workspace_id,
                resource_id=resource_id,
                at=now(),
                who=self._context.member.name,
                field=field,
                before=_as_text(before) if before is not None else None,
                after=_as_text(after) if after is not None else None,
            )
        )
        self._context.audit("catalog.edit", "done", target=f"resource:{resource_id}", detail={"field": field})
        search_index.index_changes(self._session, self._context.workspace_id, [resource_id], [])

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


def _synonyms(value: Any) -> list[str]:
    if isinstance(value, str) or not isinstance(value, Sequence) or len(value) > 50:
        raise BadInput("synonyms are a list of at most 50 names", field="synonyms")
    return list(dict.fromkeys(clean_line(each, field="synonyms") for each in value))


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)
