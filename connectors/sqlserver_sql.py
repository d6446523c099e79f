"""The statements of the SQL Server connector: catalog views only, each once for all tables.

`sys.stats`, `DBCC SHOW_STATISTICS` and `sys.dm_db_stats_histogram` hold values of rows and are not read; neither are
partition bounds. Marked optional: what Azure Synapse lacks, or a right may be missing for; its absence costs that part.

Source: https://learn.microsoft.com/sql/relational-databases/system-catalog-views
"""

from __future__ import annotations

DATABASE = """
SELECT DB_NAME() AS name, p.name AS owner, CAST(SERVERPROPERTY('ProductVersion') AS nvarchar(128)) AS version,
       CAST(SERVERPROPERTY('EngineEdition') AS int) AS edition, DATEDIFF(minute, GETUTCDATE(), GETDATE()) AS ahead
FROM sys.schemas s LEFT JOIN sys.database_principals p ON p.principal_id = s.principal_id WHERE s.name = N'dbo'
"""
_OURS = """s.name NOT IN (N'sys', N'INFORMATION_SCHEMA', N'guest', N'db_owner', N'db_accessadmin',
  N'db_securityadmin', N'db_ddladmin', N'db_backupoperator', N'db_datareader', N'db_datawriter', N'db_denydatareader',
  N'db_denydatawriter')"""
SCHEMAS = f"""
SELECT s.schema_id AS id, s.name AS name, p.name AS owner
FROM sys.schemas s LEFT JOIN sys.database_principals p ON p.principal_id = s.principal_id
WHERE {_OURS} AND {{schemas}} ORDER BY s.name
"""
# ET is the type that the page of sys.objects gives external tables; servers were seen to give U.
_OBJECTS = f"""sys.objects o JOIN sys.schemas s ON s.schema_id = o.schema_id
     AND o.type IN ('U', 'V', 'ET') AND o.is_ms_shipped = 0 AND {_OURS} AND {{tables}}"""
