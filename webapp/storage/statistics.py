"""What happened in a window of time, counted by the database: the same on SQLite and on MariaDB."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Integer, case, func, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from payoff.metadata import Figure
from webapp.scores import brier_scores, log_losses, mean_of, share_of
from webapp.storage.samples import newest_outcomes
from webapp.storage.tables import ModelVersion, Source, StoredPrediction

BINS = 20

_Window = Sequence[ColumnElement[bool]]


@dataclass(frozen=True)
class Day:
    """A day of UTC on which predictions were made."""

    day: date
    predictions: int
    granted: int
    mean_probability: float


@dataclass(frozen=True)
class Latency:
    """Milliseconds from question to answer, without the storing; to a tenth."""

    predictions: int
    median_ms: float
    p95_ms: float
    p99_ms: float


@dataclass(frozen=True)
class Outcomes:
    """What became of the loans whose outcome was recorded.

    Attributes
    ----------
    recorded, paid_off : int
    payoff_share : Figure
        With Wilson's 95 % interval.
    judged : int
        Predictions, the newest, that the errors are measured on: ``MOST_JUDGED`` at most.
    brier, log_loss : Figure
        Of the probabilities, with 95 % bootstrap intervals.
    """

    recorded: int
    paid_off: int
    payoff_share: Figure
    judged: int
    brier: Figure
    log_loss: Figure

    def as_json(self) -> dict[str, Any]:
        """Figures as their value and the ends of their interval."""
        figures = {name: getattr(self, name).model_dump() for name in ("payoff_share", "brier", "log_loss")}
        return {"recorded": self.recorded, "paid_off": self.paid_off, "judged": self.judged} | figures


@dataclass(frozen=True)
class Overview:
    """The predictions made from ``since`` (included) to ``until``.

    Attributes
    ----------
    granted : int
        Predictions with the verdict ``paid_off``.
    mean_probability : float, optional
        Of payoff; None where there is no prediction.
    days : tuple of Day
        Days without a prediction are left out.
    histogram : tuple of int, ``BINS`` long
        Predictions by probability of payoff, in bins of equal width; the last includes 1.
    latency : mapping of source to Latency
        Batches, which are not waited for, are left out.
    sources, models : mapping of name to number of predictions
        The most frequent first.
    outcomes : Outcomes, optional
        None where none was recorded.
    """

    since: datetime
    until: datetime
    predictions: int
    granted: int
    mean_probability: float | None
    days: tuple[Day, ...]
    histogram: tuple[int, ...]
    latency: Mapping[Source, Latency]
    sources: Mapping[Source, int]
    models: Mapping[str, int]
    outcomes: Outcomes | None

    @property
    def share_granted(self) -> float | None:
        """Of all predictions; None where there is none."""
        return self.granted / self.predictions if self.predictions else None

    def as_json(self) -> dict[str, Any]:
        """What programs are told: moments and days in ISO 8601, shares from 0 to 1."""
        return {
            "since": self.since.isoformat(),
            "until": self.until.isoformat(),
            "predictions": self.predictions,
            "granted": self.granted,
            "share_granted": self.share_granted,
            "mean_probability": self.mean_probability,
            "days": [asdict(each) | {"day": each.day.isoformat()} for each in self.days],
            "histogram": list(self.histogram),
            "latency": {source: asdict(each) for source, each in self.latency.items()},
            "sources": dict(self.sources),
            "models": dict(self.models),
            "outcomes": self.outcomes and self.outcomes.as_json(),
        }


def overview(session: Session, since: datetime, until: datetime) -> Overview:
    """Count the predictions made from ``since`` (included) to ``until``; moments with their zone.

    Notes
    -----
    Each figure is one pass over the window's part of the index ``ix_predictions_statistics``.
    """
    window = (StoredPrediction.made_at >= since, StoredPrediction.made_at < until)
    days = _days(session, window)
    sources, models = _mix(session, window)
    total = sum(each.predictions for each in days)
    weighed = sum(each.mean_probability * each.predictions for each in days)
    return Overview(
        since=since,
        until=until,
        predictions=total,
        granted=sum(each.granted for each in days),
        mean_probability=weighed / total if total else None,
        days=days,
        histogram=_histogram(session, window),
        latency=_latency(session, window),
        sources=sources,
        models=models,
        outcomes=_outcomes(session, window),
    )


class _Floored(FunctionElement[int]):
    """Rounded down, of what is not negative: SQLite may lack FLOOR, and MariaDB's CAST rounds."""

    name = "floored"
    type = Integer()
    inherit_cache = True


