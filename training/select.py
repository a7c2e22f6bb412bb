"""Which features to train on: rules computed on training rows only.

What drifts with the calendar among the training loans goes, because later loans will lie outside what was seen; so do
constants, and near-copies of a feature that tells the ends apart better. The rest is for regularised models to weigh.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from payoff.contract import Feature

#: Sets of up to this many features were chosen by a person and are trained on as they are.
CHOSEN_BY_HAND = 30
#: Two features that rank the training loans this much alike are copies of each other.
ALIKE = 0.9
#: A feature that ranks the training loans this much like their dates drifts.
DRIFTING = 0.25
#: Synthesised features of these kinds are not offered, nor are snapshots: measured, they add nothing
#: (benchmarks/ablation.md), and models without them are smaller and looked up sooner.
LEFT_OUT = frozenset({"sum", "trend", "median", "distinct", "first_day", "last_day", "month"})
LEFT_OUT_SCALES = frozenset({"instalment"})


def offered(features: Sequence[Feature]) -> list[str]:
    """The names of the features that are worth choosing from."""
    return [feature.name for feature in features if not feature.operation or _worth_it(feature)]


def _worth_it(feature: Feature) -> bool:
    left_out = feature.operation in LEFT_OUT or feature.scale in LEFT_OUT_SCALES
    return not left_out and feature.known != "snapshot"


def select(features: pd.DataFrame, truth: pd.Series, dates: pd.Series) -> list[str]:
    """The columns to train on, the one that tells the ends apart best first, categories last.

    Parameters
    ----------
    features : DataFrame, one row per training loan
        Numbers (missing values allowed) and categories.
    truth : Series of int
        1 where the loan defaulted.
    dates : Series of datetime64
        When each loan was granted.
    """
    if features.shape[1] <= CHOSEN_BY_HAND:
        return [str(name) for name in features.columns]
    numbers = features.select_dtypes("number")
    categories = [str(name) for name in features.columns.difference(numbers.columns, sort=False)]
    return without_copies(without_drift(numbers, dates), truth) + categories


def without_drift(numbers: pd.DataFrame, dates: pd.Series) -> pd.DataFrame:
    """The columns that do not rank the loans as their dates do (Spearman's rank correlation)."""
    ranks = _ranks(numbers)
    days = pd.to_datetime(dates).rank().to_numpy()
    together = np.corrcoef(np.column_stack([days, ranks]), rowvar=False)[0, 1:]
    steady: list[str] = ranks.columns[np.abs(together) <= DRIFTING].to_list()
    return numbers[steady]


def without_copies(numbers: pd.DataFrame, truth: pd.Series) -> list[str]:
    """The columns that vary, of near-copies only the one that tells the ends apart best, best first."""
    ranks = _ranks(numbers)
    order = np.argsort(-_strength(ranks, truth), kind="stable")
    alike = np.abs(np.corrcoef(ranks.to_numpy(), rowvar=False)) > ALIKE
    kept: list[int] = []
    for place in order:
        if not alike[place, kept].any():
            kept.append(int(place))
    return [str(ranks.columns[place]) for place in kept]


def _strength(ranks: pd.DataFrame, truth: pd.Series) -> np.ndarray:
    """How far the ROC AUC of each column alone lies from 0.5, from its rank sum (Mann and Whitney, 1947)."""
    defaulted = truth.to_numpy() == 1
    ones, others = int(defaulted.sum()), int((~defaulted).sum())
    rank_sums = ranks.to_numpy()[defaulted].sum(axis=0)
    areas: np.ndarray = (rank_sums - ones * (ones + 1) / 2) / (ones * others)
    return np.abs(areas - 0.5)


def _ranks(numbers: pd.DataFrame) -> pd.DataFrame:
    """Ranks of the columns that vary; a missing value is neither high nor low."""
    ranks = numbers.rank()
    ranks = ranks.fillna(ranks.median()).rank()
    return ranks.loc[:, ranks.nunique() > 1]
