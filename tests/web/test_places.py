"""Who uses the processor first in a rush, and that no place or turn is ever lost."""

from __future__ import annotations

import threading
from collections.abc import Callable

from tests.asynchronous import ends, until
from tests.web.conftest import Person
from web.places import Places, Turns


class Line:
    """Threads that wait for a turn, in the order in which they were made to wait."""

    def __init__(self, turns: Turns) -> None:
        self.turns, self.order, self.threads = turns, list[str](), list[threading.Thread]()

    def add(self, name: str, *, searches: bool = False) -> None:
        """Returns once the thread waits."""
        before = sum(self.turns.waiting)

        def work() -> None:
            self.turns.take(searches=searches)
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


def test_answers_that_are_not_streamed_take_turns_too(person: Callable[[str], Person]) -> None:
    admin = person("admin")
    turns: Turns = admin.client.application.extensions["docent"].places.turns
    for _ in range(3):
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
    for _ in range(3):
        turns.give_back()
    assert ends(first) and ends(second) and sorted(line) == [201, 303]
    for _ in range(3):
        turns.take()
    assert turns.waiting == (0, 0)
