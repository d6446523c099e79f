"""Keys rotate while several processes of an installation work, as behind gunicorn: nothing is lost, nothing fails."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from plugin.access.viewer import Viewer
from plugin.cli import main
from plugin.config import Config, read_config
from plugin.errors import Misconfigured
from plugin.store import Store, open_store
from plugin.vault import new_master_key
from tests.asynchronous import until
from tests.conftest import NewWorkspace, PostgresDatabase, postgres_url_of
from tests.own_servers import STARTS
from tests.store.test_history import add

WORK = """
import json, sys, time
from pathlib import Path
from plugin.access.viewer import Surface
from plugin.config import read_config
from plugin.store import open_store

config = read_config(json.loads(sys.argv[1]))
me, stop = sys.argv[2], Path(sys.argv[3])
store = open_store(config)
with store.sign_in() as door:
    viewer = door.viewer_for_email("acme", me, Surface.PAGE)
written, made = {}, []
while not stop.exists():
    said = f"prompt {len(written)} of {me}"
    with store.as_viewer(viewer) as mine:
        prompt = mine.history.start(None, said)
    with store.as_viewer(viewer) as mine:
        mine.history.finish(prompt.id, answer=f"answer to {said}", status="done")
    written[prompt.id] = said
    with store.as_viewer(viewer) as mine:
        for number, words in list(written.items())[-5:]:
            assert mine.history.prompt(number).text == words
    with store.secrets(viewer) as secrets:
        assert secrets.provider_key("openai") == "k" * 20
    if len(written) % 8 == 1:
        with store.sign_in() as door:
            made.append(door.create_workspace(f"{me} {len(made)}", me).slug)
        Path(f"{stop}-{me}").touch()
print(json.dumps({"written": written, "made": made}))
"""
PROCESSES = 2


@pytest.fixture(params=["sqlite", "postgresql"])
def environ(request: pytest.FixtureRequest, config: Config) -> Iterator[dict[str, str]]:
    """The environment of an installation with a migrated database."""
    if request.param == "sqlite":
        yield {"DOCENT_HOME": str(config.home)}
        return
    name = f"docent_test_{uuid.uuid4().hex[:12]}"
    with PostgresDatabase(name, request.getfixturevalue("postgres_template")):
        yield {"DOCENT_HOME": str(config.home), "DOCENT_DATABASE_URL": postgres_url_of(name)}


@contextmanager
def processes(
    environ: dict[str, str], people: list[Viewer], stop: Path
) -> Iterator[dict[str, dict[int, str]]]:
    """Each person works in a process of their own until the block ends; then what they wrote is in the dict."""
    running = [
        subprocess.Popen(
            [sys.executable, "-c", WORK, json.dumps(environ), each.email, str(stop)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for each in people
    ]  # fmt: skip
    written: dict[str, dict[int, str]] = {}
    try:
        until(
            lambda: (
                len(list(stop.parent.glob("stop-*"))) == len(people)
                or any(each.poll() is not None for each in running)
            ),  # who has failed is told of below
            STARTS,
        )
        yield written
    finally:
        stop.touch()
        ended = [each.communicate(timeout=120) for each in running]
    for person, process, (out, err) in zip(people, running, ended, strict=True):
        assert process.returncode == 0, err[-2000:]
        told = json.loads(out)
        assert told["made"]
        written[person.email] = {int(number): words for number, words in told["written"].items()}


def prepared(store: Store, new_workspace: NewWorkspace) -> tuple[Viewer, list[Viewer]]:
    admin = new_workspace(store)
    with store.as_admin(admin) as door:
        door.settings.set_provider_key("openai", "k" * 20)
    return admin, [add(store, admin, f"p{number}@example.com", "editor") for number in range(PROCESSES)]


def all_open(store: Store, people: list[Viewer], written: dict[str, dict[int, str]]) -> None:
    """Every text that anybody wrote can be read, and every workspace's keys open."""
    for viewer in people:
        with store.as_viewer(viewer) as mine:
            chats = mine.history.export()["chats"]
        assert {each["id"]: each["text"] for chat in chats for each in chat["prompts"]} == written[
            viewer.email
        ]
    with store.sign_in() as door:
        made = [each.slug for each in door.workspaces() if each.slug != "acme"]
    for slug in made:
        with store.sign_in() as door:
            there = door.viewer_for_email(slug, None)
        with store.as_viewer(there) as mine:
            mine.history.memory.remember("it opens")


def wrapping(store: Store) -> set[str]:
    with store._sessions(info={"workspace": "sign-in"}) as session:
        return set(session.execute(text("SELECT master_id FROM workspace_keys")).scalars())


