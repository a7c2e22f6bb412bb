"""One split of the reproduction, trained and tested: by the original's training, or by Payoff's own."""

import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from payoff.metadata import TARGET, Costs, Frozen
from training.decide import break_even
from training.evaluation.metrics import weighted_metrics
from training.evaluation.nested import FoldRecord, Recipe
from training.evaluation.original_recipe import Fit, Models
from training.loans import Loans
from training.split import Fold

#: What AutoGluon's evaluation reports, in its order.
METRICS = ("accuracy", "balanced_accuracy", "mcc", "roc_auc", "f1", "precision", "recall")
#: Where Payoff's own training says default: where granting breaks even at the costs that it assumes.
THRESHOLD = break_even(Costs())

#: Trains and tests one fold of Payoff's own training.
RunFold = Callable[[Loans, Recipe, Fold], FoldRecord]


class Trial(Frozen):
    """What came of one split; the tuples have a value per test row.

    Attributes
    ----------
    train : int
        Training rows.
    known : int
        Test rows whose loan is among the training rows too.
    probability : tuple of float
        Of default.
    said : tuple of int
        1 where default was predicted.
    kept : tuple of str
        The models that AutoGluon kept of those it tried; none for Payoff's own training, which averages all.
    seconds : float
        Training and answering.
    """

    train: int
    known: int
    truth: tuple[int, ...]
    probability: tuple[float, ...]
    said: tuple[int, ...]
    kept: tuple[str, ...] = ()
    seconds: float

    def figures(self) -> dict[str, float]:
        """The metrics of this split."""
        truth, probability, said = map(np.array, (self.truth, self.probability, self.said))
        found = weighted_metrics(truth, probability, said, np.ones((1, truth.size)))
        return {name: float(found[name][0]) for name in METRICS}

    def always_paid_off(self) -> "Trial":
        """The same test rows, each said to be paid off, one as surely as the other."""
        nothing = [0] * len(self.truth)
        return self.model_copy(update={"probability": tuple(map(float, nothing)), "said": tuple(nothing), "kept": ()})


def by_theirs(table: pd.DataFrame, names: list[str], models: Models, fit: Fit, fold: Fold) -> Trial:
    """The original's training on the rows of ``fold``."""
    train, test = table.iloc[fold.train], table.iloc[fold.test]
    start = time.perf_counter()
    answers = fit(train[[*names, TARGET]], test[names], models)
    return Trial(
        train=len(train),
        known=_known(table, fold),
        truth=tuple(test[TARGET].astype(int).tolist()),
        probability=tuple(answers.probability.tolist()),
        said=tuple(answers.said.tolist()),
        kept=answers.kept,
        seconds=time.perf_counter() - start,
    )


def by_ours(loans: Loans, recipe: Recipe, run_fold: RunFold, fold: Fold) -> Trial:
    """Payoff's own training on the loans of ``fold``: selection, models and calibration inside it."""
    record = run_fold(loans, recipe, fold)
    return Trial(
        train=fold.train.size,
        known=_known(loans.table, fold),
        truth=record.truth,
        probability=record.probability,
        said=tuple(int(each >= THRESHOLD) for each in record.probability),
        seconds=record.fit_seconds,
    )


def _known(table: pd.DataFrame, fold: Fold) -> int:
    loans = table["loan_id"].to_numpy()
    return int(np.isin(loans[fold.test], loans[fold.train]).sum())
