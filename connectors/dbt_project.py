"""The artifacts of one dbt project, joined: models, sources, metrics, saved queries, exposures, documents and edges.

Enters: the manifest and what else there is, as read from their files (without nulls). Leaves: records, or
SourceInterrupted that names the node which is written otherwise than dbt writes it. The text of a test, the message of
a run and the statistics of catalog.json are not looked at: they quote values.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from connectors.dbt_artifacts import members, objects, read_at
from connectors.dbt_metrics import Measures, asked
from connectors.dbt_tests import NodeTests, Results
from connectors.records import Asset, AssetKind, Column, Lineage, Record, Ref

Node = Mapping[str, Any]
BUILT = ("model", "seed", "snapshot")
MOST = 20
"""Constraints, or lines of meta, of one model."""
LONGEST_META = 200
_NEVER_NULL = {"not_null", "primary_key"}
DIALECTS = {"spark": "databricks", "sqlserver": "tsql", "fabric": "tsql", "athena": "trino"}


class Project:
    """The artifacts joined: what each stage of the extraction yields."""

    def __init__(
        self, manifest: Mapping[str, Any], catalog: Node, results: Node, freshness: Node | None = None
    ) -> None:
        """`freshness` is sources.json; an artifact that is not there is an empty mapping."""
        nodes = members(manifest, "nodes")
        project = members(manifest, "metadata", within=False).get("project_name")
        own = {name: node for name, node in nodes.items() if not is_of_another(node, project)}
        self._built = {name: node for name, node in own.items() if node.get("resource_type") in BUILT}
        self._sources = members(manifest, "sources")
        self._metrics = members(manifest, "metrics")
        self._saved = members(manifest, "saved_queries")
        self._exposures = members(manifest, "exposures")
        self._documents = members(manifest, "docs")
        self._semantic = members(manifest, "semantic_models")
        self._typed = {**members(catalog, "nodes"), **members(catalog, "sources")}
        self._results = Results(results)
        self._fresh = {
            each.get("unique_id"): str(each.get("status") or "")
            for each in objects((freshness or {}).get("results"))
        }
        adapter = members(manifest, "metadata", within=False).get("adapter_type")
        self._dialect: str | None = DIALECTS.get(adapter, adapter) if isinstance(adapter, str) else None
        self._all_groups = members(manifest, "groups")
        self._groups = {each.get("name"): each for each in self._all_groups.values()}
        self._tests = NodeTests({**nodes, **members(manifest, "unit_tests")}, self._results)
        self._borrowed = self._of_another(nodes, own)
        """Models of another project that this one reads."""
        self._measures = Measures(self._semantic.values())
        self._measured: dict[str, list[str]] = defaultdict(list)
        for name, model in self._semantic.items():
            with read_at(name):
                for parent in _parents(model):
                    self._measured[parent].append(str(model["name"]))

    def _of_another(self, nodes: Mapping[str, Node], own: Mapping[str, Node]) -> dict[str, Node]:
        read: set[str] = set()
        for each in (own, self._exposures, self._metrics, self._saved, self._semantic):
            for name, node in each.items():
                with read_at(name):
                    read.update(_parents(node))
        return {name: node for name, node in nodes.items() if name in read and name not in own}

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
        yield from _each(self._built, self._model)

    def sources(self) -> Iterator[Record]:
        """Tables that the project reads and does not make: another project's models among them."""
        yield from _each(self._sources, self._source)
        yield from _each(self._borrowed, self._borrow)

    def metrics(self) -> Iterator[Record]:
        """Metrics of the semantic layer."""
        yield from _each(self._metrics, self._metric)

    def saved_queries(self) -> Iterator[Record]:
        """Queries of the semantic layer that were saved, and what they are exported to."""
        yield from _each(self._saved, self._saved_query)

    def exposures(self) -> Iterator[Record]:
        """What uses the project: dashboards, notebooks, applications."""
        yield from _each(self._exposures, self._exposure)

    def documents(self) -> Iterator[Record]:
        """Doc blocks of the project itself, not those of dbt's own package, and its groups."""
        own = {name: each for name, each in self._documents.items() if each.get("package_name") != "dbt"}
        yield from _each(own, _document)
        yield from _each(self._all_groups, self._told_group)

    def edges(self) -> Iterator[Record]:
        """ref() and source(), and from each node to the relation it builds or is."""
        known = self._built.keys() | self._sources.keys() | self._metrics.keys() | self._borrowed.keys()
        for name, node in {**self._saved, **self._built, **self._exposures, **self._metrics}.items():
            with read_at(name):
                parents: list[str] = []
                for parent in _parents(node):
                    parents += _parents(self._semantic[parent]) if parent in self._semantic else [parent]
                found = [each for each in dict.fromkeys(parents) if each in known and each != name]
            for parent in found:
                yield Lineage(Ref(key=parent), Ref(key=name), "dbt")
        for name, node in self._built.items():
            if _is_stored(node):
                with read_at(name):
                    table = _table(node)
                yield Lineage(Ref(key=name), table, "dbt")
        for name, node in self._saved.items():
            for export in objects(node.get("exports")):
                to = export.get("config") or {}
                place = Ref(
                    database=to.get("database"),
                    schema=to.get("schema_name"),
                    table=to.get("alias") or export.get("name"),
                )
                yield Lineage(Ref(key=name), place, "dbt")
        for name, node in {**self._sources, **self._borrowed}.items():
            with read_at(name):
                table = _table(node)
            yield Lineage(table, Ref(key=name), "dbt")

    def _model(self, name: str, node: Node) -> Asset:
        facts = {
            "resource_type": node["resource_type"],
            "materialized": node.get("config", {}).get("materialized"),
            "package": node.get("package_name"),
            "path": node.get("original_file_path"),
            "relation": _relation(node) if _is_stored(node) else None,
            "access": node.get("access"),
            "group": _group(node),
            "contract": "enforced" if node.get("contract", {}).get("enforced") else None,
            "constraints": _constraints(node),
            "language": "Python" if _is_python(node) else None,
            "meta": _meta(node),
            **self._tests.facts(name),
            **self._results.facts(name),
            "version": _version(node),
            "deprecated_from": str(node.get("deprecation_date") or "")[:10],
            "semantic_models": ", ".join(self._measured.get(name, ())),
        }
        built_at = self._results.built_at(name)
        return self._asset(
            "model", name, node, facts, title=_name(node), definition=_sql(node), changed_at=built_at
        )

    def _source(self, name: str, node: Node) -> Asset:
        facts = {
            "source": node.get("source_name"),
            "relation": _relation(node),
            "loader": node.get("loader"),
            "source_description": node.get("source_description"),
            "meta": _meta(node),
            **self._tests.facts(name),
            "freshness": self._fresh.get(name),
        }
        return self._asset("dataset", name, node, facts, title=f"{node.get('source_name')}.{node['name']}")

    def _borrow(self, name: str, node: Node) -> Asset:
        facts = {
            "project": node["package_name"],
            "relation": _relation(node),
            "access": node.get("access"),
            "group": _group(node),
        }
        return self._asset("dataset", name, node, facts, title=f"{node['package_name']}.{_name(node)}")

    def _metric(self, name: str, node: Node) -> Asset:
        facts = {"label": node.get("label"), "metric_type": node.get("type"), "group": _group(node)}
        return self._asset("metric", name, node, facts, definition=self._measures.formula(node), is_sql=False)

    def _saved_query(self, name: str, node: Node) -> Asset:
        facts = {"label": node.get("label"), "group": _group(node), "asks": asked(node)}
        return self._asset("query", name, node, facts)

    def _exposure(self, name: str, node: Node) -> Asset:
        facts = {
            "exposure_type": node.get("type"),
            "maturity": node.get("maturity"),
            "label": node.get("label"),
        }
        return self._asset("dashboard", name, node, facts, url=node.get("url"))

    def _told_group(self, name: str, node: Node) -> Asset:
        """A group, so that one can ask who owns it. What belongs to it has its tag: each sees of that what they may."""
        said = (
            node.get("description")
            or f"A group of dbt: what belongs to it has the tag {_of_group(node['name'])}."
        )
        owners = self._owners({"group": node["name"]})
        return Asset("document", name, f"group {node['name']}", description=said, owners=owners)

    def _asset(
        self,
        kind: AssetKind,
        name: str,
        node: Node,
        facts: Mapping[str, Any],
        *,
        title: str | None = None,
        definition: str | None = None,
        is_sql: bool = True,
        url: str | None = None,
        changed_at: datetime | None = None,
    ) -> Asset:
        return Asset(
            kind,
            name,
            title or node["name"],
            description=node.get("description") or None,
            definition=definition,
            owners=self._owners(node),
            tags=(*_tags(node), *([_of_group(group)] if (group := _group(node)) else [])),
            url=url,
            changed_at=changed_at,
            properties={key: str(value) for key, value in facts.items() if value},
            columns=self._columns(name, node),
            dialect=self._dialect if definition and is_sql else None,
        )

    def _owners(self, node: Node) -> tuple[str, ...]:
        """Who is named: the exposure's owner, `meta.owner`, the owner of its group; addresses before names."""
        # Of a source's own meta its tables have a copy from dbt 1.8 on.
        of_all = node.get("source_meta") or {}
        meta = {**of_all, **(node.get("meta") or {}), **(node.get("config", {}).get("meta") or {})}
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

    def _columns(self, unique_id: str, node: Node) -> tuple[Column, ...]:
        """Columns as documented, with types and order from catalog.json where it has them."""
        told = {name.lower(): each for name, each in members(node, "columns").items()}
        typed = members(self._typed.get(unique_id, {}), "columns")
        names = [name for name, _ in sorted(typed.items(), key=lambda item: item[1].get("index") or 0)]
        known = {name.lower() for name in names}
        names += [each["name"] for lower, each in told.items() if lower not in known]
        return tuple(
            Column(
                name,
                position,
                str(typed.get(name, {}).get("type") or told.get(name.lower(), {}).get("data_type") or ""),
                nullable=not _NEVER_NULL & _kinds(told.get(name.lower(), {})),
                description=told.get(name.lower(), {}).get("description") or None,
                tags=_tags(told.get(name.lower(), {})),
            )
            for position, name in enumerate(names, start=1)
        )


