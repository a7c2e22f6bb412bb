"""AutoGluon on one feature table: a few steady models, refit on all rows, averaged, and stripped for deployment."""

import logging
import tempfile
import warnings
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from autogluon.features.generators import CategoryFeatureGenerator, PipelineFeatureGenerator
from autogluon.tabular import TabularPredictor

from payoff.choices import Preset
from payoff.learners import NormalScores
from payoff.metadata import TARGET
from payoff.model import load_directory
from training.presets import EFFORTS, hyperparameters


@dataclass(frozen=True)
class Fitted:
    """A deployment clone on disk, and what its models said of the training loans that they had not seen.

    Attributes
    ----------
    out_of_fold : float array, one per training loan
        Uncalibrated probability of default.
    """

    directory: Path
    out_of_fold: np.ndarray
    best_model: str


def fit(
    train: pd.DataFrame,
    directory: Path,
    *,
    seed: int,
    preset: Preset = "good",
    neural: bool = False,
    bag_folds: int | None = None,
) -> Fitted:
    """Train on ``train``, whose columns are the features and the target, and leave a deployment clone in ``directory``.

    Bagging, so that calibration has out-of-fold predictions to go by; then each model is refit on all of ``train``. The
    test loans take no part.

    Parameters
    ----------
    bag_folds : int, optional
        Fewer or more than the preset has.
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
            hyperparameters=hyperparameters(train.shape[1] - 1, preset, neural=neural),
            feature_generator=PipelineFeatureGenerator(
                generators=[[CategoryFeatureGenerator(), NormalScores()]], verbosity=0
            ),
            num_bag_folds=bag_folds or EFFORTS[preset].bag_folds,
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
    return Fitted(clone, np.asarray(oof.loc[train.index], dtype=np.float64), str(refit))


def fit_predict(train: pd.DataFrame, test: pd.DataFrame, seed: int) -> np.ndarray:
    """Uncalibrated probability of default of the rows ``test``, by a deployment clone that was made of ``train`` alone.

    Parameters
    ----------
    train : DataFrame
        Features and target.
    test : DataFrame
        The same features.
    """
    features = [str(name) for name in train.columns if name != TARGET]
    with tempfile.TemporaryDirectory(prefix="payoff-fit-") as directory:
        # The models are refit whatever the folds, which only calibration needs; two are the fewest that bag.
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
