"""The tables of the full-text index, per database: made and dropped by the migrations, outside the models.

`search_docs` has one row per resource that can be found on its own, and one more for each column whose visibility to
the assistant may differ from its table's (tags, sensitivity). The words themselves are in `search_fts` (FTS5) on
SQLite, whose rowids start with the zone, so that a viewer's zones are a range of the index; on PostgreSQL in
`search_docs.body` under a GIN index, with the workspace and again with the zone before each word, and in `words`, to
read them back. `search_words` is what "did you mean" chooses from. Neither database needs an extension. Every statement
can be run twice.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

ZONE_SHIFT = 36
"""A rowid of `search_fts` is zone_id << 36 | resource id."""

COLUMNS = """
    id BIGINT NOT NULL PRIMARY KEY,
    workspace_id INTEGER NOT NULL,
    integration_id INTEGER,
    zone_id INTEGER NOT NULL,
    asset_id BIGINT NOT NULL,
    container_id BIGINT,
    kind VARCHAR(32) NOT NULL,
    family_id BIGINT NOT NULL,
    group_key BIGINT,
    shape BIGINT,
    sample_id BIGINT,
    name_words INTEGER NOT NULL,
    text_words INTEGER NOT NULL,
    columns_count INTEGER NOT NULL,
    notes_words INTEGER NOT NULL
"""

INDEXES = (
    "CREATE INDEX IF NOT EXISTS search_docs_asset ON search_docs (asset_id)",
    "CREATE INDEX IF NOT EXISTS search_docs_family ON search_docs (family_id) WHERE family_id <> id",
    "CREATE INDEX IF NOT EXISTS search_docs_group ON search_docs (group_key) WHERE group_key IS NOT NULL",
    "CREATE INDEX IF NOT EXISTS search_docs_container ON search_docs (container_id, zone_id, family_id, columns_count)",
    "CREATE INDEX IF NOT EXISTS search_docs_workspace ON search_docs (workspace_id, integration_id)",
)
WORDS = """
CREATE TABLE IF NOT EXISTS search_words (
    workspace_id INTEGER NOT NULL,
    word VARCHAR(60) NOT NULL,
    PRIMARY KEY (workspace_id, word)
)
"""

FTS = (
    "CREATE VIRTUAL TABLE IF NOT EXISTS search_fts USING fts5("
    "body, detail='none', columnsize=0, tokenize=\"ascii tokenchars '_'\")"
)

FTS_MEMORY = "INSERT INTO search_fts (search_fts, rank) VALUES ('hashsize', 67108864)"
"""A sync's words are collected in memory before they are written as one sorted run: with the default of a megabyte a
large one leaves several runs, which are merged while it writes and walked one by one in each search."""

FOUND = """
CREATE OR REPLACE FUNCTION docent_found(query tsquery, zones integer[], most integer) RETURNS SETOF bigint
LANGUAGE plpgsql STABLE SET enable_seqscan = off AS $$
BEGIN
    IF most IS NULL THEN
        RETURN QUERY SELECT d.id FROM search_docs d
            WHERE d.body @@ query AND (zones IS NULL OR d.zone_id = ANY (zones));
    ELSE
        RETURN QUERY SELECT one.id FROM (
            SELECT d.id FROM search_docs d
            WHERE d.body @@ query AND (zones IS NULL OR d.zone_id = ANY (zones)) OFFSET 0
        ) AS one ORDER BY one.id LIMIT most;
    END IF;
