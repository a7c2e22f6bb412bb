"""Which features to train on: rules computed on training rows only.

Constants and near-copies go first; what is left is ranked by how much it helps small boosted trees, averaged over
resampled halves of the training rows, so that a feature has to help again and again (stability selection: Meinshausen
and Bühlmann, Journal of the Royal Statistical Society B 72, 2010, 417).
"""

from typing import Any

import lightgbm
import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

#: More features than this are not trained on.
KEPT_FEATURES = 300
#: Two features that rank the training loans this much alike are copies of each other.
ALIKE = 0.9
ROUNDS = 30
TREES: dict[str, Any] = {
    "n_estimators": 80, "learning_rate": 0.05, "num_leaves": 6, "min_child_samples": 12, "colsample_bytree": 0.3,
    "reg_lambda": 5.0, "importance_type": "gain", "verbosity": -1, "n_jobs": 1, "deterministic": True,
    "force_row_wise": True,
}  # fmt: skip


def select(features: pd.DataFrame, truth: pd.Series, *, keep: int, seed: int) -> list[str]:
    """The ``keep`` most helpful columns of ``features``, most helpful first; all of them if there are no more.

    Parameters
    ----------
    features : DataFrame, one row per training loan
        Numbers (missing values allowed) and categories.
    truth : Series of int
        1 where the loan defaulted.
    """
    numbers = features.select_dtypes("number")
    categories = [str(name) for name in features.columns.difference(numbers.columns, sort=False)]
    if features.shape[1] <= keep:
        return [str(name) for name in features.columns]
    candidates = without_copies(numbers, truth)
    gains = _gains(numbers[candidates], truth, seed)
    ranked = [candidates[place] for place in np.argsort(-gains, kind="stable")]
    return ranked[: keep - len(categories)] + categories


def without_copies(numbers: pd.DataFrame, truth: pd.Series) -> list[str]:
    """The columns that vary, of near-copies only the one that tells the ends apart best, best first."""
    varying = numbers.loc[:, numbers.nunique() > 1]
    filled = varying.rank().fillna(0.0)  # a missing value ranks below all
    strength = np.array([abs(roc_auc_score(truth, filled[name]) - 0.5) for name in filled.columns])
    order = np.argsort(-strength, kind="stable")
    alike = np.abs(np.corrcoef(filled.to_numpy(), rowvar=False)) > ALIKE
    kept: list[int] = []
    for place in order:
        if not alike[place, kept].any():
            kept.append(int(place))
    return [str(filled.columns[place]) for place in kept]


def _gains(numbers: pd.DataFrame, truth: pd.Series, seed: int) -> np.ndarray:
    """Mean share of the gain of each column, over boosted trees on stratified halves of the rows."""
    rng = np.random.default_rng(seed)
    ends = [np.flatnonzero(truth.to_numpy() == end) for end in (0, 1)]
    total = np.zeros(numbers.shape[1])
    for number in range(ROUNDS):
        half = np.concatenate([rng.choice(rows, rows.size // 2, replace=False) for rows in ends])
        trees = lightgbm.LGBMClassifier(**TREES, random_state=seed + number)
        trees.fit(numbers.iloc[half], truth.iloc[half])
        gain = trees.feature_importances_
        total += gain / max(gain.sum(), 1e-12)
    return total / ROUNDS
