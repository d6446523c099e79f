"""When the clock last ran, so that the Trust page can say whether anything expires.

Revision: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision. The table is the installation's, so it has no lock by workspace."""
    op.create_table(
        "clock_beats",
        sa.Column("task", sa.String(length=20), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fault", sa.String(length=80), nullable=False),
        sa.Column("fault_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("task", name=op.f("pk_clock_beats")),
    )


def downgrade() -> None:
    """Go back."""
    op.drop_table("clock_beats")
