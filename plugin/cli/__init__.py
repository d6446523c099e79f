"""The command line: `docent`. Its commands are the contract with scripts; each lives in the file its name says.

What enters: argv, stdin and the environment (read once, in `plugin.config`). What leaves: results on stdout, words for
people on stderr, and an exit code: 0 done, 1 failed, 2 wrong usage, 3 refused by policy. With `--json` exactly one JSON
document (or one object a line) stands on stdout. Modules are imported when their command runs, so that `--help` and
`docent redact` do not pay for a database.

Commands that need the web (`serve`) are found through the entry-point group `docent.commands`, since this package
never imports `web`.
"""

from __future__ import annotations

import atexit
import gc
import io
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from plugin.cli.session import Session
from plugin.cli.terminal import echo
from plugin.errors import DocentError

COMMANDS = {
    "ask": "plugin.cli.ask:ask",
    "audit": "plugin.cli.chains:audit",
    "connectors": "plugin.cli.sources:connectors",
    "demo": "plugin.cli.start:demo",
    "drift": "plugin.cli.catalog:drift",
    "eval": "plugin.cli.evaluate:evaluate",
    "extract": "plugin.cli.sources:extract",
    "import": "plugin.cli.sources:import_file",
    "init": "plugin.cli.start:init",
    "integration": "plugin.cli.sources:integration",
    "keys": "plugin.cli.keys:keys",
    "ledger": "plugin.cli.chains:ledger",
    "lineage": "plugin.cli.lineage:lineage",
    "mcp": "plugin.cli.mcp:mcp",
    "member": "plugin.cli.people:member",
    "migrate": "plugin.cli.start:migrate",
    "push": "plugin.cli.push:push",
    "properties": "plugin.cli.properties:properties",
    "query-permission": "plugin.cli.people:query_permission",
    "redact": "plugin.cli.redact:redact",
    "search": "plugin.cli.catalog:search",
    "settings": "plugin.cli.settings:settings",
    "show": "plugin.cli.catalog:show",
    "sql": "plugin.cli.sql:sql",
    "sync": "plugin.cli.sources:sync",
    "team": "plugin.cli.people:team",
    "token": "plugin.cli.people:token",
    "trust": "plugin.cli.trust:trust",
    "verify": "plugin.cli.trust:verify",
    "worker": "plugin.cli.start:worker",
    "workspace": "plugin.cli.start:workspace",
}


class Commands(click.Group):
    """The group of all commands, each imported only when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every name, ours and those that other distributions add."""
        from importlib.metadata import entry_points

        return sorted({*COMMANDS, *(entry.name for entry in entry_points(group="docent.commands"))})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command; None where there is none of that name."""
        if cmd_name in COMMANDS:
            module, _, name = COMMANDS[cmd_name].partition(":")
            command: click.Command = getattr(import_module(module), name)
            return command
        from importlib.metadata import entry_points

        for entry in entry_points(group="docent.commands", name=cmd_name):
            found: click.Command = entry.load()
            return found
        return None


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option(
    "--workspace",
    metavar="SLUG",
    help="The workspace to act on (default: the only one, or DOCENT_WORKSPACE).",
)
@click.option("--as", "as_email", metavar="EMAIL", help="The member to act as (default: the first admin).")
@click.version_option(package_name="docent", prog_name="docent")
@click.pass_context
def cli(ctx: click.Context, workspace: str | None, as_email: str | None) -> None:
    """Ask what data you have, what it means, who owns it and how to query it, from metadata alone."""
    ctx.obj = Session(workspace=workspace or os.environ.get("DOCENT_WORKSPACE"), as_email=as_email)
    ctx.call_on_close(ctx.obj.close)


def _look_no_more() -> None:
    """Leave out the last look for cycles: through all that goes with the process anyhow, a tenth of a large sync.

    Not beside DuckDB, whose binding prints sixty lines about leaks where its types are not looked through.
    """
    if "_duckdb" not in sys.modules:
        gc.freeze()


def main(argv: list[str] | None = None) -> Any:
    """Run the command line and exit. No traceback reaches a person: this is the one place that catches everything."""
    os.umask(0o077)  # what we write (database, keys, jobs, exports) is its owner's alone
    # Looking for cycles every 700 objects costs a sixth of a command's start and finds none there.
    gc.set_threshold(50_000, 20, 20)
    atexit.register(_look_no_more)
    if sys.stdin is None:  # closed by whoever started us: nothing comes in, and what goes out goes nowhere
        sys.stdin = Path(os.devnull).open(encoding="utf-8")
    if sys.stdout is None:
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")
    if isinstance(sys.stdout, io.TextIOWrapper):
        # JSON is UTF-8 whatever the locale; half a pair of UTF-16 leaves as the escape that JSON has for it.
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        code = cli.main(args=argv, prog_name="docent", standalone_mode=False)
        sys.stdout.flush()
        sys.exit(code if isinstance(code, int) else 0)
    except SystemExit as leaving:
        # click ends with 1 where the reader of our output has gone (`docent search x --json | head -1`).
        sys.exit(0 if type(sys.stdout).__name__.endswith("PacifyFlushWrapper") else leaving.code)
    except click.exceptions.Abort:
        echo("Stopped.", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except DocentError as error:
        echo(f"docent: {error}", err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # Whoever read our output has gone (`docent search x | head`): that is no failure of ours.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except UnicodeError:  # bytes of argv or an escape in JSON that no database and no wire can hold
        echo("docent: there is text in what was given that is not UTF-8", err=True)
        given = "".join(sys.argv if argv is None else argv)
        sys.exit(2 if any("\ud800" <= letter <= "\udfff" for letter in given) else 1)
    except Exception as error:  # noqa: BLE001  the edge: an error's text may quote values, so only its class is shown
        from plugin.cli.session import where

        echo(f"docent: unexpected {type(error).__name__} at {where(error)}; please report it", err=True)
        sys.exit(1)
