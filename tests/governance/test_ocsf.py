"""The audit log in OCSF: every entry is there, with the fields that the class requires, and nothing besides the log's."""

from __future__ import annotations

import pytest

from plugin.access.viewer import Viewer
from plugin.governance.ocsf import CREATE, DELETE, OTHER, READ, UPDATE, activity_of, events
from plugin.store import Store

REQUIRED = {
    "activity_id", "actor", "api", "category_uid", "class_uid", "metadata", "severity_id", "src_endpoint", "time",
    "type_uid", "status_id", "action_id",
}  # fmt: skip


def test_every_entry_becomes_one_event_with_its_hash(any_store: Store, any_admin: Viewer) -> None:
    with any_store.as_admin(any_admin) as door:
        door.settings.set("ai.run_sql", True)
        door.settings.set("ai.instructions", "Call our flagship Bluebird")
        door.people.add_team("Finance")
    with any_store.as_viewer(any_admin) as mine:
        mine.record.audit("watch.webhook", "failed", rule="watch.rate")
        mine.record.audit("egress", "deny", rule="egress.region", target="openai")
    with any_store.as_admin(any_admin) as door:
        entries = list(door.audit.export())
    found = list(events(entries, "acme"))
    assert [each["metadata"]["uid"] for each in found] == [each["hash"] for each in entries]
    assert all(set(each) >= REQUIRED for each in found)
    assert all(each["type_uid"] == each["class_uid"] * 100 + each["activity_id"] for each in found)
    assert all(isinstance(each["time"], int) and each["time"] > 1_700_000_000_000 for each in found)
    assert "Bluebird" not in str(found)
    denied = found[-1]
    assert (denied["action"], denied["status"], denied["status_detail"]) == (
        "Denied",
        "Failure",
        "egress.region",
    )
    # As the published profile and class have them (ocsf-schema: profiles/security_control, events/application).
    assert {each["action_id"] for each in found} <= {0, 1, 2} and {each["status_id"] for each in found} <= {
        1,
        2,
    }
    assert all(each["actor"]["user"]["name"] and each["src_endpoint"]["svc_name"] for each in found)
    assert all(each["metadata"]["version"] and each["metadata"]["product"]["vendor_name"] for each in found)
    assert denied["metadata"]["tenant_uid"] == "acme" and denied["severity_id"] > 1


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        ("people.team_add", CREATE),
        ("people.export", READ),
        ("settings.change", UPDATE),
        ("integration.remove", DELETE),
        ("egress", OTHER),
    ],
)
def test_an_action_has_its_kind(action: str, kind: int) -> None:
    assert activity_of(action) == kind
