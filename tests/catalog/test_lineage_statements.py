"""Statements of query logs in eight engines: the table each writes, the tables it reads, where each column comes from.

What is expected was written down before the first of them was read. A column stands as `name=table.column+...`.
"""

from __future__ import annotations

import pytest

from plugin.catalog.lineage import SqlLineage, lineage_of, statements_of
from plugin.catalog.lineage_plain import read_plain

SCHEMA = {
    "orders": ["id", "customer_id", "total", "status", "created_at"],
    "customers": ["id", "name", "email", "region"],
    "refunds": ["id", "order_id", "amount"],
    "daily": ["day", "revenue", "n"],
    "events": ["id", "user_id", "payload", "ts", "items", "tags"],
    "emps": ["id", "boss_id", "name"],
}

STATEMENTS: tuple[tuple[str, str, str | None, str, str | None], ...] = (
    (
        "postgres",
        "INSERT INTO daily SELECT created_at::date, sum(total), count(*) FROM orders GROUP BY 1",
        "daily",
        "orders",
        "day=orders.created_at revenue=orders.total n=",
    ),
    (
        "postgres",
        "INSERT INTO daily (day, n) SELECT created_at::date, count(id) FROM orders GROUP BY 1 ON CONFLICT (day) DO UPDATE SET n = excluded.n",
        "daily",
        "orders",
        "day=orders.created_at n=orders.id",
    ),
    (
        "postgres",
        "CREATE TABLE t AS SELECT o.*, c.name FROM orders o JOIN customers c ON c.id = o.customer_id",
        "t",
        "orders customers",
        "id=orders.id customer_id=orders.customer_id total=orders.total status=orders.status created_at=orders.created_at name=customers.name",
    ),
    (
        "postgres",
        "CREATE TEMP TABLE tmp ON COMMIT DROP AS SELECT id FROM orders",
        "tmp",
        "orders",
        "id=orders.id",
    ),
    (
        "postgres",
        "UPDATE orders o SET status = c.region FROM customers c WHERE c.id = o.customer_id",
        "orders",
        "customers",
        "status=customers.region",
    ),
    (
        "postgres",
        "UPDATE orders SET (status, total) = (SELECT c.region, r.amount FROM customers c JOIN refunds r ON r.id = c.id WHERE c.id = orders.customer_id)",
        "orders",
        "customers refunds",
        "status=customers.region total=refunds.amount",
    ),
    (
        "postgres",
        "WITH big AS (SELECT * FROM orders WHERE total > 10) INSERT INTO t SELECT id, total FROM big",
        "t",
        "orders",
        "id=orders.id total=orders.total",
    ),
    (
        "postgres",
        "WITH moved AS (DELETE FROM orders WHERE status = 'x' RETURNING *) INSERT INTO archive SELECT * FROM moved",
        "archive",
        "orders",
        "id=orders.id customer_id=orders.customer_id total=orders.total status=orders.status created_at=orders.created_at",
    ),
    (
        "postgres",
        "WITH up AS (UPDATE refunds SET amount = 0 RETURNING id, order_id) INSERT INTO log_t (r, o) SELECT id, order_id FROM up",
        "log_t",
        "refunds",
        "r=refunds.id o=refunds.order_id",
    ),
    (
        "postgres",
        "SELECT c.name, x.total FROM customers c CROSS JOIN LATERAL (SELECT o.total FROM orders o WHERE o.customer_id = c.id ORDER BY 1 DESC LIMIT 1) x",
        None,
        "customers orders",
        "name=customers.name total=orders.total",
    ),
    (
        "postgres",
        "SELECT e.id, t.tag FROM events e, unnest(e.tags) AS t(tag)",
        None,
        "events",
        "id=events.id tag=events.tags",
    ),
    (
        "postgres",
        "SELECT e.id, j.value ->> 'sku' AS sku FROM events e CROSS JOIN LATERAL jsonb_array_elements(e.items) AS j(value)",
        None,
        "events",
        "id=events.id sku=events.items",
    ),
    (
        "postgres",
        "SELECT id, sum(total) OVER (PARTITION BY customer_id ORDER BY created_at) AS running FROM orders",
        None,
        "orders",
        "id=orders.id running=orders.total+orders.customer_id+orders.created_at",
    ),
    (
        "postgres",
        "WITH RECURSIVE tree AS (SELECT id, boss_id, name, 1 AS lvl FROM emps WHERE boss_id IS NULL UNION ALL SELECT e.id, e.boss_id, e.name, t.lvl + 1 FROM emps e JOIN tree t ON t.id = e.boss_id) SELECT id, name, lvl FROM tree",
        None,
        "emps",
        "id=emps.id name=emps.name lvl=",
    ),
    (
        "postgres",
        "WITH RECURSIVE tree(a, path) AS (SELECT id, name::text FROM emps UNION ALL SELECT e.id, t.path || e.name FROM emps e JOIN tree t ON t.a = e.boss_id) SELECT a, path FROM tree",
        None,
        "emps",
        "a=emps.id path=emps.name",
    ),
    (
        "postgres",
        "SELECT id, name, total FROM orders JOIN customers USING (id)",
        None,
        "orders customers",
        "id=orders.id name=customers.name total=orders.total",
    ),
    (
        "postgres",
        "SELECT * FROM orders JOIN refunds USING (id)",
        None,
        "orders refunds",
        "id=orders.id customer_id=orders.customer_id total=orders.total status=orders.status created_at=orders.created_at order_id=refunds.order_id amount=refunds.amount",
    ),
    (
        "postgres",
        "SELECT * FROM customers NATURAL JOIN emps",
        None,
        "customers emps",
        "id=customers.id name=customers.name email=customers.email region=customers.region boss_id=emps.boss_id",
    ),
    (
        "postgres",
        "COPY (SELECT id, total FROM orders WHERE total > 5) TO '/tmp/x.csv' CSV HEADER",
        None,
        "orders",
        None,
    ),
    ("postgres", "COPY orders TO STDOUT", None, "orders", None),
    ("postgres", "COPY orders (id, total) FROM STDIN WITH (FORMAT csv)", "orders", "", None),
    (
        "postgres",
        "MERGE INTO daily d USING (SELECT created_at::date AS day, sum(total) AS s FROM orders GROUP BY 1) x ON d.day = x.day WHEN MATCHED AND x.s IS NULL THEN DELETE WHEN MATCHED THEN UPDATE SET revenue = x.s WHEN NOT MATCHED THEN INSERT (day, revenue) VALUES (x.day, x.s)",
        "daily",
        "orders",
        "revenue=orders.total day=orders.created_at",
    ),
    (
        "postgres",
        "CREATE MATERIALIZED VIEW mv AS SELECT region, count(*) AS n FROM customers GROUP BY region WITH NO DATA",
        "mv",
        "customers",
        "region=customers.region n=",
    ),
    ("postgres", "CREATE VIEW v AS SELECT (o).total AS t FROM orders o", "v", "orders", "t=orders.total"),
    (
        "postgres",
        "SELECT id, total INTO TEMP big_orders FROM orders",
        "big_orders",
        "orders",
        "id=orders.id total=orders.total",
    ),
    (
        "postgres",
        "DELETE FROM refunds r USING orders o WHERE o.id = r.order_id AND o.status = 'void'",
        "refunds",
        "orders",
        None,
    ),
    (
        "postgres",
        "SELECT DISTINCT ON (customer_id) customer_id, total FROM orders ORDER BY customer_id, created_at DESC",
        None,
        "orders",
        "customer_id=orders.customer_id total=orders.total",
    ),
    (
        "postgres",
        "SELECT c.region, count(*) FILTER (WHERE o.total > 5) AS big FROM customers c LEFT JOIN orders o ON o.customer_id = c.id GROUP BY GROUPING SETS ((c.region), ())",
        None,
        "customers orders",
        "region=customers.region big=orders.total",
    ),
    (
        "postgres",
        "SELECT * FROM (VALUES (1,'a'),(2,'b')) AS v(k, label) JOIN orders o ON o.id = v.k",
        None,
        "orders",
        "k= label= id=orders.id customer_id=orders.customer_id total=orders.total status=orders.status created_at=orders.created_at",
    ),
    (
        "postgres",
        "SELECT EXISTS (SELECT 1 FROM refunds r WHERE r.order_id = o.id) AS refunded FROM orders o",
        None,
        "orders refunds",
        None,
    ),
    (
        "postgres",
        "SELECT ARRAY(SELECT r.amount FROM refunds r WHERE r.order_id = o.id) AS amounts FROM orders o",
        None,
        "orders refunds",
        "amounts=refunds.amount",
    ),
    ("postgres", "SELECT o.id FROM ONLY orders o TABLESAMPLE SYSTEM (10)", None, "orders", "id=orders.id"),
    (
        "postgres",
        "SELECT id FROM orders EXCEPT ALL SELECT order_id FROM refunds",
        None,
        "orders refunds",
        "id=orders.id",
    ),
    (
        "postgres",
        "INSERT INTO orders (id, total) VALUES (1, (SELECT max(amount) FROM refunds))",
        "orders",
        "refunds",
        "total=refunds.amount id=",
    ),
    (
        "postgres",
        "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$ INSERT INTO daily SELECT created_at, total, 1 FROM orders $$",
        None,
        "",
        None,
    ),
    ("postgres", 'SELECT "Order"."Total" FROM shop."Order"', None, "Order", "Total=Order.Total"),
    ("postgres", "SELECT count(*) FROM pg_catalog.pg_class", None, "pg_class", None),
    ("postgres", "EXPLAIN (ANALYZE, BUFFERS) SELECT id FROM orders", None, "orders", None),
    ("postgres", "CREATE TABLE p PARTITION OF orders FOR VALUES FROM (1) TO (2)", "p", "", None),
    ("postgres", "REFRESH MATERIALIZED VIEW CONCURRENTLY mv", None, "", None),
    (
        "postgres",
        "SELECT o.id, s.x FROM orders o, LATERAL (VALUES (o.total), (o.id)) s(x)",
        None,
        "orders",
        "id=orders.id x=orders.total+orders.id",
    ),
    ("postgres", "PREPARE q AS SELECT id FROM orders WHERE id = $1", None, "orders", None),
    ("postgres", "DECLARE c CURSOR FOR SELECT id FROM orders", None, "orders", None),
    (
        "mysql",
        "INSERT INTO daily (day, revenue) SELECT DATE(created_at), SUM(total) FROM orders GROUP BY 1 ON DUPLICATE KEY UPDATE revenue = VALUES(revenue)",
        "daily",
        "orders",
        "day=orders.created_at revenue=orders.total",
    ),
    ("mysql", "INSERT INTO daily SET day = '2020-01-01', revenue = 3", "daily", "", None),
    (
        "mysql",
        "REPLACE INTO daily (day, revenue) SELECT created_at, total FROM orders",
        "daily",
        "orders",
        "day=orders.created_at revenue=orders.total",
    ),
    (
        "mysql",
        "CREATE TABLE t SELECT id, total FROM orders",
        "t",
        "orders",
        "id=orders.id total=orders.total",
    ),
    (
        "mysql",
        "UPDATE orders o INNER JOIN customers c ON c.id = o.customer_id SET o.status = c.region",
        "orders",
        "customers",
        "status=customers.region",
    ),
    (
        "mysql",
        "UPDATE orders, customers SET orders.status = customers.region WHERE customers.id = orders.customer_id",
        "orders",
        "customers",
        "status=customers.region",
    ),
    ("mysql", "DELETE o FROM orders o JOIN refunds r ON r.order_id = o.id", "orders", "refunds", None),
    (
        "mysql",
        "SELECT o.id, j.sku FROM orders o, JSON_TABLE(o.status, '$[*]' COLUMNS (sku VARCHAR(10) PATH '$.sku')) AS j",
        None,
        "orders",
        "id=orders.id sku=orders.status",
    ),
    (
        "mysql",
        "SELECT id, GROUP_CONCAT(status ORDER BY created_at SEPARATOR ',') AS s FROM orders FORCE INDEX (ix) GROUP BY id",
        None,
        "orders",
        "id=orders.id s=orders.status+orders.created_at",
    ),
    (
        "mysql",
        "SELECT /*+ NO_MERGE(x) */ STRAIGHT_JOIN o.id FROM orders o STRAIGHT_JOIN refunds r ON r.order_id = o.id",
        None,
        "orders refunds",
        "id=orders.id",
    ),
    (
        "mysql",
        "SELECT id FROM orders INTO OUTFILE '/tmp/o.csv' FIELDS TERMINATED BY ','",
        None,
        "orders",
        None,
    ),
    (
        "mysql",
        "LOAD DATA LOCAL INFILE 'x.csv' INTO TABLE orders FIELDS TERMINATED BY ','",
        "orders",
        "",
        None,
    ),
    (
        "mysql",
        "CREATE OR REPLACE ALGORITHM=MERGE DEFINER=`a`@`%` SQL SECURITY DEFINER VIEW v AS select `o`.`id` AS `id`,`c`.`name` AS `name` from (`orders` `o` join `customers` `c` on((`c`.`id` = `o`.`customer_id`)))",
        "v",
        "orders customers",
        "id=orders.id name=customers.name",
    ),
    (
        "mysql",
        "WITH RECURSIVE d AS (SELECT MIN(created_at) AS day FROM orders UNION ALL SELECT day + INTERVAL 1 DAY FROM d WHERE day < '2030-01-01') SELECT d.day, c.name FROM d LEFT JOIN customers c ON TRUE",
        None,
        "orders customers",
        "day=orders.created_at name=customers.name",
    ),
    (
        "mysql",
        "SELECT * FROM (orders o, customers c) LEFT JOIN refunds r ON r.order_id = o.id",
        None,
        "orders customers refunds",
        None,
    ),
    (
        "snowflake",
        "CREATE OR REPLACE TRANSIENT TABLE t AS SELECT id, total FROM orders QUALIFY ROW_NUMBER() OVER (PARTITION BY customer_id ORDER BY created_at DESC) = 1",
        "t",
        "orders",
        "id=orders.id total=orders.total",
    ),
    (
        "snowflake",
        "INSERT OVERWRITE INTO daily SELECT created_at, total, 1 FROM orders",
        "daily",
        "orders",
        "day=orders.created_at revenue=orders.total n=",
    ),
    (
        "snowflake",
        "SELECT e.id, f.value:sku::string AS sku FROM events e, LATERAL FLATTEN(input => e.items) f",
        None,
        "events",
        "id=events.id sku=events.items",
    ),
    (
        "snowflake",
        "SELECT e.id, f.index AS i FROM events e, TABLE(FLATTEN(e.items)) f",
        None,
        "events",
        "id=events.id i=events.items",
    ),
    ("snowflake", "COPY INTO orders FROM @stage/path FILE_FORMAT = (TYPE = CSV)", "orders", "", None),
    (
        "snowflake",
        "COPY INTO orders (id, total) FROM (SELECT $1, $2 FROM @stage/x) FILE_FORMAT=(FORMAT_NAME='f')",
        "orders",
        "",
        None,
    ),
    ("snowflake", "COPY INTO @stage/out FROM (SELECT id FROM orders) OVERWRITE = TRUE", None, "orders", None),
    ("snowflake", "COPY INTO @stage/out FROM orders", None, "orders", None),
    (
        "snowflake",
        "SELECT * FROM orders PIVOT (SUM(total) FOR status IN ('a','b')) AS p",
        None,
        "orders",
        None,
    ),
    ("snowflake", "SELECT * FROM daily UNPIVOT (v FOR k IN (revenue, n))", None, "daily", None),
    ("snowflake", "CREATE OR REPLACE VIEW v COPY GRANTS AS SELECT $1 AS a FROM (VALUES (1))", "v", "", "a="),
    (
        "snowflake",
        "CREATE DYNAMIC TABLE dt TARGET_LAG = '1 minute' WAREHOUSE = w AS SELECT id FROM orders",
        "dt",
        "orders",
        "id=orders.id",
    ),
    (
        "snowflake",
        "CREATE TASK tk WAREHOUSE = w SCHEDULE = '1 minute' AS INSERT INTO daily SELECT created_at, total, 1 FROM orders",
        "daily",
        "orders",
        None,
    ),
    ("snowflake", "CREATE STREAM st ON TABLE orders", "st", "orders", None),
    (
        "snowflake",
        "INSERT ALL WHEN total > 5 THEN INTO daily (day) VALUES (created_at) ELSE INTO refunds (id) VALUES (id) SELECT id, total, created_at FROM orders",
        "refunds",
        "orders",
        None,
    ),
    (
        "snowflake",
        "SELECT id, total AS t, t * 2 AS tt FROM orders",
        None,
        "orders",
        "id=orders.id t=orders.total tt=orders.total",
    ),
    (
        "snowflake",
        "SELECT * EXCLUDE (email) RENAME (name AS full_name) FROM customers",
        None,
        "customers",
        "id=customers.id full_name=customers.name region=customers.region",
    ),
    (
        "snowflake",
        "SELECT o.id FROM db.shop.orders AT (TIMESTAMP => '2020-01-01'::timestamp) o",
        None,
        "orders",
        "id=orders.id",
    ),
    (
        "snowflake",
        "SELECT * FROM orders MATCH_RECOGNIZE (PARTITION BY customer_id ORDER BY created_at MEASURES FIRST(total) AS f ONE ROW PER MATCH PATTERN (a b+) DEFINE b AS total > 1)",
        None,
        "orders",
        None,
    ),
    ("snowflake", "SELECT x.id FROM IDENTIFIER('orders') x", None, "orders", None),
    ("snowflake", "CREATE TABLE t CLONE orders AT (OFFSET => -60)", "t", "orders", None),
    (
        "snowflake",
        "UPDATE orders SET status = c.region FROM customers c WHERE c.id = orders.customer_id",
        "orders",
        "customers",
        "status=customers.region",
    ),
    (
        "snowflake",
        "SELECT o.id, c.name FROM orders o ASOF JOIN customers c MATCH_CONDITION (o.created_at >= c.id) ON o.customer_id = c.id",
        None,
        "orders customers",
        "id=orders.id name=customers.name",
    ),
    (
        "bigquery",
        "CREATE OR REPLACE TABLE `p.d.t` PARTITION BY DATE(ts) AS SELECT id, ts, item.sku AS sku FROM `p.d.events`, UNNEST(items) AS item",
        "t",
        "events",
        "id=events.id ts=events.ts sku=events.items",
    ),
    (
        "bigquery",
        "SELECT e.id, item FROM d.events e, e.items AS item",
        None,
        "events",
        "id=events.id item=events.items",
    ),
    (
        "bigquery",
        "SELECT e.id, ARRAY(SELECT AS STRUCT i.sku FROM UNNEST(e.items) i) AS skus FROM d.events e",
        None,
        "events",
        "id=events.id skus=events.items",
    ),
    (
        "bigquery",
        "SELECT * EXCEPT (email) REPLACE (UPPER(name) AS name) FROM d.customers",
        None,
        "customers",
        "id=customers.id name=customers.name region=customers.region",
    ),
    (
        "bigquery",
        "MERGE d.daily T USING d.orders S ON T.day = S.created_at WHEN NOT MATCHED BY TARGET THEN INSERT ROW WHEN NOT MATCHED BY SOURCE THEN DELETE",
        "daily",
        "orders",
        None,
    ),
    (
        "bigquery",
        "SELECT id FROM d.orders FOR SYSTEM_TIME AS OF TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL 1 HOUR)",
        None,
        "orders",
        "id=orders.id",
    ),
    (
        "bigquery",
        "SELECT * FROM (SELECT status, total FROM d.orders) PIVOT (SUM(total) FOR status IN ('a', 'b'))",
        None,
        "orders",
        None,
    ),
    (
        "bigquery",
        "FROM d.orders |> WHERE total > 5 |> AGGREGATE SUM(total) AS s GROUP BY status |> SELECT status, s",
        None,
        "orders",
        None,
    ),
    (
        "bigquery",
        "DECLARE x INT64 DEFAULT (SELECT MAX(id) FROM d.orders); INSERT INTO d.daily (n) SELECT x FROM d.customers",
        "daily",
        "customers",
        None,
    ),
    (
        "bigquery",
        "EXPORT DATA OPTIONS (uri='gs://b/*', format='CSV') AS SELECT id FROM d.orders",
        None,
        "orders",
        None,
    ),
    (
        "bigquery",
        "CREATE MODEL d.m OPTIONS (model_type='linear_reg') AS SELECT total AS label FROM d.orders",
        "m",
        "orders",
        None,
    ),
    ("bigquery", "SELECT * FROM ML.PREDICT(MODEL d.m, (SELECT total FROM d.orders))", None, "orders", None),
    (
        "bigquery",
        "SELECT pos, item.sku AS sku FROM d.events CROSS JOIN UNNEST(items) AS item WITH OFFSET AS pos",
        None,
        "events",
        None,
    ),
    (
        "bigquery",
        "WITH x AS (SELECT STRUCT(id AS k, total AS t) AS s FROM d.orders) SELECT s.k FROM x",
        None,
        "orders",
        "k=orders.id+orders.total",
    ),
    ("bigquery", "CREATE TABLE d.t COPY d.orders", "t", "orders", None),
    ("bigquery", "CREATE SNAPSHOT TABLE d.t CLONE d.orders", "t", "orders", None),
    (
        "bigquery",
        "INSERT d.daily (day, n) SELECT created_at, id FROM d.orders",
        "daily",
        "orders",
        "day=orders.created_at n=orders.id",
    ),
    (
        "redshift",
        "CREATE TABLE t DISTKEY(id) SORTKEY(created_at) AS SELECT id, created_at FROM orders",
        "t",
        "orders",
        "id=orders.id created_at=orders.created_at",
    ),
    (
        "redshift",
        "UNLOAD ('SELECT id FROM orders WHERE status = ''x''') TO 's3://b/' IAM_ROLE 'r' PARQUET",
        None,
        "orders",
        None,
    ),
    ("redshift", "COPY orders FROM 's3://b/' IAM_ROLE 'r' CSV", "orders", "", None),
    (
        "redshift",
        "CREATE VIEW v AS SELECT id FROM shop.orders WITH NO SCHEMA BINDING",
        "v",
        "orders",
        "id=orders.id",
    ),
    ("redshift", "ALTER TABLE orders APPEND FROM refunds", "orders", "refunds", None),
    ("redshift", "INSERT INTO #stage SELECT id FROM orders", "#stage", "orders", "id=orders.id"),
    (
        "redshift",
        "SELECT e.id, i.sku FROM events e, e.items i",
        None,
        "events",
        "id=events.id sku=events.items",
    ),
    (
        "tsql",
        "SELECT TOP 10 [o].[id], c.name INTO #tmp FROM [dbo].[orders] AS o WITH (NOLOCK) INNER JOIN dbo.customers c ON c.id = o.customer_id",
        "#tmp",
        "orders customers",
        "id=orders.id name=customers.name",
    ),
    (
        "tsql",
        "MERGE dbo.daily AS t USING (SELECT created_at, total FROM dbo.orders) AS s (d, v) ON t.day = s.d WHEN MATCHED THEN UPDATE SET t.revenue = s.v WHEN NOT MATCHED BY TARGET THEN INSERT (day, revenue) VALUES (s.d, s.v) WHEN NOT MATCHED BY SOURCE THEN DELETE OUTPUT $action;",
        "daily",
        "orders",
        "revenue=orders.total day=orders.created_at",
    ),
    (
        "tsql",
        "UPDATE o SET o.status = c.region FROM dbo.orders o JOIN dbo.customers c ON c.id = o.customer_id",
        "orders",
        "customers",
        "status=customers.region",
    ),
    ("tsql", "DELETE o FROM dbo.orders o JOIN dbo.refunds r ON r.order_id = o.id", "orders", "refunds", None),
    (
        "tsql",
        "SELECT o.id, x.amount FROM dbo.orders o OUTER APPLY (SELECT TOP 1 r.amount FROM dbo.refunds r WHERE r.order_id = o.id) x",
        None,
        "orders refunds",
        "id=orders.id amount=refunds.amount",
    ),
    (
        "tsql",
        "SELECT * FROM (SELECT status, total FROM dbo.orders) s PIVOT (SUM(total) FOR status IN ([a],[b])) p",
        None,
        "orders",
        None,
    ),
    (
        "tsql",
        "INSERT INTO dbo.daily WITH (TABLOCK) (day, n) SELECT created_at, id FROM dbo.orders",
        "daily",
        "orders",
        "day=orders.created_at n=orders.id",
    ),
    (
        "tsql",
        "WITH x AS (SELECT id, ROW_NUMBER() OVER (ORDER BY created_at) rn FROM dbo.orders) DELETE FROM x WHERE rn > 1",
        "orders",
        "",
        None,
    ),
    (
        "tsql",
        "SELECT total = SUM(o.total), o.status FROM dbo.orders o GROUP BY o.status OPTION (RECOMPILE)",
        None,
        "orders",
        "total=orders.total status=orders.status",
    ),
    (
        "tsql",
        "SELECT o.id, s.value FROM dbo.orders o CROSS APPLY STRING_SPLIT(o.status, ',') s",
        None,
        "orders",
        "id=orders.id value=orders.status",
    ),
    (
        "tsql",
        "DECLARE @t TABLE (id int); INSERT INTO @t SELECT id FROM dbo.orders; SELECT c.name FROM dbo.customers c JOIN @t t ON t.id = c.id",
        None,
        "customers orders",
        "name=customers.name",
    ),
    ("tsql", "SELECT id FROM OtherServer.Sales.dbo.orders", None, "orders", "id=orders.id"),
    (
        "tsql",
        "SELECT o.id FROM dbo.orders FOR SYSTEM_TIME AS OF '2020-01-01' o",
        None,
        "orders",
        "id=orders.id",
    ),
    ("tsql", "EXEC dbo.p @x = 1", None, "", None),
    (
        "clickhouse",
        "CREATE MATERIALIZED VIEW mv TO daily AS SELECT toDate(created_at) AS day, sum(total) AS revenue FROM orders GROUP BY day",
        "mv",
        "orders",
        "day=orders.created_at revenue=orders.total",
    ),
    (
        "clickhouse",
        "CREATE TABLE t ENGINE = MergeTree ORDER BY id AS SELECT id, total FROM orders FINAL",
        "t",
        "orders",
        "id=orders.id total=orders.total",
    ),
    (
        "clickhouse",
        "INSERT INTO daily (day, n) SELECT created_at, id FROM orders AS o FINAL WHERE id GLOBAL IN (SELECT order_id FROM refunds)",
        "daily",
        "orders refunds",
        "day=orders.created_at n=orders.id",
    ),
    (
        "clickhouse",
        "SELECT o.id, c.name FROM orders o ANY LEFT JOIN customers AS c FINAL ON c.id = o.customer_id",
        None,
        "orders customers",
        "id=orders.id name=customers.name",
    ),
    (
        "clickhouse",
        "SELECT id, tag FROM events ARRAY JOIN tags AS tag",
        None,
        "events",
        "id=events.id tag=events.tags",
    ),
    (
        "clickhouse",
        "SELECT id, arrayJoin(tags) AS tag FROM events PREWHERE user_id = 1 LIMIT 1 BY id",
        None,
        "events",
        "id=events.id tag=events.tags",
    ),
    (
        "clickhouse",
        "WITH (SELECT max(total) FROM orders) AS m SELECT id, amount / m AS share FROM refunds",
        None,
        "orders refunds",
        "id=refunds.id share=refunds.amount+orders.total",
    ),
    (
        "clickhouse",
        "WITH total * 2 AS twice SELECT id, twice FROM orders",
        None,
        "orders",
        "id=orders.id twice=orders.total",
    ),
    (
        "clickhouse",
        "SELECT total * 2 AS twice, twice + 1 AS more FROM orders",
        None,
        "orders",
        "twice=orders.total more=orders.total",
    ),
    (
        "clickhouse",
        "SELECT dictGet('shop.dict_customers', 'name', customer_id) AS name FROM orders",
        None,
        "orders",
        "name=orders.customer_id",
    ),
    ("clickhouse", "INSERT INTO t SELECT * FROM s3('https://b/x.csv', 'CSV')", "t", "", None),
    ("clickhouse", "INSERT INTO daily (n) FORMAT Values", "daily", "", None),
    (
        "clickhouse",
        "SELECT count() FROM orders SAMPLE 0.1 SETTINGS max_threads = 1 FORMAT JSON",
        None,
        "orders",
        None,
    ),
    (
        "databricks",
        "CREATE OR REPLACE TABLE c.s.t USING DELTA PARTITIONED BY (status) AS SELECT id, status FROM c.s.orders",
        "t",
        "orders",
        "id=orders.id status=orders.status",
    ),
    (
        "databricks",
        "INSERT OVERWRITE TABLE daily PARTITION (day = '2020') SELECT total, id FROM orders",
        "daily",
        "orders",
        None,
    ),
    (
        "databricks",
        "MERGE INTO orders t USING refunds s ON t.id = s.order_id WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *",
        "orders",
        "refunds",
        None,
    ),
    (
        "databricks",
        "SELECT e.id, i.sku FROM events e LATERAL VIEW OUTER explode(e.items) x AS i",
        None,
        "events",
        "id=events.id sku=events.items",
    ),
    (
        "databricks",
        "SELECT id, explode(tags) AS tag FROM events",
        None,
        "events",
        "id=events.id tag=events.tags",
    ),
    (
        "databricks",
        "CREATE OR REFRESH STREAMING TABLE st AS SELECT id FROM STREAM(orders)",
        "st",
        "orders",
        None,
    ),
    ("databricks", "CREATE TABLE t DEEP CLONE orders VERSION AS OF 3", "t", "orders", None),
    ("databricks", "SELECT id FROM orders TIMESTAMP AS OF '2020-01-01'", None, "orders", "id=orders.id"),
    (
        "databricks",
        "SELECT status, total t, t + 1 AS u FROM orders",
        None,
        "orders",
        "status=orders.status t=orders.total u=orders.total",
    ),
    ("databricks", "FROM orders INSERT INTO daily SELECT created_at, total, 1", "daily", "orders", None),
    (
        "databricks",
        "SELECT t.id FROM orders AS t PIVOT (sum(total) FOR status IN ('a'))",
        None,
        "orders",
        None,
    ),
    (
        "postgres",
        "TABLE orders",
        None,
        "orders",
        "id=orders.id customer_id=orders.customer_id total=orders.total status=orders.status created_at=orders.created_at",
    ),
    (
        "mysql",
        "TABLE orders ORDER BY total LIMIT 5",
        None,
        "orders",
        "id=orders.id customer_id=orders.customer_id total=orders.total status=orders.status created_at=orders.created_at",
    ),
    (
        "postgres",
        "CREATE VIEW v AS TABLE ONLY orders",
        "v",
        "orders",
        "id=orders.id customer_id=orders.customer_id total=orders.total status=orders.status created_at=orders.created_at",
    ),
    (
        "postgres",
        "INSERT INTO refunds (id, order_id, amount) TABLE public.refunds_old",
        "refunds",
        "refunds_old",
        None,
    ),
    (
        "mysql",
        "INSERT INTO archive TABLE refunds",
        "archive",
        "refunds",
        "id=refunds.id order_id=refunds.order_id amount=refunds.amount",
    ),
    (
        "mysql",
        "CREATE TABLE t TABLE refunds",
        "t",
        "refunds",
        "id=refunds.id order_id=refunds.order_id amount=refunds.amount",
    ),
    (
        "postgres",
        "WITH x AS (TABLE orders) SELECT id FROM x",
        None,
        "orders",
        "id=orders.id",
    ),
    (
        "postgres",
        "WITH x AS (SELECT id FROM orders) TABLE x",
        None,
        "orders",
        "id=orders.id",
    ),
    (
        "postgres",
        "TABLE refunds UNION ALL TABLE refunds_old",
        None,
        "refunds refunds_old",
        None,
    ),
    (
        "postgres",
        "SELECT name FROM customers WHERE id IN (TABLE vip)",
        None,
        "customers vip",
        "name=customers.name",
    ),
    (
        "postgres",
        "COMMENT ON TABLE orders IS 'x'",
        None,
        "",
        None,
    ),
    (
        "postgres",
        "CREATE UNLOGGED TABLE t AS SELECT id FROM orders",
        "t",
        "orders",
        "id=orders.id",
    ),
    (
        "mysql",
        "ANALYZE TABLE orders",
        None,
        "",
        None,
    ),
    (
        "clickhouse",
        "SELECT id, total FROM cluster('c', sales.orders)",
        None,
        "orders",
        "id=orders.id total=orders.total",
    ),
    (
        "clickhouse",
        "INSERT INTO daily (n) SELECT o.id FROM clusterAllReplicas('{cluster}', 'sales', 'orders') AS o JOIN customers c ON c.id = o.customer_id",
        "daily",
        "orders customers",
        "n=orders.id",
    ),
    (
        "clickhouse",
        "SELECT total FROM remote('h1,h2', sales, orders, 'me', 'secret')",
        None,
        "orders",
        "total=orders.total",
    ),
    (
        "clickhouse",
        "SELECT total FROM remoteSecure('h:9440', 'sales.orders')",
        None,
        "orders",
        "total=orders.total",
    ),
    (
        "clickhouse",
        "INSERT INTO FUNCTION remote('h', 'sales.refunds') SELECT id FROM orders",
        "refunds",
        "orders",
        "id=orders.id",
    ),
    (
        "clickhouse",
        "SELECT number FROM cluster('c', numbers(10))",
        None,
        "",
        None,
    ),
    (
        "tsql",
        "CREATE PROCEDURE dbo.fill AS BEGIN INSERT INTO daily (day, revenue) SELECT created_at, total FROM orders END",
        "daily",
        "orders",
        "day=orders.created_at revenue=orders.total",
    ),
    (
        "tsql",
        "CREATE PROC dbo.p AS SELECT id, total INTO big FROM orders",
        "big",
        "orders",
        "id=orders.id total=orders.total",
    ),
    (
        "tsql",
        "CREATE OR ALTER PROCEDURE dbo.p @d date AS SET NOCOUNT ON; MERGE INTO refunds AS r USING orders AS o ON r.order_id = o.id WHEN MATCHED THEN UPDATE SET amount = o.total;",
        "refunds",
        "orders",
        "amount=orders.total",
    ),
    (
        "tsql",
        "ALTER PROCEDURE dbo.p AS BEGIN TRY BEGIN TRAN; TRUNCATE TABLE daily; INSERT INTO daily (n) SELECT id FROM orders; COMMIT; END TRY BEGIN CATCH ROLLBACK; END CATCH",
        "daily",
        "orders",
        "n=orders.id",
    ),
    (
        "tsql",
        "CREATE PROCEDURE dbo.p AS BEGIN DECLARE @t TABLE (k int); INSERT INTO @t (k) SELECT id FROM orders; INSERT INTO daily (n) SELECT k FROM @t; END",
        "daily",
        "orders",
        "n=orders.id",
    ),
    (
        "tsql",
        "CREATE TABLE #t (k int); INSERT INTO #t (k) SELECT id FROM orders; INSERT INTO daily (n) SELECT k FROM #t; DROP TABLE #t",
        "daily",
        "orders",
        "n=orders.id",
    ),
    (
        "tsql",
        "CREATE PROCEDURE dbo.p @x int AS IF @x = 1 BEGIN UPDATE r SET amount = o.total FROM refunds r JOIN orders o ON o.id = r.order_id END",
        "refunds",
        "orders",
        "amount=orders.total",
    ),
    (
        "databricks",
        "SELECT id FROM delta.`/mnt/lake/orders`",
        None,
        "",
        None,
    ),
    (
        "databricks",
        "CREATE TABLE t AS SELECT c.name FROM parquet.`s3://bucket/dir/*.parquet` o JOIN customers c ON c.id = o.customer_id",
        "t",
        "customers",
        "name=customers.name",
    ),
    (
        "databricks",
        "INSERT INTO delta.`/mnt/lake/daily` SELECT total FROM orders",
        None,
        "orders",
        "total=orders.total",
    ),
    (
        "databricks",
        "SELECT id FROM delta.orders",
        None,
        "orders",
        "id=orders.id",
    ),
    (
        "duckdb",
        "CREATE VIEW v AS SELECT * FROM 'lake/x.parquet'",
        "v",
        "",
        None,
    ),
)


