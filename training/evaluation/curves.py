"""The points of the report's pictures, from the test loans of each repeat of an evaluation."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest
from sklearn.metrics import precision_recall_curve, roc_curve

from payoff.metadata import Costs
from training.decide import cost_of
from training.evaluation.judged import pooled
from training.evaluation.nested import FoldRecord
from training.evaluation.reliability import equal_groups

BINS = 10
#: Where curves are read off, so that repeats can be averaged; finer than 682 loans can tell.
GRID = np.linspace(0, 1, 1001)


@dataclass(frozen=True)
class Bin:
    """Loans of like predicted probability: its mean, the share that defaulted, and that share's 95 % interval."""

    predicted: float
    observed: float
    low: float
    high: float


@dataclass(frozen=True)
class Curve:
    """One line a repeat over the same ``x``: ``repeats`` has the shape (repeats, points)."""

    x: np.ndarray
    repeats: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        """The middle of the repeats, point by point."""
        middle: np.ndarray = self.repeats.mean(axis=0)
        return middle

    def at(self, x: float) -> float:
        """The mean's height over ``x``."""
        return float(np.interp(x, self.x, self.mean))


@dataclass(frozen=True)
class Decided:
    """Shares at one threshold: of defaults refused, of good loans refused, of loans refused, of refusals right.

    ``precision`` is nan where nothing was refused.
    """

    recall: float
    false_alarms: float
    refused: float
    precision: float


def reliability(records: Sequence[FoldRecord], field: str = "probability", bins: int = BINS) -> tuple[Bin, ...]:
    """Predicted and observed shares of defaults in bins of equal numbers of loans, lowest first; repeats averaged.

    Parameters
    ----------
    field : {"probability", "raw"}
        After or before calibration.

    Notes
    -----
    Wilson, Journal of the American Statistical Association 22 (1927) 209. The interval is that of one repeat's loans:
    repeats hold the same loans again, which makes nothing surer.
    """
    by_repeat = [equal_groups(truth, probability, bins) for truth, probability in pooled(records, field)]
    predicted, observed, loans = np.mean(by_repeat, axis=0)
    return tuple(_bin(*each) for each in zip(predicted, observed, loans, strict=True))


def _bin(predicted: float, observed: float, loans: float) -> Bin:
    size = round(loans)
    interval = binomtest(round(observed * size), size).proportion_ci(confidence_level=0.95, method="wilson")
    return Bin(float(predicted), float(observed), float(interval.low), float(interval.high))


def roc(records: Sequence[FoldRecord]) -> Curve:
    """Over the share of good loans refused, the share of defaults refused."""
    return _averaged(records, _roc_of)


def precision_recall(records: Sequence[FoldRecord]) -> Curve:
    """Over the share of defaults refused, the share of refusals that defaulted."""
    return _averaged(records, _precision_of)


def gain(records: Sequence[FoldRecord]) -> Curve:
    """Over the share of loans refused, riskiest first, the share of defaults among them."""
    return _averaged(records, _gain_of)


def _averaged(records: Sequence[FoldRecord], line: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Curve:
    return Curve(GRID, np.array([line(*repeat) for repeat in pooled(records)]))


def _roc_of(truth: np.ndarray, probability: np.ndarray) -> np.ndarray:
    alarms, caught, _ = roc_curve(truth, probability)
    return _from_zero(alarms, caught)


def _precision_of(truth: np.ndarray, probability: np.ndarray) -> np.ndarray:
    precision, recall, _ = precision_recall_curve(truth, probability)
    # The highest threshold that reaches a recall; between two thresholds there is nothing to interpolate.
    reached = np.searchsorted(recall[::-1], GRID, side="left")
    found: np.ndarray = precision[::-1][reached]
    found[0] = found[1]  # without any refusal there is no precision
    return found


def _gain_of(truth: np.ndarray, probability: np.ndarray) -> np.ndarray:
    alarms, caught, _ = roc_curve(truth, probability)
    base = truth.mean()
    return _from_zero(alarms * (1 - base) + caught * base, caught)


def _from_zero(x: np.ndarray, height: np.ndarray) -> np.ndarray:
    found: np.ndarray = np.interp(GRID, x, height)
    found[0] = 0.0  # where a curve begins with a step, numpy gives its upper end
    return found


def expected_cost(records: Sequence[FoldRecord], costs: Costs) -> Curve:
    """CZK per loan over the threshold: at 0 every loan is refused, above the highest probability none."""
    by_fold = np.array([_costs_of(each, costs) for each in records])
    number = np.array([each.repeat for each in records])
    return Curve(GRID, np.array([by_fold[number == repeat].mean(axis=0) for repeat in np.unique(number)]))


def _costs_of(fold: FoldRecord, costs: Costs) -> np.ndarray:
    truth, amount, probability = (np.array(values) for values in (fold.truth, fold.amount, fold.probability))
    refused = probability >= GRID[:, None]
    found: np.ndarray = cost_of(truth, refused, amount, costs).mean(axis=1)
    return found


def decided(records: Sequence[FoldRecord], threshold: float) -> Decided:
    """What ``threshold`` does to all test loans of a repeat; repeats averaged."""
    by_repeat = [_decided(truth, probability >= threshold) for truth, probability in pooled(records)]
    return Decided(*(float(share) for share in np.mean(by_repeat, axis=0)))


def _decided(truth: np.ndarray, refused: np.ndarray) -> list[float]:
    precision = truth[refused].mean() if refused.any() else np.nan
    return [refused[truth == 1].mean(), refused[truth == 0].mean(), refused.mean(), precision]
