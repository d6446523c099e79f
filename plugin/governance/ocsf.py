"""The audit log as a SIEM reads it: one OCSF event per entry.

OCSF and not ECS, because ECS is one vendor's field list around its own store, while OCSF is read by the SIEMs of
several vendors without a mapping, and has places of its own for what our log is about: who called which operation on
what, and whether a control allowed or denied it. Every entry is an "API Activity" event (class 6003) with the profile
`security_control`, whichever surface it came from.

Enters: an entry of `AdminDoor.audit.export()`. Leaves: a JSON object. What it holds is what the audit log holds, so no
text that anybody typed; our hashes go along, so that a line in the SIEM can be matched with the chain.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from importlib.metadata import version
from typing import Any

SCHEMA = "1.3.0"
CLASS, CATEGORY = 6003, 6
CREATE, READ, UPDATE, DELETE, OTHER = 1, 2, 3, 4, 99
_ACTIVITIES = {CREATE: "Create", READ: "Read", UPDATE: "Update", DELETE: "Delete", OTHER: "Other"}
_VERBS = {
    CREATE: ("add", "invite", "grant", "query_grant", "join", "declare", "propose"),
    READ: ("read", "export", "open"),
    UPDATE: (
        "change",
        "edit",
        "role",
        "rename",
        "private",
        "schedule",
        "rotate",
        "accept",
        "enable",
        "disable",
    ),
    DELETE: ("remove", "delete", "revoke", "erase", "leave", "withdraw", "purge"),
}
_STATUS = {"allow": (1, "Success"), "done": (1, "Success"), "deny": (2, "Failure"), "failed": (2, "Failure")}
_ACTION = {"allow": (1, "Allowed"), "done": (1, "Allowed"), "deny": (2, "Denied"), "failed": (0, "Unknown")}
"""The profile knows no other action: "99 'Other' is not an option", it says, and 0 stands for what is not known."""
_SEVERITY = {"deny": (3, "Medium"), "failed": (2, "Low")}
_INFORMATIONAL = (1, "Informational")


def events(entries: Iterable[Mapping[str, Any]], workspace: str) -> Iterator[dict[str, Any]]:
    """Every entry as an event, in the given order. `workspace` becomes the tenant."""
    product = {"name": "Docent", "vendor_name": "Docent", "version": version("docent")}
    for entry in entries:
        yield event(entry, workspace, product)


def event(entry: Mapping[str, Any], workspace: str, product: Mapping[str, str]) -> dict[str, Any]:
    """One entry as one OCSF event."""
    outcome = entry["outcome"]
    activity = activity_of(entry["action"])
    severity, status, action = (
        _SEVERITY.get(outcome, _INFORMATIONAL),
        _STATUS.get(outcome, (99, "Other")),
        _ACTION.get(outcome, (0, "Unknown")),
    )
    user: dict[str, Any] = {"name": entry["actor"]}
    if entry["member_id"] is not None:
        user |= {"uid": str(entry["member_id"]), "email_addr": entry["actor"]}
    made: dict[str, Any] = {
        "class_uid": CLASS,
        "class_name": "API Activity",
        "category_uid": CATEGORY,
        "category_name": "Application Activity",
        "activity_id": activity,
        "activity_name": _ACTIVITIES[activity],
        "type_uid": CLASS * 100 + activity,
        "time": int(datetime.fromisoformat(entry["at"]).timestamp() * 1000),
        "severity_id": severity[0],
        "severity": severity[1],
        "status_id": status[0],
        "status": status[1],
        "action_id": action[0],
        "action": action[1],
        "actor": {"user": user},
        "api": {"operation": entry["action"], "service": {"name": "docent"}},
        "src_endpoint": {"svc_name": entry["surface"]},
        "metadata": {
            "version": SCHEMA,
            "product": dict(product),
            "profiles": ["security_control"],
            "log_name": "audit",
            "uid": entry["hash"],
            "sequence": entry["seq"],
            "tenant_uid": workspace,
        },
        "unmapped": {
            "outcome": outcome,
            "detail": entry["detail"],
            "previous_hash": entry["previous_hash"],
            "hash": entry["hash"],
        },
    }
    if entry["rule"]:
        made["status_detail"] = entry["rule"]
        made["firewall_rule"] = {"name": entry["rule"]}
    if entry["target"]:
        made["resources"] = [{"name": entry["target"]}]
    return made


def activity_of(action: str) -> int:
    """What kind of activity an action's last word means: "people.team_add" creates, "egress" is another."""
    last = action.rpartition(".")[2]
    words = (last, last.rpartition("_")[2])
    return next((kind for kind, verbs in _VERBS.items() if any(word in verbs for word in words)), OTHER)
