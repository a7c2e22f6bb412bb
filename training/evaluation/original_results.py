"""What came of the reproduction, case by case, with its figures."""

from dataclasses import dataclass

import numpy as np

from payoff.metadata import Figure
from training.evaluation import published
from training.evaluation.original_trials import METRICS, Trial

#: The cases: the original's training, then Payoff's own on the splits of ``ONE_ROW``.
OWN, DRAWN, TOGETHER, ONE_ROW = "own split", "other splits", "loans kept together", "one row per loan"
FORM, FULL, RUNNING = "form", "full", "full, running loans too"


def alone(kind: str) -> str:
    """The case of one kind of model on the original's own split."""
    return f"{OWN}, {kind} alone"


@dataclass(frozen=True)
class Result:
    """What came of the splits of a case."""

    trials: tuple[Trial, ...]

    def by_split(self, metric: str) -> np.ndarray:
        """The metric of each split."""
        return np.array([each.figures()[metric] for each in self.trials])

    def figures(self) -> dict[str, Figure]:
        """Mean over splits, from the 2.5th to the 97.5th percentile of them.

        Of a single split accuracy and ROC AUC have the interval that its test rows give them, the others none.
        """
        found = {name: _spread(self.by_split(name)) for name in METRICS}
        return found if len(self.trials) > 1 else found | _of_one(self.trials[0])

    def always_paid_off(self) -> "Result":
        """What always saying "paid off" comes to on the same test rows."""
        return Result(tuple(each.always_paid_off() for each in self.trials))


@dataclass(frozen=True)
class Reproduction:
    """The original made again.

    Attributes
    ----------
    run : str
        The run of the ETL that the loans come from.
    rows, row_defaults, loans, loan_defaults : int
        Of the original's rows, and of the loans behind them.
    models : tuple of str
        What of its model list was trained.
    results : dict of case to Result
    """

    run: str
    splits: int
    seed: int
    rows: int
    row_defaults: int
    loans: int
    loan_defaults: int
    models: tuple[str, ...]
    results: dict[str, Result]


def _of_one(trial: Trial) -> dict[str, Figure]:
    rows, defaults = len(trial.truth), sum(trial.truth)
    right = sum(said == truth for said, truth in zip(trial.said, trial.truth, strict=True))
    found = {"accuracy": published.wilson(right, rows)}
    if len(set(trial.probability)) > 1:  # an area of ties alone is one half whatever the rows
        area = trial.figures()["roc_auc"]
        found["roc_auc"] = published.hanley_mcneil(area, defaults, rows - defaults)
    return found


def _spread(values: np.ndarray) -> Figure:
    low, high = np.percentile(values, [2.5, 97.5])
    return Figure(value=float(values.mean()), low=float(low), high=float(high))
