"""Grants, members, groups and tokens by the thousand: the page stays small, and everything is found and reached."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import insert, select

from plugin.access.viewer import Viewer
from plugin.store import Store
from plugin.store._models.base import now
from plugin.store._models.catalog import GrantRow, ResourceRow, ZoneRow
from plugin.store._models.people import (
    AccountRow,
    GroupMemberRow,
    MemberRow,
    TeamMemberRow,
    TeamRow,
    TokenRow,
)
from tests.web.conftest import ADMIN, VIEWER, Person

MANY = 1_500
SMALL = 220_000


@pytest.fixture
def crowded(demo_store: Store) -> tuple[int, int]:
    """Many teams, one with many people and grants, a group with as many people, an admin with many tokens; the team's and group's ids."""
    with demo_store.sign_in() as door:
        admin: Viewer = door.viewer_for_email(None, ADMIN)
    with demo_store.as_admin(admin) as door:
        team = door.people.add_team("Crowd").id
        group = door.people.add_group("Choir").id
    here = {"workspace_id": admin.workspace_id}
    with demo_store._context(admin.workspace_id) as context:
        session = context.session

        def rows(table: Any, made: list[dict[str, Any]]) -> None:
            session.execute(insert(table), made)

        first, made_at = 1_000_000, now()
        ids = range(first, first + MANY)
        rows(AccountRow, [{"id": n, "email": f"p{n - first:04}@crowd.example", "name": f"Person {n - first:04}", "password_hash": ""} for n in ids])  # fmt: skip
        rows(MemberRow, [{"id": n, **here, "account_id": n, "role": "viewer"} for n in ids])
        rows(TeamRow, [{"id": n, **here, "name": f"team {n - first:04}", "private": False} for n in ids])
        rows(TeamMemberRow, [{"team_id": team, "member_id": n, **here, "lowered": False} for n in ids])
        rows(GroupMemberRow, [{"group_id": group, "member_id": n, **here} for n in ids])
        some = session.execute(
            select(ResourceRow.integration_id, ResourceRow.id).where(ResourceRow.kind == "table").limit(1)
        ).one()
        integration = some.integration_id
        rows(ResourceRow, [
            {"id": n, **here, "integration_id": integration, "kind": "table", "name": f"t{n - first:04}", "name_folded": f"t{n - first:04}",
             "qualified_name": f"crowd.t{n - first:04}", "qualified_folded": f"crowd.t{n - first:04}", "asset_id": n, "zone_id": n} for n in ids
        ])  # fmt: skip
        rows(ZoneRow, [{"id": n, **here, "integration_id": integration, "resource_id": n, "parent_id": None} for n in ids])  # fmt: skip
        rows(GrantRow, [{"team_id": team, "zone_id": n, **here} for n in ids])
        rows(TokenRow, [
            {"id": n, **here, "member_id": admin.member_id, "name": f"key {n - first:04}", "token_hash": f"h{n}", "scopes": ["read"],
             "created": made_at} for n in ids
        ])  # fmt: skip
    return team, group


def told(answer: Any) -> str:
    assert answer.status_code == 200
    page = str(answer.get_data(as_text=True))
    assert len(page) < SMALL, f"{len(page):,} bytes"
    return page


def test_a_page_of_a_long_list_is_small_and_everything_is_reached(
    demo_store: Store, person: Callable[[str], Person], crowded: tuple[int, int]
) -> None:
    team, group = crowded
    admin = person("admin")
    page = told(admin.get(f"/members/teams/{team}"))
    assert page.count("Take back") // 2 == page.count("Take out") // 2 == 100
    assert page.count("1 to 100 of 1,500") == 2 and "crowd.t0100" not in page
    page = told(admin.get(f"/members/teams/{team}?what_from=1400&who=person+14"))
    assert (
        "crowd.t1499" in page
        and "1,401 to 1,500 of 1,500" in page
        and 'rel="next"' not in page.split('id="h-in"')[0]
    )
    assert "Person 1400" in page and "1 to 100 of 100" in page and "Person 0001" not in page
    assert "what_from=1300" in page and 'name="what_from" value="1400"' in page, (
        "the other list stays where it is"
    )
    assert "<select" not in page.split('id="h-in"')[1], "nobody chooses from so many"
    for path, shown, of in (
        ("/members", "p0080@", "1 to 100 of 1,5"), ("/members?text=p1321", "Person 1321", "1 to 1 of 1"),
        (f"/members/groups?group={group}", "p0099@", "1 to 100 of 1,500"), ("/members/groups", "p0029@", "All 1,500"),
        (f"/members/groups?group={group}&who=p1321", "p1321@", "1 to 1 of 1"),
        ("/me", "key 0049", "1 to 50 of 1,500"), ("/me?token=key+1321", "key 1321", "1 to 1 of 1"),
    ):  # fmt: skip
        page = told(admin.get(path))
        assert shown in page and of in page, path
    assert "Nothing of 1,5" in told(admin.get("/members?text=nobody+at+all"))
    page = told(admin.get("/me"))
    assert 'href="/me?token_from=50#tokens"' in page and 'action="/me#tokens"' in page, (
        "its list is not the first on the page"
    )
    assert "1 to" in told(admin.get("/me?token_from=-7")) and "of 1,500" in told(
        admin.get("/me?token_from=9999999")
    )


def test_whoever_is_put_in_is_named_and_the_form_comes_back_to_its_part(
    demo_store: Store, person: Callable[[str], Person], crowded: tuple[int, int]
) -> None:
    team, group = crowded
    admin = person("admin")
    page = f"/members/teams/{team}"
    for name, status in (("P0007@crowd.example", 303), ("choir", 303), ("Person 0008", 422), ("nobody", 422)):
        assert admin.post(f"{page}/members", {"name": name}).status_code == status, name
    assert "Choir" in told(admin.get(f"{page}?who=choir"))
    assert admin.post(f"/members/groups/{group}/members", {"name": "choir"}).status_code == 422
    added = admin.post(f"/members/groups/{group}/members", {"name": ADMIN, "group": str(group)})
    assert added.headers["Location"].endswith(f"/members/groups?group={group}")
    assert ADMIN in told(admin.get(f"/members/groups?group={group}&who={ADMIN}"))
    match = re.search(r'name="integration_id" value="(\d+)"', told(admin.get(page)))
    assert match
    taken = {"remove": "1", "integration_id": match.group(1), "resource_id": "1000150"}
    back = admin.post(f"{page}/grants", taken, headers={"Referer": f"http://localhost{page}?what_from=100"})
    assert back.headers["Location"].endswith(f"{page}?what_from=100")
    page = told(admin.get(f"{page}?what_from=100"))
    assert "crowd.t0149" in page and "crowd.t0150" not in page and "101 to 200 of 1,499" in page


def test_what_somebody_calls_themselves_puts_them_nowhere(
    demo_store: Store, person: Callable[[str], Person], crowded: tuple[int, int]
) -> None:
    team, group = crowded
    admin, jonas = person("admin"), person("viewer")
    for called, status in (("Choir", 303), ("new@boss.example", 422)):
        assert jonas.post("/me/name", {"name": called}).status_code == 303
        assert admin.post(f"/members/teams/{team}/members", {"name": called}).status_code == status
        assert admin.post(f"/members/groups/{group}/members", {"name": called}).status_code == 422
    assert f"Take out {VIEWER}" not in told(admin.get(f"/members/teams/{team}?who={VIEWER}"))
    assert f"Take {VIEWER} out" not in told(admin.get(f"/members/groups?group={group}&who={VIEWER}"))


def test_words_of_an_address_lead_nowhere_else(
    person: Callable[[str], Person], crowded: tuple[int, int]
) -> None:
    admin, team = person("admin"), crowded[0]
    words = "endpoint=x&values=1&_anchor=x&_method=POST&_external=1&_scheme=javascript&team_id=1"
    for path in ("/members", "/me", f"/members/teams/{team}"):
        on = re.findall(r'rel="next" href="([^"]+)"', told(admin.get(f"{path}?{words}")))
        assert on and all(each.startswith(f"{path}?") for each in on), (path, on)


def test_a_page_that_answers_a_form_can_be_filtered(
    demo_store: Store, person: Callable[[str], Person], crowded: tuple[int, int]
) -> None:
    admin, jonas = person("admin"), person("viewer")
    invited = told(
        admin.post("/members/invite", {"email": "new@crowd.example", "teams": "team 0003\nteam 1400\n"})
    )
    assert 'name="team"' not in invited and "team 0003, team 1400" in invited
    wrong = admin.post("/members/invite", {"email": "other@crowd.example", "teams": "team 0003\nnowhere"})
    assert wrong.status_code == 422 and "There is no team nowhere." in wrong.get_data(as_text=True)
    for path, page in (
        ("/members", invited),
        ("/me", told(jonas.post("/me/tokens", {"name": "mine", "scope": "read"}))),
    ):
        forms = re.findall(r'<form class="toolbar[^>]* action="([^"]*)"', page)
        assert forms and {each.split("#")[0] for each in forms} == {path}
    part = f"/members/groups?group={crowded[1]}&who_from=300"
    out = admin.post(
        f"/members/groups/{crowded[1]}/members",
        {"remove": "p0310@crowd.example", "group": str(crowded[1])},
        headers={"Referer": f"http://localhost{part}"},
    )
    assert out.headers["Location"] == part
    ended = admin.post(
        "/me/tokens/revoke",
        {"token_id": "1000120"},
        headers={"Referer": "http://localhost/me?token_from=100"},
    )
    assert ended.headers["Location"] == "/me?token_from=100#tokens"


def test_after_a_group_is_removed_the_others_are_shown(
    person: Callable[[str], Person], crowded: tuple[int, int]
) -> None:
    admin, alone = person("admin"), f"/members/groups?group={crowded[1]}"
    admin.post("/members/groups", {"name": "Another"})
    gone = admin.post(f"/members/groups/{crowded[1]}/remove", headers={"Referer": f"http://localhost{alone}"})
    page = told(admin.get(gone.headers["Location"]))
    assert ">Another<" in page and "No groups yet" not in page


def test_each_field_of_a_long_page_has_a_label_of_its_own(
    person: Callable[[str], Person], crowded: tuple[int, int]
) -> None:
    admin = person("admin")
    for path in ("/members", f"/members/teams/{crowded[0]}", f"/members/groups?group={crowded[1]}", "/me"):
        named = re.findall(r' id="([^"]+)"', told(admin.get(path)))
        assert len(named) == len(set(named)), path
