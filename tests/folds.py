"""Invented loans and outer folds, to judge without training for long."""

from pathlib import Path

import numpy as np
import pandas as pd

from payoff.metadata import Calibration
from training.evaluation.nested import FoldRecord, Recipe, evaluation
from training.loans import Loans


def invented_loans(size: int = 200, seed: int = 1, features: int = 3) -> Loans:
    """Loans whose end hangs on the first of their numbers; every second is finished."""
    rng = np.random.default_rng(seed)
    names = ("telling", "noise", "constant_ish", *(f"noise_{number}" for number in range(3, features)))
    numbers = pd.DataFrame(rng.normal(size=(size, features)), columns=list(names))
    days = pd.date_range("1995-01-01", "1998-12-01", periods=size)
    table = pd.DataFrame({"loan_id": np.arange(1000, 1000 + size), "granted_on": days}).join(numbers)
    table.insert(2, "defaulted", (numbers["telling"] + rng.normal(size=size) > 1).astype("int8"))
    about = pd.DataFrame(
        {
            "amount_czk": rng.integers(10_000, 400_000, size).astype(float),
            "is_finished": np.arange(size) % 2 == 0,
            "owner_sex": np.where(rng.random(size) < 0.5, "female", "male"),
            "owner_born_on": pd.to_datetime("1960-05-05").date(),
            "district_region": "Prague",
        },
        index=pd.Index(table["loan_id"]),
    )
    return Loans("2026-01-01T00-00-00", table, names, about)


def record(
    truth: list[int], probability: list[float], *, repeat: int = 0, number: int = 0, first_loan: int = 1
) -> FoldRecord:
    """An outer fold in which these loans were tested; each is of 1,000 CZK, and the inner loans are the same."""
    return FoldRecord(
        repeat=repeat,
        number=number,
        loans=tuple(range(first_loan, first_loan + len(truth))),
        truth=tuple(truth),
        amount=(1000.0,) * len(truth),
        raw=tuple(probability),
        probability=tuple(probability),
        inner_truth=tuple(truth),
        inner_amount=(1000.0,) * len(truth),
        inner_probability=tuple(probability),
        calibration=Calibration(),
        features=("telling",),
        fit_seconds=2.0,
        row_seconds=0.001,
        size=1_000_000,
    )


def records(loans: Loans, recipe: Recipe, directory: Path) -> list[FoldRecord]:
    """Every outer fold of an evaluation."""
    return [step.record for step in evaluation(loans, recipe, directory)]
