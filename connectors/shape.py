"""What a vendor's answer made must be a record: every field of the type that it says, or an error that names the field.

Enters: the records of an `extract()`. Leaves: the same, or SourceInterrupted where a vendor told a number for a name, a
list for an object, or anything else that its documentation does not say. Databases need none of it: their drivers type.

JSON can say what no database keeps: NUL, which PostgreSQL has in no text, and half of a surrogate pair, which is no
UTF-8. Both become U+FFFD, since one such description must not end a sync.
"""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
from collections.abc import Callable, Generator, Iterator, Mapping
from datetime import datetime
from typing import Any

from connectors.errors import SourceInterrupted
from connectors.http import MISREAD
from connectors.records import Progress, Record, Unread

Extract = Callable[[Any], Iterator[Record]]
_Check = Callable[[Any], bool]


def well_formed(extract: Extract) -> Extract:
    """Over the method `extract` of a connector that speaks HTTP."""

    @functools.wraps(extract)
    def checked(self: Any) -> Generator[Record, None, None]:
        found = typing.cast(Generator[Record, None, None], extract(self))
        try:
            for record in found:
                if not isinstance(record, (Progress, Unread)) and _wrong(record):
                    record = _kept(record)
                    wrong = _wrong(record)
                    if not wrong:
                        yield record
                        continue
                    raise SourceInterrupted(
                        f"{self.title} told {wrong} of {_called(record)} as something else than its "
                        "documentation says"
                    )
                yield record
        except MISREAD as error:
            raise SourceInterrupted(
                f"{self.title} answered in a form that this connector does not know; report its version with this text"
            ) from error
        finally:
            found.close()

    return checked


def _wrong(record: Any) -> str | None:
    """The first field that is not what it says, or a name that is empty."""
    kind: Any = type(record)
    for name, fits in _fields(kind):
        value = getattr(record, name)
        if not fits(value) or (name == "name" and not value):
            return name
    return None


def _called(record: Any) -> str:
    key = getattr(record, "key", None)
    return f"{type(record).__name__.lower()}{f' {key}' if isinstance(key, str) else ''}"


def _kept(told: Any) -> Any:
    """The same with texts that can be stored."""
    if isinstance(told, str):
        return told.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "\ufffd")
    if dataclasses.is_dataclass(told) and not isinstance(told, type):
        return dataclasses.replace(
            told, **{each.name: _kept(getattr(told, each.name)) for each in dataclasses.fields(told)}
        )
    if isinstance(told, tuple):
        each = map(_kept, told)
        return type(told)(*each) if hasattr(told, "_fields") else tuple(each)
    if isinstance(told, Mapping):
        return {_kept(name): _kept(each) for name, each in told.items()}
    return told


def _is_storable(text: Any) -> bool:
    if type(text) is not str or "\0" in text:
        return False
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


@functools.cache
def _fields(kind: Any) -> tuple[tuple[str, _Check], ...]:
    hints = typing.get_type_hints(kind)
    return tuple((each.name, _check(hints[each.name])) for each in dataclasses.fields(kind))


def _check(hint: Any) -> _Check:
    """A test for one type of those that records are made of."""
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return lambda value: isinstance(value, str) and value in parts
    if origin in (typing.Union, types.UnionType):
        several = [_check(part) for part in parts]
        return lambda value: any(each(value) for each in several)
    if origin is tuple:
        member = _check(parts[0])
        return lambda value: isinstance(value, tuple) and all(map(member, value))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        key, held = _check(parts[0]), _check(parts[1])
        return lambda value: (
            isinstance(value, Mapping) and all(key(name) and held(each) for name, each in value.items())
        )
    if dataclasses.is_dataclass(hint):
        return lambda value: isinstance(value, typing.cast(type, hint)) and _wrong(value) is None
    if isinstance(hint, type) and issubclass(hint, tuple) and hasattr(hint, "_fields"):
        each = [_check(part) for part in typing.get_type_hints(hint).values()]
        return lambda value: (
            type(value) is hint and all(fits(part) for fits, part in zip(each, value, strict=True))
        )
    if hint is datetime:
        return lambda value: isinstance(value, datetime) and value.tzinfo is not None
    if hint is str:
        return _is_storable
    if hint is float:
        return lambda value: type(value) in (int, float)
    return lambda value: value is None if hint is type(None) else type(value) is hint
