"""Saved statements: drafts of their authors, and those that somebody with the right approved for teams. Sealed at rest.

Enters: a text that Run SQL has checked, with its parameters and the names of the tables and columns it touches. Leaves:
`ApprovedQuery`. Keeps law 3: a statement that names a table or column which the reader does not see does not exist for
them. Changing a text takes its approval away. Who may run one is decided in `plugin.run_sql`, not here.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from sqlalchemy import select

from plugin.access.viewer import Role
from plugin.errors import BadInput, Conflict, NotFound, Refused
from plugin.store._context import Context
from plugin.store._ids import fresh_id
from plugin.store._models.base import now
from plugin.store._models.catalog import ResourceRow
from plugin.store._models.integrations import ApprovedQueryRow
from plugin.store._models.people import MemberRow, TeamRow
from plugin.store._rows import chunks, integration_names
from plugin.store._visible import visible
from plugin.store.listing import IS_COLUMN, NOT_COLUMN
from plugin.store.shapes import ApprovedQuery, QueryParameter

MOST = 500
NAME_MOST, DESCRIPTION_MOST = 120, 1_000
ABSENT = "no such saved query"


class ApprovedQueries:
    """What the asking member may see of the workspace's saved statements."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def all(self, integration_id: int | None = None) -> tuple[ApprovedQuery, ...]:
        """By name: mine, those approved for a team of mine, and for whoever may approve also the drafts of others."""
        query = select(ApprovedQueryRow).where(ApprovedQueryRow.workspace_id == self._context.workspace_id)
        if integration_id is not None:
            query = query.where(ApprovedQueryRow.integration_id == integration_id)
        rows = self._readable(self._context.session.scalars(query).all())
        return tuple(sorted(self._existing(rows), key=lambda each: each.name.casefold()))

    def get(self, query_id: int) -> ApprovedQuery:
        """One of those that `all` gives. NotFound."""
        found = self._existing(self._rows(query_id))
        if not found:
            raise NotFound(ABSENT)
        return found[0]

    def save(
        self,
        integration_id: int,
        name: str,
        sql: str,
        *,
        description: str = "",
        parameters: Sequence[QueryParameter] = (),
        tables: Sequence[str] = (),
        columns: Sequence[str] = (),
        query_id: int | None = None,
    ) -> ApprovedQuery:
        """Keep a statement, or change one of mine (then it must be approved anew). The caller has checked the text."""
        tidy = " ".join(name.split())
        if not tidy or len(tidy) > NAME_MOST:
            raise BadInput(f"a query's name has 1 to {NAME_MOST} characters", field="name")
        if len(description) > DESCRIPTION_MOST:
            raise BadInput(f"a description has at most {DESCRIPTION_MOST:,} characters", field="description")
        context = self._context
        context.begin_write()
        if query_id is None:
            held = select(ApprovedQueryRow.id).where(
                ApprovedQueryRow.workspace_id == context.workspace_id,
                ApprovedQueryRow.member_id == context.member.id,
            )
            if len(context.session.scalars(held).all()) >= MOST:
                raise Conflict(f"you have {MOST} saved queries; delete some first", field="name")
            row = ApprovedQueryRow(
                id=fresh_id(context.session, ApprovedQueryRow.id),
                workspace_id=context.workspace_id,
                integration_id=integration_id,
                member_id=context.member.id,
                uid=secrets.token_hex(16),
            )
        else:
            row = self._row_that_exists(query_id)
            if row.member_id != context.member.id:
                raise Refused(
                    "only its author changes a saved query", rule="run_sql.query", who=self._shape(row).author
                )
        body = {
            "name": tidy,
            "description": description.strip(),
            "sql": sql,
            "parameters": [asdict(each) for each in parameters],
            "tables": list(tables),
            "columns": list(columns),
        }
        row.sealed = context.vault.seal_json("approved_queries", "sealed", body, row=row.uid)
        row.team_ids, row.approved_by, row.approved_at, row.updated = [], None, None, now()
        context.session.add(row)
        context.session.flush()
        context.audit(
            "run_sql.query.save", "done", target=f"query:{row.id}", detail={"integration": integration_id}
        )
        return self._shape(row)

    def approve(self, query_id: int, team_ids: Sequence[int]) -> ApprovedQuery:
        """Approve the text as it stands for these teams; none takes the approval back. Refused, NotFound, BadInput.

        An admin approves for any team. An editor who may query the integration approves for teams in which they edit.
        """
        context = self._context
        context.begin_write()
        row = self._row_that_exists(query_id)
        allowed = self._may_approve_for(row)
        if not allowed:
            raise Refused(
                "a saved query is approved by an admin, or by an editor who may query its integration",
                rule="run_sql.query",
                who="an admin of the workspace",
            )
        wanted = sorted(set(team_ids))
        beyond = set(wanted) - set(allowed)
        if beyond:
            raise BadInput("you cannot approve it for one of these teams", field="teams")
        kept = [team for team in row.team_ids or [] if team not in allowed]
        row.team_ids = sorted({*kept, *wanted})
        row.approved_by = context.member.email if row.team_ids else None
        row.approved_at = datetime.now(UTC) if row.team_ids else None
        context.session.flush()
        action = "run_sql.query.approve" if wanted else "run_sql.query.withdraw"
        context.audit(action, "done", target=f"query:{row.id}", detail={"teams": row.team_ids})
        return self._shape(row)

    def delete(self, query_id: int) -> None:
        """Delete one of mine; an admin deletes any. NotFound, Refused."""
        context = self._context
        context.begin_write()
        row = self._row_that_exists(query_id)
        if row.member_id != context.member.id and not self._is_admin():
            raise Refused(
                "only its author or an admin deletes it", rule="run_sql.query", who=self._shape(row).author
            )
        context.session.delete(row)
        context.session.flush()
        context.audit("run_sql.query.delete", "done", target=f"query:{query_id}")
        context.scrub_after()

    def teams_to_approve(self, query_id: int) -> tuple[tuple[int, str], ...]:
        """The teams for which I may approve it, by name; () where I may not at all. NotFound."""
        allowed = self._may_approve_for(self._row_that_exists(query_id))
        return tuple(sorted(allowed.items(), key=lambda team: team[1].casefold()))

    # --- who ------------------------------------------------------------------------------------------------------

    def _is_admin(self) -> bool:
        return self._context.member.role is Role.ADMIN and self._context.has_scope("admin")

    def _may_approve_for(self, row: ApprovedQueryRow) -> dict[int, str]:
        """Teams for which I may approve it, by id."""
        from plugin.store.me import Me

        member = self._context.member
        query = select(TeamRow.id, TeamRow.name).where(TeamRow.workspace_id == self._context.workspace_id)
        if not self._is_admin():
            if member.role is not Role.EDITOR or not Me(self._context).can_query(row.integration_id):
                return {}
            query = query.where(TeamRow.id.in_(member.team_ids - member.lowered_team_ids))
        return {int(team): str(name) for team, name in self._context.session.execute(query)}

    def _readable(self, rows: Sequence[ApprovedQueryRow]) -> list[ApprovedQueryRow]:
        """Those that are mine, approved for a team of mine, or for me to approve."""
        from plugin.store.me import Me

        member = self._context.member
        mine_to_approve: set[int] | None = set()
        if self._is_admin():
            mine_to_approve = None
        elif member.role is Role.EDITOR and member.team_ids - member.lowered_team_ids:
            mine_to_approve = {each.id for each in Me(self._context).query_integrations()}
        return [
            row
            for row in rows
            if row.member_id == member.id
            or set(row.team_ids or ()) & member.team_ids
            or mine_to_approve is None
            or row.integration_id in mine_to_approve
        ]

    def _existing(self, rows: Sequence[ApprovedQueryRow]) -> list[ApprovedQuery]:
        """Those of readable rows of which every table and column is visible.

        In a fixed number of statements: how many there are must not tell how many queries are over hidden tables.
        """
        shapes = self._shapes(rows)
        labels = sorted({label for shape in shapes for label in shape.tables})
        tables: dict[int, tuple[int | None, str]] = {}
        known: set[tuple[int | None, str]] = set()
        for part in list(chunks(labels)) or [[]]:
            # By the whole name: what only ends so is another table, and the one that is meant is hidden, or gone.
            found = self._context.session.execute(
                select(ResourceRow.id, ResourceRow.integration_id, ResourceRow.qualified_name).where(
                    visible(self._context), NOT_COLUMN, ResourceRow.qualified_name.in_(part)
                )
            )
            tables.update((id_, (integration, name)) for id_, integration, name in found)
        for ids in list(chunks(sorted(tables))) or [[]]:
            columns = self._context.session.execute(
                select(ResourceRow.parent_id, ResourceRow.name).where(
                    visible(self._context), IS_COLUMN, ResourceRow.parent_id.in_(ids)
                )
            )
            for table, column in columns:
                integration, name = tables[table]
                known.add((integration, f"{name}.{column}"))
        there = set(tables.values())
        return [
            shape
            for shape in shapes
            if all((shape.integration_id, label) in there for label in shape.tables)
            and all((shape.integration_id, column) in known for column in shape.columns)
        ]

    # --- rows -----------------------------------------------------------------------------------------------------

    def _rows(self, query_id: int) -> list[ApprovedQueryRow]:
        """The one of this id, if it is there and readable. What follows is the same where it is not, so that one over
        hidden tables costs no statement more than one that was never there.
        """
        return self._readable(
            self._context.session.scalars(
                select(ApprovedQueryRow).where(
                    ApprovedQueryRow.workspace_id == self._context.workspace_id,
                    ApprovedQueryRow.id == query_id,
                )
            ).all()
        )

    def _row_that_exists(self, query_id: int) -> ApprovedQueryRow:
        """One that `get` gives, or mine, whatever became of its tables. NotFound."""
        rows = self._rows(query_id)
        existing = self._existing(rows)
        if not rows or (rows[0].member_id != self._context.member.id and not existing):
            raise NotFound(ABSENT)
        return rows[0]

    def _shapes(self, rows: Sequence[ApprovedQueryRow]) -> list[ApprovedQuery]:
        """The values of rows that are readable, in their order."""
        from plugin.store._models.people import AccountRow

        context = self._context
        session, workspace, vault = context.session, context.workspace_id, context.vault
        teams: dict[int, str] = dict(
            session.execute(select(TeamRow.id, TeamRow.name).where(TeamRow.workspace_id == workspace))
            .tuples()
            .all()
        )
        names = integration_names(context)
        authors = {
            id_: str(name or email)
            for id_, name, email in session.execute(
                select(MemberRow.id, AccountRow.name, AccountRow.email)
                .join(AccountRow, AccountRow.id == MemberRow.account_id)
                .where(MemberRow.workspace_id == workspace, MemberRow.id.in_({row.member_id for row in rows}))
            )
        }
        told = set(teams) if self._is_admin() else context.member.team_ids
        found = []
        for row in rows:
            body = vault.open_json("approved_queries", "sealed", row.sealed, row=row.uid)
            theirs = set(row.team_ids or ()) & set(teams)
            found.append(
                ApprovedQuery(
                    id=row.id,
                    integration_id=row.integration_id,
                    integration=names.get(row.integration_id, ""),
                    name=body["name"],
                    description=body["description"],
                    sql=body["sql"],
                    parameters=tuple(QueryParameter(**each) for each in body["parameters"]),
                    tables=tuple(body["tables"]),
                    columns=tuple(body["columns"]),
                    author=authors.get(row.member_id, "somebody who left"),
                    mine=row.member_id == context.member.id,
                    teams=tuple(
                        sorted(((id_, teams[id_]) for id_ in theirs & told), key=lambda team: team[1])
                    ),
                    for_me=bool(theirs & context.member.team_ids),
                    approved_by=row.approved_by,
                    approved_at=row.approved_at,
                    updated=row.updated,
                )
            )
        return found

    def _shape(self, row: ApprovedQueryRow) -> ApprovedQuery:
        return self._shapes([row])[0]
