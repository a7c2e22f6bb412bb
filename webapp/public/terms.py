"""Amount and duration to be tried out, and what came of them in words."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from flask_babel import gettext as _

from features.answers import Answers
from features.questions import QUESTIONS, Question
from payoff.choices import Verdict
from payoff.metadata import Metadata
from webapp.whatif import AMOUNT, DURATION, STEP_CZK, WhatIf
from webapp.wording import declared, faulty, percent, quantity, rounded

#: The inputs are named like the questions, with this before.
PREFIX = "what_if_"
_MONTHS_PER_YEAR = 12


@dataclass(frozen=True)
class TermField:
    """A number to type, and a slider beside it that covers the loans of the training and what was entered.

    Attributes
    ----------
    least, most : str
        What can be typed; the slider goes from ``low`` to ``high``.
    """

    name: str
    label: str
    unit: str
    value: str
    least: str
    most: str
    low: str
    high: str
    step: str
    problem: str


@dataclass(frozen=True)
class Words:
    """A prediction for terms that are tried out, in the reader's language."""

    amount: str
    duration: str
    instalment: str
    probability: str
    verdict: str
    summary: str
    largest: str


def verdict_words(verdict: Verdict) -> str:
    """The answer in a few words."""
    return str(_("Likely to be paid off") if verdict == "paid_off" else _("Payoff is doubtful"))


def words(found: WhatIf) -> Words:
    """What is said of it."""
    amount, duration = _czk(found.terms.amount_czk), quantity(found.terms.duration_months, "months")
    probability = percent(found.payoff_probability)
    told = {"amount": amount, "duration": duration, "probability": probability}
    if found.verdict == "paid_off":
        summary = _("With %(amount)s over %(duration)s: likely to be paid off, probability %(probability)s.", **told)
    else:
        summary = _("With %(amount)s over %(duration)s: payoff is doubtful, probability %(probability)s.", **told)
    return Words(
        amount=amount,
        duration=duration,
        instalment=rounded(found.terms.instalment_czk, "CZK a month"),
        probability=probability,
        verdict=verdict_words(found.verdict),
        summary=summary,
        largest=_largest(found, duration) if found.curve else "",
    )


def _largest(found: WhatIf, duration: str) -> str:
    least, most, amount = found.curve[0][0], found.curve[-1][0], found.largest_amount_czk
    told = {"duration": duration, "least": _czk(least), "most": _czk(most), "amount": _czk(amount or 0)}
    worded: str
    if amount is None:
        worded = _("Over %(duration)s, payoff is doubtful even for %(least)s, the least that the model knows.", **told)
    elif amount == most:
        worded = _("Over %(duration)s, payoff is likely up to %(most)s, the most that the model knows.", **told)
    else:
        worded = _(
            "Over %(duration)s, payoff is likely for every amount up to %(amount)s. Beyond it, a larger one may now "
            "and then come out as likely again; do not count on it.",
            **told,
        )
    return worded


def _czk(amount: float) -> str:
    return quantity(amount, "CZK")


def term_fields(
    metadata: Metadata, entered: Answers, tried: Mapping[str, str], mistakes: Mapping[str, str]
) -> tuple[TermField, ...]:
    """Both fields, with what was tried or else entered.

    Parameters
    ----------
    tried, mistakes : mapping of question name to text
        As typed, and what is wrong with it.
    """
    return tuple(
        _term_field(question, metadata, entered[question.name], tried, mistakes)
        for question in QUESTIONS
        if question.name in {AMOUNT, DURATION}
    )


def _term_field(
    question: Question, metadata: Metadata, entered: float, tried: Mapping[str, str], mistakes: Mapping[str, str]
) -> TermField:
    seen, reason = metadata.spreads[question.name], mistakes.get(question.name)
    step = STEP_CZK if question.name == AMOUNT else _months_step(entered, seen.low)
    low, high = min(seen.low, entered), max(seen.high, entered)
    return TermField(
        name=f"{PREFIX}{question.name}",
        label=declared(question.label),
        unit=declared(question.unit),
        value=tried.get(question.name, f"{entered:.15g}"),
        least=f"{question.valid.low:.0f}" if question.valid else "",
        most=f"{question.valid.high:.0f}" if question.valid else "",
        low=f"{math.ceil(low / step) * step:.0f}",
        high=f"{math.floor(high / step) * step:.0f}",
        step=f"{step}",
        problem=f"{faulty(question.label, reason)}." if reason else "",
    )


def _months_step(*months: float) -> int:
    """Whole years where the loans were lent for whole years, or else single months."""
    return 1 if any(each % _MONTHS_PER_YEAR for each in months) else _MONTHS_PER_YEAR
