"""The record of processing and the facts for an impact assessment, from the live configuration (promise P45).

Enters: an admin's viewer, the store and the configuration. Leaves: one JSON-able document, and the same as Markdown.
What only a person can know (purpose, legal basis, who is responsible) stands there as a question, never as an answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from plugin.access.viewer import Viewer
from plugin.config import Config
from plugin.governance.in_force import in_force
from plugin.governance.register import NOT_USED, processors
from plugin.governance.trust import report

if TYPE_CHECKING:
    from plugin.governance.pages import Pages
    from plugin.store import Store

PRIVATE = ("ai.instructions", "ai.redaction.patterns", "watch.webhook")
"""What somebody typed, and an address whose path is often a secret: the document says only whether it is set."""
FOR_PEOPLE = (
    "Who is responsible for this processing, and who is the data protection officer?",
    "What is the purpose, and on which legal basis?",
    "Which groups of persons appear in the sources' metadata (owners, names in descriptions)?",
    "Is there a contract with each provider in the register, and what does it say about retention?",
)


def dossier(store: Store, viewer: Viewer, config: Config, pages: Pages | None = None) -> dict[str, Any]:
    """Everything as one document. Refused for others than admins."""
    from plugin.egress.allowed_fields import ALLOWED

    lines = report(store, viewer, config, pages)
    with store.as_admin(viewer) as admin:
        ai = admin.settings.ai()
        settings = admin.settings.export()
        integrations = admin.integrations.list()
        roles: dict[str, int] = {}
        for member in admin.people.members():
            roles[member.role.value] = roles.get(member.role.value, 0) + 1
        used = admin.usage.by_model(30)
    with store.as_viewer(viewer) as mine:
        register = [each for each in processors(ai, mine.hosts.all()) if each.state != NOT_USED]
    for private in PRIVATE:
        settings[private] = "set" if settings.get(private) else "not set"
    return {
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "docent": version("docent"),
        "workspace": viewer.workspace_slug,
        "processing_record": {
            "categories_of_persons": {"members_by_role": roles},
            "categories_of_data": [
                "metadata of data sources: names, types, keys, descriptions, lineage, masked SQL",
                "account data of members: name, e-mail address, role, teams",
                "questions and answers of members, kept as the history setting says",
                "audit log and ledger without content",
            ],
            "never_processed": ["rows, samples and histograms of a source, except Run SQL to the asker's browser"],
            "sources": [
                {"name": each.name, "type": each.type, "run_sql_credential": each.has_query_credential}
                for each in integrations
            ],
            "recipients": [_plain(asdict(each)) for each in register],
            "fields_that_may_go_out": sorted(str(each) for each in ALLOWED),
            "retention": {
                "history": ai.history, "days": ai.history_days, "prompts_per_chat": ai.history_max_prompts,
            },
            "in_force": [f"{each.strong} {each.rest}" for each in in_force(ai)],
        },
        "impact_assessment": {
            "measures": [
                {"id": each.id, "measure": each.promise, "state": each.state, "evidence": each.evidence,
                 "how": each.how}
                for each in lines
            ],
            "not_fully_kept": [each.id for each in lines if each.state != "kept"],
            "requests_to_providers_30_days": sum(each.requests for each in used),
            "for_people_to_answer": list(FOR_PEOPLE),
        },
        "settings": _plain(settings),
    }  # fmt: skip


def as_markdown(document: Mapping[str, Any]) -> str:
    """The document for people to read and complete."""
    record, facts = document["processing_record"], document["impact_assessment"]
    roles: Mapping[str, int] = record["categories_of_persons"]["members_by_role"]
    out = [
        f"# Processing record and facts for an impact assessment: {document['workspace']}",
        f"Made {document['made']} by Docent {document['docent']} from its live configuration.",
        "## What is processed",
        *(f"- {each}" for each in record["categories_of_data"]),
        *(f"- Never: {each}" for each in record["never_processed"]),
        "## Whose",
        *(f"- {count} with the role {role}" for role, count in roles.items()),
        "## Sources",
        *(f"- {each['name']} ({each['type']})" for each in record["sources"]),
        "## Recipients",
        *(
            f"- {each['host']}: {each['operator']}, {each['region_words']}, {each['state']}. {each['purpose']}."
            for each in record["recipients"]
        ),
        *(() if record["recipients"] else ("- None: nothing leaves.",)),
        "## In force",
        *(f"- {each}" for each in record["in_force"]),
        "## Measures",
        "| No. | Measure | State | Evidence |",
        "|---|---|---|---|",
        *(
            f"| {each['id']} | {_cell(each['measure'])} | {each['state']} | {_cell(each['evidence'])} |"
            for each in facts["measures"]
        ),
        "## For people to answer",
        *(f"- {each}" for each in facts["for_people_to_answer"]),
    ]  # fmt: skip
    text = ""
    for line, after in zip(out, [*out[1:], ""], strict=True):
        together = line[:1] in "-|" and line[:1] == after[:1]
        text += line + ("\n" if together else "\n\n")
    return text.rstrip() + "\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)
