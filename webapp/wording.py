"""Numbers, dates and probabilities as people read them."""

from datetime import date, datetime
from typing import Any

from babel import Locale
from babel.dates import format_date, format_time
from babel.numbers import format_decimal
from flask_babel import get_locale
from flask_babel import gettext as _

from features.questions import Question
from payoff.metadata import Spread

MINUS = "\N{MINUS SIGN}"
SPACE = "\N{NO-BREAK SPACE}"
#: British, because there a day comes before its month, as everywhere else in Europe.
_BRITISH = Locale("en", "GB")


def reader() -> Locale:
    """The reader's locale; British outside of a request."""
    locale = get_locale()
    return _BRITISH if locale is None or locale.language == "en" else locale


def number(value: float, digits: int = 2) -> str:
    """``12300.0`` as ``12,300``, ``-12.5`` as ``−12.50`` in the reader's form; no decimals if whole."""
    value = round(value, digits)
    pattern = "#,##0" if float(value).is_integer() or not digits else f"#,##0.{'0' * digits}"
    return (MINUS if value < 0 else "") + format_decimal(abs(value), pattern, reader())


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
        return str(_("more than %(share)s", share=_percent("#,##0.0", 0.999)))
    if 0 < share < 0.001:
        return str(_("less than %(share)s", share=_percent("#,##0.0", 0.001)))
    return _percent("#,##0.0", share)


def short_percent(share: float) -> str:
    """A stated limit from 0 to 1 in per cent, without needless digits."""
    return _percent("#,##0.#", share)


def _percent(pattern: str, share: float) -> str:
    return f"{format_decimal(share * 100, pattern, reader())}{SPACE}%"


def day(value: date) -> str:
    """``1997-05-10`` as ``10 May 1997``."""
    return format_date(value, "long", reader())


def moment(value: datetime) -> str:
    """Day and minute, with the zone."""
    return f"{day(value)}, {format_time(value, 'HH:mm', locale=reader())} {value.tzname() or ''}".rstrip()


def typical(spread: Spread, unit: str) -> str:
    """The range in which eight of ten training loans lie."""
    return str(_("%(low)s to %(high)s", low=number(spread.p10, 0), high=quantity(spread.p90, unit, 0)))


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
