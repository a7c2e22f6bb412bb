"""The dashboard's charts: what stands in them, in words and as geometry."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta

from flask_babel import gettext as _
from flask_babel import ngettext

from webapp.charts import Chart, Table, Tick, across, ceiling, height_of, line, middle, stacks
from webapp.storage.statistics import BINS, Day, Overview
from webapp.wording import day, number, percent, short_day, short_percent

_DAY_TICKS = 4


def charts_of(found: Overview, threshold: float | None) -> tuple[Chart, ...]:
    """Counts by day, shares by day, and the scores.

    Parameters
    ----------
    threshold : float, optional
        Probability of payoff at or below which the verdict is ``default``, where all served models agree on one.
    """
    days = list(_every_day(found))
    return _counts(found, days), _shares(found, days), _scores(found, threshold)


def _every_day(found: Overview) -> Iterator[tuple[date, Day | None]]:
    """The days of the window, each with what happened on it."""
    known = {each.day: each for each in found.days}
    for after in range((found.until - found.since).days):
        on = found.since.date() + timedelta(days=after)
        yield on, known.get(on)


def _counts(found: Overview, days: Sequence[tuple[date, Day | None]]) -> Chart:
    top = ceiling(max(each.predictions for each in found.days))
    parts = [(each.granted, each.predictions - each.granted) if each else (0, 0) for _on, each in days]
    busiest = max(found.days, key=lambda each: each.predictions)
    says = ngettext(
        "One prediction, on %(day)s.",
        "%(num)s predictions; most on %(day)s: %(most)s.",
        found.predictions,
        day=day(busiest.day),
        most=number(busiest.predictions, 0),
    )
    rows = tuple((day(each.day), number(each.predictions, 0), number(each.granted, 0)) for each in found.days)
    return Chart(
        title=_("Predictions by day"),
        says=says,
        table=Table((_("Day"), _("Predictions"), _("Granted")), rows),
        x_ticks=_day_ticks([on for on, _each in days]),
        y_ticks=_up_to(top, lambda value: number(value, 1)),
        bars=stacks(parts, ("granted", "refused"), top),
        key=(("granted", _("granted")), ("refused", _("refused"))),
    )


def _shares(found: Overview, days: Sequence[tuple[date, Day | None]]) -> Chart:
    granted = [each.granted / each.predictions if each else None for _on, each in days]
    probability = [each.mean_probability if each else None for _on, each in days]
    rows = tuple(
        (day(each.day), percent(each.granted / each.predictions), percent(each.mean_probability)) for each in found.days
    )
    says = _(
        "Share granted: %(granted)s over the whole window. Mean probability of payoff: %(mean)s.",
        granted=percent(found.share_granted or 0),
        mean=percent(found.mean_probability or 0),
    )
    return Chart(
        title=_("Share granted and mean probability by day"),
        says=says,
        table=Table((_("Day"), _("Share granted"), _("Mean probability of payoff")), rows),
        x_ticks=_day_ticks([on for on, _each in days]),
        y_ticks=_up_to(1, short_percent),
        lines=(
            line(_("mean probability of payoff"), "mean", probability, 1),
            line(_("share granted"), "granted", granted, 1),
        ),
        key=(("granted", _("share granted")), ("mean", _("mean probability of payoff"))),
    )


def _scores(found: Overview, threshold: float | None) -> Chart:
    counts = found.histogram
    top = ceiling(max(counts))
    edges = [(bin_ / BINS, (bin_ + 1) / BINS) for bin_ in range(BINS)]
    names = [_("%(low)s to %(high)s", low=short_percent(low), high=short_percent(high)) for low, high in edges]
    fullest = max(range(BINS), key=counts.__getitem__)
    says = _(
        "Most predictions, %(count)s of %(all)s, gave a probability of payoff of %(bin)s.",
        count=number(counts[fullest], 0),
        all=number(found.predictions, 0),
        bin=names[fullest],
    )
    return Chart(
        title=_("Probabilities of payoff"),
        says=says,
        table=Table(
            (_("Probability of payoff"), _("Predictions")),
            tuple((name, number(count, 0)) for name, count in zip(names, counts, strict=True) if count),
        ),
        x_ticks=tuple(Tick(across(share), short_percent(share)) for share in (0, 0.25, 0.5, 0.75, 1)),
        y_ticks=_up_to(top, lambda value: number(value, 1)),
        bars=stacks([(count,) for count in counts], ("score",), top),
        mark=_mark(threshold),
    )


def _mark(threshold: float | None) -> Tick | None:
    if threshold is None:
        return None
    # Its words stand on the side that has room for them.
    anchor = "end" if threshold > 0.5 else "start"
    return Tick(across(threshold), _("granted above %(threshold)s", threshold=short_percent(threshold)), anchor)


def _day_ticks(days: Sequence[date]) -> tuple[Tick, ...]:
    every = max(1, -(-len(days) // _DAY_TICKS))
    return tuple(Tick(middle(at, len(days)), short_day(days[at])) for at in range(every // 2, len(days), every))


def _up_to(top: float, wording: Callable[[float], str]) -> tuple[Tick, ...]:
    return tuple(Tick(height_of(part * top, top), wording(part * top), "end") for part in (0, 0.5, 1))
