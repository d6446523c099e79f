"""Logs: JSON lines on stderr that hold no prompt text, no SQL literal, no secret and no value at any level.

The formatter prints a message's template and a short list of known fields. An exception is printed as its class and
place, never as its text, since drivers quote values in theirs.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

FIELDS = (
    "workspace_id",
    "member_id",
    "integration_id",
    "sync_id",
    "prompt_id",
    "reason",
    "route",
    "method",
    "status",
    "milliseconds",
    "provider",
    "request_id",
)


class JsonFormatter(logging.Formatter):
    """One JSON object a record, from the template and the known fields only; arguments are never formatted in."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": str(record.msg) if record.name.startswith("docent") else "message of a library",
        }
        for name in FIELDS:
            value = getattr(record, name, None)
            if isinstance(value, str | int | float):
                line[name] = value
        if record.exc_info and record.exc_info[0] is not None:
            frames = traceback.extract_tb(record.exc_info[2])
            line["error"] = record.exc_info[0].__name__
            line["at"] = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames[-4:]]
        return json.dumps(line)


class _Stderr(logging.StreamHandler[TextIO]):
    """Writes to what is stderr at that moment: whoever replaced it and put it back leaves no closed one behind."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        return sys.stderr


def log_as_json(level: str) -> None:
    """Send every logger's records to stderr as JSON lines from `level` on. Libraries are heard from warnings up."""
    handler = _Stderr()
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("docent").setLevel(level.upper())
