"""Figures for a model on loans that it has not seen, each with an interval."""

from itertools import pairwise

import numpy as np

from payoff.metadata import Band, Costs, Figure
from training.decide import cost_of, policies
from training.evaluation.metrics import weighted_metrics

RESAMPLES = 2_000

#: Probabilities of payoff. Finer towards 1, where most loans are, and round, because people read them.
BAND_EDGES = (0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 1.0)


def evaluate(truth: np.ndarray, probability: np.ndarray, threshold: float, seed: int) -> dict[str, Figure]:
    """Every metric with its 95 % percentile bootstrap interval, whole loans resampled.

    Parameters
    ----------
    truth : int array, one per loan
        1 where the loan defaulted.
    probability : float array, one per loan
        Probability of default.
    threshold : float
        At or above it a loan is said to default.

    Notes
    -----
    Percentile bootstrap: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13. Resamples without a
    loan of either end, of which no metric can be had, are left out.
    """
    said = (probability >= threshold).astype(int)
    drawn = resampled_loans(truth.size, seed)
    defaults = drawn @ truth
    weights = drawn[(defaults > 0) & (defaults < truth.size)]
    measured = weighted_metrics(truth, probability, said, weights)
    return {name: with_interval(values) for name, values in measured.items()}


def resampled_loans(loans: int, seed: int) -> np.ndarray:
    """How often each loan is drawn: once each in the first row, then in each resample; shape (1 + RESAMPLES, loans)."""
    drawn = np.random.default_rng(seed).multinomial(loans, np.full(loans, 1 / loans), size=RESAMPLES)
    return np.vstack([np.ones(loans), drawn])


def with_interval(values: np.ndarray) -> Figure:
    """The first value, which is of all loans, with the 95 % percentile interval of the others, which are resampled."""
    low, high = np.nanpercentile(values[1:], [2.5, 97.5])
    return Figure(value=float(values[0]), low=float(low), high=float(high))


def majority_baseline(train_truth: np.ndarray, truth: np.ndarray, seed: int) -> dict[str, Figure]:
    """The figures of always giving the training loans' share of defaults, so never saying default."""
    share = np.full(truth.size, float(np.mean(train_truth)))
    return evaluate(truth, share, threshold=1.0, seed=seed)


def cost_figures(
    truth: np.ndarray, probability: np.ndarray, amount: np.ndarray, threshold: float, costs: Costs, seed: int
) -> dict[str, Figure]:
    """CZK per loan that the model's decisions cost, beside granting every loan and granting none."""
    weights = resampled_loans(truth.size, seed)
    return {
        who: with_interval(weights @ cost_of(truth, refused, amount, costs) / truth.size)
        for who, refused in policies(probability, threshold).items()
    }


def payoff_bands(truth: np.ndarray, probability: np.ndarray) -> tuple[Band, ...]:
    """How loans ended by predicted probability of payoff, in the bands between ``BAND_EDGES`` that hold any."""
    payoff = 1 - probability
    bands = []
    for low, high in pairwise(BAND_EDGES):
        inside = (payoff >= low) & ((payoff < high) | (high == BAND_EDGES[-1]))
        if inside.any():
            paid_off = int((truth[inside] == 0).sum())
            bands.append(Band(low=low, high=high, loans=int(inside.sum()), paid_off=paid_off))
    return tuple(bands)
