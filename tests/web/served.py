"""`docent serve` as it is run, with one process or several, and a client that says which of them shall answer."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import urllib.parse
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from plugin.catalog.sync import sync
from plugin.config import read_config
from plugin.store import open_store
from tests.own_servers import answers, ended, free_port

EMAIL, PASSWORD = "ada@example.com", "correct horse battery"


def home_with_numbers(home: Path, *, rows: int = 10_000) -> int:
    """A workspace whose integration `numbers` may be queried; its id. `thousand` holds 0 to 999 and a canary."""
    data = home / "numbers.db"
    home.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(data)) as connection:
        connection.execute("create table thousand (n integer primary key, note text)")
        connection.executemany(
            "insert into thousand values (?, ?)", [(n, f"CANARY-{n}") for n in range(1000)]
        )
        connection.commit()
    store = open_store(read_config({"DOCENT_HOME": str(home)}))
    try:
        with store.sign_in() as door:
            slug = door.create_workspace("Numbers", EMAIL, PASSWORD).slug
        with store.sign_in() as door:
            admin = door.viewer_for_email(slug, EMAIL)
        with store.as_admin(admin) as door:
            made = door.integrations.add("numbers", "sqlite", {"path": str(data)}, query={"path": str(data)})
            for key, value in {
                "ai.enabled": True, "ai.run_sql": True, "sql.limits.rows": rows,
                "sql.limits.bytes": 2_000_000_000, "sql.limits.seconds": 600, "sql.limits.concurrent": 4,
            }.items():  # fmt: skip
                door.settings.set(key, value)
        assert sync(store, admin, made.id).status == "done"
        return made.id
    finally:
        store.close()


class Served:
    """The running server: its address, and the processes that answer."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, temporary: Path) -> None:
        self.process, self.port, self.temporary = process, port, temporary

    @property
    def answering(self) -> list[int]:
        """Process ids: gunicorn's workers, or the one process of waitress."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [int(each) for each in children] or [self.process.pid]

    @property
    def files(self) -> list[Path]:
        """What lies on the disk of results."""
        return [
            each
            for folder in self.temporary.glob("docent-rows-*")
            for each in folder.iterdir()
            if each.name != "alive"
        ]

    @contextmanager
    def only(self, pid: int) -> Iterator[None]:
        """While the block runs no process but this one answers."""
        others = [each for each in self.answering if each != pid]
        for each in others:
            os.kill(each, signal.SIGSTOP)
        try:
            yield
        finally:
            for each in others:
                os.kill(each, signal.SIGCONT)


@contextmanager
def served(home: Path, temporary: Path, *, workers: int) -> Iterator[Served]:
    """`docent serve` until the block ends; files of results lie under `temporary`."""
    temporary.mkdir(parents=True, exist_ok=True)
    port = free_port()
    env = {**os.environ, "DOCENT_HOME": str(home), "TMPDIR": str(temporary)}
    docent = [sys.executable, "-c", "from plugin.cli import main; main()", "serve", "--no-worker"]
    log = temporary.with_name(f"{temporary.name}-{port}.log")
    with log.open("wb") as said:
        words = [*docent, "--port", str(port), "--workers", str(workers)]
        process = subprocess.Popen(words, env=env, stdout=said, stderr=said)
    made = Served(process, port, temporary)
    try:
        answers(
            process, lambda: Client(port).get("/healthz")[0] == 200 and len(made.answering) >= workers, log
        )
        yield made
    finally:
        ended(process)


class Client:
    """A person at a browser, a connection for each request."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._cookies: dict[str, str] = {}
        self._token = ""

    def sign_in(self) -> Client:
        """With the form, as people do."""
        self._learn(self.get("/sign-in")[1])
        status, _ = self.post("/sign-in", {"email": EMAIL, "password": PASSWORD})
        assert status == 303, status
        self._learn(self.get("/me")[1])
        return self

    def get(self, path: str) -> tuple[int, bytes]:
        """GET, the whole body."""
        with closing(self._connection()) as connection:
            answer = self._send(connection, "GET", path)
            return answer.status, answer.read()

    def pieces(self, path: str) -> Iterator[bytes]:
        """GET, the body as it comes."""
        with closing(self._connection()) as connection:
            answer = self._send(connection, "GET", path)
            assert answer.status == 200, answer.status
            while piece := answer.read(1 << 16):
                yield piece

    def post(self, path: str, form: dict[str, str] | None = None) -> tuple[int, bytes]:
        """POST a form with its CSRF token."""
        body = urllib.parse.urlencode({"csrf_token": self._token, **(form or {})})
        with closing(self._connection()) as connection:
            answer = self._send(
                connection, "POST", path, body, {"Content-Type": "application/x-www-form-urlencoded"}
            )
            return answer.status, answer.read()

    def api(self, method: str, path: str, told: Any = None) -> tuple[int, Any]:
        """Call the API as the page's scripts do."""
        headers = {"X-CSRFToken": self._token, "Content-Type": "application/json"}
        with closing(self._connection()) as connection:
            body = None if told is None else json.dumps(told)
            answer = self._send(connection, method, "/api/v1" + path, body, headers)
            return answer.status, json.loads(answer.read() or b"null")

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self._port, timeout=600)

    def _send(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        body: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> http.client.HTTPResponse:
        given = {
            "Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items()),
            "Connection": "close",
        }
        connection.request(method, path, body, {**given, **(headers or {})})
        answer = connection.getresponse()
        for line in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = line.partition(";")[0].partition("=")
            self._cookies[name] = value
        return answer

    def _learn(self, page: bytes) -> None:
        found = re.search(rb'name="csrf_token" value="([^"]+)"', page)
        assert found, "the page carries no CSRF token"
        self._token = found[1].decode()
