"""Many requests in one thread: each runs until it has a question that a gathering answers, and they ask together.

Threads that take turns every few milliseconds hardly ever wait at the same time, and each turn costs. In a lot nobody
runs while another does, so what asks in the same place is always complete: one model call, one transaction.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

from greenlet import getcurrent, greenlet

A = TypeVar("A")
T = TypeVar("T")


@dataclass(frozen=True)
class Given(Generic[A]):
    """An answer."""

    answer: A


@dataclass(frozen=True)
class Failed:
    """The error that stands for an answer."""

    error: Exception


Outcome: TypeAlias = Given[A] | Failed

#: From questions to an outcome for each.
Work = Callable[[Sequence[Any]], Sequence[Outcome[Any]]]


class _Member(greenlet):
    """One of a lot; what it switches to is the thread that runs them all."""


def in_lot() -> bool:
    """Whether what runs is a member of a lot."""
    return isinstance(getcurrent(), _Member)


def ask(work: Work, question: Any) -> Any:
    """The answer of ``work`` to a member's question, which it gets with those that the others have for it.

    Raises
    ------
    Exception
        The error that stands for the answer.
    """
    return getcurrent().parent.switch(work, question)


def run(members: Sequence[Callable[[], T]]) -> list[T]:
    """What each gives. An error of one goes to the caller at once, so members see to their own."""
    given: dict[int, T] = {}
    asking: dict[Work, list[tuple[int, _Member, Any]]] = {}

    def go_on(place: int, member: _Member, turn: Callable[[], Any]) -> None:
        came = turn()
        if member.dead:
            given[place] = came
        else:
            work, question = came
            asking.setdefault(work, []).append((place, member, question))

    for place, each in enumerate(members):
        member = _Member(each)
        go_on(place, member, member.switch)
    while asking:
        work = next(iter(asking))
        waiting = asking.pop(work)
        outcomes = work([question for _, _, question in waiting])
        for (place, member, _), outcome in zip(waiting, outcomes, strict=True):
            go_on(place, member, _turn(member, outcome))
    return [given[place] for place in range(len(members))]


def _turn(member: _Member, outcome: Outcome[Any]) -> Callable[[], Any]:
    if isinstance(outcome, Failed):
        return lambda: member.throw(outcome.error)
    return lambda: member.switch(outcome.answer)
