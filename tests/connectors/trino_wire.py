"""How Trino's client protocol writes the type of a column: `type` for people, `typeSignature` for its clients.

As https://trino.io/docs/current/develop/client-protocol.html and the answers that Trino's own Python client takes: a
varchar without a length has the largest one as its argument.
"""

from __future__ import annotations

import re
from typing import Any

UNBOUNDED = 2_147_483_647


def column(name: str, kind: str) -> dict[str, Any]:
    """One of `columns` of an answer, of a type as SQL writes it: varchar, decimal(10,1), array(row(x bigint))."""
    return {"name": name, "type": kind, "typeSignature": signature(kind)}


def signature(kind: str) -> dict[str, Any]:
    """A type taken apart: lengths as numbers, the types inside as signatures, fields of a row with their names."""
    found = re.fullmatch(r"([a-z_ ]+?)\s*(?:\((.*)\)(.*))?", kind.strip())
    assert found, kind
    raw, inside = found[1] + (found[3] or ""), _parts(found[2] or "")
    if raw == "varchar" and not inside:
        inside = [str(UNBOUNDED)]
    return {"rawType": raw, "arguments": [_argument(raw, part) for part in inside]}


def _argument(raw: str, part: str) -> dict[str, Any]:
    if part.isdigit():
        return {"kind": "LONG", "value": int(part)}
    if raw != "row":
        return {"kind": "TYPE", "value": signature(part)}
    name, _, kind = part.rpartition(" ") if "(" not in part else part.partition(" ")
    field = {"fieldName": {"name": name.strip('"')} if name else None, "typeSignature": signature(kind)}
    return {"kind": "NAMED_TYPE", "value": field}


def _parts(text: str) -> list[str]:
    """What commas that stand in no parentheses divide."""
    found, depth = [""], 0
    for letter in text:
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if letter == "," and not depth:
            found.append("")
        else:
            found[-1] += letter
    return [part.strip() for part in found if part.strip()]


def kind_of(values: list[Any]) -> str:
    """The type of a column that has these values."""
    known = next((value for value in values if value is not None), "")
    return "boolean" if isinstance(known, bool) else "bigint" if isinstance(known, int) else "varchar"
