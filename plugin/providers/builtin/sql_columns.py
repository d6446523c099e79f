"""Which column of a table a phrase in a question means, by names and types alone."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from rapidfuzz import fuzz

from plugin.providers.builtin.phrases import words_of
from plugin.providers.builtin.talk import Thing

Column = Mapping[str, Any]
NUMBER = re.compile(r"int|num|dec|float|double|real|money|serial|long|short|byte", re.I)
DATE = re.compile(r"date|time", re.I)
_MONEY = {
    "revenue",
    "sale",
    "turnover",
    "spend",
    "spending",
    "cost",
    "price",
    "value",
    "amount",
    "total",
    "income",
    "sum",
    "worth",
    "money",
}
_FLOW = {"revenue", "turnover", "income", "sale", "spend", "spending"}
_MONEY_COLUMNS = (
    "total",
    "amount",
    "revenue",
    "value",
    "price",
    "cost",
    "net",
    "gross",
    "sum",
    "subtotal",
    "balance",
)
_EVENT_DATES = (
    "created",
    "signup",
    "ordered",
    "placed",
    "order",
    "date",
    "occurred",
    "event",
    "paid",
    "registered",
    "started",
    "at",
    "on",
)
_LABELS = ("name", "title", "label", "code", "sku", "description")


def label_column(thing: Thing) -> Column | None:
    """The column that names a row for a person."""
    for kept in (
        None,
        "personal",
    ):  # a person's name only where nothing else tells the rows apart; never a secret
        for wanted in _LABELS:
            for column in thing.columns:
                if (
                    words_of(str(column["name"]))[-1:] == (wanted,)
                    and (column.get("sensitivity") or None) == kept
                ):
                    return column
    return None


def column_for(thing: Thing, phrase: str, *, numeric: bool = False, loose: bool = True) -> Column | None:
    """The column that a phrase means: the same words, all of its words, money for money, or a near spelling."""
    spoken = words_of(phrase)
    if not spoken:
        return None
    own = set(words_of(thing.name))
    ranked: list[tuple[int, int, Column]] = []
    for position, column in enumerate(thing.columns):
        name = words_of(str(column["name"]))
        if numeric and (not NUMBER.search(str(column.get("type", ""))) or name[-1:] == ("id",)):
            continue  # a sum of keys answers nothing
        if numeric and _happened(spoken) and _happened(name) and not _happened(spoken) & _happened(name):
            continue  # what was billed is not what was paid
        if numeric and set(spoken) & _FLOW and "price" in name:
            continue  # what something costs is not what it brought in
        if name == spoken:
            rank = 0
        elif [word for word in name if word not in own] == [
            word for word in spoken if word not in own
        ] and set(name) - own:
            rank = 1
        elif loose and set(spoken) <= set(name) and len(name) <= len(spoken) + 2:
            rank = 3 if name[-1] != "id" else 4
        elif loose and numeric and set(spoken) & _MONEY and _money(name) is not None:
            rank = 5 + (_money(name) or 0)
            position -= len(thing.columns) * ("net" in name)  # of two amounts the one that was earned
        elif (
            len(phrase) > 4
            and fuzz.ratio(phrase.lower().replace(" ", "_"), str(column["name"]).lower()) >= 88
        ):
            rank = 2
        else:
            continue
        ranked.append((rank, position, column))
    return min(ranked, key=lambda row: row[:2])[2] if ranked else None


def _happened(words: Sequence[str]) -> set[str]:
    """The words that say what was done with an amount: billed, paid, allowed, spent."""
    return {word for word in words if re.search(r"(?:.ed|paid|spent|sold|lost|due)\Z", word)}


def _money(name: Sequence[str]) -> int | None:
    if {"discount", "tax", "fee"} & set(name):
        return len(_MONEY_COLUMNS)
    for rank, word in enumerate(_MONEY_COLUMNS):
        if word in name:
            return rank
    return None


def date_column(thing: Thing) -> Column | None:
    """The column that says when a row happened, not when it was last touched."""
    dates = [column for column in thing.columns if DATE.search(str(column.get("type", "")))]

    def rank(column: Column) -> int:
        words = words_of(str(column["name"]))
        if {"update", "updated", "modified", "synced", "deleted"} & set(words):
            return 99
        if {"birth", "birthday", "dob", "due", "expiry", "expire", "closed", "end"} & set(words):
            return 98
        return min((place for place, word in enumerate(_EVENT_DATES) if word in words), default=50)

    return min(dates, key=rank, default=None)


def split(text: object) -> list[str]:
    """Names that a key lists."""
    return [each.strip() for each in str(text or "").split(",") if each.strip()]
