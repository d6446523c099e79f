"""Tableau's REST API in XML, which its own client speaks, over a server of ours that answers in JSON.

The two forms say the same (https://help.tableau.com/current/api/rest_api/en-us/REST/rest_api_concepts_fundamentals.htm, "JSON"):
an attribute is a scalar member, a child element an object, and repeated elements a list.
"""

from __future__ import annotations

import dataclasses
import json
from typing import Any
from xml.etree import ElementTree as Xml

from tests.connectors.vendor_server import Answer, Asked, Vendor

NAMESPACE = "http://tableau.com/api"


def speaking_xml(vendor: Vendor) -> Vendor:
    """The same server, which takes XML, and answers in it whoever does not ask for JSON."""
    answer = vendor.answer

    def converted(asked: Asked) -> Answer:
        if asked.body.lstrip().startswith(b"<"):
            body = json.dumps(_members(Xml.fromstring(asked.body))).encode()
            asked = dataclasses.replace(asked, body=body)
        found = answer(asked)
        graphql, wants = asked.path == "/api/metadata/graphql", asked.headers.get("accept", "")
        if graphql or "json" in wants or not isinstance(found.body, dict):
            return found
        root = Xml.Element("tsResponse", {"xmlns": NAMESPACE})
        _fill(root, found.body)
        return dataclasses.replace(
            found, body=Xml.tostring(root), headers={"Content-Type": "application/xml"}
        )

    vendor.answer = converted  # type: ignore[method-assign]
    return vendor


def _members(element: Xml.Element) -> dict[str, Any]:
    told: dict[str, Any] = dict(element.attrib)
    for child in element:
        told[child.tag.rpartition("}")[2]] = _members(child)
    return told


def _fill(element: Xml.Element, told: dict[str, Any]) -> None:
    for name, value in told.items():
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, dict):
                _fill(Xml.SubElement(element, name), each)
            elif each is not None:
                element.set(name, str(each).lower() if isinstance(each, bool) else str(each))
