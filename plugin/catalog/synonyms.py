"""Words that people and catalogs use for one thing: a question about films finds the table `movie`.

Enters: the stem of a word. Leaves: the stems of words with nearly the same meaning. General words of English and of
the trades that data is kept in; what a company calls its own things is in its glossary.
"""

from __future__ import annotations

from collections import defaultdict

from plugin.catalog.words import stem

GROUPS = (
    "film movie", "customer client buyer purchaser", "employee staff worker personnel", "purchase order buy",
    "revenue sales income earnings turnover", "country nation", "city town municipality", "car vehicle automobile",
    "doctor physician", "patient person", "product item good merchandise", "store shop outlet", "student pupil",
    "teacher instructor", "company firm corporation business", "school institution", "flight airline", "team club",
    "player athlete", "match game", "song track", "album record", "author writer", "book title",
    "user member account", "visitor session visit", "price cost fee", "salary wage pay compensation",
    "address location", "phone telephone", "email mail", "gender sex", "birthday birth", "category type class",
    "supplier vendor", "shipment delivery shipping", "bill invoice", "area region zone", "hospital clinic",
    "medicine drug medication", "illness disease condition", "crime offense", "accident crash collision",
    "weather climate", "rain precipitation", "temperature heat", "death mortality fatality",
    "job occupation position", "county district", "language tongue", "license permit", "picture image photo",
    "trip ride journey", "station stop", "bike bicycle", "street road", "commit change", "question post",
    "answer reply response", "comment message", "vote rating score", "review feedback", "tax levy",
    "loan credit mortgage", "stock share equity", "home house household", "population people inhabitant",
    "salesperson seller", "manager supervisor", "department division unit", "warehouse inventory stock",
    "payment transaction", "refund return", "subscription plan", "click tap", "advertisement ad",
    "campaign promotion", "website site page", "event occurrence", "gene protein", "mutation variant",
    "study trial research", "sample specimen", "publication paper article", "patent invention",
    "citation reference", "inventor author", "election vote", "candidate nominee", "donation contribution",
    "committee organization", "football soccer", "race contest", "driver racer", "actor performer cast",
    "director filmmaker", "hotel accommodation lodging", "restaurant eatery", "dish meal food",
    "ingredient component", "guest visitor",
)  # fmt: skip
WEIGHT = 0.35
"""What such a word counts, of the word that was said, in a table that has not the word itself."""


def _near() -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for group in GROUPS:
        stems = [stem(word) for word in group.split()]
        for one in stems:
            found[one].update({other: None for other in stems if other != one})
    return {one: tuple(others) for one, others in found.items()}


NEAR = _near()
