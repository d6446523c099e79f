"""More faces that twins must show alike: the command line, what a member keeps (templates, chats, shares, exports), saved
queries, the page inside other applications, and changes that a member tries on what they may not see.
"""

from __future__ import annotations

import io
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from plugin.cli import cli
from plugin.cli.session import Session
from plugin.errors import DocentError
from tests.access.twin_faces import Face, Faces, asked_names, person
from tests.access.twins import READER, Side, Twins

READ = (
    "search",
    "show",
    "lineage",
    "properties",
    "drift",
    "ask",
    "sql",
    "integration",
    "team",
    "member",
    "trust",
)
"""Commands that a member has a use for; the others are tried too, and are refused."""


def docent(side: Side, words: Sequence[str], stdin: str = "") -> str:
    """What a command prints, its words for people and its exit code, as the reader runs it."""
    session = Session(workspace=None, as_email=READER)
    session._config, session._store = side.config, side.store
    out, told, before = io.StringIO(), io.StringIO(), sys.stdin
    sys.stdin = io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8")
    code: object = 0
    try:
        with redirect_stdout(out), redirect_stderr(told):
            with cli.make_context("docent", list(words)) as context:
                # In the store of this side, whose statements are counted; `cli` would open one of its own.
                context.obj = session
                command = cli.get_command(context, words[0])
                assert command is not None, words
                code = command.main(list(words[1:]), parent=context, standalone_mode=False)
    except SystemExit as leaving:
        code = leaving.code
    except click.exceptions.Abort:
        code = "asked, and nobody answered"
    except click.ClickException as error:
        code = f"{error.exit_code} {error.format_message()}"
    except DocentError as error:
        code = f"{error.exit_code} {error}"
    finally:
        sys.stdin = before
    return f"{code}\n{out.getvalue()}\n{told.getvalue()}"


def imported(side: Side, lines: Sequence[str]) -> str:
    """What an import of properties says of each line; what it changes on one side it changes on the other."""
    text = "qualified_name,integration,kind,description,id\n" + "\n".join(lines) + "\n"
    said = []
    with TemporaryDirectory() as folder:
        file = Path(folder) / "in.csv"
        for strict in (["--strict"], []):
            file.write_text(text)
            said.append(docent(side, ["properties", "import", str(file), "--json", *strict]))
    return "\n".join(said).replace(folder, "")


def commands(twins: Twins, luck: random.Random) -> Iterator[Face]:
    """The command line, for what is visible, what is not, and what was never there."""
    shown = [name.partition(".")[2] for name, _id in twins.shown if name.count(".") == 2]
    given: list[tuple[Sequence[str], str]] = [
        (words.split(), "")
        for words in (
            "properties export --columns", "properties export --format csv --integration lake", "properties export --integration nowhere",
            "drift --since 2020-01-01 --json", "integration list --json", "team list --json", "member list --json",
            "sql query list --json", "sql query list --integration shop", "audit export", "ledger export", "ledger verify",
            "settings --json", "settings ai.personas", "settings export", "trust --json", "connectors --json",
            "sync lake", "sync lake --schema vault", "integration option lake", "integration check lake", "push plan lake",
            "team grant Apart --integration lake", "team member Apart vic@example.com", "team add Apart", "team see-as vic@example.com",
            "query-permission lake --team Apart", "query-permission lake --member ada@example.com", "workspace delete acme",
        )
    ]  # fmt: skip
    for name in [*luck.sample(shown, 2), *asked_names(twins, luck)]:
        word = name.rpartition(".")[2]
        given += [
            (["search", word.replace("_", " "), "--json"], ""),
            (["search", name, "--kind", "table", "--kind", "column"], ""),
            (["show", name, "--json"], ""),
            (["show", name, "--integration", "lake"], ""),
            (["lineage", name, "--json", "--depth", "9"], ""),
            (["lineage", name, "--columns", "--csv"], ""),
            (["lineage", name, "--impact", "--json"], ""),
            (["ask", f"What is {name} and who owns it?", "--json"], ""),
            (["ask", f"Write SQL that counts the rows of {word} by day"], ""),
            (["sql", "run", "--integration", "lake", "--json"], f"SELECT * FROM {name}"),
            (["sql", "query", "save", "mine", "--integration", "lake", "--json"], f"SELECT * FROM {name}"),
            (["team", "grant", "Readers", "--integration", "lake", "--resource", name], ""),
        ]
    hidden = sorted(set(twins.rich.ids.values()) - {id_ for _name, id_ in twins.shown})
    lines = [
        f"{name},{integration},{kind},mine now,{id_}"
        for name in (*luck.sample(shown, 2), *asked_names(twins, luck))
        for integration, kind in (("", ""), ("lake", "table"), ("shop", "view"))
        for id_ in ("", str(luck.choice(hidden)), "987654321")
    ]
    yield "properties import", lambda side: imported(side, lines)
    for words, stdin in given:
        yield f"docent {' '.join(words)}", lambda side, words=words, stdin=stdin: docent(side, words, stdin)  # type: ignore[misc]


