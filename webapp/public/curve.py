"""The probability of payoff by amount as a curve, in a drawing 100 wide and 100 high that the page stretches."""

from dataclasses import dataclass

from flask_babel import gettext as _

from payoff.metadata import Metadata
from webapp.whatif import WhatIf
from webapp.wording import percent, quantity


@dataclass(frozen=True)
class Curve:
    """Geometry and words of the curve.

    Attributes
    ----------
    path : str
        For an SVG path.
    threshold, amount : float
        Height of the threshold and place of the amount that was tried, None if beyond the drawing.
    """

    path: str
    threshold: float
    amount: float | None
    smallest: str
    largest: str
    words: str


def drawn(found: WhatIf, metadata: Metadata) -> Curve | None:
    """The curve over the duration of ``found``; None where there is nothing to draw a line through."""
    if len(found.curve) < 2:
        return None
    (low, first), (high, last) = found.curve[0], found.curve[-1]
    points = (f"{100 * (amount - low) / (high - low):.2f} {100 - 100 * payoff:.2f}" for amount, payoff in found.curve)
    place = 100 * (found.terms.amount_czk - low) / (high - low)
    smallest, largest = quantity(low, "CZK"), quantity(high, "CZK")
    return Curve(
        path=f"M{'L'.join(points)}",
        threshold=100 * metadata.threshold,
        amount=place if 0 <= place <= 100 else None,
        smallest=smallest,
        largest=largest,
        words=_(
            "Probability of payoff over %(duration)s: from %(first)s at %(smallest)s to %(last)s at %(largest)s.",
            duration=quantity(found.terms.duration_months, "months"),
            first=percent(first),
            smallest=smallest,
            last=percent(last),
            largest=largest,
        ),
    )
