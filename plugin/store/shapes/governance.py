"""Settings, the records that are kept of what was done, and what was decided to be run. See the package."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of a workspace with its present value and who changed it last."""

    key: str
    value: Any
    default: Any
    title: str
    effect: str
    choices: tuple[str, ...] = ()
    changed_by: str | None = None
    changed_at: datetime | None = None
    kind: str = "text"
    """bool, int, choice, text, long_text, list or json: which input the form shows."""
    least: int | None = None
    most: int | None = None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line of the audit log: no text that anyone typed or a model wrote."""

    seq: int
    at: datetime
    actor: str
    surface: str
    action: str
    outcome: str
    """allow, deny, done, failed."""
    rule: str | None
    target: str | None
    detail: Mapping[str, Any]
    previous_hash: str
    hash: str


@dataclass(frozen=True, slots=True)
class AuditPage:
    """A page of the audit log by cursor, newest first. Can be walked like a tuple of its items."""

    items: tuple[AuditEntry, ...]
    next_cursor: str | None = None

    def __iter__(self) -> Iterator[AuditEntry]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One request to a provider: who, when, where to, how much, hashes; never its text."""

    seq: int
    at: datetime
    member: str
    surface: str
    chat_id: int | None
    prompt_id: int | None
    provider: str
    host: str
    region: str
    model: str
    purpose: str
    """chat, models, key_test, embedding."""
    body_bytes: int
    body_sha256: str
    manifest: Mapping[str, Any]
    status: str
    """sending, done, failed, cut_off."""
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: float | None
    milliseconds: int | None
    previous_hash: str
    hash: str
    completion_hash: str | None = None
    cached_tokens: int | None = None
    ended: datetime | None = None


@dataclass(frozen=True, slots=True)
class LedgerPage:
    """A page of the ledger by cursor, newest first. Can be walked like a tuple of its items."""

    items: tuple[LedgerEntry, ...]
    next_cursor: str | None = None

    def __iter__(self) -> Iterator[LedgerEntry]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


@dataclass(frozen=True, slots=True)
class UsageLine:
    """What one day, model or member used of providers. `key` is the day, the model or the member's address.

    `cost_usd` is the cost of what has a known price, None where nothing has; `unpriced` requests are not in it.
    """

    key: str
    requests: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    cost_usd: float | None
    unpriced: int
    milliseconds: int
    failed: int


@dataclass(frozen=True, slots=True)
class ProviderHost:
    """A line of the register of provider hosts. While `on_hold`, nothing is sent there."""

    host: str
    provider: str
    region: str
    declared_at: datetime
    usable_from: datetime
    on_hold: bool
    accepted_by: str | None = None
    accepted_reason: str | None = None
    objections: tuple[Mapping[str, Any], ...] = ()
    """Each {by, at, reason}."""
    attestations: tuple[Mapping[str, Any], ...] = ()
    """Each {name, link, noted}, as an admin wrote them down."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The decision on one attempt to run SQL: gates in order, what it touched, the verdict; never a row."""

    id: int
    at: datetime
    member: str
    integration_id: int
    sql_sha256: str
    statement: str
    tables: tuple[str, ...]
    columns: tuple[str, ...]
    gates: tuple[Mapping[str, Any], ...]
    """Each {gate, open, reason, who}."""
    limits: Mapping[str, Any]
    verdict: str
    """allowed, refused, failed, cancelled."""
    reason: str | None


@dataclass(frozen=True, slots=True)
class QueryParameter:
    """One typed value that whoever runs a saved query gives: text, integer, number, date, timestamp or boolean.

    `[]` behind the type makes it a list of such values, `?` at the end an optional one.
    """

    name: str
    type: str
    default: str | None = None

    @property
    def base(self) -> str:
        """The type of a single value."""
        return self.type.removesuffix("?").removesuffix("[]")

    @property
    def many(self) -> bool:
        """Is it a list?"""
        return self.type.removesuffix("?").endswith("[]")

    @property
    def optional(self) -> bool:
        """May it be null?"""
        return self.type.endswith("?")


@dataclass(frozen=True, slots=True)
class ApprovedQuery:
    """A saved statement. `teams` are those it is approved for: (id, name), none while it is a draft."""

    id: int
    integration_id: int
    integration: str
    name: str
    description: str
    sql: str
    parameters: tuple[QueryParameter, ...]
    tables: tuple[str, ...]
    columns: tuple[str, ...]
    author: str
    mine: bool
    teams: tuple[tuple[int, str], ...]
    for_me: bool
    """Is it approved for a team that the reader is in?"""
    approved_by: str | None
    approved_at: datetime | None
    updated: datetime

    @property
    def approved(self) -> bool:
        """May anybody but its author run it?"""
        return bool(self.teams)
