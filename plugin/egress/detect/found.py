"""The value that every detector yields."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a text that must not leave. `secret` decides between removal and a reversible stand-in.

    `kind` is the finding's type (`aws_access_key`, `email`); `label` is what the reader sees in its place. `weight`
    orders overlapping spans: a certain match wins over a guess.
    """

    start: int
    end: int
    kind: str
    label: str
    secret: bool
    weight: int = 5
