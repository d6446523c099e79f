"""What enters and leaves the API. Bodies are strict: an unknown field or a wrong type is refused with its name.

One file because it is one list: the OpenAPI document is made from it, and a reader compares models side by side.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from plugin.catalog.kinds import Kind


class Body(BaseModel):
    """A JSON body of a request."""

    model_config = ConfigDict(strict=True, extra="forbid")


class Query(BaseModel):
    """Query parameters: text on the wire, so numbers are read from text; unknown names are refused."""

    model_config = ConfigDict(extra="forbid")


class Answer(BaseModel):
    """A JSON body of a response."""

    model_config = ConfigDict(extra="ignore", from_attributes=True)


class Problem(Answer):
    """RFC 9457 problem document."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    rule: str | None = None
    who: str | None = None
    field: str | None = None
    retry_after: int | None = None
    full: str | None = None
    position: int | None = None


class Ok(Answer):
    """It is done."""

    ok: bool = True


Given = TypeVar("Given")


def _never_null(schema: dict[str, Any]) -> None:
    """Take null and the default out of a field's schema."""
    del schema["default"]
    for variant in schema.pop("anyOf"):
        if variant != {"type": "null"}:
            schema.update(variant)


Unsaid = Annotated[Given | None, Field(json_schema_extra=_never_null)]
"""A field of a body that may be left out, yet not be null: the document says so, and the store refuses a null."""


def _in_words(value: Any) -> Any:
    """A moment comes as ISO 8601, as the document has it; a bare number would be read as seconds since 1970."""
    if isinstance(value, str) and "-" not in value[1:]:
        raise ValueError("write a date or a time, as 2026-11-21 or 2026-11-21T08:00:00Z")
    return value


Moment = Annotated[datetime, BeforeValidator(_in_words)]


class Paging(Query):
    """Paging by cursor."""

    cursor: str | None = Field(None, max_length=500)
    limit: int = Field(50, ge=1, le=200)


# --- prompts ---------------------------------------------------------------------------------------------------


class AskBody(Body):
    """A question. `parent` is the prompt it follows; `chat_id` continues a chat from its end."""

    prompt: str = Field(min_length=1, max_length=8000)
    parent: int | None = None
    chat_id: int | None = None
    persona: str | None = Field(None, max_length=100)
    stream: bool = False
    page_resource_id: int | None = None
    mentions: list[int] = Field(default_factory=list, max_length=20)


class PromptOut(Answer):
    """A saved prompt. Placeholders of run results are left unbound: rows are never stored."""

    id: int
    chat_id: int
    at: datetime | None = None
    prompt: str
    answer: str
    status: str
    title: str | None = None
    pinned: bool = False
    feedback: str | None = None
    provider: str | None = None
    model: str | None = None
    error: str | None = None
    parent: int | None = None
    citations: list[dict[str, Any]] = []
    sql: list[dict[str, Any]] = []
    steps: list[dict[str, Any]] = []
    sent: list[dict[str, Any]] = []
    usage: dict[str, Any] = {}


class PromptPage(Answer):
    """A page of prompts."""

    items: list[PromptOut]
    next_cursor: str | None = None


class PromptQuery(Paging):
    """Which prompts."""

    q: str | None = Field(None, max_length=200)
    pinned: bool | None = None


class FeedbackBody(Body):
    """Was it helpful? None takes the answer back."""

    value: Literal["up", "down"] | None = None


class ChatBody(Body):
    """Rename or pin a chat."""

    title: str | None = Field(None, min_length=1, max_length=120)
    pinned: bool | None = None


class ChatOut(Answer):
    """A chat of the history panel."""

    id: int
    title: str
    pinned: bool
    at: datetime
    prompts: int


class ChatPage(Answer):
    """A page of chats."""

    items: list[ChatOut]
    next_cursor: str | None = None


# --- catalog ---------------------------------------------------------------------------------------------------


class OwnerOut(Answer):
    """An owner."""

    name: str
    email: str | None = None