def _each(nodes: Mapping[str, Node], make: Callable[[str, Node], Asset]) -> Iterator[Record]:
    for name, node in nodes.items():
        with read_at(name):
            made = make(name, node)
        yield made


def _document(name: str, block: Node) -> Asset:
    return Asset("document", name, block["name"], definition=block.get("block_contents") or None)


def _parents(node: Node) -> list[str]:
    return [str(each) for each in node.get("depends_on", {}).get("nodes", ())]


def _is_stored(node: Node) -> bool:
    """Is there a relation in the warehouse? An ephemeral model is a part of those that read it."""
    return bool(node.get("config", {}).get("materialized") != "ephemeral")


def is_of_another(node: Node, project: Any) -> bool:
    """Is it a model of another project, of which this one is told where it stands (dbt Mesh, dbt-loom)?

    dbt puts it among the project's own, without its file and code, as a view whatever it is. What a package brings has
    a file, and is built here.
    """
    package = node.get("package_name")
    return bool(project and package and package != project) and not (
        node.get("original_file_path") or node.get("raw_code") or node.get("raw_sql")
    )


def _is_python(node: Node) -> bool:
    return node.get("language") == "python" or str(node.get("original_file_path") or "").endswith(".py")


def _kinds(node: Node) -> set[str]:
    """The kinds of constraints of a model or column. Their expressions quote values."""
    return {str(each.get("type")) for each in objects(node.get("constraints")) if each.get("type")}