@compiles(_Floored)
def _floor(element: _Floored, compiler: SQLCompiler, **options: Any) -> str:
    return f"FLOOR({compiler.process(element.clauses, **options)})"


@compiles(_Floored, "sqlite")
def _truncate(element: _Floored, compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **options)} AS INTEGER)"


def _days(session: Session, window: _Window) -> tuple[Day, ...]:
    day = func.date(StoredPrediction.made_at)
    granted = func.sum(case((StoredPrediction.verdict == "paid_off", 1), else_=0))
    probability = func.avg(StoredPrediction.payoff_probability)
    found = session.execute(select(day, func.count(), granted, probability).where(*window).group_by(day).order_by(day))
    # SQLite gives days as text, MariaDB as dates.
    return tuple(Day(date.fromisoformat(str(on)), count, int(good), mean) for on, count, good, mean in found)


def _mix(session: Session, window: _Window) -> tuple[dict[Source, int], dict[str, int]]:
    """Predictions by source and by model version."""
    keys = (StoredPrediction.source, StoredPrediction.model_id)
    versions = {each.id: each.version for each in session.execute(select(ModelVersion.id, ModelVersion.version))}
    sources: Counter[Source] = Counter()
    models: Counter[str] = Counter()
    for source, model, count in session.execute(select(*keys, func.count()).where(*window).group_by(*keys)):
        sources[source] += count
        models[versions[model]] += count
    return dict(sources.most_common()), dict(models.most_common())


def _histogram(session: Session, window: _Window) -> tuple[int, ...]:
    where = _Floored(StoredPrediction.payoff_probability * BINS)
    counts = [0] * BINS
    for number, count in session.execute(select(where, func.count()).where(*window).group_by(where)):
        counts[min(int(number), BINS - 1)] += count
    return tuple(counts)


def _latency(session: Session, window: _Window) -> dict[Source, Latency]:
    """Quantiles from counts by tenths of a millisecond: neither database has them, and ranking rows takes longer."""
    tenths = _Floored(StoredPrediction.milliseconds * 10)
    timed = (StoredPrediction.milliseconds.is_not(None), StoredPrediction.source != "batch")
    keys = (StoredPrediction.source, tenths)
    found = session.execute(select(*keys, func.count()).where(*window, *timed).group_by(*keys).order_by(*keys))
    counts: dict[Source, list[tuple[int, int]]] = {}
    for source, tenth, count in found:
        counts.setdefault(source, []).append((int(tenth), count))
    return {source: _quantiles(np.array(each)) for source, each in counts.items()}


def _quantiles(counts: np.ndarray) -> Latency:
    """From rows of (tenths of a millisecond, count), in order: the smallest that so many do not exceed."""
    cumulated = np.cumsum(counts[:, 1])
    total = int(cumulated[-1])
    ranks = np.ceil(np.array([0.5, 0.95, 0.99]) * total)
    median, p95, p99 = counts[np.searchsorted(cumulated, ranks), 0] / 10
    return Latency(total, float(median), float(p95), float(p99))


def _outcomes(session: Session, window: _Window) -> Outcomes | None:
    counted = select(StoredPrediction.outcome, func.count()).where(*window, StoredPrediction.outcome.is_not(None))
    counts = session.execute(counted.group_by(StoredPrediction.outcome)).all()
    if not counts:
        return None
    recorded = sum(count for _, count in counts)
    paid_off = sum(count for outcome, count in counts if outcome == "paid_off")
    judged = select(StoredPrediction.outcome, StoredPrediction.payoff_probability).where(*window)
    truth, payoff = newest_outcomes(session, judged)
    return Outcomes(
        recorded=recorded,
        paid_off=paid_off,
        payoff_share=share_of(paid_off, recorded),
        judged=truth.size,
        brier=mean_of(brier_scores(payoff, truth)),
        log_loss=mean_of(log_losses(payoff, truth)),
    )
