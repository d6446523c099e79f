"""Statements that try to read more than they seem to: `{o}` is a table with a hidden column, `{h}` a hidden table.

`{p}` is a second table with a hidden column, `{os}` the bare name of the first, `{v}` a visible view.
"""

from __future__ import annotations

EVERY = """
select o from {o} o
select o.* from {o} o
select * from {o}
select hidden from {o}
select o.hidden from {o} o
select "hidden" from {o}
select HIDDEN from {o}
select (select hidden) from {o}
select x.hidden from (select * from {o}) x
select x.hidden from {o} x join {p} y on true
select hidden from {o} natural join {p}
select id from {o} order by hidden
select count(*) from {o} group by hidden
select max(hidden) from {o}
select id from {o} a join {o} b using (id) where a.hidden is not null
with orders as (select 1 as id) select hidden from {o}
with o as (select * from {o}) select hidden from o
with {os} as (select * from {h}) select * from {os}
with salaries as (select 1 as salary) select * from {h}
with salaries as (select 1 as salary) select * from salaries
with salaries as (select * from salaries) select * from salaries
with recursive salaries as (select * from salaries) select * from salaries
with recursive salaries as (select 1 as salary union all select salary from salaries where salary<3) select * from salaries
with a as (select * from salaries), salaries as (select 1 as salary) select * from a
with a as (with salaries as (select 1 as salary) select * from salaries) select * from salaries
select * from (with salaries as (select 1 as salary) select * from salaries) x, salaries
select (with salaries as (select 1 as salary) select salary from salaries) from salaries
select 1 as salary union select salary from salaries
select * from {o} as salaries
select * from {o} salaries, salaries s2
select salaries.* from {o} salaries
select * from salaries
select * from Salaries
select * from "salaries"
select * from "SALARIES"
select * from hr.salaries
select * from "hr"."salaries"
select * from HR.SALARIES
select * from "hr.salaries"
select * from {o} where exists (select 1 from {h} where salary > 0)
select * from {o} where id in (select salary from {h})
select * from {o} where id = any (select salary from {h})
select id, (select salary from {h} limit 1) from {o}
select * from {o} o, lateral (select * from {h}) l
select * from {o} o cross join lateral (select o.hidden) l
select * from {o} o join {p} p using (id, hidden)
select * from {o} o join {p} p using (hidden)
select p.* from {o} p
select o.note from {o} o join (select hidden as note, id from {o}) o2 using (id)
select a.hidden from {o} as a(id, note)
select a.c from {o} as a(a,b,c)
select c from {o} as a(a,b,c,d)
select a.* from {o} as a(a,b,c)
select * from ({o})
select * from (({h}))
select * from {o} join ({h} cross join {p}) on true
select * from {o} left join {h} on true
values ((select salary from {h}))
table {h}
table {o}
select * exclude (id) from {o}
select * except (id) from {o}
select * from {o} union all select * from {o}
select note from {o} union all select hidden from {o}
select id from {o} intersect select salary from {h}
select distinct on (hidden) id from {o}
select id from {o} window w as (partition by hidden)
select rank() over (order by hidden) from {o}
select {o}.hidden from {o}
select id as hidden from {o} order by hidden
select note as x from {o} group by x having max(hidden) > ''
select id from {o} qualify max(hidden) over () > ''
select 1 from {o} o where (o.id, o.hidden) = (1, 'x')
select count(distinct o) from {o} o
select coalesce(o.hidden, '') from {o} o
select case when exists(select hidden) then 1 end from {o}
select v_all from {o}
select * from v_secret
select * from sales.v_secret
select * from {v}
""".strip().splitlines()