@pytest.mark.parametrize(("dialect", "sql", "target", "tables", "expected"), STATEMENTS)
def test_a_statement_of_a_query_log(
    dialect: str, sql: str, target: str | None, tables: str, expected: str | None
) -> None:
    found = lineage_of(sql, dialect, lambda name: SCHEMA.get(name[-1].lower()))
    assert (found.target or (None,))[-1] == target
    assert {name[-1] for name in found.tables} == set(tables.split())
    if expected is not None:
        told = {
            name: {f"{table[-1]}.{column}" for table, column in origins} for name, origins in found.columns
        }
        assert told == {
            name: set(origins.split("+")) - {""}
            for name, _, origins in (each.partition("=") for each in expected.split())
        }


def look(name: tuple[str, ...]) -> list[str] | None:
    return SCHEMA.get(name[-1].lower())


def test_a_table_made_on_the_way_is_seen_through() -> None:
    sql = (
        "CREATE TEMP TABLE x AS SELECT id AS k, total FROM orders; INSERT INTO x SELECT id, amount FROM refunds;"
        " INSERT INTO daily (n) SELECT k FROM x; DROP TABLE x"
    )
    found = lineage_of(sql, "postgres", look)
    assert found.target == ("daily",) and set(found.tables) == {("orders",), ("refunds",)}
    assert ("n", frozenset({(("orders",), "id")})) in [
        (name, frozenset(each for each in origins if each[0] == ("orders",)))
        for name, origins in found.columns
    ]


