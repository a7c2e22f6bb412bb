"""Invented predictions in the database, with everything that makes finding them hard."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import insert
from sqlalchemy.orm import Session
from web import DOUBTFUL, StandIn, database_of, metadata

from webapp.predictions import predict, typed_answers
from webapp.storage.history import Circumstances, Kept, store, store_shadow
from webapp.storage.tables import SOURCES, Details, ModelVersion, StoredPrediction

FIRST_DAY = datetime(2026, 1, 1, tzinfo=UTC)
MODELS = ("2026-01-01T00-00-00", "2026-01-02T00-00-00", "2026-01-03T00-00-00")
#: Alike but for case, blanks, or a character at the end of the alphabet; some look like numbers.
REFERENCES = (
    "A-1",
    "A-12",
    "a-1",
    "A_1",
    "A%1",
    "A",
    "A ",
    "12",
    "120",
    "7",
    "ž",
    "\N{GRINNING FACE}x",
    "A-\uffff",
    "A-\ud7ff",
)
REASONS = [
    {"base": 0.9},
    {"key": "lows", "effect": -0.2, "values": [["transaction_balance_min_180d", -12000.0]]},
    {"key": "terms", "effect": 0.05, "values": [["loan_amount_czk", 400000.0]]},
]
SHARES = (0.0, 0.05, 0.3, 0.5, 0.8, 0.85, 0.95, 0.99, 0.991, 0.999, 1.0)


def invented(rows: int, seed: int = 1) -> list[dict[str, Any]]:
    """Rows of five days, not quite in the order of their numbers, several of them at the same moment."""
    chance = random.Random(seed)
    made = []
    for number in range(1, rows + 1):
        minutes = number * 5 * 24 * 60 / rows + chance.choice((0, 0, 0, -90, 45))
        share = chance.choice((*SHARES, chance.random()))
        made.append(
            {
                "id": number * 2,
                "made_at": FIRST_DAY + timedelta(minutes=chance.choice((minutes, 60 * (minutes // 60)))),
                "source": chance.choice(SOURCES),
                "verdict": "paid_off" if share > chance.choice((0.8, 0.85)) else "default",
                "payoff_probability": share,
                "model_id": chance.choice((1, 1, 1, 2)),
                "application": chance.choice((*REFERENCES, f"{chance.getrandbits(64):016x}")),
                "account_id": chance.choice((None, 7, 12, 120)),
                "amount_czk": 1000.0 * number,
                "duration_months": 12.0,
            }
        )
    return made


def fill(session: Session, rows: list[dict[str, Any]]) -> None:
    """Store the rows, and the models they are of; one model has none."""
    models = [{"id": n, "version": version, "feature_set": "form"} for n, version in enumerate(MODELS, start=1)]
    session.execute(insert(ModelVersion), models)
    session.execute(insert(StoredPrediction), rows)
    details = [{"prediction_id": row["id"], "threshold": 0.8, "features": {}, "reasons": None} for row in rows]
    session.execute(insert(Details), details)


def filled(app: Flask, rows: int = 120) -> list[dict[str, Any]]:
    """Store so many invented rows in the tables of an app; the rows."""
    with database_of(app).session() as session:
        fill(session, made := invented(rows))
    return made


def doubtful(app: Flask, reasons: Any = REASONS, **how: Any) -> int:
    """Store a doubtful prediction with a shadow's score; its number."""
    model, shadow = StandIn(), StandIn(metadata("2026-02-02T02-02-02"), fixed=0.4)
    answers = typed_answers(model, DOUBTFUL)
    given: dict[str, Any] = {"source": "lookup", "application": "A-17", "account_id": 4711, "milliseconds": 41.2} | how
    with database_of(app).session() as session:
        (number,) = store(session, [Kept(predict(model, answers), Circumstances(**given), reasons)])
        store_shadow(session, number, predict(shadow, answers))
        return number
