"""Calibration: a straight line on the log-odds, fitted to out-of-fold predictions of the training loans."""

import numpy as np
from scipy.optimize import minimize

from payoff.metadata import Calibration, log_odds

#: How far slope and intercept are expected from 1 and 0, as standard deviations. With some fifty defaults the free fit
#: is off by a fifth of its slope from one split to the next; this holds it where the data do not insist.
PRIOR = 0.25


def calibrated(truth: np.ndarray, probability: np.ndarray) -> Calibration:
    """The likeliest line, given ``PRIOR`` (Platt 1999, with a normal prior around leaving the predictions as they are).

    Parameters
    ----------
    truth : int array, one per training loan
        1 where the loan defaulted.
    probability : float array
        Of default, by models that had not seen the loan.
    """
    odds = log_odds(probability)

    def penalised(line: np.ndarray) -> float:
        intercept, slope = line
        shown = intercept + slope * odds
        surprise = np.sum(np.logaddexp(0, shown) - truth * shown)
        return float(surprise + (intercept**2 + (slope - 1) ** 2) / (2 * PRIOR**2))

    found = minimize(penalised, x0=[0.0, 1.0], bounds=[(None, None), (1e-3, None)], method="L-BFGS-B")
    return Calibration(intercept=float(found.x[0]), slope=float(found.x[1]))
