-- The sample warehouse of Harbor Goods, a made-up retailer: DuckDB, six schemas. Every person and number is invented.
-- Rows are generated from row numbers, so that each build of the demo is the same.

create schema sales;
create schema marketing;
create schema finance;
create schema supply;
create schema web;
create schema hr;

-- sales ------------------------------------------------------------------------------------------------------------
create table sales.regions (
    region_id integer primary key,
    name varchar(40) not null,
    country char(2) not null
);
create table sales.stores (
    store_id integer primary key,
    region_id integer not null references sales.regions (region_id),
    name varchar(80) not null,
    opened_on date,
    closed_on date
);
create table sales.customers (
    customer_id integer primary key,
    full_name varchar(120) not null,
    email varchar(254),
    phone varchar(30),
    date_of_birth date,
    region_id integer references sales.regions (region_id),
    signup_date date not null,
    marketing_consent boolean not null default false
);
create table sales.product_categories (
    category_id integer primary key,
    parent_id integer references sales.product_categories (category_id),
    name varchar(60) not null
);
create table sales.products (
    product_id integer primary key,
    category_id integer references sales.product_categories (category_id),
    sku varchar(20) unique not null,
    name varchar(120) not null,
    list_price decimal(10, 2) not null,
    discontinued boolean not null default false
);
create table sales.orders (
    order_id bigint primary key,
    order_number varchar(20) unique not null,
    customer_id integer references sales.customers (customer_id),
    store_id integer references sales.stores (store_id),
    placed_at timestamp not null,
    status varchar(16) not null default 'placed',
    channel varchar(12) not null,
    currency char(3) not null default 'EUR',
    gross_amount decimal(12, 2) not null,
    discount_amount decimal(12, 2) not null default 0,
    net_amount decimal(12, 2) not null,
    gift_note varchar,
    updated_at timestamp
);
create table sales.order_items (
    order_id bigint not null references sales.orders (order_id),
    line_number integer not null,
    product_id integer not null references sales.products (product_id),
    quantity integer not null,
    unit_price decimal(10, 2) not null,
    primary key (order_id, line_number)
);
create table sales.order_events (
    event_id bigint primary key,
    order_id bigint not null references sales.orders (order_id),
    event_type varchar(20) not null,
    happened_at timestamp not null
);
create table sales.returns (
    return_id integer primary key,
    order_id bigint not null references sales.orders (order_id),
    reason_code varchar(12),
    refunded_amount decimal(12, 2),
    returned_at timestamp
);
create view sales.completed_orders as
    select order_id, customer_id, store_id, channel, placed_at, net_amount
    from sales.orders where status in ('delivered', 'shipped') and net_amount > 0;
create view sales.customer_orders as
    select c.customer_id, c.region_id, c.signup_date, count(o.order_id) as order_count,
           sum(o.net_amount) as lifetime_value, min(o.placed_at) as first_order_at
    from sales.customers c left join sales.completed_orders o on o.customer_id = c.customer_id
    group by c.customer_id, c.region_id, c.signup_date;
create view sales.top_customers as
    select customer_id, lifetime_value, order_count from sales.customer_orders where lifetime_value > 500;
create view sales.orders_by_region as
    select r.name as region, date_trunc('month', o.placed_at) as month, count(*) as orders, sum(o.net_amount) as net_revenue
    from sales.completed_orders o
    join sales.customers c on c.customer_id = o.customer_id
    join sales.regions r on r.region_id = c.region_id
    group by r.name, date_trunc('month', o.placed_at);