class ResourceOut(Answer):
    """A thing in the catalog, as you may see it."""

    id: int
    kind: str
    name: str
    qualified_name: str
    integration_id: int
    integration: str
    parent_id: int | None = None
    path: list[str] = []
    description: str | None = None
    definition: str | None = None
    native_type: str | None = None
    position: int | None = None
    nullable: bool | None = None
    default: str | None = None
    is_pk: bool = False
    tags: list[str] = []
    owners: list[OwnerOut] = []
    popularity: float = 0.0
    verified: bool = False
    published: bool = True
    sensitivity: str | None = None
    sensitivity_confidence: float | None = None
    """How sure the classification is, 0 to 1; null where a person decided."""
    row_estimate: int | None = None
    size_bytes: int | None = None
    changed_at: datetime | None = None
    analyzed_at: datetime | None = None
    synced_at: datetime | None = None
    last_sync_at: datetime | None = None
    sync_failed: bool = False
    stale_since: datetime | None = None
    url: str | None = None
    dialect: str | None = None
    children: int = 0


class AiUseOut(Answer):
    """May the assistant use it, and why."""

    allowed: bool
    reason: str


class ResourceFull(ResourceOut):
    """A thing with its columns and whether the assistant may use it."""

    columns: list[ResourceOut] = []
    ai_use: AiUseOut | None = None


class ResourcePage(Answer):
    """A page of resources."""

    items: list[ResourceOut]
    next_cursor: str | None = None
    total: int | None = None


class HitOut(Answer):
    """A search result, best first."""

    rank: int
    score: float
    resource: ResourceOut
    why: list[list[str]] = []


class FoundOut(Answer):
    """Search results."""

    hits: list[HitOut]
    total: int
    facets: dict[str, dict[str, int]] = {}
    did_you_mean: str | None = None


class SearchQuery(Query):
    """What to look for."""

    q: str = Field("", max_length=400)
    kind: list[Kind] = []
    integration: list[int] = []
    tag: list[str] = []
    owner: list[str] = []
    verified: bool | None = None
    schema_name: str | None = Field(None, alias="schema", max_length=200)
    under: int | None = None
    limit: int = Field(20, ge=1, le=100)
    offset: int = Field(0, ge=0, le=10000)
    facets: bool = False


class SuggestQuery(Query):
    """The beginning of a name."""

    q: str = Field("", max_length=200)
    limit: int = Field(8, ge=1, le=20)


class ResourceList(Answer):
    """Some resources."""

    items: list[ResourceOut]


class EditBody(Body):
    """Properties to change. A field that is left out stays as it is."""

    description: str | None = Field(None, max_length=20000)
    definition: str | None = Field(None, max_length=100000)
    verified: Unsaid[bool] = None
    published: Unsaid[bool] = None
    sensitivity: Literal["personal", "secret"] | None = None
    add_tags: list[str] = []
    remove_tags: list[str] = []
    add_owners: list[str] = []
    remove_owners: list[str] = []


class EditOut(Answer):
    """The resource after the change; `proposed` where your role may only propose."""

    resource: ResourceOut
    proposed: bool = False


class LineageQuery(Query):
    """How far to look."""

    upstream: bool = True
    downstream: bool = True
    depth: int = Field(1, ge=1, le=10)
    columns: bool = False
    limit: int = Field(500, ge=1, le=1000)


class EdgeBody(Body):
    """The other end of an edge that a person draws: by id, or by qualified name."""

    other_id: int | None = None
    other: str | None = Field(None, max_length=1000)
    way: Literal["upstream", "downstream"] = "upstream"


class EdgeQuery(Query):
    """The other end of the edge that is erased: by id, or by qualified name."""

    other_id: int | None = None
    other: str | None = Field(None, max_length=1000)
    way: Literal["upstream", "downstream"] = "upstream"


class EdgeOut(Answer):
    """One edge."""

    upstream_id: int
    upstream: str
    downstream_id: int
    downstream: str
    kind: str
    source: str
    upstream_column: str | None = None
    downstream_column: str | None = None
    confidence: float = 1.0


class LineageOut(Answer):
    """A neighbourhood."""

    start_id: int
    resources: list[ResourceOut]
    edges: list[EdgeOut]
    cut: bool = False
    degrees: dict[int, tuple[int, int]] = {}
    """How many resources feed each of `resources`, and how many it feeds."""


class BrokenOut(Answer):
    """One resource that depends on another."""

    resource: ResourceOut
    hops: int
    certain: bool
    through: str
    source: str
    confidence: float
    columns: list[str]


