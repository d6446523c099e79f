"""Two real web processes: a result of one is paged, drawn, downloaded, cancelled and ended through the other."""

from __future__ import annotations

import io
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.asynchronous import ends, until
from tests.web.served import Client, Served, home_with_numbers, served

pytest.importorskip("gunicorn", reason="gunicorn is not installed")
SLOW = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n, thousand"
ROWS = 5_000
TEXT = "SELECT a.n * 1000 + b.n AS n, a.note AS canary FROM thousand a, thousand b WHERE a.n < 5 ORDER BY 1"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, int]]:
    """Two processes over one workspace."""
    home = tmp_path_factory.mktemp("workers")
    integration = home_with_numbers(home / "docent")
    with served(home / "docent", home / "tmp", workers=2) as made:
        yield made, integration


def run(client: Client, integration: int, sql: str = TEXT) -> dict[str, Any]:
    status, told = client.api(
        "POST", "/sql/run", {"integration_id": integration, "sql": sql, "confirm": True}
    )
    assert status == 200, told
    return dict(told)


def runs_under_way(server: Served) -> list[Path]:
    """What the processes tell each other of runs (`plugin.run_sql.slots.under_way`)."""
    return list(server.temporary.glob("docent-runs-*/run-*"))


def test_another_process_pages_draws_and_downloads(house: tuple[Served, int]) -> None:
    from pyarrow import parquet

    server, integration = house
    first, second = server.answering
    ada = Client(server.port).sign_in()
    for made_by, read_by in ((first, second), (second, first)):
        with server.only(made_by):
            told = run(ada, integration)
            result = told["result_id"]
        with server.only(read_by):
            status, page = ada.api("GET", f"/results/{result}?offset={ROWS - 1}")
            assert status == 200 and page["rows"] == [[ROWS - 1, "CANARY-4"]] and page["row_count"] == ROWS
            assert b"CANARY-2" in ada.get(f"/results/{result}?offset=2400")[1]
            assert ada.get(f"/results/{result}.csv")[1].count(b"CANARY-") == ROWS
            table = parquet.read_table(io.BytesIO(ada.get(f"/results/{result}.parquet")[1]))
            assert table.num_rows == ROWS and table.column("n")[ROWS - 1].as_py() == ROWS - 1
            binds = ["r1.sum.n", "r1.chart(bar, x=n, y=n)"]
            status, bound = ada.api("POST", f"/results/{result}/values", {"name": "r1", "binds": binds})
            assert [each["kind"] for each in bound["items"]] == ["value", "chart"]
            assert bound["items"][0]["text"] == str(sum(range(ROWS)))
        eve = Client(server.port).sign_in()  # the same person in another browser
        assert eve.get(f"/results/{result}")[0] == 404


def test_the_raw_files_hold_no_row_and_go_at_sign_out_through_another_process(
    house: tuple[Served, int],
) -> None:
    server, integration = house
    first, second = server.answering
    before = set(server.files)
    ada = Client(server.port).sign_in()
    with server.only(first):
        result = run(ada, integration)["result_id"]
    mine = set(server.files) - before
    assert len(mine) == 1
    for each in mine:
        assert each.stat().st_mode & 0o777 == 0o600 and each.parent.stat().st_mode & 0o777 == 0o700
        lying = each.read_bytes()
        assert len(lying) > 5_000 and result.encode() not in lying
        assert not any(word in lying for word in (b"CANARY", b"canary", b"thousand", b"integration"))
    with server.only(second):
        assert ada.post("/sign-out")[0] == 303
    assert not mine & set(server.files)


def test_a_run_of_one_process_is_cancelled_through_the_other(house: tuple[Served, int]) -> None:
    server, integration = house
    first, second = server.answering
    ada = Client(server.port).sign_in()
    ended: list[Any] = []

    def work() -> None:
        body = {"integration_id": integration, "sql": SLOW, "confirm": True, "run_id": "of-the-first"}
        ended.append(ada.api("POST", "/sql/run", body))

    thread = threading.Thread(target=work)
    with server.only(first):
        thread.start()
        until(lambda: runs_under_way(server))
    with server.only(second):
        assert ada.api("POST", "/sql/runs/of-the-first/cancel", {})[0] == 200
    assert ends(thread), "the limit of the workspace would have ended it after ten minutes"
    assert ended[0][0] == 409, ended


def test_a_run_of_one_process_is_cancelled_by_signing_out_through_the_other(
    house: tuple[Served, int],
) -> None:
    server, integration = house
    first, second = server.answering
    ada = Client(server.port).sign_in()
    ended: list[Any] = []

    def work() -> None:
        ended.append(
            ada.api("POST", "/sql/run", {"integration_id": integration, "sql": SLOW, "confirm": True})
        )

    thread = threading.Thread(target=work)
    with server.only(first):
        thread.start()
        until(lambda: runs_under_way(server))
    with server.only(second):
        assert ada.post("/sign-out")[0] == 303
    assert ends(thread), "the limit of the workspace would have ended it after ten minutes"
    assert ended[0][0] == 409, ended


def test_nothing_lies_there_once_the_server_has_stopped(tmp_path: Path) -> None:
    integration = home_with_numbers(tmp_path / "docent")
    with served(tmp_path / "docent", tmp_path / "tmp", workers=2) as server:
        run(Client(server.port).sign_in(), integration)
        assert len(server.files) == 1
    assert server.files == []
    with served(tmp_path / "docent", tmp_path / "tmp", workers=2) as server:
        run(Client(server.port).sign_in(), integration)
        for each in (server.process.pid, *server.answering):  # so that nobody can tidy up
            os.kill(each, signal.SIGKILL)
    assert len(server.files) == 1
    with served(tmp_path / "docent", tmp_path / "tmp", workers=1) as server:
        assert server.files == []
