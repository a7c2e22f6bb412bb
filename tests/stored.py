"""Invented predictions in the database, with everything that makes finding them hard."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

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
