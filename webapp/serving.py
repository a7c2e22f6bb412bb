"""The model that answers: the lake's champion, loaded once a process and followed when it changes."""

import logging
import threading
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, Protocol

from flask import current_app

from features.answers import form_features
from features.questions import QUESTIONS
from features.sets import feature_set
from payoff.errors import ContractError, LakeError, ModelError, NoModel
from payoff.lake import Lake
from payoff.metadata import Metadata
from payoff.model import load_model
from payoff.registry import SERVED, champion
from webapp.predictions import Scorer

EXTENSION = "payoff.models"
RECHECK_SECONDS = 5.0
RETRY_SECONDS = 30.0

_log = logging.getLogger(__name__)


class Models(Protocol):
    """Where the app gets its model."""

    def current(self) -> Scorer:
        """The model to answer with. Raises ModelError where there is none."""


def current_model() -> Scorer:
    """The model of the running app.

    Raises
    ------
    ModelError
        There is none, or it cannot be loaded.
    """
    models: Models = current_app.extensions[EXTENSION]
    return models.current()


class ModelHolder:
    """Loads the champion when first asked, and again when another was promoted.

    Parameters
    ----------
    cache : Path
        Directory that model files are fetched to.
    load : callable, optional
        As ``payoff.model.load_model``.
    clock : callable, optional
        Seconds that only grow.
    """

    def __init__(
        self,
        lake: Lake,
        cache: Path,
        load: Callable[[Lake, str, Path], Scorer] = load_model,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lake, self._cache, self._load, self._clock = lake, cache, load, clock
        self._lock = threading.Lock()
        self._model: Scorer | None = None
        self._failure: str | None = None
        self._next_check = float("-inf")

    def current(self) -> Scorer:
        """The champion; while a new one loads or is broken, the one before.

        Raises
        ------
        NoModel
            None was promoted yet.
        ModelError
            The only one there is cannot be loaded.
        """
        serving = self._model
        if serving is None:
            self._lock.acquire()
        # One thread looks for a new champion; the others go on with what serves.
        elif self._clock() < self._next_check or not self._lock.acquire(blocking=False):
            return serving
        try:
            return self._checked()
        finally:
            self._lock.release()

    def _checked(self) -> Scorer:
        if self._clock() >= self._next_check:
            self._check()
        if self._model is None:
            raise ModelError(self._failure)
        return self._model

    def _check(self) -> None:
        try:
            version = champion(self._lake, SERVED)
            if self._model is None or self._model.metadata.version != version:
                self._model = self._fit(version)
                _log.info("serving model %s", version)
            self._next_check = self._clock() + RECHECK_SECONDS
        except NoModel:
            # Looked for at every request, so that a first training shows at once.
            if self._model is None:
                raise
            self._next_check = self._clock() + RECHECK_SECONDS
        except (ModelError, LakeError) as error:
            self._failure = str(error)
            self._next_check = self._clock() + RETRY_SECONDS
            stays = f"; {self._model.metadata.version} goes on serving" if self._model else ""
            _log.error("the champion cannot be served%s: %s", stays, error)

    def _fit(self, version: str) -> Scorer:
        """The model, after it has scored a loan: that warms it up, and shows that it can."""
        model = self._load(self._lake, version, self._cache)
        if problem := _unfit(model.metadata):
            raise ModelError(f"model {version} cannot answer the form: {problem}. Train one on the set `form`.")
        try:
            model.default_probabilities(form_features([_middling(model.metadata)], model.metadata.salaries))
        except ContractError as error:
            raise ModelError(f"model {version} cannot score a loan: {error}. Train it anew.") from error
        return model


def _unfit(metadata: Metadata) -> str:
    asked = {feature.name for feature in feature_set("form")}
    numbers = {question.name for question in QUESTIONS if question.kind in {"money", "count"}}
    if unasked := sorted(set(metadata.features) - asked):
        return f"it needs {', '.join(unasked[:3])}, which nobody is asked"
    if unknown := sorted(numbers - set(metadata.spreads)):
        return f"its metadata has no spread of {', '.join(unknown[:3])}"
    return "" if metadata.districts else "its metadata names no district"


def _middling(metadata: Metadata) -> dict[str, Any]:
    """Answers in the middle of the training loans."""
    days = {"granted_on": date(1997, 1, 1), "opened_on": date(1995, 1, 1), "owner_born_on": date(1957, 1, 1)}
    return {
        question.name: metadata.spreads[question.name].median
        if question.kind in {"money", "count"}
        else question.choices[0][0]
        if question.kind == "choice"
        else days.get(question.name, metadata.districts[0].name)
        for question in QUESTIONS
    }
