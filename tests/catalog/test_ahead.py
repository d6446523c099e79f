"""Reading ahead: the same records in the same order, the same errors, and an end when nobody takes more."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.records import Database, Record
from plugin.catalog.sync.ahead import CHUNK, FIRST, WAITING, ahead
from tests.asynchronous import until


def made(count: int) -> list[Record]:
    return [Database(str(number)) for number in range(count)]


@given(st.integers(0, 3 * CHUNK))
def test_every_record_arrives_in_order(count: int) -> None:
    assert list(ahead(made(count))) == made(count)


def test_an_error_of_the_source_is_raised_after_what_came_before_it() -> None:
    def breaking() -> Iterator[Record]:
        yield from made(FIRST + 5)
        raise ConnectionError("gone")

    taken = []
    with pytest.raises(ConnectionError, match="gone"):
        for record in ahead(breaking()):
            taken.append(record)
    assert taken == made(FIRST + 5)


def test_closing_it_closes_the_source_in_the_thread_that_reads() -> None:
    closed: list[str] = []
    given_out: list[int] = []

    def endless() -> Iterator[Record]:
        try:
            while True:
                given_out.append(1)
                yield Database("x")
        finally:
            closed.append(threading.current_thread().name)

    records = ahead(endless())
    assert next(records) == Database("x")
    records.close()
    until(lambda: closed)
    assert closed == ["sync-reader"]
    assert len(given_out) <= FIRST + CHUNK * (WAITING + 2)
