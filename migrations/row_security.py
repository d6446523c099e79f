"""PostgreSQL's row-level security: the second lock on law 2.

Each transaction says whose rows it may touch (`docent.workspace`, set by plugin/store/_engine.py). A row of another
workspace is not there for it, even if a query forgot to ask. While nobody has signed in yet, only the tables that
sign-in needs are open. It holds for the tables' owner too, but PostgreSQL lets superusers and roles with BYPASSRLS
pass: the operator gives Docent a role of its own, and the Trust page says whether they did.

The full-text index is left out: its operators are not leakproof, so a policy would keep PostgreSQL from using it. What
it finds is read from `resources`, which has the policy.
"""

from __future__ import annotations

from alembic import op

SIGN_IN = ("members", "api_tokens", "invitations", "workspace_keys")
"""Tables that are read before a workspace is known."""

FUNCTION = """
CREATE OR REPLACE FUNCTION docent_workspace() RETURNS integer LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN current_setting('docent.workspace', true) ~ '^[0-9]{1,9}$'
                THEN current_setting('docent.workspace', true)::integer END
$$
"""
ACCOUNT = """
CREATE OR REPLACE FUNCTION docent_account() RETURNS integer LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN current_setting('docent.account', true) ~ '^[0-9]{1,9}$'
                THEN current_setting('docent.account', true)::integer END
$$
"""


def lock(tables: tuple[str, ...]) -> None:
    """Put the policy on tables. Safe to run twice; does nothing but on PostgreSQL."""
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute(FUNCTION)
    op.execute(ACCOUNT)
    for table in tables:
        rule = "workspace_id = (SELECT docent_workspace())"
        if table in SIGN_IN:
            rule += " OR (SELECT current_setting('docent.workspace', true)) = 'sign-in'"
        if table == "members":
            rule += " OR account_id = (SELECT docent_account())"
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"DROP POLICY IF EXISTS one_workspace ON {table}")
        op.execute(f"CREATE POLICY one_workspace ON {table} USING ({rule}) WITH CHECK ({rule})")


def unlock() -> None:
    """Take away what the policies needed, once their tables are gone."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION IF EXISTS docent_workspace()")
        op.execute("DROP FUNCTION IF EXISTS docent_account()")
