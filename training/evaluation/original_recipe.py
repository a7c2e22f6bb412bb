"""The original's training: AutoGluon with the model list that it published, and nothing else said.

Only what cannot change a figure is added: one core, no limit of time, silence. So AutoGluon judges its models by
accuracy on a fifth of the training rows, and keeps what its ensemble chose of them.
"""

import logging
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
from autogluon.tabular import TabularPredictor

from payoff.errors import SettingsError
from payoff.metadata import TARGET

_FOREST = [
    {"criterion": "gini", "ag_args": {"name_suffix": "Gini"}},
    {"criterion": "entropy", "ag_args": {"name_suffix": "Entr"}},
]
#: Its list: AutoGluon's default without the two kinds of boosted trees that it had commented out, LightGBM and XGBoost.
MODELS: dict[str, list[dict[str, Any]]] = {
    "NN_TORCH": [{}],
    "CAT": [{}],
    "FASTAI": [{}],
    "RF": _FOREST,
    "XT": _FOREST,
    "KNN": [
        {"weights": "uniform", "ag_args": {"name_suffix": "Unif"}},
        {"weights": "distance", "ag_args": {"name_suffix": "Dist"}},
    ],
}
_NEURAL = {"NN_TORCH", "FASTAI"}
#: What some of them need beyond the default install.
PACKAGES = {"NN_TORCH": ("torch",), "FASTAI": ("torch", "fastai"), "CAT": ("catboost",)}

Models = Mapping[str, Sequence[Mapping[str, Any]]]


@dataclass(frozen=True)
class Answers:
    """What the trained model says of the test rows, and which of its models AutoGluon kept.

    Attributes
    ----------
    probability : float array, one per test row
        Of default.
    said : int array
        1 where default is predicted.
    """

    probability: np.ndarray
    said: np.ndarray
    kept: tuple[str, ...]


class Fit(Protocol):
    """Trains on rows with features and target, and answers for other rows."""

    def __call__(self, train: pd.DataFrame, test: pd.DataFrame, models: Models) -> Answers: ...


def installed(*, neural: bool) -> Models:
    """What of the list can be trained here; the neural models where asked for, CatBoost where it is installed.

    Raises
    ------
    SettingsError
        The neural models are asked for, but their extra is not installed.
    """
    here = {name for name in MODELS if all(find_spec(package) for package in PACKAGES.get(name, ()))}
    if neural and not here >= _NEURAL:
        raise SettingsError("the neural models need an extra: pip install 'payoff[neural]'")
    return {name: models for name, models in MODELS.items() if name in here and (neural or name not in _NEURAL)}


def fit_predict(train: pd.DataFrame, test: pd.DataFrame, models: Models) -> Answers:
    """Train in a temporary directory and answer for the rows ``test``.

    Parameters
    ----------
    train : DataFrame
        Features and target, in the order in which they were drawn: AutoGluon's own split depends on it.
    test : DataFrame
        The same features.
    """
    # It reports, for every model, that torch is not there to ask for a GPU.
    logging.getLogger("autogluon.common.utils.resource_utils").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory(prefix="payoff-original-") as directory, warnings.catch_warnings():
        # Warnings of the libraries about each other's defaults, nothing a user can act on.
        warnings.simplefilter("ignore")
        predictor = TabularPredictor(label=TARGET, path=str(Path(directory) / "model"), verbosity=0)
        predictor.fit(
            train.astype({TARGET: "int64"}),
            hyperparameters={name: [dict(each) for each in several] for name, several in models.items()},
            presets="optimize_for_deployment",
            num_cpus=1,
            num_gpus=0,
            # A model that is left out without a word would make this another list.
            raise_on_model_failure=True,
        )
        return Answers(
            probability=predictor.predict_proba(test, as_multiclass=False).to_numpy(dtype="float64"),
            said=predictor.predict(test).to_numpy(dtype="int64"),
            kept=tuple(str(name) for name in predictor.model_names()),
        )
