"""What connectors to HTTP APIs share: one client that pages, waits when it is told to, renews a token that ran out
in mid-run, and turns every failure into one of `connectors.errors`.

httpx does the speaking. Retrying is our own: the vendors' advice (Retry-After in seconds or as a date, RFC 9110
section 10.2.3) must be followed, only reads are ever repeated, and no address or token may reach an error's text.
tenacity was considered; the rules above are most of the code it would save.

Answers are read leniently: a member that is null is as good as absent, a null among objects is left out, members that
nobody asked for are passed over. What a connector cannot do without and is not there is an error of ours (`Told`).
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx

from connectors.errors import (
    BadSettings,
    NotOffered,
    PermissionMissing,
    SignInRefused,
    SourceInterrupted,
    UnreachableSource,
)

SECONDS = 60.0
"""Longer than a server holds a statement open before it answers 'still running' (Snowflake 45 s, Databricks 50 s)."""
TRIES = 6
LONGEST_WAIT = 300.0
"""Seconds. A server that asks for more is left alone until the next sync, never asked sooner than it said."""
READINGS = 3
"""How often a list is read that changes while it is read."""
LOOKS = 1_200
"""How often a statement under way is looked at before it is given up."""
BUSY = (429, 502, 503, 504)
NOT_OFFERED = (400, 402, 404, 405, 406, 410, 501)  # it is off, or of another edition or a newer version
LEFT_OUT = (PermissionMissing, NotOffered)
"""What a part of a run may end with that the rest can do without; it is told as `Unread`."""
LOOPBACK = ("127.0.0.1", "localhost", "::1")
_NO_SIGN_IN = re.compile(rb"Code: (?:19[234]|516)\b")  # ClickHouse refuses user and password with a 403

Headers = Callable[[], Mapping[str, str]]
MISREAD = (KeyError, IndexError, TypeError, AttributeError, ValueError)


class Told(dict[str, Any]):
    """A JSON object of a vendor's answer, without its nulls. `told["x"]` says in our own words what is missing."""

    title = "the source"

    def __missing__(self, key: str) -> Any:
        raise SourceInterrupted(
            f"{self.title} left {key!r} out of an answer, which its documentation promises"
        )


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
        said = {"User-Agent": "docent/1", "Accept": "application/json"}
        self._client = httpx.Client(
            headers=said,
            base_url=url.strip().rstrip("/"),
            timeout=httpx.Timeout(SECONDS, connect=15.0),
            follow_redirects=False,
            trust_env=False,
        )

    def __enter__(self) -> Api:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _trace: object) -> None:
        """Close. What a connector could not make sense of is told as what it is: an answer of another form."""
        self.close()
        if isinstance(error, MISREAD):
            raise SourceInterrupted(
                f"{self._title} answered in a form that this connector does not know; report its version with this text"
            ) from error

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

    def document(self, path: str) -> Any:
        """The JSON file at `path` as it is, nulls and all; None where there is none. Raises SourceError."""
        return self._read("GET", path, optional=True, lenient=False)

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

    def form(
        self,
        path: str,
        fields: Mapping[str, str],
        *,
        headers: Mapping[str, str] | None = None,
        refusals: tuple[int, ...] = (),
    ) -> Any:
        """The JSON answer to a sign-in form, sent without the credential headers. Raises SourceError.

        A refusal is 400, 401 or 403 (RFC 6749 section 5.2 has 400), and what `refusals` names.
        """
        return self._sign(path, refusals, data=fields, headers=headers or {})

    def credential(self, path: str, body: Any, *, headers: Mapping[str, str] | None = None) -> Any:
        """The JSON answer to a sign-in with a JSON body. Raises SourceError, as `form` does."""
        return self._sign(path, (), json=body, headers=headers or {})

    def _sign(self, path: str, refusals: tuple[int, ...], **options: Any) -> Any:
        for attempt in range(1, TRIES + 1):
            answer = self._send("POST", path, **options)
            if not _busy(answer) or attempt == TRIES:
                break
            self._rest(answer, attempt)
        if answer.status_code in (400, 401, 403, *refusals):
            raise SignInRefused(f"{self._title} refused the credential")
        return self._json(answer, path)

    def pages(
        self,
        path: str,
        next_page: Callable[[Any], Mapping[str, Any] | None],
        params: Mapping[str, Any],
        *,
        optional: bool = False,
    ) -> Iterator[Any]:
        """Each page, from the first `params` on; `next_page(page)` gives what changes for the next, None at the end.

        With `optional`, none where there is no such thing (any more).
        """
        now: dict[str, Any] = dict(params)
        while True:
            page = self.get(path, now, optional=optional)
            if page is None:
                return
            yield page
            change = next_page(page)
            if change is None:
                return
            if all(now.get(key) == value for key, value in change.items()):
                raise SourceInterrupted(f"{self._title} gives the same page again and again")
            now |= change

    def overlapping(
        self,
        path: str,
        rows: Callable[[Any], Sequence[Mapping[str, Any]]],
        params: Mapping[str, Any],
        *,
        key: str,
        size: int,
        what: str,
        more: Callable[[Any], bool],
    ) -> Iterator[Any]:
        """Every row once of a list that pages by `limit` and `offset` and tells no count.

        Each page begins with the last row of the one before. Where it begins with another, something before it went
        or came, and a row may have slipped over the page's end: the list is read again, READINGS times at most.
        `rows(page)` are the rows, `key` is what tells them apart, `more(page)` says whether another page may follow.
        Raises SourceError.
        """
        told: set[Any] = set()
        for _ in range(READINGS):
            offset, last = 0, None
            while True:
                page = self.get(path, {**params, "limit": size, "offset": offset})
                found = rows(page)
                if last is not None and (not found or found[0].get(key) != last):
                    break
                for row in found:
                    if row.get(key) is None or row[key] not in told:
                        told.add(row.get(key))
                        yield row
                if len(found) < (1 if last is None else 2) or not more(page):
                    return
                # of a server that gives one row a page nothing can overlap
                offset, last = (
                    (offset + len(found) - 1, found[-1].get(key)) if found[1:] else (offset + 1, None)
                )
        raise SourceInterrupted(f"the {what} of {self._title} changed while they were read; try again")

    def until(
        self, answer: Any, done: Callable[[Any], bool], again: Callable[[Any], Any], *, rest: float = 1.0
    ) -> Any:
        """`answer`, or what `again(answer)` gives later, once it is `done`. SourceInterrupted after LOOKS looks."""
        for _ in range(LOOKS):
            if done(answer):
                return answer
            time.sleep(rest)
            answer = again(answer)
        raise SourceInterrupted(f"{self._title} did not finish what was asked; try again later")

    def _read(self, method: str, path: str, *, optional: bool, lenient: bool = True, **options: Any) -> Any:
        renewed = moved = False
        for attempt in range(1, TRIES + 1):
            if self._headers is None:
                self._headers = self._sign_in()
            answer = self._send(method, path, headers=self._headers, **options)
            if not renewed and _ran_out(answer):
                self._headers, renewed = None, True
                continue
            if (_busy(answer) and attempt < TRIES) or (answer.status_code == 500 and attempt < 3):
                self._rest(answer, attempt)
                continue
            if answer.is_redirect and not moved and (method == "GET" or answer.status_code in (307, 308)):
                where = answer.url.join(answer.headers["Location"])
                if (where.scheme, where.host, where.port) == (
                    answer.url.scheme,
                    answer.url.host,
                    answer.url.port,
                ):
                    path, moved = str(where), True  # a slash more or less at the end, on the same server
                    if where.query:
                        options.pop("params", None)
                    continue
            if answer.status_code == 404 and optional:
                return None
            return self._json(answer, path, lenient)
        raise SignInRefused(f"{self._title} refused the credential")

    def _rest(self, answer: httpx.Response, attempt: int) -> None:
        """Wait as the server says, else 1, 2, 4, ... seconds. SourceInterrupted where it says too long."""
        seconds = _wait(answer, attempt)
        if seconds > LONGEST_WAIT:
            raise SourceInterrupted(
                f"{self._title} limits our rate and asks for {seconds:.0f} seconds of rest; try again after that"
            )
        time.sleep(seconds)

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

    def _json(self, answer: httpx.Response, path: str, lenient: bool = True) -> Any:
        place = httpx.URL(path).path
        if answer.status_code in (401, 419) or _NO_SIGN_IN.match(answer.content[:32]):
            raise SignInRefused(f"{self._title} refused the credential")
        if answer.status_code == 403 and not _busy(answer):
            raise PermissionMissing(f"the credential may not read {place} of {self._title}")
        if answer.status_code == 422:
            raise PermissionMissing(
                f"{self._title} would not do what was asked at {place}; the role may lack a right of the grant script"
            )
        if answer.status_code in (403, 429):
            raise SourceInterrupted(f"{self._title} limits our rate; try again later")
        if answer.status_code in (502, 503, 504):
            raise SourceInterrupted(f"{self._title} is not available just now; try again later")
        if answer.is_redirect:
            raise UnreachableSource(f"{self._title} redirects {place} elsewhere; give its own address")
        if not answer.is_success:
            kind = NotOffered if answer.status_code in NOT_OFFERED else UnreachableSource
            raise kind(f"{self._title} answered {answer.status_code} for {place}")
        if answer.status_code == 204 and not answer.content:  # how some say that there is nothing
            return type("Told", (Told,), {"title": self._title})()
        try:
            return _read_json(answer.content, self._title) if lenient else json.loads(answer.content)
        except ValueError as error:
            raise SourceInterrupted(
                f"{self._title} answered {place} with something that is not JSON"
            ) from error


