"""Which models are trained: three presets, each for a few features and for many."""

import logging
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from payoff.choices import Preset
from payoff.errors import SettingsError
from payoff.learners import SteadyLightGBM
from training.select import CHOSEN_BY_HAND

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Effort:
    """How much a preset spends.

    Attributes
    ----------
    bag_folds : int
        Folds of the out-of-fold predictions, which calibration needs.
    seeds : int
        Copies of each boosted model with other random cuts, to even out chance.
    forests : bool
        Whether forests, most of the time and size, are trained.
    """

    bag_folds: int
    seeds: int
    forests: bool


EFFORTS: dict[Preset, Effort] = {
    "fast": Effort(bag_folds=3, seeds=1, forests=False),
    "good": Effort(bag_folds=5, seeds=2, forests=True),
    "best": Effort(bag_folds=10, seeds=6, forests=True),
}

_CUTS = {
    "extra_trees": True, "learning_rate": 0.03, "num_leaves": 6, "max_depth": 3, "min_data_in_leaf": 15,
    "bagging_fraction": 0.7, "bagging_freq": 1, "feature_fraction": 0.2, "lambda_l2": 5, "num_boost_round": 500,
}  # fmt: skip
_FOREST = {"n_estimators": 300, "ag_args_ensemble": {"use_child_oof": False}}
_EXTRA = {**_FOREST, "min_samples_leaf": 2, "bootstrap": False}

NEURAL: dict[Any, Any] = {"NN_TORCH": {}, "FASTAI": {}}


def hyperparameters(features: int, preset: Preset = "good", *, neural: bool = False) -> dict[Any, Any]:
    """The models to train on so many features; CatBoost joins where it is installed, the neural ones where asked for.

    Raises
    ------
    SettingsError
        The neural models are asked for, but their extra is not installed.
    """
    effort = EFFORTS[preset]
    chosen = _for_few(effort) if features <= CHOSEN_BY_HAND else _for_many(effort)
    if not has_openmp():
        log.warning("LightGBM is left out: it needs the OpenMP runtime (Debian: apt-get install libgomp1)")
        del chosen[SteadyLightGBM]
    if find_spec("catboost") and preset != "fast":
        chosen |= {"CAT": {}}
    if neural:
        if not find_spec("torch") or not find_spec("fastai"):
            raise SettingsError("the neural models need an extra: pip install 'payoff[neural]'")
        chosen |= NEURAL
    return chosen


def _for_many(effort: Effort) -> dict[Any, Any]:
    """For hundreds of features, about as many as loans: many weak, steady looks.

    Shallow boosted trees with random cuts, forests with random cuts that see a third of the features at each, and a
    strongly regularised linear model. The kinds of tree differ by seed or criterion, to even out chance.
    """
    forests = {
        "XT": [
            {**_EXTRA, "max_features": 0.3, "criterion": criterion, "ag_args": {"name_suffix": f"_{criterion}"}}
            for criterion in ("gini", "entropy")
        ]
    }
    boosted = [_CUTS | _seed(number) for number in range(effort.seeds)]
    linear = {"LR": [{"C": 0.01, "proc.skew_threshold": None}]}
    return {SteadyLightGBM: boosted} | (forests if effort.forests else {}) | linear


def _for_few(effort: Effort) -> dict[Any, Any]:
    """For a few features, each chosen by a person: every model may look at more of them at once."""
    forests: dict[Any, Any] = {
        "XT": [{**_EXTRA, "max_features": 0.6, "criterion": "entropy"}],
        "RF": [{**_FOREST, "min_samples_leaf": 3, "max_features": 0.3, "criterion": "entropy"}],
    }
    boosted = [
        _CUTS | {"feature_fraction": 0.6} | _seed(number) | ({"extra_trees": False} if number % 2 else {})
        for number in range(effort.seeds)
    ]
    linear = {"LR": [{"C": 0.1, "proc.skew_threshold": None}]}
    return {SteadyLightGBM: boosted} | (forests if effort.forests else {}) | linear


def _seed(number: int) -> dict[str, Any]:
    """What sets the copy ``number`` of a boosted model apart; the first is as LightGBM has it."""
    if not number:
        return {}
    first = 10 * number + 1
    seeds = {"feature_fraction_seed": first, "bagging_seed": first + 1, "extra_seed": first + 2}
    return seeds | {"ag_args": {"name_suffix": f"_{number + 1}"}}


def has_openmp() -> bool:
    """Whether LightGBM can be used."""
    try:
        import_module("lightgbm")
    except OSError:  # its wheel links to libgomp, which a minimal system lacks
        return False
    return True
