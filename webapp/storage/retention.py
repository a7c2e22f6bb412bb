"""Deleting predictions: single ones, those that are too old, and all of an application or an account."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete as deletion
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from payoff.errors import StorageError
from webapp.storage import Database
from webapp.storage.audit import note
from webapp.storage.tables import StoredPrediction

#: Deleted in one transaction at most, so that those who store meanwhile get their turn.
AT_ONCE = 5000
_NOTED = 20


@dataclass(frozen=True)
class Kept:
    """What is stored of one source."""

    source: str
    predictions: int
    oldest: datetime
    newest: datetime


def by_source(session: Session) -> list[Kept]:
    """What is stored, by source."""
    made_at, source = StoredPrediction.made_at, StoredPrediction.source
    counted = select(source, func.count(), func.min(made_at), func.max(made_at)).group_by(source).order_by(source)
    return [Kept(*row) for row in session.execute(counted)]


def delete(session: Session, numbers: Sequence[int], actor: str) -> int:
    """Delete predictions with all that belongs to them; how many of the numbers there were."""
    there = session.scalars(select(StoredPrediction.id).where(StoredPrediction.id.in_(numbers))).all()
    if there:
        _delete(session, there)
        note(session, actor, "prediction.deleted", _subject(there), _figures(there))
    return len(there)


def purge(database: Database, older_than: datetime, actor: str) -> int:
    """Delete what was made before a moment, oldest first; how many predictions that were.

    Each ``AT_ONCE`` are a transaction of their own, so a purge that was stopped has done a part and can be run again.
    """
    purged = 0
    while True:
        with database.session() as session:
            old = select(StoredPrediction.id).where(StoredPrediction.made_at < older_than)
            there = session.scalars(old.order_by(StoredPrediction.made_at).limit(AT_ONCE)).all()
            if not there:
                return purged
            _delete(session, there)
            until = {"made before": older_than.astimezone(UTC).isoformat()}
            note(session, actor, "prediction.purged", _subject(there), {"predictions": len(there)} | until)
        purged += len(there)


def forget(session: Session, actor: str, *, application: str | None = None, account_id: int | None = None) -> int:
    """Delete all predictions of one application or of one account, at a person's request; how many there were.

    The audit log names neither, or it would keep what was to be forgotten.

    Raises
    ------
    StorageError
        Neither was given, or both.
    """
    if (application is None) == (account_id is None):
        raise StorageError("name either the application or the account whose predictions are to be deleted")
    whose = (
        StoredPrediction.application == application if account_id is None else StoredPrediction.account_id == account_id
    )
    there = session.scalars(select(StoredPrediction.id).where(whose)).all()
    for start in range(0, len(there), AT_ONCE):
        _delete(session, there[start : start + AT_ONCE])
    if there:
        what = "an application" if account_id is None else "an account"
        note(session, actor, "prediction.forgotten", f"all of {what}", _figures(there))
    return len(there)


def _delete(session: Session, numbers: Sequence[int]) -> None:
    # Details and shadow scores go with them: the foreign keys cascade.
    session.execute(deletion(StoredPrediction).where(StoredPrediction.id.in_(numbers)))


def _subject(numbers: Sequence[int]) -> str:
    return f"prediction {numbers[0]}" if len(numbers) == 1 else f"{len(numbers)} predictions"


def _figures(numbers: Sequence[int]) -> dict[str, Any]:
    return {"predictions": len(numbers), "numbers": list(numbers[:_NOTED])}
