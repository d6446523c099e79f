"""The operator's settings, read from the environment once at start and handed down as values.

Nothing below this module reads the environment. A workspace's own settings (which provider, Run SQL, history)
are not here: they live in the store and admins change them in the product.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from plugin.errors import Misconfigured

LOG_LEVELS = ("debug", "info", "warning", "error")


@dataclass(frozen=True)
class Config:
    """Everything the operator decides. `provider_env` holds the vendors' own variables, keyed by their name."""

    home: Path
    database_url: str
    master_key: str | None
    jobs_url: str
    log_level: str
    provider_env: Mapping[str, str]
    limiter_url: str = "memory://"
    trusted_proxies: tuple[str, ...] = ()
    """Networks of the proxies in front, whose word on a client's address and scheme is taken."""

    @property
    def on_sqlite(self) -> bool:
        """Is the catalog database the embedded one?"""
        return self.database_url.startswith("sqlite")


def read_config(environ: Mapping[str, str] | None = None) -> Config:
    """Read the environment (os.environ unless given), create DOCENT_HOME with mode 0700, return a Config.

    Raises Misconfigured where a variable has a value that cannot be used.
    """
    env = os.environ if environ is None else environ
    home = Path(env["DOCENT_HOME"]).expanduser() if env.get("DOCENT_HOME") else _usual_home()
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Misconfigured(f"cannot create DOCENT_HOME at {home}: {error.strerror}") from error
    level = env.get("DOCENT_LOG_LEVEL", "info").lower()
    if level not in LOG_LEVELS:
        raise Misconfigured(f"DOCENT_LOG_LEVEL is {level!r}; choose one of {', '.join(LOG_LEVELS)}")
    vendor_names = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL")
    return Config(
        home=home,
        database_url=env.get("DOCENT_DATABASE_URL") or f"sqlite:///{home / 'docent.sqlite3'}",
        master_key=env.get("DOCENT_MASTER_KEY") or None,
        jobs_url=env.get("DOCENT_JOBS_URL") or f"sqlite:///{home / 'jobs.sqlite3'}",
        log_level=level,
        provider_env={name: env[name] for name in vendor_names if env.get(name)},
        limiter_url=env.get("DOCENT_LIMITER_URL") or "memory://",
        trusted_proxies=_networks(env.get("DOCENT_TRUSTED_PROXIES", "")),
    )


def _usual_home() -> Path:
    from platformdirs import user_data_path  # with ctypes a hundredth of a start, for whoever names a home

    return user_data_path("docent")


def _networks(text: str) -> tuple[str, ...]:
    """Networks, comma separated. Misconfigured where one is none."""
    found = []
    for part in filter(None, (each.strip() for each in text.split(","))):
        try:
            found.append(str(ipaddress.ip_network(part, strict=False)))
        except ValueError as error:
            raise Misconfigured(
                f"DOCENT_TRUSTED_PROXIES holds {part!r}; write addresses or networks such as 10.0.0.5,192.168.0.0/16"
            ) from error
    return tuple(found)
