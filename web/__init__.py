"""HTTP: pages, the chat's stream and the REST API. No decisions are made here; `plugin` makes them.

`create_app` puts the parts together once. What enters is a request; what leaves is a page, a problem document or a
stream of events. Law 3 and law 8 meet here: every request gets its `Viewer` from the store, and text that a model or a
source system wrote reaches a page only escaped or through the sanitiser.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from flask import Flask

from plugin.config import Config, read_config
from plugin.jobs import Jobs
from web import api, door, frame, limits, logs, pages, people, places, problems, proxies, words
from web.bodies import StrictJson
from web.services import Services

if TYPE_CHECKING:
    from plugin.store import Store

MAX_BODY = 2 * 1024 * 1024


def create_app(config: Config | None = None, store: Store | None = None, gateway: Any = None) -> Flask:
    """Build the web application.

    Takes what the operator decided (read from the environment unless given), an open store and a gateway (both made
    from the config unless given). Raises Misconfigured where the store cannot be opened.
    """
    config = config or read_config()
    if store is None:
        from plugin.store import open_store

        store = open_store(config)
    if gateway is None:
        from plugin.egress.gateway import Gateway

        gateway = Gateway(store, config)
    app = Flask(__name__)
    app.url_map.merge_slashes = False
    app.config.update(MAX_CONTENT_LENGTH=MAX_BODY, PERMANENT_SESSION_LIFETIME=timedelta(days=14))
    app.json = StrictJson(app)
    app.extensions["docent"] = Services(
        store,
        config,
        gateway,
        results=_results(config, store),
        jobs=Jobs(config),
        places=places.Places(
            at_once=places.AT_ONCE_ON_SQLITE if store.dialect == "sqlite" else places.AT_ONCE
        ),
    )
    proxies.register(app, config)
    logs.register(app)
    people.register(app, config)
    door.register(app)
    places.register(app, app.extensions["docent"].places)
    problems.register(app)
    limits.register(app, config)
    words.register(app)
    frame.register(app)
    pages.register(app)
    api.add_to(app)
    return app


def _results(config: Config, store: Store) -> Any:
    """Rows of Run SQL, which every web process of this machine reaches."""
    from plugin.run_sql.results import Results
    from plugin.run_sql.shelf import shelf_of

    return Results(shelf=shelf_of(config.database_url, store.shared_key("results")))
