"""Lines and a progress bar for a person. Names come from sources that others write to; a terminal obeys them.

A table may have an escape sequence in its name, which clears the screen, hides the line above or sets the title of the
window. Where the output is a terminal such signs are shown, not sent; a file or a pipe gets them as click writes them.
"""

from __future__ import annotations

import re
import sys
from typing import Any

import click

OBEYED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]|\r(?!\n)")
"""Control characters but tab and the end of a line, and those that turn the direction of writing."""


def echo(text: object = "", *, err: bool = False, nl: bool = True) -> None:
    """Print a line on stdout, or with `err` on stderr."""
    said = str(text)
    if (sys.stderr if err else sys.stdout).isatty():
        said = OBEYED.sub(lambda found: f"\\x{ord(found[0]):02x}", said)
    click.echo(said, err=err, nl=nl)


class bar:
    """A progress bar on a terminal; nothing where stderr is a pipe or `quiet` is set."""

    def __init__(self, title: str, *, quiet: bool) -> None:
        self._title = title
        self._shown = sys.stderr.isatty() and not quiet
        self._bar: Any = None

    def __enter__(self) -> Any:
        if self._shown:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
            )
            self._bar = Progress(*columns, console=Console(stderr=True))
            self._bar.start()
            self._task = self._bar.add_task(self._title, total=None)
        return self.report

    def report(self, stage: str, done: int, total: int | None = None) -> None:
        """Called by whatever runs: which stage, how far, of how much (None where unknown)."""
        if self._bar is not None:
            self._bar.update(self._task, description=f"{self._title}: {stage}", completed=done, total=total)

    def __exit__(self, *exc: object) -> None:
        if self._bar is not None:
            self._bar.stop()
