"""The artifacts of one dbt project, joined: models, sources, metrics, saved queries, exposures, documents and edges.

Enters: the manifest and what else there is, as read from their files. Leaves: records. The text of a test, the message
of a run and the statistics of catalog.json are not looked at: they quote values.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from connectors.dbt_metrics import Measures, asked
from connectors.dbt_tests import NodeTests, Results
from connectors.records import Asset, AssetKind, Column, Lineage, Record, Ref

Node = Mapping[str, Any]
BUILT = ("model", "seed", "snapshot")
DIALECTS = {"spark": "databricks", "sqlserver": "tsql", "fabric": "tsql", "athena": "trino"}


class Project:
    """The artifacts joined: what each stage of the extraction yields."""

    def __init__(
        self, manifest: Mapping[str, Any], catalog: Node, results: Node, freshness: Node | None = None
    ) -> None:
        self._manifest = manifest
        self._typed: dict[str, Node] = {**catalog.get("nodes", {}), **catalog.get("sources", {})}
        self._results = Results(results)
        self._fresh: dict[str, str] = {
            each["unique_id"]: str(each.get("status") or "") for each in (freshness or {}).get("results", ())
        }
        adapter = manifest["metadata"].get("adapter_type")
        self._dialect: str | None = DIALECTS.get(adapter, adapter)
        self._groups: dict[str, Node] = {each["name"]: each for each in manifest.get("groups", {}).values()}
        tests = (*manifest["nodes"].values(), *(manifest.get("unit_tests") or {}).values())
        self._tests = NodeTests(tests, self._results)
        self._semantic: dict[str, list[Node]] = defaultdict(list)
        semantic_models = (manifest.get("semantic_models") or {}).values()
        self._measures = Measures(semantic_models)
        for model in semantic_models:
            for parent in model.get("depends_on", {}).get("nodes", ()):
                self._semantic[parent].append(model)

    def stages(self) -> tuple[Callable[[], Iterator[Record]], ...]:
        """What to yield, parents first and edges last."""
        return (
            self.models,
            self.sources,
            self.metrics,
            self.saved_queries,
            self.exposures,
            self.documents,
            self.edges,
        )

    def models(self) -> Iterator[Record]:
        """Models, seeds and snapshots."""
        for node in self._built():
            facts = {
                "resource_type": node["resource_type"],
                "materialized": node.get("config", {}).get("materialized"),
                "package": node.get("package_name"),
                "path": node.get("original_file_path"),
                "relation": _relation(node),
                "access": node.get("access"),
                "group": _group(node),
                "contract": "enforced" if node.get("contract", {}).get("enforced") else None,
                **self._tests.facts(node["unique_id"]),
                "last_status": self._results.status(node["unique_id"]),
                "version": _version(node),
                "deprecated_from": str(node.get("deprecation_date") or "")[:10],
                "semantic_models": ", ".join(each["name"] for each in self._semantic[node["unique_id"]]),
            }
            yield self._asset("model", node, facts, name=_name(node), definition=_sql(node))

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
            facts = {"label": node.get("label"), "metric_type": node.get("type"), "group": _group(node)}
            yield self._asset("metric", node, facts, definition=self._measures.formula(node), is_sql=False)

    def saved_queries(self) -> Iterator[Record]:
        """Queries of the semantic layer that were saved, and what they are exported to."""
        for node in (self._manifest.get("saved_queries") or {}).values():
            facts = {"label": node.get("label"), "group": _group(node), "asks": asked(node)}
            yield self._asset("query", node, facts)

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
        saved = (manifest.get("saved_queries") or {}).values()
        for node in (
            *saved,
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
        for node in saved:
            for export in node.get("exports") or ():
                to = export.get("config") or {}
                place = Ref(
                    database=to.get("database"),
                    schema=to.get("schema_name"),
                    table=to.get("alias") or export.get("name"),
                )
                yield Lineage(Ref(key=node["unique_id"]), place, "dbt")
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
        is_sql: bool = True,
        url: str | None = None,
    ) -> Asset:
        return Asset(
            kind,
            node["unique_id"],
            name or node["name"],
            description=node.get("description") or None,
            definition=definition,
            owners=self._owners(node),
            tags=_tags(node),
            url=url,
            changed_at=self._results.built_at(node["unique_id"]),
            properties={key: str(value) for key, value in facts.items() if value},
            columns=self._columns(node),
            dialect=self._dialect if definition and is_sql else None,
        )

    def _owners(self, node: Node) -> tuple[str, ...]:
        """Who is named: the exposure's owner, `meta.owner`, the owner of its group; addresses before names."""
        meta = {**(node.get("meta") or {}), **((node.get("config") or {}).get("meta") or {})}
        named = [
            node.get("owner"),
            meta.get("owner"),
            self._groups.get(_group(node) or "", {}).get("owner"),
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
                tags=_tags(told.get(name.lower(), {})),
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


def _name(node: Node) -> str:
    """A model by the name that people call it; versions of one model are told apart as their relations are."""
    version = node.get("version")
    return str(node["name"]) if version is None else f"{node['name']}_v{version}"


def _version(node: Node) -> str:
    """Which version of a model it is, and whether `ref()` without one means it."""
    version = node.get("version")
    if version is None:
        return ""
    latest = node.get("latest_version")
    return f"{version} (latest)" if version == latest else f"{version} (latest is {latest})"


def _group(node: Node) -> str | None:
    return node.get("group") or (node.get("config") or {}).get("group")


def _tags(node: Node) -> tuple[str, ...]:
    """The tags of a node or column; since dbt 1.10 some stand in its config alone, and one may be a text."""
    found: list[str] = []
    for tags in (node.get("tags"), (node.get("config") or {}).get("tags")):
        found += [tags] if isinstance(tags, str) else (tags or [])
    return tuple(dict.fromkeys(found))