POSTGRES = """
select hidden(o) from sales.orders o
select (o).hidden from sales.orders o
select (o).* from sales.orders o
select (o.*).hidden from sales.orders o
select row_to_json(o) from sales.orders o
select to_jsonb(o) from sales.orders o
select o::text from sales.orders o
select cast(o as text) from sales.orders o
select array_agg(o) from sales.orders o
select json_agg(o) from sales.orders o
select jsonb_agg(o.*) from sales.orders o
select row(o.*) from sales.orders o
select row(o) from sales.orders o
select concat(o) from sales.orders o
select o||'' from sales.orders o
select format('%s', o) from sales.orders o
select string_agg(o::text, '') from sales.orders o
select min(o) from sales.orders o
select greatest(o) from sales.orders o
select o = o from sales.orders o
select id from sales.orders o order by o
select id from sales.orders o group by id, o
select coalesce(o) from sales.orders o
select nullif(o, null) from sales.orders o
select array[o] from sales.orders o
select orders from sales.orders
select sales.orders from sales.orders
select sales.orders.* from sales.orders
select sales.orders.hidden from sales.orders
select d.sales.orders.hidden from sales.orders
select ctid from sales.orders
select tableoid from sales.orders
select tableoid::regclass from sales.orders
select xmin, xmax, cmin, cmax from sales.orders
select o.tableoid from sales.orders o
select get_salary(1)
select o.get_salary from sales.orders o
select (1).get_salary
select id.get_salary from sales.orders
select (o.id).get_salary from sales.orders o
select salary_of(o) from sales.orders o
select o.salary_of from sales.orders o
select (o).salary_of from sales.orders o
select orders.salary_of from sales.orders
select x.salary_of from (select * from sales.orders) x
select * from pg_catalog.pg_class
select * from pg_class
select * from pg_temp.t
select * from pg_temp.orders
select * from orders
select * from public.orders
select * from information_schema.tables
select current_setting('search_path')
select set_config('search_path','hr',false), salary from salaries
select * from pg_stats
select most_common_vals from pg_stats
select * from pg_stat_activity
select 'hr.salaries'::regclass
select nextval('hr.s')
select * from hr.s
select last_value from hr.s
select currval('hr.s')
select * from query_to_xml('select * from hr.salaries',true,true,'')
select table_to_xml('hr.salaries',true,true,'')
select * from dblink('','select 1') as t(a int)
select * from docent.hr.salaries
select * from only hr.salaries
select * from only sales.orders
select * from sales.orders *
select * from rows from (hr_rows())
select * from hr_rows()
select * from sales.orders tablesample system (100)
select * from json_populate_record(null::hr.salaries, '{}')
select null::hr.salaries
select * from jsonb_to_recordset('[]') as x(a hr.salaries)
select * from json_to_record('{}') as x(salaries hr.salaries)
select * from sales.orders o join sales.orders p using (id) as j
select j.* from sales.orders o join public.products p using (id) as j
select j from sales.orders o join public.products p using (id) as j
select * from (sales.orders o join public.products p using (id)) as j
select j.hidden from (sales.orders o join public.products p using (id)) as j
select * from (sales.orders o cross join public.products p) as j(a,b,c,d,e,f)
select c from (sales.orders o cross join public.products p) as j(a,b,c,d,e,f)
select hidden from (select o.* from sales.orders o) q
select q from (select o.* from sales.orders o) q
select q::text from (select * from sales.orders) q
with q as (select * from sales.orders) select q from q
with q as (table sales.orders) select * from q
select * from u&"\0068\0072".salaries
select * from U&"hr".salaries
select U&"hidden" from sales.orders
select * from sales.part
select * from sales.part_1
select * from sales.child
select * from "Orders"
select * from sales."Orders"
select * from SALES.ORDERS
select note as hidden from sales.orders order by hidden
select id from sales.orders order by orders.hidden
select extract(year from hidden) from sales.orders
select position('C' in hidden) from sales.orders
select overlay(hidden placing 'x' from 1) from sales.orders
select grouping(hidden) from sales.orders group by rollup(hidden)
select 1 from sales.orders o where o is not null
select hidden[1] from sales.orders
select (array[o])[1].hidden from sales.orders o
select (select o).hidden from sales.orders o
select (select (o).hidden) from sales.orders o
select (row(o.*)).f3 from sales.orders o
select unnest(array[o]) from sales.orders o
select x.hidden from unnest(array(select o from sales.orders o)) x
select lag(o) over () from sales.orders o
select first_value(o) over () from sales.orders o
select * from sales.orders o, lateral unnest(array[o.hidden]) z
select * from generate_series(1,(select salary from hr.salaries)) g
select xmlforest(hidden) from sales.orders
select xmlelement(name x, o) from sales.orders o
select xmlelement(name x, xmlattributes(hidden)) from sales.orders
select count(*) filter (where hidden > '') from sales.orders
select percentile_disc(0) within group (order by hidden) from sales.orders
select mode() within group (order by hidden) from sales.orders
select json_build_object('a', o) from sales.orders o
select jsonb_path_query(to_jsonb(o), '$.hidden') from sales.orders o
select o->'hidden' from sales.orders o
select * from sales.orders where current_user = 'x' or hidden is null
select * from sales.orders for update
select hidden into x from sales.orders
merge into hr.salaries using sales.orders on true when matched then delete
select * from sales.orders as hidden
select hidden from sales.orders as hidden
select hidden.* from sales.orders as hidden
select hidden::text from public.products as hidden
select note from sales.orders note
select note from public.products note
select name from public.products note, sales.orders
select id from sales.orders id
select email from public.products email
select f.* from sales.orders o, hr_rows() f
select * from xmltable('/x' passing '<x/>' columns a text path '.')
select * from sales.v_ok
select * from sales.mv
select pg_catalog.concat(o) from sales.orders o
select id from sales.orders o where o.* is distinct from null
select id, o.* is null from sales.orders o
select num_nulls(o.*) from sales.orders o
select concat_ws(',', o.*) from sales.orders o
select concat(o.*) from sales.orders o
select count(o.*) from sales.orders o
select max(o.*) from sales.orders o
select string_agg(concat(o.*), '') from sales.orders o
select jsonb_build_array(o.*) from sales.orders o
select (o.*)::text from sales.orders o
select format('%s', o.*) from sales.orders o
select greatest(o.*, o.*) from sales.orders o
select array[o.*] from sales.orders o
select (o.*) from sales.orders o
select row_to_json(row(o.*)) from sales.orders o
select json_object_agg(id, o) from sales.orders o
select hash_record(o) from sales.orders o
select count((o)) from sales.orders o
select id from sales.orders o where (o) > (o)
select * from sales.orders o where o in (select p from sales.orders p)
values (1, (select o from sales.orders o limit 1))
select case when true then o end from sales.orders o
select pg_typeof(o) from sales.orders o
select to_json(o) from sales.orders o
select jsonb_object_agg(o.id, o) from sales.orders o
""".strip().splitlines()

