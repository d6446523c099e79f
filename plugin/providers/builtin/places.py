"""Where a question limits itself to: a schema, a database, a table, or a whole integration."""

from __future__ import annotations

import re
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from plugin.providers.builtin.phrases import code, count, kind_word, lines, listed, named, words_of
from plugin.providers.builtin.resolve import Meant, resolve
from plugin.providers.builtin.talk import Given, Plan, Talk, Thing, Want, rows_of, things
from plugin.providers.builtin.understand import Intent, is_pronoun

EVERYWHERE = (
    "catalog",
    "the catalog",
    "workspace",
    "warehouse",
    "all",
    "everywhere",
    "total",
    "general",
    "here",
)
_SYSTEM = re.compile(r"\s+(?:integration|source|system|connection|app|tool)$", re.I)
_LISTED = re.compile(r"(?P<name>.+) \((?P<type>[^()]*)\)\Z")
_INSIDE = ("table", "view", "dashboard", "chart", "model", "metric", "job", "document", "term")


@dataclass(frozen=True, slots=True)
class Place:
    """Nowhere in particular, one container, or one integration."""

    thing: Thing | None = None
    integration: str = ""

    def narrow(self) -> dict[str, Any]:
        """What `browse` needs to stay in it."""
        if self.thing is not None:
            return {"under": str(self.thing.id)}
        return {"integration": self.integration} if self.integration else {}

    @property
    def where(self) -> str:
        """ " in `sales`", or nothing."""
        if self.thing is not None:
            return f" in {named(self.thing)}"
        return f" in the integration {code(self.integration)}" if self.integration else ""


def integration_called(phrase: str) -> Generator[Want, Given, str]:
    """The integration of this very name, as far as something in it is visible; nothing where there is none."""
    given = yield Want("browse", {"what": "integrations"})
    wanted = words_of(_SYSTEM.sub("", phrase))
    for row in rows_of(given.fragments, "counts"):
        match = _LISTED.match(str(row["name"]))
        name = match.group("name") if match else str(row["name"])
        if wanted and words_of(name) == wanted:
            return name
    return ""


def place_of(talk: Talk, intent: Intent) -> Generator[Want, Given, tuple[Place, Meant | None]]:
    """Where the question limits itself to; the second is set where there is nothing of that name."""
    phrase = intent.slot("in")
    if not phrase or phrase.lower() in EVERYWHERE:
        return Place(), None
    if is_pronoun(phrase):
        meant = yield from resolve(talk, phrase)
    else:
        meant = yield from resolve(talk, phrase, kinds=("schema", "database"))
        if meant.thing is None or meant.loose:
            integration = yield from integration_called(phrase)
            if integration:
                return Place(integration=integration), None
            meant = yield from resolve(talk, phrase)
        elif meant.thing.name.lower() != meant.phrase.lower() and _asks_for_columns(intent):
            table = yield from resolve(talk, phrase, kinds=("table", "view"))
            if table.thing is not None and table.thing.name.lower() == phrase.lower():
                meant = table
    if meant.thing is None or meant.loose:
        return Place(), Meant(phrase, None, others=(meant.thing,) if meant.thing else meant.others)
    return Place(meant.thing), None


def _asks_for_columns(intent: Intent) -> bool:
    """Columns "in patients" are those of the table `patients`, also where a schema is called `patient`."""
    return intent.name == "personal" or (intent.slots.get("kind") or "").lower().startswith(
        ("column", "field")
    )


def inside(talk: Talk, intent: Intent) -> Plan:
    """What is in a schema, a database, a group of dashboards or an integration; of anything else, what it is."""
    from plugin.providers.builtin.find import describe

    phrase = intent.slot("s")
    if not is_pronoun(phrase):
        meant = yield from resolve(talk, phrase, kinds=("schema", "database", "dashboard_group"))
        if meant.thing is None or meant.loose:
            integration = yield from integration_called(phrase)
            if integration:
                return (yield from contents(Place(integration=integration)))
    return (yield from describe(talk, intent))


def contents(place: Place) -> Plan:
    """What an integration holds, the most used first."""
    given = yield Want("browse", {"what": "popular", "kinds": list(_INSIDE), "limit": 25, **place.narrow()})
    found = things(given.fragments)
    if not found:
        return f"There is nothing{place.where} that you can see."
    kinds: dict[str, int] = {}
    for each in found:
        kinds[kind_word(each.kind)] = kinds.get(kind_word(each.kind), 0) + 1
    said = listed([count(number, word) for word, number in kinds.items()])
    more = f"\n\n{given.said}" if "in all" in given.said else ""
    return f"The integration {code(place.integration)} holds {said}:\n\n{lines(found)}{more}"
