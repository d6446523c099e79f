"""The faces that twins must show alike: reads of the store, tools, MCP, pages, the API, what a provider is sent.

Each face is a name and a call that gives a text for one side. What may differ is named in `RULES` and nowhere else. From
the terminal, for as many pairs as one has time for:

    python -m tests.access.twin_faces --pairs 20 [--seed N] [--database postgresql]
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import event

from plugin.errors import DocentError
from plugin.mcp import answer as mcp_answer
from plugin.mcp import mcp_tools
from plugin.tools import TOOLS, call
from tests.access.test_reads import READS
from tests.access.twins import PASSWORD, READER, Side, Twins, make
from tests.conftest import PostgresDatabase, postgres_url_of

Face = tuple[str, Callable[[Side], str]]
RULES: tuple[tuple[str, str, str], ...] = (
    ("a moment, as it is written", r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?( UTC)?", "<moment>"),
    ("a moment as Python shows it", r"datetime\.datetime\([^()]*(\([^()]*\))?[^()]*\)", "<moment>"),
    ("a moment in words", r"\d{1,2} [A-Z][a-z]+ \d{4}, \d\d:\d\d UTC", "<moment>"),
    ("the port of the recording server", r"127\.0\.0\.1:\d+", "<host>"),
    ("an id drawn by lot, of seven digits and more", r"\b[1-9]\d{6,11}\b", "<id>"),
    ("how long it took", r'\d+ ms\b|"ms": ?\d+', "<took>"),
    ("when a counter of the process began, and its seconds", r"(?m)^docent_\S*(_created|seconds)\S* .*$", "<metric>"),
    ("how long ago", r"(\d+ (second|minute)s?|less than a minute) ago|just now", "<ago>"),
    ("the token against forged forms", r'(name="csrf_token" value="|name="csrf" content=")[^"]+', r"\1<csrf>"),
    ("the nonce of scripts", r"nonce(=\"|-)[A-Za-z0-9_+/=-]+", "nonce<nonce>"),
    ("the hash of an entry of a chain, with its moment in it", r'"hash": "[0-9a-f]{64}"', '"hash": "<hash>"'),
    ("the number of a request", r'"(instance|request_id)": ?"[^"]+"', r'"\1":"<request>"'),
)  # fmt: skip


def plain(text: str) -> str:
    """A text without what may differ."""
    for _why, pattern, instead in RULES:
        text = re.sub(pattern, instead, text)
    return text


def said(act: Callable[[], Any]) -> str:
    """What comes back, the kind and text of an error included."""
    try:
        return repr(act())
    except DocentError as error:
        return f"{type(error).__name__}: {error}"


class Built:
    """What `READS` wants to know of a world."""

    def __init__(self, side: Side, shown: list[tuple[str, int]]) -> None:
        self.integrations = side.integrations
        self.ids = _Ids(side, shown)
        self.world = self
        self.tables = [place for place in (_Spec(each) for each in self.ids) if len(place.place) == 3]


class _Ids(dict[tuple[str, ...], int]):
    """Ids of what is shown; asked for by name also of the hidden schema around a table that is shown by itself."""

    def __init__(self, side: Side, shown: list[tuple[str, int]]) -> None:
        super().__init__({tuple(name.split(".")): id_ for name, id_ in shown})
        self._side = side

    def __missing__(self, place: tuple[str, ...]) -> int:
        return self._side.ids[".".join(place)]


class _Spec:
    def __init__(self, place: tuple[str, ...]) -> None:
        self.place = place


def reads(twins: Twins, luck: random.Random) -> Iterator[Face]:
    """Every read of the viewer's catalog, for what is visible and by the names of what is not."""
    shown = twins.shown
    tables = [tuple(name.split(".")) for name, _id in shown if name.count(".") == 2]
    for for_ai in (False, True):
        for place in luck.sample(tables, min(3, len(tables))):
            for name, calls in READS.items():
                for at, each in enumerate(calls):

                    def go(side: Side, each: Any = each, place: Any = place, for_ai: bool = for_ai) -> str:
                        viewer = side.reader.as_assistant() if for_ai else side.reader
                        with side.store.as_viewer(viewer) as mine:
                            return said(lambda: each(mine.catalog, Built(side, shown), place))

                    yield f"read {name}[{at}] {'ai ' if for_ai else ''}{'.'.join(place)}", go
        for text in asked_names(twins, luck):

            def ask(side: Side, text: str = text, for_ai: bool = for_ai) -> str:
                viewer = side.reader.as_assistant() if for_ai else side.reader
                with side.store.as_viewer(viewer) as mine:
                    c = mine.catalog
                    return "\n".join(
                        said(each)
                        for each in (
                            lambda: c.search(text, facets=True),
                            lambda: c.search(text.replace("_", " ").replace(".", " ")),
                            lambda: c.suggest(text),
                            lambda: c.suggest(text.rpartition(".")[2][:4]),
                            lambda: c.by_name(text),
                            lambda: c.browse(text=text.rpartition(".")[2], with_total=True),
                            lambda: c.search("", schema=text),
                        )
                    )

            yield f"asked {'ai ' if for_ai else ''}{text}", ask


