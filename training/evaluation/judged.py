"""An evaluation's figures: their mean over outer folds, how far folds spread, and a bootstrap interval."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from payoff.metadata import Costs, Figure
from training.decide import break_even, cheapest_threshold, cost_of, policies
from training.evaluation.figures import resampled_loans, with_interval
from training.evaluation.metrics import weighted_metrics
from training.evaluation.nested import FoldRecord
from training.evaluation.reliability import calibration_error

#: The policy that the break-even threshold is measured against.
SEARCHED = "cheapest threshold on inner folds"


@dataclass(frozen=True)
class Judged:
    """What an evaluation says.

    Attributes
    ----------
    folds : int
    costs : Costs
        What was assumed of them.
    threshold : float
        Probability of default from which on a loan is refused: where stated costs break even.
    metrics : dict of name to Figure
        Mean over folds; the interval resamples whole loans.
    spread : dict of name to float
        Standard deviation over folds; 0 where there is only one.
    by_fold : dict of name to float array
    cost : dict of policy to Figure
        CZK per loan: of the model's decisions, of those with the threshold that was cheapest on the inner folds, of
        granting every loan and of granting none.
    calibration_error, raw_calibration_error : float
        After and before calibration, of all test loans of a repeat, averaged over repeats.
    raw_brier : float
        The Brier score before calibration, mean over folds.
    """

    folds: int
    costs: Costs
    threshold: float
    metrics: dict[str, Figure]
    spread: dict[str, float]
    by_fold: dict[str, np.ndarray]
    cost: dict[str, Figure]
    calibration_error: float
    raw_calibration_error: float
    raw_brier: float


def judge(records: Sequence[FoldRecord], costs: Costs, *, seed: int = 0) -> Judged:
    """The figures of the outer folds ``records``.

    Notes
    -----
    One draw of loans weighs every fold, so a loan counts as often in each repeat; a resample without a loan of either
    end in some fold leaves that fold out.
    """
    threshold = break_even(costs)
    weights = _weights(records, seed)
    measured = [_metrics(each, threshold, weight) for each, weight in zip(records, weights, strict=True)]
    by_name = {name: np.array([fold[name] for fold in measured]) for name in measured[0]}
    spent = [_costs(each, threshold, costs, weight) for each, weight in zip(records, weights, strict=True)]
    return Judged(
        folds=len(records),
        costs=costs,
        threshold=threshold,
        metrics={name: with_interval(_mean_of_usable(values)) for name, values in by_name.items()},
        spread={
            name: float(np.std(values[:, 0], ddof=1)) if len(records) > 1 else 0.0 for name, values in by_name.items()
        },
        by_fold={name: values[:, 0] for name, values in by_name.items()},
        cost={name: with_interval(np.mean([fold[name] for fold in spent], axis=0)) for name in spent[0]},
        calibration_error=_calibration_error(records, "probability"),
        raw_calibration_error=_calibration_error(records, "raw"),
        raw_brier=float(np.mean([np.mean((np.array(each.raw) - each.truth) ** 2) for each in records])),
    )


def pooled(records: Sequence[FoldRecord], field: str = "probability") -> list[tuple[np.ndarray, np.ndarray]]:
    """Truth and ``field`` of all test loans of each repeat."""
    repeats = sorted({each.repeat for each in records})
    return [
        (
            np.concatenate([each.truth for each in records if each.repeat == repeat]),
            np.concatenate([getattr(each, field) for each in records if each.repeat == repeat]),
        )
        for repeat in repeats
    ]


def _weights(records: Sequence[FoldRecord], seed: int) -> list[np.ndarray]:
    """For each fold: how often each of its test loans was drawn, the first row once each."""
    loans = np.unique(np.concatenate([each.loans for each in records]))
    drawn = resampled_loans(loans.size, seed)
    return [drawn[:, np.searchsorted(loans, each.loans)] for each in records]


def _metrics(fold: FoldRecord, threshold: float, weights: np.ndarray) -> dict[str, np.ndarray]:
    truth, probability = np.array(fold.truth), np.array(fold.probability)
    measured = weighted_metrics(truth, probability, (probability >= threshold).astype(int), weights)
    defaulted = weights @ truth
    usable = (defaulted > 0) & (defaulted < weights.sum(axis=1))
    return {name: np.where(usable, values, np.nan) for name, values in measured.items()}


def _mean_of_usable(values: np.ndarray) -> np.ndarray:
    """Mean over folds (rows) without those left out; NaN where all were."""
    used = ~np.isnan(values)
    count, total = used.sum(axis=0), np.where(used, values, 0.0).sum(axis=0)
    mean: np.ndarray = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return mean


def _costs(fold: FoldRecord, threshold: float, costs: Costs, weights: np.ndarray) -> dict[str, np.ndarray]:
    truth, amount, probability = (np.array(values) for values in (fold.truth, fold.amount, fold.probability))
    inner_truth, inner_amount = np.array(fold.inner_truth), np.array(fold.inner_amount)
    cheapest = cheapest_threshold(inner_truth, np.array(fold.inner_probability), inner_amount, costs)
    refused = policies(probability, threshold) | {SEARCHED: probability >= cheapest}
    loans = np.maximum(weights.sum(axis=1), 1)
    return {name: weights @ cost_of(truth, said, amount, costs) / loans for name, said in refused.items()}


def _calibration_error(records: Sequence[FoldRecord], field: str) -> float:
    return float(np.mean([calibration_error(*repeat) for repeat in pooled(records, field)]))
