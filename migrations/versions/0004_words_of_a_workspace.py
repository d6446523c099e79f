"""The words of a document on PostgreSQL: with their workspace before them, where they stood plain.

A word of the whole workspace was asked for as a word and a workspace, which the index puts together document by
document.

Revision: 0004
"""

from __future__ import annotations

from alembic import op

from plugin.store import search_ddl

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

OF_WORKSPACE = "'w' || workspace_id || '.' || replace(words, ' ', ' w' || workspace_id || '.')"
OF_ZONE = "zone_id || '.' || replace(words, ' ', ' ' || zone_id || '.')"
PLAIN = "words || ' _w' || workspace_id"
LISTED_BEFORE = """
CREATE OR REPLACE FUNCTION docent_listed(
    lexemes text[], everything boolean, zones integer[], workspace integer, most integer
) RETURNS TABLE (at bigint, ids bigint[])
LANGUAGE plpgsql STABLE SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    IF everything OR cardinality(zones) > 64 THEN
        RETURN QUERY SELECT q.at, array(
            SELECT d.id FROM search_docs d
            WHERE d.body @@ format('''%s'' & ''_w%s''', q.lexeme, workspace)::tsquery
            AND (everything OR d.zone_id = ANY (zones)) LIMIT most
        ) FROM unnest(lexemes) WITH ORDINALITY AS q(lexeme, at);
    ELSE
        RETURN QUERY SELECT q.at, array(
            SELECT one.id FROM unnest(zones) AS zone, LATERAL (
                SELECT d.id FROM search_docs d WHERE d.body @@ format('''%s.%s''', zone, q.lexeme)::tsquery OFFSET 0
            ) AS one LIMIT most
        ) FROM unnest(lexemes) WITH ORDINALITY AS q(lexeme, at);
    END IF;
END
$$
"""
"""What an older release searches with: it finds what that release writes after a downgrade, and what stands already."""


def upgrade() -> None:
    """Go to this revision. The words are in the rows, so nothing is read from the catalog again."""
    _write(f"{OF_WORKSPACE} || ' ' || {OF_ZONE}")


def downgrade() -> None:
    """Go back. What this release asks for stays beside what an older one does."""
    _write(f"{PLAIN} || ' ' || {OF_WORKSPACE} || ' ' || {OF_ZONE}")
    if op.get_bind().dialect.name == "postgresql":
        # As text, its casts would be taken for parameters.
        op.get_bind().exec_driver_sql(LISTED_BEFORE.replace("%", "%%"))


def _write(body: str) -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    # Built anew at once the index takes less time, and half the room.
    op.execute("DROP INDEX IF EXISTS search_docs_body")
    op.execute(f"UPDATE search_docs SET body = ({body})::tsvector WHERE words <> ''")
    search_ddl.create(op.get_bind())
