"""Every statement that the PostgreSQL connector sends to read metadata, in the order it sends them, and its grants.

All name `pg_catalog` (and the view of pg_stat_statements, where there is one). `{schemas}` and `{tables}` stand for
the conditions of the settings, with placeholders for their patterns; psycopg reads %% as %.
"""

from connectors.postgres_ascii import ENCODING

# READ ONLY is the second wall. The first statement of a transaction sets the rest, so that it costs no round trip: a
# lock that somebody holds must not hang a sync, and a consumer that is slow to write must not be cut off by the role's
# own time-out. Until it has set the search path, the owner of a database decides which operator a bare = is: hence
# OPERATOR(pg_catalog.=) in whatever is sent with it.
BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

_SET = ", ".join(
    [
        f"pg_catalog.set_config('{name}', '{value}', true)"
        for name, value in {
            "lock_timeout": "15s",
            "statement_timeout": "0",
            "search_path": "pg_catalog",
            "quote_all_identifiers": "off",
            "timezone": "UTC",
            "datestyle": "ISO",
            "jit": "off",
            "max_parallel_workers_per_gather": "0",
            "work_mem": "32MB",
        }.items()
    ]
    + [ENCODING]
)

DATABASE = f"""
SELECT d.datname, pg_catalog.shobj_description(d.oid, 'pg_database'), pg_catalog.pg_get_userbyid(d.datdba),
       pg_catalog.current_setting('server_version_num')::int, {_SET}
FROM pg_catalog.pg_database d WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()
"""

# Schemas of the engine itself: pg_catalog, pg_toast, pg_temp_3, information_schema.
SCHEMAS = """
SELECT n.nspname, pg_catalog.obj_description(n.oid, 'pg_namespace'), pg_catalog.pg_get_userbyid(n.nspowner)
FROM pg_catalog.pg_namespace n
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND {schemas}
ORDER BY n.nspname
"""

# The tables are read in four parts by name, so that whoever takes the rows works while the server makes the next: the
# tables of each part by their oids, and how many they are. A list of oids also tells the planner how many it will find;
# bounds of names in one large schema, or a pattern, made it plan for a single table, once for each of the others.
PARTS = """
SELECT pg_catalog.array_agg(t.oid)::text, pg_catalog.count(*) FROM (
    SELECT c.oid, pg_catalog.ntile(4) OVER (ORDER BY n.nspname, c.relname) AS part
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
      AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND {tables}
) t GROUP BY t.part ORDER BY t.part
"""

