"""The admin's side of settings: list, set, export, apply; provider keys go in and never come out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select

from plugin.access.conditions import SETTING
from plugin.egress.addresses import destination
from plugin.egress.endpoints import default_endpoint, region_of
from plugin.egress.webhook import Hook
from plugin.errors import BadInput, DocentError
from plugin.governance.ai_settings import AiSettings, read_ai_settings
from plugin.governance.settings import SETTINGS, SettingSpec, parse, spec_of
from plugin.store._conditions import kept_out
from plugin.store._context import Context
from plugin.store._models.base import now
from plugin.store._models.settings import ProviderKeyRow, SettingRow
from plugin.store.policy import settings_changed, value_of
from plugin.store.shapes import Setting

PRIVATE = frozenset({"ai.instructions", "ai.redaction.patterns", "watch.webhook"})
"""Settings that hold what somebody typed, or an address whose path is often a secret (as of a chat's incoming
webhook): the audit log says that they changed, not to what."""
MONITORING = "monitoring.content"
KEYED_PROVIDERS = ("openai", "anthropic", "openai_compatible")


class Settings:
    """The settings of one workspace. Every change is audited with before and after."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def all(self) -> tuple[Setting, ...]:
        """Every setting, in the registry's order."""
        rows = self._rows()
        return tuple(_shape(spec, rows.get(key)) for key, spec in SETTINGS.items())

    def get(self, key: str) -> Setting:
        """One setting. BadInput where there is none of that name."""
        return _shape(spec_of(key), self._rows().get(key))

    def ai(self) -> AiSettings:
        """The AI settings as one value."""
        values = self._values()
        return read_ai_settings(lambda key: value_of(values, key))

    def set(self, key: str, value: Any) -> Setting:
        """Set one; None puts its default back. BadInput names the allowed values and changes nothing."""
        self._context.begin_write()
        self._set(key, value, self._values())
        self._announce_host((key,))
        return self.get(key)

    def export(self) -> dict[str, Any]:
        """Every setting's value by key, fit for a file under version control. No secret is in it."""
        values = self._values()
        return {key: value_of(values, key) for key in SETTINGS}

    def apply(self, wanted: Mapping[str, Any]) -> list[str]:
        """Set what the file says and leave the rest; returns the keys that changed. All or nothing."""
        self._context.begin_write()
        values = self._values()
        # Checks look at other settings of the same file (a base URL at the internal hosts), whatever its order.
        planned = dict(values)
        for key, value in wanted.items():
            if spec_of(key).check is None:
                planned[key] = parse(spec_of(key), value, lambda other: value_of(values, other))
            elif value is not None:
                planned[key] = value
        changed = []
        for key in sorted(wanted, key=lambda each: each == "ai.base_url"):
            if self._set(key, wanted[key], values, planned):
                changed.append(key)
        self._announce_host(changed)
        return changed

    def webhook(self) -> Hook | None:
        """Where notices go, with the secret that signs them, for an admin to give to the receiver. Audited."""
        from plugin.store.unusual import hook_of

        hook = hook_of(self._context)
        if hook is not None:
            self._context.audit("watch.secret", "allow")
        return hook

    def set_provider_key(self, provider: str, key: str | None) -> None:
        """Seal a provider's key, or remove it with None. BadInput for a provider that takes none or an empty key."""
        if provider not in KEYED_PROVIDERS:
            raise BadInput(
                f"{provider!r} takes no key; these do: {', '.join(KEYED_PROVIDERS)}", field="provider"
            )
        store_provider_key(self._context, provider, key)
        self._context.audit("settings.provider_key", "done", target=provider, detail={"set": key is not None})

    def provider_keys(self) -> dict[str, datetime | None]:
        """For each provider that takes a key: when it was set, or None."""
        rows = self._context.session.execute(
            select(ProviderKeyRow.provider, ProviderKeyRow.changed_at).where(
                ProviderKeyRow.workspace_id == self._context.workspace_id
            )
        )
        found = {provider: changed_at for provider, changed_at in rows}  # noqa: C416
        return {provider: found.get(provider) for provider in KEYED_PROVIDERS}

    def _set(
        self, key: str, value: Any, values: dict[str, Any], planned: dict[str, Any] | None = None
    ) -> bool:
        spec = spec_of(key)
        others = values if planned is None else planned
        before = value_of(values, key)
        after = spec.default if value is None else parse(spec, value, lambda other: value_of(others, other))
        if after == before:
            return False
        if key == SETTING and (rule := kept_out(self._context, after)) is not None:
            raise BadInput(
                f"the rule {rule!r} would keep you out from where you are now; nothing was changed", field=key
            )
        session, workspace_id = self._context.session, self._context.workspace_id
        row = session.get(SettingRow, (workspace_id, key))
        if row is None:
            row = SettingRow(workspace_id=workspace_id, key=key)
            session.add(row)
        row.value, row.changed_at, row.changed_by = after, now(), self._context.member.email
        session.flush()
        settings_changed(session)
        values[key] = after
        if key == MONITORING:
            from plugin.store.monitoring import turn

            turn(self._context, after)
        shown = {} if key in PRIVATE else {"before": before, "after": after}
        self._context.audit("settings.change", "done", target=key, detail=shown)
        return True

    def _announce_host(self, changed: Sequence[str]) -> None:
        """A further provider's notice period begins when an admin chooses it."""
        if not set(changed) & {"ai.provider", "ai.base_url"}:
            return
        from plugin.store.hosts import Hosts

        ai = self.ai()
        endpoint = default_endpoint(ai.provider)
        url = ai.base_url or (endpoint.base_url if endpoint else None)
        if ai.provider not in KEYED_PROVIDERS or url is None:
            return
        try:
            target = destination(url, ai.internal_hosts)
        except DocentError:
            return  # nothing can be sent there; the gateway says why
        Hosts(self._context).announce(target.host, ai.provider, region_of(target), trusted=target.trusted)

    def _rows(self) -> dict[str, SettingRow]:
        rows = self._context.session.scalars(
            select(SettingRow).where(SettingRow.workspace_id == self._context.workspace_id)
        )
        return {row.key: row for row in rows}

    def _values(self) -> dict[str, Any]:
        return {key: row.value for key, row in self._rows().items()}


def store_provider_key(context: Context, provider: str, key: str | None) -> None:
    """Seal and store a provider's key, or delete it. BadInput for one that is empty or not one line of text."""
    session = context.session
    if key is None:
        session.execute(
            delete(ProviderKeyRow).where(
                ProviderKeyRow.workspace_id == context.workspace_id, ProviderKeyRow.provider == provider
            )
        )
        context.scrub_after()
        return
    tidy = key.strip()
    if not tidy or len(tidy) > 2000 or not tidy.isascii() or not tidy.isprintable() or " " in tidy:
        raise BadInput("that is not a provider's key: it must be one line without spaces", field="key")
    context.begin_write()
    row = session.get(ProviderKeyRow, (context.workspace_id, provider))
    if row is None:
        row = ProviderKeyRow(workspace_id=context.workspace_id, provider=provider)
        session.add(row)
    row.sealed = context.vault.seal_text("provider_keys", "sealed", tidy, row=provider)
    row.changed_at = now()
    session.flush()


def _shape(spec: SettingSpec, row: SettingRow | None) -> Setting:
    return Setting(
        key=spec.key,
        value=spec.default if row is None else row.value,
        default=spec.default,
        title=spec.title,
        effect=spec.effect,
        choices=spec.choices,
        changed_by=row.changed_by if row else None,
        changed_at=row.changed_at if row else None,
        kind=spec.kind,
        least=spec.least,
        most=spec.most,
    )