def test_a_table_that_the_catalog_knows_is_not_seen_through() -> None:
    sql = "CREATE TABLE daily AS SELECT id AS n FROM orders; INSERT INTO emps (id) SELECT n FROM daily"
    assert lineage_of(sql, "postgres", look).tables == (("daily",),)


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM refunds USING orders WHERE orders.id = refunds.order_id",
        "WITH gone AS (SELECT id FROM orders) DELETE FROM refunds WHERE order_id IN (SELECT id FROM gone)",
    ],
)
def test_what_takes_rows_away_says_so(sql: str) -> None:
    found = lineage_of(sql, "postgres", look)
    assert found.removes and found.target == ("refunds",) and found.tables == (("orders",),)


def test_columns_that_a_join_merged_stand_once_and_first() -> None:
    found = lineage_of("INSERT INTO t SELECT * FROM orders LEFT JOIN refunds USING (id)", "postgres", look)
    assert [name for name, _origins in found.columns] == [
        "id", "customer_id", "total", "status", "created_at", "order_id", "amount",
    ]  # fmt: skip
    assert found.columns[0][1] == {(("orders",), "id")}
    full = lineage_of("SELECT * FROM orders FULL JOIN refunds USING (id)", "postgres", look)
    assert full.columns[0][1] == {(("orders",), "id"), (("refunds",), "id")}


