"""What is compared: AutoGluon's presets, and four plain models with scikit-learn's own settings.

All get the same features of the same training rows, and all are judged by what they say of rows they have not seen:
out of fold for calibration and threshold, and on the test rows.
"""

import pickle
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
from scipy.special import expit
from sklearn.base import BaseEstimator
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC

from payoff.choices import Preset
from payoff.metadata import TARGET
from payoff.model import load_directory
from training.fit import fit

INNER_FOLDS = 5
AUTOGLUON = "AutoGluon"
MAJORITY = "majority class"
#: How often one row is predicted to tell how long that takes.
_ASKED = 5


@dataclass(frozen=True)
class Said:
    """What a contender said, uncalibrated, and what that took.

    Attributes
    ----------
    out_of_fold : float array, one per training row
    test : float array, one per test row
    fit_seconds, row_seconds : float
        To train everything; to predict one row.
    size : int
        Bytes of what must be kept to predict.
    """

    out_of_fold: np.ndarray
    test: np.ndarray
    fit_seconds: float
    row_seconds: float
    size: int


class Contender(Protocol):
    """Trains on rows with features and target, and predicts other rows."""

    def __call__(self, train: pd.DataFrame, test: pd.DataFrame, seed: int) -> Said: ...


def contender(name: str, preset: Preset = "good") -> Contender:
    """The contender of that name; the preset is AutoGluon's."""
    if name == AUTOGLUON:
        return lambda train, test, seed: _autogluon(train, test, seed, preset)
    return lambda train, test, seed: _plain(PLAIN[name], train, test, seed)


def _autogluon(train: pd.DataFrame, test: pd.DataFrame, seed: int, preset: Preset) -> Said:
    features = [str(name) for name in train.columns if name != TARGET]
    with tempfile.TemporaryDirectory(prefix="payoff-fold-") as directory:
        start = time.perf_counter()
        fitted = fit(train, Path(directory), seed=seed, preset=preset)
        fit_seconds = time.perf_counter() - start
        predict = load_directory(fitted.directory, features)
        size = sum(path.stat().st_size for path in fitted.directory.rglob("*") if path.is_file())
        return Said(fitted.out_of_fold, predict(test), fit_seconds, _row_seconds(predict, test), size)


def _plain(make: Callable[[int], BaseEstimator], train: pd.DataFrame, test: pd.DataFrame, seed: int) -> Said:
    rows, truth = train.drop(columns=TARGET), train[TARGET].to_numpy(dtype=int)
    start = time.perf_counter()
    estimator = _prepared(make(seed))
    inner = StratifiedKFold(INNER_FOLDS, shuffle=True, random_state=seed)
    method = "predict_proba" if hasattr(estimator, "predict_proba") else "decision_function"
    out_of_fold = cross_val_predict(estimator, rows, truth, cv=inner, method=method)
    estimator.fit(rows, truth)
    fit_seconds = time.perf_counter() - start

    def predict(table: pd.DataFrame) -> np.ndarray:
        return _probability(getattr(estimator, method)(table[rows.columns]))

    size = len(pickle.dumps(estimator))
    return Said(_probability(out_of_fold), predict(test), fit_seconds, _row_seconds(predict, test), size)


def _probability(said: np.ndarray) -> np.ndarray:
    """Of two columns the second; of distances to a hyperplane their logistic, which calibration puts right."""
    probability: np.ndarray = said[:, 1] if said.ndim == 2 else expit(said)
    return probability


def _row_seconds(predict: Callable[[pd.DataFrame], np.ndarray], test: pd.DataFrame) -> float:
    """Seconds for one row, the middle of a few."""
    taken = []
    for row in range(_ASKED):
        start = time.perf_counter()
        predict(test.iloc[[row]])
        taken.append(time.perf_counter() - start)
    return float(np.median(taken))


def _prepared(estimator: BaseEstimator) -> Pipeline:
    """Numbers with their median for missing ones, on one scale; categories as columns of 0 and 1."""
    numbers = make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler())
    prepare = make_column_transformer(
        (numbers, make_column_selector(dtype_include="number")),
        (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_exclude="number")),
    )
    return make_pipeline(prepare, estimator)


#: By name: from a seed to an estimator. The last four are the models of a well-known loan API.
PLAIN: dict[str, Callable[[int], Any]] = {
    MAJORITY: lambda _: DummyClassifier(strategy="prior"),
    "logistic regression": lambda seed: LogisticRegression(max_iter=5_000, random_state=seed),
    "random forest": lambda seed: RandomForestClassifier(random_state=seed),
    "gradient boosting": lambda seed: GradientBoostingClassifier(random_state=seed),
    "support vector machine": lambda seed: SVC(random_state=seed),
}
CONTENDERS = (*PLAIN, AUTOGLUON)
