"""Monitoring of content (promise P40): off unless an admin turned it on, and then in a store of its own.

Enters: a finished prompt of a workspace whose setting `monitoring.content` is on. Leaves: for its admins, what was
asked and answered, each reading audited. One store a workspace: on SQLite a file beside the database, on PostgreSQL a
table in the schema `docent_monitoring`; it is made when monitoring is turned on and the whole file or table goes when
it is turned off, so nothing is left to be scrubbed. Texts in it are sealed under the workspace's key like history. A
template or an integration that is deleted takes along what used it, a member takes along theirs. It needs no
migration: a store that never lives on has no older form. Considered: a table beside the others with a flag; a purge
would leave its pages, and a dump of the database would hold what people typed.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    create_engine,
    delete,
    func,
    insert,
    inspect,
    select,
    text,
    update,
)
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.pool import NullPool

from plugin.errors import BadInput, Misconfigured
from plugin.store._chain import moment_text
from plugin.store._context import Context
from plugin.store._models.catalog import ResourceRow
from plugin.store._models.history import TemplateRow
from plugin.store._models.people import AccountRow, MemberRow, WorkspaceRow
from plugin.store._rows import chunks
from plugin.store.monitoring_told import DAYS, SETTING, TOLD_OFF, TOLD_ON
from plugin.store.notices import notify
from plugin.store.policy import stored_values, value_of
from plugin.store.shapes import Monitored, MonitoredPage, Prompt
from plugin.store.template_text import VARIABLE, template_shape
from plugin.vault import sealed_prefix

SCHEMA = "docent_monitoring"
SEALED_AS = ("monitoring", "sealed")
PAGE_MOST = 100


class Monitoring:
    """What admins may read of it. Every reading is in the audit log."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def on(self) -> bool:
        """Is it turned on?"""
        return is_on(self._context)

    def count(self) -> int:
        """How many prompts it holds; 0 where there is no store."""
        return held(self._context) or 0

    def read(self, *, member: str | None = None, cursor: str | None = None, limit: int = 30) -> MonitoredPage:
        """Prompts, newest first, of everybody or of one member by e-mail. Audited. BadInput for a bad cursor."""
        if cursor and not cursor.isdecimal():
            raise BadInput("that is not a cursor of this list", field="cursor")
        most = max(1, min(limit, PAGE_MOST))
        emails = _emails(self._context)
        rows: list[Any] = []
        with _opened(self._context) as (connection, kept):
            if connection is not None:
                query = select(kept).order_by(kept.c.id.desc()).limit(most + 1)
                if cursor:
                    query = query.where(kept.c.id < int(cursor))
                if member:
                    ids = [number for number, email in emails.items() if email == member.strip().lower()]
                    query = query.where(kept.c.member_id.in_(ids))
                rows = list(connection.execute(query))
        self._context.audit(
            "monitoring.read", "allow", target=member or "everybody", detail={"prompts": len(rows[:most])}
        )
        return MonitoredPage(
            tuple(_shape(self._context, row, emails) for row in rows[:most]),
            str(rows[most - 1].id) if len(rows) > most else None,
        )


def is_on(context: Context) -> bool:
    """Does the workspace monitor content now?"""
    return bool(value_of(stored_values(context.session, context.workspace_id), SETTING))


def held(context: Context) -> int | None:
    """How many prompts the workspace's store holds; None where it has none."""
    with _opened(context) as (connection, kept):
        return (
            None
            if connection is None
            else int(connection.scalar(select(func.count()).select_from(kept)) or 0)
        )


def turn(context: Context, on: bool) -> None:
    """The setting is about to change: make the store, or purge it, and tell every member. The caller commits."""
    if on:
        _make(context)
    else:
        purge(context)
    days = int(value_of(stored_values(context.session, context.workspace_id), DAYS))
    members = context.session.scalars(
        select(MemberRow.id).where(
            MemberRow.workspace_id == context.workspace_id, MemberRow.state == "active"
        )
    ).all()
    words = TOLD_ON.format(days=days) if on else TOLD_OFF
    for member_id in members:
        notify(context, "monitoring", {"on": on, "words": words}, member_id=member_id)


def purge(context: Context) -> int:
    """Delete the workspace's store with all that it holds; returns how many prompts that were. Audited where any."""
    count = held(context)
    if count is None:
        return 0
    if context.dialect == "sqlite":
        for path in _files(context):
            path.unlink(missing_ok=True)
    else:
        with context.engine.begin() as connection:
            connection.execute(text(f"DROP TABLE IF EXISTS {SCHEMA}.{_name(context)}"))
    context.audit("monitoring.purge", "done", target="everything", detail={"prompts": count})
    return count


