"""What was predicted: page by page, one by one, in figures; and how loans ended."""

from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import urlencode

from flask import url_for
from sqlalchemy.orm import Session
from werkzeug.exceptions import NotFound

from payoff.errors import InvalidAnswers
from webapp.api import schemas
from webapp.api.describing import described
from webapp.api.keys import api, known_caller, needs
from webapp.api.reading import checked, json_object, read_query
from webapp.storage import database, queries, statistics
from webapp.storage.tables import Details, StoredPrediction

_TAG = "History"
_NUMBER = f"<int(min=1, max={schemas.LARGEST_NUMBER}):number>"
_PATH = {"number": "The number that a prediction was stored under."}
_USUAL_DAYS = 30


@api.get("/predictions")
@described(_TAG, schemas.Page, "A page of them.", (400,), query=schemas.Asked)
def list_predictions() -> tuple[schemas.Page, dict[str, str]]:
    """List stored predictions, the newest first.

    `previous` and `next`, and the header `Link`, lead to the pages beside this one.
    """
    asked = read_query(schemas.Asked)
    _check_period(asked)
    if asked.before is not None and asked.after is not None:
        raise InvalidAnswers({"after": "cannot be given together with before"})
    filters = asked.model_dump(exclude={"before", "after", "size"})
    with database().session() as session:
        found = queries.page(
            session, queries.Filters(**filters), before=asked.before, after=asked.after, size=asked.size
        )
        rows = [schemas.Stored.model_validate(_stored(row)) for row in found.rows]
    beside = {
        "previous": _address(asked, after=found.newer) if found.newer is not None else None,
        "next": _address(asked, before=found.older) if found.older is not None else None,
    }
    links = [
        f'<{address}>; rel="{"prev" if name == "previous" else name}"' for name, address in beside.items() if address
    ]
    return schemas.Page(predictions=rows, **beside), {"Link": ", ".join(links)} if links else {}


@api.get(f"/predictions/{_NUMBER}")
@described(_TAG, schemas.StoredInFull, "The prediction.", (404,), path=_PATH)
def show_prediction(number: int) -> schemas.StoredInFull:
    """Show a stored prediction with the figures and the reasons that it was made from."""
    with database().session() as session:
        return _in_full(session, _found(session, number))


@api.put(f"/predictions/{_NUMBER}/outcome")
@described(_TAG, schemas.StoredInFull, "The prediction.", (400, 403, 404, 413, 415), body=schemas.Outcome, path=_PATH)
@needs("officer")
def record_outcome(number: int) -> schemas.StoredInFull:
    """Record how the loan of a prediction ended. For officers."""
    ended = checked(schemas.Outcome, json_object()).outcome
    with database().session() as session:
        queries.record_outcome(session, number, ended, known_caller().name)
        return _in_full(session, _found(session, number))


@api.get("/statistics")
@described(_TAG, schemas.Statistics, "The figures.", (400,), query=schemas.Period)
def show_statistics() -> schemas.Statistics:
    """Count the predictions of a period: the last 30 days, unless other days are asked for."""
    asked = read_query(schemas.Period)
    until = asked.until or datetime.now(UTC).date()
    since = asked.since or until - timedelta(days=_USUAL_DAYS - 1)
    _check_period(schemas.Period(since=since, until=until))
    with database().session() as session:
        found = statistics.overview(session, _midnight(since), _midnight(until) + timedelta(days=1))
    return schemas.Statistics.model_validate(found.as_json())


def _check_period(asked: schemas.Period) -> None:
    if asked.since and asked.until and asked.since > asked.until:
        raise InvalidAnswers({"until": "must not be before since"})


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _address(asked: schemas.Asked, **cursor: int) -> str:
    kept = asked.model_dump(mode="json", exclude_defaults=True, exclude={"before", "after"})
    return f"{url_for('api.list_predictions')}?{urlencode(kept | cursor)}"


def _found(session: Session, number: int) -> StoredPrediction:
    row = session.get(StoredPrediction, number)
    if row is None:
        raise NotFound("There is no prediction of this number.")
    return row


def _stored(row: StoredPrediction) -> dict[str, object]:
    same = set(schemas.Stored.model_fields) - {"number", "prediction", "model_version"}
    return {name: getattr(row, name) for name in same} | {
        "number": row.id, "prediction": row.verdict, "model_version": row.model.version,
    }  # fmt: skip


def _in_full(session: Session, row: StoredPrediction) -> schemas.StoredInFull:
    details = session.get_one(Details, row.id)
    return schemas.StoredInFull.model_validate(
        _stored(row) | {"threshold": details.threshold, "features": details.features, "reasons": details.reasons}
    )
