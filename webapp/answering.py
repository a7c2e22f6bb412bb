"""From a question to an answer that is stored before it is given; the same for form, account lookup and API."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

import pandas as pd

from features.answers import Answers, form_features
from payoff.registry import SERVED
from webapp import trials
from webapp.explaining import Explanation, as_json, explain
from webapp.predictions import Prediction, Scorer, Terms, judged, terms_of, typed_answers
from webapp.serving import current_model
from webapp.storage import database
from webapp.storage.history import Circumstances, store


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


def answer_form(answers: Mapping[str, object], how: Circumstances) -> Answered:
    """Validate, predict, explain and store.

    Raises
    ------
    InvalidAnswers
        Names every faulty field.
    ModelError, StorageError
        No answer can be given, or none can be kept.
    """
    typed = typed_answers(current_model(), answers)
    return _stored(SERVED, lambda model: form_features([typed], model.metadata.salaries), terms_of(typed), how, typed)


def answer_features(feature_set: str, features: pd.DataFrame, terms: Terms, how: Circumstances) -> Answered:
    """Predict and explain the one loan of ``features`` (``trials.features_needed`` at least), and store it."""
    return _stored(feature_set, lambda _: features, terms, how, {})


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
    answers = [typed for typed, _ in questions]
    features = form_features(answers, model.metadata.salaries)
    predictions = judged(model, features, [terms_of(typed) for typed in answers])
    each_took = (time.perf_counter() - began) * 1000 / len(questions)
    with database().session() as session:
        return [
            (store(session, prediction, replace(how, milliseconds=each_took)), prediction)
            for prediction, (_, how) in zip(predictions, questions, strict=True)
        ]


def _stored(
    feature_set: str, see: Callable[[Scorer], pd.DataFrame], terms: Terms, how: Circumstances, typed: Answers
) -> Answered:
    """``see`` gives what a model sees of the loan."""
    seen = cache(see)

    def ask(model: Scorer) -> Prediction:
        return judged(model, seen(model), [terms])[0]

    began = time.perf_counter()
    prediction, choice = trials.answered(feature_set, how.application, ask)
    explanation = explain(choice.model, seen(choice.model))
    timed = replace(how, arm=choice.arm, milliseconds=(time.perf_counter() - began) * 1000)
    with database().session() as session:
        number = store(session, prediction, timed, as_json(explanation))
    trials.shadow(feature_set, number, ask)
    return Answered(number, prediction, typed, explanation, choice.model)
