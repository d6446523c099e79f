"""A company as a source: a connector over records in memory, synced through the real sync, with people and teams.

Everybody sees sales, catalog, marketing, mart and the BI tool; only the private HR team sees hr. Ana is an editor in
General, Hal is in HR, Gus is a guest without a team, Ada the admin.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

import connectors
from connectors.records import Asset, Column, Database, Key, Lineage, Query, Record, Ref, Schema, Table
from plugin.access.viewer import Surface, Viewer
from plugin.store import Store

PASSWORD = "correct horse battery"
DATABASE = "shop"


def table(schema: str, name: str, columns: str, *, description: str | None = None, **more: Any) -> Table:
    """ "id bigint pk; email text 'where we write to'" as a table."""
    made = []
    primary = []
    for position, text in enumerate(columns.split(";"), 1):
        head, _, said = text.strip().partition(" '")
        words = head.split()
        if "pk" in words:
            primary.append(words[0])
        kind = " ".join(word for word in words[1:] if word not in ("pk", "required"))
        nullable = not ({"pk", "required"} & set(words))
        made.append(Column(words[0], position, kind, nullable, description=said.rstrip("'") or None))
    keys = [Key("primary", f"{name}_pkey", tuple(primary))] if primary else []
    keys += [
        Key("foreign", f"{name}_{a}_fkey", (a,), *ref.split(".")[:2], (ref.split(".")[2],))
        for a, ref in more.pop("fk", ())
    ]
    return Table(
        DATABASE, schema, name, columns=tuple(made), keys=tuple(keys), description=description, **more
    )


CHANGED = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)


def records() -> list[Record]:
    """The shop's metadata."""
    found: list[Record] = [Database(DATABASE)]
    found += [Schema(DATABASE, name) for name in ("sales", "catalog", "marketing", "mart", "hr")]
    found += [
        table(
            "sales", "customers",
            "id bigint pk; name text; email text 'where receipts go'; country text; region text; created_at timestamptz",
            description="One row per person who opened an account in the shop.", row_estimate=48_000, changed_at=CHANGED,
            tags=("core",),
        ),
        table(
            "sales", "orders",
            "id bigint pk; customer_id bigint required; placed_at timestamptz required; status text 'open, paid, shipped or returned';"
            "total numeric(12,2) 'gross, in the order currency'; currency char(3); note text",
            description="One row per order, from the moment the basket is paid.", row_estimate=1_200_000, changed_at=CHANGED,
            size_bytes=320_000_000, tags=("core", "finance"), fk=[("customer_id", "sales.customers.id")],
        ),
        table(
            "sales", "order_items",
            "order_id bigint pk; product_id bigint pk; quantity integer required; unit_price numeric(12,2); discount numeric(5,2)",
            description="The lines of an order.", fk=[("order_id", "sales.orders.id"), ("product_id", "catalog.products.id")],
        ),
        table(
            "sales", "refunds", "id bigint pk; order_id bigint; amount numeric(12,2); reason text; refunded_at timestamptz",
            description="Money that went back to a customer.", fk=[("order_id", "sales.orders.id")],
        ),
        table("catalog", "products", "id bigint pk; name text; category text; price numeric(12,2)",
              description="What the shop sells."),
        table("catalog", "suppliers", "id bigint pk; company text; phone text"),
        table(
            "marketing", "campaigns",
            "id bigint pk; name text; channel text; start_date date; end_date date; budget numeric(12,2); clicks integer",
            description="Paid and unpaid marketing campaigns.",
        ),
        table(
            "marketing", "campaign_attribution", "order_id bigint; campaign_id bigint; weight numeric(5,4)",
            description="Each order is credited to one campaign.",
            fk=[("order_id", "sales.orders.id"), ("campaign_id", "marketing.campaigns.id")],
        ),
        table(
            "mart", "monthly_revenue", "month date; country text; revenue numeric(14,2)", kind="view",
            description="Revenue by month and country, net of refunds.",
            definition="SELECT date_trunc('month', o.placed_at)::date AS month, c.country, sum(o.total) AS revenue "
            "FROM sales.orders o JOIN sales.customers c ON c.id = o.customer_id WHERE o.status <> 'returned' GROUP BY 1, 2",
        ),
        table("hr", "employees", "id bigint pk; full_name text; ssn text", description="Everybody who works here."),
        table("hr", "salaries", "employee_id bigint; amount numeric(12,2)", description="Gross monthly salary.",
              fk=[("employee_id", "hr.employees.id")]),
    ]  # fmt: skip
    found += [
        Asset("dashboard", "dash-1", "Revenue overview", description="Board figures.", owners=("Ana Silva",), popularity=0.9),
        Asset("term", "term-1", "Active customer", definition="A customer with a paid order in the last 90 days.",
              owners=("Ana Silva",), properties={"synonyms": ["active buyer"]}),
        Asset("term", "term-2", "Net revenue", definition="Gross order totals minus refunds and tax."),
        Asset("term", "term-3", "Churn", definition="The share of active customers who stop being active within a quarter."),
        Lineage(Ref(database=DATABASE, schema="mart", table="monthly_revenue"), Ref(key="dash-1"), "vendor"),
    ]  # fmt: skip
    return found


