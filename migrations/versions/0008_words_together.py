"""A search on PostgreSQL begins with what has every word, and with the lists of single words only where that is little.

The function of before stays for the processes of an earlier release that run beside newer ones.

Revision: 0008
"""

from __future__ import annotations

from alembic import op

from plugin.store import search_ddl

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

OPENED_BEFORE = """
CREATE OR REPLACE FUNCTION docent_opened(
    lexemes text[], everything boolean, teams integer[], workspace integer, most integer
) RETURNS TABLE (at bigint, ids bigint[], counts bigint[])
LANGUAGE plpgsql STABLE SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    mine integer[];
    held bigint[];
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
    RETURN QUERY SELECT l.at, l.ids, NULL::bigint[]
        FROM docent_listed(lexemes, everything, mine, workspace, most) AS l;
END
$$
"""
"""What the release before searches with. A database that began with this revision never had it."""


def upgrade() -> None:
    """Go to this revision: functions are made, no row is written."""
    search_ddl.create(op.get_bind())


def downgrade() -> None:
    """Go back. What this release asks for stays; a downgrade to before the index drops it with the rest."""
    if op.get_bind().dialect.name == "postgresql":
        # As text, its casts would be taken for parameters.
        op.get_bind().exec_driver_sql(OPENED_BEFORE.replace("%", "%%"))
