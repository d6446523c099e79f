"""What every command shares: the opened store, the person acting, and how results are printed."""

from __future__ import annotations

import json
import math
import os
import sys
import traceback
from collections.abc import Callable, Iterable
from dataclasses import asdict, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from plugin.access.viewer import Surface, Viewer
from plugin.cli.terminal import echo
from plugin.config import Config, read_config
from plugin.errors import BadInput

if TYPE_CHECKING:
    from plugin.store import Store

F = TypeVar("F", bound=Callable[..., Any])


class Session:
    """One run of the command line. The store is opened when a command first needs it, and closed at the end."""

    def __init__(self, *, workspace: str | None, as_email: str | None) -> None:
        self.workspace = workspace
        self.as_email = as_email
        self._config: Config | None = None
        self._store: Store | None = None

    @property
    def config(self) -> Config:
        """The operator's settings."""
        if self._config is None:
            from plugin.logs import log_as_json

            self._config = read_config()
            log_as_json(self._config.log_level)
        return self._config

    @property
    def store(self) -> Store:
        """The opened store. Raises Misconfigured where the database or the master key is not usable."""
        if self._store is None:
            from plugin.store import open_store

            self._store = open_store(self.config)
        return self._store

    def viewer(self) -> Viewer:
        """The member that this command acts as. Raises NotFound or BadInput where that is not one clear person."""
        with self.store.sign_in() as door:
            return door.viewer_for_email(self.workspace, self.as_email, Surface.CLI)

    def close(self) -> None:
        """Close what was opened."""
        if self._store is not None:
            self._store.close()


def command_options(function: F) -> F:
    """Let `--workspace` and `--as` stand behind the command too, where people type them."""

    def keep(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
        if value is not None:
            session = ctx.find_object(Session)
            assert session is not None
            setattr(session, "workspace" if param.name == "workspace" else "as_email", value)
        return value

    function = click.option(
        "--workspace", metavar="SLUG", expose_value=False, callback=keep, help="The workspace."
    )(function)
    return click.option(
        "--as", "as_email", metavar="EMAIL", expose_value=False, callback=keep, help="The member to act as."
    )(function)


json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON on stdout and nothing else there."
)


def plain(value: Any) -> Any:
    """Turn our frozen values into what JSON knows; times become ISO 8601."""
    if is_dataclass(value) and not isinstance(value, type):
        return {key: plain(each) for key, each in asdict(value).items()}
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        # JSON has no number for these; the names are those that JavaScript and PostgreSQL give them.
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, str | int | float | bool) or value is None:
        return value
    return str(value)


def print_json(value: Any) -> None:
    """One JSON document on one line of stdout."""
    echo(json.dumps(plain(value), ensure_ascii=False))


def print_lines(values: Iterable[Any]) -> None:
    """JSONL: one object a line, flushed as they come."""
    for value in values:
        sys.stdout.write(json.dumps(plain(value), ensure_ascii=False) + "\n")
    sys.stdout.flush()


def stdin_text() -> str:
    """All of stdin as text. Raises BadInput where it is not UTF-8, whatever the locale says."""
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput("what came on stdin is not UTF-8 text") from error


def say(text: str) -> None:
    """Words for the person, on stderr."""
    echo(text, err=True)


def read_secret(name: str, source: str) -> str:
    """A secret from `env:VAR` or, for `-`, one line of stdin. Raises BadInput for a secret given in argv."""
    if source.startswith("env:"):
        value = os.environ.get(source[4:])
        if value is None:
            raise BadInput(f"the environment has no variable {source[4:]} for {name}", field=name)
        return value
    if source == "-":
        value = sys.stdin.readline().rstrip("\n")
        if not value:
            raise BadInput(f"nothing came on stdin for {name}", field=name)
        return value
    raise BadInput(
        f"a secret on the command line can be seen by others: use {name}=env:VAR or {name}=-", field=name
    )


def pairs(items: Iterable[str], option: str) -> dict[str, str]:
    """`key=value` items as a dict. Raises BadInput naming an item that is none."""
    found: dict[str, str] = {}
    for item in items:
        key, sign, value = item.partition("=")
        if not sign or not key:
            raise BadInput(f"{option} takes key=value, not {item.partition('=')[0]!r}")
        found[key] = value
    return found


def where(error: BaseException) -> str:
    """File and line of an error's last frame, without any text of the error itself."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "unknown place"