def _constraints(node: Node) -> str:
    """The constraints of a model and of its columns, by kind and column."""
    found = []
    for each in objects(node.get("constraints")):
        columns = [str(name) for name in each.get("columns") or ()]
        found.append(f"{each.get('type')}{' on ' if columns else ''}{', '.join(columns)}")
    for name, column in members(node, "columns").items():
        found += [f"{kind} on {name}" for kind in _kinds(column)]
    return ", ".join(sorted(found)[:MOST])


def _meta(node: Node) -> str:
    """What else a person wrote of it, as far as that is a word or a number under a name."""
    meta = {**(node.get("meta") or {}), **(node.get("config", {}).get("meta") or {})}
    told = [
        f"{name}: {str(value)[:LONGEST_META]}"
        for name, value in meta.items()
        if name != "owner" and isinstance(value, str | int | float)
    ]
    return "; ".join(told[:MOST])


def _sql(node: Node) -> str | None:
    """What a model or a seed is made by; named otherwise before manifest v7. None of Python: nothing here could mask
    the values in it, and what it reads `ref()` says.
    """
    if _is_python(node):
        return None
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


def _of_group(group: str) -> str:
    """The tag of what belongs to a group of dbt."""
    return f"group:{group}"


def _tags(node: Node) -> tuple[str, ...]:
    """The tags of a node or column; since dbt 1.10 some stand in its config alone, and one may be a text."""
    found: list[str] = []
    for tags in (node.get("tags"), (node.get("config") or {}).get("tags")):
        found += [tags] if isinstance(tags, str) else (tags or [])
    return tuple(dict.fromkeys(found))
