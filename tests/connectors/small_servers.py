"""Small servers of Superset and Airflow, whose real ones are too slow to be asked a hundred times.

Enters and leaves: nothing. Every list that the connectors read has a row or three in it, with every member they know.
"""

from __future__ import annotations

from typing import Any

from tests.connectors.vendor_server import Asked, Vendor


def airflow(version: str, datasets: str) -> Vendor:
    """Three DAGs with two tasks each, a run, and a dataset (v1) or asset (v2)."""
    base = f"/api/{version}"
    dags = [
        {"dag_id": f"load {n}", "dag_display_name": f"Load {n}", "owners": ["priya", "airflow"], "is_paused": n == 1,
         "tags": [{"name": "größe"}], "timetable_summary": "0 2 * * *", "timetable_description": "At 02:00",
         "description": "Loads", "last_parsed_time": "2026-05-01T10:00:00+00:00", "next_dagrun": None,
         "schedule_interval": {"__type": "CronExpression", "value": "0 2 * * *"}}
        for n in range(3)
    ]  # fmt: skip
    tasks = [
        {"task_id": "read", "operator_name": "PythonOperator", "downstream_task_ids": ["write"], "owner": "priya",
         "doc_md": "Reads", "class_ref": {"class_name": "PythonOperator", "module_path": "x"}},
        {"task_id": "write", "task_display_name": "Write", "downstream_task_ids": [], "owner": "airflow"},
    ]  # fmt: skip
    run = {"dag_id": "load 0", "state": "success", "start_date": "2026-05-01T02:00:00+00:00",
           "end_date": "2026-05-01T02:05:00+00:00"}  # fmt: skip
    asset = {"id": 1, "uri": "postgres://db/analytics/sales/orders", "name": "orders", "updated_at": None,
             "producing_tasks": [{"dag_id": "load 0", "task_id": "write"}],
             "consuming_dags": [{"dag_id": "load 1"}], "scheduled_dags": [{"dag_id": "load 1"}]}  # fmt: skip

    def page(field: str, rows: list[Any]) -> Any:
        def listed(asked: Asked) -> Any:
            start = int(asked.query.get("offset", 0))
            return {field: rows[start : start + int(asked.query["limit"])], "total_entries": len(rows)}

        return listed

    return Vendor(
        {
            f"GET {base}/version": lambda asked: {"version": "x.y"},
            f"GET {base}/dags": page("dags", dags),
            f"GET {base}/dags/*": lambda asked: {"tasks": tasks, "total_entries": 2},
            f"GET {base}/dags/~/dagRuns": page("dag_runs", [run]),
            f"GET {base}/{datasets}": page(datasets, [asset]),
        }
    )


def superset() -> Vendor:
    """A database, two datasets (one of them SQL), two charts, a dashboard, events and statements."""
    people = [{"id": 1, "first_name": "Grace", "last_name": "Ö'Hopper"}]
    tags = [{"id": 1, "name": "gold", "type": 1}, {"id": 2, "name": "type:chart", "type": 2}]
    base = {"id": 1, "database_name": "Warehouse"}
    extra = '{"certification": {"certified_by": "Data", "details": "Audited"}, "warning_markdown": "late"}'
    rows: dict[str, list[dict[str, Any]]] = {
        "database": [{**base, "backend": "postgresql"}],
        "dataset": [
            {"id": 1, "table_name": "orders", "schema": "sales", "catalog": None, "database": base, "kind": "physical",
             "sql": None, "owners": people, "explore_url": "/explore/?x=1", "description": "Orders", "extra": extra,
             "changed_on_utc": "2026-05-01T10:00:00+0000"},
            {"id": 2, "table_name": "big orders", "schema": "sales", "database": base, "kind": "virtual", "owners": people,
             "sql": "select * from {{ dataset(1) }}", "extra": None, "explore_url": "/explore/?x=2"},
        ],
        "chart": [
            {"id": n, "slice_name": f"Chart {n}", "description": "x", "owners": people, "url": f"/explore/?c={n}", "tags": tags,
             "changed_on_utc": "2026-05-01T10:00:00+0000", "viz_type": "table", "certified_by": "Data", "datasource_id": 1,
             "certification_details": "Audited", "datasource_type": "table", "params": '{"metric": "revenue"}',
             "dashboards": [{"id": 5, "dashboard_title": "Board"}]}
            for n in (3, 4)
        ],
        "dashboard": [
            {"id": 5, "dashboard_title": "Board", "description": "x", "owners": people, "url": "/dashboard/5/", "tags": tags,
             "status": "published", "certified_by": "Data", "certification_details": "Audited"}
        ],
        "log": [{"dttm": "2026-05-01T10:00:00", "user_id": 1, "dashboard_id": 5, "slice_id": None},
                {"dttm": "2026-05-01T10:00:00", "user_id": 2, "dashboard_id": None, "slice_id": 3}],
        "query": [{"sql": "select 1 from orders", "schema": "sales", "start_time": "1777600000000.0", "user": {"id": 1},
                   "sql_tables": [{"table": "orders", "schema": "sales", "catalog": None}], "database": base}],
    }  # fmt: skip
    whole = {
        "columns": [{"id": 1, "column_name": "status", "type": "TEXT", "expression": None, "description": "Where",
                     "verbose_name": "State"},
                    {"id": 2, "column_name": "margin", "type": None, "expression": "amount * 2", "verbose_name": None}],
        "metrics": [{"id": 1, "metric_name": "revenue", "expression": "SUM(amount)", "verbose_name": "Revenue",
                     "description": "What came in", "warning_text": "net", "extra": extra},
                    {"id": 2, "metric_name": "count", "expression": "COUNT(*)"}],
        "database": {"id": 1, "database_name": "Warehouse", "backend": "postgresql"}, "created_on": "2026-05-01T10:00:00",
        "description": "Orders",
    }  # fmt: skip

    def page(kind: str) -> Any:
        def listed(asked: Asked) -> Any:
            found = rows[kind] if "page:0" in asked.query["q"] else []
            return {
                "count": len(rows[kind]),
                "ids": list(range(1, len(found) + 1)),
                "result": found,
            }

        return listed

    return Vendor(
        {
            **{f"GET /api/v1/{kind}/": page(kind) for kind in rows},
            "GET /api/v1/dataset/*": lambda asked: {"id": 1, "result": whole},
            "GET /api/v1/me/roles/": lambda asked: {
                "result": {"roles": {"R": [["all_query_access", "all_query_access"]]}}
            },
        }
    )
