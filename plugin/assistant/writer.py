"""Turns what a model streams into what a person sees, piece by piece.

`[[sales.orders]]` becomes a numbered citation of something the asker can see (or plain, marked text where they
cannot). A fenced statement is held back until it is complete, parsed and resolved; its `sql` event comes before its
text. Each finished paragraph comes with safe HTML in which unknown names are already marked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from plugin.access.viewer import Viewer
from plugin.assistant.events import Citation, Event, Sql, Text
from plugin.assistant.names import NameBook, as_known, is_table
from plugin.assistant.render import SQL_LANGUAGES, highlight, looks_like_sql, names_in, render
from plugin.tools.arguments import visible
from plugin.tools.check_sql import CheckedSql, check_statement

if TYPE_CHECKING:
    from plugin.store import Store

LONGEST_ANSWER = 60_000
LONGEST_CITATION = 300
_FENCE = re.compile(r"(?:^|\n)[ \t]{0,3}(```+|~~~+)([^\n`]*)\n")
_WORDS = re.compile(r"[^\W\d][\w$]*")
_TAIL = re.compile(r"(\n?[ \t]{0,3}(`{1,}|~{1,})[^\n]{0,40}|\n[ \t]{0,3}|\[)\Z")


class Writer:
    """One answer in the making. `answer`, `citations`, `sql` and `book` hold what came so far."""

    def __init__(self, store: Store, viewer: Viewer) -> None:
        self._store = store
        self._viewer = viewer.as_assistant()
        self.book = NameBook(store, viewer)
        self.answer = ""
        self.citations: list[Citation] = []
        self.sql: list[Sql] = []
        self._raw = ""
        self._rendered = 0
        self._paragraphs = Paragraphs()
        self._defined: set[str] = set()
        self._numbers: dict[str, int] = {}
        self._meant: dict[str, str] = {}
        """The integration that the model named for a statement, by the statement."""
        self._ran: dict[int, str] = {}
        self.too_long = False

    def feed(self, piece: str) -> Iterator[Event]:
        """Take the next piece of the stream; give the events that it completes."""
        if len(self.answer) + len(self._raw) > LONGEST_ANSWER:
            self.too_long = True
            return
        self._raw += visible(piece)
        yield from self._advance(final=False)

    def finish(self) -> Iterator[Event]:
        """The stream is over: give what was held back. A statement that was cut off is shown as it came."""
        yield from self._advance(final=True)
        yield from self._text("", final=True)
        shown = {each.n for each in self.sql}
        for number, sql in self._ran.items():
            if (
                number not in shown
            ):  # what ran is seen, kept and can be run again, though the answer does not quote it
                yield self._checked(sql, number)

    def look_up(self) -> None:
        """Look up every name of the whole answer, so that `book` is complete."""
        self._look_up(self.answer)

    def html(self) -> str:
        """The whole answer as safe HTML."""
        self._look_up(self.answer)
        return render(self.answer, citations=[each.data for each in self.citations], names=self.book.names)

    def ran(self, sql: str) -> int:
        """Number a statement that the assistant ran by itself; the same statement in the text gets the same number."""
        number = self._number(sql)
        self._ran.setdefault(number, sql)
        return number

    def meant(self, sql: str, integration: str) -> None:
        """The model checked or ran `sql` on `integration`: that is where it belongs, whoever else has such a table."""
        self._meant[_key(sql)] = integration

    def _number(self, sql: str) -> int:
        return self._numbers.setdefault(_key(sql), len(self._numbers) + 1)

    def cite(self, name: str) -> tuple[Citation | None, bool]:
        """The citation of this name and whether it is new; None where the asker has no such thing."""
        with self._store.as_viewer(self._viewer) as mine:
            found = self.book.cited(mine, name)
        if found is None:
            return None, False
        for each in self.citations:
            if each.id == found.id:
                return each, False
        made = Citation(
            len(self.citations) + 1, found.id, found.kind, found.qualified_name, _short(found.description)
        )
        self.citations.append(made)
        if is_table(found.kind):
            self.book.met([found.id])
        return made, True

    # --- the stream ------------------------------------------------------------------------------------------------

    def _advance(self, *, final: bool) -> Iterator[Event]:
        while self._raw:
            fence = _FENCE.search(self._raw)
            mark = self._raw.find("[[")
            if fence is not None and (mark < 0 or fence.start() < mark):
                closing = re.compile(rf"\n[ \t]{{0,3}}{re.escape(fence.group(1))}[ \t]*(?=\n|\Z)")
                end = closing.search(self._raw, fence.end() - 1)
                if end is None and not final:
                    yield from self._text(self._take(fence.start()))
                    return
                if end is not None and end.end() == len(self._raw) and not final:
                    return  # the line may go on: wait for its end
                stop = end.start() if end is not None else len(self._raw)
                body = self._raw[fence.end() : max(stop, fence.end())]
                yield from self._text(self._take(fence.start()))
                whole = self._take((end.end() if end is not None else stop) - fence.start())
                yield from self._fenced(fence.group(2), body)
                yield from self._text(whole if end is not None else f"{whole}\n{fence.group(1)}\n")
                continue
            if mark >= 0:
                close = self._raw.find("]]", mark)
                if close < 0:
                    if not final and len(self._raw) - mark < LONGEST_CITATION:
                        yield from self._text(self._take(mark))
                        return
                    yield from self._text(self._take(mark + 2))
                    continue
                yield from self._text(self._take(mark))
                inner = self._take(close + 2 - mark)[2:-2]
                yield from self._cited(inner)
                continue
            held = None if final else _TAIL.search(self._raw)
            yield from self._text(self._take(held.start() if held else len(self._raw)))
            return

    def _take(self, count: int) -> str:
        taken, self._raw = self._raw[:count], self._raw[count:]
        return taken

    def _text(self, text: str, *, final: bool = False) -> Iterator[Event]:
        if not text and not final:
            return
        self.answer += text
        if "\n" in text:
            self._paragraphs.read_on(self.answer)
        html = self._completed(final)
        if text or html:
            yield Text(text, html)

    def _completed(self, final: bool) -> str | None:
        """HTML of the blocks that are complete by now and were not given before."""
        end = len(self.answer) if final else self._paragraphs.end
        block = self.answer[self._rendered : end]
        if not block.strip():
            return None
        self._rendered = end
        self._look_up(block)
        return render(block, citations=[each.data for each in self.citations], names=self.book.names) or None

    def _look_up(self, block: str) -> None:
        self.book.look_up(names_in(block), spoken=block, ignore=frozenset(self._defined))

    def _cited(self, inner: str) -> Iterator[Event]:
        name = inner.strip().strip("`\"'").strip()
        cited, new = self.cite(name) if name and "\n" not in name else (None, False)
        if cited is None:
            plain = name.replace("`", "").replace("[", "").replace("]", "")
            yield from self._text(f"`{plain}`" if plain else "")
            return
        if new:
            yield cited
        yield from self._text(f"[{cited.n}]")

    def _fenced(self, info: str, body: str) -> Iterator[Event]:
        language = info.strip().split(" ")[0].lower()
        if not body.strip() or not (language in SQL_LANGUAGES or (not language and looks_like_sql(body))):
            return
        yield self._checked(body.strip())
        self._defined.update(word.lower() for word in _WORDS.findall(body))

    def _checked(self, sql: str, number: int | None = None) -> Sql:
        """The statement as it is shown, with a number of its own unless it has one."""
        with self._store.as_viewer(self._viewer) as mine:
            checked = check_statement(
                mine,
                sql,
                integration=self._meant.get(_key(sql)),
                near=tuple(each.id for each in self.citations),
            )
        self.book.met(table["id"] for table in checked.tables)
        made = as_event(number or self._number(checked.sql), checked)
        self.sql.append(made)
        return made


def _key(sql: str) -> str:
    """What makes two writings one statement: all but white space and the semicolon at the end."""
    return " ".join(sql.split()).rstrip("; ")


def as_event(n: int, checked: CheckedSql) -> Sql:
    """A checked statement as the page gets it."""
    return Sql(
        n=n,
        sql=checked.sql,
        dialect=checked.dialect,
        integration_id=checked.integration_id,
        integration=checked.integration,
        tables=checked.tables,
        unknown=checked.unknown,
        problems=checked.problems,
        ok=checked.ok,
        html=highlight(checked.sql),
    )


def known_of(citation: Citation) -> dict[str, Any]:
    """A citation as the history keeps it."""
    return {
        "n": citation.n,
        "id": citation.id,
        "kind": citation.kind,
        "qualified_name": citation.qualified_name,
    }


class Paragraphs:
    """Where the last paragraph that is surely complete ends (`end`); never inside a fence.

    Each line is read once: a long list or table has no such end, and an answer that looked for one from its beginning
    at every word spent five seconds on it.
    """

    def __init__(self) -> None:
        self.end = 0
        self._read = 0
        self._fence: str | None = None

    def read_on(self, text: str) -> None:
        """Read the lines that are complete since the last time; `text` is the same text, grown."""
        whole = text.rfind("\n", self._read) + 1
        for line in text[self._read : whole].splitlines(keepends=True):
            self._read += len(line)
            stripped = line.strip()
            mark = stripped[:3] if stripped[:3] in ("```", "~~~") else None
            if mark and self._fence is None:
                self._fence = mark
            elif mark and mark == self._fence and line.endswith("\n"):
                self._fence = None
                self.end = self._read
            elif not stripped and self._fence is None and line.endswith("\n"):
                self.end = self._read


def _short(description: str | None) -> str | None:
    return None if not description else description[:200]


__all__ = ["Writer", "as_event", "as_known", "known_of"]
