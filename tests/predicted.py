"""Predictions in a database, made up without a model."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from flask import Flask
from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session
from web import Served, StandIn, metadata, settings

from features.sets import feature_set
from payoff.metadata import Metadata
from webapp import create_app
from webapp.storage import EXTENSION as DATABASE
from webapp.storage.history import model_id
from webapp.storage.tables import Details, ShadowScore, StoredPrediction

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
THRESHOLD = 0.8
#: In the address of a dashboard, the days that ``filled`` fills.
WINDOW = "since=2026-02-15&until=2026-03-10"


def predictions(number: int, seed: int = 1, days: float = 20) -> pd.DataFrame:
    """Random predictions of the days before ``NOON``, one in five with its outcome, one in four from a batch."""
    rng = np.random.default_rng(seed)
    payoff = rng.beta(4, 1, number)
    source = rng.choice(["form", "lookup", "api", "batch"], number)
    ended = np.where(rng.random(number) < payoff, "paid_off", "default").astype(object)
    return pd.DataFrame(
        {
            "made_at": [NOON - timedelta(days=float(ago)) for ago in rng.uniform(0, days, number)],
            "source": source,
            "verdict": np.where(payoff > THRESHOLD, "paid_off", "default"),
            "payoff_probability": payoff,
            "version": rng.choice(["one", "two"], number, p=[0.8, 0.2]),
            "arm": None,
            "milliseconds": np.where(source == "batch", np.nan, rng.lognormal(3.4, 0.5, number)),
            "outcome": np.where(rng.random(number) < 0.2, ended, None),
        }
    )


def keep(session: Session, rows: pd.DataFrame, feature_set: str = "form") -> list[int]:
    """Store ``rows``; their numbers."""
    ids = {version: model_id(session, version, feature_set) for version in sorted(rows["version"].unique())}
    first = 1 + (session.scalar(select(func.max(StoredPrediction.id))) or 0)
    numbers = list(range(first, first + len(rows)))
    records = rows.drop(columns="version").assign(
        id=numbers,
        model_id=rows["version"].map(ids),
        application=[f"application {number}" for number in numbers],
        amount_czk=80_000.0,
        duration_months=24.0,
    )
    # pandas hands its own moments and NaN on; the database wants Python's.
    clean = records.astype(object).where(records.notna(), None).to_dict("records")
    for row in clean:
        row["made_at"] = pd.Timestamp(row["made_at"]).to_pydatetime()
    session.execute(insert(StoredPrediction), clean)
    return numbers


def keep_features(session: Session, numbers: Sequence[int], features: Sequence[dict[str, Any]]) -> None:
    """Store what the models saw in the predictions of ``numbers``."""
    rows = [
        {"prediction_id": number, "threshold": THRESHOLD, "features": row, "reasons": None}
        for number, row in zip(numbers, features, strict=True)
    ]
    session.execute(insert(Details), rows)


def keep_shadows(session: Session, numbers: Sequence[int], payoff: Sequence[float], version: str = "shadow") -> None:
    """Store what the challenger ``version`` said of the predictions of ``numbers``."""
    model = model_id(session, version, "form")
    rows = [
        {
            "prediction_id": number,
            "model_id": model,
            "payoff_probability": float(said),
            "verdict": "paid_off" if said > THRESHOLD else "default",
        }
        for number, said in zip(numbers, payoff, strict=True)
    ]
    session.execute(insert(ShadowScore), rows)


def trained_on(table: pd.DataFrame, described: Metadata) -> Metadata:
    """``described`` as if it had been trained on ``table``."""
    from training.publish import _deciles, _shares

    return described.model_copy(
        update={"quantiles": _deciles(table), "shares": _shares(table), "train_loans": len(table)}
    )


def table(number: int, seed: int = 0) -> pd.DataFrame:
    """Features of made-up loans, in the order of the set ``form``."""
    rng = np.random.default_rng(seed)
    columns = {}
    for feature in feature_set("form"):
        categories = feature.categories
        columns[feature.name] = rng.choice(categories, number) if categories else rng.normal(100, 10, number)
    return pd.DataFrame(columns)


def records(features: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in features.to_dict("records")]


def filled(directory: Path, mode: str = "off") -> Flask:
    """An app with six hundred predictions, whose amounts drifted."""
    model = StandIn(trained_on(table(500), metadata("one")))
    app = create_app(settings(directory, challenger=mode), models=Served(model))
    asked = table(600, seed=1)
    asked["loan_amount_czk"] += 30
    with app.extensions[DATABASE].session() as session:
        numbers = keep(session, predictions(600).assign(version="one"))
        keep_features(session, numbers, records(asked))
        keep_shadows(session, numbers[:300], np.linspace(0.1, 0.99, 300))
    return app