SQLITE = """
select rowid from main.orders
select _rowid_, oid from orders
select orders.rowid from orders
select * from temp.orders
select * from temp.products
select * from products
select * from main.products
select * from sqlite_master
select * from main.sqlite_schema
select * from sqlite_temp_master
select * from temp.sqlite_master
select sql from sqlite_schema
select "hidden" from orders
select 'hidden' from orders
select [hidden] from orders
select `hidden` from orders
select "note" from orders
select "no such" from orders
select * from "hr"."salaries"
select * from 'hr'.'salaries'
select * from [hr].[salaries]
select * from hr.[salaries]
select * from 'salaries'
select * from 'orders'
select * from "main".orders
select * from MAIN.Orders
select * from pragma_table_info('orders')
select * from pragma_database_list
select * from json_each((select hidden from orders))
select * from json_each('[1]') as orders
select * from generate_series(1,2)
select * from dbstat
select * from main.dbstat
select orders.hidden from orders
select main.orders.hidden from orders
select main.orders.hidden from main.orders
select temp.products.name from main.products
select "hidden" as x from orders where x is not null
select id from orders order by "hidden"
select id from orders where note = "hidden"
select id from orders where "hidden" > 'A'
select group_concat("hidden") from orders
select * from ft
select ft from ft
select * from orders indexed by sqlite_autoindex
select * from orders not indexed
select salary from orders, salaries
select * from salaries
select note.hidden from orders note
select * from orders natural join products
select * from orders join products using(id)
select * from orders as hr
select salaries.* from orders salaries
select hidden from orders as o(id,note)
with orders(id, note) as (select id, hidden from orders) select * from orders
with orders(id,note) as (select id, note from main.orders) select hidden from main.orders
with t as not materialized (select * from main.orders) select hidden from t
select iif(1,"hidden",0) from orders
values("hidden")
select max("hidden") from orders
select x."hidden" from orders x
select (select "hidden") from orders
select json_object('a',"hidden") from orders
select * from orders where rowid in orders
select 1 in hr.salaries
select 91234 in salaries
select 1 where 91234 in (select salary from hr.salaries)
select 'CANARY' in wr
select 1 in (salaries)
select "true"
select "rowid" from orders
select orders."rowid" from orders
select rank from ft
select * from orders o, json_each(o.hidden)
select * from orders o, json_each(o.note) j
select fts5(?)
select matchinfo(ft) from ft
""".strip().splitlines()

