"""What connectors to HTTP APIs share: one client that pages, waits when it is told to, renews a token that ran out
in mid-run, and turns every failure into one of `connectors.errors`.

httpx does the speaking. Retrying is our own: the vendors' advice (Retry-After in seconds or as a date, RFC 9110
section 10.2.3) must be followed, only reads are ever repeated, and no address or token may reach an error's text.
tenacity was considered; the rules above are most of the code it would save.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx

from connectors.errors import (
    BadSettings,
    PermissionMissing,
    SignInRefused,
    SourceInterrupted,
    UnreachableSource,
)

SECONDS = 30.0
TRIES = 6
LONGEST_WAIT = 120.0
LOOPBACK = ("127.0.0.1", "localhost", "::1")

Headers = Callable[[], Mapping[str, str]]


class Api:
    """A vendor's HTTP API, for reading. `sign_in` returns the headers that carry the credential, and is called again
    when the server no longer accepts them. Close it, or use `with`."""

    def __init__(self, url: str, sign_in: Headers, *, title: str, plain_http: bool = False) -> None:
        """BadSettings where `url` is no https address (plain http: only loopback, or `plain_http`)."""
        parts = urlsplit(url.strip())
        if parts.scheme not in ("https", "http") or not parts.hostname:
            raise BadSettings(f"the address of {title} must begin with https://")
        if parts.username or parts.password:
            raise BadSettings(
                f"the address of {title} must hold no user name or password; use their own settings"
            )
        if parts.scheme == "http" and parts.hostname not in LOOPBACK and not plain_http:
            raise BadSettings(
                f"the address of {title} must begin with https://, or set plain_http for your own network"
            )
        self._title = title
        self._sign_in = sign_in
        self._headers: Mapping[str, str] | None = None
        self._answered = False
        self._client = httpx.Client(
            base_url=url.strip().rstrip("/"), timeout=SECONDS, follow_redirects=False, trust_env=False
        )

    def __enter__(self) -> Api:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def warm(self) -> None:
        """Sign in now, where a path depends on what the sign-in tells. Raises SourceError."""
        if self._headers is None:
            self._headers = self._sign_in()

    def get(self, path: str, params: Mapping[str, Any] | None = None, *, optional: bool = False) -> Any:
        """The JSON at `path`. With `optional`, None where there is no such thing. Raises SourceError."""
        return self._read("GET", path, params=params, optional=optional)

    def ask(self, path: str, body: Any, *, optional: bool = False) -> Any:
        """The JSON answer to a query that the vendor wants posted (a search, GraphQL). Raises SourceError."""
        return self._read("POST", path, json=body, optional=optional)

    def ask_text(self, path: str, text: str) -> Any:
        """The JSON answer to a statement posted as plain text. Raises SourceError."""
        return self._read("POST", path, content=text.encode(), optional=False)

    def ask_lines(self, path: str, text: str, params: Mapping[str, Any]) -> Iterator[Any]:
        """The JSON lines of the answer to a statement posted as plain text, streamed. Raises SourceError."""
        if self._headers is None:
            self._headers = self._sign_in()
        try:
            with self._client.stream(
                "POST", path, content=text.encode(), params=params, headers=self._headers
            ) as answer:
                self._answered = True
                if not answer.is_success:
                    answer.read()
                    self._json(answer, path)
                for line in answer.iter_lines():
                    if line:
                        yield json.loads(line)
        except httpx.TimeoutException as error:
            raise self._lost(f"did not answer within {SECONDS:.0f} seconds") from error
        except httpx.HTTPError as error:
            raise self._lost("dropped the connection") from error
        except ValueError as error:
            raise SourceInterrupted(f"{self._title} broke off its answer") from error

    def form(self, path: str, fields: Mapping[str, str], *, headers: Mapping[str, str] | None = None) -> Any:
        """The JSON answer to a sign-in form, sent once and without the credential headers. Raises SourceError."""
        return self._json(self._send("POST", path, data=fields, headers=headers or {}), path)

    def credential(self, path: str, body: Any, *, headers: Mapping[str, str] | None = None) -> Any:
        """The JSON answer to a sign-in with a JSON body, sent once. Raises SourceError."""
        answer = self._send("POST", path, json=body, headers=headers or {})
        if answer.status_code in (400, 401, 403):
            raise SignInRefused(f"{self._title} refused the credential")
        return self._json(answer, path)

    def pages(
        self, path: str, next_page: Callable[[Any], Mapping[str, Any] | None], params: Mapping[str, Any]
    ) -> Iterator[Any]:
        """Each page, from the first `params` on; `next_page(page)` gives what changes for the next, None at the end."""
        now: dict[str, Any] = dict(params)
        while True:
            page = self.get(path, now)
            yield page
            change = next_page(page)
            if change is None:
                return
            if all(now.get(key) == value for key, value in change.items()):
                raise SourceInterrupted(f"{self._title} gives the same page again and again")
            now |= change

    def _read(self, method: str, path: str, *, optional: bool, **options: Any) -> Any:
        renewed = False
        for attempt in range(1, TRIES + 1):
            if self._headers is None:
                self._headers = self._sign_in()
            answer = self._send(method, path, headers=self._headers, **options)
            if answer.status_code == 401 and not renewed:
                self._headers, renewed = None, True
                continue
            if answer.status_code in (429, 502, 503, 504) and attempt < TRIES:
                time.sleep(_wait(answer, attempt))
                continue
            if answer.status_code == 404 and optional:
                return None
            return self._json(answer, path)
        raise SignInRefused(f"{self._title} refused the credential")

    def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            answer = self._client.request(method, path, **options)
        except httpx.TimeoutException as error:
            raise self._lost(f"did not answer within {SECONDS:.0f} seconds") from error
        except httpx.HTTPError as error:
            raise self._lost(
                "could not be reached" if not self._answered else "dropped the connection"
            ) from error
        self._answered = True
        return answer

    def _lost(self, what: str) -> UnreachableSource | SourceInterrupted:
        kind = SourceInterrupted if self._answered else UnreachableSource
        return kind(f"{self._title} {what}")

    def _json(self, answer: httpx.Response, path: str) -> Any:
        place = path.split("?")[0]
        if answer.status_code == 401:
            raise SignInRefused(f"{self._title} refused the credential")
        if answer.status_code == 403:
            raise PermissionMissing(f"the credential may not read {place} of {self._title}")
        if answer.status_code == 429:
            raise SourceInterrupted(
                f"{self._title} limits our rate and did not let us go on; try again later"
            )
        if answer.status_code in (502, 503, 504):
            raise SourceInterrupted(f"{self._title} is not available just now; try again later")
        if answer.is_redirect:
            raise UnreachableSource(f"{self._title} redirects {place} elsewhere; give its own address")
        if not answer.is_success:
            raise UnreachableSource(f"{self._title} answered {answer.status_code} for {place}")
        try:
            return answer.json()
        except ValueError as error:
            raise SourceInterrupted(
                f"{self._title} answered {place} with something that is not JSON"
            ) from error


def _wait(answer: httpx.Response, attempt: int) -> float:
    """Seconds to wait before the next try: what the server says, else 1, 2, 4, ... ; never above LONGEST_WAIT."""
    advice = answer.headers.get("Retry-After", "").strip()
    seconds = 2.0 ** (attempt - 1)
    if advice.replace(".", "", 1).isdigit():
        seconds = float(advice)
    elif advice:
        try:
            seconds = (parsedate_to_datetime(advice) - datetime.now(UTC)).total_seconds()
        except ValueError:
            pass
    return min(max(seconds, 0.0), LONGEST_WAIT)
