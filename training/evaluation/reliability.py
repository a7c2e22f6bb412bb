"""How far predicted probabilities are from what happened, in groups of loans that were predicted alike."""

import numpy as np


def equal_groups(truth: np.ndarray, probability: np.ndarray, groups: int = 10) -> np.ndarray:
    """Mean probability, share of defaults and size of groups of equal numbers of loans, the least likely first.

    Equal numbers, because most probabilities are near 0.

    Parameters
    ----------
    truth : int array, one per loan
        1 where the loan defaulted.
    probability : float array
        Of default.

    Returns
    -------
    float array, shape (3, groups)
        Fewer groups where there are fewer loans.
    """
    _, score = np.unique(probability, return_inverse=True)
    # Loans that score alike may fall into two groups: they share their rate, so that no order among them can matter.
    rate = (np.bincount(score, weights=truth) / np.bincount(score))[score]
    parts = [part for part in np.array_split(np.argsort(probability, kind="stable"), groups) if part.size]
    return np.array([[probability[part].mean(), rate[part].mean(), part.size] for part in parts]).T


def calibration_error(truth: np.ndarray, probability: np.ndarray, groups: int = 10) -> float:
    """Expected calibration error: how far a group's mean probability lies from its share of defaults, over all loans.

    Notes
    -----
    With groups of equal size: Nixon et al., "Measuring calibration in deep learning", CVPR workshops (2019).
    """
    predicted, observed, loans = equal_groups(truth, probability, groups)
    return float(np.average(np.abs(observed - predicted), weights=loans))
