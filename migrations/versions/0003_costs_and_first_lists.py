"""What a query cost at its vendor's, and the functions that a search on PostgreSQL begins with.

Revision: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from plugin.store import search_ddl

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision. What an index of searches lacks is made, what it has stays."""
    op.add_column(
        "frequent_queries",
        sa.Column(
            "costs",
            sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql"),
            nullable=True,
        ),
    )
    search_ddl.create(op.get_bind())


def downgrade() -> None:
    """Go back. The functions stay: nothing asks for them then."""
    op.drop_column("frequent_queries", "costs")
