"""Changes of one resource by a person: texts, marks, tags, owners; and who may make them. Keeps law 3.

Who may: an admin everywhere, an editor where a team of theirs sees the resource and they are not lowered in it. What
cannot be seen cannot be changed, and is not found. The assistant changes nothing. Each change is written in the
resource's activity and, without its text, in the audit log.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, delete, func, insert, or_, select, update

from plugin.access.viewer import Role
from plugin.errors import BadInput, Conflict, NotFound, Refused
from plugin.store import search_index
from plugin.store._context import Context
from plugin.store._flags import flag
from plugin.store._models.base import now
from plugin.store._models.catalog import ActivityRow, OwnerRow, ResourceRow, TagRow, ZoneTeamRow
from plugin.store._models.people import AccountRow, GroupRow, MemberRow
from plugin.store._rows import ABSENT
from plugin.store._texts import clean_line, clean_text
from plugin.store._visible import visible
from plugin.store.listing import NOT_COLUMN

TEXTS = ("description", "definition")
FLAGS = ("verified", "published")
SENSITIVITY = ("personal", "secret")
FIELDS = (*TEXTS, *FLAGS, "sensitivity", "synonyms", "name")
WRITTEN_HERE = ("term", "document")
BY_THEIR_SOURCE = "this comes from its source; it is changed or removed there and by the next sync"


class Changes:
    """What one member may change of a resource. The store's `Edits` adds terms, documents and proposals."""

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
            properties = {**(row.properties or {}), "synonyms": synonym_list(value)}
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
        if field == "sensitivity":
            values["sensitivity_confidence"] = None  # whoever decides does not guess
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

    def _free_term(self, name: str, but: int = 0) -> None:
        taken = select(ResourceRow.id).where(
            visible(self._context),
            NOT_COLUMN,
            ResourceRow.kind == "term",
            ResourceRow.integration_id.is_(None),
            ResourceRow.name_folded == name.lower(),
            ResourceRow.id != but,
        )
        if self._session.scalar(taken) is not None:
            raise Conflict(f"the glossary has a term {name!r} already", field="name")

    def _mark_edited(self, row: Row[Any], field: str) -> None:
        edited = set((row.edited or "").split(",")) - {""}
        self._session.execute(
            update(ResourceRow)
            .where(ResourceRow.id == row.id)
            .values(edited=",".join(sorted(edited | {field})))
        )

    def _note(
        self, resource_id: int, field: str, before: Any, after: Any, *, about: int | None = None
    ) -> None:
        """Write a change into the activity and the audit log, and into search.

        `about`: the id of another resource, without which the change would not be: whoever does not see that one is
        not told of the change either (see `ViewerCatalog.activity`).
        """
        self._session.execute(
            insert(ActivityRow).values(
                workspace_id=self._context.workspace_id,
                resource_id=resource_id,
                at=now(),
                who=self._context.member.name,
                field=field if about is None else f"{field}:{about}",
                before=as_text(before) if before is not None else None,
                after=as_text(after) if after is not None else None,
            )
        )
        self._context.audit("catalog.edit", "done", target=f"resource:{resource_id}", detail={"field": field})
        flag(self._context, resource_id, field, as_text(after) if after is not None else None)
        search_index.index_changes(self._session, self._context.workspace_id, [resource_id], [])


def synonym_list(value: Any) -> list[str]:
    if isinstance(value, str) or not isinstance(value, Sequence) or len(value) > 50:
        raise BadInput("synonyms are a list of at most 50 names", field="synonyms")
    return list(dict.fromkeys(clean_line(each, field="synonyms") for each in value))


def as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)
