"""Every field of metadata that may go to a provider, each with its reason (promise P7). What is not here does not go.

A fragment with another field is a mistake of ours and raises FieldNotAllowed, in tests and in production alike. The
Trust page and the AI settings page print this table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from plugin.egress.parts import Fragment


@dataclass(frozen=True, slots=True)
class AllowedField:
    """`reason` is what the model needs it for. `identity`: names of people, which leave as pseudonyms."""

    name: str
    reason: str
    identity: bool = False
    first_to_cut: bool = False
    """Long text that the budget shortens before anything else."""


_TABLE = (
    AllowedField("name", "to say what it is called"),
    AllowedField("qualified_name", "to tell same names in different places apart, and to write SQL"),
    AllowedField("integration", "to say which system it is in"),
    AllowedField("path", "to say which database and schema it is in"),
    AllowedField("type", "to write SQL that fits the type"),
    AllowedField("dialect", "to write SQL that the system understands"),
    AllowedField("description", "to understand what it means", first_to_cut=True),
    AllowedField(
        "definition",
        "SQL of views and models with literals masked, or the text of a term: what it is made of",
        first_to_cut=True,
    ),
    AllowedField("default", "a column's default with literals masked: whether it may be left out"),
    AllowedField("nullable", "to know whether values may be missing"),
    AllowedField("pk", "to know what identifies a row"),
    AllowedField("tags", "to find by topic and to respect classifications"),
    AllowedField("owners", "to answer who is responsible, as pseudonyms", identity=True),
    AllowedField("popularity", "to prefer what people use; counted for the workspace, never for a person"),
    AllowedField("verified", "to prefer what somebody has checked"),
    AllowedField("published", "to tell drafts apart"),
    AllowedField("sensitivity", "to warn before personal or secret columns are used"),
    AllowedField(
        "row_estimate", "to warn about large tables; an estimate of the system's, no value of a row"
    ),
    AllowedField("size_bytes", "to warn about large tables"),
    AllowedField(
        "cost",
        "to answer what its frequent statements cost: a sum over those that the asker sees, never of a person",
    ),
    AllowedField("changed_at", "to answer how fresh it is"),
    AllowedField("analyzed_at", "to answer how fresh its statistics are"),
    AllowedField("freshness", "to say that a fact may be out of date"),
    AllowedField("synced_at", "to answer how fresh this catalog is"),
    AllowedField("stale_since", "to say that it is gone at the source"),
    AllowedField(
        "tests",
        "to answer whether it is tested: kinds and names of tests and how many fail, never what they found",
    ),
    AllowedField("last_run", "to answer whether its last run succeeded, and whether its source is fresh"),
    AllowedField("children", "to say how much is inside, counted over what the asker sees"),
    AllowedField("family", "to say which tables of the same shape stand behind this one"),
    AllowedField("synonyms", "to match other words for a term"),
    AllowedField("why", "to show which text of the resource matched a search", first_to_cut=True),
    AllowedField("columns", "to choose columns and to write SQL"),
    AllowedField("columns.name", "to write SQL"),
    AllowedField("columns.type", "to write SQL that fits the type"),
    AllowedField("columns.pk", "to know what identifies a row"),
    AllowedField("columns.nullable", "to know whether values may be missing"),
    AllowedField("columns.description", "to understand what it means", first_to_cut=True),
    AllowedField("columns.sensitivity", "to warn before personal or secret columns are used"),
    AllowedField("columns.tags", "to respect classifications"),
    AllowedField("keys", "to join correctly"),
    AllowedField("keys.kind", "to tell primary, unique and foreign keys apart"),
    AllowedField("keys.name", "to name the key"),
    AllowedField("keys.columns", "to join correctly"),
    AllowedField("keys.ref", "to join correctly; left out where the asker may not see the other table"),
    AllowedField("keys.ref_columns", "to join correctly"),
    AllowedField("edges", "to answer where it comes from and what depends on it"),
    AllowedField("edges.upstream", "the source of an edge that the asker sees"),
    AllowedField("edges.downstream", "the target of an edge that the asker sees"),
    AllowedField("edges.upstream_column", "lineage of columns"),
    AllowedField("edges.downstream_column", "lineage of columns"),
    AllowedField("edges.source", "to say how the edge is known"),
    AllowedField("edges.kind", "to say what the edge is"),
    AllowedField("joins", "to write joins"),
    AllowedField("joins.left", "a table that the asker sees"),
    AllowedField("joins.right", "a table that the asker sees"),
    AllowedField("joins.on", "the columns to join over"),
    AllowedField("joins.source", "to say how the join is known"),
    AllowedField("counts", "to answer how many, over what the asker sees"),
    AllowedField("counts.name", "what was counted"),
    AllowedField("counts.number", "how many"),
    AllowedField(
        "change",
        "to say what became of it at its source: added, removed, retyped, required, optional, rekeyed, redescribed,"
        " redefined",
    ),
    AllowedField("before", "the type that a column had before it changed"),
    AllowedField("after", "the type that a column has since"),
    AllowedField("queries", "to learn how a table is used"),
    AllowedField(
        "queries.sql",
        "a frequent query with literals masked, for the workspace and never for a person",
        first_to_cut=True,
    ),
    AllowedField("queries.runs", "how often it ran, for the workspace"),
    AllowedField("queries.people", "how many people ran it, where the source tells; never who"),
    AllowedField("queries.cost", "what its runs cost in all, where the source tells; never of a person"),
    AllowedField("use", "to answer how much a table is queried"),
    AllowedField("use.statements", "over how many kept statements that the asker sees"),
    AllowedField("use.runs", "how often those ran, for the workspace"),
    AllowedField(
        "use.people", "how many people ran the one that most ran, where the source tells; never who"
    ),
    AllowedField("tables", "the tables that a checked statement names"),
    AllowedField("unknown", "the names in a checked statement that the catalog does not have"),
    AllowedField("unknown.name", "what the statement says"),
    AllowedField("unknown.nearest", "the nearest name that the asker sees"),
)

ALLOWED: Mapping[str, AllowedField] = {field.name: field for field in _TABLE}


class FieldNotAllowed(TypeError):
    """A fragment holds a field that is on no list: a mistake in our own code, stopped before anything leaves."""


def check_fields(fragment: Fragment) -> None:
    """Raises FieldNotAllowed unless every field, also inside small tables, is on the list."""
    for name, value in fragment.fields.items():
        if name not in ALLOWED:
            raise FieldNotAllowed(
                f"the field {name!r} of a {fragment.kind} is not on the list of what may leave"
            )
        for row in value if isinstance(value, (tuple, list)) else ():
            if isinstance(row, Mapping):
                _check_row(name, row, fragment.kind)


def _check_row(name: str, row: Mapping[str, Any], kind: str) -> None:
    for key in row:
        if f"{name}.{key}" not in ALLOWED:
            raise FieldNotAllowed(f"the field {name}.{key} of a {kind} is not on the list of what may leave")
