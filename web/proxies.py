"""The client's address and scheme behind proxies that the operator named (DOCENT_TRUSTED_PROXIES, promise P6).

Enters: a WSGI request and the headers that a proxy adds. Leaves: REMOTE_ADDR and the scheme as the outermost trusted
proxy saw them. `X-Forwarded-For` is read from its right end, where the nearest proxy wrote: each address that is a
trusted proxy's is passed over, the first other one is the client. What stands further left the client may have made up.
A request that does not come from a trusted proxy keeps its own address, whatever headers it carries, and an entry
that is no address ends the reading with an unknown client, which is in no network. Considered: werkzeug's ProxyFix; it
counts hops and believes whoever reaches the port directly.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask

from plugin.config import Config

Networks = tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]
NOT_BELIEVED = (
    "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PORT",
    "HTTP_X_FORWARDED_PREFIX", "HTTP_X_REAL_IP", "HTTP_FORWARDED",
)  # fmt: skip


class Proxies:
    """WSGI middleware."""

    def __init__(self, inner: Callable[..., Iterable[bytes]], networks: Networks) -> None:
        self._inner, self._networks = inner, networks

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Set what is believed, and take every such header off so that nothing behind reads it."""
        peer = environ.get("REMOTE_ADDR", "")
        if self._trusted(peer):
            environ["REMOTE_ADDR"] = self._client(peer, environ.get("HTTP_X_FORWARDED_FOR", ""))
            scheme = environ.get("HTTP_X_FORWARDED_PROTO", "").rpartition(",")[2].strip().lower()
            if scheme in ("http", "https"):
                environ["wsgi.url_scheme"] = scheme
        for name in NOT_BELIEVED:
            environ.pop(name, None)
        return self._inner(environ, start_response)

    def _client(self, peer: str, forwarded: str) -> str:
        client = peer
        for entry in reversed([each.strip() for each in forwarded.split(",") if each.strip()]):
            address = _address(entry)
            if address is None:
                return ""
            client = str(address)
            if not self._trusted(client):
                return client
        return client

    def _trusted(self, text: str) -> bool:
        address = _address(text)
        return address is not None and any(address in network for network in self._networks)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An address as proxies write it, perhaps with a port; None where it is none."""
    bare = text.strip().strip('"')
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        found = ipaddress.ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found


def register(app: Flask, config: Config) -> None:
    """Put the middleware around the application."""
    networks = tuple(ipaddress.ip_network(each) for each in config.trusted_proxies)
    app.wsgi_app = Proxies(app.wsgi_app, networks)  # type: ignore[method-assign]
