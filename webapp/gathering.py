"""Questions that wait at the same time are worked off together, so that they share one model call, one transaction.

There is no thread for it, and nobody waits for company. Members of a lot (:mod:`webapp.lots`) ask as one. Of other
threads the first who asks works on what there is; all who ask meanwhile come next, and one of them works on it. So
alone one is as fast as ever, and the more ask, the more share.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from payoff.errors import Busy
from webapp import lots
from webapp.lots import Failed, Given, Outcome

Q = TypeVar("Q")
A = TypeVar("A")

#: Questions of one process that may wait at the same time.
ROOM = 512
#: Longer than this nobody waits for a turn.
PATIENCE_SECONDS = 15.0


class _Waiting(Generic[Q, A]):
    """A question, until it is answered or whoever asked it is to work on those that wait."""

    def __init__(self, question: Q) -> None:
        self.question = question
        self.since = time.monotonic()
        self.outcome: Outcome[A] = Failed(Busy("what worked on it came to an end"))
        self.leads = False
        # A lock that is held from the start is the cheapest thing to wait for.
        self._turn = threading.Lock()
        self._turn.acquire()

    def wake(self) -> None:
        self._turn.release()

    def sleep(self) -> None:
        self._turn.acquire()


class Gathering(Generic[Q, A]):
    """Gathers questions.

    Parameters
    ----------
    work : callable
        From questions to their answers, in order.
    most : int
        Questions that are worked on together; with 1, each alone.
    shared : callable, optional
        Whether an error that ``work`` raised would meet each question by itself as well, such as a database that is
        away. After any other, each is worked on alone, so that a faulty one costs its neighbours nothing.
    noted : callable, optional
        Told each time how many were worked on, and the seconds they took.
    """

    def __init__(
        self,
        work: Callable[[Sequence[Q]], Sequence[A]],
        most: int,
        shared: Callable[[Exception], bool] = lambda _: False,
        noted: Callable[[int, float], None] = lambda _size, _seconds: None,
        room: int = ROOM,
    ) -> None:
        self._work, self._most, self._shared, self._noted, self._room = work, most, shared, noted, room
        self._lock = threading.Lock()
        self._queue: deque[_Waiting[Q, A]] = deque()
        self._working = False

    def ask(self, question: Q) -> A:
        """The answer to ``question``.

        Raises
        ------
        Busy
            Too many wait, or the turn did not come in time.
        Exception
            Whatever the work raises over this question.
        """
        if lots.in_lot():
            answer: A = lots.ask(self._in_parts, question)
            return answer
        outcome = self._among_threads(question)
        if isinstance(outcome, Failed):
            raise outcome.error
        return outcome.answer

    def _in_parts(self, questions: Sequence[Q]) -> list[Outcome[A]]:
        parts = [questions[first : first + self._most] for first in range(0, len(questions), self._most)]
        return [outcome for part in parts for outcome in self._outcomes(part)]

    def _among_threads(self, question: Q) -> Outcome[A]:
        mine = _Waiting[Q, A](question)
        with self._lock:
            if len(self._queue) >= self._room:
                return Failed(Busy(f"{self._room} others wait already"))
            self._queue.append(mine)
            mine.leads, self._working = not self._working, True
        if not mine.leads:
            mine.sleep()
        if mine.leads:
            self._lead()
        return mine.outcome

    def _lead(self) -> None:
        """Work on those who wait, oneself first, then hand on to the first who came meanwhile."""
        with self._lock:
            together = [self._queue.popleft() for _ in range(min(self._most, len(self._queue)))]
        try:
            self._answer(together)
        finally:
            with self._lock:
                self._working = bool(self._queue)
                if self._working:
                    self._queue[0].leads = True
                    self._queue[0].wake()
            for each in together[1:]:
                each.wake()

    def _answer(self, together: Sequence[_Waiting[Q, A]]) -> None:
        earliest = time.monotonic() - PATIENCE_SECONDS
        due = [each for each in together if each.since >= earliest]
        for late in together:
            late.outcome = Failed(Busy(f"the turn did not come within {PATIENCE_SECONDS:.0f} seconds"))
        for each, outcome in zip(due, self._outcomes([each.question for each in due]), strict=True):
            each.outcome = outcome

    def _outcomes(self, questions: Sequence[Q]) -> list[Outcome[A]]:
        if not questions:
            return []
        began = time.perf_counter()
        try:
            return [Given(answer) for answer in self._work(questions)]
        # Whatever it is, it belongs to those who asked: each hears of it for itself.
        except Exception as error:
            if len(questions) == 1 or self._shared(error):
                return [Failed(error) for _ in questions]
            return [outcome for question in questions for outcome in self._outcomes([question])]
        finally:
            self._noted(len(questions), time.perf_counter() - began)