END
$$
"""
"""The words lie outside the rows, which the planner does not count: left alone it reads them all, row by row. Cut by
id: where rows lie, and so which come first, depends on those of other people around them."""
MOST_LEXEMES = 64
"""With more zones than this, the rows decide instead of the lexemes."""
LISTED = f"""
CREATE OR REPLACE FUNCTION docent_listed(
    lexemes text[], everything boolean, zones integer[], workspace integer, most integer
) RETURNS TABLE (at bigint, ids bigint[])
LANGUAGE plpgsql STABLE SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    IF everything OR cardinality(zones) > {MOST_LEXEMES} THEN
        RETURN QUERY SELECT q.at, array(
            SELECT one.id FROM (
                SELECT d.id FROM search_docs d
                WHERE d.body @@ format('''w%s.%s''', workspace, q.lexeme)::tsquery
                AND (everything OR d.zone_id = ANY (zones)) OFFSET 0
            ) AS one ORDER BY one.id LIMIT most
        ) FROM unnest(lexemes) WITH ORDINALITY AS q(lexeme, at);
    ELSE
        RETURN QUERY SELECT q.at, array(
            SELECT one.id FROM unnest(zones) AS zone, LATERAL (
                SELECT d.id FROM search_docs d WHERE d.body @@ format('''%s.%s''', zone, q.lexeme)::tsquery OFFSET 0
            ) AS one ORDER BY one.id LIMIT most
        ) FROM unnest(lexemes) WITH ORDINALITY AS q(lexeme, at);
    END IF;
END
$$
"""
"""The documents of each lexeme, zone by zone: what one key has the index gives as it is, of many joined by OR it looks
at each document again. Cut by id, not zone by zone: a table that others were granted too has a zone of its own. Planned
once for each connection: with arrays it would be planned anew in every call."""
TOGETHER = f"""
CREATE OR REPLACE FUNCTION docent_together(
    queries text[], everything boolean, zones integer[], workspace integer, most integer
) RETURNS TABLE (at bigint, ids bigint[])
LANGUAGE plpgsql STABLE SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    IF everything OR cardinality(zones) > {MOST_LEXEMES} THEN
        RETURN QUERY SELECT q.at, array(
            SELECT one.id FROM (
                SELECT d.id FROM search_docs d WHERE d.body @@ format(q.query, 'w' || workspace)::tsquery
                AND (everything OR d.zone_id = ANY (zones)) OFFSET 0
            ) AS one ORDER BY one.id LIMIT most
        ) FROM unnest(queries) WITH ORDINALITY AS q(query, at);
    ELSE
        RETURN QUERY SELECT q.at, array(
            SELECT one.id FROM unnest(zones) AS zone, LATERAL (
                SELECT d.id FROM search_docs d WHERE d.body @@ format(q.query, zone)::tsquery OFFSET 0
            ) AS one ORDER BY one.id LIMIT most
        ) FROM unnest(queries) WITH ORDINALITY AS q(query, at);
    END IF;
END
$$
"""
"""The documents of each query, in which `%1$s` stands for the zone before a word: the index puts the words of one zone
together without a look at the documents that have but one of them."""
OPENED = """
CREATE OR REPLACE FUNCTION docent_opened(
    lexemes text[], queries text[], everything boolean, teams integer[], workspace integer,
    most integer, most_together integer, enough integer, looked_at integer
) RETURNS TABLE (at bigint, ids bigint[], counts bigint[])
LANGUAGE plpgsql STABLE SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    mine integer[];
    held bigint[];
    found bigint[];
BEGIN
    -- Apart: with an OR every zone of the workspace would be looked at for whoever sees a few.
    IF everything THEN
        SELECT array_agg(z.id ORDER BY z.id) INTO mine FROM zones z WHERE z.workspace_id = workspace;
    ELSE
        SELECT array_agg(z.id ORDER BY z.id) INTO mine FROM zones z WHERE z.workspace_id = workspace AND z.id IN (
            SELECT t.zone_id FROM zone_teams t WHERE t.team_id = ANY (teams)
        );
    END IF;
    mine := coalesce(mine, '{}');
    SELECT array_agg(c.resources) INTO held FROM zone_counts c WHERE c.zone_id = ANY (mine) AND c.kind <> 'column';
    RETURN QUERY SELECT 0::bigint, mine::bigint[], held;
    IF cardinality(queries) > 0 THEN
        SELECT t.ids INTO found
            FROM docent_together(queries[1:1], everything, mine, workspace, most_together) AS t;
        IF cardinality(found) >= enough THEN
            RETURN QUERY SELECT -1::bigint, found, NULL::bigint[];
            IF cardinality(found) <= looked_at THEN
                queries := queries[1:2];
            END IF;
            RETURN QUERY SELECT -1 - t.at, t.ids, NULL::bigint[]
                FROM docent_together(queries[2:], everything, mine, workspace, most_together) AS t;
            RETURN;
        END IF;
    END IF;
    RETURN QUERY SELECT l.at, l.ids, NULL::bigint[]
        FROM docent_listed(lexemes, everything, mine, workspace, most) AS l;
