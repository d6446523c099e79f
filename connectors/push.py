"""Push back: descriptions and tags that people wrote in Docent, as statements for their source, and their undoing.

Enters: what is wanted (`Wanted`: a text or a set of tags for one table or column, and what the source said when Docent
last read it). Leaves: a `Step` for each: the statements that would run and those that undo them, or why there are none.
Nothing is sent but reads of the catalog until `Pusher.run` is called with one statement.

A pusher is made from a credential of its own and never from the one that syncs. Every statement is put together by the
dialect's own quoting: `COMMENT ON` takes no bind parameters anywhere. What people did in the source in the meantime is
told as a conflict, and never overwritten. Adding one: a class with the methods of `Pusher`, and a line in `PUSHERS`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, ClassVar, Literal, Protocol, cast

from connectors import connector_class
from connectors.errors import BadSettings
from connectors.settings import parse_settings

PUSHERS: dict[str, str] = {
    "postgres": "connectors.postgres_push:PostgresPush",
    "redshift": "connectors.postgres_push:RedshiftPush",
    "mysql": "connectors.mysql_push:MySQLPush",
    "snowflake": "connectors.warehouse_push:SnowflakePush",
    "databricks": "connectors.warehouse_push:DatabricksPush",
    "bigquery": "connectors.bigquery_push:BigQueryPush",
}
"""Which connectors can be written to, as type -> "module:Class"."""

State = Literal["ready", "same", "conflict", "missing", "cannot"]
What = Literal["description", "tags"]


@dataclass(frozen=True, slots=True)
class Target:
    """A table (or view), or one of its columns. Without a table the schema itself, with a schema of "" the database:
    these two have a description only."""

    database: str | None
    schema: str
    table: str | None = None
    column: str | None = None

    @property
    def owner(self) -> Target:
        """The table of a column; a table or a schema itself."""
        return Target(self.database, self.schema, self.table)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person edited: the text (None for none) or the tags to add, and what the source said when last read."""

    target: Target
    what: What = "description"
    text: str | None = None
    expected: str | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """What a source has of one target now. `facts` are the pusher's own: a relation's kind, a column's definition."""

    description: str | None = None
    tags: frozenset[str] = frozenset()
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """One change, as it would run. `reason` says why a state that is not "ready" has no statements."""

    wanted: Wanted
    state: State
    reason: str = ""
    now: str | None = None
    statements: tuple[str, ...] = ()
    undo: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    """Of the tags that are wanted, those that the source does not have."""


class Session(Protocol):
    """One connection to a source that is written to. Errors leave as SourceError."""

    def read(self, targets: Sequence[Target], *, tags: bool = False) -> dict[Target, Found]:
        """What the source has now of those of `targets` that exist: a constant number of statements a database."""
        ...

    def describe(self, target: Target, found: Found, text: str | None) -> str:
        """The statement that sets a description, or takes it away with None. BadSettings says why there is none."""
        ...

    def tag(self, target: Target, found: Found, add: Iterable[str], remove: Iterable[str]) -> tuple[str, ...]:
        """The statements that add and take away tags. BadSettings says why there are none."""
        ...

    def run(self, statement: str) -> None:
        """Run one of those statements."""
        ...


class Pusher(Protocol):
    """A source that can be written to, made from a credential of its own."""

    tags: ClassVar[bool]  # whether the source has tags of its own
    schemas: ClassVar[bool]  # whether its schemas have descriptions that can be written
    databases: ClassVar[bool]  # and its databases (catalogs)
    grant_script: ClassVar[str]  # the least role that may write descriptions

    def __init__(self, settings: Any) -> None: ...

    def open(self) -> AbstractContextManager[Session]: ...


_Class = type[Pusher]


