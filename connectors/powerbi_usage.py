"""How often reports and dashboards of Power BI are opened: the activity events of the last 14 days.

The log is asked for day by day, newest first, for the two activities that are views. It tells people and addresses
beside them, which are counted and not kept. Microsoft allows 200 requests an hour: after MOST older days are left out.

Source: https://learn.microsoft.com/rest/api/power-bi/admin/get-activity-events (both times on one UTC day and in single
quotes; a continuation token may come with a page that is empty)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

from connectors.errors import PermissionMissing, UnreachableSource
from connectors.http import Api
from connectors.http_source import Seen
from connectors.records import Unread

PLACE = "/v1.0/myorg/admin/activityevents"
DAYS = 14
MOST = 100
"""Requests of one sync."""
VIEWS = {"ViewReport": ("report", "ReportId"), "ViewDashboard": ("dashboard", "DashboardId")}


def views(api: Api) -> tuple[dict[str, Seen], list[Unread]]:
    """`report/<id>` and `dashboard/<id>` -> how often each was opened. Raises SourceError."""
    seen: dict[str, Seen] = defaultdict(Seen)
    today, asked = datetime.now(UTC), 0
    try:
        for back in range(DAYS):
            day = (today - timedelta(days=back)).strftime("%Y-%m-%d")
            for activity, (kind, member) in VIEWS.items():
                params: Mapping[str, Any] | None = {
                    "startDateTime": f"'{day}T00:00:00.000Z'",
                    "endDateTime": f"'{day}T23:59:59.999Z'",
                    "$filter": f"Activity eq '{activity}'",
                }
                while params is not None and asked < MOST:
                    page, asked = api.get(PLACE, params, optional=True), asked + 1
                    if page is None:
                        return {}, []
                    for each in page.get("activityEventEntities") or ():
                        if each.get(member):
                            seen[f"{kind}/{str(each[member]).lower()}"].add(each.get("UserId"))
                    token = page.get("continuationToken")
                    params = {"continuationToken": f"'{unquote(str(token))}'"} if token else None
    except (PermissionMissing, UnreachableSource):
        return {}, [Unread("the views of reports and dashboards (activity events)")]
    return dict(seen), []