def kept(twins: Twins, luck: random.Random) -> Iterator[Face]:
    """Templates with variables, chats, shares, exports, saved queries, and the page inside other applications."""
    shown = luck.choice([name.partition(".")[2] for name, _id in twins.shown if name.count(".") == 2])
    names = [shown, *luck.sample(twins.plan.absent_names, 2)]
    for path in (
        "/history/templates", "/history/shared", "/history/mine", "/history/mine.json", "/api/v1/chats", "/api/v1/sql/queries",
        "/queries", "/embed", *(f"/embed?about={name}" for name in names), *(f"/assistant?q={name}" for name in names),
    ):  # fmt: skip
        yield f"GET {path}", lambda side, path=path: whole(person(side).get(path))  # type: ignore[misc]
    for name in names:

        def template(side: Side, name: str = name) -> str:
            """Keep it, fill it in, ask what came of it, read it back in every form, share it, delete it."""
            one = person(side)
            with side.store.as_viewer(side.reader) as mine:
                made = mine.history.templates.save(
                    f"about {name}", "Who reads {{table}}, and what of " + name
                )
            used = one.post(f"/history/templates/{made.id}/use", {"v-table": name})
            asked = one.api("POST", "/api/v1/prompts", {"prompt": f"Who reads {name}, and what of {name}?"})
            chat = (asked.json or {}).get("chat_id", 0)
            seen = [used, asked, one.get(f"/assistant/{chat}"), one.get(f"/history/{chat}/share")]
            seen += [
                one.get(f"/history/{chat}/export?format={form}") for form in ("md", "json", "ipynb", "py")
            ]
            seen.append(one.post(f"/history/{chat}/share", {"email": "oda@example.com"}))
            seen.append(one.post(f"/history/{chat}/share", {"email": "nobody@example.com"}))
            seen.append(one.post(f"/history/{chat}/share", {"subject": f"team:{side.apart or 77}"}))
            seen.append(one.get("/history/mine.json"))
            seen.append(one.post(f"/history/templates/{made.id}/delete"))
            return "\n".join(map(whole, seen))

        yield f"template {name}", template
    saved = [
        ("the one that is approved", lambda side: side.saved),
        ("a hidden one", lambda side: side.saved_apart or 77),
    ]
    for what, which in saved:

        def query(side: Side, which: Callable[[Side], int] = which) -> str:
            one, at = person(side), f"/api/v1/sql/queries/{which(side)}"
            tried = [one.api("POST", f"{at}/{act}", {"values": {}}) for act in ("run", "estimate")]
            tried += [
                one.api("POST", f"{at}/approve", {"teams": []}),
                one.get(f"/queries?edit={which(side)}"),
            ]
            return "\n".join(map(whole, tried)).replace(str(which(side)), "<query>")

        yield f"query {what}", query


def changes(twins: Twins, luck: random.Random) -> Iterator[Face]:
    """What a member tries to change: hidden on one side, absent on the other; nothing comes of it on either."""
    known = {id_ for _name, id_ in twins.shown}
    tables = {id_ for name, id_ in twins.shown if name.count(".") == 2}
    columns = {
        id_ for name, id_ in twins.rich.ids.items() if twins.rich.ids.get(name.rpartition(".")[0]) in tables
    }
    ids = luck.sample(sorted(set(twins.rich.ids.values()) - known - columns), 3)
    visible = luck.choice(sorted(tables))
    tries: list[tuple[str, str, Any]] = []
    for id_ in ids:
        tries += [
            ("PATCH", f"/api/v1/resources/{id_}", {"description": "mine now"}),
            ("POST", f"/api/v1/resources/{id_}/lineage", {"upstream_id": visible}),
            ("POST", f"/api/v1/resources/{visible}/lineage", {"upstream_id": id_}),
            ("DELETE", f"/api/v1/resources/{visible}/lineage", {"upstream_id": id_}),
            ("POST", "/api/v1/prompts", {"prompt": "What is this?", "page_resource_id": id_}),
            ("POST", "/api/v1/prompts", {"prompt": "And that?", "mentions": [id_]}),
        ]
        for act in ("edit", "tags", "owners", "delete", "lineage/draw", "lineage/erase"):
            tries.append(
                ("FORM", f"/r/{id_}/{act}", {"field": "description", "value": "x", "tag": "t", "add": "t"})
            )
        tries.append(("FORM", f"/r/{visible}/lineage/draw", {"upstream": str(id_), "downstream": str(id_)}))
    for name in luck.sample(twins.plan.absent_names, 3):
        for integration in twins.rich.integrations.values():
            sql = {"sql": f"SELECT * FROM {name}", "integration_id": integration}
            tries += [("POST", "/api/v1/sql/check", sql), ("POST", "/api/v1/sql/run", sql)]
        tries.append(("FORM", "/assistant/ask", {"prompt": f"Propose a tag for {name}"}))
    for method, path, given in tries:

        def go(side: Side, method: str = method, path: str = path, given: Any = given) -> str:
            one = person(side)
            return whole(one.post(path, given) if method == "FORM" else one.api(method, path, given))

        yield f"{method} {path} {given}", go


def whole(answer: Any) -> str:
    """Status, headers that tell something, and body."""
    told = {
        name: answer.headers.get(name) for name in ("Content-Type", "Location", "Content-Security-Policy")
    }
    return f"{answer.status_code} {told}\n{answer.get_data(as_text=True)}"


MORE_FACES: tuple[Faces, ...] = (commands, kept, changes)
