"""DataHub as a source: datasets with columns, owners, tags and terms, dashboards, charts, jobs, and lineage.

One GraphQL query scrolls over each kind by pages of 200, so the number of requests grows with pages only. Samples,
profiles and usage by person are not part of the query.

Source: https://docs.datahub.com/docs/graphql/queries (scrollAcrossEntities) and the schema and fragments in
https://github.com/datahub-project/datahub (datahub-graphql-core/src/main/resources, datahub-web-react/src/graphql).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from connectors.errors import PermissionMissing, SourceInterrupted
from connectors.http import Api
from connectors.http_source import OtherCatalog
from connectors.records import Asset, AssetKind, Column, Key, Lineage, Progress, Record, Ref, Table, TableKind
from connectors.shape import well_formed
from connectors.warehouse import moment

PAGE = 200
BRACKETS = re.compile(r"\[[^\]]*\]\.?")
KINDS: dict[str, AssetKind] = {
    "DASHBOARD": "dashboard",
    "CHART": "chart",
    "DATA_FLOW": "job",
    "DATA_JOB": "job",
    "GLOSSARY_TERM": "term",
}
WITHOUT_SCHEMA = ("mysql", "mariadb", "clickhouse", "hive")
"""Platforms whose dataset names are database.table, the database being what others call a schema."""
WITHOUT_LEVELS = (
    "kafka",
    "pulsar",
    "s3",
    "gcs",
    "abs",
    "adlsGen1",
    "adlsGen2",
    "hdfs",
    "file",
    "elasticsearch",
)
"""Platforms where a dot is part of the name of a topic, an index or a file."""

_NAMED = "urn properties { name }"
_WORDS = f"tags {{ tags {{ tag {{ {_NAMED} }} }} }} glossaryTerms {{ terms {{ term {{ {_NAMED} }} }} }}"
_PEOPLE = f"""ownership {{ owners {{ owner {{
  ... on CorpUser {{ username properties {{ email displayName }} }} ... on CorpGroup {{ name }} }} }} }}
