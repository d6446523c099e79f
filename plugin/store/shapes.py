"""The frozen values that leave the store. No ORM row ever does.

Times are timezone-aware UTC datetimes. `id` is the row's integer key, unique in the database; a caller can only reach
what their door shows, so an id is never a capability. One file because it is the one vocabulary that every room reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from plugin.access.viewer import Role

# --- catalog ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Owner:
    """A person or a group that owns a resource. `member_id` is None for a name that only the source knows."""

    name: str
    email: str | None = None
    member_id: int | None = None
    group_id: int | None = None


@dataclass(frozen=True, slots=True)
class Resource:
    """One thing in the catalog as its viewer sees it."""

    id: int
    kind: str
    name: str
    qualified_name: str
    integration_id: int
    integration: str
    parent_id: int | None = None
    path: tuple[str, ...] = ()
    """Names from the outermost container down to the parent: (database, schema) of a table, plus table of a column."""
    description: str | None = None
    definition: str | None = None
    """SQL of a view or model with its literals masked; the body of a term or document."""
    native_type: str | None = None
    position: int | None = None
    nullable: bool | None = None
    default: str | None = None
    is_pk: bool = False
    tags: tuple[str, ...] = ()
    owners: tuple[Owner, ...] = ()
    popularity: float = 0.0
    """0 to 1 within the workspace."""
    verified: bool = False
    published: bool = True
    sensitivity: str | None = None
    """"personal", "secret" or None, as classified or decided by a person."""
    sensitivity_confidence: float | None = None
    """How sure the classification is, 0 to 1; None where there is none and where a person decided."""
    row_estimate: int | None = None
    size_bytes: int | None = None
    changed_at: datetime | None = None
    analyzed_at: datetime | None = None
    synced_at: datetime | None = None
    stale_since: datetime | None = None
    last_sync_at: datetime | None = None
    """When its integration was last synced as a whole; `synced_at` is when this very thing was last written."""
    sync_failed: bool = False
    """A sync of its integration failed since."""
    url: str | None = None
    dialect: str | None = None
    children: int = 0
    """How many direct children this viewer may see (columns of a table, tables of a schema)."""
    properties: Mapping[str, Any] = field(default_factory=dict)
    """Everything else: partitions, source_owner, synonyms of a term, keys are NOT here (see `Key`)."""


class PlainColumn(NamedTuple):
    """A column as a schema text tells it: of many tables at once, with nothing that must be looked up beside it."""

    id: int
    table_id: int
    name: str
    native_type: str | None
    is_pk: bool
    description: str | None


@dataclass(frozen=True, slots=True)
class Key:
    """A key of a table. For a foreign key `ref` is the referenced table's qualified name, None where hidden."""

    kind: str
    name: str
    columns: tuple[str, ...]
    ref: str | None = None
    ref_id: int | None = None
    ref_columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Index:
    """An index of a table."""

    name: str
    columns: tuple[str, ...]
    unique: bool = False
    method: str | None = None


@dataclass(frozen=True, slots=True)
class Edge:
    """Lineage between two resources that the viewer may both see. `source`: view, dbt, query_log, vendor, manual."""

    upstream_id: int
    upstream: str
    downstream_id: int
    downstream: str
    kind: str
    source: str
    upstream_column: str | None = None
    downstream_column: str | None = None
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class Lineage:
    """A neighbourhood: the resources on it by id, and the edges among them. `cut` is True where the limit ended it."""

    start_id: int
    resources: Mapping[int, Resource]
    edges: tuple[Edge, ...]
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Join:
    """A way to join two tables: `on` is pairs of (left column, right column)."""

    left_id: int
    left: str
    right_id: int
    right: str
    on: tuple[tuple[str, str], ...]
    source: str
    """"foreign key", "observed", or "names" where nothing but the names of columns tells it."""


