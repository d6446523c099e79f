"""SQLAlchemy-style URLs of databases, read without SQLAlchemy, and never quoted in an error.

`postgresql+psycopg://user:password@host:5432/name?sslmode=require` and its relatives. The driver part after
`+` is accepted and ignored: each connector has one driver.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote

from connectors.errors import BadSettings

# The grammar that SQLAlchemy uses, so that one text means the same here and there: a password may hold '/',
# '#' and '?', which urllib would cut it at (and then not see a password at all).
_URL = re.compile(
    r"""(?P<scheme>\w+)(?:\+\w+)?://
        (?:(?P<user>[^:/]*)(?::(?P<password>[^@]*))?@)?
        (?:\[(?P<ipv6>[^/?]+)\]|(?P<host>[^/:?]+))?
        (?::(?P<port>[^/?]*))?
        (?:/(?P<path>[^?]*))?
        (?:\?(?P<options>.*))?""",
    re.VERBOSE | re.DOTALL,
)
_SECRET_OPTIONS = {"password", "passwd", "token", "motherduck_token", "access_token", "sslpassword"}


@dataclass(frozen=True, slots=True)
class SourceUrl:
    """The parts of a URL. `path` is what follows the slash after the host: a database's name, or a file."""

    scheme: str
    user: str | None
    password: str | None = field(repr=False)
    host: str | None
    port: int | None
    path: str
    options: Mapping[str, str] = field(repr=False)


def parse_url(url: str, schemes: tuple[str, ...]) -> SourceUrl:
    """The parts of `url`. Raises BadSettings (which quotes nothing of it) when it is none of `schemes`."""
    parts = _URL.fullmatch(url.strip())
    if parts is None or parts["scheme"].lower() not in schemes:
        raise BadSettings(f"the setting 'url' must start with {' or '.join(s + '://' for s in schemes)}")
    port = parts["port"]
    if port and not port.isdecimal():
        raise BadSettings("the setting 'url' has a port that is not a number")
    return SourceUrl(
        scheme=parts["scheme"].lower(),
        user=unquote(parts["user"]) if parts["user"] else None,
        password=unquote(parts["password"]) if parts["password"] else None,
        host=parts["ipv6"] or parts["host"],
        port=int(port) if port else None,
        path=unquote(parts["path"] or ""),
        options=dict(parse_qsl(parts["options"] or "", keep_blank_values=True)),
    )


def has_password(url: str) -> bool:
    """Whether a URL carries a password (or a token in its options) and so must be kept as a secret."""
    parts = _URL.fullmatch(url.strip())
    if parts is None:
        return re.search(r"://[^/]*:[^@]*@", url) is not None
    options = parse_qsl(parts["options"] or "")
    return bool(parts["password"]) or any(name.lower() in _SECRET_OPTIONS for name, _ in options)