comment on table sales.regions is 'Sales regions, the top of the reporting tree.';
comment on table sales.stores is 'Every shop, open or closed. Online sales have no store.';
comment on table sales.customers is 'One row per registered customer. Guests at a till are not here.';
comment on column sales.customers.full_name is 'Name as given at registration.';
comment on column sales.customers.email is 'Address of the account; confirmed by link.';
comment on column sales.customers.signup_date is 'Day of registration, in local time of the region.';
comment on column sales.customers.marketing_consent is 'Opted in to newsletters. Check before any campaign.';
comment on table sales.product_categories is 'Tree of categories as shown in the shop.';
comment on table sales.products is 'Products that are or were on sale, one row per SKU.';
comment on column sales.products.list_price is 'Price before discounts, tax included, in EUR.';
comment on table sales.orders is 'One row per order, from every channel. Cancelled orders stay, with their status.';
comment on column sales.orders.order_id is 'Assigned at checkout, never reused.';
comment on column sales.orders.order_number is 'The number the customer sees, for example on the invoice.';
comment on column sales.orders.customer_id is 'Who placed the order. Empty for guests at a till.';
comment on column sales.orders.placed_at is 'When the customer confirmed, in UTC.';
comment on column sales.orders.status is 'Where the order stands: placed, paid, shipped, delivered, returned or cancelled.';
comment on column sales.orders.channel is 'Where the order came in: web, app, store, phone, market.';
comment on column sales.orders.gross_amount is 'Before discounts, tax included.';
comment on column sales.orders.discount_amount is 'All discounts of the order, vouchers included.';
comment on column sales.orders.net_amount is 'Gross less discounts, tax excluded. Use this for revenue.';
comment on column sales.orders.gift_note is 'Free text for the recipient.';
comment on table sales.order_items is 'The lines of an order: product, quantity and the price paid.';
comment on table sales.order_events is 'Every change of an order''s status with its time.';
comment on table sales.returns is 'Returned orders and what was refunded.';
comment on view sales.completed_orders is 'Orders that count as revenue: shipped or delivered.';
comment on view sales.customer_orders is 'Each customer with number of orders and lifetime value.';
comment on view sales.orders_by_region is 'Monthly orders and net revenue by region, from completed orders.';

-- marketing --------------------------------------------------------------------------------------------------------
create table marketing.campaigns (
    campaign_id integer primary key,
    name varchar(80) not null,
    channel varchar(20) not null,
    starts_on date not null,
    ends_on date,
    budget_eur decimal(12, 2)
);
create table marketing.campaign_spend (
    campaign_id integer not null references marketing.campaigns (campaign_id),
    spend_date date not null,
    amount_eur decimal(12, 2) not null,
    clicks integer not null,
    impressions integer not null,
    primary key (campaign_id, spend_date)
);
create table marketing.promotions (
    promotion_id integer primary key,
    code varchar(20) unique not null,
    percent_off decimal(5, 2),
    valid_until date
);
create table marketing.newsletter_subscribers (
    subscriber_id integer primary key,
    email varchar(254) not null,
    subscribed_at timestamp,
    unsubscribed_at timestamp
);
create table marketing.campaign_touches (
    touch_id bigint primary key,
    campaign_id integer not null references marketing.campaigns (campaign_id),
    customer_id integer not null,
    touched_at timestamp not null
);
create view marketing.campaign_attribution as
    select t.campaign_id, o.order_id, o.customer_id, o.net_amount
    from marketing.campaign_touches t
    join sales.orders o on o.customer_id = t.customer_id and o.placed_at between t.touched_at and t.touched_at + interval 14 day;
create view marketing.return_on_ad_spend as
    select c.campaign_id, c.name, sum(s.amount_eur) as spend, coalesce(a.revenue, 0) / nullif(sum(s.amount_eur), 0) as roas
    from marketing.campaigns c
    join marketing.campaign_spend s on s.campaign_id = c.campaign_id
    left join (select campaign_id, sum(net_amount) as revenue from marketing.campaign_attribution group by campaign_id) a
      on a.campaign_id = c.campaign_id
    group by c.campaign_id, c.name, a.revenue;
comment on table marketing.campaigns is 'Paid and owned campaigns with their budget.';
comment on table marketing.campaign_spend is 'Daily spend, clicks and impressions per campaign.';
comment on table marketing.promotions is 'Voucher codes and their discount.';
comment on table marketing.newsletter_subscribers is 'Everybody who ever subscribed to the newsletter.';
comment on column marketing.newsletter_subscribers.email is 'Address the newsletter is sent to.';
comment on view marketing.campaign_attribution is 'Orders within 14 days of a campaign touch. An order can count for several campaigns.';
comment on view marketing.return_on_ad_spend is 'Revenue attributed to a campaign divided by what it cost.';

-- finance ----------------------------------------------------------------------------------------------------------
create table finance.accounts (
    account_code varchar(10) primary key,
    name varchar(80) not null,
    account_type varchar(20) not null
);
create table finance.ledger_entries (
    entry_id bigint primary key,
    account_code varchar(10) not null references finance.accounts (account_code),
    booked_on date not null,
    amount_eur decimal(14, 2) not null,
    reference varchar(40)
);
create table finance.invoices (
    invoice_id bigint primary key,
    order_id bigint not null,
    issued_on date not null,
    due_on date not null,
    total_eur decimal(12, 2) not null,
    paid_on date
);
create table finance.refunds (
    refund_id bigint primary key,
    invoice_id bigint not null references finance.invoices (invoice_id),
    amount_eur decimal(12, 2) not null,
    refunded_on date not null
);
create table finance.exchange_rates (
    currency char(3) not null,
    rate_date date not null,
    eur_rate decimal(12, 6) not null,
    primary key (currency, rate_date)
);
create table finance.budgets (
    budget_id integer primary key,
    cost_center varchar(20),
    fiscal_year integer,
    amount_eur decimal(14, 2)
);
create view finance.revenue_daily as
    select cast(placed_at as date) as day, channel, sum(net_amount) as net_revenue, count(*) as orders
    from sales.completed_orders group by cast(placed_at as date), channel;