DUCKDB = """
select * from leak_df
select * from 'orders.csv'
select * from orders.csv
select * from "orders.csv"
select * from "leak.parquet"
select * from leak.parquet
select * from read_csv('orders.csv')
from sales.orders
from hr.salaries
from sales.orders select hidden
from sales.orders select *
select columns(*) from sales.orders
select columns('hidden') from sales.orders
select columns('h.*') from sales.orders
select columns(c -> c like 'h%') from sales.orders
select * exclude (id) from sales.orders
select * replace (hidden as note) from sales.orders
select * rename (hidden as x) from sales.orders
select * like 'h%' from sales.orders
select o from sales.orders o
select o.st.hidden from sales.orders o
select st.hidden from sales.orders
select orders.hidden from sales.orders
select sales.orders.hidden from sales.orders
select sales.orders.st.hidden from sales.orders
select struct_pack(o) from sales.orders o
select struct_extract(o,'hidden') from sales.orders o
select unnest(o) from sales.orders o
select to_json(o) from sales.orders o
select list(o) from sales.orders o
select o['hidden'] from sales.orders o
select array_agg(o) from sales.orders o
select row(o) from sales.orders o
select o::varchar from sales.orders o
select max(o) from sales.orders o
select any_value(o) from sales.orders o
select row_to_json(o) from sales.orders o
select json_object('a',o) from sales.orders o
select {'a': o} from sales.orders o
select [o] from sales.orders o
select concat(o) from sales.orders o
select o || '' from sales.orders o
select count(o) from sales.orders o
select histogram(o) from sales.orders o
select * from other.main.orders
select * from other.orders
select * from other.sales.orders
select * from memory.hr.salaries
select * from memory.sales.orders
select * from temp.products
select * from temp.main.products
select * from products
select * from main.products
select * from memory.main.products
select leak()
select * from rows_of()
select * from query('select * from hr.salaries')
select * from query_table('hr.salaries')
select * from duckdb_tables()
select * from information_schema.tables
select * from sqlite_master
select * from pg_catalog.pg_class
select nextval('hr.s')
select * from glob('*')
pivot sales.orders on hidden using count(*)
pivot hr.salaries on salary using count(*)
unpivot sales.orders on hidden into name n value v
unpivot sales.orders on columns(*) into name n value v
unpivot (select * from sales.orders) on note, hidden into name n value v
select * from sales.orders positional join hr.salaries
select * from sales.orders asof join hr.salaries h on h.employee_id >= orders.id
select * from sales.orders semi join hr.salaries on true
select summarize from sales.orders
summarize sales.orders
describe hr.salaries
show tables
select * from (summarize sales.orders)
select * from (describe sales.orders)
select * from (show tables)
select * from (from hr.salaries)
select * from (values (1)) salaries
select #1 from sales.orders
select #3 from sales.orders
select rowid from sales.orders
select alias(hidden) from sales.orders
select id as hidden, hidden from sales.orders
select note as x, x.hidden from sales.orders
select id from sales.orders order by all
select * from sales.orders group by all
select * from sales.orders using sample 10
select hidden: note from sales.orders
select x: hidden from sales.orders
select (select hidden from sales.orders) x
select [hidden for hidden in [1,2]] from sales.orders
select list_transform([1], x -> hidden) from sales.orders
select list_transform([1], hidden -> hidden) from sales.orders
select list_transform([1], lambda hidden: hidden) from sales.orders
select (o).hidden from sales.orders o
select o.hidden.hidden from sales.orders o
select orders from orders
select * from orders.orders
select orders.* from sales.orders
select sales.orders.* from sales.orders
select * from orders
select 'CANARY'::hr.mood
select enum_range(null::hr.mood)
select getvariable('x')
with orders as (from hr.salaries) from orders
with o as materialized (from sales.orders) select hidden from o
select * from sales.orders at (version => 1)
select o.rowid, * from sales.orders o
select struct_extract(st,'hidden') from sales.orders
select unnest(st) from sales.orders
select st.* from sales.orders
select o.st.* from sales.orders o
from sales.orders o select o.*
from sales.orders select count(columns(*))
select coalesce(*columns(*)) from sales.orders
select concat(*columns(*)) from sales.orders
select min(columns(*)) from sales.orders
select count(*) from sales.orders where columns(*) is not null
select struct_pack(*columns(*)) from sales.orders
select hash(o) from sales.orders o
select id.hidden from sales.orders id
select * from sales.orders as sales
select sales.hidden from sales.orders as sales
select sales.note.hidden from sales.orders as sales
select products.hidden from sales.orders as products
select unnest([o]) from sales.orders o
select apply([1], x -> o) from sales.orders o
select struct_keys(o) from sales.orders o
select arg_max(o, id) from sales.orders o
select first(o) from sales.orders o
select last(o order by id) from sales.orders o
select (o).st.hidden from sales.orders o
select lag(o) over () from sales.orders o
select o is null from sales.orders o
select case when true then o end from sales.orders o
""".strip().splitlines()

