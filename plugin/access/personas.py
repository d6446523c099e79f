"""Personas: ways of answering that an admin sets up, each with its words and with filters of its own.

Enters: the JSON of the setting `ai.personas`. Leaves: `Persona` values. A persona only ever narrows: what its rules
leave in must be left in by the workspace's AI filters, too (`narrowed`). One that is kept for teams is unknown to
everybody else.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from plugin.access.ai_rules import AiRule, parse_rules
from plugin.errors import BadInput

SETTING = "ai.personas"
LONGEST_NAME, LONGEST_INSTRUCTIONS, MOST = 80, 8_000, 50


@dataclass(frozen=True, slots=True)
class Persona:
    """One persona. `teams` are names of the teams whose members may choose it; none: everybody who may ask."""

    name: str
    instructions: str = ""
    filters: tuple[AiRule, ...] = ()
    teams: tuple[str, ...] = ()

    def is_for(self, teams: Collection[str], *, admin: bool) -> bool:
        """May somebody in these teams (lower-case names) choose it? Admins may choose every one."""
        return admin or not self.teams or any(team.lower() in teams for team in self.teams)


def parse_personas(value: Any) -> tuple[Persona, ...]:
    """Read the setting's JSON: objects with name, instructions, filters, teams. BadInput names the wrong one."""
    if not isinstance(value, list | tuple) or len(value) > MOST:
        raise BadInput(f"Personas are a list of at most {MOST} objects.", field=SETTING)
    found = tuple(_parse(number, each) for number, each in enumerate(value, start=1))
    names = [each.name.lower() for each in found]
    for name in names:
        if names.count(name) > 1:
            raise BadInput(f"Two personas are called {name!r}; give each a name of its own.", field=SETTING)
    return found


def named(personas: Sequence[Persona], name: str) -> Persona:
    """The persona of that name, in any case. BadInput names those there are."""
    for each in personas:
        if each.name.lower() == name.strip().lower():
            return each
    known = ", ".join(each.name for each in personas) or "none"
    raise BadInput(
        f"There is no persona {name.strip()!r} that you may choose. There are: {known}.", field="persona"
    )


def narrowed(rules: Sequence[AiRule], own: Sequence[AiRule]) -> tuple[AiRule, ...]:
    """Rules that leave in what both lists leave in."""
    excludes = [each for each in (*rules, *own) if each.effect == "exclude"]
    first, second = ([each for each in some if each.effect == "include"] for some in (rules, own))
    if first and second:
        return (*excludes, *(replace(one, also=other) for one, other in product(first, second)))
    return (*excludes, *first, *second)


def _parse(number: int, value: Any) -> Persona:
    where = f"persona {number}"
    if not isinstance(value, Mapping):
        raise BadInput(f"{where} is not an object", field=SETTING)
    unknown = set(value) - {"name", "instructions", "filters", "teams"}
    if unknown:
        raise BadInput(
            f"{where} has {sorted(unknown)[0]!r}; known are name, instructions, filters, teams", field=SETTING
        )
    name, instructions = value.get("name"), value.get("instructions") or ""
    if not isinstance(name, str) or not 0 < len(name.strip()) <= LONGEST_NAME:
        raise BadInput(f"{where} needs a name of at most {LONGEST_NAME} characters", field=SETTING)
    if not isinstance(instructions, str) or len(instructions) > LONGEST_INSTRUCTIONS:
        raise BadInput(
            f"{where}: instructions are a text of at most {LONGEST_INSTRUCTIONS:,} characters", field=SETTING
        )
    teams = value.get("teams") or ()
    if not isinstance(teams, list | tuple) or not all(isinstance(each, str) for each in teams):
        raise BadInput(f"{where}: teams is a list of names of teams", field=SETTING)
    try:
        filters = parse_rules(value.get("filters") or ())
    except BadInput as error:
        raise BadInput(f"{where}: {error}", field=SETTING) from error
    return Persona(name.strip(), instructions.strip(), filters, tuple(teams))
