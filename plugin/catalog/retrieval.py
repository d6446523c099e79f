"""Ranking: from which words stand where, to what a question is about. Pure.

Enters: a question's terms, for each the documents that have it and where (name, description, columns, notes of
columns), and a few numbers of each document. Leaves: documents with scores, best first. All statistics are counted
over what was given, and a caller gives only what its viewer may see: what is hidden cannot move a score.

What is weighed, and why:
- a word counts by how few documents have it, and a place by how much it says (a name more than a note);
- tables whose name is spoken in full are meant (`coverage`);
- the place as a whole: people ask about one database, so a schema whose tables between them cover the question
  lifts its tables, large schemas less, since they have every word somewhere (`place`); what a table covers of the
  question by itself counts as its place where that is more (`own_place`);
- a table that the best ones point at by a key column is needed for the join (`pointed_at`).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from plugin.catalog.words import Term, points_at

NAME, TEXT, COLUMN, MANY, VERY_MANY, NOTE = 1, 2, 4, 8, 16, 32
"""Where a word stands in a document, as bits. NOTE: only in the descriptions of its columns."""


@dataclass(frozen=True, slots=True)
class Weights:
    """The numbers of the ranking, in one place. Found to be flat around these: none is worth much alone."""

    name: float = 4.0
    text: float = 1.0
    column: float = 1.5
    note: float = 0.3
    container: float = 1.5
    outer_container: float = 1.0
    saturation: float = 0.6
    coverage: float = 1.0
    place: float = 1.0
    place_size: float = 0.6
    pointed_at: float = 0.6
    usual_name: float = 3.0
    usual_text: float = 12.0
    usual_columns: float = 40.0
    usual_notes: float = 100.0
    usual_place: float = 200.0
    smallest_place: float = 0.6
    own_place: float = 0.4


@dataclass(slots=True)
class Card:
    """The numbers of a document that ranking needs. Not frozen, which takes twice as long: a search makes hundreds."""

    id: int
    container: int | None
    name_words: int
    text_words: int
    columns: int
    notes_words: int


@dataclass(slots=True)
class Scored:
    """A document with its score; `own` is the part that its own words earned."""

    id: int
    score: float
    own: float


class Ranking:
    """One question over one viewer's documents. Add the evidence term by term, then ask for the order."""

    def __init__(
        self,
        cards: dict[int, Card],
        parents: Mapping[int, int | None],
        total: int,
        containers: int,
        weights: Weights | None = None,
    ) -> None:
        self.cards = cards
        self.parents = parents
        self.total = max(total, 1)
        self.containers = max(containers, 1)
        self.weights = weights or Weights()
        self.own: dict[int, float] = defaultdict(float)
        self.named: dict[int, float] = defaultdict(float)
        self.places: dict[int, float] = defaultdict(float)
        self.by_itself: dict[int, float] = defaultdict(float)
        """What each document would cover of the question if it were a place by itself."""
        self.lifted: dict[int, float] = defaultdict(float)
        self._strength: dict[int, tuple[float, float, float, float]] = {}

    def add(
        self,
        term: Term,
        evidence: Mapping[int, int],
        members: Callable[[int], int] | None = None,
        having: int | None = None,
    ) -> None:
        """Count one term. `evidence`: document -> places as bits; containers are among the documents.

        `members(container)` says how many documents a container has for this viewer; `having` how many documents have
        the term, where the evidence is of some of them only.
        """
        weights = self.weights
        inside = self._containers_with(evidence)
        counted = len(evidence) if having is None else having
        if members is not None:
            counted += sum(members(container) for container in inside)
        counted = min(counted, self.total)
        rarity = term.weight * math.log(1 + (self.total - counted + 0.5) / (counted + 0.5))
        saturation, cards, own, strength_of = weights.saturation, self.cards, self.own, self._evidence
        alone = {container: lift / (saturation + lift) for container, lift in inside.items()}
        best = dict(alone)
        shares: list[tuple[int, float]] = []
        for container, share in alone.items():
            self.lifted[container] += rarity * share
        for id_, bits in evidence.items():
            card = cards.get(id_)
            if card is None:
                continue
            place = card.container
            strength = strength_of(card, bits) + (inside.get(place, 0.0) if place is not None else 0.0)
            share = strength / (saturation + strength)
            own[id_] += rarity * (share - alone.get(place, 0.0) if place is not None else share)
            if bits & NAME:
                self.named[id_] += min(1.0, term.weight) / card.name_words
            if place is not None:
                shares.append((id_, share))
                if share > best.get(place, 0.0):
                    best[place] = share
        spread = math.log(1 + (max(self.containers, len(best)) - len(best) + 0.5) / (len(best) + 0.5))
        for container, share in best.items():
            self.places[container] += term.weight * spread * share
        covering, by_itself = term.weight * spread, self.by_itself
        for id_, share in shares:
            by_itself[id_] += covering * share

    def best_places(self, count: int) -> list[int]:
        """The containers that cover the question best, before their size is considered."""
        return sorted(self.places, key=lambda place: (-self.places[place], place))[:count]

    def place_sizes(self, sizes: Mapping[int, float]) -> None:
        """Divide what each container covers by its size; what is not among `sizes` is taken as usual.

        A schema of two or three small tables covers no more of a question for being so small, so there is a least
        divisor: without it such a schema outdid a table that has the words itself.
        """
        weights = self.weights
        for place, covered in self.places.items():
            size = sizes.get(place, weights.usual_place)
            divisor = 1 - weights.place_size + weights.place_size * size / weights.usual_place
            self.places[place] = covered / max(divisor, weights.smallest_place)

    def order(self) -> list[Scored]:
        """Everything with evidence or in a container with evidence, best first."""
        weights = self.weights
        scored = []
        for id_, own in self.own.items():
            card = self.cards[id_]
            if card.container is not None:
                own += self.lifted.get(card.container, 0.0)
            own *= 1 + weights.coverage * min(1.0, self.named.get(id_, 0.0))
            place = self.places.get(card.container, 0.0) if card.container is not None else 0.0
            # However large its schema: else a table in a small one, without a word itself, outdoes a table that has
            # every word in a huge one.
            least = weights.own_place * self.by_itself.get(id_, 0.0)
            if least > place:
                place = least
            scored.append(Scored(id_, own + weights.place * place, own))
        scored.sort(key=lambda each: (-each.score, each.id))
        return scored

    def fill(self, ids: Iterable[int]) -> None:
        """Let documents without a word of the question stand for their container."""
        for id_ in ids:
            if id_ in self.cards:
                self.own.setdefault(id_, 0.0)

    def _containers_with(self, evidence: Mapping[int, int]) -> dict[int, float]:
        """Containers that have the word in their own or their container's name."""
        found: dict[int, float] = {}
        for id_, bits in evidence.items():
            if id_ in self.parents and bits & NAME:
                found[id_] = found.get(id_, 0.0) + self.weights.container
        outer = {id_ for id_ in found if any(parent == id_ for parent in self.parents.values())}
        if outer:
            for id_, parent in self.parents.items():
                if parent in outer:
                    found[id_] = found.get(id_, 0.0) + self.weights.outer_container
        return found

    def _evidence(self, card: Card, bits: int) -> float:
        strength = self._strength.get(card.id)
        if strength is None:
            weights = self.weights
            strength = self._strength[card.id] = (
                weights.name / _long(0.3, card.name_words, weights.usual_name),
                weights.text / _long(0.5, card.text_words, weights.usual_text),
                weights.column / _long(0.5, card.columns, weights.usual_columns),
                weights.note / _long(0.75, card.notes_words, weights.usual_notes),
            )
        found = 0.0
        if bits & NAME:
            found += strength[0]
        if bits & TEXT:
            found += strength[1]
        if bits & COLUMN:
            found += strength[2] * (12 if bits & VERY_MANY else 4 if bits & MANY else 1)
        if bits & NOTE:
            found += strength[3]
        return found


