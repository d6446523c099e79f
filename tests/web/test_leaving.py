"""Who reads an answer leaves, or the server ends, while the model is silent: over real connections and processes."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from plugin.config import read_config
from plugin.store import open_store
from tests.asynchronous import HANGS, until
from tests.web.served import home_with_numbers, served

WORD = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
        "choices": [{"index": 0, "delta": {"content": "Hello "}, "finish_reason": None}]}  # fmt: skip


CALL = {**WORD, "choices": [{"index": 0, "finish_reason": "tool_calls", "delta": {"tool_calls": [
    {"index": 0, "id": "c1", "type": "function", "function": {"name": "run_sql", "arguments": json.dumps({
        "integration": "numbers",
        "sql": "select count(*) from thousand a, thousand b, thousand c where a.n + b.n + c.n < 0",
    })}}]}}]}  # fmt: skip
"""The model has the assistant run what takes a minute and more."""


class Silent:
    """A provider that says one word and then nothing, and notices when its connection is closed."""

    def __init__(self) -> None:
        self.says: list[dict[str, Any]] = [WORD]
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        self.asked = self.closed = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection = self.listening.accept()[0]
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            asked = b""
            while b"\r\n\r\n" not in asked:
                asked += connection.recv(65536)
            head, _, body = asked.partition(b"\r\n\r\n")
            length = next(
                int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if b"content-length" in line
            )
            while len(body) < length:
                body += connection.recv(65536)
            self.asked += 1
            connection.sendall(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
            )
            for each in self.says:
                connection.sendall(b"data: " + json.dumps(each).encode() + b"\n\n")
            if CALL in self.says:
                connection.sendall(b"data: [DONE]\n\n")
                return
            while connection.recv(1):
                pass
            self.closed += 1


@pytest.fixture
def silent() -> Iterator[Silent]:
    made = Silent()
    yield made
    made.listening.close()


@pytest.fixture
def home(tmp_path: Path, silent: Silent) -> Path:
    """Where a workspace lies that asks the silent provider."""
    home_with_numbers(tmp_path / "docent", rows=10)
    return tmp_path / "docent"


class Onlooker:
    """The store as another process sees it."""

    def __init__(self, home: Path, provider: int) -> None:
        self.store = open_store(read_config({"DOCENT_HOME": str(home)}))
        with self.store.sign_in() as door:
            self.admin = door.viewer_for_email(None, None)
        url = f"http://127.0.0.1:{provider}/v1"
        with self.store.as_admin(self.admin) as door:
            door.settings.apply({"ai.provider": "openai_compatible", "ai.base_url": url, "ai.model": "m"})
        with self.store.as_viewer(self.admin) as mine:
            self.token = mine.me.create_token("reader", ["read", "ask"], 1)[1]

    def kept(self) -> tuple[str, str, str]:
        """Status and answer of the newest prompt, and the status of the newest ledger row."""
        with self.store.as_viewer(self.admin) as mine:
            prompt = mine.history.prompts().items[0]
        with self.store.as_admin(self.admin) as door:
            row = door.ledger.entries().items[0]
        return prompt.status, prompt.answer.strip(), row.status


@pytest.fixture
def onlooker(home: Path, silent: Silent) -> Iterator[Onlooker]:
    made = Onlooker(home, silent.port)
    yield made
    made.store.close()


def ask(
    port: int, token: str, until_line: bytes = b"event: text"
) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
    """Ask and read up to the model's word, or another line."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=HANGS)
    body = json.dumps({"prompt": "What is thousand?", "stream": True})
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    connection.request("POST", "/api/v1/prompts", body, headers)
    answer = connection.getresponse()
    assert answer.status == 200
    while until_line not in answer.readline():
        pass
    return connection, answer


@pytest.mark.parametrize(
    ("workers", "end"), [(1, signal.SIGTERM), (2, signal.SIGTERM), (1, signal.SIGINT), (2, signal.SIGINT)]
)
def test_an_answer_ends_in_order_when_its_reader_leaves_or_its_server_ends_while_the_model_is_silent(
    tmp_path: Path, home: Path, silent: Silent, onlooker: Onlooker, workers: int, end: signal.Signals
) -> None:
    with served(home, tmp_path / "tmp", workers=workers) as server:
        connection, answer = ask(server.port, onlooker.token)
        answer.close()
        connection.close()
        until(lambda: silent.closed == 1)
        until(lambda: onlooker.kept()[0] != "running")
        assert onlooker.kept() == ("stopped", "Hello", "cut_off")
        connection, answer = ask(server.port, onlooker.token)
        assert onlooker.kept()[0] == "running"
        with closing(connection):
            os.kill(server.process.pid, end)
            rest = answer.read().decode()
        server.process.wait(HANGS)
    done: dict[str, Any] = json.loads(rest.split("event: done\ndata: ")[1].split("\n")[0])
    assert done["status"] == "stopped" and "restarted" in done["message"]
    assert onlooker.kept() == ("stopped", "Hello", "cut_off")
    assert silent.closed == 2


@pytest.mark.parametrize("workers", [1, 2])
def test_a_statement_that_the_assistant_runs_is_cancelled_and_said_when_its_server_ends(
    tmp_path: Path, home: Path, silent: Silent, onlooker: Onlooker, workers: int
) -> None:
    silent.says = [CALL]
    with onlooker.store.as_admin(onlooker.admin) as door:
        numbers = next(each for each in door.integrations.list() if each.name == "numbers")
        door.integrations.update(numbers.id, options={"run_mode": "run"})
    with onlooker.store.as_viewer(onlooker.admin) as mine:
        onlooker.token = mine.me.create_token("runner", ["read", "ask", "query"], 1)[1]
    with served(home, tmp_path / "tmp", workers=workers) as server:
        connection, answer = ask(server.port, onlooker.token, b'"tool": "run_sql"')
        with closing(connection):
            os.kill(server.process.pid, signal.SIGTERM)
            rest = answer.read().decode()
        server.process.wait(HANGS)
    done: dict[str, Any] = json.loads(rest.split("event: done\ndata: ")[1].split("\n")[0])
    assert done["status"] == "stopped" and "restarted" in done["message"]
    with onlooker.store.as_viewer(onlooker.admin) as mine:
        prompt = mine.history.prompts().items[0]
    assert (prompt.status, prompt.error) == ("stopped", done["message"])
