"""What a GraphQL server does with a selection, for the servers of these tests: an answer holds the members that were asked
for and no others, and what the schema does not have is an error, as with the vendors.

Read are the parts that connectors use: fields with arguments, aliases, inline fragments. `__typename` of an object says
which fragments are its own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|\.\.\.|[{}()\[\]:,!$=@|]|[\w.-]+')


class NoSuchField(Exception):
    """The schema does not have what was asked for."""


class Selection:
    """The fields of one level: name -> (alias, selection below), and the fragments on a type."""

    def __init__(self) -> None:
        self.fields: list[tuple[str, str, Selection | None]] = []
        self.fragments: list[tuple[str, Selection]] = []


def read(query: str) -> Selection:
    """The selection of the one operation in `query`."""
    tokens = TOKEN.findall(re.sub(r"#[^\n]*", "", query))
    at = tokens.index("{")
    depth = 0
    for place, token in enumerate(tokens):  # not the brackets of variables' default values
        depth += (token == "(") - (token == ")")
        if token == "{" and not depth:
            at = place
            break
    return _level(tokens, at + 1)[0]


def _level(tokens: list[str], at: int) -> tuple[Selection, int]:
    found = Selection()
    while tokens[at] != "}":
        if tokens[at] == "...":
            assert tokens[at + 1] == "on", "a named fragment"
            below, end = _level(tokens, at + 4)
            found.fragments.append((tokens[at + 2], below))
            at = end
            continue
        if tokens[at] == ",":
            at += 1
            continue
        alias = name = tokens[at]
        at += 1
        if tokens[at] == ":":
            name, at = tokens[at + 1], at + 2
        if tokens[at] == "(":
            depth = 1
            while depth:
                at += 1
                depth += (tokens[at] == "(") - (tokens[at] == ")")
            at += 1
        below_field: Selection | None = None
        if tokens[at] == "{":
            below_field, at = _level(tokens, at + 1)
        found.fields.append((alias, name, below_field))
    return found, at + 1


def chosen(
    value: Any, selection: Selection, types: Mapping[str, set[str]], implements: Mapping[str, set[str]]
) -> Any:
    """What of `value` was asked for. An object with a `__typename` has what `types` says of it; one that is left out is
    null. NoSuchField where a field is not in `types`; an object without a type is not judged."""
    if isinstance(value, list):
        return [chosen(each, selection, types, implements) for each in value]
    if not isinstance(value, dict):
        return value
    kind = value.get("__typename")
    made: dict[str, Any] = {}
    for alias, name, below in selection.fields:
        if kind in types and name not in types[kind] and name != "__typename":
            raise NoSuchField(f"Cannot query field '{name}' on type '{kind}'.")
        inner = value.get(name)
        if isinstance(inner, dict | list) and below is None and not _plain(inner):
            raise NoSuchField(f"Field '{name}' must have a selection of subfields.")
        made[alias] = chosen(inner, below, types, implements) if below else inner
    for on, below in selection.fragments:
        if on == kind or kind in implements.get(on, ()):
            made |= chosen(value, below, types, implements)
    return made


def _plain(value: Any) -> bool:
    return isinstance(value, list) and not any(isinstance(each, dict | list) for each in value)


def arguments(query: str, variables: Mapping[str, Any], field: str) -> dict[str, Any]:
    """The arguments of the first field of this name: a variable stands for its value wherever it stands."""
    tokens = TOKEN.findall(re.sub(r"#[^\n]*", "", query))
    at = next(n for n, token in enumerate(tokens) if token == field and tokens[n + 1] == "(")
    found, _ = _object(tokens, at + 2, ")", variables)
    return found


def _object(tokens: list[str], at: int, end: str, variables: Mapping[str, Any]) -> tuple[dict[str, Any], int]:
    made: dict[str, Any] = {}
    while tokens[at] != end:
        if tokens[at] == ",":
            at += 1
            continue
        assert tokens[at + 1] == ":", "a name, a colon and a value"
        made[tokens[at]], at = _value(tokens, at + 2, variables)
    return made, at + 1


def _value(tokens: list[str], at: int, variables: Mapping[str, Any]) -> tuple[Any, int]:
    token = tokens[at]
    if token == "$":
        return variables.get(tokens[at + 1]), at + 2
    if token == "{":
        return _object(tokens, at + 1, "}", variables)
    if token == "[":
        listed: list[Any] = []
        at += 1
        while tokens[at] != "]":
            if tokens[at] == ",":
                at += 1
                continue
            value, at = _value(tokens, at, variables)
            listed.append(value)
        return listed, at + 1
    if token[0] == '"' or token in ("true", "false", "null") or token.lstrip("-").isdigit():
        return json.loads(token), at + 1
    return token, at + 1  # of an enumeration