def test_a_temporary_table_of_sql_server_is_not_its_namesake() -> None:
    assert lineage_of("INSERT INTO t SELECT id FROM #orders", "tsql", look).tables == (("#orders",),)


@pytest.mark.parametrize(
    ("function", "unsure"), [("cluster", False), ("remote", True), ("remoteSecure", True)]
)
def test_what_is_read_on_another_server_may_be_a_namesake(function: str, unsure: bool) -> None:
    found = lineage_of(f"SELECT total FROM {function}('there', sales.orders)", "clickhouse", look)
    assert found.tables == (("sales", "orders"),) and found.partial is unsure


@pytest.mark.parametrize(
    "body",
    [
        "IF @x = 1 BEGIN {0} END ELSE {1}; EXEC dbo.other;",
        "IF @x = 1 BEGIN {0}; END ELSE BEGIN {1} END",
        "BEGIN TRY BEGIN TRAN; {0}; {1}; COMMIT; END TRY BEGIN CATCH ROLLBACK; END CATCH",
        "WHILE @x < 9 BEGIN {0}; SET @x = @x + 1; END; {1}",
    ],
)
def test_every_statement_of_a_procedure_is_told(body: str) -> None:
    one = "INSERT INTO daily (n) SELECT CASE WHEN id > 1 THEN 1 ELSE id END FROM orders"
    other = "UPDATE r SET amount = o.total FROM refunds r JOIN orders o ON o.id = r.order_id"
    sql = f"CREATE PROCEDURE dbo.p @x int AS BEGIN {body.format(one, other)} END"
    written = [(each.target, set(each.tables)) for each in statements_of(sql, "tsql", look) if each.target]
    assert written == [(("daily",), {("orders",)}), (("refunds",), {("orders",)})]


