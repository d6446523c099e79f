"""Model vendors, one file each, behind one canonical request and one stream.

Keeps law 4 together with `plugin/egress`: only the gateway makes a provider, and a vendor's SDK is imported in
exactly one file here, lazily. A new vendor is a file and a line in PROVIDERS.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, cast

from plugin.errors import BadInput
from plugin.providers.wire import Provider

PROVIDERS: dict[str, str] = {
    "builtin": "plugin.providers.builtin:Builtin",
    "openai": "plugin.providers.openai:OpenAI",
    "openai_compatible": "plugin.providers.openai:OpenAICompatible",
    "anthropic": "plugin.providers.anthropic:Anthropic",
    "scripted": "plugin.providers.scripted:Scripted",
}

VENDORS: tuple[str, ...] = ("openai", "openai_compatible", "anthropic")
"""Those that speak HTTP to a host; the others live in this process."""


def provider_class(name: str) -> type[Provider]:
    """The class behind a name in PROVIDERS, imported now. Raises BadInput for an unknown name."""
    try:
        module, _, attribute = PROVIDERS[name].partition(":")
    except KeyError:
        raise BadInput(
            f"there is no provider {name!r}; choose one of {', '.join(sorted(PROVIDERS))}", field="provider"
        ) from None
    return cast("type[Provider]", getattr(import_module(module), attribute))


def provider(name: str, **settings: Any) -> Provider:
    """A provider ready for one request. Vendors take `api_key`, `base_url`, `http` (the gateway's client), `timeout`.

    Only `plugin/egress/gateway.py` calls this; an architecture test holds it to that.
    """
    return provider_class(name)(**settings)
