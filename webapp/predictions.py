"""From features to a prediction, by the same function for form, account lookup, batch and API."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import numpy as np
import pandas as pd

from features.answers import Answers, form_features, validated
from features.sets import feature_set
from payoff.choices import Verdict
from payoff.contract import Feature
from payoff.errors import ModelError
from payoff.metadata import Band, Metadata
from webapp.intervals import wilson


class Scorer(Protocol):
    """What is asked of a model; ``payoff.model.Model`` is one."""

    def __hash__(self) -> int:
        """By identity, so that what is worked out of a model once can be kept."""

    @property
    def metadata(self) -> Metadata:
        """What is known about the version."""

    @property
    def background(self) -> pd.DataFrame:
        """The features of a few training loans, for explanations to compare with."""

    def default_probabilities(self, features: pd.DataFrame) -> np.ndarray:
        """Probability of default of each row."""


@dataclass(frozen=True)
class Outside:
    """A figure beyond those of the training loans, which lay between ``low`` and ``high``."""

    label: str
    unit: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Terms:
    """What is lent: CZK, and the months to pay it back."""

    amount_czk: float
    duration_months: float

    @property
    def instalment_czk(self) -> float:
        """What is to be paid back each month."""
        return self.amount_czk / self.duration_months


@dataclass(frozen=True)
class Prediction:
    """What a model says about one loan.

    Attributes
    ----------
    threshold : float
        Probability of payoff at or below which the prediction is ``default``.
    band : Band, optional
        The test loans that scored alike, and how they ended.
    outside : tuple of Outside
        Figures that the model saw nothing like in training.
    features : mapping of feature name to value
        What the model saw; None where missing.
    """

    payoff_probability: float
    prediction: Verdict
    threshold: float
    model_version: str
    feature_set: str
    band: Band | None
    outside: tuple[Outside, ...]
    terms: Terms
    features: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        """What programs are told."""
        return {
            "payoff_probability": self.payoff_probability,
            "prediction": self.prediction,
            "model_version": self.model_version,
        }


def typed_answers(model: Scorer, answers: Mapping[str, object]) -> Answers:
    """The answers to the form's questions, typed and checked against what ``model`` knows.

    Raises
    ------
    InvalidAnswers
        Names every faulty field.
    """
    return validated(answers, model.metadata.salaries)


def predict(model: Scorer, answers: Answers) -> Prediction:
    """Score one loan from typed answers. Raises ModelError where the model gives no probability."""
    features = form_features([answers], model.metadata.salaries)
    return judged(model, features, [terms_of(answers)])[0]


def terms_of(answers: Answers) -> Terms:
    """The terms among typed answers."""
    return Terms(answers["loan_amount_czk"], answers["loan_duration_months"])


def judged(model: Scorer, features: pd.DataFrame, terms: Sequence[Terms]) -> list[Prediction]:
    """Score loans from their features, and say what there is to say about each.

    Parameters
    ----------
    features : DataFrame, one row per loan
        The features of the model's set, or at least those it needs.
    terms : sequence of Terms
        In the same order.

    Raises
    ------
    ModelError
        The model gave no probability.
    """
    metadata = model.metadata
    payoffs = payoff_probabilities(model, features)
    columns = [features[name].tolist() for name in metadata.features]
    return [
        Prediction(
            payoff_probability=float(payoff),
            prediction=verdict(metadata, payoff),
            threshold=1 - metadata.threshold,
            model_version=metadata.version,
            feature_set=metadata.feature_set,
            band=_band(metadata.bands, payoff),
            outside=_outside(metadata, row),
            terms=each,
            features=row,
        )
        for payoff, row, each in zip(payoffs, _rows(metadata.features, columns), terms, strict=True)
    ]


def _rows(names: Sequence[str], columns: Sequence[Sequence[Any]]) -> Iterator[dict[str, Any]]:
    for row in zip(*columns, strict=True):
        # NaN is the one value that differs from itself. pandas' own test takes longer than all else that is said of it.
        yield {name: None if value != value else value for name, value in zip(names, row, strict=True)}


def payoff_probabilities(model: Scorer, features: pd.DataFrame) -> np.ndarray:
    """Probability of payoff of each row. Raises ModelError where the model gives none."""
    default = model.default_probabilities(features)
    if not ((default >= 0) & (default <= 1)).all():
        raise ModelError(f"model {model.metadata.version} gave what is no probability. Train it anew.")
    return 1 - default


def verdict(metadata: Metadata, payoff: float) -> Verdict:
    """What a probability of payoff comes down to, at the model's threshold."""
    return "default" if payoff <= 1 - metadata.threshold else "paid_off"


def band_interval(band: Band) -> tuple[float, float]:
    """Wilson's 95 % interval of the share of the band's loans that were paid off."""
    return wilson(band.paid_off, band.loans)


def _band(bands: tuple[Band, ...], payoff: float) -> Band | None:
    """The band that holds ``payoff``; the topmost includes its upper end."""
    top = max((band.high for band in bands), default=0.0)
    for band in bands:
        if band.low <= payoff < band.high or payoff == band.high == top:
            return band
    return None


def _outside(metadata: Metadata, row: Mapping[str, Any]) -> tuple[Outside, ...]:
    found = []
    for feature in _numbers(metadata.feature_set):
        spread, value = metadata.spreads.get(feature.name), row.get(feature.name)
        if spread is not None and value is not None and not spread.low <= value <= spread.high:
            found.append(Outside(feature.label, feature.unit, value, spread.low, spread.high))
    return tuple(found)


@cache
def _numbers(set_name: str) -> tuple[Feature, ...]:
    # What is expressed in instalments only repeats what its two parts say.
    return tuple(each for each in feature_set(set_name) if each.dtype == "number" and each.unit != "instalments")