MATCHED = "customers.id=orders.customer_id"


@pytest.mark.parametrize(
    ("dialect", "sql", "tables", "joins"),
    [
        ("postgres", "SELECT o.id FROM s.orders o, customers c WHERE c.id = o.customer_id FOR UPDATE OF o", "orders customers", MATCHED),
        ("postgres", "SELECT id FROM s.orders FOR NO KEY UPDATE OF orders SKIP LOCKED", "orders", ""),
        ("postgres", "SELECT id FROM s.orders o FOR UPDATE OF o, emps", "orders emps", ""),
        ("postgres", 'DECLARE "_c1" NO SCROLL CURSOR WITH HOLD FOR SELECT o.id FROM orders o JOIN customers c ON c.id = o.customer_id', "orders customers", MATCHED),
        ("tsql", "DECLARE c CURSOR LOCAL FAST_FORWARD FOR SELECT o.id FROM orders o JOIN customers c ON c.id = o.customer_id", "orders customers", MATCHED),
        ("postgres", "PREPARE p AS SELECT o.id FROM orders o JOIN customers c ON c.id = o.customer_id", "orders customers", MATCHED),
        ("postgres", "EXPLAIN (ANALYZE, BUFFERS) SELECT o.id FROM orders o JOIN customers c ON c.id = o.customer_id", "orders customers", MATCHED),
        ("mysql", "EXPLAIN FORMAT=JSON SELECT o.id FROM orders o JOIN customers c ON c.id = o.customer_id", "orders customers", MATCHED),
        ("postgres", "SELECT id FROM orders WHERE customer_id IN (SELECT id FROM customers WHERE region = 'x')", "orders customers", MATCHED),
        ("postgres", "SELECT id FROM orders WHERE customer_id NOT IN (SELECT c.id FROM customers c)", "orders customers", MATCHED),
        ("postgres", "SELECT id FROM orders WHERE customer_id = ANY (SELECT id FROM customers)", "orders customers", MATCHED),
        ("postgres", "SELECT total FROM orders WHERE (id, total) IN (SELECT order_id, amount FROM refunds)", "orders refunds", "orders.id=refunds.order_id orders.total=refunds.amount"),
        ("postgres", "SELECT id FROM orders WHERE total IN (SELECT max(amount) FROM refunds)", "orders refunds", ""),
        ("postgres", "SELECT id FROM orders WHERE customer_id IN (SELECT id FROM customers WHERE id IN (SELECT boss_id FROM emps))", "orders customers emps", f"{MATCHED} customers.id=emps.boss_id"),
        ("postgres", "SELECT x FROM u, v WHERE y IN (SELECT id FROM customers)", "u v customers", ""),
    ],
)  # fmt: skip
def test_what_a_statement_asks_among_other_rows_is_a_join(
    dialect: str, sql: str, tables: str, joins: str
) -> None:
    (found,) = statements_of(sql, dialect, look)
    assert (found.target, {name[-1] for name in found.tables}) == (None, set(tables.split()))
    assert joined(found) == set(joins.split()) and found.partial is (" u, v" in sql)


