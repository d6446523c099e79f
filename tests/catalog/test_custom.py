"""Custom metadata by file: what is imported, what is named as bad, and what comes of lineage."""

from __future__ import annotations

import gzip
import io
import json
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from plugin.access.viewer import Surface, Viewer
from plugin.catalog import custom_parsed, spool, text_file
from plugin.catalog.custom import parse_jsonl
from plugin.catalog.custom_csv import parse_csv
from plugin.catalog.sync import imports
from plugin.catalog.sync.imports import import_path
from plugin.errors import BadInput, NotFound
from plugin.store import Store

LINES = [
    {"entity_type": "database", "databuilder_id": "d", "title": "lake"},
    {"entity_type": "schema", "databuilder_id": "s", "title": "raw", "parent_databuilder_id": "d"},
    {
        "entity_type": "table",
        "databuilder_id": "t1",
        "title": "clicks",
        "schema": "raw",
        "database": "lake",
        "description": "every click",
        "tags": ["web"],
        "owners": ["web team"],
        "columns": [
            {"name": "at", "type": "timestamp"},
            {"name": "email", "type": "text", "description": "who"},
        ],
    },
    {"entity_type": "table", "databuilder_id": "t2", "title": "visits", "schema": "raw", "database": "lake"},
    {
        "entity_type": "column",
        "databuilder_id": "c1",
        "parent_databuilder_id": "t2",
        "title": "visit_id",
        "type": "bigint",
        "sort_order": 1,
        "is_pk": True,
    },
    {"entity_type": "dashboard_group", "databuilder_id": "g", "title": "Marketing"},
    {"entity_type": "dashboard", "databuilder_id": "b", "title": "Traffic", "parent_databuilder_id": "g"},
    {"entity_type": "term", "databuilder_id": "w", "title": "Visit", "definition": "a session of a person"},
    {
        "from_identifier": {"type": "internal_resource", "databuilder_id": "t1"},
        "to_identifier": {"type": "internal_resource", "databuilder_id": "b"},
    },
    {
        "from_identifier": {"type": "tables_from_query", "sql": "SELECT visit_id FROM raw.visits"},
        "to_identifier": {"type": "internal_resource", "databuilder_id": "b"},
    },
]


def write(path: Path, lines: list[object]) -> str:
    path.write_text("\n".join(each if isinstance(each, str) else json.dumps(each) for each in lines))
    return str(path)


