"""Stored predictions, found by any filter, page by page and newest first; one of them in full; how its loan ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from payoff.choices import Verdict
from payoff.errors import InvalidAnswers
from webapp.storage.audit import note
from webapp.storage.finding import BROADEST_SEARCH, LARGEST_NUMBER, Chosen, Lookup, count, lookup, numbers, searched
from webapp.storage.tables import Details, ModelVersion, ShadowScore, Source, StoredPrediction

#: What pages count up to; the exact number of many says little and takes long.
MOST_COUNTED = 10_000


@dataclass(frozen=True)
class Filters:
    """What is looked for; None and the empty search leave open.

    Attributes
    ----------
    since, until : date, optional
        Days (UTC), both included.
    lowest, highest : float, optional
        Probability of payoff, both included.
    model : str, optional
        Version.
    search : str
        What the application's reference begins with, an account's number, or a prediction's.
    """

    since: date | None = None
    until: date | None = None
    verdict: Verdict | None = None
    lowest: float | None = None
    highest: float | None = None
    model: str | None = None
    source: Source | None = None
    search: str = ""


@dataclass(frozen=True)
class Page:
    """Predictions one after the other, newest first.

    Attributes
    ----------
    newer, older : int, optional
        To be given as ``after`` and ``before``; None where nothing is further that way.
    """

    rows: Sequence[StoredPrediction]
    newer: int | None
    older: int | None


def page(
    session: Session, filters: Filters, *, before: int | None = None, after: int | None = None, size: int = 50
) -> Page:
    """The newest predictions that fit, or those next before (older than) or after (newer than) another.

    Parameters
    ----------
    before, after : int
        A prediction's number, whether it fits or not, or was deleted; one of the two at most. ``after=0`` gives the
        oldest.

    Raises
    ------
    InvalidAnswers
        The search fits more than ``BROADEST_SEARCH`` predictions.
    """
    where, newest_first = _where(session, filters), after is None
    cursor = _within(before if newest_first else after)
    beyond = None if cursor is None else _position(session, cursor)
    if where is None or (before is not None and beyond is None):
        return Page((), None, None)
    found = numbers(session, where, beyond, newest_first, size + 1)
    rows = _rows(session, found[:size])
    if not rows:
        return Page((), None, None)
    ahead, behind = len(found) > size, beyond is not None
    older, newer = (ahead, behind) if newest_first else (behind, ahead)
    return Page(rows, rows[0].id if newer else None, rows[-1].id if older else None)


def found(session: Session, filters: Filters, most: int = MOST_COUNTED) -> tuple[int, bool]:
    """How many predictions fit, ``most`` at most, and whether there are more than that.

    Raises
    ------
    InvalidAnswers
        As :func:`page`.
    """
    where = _where(session, filters)
    counted = count(session, where, most + 1) if where else 0
    return min(counted, most), counted > most


def detail(session: Session, number: int) -> tuple[StoredPrediction, Details, ShadowScore | None] | None:
    """One prediction with what it was made from, and what the challenger would have said; None if there is none."""
    if _within(number) != number:
        return None
    row = session.get(StoredPrediction, number)
    details = session.get(Details, number)
    return (row, details, session.get(ShadowScore, number)) if row and details else None


def versions(session: Session) -> Sequence[str]:
    """Every model version that ever answered, newest first."""
    return session.scalars(select(ModelVersion.version).order_by(ModelVersion.version.desc())).all()


def record_outcome(session: Session, number: int, outcome: Verdict | None, actor: str) -> bool:
    """Keep how a loan ended, or with None that it is not known after all; whether there is such a prediction."""
    row = session.get(StoredPrediction, number) if _within(number) == number else None
    if row is None:
        return False
    if row.outcome != outcome:
        note(session, actor, "prediction.outcome", f"prediction {number}", {"from": row.outcome, "to": outcome})
        row.outcome, row.outcome_at = outcome, datetime.now(UTC) if outcome else None
    return True


def _within(number: int | None) -> int | None:
    """The nearest number that a prediction can have; SQLite fails on larger ones."""
    return None if number is None else max(0, min(number, LARGEST_NUMBER))


def _where(session: Session, filters: Filters) -> Lookup | None:
    """Where to look; None where nothing can fit, because no such model ever answered."""
    number = None
    if filters.model is not None:
        number = session.scalar(select(ModelVersion.id).where(ModelVersion.version == filters.model))
        if number is None:
            return None
    if filters.search:
        _check_breadth(session, filters.search)
    return lookup(
        Chosen(
            filters.since, filters.until, filters.verdict, filters.lowest, filters.highest, number, filters.source,
            filters.search,
        )
    )  # fmt: skip


def _check_breadth(session: Session, search: str) -> None:
    runs, values = searched(search)
    everything = Lookup((), tuple(runs), values, overlapping=True)
    if count(session, everything, BROADEST_SEARCH + 1) > BROADEST_SEARCH:
        raise InvalidAnswers({"search": f"fits more than {BROADEST_SEARCH:,} predictions; give more of the reference"})


def _position(session: Session, number: int) -> tuple[datetime, int] | None:
    """Where a prediction stands in time, or stood; None where none was ever as old."""
    nearest = select(StoredPrediction.made_at).where(StoredPrediction.id <= number)
    moment = session.scalar(nearest.order_by(StoredPrediction.id.desc()).limit(1))
    return None if moment is None else (moment, number)


def _rows(session: Session, numbers_: Sequence[int]) -> list[StoredPrediction]:
    """The rows of these numbers, newest first."""
    rows = session.scalars(select(StoredPrediction).where(StoredPrediction.id.in_(numbers_))).all()
    return sorted(rows, key=lambda row: (row.made_at, row.id), reverse=True)