class FrequentQuery(NamedTuple):
    """A statement of the query log whose every table its reader sees: masked, with how often it ran.

    `costs` is what those runs came to in all, by unit (see `plugin.catalog.costs`); empty where the source tells none.
    `people` is how many ran it, never who; 0 where the source tells no accounts. `last_run` likewise, where it is told.
    """

    sql: str
    runs: int
    costs: Mapping[str, float]
    people: int = 0
    last_run: datetime | None = None


class TableUse(NamedTuple):
    """How a table is queried, over the kept statements whose every table the reader sees.

    `people` is how many ran the one statement that most people ran: whether others ran another is not kept. 0 where the
    source tells no accounts; there accounts of services count too.
    """

    statements: int = 0
    runs: int = 0
    people: int = 0
    last_run: datetime | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """One search result. `score` is higher for better; `why` holds (field, excerpt) pairs that matched."""

    rank: int
    score: float
    resource: Resource
    why: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """A page of search results with facet counts (facet -> value -> count, over what this viewer may see)."""

    hits: tuple[Hit, ...]
    total: int
    facets: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    did_you_mean: str | None = None
    beside: tuple[Resource, ...] = ()
    """What the same words find of other kinds, where that was asked for."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of resources by cursor; `next_cursor` is None at the end."""

    items: tuple[Resource, ...]
    next_cursor: str | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class AiUse:
    """May the assistant use this resource for this viewer, and which rule decided."""

    allowed: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Activity:
    """One change of a resource: who, when, which field. Values are kept for descriptions and the like, never rows."""

    at: datetime
    who: str
    field: str
    before: str | None
    after: str | None


CHANGES = ("added", "removed", "retyped", "required", "optional", "rekeyed", "redescribed", "redefined")
"""What a sync may find changed. A column becomes `required` (NOT NULL) or `optional`; `rekeyed` is a table whose
primary, unique or foreign keys came or went: what breaks a load is told, though no type changed."""


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference that a sync found at the source: `change` is one of CHANGES."""

    at: datetime
    change: str
    kind: str
    qualified_name: str
    integration: str
    resource_id: int | None = None
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change that somebody (or the assistant for them) proposes and an editor accepts or declines."""

    id: int
    resource_id: int
    qualified_name: str
    field: str
    value: str
    state: str
    proposed_by: str
    at: datetime


# --- people ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Workspace:
    """One world."""

    id: int
    slug: str
    name: str


@dataclass(frozen=True, slots=True)
class Team:
    """A team. `joined` is whether the asking member is in it; `is_general` marks the default team."""

    id: int
    name: str
    private: bool
    is_general: bool = False
    joined: bool = False
    members: int = 0


@dataclass(frozen=True, slots=True)
class Group:
    """A set of people, for ownership, for teams and for query permission."""

    id: int
    name: str
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Member:
    """A person in a workspace. `state`: active or disabled."""

    id: int
    email: str
    name: str
    role: Role
    state: str = "active"
    teams: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    last_seen: datetime | None = None


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation that waits. The link's secret is shown once, when it is made, and stored hashed."""

    id: int
    email: str
    role: Role
    teams: tuple[str, ...]
    expires: datetime


@dataclass(frozen=True, slots=True)
class Grant:
    """What a team was given: a whole integration (no resource), or one resource with everything below it."""

    integration_id: int
    integration: str
    resource_id: int | None = None
    qualified_name: str | None = None


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """A signed-in browser of an account."""

    id: int
    agent: str
    created: datetime
    last_used: datetime
    expires: datetime


@dataclass(frozen=True, slots=True)
class Token:
    """An API token without its secret."""

    id: int
    name: str
    scopes: tuple[str, ...]
    created: datetime
    expires: datetime | None
    last_used: datetime | None