def asked_names(twins: Twins, luck: random.Random) -> list[str]:
    """Names of hidden things and of what was never there, whole, in part and with a slip."""
    names = luck.sample(twins.plan.absent_names, min(5, len(twins.plan.absent_names)))
    slips = [name[:-2] + name[-1] for name in names[:2]] + [names[0].rpartition(".")[2] + "x"]
    words = luck.sample(("order", "custmer", "invoices", "paymnt", "saleries", "events 2024"), 3)
    return [*names, *slips, *words]


ARGUMENTS: dict[str, Callable[[str], list[dict[str, Any]]]] = {
    "search": lambda n: [{"text": n.rpartition(".")[2].replace("_", " ")}, {"text": n}],
    "retrieve": lambda n: [{"resource": n}],
    "browse": lambda n: [
        *({"what": each} for each in ("all", "popular", "unused", "failing", "untested")),
        {"what": "all", "under": n},
    ],
    "count": lambda n: [{"by": "kind"}, {"by": "schema"}, {"by": "tag"}, {"by": "owner"}, {"by": "kind", "under": n}],
    "lineage": lambda n: [{"resource": n}],
    "glossary": lambda n: [{}, {"term": n.rpartition(".")[2]}],
    "find_joins": lambda n: [{"table": n}, {"table": n, "other": "sales.keyed"}],
    "frequent_queries": lambda n: [{"table": n}, {}],
    "check_sql": lambda n: [{"sql": f"SELECT * FROM {n}"}, {"sql": f"SELECT nothing FROM {n.rpartition('.')[2]}"}],
    "run_sql": lambda n: [{"sql": f"SELECT * FROM {n}"}],
    "changes": lambda n: [{}],
    "propose": lambda n: [{"resource": f"{n}_nowhere", "field": "tag", "value": "t"}],
}  # fmt: skip


def tools(twins: Twins, luck: random.Random) -> Iterator[Face]:
    """Every tool, as the assistant has it and over MCP, for what is visible and what is not."""
    names = luck.sample([name.partition(".")[2] for name, _id in twins.shown if name.count(".") == 2], 2)
    names += luck.sample(twins.plan.absent_names, 3)
    over_mcp = {tool.name: name for name, tool in mcp_tools().items()}
    for tool in TOOLS:
        for name in names:
            for arguments in ARGUMENTS.get(tool, lambda _name: [{}])(name):

                def go(side: Side, tool: str = tool, arguments: Any = arguments) -> str:
                    found = call(tool, arguments, side.reader, side.store)
                    return repr(
                        (found.ok, found.fragments, found.note, found.summary, found.found, found.value)
                    )

                yield f"tool {tool} {arguments}", go
                if tool in over_mcp:

                    def mcp(side: Side, tool: str = over_mcp[tool], arguments: Any = arguments) -> str:
                        return said(lambda: mcp_answer(side.store, side.reader, tool, arguments))

                    yield f"mcp {tool} {arguments}", mcp


def person(side: Side) -> Any:
    """The reader, signed in to a side's pages."""
    from tests.web.conftest import Person
    from web import create_app

    if side.person is None:
        app = create_app(side.config, side.store)
        app.config.update(TESTING=True, RATELIMIT_ENABLED=False)
        side.person = Person(app)
        assert side.person.sign_in(READER, PASSWORD).status_code == 303
    return side.person


def pages(twins: Twins, luck: random.Random) -> Iterator[Face]:
    """Pages and the API over HTTP, signed in as the reader. The addresses are those of both sides."""
    for path in addresses(twins, luck):

        def go(side: Side, path: str = path) -> str:
            answer = person(side).get(path)
            return (
                f"{answer.status_code} {answer.headers.get('Content-Type')}\n{answer.get_data(as_text=True)}"
            )

        yield f"GET {path}", go


