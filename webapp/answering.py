"""From a question to an answer that is stored before it is given; the same for form, account lookup and API."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import pandas as pd
from flask import Flask, current_app
from sqlalchemy.exc import DataError, IntegrityError

from features.answers import Answers, form_features
from payoff.errors import StorageError
from payoff.registry import SERVED
from webapp import trials
from webapp.explaining import Explanation, as_json, explain
from webapp.gathering import Gathering
from webapp.observing import metrics
from webapp.predictions import Prediction, Scorer, Terms, judged, terms_of, typed_answers
from webapp.remembering import Remembered
from webapp.serving import current_model
from webapp.storage import Database, database
from webapp.storage.history import Circumstances, Kept, lies, store

_EXTENSION = "payoff.answering"


@dataclass(frozen=True)
class Answered:
    """A stored prediction.

    Attributes
    ----------
    number : int
        Its row in the history.
    answers : mapping
        Typed answers, where a form was answered.
    explanation : Explanation
        Quick, with the reasons of all groups.
    model : Scorer
        Who answered: the champion, or where applications are split the challenger.
    """

    number: int
    prediction: Prediction
    answers: Answers
    explanation: Explanation
    model: Scorer


@dataclass(frozen=True)
class _Judged:
    """What a model said of a loan, and on demand why."""

    model: Scorer
    prediction: Prediction
    seen: Callable[[], pd.DataFrame]

    @cached_property
    def explanation(self) -> Explanation:
        return explain(self.model, self.seen())


@dataclass(frozen=True)
class _Asked:
    model: Scorer
    typed: Answers


@dataclass(frozen=True)
class _Stages:
    """Where questions of many threads meet, and what is known already."""

    judging: Gathering[_Asked, _Judged]
    storing: Gathering[Kept, int]
    remembered: Remembered[_Judged]


def gather(app: Flask, held: Database, most: int) -> None:
    """Let up to ``most`` questions that wait at the same time share one model call and one transaction."""
    judging = Gathering(_judge, most, noted=partial(metrics.gathered, "predict"))
    storing = Gathering(partial(_store, held), most, shared=_meets_all, noted=partial(metrics.gathered, "store"))
    app.extensions[_EXTENSION] = _Stages(judging, storing, Remembered(metrics.cached))


def answer_form(answers: Mapping[str, object], how: Circumstances) -> Answered:
    """Validate, predict, explain and store.

    Raises
    ------
    InvalidAnswers
        Names every faulty field.
    ModelError, StorageError, Busy
        No answer can be given, or none can be kept.
    """
    typed = typed_answers(current_model(), answers)
    return _explained(SERVED, partial(_of_form, _stages(), typed), how, typed)


def answer_features(feature_set: str, features: pd.DataFrame, terms: Terms, how: Circumstances) -> Answered:
    """Predict and explain the one loan of ``features`` (``trials.features_needed`` at least), and store it."""

    def ask(model: Scorer) -> _Judged:
        return _Judged(model, judged(model, features, [terms])[0], lambda: features)

    return _explained(feature_set, ask, how, {})


def answer_shortly(typed: Answers, how: Circumstances) -> tuple[int, Prediction]:
    """Predict and store one loan from typed answers, without reasons, which take the most time; number and prediction.

    Raises
    ------
    ModelError, StorageError, Busy
        No answer can be given, or none can be kept.
    """
    began = time.perf_counter()
    ask = partial(_of_form, _stages(), typed)
    judgement, choice = trials.answered(SERVED, how.application, ask)
    return _stored(judgement, choice, ask, replace(how, milliseconds=_since(began))), judgement.prediction


def answer_forms(model: Scorer, questions: Sequence[tuple[Answers, Circumstances]]) -> list[tuple[int, Prediction]]:
    """Predict and store many loans from typed answers, together: all are kept, or none; number and prediction of each.

    Raises
    ------
    ModelError, StorageError
        No answer can be given, or none can be kept.
    """
    if not questions:
        return []
    began = time.perf_counter()
    predictions = _predicted(model, [typed for typed, _ in questions])
    each_took = _since(began) / len(questions)
    kept = [
        Kept(prediction, replace(how, milliseconds=each_took))
        for prediction, (_, how) in zip(predictions, questions, strict=True)
    ]
    return list(zip(_store(database(), kept), predictions, strict=True))


def _explained(feature_set: str, ask: Callable[[Scorer], _Judged], how: Circumstances, typed: Answers) -> Answered:
    began = time.perf_counter()
    judgement, choice = trials.answered(feature_set, how.application, ask)
    explanation = judgement.explanation
    timed = replace(how, milliseconds=_since(began))
    number = _stored(judgement, choice, ask, timed, as_json(explanation))
    return Answered(number, judgement.prediction, typed, explanation, choice.model)


def _stored(
    judgement: _Judged,
    choice: trials.Choice,
    ask: Callable[[Scorer], _Judged],
    how: Circumstances,
    reasons: Sequence[Mapping[str, Any]] | None = None,
) -> int:
    prediction = judgement.prediction
    number = _stages().storing.ask(Kept(prediction, replace(how, arm=choice.arm), reasons))
    trials.shadow(prediction.feature_set, number, lambda model: ask(model).prediction)
    return number


def _since(began: float) -> float:
    """Milliseconds."""
    return (time.perf_counter() - began) * 1000


def _of_form(stages: _Stages, typed: Answers, model: Scorer) -> _Judged:
    return stages.remembered.get(model, tuple(typed.items()), lambda: stages.judging.ask(_Asked(model, typed)))


def _judge(asked: Sequence[_Asked]) -> list[_Judged]:
    """All of them, in one call of each model."""
    found: dict[int, _Judged] = {}
    for model in {each.model for each in asked}:
        places = [place for place, each in enumerate(asked) if each.model is model]
        typed = [asked[place].typed for place in places]
        for place, answers, prediction in zip(places, typed, _predicted(model, typed), strict=True):
            seen = partial(form_features, [answers], model.metadata.salaries)
            found[place] = _Judged(model, prediction, seen)
    return [found[place] for place in range(len(asked))]


def _predicted(model: Scorer, typed: Sequence[Answers]) -> list[Prediction]:
    return judged(model, form_features(typed, model.metadata.salaries), [terms_of(each) for each in typed])


def _store(held: Database, kept: Sequence[Kept]) -> list[int]:
    numbers = held.kept(lambda session: store(session, kept), lambda session, given: lies(session, given, kept))
    for each in kept:
        metrics.predicted(each.how.source, each.prediction.feature_set, each.prediction.prediction)
    return numbers


def _meets_all(error: Exception) -> bool:
    """Whether the database itself is to blame for an error, and not what one of many predictions holds."""
    return isinstance(error, StorageError) and not isinstance(error.__cause__, DataError | IntegrityError)


def _stages() -> _Stages:
    stages: _Stages = current_app.extensions[_EXTENSION]
    return stages