TABLES = f"""
SELECT o.object_id AS id, s.name AS [schema], o.name AS name, o.type AS kind, p.name AS owner, o.modify_date AS changed,
       o.create_date AS created, m.definition AS definition,
       CASE WHEN e.object_id IS NULL THEN 0 ELSE 1 END AS is_external
FROM {_OBJECTS}
LEFT JOIN sys.database_principals p ON p.principal_id = COALESCE(o.principal_id, s.principal_id)
LEFT JOIN sys.sql_modules m ON m.object_id = o.object_id
LEFT JOIN sys.external_tables e ON e.object_id = o.object_id
ORDER BY s.name, o.name
"""
COLUMNS = f"""
SELECT o.object_id AS id, c.column_id AS position, c.name AS name, t.name AS type, c.max_length AS size,
       c.precision AS digits, c.scale AS scale, c.is_nullable AS nullable, c.is_identity AS is_identity,
       d.definition AS [default], k.definition AS computed
FROM {_OBJECTS}
JOIN sys.columns c ON c.object_id = o.object_id
JOIN sys.types t ON t.user_type_id = c.user_type_id
LEFT JOIN sys.default_constraints d ON d.object_id = c.default_object_id
LEFT JOIN sys.computed_columns k ON k.object_id = c.object_id AND k.column_id = c.column_id
"""
INDEXES = f"""
SELECT o.object_id AS id, i.index_id AS number, i.name AS name, i.type_desc AS method, i.is_unique AS is_unique,
       i.is_primary_key AS is_primary, i.is_unique_constraint AS is_constraint, x.key_ordinal AS position,
       c.name AS column_name
FROM {_OBJECTS}
JOIN sys.indexes i ON i.object_id = o.object_id AND i.index_id > 0 AND i.is_hypothetical = 0
JOIN sys.index_columns x ON x.object_id = i.object_id AND x.index_id = i.index_id
JOIN sys.columns c ON c.object_id = x.object_id AND c.column_id = x.column_id
"""
FOREIGN = f"""
SELECT o.object_id AS id, f.name AS [key], x.constraint_column_id AS position, c.name AS [column],
       rs.name AS ref_schema, r.name AS ref_table, rc.name AS ref_column
FROM {_OBJECTS}
JOIN sys.foreign_keys f ON f.parent_object_id = o.object_id
JOIN sys.foreign_key_columns x ON x.constraint_object_id = f.object_id
JOIN sys.columns c ON c.object_id = x.parent_object_id AND c.column_id = x.parent_column_id
JOIN sys.objects r ON r.object_id = x.referenced_object_id
JOIN sys.schemas rs ON rs.schema_id = r.schema_id
JOIN sys.columns rc ON rc.object_id = x.referenced_object_id AND rc.column_id = x.referenced_column_id
"""
# --- what follows is optional ----------------------------------------------------------------------------------------
DESCRIPTIONS = """
SELECT e.class AS class, e.major_id AS id, e.minor_id AS position, CAST(e.value AS nvarchar(4000)) AS description
FROM sys.extended_properties e WHERE e.name = N'MS_Description' AND e.class IN (0, 1, 3)
"""
ROWS = """
SELECT p.object_id AS id, SUM(p.rows) AS rows_, COUNT(*) AS partitions
FROM sys.partitions p WHERE p.index_id IN (0, 1) GROUP BY p.object_id
"""
SIZES = """
SELECT p.object_id AS id, SUM(a.total_pages) * 8192 AS bytes
FROM sys.partitions p JOIN sys.allocation_units a ON (a.type IN (1, 3) AND a.container_id = p.hobt_id)
     OR (a.type = 2 AND a.container_id = p.partition_id)
GROUP BY p.object_id
"""
LABELS = """
SELECT l.major_id AS id, c.name AS column_name, CAST(l.label AS nvarchar(256)) AS label,
       CAST(l.information_type AS nvarchar(256)) AS information
FROM sys.sensitivity_classifications l
LEFT JOIN sys.columns c ON c.object_id = l.major_id AND c.column_id = l.minor_id WHERE l.class = 1
"""
SYNONYMS = """
SELECT s.name AS [schema], y.name AS name, OBJECT_ID(y.base_object_name) AS id
FROM sys.synonyms y JOIN sys.schemas s ON s.schema_id = y.schema_id
"""
LINEAGE = """
SELECT DISTINCT d.referencing_id AS id, d.referenced_id AS upstream, d.referenced_database_name AS [database],
       COALESCE(rs.name, d.referenced_schema_name) AS [schema], COALESCE(r.name, d.referenced_entity_name) AS name,
       r.type AS kind
FROM sys.sql_expression_dependencies d
JOIN sys.objects v ON v.object_id = d.referencing_id AND v.type = 'V'
LEFT JOIN sys.objects r ON r.object_id = d.referenced_id
LEFT JOIN sys.schemas rs ON rs.schema_id = r.schema_id
WHERE d.referencing_class = 1 AND d.referenced_class = 1 AND d.referenced_server_name IS NULL
"""
QUERIES = """
SELECT TOP (5000) t.query_sql_text AS sql, SUM(r.count_executions) AS runs,
       CAST(MAX(r.last_execution_time) AS datetime2(3)) AS last
FROM sys.query_store_query_text t
JOIN sys.query_store_query q ON q.query_text_id = t.query_text_id
JOIN sys.query_store_plan p ON p.query_id = q.query_id
JOIN sys.query_store_runtime_stats r ON r.plan_id = p.plan_id
WHERE q.is_internal_query = 0 AND r.execution_type = 0
GROUP BY t.query_text_id, t.query_sql_text ORDER BY runs DESC
"""

GRANT_SCRIPT = """\
-- Reads names, types, descriptions, definitions and sizes, and no row of any table.
-- SQL Server and Managed Instance: the login in master, the rest in the database. Azure SQL Database and Synapse:
-- connect to master for the first line, to the database for the rest.
CREATE LOGIN [<role>] WITH PASSWORD = '<password>';
CREATE USER [<role>] FOR LOGIN [<role>];
GRANT VIEW DEFINITION TO [<role>];
-- Optional, for lineage between views and tables (without it, lineage comes from the views' text):
GRANT SELECT ON sys.sql_expression_dependencies TO [<role>];
-- Optional, for popularity and frequent queries from the Query Store (SQL Server 2022 and later:
-- VIEW DATABASE PERFORMANCE STATE is enough):
-- GRANT VIEW DATABASE STATE TO [<role>];
-- Optional, for sensitivity labels of columns as tags:
-- GRANT VIEW ANY SENSITIVITY CLASSIFICATION TO [<role>];
"""
