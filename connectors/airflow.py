"""Airflow: DAGs with owners, tags, schedule and last run, their tasks, and the datasets (assets) between them.

Speaks the stable REST API of Airflow 2 (/api/v1, basic authentication or a token) and Airflow 3 (/api/v2, a token made
from user and password). Lists come by pages of 100, tasks by one request a DAG. Variables, connections, configurations
of runs, XComs and logs hold values and are never read.

Source: https://airflow.apache.org/docs/apache-airflow/stable/stable-rest-api-ref.html
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit

from connectors.errors import BadSettings
from connectors.http import Api, Length
from connectors.http_source import left_out
from connectors.records import Asset, Lineage, Progress, Record, Ref, Unread
from connectors.settings import setting
from connectors.shape import well_formed
from connectors.warehouse import moment, number

PAGE = 100
DATABASES = (
    "postgres",
    "postgresql",
    "mysql",
    "snowflake",
    "bigquery",
    "redshift",
    "trino",
    "duckdb",
    "sqlite",
)


@dataclass(frozen=True, slots=True)
class Settings:
    """An address and a user, or a token."""

    url: str = setting("Address", "For example https://airflow.example.org")
    username: str = setting("User", "A user with the Viewer role", default="")
    password: str = setting("Password", secret=True, default="")
    token: str = setting("Token", "Instead of a user", secret=True, default="")
    api: str = setting("API", "v1 is Airflow 2, v2 is Airflow 3", choices=("v1", "v2"), default="v2")
    plain_http: bool = setting("Without TLS", "Only inside your own network", kind="bool", default=False)


class Airflow:
    """One Airflow server."""

    name: ClassVar[str] = "airflow"
    title: ClassVar[str] = "Airflow"
    dialect: ClassVar[str | None] = None
    extracts: ClassVar[tuple[str, ...]] = ("job", "dataset")
    extra: ClassVar[str | None] = None
    verified: ClassVar[str] = "real"  # Airflow 3; API v1 of Airflow 2 is tried against its documented wire
    settings: ClassVar[type[Any]] = Settings
    grant_script: ClassVar[str] = (
        "# In Airflow: a user of its own with the Viewer role.\n"
        "airflow users create --username docent --role Viewer --email docent@example.org "
        "--firstname Docent --lastname Reader\n"
    )
    query_grant_script: ClassVar[str] = ""

    def __init__(self, settings: Settings) -> None:
        if not settings.token and not (settings.username and settings.password):
            raise BadSettings("give 'username' and the secret 'password', or the secret 'token'")
        self._at = settings
        self._base = f"/api/{settings.api}"

    def check(self) -> str:
        """The version and the number of DAGs. Raises SourceError."""
        with self._open() as api:
            version = api.get(f"{self._base}/version").get("version", "?")
            dags = api.get(f"{self._base}/dags", {"limit": 1})
        return f"Airflow {version}, {dags['total_entries']} DAGs"

    @well_formed
    def extract(self) -> Iterator[Record]:
        """DAGs, tasks, datasets, then the edges between them. Raises SourceError."""
        with self._open() as api:
            dags = list(self._all(api, "dags", "dags", {"order_by": "dag_id"}))
            facts: list[str] = []
            unread: list[str] = []
            runs: dict[str, Mapping[str, Any]] = {}
            with left_out(facts, "the last runs of DAGs"):
                runs = self._last_runs(api)
            tasks: list[tuple[str, Mapping[str, Any]]] = []
            for count, dag in enumerate(dags, start=1):
                if count % 20 == 1:
                    yield Progress("DAGs", count, len(dags))
                yield self._dag(dag, runs.get(dag["dag_id"], {}))
                below: Mapping[str, Any] = {}
                with left_out(unread, "the tasks of some DAGs"):
                    path = f"{self._base}/dags/{quote(dag['dag_id'], safe='')}/tasks"
                    below = api.get(path, optional=True) or {}
                for task in below.get("tasks") or ():
                    tasks.append((dag["dag_id"], task))
                    yield _task(dag["dag_id"], task)
            kind = "datasets" if self._at.api == "v1" else "assets"
            datasets: list[dict[str, Any]] = []
            with left_out(unread, kind):  # Airflow before 2.4 has none
                datasets = list(self._all(api, kind, kind, {"order_by": "id"}))
        for what in dict.fromkeys((*facts, *unread)):
            yield Unread(what, what in unread)
        yield from (_dataset(each) for each in datasets)
        for dag_id, task in tasks:
            for after in task.get("downstream_task_ids") or ():
                yield Lineage(Ref(key=f"{dag_id}/{task['task_id']}"), Ref(key=f"{dag_id}/{after}"), "airflow")
        for each in datasets:
            yield from _edges(each)

    def _last_runs(self, api: Api) -> dict[str, Mapping[str, Any]]:
        """The newest run of each DAG among the last thousand runs. A server may be set to give shorter pages."""
        newest: dict[str, Mapping[str, Any]] = {}
        seen = 0
        for _ in range(1000 // PAGE):
            params = {"limit": PAGE, "offset": seen, "order_by": "-start_date"}
            page = api.get(f"{self._base}/dags/~/dagRuns", params, optional=True) or {}
            rows = page.get("dag_runs") or ()
            for run in rows:
                newest.setdefault(run["dag_id"], run)
            seen += len(rows)
            whole = number(page.get("total_entries"))
            if not rows or (len(rows) < PAGE if whole is None else seen >= whole):
                break
        return newest

    def _all(self, api: Api, path: str, field: str, params: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Every row of a list, page by page."""
        seen = 0
        length = Length("Airflow", field.replace("_", " "))

        def after(page: Mapping[str, Any]) -> Mapping[str, Any] | None:
            whole = length.told(number(page["total_entries"]))
            return {"offset": seen} if page[field] and seen < whole else None

        for page in api.pages(f"{self._base}/{path}", after, {"limit": PAGE, "offset": 0, **params}):
            seen += len(page[field])
            yield from page[field]

    def _dag(self, dag: Mapping[str, Any], run: Mapping[str, Any]) -> Asset:
        told = dag.get("schedule_interval")  # of Airflow 2, before it had timetables an object or a text
        interval = told.get("value") if isinstance(told, dict) else told
        schedule = dag.get("timetable_summary") or dag.get("timetable_description") or interval
        facts = {
            "schedule": schedule,
            "paused": "yes" if dag.get("is_paused") else None,
            "last_status": run.get("state"),
            "last_run": run.get("start_date"),
            "last_end": run.get("end_date"),
            "next_run": dag.get("next_dagrun") or dag.get("next_dagrun_run_after"),
        }
        owners = dag.get("owners") or ()
        return Asset(
            "job",
            dag["dag_id"],
            dag.get("dag_display_name") or dag["dag_id"],
            description=dag.get("description") or None,
            owners=tuple(owner for owner in owners if owner and owner != "airflow"),
            tags=_tags(dag),
            url=f"{self._at.url.rstrip('/')}/dags/{quote(dag['dag_id'], safe='')}",
            changed_at=moment(dag.get("last_parsed_time")),
            properties={key: str(value) for key, value in facts.items() if value},
        )

    def _open(self) -> Api:
        return Api(self._at.url, self._sign_in, title="Airflow", plain_http=self._at.plain_http)

    def _sign_in(self) -> Mapping[str, str]:
        if self._at.token:
            return {"Authorization": f"Bearer {self._at.token}"}
        if self._at.api == "v1":
            pair = f"{self._at.username}:{self._at.password}".encode()
            return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
        with Api(self._at.url, dict, title="Airflow", plain_http=self._at.plain_http) as api:
            made = api.credential(
                "/auth/token", {"username": self._at.username, "password": self._at.password}
            )
        return {"Authorization": f"Bearer {made['access_token']}"}