def addresses(twins: Twins, luck: random.Random) -> list[str]:
    """Paths to ask for: of visible things, of ids that are hidden on one side and absent on the other, lists."""
    shown = [(name, id_) for name, id_ in twins.shown if name.count(".") == 2]
    ids = [id_ for _name, id_ in luck.sample(shown, min(4, len(shown)))]
    known = {id_ for _name, id_ in twins.shown}
    hidden = [id_ for id_ in twins.rich.ids.values() if id_ not in known]
    columns = {id_ for name, id_ in twins.rich.ids.items() if name.rpartition(".")[0] in dict(shown)}
    hidden = luck.sample(sorted(set(hidden) - columns), 3)
    paths = [
        "/", "/catalog", "/catalog?sort=popularity", "/catalog?sort=changed", "/catalog?sort=rows", "/catalog/level",
        *(f"/catalog/level?integration={id_}" for id_ in twins.rich.integrations.values()),
        *(f"/catalog?integration={id_}" for id_ in twins.rich.integrations.values()),
        "/catalog/properties.csv", "/glossary", "/queries", "/integrations", "/assistant", "/history", "/me", "/trust",
        "/trust/register", "/metrics", "/healthz", "/readyz", "/catalog?tag=gold", "/catalog?owner=Oda",
        "/api/v1/resources", "/api/v1/counts", "/api/v1/integrations", "/api/v1/queries", "/api/v1/prompts",
        "/api/v1/openapi.json", "/api/v1/glossary", "/api/v1/suggest?q=", "/api/v1/trust", "/api/v1/register",
        "/api/v1/drift", "/api/v1/usage", "/api/v1/audit", "/api/v1/ledger", "/api/v1/settings/ai", "/api/v1/me",
        "/api/v1/tags", "/api/v1/owners", "/api/v1/teams", "/api/v1/proposals", "/api/v1/personas",
    ]  # fmt: skip
    for id_ in [*ids, *hidden]:
        paths += [f"/r/{id_}/{tab}" for tab in ("overview", "columns", "lineage", "sql", "usage", "activity")]
        paths += [
            f"/r/{id_}/lineage.csv", f"/r/{id_}/impact.csv", f"/api/v1/resources/{id_}",
            f"/api/v1/resources/{id_}/lineage?depth=4&columns=true", f"/api/v1/resources/{id_}/children",
            f"/api/v1/resources/{id_}/impact", f"/catalog?under={id_}", f"/catalog/level?parent={id_}", f"/catalog/level?parent={id_}&from=o",
        ]  # fmt: skip
    for text in asked_names(twins, luck):
        word = text.rpartition(".")[2]
        paths += [
            f"/search?q={text}", f"/api/v1/search?q={word}&facets=true", f"/api/v1/suggest?q={word[:4]}",
            f"/api/v1/suggest?q={text}", f"/catalog?text={word}",
        ]  # fmt: skip
    return paths


def sent(twins: Twins, luck: random.Random) -> Iterator[Face]:
    """The bytes that a provider gets for a question, with a model that asks for hidden names."""
    from plugin.assistant import Question, ask
    from plugin.egress import Gateway
    from tests.egress.test_gateway import PATIENT, use
    from tests.providers.vendors import calls, text, vendor_server

    names = luck.sample(twins.plan.absent_names, 2)
    shown = luck.choice([name.partition(".")[2] for name, _id in twins.shown if name.count(".") == 2])
    questions = [
        f"Where is {names[0]} used, and which {luck.choice(('order', 'invoice', 'custmer'))} table is best?"
    ]
    questions.append(f"What reads {shown}?")

    def go(side: Side, question: str) -> str:
        with vendor_server() as vendor:
            use(side.store, side.admin, "openai_compatible", vendor)
            vendor.next(
                calls(("a", "search", {"text": names[0]}), ("b", "retrieve", {"resource": names[1]})),
                calls(("c", "lineage", {"resource": shown}), ("d", "browse", {"what": "popular"})),
                text(f"Look at {names[0]} and {shown}."),
            )
            gateway = Gateway(side.store, side.config, timeouts=PATIENT)
            events = [
                (
                    each.name,
                    {k: v for k, v in each.data.items() if k not in ("prompt_id", "chat_id", "seconds")},
                )
                for each in ask(side.store, gateway, side.reader, Question(text=question))
            ]
            bodies = [got.body.decode() for got in vendor.got if got.body]
            return json.dumps([bodies, events], default=str)

    for question in questions:
        yield f"sent {question}", lambda side, question=question: go(side, question)  # type: ignore[misc]


