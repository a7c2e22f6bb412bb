"""AutoGluon on one feature table: a few steady models, refit on all rows, averaged, and stripped for deployment."""

import logging
import tempfile
import warnings
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from autogluon.features.generators import CategoryFeatureGenerator, PipelineFeatureGenerator
from autogluon.tabular import TabularPredictor
from sklearn.metrics import matthews_corrcoef

from payoff.errors import SettingsError
from payoff.learners import NormalScores, SteadyLightGBM
from payoff.model import TARGET, load_directory
from training.select import CHOSEN_BY_HAND

log = logging.getLogger(__name__)

BAG_FOLDS = 5

_CUTS = {
    "extra_trees": True, "learning_rate": 0.03, "num_leaves": 6, "max_depth": 3, "min_data_in_leaf": 15,
    "bagging_fraction": 0.7, "bagging_freq": 1, "feature_fraction": 0.2, "lambda_l2": 5, "num_boost_round": 500,
}  # fmt: skip
_OTHER_SEED = {"feature_fraction_seed": 11, "bagging_seed": 12, "extra_seed": 13, "ag_args": {"name_suffix": "_2"}}
_FOREST = {"n_estimators": 300, "ag_args_ensemble": {"use_child_oof": False}}
_EXTRA = {**_FOREST, "min_samples_leaf": 2, "bootstrap": False}

#: For hundreds of features, about as many as loans, none of which needs torch: many weak, steady looks. Shallow boosted
#: trees with random cuts, forests with random cuts that see a third of the features at each, and a strongly regularised
#: linear model. Two of each kind of tree differ by seed or criterion, to even out chance.
FOR_MANY: dict[Any, Any] = {
    SteadyLightGBM: [_CUTS, {**_CUTS, **_OTHER_SEED}],
    "XT": [
        {**_EXTRA, "max_features": 0.3, "criterion": criterion, "ag_args": {"name_suffix": f"_{criterion}"}}
        for criterion in ("gini", "entropy")
    ],
    "LR": [{"C": 0.01, "proc.skew_threshold": None}],
}
#: For a few features, each chosen by a person, every model may look at more of them at once.
FOR_FEW: dict[Any, Any] = {
    SteadyLightGBM: [
        {**_CUTS, "feature_fraction": 0.6},
        {**_CUTS, **_OTHER_SEED, "feature_fraction": 0.6, "extra_trees": False},
    ],
    "XT": [{**_EXTRA, "max_features": 0.6, "criterion": "entropy"}],
    "RF": [{**_FOREST, "min_samples_leaf": 3, "max_features": 0.3, "criterion": "entropy"}],
    "LR": [{"C": 0.1, "proc.skew_threshold": None}],
}
NEURAL: dict[Any, Any] = {"NN_TORCH": {}, "FASTAI": {}}


@dataclass(frozen=True)
class Fitted:
    """A deployment clone on disk, and the threshold that its out-of-fold predictions favour."""

    directory: Path
    threshold: float
    best_model: str


def hyperparameters(features: int, *, neural: bool) -> dict[Any, Any]:
    """The models to train on so many features; CatBoost joins where it is installed, the neural ones where asked for.

    Raises
    ------
    SettingsError
        The neural models are asked for, but their extra is not installed.
    """
    chosen = dict(FOR_FEW if features <= CHOSEN_BY_HAND else FOR_MANY)
    if not _has_openmp():
        log.warning("LightGBM is left out: it needs the OpenMP runtime (Debian: apt-get install libgomp1)")
        del chosen[SteadyLightGBM]
    if find_spec("catboost"):
        chosen |= {"CAT": {}}
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


