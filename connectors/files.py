"""Settings of databases that are a file, and the file they lead to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from connectors.errors import BadSettings, UnreachableSource
from connectors.settings import setting
from connectors.urls import parse_url


@dataclass(frozen=True, slots=True)
class FileSettings:
    """Which file to read, and what of it."""

    url: str = setting(
        "URL",
        "For example sqlite:////data/shop.db or duckdb:///warehouse.duckdb",
        default="",
        may_hold_secret=True,
    )
    path: str = setting("File", "Path of the database file, instead of a URL", default="")
    schemas: tuple[str, ...] = setting(
        "Only these schemas", "Names or patterns such as main, stage_*, main.ev_*", default=(), kind="list"
    )
    exclude: tuple[str, ...] = setting(
        "Leave out", "Schemas (tmp_*) or tables (*.old_*, main.scratch)", default=(), kind="list"
    )


def file_of(settings: FileSettings, schemes: tuple[str, ...]) -> Path:
    """The file that `settings` name. Raises BadSettings where they name none."""
    path = settings.path
    if settings.url:
        url = parse_url(settings.url, schemes)
        if url.host:
            raise BadSettings(
                f"the setting 'url' needs three slashes: {schemes[0]}:///relative or ////absolute"
            )
        path = url.path
    if not path or path == ":memory:":
        raise BadSettings("the setting 'url' (or 'path') must name a file")
    return Path(path).expanduser()


def must_exist(path: Path, engine: str) -> None:
    """Raises UnreachableSource where there is no such file, rather than letting an engine make one.

    A file without a byte is a copy that failed: SQLite would take it for a database whose tables are all gone.
    """
    if path.is_dir():
        raise UnreachableSource(f"{str(path)!r} is a folder; name the {engine} file in it")
    if not path.is_file():
        raise UnreachableSource(f"there is no {engine} file at {str(path)!r}")
    if not path.stat().st_size:
        raise UnreachableSource(f"the file {str(path)!r} is empty; it is no {engine} database yet")
