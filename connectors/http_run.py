"""Runs one statement at a service that is spoken to over HTTP; see `connectors.abilities.CanRun`.

Enters: a `Job` of a vendor (how it is submitted, looked at, stopped and read by pages). Leaves: a `RunResult`. What is
the same everywhere is here: one clock for all requests of a run, Retry-After within that clock, a token renewed once,
answers bounded in bytes, a cancel that is sent again until the service says that the statement has ended, and rows
under the caps.

A statement is sent again after a lost answer only where the vendor has a name for the request that makes the second one
the same as the first. What the service says of an error is kept apart from what is safe to show: it may quote values.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import httpx

from connectors.abilities import Cancel, ResultColumn, RunLimits, RunResult
from connectors.asking import Asking
from connectors.errors import QueryFailed, QueryStopped, SignInRefused, SourceError, SourceInterrupted
from connectors.http import Api, Headers, _busy, _ran_out, _wait
from connectors.rows import Meter

Cut = Literal["bytes"] | None
"""Why a service itself cut a result off, where it says so."""
MOST = 64_000_000
"""Bytes of one answer. The vendors' own pages are smaller; a larger one would fill the memory before it is counted."""
HOLD = 1.0
"""Seconds that a service may hold a look at a statement open, so that a cancel is noticed soon."""
ENDING = 10.0
"""Seconds in which a service should say that a statement which it was asked to stop has ended."""
TRIES = 6


@dataclass(frozen=True, slots=True)
class Said:
    """One answer: its status and its JSON, {} where it had none."""

    status: int
    body: Any
    text: str = ""
    """What it said where it was no success."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Those that begin with x-, in lower case."""

    @property
    def good(self) -> bool:
        """Was it a success?"""
        return 200 <= self.status < 300


class TooLate(Exception):
    """The time of the run is over."""


class TooLarge(Exception):
    """One answer is larger than MOST."""