class ImpactQuery(Query):
    """How much to list."""

    limit: int = Field(1000, ge=1, le=5000)


class FrequentQueryOut(Answer):
    """A statement of the query log over nothing that is hidden from you, its literals masked."""

    sql: str
    runs: int
    people: int | None = None
    """How many ran it, never who; null where the source does not tell."""
    last_run: datetime | None = None
    costs: dict[str, float] = {}
    """What its runs came to in all, by unit; empty where the source does not tell."""


class JoinOut(Answer):
    """How two tables join."""

    left_id: int
    left: str
    right_id: int
    right: str
    on: list[tuple[str, str]] = []
    source: str
    """A foreign key, or observed: seen in queries."""


class TableUseOut(Answer):
    """How a table is used, over the kept statements that you may see."""

    popularity: float
    """0 to 1, from queries, what reads it and foreign keys, as far as everybody who sees it sees those."""
    statements: int
    runs: int
    people: int | None = None
    """How many ran the statement that most people ran; null where the source does not tell."""
    last_run: datetime | None = None
    queries: list[FrequentQueryOut] = []
    joins: list[JoinOut] = []


class TableUseQuery(Query):
    """How many statements to tell."""

    limit: int = Field(default=10, ge=1, le=100)


class ImpactOut(Answer):
    """What breaks if a resource is dropped; `tell` names its owners and of how much each is one."""

    broken: list[BrokenOut]
    tell: list[tuple[OwnerOut, int]]
    unowned: int
    cut: bool = False


class ChildrenQuery(Paging):
    """Children of a resource."""

    text: str | None = Field(None, max_length=200)


# --- sql -------------------------------------------------------------------------------------------------------


class SqlCheckBody(Body):
    """Would this statement run on that integration?"""

    sql: str = Field(min_length=1, max_length=60000)
    integration_id: int
    estimate: bool = False


class UnknownName(Answer):
    """A name in a statement that the catalog does not have for you, with the nearest that it has."""

    name: str
    nearest: str | None = None


class VerdictOut(Answer):
    """The verdict of gates and guard; nothing was run. `gate` is the first closed one, `who` can open it.

    `masked` are columns marked sensitive whose values would not come. The estimates are the planner's, where it was
    asked for and the engine has one; `estimate_failed` is why it said nothing though it has. `unknown` is told where
    the statement was refused for what it names.
    """

    decision: Literal["accept", "reject"]
    reasons: list[str] = []
    tables: list[str] = []
    masked: list[str] = []
    gate: str | None = None
    who: str | None = None
    estimated_rows: int | None = None
    estimated_cost: float | None = None
    estimated_bytes: int | None = None
    estimate_failed: str | None = None
    unknown: list[UnknownName] = []


class SqlRunBody(Body):
    """Run this statement on that integration. `confirm` says that a person looked at it."""

    sql: str = Field(min_length=1, max_length=60000)
    integration_id: int
    confirm: bool = True
    limit: int = Field(100, ge=0, le=1000)
    run_id: str | None = Field(None, pattern=r"^[A-Za-z0-9_-]{8,64}$")


class ColumnOut(Answer):
    """A column of a result. `numeric`: it holds numbers, whatever the source calls its type."""

    name: str
    type: str = ""
    numeric: bool = False


class RunOut(Answer):
    """The result: its shape, and its first rows for the person who ran it."""

    result_id: str | None = None
    columns: list[ColumnOut] = []
    rows: list[list[Any]] = []
    row_count: int = 0
    truncated: str | None = None
    masked: list[str] = []
    milliseconds: int | None = None
    receipt_id: int | None = None
    downloads: list[str] = []


class BindBody(Body):
    """Placeholders of an answer, as r1.first.total, where r1 is this result."""

    name: str = Field(pattern=r"^r[1-9][0-9]{0,3}$")
    binds: list[str] = Field(max_length=100)


class BoundOut(Answer):
    """What a placeholder stands for: a value, or table or chart for the whole result."""

    kind: str
    text: str = ""
    why: str = ""
    chart: dict[str, Any] | None = None


class BoundList(Answer):
    """The placeholders' values, in their order."""

    items: list[BoundOut]


class ResultQuery(Query):
    """Which rows of a result."""

    offset: int = Field(0, ge=0, le=10_000_000)
    limit: int = Field(100, ge=1, le=1000)


