"""Approved queries: a statement with typed parameters that some may run who may not run SQL of their own.

Somebody with query permission saves a text that passed the gates for them; an admin, or an editor who may query that
integration, approves it for teams. A member of such a team may run it: approval takes the place of the gate of query
permission and of nothing else. AI and Run SQL must be on, the integration must have its credential, guests never run,
every table and column must be visible to whoever runs it, the workspace's rule on sensitive columns and its limits
hold, and each attempt leaves a receipt and an audit line. Values go to the driver beside the text, never into it.

A parameter's type is one of `TYPES`; with [] behind it a list, which stands in `IN (:name)` and becomes a mark of the
driver for each of its values; with ? at the end optional: not given it is null, as in `(:day IS NULL OR day = :day)`.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from plugin.access.viewer import Surface, Viewer
from plugin.errors import BadInput
from plugin.run_sql.guard import parameters_named
from plugin.run_sql.results import Results
from plugin.run_sql.run import Preview, RunOutcome, checked, preview, run
from plugin.store.shapes import ApprovedQuery, QueryParameter

if TYPE_CHECKING:
    from plugin.store import Store, ViewerDoor

PARAMETERS_MOST = 50
TEXT_MOST = 10_000
LIST_MOST = 1_000
Given = Mapping[str, str | Sequence[str] | None]
"""What a person gave for parameters, by name: text, for a list also its values, None for null."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,39}")
_DECLARED = re.compile(
    r"\s*([A-Za-z_][A-Za-z0-9_]{0,39})\s*(?::\s*([a-z]+(?:\[\])?\??)\s*)?(?:=(.*))?", re.DOTALL
)


def _boolean(text: str) -> bool:
    if text.lower() in ("true", "yes", "1"):
        return True
    if text.lower() in ("false", "no", "0"):
        return False
    raise ValueError


def _text(text: str) -> str:
    if len(text) > TEXT_MOST or "\x00" in text:
        raise ValueError
    return text


def _integer(text: str) -> int:
    number = int(text)
    if abs(number) >= 2**63:
        raise ValueError
    return number


def _number(text: str) -> Decimal:
    number = Decimal(text)
    if not number.is_finite() or len(text) > 60:
        raise ValueError
    return number


TYPES: dict[str, Callable[[str], object]] = {
    "text": _text,
    "integer": _integer,
    "number": _number,
    "date": lambda text: date.fromisoformat(text.strip()),
    "timestamp": lambda text: datetime.fromisoformat(text.strip()),
    "boolean": lambda text: _boolean(text.strip()),
}
"""The types of parameters, and how what a person typed becomes a value. ValueError where it does not."""


def read_parameters(lines: Sequence[str]) -> tuple[QueryParameter, ...]:
    """From `name`, `name:type` or `name:type=default`, one each. Raises BadInput."""
    found = []
    for line in lines:
        if not line.strip():
            continue
        match = _DECLARED.fullmatch(line)
        if match is None:
            raise BadInput(
                f"a parameter is name:type or name:type=default, not {line[:60]!r}", field="parameters"
            )
        found.append(QueryParameter(match[1], match[2] or "text", match[3]))
    return tuple(found)


def save(
    store: Store,
    viewer: Viewer,
    integration_id: int,
    name: str,
    sql: str,
    *,
    description: str = "",
    parameters: Sequence[QueryParameter] = (),
    query_id: int | None = None,
) -> ApprovedQuery:
    """Keep a statement that passes every gate for `viewer`; nothing is run. It waits for approval.

    Raises Refused naming the first closed gate, BadInput where parameters and text do not fit, NotFound.
    """
    for parameter in parameters:
        if not _NAME.fullmatch(parameter.name):
            raise BadInput(f"{parameter.name[:60]!r} is not a name for a parameter", field="parameters")
        if parameter.base not in TYPES:
            raise BadInput(
                f"a parameter's type is one of {', '.join(TYPES)}; name:type[] is a list, name:type? is optional",
                field="parameters",
            )
        if parameter.default is not None:
            _values(parameter, parameter.default)
    declared = [parameter.name for parameter in parameters]
    if len(set(declared)) != len(declared) or len(declared) > PARAMETERS_MOST:
        raise BadInput(
            f"parameters have different names, and are at most {PARAMETERS_MOST}", field="parameters"
        )
    marks = tuple(_place(each.name, 0) if each.many else each.name for each in parameters)
    decision = checked(store, viewer, integration_id, sql, True, parameters=marks)
    used = parameters_named(sql, decision.dialect or "")
    missing, idle = sorted(set(used) - set(declared)), sorted(set(declared) - set(used))
    if missing:
        raise BadInput(
            f"say the type of the parameter {missing[0]}, as {missing[0]}:text", field="parameters"
        )
    if idle:
        raise BadInput(f"the statement has no parameter :{idle[0]}", field="parameters")
    if not decision.allowed or decision.verdict is None:
        raise decision.refusal()
    with store.as_viewer(viewer) as door:
        return door.queries.save(
            integration_id,
            name,
            sql,
            description=description,
            parameters=parameters,
            tables=decision.verdict.tables,
            columns=decision.verdict.columns,
            query_id=query_id,
        )


