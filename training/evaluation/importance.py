"""Permutation importance: how much worse the predictions get when a feature is shuffled among the test loans.

Features that say nearly the same stand in for each other, so each alone seems to matter little. Of a synthesised set,
whole families are shuffled together: the features that differ only in condition, window or scale.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import log_loss

from features.sets import SYNTHESISED, bank, every_candidate
from features.synthesis import cubes
from payoff.metadata import TARGET, Frozen
from payoff.model import load_directory
from training.evaluation.comparison import Difference, over_folds
from training.evaluation.nested import FoldRecord, Recipe
from training.fit import fit
from training.loans import Loans

PERMUTATIONS = 5
#: As many rows are predicted at once; each has hundreds of features, several times over while it is transformed.
_ROWS = 10_000

#: From rows to their uncalibrated probabilities of default.
Predict = Callable[[pd.DataFrame], np.ndarray]
#: From training rows (features and target) and a seed to a model, for as long as the context lasts.
Train = Callable[[pd.DataFrame, int], AbstractContextManager[Predict]]


class Shuffled(Frozen):
    """What shuffling ``features``, called ``name``, adds to the log-loss."""

    name: str
    features: tuple[str, ...]
    increase: Difference


def autogluon(recipe: Recipe) -> Train:
    """The training of ``recipe``, without its inner folds: given the same rows and seed, the same models."""

    @contextmanager
    def train(rows: pd.DataFrame, seed: int) -> Iterator[Predict]:
        names = [str(name) for name in rows.columns if name != TARGET]
        with tempfile.TemporaryDirectory(prefix="payoff-importance-") as directory:
            # Inner folds only serve calibration, which the fold's record holds; two are the fewest that bag.
            fitted = fit(rows, Path(directory), seed=seed, preset=recipe.preset, bag_folds=2)
            yield load_directory(fitted.directory, names)

    return train


def families(set_name: str, names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """What is shuffled together: of a synthesised set the features of one column and operation, else each alone."""
    found: dict[str, list[str]] = {}
    of = _measures() if set_name == SYNTHESISED else {}
    for name in names:
        found.setdefault(of.get(name, name), []).append(name)
    return {family: tuple(members) for family, members in found.items()}


def _measures() -> dict[str, str]:
    """By feature: its name without condition, window and scale."""
    prefixes = {name: cube.prefix for name, cube in cubes(bank()).items()}
    return {
        each.name: f"{prefixes[each.cube]}_{each.column.removesuffix(f'_per_{each.scale}')}"
        for each in every_candidate()
        if each.cube
    }


def importance(
    loans: Loans, recipe: Recipe, records: Sequence[FoldRecord], train: Train, *, seed: int = 0
) -> tuple[Shuffled, ...]:
    """What each family of features adds to the log-loss of test loans when it is shuffled, the most first.

    Parameters
    ----------
    records : sequence of FoldRecord
        The folds of ``recipe`` to train in once more, at least two.

    Notes
    -----
    Fisher, Rudin and Dominici, "All models are wrong, but many are useful", Journal of Machine Learning Research 20
    (2019) 177. The interval is over folds, each with a model of its own, with the variance corrected as in
    :func:`training.evaluation.comparison.over_folds`: Molnar et al., "Relating the partial dependence plot and
    permutation feature importance to the data generating process", World Conference on Explainable Artificial
    Intelligence (2023). What a shuffled row can tell: Hooker, Mentch and Zhou, "Unrestricted permutation forces
    extrapolation", Statistics and Computing 31 (2021) 82.
    """
    together = families(recipe.feature_set, sorted({name for record in records for name in record.features}))
    by_fold = []
    for record in records:
        # A fold of its own draws, the same whatever else is asked.
        rng = np.random.default_rng([seed, record.repeat, record.number])
        by_fold.append(_in_fold(loans.table, recipe, record, train, together, rng))
    ratio = len(records[0].loans) / len(records[0].inner_truth)
    increases = np.array(by_fold).T
    found = [
        Shuffled(name=name, features=members, increase=over_folds(increase, ratio))
        for (name, members), increase in zip(together.items(), increases, strict=True)
    ]
    return tuple(sorted(found, key=lambda each: -each.increase.value))


def _in_fold(
    table: pd.DataFrame,
    recipe: Recipe,
    record: FoldRecord,
    train: Train,
    together: Mapping[str, Sequence[str]],
    rng: np.random.Generator,
) -> list[float]:
    """For each family, how much its shuffles add to the log-loss in the mean; 0 where the fold chose none of it."""
    tested = table["loan_id"].isin(record.loans)
    test = table.loc[tested, list(record.features)]
    orders = [rng.permutation(len(test)) for _ in range(PERMUTATIONS)]
    seed = recipe.seed + record.repeat if recipe.model_seed is None else recipe.model_seed
    chosen = [[name for name in members if name in test.columns] for members in together.values()]
    shuffles = [(members, order) for members in chosen if members for order in orders]
    with train(table.loc[~tested, [*record.features, TARGET]], seed) as predict:
        base, *losses = _losses(test, table.loc[tested, TARGET], record, predict, [([], orders[0]), *shuffles])
    added = iter((np.reshape(losses, (-1, PERMUTATIONS)) - base).mean(axis=1))
    return [float(next(added)) if members else 0.0 for members in chosen]


def _losses(
    test: pd.DataFrame,
    truth: pd.Series,
    record: FoldRecord,
    predict: Predict,
    shuffles: Sequence[tuple[list[str], np.ndarray]],
) -> list[float]:
    """The log-loss of calibrated predictions after each shuffle."""
    at_once = max(1, _ROWS // len(test))
    losses = []
    for start in range(0, len(shuffles), at_once):
        some = [_shuffled(test, *each) for each in shuffles[start : start + at_once]]
        said = record.calibration(predict(pd.concat(some, ignore_index=True))).reshape(len(some), -1)
        losses += [float(log_loss(truth.astype(int), each, labels=[0, 1])) for each in said]
    return losses


def _shuffled(test: pd.DataFrame, names: Sequence[str], order: np.ndarray) -> pd.DataFrame:
    """``test`` with the columns ``names`` in another order, the same for each, so that they still fit together."""
    return test.assign(**{name: test[name].to_numpy()[order] for name in names})