@pytest.mark.parametrize(
    ("dialect", "sql", "target", "joins"),
    [
        ("postgres", "UPDATE orders o SET status = c.region FROM customers c WHERE c.id = o.customer_id", "orders", MATCHED),
        ("postgres", "UPDATE orders SET status = region FROM customers c WHERE c.id = customer_id", "orders", MATCHED),
        ("mysql", "UPDATE orders o JOIN customers c ON c.id = o.customer_id SET o.status = c.region", "orders", MATCHED),
        ("tsql", "UPDATE o SET o.status = c.region FROM orders o JOIN customers c ON c.id = o.customer_id", "orders", MATCHED),
        ("postgres", "DELETE FROM orders o USING customers c WHERE c.id = o.customer_id", "orders", MATCHED),
        ("postgres", "DELETE FROM orders WHERE customer_id IN (SELECT id FROM customers)", "orders", MATCHED),
        ("snowflake", "MERGE INTO orders o USING customers c ON (c.id = o.customer_id AND o.total > 1) WHEN MATCHED THEN UPDATE SET status = c.region", "orders", MATCHED),
        ("tsql", "MERGE orders AS o USING (SELECT id AS k FROM customers) AS c ON c.k = o.customer_id WHEN MATCHED THEN DELETE;", "orders", MATCHED),
    ],
)  # fmt: skip
def test_a_statement_that_writes_joins_what_it_writes(
    dialect: str, sql: str, target: str, joins: str
) -> None:
    (found,) = statements_of(sql, dialect, look)
    assert (found.target, found.tables, found.partial) == ((target,), (("customers",),), False)
    assert joined(found) == set(joins.split())