@dataclass(frozen=True)
class ShopSettings:
    """It needs none."""


@dataclass(frozen=True)
class Shop:
    """The connector: yields what `SOURCE` makes."""

    given: ShopSettings

    name: ClassVar[str] = "shop"
    title: ClassVar[str] = "Shop"
    dialect: ClassVar[str | None] = "postgres"
    extracts: ClassVar[tuple[str, ...]] = ("table", "view", "term", "dashboard")
    extra: ClassVar[str | None] = None
    verified: ClassVar[str] = "real"
    grant_script: ClassVar[str] = ""
    query_grant_script: ClassVar[str] = ""
    settings: ClassVar[Any] = ShopSettings

    def check(self) -> str:
        return "The shop is open."

    def extract(self) -> Iterator[Record]:
        yield from SOURCE()

    def queries(self) -> Iterator[Query]:
        yield Query(
            "SELECT status, count(*) FROM sales.orders WHERE placed_at > '2026-01-01' GROUP BY 1", 120
        )
        yield Query("SELECT * FROM sales.customers c JOIN sales.orders o ON o.customer_id = c.id", 60)


SOURCE: Callable[[], list[Record]] = records


@dataclass
class World:
    """A populated workspace and its people."""

    store: Store
    integration_id: int
    viewers: dict[str, Viewer] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Viewer:
        try:
            return self.__dict__["viewers"][name]
        except KeyError:
            raise AttributeError(name) from None

    def id(self, name: str) -> int:
        """The id of a resource, as the admin sees it."""
        with self.store.as_viewer(self.viewers["ada"]) as mine:
            return mine.catalog.by_name(name).id


def build(
    store: Store, admin: Viewer, *, more: Callable[[], list[Record]] | None = None, also: tuple[str, ...] = ()
) -> World:
    """Sync the shop into the admin's workspace and put people into teams.

    `more` adds records; General may see those whose names hold a word of `also`.
    """
    global SOURCE
    from plugin.catalog.sync import sync

    SOURCE = records if more is None else lambda: [*records(), *more()]
    connectors.CONNECTORS["shop"] = "tests.assistant.shop:Shop"
    connectors.connectors.cache_clear()
    try:
        with store.as_admin(admin) as door:
            integration = door.integrations.add("warehouse", "shop", {}, {})
        done = sync(store, admin, integration.id)
        assert done.status == "done", done
    finally:
        SOURCE = records
    with store.as_admin(admin) as door:
        people = {
            name: door.people.add_member(f"{name}@harbor.example", role, full, PASSWORD)
            for name, role, full in (
                ("ana", "editor", "Ana Silva"), ("vic", "viewer", "Vic Viewer"), ("hal", "viewer", "Hal Reyes"),
                ("gus", "guest", "Gus Guest"),
            )
        }  # fmt: skip
        teams = {team.name: team for team in door.people.teams()}
        general = next(team for team in teams.values() if team.is_general)
        people_team = door.people.add_team("People", private=True)
        door.people.add_to_team(people_team.id, people["hal"].id)
    world = World(store, integration.id, {"ada": admin})
    with store.as_admin(admin) as door:
        for schema in ("sales", "catalog", "marketing", "mart"):
            door.people.grant(general.id, integration.id, world.id(f"{DATABASE}.{schema}"))
        door.people.grant(people_team.id, integration.id, world.id(f"{DATABASE}.hr"))
        for name in ("Revenue overview", "Active customer", "Net revenue", "Churn"):
            door.people.grant(general.id, integration.id, world.id(name))
    with store.sign_in() as door_in:
        for name in people:
            world.viewers[name] = door_in.viewer_for_email(
                admin.workspace_slug, f"{name}@harbor.example", Surface.PAGE
            )
    for word in also:
        found = []
        for viewer in (admin, world.viewers["vic"]):
            with store.as_viewer(viewer) as mine:
                found.append({each.id for each in mine.catalog.browse(text=word, limit=1000).items})
        with store.as_admin(admin) as door:
            for resource_id in sorted(found[0] - found[1]):  # a grant is slow where there are hundreds
                door.people.grant(general.id, integration.id, resource_id)
    with store.as_viewer(admin) as mine:
        mine.edits.add_owner(world.id("sales.orders"), "ana@harbor.example")
        mine.edits.add_owner(world.id("sales.customers"), "ana@harbor.example")
        mine.edits.set_property(world.id("mart.monthly_revenue"), "verified", True)
    return world
