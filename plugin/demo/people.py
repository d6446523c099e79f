"""The people of the sample and what they know: members, teams, glossary, owners, tags. All invented."""

from __future__ import annotations

from dataclasses import dataclass

PASSWORD = "harbor-demo"
"""Of every sample account. The demo serves on loopback only."""

WORKSPACE = "Harbor Goods"
SLUG = "harbor-goods"


@dataclass(frozen=True)
class Person:
    """A sample member."""

    email: str
    name: str
    role: str
    teams: tuple[str, ...]
    about: str


PEOPLE = (
    Person("maren@harbor.example", "Maren Kolb", "admin", (), "sees everything, may run SQL"),
    Person(
        "priya@harbor.example",
        "Priya Nair",
        "editor",
        ("Finance",),
        "finance analyst, may run SQL on the warehouse",
    ),
    Person(
        "tomas@harbor.example", "Tomás Ortega", "editor", ("Sales",), "owns the sales tables, may not run SQL"
    ),
    Person(
        "ines@harbor.example", "Inês Duarte", "viewer", ("People Operations",), "sees the private hr schema"
    ),
    Person("jonas@harbor.example", "Jonas Berg", "viewer", (), "sees what General sees"),
    Person("lena@agency.example", "Lena Voss", "guest", ("Sales",), "outside agency, only the Sales team"),
)

TEAMS = (("Sales", False), ("Finance", False), ("People Operations", True))
"""Name and private; General is there by itself."""

GRANTS = (
    ("General", "warehouse", "sales"),
    ("General", "warehouse", "supply"),
    ("General", "warehouse", "web"),
    ("General", "support", None),
    ("Sales", "warehouse", "sales"),
    ("Sales", "warehouse", "marketing"),
    ("Finance", "warehouse", "finance"),
    ("Finance", "warehouse", "marketing"),
    ("People Operations", "warehouse", "hr"),
)
"""Team, integration, schema (None: all of it)."""

GLOSSARY = (
    ("Net revenue", "Gross amount less discounts, tax excluded, of completed orders. Reported by Finance from "
     "finance.revenue_daily.", ("revenue", "turnover", "net sales")),
    ("Completed order", "An order that was shipped or delivered. Only these count as revenue.", ("fulfilled order",)),
    ("Lifetime value", "Net revenue of one customer over all completed orders.", ("LTV", "CLV")),
    ("Active customer", "A customer with a completed order in the last 12 months.", ("buyer",)),
    ("Return on ad spend", "Attributed revenue divided by campaign spend.", ("ROAS",)),
    ("Attribution window", "An order counts for a campaign within 14 days of the last touch.", ()),
    ("SKU", "Stock keeping unit: the smallest thing we sell and count, such as HG-00042.", ("article number",)),
    ("Guest order", "An order at a till without a registered customer; customer_id is empty.", ()),
    ("Channel", "Where an order came in: web, app, store, phone or market.", ("sales channel",)),
)  # fmt: skip

OWNERS = (
    ("sales.orders", "tomas@harbor.example"),
    ("sales.customers", "tomas@harbor.example"),
    ("sales.order_items", "tomas@harbor.example"),
    ("sales.completed_orders", "tomas@harbor.example"),
    ("finance.revenue_daily", "priya@harbor.example"),
    ("finance.revenue_monthly", "priya@harbor.example"),
    ("finance.invoices", "priya@harbor.example"),
    ("marketing.campaigns", "tomas@harbor.example"),
    ("hr.salaries", "ines@harbor.example"),
    ("hr.employees", "ines@harbor.example"),
)

TAGS = (
    ("sales.orders", "core"),
    ("sales.customers", "core"),
    ("sales.customers", "personal data"),
    ("finance.revenue_daily", "certified"),
    ("finance.revenue_monthly", "certified"),
    ("finance.ledger_entries", "audited"),
    ("hr.salaries", "restricted"),
)

VERIFIED = ("sales.orders", "sales.customers", "finance.revenue_daily", "finance.revenue_monthly")

DOCUMENTS = (
    ("How we report revenue", "Use finance.revenue_daily or finance.revenue_monthly. Do not sum "
     "sales.orders.gross_amount: it includes tax and cancelled orders. Questions go to Finance."),
    ("Working with customer data", "sales.customers holds personal data. Check marketing_consent before any "
     "campaign and never export addresses."),
)  # fmt: skip
