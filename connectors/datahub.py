"""DataHub as a source: datasets with columns, owners, tags and terms, dashboards, charts, jobs, and lineage.

One GraphQL query scrolls over each kind by pages of 200, so the number of requests grows with pages only. Samples,
profiles and usage by person are not part of the query.

Source: https://docs.datahub.com/docs/graphql/queries (scrollAcrossEntities)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

from connectors.errors import PermissionMissing, SourceInterrupted
from connectors.http import Api
from connectors.records import Asset, AssetKind, Column, Lineage, Progress, Record, Ref, Table, TableKind
from connectors.settings import setting

PAGE = 200
BRACKETS = re.compile(r"\[[^\]]*\]\.?")
KINDS: dict[str, AssetKind] = {
    "DASHBOARD": "dashboard",
    "CHART": "chart",
    "DATA_JOB": "job",
    "GLOSSARY_TERM": "term",
}
WITHOUT_SCHEMA = ("mysql", "mariadb", "clickhouse", "hive")
"""Platforms whose dataset names are database.table, the database being what others call a schema."""

_PEOPLE = """ownership { owners { owner {
  ... on CorpUser { username properties { email displayName } } ... on CorpGroup { name } } } }
tags { tags { tag { urn properties { name } } } } glossaryTerms { terms { term { urn properties { name } } } }"""
_UPSTREAM = "upstream: lineage(input: {direction: UPSTREAM, start: 0, count: 200}) { relationships { entity { urn } } }"
QUERY = f"""query scroll($input: ScrollAcrossEntitiesInput!) {{ scrollAcrossEntities(input: $input) {{
  nextScrollId total searchResults {{ entity {{ urn type
    ... on Dataset {{ name platform {{ name }} subTypes {{ typeNames }}
      properties {{ name description lastModified {{ time }} }} editableProperties {{ description }}
      schemaMetadata {{ fields {{ fieldPath nativeDataType description nullable tags {{ tags {{ tag {{ urn }} }} }} }}
        primaryKeys }}
      editableSchemaMetadata {{ editableSchemaFieldInfo {{ fieldPath description }} }}
      viewProperties {{ logic }} deprecation {{ deprecated }} {_PEOPLE} {_UPSTREAM} }}
    ... on Dashboard {{ properties {{ name description externalUrl }} {_PEOPLE} {_UPSTREAM} }}
    ... on Chart {{ properties {{ name description externalUrl }} {_PEOPLE} {_UPSTREAM} }}
    ... on DataJob {{ properties {{ name description externalUrl }} {_PEOPLE} {_UPSTREAM} }}
    ... on GlossaryTerm {{ properties {{ name description definition }} }}
  }} }} }} }}"""


@dataclass(frozen=True, slots=True)
class Settings:
    """The address of the metadata service and a token."""

    url: str = setting(
        "Address", "Of the frontend or the metadata service, for example https://datahub.example.org"
    )
    token: str = setting("Access token", "Made under Settings, Access tokens", secret=True)
    plain_http: bool = setting("Without TLS", "Only inside your own network", kind="bool", default=False)


class DataHub:
    """One DataHub."""

    name: ClassVar[str] = "datahub"
    title: ClassVar[str] = "DataHub"
    dialect: ClassVar[str | None] = None
    extracts: ClassVar[tuple[str, ...]] = (
        "schema",
        "table",
        "view",
        "column",
        "dashboard",
        "chart",
        "job",
        "term",
    )
    extra: ClassVar[str | None] = None
    verified: ClassVar[str] = "documented"
    settings: ClassVar[type[Any]] = Settings
    grant_script: ClassVar[str] = (
        "-- In DataHub: a service account with the Reader role, and a personal access token for it.\n"
        "-- Leave out 'View Dataset Profile' and 'View Dataset Usage': Docent reads neither.\n"
    )
    query_grant_script: ClassVar[str] = ""

    def __init__(self, settings: Settings) -> None:
        self._at = settings

    def check(self) -> str:
        """How many datasets there are. Raises SourceError."""
        with self._open() as api:
            return f"DataHub answers: {self._page(api, 'DATASET', None, 1)['total']} datasets"

    def extract(self) -> Iterator[Record]:
        """Datasets as tables, then dashboards, charts, jobs and terms, then lineage. Raises SourceError."""
        tables: dict[str, Table] = {}
        entities: list[Mapping[str, Any]] = []
        with self._open() as api:
            for entity in self._all(api, "DATASET"):
                tables[entity["urn"]] = _table(entity)
                entities.append({"urn": entity["urn"], "upstream": entity.get("upstream")})
                if len(tables) % PAGE == 0:
                    yield Progress("datasets", len(tables))
                yield tables[entity["urn"]]
            for kind, ours in KINDS.items():
                yield Progress(ours, 0)
                for entity in self._all(api, kind):
                    entities.append({"urn": entity["urn"], "upstream": entity.get("upstream")})
                    yield _asset(ours, entity)
        known = {entity["urn"] for entity in entities}
        for found in entities:
            for each in (found.get("upstream") or {}).get("relationships") or ():
                urn = str((each.get("entity") or {}).get("urn"))
                if urn in known:
                    yield Lineage(_ref(urn, tables), _ref(found["urn"], tables), "datahub")

    def _all(self, api: Api, kind: str) -> Iterator[dict[str, Any]]:
        """Every entity of a kind, scrolled."""
        scroll: str | None = None
        while True:
            page = self._page(api, kind, scroll, PAGE)
            yield from (each["entity"] for each in page["searchResults"])
            if not page.get("nextScrollId") or not page["searchResults"]:
                return
            if page["nextScrollId"] == scroll:
                raise SourceInterrupted("DataHub gives the same page again and again")
            scroll = page["nextScrollId"]

    def _page(self, api: Api, kind: str, scroll: str | None, count: int) -> dict[str, Any]:
        given: dict[str, Any] = {"types": [kind], "query": "*", "count": count}
        if scroll:
            given["scrollId"] = scroll
        answer = api.ask("/api/graphql", {"query": QUERY, "variables": {"input": given}})
        if not (answer.get("data") or {}).get("scrollAcrossEntities"):
            raise PermissionMissing(
                f"DataHub does not let this token read {kind.lower().replace('_', ' ')} entities"
            )
        page: dict[str, Any] = answer["data"]["scrollAcrossEntities"]
        return page

    def _open(self) -> Api:
        headers = {"Authorization": f"Bearer {self._at.token}"}
        return Api(self._at.url, lambda: headers, title="DataHub", plain_http=self._at.plain_http)


def _table(entity: Mapping[str, Any]) -> Table:
    """A dataset as a table. Its name has the levels that its platform has."""
    platform = (entity.get("platform") or {}).get("name") or ""
    parts = [part for part in (entity.get("name") or "").split(".") if part] or [entity["urn"]]
    shallow = platform in WITHOUT_SCHEMA and len(parts) == 2
    database = parts[0] if len(parts) > 2 else None
    schema = (
        ".".join(parts[1:-1]) if len(parts) > 2 else parts[0] if len(parts) == 2 else platform or "default"
    )
    types = [name.lower() for name in (entity.get("subTypes") or {}).get("typeNames") or ()]
    kind: TableKind = "view" if any("view" in name for name in types) else "table"
    properties, edited = entity.get("properties") or {}, entity.get("editableProperties") or {}
    told = {
        each["fieldPath"]: each.get("description")
        for each in (entity.get("editableSchemaMetadata") or {}).get("editableSchemaFieldInfo") or ()
    }
    changed = (properties.get("lastModified") or {}).get("time")
    owners = _owners(entity)
    return Table(
        None if shallow else database,
        schema,
        parts[-1],
        kind,
        description=edited.get("description") or properties.get("description") or None,
        owner=owners[0] if owners else None,
        columns=tuple(
            Column(
                _field(each["fieldPath"]),
                position,
                each.get("nativeDataType") or "",
                bool(each.get("nullable", True)),
                description=told.get(each["fieldPath"]) or each.get("description") or None,
                tags=tuple(_last(tag["tag"]["urn"]) for tag in (each.get("tags") or {}).get("tags") or ()),
            )
            for position, each in enumerate((entity.get("schemaMetadata") or {}).get("fields") or (), start=1)
        ),
        definition=(entity.get("viewProperties") or {}).get("logic") or None,
        changed_at=datetime.fromtimestamp(changed / 1000, UTC) if changed else None,
        tags=_tags(entity),
        properties={"platform": platform}
        | ({"deprecated": "yes"} if (entity.get("deprecation") or {}).get("deprecated") else {}),
    )


def _asset(kind: AssetKind, entity: Mapping[str, Any]) -> Asset:
    properties = entity.get("properties") or {}
    return Asset(
        kind,
        entity["urn"],
        properties.get("name") or _last(entity["urn"]),
        description=properties.get("description") or None,
        definition=properties.get("definition") or None,
        owners=_owners(entity),
        tags=_tags(entity),
        url=properties.get("externalUrl") or None,
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
    tags = [each["tag"] for each in (entity.get("tags") or {}).get("tags") or ()]
    terms = [each["term"] for each in (entity.get("glossaryTerms") or {}).get("terms") or ()]
    return tuple(
        dict.fromkeys(
            (each.get("properties") or {}).get("name") or _last(each["urn"]) for each in (*tags, *terms)
        )
    )


def _last(urn: str) -> str:
    return urn.rsplit(":", 1)[-1]