create view finance.revenue_monthly as
    select date_trunc('month', day) as month, sum(net_revenue) as net_revenue, sum(orders) as orders
    from finance.revenue_daily group by date_trunc('month', day);
create view finance.open_invoices as
    select invoice_id, order_id, due_on, total_eur from finance.invoices where paid_on is null;
comment on table finance.accounts is 'Chart of accounts.';
comment on table finance.ledger_entries is 'General ledger bookings. The source of truth for reported figures.';
comment on table finance.invoices is 'Customer invoices, one per shipped order.';
comment on table finance.refunds is 'Money paid back against an invoice.';
comment on table finance.exchange_rates is 'Daily reference rates to the euro.';
comment on view finance.revenue_daily is 'Net revenue per day and channel. Finance reports from this.';
comment on view finance.revenue_monthly is 'Net revenue per month, the figure in the board report.';
comment on view finance.open_invoices is 'Invoices that are not paid yet.';

-- supply -----------------------------------------------------------------------------------------------------------
create table supply.suppliers (supplier_id integer primary key, name varchar(80) not null, country char(2), contact_email varchar(254));
create table supply.warehouses (warehouse_id integer primary key, city varchar(60) not null, capacity_pallets integer);
create table supply.stock_levels (
    warehouse_id integer not null references supply.warehouses (warehouse_id),
    product_id integer not null,
    on_hand integer not null,
    counted_at timestamp not null,
    primary key (warehouse_id, product_id)
);
create table supply.purchase_orders (
    po_id integer primary key,
    supplier_id integer not null references supply.suppliers (supplier_id),
    ordered_on date not null,
    expected_on date,
    total_eur decimal(12, 2)
);
create table supply.shipments (
    shipment_id bigint primary key,
    order_id bigint not null,
    warehouse_id integer references supply.warehouses (warehouse_id),
    carrier varchar(30),
    shipped_at timestamp,
    delivered_at timestamp
);
create view supply.late_shipments as
    select shipment_id, order_id, carrier, date_diff('day', shipped_at, delivered_at) as days
    from supply.shipments where date_diff('day', shipped_at, delivered_at) > 5;
create view supply.stock_value as
    select s.warehouse_id, sum(s.on_hand * p.list_price) as value_eur
    from supply.stock_levels s join sales.products p on p.product_id = s.product_id group by s.warehouse_id;
comment on table supply.suppliers is 'Companies we buy from.';
comment on table supply.stock_levels is 'Units on hand per warehouse and product, as last counted.';
comment on table supply.shipments is 'Parcels handed to a carrier, with delivery time.';
comment on view supply.late_shipments is 'Shipments that took more than five days.';
comment on view supply.stock_value is 'Stock per warehouse at list price.';

-- web --------------------------------------------------------------------------------------------------------------
create table web.sessions (session_id varchar(36) primary key, customer_id integer, started_at timestamp not null, device varchar(20), ip_address varchar(45));
create table web.page_views (view_id bigint primary key, session_id varchar(36) not null references web.sessions (session_id), path varchar(200), viewed_at timestamp);
create table web.searches (search_id bigint primary key, session_id varchar(36), query_text varchar(200), results integer);
create view web.sessions_daily as
    select cast(started_at as date) as day, device, count(*) as sessions from web.sessions group by cast(started_at as date), device;
create view web.conversion_daily as
    select s.day, sum(s.sessions) as sessions, max(r.orders) as orders
    from web.sessions_daily s left join finance.revenue_daily r on r.day = s.day and r.channel = 'web' group by s.day;
comment on table web.sessions is 'Visits to the online shop.';
comment on table web.page_views is 'Pages seen in a visit.';
comment on view web.conversion_daily is 'Visits and web orders per day.';

