"""Cells of a CSV that comes back from a spreadsheet as it went there.

A spreadsheet runs what looks like a formula, and what looks like a number, a date, a time or a truth it turns into one
and writes in its own way: `007` comes back as 7, `1/2` as 01/02/2026, `true` as TRUE. Such a cell goes out behind an
apostrophe, which spreadsheets leave where it is, and which is taken off again. A list stands with "; " between.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from plugin.json_text import read_json

FORMULA = ("=", "+", "-", "@", "\t", "\r")
LONGEST_VALUE = 60
"""Characters: no number or date is written with more."""
AROUND = re.compile(r"[\d\s.,:/+()%$€£¥°½¼¾\u2019'-]*")
WORD = re.compile(r"[^\W\d_]+")
MONTHS = frozenset(
    "jan fev fév feb mar mär mrt apr avr abr may mai maj mag mei jun jui giu jul lug aug aou aoû ago sep set oct okt "
    "ott out nov dec dez déc dic gen ene mon tue wed thu fri sat sun die mit don sam fre son lun mer jeu ven".split()
)
TIMES = frozenset({"e", "am", "pm", "t", "z", "uhr", "h"})
TRUTHS = frozenset(
    "true false wahr falsch vrai faux verdadero falso vero waar onwaar sant sann falskt".split()
)


def guarded(text: str) -> str:
    """The text as a cell that no spreadsheet turns into anything else."""
    return f"'{text}" if _is_turned(text) else text


def unguarded(cell: str) -> str:
    """The text of such a cell. `unguarded(guarded(text)) == text` for every text."""
    return cell[1:] if cell[:1] == "'" and _is_turned(cell[1:]) else cell


def _is_turned(text: str) -> bool:
    core = text.lstrip("'")  # so that an apostrophe which stood there before is told from ours
    if core.startswith(FORMULA):
        return True
    if len(core) > LONGEST_VALUE:
        return False
    if core.strip().casefold() in TRUTHS:
        return True
    if not any(char.isdigit() for char in core) or not AROUND.fullmatch(WORD.sub("", core)):
        return False
    words = (word.casefold() for word in WORD.findall(core))
    return all(word in TIMES or word[:3] in MONTHS for word in words)


def list_cell(items: Sequence[str]) -> str:
    """Several texts in one cell: with "; " between, or as JSON has a list where one of them would be torn by that."""
    if any(";" in each or each != each.strip() or each.startswith("[") for each in items):
        from json import dumps

        return dumps(list(items), ensure_ascii=False)
    return "; ".join(items)


def list_of_cell(cell: str) -> list[str]:
    """The texts of such a cell."""
    if cell.lstrip().startswith("["):
        try:
            found = read_json(cell, to_keep=True)
        except ValueError:
            found = None  # a name may begin with a bracket
        if isinstance(found, list) and all(isinstance(each, str) for each in found):
            return found
    return [part.strip() for part in cell.split(";") if part.strip()]
