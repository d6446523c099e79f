"""The settings that every database server shares, and where they lead: one `Server` from a URL or from parts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from connectors.errors import BadSettings
from connectors.settings import setting
from connectors.urls import parse_url

SSL_MODES = ("disable", "prefer", "require", "verify-ca", "verify-full")
# Options of a URL that we take over, by the setting they stand for, and those that say nothing to us.
_URL_OPTIONS = {
    "sslmode": "ssl_mode",
    "sslrootcert": "ssl_ca",
    "ssl_ca": "ssl_ca",
    "sslcert": "ssl_cert",
    "ssl_cert": "ssl_cert",
    "sslkey": "ssl_key",
    "ssl_key": "ssl_key",
    "connect_timeout": "connect_timeout",
    "host": "host",
    "unix_socket": "host",
    "user": "user",
    "password": "password",
}
_URL_IGNORED = {"application_name", "charset", "use_unicode", "client_encoding"}


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """How to reach a database server, and what of it to read."""

    url: str = setting(
        "URL",
        "For example postgresql://user@host:5432/name; with a password in it, give it as a secret",
        default="",
        may_hold_secret=True,
    )
    host: str = setting("Host", "Name or address of the server (or the folder of its socket)", default="")
    port: int | None = setting("Port", "Empty means the engine's usual port", default=None, kind="int")
    user: str = setting("User", "The role made with the grant script", default="")
    password: str | None = setting(
        "Password", "Stored encrypted and never shown again", default=None, secret=True
    )
    database: str = setting("Database", "Name of the database", default="")
    schemas: tuple[str, ...] = setting(
        "Only these schemas", "Names or patterns such as sales, stage_*, raw.ev_*", default=(), kind="list"
    )
    exclude: tuple[str, ...] = setting(
        "Leave out", "Schemas (tmp_*) or tables (*.old_*, sales.scratch)", default=(), kind="list"
    )
    ssl_mode: str = setting(
        "TLS", "verify-full checks the certificate and the name", default="prefer", choices=SSL_MODES
    )
    ssl_ca: str = setting("CA certificate", "Path of a PEM file", default="")
    ssl_cert: str = setting("Client certificate", "Path of a PEM file", default="")
    ssl_key: str = setting("Client key", "Path of a PEM file", default="")
    connect_timeout: int = setting("Connect timeout", "Seconds", default=10, kind="int")


@dataclass(frozen=True, slots=True)
class Server:
    """One place to connect to. `place` is how errors name it, `engine` what they call the server."""

    host: str
    port: int
    user: str
    password: str | None = field(repr=False)
    database: str
    ssl_mode: str
    ssl_ca: str
    ssl_cert: str
    ssl_key: str
    connect_timeout: int
    engine: str = "PostgreSQL"

    @property
    def place(self) -> str:
        """Host and port, as an error names them."""
        return self.host if self.host.startswith("/") else f"{self.host}:{self.port}"


def server_of(settings: ServerSettings, schemes: tuple[str, ...], default_port: int) -> Server:
    """Where `settings` lead. What stands in the URL wins over the single fields. Raises BadSettings."""
    found: dict[str, Any] = {
        name: getattr(settings, name)
        for name in (
            "host",
            "port",
            "user",
            "password",
            "database",
            "ssl_mode",
            "ssl_ca",
            "ssl_cert",
            "ssl_key",
        )
    }
    found["connect_timeout"] = settings.connect_timeout
    if settings.url:
        url = parse_url(settings.url, schemes)
        for name, value in url.options.items():
            if name in _URL_OPTIONS:
                found[_URL_OPTIONS[name]] = value
            elif name not in _URL_IGNORED:
                raise BadSettings(f"the setting 'url' has the option {name!r}, which is not supported")
        for name, given in (
            ("host", url.host),
            ("port", url.port),
            ("user", url.user),
            ("password", url.password),
            ("database", url.path),
        ):
            if given:
                found[name] = given
    if found["ssl_mode"] not in SSL_MODES:
        raise BadSettings(f"the setting 'ssl_mode' must be one of {', '.join(SSL_MODES)}")
    try:
        found["connect_timeout"] = max(1, int(found["connect_timeout"]))
    except ValueError:
        raise BadSettings("the setting 'connect_timeout' must be a whole number of seconds") from None
    found["host"] = found["host"] or "localhost"
    found["port"] = found["port"] or default_port
    if not 0 < found["port"] < 65536:
        raise BadSettings("the setting 'port' must be between 1 and 65535")
    return Server(**found)