def fit(train: pd.DataFrame, directory: Path, *, seed: int, neural: bool = False, bag_folds: int = BAG_FOLDS) -> Fitted:
    """Train on ``train``, whose columns are the features and the target, and leave a deployment clone in ``directory``.

    Bagging, so that the threshold is chosen on out-of-fold predictions; then each model is refit on all of ``train``.
    The test loans take no part.
    """
    # It reports, for every model, that torch is not there to ask for a GPU.
    logging.getLogger("autogluon.common.utils.resource_utils").setLevel(logging.CRITICAL)
    predictor = TabularPredictor(
        label=TARGET, problem_type="binary", eval_metric="log_loss", path=str(directory / "full"), verbosity=0
    )
    with warnings.catch_warnings():
        # Warnings of the libraries about each other's defaults, nothing a user can act on.
        warnings.simplefilter("ignore")
        predictor.fit(
            train.astype({TARGET: "int64"}),
            hyperparameters=hyperparameters(train.shape[1] - 1, neural=neural),
            feature_generator=PipelineFeatureGenerator(
                generators=[[CategoryFeatureGenerator(), NormalScores()]], verbosity=0
            ),
            num_bag_folds=bag_folds,
            num_bag_sets=1,
            num_stack_levels=0,
            dynamic_stacking=False,
            fit_weighted_ensemble=False,
            calibrate=False,
            calibrate_decision_threshold=False,
            fit_strategy="sequential",
            # More threads gain nothing on a few hundred rows, and lose a lot where others want the cores too.
            num_cpus=1,
            num_gpus=0,
            ag_args_fit={"random_seed": seed},
            ag_args_ensemble={"fold_fitting_strategy": "sequential_local", "model_random_seed": seed},
        )
        weights = even_weights(predictor)
        averaged = _average(predictor, weights)
        refit = predictor.refit_full(model=averaged, num_cpus=1, num_gpus=0)[averaged]
        oof = sum(w * predictor.predict_proba_oof(name, as_multiclass=False) for name, w in weights.items())
        clone = directory / "deployment"
        predictor.clone_for_deployment(str(clone), model=refit)
    return Fitted(clone, best_threshold(train[TARGET], oof), str(refit))


def fit_predict(train: pd.DataFrame, test: pd.DataFrame, seed: int) -> np.ndarray:
    """Probability of default of the rows ``test``, by a deployment clone that was made of ``train`` alone.

    Parameters
    ----------
    train : DataFrame
        Features and target.
    test : DataFrame
        The same features.
    """
    features = [str(name) for name in train.columns if name != TARGET]
    with tempfile.TemporaryDirectory(prefix="payoff-fit-") as directory:
        # The models are refit whatever the folds, which only the threshold needs; two are the fewest that bag.
        fitted = fit(train, Path(directory), seed=seed, bag_folds=2)
        return load_directory(fitted.directory, features)(test)


def even_weights(predictor: TabularPredictor) -> dict[str, float]:
    """A weight for each model: every kind of model counts as much as any other.

    AutoGluon would weigh them by their out-of-fold predictions. With a few dozen defaults to go by, it gives nearly all
    to one of them.
    """
    kinds: dict[str, str] = predictor.leaderboard(extra_info=True).set_index("model")["child_model_type"].to_dict()
    models = Counter(kinds.values())
    return {name: 1 / (len(models) * models[kinds[name]]) for name in predictor.model_names()}


def _average(predictor: TabularPredictor, weights: Mapping[str, float]) -> str:
    """Add the weighted mean of base models to ``predictor``; its name."""
    trainer = predictor._learner.load_trainer()  # there is no public way to give the weights
    base = list(weights)
    inputs = trainer.get_inputs_to_stacker(
        X=trainer.load_X(), base_models=base, fit=True, use_orig_features=False, use_val_cache=True
    )
    (name,) = trainer.generate_weighted_ensemble(
        X=inputs, y=trainer.load_y(), level=2, stack_name="aux1", base_model_names=base,
        # Or on few rows it would keep one model of each kind.
        hyperparameters={"max_base_models": 0, "max_base_models_per_type": 0},
        child_cls="SIMPLE_ENS_WEIGHTED", child_hyperparameters={"weights": list(weights.values())},
        total_resources={"num_cpus": 1, "num_gpus": 0},
    )  # fmt: skip
    return str(name)


def best_threshold(truth: pd.Series, probability: pd.Series) -> float:
    """The probability of default from which on saying "default" has the largest Matthews correlation with the truth.

    Of all figures of a two-by-two table it is the one that a rare class cannot flatter (Chicco and Jurman, BMC Genomics
    21, 2020, 6). Halfway to the next lower probability, so that no single loan decides.
    """
    candidates = np.unique(probability)
    gains = [matthews_corrcoef(truth.astype(int), probability >= candidate) for candidate in candidates]
    best = int(np.argmax(gains))
    return float((candidates[max(best - 1, 0)] + candidates[best]) / 2)
