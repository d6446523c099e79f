"""A real catalog of Iceberg behind its REST specification: pyiceberg's SqlCatalog, which pyiceberg's RestCatalog writes and
reads over this wire. Views are kept beside it, as SqlCatalog has none; the client builds and reads what they say.

Source: open-api/rest-catalog-open-api.yaml of github.com/apache/iceberg. A list comes whole where no `pageToken` is sent, and
by pages of two where one is.
"""

from __future__ import annotations

import json
import time
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from pyiceberg.catalog.rest import CreateTableRequest, CreateViewRequest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import NoSuchNamespaceError, NoSuchTableError
from pyiceberg.table import CommitTableRequest

from tests.connectors.vendor_server import Answer, Asked, Vendor

SECRET = "s3cret-" + "x" * 20
PAGE = 2
ENDPOINTS = [
    "GET /v1/{prefix}/namespaces", "GET /v1/{prefix}/namespaces/{namespace}", "POST /v1/{prefix}/namespaces",
    "GET /v1/{prefix}/namespaces/{namespace}/tables", "GET /v1/{prefix}/namespaces/{namespace}/tables/{table}",
    "POST /v1/{prefix}/namespaces/{namespace}/tables", "POST /v1/{prefix}/namespaces/{namespace}/tables/{table}",
    "GET /v1/{prefix}/namespaces/{namespace}/views", "GET /v1/{prefix}/namespaces/{namespace}/views/{view}",
    "POST /v1/{prefix}/namespaces/{namespace}/views", "DELETE /v1/{prefix}/namespaces/{namespace}/tables/{table}",
]  # fmt: skip


def problem(status: int, kind: str) -> Answer:
    """The specification's form of an error."""
    return Answer(status, {"error": {"message": "no", "type": kind, "code": status}})


class Catalog:
    """One catalog: what the REST server answers, and the SqlCatalog that it has from."""

    def __init__(self, folder: Path) -> None:
        self.sql = SqlCatalog("x", uri=f"sqlite:///{folder}/catalog.db", warehouse=f"file://{folder}")
        self.views: dict[tuple[str, ...], dict[str, Any]] = {}
        self.tokens = 0

    def vendor(self) -> Vendor:
        """The server, for `serve`."""
        routes: dict[str, Any] = {
            "POST /v1/oauth/tokens": self._token,
            "GET /v1/config": lambda asked: {
                "defaults": {},
                "overrides": {"prefix": "cat/main"},
                "endpoints": ENDPOINTS,
            },
        }
        for method in ("GET", "POST", "DELETE"):
            routes[f"{method} /v1/cat/main/namespaces"] = self._answer
            routes[f"{method} /v1/cat/main/namespaces/*"] = self._answer
        return Vendor(routes, allows=self._allows)

    def _token(self, asked: Asked) -> Any:
        given = asked.form
        if given.get("client_secret") != SECRET or given.get("grant_type") != "client_credentials":
            return Answer(401, {"error": "invalid_client", "error_description": "CANARY"})
        self.tokens += 1
        return {"access_token": f"token-{self.tokens}", "token_type": "bearer", "expires_in": 3600,
                "issued_token_type": "urn:ietf:params:oauth:token-type:access_token"}  # fmt: skip

    def _allows(self, asked: Asked) -> bool:
        known = (f"Bearer token-{number}" for number in range(1, self.tokens + 1))
        return asked.path.endswith("/tokens") or asked.headers.get("authorization") in known

    def _answer(self, asked: Asked) -> Any:
        space, *below = [unquote(part) for part in asked.path.split("/")[5:]] or [""]
        levels = tuple(space.split("\x1f")) if space else ()
        try:
            if not levels:
                return self._spaces(asked)
            if not below:
                told = self.sql.load_namespace_properties(levels)
                return {"namespace": list(levels), "properties": told}
            return (self._tables if below[0] == "tables" else self._views)(asked, levels, below[1:])
        except NoSuchNamespaceError:
            return problem(404, "NoSuchNamespaceException")
        except NoSuchTableError:
            return problem(404, "NoSuchTableException")

    def _spaces(self, asked: Asked) -> Any:
        if asked.method == "POST":
            self.sql.create_namespace(tuple(asked.json["namespace"]), asked.json.get("properties") or {})
            return asked.json
        above = asked.query.get("parent")
        found = self.sql.list_namespaces(tuple(above.split("\x1f")) if above else ())
        return self._page(asked, "namespaces", sorted(map(list, found)))

    def _tables(self, asked: Asked, space: tuple[str, ...], name: list[str]) -> Any:
        if not name and asked.method == "GET":
            found = [{"namespace": list(space), "name": each[-1]} for each in self.sql.list_tables(space)]
            return self._page(asked, "identifiers", sorted(found, key=lambda each: str(each["name"])))
        if not name:
            made = CreateTableRequest.model_validate({"location": None, **asked.json})
            more = {"partition_spec": made.partition_spec} if made.partition_spec else {}
            table = self.sql.create_table(
                (*space, made.name), made.table_schema, made.location, properties=made.properties, **more
            )
        elif asked.method == "DELETE":
            self.sql.drop_table((*space, *name))
            return Answer(204, b"")
        else:
            table = self.sql.load_table((*space, *name))
            if asked.method == "POST":
                given = CommitTableRequest.model_validate_json(asked.body)
                self.sql.commit_table(table, given.requirements, given.updates)
                table = self.sql.load_table((*space, *name))
        told = json.loads(table.metadata.model_dump_json())
        if asked.query.get("snapshots") == "refs":
            kept = {each["snapshot-id"] for each in (told.get("refs") or {}).values()}
            told["snapshots"] = [each for each in told["snapshots"] if each["snapshot-id"] in kept]
        credential = (
            {"s3.secret-access-key": "CANARY-VENDED"}
            if asked.headers.get("x-iceberg-access-delegation")
            else {}
        )
        return {"metadata-location": table.metadata_location, "metadata": told, "config": credential}

    def _views(self, asked: Asked, space: tuple[str, ...], name: list[str]) -> Any:
        if asked.method == "POST":
            made = json.loads(
                CreateViewRequest.model_validate({"location": None, **asked.json}).model_dump_json()
            )
            version = made["view-version"]
            self.views[(*space, made["name"])] = {
                "view-uuid": str(uuid.uuid4()), "format-version": 1, "location": "file:///v", "schemas": [made["schema"]],
                "current-version-id": version["version-id"], "versions": [version], "properties": made["properties"],
                "version-log": [{"timestamp-ms": int(time.time() * 1000), "version-id": version["version-id"]}],
            }  # fmt: skip
            name = [made["name"]]
        if not name:
            found = [{"namespace": list(space), "name": key[-1]} for key in self.views if key[:-1] == space]
            return self._page(asked, "identifiers", found)
        told = self.views.get((*space, *name))
        return (
            {"metadata-location": "file:///v/1", "metadata": told}
            if told
            else problem(404, "NoSuchViewException")
        )

    def _page(self, asked: Asked, field: str, rows: list[Any]) -> Any:
        token = asked.query.get("pageToken")
        if token is None:
            return {field: rows}
        start = int(token or 0)
        more = str(start + PAGE) if start + PAGE < len(rows) else None
        return {field: rows[start : start + PAGE], "next-page-token": more}
