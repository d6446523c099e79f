"""Lineage seen in queries says which tables the statement names, so that it is for whoever sees all of them.

Edges of a query log that were kept until now do not say it: nobody is told them until a sync reads the log again.

Revision: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision."""
    op.add_column(
        "edges", sa.Column("query_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
    )


def downgrade() -> None:
    """Go back."""
    op.drop_column("edges", "query_id")
