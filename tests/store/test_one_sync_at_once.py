"""Of many who enter a sync of one integration at once, one is let in: PostgreSQL has many writers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from plugin.access.viewer import Viewer
from plugin.errors import UnderWay
from plugin.store import Store


def test_one_of_many_is_let_in(any_store: Store, any_admin: Viewer) -> None:
    many = 8
    with any_store.as_admin(any_admin) as door:
        integration_id = door.integrations.add("pushed", "custom").id
    together = Barrier(many)

    def enter(_number: int) -> bool:
        with any_store.ingest(any_admin.workspace_id, integration_id) as ingest:
            together.wait(10)  # each has its transaction open before the first one looks
            try:
                ingest.syncs.queue(integration_id)
            except UnderWay as error:
                assert error.retry_after > 0
                return False
            return True

    with ThreadPoolExecutor(many) as pool:
        assert sum(pool.map(enter, range(many))) == 1
