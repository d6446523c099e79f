"""`docent serve`: the production server.

waitress by default, which is pure Python and runs one process; gunicorn with threads where `--workers` is above one and
`docent[gunicorn]` is installed. A background worker runs inside unless `--no-worker`.
"""

from __future__ import annotations

import gc
import importlib.util
import os
import signal
import sys
import threading
from contextlib import nullcontext
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from plugin.cli.session import Session, say
from plugin.errors import Misconfigured
from web.places import THREADS

if TYPE_CHECKING:
    from flask import Flask

    from plugin.config import Config
    from plugin.governance.pages import Pages
    from plugin.store import Store

CONNECTIONS = 2000
"""Browsers keep connections open between pages; one that waits costs a socket and no thread."""


class Serve(click.Command):
    """The command, which can also look at the pages without listening: `docent trust` asks it to."""

    def look(self, config: Config, store: Store) -> Pages:
        """Build the application and ask it what the Trust page wants to know."""
        from web import create_app
        from web.evidence import look

        return look(create_app(config=config, store=store))


@click.command(cls=Serve)
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
@click.option(
    "--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes (needs gunicorn)."
)
@click.option("--no-worker", is_flag=True, help="Run no background jobs inside; use `docent worker`.")
@click.pass_context
def serve(ctx: click.Context, host: str, port: int, workers: int, no_worker: bool) -> None:
    """Serve the pages and the API."""
    session = ctx.find_object(Session)
    assert session is not None
    session.store  # noqa: B018  opens and checks the database and the keys before anything listens
    if workers > 1:
        _gunicorn(session, host, port, workers, no_worker)
        return
    from waitress import create_server

    from plugin import jobs
    from web import create_app
    from web.connections import Channel

    background = nullcontext() if no_worker else jobs.worker(session.config, name=f"serve-{port}")
    with background:
        app = create_app(config=session.config, store=session.store)
        sockets: dict[int, Any] = {}
        try:
            server = create_server(
                app,
                map=sockets,
                host=host,
                port=port,
                threads=THREADS,
                ident=None,
                channel_timeout=600,
                clear_untrusted_proxy_headers=False,  # web/proxies.py reads them, and only of trusted proxies
                connection_limit=CONNECTIONS,
                backlog=CONNECTIONS,
                asyncore_use_poll=True,  # select() ends at 1,024 sockets
                channel_request_lookahead=1,  # reads on while it answers, so it learns that the reader has left
            )
        except OSError as error:
            raise Misconfigured(
                f"cannot listen on {host}:{port}: {error.strerror}; choose another --port"
            ) from error
        for listening in list(sockets.values()):
            if hasattr(listening, "channel_class"):
                listening.channel_class = Channel
        _settle()
        _end_in_order()
        say(f"Docent is serving on http://{host}:{port}")
        try:
            server.run()  # at the end of the process it waits five seconds for what is under way
        finally:
            server.close()


def _end_in_order() -> None:
    """Let SIGTERM and Ctrl-C end what is under way first: runs are cancelled at their sources, answers told to stop.

    What does not end by itself in time is written down as far as it came; both servers wait longer for their threads.
    """
    from plugin.assistant.running import end_all, keep_rest
    from plugin.run_sql.run import cancel_all

    told = threading.Event()

    def leave() -> None:
        told.wait()
        keep_rest(cancel_all)

    # Started now: a signal may come in while its thread is just starting another, which only one at a time can do.
    threading.Thread(target=leave, name="docent-ending", daemon=True).start()

    def wrap(number: int) -> None:
        before = signal.getsignal(number)

        def end(number: int, frame: FrameType | None) -> None:
            end_all()
            told.set()
            if callable(before):
                before(number, frame)
            else:
                raise SystemExit(0)

        signal.signal(number, end)

    for number in (signal.SIGTERM, signal.SIGINT):
        wrap(number)


def _settle() -> None:
    """Read what the first request would wait for, and tell the collector that it stays."""
    from plugin.run_sql.guard import warm

    warm()
    gc.collect()
    gc.freeze()  # what the modules hold is not looked through again: 20 ms off the slowest requests


def application() -> Flask:
    """The application of one gunicorn process."""
    from web import create_app

    gc.set_threshold(50_000, 20, 20)  # as every command of docent
    app = create_app()
    _settle()
    _end_in_order()
    # At Ctrl-C gunicorn sends this to its processes, and what it does by itself leaves answers where they are.
    signal.signal(signal.SIGQUIT, signal.getsignal(signal.SIGTERM))
    return app


def _gunicorn(session: Session, host: str, port: int, workers: int, no_worker: bool) -> None:
    """Become gunicorn, with `docent worker` left to the operator. Raises Misconfigured where it is not installed."""
    if importlib.util.find_spec("gunicorn") is None:
        raise Misconfigured("several processes need gunicorn: pip install 'docent[gunicorn]'")
    if session.config.on_sqlite:
        say(
            "Several processes share one SQLite file here; for many people set DOCENT_DATABASE_URL to PostgreSQL."
        )
    if not no_worker:
        say("With --workers above 1 background jobs run in a process of their own: docent worker")
    session.close()
    arguments = [sys.executable, "-m", "gunicorn", "--worker-class", "gthread", "--threads", str(THREADS)]
    arguments += ["--workers", str(workers), "--bind", f"{host}:{port}", "--timeout", "0"]
    # gunicorn by itself believes a scheme from 127.0.0.1, so from any program of this machine; web/proxies.py decides.
    arguments += ["--forwarded-allow-ips", "", "web.serve:application()"]
    os.execv(sys.executable, arguments)
