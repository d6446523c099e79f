"""A signed head is kept elsewhere and checked later: a chain that was rewritten is found, also from its start."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from plugin.access.viewer import Viewer
from plugin.store import Store

DOCENT = str(Path(sys.executable).parent / "docent")


def docent(home: Path, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    environment = {"DOCENT_HOME": str(home), "PATH": "/usr/bin:/bin"}
    return subprocess.run(
        [DOCENT, *words],
        env=environment,
        capture_output=True,
        text=True,
        input=stdin,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("chain", ["ledger", "audit"])
def test_a_kept_head_is_checked_later(store: Store, admin: Viewer, home: Path, chain: str) -> None:
    for number in range(3):
        with store.as_viewer(admin) as mine:
            mine.record.audit("try", "allow")
            mine.record.ledger_open(
                provider="p", host="h", region="r", model="m", purpose="chat", body_bytes=number,
                body_sha256="0" * 64, manifest={},
            )  # fmt: skip
    store.close()
    made = docent(home, chain, "head")
    assert made.returncode == 0, made.stderr
    head = json.loads(made.stdout)
    done = docent(home, chain, "check-head", "-", "--json", stdin=made.stdout)
    assert (done.returncode, json.loads(done.stdout)["ok"]) == (0, True), done.stderr
    forged = json.dumps(head | {"seq": head["seq"] - 1})
    assert docent(home, chain, "check-head", "-", stdin=forged).returncode == 1
    other = docent(home, "audit" if chain == "ledger" else "ledger", "check-head", "-", stdin=made.stdout)
    assert other.returncode == 1 and "not signed" in other.stderr
    assert docent(home, chain, "check-head", "-", stdin="[]").returncode == 1
    table = {"ledger": "ledger", "audit": "audit_log"}[chain]
    with closing(sqlite3.connect(home / "docent.sqlite3")) as database:
        database.execute(f"update {table} set hash = 'x' where seq = ?", (head["seq"],))
        database.commit()
    done = docent(home, chain, "check-head", "-", stdin=made.stdout)
    assert done.returncode == 1 and "was rewritten" in done.stderr
