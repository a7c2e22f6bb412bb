"""What would change a prediction: the same answers with another amount or duration. Nothing of it is stored."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from features.answers import Answers, form_features
from payoff.choices import Verdict
from payoff.metadata import Metadata
from webapp.predictions import Scorer, Terms, payoff_probabilities, verdict

#: Between two amounts that are tried, CZK.
STEP_CZK = 1_000
AMOUNT, DURATION = "loan_amount_czk", "loan_duration_months"


@dataclass(frozen=True)
class WhatIf:
    """What the model says of terms that nobody has asked for yet.

    Attributes
    ----------
    largest_amount_czk : float, optional
        As :func:`largest_amount`, over the duration of ``terms``.
    curve : tuple of (CZK, probability of payoff)
        Every amount that was tried over that duration, ascending.
    """

    terms: Terms
    payoff_probability: float
    verdict: Verdict
    largest_amount_czk: float | None
    curve: tuple[tuple[float, float], ...]


def amounts(metadata: Metadata) -> tuple[float, ...]:
    """Whole thousands of CZK from the smallest to the largest loan of the training, ascending; maybe none."""
    seen = metadata.spreads[AMOUNT]
    first, last = math.ceil(seen.low / STEP_CZK), math.floor(seen.high / STEP_CZK)
    return tuple(float(each * STEP_CZK) for each in range(max(first, 1), last + 1))


def probabilities(model: Scorer, answers: Answers, terms: Sequence[Terms]) -> np.ndarray:
    """Probability of payoff for each of ``terms`` with the other answers as they are, scored in one batch.

    Parameters
    ----------
    answers : mapping
        Typed, as :func:`features.answers.validated` gives them.
    """
    asked = [{**answers, AMOUNT: each.amount_czk, DURATION: each.duration_months} for each in terms]
    return payoff_probabilities(model, form_features(asked, model.metadata.salaries))


def what_if(model: Scorer, answers: Answers) -> WhatIf:
    """What the model says of typed answers, and of every other amount over the same duration."""
    tried = amounts(model.metadata)
    terms = Terms(answers[AMOUNT], answers[DURATION])
    asked = [terms, *(Terms(amount, terms.duration_months) for amount in tried)]
    payoff, *others = (float(each) for each in probabilities(model, answers, asked))
    curve = tuple(zip(tried, others, strict=True))
    return WhatIf(terms, payoff, verdict(model.metadata, payoff), _last_paid_off(model.metadata, curve), curve)


def largest_amount(model: Scorer, answers: Answers, duration: float) -> float | None:
    """The largest amount up to which every smaller one is predicted to be paid off, too.

    A model of trees is not monotone: past the first doubtful amount a larger one may come out as paid off again, by
    accident of where few loans of the training lay. Such an island is no amount to count on, so the search ends at
    the first doubtful step.

    Parameters
    ----------
    answers : mapping
        Typed; their amount and duration play no part.
    duration : float
        Months.

    Returns
    -------
    float or None
        CZK, in whole thousands within what the model saw in training; None where the smallest is doubtful already.
    """
    return what_if(model, {**answers, DURATION: duration}).largest_amount_czk


def _last_paid_off(metadata: Metadata, curve: Sequence[tuple[float, float]]) -> float | None:
    found = None
    for amount, payoff in curve:
        if verdict(metadata, payoff) != "paid_off":
            break
        found = amount
    return found