class QueryParameterOut(Answer):
    """A typed value that whoever runs a saved query gives."""

    name: str
    type: str
    default: str | None = None


class QueryParameterIn(Body):
    """A parameter that stands in the statement as :name."""

    name: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,39}$")
    type: str = Field(
        "text",
        pattern=r"^(text|integer|number|date|timestamp|boolean)(\[\])?\??$",
        description="Of one value; [] behind it makes a list for IN (:name), ? at the end an optional one (null).",
    )
    default: str | None = Field(None, max_length=10_000)


class SavedQueryBody(Body):
    """A statement to save. It passes every gate for you first; changing one (`query_id`) takes its approval away."""

    name: str = Field(min_length=1, max_length=120)
    sql: str = Field(min_length=1, max_length=60000)
    integration_id: int
    description: str = Field("", max_length=1000)
    parameters: list[QueryParameterIn] = Field(default=[], max_length=50)
    query_id: int | None = None


class SavedQueryOut(Answer):
    """A saved statement. `teams` are those of yours (an admin: all) that it is approved for."""

    id: int
    name: str
    description: str
    integration_id: int
    integration: str
    sql: str
    parameters: list[QueryParameterOut] = []
    tables: list[str] = []
    author: str
    mine: bool
    teams: list[str] = []
    approved: bool
    approved_by: str | None = None


class SavedQueryList(Answer):
    """Saved statements by name."""

    items: list[SavedQueryOut]


class SavedQueriesQuery(Query):
    """Which saved statements."""

    integration_id: int | None = None


class ApproveBody(Body):
    """The teams, by id, that may run it; none takes the approval back."""

    teams: list[int] = Field(max_length=500)


class RunSavedBody(Body):
    """Values of a saved query's parameters, as text, by name; of a list its values; null for an optional one."""

    values: dict[str, str | list[str] | None] = Field(default={}, max_length=50)
    limit: int = Field(100, ge=0, le=1000)
    run_id: str | None = Field(None, pattern=r"^[A-Za-z0-9_-]{8,64}$")


class DecisionsQuery(Paging):
    """Which decision receipts. `member` is an e-mail, for admins."""

    verdict: Literal["allowed", "refused"] | None = None
    integration_id: int | None = None
    member: str | None = Field(None, max_length=320)


class DecisionGate(Answer):
    """One gate as it stood. `who` can open it where it was closed."""

    gate: str
    open: bool
    reason: str = ""
    who: str = ""


class DecisionOut(Answer):
    """The decision on one attempt to run SQL; never the statement, never a row.

    `gate` is the first that was closed, `statement` the class of the statement. `withheld` says that names are left
    out, which are gone or which you do not see any more; the same for an integration that is null.
    """

    id: int
    at: datetime
    member: str
    integration_id: int | None = None
    integration: str | None = None
    statement: str
    verdict: str
    gate: str | None = None
    reason: str | None = None
    gates: list[DecisionGate] = []
    tables: list[str] = []
    columns: list[str] = []
    sensitive: list[str] = []
    limits: dict[str, float] = {}
    withheld: bool = False


class DecisionPage(Answer):
    """Decision receipts, newest first."""

    items: list[DecisionOut]
    next_cursor: str | None = None


class DecisionExplained(DecisionOut):
    """A receipt, and what the settings of today would say. `now` is gate to open."""

    now: dict[str, bool] = {}
    verdict_now: str
    reason_now: str | None = None
    who_now: str | None = None
    changes: list[str] = []


# --- integrations, settings, records ---------------------------------------------------------------------------


class IntegrationOut(Answer):
    """A connected source. Secrets are never here."""

    id: int
    name: str
    type: str
    settings: dict[str, Any] = {}
    secret_names: list[str] = []
    has_query_credential: bool = False
    schedule: str | None = None
    options: dict[str, Any] = {}
    state: str = "new"
    last_sync_at: datetime | None = None
    last_error: str | None = None
    counts: dict[str, int] = {}


class IntegrationList(Answer):
    """Integrations."""

    items: list[IntegrationOut]


