"""How far probabilities lay from what happened: proper scores, and how sure one can be of their means.

References
----------
Gneiting, T. and Raftery, A. E. (2007). Strictly proper scoring rules, prediction, and estimation. JASA 102, 359-378.
Efron, B. and Tibshirani, R. J. (1993). An introduction to the bootstrap, chapters 8 and 13.
"""

import math
from statistics import NormalDist

import numpy as np

from payoff.metadata import Figure
from webapp.intervals import wilson

_RESAMPLES = 1_000
#: Resamples drawn at a time, so that ten thousand outcomes take megabytes and not gigabytes.
_AT_A_TIME = 100


def brier_scores(payoff: np.ndarray, paid_off: np.ndarray) -> np.ndarray:
    """Squared distance of each probability of payoff from what happened (1 where paid off)."""
    scores: np.ndarray = (payoff - paid_off) ** 2
    return scores


def log_losses(payoff: np.ndarray, paid_off: np.ndarray) -> np.ndarray:
    """Surprise at each outcome, in nats; probabilities are held a billionth away from certainty."""
    held = np.clip(payoff, 1e-9, 1 - 1e-9)
    losses: np.ndarray = -np.where(paid_off == 1, np.log(held), np.log1p(-held))
    return losses


def mean_of(values: np.ndarray, *, seed: int = 0) -> Figure:
    """The mean with its 95 % bootstrap interval; of differences of two models on the same loans, a paired one."""
    low, high = np.percentile(_resampled_means(values, np.random.default_rng(seed)), [2.5, 97.5])
    return Figure(value=float(values.mean()), low=float(low), high=float(high))


def difference_of(first: np.ndarray, second: np.ndarray, *, seed: int = 0) -> Figure:
    """Mean of ``first`` less mean of ``second``, different loans, with its 95 % bootstrap interval."""
    rng = np.random.default_rng(seed)
    low, high = np.percentile(_resampled_means(first, rng) - _resampled_means(second, rng), [2.5, 97.5])
    return Figure(value=float(first.mean() - second.mean()), low=float(low), high=float(high))


def share_of(part: int, whole: int) -> Figure:
    """A share with Wilson's 95 % interval."""
    low, high = wilson(part, whole)
    return Figure(value=part / whole, low=low, high=high)


def outcomes_needed(variance: float, difference: float) -> int:
    """Outcomes after which a true difference of means would be told from none, four times in five.

    Parameters
    ----------
    variance : float
        What the variance of the estimated difference would be, were there one outcome: that of the paired differences,
        or the sum over the arms of an arm's variance by its share of the outcomes.

    Notes
    -----
    Two-sided test at 5 %, power 80 %, normal approximation: n = (z_0.975 + z_0.8)² × variance / difference² (Lachin,
    J. M. (1981), Controlled Clinical Trials 2, 93-113). Rough: the variance is itself estimated, and losses are skewed.
    """
    quantiles = NormalDist().inv_cdf(0.975) + NormalDist().inv_cdf(0.8)
    return math.ceil(quantiles**2 * variance / difference**2)


def _resampled_means(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    drawn = [
        values[rng.integers(values.size, size=(_AT_A_TIME, values.size))].mean(axis=1)
        for _ in range(_RESAMPLES // _AT_A_TIME)
    ]
    return np.concatenate(drawn)