class Length:
    """How long a list that pages by number is, by the vendor's own count, which each page tells.

    Where something is deleted while the list is read, what stood behind it moves up, over the end of a page that was
    read already: it is on no page, and in the end as many were seen as the count says. So the list must never be
    shorter than it was.
    """

    def __init__(self, title: str, what: str) -> None:
        self._title, self._what, self._most = title, what, 0

    def told(self, count: int | None) -> int:
        """The count of this page, 0 where it tells none. SourceInterrupted where it was larger before."""
        if count is not None and count < self._most:
            raise SourceInterrupted(
                f"the {self._what} of {self._title} changed while they were read; try again"
            )
        self._most = max(self._most, count or 0)
        return self._most


def _read_json(content: bytes, title: str) -> Any:
    """JSON with `Told` for its objects, nulls left out of them and out of lists of them."""
    kind = type("Told", (Told,), {"title": title})

    def listed(value: Any) -> Any:
        if isinstance(value, list) and None in value and any(isinstance(each, dict) for each in value):
            return [each for each in value if each is not None]
        return value

    def told(pairs: list[tuple[str, Any]]) -> Any:
        return kind((key, listed(value)) for key, value in pairs if value is not None)

    return listed(json.loads(content, object_pairs_hook=told))


def _ran_out(answer: httpx.Response) -> bool:
    """Is it the token that is over? 401; 419 (the REST catalogs of Iceberg); 403 with a word of it (Power BI)."""
    return answer.status_code in (401, 419) or (
        answer.status_code == 403 and b"expired" in answer.content[:4096].lower()
    )


def _busy(answer: httpx.Response) -> bool:
    """Does the server ask for patience? Google says so by a 403 with a reason."""
    return answer.status_code in BUSY or (
        answer.status_code == 403 and b"ratelimitexceeded" in answer.content[:4096].lower()
    )


def _wait(answer: httpx.Response, attempt: int) -> float:
    """Seconds to wait before the next try: what the server says, else 1, 2, 4, ..."""
    advice = answer.headers.get("Retry-After", "").strip()
    seconds = 2.0 ** (attempt - 1)
    if advice.replace(".", "", 1).isdigit():
        seconds = float(advice)
    elif advice:
        try:
            when = parsedate_to_datetime(advice)
            seconds = (when.replace(tzinfo=when.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
        except ValueError:
            pass
    return max(seconds, 0.0)
