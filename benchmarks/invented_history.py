"""A history of predictions as two years of use would leave it: skewed, in bursts, from one model after another."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from sqlalchemy import Engine, insert

from webapp.storage.tables import SOURCES, ModelVersion, StoredPrediction

START = datetime(2025, 1, 1, tzinfo=UTC)
DAYS = 730
#: Rows that a batch stores at once, at one moment.
_AT_ONCE = 1000
_TOGETHER = 20_000
_SECONDS = DAYS * 86_400


@dataclass(frozen=True)
class Invented:
    """A model version: its feature set, its share of the time, and how its log-odds of payoff spread.

    The threshold is of the probability of payoff, the ceiling its greatest one.
    """

    version: str
    feature_set: str
    from_share: float
    to_share: float
    mean: float
    spread: float
    threshold: float
    ceiling: float = 1.0


#: One was served for a day and rolled back; the first never said more than 0.97.
MODELS = (
    Invented("2024-12-20T08-00-00", "form", 0.00, 0.30, 2.0, 1.5, 0.80, 0.97),
    Invented("2025-08-08T08-00-00", "form", 0.30, 0.75, 3.0, 1.8, 0.83),
    Invented("2026-07-02T08-00-00", "form", 0.75, 1.00, 3.2, 2.0, 0.83),
    Invented("2024-12-21T08-00-00", "full", 0.00, 0.25, 2.6, 1.6, 0.78, 0.985),
    Invented("2025-07-02T08-00-00", "full", 0.25, 0.60, 3.4, 2.0, 0.83),
    Invented("2026-03-15T08-00-00", "full", 0.60, 0.6014, 0.5, 1.0, 0.80),
    Invented("2026-03-16T08-00-00", "full", 0.6014, 1.00, 3.6, 2.2, 0.85),
)
_OF_FULL = ("lookup", "batch")


def fill(engine: Engine, rows: int, seed: int = 20261121) -> None:
    """Store ``rows`` predictions, oldest first."""
    with engine.begin() as connection:
        models = [{"id": n, "version": m.version, "feature_set": m.feature_set} for n, m in enumerate(MODELS, start=1)]
        connection.execute(insert(ModelVersion), models)
    held: list[dict[str, Any]] = []
    for row in _rows(np.random.default_rng(seed), rows):
        held.append(row)
        if len(held) == _TOGETHER:
            _store(engine, held)
    _store(engine, held)


def _store(engine: Engine, held: list[dict[str, Any]]) -> None:
    with engine.begin() as connection:
        if held:
            connection.execute(insert(StoredPrediction), held)
    held.clear()


def _rows(random: np.random.Generator, rows: int) -> Iterator[dict[str, Any]]:
    kinds, sizes = _askings(random, rows)
    # Use grows threefold over the two years.
    seconds = np.sort((np.sqrt(1 + 8 * random.random(len(kinds))) - 1) / 2) * _SECONDS
    for number, (kind, size, second) in enumerate(zip(kinds, sizes, seconds, strict=True)):
        yield from _asked(random, SOURCES[kind], float(second), number, int(size))


def _askings(random: np.random.Generator, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Who asks, and for how many loans at once, ``rows`` in all: mostly programs ask, and most rows are of batches."""
    kinds = random.choice(len(SOURCES), rows, p=(0.237, 0.105, 0.0004, 0.6576))
    drawn = np.minimum(np.exp(random.normal(7.6, 1.3, rows)), 100_000).astype(int)
    sizes = np.where(kinds == SOURCES.index("batch"), drawn, 1)
    last = int(np.searchsorted(np.cumsum(sizes), rows))
    sizes[last] -= sizes[: last + 1].sum() - rows
    return kinds[: last + 1], sizes[: last + 1]


def _asked(random: np.random.Generator, source: str, second: float, number: int, size: int) -> Iterator[dict[str, Any]]:
    index, model = _serving("full" if source in _OF_FULL else "form", second / _SECONDS)
    odds = random.normal(model.mean, model.spread, size)
    payoff = np.minimum(1 / (1 + np.exp(-odds)), model.ceiling)
    durations = random.choice((12, 24, 36, 48, 60), size)
    amounts = np.exp(random.normal(11.6, 0.8, size)).round()
    accounts = random.integers(1, 11_383, size)
    for n in range(size):
        at = START.timestamp() + second + (n // _AT_ONCE) * 0.4
        yield {
            "made_at": datetime.fromtimestamp(at, UTC),
            "source": source,
            "verdict": "paid_off" if payoff[n] > model.threshold else "default",
            "payoff_probability": float(payoff[n]),
            "model_id": index,
            "application": _reference(random, source, number, n),
            "account_id": int(accounts[n]) if source in _OF_FULL else None,
            "amount_czk": float(amounts[n]),
            "duration_months": float(durations[n]),
            "milliseconds": 40.0,
        }


def _serving(feature_set: str, share: float) -> tuple[int, Invented]:
    return next(
        (number, model)
        for number, model in enumerate(MODELS, start=1)
        if model.feature_set == feature_set and model.from_share <= share < model.to_share
    )


def _reference(random: np.random.Generator, source: str, number: int, row: int) -> str:
    if source == "batch":
        return f"B{number:07d}-{row + 1:06d}"
    return f"A-{number:08d}" if source == "api" else random.bytes(16).hex()
