"""A join seen in queries says in which statement, so that it is for whoever sees all that the statement names.

Joins kept until now do not say it: nobody is told them until a sync reads the query log again.

Revision: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision."""
    op.add_column(
        "observed_joins",
        sa.Column("query_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
    )


def downgrade() -> None:
    """Go back."""
    op.drop_column("observed_joins", "query_id")
