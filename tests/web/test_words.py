"""Words that pages make: SQL with its keywords marked, the steps of an answer in one line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from plugin.store.shapes import Resource
from plugin.tools.fragments import fragment
from web.messages import Message
from web.words import sql_html


def test_only_words_of_sql_are_marked_as_such() -> None:
    made = str(sql_html("SELECT day, user, type FROM a.b AS result ORDER BY day DESC"))
    for word in ("SELECT", "FROM", "AS", "ORDER", "BY", "DESC"):
        assert f"<b>{word}</b>" in made
    for name in ("day", "user", "type", "result"):
        assert f"<b>{name}</b>" not in made and name in made


@pytest.mark.parametrize("tool", ["browse", "count", "changes", "frequent_queries", "remember"])
def test_a_step_is_told_as_something_done_not_by_its_tools_name(tool: str) -> None:
    said = Message(1, 1, "?", "done", (), steps=({"n": 1, "tool": tool},)).summary
    assert said.split()[0].endswith("d") or said.startswith("Read"), said
    assert "_" not in said


def test_synced_is_when_its_source_was_read_not_when_it_was_last_written() -> None:
    written = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    read = written + timedelta(days=5)
    kept = Resource(
        id=1, kind="table", name="t", qualified_name="s.t", integration="w", integration_id=1, synced_at=written,
        last_sync_at=read,
    )  # fmt: skip
    assert fragment(kept, full=True).fields["synced_at"] == "2026-01-07 03:04"
