"""Contenders side by side on the same outer folds, and whether a difference is more than chance."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from payoff.metadata import Costs
from training.evaluation.contenders import MAJORITY
from training.evaluation.judged import Judged, judge
from training.evaluation.nested import FoldRecord, Recipe


@dataclass(frozen=True)
class Entry:
    """One contender on one feature set."""

    recipe: Recipe
    records: tuple[FoldRecord, ...]
    judged: Judged

    @property
    def name(self) -> str:
        """Contender and feature set."""
        return f"{self.recipe.contender}, `{self.recipe.feature_set}`"


@dataclass(frozen=True)
class Difference:
    """Mean over folds of one contender's figure less another's, with a 95 % interval and the two-sided p-value."""

    value: float
    low: float
    high: float
    p: float


def entry(recipe: Recipe, records: Sequence[FoldRecord], costs: Costs) -> Entry:
    """An evaluation with its figures."""
    return Entry(recipe, tuple(records), judge(records, costs))


def pairs(contenders: Sequence[str], sets: Sequence[str]) -> list[tuple[str, str]]:
    """Contender and feature set, of all to be compared; the majority class needs no features, so it comes once."""
    return [(name, set_name) for name in contenders for set_name in (sets[:1] if name == MAJORITY else sets)]


def difference(ours: Entry, theirs: Entry, metric: str) -> Difference:
    """How much larger ``metric`` is for ``ours``, by a corrected resampled t-test over the same folds.

    Raises
    ------
    ValueError
        The two were not evaluated on the same folds, or on fewer than two.
    """
    if [each.loans for each in ours.records] != [each.loans for each in theirs.records]:
        raise ValueError(f"{ours.name} and {theirs.name} were evaluated on different folds")
    first = ours.records[0]
    return over_folds(
        ours.judged.by_fold[metric] - theirs.judged.by_fold[metric], len(first.loans) / len(first.inner_truth)
    )


def over_folds(by_fold: np.ndarray, ratio: float) -> Difference:
    """The mean of differences that were measured in each fold.

    Parameters
    ----------
    ratio : float
        Test rows for each training row.

    Raises
    ------
    ValueError
        There are fewer than two folds.

    Notes
    -----
    Folds share training rows, so the plain t-test finds differences that are none. Nadeau and Bengio, "Inference for
    the generalization error", Machine Learning 52 (2003) 239-281: the variance of the mean is taken as
    (1/n + test/train) times that of the differences.
    """
    n = by_fold.size
    if n < 2:
        raise ValueError("a difference over folds needs at least two of them")
    mean, error = float(by_fold.mean()), float(np.sqrt((1 / n + ratio) * by_fold.var(ddof=1)))
    if error == 0:
        return Difference(mean, mean, mean, 1.0 if mean == 0 else 0.0)
    reach = float(stats.t.ppf(0.975, n - 1)) * error
    return Difference(mean, mean - reach, mean + reach, float(2 * stats.t.sf(abs(mean) / error, n - 1)))


def recalibrated(ours: Entry) -> Difference:
    """How much larger the Brier score is after calibration than before, over the same folds.

    Raises
    ------
    ValueError
        There are fewer than two folds.
    """
    first = ours.records[0]
    truth = [np.array(each.truth) for each in ours.records]
    before = [np.mean((np.array(each.raw) - end) ** 2) for each, end in zip(ours.records, truth, strict=True)]
    return over_folds(ours.judged.by_fold["brier"] - before, len(first.loans) / len(first.inner_truth))
