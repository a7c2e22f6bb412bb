"""What the original published, what follows from its figures alone, and the intervals that it left out."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from payoff.metadata import Figure

#: Its page.
SOURCE = "https://www.vincentcys.com/projects/loan-prediction-app"
#: Its figures on the test rows, rounded; a default is the positive class.
FIGURES = {
    "accuracy": 0.885, "balanced_accuracy": 0.544, "mcc": 0.185, "roc_auc": 0.570, "f1": 0.167, "precision": 0.5,
    "recall": 0.1,
}  # fmt: skip
TRAIN_ROWS, TEST_ROWS = 202, 87
#: What AutoGluon had kept of its models, beside the ensemble of this one.
KEPT = "NeuralNetFastAI"


@dataclass(frozen=True)
class Implied:
    """Test rows by how they ended and what the model said of them."""

    rows: int
    defaults: int
    found: int
    false_alarms: int

    @property
    def right(self) -> int:
        """Rows that the model was right about."""
        return self.rows - self.false_alarms - (self.defaults - self.found)


def implied() -> Implied:
    """The only counts that the published accuracy, precision and recall leave.

    Notes
    -----
    For each default found there are 1 / precision - 1 false alarms and 1 / recall - 1 defaults missed; accuracy says
    how many of both there are.
    """
    wrong = TEST_ROWS * (1 - FIGURES["accuracy"])
    alarms, missed = 1 / FIGURES["precision"] - 1, 1 / FIGURES["recall"] - 1
    found = round(wrong / (alarms + missed))
    return Implied(TEST_ROWS, round(found * (1 + missed)), found, round(found * alarms))


def figures() -> dict[str, Figure]:
    """The published figures; accuracy and ROC AUC with the 95 % interval that so few rows give them."""
    counts = implied()
    plain = {name: Figure(value=value, low=value, high=value) for name, value in FIGURES.items()}
    return plain | {
        "accuracy": wilson(counts.right, counts.rows),
        "roc_auc": hanley_mcneil(FIGURES["roc_auc"], counts.defaults, counts.rows - counts.defaults),
    }


def wilson(right: int, rows: int) -> Figure:
    """A share with its 95 % interval.

    Notes
    -----
    Wilson, Journal of the American Statistical Association 22 (1927) 209: unlike the one from the standard error, it
    stays within 0 and 1 and holds for shares near them.
    """
    z, share = float(stats.norm.ppf(0.975)), right / rows
    middle = (share + z**2 / (2 * rows)) / (1 + z**2 / rows)
    reach = z * np.sqrt(share * (1 - share) / rows + z**2 / (4 * rows**2)) / (1 + z**2 / rows)
    return Figure(value=share, low=float(middle - reach), high=float(middle + reach))


def hanley_mcneil(auc: float, positives: int, negatives: int) -> Figure:
    """A ROC AUC with the 95 % interval that follows from the area and the numbers of rows alone.

    Notes
    -----
    Hanley and McNeil, "The meaning and use of the area under a receiver operating characteristic (ROC) curve",
    Radiology 143 (1982) 29-36: how likely two positives both rank above one negative, and one positive above two
    negatives, is taken from exponential distributions.
    """
    two_positives, two_negatives = auc / (2 - auc) - auc**2, 2 * auc**2 / (1 + auc) - auc**2
    spread = auc * (1 - auc) + (positives - 1) * two_positives + (negatives - 1) * two_negatives
    reach = float(stats.norm.ppf(0.975) * np.sqrt(max(spread, 0.0) / (positives * negatives)))
    return Figure(value=auc, low=max(auc - reach, 0.0), high=min(auc + reach, 1.0))
