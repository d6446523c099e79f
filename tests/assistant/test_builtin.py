"""The assistant without a model: questions as people type them, over the real tools, against the shop's catalog."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from plugin.access.viewer import Surface
from plugin.assistant import Question, ask
from plugin.config import read_config
from plugin.egress.gateway import Gateway
from plugin.egress.parts import Fragment
from plugin.providers.builtin.sql_columns import column_for
from plugin.providers.builtin.talk import Thing
from plugin.store import open_store
from tests.assistant.conftest import Answered
from tests.assistant.shop import World, build

PHRASINGS: list[tuple[str, list[str]]] = [
    # owners
    ("who owns sales.orders?", ["sales.orders", "Ana Silva"]),
    ("Who is the owner of the orders table", ["Ana Silva"]),
    ("who ownes sales.orders", ["Ana Silva"]),
    ("who should I ask about refunds?", ["sales.refunds", "no owner"]),
    ("who is responsible for customers", ["Ana Silva"]),
    ("owner of sales.orders", ["Ana Silva"]),
    ("what does Ana own?", ["sales.orders", "sales.customers"]),
    ("tables owned by ana silva", ["sales.orders"]),
    ("who can I talk to about refunds?", ["no owner", "Nearest to it", "Ana Silva owns"]),
    # places, kinds, changes, verdicts
    ("what is in warehouse?", ["sales.orders"]),
    ("list everything in the sales schema", ["sales.orders"]),
    ("list reports about suppliers", ["There is no dashboard about", "What comes near", "catalog.suppliers"]),
    ("dashboards about revenue", ["1 dashboard about", "Revenue overview"]),
    ("what changed in the last week?", ["No sync found a change", "7 days"]),
    (
        "which tables were dropped since yesterday",
        ["No sync found anything removed at the sources since", "day, 20", "(UTC)"],
    ),
    ("can i delete sales.customers", ["Not without breaking", "Ana Silva"]),
    ("is it safe to drop sales.customers?", ["Not without breaking", "foreign keys"]),
    ("which columns reference customer_id", ["customer_id"]),
    ("which tables hold customer addresses?", ["best match", "sales.customers"]),
    ("who owns sales.orders.status?", ["no owner of its own", "Its table", "is owned by Ana Silva"]),
    ("delete all orders", ["I cannot change data", "Nothing was changed"]),
    ("drop sales.customers", ["I cannot change data", "Not without breaking"]),
    ("update all orders set status to paid", ["I cannot change data"]),
    ("which columns does orders have and what type are they", ["sales.orders", "numeric(12,2)"]),
    ("which tables have more than 10 rows", ["rows or more", "as their sources estimate"]),
    ("which tables have more than 5 billion rows", ["has so many rows; the largest is"]),
    ("which tables have email addresses?", ["sales.customers", "`email`"]),
    ("what does lighthouse mean", ["no term"]),
    ("forecast next quarter's revenue", ["needs a language model", "docent settings ai.provider"]),
    ("revenue by country of customer", ["JOIN sales.customers", "country", "SUM("]),
    ("Wo finde ich Daten über Bestellungen?", ["I answer in English", "sales.orders"]),
    ("Où sont les commandes des clients ?", ["I answer in English", "sales.orders"]),
    ("¿Dónde están los pedidos de los clientes?", ["I answer in English", "sales.orders"]),
    ("hola", ["I answer in English"]),
    # terms
    ("What does active customer mean?", ["paid order in the last 90 days"]),
    ('what does "net revenue" mean', ["minus refunds and tax"]),
    ("what is churn", ["stop being active"]),
    ("define churn", ["stop being active"]),
    ("what is an active buyer", ["paid order"]),
    ("show me the glossary", ["Active customer", "Net revenue", "Churn"]),
    # describing
    ("describe sales.orders", ["One row per order", "placed_at", "numeric(12,2)"]),
    ("DESCRIBE SALES.ORDERS", ["One row per order"]),
    ("tell me about customers", ["opened an account"]),
    ("what is in the orders table?", ["One row per order"]),
    ("what is monthly_revenue", ["net of refunds"]),
    ("explain sales.refunds please", ["Money that went back"]),
    ("orders", ["One row per order"]),
    # finding
    ("where can I find data about refunds?", ["sales.refunds"]),
    ("do we have data about marketing campaigns", ["marketing.campaigns"]),
    ("which tables have information about customers?", ["sales.customers"]),
    ("find tables about products", ["catalog.products"]),
    ("I am looking for campaign attribution", ["campaign_attribution"]),
    ("which view shows monthly revenue", ["mart.monthly_revenue"]),
    ("is there a dashboard about revenue", ["Revenue overview"]),
    # lineage
    ("what feeds mart.monthly_revenue?", ["sales.orders", "sales.customers"]),
    ("where does mart.monthly_revenue come from", ["sales.orders"]),
    ("upstream of the revenue overview dashboard", ["mart.monthly_revenue"]),
    ("what depends on sales.orders", ["mart.monthly_revenue", "Revenue overview"]),
    ("what breaks if I drop sales.customers?", ["mart.monthly_revenue", "Ana Silva"]),
    ("what would break if we deleted sales.orders", ["mart.monthly_revenue"]),
    ("which dashboards use sales.orders", ["Revenue overview"]),
    ("can I safely drop sales.refunds", ["Nothing that I know of depends"]),
    ("lineage of mart.monthly_revenue", ["sales.orders", "Revenue overview"]),
    ("how is mart.monthly_revenue calculated?", ["masked"]),
    # joins
    ("how do orders and customers join?", ["customer_id = id", "JOIN sales.customers"]),
    ("How can I join sales.orders with sales.customers?", ["customer_id = id"]),
    ("join orders to products", ["order_items", "JOIN"]),
    ("relationship between orders and campaigns", ["campaign_attribution"]),
    ("what can I join to orders", ["sales.customers", "sales.refunds"]),
    ("how are refunds related to customers", ["sales.orders"]),
    # lists
    ("most popular tables", ["sales.orders"]),
    ("top 3 most used tables", ["sales.orders"]),
    ("undocumented tables", ["catalog.suppliers"]),
    ("which tables have no description?", ["catalog.suppliers"]),
    ("which tables have no owner", ["sales.refunds"]),
    ("tables without owner in catalog", ["catalog.products"]),
    ("which columns look personal?", ["customers.email", "suppliers.phone"]),
    ("is there any PII in sales.customers", ["customers.email"]),
    ("which tables are verified", ["mart.monthly_revenue"]),
    ("can I trust mart.monthly_revenue", ["verified"]),
    ("what is tagged finance?", ["sales.orders"]),
    ("tags of orders", ["core", "finance"]),
    ("what changed recently", ["sales.orders"]),
    # counts
    ("how many tables are there in sales?", ["4 tables"]),
    ("how many tables in the sales schema", ["4 tables"]),
    ("how many tables do we have", ["8 tables"]),
    ("count of views", ["1 view"]),
    ("how many schemas are there?", ["4 schemas"]),
    ("how many columns does orders have?", ["7 columns"]),
    ("waht tabels are in sales", ["sales.orders", "sales.refunds"]),
    ("list tables in the sales schema", ["sales.order_items"]),
    ("show me all schemas", ["shop.marketing"]),
    ("what integrations do we have", ["warehouse"]),
    ("give me an overview", ["tables", "glossary terms"]),
    # columns
    ("columns of sales.orders", ["placed_at", "numeric(12,2)"]),
    ("what columns does customers have", ["created_at"]),
    ("wich colums does customers have", ["created_at"]),
    ("what type is orders.total", ["numeric(12,2)"]),
    ("data type of total in sales.orders", ["numeric(12,2)"]),
    ("is orders.note nullable?", ["may be null"]),
    ("primary key of orders", ["`id`"]),
    ("foreign keys of sales.order_items", ["sales.orders", "catalog.products"]),
    ("which tables have a column called email", ["customers.email"]),
    ("where do I find customer_id", ["orders.customer_id"]),
    ("where do I find customer email", ["customers.email"]),
    # freshness and size
    ("how fresh is sales.orders", ["2026-11-20"]),
    ("when was orders last updated?", ["2026-11-20"]),
    ("how big is orders", ["1,200,000"]),
    # SQL
    ("how many orders are there", ["SELECT COUNT(*)", "sales.orders", "{{r1.first.result}}"]),
    ("how many orders per country", ["JOIN sales.customers", "GROUP BY"]),
    ("number of customers per country", ["GROUP BY country"]),
    ("total revenue in 2024 by country", ["SUM(revenue)", "2024-01-01", "GROUP BY country"]),
    ("average total of orders", ["AVG(total)"]),
    ("sum of total in orders by status", ["SUM(total)", "GROUP BY status"]),
    ("top 10 customers by revenue", ["SUM(b.total)", "LIMIT 10"]),
    ("orders where status = 'shipped'", ["status = 'shipped'"]),
    ("orders with total > 1000 and status = 'paid'", ["total > 1000", "status = 'paid'"]),
    ("latest 10 orders", ["ORDER BY placed_at DESC", "LIMIT 10"]),
    ("orders per day", ["date_trunc('day', placed_at)", "COUNT(*)"]),
    ("write sql for orders per month", ["date_trunc('month', placed_at)"]),
    ("how many customers have no email", ["email IS NULL"]),
    ("products with price over 100", ["price > 100"]),
    ("show me the 5 most expensive products", ["ORDER BY price DESC"]),
    ("how many distinct countries are there in customers", ["COUNT(DISTINCT country)"]),
    ("total budget per channel", ["SUM(budget)", "GROUP BY channel"]),
    ("SQL to count marketing.campaigns by channel", ["GROUP BY channel"]),
    ("which columns are called channel", ["campaigns.channel"]),
    ("refunds per country", ["JOIN sales.orders", "JOIN sales.customers", "GROUP BY c.country"]),
    ("clicks by channel", ["SUM(clicks)", "GROUP BY channel"]),
    ("revenue by month", ["SUM(revenue)", "date_trunc('month', month)"]),
    ("total revenue per country per month", ["SELECT country", "SUM(revenue)"]),
    ("orders over 100 euro", ["total > 100"]),
    ("how many orders over 100", ["COUNT(*)", "total > 100"]),
    ("total refunds per month", ["SUM(amount)", "refunded_at"]),
    ("newest customers", ["ORDER BY created_at DESC"]),
    ("customers who signed up in 2024", ["created_at >= '2024-01-01'"]),
    ("top products by revenue", ["SUM(b.quantity * b.unit_price)", "LIMIT 10"]),
    (
        "which customers have never ordered",
        ["NOT EXISTS (SELECT 1 FROM sales.orders AS x WHERE x.customer_id = a.id)"],
    ),
    ("how many customers have no orders", ["COUNT(*)", "NOT EXISTS (SELECT 1 FROM sales.orders AS x"]),
    (
        "how many orders were cancelled last month",
        ["status = 'cancelled'", "spelled as you did", "placed_at >="],
    ),
    ("how much did we sell in 2025", ["SUM(revenue)", "2025-01-01"]),
    (
        "top 10 customers by revenue last month",
        ["SUM(b.total)", "b.placed_at >= date_trunc('month', CURRENT_DATE) - INTERVAL '1 month'"],
    ),
    ("top 5 customers by orders", ["COUNT(*)", "GROUP BY a.id, a.name", "LIMIT 5"]),
    ("how do I get from orders to products", ["order_items"]),
    ("sql for orders joined to customers", ["JOIN sales.customers"]),
    ("biggest tables", ["sales.orders", "1,200,000"]),
    ("describe the sales schema", ["sales.refunds"]),
    ("what is unit price", ["order_items.unit_price"]),
    # queries, comparison, proposals
    ("frequent queries on orders", ["120 times"]),
    # how things are used
    ("which queries are run most often on orders", ["Frequent queries on", "sales.orders", "120 times"]),
    ("what queries run most often in the sales schema?", ["Frequent queries on", "120 times"]),
    ("which queries are run most often", ["The queries that run most often", "120 times"]),
    ("top 3 queries", ["The queries that run most often", "120 times"]),
    ("who uses orders most?", ["counted, not named", "was queried 180 times", "Ana Silva"]),
    ("how often is sales.orders queried", ["by 2 statements", "mart.monthly_revenue"]),
    ("how popular is orders", ["of 100"]),
    ("is catalog.suppliers used?", ["No query on", "Nothing that I know of depends"]),
    ("what are our most used tables", ["The most popular tables", "sales.orders", "of 100"]),
    ("most queried tables", ["The most popular tables", "sales.orders"]),
    ("which tables does nobody use?", ["Nothing is known to query, read or refer to", "catalog.suppliers"]),
    ("unused tables in catalog", ["Nothing is known to query", "catalog.suppliers"]),
    ("how do people join orders?", ["joins to", "sales.customers"]),
    ("which tables are queried together with orders", ["joins to", "sales.customers"]),
    ("how do analysts usually join orders with customers", ["customer_id = id", "JOIN sales.customers"]),
    ("difference between orders and order_items", ["sales.order_items"]),
    ("tag sales.refunds as finance", ["waits for a person"]),
    # words
    ("hello", ["Ask me"]),
    ("help", ["You can ask"]),
    ("thanks!", ["welcome"]),
    # honest
    ("why did revenue drop last month?", ["language model", "docent settings ai.provider"]),
    ("write a description for catalog.suppliers", ["language model"]),
    ("how do I turn on a model?", ["AI settings"]),
    ("who owns the flux capacitor", ["found nothing"]),
    # what had been misread
    ("who can tell me about customers?", ["is owned by Ana Silva"]),
    ("what does one row of orders mean?", ["One row per order"]),
    ("what is the grain of sales.orders", ["One row per order"]),
    ("list columns of sales.orders with types", ["placed_at", "numeric(12,2)"]),
    ("does orders have a currency column?", ["Yes", "`currency`"]),
    ("does orders have a tax column", ["No column of", "`tax`"]),
    ("which tables reference customers?", ["sales.orders", "foreign key"]),
    ("what upstream tables feed monthly_revenue", ["sales.orders"]),
    ("how many tables per schema", ["shop.sales", "resources"]),
    ("which columns are nullable in orders", ["`customer_id`", "may not be null"]),
    ("orders with status 'shipped'", ["WHERE status = 'shipped'"]),
    ("max total of orders", ["MAX(total)"]),
    ("the most expensive product", ["ORDER BY price DESC", "LIMIT 1"]),
    ("who owns the active buyers table", ["Ana Silva"]),
    ("what breaks if I drop column email of customers", ["sales.customers.email", "mart.monthly_revenue"]),
    ("define gross margin", ["The glossary has no term `gross margin`"]),
    ("find tables with a customer_id column", ["a column for `customer_id`, by its name", "sales.orders"]),
    ("what tags are there?", ["Tags in use", "`core`", "`finance`"]),
    ("who are the owners", ["Owners in use", "Ana Silva"]),
    ("what databases do we have", ["You see no database as a whole", "warehouse"]),
    ("join customers with their refunds", ["sales.orders", "JOIN"]),
    ("how do orders join to campaigns", ["campaign_attribution"]),
    # what a hospital's catalog had shown
    ("number of orders for shiny products", ["sales.orders", "found no column there for `shiny products`"]),
    ("how many orders from germany", ["found no column there for `germany`"]),
    ("give me sql for customers older than 65", ["sales.customers", "found no column there"]),
    ("desc sales.orders", ["One row per order"]),
    ("explain refunds table", ["Money that went back", "refunded_at"]),
    ("tables without comments", ["have no description", "catalog.suppliers"]),
    ("if i change sales.orders, what is affected", ["mart.monthly_revenue"]),
    ("does anything depend on sales.customers", ["mart.monthly_revenue"]),
    ("is anything using sales.refunds", ["Nothing that I know of depends"]),
    ("key between orders and refunds", ["order_id", "JOIN"]),
    ("sales schema", ["is a schema", "sales.orders"]),
    ("phi columns in sales", ["customers.email"]),
    ("owner orders", ["is owned by Ana Silva"]),
    (
        "where does the net revenue data come from",
        ["is a glossary term", "mart.monthly_revenue", "sales.orders"],
    ),
    ("orders without campaign", ["NOT EXISTS (SELECT 1 FROM marketing.campaign_attribution"]),
    ("tables in the mart schema with no description", ["All tables and views in"]),
    (
        "tables in the mart schema with no owner",
        ["tables and views in", "have no owner", "mart.monthly_revenue"],
    ),
    ("whats the pk of order items", ["Primary key: `order_id, product_id`"]),
    ("views built on sales.orders", ["mart.monthly_revenue"]),
    ("most expensive products", ["ORDER BY price DESC", "LIMIT 10"]),
    ("anything on customer falls", ["None of these says `falls`"]),
    # what is planned, and whom it concerns
    (
        "what dashboards break if I remove orders.total",
        ["1 dashboard is built on what holds", "Revenue overview"],
    ),
    ("does anything break if we rename sales.orders?", ["mart.monthly_revenue"]),
    ("will any dashboard fail when I delete sales.orders", ["Revenue overview"]),
    ("what happens if I drop sales.customers?", ["depend", "mart.monthly_revenue", "Ana Silva"]),
    ("if sales.orders is dropped, what breaks?", ["mart.monthly_revenue"]),
    ("how risky is it to change sales.orders", ["mart.monthly_revenue"]),
    (
        "who should I tell if I change sales.orders?",
        ["Before changing", "Ana Silva, who owns", "sales.orders"],
    ),
    (
        "who is affected by changes to sales.orders",
        ["Ana Silva, who owns", "Nobody answers for", "monthly_revenue"],
    ),
    ("who needs to know before we rename customers.email", ["Ana Silva, who owns", "sales.customers"]),
    (
        "who should be told before dropping sales.refunds",
        ["Nobody is known to own", "Nothing that I know of depends"],
    ),
    ("trace sales.customers to the dashboards", ["Revenue overview"]),
    ("show me the lineage of mart.monthly_revenue in both directions", ["sales.orders", "Revenue overview"]),
    (
        "which tables have not been updated for one day?",
        ["Unchanged at their source for 1 day", "last changed on 2026-11-20"],
    ),
    (
        "tables in catalog that were not updated for a year",
        ["that you can see is said by its source to be unchanged"],
    ),
    # two questions in one
    (
        "who owns sales.orders and what depends on it?",
        ["is owned by Ana Silva", "depends directly", "monthly_revenue"],
    ),
    ("Who owns the orders table? And who should I tell if I change it?", ["is owned by", "Before changing"]),
    ("what is in the sales schema and who owns sales.orders", ["is a schema", "is owned by Ana Silva"]),
    (
        "what is sales.refunds, who owns it and how fresh is it?",
        ["Money that went back", "no owner", "last changed"],
    ),
    ("describe sales.orders and its columns", ["One row per order", "`currency`"]),
    ("who owns the flux capacitor and what depends on it", ["found nothing called `flux capacitor`"]),
    (
        "what breaks if I drop sales.orders and who should I tell?",
        ["depends directly", "Before changing", "Ana Silva"],
    ),
    # one fact
    ("is customers.email personal?", ["is marked personal", "No value was read"]),
    ("is sales.customers sensitive", ["these columns are marked", "`email` (personal)"]),
    ("is catalog.products personal", ["No column of", "No value was read"]),
    ("is product_id the primary key of order_items", ["Primary key: `order_id, product_id`"]),
    ("is order_id unique in order_items", ["Primary key: `order_id, product_id`"]),
    ("which foreign keys point to customers", ["sales.orders", "foreign key"]),
    ("how many tables are there per schema", ["shop.sales", "resources"]),
    ("who changed the description of sales.orders", ["under Activity", "audit log"]),
    ("what is the source of truth for refunds", ["sales.refunds"]),
    ("when was the last refresh of sales.orders", ["2026-11-20"]),
]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, Gateway]]:
    config = read_config({"DOCENT_HOME": str(tmp_path_factory.mktemp("home"))})
    store = open_store(config)
    with store.sign_in() as door:
        made = door.create_workspace(
            "Acme", "ada@example.com", "correct horse battery", admin_name="Ada Admin"
        )
    with store.sign_in() as door:
        admin = door.viewer_for_email(made.slug, "ada@example.com", Surface.PAGE)
    yield build(store, admin), Gateway(store, config)
    store.close()


def test_there_are_enough_phrasings() -> None:
    assert len(PHRASINGS) >= 80


def test_a_name_as_written_in_sql_is_not_taken_for_another_that_shares_a_word(
    world: tuple[World, Gateway],
) -> None:
    shop, gateway = world
    question = Question("show lineage for revenue_weekly")
    said = Answered(list(ask(shop.store, gateway, shop.vic, question))).text
    assert said.startswith("I found nothing called `revenue_weekly`")
    assert "Net revenue" in said


@pytest.mark.parametrize(("question", "expected"), PHRASINGS, ids=[text for text, _ in PHRASINGS])
def test_it_answers(world: tuple[World, Gateway], question: str, expected: list[str]) -> None:
    shop, gateway = world
    answered = Answered(list(ask(shop.store, gateway, shop.vic, Question(question))))
    assert answered.done["status"] == "done"
    said = answered.text
    for each in expected:
        assert each.lower() in said.lower(), said
    assert "hr." not in said.replace("shop.hr.", "hr.")
    for made in answered.done.get("sql", ()):
        assert made["ok"], made
    assert not answered.done.get("unknown"), answered.done["unknown"]


FOLLOW_UPS: list[tuple[list[str], list[str]]] = [
    (["describe sales.orders", "and its owner?"], ["Ana Silva"]),
    (["describe sales.orders", "who owns it?"], ["Ana Silva"]),
    (["what is sales.refunds", "what columns does it have"], ["refunded_at"]),
    (["who owns sales.orders", "what about refunds?"], ["sales.refunds", "no owner"]),
    (["how many tables are in sales?", "and in marketing?"], ["2 tables"]),
    (["how many tables are in sales?", "list them"], ["sales.order_items"]),
    (["what feeds mart.monthly_revenue", "what depends on it?"], ["Revenue overview"]),
    (["columns of orders", "and customers?"], ["created_at"]),
    (["describe mart.monthly_revenue", "how fresh is it"], ["monthly_revenue"]),
    (["tell me about orders", "what can I join to it"], ["sales.customers"]),
    (["how many orders per country", "what about status?"], ["GROUP BY status"]),
]


@pytest.mark.parametrize(
    ("questions", "expected"), FOLLOW_UPS, ids=[" / ".join(each) for each, _ in FOLLOW_UPS]
)
def test_follow_ups_lean_on_what_was_said(
    world: tuple[World, Gateway], questions: list[str], expected: list[str]
) -> None:
    shop, gateway = world
    chat: int | None = None
    answered = Answered()
    for question in questions:
        answered = Answered(list(ask(shop.store, gateway, shop.vic, Question(question, chat_id=chat))))
        chat = answered.done["chat_id"]
    for each in expected:
        assert each.lower() in answered.text.lower(), answered.text


def test_the_open_page_is_what_it_means(world: tuple[World, Gateway]) -> None:
    shop, gateway = world
    question = Question("who owns this table?", page_resource_id=shop.id("sales.orders"))
    assert "Ana Silva" in Answered(list(ask(shop.store, gateway, shop.vic, question))).text


def test_hidden_and_absent_are_answered_alike(world: tuple[World, Gateway]) -> None:
    shop, gateway = world
    said = []
    for name in ("salaries", "zalaries"):
        for text in (
            f"describe hr.{name}",
            f"who owns {name}",
            f"columns of hr.{name}",
            f"what feeds hr.{name}",
        ):
            said.append(Answered(list(ask(shop.store, gateway, shop.vic, Question(text)))).text)
    half = len(said) // 2
    assert [each.replace("zalaries", "salaries") for each in said[half:]] == said[:half]
    assert (
        "Gross monthly"
        in Answered(list(ask(shop.store, gateway, shop.hal, Question("describe hr.salaries")))).text
    )


def test_a_proposal_waits_for_a_person(world: tuple[World, Gateway]) -> None:
    shop, gateway = world
    question = "set the description of catalog.suppliers to 'Who we buy from'"
    answered = Answered(list(ask(shop.store, gateway, shop.vic, Question(question))))
    proposal = answered.of("proposal")[0]
    assert (proposal["field"], proposal["value"], proposal["state"]) == (
        "description",
        "Who we buy from",
        "open",
    )
    with shop.store.as_viewer(shop.vic) as mine:
        assert not mine.catalog.by_name("catalog.suppliers").description


def test_nothing_is_sent_and_nothing_is_in_the_ledger(world: tuple[World, Gateway]) -> None:
    shop, _gateway = world
    with shop.store.as_admin(shop.ada) as door:
        assert not door.ledger.entries().items


def test_the_same_words_in_another_order_are_the_nearest_name(world: tuple[World, Gateway]) -> None:
    shop, gateway = world
    answered = Answered(list(ask(shop.store, gateway, shop.vic, Question("what feeds mart.revenue_monthly"))))
    assert "the closest is `shop.mart.monthly_revenue`" in answered.text and "sales.orders" in answered.text
    assert answered.done["unknown"][0]["nearest"] == "shop.mart.monthly_revenue"


def test_no_step_is_made_twice(world: tuple[World, Gateway]) -> None:
    shop, gateway = world
    for text in (
        "what is lighthouse",
        "what does lighthouse mean",
        "revenue by country",
        "who owns lighthouse",
    ):
        steps = Answered(list(ask(shop.store, gateway, shop.vic, Question(text)))).done["steps"]
        made = [(step["tool"], str(step["arguments"])) for step in steps]
        assert len(made) == len(set(made)), text


def test_an_amount_that_was_billed_is_not_taken_for_one_that_was_paid() -> None:
    claims = Thing(
        Fragment(1, "table", {"name": "claims", "columns": ({"name": "billed_amount", "type": "numeric"},)})
    )
    assert column_for(claims, "paid amount", numeric=True) is None
    for said in ("billed amount", "amount", "revenue"):
        assert column_for(claims, said, numeric=True) is not None