domain {{ domain {{ properties {{ name }} }} }} {_WORDS}"""
_UPSTREAM = "lineage(input: {direction: UPSTREAM, start: 0, count: 200}) { relationships { entity { urn } } }"
_SHOWN = "properties { name description externalUrl } editableProperties { description }"
QUERY = f"""query scroll($input: ScrollAcrossEntitiesInput!) {{ scrollAcrossEntities(input: $input) {{
  nextScrollId total searchResults {{ entity {{ urn type
    ... on Dataset {{ name platform {{ name }} dataPlatformInstance {{ instanceId }} subTypes {{ typeNames }}
      properties {{ name description lastModified {{ time }} }} editableProperties {{ description }}
      schemaMetadata {{ fields {{ fieldPath nativeDataType description nullable {_WORDS} }} primaryKeys
        foreignKeys {{ name sourceFields {{ fieldPath }} foreignFields {{ fieldPath }}
          foreignDataset {{ urn name platform {{ name }} dataPlatformInstance {{ instanceId }} }} }} }}
      editableSchemaMetadata {{ editableSchemaFieldInfo {{ fieldPath description {_WORDS} }} }}
      fineGrainedLineages {{ upstreams {{ urn path }} downstreams {{ urn path }} }}
      viewProperties {{ logic }} deprecation {{ deprecated }} {_PEOPLE} {_UPSTREAM} }}
    ... on Dashboard {{ {_SHOWN} {_PEOPLE} {_UPSTREAM} }}
    ... on Chart {{ {_SHOWN} {_PEOPLE} {_UPSTREAM} }}
    ... on DataFlow {{ {_SHOWN} {_PEOPLE} }}
    ... on DataJob {{ dataFlow {{ urn }} {_SHOWN} {_PEOPLE} {_UPSTREAM} }}
    ... on GlossaryTerm {{ properties {{ name description definition }} }}
  }} }} }} }}"""


class DataHub(OtherCatalog):
    """One DataHub."""

    name: ClassVar[str] = "datahub"
    title: ClassVar[str] = "DataHub"
    grant_script: ClassVar[str] = (
        "-- In DataHub: a service account with the Reader role, and a personal access token for it.\n"
        "-- Leave out 'View Dataset Profile' and 'View Dataset Usage': Docent reads neither.\n"
    )

    def check(self) -> str:
        """How many datasets there are. Raises SourceError."""
        with self._open() as api:
            return f"DataHub answers: {self._page(api, 'DATASET', None, 1).get('total', '?')} datasets"

    @well_formed
    def extract(self) -> Iterator[Record]:
        """Datasets as tables, then dashboards, charts, jobs and terms, then lineage. Raises SourceError."""
        tables: dict[str, Table] = {}
        entities: list[Mapping[str, Any]] = []
        with self._open() as api:
            for entity in self._all(api, "DATASET"):
                tables[entity["urn"]] = _table(entity)
                kept = ("urn", "lineage", "fineGrainedLineages")
                entities.append({name: entity.get(name) for name in kept})
                if len(tables) % PAGE == 0:
                    yield Progress("datasets", len(tables))
                yield tables[entity["urn"]]
            for kind, ours in KINDS.items():
                yield Progress(ours, 0)
                for entity in self._all(api, kind):
                    entities.append({"urn": entity["urn"], "lineage": entity.get("lineage")})
                    yield _asset(ours, entity)
        known = {entity["urn"] for entity in entities}
        for found in entities:
            for each in (found.get("lineage") or {}).get("relationships") or ():
                urn = str((each.get("entity") or {}).get("urn"))
                if urn in known:
                    yield Lineage(_ref(urn, tables), _ref(found["urn"], tables), "datahub")
            yield from _of_columns(found, tables)

    def _all(self, api: Api, kind: str) -> Iterator[dict[str, Any]]:
        """Every entity of a kind, scrolled."""
        scroll: str | None = None
        while True:
            page = self._page(api, kind, scroll, PAGE)
            rows = page.get("searchResults") or ()
            yield from (each["entity"] for each in rows if each.get("entity"))
            if not page.get("nextScrollId") or not rows:
                return
            if page["nextScrollId"] == scroll:
                raise SourceInterrupted("DataHub gives the same page again and again")
            scroll = page["nextScrollId"]

    def _page(self, api: Api, kind: str, scroll: str | None, count: int) -> dict[str, Any]:
        given: dict[str, Any] = {"types": [kind], "query": "*", "count": count}
        if scroll:
            given["scrollId"] = scroll
        answer = api.ask("/api/graphql", {"query": QUERY, "variables": {"input": given}})
        if (answer.get("data") or {}).get("scrollAcrossEntities") is None:
            raise PermissionMissing(
                f"DataHub does not let this token read {kind.lower().replace('_', ' ')} entities"
            )
        page: dict[str, Any] = answer["data"]["scrollAcrossEntities"]
        return page


def _levels(entity: Mapping[str, Any]) -> tuple[str | None, str, str]:
    """Database, schema and name in the name of a dataset, which has the levels that its platform has, and before them
    the platform's instance where DataHub reads several of one kind."""
    platform = (entity.get("platform") or {}).get("name") or ""
    name = entity.get("name") or ""
    instance = (entity.get("dataPlatformInstance") or {}).get("instanceId") or ""
    parts = [part for part in name.removeprefix(f"{instance}.").split(".") if part] or [entity["urn"]]
    if platform in WITHOUT_LEVELS and name:
        return None, platform, name.removeprefix(f"{instance}.")
    if platform in WITHOUT_SCHEMA and len(parts) == 2:
        return None, parts[0], parts[1]
    if len(parts) > 2:
        return parts[0], ".".join(parts[1:-1]), parts[-1]
    return None, parts[0] if len(parts) == 2 else platform or "default", parts[-1]


