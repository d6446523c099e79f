"""Credentials, card and health numbers are flagged when people save them, when a sync brings them, and on an import."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest

from plugin.access.viewer import Viewer
from plugin.catalog.sync import add_integration, sync
from plugin.catalog.sync.imports import import_path
from plugin.store import Store
from plugin.store._flags import kinds_in, worth_a_look
from tests.egress.corpus import cases

KEY = "AKIA" + "Q3EGZLH7" + "W2KXNPV5"
CARD = "4111 1111 " + "1111 1111"


@pytest.mark.parametrize("seed", range(3))
def test_the_quick_look_misses_nothing_that_the_full_one_finds(seed: int) -> None:
    texts = [case.text for case in cases(seed)]
    found = [text for text in texts if kinds_in(text)]
    assert len(found) > 300
    assert [text for text in found if not worth_a_look(text)] == []


@pytest.mark.parametrize(
    "text",
    ["Passwort lautet\n{}", "mot de passe\nest {}", "identified by {}", "--password {} --table orders", "a senha é {}",
     "login\netl / {}", "{} is the password", "use {} as password", "|password|\n|---|\n|{}|", "the token is\n{}",
     "mysql\N{NO-BREAK SPACE}-u\N{NO-BREAK SPACE}root\N{NO-BREAK SPACE}-p{}", "MRN\n79570", "security code\n943",
     "MBI\n1EG4TE5MK73", "private key\nkx{}#SfKCf"],
)  # fmt: skip
def test_nor_where_a_line_ends_between_word_and_value_or_the_value_comes_first(text: str) -> None:
    said = text.format("u14c3Zt7&q")
    assert kinds_in(said)
    assert worth_a_look(said)


@pytest.mark.parametrize(
    "text",
    ["Orders per day and customer", "Net amount in the order's currency, see the finance wiki", "Primary key",
     "customer identifier", "when the parcel left the warehouse"],
)  # fmt: skip
def test_most_descriptions_need_no_full_look(text: str) -> None:
    assert not worth_a_look(text)


def told(store: Store, admin: Viewer) -> list[dict[str, object]]:
    with store.as_viewer(admin) as mine:
        return [dict(each.facts) for each in mine.me.notices.all() if each.kind == "sensitive_import"]


def test_an_import_is_flagged_once_with_kinds_and_never_the_value(
    any_store: Store, any_admin: Viewer, tmp_path: Path
) -> None:
    lines = [
        {"entity_type": "table", "databuilder_id": "t", "schema": "sales", "database": "lake", "title": "orders",
         "description": "Orders per day",
         "columns": [{"name": "id", "type": "int", "description": f"paid by {CARD}"}, {"name": "n", "type": "int"}]},
        {"entity_type": "term", "databuilder_id": "w", "title": "Loader", "definition": f"signs in with {KEY}"},
    ]  # fmt: skip
    path = tmp_path / "c.jsonl"
    path.write_text("\n".join(json.dumps(each) for each in lines))
    import_path(any_store, any_admin, str(path), integration="custom")
    (facts,) = told(any_store, any_admin)
    assert (facts["count"], facts["kinds"]) == (2, "aws access key, credit card")
    with any_store.as_admin(any_admin) as door:
        audited = str(door.audit.entries(action="content.flagged").items)
    # Not four digits of the card: the hashes of the log's chain have any four now and then.
    assert KEY not in audited and CARD not in audited and "credit_card" in audited
    assert CARD.replace(" ", "")[:8] not in audited
    import_path(any_store, any_admin, str(path), integration="custom")
    assert len(told(any_store, any_admin)) == 1, "what did not change is not told again"


def test_a_sync_is_flagged(store: Store, admin: Viewer, tmp_path: Path) -> None:
    pytest.importorskip("duckdb")
    import duckdb

    path = tmp_path / "w.duckdb"
    with closing(duckdb.connect(str(path))) as connection:
        connection.execute("create table t (a int)")
        connection.execute(f"comment on table t is 'the loader uses {KEY}'")
    url = {"url": f"duckdb:///{path}"}
    made = add_integration(store, admin, "w", "duckdb", settings=url, secrets={}, query=None)
    done = sync(store, admin, made.id)
    assert done.status == "done"
    (facts,) = told(store, admin)
    assert facts["integration"] == made.id and facts["kinds"] == "aws access key"