END
$$
"""
"""A viewer's zones, how much they hold, and what is asked first: one round trip. Where the first of `queries`, for what
has every word, finds `enough`, the others too; else the lists of single lexemes, which are long where words are common.
"""
COMPRESSED = """
DO $$
BEGIN
    EXECUTE 'ALTER TABLE search_docs'
        ' ALTER COLUMN words SET COMPRESSION lz4, ALTER COLUMN body SET COMPRESSION lz4';
EXCEPTION WHEN feature_not_supported OR syntax_error THEN NULL;
END
$$
"""
"""The words that a search reads are unpacked in less time than packed the usual way, and take less room. A server that
was built without it, or is older than 14, packs as usual; what stands already stays as it is."""
FUNCTIONS = {
    "docent_found(tsquery, integer[], integer)": FOUND,
    "docent_listed(text[], boolean, integer[], integer, integer)": LISTED,
    "docent_together(text[], boolean, integer[], integer, integer)": TOGETHER,
    "docent_opened(text[], text[], boolean, integer[], integer, integer, integer, integer, integer)": OPENED,
}
NO_LONGER_MADE = ("docent_opened(text[], boolean, integer[], integer, integer)",)
"""Asked for by processes of an earlier release, which may run beside a newer one until all are replaced."""


def create(connection: Connection) -> None:
    """Make the tables and indexes that are not there yet."""
    if connection.dialect.name == "sqlite":
        # SQLite keeps a row under its key only where that is called INTEGER.
        columns = COLUMNS.replace("id BIGINT NOT NULL PRIMARY KEY", "id INTEGER NOT NULL PRIMARY KEY")
        connection.execute(text(f"CREATE TABLE IF NOT EXISTS search_docs ({columns})"))
        connection.execute(text(FTS))
        connection.execute(text(FTS_MEMORY))
        connection.execute(text(WORDS + " WITHOUT ROWID"))
    else:
        connection.execute(
            text(f"CREATE TABLE IF NOT EXISTS search_docs ({COLUMNS}, words TEXT, body TSVECTOR)")
        )
        # Long words are kept out of the rows that a search walks over.
        connection.execute(text("ALTER TABLE search_docs SET (toast_tuple_target = 256)"))
        connection.exec_driver_sql(COMPRESSED)
        connection.execute(
            text("CREATE INDEX IF NOT EXISTS search_docs_body ON search_docs USING gin (body)")
        )
        connection.execute(text(WORDS))
        for function in FUNCTIONS.values():
            # As text, its casts would be taken for parameters.
            connection.exec_driver_sql(function.replace("%", "%%"))
    for statement in INDEXES:
        connection.execute(text(statement))


def drop(connection: Connection) -> None:
    """Drop them; nothing is lost that a re-index does not bring back."""
    if connection.dialect.name != "sqlite":
        for function in (*FUNCTIONS, *NO_LONGER_MADE):
            connection.execute(text(f"DROP FUNCTION IF EXISTS {function}"))
    for table in ("search_fts", "search_words", "search_docs"):
        connection.execute(text(f"DROP TABLE IF EXISTS {table}"))