def test_both_keys_rotate_while_processes_work(
    environ: dict[str, str], new_workspace: NewWorkspace, tmp_path: Path
) -> None:
    config = read_config(environ)
    store = open_store(config)
    admin, people = prepared(store, new_workspace)
    with processes(environ, people, tmp_path / "stop") as written:
        for _ in range(3):
            assert "Made master key" in store.rotate_master_key()
            assert "sealed" in store.rotate_workspace_key(admin)
            with store.clock() as clock:
                clock.expire(datetime.now(UTC) + timedelta(minutes=11))
    store.close()
    fresh = open_store(config)  # only what the key file holds now can open anything
    assert len((config.home / "master.key").read_text().split()) == len(wrapping(fresh)) == 1
    all_open(fresh, people, written)
    with fresh.as_admin(admin) as door:
        assert door.audit.verify()[0] and door.ledger.verify()[0]
    fresh.close()


def test_two_rotations_at_once_lose_nothing(environ: dict[str, str], new_workspace: NewWorkspace) -> None:
    config = read_config(environ)
    store = open_store(config)
    admin, people = prepared(store, new_workspace)
    rotate = (
        "import json,sys; from plugin.config import read_config; from plugin.store import open_store\n"
        + (
            "store = open_store(read_config(json.loads(sys.argv[1])))\nfor _ in range(3): store.rotate_master_key()"
        )
    )
    running = [
        subprocess.Popen(
            [sys.executable, "-c", rotate, json.dumps(environ)], stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    faults = [each.communicate(timeout=120)[1] for each in running]
    assert [each.returncode for each in running] == [0, 0], faults
    store.close()
    fresh = open_store(config)
    with fresh.secrets(admin) as secrets:
        assert secrets.provider_key("openai") == "k" * 20
    assert len((config.home / "master.key").read_text().split()) == len(wrapping(fresh)) == 1
    fresh.close()


def test_a_process_with_an_old_view_makes_no_key_that_is_lost(
    environ: dict[str, str], new_workspace: NewWorkspace
) -> None:
    config = read_config(environ)
    one, two = open_store(config), open_store(config)
    admin = new_workspace(one)
    one.rotate_master_key()
    other = new_workspace(two, "Later", "lea@example.com")
    two.rotate_workspace_key(admin)
    one.close()
    two.close()
    fresh = open_store(config)
    for viewer in (admin, other):
        with fresh.as_viewer(viewer) as mine:
            assert mine.history.memory.remember("it opens").text == "it opens"
    fresh.close()


WRONG = {
    "missing": lambda path: path.unlink(),
    "empty": lambda path: path.write_text(""),
    "another": lambda path: path.write_text(new_master_key() + "\n"),
    "too short": lambda path: path.write_text("c2hvcnQ=\n"),
    "no base64": lambda path: path.write_text("not a key at all!\n"),
}


@pytest.mark.parametrize("how", sorted(WRONG))
def test_a_wrong_master_key_is_one_sentence_and_harms_nothing(
    config: Config, new_workspace: NewWorkspace, how: str, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """By the commands themselves, also those that write: no traceback, nothing changed, the right key opens all."""
    store = open_store(config)
    admin, _people = prepared(store, new_workspace)
    with store.as_viewer(admin) as mine:
        kept = mine.history.memory.remember("kept")
    before = wrapping(store)
    store.close()
    path = config.home / "master.key"
    right = path.read_text()
    WRONG[how](path)
    monkeypatch.setenv("DOCENT_HOME", str(config.home))
    for command in (
        ["keys", "rotate-master"],
        ["keys", "rotate-workspace"],
        ["trust"],
        ["serve", "--port", "1"],
    ):
        with pytest.raises(SystemExit) as ended:
            main(command)
        said = capsys.readouterr().err.strip()
        assert ended.value.code == 1 and len(said.splitlines()) == 1, (command, said)
        assert "Traceback" not in said and right.strip() not in said
    path.write_text(right)
    path.chmod(0o600)
    again = open_store(config)
    assert wrapping(again) == before
    with again.as_viewer(admin) as mine:
        assert kept.id in [each.id for each in mine.history.memory.all()]
    again.close()


def test_the_environments_key_rotates_while_processes_work_on_it(
    environ: dict[str, str], new_workspace: NewWorkspace, tmp_path: Path
) -> None:
    """As docs/deploy.md says: put the new key in front everywhere, start anew, rotate, then take the old one out."""
    old, new = new_master_key(), new_master_key()
    first = open_store(replace(read_config(environ), master_key=old))
    _admin, people = prepared(first, new_workspace)
    first.close()
    both = environ | {"DOCENT_MASTER_KEY": f"{new},{old}"}
    store = open_store(read_config(both))
    with processes(both, people, tmp_path / "stop") as written:
        assert "can now be taken out" in store.rotate_master_key()
    store.close()
    last = open_store(replace(read_config(environ), master_key=new))
    all_open(last, people, written)
    last.close()
    with pytest.raises(Misconfigured):
        open_store(replace(read_config(environ), master_key=old))