# One row a table, of text, numbers and lists of them, so that its bytes tell whether it changed; the list of numbers
# only where columns were dropped, of defaults and comments where there are any. A column's default is an expression,
# or the words of an identity or generated column; only the last may name other columns, and without a table to look for
# them in, a thousand defaults of a wide table cost no million looks. Partitions are folded into the parent (number,
# rows, bytes), and `conparentid = 0` leaves out the copies of a key on partitions.
# Rows and sizes are those of the last VACUUM or ANALYZE, which cost nothing to read; a table that has had none but
# was written to is measured, unless somebody holds a lock that this would wait for; else they are unknown. They
# are numbers of pages and rows only: no statistic that holds a value.
# The server writes definitions as of now, not as of the snapshot, and fails where what they are of was dropped since;
# a size is asked for first, which of something dropped is NULL.
TABLES = """
WITH wanted AS MATERIALIZED (
    SELECT c.oid, c.relname, c.relkind, c.relowner, c.reltuples, n.nspname
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid = ANY (%s::pg_catalog.oid[])
), locked AS MATERIALIZED (
    SELECT l.relation FROM pg_catalog.pg_locks l
    WHERE l.mode = 'AccessExclusiveLock' AND l.relation IS NOT NULL
), heaps AS MATERIALIZED (
    SELECT c.oid, c.relkind, c.relpages, c.reltuples, c.reltoastrelid FROM pg_catalog.pg_class c
    WHERE c.relkind IN ('r', 'm') AND (c.relispartition OR c.oid IN (SELECT oid FROM wanted))
), sized AS MATERIALIZED (
    SELECT c.oid,
           CASE WHEN c.relpages > 0 OR c.reltuples > 0 THEN c.reltuples
                ELSE NULLIF(pg_catalog.pg_stat_get_live_tuples(c.oid), 0) END AS tuples,
           CASE WHEN c.relpages > 0
                THEN (c.relpages::bigint + COALESCE(t.relpages, 0) + COALESCE(x.pages, 0))
                     * pg_catalog.current_setting('block_size')::bigint
                WHEN (c.relkind = 'm' OR pg_catalog.pg_stat_get_live_tuples(c.oid) > 0)
                     AND c.oid NOT IN (SELECT relation FROM locked)
                THEN pg_catalog.pg_total_relation_size(c.oid) END AS bytes
    FROM heaps c
    LEFT JOIN pg_catalog.pg_class t ON t.oid = c.reltoastrelid
    LEFT JOIN (SELECT i.indrelid, pg_catalog.sum(x.relpages)::bigint AS pages
               FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
               WHERE i.indrelid IN (SELECT oid FROM heaps)
               GROUP BY i.indrelid) x ON x.indrelid = c.oid
), parts AS MATERIALIZED (
    SELECT pg_catalog.pg_partition_root(c.oid) AS root,
           pg_catalog.count(*) FILTER (WHERE c.relkind <> 'p') AS number,
           pg_catalog.sum(s.tuples) AS tuples, pg_catalog.sum(s.bytes)::bigint AS bytes
    FROM pg_catalog.pg_class c LEFT JOIN sized s ON s.oid = c.oid
    WHERE c.relispartition AND c.relkind IN ('r', 'p', 'f') GROUP BY 1
), cols AS (
    SELECT a.attrelid,
           pg_catalog.array_agg(a.attname::text) AS names,
           CASE WHEN pg_catalog.max(a.attnum) <> pg_catalog.count(*) THEN pg_catalog.array_agg(a.attnum) END AS numbers,
           pg_catalog.array_agg(pg_catalog.format_type(a.atttypid, a.atttypmod)) AS types,
           pg_catalog.string_agg(CASE WHEN a.attnotnull THEN 't' ELSE 'f' END, '') AS required,
           CASE WHEN pg_catalog.count(a.word) > 0 THEN pg_catalog.array_agg(a.word) END AS defaults,
           CASE WHEN pg_catalog.count(a.description) > 0 THEN pg_catalog.array_agg(a.description) END AS comments
    FROM (
        SELECT a.attrelid, a.attnum, a.attname, a.atttypid, a.atttypmod, a.attnotnull, e.description, CASE
               WHEN a.attidentity = 'a' THEN 'GENERATED ALWAYS AS IDENTITY'
               WHEN a.attidentity = 'd' THEN 'GENERATED BY DEFAULT AS IDENTITY'
               WHEN a.attgenerated <> '' AND pg_catalog.pg_relation_size(a.attrelid) IS NULL THEN 'GENERATED ALWAYS'
               WHEN a.attgenerated = 's' THEN pg_catalog.format('GENERATED ALWAYS AS (%%s) STORED',
                                                                pg_catalog.pg_get_expr(d.adbin, d.adrelid))
               WHEN a.attgenerated = 'v' THEN pg_catalog.format('GENERATED ALWAYS AS (%%s)',
                                                                pg_catalog.pg_get_expr(d.adbin, d.adrelid))
               WHEN d.adbin IS NOT NULL THEN pg_catalog.pg_get_expr(d.adbin, 0)
               END AS word
        FROM pg_catalog.pg_attribute a
        LEFT JOIN pg_catalog.pg_attrdef d ON a.atthasdef AND d.adrelid = a.attrelid AND d.adnum = a.attnum
        LEFT JOIN pg_catalog.pg_description e ON e.objoid = a.attrelid AND e.objsubid = a.attnum
             AND e.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass
        WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attrelid IN (SELECT oid FROM wanted)
        ORDER BY a.attrelid, a.attnum
    ) a
    GROUP BY a.attrelid
), keys AS (
    SELECT k.conrelid, pg_catalog.json_agg(pg_catalog.json_build_array(
               k.contype, k.conname, k.conkey, rn.nspname, r.relname,
               (SELECT pg_catalog.json_agg(ra.attname ORDER BY u.nr)
                FROM pg_catalog.unnest(k.confkey) WITH ORDINALITY u (num, nr)
                JOIN pg_catalog.pg_attribute ra ON ra.attrelid = k.confrelid AND ra.attnum = u.num)
           ) ORDER BY pg_catalog.strpos('puf', k.contype::text), k.conname) AS keys
    FROM pg_catalog.pg_constraint k
    LEFT JOIN pg_catalog.pg_class r ON r.oid = k.confrelid
    LEFT JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace
    WHERE k.contype IN ('p', 'u', 'f') AND k.conparentid = 0 AND k.conrelid IN (SELECT oid FROM wanted)
    GROUP BY k.conrelid
), idx AS (
    SELECT i.indrelid, pg_catalog.json_agg(pg_catalog.json_build_array(
               x.relname, i.indisunique, m.amname, i.indkey::int2[], i.indnkeyatts) ORDER BY x.relname) AS indexes
    FROM pg_catalog.pg_index i
    JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
    JOIN pg_catalog.pg_am m ON m.oid = x.relam
    WHERE i.indrelid IN (SELECT oid FROM wanted)
    GROUP BY i.indrelid
)
SELECT w.nspname, w.relname, w.relkind, pg_catalog.pg_get_userbyid(w.relowner), t.description,
       cols.names, cols.numbers, cols.types, cols.required, cols.defaults, cols.comments,
       keys.keys::text, idx.indexes::text,
       CASE WHEN w.relkind IN ('v', 'm') AND pg_catalog.pg_relation_size(w.oid) IS NOT NULL
            THEN pg_catalog.pg_get_viewdef(w.oid) END,
       CASE WHEN w.relkind = 'f' AND w.reltuples >= 0 THEN w.reltuples ELSE COALESCE(parts.tuples, sized.tuples) END,
       COALESCE(parts.bytes, sized.bytes),
       GREATEST(pg_catalog.pg_stat_get_last_analyze_time(w.oid),
                pg_catalog.pg_stat_get_last_autoanalyze_time(w.oid))::text,
       CASE WHEN w.relkind = 'p' THEN COALESCE(parts.number, 0) END,
       CASE WHEN w.relkind = 'p' THEN pg_catalog.pg_get_partkeydef(w.oid) END,
       fs.srvname
FROM wanted w
LEFT JOIN pg_catalog.pg_description t ON t.objoid = w.oid AND t.objsubid = 0
     AND t.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass
LEFT JOIN sized ON sized.oid = w.oid
LEFT JOIN parts ON parts.root = w.oid
LEFT JOIN cols ON cols.attrelid = w.oid
LEFT JOIN keys ON keys.conrelid = w.oid
LEFT JOIN idx ON idx.indrelid = w.oid
LEFT JOIN pg_catalog.pg_foreign_table ft ON ft.ftrelid = w.oid
LEFT JOIN pg_catalog.pg_foreign_server fs ON fs.oid = ft.ftserver
ORDER BY w.nspname, w.relname
"""