def test_a_plan_of_a_statement_that_writes_moves_no_row() -> None:
    for dialect in ("postgres", "mysql"):
        (found,) = statements_of("EXPLAIN INSERT INTO daily (n) SELECT id FROM orders", dialect, look)
        assert found.partial and not found.columns


def joined(found: SqlLineage) -> set[str]:
    return {"=".join(f"{table[-1]}.{column}" for table, column in pair) for pair in found.joins}


def test_a_table_variable_is_seen_through_to_all_that_ever_filled_it() -> None:
    """Emptied and filled anew, it still tells what it held before: too many tables, never too few."""
    fill = "DECLARE @t TABLE (id int); INSERT @t (id) SELECT customer_id FROM orders; {0} INSERT @t (id) SELECT order_id FROM refunds;"
    for between in ("", "DELETE FROM @t;"):
        found = statements_of(
            f"{fill.format(between)} INSERT INTO daily (n) SELECT id FROM @t", "tsql", look
        )[-1]
        assert found.target == ("daily",) and set(found.tables) == {("orders",), ("refunds",)}
        assert dict(found.columns)["n"] == {(("orders",), "customer_id"), (("refunds",), "order_id")}


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ('SELECT "Id" AS p, id AS q FROM t', {"p": "Id", "q": "id"}),
        ('SELECT t.id AS q, t."Id" AS p FROM t', {"p": "Id", "q": "id"}),
        ("SELECT ID AS q FROM t", {"q": "id"}),
        ('SELECT s."P" AS x, s.p AS y FROM (SELECT "Id" AS "P", id AS p FROM t) s', {"x": "Id", "y": "id"}),
        ('WITH c AS (SELECT * FROM t) SELECT c.id AS q, c."Id" AS p FROM c', {"p": "Id", "q": "id"}),
    ],
)
def test_columns_alike_but_for_case_are_two(sql: str, expected: dict[str, str]) -> None:
    def lookup(name: tuple[str, ...]) -> list[str] | None:
        return ["Id", "id"] if name == ("t",) else None

    found = lineage_of(sql, "postgres", lookup)
    assert dict(found.columns) == {name: {(("t",), column)} for name, column in expected.items()}
    plain = read_plain(sql, "postgres")
    told = plain.lineage(lookup) if plain else None
    assert told is None or told.columns == found.columns


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT u.k FROM u ON DUPLICATE KEY UPDATE w.b = u.a", {"u.a"}),
        ("SELECT x.k FROM z JOIN u AS x ON x.k = z.k ON DUPLICATE KEY UPDATE b = x.a + w.b", {"u.a"}),
        ("SELECT k FROM (SELECT k, a FROM u) AS d ON DUPLICATE KEY UPDATE b = d.a", {"u.a"}),
        ("WITH c AS (SELECT * FROM u) SELECT c.k FROM c ON DUPLICATE KEY UPDATE b = c.a", {"u.a"}),
        ("(SELECT u.k FROM u) ON DUPLICATE KEY UPDATE b = u.a", {"u.a"}),
        ("SELECT k FROM u ON DUPLICATE KEY UPDATE b = VALUES(a)", {"u.k"}),
        ("SELECT k FROM u ON DUPLICATE KEY UPDATE b = b + 1", set()),
        ("SELECT k FROM far ON DUPLICATE KEY UPDATE b = b + 1", set()),
    ],
)
def test_on_duplicate_key_reads_the_from_of_its_query(sql: str, expected: set[str]) -> None:
    def lookup(name: tuple[str, ...]) -> list[str] | None:
        return {"u": ["k", "a"], "z": ["k"]}.get(name[0])

    found = lineage_of(f"INSERT INTO w (a) {sql}", "mysql", lookup)
    told = dict(found.columns).get("b", frozenset())
    assert (found.target, {f"{table[0]}.{column}" for table, column in told}) == (("w",), expected)


