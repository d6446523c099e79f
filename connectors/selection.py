"""Which schemas and tables a connector reads: two lists of patterns, applied in the source's own SQL.

A pattern without a dot is about schemas, one with a dot about tables (`sales.tmp_*`, `*.old_*`); `*` stands
for any text and `?` for one character. An empty include list means everything that is not the engine's own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


def like(pattern: str) -> str:
    """A pattern as LIKE takes it, escaped by '!' (a backslash means two things in MySQL)."""
    escaped = pattern.replace("!", "!!").replace("%", "!%").replace("_", "!_")
    return escaped.replace("*", "%").replace("?", "_")


@dataclass(frozen=True, slots=True)
class Selection:
    """LIKE operands by what they are about. `schema_parts` admits the schemas that table patterns name."""

    include_schemas: list[str]
    include_tables: list[str]
    schema_parts: list[str]
    exclude_schemas: list[str]
    exclude_tables: list[str]

    @classmethod
    def of(cls, include: Iterable[str], exclude: Iterable[str]) -> Selection:
        """From the settings `schemas` and `exclude`."""
        include, exclude = list(include), list(exclude)
        dotted = [pattern for pattern in include if "." in pattern]
        return cls(
            include_schemas=[like(pattern) for pattern in include if "." not in pattern],
            include_tables=[like(pattern) for pattern in dotted],
            schema_parts=[like(pattern.partition(".")[0]) for pattern in dotted],
            exclude_schemas=[like(pattern) for pattern in exclude if "." not in pattern],
            exclude_tables=[like(pattern) for pattern in exclude if "." in pattern],
        )

    def schema_condition(self, name: str, *, mark: str, collate: str = "") -> tuple[str, list[str]]:
        """(SQL over the schema's `name`, its parameters); `mark` is the driver's placeholder."""
        included = self.include_schemas + self.schema_parts
        return _condition([(name, included)], [(name, self.exclude_schemas)], mark, collate)

    def table_condition(
        self, schema: str, qualified: str, *, mark: str, collate: str = ""
    ) -> tuple[str, list[str]]:
        """(SQL over `schema` and the expression `qualified`, which is schema.table; its parameters)."""
        return _condition(
            [(schema, self.include_schemas), (qualified, self.include_tables)],
            [(schema, self.exclude_schemas), (qualified, self.exclude_tables)],
            mark,
            collate,
        )


def _condition(
    include: list[tuple[str, list[str]]], exclude: list[tuple[str, list[str]]], mark: str, collate: str
) -> tuple[str, list[str]]:
    def test(expression: str) -> str:
        return f"{expression} LIKE {mark}{collate} ESCAPE '!'"

    wanted = [(test(expression), pattern) for expression, patterns in include for pattern in patterns]
    unwanted = [(test(expression), pattern) for expression, patterns in exclude for pattern in patterns]
    parts = []
    if wanted:
        parts.append("(" + " OR ".join(text for text, _ in wanted) + ")")
    parts.extend(f"NOT {text}" for text, _ in unwanted)
    return " AND ".join(parts) or "1 = 1", [pattern for _, pattern in wanted + unwanted]
