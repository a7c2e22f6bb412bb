"""One stored prediction, ready to be laid out: its features in words, its reasons, who asked."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from flask_babel import gettext as _

from features.sets import feature_set
from payoff.contract import Feature
from payoff.errors import ContractError, LakeError, ModelError
from webapp import wording
from webapp.explaining import Reason, explain, from_json
from webapp.explaining.wording import label, sentence
from webapp.predictions import Scorer
from webapp.serving import served_models
from webapp.storage.tables import Details, ShadowScore, StoredPrediction

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Figure:
    """A feature's value in words; ``means`` is empty where nothing more is known than the name."""

    label: str
    shown: str
    means: str


@dataclass(frozen=True)
class ShownReason:
    """What a group of features did to the probability of payoff, and where its bar begins and how long it is.

    ``start`` and ``length`` are shares of the width, whose middle is no effect.
    """

    label: str
    sentence: str
    effect: float
    start: float
    length: float


@dataclass(frozen=True)
class Described:
    """A prediction with everything that is told about it.

    Attributes
    ----------
    asker : str, optional
        A user's name.
    reasons : tuple of ShownReason
        Strongest first; stored ones, or computed anew where ``thorough``.
    base : float, optional
        The average that computed reasons start from.
    gone : bool
        Whether the model cannot be loaded any more.
    """

    row: StoredPrediction
    details: Details
    shadow: ShadowScore | None
    figures: tuple[Figure, ...]
    asker: str | None
    reasons: tuple[ShownReason, ...]
    base: float | None
    thorough: bool
    gone: bool


def described(
    row: StoredPrediction, details: Details, shadow: ShadowScore | None, asker: str | None, *, thorough: bool
) -> Described:
    """Describe a prediction; ``thorough`` computes its explanation anew, if the model that made it still exists."""
    model = _model(row.model.version)
    reasons: Sequence[Reason] = from_json(details.reasons).reasons if details.reasons else ()
    base = None
    if thorough and model:
        explanation = explain(model, _frame(row.model.feature_set, details.features), thorough=True)
        reasons, base = explanation.reasons, explanation.base
    return Described(
        row, details, shadow, _figures(row.model.feature_set, details.features), asker,
        _shown(reasons, model), base, thorough and model is not None, model is None,
    )  # fmt: skip


def _model(version: str) -> Scorer | None:
    try:
        return served_models().version(version)
    except (ModelError, LakeError) as error:
        _log.warning("model %s of a stored prediction cannot be had: %s", version, error)
        return None


def _declared(set_name: str) -> Mapping[str, Feature]:
    try:
        return {feature.name: feature for feature in feature_set(set_name)}
    except ContractError:
        # A set of another version of the program.
        return {}


def _figures(set_name: str, features: Mapping[str, Any]) -> tuple[Figure, ...]:
    declared = _declared(set_name)
    return tuple(_figure(name, value, declared.get(name)) for name, value in features.items())


def _figure(name: str, value: Any, feature: Feature | None) -> Figure:
    unit = feature.unit if feature else ""
    known = isinstance(value, int | float) and not isinstance(value, bool)
    shown = wording.quantity(value, unit) if known else _("not known") if value is None else str(value)
    return Figure(str(_(feature.label)) if feature else name, str(shown), str(_(feature.means)) if feature else "")


def _frame(set_name: str, features: Mapping[str, Any]) -> pd.DataFrame:
    """The stored features as the model saw them: missing numbers are NaN, missing texts None."""
    row = pd.DataFrame([features]).astype("object")
    declared = _declared(set_name)
    numbers = [name for name in row.columns if name not in declared or declared[name].dtype == "number"]
    return row.astype(dict.fromkeys(numbers, "float64"))


def _shown(reasons: Sequence[Reason], model: Scorer | None) -> tuple[ShownReason, ...]:
    ordered = sorted((each for each in reasons if each.effect), key=lambda each: -abs(each.effect))
    widest = max((abs(each.effect) for each in ordered), default=1.0)
    return tuple(
        ShownReason(
            label(each.key),
            sentence(each, model.metadata) if model else "",
            each.effect,
            50 + min(each.effect, 0) / widest * 50,
            abs(each.effect) / widest * 50,
        )
        for each in ordered
    )
