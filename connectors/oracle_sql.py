"""The statements of the Oracle connector, each once for all tables: DBA_ views, or ALL_ where only those are granted.

`{v}` is `dba` or `all`. Never read: LOW_VALUE, HIGH_VALUE and HISTOGRAM of columns, HIGH_VALUE of partitions, the
histogram and statistics views, SEARCH_CONDITION of checks, ENDPOINT_VALUE: all of these hold values of rows.

Source: https://docs.oracle.com/en/database/oracle/oracle-database/23/refrn/static-data-dictionary-views.html
"""

from __future__ import annotations

DATABASE = "SELECT SYS_CONTEXT('USERENV', 'CON_NAME') AS \"name\" FROM sys.dual"
_OURS = "IN (SELECT u.username FROM sys.{v}_users u WHERE u.oracle_maintained = 'N')"
SCHEMAS = f"""
SELECT DISTINCT o.owner AS "name" FROM sys.{{v}}_objects o
WHERE o.owner {_OURS} AND o.object_type IN ('TABLE', 'VIEW', 'MATERIALIZED VIEW') AND {{schemas}} ORDER BY 1
"""
# A materialised view has a table of the same name; it is told once, as what it is. DBA_TABLES has the relational tables
# only, DBA_ALL_TABLES those of objects (CREATE TABLE ... OF a type, XMLTYPE) too.
TABLES = f"""
SELECT o.owner AS "schema", o.object_name AS "name", o.object_type AS "kind", o.last_ddl_time AS "changed",
       o.created AS "created", t.num_rows AS "rows", t.last_analyzed AS "analyzed", t.partitioned AS "partitioned",
       c.comments AS "description", e.type_name AS "external"
FROM sys.{{v}}_objects o
LEFT JOIN sys.{{v}}_all_tables t ON t.owner = o.owner AND t.table_name = o.object_name
LEFT JOIN sys.{{v}}_tab_comments c ON c.owner = o.owner AND c.table_name = o.object_name
LEFT JOIN sys.{{v}}_external_tables e ON e.owner = o.owner AND e.table_name = o.object_name
WHERE o.owner {_OURS} AND o.object_type IN ('TABLE', 'VIEW', 'MATERIALIZED VIEW')
  AND NOT (o.object_type = 'TABLE' AND EXISTS (
    SELECT 1 FROM sys.{{v}}_mviews m WHERE m.owner = o.owner AND m.mview_name = o.object_name))
  AND (o.object_type <> 'TABLE' OR (t.nested = 'NO' AND t.secondary = 'N' AND t.dropped = 'NO'
    AND (t.iot_type IS NULL OR t.iot_type = 'IOT')))
  AND {{tables}} ORDER BY o.owner, o.object_name
"""
# TEXT and QUERY are LONG: a row each, and never in an expression.
VIEWS = f"""
SELECT o.owner AS "schema", o.view_name AS "name", o.text AS "definition" FROM sys.{{v}}_views o
WHERE o.owner {_OURS}
"""
MVIEWS = f"""
SELECT o.owner AS "schema", o.mview_name AS "name", o.query AS "definition", c.comments AS "description"
FROM sys.{{v}}_mviews o LEFT JOIN sys.{{v}}_mview_comments c ON c.owner = o.owner AND c.mview_name = o.mview_name
WHERE o.owner {_OURS}
"""
COLUMNS = f"""
SELECT o.owner AS "schema", o.table_name AS "table", o.column_name AS "name", o.column_id AS "position",
       o.data_type AS "type", o.data_length AS "size", o.char_length AS "chars", o.char_used AS "char_used",
       o.data_precision AS "digits", o.data_scale AS "scale", o.nullable AS "nullable", o.virtual_column AS "virtual",
       o.identity_column AS "identity", c.comments AS "description", o.data_default AS "default"
FROM sys.{{v}}_tab_cols o
LEFT JOIN sys.{{v}}_col_comments c ON c.owner = o.owner AND c.table_name = o.table_name
     AND c.column_name = o.column_name
WHERE o.owner {_OURS} AND o.hidden_column = 'NO' AND {{columns}}
"""
KEYS = f"""
SELECT o.owner AS "schema", o.table_name AS "table", o.constraint_type AS "kind", o.constraint_name AS "key",
       k.column_name AS "column", k.position AS "position", o.index_name AS "index_name",
       r.owner AS "ref_schema", r.table_name AS "ref_table", r.column_name AS "ref_column"
FROM sys.{{v}}_constraints o
JOIN sys.{{v}}_cons_columns k ON k.owner = o.owner AND k.constraint_name = o.constraint_name
LEFT JOIN sys.{{v}}_cons_columns r ON r.owner = o.r_owner AND r.constraint_name = o.r_constraint_name
     AND r.position = k.position
WHERE o.owner {_OURS} AND o.constraint_type IN ('P', 'U', 'R')
"""
INDEXES = f"""
SELECT o.table_owner AS "schema", o.table_name AS "table", o.index_name AS "name", o.uniqueness AS "uniqueness",
       o.index_type AS "method", x.column_name AS "column", x.column_position AS "position"
FROM sys.{{v}}_indexes o
JOIN sys.{{v}}_ind_columns x ON x.index_owner = o.owner AND x.index_name = o.index_name
WHERE o.table_owner {_OURS}
"""
# --- what follows is left out where the role may not read it ----------------------------------------------------------
DEPENDENCIES = f"""
SELECT DISTINCT o.owner AS "schema", o.name AS "name", o.referenced_owner AS "up_schema", o.referenced_name AS "up_name"
FROM sys.{{v}}_dependencies o
WHERE o.owner {_OURS} AND o.type IN ('VIEW', 'MATERIALIZED VIEW')
  AND o.referenced_type IN ('TABLE', 'VIEW', 'MATERIALIZED VIEW') AND o.referenced_link_name IS NULL
"""
SYNONYMS = """
SELECT o.owner AS "owner", o.synonym_name AS "name", o.table_owner AS "schema", o.table_name AS "table"
FROM sys.{v}_synonyms o WHERE o.db_link IS NULL
"""
SIZES = """
SELECT o.owner AS "schema", o.segment_name AS "table", SUM(o.bytes) AS "bytes"
FROM sys.dba_segments o WHERE o.segment_type IN ('TABLE', 'TABLE PARTITION', 'TABLE SUBPARTITION')
GROUP BY o.owner, o.segment_name
"""
QUERIES = """
SELECT q.sql_fulltext AS "sql", q.executions AS "runs", q.parsing_schema_name AS "schema", q.last_active_time AS "last"
FROM sys.v_$sqlarea q JOIN sys.{v}_users u ON u.username = q.parsing_schema_name
WHERE u.oracle_maintained = 'N' AND q.command_type IN (2, 3, 189)
ORDER BY q.executions DESC FETCH FIRST 5000 ROWS ONLY
"""

