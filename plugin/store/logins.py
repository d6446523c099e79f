"""Do the two credentials of an integration sign in as the same user (promise P53)?

Enters: a workspace's integrations. Leaves: the names of those whose credential for queries is the one that reads
metadata; no user and no password leaves. Files have no users: there the connector reads the schema only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from sqlalchemy import select

from plugin.store._context import Context
from plugin.store._models.integrations import IntegrationRow


def same_login(context: Context) -> tuple[str, ...]:
    """Names of integrations with one user for both, in order."""
    found = []
    rows = context.session.scalars(
        select(IntegrationRow)
        .where(IntegrationRow.workspace_id == context.workspace_id, IntegrationRow.sealed_query.is_not(None))
        .order_by(IntegrationRow.name)
    )
    for row in rows:
        metadata = dict(row.settings or {})
        if row.sealed_secrets is not None:
            metadata |= context.vault.open_json(
                "integrations", "sealed_secrets", row.sealed_secrets, row=row.id
            )
        query = context.vault.open_json("integrations", "sealed_query", row.sealed_query or b"", row=row.id)
        mine, theirs = _login(metadata), _login({**metadata, **dict.fromkeys(_WHO, ""), **query})
        if mine is not None and mine == theirs:
            found.append(row.name)
    return tuple(found)


_WHO = ("user", "username", "client_id", "key", "token")
"""Fields that say who signs in, where the address does not."""


def _login(values: Mapping[str, Any]) -> str | None:
    """Who signs in: the user of the URL, or the first field that tells one; None where there is no user.

    A service account's key is the account that it is for, a token is itself: it is compared here and goes nowhere.
    """
    url = str(values.get("url") or "")
    user = unquote(urlsplit(url).username or "") if "://" in url else ""
    if not user and (key := str(values.get("key") or "")):
        try:
            user = str(json.loads(key).get("client_email") or "")
        except (ValueError, AttributeError):
            user = key
    return user or next((str(values[name]) for name in _WHO if values.get(name)), None)
