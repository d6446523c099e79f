"""A hundred answers streaming at once: how soon each shows its first event, and what the others notice of it.

    python tests/benchmarks/bench_streams.py [--streams 100] [--rounds 3] [--url DATABASE_URL]

Three servers run as processes of their own: a stand-in for a provider that thinks for half a second and then writes a
word every 100 ms, `docent serve` over the sample company with that provider, and a bare ASGI application (uvicorn)
that only hands through what the same provider writes: no sign-in, no database, no search, no ledger. The same client
asks both in turn. Printed: the first event, p50 and p95, and the ratio of the p95s (figure: 2); the first word; for
scale, how soon the bare application sends an event that it makes up before it asks anybody; then twice as many
questions as there are places: how many were answered, how many were told to come again and how soon; and how long
pages take beside a full house, against an idle server.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

THINKS, WORDS, PAUSE = 0.5, int(os.environ.get("BENCH_WORDS", "40")), 0.1
PAGES = ("/healthz", "/api/v1/search?q=orders", "/api/v1/resources/2")


def chunk(**choice: Any) -> bytes:
    """One event of Chat Completions."""
    body = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "stand-in",
            "choices": [{"index": 0, "delta": {}, "finish_reason": None, **choice}]}  # fmt: skip
    return b"data: " + json.dumps(body).encode() + b"\n\n"


async def provider(scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]) -> None:
    """The stand-in provider as an ASGI application."""
    await _body(receive)
    await _begin(send)
    await asyncio.sleep(THINKS)
    for word in range(WORDS):
        await send(
            {
                "type": "http.response.body",
                "body": chunk(delta={"content": f"word{word} "}),
                "more_body": True,
            }
        )
        await asyncio.sleep(PAUSE)
    usage = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "stand-in", "choices": [],
             "usage": {"prompt_tokens": 9, "completion_tokens": WORDS, "total_tokens": WORDS + 9}}  # fmt: skip
    last = chunk(finish_reason="stop") + b"data: " + json.dumps(usage).encode() + b"\n\ndata: [DONE]\n\n"
    await send({"type": "http.response.body", "body": last})


async def bare(scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]) -> None:
    """The least that a server of streamed answers does: read the question, hand the provider's words through."""
    import httpx

    asked = json.loads(await _body(receive))
    await _begin(send)
    if scope["path"] == "/made-up":
        await send(
            {"type": "http.response.body", "body": b'event: step\ndata: {"n": 0}\n\n', "more_body": True}
        )
    if "client" not in shared:
        shared["client"] = httpx.AsyncClient(timeout=60, limits=httpx.Limits(max_keepalive_connections=0))
    async with shared["client"].stream(
        "POST", os.environ["BENCH_PROVIDER"] + "/v1/chat/completions", json=asked
    ) as answer:
        async for line in answer.aiter_lines():
            if line.startswith("data: {"):
                text = b"event: text\n" + line.encode() + b"\n\n"
                await send({"type": "http.response.body", "body": text, "more_body": True})
    await send({"type": "http.response.body", "body": b"event: done\ndata: {}\n\n"})


shared: dict[str, Any] = {}


async def _body(receive: Callable[..., Any]) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body


async def _begin(send: Callable[..., Any]) -> None:
    headers = [(b"content-type", b"text/event-stream")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})


@dataclass
class Seen:
    """What one question met: its status, and seconds to the status line, the first event, the first word, the end."""

    status: int = 0
    status_at: float = 0.0
    first: float = 0.0
    word: float = 0.0
    end: float = 0.0


async def question(port: int, path: str, token: str, began: float) -> Seen:
    """Ask over a connection of its own and watch the bytes; no client library stands between."""
    body = json.dumps({"prompt": "What is sales.orders?", "stream": True}).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\nAccept: text/event-stream\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
        + body
    )
    seen = Seen()
    async for line in _lines(reader):
        now = time.perf_counter() - began
        if not seen.status:
            seen.status, seen.status_at = int(line.split()[1]), now
        elif line.startswith(b"event: ") and not seen.first:
            seen.first = now
        elif line.startswith(b"event: text") and not seen.word:
            seen.word = now
    seen.end = time.perf_counter() - began
    writer.close()
    return seen


async def _lines(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while line := await reader.readline():
        yield line


async def crowd(port: int, path: str, token: str, count: int) -> list[Seen]:
    """So many questions at the same moment."""
    began = time.perf_counter()
    return await asyncio.gather(*(question(port, path, token, began) for _ in range(count)))


async def page(port: int, path: str, token: str) -> float:
    """Milliseconds of one page."""
    began = time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n".encode()
    )
    answer = await reader.read()
    writer.close()
    assert b" 200 " in answer.split(b"\r\n", 1)[0], answer[:200]
    return 1000 * (time.perf_counter() - began)


async def pages(port: int, token: str, count: int) -> list[float]:
    """So many pages, one after the other, as a person would open them."""
    found = []
    for number in range(count):
        found.append(await page(port, PAGES[number % len(PAGES)], token))
        await asyncio.sleep(0.02)
    return found


async def full_house(port: int, token: str, places: int) -> tuple[list[Seen], list[float]]:
    """Twice as many questions as places, and pages beside them once the first rush is over."""
    asking = asyncio.create_task(crowd(port, "/api/v1/prompts", token, 2 * places))
    await asyncio.sleep(THINKS + 2.0)
    beside = await pages(port, token, 45)
    return await asking, beside