# --- integrations ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Integration:
    """A connected source. Secrets are never here; `secret_names` says which are set."""

    id: int
    name: str
    type: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    secret_names: tuple[str, ...] = ()
    has_query_credential: bool = False
    schedule: str | None = None
    """A cron expression, UTC."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """keep_stale: bool, import_mode: never|smart|always, shrink_stop: bool, keep_literals: bool,
    run_mode: confirm|run."""
    state: str = "new"
    """new, ok, syncing, failed, paused."""
    last_sync_at: datetime | None = None
    last_error: str | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    """kind -> how many resources."""


@dataclass(frozen=True, slots=True)
class Sync:
    """One run of a sync."""

    id: int
    integration_id: int
    integration: str
    status: str
    """queued, running, done, failed, cancelled, stopped (shrink guard)."""
    stage: str
    started: datetime | None
    finished: datetime | None
    done: int = 0
    total: int | None = None
    seen: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    removed: int = 0
    errors: tuple[str, ...] = ()
    full: bool = False
    only_schema: str | None = None
    """The one schema that was read; None where all were."""


@dataclass(frozen=True, slots=True)
class QueryPermission:
    """Who may run SQL on an integration, and by what: role, member, team or group."""

    integration_id: int
    subject: str
    """"role", "member", "team" or "group"."""
    subject_id: int | None
    name: str


# --- history ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Prompt:
    """One question with its answer, opened for its author.

    `answer` is what the person saw: Markdown, with placeholders of run results left unbound. `steps`, `citations`,
    `sql` and `sent` are JSON-like values as the assistant's events carry them.
    """

    id: int
    chat_id: int
    at: datetime
    text: str
    answer: str
    status: str
    """running, done, stopped, failed, refused."""
    title: str | None = None
    pinned: bool = False
    saved: bool = True
    feedback: str | None = None
    persona: str | None = None
    provider: str | None = None
    model: str | None = None
    error: str | None = None
    parent_id: int | None = None
    citations: tuple[Mapping[str, Any], ...] = ()
    sql: tuple[Mapping[str, Any], ...] = ()
    steps: tuple[Mapping[str, Any], ...] = ()
    sent: tuple[Mapping[str, Any], ...] = ()
    """What was sent, one entry per request: the redacted parts with resource ids, and the ledger sequence."""
    usage: Mapping[str, Any] = field(default_factory=dict)
    page_resource_id: int | None = None


@dataclass(frozen=True, slots=True)
class Chat:
    """A conversation in the history panel."""

    id: int
    title: str
    pinned: bool
    at: datetime
    prompts: int


@dataclass(frozen=True, slots=True)
class PromptPage:
    """A page of prompts by cursor, newest first."""

    items: tuple[Prompt, ...]
    next_cursor: str | None = None

    def __iter__(self) -> Iterator[Prompt]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


@dataclass(frozen=True, slots=True)
class ChatPage:
    """A page of chats by cursor, pinned ones first, then newest."""

    items: tuple[Chat, ...]
    next_cursor: str | None = None

    def __iter__(self) -> Iterator[Chat]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


@dataclass(frozen=True, slots=True)
class Share:
    """Who an author lets read a chat: a member or a team."""

    id: int
    chat_id: int
    subject: str
    subject_id: int
    name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Reading:
    """An admin broke the glass: who reads whose chats, why, until when."""

    id: int
    admin: str
    author: str
    reason: str
    at: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Monitored:
    """One question and its answer in the monitoring store, for admins."""

    id: int
    at: datetime
    member: str
    surface: str
    provider: str
    model: str
    text: str = field(repr=False)
    answer: str = field(repr=False)
    error: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class MonitoredPage:
    """Some of them, newest first."""

    items: tuple[Monitored, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that a member or the admins are told in the app: a kind and facts, never content."""

    id: int
    kind: str
    facts: Mapping[str, Any]
    at: datetime
    seen: bool


@dataclass(frozen=True, slots=True)
class Memory:
    """A preference that a member asked the assistant to remember."""

    id: int
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Erased:
    """A receipt: what was deleted, by kind, and when."""

    at: datetime
    what: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Template:
    """A prompt that is kept: text with {{variables}}, model and parameters."""

    id: int
    name: str
    text: str
    variables: tuple[str, ...]
    model: str | None
    parameters: Mapping[str, Any]
    updated: datetime


# --- governance ------------------------------------------------------------------------------------------------


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
