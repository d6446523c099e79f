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


def upgrade() -> None:
    """Go to this revision: functions are made, no row is written."""
    search_ddl.create(op.get_bind())


def downgrade() -> None:
    """Go back. The functions stay: nobody calls them, and a downgrade to before the index drops them with it."""