def p(sample: list[float], part: float) -> float:
    """A quantile of a sample."""
    return sorted(sample)[min(len(sample) - 1, int(len(sample) * part))]


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(arguments: list[str], port: int, env: dict[str, str]) -> Iterator[None]:
    """A server process while the block lasts; waits until it listens."""
    process = subprocess.Popen(
        arguments, cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
                break
            assert process.poll() is None, f"{arguments} ended"
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(20)


def prepare(home: str, url: str, base_url: str) -> str:
    """The sample company with the stand-in provider; returns a token of its admin."""
    from plugin.config import read_config
    from plugin.demo import build
    from plugin.store import open_store

    config = read_config({"DOCENT_HOME": home, **({"DOCENT_DATABASE_URL": url} if url else {})})
    store = open_store(config)
    build(store, config, lambda line: None)
    with store.sign_in() as door:
        viewer = door.viewer_for_email(None, None)
    with store.as_admin(viewer) as admin:
        admin.settings.apply(
            {"ai.provider": "openai_compatible", "ai.base_url": base_url, "ai.model": "stand-in",
             "ai.limits.requests_per_minute": 1000, "ai.limits.tokens_per_day_member": 0}
        )  # fmt: skip
    with store.as_viewer(viewer) as mine:
        secret = mine.me.create_token("bench", ["read", "ask"], 1)[1]
    store.close()
    return str(secret)


def uvicorn(name: str, port: int) -> list[str]:
    """The command of one of the two applications above."""
    where = f"tests.benchmarks.bench_streams:{name}"
    return [
        sys.executable,
        "-m",
        "uvicorn",
        where,
        "--port",
        str(port),
        "--log-level",
        "error",
        "--no-access-log",
    ]


def main() -> None:
    """Start the three, ask, print."""
    from web.places import STREAMS

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--streams", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--url", default="", help="DOCENT_DATABASE_URL of an empty database; SQLite without")
    given = parser.parse_args()
    provider_port, bare_port, port = free_port(), free_port(), free_port()
    base_url = f"http://127.0.0.1:{provider_port}/v1"
    with tempfile.TemporaryDirectory() as home, contextlib.ExitStack() as servers:
        token = prepare(home, given.url, base_url)
        env = {**os.environ, "DOCENT_HOME": home, "BENCH_PROVIDER": f"http://127.0.0.1:{provider_port}"}
        if given.url:
            env["DOCENT_DATABASE_URL"] = given.url
        servers.enter_context(running(uvicorn("provider", provider_port), provider_port, env))
        servers.enter_context(running(uvicorn("bare", bare_port), bare_port, env))
        serve = [str(Path(sys.executable).parent / "docent"), "serve", "--port", str(port)]
        servers.enter_context(running(serve, port, env))
        asyncio.run(crowd(bare_port, "/", token, 5))
        asyncio.run(crowd(port, "/api/v1/prompts", token, 5))
        idle = asyncio.run(pages(port, token, 45))
        ours: list[Seen] = []
        theirs: list[Seen] = []
        quick: list[Seen] = []
        for _ in range(given.rounds):
            quick += asyncio.run(crowd(bare_port, "/made-up", token, given.streams))
            theirs += asyncio.run(crowd(bare_port, "/", token, given.streams))
            ours += asyncio.run(crowd(port, "/api/v1/prompts", token, given.streams))
        refused = [each for each in ours if each.status != 200]
        assert not refused, f"{len(refused)} of {len(ours)} were refused with {refused[0].status}"
        for what in ("first", "word"):
            line = []
            for name, sample in (("docent", ours), ("bare ASGI", theirs)):
                times = [1000 * getattr(each, what) for each in sample]
                line.append(f"{name} p50 {statistics.median(times):.0f} ms, p95 {p(times, 0.95):.0f} ms")
            ratio = p([getattr(each, what) for each in ours], 0.95) / p(
                [getattr(each, what) for each in theirs], 0.95
            )
            title = "first event" if what == "first" else "first word"
            print(f"{given.streams} at once, {title}: {'; '.join(line)}; ratio {ratio:.2f}", flush=True)
        made_up = [1000 * each.first for each in quick]
        print(
            f"an event that the bare application makes up: p50 {statistics.median(made_up):.0f} ms, p95 {p(made_up, 0.95):.0f} ms"
        )
        rush, beside = asyncio.run(full_house(port, token, STREAMS))
        answered = [each for each in rush if each.status == 200]
        told = [1000 * each.status_at for each in rush if each.status == 429]
        other = len(rush) - len(answered) - len(told)
        print(
            f"{2 * STREAMS} at once for {STREAMS} places: {len(answered)} answered, {len(told)} told to come again "
            f"(p95 after {p(told, 0.95):.0f} ms), {other} other"
        )
        print(
            f"pages: idle p50 {statistics.median(idle):.1f} ms, p95 {p(idle, 0.95):.1f} ms; "
            f"beside {STREAMS} streams p50 {statistics.median(beside):.1f} ms, p95 {p(beside, 0.95):.1f} ms"
        )


if __name__ == "__main__":
    main()
