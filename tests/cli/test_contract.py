"""The command line as scripts call it: its output, its exit codes and what it refuses."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from plugin.cli.sources import read_settings
from plugin.errors import BadInput
from tests.cli.warm import Warm, warm

DOCENT = str(Path(sys.executable).parent / "docent")


class Shell:
    """Runs `docent` as a person does, in one home: started anew, or forked from one that has its imports."""

    def __init__(self, home: Path, warm: Warm | None = None) -> None:
        self.warm = warm
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("DOCENT_", "OPENAI", "ANTHROPIC"))}
        self.env = clean | {"DOCENT_HOME": str(home)}

    def __call__(self, *words: str, stdin: str = "", code: int = 0) -> str:
        """stdout of one command. Fails where it exits otherwise than with `code` or shows a traceback."""
        if self.warm:
            done = self.warm.run(words, self.env, stdin)
        else:
            done = subprocess.run(
                [DOCENT, *words],
                input=stdin,
                env=self.env,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
        assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        assert "leaked" not in done.stderr, "a binding's words to its makers are not for people"
        if code:
            assert done.stderr.strip(), "a failure says why"
        self.stderr = done.stderr
        return done.stdout

    def json(self, *words: str, stdin: str = "") -> Any:
        """The one JSON document that a command prints."""
        return json.loads(self(*words, "--json", stdin=stdin))

    def lines(self, *words: str, stdin: str = "") -> list[Any]:
        """The objects of a command that prints JSONL."""
        return [json.loads(line) for line in self(*words, stdin=stdin).splitlines()]


@pytest.fixture(scope="module")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warm]:
    with warm(tmp_path_factory.mktemp("warm")) as made:
        yield made


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, forks: Warm) -> Shell:
    """The sample company, built twice: the second run must change nothing."""
    home = tmp_path_factory.mktemp("demo")
    shell = Shell(home)
    first = shell("demo", "--no-serve")
    assert "maren@harbor.example" in first
    assert shell("demo", "--no-serve").splitlines()[0] == first.splitlines()[0]
    return Shell(home, forks)


@pytest.fixture(scope="session")
def bare_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of an installation with one empty workspace, made once."""
    home = tmp_path_factory.mktemp("bare") / "home"
    words = ("init", "--workspace", "Acme", "--admin", "ann@acme.example", "--password-stdin")
    Shell(home)(*words, stdin="long enough 1\n")
    return home


@pytest.fixture
def bare(tmp_path: Path, bare_home: Path, forks: Warm) -> Shell:
    """An installation with one empty workspace."""
    home = tmp_path / "home"
    shutil.copytree(bare_home, home)
    return Shell(home, forks)


def test_the_home_is_private(tmp_path: Path) -> None:
    home = tmp_path / "new"
    Shell(home)(
        "init", "--workspace", "A", "--admin", "a@a.example", "--password-stdin", stdin="long enough 1\n"
    )
    assert home.stat().st_mode & 0o777 == 0o700
    assert [path for path in home.rglob("*") if path.is_file() and path.stat().st_mode & 0o077] == []


def test_search_finds_and_ranks(demo: Shell) -> None:
    hits = demo.lines("search", "customer orders", "--limit", "5", "--json")
    assert 1 <= len(hits) <= 5
    assert [hit["rank"] for hit in hits] == list(range(1, len(hits) + 1))
    assert set(hits[0]) == {
        "rank",
        "id",
        "kind",
        "name",
        "qualified_name",
        "integration",
        "description",
        "score",
    }
    assert any("customer_orders" in hit["qualified_name"] for hit in hits)


def test_a_private_schema_does_not_exist_for_others(demo: Shell) -> None:
    hidden = demo("--as", "jonas@harbor.example", "show", "hr.salaries", code=1)
    mine = demo.stderr
    demo("--as", "jonas@harbor.example", "show", "hr.no_such_thing", code=1)
    assert hidden == "" and mine.replace("salaries", "x") == demo.stderr.replace("no_such_thing", "x")
    assert demo("--as", "jonas@harbor.example", "search", "annual salary", "--json").find("hr.") == -1
    seen = json.loads(demo("--as", "ines@harbor.example", "show", "hr.salaries", "--json"))
    assert [column["name"] for column in seen["columns"]][:2] == ["employee_id", "valid_from"]


def test_lineage_of_a_view_over_views(demo: Shell) -> None:
    edges = demo.lines("lineage", "finance.revenue_monthly", "--upstream", "--json")
    assert all(set(edge) == {"upstream", "downstream", "kind", "source"} for edge in edges)
    ends = {(edge["upstream"].split(".")[-1], edge["downstream"].split(".")[-1]) for edge in edges}
    assert {
        ("revenue_daily", "revenue_monthly"),
        ("completed_orders", "revenue_daily"),
        ("orders", "completed_orders"),
    } <= ends


