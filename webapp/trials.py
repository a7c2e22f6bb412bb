"""Champion and challenger: which of them answers an application, and what the other would have said.

``PAYOFF_CHALLENGER`` is ``off``, ``shadow`` (the challenger scores every loan too, unseen) or ``split`` (it answers the
share ``PAYOFF_CHALLENGER_SHARE`` of the applications). Whatever it does wrong, the champion answers. Batches take no
part: the champion answers them.
"""

import hashlib
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from flask import current_app

from webapp.predictions import Prediction, Scorer
from webapp.serving import Models, current_settings, served_models
from webapp.storage import Database, database
from webapp.storage.history import store_shadow
from webapp.storage.tables import Arm

EXTENSION = "payoff.shadows"
#: Fixed for good: with another, every application would be dealt anew.
_SALT = "payoff.split.1:"
#: Shadow scores that wait; further ones are left out, so that a slow challenger fills no memory.
MOST_WAITING = 100

Ask = Callable[[Scorer], Prediction]
T = TypeVar("T")

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Choice:
    """The model that answers, and where applications are split the arm it answers for."""

    model: Scorer
    arm: Arm | None = None


def arm_of(application: str, share: float) -> Arm:
    """The arm of an application: always the same for the same reference, share and program.

    The first 64 bits of SHA-256 over a fixed salt and the reference, as a number from 0 to 1, lie below ``share`` for
    the challenger. So a larger share keeps whom it had.
    """
    digest = hashlib.sha256(f"{_SALT}{application}".encode()).digest()
    return "challenger" if int.from_bytes(digest[:8], "big") < share * 2**64 else "champion"


def chosen(feature_set: str, application: str) -> Choice:
    """Who answers ``application`` from ``feature_set``. Raises ModelError where there is no champion."""
    models, settings = served_models(), current_settings()
    champion = models.current(feature_set)
    challenger = _challenger(models, feature_set, champion) if settings.challenger == "split" else None
    if challenger is None:
        return Choice(champion)
    arm = arm_of(application, settings.challenger_share)
    return Choice(challenger if arm == "challenger" else champion, arm)


def answered(feature_set: str, application: str, ask: Callable[[Scorer], T]) -> tuple[T, Choice]:
    """The prediction for ``application``, and who made it: the champion, where the challenger should have but failed.

    Parameters
    ----------
    ask : callable
        From a model to its prediction, and what belongs to it.

    Raises
    ------
    ModelError
        There is no champion, or it gives no probability.
    """
    choice = chosen(feature_set, application)
    if choice.arm == "challenger":
        try:
            return ask(choice.model), choice
        # Whatever it raises: an experiment is no reason to refuse an answer.
        except Exception as error:
            _log.warning("challenger %s failed; the champion answers: %r", choice.model.metadata.version, error)
            choice = Choice(served_models().current(feature_set), "champion")
    return ask(choice.model), choice


def shadow(feature_set: str, number: int, ask: Ask) -> None:
    """Where the challenger shadows the champion, have it score the stored prediction ``number``, after this returns."""
    if current_settings().challenger == "shadow":
        _shadows().score(feature_set, number, ask)


def features_needed(feature_set: str) -> frozenset[str]:
    """The features that an application is answered from: those of the champion and of a challenger that takes part."""
    models = served_models()
    champion = models.current(feature_set)
    challenger = None if current_settings().challenger == "off" else _challenger(models, feature_set, champion)
    return frozenset(champion.metadata.features).union(challenger.metadata.features if challenger else ())


class Shadows:
    """Scores beside the champion, one after the other in a thread of its own.

    So nobody waits for the challenger to be loaded, to score or to be stored; what it costs is its computing time, for
    which the next answer may have to wait, and a transaction more. At the orderly end of a process waiting scores are
    still made; where it is killed, they are lost.
    """

    def __init__(self, models: Models, held: Database) -> None:
        self._models, self._held = models, held
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="shadow")
        self._room = threading.BoundedSemaphore(MOST_WAITING)

    def score(self, feature_set: str, number: int, ask: Ask) -> None:
        """Have the challenger of ``feature_set`` score the stored prediction ``number`` when its turn comes."""
        if not self._room.acquire(blocking=False):
            _log.warning("prediction %s has no shadow score: %s others wait", number, MOST_WAITING)
            return
        try:
            scored = self._thread.submit(self._score, feature_set, number, ask)
        except RuntimeError:
            # The process is ending; the answer must not fail for that.
            self._room.release()
            _log.warning("prediction %s has no shadow score: the process ends", number)
        else:
            scored.add_done_callback(partial(self._ended, number))

    def close(self) -> None:
        """Make the scores that wait, and take no more."""
        self._thread.shutdown()

    def wait(self) -> None:
        """Until all that was asked for so far is stored or left out."""
        self._thread.submit(lambda: None).result()

    def _score(self, feature_set: str, number: int, ask: Ask) -> None:
        challenger = _challenger(self._models, feature_set, self._models.current(feature_set))
        if challenger:
            prediction = ask(challenger)
            with self._held.session() as session:
                store_shadow(session, number, prediction)

    def _ended(self, number: int, scored: Future[None]) -> None:
        self._room.release()
        # Whatever it raised: the answer has been given, and nobody is there to be told.
        if error := scored.exception():
            _log.warning("prediction %s has no shadow score: %r", number, error)


def _shadows() -> Shadows:
    held: Shadows | None = current_app.extensions.get(EXTENSION)
    return held or current_app.extensions.setdefault(EXTENSION, Shadows(served_models(), database()))


def _challenger(models: Models, feature_set: str, champion: Scorer) -> Scorer | None:
    """The challenger, unless it would have to refuse a district that the champion's form offers."""
    challenger = models.challenger(feature_set)
    if challenger is None:
        return None
    if unknown := set(champion.metadata.salaries) - set(challenger.metadata.salaries):
        version = challenger.metadata.version
        _log.warning("challenger %s takes no part: it lacks %s districts, as %s", version, len(unknown), min(unknown))
        return None
    return challenger
