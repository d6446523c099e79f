"""dbt Core: what a project says of itself in the artifacts it writes beside its build.

Reads manifest.json, and catalog.json, run_results.json and sources.json where they are, from a folder, over HTTPS (a
signed or public URL), from object storage (s3://, gs://, abfs://), or as they were uploaded. Of run results only
status, time and the number of failures are read; a test's message can quote values and is left alone, as are the
statistics of catalog.json and the newest row that sources.json tells of.

Source: the artifact schemas at https://schemas.getdbt.com (manifest v4 to v12, catalog v1, run-results v1 to v6,
sources v3); what dbt Fusion writes says v12 too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

from connectors.dbt_artifacts import members, parse
from connectors.dbt_project import BUILT, Project, is_of_another
from connectors.dbt_tests import Results
from connectors.errors import BadSettings, UnreachableSource
from connectors.http import LOOPBACK
from connectors.object_storage import SCHEMES, fetch
from connectors.records import Progress, Record, Untold
from connectors.settings import setting
from connectors.shape import well_formed

LARGEST = 512 * 1024 * 1024
SECONDS = 60.0
ARTIFACTS = ("manifest.json", "catalog.json", "run_results.json", "sources.json")


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the artifacts are: a folder, or an https address that they stand under."""

    path: str = setting("Folder", "The project's target folder, with manifest.json in it", default="")
    url: str = setting(
        "Address",
        "That folder in object storage (s3://bucket/target, gs://..., abfs://...) or at an https address",
        default="",
        may_hold_secret=True,
    )
    storage: str | None = setting(
        "Storage options",
        'JSON, for example {"access_key_id": "...", "secret_access_key": "...", "region": "..."};'
        " empty means the credentials of this machine",
        default=None,
        secret=True,
    )
    plain_http: bool = setting(
        "Without TLS",
        "An endpoint in the storage options inside your own network",
        kind="bool",
        default=False,
    )
    uploads: bool = setting(
        "Uploaded",
        "Nothing is read from a folder or an address: a person or a pipeline uploads the artifacts after each run",
        default=False,
        kind="bool",
    )


class Dbt:
    """The artifacts of one dbt project."""

    name: ClassVar[str] = "dbt"
    title: ClassVar[str] = "dbt Core"
    dialect: ClassVar[str | None] = None
    extracts: ClassVar[tuple[str, ...]] = (
        "model",
        "dataset",
        "metric",
        "query",
        "dashboard",
        "document",
        "column",
    )
    extra: ClassVar[str | None] = None
    verified: ClassVar[str] = "real"
    settings: ClassVar[type[Any]] = Settings
    grant_script: ClassVar[str] = (
        "-- No database role is needed: read access to the project's target folder is enough.\n"
    )
    query_grant_script: ClassVar[str] = ""

    def __init__(self, settings: Settings, uploaded: Mapping[str, bytes] | None = None) -> None:
        if [bool(settings.path), bool(settings.url), settings.uploads].count(True) != 1:
            raise BadSettings(
                "give the setting 'path' or the setting 'url', one of the two, or say 'uploads'"
            )
        self._at = settings
        self._uploaded = uploaded

    def check(self) -> str:
        """Name the project and its size. Raises SourceError."""
        if self._at.uploads and self._uploaded is None:
            return "the artifacts come by upload; there is nothing to connect to"
        manifest = self._artifact("manifest.json", required=True)
        facts, nodes = manifest["metadata"], members(manifest, "nodes").values()
        own = [node for node in nodes if not is_of_another(node, facts.get("project_name"))]
        built = [node for node in own if node.get("resource_type") in BUILT]
        said = f"dbt {facts.get('dbt_version', '?')}, project {facts.get('project_name', '?')}, {len(built)} models"
        nothing = _ran_nothing(self._artifact("run_results.json"))
        return f"{said}; {nothing}" if nothing else said

    @well_formed
    def extract(self) -> Iterator[Record]:
        """Models with their columns, sources, metrics, exposures, documents, then every edge. Raises SourceError."""
        manifest = self._artifact("manifest.json", required=True)
        catalog, results, freshness = (self._artifact(name) for name in ARTIFACTS[1:])
        if nothing := _ran_nothing(results):
            yield Untold(nothing)
        project = Project(manifest, catalog, results, freshness)
        stages = project.stages()
        for number, stage in enumerate(stages, start=1):
            yield Progress(getattr(stage, "__name__", ""), number, len(stages))
            yield from stage()

    def _artifact(self, name: str, *, required: bool = False) -> dict[str, Any]:
        text: bytes | None
        if self._at.uploads or self._uploaded is not None:
            text = (self._uploaded or {}).get(name)
            if text is None and required:
                raise UnreachableSource(f"no {name} was uploaded yet")
        elif not self._at.url:
            text = self._read(name, required)
        elif self._at.url.partition("://")[0] in SCHEMES:
            text = self._fetch(name, required)
        else:
            text = self._download(name, required)
        return {} if text is None else parse(name, text)

    def _read(self, name: str, required: bool) -> bytes | None:
        file = Path(self._at.path).expanduser() / name
        try:
            if file.stat().st_size > LARGEST:
                raise BadSettings(f"{name} is larger than {LARGEST // 1024**2} MB")
            return file.read_bytes()
        except FileNotFoundError as error:
            if required:
                raise UnreachableSource(f"there is no {name} in {self._at.path}; run dbt first") from error
            return None
        except OSError as error:
            raise UnreachableSource(f"cannot read {name} in {self._at.path}: {error.strerror}") from error

    def _fetch(self, name: str, required: bool) -> bytes | None:
        found = fetch(self._at.url, name, self._at.storage, largest=LARGEST, plain_http=self._at.plain_http)
        if found is None and required:
            raise UnreachableSource(f"there is no {name} under {self._at.url}; run dbt first")
        return found

    def _download(self, name: str, required: bool) -> bytes | None:
        import httpx

        base, _, query = self._at.url.partition("?")
        try:
            of_url = urlsplit(base)
        except ValueError as error:
            raise BadSettings("the setting 'url' is no address") from error
        if of_url.scheme != "https" and not (of_url.scheme == "http" and of_url.hostname in LOOPBACK):
            raise BadSettings("the setting 'url' must begin with https://")
        address = f"{base.rstrip('/')}/{name}" + (f"?{query}" if query else "")
        content = bytearray()
        try:
            with httpx.stream("GET", address, timeout=SECONDS, follow_redirects=False) as answer:
                if answer.status_code == 404 and not required:
                    return None
                if answer.status_code != 200:
                    raise UnreachableSource(f"the server answered {answer.status_code} for {name}")
                for part in answer.iter_bytes():
                    content += part
                    if len(content) > LARGEST:
                        raise BadSettings(f"{name} is larger than {LARGEST // 1024**2} MB")
        except httpx.HTTPError as error:
            raise UnreachableSource(f"no answer for {name}: {type(error).__name__}") from error
        return bytes(content)


def _ran_nothing(results: Mapping[str, Any]) -> str:
    """What to say of run results that tell of no run: empty where they do."""
    which = Results(results).ran_nothing
    return f"run_results.json is of dbt {which}, which runs nothing: no test or run is told" if which else ""