def record(context: Context, prompt: Prompt) -> None:
    """Keep a finished prompt of the acting member, where monitoring is on; else nothing at all happens."""
    if not is_on(context):
        return
    uid = secrets.token_hex(16)
    body = {"text": prompt.text, "answer": prompt.answer, "sql": prompt.sql, "error": prompt.error}
    values = {
        "uid": uid,
        "at": moment_text(datetime.now(UTC)),
        "member_id": context.member.id,
        "surface": context.surface.value,
        "provider": prompt.provider or "",
        "model": prompt.model or "",
        "links": _links(context, prompt),
        "sealed": context.vault.seal_json(*SEALED_AS, body, row=uid),
    }
    # A store that is not there is not made here: it may just have been purged by whoever turned monitoring off.
    with _opened(context) as (connection, kept):
        if connection is not None:
            connection.execute(insert(kept).values(values))


def forget_member(context: Context, member_id: int) -> int:
    """Delete what is one member's; returns how much."""
    return _forget(context, lambda kept: kept.c.member_id == member_id, f"member:{member_id}")


def forget_template(context: Context, template_id: int) -> int:
    """Delete what used a template that is deleted; returns how much."""
    return _forget(
        context, lambda kept: kept.c.links.contains(f",t{template_id},"), f"template:{template_id}"
    )


def forget_integration(context: Context, integration_id: int) -> int:
    """Delete what cites or queried an integration that is deleted; returns how much."""
    return _forget(
        context, lambda kept: kept.c.links.contains(f",i{integration_id},"), f"integration:{integration_id}"
    )


def of_member(context: Context, member_id: int) -> list[dict[str, Any]]:
    """What the store holds of one member, for their export."""
    with _opened(context) as (connection, kept):
        if connection is None:
            return []
        rows = connection.execute(select(kept).where(kept.c.member_id == member_id).order_by(kept.c.id)).all()
    return [{"at": row.at, **_opened_body(context, row)} for row in rows]


def expire(context: Context, moment: datetime) -> int:
    """By the clock: what is older than its days goes, and a store whose setting is off goes whole; returns how many."""
    stored = stored_values(context.session, context.workspace_id)
    if not value_of(stored, SETTING):
        return purge(context)
    oldest = moment_text(moment - timedelta(days=int(value_of(stored, DAYS))))
    with _opened(context) as (connection, kept):
        if connection is None:
            return 0
        gone = connection.execute(delete(kept).where(kept.c.at < oldest))
        return int(gone.rowcount)


def reseal(context: Context, key_id: str) -> int:
    """Seal anew what a retired key of the workspace sealed; returns how many."""
    prefix = sealed_prefix(key_id)
    count = 0
    with _opened(context) as (connection, kept):
        if connection is None:
            return 0
        rows = connection.execute(
            select(kept.c.id, kept.c.uid, kept.c.sealed).where(
                func.substr(kept.c.sealed, 1, len(prefix)) == prefix
            )
        ).all()
        for row in rows:
            value = context.vault.open(*SEALED_AS, row.sealed, row=row.uid)
            connection.execute(
                update(kept)
                .where(kept.c.id == row.id)
                .values(sealed=context.vault.seal(*SEALED_AS, value, row=row.uid))
            )
            count += 1
    return count


# --- the store itself -------------------------------------------------------------------------------------------------


def orphaned(context: Context) -> bool:
    """Is there a store of a workspace that is not there any more? On PostgreSQL no workspace sees which others are."""
    if context.dialect != "sqlite":
        return False
    there = {f"monitoring-{id_}" for id_ in context.session.scalars(select(WorkspaceRow.id))}
    return any(path.stem not in there for path in _path(context).parent.glob("monitoring-*.sqlite3"))


def _name(context: Context) -> str:
    return f"workspace_{int(context.workspace_id)}"


def _path(context: Context) -> Path:
    return Path(str(context.engine.url.database)).with_name(f"monitoring-{int(context.workspace_id)}.sqlite3")


def _files(context: Context) -> Iterable[Path]:
    path = _path(context)
    return (path, path.with_name(f"{path.name}-journal"))


def _table(context: Context) -> Table:
    sqlite = context.dialect == "sqlite"
    return Table(
        _name(context),
        MetaData(schema=None if sqlite else SCHEMA),
        Column("id", Integer, primary_key=True),
        Column("uid", String(32), nullable=False),
        Column("at", String(40), nullable=False),
        Column("member_id", Integer, nullable=False),
        Column("surface", String(10), nullable=False),
        Column("provider", String(40), nullable=False),
        Column("model", String(120), nullable=False),
        Column("links", String, nullable=False),
        Column("sealed", LargeBinary, nullable=False),
        sqlite_autoincrement=True,
    )