def _table(entity: Mapping[str, Any]) -> Table:
    """A dataset as a table."""
    platform = (entity.get("platform") or {}).get("name") or ""
    database, schema, name = _levels(entity)
    types = [name.lower() for name in (entity.get("subTypes") or {}).get("typeNames") or ()]
    kind: TableKind = "view" if any("view" in name for name in types) else "table"
    properties, edited = entity.get("properties") or {}, entity.get("editableProperties") or {}
    told: dict[Any, Mapping[str, Any]] = {
        each.get("fieldPath"): each
        for each in (entity.get("editableSchemaMetadata") or {}).get("editableSchemaFieldInfo") or ()
    }
    fields = (
        each for each in (entity.get("schemaMetadata") or {}).get("fields") or () if each.get("fieldPath")
    )
    owners = _owners(entity)
    return Table(
        database,
        schema,
        name,
        kind,
        description=edited.get("description") or properties.get("description") or None,
        owner=owners[0] if owners else None,
        columns=tuple(
            Column(
                _field(each["fieldPath"]),
                position,
                each.get("nativeDataType") or "",
                bool(each.get("nullable", True)),
                description=told.get(each["fieldPath"], {}).get("description")
                or each.get("description")
                or None,
                tags=tuple(dict.fromkeys((*_tags(each), *_tags(told.get(each["fieldPath"], {}))))),
            )
            for position, each in enumerate(fields, start=1)
        ),
        keys=tuple(_keys(entity.get("schemaMetadata") or {})),
        definition=(entity.get("viewProperties") or {}).get("logic") or None,
        changed_at=moment((properties.get("lastModified") or {}).get("time") or None),
        tags=_tags(entity),
        properties={"platform": platform}
        | _domain(entity)
        | ({"deprecated": "yes"} if (entity.get("deprecation") or {}).get("deprecated") else {}),
    )


def _keys(schema: Mapping[str, Any]) -> Iterator[Key]:
    if primary := tuple(_field(path) for path in schema.get("primaryKeys") or () if path):
        yield Key("primary", "primary key", primary)
    for number, each in enumerate(schema.get("foreignKeys") or (), start=1):
        own, other = (
            tuple(_field(one["fieldPath"]) for one in each.get(side) or () if one.get("fieldPath"))
            for side in ("sourceFields", "foreignFields")
        )
        if own and (each.get("foreignDataset") or {}).get("urn"):
            _, there, table = _levels(each["foreignDataset"])
            yield Key("foreign", each.get("name") or f"foreign key {number}", own, there, table, other)


def _of_columns(entity: Mapping[str, Any], tables: Mapping[str, Table]) -> Iterator[Lineage]:
    """Which columns a column was made of, where both tables are known."""
    for each in entity.get("fineGrainedLineages") or ():
        ends = [
            [
                replace(_ref(one["urn"], tables), column=_field(one["path"]))
                for one in each.get(side) or ()
                if one.get("urn") in tables and one.get("path")
            ]
            for side in ("upstreams", "downstreams")
        ]
        yield from (Lineage(above, below, "datahub") for above in ends[0] for below in ends[1])


def _domain(entity: Mapping[str, Any]) -> dict[str, str]:
    named = ((entity.get("domain") or {}).get("domain") or {}).get("properties") or {}
    return {"domain": named["name"]} if named.get("name") else {}


def _asset(kind: AssetKind, entity: Mapping[str, Any]) -> Asset:
    properties, edited = entity.get("properties") or {}, entity.get("editableProperties") or {}
    return Asset(
        kind,
        entity["urn"],
        properties.get("name") or _last(entity["urn"]),
        parent=(entity.get("dataFlow") or {}).get("urn") or None,
        description=edited.get("description") or properties.get("description") or None,
        definition=properties.get("definition") or None,
        owners=_owners(entity),
        tags=_tags(entity),
        url=properties.get("externalUrl") or None,
        properties=_domain(entity),
    )


def _ref(urn: str, tables: Mapping[str, Table]) -> Ref:
    table = tables.get(urn)
    return Ref(database=table.database, schema=table.schema, table=table.name) if table else Ref(key=urn)


def _field(path: str) -> str:
    """The name in a field path; version 2 paths carry types in brackets."""
    return BRACKETS.sub("", path) or path


def _owners(entity: Mapping[str, Any]) -> tuple[str, ...]:
    found = []
    for each in (entity.get("ownership") or {}).get("owners") or ():
        owner = each.get("owner") or {}
        properties = owner.get("properties") or {}
        name = (
            properties.get("email")
            or properties.get("displayName")
            or owner.get("username")
            or owner.get("name")
        )
        found += [name] if name else []
    return tuple(dict.fromkeys(found))


def _tags(entity: Mapping[str, Any]) -> tuple[str, ...]:
    tags = [each.get("tag") for each in (entity.get("tags") or {}).get("tags") or ()]
    terms = [each.get("term") for each in (entity.get("glossaryTerms") or {}).get("terms") or ()]
    names = (
        (one.get("properties") or {}).get("name") or _last(one.get("urn") or "")
        for one in (*tags, *terms)
        if one
    )
    return tuple(dict.fromkeys(name for name in names if name))


def _last(urn: str) -> str:
    return urn.rsplit(":", 1)[-1]
