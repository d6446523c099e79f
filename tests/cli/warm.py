"""`docent` in a process of its own, forked from one that has imported the house: a run costs its work, not its imports.

Stdin, stdout, stderr, argv, the environment and the exit code are those of a process that a shell starts, and it ends as
one does. What is decided before the first import (PYTHONIOENCODING, a stream that is closed) needs a real start, and so
does what the imports themselves are asked about: tests/test_readme.py starts each command of README for real.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path


@dataclass
class Warm:
    """The process that forks, and a folder for what goes in and comes out."""

    server: subprocess.Popen[str]
    folder: Path

    def run(
        self, words: Sequence[str], env: Mapping[str, str], stdin: str
    ) -> subprocess.CompletedProcess[str]:
        """One command, as `subprocess.run` would give it."""
        streams = [self.folder / name for name in ("stdin", "stdout", "stderr")]
        streams[0].write_text(stdin, "utf-8")
        assert self.server.stdin is not None and self.server.stdout is not None
        print(
            json.dumps([list(words), dict(env), list(map(str, streams))]), file=self.server.stdin, flush=True
        )
        code = int(self.server.stdout.readline())
        return subprocess.CompletedProcess(
            list(words), code, streams[1].read_text("utf-8"), streams[2].read_text("utf-8")
        )


@contextmanager
def warm(folder: Path) -> Iterator[Warm]:
    """It, until the block ends. Its environment is each command's own; only PYTHON's words are read at its start."""
    start = [sys.executable, "-c", f"from {__name__} import serve; serve()"]
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen(
        start, cwd=root, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as server:  # its end is that of its stdin
        yield Warm(server, folder)


def serve() -> None:
    """A line in, a fork, its exit code out. Returns in the fork only by the exit of `docent` itself."""
    from sqlalchemy.orm import configure_mappers

    from plugin.cli import COMMANDS, main

    commands = {command.partition(":")[0] for command in COMMANDS.values()}
    for module in (*commands, "plugin.store", "plugin.catalog.sync", "plugin.assistant", "plugin.tools"):
        import_module(module)
    configure_mappers()
    gc.freeze()  # what is here at the fork is no garbage at its end
    for line in sys.stdin:
        words, env, streams = json.loads(line)
        if child := os.fork():
            print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
            continue
        for number, (path, mode) in enumerate(zip(streams, ("r", "w", "w"), strict=True)):
            with Path(path).open(mode) as stream:
                os.dup2(stream.fileno(), number)
        sys.stdin, sys.stdout = os.fdopen(0, encoding="utf-8"), os.fdopen(1, "w")
        os.environ.clear()
        os.environ.update(env)
        sys.argv = ["docent", *words]
        main()
