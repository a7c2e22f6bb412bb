"""Questions that wait at the same time are worked on together, and each has its own answer or error."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from payoff.errors import Busy
from webapp import gathering, lots
from webapp.gathering import Gathering


class Work:
    """Doubles numbers, slowly while the gate is shut; refuses odd ones over 100, and all it is given with 13."""

    def __init__(self) -> None:
        self.seen: list[list[int]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.begun = threading.Event()

    def __call__(self, questions: Sequence[int]) -> list[int]:
        self.seen.append(list(questions))
        self.begun.set()
        assert self.gate.wait(20)
        if 13 in questions:
            raise ConnectionError("away")
        if faulty := [each for each in questions if each > 100 and each % 2]:
            raise ValueError(f"{faulty[0]} is odd")
        return [2 * each for each in questions]


@pytest.fixture
def work() -> Work:
    return Work()


def in_threads(ask: Callable[[int], int], work: Work, questions: Sequence[int]) -> list[object]:
    """What each question gives, all asked while the first is worked on."""

    def asked(question: int) -> object:
        try:
            return ask(question)
        except (ValueError, ConnectionError, Busy) as error:
            return error

    work.gate.clear()
    with ThreadPoolExecutor(len(questions)) as pool:
        first = pool.submit(asked, questions[0])
        assert work.begun.wait(20)
        others = [pool.submit(asked, each) for each in questions[1:]]
        time.sleep(0.2)
        work.gate.set()
        return [each.result(20) for each in (first, *others)]


def test_one_who_asks_alone_is_answered_alone(work: Work) -> None:
    ask = Gathering(work, most=8).ask
    assert [ask(1), ask(2)] == [2, 4]
    assert work.seen == [[1], [2]]


def test_who_asks_meanwhile_is_answered_together(work: Work) -> None:
    assert in_threads(Gathering(work, most=8).ask, work, range(6)) == [0, 2, 4, 6, 8, 10]
    assert work.seen[0] == [0]
    assert sorted(work.seen[1]) == [1, 2, 3, 4, 5]
    assert len(work.seen) == 2


def test_no_lot_is_larger_than_it_may_be(work: Work) -> None:
    assert in_threads(Gathering(work, most=2).ask, work, range(6)) == [0, 2, 4, 6, 8, 10]
    assert [len(each) for each in work.seen] == [1, 2, 2, 1]


def test_a_faulty_question_costs_its_neighbours_nothing(work: Work) -> None:
    given = in_threads(Gathering(work, most=8).ask, work, [1, 2, 101, 4])
    assert [given[0], given[1], given[3]] == [2, 4, 8]
    assert str(given[2]) == "101 is odd"


def test_an_error_that_meets_all_is_met_once(work: Work) -> None:
    ask = Gathering(work, most=8, shared=lambda error: isinstance(error, ConnectionError)).ask
    given = in_threads(ask, work, [1, 13, 3, 4])
    assert given[0] == 2
    assert [str(each) for each in given[1:]] == ["away"] * 3
    assert len(work.seen) == 2


def test_who_finds_no_room_is_told_at_once(work: Work) -> None:
    given = in_threads(Gathering(work, most=8, room=2).ask, work, range(6))
    busy = [each for each in given if isinstance(each, Busy)]
    assert len(busy) == 3
    assert {str(each) for each in busy} == {"2 others wait already"}


def test_who_waited_for_too_long_is_not_worked_on(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "PATIENCE_SECONDS", 0.05)
    given = in_threads(Gathering(work, most=8).ask, work, [1, 2, 3])
    assert given[0] == 2
    assert all(isinstance(each, Busy) for each in given[1:])
    assert work.seen == [[1]]


def test_what_was_worked_on_is_noted() -> None:
    noted: list[int] = []
    gathered = Gathering(lambda questions: questions, most=8, noted=lambda size, seconds: noted.append(size))
    assert lots.run([lambda: gathered.ask(1), lambda: gathered.ask(2)]) == [1, 2]
    gathered.ask(3)
    assert noted == [2, 1]


def test_a_thousand_questions_of_many_threads_all_get_their_own_answers() -> None:
    gathered = Gathering(lambda questions: [str(each) for each in questions], most=16)
    with ThreadPoolExecutor(24) as pool:
        assert list(pool.map(gathered.ask, range(1000))) == [str(each) for each in range(1000)]
    # Nobody works on others' questions any more.
    assert gathered.ask(7) == "7"


def test_members_of_a_lot_ask_as_one(work: Work) -> None:
    first, second = Gathering(work, most=8), Gathering(lambda questions: [each + 1 for each in questions], most=8)
    members = [lambda each=each: second.ask(first.ask(each)) for each in range(5)]
    assert lots.run([*members, lambda: 7]) == [1, 3, 5, 7, 9, 7]
    assert work.seen == [[0, 1, 2, 3, 4]]


def test_a_lot_is_parted_where_it_is_too_large(work: Work) -> None:
    gathered = Gathering(work, most=2)
    assert lots.run([lambda each=each: gathered.ask(each) for each in range(5)]) == [0, 2, 4, 6, 8]
    assert work.seen == [[0, 1], [2, 3], [4]]


def test_a_member_hears_of_its_own_error_where_it_asked(work: Work) -> None:
    gathered = Gathering(work, most=8)

    def member(question: int) -> object:
        try:
            return gathered.ask(question)
        except ValueError as error:
            return str(error)

    assert lots.run([lambda each=each: member(each) for each in (1, 101, 3)]) == [2, "101 is odd", 6]


def test_what_a_member_does_not_see_to_goes_to_who_runs_the_lot() -> None:
    def fails() -> None:
        raise LookupError("not seen to")

    with pytest.raises(LookupError, match="not seen to"):
        lots.run([fails])
    assert not lots.in_lot()