def test_ask_answers_from_the_catalog(demo: Shell) -> None:
    answer = demo.json("ask", "Who owns sales.orders?")
    assert set(answer) >= {"prompt_id", "chat_id", "answer", "citations", "sql", "steps", "provider", "usage"}
    assert answer["provider"] == "builtin"
    assert "Tomás Ortega" in answer["answer"]
    assert any(name.endswith("sales.orders") for name in answer["citations"])


def test_ask_in_json_is_one_document_in_failure_too(demo: Shell) -> None:
    for code, words in ((1, ("--as", "nobody@x.example")), (1, ("--chat", "99999999"))):
        said = demo("ask", "who owns sales.orders?", "--json", *words, code=code)
        assert len(said.strip().splitlines()) == 1
        assert json.loads(said)["error"] and json.loads(said)["answer"] == ""


def test_a_chat_goes_on(demo: Shell) -> None:
    first = demo.json("ask", "Describe sales.customers")
    second = demo.json("ask", "who owns it?", "--chat", str(first["chat_id"]))
    assert second["chat_id"] == first["chat_id"]
    assert "Tomás Ortega" in second["answer"]


def test_settings_are_checked_and_audited(bare: Shell) -> None:
    assert bare.json("settings")["ai.provider"] == "builtin"
    bare("settings", "ai.history", "sometimes", code=1)
    assert all(word in bare.stderr for word in ("off", "explicit", "always"))
    bare("settings", "ai.history", "explicit")
    assert bare("settings", "ai.history").strip() == "explicit"
    assert any("ai.history" in json.dumps(line) for line in bare.lines("audit", "export", "--json"))
    assert bare.json("audit", "verify")["ok"] is True


def test_settings_travel_in_one_file(bare: Shell, tmp_path: Path) -> None:
    bare("settings", "ai.instructions", "Say euro, not EUR.")
    kept = tmp_path / "settings.json"
    kept.write_text(bare("settings", "export"))
    bare("settings", "ai.instructions", "something else")
    bare("settings", "apply", str(kept))
    assert bare("settings", "ai.instructions").strip() == "Say euro, not EUR."


def test_a_secret_in_argv_is_refused(bare: Shell) -> None:
    for words in (
        ("--set", "url=postgresql://reader:hunter2@db.example.org/x"),
        ("--set", "password=hunter2"),
        ("--secret", "password=hunter2"),
    ):
        bare("integration", "add", "w", "--type", "postgres", *words, code=1)
        assert "hunter2" not in bare.stderr
        assert "env:" in bare.stderr


def test_what_a_secret_is_the_connector_says_and_not_the_name_of_a_setting(bare: Shell) -> None:
    words = ("--set", "client_id=docent", "--set", "client_secret=hunter2")
    bare("integration", "add", "w", "--type", "airbyte", *words, code=1)
    assert "hunter2" not in bare.stderr and "--secret client_secret=env:" in bare.stderr
    bare(
        "integration", "add", "f", "--type", "fivetran", "--set", "key=abc", "--set", "secret=hunter2", code=1
    )
    assert "hunter2" not in bare.stderr and "--secret secret=env:" in bare.stderr


