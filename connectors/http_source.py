"""What connectors to HTTP APIs say of themselves unless they say otherwise, and what other catalogs have in common.

Enters and leaves: nothing. A connector inherits `HttpSource` and names what differs; `OtherCatalog` adds the settings,
the kinds and the client of a catalog that Docent reads beside (DataHub, OpenMetadata): an address with a bearer token.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

from connectors.http import LEFT_OUT, Api
from connectors.settings import setting
from connectors.warehouse import moment


def created(value: Any) -> dict[str, str]:
    """When a thing was made, as a property; nothing where the vendor does not tell."""
    at = moment(value)
    return {"created": at.isoformat()} if at else {}


@contextmanager
def left_out(unread: list[str], what: str) -> Iterator[None]:
    """Around a part that a run can do without: where it may not be read or is not offered, `what` goes to `unread`."""
    try:
        yield
    except LEFT_OUT:
        unread.append(what)


@dataclass(slots=True)
class Seen:
    """How often a thing was opened, and by whom (ids, which are counted and not told)."""

    times: int = 0
    people: set[Any] = field(default_factory=set)

    def add(self, person: Any) -> None:
        """One time more."""
        self.times += 1
        if person:
            self.people.add(person)

    def facts(self) -> dict[str, str]:
        """As properties of an asset."""
        return {"views": str(self.times), "viewers": str(len(self.people))} if self.times else {}


class HttpSource:
    """A source that speaks JSON over HTTP with httpx alone and was verified by its vendor's documentation."""

    dialect: ClassVar[str | None] = None
    extra: ClassVar[str | None] = None
    verified: ClassVar[str] = "documented"
    query_grant_script: ClassVar[str] = ""


@dataclass(frozen=True, slots=True)
class CatalogSettings:
    """The address of another catalog and a token."""

    url: str = setting("Address", "For example https://catalog.example.org")
    token: str = setting("Access token", "Of a service account or bot that reads", secret=True)
    plain_http: bool = setting("Without TLS", "Only inside your own network", kind="bool", default=False)


class OtherCatalog(HttpSource):
    """A catalog whose entities become tables, dashboards, charts, jobs and terms."""

    title: ClassVar[str]
    extracts: ClassVar[tuple[str, ...]] = (
        "schema",
        "table",
        "view",
        "column",
        "dashboard",
        "chart",
        "job",
        "term",
    )
    settings: ClassVar[type[Any]] = CatalogSettings

    def __init__(self, settings: Any) -> None:
        self._at = settings

    def _open(self) -> Api:
        headers = {"Authorization": f"Bearer {self._at.token}"}
        return Api(self._at.url, lambda: headers, title=self.title, plain_http=self._at.plain_http)
