"""ClickHouse's own walls with the guard off: the grants of the script on the engine, and a server's HTTP interface.

The engine (chdb carries it) has one user, whose grants are those of the script, in an interpreter of its own: a process
opens one folder in one way. Two statements that a role cannot stop are named here, so that nobody takes them for
covered: `INTO OUTFILE`, which a server refuses over HTTP and an engine inside a program obeys, and the function `file`,
for which ClickHouse asks no right and which reads what lies in the server's `user_files_path`.

A server is not on PyPI. `DOCENT_TEST_CLICKHOUSE=http://user:password@host:8123` tries one, and where Debian's package
`clickhouse-server` (18.16) is installed, that one is started.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from connectors.clickhouse_run import QUERY_GRANTS
from tests.own_servers import answers, ended, free_port

DENIED, READ_ONLY, NO_OUTFILE = "497", "164", "358"
ENGINE = """
import json, sys
from chdb import connect
folder, config, statements = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
engine, said = connect(f"{folder}/db?config-file={config}"), {}
for text in statements:
    try:
        said[text] = ["", str(engine.query(text, "TSV"))]
    except RuntimeError as error:
        said[text] = [str(error)[:2000], ""]
engine.close()
print(json.dumps(said))
"""
USERS = """<clickhouse><profiles><default/></profiles><quotas><default/></quotas><users><default><password></password>
<networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota>{}</default></users></clickhouse>"""
CONFIG = (
    """<clickhouse><user_directories><users_xml><path>{}</path></users_xml></user_directories></clickhouse>"""
)
SERVER = """<yandex><logger><level>error</level><console>1</console></logger><http_port>{port}</http_port>
<listen_host>127.0.0.1</listen_host><path>{folder}/data/</path><tmp_path>{folder}/tmp/</tmp_path>
<user_files_path>{folder}/files/</user_files_path><users_config>{folder}/users.xml</users_config>
<default_profile>default</default_profile><mark_cache_size>5368709</mark_cache_size></yandex>"""


def said_by_the_engine(folder: Path, grants: list[str], statements: list[str]) -> dict[str, list[str]]:
    """What the engine says to each statement, [error, rows], where its user has these grants (all, where none)."""
    pytest.importorskip("chdb", reason="pip install -e '.[connector-tests]'")
    users, config = folder / "users.xml", folder / "config.xml"
    rights = "".join(f"<query>{each}</query>" for each in grants)
    users.write_text(USERS.format(f"<grants>{rights}</grants>" if grants else ""))
    config.write_text(CONFIG.format(users))
    asked = [sys.executable, "-c", ENGINE, str(folder), str(config), json.dumps(statements)]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=120, check=True)
    found: dict[str, list[str]] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_the_grants_of_the_script_are_a_wall_of_their_own(tmp_path: Path) -> None:
    """Neither the guard nor `readonly` is there: only what the script grants."""
    granted = re.findall(r"^(GRANT .+) TO docent_query;$", QUERY_GRANTS, re.MULTILINE)
    assert len(granted) == 2
    grants = [each.replace("<database>.<table>", "sales.orders") for each in granted]
    secret = tmp_path / "secret.csv"
    secret.write_text("secret\n")
    made = said_by_the_engine(
        tmp_path,
        [],
        [
            "CREATE DATABASE sales",
            "CREATE TABLE sales.orders (id Int64) ENGINE = MergeTree ORDER BY id",
            "INSERT INTO sales.orders SELECT number FROM numbers(3)",
            "CREATE TABLE sales.salaries (id Int64) ENGINE = MergeTree ORDER BY id",
            "CREATE VIEW sales.paid AS SELECT * FROM sales.salaries",
        ],
    )
    assert not any(error for error, _ in made.values()), made
    denied = [
        "SELECT count() FROM sales.salaries",
        "SELECT count() FROM sales.paid",
        "SELECT * FROM view(SELECT * FROM sales.salaries)",
        "SELECT * FROM mergeTreeIndex('sales', 'salaries')",
        "EXPLAIN ESTIMATE SELECT * FROM sales.salaries",
        "SELECT hasColumnInTable('sales', 'salaries', 'id')",
        "INSERT INTO sales.orders SELECT 1",
        "INSERT INTO FUNCTION file('made.csv') SELECT 1",
        "ALTER TABLE sales.orders DELETE WHERE 1",
        "DROP TABLE sales.orders",
        "TRUNCATE TABLE sales.orders",
        "CREATE TABLE sales.made (id Int8) ENGINE = Memory",
        "CREATE TEMPORARY TABLE made (id Int8)",
        f"SELECT * FROM file('{secret}', 'LineAsString')",
        "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
        "SELECT * FROM s3('http://127.0.0.1:1/bucket/key', 'LineAsString')",
        "SELECT * FROM remote('127.0.0.1', 'sales.salaries')",
        "SELECT * FROM executable('x.sh', 'TSV', 'a String')",
        "SELECT addressToLine(1)",
        "SELECT name FROM system.users",
        "SELECT * FROM system.grants",
    ]
    said = said_by_the_engine(
        tmp_path,
        grants,
        [
            "SELECT count() FROM sales.orders",
            "SELECT count() FROM merge('sales', '.*')",
            "SELECT name FROM system.tables WHERE database = 'sales'",
            "KILL QUERY WHERE query_id = 'docent-1' TEST",
            "EXPLAIN ESTIMATE SELECT * FROM sales.orders",
            *denied,
        ],
    )
    assert said["SELECT count() FROM sales.orders"] == ["", "3\n"]
    assert said["SELECT count() FROM merge('sales', '.*')"] == ["", "3\n"]
    assert said["SELECT name FROM system.tables WHERE database = 'sales'"] == ["", "orders\n"]
    assert not said["KILL QUERY WHERE query_id = 'docent-1' TEST"][0]
    assert not said["EXPLAIN ESTIMATE SELECT * FROM sales.orders"][0]
    through = [text for text in denied if f"Code: {DENIED}." not in said[text][0]]
    assert through == []


def test_what_the_grants_do_not_stop_is_known(tmp_path: Path) -> None:
    """If this fails, the engine has got a wall, and the docs may say so."""
    secret, out = tmp_path / "secret.csv", tmp_path / "out.csv"
    secret.write_text("secret\n")
    said = said_by_the_engine(
        tmp_path,
        ["GRANT SELECT ON sales.orders"],
        [f"SELECT file('{secret}')", f"SELECT 1 INTO OUTFILE '{out}'"],
    )
    assert [error for error, _ in said.values()] == ["", ""] and out.exists()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real server."""
    if given := os.environ.get("DOCENT_TEST_CLICKHOUSE"):
        yield given
        return
    program = shutil.which("clickhouse-server")
    if program is None:
        pytest.skip("no ClickHouse server: DOCENT_TEST_CLICKHOUSE, or Debian's package clickhouse-server")
    folder = tmp_path_factory.mktemp("clickhouse")
    port = free_port()
    for name in ("data", "tmp", "files"):
        (folder / name).mkdir()
    (folder / "users.xml").write_text(USERS.format("").replace("clickhouse>", "yandex>"))
    (folder / "config.xml").write_text(SERVER.format(port=port, folder=folder))
    with (folder / "log").open("w") as log:
        running = subprocess.Popen(
            [program, f"--config-file={folder}/config.xml"], cwd=folder, stdout=log, stderr=log
        )
    try:
        url = f"http://127.0.0.1:{port}"
        answers(running, lambda: httpx.get(url, timeout=30), folder / "log")
        yield url
    finally:
        ended(running)


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("SELECT 1 INTO OUTFILE '{out}'", NO_OUTFILE),
        ("SELECT 1 INTO OUTFILE '{out}' FORMAT CSV", NO_OUTFILE),
        ("SELECT * FROM file('{out}', 'CSV', 'a String')", READ_ONLY),
        ("SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a String')", READ_ONLY),
        ("SELECT * FROM remote('127.0.0.1', system.one)", READ_ONLY),
        ("CREATE TABLE docent_made (a Int8) ENGINE = Memory", READ_ONLY),
        ("CREATE TEMPORARY TABLE docent_made (a Int8)", READ_ONLY),
        ("SET max_threads = 1", READ_ONLY),
        ("SELECT 1 SETTINGS max_threads = 1", READ_ONLY),
        ("SELECT 1; SELECT 2", "62"),
    ],
)
def test_a_server_refuses_over_http(server: str, tmp_path: Path, statement: str, code: str) -> None:
    """As the connector asks, `readonly = 1` with the request, and the guard off."""
    out = tmp_path / "out.csv"
    at = urlsplit(server)
    who = {"X-ClickHouse-User": at.username or "default", "X-ClickHouse-Key": at.password or ""}
    url = f"{at.scheme}://{at.hostname}:{at.port}/"
    options = {"params": {"readonly": "1"}, "headers": who, "timeout": 20}
    assert httpx.post(url, content=b"SELECT 7", **options).text == "7\n"  # type: ignore[arg-type]
    said = httpx.post(url, content=statement.format(out=out).encode(), **options)  # type: ignore[arg-type]
    assert said.status_code >= 400 and said.text.startswith(f"Code: {code}"), said.text
    assert not out.exists()
