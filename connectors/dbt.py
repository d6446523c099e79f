"""dbt Core: what a project says of itself in the artifacts it writes beside its build.

Reads manifest.json, and catalog.json, run_results.json and sources.json where they are, from a folder, over HTTPS (a
signed or public URL), from object storage (s3://, gs://, abfs://), or as they were uploaded. Of run results only
status, time and the number of failures are read; a test's message can quote values and is left alone, as are the
statistics of catalog.json and the newest row that sources.json tells of.

Source: the artifact schemas at https://schemas.getdbt.com (manifest v4 to v12, catalog v1, run-results v1 to v6,
sources v3); what dbt Fusion writes says v12 too.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from connectors.dbt_tests import NodeTests
from connectors.errors import BadSettings, SourceInterrupted, UnreachableSource
from connectors.object_storage import SCHEMES, fetch
from connectors.records import Asset, AssetKind, Column, Lineage, Progress, Record, Ref
from connectors.settings import setting
from connectors.shape import well_formed

Node = Mapping[str, Any]
BUILT = ("model", "seed", "snapshot")
DIALECTS = {"spark": "databricks", "sqlserver": "tsql", "fabric": "tsql", "athena": "trino"}
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
    extracts: ClassVar[tuple[str, ...]] = ("model", "dataset", "metric", "dashboard", "document", "column")
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
        facts, built = (
            manifest["metadata"],
            [n for n in manifest["nodes"].values() if n["resource_type"] in BUILT],
        )
        return f"dbt {facts.get('dbt_version', '?')}, project {facts.get('project_name', '?')}, {len(built)} models"

    @well_formed
    def extract(self) -> Iterator[Record]:
        """Models with their columns, sources, metrics, exposures, documents, then every edge. Raises SourceError."""
        manifest = self._artifact("manifest.json", required=True)
        project = Project(manifest, *(self._artifact(name) for name in ARTIFACTS[1:]))
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
        if text is None:
            return {}
        try:
            found: Any = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise SourceInterrupted(
                f"{name} is not complete JSON; dbt may be writing it, try again"
            ) from error
        if not isinstance(found, dict) or (required and not {"nodes", "sources", "metadata"} <= found.keys()):
            raise BadSettings(f"{name} is not an artifact of dbt")
        return found

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
        if not base.startswith(("https://", "http://127.0.0.1", "http://localhost")):
            raise BadSettings("the setting 'url' must begin with https://")
        address = f"{base.rstrip('/')}/{name}" + (f"?{query}" if query else "")
        try:
            answer = httpx.get(address, timeout=SECONDS, follow_redirects=False)
        except httpx.HTTPError as error:
            raise UnreachableSource(f"no answer for {name}: {type(error).__name__}") from error
        if answer.status_code == 404 and not required:
            return None
        if answer.status_code != 200:
            raise UnreachableSource(f"the server answered {answer.status_code} for {name}")
        return answer.content


class Project:
    """The artifacts joined: what each stage of the extraction yields."""

    def __init__(
        self, manifest: Mapping[str, Any], catalog: Node, results: Node, freshness: Node | None = None
    ) -> None:
        self._manifest = manifest
        self._typed: dict[str, Node] = {**catalog.get("nodes", {}), **catalog.get("sources", {})}
        self._results: dict[str, Node] = {each["unique_id"]: each for each in results.get("results", ())}
        self._fresh: dict[str, str] = {
            each["unique_id"]: str(each.get("status") or "") for each in (freshness or {}).get("results", ())
        }
        self._ran_at = _moment(results.get("metadata", {}).get("generated_at"))
        adapter = manifest["metadata"].get("adapter_type")
        self._dialect: str | None = DIALECTS.get(adapter, adapter)
        self._groups: dict[str, Node] = {each["name"]: each for each in manifest.get("groups", {}).values()}
        self._tests = NodeTests(manifest["nodes"].values(), self._results)
        self._semantic: dict[str, list[Node]] = defaultdict(list)
        for model in manifest.get("semantic_models", {}).values():
            for parent in model.get("depends_on", {}).get("nodes", ()):
                self._semantic[parent].append(model)

    def stages(self) -> tuple[Callable[[], Iterator[Record]], ...]:
        """What to yield, parents first and edges last."""
        return (self.models, self.sources, self.metrics, self.exposures, self.documents, self.edges)

    def models(self) -> Iterator[Record]:
        """Models, seeds and snapshots."""
        for node in self._built():
            run = self._results.get(node["unique_id"], {})
            facts = {
                "resource_type": node["resource_type"],
                "materialized": node.get("config", {}).get("materialized"),
                "package": node.get("package_name"),
                "path": node.get("original_file_path"),
                "relation": _relation(node),
                "access": node.get("access"),
                "group": node.get("group"),
                "contract": "enforced" if node.get("contract", {}).get("enforced") else None,
                **self._tests.facts(node["unique_id"]),
                "last_status": run.get("status"),
                "semantic_models": ", ".join(each["name"] for each in self._semantic[node["unique_id"]]),
            }
            yield self._asset("model", node, facts, definition=_sql(node))

    def sources(self) -> Iterator[Record]:
        """Tables that the project reads and does not make."""
        for node in self._manifest["sources"].values():
            facts = {
                "source": node.get("source_name"),
                "relation": _relation(node),
                "loader": node.get("loader"),
                "source_description": node.get("source_description"),
                **self._tests.facts(node["unique_id"]),
                "freshness": self._fresh.get(node["unique_id"]),
            }
            yield self._asset("dataset", node, facts, name=f"{node.get('source_name')}.{node['name']}")

    def metrics(self) -> Iterator[Record]:
        """Metrics of the semantic layer."""
        for node in self._manifest.get("metrics", {}).values():
            yield self._asset("metric", node, {"label": node.get("label"), "metric_type": node.get("type")})

    def exposures(self) -> Iterator[Record]:
        """What uses the project: dashboards, notebooks, applications."""
        for node in self._manifest.get("exposures", {}).values():
            facts = {
                "exposure_type": node.get("type"),
                "maturity": node.get("maturity"),
                "label": node.get("label"),
            }
            yield self._asset("dashboard", node, facts, url=node.get("url"))

    def documents(self) -> Iterator[Record]:
        """Doc blocks of the project itself, not those of dbt's own package."""
        for block in self._manifest.get("docs", {}).values():
            if block.get("package_name") != "dbt":
                yield Asset(
                    "document",
                    block["unique_id"],
                    block["name"],
                    definition=block.get("block_contents") or None,
                )

    def edges(self) -> Iterator[Record]:
        """ref() and source(), and from each node to the relation it builds or is."""
        manifest = self._manifest
        known = {node["unique_id"] for node in self._built()} | manifest["sources"].keys()
        semantic = manifest.get("semantic_models", {})
        known |= manifest.get("metrics", {}).keys()
        for node in (
            *self._built(),
            *manifest.get("exposures", {}).values(),
            *manifest.get("metrics", {}).values(),
        ):
            parents: list[str] = []
            for parent in node.get("depends_on", {}).get("nodes", ()):
                parents += semantic[parent]["depends_on"]["nodes"] if parent in semantic else [parent]
            for parent in dict.fromkeys(parents):
                if parent in known and parent != node["unique_id"]:
                    yield Lineage(Ref(key=parent), Ref(key=node["unique_id"]), "dbt")
        for node in self._built():
            if node.get("config", {}).get("materialized") != "ephemeral":
                yield Lineage(Ref(key=node["unique_id"]), _table(node), "dbt")
        for node in manifest["sources"].values():
            yield Lineage(_table(node), Ref(key=node["unique_id"]), "dbt")

    def _built(self) -> Iterator[Node]:
        return (node for node in self._manifest["nodes"].values() if node["resource_type"] in BUILT)

    def _asset(
        self,
        kind: AssetKind,
        node: Node,
        facts: Mapping[str, Any],
        *,
        name: str | None = None,
        definition: str | None = None,
        url: str | None = None,
    ) -> Asset:
        return Asset(
            kind,
            node["unique_id"],
            name or node["name"],
            description=node.get("description") or None,
            definition=definition,
            owners=self._owners(node),
            tags=tuple(node.get("tags") or ()),
            url=url,
            changed_at=self._ran_at if node["unique_id"] in self._results else None,
            properties={key: str(value) for key, value in facts.items() if value},
            columns=self._columns(node),
            dialect=self._dialect if definition else None,
        )

    def _owners(self, node: Node) -> tuple[str, ...]:
        """Who is named: the exposure's owner, `meta.owner`, the owner of its group; addresses before names."""
        meta = {**(node.get("meta") or {}), **((node.get("config") or {}).get("meta") or {})}
        named = [
            node.get("owner"),
            meta.get("owner"),
            self._groups.get(node.get("group") or "", {}).get("owner"),
        ]
        found: list[str] = []
        for owner in named:
            for each in owner if isinstance(owner, list) else [owner]:
                text = (each.get("email") or each.get("name")) if isinstance(each, dict) else each
                found += [text] if isinstance(text, str) and text else []
        return tuple(dict.fromkeys(found))

    def _columns(self, node: Node) -> tuple[Column, ...]:
        """Columns as documented, with types and order from catalog.json where it has them."""
        told: Mapping[str, Node] = {name.lower(): each for name, each in (node.get("columns") or {}).items()}
        typed = self._typed.get(node["unique_id"], {}).get("columns", {})
        names = [name for name, _ in sorted(typed.items(), key=lambda item: item[1].get("index") or 0)]
        names += [
            each["name"] for lower, each in told.items() if lower not in {name.lower() for name in names}
        ]
        return tuple(
            Column(
                name,
                position,
                str(typed.get(name, {}).get("type") or told.get(name.lower(), {}).get("data_type") or ""),
                description=told.get(name.lower(), {}).get("description") or None,
                tags=tuple(told.get(name.lower(), {}).get("tags") or ()),
            )
            for position, name in enumerate(names, start=1)
        )


def _sql(node: Node) -> str | None:
    """What a model or a seed is made by; named otherwise before manifest v7."""
    found = (node.get(name) for name in ("compiled_code", "compiled_sql", "raw_code", "raw_sql"))
    return next((str(text) for text in found if text), None)


def _table(node: Node) -> Ref:
    """The relation in the warehouse that a node builds, or that a source is."""
    name = node.get("identifier") or node.get("alias") or node["name"]
    return Ref(database=node.get("database"), schema=node.get("schema"), table=name)


def _relation(node: Node) -> str:
    """The same as text, for reading."""
    ref = _table(node)
    return ".".join(part for part in (ref.database, ref.schema, ref.table) if part)


def _moment(text: str | None) -> datetime | None:
    """An artifact's time, which dbt writes in UTC."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
