"""Drift: whether loans that are asked about still look like those a model was trained on.

Two distances of each feature. PSI, the population stability index, compares shares by bin: the training deciles of a
number, the categories of a category, missing values a bin of their own. KS, the largest distance between the two
cumulative distributions, is measured for numbers.

References
----------
Yurdakul, B. (2018). Statistical properties of population stability index. Dissertation, Western Michigan University.
Krichevsky, R. E. and Trofimov, V. K. (1981). The performance of universal encoding. IEEE Trans. Inf. Th. 27, 199-207.
Smirnov, N. (1948). Table for estimating the goodness of fit of empirical distributions. Ann. Math. Stat. 19, 279-281.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from scipy.special import chdtri, kolmogi

from payoff.metadata import deciles_of

Level = Literal["few", "steady", "warn", "alarm"]

#: From saying least to worst; ``few`` means that there are too few predictions to tell.
LEVELS: tuple[Level, ...] = ("few", "steady", "warn", "alarm")
#: Customary limits (Siddiqi, N. (2006), Credit Risk Scorecards), of PSI and here of KS alike.
WARN, ALARM = 0.1, 0.25
#: Predictions below which nothing is said.
FEWEST = 50
MISSING = ""


@dataclass(frozen=True)
class Distance:
    """How far the predictions of a window lie from the training loans.

    Attributes
    ----------
    value : float
    by_chance : float, optional
        What to expect without any drift.
    limit : float
        Without drift, 19 of 20 windows stay below.
    level : Level
    """

    value: float
    by_chance: float | None
    limit: float
    level: Level


@dataclass(frozen=True)
class Drift:
    """Drift of one feature, or of the score.

    Attributes
    ----------
    predictions : int
        In the sample.
    bins : tuple of (name, share in training, share in the sample)
        Those that occur in either; names as in ``Metadata.shares``.
    ks : Distance, optional
        None for categories, which have no order.
    """

    predictions: int
    bins: tuple[tuple[str, float, float], ...]
    psi: Distance
    ks: Distance | None

    @property
    def most_changed(self) -> tuple[str, float, float]:
        """The bin whose share changed most."""
        return max(self.bins, key=lambda each: abs(each[2] - each[1]))

    @property
    def level(self) -> Level:
        """The graver of the two; where one cannot tell, the other's."""
        levels = [self.psi.level, *([self.ks.level] if self.ks else [])]
        return max(levels, key=LEVELS.index)


def number_drift(
    values: np.ndarray, deciles: Sequence[float], shares: Mapping[str, float] | None, loans: int
) -> Drift | None:
    """Drift of a number; None where nothing can be compared.

    Parameters
    ----------
    values : float array
        NaN where missing.
    deciles : sequence of 11 floats
        Of the training loans, from the lowest value to the highest.
    shares : mapping, optional
        As ``Metadata.shares``. Without it each decile is taken to hold a tenth, and missing values are left out,
        because nobody knows how many training had. Where deciles are tied then, nothing is said: the share of a
        frequent value is known to a tenth only, which could pass for an alarm.
    loans : int
        Training loans.
    """
    present = values[~np.isnan(values)]
    found = Counter(map(str, deciles_of(present, deciles).tolist()))
    if shares is None:
        tied = len(set(deciles)) < len(deciles)
        shares = {} if tied else {str(tenth): 0.1 for tenth in range(1, 11)}
    elif present.size < values.size:
        found[MISSING] = values.size - present.size
    if not found or not shares:
        return None
    ks = ks_distance(present, deciles, loans) if present.size else None
    return Drift(found.total(), *_compared(shares, found, loans), ks)


def category_drift(values: Sequence[str | None], shares: Mapping[str, float], loans: int) -> Drift | None:
    """Drift of a category, None where there is no value; parameters as of ``number_drift``."""
    found = Counter(MISSING if value is None else str(value) for value in values)
    return Drift(found.total(), *_compared(shares, found, loans), None) if found else None


