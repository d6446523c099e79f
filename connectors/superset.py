"""Superset and Preset: datasets with their columns and saved metrics, charts, dashboards, owners, tags,
certifications, and what each stands on.

Lists are read by pages of 100; columns and metrics of a dataset need one request each, as no list has them. Of a
chart's form data only those words are taken that are names of saved metrics of its dataset: its filters hold values.
The metric `count` that Superset gives every dataset is left out until somebody writes something about it.

How often what is opened and what is asked in SQL Lab: connectors.superset_usage.

Not read: saved queries (Superset shows each user their own only), tags of datasets (no list has them), when charts and
dashboards were made (in no list), certifications of single columns, tabs and filters of dashboards, form data.

Source: https://superset.apache.org/docs/api (the application's own /api/v1/_openapi); the macro `dataset()` of virtual
datasets in https://superset.apache.org/docs/configuration/sql-templating
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from connectors.errors import BadSettings, SourceInterrupted
from connectors.http import LEFT_OUT, Api
from connectors.http_source import Seen
from connectors.records import Asset, Column, Lineage, Progress, Record, Ref
from connectors.settings import setting
from connectors.shape import well_formed
from connectors.superset_usage import statements, views
from connectors.warehouse import moment, number

PAGE = 100
TRIES = 3
_OTHER_DATASET = re.compile(r"\{\{-?\s*dataset\(\s*(\d+)\b")
_METRIC_KEYS = re.compile(r"metric|^(?:size|x|y)$")
"""Where form data name metrics: `metric`, `metrics_b`, `timeseries_limit_metric`, the axes of a bubble chart, ..."""
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
    extracts: ClassVar[tuple[str, ...]] = ("dataset", "metric", "chart", "dashboard", "query", "column")
    extra: ClassVar[str | None] = None
    verified: ClassVar[str] = "real"
    settings: ClassVar[type[Any]] = Settings
    grant_script: ClassVar[str] = (
        "-- In Superset: a role with 'can read' on Dashboard, Chart, Dataset and Database, and 'all database access'\n"
        "-- or the datasources to be read; no 'can sql json' and no 'can csv'. Give it to a user of its own.\n"
        "-- optional, for views: 'can read' on Log (which holds form data too; Docent does not ask for it)\n"
        "-- optional, for the queries of SQL Lab: 'can read' on Query, 'all query access on all_query_access', and\n"
        "-- 'can read' on CurrentUserRestApi, which tells whether the role has that\n"
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

    @well_formed
    def extract(self) -> Iterator[Record]:
        """Datasets, charts, dashboards, then the edges. Raises SourceError."""
        with self._api() as api:
            backends = self._backends(api)
            metrics: dict[tuple[Any, str], str] = {}
            datasets = self._all(api, "dataset")
            for done, each in enumerate(datasets, start=1):
                if done % 50 == 1:
                    yield Progress("datasets", done, len(datasets))
                whole = api.get(f"/api/v1/dataset/{each['id']}", optional=True)
                whole = (whole or {}).get("result") or {}
                dialect = _dialect(each, whole, backends)
                yield self._dataset(each, whole, dialect)
                for metric in whole.get("metrics") or ():
                    if metric.get("metric_name") and not _is_given(metric):
                        found = self._metric(each, metric, dialect)
                        metrics[each["id"], metric["metric_name"]] = found.key
                        yield found
            seen, unread = views(api)
            yield from unread
            charts = self._all(api, "chart")
            yield Progress("charts", 0, len(charts))
            for each in charts:
                yield self._chart(each, seen.get(f"chart/{each['id']}", Seen()))
            yield Progress("dashboards", 0)
            for each in self._all(api, "dashboard"):
                yield self._dashboard(each, seen.get(f"dashboard/{each['id']}", Seen()))
            yield Progress("queries", 0)
            yield from statements(api, lambda base: _engine(backends.get(base) or ""), self._link)
        yield from _edges(datasets, charts, metrics)

    def _backends(self, api: Api) -> dict[str, str]:
        """The engine of each database, where the role may list them; newer versions tell it with the dataset."""
        try:
            found = self._all(api, "database")
            return {str(each.get("database_name")): each.get("backend") or "" for each in found}
        except LEFT_OUT:
            return {}

    def _all(self, api: Api, kind: str) -> list[dict[str, Any]]:
        """Every row of a list. Superset has no order without ties, so that pages can repeat a row and leave out
        another: then the list is read again, and what never fits is said. Raises SourceError."""
        order = "database_name" if kind == "database" else "changed_on_delta_humanized"
        for _ in range(TRIES):
            found: dict[Any, dict[str, Any]] = {}
            seen = most = 0
            for page in itertools.count():
                asked = f"(order_column:{order},order_direction:asc,page:{page},page_size:{PAGE})"
                answer = api.get(f"/api/v1/{kind}/", {"q": asked})
                rows = answer.get("result") or ()
                found |= {each["id"]: each for each in rows}
                seen += len(rows)
                most = max(
                    most, number(answer["count"]) or 0
                )  # what was deleted meanwhile drew another over a page's end
                if not rows or seen >= most:
                    break
            if len(found) >= most:
                return list(found.values())
        raise SourceInterrupted(
            f"Superset told other {kind}s on each page; try again when fewer people work on it"
        )

    def _dataset(self, each: Mapping[str, Any], whole: Mapping[str, Any], dialect: str | None) -> Asset:
        columns = [column for column in whole.get("columns") or () if column.get("column_name")]
        columns.sort(key=lambda column: number(column.get("id")) or 0)
        made = moment(whole.get("created_on"))
        return Asset(
            "dataset",
            f"dataset/{each['id']}",
            each.get("table_name") or f"Dataset {each['id']}",
            description=each.get("description") or whole.get("description") or None,
            definition=each.get("sql") or None,
            dialect=dialect,
            default_schema=each.get("schema") or None if each.get("sql") else None,
            owners=_owners(each),
            url=self._link(each.get("explore_url")),
            changed_at=moment(each.get("changed_on_utc")),
            properties={
                "database": _database(each),
                "schema": each.get("schema") or "",
                "kind": each.get("kind") or "",
                **({"created": made.isoformat()} if made else {}),
                **_extra(each),
            },
            columns=tuple(
                Column(
                    column["column_name"],
                    position,
                    column.get("type") or "",
                    default=column.get("expression") or None,
                    description=_said(column, column.get("verbose_name")),
                )
                for position, column in enumerate(columns, start=1)
            ),
        )

    def _metric(self, dataset: Mapping[str, Any], each: Mapping[str, Any], dialect: str | None) -> Asset:
        label = each.get("verbose_name")
        return Asset(
            "metric",
            f"dataset/{dataset['id']}/metric/{each['metric_name']}",
            each["metric_name"],
            parent=f"dataset/{dataset['id']}",
            description=each.get("description") or None,
            definition=each.get("expression") or None,
            dialect=dialect if each.get("expression") else None,
            url=self._link(dataset.get("explore_url")),
            properties={
                **({"label": label} if label else {}),
                **({"warning": each["warning_text"]} if each.get("warning_text") else {}),
                **_extra(each),
            },
        )

    def _chart(self, each: Mapping[str, Any], seen: Seen) -> Asset:
        return Asset(
            "chart",
            f"chart/{each['id']}",
            each.get("slice_name") or f"Chart {each['id']}",
            description=each.get("description") or None,
            owners=_owners(each),
            url=self._link(each.get("url") or each.get("slice_url")),
            tags=_tags(each),
            popularity=float(seen.times) or None,
            changed_at=moment(each.get("changed_on_utc")),
            properties={"display": each.get("viz_type") or "", **_certified(each), **seen.facts()},
        )

    def _dashboard(self, each: Mapping[str, Any], seen: Seen) -> Asset:
        return Asset(
            "dashboard",
            f"dashboard/{each['id']}",
            each.get("dashboard_title") or f"Dashboard {each['id']}",
            description=each.get("description") or None,
            owners=_owners(each),
            tags=_tags(each),
            url=self._link(each.get("url")),
            popularity=float(seen.times) or None,
            changed_at=moment(each.get("changed_on_utc")),
            properties={"status": each.get("status") or "", **_certified(each), **seen.facts()},
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


def _edges(
    datasets: list[dict[str, Any]], charts: list[dict[str, Any]], metrics: Mapping[tuple[Any, str], str]
) -> Iterator[Lineage]:
    """Table to dataset, dataset to dataset, metric and chart, metric to chart, chart to dashboard."""
    known = {each["id"] for each in datasets}
    for each in datasets:
        for other in dict.fromkeys(map(int, _OTHER_DATASET.findall(each.get("sql") or ""))):
            if other in known:
                yield Lineage(Ref(key=f"dataset/{other}"), Ref(key=f"dataset/{each['id']}"), "superset")
        if each.get("kind") != "virtual" and not each.get("sql") and each.get("table_name"):
            upstream = Ref(database=each.get("catalog"), schema=each.get("schema"), table=each["table_name"])
            yield Lineage(upstream, Ref(key=f"dataset/{each['id']}"), "superset")
    for (dataset, _name), key in metrics.items():
        yield Lineage(Ref(key=f"dataset/{dataset}"), Ref(key=key), "superset")
    for each in charts:
        here = Ref(key=f"chart/{each['id']}")
        if each.get("datasource_type", "table") == "table" and each.get("datasource_id") in known:
            yield Lineage(Ref(key=f"dataset/{each['datasource_id']}"), here, "superset")
            named = (metrics.get((each["datasource_id"], word)) for word in _metric_words(each.get("params")))
            yield from (Lineage(Ref(key=key), here, "superset") for key in dict.fromkeys(named) if key)
        for dashboard in each.get("dashboards") or ():
            if "id" not in dashboard:
                continue
            yield Lineage(here, Ref(key=f"dashboard/{dashboard['id']}"), "superset")


def _owners(each: Mapping[str, Any]) -> tuple[str, ...]:
    names = (
        f"{one.get('first_name') or ''} {one.get('last_name') or ''}".strip()
        for one in each.get("owners") or ()
    )
    return tuple(name for name in names if name)


def _metric_words(params: Any) -> Iterator[str]:
    """The words that stand in form data where metrics do; whether they are names is for the caller to look up."""
    try:
        form = json.loads(params or "{}")
    except ValueError:
        return
    for key, value in form.items() if isinstance(form, dict) else ():
        if _METRIC_KEYS.search(key):
            yield from (
                word for word in (value if isinstance(value, list) else [value]) if isinstance(word, str)
            )


def _database(each: Mapping[str, Any]) -> str:
    return (each.get("database") or {}).get("database_name") or ""


def _dialect(each: Mapping[str, Any], whole: Mapping[str, Any], backends: Mapping[str, str]) -> str | None:
    """sqlglot's name for what the dataset's SQL and its expressions are written in."""
    backend = backends.get(_database(each)) or (whole.get("database") or {}).get("backend") or ""
    return _engine(backend)


def _engine(backend: str) -> str | None:
    return DIALECTS.get(backend, backend) or None


def _is_given(metric: Mapping[str, Any]) -> bool:
    """Is it the count that Superset makes with every dataset, and nothing was said of it?"""
    words = (metric.get("description"), metric.get("warning_text"), metric.get("extra"))
    plain = (metric.get("expression") or "").strip().upper() == "COUNT(*)"
    return metric["metric_name"] == "count" and plain and not any(words)


def _said(column: Mapping[str, Any], label: str | None) -> str | None:
    """What people call a column, where that is not its name, and what they say of it."""
    parts = (label if label != column["column_name"] else None, column.get("description"))
    return ": ".join(part for part in parts if part) or None


def _tags(each: Mapping[str, Any]) -> tuple[str, ...]:
    """The tags that people gave; Superset makes others (owner:1, type:chart) by itself."""
    listed = each.get("tags") or each.get("custom_tags") or ()
    return tuple(
        tag["name"]
        for tag in listed
        if tag.get("name") and (str(tag.get("type")) == "1" or str(tag.get("type")).endswith(".custom"))
    )


def _certified(each: Mapping[str, Any]) -> dict[str, str]:
    """Who vouches for it, and what they say of that."""
    named = {"certified_by": each.get("certified_by"), "certification": each.get("certification_details")}
    return {name: str(value) for name, value in named.items() if value}


def _extra(each: Mapping[str, Any]) -> dict[str, str]:
    """Certification and warning of a dataset or metric, which keep them as JSON in `extra`."""
    try:
        extra = json.loads(each.get("extra") or "{}")
    except ValueError:
        return {}
    if not isinstance(extra, dict):
        return {}
    certification = extra.get("certification")
    seal = certification if isinstance(certification, dict) else {}
    warning = extra.get("warning_markdown")
    return {
        **_certified(
            {"certified_by": seal.get("certified_by"), "certification_details": seal.get("details")}
        ),
        **({"warning": str(warning)} if warning else {}),
    }
