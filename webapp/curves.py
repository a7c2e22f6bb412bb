"""The curves of a version over the loans that took no part in its training, as points to be drawn.

Default is the class that is looked for: what is refused is what scores at least a threshold. scipy and scikit-learn are
imported where a curve is made, which few processes do: that takes a second.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from payoff.metadata import TARGET
from webapp.intervals import wilson

Point = tuple[float, float]

#: More points than these no screen shows and nobody reads.
MOST_POINTS = 200
GROUPS = 10


@dataclass(frozen=True)
class Line:
    """A curve in the unit square.

    Attributes
    ----------
    points : tuple of (x, y)
        Shares from 0 to 1, by growing x.
    at : (x, y), optional
        What the version's own threshold gives; None where nothing is refused there.
    stepped : bool
        Between two points nothing was measured: the height of the right one holds.
    """

    points: tuple[Point, ...]
    at: Point | None
    stepped: bool = False

    @property
    def drawn(self) -> str:
        """The points of an SVG polyline in a square of 100 × 100, y growing downwards."""
        points = list(self.points)
        if self.stepped:
            corners = [[(left[0], right[1]), right] for left, right in pairwise(points)]
            points = [points[0], *(point for corner in corners for point in corner)]
        return " ".join(f"{x * 100:.2f},{100 - y * 100:.2f}" for x, y in points)


@dataclass(frozen=True)
class Group:
    """Loans that scored alike: mean probability of default, share that defaulted, and that share's 95 % interval."""

    loans: int
    predicted: float
    observed: float
    low: float
    high: float


@dataclass(frozen=True)
class Curves:
    """What can be drawn of a version; ``share`` of its ``loans`` defaulted."""

    loans: int
    share: float
    roc: Line
    precision_recall: Line
    reliability: tuple[Group, ...]


def curves(held_out: pd.DataFrame, threshold: float) -> Curves | None:
    """The curves over held-out loans; None where all of them ended alike.

    Parameters
    ----------
    held_out : DataFrame, one row per loan
        Columns ``defaulted`` (0 or 1) and ``probability`` (of default).
    threshold : float
        At or above it a loan is refused.
    """
    truth, probability = held_out[TARGET].to_numpy(dtype=int), held_out["probability"].to_numpy(dtype=float)
    if truth.size == 0 or truth.min() == truth.max():
        return None
    refused = probability >= threshold
    return Curves(
        loans=truth.size,
        share=float(truth.mean()),
        roc=_roc(truth, probability, refused),
        precision_recall=_precision_recall(truth, probability, refused),
        reliability=reliability(truth, probability),
    )


def _roc(truth: np.ndarray, probability: np.ndarray, refused: np.ndarray) -> Line:
    from sklearn.metrics import roc_curve

    alarms, caught, _ = roc_curve(truth, probability)
    at = (float(refused[truth == 0].mean()), float(refused[truth == 1].mean()))
    return Line(_thinned(alarms, caught), at)


def _precision_recall(truth: np.ndarray, probability: np.ndarray, refused: np.ndarray) -> Line:
    from sklearn.metrics import precision_recall_curve

    precision, recall, _ = precision_recall_curve(truth, probability, drop_intermediate=True)
    at = (float(refused[truth == 1].mean()), float(truth[refused].mean())) if refused.any() else None
    return Line(_thinned(recall[::-1], precision[::-1]), at, stepped=True)


def reliability(truth: np.ndarray, probability: np.ndarray, groups: int = GROUPS) -> tuple[Group, ...]:
    """Predicted and observed shares of defaults in groups of about equal numbers of loans, the safest first.

    Loans that score alike stay together, so that no order among them can matter.

    Parameters
    ----------
    truth : int array, one per loan
        1 where the loan defaulted.
    probability : float array, one per loan
        Of default.
    """
    from scipy.stats import rankdata

    place = (rankdata(probability) - 0.5) / probability.size
    number = np.minimum((place * groups).astype(int), groups - 1)
    return tuple(_group(truth[number == each], probability[number == each]) for each in np.unique(number))


def _group(truth: np.ndarray, probability: np.ndarray) -> Group:
    low, high = wilson(int(truth.sum()), truth.size)
    return Group(truth.size, float(probability.mean()), float(truth.mean()), low, high)


def _thinned(x: np.ndarray, y: np.ndarray) -> tuple[Point, ...]:
    kept = np.unique(np.linspace(0, x.size - 1, min(x.size, MOST_POINTS)).round().astype(int))
    return tuple((float(x[each]), float(y[each])) for each in kept)