-- hr (a private team only) -----------------------------------------------------------------------------------------
create table hr.departments (department_id integer primary key, name varchar(60) not null, cost_center varchar(20));
create table hr.employees (
    employee_id integer primary key,
    full_name varchar(120) not null,
    department_id integer references hr.departments (department_id),
    manager_id integer references hr.employees (employee_id),
    hired_on date not null,
    social_security_number varchar(20)
);
create table hr.salaries (
    employee_id integer not null references hr.employees (employee_id),
    valid_from date not null,
    annual_salary_eur decimal(12, 2) not null,
    primary key (employee_id, valid_from)
);
create view hr.headcount as select department_id, count(*) as employees from hr.employees group by department_id;
comment on table hr.employees is 'Everybody who works or worked here.';
comment on table hr.salaries is 'Salary history. Restricted to People Operations.';
comment on view hr.headcount is 'Employees per department.';

-- rows -------------------------------------------------------------------------------------------------------------
create temp macro scatter(x) as (cast(x as bigint) * 2654435761 + 97) % 1000000007;
insert into sales.regions select i, ['North', 'South', 'East', 'West', 'Islands'][i], ['DE', 'IT', 'PL', 'FR', 'PT'][i] from range(1, 6) t(i);
insert into sales.stores select i, 1 + i % 5, 'Harbor Goods ' || i, date '2015-01-01' + cast(i * 40 as integer), null from range(1, 25) t(i);
insert into sales.customers
    select i, 'Customer ' || i, 'customer' || i || '@example.org', '+49 30 5550' || lpad(cast(i as varchar), 4, '0'),
           date '1960-01-01' + cast(scatter(i) % 15000 as integer), 1 + i % 5, date '2022-01-01' + cast(scatter(i * 7) % 1300 as integer), i % 3 = 0
    from range(1, 2001) t(i);
insert into sales.product_categories select i, null, ['Outdoor', 'Kitchen', 'Garden', 'Travel', 'Tents', 'Knives', 'Tools', 'Bags'][i] from range(1, 5) t(i);
insert into sales.product_categories select i, 1 + i % 4, ['Outdoor', 'Kitchen', 'Garden', 'Travel', 'Tents', 'Knives', 'Tools', 'Bags'][i] from range(5, 9) t(i);
insert into sales.products select i, 1 + i % 8, 'HG-' || lpad(cast(i as varchar), 5, '0'), 'Product ' || i, 5 + (scatter(i) % 20000) / 100.0, i % 17 = 0 from range(1, 301) t(i);
insert into sales.orders
    select i, 'HG-2025-' || lpad(cast(i as varchar), 6, '0'), 1 + scatter(i) % 2000, case when i % 3 = 0 then 1 + i % 24 end,
           timestamp '2025-01-01 08:00:00' + to_minutes(cast(i * 87 as bigint)), ['placed', 'paid', 'shipped', 'delivered', 'delivered', 'delivered', 'returned', 'cancelled'][1 + scatter(i * 3) % 8],
           ['web', 'app', 'store', 'phone', 'market'][1 + scatter(i * 5) % 5], 'EUR', g, d, round((g - d) / 1.19, 2),
           case when i % 50 = 0 then 'Happy birthday!' end, null
    from (select i, round(10 + (scatter(i * 11) % 30000) / 100.0, 2) as g, case when i % 4 = 0 then 5.00 else 0 end as d from range(1, 5001) t(i));
