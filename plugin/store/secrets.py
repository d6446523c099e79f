"""Credentials in the clear, for the few modules that send them: the gateway, the sync, Run SQL. Keeps law 7.

An architecture test names who may open this door. Nothing here has a way into an answer: no other door reads it.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import bindparam, select

from plugin.errors import NotFound
from plugin.store._context import Context
from plugin.store._models.integrations import IntegrationRow
from plugin.store._models.settings import ProviderKeyRow

TABLE = "integrations"
PROVIDER_KEY = select(ProviderKeyRow.sealed).where(
    ProviderKeyRow.workspace_id == bindparam("workspace"), ProviderKeyRow.provider == bindparam("name")
)
"""Built once: each question asks for it before anything leaves."""


class Secrets:
    """A workspace's provider keys and its integrations' credentials."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def provider_key(self, provider: str) -> str | None:
        """The workspace's own key for a provider, or None."""
        which = {"workspace": self._context.workspace_id, "name": provider}
        sealed = self._context.session.scalar(PROVIDER_KEY, which)
        if sealed is None:
            return None
        return self._context.vault.open_text("provider_keys", "sealed", sealed, row=provider)

    def set_provider_key(self, provider: str, key: str | None) -> None:
        """Seal a key, or remove it with None."""
        from plugin.store.settings import store_provider_key

        store_provider_key(self._context, provider, key)

    def integration_secrets(self, integration_id: int) -> dict[str, str]:
        """The secrets of the metadata credential by field name. NotFound where there is no such integration."""
        row = self._row(integration_id)
        return {} if row.sealed_secrets is None else self._open("sealed_secrets", row.sealed_secrets, row.id)

    def query_secrets(self, integration_id: int) -> dict[str, str] | None:
        """The query credential's settings and secrets by field name, or None where Run SQL has none."""
        row = self._row(integration_id)
        return None if row.sealed_query is None else self._open("sealed_query", row.sealed_query, row.id)

    def push_secrets(self, integration_id: int) -> dict[str, str] | None:
        """The credential that writes to a source, by field name, or None where push back is off."""
        from plugin.store._models.pushes import PushCredentialRow

        sealed = self._context.session.scalar(
            select(PushCredentialRow.sealed).where(
                PushCredentialRow.integration_id == integration_id,
                PushCredentialRow.workspace_id == self._context.workspace_id,
            )
        )
        if sealed is None:
            return None
        opened: dict[str, str] = self._context.vault.open_json(
            "push_credentials", "sealed", sealed, row=integration_id
        )
        return opened

    def _row(self, integration_id: int) -> IntegrationRow:
        row = self._context.session.scalar(
            select(IntegrationRow).where(
                IntegrationRow.id == integration_id, IntegrationRow.workspace_id == self._context.workspace_id
            )
        )
        if row is None:
            raise NotFound("no such integration")
        return row

    def _open(self, field: str, sealed: bytes, row: int) -> dict[str, str]:
        opened: dict[str, str] = self._context.vault.open_json(TABLE, field, sealed, row=row)
        return opened


def seal_secrets(context: Context, row: IntegrationRow, secrets: Mapping[str, str]) -> None:
    """Seal the metadata credential's secrets into an integration's row."""
    row.secret_names = sorted(secrets)
    row.sealed_secrets = (
        context.vault.seal_json(TABLE, "sealed_secrets", dict(secrets), row=row.id) if secrets else None
    )
    context.session.flush()


def seal_query(context: Context, row: IntegrationRow, secrets: Mapping[str, str] | None) -> None:
    """Seal the query credential into an integration's row, or remove it."""
    row.sealed_query = (
        None if secrets is None else context.vault.seal_json(TABLE, "sealed_query", dict(secrets), row=row.id)
    )
    context.session.flush()
