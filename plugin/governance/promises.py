"""The promises, in the order of the Trust page. Their present state is computed in `plugin/governance/trust.py`.

Source documents: AIB (AI Builder privacy), 365 (365TUNE enterprise data protection), TRAIN (training AI on business
data), WX (watsonx Prompt Lab privacy), SEC (Secoda AI security FAQ).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Promise:
    """One promise: its number, its section on the page, what it says, and where it comes from."""

    id: str
    section: str
    text: str
    source: str


_ISOLATION, _OUT, _KEYS = "Isolation and access", "What goes out", "Keys and storage"
_HISTORY, _WATCH, _SAY, _SQL = "History", "Watching", "Saying so", "Run SQL"

_LINES = (
    (
        _ISOLATION,
        "Nothing of one workspace can be reached from another, background jobs included",
        "AIB 365 TRAIN SEC",
    ),
    (
        _ISOLATION,
        "Each stored row is keyed by its workspace; row-level security is a second lock",
        "TRAIN WX",
    ),
    (_ISOLATION, "The assistant sees exactly what the asker may see, on every surface", "365 SEC"),
    (_ISOLATION, "A question about another team's resources returns no name, no count, no hint", "SEC"),
    (
        _ISOLATION,
        "Admins narrow what the AI may use by rules; each resource shows whether and why",
        "SEC 365",
    ),
    (_ISOLATION, "Conditional access by role, group, team, network range and sign-in method", "365"),
    (_OUT, "Only metadata goes out; every field that may go is on one allow-list, with a reason", "SEC"),
    (_OUT, "Only what the question needs; what the budget cut is visible in the steps", "365"),
    (_OUT, "Credentials and secrets never go out", "365"),
    (_OUT, "Personal data becomes stand-ins before sending and is turned back locally", "365"),
    (_OUT, "Admins add redaction patterns of their own and try them before saving", "365"),
    (_OUT, "Owners and frequent users go out as pseudonyms", "365"),
    (_OUT, "Usage goes out aggregated, never per person", "365"),
    (_OUT, "Literals in SQL text are masked", "SEC"),
    (_OUT, "The provider gets every no-store option; its terms are recorded", "AIB 365 TRAIN SEC"),
    (_OUT, "The browser never calls a provider", "365"),
    (_OUT, "TLS 1.2 or higher to providers and sources, certificates verified", "365 WX"),
    (_OUT, "Only declared hosts can be reached", "AIB 365"),
    (_OUT, "The person sees what was sent; the admin sees it without the text", "SEC 365"),
    (_OUT, "Each endpoint has a region; movement across regions needs an admin's switch", "AIB SEC"),
    (_OUT, "No telemetry at all", "AIB WX"),
    (_OUT, "Only the provider and model that the admin chose; no silent fallback", "WX"),
    (_OUT, "A mode in which nothing leaves, with the same features", "WX"),
    (_KEYS, "The workspace's own provider keys: write-only, tested on entry, removable", "TRAIN"),
    (_KEYS, "Secrets, prompts, answers and free text are AES-256 encrypted at rest; keys rotate", "365 WX"),
    (_KEYS, "Deleting a workspace destroys its key and its rows, with a receipt", "WX TRAIN"),
    (_KEYS, "Temporary copies are private, short-lived and gone after the job", "AIB"),
    (_KEYS, "Nothing typed, generated, fetched or secret is in any log, at any level", "WX"),
    (_KEYS, "Content that does not belong in a catalog is flagged when it is saved or imported", "TRAIN"),
    (_HISTORY, "Previous prompts are their author's alone unless shared; sharing is revocable", "SEC WX"),
    (_HISTORY, "Unsaved text lives in the page; nothing typed is in the browser's storage", "WX"),
    (_HISTORY, "Prompt templates with variables, kept until changed or deleted", "WX"),
    (_HISTORY, "Sessions hold at most 500 prompts for 30 days; both limits settable downward", "WX"),
    (_HISTORY, "Export of a prompt as Python, notebook, Markdown and JSON", "WX"),
    (_HISTORY, "Each person can export and delete all that is theirs, with a receipt", "TRAIN SEC"),
    (_HISTORY, "Memory and learned preferences are visible to their owner and erasable", "WX"),
    (_WATCH, "Every allow and deny is audited with its reason, hash-chained, exportable", "365"),
    (_WATCH, "Unusual use is noticed and told to admins", "365"),
    (_WATCH, "Rate limits and budgets; what happens at the limit is said clearly", "365"),
    (_WATCH, "Monitoring of content is off unless an admin turns it on and members are told", "WX"),
    (_WATCH, "Usage in tokens, cost and latency, without content", "WX"),
    (
        _WATCH,
        "Prompt injection and harmful content: untrusted text cannot act; scored on a corpus",
        "AIB 365",
    ),
    (_SAY, "This page: each promise, its present state, the evidence, when last checked", "365"),
    (_SAY, "A register of sub-processors; a further host is on hold for a notice period", "365"),
    (_SAY, "A data-flow page drawn from the live configuration, with export", "AIB TRAIN"),
    (_SAY, "Provider attestations: listed, dated, editable, never claimed by us", "365 TRAIN"),
    (_SAY, "Status and health pages", "365"),
    (_SAY, "A checklist of good practice that checks itself where it can", "TRAIN"),
    (_SQL, "Runs only with the admin's toggle and the asker's query permission, checked at execution", "SEC"),
    (_SQL, "By default only admins hold query permission; it is given per integration", "SEC"),
    (_SQL, "Read-only, proven by parsing and enforced by the session; limits; cancellable", "SEC"),
    (_SQL, "Every table and column must be visible; a refusal names the gate and who opens it", "SEC"),
    (_SQL, "The credential that reads metadata cannot read data; Run SQL has its own", "SEC"),
    (_SQL, "Every attempt leaves a decision receipt that can be replayed", "365"),
)

PROMISES = tuple(
    Promise(f"P{number}", section, text, source)
    for number, (section, text, source) in enumerate(_LINES, start=1)
)
