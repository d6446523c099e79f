"""Apache Iceberg REST catalogs (Polaris, Unity, Lakekeeper, Nessie, S3 Tables, ...): namespaces, tables, views, docs.

/v1/config, then namespaces, tables and views by pages, then one request a table or view, since the specification has
no list of schemas; snapshots are asked to be left out. Views are asked for where the server says that it has them. Of
the metadata only names, types, docs, partition fields, texts of views and counts are kept: no bound, no statistic and
no data file. Vended credentials are never asked for.

Source: https://github.com/apache/iceberg/blob/main/open-api/rest-catalog-open-api.yaml (paging, namespace separator,
419 for a token that ran out, `oauth2-server-uri`) and https://iceberg.apache.org/spec (table metadata, version 1 too)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit

from connectors.errors import BadSettings, NotOffered
from connectors.http import Api
from connectors.http_source import left_out
from connectors.records import Column, Database, Key, Progress, Record, Schema, Table, Unread
from connectors.settings import setting
from connectors.shape import well_formed
from connectors.warehouse import moment, number, truth

BETWEEN = "\x1f"  # how the specification joins the levels of a namespace in a path
VIEWS = "GET /v1/{prefix}/namespaces/{namespace}/views"
# Properties that say what a table is; others may hold anything.
_TOLD = ("write.format.default", "format-version", "history.expire.max-snapshot-age-ms")


@dataclass(frozen=True, slots=True)
class Settings:
    """An address, a warehouse, and a token or a client."""

    url: str = setting(
        "Address", "Up to and without /v1, for example https://polaris.example.org/api/catalog"
    )
    warehouse: str = setting("Warehouse", "Name of the catalog, where the server has several", default="")
    token: str = setting("Token", "A bearer token", secret=True, default="")
    client_id: str = setting("Client ID", "For OAuth2 instead of a token", default="")
    client_secret: str = setting("Client secret", "For OAuth2", secret=True, default="")
    scope: str = setting("Scope", "For OAuth2", default="PRINCIPAL_ROLE:ALL")
    sign_in_url: str = setting(
        "Sign-in address", "Token endpoint for OAuth2; empty where the catalog has its own", default=""
    )
    schemas: tuple[str, ...] = setting("Namespaces", "Patterns; empty for all", kind="list", default=())
    exclude: tuple[str, ...] = setting("Leave out", "Patterns of namespaces", kind="list", default=())
    plain_http: bool = setting("Without TLS", "Only inside your own network", kind="bool", default=False)


class Iceberg:
    """One catalog behind the Iceberg REST interface."""

    name: ClassVar[str] = "iceberg"
    title: ClassVar[str] = "Apache Iceberg (REST catalog)"
    dialect: ClassVar[str | None] = "spark"
    extracts: ClassVar[tuple[str, ...]] = ("database", "schema", "table", "view", "column")
    extra: ClassVar[str | None] = None
    verified: ClassVar[str] = "emulator"
    settings: ClassVar[type[Any]] = Settings
    grant_script: ClassVar[str] = (
        "-- In the catalog: a principal of its own whose role may list namespaces and tables and read properties\n"
        "-- (Polaris: NAMESPACE_LIST, NAMESPACE_READ_PROPERTIES, TABLE_LIST, TABLE_READ_PROPERTIES,\n"
        "-- VIEW_LIST, VIEW_READ_PROPERTIES).\n"
        "-- No TABLE_READ_DATA.\n"
    )
    query_grant_script: ClassVar[str] = ""

    _has_views = False

    def __init__(self, settings: Settings) -> None:
        if settings.client_id and not settings.client_secret:
            raise BadSettings("give the secret 'client_secret' with 'client_id'")
        self._at = settings

    def check(self) -> str:
        """How many namespaces are at the top. Raises SourceError."""
        with self._open() as api:
            base = self._base(api)
            found = list(self._listed(api, f"{base}/namespaces", "namespaces"))
        return f"the Iceberg catalog answers: {len(found)} namespaces at its top"

    @well_formed
    def extract(self) -> Iterator[Record]:
        """The catalog, its namespaces (as schemas, levels joined by dots), then every table. Raises SourceError."""
        with self._open() as api:
            base = self._base(api)
            unread: list[str] = []
            yield Database(self._catalog)
            spaces = [space for space in self._namespaces(api, base, ()) if self._wanted(".".join(space))]
            for space in spaces:
                told = api.get(f"{base}/namespaces/{_path(space)}", optional=True) or {}
                facts = told.get("properties") or {}
                yield Schema(self._catalog, ".".join(space), facts.get("comment"), facts.get("owner"))
            for done, space in enumerate(spaces):
                yield Progress("namespaces", done, len(spaces))
                place = f"{base}/namespaces/{_path(space)}/tables"
                for each in self._listed(api, place, "identifiers"):
                    if not each.get("name"):
                        continue
                    name = quote(each["name"], safe="")
                    whole = api.get(f"{place}/{name}", {"snapshots": "refs"}, optional=True)
                    if whole is not None:  # else it was dropped since the list was read
                        yield self._table(space, each["name"], whole["metadata"])
                if self._has_views:
                    with left_out(unread, "views"):
                        yield from self._views(api, f"{base}/namespaces/{_path(space)}/views", space)
            for what in dict.fromkeys(unread):
                yield Unread(what)

    def _views(self, api: Api, place: str, space: tuple[str, ...]) -> Iterator[Table]:
        for each in self._listed(api, place, "identifiers"):
            if each.get("name"):
                whole = api.get(f"{place}/{quote(each['name'], safe='')}", optional=True)
                if whole is not None:
                    yield self._view(space, each["name"], whole["metadata"])

    @property
    def _catalog(self) -> str:
        return self._at.warehouse or "iceberg"

    def _base(self, api: Api) -> str:
        """Where the catalog wants to be asked: its own prefix, that of the configuration's overrides."""
        params = {"warehouse": self._at.warehouse} if self._at.warehouse else None
        told = api.get("/v1/config", params, optional=True) or {}
        facts = {**(told.get("defaults") or {}), **(told.get("overrides") or {})}
        # A server may join the levels otherwise than by 0x1F, but must understand that too: it is what we send.
        prefix = str(facts.get("prefix") or "").strip("/")
        says = truth(
            facts.get("view-endpoints-supported"), unless_told=False
        )  # before `endpoints` there was this
        self._has_views = says or VIEWS in (told.get("endpoints") or ())
        return f"/v1/{quote(prefix)}" if prefix else "/v1"

    def _namespaces(self, api: Api, base: str, above: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        """Every namespace below one, parents first."""
        params = {"parent": BETWEEN.join(above)} if above else {}
        try:
            found = list(self._listed(api, f"{base}/namespaces", "namespaces", params))
        except NotOffered:
            if not above:
                raise
            found = []  # of one level only
        for each in found:
            if len(each) > len(above):
                yield tuple(each)
                yield from self._namespaces(api, base, tuple(each))

    def _listed(
        self, api: Api, path: str, field: str, params: Mapping[str, str] | None = None
    ) -> Iterator[Any]:
        def after(page: Any) -> Mapping[str, Any] | None:
            token = page.get("next-page-token")
            return {"pageToken": token} if token else None

        # a namespace that went away since it was listed has no list of its own any more
        first = {"pageToken": "", "pageSize": 100, **(params or {})}
        for page in api.pages(path, after, first, optional=True):
            yield from page.get(field) or ()

    def _wanted(self, space: str) -> bool:
        include, exclude = self._at.schemas, self._at.exclude
        return (not include or any(fnmatchcase(space, each) for each in include)) and not any(
            fnmatchcase(space, each) for each in exclude
        )

    def _table(self, space: tuple[str, ...], name: str, told: Mapping[str, Any]) -> Table:
        schema = (
            _current(told.get("schemas"), "schema-id", told.get("current-schema-id"))
            or told.get("schema")
            or {}
        )
        fields = [each for each in schema.get("fields") or () if each.get("name")]
        named = {each.get("id"): each["name"] for each in fields}
        parts = _current(told.get("partition-specs"), "spec-id", told.get("default-spec-id")) or {}
        parted = parts.get("fields") or told.get("partition-spec") or ()  # the latter in version 1
        facts = told.get("properties") or {}
        properties = {key: str(facts[key]) for key in _TOLD if facts.get(key)}
        parted = [
            each for each in parted if each.get("transform") != "void"
        ]  # which no longer divides anything
        if parted:
            properties["partition_key"] = ", ".join(
                _part(named.get(each.get("source-id")) or each.get("name") or "?", each.get("transform"))
                for each in parted
            )
        if told.get("location"):
            properties["location"] = told["location"].partition("?")[0]
        current = _current(told.get("snapshots"), "snapshot-id", told.get("current-snapshot-id")) or {}
        counts = current.get("summary") or {}
        key = tuple(named[each] for each in schema.get("identifier-field-ids") or () if each in named)
        return Table(
            database=self._catalog,
            schema=".".join(space),
            name=name,
            description=facts.get("comment") or None,
            owner=facts.get("owner") or None,
            columns=_columns(fields),
            keys=(Key("primary", "identifier", key),) if key else (),
            row_estimate=number(counts.get("total-records")),
            size_bytes=number(counts.get("total-files-size")),
            changed_at=moment(told.get("last-updated-ms")),
            properties=properties,
        )

    def _view(self, space: tuple[str, ...], name: str, told: Mapping[str, Any]) -> Table:
        """A view as its current version says it, in the first SQL dialect that it has."""
        now = _current(told.get("versions"), "version-id", told.get("current-version-id")) or {}
        schema = _current(told.get("schemas"), "schema-id", now.get("schema-id")) or {}
        texts = [each for each in now.get("representations") or () if each.get("sql")]
        facts = told.get("properties") or {}
        properties = {"dialect": str(texts[0]["dialect"])} if texts and texts[0].get("dialect") else {}
        return Table(
            self._catalog,
            ".".join(space),
            name,
            "view",
            facts.get("comment") or None,
            facts.get("owner") or None,
            _columns([each for each in schema.get("fields") or () if each.get("name")]),
            definition=texts[0]["sql"] if texts else None,
            changed_at=moment(now.get("timestamp-ms")),
            properties=properties,
        )

    def _open(self) -> Api:
        return Api(self._at.url, self._sign_in, title="the Iceberg catalog", plain_http=self._at.plain_http)

    def _sign_in(self) -> Mapping[str, str]:
        at = self._at
        if not at.client_id:
            return {"Authorization": f"Bearer {at.token}"} if at.token else {}
        fields = {"grant_type": "client_credentials", "client_id": at.client_id,
                  "client_secret": at.client_secret, "scope": at.scope}  # fmt: skip
        elsewhere = urlsplit(at.sign_in_url)
        url = f"{elsewhere.scheme}://{elsewhere.netloc}" if at.sign_in_url else at.url
        path = (elsewhere.path or "/") if at.sign_in_url else "/v1/oauth/tokens"
        with Api(url, dict, title="the Iceberg catalog", plain_http=at.plain_http) as api:
            made = api.form(path, fields)
        return {"Authorization": f"Bearer {made['access_token']}"}


def _columns(fields: list[dict[str, Any]]) -> tuple[Column, ...]:
    return tuple(
        Column(
            each["name"],
            place,
            _type(each.get("type") or ""),
            not each.get("required"),
            None,
            each.get("doc") or None,
        )
        for place, each in enumerate(fields, start=1)
    )


def _path(space: tuple[str, ...]) -> str:
    return quote(BETWEEN.join(space), safe="")


def _current(rows: Any, field: str, wanted: Any) -> dict[str, Any] | None:
    return next((each for each in rows or () if each.get(field) == wanted), None)


def _part(name: str, transform: str | None) -> str:
    return name if transform in (None, "identity") else f"{transform}({name})"


def _type(told: Any) -> str:
    """A type as Spark writes it: primitive ones are text, nested ones are objects."""
    if not isinstance(told, dict):
        return str(told)
    if told.get("type") == "list":
        return f"array<{_type(told.get('element') or '')}>"
    if told.get("type") == "map":
        return f"map<{_type(told.get('key') or '')},{_type(told.get('value') or '')}>"
    return (
        "struct<"
        + ",".join(
            f"{each.get('name', '?')}:{_type(each.get('type') or '')}" for each in told.get("fields") or ()
        )
        + ">"
    )
