"""A lake of several model versions without a model, and an app that shows them to staff."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest
from argon2 import PasswordHasher
from flask import Flask
from published import CERTAIN, DOUBTFUL, publish
from sqlalchemy.orm import Session
from web import Served, StandIn, employ, metadata, settings

from payoff.errors import StorageError
from payoff.lake import DirectoryLake
from payoff.metadata import Calibration, Figure
from payoff.registry import challenge, promote
from webapp import LAKE, create_app
from webapp.storage import Database, passwords
from webapp.storage.tables import User
from webapp.storage.users import find_user

CHAMPION, CHALLENGER, FULL, DAMAGED = (
    "2026-01-05T09-30-00",
    "2026-02-01T08-00-00",
    "2026-01-06T07-00-00",
    "2026-03-03T03-03-03",
)

_NAMES = (
    "accuracy", "balanced_accuracy", "mcc", "roc_auc", "f1", "precision", "recall", "pr_auc", "ks", "brier", "log_loss",
)  # fmt: skip


#: The program's own, before any test makes it quick.
THOROUGH = passwords._hasher


@contextmanager
def quick_hashes() -> Iterator[None]:
    """Argon2id with the least work, so that a test of many logins takes no minute."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        passwords.of_nobody.cache_clear()
        yield
    passwords.of_nobody.cache_clear()


def figures(middle: float) -> dict[str, Figure]:
    """Every metric, each a little further from the last."""
    return {
        name: Figure(value=middle + step / 100, low=middle + step / 100 - 0.05, high=middle + step / 100 + 0.04)
        for step, name in enumerate(_NAMES)
    }


def lake_in(directory: Path) -> DirectoryLake:
    """A champion and a worse challenger of ``form``, a champion of ``full``, and a version that cannot be read."""
    lake = DirectoryLake(directory / "lake")
    said = np.clip(CERTAIN + np.linspace(-0.04, 0.25, CERTAIN.size), 0, 1)
    publish(lake, CHAMPION, said, metrics=figures(0.8), baseline=figures(0.4), calibration=Calibration(slope=1.1))
    promote(lake, CHAMPION, reason="trained")
    late = datetime(2026, 2, 1, 8, tzinfo=UTC)
    publish(lake, CHALLENGER, DOUBTFUL, metrics=figures(0.7), baseline=figures(0.4), trained_at=late, preset="best")
    challenge(lake, CHALLENGER)
    publish(lake, FULL, said, feature_set="full", features=("loan_amount_czk",), metrics=figures(0.9))
    promote(lake, FULL)
    lake.write(f"models/{DAMAGED}/metadata.json", b'{"who": "knows"}')
    return lake


def staffed(directory: Path) -> Flask:
    """The app on such a lake, with somebody of each role whose name is the role."""
    lake_in(directory)
    models = Served(
        StandIn(metadata(CHAMPION)),
        StandIn(metadata(FULL).model_copy(update={"feature_set": "full", "features": ("loan_amount_czk",)}), fixed=0.1),
        challenger=StandIn(metadata(CHALLENGER), fixed=0.4),
    )
    app = create_app(settings(directory), models=models)
    for role in ("viewer", "officer", "admin"):
        employ(app, role, role)
    return app


def lake_of(app: Flask) -> DirectoryLake:
    """The lake of an app."""
    lake: DirectoryLake = app.extensions[LAKE]
    return lake


def told_at_once(database: Database, end: Callable[[Session, User], None]) -> list[str]:
    """What ada and eva are told, in order, when ``end`` meets both in one moment; nothing where it is done."""
    both = Barrier(2)

    def told(name: str) -> str:
        try:
            with database.session() as session:
                user = find_user(session, name)
                both.wait()
                end(session, user)
        except StorageError as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(2) as pool:
        return sorted(pool.map(told, ["ada", "eva"]))
