"""Superset and Preset: datasets with their columns, charts, dashboards, owners, and what each stands on.

Lists are read by pages of 100; the columns of a dataset need one request each, as no list has them. A chart's form data
is not read: its filters hold values.

Source: https://superset.apache.org/docs/api (the application's own /api/v1/_openapi).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from connectors.errors import BadSettings, SourceInterrupted
from connectors.http import Api
from connectors.records import Asset, Column, Lineage, Progress, Record, Ref
from connectors.settings import setting
from connectors.warehouse import moment

PAGE = 100
TRIES = 3
DIALECTS = {"postgresql": "postgres", "mssql": "tsql", "clickhousedb": "clickhouse", "awsathena": "trino"}


@dataclass(frozen=True, slots=True)
class Settings:
    """An address and a user (Superset), or an API token (Preset)."""

    url: str = setting("Address", "For example https://superset.example.org")
    username: str = setting(
        "User", "A user with the Gamma role or one that may read datasets and charts", default=""
    )
    password: str = setting("Password", secret=True, default="")
    provider: str = setting("Sign-in provider", "How the user signs in", choices=("db", "ldap"), default="db")
    token: str = setting("Access token", "Instead of a user, for example of Preset", secret=True, default="")
    plain_http: bool = setting("Without TLS", "Only inside your own network", kind="bool", default=False)


class Superset:
    """One Superset server or Preset workspace."""

    name: ClassVar[str] = "superset"
    title: ClassVar[str] = "Superset / Preset"
    dialect: ClassVar[str | None] = None
    extracts: ClassVar[tuple[str, ...]] = ("dataset", "chart", "dashboard", "column")
    extra: ClassVar[str | None] = None
    verified: ClassVar[str] = "real"
    settings: ClassVar[type[Any]] = Settings
    grant_script: ClassVar[str] = (
        "-- In Superset: a role with 'can read' on Dashboard, Chart, Dataset and Database, and 'all database access'\n"
        "-- or the datasources to be read; no 'can sql json' and no 'can csv'. Give it to a user of its own.\n"
    )
    query_grant_script: ClassVar[str] = ""

    def __init__(self, settings: Settings) -> None:
        if not settings.token and not (settings.username and settings.password):
            raise BadSettings("give 'username' and the secret 'password', or the secret 'token'")
        self._at = settings

    def check(self) -> str:
        """What the user may see. Raises SourceError."""
        with self._api() as api:
            counts = [
                f"{api.get(f'/api/v1/{kind}/', {'q': '(page_size:1)'})['count']} {kind}s" for kind in _KINDS
            ]
        return f"Superset answers: {', '.join(counts)}"

    def extract(self) -> Iterator[Record]:
        """Datasets, charts, dashboards, then the edges. Raises SourceError."""
        with self._api() as api:
            backends = {
                each["database_name"]: each.get("backend") or "" for each in self._all(api, "database")
            }
            datasets = self._all(api, "dataset")
            for number, each in enumerate(datasets, start=1):
                if number % 50 == 1:
                    yield Progress("datasets", number, len(datasets))
                whole = api.get(f"/api/v1/dataset/{each['id']}", optional=True)
                yield self._dataset(each, (whole or {}).get("result") or {}, backends)
            charts = self._all(api, "chart")
            yield Progress("charts", 0, len(charts))
            yield from map(self._chart, charts)
            yield Progress("dashboards", 0)
            yield from map(self._dashboard, self._all(api, "dashboard"))
        yield from _edges(datasets, charts)

    def _all(self, api: Api, kind: str) -> list[dict[str, Any]]:
        """Every row of a list. Superset has no order without ties, so that pages can repeat a row and leave out
        another: then the list is read again, and what never fits is said. Raises SourceError."""
        order = "database_name" if kind == "database" else "changed_on_delta_humanized"
        for _ in range(TRIES):
            found: dict[Any, dict[str, Any]] = {}
            seen = 0
            for page in itertools.count():
                asked = f"(order_column:{order},order_direction:asc,page:{page},page_size:{PAGE})"
                answer = api.get(f"/api/v1/{kind}/", {"q": asked})
                rows = answer.get("result") or ()
                found |= {each["id"]: each for each in rows}
                seen += len(rows)
                if not rows or seen >= answer["count"]:
                    break
            if len(found) >= answer["count"]:
                return list(found.values())
        raise SourceInterrupted(
            f"Superset told other {kind}s on each page; try again when fewer people work on it"
        )

    def _dataset(
        self, each: Mapping[str, Any], whole: Mapping[str, Any], backends: Mapping[str, str]
    ) -> Asset:
        database = (each.get("database") or {}).get("database_name") or ""
        backend = backends.get(database, "")
        columns = sorted(whole.get("columns") or (), key=lambda column: column.get("id") or 0)
        return Asset(
            "dataset",
            f"dataset/{each['id']}",
            each["table_name"],
            description=each.get("description") or whole.get("description") or None,
            definition=each.get("sql") or None,
            dialect=DIALECTS.get(backend, backend) or None if each.get("sql") else None,
            owners=_owners(each),
            url=self._link(each.get("explore_url")),
            changed_at=moment(each.get("changed_on_utc")),
            properties={
                "database": database,
                "schema": each.get("schema") or "",
                "kind": each.get("kind") or "",
            },
            columns=tuple(
                Column(
                    column["column_name"],
                    position,
                    column.get("type") or "",
                    default=column.get("expression") or None,
                    description=column.get("description") or column.get("verbose_name") or None,
                )
                for position, column in enumerate(columns, start=1)
            ),
        )

    def _chart(self, each: Mapping[str, Any]) -> Asset:
        return Asset(
            "chart",
            f"chart/{each['id']}",
            each.get("slice_name") or f"Chart {each['id']}",
            description=each.get("description") or None,
            owners=_owners(each),
            url=self._link(each.get("url") or each.get("slice_url")),
            changed_at=moment(each.get("changed_on_utc")),
            properties={"display": each.get("viz_type") or ""},
        )

    def _dashboard(self, each: Mapping[str, Any]) -> Asset:
        return Asset(
            "dashboard",
            f"dashboard/{each['id']}",
            each.get("dashboard_title") or f"Dashboard {each['id']}",
            description=each.get("description") or None,
            owners=_owners(each),
            tags=tuple(
                tag["name"] for tag in each.get("tags") or () if tag.get("type") in (1, "TagTypes.custom")
            ),
            url=self._link(each.get("url")),
            changed_at=moment(each.get("changed_on_utc")),
            properties={"status": each.get("status") or ""},
        )

    def _link(self, path: str | None) -> str | None:
        """An address on this very server; a path that leads elsewhere is dropped."""
        return (
            f"{self._at.url.rstrip('/')}{path}"
            if path and path.startswith("/") and path[1:2] != "/"
            else None
        )

    def _api(self) -> Api:
        return Api(self._at.url, self._sign_in, title="Superset", plain_http=self._at.plain_http)

    def _sign_in(self) -> Mapping[str, str]:
        token = self._at.token
        if not token:
            body = {
                "username": self._at.username,
                "password": self._at.password,
                "provider": self._at.provider,
            }
            with Api(self._at.url, dict, title="Superset", plain_http=self._at.plain_http) as api:
                token = api.credential("/api/v1/security/login", {**body, "refresh": False})["access_token"]
        return {"Authorization": f"Bearer {token}"}


_KINDS = ("dataset", "chart", "dashboard")


def _edges(datasets: list[dict[str, Any]], charts: list[dict[str, Any]]) -> Iterator[Lineage]:
    """Table to dataset, dataset to chart, chart to dashboard."""
    for each in datasets:
        if each.get("kind") != "virtual" and not each.get("sql"):
            upstream = Ref(database=each.get("catalog"), schema=each.get("schema"), table=each["table_name"])
            yield Lineage(upstream, Ref(key=f"dataset/{each['id']}"), "superset")
    known = {each["id"] for each in datasets}
    for each in charts:
        here = Ref(key=f"chart/{each['id']}")
        if each.get("datasource_type", "table") == "table" and each.get("datasource_id") in known:
            yield Lineage(Ref(key=f"dataset/{each['datasource_id']}"), here, "superset")
        for dashboard in each.get("dashboards") or ():
            yield Lineage(here, Ref(key=f"dashboard/{dashboard['id']}"), "superset")


def _owners(each: Mapping[str, Any]) -> tuple[str, ...]:
    names = (
        f"{one.get('first_name') or ''} {one.get('last_name') or ''}".strip()
        for one in each.get("owners") or ()
    )
    return tuple(name for name in names if name)