def test_on_conflict_does_not_read_the_from_of_its_query() -> None:
    found = lineage_of(
        "INSERT INTO w (a) SELECT k FROM u ON CONFLICT (a) DO UPDATE SET b = a",
        "postgres",
        lambda _name: None,
    )
    assert dict(found.columns) == {"a": {(("u",), "k")}, "b": frozenset()}


@pytest.mark.parametrize(
    "body",
    [
        "((SELECT a FROM w) UNION ALL (SELECT r.a FROM r JOIN u ON u.a = r.a))",
        "(SELECT a FROM w UNION ALL SELECT r.a FROM r JOIN u ON u.a = r.a)",
        "(((SELECT a FROM w) UNION ALL (SELECT a FROM r)) UNION ALL (SELECT r.a FROM r, u))",
        "((WITH x AS (SELECT a FROM w) SELECT a FROM x) UNION ALL (SELECT r.a FROM r, u))",
    ],
)
@pytest.mark.parametrize("dialect", ["postgres", "mysql", "bigquery"])
def test_a_recursive_cte_wholly_in_brackets_is_no_table(body: str, dialect: str) -> None:
    found = lineage_of(f"WITH RECURSIVE r AS ({body}) SELECT a FROM r", dialect)
    assert set(found.tables) == {("w",), ("u",)}
    assert dict(found.columns) == {"a": {(("w",), "a")}}


@pytest.mark.parametrize(
    ("dialect", "sql", "expected"),
    [
        ("snowflake", 'SELECT id AS q, ID AS r, "id" AS s FROM t', ["ID", "ID", "id"]),
        ("oracle", 'SELECT t.id AS q, t."id" AS s FROM t', ["ID", "id"]),
        ("snowflake", 'SELECT s.id AS q, s."id" AS r FROM (SELECT "id", id FROM t) s', ["ID", "id"]),
        ("postgres", 'SELECT ID AS q, id AS r, "ID" AS s FROM t', ["id", "id", "ID"]),
        ("clickhouse", "SELECT ID AS q, id AS r FROM t", ["ID", "id"]),
        ("unheard_of", 'SELECT id AS r, "ID" AS s FROM t', ["id", "ID"]),
    ],
)
def test_which_of_two_alike_a_name_without_quotes_is_the_engine_says(
    dialect: str, sql: str, expected: list[str]
) -> None:
    found = lineage_of(sql, dialect, lambda name: ["id", "ID"] if name == ("t",) else None)
    assert not found.partial
    assert [origins for _name, origins in found.columns] == [{(("t",), column)} for column in expected]


def test_columns_alike_but_for_case_are_two_behind_a_temporary_table() -> None:
    found = statements_of(
        'CREATE TEMP TABLE x AS SELECT * FROM t; INSERT INTO w (a, b) SELECT "Id", id FROM x',
        "postgres",
        lambda name: ["Id", "id"] if name == ("t",) else None,
    )[-1]
    assert dict(found.columns) == {"a": {(("t",), "Id")}, "b": {(("t",), "id")}}
