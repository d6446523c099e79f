"""What journeys change and compare besides reads: who may edit, propose, decide and draw, and what people keep.

Each function takes a `Journey`; those in `RIGHTS` change something and hold the outcome against the model, those in
`COMPARED` only read. Hidden and absent must be told in the same words wherever somebody asks by name or by id.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from plugin.access.viewer import Role, Viewer
from plugin.catalog.freshness import freshness
from plugin.catalog.properties import exported
from plugin.errors import BadInput, DocentError, NotFound, Refused, SignInNeeded
from plugin.store import ViewerDoor
from plugin.store._models.base import now
from plugin.tools import ToolAnswer, call
from tests.access.worlds import Place, TableSpec

if TYPE_CHECKING:
    from tests.access.journeys import Journey, Somebody

NOWHERE = 987_654_321
"""An id that nothing has."""


# --- who may change what ------------------------------------------------------------------------------------------


def tag(journey: Journey) -> None:
    """Somebody puts a tag on something, or takes it off."""
    one, place = journey.anybody(), journey.luck.choice(list(journey.ids))
    word = f"tag{journey.luck.randrange(4)}v"

    def change(mine: ViewerDoor) -> None:
        if word in journey.model.tags.get(place, set()):
            mine.edits.remove_tag(journey.ids[place], word)
        else:
            mine.edits.add_tag(journey.ids[place], word)

    if _tried(journey, one, change) == journey.model.answer(one, place) == "done":
        journey.model.tags.setdefault(place, set()).symmetric_difference_update({word})
    else:
        assert _tried(journey, one, change) == journey.model.answer(one, place), (one, place)
    with journey.store.as_viewer(journey.viewer(one)) as mine:
        assert mine.edits.may_edit(journey.ids[place]) == journey.model.edits(one, place)


def propose(journey: Journey) -> None:
    """Somebody proposes a tag, and somebody else decides."""
    one, other, place = journey.anybody(), journey.anybody(), journey.luck.choice(list(journey.ids))
    word = f"proposed{journey.luck.randrange(1000)}v"
    made: list[int] = []
    expected = "refused" if one.role is Role.GUEST else journey.model.answer(one, place, propose=True)
    got = _tried(
        journey, one, lambda mine: made.append(mine.edits.propose(journey.ids[place], "tag", word).id)
    )
    assert got == expected, (one, place, got)
    if not made:
        return
    for who in journey.model.people:
        with journey.store.as_viewer(journey.viewer(who)) as mine:
            told = {each.id for each in mine.edits.proposals()}
        assert (made[0] in told) == journey.model.sees(who, place), who
    accept = journey.luck.random() < 0.5
    got = _tried(journey, other, lambda mine: mine.edits.decide(made[0], accept))
    assert got == journey.model.answer(other, place), (other, place, got)
    if got != "done":  # an admin clears the table, so that the next tag starts alike
        _tried(journey, journey.model.people[0], lambda mine: mine.edits.decide(made[0], False))
    elif accept:
        journey.model.tags.setdefault(place, set()).add(word)


def draw(journey: Journey) -> None:
    """Somebody draws an edge between two tables, or erases it."""
    one = journey.anybody()
    upper, lower = journey.luck.sample(journey.model.tables, 2)
    ends = journey.ids[upper.place], journey.ids[lower.place]
    pair = (upper.place, lower.place)
    there = pair in journey.model.drawn
    seen = [journey.model.sees(one, each) for each in pair]
    may = any(journey.model.edits(one, each) for each in pair)
    expected = "absent" if not all(seen) else "done" if may else "refused"
    got = _tried(
        journey, one, lambda mine: mine.edits.remove_edge(*ends) if there else mine.edits.add_edge(*ends)
    )
    assert got == expected, (one, pair, got)
    if got == "done":
        journey.model.drawn ^= {pair}


def _tried(journey: Journey, one: Somebody, act: Callable[[ViewerDoor], Any]) -> str:
    try:
        with journey.store.as_viewer(journey.viewer(one)) as mine:
            act(mine)
    except NotFound as error:
        assert "see" in str(error), error
        return "absent"
    except Refused:
        return "refused"
    return "done"


# --- coming and going ---------------------------------------------------------------------------------------------


def team_goes(journey: Journey) -> None:
    """A team is removed and one of the same name made: it holds nothing, and nobody is in it."""
    from tests.access.journeys import TEAMS

    name = journey.luck.choice([each for each in TEAMS if each != "General"])
    with journey.store.as_admin(journey.admin) as door:
        door.people.remove_team(journey.teams[name])
        journey.teams[name] = door.people.add_team(name, private=TEAMS[name]).id
    journey.model.grants = {(team, place) for team, place in journey.model.grants if team != name}
    journey.model.group_teams = {key: low for key, low in journey.model.group_teams.items() if key[1] != name}
    journey.model.queries = {key: teams - {name} for key, teams in journey.model.queries.items()}
    for each in journey.model.people:
        each.teams.pop(name, None)


def group_goes(journey: Journey) -> None:
    """A group is removed and one of the same name made."""
    from tests.access.journeys import GROUPS

    name = journey.luck.choice(GROUPS)
    with journey.store.as_admin(journey.admin) as door:
        door.people.remove_group(journey.groups[name])
        journey.groups[name] = door.people.add_group(name).id
    journey.model.group_teams = {key: low for key, low in journey.model.group_teams.items() if key[0] != name}
    for each in journey.model.people:
        each.groups.discard(name)


def member_goes(journey: Journey) -> None:
    """A member is removed and comes back: in no team, and what was kept open is shut."""
    from tests.access.journeys import PASSWORD

    one = journey.somebody()
    kept = journey.viewer(one)
    with journey.store.as_admin(journey.admin) as door:
        door.people.remove(one.member_id)
        back = door.people.add_member(one.email, one.role, name=one.email[:2], password=PASSWORD)
    one.member_id, one.teams, one.groups = back.id, {}, set()
    _shut(journey, kept)


def member_rests(journey: Journey) -> None:
    """A disabled member reads nothing; enabled again, what they did before."""
    one = journey.somebody()
    with journey.store.as_admin(journey.admin) as door:
        door.people.disable(one.member_id)
    _shut(journey, journey.viewer(one))
    with journey.store.as_admin(journey.admin) as door:
        door.people.enable(one.member_id)


def _shut(journey: Journey, viewer: Viewer) -> None:
    try:
        with journey.store.as_viewer(viewer) as mine:
            mine.catalog.counts()
    except SignInNeeded:
        return
    raise AssertionError("somebody who is gone still reads")


def integration_goes(journey: Journey) -> None:
    """An integration is removed and one of the same name added and synced: no grant came back with it."""
    from tests.access.journeys import SOURCES

    name = journey.luck.choice(SOURCES)
    with journey.store.as_admin(journey.admin) as door:
        door.integrations.remove(journey.sources[name])
        journey.sources[name] = door.integrations.add(name, "sqlite").id
    model = journey.model
    model.grants = {(team, place) for team, place in model.grants if place[0] != name}
    model.tags = {place: tags for place, tags in model.tags.items() if place[0] != name}
    model.drawn = {pair for pair in model.drawn if name not in (pair[0][0], pair[1][0])}
    here = {place for place in model.places() if place[0] != name}
    model.loose = {pair for pair in model.loose if set(pair) & here}
    model.queries = {key: teams for key, teams in model.queries.items() if key[1][0] != name}
    journey.sync([name])


# --- what is kept for teams ---------------------------------------------------------------------------------------


def personas(journey: Journey) -> None:
    """An admin sets personas up, one for everybody and one for a team; each narrows by its own filters."""
    from tests.access.journeys import SCHEMAS, SOURCES, TEAMS

    luck = journey.luck
    journey.model.personas = [
        {
            "name": f"persona{at}p",
            "teams": [] if at else [luck.choice([each for each in TEAMS if each != "General"])],
            "filters": [
                {"effect": luck.choice(("include", "exclude")), "schemas": [luck.choice(SCHEMAS) + luck.choice(SOURCES)[0]]}
            ],
        }
        for at in range(2)
    ]  # fmt: skip
    with journey.store.as_admin(journey.admin) as door:
        door.settings.set("ai.personas", journey.model.personas)


def keep_query(journey: Journey) -> None:
    """The admin keeps a statement over a table and approves it for a team, or withdraws it."""
    from tests.access.journeys import TEAMS

    model, place = journey.model, journey.luck.choice(journey.model.tables).place
    team = journey.luck.choice(list(TEAMS))
    known = next((key for key in model.queries if key[1] == place), None)
    with journey.store.as_viewer(journey.admin) as mine:
        if known is None:
            name = ".".join(place[1:])
            saved = mine.queries.save(
                journey.sources[place[0]], f"query {place[2]}", f"SELECT 1 FROM {name}", tables=[name]
            )
            known = (saved.id, place)
            model.queries[known] = set()
        wanted = model.queries[known] ^ {team}
        mine.queries.approve(known[0], [journey.teams[each] for each in wanted])
    model.queries[known] = wanted


RIGHTS: list[Callable[[Journey], None]] = [
    tag, tag, propose, draw, draw, team_goes, group_goes, member_goes, member_rests, integration_goes,
    personas, keep_query,
]  # fmt: skip


# --- compared -----------------------------------------------------------------------------------------------------


def teams_known(journey: Journey, one: Somebody, mine: ViewerDoor) -> None:
    """A private team is unknown to all but its members and admins: in lists, in words, when joining, when sharing."""
    from tests.access.journeys import TEAMS

    inside = journey.model.teams_of(one)
    admin, guest = one.role is Role.ADMIN, one.role is Role.GUEST
    known = {name for name, private in TEAMS.items() if admin or name in inside or not (private or guest)}
    assert {each.name for each in mine.me.teams()} == known, (one, inside)
    assert set(mine.me.profile().teams) == inside
    hidden = {name for name in TEAMS if name not in known}
    assert not _words(repr((mine.me.profile(), mine.me.teams(), mine.policy.personas()))) & hidden
    for name in hidden:
        for way in ("join", "leave"):
            private, absent = (_said(_goes(journey, one, way), id_) for id_ in (journey.teams[name], NOWHERE))
            assert private == absent, (name, private)


def _goes(journey: Journey, one: Somebody, way: str) -> Callable[[int], None]:
    def go(team_id: int) -> None:
        with journey.store.as_viewer(journey.viewer(one)) as mine:
            mine.me.join(team_id) if way == "join" else mine.me.leave(team_id)

    return go


def personas_known(journey: Journey, one: Somebody, mine: ViewerDoor) -> None:
    """Each person may choose what is theirs; through it they read what both filters leave in."""
    model = journey.model
    inside = model.teams_of(one)
    theirs = [
        each for each in model.personas
        if one.role is Role.ADMIN or not each["teams"] or set(each["teams"]) & inside
    ]  # fmt: skip
    assert [each.name for each in mine.policy.personas()] == [each["name"] for each in theirs]
    for each in model.personas:
        reader = journey.viewer(one, persona=each["name"]).as_assistant()
        if each not in theirs:
            nobody = journey.viewer(one, persona="nobodys").as_assistant()
            kept, absent = (_said(_counts_as(journey), who) for who in (reader, nobody))
            assert kept == absent.replace("nobodys", each["name"]), (kept, absent)
            continue
        with journey.store.as_viewer(reader) as narrow:
            listed = {found.id for found in narrow.catalog.browse(limit=1000).items}
        seen = {
            journey.ids[place] for place in journey.ids
            if len(place) < 4 and model.sees(one, place, for_ai=True) and model.allowed(place, each["filters"])
        }  # fmt: skip
        assert listed == seen, each


def _counts_as(journey: Journey) -> Callable[[Viewer], Any]:
    def read(viewer: Viewer) -> Any:
        with journey.store.as_viewer(viewer) as mine:
            return mine.catalog.counts()

    return read


def tags_counted(journey: Journey, one: Somebody, mine: ViewerDoor) -> None:
    """The tags in use, and how often, over what this person sees."""
    counts: dict[str, int] = {}
    for place, tags in journey.model.tags.items():
        if len(place) < 4 and journey.model.sees(one, place):
            for each in tags:
                counts[each] = counts.get(each, 0) + 1
    told = {key: value for key, value in mine.catalog.counts(by="tag").items() if value}
    shown = {key: value for key, value in told.items() if key in counts}
    assert shown == counts and not set(told) - {t for ts in journey.model.tags.values() for t in ts}, told
    hidden = {
        each for place, tags in journey.model.tags.items() if not journey.model.sees(one, place) for each in tags
    } - {
        each for place, tags in journey.model.tags.items() if journey.model.sees(one, place) for each in tags
    }  # fmt: skip
    assert not set(told) & hidden


def queries_known(journey: Journey, one: Somebody, mine: ViewerDoor) -> None:
    """Saved statements: approved for a team of theirs, and every table of it visible; the rest are not there."""
    inside = journey.model.teams_of(one)
    places = set(journey.ids)
    mine_too = one.role is Role.ADMIN
    expected = {
        id_ for (id_, place), teams in journey.model.queries.items()
        if place in places and journey.model.sees(one, place) and (mine_too or teams & inside)
    }  # fmt: skip
    assert {each.id for each in mine.queries.all()} == expected
    for id_, _place in journey.model.queries:
        if id_ not in expected:
            assert _said(mine.queries.get, id_) == _said(mine.queries.get, NOWHERE)


def properties_exported(journey: Journey, one: Somebody, mine: ViewerDoor) -> None:
    """The export of properties has one line for each thing that they see."""
    lines = {
        (each["integration"], each["qualified_name"])
        for each in exported(journey.store, journey.viewer(one), columns=True)
    }
    seen = {(place[0], ".".join(place[1:])) for place in journey.ids if journey.model.sees(one, place)}
    assert lines == seen


def impact_told(journey: Journey, one: Somebody, mine: ViewerDoor) -> None:
    """What breaks is what is reached downstream over visible tables."""
    table = journey.luck.choice(journey.model.tables)
    if not journey.model.sees(one, table.place):
        return
    reached = journey.model.reached(table.place, lambda place: journey.model.sees(one, place), up=False)
    told = mine.catalog.impact(journey.ids[table.place])
    assert {each.resource.id for each in told.broken} == {journey.ids[p] for p in reached - {table.place}}
    shown = told.start
    said = freshness(shown, now())
    assert said.startswith("as of"), said


def seen_as(journey: Journey, one: Somebody, mine: ViewerDoor) -> None:
    """ "See as" has the model's verdict on each resource, and names the teams and the filter that decide."""
    for_ai = journey.luck.random() < 0.5
    model = journey.model
    kinds = ("schema", "table", "view", "column")
    with journey.store.as_admin(journey.admin) as door:
        told = {each.id: each for each in door.see_as(one.email, "assistant" if for_ai else "person", kinds)}
    assert set(told) == set(journey.ids.values())
    inside = model.teams_of(one)
    for place, id_ in journey.ids.items():
        each = told[id_]
        holders = {team for team, at in model.grants if place[:3][: len(at)] == at}
        assert each.visible == model.sees(one, place, for_ai=for_ai), (place, each)
        if not model.sees(one, place):
            named = each.rule.partition("held by ")[2]
            assert each.rule.startswith("hidden: ") and named == (", ".join(sorted(holders)) or "no team"), (
                each
            )
        elif not each.visible:
            assert "hidden from the assistant" in each.rule and "AI filter" in each.rule, each
        elif one.role is Role.ADMIN:
            assert each.rule == "admitted: an admin sees every resource"
        else:
            assert each.rule == f"admitted: through {', '.join(sorted(holders & inside))}", each