def pusher_class(type: str) -> _Class:
    """The pusher of a type of connector. BadSettings where it cannot be written to."""
    if type not in PUSHERS:
        raise BadSettings(f"nothing can be pushed to {type}; there are {', '.join(sorted(PUSHERS))}")
    module, _, name = PUSHERS[type].partition(":")
    return cast(_Class, getattr(import_module(module), name))


def pusher(type: str, settings: Mapping[str, str], secrets: Mapping[str, str]) -> Pusher:
    """A pusher with its settings, which are those of the connector. Nothing is opened yet. BadSettings."""
    made = pusher_class(type)
    return made(parse_settings(connector_class(type).settings, settings, secrets))


def plan(session: Session, wanted: Sequence[Wanted]) -> list[Step]:
    """What would run for each of `wanted`, in their order. Reads the source, writes nothing. Raises SourceError."""
    found = session.read(
        list(dict.fromkeys(each.target for each in wanted)), tags=any(each.what == "tags" for each in wanted)
    )
    return [_step(session, each, found.get(each.target)) for each in wanted]


def plan_undo(session: Session, done: Sequence[Step]) -> list[Step]:
    """How steps that ran would be undone now: "conflict" where the source no longer says what was pushed."""
    wanted = [
        Wanted(each.wanted.target, each.wanted.what, each.now, each.wanted.text, each.tags) for each in done
    ]
    found = session.read(
        list(dict.fromkeys(each.target for each in wanted)), tags=any(each.what == "tags" for each in wanted)
    )
    steps = []
    for step, each in zip(done, wanted, strict=True):
        there = found.get(each.target)
        if each.what == "description" or there is None:
            fresh = _step(session, each, there)
        else:
            fresh = Step(each, "ready", statements=session.tag(each.target, there, (), step.tags))
        if fresh.state == "ready" and fresh.statements != step.undo:
            fresh = Step(each, "conflict", "the table changed at the source since this was pushed", fresh.now)
        steps.append(fresh)
    return steps


def _step(session: Session, wanted: Wanted, found: Found | None) -> Step:
    if found is None:
        return Step(
            wanted,
            "missing",
            "the source has no such database, schema, table or column, or the credential may not see it",
        )
    if wanted.what == "tags":
        return _tag_step(session, wanted, found)
    now = found.description or None
    if (wanted.text or None) == now:
        return Step(wanted, "same", "the source says the same already", now)
    if (wanted.expected or None) != now:
        return Step(wanted, "conflict", "somebody changed it at the source since the last sync", now)
    if "\0" in (wanted.text or ""):
        return Step(wanted, "cannot", "the text has a NUL character, which no database keeps", now)
    try:
        return Step(
            wanted,
            "ready",
            "",
            now,
            (session.describe(wanted.target, found, wanted.text),),
            (session.describe(wanted.target, found, now),),
        )
    except BadSettings as error:
        return Step(wanted, "cannot", str(error), now)


def _tag_step(session: Session, wanted: Wanted, found: Found) -> Step:
    add = sorted(set(wanted.tags) - found.tags)
    now = ", ".join(sorted(found.tags)) or None
    if not add:
        return Step(wanted, "same", "the source has these tags already", now)
    try:
        return Step(
            wanted,
            "ready",
            "",
            now,
            session.tag(wanted.target, found, add, ()),
            session.tag(wanted.target, found, (), add),
            tuple(add),
        )
    except BadSettings as error:
        return Step(wanted, "cannot", str(error), now)


def tables_of(targets: Iterable[Target]) -> list[str]:
    """The names of the tables among targets, sorted."""
    return sorted({each.table for each in targets if each.table is not None})


def schemas_of(targets: Iterable[Target]) -> list[str]:
    """The names of the schemas that are targets themselves, sorted."""
    return sorted({each.schema for each in targets if each.table is None and each.schema})


def databases_of(targets: Iterable[Target]) -> list[str]:
    """The names of the databases that are targets themselves, sorted."""
    return sorted({each.database or "" for each in targets if each.table is None and not each.schema})
