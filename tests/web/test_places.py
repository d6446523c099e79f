"""Who uses the processor first in a rush, and that no place or turn is ever lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from flask import Flask
from limits import parse
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter

from plugin.access.viewer import Viewer
from plugin.assistant.running import ENDING
from plugin.store.sign_in import SignIn
from tests.asynchronous import HANGS, ends, until
from tests.web.conftest import ROLES, Person
from web.limits import Memory
from web.people import SIGN_INS
from web.places import AGAIN, AT_ONCE_ON_SQLITE, FULL, STREAMS, Places, Turns


def viewer_of(app: Flask, email: str) -> Viewer:
    """A member as the command line has them."""
    with app.extensions["docent"].store.sign_in() as door:
        viewer: Viewer = door.viewer_for_email(None, email)
        return viewer


class Line:
    """Threads that wait for a turn, in the order in which they were made to wait."""

    def __init__(self, turns: Turns) -> None:
        self.turns, self.order, self.threads = turns, list[str](), list[threading.Thread]()

    def add(self, name: str, *, searches: bool = False, goes_on: bool = False) -> None:
        """Returns once the thread waits."""
        before = sum(self.turns.waiting)

        def work() -> None:
            self.turns.take(searches=searches, goes_on=goes_on)
            self.order.append(name)
            self.turns.give_back(searches=searches)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        self.threads.append(thread)
        until(lambda: sum(self.turns.waiting) == before + 1)

    def over(self) -> list[str]:
        """The order, once all have had their turn."""
        assert all(ends(thread) for thread in self.threads)
        return self.order


def test_questions_that_show_nothing_yet_go_before_answers_that_search_each_in_the_order_of_asking() -> None:
    line = Line(turns := Turns(1, gives_way=3600.0))
    turns.take()
    line.add("search 1", searches=True)
    line.add("question 1")
    line.add("search 2", searches=True)
    line.add("question 2")
    turns.give_back()
    assert line.over() == ["question 1", "question 2", "search 1", "search 2"]
    assert turns.waiting == (0, 0)


def test_a_search_that_waited_long_goes_first_but_one_at_a_time() -> None:
    line = Line(turns := Turns(2, gives_way=0.0))
    turns.take()
    turns.take(searches=True)  # a search that is long: while it lasts no other goes before a question
    line.add("search", searches=True)
    line.add("question")
    turns.give_back()
    assert line.over() == ["question", "search"]
    turns.take()
    line = Line(turns)
    line.add("question 1")
    line.add("search", searches=True)
    line.add("question 2")
    turns.give_back(searches=True)
    assert line.over() == ["search", "question 1", "question 2"]
    turns.give_back()


def test_a_turn_is_given_back_by_an_answer_that_fails_or_is_left() -> None:
    places = Places(1)

    def fails() -> object:
        raise OSError("gone")
        yield

    for _ in range(5):
        try:
            list(places.after_first(fails()))  # type: ignore[call-overload]
        except OSError:
            pass
        left = places.after_first(iter("ab"))
        next(left)
        left.close()  # type: ignore[attr-defined]
    for _ in range(3):
        places.turns.take()
    assert places.turns.waiting == (0, 0)


def test_an_answer_made_in_this_process_has_a_turn_for_each_event_and_none_while_it_is_read() -> None:
    places = Places(at_once=1)
    busy: list[bool] = []

    def answer() -> Iterator[str]:
        for event in "abc":
            busy.append(places.turns.free == 0)
            yield event
        busy.append(places.turns.free == 0)

    free = [places.turns.free for _ in places.after_first(answer(), computed=True)]
    assert busy == [True, True, True, True] and free == [1, 1, 1]
    busy.clear()
    assert list(places.after_first(answer())) == ["a", "b", "c"]
    assert busy == [True, False, False, False], "whoever waits for a model keeps nobody waiting"


def test_the_built_in_assistant_says_at_its_first_event_that_it_waits_for_no_model(
    person: Callable[[str], Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []
    before = Places.after_first

    def noted(self: Places, rest: Iterator[object], *, computed: bool = False) -> Iterator[object]:
        seen.append(computed)
        return before(self, rest, computed=computed)

    monkeypatch.setattr(Places, "after_first", noted)
    admin = person("admin")
    asked = {"prompt": "How many tables are there?"}
    events = admin.api("POST", "/prompts", {**asked, "stream": True}).get_data(as_text=True)
    assert "computed" not in events and admin.api("POST", "/prompts", asked).status_code == 201
    assert admin.post("/assistant/ask", asked).status_code == 303
    assert seen == [True, True, True]


def test_searches_that_waited_long_and_questions_take_turns_where_there_is_one_turn() -> None:
    turns = Turns(1, gives_way=0.0)
    turns.take()
    line = Line(turns)
    for number in (1, 2, 3):
        line.add(f"search {number}", searches=True)
    line.add("question 1")
    line.add("question 2")
    turns.give_back()
    assert line.over() == ["search 1", "question 1", "search 2", "question 2", "search 3"]
    assert turns.waiting == (0, 0)


def test_answers_that_go_on_are_before_those_that_begin_to_search_but_not_for_ever() -> None:
    for gives_way, order in (
        (3600.0, ["question 1", "question 2", "goes on 1", "goes on 2", "search"]),
        (0.0, ["search", "question 1", "goes on 1", "question 2", "goes on 2"]),
    ):
        turns = Turns(1, gives_way=gives_way)
        turns.take()
        line = Line(turns)
        line.add("search", searches=True)
        line.add("goes on 1", searches=True, goes_on=True)
        line.add("goes on 2", searches=True, goes_on=True)
        line.add("question 1")
        line.add("question 2")
        turns.give_back()
        assert line.over() == order
        assert turns.waiting == (0, 0)


def test_answers_that_are_not_streamed_take_turns_too(person: Callable[[str], Person]) -> None:
    admin = person("admin")
    turns: Turns = admin.client.application.extensions["docent"].places.turns
    for _ in range(AT_ONCE_ON_SQLITE):
        turns.take()
    line: list[int] = []

    def ask(send: Callable[[], int]) -> threading.Thread:
        thread = threading.Thread(target=lambda: line.append(send()), daemon=True)
        thread.start()
        return thread

    first = ask(lambda: admin.api("POST", "/prompts", {"prompt": "How many tables are there?"}).status_code)
    until(lambda: turns.waiting == (1, 0))
    second = ask(lambda: admin.post("/assistant/ask", {"prompt": "How many tables are there?"}).status_code)
    until(lambda: turns.waiting == (2, 0))
    for _ in range(AT_ONCE_ON_SQLITE):
        turns.give_back()
    assert ends(first) and ends(second) and sorted(line) == [201, 303]
    for _ in range(AT_ONCE_ON_SQLITE):
        turns.take()
    assert turns.waiting == (0, 0)


def test_whoever_may_not_ask_is_refused_without_a_place_and_without_a_wait(
    app: Flask, person: Callable[[str], Person]
) -> None:
    reader = person("viewer")
    with app.extensions["docent"].store.as_viewer(viewer_of(app, ROLES["viewer"])) as mine:
        token = mine.me.create_token("reads", ["read"], 1)[1]
    places: Places = app.extensions["docent"].places
    for _ in range(AT_ONCE_ON_SQLITE):
        places.turns.take()  # whoever waited for a turn now would wait for ever
    taken: list[str] = []
    places.take = lambda: taken.append("place")  # type: ignore[method-assign]
    question, path = {"prompt": "How many tables are there?"}, "/api/v1/prompts"
    stranger = app.test_client()
    assert stranger.post(path, json=question).status_code == 401
    assert stranger.post(path, json=question, headers={"Authorization": "Bearer no"}).status_code == 401
    assert stranger.post(path, json=question, headers={"Authorization": f"Bearer {token}"}).status_code == 403
    assert stranger.post("/assistant/ask", data=question).status_code == 303
    assert reader.client.post(path, json=question).status_code == 400, "no CSRF token"
    assert taken == [] and places.turns.waiting == (0, 0)


@pytest.mark.parametrize("patience", [HANGS, 0.0])
def test_of_many_requests_at_once_a_few_are_looked_up_and_nobody_waits_for_ever(
    app: Flask, person: Callable[[str], Person], monkeypatch: pytest.MonkeyPatch, patience: float
) -> None:
    monkeypatch.setattr("web.people.PATIENCE", patience)
    cookie = person("viewer").client.get_cookie("docent")
    assert cookie is not None
    store, most = app.extensions["docent"].store, 3 * SIGN_INS
    sign_in, lock, goes_on = store.sign_in, threading.Lock(), threading.Event()
    inside, peak, came, found = [0], [0], list[str](), list[int]()

    @contextmanager
    def watched() -> Iterator[SignIn]:
        with sign_in() as door:
            with lock:
                inside[0] += 1
                peak[0] = max(peak[0], inside[0])
            assert goes_on.wait(HANGS)
            yield door
            with lock:
                inside[0] -= 1

    def open_page() -> None:
        client = app.test_client()
        client.set_cookie("docent", cookie.value)
        came.append("here")
        found.append(client.get("/api/v1/search?q=orders").status_code)

    monkeypatch.setattr(store, "sign_in", watched)
    threads = [threading.Thread(target=open_page, daemon=True) for _ in range(most)]
    for thread in threads:
        thread.start()
    until(lambda: len(came) == most)
    if patience:
        until(lambda: inside[0] >= SIGN_INS)
        time.sleep(0.2)  # time in which more would come in
    else:
        until(lambda: inside[0] == most)
    goes_on.set()
    assert all(ends(thread) for thread in threads)
    assert found == [200] * most and peak == [SIGN_INS if patience else most]


def test_a_stranger_is_turned_away_without_a_look_and_without_a_wait(
    stranger: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []

    def sign_in() -> None:
        looked.append("here")
        raise AssertionError("a stranger is looked up")

    monkeypatch.setattr(stranger.client.application.extensions["docent"].store, "sign_in", sign_in)
    basic = {"Authorization": "Basic eA=="}
    for path, headers, status in (
        ("/sign-in", {}, 200), ("/", {}, 303), ("/healthz", {}, 200), ("/api/v1/search?q=a", {}, 401),
        ("/api/v1/search?q=a", basic, 401), ("/mcp", {"Authorization": "Bearer "}, 401),
        ("/", {"Authorization": "Bearer something"}, 303),
    ):  # fmt: skip
        assert stranger.get(path, headers=headers).status_code == status, path
    assert looked == []


def test_a_full_house_refuses_at_once(person: Callable[[str], Person]) -> None:
    reader = person("viewer")
    places: Places = reader.client.application.extensions["docent"].places
    for _ in range(STREAMS):
        places.take()
    refused = reader.api("POST", "/prompts", {"prompt": "How many tables are there?"})
    assert refused.status_code == 429 and refused.json["detail"] == FULL
    assert refused.json["retry_after"] == AGAIN
    places.give_back()
    assert reader.api("POST", "/prompts", {"prompt": "How many tables are there?"}).status_code == 201
    places.take()
    assert places.full


def test_counting_a_try_starts_no_thread_and_forgets_what_is_old(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr("limits.storage.memory.time.time", lambda: clock[0])
    monkeypatch.setattr("web.limits.time.monotonic", lambda: clock[0])
    counts = storage_from_string("memory://")
    assert isinstance(counts, Memory)
    counts.timer.join()  # the library's one, at its start
    started: list[object] = []
    monkeypatch.setattr("threading.Thread.start", lambda thread: started.append(thread))
    window, three = MovingWindowRateLimiter(counts), parse("3 per minute")
    tries = [window.hit(three, "ada") for _ in range(5)]
    assert tries == [True, True, True, False, False] and window.hit(three, "ben")
    clock[0] += 59
    assert not window.hit(three, "ada") and len(counts.events) == 2
    clock[0] += 12
    assert window.hit(three, "ada"), "the window has moved on"
    assert len(counts.events) == 1 and len(counts.locks) == 1, "and ben is forgotten, his name too"
    assert started == []


def test_the_page_of_a_chat_says_why_an_answer_is_not_complete(
    app: Flask, person: Callable[[str], Person]
) -> None:
    store, ada = app.extensions["docent"].store, viewer_of(app, ROLES["viewer"])
    with store.as_viewer(ada) as mine:
        prompt = mine.history.start(None, "What is sales.orders?")
    reader = person("viewer")

    def page() -> str:
        return reader.get(f"/assistant/{prompt.chat_id}").get_data(as_text=True)

    assert "This answer was not complete when this page was loaded." in page()
    with store.as_viewer(ada) as mine:
        mine.history.finish(prompt.id, answer="", status="stopped", error=ENDING)
    assert ENDING in page() and "You stopped this answer." not in page()
