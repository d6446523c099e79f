"""What a model learns of a statement that the engine refused: class, position and names of the catalog.

The names are those that the guard resolved in the statement, so the asker sees each of them, and they are the same
whatever rows there are: nothing of the engine's own text is looked at, since a value in it could be told by its being
there. The position is one in the statement, which the engine gives for its words and not for a row.
"""

from __future__ import annotations

import re

from plugin.run_sql.execute import QueryError, Stopped
from plugin.run_sql.verdict import Verdict

_MOST = 30
_WORD = re.compile(r"[\w$]+")


def with_names(error: QueryError, verdict: Verdict, text: str) -> QueryError:
    """The error with what the statement touches; `text` is what ran. Stopped ones stay as they are."""
    if isinstance(error, Stopped) or not verdict.tables or not error.code:
        return error  # nothing that the engine says of the statement
    columns = verdict.columns[:_MOST]
    more = f" and {len(verdict.columns) - _MOST} more" if len(verdict.columns) > _MOST else ""
    names = (
        f"columns {', '.join(columns)}{more}" if columns else f"tables {', '.join(verdict.tables[:_MOST])}"
    )
    at = _at(error.position, verdict, text)
    safe = f"{error}{f' ({at})' if at else ''}. It reads the {names}"
    return QueryError(safe, full=error.full, position=error.position, code=error.code)


def _at(position: int | None, verdict: Verdict, text: str) -> str:
    """The table or column that stands at a position of the statement, counted from 1; "" where none does."""
    if not position or position > len(text):
        return ""
    for match in _WORD.finditer(text):
        if match.start() <= position - 1 < match.end() or match.start() == position:
            word = match[0].lower()
            for name in (*verdict.columns, *verdict.tables):
                if name.rpartition(".")[2].lower() == word:
                    return name
    return ""