def _make(context: Context) -> None:
    kept = _table(context)
    if context.dialect == "sqlite":
        _path(context).touch(mode=0o600, exist_ok=True)
        with _sqlite(context) as connection:
            kept.create(connection, checkfirst=True)
        return
    try:
        with context.engine.begin() as connection:
            connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
            kept.create(connection, checkfirst=True)
    except ProgrammingError as error:
        raise Misconfigured(
            f"the database's role may not make the schema {SCHEMA}, where monitoring is kept apart; the operator can "
            f"run: CREATE SCHEMA {SCHEMA} AUTHORIZATION <the role Docent connects as>"
        ) from error


@contextmanager
def _opened(context: Context) -> Iterator[tuple[Connection | None, Table]]:
    """The workspace's store in a transaction of its own; None where there is none."""
    kept = _table(context)
    if context.dialect == "sqlite":
        if not _path(context).exists():
            yield None, kept
            return
        with _sqlite(context) as connection:
            yield connection, kept
        return
    with context.engine.begin() as connection:
        there = inspect(connection).has_table(kept.name, schema=SCHEMA)
        yield connection if there else None, kept


@contextmanager
def _sqlite(context: Context) -> Iterator[Connection]:
    """A connection that ends with its block, so that a purge unlinks a file that nobody holds open for long."""
    engine = create_engine(f"sqlite:///{_path(context)}", poolclass=NullPool, connect_args={"timeout": 30})
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql("PRAGMA secure_delete=ON")
            yield connection
    finally:
        engine.dispose()


def _forget(context: Context, which: Any, target: str) -> int:
    with _opened(context) as (connection, kept):
        if connection is None:
            return 0
        count = int(connection.execute(delete(kept).where(which(kept))).rowcount)
    if count:
        context.audit("monitoring.purge", "done", target=target, detail={"prompts": count})
    return count


def _links(context: Context, prompt: Prompt) -> str:
    """Which templates of the author the text was made from, and which integrations its answer rests on."""
    templates = context.session.scalars(
        select(TemplateRow).where(
            TemplateRow.workspace_id == context.workspace_id, TemplateRow.member_id == context.member.id
        )
    )
    found = [f"t{row.id}" for row in templates if made_from(template_shape(context, row).text, prompt.text)]
    ids = [each.get("id") for each in prompt.citations]
    ids += [table.get("id") for each in prompt.sql for table in each.get("tables") or ()]
    found += [
        f"i{each['integration_id']}" for each in prompt.sql if isinstance(each.get("integration_id"), int)
    ]
    for some in chunks(sorted({each for each in ids if isinstance(each, int)})):
        rows = context.session.scalars(
            select(ResourceRow.integration_id)
            .where(ResourceRow.workspace_id == context.workspace_id, ResourceRow.id.in_(some))
            .distinct()
        )
        found += [f"i{each}" for each in rows if each is not None]
    return f",{','.join(dict.fromkeys(found))}," if found else ","


def made_from(template: str, typed: str) -> bool:
    """Is a text this template with its variables filled in? Its fixed pieces stand in order, and at both ends.

    The search page fills a template into the composer, where its author may still change it: one that was changed
    beyond its variables is a text of its own.
    """
    pieces = [" ".join(piece.split()) for piece in VARIABLE.split(template)[::2]]
    folded = " ".join(typed.split())
    if len(pieces) == 1:
        return folded == pieces[0]
    if not any(pieces) or not folded.startswith(pieces[0]) or not folded.endswith(pieces[-1]):
        return False
    at = len(pieces[0])
    for piece in pieces[1:-1]:
        at = folded.find(piece, at)
        if at < 0:
            return False
        at += len(piece)
    return at <= len(folded) - len(pieces[-1])


def _emails(context: Context) -> dict[int, str]:
    rows = context.session.execute(
        select(MemberRow.id, AccountRow.email)
        .join(AccountRow, AccountRow.id == MemberRow.account_id)
        .where(MemberRow.workspace_id == context.workspace_id)
    )
    return {number: email for number, email in rows}  # noqa: C416 - rows are no pairs to mypy


def _opened_body(context: Context, row: Any) -> dict[str, Any]:
    body: dict[str, Any] = context.vault.open_json(*SEALED_AS, row.sealed, row=row.uid)
    return body


def _shape(context: Context, row: Any, emails: dict[int, str]) -> Monitored:
    body = _opened_body(context, row)
    return Monitored(
        id=row.id,
        at=datetime.fromisoformat(row.at),
        member=emails.get(row.member_id, ""),
        surface=row.surface,
        provider=row.provider,
        model=row.model,
        text=body["text"],
        answer=body["answer"] or "",
        error=body.get("error") or "",
    )
