"""Numbers, dates and probabilities as people read them."""

from datetime import date, datetime
from functools import lru_cache
from typing import Any

from babel import Locale, numbers
from babel.dates import format_date, format_skeleton, format_time
from flask_babel import get_locale
from flask_babel import gettext as _

from features.questions import Question
from payoff.errors import Quantity, Worded
from payoff.metadata import Spread

MINUS = "\N{MINUS SIGN}"
SPACE = "\N{NO-BREAK SPACE}"
#: British, because there a day comes before its month, as everywhere else in Europe.
_BRITISH = Locale("en", "GB")


def reader() -> Locale:
    """The reader's locale; British outside of a request."""
    locale = get_locale()
    return _BRITISH if locale is None or locale.language == "en" else locale


@lru_cache(maxsize=10_000)
def format_decimal(value: float, pattern: str, locale: Locale) -> str:
    """As Babel does it; remembered, because a batch writes the same limits and effects tens of thousands of times."""
    return numbers.format_decimal(value, pattern, locale)


def declared(text: str) -> str:
    """A label, hint, unit or choice, which are declared in English; ``webapp.messages`` lists them all."""
    # The empty message is the head of a catalogue.
    return str(_(text)) if text else ""


def said(reason: str) -> str:
    """What is wrong with an answer, as ``InvalidAnswers`` has it."""
    if not isinstance(reason, Worded):
        return reason
    return str(_(reason.template, **{name: _value(each) for name, each in reason.values.items()}))


def faulty(label: str, reason: str) -> str:
    """What is wrong with an answer, and with which."""
    return str(_("%(label)s %(reason)s", label=declared(label), reason=said(reason)))


def _value(value: Quantity | date | str) -> str:
    if isinstance(value, Quantity):
        return quantity(*value, digits=0)
    return day(value) if isinstance(value, date) else value


def number(value: float, digits: int = 2) -> str:
    """``12300.0`` as ``12,300``, ``-12.5`` as ``−12.50`` in the reader's form; no decimals if whole."""
    value = round(value, digits)
    pattern = "#,##0" if float(value).is_integer() or not digits else f"#,##0.{'0' * digits}"
    return (MINUS if value < 0 else "") + format_decimal(abs(value), pattern, reader())


def decimal(value: float, digits: int = 2) -> str:
    """A figure with so many decimals, whole or not."""
    return (MINUS if value < 0 else "") + format_decimal(abs(value), f"#,##0.{'0' * digits}", reader())


def quantity(value: float, unit: str, digits: int = 2) -> str:
    """A number with its unit, which no line parts but before ``a month``."""
    shown, unit = number(value, digits), declared(unit)
    return f"{shown}{SPACE}{unit.replace(' a ', f' a{SPACE}')}" if unit else shown


def rounded(value: float, unit: str = "") -> str:
    """A computed quantity without digits that say nothing."""
    return quantity(value, unit, digits=0 if abs(value) >= 100 else 1)


def exact(value: float) -> str:
    """A measured figure to three decimals, all of which are shown: ``0.9`` as ``0.900``."""
    return (MINUS if round(value, 3) < 0 else "") + format_decimal(abs(value), "#,##0.000", reader())


def signed(value: float) -> str:
    """A difference between two such figures, with its sign."""
    shown = exact(value)
    return shown if shown.startswith(MINUS) or not round(value, 3) else f"+{shown}"


def percent(share: float) -> str:
    """A share from 0 to 1 in per cent; never rounded to a certainty that it is not."""
    if 0.999 < share < 1:
        return str(_("more than %(share)s", share=_percent("#,##0.0", 0.999)))
    if 0 < share < 0.001:
        return str(_("less than %(share)s", share=_percent("#,##0.0", 0.001)))
    return _percent("#,##0.0", share)


def dial_percent(share: float) -> str:
    """A share from 0 to 1 in whole per cent, for a dial; never rounded to a certainty that it is not."""
    if 0.99 < share < 1:
        return f">{_percent('0', 0.99)}"
    return f"<{_percent('0', 0.01)}" if 0 < share < 0.01 else _percent("0", share)


def points(effect: float) -> str:
    """A difference between two shares in percentage points, with its sign."""
    shown = format_decimal(abs(effect) * 100, "#,##0.0", reader())
    sign = "" if abs(effect) < 0.0005 else "+" if effect > 0 else MINUS
    return str(_("%(difference)s points", difference=f"{sign}{shown}")).replace(" ", SPACE)


def short_percent(share: float) -> str:
    """A stated limit from 0 to 1 in per cent, without needless digits."""
    return _percent("#,##0.#", share)


def _percent(pattern: str, share: float) -> str:
    return f"{format_decimal(share * 100, pattern, reader())}{SPACE}%"


def whole(value: int) -> str:
    """``12300`` as ``12,300`` in the reader's form."""
    return number(value, 0)


def day(value: date) -> str:
    """``1997-05-10`` as ``10 May 1997``."""
    return format_date(value, "long", reader())


def short_day(value: date) -> str:
    """``1997-05-10`` as ``10 May``."""
    return format_skeleton("MMMd", value, locale=reader())


def moment(value: datetime) -> str:
    """Day and minute, with the zone."""
    return f"{day(value)}, {format_time(value, 'HH:mm', locale=reader())} {value.tzname() or ''}".rstrip()


def short_moment(value: datetime) -> str:
    """Day and minute, for a column whose heading names the zone."""
    return f"{format_date(value, 'medium', reader())}, {format_time(value, 'HH:mm', locale=reader())}"


def typical(spread: Spread, unit: str) -> str:
    """The range in which eight of ten training loans lie."""
    return str(_("%(low)s to %(high)s", low=number(spread.p10, 0), high=quantity(spread.p90, unit, 0)))


def answered(question: Question, value: Any) -> str:
    """A validated answer in the words of the form."""
    if question.kind == "date":
        return day(value)
    if question.kind == "choice":
        return declared(dict(question.choices)[value])
    if question.kind == "district":
        return str(value)
    return quantity(value, question.unit)


#: What templates may call, by name.
FILTERS = {
    "declared": declared,
    "said": said,
    "number": number,
    "decimal": decimal,
    "quantity": quantity,
    "whole": whole,
    "rounded": rounded,
    "exact": exact,
    "signed": signed,
    "percent": percent,
    "short_percent": short_percent,
    "dial_percent": dial_percent,
    "points": points,
    "moment": moment,
    "short_moment": short_moment,
    "day": day,
    "short_day": short_day,
}