def _long(share: float, length: float, usual: float) -> float:
    return 1 - share + share * length / usual


def pointed_at(
    best: Sequence[Scored],
    columns: Mapping[int, Iterable[str]],
    siblings: Mapping[int, Sequence[tuple[int, tuple[str, ...]]]],
    container_of: Mapping[int, int | None],
    weight: float = 0.6,
) -> dict[int, float]:
    """What the best tables point at by their key columns ("customer_id" -> customers), with what that adds.

    `columns`: names of the columns of the best; `siblings`: the tables of a container with the stems of their names.
    """
    cores = {container: _by_core(tables) for container, tables in siblings.items()}
    bonus: dict[int, float] = {}
    for each in best:
        container = container_of.get(each.id)
        core = cores.get(container) if container is not None else None
        if not core:
            continue
        targets: set[int] = set()
        for column in columns.get(each.id, ()):
            words = points_at(column)
            for start in range(len(words)):
                hit = core.get("".join(words[start:]))
                if hit:
                    targets.update(target for target in hit if target != each.id)
                    break
        for target in targets:
            added = weight * each.own / (1 + math.log(1 + len(targets)))
            bonus[target] = max(bonus.get(target, 0.0), added)
    return bonus


def _by_core(tables: Sequence[tuple[int, tuple[str, ...]]]) -> dict[str, list[int]]:
    """Tables by their name without the prefix that many of them share."""
    firsts: dict[str, int] = defaultdict(int)
    for _id, words in tables:
        if words:
            firsts[words[0]] += 1
    usual = {word for word, count in firsts.items() if count >= 3 and count >= 0.2 * len(tables)}
    found: dict[str, list[int]] = defaultdict(list)
    for id_, words in tables:
        while len(words) > 1 and words[0] in usual:
            words = words[1:]
        if words:
            found["".join(words)].append(id_)
    return found
