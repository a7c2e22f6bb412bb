"""From answers to a prediction, by the same function for the form and the API."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from features.answers import Answers, form_features, validated
from features.sets import feature_set
from payoff.errors import ModelError
from payoff.metadata import Band, Metadata

Verdict = Literal["paid_off", "default"]

# AutoGluon does not promise that a predictor may be used by several threads at once.
_ONE_AT_A_TIME = threading.Lock()


class Scorer(Protocol):
    """What is asked of a model; ``payoff.model.Model`` is one."""

    @property
    def metadata(self) -> Metadata:
        """What is known about the version."""

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
class Prediction:
    """What the model says about one loan.

    Attributes
    ----------
    threshold : float
        Probability of payoff at or below which the prediction is ``default``.
    band : Band, optional
        The test loans that scored alike, and how they ended.
    outside : tuple of Outside
        Figures that the model saw nothing like in training.
    answers : mapping of question name to typed answer
    instalment_czk : float
        What is to be paid back each month.
    """

    payoff_probability: float
    prediction: Verdict
    threshold: float
    model_version: str
    band: Band | None
    outside: tuple[Outside, ...]
    answers: Answers
    instalment_czk: float

    def as_json(self) -> dict[str, Any]:
        """What programs are told."""
        return {
            "payoff_probability": self.payoff_probability,
            "prediction": self.prediction,
            "model_version": self.model_version,
        }


def predict(model: Scorer, answers: Mapping[str, object]) -> Prediction:
    """Score one loan.

    Parameters
    ----------
    answers : mapping of question name to value
        As JSON or a form gives them; validated here.

    Raises
    ------
    InvalidAnswers
        Names every faulty field.
    ModelError
        The model gave no probability.
    """
    metadata = model.metadata
    typed = validated(answers, metadata.salaries)
    features = form_features([typed], metadata.salaries)
    default = _default_probability(model, features)
    payoff = 1 - default
    return Prediction(
        payoff_probability=payoff,
        prediction="default" if default >= metadata.threshold else "paid_off",
        threshold=1 - metadata.threshold,
        model_version=metadata.version,
        band=_band(metadata.bands, payoff),
        outside=_outside(metadata, features),
        answers=typed,
        instalment_czk=float(features["loan_instalment_czk"].iloc[0]),
    )


def band_interval(band: Band) -> tuple[float, float]:
    """Wilson's 95 % interval of the share of the band's loans that were paid off.

    Notes
    -----
    Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference. JASA 22, 209-212.
    """
    interval = binomtest(band.paid_off, band.loans).proportion_ci(confidence_level=0.95, method="wilson")
    return float(interval.low), float(interval.high)


def _default_probability(model: Scorer, features: pd.DataFrame) -> float:
    with _ONE_AT_A_TIME:
        probability = float(model.default_probabilities(features)[0])
    if not 0 <= probability <= 1:
        raise ModelError(f"model {model.metadata.version} gave {probability}, which is no probability. Train it anew.")
    return probability


def _band(bands: tuple[Band, ...], payoff: float) -> Band | None:
    """The band that holds ``payoff``; the topmost includes its upper end."""
    top = max((band.high for band in bands), default=0.0)
    for band in bands:
        if band.low <= payoff < band.high or payoff == band.high == top:
            return band
    return None


def _outside(metadata: Metadata, features: pd.DataFrame) -> tuple[Outside, ...]:
    found = []
    for feature in feature_set("form"):
        spread = metadata.spreads.get(feature.name)
        # What is expressed in instalments only repeats what its two parts say.
        if spread is None or feature.unit == "instalments":
            continue
        value = float(features[feature.name].iloc[0])
        if not spread.low <= value <= spread.high:
            found.append(Outside(feature.label, feature.unit, value, spread.low, spread.high))
    return tuple(found)
