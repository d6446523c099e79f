"""The gated run on services that are spoken to over HTTP: gates, guard, parameters, cancel, and rows to nobody else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from connectors import connector_class
from connectors.records import Column, Database, Record, Schema, Table
from plugin.access.viewer import Role, Surface, Viewer
from plugin.catalog.sync import sync
from plugin.errors import NotFound, Refused
from plugin.run_sql.approved import preview_approved, read_parameters, run_approved, save
from plugin.run_sql.execute import Cancelled, QueryError, Stopped
from plugin.run_sql.results import Owner, Results
from plugin.run_sql.run import cancel, preview, run, running, shape_for_model
from plugin.store import Store
from tests.asynchronous import ends, until
from tests.connectors.run_servers import CANARY, SERVICES, SLOW, Fault, Service, served
from tests.connectors.vendor_server import Answer


@dataclass
class There:
    """A synced integration of one service."""

    service: Service
    id: int

    def name(self, table: str) -> str:
        return f"SALES.{table.upper()}" if self.service.upper else f"sales.{table}"


def _records(service: Service) -> Iterator[Record]:
    def cased(name: str) -> str:
        return name.upper() if service.upper else name

    base = cased(service.catalog) if service.catalogs else None
    if base:
        yield Database(base)
    yield Schema(base, cased("sales"))
    for name, columns in {
        "orders": ("id", "total", "note", "day"),
        "salaries": ("id", "salary"),
    }.items():
        made = tuple(
            Column(cased(each), position, "text" if each == "note" else "int", True)
            for position, each in enumerate(columns, start=1)
        )
        yield Table(base, cased("sales"), cased(name), "table", None, None, made)


@pytest.fixture(params=sorted(SERVICES))
def there(
    request: pytest.FixtureRequest, store: Store, admin: Viewer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[There]:
    with served(SERVICES[request.param]()) as service:
        cls = connector_class(service.type)
        monkeypatch.setattr(cls, "extract", lambda self: _records(service))
        if hasattr(cls, "queries"):
            monkeypatch.setattr(cls, "queries", lambda self: iter(()))
        settings, secrets = service.settings()
        with store.as_admin(admin) as door:
            made = door.integrations.add(
                "warehouse", service.type, settings, secrets=secrets, query={**settings, **secrets}
            )
            door.settings.set("ai.enabled", True)
            door.settings.set("ai.run_sql", True)
            door.settings.set("sql.limits.seconds", 600)  # no limit ends what a test cancels
        assert sync(store, admin, made.id).status == "done"
        yield There(service, made.id)


def test_rows_go_to_the_asker_and_the_shape_to_the_model(store: Store, admin: Viewer, there: There) -> None:
    results = Results()
    sql = "SELECT id, note FROM sales.orders ORDER BY id"
    outcome = run(store, admin, there.id, sql, results=results, session="s")
    result = results.get(Owner(admin.workspace_id, admin.member_id, "s"), outcome.result_id)
    assert [row[1] for row in result.page()] == [f"{CANARY}-{n}" for n in range(1, 11)]
    assert [each["name"].lower() for each in shape_for_model(outcome.shape)] == ["id", "note"]
    assert all(each["type"] for each in shape_for_model(outcome.shape))
    assert CANARY not in repr(outcome) + repr(shape_for_model(outcome.shape)) + repr(outcome.receipt)
    (ran,) = there.service.statements.values()
    assert ran.sql.rstrip().upper().endswith("LIMIT 1001") or "LIMIT 1001" in ran.sql
    if there.service.catalogs:  # whatever the session's own database is
        assert there.service.catalog.lower() in ran.sql.lower()


def test_what_one_may_not_see_is_refused_before_anything_is_sent(
    store: Store, admin: Viewer, there: There
) -> None:
    with store.as_viewer(admin) as mine:
        table = mine.catalog.by_name(there.name("orders"), integration=there.id)
    with store.as_admin(admin) as door:
        bob = door.people.add_member("bob@example.com", Role.VIEWER, "Bob", password="correct horse battery")
        general = next(each for each in door.people.teams() if each.is_general)
        door.people.grant(general.id, there.id, resource_id=table.id)
        door.integrations.grant_query(there.id, "member", bob.id)
    with store.sign_in() as sign_in:
        viewer = sign_in.viewer_for_email(admin.workspace_slug or None, "bob@example.com", Surface.PAGE)
    for sql in (
        "SELECT salary FROM sales.salaries",
        "SELECT id FROM sales.orders UNION ALL SELECT salary FROM sales.salaries",
        "SELECT id FROM sales.orders WHERE id IN (SELECT salary FROM sales.salaries)",
        "SELECT absent FROM sales.absent",
        "DELETE FROM sales.orders",
        "SELECT 1; SELECT 2",
    ):
        with pytest.raises(Refused):
            run(store, viewer, there.id, sql, results=Results())
    assert there.service.vendor.asked == []
    assert run(store, viewer, there.id, "SELECT id FROM sales.orders", results=Results()).result.rows == 10


def test_an_error_comes_apart(store: Store, admin: Viewer, there: There) -> None:
    sql = f"SELECT {there.service.bad} FROM sales.orders"

    def error() -> QueryError:
        with pytest.raises(QueryError) as caught:
            run(store, admin, there.id, sql, results=Results())
        return caught.value

    assert CANARY in error().full and CANARY not in str(error())
    with store.as_viewer(admin) as mine:
        table = mine.catalog.by_name(there.name("orders"), integration=there.id)
        note = next(each for each in mine.catalog.columns(table.id) if each.name.lower() == "note")
        mine.edits.set_property(note.id, "sensitivity", "secret")
    before = len(there.service.statements)
    masked = run(store, admin, there.id, "SELECT id, note FROM sales.orders", results=Results())
    assert {row[1] for row in masked.result.page()} == {"[masked]"}
    assert len(there.service.statements) == before + 1


def test_a_cancel_ends_it_at_the_service(store: Store, admin: Viewer, there: There) -> None:
    caught: list[Exception] = []

    def go() -> None:
        try:
            run(store, admin, there.id, f"SELECT {SLOW} FROM sales.orders", results=Results(), run_id="r-1")
        except Stopped as error:
            caught.append(error)

    thread = threading.Thread(target=go)
    thread.start()
    until(there.service.under_way)
    assert running(admin) == ("r-1",)
    cancel(admin, "r-1")
    assert ends(thread) and type(caught[0]) is Cancelled and there.service.under_way() == [], caught
    with pytest.raises(NotFound):
        cancel(admin, "r-1")


def test_the_limits_of_the_workspace_reach_the_service(store: Store, admin: Viewer, there: There) -> None:
    with store.as_admin(admin) as door:
        door.settings.set("sql.limits.seconds", 1)
    with pytest.raises(Stopped, match="stopped after 1 s$"):
        run(store, admin, there.id, f"SELECT {SLOW} FROM sales.orders", results=Results())
    assert there.service.under_way() == []
    with store.as_admin(admin) as door:
        door.settings.set("sql.limits.seconds", 30)
    cut = run(store, admin, there.id, "SELECT id FROM sales.orders", results=Results(), rows=4)
    assert cut.result.rows == 4 and cut.result.truncated == "rows"


def test_an_approved_query_binds_its_values(store: Store, admin: Viewer, there: There) -> None:
    query = save(
        store, admin, there.id, "By day",
        "SELECT id, '50% :a $1 ? @p1' AS t FROM sales.orders WHERE day >= :since AND note <> :text AND id IN (:ids) ORDER BY id",
        parameters=read_parameters(["since:date", "text:text", "ids:integer[]"]),
    )  # fmt: skip
    values: dict[str, Any] = {"since": "2026-01-03", "text": "x' OR '1'='1'; --\\", "ids": ["1", "2", "3"]}
    outcome = run_approved(store, admin, query.id, values, results=Results())
    assert [tuple(row) for row in outcome.result.page()] == [(2, "50% :a $1 ? @p1"), (3, "50% :a $1 ? @p1")]
    assert "OR '1'" not in there.service.texts()
    preview_approved(store, admin, query.id, values)


def test_what_it_would_read_is_told_before(store: Store, admin: Viewer, there: There) -> None:
    shown = preview(store, admin, there.id, "SELECT id FROM sales.orders")
    assert shown.decision.allowed
    assert all(each.sql.startswith("EXPLAIN ") for each in there.service.statements.values()), (
        "nothing has run"
    )
    if there.service.estimates:
        assert there.service.estimates in shown.expected


def test_a_source_that_does_not_say_what_it_expects_is_not_one_that_has_nothing_to_say(
    store: Store, admin: Viewer, there: There
) -> None:
    service = there.service
    service.faults = [Fault(service.places[0], Answer(401, {"message": f"{CANARY} no"}))] * 3
    if service.type == "databricks":
        service.faults = [Fault("warehouses", Answer(401, {"message": "no"}))] * 3
    shown = preview(store, admin, there.id, "SELECT id FROM sales.orders")
    assert shown.decision.allowed and shown.expected == "" and "refused the credential" in shown.unsaid
    assert CANARY not in shown.unsaid
    service.faults = []
    assert preview(store, admin, there.id, "SELECT id FROM sales.orders").unsaid == ""


def test_one_credential_for_both_is_told_whatever_it_is_made_of(
    store: Store, admin: Viewer, there: There
) -> None:
    with store.as_viewer(admin) as mine:
        assert mine.evidence.same_login() == ("warehouse",)
    settings, secrets = there.service.settings()
    other = {
        name: "somebody_else" if name in ("user", "client_id") else text.replace("q@shop.iam", "r@shop.iam")
        for name, text in {**settings, **secrets}.items()
    }
    with store.as_admin(admin) as door:
        door.integrations.set_query_credential(there.id, other)
    with store.as_viewer(admin) as mine:
        assert mine.evidence.same_login() == ()