# Views that were dropped after the snapshot and may be there anew by now: their oids, as PARTS tells them.
AGAIN = """
SELECT pg_catalog.array_agg(c.oid)::text FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN ROWS FROM (pg_catalog.unnest(%s::text[]), pg_catalog.unnest(%s::text[])) w (place, name)
     ON n.nspname = w.place AND c.relname = w.name
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
"""

HAS_STATEMENTS = f"""
SELECT n.nspname, pg_catalog.current_database(), EXISTS (
           SELECT 1 FROM pg_catalog.pg_roles r
           WHERE r.rolname OPERATOR(pg_catalog.=) 'pg_read_all_stats' AND pg_catalog.pg_has_role(r.oid, 'USAGE')
       ), {_SET}
FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) e.extnamespace
WHERE e.extname OPERATOR(pg_catalog.=) 'pg_stat_statements'
"""

# Constants are already $1, $2 in what the extension keeps; of utility statements only CREATE TABLE AS is read, whose
# constants it replaces since version 16. What writes a table from others runs once a night and would be lost behind
# what runs a million times: it has a list of its own. Tools write who asks in a comment before the statement.
_BEGIN = r"^([[:space:](]|/[*].*?[*]/|--[^\n]*\n)*"
STATEMENTS = rf"""
WITH kept AS (
    SELECT s.query, pg_catalog.sum(s.calls)::bigint AS runs,
           pg_catalog.array_agg(pg_catalog.pg_get_userbyid(s.userid)::text ORDER BY s.userid) AS users,
           pg_catalog.array_agg(s.calls::bigint ORDER BY s.userid) AS runs_of,
           s.query ~* '{_BEGIN}(insert|update|merge|create|with)\M.*\m(select|from|using)\M'
             AND s.query ~* '\m(insert|update|merge|create)\M' AS writes
    FROM {{extension_schema}}.pg_stat_statements s
    JOIN pg_catalog.pg_database d ON d.oid = s.dbid
    WHERE d.datname = pg_catalog.current_database()
      AND s.query !~ 'pg_catalog[.]'
      AND (s.query ~* '{_BEGIN}(select|with|insert|update|delete|merge)\M'
        OR (pg_catalog.current_setting('server_version_num')::int >= 160000
          AND s.query ~* '{_BEGIN}create[[:space:]]+(unlogged[[:space:]]+)?table\M.*\mas\M.*\mselect\M'))
    GROUP BY s.query
), ranked AS (
    SELECT kept.*, pg_catalog.row_number() OVER (PARTITION BY writes ORDER BY runs DESC) AS place FROM kept
)
SELECT query, runs, users, runs_of FROM ranked WHERE place <= 5000 ORDER BY runs DESC
"""

GRANT_SCRIPT = """\
-- Reads metadata, and no row of any table. CONNECT is all that pg_catalog needs.
CREATE ROLE <role> LOGIN PASSWORD '<password>' NOSUPERUSER NOCREATEDB NOCREATEROLE CONNECTION LIMIT 5;
ALTER ROLE <role> SET default_transaction_read_only = on;
GRANT CONNECT ON DATABASE <database> TO <role>;
-- Optional, for popularity and frequent queries: lets the role see statements of others in pg_stat_statements.
-- GRANT pg_read_all_stats TO <role>;
"""

QUERY_GRANT_SCRIPT = """\
-- Runs the SELECTs that people send. Grant exactly the tables that may be queried, nothing else.
CREATE ROLE <role> LOGIN PASSWORD '<password>' NOSUPERUSER NOCREATEDB NOCREATEROLE CONNECTION LIMIT 10;
ALTER ROLE <role> SET default_transaction_read_only = on;
ALTER ROLE <role> SET statement_timeout = '60s';
ALTER ROLE <role> SET temp_file_limit = '1GB';
GRANT CONNECT ON DATABASE <database> TO <role>;
GRANT USAGE ON SCHEMA <schema> TO <role>;
GRANT SELECT ON <schema>.<table> TO <role>;
"""
