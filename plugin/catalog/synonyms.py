"""Words that people and catalogs use for one thing: a question about films finds the table `movie`.

Enters: the stems of a question. Leaves: the stems of words with nearly the same meaning, and of initials ("dob") the
words that they stand for, the other way round where all of these are said. General words of English and of
the trades that data is kept in; what a company calls its own things is in its glossary.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from plugin.catalog.words import ASKING, STOP, stem

GROUPS = (
    "film movie", "customer client buyer purchaser", "employee staff worker personnel", "purchase order buy",
    "revenue sales income earnings turnover", "country nation", "city town municipality", "car vehicle automobile",
    "doctor physician", "patient person", "product item good merchandise", "store shop outlet", "student pupil",
    "teacher instructor", "company firm corporation business", "school institution", "flight airline", "team club",
    "player athlete", "match game", "song track", "album record", "author writer", "book title",
    "user member account", "visitor session visit", "price cost fee", "salary wage pay compensation",
    "address location", "phone telephone", "email mail", "gender sex", "birthday birth dob", "category type class",
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
INITIALS = {
    "aov": "average order value", "arpu": "average revenue per user", "arr": "annual recurring revenue",
    "bmi": "body mass index", "cac": "customer acquisition cost", "cltv": "customer lifetime value",
    "clv": "customer lifetime value", "cogs": "cost of goods sold", "cpc": "cost per click",
    "csat": "customer satisfaction", "ctr": "click through rate", "dau": "daily active users", "dob": "date of birth",
    "ehr": "electronic health record", "er": "emergency room", "eta": "estimated time of arrival",
    "fte": "full time equivalent", "gdp": "gross domestic product", "gmv": "gross merchandise value",
    "icu": "intensive care unit", "kpi": "key performance indicator",
    "ltv": "lifetime value", "mau": "monthly active users", "mrn": "medical record number",
    "mrr": "monthly recurring revenue", "nps": "net promoter score", "pnl": "profit and loss",
    "pto": "paid time off", "roas": "return on ad spend", "roi": "return on investment",
    "sku": "stock keeping unit", "sla": "service level agreement", "ssn": "social security number",
    "vat": "value added tax", "vin": "vehicle identification number",
    "ytd": "year to date",
}  # fmt: skip
"""Initials that the field writes, of those that mean one thing only."""
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


def _long_forms() -> dict[str, tuple[frozenset[str], tuple[str, ...]]]:
    """For initials: every word of what they stand for, and those of them that tell something."""
    found = {}
    for short, long in INITIALS.items():
        words = [word for word in long.split() if word not in STOP]
        telling = [word for word in words if word not in ASKING] or words
        found[stem(short)] = (frozenset(map(stem, words)), tuple(map(stem, telling)))
    return found


LONG_FORMS = _long_forms()
_NOTHING: tuple[frozenset[str], tuple[str, ...]] = (frozenset(), ())


def initials_in(asked: Collection[str]) -> dict[str, frozenset[str]]:
    """The initials that these stems name, by themselves or by every word they stand for, and those words."""
    words = set(asked)
    return {
        short: whole for short, (whole, _telling) in LONG_FORMS.items() if short in words or whole <= words
    }


def with_initials(name: Iterable[str], initials: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """The words of one name, and of these initials what it says the other way: date_of_birth is `dob` too."""
    found = frozenset(name)
    for short, whole in initials.items():
        if short in found or whole <= found:
            found |= {short, *whole}
    return found


def near_words(asked: Iterable[str]) -> dict[str, list[str]]:
    """Stems that stand for some of these, and for which of them each does."""
    words = dict.fromkeys(asked)
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for word in words:
        for other in (*NEAR.get(word, ()), *LONG_FORMS.get(word, _NOTHING)[1]):
            if other not in words:
                found[other][word] = None
    for short, (whole, telling) in LONG_FORMS.items():
        if short not in words and words.keys() >= whole:
            found[short].update(dict.fromkeys(telling))
    return {other: list(behind) for other, behind in found.items()}