TOOL_CALLS: list[tuple[str, Callable[[str], dict[str, Any]]]] = [
    ("retrieve", lambda name: {"resource": name}),
    ("lineage", lambda name: {"resource": name}),
    ("find_joins", lambda name: {"table": name}),
    ("frequent_queries", lambda name: {"table": name}),
    ("browse", lambda name: {"what": "all", "under": name}),
    ("count", lambda name: {"by": "kind", "under": name}),
    ("check_sql", lambda name: {"sql": f"SELECT 1 FROM {name}"}),
    ("propose", lambda name: {"resource": name, "field": "tag", "value": "t"}),
]


def tools_told(journey: Journey, one: Somebody, mine: ViewerDoor) -> None:
    """A tool asked for a hidden table says what it says for one that never was, and names nothing hidden."""
    hidden = [each for each in journey.model.tables if not journey.model.sees(one, each.place, for_ai=True)]
    if not hidden:
        return
    table: TableSpec = journey.luck.choice(hidden)
    name, arguments = journey.luck.choice(TOOL_CALLS)
    never = "x" * len(table.name)
    viewer = journey.viewer(one)
    real = told(call(name, arguments(f"{table.schema}.{table.name}"), viewer, journey.store))
    absent = told(call(name, arguments(f"{table.schema}.{never}"), viewer, journey.store))
    assert _words(real) & {each.name for each in hidden} <= {table.name}, (name, real)
    shown = {each.name for each in journey.model.tables if each not in hidden}
    if (
        not _words(real) & shown
    ):  # a near name that they may see is offered for what looks like it, hidden or not
        assert real.replace(table.name, never) == absent or _words(absent) & shown, (name, real, absent)
    by_id = told(call("retrieve", {"resource": str(journey.ids[table.place])}, viewer, journey.store))
    no_id = told(call("retrieve", {"resource": str(NOWHERE)}, viewer, journey.store))
    assert by_id.replace(str(journey.ids[table.place]), str(NOWHERE)) == no_id, (by_id, no_id)


COMPARED: list[Callable[[Journey, Somebody, ViewerDoor], None]] = [
    teams_known, personas_known, tags_counted, queries_known, properties_exported, impact_told, seen_as, tools_told,
]  # fmt: skip


def told(answer: ToolAnswer) -> str:
    """Everything that a model or a person could read in a tool's answer."""
    return repr((answer.ok, answer.fragments, answer.note, answer.summary, answer.found, answer.value))


def _said(act: Callable[[Any], Any], argument: Any) -> str:
    try:
        act(argument)
    except (NotFound, BadInput, DocentError) as error:
        return f"{type(error).__name__}: {error}"
    raise AssertionError(f"{argument} was found")


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text))


def places_of(tags: dict[Place, set[str]], there: set[Place]) -> dict[Place, set[str]]:
    """The tags of what is still there."""
    return {place: words for place, words in tags.items() if place in there}
