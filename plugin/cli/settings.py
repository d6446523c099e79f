"""`docent settings`: the workspace's settings as the settings pages have them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from plugin.cli.session import (
    Session,
    command_options,
    json_option,
    plain,
    print_json,
    read_secret,
    say,
    stdin_text,
)
from plugin.cli.terminal import echo
from plugin.errors import BadInput
from plugin.json_text import read_json

SECRET_KEYS = {
    "ai.key.openai": "openai",
    "ai.key.anthropic": "anthropic",
    "ai.key.openai_compatible": "openai_compatible",
}


@click.command()
@command_options
@json_option
@click.argument("key", required=False)
@click.argument("value", required=False)
@click.pass_obj
def settings(session: Session, key: str | None, value: str | None, as_json: bool) -> None:
    """List, read or set settings; `export` prints them as one file, `apply FILE` sets what a file says.

    A provider's key is set with `docent settings ai.key.openai env:VAR` (or `-` for stdin) and is never printed.
    """
    viewer = session.viewer()
    if key == "export":
        with session.store.as_admin(viewer) as admin:
            echo(json.dumps(plain(admin.settings.export()), indent=2, ensure_ascii=False))
        return
    if key == "apply":
        if value is None:
            raise click.UsageError("apply takes a FILE")
        with session.store.as_admin(viewer) as admin:
            changed = admin.settings.apply(_read(value))
        if as_json:
            print_json({"changed": changed})
        else:
            say(f"Applied {value}.")
        return
    if key in SECRET_KEYS:
        _provider_key(session, key, value, as_json)
        return
    with session.store.as_admin(viewer) as admin:
        if key is None:
            found = admin.settings.all()
        elif value is None:
            found = (admin.settings.get(key),)
        else:
            admin.settings.set(key, _value(value))
            found = (admin.settings.get(key),)
    if as_json:
        print_json({each.key: each.value for each in found} if key is None else plain(found[0]))
    else:
        for each in found:
            shown = each.value if isinstance(each.value, str) else json.dumps(plain(each.value))
            echo(f"{each.key} = {shown}" if key is None or value is not None else shown)


def _provider_key(session: Session, key: str, source: str | None, as_json: bool) -> None:
    """Set a provider's key, or say since when there is one. The key itself is never printed."""
    provider = SECRET_KEYS[key]
    secret = read_secret(key, source) if source is not None else None
    with session.store.as_admin(session.viewer()) as admin:
        if secret is not None:
            admin.settings.set_provider_key(provider, secret)
        since = admin.settings.provider_keys()[provider]
    if as_json:
        print_json({"key": key, "set": since is not None, "changed_at": since})
    elif secret is not None:
        say(f"The key for {provider} is set. It will not be shown again.")
    else:
        echo(f"set at {since:%Y-%m-%d %H:%M} UTC" if since is not None else "not set")


def _value(text: str) -> Any:
    """`on`, `off`, numbers and JSON as what they say; anything else as text."""
    if text.lower() in ("true", "on", "yes"):
        return True
    if text.lower() in ("false", "no"):
        return False
    try:
        return read_json(text)
    except ValueError:
        return text


def _read(path: str) -> dict[str, Any]:
    """The settings file as a dict. Raises BadInput where it cannot be read or is no JSON object."""
    try:
        text = stdin_text() if path == "-" else Path(path).read_text("utf-8")
        found = read_json(text)
    except OSError as error:
        raise BadInput(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise BadInput(f"{path} is not JSON; nothing was changed") from error
    if not isinstance(found, dict):
        raise BadInput(f"{path} must hold one JSON object; nothing was changed")
    return found
