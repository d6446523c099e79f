"""What a connector can do, as protocols: every one can `check` and `extract`; some can run SQL or list the
queries that ran. Writing descriptions back is a class and a credential of its own: see `connectors.push`.

An ability is declared by having its methods; `isinstance(connector, CanRun)` answers for a made connector,
`can_query(cls)` for a class. A connector that runs SQL is made a second time from the query credential: the
metadata credential has no SELECT and would refuse.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

from connectors.records import Query, Record, Unread

Verified = Literal["real", "emulator", "documented"]


class Connector(Protocol):
    """A source system whose metadata can be read."""

    name: ClassVar[str]
    title: ClassVar[str]
    dialect: ClassVar[str | None]  # sqlglot's name of the SQL dialect, None where there is none
    extracts: ClassVar[tuple[str, ...]]  # kinds of resources it yields
    extra: ClassVar[str | None]  # pip extra that brings its driver, None where the base install has it
    verified: ClassVar[str]  # how it is tested: "real", "emulator" or "documented"
    settings: ClassVar[type[Any]]  # the frozen dataclass made with `connectors.settings.setting`
    grant_script: ClassVar[str]  # statements with <placeholders> for the least role that reads metadata
    query_grant_script: ClassVar[str]  # the same for the role that Run SQL uses; "" where it cannot run

    def __init__(self, settings: Any) -> None: ...

    def check(self) -> str:
        """One sentence about what answered. Raises SourceError."""
        ...

    def extract(self) -> Iterator[Record]:
        """Every record, parents first. Closing the iterator closes the connection. Raises SourceError."""
        ...


IsSame = Callable[[str | None, str, str, bytes], bool]
"""Does the catalog know a table (database, schema, name) by these bytes already? Waits until the catalog can tell."""


@runtime_checkable
class Compares(Protocol):
    """Can tell that a table is as it was from the bytes that its source sent, before a record is made of them."""

    def extract_unless(self, is_same: IsSame | None) -> Iterator[Record]:
        """As `extract`, with `Same` for each table that `is_same` knows by its bytes, and `raw` in the others.

        The bytes cover everything that the table is made of, and change when the connector makes something else of it.
        """
        ...


class Cancel(Protocol):
    """Stops one running statement on the server. May be called from any thread, and more than once."""

    def cancel(self) -> None: ...


@dataclass(frozen=True, slots=True)
class RunLimits:
    """Where a run stops: rows and bytes end it quietly (`truncated`), seconds end it with QueryStopped."""

    rows: int = 1_000
    bytes: int = 10_000_000
    seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class ResultColumn:
    """One column of a result; `type` is the engine's own name for it, "" where the engine tells none."""

    name: str
    type: str = ""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the planner expects, from EXPLAIN or a dry run, without running. The plan is not kept: it quotes values.

    `bytes` is what would be read, where the engine tells that (and bills by it).
    """

    rows: int | None = None
    cost: float | None = None
    bytes: int | None = None


@dataclass(slots=True)
class RunResult:
    """Rows of one statement, streamed in batches, capped by the limits it was made with.

    Iterate `batches` once. `truncated` is None, "rows" or "bytes", and true only after the last batch. An
    error or a time-out in mid-stream is raised from the iteration. Always `close()` (or use `with`): that
    ends the statement on the server and the connection.
    """

    columns: tuple[ResultColumn, ...]
    batches: Iterator[list[tuple[Any, ...]]]
    truncated: Literal["rows", "bytes"] | None = None
    rows: int = 0
    bytes: int = 0
    _close: Callable[[], None] | None = field(default=None, repr=False)

    def close(self) -> None:
        """End the statement and the connection. May be called more than once."""
        close, self._close = self._close, None
        if close is not None:
            close()

    def __enter__(self) -> RunResult:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@runtime_checkable
class CanRun(Protocol):
    """Runs one statement that the guard has rendered. Made from the query credential."""

    def run(
        self,
        sql: str,
        limits: RunLimits,
        running: Callable[[Cancel], None],
        parameters: Sequence[Any] = (),
    ) -> RunResult:
        """Start the statement; `running` is called with its Cancel before anything is sent.

        `parameters` are values for the engine's own marks in `sql` ($1, ?1, @p1, :p1, %s), bound and never written into
        it.

        Raises QueryFailed (safe text and full text apart), QueryStopped, or another SourceError.
        """
        ...

    def estimate(self, sql: str, parameters: Sequence[Any] = ()) -> Estimate | None:
        """What the planner expects, None where the engine cannot tell. Raises as `run` does."""
        ...


@runtime_checkable
class HasQueries(Protocol):
    """Knows which statements ran. `Unread` stands for a log, or for what its statements cost, where the role has no
    right to it."""

    def queries(self) -> Iterator[Query | Unread]: ...


def can_push(name: str) -> bool:
    """Whether descriptions can be written back to connectors of this name."""
    from connectors.push import PUSHERS

    return name in PUSHERS


def can_query(cls: type[Any]) -> bool:
    """Whether connectors of this class can run SQL."""
    return callable(getattr(cls, "run", None)) and bool(getattr(cls, "query_grant_script", ""))


def run_verified(cls: type[Any]) -> Verified | None:
    """How running SQL on this class was tried, where that differs from how its metadata was; None where it cannot run.

    A class says so by its attribute `run_verified`; one that says nothing was tried as its `verified` tells.
    """
    if not can_query(cls):
        return None
    return getattr(cls, "run_verified", None) or cls.verified  # type: ignore[no-any-return]