def run_approved(
    store: Store,
    viewer: Viewer,
    query_id: int,
    given: Given,
    *,
    results: Results,
    session: str = "",
    surface: Surface | None = None,
    run_id: str | None = None,
) -> RunOutcome:
    """Run a saved query under the gates of this moment. Raises as `run`, and BadInput for a value that does not fit."""
    with store.as_viewer(viewer) as door:
        query = door.queries.get(query_id)
        kind = _kind(door, query)
    return run(
        store,
        viewer,
        query.integration_id,
        query.sql,
        results=results,
        session=session,
        surface=surface,
        run_id=run_id,
        query_id=query_id,
        values=bound(query, given, kind),
    )


def preview_approved(store: Store, viewer: Viewer, query_id: int, given: Given) -> Preview:
    """What would be decided, and what the planner expects with these values; nothing is run. Raises as `run_approved`,
    but for closed gates, which the preview tells."""
    with store.as_viewer(viewer) as door:
        query = door.queries.get(query_id)
        kind = _kind(door, query)
    values = bound(query, given, kind)
    return preview(store, viewer, query.integration_id, query.sql, query_id=query_id, values=values)


def _kind(door: ViewerDoor, query: ApprovedQuery) -> str:
    """The type of a query's integration, "" where the viewer sees none."""
    known = (*door.catalog.integrations(), *door.me.query_integrations())
    return next((each.type for each in known if each.id == query.integration_id), "")


def bound(query: ApprovedQuery, given: Given, kind: str = "") -> dict[str, object]:
    """What was typed, as values for the driver of an integration's type. Raises BadInput."""
    known = {parameter.name: parameter for parameter in query.parameters}
    strange = sorted(set(given) - set(known))
    if strange:
        raise BadInput(f"the query has no parameter {strange[0][:60]!r}", field=strange[0][:60])
    values: dict[str, object] = {}
    for name, parameter in known.items():
        found = _values(parameter, given.get(name, parameter.default))
        plain = [_plain(value) if kind == "sqlite" else value for value in found]
        values.update(
            {_place(name, at): value for at, value in enumerate(plain)}
            if parameter.many
            else {name: plain[0]}
        )
    return values


def _place(name: str, at: int) -> str:
    """How one value of a list is called; the guard puts as many marks as there are such names."""
    return f"{name}[{at}]"


def _values(parameter: QueryParameter, given: str | Sequence[str] | None) -> list[object]:
    """The value of a parameter, several where it is a list. BadInput."""
    texts = _texts(parameter, given)
    if not texts or (texts == [""] and (parameter.optional or parameter.base != "text")):
        if parameter.optional:
            return [None]
        many = "at least one value" if parameter.many else "a value"
        raise BadInput(f"give {many} for {parameter.name} ({parameter.base})", field=parameter.name)
    if len(texts) > LIST_MOST:
        raise BadInput(f"{parameter.name} takes at most {LIST_MOST:,} values", field=parameter.name)
    return [_typed(parameter, text) for text in texts]


def _texts(parameter: QueryParameter, given: str | Sequence[str] | None) -> list[str]:
    """What was given as texts. A list's own text holds its values by lines and commas, as CSV has them."""
    if given is None:
        return []
    if not isinstance(given, str):
        if not parameter.many:
            raise BadInput(f"{parameter.name} takes one value, not a list", field=parameter.name)
        return list(given)
    if not parameter.many:
        return [given]
    try:
        lines = csv.reader(given.splitlines(), skipinitialspace=True, strict=True)
        return [cell for line in lines for cell in line if cell]
    except csv.Error as error:
        raise BadInput(
            f"the values of {parameter.name} cannot be told apart", field=parameter.name
        ) from error


def _typed(parameter: QueryParameter, text: str) -> object:
    try:
        return TYPES[parameter.base](text)
    except (ValueError, InvalidOperation, OverflowError) as error:
        article = "an" if parameter.base == "integer" else "a"
        raise BadInput(
            f"the value of {parameter.name} is not {article} {parameter.base}", field=parameter.name
        ) from error


def _plain(value: object) -> object:
    """SQLite has neither dates nor exact numbers: its own functions read ISO text."""
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if isinstance(value, date):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else value
