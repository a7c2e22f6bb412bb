"""The window of time that a page looks at, chosen in its address."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from flask_babel import gettext as _

from webapp.wording import number

#: Days back from today that can be chosen by a link.
CHOICES = (7, 30, 90)
_OTHERWISE = 30
#: Days; a chart of more could not be read.
LONGEST = 1_100


@dataclass(frozen=True)
class Window:
    """Whole days of UTC, both included.

    Attributes
    ----------
    days : int, optional
        The choice of ``CHOICES``; None where dates were given.
    problem : str
        What is wrong with what was asked for; the window is then that of 30 days.
    asked : tuple of str
        First and last day as they were typed, to stand in the form.
    """

    first: date
    last: date
    days: int | None
    problem: str = ""
    asked: tuple[str, str] = ("", "")

    @property
    def since(self) -> datetime:
        """Its first moment."""
        return datetime.combine(self.first, time(), UTC)

    @property
    def until(self) -> datetime:
        """The first moment after it."""
        return datetime.combine(self.last + timedelta(days=1), time(), UTC)

    @property
    def arguments(self) -> dict[str, str]:
        """What an address needs to lead to the same window."""
        if self.days:
            return {"days": str(self.days)}
        return {"since": self.first.isoformat(), "until": self.last.isoformat()}


def window_of(arguments: Mapping[str, str]) -> Window:
    """The window of an address with ``days``, or with ``since`` and ``until``; of 30 days where it has neither."""
    asked = (arguments.get("since", "").strip(), arguments.get("until", "").strip())
    if any(asked):
        return _between(asked)
    days = arguments.get("days", str(_OTHERWISE))
    if days not in map(str, CHOICES):
        wrong = _("There is no window of “%(days)s” days; choose 7, 30 or 90.", days=days[:20])
        return _back(_OTHERWISE, problem=wrong)
    return _back(int(days))


def _between(asked: tuple[str, str]) -> Window:
    try:
        first, last = (date.fromisoformat(text) for text in asked)
    except ValueError:
        wrong = _("Give a first and a last day, each as in %(today)s.", today=_today().isoformat())
        return _back(_OTHERWISE, problem=wrong, asked=asked)
    if first > last or last == date.max:
        wrong = _("The first day has to be the last or before it. Got %(first)s and %(last)s.", first=first, last=last)
        return _back(_OTHERWISE, problem=wrong, asked=asked)
    if (days := (last - first).days + 1) > LONGEST:
        wrong = _("A window has at most %(most)s days. Got %(days)s.", most=number(LONGEST, 0), days=number(days, 0))
        return _back(_OTHERWISE, problem=wrong, asked=asked)
    return Window(first, last, None, asked=asked)


def _back(days: int, problem: str = "", asked: tuple[str, str] = ("", "")) -> Window:
    return Window(_today() - timedelta(days=days - 1), _today(), days, problem, asked)


def _today() -> date:
    return datetime.now(UTC).date()