class IntegrationBody(Body):
    """A new integration. Secrets go in and never come out."""

    name: str = Field(min_length=1, max_length=100)
    type: str = Field(min_length=1, max_length=60)
    settings: dict[str, str] = {}
    secrets: dict[str, str] = {}
    query: dict[str, str] | None = None
    schedule: str | None = Field(None, max_length=100)
    options: dict[str, bool | str] = {}
    teams: list[int] = []


class ConnectionBody(Body):
    """Settings to try. Nothing of it is stored."""

    type: str = Field(min_length=1, max_length=60)
    settings: dict[str, str] = {}
    secrets: dict[str, str] = {}


class SchemaOut(Answer):
    """A schema that a source has."""

    name: str
    description: str = ""


class ConnectionOut(Answer):
    """What a source answered; `schemas` are null where it has no such thing."""

    said: str
    schemas: list[SchemaOut] | None = None


class ConnectorList(Answer):
    """Every connector, as `docent connectors --json` has it, with the fields of its form."""

    items: list[dict[str, Any]]


class PermissionBody(Body):
    """Whom query permission is given to or taken from."""

    subject: Literal["member", "team", "group"]
    subject_id: int


class PermissionOut(Answer):
    """Who may run SQL on an integration, and by what."""

    subject: str
    subject_id: int | None = None
    name: str


class PermissionList(Answer):
    """Query permissions of an integration."""

    items: list[PermissionOut]


class IntegrationPatch(Body):
    """Changes of an integration."""

    name: str | None = Field(None, min_length=1, max_length=100)
    settings: dict[str, str] | None = None
    secrets: dict[str, str] | None = None
    schedule: str | None = Field(None, max_length=100)
    options: dict[str, bool | str] | None = None
    paused: bool | None = None
    teams: list[int] | None = None
    query: dict[str, str] | None = None


class SyncBody(Body):
    """How to sync."""

    full: bool = False
    only_schema: str | None = Field(default=None, alias="schema", max_length=1000)
    """One schema instead of everything."""


class SyncOut(Answer):
    """A sync and how far it is."""

    id: int
    integration_id: int
    integration: str
    status: str
    stage: str
    started: datetime | None = None
    finished: datetime | None = None
    done: int = 0
    total: int | None = None
    seen: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    removed: int = 0
    errors: list[str] = []
    only_schema: str | None = None


class SyncList(Answer):
    """Syncs, newest first."""

    items: list[SyncOut]


class SettingOut(Answer):
    """One setting."""

    key: str
    value: Any = None
    default: Any = None
    title: str = ""
    effect: str = ""
    choices: list[str] = []
    changed_by: str | None = None
    changed_at: datetime | None = None


class SettingList(Answer):
    """The AI settings of the workspace."""

    items: list[SettingOut]


class SettingsPatch(Body):
    """Settings to change, by key."""

    values: dict[str, Any] = Field(min_length=1)


class TextBody(Body):
    """A text to look at."""

    text: str = Field(min_length=1, max_length=20000)


class FindingOut(Answer):
    """Something that redaction found."""

    type: str
    start: int
    end: int


class RedactedOut(Answer):
    """A text as a provider would get it. Nothing was sent."""

    text: str
    findings: list[FindingOut] = []


class PreviewOut(Answer):
    """What would be sent, part by part. Nothing was sent."""

    provider: str = ""
    host: str = ""
    region: str = ""
    model: str = ""
    bytes: int = 0
    parts: list[dict[str, Any]] = []


class Names(Answer):
    """Names, for example of models."""

    items: list[str]


class LedgerQuery(Paging):
    """Which entries of the ledger."""

    member: str | None = Field(None, max_length=320)
    outcome: str | None = Field(None, max_length=20)
    since: Moment | None = None


class AuditQuery(LedgerQuery):
    """Which entries of the audit log; `action` also finds what begins with it and a point."""

    action: str | None = Field(None, max_length=100)


class EntryPage(Answer):
    """A page of entries of the audit log or the ledger; they hold no text."""

    items: list[dict[str, Any]]
    next_cursor: str | None = None


class UsageOut(Answer):
    """Use without content."""

    by_day: list[dict[str, Any]] = []
    by_model: list[dict[str, Any]] = []
    by_member: list[dict[str, Any]] = []


def plain(value: Any) -> Any:
    """A frozen dataclass of the store (or anything like it) as plain values for a model."""
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, dict):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(part) for part in value]
    return value
