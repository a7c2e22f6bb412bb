"""Evaluations made up by hand: outer folds whose probabilities are right, without any model."""

from collections.abc import Sequence

import numpy as np

from payoff.metadata import Calibration, Costs
from training.evaluation.comparison import Entry, entry
from training.evaluation.nested import FoldRecord, Recipe

COSTS = Costs(default=0.4, refusal=0.1)
COMMAND = "payoff model evaluate --features form"
RUN = "2026-01-05T09-00-00"


def fold(
    truth: Sequence[int] | np.ndarray,
    probability: Sequence[float] | np.ndarray,
    *,
    amount: Sequence[float] | np.ndarray | None = None,
    repeat: int = 0,
    number: int = 0,
    first_loan: int = 1,
) -> FoldRecord:
    """A fold with these test loans; before calibration, every probability was higher."""
    loans = len(truth)
    said = np.asarray(probability, dtype=float)
    return FoldRecord(
        repeat=repeat,
        number=number,
        loans=tuple(range(first_loan, first_loan + loans)),
        truth=tuple(int(end) for end in truth),
        amount=tuple(np.full(loans, 1000.0) if amount is None else np.asarray(amount, dtype=float)),
        raw=tuple(np.sqrt(said)),
        probability=tuple(said),
        inner_truth=(0, 1, 0, 0),
        inner_amount=(1000.0, 1000.0, 1000.0, 1000.0),
        inner_probability=(0.1, 0.8, 0.2, 0.05),
        calibration=Calibration(slope=1.1, intercept=-0.1),
        features=("transaction_count", "card_type"),
        fit_seconds=1.5,
        row_seconds=0.002,
        size=40_000,
    )


def simulated(loans: int = 300, *, folds: int = 3, repeats: int = 2, seed: int = 7) -> list[FoldRecord]:
    """Loans that default as often as their probabilities say; the same loans in each repeat, with new probabilities."""
    rng = np.random.default_rng(seed)
    risk, amount = rng.beta(0.5, 3, loans), rng.uniform(5_000, 300_000, loans)
    truth = (rng.random(loans) < risk).astype(int)
    made = []
    for repeat in range(repeats):
        said = 1 / (1 + np.exp(-np.log(risk / (1 - risk)) - (rng.normal(0, 0.1, loans) if repeat else 0)))
        for number, rows in enumerate(np.array_split(np.arange(loans), folds)):
            made.append(
                fold(truth[rows], said[rows], amount=amount[rows], repeat=repeat, number=number, first_loan=rows[0] + 1)
            )
    return made


def evaluated(records: Sequence[FoldRecord] | None = None, *, contender: str = "made up", repeats: int = 2) -> Entry:
    """An evaluation with its figures."""
    recipe = Recipe("form", "cv", repeats=repeats, contender=contender)
    return entry(recipe, simulated(repeats=repeats) if records is None else records, COSTS)
