"""Probes without query permission, put before the gates of Run SQL themselves: who passes (P49, P50)?"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from plugin.access.viewer import Role

PROBES = {
    "a guest who was given permission": (Role.GUEST, {"query"}, True),
    "an editor without permission": (Role.EDITOR, {"query"}, False),
    "a token without the scope query": (Role.ADMIN, {"read"}, True),
}


def let_in() -> list[str]:
    """The probes that the gate of permission let through."""
    from plugin.run_sql.gates import policy_gates

    settings = cast(Any, SimpleNamespace(enabled=True, run_sql=True))
    integration = cast(Any, SimpleNamespace(id=0, name="probe", has_query_credential=True))
    passed = []
    for name, (role, scopes, can) in PROBES.items():
        door = SimpleNamespace(
            viewer=SimpleNamespace(role=role, scopes=frozenset(scopes)),
            me=SimpleNamespace(can_query=lambda _id, can=can: can),
            policy=SimpleNamespace(admins=lambda: ()),
        )
        gates = policy_gates(cast(Any, door), settings, integration, "postgres")
        if gates[-1].gate != "permission" or gates[-1].open:
            passed.append(name)
    return passed