def test_a_setting_that_only_sounds_like_a_secret_can_be_given(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = {"api_key": False, "secret": True}
    monkeypatch.setattr("plugin.catalog.sync.secret_settings", lambda type: plain if type == "vault" else {})
    assert read_settings(("api_key=k-17",), (), "vault") == ({"api_key": "k-17"}, {})
    for type, given in (
        ("vault", "secret=hunter2"),
        ("unknown", "api_key=hunter2"),
        (None, "api_key=hunter2"),
    ):
        with pytest.raises(BadInput, match="env:VAR"):
            read_settings((given,), (), type)


def test_wrong_usage_exits_with_two(bare: Shell) -> None:
    bare("no-such-command", code=2)
    bare("search", code=2)
    bare("member", "add", "x@y.example", "--role", "king", code=2)


def test_a_viewer_is_refused_an_admins_work(demo: Shell) -> None:
    demo("--as", "jonas@harbor.example", "settings", "ai.run_sql", "true", code=3)
    demo("--as", "jonas@harbor.example", "ledger", "verify", code=3)


def test_people_teams_and_tokens(bare: Shell) -> None:
    bare("member", "add", "bob@acme.example", "--role", "viewer", "--password-stdin", stdin="long enough 2\n")
    bare("team", "add", "Finance", "--private")
    bare("team", "member", "Finance", "bob@acme.example")
    assert bare.json("token", "create", "--scope", "read", "--days", "3", "--as", "bob@acme.example")["token"]
    bare("team", "member", "Finance", "nobody@acme.example", code=1)


def test_the_guard_speaks_jsonl() -> None:
    shell = Shell(Path("/nonexistent"))
    given = [
        {"id": 1, "dialect": "postgres", "sql": "select count(*) from sales.orders"},
        {"id": 2, "dialect": "postgres", "sql": "drop table sales.orders"},
        {"id": 3, "dialect": "klingon", "sql": "select 1"},
    ]
    verdicts = shell.lines(
        "sql", "check", "--jsonl", "--allow", "sales.orders", stdin="\n".join(map(json.dumps, given))
    )
    assert [(each["id"], each["decision"]) for each in verdicts] == [
        (1, "accept"),
        (2, "reject"),
        (3, "reject"),
    ]


def test_redact_speaks_jsonl() -> None:
    text = "write to ann@example.org about sales.orders"
    (line,) = Shell(Path("/nonexistent")).lines("redact", stdin=json.dumps({"id": "a", "text": text}))
    assert "ann@example.org" not in line["text"] and "sales.orders" in line["text"]
    (finding,) = line["findings"]
    assert text[finding["start"] : finding["end"]] == "ann@example.org"


def test_run_sql_names_the_gate_and_gives_rows_to_who_may(demo: Shell) -> None:
    query = "select channel, count(*) as n from sales.orders group by channel order by channel"
    demo("--as", "tomas@harbor.example", "sql", "run", "--integration", "warehouse", stdin=query, code=3)
    assert "permission" in demo.stderr
    rows = demo.json("--as", "priya@harbor.example", "sql", "run", "--integration", "warehouse", stdin=query)
    assert rows["columns"] == ["channel", "n"] and len(rows["rows"]) == 5
    hidden = "select * from hr.salaries"
    demo("--as", "priya@harbor.example", "sql", "run", "--integration", "warehouse", stdin=hidden, code=3)


def test_custom_metadata_names_its_bad_lines(bare: Shell, tmp_path: Path) -> None:
    good = {"entity_type": "table", "databuilder_id": "t1", "title": "orders", "schema": "shop", "database": "app",
            "description": "Orders", "columns": [{"name": "id", "type": "int"}]}  # fmt: skip
    file = tmp_path / "meta.jsonl"
    file.write_text(json.dumps(good) + "\nnot json\n" + json.dumps({"entity_type": "spaceship"}) + "\n")
    bare("import", str(file), "--integration", "files", "--strict", code=1)
    assert bare("search", "orders", "--json") == ""
    bare("import", str(file), "--integration", "files", code=1)
    assert "line 2" in bare.stderr and "line 3" in bare.stderr
    assert bare.lines("search", "orders", "--json")[0]["name"] == "orders"


def test_connectors_say_how_they_were_verified() -> None:
    found = Shell(Path("/nonexistent")).json("connectors")
    assert {"postgres", "mysql", "sqlite", "duckdb"} <= {each["name"] for each in found}
    assert {each["verified"] for each in found} <= {"real", "emulator", "documented"}
    tried = {each["name"]: each["run_verified"] for each in found if each["can_query"]}
    assert tried["postgres"] == "real" and tried["bigquery"] == "documented", "how running SQL was tried, too"


def test_a_query_credential_may_be_more_than_an_address(bare: Shell) -> None:
    add = (
        "integration",
        "add",
        "lake",
        "--type",
        "snowflake",
        "--set",
        "account=ab12",
        "--set",
        "warehouse=W",
    )
    add += ("--set", "user=reader", "--secret", "private_key=-")
    bare(*add, "--query-set", "token=hunter2", stdin="key", code=1)
    assert "hunter2" not in bare.stderr and "env:" in bare.stderr
    bare(*add, "--query-set", "colour=red", stdin="key", code=1)
    assert "colour" in bare.stderr
    query = ("--query-set", "account=ab12", "--query-set", "warehouse=Q", "--query-secret", "token=-")
    made = bare.json(*add, *query, stdin="key\ntoken\n")
    assert made["can_query"] is True


def test_sync_again_writes_nothing(demo: Shell) -> None:
    again = demo.json("sync", "warehouse")
    assert set(again) >= {
        "integration",
        "status",
        "seconds",
        "seen",
        "created",
        "updated",
        "unchanged",
        "removed",
        "errors",
    }
    assert (again["created"], again["updated"], again["removed"]) == (0, 0, 0)


DEEP = "[" * 100_000
HALF = "\\ud800"


def test_redact_names_bad_lines_and_does_the_rest() -> None:
    """Nested too deep, no JSON by the letter, no text: each is named by its line, as blank lines count too."""
    shell = Shell(Path("/nonexistent"))
    given = [
        '{"id": 1, "text": "mail a@b.example"}', "", DEEP, '{"id": NaN, "text": "x"}', "7", '{"id": 5}',
        '{"id": "' + HALF + '", "text": "half a pair ' + HALF + '"}', '{"id": 8, "text": "\u00fc"}',
    ]  # fmt: skip
    shell.env |= {"PYTHONIOENCODING": "ascii"}  # JSON is UTF-8 whatever the terminal says
    done = [json.loads(line) for line in shell("redact", stdin="\n".join(given) + "\n", code=1).splitlines()]
    assert [each["id"] for each in done] == [1, "\ud800", 8]
    assert done[-1]["text"] == "\u00fc"
    assert [line.split()[2] for line in shell.stderr.splitlines()] == ["3", "4", "5", "6"]


def test_the_guard_answers_every_line_with_its_id() -> None:
    """A line that cannot be read is rejected in its place, and the batch goes on."""
    good = {"dialect": "postgres", "sql": "select 1"}
    given = [
        json.dumps(good | {"id": "a"}), DEEP, '{"id": NaN, "dialect": "postgres", "sql": "select 1"}',
        json.dumps({"id": "d", "dialect": "postgres"}), json.dumps(good | {"id": "e"}),
    ]  # fmt: skip
    found = Shell(Path("/nonexistent")).lines("sql", "check", "--jsonl", stdin="\n".join(given))
    assert [(each["id"], each["decision"]) for each in found] == [
        ("a", "accept"), (2, "reject"), (3, "reject"), ("d", "reject"), ("e", "accept")
    ]  # fmt: skip


def test_a_failed_import_stands_in_nobodys_way(bare: Shell, tmp_path: Path) -> None:
    """Text that no database can hold is a bad line; what a JSON text may hold (U+2028) splits no line."""
    table = (
        '{"entity_type": "table", "databuilder_id": "%s", "title": "%s", "database": "d", "schema": "s"}\n'
    )
    file = tmp_path / "odd.jsonl"
    file.write_text(table % ("a", HALF) + table % ("b", "x\u2028y\x85z") + DEEP, "utf-8")
    words = ("import", str(file), "--integration", "own", "--json")
    said = json.loads(bare(*words, code=1))
    assert [each["line"] for each in said["errors"]] == [1, 3]
    assert (said["imported"], said["created"] > 0) == (1, True)
    file.write_text(table % ("c", "fine"), "utf-8")
    assert json.loads(bare(*words))["imported"] == 1


def test_text_that_is_no_unicode_is_wrong_usage(bare: Shell) -> None:
    """Bytes of argv that are no UTF-8 reach no database, and the reason is one line."""
    for words in (["show", "\udcff"], ["ask", "\udcff"], ["search", "x", "--workspace", "\udcff"]):
        bare(*words, code=2)
        assert "UTF-8" in bare.stderr and "unexpected" not in bare.stderr
    bare.env |= {"DOCENT_DATABASE_URL": "nonsense s3cret"}
    bare("search", "x", code=1)
    assert "DOCENT_DATABASE_URL" in bare.stderr and "s3cret" not in bare.stderr


def test_rows_are_json_whatever_they_hold(demo: Shell) -> None:
    """JSON has no NaN; what comes on stdin is UTF-8."""
    run = ("sql", "run", "--integration", "warehouse", "--json")
    said = demo(*run, stdin="select 'nan'::double a, '-inf'::double b, 1.5::double c")

    def no(name: str) -> None:
        raise AssertionError(name)

    assert json.loads(said, parse_constant=no)["rows"] == [["NaN", "-Infinity", 1.5]]


def test_odd_times_questions_and_headers_have_a_reason(bare: Shell, tmp_path: Path) -> None:
    """Times at the ends of the calendar, questions without their gold, a CSV with another header, nobody to ask."""
    for since in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"):
        bare("audit", "export", "--since", since, "--json")
    bare("drift", "--since", "0001-01-01T00:00:00+14:00", code=1)
    catalog, questions, sheet = tmp_path / "c.jsonl", tmp_path / "q.jsonl", tmp_path / "s.csv"
    catalog.write_text("")
    questions.write_text('{"id": "q", "question": "orders"}\n')
    bare("eval", "retrieval", "--catalog", str(catalog), "--questions", str(questions), "--json", code=1)
    assert "question 1 has no usable" in bare.stderr
    sheet.write_text("one;two\n1;2\n")
    said = json.loads(bare("import", str(sheet), "--integration", "own", "--json", code=1))
    assert (said["imported"], said["errors"][0]["line"]) == (0, 1)
    bare("init", "--workspace", "Other", "--admin", "ann@acme.example", "--json", code=2)
    assert "--password-stdin" in bare.stderr


def test_closed_streams_and_a_reader_that_left_are_no_failure(demo: Shell) -> None:
    """`docent ... | head`, and a caller that closed what it does not want."""
    for line in (
        f"{DOCENT} search orders --json | true; exit ${{PIPESTATUS[0]}}",
        f"{DOCENT} redact <&-",
        f"{DOCENT} connectors --json >&-",
    ):
        done = subprocess.run(
            ["bash", "-c", line], env=demo.env, capture_output=True, timeout=60, check=False
        )
        assert (done.returncode, done.stderr) == (0, b""), line


def test_a_kind_that_there_is_not_is_wrong_usage(demo: Shell) -> None:
    """An empty answer would say that the catalog has no such thing."""
    demo("search", "orders", "--kind", "tabel", "--json", code=2)
    assert "table" in demo.stderr
    assert {hit["kind"] for hit in demo.lines("search", "orders", "--kind", "view", "--json")} == {"view"}


def test_an_import_beside_a_source_says_what_the_next_sync_does(bare: Shell, tmp_path: Path) -> None:
    from contextlib import closing
    from sqlite3 import connect

    with closing(connect(tmp_path / "shop.db")) as shop:
        shop.execute("create table orders (id integer)")
    file = tmp_path / "terms.csv"
    file.write_text("entity_type,databuilder_id,title,description\nterm,t,Basket,What is bought at once\n")
    bare("integration", "add", "shop", "--type", "sqlite", "--set", f"path={tmp_path / 'shop.db'}")
    bare("sync", "shop")
    for name, warned in (("shop", True), ("words", False)):
        assert bare.json("import", str(file), "--integration", name)["imported"] == 1
        assert ("next sync removes" in bare.stderr) is warned
    assert bare.json("sync", "shop")["removed"] == 1
    assert [hit["integration"] for hit in bare.lines("search", "basket", "--json")] == ["words"]


def test_a_run_that_cannot_be_written_is_said_before_the_work(tmp_path: Path) -> None:
    table = {"id": "t", "integration": "postgres", "database": "d", "schema": "s", "table": "orders", "groups": ["g"],
             "columns": [{"name": "id", "type": "int"}], "family": "f", "content": "c"}  # fmt: skip
    asked = {"id": "q", "engine": "postgres", "db_group": "g", "question": "orders?", "gold_tables": ["t"],
             "gold_families": ["f"], "gold_content": ["c"]}  # fmt: skip
    for name, line in (("catalog.jsonl", table), ("questions.jsonl", asked)):
        (tmp_path / name).write_text(json.dumps(line) + "\n")
    shell = Shell(tmp_path / "home")
    words = ("eval", "retrieval", "--catalog", str(tmp_path / "catalog.jsonl"), "--questions",
             str(tmp_path / "questions.jsonl"), "--setting", "A", "--run")  # fmt: skip
    shell(*words, str(tmp_path / "no" / "run.jsonl"), code=1)
    assert "cannot write" in shell.stderr
    shell(*words, str(tmp_path / "run.jsonl"))
    run = [json.loads(line) for line in (tmp_path / "run.jsonl").read_text().splitlines()]
    assert run == [{"id": "q", "setting": "A", "ranked": ["t"]}]


def test_an_integration_for_a_team_that_there_is_not_is_not_left_behind(bare: Shell) -> None:
    words = ("integration", "add", "shop", "--type", "sqlite", "--set", "path=/nowhere", "--team")
    bare(*words, "Nobody", code=1)
    assert bare.json("integration", "list") == []
    bare(*words, "General")


def test_a_providers_key_is_set_and_never_printed(bare: Shell) -> None:
    """With --json one document, here too."""
    key = "ai.key.openai"
    assert bare.json("settings", key) == {"key": key, "set": False, "changed_at": None}
    done = bare.json("settings", key, "-", stdin="sk-canary-0123456789\n")
    assert (done["key"], done["set"]) == (key, True) and done["changed_at"]
    assert bare.json("settings", key) == done and "canary" not in bare("settings", key) + bare.stderr
    bare("settings", key, "sk-canary-0123456789", code=1)
    assert "canary" not in bare.stderr