GRANT_SCRIPT = """\
-- Reads the dictionary, and no row of any table. As a DBA, in the pluggable database:
CREATE USER <role> IDENTIFIED BY "<password>";
GRANT CREATE SESSION TO <role>;
GRANT SELECT ON sys.dba_users TO <role>;
GRANT SELECT ON sys.dba_objects TO <role>;
GRANT SELECT ON sys.dba_all_tables TO <role>;
GRANT SELECT ON sys.dba_external_tables TO <role>;
GRANT SELECT ON sys.dba_views TO <role>;
GRANT SELECT ON sys.dba_mviews TO <role>;
GRANT SELECT ON sys.dba_mview_comments TO <role>;
GRANT SELECT ON sys.dba_tab_cols TO <role>;
GRANT SELECT ON sys.dba_tab_comments TO <role>;
GRANT SELECT ON sys.dba_col_comments TO <role>;
GRANT SELECT ON sys.dba_constraints TO <role>;
GRANT SELECT ON sys.dba_cons_columns TO <role>;
GRANT SELECT ON sys.dba_indexes TO <role>;
GRANT SELECT ON sys.dba_ind_columns TO <role>;
-- Optional: lineage, other names, sizes, frequent queries.
GRANT SELECT ON sys.dba_dependencies TO <role>;
GRANT SELECT ON sys.dba_synonyms TO <role>;
GRANT SELECT ON sys.dba_segments TO <role>;
-- GRANT SELECT ON sys.v_$sqlarea TO <role>;
-- DBA_TAB_COLS has columns with bounds of values; Docent names none of them. Where DBA_ views are not granted, set
-- 'dictionary' to "all": then only what the role holds a right on is seen.
"""
