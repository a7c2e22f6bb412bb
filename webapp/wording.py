"""Numbers, dates and probabilities as people read them."""

from datetime import date, datetime
from typing import Any

from features.questions import Question
from payoff.metadata import Spread

# A narrow space groups digits the same way in every language; no comma can be read as a decimal point.
GROUP = "\u202f"
MINUS = "\N{MINUS SIGN}"
SPACE = "\N{NO-BREAK SPACE}"


def number(value: float, digits: int = 2) -> str:
    """``12300.0`` as ``12 300``, ``-12.5`` as ``−12.50``: ``digits`` decimals, or none if whole."""
    value = round(value, digits)
    shown = f"{abs(value):,.{0 if float(value).is_integer() else digits}f}"
    return (MINUS if value < 0 else "") + shown.replace(",", GROUP)


def quantity(value: float, unit: str, digits: int = 2) -> str:
    """A number with its unit, which no line parts but before ``a month``."""
    shown = number(value, digits)
    return f"{shown}{SPACE}{unit.replace(' a ', f' a{SPACE}')}" if unit else shown


def rounded(value: float, unit: str = "") -> str:
    """A computed quantity without digits that say nothing."""
    return quantity(value, unit, digits=0 if abs(value) >= 100 else 1)


def percent(share: float) -> str:
    """A share from 0 to 1 in per cent; never rounded to a certainty that it is not."""
    if 0.999 < share < 1:
        return f"more than 99.9{SPACE}%"
    if 0 < share < 0.001:
        return f"less than 0.1{SPACE}%"
    return f"{share * 100:.1f}{SPACE}%"


def short_percent(share: float) -> str:
    """A stated limit from 0 to 1 in per cent, without needless digits."""
    return f"{share * 100:.1f}".removesuffix(".0") + f"{SPACE}%"


def day(value: date) -> str:
    """``1997-05-10`` as ``10 May 1997``."""
    return f"{value.day} {value:%B} {value.year}"


def moment(value: datetime) -> str:
    """Day and minute, with the zone."""
    return f"{day(value)}, {value:%H:%M} {value.tzname() or ''}".rstrip()


def typical(spread: Spread, unit: str) -> str:
    """The range in which eight of ten training loans lie."""
    return f"{number(spread.p10, 0)} to {quantity(spread.p90, unit, 0)}"


def answered(question: Question, value: Any) -> str:
    """A validated answer in the words of the form."""
    if question.kind == "date":
        return day(value)
    if question.kind == "choice":
        return dict(question.choices)[value]
    if question.kind == "district":
        return str(value)
    return quantity(value, question.unit)


#: What templates may call, by name.
FILTERS = {
    "rounded": rounded,
    "percent": percent,
    "short_percent": short_percent,
    "moment": moment,
}
