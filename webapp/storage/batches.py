"""Batches in the database: whose turn it is, who works on it, and the predictions that come of it.

A runner holds a batch by the moment at which it took it, ``started_at``. Whatever it writes asks that the batch still
bears that moment, so that of two runners that both believe to hold a batch only the later one can write.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, TableClause, and_, insert, or_, select, update
from sqlalchemy.orm import Session

from webapp.predictions import Prediction
from webapp.storage.history import model_id
from webapp.storage.tables import Batch, Details, Status, StoredPrediction

#: How long a runner may be silent before another takes its batch over.
SILENCE = timedelta(seconds=30)
#: How often the same rows are tried, if runners die of them.
MOST_TRIES = 3

_PREDICTIONS = cast("TableClause", StoredPrediction.__table__)
_DETAILS = cast("TableClause", Details.__table__)


@dataclass(frozen=True)
class Scored:
    """A prediction of a batch, and what it is known by.

    Attributes
    ----------
    reasons : sequence of mappings, optional
        As they are stored with a prediction.
    """

    prediction: Prediction
    application: str
    account_id: int | None = None
    reasons: Sequence[Mapping[str, Any]] | None = None


def newest_batches(session: Session, most: int, before: int | None = None) -> Sequence[Batch]:
    """Batches, newest first; with ``before``, those older than that one."""
    wanted = select(Batch).order_by(Batch.id.desc()).limit(most)
    return session.scalars(wanted.where(Batch.id < before) if before else wanted).all()


def claim(session: Session, now: datetime) -> Batch | None:
    """The oldest batch that waits or whose runner has died, now held by the caller; None where there is none.

    One that its runners died of too often at the same row is ended as failed.
    """
    for batch in session.scalars(select(Batch).where(_free(now)).order_by(Batch.id)).all():
        options = _tried(batch)
        ends = options["tries"] > MOST_TRIES
        held: dict[str, Any] = {"status": "running", "started_at": now, "beats_at": now, "options": options}
        if ends:
            held = {
                "status": "failed",
                "ended_at": now,
                "failure": f"stopped {MOST_TRIES} times after row {batch.done}",
            }
        taken = _update(session, and_(Batch.id == batch.id, _free(now)), held)
        if taken and not ends:
            session.refresh(batch)
            return batch
    return None


def beat(session: Session, batch: Batch) -> bool:
    """Say that the runner lives; False where it holds the batch no more."""
    return _update(session, _held(batch), {"beats_at": datetime.now(UTC)})


def advance(session: Session, batch: Batch, rows: int, scored: Sequence[Scored]) -> bool:
    """Store what a chunk of ``rows`` rows gave, and that it is done: both, or neither.

    Returns
    -------
    bool
        False where the runner holds the batch no more; nothing is stored then.
    """
    # First, because it locks the row: whoever takes the batch over meanwhile waits and then finds it alive.
    counted = {"done": batch.done + rows, "bad": batch.bad + rows - len(scored), "beats_at": datetime.now(UTC)}
    if not _update(session, _held(batch), counted):
        return False
    if scored:
        _store(session, batch, scored)
    return True


def end(session: Session, batch: Batch, status: Status, failure: str | None = None) -> bool:
    """End a batch; False where the runner holds it no more."""
    words = failure[:1000] if failure else None
    return _update(session, _held(batch), {"status": status, "ended_at": datetime.now(UTC), "failure": words})


def try_again(session: Session, number: int) -> bool:
    """Let a batch that failed go on from where it stopped; False where it did not fail."""
    batch = session.get(Batch, number)
    if batch is None:
        return False
    waiting = {"status": "waiting", "ended_at": None, "failure": None, "options": dict(batch.options) | {"tries": 0}}
    return _update(session, and_(Batch.id == number, Batch.status == "failed"), waiting)


def _store(session: Session, batch: Batch, scored: Sequence[Scored]) -> None:
    now = datetime.now(UTC)
    session.execute(insert(_PREDICTIONS), _rows(session, batch, scored, now))
    # Asked for, and not returned by the insert: SQLAlchemy would insert one by one to know whose number is whose.
    numbers = session.scalars(select(_PREDICTIONS.c.id).where(*_just_stored(batch, now)).order_by(_PREDICTIONS.c.id))
    details = [
        {
            "prediction_id": number,
            "threshold": each.prediction.threshold,
            "features": each.prediction.features,
            "reasons": each.reasons,
        }
        for number, each in zip(numbers, scored, strict=True)
    ]
    session.execute(insert(_DETAILS), details)


def _rows(session: Session, batch: Batch, scored: Sequence[Scored], now: datetime) -> list[dict[str, Any]]:
    first = scored[0].prediction
    model = model_id(session, first.model_version, first.feature_set)
    return [
        {
            "made_at": now,
            "source": "batch",
            "verdict": each.prediction.prediction,
            "payoff_probability": each.prediction.payoff_probability,
            "model_id": model,
            "application": each.application,
            "account_id": each.account_id,
            "amount_czk": each.prediction.terms.amount_czk,
            "duration_months": each.prediction.terms.duration_months,
            "user_id": batch.user_id,
            "batch_id": batch.id,
        }
        for each in scored
    ]


def _just_stored(batch: Batch, now: datetime) -> tuple[ColumnElement[bool], ...]:
    # Of one batch, whose row is locked, no two chunks are stored at the same moment; the moment has an index.
    return _PREDICTIONS.c.made_at == now, _PREDICTIONS.c.batch_id == batch.id


def _free(now: datetime) -> ColumnElement[bool]:
    dead = and_(Batch.status == "running", Batch.beats_at < now - SILENCE)
    return or_(Batch.status == "waiting", dead)


def _held(batch: Batch) -> ColumnElement[bool]:
    return and_(Batch.id == batch.id, Batch.status == "running", Batch.started_at == batch.started_at)


def _tried(batch: Batch) -> dict[str, Any]:
    """Its options, with the number of times that somebody set out from the row where it stands."""
    options = dict(batch.options)
    before = options.get("tries", 0) if options.get("tried_at") == batch.done else 0
    return options | {"tries": before + 1, "tried_at": batch.done}


def _update(session: Session, which: ColumnElement[bool], values: Mapping[str, Any]) -> bool:
    statement = update(Batch).where(which).values(**values).execution_options(synchronize_session=False)
    return cast("CursorResult[Any]", session.execute(statement)).rowcount == 1
