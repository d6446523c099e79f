"""The AI filters: which resources the assistant may use, as include and exclude rules.

Enters: the JSON of the setting `ai.filters`. Leaves: `AiRule` values, and a decision with its reason. The same rules
are turned into a condition of the query in `plugin/store/_visible.py`; `decide` here is the plain sentence that
condition must agree with, and what a resource's page shows its reader.

A resource may be used when some include rule matches it (or there is none) and no exclude rule does. A rule matches
when every condition that it names holds; a condition with several values holds for any of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from plugin.errors import BadInput

EFFECTS = ("include", "exclude")
LISTS = ("kinds", "integrations", "schemas", "tags", "sensitivity")
FLAGS = ("verified", "published")


@dataclass(frozen=True, slots=True)
class AiRule:
    """One rule. Empty lists and None put no condition. `schemas` are names of schemas, matched anywhere on the path."""

    effect: str
    kinds: tuple[str, ...] = ()
    integrations: tuple[str, ...] = ()
    schemas: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    sensitivity: tuple[str, ...] = ()
    verified: bool | None = None
    published: bool | None = None
    also: AiRule | None = None
    """A further rule that must match, too: a persona's beside the workspace's."""

    def matches(
        self,
        *,
        kind: str,
        integration: str,
        schemas: Iterable[str],
        tags: Iterable[str],
        sensitivity: str | None,
        verified: bool,
        published: bool,
    ) -> bool:
        """Does this rule speak about such a resource? `schemas` are its own name if it is one, and those above it."""
        return (
            (not self.kinds or kind in self.kinds)
            and (not self.integrations or integration in self.integrations)
            and (not self.schemas or any(name in self.schemas for name in schemas))
            and (not self.tags or any(tag in self.tags for tag in tags))
            and (not self.sensitivity or sensitivity in self.sensitivity)
            and (self.verified is None or verified == self.verified)
            and (self.published is None or published == self.published)
            and (
                self.also is None
                or self.also.matches(
                    kind=kind,
                    integration=integration,
                    schemas=schemas,
                    tags=tags,
                    sensitivity=sensitivity,
                    verified=verified,
                    published=published,
                )
            )
        )

    def describe(self) -> str:
        """The rule in words: "exclude: tags pii; not verified"."""
        parts = [f"{name} {', '.join(getattr(self, name))}" for name in LISTS if getattr(self, name)]
        parts += [
            f"{'' if getattr(self, name) else 'not '}{name}"
            for name in FLAGS
            if getattr(self, name) is not None
        ]
        both = f", and {self.also.describe()}" if self.also is not None else ""
        return f"{self.effect}: {'; '.join(parts) or 'everything'}{both}"


def decide(rules: Sequence[AiRule], **facts: Any) -> tuple[bool, str]:
    """May the assistant use a resource with these facts (see `AiRule.matches`), and which rule says so."""
    for rule in rules:
        if rule.effect == "exclude" and rule.matches(**facts):
            return False, f'the AI filter "{rule.describe()}" leaves it out'
    includes = [rule for rule in rules if rule.effect == "include"]
    if not includes:
        return True, "no AI filter leaves it out"
    for rule in includes:
        if rule.matches(**facts):
            return True, f'the AI filter "{rule.describe()}" lets it in'
    return False, "no including AI filter lets it in"


def decide_column(
    rules: Sequence[AiRule], column: Mapping[str, Any], table: Mapping[str, Any]
) -> tuple[bool, str]:
    """The same for a column, which follows its table: what leaves the table out leaves the column out, too.

    A column is verified when it or its table is, and published when both are: nobody marks columns one by one.
    """
    itself = {
        **column,
        "verified": column["verified"] or table["verified"],
        "published": column["published"] and table["published"],
    }
    excludes = [rule for rule in rules if rule.effect == "exclude"]
    for facts in (itself, table):
        allowed, reason = decide(excludes, **facts)
        if not allowed:
            return False, reason
    answers = [decide(rules, **facts) for facts in (itself, table)]
    return next((answer for answer in answers if answer[0]), answers[0])


def parse_rules(value: Any) -> tuple[AiRule, ...]:
    """Read the setting's JSON: a list of objects with `effect` and conditions. BadInput names the offending rule."""
    if not isinstance(value, list | tuple):
        raise BadInput("AI filters are a list of rules", field="ai.filters")
    return tuple(_parse_rule(number, rule) for number, rule in enumerate(value, start=1))


def _parse_rule(number: int, rule: Any) -> AiRule:
    where = f"rule {number} of the AI filters"
    if not isinstance(rule, Mapping):
        raise BadInput(f"{where} is not an object", field="ai.filters")
    unknown = set(rule) - {"effect", *LISTS, *FLAGS}
    if unknown:
        known = ", ".join(("effect", *LISTS, *FLAGS))
        raise BadInput(f"{where} has {sorted(unknown)[0]!r}; known are {known}", field="ai.filters")
    if rule.get("effect") not in EFFECTS:
        raise BadInput(f"{where}: effect is one of {', '.join(EFFECTS)}", field="ai.filters")
    lists: dict[str, tuple[str, ...]] = {}
    for name in LISTS:
        values = rule.get(name) or ()
        if isinstance(values, str):
            values = (values,)
        if not isinstance(values, list | tuple) or not all(isinstance(item, str) for item in values):
            raise BadInput(f"{where}: {name} is a list of names", field="ai.filters")
        lists[name] = tuple(values)
    flags: dict[str, bool | None] = {}
    for name in FLAGS:
        flag = rule.get(name)
        if flag is not None and not isinstance(flag, bool):
            raise BadInput(f"{where}: {name} is true, false or absent", field="ai.filters")
        flags[name] = flag
    return AiRule(effect=rule["effect"], **lists, **flags)  # type: ignore[arg-type]