def psi_distance(training: np.ndarray, found: np.ndarray) -> Distance:
    """Population stability index of counts by bin.

    Parameters
    ----------
    training, found : float array, one count per bin

    Notes
    -----
    PSI = Σ (q - p) ln(q / p) over the bins' shares p and q. Half a case is added to each bin of either side
    (Krichevsky and Trofimov), which draws both towards equal shares, so that an empty bin gives no infinity.

    Without drift PSI / (1/n + 1/m), with n predictions and m training loans, is approximately distributed as χ² with
    bins - 1 degrees of freedom (Yurdakul). Its mean, (bins - 1)(1/n + 1/m), is ``by_chance``: 0.04 for ten bins, 477
    loans and 400 predictions. Its 95 % quantile is ``limit``.
    """
    expected, actual = _smoothed(training), _smoothed(found)
    value = float(((actual - expected) * np.log(actual / expected)).sum())
    noise = 1 / training.sum() + 1 / found.sum()
    by_chance = (training.size - 1) * noise
    limit = _chi2_95(training.size - 1) * float(noise)
    return Distance(value, float(by_chance), limit, level(value, limit, int(found.sum())))


def ks_distance(values: np.ndarray, deciles: Sequence[float], loans: int) -> Distance:
    """Kolmogorov-Smirnov distance that the training deciles prove.

    Parameters
    ----------
    values : float array
        None of them missing.

    Notes
    -----
    Of the training loans only deciles are kept. At the i-th their cumulative distribution is at least i/10, and just
    below it at most i/10, ties or not; the sample's is held against that. So this is a lower bound of the distance that
    all training loans would give, by less than 0.1 where no value is frequent. ``limit`` is the 95 % quantile of the
    Kolmogorov distribution times √(1/n + 1/m) (Smirnov); it is conservative where values are tied.
    """
    ordered, tenths = np.sort(values), np.arange(11) / 10
    up_to = np.searchsorted(ordered, deciles, side="right") / ordered.size
    below = np.searchsorted(ordered, deciles, side="left") / ordered.size
    value = float(max(0.0, (tenths - up_to).max(), (below - tenths).max()))
    limit = float(kolmogi(0.05)) * float(np.sqrt(1 / ordered.size + 1 / loans))
    return Distance(value, None, limit, level(value, limit, ordered.size))


def level(value: float, limit: float, predictions: int) -> Level:
    """What a distance comes down to; one that chance alone could bring about is no reason to worry."""
    if predictions < FEWEST:
        return "few"
    if value < WARN:
        return "steady"
    if value <= limit:
        return "few"
    return "alarm" if value >= ALARM else "warn"


def _compared(
    shares: Mapping[str, float], found: Mapping[str, int], loans: int
) -> tuple[tuple[tuple[str, float, float], ...], Distance]:
    names = sorted({name for name, share in shares.items() if share} | set(found), key=_in_order)
    training = np.array([shares.get(name, 0.0) * loans for name in names])
    counts = np.array([found.get(name, 0) for name in names], dtype=np.float64)
    total = counts.sum()
    bins = tuple((name, shares.get(name, 0.0), float(count / total)) for name, count in zip(names, counts, strict=True))
    return bins, psi_distance(training, counts)


def _in_order(name: str) -> tuple[bool, int, str]:
    """Deciles by number, categories by name, missing values last."""
    return name == MISSING, int(name) if name.isdecimal() else 0, name


@cache
def _chi2_95(freedom: int) -> float:
    """The 95 % quantile of χ²; 0 where a single bin leaves no freedom."""
    return float(chdtri(freedom, 0.05)) if freedom else 0.0


def _smoothed(counts: np.ndarray) -> np.ndarray:
    smoothed: np.ndarray = (counts + 0.5) / (counts.sum() + counts.size / 2)
    return smoothed