MARIADB = """
select * from docent_rows_hr.salaries
select * from DOCENT_ROWS_HR.salaries
select * from orders partition (p1)
select hidden from orders partition (p0,p1)
select * from Products
select * from `Products`
select * from PRODUCTS
select `Products`.name from Products
select P.name from products p
select p.name from products P
select * from `docent_rows_hr.salaries`
select * from `a.b`
select * from a.b
select * from information_schema.tables
select * from mysql.user
select * from performance_schema.threads
select nextval(docent_rows_hr.s)
select next value for docent_rows_hr.s
select * from docent_rows_hr.s
select f()
select docent_rows_hr.f()
select lastval(docent_rows_hr.s)
select @x
select @@datadir
select hidden from orders use index (primary)
select * from orders procedure analyse()
select straight_join hidden from orders
select * from orders natural join products
select * from orders natural left join products
select * from orders join products using (hidden)
select "hidden" from orders
select `hidden` from orders
select `HIDDEN` from orders
select ORDERS.note from orders
select Orders.note from Orders
select o.note from orders O
select docent_rows_sales.orders.hidden from orders
select docent_rows_hr.salaries.salary from orders
select .orders.note from orders
select * from .docent_rows_hr.salaries
select * from sv for system_time all
select * from sv
select id, row_start from sv
select row_end from sv
select * from orders as of timestamp now()
select * from dual
select hidden from dual
select * from json_table('[1]', '$[*]' columns (a int path '$')) j
select j.* from orders o, json_table(o.hidden, '$' columns (a text path '$')) j
select * from orders where match(hidden) against ('x')
select default(hidden) from orders
select values(hidden) from orders
select group_concat(hidden) from orders
select count(distinct hidden) from orders
select * from (select * from docent_rows_hr.salaries) orders
with orders as (select * from docent_rows_hr.salaries) select * from orders
with orders as (select 1 as id) select hidden from docent_rows_sales.orders
with recursive orders as (select 1 as id, 'x' as note union all select id, hidden from docent_rows_sales.orders) select * from orders
with salaries as (select 1 as salary) select * from docent_rows_hr.salaries
select * from orders limit 1 into outfile '/tmp/x'
select (select salary from docent_rows_hr.salaries) from orders
handler orders open
table orders
table docent_rows_hr.salaries
values row(1)
values (1,2)
select * from (values (1,2)) t
select orders.* from orders, products
select 1 from orders group by id with rollup
select id from orders having hidden > ''
select note as hidden from orders having hidden > ''
select id from orders having max(hidden) > ''
select id as note from orders order by hidden
select decode_oracle(hidden,1,2) from orders
select id from orders order by (select hidden)
select /* x */ hidden from orders
select/**/salary from docent_rows_hr.salaries
select * from {oj orders}
select * from {oj orders left outer join docent_rows_hr.salaries on 1}
select {fn f()}
select {d '2020-01-01'}
select column_get(hidden,1) from orders
select note hidden from orders
select orders.hidden hidden from orders
select id from orders where (id, hidden) in (select id, hidden from orders)
""".strip().splitlines()
