"""From a question to an answer that is stored before it is given; the same for form, account lookup and API."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from features.answers import Answers
from webapp.predictions import Prediction, Scorer, Terms, judged, predict, typed_answers
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
    """

    number: int
    prediction: Prediction
    answers: Answers


def answer_form(model: Scorer, answers: Mapping[str, object], how: Circumstances) -> Answered:
    """Validate, predict and store.

    Raises
    ------
    InvalidAnswers
        Names every faulty field.
    ModelError, StorageError
        No answer can be given, or none can be kept.
    """
    typed = typed_answers(model, answers)
    began = time.perf_counter()
    prediction = predict(model, typed)
    return _stored(prediction, typed, how, began)


def answer_features(model: Scorer, features: pd.DataFrame, terms: Sequence[Terms], how: Circumstances) -> Answered:
    """Predict the one loan of ``features`` and store it."""
    began = time.perf_counter()
    (prediction,) = judged(model, features, terms)
    return _stored(prediction, {}, how, began)


def _stored(prediction: Prediction, typed: Mapping[str, Any], how: Circumstances, began: float) -> Answered:
    timed = replace(how, milliseconds=(time.perf_counter() - began) * 1000)
    with database().session() as session:
        number = store(session, prediction, timed)
    return Answered(number, prediction, typed)
