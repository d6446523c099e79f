"""Approved queries: values are bound on four engines, approval opens one gate and no other, each attempt is written."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import connect
from connectors.abilities import RunLimits
from plugin.access.viewer import Role, Surface, Viewer
from plugin.catalog.sync import sync
from plugin.errors import BadInput, Conflict, NotFound, Refused
from plugin.run_sql.approved import bound, preview_approved, read_parameters, run_approved, save
from plugin.run_sql.explain import explain_decision
from plugin.run_sql.guard import check, parameters_named
from plugin.run_sql.results import Results
from plugin.run_sql.run import run
from plugin.run_sql.verdict import VisibleTables
from plugin.store import Store
from plugin.store.shapes import ApprovedQuery, QueryParameter

WORLD = VisibleTables.of({"t.notes": ["id", "note", "day", "amount"]})
TEXT = (
    "SELECT id, note, '50% :note $1 ?' AS literal FROM {table} WHERE note = :note AND amount >= :least "
    "AND (day >= :since OR :note = 'all') AND note LIKE '%' ORDER BY id"
)
EVIL = "x' OR '1'='1'; DROP TABLE notes; -- \\' %s $1 :least"


@pytest.fixture
def shop(store: Store, admin: Viewer, tmp_path: Path) -> int:
    """A synced SQLite integration with a query credential that General may see; AI and Run SQL are on."""
    path = tmp_path / "shop.db"
    connection = sqlite3.connect(path)
    connection.executescript(
        "create table orders (id integer primary key, total numeric, status text, day text);"
        "insert into orders values (1, 10.5, 'paid', '2024-01-01'), (2, 99, 'parked', '2024-02-01'), (3, 7, 'paid', '2024-03-01');"
        "create table people (id integer primary key, email text);"
    )
    connection.close()
    with store.as_admin(admin) as door:
        made = door.integrations.add("shop", "sqlite", {"path": str(path)}, query={"path": str(path)})
        door.settings.set("ai.enabled", True)
        door.settings.set("ai.run_sql", True)
        general = next(team for team in door.people.teams() if team.is_general)
        door.people.grant(general.id, made.id)
    assert sync(store, admin, made.id).status == "done"
    return made.id


def person(store: Store, admin: Viewer, email: str, role: Role, *teams: str) -> Viewer:
    with store.as_admin(admin) as door:
        member = door.people.add_member(email, role, "", password="correct horse battery")
        for name in teams:
            known = {team.name: team.id for team in door.people.teams()}
            team_id = known.get(name) or door.people.add_team(name).id
            door.people.add_to_team(team_id, member_id=member.id)
    with store.sign_in() as sign_in:
        return sign_in.viewer_for_email(admin.workspace_slug or None, email, Surface.PAGE)


def saved(
    store: Store, admin: Viewer, shop: int, sql: str = "SELECT id, total FROM orders WHERE status = :status"
) -> ApprovedQuery:
    return save(store, admin, shop, "By status", sql, parameters=read_parameters(["status:text=paid"]))


def team_of(store: Store, admin: Viewer, name: str) -> int:
    with store.as_admin(admin) as door:
        return next(team.id for team in door.people.teams() if team.name == name)


def test_somebody_without_query_permission_runs_what_was_approved_for_their_team(
    store: Store, admin: Viewer, shop: int
) -> None:
    bob = person(store, admin, "bob@example.com", Role.VIEWER, "Sales")
    eve = person(store, admin, "eve@example.com", Role.VIEWER, "Other")
    query = saved(store, admin, shop)
    assert query.tables == ("main.orders",) and not query.approved
    for who in (bob, eve):
        with pytest.raises(NotFound):
            run_approved(store, who, query.id, {}, results=Results())
    with store.as_viewer(admin) as door:
        door.queries.approve(query.id, [team_of(store, admin, "Sales")])
    with store.as_viewer(bob) as door:
        assert [each.name for each in door.queries.all()] == ["By status"]
        with pytest.raises(Refused):
            door.queries.approve(query.id, [])
    outcome = run_approved(store, bob, query.id, {"status": "parked"}, results=Results())
    assert [row[0] for row in outcome.result.page()] == [2]
    assert [row[0] for row in run_approved(store, bob, query.id, {}, results=Results()).result.page()] == [
        1,
        3,
    ]
    with pytest.raises(Refused) as refused:
        run(store, bob, shop, "SELECT id FROM orders", results=Results())
    assert refused.value.rule == "run_sql.permission"
    with pytest.raises(NotFound):
        run_approved(store, eve, query.id, {}, results=Results())
    with store.as_viewer(eve) as door:
        assert door.queries.all() == ()
    assert outcome.receipt.limits["query"] == query.id
    assert "parked" not in repr(outcome.receipt), "a value is not written down"
    with store.as_admin(admin) as door:
        lines = [line for line in door.audit.entries() if line.detail.get("query") == query.id]
    assert len(lines) >= 2
    assert explain_decision(store, bob, outcome.receipt.id).verdict_now == "allowed"
    with store.as_viewer(admin) as door:
        door.queries.approve(query.id, [])
    later = explain_decision(store, bob, outcome.receipt.id)
    assert later.verdict_now == "refused"


def test_approval_opens_no_other_gate(store: Store, admin: Viewer, shop: int) -> None:
    bob = person(store, admin, "bob@example.com", Role.VIEWER, "Sales")
    guest = person(store, admin, "guest@example.com", Role.GUEST, "Sales")
    query = saved(store, admin, shop)
    with store.as_viewer(admin) as door:
        door.queries.approve(query.id, [team_of(store, admin, "Sales")])

    def rule(who: Viewer = bob) -> str:
        with pytest.raises((Refused, NotFound)) as caught:
            run_approved(store, who, query.id, {}, results=Results())
        return getattr(caught.value, "rule", "") or "absent"

    with store.as_admin(admin) as door:
        door.people.grant(team_of(store, admin, "Sales"), shop)
    assert rule(guest) == "run_sql.permission"
    for key, gate in (("ai.run_sql", "toggle"), ("ai.enabled", "ai")):
        with store.as_admin(admin) as door:
            door.settings.set(key, False)
        assert rule() == f"run_sql.{gate}"
    with store.as_admin(admin) as door:
        door.settings.set("ai.enabled", True)
        door.settings.set("ai.run_sql", True)
    assert run_approved(store, bob, query.id, {}, results=Results()).result.rows == 2
    with store.as_viewer(admin) as door:
        total = next(
            each
            for each in door.catalog.columns(door.catalog.by_name("main.orders").id)
            if each.name == "total"
        )
        door.edits.set_property(total.id, "sensitivity", "secret")
    assert [row[1] for row in run_approved(store, bob, query.id, {}, results=Results()).result.page()] == [
        None,
        None,
    ]
    with store.as_admin(admin) as door:
        door.settings.set("ai.sql_sensitive", "refuse")
    assert rule() == "run_sql.sensitive"
    with store.as_admin(admin) as door:
        for team in ("Sales", "General"):
            door.people.revoke(team_of(store, admin, team), shop)
    assert rule() == "absent", "a statement over tables that one may not see does not exist"


def test_a_changed_text_waits_for_approval_again(store: Store, admin: Viewer, shop: int) -> None:
    query = saved(store, admin, shop)
    with store.as_viewer(admin) as door:
        assert door.queries.approve(query.id, [team_of(store, admin, "General")]).approved
    changed = save(store, admin, shop, "All", "SELECT id FROM orders", query_id=query.id)
    assert not changed.approved and changed.id == query.id
    with pytest.raises(Conflict):
        run(store, admin, shop, query.sql, results=Results(), query_id=query.id, values={"status": "paid"})
    with store.as_viewer(admin) as door:
        door.queries.delete(query.id)
    with pytest.raises(NotFound):
        run_approved(store, admin, query.id, {}, results=Results())


def test_an_editor_approves_for_teams_of_their_own(store: Store, admin: Viewer, shop: int) -> None:
    ed = person(store, admin, "ed@example.com", Role.EDITOR, "Sales")
    person(store, admin, "zoe@example.com", Role.VIEWER, "Other")
    query = saved(store, admin, shop)
    with store.as_viewer(ed) as door, pytest.raises(NotFound):
        door.queries.approve(query.id, [team_of(store, admin, "Sales")])
    with store.as_admin(admin) as door:
        member = next(each for each in door.people.members() if each.email == "ed@example.com")
        door.integrations.grant_query(shop, "member", member.id)
    with store.as_viewer(ed) as door:
        assert {name for _, name in door.queries.teams_to_approve(query.id)} == {"General", "Sales"}
        with pytest.raises(BadInput):
            door.queries.approve(query.id, [team_of(store, admin, "Other")])
        assert door.queries.approve(query.id, [team_of(store, admin, "Sales")]).approved
        with pytest.raises(Refused):
            door.queries.save(shop, "mine now", "SELECT 1", query_id=query.id)


def test_what_is_saved_passes_every_gate_and_its_parameters_fit(
    store: Store, admin: Viewer, shop: int
) -> None:
    for sql, parameters, error in (
        ("DELETE FROM orders WHERE id = :id", ["id:integer"], Refused),
        ("SELECT * FROM hidden WHERE id = :id", ["id:integer"], Refused),
        ("SELECT * FROM :table", ["table"], Refused),
        ("SELECT :a FROM orders", [], BadInput),
        ("SELECT id FROM orders", ["a"], BadInput),
        ("SELECT :a FROM orders", ["a:blob"], BadInput),
        ("SELECT :a FROM orders", ["a:integer=x"], BadInput),
        ("SELECT :a FROM orders", ["a", "a"], BadInput),
        ("SELECT :a FROM orders", ["a b c"], BadInput),
    ):
        with pytest.raises(error):
            save(store, admin, shop, "x", sql, parameters=read_parameters(parameters))
    query = saved(store, admin, shop)
    with pytest.raises(BadInput):
        run_approved(store, admin, query.id, {"other": "1"}, results=Results())


def test_a_parameter_stands_only_where_a_value_stands() -> None:
    upper = VisibleTables.of({"T.NOTES": ["ID", "NOTE", "DAY", "AMOUNT"]})
    for dialect in ("postgres", "mysql", "sqlite", "duckdb", "redshift", "bigquery", "snowflake", "clickhouse",
                    "databricks", "trino"):  # fmt: skip

        def verdict(sql: str, dialect: str = dialect) -> Any:
            world, schema = (upper, "T") if dialect == "snowflake" else (WORLD, "t")
            return check(sql, dialect=dialect, tables=world, default_schema=schema, parameters=("x",))

        assert verdict("SELECT id FROM notes WHERE note = :x LIMIT :x").accepted
        assert verdict("SELECT COUNT(*) FROM notes WHERE id IN (:x, 2) AND note LIKE :x").accepted
        for sql in ("SELECT * FROM :x", "SELECT * FROM t.:x", "SELECT n.:x FROM notes n", "SELECT id AS :x FROM notes",
                    "SELECT id FROM notes WHERE id = :y", "SELECT REPEAT('a', :x)", "SELECT id FROM notes; :x"):  # fmt: skip
            assert not verdict(sql).accepted, (dialect, sql)
        assert not check("SELECT :x", dialect=dialect, tables=WORLD).accepted
        assert parameters_named("SELECT id FROM notes WHERE id = :b AND id > :a OR id < :b", dialect) == (
            "a",
            "b",
        )
    for dialect in ("tsql", "oracle"):  # Docent runs no SQL there
        assert not check("SELECT :x", dialect=dialect, tables=WORLD, parameters=("x",)).accepted


def rows(runner: Any, dialect: str, table: str, values: dict[str, object]) -> list[tuple[Any, ...]]:
    tables = VisibleTables.of({table: ["id", "note", "day", "amount"]})
    verdict = check(TEXT.format(table=table), dialect=dialect, tables=tables, parameters=tuple(values))
    assert verdict.accepted, verdict.reasons
    assert EVIL not in verdict.rendered
    with runner.run(
        verdict.rendered, RunLimits(), lambda _: None, [values[name] for name in verdict.bound]
    ) as result:
        return [row for batch in result.batches for row in batch]


NOTES = (
    "create table notes (id int, note varchar(200), day date, amount decimal(10,2))",
    "insert into notes values (1, 'a', '2024-01-01', 5), (2, 'a', '2024-06-01', 50), (3, 'b', '2024-06-01', 50)",
)


def proven(runner: Any, dialect: str, table: str, plain: bool = False) -> None:
    least: object = 1.0 if plain else Decimal("1")
    since: object = "2024-02-01" if plain else date(2024, 2, 1)
    found = rows(runner, dialect, table, {"note": "a", "least": least, "since": since})
    assert [(row[0], row[2]) for row in found] == [(2, "50% :note $1 ?")]
    assert rows(runner, dialect, table, {"note": EVIL, "least": least, "since": since}) == []
    assert len(rows(runner, dialect, table, {"note": "b", "least": least, "since": since})) == 1


def test_postgres_binds_values(postgres_url: str) -> None:
    import psycopg

    with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as connection:
        for statement in NOTES:
            connection.execute(statement)  # type: ignore[call-overload]
        proven(connect("postgres", {"url": postgres_url}, {}), "postgres", "public.notes")


def test_mariadb_binds_values(mariadb_url: str) -> None:
    from sqlalchemy import create_engine, make_url, text

    engine = create_engine(mariadb_url)
    with engine.begin() as connection:
        for statement in NOTES:
            connection.execute(text(statement))
    engine.dispose()
    proven(connect("mysql", {"url": mariadb_url}, {}), "mysql", f"{make_url(mariadb_url).database}.notes")


def test_sqlite_and_duckdb_bind_values(tmp_path: Path) -> None:
    import duckdb

    connection = sqlite3.connect(tmp_path / "a.db")
    with duckdb.connect(str(tmp_path / "b.duckdb")) as other:
        for statement in NOTES:
            connection.execute(statement)
            other.execute(statement)
    connection.commit()
    connection.close()
    proven(connect("sqlite", {"path": str(tmp_path / "a.db")}, {}), "sqlite", "main.notes", plain=True)
    proven(connect("duckdb", {"path": str(tmp_path / "b.duckdb")}, {}), "duckdb", "main.notes")


def one(parameter: QueryParameter) -> ApprovedQuery:
    return ApprovedQuery(1, 1, "", "", "", "", (parameter,), (), (), "", True, (), False, None, None, None)  # type: ignore[arg-type]


@given(st.text(), st.sampled_from(["text", "integer", "number", "date", "timestamp", "boolean"]))
def test_a_value_is_of_its_type_or_refused(text: str, kind: str) -> None:
    query = one(QueryParameter("p", kind))
    try:
        value = bound(query, {"p": text})["p"]
    except BadInput:
        return
    expected = {"text": str, "integer": int, "number": Decimal, "boolean": bool}.get(kind, date)
    assert isinstance(value, expected)


def test_an_estimate_of_an_approved_query_takes_values_and_runs_nothing(
    store: Store, admin: Viewer, shop: int
) -> None:
    query = saved(store, admin, shop)
    found = preview_approved(store, admin, query.id, {"status": "open"})
    assert found.decision.allowed and found.rows is None  # SQLite tells none
    with store.as_admin(admin) as door:
        door.settings.set("ai.run_sql", False)
    assert preview_approved(store, admin, query.id, {}).decision.closed is not None
    with pytest.raises(BadInput):
        preview_approved(store, admin, query.id, {"absent": "x"})


def test_the_planner_of_duckdb_is_asked_with_values_and_a_parameter_may_follow_select(tmp_path: Path) -> None:
    import duckdb

    path = tmp_path / "a.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "create schema t; create table t.notes as select range as id, 'x' as note from range(100)"
        )
    verdict = check(
        "SELECT :label AS label, id FROM t.notes WHERE id < :most",
        dialect="duckdb", tables=WORLD, parameters=("label", "most"),
    )  # fmt: skip
    assert verdict.accepted, verdict.reasons
    source = connect("duckdb", {"path": str(path)}, {})
    values = {"label": "a", "most": 7}
    given_ = [values[name] for name in verdict.bound]
    told = source.estimate(verdict.rendered, given_)  # type: ignore[attr-defined]
    assert told is not None and told.rows is not None and told.rows > 0
    with source.run(verdict.rendered, RunLimits(), lambda _: None, given_) as running:  # type: ignore[attr-defined]
        rows = [row for batch in running.batches for row in batch]
    assert rows[:2] == [("a", 0), ("a", 1)] and len(rows) == 7


def test_the_planner_of_postgresql_is_asked_with_values(postgres_url: str) -> None:
    source = connect("postgres", {}, {"url": postgres_url})
    told = source.estimate("SELECT n FROM generate_series(1, $1) AS g(n)", [50])  # type: ignore[attr-defined]
    assert told is not None and told.cost is not None


LISTED = (
    "SELECT id FROM {table} WHERE id IN (:ids) AND note NOT IN (:without, 'zz') AND (:day IS NULL OR day = :day) "
    "AND (:notes IS NULL OR note IN (:notes)) AND (:least IS NULL OR amount >= :least) ORDER BY id"
)
LISTED_PARAMETERS = ["ids:integer[]", "without:text[]=q", "day:date?", "notes:text[]?", "least:number?"]
LISTED_CASES: list[tuple[dict[str, Any], list[int]]] = [
    ({"ids": "1, 2,3"}, [1, 2, 3]),
    ({"ids": ["3", "1", "3"]}, [1, 3]),
    ({"ids": "1\n3", "day": None, "notes": None, "least": None}, [1, 3]),
    ({"ids": "1,2,3", "day": "2024-06-01", "least": ""}, [2, 3]),
    ({"ids": "1,2,3", "notes": ["b", EVIL]}, [3]),
    ({"ids": "1,2,3", "notes": f'"{EVIL}"'}, []),
    ({"ids": "1,2,3", "without": "a", "least": "6.5"}, [3]),
    ({"ids": ",".join(map(str, range(1, 1001)))}, [1, 2, 3]),
]


def proven_lists(runner: Any, dialect: str, table: str) -> None:
    tables = VisibleTables.of({table: ["id", "note", "day", "amount"]})
    query = replace(one(QueryParameter("x", "text")), parameters=read_parameters(LISTED_PARAMETERS))
    for given_, expected in LISTED_CASES:
        values = bound(query, given_, dialect)
        verdict = check(LISTED.format(table=table), dialect=dialect, tables=tables, parameters=tuple(values))
        assert verdict.accepted, verdict.reasons
        assert EVIL not in verdict.rendered and "6.5" not in verdict.rendered
        with runner.run(
            verdict.rendered, RunLimits(), lambda _: None, [values[name] for name in verdict.bound]
        ) as result:
            assert [row[0] for batch in result.batches for row in batch] == expected, (given_, dialect)


def test_lists_and_nulls_are_bound_on_postgres(postgres_url: str) -> None:
    import psycopg

    with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as connection:
        for statement in NOTES:
            connection.execute(statement)  # type: ignore[call-overload]
        proven_lists(connect("postgres", {"url": postgres_url}, {}), "postgres", "public.notes")


def test_lists_and_nulls_are_bound_on_mariadb(mariadb_url: str) -> None:
    from sqlalchemy import create_engine, make_url, text

    engine = create_engine(mariadb_url)
    with engine.begin() as connection:
        for statement in NOTES:
            connection.execute(text(statement))
    engine.dispose()
    proven_lists(
        connect("mysql", {"url": mariadb_url}, {}), "mysql", f"{make_url(mariadb_url).database}.notes"
    )


def test_lists_and_nulls_are_bound_on_sqlite_and_duckdb(tmp_path: Path) -> None:
    import duckdb

    connection = sqlite3.connect(tmp_path / "a.db")
    with duckdb.connect(str(tmp_path / "b.duckdb")) as other:
        for statement in NOTES:
            connection.execute(statement)
            other.execute(statement)
    connection.commit()
    connection.close()
    proven_lists(connect("sqlite", {"path": str(tmp_path / "a.db")}, {}), "sqlite", "main.notes")
    proven_lists(connect("duckdb", {"path": str(tmp_path / "b.duckdb")}, {}), "duckdb", "main.notes")


def test_what_is_not_given_or_stands_elsewhere_is_said(store: Store, admin: Viewer, shop: int) -> None:
    sql = "SELECT id FROM orders WHERE id IN (:ids) AND (:day IS NULL OR day >= :day) AND status <> :without"
    query = save(
        store, admin, shop, "Some", sql, parameters=read_parameters(["ids:integer[]", "day:date?", "without"])
    )

    def ids(values: dict[str, Any]) -> list[int]:
        page = run_approved(store, admin, query.id, values, results=Results()).result.page()
        return sorted(row[0] for row in page)

    assert ids({"ids": "1,2", "without": "x"}) == [1, 2]
    assert ids({"ids": ["1", "2"], "without": "x", "day": "2024-01-15"}) == [2]
    assert preview_approved(store, admin, query.id, {"ids": "1", "without": ""}).decision.allowed
    for values, said in (
        ({"without": "x"}, "give at least one value for ids (integer)"),
        ({"ids": " \n", "without": "x"}, "give at least one value for ids (integer)"),
        ({"ids": [], "without": "x"}, "give at least one value for ids (integer)"),
        ({"ids": "1"}, "give a value for without (text)"),
        ({"ids": "1", "without": None}, "give a value for without (text)"),
        ({"ids": "1", "without": ["a"]}, "without takes one value, not a list"),
        ({"ids": "1,two", "without": "x"}, "the value of ids is not an integer"),
        ({"ids": ["1"] * 1001, "without": "x"}, "ids takes at most 1,000 values"),
    ):
        with pytest.raises(BadInput) as caught:
            run_approved(store, admin, query.id, values, results=Results())
        assert said in str(caught.value), values
    for wrong in ("SELECT id FROM orders WHERE id = :ids", "SELECT :ids FROM orders", "SELECT id FROM orders LIMIT :ids",
                  "SELECT id FROM orders WHERE id IN (SELECT :ids)", "SELECT id FROM orders WHERE id IN (:ids + 1)"):  # fmt: skip
        with pytest.raises(Refused) as refused:
            save(store, admin, shop, "x", wrong, parameters=read_parameters(["ids:integer[]"]))
        assert "the list :ids may stand in IN (:ids)" in str(refused.value), wrong
