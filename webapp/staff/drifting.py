"""Drift of the served models, computed from stored predictions, ready for the dashboard."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from features.sets import feature_set
from payoff.comparison import held_out
from payoff.contract import Feature
from payoff.errors import LakeError
from payoff.lake import Lake
from payoff.metadata import Metadata, deciles_of
from webapp.drift import LEVELS, Drift, Level, category_drift, number_drift
from webapp.storage.samples import newest_features, newest_scores


@dataclass(frozen=True)
class FeatureDrift:
    """A feature with its drift."""

    feature: Feature
    drift: Drift


@dataclass(frozen=True)
class SetDrift:
    """Drift of all that a champion sees, and of what it says.

    Attributes
    ----------
    predictions : int
        In the sample.
    score : Drift, optional
        Against the loans held out of its training, on which it is not overconfident; None where it kept none.
    features : tuple of FeatureDrift
        The worst first.
    unknown : int
        Features of which nothing can be said: training kept no shares of their categories, or no value is there.
    rough : bool
        Whether training kept no shares at all, as it did in earlier versions.
    """

    feature_set: str
    version: str
    loans: int
    predictions: int
    score: Drift | None
    features: tuple[FeatureDrift, ...]
    unknown: int
    rough: bool

    def count(self, level: Level) -> int:
        """Features of that level."""
        return sum(each.drift.level == level for each in self.features)


def set_drift(session: Session, lake: Lake, metadata: Metadata, since: datetime, until: datetime) -> SetDrift:
    """Drift of the newest predictions from the model's feature set, made from ``since`` (included) to ``until``."""
    values = newest_features(session, metadata.feature_set, metadata.features, since, until)
    scores = newest_scores(session, metadata.feature_set, metadata.version, since, until)
    found = _features(metadata, values)
    return SetDrift(
        feature_set=metadata.feature_set,
        version=metadata.version,
        loans=metadata.train_loans,
        predictions=max(map(len, values.values()), default=0),
        score=_score_drift(lake, metadata, scores),
        features=tuple(sorted(found, key=_gravity, reverse=True)),
        unknown=len(metadata.features) - len(found),
        rough=not metadata.shares,
    )


def _features(metadata: Metadata, values: Mapping[str, Sequence[Any]]) -> list[FeatureDrift]:
    declared = {feature.name: feature for feature in feature_set(metadata.feature_set)}
    drifts = ((declared[name], _drift(metadata, name, values[name])) for name in metadata.features)
    return [FeatureDrift(feature, drift) for feature, drift in drifts if drift]


def _drift(metadata: Metadata, name: str, values: Sequence[Any]) -> Drift | None:
    shares, deciles = metadata.shares.get(name), metadata.quantiles.get(name)
    if deciles:
        return number_drift(np.array(values, dtype=np.float64), deciles, shares, metadata.train_loans)
    return category_drift(values, shares, metadata.train_loans) if shares else None


def _score_drift(lake: Lake, metadata: Metadata, scores: np.ndarray) -> Drift | None:
    try:
        kept = held_out(lake, metadata)
    except LakeError:
        # A model whose files are damaged goes on serving from memory; the models page says so.
        return None
    if kept is None:
        return None
    payoff = 1 - kept["probability"].to_numpy()
    deciles = np.quantile(payoff, np.arange(11) / 10).tolist()
    tenths = Counter(map(str, deciles_of(payoff, deciles).tolist()))
    return number_drift(scores, deciles, {name: count / payoff.size for name, count in tenths.items()}, payoff.size)


def _gravity(each: FeatureDrift) -> tuple[int, float]:
    told = [distance.value for distance in (each.drift.psi, each.drift.ks) if distance and distance.level != "few"]
    return LEVELS.index(each.drift.level), max(told, default=0.0)
