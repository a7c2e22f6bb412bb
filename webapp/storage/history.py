"""Predictions in the database: stored before they are answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from webapp.predictions import Prediction
from webapp.storage.tables import Arm, Details, ModelVersion, ShadowScore, Source, StoredPrediction


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


def store(
    session: Session,
    prediction: Prediction,
    how: Circumstances,
    reasons: Sequence[Mapping[str, Any]] | None = None,
) -> int:
    """Store one prediction with what it was made from; returns its number."""
    stored = StoredPrediction(**_row(session, prediction, how), made_at=datetime.now(UTC))
    session.add(stored)
    session.flush()
    session.execute(insert(Details).values(_details(stored.id, prediction, reasons)))
    return stored.id


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


def _row(session: Session, prediction: Prediction, how: Circumstances) -> dict[str, Any]:
    return {
        "source": how.source,
        "verdict": prediction.prediction,
        "payoff_probability": prediction.payoff_probability,
        "model_id": model_id(session, prediction.model_version, prediction.feature_set),
        "arm": how.arm,
        "application": how.application,
        "account_id": how.account_id,
        "amount_czk": prediction.terms.amount_czk,
        "duration_months": prediction.terms.duration_months,
        "milliseconds": how.milliseconds,
        "user_id": how.user_id,
        "batch_id": how.batch_id,
    }


def _details(number: int, prediction: Prediction, reasons: Sequence[Mapping[str, Any]] | None) -> dict[str, Any]:
    return {
        "prediction_id": number,
        "threshold": prediction.threshold,
        "features": dict(prediction.features),
        "reasons": None if reasons is None else [dict(each) for each in reasons],
    }