insert into sales.order_items select 1 + i // 2, 1 + i % 2, 1 + scatter(i) % 300, 1 + scatter(i * 2) % 4, 5 + (scatter(i * 3) % 9000) / 100.0 from range(0, 10000) t(i);
insert into sales.order_events select i, i, 'placed', timestamp '2025-01-01 08:00:00' + to_minutes(cast(i * 87 as bigint)) from range(1, 5001) t(i);
insert into sales.returns select i, i * 20, ['size', 'damaged', 'late', 'other'][1 + i % 4], 20 + i % 60, timestamp '2025-02-01 00:00:00' + to_hours(i * 30) from range(1, 201) t(i);
insert into marketing.campaigns select i, 'Campaign ' || i, ['search', 'social', 'mail', 'print'][1 + i % 4], date '2025-01-01' + cast(i * 20 as integer), date '2025-01-15' + cast(i * 20 as integer), 1000 * i from range(1, 13) t(i);
insert into marketing.campaign_spend select c, date '2025-01-01' + cast(c * 20 + d as integer), 20 + (scatter(c * 31 + d) % 5000) / 100.0, scatter(c + d) % 900, scatter(c * d) % 20000 from range(1, 13) a(c), range(0, 14) b(d);
insert into marketing.promotions select i, 'SAVE' || i, 5 * i, date '2025-12-31' from range(1, 9) t(i);
insert into marketing.newsletter_subscribers select i, 'reader' || i || '@example.org', timestamp '2024-01-01 00:00:00' + to_hours(i * 5), null from range(1, 801) t(i);
insert into marketing.campaign_touches select i, 1 + i % 12, 1 + scatter(i) % 2000, timestamp '2025-01-20 00:00:00' + to_hours(i) from range(1, 3001) t(i);
insert into finance.accounts values ('4000', 'Sales revenue', 'income'), ('4400', 'Refunds', 'income'), ('6000', 'Marketing', 'expense'), ('6200', 'Salaries', 'expense');
insert into finance.ledger_entries select i, ['4000', '4400', '6000', '6200'][1 + i % 4], date '2025-01-01' + cast(i // 6 as integer), (scatter(i) % 900000) / 100.0, 'REF-' || i from range(1, 2001) t(i);
insert into finance.invoices select i, i, date '2025-01-02' + cast(i // 16 as integer), date '2025-02-02' + cast(i // 16 as integer), 10 + (scatter(i) % 30000) / 100.0, case when i % 7 > 0 then date '2025-01-20' + cast(i // 16 as integer) end from range(1, 4001) t(i);
insert into finance.refunds select i, i * 20, 15 + i % 50, date '2025-03-01' + cast(i as integer) from range(1, 151) t(i);
insert into finance.exchange_rates select c, date '2025-01-01' + cast(d as integer), 0.8 + (scatter(d) % 1000) / 5000.0 from (values ('USD'), ('GBP'), ('CHF')) a(c), range(0, 300) b(d);
insert into finance.budgets select i, 'CC-' || i, 2025, 10000 * i from range(1, 21) t(i);
insert into supply.suppliers select i, 'Supplier ' || i, 'DE', 'orders' || i || '@supplier.example' from range(1, 31) t(i);
insert into supply.warehouses values (1, 'Hamburg', 9000), (2, 'Genoa', 4000), (3, 'Gdansk', 3500);
insert into supply.stock_levels select w, p, scatter(w * 1000 + p) % 400, timestamp '2025-10-01 06:00:00' from range(1, 4) a(w), range(1, 301) b(p);
insert into supply.purchase_orders select i, 1 + i % 30, date '2025-01-01' + cast(i as integer), date '2025-01-20' + cast(i as integer), 500 + i * 3 from range(1, 251) t(i);
insert into supply.shipments select i, i, 1 + i % 3, ['DHL', 'GLS', 'UPS'][1 + i % 3], timestamp '2025-01-02 10:00:00' + to_minutes(cast(i * 87 as bigint)), timestamp '2025-01-04 10:00:00' + to_minutes(cast(i * 87 as bigint)) + to_hours(scatter(i) % 140) from range(1, 3501) t(i);
insert into web.sessions select 's-' || i, case when i % 2 = 0 then 1 + scatter(i) % 2000 end, timestamp '2025-01-01 00:00:00' + to_minutes(cast(i * 43 as bigint)), ['phone', 'desktop', 'tablet'][1 + i % 3], '203.0.113.' || i % 250 from range(1, 8001) t(i);
insert into web.page_views select i, 's-' || (1 + i % 8000), '/p/' || scatter(i) % 300, timestamp '2025-01-01 00:00:00' + to_minutes(cast(i * 21 as bigint)) from range(1, 16001) t(i);
insert into web.searches select i, 's-' || i, ['tent', 'knife', 'backpack', 'stove'][1 + i % 4], scatter(i) % 80 from range(1, 1001) t(i);
insert into hr.departments values (1, 'Stores', 'CC-1'), (2, 'Online', 'CC-2'), (3, 'Finance', 'CC-3'), (4, 'People Operations', 'CC-4');
insert into hr.employees select i, 'Employee ' || i, i, null, date '2016-01-01' + cast(i * 90 as integer), '000-00-' || lpad(cast(i as varchar), 4, '0') from range(1, 5) t(i);
insert into hr.employees select i, 'Employee ' || i, 1 + i % 4, 1 + i % 4, date '2016-01-01' + cast(scatter(i) % 3000 as integer), '000-00-' || lpad(cast(i as varchar), 4, '0') from range(5, 181) t(i);
insert into hr.salaries select i, date '2025-01-01', 32000 + scatter(i) % 60000 from range(1, 181) t(i);
