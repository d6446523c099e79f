"""What the pages and the API lean on: the rooms of `plugin`, made once and handed down with the application.

Nothing here decides anything. `services()` gives the bundle of the running application, `mine()` and `admin()` open the
store's doors for whoever is signed in, so that no view ever touches a session or a database.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from flask import current_app, request
from flask_login import current_user

from plugin.access.viewer import Viewer
from plugin.config import Config
from plugin.errors import SignInNeeded
from web.places import Places

if TYPE_CHECKING:
    from plugin.store import Store


@dataclass
class Services:
    """The parts that every request may use. `gateway` is the one door to a provider."""

    store: Store
    config: Config
    gateway: Any
    results: Any = None
    """Rows of Run SQL, held for the asker's session only."""
    jobs: Any = None
    """The queue of background work."""
    places: Places = field(default_factory=Places)
    """Places for answers that are being written."""


def services() -> Services:
    """The bundle of the running application."""
    return cast(Services, current_app.extensions["docent"])


def viewer() -> Viewer:
    """Who is signed in. The closed door has made sure of it before a view runs."""
    person = cast(Any, current_user)
    if not person.is_authenticated:
        raise SignInNeeded("Sign in first.", rule="sign_in")
    return cast(Viewer, person.viewer)


def mine() -> AbstractContextManager[Any]:
    """The store as the person who is signed in sees it."""
    return services().store.as_viewer(viewer())


def admin() -> AbstractContextManager[Any]:
    """The store's admin door; Refused unless the person is an admin now."""
    return services().store.as_admin(viewer())


def only_admins(*, but: frozenset[str] = frozenset()) -> Callable[[], None]:
    """For `Blueprint.before_request`: ask the store before a view of admins reads its form; `but` is open to all."""

    def check() -> None:
        if request.endpoint not in but:
            with admin():
                pass

    return check
