"""AutoGluon on one feature table: a small bagged ensemble, refit and stripped for deployment."""

import logging
import warnings
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from autogluon.tabular import TabularPredictor
from sklearn.metrics import matthews_corrcoef

from payoff.errors import SettingsError
from payoff.model import TARGET

log = logging.getLogger(__name__)

BAG_FOLDS = 5

#: Models that need no torch. Many weak looks at many features suit a few hundred loans: shallow boosted trees with
#: random cuts, and forests that see a third of the features at each cut, of a size that keeps the artefact small.
_TREES = {"n_estimators": 300, "min_samples_leaf": 2, "max_features": 0.3}
_RANDOM_CUTS = {
    "extra_trees": True, "learning_rate": 0.03, "num_leaves": 6, "max_depth": 3, "min_data_in_leaf": 15,
    "bagging_fraction": 0.7, "bagging_freq": 1, "feature_fraction": 0.2, "lambda_l2": 5,
}  # fmt: skip
HYPERPARAMETERS: dict[str, Any] = {
    "GBM": [{}, _RANDOM_CUTS],
    "XGB": {},
    "RF": {**_TREES, "criterion": "entropy"},
    "XT": {**_TREES, "criterion": "entropy"},
    "LR": {},
}
NEURAL: dict[str, Any] = {"NN_TORCH": {}, "FASTAI": {}}


@dataclass(frozen=True)
class Fitted:
    """A deployment clone on disk, and the threshold that its out-of-fold predictions favour."""

    directory: Path
    threshold: float
    best_model: str


def hyperparameters(*, neural: bool) -> dict[str, Any]:
    """The models to train; CatBoost joins where it is installed, the neural ones where they are asked for.

    Raises
    ------
    SettingsError
        The neural models are asked for, but their extra is not installed.
    """
    chosen = dict(HYPERPARAMETERS)
    if not _has_openmp():
        log.warning("LightGBM is left out: it needs the OpenMP runtime (Debian: apt-get install libgomp1)")
        del chosen["GBM"]
    if find_spec("catboost"):
        chosen["CAT"] = {}
    if neural:
        if not find_spec("torch") or not find_spec("fastai"):
            raise SettingsError("the neural models need an extra: pip install 'payoff[neural]'")
        chosen |= NEURAL
    return chosen


def _has_openmp() -> bool:
    try:
        import_module("lightgbm")
    except OSError:  # its wheel links to libgomp, which a minimal system lacks
        return False
    return True


def fit(train: pd.DataFrame, directory: Path, *, seed: int, neural: bool = False) -> Fitted:
    """Train on ``train``, whose columns are the features and the target, and leave a deployment clone in ``directory``.

    Five-fold bagging, so that models are weighed and the threshold is chosen on out-of-fold predictions; then each is
    refit on all of ``train``. The test loans take no part.
    """
    # It reports, for every model, that torch is not there to ask for a GPU.
    logging.getLogger("autogluon.common.utils.resource_utils").setLevel(logging.CRITICAL)
    predictor = TabularPredictor(
        label=TARGET, problem_type="binary", eval_metric="roc_auc", path=str(directory / "full"), verbosity=0
    )
    with warnings.catch_warnings():
        # Warnings of the libraries about each other's defaults, nothing a user can act on.
        warnings.simplefilter("ignore")
        predictor.fit(
            train,
            presets="optimize_for_deployment",
            # The threshold needs what the preset would delete at once; the clone below drops it a moment later.
            keep_only_best=False,
            save_space=False,
            hyperparameters=hyperparameters(neural=neural),
            num_bag_folds=BAG_FOLDS,
            num_bag_sets=1,
            num_stack_levels=0,
            dynamic_stacking=False,
            refit_full=True,
            set_best_to_refit_full=True,
            fit_strategy="sequential",
            num_gpus=0,
            ag_args_fit={"random_seed": seed},
            ag_args_ensemble={"fold_fitting_strategy": "sequential_local", "model_random_seed": seed},
        )
        threshold = best_threshold(train[TARGET], predictor.predict_proba_oof(as_multiclass=False))
        clone = directory / "deployment"
        predictor.clone_for_deployment(str(clone))
    return Fitted(clone, threshold, str(predictor.model_best))


def best_threshold(truth: pd.Series, probability: pd.Series) -> float:
    """The probability of default from which on saying "default" has the largest Matthews correlation with the truth.

    Of all figures of a two-by-two table it is the one that a rare class cannot flatter (Chicco and Jurman, BMC Genomics
    21, 2020, 6). Halfway to the next lower probability, so that no single loan decides.
    """
    candidates = np.unique(probability)
    gains = [matthews_corrcoef(truth.astype(int), probability >= candidate) for candidate in candidates]
    best = int(np.argmax(gains))
    return float((candidates[max(best - 1, 0)] + candidates[best]) / 2)