class RunApi(Api):
    """As `Api`, for statements that people run: every request ends with the run's clock, answers keep their nulls, and
    what the service refuses is given back instead of raised."""

    def __init__(self, url: str, sign_in: Headers, *, title: str, plain_http: bool = False) -> None:
        super().__init__(url, sign_in, title=title, plain_http=plain_http)
        self.wake = threading.Event()
        """Set when nobody wants to wait any more."""
        self.lost = 0
        """Requests that may have been taken although no answer said so."""

    def say(
        self,
        method: str,
        path: str,
        *,
        until: float,
        again: bool = True,
        rest: bool = True,
        keep: bool = False,
        second: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Said:
        """One request, repeated while the service asks for patience (`rest`), and after a lost answer where that does
        no harm (`again`); `second` is added to the parameters of a repetition. With `keep` the body of a
        success is the answer itself, which has not been read. Raises TooLate at `until` (monotonic),
        SignInRefused, UnreachableSource, SourceInterrupted.
        """
        renewed, more = False, options.pop("headers", {})
        for attempt in range(1, TRIES + 1):
            if self._headers is None:
                self._headers = self._sign_in()
            left = until - time.monotonic()
            if left <= 0:
                raise TooLate
            if attempt > 1 and second:
                options["params"] = {**(options.get("params") or {}), **second}
            headers = {**self._headers, **more}
            limit = httpx.Timeout(min(left + 0.5, 60.0), connect=min(left + 0.5, 15.0))
            try:
                answer = self._asked(method, path, until, keep, headers=headers, timeout=limit, **options)
            except httpx.TimeoutException as error:
                self.lost += 1
                if time.monotonic() >= until:
                    raise TooLate from error
                if not again or attempt >= 3:
                    raise self._lost("did not answer in time") from error
                continue
            except httpx.HTTPError as error:
                lost = not isinstance(error, httpx.ConnectError)
                self.lost += lost
                if not (lost and again) or attempt >= 3:
                    self._answered |= lost
                    raise self._lost("dropped the connection" if lost else "could not be reached") from error
                self.rest(0.1 * attempt, until)
                continue
            self._answered = True
            self.lost += answer.status_code >= 500
            if _ran_out(answer):
                if renewed:
                    raise SignInRefused(f"{self._title} refused the credential")
                self._headers, renewed = None, True
                continue
            told = answer.status_code == 503 and "Retry-After" in answer.headers  # not even begun
            patient = (
                answer.status_code == 429 or told or (again and (_busy(answer) or answer.status_code == 500))
            )
            if rest and patient and attempt < (3 if answer.status_code == 500 else TRIES):
                wait = _wait(answer, attempt) if "Retry-After" in answer.headers else 0.25 * 2.0**attempt
                self.rest(wait, until)
                continue
            if keep and answer.is_success:
                return Said(answer.status_code, answer)
            return self._said(answer)
        raise SignInRefused(f"{self._title} refused the credential")

    def rest(self, seconds: float, until: float) -> None:
        """TooLate where the run's time, or somebody's patience, ends before that."""
        if time.monotonic() + seconds >= until or self.wake.wait(seconds):
            raise TooLate

    def _said(self, answer: httpx.Response) -> Said:
        given = {name: value for name, value in answer.headers.items() if name.startswith("x-")}
        text = "" if answer.is_success else answer.content.decode("utf-8", "replace")
        try:
            return Said(answer.status_code, json.loads(answer.content) if answer.content else {}, text, given)
        except ValueError as error:
            if answer.is_success:
                raise SourceInterrupted(f"{self._title} answered with something that is not JSON") from error
            return Said(answer.status_code, {}, text, given)

    def _asked(self, method: str, path: str, until: float, keep: bool, **options: Any) -> httpx.Response:
        """The answer, read to its end unless it is a success to `keep`. TooLarge where that would be beyond MOST,
        TooLate where it trickles."""
        answer = self._client.send(self._client.build_request(method, path, **options), stream=True)
        if keep and answer.is_success:
            return answer
        pieces, size = [], 0
        try:
            for piece in answer.iter_bytes():
                size += len(piece)
                if size > MOST:
                    raise TooLarge
                if time.monotonic() > until + 0.5:
                    raise TooLate
                pieces.append(piece)
        finally:
            answer.close()
        kept = {
            name: value
            for name, value in answer.headers.items()
            if name == "retry-after" or name.startswith("x-")
        }
        return httpx.Response(
            answer.status_code, headers=kept, content=b"".join(pieces), request=answer.request
        )


class Job(Protocol):
    """One statement at a service. Every method may raise what `RunApi.say` does, and QueryFailed."""

    api: RunApi
    cut: Cut

    def submit(self, until: float) -> None:
        """Hand it in. What the service thinks of it before it runs is asked here, too."""
        ...

    def look(self, until: float) -> bool:
        """Is there a result? May hold for HOLD seconds. TooLate where the service stopped it."""
        ...

    def stop(self, until: float) -> None:
        """Ask once that it ends, without `rest`. May come before `submit` has ended."""
        ...

    def ended(self, until: float) -> bool:
        """Does the service say that nothing of it runs any more? Asked without `rest`."""
        ...

    def columns(self) -> tuple[ResultColumn, ...]:
        """What the result is made of."""
        ...

    def rows(self, until: float) -> Iterator[tuple[Any, ...]]:
        """Every row, page by page."""
        ...


class HttpRuns(ABC):
    """The part of a connector that runs SQL at a service over HTTP; `_job` and `estimate` are the vendor's."""

    def run(
        self, sql: str, limits: RunLimits, running: Callable[[Cancel], None], parameters: Sequence[Any] = ()
    ) -> RunResult:
        """Start `sql` and stream its rows. Raises QueryFailed, QueryStopped or another SourceError."""
        return run_job(self._job(sql, parameters, limits), limits, running)

    @abstractmethod
    def _job(self, sql: str, parameters: Sequence[Any], limits: RunLimits) -> Job: ...


class Stop:
    """Asks the service to stop, from any thread; knows why a statement ended."""

    def __init__(self, job: Job) -> None:
        self._asking = Asking(lambda: ask_to_stop(job))
        self.wanted = job.api.wake
        self.cancelled = False

    def cancel(self) -> None:
        """Somebody does not want it any more."""
        self.cancelled = True
        self.wanted.set()
        self._asking.begin()

    def expire(self) -> None:
        """The time is over; the service's own limit should have come first."""
        self.wanted.set()
        self._asking.begin()

    def over(self) -> None:
        """Nothing is to be asked any more."""
        self._asking.over()


def ask_to_stop(job: Job) -> None:
    """Once, for 3 seconds at most; whether it ended is another question."""
    with contextlib.suppress(SourceError, TooLate, TooLarge, httpx.HTTPError, RuntimeError):
        job.stop(time.monotonic() + 3)  # RuntimeError: closed meanwhile


def run_job(job: Job, limits: RunLimits, running: Callable[[Cancel], None]) -> RunResult:
    """Run `job` to its first page. Raises QueryFailed, QueryStopped or another SourceError; then nothing is open."""
    stop = Stop(job)
    deadline = time.monotonic() + limits.seconds
    finished = threading.Event()

    def close() -> None:
        stop.over()
        if not finished.is_set():
            finished.set()
            ask_to_stop(job)
        job.api.close()

    try:
        with _as_query_errors(job, stop, limits, finished):
            running(stop)
            if stop.wanted.is_set():
                finished.set()  # nothing was sent
                raise QueryStopped("the query was cancelled")
            job.submit(deadline)
            rest = 0.02
            while not job.look(deadline):
                if stop.wanted.wait(rest) or time.monotonic() > deadline:
                    raise TooLate
                rest = min(2 * rest, 0.5)
            if stop.wanted.is_set():
                raise TooLate
            columns = job.columns()
            rows = job.rows(deadline)
            first = next(rows, None)
    except BaseException:
        close()
        raise
    result = RunResult(columns, iter(()), _close=close)
    result.batches = _batches(first, rows, limits, result, deadline, job, stop, finished)
    return result


def _batches(
    first: tuple[Any, ...] | None,
    rows: Iterator[tuple[Any, ...]],
    limits: RunLimits,
    result: RunResult,
    deadline: float,
    job: Job,
    stop: Stop,
    finished: threading.Event,
) -> Iterator[list[tuple[Any, ...]]]:
    def counted() -> Iterator[tuple[Any, ...]]:
        for row in rows:
            if stop.wanted.is_set():
                raise TooLate
            yield row
        finished.set()

    try:
        with _as_query_errors(job, stop, limits, finished):
            # Not `yield from`: a consumer that goes must end the statement before the rows.
            for batch in Meter(limits, result).batches(first, counted(), deadline=deadline):  # noqa: UP028
                yield batch
            result.truncated = result.truncated or job.cut
    finally:
        result.close()


@contextlib.contextmanager
def _as_query_errors(job: Job, stop: Stop, limits: RunLimits, finished: threading.Event) -> Iterator[None]:
    try:
        yield
    except TooLate:
        raise _stopped(job, stop, limits, finished) from None
    except QueryFailed:
        finished.set()  # the service itself ended it
        if stop.wanted.is_set():
            raise _stopped(job, stop, limits, finished) from None
        raise
    except TooLarge:
        raise QueryStopped(
            f"the query was stopped: one page of its result is larger than {MOST // 1_000_000} MB"
        ) from None
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        # the answer's own content may be in the error's text
        raise SourceInterrupted(
            f"the source answered in a form that this connector does not know ({type(error).__name__})"
        ) from None


def _stopped(job: Job, stop: Stop, limits: RunLimits, finished: threading.Event) -> QueryStopped:
    """See the statement end where it was asked to, and say so where it did not."""
    if not stop.wanted.is_set():
        stop.expire()
    why = "the query was cancelled" if stop.cancelled else f"the query was stopped after {limits.seconds:g} s"
    until, rest = time.monotonic() + ENDING, 0.02
    while not finished.is_set() and time.monotonic() < until:
        with contextlib.suppress(SourceError, TooLate, TooLarge):
            if job.ended(min(until, time.monotonic() + 3)):
                finished.set()
                break
        time.sleep(rest)
        rest = min(2 * rest, 0.5)
    if finished.is_set():
        return QueryStopped(why)
    return QueryStopped(f"{why}; the source was asked to end it and has not said that it did")


def estimated(job: Job, ask: Callable[[float], Any]) -> Any:
    """What `ask(until)` finds out about a statement that is not run, within 10 seconds. Raises SourceError."""
    with job.api:
        try:
            return ask(time.monotonic() + 10)
        except TooLate:
            ask_to_stop(job)
            raise QueryStopped("the source did not tell in time what it expects") from None
        except TooLarge:
            raise SourceInterrupted("the source's plan is too large to read") from None


def await_page(job: Job, until: float) -> None:
    """Submit `job` and wait for the first page of what it says."""
    job.submit(until)
    while not job.look(until):
        job.api.rest(0.05, until)


def position_in(sql: str, line: int, column: int) -> int | None:
    """Where line and column (from 1) are in `sql`, counted from 1; None where there is no such place."""
    lines = sql.split("\n")
    if not 1 <= line <= len(lines) or column < 1 or column > len(lines[line - 1]) + 1:
        return None
    return sum(len(each) + 1 for each in lines[: line - 1]) + column


def plain_word(value: Any) -> str:
    """An error's class as a service names it, where it is a word and nothing else; "" where it may hold more."""
    text = str(value or "")
    return text if 0 < len(text) <= 60 and text.replace("_", "").isalnum() and text.isascii() else ""


def member(body: Any, name: str) -> Mapping[str, Any]:
    """An object of an answer, {} where it is absent or null."""
    found = body.get(name) if isinstance(body, dict) else None
    return found if isinstance(found, dict) else {}
