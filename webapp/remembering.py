"""What a model said of an application, for those who ask the same again."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from webapp.predictions import Scorer

T = TypeVar("T")

#: Of each model; a prediction with its reasons takes some 10 kB.
MOST = 1_000


class Remembered(Generic[T]):
    """Answers of models, the least recently used forgotten first; all of a model when it is no more in use."""

    def __init__(self, noted: Callable[[bool], None] = lambda _: None) -> None:
        self._noted = noted
        self._lock = threading.Lock()
        self._held: WeakKeyDictionary[Scorer, OrderedDict[Hashable, T]] = WeakKeyDictionary()

    def get(self, model: Scorer, question: Hashable, ask: Callable[[], T]) -> T:
        """What ``model`` said of ``question``, or else what ``ask`` gives; an error is not remembered."""
        with self._lock:
            held = self._held.setdefault(model, OrderedDict())
            if found := question in held:
                held.move_to_end(question)
                answer = held[question]
        self._noted(found)
        if found:
            return answer
        answer = ask()
        with self._lock:
            held[question] = answer
            if len(held) > MOST:
                held.popitem(last=False)
        return answer
