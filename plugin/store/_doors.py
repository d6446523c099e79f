"""The doors themselves: each is one transaction with the parts its caller may use, built when first asked for."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from plugin.access.viewer import Viewer
from plugin.store._context import Context

if TYPE_CHECKING:
    from plugin.store.approved import ApprovedQueries
    from plugin.store.audit import AuditLog
    from plugin.store.break_glass import BreakGlass
    from plugin.store.catalog import ViewerCatalog
    from plugin.store.edits import Edits
    from plugin.store.evidence import Evidence
    from plugin.store.history import History
    from plugin.store.hosts import Hosts
    from plugin.store.integrations import Integrations
    from plugin.store.ledger import Ledger
    from plugin.store.me import Me
    from plugin.store.monitoring import Monitoring
    from plugin.store.people import People
    from plugin.store.policy import Policy
    from plugin.store.pushes import Pushes
    from plugin.store.record import Record
    from plugin.store.see_as import Seen
    from plugin.store.settings import Settings
    from plugin.store.usage import Usage


class ViewerDoor:
    """What one member may read and do."""

    def __init__(self, context: Context, viewer: Viewer) -> None:
        self._context = context
        self.viewer = viewer
        """The viewer with role, name and email as they are now."""

    @cached_property
    def catalog(self) -> ViewerCatalog:
        """Reads of the catalog, each limited to what this viewer may see."""
        from plugin.store.catalog import ViewerCatalog

        return ViewerCatalog(self._context)

    @cached_property
    def edits(self) -> Edits:
        """Changes of the catalog."""
        from plugin.store.edits import Edits

        return Edits(self._context)

    @cached_property
    def history(self) -> History:
        """The member's own prompts, and what others shared with them."""
        from plugin.store.history import History

        return History(self._context)

    @cached_property
    def policy(self) -> Policy:
        """The workspace's settings, for reading."""
        from plugin.store.policy import Policy

        return Policy(self._context)

    @cached_property
    def record(self) -> Record:
        """What must be written down: audit, ledger, receipts."""
        from plugin.store.record import Record

        return Record(self._context)

    @cached_property
    def queries(self) -> ApprovedQueries:
        """Saved statements: the member's own, and those that were approved for their teams."""
        from plugin.store.approved import ApprovedQueries

        return ApprovedQueries(self._context)

    @cached_property
    def hosts(self) -> Hosts:
        """The register of provider hosts."""
        from plugin.store.hosts import Hosts

        return Hosts(self._context)

    @cached_property
    def evidence(self) -> Evidence:
        """What the database says of itself, without content, for the Trust page."""
        from plugin.store.evidence import Evidence

        return Evidence(self._context)

    @cached_property
    def me(self) -> Me:
        """The member's own profile, teams, tokens and sessions."""
        from plugin.store.me import Me

        return Me(self._context)


class AdminDoor:
    """What an admin may do besides. Each change is audited in the same transaction."""

    def __init__(self, context: Context, viewer: Viewer) -> None:
        self._context = context
        self.viewer = viewer
        """The admin with name and email as they are now."""

    @cached_property
    def settings(self) -> Settings:
        """The workspace's settings."""
        from plugin.store.settings import Settings

        return Settings(self._context)

    @cached_property
    def integrations(self) -> Integrations:
        """Integrations, their schedules and syncs, and who may run SQL on them."""
        from plugin.store.integrations import Integrations

        return Integrations(self._context)

    @cached_property
    def pushes(self) -> Pushes:
        """Push back: its credentials, what people edited, plans and what became of them."""
        from plugin.store.pushes import Pushes

        return Pushes(self._context)

    @cached_property
    def people(self) -> People:
        """Members, invitations, teams, groups and grants."""
        from plugin.store.people import People

        return People(self._context)

    @cached_property
    def audit(self) -> AuditLog:
        """The audit log, for reading and verifying."""
        from plugin.store.audit import AuditLog

        return AuditLog(self._context)

    @cached_property
    def ledger(self) -> Ledger:
        """The egress ledger, for reading and verifying."""
        from plugin.store.ledger import Ledger

        return Ledger(self._context)

    @cached_property
    def break_glass(self) -> BreakGlass:
        """Reading another's chats: with a reason, for a limited time, told to their author."""
        from plugin.store.break_glass import BreakGlass

        return BreakGlass(self._context)

    @cached_property
    def monitoring(self) -> Monitoring:
        """What monitoring of content holds, where it is turned on."""
        from plugin.store.monitoring import Monitoring

        return Monitoring(self._context)

    @cached_property
    def usage(self) -> Usage:
        """How much was asked of providers, without content."""
        from plugin.store.usage import Usage

        return Usage(self._context)

    def see_as(
        self, email: str, surface: str = "person", kinds: tuple[str, ...] = ("table", "view"), text: str = ""
    ) -> tuple[Seen, ...]:
        """What a member sees as a person or through the assistant, and the rule for each resource. Audited.

        `text`: only what has it in its qualified name, of all resources.
        """
        from plugin.store.see_as import see_as

        return see_as(self._context, email, surface, kinds, text)

    @cached_property
    def evidence(self) -> Evidence:
        """What the database says of itself, for the Trust page."""
        from plugin.store.evidence import Evidence

        return Evidence(self._context)
