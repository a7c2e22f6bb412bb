"""Predictions in the database: stored before they are answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast
from uuid import uuid4

from sqlalchemy import TableClause, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from webapp.predictions import Prediction
from webapp.storage.tables import Arm, Details, ModelVersion, ShadowScore, Source, StoredPrediction

_PREDICTIONS = cast("TableClause", StoredPrediction.__table__)
_DETAILS = cast("TableClause", Details.__table__)


@dataclass(frozen=True)
class Circumstances:
    """How a prediction came about.

    Attributes
    ----------
    application : str
        The asker's own reference; a random one where there is none.
    milliseconds : float, optional
        From question to answer, without the storing.
    """

    source: Source
    application: str = field(default_factory=lambda: uuid4().hex)
    account_id: int | None = None
    user_id: int | None = None
    batch_id: int | None = None
    arm: Arm | None = None
    milliseconds: float | None = None


@dataclass(frozen=True)
class Kept:
    """What is stored of one prediction.

    Attributes
    ----------
    reasons : sequence of mappings, optional
        As ``webapp.explaining.as_json`` gives them.
    """

    prediction: Prediction
    how: Circumstances
    reasons: Sequence[Mapping[str, Any]] | None = None


def store(session: Session, kept: Sequence[Kept]) -> list[int]:
    """Store predictions with what they were made from; returns their numbers, in order."""
    now = datetime.now(UTC)
    versions = {each.prediction.model_version: each.prediction.feature_set for each in kept}
    models = {version: model_id(session, version, feature_set) for version, feature_set in versions.items()}
    session.execute(insert(_PREDICTIONS), [_row(models, each) | {"made_at": now} for each in kept])
    numbers = _numbers(session, now, kept)
    session.execute(insert(_DETAILS), [_details(*each) for each in zip(numbers, kept, strict=True)])
    return numbers


def _numbers(session: Session, now: datetime, kept: Sequence[Kept]) -> list[int]:
    """The numbers of what was just stored.

    Asked for, and not returned by the insert: SQLAlchemy would insert one by one to know whose number is whose.
    """
    applications = {each.how.application for each in kept}
    found: dict[str, list[int]] = {application: [] for application in applications}
    # The newest of an application are those of this transaction, however often the clock shows the same moment.
    stored = (
        select(_PREDICTIONS.c.application, _PREDICTIONS.c.id)
        .where(_PREDICTIONS.c.application.in_(applications), _PREDICTIONS.c.made_at == now)
        .order_by(_PREDICTIONS.c.id.desc())
    )
    for application, number in session.execute(stored):
        found[application].append(number)
    return [found[each.how.application].pop(0) for each in reversed(kept)][::-1]


def lies(session: Session, numbers: Sequence[int], kept: Sequence[Kept]) -> bool:
    """Whether ``store`` gave these numbers in a transaction that was committed; a server may give a number anew."""
    stored = dict(
        session.execute(
            select(_PREDICTIONS.c.id, _PREDICTIONS.c.application).where(_PREDICTIONS.c.id.in_(numbers))
        ).all()
    )
    return stored == {number: each.how.application for number, each in zip(numbers, kept, strict=True)}


def store_shadow(session: Session, number: int, shadow: Prediction) -> None:
    """Store what the challenger said, unseen, of the stored prediction ``number``."""
    score = ShadowScore(
        prediction_id=number,
        model_id=model_id(session, shadow.model_version, shadow.feature_set),
        payoff_probability=shadow.payoff_probability,
        verdict=shadow.prediction,
    )
    session.add(score)


def model_id(session: Session, version: str, feature_set: str) -> int:
    """The number that stands for a model version, given to it when it is first seen."""
    number = session.scalar(select(ModelVersion.id).where(ModelVersion.version == version))
    if number is not None:
        return number
    try:
        with session.begin_nested():
            model = ModelVersion(version=version, feature_set=feature_set)
            session.add(model)
    except IntegrityError:
        # Another process has seen it first.
        return session.execute(select(ModelVersion.id).where(ModelVersion.version == version)).scalar_one()
    return model.id


def _row(models: Mapping[str, int], kept: Kept) -> dict[str, Any]:
    prediction, how = kept.prediction, kept.how
    return {
        "source": how.source,
        "verdict": prediction.prediction,
        "payoff_probability": prediction.payoff_probability,
        "model_id": models[prediction.model_version],
        "arm": how.arm,
        "application": how.application,
        "account_id": how.account_id,
        "amount_czk": prediction.terms.amount_czk,
        "duration_months": prediction.terms.duration_months,
        "milliseconds": how.milliseconds,
        "user_id": how.user_id,
        "batch_id": how.batch_id,
    }


def _details(number: int, kept: Kept) -> dict[str, Any]:
    return {
        "prediction_id": number,
        "threshold": kept.prediction.threshold,
        "features": dict(kept.prediction.features),
        "reasons": None if kept.reasons is None else [dict(each) for each in kept.reasons],
    }
