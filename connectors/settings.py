"""Settings of a connector: a frozen dataclass made with `setting(...)`, read from text.

A connector writes

    @dataclass(frozen=True, slots=True)
    class Settings:
        host: str = setting("Host", "Name or address of the server", default="localhost")
        password: str | None = setting("Password", secret=True, default=None)

and the admin form, `docent integration add` and the documentation follow from `fields_of`. What enters from
outside is always text; `parse_settings` turns it into the dataclass or raises BadSettings naming the field.
A secret is never part of the class's `repr`, and no error text holds a value of one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeVar

from connectors.errors import BadSettings
from connectors.urls import has_password

FieldKind = Literal["text", "int", "bool", "list", "secret"]
S = TypeVar("S")

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off", ""}


@dataclasses.dataclass(frozen=True, slots=True)
class SettingField:
    """One input of a connector's form. `default` is text as a person would type it, "" for none."""

    name: str
    title: str
    help: str
    required: bool
    secret: bool
    default: str
    choices: tuple[str, ...]
    kind: FieldKind


def setting(
    title: str,
    help: str = "",
    *,
    default: Any = dataclasses.MISSING,
    secret: bool = False,
    may_hold_secret: bool = False,
    choices: Sequence[str] = (),
    kind: FieldKind = "text",
) -> Any:
    """A dataclass field that a person fills in; without `default` it is required.

    `secret` fields come from the secrets and stay out of `repr`. `may_hold_secret` is for a field such as a
    URL, which may come from either side and stays out of `repr` too.
    """
    facts = {
        "title": title,
        "help": help,
        "secret": secret,
        "either": may_hold_secret,
        "choices": tuple(choices),
        "kind": "secret" if secret else kind,
    }
    return dataclasses.field(default=default, repr=not (secret or may_hold_secret), metadata=facts)


def fields_of(cls: Any) -> tuple[SettingField, ...]:
    """The form of a connector class (or of its settings class), in order."""
    made = getattr(cls, "settings", cls)
    return tuple(_form_field(field) for field in dataclasses.fields(made) if "title" in field.metadata)


def _form_field(field: dataclasses.Field[Any]) -> SettingField:
    facts = field.metadata
    required = field.default is dataclasses.MISSING
    return SettingField(
        name=field.name,
        title=facts["title"],
        help=facts["help"],
        required=required,
        secret=facts["secret"],
        default="" if required else _as_text(field.default),
        choices=facts["choices"],
        kind=facts["kind"],
    )


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ", ".join(value)
    return str(value)


def apart(cls: Any, given: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """(settings, secrets) of a credential that was kept as one mapping; an address is a secret where it holds one."""
    secret = {field.name for field in fields_of(cls) if field.secret}
    secret |= {name for name, text in given.items() if name == "url" and has_password(text)}
    return (
        {name: text for name, text in given.items() if name not in secret},
        {name: text for name, text in given.items() if name in secret},
    )


def parse_settings(cls: type[S], settings: Mapping[str, str], secrets: Mapping[str, str]) -> S:
    """The settings dataclass from text. Empty text counts as not given.

    Raises BadSettings for an unknown name, a missing required field, a secret that came among the plain
    settings, a value of the wrong kind or not among the choices.
    """
    known = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    for name in (*settings, *secrets):
        if name not in known:
            raise BadSettings(f"there is no setting {name!r}; there are {', '.join(known)}")
    values: dict[str, Any] = {}
    for name, field in known.items():
        text = _given(name, field, settings, secrets)
        if text:
            values[name] = _value(name, text, field)
        elif field.default is dataclasses.MISSING:
            raise BadSettings(f"the setting {name!r} is required")
    return cls(**values)


def _given(
    name: str, field: dataclasses.Field[Any], settings: Mapping[str, str], secrets: Mapping[str, str]
) -> str:
    if field.metadata["secret"] and settings.get(name):
        raise BadSettings(f"the setting {name!r} is a secret and must be given as one")
    if name in secrets and not (field.metadata["secret"] or field.metadata["either"]):
        raise BadSettings(f"the setting {name!r} is not a secret; give it among the settings")
    if field.metadata["either"] and not secrets.get(name) and has_password(settings.get(name, "")):
        raise BadSettings(f"the setting {name!r} holds a password, so it must be given as a secret")
    return secrets.get(name) or settings.get(name) or ""


def _value(name: str, text: str, field: dataclasses.Field[Any]) -> Any:
    kind = field.metadata["kind"]
    if kind == "int":
        try:
            return int(text)
        except ValueError:
            raise BadSettings(f"the setting {name!r} must be a whole number") from None
    if kind == "bool":
        if text.strip().lower() not in _TRUE | _FALSE:
            raise BadSettings(f"the setting {name!r} must be true or false")
        return text.strip().lower() in _TRUE
    if kind == "list":
        return tuple(part.strip() for part in text.replace("\n", ",").split(",") if part.strip())
    choices = field.metadata["choices"]
    if choices and text not in choices:
        raise BadSettings(f"the setting {name!r} must be one of {', '.join(choices)}")
    return text