def _tags(dag: Mapping[str, Any]) -> tuple[str, ...]:
    """Tags are objects with a name; those of old servers are the names."""
    named = (tag.get("name") if isinstance(tag, dict) else tag for tag in dag.get("tags") or ())
    return tuple(name for name in named if name)


def _task(dag_id: str, task: Mapping[str, Any]) -> Asset:
    operator = task.get("operator_name") or (task.get("class_ref") or {}).get("class_name") or ""
    owner = task.get("owner")
    return Asset(
        "job",
        f"{dag_id}/{task['task_id']}",
        task.get("task_display_name") or task["task_id"],
        parent=dag_id,
        description=task.get("doc_md") or None,
        owners=(owner,) if owner and owner != "airflow" else (),
        properties={"operator": operator} if operator else {},
    )


def _dataset(each: Mapping[str, Any]) -> Asset:
    return Asset(
        "dataset",
        f"dataset/{each['id']}",
        each.get("name") or each.get("uri") or f"Dataset {each['id']}",
        changed_at=moment(each.get("updated_at")),
    )


def _edges(each: Mapping[str, Any]) -> Iterator[Lineage]:
    """Producing task to dataset, dataset to consuming DAG, and the dataset to the table that its URI names."""
    here = Ref(key=f"dataset/{each['id']}")
    for task in each.get("producing_tasks") or ():
        yield Lineage(Ref(key=f"{task['dag_id']}/{task['task_id']}"), here, "airflow")
    for dag in each.get("consuming_dags") or each.get("scheduled_dags") or ():
        yield Lineage(here, Ref(key=dag["dag_id"]), "airflow")
    parts = urlsplit(each.get("uri") or "")
    names = [part for part in parts.path.split("/") if part]
    if parts.scheme in DATABASES and len(names) >= 2:
        yield Lineage(
            here,
            Ref(database=names[-3] if len(names) > 2 else None, schema=names[-2], table=names[-1]),
            "airflow",
        )