def test_a_file_becomes_resources_and_lineage(any_store: Store, any_admin: Viewer, tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", list(LINES))
    done = import_path(any_store, any_admin, file, integration="files")
    assert (done.imported, done.errors) == (10, ())
    with any_store.as_viewer(any_admin) as mine:
        clicks = mine.catalog.by_name("lake.raw.clicks")
        assert (clicks.description, clicks.tags, clicks.owners[0].name, clicks.children) == (
            "every click",
            ("web",),
            "web team",
            2,
        )
        assert mine.catalog.by_name("visits.visit_id").is_pk
        board = mine.catalog.by_name("Marketing.Traffic", kind="dashboard")
        lineage = mine.catalog.lineage(board.id)
        assert {each.name for each in lineage.resources.values()} == {"Traffic", "clicks", "visits"}
        assert mine.catalog.term("visit").definition == "a session of a person"
    again = import_path(any_store, any_admin, file, integration="files")
    assert (again.created, again.updated) == (0, 0)
    with any_store.as_viewer(any_admin) as mine:
        assert len(mine.catalog.lineage(board.id).edges) == 2


def test_bad_lines_are_named_and_the_rest_is_imported(store: Store, admin: Viewer, tmp_path: Path) -> None:
    bad = [
        "not json",
        "[1]",
        {"entity_type": "planet", "databuilder_id": "x"},
        {"entity_type": "table", "title": "y"},
    ]
    file = write(tmp_path / "a.jsonl", [*bad, *LINES, {**LINES[2], "title": "again"}])
    done = import_path(store, admin, file, integration="files")
    assert [problem.line for problem in done.errors] == [1, 2, 3, 4, 15]
    assert done.imported == 10
    strict = import_path(store, admin, file, integration="strictly", strict=True)
    assert strict.imported == 0 and len(strict.errors) == 5
    with store.as_admin(admin) as door:
        assert [each.name for each in door.integrations.list()] == ["files"]


def test_csv(store: Store, admin: Viewer, tmp_path: Path) -> None:
    text = "database,schema,name,description,col_name,col_type,col_description,sort_order,is_view\n"
    text += (
        "Shop,Sales,Orders,what was sold,ID,int,,1,false\nShop,Sales,Orders,,Total,numeric,in euros,2,false\n"
    )
    text += "Shop,Sales,,,x,int,,1,\n"
    (tmp_path / "a.csv").write_text(text)
    done = import_path(store, admin, str(tmp_path / "a.csv"), integration="files")
    assert [problem.line for problem in done.errors] == [4]
    with store.as_viewer(admin) as mine:
        assert mine.catalog.by_name("shop.sales.orders.total").description == "in euros"


def test_lineage_to_another_integration_is_tied_when_it_comes(
    store: Store, admin: Viewer, tmp_path: Path
) -> None:
    link = {
        "from_identifier": {"type": "external_table", "database": "lake", "schema": "raw", "table": "clicks"},
        "to_identifier": {"type": "internal_resource", "databuilder_id": "b"},
    }
    import_path(store, admin, write(tmp_path / "a.jsonl", [LINES[5], LINES[6], link]), integration="boards")
    import_path(store, admin, write(tmp_path / "b.jsonl", LINES[:3]), integration="warehouse")
    with store.as_viewer(admin) as mine:
        board = mine.catalog.by_name("Traffic")
        assert {each.upstream for each in mine.catalog.lineage(board.id).edges} == {"lake.raw.clicks"}


def test_columns_are_joined_across_integrations_whichever_comes_first(
    any_store: Store, any_admin: Viewer, tmp_path: Path
) -> None:
    """An edge from column to column is one of columns where its other end is of another integration, too."""
    table = {"entity_type": "table", "databuilder_id": "t", "title": "sums", "schema": "out", "database": "x",
             "columns": [{"name": "who", "databuilder_id": "t.who"}]}  # fmt: skip
    far = {"database": "lake", "schema": "raw", "table": "clicks", "column": "email"}
    links = [
        {"from_identifier": {"type": "external_column", **far},
         "to_identifier": {"type": "internal_resource", "databuilder_id": "t.who"}},
        {"from_identifier": {"type": "external_column", **far, "column": "at"},
         "to_identifier": {"type": "external_column", "database": "x", "schema": "out", "table": "sums", "column": "who"}},
    ]  # fmt: skip
    wanted = {
        ("lake.raw.clicks", "email", "x.out.sums", "who"),
        ("lake.raw.clicks", "at", "x.out.sums", "who"),
    }

    def edges(name: str) -> set[tuple[str, str | None, str, str | None]]:
        with any_store.as_viewer(any_admin) as mine:
            found = mine.catalog.lineage(
                mine.catalog.by_name("x.out.sums", integration=name).id, columns=True
            )
        return {
            (each.upstream, each.upstream_column, each.downstream, each.downstream_column)
            for each in found.edges
            if each.kind == "column"
        }

    first = write(tmp_path / "a.jsonl", [table, *links])
    assert not import_path(any_store, any_admin, first, integration="early").errors
    assert edges("early") == set()
    import_path(any_store, any_admin, write(tmp_path / "b.jsonl", LINES[:3]), integration="warehouse")
    assert edges("early") == wanted, "tied up when the other came"
    assert not import_path(any_store, any_admin, first, integration="late").errors
    assert edges("late") == wanted, "found at once where it is there"
    nowhere = [
        {
            "from_identifier": {"type": "external_column", **far},
            "to_identifier": {"type": "external_column", **far},
        }
    ]
    done = import_path(any_store, any_admin, write(tmp_path / "c.jsonl", nowhere), integration="late")
    assert "neither" in done.errors[0].reason


def test_nothing_is_raised_for_odd_files() -> None:
    assert parse_jsonl(
        ['{"entity_type": null}', "{}", '{"columns": 3, "table": "x", "id": "y", "schema": "z"}']
    ).problems
    assert parse_csv("").problems and parse_csv('a,b\n"').problems
    circle = [
        {"entity_type": "dashboard", "databuilder_id": a, "title": a, "parent_databuilder_id": b}
        for a, b in ("xy", "yx")
    ]
    assert len(parse_jsonl(json.dumps(each) for each in circle).problems) == 2


def test_a_csv_with_the_fields_of_a_json_line(store: Store, admin: Viewer, tmp_path: Path) -> None:
    """One row a thing, of any entity_type; what JSON has as a list or an object is a cell."""
    file = tmp_path / "things.csv"
    file.write_text(
        "entity_type,databuilder_id,parent_databuilder_id,title,schema,database,description,tags,sort_order,is_pk,"
        "type,columns,from_identifier,to_identifier\n"
        'table,t,,clicks,raw,lake,"one row, a click","a, b",,,,"[{""name"": ""id"", ""type"": ""int""}]",,\n'
        "column,c,t,at,,,,,2,1,timestamp,,,\n"
        "dashboard,d,,Traffic,,,,,,,,,,\n"
        ',,,,,,,,,,,,"{""type"": ""external_table"", ""identifier"": ""lake.raw.clicks""}",'
        '"{""type"": ""internal_resource"", ""identifier"": ""d""}"\n'
        "planet,p,,P,,,,,,,,,,\n"
        "table,u,,other,raw,lake,not in quotes, so one cell too many,,,,,,,\n"
        "table,v,,third,raw,lake,,,,,,not json,,\n"
    )
    done = import_path(store, admin, str(file), integration="files")
    assert [each.line for each in done.errors] == [6, 7, 8], done.errors
    with store.as_viewer(admin) as mine:
        table = mine.catalog.by_name("lake.raw.clicks")
        assert (table.description, table.tags) == ("one row, a click", ("a", "b"))
        columns = mine.catalog.columns(table.id)
        assert [(each.name, each.native_type, each.is_pk) for each in columns] == [
            ("id", "int", False), ("at", "timestamp", True)
        ]  # fmt: skip
        board = mine.catalog.by_name("Traffic")
        assert {each.upstream for each in mine.catalog.lineage(board.id).edges} == {"lake.raw.clicks"}


def test_an_identifier_may_be_one_text() -> None:
    def end(type_: str, said: object) -> str:
        line = {
            "from_identifier": {"type": type_, "identifier": said},
            "to_identifier": {"internal_resource": "x"},
        }
        read = parse_jsonl([json.dumps(line)])
        if read.problems:
            return read.problems.told[0].reason
        made = list(read.links())[0].upstream
        return "|".join(str(part) for part in (made.database, made.schema, made.table, made.column, made.sql))

    assert end("external_table", "lake.raw.clicks") == "lake|raw|clicks|None|None"
    assert end("external_table", "raw.clicks") == "None|raw|clicks|None|None"
    assert end("external_column", "raw.clicks.id") == "None|raw|clicks|id|None"
    assert end("tables_from_query", "select 1 from a.b") == "None|None|None|None|select 1 from a.b"
    assert "more parts" in end("external_table", "a.b.c.d")
    assert "no table" in end("external_table", 5)


def test_a_csv_as_a_spreadsheet_writes_it() -> None:
    """Semicolons, a byte order mark's worth of habits: `sep=`, CRLF, quotes, an empty last row and column."""
    text = (
        "sep=;\r\n\r\nDatabase;Schema;Name;Description;Col_Name;Col_Type;\r\n"
        'x;s;clients;"Ours; ""all"" of them";id;int;\r\nx;s;clients;;mail;text;\r\n;;;;;;\r\n'
        "x;s;clients;;fax;text;;one too many\r\n"
    )
    read = parse_csv(text)
    assert [(each.line, each.reason.split(";")[0]) for each in read.problems.told] == [
        (7, "more cells than the header has")
    ]
    assert [(each.name, each.description) for each in read.items()] == [("clients", 'Ours; "all" of them')]
    assert [each.name for each in list(read.items())[0].columns] == ["id", "mail"]
    assert parse_csv("a,A\n1,2\n").problems.told[0].reason == "the header has 'a' twice"


def test_what_stands_before_a_broken_quote_is_read_and_the_quote_is_named_where_it_opens() -> None:
    rows = "".join(f"table,t{number},n{number},s\n" for number in range(3))
    read = parse_csv("entity_type,databuilder_id,title,schema\n" + rows + 'table,x,"open,s\n' + rows)
    assert [each.key for each in read.items()] == ["t0", "t1", "t2"]
    assert [each.line for each in read.problems.told] == [5]


def test_a_cell_too_long_is_refused_and_the_rows_behind_it_are_read() -> None:
    long = "y" * 1_000_001
    head = "entity_type,databuilder_id,title,schema,description\n"
    read = parse_csv(f"{head}table,a,a,s,{long}\ntable,b,b,s,{long[:-1]}\n")
    assert [each.key for each in read.items()] == ["b"] and [each.line for each in read.problems.told] == [2]


GOOD = {
    "entity_type": "table",
    "databuilder_id": "good",
    "title": "good",
    "schema": "raw",
    "database": "lake",
}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sort_order", 99999999999999999999),
        ("external_updated_at", "0001-01-01T00:00:00+14:00"),
        ("external_updated_at", "yesterday"),
        ("is_pk", "perhaps"),
        ("tags", [1]),
    ],
)
def test_a_value_that_no_database_holds_is_a_bad_line_and_names_its_field(
    any_store: Store, any_admin: Viewer, tmp_path: Path, field: str, value: object
) -> None:
    bad = {"entity_type": "column", "databuilder_id": "c", "title": "c", "parent_databuilder_id": "good"}
    done = import_path(
        any_store,
        any_admin,
        write(tmp_path / "a.jsonl", [GOOD, {**bad, field: value}]),
        integration="files",
    )
    assert [problem.line for problem in done.errors] == [2] and field in done.errors[0].reason
    assert done.imported == 1


