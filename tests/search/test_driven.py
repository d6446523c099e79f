"""What the driver is asked itself it answers as SQLAlchemy does, and its errors are those that the doors know."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from plugin.access.viewer import Viewer
from plugin.errors import NotFound
from plugin.store import Store
from plugin.store import _rows as rows
from plugin.store._around_rows import kept, rows_of
from tests.search.conftest import SHOP, Fill

on_postgres = pytest.mark.parametrize("any_store", ["postgresql"], indirect=True)


def test_rows_are_those_that_sqlalchemy_reads(any_store: Store, any_admin: Viewer, fill: Fill) -> None:
    fill(any_store, any_admin, "warehouse", SHOP)
    with any_store.as_viewer(any_admin) as mine:
        context = mine.catalog._context
        ids = [each.id for each in mine.catalog.browse(limit=100).items]
        for build in (rows._whole, rows._by_id):
            told: list[Any] = [tuple(row) for row in rows_of(context, build, ids)]
            read = context.session.connection().execute(kept(context, build), {"ids": ids}).all()
            assert told == [tuple(row) for row in read]
            assert len(told) == len(ids)
        resources = rows.load(context, ids).values()
        moments = [each.synced_at for each in resources if each.synced_at is not None]
        assert moments and all(moment.tzinfo is UTC for moment in moments)
        assert {each.path for each in resources if each.name == "refunds"} == {("shop", "sales")}


@on_postgres
def test_an_error_of_the_driver_is_told_as_any_other(any_store: Store, any_admin: Viewer) -> None:
    with pytest.raises(NotFound), any_store.as_viewer(any_admin) as mine:
        rows.load(mine.catalog._context, [2**70])
    with pytest.raises(DBAPIError, match="bigint") as raised, any_store.as_viewer(any_admin) as mine:
        rows_of(mine.catalog._context, rows._by_id, ["none"])  # type: ignore[list-item]
    assert raised.value.params is None, "what was given is in no log"
