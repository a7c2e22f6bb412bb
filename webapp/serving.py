"""The models that answer: the lake's champions and challengers, loaded once a process and followed when they change."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import pandas as pd
from flask import current_app

from features.answers import form_features
from features.questions import QUESTIONS
from features.sets import feature_set
from payoff.errors import ContractError, LakeError, ModelError, NoModel
from payoff.lake import Lake
from payoff.metadata import Metadata
from payoff.model import load_model
from payoff.registry import SERVED, challengers, champion
from payoff.settings import Settings
from webapp.predictions import Scorer

EXTENSION = "payoff.models"
SETTINGS = "payoff.settings"
LAKE = "payoff.lake"
RECHECK_SECONDS = 5.0
RETRY_SECONDS = 30.0

_log = logging.getLogger(__name__)


class Models(Protocol):
    """Where the app gets its models."""

    def current(self, feature_set: str = SERVED) -> Scorer:
        """The champion of a feature set. Raises ModelError where there is none."""

    def challenger(self, feature_set: str = SERVED) -> Scorer | None:
        """The challenger of a feature set, if there is one that can be loaded."""

    def version(self, version: str) -> Scorer:
        """Any version. Raises ModelError where there is none of that name, or it cannot be loaded."""


def served_models() -> Models:
    """The models of the running app."""
    models: Models = current_app.extensions[EXTENSION]
    return models


def current_settings() -> Settings:
    """The settings of the running app."""
    settings: Settings = current_app.extensions[SETTINGS]
    return settings


def current_lake() -> Lake:
    """The lake of the running app."""
    lake: Lake = current_app.extensions[LAKE]
    return lake


def current_model(feature_set: str = SERVED) -> Scorer:
    """The champion that the running app answers with.

    Raises
    ------
    ModelError
        There is none, or it cannot be loaded.
    """
    return served_models().current(feature_set)


def lake_models(settings: Settings, lake: Lake, loaded: Mapping[str, Scorer] | None = None) -> "LakeModels":
    """The models of a lake, their files kept where the settings say; ``loaded`` as of :class:`LakeModels`."""
    return LakeModels(lake, settings.var_dir / "models", loaded)


class LakeModels:
    """The models of a lake, each loaded when it is first asked for.

    Parameters
    ----------
    cache : Path
        Directory that model files are fetched to.
    loaded : mapping of version to model, optional
        Those that need not be loaded again.
    """

    def __init__(self, lake: Lake, cache: Path, loaded: Mapping[str, Scorer] | None = None) -> None:
        self._lake, self._cache = lake, cache
        self._held: dict[tuple[str, str], ModelHolder] = {}
        self._lock = threading.Lock()
        ready = dict(loaded or {})
        # Some versions side by side, not all that there ever were.
        self._load = lru_cache(maxsize=8)(lambda version: ready.get(version) or load_model(lake, version, cache))

    def current(self, feature_set: str = SERVED) -> Scorer:
        return self._holder("champion", feature_set).current()

    def challenger(self, feature_set: str = SERVED) -> Scorer | None:
        try:
            return self._holder("challenger", feature_set).current()
        except NoModel:
            return None
        except (ModelError, LakeError) as error:
            _log.warning("the challenger of %s takes no part: %s", feature_set, error)
            return None

    def version(self, version: str) -> Scorer:
        return self._load(version)

    def loaded(self) -> dict[str, Scorer]:
        """The models that serve, by version."""
        serving = [holder.serving for holder in self._held.values()]
        return {model.metadata.version: model for model in serving if model}

    def _holder(self, role: str, feature_set: str) -> "ModelHolder":
        with self._lock:
            if (role, feature_set) not in self._held:
                pointer = champion if role == "champion" else _challenger
                self._held[role, feature_set] = ModelHolder(
                    self._lake, self._cache, feature_set, pointer, load=lambda _, version, __: self._load(version)
                )
            return self._held[role, feature_set]


def _challenger(lake: Lake, feature_set: str) -> str:
    if version := challengers(lake).get(feature_set):
        return version
    raise NoModel(f"the set {feature_set!r} has no challenger")


def _beside(work: Callable[[], None]) -> None:
    threading.Thread(target=work, name="look-for-model", daemon=True).start()


class ModelHolder:
    """Loads the model that a pointer names when first asked, and again when it names another.

    Whoever asks first waits for it. Once a model serves, the next is looked for and loaded beside the requests.

    Parameters
    ----------
    cache : Path
        Directory that model files are fetched to.
    pointer : callable, optional
        From the lake and the feature set to a version: that of the champion by default.
    load : callable, optional
        As ``payoff.model.load_model``.
    clock : callable, optional
        Seconds that only grow.
    run : callable, optional
        Runs what it is given, in a thread of its own by default.
    """

    def __init__(
        self,
        lake: Lake,
        cache: Path,
        feature_set: str = SERVED,
        pointer: Callable[[Lake, str], str] = champion,
        load: Callable[[Lake, str, Path], Scorer] = load_model,
        clock: Callable[[], float] = time.monotonic,
        run: Callable[[Callable[[], None]], None] = _beside,
    ) -> None:
        self._lake, self._cache, self._load, self._clock, self._run = lake, cache, load, clock, run
        self._feature_set, self._pointer = feature_set, pointer
        self._lock = threading.Lock()
        self._model: Scorer | None = None
        self._failure: str | None = None
        self._next_check = float("-inf")

    @property
    def serving(self) -> Scorer | None:
        """The model that serves, if one does yet."""
        return self._model

    def current(self) -> Scorer:
        """The model pointed at; while a new one is looked for, loads or is broken, the one before.

        Raises
        ------
        NoModel
            None was promoted yet.
        ModelError
            The only one there is cannot be loaded.
        """
        serving = self._model
        if serving is None:
            with self._lock:
                return self._checked()
        if (now := self._clock()) >= self._next_check:
            # Set at once, so that the next request does not look too; and should the look end in an unforeseen error.
            self._next_check = now + RETRY_SECONDS
            self._run(self._look)
        return serving

    def _checked(self) -> Scorer:
        if self._clock() >= self._next_check:
            self._check()
        if self._model is None:
            raise ModelError(self._failure)
        return self._model

    def _look(self) -> None:
        # Where a model takes long to load, the next look would only wait for it.
        if self._lock.acquire(blocking=False):
            try:
                self._check()
            except NoModel:
                _log.info("no model of %s serves in this place any more", self._feature_set)
            finally:
                self._lock.release()

    def _check(self) -> None:
        try:
            version = self._pointer(self._lake, self._feature_set)
            if self._model is None or self._model.metadata.version != version:
                self._model = self._fit(version)
                _log.info("serving model %s", version)
            self._next_check = self._clock() + RECHECK_SECONDS
        except NoModel:
            # Looked for at every request, so that a first training shows at once. A challenger that was promoted is
            # gone from its place; it must not go on answering there.
            if self._model is None or self._pointer is not champion:
                self._model, self._next_check = None, float("-inf")
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
        if problem := _unfit(model.metadata, self._feature_set):
            raise ModelError(f"model {version} cannot answer: {problem}. Train one on the set `{self._feature_set}`.")
        try:
            model.default_probabilities(_loan_to_try(model.metadata))
        except ContractError as error:
            raise ModelError(f"model {version} cannot score a loan: {error}. Train it anew.") from error
        return model


def _unfit(metadata: Metadata, set_name: str) -> str:
    known = {feature.name for feature in feature_set(set_name)}
    if unknown := sorted(set(metadata.features) - known):
        return f"it needs {', '.join(unknown[:3])}, which the set {set_name} lacks"
    if set_name != SERVED:
        return ""
    numbers = {question.name for question in QUESTIONS if question.kind in {"money", "count"}}
    if unspread := sorted(numbers - set(metadata.spreads)):
        return f"its metadata has no spread of {', '.join(unspread[:3])}"
    return "" if metadata.districts else "its metadata names no district"


def _loan_to_try(metadata: Metadata) -> pd.DataFrame:
    if metadata.feature_set == SERVED:
        return form_features([_middling(metadata)], metadata.salaries)
    numbers = {name: spread.median for name, spread in metadata.spreads.items()}
    return pd.DataFrame([{name: numbers.get(name) for name in metadata.features}])


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