def test_a_nul_in_a_list_is_left_out(any_store: Store, any_admin: Viewer, tmp_path: Path) -> None:
    line = {**GOOD, "tags": ["we\x00b", "\x00"], "owners": ["an\x00n"]}
    done = import_path(any_store, any_admin, write(tmp_path / "a.jsonl", [line]), integration="files")
    assert done.errors == ()
    with any_store.as_viewer(any_admin) as mine:
        assert mine.catalog.by_name("lake.raw.good").tags == ("web",)


def test_two_keys_cannot_be_one_table() -> None:
    lines = [GOOD, {**GOOD, "databuilder_id": "again"}]
    (problem,) = parse_jsonl(json.dumps(each) for each in lines).problems.told
    assert (problem.line, "line 1" in problem.reason) == (2, True)


def test_a_spreadsheets_unicode_text_is_read(store: Store, admin: Viewer, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes("database\tschema\tname\tcol_name\r\nshop\tsales\tMaße\tid\r\n".encode("utf-16"))
    assert import_path(store, admin, str(file), integration="files").errors == ()
    with store.as_viewer(admin) as mine:
        assert mine.catalog.by_name("shop.sales.maße").children == 1
    file.write_bytes("database,schema,name,col_name\nshop,sales,Maße,id\n".encode("latin-1"))
    with pytest.raises(BadInput, match="save it as UTF-8"):
        import_path(store, admin, str(file), integration="files")


def test_a_bad_row_leaves_nothing_of_its_table_and_a_later_row_may_describe_it() -> None:
    head = "database,schema,name,description,col_name,is_view,last_updated_time,sort_order\n"
    parsed = parse_csv(head + "d,s,gone,,a,perhaps,,\nd,s,gone,,a,,31.05.2026,\nd,s,gone,,a,,,one\n")
    assert list(parsed.items()) == []
    for problem, field in zip(
        parsed.problems.told, ("is_view", "last_updated_time", "sort_order"), strict=True
    ):
        assert field in problem.reason
    (table,) = parse_csv(head + "d,s,t,,a,,,\nd,s,t,what it is,b,,,\n").items()
    assert (table.description, [each.position for each in table.columns]) == ("what it is", [1, 2])


FOLDERS = [
    {"entity_type": "dashboard_group", "databuilder_id": "g1", "title": "Open"},
    {"entity_type": "dashboard_group", "databuilder_id": "g2", "title": "Closed"},
]
BOARD = {
    "entity_type": "dashboard",
    "databuilder_id": "b",
    "title": "Salaries",
    "parent_databuilder_id": "g1",
}
PLACES = (("Open", "dashboard_group"), ("open", "schema"))
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
CHART = {"entity_type": "chart", "databuilder_id": "c", "title": "By year", "parent_databuilder_id": "b"}


def test_what_is_renamed_or_put_elsewhere_is_seen_there_and_no_longer_here(
    any_store: Store, any_admin: Viewer, tmp_path: Path
) -> None:
    file = tmp_path / "a.jsonl"
    import_path(any_store, any_admin, write(file, [*FOLDERS, BOARD, CHART]), integration="boards")
    with any_store.as_admin(any_admin) as door:
        boards = door.integrations.by_name("boards")
        team = door.people.add_team("Readers")
        lena = door.people.add_member("lena@acme.example", "guest", name="Lena", password="a long enough one")
        door.people.add_to_team(team.id, member_id=lena.id)
    with any_store.sign_in() as sign_in:
        outsider = sign_in.viewer_for_email(any_admin.workspace_slug, "lena@acme.example", Surface.CLI)
    with any_store.as_viewer(any_admin) as mine:
        opened = mine.catalog.by_name("Open", kind="dashboard_group")
    with any_store.as_admin(any_admin) as door:
        door.people.grant(team.id, boards.id, opened.id)
    with any_store.as_viewer(outsider) as theirs:
        chart = theirs.catalog.by_name("Open.Salaries.By year")
    moved = {**BOARD, "title": "Harvest", "parent_databuilder_id": "g2"}
    done = import_path(any_store, any_admin, write(file, [moved]), integration="boards")
    assert (done.created, done.updated) == (0, 1)
    with any_store.as_viewer(any_admin) as mine:
        assert mine.catalog.resource(chart.id).qualified_name == "Closed.Harvest.By year"
        assert [hit.resource.name for hit in mine.catalog.search("harvest").hits][:1] == ["Harvest"]
        assert not mine.catalog.search("salaries").hits
    with any_store.as_viewer(outsider) as theirs:
        with pytest.raises(NotFound):
            theirs.catalog.resource(chart.id)
        assert not theirs.catalog.search("harvest by year").hits
    import_path(
        any_store, any_admin, write(file, [{**moved, "parent_databuilder_id": "g1"}]), integration="boards"
    )
    with any_store.as_viewer(outsider) as theirs:
        assert theirs.catalog.resource(chart.id).qualified_name == "Open.Harvest.By year"


def test_what_changed_in_a_thing_that_went_elsewhere_is_not_told_where_it_was(
    any_store: Store, any_admin: Viewer, tmp_path: Path
) -> None:
    file = tmp_path / "a.jsonl"
    table = {**GOOD, "schema": "open", "title": "pay", "databuilder_id": "p"}
    import_path(any_store, any_admin, write(file, [*FOLDERS, BOARD, CHART, table]), integration="boards")
    with any_store.as_admin(any_admin) as door:
        boards = door.integrations.by_name("boards")
        team, others = door.people.add_team("Readers"), door.people.add_team("Others")
        lena = door.people.add_member("lena@acme.example", "guest", name="Lena", password="a long enough one")
        door.people.add_to_team(team.id, member_id=lena.id)
    with any_store.sign_in() as sign_in:
        outsider = sign_in.viewer_for_email(any_admin.workspace_slug, "lena@acme.example", Surface.CLI)
    with any_store.as_viewer(any_admin) as mine:
        chart = mine.catalog.by_name("Open.Salaries.By year")
        places = [mine.catalog.by_name(name, kind=kind) for name, kind in PLACES]
    with any_store.as_admin(any_admin) as door:
        for place in places:
            door.people.grant(team.id, boards.id, place.id)
        door.people.grant(others.id, boards.id, chart.id)  # a zone of its own below what moves
    with any_store.as_viewer(outsider) as theirs:
        theirs.catalog.resource(chart.id)
    away = [
        {**BOARD, "parent_databuilder_id": "g2"},
        {**CHART, "databuilder_id": "c2", "title": "Hush"},
        {**table, "schema": "closed", "description": "hush", "columns": [{"name": "hush", "type": "int"}]},
    ]
    import_path(any_store, any_admin, write(file, away), integration="boards")
    with any_store.as_viewer(outsider) as theirs:
        with pytest.raises(NotFound):
            theirs.catalog.resource(chart.id)
        told = {(each.change, each.qualified_name) for each in theirs.catalog.drift(LONG_AGO)}
        assert told == {("removed", "Open.Salaries"), ("removed", "lake.open.pay")}
        assert not theirs.catalog.search("hush").hits
    with any_store.as_viewer(any_admin) as mine:
        told = {(each.change, each.qualified_name) for each in mine.catalog.drift(LONG_AGO)}
        assert ("added", "Closed.Salaries.Hush") in told and ("added", "lake.closed.pay") in told
        assert [
            hit.resource.qualified_name for hit in mine.catalog.search("hush", kinds=("chart",)).hits
        ] == ["Closed.Salaries.Hush"]


def test_moving_many_things_is_not_many_statements_for_each(
    store: Store, admin: Viewer, tmp_path: Path
) -> None:
    file = tmp_path / "a.jsonl"

    def statements(number: int) -> int:
        def board(n: int, folder: str) -> dict[str, str]:
            return {**BOARD, "databuilder_id": f"b{number}.{n}", "parent_databuilder_id": folder}

        before = [*FOLDERS, *(board(n, "g1") for n in range(number))]
        import_path(store, admin, write(file, before), integration=f"boards {number}")
        after = write(file, [board(n, "g2") for n in range(number)])
        counted: list[str] = []

        def count(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
            counted.append(statement)

        event.listen(Engine, "before_cursor_execute", count)
        try:
            assert import_path(store, admin, after, integration=f"boards {number}").updated == number
        finally:
            event.remove(Engine, "before_cursor_execute", count)
        return len(counted)

    # Two for each, the tags and owners of what changed, are not of the move.
    assert statements(60) - statements(20) <= 2 * 40 + 10


def test_folders_that_change_places_end_where_they_belong(
    store: Store, admin: Viewer, tmp_path: Path
) -> None:
    one, two = FOLDERS
    file = tmp_path / "a.jsonl"
    import_path(
        store, admin, write(file, [one, {**two, "parent_databuilder_id": "g1"}]), integration="boards"
    )
    import_path(
        store, admin, write(file, [two, {**one, "parent_databuilder_id": "g2"}]), integration="boards"
    )
    with store.as_viewer(admin) as mine:
        names = {each.qualified_name for each in mine.catalog.browse(kinds=("dashboard_group",)).items}
    assert names == {"Closed", "Closed.Open"}


def test_a_complete_file_takes_away_what_it_does_not_name(
    store: Store, admin: Viewer, tmp_path: Path
) -> None:
    file = tmp_path / "a.jsonl"
    several = [{**GOOD, "databuilder_id": f"t{n}", "title": f"t{n}"} for n in range(30)]
    import_path(store, admin, write(file, several), integration="files")
    bad = import_path(
        store, admin, write(file, [*several[:5], "no json"]), integration="files", complete=True, force=True
    )
    assert (bad.removed, bad.imported) == (0, 0)
    with pytest.raises(BadInput, match="more than half"):
        import_path(store, admin, write(file, several[:5]), integration="files", complete=True)
    assert import_path(store, admin, write(file, several[:5]), integration="files").removed == 0
    few = write(file, several[:20])
    assert import_path(store, admin, few, integration="files", complete=True).removed == 10
    few = write(file, several[:5])
    assert import_path(store, admin, few, integration="files", complete=True, force=True).removed == 15


def test_nothing_stands_in_what_a_complete_file_takes_away(
    any_store: Store, any_admin: Viewer, tmp_path: Path
) -> None:
    file = tmp_path / "a.jsonl"
    import_path(any_store, any_admin, write(file, [*FOLDERS, BOARD, CHART]), integration="boards")
    less = write(file, [FOLDERS[1], BOARD, CHART])
    done = import_path(any_store, any_admin, less, integration="boards", complete=True)
    assert [(each.line, each.reason) for each in done.errors] == [
        (2, "parent_databuilder_id 'g1' names nothing")
    ]
    with any_store.as_viewer(any_admin) as mine:
        assert mine.catalog.by_name("Open.Salaries.By year")


SPREAD = [
    *({"entity_type": "column", "databuilder_id": f"c{table}.{column}", "parent_databuilder_id": f"t{table}",
       "title": f"c{column}", "sort_order": 9 - column} for column in range(9) for table in range(40)),
    *({"entity_type": "table", "databuilder_id": f"t{table}", "title": f"t{table}", "schema": "s", "description": "d" * 90,
       "external_updated_at": "2026-05-31", "tags": ["a"], "columns": [{"name": "c3"}]} for table in range(40)),
    {"from_identifier": {"internal_resource": "c1.1"}, "to_identifier": {"internal_resource": "c2.2"}},
]  # fmt: skip
"""Columns before their tables, a table's far from one another, and one that the table has in itself as well."""


def test_what_is_kept_in_a_file_is_what_would_be_kept_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [json.dumps(each) for each in SPREAD]
    rows = "".join(f"d,s,t{row % 40},{'' if row < 40 else 'what it is'},c{row // 80}\n" for row in range(400))
    sheet = "database,schema,name,description,col_name\n" + rows
    whole = parse_jsonl(lines), parse_csv(sheet)
    monkeypatch.setattr(spool, "MOST_IN_MEMORY", 20_000)
    parts = parse_jsonl(lines), parse_csv(sheet)
    for kept, spilled in zip(whole, parts, strict=True):
        assert list(kept.items()) == list(spilled.items()) and list(kept.links()) == list(spilled.links())
        assert kept.problems.told == spilled.problems.told and kept.lines == spilled.lines
    assert [len(each.problems) for each in parts] == [40, 200]
    (first, *_rest) = parts[0].items()
    assert [each.name for each in first.columns] == ["c3", "c8", "c7", "c6", "c5", "c4", "c2", "c1", "c0"]


def test_reading_a_long_file_takes_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """It took 13 times the file: every bad line with its reason, every column as an object."""
    monkeypatch.setattr(spool, "MOST_IN_MEMORY", 100_000)
    monkeypatch.setattr(custom_parsed, "MOST_TOLD", 100)
    columns = ("".join(("d,s,t", str(row // 100), ",c", str(row % 100), "\n")) for row in range(6_000))
    sheet = "database,schema,name,col_name\n" + "".join(columns)
    for read in (lambda: parse_csv(sheet), lambda: parse_jsonl("x{" for _ in range(6_000))):
        tracemalloc.start()
        parsed = read()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert parsed.lines == 6_000 and peak < 800_000, peak


def test_of_many_bad_lines_the_first_are_named_and_all_counted(
    store: Store, admin: Viewer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(custom_parsed, "MOST_TOLD", 3)
    table = {"entity_type": "table", "databuilder_id": "t", "title": "t", "schema": "s"}
    stray = {"entity_type": "column", "databuilder_id": "c", "parent_databuilder_id": "no", "title": "c"}
    file = tmp_path / "a.jsonl"
    file.write_text("\n".join([json.dumps(stray), *["x"] * 9, json.dumps(table)]))
    done = import_path(store, admin, str(file), integration="files")
    assert ([each.line for each in done.errors], done.more_errors, done.imported) == ([1, 2, 3], 7, 1)
    strict = import_path(store, admin, str(file), integration="files", strict=True)
    assert (len(strict.errors), strict.more_errors, strict.imported) == (3, 7, 0)
    with store.as_admin(admin) as door:
        runs = door.integrations.syncs(door.integrations.by_name("files").id)
        assert "10 bad lines; the first is line 1" in runs[0].errors[0]


def test_a_name_that_stands_twice_in_an_object_is_told() -> None:
    """Python's own reader takes the last and says nothing."""
    twice = '{"entity_type": "table", "databuilder_id": "t", "title": "a", "title": "b", "schema": "s"}'
    within = '{"entity_type": "table", "databuilder_id": "u", "title": "a", "schema": "s", "columns": [{"name": "a", "name": "b"}]}'
    told = parse_jsonl([twice, within]).problems.told
    assert [each.reason for each in told] == ["'title' stands there twice", "'name' stands there twice"]


def test_a_packed_file_is_read_as_far_as_it_is_one(
    store: Store, admin: Viewer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "sep=;\ndatabase;schema;name;col_name\nd;s;t;ä\n"
    for name, encoding in (("a.csv.gz", "utf-8"), ("b.csv", "utf-16")):
        (tmp_path / name).write_bytes(gzip.compress(text.encode(encoding)))
        assert import_path(store, admin, str(tmp_path / name), integration=name[0]).imported == 1
    torn = tmp_path / "torn.jsonl.gz"
    torn.write_bytes(gzip.compress(json.dumps(LINES[0]).encode() * 9)[:-9])
    with pytest.raises(BadInput, match="no whole gzip"):
        import_path(store, admin, str(torn), integration="torn")
    monkeypatch.setattr(imports, "LARGEST_FILE", 1 << 20)
    bomb = tmp_path / "bomb.jsonl.gz"
    bomb.write_bytes(gzip.compress(b" " * (3 << 20)))
    with pytest.raises(BadInput, match="larger than 1 MB"):
        import_path(store, admin, str(bomb), integration="bomb")
    monkeypatch.setattr(text_file, "LONGEST_LINE", 1000)
    with pytest.raises(BadInput, match="a line is longer"):
        parse_jsonl(text_file.lines_of(io.StringIO("x\n" + "y" * 1001)))
