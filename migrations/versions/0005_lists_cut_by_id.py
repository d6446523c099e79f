"""What is too long a list in a search on PostgreSQL is cut by id.

It was cut where rows lie, which depends on what is hidden from the reader.

Revision: 0005
"""

from __future__ import annotations

from alembic import op

from plugin.store import search_ddl

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision: functions are made again, no row is written."""
    search_ddl.create(op.get_bind())


def downgrade() -> None:
    """Go back. The functions stay: they are called and answer as before."""