BY_THE_CLOCK = re.compile(r"UPDATE (sessions SET last_used|members SET last_seen)=")
"""A session in use is noted every two minutes, whatever is read then."""
BY_THE_WATCH = re.compile(r"sent |docent ask|template |POST /api/v1/prompts |FORM /assistant/ask ")
"""While an answer is written, its loop asks every now and then whether somebody stopped it: so many statements as it takes
seconds.
"""
Faces = Callable[[Twins, random.Random], Iterator[Face]]
FACES: tuple[Faces, ...] = (reads, tools, pages, sent)


@contextmanager
def statements(side: Side) -> Iterator[list[str]]:
    """The statements that a side's database is given, those that pass SQLAlchemy by too: the driver tells."""
    found: list[str] = []
    engine = side.store._engine

    def note(statement: str) -> None:
        # What FTS5 asks of its own tables comes as a comment.
        if not statement.startswith("--") and not BY_THE_CLOCK.match(statement):
            found.append(statement)

    traced: list[Any] = []
    sqlite = side.store.dialect == "sqlite"

    def trace(connection: Any, *_more: Any) -> None:
        if sqlite:
            connection.set_trace_callback(note)
        else:
            connection.cursor_factory = partial(_Telling, note)
        traced.append(connection)

    event.listen(engine, "checkout", trace)
    try:
        yield found
    finally:
        event.remove(engine, "checkout", trace)
        for each in traced:
            if sqlite:
                each.set_trace_callback(None)
            else:
                each.cursor_factory = psycopg.Cursor


class _Telling(psycopg.Cursor[Any]):
    """A cursor that says what it is about to execute."""

    def __init__(self, note: Callable[[str], None], *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self._note = note

    def execute(self, query: Any, *given: Any, **more: Any) -> Any:
        self._note(str(query))
        return super().execute(query, *given, **more)


def differences(twins: Twins, seed: int, wanted: Sequence[Faces] = FACES) -> Iterator[tuple[str, str, str]]:
    """(face, what the rich twin shows, what the poor one does) where they differ, in bytes or in statements."""
    luck = random.Random(seed)
    for faces in wanted:
        for name, show in faces(twins, luck):
            shown, counted = [], []
            for side in (twins.rich, twins.poor):
                with statements(side) as run:
                    shown.append(plain(show(side)))
                counted.append(len(run))
            if shown[0] != shown[1]:
                yield name, shown[0], shown[1]
            elif counted[0] != counted[1] and not BY_THE_WATCH.match(name):
                yield f"statements of {name}", str(counted[0]), str(counted[1])


def main() -> int:
    """The command."""
    from plugin.config import read_config
    from plugin.store import migrate
    from tests.access.twin_more_faces import MORE_FACES

    every = (*FACES, *MORE_FACES)
    options = argparse.ArgumentParser(prog="python -m tests.access.twin_faces")
    options.add_argument("--pairs", type=int, default=10)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--faces", nargs="*", choices=[each.__name__ for each in every])
    options.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    asked = options.parse_args()
    faces = [each for each in every if not asked.faces or each.__name__ in asked.faces]
    found = 0
    with tempfile.TemporaryDirectory() as home, ExitStack() as servers:
        template: Path | str = Path(home) / "docent.sqlite3"
        if asked.database == "postgresql":
            template = f"docent_template_{uuid.uuid4().hex[:12]}"
            servers.enter_context(PostgresDatabase(template, ""))
            migrate(read_config({"DOCENT_HOME": home, "DOCENT_DATABASE_URL": postgres_url_of(template)}))
        else:
            migrate(read_config({"DOCENT_HOME": home}))
        for seed in range(asked.seed, asked.seed + asked.pairs):
            twins = make(seed, template, Path(home) / str(seed))
            try:
                for name, rich, poor in differences(twins, seed, faces):
                    found += 1
                    at = next((i for i, (a, b) in enumerate(zip(rich, poor, strict=False)) if a != b), 0)
                    around = slice(max(0, at - 200), at + 200)
                    print(
                        f"seed {seed}, {name}\n  rich {rich[around]!r}\n  poor {poor[around]!r}", flush=True
                    )
            finally:
                twins.close()
            print(f"seed {seed} compared, {found} differences so far", file=sys.stderr, flush=True)
    print(f"{asked.pairs} pairs of {', '.join(each.__name__ for each in faces)}: {found} differences")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
