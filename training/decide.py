"""From a probability to a decision: the threshold that stated costs imply, and what decisions cost.

A default costs the lender ``costs.default`` of the amount, a refusal of a loan that would have been paid off
``costs.refusal`` of it. Both grow with the amount, so the threshold does not depend on it.
"""

import numpy as np

from payoff.metadata import Costs


def break_even(costs: Costs) -> float:
    """The probability of default from which on granting is expected to cost more than refusing.

    Notes
    -----
    Elkan, "The foundations of cost-sensitive learning", IJCAI 2001, equation 2. It is right where probabilities are
    calibrated, and needs no search: with some fifty defaults, searching for the cheapest threshold follows chance.
    """
    return costs.refusal / (costs.refusal + costs.default)


def cheapest_threshold(truth: np.ndarray, probability: np.ndarray, amount: np.ndarray, costs: Costs) -> float:
    """The threshold that would have cost least on loans that the models had not seen.

    Parameters
    ----------
    truth : int array, one per loan
        1 where the loan defaulted.
    probability : float array
        Of default.
    amount : float array
        CZK lent.

    Returns
    -------
    float
        Halfway to the next lower probability, so that no single loan decides.
    """
    order = np.argsort(-probability, kind="stable")
    ranked = probability[order]
    refused = np.cumsum(np.where(truth == 1, -costs.default, costs.refusal)[order] * amount[order])
    last_of_tie = np.append(np.flatnonzero(np.diff(ranked)), ranked.size - 1)
    best = last_of_tie[int(np.argmin(refused[last_of_tie]))]
    below = ranked[best + 1] if best + 1 < ranked.size else 0.0
    return float((ranked[best] + below) / 2)


def policies(probability: np.ndarray, threshold: float) -> dict[str, np.ndarray]:
    """Which loans are refused, by who decides: the model, nobody, or a lender who lends no more."""
    return {
        "the model": probability >= threshold,
        "grant all": np.zeros(probability.size, dtype=bool),
        "grant none": np.ones(probability.size, dtype=bool),
    }


def cost_of(truth: np.ndarray, refused: np.ndarray, amount: np.ndarray, costs: Costs) -> np.ndarray:
    """CZK that each decision cost; 0 where it was right."""
    defaulted, paid = truth == 1, truth == 0
    lost: np.ndarray = amount * (costs.default * (defaulted & ~refused) + costs.refusal * (paid & refused))
    return lost
