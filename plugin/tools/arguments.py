"""A tool's signature as a JSON schema, and the check of what a model sent against it.

The check is to the letter: an unknown name, a missing one, a wrong type or a value outside the choices is a BadInput
with one short sentence that a model can act on. Texts are cut at `LONGEST` and stripped of what cannot be seen.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from plugin.errors import BadInput

LONGEST = 20_000
MOST = 50

_NAMES = {str: "string", int: "integer", float: "number", bool: "boolean"}


def schema_of(function: Callable[..., Any]) -> dict[str, Any]:
    """The JSON schema of every parameter but the first. Raises TypeError for a type that has no schema here."""
    # The first parameter's annotation is for type checkers only and may name a module that is not imported here.
    parameters = list(inspect.signature(function).parameters.values())[1:]
    hints = get_type_hints(_without_first(function), include_extras=True)
    properties: dict[str, Any] = {}
    required: list[str] = []
    for parameter in parameters:
        properties[parameter.name] = _schema(hints[parameter.name])
        if parameter.default is inspect.Parameter.empty:
            required.append(parameter.name)
        elif parameter.default is not None and parameter.default != ():
            properties[parameter.name]["default"] = parameter.default
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def check_arguments(schema: Mapping[str, Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments, checked; BadInput names the first one that does not fit."""
    if not isinstance(arguments, Mapping):
        raise BadInput("The arguments of a tool are a JSON object.")
    properties = schema["properties"]
    for name in arguments:
        if name not in properties:
            known = ", ".join(properties)
            raise BadInput(
                f"There is no argument {str(name)[:60]!r}; the arguments are: {known}.", field=str(name)[:60]
            )
    for name in schema["required"]:
        if arguments.get(name) is None:
            raise BadInput(f"The argument {name!r} is missing.", field=name)
    return {
        name: _checked(name, properties[name], value)
        for name, value in arguments.items()
        if value is not None
    }


def _without_first(function: Callable[..., Any]) -> Any:
    first = next(iter(inspect.signature(function).parameters))
    kept = {name: hint for name, hint in function.__annotations__.items() if name not in (first, "return")}
    bare = types.SimpleNamespace(__annotations__=kept, __globals__=getattr(function, "__globals__", {}))
    return bare


def _schema(hint: Any) -> dict[str, Any]:
    origin = get_origin(hint)
    if origin is Annotated:
        inner, *notes = get_args(hint)
        return {**_schema(inner), "description": " ".join(str(note) for note in notes)}
    if origin in (Union, types.UnionType):
        kept = [each for each in get_args(hint) if each is not type(None)]
        if len(kept) == 1:
            return _schema(kept[0])
    if origin is Literal:
        return {"type": "string", "enum": list(get_args(hint))}
    if origin in (list, tuple):
        return {"type": "array", "items": _schema(get_args(hint)[0]), "maxItems": MOST}
    if hint in _NAMES:
        return {"type": _NAMES[hint]}
    raise TypeError(f"a tool's parameter cannot be of type {hint!r}")


def _checked(name: str, schema: Mapping[str, Any], value: Any) -> Any:
    expected = schema["type"]
    if expected == "string":
        if not isinstance(value, str):
            raise BadInput(f"The argument {name!r} must be text.", field=name)
        text = visible(value)[:LONGEST]
        if "enum" in schema and text not in schema["enum"]:
            raise BadInput(f"The argument {name!r} must be one of: {', '.join(schema['enum'])}.", field=name)
        return text
    if expected == "boolean":
        if not isinstance(value, bool):
            raise BadInput(f"The argument {name!r} must be true or false.", field=name)
        return value
    if expected == "array":
        if not isinstance(value, list | tuple) or len(value) > MOST:
            raise BadInput(f"The argument {name!r} must be a list of at most {MOST}.", field=name)
        return [_checked(name, schema["items"], each) for each in value]
    number = int if expected == "integer" else (int, float)
    if isinstance(value, bool) or not isinstance(value, number):
        raise BadInput(f"The argument {name!r} must be a number.", field=name)
    return value


_KEPT_CONTROLS = frozenset("\n\t")
_UNSEEN = frozenset(
    [
        *range(0x00, 0x20),
        *range(0x7F, 0xA0),
        0xAD,
        0x61C,
        0x180E,
        *range(0x200B, 0x2010),
        *range(0x202A, 0x202F),
    ]
    + [*range(0x2060, 0x2070), 0xFEFF, *range(0xFFF9, 0xFFFC), *range(0xE0000, 0xE0080)]
)


def visible(text: str) -> str:
    """The text without control, zero-width, direction and tag characters: what a person sees is what is meant."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(each for each in text if each in _KEPT_CONTROLS or ord(each) not in _UNSEEN)
