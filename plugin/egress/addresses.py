"""Where a request may go: the host, the scheme and, after resolution, the very addresses (promises P17, P18).

A base URL is https, or plain http to this machine or to a host that the admin has listed as internal. A name that
resolves to a private, link-local or otherwise special address is refused unless the host is listed; every address that
the name gives is looked at, and the connection is made to one of those, so a second resolution cannot change it.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

from plugin.errors import Misconfigured, ProviderFailed, Refused

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Destination:
    """One host that may be reached for one request. `trusted`: this machine or a listed internal host."""

    scheme: str
    host: str
    port: int
    trusted: bool
    loopback: bool = False


def destination(base_url: str, internal_hosts: Collection[str]) -> Destination:
    """Read a base URL. Raises Misconfigured or Refused where nothing may be sent there."""
    try:
        parts = urlsplit(base_url)
        host, port = (parts.hostname or "").rstrip(".").lower(), parts.port
    except ValueError as error:
        raise Misconfigured(
            "The provider's base URL is not a URL; an admin can correct it in AI settings."
        ) from error
    if parts.scheme not in ("https", "http") or not host:
        raise Misconfigured(
            "The provider's base URL must begin with https://; an admin can correct it in AI settings."
        )
    if parts.username or parts.password:
        raise Misconfigured(
            "The provider's base URL must not hold a user or a password; set the key in AI settings."
        )
    loopback = is_loopback(host)
    listed = {entry.strip().lower().strip("[]") for entry in internal_hosts}
    trusted = loopback or host in listed or (port is not None and f"{host}:{port}" in listed)
    if parts.scheme == "http" and not trusted:
        raise Refused(
            f"Plain http goes only to this machine or to hosts that an admin has listed as internal, not {host}.",
            rule="egress.tls",
            who="an admin",
        )
    return Destination(
        parts.scheme, host, port or (443 if parts.scheme == "https" else 80), trusted, loopback
    )


def is_loopback(host: str) -> bool:
    """Does this name or address mean this machine?"""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def resolve(target: Destination) -> tuple[str, ...]:
    """The addresses to connect to, every one of them checked. Raises Refused or ProviderFailed."""
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ProviderFailed(f"The name {target.host} cannot be resolved, so nothing was sent.") from error
    addresses = tuple(dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found))
    if not addresses:
        raise ProviderFailed(f"The name {target.host} has no address, so nothing was sent.")
    for text in addresses:
        address = ipaddress.ip_address(text)
        if target.loopback and not address.is_loopback:
            raise Refused(
                f"{target.host} does not lead to this machine, so nothing was sent.", rule="egress.address"
            )
        if not target.trusted and not is_public(address):
            raise Refused(
                f"{target.host} leads to a private or special address, so nothing was sent. "
                "An admin can list the host as internal.",
                rule="egress.address",
                who="an admin",
            )
    return addresses


def is_public(address: Address) -> bool:
    """An ordinary address of the public network, also where it is wrapped in another form."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is not None:
            return is_public(inner)
        if address in _NAT64:
            return is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        if address in _OLD_COMPATIBLE:
            return False
    return address.is_global and not (
        address.is_multicast
        or address.is_reserved
        or address.is_link_local
        or address.is_loopback
        or address.is_unspecified
    )


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_OLD_COMPATIBLE = ipaddress.IPv6Network("::/96")
